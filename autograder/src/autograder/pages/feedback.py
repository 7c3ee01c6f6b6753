"""The part of a graded notebook that a student's feedback page shows."""

import nbformat
from nbformat import NotebookNode

from autograder.pages.sanitize import harmless, safe
from autograder.text.cells import HIDDEN_TESTS, BadMarks, between, facts
from convcourse import outcomes

NOTE = "# Hidden checks ran here."
_OURS = ("NotAttempted", "Wrong", "StudentError")


def without_hidden(nb: NotebookNode) -> NotebookNode:
    """Remove hidden blocks, and quotations of them, from ``nb``; keep plain text and pictures."""
    for cell in nb.cells:
        if cell.cell_type != "code":
            cell.source = harmless(cell.source, cell.get("attachments", ()))
            continue
        role, _, _ = facts(cell)
        is_test = role == "tests"
        cell.source = _shown(cell)
        cell.outputs = [clean(output, is_test) for output in cell.outputs]
    return nb


def _shown(cell: NotebookNode) -> str:
    """A cell's source with a note instead of its hidden block."""
    try:
        return between(cell.source, HIDDEN_TESTS, NOTE)[1]
    except BadMarks:  # a notebook from another tool: show nothing after the mark
        return cell.source.partition(f"### BEGIN {HIDDEN_TESTS}")[0] + NOTE


def clean(output: NotebookNode, is_test: bool) -> NotebookNode:
    """One output as plain text or a picture; an error of a test cell as only its sentence."""
    output = safe(output) or nbformat.v4.new_output("stream", name="stdout", text="")
    if output.output_type == "error" and is_test:
        known = output.ename in _OURS
        words = output.evalue if known else f"{outcomes.ERROR}: a check failed."
        output.evalue, output.traceback = words, [words]
    return output
