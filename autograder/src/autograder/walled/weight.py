"""The weight of a sandbox on cores that it shares.

The system gives each thread, or each session where it groups by session, an equal part of a core.
So a sandbox with many of them would get most of it. Here the nice value of each rises with their
number, until all together weigh as much as the sandbox's share.
"""

import contextlib
import math
import os
from collections.abc import Iterator

_STEP = 1.25  # by how much a step of the nice value changes a thread's weight
_HIGHEST = 19
_STATE, _SESSION = 0, 3  # words of a thread's line, after its name


class Weight:
    """The nice values of one sandbox; they never fall, because only root may lower them."""

    def __init__(self, machine: int, cores: int) -> None:
        """Change nothing yet.

        Args:
            machine: ``/proc`` of the machine.
            cores: How many threads may compute at their full weight; 0 for all of the machine's.
        """
        self._machine = machine
        self._cores = cores or os.cpu_count() or 1
        self._threads = 0  # the nice value of each thread
        self._sessions: dict[int, int] = {}  # and of each session
        self._wanted: dict[int, tuple[int, int]] = {}  # of each session, a process and nice value
        self._looks = 0

    def keep(self, first: int) -> None:
        """Adapt the nice values to what runs now; called ten times a second.

        Args:
            first: The first process of the sandbox, as the keeper sees its number.
        """
        if self._looks % 10 == 0:
            self._measure(first)
        self._looks += 1
        # The system changes the weight of ten sessions in a second, for all who ask.
        for session, (pid, nice) in self._wanted.items():
            if self._lighter(pid, nice):
                self._sessions[session] = nice
                del self._wanted[session]
            break

    def _measure(self, first: int) -> None:
        processes = list(self._below(first))
        running, leaders = 0, {}
        for pid in processes:
            for thread in self._list(f"{pid}/task"):
                words = self._read(f"{pid}/task/{thread}/stat").rpartition(b")")[2].split()
                if words and words[_STATE] == b"R":
                    running += 1
                    leaders[int(words[_SESSION])] = pid
        nice = self._for(running)
        if nice > self._threads:
            self._threads = nice
            for pid in processes:
                for thread in self._list(f"{pid}/task"):
                    with contextlib.suppress(OSError):
                        os.setpriority(os.PRIO_PROCESS, int(thread), nice)
        nice = self._for(len(leaders))
        lacking = {one: pid for one, pid in leaders.items() if nice > self._sessions.get(one, 0)}
        self._wanted = {one: (pid, nice) for one, pid in lacking.items()}

    def _for(self, many: int) -> int:
        """The nice value at which so many weigh as much as the share."""
        if many <= self._cores + 1:  # the kernel's own threads run now and then
            return 0
        return min(_HIGHEST, math.ceil(math.log(many / self._cores, _STEP)))

    def _lighter(self, pid: int, nice: int) -> bool:
        """Change the weight of a process's session, and tell whether the system did it."""
        with contextlib.suppress(OSError):
            fd = os.open(f"{pid}/autogroup", os.O_WRONLY, dir_fd=self._machine)
            try:
                return os.write(fd, str(nice).encode()) > 0
            finally:
                os.close(fd)
        return False

    def _below(self, pid: int) -> Iterator[int]:
        yield pid
        for thread in self._list(f"{pid}/task"):
            for child in self._read(f"{pid}/task/{thread}/children").split():
                yield from self._below(int(child))

    def _list(self, name: str) -> list[str]:
        with contextlib.suppress(OSError):
            fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._machine)
            try:
                return os.listdir(fd)
            finally:
                os.close(fd)
        return []

    def _read(self, name: str) -> bytes:
        with contextlib.suppress(OSError):
            fd = os.open(name, os.O_RDONLY, dir_fd=self._machine)
            try:
                return os.read(fd, 65_536)
            finally:
                os.close(fd)
        return b""
