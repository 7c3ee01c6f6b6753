"""The workers of this machine: a pool of processes that share one warm process."""

import contextlib
import functools
import gc
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from autograder.root import CourseError
from autograder.run import leftovers
from autograder.walled import cores
from autograder.warm import server

RENEWED = 3  # times that a pool is made anew for one job


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
    is forked from it. If it dies, what it has forked lives on, and later jobs get a new one.

    A process that borrows its server forks the workers at once: enter the block before the process
    has threads or open databases. Otherwise they start with the first job.

    However this process ends, the workers end with it: each waits on a pipe whose other end is
    here.
    """

    def __init__(self, jobs: int) -> None:
        self.size = jobs
        self._pool: ProcessPoolExecutor | None = None
        self._pools: dict[Future, Executor] = {}
        self._has_jobs = False
        self._alive: dict[Executor, Connection] = {}

    def __enter__(self) -> "Local":
        self._stack = contextlib.ExitStack()
        if not server.is_borrowed():
            return self  # the first job starts what it needs
        self._stack.enter_context(server.shared())
        try:
            self._pool = self._made(forks=True)
            self._pool.submit(os.getpid)  # forks all of them
        except BaseException:
            self._let_go(*self._alive)
            raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is not None or not self._has_jobs:  # nobody waits for what still runs
                self._let_go(*self._alive)
            if self._pool is not None:
                self._pool.shutdown(wait=True, cancel_futures=True)
        finally:  # also if this process is stopped while it waits
            self._let_go(*self._alive)
            self._stack.close()

    def submit(self, *job: Any) -> Future:
        self._has_jobs = True
        return self._start(*job)

    def _start(self, *job: Any) -> Future:
        if self._pool is None or server.server().address != os.environ.get(server.ADDRESS):
            self._stack.enter_context(server.shared())  # none yet, or the earlier one died
            self._renew()
        for _ in range(RENEWED):
            assert self._pool is not None
            try:
                # A worker may have been forked from a process with an older environment.
                where = str(server.folder("results")), dict(os.environ)
                future = self._pool.submit(_into_file, *where, *job)
            except (BrokenProcessPool, OSError, EOFError):
                # A worker, or what it is forked from, has died unnoticed, or Python is closing the
                # pool at this moment.
                self._let_go(self._pool)
                self._renew()
            else:
                read: Future = Future()
                self._pools[read] = self._pool
                future.add_done_callback(functools.partial(_from_file, read))
                return read
        raise CourseError(
            f"The process that workers are forked from was ended {RENEWED} times: find out what "
            "ends it, and run this again; what is graded stays graded."
        )

    def prepare(self, function: Callable[..., None], *arguments: Any) -> None:
        """Run something in the worker that gets the first job, if that can be known.

        Only a single worker that is forked already surely gets it. What goes wrong there is left to
        that job, which does without.
        """
        if server.is_borrowed() and self.size == 1:
            self._start(_quietly, function, *arguments)

    def died(self, future: Future) -> bool:
        pool = self._pools.pop(future)
        dead = isinstance(future.exception(), BrokenProcessPool)
        if dead:
            self._let_go(pool)
        if dead and pool is self._pool:
            self._renew()
        return dead

    def gave_up(self, error: BaseException) -> bool:
        return False  # the pool itself never tries a job again

    def _renew(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False)  # its remaining jobs finish
        self._pool = self._made()

    def _made(self, forks: bool = False) -> ProcessPoolExecutor:
        """A new pool.

        Args:
            forks: Whether its workers are forked from this process, which then has everything
                loaded, and neither threads nor open databases yet.
        """
        theirs, mine = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("fork") if forks else _context()
        given = (theirs, mine) if forks else (theirs,)
        pool = ProcessPoolExecutor(self.size, context, initializer=_adopt, initargs=given)
        self._alive[pool] = mine
        return pool

    def _let_go(self, *pools: Executor) -> None:
        """End the workers of these pools at once."""
        for pool in pools:
            if pool in self._alive:
                self._alive.pop(pool).close()


def usable_cores() -> int:
    """The number of cores that this process may use; fewer in a container or under taskset."""
    return cores.usable()


def load_ahead() -> None:
    """Start the processes that kernels and workers are forked from, to load in the background.

    Without this call, they start when they are first needed.
    """
    server.server()
    if not server.is_borrowed():
        _context()


def _context() -> multiprocessing.context.BaseContext:
    """Fork workers from a process that, unlike this one, has no threads and no open databases."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograder.run.preload"])
    # A terminal that closes is for this process, which then ends the others.
    ours = hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN) if ours else None
    try:
        forkserver.ensure_running()
    finally:
        if ours:
            signal.signal(signal.SIGHUP, before)
    return context


def _adopt(alive: Connection, other: Connection | None = None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that gives the jobs
    if other is not None:  # a copy of the end whose closing this process waits for
        other.close()
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
    leftovers.in_background()
    gc.freeze()  # no collection needs to search what is loaded


def _into_file(
    folder: str, environment: dict[str, str], function: Callable[..., Any], *arguments: Any
) -> str:
    """Run a job in a worker, and leave its result in a file.

    A pipe takes no more than 64 KB at once. A worker that was killed while it sent a longer result
    would leave this process waiting for the rest.

    Returns:
        The path of the file.
    """
    os.environ.clear()
    os.environ.update(environment)
    result = function(*arguments)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        pickle.dump(result, file)
    return file.name


def _quietly(function: Callable[..., None], *arguments: Any) -> None:
    with contextlib.suppress(Exception):
        function(*arguments)


def _from_file(read: Future, done: Future) -> None:
    """Give the result that a worker left in a file, or its error."""
    if done.cancelled() or not read.set_running_or_notify_cancel():
        read.cancel()
        return
    try:
        path = Path(done.result())
        read.set_result(pickle.loads(path.read_bytes()))
        path.unlink()
    except BaseException as error:
        read.set_exception(error)


def _end_with(alive: Connection) -> None:
    """End this process as soon as the other end of the pipe is closed."""
    with contextlib.suppress(EOFError, OSError):
        alive.recv_bytes()
    os._exit(1)
