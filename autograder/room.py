"""One assignment's folders and gradebook: everything that nbgrader does about a submission.

The stages before execution (nbgrader's sanitizing) and after it (`SaveAutoGrades`, penalties,
feedback) run here, in the one process that touches the gradebook, through nbgrader's own
converters, so that Formgrader, feedback and export see nothing new.
"""

import contextlib
import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import parse_utc
from traitlets.config import Config

from autograder import intake

# nbgrader tells of every step; here only what it cannot do is worth a line.
_LOG = logging.getLogger("autograder.grade")
_LOG.setLevel(logging.ERROR)
ROOM = ".autograder"  # beside the gradebook: staged, executed and done, per assignment


class Fetch(NbGraderPreprocessor):
    """Stands where nbgrader executes: takes the outputs of the notebook executed before."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        facts = resources["nbgrader"]
        path = Path(facts["executed"] if "executed" in facts else self._path(facts))
        return nbformat.read(path, as_version=4), resources

    def _path(self, facts: dict) -> Path:
        return Path(ROOM, facts["assignment"], "executed", f"{facts['student']}.ipynb").resolve()


class Room:
    """The folders of one assignment's grading, and the only way to the gradebook."""

    def __init__(self, root: Path, assignment: str, profile: str = "offline") -> None:
        self.root, self.assignment, self.profile = Path(root).resolve(), assignment, profile
        self.place = self.root / ROOM / assignment
        self.config = _config(self.root)
        self.db_url = _coursedir(self.config).db_url

    def submitted(self, student: str) -> Path:
        return self.root / "submitted" / student / self.assignment

    def _source(self) -> Path:
        return self.root / "source" / self.assignment / f"{self.assignment}.ipynb"

    def prepare(self) -> None:
        """Make the folders, and the assignment in the gradebook as source/ has it now."""
        for name in ("staged", "sanitized", "executed", "done"):
            (self.place / name).mkdir(parents=True, exist_ok=True)
        source = self._source()
        if not source.is_file():
            raise FileNotFoundError(f"There is no {source.relative_to(self.root)}; build it first.")
        self.version = hashlib.sha256(source.read_bytes()).hexdigest()
        mark = self.place / "version"
        if not mark.is_file() or mark.read_text() != self.version or not self._known():
            config = self._assignment_config()
            generate = GenerateAssignment(coursedir=_coursedir(config), config=config, log=_LOG)
            generate.force = generate.create_assignment = True
            self._convert(generate)
            mark.write_text(self.version)

    def _known(self) -> bool:
        with Gradebook(self.db_url) as gradebook:
            return self.assignment in [a.name for a in gradebook.assignments]

    # -- what is done

    def is_done(self, one: intake.Submission) -> bool:
        """Whether this very submission was graded under these settings, and is still there."""
        try:
            note = json.loads((self.place / "done" / f"{one.student}.json").read_text())
        except (FileNotFoundError, ValueError):
            return False
        return note == self._note(one) and self._autograded(one.student).is_dir()

    def _note(self, one: intake.Submission) -> dict:
        digest, version, profile = one.digest, self.version, self.profile
        return {"submission": digest, "assignment": version, "profile": profile}

    def _autograded(self, student: str) -> Path:
        return self.root / "autograded" / student / self.assignment

    # -- the stages that need the gradebook

    def sanitized(self, one: intake.Submission) -> str:
        """The notebook with locked cells restored, by nbgrader, as text."""
        staged = self.place / "staged" / one.student / self.assignment
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        source = nbformat.read(self._source(), as_version=4)
        blank = nbformat.v4.new_notebook()
        path = staged / f"{self.assignment}.ipynb"
        nbformat.write(intake.fitted(one.notebook or blank, source), path)
        if _is_time(one.files.get("timestamp.txt", b"")):
            (staged / "timestamp.txt").write_bytes(one.files["timestamp.txt"])
        converter = self._converter(one.student, "sanitized")
        converter.convert_single_notebook = _only_sanitize(converter)
        self._convert(converter)
        out = self.place / "sanitized" / one.student / self.assignment / path.name
        return out.read_text(encoding="utf-8")

    def save(self, one: intake.Submission, text: str, finished: bool = True) -> None:
        """Write an executed notebook and its marks; noted as done only after both are there."""
        note = self.place / "done" / f"{one.student}.json"
        note.unlink(missing_ok=True)
        executed = self.place / "executed" / f"{one.student}.ipynb"
        _write(executed, text)
        self._forget(one.student)
        shutil.rmtree(self._autograded(one.student), ignore_errors=True)
        converter = self._converter(one.student, None)
        converter.autograde_preprocessors = [
            Fetch if p.__name__ in ("Execute", "ExecuteJudged") else p
            for p in converter.autograde_preprocessors
        ]
        self._convert(converter)
        if finished:
            _write(note, json.dumps(self._note(one)))

    def feedback(self) -> None:
        """Write nbgrader's feedback pages, by the preprocessors that the configuration names."""
        config = self._assignment_config()
        converter = GenerateFeedback(coursedir=_coursedir(config), config=config, log=_LOG)
        converter.force = True
        self._convert(converter)

    def _forget(self, student: str) -> None:
        """Take back earlier automatic scores; a written answer's mark by hand stays."""
        with Gradebook(self.db_url) as gradebook, contextlib.suppress(Exception):
            for notebook in gradebook.find_submission(self.assignment, student).notebooks:
                for one in notebook.grades:
                    one.auto_score = None
                    if one.cell_type == "code":
                        one.manual_score = one.extra_credit = None
            gradebook.db.commit()

    def _converter(self, student: str, stage: str | None) -> Autograde:
        config = self._assignment_config()
        config.CourseDirectory.student_id = student
        staged = (self.place / "staged").relative_to(self.root)
        config.CourseDirectory.submitted_directory = str(staged)
        if stage:
            out = (self.place / stage).relative_to(self.root)
            config.CourseDirectory.autograded_directory = str(out)
        converter = Autograde(coursedir=_coursedir(config), config=config, log=_LOG)
        converter.force = True
        return converter

    def _assignment_config(self) -> Config:
        config = deepcopy(self.config)
        config.CourseDirectory.assignment_id = self.assignment
        return config

    def _convert(self, converter: Autograde | GenerateAssignment | GenerateFeedback) -> None:
        with _inside(self.root):
            converter.start()


