"""What an instructor looks at afterwards: every student and test, in the terminal and as a page.

Reads the gradebook for the points and the executed notebooks for the words.
"""

import html
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jinja2 import Environment, PackageLoader, select_autoescape
from nbgrader.api import Grade, Gradebook
from nbgrader.utils import is_grade
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.execute import NOTES
from autograder.intake import printable
from autograder.room import Room
from helpers import checks

WORDS = {"NotAttempted": checks.NOT_ATTEMPTED, "Wrong": checks.WRONG, "StudentError": checks.ERROR}
SIGNS = {
    checks.PASSED: "✓",
    checks.WRONG: "✗",
    checks.NOT_ATTEMPTED: "–",
    checks.ERROR: "!",
    "to grade by hand": "?",
    "graded by hand": "✎",
}


@dataclass(frozen=True)
class Score:
    """The points that the gradebook holds for one test."""

    points: float | None = None  # None: nobody has graded it yet
    by_hand: bool = False
    waits: bool = True  # for somebody to grade it, or to look at it again after a regrade


@dataclass(frozen=True)
class Mark:
    """One student's result in one test: the outcome, its words, and the points."""

    status: str
    message: str
    score: float | None
    points: float

    @property
    def sign(self) -> str:
        return SIGNS[self.status]


@dataclass(frozen=True)
class Row:
    """One student: their marks by test, in the notebook's order, and the sum."""

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


def read(root: Path, assignment: str) -> Report:
    """The results of one assignment from ``autograded/`` and the gradebook of a course folder."""
    source = nbformat.read(root / "source" / assignment / f"{assignment}.ipynb", as_version=4)
    tests = {
        c.metadata.nbgrader.grade_id: float(c.metadata.nbgrader.points)
        for c in source.cells
        if is_grade(c)
    }
    with Gradebook(Room(root, assignment).db_url) as gradebook:
        scores = {
            submission.student_id: {
                one.name: _score(one)
                for notebook in submission.notebooks
                for one in notebook.grades
            }
            for submission in gradebook.assignment_submissions(assignment)
        }
    rows = [Row(s, _marks(root, assignment, s, tests, scores[s])) for s in sorted(scores)]
    return Report(assignment, tests, rows)


def _score(grade: Grade) -> Score:
    known = grade.auto_score is not None or grade.manual_score is not None
    by_hand = grade.manual_score is not None
    return Score(grade.score if known else None, by_hand, grade.needs_manual_grade)


def _marks(root: Path, assignment: str, student: str, tests: dict, scores: dict) -> dict:
    path = root / "autograded" / student / assignment / f"{assignment}.ipynb"
    outputs = {}
    if path.is_file():
        for cell in nbformat.read(path, as_version=4).cells:
            if is_grade(cell):
                outputs[cell.metadata.nbgrader.grade_id] = cell.get("outputs")
    return {
        name: _mark(outputs.get(name), scores.get(name, Score()), points)
        for name, points in tests.items()
    }


def _mark(outputs: list | None, score: Score, points: float) -> Mark:
    """A cell without outputs of its own is a written answer, graded by hand."""
    if outputs is None:
        return Mark(*_written(score), score.points, points)
    for output in outputs:
        if output.output_type == "error":
            return Mark(WORDS.get(output.ename, checks.ERROR), output.evalue, score.points, points)
    return Mark(checks.PASSED, "", score.points, points)


def _written(score: Score) -> tuple[str, str]:
    if score.waits:
        return "to grade by hand", "A written answer, to be graded by hand."
    if score.by_hand:
        return "graded by hand", ""
    return checks.NOT_ATTEMPTED, "The written answer is as it was released."


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


def write(root: Path, assignments: list[str], to: Path) -> Path:
    """Write the class page, a file without scripts that needs no network; returns its path."""
    loader = Environment(loader=PackageLoader("autograder"), autoescape=select_autoescape())
    reports = [read(root, name) for name in assignments]
    page = loader.get_template("class.html").render(reports=reports, signs=SIGNS, link=_link(to))
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(page, encoding="utf-8")
    return to


def _link(page: Path):
    """Links to feedback pages, for those that are there, relative to the page."""

    def link(student: str, assignment: str) -> str:
        path = page.parent / "feedback" / student / assignment / f"{assignment}.html"
        return html.escape(path.relative_to(page.parent).as_posix()) if path.is_file() else ""

    return link


def show(root: Path, assignments: list[str], console: Console | None = None) -> None:
    """Print every assignment's table."""
    console = console or Console()
    for name in assignments:
        console.print(table(read(root, name)))


@dataclass(frozen=True)
class Place:
    """One entry of a leaderboard: name and idea in the student's words, and what was judged."""

    name: str
    idea: str
    accuracy: float  # on images that no notebook has seen, in [0, 1]
    parameters: int


def places(root: Path, assignment: str) -> list[Place]:
    """The leaderboard of an assignment from its graded notebooks, the best first.

    Only what hidden checks noted counts. Of equal accuracies, the one with fewer parameters is
    first.
    """
    found = []
    for path in sorted((root / "autograded").glob(f"*/{assignment}/{assignment}.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []) if is_grade(cell) else []:
                facts = output.get("metadata", {}).get(NOTES)
                if facts:
                    words = (printable(str(facts.get(key, ""))) for key in ("name", "idea"))
                    measured = float(facts["accuracy"]), int(facts["parameters"])
                    found.append(Place(*words, *measured))
    return sorted(found, key=lambda place: (-place.accuracy, place.parameters))


def ranking(entries: list[Place]) -> Table:
    """The leaderboard for a terminal; what students wrote is shown as it is, never as markup."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("place", "name", "accuracy", "parameters"):
        made.add_column(title, justify="left" if title == "name" else "right")
    made.add_column("idea")
    for number, entry in enumerate(entries, start=1):
        measured = f"{entry.accuracy:.3f}", f"{entry.parameters:,}"
        made.add_row(str(number), Text(entry.name), *measured, Text(entry.idea))
    return made
