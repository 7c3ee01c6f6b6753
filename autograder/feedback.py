"""Feedback pages without what is not for students: hidden tests, and scripts in outputs."""

import re
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import List

from autograder.execute import safe
from autograder.intake import harmless
from helpers import checks

_HIDDEN = re.compile(r"[ \t]*### BEGIN HIDDEN TESTS.*?(### END HIDDEN TESTS[^\n]*|\Z)", re.S)
NOTE = "# Hidden checks ran here."
LEFT_OUT = "(what this cell shows is in your own notebook)\n"
_OURS = ("NotAttempted", "Wrong", "StudentError")


class RemoveHidden(NbGraderPreprocessor):
    """Take hidden blocks and quotations of them out, and leave plain text and pictures."""

    display_data_priority = List().tag(config=True)  # else each page warns that nbconvert sets it

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Change a copy that is about to become a page; the graded notebook stays as it is."""
        asked = False  # from then on, student code may have seen what hidden checks ask
        for cell in nb.cells:
            if cell.cell_type == "code":
                hidden = is_grade(cell) and not is_solution(cell)
                if asked and not hidden and cell.outputs:
                    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=LEFT_OUT)]
                asked = asked or hidden
                cell.source = _HIDDEN.sub(NOTE, cell.source)
                cell.outputs = [clean(output, hidden) for output in cell.outputs]
            else:
                cell.source = harmless(cell.source)
        return nb, resources


def clean(output: NotebookNode, hidden: bool) -> NotebookNode:
    """One output as plain text or a picture; an error of a test cell as its sentence alone."""
    output = safe(output) or nbformat.v4.new_output("stream", name="stdout", text="")
    if output.output_type == "error" and hidden:
        words = output.evalue if output.ename in _OURS else f"{checks.ERROR}: a check failed."
        output.evalue, output.traceback = words, [words]
    return output
