"""What a cell of a course text is for, and what stands between a pair of its marks."""

from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.authoring import ROLES

MARKS = {"SOLUTION": ("solution", "answer"), "HIDDEN TESTS": ("tests",)}  # and where they may be


@dataclass(frozen=True)
class Block:
    """The lines between a pair of marks, and the source with a stub in their place."""

    inside: list[str]
    outside: str


class BadMarks(ValueError):
    """The marks of a cell do not pair; the text is a sentence with the mend."""


def role_of(cell: NotebookNode) -> str | None:
    """The header word that says what a cell of a text is for, or None for a plain cell."""
    return next((word for word in ROLES if word in cell.metadata), None)


def blocks(source: str, mark: str, stub: str = "") -> Block:
    """What stands between `### BEGIN mark` and `### END mark`; raises `BadMarks`.

    A stub takes the place of each block, at the indent of its first mark, as nbgrader does it.
    """
    inside: list[str] = []
    outside: list[str] = []
    is_open = False
    for line in source.split("\n"):
        begins, ends = f"BEGIN {mark}" in line, f"END {mark}" in line
        if (begins or ends) and line.strip() not in (f"### BEGIN {mark}", f"### END {mark}"):
            raise BadMarks(
                f'the mark "{line.strip()}" must stand alone as ### BEGIN or END {mark}.'
            )
        if begins and is_open:
            raise BadMarks(
                f"a second ### BEGIN {mark} comes before ### END {mark}: close the first."
            )
        if ends and not is_open:
            raise BadMarks(f"### END {mark} has no ### BEGIN {mark} before it: add that.")
        if begins and stub:
            outside.append(line[: len(line) - len(line.lstrip())] + stub)
        if begins or ends:
            is_open = begins
        else:
            (inside if is_open else outside).append(line)
    if is_open:
        raise BadMarks(f"### BEGIN {mark} is never closed: add ### END {mark}.")
    return Block(inside, "\n".join(outside))
