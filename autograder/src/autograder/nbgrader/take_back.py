"""Takes a run back: the marks are as they were before it, and what a person decided since stays."""

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import MissingEntry, SubmittedAssignment

from autograder.nbgrader import changed_source, decisions, disk, journal, records, sources
from autograder.nbgrader.records import Basis, Decision, Record
from autograder.nbgrader.room import Room
from autograder.nbgrader.snapshot import Student
from autograder.root import CourseError
from autograder.text.cells import facts
from convcourse.files import write_whole

_ASIDE = "taken_back"  # in the run's folder: what the run had made


@dataclass
class Taken:
    """What was taken back: runs, students, and what a person decided since."""

    runs: list[str] = field(default_factory=list)
    students: set[str] = field(default_factory=set)
    kept: set[tuple[str, str]] = field(default_factory=set)
    pages: int = 0

    def told(self, assignment: str) -> list[str]:
        """What a person should know, in sentences."""
        who = "1 student" if len(self.students) == 1 else f"{len(self.students)} students"
        said = [f"Taken back: {', '.join(self.runs)}. {who} of {assignment} as before."]
        if self.kept:
            names = ", ".join(f"{student} ({cell})" for student, cell in sorted(self.kept)[:10])
            said.append(f"A person has decided since, which stays and is to look at: {names}.")
        if self.pages:
            said.append(
                f"{self.pages} feedback pages of these runs were put aside: write them anew with "
                f"nbgrader generate_feedback {assignment} --force."
            )
        return said


def take_back(room: Room, run: str = "") -> Taken:
    """Undo a run, and those that came after it.

    Args:
        room: The assignment's room.
        run: The run's name; the last one by default.

    Raises:
        CourseError: If there is no such run, or another process is inside the room.
    """
    taken = Taken()
    with room.entered(prepared=False), disk.writable():
        for path in _chosen(room, run):
            _Undo(room, path, taken).all()
            taken.runs.append(path.stem)
    return taken


def _chosen(room: Room, run: str) -> list[Path]:
    """The journals to undo, the newest first."""
    every = journal.journals(room.root, room.assignment)
    left = [path for path in every if "taken_back" not in journal.read(path)]
    if not left:
        raise CourseError(f"There is no run of {room.assignment} to take back.")
    names = [path.stem for path in left]
    if run and run not in names:
        raise CourseError(
            f"There is no run {run} of {room.assignment} to take back; there are: "
            f"{', '.join(names[-10:])}."
        )
    first = names.index(run) if run else len(left) - 1
    return left[: first - 1 if first else None : -1]


class _Undo:
    """One run that is taken back; a second try after a crash ends with the same marks."""

    def __init__(self, room: Room, path: Path, taken: Taken) -> None:
        self.room, self.path, self.taken = room, path, taken
        self.known = journal.read(path)
        self.aside = path.with_suffix("") / _ASIDE
        self.answers: dict[str, dict[str, list[str]]] = {}  # by version of the source

    def all(self) -> None:
        """Restore the gradebook in one transaction, then the folders."""
        before = self.known["before"]
        students = self._students()
        with self.room.ledger.whole():
            self._cells(before["table"]["cells"])
            for who, after in students.items():
                self._student(who, before["students"].get(who), after)
        for who in students:
            self._folders(who, before["students"].get(who))
        self.taken.students |= set(students)
        write_whole(self.path, json.dumps({**self.known, "taken_back": True}))

    def _students(self) -> dict[str, Student]:
        """The students whom it changed; of a run that was killed, all whom it was about."""
        known = self.known.get("after") or self.known["before"]
        return known["students"]

    def _cells(self, points: dict[str, float]) -> None:
        """Make the gradebook's cells those of before, with their points."""
        room = self.room
        if not points:  # the assignment was new
            return
        notebook = room.ledger.find_notebook(room.assignment, room.assignment)
        now = {cell.name: cell for cell in [*notebook.grade_cells, *notebook.task_cells]}
        if {name: cell.max_score for name, cell in now.items()} == points:
            return
        (room.place / "version").unlink(missing_ok=True)  # the next run follows the source again
        versions = {one["note"]["assignment"] for one in self._noted()}
        for version in versions:
            if (source := sources.path(room.place, version)).is_file():
                nb = nbformat.read(source, as_version=4)
                changed_source.follow(room.ledger, room.assignment, nb)
        for cell in [*notebook.grade_cells, *notebook.task_cells]:
            cell.max_score = points.get(cell.name, cell.max_score)

    def _noted(self) -> list[Student]:
        return [one for one in self.known["before"]["students"].values() if one["note"]]

    def _student(self, who: str, before: Student | None, after: Student) -> None:
        room = self.room
        try:
            submission = room.ledger.find_submission(room.assignment, who)
        except MissingEntry:
            return
        record = records.load(room.ledger, room.assignment).get(who, Record())
        if before is None and not _is_decided(submission, record):
            room.ledger.remove_submission(room.assignment, who)
            records.remove(room.ledger, room.assignment, who)
            return
        answers = self._answers(after)
        _Marks(submission, before or _empty(after), after, record, answers, self.taken).restore()
        records.save(room.ledger, room.assignment, who, record)

    def _answers(self, after: Student) -> dict[str, list[str]]:
        """The cells with the answer to each exercise, whose comments are about it."""
        version = (after["note"] or {}).get("assignment", "")
        if version not in self.answers:
            path = sources.path(self.room.place, version)
            nb = nbformat.read(path, as_version=4) if path.is_file() else None
            found = decisions.exercises(nb) if nb else {}
            self.answers[version] = {k: [facts(c)[1] for c in cells] for k, cells in found.items()}
        return self.answers[version]

    def _folders(self, who: str, before: Student | None) -> None:
        room = self.room
        room.put_note(who, before["note"] if before else None)
        graded = room.root / journal.GRADED / who / room.assignment
        kept = self.path.with_suffix("") / journal.GRADED / who
        if kept.is_dir() or before is None:
            _move(graded, self.aside / journal.GRADED / who)
        if kept.is_dir():
            _move(kept, graded)
        feedback = room.root / journal.FEEDBACK / who / room.assignment
        if feedback.is_dir() and feedback.stat().st_mtime >= _began(self.path):
            _move(feedback, self.aside / journal.FEEDBACK / who)
            self.taken.pages += 1


