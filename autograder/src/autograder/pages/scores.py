"""What a class reached, as plain data: marks, sums and late penalties, and what people decided.

`autograder.nbgrader.results` reads it; the class page, the students' pages, the terminal and the
table for spreadsheets show it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autograder.pages.outputs import PARTLY
from convcourse import outcomes

BY_HAND, TO_GRADE, UNGRADED = "graded by hand", "to grade by hand", "not graded"
SIGNS = {
    outcomes.PASSED: "✓",
    PARTLY: "◐",
    outcomes.WRONG: "✗",
    outcomes.NOT_ATTEMPTED: "–",
    outcomes.ERROR: "!",
    TO_GRADE: "?",
    BY_HAND: "✎",
    UNGRADED: "∅",
}
LOOK = "Decided by a person before the last run; look at these again in Formgrader:"
KEPT = "Decided by a person:"


@dataclass(frozen=True)
class Score:
    """The points that the gradebook holds for one test."""

    points: float | None = None  # None: nobody has graded it yet
    by_hand: bool = False
    waits: bool = True  # whether somebody must grade it, or review it after a regrade
    automatic: float | None = None
    extra: float | None = None


@dataclass(frozen=True)
class Mark:
    """One student's result in one test: the outcome, its message, and the points.

    Attributes:
        status: One of `SIGNS`.
        message: What the check said, and why a person must look at it.
        score: The points; None if nobody has given any yet.
        points: The points that the test gives at most.
        automatic: The automatic score; None if there is none.
        by_hand: Whether a person gave the score or extra credit.
        waits: Whether a person must grade it or look at it again.
        look: Why a person must look at it; empty if nothing but a person's grade is missing.
    """

    status: str
    message: str
    score: float | None
    points: float
    automatic: float | None = None
    by_hand: bool = False
    waits: bool = False
    look: str = ""

    @property
    def sign(self) -> str:
        return SIGNS[self.status] + (SIGNS[BY_HAND] if self.is_beside else "")

    @property
    def is_beside(self) -> bool:
        """Whether a person's score stands beside an automatic one."""
        return self.by_hand and self.automatic is not None

    @property
    def is_full(self) -> bool:
        """Whether it has all points."""
        return self.score is not None and self.score >= self.points

    def sentence(self, test: str) -> str:
        """What the check said, without the outcome and the test's name before it."""
        _, found, said = self.message.partition(f"{self.status}: {test}. ")
        return said if found else self.message


@dataclass(frozen=True)
class Decided:
    """What a person decided about one student's test, beside what the grader found.

    Attributes:
        student: The student.
        test: The test, or what else was decided.
        given: What the person set, in words.
        automatic: The automatic score or penalty; None if there is none.
        look: Whether a run came after the decision and nobody has confirmed it since.
        changes: What has changed since the decision, in words.
    """

    student: str
    test: str
    given: str
    automatic: float | None = None
    look: bool = False
    changes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        automatic = "open" if self.automatic is None else f"{self.automatic:g}"
        said = f"{self.student}, {self.test}: a person set {self.given} (automatic: {automatic})."
        if not self.look:
            return said
        since = "; ".join(self.changes) or "nothing that it was based on changed"
        return f"{said} Since then: {since}."


@dataclass(frozen=True)
class Row:
    """One student in one assignment.

    Attributes:
        student: The student.
        marks: The marks by test, in the order of the notebook.
        penalty: The points that a late submission costs.
        attempts: How many submissions the student has handed in; None if that is not known.
    """

    student: str
    marks: dict[str, Mark]
    penalty: float = 0
    attempts: int | None = None

    @property
    def before_penalty(self) -> float:
        return sum(mark.score or 0 for mark in self.marks.values())

    @property
    def score(self) -> float:
        """The sum after the penalty, never below 0, as nbgrader exports it."""
        return max(0.0, self.before_penalty - self.penalty)

    @property
    def waits(self) -> bool:
        """Whether a person must grade or look at some of it."""
        return any(mark.waits for mark in self.marks.values())

    @property
    def failed(self) -> bool:
        """Whether the grader failed on it, so that it must be graded again."""
        return any(mark.status == UNGRADED for mark in self.marks.values())


@dataclass(frozen=True)
class Report:
    """One assignment of a class.

    Attributes:
        assignment: The assignment.
        tests: The points of each test, in the order of the notebook.
        rows: The students whose submission has been graded, or was tried.
        decided: What people decided.
        levels: The level of the walls behind which each notebook ran.
        profiles: The profile under which each submission was graded.
        ungraded: The students whose submission lies in submitted/ and was not graded yet.
        names: The names of the students in the roster, by id; empty without a roster.
        missing: The students of the roster who have not handed in; None without a roster.
    """

    assignment: str
    tests: dict[str, float]
    rows: list[Row]
    decided: tuple[Decided, ...] = ()
    levels: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    ungraded: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] | None = None

    @property
    def points(self) -> float:
        return sum(self.tests.values())

    @property
    def lists(self) -> dict[str, list[Decided]]:
        """The decisions to look at again, and those that stand beside an automatic score."""
        look = [one for one in self.decided if one.look]
        kept = [one for one in self.decided if not one.look and one.automatic is not None]
        return {title: found for title, found in ((LOOK, look), (KEPT, kept)) if found}

    @property
    def looks(self) -> list[tuple[str, str, str]]:
        """Student, test and reason of what a person must look at for another reason."""
        marks = [(row.student, test, m) for row in self.rows for test, m in row.marks.items()]
        return [(student, test, mark.look) for student, test, mark in marks if mark.look]

    @property
    def walls(self) -> str:
        """Behind which walls the notebooks ran; empty if that is not known."""
        counted = _counted(self.levels)
        return f"Level of the walls: {counted}." if counted else ""

    @property
    def profile(self) -> str:
        """Under which profile the submissions were graded; empty if that is not known."""
        counted = _counted(self.profiles)
        return f"Profile: {counted}." if counted else ""


def _counted(values: Iterable[str]) -> str:
    """Each value with its number of submissions, the commonest first."""
    counts = Counter(values).most_common()
    return ", ".join(f"{value} ({n} submission{'s'[: n > 1]})" for value, n in counts)
