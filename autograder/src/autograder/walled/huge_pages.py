"""Puts what a process has loaded into huge pages, so that it forks in half the time.

A fork copies the table of all pages, and the end of the forked process takes it down again. A huge
page is one entry of that table in place of 512. Linux makes such pages of what is there when a
program asks for it (MADV_COLLAPSE of madvise(2), since Linux 6.1). What is touched later gets usual
pages: to clear a huge one for a few bytes would take longer.
"""

import ctypes
import re
import sys
from pathlib import Path

SIZE = 2**21  # bytes of a huge page on most machines; elsewhere the calls fail, which does no harm
_COLLAPSE = 25  # linux/mman.h
# Memory of this process alone that is no file: the heap, and what malloc maps beside it.
_LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(?:\[heap\])?$")


def gather() -> None:
    """Do it now, which takes about a second per gigabyte; does nothing where it cannot be done."""
    if sys.platform != "linux":
        return
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    for first, last in _ranges(Path("/proc/self/maps").read_text()):
        advise(first, last - first, _COLLAPSE)


def _ranges(maps: str) -> list[tuple[int, int]]:
    """The parts of a process's memory that consist of whole huge pages, from /proc/PID/maps."""
    found = []
    for line in maps.splitlines():
        if match := _LINE.match(line):
            first, last = (int(word, 16) for word in match.groups())
            first, last = -(-first // SIZE) * SIZE, last // SIZE * SIZE
            found.extend([(first, last)] if first < last else [])
    return found
