"""The folders of a process that has no file tree of its own, and what they hold.

The process writes to three folders in the place that `stay.Stay` gives it. The names that it is
told, such as the one of its home folder, lead there.
"""

import contextlib
import errno
import itertools
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.walled.request import Walls

_WORK, _HOME, _SCRATCH = "work", "home", "tmp"


def own_folders(request: Walls) -> None:
    """A copy of the working folder, a home folder and one for temporary files, and no others."""
    if not request.place:
        raise OSError(errno.ENOENT, "there is no place for folders")
    work, home, scratch = places(request)
    shutil.copytree(request.folder, work, symlinks=True)
    os.chmod(work, 0o700)
    for folder in (home, scratch):
        os.mkdir(folder, 0o700)
    for name, source in request.readable.items():
        if name != source and name.startswith(request.home + "/"):
            link = Path(translated(request, name))
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source)
    if request.user:
        _give(request.place, request.user)
        above = os.path.dirname(request.sockets)  # which it must be able to enter
        os.chmod(above, stat.S_IMODE(os.stat(above).st_mode) | 0o011)
        os.chown(request.sockets, request.user, request.user)


def _give(place: str, user: int) -> None:
    for folder, folders, files in os.walk(place):
        for name in (*folders, *files):
            os.chown(Path(folder, name), user, user, follow_symlinks=False)


def places(request: Walls) -> tuple[str, str, str]:
    """Where the working folder, the home folder and temporary files really are."""
    work, home, scratch = (f"{request.place}/{name}" for name in (_WORK, _HOME, _SCRATCH))
    return work, home, scratch


def translated(request: Walls, name: str) -> str:
    """Where a path leads that the process was told; other words stay as they are."""
    if not request.place:
        return name
    work, home, scratch = places(request)
    if name == "/tmp":
        return scratch
    for told, real in ((request.folder, work), (request.home, home)):
        if name == told or name.startswith(told + "/"):
            return real + name.removeprefix(told)
    return name


@dataclass(frozen=True)
class Held:
    """What a folder holds: bytes on the disk, and files."""

    size: int
    files: int


def held(folder: str, most: int) -> Held:
    """What a folder holds; it counts no further than ``most`` files."""
    size = files = 0
    for entry in _below(folder):
        files += 1
        with contextlib.suppress(OSError):  # it has just gone
            size += entry.stat(follow_symlinks=False).st_blocks * 512
        if files > most:
            break
    return Held(size, files)


def _below(folder: str) -> Iterator[os.DirEntry[str]]:
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    yield entry
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # no path leads there, so nobody can count it
                yield from itertools.repeat(entry)


def remove(place: str) -> None:
    """Remove a folder whatever it holds: folders nested without end, or closed to their owner.

    No process may change it meanwhile. What cannot be removed stays.
    """
    with contextlib.suppress(OSError):
        _empty(place)
        os.rmdir(place)


def _empty(place: str) -> None:
    """Go down and up by one folder at a time, since a path to the last one can be too long."""
    os.chmod(place, 0o700)
    here = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        names, waiting = list[str](), [_folders(here)]
        while waiting:
            if waiting[-1]:
                names.append(waiting[-1].pop())
                os.chmod(names[-1], 0o700, dir_fd=here)
                here = _moved(here, names[-1])
                waiting.append(_folders(here))
                continue
            waiting.pop()
            if names:
                here = _moved(here, "..")
                os.rmdir(names.pop(), dir_fd=here)
    finally:
        os.close(here)


def _folders(here: int) -> list[str]:
    """The folders in an open one, without the other files, which are removed."""
    with os.scandir(here) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder:
            os.unlink(name, dir_fd=here)
    return [name for name, is_folder in found if is_folder]


def _moved(here: int, name: str) -> int:
    """Open a folder next to an open one, which is closed."""
    there = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
    os.close(here)
    return there
