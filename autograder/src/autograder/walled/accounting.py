"""Counts what all processes of a sandbox use together, and compares it with the limits."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from autograder.walled import linux, seccomp
from autograder.walled.limits import GB
from autograder.walled.request import Walls


class Watch:
    """Counts in the keeper what a sandbox uses; each call says whether it exceeds a limit.

    ``/proc`` is the sandbox's own here, so every process in it belongs to the sandbox.
    """

    def __init__(self, request: Walls) -> None:
        self.limits, self.sockets, self.called = request.limits, request.sockets, request.called
        self.started = time.monotonic()

    def begin(self) -> None:
        """Start counting; the process has bound its sockets and must not write there any more."""
        linux.restrict(self.sockets, linux.MS_RDONLY)
        self.started = time.monotonic()

    def __call__(self) -> str:
        """One sentence if a limit is exceeded, otherwise an empty string."""
        limits, now, who = self.limits, time.monotonic(), self.called
        if now - self.started > limits.wall_seconds:
            return f"{who} took longer than {limits.wall_seconds:,} seconds."
        pids = _processes()
        used = [_usage(pid) for pid in pids]
        if sum(u.threads for u in used) > limits.threads:
            return f"{who} started more than {limits.threads:,} threads."
        if sum(u.cpu for u in used) > limits.cpu_seconds:
            return f"{who} computed for more than {limits.cpu_seconds:,} seconds."
        if sum(map(_opened, pids)) > limits.opened:
            return f"{who} opened more than {limits.opened:,} files."
        if sum(u.memory for u in used) > limits.memory < sum(map(_share, pids)):
            return f"{who} used more than {limits.memory / GB:.1f} GB of memory."
        return ""

    def answer(self, listener: int) -> str:
        """Let a process fork, or return the reason why all of them must end."""
        if len(_processes()) >= self.limits.processes:
            return f"{self.called} started more than {self.limits.processes} processes."
        seccomp.let_go_on(listener)
        return ""


@dataclass(frozen=True)
class _Usage:
    memory: int = 0  # bytes that are no file's; pages shared by forked processes count for each
    threads: int = 0
    cpu: float = 0.0  # seconds, those of children that have ended included


# Anonymous and shared memory, present or swapped out, and the tables of pages that were only read.
_HELD = ("RssAnon", "RssShmem", "VmSwap", "VmPTE")


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _usage(pid: int) -> _Usage:
    """What one process uses; nothing when it has just ended."""
    try:
        # A process chooses its own name, and may choose bytes that are not text.
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
        times = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[11:15]
    except OSError:
        return _Usage()
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    memory = sum(int(facts.get(name, "0 kB").split()[0]) * 1024 for name in _HELD)
    return _Usage(memory, int(facts["Threads"]), sum(map(int, times)) / os.sysconf("SC_CLK_TCK"))


def _share(pid: int) -> int:
    """Bytes of one process that are no file's, of shared pages its share."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        lines += Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return 0
    names = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:", "VmPTE:")
    kept = [line.split() for line in lines if line.startswith(names)]
    return sum(int(line[1]) * 1024 for line in kept)


def _opened(pid: int) -> int:
    """How many files, pipes and sockets one process has open."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0
