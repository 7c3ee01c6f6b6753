"""A sandbox's share of the machine's cores.

A sandbox computes on as many cores as its limits say, and on cores that no other sandbox has taken
while there are such. However many processes and threads it starts, they compute there alone, and
the filter of system calls (`seccomp`) keeps them from leaving.
"""

import contextlib
import os
import socket
import sys

from autograder.walled.weight import Weight

MOST = 64  # sandboxes on one core


def usable() -> int:
    """How many cores this process may use; fewer in a container or under taskset."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Share:
    """The cores of one sandbox, taken until `release` or until this process ends.

    Attributes:
        weight: What it weighs on cores that others have taken as well.
    """

    def __init__(self, count: int, machine: int) -> None:
        """Have this process, and all that it forks from now on, compute on these cores alone.

        Args:
            count: How many cores; 0 for all that this process may use.
            machine: ``/proc`` of the machine.
        """
        self.weight = Weight(machine, count)
        self._held: list[socket.socket] = []
        if sys.platform != "linux":
            return
        allowed = sorted(os.sched_getaffinity(0))
        if 0 < count < len(allowed):
            os.sched_setaffinity(0, self._taken(count, allowed))

    def release(self) -> None:
        """Let other sandboxes take these cores."""
        for name in self._held:
            name.close()
        self._held = []

    def _taken(self, count: int, allowed: list[int]) -> list[int]:
        """The first cores that few others have taken.

        What is taken is known by an abstract socket's name: it is there for all sandboxes of the
        machine, and gone with the process that has it.
        """
        chosen: list[int] = []
        for round_ in range(MOST):
            for core in allowed:
                if core in chosen:
                    continue
                name = socket.socket(socket.AF_UNIX)
                with contextlib.suppress(OSError):
                    name.bind(f"\0autograder-core-{core}-{round_}")
                    self._held.append(name)
                    chosen.append(core)
                    if len(chosen) == count:
                        return chosen
                    continue
                name.close()
        return chosen or allowed
