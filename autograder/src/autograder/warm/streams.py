"""The outputs of a grading kernel: which cell they belong to, and when all of them have come."""

import contextlib
import os
import stat
import sys
import threading

from ipykernel.iostream import OutStream

MOST_SECONDS = 1  # to wait for what a program has written past Python


class Stream(OutStream):
    """A stream that knows whether there is something to send.

    What a program writes past Python goes through a pipe to a thread, which writes it here.

    Attributes:
        is_written: Whether anything came since the last `flush`.
    """

    is_written = False
    _pipe: tuple[int, int] | None = None
    _mark: threading.Event | None = None  # set once the byte of `mark` has come through the pipe

    def note_pipe(self) -> None:
        """Note which pipe this stream reads; code of the notebook may put a file in its place."""
        self._pipe = self._identity()

    def mark(self) -> None:
        """Write a zero byte into the pipe, after which nothing of the last cell can come."""
        if self._pipe is not None and self._pipe == self._identity():
            self._mark = threading.Event()
            os.write(self._number, b"\0")

    def wait(self) -> None:
        """Wait for the mark."""
        if self._mark is not None:
            self._mark.wait(MOST_SECONDS)
            self._mark = None

    def write(self, string: str) -> int:
        mark = self._mark if threading.current_thread() is self._reader else None
        if mark is None or "\0" not in string:
            return self._written(string)
        before, _, after = string.rpartition("\0")
        count = self._written(before + after)
        mark.set()
        return count

    def _written(self, string: str) -> int:
        count = super().write(string) or 0
        self.is_written |= bool(string)  # not before: another thread may flush in this moment
        return count

    def flush(self) -> None:
        if self.is_written:
            self.is_written = False
            super().flush()

    @property
    def _number(self) -> int:
        return 2 if self.name == "stderr" else 1

    @property
    def _reader(self) -> threading.Thread | None:
        return getattr(self, "watch_fd_thread", None)

    def _identity(self) -> tuple[int, int] | None:
        with contextlib.suppress(OSError):
            found = os.fstat(self._number)
            reads = self._reader is not None and self._reader.is_alive()
            if reads and stat.S_ISFIFO(found.st_mode):
                return found.st_dev, found.st_ino
        return None


def have_output() -> bool:
    """Whether a cell that has just ended has written anything that is not sent yet."""
    try:
        return _have_output()
    except Exception:  # the notebook may have replaced what this uses, such as os.write
        return True


def _have_output() -> bool:
    streams = [one for one in (sys.stdout, sys.stderr) if isinstance(one, Stream)]
    for one in streams:
        one.mark()
    for one in streams:
        one.wait()
    return len(streams) < 2 or any(one.is_written for one in streams)  # a cell may replace them
