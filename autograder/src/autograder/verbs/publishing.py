"""The verb that makes what students get: publish."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autograder.course import load
from autograder.verbs.program import AUTHORS, app, counted


class Kind(StrEnum):
    """The names of `autograder.pages.publish.KINDS`, as Typer wants them."""

    SITE = "site"
    GIT = "git"
    ARCHIVE = "archive"


@app.command(rich_help_panel=AUTHORS)
def publish(
    to: Annotated[Path, typer.Argument(help="The folder or archive to write")],
    kind: Annotated[
        Kind | None,
        typer.Option("--for", help="What it is for (default: archive for a .zip, else site)"),
    ] = None,
    assignments: Annotated[
        str, typer.Option(help="Assignments to publish, with commas between them (default: all)")
    ] = "",
    wheel: Annotated[
        Path | None, typer.Option(help="The wheel of convcourse (default: in dist/ or wheels/)")
    ] = None,
    ask: Annotated[
        bool, typer.Option(help="Ask the course's addresses whether they answer")
    ] = True,
) -> None:
    """Write what students get: notebooks without answers, the wheel and a page of contents."""
    from autograder.nbgrader.generate import generate
    from autograder.pages import addresses
    from autograder.pages import publish as publishing

    course = load()
    chosen = kind or (Kind.ARCHIVE if to.suffix == ".zip" else Kind.SITE)
    names = [name.strip() for name in assignments.split(",") if name.strip()]
    files = publishing.collected(course, names, kind=chosen.value, wheel=wheel, generate=generate)
    place = publishing.written(course, files, to, chosen.value)
    notebooks = counted(sum(name.endswith(".ipynb") for name in files), "notebook")
    typer.echo(f"Wrote {notebooks}, the wheel and a page of contents: {place}")
    typer.echo("No solution, hidden test or seed is in them.")
    if chosen is Kind.GIT:
        for words in publishing.committed(course, files, place):
            typer.echo(words)
    asked = publishing.addresses(course, files)
    if not asked:
        typer.echo(
            "course.toml gives no address, so the notebooks install convcourse from the wheel "
            "beside them. The instructors' guide tells how they get it from a site or a repository."
        )
    for words in addresses.told(asked) if ask else ():
        typer.echo(words)
