"""Memory in huge pages: only whole ones of this process alone, with the same contents."""

import os

import pytest

from autograder.walled import huge_pages

pytestmark = pytest.mark.unit

MAPS = """\
00400000-00c00000 r-xp 00000000 fe:00 1000 /usr/bin/python3.11
00c00000-01e00000 rw-p 00000000 fe:00 1000 /usr/bin/python3.11
02100000-02900000 rw-p 00000000 00:00 0    [heap]
7f0000000000-7f0000400000 rw-p 00000000 00:00 0
7f0000500000-7f00006ff000 rw-p 00000000 00:00 0
7f0000800000-7f0000c00000 rw-s 00000000 00:01 7 /dev/shm/shared
7f0001000000-7f0001800000 r--p 00000000 00:00 0
7ffc00000000-7ffc00800000 rw-p 00000000 00:00 0    [stack]
"""


def test_only_whole_huge_pages_of_the_heap_and_of_unnamed_private_memory_are_found():
    assert huge_pages._ranges(MAPS) == [
        (0x02200000, 0x02800000),
        (0x7F0000000000, 0x7F0000400000),
    ]


def test_contents_stay_and_so_do_those_of_a_forked_process():
    kept = bytearray(os.urandom(2**20)) * 16
    before = hash(bytes(kept))
    huge_pages.gather()
    assert hash(bytes(kept)) == before
    reading, writing = os.pipe()
    if os.fork() == 0:
        kept[0] ^= 255  # a copy of this page alone
        os.write(writing, bytes([kept[0] ^ 255 == kept[2**20], hash(bytes(kept)) != before]))
        os._exit(0)
    assert os.read(reading, 2) == b"\1\1" and hash(bytes(kept)) == before
    os.wait()
    os.close(reading)
    os.close(writing)
