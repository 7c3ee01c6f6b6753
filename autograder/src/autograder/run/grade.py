"""Takes the submissions of a class through the stages: intake, sanitize, execute and judge, save.

Executing is a `job` for `workers`; only this process works with nbgrader and the gradebook, in
`room`. After each student is saved, a note says so, and a stopped run resumes from there.
"""

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat

from autograder.intake import names, reading
from autograder.intake.notes import LOOK
from autograder.kernel import again
from autograder.kernel.clock import Clock
from autograder.nbgrader import journal, penalties, results
from autograder.nbgrader.room import Room
from autograder.root import CourseError
from autograder.run import before, secret
from autograder.run.job import TRIES, Executed, Settings, begin, execute, require, worth_another
from autograder.run.refusal import refused
from autograder.run.workers import Local, Workers, usable_cores
from autograder.text import needs
from autograder.text.cells import facts, parse
from autograder.walled.errors import Lost, WallError
from autograder.walled.request import SAME_USER
from autograder.warm import provisioner, reach

AHEAD = 2  # submissions per worker in memory: enough to keep it busy
UNGRADED = (
    "The grader failed on this submission, so it has no score yet: grade it again, or by hand."
)
DIED = "The grader's worker died twice on this submission, so it was not graded."


@dataclass(frozen=True)
class Progress:
    """One event for the caller: a student, and how grading their submission ended."""

    student: str
    state: str  # skipped, done, broken or failed
    done: int
    total: int
    running: int = 0
    failed: int = 0
    seconds_left: float | None = None  # None until one submission was executed
    message: str = ""


