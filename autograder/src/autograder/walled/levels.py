"""The levels of the walls, strongest first: which walls make each of them, in building order.

Each wall is one function; its name is what people read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from autograder.walled.bounds import bounded
from autograder.walled.files import own_files
from autograder.walled.landlock import locked_files
from autograder.walled.request import NAMESPACES, Walls
from autograder.walled.seccomp import counted_calls, fewer_calls
from autograder.walled.spaces import (
    no_network,
    no_rights,
    own_ipc,
    own_mounts,
    own_processes,
    own_user,
)

Wall = Callable[[Walls], Any]


@dataclass(frozen=True)
class Level:
    """One way to confine a process.

    Attributes:
        name: What people read.
        outer: The walls that the keeper builds before it forks.
        inner: The walls that the forked process builds around itself.
    """

    name: str
    outer: tuple[Wall, ...]
    inner: tuple[Wall, ...]

    def __iter__(self) -> Iterator[Wall]:
        return iter((*self.outer, *self.inner))


LEVELS = (
    Level(
        NAMESPACES,
        (own_user, no_network, own_ipc, own_processes, own_mounts),
        (own_files, bounded, no_rights, locked_files, fewer_calls, counted_calls),
    ),
)
# What must stand before a wall can be tried; all but `bounded` need what these give.
NEEDS: dict[Wall, tuple[Wall, ...]] = {
    no_network: (own_user,),
    own_ipc: (own_user,),
    own_processes: (own_user,),
    own_mounts: (own_user,),
    own_files: (own_user, own_processes, own_mounts),
    locked_files: (no_rights,),
    fewer_calls: (no_rights,),
    counted_calls: (no_rights,),
}


def of(name: str) -> Level:
    """The level of this name."""
    return next(level for level in LEVELS if level.name == name)


def named(wall: Wall) -> str:
    """A wall's name in messages."""
    return wall.__name__.replace("_", " ")


def every() -> dict[Wall, Level]:
    """Each wall once, with the strongest level that has it."""
    return {wall: level for level in reversed(LEVELS) for wall in level}
