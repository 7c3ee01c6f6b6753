"""Feedback pages without what is not for students: hidden tests, and scripts in outputs."""

import re
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

from helpers import checks

_HIDDEN = re.compile(r"[ \t]*### BEGIN HIDDEN TESTS.*?(### END HIDDEN TESTS[^\n]*|\Z)", re.S)
NOTE = "# Hidden checks ran here."
# What a page may show of an output without running anything.
_SAFE = ("text/plain", "image/png", "image/jpeg")
_OURS = ("NotAttempted", "Wrong", "StudentError")


class RemoveHidden(NbGraderPreprocessor):
    """Take hidden blocks and quotations of them out, and leave plain text and pictures."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Change a copy that is about to become a page; the graded notebook stays as it is."""
        for cell in nb.cells:
            if cell.cell_type == "code":
                hidden = is_grade(cell) and not is_solution(cell)
                cell.source = _HIDDEN.sub(NOTE, cell.source)
                cell.outputs = [clean(output, hidden) for output in cell.outputs]
            else:
                cell.source = re.sub(r"<(?=[a-zA-Z/!])", "&lt;", cell.source)
        return nb, resources


def clean(output: NotebookNode, hidden: bool) -> NotebookNode:
    """One output as plain text or a picture; an error of a test cell as its sentence alone."""
    if "data" in output:
        output.data = {k: v for k, v in output.data.items() if k in _SAFE}
    if output.output_type == "error" and hidden:
        words = output.evalue if output.ename in _OURS else f"{checks.ERROR}: a check failed."
        output.evalue, output.traceback = words, [words]
    return output
