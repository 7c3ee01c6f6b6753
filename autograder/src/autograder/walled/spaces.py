"""Namespaces, which the keeper enters for the process that it forks next, and capabilities."""

import os
from pathlib import Path

from autograder.walled import linux
from autograder.walled.request import Walls

USER = 1000  # the caller's own user inside, where it has no rights


def own_user(request: Walls) -> None:
    """A user namespace in which the caller's user is number 1000 and owns nothing else.

    Root that may enter the other namespaces needs none: `no_rights` takes its rights away.
    """
    user, group = os.geteuid(), os.getegid()
    try:
        linux.unshare(linux.CLONE_NEWUSER)
    except OSError:
        if not linux.has_capability(linux.CAP_SYS_ADMIN):
            raise
        return
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{USER} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{USER} {group} 1")


def no_network(request: Walls) -> None:
    """A network namespace in which not even the loopback interface is up."""
    linux.unshare(linux.CLONE_NEWNET)


def own_ipc(request: Walls) -> None:
    """Message queues, shared memory, host name and control groups of its own."""
    linux.unshare(linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWCGROUP)


def own_processes(request: Walls) -> None:
    """The next process forked is the first of a namespace that ends with it; it sees no other."""
    linux.unshare(linux.CLONE_NEWPID)


def own_mounts(request: Walls) -> None:
    """A mount namespace, so that nothing mounted from now on appears elsewhere."""
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)


def no_rights(request: Walls) -> None:
    """No capability, now or through any program that the process runs."""
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    for capability in range(64):
        if not linux.try_prctl(linux.PR_CAPBSET_DROP, capability):  # there is no such capability
            break
    linux.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_CLEAR_ALL)
    linux.drop_capabilities()
