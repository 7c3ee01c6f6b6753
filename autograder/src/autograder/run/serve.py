"""`autograder serve`: a process that keeps everything loaded for the runs of one course.

It holds the warm process, and nbgrader and the grader imported. It forks a process for each run,
which has the environment, the folder and the output of its asker (`handover`), and which ends with
it. So no run leaves anything to the next one. The server takes one run at a time. What is asked
meanwhile runs without it, and then finds the course's lock taken, as it would without a server.
"""

import contextlib
import gc
import json
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection as waiting
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.provisioning import KernelProvisionerFactory
from sqlalchemy import create_engine
from sqlalchemy.orm import configure_mappers

from autograder.judge.judge import Judge
from autograder.nbgrader import disk
from autograder.root import ROOM, CourseError
from autograder.run import before, cluster, grade, handover, progress, rehearsal, stop
from autograder.walled import huge_pages, wire
from autograder.walled.errors import WallError
from autograder.walled.processes import end_with_parent
from autograder.warm import reach, server

LOADED = before, cluster, grade, progress  # what a run imports
ENDING_SECONDS = 30  # in which a run that was stopped undoes what is half done
READY = "Ready: autograder grade in this course starts at once. Ctrl-C ends this server."
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FORK: Any = multiprocessing.get_context("fork")  # this process has no threads


def serve(
    root: Path,
    facts: dict[str, Any],
    run: Callable[[Sequence[str]], None],
    say: Callable[[str], None],
) -> None:
    """Serve a course until somebody stops this process.

    Args:
        root: The course folder.
        facts: What `handover.facts` gave before this process loaded anything.
        run: Does one run, given its command line; ends with `SystemExit`.
        say: Called with a sentence once everything is loaded.

    Raises:
        CourseError: If another server waits in this course, or its folder cannot be written.
    """
    with disk.writable():
        (root / ROOM).mkdir(exist_ok=True)
    with contextlib.suppress(stop.Stopped), stop.stoppable(), _listening(root) as listener:
        _load(root)
        say(READY)
        while True:
            asker, _ = listener.accept()
            with asker:
                if request := _taken(asker, facts):
                    server.server()  # a new one if somebody has ended it
                    _attend(_Run(asker, listener, run, *request), listener)


def _load(root: Path) -> None:
    """Load what waits for its first use, have the warm process loaded, and try the walls."""
    for relaxed in (False, True):
        nbformat.validate(nbformat.v4.new_notebook(), relax_add_props=relaxed)
    configure_mappers()
    create_engine("sqlite://").dispose()
    KernelProvisionerFactory.instance()  # searches all packages
    nothing: Any = None  # an empty block asks for nothing
    with contextlib.suppress(RuntimeError), Judge() as judge:  # a run says what is wrong
        judge.run("", nothing)
    with contextlib.suppress(WallError):
        reach.found()
    rehearsal.sources(root)
    rehearsal.run()
    gc.collect()
    gc.freeze()  # a collection in a run would copy every page that it marks
    huge_pages.gather()


@contextlib.contextmanager
def _listening(root: Path) -> Iterator[socket.socket]:
    with contextlib.suppress(OSError), handover.reached(root):
        raise CourseError("Another autograder serve waits in this course: use it, or end it.")
    with handover.in_room(root) as place, socket.socket(socket.AF_UNIX) as listener:
        mask = os.umask(0o177)
        try:
            with disk.writable():
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(place)  # an earlier server was killed
                listener.bind(place)
        finally:
            os.umask(mask)
        listener.listen()
        try:
            yield listener
        finally:
            with contextlib.suppress(OSError):
                os.unlink(place)


