"""One submission as a job for a worker: files in, an executed notebook out, nothing shared.

The job carries everything that a worker needs, so it can run in another process or on another
machine. It returns the seconds of each stage as well.
"""

import contextlib
import functools
import platform
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.intake import reading
from autograder.intake.notes import LOOK
from autograder.judge.judge import Judge
from autograder.kernel import again
from autograder.kernel.notebook import Run
from autograder.root import CourseError
from autograder.run import leftovers, place
from autograder.text.cells import facts
from autograder.walled.errors import Lost
from autograder.warm import provisioner, reach
from convcourse import data, pretrained

UNWALLED = "none"  # the level of a run without walls
TRIES = 3  # of a submission whose kernel or judge is ended from outside
PLACES = 12  # at which a notebook may have killed its own kernel, where no wall keeps it from that
CELL_SECONDS = 600  # if nbgrader_config.py sets no limit
_ONE = threading.Lock()  # a job changes the environment, so a process runs one at a time


@dataclass(frozen=True)
class Settings:
    """How the jobs run; the same for every submission of a run."""

    profile: str = "offline"
    kernel: str = provisioner.NAME
    cell_seconds: int = 0  # 0: the limit of nbgrader_config.py, or `CELL_SECONDS`
    judge_seconds: int = 300
    threads: int = 0  # TensorFlow's threads in one job; 0: a worker's share of the cores
    walls: bool = True  # whether student code runs behind walls
    level: str = ""  # the level of these walls; empty: the strongest that stands where the job runs
    table: str = ""  # the text of course.toml, whose thresholds the judge needs
    data: tuple[str, ...] = ()  # data sets and weights that must be present
    hidden: str = "judge"  # or in-kernel: tests that use the notebook's names run there
    inside: tuple[str, ...] = ()  # the ids of those tests
    answers: tuple[again.Answer, ...] = ()  # the course's own, for exercises judged on their own
    ended: tuple[str, ...] = ()  # where its kernel was ended by a signal in earlier tries


@dataclass(frozen=True)
class Executed:
    """What a job returns.

    Attributes:
        text: The notebook as JSON text.
        seconds: The seconds of each stage.
        level: The level of the walls around student code.
        looks: Why a person must look at a test cell, by its id.
    """

    text: str
    seconds: dict[str, float]
    level: str = UNWALLED
    looks: dict[str, str] = field(default_factory=dict)


@functools.cache
def require(names: tuple[str, ...]) -> None:
    """Check that the official data and weights are present, or download them.

    Kernels behind walls cannot download. Without this check, every submission would lose points
    because of the machine.

    Args:
        names: Names of data sets, or ``vgg16`` for the weights.

    Raises:
        CourseError: If one of them is missing and cannot be downloaded.
    """
    for name in names:
        try:
            pretrained.vgg16() if name == "vgg16" else data.require(name)
        except data.DataError as error:
            raise CourseError(
                f"{platform.node()} cannot grade this: {error} For autograder grade, that is "
                "--profile offline."
            ) from None


def execute(text: str, files: dict[str, bytes], settings: Settings) -> Executed:
    """Run one sanitized notebook in a folder with its files.

    Args:
        text: The notebook as JSON text.
        files: The content of each file beside it, by relative path.
        settings: How to run it.

    Raises:
        CourseError: If this machine lacks data that the notebook needs, or room for its files.
        Lost: If a process ended through no fault of the notebook.
        WallError: If this machine cannot build a wall.
    """
    require(settings.data)
    nb = nbformat.reads(text, as_version=4)
    with _ONE, contextlib.ExitStack() as stack:
        leftovers.wait()
        here = stack.enter_context(place.of(asked := _asked(files, settings)))
        stack.enter_context(judge := Judge(seconds=settings.judge_seconds))
        left = stack.enter_context(contextlib.ExitStack())

        def made(notebook: NotebookNode) -> Run:
            left.close()
            kernel = asked.kernel, asked.cell_seconds, asked.limits, settings.inside
            return Run(notebook, here.folder, judge, *kernel, settings.ended, left, here.taken())

        with here.environment(settings.table):
            run = again.graded(nb, settings.answers, made)
            is_walled = asked.limits and settings.kernel == provisioner.NAME
            level = reach.require() if is_walled else UNWALLED
        leftovers.end(stack.pop_all())
    for cell in nb.cells:
        if why := run.looks.get(facts(cell)[1]):
            cell.metadata[LOOK] = f"{cell.metadata.get(LOOK, '')} {why}".strip()
    return Executed(nbformat.writes(nb), run.clock.seconds, level, run.looks)


def begin(folder: Path, student: str, assignment: str, settings: Settings) -> None:
    """Start the kernel of a submission that this process will soon `execute`, if it can be read.

    Args:
        folder: The submission.
        student: The student.
        assignment: The assignment.
        settings: As `execute` will get them, but for what only the judge needs.

    Raises:
        Exception: If the kernel does not start, for whatever reason.
    """
    require(settings.data)
    one = reading.read(folder, student, assignment)
    with _ONE:
        leftovers.wait()
        if not one.broken:
            place.begin(_asked(one.files, settings))


def _asked(files: dict[str, bytes], settings: Settings) -> place.Asked:
    seconds, threads = settings.cell_seconds or CELL_SECONDS, settings.threads or 1
    limits = reach.share(threads, seconds) if settings.walls else None
    provisioner.announce()  # sets a variable, if this process is new
    given = settings.profile, settings.kernel, seconds, threads, limits
    return place.Asked(files, *given, settings.level, settings.ended)


def worth_another(places: Sequence[str]) -> bool:
    """Whether to try once more after processes of a submission were ended at these places."""
    return places.count("") < TRIES and len(places) <= PLACES


def persist(text: str, files: dict[str, bytes], settings: Settings) -> Executed:
    """Execute a notebook, and again if somebody ends a process of it; see `execute`."""
    places: list[str] = []
    while True:
        try:
            return execute(text, files, replace(settings, ended=tuple(filter(None, places))))
        except Lost as lost:
            places.append(lost.place)
            if not worth_another(places):
                raise
