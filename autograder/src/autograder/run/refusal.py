"""What a student finds where nothing could be graded: one sentence in each test cell."""

from collections.abc import Collection

import nbformat

from autograder.intake.notes import LOOK
from autograder.judge.verdict import Verdict
from autograder.pages.outputs import write_outputs
from autograder.text.cells import facts
from convcourse import outcomes


def refused(text: str, message: str, looks: Collection[str]) -> nbformat.NotebookNode:
    """A notebook whose test cells all show the sentence that says why nothing was graded.

    Args:
        text: The notebook as JSON text.
        message: The sentence.
        looks: The roles of the cells that a person must look at.
    """
    nb = nbformat.reads(text, as_version=4)
    for cell in nb.cells:
        role, name, _ = facts(cell)
        if role == "tests":
            cell.outputs = write_outputs(Verdict(outcomes.ERROR, message), name)
        if role in looks:
            cell.metadata[LOOK] = message
    return nb
