"""The verbs of a grading run: grade, serve, doctor and demo."""

import contextlib
from typing import Annotated, Any

import typer

from autograder.course import load
from autograder.root import CourseError, find_root
from autograder.verbs.program import CLASSES, HiddenOption, Profile, ProfileOption, app, counted


@app.command(rich_help_panel=CLASSES)
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
    hidden: HiddenOption = "judge",
) -> None:
    """Grade a class: run every submission, judge it from outside and save the marks."""
    import gc
    import warnings

    course = load()
    course.named(assignment)
    if not cluster:
        from autograder.run import workers

        workers.load_ahead()  # while this process loads nbgrader
    from autograder.run import before, progress, stop
    from autograder.run import cluster as clusters
    from autograder.run import grade as grading
    from autograder.warm import reach

    gc.freeze()  # no collection needs to search what is loaded
    warnings.filterwarnings("ignore", module="nbgrader")
    if sandbox not in ("walls", "none"):
        raise CourseError("--sandbox must be walls or none.")
    before.require_place(hidden)
    walls, told = sandbox == "walls", list[str]()
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
                tell=told.append,
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
    typer.echo(f"{counted(len(states), 'submission')}; the grader failed on {failed}.")
    for words in told:
        typer.echo(words)
    raise typer.Exit(1 if failed else 0)


@app.command(rich_help_panel=CLASSES)
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


@app.command(rich_help_panel=CLASSES)
def doctor() -> None:
    """Show which walls this machine can build around student code, and what would raise more."""
    from autograder.walled import doctor as diagnosis
    from autograder.warm import reach

    found = reach.found()
    for line in diagnosis.report(found):
        typer.echo(line)
    raise typer.Exit(0 if found.level else 1)


@app.command(rich_help_panel=CLASSES)
def demo() -> None:
    """Grade a small made-up class in ./demo and show the report."""
    import warnings

    from autograder import demo as small_class

    warnings.filterwarnings("ignore", module="nbgrader")
    small_class.run(load().root, say=typer.echo)
