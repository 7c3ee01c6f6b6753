"""How a check ends: *passed*, *not attempted*, *wrong* or *error*, and what it may tell.

The visible check in a notebook, the hidden check of the grader, the feedback page and the class
page all use these four. Nothing here imports another module of the package but `findings` and
`session`.
"""

import copy
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from convcourse import session
from convcourse.findings import Finding, Sentence

PASSED, NOT_ATTEMPTED, WRONG, ERROR = "passed", "not attempted", "wrong", "error"
_STUB_WORDS = "not attempted yet"
_SYMBOLIC = (
    "Keras calls this code with symbolic tensors, which have no values yet. Use functions of "
    "keras.ops in place of NumPy's, and in place of Python's loops, `if` and `max`"
)
_TEXT = (
    "Keras got a text where it needs a number. If it is the name of a metric: the third argument "
    'of compile is loss_weights, so write metrics=["accuracy"] with its name'
)
_SAME_NAME = (
    "Two parts of this Keras model have the same name. A copy of a network keeps its name: call "
    "the network itself again in place of a copy, or give the second part a name of its own"
)
# Whether messages quote values; hidden checks do not.
_values_shown: ContextVar[bool] = ContextVar("values shown", default=True)
_LONGEST = 200  # of another cell's error, quoted in a sentence


@dataclass(frozen=True)
class Outcome:
    """How one check ended.

    Attributes:
        status: `PASSED`, `NOT_ATTEMPTED`, `WRONG` or `ERROR`.
        exercise: The exercise, as a message names it.
        message: What the student reads.

    Example:
        >>> print(Outcome(WRONG, "The sum", "The sum is 3; expected 4."))
        wrong: The sum. The sum is 3; expected 4.
    """

    status: str
    exercise: str
    message: str

    def __str__(self) -> str:
        return f"{self.status}: {self.exercise}. {self.message}".rstrip()


class CheckFailed(AssertionError):
    """A check that did not pass. Jupyter shows its sentence without a traceback.

    Args:
        message: What the student reads.
        exercise: The exercise that the check is about.
    """

    status = WRONG
    detail = ""  # more words, which a grader keeps for the instructor

    def __init__(self, message: str, exercise: str = "this exercise") -> None:
        self.outcome = Outcome(self.status, exercise, message)
        super().__init__(str(self.outcome))

    def of(self, exercise: str) -> Self:
        """Copy this failure for another exercise.

        Args:
            exercise: The exercise's name.

        Returns:
            The same kind of failure, with the same message.
        """
        renamed = copy.copy(self)
        renamed.outcome = Outcome(self.status, exercise, self.outcome.message)
        renamed.args = (str(renamed.outcome),)
        return renamed

    def _render_traceback_(self) -> list[str]:
        return [str(self.outcome)]


class Wrong(CheckFailed):
    """The answer is there and is not right.

    Args:
        finding: In which way it is wrong, as a sentence or as data.
        exercise: The exercise that the check is about.
    """

    def __init__(self, finding: Finding | str, exercise: str = "this exercise") -> None:
        self.finding = Sentence(finding) if isinstance(finding, str) else finding
        shown = _values_shown.get()
        told = self.finding.told() if shown else self.finding.told_without_values()
        super().__init__(told, exercise)


class NotAttempted(CheckFailed):
    """The exercise still holds its stub, or its name does not exist yet."""

    status = NOT_ATTEMPTED


class StudentError(CheckFailed):
    """The student's own code raised; the message quotes their line."""

    status = ERROR


def failure(status: str, message: str) -> CheckFailed:
    """Make the failed check of a status.

    Args:
        status: How the check ended. An unknown status counts as *wrong*.
        message: What the student reads.

    Returns:
        A `NotAttempted`, a `StudentError` or a `Wrong`.
    """
    kinds = {NOT_ATTEMPTED: NotAttempted, ERROR: StudentError}
    return kinds.get(status, Wrong)(message)


