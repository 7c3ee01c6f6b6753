"""The command `autograder VERB`. Each verb only calls a function that lives elsewhere.

A verb imports what it needs when it is called, so that `autograder --help` answers at once.
"""

import contextlib
import os
from enum import StrEnum
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import convcourse
from autograder import __version__, quick_import
from autograder.course import CourseError, find_root, load
from autograder.walled.errors import WallError

quick_import.without_address_parsers()


class Sentences(TyperGroup):
    """Prints a `CourseError` or a `WallError` as one sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:  # a Context of Click, which some versions of Typer contain
        """Run a verb; exit with code 1 after an error that a person can fix."""
        try:
            return super().invoke(ctx)
        except (CourseError, WallError) as error:
            typer.secho(str(error), err=True, fg=typer.colors.RED)
            raise typer.Exit(1) from None


# TensorFlow logs to stderr from C++, where no Python filter applies.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

app = typer.Typer(
    cls=Sentences,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Profile(StrEnum):
    """The names of `convcourse.profile.PROFILES`, as Typer wants them."""

    OFFLINE = "offline"
    QUICK = "quick"
    FULL = "full"


ProfileOption = Annotated[
    Profile, typer.Option(envvar="COURSE_PROFILE", case_sensitive=False, help="How much to compute")
]


def _show_versions(wanted: bool) -> None:
    if wanted:
        typer.echo(f"autograder {__version__}\nconvcourse {convcourse.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_versions, is_eager=True, help="Show the versions and exit"
        ),
    ] = False,
) -> None:
    """Build, release and grade the course's assignments."""


@app.command()
def build(
    names: Annotated[
        list[str] | None, typer.Argument(help="Assignments to build (default: all)")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; list the files that differ")
    ] = False,
) -> None:
    """Build the notebooks in source/ and release/ from the texts in course/."""
    from autograder.nbgrader.generate import generate
    from autograder.text import release

    course = load()
    built = release.build(course, names, generate=generate)
    if not built:
        typer.echo("There are no texts in course/ yet, so there is nothing to build.")
    elif check:
        found = release.differences(course, built, names)
        if found:
            raise CourseError("\n".join(found) + "\nRun autograder build and commit the result.")
        typer.echo(f"source/ and release/ match course/: {len(built) // 2} assignments.")
    else:
        changed = release.write(built)
        for path in changed:
            typer.echo(f"Wrote {path.relative_to(course.root)}.")
        typer.echo(f"{len(built) // 2} assignments built, {len(changed)} files changed.")


@app.command()
def adopt(name: Annotated[str, typer.Argument(help="Assignment to adopt")]) -> None:
    """Update an assignment's text after you edited its notebook in source/ in JupyterLab."""
    from autograder.text import authoring

    changed = authoring.adopt(load(), name)
    typer.echo(f"course/{name}.py {'now matches' if changed else 'already matches'} source/{name}.")


@app.command()
def grade(
    assignment: Annotated[str, typer.Argument(help="Assignment to grade")],
    jobs: Annotated[
        int | None, typer.Option(help="Number of workers (default: one per core)")
    ] = None,
    student: Annotated[
        list[str] | None, typer.Option(help="Grade only this student; may be repeated")
    ] = None,
    force: Annotated[bool, typer.Option(help="Grade again what is already graded")] = False,
    profile: ProfileOption = Profile.OFFLINE,
    sandbox: Annotated[
        str, typer.Option(help="walls, or none to trust every submission (see docs/sandbox.md)")
    ] = "walls",
    cluster: Annotated[
        str, typer.Option(help="Address of a Dask scheduler, such as tcp://10.0.0.5:8786")
    ] = "",
    hidden: Annotated[
        str,
        typer.Option(help="judge, or in-kernel for tests that use the notebook's own names"),
    ] = "judge",
) -> None:
    """Grade a class: run every submission, judge it from outside and save the marks."""
    import gc
    import warnings

    if not cluster:
        from autograder.run import workers

        workers.load_ahead(jobs)  # while this process loads nbgrader
    from autograder.nbgrader import results
    from autograder.run import before, progress, stop
    from autograder.run import cluster as clusters
    from autograder.run import grade as grading
    from autograder.warm import reach

    gc.freeze()  # no collection needs to search what is loaded
    warnings.filterwarnings("ignore", module="nbgrader")
    if sandbox not in ("walls", "none"):
        raise CourseError("--sandbox must be walls or none.")
    if hidden not in before.HIDDEN:
        raise CourseError(f"--hidden must be {' or '.join(before.HIDDEN)}.")
    course = load()
    walls = sandbox == "walls"
    settings = grading.Settings(profile=profile.value, walls=walls, hidden=hidden)
    typer.echo(f"Grading {assignment} under the profile {profile.value}.")
    if walls and not cluster:
        typer.echo(f"Level of the walls: {reach.told()}.")
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(stop.stoppable())
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
                say=typer.echo,
            )
    except FileNotFoundError as error:
        raise CourseError(str(error)) from None
    except stop.Stopped as stopped:
        stop.leave(stopped)
    if sandbox == "none":
        typer.echo(
            "Graded without walls: student code could read and change files on this machine."
        )
    if hidden == "in-kernel":
        typer.echo(
            "Hidden tests that use the notebook's names ran where student code could see them."
        )
    failed = sum(state == "failed" for state in states.values())
    typer.echo(f"{len(states)} submissions; the grader failed on {failed}.")
    if states and (waiting := results.undecided(course.root, assignment)):
        typer.echo(
            f"{waiting} decisions by a person came before this run and are kept: "
            "autograder report lists them for another look."
        )
    raise typer.Exit(1 if failed else 0)


