"""Landlock: bounds on files, addresses and signals that hold without namespaces."""

import os
import struct

from autograder.walled import linux
from autograder.walled.request import Walls

# linux/landlock.h
_VERSION_FLAG, _RULE_PATH_BENEATH = 1, 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many there are; 16 from version 5 on
_BIND_AND_CONNECT_TCP = _ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


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
    everything = (1 << _FILE_RIGHTS.get(present, 16)) - 1
    facts = struct.pack("QQQ", everything, _BIND_AND_CONNECT_TCP, _ABSTRACT_SOCKETS_AND_SIGNALS)
    facts = facts[: 8 if present < 4 else 16 if present < 6 else 24]
    rules = linux.syscall("landlock_create_ruleset", facts, len(facts), 0)
    own = (request.folder, request.sockets, "/tmp", request.home, "/dev")
    for place, allowed in (
        ("/", _EXECUTE | _READ_FILE | _READ_DIR),
        *((one, everything) for one in own),
    ):
        folder = os.open(place, os.O_PATH | os.O_DIRECTORY)
        rule = struct.pack("<Qi", allowed, folder)
        linux.syscall("landlock_add_rule", rules, _RULE_PATH_BENEATH, rule, 0)
        os.close(folder)
    linux.syscall("landlock_restrict_self", rules, 0)
    os.close(rules)
