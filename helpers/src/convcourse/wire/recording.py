"""One run of a Keras model on symbols, with the calls of built-in layers that it makes.

While it runs, ``keras.layers.Layer.__call__`` notes each call of one of Keras's own layers, so that
such a layer stays one thing, whatever operations it consists of.
"""

import contextlib
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from convcourse.wire import penalties, trusted
from convcourse.wire.export import ExportError

UNKNOWN_SIZE = (
    "the network does not know its input size yet: begin it with keras.layers.Input(shape=...)"
)


class UnknownSize(ExportError):
    """A network that is not built, and nothing says for which input to build it."""


class Spec(NamedTuple):
    """One input: its shape without the axis of the images, and its dtype."""

    shape: tuple[int, ...]
    dtype: str


@dataclass
class Call:
    """One call of a built-in layer: its input tensors, and whether they came as a list."""

    layer: Any
    flat: list
    listed: bool
    output: Any


@dataclass
class Record:
    """What TensorFlow recorded: calls by the name of their output, variables by their symbol's."""

    graph: Any
    inputs: list
    outputs: list
    calls: dict[str, Call]
    variables: dict[str, Any]
    captured: dict[str, Any]

    def constant(self, tensor: Any) -> np.ndarray | None:
        """The value of a tensor, if it depends on neither images nor weights."""
        import tensorflow as tf

        if tensor.name in self.calls or tensor.dtype in (tf.resource, tf.variant, tf.string):
            return None
        if tensor.name in self.captured:
            return np.asarray(self.captured[tensor.name])
        if tensor.op.type != "Const" and not tensor.dtype.is_integer:
            return None
        value = tf.get_static_value(tensor)
        return None if value is None else np.asarray(value)


def inputs_of(model: Any, shapes: Any = None) -> list[Spec]:
    """Find out what a model takes.

    Args:
        model: A Keras model.
        shapes: One shape without the axis of the images, or a list of these, or None.

    Raises:
        UnknownSize: If nothing says it.
    """
    import keras

    known = getattr(model, "inputs", None) if getattr(model, "built", False) else None
    if isinstance(known, list) and all(isinstance(one, keras.KerasTensor) for one in known):
        found = [Spec(tuple(one.shape[1:]), str(one.dtype)) for one in known]
    else:
        given = [tuple(s) for s in _each(shapes)] or [s[1:] for s in _each(_built_with(model))]
        found = [Spec(shape, "float32") for shape in given]
    if not found or any(size is None for spec in found for size in spec.shape):
        raise UnknownSize(UNKNOWN_SIZE)
    return found


def _built_with(model: Any) -> Any:
    if not getattr(model, "built", False):
        return None
    try:
        config = model.get_build_config() or {}
    except Exception:
        return None
    return config.get("input_shape") or next(iter(config.get("shapes_dict", {}).values()), None)


def _each(shapes: Any) -> list[tuple]:
    if isinstance(shapes, dict):
        shapes = list(shapes.values())
    if not isinstance(shapes, (list, tuple)) or not shapes:
        return []
    nested = isinstance(shapes[0], (list, tuple))
    return [tuple(shape) for shape in (shapes if nested else [shapes])]


def is_built(model: Any) -> bool:
    """Whether all weights exist; the build of a subclassed model may leave layers without them."""
    layers = getattr(model, "layers", ())
    all_built = all(getattr(layer, "built", True) for layer in layers)
    return bool(getattr(model, "built", True) and getattr(model, "weights", True) and all_built)


def build(model: Any, inputs: list[Spec]) -> None:
    """Make all weights of a model, by a call with one black image."""
    import keras

    if not is_built(model):
        _called(model, [keras.ops.zeros((1, *spec.shape), spec.dtype) for spec in inputs], False)


def record(model: Any, inputs: list[Spec], batch: int, training: bool) -> Record:
    """Run a model on symbols of so many images.

    Args:
        model: A built Keras model.
        inputs: What it takes.
        batch: How many images.
        training: Whether it runs as in a training.

    Raises:
        ExportError: If the model's ``call`` raises.
    """
    import keras
    import tensorflow as tf

    calls: list[Call] = []

    def body(*given: Any) -> list:
        with _plain_functions(), _calls_noted(calls, training):
            made = _called(model, list(given), training)
        if any(one is None for one in made):
            raise ExportError("the network gives None: does its call return the result?")
        return [tf.convert_to_tensor(one) for one in made]

    specs = [tf.TensorSpec((batch, *spec.shape), spec.dtype) for spec in inputs]
    made = tf.function(body, autograph=False).get_concrete_function(*specs)
    handles = {id(v.value.handle): v for v in model.variables}
    handles |= {id(v.handle): v for v in made.variables if id(v.handle) not in handles}
    captures = made.graph.captures
    read = [(inner.name, handles.get(id(outer))) for outer, inner in captures]
    variables = {name: variable for name, variable in read if variable is not None}
    plain = {inner.name: outer for outer, inner in captures if outer.dtype != tf.resource}
    placed = {c.output.name: c for c in calls if c.output.graph is made.graph}
    inner = made.inputs[: len(inputs)]
    outputs = list(keras.tree.flatten(made.outputs))
    return Record(made.graph, inner, outputs, placed, variables, plain)


