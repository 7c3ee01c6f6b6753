"""Which of Keras's own layers may come from a sender who is not trusted, and how large they may be.

A layer arrives as its class's name and its configuration. `check` reads both before anything is
built from them.
"""

from typing import Any

from convcourse.wire.export import ExportError

MAX_SIZE = 1_000_000  # any number in a layer's configuration: a unit, a pixel, an axis
MAX_UNITS = 65_536
MAX_LAYERS = 1_000

_LEAF_NAMES = """
    Conv1D Conv2D SeparableConv2D DepthwiseConv2D Dense Flatten Reshape Activation
    ReLU LeakyReLU ELU PReLU Softmax MaxPooling2D AveragePooling2D GlobalAveragePooling2D
    GlobalMaxPooling2D BatchNormalization LayerNormalization GroupNormalization Dropout
    SpatialDropout2D AlphaDropout GaussianDropout GaussianNoise Rescaling Normalization Resizing
    ZeroPadding2D Cropping2D Permute UnitNormalization RandomFlip RandomTranslation RandomRotation
    RandomZoom RandomErasing RandomContrast RandomBrightness ActivityRegularization Identity
    Add Subtract Multiply Average Maximum Minimum Concatenate Dot"""
TRUSTED_LEAVES = frozenset(_LEAF_NAMES.split())
TRUSTED_LAYERS = TRUSTED_LEAVES | {"InputLayer", "Sequential", "Functional", "Model"}
# Objects inside a layer's configuration: initializers, regularizers, policies and the like.
TRUSTED_PARTS = ("initializers", "regularizers", "constraints", "dtype_policies", "activations")


def check(node: Any, depth: int = 0, key: str = "") -> None:
    """Refuse every object that is not a built-in layer or part, and sizes beyond reason.

    Args:
        node: A configuration, as JSON values.
        depth: How deep it lies in another one.
        key: The name under which it lies there.

    Raises:
        ExportError: With the first object or size that is refused.
    """
    if depth > 60:
        raise ExportError("the network's description is nested too deep")
    if isinstance(node, list):
        if key == "layers" and len(node) > MAX_LAYERS:
            raise ExportError(f"the network has more than {MAX_LAYERS:,} layers")
        for item in node:
            check(item, depth + 1, key)
    elif isinstance(node, dict):
        if "class_name" in node:
            _check_object(node)
        for key, item in node.items():
            if "seed" not in str(key) or isinstance(item, (dict, list)):
                check(item, depth + 1, str(key))
    elif isinstance(node, (int, float)):
        most = MAX_UNITS if key in ("units", "filters") else MAX_SIZE
        what = key if key in ("units", "filters") else "a size"
        if not abs(node) <= most:
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
    raise ExportError(f"a layer {kind} cannot be rebuilt; use Keras's built-in layers")
