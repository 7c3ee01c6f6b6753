"""What of a graded notebook goes onto a student's feedback page."""

import nbformat
from nbformat import NotebookNode

from autograder.pages.sanitize import harmless, safe
from autograder.text.cells import HIDDEN_TESTS, BadMarks, between, facts
from convcourse import outcomes

NOTE = "# Hidden checks ran here."
LEFT_OUT = "(what this cell shows is in your own notebook)\n"
_OURS = ("NotAttempted", "Wrong", "StudentError")


def without_hidden(nb: NotebookNode) -> NotebookNode:
    """Take hidden blocks and quotations of them out of ``nb``; leave plain text and pictures."""
    asked = False  # from then on, student code may have seen what hidden checks ask
    for cell in nb.cells:
        if cell.cell_type != "code":
            cell.source = harmless(cell.source)
            continue
        role, _, _ = facts(cell)
        is_test = role == "tests"
        if asked and not is_test and cell.outputs:
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=LEFT_OUT)]
        asked = asked or is_test
        cell.source = _shown(cell)
        cell.outputs = [clean(output, is_test) for output in cell.outputs]
    return nb


def _shown(cell: NotebookNode) -> str:
    """A cell's source with a note in the place of its hidden block."""
    try:
        return between(cell.source, HIDDEN_TESTS, NOTE)[1]
    except BadMarks:  # a notebook of other tools: show nothing behind the mark
        return cell.source.partition(f"### BEGIN {HIDDEN_TESTS}")[0] + NOTE


def clean(output: NotebookNode, is_test: bool) -> NotebookNode:
    """One output as plain text or a picture; an error of a test cell as its sentence alone."""
    output = safe(output) or nbformat.v4.new_output("stream", name="stdout", text="")
    if output.output_type == "error" and is_test:
        known = output.ename in _OURS
        words = output.evalue if known else f"{outcomes.ERROR}: a check failed."
        output.evalue, output.traceback = words, [words]
    return output
