"""Sends a message in the place of a walled process.

Open files that a message carries count for the user, not for the process or its namespaces, until
somebody receives them. No filter can look at a message, and what a keeper has looked at can change
before the process sends it. So the keeper copies the message and sends the copy.
"""

import array
import contextlib
import errno
import os
import socket
import stat
import struct
from collections.abc import Callable, Iterator

from autograder.walled import linux

MOST_BYTES = 2**18  # of one message; a stream takes the rest with the next call
_MOST_PARTS, _MOST_CONTROL = 1_024, 4_096
_HEAD = struct.Struct("QIxxxxQQQQi")  # struct msghdr of a 64-bit system
_CONTROL = struct.Struct("Qii")  # struct cmsghdr
_PASSED_ON = socket.MSG_EOR | socket.MSG_OOB
_WAITS = "anon_inode:[eventpoll]"  # watches files of its own, which would count unseen


class Sender:
    """Sends for the processes of one sandbox, and counts the open files that it sent."""

    def __init__(self, machine: int, most: int) -> None:
        """Nothing is sent yet.

        Args:
            machine: ``/proc`` of the machine.
            most: How many open files may be sent in all. Nobody can tell when they are received.
        """
        self._machine, self._left = machine, most

    def send(
        self, thread: int, arguments: tuple[int, ...], still: Callable[[], bool]
    ) -> int | None:
        """Make the call ``sendmsg``.

        Args:
            thread: The thread that makes it.
            arguments: Its arguments.
            still: Whether the call still waits.

        Returns:
            How many bytes were sent; None if the caller must wait.

        Raises:
            OSError: What the call comes to.
        """
        with contextlib.ExitStack() as held:
            theirs = _Process(self._machine, thread, held)
            if not still():  # another process may have its number by now
                raise OSError(errno.ENOENT, "The call has ended.")
            number, place, flags = arguments[0] & 0x7FFFFFFF, arguments[1], arguments[2]
            words, files = self._message(theirs, place)
            fd = theirs.file(number)
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                raise OSError(errno.ENOTSOCK, "It is no socket.")
            rights = []
            if files:
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, self._files(theirs, files))]
            waits = os.get_blocking(fd) and not flags & socket.MSG_DONTWAIT
            flags = flags & _PASSED_ON | socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
            with socket.socket(fileno=os.dup(fd)) as sends:
                try:
                    sent = sends.sendmsg([words], rights, flags)
                except BlockingIOError:
                    if waits:
                        return None
                    raise
            self._left -= len(files)
            return sent

    def _message(self, theirs: "_Process", place: int) -> tuple[bytes, list[int]]:
        """The bytes of a message, and the numbers of the open files that go with it."""
        name, _, parts, count, control, size, _ = _HEAD.unpack(theirs.memory(place, _HEAD.size))
        if name:
            raise OSError(errno.EPERM, "A message goes to the other end of its socket only.")
        if count > _MOST_PARTS or size > _MOST_CONTROL:
            raise OSError(errno.EMSGSIZE, "The message has too many parts.")
        words = b""
        for start, length in struct.iter_unpack("QQ", theirs.memory(parts, 16 * count)):
            words += theirs.memory(start, min(length, MOST_BYTES - len(words)))
        files = list(_files_of(theirs.memory(control, size)))
        if len(files) > self._left:
            raise OSError(errno.ETOOMANYREFS, "Too many open files were sent.")
        return words, files

    def _files(self, theirs: "_Process", numbers: list[int]) -> array.array:
        found = array.array("i", [theirs.file(number) for number in numbers])
        own = os.getpid()
        links = (os.readlink(f"{own}/fd/{fd}", dir_fd=self._machine) for fd in found)
        if _WAITS in links:
            raise OSError(errno.EPERM, "An epoll instance cannot be sent.")
        return found


class _Process:
    """What belongs to the process of a thread; the keeper's copies close with ``held``."""

    def __init__(self, machine: int, thread: int, held: contextlib.ExitStack) -> None:
        status = _open(f"{thread}/status", machine, held)
        lines = os.read(status, 4_096).decode(errors="replace").splitlines()
        leader = next(int(line.split()[1]) for line in lines if line.startswith("Tgid:"))
        self._held = held
        self._memory = _open(f"{leader}/mem", machine, held)
        self._pid = os.pidfd_open(leader)
        held.callback(os.close, self._pid)

    def memory(self, place: int, size: int) -> bytes:
        """Bytes of its memory; fails as a call with a wrong address does."""
        try:
            got = os.pread(self._memory, size, place) if size else b""
        except (OSError, OverflowError):
            got = b""
        if len(got) < size:
            raise OSError(errno.EFAULT, "There is no such memory.")
        return got

    def file(self, number: int) -> int:
        """A copy of one of its open files."""
        fd = linux.syscall("pidfd_getfd", self._pid, number, 0)
        self._held.callback(os.close, fd)
        return fd


def _open(name: str, folder: int, held: contextlib.ExitStack) -> int:
    fd = os.open(name, os.O_RDONLY, dir_fd=folder)
    held.callback(os.close, fd)
    return fd


def _files_of(control: bytes) -> Iterator[int]:
    """The numbers of open files in a message's control part."""
    at = 0
    while at + _CONTROL.size <= len(control):
        length, level, kind = _CONTROL.unpack_from(control, at)
        if not _CONTROL.size <= length <= len(control) - at:
            raise OSError(errno.EINVAL, "The control part is malformed.")
        if (level, kind) != (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            raise OSError(errno.EPERM, "Only open files can be sent.")
        yield from array.array("i", control[at + _CONTROL.size : at + length - length % 4])
        at += (length + 7) & ~7
