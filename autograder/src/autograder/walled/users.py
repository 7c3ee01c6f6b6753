"""A user number of its own for a sandbox, from a range that nobody else has, and its end."""

import contextlib
import errno
import os
import pwd
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from autograder.walled import linux
from autograder.walled.linux import (
    CAP_CHOWN,
    CAP_DAC_OVERRIDE,
    CAP_FOWNER,
    CAP_KILL,
    CAP_SETGID,
    CAP_SETUID,
)
from autograder.walled.processes import end_with_parent
from autograder.walled.request import Walls

_WANTED = 1_900_000_000  # systemd and Debian give out no number of this size
_COUNT = 1_000
_BELOW = 3_000  # how far below the end of a smaller range, which has numbers with a meaning
_RIGHTS = (CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL, CAP_SETGID, CAP_SETUID)
_SECONDS = 10  # after which a process that was killed must be gone


def own_uid(request: Walls) -> None:
    """A user number that no other process has, without any group of the caller's."""
    if not request.user:
        raise PermissionError(errno.EPERM, "no user number of its own was found")
    os.setgroups([])
    os.setresgid(request.user, request.user, request.user)
    os.setresuid(request.user, request.user, request.user)
    # The system takes both back when a process changes its user.
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    end_with_parent()
    for place in request.readable.values():
        if not os.access(place, os.R_OK):
            raise PermissionError(errno.EACCES, "another user cannot read this", place)


def spare() -> Iterator[int]:
    """Numbers that a sandbox may have, as far as this process may give them out.

    Raises:
        PermissionError: If it may not.
    """
    if not all(map(linux.has_capability, _RIGHTS)):
        raise PermissionError(errno.EPERM, "only root may give a process another user number")
    first = _first()
    for number in range(first + 1, first + _COUNT):  # `_first` itself is that of `end_all_of`
        try:
            pwd.getpwuid(number)
        except KeyError:
            yield number


def end_all_of(user: int) -> bool:
    """Kill every process of this user, and wait until they are gone.

    Returns:
        Whether they are.
    """
    deadline = time.monotonic() + _SECONDS
    while True:
        _kill_all_of(user)
        if not is_in_use(user):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)


def is_in_use(user: int) -> bool:
    """Whether a process has this user number."""
    return any(_owner(int(name)) == user for name in os.listdir("/proc") if name.isdigit())


def _kill_all_of(user: int) -> None:
    """Send SIGKILL to all processes of this user at once.

    The process that does it acts for the user but does not belong to it, so that they cannot kill
    it first.
    """
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    with contextlib.suppress(BaseException):
        mine = _first()
        os.setgroups([])
        os.setresgid(mine, mine, mine)
        os.setresuid(mine, user, mine)
        if os.getresuid() == (mine, user, mine) and mine > 0 < user:
            os.kill(-1, signal.SIGKILL)
    os._exit(0)


def _first() -> int:
    """The first number of the range, which must have a meaning in this user namespace."""
    ends = []
    for kind in ("uid", "gid"):
        lines = Path(f"/proc/self/{kind}_map").read_text().splitlines()
        spans = [(int(start), int(start) + int(size)) for start, _, size in map(str.split, lines)]
        if any(start <= _WANTED < end - _COUNT for start, end in spans):
            ends.append(_WANTED + _BELOW)
        else:
            ends.append(max(end for _, end in spans))
    first = min(ends) - _BELOW
    if first < _COUNT:
        raise PermissionError(errno.EPERM, "this user namespace has no numbers to spare")
    return first


def _owner(pid: int) -> int:
    """The real user of a process; -1 if it has just ended."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
        if status.partition("State:")[2].split()[0] != "Z":
            return int(status.partition("\nUid:")[2].split()[0])
    return -1
