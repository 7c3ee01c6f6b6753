"""One assignment's folders and gradebook: everything that nbgrader does about a submission.

The stages before execution (nbgrader's sanitizing) and after it (`SaveAutoGrades`, penalties,
feedback) run here, in the one process that touches the gradebook, through nbgrader's own
converters, so that Formgrader, feedback and export see nothing new.
"""

import contextlib
import fcntl
import functools
import json
import logging
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.api import MissingEntry
from nbgrader.converters import Autograde, BaseConverter, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import NbGraderException
from nbgrader.utils import parse_utc
from traitlets.config import Config

from autograder.intake import fitting, reading
from autograder.nbgrader import (
    changed_source,
    disk,
    due_dates,
    generate,
    new_gradebook,
    penalties,
    schemas,
    sources,
)
from autograder.nbgrader import config as configuration
from autograder.nbgrader.engine import engine
from autograder.nbgrader.ledger import Ledger
from autograder.nbgrader.saving import OURS, Saving, without
from autograder.root import ROOM, CourseError
from convcourse.files import write_whole

_Converter = TypeVar("_Converter", bound=BaseConverter)

# nbgrader logs every step; only errors matter here.
LOG = logging.getLogger("autograder.run.grade")
LOG.setLevel(logging.ERROR)
MAX_TIME = 100  # bytes of a timestamp


class Busy(CourseError):
    """Another process is inside the room."""


