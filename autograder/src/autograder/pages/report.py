"""The class report: every student and test, in the terminal and as a page.

`autograder.nbgrader.results` reads the data for it.
"""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from rich import box
from rich.console import Console
from rich.table import Table

from convcourse import outcomes
from convcourse.files import write_whole

SIGNS = {
    outcomes.PASSED: "✓",
    outcomes.WRONG: "✗",
    outcomes.NOT_ATTEMPTED: "–",
    outcomes.ERROR: "!",
    "to grade by hand": "?",
    "graded by hand": "✎",
}


@dataclass(frozen=True)
class Score:
    """The points that the gradebook holds for one test."""

    points: float | None = None  # None: nobody has graded it yet
    by_hand: bool = False
    waits: bool = True  # whether somebody must grade it, or review it after a regrade


@dataclass(frozen=True)
class Mark:
    """One student's result in one test: the outcome, its message, and the points."""

    status: str
    message: str
    score: float | None
    points: float

    @property
    def sign(self) -> str:
        return SIGNS[self.status]


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

    @property
    def points(self) -> float:
        return sum(self.tests.values())


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


def _link(page: Path) -> Callable[[str, str], str]:
    """Relative links to the feedback pages that exist."""

    def link(student: str, assignment: str) -> str:
        path = page.parent / "feedback" / student / assignment / f"{assignment}.html"
        return html.escape(path.relative_to(page.parent).as_posix()) if path.is_file() else ""

    return link


def show(reports: Sequence[Report], console: Console | None = None) -> None:
    """Print the table of every assignment."""
    console = console or Console()
    for one in reports:
        console.print(table(one))
