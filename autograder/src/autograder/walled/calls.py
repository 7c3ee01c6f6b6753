"""The keeper's answers to calls that take of a count which sandboxes share.

The filter `seccomp.counted_calls` makes such a call wait until the keeper has answered. The
keeper lets it go on, lets it fail, or makes it in the caller's place (`sending`).
"""

import errno
import fcntl
import functools
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.walled import linux, sending
from autograder.walled.limits import Limits
from autograder.walled.members import members
from autograder.walled.request import Walls

# linux/seccomp.h
_RECEIVE, _SEND, _STILL_VALID = 0xC0502100, 0xC0182101, 0x40082102  # SECCOMP_IOCTL_NOTIF_*
_CONTINUE = 1
_GONE = (errno.ENOENT, errno.EINTR)  # the process was killed while it waited
_NOTICE = struct.Struct("QIIiIQ6Q")  # struct seccomp_notif


@dataclass(frozen=True)
class Call:
    """A call that waits for its answer.

    Attributes:
        notice: The number under which the listener knows it.
        thread: The thread that makes it, as the keeper sees its number.
        number: The system call.
        arguments: Its six arguments.
    """

    notice: int
    thread: int
    number: int
    arguments: tuple[int, ...]


def receive(listener: int) -> Call | None:
    """The next call that waits; None if its process ended in the meantime."""
    space = bytearray(_NOTICE.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, space)
    except OSError as error:
        if error.errno not in _GONE:
            raise
        return None
    notice, thread, _, number, _, _, *arguments = _NOTICE.unpack(space)
    return Call(notice, thread, number, tuple(arguments))


def answer(listener: int, call: Call, value: int = 0, error: int = 0, go_on: bool = False) -> None:
    """Let a call go on, or return this value or error in its place."""
    try:
        fcntl.ioctl(
            listener, _SEND, struct.pack("QqiI", call.notice, value, -error, _CONTINUE * go_on)
        )
    except OSError as said:
        if said.errno not in _GONE:
            raise


def waits(listener: int, call: Call) -> bool:
    """Whether a call still waits; only then do its thread's number and memory belong to it."""
    try:
        fcntl.ioctl(listener, _STILL_VALID, struct.pack("Q", call.notice))
    except OSError:
        return False
    return True


class Count:
    """One bounded count of a sandbox.

    Measuring takes long, so it is done only after as many calls as could have filled the count.
    """

    def __init__(self, most: int, full: int, measure: Callable[[], int]) -> None:
        """Count nothing yet.

        Args:
            most: How many there may be.
            full: The error of a call that would exceed it.
            measure: Counts how many there are.
        """
        self.most, self.full, self._measure = most, full, measure
        self._left = most

    def taken(self) -> int:
        """Take one; the error if there is none left, otherwise 0."""
        if self._left <= 0:
            self._left = self.most - self._measure()
            if self._left <= 0:
                return self.full
        self._left -= 1
        return 0


class Calls:
    """Answers the calls of one sandbox."""

    def __init__(self, request: Walls, machine: int) -> None:
        """Count nothing yet.

        Args:
            request: The sandbox's request.
            machine: ``/proc`` of the machine, opened before the sandbox has its own.
        """
        self.limits, self.called, self.request = request.limits, request.called, request
        limits = self.limits
        self._watched = Count(limits.opened, errno.ENOSPC, self._measured(watched))
        self._locks = Count(limits.locks, errno.ENOLCK, self._measured(locks))
        self._sender = sending.Sender(machine, limits.sent)
        self._waiting: list[Call] = []

    def __call__(self, listener: int) -> str:
        """Answer the next call, or return the reason why all processes must end."""
        call = receive(listener)
        if call is None:
            return ""
        if call.number == linux.number("sendmsg"):
            if self.request.user:  # what this user sends counts for no other
                answer(listener, call, go_on=True)
            else:
                self._send(listener, call)
            return ""
        count = self._counts.get(call.number)
        if count is not None:
            error = count.taken()
            answer(listener, call, error=error, go_on=not error)
        elif len(members(self.request)) >= self.limits.processes:
            return too_many_processes(self.called, self.limits)
        else:
            answer(listener, call, go_on=True)
        return ""

    def again(self, listener: int) -> None:
        """Try once more what could not be sent because nobody has read."""
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            self._send(listener, call)

    @functools.cached_property
    def _counts(self) -> dict[int, Count]:
        return {linux.number("epoll_ctl"): self._watched, linux.number("fcntl"): self._locks}

    def _measured(self, measure: Callable[[list[int]], int]) -> Callable[[], int]:
        def measured() -> int:
            pids = members(self.request)
            with linux.acting_as(self.request.user):
                return measure(pids)

        return measured

    def _send(self, listener: int, call: Call) -> None:
        still = functools.partial(waits, listener, call)
        try:
            sent = self._sender.send(call.thread, call.arguments, still)
        except OSError as error:
            answer(listener, call, error=error.errno or errno.EPERM)
            return
        if sent is None:
            self._waiting.append(call)
        else:
            answer(listener, call, value=sent)


# ---------------------------------------------------------------------- what there is


def too_many_processes(called: str, limits: Limits) -> str:
    """The sentence about too many processes."""
    return f"{called} started more than {limits.processes} processes."


def _links(pids: list[int]) -> Iterator[tuple[int, str, str]]:
    """Each open file of each process, as (process, number, what it is)."""
    for pid in pids:
        try:
            for entry in os.scandir(f"/proc/{pid}/fd"):
                yield pid, entry.name, os.readlink(entry.path)
        except OSError:  # it has just ended
            continue


def pipes(pids: list[int]) -> int:
    """How many pipes are open."""
    return len({link for _, _, link in _links(pids) if link.startswith("pipe:")})


def watched(pids: list[int]) -> int:
    """How many files the processes watch by epoll; each process counts for itself."""
    found = 0
    for pid, number, link in _links(pids):
        if link == "anon_inode:[eventpoll]":
            try:
                found += Path(f"/proc/{pid}/fdinfo/{number}").read_bytes().count(b"tfd:")
            except OSError:
                continue
    return found


def locks(pids: list[int]) -> int:
    """How many ranges of files are locked."""
    owners = {b"-1", *(str(pid).encode() for pid in pids)}  # -1: those of an open file
    try:
        lines = Path("/proc/locks").read_bytes().splitlines()
    except OSError:
        return 0
    return sum(not owners.isdisjoint(line.split()[4:6]) for line in lines)
