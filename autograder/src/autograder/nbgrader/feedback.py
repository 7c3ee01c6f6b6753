"""Pages of graded notebooks: what Formgrader shows, and what students get."""

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List

from autograder.pages import bounded, budget
from autograder.pages.feedback import without_hidden


class _ForPages(NbGraderPreprocessor):
    """Changes the copy that becomes a page; the graded notebook stays as it is."""

    # Without it, each page warns that nbconvert sets it.
    display_data_priority: List = List().tag(config=True)


class BoundPage(_ForPages):
    """Keeps only safe outputs, as many as a page can hold, and begins the page's budget."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Bound the outputs."""
        budget.of(resources)
        return bounded.bound(nb), resources


class RemoveHidden(_ForPages):
    """Removes hidden blocks and quotations of them; keeps plain text and pictures."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Leave what a student may see."""
        return without_hidden(nb), resources
