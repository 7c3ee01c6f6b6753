"""The results of a class: points from the gradebook, messages from the executed notebooks."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Grade, Gradebook, SubmittedAssignment

from autograder.intake.notes import LOOK
from autograder.nbgrader import records
from autograder.nbgrader.records import Decision, Record
from autograder.nbgrader.room import Room
from autograder.pages.leaderboard import Place
from autograder.pages.outputs import NOTES, PARTLY
from autograder.pages.report import Decided, Mark, Report, Row, Score
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
    room = Room(root, assignment)
    with Gradebook(room.db_url) as gradebook:
        submissions = gradebook.assignment_submissions(assignment)
        scores = {
            submission.student_id: {one.name: _score(one) for one in _grades(submission)}
            for submission in submissions
        }
        decided = tuple(_decided(submissions, records.load(gradebook, assignment)))
    rows = [Row(s, _marks(root, assignment, s, tests, scores[s])) for s in sorted(scores)]
    levels = tuple(level for student, level in room.levels().items() if student in scores)
    return Report(assignment, tests, rows, decided, levels)


def _grades(submission: SubmittedAssignment) -> list[Grade]:
    return [grade for notebook in submission.notebooks for grade in notebook.grades]


def _score(grade: Grade) -> Score:
    known = grade.auto_score is not None or grade.manual_score is not None
    by_hand = grade.manual_score is not None
    score = grade.score if known else None
    return Score(score, by_hand, grade.needs_manual_grade, grade.auto_score, grade.extra_credit)


def _decided(submissions: list[SubmittedAssignment], notes: dict[str, Record]) -> Iterator[Decided]:
    """What people decided about each student: scores, comments and late penalties."""
    for submission in sorted(submissions, key=lambda one: one.student_id):
        student, record = submission.student_id, notes.get(submission.student_id, Record())
        for grade in _grades(submission):
            comment = record.seen[grade.name][0].comment if grade.name in record.seen else None
            made = Decision(grade.manual_score, grade.extra_credit, comment)
            if made:
                automatic, look = grade.auto_score, grade.needs_manual_grade
                changes = tuple(record.changes.get(grade.name, ())) if look else ()
                yield Decided(student, grade.name, _given(made), automatic, look, changes)
        for name, (made, basis) in record.gone.items():
            changes = ("the assignment has no such cell any more, so this does not count",)
            yield Decided(student, name, _given(made), basis.automatic, True, changes)
        yield from _penalty(submission, record)


def undecided(root: Path, assignment: str) -> int:
    """How many decisions of people came before the last run and wait for another look."""
    with Gradebook(Room(root, assignment).db_url) as gradebook:
        submissions = gradebook.assignment_submissions(assignment)
        return sum(one.look for one in _decided(submissions, records.load(gradebook, assignment)))


def _penalty(submission: SubmittedAssignment, record: Record) -> Iterator[Decided]:
    """A late penalty that a person set, beside the one that was calculated."""
    now, automatic = submission.late_submission_penalty or 0, record.penalty
    if automatic is None or now == automatic != record.own_penalty:
        return
    changes = []
    if now == record.own_penalty and record.own_basis != automatic:
        changes.append(f"the automatic penalty was {record.own_basis:g} and is {automatic:g}")
    given, look = f"a penalty of {now:g}", bool(changes)
    yield Decided(submission.student_id, "late penalty", given, automatic, look, tuple(changes))


def _given(made: Decision) -> str:
    """A decision in words."""
    parts = []
    if made.score is not None:
        parts.append(f"the score {made.score:g}")
    if made.extra:
        parts.append(f"extra credit of {made.extra:g}")
    if made.comment:
        parts.append("a comment")
    return " and ".join(parts)


def _marks(root: Path, assignment: str, student: str, tests: dict, scores: dict) -> dict:
    path = root / "autograded" / student / assignment / f"{assignment}.ipynb"
    outputs, looks = {}, {}
    if path.is_file():
        for cell in nbformat.read(path, as_version=4).cells:
            role, name, _ = facts(cell)
            if role in ("tests", "answer"):
                outputs[name] = cell.get("outputs")
                looks[name] = cell.metadata.get(LOOK, "")
    return {
        name: _mark(outputs.get(name), scores.get(name, Score()), points, looks.get(name, ""))
        for name, points in tests.items()
    }


def _mark(outputs: list | None, score: Score, points: float, look: str) -> Mark:
    """A student's mark; a cell without outputs is a written answer, graded by hand."""
    status, message = _written(score) if outputs is None else _checked(outputs, points)
    if look and score.waits and look not in message:
        message = f"A person must look at this. {look} {message}".strip()
    by_hand = score.by_hand or bool(score.extra)
    return Mark(status, message, score.points, points, score.automatic, by_hand)


def _checked(outputs: list, points: float) -> tuple[str, str]:
    words = ""
    for output in outputs:
        if output.output_type == "error":
            return STATUSES.get(output.ename, outcomes.ERROR), output.evalue
        if output.output_type == "stream":
            words = str(output.text).strip()
        elif output.output_type == "execute_result" and _number(output) < points:
            return PARTLY, words
    return outcomes.PASSED, ""


def _number(output: NotebookNode) -> float:
    """The points in a test cell's output, which the grader has written."""
    with contextlib.suppress(ValueError, KeyError):
        return float(output.data["text/plain"])
    return math.inf


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
