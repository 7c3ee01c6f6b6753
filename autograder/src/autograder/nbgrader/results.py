"""The results of a class: points from the gradebook, messages from the executed notebooks."""

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Grade, Gradebook

from autograder.nbgrader.room import Room
from autograder.pages.leaderboard import Place
from autograder.pages.outputs import NOTES
from autograder.pages.report import Mark, Report, Row, Score
from autograder.pages.sanitize import printable
from autograder.text.cells import facts, parse
from convcourse import outcomes

# An outcome by the name of the error that stands for it; any other is the student's own error.
STATUSES = {"NotAttempted": outcomes.NOT_ATTEMPTED, "Wrong": outcomes.WRONG}


def read(root: Path, assignment: str) -> Report:
    """The results of one assignment, from ``autograded/`` and the gradebook.

    Args:
        root: The course folder.
        assignment: The assignment.
    """
    source = nbformat.read(root / "source" / assignment / f"{assignment}.ipynb", as_version=4)
    tests = {c.id: float(c.points) for c in map(parse, source.cells) if c.is_graded}
    with Gradebook(Room(root, assignment).db_url) as gradebook:
        scores = {
            submission.student_id: {
                one.name: _score(one)
                for notebook in submission.notebooks
                for one in notebook.grades
            }
            for submission in gradebook.assignment_submissions(assignment)
        }
    rows = [Row(s, _marks(root, assignment, s, tests, scores[s])) for s in sorted(scores)]
    return Report(assignment, tests, rows)


def _score(grade: Grade) -> Score:
    known = grade.auto_score is not None or grade.manual_score is not None
    by_hand = grade.manual_score is not None
    return Score(grade.score if known else None, by_hand, grade.needs_manual_grade)


def _marks(root: Path, assignment: str, student: str, tests: dict, scores: dict) -> dict:
    path = root / "autograded" / student / assignment / f"{assignment}.ipynb"
    outputs = {}
    if path.is_file():
        for cell in nbformat.read(path, as_version=4).cells:
            role, name, _ = facts(cell)
            if role in ("tests", "answer"):
                outputs[name] = cell.get("outputs")
    return {
        name: _mark(outputs.get(name), scores.get(name, Score()), points)
        for name, points in tests.items()
    }


def _mark(outputs: list | None, score: Score, points: float) -> Mark:
    """A student's mark; a cell without outputs is a written answer, graded by hand."""
    if outputs is None:
        return Mark(*_written(score), score.points, points)
    for output in outputs:
        if output.output_type == "error":
            status = STATUSES.get(output.ename, outcomes.ERROR)
            return Mark(status, output.evalue, score.points, points)
    return Mark(outcomes.PASSED, "", score.points, points)


def _written(score: Score) -> tuple[str, str]:
    if score.waits:
        return "to grade by hand", "A written answer, to be graded by hand."
    if score.by_hand:
        return "graded by hand", ""
    return outcomes.NOT_ATTEMPTED, "The written answer is unchanged from the release."


def places(root: Path, assignment: str) -> list[Place]:
    """The leaderboard of an assignment from its graded notebooks, best first.

    Only facts that hidden checks noted count. With equal accuracies, the network with fewer
    parameters comes first.
    """
    found = []
    for path in sorted((root / "autograded").glob(f"*/{assignment}/{assignment}.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if facts(cell)[0] == "tests":
                found += [_place(o.metadata[NOTES]) for o in cell.outputs if _is_noted(o)]
    return sorted(found, key=lambda place: (-place.accuracy, place.parameters))


def _is_noted(output: NotebookNode) -> bool:
    return bool(output.get("metadata", {}).get(NOTES))


def _place(noted: dict[str, Any]) -> Place:
    name, idea = (printable(str(noted.get(key, ""))) for key in ("name", "idea"))
    return Place(name, idea, float(noted["accuracy"]), int(noted["parameters"]))
