"""The verb that grades a class on hand-in: watch."""

from pathlib import Path
from typing import Annotated

import typer

from autograder.course import COUNTS, CourseError, load
from autograder.verbs.program import CLASSES, Profile, ProfileOption, app


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
) -> None:
    """Grade what arrives and give the feedback out at once; Ctrl-C ends it."""
    import warnings

    course = load()
    course.named(name)
    from autograder.run import workers

    workers.load_ahead(jobs)  # while this process loads nbgrader
    from autograder.run import stop
    from autograder.run import watch as watching

    warnings.filterwarnings("ignore", module="nbgrader")
    known = {one.name: one for one in course.assignments}.get(name)
    per_day = attempts_per_day if attempts_per_day is not None else known and known.attempts_per_day
    counts = counts or (known.counts if known else COUNTS[-1])
    if counts not in COUNTS:
        raise CourseError("--counts must be best or last.")
    if folder and exchange:
        raise CourseError("Give --folder or --exchange: one watch looks at one of them.")
    try:
        with stop.stoppable():
            watching.watch(
                course.root,
                name,
                settings=watching.Settings(profile=profile.value),
                rules=watching.Rules(per_day or 0, counts),
                folder=folder,
                exchange=exchange or None,
                jobs=jobs,
                tell=_said,
            )
    except FileNotFoundError as error:
        raise CourseError(str(error)) from None
    except stop.Stopped:
        typer.echo("Stopped. What waits is graded when the watch starts again.")


def _said(words: str) -> None:
    import sys
    import time

    typer.echo(f"{time.strftime('%H:%M:%S')} {words}")
    sys.stdout.flush()
