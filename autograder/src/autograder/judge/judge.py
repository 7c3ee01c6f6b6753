"""Runs hidden tests in a process that holds no student code.

The judge's process executes one hidden block at a time. What the block asks of the submission
travels as plain data through a pipe: the request to this side, which asks the student's process
by whatever `Source` it was given, and the answer back. A block that hangs or eats memory ends
with its process, and the next block gets a new one.
"""

import contextlib
import os
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from autograder.judge.source import Source
from autograder.judge.verdict import Verdict
from autograder.warm import server
from convcourse import outcomes
from convcourse.wire import export
from convcourse.wire.answers import asked_for

MEMORY = 6 * 2**30  # bytes a judge may add to what it has at its start
SECONDS = 300  # one hidden block, the student's answers included


class Judge:
    """One judging process; ``with Judge() as judge: judge.run(code, source)``."""

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.seconds, self.memory = seconds, memory
        self._process: Any = None
        self._pipe: Connection | None = None

    def __enter__(self) -> "Judge":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, code: str, source: Source) -> Verdict:
        """Execute one hidden block against a submission; never raises for what it finds.

        Raises RuntimeError when there is no judge to be had: then nothing is known of the work.
        """
        pipe = self._ready()
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
            except (EOFError, ConnectionError):
                return self._lost()
            if kind == "verdict":
                return body[0]
            words, parts = _answer(source, kind, *body)
            with contextlib.suppress(ConnectionError):  # the end of the judge is seen above
                pipe.send(words)
                _write(pipe, parts)

    def _lost(self) -> Verdict:
        """What the end of the judge's process in the middle of a block means.

        Memory that an answer needs ends it by a signal; whatever else does is the grader's fault.
        """
        process = self._process
        code = process.wait(10)
        self.close()
        if code is None or code >= 0:
            raise RuntimeError(f"The judge ended with exit code {code}.")
        if lost := process.lost():
            raise RuntimeError(lost)
        return Verdict(outcomes.ERROR, "The hidden checks used more memory than allowed.")

    def close(self) -> None:
        """End the judge's process at once."""
        if self._process is not None:
            self._process.kill()
            self._pipe.close()
        self._process = self._pipe = None

    def _ready(self) -> Connection:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._pipe, theirs = Pipe()
            names = ("COURSE_", "OMP_", "TF_", "KERAS_", "CUDA_")
            known = {k: v for k, v in os.environ.items() if k.startswith(names)}
            self._process = server.fork(
                "autograder.judge.serve:serve",
                {"memory": self.memory, "kept": str(server.folder("judges"))},
                environment={**known, "PATH": os.environ.get("PATH", ""), "MPLBACKEND": "agg"},
                fds=(theirs.fileno(),),
            )
            theirs.close()
            try:
                self._process.wait_ready()
            except RuntimeError as error:
                last = str(error).strip().rpartition("\n")[2]
                raise RuntimeError(f"The judge did not start: {last}") from None
        return self._pipe


def _answer(
    source: Source, kind: str, name: str | list[str], arguments: Any
) -> tuple[tuple, list[bytes | memoryview]]:
    """Ask the submission: a message, and the parts of the data that follow it.

    An outcome that it ends in crosses as words.
    """
    try:
        if kind == "values":
            plain = source.values(name)
        elif kind == "call":
            plain = source.call(name, arguments)
        else:
            plain = source.model(name, arguments)
        parts = export.chunks(*plain)
    except outcomes.CheckFailed as failed:
        return ("failed", failed.outcome.status, failed.outcome.message, failed.detail), []
    except export.ExportError as error:
        return ("failed", outcomes.WRONG, f"{asked_for(name)}: {error}.", ""), []
    return ("plain", sum(map(len, parts))), parts


def _write(pipe: Connection, parts: list[bytes | memoryview]) -> None:
    for part in map(memoryview, parts):
        while part:
            part = part[os.write(pipe.fileno(), part) :]
