"""A Keras model as plain data, and back: its architecture, compile settings and weights.

A model of built-in layers crosses as its configuration. What any other model computes is traced
(`tracing`), crosses as steps, and becomes a model of built-in layers again (`lifting`,
`assembling`). The receiver does not trust the sender: it takes only the layers of `trusted` and the
operations of `operations`, and bounds sizes before it allocates anything.
"""

import contextlib
import json
import re
import warnings
from typing import Any

import numpy as np

from convcourse.wire import assembling, lifting, penalties, recording, tracing, trusted
from convcourse.wire.export import MAX_TEXT, ExportError

MAX_PARAMETERS = 60_000_000
OWN = "a function of your own"


def model_to_plain(model: Any, shapes: Any = None) -> tuple[dict, list[np.ndarray]]:
    """Turn a Keras model into plain data, in whatever way it was written.

    Args:
        model: A model. One that consists of Keras's built-in layers crosses as these; what any
            other one computes is traced.
        shapes: The shape of one input without the axis of the images, or a list of these, for a
            model that is not built.

    Returns:
        A tree with the architecture and the compile settings, and the weights.

    Raises:
        ExportError: If the value is not a model, or computes with operations that are not
            admitted. A model whose input size nobody knows has compile settings only.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise ExportError(f"this is a {type(model).__name__}, not a Keras model")
    text = built_in(model)
    if text is None:
        try:
            tree, arrays = tracing.trace(model, shapes)
        except recording.UnknownSize:  # its compile settings are known nevertheless
            # A Sequential of an Input alone is not built either, though its size is known.
            if isinstance(model, keras.Sequential) and not model.layers:
                raise ExportError("the network has no layers") from None
            return {"class": "Unbuilt", "compiled": compile_settings(model)}, []
        return {"class": "Traced", "traced": tree, "compiled": compile_settings(model)}, arrays
    weights = [np.asarray(w) for w in model.get_weights()]
    return {"class": _kind(model), "config": text, "compiled": compile_settings(model)}, weights


def built_in(model: Any) -> str | None:
    """Describe a model as JSON if it consists of Keras's built-in layers only.

    Args:
        model: A Keras model.

    Returns:
        The configuration, or None for any other model and for one that is not built.
    """
    import keras

    # What `keras.Model(inputs, outputs)` returns has no public class, only this name.
    if not model.built or _kind(model) not in ("Sequential", "Functional"):
        return None
    if any("call" in vars(base) for base in type(model).__mro__ if not _is_kerass(base)):
        return None
    parts = leaves(model)
    if len({id(part) for part in parts}) < len(parts):  # Keras would make two layers of one
        return None
    if _has_operations(model) or any(map(recording.has_own_activation, parts)):
        return None
    if not all(map(penalties.as_named, parts)):
        return None
    try:
        config = keras.saving.serialize_keras_object(model).get("config")
        text = json.dumps(config)
        trusted.check(json.loads(text))
    except Exception:  # the model is traced, which tells what is wrong, if anything is
        return None
    plain = isinstance(config, dict) and "layers" in config and '"training": true' not in text
    return text if plain else None


def configuration(model: Any) -> Any:
    """Describe a network that Keras made of its own layers, and of its functions between them.

    Args:
        model: A Keras model.

    Returns:
        Its configuration as JSON values, or None if that may not say all that the network computes.
    """
    import keras

    if not model.built or not recording.consists_of_keras(model, without=set()):
        return None
    parts = leaves(model)
    if any(map(recording.has_own_activation, parts)) or not all(map(penalties.as_named, parts)):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a lambda is seen below
            text = json.dumps(keras.saving.serialize_keras_object(model)["config"])
    except Exception:  # an argument that Keras cannot write down
        return None
    named = r'"module": (?!"keras[."]|"builtins")|"class_name": "function"|__lambda__'
    return None if re.search(named, text) else json.loads(text)  # of your own, by its name alone


def leaves(model: Any) -> list:
    """List a model's layers in its order, with those of nested models in their place."""
    found = []
    for layer in model.layers:
        nested = hasattr(layer, "layers") and hasattr(layer, "get_config")
        found += leaves(layer) if nested else [layer]
    return found


def _has_operations(model: Any) -> bool:
    """Whether functions such as ``keras.ops.softmax`` stand between a model's layers."""
    import keras

    parts = getattr(model, "operations", None) or getattr(model, "layers", [])
    return any(not isinstance(one, keras.Layer) or _has_operations(one) for one in parts)


def _is_kerass(base: type) -> bool:
    return base.__module__.startswith(("keras.", "tensorflow.", "builtins"))


def _kind(model: Any) -> str:
    """Sequential or Functional, where Keras made the class; Keras publishes only the first."""
    names = [base.__name__ for base in type(model).__mro__ if base.__module__.startswith("keras.")]
    return next((name for name in names if name in ("Sequential", "Functional")), "Model")


def compile_arguments(model: Any) -> dict[str, Any]:
    """Give the arguments that a model was compiled with, as they were.

    Args:
        model: A Keras model.

    Returns:
        The arguments by name; an empty dictionary if it is not compiled.
    """
    if not getattr(model, "compiled", False):
        return {}
    # `get_compile_config` serializes them, which fails for a class in the place of an object.
    return dict(model._compile_config.config)


