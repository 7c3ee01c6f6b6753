"""Where a job runs: its folders and its environment, and perhaps a kernel that has started there.

A run knows which files lie beside a notebook before nbgrader has prepared the notebook. So the
worker that gets it can start its kernel meanwhile (`begin`).
"""

import contextlib
import errno
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nbformat.v4 import new_notebook

from autograder.kernel.cells import Cells
from autograder.root import TABLE, CourseError
from autograder.warm import reach, server
from autograder.warm.reach import Limits

FRESH_SECONDS = 10  # in which a kernel that waits must be needed, because its time runs already
_KINDS = "submission", "course"
_waiting: list["Place"] = []  # with kernels that have started; at most one


@dataclass(frozen=True)
class Asked:
    """What the kernel of a job depends on; see `job.Settings`.

    Attributes:
        files: The content of each file beside the notebook, by relative path.
        limits: What the notebook may use; None for no walls.
        environment: This process's own, when the job begins.
    """

    files: dict[str, bytes]
    profile: str
    kernel: str
    cell_seconds: int
    threads: int
    limits: Limits | None
    level: str
    ended: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))


class Place:
    """The folders of one job, with the files; they are removed at the end of a ``with`` block.

    Attributes:
        folder: Where the notebook runs.
    """

    def __init__(self, asked: Asked) -> None:
        """Make the folders.

        Raises:
            CourseError: If the disk is full.
        """
        self.asked, self._since = asked, 0.0
        self._stack = contextlib.ExitStack()
        self._started: Cells | None = None
        try:
            self.folder, self._course = (Path(self._stack.enter_context(_new(k))) for k in _KINDS)
            for name, content in asked.files.items():
                _write(self.folder / name, content)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> "Place":
        return self

    def __exit__(self, *_: object) -> None:
        if cells := self.taken():
            cells.lives.end()
        self._stack.close()

    def start(self) -> None:
        """Start the kernel of a notebook that is not known yet."""
        asked = self.asked
        given = asked.kernel, asked.cell_seconds, asked.limits
        cells = Cells(new_notebook(), self.folder, *given)
        with self.environment():
            cells.lives.start_ahead()
        self._started, self._since = cells, time.monotonic()

    def taken(self) -> Cells | None:
        """What executes cells in the kernel that has started, once."""
        cells, self._started = self._started, None
        return cells

    def serves(self, asked: Asked) -> bool:
        """Whether its kernel lives, and is what a job would start now."""
        process = self._started.client.process if self._started else None
        lives = process is not None and process.poll() is None
        return lives and asked == self.asked and time.monotonic() - self._since < FRESH_SECONDS

    @contextlib.contextmanager
    def environment(self, table: str = "") -> Iterator[None]:
        """The environment of a job inside the block.

        Args:
            table: The text of course.toml for the judge.
        """
        _write(self._course / TABLE, table.encode())
        threads = str(self.asked.threads)
        wanted = {
            "COURSE_ROOT": str(self._course),
            "COURSE_PROFILE": self.asked.profile,
            "OMP_NUM_THREADS": threads,
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": threads,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **({reach.LEVEL: self.asked.level} if self.asked.level else {}),
        }
        before = {k: os.environ.get(k) for k in wanted}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for key, value in before.items():
                os.environ.pop(key, None) if value is None else os.environ.update({key: value})


def begin(asked: Asked) -> None:
    """Start the kernel of a job that is about to come."""
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(Place(asked))
        place.start()
        _waiting.append(place)
        stack.pop_all()


def of(asked: Asked) -> Place:
    """The place of a job: the one where its kernel waits, or a new one.

    Raises:
        CourseError: If the disk is full.
    """
    while _waiting:
        place = _waiting.pop()
        if place.serves(asked):
            return place
        with place:
            pass
    return Place(asked)


def _new(kind: str) -> tempfile.TemporaryDirectory:
    # The warm server's folder goes with it, however this process ends.
    where = server.folder("jobs")
    return tempfile.TemporaryDirectory(prefix=f"{kind}-", dir=where, ignore_cleanup_errors=True)


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = Path(server.address()).parent.parent
        raise CourseError(
            f"{platform.node()} cannot grade this: its disk for temporary files is full "
            f"({where}). Free some space, or set TMPDIR to another disk."
        ) from None
