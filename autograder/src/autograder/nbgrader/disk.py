"""What is written beside the gradebook: whole or not at all, and a sentence when it cannot be."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from nbgrader.converters.base import NbGraderException
from sqlalchemy.exc import OperationalError

from autograder.root import CourseError

FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_AGAIN = "and run this again; what is graded stays graded"
# What SQLite says, and what helps.
_HELPS = {
    "locked": "another program uses it: close that program",
    "readonly": "the file or its folder is read-only: make both writable",
    "unable to open": "the file or its folder is read-only or missing: make both writable",
    "full": "the disk is full: free some space",
    "disk I/O": "its disk fails or is full: look at the system's log",
}


@contextlib.contextmanager
def writable() -> Iterator[None]:
    """Report a gradebook or a disk that cannot be written as a `CourseError`."""
    try:
        yield
    except (OperationalError, NbGraderException) as error:
        cause = error if isinstance(error, OperationalError) else error.__context__
        if isinstance(cause, OSError):
            _report(cause)
        if not isinstance(cause, OperationalError):
            raise
        said = str(cause.orig)
        help_ = next((helps for words, helps in _HELPS.items() if words in said), said)
        raise CourseError(f"The gradebook cannot be written: {help_}, {_AGAIN}.") from None
    except OSError as error:
        _report(error)
        raise


def _report(error: OSError) -> None:
    """Raise a `CourseError` if the machine's disk is the cause."""
    where = f" {error.filename}" if error.filename else ""
    if error.errno in FULL:
        raise CourseError(f"The disk is full{where and ':' + where}: free some space, {_AGAIN}.")
    if error.errno in _CLOSED:
        raise CourseError(f"The grader may not use{where}: give it the right, {_AGAIN}.")


@contextlib.contextmanager
def replaced(folder: Path, aside: Path, kept: Path | None = None) -> Iterator[None]:
    """Keep a folder aside while a new one is written, and put it back if that fails.

    Args:
        folder: The folder.
        aside: A place on the same disk, of which an earlier run may have left something.
        kept: Where the folder stays afterwards, unless something is there already.
    """
    shutil.rmtree(aside, ignore_errors=True)
    if there := folder.is_dir():
        aside.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(aside)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if there:
            aside.rename(folder)
        raise
    if there and kept is not None and not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(kept)
    shutil.rmtree(aside, ignore_errors=True)
