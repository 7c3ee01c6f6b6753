"""Pages of graded notebooks: what Formgrader shows, and what students get."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import GetGrades, NbGraderPreprocessor
from traitlets import List
from traitlets.config import Config

from autograder.pages import bounded, budget
from autograder.pages.feedback import without_hidden
from autograder.text.cells import SOLUTION, between, facts

MARKER = "**The rubric, which students' pages do not show:**"


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


class ShowRubric(_ForPages):
    """Puts the rubric before each written answer on Formgrader's pages, and on no others."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Add a text cell with the rubric; students' pages are not made with these resources."""
        if "submission_id" not in resources or "nbgrader" in resources:
            return nb, resources
        name = str(resources.get("assignment_id", ""))
        folder = Path(str(resources.get("metadata", {}).get("path", "")))
        source = folder / ".." / ".." / ".." / "source" / name / f"{name}.ipynb"
        rubrics = _rubrics(source) if source.is_file() else {}
        cells = []
        for cell in nb.cells:
            role, name, _ = facts(cell)
            if role == "answer" and rubrics.get(name):
                cells.append(nbformat.v4.new_markdown_cell(f"{MARKER}\n\n{rubrics[name]}"))
            cells.append(cell)
        nb.cells = cells
        return nb, resources


def _rubrics(source: Path) -> dict[str, str]:
    """The course's own text of each written answer."""
    cells = nbformat.read(source, as_version=4).cells
    written = [cell for cell in cells if facts(cell)[0] == "answer"]
    return {facts(one)[1]: between(one.source, SOLUTION)[0].strip() for one in written}


class ReadGrades(GetGrades):
    """Reads scores and comments as nbgrader does, and notes which answers nobody has marked yet."""

    display_data_priority: List = List().tag(config=True)

    def _get_score(self, cell: NotebookNode, resources: Any) -> None:
        super()._get_score(cell, resources)
        places = self.notebook_id, self.assignment_id, self.student_id
        grade = self.gradebook.find_grade(cell.metadata.nbgrader["grade_id"], *places)
        unmarked = grade.auto_score is None and grade.manual_score is None
        cell.metadata.nbgrader["waits"] = bool(grade.needs_manual_grade and unmarked)


class RemoveHidden(_ForPages):
    """Removes hidden blocks and quotations of them; keeps plain text and pictures."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Leave what a student may see."""
        return without_hidden(nb), resources


class FeedbackPage(HTMLExporter):
    """Makes a student's feedback page with a template that anybody can read and print.

    nbgrader's own has no language, no headings and no names of its pictures, too little contrast,
    and loads scripts from elsewhere. `nbgrader_config.py` names this class.
    """

    @property
    def default_config(self) -> Config:
        """The settings of nbconvert, and the place of the template."""
        made = super().default_config
        made.FeedbackPage.template_name = "student_feedback"
        made.FeedbackPage.extra_template_basedirs = [str(files("autograder.pages") / "templates")]
        return made