def compile_settings(model: Any) -> dict:
    """Read how a Keras model was compiled.

    Args:
        model: A Keras model.

    Returns:
        ``optimizer``, ``learning_rate`` (None for a schedule), ``loss``, ``metrics`` and
        ``from_logits``, as names and numbers; an empty dictionary if it is not compiled. A loss or
        a metric that is none of Keras's own, or a metric with settings of its own, is called
        ``"a function of your own"``. What changes a loss or an optimizer stands in its name:
        ``"adam with clipnorm"``. ``metrics`` has the weighted ones too.
    """
    import keras

    given = compile_arguments(model)
    if not given:
        return {}
    loss = given.get("loss")
    metrics = [*_listed(given.get("metrics")), *_listed(given.get("weighted_metrics"))]
    if isinstance(loss, str):
        with contextlib.suppress(Exception):  # Keras reports an unknown name when it trains
            loss = keras.losses.get(loss)
    return {
        "optimizer": type(model.optimizer).__name__.lower() + _additions(model.optimizer),
        "learning_rate": _constant_rate(model.optimizer),
        "loss": _name(loss, keras.losses) + _settings(loss, given.get("loss_weights")),
        "metrics": [_metric(one) for one in metrics],
        "from_logits": bool(_config(model.loss).get("from_logits", False)),
    }


def _constant_rate(optimizer: Any) -> float | None:
    """The learning rate as a number; None for a schedule, of which Keras tells the present rate."""
    if isinstance(_config(optimizer).get("learning_rate"), dict):
        return None
    try:
        return float(np.asarray(getattr(optimizer, "learning_rate", None)))
    except (TypeError, ValueError):
        return None


def _listed(metrics: Any) -> list:
    return metrics if isinstance(metrics, list) else [metrics] if metrics else []


def _metric(metric: Any) -> str:
    """A metric's name; with settings that are not Keras's defaults, it is one of your own."""
    import keras

    name, settings = _name(metric, keras.metrics), _config(metric)
    if name == OWN or not settings:
        return name
    try:
        usual = type(metric)().get_config()
    except Exception:  # it has a function or a number that must be given
        return OWN
    named = ("name", "dtype")
    same = all(usual.get(key) == settings[key] for key in settings if key not in named)
    return name if same else OWN


def _name(part: Any, known: Any) -> str:
    """A loss or metric as its snake-case name, be it given as text, a function, a class, an object.

    Args:
        part: What the model was compiled with.
        known: The module with Keras's own.
    """
    if isinstance(part, (list, tuple)) and len(part) == 1:
        part = part[0]
    if isinstance(part, str):
        return part if part.islower() else _snake(part)
    if part is None:
        return "none"
    name = getattr(part, "__name__", "")
    if not isinstance(part, type) and name:
        return name if getattr(known, name, None) is part else OWN
    own = part if isinstance(part, type) else type(part)
    for base in own.__mro__:
        if getattr(known, base.__name__, None) is base and base.__name__ not in ("Loss", "Metric"):
            parts = ("call", "update_state", "result")
            same = all(getattr(own, p, None) is getattr(base, p, None) for p in parts)
            return _snake(base.__name__) if same else OWN
    return OWN


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def _additions(optimizer: Any) -> str:
    """What an optimizer does besides: clipping, weight decay that is not its own, averages."""
    names = ["clipnorm", "clipvalue", "global_clipnorm", "use_ema", "weight_decay", "amsgrad"]
    names += ["gradient_accumulation_steps"]
    added = [name for name in names if getattr(optimizer, name, None)]
    if type(optimizer).__name__ in ("AdamW", "Lion"):
        added = [name for name in added if name != "weight_decay"]
    return f" with {' and '.join(added)}" if added else ""


def _settings(loss: Any, weights: Any) -> str:
    """What a loss does besides: smoothed labels, an ignored class, a sum, a weight of its own."""
    config = _config(loss)
    share, ignored = (config.get(key) for key in ("label_smoothing", "ignore_class"))
    if isinstance(share, (int, float)) and share:
        return f" with label_smoothing={share:g}"
    if isinstance(ignored, int):
        return f" with ignore_class={ignored}"
    if config.get("reduction") == "sum":
        return " with reduction=sum"
    given = list(weights.values()) if isinstance(weights, dict) else weights
    each = given if isinstance(given, (list, tuple)) else [given]
    # A text is the name of a metric in the wrong place, and checks have words for that.
    usual = all(one is None or one == 1 or isinstance(one, str) for one in each)
    return "" if usual else " with loss_weights"


def _config(loss: Any) -> dict:
    ready = hasattr(loss, "get_config") and not isinstance(loss, type)
    return loss.get_config() if ready else {}


def model_from_plain(tree: dict, arrays: list[np.ndarray]) -> Any:
    """Rebuild a Keras model from plain data.

    Args:
        tree: The tree of `model_to_plain`, from a sender who is not trusted.
        arrays: The weights.

    Returns:
        A Keras model with these weights, not compiled.

    Raises:
        ExportError: If a layer or an operation is not admitted, something is too large, or the
            weights do not fit or are not finite.
    """
    import keras

    if sum(a.size for a in arrays) > MAX_PARAMETERS:
        raise ExportError(f"the network has more than {MAX_PARAMETERS:,} parameters")
    if isinstance(tree, dict) and tree.get("class") == "Traced":
        return assembling.assemble(lifting.read(tree.get("traced"), arrays))
    if isinstance(tree, dict) and tree.get("class") == "Unbuilt":
        raise ExportError(recording.UNKNOWN_SIZE)
    config = _read_config(tree)
    trusted.check(config)
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
        raise ExportError(assembling.NOT_FINITE)
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
