"""A server that has loaded next to nothing, and a way to run a few lines in a process of it."""

import contextlib
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from autograder.walled import probe, readable
from autograder.walled.client import Process
from autograder.walled.limits import LIMITS, Limits
from autograder.walled.request import Walls
from autograder.walled.server import Server

HERE = Path(__file__).parent
HOME = "/home/somebody"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    one = start()
    yield one
    one.close()


def path() -> str:
    """Where the server finds the tests' modules and the copy of the packages under test."""
    return os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])


@dataclass(frozen=True)
class Opened:
    """A server whose Python every user may read, and which walls stand there."""

    server: Server
    found: probe.Found


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    from opened import executable

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", executable(tmp_path_factory.mktemp("opened")))
        one = start()
        found = probe._found.__wrapped__(())
    yield Opened(one, found)
    one.close()


def start() -> Server:
    return Server("preloaded", passed_names=["PATH"], settings={"PYTHONPATH": path()})


@dataclass
class Ended:
    """What a process wrote, and how it ended."""

    text: str
    process: Process

    @property
    def reason(self) -> str:
        return self.process.reason


Ask = Callable[..., Ended]
Started = Callable[..., contextlib.AbstractContextManager[tuple[Process, IO[bytes]]]]


@pytest.fixture
def started(server: Server, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Started:
    """``started(code, limits=..., ...)`` runs code behind walls in ``tmp_path`` meanwhile.

    It gives the process, and a file with what the code prints.
    """

    @contextlib.contextmanager
    def run(
        code: str,
        limits: Limits = LIMITS,
        folder: Path = tmp_path,
        address: str = server.address,
        walled: bool = True,
        environment: dict[str, str] | None = None,
        **more: Any,
    ) -> Iterator[tuple[Process, IO[bytes]]]:
        sockets = tmp_path_factory.mktemp("sockets")
        request = Walls(
            **{
                "folder": str(folder),
                "sockets": str(sockets),
                "readable": readable.found(readable.interpreter()),
                "limits": limits,
                "home": HOME,
                **more,
            }
        )
        ours, theirs = os.pipe()
        try:
            process = Process(
                address,
                "targets:run",
                {"code": code},
                environment={"PATH": os.environ["PATH"], **(environment or {})},
                folder=folder,
                fds=(theirs,),
                walls=request.plain() if walled else None,
            )
        finally:
            os.close(theirs)
        with open(ours, "rb") as words:
            try:
                process.wait_ready(20)
                yield process, words
            finally:
                process.kill()

    return run


@pytest.fixture
def ask(started: Started) -> Ask:
    """``ask(code, limits=..., ...)`` runs code behind walls in ``tmp_path``, to its end."""

    def run(code: str, limits: Limits = LIMITS, **more: Any) -> Ended:
        with started(code, limits, **more) as (process, words):
            assert process.wait(60) is not None
            return Ended(words.read().decode(errors="replace").strip(), process)

    return run


@pytest.fixture
def said(ask: Ask) -> Callable[..., str]:
    """``said(code)`` gives what the code prints behind the walls; it must survive it."""

    def run(code: str, **more: Any) -> str:
        one = ask(code, **more)
        assert one.process.returncode == 0, one.reason or one.text
        return one.text

    return run


@pytest.fixture(name="path")
def _path() -> str:
    return path()


@pytest.fixture
def mark() -> str:
    """A word that is nowhere else on the machine."""
    return secrets.token_hex(8)


if str(HERE) not in sys.path:  # the targets, which tests look at as well
    sys.path.insert(0, str(HERE))
