"""Grading by nbgrader's own commands: Formgrader's *Autograde* button and `nbgrader autograde`.

`nbgrader_config.py` puts these classes into nbgrader's lists, so that a submission takes the same
way as under `autograder grade`: its files are read by the intake, it runs behind walls, and the
judge gives the marks. What fails on this way gives no mark.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Unicode

from autograder.course import CourseError
from autograder.intake import names, reading
from autograder.intake.notes import LOOK
from autograder.nbgrader.room import Room, is_time
from autograder.run.grade import refused, settled
from autograder.run.job import Executed, Settings, execute
from autograder.text import needs
from autograder.text.cells import facts
from autograder.walled.errors import WallError
from autograder.warm import provisioner, reach

_Made = TypeVar("_Made")
_KEY = "autograder_looks"  # in nbconvert's resources, from one preprocessor to the other


class Unread(NotebookExporter):
    """Leaves the files of a submission to `FitSubmission`, because they may hold anything."""

    def from_filename(self, filename: str, resources: Any = None, **kw: Any) -> tuple[Any, Any]:
        """Convert a notebook; of a submitted one, only its place is passed on."""
        converter: Any = self.parent
        folders = converter.coursedir
        submitted = Path(folders.format_path(folders.submitted_directory, ".", ".")).resolve()
        if Path(filename).absolute().is_relative_to(submitted):
            return self.from_notebook_node(nbformat.v4.new_notebook(), resources, **kw)
        return super().from_filename(filename, resources, **kw)


class _OnNbgradersWay(NbGraderPreprocessor):
    profile = Unicode("offline", help="The profile under which submissions run.").tag(config=True)

    def room(self, resources: Any) -> Room:
        """The room of the assignment that nbgrader grades."""
        facts = resources["nbgrader"]
        if facts["notebook"] != facts["assignment"]:
            raise CourseError(
                f"{facts['notebook']}.ipynb was not graded: the autograder grades the notebook "
                f"that is named like its assignment, {facts['assignment']}.ipynb."
            )
        room = Room(Path(self.coursedir.root), facts["assignment"], self.profile)
        if room.db_url != facts["db_url"]:
            raise CourseError(
                "Nothing was graded: name the gradebook in nbgrader_config.py "
                "(c.CourseDirectory.db_url), where the autograder finds it too."
            )
        return room

    @property
    def coursedir(self) -> Any:
        return self.parent.parent.coursedir  # of nbgrader's converter

    def said(self, words: str) -> None:
        self.log.warning(words)


class FitSubmission(_OnNbgradersWay):
    """Reads the submission as `autograder grade` does, in place of nbgrader's notebook."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the source notebook with the submission's answers."""
        room, student = self.room(resources), resources["nbgrader"]["student"]
        if why := names.unusable(student):
            raise CourseError(why)
        with room.entered():
            one = _read(room, student)
            if not is_time(one.files.get(reading.TIME, b"")):
                room.forget_time(student)
            _without_files(self.coursedir, room, student)
            text = _told(lambda: room.sanitized(one), self.log.error)
        return nbformat.reads(text, as_version=4), resources


class JudgedExecute(_OnNbgradersWay):
    """Runs the notebook behind walls, and hidden tests in a judge's process."""

    sandbox = Bool(True, help="Whether student code runs behind walls.").tag(config=True)
    hidden = Unicode("judge", help="Where hidden tests run: judge or in-kernel.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Execute every code cell in order and return the notebook with its verdicts."""
        room, student = self.room(resources), resources["nbgrader"]["student"]
        with room.entered():
            one = _read(room, student)
            room.forget(one)
            settings = _told(lambda: self._settings(room), self.log.error)
        if one.broken:
            made = refused(nbformat.writes(nb), one.broken, ("tests", "answer"))
        else:
            text = nbformat.writes(nb)
            done: Executed = _told(
                lambda: _alone(execute, text, one.files, settings), self.log.error
            )
            made = nbformat.reads(done.text, as_version=4)
        looks = {
            facts(cell)[1]: cell.metadata[LOOK] for cell in made.cells if LOOK in cell.metadata
        }
        resources[_KEY] = looks
        return made, resources

    def _settings(self, room: Room) -> Settings:
        if self.sandbox:
            reach.require()
        code = [cell.source for cell in room.source.cells if cell.cell_type == "code"]
        asked = Settings(
            profile=self.profile,
            kernel=provisioner.NAME,
            cell_seconds=room.cell_seconds,
            threads=1,  # as for each of the usual jobs of `autograder grade`
            walls=self.sandbox,
            data=needs.of(code) if self.profile != "offline" else (),
            hidden=self.hidden,
        )
        return settled(room, asked, self.said)


class FlagLooks(_OnNbgradersWay):
    """Puts what the intake or the judge could not settle on the list of what a person grades."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Leave the notebook as it is, and write to the gradebook."""
        looks, facts = resources.pop(_KEY), resources["nbgrader"]
        with Gradebook(facts["db_url"]) as gradebook:
            found = gradebook.find_submission(facts["assignment"], facts["student"])
            for notebook in found.notebooks:
                for grade in notebook.grades:
                    if grade.name in looks:
                        grade.needs_manual_grade = True
            gradebook.db.commit()
        return nb, resources


def _read(room: Room, student: str) -> reading.Submission:
    return reading.read(room.submitted(student), student, room.assignment)


def _without_files(coursedir: Any, room: Room, student: str) -> None:
    """Remove what nbgrader has copied from the submission: Formgrader would show such files."""
    assignment = room.assignment
    made = Path(coursedir.format_path(coursedir.autograded_directory, student, assignment))
    given = Path(coursedir.format_path(coursedir.source_directory, ".", assignment))
    for path in [path for path in made.rglob("*") if path.is_symlink() or not path.is_dir()]:
        inside = path.relative_to(made)
        if str(inside) not in reading.RECEIPTS and not (given / inside).is_file():
            path.unlink()


def _told(made: Callable[[], _Made], say: Callable[[str], None]) -> _Made:
    """What a function makes; says the sentence of an error that is no student's."""
    try:
        return made()
    except (CourseError, WallError) as error:
        say(f"Nothing was graded. {error}")
        raise


def _alone(function: Callable[..., _Made], *arguments: Any) -> _Made:
    """Call a function where no event loop runs, as one does in Formgrader."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function(*arguments)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()
