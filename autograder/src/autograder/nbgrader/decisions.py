"""Keeps what a person decided in Formgrader when a submission is graded again.

nbgrader keeps a manual score and flags it for review after each run. `NoteDecisions` and
`KeepDecisions`, which stand around nbgrader's own preprocessors, do the rest: they flag extra
credit and comments as well, restore a late penalty that a person set, and note what changed since
the person looked. Saving a score in Formgrader ends the flag.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook, SubmittedNotebook
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.nbgrader import records
from autograder.nbgrader.records import Basis, Decision, Record
from autograder.text.cells import facts

_KEY = "autograder_before"  # in nbconvert's resources, from one preprocessor to the other


class NoteDecisions(NbGraderPreprocessor):
    """Notes what stands in the gradebook before nbgrader writes the new marks."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Leave the notebook as it is, and put the earlier marks into ``resources``."""
        with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
            notebook = _submitted(gradebook, resources)
            marks = {one.name: (one.auto_score, one.needs_manual_grade) for one in notebook.grades}
            resources[_KEY] = marks, notebook.late_submission_penalty
        return nb, resources


class KeepDecisions(NbGraderPreprocessor):
    """Flags each decision for another look, and restores a late penalty that a person set."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Leave the notebook as it is, and write to the gradebook."""
        marks, penalty = resources.pop(_KEY)
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            notebook = _submitted(gradebook, resources)
            known = records.load(gradebook, names["assignment"])
            record = known.get(names["student"], Record())
            keep_penalty(notebook, record, penalty)
            _keep_marks(notebook, record, marks, exercises(nb))
            records.save(gradebook, names["assignment"], names["student"], record)
            gradebook.db.commit()
        return nb, resources


def exercises(nb: NotebookNode) -> dict[str, list[NotebookNode]]:
    """The cells with the answer to each graded cell: itself, or the solutions before it."""
    found: dict[str, list[NotebookNode]] = {}
    answers: list[NotebookNode] = []
    is_tested = False
    for cell in nb.cells:
        role, name, _ = facts(cell)
        if role == "solution":
            answers = [cell] if is_tested else [*answers, cell]
            is_tested = False
        elif role == "tests":
            found[name], is_tested = answers, True
        elif role == "answer":
            found[name] = [cell]
    return found


def _submitted(gradebook: Gradebook, resources: Any) -> SubmittedNotebook:
    names = resources["nbgrader"]
    return gradebook.find_submission_notebook(
        names["notebook"], names["assignment"], names["student"]
    )


def keep_penalty(notebook: SubmittedNotebook, record: Record, before: float | None) -> None:
    """Restore a late penalty that differs from the one that the last run calculated.

    Without notes of an earlier run, nobody can tell who set the penalty.

    Args:
        notebook: The submitted notebook, with the penalty that was calculated now.
        record: The notes about it, which this updates.
        before: The penalty that stood there before.
    """
    automatic, given = notebook.late_submission_penalty or 0, before or 0
    is_kept = record.own_penalty is not None and given == record.own_penalty
    is_new = record.penalty is not None and given != record.penalty and not is_kept
    if is_new:
        record.own_penalty, record.own_basis = given, record.penalty
    elif not is_kept:
        record.own_penalty = record.own_basis = None
    if is_new or is_kept:
        notebook.late_submission_penalty = given
    record.penalty = automatic


def _keep_marks(
    notebook: SubmittedNotebook,
    record: Record,
    marks: dict[str, tuple[float | None, bool]],
    answers: dict[str, list[NotebookNode]],
) -> None:
    comments = {one.name: one for one in notebook.comments}
    last, seen, changes = {}, {}, {}
    for grade in notebook.grades:
        cells = answers.get(grade.name, [])
        now = last[grade.name] = Basis(grade.auto_score, _digest(cells), grade.max_score)
        made = Decision(grade.manual_score, grade.extra_credit, _comment(cells, comments))
        if not made:
            continue
        automatic, was_flagged = marks.get(grade.name, (None, False))
        basis = _basis(made, automatic, was_flagged, grade.name, record)
        seen[grade.name] = made, basis
        changes[grade.name] = changed(basis, now)
        if made.is_scored or changes[grade.name]:
            grade.needs_manual_grade = True
    record.last, record.seen, record.changes = last, seen, changes


def _basis(
    made: Decision, automatic: float | None, was_flagged: bool, name: str, record: Record
) -> Basis:
    """What the person saw who decided this."""
    if was_flagged and name in record.seen and record.seen[name][0] == made:
        return record.seen[name][1]  # nobody has looked again since an earlier run
    last = record.last.get(name, Basis())
    return Basis(automatic, last.answer, last.points)


def changed(basis: Basis, now: Basis) -> list[str]:
    """What is not as it was when the person decided, in words."""
    found = []
    if not basis.answer:
        found.append("it is not known which answer the decision was about")
    elif basis.answer != now.answer:
        found.append("the answer changed")
    if basis.automatic != now.automatic:
        found.append(
            f"the automatic score was {_points(basis.automatic)} and is {_points(now.automatic)}"
        )
    if None not in (basis.points, now.points) and basis.points != now.points:
        found.append(f"the exercise had {basis.points:g} points and has {now.points:g}")
    return found


def _points(score: float | None) -> str:
    return "open" if score is None else f"{score:g}"


def _comment(cells: Iterable[NotebookNode], comments: dict) -> str | None:
    found = [
        comments[facts(cell)[1]].manual_comment for cell in cells if facts(cell)[1] in comments
    ]
    return "\n".join(filter(None, found)) or None


def _digest(cells: Iterable[NotebookNode]) -> str:
    text = "\0".join(cell.source for cell in cells)
    return hashlib.sha256(text.encode()).hexdigest()
