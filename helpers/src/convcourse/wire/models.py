"""A Keras model as plain data, and back: its architecture, compile settings and weights.

The receiver does not trust the sender: it rebuilds only the built-in layers in `TRUSTED_LAYERS`,
and bounds sizes before it allocates anything.
"""

import json
from typing import Any

import numpy as np

from convcourse.wire.export import MAX_TEXT, ExportError

MAX_PARAMETERS = 60_000_000
MAX_SIZE = 1_000_000  # any number in a layer's configuration: a unit, a pixel, an axis
MAX_UNITS = 65_536
MAX_LAYERS = 1_000

_LAYER_NAMES = """
    InputLayer Conv1D Conv2D SeparableConv2D DepthwiseConv2D Dense Flatten Reshape Activation
    ReLU LeakyReLU ELU PReLU Softmax MaxPooling2D AveragePooling2D GlobalAveragePooling2D
    GlobalMaxPooling2D BatchNormalization LayerNormalization GroupNormalization Dropout
    SpatialDropout2D GaussianNoise Rescaling Normalization Resizing ZeroPadding2D Cropping2D
    Permute UnitNormalization RandomFlip RandomTranslation RandomRotation RandomZoom
    RandomErasing RandomContrast RandomBrightness ActivityRegularization Identity
    Add Subtract Multiply Average Maximum Minimum Concatenate Dot Sequential Functional
    Model"""
TRUSTED_LAYERS = frozenset(_LAYER_NAMES.split())
# Objects inside a layer's configuration: initializers, regularizers, policies and the like.
TRUSTED_PARTS = ("initializers", "regularizers", "constraints", "dtype_policies", "activations")


