"""A class of submissions through the stages: intake, sanitize, execute and judge, save.

Executing is a self-contained job in a pool of processes. This process alone touches the
gradebook, through nbgrader's own converter, so that Formgrader, feedback and export see nothing
new. What is done is noted per student after it is saved; a run that was stopped goes on from there.
"""

import contextlib
import hashlib
import json
import logging
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets.config import Config

from autograder import intake
from autograder.execute import Run, write_outputs
from autograder.judge import Judge, Verdict
from helpers import checks

# nbgrader tells of every step; here only what it cannot do is worth a line.
_LOG = logging.getLogger("autograder.grade")
_LOG.setLevel(logging.ERROR)
ROOM = ".autograder"  # beside the gradebook: staged, executed and done, per assignment


@dataclass(frozen=True)
class Settings:
    """How the jobs run; the same for every submission of a run."""

    profile: str = "offline"
    kernel: str = "python3"
    cell_seconds: int = 600
    judge_seconds: int = 300
    threads: int = 1


# ---------------------------------------------------------------------- the job, in a worker


def execute(text: str, files: dict[str, bytes], settings: Settings) -> str:
    """Run one sanitized notebook beside its files; return it executed, as JSON text."""
    nb = nbformat.reads(text, as_version=4)
    with tempfile.TemporaryDirectory(prefix="submission-") as place, _environment(settings):
        for name, content in files.items():
            path = Path(place, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        with Judge(seconds=settings.judge_seconds) as judge:
            Run(nb, Path(place), judge, settings.kernel, settings.cell_seconds).all_cells()
    return nbformat.writes(nb)


@contextlib.contextmanager
def _environment(settings: Settings):
    threads = str(settings.threads)
    wanted = {
        "COURSE_PROFILE": settings.profile,
        "OMP_NUM_THREADS": threads,
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": threads,
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    before = {k: os.environ.get(k) for k in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key, None) if value is None else os.environ.update({key: value})


# ---------------------------------------------------------------------- the class


@dataclass(frozen=True)
class Progress:
    """One event for whoever watches: a student, and what became of them."""

    student: str
    state: str  # skipped, done, broken or failed
    done: int
    total: int
    message: str = ""


def grade(
    root: Path,
    assignment: str,
    *,
    settings: Settings | None = None,
    jobs: int | None = None,
    students: Iterable[str] | None = None,
    force: bool = False,
    executor: Executor | None = None,
    watch: Callable[[Progress], None] = lambda event: None,
) -> dict[str, str]:
    """Grade everything in ``submitted/*/assignment``; returns each student's final state.

    Raises FileNotFoundError with a sentence when there is nothing to grade. A submission that
    cannot be graded gets zero points and its sentence; it costs the others nothing.
    """
    jobs = jobs or os.cpu_count() or 1
    settings = settings or Settings(threads=max(1, (os.cpu_count() or 1) // jobs))
    room = Room(Path(root), assignment, settings)
    chosen = _chosen(room, students)
    room.prepare()
    run = _Run(room, watch, len(chosen))
    todo = run.take_in(chosen, force)
    own = executor is None
    # Not by fork: a forked worker would take this process's forkserver for its own child.
    context = multiprocessing.get_context("spawn")
    pool = executor or ProcessPoolExecutor(max_workers=jobs, mp_context=context)
    try:
        run.execute_and_save(pool, todo)
    finally:
        if own:
            pool.shutdown(wait=True, cancel_futures=True)
    return run.states


def _chosen(room: "Room", students: Iterable[str] | None) -> list[str]:
    found = sorted(p.parent.name for p in (room.root / "submitted").glob(f"*/{room.assignment}"))
    wanted = sorted(students) if students else found
    missing = [s for s in wanted if s not in found]
    if missing or not wanted:
        who = f" of {', '.join(missing)}" if missing else ""
        raise FileNotFoundError(
            f"There is no submission{who} in submitted/STUDENT/{room.assignment}; "
            "collect the submissions first."
        )
    return wanted


class _Run:
    """One run over a class: what is still to do, and how each student ended."""

    def __init__(self, room: "Room", watch: Callable[[Progress], None], total: int) -> None:
        self.room, self.watch, self.total = room, watch, total
        self.states: dict[str, str] = {}

    def take_in(self, students: list[str], force: bool) -> list[intake.Submission]:
        """Read every submission; those whose result stands already are left as they are."""
        todo = []
        for student in students:
            one = intake.read(self.room.submitted(student), student, self.room.assignment)
            if not force and self.room.is_done(one):
                self._end(student, "skipped", "graded before")
            else:
                todo.append(one)
        return todo

    def execute_and_save(self, pool: Executor, todo: list[intake.Submission]) -> None:
        waiting: dict[Future, intake.Submission] = {}
        for one in todo:
            text = self.room.sanitized(one)
            if one.broken:
                self._save(one, _refused(text, one.broken), "broken", one.broken)
                continue
            waiting[pool.submit(execute, text, one.files, self.room.settings)] = one
        for future in as_completed(waiting):
            one = waiting[future]
            try:
                text, state, message = future.result(), "done", ""
            except Exception as error:  # the job, not the student: say so, and go on
                message = f"The grader failed on this submission: {type(error).__name__}: {error}"
                text, state = _refused(self.room.sanitized(one), message), "failed"
            self._save(one, text, state, message)

    def _save(self, one: intake.Submission, text: str, state: str, message: str) -> None:
        self.room.save(one, text, finished=state != "failed")
        self._end(one.student, state, message)

    def _end(self, student: str, state: str, message: str) -> None:
        self.states[student] = state
        self.watch(Progress(student, state, len(self.states), self.total, message))


def _refused(text: str, message: str) -> str:
    """A blank notebook whose test cells all carry the sentence why nothing was graded."""
    nb = nbformat.reads(text, as_version=4)
    for cell in nb.cells:
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            verdict = Verdict(checks.ERROR, message)
            cell.outputs = write_outputs(verdict, cell.metadata.nbgrader.grade_id)
    return nbformat.writes(nb)


# ---------------------------------------------------------------------- nbgrader's side


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

    def __init__(self, root: Path, assignment: str, settings: Settings) -> None:
        self.root, self.assignment, self.settings = root.resolve(), assignment, settings
        self.place = self.root / ROOM / assignment
        self.config = _config(self.root)
        self.db_url = _coursedir(self.config).db_url

    def submitted(self, student: str) -> Path:
        return self.root / "submitted" / student / self.assignment

    def prepare(self) -> None:
        """Make the folders, and the assignment in the gradebook as source/ has it now."""
        for name in ("staged", "sanitized", "executed", "done"):
            (self.place / name).mkdir(parents=True, exist_ok=True)
        source = self.root / "source" / self.assignment / f"{self.assignment}.ipynb"
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
        digest, version, profile = one.digest, self.version, self.settings.profile
        return {"submission": digest, "assignment": version, "profile": profile}

    def _autograded(self, student: str) -> Path:
        return self.root / "autograded" / student / self.assignment

    # -- the stages that need the gradebook

    def sanitized(self, one: intake.Submission) -> str:
        """The notebook with locked cells restored, by nbgrader, as text."""
        staged = self.place / "staged" / one.student / self.assignment
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        path = staged / f"{self.assignment}.ipynb"
        if one.notebook is None:
            release = self.root / "release" / self.assignment / path.name
            shutil.copy(release, path)
        else:
            nbformat.write(one.notebook, path)
        for name in ("timestamp.txt",):
            if name in one.files:
                (staged / name).write_bytes(one.files[name])
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
