"""Filters of system calls, written by name and compiled by libseccomp.

`pyseccomp` compiles them, once in the server for all processes. It does not load them: it
keeps the listener of a filter that it loads, while here the target loads the filter and its keeper
answers. So the compiled filter is loaded by the system call ``seccomp`` itself, and the
keeper answers by the listener's own two requests.
"""

import contextlib
import ctypes
import errno
import fcntl
import functools
import os
import struct
from collections.abc import Callable
from typing import Any

from autograder.walled import linux
from autograder.walled.request import Walls

# All of these are in Linux 5.14 and in libseccomp 2.5.2. An older library, which does not know one
# of them, cannot build the wall; no name is left out but where the architecture lacks the call
# (inotify_init on aarch64).
REFUSED = {
    "another process is read or entered": (
        "ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd"
    ),
    "memory and queues that no limit counts": (
        "memfd_create memfd_secret shmget shmat semget msgget mq_open"
    ),
    "namespaces and mounts": (
        "unshare setns mount umount2 pivot_root chroot open_by_handle_at "
        "fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr"
    ),
    "interfaces of the kernel that have had many flaws": (
        "bpf perf_event_open userfaultfd io_uring_setup personality add_key request_key keyctl"
    ),
    "what is counted for all processes of a user": "inotify_init inotify_init1 fanotify_init",
}
_FORKS = ("fork", "vfork")

# linux/seccomp.h
_SET_MODE_FILTER, _NEW_LISTENER, _CONTINUE = 1, 1 << 3, 1
_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_*
_NOTICE = 80  # bytes of struct seccomp_notif; the first 8 name the question
_AF_UNIX, _SOL_SOCKET, _SO_SNDBUF, _SO_SNDBUFFORCE = 1, 1, 7, 32
_INT = 0xFFFFFFFF  # the kernel looks at these bits of an argument that is an int


def refused() -> list[str]:
    """The names of all system calls that are refused whatever their arguments are."""
    return [name for names in REFUSED.values() for name in names.split()]


def fewer_calls(request: Walls) -> None:
    """No system call that reads another process, hides memory, or enters a new namespace.

    Only Unix sockets: the other families are the kernel's own. Each refused call fails as if it
    were not permitted; a call of another architecture ends the process.
    """
    _load(compiled(_few), 0)


def counted_processes(request: Walls) -> int:
    """Make each new process wait until the keeper has counted it.

    Otherwise, processes could fork faster than the keeper counts.

    Returns:
        The file on which the keeper is asked.
    """
    return _load(compiled(_asking), _NEW_LISTENER)


def prepare() -> None:
    """Compile the filters now, for all processes forked from here on."""
    with contextlib.suppress(OSError):  # a process that needs them gets the error
        compiled(_few)
        compiled(_asking)


def let_go_on(listener: int) -> None:
    """Let the process that asks on this file make its call."""
    notice = bytearray(_NOTICE)
    try:
        fcntl.ioctl(listener, _RECEIVE, notice)
        answer = struct.pack("QqiI", *struct.unpack_from("Q", notice), 0, 0, _CONTINUE)
        fcntl.ioctl(listener, _SEND, answer)
    except OSError as error:  # the process was killed while it waited
        if error.errno not in (errno.ENOENT, errno.EINTR):
            raise


# ---------------------------------------------------------------------- the two filters

Rule = Callable[..., None]  # (action, name, *conditions)


def _few(library: Any, rule: Rule) -> None:
    no, absent = library.ERRNO(errno.EPERM), library.ERRNO(errno.ENOSYS)
    for name in refused():
        rule(no, name)
    # The flags of clone3 lie in memory, where no filter looks: the C library then takes clone.
    rule(absent, "clone3")
    new_user = linux.CLONE_NEWUSER
    rule(no, "clone", library.Arg(0, library.MASKED_EQ, new_user, new_user))
    rule(no, "socket", library.Arg(0, library.NE, _AF_UNIX))
    # What waits in a socket is the system's memory, which no limit of a process counts. `Watch`
    # counts the sockets.
    for option in (_SO_SNDBUF, _SO_SNDBUFFORCE):
        level = library.Arg(1, library.MASKED_EQ, _INT, _SOL_SOCKET)
        rule(no, "setsockopt", level, library.Arg(2, library.MASKED_EQ, _INT, option))
    # No process may undo that the kernel ends it with its keeper.
    rule(no, "prctl", library.Arg(0, library.MASKED_EQ, _INT, linux.PR_SET_PDEATHSIG))


def _asking(library: Any, rule: Rule) -> None:
    for name in _FORKS:
        rule(library.NOTIFY, name)
    rule(library.NOTIFY, "clone", library.Arg(0, library.MASKED_EQ, linux.CLONE_THREAD, 0))


@functools.cache
def compiled(write: Callable[[Any, Rule], None], architecture: int | None = None) -> bytes:
    """A filter as the kernel takes it, for this machine's architecture or another one.

    Raises:
        OSError: If libseccomp is missing, or does not know one of the system calls.
    """
    library = linux.seccomp()
    native = library.system_arch()
    architecture = architecture or native
    judge = library.SyscallFilter(library.ALLOW)
    if architecture != native:
        judge.add_arch(architecture)
        judge.remove_arch(native)
    # A call of another architecture, on x86-64 also one of x32.
    judge.set_attr(library.Attr.ACT_BADARCH, library.KILL_PROCESS)

    def rule(action: int, name: str, *conditions: Any) -> None:
        found = library.resolve_syscall(architecture, name)
        if found == -1:
            raise OSError(f"libseccomp here does not know the system call {name}")
        # A negative number is a call that this architecture lacks. libseccomp 2.5.4 accepts such a
        # rule, and may then write a filter that never looks at the number of the call.
        if found >= 0:
            judge.add_rule(action, name, *conditions)

    write(library, rule)
    theirs, ours = os.pipe()  # no filter of ours forbids one, and it holds a hundred such filters
    with open(theirs, "rb") as end:
        with open(ours, "wb") as file:
            judge.export_bpf(file)
        return end.read()


def _load(code: bytes, flags: int) -> int:
    """Have each system call from now on judged by this filter as well."""
    space = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(space))
    return linux.syscall("seccomp", _SET_MODE_FILTER, flags, program)
