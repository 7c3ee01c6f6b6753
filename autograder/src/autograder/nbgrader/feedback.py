"""Feedback pages without what is not for students: hidden tests, and scripts in outputs."""

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List

from autograder.pages.feedback import without_hidden


class RemoveHidden(NbGraderPreprocessor):
    """Take hidden blocks and quotations of them out, and leave plain text and pictures."""

    display_data_priority = List().tag(config=True)  # else each page warns that nbconvert sets it

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Change a copy that is about to become a page; the graded notebook stays as it is."""
        return without_hidden(nb), resources
