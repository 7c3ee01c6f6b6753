"""Filters of system calls, written by name and compiled by libseccomp.

`pyseccomp` compiles them, once in the server for all processes. It does not load them: it
keeps the listener of a filter that it loads, while here the target loads the filter and its keeper
answers (`calls`). So the compiled filter is loaded by the system call ``seccomp`` itself.
"""

import contextlib
import ctypes
import errno
import functools
import os
import resource
import struct
from collections.abc import Callable
from typing import Any

from autograder.walled import linux
from autograder.walled.bounds import processes_are_bounded
from autograder.walled.request import NAMESPACES, Walls

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
    "more of the processor than its share": "sched_setaffinity sched_setattr",
}
# These fail as on a system that lacks them: programs that know them can do without.
ABSENT = {
    "what is counted for the whole machine": "io_setup",
    "memory that no limit counts, and that few programs need": (
        "vmsplice sendmmsg landlock_create_ruleset"
    ),
}

# linux/seccomp.h
_SET_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 1 << 3, 1 << 5
_RLIMIT_RTTIME = 15  # asm-generic/resource.h
_INT = 0xFFFFFFFF  # the kernel looks at these bits of an argument that is an int
_AF_UNIX, _SOL_SOCKET, _SO_SNDBUF, _SO_SNDBUFFORCE = 1, 1, 7, 32
_SO_ATTACH = (26, 50, 51, 52)  # programs in a socket: the memory of all such programs is bounded
_S_IFMT, _S_IFIFO, _O_EXCL, _MAP_HUGETLB = 0o170000, 0o010000, 0o200, 0x40000
_PR_SET_DUMPABLE, _PR_SET_SECCOMP = 4, 22
_F_SETLEASE, _F_NOTIFY, _F_SETPIPE_SZ = 1024, 1026, 1031
_F_LOCKS = (6, 7, 37, 38)  # F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW
_EPOLL_CTL_ADD = 1


def refused() -> list[str]:
    """The names of all system calls that are not permitted, whatever their arguments are."""
    return [name for names in REFUSED.values() for name in names.split()]


def absent() -> list[str]:
    """The names of all system calls that do not exist behind the walls."""
    return [name for names in ABSENT.values() for name in names.split()]


def fewer_calls(request: Walls) -> None:
    """No system call that reads another process, hides memory, or enters a new namespace.

    Only Unix sockets: the other families are the kernel's own. Each refused call fails as if it
    were not permitted; a call of another architecture ends the process.
    """
    load(compiled(_few), 0)


