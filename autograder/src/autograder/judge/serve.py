"""The judge's own process: hidden blocks come in, verdicts go out, and questions in between."""

import contextlib
import os
import resource
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from autograder.judge import heldout, source
from autograder.judge.evaluate import Broken, evaluate
from autograder.walled.target import Call
from convcourse import outcomes
from convcourse.wire import export

_WASTE = bytearray(65_536)  # made before memory is short


class _Pipe:
    """The source that a hidden block sees: the other end of the pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def values(self, names: list[str]) -> Any:
        return self._ask("values", names, None)

    def call(self, name: str, arguments: Any) -> Any:
        return self._ask("call", name, arguments)

    def changed(self, name: str, arguments: Any) -> Any:
        return self._ask("changed", name, arguments)

    def trainings(self, name: str, arguments: Any) -> Any:
        return self._ask("trainings", name, arguments)

    def model(self, name: str, arguments: Any) -> Any:
        return self._ask("model", name, arguments)

    def _ask(self, kind: str, name: str | list[str], arguments: Any) -> Any:
        self._pipe.send((kind, name, arguments))
        answer, *body = self._pipe.recv()
        if answer == "plain":
            return export.loads(self._received(*body))
        status, message, detail = body
        failed = outcomes.failure(status, message)
        failed.detail = detail
        raise failed

    def _received(self, size: int) -> memoryview:
        """The bytes of an answer, sent without `Connection.send`, which would copy them twice."""
        try:
            whole = left = np.empty(size, np.uint8).data
        except MemoryError:  # the student's data that follows must not be read as messages
            self._skip(size)
            raise
        while left:
            got = os.readv(self._pipe.fileno(), [left])
            if not got:
                raise EOFError("the answer was cut short")
            left = left[got:]
        return whole

    def _skip(self, size: int) -> None:
        waste = memoryview(_WASTE)
        while size:
            got = os.readv(self._pipe.fileno(), [waste[:size]])
            if not got:
                raise EOFError("the answer was cut short")
            size -= got


def serve(call: Call) -> None:
    """Execute hidden blocks until the other end closes: the target of a forked process."""
    pipe = Connection(call.fds[0])
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # TensorFlow's log would disturb the progress line
    _limit_memory(call.arguments["memory"])
    source.connect(_Pipe(pipe))
    heldout.keep_in(call.arguments["kept"])
    call.ready()
    while True:
        try:
            _, code = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(("verdict", evaluate(code)))
        except Broken as error:
            pipe.send(("broken", str(error)))


def _limit_memory(extra: int) -> None:
    """Bound what this process may map beyond what it has now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        present = int(file.read().split()[0]) * resource.getpagesize()
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (present + extra, present + extra))
