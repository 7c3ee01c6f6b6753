"""The results of a class: points from the gradebook, messages from the executed notebooks."""

import contextlib
import math
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Assignment, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy.orm import selectinload

from autograder.classlist import roster
from autograder.course import Course
from autograder.handin import times
from autograder.handin.filing import Place
from autograder.intake import reading
from autograder.intake.notes import LOOK
from autograder.nbgrader import records
from autograder.nbgrader.records import Decision, Record
from autograder.nbgrader.room import Room
from autograder.pages import leaderboard
from autograder.pages.outputs import NOTES, PARTLY
from autograder.pages.sanitize import printable
from autograder.pages.scores import BY_HAND, TO_GRADE, UNGRADED, Decided, Mark, Report, Row, Score
from autograder.root import CourseError
from autograder.text.cells import facts, parse
from convcourse import outcomes

NOTED = "submission.note("  # what a hidden check with a contest calls
NOBODY = "Nobody has handed in"
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
        submissions = _submissions(gradebook, assignment)
        decided = tuple(_decided(submissions, records.load(gradebook, assignment)))
        rows = [_row(root, assignment, one, tests) for one in submissions]
    students = {row.student for row in rows}
    notes = [note for student, note in room.notes() if student in students]
    levels, profiles = ([n[key] for n in notes if n.get(key)] for key in ("walls", "profile"))
    handed_in = {path.parent.name for path in (root / "submitted").glob(f"*/{assignment}")}
    known = roster.read(root)
    absent = [one.id for one in known.students if one.id not in handed_in | students]
    return Report(
        assignment,
        tests,
        rows,
        decided,
        tuple(levels),
        tuple(profiles),
        ungraded=tuple(sorted(handed_in - students)),
        names={one.id: one.name for one in known.students if one.name},
        missing=tuple(absent) if known else None,
    )


def graded(course: Course, asked: Collection[str] = ()) -> list[str]:
    """The assignments that have been graded for anybody, in the course's order.

    Args:
        course: The course.
        asked: Assignments that must be among them.

    Raises:
        CourseError: If none or not all of them are; the error says what to do.
    """
    found = {path.name for path in (course.root / "autograded").glob("*/*")}
    handed_in = {path.name for path in (course.root / "submitted").glob("*/*")}
    for name in asked or ([] if found else [one for one in course.known if one in handed_in][:1]):
        if name not in found and name in handed_in:
            raise CourseError(f"Nothing of {name} is graded yet: run autograder grade {name}.")
        if name not in found:
            raise CourseError(f"{NOBODY} {name} yet: put notebooks into submitted/STUDENT/{name}/.")
        if not course.source_path(name).is_file():
            raise CourseError(f"There is no source/{name}: run autograder build {name} first.")
    if not found:
        raise CourseError(f"{NOBODY} anything yet: put notebooks into submitted/STUDENT/NAME/.")
    return [name for name in course.known if name in found and course.source_path(name).is_file()]


def _submissions(gradebook: Gradebook, assignment: str) -> list[SubmittedAssignment]:
    """An assignment's submissions with all that is read of them, in four queries."""
    grades = selectinload(SubmittedAssignment.notebooks).selectinload(SubmittedNotebook.grades)
    query = gradebook.db.query(SubmittedAssignment).join(SubmittedAssignment.assignment)
    query = query.filter(Assignment.name == assignment).options(grades.joinedload(Grade.cell))
    return sorted(query.all(), key=lambda one: one.student_id)


def _row(root: Path, assignment: str, one: SubmittedAssignment, tests: dict) -> Row:
    scores = {grade.name: _score(grade) for grade in _grades(one)}
    marks = _marks(root, assignment, one.student_id, tests, scores)
    penalty = float(one.late_submission_penalty or 0)
    return Row(one.student_id, marks, penalty, _attempts(root, assignment, one.student_id))


def _attempts(root: Path, assignment: str, student: str) -> int | None:
    """How many submissions a student has handed in, where the learning platform counts them."""
    number = times.order(Place(root, student, assignment).facts()).number
    return number[1] + 1 if number else None  # Canvas numbers what follows the first one


def _grades(submission: SubmittedAssignment) -> list[Grade]:
    return [grade for notebook in submission.notebooks for grade in notebook.grades]


def _score(grade: Grade) -> Score:
    known = grade.auto_score is not None or grade.manual_score is not None
    by_hand = grade.manual_score is not None
    score = grade.score if known else None
    return Score(score, by_hand, grade.needs_manual_grade, grade.auto_score, grade.extra_credit)


def _decided(submissions: list[SubmittedAssignment], notes: dict[str, Record]) -> Iterator[Decided]:
    """What people decided about each student: scores, comments and late penalties."""
    for submission in submissions:
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


def undecided(gradebook: Gradebook, assignment: str) -> int:
    """How many decisions of people came before the last run and wait for another look."""
    submissions = _submissions(gradebook, assignment)
    return sum(one.look for one in _decided(submissions, records.load(gradebook, assignment)))


