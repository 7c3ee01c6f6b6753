"""What a person marks by hand: the questions of an assignment, each answer, and saving a mark.

Marks go into nbgrader's own fields, as Formgrader writes them. A mark that somebody else has saved
meanwhile is never overwritten: `save` compares with what the marker saw.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)

from autograder.intake.notes import LOOK
from autograder.nbgrader import decisions, disk, due_dates, penalties, records
from autograder.nbgrader.records import Record
from autograder.nbgrader.room import Room
from autograder.pages.marking import Answer, Entry, Question
from autograder.root import ROOM, CourseError
from autograder.text.cells import SOLUTION, between, facts
from convcourse.files import write_whole

KEY = "marking_key"  # in the room of notes: what turns a student's id into a number


class Refused(ValueError):
    """A mark that cannot be saved as it is; the text is a sentence for the marker."""


class Stale(Exception):
    """Somebody else has saved a mark since the marker saw this answer."""

    def __init__(self, now: Answer) -> None:
        super().__init__("Somebody else has changed this mark since you opened it.")
        self.now = now


@dataclass(frozen=True)
class Given:
    """What a marker enters; empty text for nothing."""

    score: str = ""
    extra: str = ""
    comment: str = ""
    confirmed: bool = False  # that the score that stands there is right


class Marking:
    """One assignment's answers, for a person who marks them.

    Attributes:
        questions: The graded cells of the source, in its order, by id.
    """

    def __init__(self, room: Room) -> None:
        """Read the source; the gradebook stays open until `end`.

        Raises:
            CourseError: If nothing has been graded yet.
        """
        self.room = room
        path = room.root / "source" / room.assignment / f"{room.assignment}.ipynb"
        if not path.is_file():
            raise CourseError(f"There is no {path.relative_to(room.root)}; build it first.")
        self.questions = dict(_questions(nbformat.read(path, as_version=4)))
        self.secret = _secret(room)
        with disk.writable():
            self.ledger = room.ledger
            try:
                self.ledger.find_notebook(room.assignment, room.assignment)
            except MissingEntry:
                raise CourseError(f"Nothing of {room.assignment} has been graded yet.") from None

    def end(self) -> None:
        """Close the gradebook."""
        self.ledger.end()

    def entries(self) -> list[Entry]:
        """Every answer that waits, or that a person has marked, in the order of marking."""
        rows = _rows(self.ledger, self.room.assignment)
        self.ledger.close()
        keys = sorted((self._key(who), who) for who in {row[0] for row in rows})
        numbers = {who: (number, key) for number, (key, who) in enumerate(keys, start=1)}
        found = [
            Entry(name, *numbers[who], who, waits, score)
            for who, name, waits, score in rows
            if name in self.questions and (waits or score is not None)
        ]
        order = list(self.questions)
        return sorted(found, key=lambda one: (order.index(one.question), one.number))

    def answer(self, entry: Entry) -> Answer:
        """One answer with its mark as it stands now."""
        try:
            return self._answer(self._grade(entry), entry)
        finally:
            self.ledger.close()

    def save(self, entry: Entry, given: Given, seen: str) -> Answer:
        """Save a mark, unless somebody else has saved another one since.

        Args:
            entry: The answer.
            given: What the marker entered.
            seen: The version of the mark that the marker saw.

        Raises:
            Refused: If a number is out of its bounds.
            Stale: If the mark has changed since.
            CourseError: If the gradebook cannot be written.
        """
        score, extra = _numbers(given, self.questions[entry.question].points)
        comment = given.comment.strip() or None
        with disk.writable():
            with self.ledger.whole():
                grade = self._grade(entry)
                now = self._answer(grade, entry)
                wanted = score, extra, comment
                if now.version != seen and wanted != (now.score, now.extra, now.comment):
                    raise Stale(now)
                if score != now.score or given.confirmed:
                    grade.needs_manual_grade = score is None and grade.auto_score is None
                grade.manual_score, grade.extra_credit = score, extra
                self._comment(grade, entry, comment)
                penalties.settle(
                    self.ledger,
                    self.room.assignment,
                    self.room.config,
                    due_dates.read(self.room.root, self.room.assignment),  # they may have changed
                    [entry.student],
                )
            return self.answer(entry)

    def _key(self, student: str) -> str:
        return hmac.new(self.secret, student.encode(), hashlib.sha256).hexdigest()[:16]

    def _grade(self, entry: Entry) -> Grade:
        name = self.room.assignment
        return self.ledger.find_grade(entry.question, name, name, entry.student)

    def _answer(self, grade: Grade, entry: Entry) -> Answer:
        cells, test = self._cells(entry)
        record = records.load(self.ledger, self.room.assignment).get(entry.student, Record())
        comment = self._comments(grade, cells or [test])
        look = test.metadata.get(LOOK, "")
        why = [look] if look else []
        why += record.changes.get(entry.question, [])
        mark = grade.manual_score, grade.extra_credit, comment
        about = [*mark, grade.auto_score, [cell.source for cell in cells]]
        version = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
        waits, automatic = grade.needs_manual_grade, grade.auto_score
        outputs = tuple(test.get("outputs", ()))
        shown = tuple(why) if waits else ()
        return Answer(entry, tuple(cells), outputs, automatic, *mark, waits, shown, version)

    def _cells(self, entry: Entry) -> tuple[list[NotebookNode], NotebookNode]:
        """The cells of the answer, and the graded cell."""
        name = self.room.assignment
        path = self.room.root / "autograded" / entry.student / name / f"{name}.ipynb"
        empty = nbformat.v4.new_markdown_cell("")
        if not path.is_file():
            return [], empty
        nb = nbformat.read(path, as_version=4)
        graded = (c for c in nb.cells if facts(c)[:2] in _graded(entry.question))
        return decisions.exercises(nb).get(entry.question, []), next(graded, empty)

    def _comments(self, grade: Grade, cells: list[NotebookNode]) -> str | None:
        known = {one.name: one.manual_comment for one in grade.notebook.comments}
        found = [known.get(facts(cell)[1]) for cell in cells]
        return "\n".join(filter(None, found)) or None

    def _comment(self, grade: Grade, entry: Entry, words: str | None) -> None:
        """Write a comment to the last cell of the answer, where Formgrader shows it."""
        cells, test = self._cells(entry)
        known = {one.name: one for one in grade.notebook.comments}
        places = [known[n] for c in cells or [test] if (n := facts(c)[1]) in known]
        if not places:
            if words:
                raise Refused("This answer has no place for a comment.")
            return
        if words != self._comments(grade, cells or [test]):
            for place in places[:-1]:
                place.manual_comment = None
            places[-1].manual_comment = words


def _graded(name: str) -> tuple[tuple[str, str], ...]:
    return ("tests", name), ("answer", name)


def _questions(source: NotebookNode) -> Iterator[tuple[str, Question]]:
    answers = decisions.exercises(source)
    for cell in source.cells:
        role, name, points = facts(cell)
        if role not in ("tests", "answer"):
            continue
        parts = [between(one.source, SOLUTION) for one in answers.get(name, [])]
        rubric = "\n\n".join(inside for inside, _ in parts).strip()
        text = "\n\n".join(outside for _, outside in parts).strip() if role == "answer" else ""
        yield name, Question(name, float(points), text, rubric, role == "answer")


def _rows(ledger: Any, assignment: str) -> list[Any]:
    """Student, cell, whether it waits and a person's score, for the whole class in one query."""
    columns = SubmittedAssignment.student_id, BaseCell.name
    marks = Grade.needs_manual_grade, Grade.manual_score
    rows = ledger.db.query(*columns, *marks).select_from(Grade)
    rows = rows.join(BaseCell, BaseCell.id == Grade.cell_id)
    rows = rows.join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
    rows = rows.join(SubmittedNotebook.assignment).join(SubmittedAssignment.assignment)
    return rows.filter(Assignment.name == assignment).all()


def _numbers(given: Given, points: float) -> tuple[float | None, float | None]:
    """The score and the extra credit, within their bounds."""
    score, extra = _number(given.score, "score"), _number(given.extra, "extra credit")
    if score is not None and not 0 <= score <= points:
        raise Refused(
            f"The score must be between 0 and {points:g}; extra credit has a field of its own."
        )
    if extra is not None and not 0 <= extra <= 1000:
        raise Refused("The extra credit must be between 0 and 1000.")
    return score, extra or None


def _number(text: str, what: str) -> float | None:
    if not (text := text.strip().replace(",", ".")):
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != number or abs(number) == float("inf"):
        raise Refused(f'The {what} "{text[:40]}" is no number.')
    return number


def _secret(room: Room) -> bytes:
    """What gives each student a number that says nothing about them, the same every time."""
    path = room.root / ROOM / KEY
    if not path.is_file():
        with disk.writable():
            write_whole(path, secrets.token_hex(32))
            path.chmod(0o600)
    return path.read_bytes()
