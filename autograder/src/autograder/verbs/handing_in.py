"""The verbs that bring submissions in: roster and collect."""

from pathlib import Path
from typing import Annotated

import typer

from autograder.course import load
from autograder.root import CourseError
from autograder.verbs.program import CLASSES, app


@app.command(rich_help_panel=CLASSES)
def collect(
    assignment: Annotated[str, typer.Argument(help="Assignment to collect")],
    archives: Annotated[
        list[Path],
        typer.Argument(help="Archives or folders from a platform, notebooks, grading worksheets"),
    ],
    roster: Annotated[
        Path | None, typer.Option(help="A roster or a platform's export (default: students.csv)")
    ] = None,
    student: Annotated[str, typer.Option(help="Everything is this student's")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what came in another way or was changed")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; show what would be done")
    ] = False,
    timezone: Annotated[
        str, typer.Option(help="Time zone of the platform, such as Europe/Madrid")
    ] = "",
) -> None:
    """Sort what a learning platform's archives hold into submitted/, by student."""
    from autograder.classlist import roster as rosters
    from autograder.handin import collect as collecting
    from autograder.handin import telling, times

    course = load()
    course.named(assignment)
    listed = rosters.read_file(roster) if roster else rosters.read(course.root)
    zone = times.zone(timezone or course.timezone)
    options = collecting.Options(student, replace, dry_run, zone)
    found = collecting.collect(course, assignment, archives, listed, options)
    for line in telling.lines(found, assignment, dry_run):
        typer.echo(line)
    raise typer.Exit(1 if found.left or not found.results else 0)


@app.command(rich_help_panel=CLASSES)
def roster(
    exports: Annotated[
        list[Path] | None,
        typer.Argument(help="Exports of Canvas's gradebook or Moodle's participants or worksheets"),
    ] = None,
) -> None:
    """Show the class, or put what platforms export about it into students.csv."""
    from autograder.classlist import joining
    from autograder.classlist import roster as rosters
    from autograder.intake.names import shown

    course = load()
    path = course.root / rosters.FILE
    before = rosters.read(course.root)
    if not exports:
        if not before:
            raise CourseError(f"There is no {rosters.FILE}: autograder roster EXPORT makes one.")
        for one in before.students:
            ids = ", ".join(f"{key} {value}" for key, value in one.ids.items())
            typer.echo(shown("  ".join(filter(None, (one.id, one.name, one.email, ids)))))
        return
    found = joining.joined(before, [rosters.read_file(one) for one in exports])
    rosters.write(path, found.students)
    for line in found.said:
        typer.echo(shown(line))
    for line in (["Left out, for you to look at:"] if found.left else []) + found.left:
        typer.echo(shown(line))
    typer.echo(f"{path.name} lists {len(found.students)} students.")
    raise typer.Exit(1 if found.left else 0)
