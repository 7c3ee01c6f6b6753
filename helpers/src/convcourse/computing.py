"""What TensorFlow computes during a call: with which arrays, and on which device."""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Shape = tuple[int | None, ...] | None  # None where TensorFlow does not know a size or the rank


@dataclass(frozen=True)
class Operation:
    """One operation that TensorFlow has run.

    Attributes:
        name: What TensorFlow calls it, for example ``"MatMul"``.
        inputs: The shapes of its inputs, in order.
        dtypes: The names of their dtypes, in order.
        outputs: The shapes of its results.
        device: The device that a ``with tf.device(...)`` asked for; empty if there was none.
        made: Whether one of its inputs was made in the block, from nothing larger than a few
            numbers.
        held: Whether one of its inputs is made inside a compiled function.
        given: Its inputs, where they are tensors with values.
    """

    name: str
    inputs: list[Shape]
    dtypes: list[str]
    outputs: list[Shape]
    device: str
    made: bool = False
    held: bool = False
    given: tuple[Any, ...] = ()


Change = Callable[[Operation, list[Operation], list[Any]], None]


@contextlib.contextmanager
def operations(change: Change | None = None) -> Iterator[list[Operation]]:
    """Record the operations that TensorFlow runs inside a ``with`` block.

    A function compiled with ``tf.function`` runs as one operation. Its own operations are recorded
    with it, either as TensorFlow traces them in the block or from the function's definition.

    Args:
        change: Called with each operation that runs at once, with the operations inside it if it is
            a compiled function, and with the list of its results, which it may change.

    Yields:
        The list of operations, which grows as they run.
    """
    from tensorflow.python.eager import context
    from tensorflow.python.framework import op_callbacks

    found: list[Operation] = []
    traced: list[Operation] = []
    results: dict[int, tuple[Any, bool]] = {}  # the tensors too, or an id would come again

    def record(name: Any, inputs: Any, attrs: Any, outputs: Any, *rest: Any, **more: Any) -> None:
        name = name.decode() if isinstance(name, bytes) else str(name)
        place = context.context().device_name or ""
        if not context.executing_eagerly():
            traced.append(_operation(name, inputs, outputs, place, held=any(map(_held, inputs))))
            found.append(traced[-1])
            return
        made = [results.get(id(one), (one, False))[1] for one in inputs]
        one = _operation(name, inputs, outputs, place, made=any(made), given=tuple(inputs))
        found.append(one)
        inside: list[Operation] = []
        if context.context().has_function(name):
            inside = list(traced)
            if not traced:
                inside = [
                    _operation(
                        each.type,
                        each.inputs,
                        each.outputs,
                        each.device or place,
                        held=any(map(_held, each.inputs)),
                    )
                    for each in _compiled(name, inputs)
                ]
                found.extend(inside)
        if change is not None:
            change(one, inside, outputs)
        for result in outputs:
            results[id(result)] = result, _from_nothing(inputs, made, result)

    op_callbacks.add_op_callback(record)
    try:
        yield found
    finally:
        op_callbacks.remove_op_callback(record)


def _operation(name: str, inputs: Any, outputs: Any, device: str, **more: Any) -> Operation:
    dtypes = [one.dtype.name for one in inputs]
    shapes = list(map(_shape, inputs)), dtypes, list(map(_shape, outputs))
    return Operation(name, *shapes, device, **more)


def _shape(tensor: Any) -> Shape:
    return None if tensor.shape.rank is None else tuple(tensor.shape)


def _size(tensor: Any) -> int:
    return math.prod(tensor.shape)


def _from_nothing(inputs: Any, made: list[bool], result: Any) -> bool:
    """Whether a result has far more numbers than the inputs that were there before."""
    if any(one.dtype.name in ("resource", "variant") for one in inputs):
        return False  # it reads a variable
    there = sum(_size(one) for one, new in zip(inputs, made, strict=True) if not new)
    return 50 * there < _size(result)


def _held(tensor: Any) -> bool:
    """Whether a compiled function makes a tensor itself, from no argument and no variable."""
    waiting, seen = [tensor], set()
    while waiting:
        one = getattr(waiting.pop(), "op", None)  # a tensor with a value has none
        if one is None or one.type in ("Placeholder", "PlaceholderWithDefault", "Arg", "_Arg"):
            return False
        if one.name not in seen:
            seen.add(one.name)
            waiting.extend(one.inputs)
    return True


def _compiled(name: str, inputs: Any) -> list[Any]:
    """The operations of a compiled function, for inputs of these shapes."""
    from tensorflow.python.eager import context
    from tensorflow.python.framework import function_def_to_graph

    definition = context.context().get_function_def(name)
    shapes = [one.shape for one in inputs]
    return function_def_to_graph.function_def_to_graph(definition, shapes).get_operations()
