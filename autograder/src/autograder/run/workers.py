"""The workers of this machine: a pool of processes that share one warm process."""

import contextlib
import gc
import multiprocessing
import os
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from typing import Any, Protocol

from autograder.walled import cores
from autograder.warm import server


class Workers(Protocol):
    """What runs the jobs: `Local`, or `cluster.Cluster`."""

    @property
    def size(self) -> int:
        """How many jobs can run at a time at this moment."""

    def submit(self, *job: Any) -> Future:
        """Start a function with its arguments; the future gives its result."""

    def died(self, future: Future) -> bool:
        """Whether a worker died during this job, perhaps because of another job beside it."""

    def gave_up(self, error: BaseException) -> bool:
        """Whether a job's error means that it killed several workers."""


class Local:
    """``jobs`` processes. When one dies, all are replaced, because Python's pool then ends as well.

    Use it in a ``with`` block. One warm process lives as long as the block; every kernel and judge
    is forked from it.
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
            # A worker has died unnoticed, or Python is closing the pool at this moment.
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
        return False  # the pool itself never tries a job again

    def _renew(self) -> None:
        self._pool.shutdown(wait=False)  # its remaining jobs finish
        self._pool = self._made()

    def _made(self) -> ProcessPoolExecutor:
        # The process that the workers are forked from may have an older environment.
        known = dict(os.environ)
        return ProcessPoolExecutor(self.size, _context(), initializer=_adopt, initargs=(known,))


def usable_cores() -> int:
    """The number of cores that this process may use; fewer in a container or under taskset."""
    return cores.usable()


def load_ahead() -> None:
    """Start the processes that kernels and workers are forked from, to load in the background.

    Without this call, they start when they are first needed.
    """
    server.server()
    _context()
    forkserver.ensure_running()


def _context() -> multiprocessing.context.BaseContext:
    """Fork workers from a process that, unlike this one, has no threads and no open databases."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograder.run.preload"])
    return context


def _adopt(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    gc.freeze()  # no collection needs to search what is loaded
