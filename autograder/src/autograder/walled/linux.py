"""Linux's system calls that Python has no function for.

The C library has functions for some of them. The others are called by number, and libseccomp
(through `pyseccomp`) knows the number of each name on each architecture.
"""

import contextlib
import ctypes
import functools
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)

# linux/sched.h
CLONE_FILES, CLONE_THREAD, CLONE_NEWNS = 0x400, 0x10000, 0x20000
CLONE_NEWCGROUP, CLONE_NEWUTS = 0x2000000, 0x4000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x8000000, 0x10000000, 0x20000000
CLONE_NEWNET = 0x40000000
# sys/mount.h; MOUNT_ATTR_RDONLY and the two bits after it are as MS_*
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 1 << 12, 1 << 14, 1 << 18, 2
# linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 1, 4, 24, 36
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
# linux/capability.h
CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL, CAP_SETGID, CAP_SETUID = 0, 1, 3, 5, 6, 7
CAP_SYS_ADMIN = 21
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_CAPABILITY_VERSION_3 = 0x20080522


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def seccomp() -> Any:
    """The module `pyseccomp`.

    Raises:
        OSError: If it, or the library that it calls, is not installed.
    """
    try:
        import pyseccomp
    except (ImportError, RuntimeError) as error:  # RuntimeError: there is no libseccomp
        raise OSError(f"libseccomp cannot be used: {error}") from None
    return pyseccomp


@functools.cache
def find(name: str) -> int:
    """The number of a system call on this machine's architecture; negative if it has none."""
    library = seccomp()
    return library.resolve_syscall(library.Arch.NATIVE, name)


def number(name: str) -> int:
    """The number of a system call that this machine's architecture has."""
    found = find(name)
    if found < 0:
        raise OSError(f"libseccomp here does not know the system call {name}")
    return found


def syscall(name: str, *arguments: int | bytes | None) -> int:
    """Make a system call by its name.

    Raises:
        OSError: If it fails.
    """
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _check(_libc.syscall(ctypes.c_long(number(name)), *words), name)


def unshare(flags: int) -> None:
    """Enter new namespaces, as `os.unshare` does from Python 3.12 on."""
    _check(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """Mount a file system of this kind; without one, change a mount or bind a folder."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data.encode(),
    )
    _check(result, f"mount {target}")


def unmount(target: str) -> None:
    """Take a mount out of the tree at once, even if it is in use."""
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def restrict(target: str, attributes: int, everything_below: bool = True) -> None:
    """Add attributes to a mount, or to it and all mounts below it."""
    facts = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if everything_below else 0
    syscall("mount_setattr", _AT_FDCWD, os.fsencode(target), flags, facts, len(facts))


def try_prctl(option: int, *arguments: int) -> bool:
    """Whether this setting of the process could be changed."""
    words = [*arguments, *[0] * (4 - len(arguments))]
    return _libc.prctl(option, *map(ctypes.c_ulong, words)) >= 0


def prctl(option: int, *arguments: int) -> None:
    """Change a setting of this process.

    Raises:
        OSError: If that fails.
    """
    if not try_prctl(option, *arguments):
        _check(-1, f"prctl {option}")


@contextlib.contextmanager
def acting_as(user: int) -> Iterator[None]:
    """Look at processes and files as another user may, inside the block; 0 changes nothing."""
    if not user:
        yield
        return
    before = os.geteuid(), os.getegid()
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(before[0])
        os.setegid(before[1])


def drop_capabilities() -> None:
    """Give up every capability that this process has."""
    head, none = struct.pack("II", _CAPABILITY_VERSION_3, 0), bytes(24)
    _check(_libc.capset(head, none), "capset")


def has_capability(number: int) -> bool:
    """Whether this process has a capability."""
    status = Path("/proc/self/status").read_text(errors="replace")
    return bool(int(status.partition("CapEff:")[2].split()[0], 16) >> number & 1)
