"""Limits that the system itself enforces: rlimits, and the number of process ids."""

import contextlib
import os
import re
import resource
from pathlib import Path

from autograder.walled.limits import Limits
from autograder.walled.request import SAME_USER, Walls


def bounded(request: Walls) -> None:
    """Set the most that one process may use (rlimits).

    `accounting.Watch` bounds what all of them use together.
    """
    limits = request.limits
    status = Path("/proc/self/status").read_text()
    present = int(status.partition("VmData:")[2].split()[0]) * 1024
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_DATA, present + limits.memory),
        (resource.RLIMIT_FSIZE, limits.disk),
        (resource.RLIMIT_MEMLOCK, 2**20),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_NPROC, limits.threads + _threads_of_others(request)),
        (resource.RLIMIT_RTPRIO, 0),
        (resource.RLIMIT_NICE, 0),
        (resource.RLIMIT_SIGPENDING, limits.signals),
    ):
        _set(what, most)


def bound_files(limits: Limits) -> None:
    """Set how many files one process may open.

    The system refuses to send open files while those of the user that are on their way exceed this
    number, so a process gets it last, when it has sent its keeper what the keeper needs.
    """
    _set(resource.RLIMIT_NOFILE, limits.opened // 4)


def open_many() -> None:
    """Let this process open as many files as it may, and send them whatever others have sent."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _set(what: int, most: int) -> None:
    highest = resource.getrlimit(what)[1]
    most = most if highest == resource.RLIM_INFINITY else min(most, highest)
    resource.setrlimit(what, (most, most))


def _threads_of_others(request: Walls) -> int:
    """How many threads this user has, where the system counts them with those of the process."""
    if request.level != SAME_USER:
        return 0
    found = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError, ValueError):
            status = Path(f"/proc/{name}/status").read_text(errors="replace")
            if int(status.partition("\nUid:")[2].split()[0]) == os.getuid():
                found += int(status.partition("\nThreads:")[2].split()[0])
    return found


def bound_process_numbers(limits: Limits) -> None:
    """Allow as many process numbers as threads, from Linux 6.14 on.

    Before that version the setting is the whole machine's.
    """
    if _numbers_are_own():
        Path("/proc/sys/kernel/pid_max").write_text(str(300 + limits.threads))
        Path("/proc/sys/kernel/ns_last_pid").write_text("300")  # lower ones are given out once


def processes_are_bounded() -> bool:
    """Whether the system itself bounds how many processes a sandbox starts.

    It counts processes per user (`bounded`), but not those of its own root.
    """
    return _numbers_are_own() or os.geteuid() != 0


def _numbers_are_own() -> bool:
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return version is not None and tuple(map(int, version.groups())) >= (6, 14)
