"""What the intake tells about a submission, to its student and to the person who grades it."""

from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from autograder.pages.sanitize import printable

SIGNED = "*The grader's note:* "
LOOK = "autograder_look"  # metadata of a graded cell that a person must look at: why
_MOST = 400  # characters of a note


@dataclass(frozen=True)
class Note:
    """One sentence about a submission.

    Attributes:
        words: The sentence.
        cell: The id of the cell that it is about; empty if it is about the whole notebook.
        asks: Whether a person must look at it, because the automatic marks may be wrong.
        asks_if_empty: Whether that holds if the notebook has no answer in it.
    """

    words: str
    cell: str = ""
    asks: bool = False
    asks_if_empty: bool = False


def shown(note: Note) -> NotebookNode:
    """The note as a text cell, for Formgrader and for the feedback page."""
    words = printable(note.words).replace("<", "< ")[:_MOST]
    return nbformat.v4.new_markdown_cell(SIGNED + words)