def model_to_plain(model: Any) -> tuple[dict, list[np.ndarray]]:
    """Turn a Keras model into plain data.

    Args:
        model: A built model, sequential or functional.

    Returns:
        A tree with the architecture and the compile settings, and the weights.

    Raises:
        ExportError: If the value is not such a model, for example a subclass of ``keras.Model``,
            whose layers cannot be read from outside.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise ExportError(f"this is a {type(model).__name__}, not a Keras model")
    if not model.built:
        raise ExportError("the network is not built: begin it with keras.layers.Input(shape=...)")
    # What `keras.Model(inputs, outputs)` returns has no public class, only this name.
    kind = _kind(model)
    if kind not in ("Sequential", "Functional"):
        raise ExportError(
            "the network is a class of its own; write it with keras.Sequential or keras.Model("
            "inputs, outputs), so that its layers can be checked"
        )
    try:
        text = json.dumps(keras.saving.serialize_keras_object(model).get("config"))
    except Exception as error:
        raise ExportError(f"the network cannot be written down as layers: {error}") from None
    weights = [np.asarray(w) for w in model.get_weights()]
    tree = {"class": kind, "config": text, "compiled": compile_settings(model)}
    return tree, weights


def _kind(model: Any) -> str:
    """Sequential or Functional, where Keras made the class; Keras publishes only the first."""
    names = [base.__name__ for base in type(model).__mro__ if base.__module__.startswith("keras.")]
    return next((name for name in names if name in ("Sequential", "Functional")), "Model")


def compile_settings(model: Any) -> dict:
    """Read how a Keras model was compiled.

    Args:
        model: A Keras model.

    Returns:
        ``optimizer``, ``learning_rate`` (None for a schedule), ``loss``, ``metrics`` and
        ``from_logits``, as names and numbers; an empty dictionary if it is not compiled.
    """
    if not getattr(model, "compiled", False):
        return {}
    config = model.get_compile_config() or {}
    rate = getattr(model.optimizer, "learning_rate", None)
    try:
        rate = float(np.asarray(rate))
    except (TypeError, ValueError):
        rate = None  # a schedule
    metrics = config.get("metrics") or []
    return {
        "optimizer": type(model.optimizer).__name__.lower(),
        "learning_rate": rate,
        "loss": _name(config.get("loss")),
        "metrics": [_name(m) for m in (metrics if isinstance(metrics, list) else [metrics])],
        "from_logits": _from_logits(model.loss),
    }


def _name(part: Any) -> str:
    """A loss or metric as its snake-case name, be it given as text, a class or an object."""
    if isinstance(part, dict):
        kind, config = part.get("class_name", ""), part.get("config")
        part = config if kind == "function" and isinstance(config, str) else kind
    text = part if isinstance(part, str) else getattr(part, "__name__", type(part).__name__)
    if text.islower():
        return text
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(text))


def _from_logits(loss: Any) -> bool:
    config = loss.get_config() if hasattr(loss, "get_config") else {}
    return bool(config.get("from_logits", False))


def model_from_plain(tree: dict, arrays: list[np.ndarray]) -> Any:
    """Rebuild a Keras model from plain data.

    Args:
        tree: The tree of `model_to_plain`, from a sender who is not trusted.
        arrays: The weights.

    Returns:
        A Keras model with these weights, not compiled.

    Raises:
        ExportError: If a layer is not in `TRUSTED_LAYERS`, something is too large, or the weights
            do not fit or are not finite.
    """
    import keras

    if sum(a.size for a in arrays) > MAX_PARAMETERS:
        raise ExportError(f"the network has more than {MAX_PARAMETERS:,} parameters")
    config = _read_config(tree)
    _check_trusted(config)
    try:
        if tree.get("class") == "Sequential":
            model = _sequential(config)
        else:
            model = keras.Model.from_config(config)
        shapes = [tuple(w.shape) for w in model.weights]
    except Exception as error:
        kind = type(error).__name__  # its words could quote what a hidden check has asked for
        raise ExportError(f"the network cannot be rebuilt from its layers ({kind})") from None
    if shapes != [tuple(a.shape) for a in arrays]:
        raise ExportError("the weights do not fit the layers of the network")
    if not all(a.dtype.kind in "fiub" and np.isfinite(a).all() for a in arrays):
        raise ExportError(
            "the network has weights that are not finite (nan or inf): training diverged; "
            "lower the learning rate and train again"
        )
    model.set_weights(arrays)
    return model


def _sequential(config: dict) -> Any:
    """Connect all layers once; ``keras.Sequential.from_config`` does it again for each layer."""
    import keras

    layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
    model = keras.Sequential(layers, name=config["name"])
    if not model.built and config.get("build_input_shape"):
        model.build(config["build_input_shape"])
    return model


def _uncompiled(node: dict) -> dict:
    return {key: part for key, part in node.items() if key != "compile_config"}


def _read_config(tree: dict) -> dict:
    text = tree.get("config") if isinstance(tree, dict) else None
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise ExportError("the network's description is missing or too long")
    try:
        # How a network inside this one was compiled need not be rebuilt.
        config = json.loads(text, object_hook=_uncompiled)
    except (ValueError, RecursionError):
        raise ExportError("the network's description is malformed") from None
    if not isinstance(config, dict):
        raise ExportError("the network's description is malformed")
    return config


def _check_trusted(node: Any, depth: int = 0, key: str = "") -> None:
    """Refuse every object that is not a built-in layer or part, and sizes beyond reason."""
    if depth > 60:
        raise ExportError("the network's description is nested too deep")
    if isinstance(node, list):
        if key == "layers" and len(node) > MAX_LAYERS:
            raise ExportError(f"the network has more than {MAX_LAYERS:,} layers")
        for item in node:
            _check_trusted(item, depth + 1, key)
    elif isinstance(node, dict):
        if "class_name" in node:
            _check_object(node)
        for key, item in node.items():
            if "seed" not in str(key) or isinstance(item, (dict, list)):
                _check_trusted(item, depth + 1, str(key))
    elif isinstance(node, (int, float)):
        most = MAX_UNITS if key in ("units", "filters") else MAX_SIZE
        what = key if key in ("units", "filters") else "a size"
        if abs(node) > most:
            raise ExportError(f"a layer has {what} of more than {most:,}, larger than needed here")


def _check_object(node: dict) -> None:
    """Refuse a class or function that is not Keras's own; the words quote only Keras's names."""
    import keras

    name, module = str(node.get("class_name")), str(node.get("module") or "")
    known = isinstance(getattr(keras.layers, name, None), type)
    parts = module.split(".")
    foreign = node.get("registered_name") not in (None, "", name)
    if foreign or (parts[:1] != ["keras"] and module not in ("builtins", "")):
        what = name if known else "a layer or function of your own"
        raise ExportError(f"{what} is not one of Keras's own; use built-in layers only")
    if len(parts) > 1 and parts[1] in TRUSTED_PARTS and not name.startswith("__"):
        return
    if name in TRUSTED_LAYERS or name in ("__tuple__", "__keras_tensor__", "DTypePolicy"):
        return
    kind = f"of type {name}" if known else "of your own"
    raise ExportError(f"a layer {kind} cannot be checked; use Keras's built-in layers")
