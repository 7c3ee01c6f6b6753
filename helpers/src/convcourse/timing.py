"""What a function that measures a speed has timed, and what is wrong with that."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from convcourse.computing import Change, Operation, Shape, operations

ELEMENTWISE = frozenset(
    {"Add", "AddV2", "Maximum", "Minimum", "Mul", "MulNoNan", "Pow", "RealDiv", "Sub"}
)


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
        return self._wrong_operation(inputs, output, device) or self._not_one_number()

    def _not_one_number(self) -> str:
        import numpy as np

        array = np.asarray(self.value)
        if array.size != 1:
            return (
                f"The timed function returns {array.size:,} numbers, and the clock measures how "
                "long all of them take to copy, too: let it return one number of the result, such "
                "as result[0, 0].numpy()."
            )
        if array.dtype.kind != "f":
            return (
                f"The timed function returns a value of type {type(self.value).__name__}; expected "
                "one number of the result, a float."
            )
        return ""

    def _wrong_operation(self, inputs: list[Shape], output: Shape, device: str) -> str:
        paired = _paired(self.operations, inputs)
        wanted = _wanted(self.operations, inputs)
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
        if any(one.made for one in wanted):
            return (
                "The timed function makes the arrays in each call, and the clock measures that, "
                "too: create them before the clock starts."
            )
        if any(one.held for one in wanted):
            return (
                "The compiled function makes the arrays itself. TensorFlow may then compute the "
                "result once, when it compiles: pass arrays that exist already as arguments."
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


def _paired(operations: list[Operation], inputs: list[Shape]) -> list[Operation]:
    orders = (inputs, inputs[::-1])
    known = [one for one in operations if any(one.inputs)]
    return [one for one in known if any(_fits(one.inputs, order) for order in orders)]


def _wanted(operations: list[Operation], inputs: list[Shape]) -> list[Operation]:
    """The operations that take two arrays of these shapes, except sums and products by element."""
    return [one for one in _paired(operations, inputs) if one.name not in ELEMENTWISE]


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
    one, other = timed[-1]
    first, second = one.problem(inputs, output, device), other.problem(inputs, output, device)
    if second and not first:
        first = (
            "Only the first call of the timed function computes the result: let each call compute "
            "it again."
        )
    problem = first or _other_arrays(one, other, inputs) or _unread(given[-1], other, inputs)
    return {"rate": reached, "problem": problem}


def _timed(function: Callable[[], Any], change: Change | None = None) -> Timed:
    with operations(change) as found:
        value = function()
    return Timed(value, found)


def _other_arrays(first: Timed, second: Timed, inputs: list[Shape]) -> str:
    """Say that two calls compute with arrays of other numbers, if they do."""
    pairs = zip(*(_wanted(one.operations, inputs) for one in (first, second)), strict=False)
    for one, other in pairs:
        for a, b in zip(one.given, other.given, strict=False):
            if a is not b and a.dtype.is_floating and (a.numpy() != b.numpy()).any():
                return (
                    "Each call of the timed function makes other arrays, and the clock measures "
                    "that, too: create them before the clock starts."
                )
    return ""


def _unread(function: Callable[[], Any], timed: Timed, inputs: list[Shape]) -> str:
    """Say that what a function returns does not depend on the result, if it does not.

    It is called again, and other numbers take the place of the result. They are the same each time,
    and so is what depends on them alone.
    """

    def of_the_result(one: Operation, inside: list[Operation]) -> bool:
        return bool(_wanted([one, *inside], inputs))

    value, changed = _with_other_numbers(function, of_the_result)
    if changed and not _same(_with_other_numbers(function, of_the_result)[0], value):
        return (
            "The timed function returns another number in each call, such as a time, although the "
            "result is the same: let it return one number of the result."
        )
    if not changed or not _same(value, timed.value):
        return ""
    if _same(_with_other_numbers(function, lambda one, inside: True)[0], timed.value):
        return (
            "The timed function returns a constant, whatever the result is, so it does not wait "
            "for the result: let it return one number of the result."
        )
    return (
        "The timed function returns a number of another array, so it does not wait for the "
        "result: let it return one number of the result."
    )


def _with_other_numbers(
    function: Callable[[], Any], which: Callable[[Operation, list[Operation]], bool]
) -> tuple[Any, int]:
    """What a function returns if some operations give one other number, and how many did."""
    import tensorflow as tf

    changed: list[Operation] = []
    busy: list[bool] = []  # the other numbers are computed, too

    def change(one: Operation, inside: list[Operation], results: list[Any]) -> None:
        if busy or not which(one, inside):
            return
        busy.append(True)
        for k, result in enumerate(results):
            if result.dtype.is_floating:
                results[k] = tf.fill(tf.shape(result), tf.constant(0.7310585, result.dtype))
                changed.append(one)
        busy.clear()

    return _timed(function, change).value, len(changed)


def _same(one: Any, other: Any) -> bool:
    import numpy as np

    return bool(np.array_equal(np.asarray(one), np.asarray(other)))
