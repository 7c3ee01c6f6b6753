"""Grading by nbgrader's own commands: Formgrader's *Autograde* button and `nbgrader autograde`.

`nbgrader_config.py` puts these classes, and `run.autograde.JudgedExecute` between them, into
nbgrader's lists, so that a submission takes the same way as under `autograder grade`: its files are
read by the intake, it runs behind walls, and the judge gives the marks. What fails on this way
gives no mark.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Unicode

from autograder.intake import names, reading
from autograder.nbgrader.room import Room, is_time
from autograder.root import CourseError
from autograder.walled.errors import WallError

KEY = "autograder_judged"  # in nbconvert's resources, from one preprocessor to the other


@dataclass(frozen=True)
class Judged:
    """A submission that has been judged, and whose marks nbgrader has yet to save."""

    room: Room
    one: reading.Submission
    seconds: dict[str, float]
    level: str  # of the walls
    looks: frozenset[str]  # the ids of the cells that a person must look at


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


class Judging(NbGraderPreprocessor):
    """What the preprocessors share; ``c.Judging`` in nbgrader_config.py sets it for all of them."""

    profile = Unicode("offline", help="The profile under which submissions run.").tag(config=True)
    sandbox = Bool(True, help="Whether student code runs behind walls.").tag(config=True)
    hidden = Unicode("judge", help="Where hidden tests run: judge or in-kernel.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Do this preprocessor's part; say the sentence of an error that is no student's."""
        try:
            return self.done(nb, resources)
        except (CourseError, WallError) as error:
            self.log.error("Nothing was graded. %s", error)
            raise

    def done(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """The notebook and the resources for the next preprocessor."""
        raise NotImplementedError

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
                "Name the gradebook in nbgrader_config.py "
                "(c.CourseDirectory.db_url), where the autograder finds it too."
            )
        return room

    @property
    def coursedir(self) -> Any:
        return self.parent.parent.coursedir  # of nbgrader's converter


class FitSubmission(Judging):
    """Reads the submission as `autograder grade` does, in place of nbgrader's notebook."""

    def done(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the source notebook with the submission's answers."""
        room, student = self.room(resources), resources["nbgrader"]["student"]
        if why := names.unusable(student):
            raise CourseError(why)
        with room.entered():
            one = read(room, student)
            with room.ledger.whole():
                if not is_time(one.files.get(reading.TIME, b"")):
                    room.forget_time(student)
                room.extend(student)
            _without_files(self.coursedir, room, student)
            text = room.sanitized(one)
        return nbformat.reads(text, as_version=4), resources


class FlagLooks(Judging):
    """Puts what could not be settled on the list of what a person grades; notes what is done."""

    def done(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Leave the notebook as it is, and write to the gradebook."""
        judged: Judged | None = resources.pop(KEY, None)
        if judged is None:  # another preprocessor has executed the notebook
            return nb, resources
        room = judged.room
        with Gradebook(room.db_url, room.course_id) as gradebook:
            for notebook in gradebook.find_submission(
                room.assignment, judged.one.student
            ).notebooks:
                for grade in notebook.grades:
                    if grade.name in judged.looks:
                        grade.needs_manual_grade = True
            gradebook.db.commit()
        room.note(judged.one, judged.seconds, judged.level)
        return nb, resources


def read(room: Room, student: str) -> reading.Submission:
    """The submission as the intake reads it."""
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
