"""The leaderboard: the class's own networks, ranked by their measured accuracy."""

from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Place:
    """One entry of a leaderboard: name and idea in the student's words, and the measurements."""

    name: str
    idea: str
    accuracy: float  # on images that no notebook has seen, in [0, 1]
    parameters: int


def ranking(entries: list[Place]) -> Table:
    """The leaderboard for a terminal; it shows students' text literally, never as markup."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("place", "name", "accuracy", "parameters"):
        made.add_column(title, justify="left" if title == "name" else "right")
    made.add_column("idea")
    for number, entry in enumerate(entries, start=1):
        measured = f"{entry.accuracy:.3f}", f"{entry.parameters:,}"
        made.add_row(str(number), Text(entry.name), *measured, Text(entry.idea))
    return made
