"""The file tree that a walled process sees: only what its request names."""

import os
import shutil
from pathlib import Path

from autograder.walled import linux
from autograder.walled.bounds import bound_process_numbers
from autograder.walled.linux import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REC
from autograder.walled.request import Walls
from autograder.walled.spaces import USER

_DEVICES = "null zero full random urandom"
_OLD = "/.old"  # where the machine's own tree is mounted until the new one is complete


def own_files(request: Walls) -> None:
    """A file tree with only what the request names, and nothing else of the machine."""
    _begin_tree()
    for place in ("/tmp", request.home, "/dev/shm"):
        _memory(place, request.limits.scratch, request.limits.files)
    _devices()
    for place, source in sorted(request.readable.items()):
        if not _inside(place, source, request.readable):
            _bind(source, place, MS_RDONLY | MS_NOSUID | (0 if "/dev/" in place else MS_NODEV))
    _memory(request.folder, request.limits.disk, request.limits.files)
    shutil.copytree(_OLD + request.folder, request.folder, dirs_exist_ok=True)
    _bind(request.sockets, request.sockets, MS_NOSUID | MS_NODEV | MS_NOEXEC)
    name = Path(request.home).name
    Path("/etc/passwd").write_text(f"{name}:x:{USER}:{USER}::{request.home}:/bin/sh\n")
    Path("/etc/group").write_text(f"{name}:x:{USER}:\n")
    os.mkdir("/proc")
    linux.mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    bound_process_numbers(request.limits)
    linux.restrict("/proc", MS_RDONLY)
    linux.unmount(_OLD)
    os.rmdir(_OLD)
    for place in request.hidden:
        _cover(place)
    linux.restrict("/", MS_RDONLY, everything_below=False)


def _begin_tree() -> None:
    """Make an empty tree the root, with the machine's own tree inside it for now."""
    linux.mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=755")
    os.mkdir("/tmp" + _OLD)
    os.chdir("/tmp")
    linux.syscall("pivot_root", b".", os.fsencode(_OLD[1:]))
    os.chdir("/")


def _devices() -> None:
    for name in _DEVICES.split():
        _bind(f"/dev/{name}", f"/dev/{name}", MS_NOSUID)
    for link, to in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{to}", f"/dev/{link}")
    os.mkdir("/dev/pts")  # terminals, for programs that need one
    terminals = "newinstance,ptmxmode=0666,mode=600,max=32"
    linux.mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, terminals)
    os.symlink("pts/ptmx", "/dev/ptmx")


def _memory(place: str, size: int, files: int) -> None:
    """A writable folder in memory that holds at most so many bytes and files."""
    os.makedirs(place, exist_ok=True)
    data = f"size={size},nr_inodes={files},mode=700"
    linux.mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, data)


def _inside(place: str, source: str, readable: dict[str, str]) -> bool:
    """Whether another entry of the same tree already contains this one."""
    above = [str(p) for p in Path(place).parents]
    return any(p in readable and source.startswith(readable[p] + "/") for p in above)


def _bind(source: str, place: str, attributes: int) -> None:
    source = _OLD + source
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        Path(place).touch()
    linux.mount(source, place, None, MS_BIND | MS_REC)
    linux.restrict(place, attributes)


def _cover(place: str) -> None:
    """Mount an empty folder over one that the process must not see."""
    if os.path.isdir(place):
        linux.mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,mode=755")
        linux.restrict(place, MS_RDONLY)
