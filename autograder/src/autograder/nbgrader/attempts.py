"""What an attempt would give, as marks and as a page, while the gradebook stays as it is.

The marks of an attempt are written into the gradebook in a transaction, read back, put on the
feedback page by nbgrader's own converter, and then the transaction is undone.
"""

import contextlib
import functools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import MissingEntry, SubmittedAssignment
from nbgrader.converters import GenerateFeedback
from nbgrader.exchange import ExchangeError, ExchangeFactory
from traitlets.config import Config

from autograder.intake import reading
from autograder.nbgrader import config as configuration
from autograder.nbgrader import disk, records, schemas
from autograder.nbgrader.room import LOG, Room, coursedir
from autograder.nbgrader.saving import Saving
from autograder.root import CourseError
from convcourse.files import write_whole


@dataclass(frozen=True)
class Marks:
    """What an attempt reaches.

    Attributes:
        score: The automatic points.
        penalty: The late penalty that the policy gives.
        shown: All points, with those of a person, after the penalty that counts.
        points: What can be reached.
        is_open: Whether some of it waits for a person.
    """

    score: float
    penalty: float
    shown: float
    points: float
    is_open: bool


class _Undone(Exception):
    """Ends a transaction without keeping anything of it."""


class Trials:
    """Tries what attempts give."""

    def __init__(self, room: Room) -> None:
        self.room = room

    def load(self) -> None:
        """Load what a page needs, which would delay the first one."""
        exporter = self._feedback.exporter_class(config=self._feedback.config)
        cells = [nbformat.v4.new_code_cell("pass"), nbformat.v4.new_markdown_cell("*Text*")]
        about = {"notebook": self.room.assignment, "score": 0, "max_score": 0, "late_penalty": 0}
        notebook = nbformat.v4.new_notebook(cells=cells)
        with contextlib.suppress(Exception):  # another template than nbgrader's
            exporter.from_notebook_node(notebook, resources={"nbgrader": about})

    def answer(
        self, one: reading.Submission, text: str, place: Path, about: Callable[[Marks], str]
    ) -> Marks:
        """Write the graded notebook and the feedback page of an attempt.

        Args:
            one: The submission.
            text: The executed notebook.
            place: The attempt's folder, with a folder for each of nbgrader's steps.
            about: What stands at the top of the page, as Markdown, given the marks.
        """
        room, student = self.room, one.student
        for step in ("graded", "feedback"):
            shutil.rmtree(place / step, ignore_errors=True)
        with disk.writable(), room.ledger.lent(), schemas.read_once():
            room.write_executed(place / "executed", one, text)
            with contextlib.suppress(_Undone), room.ledger.whole():
                room.forget_time(student)
                room.convert(self._in(place, self._saving, student))
                room.flag(one)
                marks = self._of(room.ledger.find_submission(room.assignment, student))
                graded = place / "graded" / student / room.assignment / f"{room.assignment}.ipynb"
                _head(graded, about(marks))
                room.convert(self._in(place, self._feedback, student))
                raise _Undone
        return marks

    def marks(self, student: str) -> Marks | None:
        """What the gradebook holds now; None if the student has nothing there."""
        try:
            found = self.room.ledger.find_submission(self.room.assignment, student)
        except MissingEntry:
            return None
        return self._of(found)

    def _of(self, found: SubmittedAssignment) -> Marks:
        grades = [grade for notebook in found.notebooks for grade in notebook.grades]
        known = records.load(self.room.ledger, self.room.assignment)
        record = known.get(found.student_id, records.Record())
        shown = max(0.0, found.score - (found.late_submission_penalty or 0))
        return Marks(
            sum(grade.auto_score or 0 for grade in grades),
            record.penalty or 0,
            shown,
            found.max_score,
            any(grade.needs_manual_grade for grade in grades),
        )

    def _in(self, place: Path, converter: Any, student: str) -> Any:
        """A converter that works in an attempt's folders."""
        step = place.relative_to(self.room.root)
        folders = converter.coursedir
        folders.student_id = student
        folders.submitted_directory = str(step / "executed")
        folders.autograded_directory = str(step / "graded")
        folders.feedback_directory = str(step / "feedback")
        return converter

    @functools.cached_property
    def _saving(self) -> Saving:
        converter = self.room.converter(Saving)
        converter.begun = self.room.extend
        return converter

    @functools.cached_property
    def _feedback(self) -> GenerateFeedback:
        return self.room.converter(GenerateFeedback)


def _head(path: Path, words: str) -> None:
    """Put words at the top of the graded notebook that becomes a page."""
    nb = nbformat.read(path, as_version=4)
    nb.cells.insert(0, nbformat.v4.new_markdown_cell(words))
    write_whole(path, nbformat.writes(nb))


class Exchange:
    """nbgrader's exchange, of which students fetch their feedback."""

    def __init__(self, root: Path, assignment: str, config: Config) -> None:
        self.root, self.config = root, config
        with configuration.inside(root):
            self._release = ExchangeFactory(config=config).ReleaseFeedback(
                coursedir=coursedir(config), config=config, log=LOG
            )
            self.place = (root / str(self._release.root)).resolve()
        self._release.coursedir.assignment_id = assignment
        self.inbound = self.place / self._release.coursedir.course_id / "inbound"

    def release(self, place: Path, student: str) -> None:
        """Release the page in an attempt's folder, as `nbgrader release_feedback` does.

        Raises:
            CourseError: If the exchange cannot be written.
        """
        folders = self._release.coursedir
        folders.student_id = student
        folders.feedback_directory = str(place.relative_to(self.root) / "feedback")
        try:
            with disk.writable(), configuration.inside(self.root):
                self._release.start()
        except ExchangeError as error:
            raise CourseError(f"nbgrader's exchange takes no feedback: {error}") from None
