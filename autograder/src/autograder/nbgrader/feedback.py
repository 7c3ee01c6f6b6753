"""Feedback pages without hidden tests and without scripts in outputs."""

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List

from autograder.pages.feedback import without_hidden


class RemoveHidden(NbGraderPreprocessor):
    """Removes hidden blocks and quotations of them; keeps plain text and pictures."""

    # Without it, each page warns that nbconvert sets it.
    display_data_priority: List = List().tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Change the copy that becomes a page; the graded notebook stays as it is."""
        return without_hidden(nb), resources
