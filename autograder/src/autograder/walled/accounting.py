"""Counts what all processes of a sandbox use together, and compares it with the limits."""

import contextlib
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from autograder.walled import folders, linux
from autograder.walled.calls import pipes, too_many_processes
from autograder.walled.limits import GB
from autograder.walled.members import members
from autograder.walled.request import Walls

_DISK_SECONDS = 1.0  # between two looks at the folders on the disk


class Watch:
    """Counts in the keeper what a sandbox uses; each call says whether it exceeds a limit.

    ``/proc`` is the sandbox's own here, so every process in it belongs to the sandbox; without one,
    all that descends from the keeper does.
    """

    def __init__(self, request: Walls) -> None:
        self.limits, self.called, self.request = request.limits, request.called, request
        self.started = self._looked = time.monotonic()
        self._seen: dict[tuple[int, int], float] = {}
        self._gone = 0.0

    def begin(self) -> None:
        """Start counting; the process has bound its sockets."""
        self.started = time.monotonic()

    def __call__(self) -> str:
        """One sentence if a limit is exceeded, otherwise an empty string."""
        limits, now, who = self.limits, time.monotonic(), self.called
        if now - self.started > limits.wall_seconds:
            return f"{who} took longer than {limits.wall_seconds:,} seconds."
        pids = members(self.request)
        if len(pids) > limits.processes:
            return too_many_processes(who, limits)
        used = [_usage(pid) for pid in pids]
        if sum(u.threads for u in used) > limits.threads:
            return f"{who} started more than {limits.threads:,} threads."
        if reason := self.too_much(self._computed(used)):
            return reason
        with linux.acting_as(self.request.user):
            return self._held(pids, used) or (self._disk(pids) if self.request.place else "")

    def _held(self, pids: list[int], used: list["_Usage"]) -> str:
        limits, who = self.limits, self.called
        opened = sum(_opened(pid, limits.opened // 4) for pid in pids)
        if opened > limits.opened:
            return f"{who} opened more than {limits.opened:,} files."
        if opened > limits.pipes < pipes(pids):
            return f"{who} opened more than {limits.pipes:,} pipes."
        if sum(u.memory for u in used) > limits.memory < sum(map(_share, pids)):
            return f"{who} used more than {limits.memory / GB:.1f} GB of memory."
        return ""

    def too_much(self, seconds: float) -> str:
        """One sentence if this is too much computing time, otherwise an empty string."""
        most = self.limits.cpu_seconds
        return f"{self.called} computed for more than {most:,} seconds." if seconds > most else ""

    def computed(self) -> float:
        """Seconds of computing time of all processes so far."""
        return self._computed([_usage(pid) for pid in members(self.request)])

    def runs(self) -> bool:
        """Whether a thread of the sandbox computes, or waits for a core, at this moment."""
        for pid in members(self.request):
            for path in Path(f"/proc/{pid}/task").glob("[0-9]*/stat"):
                with contextlib.suppress(OSError):
                    if path.read_bytes().rpartition(b")")[2].split()[:1] == [b"R"]:
                        return True
        return False

    def _computed(self, used: list["_Usage"]) -> float:
        """Compare two sums, each of which can miss something, and return the larger one.

        The system adds a process's time to its parent's only if the parent waits for it. What a
        process had used when it was last seen lacks what it used after that.
        """
        present = {u.who: u.own for u in used}
        self._gone += sum(own for who, own in self._seen.items() if who not in present)
        self._seen = present
        return max(sum(u.cpu for u in used), self._gone + sum(present.values()))

    def _disk(self, pids: list[int]) -> str:
        """Once a second, what folders on the disk hold; no file system bounds them."""
        if time.monotonic() - self._looked < _DISK_SECONDS:
            return ""
        work, home, scratch = folders.places(self.request)
        unlinked = sum(map(_unlinked, pids))
        for place, most in (
            (work, self.limits.disk),
            (home, self.limits.scratch),
            (scratch, self.limits.scratch),
        ):
            held = folders.held(place, self.limits.files)
            if held.files > self.limits.files:
                return f"{self.called} made more than {self.limits.files:,} files."
            if held.size + unlinked > most:
                return f"{self.called} used more than {most / GB:.1f} GB of the disk."
        self._looked = time.monotonic()
        return ""


@dataclass(frozen=True)
class _Usage:
    memory: int = 0  # bytes that are no file's; pages shared by forked processes count for each
    threads: int = 0
    cpu: float = 0.0  # seconds, those of children that have ended included
    own: float = 0.0  # seconds, its own alone
    who: tuple[int, int] = (0, 0)  # its number, and when it started


# Anonymous and shared memory, present or swapped out, and the tables of pages that were only read.
_HELD = ("RssAnon", "RssShmem", "VmSwap", "VmPTE")


def _usage(pid: int) -> _Usage:
    """What one process uses; nothing when it has just ended."""
    try:
        # A process chooses its own name, and may choose bytes that are not text.
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
        words = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return _Usage()
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    memory = sum(int(facts.get(name, "0 kB").split()[0]) * 1024 for name in _HELD)
    times = [int(word) / os.sysconf("SC_CLK_TCK") for word in words[11:15]]
    who = pid, int(words[19])
    return _Usage(memory, int(facts["Threads"]), sum(times), sum(times[:2]), who)


def _share(pid: int) -> int:
    """Bytes of one process that are no file's, of shared pages its share."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        lines += Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except PermissionError:  # it runs a program that nobody may read
        return _usage(pid).memory
    except OSError:
        return 0
    names = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:", "VmPTE:")
    kept = [line.split() for line in lines if line.startswith(names)]
    return sum(int(line[1]) * 1024 for line in kept)


def _opened(pid: int, most: int) -> int:
    """How many files, pipes and sockets one process has open, or may have if nobody can tell."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return most
    except OSError:
        return 0


def _unlinked(pid: int) -> int:
    """Bytes of files that one process holds open and that no folder contains any more."""
    size = 0
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                facts = os.stat(entry.path)
                if stat.S_ISREG(facts.st_mode) and not facts.st_nlink:
                    size += facts.st_blocks * 512
    return size
