"""The levels of the walls, strongest first: which walls make each of them, in building order.

Each wall is one function; its name is what people read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from autograder.walled.bounds import bounded
from autograder.walled.files import own_files
from autograder.walled.folders import own_folders
from autograder.walled.landlock import closed_outside, locked_files, own_signals
from autograder.walled.request import NAMESPACES, OWN_USERS, SAME_USER, Walls
from autograder.walled.seccomp import counted_calls, fewer_calls
from autograder.walled.spaces import (
    no_network,
    no_rights,
    own_ipc,
    own_mounts,
    own_processes,
    own_user,
)
from autograder.walled.stricter import nothing_foreign
from autograder.walled.users import own_uid

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
    Level(
        OWN_USERS,
        (),
        (
            own_folders,
            bounded,
            own_uid,
            no_rights,
            closed_outside,
            fewer_calls,
            nothing_foreign,
            counted_calls,
        ),
    ),
    Level(
        SAME_USER,
        (),
        (
            own_folders,
            bounded,
            no_rights,
            closed_outside,
            own_signals,
            fewer_calls,
            nothing_foreign,
            counted_calls,
        ),
    ),
)
# What must stand before a wall can be tried; all but `bounded` need what these give.
NEEDS: dict[Wall, tuple[Wall, ...]] = {
    no_network: (own_user,),
    own_ipc: (own_user,),
    own_processes: (own_user,),
    own_mounts: (own_user,),
    own_files: (own_user, own_processes, own_mounts),
    own_uid: (own_folders,),
    locked_files: (no_rights,),
    closed_outside: (own_folders, no_rights),
    own_signals: (no_rights,),
    nothing_foreign: (no_rights,),
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
    """Each wall once, with the weakest level that has it."""
    return {wall: level for level in LEVELS for wall in level}
