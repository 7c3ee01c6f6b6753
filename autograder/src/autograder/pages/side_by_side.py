"""The page of answers that resemble each other: a list, and each pair side by side."""

from collections.abc import Mapping
from pathlib import Path

from autograder.pages.rendering import template
from autograder.pages.sanitize import printable
from autograder.text.similarity import Found, Pair
from convcourse.files import write_whole

NO_PROOF = (
    "This list is no proof. Right answers to one exercise resemble each other, and so do those of "
    "students who learned together or read the same page. Read both answers, and speak with the "
    "students, before you decide anything."
)
MAX_LINES = 400  # of one answer on the page


def write(
    found: Found, place: Path, assignment: str, names: Mapping[str, str], title: str = ""
) -> Path:
    """Write the page.

    Args:
        found: What was compared.
        place: The folder of the class page.
        assignment: The assignment.
        names: The students' names, by id.
        title: The title of the course.

    Returns:
        The path of the page.
    """
    path = place / f"{assignment}-similar.html"
    text = template("similar.html").render(
        assignment=assignment,
        title=title,
        found=found,
        sides=_sides,
        called=lambda student: f"{student} ({names[student]})" if names.get(student) else student,
        no_proof=NO_PROOF,
    )
    write_whole(path, text)
    return path


def _sides(pair: Pair) -> list[tuple[str, list[tuple[str, bool]], int]]:
    """Of both students the id, the lines with whether the other has them, and how many follow."""
    sides = []
    for student, code, marked in zip(pair.students, pair.codes, pair.lines, strict=True):
        lines = code.source.split("\n")
        shown = [(printable(line), k in marked) for k, line in enumerate(lines[:MAX_LINES])]
        sides.append((student, shown, len(lines) - len(shown)))
    return sides