@app.command()
def serve() -> None:
    """Keep everything loaded, so that grade in this course starts at once; Ctrl-C ends it."""
    import sys

    from autograder.run import handover
    from autograder.warm import server

    if sys.platform != "linux":
        raise CourseError("autograder serve needs Linux. autograder grade works without it.")
    root, facts = find_root(), handover.facts()
    server.server()  # loads while this process loads nbgrader
    from autograder.run import serve as serving

    program: Any = typer.main.get_command(app)
    program.commands["grade"].make_context("grade", ["any"])  # loads the rest of Typer
    serving.serve(root, facts, app, typer.echo)


@app.command()
def calibrate(
    name: Annotated[str, typer.Argument(help="Assignment with a recipe in course/calibration/")],
    profile: ProfileOption = Profile.OFFLINE,
    seeds: Annotated[
        int | None, typer.Option(min=2, help="Number of training seeds (default: the recipe's)")
    ] = None,
) -> None:
    """Measure the accuracies that a threshold must tell apart; resumes where it stopped."""
    from autograder.text import calibrate as calibration

    course = load()
    path = calibration.calibrate(course, name, profile.value, typer.echo, seeds)
    typer.echo(f"Wrote {path.relative_to(course.root)}.")


@app.command()
def mutate(
    names: Annotated[
        list[str] | None, typer.Argument(help="Assignments to examine (default: all)")
    ] = None,
    exercise: Annotated[
        list[str] | None, typer.Option(help="Only this exercise, by an id; may be repeated")
    ] = None,
    list_only: Annotated[
        bool, typer.Option("--list", help="List the mutants without judging them")
    ] = False,
    force: Annotated[bool, typer.Option(help="Judge again what is already judged")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Trials at a time (default: one per core)")
    ] = None,
    profile: ProfileOption = Profile.OFFLINE,
) -> None:
    """Put small faults into the reference solutions and list those that no check notices."""
    from autograder.run import survivors, workers

    course = load()
    chosen = names or [n for n in course.names if course.text_path(n).is_file()]
    if exercise and len(chosen) != 1:
        raise CourseError("Name the assignment of the exercise too.")
    if list_only:
        for line in survivors.listed(course, chosen, exercise or []):
            typer.echo(line)
        return
    cores = jobs or workers.usable_cores()
    left = survivors.show(course, chosen, profile.value, cores, exercise or [], force)
    raise typer.Exit(1 if left else 0)


@app.command()
def doctor() -> None:
    """Show which walls this machine can build around student code, and what would raise more."""
    from autograder.walled import doctor as diagnosis
    from autograder.warm import reach

    found = reach.found()
    for line in diagnosis.report(found):
        typer.echo(line)
    raise typer.Exit(0 if found.level else 1)


@app.command()
def demo() -> None:
    """Grade a small made-up class in ./demo and show the report."""
    import warnings

    from autograder import demo as small_class

    warnings.filterwarnings("ignore", module="nbgrader")
    small_class.run(load().root, say=typer.echo)


@app.command()
def report(
    names: Annotated[
        list[str] | None, typer.Argument(help="Assignments to show (default: all)")
    ] = None,
) -> None:
    """Show the results of a class and write report/class.html and report/class.csv."""
    from autograder.nbgrader import results
    from autograder.pages import report as reporting

    course = load()
    chosen = names or [a.name for a in course.assignments]
    reports = [results.read(course.root, name) for name in chosen]
    reporting.show(reports)
    page = reporting.write(reports, course.root / "report" / "class.html", course.title)
    listed = reporting.write_csv(reports, page.with_suffix(".csv"))
    typer.echo(f"Open the class page: {page}")
    typer.echo(f"The same as a table for spreadsheets: {listed}")


@app.command()
def leaderboard(
    name: Annotated[str, typer.Argument(help="Assignment with a contest, such as 06_net_3")],
) -> None:
    """Rank a class by the accuracy that the grader measured, under names of their choice."""
    from rich.console import Console

    from autograder.nbgrader import results
    from autograder.pages import leaderboard as boards

    Console().print(boards.ranking(results.places(load().root, name)))
