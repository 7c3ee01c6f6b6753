"""The filter of system calls for levels without namespaces, where others can be named.

Behind namespaces a process finds no other process, no socket and no file of the machine. Here it
can name them. Landlock keeps it from files and, from version 6 on, from signals; this filter keeps
it from what Landlock leaves open.
"""

import contextlib
import errno
from typing import Any

from autograder.walled import linux, seccomp
from autograder.walled.request import OWN_USERS, Walls
from autograder.walled.seccomp import Rule

REFUSED = {
    "sockets of others": "connect",
    "System V objects and message queues of others, by number or name": (
        "shmctl semctl semop semtimedop msgctl msgsnd msgrcv mq_unlink"
    ),
    "memory and priorities of others": (
        "process_madvise process_mrelease migrate_pages move_pages ioprio_set"
    ),
}
# libzmq sets the usual policy for its own threads, by their numbers, and ends if that fails. So
# these do nothing and say that they did.
POLICIES = "sched_setscheduler sched_setparam"
# The owner of a file may make these calls even if no path to it can be opened. At the level
# *same user* all files of the user are the process's own, so nothing happens, and the calls say
# that it did: programs that copy and unpack files make them.
OWNERS = "chmod fchmod fchmodat chown fchown lchown fchownat utime utimes futimesat utimensat"
_XATTR = "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"
# fchmodat2, setxattrat, removexattrat, file_setattr; the C library does without them.
_NEW = (452, 463, 466, 469)
_OF_SELF = ("prlimit64", "sched_setaffinity")  # the first argument names another process
_STREAM, _KIND = 1, 0xF  # of a socket; the other bits are flags
# The kinds of ioctl that change a file which is only open for reading: attributes ('f', 'X', 'v'),
# and subvolumes and clones (0x94).
_FILE_IOCTLS, _IOCTL_KIND = (0x66, 0x58, 0x76, 0x94), 0xFF00
_PRIO_PROCESS = 0


def nothing_foreign(request: Walls) -> None:
    """No call that reaches a socket, a process, or the attributes of a file that is not its own."""
    write = _own_user if request.level == OWN_USERS else _same_user
    seccomp.load(seccomp.compiled(write), 0)


def prepare() -> None:
    """Compile the filters now, for all processes forked from here on."""
    with contextlib.suppress(OSError):  # a process that needs them gets the error
        for write in (_own_user, _same_user):
            seccomp.compiled(write)


def _own_user(library: Any, rule: Rule) -> None:
    """Other users' files are safe by their owners, but a file that anyone may write to is not."""
    _foreign(library, rule)
    rule(library.ERRNO(errno.EPERM), "truncate")  # Landlock bounds it from version 3 on


def _same_user(library: Any, rule: Rule) -> None:
    _foreign(library, rule)
    for name in OWNERS.split():
        rule(library.ERRNO(0), name)


def _foreign(library: Any, rule: Rule) -> None:
    no = library.ERRNO(errno.EPERM)
    for names in REFUSED.values():
        for name in names.split():
            rule(no, name)
    for name in POLICIES.split():
        rule(library.ERRNO(0), name)
    for name in _XATTR.split():
        rule(library.ERRNO(errno.EOPNOTSUPP), name)
    for number in _NEW:
        rule(library.ERRNO(errno.ENOSYS), number)
    for kind in range(_KIND + 1):
        if kind != _STREAM:
            for name in ("socket", "socketpair"):
                rule(no, name, library.Arg(1, library.MASKED_EQ, _KIND, kind))
    for name in _OF_SELF:
        rule(no, name, library.Arg(0, library.NE, 0))
    rule(no, "setpriority", library.Arg(0, library.NE, _PRIO_PROCESS))
    rule(no, "setpriority", library.Arg(1, library.NE, 0))
    for kind in _FILE_IOCTLS:
        rule(no, "ioctl", library.Arg(1, library.MASKED_EQ, _IOCTL_KIND, kind << 8))
    # Nothing may hide from the keeper how much it uses.
    rule(no, "prctl", library.Arg(0, library.MASKED_EQ, 0xFFFFFFFF, linux.PR_SET_DUMPABLE))
