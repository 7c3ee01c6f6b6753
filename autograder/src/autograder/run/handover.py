"""Hands a run over to `autograder serve`, if one waits in this course; imports nothing slow.

What crosses: one request with the files for the output, then lines from the server and numbers of
signals to it. `serve` is the other side.
"""

import contextlib
import hashlib
import os
import signal
import socket
import struct
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import autograder
import convcourse
from autograder.root import ROOM
from autograder.walled import wire
from autograder.walled.environment import passed

NAME = "serve"  # the socket in the course's room
DEFAULTS = {"TF_CPP_MIN_LOG_LEVEL": "3"}  # what the command line sets where it is not set
INSIDE = "CONVCOURSE_SERVED"  # environment: this process is the run that was handed over
SECONDS = 5  # in which the server must answer
_CREDENTIALS = struct.Struct("3i")  # struct ucred: process, user, group
# What the warm process has read when it started, and what decides where it looks for files.
_LOADED = "CUDA_ KERAS_ LC_ LD_ MPL NVIDIA_DRIVER_ NVIDIA_VISIBLE_ PYTHON TF_"
_PLACES = "HOME LANG TMPDIR TZ"
_ALONE = "This run goes on without autograder serve"
_ENDED = "autograder serve has ended. What is graded stays graded: run this again for the rest."


def handed_over(root: Path, arguments: Sequence[str]) -> int | None:
    """Have the course's server do a run of `autograder`, with its output on this terminal.

    Args:
        root: The course folder.
        arguments: The command line.

    Returns:
        The exit code, or None if no server takes the run.
    """
    if sys.platform != "linux" or INSIDE in os.environ or None in (sys.stdout, sys.stderr):
        return None  # a closed output has no file to send
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(reached(root))
            wire.send(connection, _request(arguments), (1, 2))
            answers = _answers(connection)
            first = next(answers, {})
        except (OSError, ValueError):
            return None
        if "running" in first:
            return _followed(connection, answers)
        if why := first.get("refused"):
            print(f"{_ALONE}: {why}", file=sys.stderr)
    return None


@contextlib.contextmanager
def reached(root: Path) -> Iterator[socket.socket]:
    """A connection to the server of a course, which belongs to the same user.

    Raises:
        OSError: If there is none.
    """
    with in_room(root) as place, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(place)
        if user_of(connection) != os.geteuid():
            raise PermissionError("the server belongs to somebody else")
        yield connection


@contextlib.contextmanager
def in_room(root: Path) -> Iterator[str]:
    """The path of the socket, which is short however deep the course lies."""
    folder = os.open(root / ROOM, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{NAME}"
    finally:
        os.close(folder)


def user_of(connection: socket.socket) -> int:
    """The user of the process at the other end."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


def facts() -> dict[str, Any]:
    """What must be the same on both sides, so that the run is the one that was asked for."""
    return {
        "version": [sys.version, sys.executable, _installed(), _sources()],
        "variables": passed(DEFAULTS | os.environ, _LOADED.split(), _PLACES.split()),
        "cores": sorted(os.sched_getaffinity(0)),
    }


def refusal(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Why a server with its own facts does not take a run; empty if it does."""
    if ours["version"] != theirs["version"]:
        return "it has loaded another version of the grader or of a package. Start it again."
    if ours["cores"] != theirs["cores"]:
        return "it uses other cores of this machine."
    mine, other = ours["variables"], theirs["variables"]
    names = sorted(n for n in {*mine, *other} if mine.get(n) != other.get(n))
    return f"it was started with another value of {', '.join(names)}." if names else ""


def _request(arguments: Sequence[str]) -> dict[str, Any]:
    mask = os.umask(0o077)
    os.umask(mask)
    return {
        "facts": facts(),
        "arguments": list(arguments),
        "environment": DEFAULTS | os.environ,
        "folder": os.getcwd(),
        "umask": mask,
    }


def _installed() -> list[str]:
    """The packages beside this Python, with their versions."""
    names = os.listdir(sysconfig.get_path("purelib"))
    return sorted(name for name in names if name.endswith(".dist-info"))


def _sources() -> str:
    """A digest of when the files of both packages were changed."""
    found = []
    for package in (autograder, convcourse):
        for folder, _, files in os.walk(Path(package.__file__ or "").parent):
            if not folder.endswith("__pycache__"):
                for name in files:
                    status = os.stat(os.path.join(folder, name))
                    found.append((folder, name, status.st_mtime_ns, status.st_size))
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()


def _followed(connection: socket.socket, answers: Iterator[dict[str, Any]]) -> int:
    """Wait for the end of the run and pass signals on to it."""
    connection.settimeout(None)
    with _passing_on(connection), contextlib.suppress(OSError):
        for answer in answers:
            code = int(answer["code"])
            return code if code >= 0 else 128 - code
    print(_ENDED, file=sys.stderr)
    return 1


@contextlib.contextmanager
def _passing_on(connection: socket.socket) -> Iterator[None]:
    """Send signals that would end this process to the run; one that is ignored stays ignored."""

    def send(number: int, _: object) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(bytes([number]))

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {n: signal.getsignal(n) for n in numbers if signal.getsignal(n) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, send)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _answers(connection: socket.socket) -> Iterator[dict[str, Any]]:
    lines = wire.Lines()
    while got := connection.recv(wire.CHUNK):
        yield from lines.take(got)
