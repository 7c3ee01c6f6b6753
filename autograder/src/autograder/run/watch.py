"""Grades what a class hands in when it arrives, and gives the feedback out at once.

Every attempt is kept (`attempts`), gets its own page, and may become the one that counts. What is
written down about an attempt says how far it got, so a watch that was killed goes on from there:
what was graded stays, and what was not is graded at the next start.
"""

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat

from autograder import course as courses
from autograder.handin import which
from autograder.intake import reading
from autograder.intake.folder import MAX_NOTEBOOK, Refused, notebook_in, regular
from autograder.nbgrader import disk, journal
from autograder.nbgrader.attempts import Exchange
from autograder.nbgrader.room import Room
from autograder.root import TABLE, CourseError
from autograder.run import arrivals, grade
from autograder.run.answers import Answers, Rules
from autograder.run.arrivals import Drop, Inbound, Source, Submitted
from autograder.run.attempts import FAILED, WAITING, Arrival, Attempt, Attempts
from autograder.run.job import Settings, execute, require
from autograder.run.workers import Local, Workers, usable_cores
from autograder.text import needs
from autograder.walled.errors import WallError
from autograder.walled.request import SAME_USER
from autograder.warm import provisioner, reach

PAUSE = 0.2  # seconds between two looks
SHARE = 0.05  # of the time that looking may take
READABLE = 30  # seconds in which a folder must become readable
_UNREADABLE = "The files cannot be read: submit them again."


