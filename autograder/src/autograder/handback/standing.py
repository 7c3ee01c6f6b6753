"""What each student gets for an assignment: a score after the penalty, or why there is none yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autograder.pages.scores import Report, Row

GRADED, WAITS, FAILED, UNGRADED = "graded", "waits", "failed", "not graded"
AGAIN = "handed in again"
_WHY = {
    WAITS: "waits for a person ({})",
    FAILED: "failed to be graded: run autograder grade {} again",
    UNGRADED: "is not graded yet: run autograder grade {}",
    AGAIN: "has handed in again since it was graded: run autograder grade {}",
}


@dataclass(frozen=True)
class Standing:
    """One student in one assignment.

    Attributes:
        state: ``graded``, ``waits``, ``failed``, ``not graded`` or ``handed in again``.
        score: The points after the late penalty; None unless it is graded.
        before: The points before it.
        penalty: What the penalty takes of them.
        why: Why there is no score, in words that follow the student's name.
    """

    state: str
    score: float | None = None
    before: float = 0.0
    penalty: float = 0.0
    why: str = ""

    @property
    def late(self) -> str:
        """The penalty in words; empty if there is none."""
        taken = f"{self.before:g} points before the late penalty of {self.penalty:g}"
        return taken if self.penalty else ""


@dataclass
class Filled:
    """A file for a platform, and what a person must know about it.

    Attributes:
        content: The file's bytes.
        scores: How many scores stand in it.
        left: Sentences about students without a score that they should have.
        missing: The students who have not handed in.
        late: Sentences about penalties.
        said: What else is to be known.
    """

    content: bytes = b""
    scores: int = 0
    left: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def of(report: Report, again: Iterable[str] = ()) -> dict[str, Standing]:
    """The standing of each student who has handed in, by the course's id.

    Args:
        report: The results.
        again: The students who handed in something else since they were graded.
    """
    found = {row.student: _standing(row, report.assignment) for row in report.rows}
    for state, students in ((UNGRADED, report.ungraded), (AGAIN, again)):
        why = _WHY[state].format(report.assignment)
        found |= {one: Standing(state, why=why) for one in students}
    return found


def _standing(row: Row, assignment: str) -> Standing:
    if row.failed:
        return Standing(FAILED, why=_WHY[FAILED].format(assignment))
    open_ones = [test for test, mark in row.marks.items() if mark.waits or mark.score is None]
    if open_ones:
        shown = ", ".join(open_ones[:3]) + (" and more" if len(open_ones) > 3 else "")
        return Standing(WAITS, why=_WHY[WAITS].format(shown))
    taken = row.before_penalty - row.score
    return Standing(GRADED, row.score, row.before_penalty, taken)


def called(student: str, names: Mapping[str, str]) -> str:
    """A student with id and name, for a person."""
    name = names.get(student, "")
    return f"{student} ({name})" if name and name != student else student
