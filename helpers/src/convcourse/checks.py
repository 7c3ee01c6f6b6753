"""The visible tests' vocabulary: comparisons with messages that teach.

Inside ``with exercise(...)`` every exception becomes one of the outcomes *not attempted*, *wrong*
or *error*; reaching the end is *passed*. Checks judge what a thing is and does, not how it was
written. A comparison that fails raises `Wrong` with a finding of `convcourse.findings`, which is
where it is put into words.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from convcourse import architecture as networks
from convcourse import findings
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
    try:
        yield
    except Exception as error:
        raise explain(error, name) from None
    print(f"{PASSED}: {name}." + (f" Still to come when graded: {hidden}." if hidden else ""))


def equal(got: Any, want: Any, what: str) -> None:
    """Check exact equality of plain values, sequences, dictionaries and arrays.

    Lengths are compared before elements, and keys before values.

    Raises:
        Wrong: With the first difference.
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
        same = got == want and (isinstance(got, (bool, np.bool_)) == isinstance(want, bool))
        that(same, findings.Value(what, got, repr(want)))


def _equal_dictionaries(got: Any, want: dict, what: str) -> None:
    that(isinstance(got, dict), f"{what} is a {type(got).__name__}; expected a dictionary.")
    missing, extra = frozenset(want) - set(got), frozenset(got) - set(want)
    that(not missing, findings.MissingKeys(what, missing))
    that(not extra, findings.UnexpectedKeys(what, extra))
    for key in want:
        equal(got[key], want[key], f"{what}[{key!r}]")


def array_equal(got: Any, want: np.ndarray, what: str) -> None:
    """Check that every element is equal; the shape is compared first.

    Raises:
        Wrong: With the number of elements that differ.
    """
    got = as_array(got, what)
    shape(got, want.shape, what)
    differing = int(np.count_nonzero(got != want))
    that(differing == 0, findings.Elements(what, differing, want.size))


def close(got: Any, want: Any, what: str, rtol: float = 1e-4, atol: float = 1e-6) -> None:
    """Check that numbers or arrays are equal within ``rtol * |want| + atol``.

    Raises:
        Wrong: If the shapes differ, a value is not finite, or an element is too far off.
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
        raise Wrong(findings.Value(what, float(f"{float(got):.6g}"), f"{float(want):.6g}"))
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    first = float(got[at]), float(want[at])
    raise Wrong(findings.Elements(what, int(bad.sum()), bad.size, at, *first))


def shape(array: Any, want: tuple[int | None, ...], what: str) -> None:
    """Check an array's shape; ``None`` in ``want`` stands for any size.

    Raises:
        Wrong: If the number of axes or the size of one differs.
    """
    got = tuple(as_array(array, what).shape)
    fits = len(got) == len(want) and all(
        w is None or g == w for g, w in zip(got, want, strict=True)
    )
    that(fits, findings.Shape(what, got, tuple(want)))


def dtype(array: Any, want: str, what: str) -> None:
    """Check an array's dtype by name, for example ``"float32"``.

    Raises:
        Wrong: If the dtype differs.
    """
    got = str(as_array(array, what).dtype)
    that(got == want, findings.Dtype(what, got, want))


def as_array(value: Any, what: str) -> np.ndarray:
    """The value as a NumPy array.

    Raises:
        Wrong: If it is no array of numbers, truth values or text.
    """
    that(value is not None, f"{what} is None: does the function return its result?")
    try:
        array = np.asarray(value)
    except Exception:
        raise Wrong(f"{what} is a {type(value).__name__}; expected an array.") from None
    if array.dtype.kind not in "biufU":
        raise Wrong(findings.Value(what, value, "numbers", kind="numbers"))
    return array


def parameters(model: Any, total: int, trainable: int | None = None) -> None:
    """Check the number of a Keras model's parameters, and of the trainable ones where given.

    Raises:
        Wrong: If a number differs, or there is no model.
    """
    that(model is not None, "The network is None: does the function return it?")
    counted = [(count(model.weights), total, "parameters in total")]
    if trainable is not None:
        counted.append((count(model.trainable_weights), trainable, "trainable parameters"))
    for got, want, kind in counted:
        that(got == want, findings.Parameters(got, want, kind))


def count(weights: list) -> int:
    """Numbers in a list of Keras weights."""
    return int(sum(np.prod(tuple(w.shape), dtype=np.int64) for w in weights))


def architecture(model: Any, want: str) -> None:
    """Compare a Keras model with a line such as ``"conv 3x3x32 relu, pool 2, dense 10 softmax"``.

    The grammar and what counts as the same are in `convcourse.architecture`.

    Raises:
        Wrong: With the first difference.
    """
    networks.compare(model, want)


def _same_length(got: Any, want: list | tuple, what: str) -> None:
    several = findings.Value(what, got, f"{len(want)} values", kind="several values")
    that(_is_sequence(got), several)
    that(len(got) == len(want), findings.Length(what, len(got), len(want)))


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict, set)) or (
        isinstance(value, np.ndarray) and value.ndim > 0
    )
