"""The verbs that bring results back to a learning platform: marks and feedback."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autograder.course import load
from autograder.root import CourseError
from autograder.verbs.program import RESULTS, app


class Form(StrEnum):
    """Which file a platform imports."""

    CANVAS = "canvas"
    MOODLE = "moodle"
    CSV = "csv"


class Platform(StrEnum):
    """Which platforms hand out feedback from an archive."""

    CANVAS = "canvas"
    MOODLE = "moodle"


_EXPORTS = "The platform's gradebook or worksheet, to be filled; other exports extend students.csv"


@app.command(rich_help_panel=RESULTS)
def marks(
    names: Annotated[
        list[str] | None, typer.Argument(help="Assignments (default: all that are graded)")
    ] = None,
    platform: Annotated[Form, typer.Option("--for", help="Which file to make")] = Form.CSV,
    roster: Annotated[list[Path] | None, typer.Option(help=_EXPORTS)] = None,
    to: Annotated[Path | None, typer.Option(help="The file (default: in report/)")] = None,
    scale: Annotated[
        bool, typer.Option("--scale", help="Scale the scores to the platform's maximum")
    ] = False,
    column: Annotated[
        list[str] | None, typer.Option(help="NAME=TITLE where Canvas has another title")
    ] = None,
) -> None:
    """Write the marks as the file that a learning platform imports."""
    from autograder.handback import marks as making
    from autograder.nbgrader import results
    from convcourse.files import write_whole

    course, given = load(), roster or []
    chosen = [course.named(name) for name in names or ()]
    every = results.graded(course, chosen)
    reports = [results.read(course.root, name) for name in chosen or every]
    again = {
        one.assignment: results.handed_in_again(course.root, one.assignment) for one in reports
    }
    filled = making.fill(course, reports, platform.value, given, scale, column or [], again)
    first = f"{reports[0].assignment}-" if len(reports) == 1 else ""
    path = to or course.root / "report" / f"{first}marks-{platform.value}.csv"
    _refuse_input(path, given)
    write_whole(path, filled.content)
    for line in making.lines(filled, path):
        typer.echo(line)
    raise typer.Exit(1 if filled.left else 0)


@app.command(rich_help_panel=RESULTS)
def feedback(
    name: Annotated[str, typer.Argument(help="The assignment")],
    platform: Annotated[Platform, typer.Option("--for", help="Which platform hands it out")],
    roster: Annotated[
        list[Path] | None, typer.Option(help="Moodle's grading worksheet, and other exports")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="The archive (default: in report/)")] = None,
) -> None:
    """Write the feedback pages, and pack them so that a platform hands out each student's own."""
    from autograder.handback import marks as making
    from autograder.handback import moodle, packing, standing
    from autograder.nbgrader import results
    from autograder.nbgrader.room import Room

    course, given = load(), roster or []
    results.graded(course, [course.named(name)])
    report = results.read(course.root, name)
    found = making.exports(course, platform.value, given)
    people = making.people(course, [name], found.roster, [report])
    numbers: dict[str, str] = {}
    doubts: list[str] = []
    if found.target and platform == Platform.MOODLE:
        numbers, doubts = moodle.numbers(found.target, people)
    path = to or course.root / "report" / f"{name}-feedback-{platform.value}.zip"
    _refuse_input(path, given)
    Room(course.root, name).feedback()
    found_now = standing.of(report, results.handed_in_again(course.root, name))
    packed = packing.pack(course.root, name, platform.value, found_now, people, numbers, path)
    packed.left += doubts
    for line in making.lines(packed, path, "page"):
        typer.echo(line)
    raise typer.Exit(1 if packed.left else 0)


def _refuse_input(path: Path, given: list[Path]) -> None:
    if any(path.resolve() == one.resolve() for one in given):
        raise CourseError(f"{path} is the export itself: name another file with --to.")
