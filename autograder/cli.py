"""The command `autograder VERB`. Each verb is a thin call of a function that lives elsewhere.

A verb imports what it needs when it is called, so that `autograder --help` answers at once.
"""

from typing import Annotated, Any

import typer
from typer import Context
from typer.core import TyperGroup

from autograder.course import CourseError, load


class Sentences(TyperGroup):
    """Ends a verb that meets a `CourseError` with its sentence instead of a traceback."""

    def invoke(self, ctx: Context) -> Any:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            typer.secho(str(error), err=True, fg=typer.colors.RED)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=Sentences,
    help="Build, release and grade the course's assignments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def build(
    names: Annotated[list[str] | None, typer.Argument(help="assignments; all without")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="write nothing, say what differs from the texts")
    ] = False,
) -> None:
    """Make source/ and release/ from the texts in course/."""
    from autograder import release

    course = load()
    built = release.build(course, names)
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
    from autograder import authoring

    changed = authoring.adopt(load(), name)
    typer.echo(f"course/{name}.py {'now follows' if changed else 'already matches'} source/{name}.")
