"""The comparisons that tests in notebooks are written with.

Inside ``with exercise(...)`` every exception becomes one of the outcomes *not attempted*, *wrong*
and *error*; a block that reaches its end has *passed*. Checks judge what a value is and what a
function does, not how it was written. A comparison that fails raises `Wrong` with a finding from
`convcourse.findings`, which puts it into words.
"""

import contextlib
import dis
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any

import numpy as np

from convcourse import architecture as networks
from convcourse import built, findings
from convcourse.arguments import unchanged
from convcourse.built import count
from convcourse.outcomes import (
    ERROR,
    NOT_ATTEMPTED,
    PASSED,
    WRONG,
    CheckFailed,
    NotAttempted,
    Outcome,
    StudentError,
    Wrong,
    explain,
    that,
    without_values,
)

__all__ = [
    "ERROR",
    "NOT_ATTEMPTED",
    "PASSED",
    "WRONG",
    "CheckFailed",
    "NotAttempted",
    "Outcome",
    "StudentError",
    "Wrong",
    "architecture",
    "array_equal",
    "as_array",
    "close",
    "count",
    "dtype",
    "equal",
    "exercise",
    "explain",
    "parameters",
    "shape",
    "that",
    "unchanged",
    "without_values",
]


@contextmanager
def exercise(name: str, hidden: str = "") -> Iterator[None]:
    """Run the checks of one exercise and say how it ended.

    Args:
        name: The exercise, as the message names it.
        hidden: What the hidden checks cover, so that a pass here is not mistaken for full marks.

    Raises:
        NotAttempted: If the exercise still holds its stub or a name does not exist yet.
        Wrong: If a check inside failed.
        StudentError: If the student's code raised.
    """
    with _own_names(_caller()):
        try:
            yield
        except Exception as error:
            raise explain(error, name) from None
    print(f"{PASSED}: {name}." + (f" Still to come when graded: {hidden}." if hidden else ""))


def _caller() -> FrameType | None:
    """The frame that entered `exercise`: a notebook's cell."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename in (__file__, contextlib.__file__):
        frame = frame.f_back
    return frame


@contextmanager
def _own_names(cell: FrameType | None) -> Iterator[None]:
    """Give the names that a cell's own lines bind back to the notebook when the block ends."""
    if cell is None or cell.f_locals is not cell.f_globals:  # inside a function
        yield
        return
    names = cell.f_globals
    lines = dis.get_instructions(cell.f_code)
    bound = {line.argval for line in lines if line.opname in ("STORE_NAME", "STORE_GLOBAL")}
    before = {name: names[name] for name in bound if name in names}
    try:
        yield
    finally:
        for name in bound:
            names.pop(name, None)
        names.update(before)


def equal(got: Any, want: Any, what: str) -> None:
    """Check exact equality of plain values, sequences, dictionaries and arrays.

    Args:
        got: The student's value.
        want: The value expected. Lengths are compared before elements, and keys before values.
        what: What has the value, as the subject of a sentence.

    Raises:
        Wrong: With the first difference.

    Example:
        >>> equal([1, 2], [1, 2], "The result")
        >>> equal([1, 2], [1, 2, 3], "The result")
        Traceback (most recent call last):
        convcourse.outcomes.Wrong: wrong: this exercise. The result has 2 entries; expected 3.
    """
    if isinstance(want, (list, tuple)):
        _same_length(got, want, what)
        for i, (g, w) in enumerate(zip(got, want, strict=True)):
            equal(g, w, f"{what}, entry {i}")
    elif isinstance(want, dict):
        _equal_dictionaries(got, want, what)
    elif isinstance(want, np.ndarray):
        array_equal(got, want, what)
    else:
        one = findings.Value(what, got, f"the single value {want!r}", kind="one value")
        that(not _is_sequence(got), one)
        got = float(got) if isinstance(got, np.floating) and isinstance(want, int) else got
        same = got == want and (isinstance(got, (bool, np.bool_)) == isinstance(want, bool))
        that(same, findings.Value(what, got, repr(want)))


def _equal_dictionaries(got: Any, want: dict, what: str) -> None:
    that(isinstance(got, dict), f"{what} is a {type(got).__name__}; expected a dictionary.")
    missing, extra = frozenset(want) - set(got), frozenset(got) - set(want)
    that(not missing, findings.MissingKeys(what, missing))
    that(not extra, findings.UnexpectedKeys(what, extra))
    for key in want:
        equal(got[key], want[key], f"{what}, entry {key!r}")


def array_equal(got: Any, want: np.ndarray, what: str) -> None:
    """Check that every element is equal; the shape is compared first.

    Args:
        got: The student's array.
        want: The array expected, of any shape.
        what: What has the array, as the subject of a sentence.

    Raises:
        Wrong: With the number of elements that differ and the first of them, if they are numbers.
    """
    got = as_array(got, what)
    shape(got, want.shape, what)
    places = np.argwhere(got != want)
    if not len(places):
        return
    differing = findings.Elements(what, len(places), want.size)
    if want.ndim and {got.dtype.kind, want.dtype.kind} <= set("biuf"):
        at = tuple(int(i) for i in places[0])
        differing = replace(differing, at=at, got=float(got[at]), want=float(want[at]))
    raise Wrong(differing)


