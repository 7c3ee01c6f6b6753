"""The class report in the terminal, and as a table for spreadsheets."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from autograder.pages import figures
from autograder.pages.scores import SIGNS, Decided, Mark, Report, Row
from convcourse.files import write_whole

FEW = 8  # students, each of whom has a column in the terminal
COLUMNS = ["assignment", "student", "test", "outcome", "points", "score", "automatic_score"]
COLUMNS += ["by_hand", "decision", "look_again", "changes", "late_penalty", "assignment_score"]


def show(reports: Sequence[Report], console: Console | None = None) -> None:
    """Print every assignment, and what people decided or must look at."""
    console = console or Console()

    def say(words: str) -> None:
        console.print(words, markup=False, highlight=False)

    for report in reports:
        few = len(report.rows) <= FEW
        console.print(table(report) if few else exercises(report, figures.of(report)))
        if not few:
            say(_counted(figures.of(report)))
        for title, found in report.lists.items():
            say(title if few else f"{title} {len(found)}; the class page lists them.")
            for one in found if few else ():
                say(f"* {one.sentence}")
        for told in filter(None, (report.profile, report.walls)):
            say(told)


def table(report: Report) -> Table:
    """A small class: a column for each student."""
    made = Table(title=_title(report), box=box.SIMPLE_HEAD, pad_edge=False)
    made.add_column("test", no_wrap=True)
    for row in report.rows:
        # Each word on its own line, so that six students fit 80 columns.
        made.add_column(row.student.replace("_", "\n"), justify="center")
    for name, points in report.tests.items():
        made.add_row(f"{name} ({points:g})", *(row.marks[name].sign for row in report.rows))
    made.add_section()
    if any(row.penalty for row in report.rows):
        late = (f"-{row.penalty:g}" if row.penalty else "" for row in report.rows)
        made.add_row("late penalty", *late)
    made.add_row(f"points of {report.points:g}", *(f"{row.score:g}" for row in report.rows))
    made.caption = ", ".join(f"{sign} {status}" for status, sign in SIGNS.items())
    return made


def exercises(report: Report, found: figures.Figures) -> Table:
    """A class of any size: a line for each exercise."""
    made = Table(title=_title(report), box=box.SIMPLE_HEAD, pad_edge=False)
    made.add_column("test", no_wrap=True)
    for title in ("points", "passed", "partly", "graded", "waiting", "discrimination"):
        made.add_column(title, justify="right")
    for one in found.exercises:
        passed = "–" if one.share is None else f"{one.share:.0%}"
        same = "–" if one.discrimination is None else f"{one.discrimination:.2f}"
        counts = map(str, (one.partly, one.graded, one.waiting))
        made.add_row(one.name, f"{one.points:g}", passed, *counts, same)
    made.caption = "discrimination: correlation of the points here with those in all other tests"
    return made


def _title(report: Report) -> str:
    return f"{report.assignment}: {report.points:g} points"


def _counted(found: figures.Figures) -> str:
    said = ", ".join(f"{number} {name}" for name, number in found.counts.items())
    median = "" if found.median is None else f"; median {found.median:g} points"
    return f"Students: {said}{median}."


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
        left = {(one.student, one.test): one for one in report.decided}
        for row in report.rows:
            for test, mark in row.marks.items():
                one = left.pop((row.student, test), Decided(row.student, test, ""))
                writer.writerow(_line(report, one) | _scored(row, mark))
        for one in left.values():
            writer.writerow(_line(report, one) | {"by_hand": "yes"})
    write_whole(to, text.getvalue())
    return to


def _scored(row: Row, mark: Mark) -> dict[str, str | float | None]:
    return {
        "outcome": mark.status,
        "points": mark.points,
        "score": mark.score,
        "automatic_score": mark.automatic,
        "by_hand": "yes" if mark.by_hand else "no",
        "late_penalty": row.penalty,
        "assignment_score": row.score,
    }


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
