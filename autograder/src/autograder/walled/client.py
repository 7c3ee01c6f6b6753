"""The asker's side: a process that a server forked, and that ends with its asker."""

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograder.walled import wire
from autograder.walled.bounds import open_many
from autograder.walled.errors import Lost, WallError
from autograder.walled.processes import memory_kills

FROM_OUTSIDE = "Somebody or something outside the grader killed its process."
START_SECONDS = 120  # loading everything on a slow, busy machine


@dataclass(frozen=True)
class Use:
    """How much of the processor a sandbox has used.

    Attributes:
        seconds: The computing time of all of its processes so far.
        runs: Whether one of their threads computes, or waits for a core, at this moment.
    """

    seconds: float
    runs: bool


class Process:
    """A process forked from a server; it lives at most as long as this object's connection.

    Attributes:
        pid: Its process id, once the keeper has sent it.
        returncode: Its exit code (negative: the signal that ended it), or None while it runs.
        reason: Why the keeper ended it, as one sentence; empty if it ended by itself.
        error: A traceback, if it never became ready.
        wall: A sentence that names a wall that could not be built.
        outside: Whether it was killed from outside; None if its keeper cannot know.
        folder: Where its working folder is, if it has no file tree of its own; otherwise empty.
    """

    def __init__(
        self,
        address: str,
        target: str,
        arguments: dict[str, Any],
        *,
        environment: dict[str, str],
        folder: str | os.PathLike[str],
        fds: Sequence[int] = (),
        walls: dict[str, Any] | None = None,
        out_of_memory: str = "The machine ran out of memory.",
    ) -> None:
        """Ask for ``target`` to be run.

        Args:
            address: Where the server listens.
            target: "package.module:function", called as ``function(call)`` with a `target.Call`.
            arguments: Plain JSON data.
            environment: The complete ``os.environ`` of the process.
            folder: Its working folder.
            fds: Open files to hand over.
            walls: What `request.Walls.plain` gives, or None for a process without walls.
            out_of_memory: What `lost` returns if the machine ran out of memory.

        Raises:
            OSError: If no server listens at the address.
        """
        request = {
            "target": target,
            "arguments": arguments,
            "environment": environment,
            "folder": str(folder),
            "walls": walls,
        }
        self.pid: int | None = None
        self.returncode: int | None = None
        self.reason, self.error, self.wall, self.folder = "", "", "", ""
        self.outside: bool | None = None
        self._out_of_memory = out_of_memory
        if fds and sys.platform == "linux":
            open_many()
        self._abandoned = False  # whether its keeper ended first
        self._kills_before = memory_kills()
        self._ready = False
        self._use: Use | None = None  # what the keeper told last
        self._lines = wire.Lines()
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(address)
            wire.send(self._socket, request, fds)
        except OSError:
            self._socket.close()
            raise

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until the target says that it is ready.

        Raises:
            WallError: If one of its walls cannot be built here.
            Lost: If it was ended from outside first, or takes too long.
            RuntimeError: If it ends first for another reason; with its own message if it has one.
        """
        deadline = time.monotonic() + seconds
        while not self._ready and self.returncode is None and time.monotonic() < deadline:
            self._listen(deadline - time.monotonic())
        if not self._ready:
            self.kill()
            if self.wall:
                raise WallError(self.wall)
            ended = f"The process ended with code {self.returncode} before it was ready."
            if not self.error and (self._abandoned or (self.returncode or 0) < 0):
                raise Lost(self.reason or ended)
            raise RuntimeError(self.error or self.reason or ended)

    def poll(self) -> int | None:
        """The exit code (negative: the signal that ended it), or None while it runs."""
        while self.returncode is None and self._listen(0):
            pass
        return self.returncode

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait until it ends.

        Args:
            seconds: How long to wait; None to wait without a limit.

        Returns:
            The exit code, or None if it still runs.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while self.returncode is None:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left < 0:
                break
            self._listen(left)
        return self.returncode

    def lost(self) -> str:
        """One sentence if it ended through no fault of its own, otherwise an empty string."""
        if self._abandoned:
            return self.reason
        by_system = self.poll() == -signal.SIGKILL and not self.reason
        if by_system and memory_kills() > self._kills_before:
            return self._out_of_memory
        return FROM_OUTSIDE if self.outside else ""

    def use(self, seconds: float = 1) -> "Use | None":
        """How much of the processor all of its processes have used.

        Args:
            seconds: How long to wait for the answer.

        Returns:
            The answer, or None if it has no walls or if its keeper does not answer in time.
        """
        self._use, deadline = None, time.monotonic() + seconds
        self.signal(wire.HOW_MUCH)
        while self.returncode is None and self._use is None:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._listen(left)
        return self._use

    def signal(self, number: int) -> None:
        """Send a signal to the target alone."""
        with contextlib.suppress(OSError):
            self._socket.sendall(bytes([number]))

    def kill(self) -> None:
        """End it and all processes that it started, and wait until they are gone."""
        if self.poll() is None:
            self.signal(signal.SIGKILL)
            if self.wait(10) is None:  # the keeper does not answer; the server ends it
                self.returncode = -signal.SIGKILL
        self._socket.close()

    def _listen(self, seconds: float | None) -> bool:
        """Read what the keeper sends within ``seconds``; return whether it sent anything."""
        seconds = None if seconds is None else max(0, seconds)
        if not select.select([self._socket], [], [], seconds)[0]:
            return False
        try:
            got = self._socket.recv(wire.CHUNK)
        except OSError:
            got = b""
        if not got:
            self.returncode, self._abandoned = -signal.SIGKILL, True
            self.reason = self.reason or "The server of warm processes ended."
            self._socket.close()
            return True
        for said in self._lines.take(got):
            self._take(said)
        if self.returncode is not None:
            self._socket.close()  # nothing more will be said
        return True

    def _take(self, said: dict[str, Any]) -> None:
        self.pid = said.get("pid", self.pid)
        if "use" in said:
            self._use = Use(*said["use"])
        self._ready = said.get("ready", self._ready)
        self.error = said.get("error", self.error)
        self.wall = said.get("wall", self.wall)
        self.folder = said.get("folder", self.folder)
        self.reason = said.get("reason") or self.reason
        self.outside = said.get("outside", self.outside)
        self.returncode = said.get("returncode", self.returncode)
