"""The command `autograder VERB`. Each verb is a thin call of a function that lives elsewhere.

A verb imports what it needs when it is called, so that `autograder --help` answers at once.
"""

import contextlib
import os
from enum import StrEnum
from typing import Annotated, Any

import typer
from typer import Context
from typer.core import TyperGroup

from autograder.course import CourseError, load
from autograder.walled.errors import WallError
from convcourse.profile import PROFILES


class Sentences(TyperGroup):
    """Ends a verb that meets a `CourseError` with its sentence instead of a traceback."""

    def invoke(self, ctx: Context) -> Any:
        try:
            return super().invoke(ctx)
        except (CourseError, WallError) as error:
            typer.secho(str(error), err=True, fg=typer.colors.RED)
            raise typer.Exit(1) from None


# TensorFlow logs to stderr from C++, where no filter of Python reaches.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

app = typer.Typer(
    cls=Sentences,
    help="Build, release and grade the course's assignments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Profile = StrEnum("Profile", {name.upper(): name for name in PROFILES})
ProfileOption = Annotated[
    Profile, typer.Option(envvar="COURSE_PROFILE", case_sensitive=False, help="how much to compute")
]


@app.command()
def build(
    names: Annotated[list[str] | None, typer.Argument(help="assignments; all without")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="write nothing, say what differs from the texts")
    ] = False,
) -> None:
    """Make source/ and release/ from the texts in course/."""
    from autograder.nbgrader.generate import generate
    from autograder.text import release

    course = load()
    built = release.build(course, names, generate=generate)
    if not built:
        typer.echo("There are no texts in course/ yet: nothing to build.")
    elif check:
        found = release.differences(course, built, names)
        if found:
            raise CourseError("\n".join(found) + "\nRun autograder build and commit the result.")
        typer.echo(f"source/ and release/ are what course/ builds: {len(built) // 2} assignments.")
    else:
        changed = release.write(built)
        for path in changed:
            typer.echo(f"wrote {path.relative_to(course.root)}")
        typer.echo(f"{len(built) // 2} assignments built, {len(changed)} files changed.")


@app.command()
def adopt(name: Annotated[str, typer.Argument(help="assignment whose source was edited")]) -> None:
    """Write an assignment's text from its notebook in source/, after an edit in JupyterLab."""
    from autograder.text import authoring

    changed = authoring.adopt(load(), name)
    typer.echo(f"course/{name}.py {'now follows' if changed else 'already matches'} source/{name}.")


@app.command()
def grade(
    assignment: Annotated[str, typer.Argument(help="what to grade of everything in submitted/")],
    jobs: Annotated[int | None, typer.Option(help="workers; one per core without")] = None,
    student: Annotated[list[str] | None, typer.Option(help="only these; may be repeated")] = None,
    force: Annotated[bool, typer.Option(help="grade again what was graded before")] = False,
    profile: ProfileOption = Profile.OFFLINE,
    sandbox: Annotated[
        str, typer.Option(help="walls around student code; none where a machine has no walls")
    ] = "walls",
    cluster: Annotated[
        str, typer.Option(help="address of a Dask scheduler, as tcp://10.0.0.5:8786")
    ] = "",
) -> None:
    """Grade a class: run every submission, judge it from outside, save the marks."""
    import gc
    import warnings

    if not cluster:
        from autograder.run import workers

        workers.load_ahead()  # while this process loads nbgrader
    from autograder.run import cluster as clusters
    from autograder.run import grade as grading
    from autograder.run import progress

    gc.freeze()  # what is loaded is no garbage: no collection need look through it
    warnings.filterwarnings("ignore", module="nbgrader")
    if sandbox not in ("walls", "none"):
        raise CourseError("--sandbox takes walls or none.")
    course = load()
    settings = grading.Settings(profile=profile.value, walls=sandbox == "walls")
    typer.echo(f"Grading {assignment} under the profile {profile.value}.")
    try:
        with contextlib.ExitStack() as stack:
            watch = stack.enter_context(progress.shown())
            elsewhere = stack.enter_context(clusters.connect(cluster)) if cluster else None
            states = grading.grade(
                course.root,
                assignment,
                settings=settings,
                jobs=jobs,
                students=student,
                force=force,
                workers=elsewhere,
                watch=watch,
            )
    except FileNotFoundError as error:
        raise CourseError(str(error)) from None
    if sandbox == "none":
        typer.echo("Graded without walls: student code could read and change files here.")
    failed = sum(state == "failed" for state in states.values())
    typer.echo(f"{len(states)} submissions, {failed} that the grader failed on.")
    raise typer.Exit(1 if failed else 0)


@app.command()
def calibrate(
    name: Annotated[str, typer.Argument(help="assignment with a recipe in course/calibration/")],
    profile: ProfileOption = Profile.OFFLINE,
    seeds: Annotated[
        int | None, typer.Option(min=2, help="in place of the recipe's own number")
    ] = None,
) -> None:
    """Measure what an accuracy threshold must tell apart; stop and go on as you like."""
    from autograder.text import calibrate as calibration

    course = load()
    path = calibration.calibrate(course, name, profile.value, typer.echo, seeds)
    typer.echo(f"wrote {path.relative_to(course.root)}")


@app.command()
def demo() -> None:
    """Grade a small made-up class in ./demo and show the report."""
    import warnings

    from autograder import demo as small_class

    warnings.filterwarnings("ignore", module="nbgrader")
    small_class.run(load().root, say=typer.echo)


@app.command()
def report(
    names: Annotated[list[str] | None, typer.Argument(help="assignments; all without")] = None,
) -> None:
    """Show what a class did, and write report/class.html."""
    from autograder.nbgrader import results
    from autograder.pages import report as reporting

    course = load()
    chosen = names or [a.name for a in course.assignments]
    reports = [results.read(course.root, name) for name in chosen]
    reporting.show(reports)
    page = reporting.write(reports, course.root / "report" / "class.html", course.title)
    typer.echo(f"Open the class page: {page}")


@app.command()
def leaderboard(
    name: Annotated[str, typer.Argument(help="assignment with a contest, such as 06_net_3")],
) -> None:
    """Rank a class by the accuracy that the grader measured, under the names that they chose."""
    from rich.console import Console

    from autograder.nbgrader import results
    from autograder.pages import leaderboard as boards

    Console().print(boards.ranking(results.places(load().root, name)))
