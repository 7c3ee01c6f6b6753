"""Landlock: bounds on files, addresses and signals that hold without namespaces."""

import errno
import os
import struct
from collections.abc import Collection, Iterable, Iterator

from autograder.walled import folders, linux
from autograder.walled.request import Walls

# linux/landlock.h
_VERSION_FLAG, _RULE_PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV  # the others are folders'
_SCOPES_FROM = 6  # the version that bounds abstract sockets and signals
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many there are; 16 from version 5 on
_BIND_AND_CONNECT_TCP = _ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
_DEVICES = "null zero full random urandom"
# Of other processes it sees nothing. Programs that find a file of a control group want to read it.
_FACTS = (
    "/proc/self /proc/cpuinfo /proc/meminfo /proc/stat /proc/uptime /proc/loadavg /proc/version "
    "/proc/filesystems /sys/fs/cgroup/cpu.max /sys/fs/cgroup/memory.max "
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us "
    "/sys/fs/cgroup/memory/memory.limit_in_bytes"
)


def version() -> int:
    """The version of Landlock that this system has; 0 if it has none."""
    linux.number("landlock_create_ruleset")  # raises if libseccomp does not know it
    try:
        return linux.syscall("landlock_create_ruleset", None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def locked_files(request: Walls) -> None:
    """Repeat the bounds with Landlock, so that one flaw opens neither files nor addresses.

    The process may read and run what is in its file tree, and write to its writable folders. A
    folder that was opened earlier does not lead out of the tree. A system without Landlock has
    only the other walls.
    """
    present = version()
    if present < 1:
        return
    everything = _everything(present)
    own = (request.folder, request.sockets, "/tmp", request.home, "/dev")
    _restrict(present, [("/", _READ), *((one, everything) for one in own)])


def closed_outside(request: Walls) -> None:
    """No file of the machine but what the request names, and none written outside its folders.

    Without a file tree of its own, this alone keeps a process from the machine's files.
    """
    present = version()
    if present < 1:
        raise OSError(errno.ENOSYS, "this system has no Landlock (Linux 5.13, and lsm=landlock)")
    everything = _everything(present)
    devices = [f"/dev/{name}" for name in _DEVICES.split()]
    rules = [(one, everything) for one in (*folders.places(request), request.sockets)]
    if request.user:  # what other users have there is closed to this one, and its own goes with it
        rules += [("/dev/shm", everything), ("/dev/pts", everything)]
        devices.append("/dev/ptmx")
    devices += [source for source in request.readable.values() if source.startswith("/dev/")]
    rules += [(one, everything & (_READ | _WRITE_FILE | _IOCTL_DEV)) for one in devices]
    hidden = {os.path.realpath(one) for one in request.hidden}
    for source in {*request.readable.values(), *_FACTS.split()}:
        rules += _around(source, hidden)
    _restrict(present, [rule for rule in rules if os.path.exists(rule[0])])


def own_signals(request: Walls) -> None:
    """No signal to a process of the same user outside; Landlock keeps them in from version 6 on."""
    if (present := version()) < _SCOPES_FROM:
        said = f"Landlock has version {present} here; it bounds signals from version 6 (Linux 6.12)"
        raise OSError(errno.ENOSYS, said)


def _around(place: str, hidden: Collection[str]) -> Iterator[tuple[str, int]]:
    """Rules that let a process read a place without the hidden ones in it, except their names."""
    if not any(one == place or one.startswith(place + "/") for one in hidden):
        yield place, _READ
    elif place not in hidden:
        yield place, _READ_DIR
        for entry in os.scandir(place):
            if not entry.is_symlink():
                yield from _around(entry.path, hidden)


def _everything(present: int) -> int:
    """All rights to files that this version knows."""
    return (1 << _FILE_RIGHTS.get(present, 16)) - 1


def _restrict(present: int, places: Iterable[tuple[str, int]]) -> None:
    """Allow these rights in these places, and no others, to this process and all that it starts."""
    facts = struct.pack(
        "QQQ", _everything(present), _BIND_AND_CONNECT_TCP, _ABSTRACT_SOCKETS_AND_SIGNALS
    )
    facts = facts[: 8 if present < 4 else 16 if present < _SCOPES_FROM else 24]
    rules = linux.syscall("landlock_create_ruleset", facts, len(facts), 0)
    for place, allowed in places:
        spot = os.open(place, os.O_PATH)
        if not os.path.isdir(place):
            allowed &= _OF_FILES
        rule = struct.pack("<Qi", allowed, spot)
        linux.syscall("landlock_add_rule", rules, _RULE_PATH_BENEATH, rule, 0)
        os.close(spot)
    linux.syscall("landlock_restrict_self", rules, 0)
    os.close(rules)
