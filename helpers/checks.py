"""The visible tests' vocabulary: four outcomes, and messages that teach.

A check ends as *passed*, *not attempted*, *wrong* or *error*. Inside
``with exercise(...)`` every exception becomes one of the last three; reaching the end is the
first. Checks judge what a thing is and does, not how it was written.
"""

import builtins
import functools
import re
import textwrap
import tomllib
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PASSED, NOT_ATTEMPTED, WRONG, ERROR = "passed", "not attempted", "wrong", "error"
HINTS = Path(__file__).with_name("hints")  # one file for each assignment
_STUB_WORDS = "not attempted yet"


@dataclass(frozen=True)
class Outcome:
    """How one check ended: ``status`` is one of the four words, ``message`` is for the student."""

    status: str
    exercise: str
    message: str

    def __str__(self) -> str:
        return f"{self.status}: {self.exercise}. {self.message}".rstrip()


class CheckFailed(AssertionError):
    """A check that did not pass. Jupyter shows its sentence without a traceback."""

    status = WRONG
    detail = ""  # more words, which a grader keeps for the instructor

    def __init__(self, message: str, exercise: str = "this exercise") -> None:
        self.outcome = Outcome(self.status, exercise, message)
        super().__init__(str(self.outcome))

    def _render_traceback_(self) -> list[str]:
        return [str(self.outcome)]


class Wrong(CheckFailed):
    """The answer is there and is not right."""


class NotAttempted(CheckFailed):
    """The exercise still holds its stub, or its name does not exist yet."""

    status = NOT_ATTEMPTED


class StudentError(CheckFailed):
    """The student's own code raised; the message quotes their line."""

    status = ERROR


@contextmanager
def exercise(name: str, hidden: str = "") -> Iterator[None]:
    """Run the checks of one exercise; say how it ended.

    ``hidden`` tells the student what the hidden checks cover, so that a pass here is not
    mistaken for full marks. Raises `NotAttempted`, `Wrong` or `StudentError`.
    """
    try:
        yield
    except CheckFailed as failed:
        raise type(failed)(failed.outcome.message, name) from None
    except Exception as error:
        raise explain(error, name) from None
    print(f"{PASSED}: {name}." + (f" Still to come when graded: {hidden}." if hidden else ""))


def explain(error: BaseException, name: str = "this exercise") -> CheckFailed:
    """Turn any exception of a student's code into one of the three failing outcomes."""
    if isinstance(error, CheckFailed):
        return type(error)(error.outcome.message, name)
    if isinstance(error, NotImplementedError) and _from_stub(error):
        return NotAttempted(
            "The exercise still raises NotImplementedError: write your answer in its place, "
            "then run the cell again.",
            name,
        )
    if isinstance(error, NameError) and getattr(error, "name", None) and _in_a_cell(error):
        return NotAttempted(
            f"The name {error.name!r} does not exist yet: fill in the exercise that makes it and "
            "run the cells above in order.",
            name,
        )
    return StudentError(f"{type(error).__name__}: {error}{_student_line(error)}", name)


def _from_stub(error: NotImplementedError) -> bool:
    return not error.args or _STUB_WORDS in str(error.args[0])


def _in_a_cell(error: NameError) -> bool:
    """Whether a name was looked up by a cell itself; inside a function it is the author's slip."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].name == "<module>"


def _student_line(error: BaseException) -> str:
    """The last line of the traceback that lies in a notebook cell, as ' (line N: code)'."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        in_package = Path(frame.filename).parent == Path(__file__).parent
        in_library = "site-packages" in frame.filename or "/lib/python" in frame.filename
        if not in_package and not in_library and frame.line:
            return f" (in {frame.name}, line {frame.lineno}: {frame.line.strip()})"
    return ""


# ---------------------------------------------------------------------- single checks


# Whether messages quote values; hidden checks do not.
_shown: ContextVar[bool] = ContextVar("values shown", default=True)
# How `helpers.architecture` tells the figures of a layer: filters, units, strides and the like.
_FIGURES = re.compile(r" has (?!activation)([a-z_]+) [^;]*; expected .*", re.DOTALL)


def that(condition: Any, sentence: str) -> None:
    """Fail with ``sentence`` unless ``condition`` is true (one truth value, not an array)."""
    if isinstance(condition, np.ndarray) and condition.size != 1:
        raise TypeError("checks.that takes one truth value; reduce the array with all() or any()")
    if not bool(condition):
        raise Wrong(sentence)


