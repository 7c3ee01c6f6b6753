"""Each limit, up to its end."""

import os
import time
from dataclasses import replace

import pytest
from walls_needed import walls_needed

from autograder.walled.limits import GB, LIMITS, Limits

pytestmark = [pytest.mark.unit, walls_needed]
MB = 2**20
HOME = "/home/somebody"  # as conftest.py says


def ends(ask, code: str, limits: Limits, within: float) -> str:
    """The sentence in which it ends, which has to come ``within`` these seconds and five more.

    A machine that does other things meanwhile, as one that tests in parallel, gets longer.
    """
    started = time.monotonic()
    one = ask(code, limits)
    busy = max(1, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert time.monotonic() - started < (within + 5) * busy
    return one.reason


def test_memory_at_once_is_refused_and_the_process_goes_on(said):
    code = "try: bytearray(20 * 2**30)\nexcept MemoryError: print('refused')\nprint('here')"
    assert said(code).split() == ["refused", "here"]


@pytest.mark.parametrize(
    "code",
    [
        "import mmap\nm = mmap.mmap(-1, 4 * 2**30)\nfor i in range(0, len(m), 4096): m[i] = 1",
        "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n"
        "        x = b'x' * 2**26; time.sleep(60)\ntime.sleep(60)",
        # Pages that are only read take none of it, but the tables that list them do.
        "import mmap\nkept = []\nwhile True:\n"
        "    kept.append(mmap.mmap(-1, 2**40, mmap.MAP_PRIVATE | 0x4000, mmap.PROT_READ))\n"
        "    kept[-1].madvise(mmap.MADV_NOHUGEPAGE)\n"
        "    for i in range(0, 2**40, 2**21): kept[-1][i]",
    ],
    ids=["shared", "in children", "tables"],
)
def test_memory_little_by_little_ends_the_process(ask, code):
    limits = replace(LIMITS, memory=GB // 4)
    assert ends(ask, code, limits, 5) == "The process used more than 0.2 GB of memory."


def test_a_fork_bomb_ends_the_process(ask):
    code = "import os\nwhile True: os.fork()"
    assert ends(ask, code, LIMITS, 5) == "The process started more than 32 processes."


def test_too_many_open_files_are_refused_and_in_many_processes_end_them(ask, said):
    code = """
kept = []
try:
    while True: kept.append(open("/dev/null"))
except OSError as error:
    print(error.strerror)"""
    assert said(code) == "Too many open files"
    code += "\nimport os, time\nkept.pop()\n[os.fork() for _ in range(3)]\ntime.sleep(60)"
    limits = replace(LIMITS, opened=400)
    assert ends(ask, code, limits, 5) == "The process opened more than 400 files."


def test_too_many_threads_end_the_process_or_are_refused(ask):
    code = """
import threading, time
for _ in range(5_000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"""
    one = ask(code)
    assert "can't start new thread" in one.text or "threads" in one.reason


def test_computing_time_and_waiting_time_are_bounded(ask):
    code = "import os\nif os.fork() >= 0:\n    while True: pass"
    limits = replace(LIMITS, cpu_seconds=2)
    assert ends(ask, code, limits, 2) == "The process computed for more than 2 seconds."
    limits = replace(LIMITS, wall_seconds=1)
    words = ends(ask, "import time\ntime.sleep(60)", limits, 1)
    assert words == "The process took longer than 1 seconds."


FILL = """
import os
held = []
for number in range(40):
    held.append(open("{place}/" + str(number), "wb"))
    held[-1].write(b"x" * 2**22)
    if {unlink}: os.unlink(held[-1].name)
"""


@pytest.mark.parametrize("place", [".", "/tmp", "/dev/shm", HOME])
@pytest.mark.parametrize("unlink", [False, True], ids=["kept", "deleted and held open"])
def test_a_full_disk_is_an_error_and_the_process_goes_on(said, place, unlink):
    limits = replace(LIMITS, disk=40 * MB, scratch=20 * MB)
    words = said(FILL.format(place=place, unlink=unlink), limits=limits)
    assert "No space left on device" in words


def test_a_file_as_large_as_the_disk_and_a_million_files_are_refused(said):
    code = "with open('big', 'wb') as f:\n    for _ in range(70): f.write(bytes(2**20))"
    assert "File too large" in said(code, limits=replace(LIMITS, disk=64 * MB))
    assert "No space left" in said("for i in range(10**6): open(str(i), 'w')")
