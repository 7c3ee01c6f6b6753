"""The verb that grades a class on hand-in: watch."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from autograder.course import COUNTS, load
from autograder.root import CourseError
from autograder.verbs.program import CLASSES, HiddenOption, Profile, ProfileOption, app


@app.command(rich_help_panel=CLASSES)
def watch(
    name: Annotated[str, typer.Argument(help="Assignment to grade on hand-in")],
    folder: Annotated[
        Path | None,
        typer.Option(help="Watch this folder: submitted/, or one for archives and notebooks"),
    ] = None,
    exchange: Annotated[
        bool, typer.Option("--exchange", help="Watch nbgrader's exchange (default if there is one)")
    ] = False,
    attempts_per_day: Annotated[
        int | None, typer.Option(min=0, help="Attempts of a student that are graded; 0: all")
    ] = None,
    counts: Annotated[str, typer.Option(help="Which attempt counts: best or last")] = "",
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Number of workers (default: one per core)")
    ] = None,
    profile: ProfileOption = Profile.OFFLINE,
    hidden: HiddenOption = "judge",
) -> None:
    """Grade what arrives and give the feedback out at once; Ctrl-C ends it."""
    import warnings

    course = load()
    course.named(name)
    from autograder.run import workers

    workers.load_ahead()  # while this process loads nbgrader
    from autograder.run import before, stop
    from autograder.run import watch as watching
    from autograder.warm import reach

    warnings.filterwarnings("ignore", module="nbgrader")
    if counts and counts not in COUNTS:
        raise CourseError("--counts must be best or last.")
    if folder and exchange:
        raise CourseError("Give --folder or --exchange: one watch looks at one of them.")
    before.require_place(hidden)
    _said(f"Level of the walls: {reach.told()}.")
    try:
        with stop.stoppable():
            watching.watch(
                course.root,
                name,
                settings=watching.Settings(profile=profile.value, hidden=hidden),
                rules=watching.Rules(attempts_per_day, counts),
                folder=folder,
                exchange=exchange or None,
                jobs=jobs,
                tell=_said,
            )
    except FileNotFoundError as error:
        raise CourseError(str(error)) from None
    except stop.Stopped:
        _said("Stopped. What waits is graded when the watch starts again.")


def _said(words: str) -> None:
    import sys
    import time

    with contextlib.suppress(OSError):  # the terminal may be gone
        typer.echo(f"{time.strftime('%H:%M:%S')} {words}")
        sys.stdout.flush()