def equal(got: Any, want: Any, what: str) -> None:
    """Exact equality of plain values and sequences; lengths are compared before elements."""
    if isinstance(want, (list, tuple)):
        _same_length(got, want, what)
        for i, (g, w) in enumerate(zip(got, want, strict=True)):
            equal(g, w, f"{what}, entry {i}")
        return
    if isinstance(want, dict):
        that(isinstance(got, dict), f"{what} is a {type(got).__name__}; expected a dictionary.")
        missing, extra = set(want) - set(got), set(got) - set(want)
        that(not missing, f"{what} lacks {_names(missing)}.")
        unasked = _names(extra) if _shown.get() else "a key"
        that(not extra, f"{what} has {unasked}, which nobody asked for.")
        for key in want:
            equal(got[key], want[key], f"{what}[{key!r}]")
        return
    if isinstance(want, np.ndarray):
        array_equal(got, want, what)
        return
    that(not _is_sequence(got), f"{what} {_is(got, f'the single value {want!r}', 'one value')}")
    same = got == want and (isinstance(got, (bool, np.bool_)) == isinstance(want, bool))
    that(same, f"{what} {_is(got, repr(want))}")


def array_equal(got: Any, want: np.ndarray, what: str) -> None:
    """Every element equal; the shape is compared first."""
    got = as_array(got, what)
    shape(got, want.shape, what)
    differing = int(np.count_nonzero(got != want))
    places = f"{differing} of {want.size}" if _shown.get() else _some(differing, want.size)
    that(differing == 0, f"{what} differs from what is expected in {places} places.")


def close(got: Any, want: Any, what: str, rtol: float = 1e-4, atol: float = 1e-6) -> None:
    """Numbers or arrays equal within ``rtol * |want| + atol``; the shape is compared first."""
    got, want = as_array(got, what), np.asarray(want)
    that(got.dtype.kind in "biuf", f"{what} {_is(got.tolist(), 'numbers', 'numbers')}")
    shape(got, want.shape, what)
    that(np.isfinite(got).all(), f"{what} contains values that are not finite (nan or inf).")
    bad = ~np.isclose(got, want, rtol=rtol, atol=atol)
    if not bad.any():
        return
    if want.ndim == 0:
        raise Wrong(f"{what} {_is(float(f'{float(got):.6g}'), f'{float(want):.6g}')}")
    if not _shown.get():
        raise Wrong(f"{what} differs from what is right in {_some(bad.sum(), bad.size)} places.")
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    raise Wrong(
        f"{what} differs in {int(bad.sum())} of {bad.size} places; the first is at {at}: "
        f"{float(got[at]):.6g}, expected {float(want[at]):.6g}."
    )


def shape(array: Any, want: tuple, what: str) -> None:
    """The array's shape; ``None`` in ``want`` stands for any size."""
    got = tuple(as_array(array, what).shape)
    fits = len(got) == len(want) and all(
        w is None or g == w for g, w in zip(got, want, strict=True)
    )
    shown = "(" + ", ".join("any" if w is None else str(w) for w in want) + ")"
    if _shown.get():
        that(fits, f"{what} has shape {got}; expected {shown}.")
    wrong = [i for i, w in enumerate(want) if len(got) == len(want) and w not in (None, got[i])]
    differs = f"along axis {wrong[0]}" if wrong else f"{len(got)} axes in place of {len(want)}"
    that(fits, f"{what} has another shape than expected: {differs}.")


def dtype(array: Any, want: str, what: str) -> None:
    """The array's dtype by name, for example ``"float32"``."""
    got = str(as_array(array, what).dtype)
    that(got == want, f"{what} has dtype {got}; expected {want}.")


def as_array(value: Any, what: str) -> np.ndarray:
    """``value`` as a NumPy array; `Wrong` if it is no array of numbers or truth values."""
    that(value is not None, f"{what} is None: does the function return its result?")
    try:
        array = np.asarray(value)
    except Exception:
        raise Wrong(f"{what} is a {type(value).__name__}; expected an array.") from None
    if array.dtype.kind not in "biufU":
        raise Wrong(f"{what} {_is(value, 'numbers', 'numbers')}")
    return array