def _called(model: Any, given: list, training: bool) -> list:
    import keras

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras has warned when the network was written
            result = model(given[0] if len(given) == 1 else given, training=training)
        return keras.tree.flatten(result)
    except ExportError:
        raise
    except Exception as error:
        shapes = ", ".join(str(tuple(one.shape[1:])) for one in given)
        text = _words_of(error)
        raise ExportError(
            f"the network cannot run on an input of shape {shapes}: {type(error).__name__}: {text}"
        ) from None


def _words_of(error: Exception) -> str:
    """What went wrong, without what Keras puts around it."""
    text = " ".join(str(error).split())
    inner = re.search(r"\x1b\[1m(.*)\x1b\[0m", text)
    return (inner.group(1) if inner else text)[:300]


@contextlib.contextmanager
def _plain_functions() -> Iterator[None]:
    """Let a ``tf.function`` inside a model run as part of the model, not as one operation."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


@contextlib.contextmanager
def _calls_noted(calls: list[Call], training: bool) -> Iterator[None]:
    import keras
    import tensorflow as tf

    base = keras.layers.Layer
    original = base.__call__
    inside = False

    def noted(layer: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal inside
        asked = kwargs.get("training") and not training  # whatever the model is called for
        if inside or asked or not _is_leaf_call(layer, args, kwargs):
            return original(layer, *args, **kwargs)
        inside = True
        try:
            given = keras.tree.map_structure(tf.convert_to_tensor, args[0])
            output = tf.identity(original(layer, given, **kwargs))
        finally:
            inside = False
        listed = isinstance(given, (list, tuple))
        calls.append(Call(layer, list(given) if listed else [given], listed, output))
        return output

    def dropout(x: Any, rate: float, *args: Any, **kwargs: Any) -> Any:
        layer = keras.layers.Dropout(0)  # with a rate, it would make a variable of its own
        layer.rate = float(rate)
        return noted(layer, x, training=False)

    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch.object(base, "__call__", noted))
        if training:  # dropout by a function is the layer of this name
            patches.enter_context(mock.patch.object(tf.nn, "dropout", dropout))
            patches.enter_context(mock.patch.object(keras.random, "dropout", dropout))
        yield


def _is_leaf_call(layer: Any, args: tuple, kwargs: dict) -> bool:
    import keras
    import tensorflow as tf

    given = args[0] if len(args) == 1 else None
    if isinstance(given, dict) or any(v is not None for k, v in kwargs.items() if k != "training"):
        return False
    tensors = (tf.Tensor, tf.Variable, keras.Variable, np.ndarray, float, int)
    flat = keras.tree.flatten(given)
    if not flat or not all(isinstance(one, tensors) for one in flat):
        return False
    return config_of(layer) is not None


def _leaf_class(layer: Any) -> Any:
    """The one of Keras's layers that this layer is, or inherits all that it computes from."""
    import keras

    for base in type(layer).__mro__:
        name = base.__name__
        if name in trusted.TRUSTED_LEAVES and getattr(keras.layers, name, None) is base:
            same = all(
                getattr(type(layer), part) is getattr(base, part)
                for part in ("call", "build", "__call__")
            )
            return base if same and "call" not in vars(layer) else None
    return None


def kind_of(layer: Any) -> str:
    """The name of the one of Keras's layers that this layer is."""
    return _leaf_class(layer).__name__


def consists_of_keras(model: Any, without: set[str]) -> bool:
    """Whether Keras made a network of its own layers and functions, none of them of these kinds."""
    import keras

    if type(model).__name__ not in ("Sequential", "Functional") or "call" in vars(model):
        return False
    for part in getattr(model, "operations", model.layers):
        own = type(part).__module__.startswith("keras.")
        leaf = isinstance(part, keras.Layer) and not hasattr(part, "layers")
        if leaf and not isinstance(part, keras.layers.InputLayer):
            own = own and _leaf_class(part) is type(part) and type(part).__name__ not in without
        if not own or (hasattr(part, "layers") and not consists_of_keras(part, without)):
            return False
    return type(model).__module__.startswith("keras.")


def config_of(layer: Any) -> dict | None:
    """Serialize a layer as the one of Keras's own that it is; None if it is none of these."""
    base = _leaf_class(layer)
    if base is None or has_own_activation(layer) or not penalties.as_named(layer):
        return None
    try:
        config = json.loads(json.dumps(base.get_config(layer)))
        trusted.check({"class_name": base.__name__, "config": config})
    except Exception:  # with a function of the student's own, it is read operation by operation
        return None
    return {"class": base.__name__, "config": config}


def has_own_activation(layer: Any) -> bool:
    """Whether a layer's activation is a function that is none of Keras's own, whatever its name.

    Keras writes down such a function by its name alone.
    """
    import keras

    given = getattr(layer, "activation", None)
    name = getattr(given, "__name__", None)
    return name is not None and getattr(keras.activations, name, None) is not given


def nameless(layer: Any) -> str:
    """A layer's class and configuration as text, without its name."""
    made = config_of(layer) or {"config": {}}
    return json.dumps({**made, "config": {k: v for k, v in made["config"].items() if k != "name"}})


def same_layer(one: Any, other: Any) -> bool:
    """Whether two layers are one, or are without weights and do the same."""
    alike = not one.weights and not other.weights and nameless(one) == nameless(other)
    return one is other or alike


def attribute(operation: Any, name: str) -> Any:
    """An attribute of a TensorFlow operation as a JSON value."""
    squeezed = operation.type == "Squeeze" and name == "axis"
    value = operation.get_attr("squeeze_dims" if squeezed else name)
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "as_numpy_dtype"):
        return value.name
    return list(value) if isinstance(value, (list, tuple)) else value
