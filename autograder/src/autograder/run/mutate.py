"""Which small faults in a reference solution its checks notice, and which survive.

Every mutant of a solution runs with the cells that its checks depend on, and with those checks. A
training that a fault does not change is restored from the checkpoint of the reference. Each result
adds a line to .autograder/mutants/NAME.PROFILE.jsonl, valid for these cells and these checks, so
that a stopped run can resume.
"""

import contextlib
import functools
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import convcourse
from autograder.course import Course
from autograder.root import CourseError
from autograder.run.trial import FORGET, HIDDEN, RUN, SURVIVED, VISIBLE, Result, Step, run
from autograder.text import slices, syntax
from autograder.text.authoring import read_cells
from autograder.text.cells import Cell, parse
from autograder.text.mutants import Mutant, mutants
from autograder.warm import server

REFERENCE_SECONDS = 900  # for the reference, which trains
TRAINING_SECONDS = 600  # for a mutant, where it may have to train
SPARE_SECONDS = 10  # beyond five times what the reference takes
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True)
class Judged:
    """A mutant of an exercise, and how its trial ended."""

    exercise: str
    mutant: Mutant
    result: Result

    @property
    def survived(self) -> bool:
        """Whether no check noticed the fault."""
        return self.result.outcome == SURVIVED


@dataclass(frozen=True)
class Exercise:
    """A solution, its mutants, and where in the text its checks are.

    Attributes:
        cells: All code cells of the text.
        index: Where the solution is.
        own: Where its own checks are.
        others: Where other checks are that name something that it binds.
    """

    cells: tuple[Cell, ...]
    index: int
    own: tuple[int, ...]
    others: tuple[int, ...]
    mutants: tuple[Mutant, ...]

    @property
    def id(self) -> str:
        """The id of the solution."""
        return self.cells[self.index].id

    @property
    def names(self) -> set[str]:
        """The ids of the solution and of its own checks; each may stand for it."""
        return {self.id, *(self.cells[k].id for k in self.own)}

    def steps(self, tests: Sequence[int], whole: bool = False) -> list[Step]:
        """What runs for these checks: the cells that they depend on, or all cells before them."""
        last = max(tests)
        every = [k for k in range(last) if not self.cells[k].is_test]
        kept = set(every if whole else slices.before(self.cells, tests, self.index))
        made: list[Step] = []
        for k in range(last + 1):
            cell = self.cells[k]
            if k in tests:
                made.append((VISIBLE, cell.id, syntax.plain(cell.visible)))
                made += [(HIDDEN, cell.id, cell.hidden)] if cell.hidden.strip() else []
            elif k in kept:
                made.append((RUN, cell.id, slices.code(cell)))
        return made


def exercises(text: str) -> list[Exercise]:
    """The solutions of a text that have checks, each with its mutants."""
    cells = tuple(cell for cell in map(parse, read_cells(text)) if cell.kind == "code")
    seen = [cell.visible for cell in cells if cell.role != "solution"]
    found = []
    for index, cell in enumerate(cells):
        own = slices.checks_of(cells, index) if cell.role == "solution" else []
        if own:
            others = [k for k in slices.readers(cells, index) if k not in own]
            made = tuple(mutants(cell, seen))
            found.append(Exercise(cells, index, tuple(own), tuple(others), made))
    return found


def chosen(course: Course, name: str, only: Iterable[str] = ()) -> list[Exercise]:
    """The exercises of an assignment, all or those with these ids.

    Raises:
        CourseError: If there is no such assignment or exercise.
    """
    path = course.text_path(course.assignment(name).name)
    if not path.is_file():
        raise CourseError(f"There is no course/{name}.py: write the text first.")
    found, only = exercises(path.read_text(encoding="utf-8")), set(only)
    known = set().union(*(one.names for one in found))
    if only - known:
        listed = ", ".join(sorted(known))
        raise CourseError(f"{name} has no exercise {min(only - known)}; it has: {listed}.")
    return [one for one in found if not only or one.names & only]