class Room:
    """The folders of one assignment's grading, and the only way to the gradebook."""

    def __init__(self, root: Path, assignment: str, profile: str = "offline") -> None:
        self.root, self.assignment, self.profile = Path(root).resolve(), assignment, profile
        self.place = self.root / ROOM / assignment
        self.say: Callable[[str], None] = lambda words: None
        self.kind = "autograder grade"  # what works here, for others that want to come in
        self.kept: Path | None = None  # where a run keeps the notebooks that it replaces
        self.judged_by = ""  # what marks depend on besides the notebook, its source and the profile
        self.config = configuration.load(self.root)
        self.config.CourseDirectory.assignment_id = assignment
        # Validate a notebook after all preprocessors, not after each one.
        self.config.Exporter.setdefault("optimistic_validation", True)
        self.config.AssignLatePenalties.setdefault("plugin_class", penalties.PLUGIN)
        folders = coursedir(self.config)
        self.db_url, self.course_id = folders.db_url, folders.course_id
        self.cell_seconds = int(self.config.Execute.get("timeout") or 0)  # 0: not set

    def submitted(self, student: str) -> Path:
        return self.root / "submitted" / student / self.assignment

    def prepare(self) -> None:
        """Make the folders, and the assignment in the gradebook as source/ has it now."""
        for name in ("executed", "done"):
            (self.place / name).mkdir(parents=True, exist_ok=True)
        source = self.root / "source" / self.assignment / f"{self.assignment}.ipynb"
        if not source.is_file():
            raise FileNotFoundError(f"There is no {source.relative_to(self.root)}; build it first.")
        self.version = sources.keep(self.place, source)
        mark = self.place / "version"
        self.source = nbformat.read(source, as_version=4)
        if not mark.is_file() or mark.read_text() != self.version or not self._known():
            with self.ledger.whole():
                changed_source.follow(self.ledger, self.assignment, self.source)
            converter = self.converter(GenerateAssignment)
            converter.create_assignment = True
            self.convert(converter)
            write_whole(mark, self.version)

    def _known(self) -> bool:
        with contextlib.suppress(MissingEntry):
            return bool(self.ledger.find_assignment(self.assignment))
        return False

    # -- what is done

    def is_done(self, one: reading.Submission) -> bool:
        """Whether this exact submission is already graded with these settings."""
        try:
            note = json.loads(self._note(one).read_text())
            same = self._facts(one).items() <= note.items()
        except (FileNotFoundError, ValueError, AttributeError):
            return False
        return same and self._autograded(one.student).is_dir()

    def holds(self, one: reading.Submission) -> bool:
        """Whether the marks in the gradebook are those of these files, however they were graded."""
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError, KeyError):
            return json.loads(self._note(one).read_text())["submission"] == one.digest
        return False

    def seconds(self) -> dict[str, dict[str, float]]:
        """The seconds of each stage, for every student who is done."""
        return {student: note.get("seconds", {}) for student, note in self.notes()}

    def notes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What was noted about each student who is done: profile, walls, seconds."""
        for path in sorted((self.place / "done").glob("*.json")):
            yield path.stem, json.loads(path.read_text())

    def _note(self, one: reading.Submission) -> Path:
        return self.place / "done" / f"{one.student}.json"

    def _facts(self, one: reading.Submission) -> dict[str, str]:
        digest, version, profile = one.digest, self.version, self.profile
        facts = {"submission": digest, "assignment": version, "profile": profile}
        return facts | {"judged_by": self.judged_by}

    def _autograded(self, student: str) -> Path:
        return self.root / "autograded" / student / self.assignment

    # -- the stages that need the gradebook

    def sanitized(self, one: reading.Submission) -> str:
        """The notebook with locked cells restored, by nbgrader, as text."""
        blank = nbformat.v4.new_notebook()
        facts = {"student": one.student, "assignment": self.assignment, "db_url": self.db_url}
        resources = {"nbgrader": {**facts, "notebook": self.assignment}}
        with disk.writable(), self.ledger.lent(), schemas.read_once():
            fit = fitting.fitted(one.notebook or blank, self.source, self._released, one.notes)
            if one.notebook is not None:
                one.notes, one.looks = fit.notes, fit.looks
            return self._sanitizer.from_notebook_node(fit.notebook, resources=resources)[0]

    @functools.cached_property
    def _released(self) -> list[str]:
        """The text of each source cell as students get it."""
        return generate.released(self.source, self.config)

    def save(self, one: reading.Submission, text: str) -> None:
        """Write an executed notebook, and its marks to the gradebook: all of them or none."""
        autograded = self._autograded(one.student)
        with disk.writable():
            self.forget(one)
            self.write_executed(self.place / "executed", one, text)
            self._saving.coursedir.student_id = one.student
            kept = self.kept and self.kept / one.student
            with disk.replaced(autograded, self.place / "replaced" / one.student, kept):
                with self.ledger.lent(), self.ledger.whole(), schemas.read_once():
                    self.forget_time(one.student)
                    self.convert(self._saving)
                    self.flag(one)
                _keep(autograded / f"{self.assignment}.ipynb")

    def write_executed(self, place: Path, one: reading.Submission, text: str) -> None:
        """Write an executed notebook, from which nbgrader takes the marks, with its receipts."""
        folder = place / one.student / self.assignment
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{self.assignment}.ipynb", text)
        for name, is_whole in ((reading.TIME, is_time), (reading.SECRET, _is_secret)):
            (folder / name).unlink(missing_ok=True)
            if is_whole(one.files.get(name, b"")):
                (folder / name).write_bytes(one.files[name])

    def note(self, one: reading.Submission, seconds: dict[str, float], level: str = "") -> None:
        """Note that a saved submission is done, with the seconds of each stage.

        Args:
            one: The submission.
            seconds: The seconds of each stage.
            level: The level of the walls behind which it ran; empty if nothing of it ran.
        """
        rounded = {stage: round(value, 4) for stage, value in seconds.items()}
        facts = {**self._facts(one), "seconds": rounded, "walls": level, "engine": engine()}
        self.put_note(one.student, facts)

    def put_note(self, student: str, facts: dict[str, Any] | None) -> None:
        """Write what is noted about a student who is done; None removes it."""
        path = self.place / "done" / f"{student}.json"
        with disk.writable():
            path.unlink(missing_ok=True) if facts is None else write_whole(path, json.dumps(facts))

    def feedback(self) -> None:
        """Write nbgrader's feedback pages with the preprocessors that the configuration names."""
        self.convert(self.converter(GenerateFeedback))

    @contextlib.contextmanager
    def entered(
        self, prepared: bool = True, first: Callable[[], None] = lambda: None
    ) -> Iterator[None]:
        """Prepare the room for this process alone, and close the gradebook at the end.

        Args:
            prepared: Whether submissions are to be graded, for which the gradebook must follow the
                source. Without it, the gradebook must know the assignment already.
            first: Called before anything is written.

        Raises:
            CourseError: If another process is inside, or the gradebook or the disk cannot be
                written, now or later.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(disk.writable())
            (self.root / ROOM).mkdir(exist_ok=True)
            lock = stack.enter_context(open(self.root / ROOM / "lock", "a+"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                other = lock.readline(MAX_TIME).strip() or self.kind
                raise Busy(
                    f"Another {other} is running in this course: wait until it ends."
                ) from None
            lock.truncate(0)
            lock.write(self.kind)
            lock.flush()
            try:
                with configuration.inside(self.root):
                    new_gradebook.stamp(self.db_url)
                first()
                if prepared:
                    self.prepare()
                elif not self._known():
                    raise CourseError(f"Nothing of {self.assignment} has been graded yet.")
                with self.ledger.whole():  # it can be written
                    self._date()
                yield
            finally:
                if "ledger" in self.__dict__:
                    self.__dict__.pop("ledger").end()

    @functools.cached_property
    def ledger(self) -> Ledger:
        with configuration.inside(self.root):
            return Ledger(self.db_url, self.course_id, lambda words: self.say(words))

    def forget(self, one: reading.Submission) -> None:
        """Forget that a submission is done: its marks are about to change."""
        self._note(one).unlink(missing_ok=True)

    def forget_time(self, student: str) -> None:
        """Remove the time of an earlier hand-in; nbgrader writes the new one if there is one."""
        with contextlib.suppress(MissingEntry):
            self.ledger.find_submission(self.assignment, student).timestamp = None

    # -- dates

    @functools.cached_property
    def dates(self) -> due_dates.Dates:
        """What the course's files say about the assignment's dates."""
        return due_dates.read(self.root, self.assignment)

    def _date(self) -> None:
        for words in due_dates.apply(self.ledger, self.assignment, self.dates, self.place):
            self.say(words)

    def extend(self, student: str) -> None:
        """Give a submission that nbgrader has just noted the extension of its student."""
        due_dates.extend(self.ledger.find_submission(self.assignment, student), self.dates)

    def settle(self, only: Collection[str] | None = None) -> list[penalties.Late]:
        """Calculate late penalties anew, of some students or all, in one transaction."""
        with disk.writable(), self.ledger.whole():
            return penalties.settle(self.ledger, self.assignment, self.config, self.dates, only)

    def flag(self, one: reading.Submission) -> None:
        """Put what could not be settled on Formgrader's list of what a person must grade.

        What the grader has failed on has no automatic score, which is something else than 0.
        """
        for notebook in self.ledger.find_submission(self.assignment, one.student).notebooks:
            for grade in notebook.grades:
                if grade.name in one.looks:
                    grade.needs_manual_grade = True
                    grade.auto_score = None if one.failed else grade.auto_score

    @functools.cached_property
    def _sanitizer(self) -> NotebookExporter:
        converter = self.converter(Autograde)
        exporter = NotebookExporter(parent=converter, config=converter.config)
        for one in without(OURS, converter.sanitize_preprocessors):
            exporter.register_preprocessor(one)
        return exporter

    @functools.cached_property
    def _saving(self) -> Saving:
        converter = self.converter(Saving)
        executed = (self.place / "executed").relative_to(self.root)
        converter.coursedir.submitted_directory = str(executed)
        converter.begun = self.extend
        return converter

    def converter(self, kind: type[_Converter]) -> _Converter:
        """One of nbgrader's converters for this assignment."""
        converter = kind(coursedir=coursedir(self.config), config=self.config, log=LOG)
        converter.force = True
        return converter

    def convert(self, converter: BaseConverter) -> None:
        """Run a converter in the course's folder."""
        with configuration.inside(self.root):
            try:
                converter.start()
            except NbGraderException:
                if failed := getattr(converter, "failed", None):
                    raise failed from None
                raise


def is_time(raw: bytes) -> bool:
    """Whether nbgrader can read a submission's timestamp, which a student may have forged."""
    with contextlib.suppress(Exception):  # a long number would take the parser hours
        return len(raw) <= MAX_TIME and parse_utc(raw.decode()) is not None
    return False


def _is_secret(raw: bytes) -> bool:
    """Whether nbgrader can name a feedback page by it; its own secrets are 128 hex digits."""
    return 0 < len(raw) <= reading.MAX_RECEIPT and raw.isalnum()


def coursedir(config: Config) -> Any:
    """nbgrader's folders of a course."""
    from nbgrader.coursedir import CourseDirectory

    return CourseDirectory(config=config, log=LOG)


def _keep(path: Path) -> None:
    """Force a file to the disk, so that it survives a power cut."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