def parameters(model: Any, total: int, trainable: int | None = None) -> None:
    """Total parameters of a Keras model, and trainable ones where given."""
    that(model is not None, "The network is None: does the function return it?")
    _counted(count(model.weights), total, "parameters in total")
    if trainable is not None:
        _counted(count(model.trainable_weights), trainable, "trainable parameters")


def _counted(got: int, want: int, what: str) -> None:
    if _shown.get():
        that(got == want, f"The network has {got:,} {what}; expected {want:,}.")
    that(got == want, f"The network has too {'many' if got > want else 'few'} {what}.")


def count(weights: list) -> int:
    """Numbers in a list of Keras weights."""
    return int(sum(np.prod(tuple(w.shape), dtype=np.int64) for w in weights))


def architecture(model: Any, want: str) -> None:
    """Compare a Keras model with a line such as ``"conv 3x3x32 relu, pool 2, dense 10 softmax"``.

    The grammar and what counts as the same are in `helpers.architecture`.
    """
    from helpers.architecture import compare

    try:
        compare(model, want)
    except Wrong as wrong:
        if _shown.get():
            raise
        raise Wrong(_FIGURES.sub(r" has other \1 than expected.", wrong.outcome.message)) from None


def _same_length(got: Any, want: Any, what: str) -> None:
    that(_is_sequence(got), f"{what} {_is(got, f'{len(want)} values', 'several values')}")
    counts = f"{len(got)} entries; expected {len(want)}" if _shown.get() else "a wrong length"
    that(len(got) == len(want), f"{what} has {counts}.")


@contextmanager
def without_values() -> Iterator[None]:
    """Let the comparisons inside say what is wrong without what there is and what is expected.

    Hidden checks use it: the values of hidden cases stay hidden, and so does what a function
    that gives back its argument would tell of it. Kinds of values, of layers and their order are
    named all the same, and which axis, figure or count is wrong.
    """
    token = _shown.set(False)
    try:
        yield
    finally:
        _shown.reset(token)


def _is(got: Any, want: str, kind: str = "") -> str:
    """The end of a sentence: "is 3; expected 4.", or less where values are hidden."""
    if _shown.get():
        return f"is {_short(got)}; expected {want}."
    return f"is wrong; expected {kind}." if kind else "is wrong."


def _some(differing: int, size: int) -> str:
    return "all" if differing == size else "some"


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict, set)) or (
        isinstance(value, np.ndarray) and value.ndim > 0
    )


def _names(keys: set) -> str:
    return ", ".join(repr(k) for k in sorted(keys, key=str))


def _short(value: Any, limit: int = 80) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 3] + "..."


# ---------------------------------------------------------------------- hints

_hinted: dict[str, int] = {}


def hint(name: str) -> None:
    """Print the next of the three hints of an exercise: a question, a pointer, almost the answer.

    Raises `KeyError` with the known names when there is no such exercise.
    """
    steps = hints().get(name, {}).get("steps")
    if not steps:
        raise KeyError(f"no hints for {name!r}; there are some for: {', '.join(sorted(hints()))}")
    step = min(_hinted.get(name, 0), len(steps) - 1)
    _hinted[name] = step + 1
    print(textwrap.fill(f"Hint {step + 1} of {len(steps)}: {steps[step]}", 96))
    if step + 1 < len(steps):
        print("Run this cell again for the next one.")


@functools.cache
def hints() -> dict[str, dict[str, list[str]]]:
    """The steps of every exercise's hint, as the files in `HINTS` have them; read once."""
    found: dict = {}
    for file in sorted(HINTS.glob("*.toml")):
        found |= tomllib.loads(file.read_text(encoding="utf-8"))
    return found


# ---------------------------------------------------------------------- the notebook


def explain_missing_names() -> None:
    """In Jupyter, show stubs and not yet defined names as *not attempted*, in one sentence.

    Does nothing outside IPython. Called by every notebook's set-up cell.
    """
    shell = getattr(builtins, "get_ipython", lambda: None)()
    if shell is not None:
        shell.set_custom_exc((NameError, NotImplementedError), _show_short)


def _show_short(shell: Any, etype: type, value: BaseException, tb: Any, tb_offset: Any = None):
    explained = explain(value, "this cell")
    if isinstance(explained, NotAttempted):
        shown = explained._render_traceback_()
        shell._showtraceback(type(explained), explained, shown)
        return shown
    shell.showtraceback((etype, value, tb), tb_offset=tb_offset)
    return None