def judge(
    course: Course,
    name: str,
    profile: str,
    jobs: int,
    only: Iterable[str] = (),
    force: bool = False,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> list[Judged]:
    """Judge the mutants of an assignment; those that an earlier run has judged, only if forced.

    ``watch`` learns how many are judged, of how many.

    Raises:
        CourseError: If the reference itself does not pass its checks.
    """
    wanted = chosen(course, name, only)
    store = _Store(course, name, profile)
    keys = {key: value for one in wanted for key, value in store.keys(one).items()}
    known = {} if force else store.known
    found = {
        m.id: Judged(one.id, m, known[keys[m.id]])
        for one in wanted
        for m in one.mutants
        if keys[m.id] in known
    }
    with server.shared(), ThreadPoolExecutor(jobs) as pool:
        try:
            running = {}
            for one in wanted:
                if missing := [m for m in one.mutants if m.id not in found]:
                    trials = _Trials(course, name, profile, one)
                    for mutant in missing:
                        future = pool.submit(_judged, trials, mutant, store, keys[mutant.id])
                        running[future] = one, mutant
            for future in as_completed(running):
                one, mutant = running[future]
                found[mutant.id] = Judged(one.id, mutant, future.result())
                watch(len(found), len(keys))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            server.server().close()  # ends the trials that still run
            raise
    return [found[m.id] for one in wanted for m in one.mutants]


def _judged(trials: "_Trials", mutant: Mutant, store: "_Store", key: str) -> Result:
    result = trials.of(mutant)
    store.add(key, mutant, result)
    return result


class _Trials:
    """The trials of one exercise: the reference first, whose checkpoints the mutants restore."""

    def __init__(self, course: Course, name: str, profile: str, exercise: Exercise) -> None:
        self.exercise = exercise
        self.base = course.root / ".autograder" / "mutants" / f"{name}.{profile}"
        self.base.mkdir(parents=True, exist_ok=True)
        threads = dict.fromkeys(THREADS, "1")
        known = {"COURSE_PROFILE": profile, "COURSE_ROOT": str(course.root), "MPLBACKEND": "agg"}
        self.environment = {**os.environ, **threads, **known, "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.stages = [self._stage(name, exercise.own)]
        if exercise.others:
            self.stages.append(self._stage(name, exercise.others))

    def _stage(self, name: str, tests: Sequence[int]) -> tuple[list[Step], Result]:
        """What runs for these checks, and how the reference passes them."""
        for whole in (False, True):
            steps = self.exercise.steps(tests, whole)
            result = run(steps, self.base, self.environment, REFERENCE_SECONDS)
            if result.outcome == SURVIVED:
                return steps, result
        raise CourseError(
            f"{name}: the solution {self.exercise.id} does not pass {result.test or 'in time'}: "
            f"{result.message}"
        )

    def of(self, mutant: Mutant) -> Result:
        """How the checks judge a mutant; a survivor is judged again without checkpoints.

        A checkpoint does not tell whether a callback of the student's own has changed.
        """
        answer = (RUN, self.exercise.id, mutant.source)
        for steps, reference in self.stages:
            place = [step[:2] for step in steps].index(answer[:2])
            around = steps[:place], steps[place + 1 :]
            result = self._tried([*around[0], answer, *around[1]], reference)
            if result.outcome == SURVIVED and _trains(steps):
                forget = (FORGET, "", "")
                result = self._tried([*around[0], forget, answer, *around[1]], reference)
            if result.outcome != SURVIVED:
                break
        return result

    def _tried(self, steps: Sequence[Step], reference: Result) -> Result:
        seconds = SPARE_SECONDS + 5 * reference.seconds + TRAINING_SECONDS * _trains(steps)
        with tempfile.TemporaryDirectory(prefix="trial-", dir=self.base.parent) as place:
            shutil.copytree(self.base, place, copy_function=os.link, dirs_exist_ok=True)
            return run(steps, Path(place), self.environment, seconds, reference.scores)


def _trains(steps: Sequence[Step]) -> bool:
    return any("training" in code for _, _, code in steps)


class _Store:
    """The finished trials, one JSON line each."""

    def __init__(self, course: Course, name: str, profile: str) -> None:
        self.path = course.root / ".autograder" / "mutants" / f"{name}.{profile}.jsonl"
        table = (course.root / "course" / "course.toml").read_text(encoding="utf-8")
        self.state = hashlib.sha256((table + _checkers()).encode()).hexdigest()
        self.known: dict[str, Result] = {}
        self._lock = threading.Lock()
        for line in self.path.read_text("utf-8").splitlines() if self.path.is_file() else []:
            with contextlib.suppress(ValueError, KeyError, TypeError):  # a truncated line
                entry = json.loads(line)
                self.known[entry["key"]] = Result(**entry["result"])

    def keys(self, exercise: Exercise) -> dict[str, str]:
        """A hash of all that a trial depends on, by the mutant's id."""
        steps = [exercise.steps(tests) for tests in (exercise.own, exercise.others) if tests]
        known = json.dumps([self.state, steps])
        hashes = {m.id: hashlib.sha256((known + m.source).encode()) for m in exercise.mutants}
        return {name: found.hexdigest()[:24] for name, found in hashes.items()}

    def add(self, key: str, mutant: Mutant, result: Result) -> None:
        """Keep a result; threads may call this at the same time."""
        entry = {"key": key, "mutant": mutant.id, "result": asdict(result)}
        with self._lock:
            self.known[key] = result
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")


@functools.cache
def _checkers() -> str:
    """A hash of the code that checks: the students' package and the judge."""
    here = Path(__file__).parents[1]
    paths = [*Path(convcourse.__file__).parent.rglob("*.py"), *(here / "judge").glob("*.py")]
    digest = hashlib.sha256()
    for path in sorted([*paths, here / "submission.py"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
