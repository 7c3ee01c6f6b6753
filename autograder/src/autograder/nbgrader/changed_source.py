"""Lets the gradebook follow a source notebook whose cells came or went after the first submission.

nbgrader refuses such a change. Here, a new cell gets its place in each submission, and what a
person decided about a cell that is gone is noted before the cell is removed, and restored if it
comes back.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Comment, Grade, Gradebook, MissingEntry, Notebook, SubmittedNotebook

from autograder.nbgrader import records
from autograder.nbgrader.records import Basis, Decision, Record


def follow(gradebook: Gradebook, assignment: str, source: NotebookNode) -> None:
    """Add and remove the gradebook's cells of an assignment that has submissions.

    Args:
        gradebook: The gradebook, in a transaction that the caller commits.
        assignment: The assignment, whose notebook has the same name.
        source: Its source notebook.
    """
    try:
        notebook = gradebook.find_notebook(assignment, assignment)
    except MissingEntry:
        return
    if notebook.submissions and _differs(notebook, source):
        change = _Change(gradebook, notebook, records.load(gradebook, assignment))
        change.cells_of(notebook.grade_cells, _chosen(source, utils.is_grade), "grade_cell")
        change.cells_of(notebook.task_cells, _chosen(source, utils.is_task), "task_cell")
        change.cells_of(
            notebook.solution_cells, _chosen(source, utils.is_solution), "solution_cell"
        )
        change.cells_of(notebook.source_cells, _chosen(source, _is_kept), "source_cell")
        for student, record in change.notes.items():
            records.save(gradebook, assignment, student, record)
        gradebook.db.commit()


def _differs(notebook: Notebook, source: NotebookNode) -> bool:
    """Whether nbgrader would refuse the source."""
    return any(
        {one.name for one in known} != set(_chosen(source, belongs))
        for known, belongs in (
            (notebook.grade_cells, utils.is_grade),
            (notebook.task_cells, utils.is_task),
            (notebook.solution_cells, utils.is_solution),
            (notebook.source_cells, _is_kept),
        )
    )


def _chosen(
    source: NotebookNode, belongs: Callable[[NotebookNode], bool]
) -> dict[str, NotebookNode]:
    return {cell.metadata.nbgrader.grade_id: cell for cell in source.cells if belongs(cell)}


def _is_kept(cell: NotebookNode) -> bool:
    """Whether nbgrader keeps the source of this cell in the gradebook."""
    kinds = (utils.is_grade, utils.is_solution, utils.is_locked, utils.is_task)
    return any(belongs(cell) for belongs in kinds)


@dataclass
class _Change:
    """The change of one notebook's cells, with the notes about each submission."""

    gradebook: Gradebook
    notebook: Notebook
    notes: dict[str, Record]

    def cells_of(self, known: list, wanted: dict[str, NotebookNode], kind: str) -> None:
        """Make the cells of one of nbgrader's four kinds those of the source."""
        names = {cell.name for cell in known}
        for cell in list(known):
            if cell.name not in wanted:
                self._remove(cell)
        for name, cell in wanted.items():
            if name not in names:
                self._add(name, cell, kind)

    def _remove(self, cell: Any) -> None:
        for grade in list(getattr(cell, "grades", ())):
            made = Decision(grade.manual_score, grade.extra_credit)
            self._note(grade, made, grade.auto_score, grade.needs_manual_grade)
            self.gradebook.db.delete(grade)
        for comment in list(getattr(cell, "comments", ())):
            self._note(comment, Decision(comment=comment.manual_comment or None))
            self.gradebook.db.delete(comment)
        self.gradebook.db.delete(cell)
        self.gradebook.db.flush()

    def _note(
        self, one: Grade | Comment, made: Decision, score: float | None = None, waits: bool = False
    ) -> None:
        """Note a decision about a cell that goes; a written answer has a score and a comment."""
        if not made:
            return
        record = self.notes.setdefault(one.student.id, Record())
        last = record.last.get(one.name, Basis())
        basis = Basis(score, last.answer, last.points)
        if waits and one.name in record.seen:
            basis = record.seen[one.name][1]
        if one.name in record.gone and not made.is_scored:
            earlier, basis = record.gone[one.name]
            made = replace(earlier, comment=made.comment)
        record.gone[one.name] = made, basis

    def _add(self, name: str, cell: NotebookNode, kind: str) -> None:
        about: dict[str, Any] = {}
        if kind in ("grade_cell", "task_cell"):
            about = {"max_score": float(cell.metadata.nbgrader.points), "cell_type": cell.cell_type}
        if kind == "source_cell":
            locked = utils.is_locked(cell)
            about = {"cell_type": cell.cell_type, "source": cell.source, "locked": locked}
        adding = getattr(self.gradebook, f"add_{kind}")
        made = adding(name, self.notebook.name, self.notebook.assignment.name, **about)
        if kind != "source_cell":
            for submission in self.notebook.submissions:
                self._restore(name, made.id, submission, kind)

    def _restore(self, name: str, cell: str, submission: SubmittedNotebook, kind: str) -> None:
        """Give a cell its place in a submission, with what was decided about it before it went."""
        record = self.notes.get(submission.student.id, Record())
        decision, basis = record.gone.pop(name, (Decision(), Basis()))
        if kind != "solution_cell":
            grade = Grade(cell_id=cell, notebook=submission)
            grade.manual_score, grade.extra_credit = decision.score, decision.extra
            self.gradebook.db.add(grade)
            if decision:
                record.seen[name] = decision, basis
            decision = replace(decision, score=None, extra=None)
        if kind != "grade_cell":
            comment = Comment(cell_id=cell, notebook=submission, manual_comment=decision.comment)
            self.gradebook.db.add(comment)
            decision = replace(decision, comment=None)
        if decision:
            record.gone[name] = decision, basis
        self.gradebook.db.flush()
