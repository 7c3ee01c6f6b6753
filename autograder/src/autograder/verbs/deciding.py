"""The verbs of dates and decisions: due, extend, penalties, mark and take-back."""

import warnings
from typing import Annotated, Any

import typer

from autograder import late
from autograder.course import Course, load
from autograder.root import CourseError
from autograder.verbs.program import DECISIONS, app

_When = "Date and time, such as 2026-01-30T20:00:00+01:00"


@app.command(rich_help_panel=DECISIONS)
def due(
    name: Annotated[str, typer.Argument(help="Assignment")],
    when: Annotated[str, typer.Argument(help=f"{_When}; or none, to remove the due date")],
) -> None:
    """Set when an assignment is due, and calculate late penalties anew without running anything."""
    from autograder.classlist import due as writing

    course = load()
    moment = None if when == "none" else _moment(course, when)
    writing.write(course, name, moment)
    if moment is None:
        typer.echo(f"{name} has no due date.")
    else:
        typer.echo(f"{name} is due at {moment.astimezone(course.zone).isoformat()}.")
    _anew(course, [name], f"autograder due {name}")


@app.command(rich_help_panel=DECISIONS)
def extend(
    student: Annotated[str, typer.Argument(help="Student, as in submitted/STUDENT")],
    name: Annotated[str, typer.Argument(help="Assignment")],
    days: Annotated[float | None, typer.Option(min=0.0, help="More days; 0 for none")] = None,
    until: Annotated[str, typer.Option(help=_When)] = "",
    reason: Annotated[str, typer.Option(help="Why, for extensions.csv")] = "",
) -> None:
    """Give one student more time, and calculate their late penalty anew."""
    from autograder.classlist import extensions

    course = load()
    due_date = course.assignment(name).due
    if (days is None) == (not until):
        raise CourseError("Give either --days or --until.")
    _known(course, student)
    end = _moment(course, until) if until else None
    if end and due_date and end <= due_date:
        raise CourseError(
            f"{name} is due at {due_date.astimezone(course.zone).isoformat()} anyway: --until must "
            "be later than that."
        )
    given = extensions.Extension(student, name, days or None, end, reason)
    extensions.put(course, given)
    typer.echo(f"{extensions.FILE}: {_said(given, course)}")
    if due_date is None and (days or end):
        typer.echo(f"{name} has no due date in course.toml yet: autograder due sets one.")
    _anew(course, [name], f"autograder extend {student} {name}")


@app.command(rich_help_panel=DECISIONS)
def penalties(
    names: Annotated[
        list[str] | None, typer.Argument(help="Assignments (default: all with marks)")
    ] = None,
) -> None:
    """Calculate late penalties anew from the dates as they are, without running anything."""
    course = load()
    for name in names or ():
        course.assignment(name)
    _anew(course, names or course.names, "autograder penalties", strict=bool(names), show=True)


@app.command(rich_help_panel=DECISIONS)
def mark(
    name: Annotated[str, typer.Argument(help="Assignment")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port (default: a free one)")] = 0,
    names: Annotated[bool, typer.Option(help="Show who wrote an answer")] = False,
) -> None:
    """Mark answers by hand in the browser, one question at a time, beside its rubric."""
    from autograder.run import mark as marking

    warnings.filterwarnings("ignore", module="nbgrader")
    course = load()
    course.assignment(name)
    marking.serve(course.root, name, port=port, names=names, say=typer.echo)


@app.command("take-back", rich_help_panel=DECISIONS)
def take_back(
    name: Annotated[str, typer.Argument(help="Assignment")],
    run: Annotated[str, typer.Option(help="The run, and those after it (default: the last)")] = "",
) -> None:
    """Undo a run: the marks are as they were before it; what a person decided since stays."""
    from autograder.nbgrader import take_back as taking
    from autograder.nbgrader.room import Room

    warnings.filterwarnings("ignore", module="nbgrader")
    course = load()
    course.assignment(name)
    for words in taking.take_back(Room(course.root, name), run).told(name):
        typer.echo(words)


def _moment(course: Course, text: str) -> Any:
    try:
        return late.moment(text, course.zone)
    except ValueError as error:
        raise CourseError(f"{error}.") from None


def _known(course: Course, student: str) -> None:
    """Refuse a name that is close to a student's and is none itself."""
    from autograder.classlist import extensions

    if not student.strip():
        raise CourseError("Name a student, as in submitted/STUDENT.")
    for near in extensions.unknown(course, [student]).values():
        if near:
            raise CourseError(f"Nobody in the class is called {student}: did you mean {near}?")
        typer.echo(f"{student} is not in students.csv and has not handed in anything yet.")


def _said(given: Any, course: Course) -> str:
    if given.days is not None:
        return f"{given.student} has {given.days:g} more days for {given.assignment}."
    if given.due is not None:
        until = given.due.astimezone(course.zone).isoformat()
        return f"{given.student} has until {until} for {given.assignment}."
    return f"{given.student} has no extension for {given.assignment}."


def _anew(
    course: Course, names: list[str], kind: str, strict: bool = False, show: bool = False
) -> None:
    from autograder.nbgrader import anew
    from autograder.nbgrader.room import Busy

    warnings.filterwarnings("ignore", module="nbgrader")
    fresh = load(course.root)  # what a verb has just written
    for name in names:
        if strict:
            anew.require_graded(fresh.root, name)
        elif not anew.is_graded(fresh.root, name):
            continue
        try:
            late_ones = anew.penalties(fresh.root, name, kind, typer.echo)
        except Busy as error:
            raise CourseError(
                f"{error} Late penalties are as before; afterwards, run autograder penalties "
                f"{name}."
            ) from None
        for one in late_ones if show else ():
            if one.seconds:
                whose = "" if one.penalty == one.automatic else f", by policy {one.automatic:g}"
                hours = one.seconds / 3600
                typer.echo(
                    f"  {one.student}: {hours:.1f} h late, {one.score:g} - {one.penalty:g}{whose}"
                )
