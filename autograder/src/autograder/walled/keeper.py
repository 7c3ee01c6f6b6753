"""The keeper of one process: starts it, watches it, and ends it with all that it started."""

import contextlib
import os
import select
import signal
import socket
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from autograder.walled import folders, levels, linux, walls, wire
from autograder.walled.accounting import Watch
from autograder.walled.calls import Calls
from autograder.walled.cores import Share
from autograder.walled.errors import WallError
from autograder.walled.processes import adopt_orphans, children, end_descendants
from autograder.walled.request import Walls
from autograder.walled.spaces import own_processes
from autograder.walled.stay import Stay
from autograder.walled.target import become

LOOK = 0.1  # seconds between two looks at what a sandbox uses


def last_words(function: Callable[..., None], *arguments: Any) -> NoReturn:
    """Call a function and exit, so that a forked process never returns to the server's own code."""
    try:
        function(*arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def attend(connection: socket.socket, alive: int, forked: Callable[[], None] | None) -> None:
    """Read the request on this connection, start its target, and watch it until it ends."""
    adopt_orphans()
    signal.signal(signal.SIGCHLD, lambda *_: None)
    request, fds = wire.receive(connection)
    os.setsid()
    for number in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    behind, watch, calls, share, stay = None, None, None, None, None
    words, theirs = socket.socketpair()
    try:
        if request["walls"] is not None:
            stay = walls.begun(Walls.read(request["walls"]))
            behind = stay.request
            machine = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
            share = Share(behind.limits.cores, machine)
            walls.outer(behind)
            watch, calls = Watch(behind), Calls(behind, machine)
        pid = os.fork()
    except Exception as error:
        if stay is not None:
            stay.end()
        kind = "wall" if isinstance(error, WallError) else "error"
        wire.say(connection, {kind: str(error), "returncode": 1})
        return
    if pid == 0:
        connection.close()
        words.close()
        os.close(alive)
        if calls is not None and share is not None:
            os.close(machine)
            share.release()
        if stay is not None:
            stay.forget()
        last_words(become, request, behind, fds, theirs, forked)
    theirs.close()
    for fd in fds:
        os.close(fd)
    try:
        first = behind is not None and own_processes in levels.of(behind.level).outer
        _Keeper(connection, alive, words, pid, watch, calls, share, stay, first).keep()
    finally:
        end_descendants()  # even if the keeper fails, no uncounted process remains
        if stay is not None:
            stay.end()
    os._exit(0)


class _Keeper:
    """Relays messages between asker and target until the target ends or the asker is gone.

    Once the target is ready, it asks ``watch`` ten times a second, and ``calls`` whenever a process
    waits for an answer; the first reason that either gives ends the target.
    """

    def __init__(
        self,
        connection: socket.socket,
        alive: int,
        words: socket.socket,
        pid: int,
        watch: Watch | None,
        calls: Calls | None,
        share: Share | None,
        stay: Stay | None,
        first: bool,
    ) -> None:
        self.connection, self.alive, self.pid, self.watch = connection, alive, pid, watch
        self.calls, self.share, self.stay = calls, share, stay
        self.first = first  # whether the target is the first process of a process namespace
        self.next = 0.0  # when to ask ``watch`` again
        self.words: socket.socket | None = words  # None once the target has closed it
        self.asking: int | None = None  # on which calls of walled processes wait for an answer
        self.lines = wire.Lines()
        self.ready, self.ended, self.blamed = False, False, False
        self.said: dict[str, Any] = {"pid": pid}
        if stay is not None and stay.request.place:
            self.said["folder"] = folders.places(stay.request)[0]
        self.wake, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken)  # a child's end wakes the select below

    def keep(self) -> None:
        reading: list[Any] = [self.connection, self.alive, self.wake]
        while not self.ended:
            self._say()
            more: list[Any] = [one for one in (self.words, self.asking) if one is not None]
            ready = select.select([*reading, *more], [], [], LOOK if self.watch else None)[0]
            if self.ready:
                self._count()
            if self.calls is not None and self.asking is not None and self.asking in ready:
                self._end_for(self.calls(self.asking))
            if self.words is not None and self.words in ready:
                self._listen(self.words)
            if self.connection in ready:
                self._pass_on()
            if self.wake in ready:
                os.read(self.wake, 100)
            if self.alive in ready:
                self.ended = True
            self._look()
        end_descendants()
        if self.share is not None:  # before the asker hears of it and starts the next one
            self.share.release()
        self._say()

    def _say(self) -> None:
        if self.said:
            wire.say(self.connection, self.said)
            self.said = {}

    def _count(self) -> None:
        """Ask ``watch``, if it is time to."""
        if self.watch is None or time.monotonic() < self.next:
            return
        self._end_for(self.watch())
        if self.share is not None:
            with linux.acting_as(self.stay.request.user if self.stay is not None else 0):
                self.share.weight.keep(self.pid)
        if self.calls is not None and self.asking is not None:
            self.calls.again(self.asking)
        self.next = time.monotonic() + LOOK

    def _end_for(self, reason: str) -> None:
        if reason:
            self.said["reason"], self.watch, self.calls, self.asking = reason, None, None, None
            self.blamed = True
            os.kill(self.pid, signal.SIGKILL)

    def _listen(self, words: socket.socket) -> None:
        """Read the target's messages until it is ready, or until it says why it cannot start."""
        try:
            got, fds, _, _ = socket.recv_fds(words, wire.CHUNK, 1)
        except ConnectionError:  # it ended before it read the answer below
            got, fds = b"", []
        if fds:
            self.asking = fds[0]
        if not got:
            self.words = None
        for said in self.lines.take(got):
            self.said.update((k, v) for k, v in said.items() if k in ("wall", "error"))
            if said.get("ready"):
                self.ready = self.said["ready"] = True
                if self.stay is not None:
                    self.stay.close_sockets()
                if self.watch is not None:
                    self.watch.begin()
                with contextlib.suppress(OSError):  # the target waits for it
                    words.send(b"+")

    def _pass_on(self) -> None:
        for number in _asked(self.connection):
            if number == wire.HOW_MUCH:
                if self.watch is not None:
                    self.said["use"] = self.watch.computed(), self.watch.runs()
                continue
            self.blamed = self.blamed or number == signal.SIGKILL
            with contextlib.suppress(OSError):
                os.kill(self.pid, number)

    def _look(self) -> None:
        """Check whether the target has ended; if so, read its last messages."""
        pid, status, used = os.wait4(self.pid, os.WNOHANG)
        if not pid:
            self._bury()
            return
        end_descendants()
        while self.words is not None:
            self._listen(self.words)
        code = os.waitstatus_to_exitcode(status)
        killed = code == -signal.SIGKILL and not self.blamed
        if self.watch is not None and killed:
            self.said["reason"] = self.watch.too_much(used.ru_utime + used.ru_stime + 0.1)
        # The first process of a process namespace cannot kill itself, nor can what it started. The
        # system does it for too much computing time; everything else comes from outside.
        if self.first:
            self.said["outside"] = killed and not self.said.get("reason")
        self.said["returncode"], self.ended = code, True

    def _bury(self) -> None:
        """Wait for adopted orphans that have ended; in a process namespace its first one does."""
        if self.stay is None or not self.stay.request.place:
            return
        for pid in children(os.getpid()):
            if pid != self.pid:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)


def _asked(connection: socket.socket) -> bytes:
    """The signals that the asker sends, and its questions; a closed connection means SIGKILL."""
    with contextlib.suppress(OSError):
        return connection.recv(100) or bytes([signal.SIGKILL])
    return bytes([signal.SIGKILL])