def that(condition: Any, finding: Finding | str) -> None:
    """Fail with ``finding`` unless ``condition`` is true.

    Args:
        condition: One truth value, not an array of several.
        finding: A sentence for the student, or a `Finding` that words itself.

    Raises:
        Wrong: If the condition is false.
        TypeError: If the condition is an array of more than one element.
    """
    if isinstance(condition, np.ndarray) and condition.size != 1:
        raise TypeError("checks.that takes one truth value; reduce the array with all() or any()")
    if not bool(condition):
        raise Wrong(finding)


@contextmanager
def without_values() -> Iterator[None]:
    """Let the checks inside say what is wrong without the value found and the one expected.

    Hidden checks use it, so that a message does not give away a hidden case, not even through a
    function that returns its argument. Messages still name kinds of values, kinds of layers and
    their order, and say which axis, argument or count is wrong.
    """
    token = _values_shown.set(False)
    try:
        yield
    finally:
        _values_shown.reset(token)


def explain(error: BaseException, name: str = "this exercise") -> CheckFailed:
    """Turn any exception of a student's code into one of the three failing outcomes.

    Args:
        error: The exception, with its traceback.
        name: The exercise that the outcome is about.

    Returns:
        A `NotAttempted` for a stub or a name that does not exist yet; the failure itself for a
        check that did not pass; otherwise a `StudentError` that quotes the student's line.
    """
    if isinstance(error, CheckFailed):
        return error.of(name)
    if isinstance(error, NotImplementedError) and _from_stub(error):
        return NotAttempted(
            "The exercise still raises NotImplementedError: write your answer in its place, "
            "then run the cell again.",
            name,
        )
    if isinstance(error, NameError) and getattr(error, "name", None) and _in_a_cell(error):
        return _missing(str(error.name), name)
    return StudentError(f"{type(error).__name__}: {_words(error)}{_student_line(error)}", name)


def _missing(what: str, name: str) -> CheckFailed:
    """An untouched exercise is not attempted; a cell that failed otherwise is an error, quoted."""
    culprit, failed = session.failed_definition(what) or (what, None)
    if failed is not None and failed.kind != "NotImplementedError":
        line = failed.error.strip().partition("\n")[0]
        return StudentError(
            f"The cell that defines {culprit!r} ended in an error "
            f"({session.named(failed.kind, line[:_LONGEST])}): correct that cell, then run it "
            "and this one again.",
            name,
        )
    return NotAttempted(
        f"The name {what!r} does not exist yet: fill in the exercise that defines it "
        "and run the cells above in order.",
        name,
    )


def _words(error: BaseException) -> str:
    """What an exception says; of Keras's long and colored ones only the reason."""
    text = str(error)
    if re.search(r"symbolic `?tf\.Tensor|KerasTensor is symbolic|KerasTensor cannot be", text):
        return _SYMBOLIC
    if "dtype='string' is not a valid dtype" in text:
        return _TEXT
    if re.search(r"is used \d+ times in the model\. All operation names should be unique", text):
        return _SAME_NAME
    # TensorFlow names its own operation before and after the reason.
    text = re.sub(r"\{\{function_node .*?\}\} |\[Op:\w+\]( name:.*)?", "", text).rstrip()
    if "\x1b[" not in text:
        return text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text).partition("Arguments received by")[0]
    return " ".join(re.sub(r"^Exception encountered when calling \S+\s", "", plain).split())


def _from_stub(error: NotImplementedError) -> bool:
    return not error.args or _STUB_WORDS in str(error.args[0])


def _in_a_cell(error: NameError) -> bool:
    """Whether a cell itself looked a name up; inside a function it is an error of the author's."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].name == "<module>"


def _student_line(error: BaseException) -> str:
    """The last line of the traceback that lies in a notebook cell, as ' (line N: code)'."""
    package = Path(__file__).parent
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        in_package = package in Path(frame.filename).parents
        in_library = "site-packages" in frame.filename or "/lib/python" in frame.filename
        if not in_package and not in_library and frame.line:
            return f" (in {frame.name}, line {frame.lineno}: {frame.line.strip()})"
    return ""