def counted_calls(request: Walls) -> int:
    """Make each call that takes of a shared count wait until the keeper has answered (`calls`).

    Where the system does not bound how many processes there are, a process that forks waits as
    well: it could fork faster than the keeper counts. A signal can end the waiting, from Linux 5.19
    on only until the keeper has heard of the call.

    Returns:
        The file on which the keeper is asked.
    """
    bounded = request.level == NAMESPACES and processes_are_bounded()
    code = compiled(_asking if bounded else _asking_for_forks)
    try:
        return load(code, _NEW_LISTENER | _WAIT_KILLABLE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return load(code, _NEW_LISTENER)


def prepare() -> None:
    """Compile the filters now, for all processes forked from here on."""
    with contextlib.suppress(OSError):  # a process that needs them gets the error
        for write in (_few, _asking, _asking_for_forks):
            compiled(write)


# ---------------------------------------------------------------------- the two filters

Rule = Callable[..., None]  # (action, name or number, *conditions)


def _few(library: Any, rule: Rule) -> None:
    no, absent_here = library.ERRNO(errno.EPERM), library.ERRNO(errno.ENOSYS)
    for name in refused():
        rule(no, name)
    for name in absent():
        rule(absent_here, name)
    # The flags of clone3 lie in memory, where no filter looks: the C library then takes clone.
    rule(absent_here, "clone3")
    new_user = linux.CLONE_NEWUSER
    rule(no, "clone", library.Arg(0, library.MASKED_EQ, new_user, new_user))
    # A thread with open files of its own, which would appear in no process's list.
    both = linux.CLONE_THREAD | linux.CLONE_FILES
    rule(no, "clone", library.Arg(0, library.MASKED_EQ, both, linux.CLONE_THREAD))
    for name in ("socket", "socketpair"):
        rule(no, name, library.Arg(0, library.NE, _AF_UNIX))
    # What waits in a socket is the system's memory, which no limit of a process counts. `Watch`
    # counts the sockets.
    for option in (_SO_SNDBUF, _SO_SNDBUFFORCE, *_SO_ATTACH):
        level = library.Arg(1, library.MASKED_EQ, _INT, _SOL_SOCKET)
        rule(no, "setsockopt", level, library.Arg(2, library.MASKED_EQ, _INT, option))
    # The system would kill the process for them, and its keeper would not know that it asked.
    for limit in (resource.RLIMIT_CPU, _RLIMIT_RTTIME):
        rule(no, "setrlimit", library.Arg(0, library.MASKED_EQ, _INT, limit))
        which = library.Arg(1, library.MASKED_EQ, _INT, limit)
        rule(no, "prlimit64", which, library.Arg(2, library.NE, 0))
    # No process may undo that the kernel ends it with its keeper, or hide from its keeper.
    rule(no, "prctl", library.Arg(0, library.MASKED_EQ, _INT, linux.PR_SET_PDEATHSIG))
    dumpable = library.Arg(0, library.MASKED_EQ, _INT, _PR_SET_DUMPABLE)
    rule(no, "prctl", dumpable, library.Arg(1, library.NE, 1))
    _few_resources(library, rule)


def _few_resources(library: Any, rule: Rule) -> None:
    """Refuse what is counted for a whole user or machine, with the error of a full count."""
    no, invalid = library.ERRNO(errno.EPERM), library.ERRNO(errno.EINVAL)
    rule(invalid, "prctl", library.Arg(0, library.MASKED_EQ, _INT, _PR_SET_SECCOMP))
    for name, mode in (("mknod", 1), ("mknodat", 2)):
        rule(no, name, library.Arg(mode, library.MASKED_EQ, _S_IFMT, _S_IFIFO))
    rule(no, "fcntl", library.Arg(1, library.MASKED_EQ, _INT, _F_SETPIPE_SZ))
    # A lease on a file of the machine would keep its owner from writing it.
    for command in (_F_SETLEASE, _F_NOTIFY):
        rule(invalid, "fcntl", library.Arg(1, library.MASKED_EQ, _INT, command))
    watching = library.Arg(1, library.MASKED_EQ, _O_EXCL, _O_EXCL)
    rule(library.ERRNO(errno.ENOPKG), "pipe2", watching)
    huge = library.Arg(3, library.MASKED_EQ, _MAP_HUGETLB, _MAP_HUGETLB)
    rule(library.ERRNO(errno.ENOMEM), "mmap", huge)


def _asking(library: Any, rule: Rule) -> None:
    rule(library.NOTIFY, "sendmsg")
    add = library.Arg(1, library.MASKED_EQ, _INT, _EPOLL_CTL_ADD)
    rule(library.NOTIFY, "epoll_ctl", add)
    for command in _F_LOCKS:
        rule(library.NOTIFY, "fcntl", library.Arg(1, library.MASKED_EQ, _INT, command))
    rule(library.ERRNO(errno.EPERM), "seccomp")  # this filter is the last one


def _asking_for_forks(library: Any, rule: Rule) -> None:
    _asking(library, rule)
    for name in ("fork", "vfork"):
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

    def rule(action: int, name: str | int, *conditions: Any) -> None:
        if isinstance(name, int):  # newer than the library; these have one number everywhere
            found = name if architecture == native else -2
        else:
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


def load(code: bytes, flags: int) -> int:
    """Have each system call from now on judged by this filter as well."""
    space = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(space))
    return linux.syscall("seccomp", _SET_MODE_FILTER, flags, program)
