"""Which walls this machine can build, each tried on its own, and which levels they make.

Each wall is tried in a process of its own, behind no more than it needs, because a process cannot
take a wall down again.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from autograder.walled import levels, readable, seccomp, stricter
from autograder.walled.errors import WallError
from autograder.walled.levels import LEVELS, NEEDS, Wall, named
from autograder.walled.request import Walls
from autograder.walled.stay import Stay

NEEDS_ANOTHER = "it needs the wall "  # how an error begins whose reason is another wall's
SECONDS = 60  # on a slow, busy machine


@dataclass(frozen=True)
class Found:
    """What a machine can build.

    Attributes:
        errors: Why each wall cannot be built, by its name; empty for one that stands.
    """

    errors: dict[str, str]

    def missing(self, level: str) -> tuple[str, ...]:
        """The names of the walls that this level lacks."""
        return tuple(n for n in map(named, levels.of(level)) if self.errors[n])

    @property
    def level(self) -> str:
        """The strongest level that stands; empty if none does."""
        return next((one.name for one in LEVELS if not self.missing(one.name)), "")


def found(places: Iterable[str] = ()) -> Found:
    """Try each wall.

    Args:
        places: What the process must be able to read, besides the system and this Python.
    """
    return _found(tuple(places))


@functools.cache
def _found(places: tuple[str, ...]) -> Found:
    names = [named(wall) for wall in levels.every()]
    if sys.platform != "linux":
        return Found(dict.fromkeys(names, f"{sys.platform} has nothing like it"))
    code = "from autograder.walled import probe; probe.main()"
    command = [sys.executable, "-P", "-c", code, *places]
    tried = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    said = dict(map(json.loads, tried.stdout.splitlines()))
    return Found({name: said.get(name, "the attempt ended without an answer") for name in names})


def main() -> None:
    """Try each wall around a process that does nothing, and print its name and its error."""
    for name, error in try_all(sys.argv[1:]):
        print(json.dumps([name, error]), flush=True)


def try_all(places: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The name of each wall, and why it cannot be built."""
    seccomp.prepare()
    stricter.prepare()
    with tempfile.TemporaryDirectory() as place:
        folder, sockets, home = (f"{place}/{name}" for name in ("folder", "sockets", "home"))
        for one in (folder, sockets, home):
            os.mkdir(one)
        seen = readable.found([*readable.interpreter(), *places])
        request = Walls(folder, sockets, seen, home=home)
        for wall, level in levels.every().items():
            yield named(wall), _try(wall, replace(request, level=level.name))


def _try(wall: Wall, request: Walls) -> str:
    """Why a wall cannot be built behind those that it needs; empty if it can be."""
    ours, theirs = os.pipe()
    if os.fork() == 0:
        os.close(ours)
        _attempt(wall, request, theirs)
    os.close(theirs)
    with open(ours, encoding="utf-8", errors="replace") as words:
        said = words.read()
    os.wait()
    return said.removesuffix("+") if said.endswith("+") else said or "the attempt was ended"


def _attempt(wall: Wall, request: Walls, words: int) -> None:
    """Build a wall in this process, or in one that it forks, and say how that ended."""
    chain, stay = (*NEEDS.get(wall, ()), wall), Stay(request, alone=False)
    try:
        stay.begin()
        outer = [one for one in chain if one in levels.of(request.level).outer]
        said = _build(outer, wall, stay.request)
        if not said and len(outer) < len(chain):
            if os.fork():  # the first process of a new namespace is the one forked next
                os.wait()
                stay.end()
                os._exit(0)
            said = _build(chain[len(outer) :], wall, stay.request)
    except BaseException as error:  # there is no user to take, or it cannot fork
        said = _why(error)
    os.write(words, f"{said}+".encode())
    os._exit(0)


def _build(chain: Iterable[Wall], wall: Wall, request: Walls) -> str:
    """Why this wall, or one that it needs, cannot be built; empty if all of them can be."""
    for one in chain:
        try:
            one(request)
        except (OSError, AttributeError, WallError) as error:
            why = _why(error)
            return why if one is wall else f"{NEEDS_ANOTHER}{named(one)!r}"
    return ""


def _why(error: BaseException) -> str:
    """An error without its number, with the file that it is about."""
    said = getattr(error, "strerror", None) or str(error)
    file = getattr(error, "filename", None)
    return f"{said}: {file}" if file else said