def _is_decided(submission: SubmittedAssignment, record: Record) -> bool:
    """Whether a person decided anything about a submission."""
    scores = any(
        grade.manual_score is not None or grade.extra_credit
        for notebook in submission.notebooks
        for grade in notebook.grades
    )
    words = any(one.manual_comment for n in submission.notebooks for one in n.comments)
    penalty = submission.late_submission_penalty or 0
    return scores or words or penalty != (record.penalty or 0)


def _empty(after: Student) -> Student:
    """The part of a student who had no marks."""
    cells = {name: [None, None, None, True] for name in after["cells"]}
    nothing = {"penalty": None, "came": None, "extension": None, "record": None, "note": None}
    return {"cells": cells, "comments": {}, **nothing}


@dataclass
class _Marks:
    """The rows of one submission, which become as they were but for a person's decisions."""

    submission: SubmittedAssignment
    before: Student
    after: Student
    record: Record
    answers: dict[str, list[str]]
    taken: Taken

    def restore(self) -> None:
        """Restore everything that the grader wrote."""
        earlier = records.read(self.before["record"]) if self.before["record"] else Record()
        later = records.read(self.after["record"]) if self.after["record"] else Record()
        gone = {k: v for k, v in self.record.gone.items() if k not in self.before["cells"]}
        comments = {c.name: c for n in self.submission.notebooks for c in n.comments}
        words = {name: comment.manual_comment for name, comment in comments.items()}
        for notebook in self.submission.notebooks:
            for grade in notebook.grades:
                self._grade(grade, words, later, earlier)
            self._penalty(notebook, earlier, later)
        for name, comment in comments.items():
            comment.auto_comment = self.before["comments"].get(name, [None])[0]
        record = self.record
        record.last, record.seen, record.changes = earlier.last, earlier.seen, earlier.changes
        record.gone = {**earlier.gone, **gone}
        self._times()

    def _grade(self, grade: Any, words: dict, later: Record, earlier: Record) -> None:
        name = grade.name
        automatic, manual, extra, waits = self.before["cells"].get(name, [None, None, None, True])
        grade.auto_score = automatic
        now = grade.manual_score, grade.extra_credit, self._comment(name, words)
        then = self.after["cells"].get(name, [None, manual, extra, waits])
        known = {cell: given for cell, (_, given) in self.after["comments"].items()}
        was_confirmed = then[3] and not grade.needs_manual_grade and waits
        if now == (*then[1:3], self._comment(name, known)) and not was_confirmed:
            grade.needs_manual_grade = waits
            return
        made, basis = Decision(*now), later.last.get(name, Basis(then[0]))
        if made:
            earlier.seen[name] = made, basis
            last = earlier.last.get(name, Basis(automatic))
            earlier.changes[name] = decisions.changed(basis, last)
            self.taken.kept.add((self.submission.student_id, name))
        grade.needs_manual_grade = bool(made) or automatic is None

    def _comment(self, name: str, words: dict[str, str | None]) -> str | None:
        """What a person wrote about an exercise, in the cells of its answer."""
        cells = self.answers.get(name, [name])
        return "\n".join(filter(None, (words.get(cell) for cell in cells))) or None

    def _penalty(self, notebook: Any, earlier: Record, later: Record) -> None:
        now = notebook.late_submission_penalty or 0
        record = self.record
        record.penalty, record.own_penalty = earlier.penalty, earlier.own_penalty
        record.own_basis = earlier.own_basis
        if now in (self.after["penalty"] or 0, self.before["penalty"] or 0):
            notebook.late_submission_penalty = self.before["penalty"]
        else:  # a person set it since
            record.own_penalty, record.own_basis = now, later.penalty
            self.taken.kept.add((self.submission.student_id, "late penalty"))

    def _times(self) -> None:
        now = self.submission.timestamp
        if (now and now.isoformat()) == self.after["came"]:
            self.submission.timestamp = _time(self.before["came"])


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _move(folder: Path, to: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(to, ignore_errors=True)
        to.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(to)


def _began(path: Path) -> float:
    return datetime.strptime(path.stem, journal.FORMAT).replace(tzinfo=UTC).timestamp()
