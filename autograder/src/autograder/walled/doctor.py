"""What a machine's walls are, in sentences for the person who can change it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from autograder.walled import landlock, levels
from autograder.walled.levels import LEVELS, named
from autograder.walled.probe import NEEDS_ANOTHER as NEEDS
from autograder.walled.probe import Found

_SPACES = ("own user", "no network", "own ipc", "own processes", "own mounts", "own files")
# Settings of the kernel that forbid namespaces to users: name, the value that does, the remedy.
_SETTINGS = (
    ("user.max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"),
    ("kernel.unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
    (
        "kernel.apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for Python",
    ),
)


def report(found: Found) -> Iterator[str]:
    """The report's lines: the machine, each wall, each level, and what would raise the level."""
    yield f"{machine()}."
    for wall in levels.every():
        error = found.errors[named(wall)]
        yield f"  {named(wall):<20} {'stands' if not error else f'missing: {error}'}"
        if error and not error.startswith(NEEDS):
            yield f"  {'':<20} to raise it: {_remedy(named(wall), error)}"
    for one in LEVELS:
        names = found.missing(one.name)
        yield f"Level {one.name!r}: {'missing ' + ', '.join(names) if names else 'stands'}."
    yield verdict(found)


def verdict(found: Found) -> str:
    """What autograder grade does on this machine, in one sentence."""
    if not found.level:
        return "autograder grade refuses to grade here: no level stands."
    beyond = LEVELS[0].name
    if found.level == beyond:
        return f"autograder grade uses the level {beyond!r}, the strongest."
    return (
        f"autograder grade uses the level {found.level!r}; what it does not hold is listed in "
        "docs/sandbox.md."
    )


def machine() -> str:
    """This machine in a few words."""
    if sys.platform != "linux":
        return sys.platform
    who = "root" if os.geteuid() == 0 else "an ordinary user"
    try:
        has = f"Landlock {version}" if (version := landlock.version()) else "no Landlock"
    except OSError:
        has = "Landlock unknown"
    return f"Linux {os.uname().release} on {os.uname().machine}, {has}, as {who}"


def _remedy(wall: str, error: str) -> str:
    """What would raise a wall that cannot be built for this reason."""
    if sys.platform != "linux":
        return "grade on Linux, in a virtual machine, or in WSL 2"
    if "libseccomp" in error:
        return (
            "install libseccomp 2.5.2 or newer: the package libseccomp2 (Debian, Ubuntu) or "
            "libseccomp (Fedora)"
        )
    if wall in _SPACES:
        return _space(error)
    return "docs/sandbox.md says what a machine must have"


def _space(error: str) -> str:
    """What would raise one of the walls that namespaces make."""
    for name, closed, words in _SETTINGS:
        if _setting(name) == closed:
            return f"as root, {words}"
    if "/proc" in error:
        return (
            "let the container see all of /proc: --security-opt systempaths=unconfined (Docker), "
            "--security-opt unmask=ALL (Podman), or procMount: Unmasked (Kubernetes)"
        )
    if _in_a_container():
        return (
            "start the container with --security-opt seccomp=unconfined and --security-opt "
            "systempaths=unconfined, and on Ubuntu with --security-opt apparmor=unconfined too"
        )
    return "a kernel with namespaces for ordinary users, or grade as root"


def _setting(name: str) -> str:
    """A setting of the kernel; empty if there is none of this name."""
    try:
        return Path("/proc/sys", *name.split(".")).read_text().strip()
    except OSError:
        return ""


def _in_a_container() -> bool:
    """Whether somebody has put a filter of system calls around this process, as containers do."""
    status = Path("/proc/self/status").read_text(errors="replace")
    return status.partition("Seccomp:")[2].split()[0] == "2"
