"""The walls around a process, in building order, and whether this machine can build them.

`outer` is called in the keeper before it forks, `inner` in the forked process. Each wall is one
function; its name is what people read.
"""

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

from autograder.walled import readable, seccomp
from autograder.walled.bounds import bounded
from autograder.walled.errors import WallError
from autograder.walled.files import own_files
from autograder.walled.landlock import locked_files
from autograder.walled.request import Walls
from autograder.walled.seccomp import counted_processes, fewer_calls
from autograder.walled.spaces import (
    no_network,
    no_rights,
    own_ipc,
    own_mounts,
    own_processes,
    own_user,
)

Wall = Callable[[Walls], Any]

OUTER: tuple[Wall, ...] = (own_user, no_network, own_ipc, own_processes, own_mounts)
INNER: tuple[Wall, ...] = (
    own_files,
    bounded,
    no_rights,
    locked_files,
    fewer_calls,
    counted_processes,
)


def outer(request: Walls) -> None:
    """Build the walls that surround the process forked next.

    Raises:
        WallError: If this machine cannot build one of them.
    """
    _build(OUTER, request)


def inner(request: Walls) -> int:
    """Build the remaining walls around this process.

    Returns:
        A file for the keeper, on which `accounting.Watch.answer` is asked for each new process.

    Raises:
        WallError: If this machine cannot build one of them.
    """
    return _build(INNER, request)


def _build(walls: Iterable[Wall], request: Walls) -> Any:
    built = None
    for wall in walls:
        try:
            built = wall(request)
        except (OSError, AttributeError) as error:
            said = f"This machine cannot build the sandbox's wall {name(wall)!r} ({error})"
            raise WallError(_sentence(said, request.advice)) from None
    return built


def name(wall: Wall) -> str:
    """A wall's name in messages."""
    return wall.__name__.replace("_", " ")


def _sentence(said: str, advice: str) -> str:
    return f"{said}: {advice}." if advice else f"{said}."


# ---------------------------------------------------------------------- can it be built here


@functools.cache
def missing() -> tuple[str, ...]:
    """The names of the walls that this machine cannot build; empty if it can build all of them."""
    names = [name(wall) for wall in (*OUTER, *INNER)]
    if sys.platform != "linux":
        return tuple(names)
    command = [sys.executable, "-P", "-c", "from autograder.walled import walls; walls.try_all()"]
    tried = subprocess.run(command, capture_output=True, text=True, timeout=60)
    built = tried.stdout.splitlines()
    return tuple(one for one in names if one not in built)


def require(advice: str = "") -> None:
    """Check that this machine can build every wall.

    Args:
        advice: How the message ends.

    Raises:
        WallError: If it cannot; the message names the missing walls.
    """
    if names := missing():
        said = f"This machine cannot build {len(names)} of the sandbox's walls ({', '.join(names)})"
        raise WallError(_sentence(said, advice))


def try_all() -> None:
    """Build every wall around a process that does nothing, and print the names of those built."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as sockets:
        request = Walls(folder, sockets, readable.found(readable.interpreter()))
        seccomp.prepare()
        if os.fork() == 0:
            _try_each(OUTER, request)
            if os.fork() == 0:
                _try_each(INNER, request)
                os._exit(0)
            os.wait()
            os._exit(0)
        os.wait()


def _try_each(walls: Iterable[Wall], request: Walls) -> None:
    for wall in walls:
        try:
            wall(request)
        except (OSError, AttributeError):
            continue
        os.write(1, f"{name(wall)}\n".encode())
