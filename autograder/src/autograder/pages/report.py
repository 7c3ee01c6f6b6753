"""The class report: every student and test, in the terminal and as a page.

`autograder.nbgrader.results` reads the data for it.
"""

import csv
import html
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from rich import box
from rich.console import Console
from rich.table import Table

from autograder.pages.outputs import PARTLY
from convcourse import outcomes
from convcourse.files import write_whole

SIGNS = {
    outcomes.PASSED: "✓",
    PARTLY: "◐",
    outcomes.WRONG: "✗",
    outcomes.NOT_ATTEMPTED: "–",
    outcomes.ERROR: "!",
    "to grade by hand": "?",
    "graded by hand": "✎",
}
BY_HAND = SIGNS["graded by hand"]
LOOK = "Decided by a person before the last run; look at these again in Formgrader:"
KEPT = "Decided by a person:"
COLUMNS = ["assignment", "student", "test", "outcome", "points", "score", "automatic_score"]
COLUMNS += ["by_hand", "decision", "look_again", "changes"]


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
    """One student's result in one test: the outcome, its message, and the points."""

    status: str
    message: str
    score: float | None
    points: float
    automatic: float | None = None
    by_hand: bool = False  # whether a person gave the score or extra credit

    @property
    def sign(self) -> str:
        return SIGNS[self.status] + (BY_HAND if self.is_beside else "")

    @property
    def is_beside(self) -> bool:
        """Whether a person's score stands beside an automatic one."""
        return self.by_hand and self.automatic is not None


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
    """One student: their marks by test, in the order of the notebook, and the sum."""

    student: str
    marks: dict[str, Mark]

    @property
    def score(self) -> float:
        return sum(mark.score or 0 for mark in self.marks.values())


@dataclass(frozen=True)
class Report:
    """One assignment of a class."""

    assignment: str
    tests: dict[str, float]  # name: points
    rows: list[Row]
    decided: tuple[Decided, ...] = ()
    levels: tuple[str, ...] = ()  # of the walls behind which each notebook ran

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
    def walls(self) -> str:
        """Behind which walls the notebooks ran; empty if that is not known."""
        counts = Counter(self.levels).most_common()
        parts = [f"{level} ({count} submission{'s'[: count > 1]})" for level, count in counts]
        return f"Level of the walls: {', '.join(parts)}." if parts else ""


def table(report: Report) -> Table:
    """The report for a terminal."""
    made = Table(
        title=f"{report.assignment}: {report.points:g} points", box=box.SIMPLE_HEAD, pad_edge=False
    )
    made.add_column("test", no_wrap=True)
    for row in report.rows:
        # Each word on its own line, so that six students fit 80 columns.
        made.add_column(row.student.replace("_", "\n"), justify="center")
    for name, points in report.tests.items():
        made.add_row(f"{name} ({points:g})", *(row.marks[name].sign for row in report.rows))
    made.add_section()
    made.add_row(f"points of {report.points:g}", *(f"{row.score:g}" for row in report.rows))
    made.caption = ", ".join(f"{sign} {status}" for status, sign in SIGNS.items())
    return made


def write(reports: Sequence[Report], to: Path, title: str = "") -> Path:
    """Write the class page, a file without scripts that needs no network.

    Args:
        reports: The assignments to show.
        to: The path of the page.
        title: The title of the course.

    Returns:
        The path of the page.
    """
    loader = Environment(loader=PackageLoader("autograder.pages"), autoescape=select_autoescape())
    template = loader.get_template("class.html")
    page = template.render(reports=reports, signs=SIGNS, link=_link(to), title=title)
    write_whole(to, page)
    return to


def write_csv(reports: Sequence[Report], to: Path) -> Path:
    """Write one line for each student and test, with the decision of a person beside the score.

    A decision about something else, such as a late penalty, has a line without a score.

    Args:
        reports: The assignments to write.
        to: The path of the file.

    Returns:
        The path of the file.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    for report in reports:
        left = list(report.decided)
        for row in report.rows:
            for test, mark in row.marks.items():
                scored = {
                    "outcome": mark.status,
                    "points": mark.points,
                    "score": mark.score,
                    "automatic_score": mark.automatic,
                    "by_hand": "yes" if mark.by_hand else "no",
                }
                here = [one for one in left if (one.student, one.test) == (row.student, test)]
                one = here[0] if here else Decided(row.student, test, "")
                writer.writerow(_line(report, one) | scored)
                left = [one for one in left if one not in here[:1]]
        for one in left:
            writer.writerow(_line(report, one) | {"by_hand": "yes"})
    write_whole(to, text.getvalue())
    return to


def _line(report: Report, one: Decided) -> dict[str, str | float | None]:
    return {
        "assignment": report.assignment,
        "student": one.student,
        "test": one.test,
        "automatic_score": one.automatic,
        "decision": one.given,
        "look_again": "yes" if one.look else "no",
        "changes": "; ".join(one.changes),
    }


def _link(page: Path) -> Callable[[str, str], str]:
    """Relative links to the feedback pages that exist."""

    def link(student: str, assignment: str) -> str:
        path = page.parent / "feedback" / student / assignment / f"{assignment}.html"
        return html.escape(path.relative_to(page.parent).as_posix()) if path.is_file() else ""

    return link


def show(reports: Sequence[Report], console: Console | None = None) -> None:
    """Print the table of every assignment, and what people decided."""
    console = console or Console()
    for report in reports:
        console.print(table(report))
        for title, found in report.lists.items():
            console.print(title, markup=False, highlight=False)
            for one in found:
                console.print(f"* {one.sentence}", markup=False, highlight=False)
        if report.walls:
            console.print(report.walls, markup=False, highlight=False)
