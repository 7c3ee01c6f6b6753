"""A class of submissions through the stages: intake, sanitize, execute and judge, save.

Executing is a self-contained job for a pool of processes; `room` does what needs nbgrader and the
gradebook, in this process alone. What is done is noted per student after it is saved; a run that
was stopped goes on from there.
"""

import contextlib
import multiprocessing
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
from nbgrader.utils import is_grade, is_solution

from autograder import intake, kernels, sandbox
from autograder.course import TABLE
from autograder.execute import Run, write_outputs
from autograder.judge import Judge, Verdict
from autograder.room import Room
from helpers import checks

AHEAD = 2  # submissions a worker that wait in the pool: enough to keep it busy, and memory flat
DIED = "The grader's worker died twice on this submission, so it was not graded."


@dataclass(frozen=True)
class Settings:
    """How the jobs run; the same for every submission of a run."""

    profile: str = "offline"
    kernel: str = kernels.NAME
    cell_seconds: int = 600
    judge_seconds: int = 300
    threads: int = 1
    walls: bool = True  # whether student code runs behind the walls of `sandbox`
    table: str = ""  # course.toml, whose thresholds the judge needs wherever it runs


# ---------------------------------------------------------------------- the job, in a worker


def execute(text: str, files: dict[str, bytes], settings: Settings) -> str:
    """Run one sanitized notebook beside its files; return it executed, as JSON text."""
    nb = nbformat.reads(text, as_version=4)
    limits = sandbox.LIMITS if settings.walls else None
    with (
        tempfile.TemporaryDirectory(prefix="submission-") as place,
        tempfile.TemporaryDirectory(prefix="course-") as course,
        _environment(settings, course),
    ):
        table = Path(course, TABLE)
        table.parent.mkdir()
        table.write_text(settings.table, encoding="utf-8")
        for name, content in files.items():
            path = Path(place, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        with Judge(seconds=settings.judge_seconds) as judge:
            kernel, seconds = settings.kernel, settings.cell_seconds
            Run(nb, Path(place), judge, kernel, seconds, limits).all_cells()
    return nbformat.writes(nb)


@contextlib.contextmanager
def _environment(settings: Settings, course: str) -> Iterator[None]:
    threads = str(settings.threads)
    wanted = {
        "COURSE_ROOT": course,
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
    running: int = 0
    failed: int = 0
    seconds_left: float | None = None  # None until one has been executed
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

    ``executor`` takes the place of a pool of ``jobs`` processes on this machine. Raises
    FileNotFoundError with a sentence when there is nothing to grade, and `sandbox.SandboxError`
    where this machine cannot build a wall. A submission that cannot be graded gets zero points
    and its sentence; it costs the others nothing.
    """
    jobs = jobs or os.cpu_count() or 1
    settings = settings or Settings(threads=max(1, (os.cpu_count() or 1) // jobs))
    table = Path(root) / TABLE
    settings = replace(settings, table=table.read_text("utf-8") if table.is_file() else "")
    room = Room(Path(root), assignment, settings.profile)
    chosen = _chosen(room, students)
    if executor is None and settings.walls and settings.kernel == kernels.NAME:
        sandbox.require()
    room.prepare()
    run = _Run(room, settings, watch, len(chosen))
    todo = run.unfinished(chosen, force)
    if todo:
        with contextlib.ExitStack() as stack:
            if executor is None:
                # One warm process for all workers, whose kernels and judges are forked from it.
                stack.enter_context(kernels.shared())
            run.all(todo, _Pool(jobs, executor))
    return run.states


def _chosen(room: Room, students: Iterable[str] | None) -> list[str]:
    found = sorted(p.parent.name for p in (room.root / "submitted").glob(f"*/{room.assignment}"))
    wanted = sorted(set(students)) if students else found
    missing = [s for s in wanted if s not in found]
    if missing or not wanted:
        who = f" of {', '.join(missing)}" if missing else ""
        raise FileNotFoundError(
            f"There is no submission{who} in submitted/STUDENT/{room.assignment}; "
            "collect the submissions first."
        )
    return wanted


class _Pool:
    """Workers on this machine, made anew when one has died; or the executor that was given."""

    def __init__(self, jobs: int, given: Executor | None) -> None:
        self.jobs, self.given = jobs, given
        self.executor = given or self._made()
        self.room = AHEAD * jobs if given is None else AHEAD * max(jobs, 32)

    def _made(self) -> ProcessPoolExecutor:
        # Not by fork: this process has threads and open databases.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(max_workers=self.jobs, mp_context=context)

    def again(self) -> None:
        """After a death: new workers. A given executor sees to itself."""
        if self.given is None:
            self.executor.shutdown(wait=False, cancel_futures=True)
            self.executor = self._made()

    def close(self) -> None:
        if self.given is None:
            self.executor.shutdown(wait=True, cancel_futures=True)


class _Run:
    """One run over a class: what is still to do, and how each student ended."""

    def __init__(
        self, room: Room, settings: Settings, watch: Callable[[Progress], None], total: int
    ) -> None:
        self.room, self.settings, self.watch, self.total = room, settings, watch, total
        self.states: dict[str, str] = {}
        self.started, self.executed, self.running = time.monotonic(), 0, 0

    def unfinished(self, students: list[str], force: bool) -> deque[str]:
        """Those whose result does not stand already; the others are left as they are."""
        todo: deque[str] = deque()
        for student in students:
            if not force and self.room.is_done(self._read(student)):
                self._end(student, "skipped", "graded before")
            else:
                todo.append(student)
        return todo

    def all(self, todo: deque[str], pool: _Pool) -> None:
        """Keep the pool busy and save what comes back; only a few submissions are in memory."""
        waiting: dict[Future, intake.Submission] = {}
        alone: deque[str] = deque()  # in the pool when a worker died: one of them may be the cause
        try:
            while todo or waiting or alone:
                while todo and len(waiting) < pool.room:
                    self._begin(todo.popleft(), pool, waiting)
                if not todo and not waiting and alone:
                    self._by_itself(alone.popleft(), pool)
                    continue
                self.running = min(len(waiting), pool.jobs)
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                dead = [future for future in done if _died(future)]
                for future in done - set(dead):
                    self._finish(waiting.pop(future), future)
                if dead:
                    alone.extend(one.student for one in waiting.values())
                    waiting.clear()
                    pool.again()
        finally:
            pool.close()

    def _read(self, student: str) -> intake.Submission:
        return intake.read(self.room.submitted(student), student, self.room.assignment)

    def _begin(self, student: str, pool: _Pool, waiting: dict[Future, intake.Submission]) -> None:
        one = self._read(student)
        try:
            text = self.room.sanitized(one)
        except Exception as error:  # whatever nbgrader cannot take
            one.broken = f"nbgrader cannot read this notebook ({type(error).__name__})."
            one.notebook = None
            text = self.room.sanitized(one)
        if one.broken:
            self._save(one, _refused(text, one.broken), "broken", one.broken)
            return
        future = pool.executor.submit(execute, text, one.files, self.settings)
        one.files = {}  # the worker has them
        waiting[future] = one

    def _by_itself(self, student: str, pool: _Pool) -> None:
        """A second try with no other beside it, so that a death has one author."""
        waiting: dict[Future, intake.Submission] = {}
        self._begin(student, pool, waiting)
        for future, one in waiting.items():
            wait([future])
            if _died(future):
                pool.again()
                self._save(one, _refused(self.room.sanitized(one), DIED), "failed", DIED)
            else:
                self._finish(one, future)

    def _finish(self, one: intake.Submission, future: Future) -> None:
        self.executed += 1
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
        left = None
        if self.executed:
            each = (time.monotonic() - self.started) / self.executed
            left = each * (self.total - len(self.states))
        failed = sum(s == "failed" for s in self.states.values())
        done, running = len(self.states), max(0, self.running - 1)
        self.watch(Progress(student, state, done, self.total, running, failed, left, message))


def _died(future: Future) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


def _refused(text: str, message: str) -> str:
    """A blank notebook whose test cells all carry the sentence why nothing was graded."""
    nb = nbformat.reads(text, as_version=4)
    for cell in nb.cells:
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            verdict = Verdict(checks.ERROR, message)
            cell.outputs = write_outputs(verdict, cell.metadata.nbgrader.grade_id)
    return nbformat.writes(nb)
