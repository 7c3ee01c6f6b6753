"""The report of whose marks a run has changed, and why, as a page and as a table."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape

from convcourse.files import write_whole

COLUMNS = ("student", "exercise", "before", "after", "why")
PENALTY = "late penalty"
TOTAL = "all, after the penalty"


@dataclass(frozen=True)
class Change:
    """One mark that a run has changed; None is a mark that nobody has given yet."""

    student: str
    exercise: str
    before: float | None
    after: float | None
    why: str


@dataclass(frozen=True)
class Changes:
    """What a run has changed.

    Attributes:
        assignment: The assignment.
        run: The name of the run, which is the time at which it began.
        kind: What ran.
        changes: The changed marks, student by student, with each student's sum.
        new: How many students were graded for the first time.
    """

    assignment: str
    run: str
    kind: str
    changes: tuple[Change, ...]
    new: int = 0

    @property
    def marks(self) -> list[Change]:
        """The changed marks without the sums."""
        return [one for one in self.changes if one.exercise != TOTAL]

    @property
    def students(self) -> int:
        """How many students have a changed mark."""
        return len({one.student for one in self.changes})

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Each reason with the number of marks, the most frequent first."""
        return Counter(one.why for one in self.marks).most_common()

    @property
    def sentence(self) -> str:
        """How much has changed."""
        if not self.marks:
            return "No earlier mark changed."
        marks, students = len(self.marks), self.students
        return (
            f"{marks} mark{'s' * (marks > 1)} of {students} student{'s' * (students > 1)} changed."
        )


def shown(points: float | None) -> str:
    """Points for a person."""
    return "open" if points is None else f"{points:g}"


def write(found: Changes, to: Path) -> Path:
    """Write the page, and the table beside it.

    Args:
        found: What has changed.
        to: The path of the page.

    Returns:
        The path of the page.
    """
    loader = Environment(loader=PackageLoader("autograder.pages"), autoescape=select_autoescape())
    page = loader.get_template("changes.html").render(found=found, shown=shown, total=TOTAL)
    write_whole(to, page)
    write_whole(to.with_suffix(".csv"), _csv(found.changes))
    return to


def _csv(changes: Sequence[Change]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for one in changes:
        writer.writerow({**asdict(one), "before": shown(one.before), "after": shown(one.after)})
    return text.getvalue()
