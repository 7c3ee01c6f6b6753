"""Limits that the system itself enforces: rlimits, and the number of process ids."""

import os
import re
import resource
from pathlib import Path

from autograder.walled.limits import Limits
from autograder.walled.request import Walls


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
        (resource.RLIMIT_NOFILE, limits.opened // 4),
        (resource.RLIMIT_NPROC, limits.threads),
        (resource.RLIMIT_SIGPENDING, 1_024),
    ):
        highest = resource.getrlimit(what)[1]
        most = most if highest == resource.RLIM_INFINITY else min(most, highest)
        resource.setrlimit(what, (most, most))


def bound_process_numbers(limits: Limits) -> None:
    """Allow as many process numbers as threads, from Linux 6.14 on.

    Before that version the setting is the whole machine's. The system also counts processes per
    user (`bounded`), but not those of its own root.
    """
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if version and tuple(map(int, version.groups())) >= (6, 14):
        Path("/proc/sys/kernel/pid_max").write_text(str(300 + limits.threads))
        Path("/proc/sys/kernel/ns_last_pid").write_text("300")  # lower ones are given out once
