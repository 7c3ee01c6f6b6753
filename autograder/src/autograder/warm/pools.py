"""Pools of processes and threads behind walls without ``/dev/shm`` or a whole ``/proc``.

The C library keeps named semaphores in ``/dev/shm``, which walls of the level *same user* close.
Pools of threads need such a lock as well. Here a semaphore has no name: it lies in memory that a
process shares with those that it forks.
"""

import ctypes
import functools
import importlib
import mmap
import multiprocessing
from multiprocessing import context, heap, synchronize, util
from pathlib import Path
from typing import Any


def prepare() -> None:
    """Make locks work in this process if they do not, and joblib use threads where it must."""
    try:
        multiprocessing.Lock()
    except OSError:
        synchronize.SemLock.__init__ = _init  # type: ignore[method-assign]
        heap.Arena._dir_candidates = []  # type: ignore[attr-defined]  # then in a temporary file
    try:
        Path("/proc/1/stat").read_bytes()
    except OSError:  # joblib's processes look for themselves there, and for semaphores by name
        parallel: Any = importlib.import_module("joblib.parallel")
        parallel.DEFAULT_BACKEND = parallel.DEFAULT_THREAD_BACKEND


def _init(self: Any, kind: int, value: int, maxvalue: int, *, ctx: Any) -> None:
    """As `SemLock.__init__`, with a semaphore that has no name."""
    chosen = ctx or context._default_context.get_context()
    self._is_fork_ctx = chosen.get_start_method() == "fork"
    space = mmap.mmap(-1, mmap.PAGESIZE)  # shared with processes that are forked from this one
    self._space = ctypes.c_char.from_buffer(space)
    place = ctypes.addressof(self._space)
    if _library().sem_init(ctypes.c_void_p(place), 1, value):
        raise OSError(ctypes.get_errno(), "sem_init")
    made = synchronize._multiprocessing.SemLock._rebuild  # type: ignore[attr-defined]
    self._semlock = made(place, kind, maxvalue, None)
    self._make_methods()
    util.register_after_fork(self, _after_fork)


def _after_fork(lock: Any) -> None:
    lock._semlock._after_fork()


@functools.cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