def watch(
    root: Path,
    assignment: str,
    *,
    settings: Settings | None = None,
    rules: Rules | None = None,
    folder: Path | None = None,
    exchange: bool | None = None,
    jobs: int | None = None,
    workers: Workers | None = None,
    tell: Callable[[str], None] = lambda words: None,
    goes_on: Callable[[], bool] = lambda: True,
) -> None:
    """Grade hand-ins as they arrive, until somebody stops this process.

    Args:
        root: The course folder.
        assignment: The assignment.
        settings: How the jobs run.
        rules: What holds for the attempts.
        folder: The folder to watch; ``submitted/`` by default.
        exchange: Whether to watch nbgrader's exchange; by default if there is one and no folder is
            given.
        jobs: Processes on this machine, by default one per core.
        workers: What runs the jobs instead.
        tell: Called with each line of progress.
        goes_on: Asked between two looks.

    Raises:
        CourseError: If another run works in this course, or something must be set right first.
        WallError: If this machine cannot build a wall.
    """
    root, cores, settings = Path(root).resolve(), usable_cores(), settings or Settings()
    level = ""
    if workers is None and settings.walls and settings.kernel == provisioner.NAME:
        level = reach.require()
    jobs = 1 if level == SAME_USER else jobs or cores
    threads = settings.threads or max(1, cores // jobs)
    settings = replace(settings, level=level, threads=threads)
    with contextlib.ExitStack() as stack:
        is_over = False
        while not is_over:
            room = Room(root, assignment, settings.profile)
            room.say = tell
            place = _Place(room, folder, exchange)
            with journal.recorded(room, f"autograder watch {assignment}") as recorded:
                cell_seconds = settings.cell_seconds or room.cell_seconds
                its = grade.settled(room, replace(settings, cell_seconds=cell_seconds), tell)
                _require_data(room, its, workers)
                if workers is None:
                    workers = stack.enter_context(Local(jobs))
                    _warm(workers, its)
                holding = (rules or Rules()).of(room.dates.course, assignment)
                run = _Watching(room, its, holding, place, tell)
                is_over = run.go(workers, goes_on)
            for words in recorded.told():
                tell(words)


def _warm(workers: Workers, settings: Settings) -> None:
    """Have every worker do a job without content, so that the first hand-in waits for nothing."""
    nothing = nbformat.writes(nbformat.v4.new_notebook())
    jobs = [workers.submit(execute, nothing, {}, settings) for _ in range(workers.size)]
    for job in wait(jobs).done:
        if not workers.died(job):
            job.result()


def _require_data(room: Room, settings: Settings, workers: Workers | None) -> None:
    code = (one.source for one in room.source.cells if one.cell_type == "code")
    if settings.profile != "offline" and workers is None:
        require(needs.of(code))


class _Place:
    """Where hand-ins come from, and where feedback goes."""

    def __init__(self, room: Room, folder: Path | None, exchange: bool | None) -> None:
        self.room, self.folder = room, folder and folder.resolve()
        self.exchange: Exchange | None = None
        if exchange or (exchange is None and folder is None):
            found = Exchange(room.root, room.assignment, room.config)
            if found.inbound.is_dir():
                self.exchange = found
                if not os.access(found.inbound, os.R_OK | os.X_OK):
                    raise CourseError(f"{found.inbound} cannot be read: give yourself the right.")
            elif exchange:
                raise CourseError(
                    f"There is no folder {found.inbound}: release the assignment with nbgrader "
                    f"release_assignment {room.assignment} first, or name another exchange."
                )
        if folder is not None and not folder.is_dir():
            raise CourseError(f"There is no folder {folder}: make it, or name another one.")

    def source(self, attempts: Attempts, say: Callable[[str], None]) -> Source:
        """What looks for hand-ins."""
        course = self.room.dates.course
        if self.exchange:
            return Inbound(self.exchange.inbound, course, attempts, say)
        if self.folder and self.folder != self.room.root / "submitted":
            return Drop(self.folder, course, attempts, say)
        return Submitted(course, attempts)

    @property
    def shown(self) -> str:
        """The folder that is watched."""
        if self.exchange:
            return str(self.exchange.inbound)
        return str(self.folder or self.room.root / "submitted")


class _Watching(grade.Run):
    """What has arrived, what is with a worker, and what became of it."""

    def __init__(
        self,
        room: Room,
        settings: Settings,
        rules: Rules,
        place: _Place,
        tell: Callable[[str], None],
    ) -> None:
        super().__init__(room, settings, lambda event: None, 0)
        self.rules, self.place, self.tell = rules, place, tell
        self.attempts = Attempts(room.root, room.assignment)
        self.answers = Answers(room, self.attempts, rules, place.exchange, tell)
        self.source = self.answers.source = place.source(self.attempts, tell)
        self.known = which.Assignments(room.dates.course, room.assignment)
        self.queue = deque[Attempt]()
        self.current: dict[str, Attempt] = {}  # one of each student at a time
        self.unreadable: dict[str, float] = {}
        self.save = self._answer
        self.note = self._note
        self.facts = self._facts()

    def go(self, workers: Workers, goes_on: Callable[[], bool]) -> bool:
        """Watch until somebody says stop, or until a file that the run depends on changes.

        Returns:
            Whether somebody said stop.
        """
        self.answers.trials.load()
        self._resume()
        rules = self.rules
        noun = "attempt" if rules.per_day == 1 else "attempts"
        limit = f"{rules.per_day} {noun} a day" if rules.per_day else "no limit of attempts"
        self.tell(f"Watching {self.place.shown}: the {rules.counts} attempt counts, {limit}.")
        next_look = 0.0
        while goes_on():
            begun = time.monotonic()
            is_changed = self._is_changed()
            if is_changed and not self.current:
                return False
            if begun >= next_look and not is_changed:
                self.source.look(self._take)
                now = time.monotonic()
                next_look = now + max(PAUSE, (now - begun) / SHARE)
            self._admit(not is_changed)
            if self.todo or self.waiting or self.alone:
                self.step(workers, deque() if self.alone else self.todo, PAUSE)
            else:
                time.sleep(PAUSE)
        return True

    # -- what arrives

    def _take(self, one: Arrival) -> bool:
        """Take a hand-in; False if it cannot be read yet."""
        key = f"{one.student} {one.source}"
        day = datetime.fromtimestamp(one.arrived, self._zone)
        if not one.source:
            day = one.came.astimezone(self._zone)
        try:
            taken = self.attempts.take(one, day.date().isoformat())
        except OSError as error:
            if error.errno in disk.FULL:
                raise
            since = self.unreadable.setdefault(key, time.monotonic())
            if time.monotonic() - since < READABLE or not isinstance(error, PermissionError):
                return False
            refused = replace(one, folder=None, refused=_UNREADABLE)
            taken = self.attempts.take(refused, day.date().isoformat())
        self.unreadable.pop(key, None)
        if not taken.refused and (other := self._other(taken)):
            name = self.room.assignment
            taken.refused = f"The notebook is {other}, not {name}: hand it in under that name."
            taken.keep()
        self.queue.append(taken)
        return True

    def _other(self, one: Attempt) -> str:
        """Another assignment whose notebook this is; empty if it is the right one, or unclear."""
        name, folder = self.room.assignment, one.folder("submitted")
        with contextlib.suppress(Refused, OSError):
            said = self.known.of(regular(folder / notebook_in(folder, name)[0], MAX_NOTEBOOK))
            return said if said != name else ""
        return ""

    def _resume(self) -> None:
        """Go on with what an earlier watch did not finish."""
        for one in sorted(self.attempts, key=lambda one: (one.arrived, one.number)):
            if one.state == WAITING:
                self.queue.append(one)
            elif one.state == FAILED:
                one.state, one.is_settled, one.counts = WAITING, False, False
                self.queue.append(one)
            elif not one.is_settled:
                self.answers.settle(one)
        self.answers.recount()

    def _admit(self, is_open: bool) -> None:
        """Begin with the first attempt of each student who has none in work."""
        for one in [*self.queue] if is_open else ():
            if one.student in self.current:
                continue
            self.queue.remove(one)
            if self.answers.is_over(one):
                self.answers.refuse_for_today(one)
            elif not self.answers.is_adopted(one):
                self.current[one.student] = one
                self.todo.append(one.student)

    def read(self, student: str) -> reading.Submission:
        """Read the files of a student's attempt."""
        return self.answers.read(self.current[student])

    def _answer(self, one: reading.Submission, text: str) -> None:
        self.answers.answer(self.current[one.student], one, text)

    def _note(self, one: reading.Submission, seconds: dict[str, float], level: str = "") -> None:
        self.current[one.student].note |= {"seconds": seconds, "level": level}

    def _end(self, student: str, state: str, message: str) -> None:
        one = self.current.pop(student)
        self.lost.pop(student, None)
        one.message = message
        one.keep()
        self.answers.settle(one)
        self.answers.progress(one)

    # -- what must not end the watch

    def _begin(self, student: str, workers: Workers) -> None:
        with self._guarded(student):
            super()._begin(student, workers)

    def _fail(self, one: reading.Submission, message: str) -> None:
        with self._guarded(one.student):
            super()._fail(one, message)

    @contextlib.contextmanager
    def _guarded(self, student: str) -> Any:
        """Leave an attempt for the next start if not even its failure can be told."""
        try:
            yield
        except (CourseError, WallError):
            raise
        except Exception as error:
            self.current.pop(student, None)
            self.tell(f"{student}: not graded, and tried again at the next start: {error!r}")

    # -- what the run depends on

    @property
    def _zone(self) -> Any:
        return self.room.dates.course.zone

    def _facts(self) -> Sequence[Any]:
        name = self.room.assignment
        wanted = TABLE, "extensions.csv", "nbgrader_config.py", f"source/{name}/{name}.ipynb"
        return [_changed(self.room.root / path) for path in wanted]

    def _is_changed(self) -> bool:
        """Whether the source, the dates or the settings are others, and can be read."""
        if (now := self._facts()) == self.facts:
            return False
        if time.time() - max(one[0] for one in now) / 1e9 < arrivals.QUIET:
            return False
        try:
            courses.load(self.room.root)
        except CourseError as error:
            self.facts = now
            self.tell(f"The watch goes on with the earlier settings. {error}")
            return False
        return True


def _changed(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size
