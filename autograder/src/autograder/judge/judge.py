"""Runs hidden tests in a process that holds no student code.

The judge's process executes one hidden block at a time. What the block asks of the submission
travels as plain data through a pipe: this side receives the request, asks the student's process
through its `Source`, and sends the answer back. A block that hangs or uses too much memory ends
with its process, and the next block gets a new one.
"""

import contextlib
import os
import signal
import tempfile
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from autograder.judge.source import Source
from autograder.judge.verdict import Verdict
from autograder.walled.errors import Lost
from autograder.walled.processes import was_sent
from autograder.warm import server
from convcourse import outcomes
from convcourse.wire import export
from convcourse.wire.answers import asked_for

MEMORY = 6 * 2**30  # bytes that a judge may allocate after its start
SECONDS = 300  # for one hidden block, including the student's answers


class Judge:
    """One judging process; ``with Judge() as judge: judge.run(code, source)``."""

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.seconds, self.memory = seconds, memory
        self._process: Any = None
        self._ending: Any = None  # what `let_go` has ended
        self._pipe: Connection | None = None
        self._scratch = contextlib.ExitStack()  # what TensorFlow leaves goes with its process

    def __enter__(self) -> "Judge":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, code: str, source: Source) -> Verdict:
        """Execute one hidden block against a submission.

        Args:
            code: The hidden block.
            source: Where the submission is.

        Returns:
            The verdict; no fault of the submission or of the block raises an exception.

        Raises:
            Lost: If the judge ends through no fault of the block.
            RuntimeError: If the judge cannot start, or its machine cannot go on.
        """
        self.begin()
        pipe = self._ready()
        with contextlib.suppress(ConnectionError):  # the next recv reports that the judge ended
            pipe.send(("run", code))
        deadline = time.monotonic() + self.seconds
        while True:
            left = deadline - time.monotonic()
            if left < 0 or not pipe.poll(left):
                self.close()
                return Verdict(
                    outcomes.ERROR,
                    f"The hidden checks did not end within {self.seconds:.0f} seconds.",
                )
            try:
                kind, *body = pipe.recv()
            except (EOFError, OSError):
                return self._lost()
            if kind == "verdict":
                return body[0]
            if kind == "broken":
                raise RuntimeError(f"The judge cannot work on this machine: {body[0]}.")
            words, parts = _answer(source, kind, *body)
            with contextlib.suppress(ConnectionError):  # the next recv reports that the judge ended
                pipe.send(words)
                _write(pipe, parts)

    def _lost(self) -> Verdict:
        """The verdict when the judge's process ends in the middle of a block.

        It holds no student code. A fault ends it when an answer needs too much memory; any other
        end is the grader's own, or came from outside.
        """
        process = self._process
        code = process.wait(10)
        lost = process.lost()
        self.close()
        if lost or code is None or code >= 0 or was_sent(code):
            raise Lost(lost or f"The judge ended with exit code {code}.")
        return Verdict(outcomes.ERROR, "The hidden checks used more memory than allowed.")

    def let_go(self) -> None:
        """End the judge's process without waiting for its end; a later block gets a new one."""
        if self._process is not None:
            self._process.signal(signal.SIGKILL)
            self._ending, self._process = self._process, None

    def close(self) -> None:
        """End the judge's process at once."""
        for process in (self._process, self._ending):
            if process is not None:
                process.kill()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._ending = self._pipe = None
        self._scratch.close()

    def begin(self) -> None:
        """Ask for the process if there is none, and do not wait until it is ready."""
        if self._pipe is None or self._process is None or self._process.poll() is not None:
            self.close()
            self._pipe, theirs = Pipe()
            kept = server.folder(server.JUDGES)
            scratch = tempfile.TemporaryDirectory(dir=kept, ignore_cleanup_errors=True)
            own = {"PATH": os.environ.get("PATH", ""), "MPLBACKEND": "agg"}
            own["TMPDIR"] = self._scratch.enter_context(scratch)
            names = ("COURSE_", "OMP_", "TF_", "KERAS_", "CUDA_")
            known = {k: v for k, v in os.environ.items() if k.startswith(names)}
            self._process = server.fork(
                "autograder.judge.serve:serve",
                {"memory": self.memory, "kept": str(kept)},
                environment={**known, **own},
                fds=(theirs.fileno(),),
            )
            theirs.close()

    def _ready(self) -> Connection:
        try:
            self._process.wait_ready()
        except Lost:
            raise
        except RuntimeError as error:
            last = str(error).strip().rpartition("\n")[2]
            raise RuntimeError(f"The judge did not start: {last}") from None
        assert self._pipe is not None
        return self._pipe


def _answer(
    source: Source, kind: str, name: Any, arguments: Any
) -> tuple[tuple, list[bytes | memoryview]]:
    """Ask the submission.

    Returns:
        The message for the judge, and the parts of the data that follow it. An exception with an
        outcome becomes a message without data.
    """
    try:
        if kind == "values":
            plain = source.values(name)
        elif kind in ("call", "changed", "trainings", "model"):
            plain = getattr(source, kind)(name, arguments)
        else:
            raise ValueError(f"a request of kind {kind!r} cannot be answered")
        parts = export.chunks(*plain)
    except outcomes.CheckFailed as failed:
        return ("failed", failed.outcome.status, failed.outcome.message, failed.detail), []
    except export.ExportError as error:
        return ("failed", outcomes.WRONG, f"{asked_for(name)}: {error}.", ""), []
    return ("plain", sum(map(len, parts))), parts


def _write(pipe: Connection, parts: list[bytes | memoryview]) -> None:
    for part in parts:
        left = memoryview(part)
        while left:
            left = left[os.write(pipe.fileno(), left) :]
