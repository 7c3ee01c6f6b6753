"""The workers of this machine: a pool of processes that share one warm process."""

import contextlib
import gc
import multiprocessing
import os
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from typing import Any, Protocol

from autograder.warm import server


class Workers(Protocol):
    """Where jobs go. `Local` is one, `cluster.Cluster` another."""

    @property
    def size(self) -> int:
        """How many jobs run at a time, at this moment."""

    def submit(self, *job: Any) -> Future:
        """Start a function with its arguments somewhere."""

    def died(self, future: Future) -> bool:
        """Whether a worker died over this job, perhaps by the fault of another job beside it."""

    def gave_up(self, error: BaseException) -> bool:
        """Whether a job's error means that workers died over it again and again."""


class Local:
    """``jobs`` processes. After a death all of them are made anew: that is how Python's pool ends.

    Use it in a ``with`` block; one warm process lives as long, and every kernel and judge is
    forked from it.
    """

    def __init__(self, jobs: int) -> None:
        self.size = jobs
        self._pools: dict[Future, Executor] = {}

    def __enter__(self) -> "Local":
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(server.shared())
        self._pool = self._made()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._stack.close()

    def submit(self, *job: Any) -> Future:
        try:
            future = self._pool.submit(*job)
        except (BrokenProcessPool, OSError):
            # A worker died, and nobody has looked since; or Python closes the pool at this moment.
            self._renew()
            future = self._pool.submit(*job)
        self._pools[future] = self._pool
        return future

    def died(self, future: Future) -> bool:
        pool = self._pools.pop(future)
        dead = isinstance(future.exception(), BrokenProcessPool)
        if dead and pool is self._pool:
            self._renew()
        return dead

    def gave_up(self, error: BaseException) -> bool:
        return False  # the pool itself tries nothing again

    def _renew(self) -> None:
        self._pool.shutdown(wait=False)  # what it may still hold comes to its end
        self._pool = self._made()

    def _made(self) -> ProcessPoolExecutor:
        # The environment of the process that they are forked from may be older than this one.
        known = dict(os.environ)
        return ProcessPoolExecutor(self.size, _context(), initializer=_adopt, initargs=(known,))


def usable_cores() -> int:
    """Cores that this process may run on: in a container, or under taskset, not all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_ahead() -> None:
    """Start loading what kernels and workers are forked from, while this process does other things.

    Without it, both start when they are needed.
    """
    server.server()
    _context()
    forkserver.ensure_running()


def _context() -> multiprocessing.context.BaseContext:
    """Workers are forked from a process without threads and open databases, unlike this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograder.run.job"])
    return context


def _adopt(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    gc.freeze()  # what is loaded is no garbage: a collection need not look through it
