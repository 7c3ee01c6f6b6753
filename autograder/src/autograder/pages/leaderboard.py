"""The leaderboard: the class's own networks, ranked by their measured accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from autograder.pages.rendering import leaderboard_path, template
from convcourse.files import write_whole


@dataclass(frozen=True)
class Place:
    """One entry of a leaderboard: name and idea in the student's words, and the measurements."""

    name: str
    idea: str
    accuracy: float  # on images that no notebook has seen, in [0, 1]
    parameters: int
    multiplications: int | None = None  # for one image, where a contest has a budget of them


def ranking(entries: list[Place]) -> Table:
    """The leaderboard for a terminal; it shows students' text literally, never as markup."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    counted = _counts_multiplications(entries)
    for title in ("place", "name", "accuracy", "parameters", *["multiplications"] * counted):
        made.add_column(title, justify="left" if title == "name" else "right")
    made.add_column("idea")
    for number, entry in enumerate(entries, start=1):
        measured = [f"{entry.accuracy:.3f}", f"{entry.parameters:,}"]
        measured += [f"{entry.multiplications or 0:,}"] * counted
        made.add_row(str(number), Text(entry.name), *measured, Text(entry.idea))
    return made


def write(entries: Sequence[Place], place: Path, assignment: str, title: str = "") -> Path:
    """Write the leaderboard's page, which shows pen names and no students' ids.

    Args:
        entries: The entries, best first.
        place: The folder of the class page.
        assignment: The assignment.
        title: The title of the course.

    Returns:
        The path of the page.
    """
    path = leaderboard_path(place, assignment)
    counted = _counts_multiplications(entries)
    shown = {"entries": entries, "counted": counted, "assignment": assignment, "title": title}
    text = template("leaderboard.html").render(**shown)
    write_whole(path, text)
    return path


def _counts_multiplications(entries: Sequence[Place]) -> bool:
    """Whether this is a contest within a budget of multiplications."""
    return any(entry.multiplications is not None for entry in entries)
