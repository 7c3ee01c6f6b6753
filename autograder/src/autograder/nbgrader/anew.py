"""Calculates late penalties anew, without running anything, and keeps what that changes."""

from collections.abc import Callable
from pathlib import Path

from nbgrader.api import Gradebook

from autograder.nbgrader import config as configuration
from autograder.nbgrader import journal
from autograder.nbgrader import penalties as calculating
from autograder.nbgrader.penalties import Late
from autograder.nbgrader.room import Room
from autograder.root import CourseError


def penalties(
    root: Path, assignment: str, kind: str, say: Callable[[str], None] = lambda words: None
) -> list[Late]:
    """Write due dates and extensions into the gradebook, and calculate late penalties from them.

    Args:
        root: The course folder.
        assignment: The assignment.
        kind: What asked for it, for the report of changed marks.
        say: Called with each sentence that a person should know.

    Returns:
        Those who are late, and those whose time is not known.

    Raises:
        CourseError: If nothing has been graded yet, or the gradebook cannot be written.
    """
    room = Room(Path(root), assignment)
    room.say = say
    with journal.recorded(room, kind, prepared=False) as run:
        late = room.settle()
    for words in (*calculating.told(assignment, late), *run.told()):
        say(words)
    return late


def is_graded(root: Path, assignment: str) -> bool:
    """Whether the gradebook has submissions of an assignment."""
    room = Room(Path(root), assignment)
    file = room.db_url.removeprefix("sqlite:///")
    if file != room.db_url and not Path(file).is_file():  # opening it would make it
        return False
    with configuration.inside(room.root), Gradebook(room.db_url) as gradebook:
        known = assignment in [one.name for one in gradebook.assignments]
        return known and bool(gradebook.assignment_submissions(assignment))


def require_graded(root: Path, assignment: str) -> None:
    """Refuse an assignment of which nothing has been graded.

    Raises:
        CourseError: If that is so.
    """
    if not is_graded(root, assignment):
        raise CourseError(f"Nothing of {assignment} has been graded yet: autograder grade does it.")