def _only_sanitize(converter: Autograde) -> Callable[[str], None]:
    """The first half of nbgrader's conversion: no execution, no marks."""

    def convert(filename: str) -> None:
        converter._sanitizing = True
        converter._init_preprocessors()
        super(Autograde, converter).convert_single_notebook(filename)

    return convert


def _is_time(raw: bytes) -> bool:
    """Whether nbgrader can read the time of a submission, which a student may have written."""
    with contextlib.suppress(Exception):
        return parse_utc(raw.decode()) is not None
    return False


def _coursedir(config: Config) -> Any:
    from nbgrader.coursedir import CourseDirectory

    return CourseDirectory(config=config, log=_LOG)


def _config(root: Path) -> Config:
    """The instructor's nbgrader_config.py, with this course's root."""
    from traitlets.config.loader import PyFileConfigLoader

    config = Config()
    file = root / "nbgrader_config.py"
    if file.is_file():
        config = PyFileConfigLoader(file.name, path=str(root)).load_config()
    config.CourseDirectory.root = str(root)
    return config


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)


@contextlib.contextmanager
def _inside(folder: Path):
    """Work in a folder, with this Python's programs on the path: nbgrader calls alembic by name."""
    before, path = os.getcwd(), os.environ.get("PATH", "")
    os.chdir(folder)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    try:
        yield
    finally:
        os.chdir(before)
        os.environ["PATH"] = path