def close(got: Any, want: Any, what: str, rtol: float = 1e-4, atol: float = 1e-6) -> None:
    """Check that numbers or arrays are equal within ``rtol * |want| + atol``.

    Args:
        got: The student's number or array.
        want: The number or array expected, of any shape.
        what: What has the value, as the subject of a sentence.
        rtol: The relative tolerance.
        atol: The absolute tolerance, in the unit of the values.

    Raises:
        Wrong: If the shapes differ, a value is not finite, or an element is too far off.

    Example:
        >>> close(0.1 + 0.2, 0.3, "The sum")
        >>> close([0.5, 0.7], [0.5, 0.6], "The mean")
        Traceback (most recent call last):
        convcourse.outcomes.Wrong: wrong: this exercise. The mean differs in 1 of 2 places; the \
first is at (1,): 0.7, expected 0.6.
    """
    got, want = as_array(got, what), np.asarray(want)
    if got.dtype.kind not in "biuf":
        raise Wrong(findings.Value(what, got.tolist(), "numbers", kind="numbers"))
    shape(got, want.shape, what)
    that(np.isfinite(got).all(), f"{what} contains values that are not finite (nan or inf).")
    bad = ~np.isclose(got, want, rtol=rtol, atol=atol)
    if not bad.any():
        return
    if want.ndim == 0:
        raise Wrong(findings.number(what, float(got), float(want)))
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    first = float(got[at]), float(want[at])
    raise Wrong(findings.Elements(what, int(bad.sum()), bad.size, at, *first))


def shape(array: Any, want: tuple[int | None, ...], what: str) -> None:
    """Check an array's shape.

    Args:
        array: The student's array, or what NumPy turns into one.
        want: The size of each axis; None stands for any size.
        what: What has the array, as the subject of a sentence.

    Raises:
        Wrong: If the number of axes or the size of one differs.
    """
    got = tuple(as_array(array, what).shape)
    fits = len(got) == len(want) and all(
        w is None or g == w for g, w in zip(got, want, strict=True)
    )
    that(fits, findings.Shape(what, got, tuple(want)))


def dtype(array: Any, want: str, what: str) -> None:
    """Check an array's dtype.

    Args:
        array: The student's array, or what NumPy turns into one.
        want: The dtype's name, for example ``"float32"``.
        what: What has the array, as the subject of a sentence.

    Raises:
        Wrong: If the dtype differs.
    """
    got = str(as_array(array, what).dtype)
    that(got == want, findings.Dtype(what, got, want))


def as_array(value: Any, what: str) -> np.ndarray:
    """Turn a value into a NumPy array.

    Args:
        value: A number, a sequence, an array or a tensor.
        what: What has the value, as the subject of a sentence.

    Returns:
        An array of numbers, truth values or text.

    Raises:
        Wrong: If the value is None or holds anything else.
    """
    that(value is not None, f"{what} is None: does the function return its result?")
    try:
        array = np.asarray(value)
    except Exception:
        raise Wrong(f"{what} is a {type(value).__name__}; expected an array.") from None
    if array.dtype.kind not in "biufU":
        raise Wrong(findings.Value(what, value, "numbers", kind="numbers"))
    return array


def parameters(
    model: Any,
    total: int,
    trainable: int | None = None,
    input_shape: Any = None,
    case: str = "",
) -> None:
    """Check how many parameters a Keras model has.

    Args:
        model: A Keras model.
        total: How many parameters it should have, including the non-trainable ones.
        trainable: How many of them should be trainable; None checks only the total.
        input_shape: The shape of one input, (H, W, C), for a model that is not built.
        case: The arguments that gave this network, as in `architecture`.

    Raises:
        Wrong: If a number differs, or ``model`` is no Keras model or does not know its input size.
    """
    built.build(model, input_shape)
    counted = [(count(model.weights), total, "parameters in total")]
    if trainable is not None:
        counted.append((count(model.trainable_weights), trainable, "trainable parameters"))
    for got, want, kind in counted:
        found = findings.Parameters(got, want, kind)
        that(got == want, findings.InCase(case, found) if case else found)


def architecture(model: Any, want: str, input_shape: Any = None, case: str = "") -> None:
    """Compare a Keras model with a line of text.

    Args:
        model: A Keras model, in whatever way it was written.
        want: The layers, for example ``"conv 3x3x32 relu, pool 2, flatten, dense 10 softmax"``.
            `convcourse.architecture` has the grammar, and says what counts as the same.
        input_shape: The shape of one input, (H, W, C), for a model that is not built.
        case: The arguments that gave this network, for a function that is called several times:
            ``"For classes=7"`` begins the message.

    Raises:
        Wrong: With the first difference.
    """
    networks.compare(model, want, input_shape, case)


def made_anew(one: Any, other: Any, function: str) -> None:
    """Check that two networks of one function share nothing, and that a training can change them.

    Args:
        one: What the function returned.
        other: What another call of it returned.
        function: The function's name, for the message.

    Raises:
        Wrong: If they are the same network or share weights, or if one cannot learn (see
            `convcourse.built.can_learn`).
    """
    inside = "create all layers inside the function."
    that(one is not other, f"{function} returns the same network each time: {inside}")
    shared = {id(weight) for weight in one.weights} & {id(weight) for weight in other.weights}
    that(not shared, f"Two networks of {function} share layers: {inside}")
    built.can_learn(one)


def _same_length(got: Any, want: list | tuple, what: str) -> None:
    several = findings.Value(what, got, f"{len(want)} values", kind="several values")
    that(_is_sequence(got), several)
    that(len(got) == len(want), findings.Length(what, len(got), len(want)))


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict, set)) or (
        isinstance(value, np.ndarray) and value.ndim > 0
    )
