"""The command `autograder VERB`. Each verb only calls a function that lives elsewhere.

A verb imports what it needs when it is called, so that `autograder --help` answers at once.
"""

import os
from typing import Annotated

import typer

import convcourse
from autograder import __version__, quick_import
from autograder.verbs import (
    deciding,
    grading,
    handing_back,
    handing_in,
    notebooks,
    publishing,
    results,
    watching,
)
from autograder.verbs.program import Profile, app

__all__ = ["Profile", "app", "deciding", "grading", "handing_back", "handing_in", "main"]
__all__ += ["notebooks", "publishing", "results", "watching"]

quick_import.without_address_parsers()

# TensorFlow logs to stderr from C++, where no Python filter applies.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


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
