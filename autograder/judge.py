"""Runs hidden tests in a process that holds no student code.

The judge's process executes one hidden block at a time. What the block asks of the submission
travels as plain data through a pipe: the request to this side, which asks the student's process
by whatever `Source` it was given, and the answer back. A block that hangs or eats memory ends
with its process, and the next block gets a new one.
"""

import ast
import contextlib
import io
import math
import os
import resource
import signal
import time
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from autograder import kernels, submission, warm
from helpers import checks, export
from helpers.answers import asked_for

MEMORY = 6 * 2**30  # bytes a judge may add to what it has at its start
SECONDS = 300  # one hidden block, the student's answers included


@dataclass(frozen=True)
class Verdict:
    """What a hidden block came to: an outcome, and a score where it ends in a number."""

    status: str
    message: str = ""
    score: float | None = None  # points, as nbgrader takes a test cell's last number
    detail: str = ""  # more words, which only the instructor may read
    notes: dict[str, str | float] = field(default_factory=dict)  # for the class's leaderboard

    @property
    def passed(self) -> bool:
        return self.status == checks.PASSED

    def within(self, points: float) -> "Verdict":
        """This verdict with a score that nbgrader takes, 0 to ``points``, and told in words."""
        if self.score is None:
            return self
        score = self.score if math.isfinite(self.score) else 0.0
        score = min(max(score, 0.0), float(points))
        if score == 0:
            return Verdict(checks.WRONG, f"The hidden checks give none of {points:g} points.")
        return replace(self, score=score, message=f"{score:g} of {points:g} points.")


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

    def run(self, code: str, source: submission.Source) -> Verdict:
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
                    checks.ERROR,
                    f"The hidden checks did not end within {self.seconds:.0f} seconds.",
                )
            try:
                kind, *body = pipe.recv()
            except (EOFError, ConnectionError):
                return self._lost()
            if kind == "verdict":
                return Verdict(*body)
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
        return Verdict(checks.ERROR, "The hidden checks used more memory than allowed.")

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
            self._process = kernels.fork(
                "autograder.judge:serve",
                {"memory": self.memory, "kept": str(kernels.folder("judges"))},
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
    source: submission.Source, kind: str, name: str | list[str], arguments: Any
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
    except checks.CheckFailed as failed:
        return ("failed", failed.outcome.status, failed.outcome.message, failed.detail), []
    except export.ExportError as error:
        return ("failed", checks.WRONG, f"{asked_for(name)}: {error}.", ""), []
    return ("plain", sum(map(len, parts))), parts


def _write(pipe: Connection, parts: list[bytes | memoryview]) -> None:
    for part in map(memoryview, parts):
        while part:
            part = part[os.write(pipe.fileno(), part) :]


# ---------------------------------------------------------------------- in the judge's process


class _Pipe:
    """The source that a hidden block sees: the other end of the pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def values(self, names: list[str]) -> Any:
        return self._ask("values", names, None)

    def call(self, name: str, arguments: Any) -> Any:
        return self._ask("call", name, arguments)

    def model(self, name: str, arguments: Any) -> Any:
        return self._ask("model", name, arguments)

    def _ask(self, kind: str, name: str | list[str], arguments: Any) -> Any:
        self._pipe.send((kind, name, arguments))
        answer, *body = self._pipe.recv()
        if answer == "plain":
            return export.loads(self._received(*body))
        status, message, detail = body
        kinds = {checks.NOT_ATTEMPTED: checks.NotAttempted, checks.ERROR: checks.StudentError}
        failed = kinds.get(status, checks.Wrong)(message)
        failed.detail = detail
        raise failed

    def _received(self, size: int) -> memoryview:
        """An answer's bytes, which follow bare: the pipe's own messages would copy them twice."""
        try:
            whole = left = np.empty(size, np.uint8).data
        except MemoryError:  # what follows, a student's data, must not be read as messages
            os.kill(os.getpid(), signal.SIGKILL)
        while left:
            got = os.readv(self._pipe.fileno(), [left])
            if not got:
                raise EOFError("the answer was cut short")
            left = left[got:]
        return whole


def serve(call: warm.Call) -> None:
    """Execute hidden blocks until the other end closes; the target of a forked process."""
    pipe = Connection(call.fds[0])
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # TensorFlow's log would mix with the progress
    _limit_memory(call.arguments["memory"])
    submission.connect(_Pipe(pipe))
    submission.keep_in(call.arguments["kept"])
    call.ready()
    while True:
        try:
            _, code = pipe.recv()
        except EOFError:
            return
        pipe.send(("verdict", *_execute(code)))


def _limit_memory(extra: int) -> None:
    """Bound what this process may map beyond what it has now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        present = int(file.read().split()[0]) * resource.getpagesize()
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (present + extra, present + extra))


def _execute(code: str) -> tuple:
    """Run a block; its last expression may be a number, as nbgrader reads a test cell.

    Returns what `Verdict` is made of.
    """
    submission.take_notes()  # of a block before, which may have ended in an error
    names: dict[str, Any] = {"__name__": "hidden"}
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(tree, "hidden", "exec"), names)
            expression = ast.Expression(last.value) if last else None
            score = eval(compile(expression, "hidden", "eval"), names) if last else None
    except checks.CheckFailed as failed:
        return failed.outcome.status, failed.outcome.message, None, failed.detail
    except AssertionError as error:
        return checks.WRONG, str(error) or "A hidden check did not pass.", None, ""
    except MemoryError:
        return checks.ERROR, "The hidden checks used more memory than allowed.", None, ""
    except Exception as error:  # a fault of the checks: never shown with a hidden value or line
        kind = type(error).__name__
        return checks.ERROR, f"A hidden check ended in {kind}.", None, _text(error)
    if isinstance(score, np.ndarray):  # what was compared were arrays, so nothing was counted
        return checks.WRONG, "A result is an array where one value is expected.", None, ""
    number = isinstance(score, (int, float, np.number)) and not isinstance(score, bool)
    return checks.PASSED, "", float(score) if number else None, "", submission.take_notes()


def _text(error: Exception) -> str:
    with contextlib.suppress(Exception):
        return str(error)[:2_000]
    return ""
