"""What TensorFlow computes during a call: with which arrays, and on which device."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Shape = tuple[int | None, ...] | None  # None where TensorFlow does not know a size or the rank
ELEMENTWISE = frozenset(
    {"Add", "AddV2", "Maximum", "Minimum", "Mul", "MulNoNan", "Pow", "RealDiv", "Sub"}
)


@dataclass(frozen=True)
class Operation:
    """One operation that TensorFlow has run.

    Attributes:
        name: What TensorFlow calls it, for example ``"MatMul"``.
        inputs: The shapes of its inputs, in order.
        dtypes: The names of their dtypes, in order.
        outputs: The shapes of its results.
        device: The device that a ``with tf.device(...)`` asked for; empty if there was none.
    """

    name: str
    inputs: list[Shape]
    dtypes: list[str]
    outputs: list[Shape]
    device: str


@contextlib.contextmanager
def operations() -> Iterator[list[Operation]]:
    """Record the operations that TensorFlow runs inside a ``with`` block.

    A function compiled with ``tf.function`` runs as one operation. Its own operations are recorded
    with it, either as TensorFlow traces them in the block or from the function's definition.

    Yields:
        The list of operations, which grows as they run.
    """
    from tensorflow.python.eager import context
    from tensorflow.python.framework import op_callbacks

    found: list[Operation] = []
    traced: list[str] = []

    def record(name: str, inputs: Any, attrs: Any, outputs: Any, *rest: Any, **more: Any) -> None:
        place = context.context().device_name or ""
        found.append(_operation(str(name), inputs, outputs, place))
        if not context.executing_eagerly():
            traced.append(str(name))
        elif not traced and context.context().has_function(str(name)):
            for one in _compiled(str(name), inputs):
                found.append(_operation(one.type, one.inputs, one.outputs, one.device or place))

    op_callbacks.add_op_callback(record)
    try:
        yield found
    finally:
        op_callbacks.remove_op_callback(record)


def _operation(name: str, inputs: Any, outputs: Any, device: str) -> Operation:
    dtypes = [one.dtype.name for one in inputs]
    return Operation(name, list(map(_shape, inputs)), dtypes, list(map(_shape, outputs)), device)


def _shape(tensor: Any) -> Shape:
    return None if tensor.shape.rank is None else tuple(tensor.shape)


def _compiled(name: str, inputs: Any) -> list[Any]:
    """The operations of a compiled function, for inputs of these shapes."""
    from tensorflow.python.eager import context
    from tensorflow.python.framework import function_def_to_graph

    definition = context.context().get_function_def(name)
    shapes = [one.shape for one in inputs]
    return function_def_to_graph.function_def_to_graph(definition, shapes).get_operations()


def _fits(found: list[Shape], wanted: list[Shape]) -> bool:
    """Whether shapes are the ones wanted, as far as they are known."""
    return len(found) == len(wanted) and all(
        shape is None
        or want is None
        or (
            len(shape) == len(want)
            and all(n in (None, w) for n, w in zip(shape, want, strict=True))
        )
        for shape, want in zip(found, wanted, strict=True)
    )


@dataclass(frozen=True)
class Timed:
    """One call that a timer has made.

    Attributes:
        value: What the timed function returned.
        operations: What it computed.
    """

    value: Any
    operations: list[Operation]

    def problem(self, inputs: list[Shape], output: Shape, device: str) -> str:
        """Say what is wrong with what was timed.

        Args:
            inputs: The shapes of the two arrays that the computation takes.
            output: The shape of its result.
            device: Where it should run, for example ``"CPU:0"``.

        Returns:
            One sentence, which is empty if nothing is wrong.
        """
        import tensorflow as tf

        if self.value is None:
            return "The timed function returns None: let it return one number of the result."
        if isinstance(self.value, int):  # nobody has read a float32 for it
            return (
                f"The timed function returns the integer {self.value}, and the result is made of "
                "floats: let it return one number of the result, unchanged."
            )
        if tf.is_tensor(self.value):
            return (
                "The timed function returns a tensor, which a GPU has not finished yet. Read one "
                "number."
            )
        if any("Random" in one.name for one in self.operations):
            return (
                "The timed function draws random numbers, too: create the arrays before the clock "
                "starts."
            )
        return self._wrong_operation(inputs, output, device)

    def _wrong_operation(self, inputs: list[Shape], output: Shape, device: str) -> str:
        orders = (inputs, inputs[::-1])
        known = [one for one in self.operations if any(one.inputs)]
        paired = [one for one in known if any(_fits(one.inputs, order) for order in orders)]
        wanted = [one for one in paired if one.name not in ELEMENTWISE]
        shapes = " and ".join(map(str, inputs))
        if paired and not wanted:
            return (
                "The timed function computes element by element, which is not the product of two "
                "matrices: use tf.matmul(a, b) or a @ b."
            )
        if not wanted:
            return (
                f"TensorFlow computes nothing with two arrays of shapes {shapes} in the timed "
                "function."
            )
        times = max(Counter(one.name for one in wanted).values())
        if times > 1:
            return f"The timed function computes the result {times} times; expected once."
        if not any(set(one.dtypes) == {"float32"} for one in wanted):
            return f"The timed function computes in {wanted[0].dtypes[0]}; expected float32."
        if not any(_fits(one.outputs[:1], [output]) for one in wanted):
            return f"The result has shape {wanted[0].outputs[0]}; expected {output}."
        if not any(one.device.upper().endswith(device.upper()) for one in wanted):
            return "The device is ignored: compute inside `with tf.device(device):`."
        return ""


def on_trial(
    rate: Callable[..., Any], device: str, size: int, inputs: list[Shape], output: Shape
) -> dict[str, Any]:
    """Call a function that measures a speed, with a timer of two calls that reports half a second.

    Args:
        rate: Takes a device, a size and a timer.
        device: Its first argument, for example ``"CPU:0"``.
        size: Its second argument.
        inputs: The shapes of the two arrays that the computation takes.
        output: The shape of its result.

    Returns:
        Under ``rate`` what it returned, and under ``problem`` a sentence about what it timed, which
        is empty if nothing is wrong.
    """
    timed: list[list[Timed]] = []
    given: list[Any] = []

    def timer(function: Callable[[], Any], *rest: Any, **more: Any) -> float:
        given.append(function)
        if not callable(function):
            return 0.5
        timed.append([_timed(function) for _ in range(2)])
        return 0.5

    reached = rate(device, size, timer)
    if not all(map(callable, given)):
        problem = "The timer gets a result: pass the function itself, as in timer(run)."
        return {"rate": reached, "problem": problem}
    if not timed:
        return {"rate": reached, "problem": "The timer is ignored: call timer(function)."}
    first, second = (one.problem(inputs, output, device) for one in timed[-1])
    if second and not first:
        first = (
            "Only the first call of the timed function computes the result: let each call compute "
            "it again."
        )
    return {"rate": reached, "problem": first}


def _timed(function: Callable[[], Any]) -> Timed:
    with operations() as found:
        value = function()
    return Timed(value, found)