def _taken(
    asker: socket.socket, facts: dict[str, Any] | None
) -> tuple[dict[str, Any], list[int]] | None:
    """Read a request and answer it.

    Args:
        asker: The connection.
        facts: This server's facts, or None if a run goes on.

    Returns:
        The request and its files if a run begins.
    """
    files: list[int] = []
    try:
        asker.settimeout(handover.SECONDS)
        if handover.user_of(asker) != os.geteuid():
            return None
        request, files = wire.receive(asker)
        why = "" if facts is None else handover.refusal(facts, request["facts"])
        said = {"refused": why} if why or facts is None else {"running": True}
        asker.sendall(json.dumps(said).encode() + b"\n")
        if "running" in said:
            asker.settimeout(None)
            taken, files = files, []
            return request, taken
    except (OSError, ValueError, EOFError, LookupError, TypeError):
        pass  # it has gone, or it is no grader
    finally:
        for number in files:
            os.close(number)
    return None


class _Run:
    """One run in a process of its own."""

    def __init__(
        self,
        asker: socket.socket,
        listener: socket.socket,
        run: Callable[[Sequence[str]], None],
        request: dict[str, Any],
        files: list[int],
    ) -> None:
        self.asker = asker
        ours = asker, listener
        self.told, telling = multiprocessing.Pipe(duplex=False)
        # Python's own functions after a fork would swallow the exception that a signal raises.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        try:
            given = os.getpid(), mask, ours, telling, run, request, files
            self.process = _FORK.Process(target=_do, args=given)
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        telling.close()
        for number in files:
            os.close(number)

    def pass_on(self) -> bool:
        """Send the signals that the asker got to the run; False if the asker is gone."""
        with contextlib.suppress(OSError):
            numbers = self.asker.recv(wire.CHUNK)
            for number in numbers:
                self.send(number)
            return bool(numbers)
        return False

    def send(self, number: int) -> None:
        """Send a signal to the run."""
        with contextlib.suppress(OSError):
            if self.process.is_alive():
                os.kill(self.process.pid, number)

    def end(self) -> None:
        """Stop the run if it still goes on, and tell its asker the exit code."""
        code = self._code()
        if code is None:
            self.send(signal.SIGTERM)
        else:  # the asker need not wait until the process is gone
            wire.say(self.asker, {"code": code})
        self.process.join(ENDING_SECONDS)
        self.send(signal.SIGKILL)
        self.process.join()
        if code is None:
            wire.say(self.asker, {"code": self.process.exitcode})
        server.clear()  # a worker that was stopped has left its folders

    def _code(self) -> int | None:
        """The exit code, if the run has told it."""
        with contextlib.suppress(EOFError, OSError):
            return self.told.recv() if self.told.poll() else None
        return None


def _attend(run: _Run, listener: socket.socket) -> None:
    """Follow a run to its end, and send others away."""
    heard: list[Any] = [run.told, run.asker, listener]  # the first is closed if the run dies
    try:
        while run.told not in (ready := waiting.wait(heard)):
            if run.asker in ready and not run.pass_on():
                break
            if listener in ready:
                other, _ = listener.accept()
                with other:
                    _taken(other, None)
    finally:
        run.end()


def _do(
    parent: int,
    mask: set[signal.Signals],
    ours: Sequence[socket.socket],
    telling: Connection,
    run: Callable[[Sequence[str]], None],
    request: dict[str, Any],
    files: list[int],
) -> None:
    """Be the process that the asker would be: run, and tell the exit code."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()  # Ctrl-C in the server's terminal is for the server, which then ends this run
    end_with_parent(signal.SIGTERM)
    if os.getppid() != parent:
        return
    for one in ours:
        one.close()
    _become(request, files)
    server.borrow()
    try:
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            run(request["arguments"])
        except KeyboardInterrupt:  # before the run itself could take it
            stop.leave(stop.Stopped())
    except SystemExit as ended:
        _tell(telling, ended.code or 0)
        raise


def _become(request: dict[str, Any], files: list[int]) -> None:
    """Take over the output, the environment, the umask and the folder of the asker."""
    for number, copy in enumerate(files, start=1):
        os.dup2(copy, number)
        os.close(copy)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(request["environment"] | {handover.INSIDE: "1"})
    os.umask(request["umask"])
    os.chdir(request["folder"])


def _tell(telling: Connection, code: object) -> None:
    """Tell the exit code, once all output is out."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if isinstance(code, int):  # Python shows what is no number
        telling.send(code)
