"""Processes of this machine: their descendants, and with whom they end."""

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from autograder.walled import linux

_PF_EXITING = 4  # linux/sched.h


def short_folder() -> str:
    """A temporary folder whose path is short enough for a socket (108 bytes)."""
    folder = tempfile.gettempdir()
    return folder if len(os.fsencode(folder)) < 60 else "/tmp"


def memory_kills() -> int:
    """Processes that this machine has ended so far because its own memory was full."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/vmstat").read_text().partition("oom_kill ")[2].split()[0])
    return 0


# What a fault of a program's own code raises; the other signals are sent by somebody.
_FAULTS = "SIGSEGV SIGBUS SIGFPE SIGILL SIGABRT SIGTRAP SIGSYS SIGXCPU SIGXFSZ"


def was_sent(returncode: int | None) -> bool:
    """Whether a process with this exit code was ended by a signal that no fault raises."""
    faults = {getattr(signal, name) for name in _FAULTS.split() if hasattr(signal, name)}
    return returncode is not None and returncode < 0 and -returncode not in faults


def is_ending(pid: int) -> bool:
    """Whether a process is gone, or on its way (on Linux)."""
    if sys.platform != "linux":
        return False
    try:
        facts = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return True
    return facts[0] in (b"Z", b"X") or bool(int(facts[6]) & _PF_EXITING)


def adopt_orphans() -> None:
    """Become the parent of all orphaned descendants (on Linux)."""
    if sys.platform == "linux":
        linux.try_prctl(linux.PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent ends (on Linux)."""
    if sys.platform == "linux":
        linux.try_prctl(linux.PR_SET_PDEATHSIG, number)


def descendants(pid: int) -> list[int]:
    """The numbers of all processes that descend from one, whose orphans it adopts."""
    found, waiting = list[int](), [pid]
    while waiting:
        found += (more := children(waiting.pop()))
        waiting += more
    return found


def children(pid: int) -> list[int]:
    """The numbers of a process's children, zombies included."""
    found = list[int]()
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    except FileNotFoundError:  # it has ended, or the system has no such file
        return [*_children(pid)] if Path(f"/proc/{pid}").exists() else found
    except OSError:
        pass
    return found


def end_descendants() -> None:
    """Kill all descendants of this process."""
    while _has_children() and (left := list(_children(os.getpid()))):
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)


def _has_children() -> bool:
    """Whether there is a child to wait for; the system tells it without a search in ``/proc``."""
    if sys.platform == "linux":
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
    return True


def _children(pid: int) -> Iterator[int]:
    # A keeper may see the ``/proc`` of its sandbox, whose numbers are other processes outside.
    if sys.platform == "linux" and not os.path.exists("/proc/self/stat"):
        return
    for entry in Path("/proc").glob("[0-9]*/stat") if sys.platform == "linux" else ():
        with contextlib.suppress(OSError, ValueError, IndexError):
            # A process chooses its own name, and may choose bytes that are not text.
            if int(entry.read_bytes().rpartition(b")")[2].split()[1]) == pid:
                yield int(entry.parent.name)