def grade(
    root: Path,
    assignment: str,
    *,
    settings: Settings | None = None,
    jobs: int | None = None,
    students: Iterable[str] | None = None,
    force: bool = False,
    workers: Workers | None = None,
    watch: Callable[[Progress], None] = lambda event: None,
    say: Callable[[str], None] = lambda words: None,
    tell: Callable[[str], None] = lambda words: None,
) -> dict[str, str]:
    """Grade everything in ``submitted/*/assignment``.

    A submission that cannot be graded gets zero points and one sentence that says why; it does not
    affect the others.

    Args:
        root: The course folder.
        assignment: The assignment to grade.
        settings: How the jobs run.
        jobs: Processes on this machine, by default one per core; they share the cores. At the level
            *same user* of the walls there is one.
        students: The students to grade; all by default.
        force: Whether to grade again what is already graded.
        workers: What runs the jobs instead of processes on this machine.
        watch: Called with each event.
        say: Called before the first submission with each sentence about the submissions.
        tell: Called at the end with each sentence about penalties, changed marks and decisions.

    Returns:
        Each student's final state: ``skipped``, ``done``, ``broken`` or ``failed``.

    Raises:
        FileNotFoundError: If there is nothing to grade.
        WallError: If this machine cannot build a wall.
        CourseError: If the gradebook cannot be written, if a hidden test cannot be judged, or if
            this machine or one of the workers lacks the data that *quick* and *full* need.
    """
    cores, settings = usable_cores(), settings or Settings()
    level = ""
    if workers is None and settings.walls and settings.kernel == provisioner.NAME:
        level = reach.require()
    jobs = 1 if level == SAME_USER else jobs or cores
    chosen = _chosen(Path(root), assignment, students)
    only = chosen if students else None
    with contextlib.ExitStack() as first:  # while the gradebook is closed, workers can be forked
        mine = workers or first.enter_context(Local(min(jobs, len(chosen))))
        room = Room(Path(root), assignment, settings.profile)
        room.say = say
        settings = replace(
            settings,
            level=level,
            cell_seconds=settings.cell_seconds or room.cell_seconds,
            threads=settings.threads or (1 if workers else max(1, cores // jobs)),
        )
        if isinstance(mine, Local):
            mine.prepare(begin, room.submitted(chosen[0]), chosen[0], assignment, settings)
        with journal.recorded(room, "autograder grade", only) as recorded, first.pop_all():
            settings = settled(room, settings, say)
            run = Run(room, settings, watch, len(chosen))
            todo = run.unfinished(run.named(chosen), force)
            if todo:
                checkpoints = before.Checkpoints(settings.profile)
                read = map(checkpoints.of, map(run.read, todo))
                for words in (*before.lacking(read, room.source), *checkpoints.told()):
                    say(words)
                code = (one.source for one in room.source.cells if one.cell_type == "code")
                needed = needs.of(code) if settings.profile != "offline" else ()
                if workers is None:
                    require(needed)  # once for all workers
                else:
                    run.settings = replace(run.settings, data=needed)  # each looks where it runs
                run.all(todo, mine)
            late = room.settle(only)
            kept = results.kept(room.ledger, assignment)
    for words in (*penalties.told(assignment, late), *recorded.told(), *kept):
        tell(words)
    return run.states


def settled(room: Room, settings: Settings, say: Callable[[str], None]) -> Settings:
    """The settings with what the course adds to them; the room learns what marks depend on.

    Args:
        room: The assignment's room, which has been entered.
        settings: How the jobs run.
        say: Called with a sentence if a seed of the held-out images is made.

    Raises:
        CourseError: If a hidden test cannot be judged.
    """
    table = secret.table(room.root, say)
    room.judged_by = secret.judged_by(table, room.assignment)
    inside = before.tests_inside(room.source, room.assignment, settings.hidden)
    return replace(settings, table=table, inside=inside, answers=_answers(room, inside))


def _answers(room: Room, inside: Collection[str]) -> tuple[again.Answer, ...]:
    """The course's own answers, unless tests run in the kernel, where they could be read."""
    if inside:
        return ()
    cells = [parse(cell) for cell in room.source.cells if cell.cell_type == "code"]
    return again.answers((one.role or "", one.id, one.source, one.stub) for one in cells)


def _chosen(root: Path, assignment: str, students: Iterable[str] | None) -> list[str]:
    folder = root / "submitted"
    each = folder.iterdir() if folder.is_dir() else ()
    found = sorted(one.name for one in each if os.path.lexists(one / assignment))
    wanted = sorted(set(students)) if students else found
    missing = [s for s in wanted if s not in found]
    if missing or not wanted:
        who = f" of {', '.join(missing)}" if missing else ""
        raise FileNotFoundError(
            f"There is no submission{who} in submitted/STUDENT/{assignment}; "
            "collect the submissions first."
        )
    return wanted


class Run:
    """One run over a class: what waits, what is with a worker, and all final states."""

    def __init__(
        self, room: Room, settings: Settings, watch: Callable[[Progress], None], total: int
    ) -> None:
        self.room, self.settings, self.watch, self.total = room, settings, watch, total
        self.states: dict[str, str] = {}
        self.waiting: dict[Future, tuple[reading.Submission, Clock]] = {}
        self.lost: dict[str, list[str]] = {}  # where processes were ended, by student
        self.save, self.note = room.save, room.note
        self.todo: deque[str] = deque()
        self.alone: deque[str] = deque()  # they ran while a worker died, and one may be the cause
        self.is_alone = False  # whether the one that runs now runs without others
        self.started, self.executed, self.running = time.monotonic(), 0, 0

    def named(self, students: list[str]) -> list[str]:
        """The students whose folders have names that can be an id; the others get a sentence."""
        for student in students:
            if why := names.unusable(student):
                self._end(names.shown(student), "failed", why)
        return [student for student in students if not names.unusable(student)]

    def unfinished(self, students: list[str], force: bool) -> deque[str]:
        """The students without a valid result; the others keep theirs."""
        todo: deque[str] = deque()
        for student in students:
            if not force and self.room.is_done(self.read(student)):
                self._end(student, "skipped", "graded before")
            else:
                todo.append(student)
        return todo

    def all(self, todo: deque[str], workers: Workers) -> None:
        """Keep the workers busy and save their results, with few submissions in memory."""
        self.todo = todo
        while todo or self.waiting or self.alone:
            self.step(workers, self.todo)

    def step(self, workers: Workers, todo: deque[str], seconds: float | None = None) -> None:
        """Start what the workers have room for, and save what has ended.

        Args:
            workers: The workers.
            todo: The students to start, of whom this takes as many as can begin now.
            seconds: How long to wait for the end of one; by default as long as it takes.
        """
        size = workers.size
        while todo and not self.is_alone and len(self.waiting) < AHEAD * size:
            self._begin(todo.popleft(), workers)
        if not self.waiting and self.alone:
            self._begin(self.alone.popleft(), workers)
            self.is_alone = bool(self.waiting)
        self.running = min(len(self.waiting), size)
        for future in wait(self.waiting, seconds, FIRST_COMPLETED).done:
            one, clock = self.waiting.pop(future)
            tried_alone, self.is_alone = self.is_alone, False
            if workers.died(future):
                if tried_alone:
                    self._fail(one, DIED)
                else:
                    self.alone.append(one.student)
            elif self._is_lost(one.student, future.exception()):
                (self.alone if tried_alone else self.todo).append(one.student)
            else:
                self._finish(one, clock, future, workers)

    def _is_lost(self, student: str, error: BaseException | None) -> bool:
        """Note that a process of this job was ended from outside; whether to try again now."""
        if not isinstance(error, Lost):
            return False
        places = self.lost.setdefault(student, [])
        places.append(error.place)
        return worth_another(places)

    def read(self, student: str) -> reading.Submission:
        """Read a student's files."""
        return reading.read(self.room.submitted(student), student, self.room.assignment)

    def _begin(self, student: str, workers: Workers) -> None:
        clock = Clock()
        with clock("intake"):
            one = self.read(student)
        if not one.broken:
            try:
                with clock("sanitize"):
                    text = self.room.sanitized(one)
            except CourseError:  # the gradebook, which affects every submission
                raise
            except Exception as error:  # nbgrader may fail in any way on a student's notebook
                one.broken = f"nbgrader cannot read this notebook ({type(error).__name__})."
        if one.broken:
            self._refuse(one, one.broken)
            self.note(one, clock.seconds)
            self._end(student, "broken", one.broken)
            return
        settings = replace(self.settings, ended=tuple(filter(None, self.lost.get(one.student, ()))))
        future = workers.submit(execute, text, one.files, settings)
        receipts = {name: f for name, f in one.files.items() if name in reading.RECEIPTS}
        one.notebook, one.files = None, receipts
        self.waiting[future] = (one, clock)

    def _finish(
        self, one: reading.Submission, clock: Clock, future: Future, workers: Workers
    ) -> None:
        self.executed += 1
        try:
            executed: Executed = future.result()
            one.looks |= executed.looks
            with clock("save"):
                self.save(one, executed.text)
        except (CourseError, WallError):  # a missing wall, gradebook or disk affects all of them
            raise
        except Exception as error:  # the job or nbgrader failed: report it and go on
            self._fail(one, DIED if workers.gave_up(error) else _told(error))
        else:
            self.note(one, clock.seconds | executed.seconds, executed.level)
            self._end(one.student, "done", _looked_for(one))

    def _fail(self, one: reading.Submission, message: str) -> None:
        one.failed = True
        self._refuse(one, UNGRADED)  # without a note, so that the next run tries again
        self._end(one.student, "failed", message)

    def _refuse(self, one: reading.Submission, message: str) -> None:
        """Save the sentence that says why there are no points, and flag it for a person."""
        one.notebook = None
        roles = ("tests",) if one.failed else ("tests", "answer")
        nb = refused(self.room.sanitized(one), message, roles)
        one.looks = {facts(cell)[1]: message for cell in nb.cells if LOOK in cell.metadata}
        self.save(one, nbformat.writes(nb))

    def _end(self, student: str, state: str, message: str) -> None:
        self.states[student] = state
        left = None
        if self.executed:
            each = (time.monotonic() - self.started) / self.executed
            left = each * (self.total - len(self.states))
        failed = sum(s == "failed" for s in self.states.values())
        done, running = len(self.states), max(0, self.running - 1)
        self.watch(Progress(student, state, done, self.total, running, failed, left, message))


def _told(error: Exception) -> str:
    if isinstance(error, Lost):
        return f"The grader lost a process {TRIES} times, so this was not graded: {error}"
    return f"The grader failed on this submission: {type(error).__name__}: {error}"


def _looked_for(one: reading.Submission) -> str:
    """What a person must look at, and why; empty if nothing."""
    if not one.looks:
        return ""
    why = " ".join(dict.fromkeys(one.looks.values()))
    return f"a person must look at {', '.join(one.looks)}. {why}"