def kept(gradebook: Gradebook, assignment: str) -> list[str]:
    """One sentence about the decisions of people that wait for another look, if there are any."""
    waiting = undecided(gradebook, assignment)
    if not waiting:
        return []
    were = "A decision" if waiting == 1 else f"{waiting} decisions"
    which = "it needs" if waiting == 1 else "they need"
    return [
        f"{were} by a person came before this run and stayed: autograder report shows why "
        f"{which} another look."
    ]


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
    for cell in _cells(path) if path.is_file() else ():
        role, name, _ = facts(cell)
        if role in ("tests", "answer"):
            outputs[name] = cell.get("outputs")
            looks[name] = cell.metadata.get(LOOK, "")
    return {
        name: _mark(outputs.get(name), scores.get(name, Score()), points, looks.get(name, ""))
        for name, points in tests.items()
    }


def _cells(path: Path) -> list[NotebookNode]:
    """The cells of a graded notebook, which nbgrader has validated when it wrote them."""
    return nbformat.v4.reads(path.read_text(encoding="utf-8")).cells


def _mark(outputs: list | None, score: Score, points: float, look: str) -> Mark:
    """A student's mark; a cell without outputs is a written answer, graded by hand."""
    status, message = _written(score) if outputs is None else _checked(outputs, score, points)
    look = look if score.waits else ""
    if look and look not in message:
        message = f"A person must look at this. {look} {message}".strip()
    by_hand = score.by_hand or bool(score.extra)
    return Mark(status, message, score.points, points, score.automatic, by_hand, score.waits, look)


def _checked(outputs: list, score: Score, points: float) -> tuple[str, str]:
    """The outcome of a test; only what has all points has passed."""
    status, words = _outcome(outputs, points)
    if score.points is None and score.waits:
        return UNGRADED, words
    if status == outcomes.PASSED and score.points is not None and score.points < points:
        given = f"{score.points:g} of {points:g} points"
        words = words or f"{'A person gave' if score.by_hand else 'It has'} {given}."
        return (PARTLY if score.points > 0 else outcomes.WRONG), words
    return status, words


def _outcome(outputs: list, points: float) -> tuple[str, str]:
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
        return TO_GRADE, "A written answer, to be graded by hand."
    if score.by_hand:
        return BY_HAND, ""
    return outcomes.NOT_ATTEMPTED, "The written answer is unchanged from the release."


def handed_in_again(root: Path, assignment: str) -> list[str]:
    """The students whose files in ``submitted/`` are others than those that were graded."""
    room, found = Room(root, assignment), []
    for student, note in room.notes():
        folder = root / "submitted" / student / assignment
        if not folder.is_dir():
            continue
        graded = (room.place / "done" / f"{student}.json").stat().st_mtime
        # Reading the files of a class takes long, so only what has changed since is read.
        changed = any(path.lstat().st_ctime > graded for path in (folder, *folder.rglob("*")))
        if changed and reading.read(folder, student, assignment).digest != note.get("submission"):
            found.append(student)
    return found


def code_answers(root: Path, assignment: str) -> dict[str, dict[str, str]]:
    """The code of each exercise's graded answers, by student."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((root / "autograded").glob(f"*/{assignment}/{assignment}.ipynb")):
        for cell in _cells(path):
            role, name, _ = facts(cell)
            if role == "solution" and cell.cell_type == "code":
                found.setdefault(name, {})[path.parts[-3]] = cell.source
    return found


def code_given(course: Course, assignment: str) -> list[str]:
    """The code that students were given: all of the release, or else of the source's stubs.

    Raises:
        CourseError: If there is neither.
    """
    released, source = course.release_path(assignment), course.source_path(assignment)
    path = released if released.is_file() else source
    if not path.is_file():
        raise CourseError(f"There is no source/{assignment}: run autograder build {assignment}.")
    parsed = [parse(cell) for cell in _cells(path) if cell.cell_type == "code"]
    return [one.stub if one.role == "solution" else one.visible for one in parsed]


def require_contest(course: Course, assignment: str) -> None:
    """Look whether a hidden check of an assignment keeps facts for a leaderboard.

    Raises:
        CourseError: If none does; the error names the assignments that have a contest.
    """
    paths = {name: course.source_path(name) for name in course.known}
    known = [n for n, p in paths.items() if p.is_file() and NOTED in p.read_text(encoding="utf-8")]
    if assignment not in known:
        others = (
            f"run autograder leaderboard {' or '.join(known)}" if known else "nor has any other"
        )
        raise CourseError(f"{assignment} has no contest, so it has no leaderboard: {others}.")


def places(root: Path, assignment: str) -> list[leaderboard.Place]:
    """The leaderboard of an assignment from its graded notebooks, best first.

    Only facts that hidden checks noted count. With equal accuracies, the network with fewer
    parameters comes first.
    """
    found = []
    for path in sorted((root / "autograded").glob(f"*/{assignment}/{assignment}.ipynb")):
        for cell in _cells(path):
            if facts(cell)[0] == "tests":
                found += [_place(o.metadata[NOTES]) for o in cell.outputs if _is_noted(o)]
    return sorted(found, key=lambda place: (-place.accuracy, place.parameters))


def _is_noted(output: NotebookNode) -> bool:
    return bool(output.get("metadata", {}).get(NOTES))


def _place(noted: dict[str, Any]) -> leaderboard.Place:
    name, idea = (printable(str(noted.get(key, ""))) for key in ("name", "idea"))
    performed = int(noted["multiplications"]) if "multiplications" in noted else None
    parameters = int(noted["parameters"])
    return leaderboard.Place(name, idea, float(noted["accuracy"]), parameters, performed)
