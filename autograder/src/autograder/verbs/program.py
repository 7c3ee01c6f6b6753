"""What all verbs share: the program, its errors as sentences, and the choice of a profile."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from autograder.root import CourseError
from autograder.walled.errors import WallError


class Sentences(TyperGroup):
    """Prints a `CourseError` or a `WallError` as one sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:  # a Context of Click, which some versions of Typer contain
        """Run a verb; exit with code 1 after an error that a person can fix."""
        try:
            return super().invoke(ctx)
        except (CourseError, WallError) as error:
            typer.secho(str(error), err=True, fg=typer.colors.RED)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=Sentences,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

AUTHORS = "Notebooks"  # the headings of autograder --help
CLASSES = "Grading a class"
DECISIONS = "Dates and decisions"
RESULTS = "Results"


class Profile(StrEnum):
    """The names of `convcourse.profile.PROFILES`, as Typer wants them."""

    OFFLINE = "offline"
    QUICK = "quick"
    FULL = "full"


ProfileOption = Annotated[
    Profile, typer.Option(envvar="COURSE_PROFILE", case_sensitive=False, help="How much to compute")
]
HiddenOption = Annotated[
    str, typer.Option(help="judge, or in-kernel for tests that use the notebook's own names")
]


def counted(count: int, noun: str) -> str:
    """A number and what it counts, such as "1 submission" or "2 submissions"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
