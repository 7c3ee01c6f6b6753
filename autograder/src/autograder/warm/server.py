"""The warm server of this process, and of the workers that it starts.

All kernels and judges of a process come from one server, started with the first of them and
closed at exit. A grader whose workers are processes of their own starts the server before them::

    with server.shared():
        with ProcessPoolExecutor(...) as pool: ...

and every worker started inside finds it by the environment.
"""

import atexit
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.walled.client import Process
from autograder.walled.server import Server
from autograder.warm.reach import TENSORFLOW

ADDRESS = "CONVCOURSE_WARM"  # environment: where the server listens, for workers of its owner
PRELOAD = "autograder.warm.preload"
_PASSED = (*TENSORFLOW, "LC_", "MPL", "NVIDIA_DRIVER_", "NVIDIA_VISIBLE_", "PYTHON", "XDG_")
_PASSED_NAMES = "HOME LANG LD_LIBRARY_PATH PATH TMPDIR TZ VIRTUAL_ENV"
_OUT_OF_MEMORY = "The machine ran out of memory: grade again with fewer --jobs."

_server: Server | None = None


def start() -> Server:
    """A new server with everything loaded; its owner closes it.

    It has one BLAS thread, because a thread would not survive the fork; `preload.forked` takes as
    many as the process wants.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")
    settings = {**threads, "TF_CPP_MIN_LOG_LEVEL": level, "MPLBACKEND": "agg"}
    return Server(PRELOAD, passed=_PASSED, passed_names=_PASSED_NAMES.split(), settings=settings)


def server() -> Server:
    """This process's own server, started on first use and again if it has died."""
    global _server
    if _server is None or not _server.is_running():
        if _server is not None:
            _server.close()
        _server = start()
        atexit.register(_server.close)
    return _server


@contextlib.contextmanager
def shared() -> Iterator[str]:
    """Start this process's server, and have all processes started inside use it.

    Put it around the making of a pool of workers. Gives the server's address.
    """
    before = os.environ.get(ADDRESS)
    os.environ[ADDRESS] = address = server().address
    try:
        yield address
    finally:
        if before is None:
            os.environ.pop(ADDRESS, None)
        else:
            os.environ[ADDRESS] = before


def address() -> str:
    """Where to ask: the server that the environment names, while it is there, or this process's."""
    named = os.environ.get(ADDRESS, "")
    mine = _server is not None and named == _server.address
    # On another machine, as a worker of a cluster, the name leads nowhere.
    return named if Path(named).is_socket() and not mine else server().address


def folder(name: str) -> Path:
    """A folder that lasts as long as the warm server, and that no kernel behind walls can see."""
    place = Path(address()).parent / name
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def fork(
    target: str,
    arguments: dict[str, Any],
    *,
    environment: dict[str, str] | None = None,
    folder: str | os.PathLike = ".",
    fds: tuple[int, ...] = (),
    walls: dict[str, Any] | None = None,
) -> Process:
    """Run ``target`` ("module:function") in a process that has everything loaded.

    See `walled.client.Process` for the arguments; without ``environment`` the process gets this
    one's.
    """
    environment = dict(os.environ if environment is None else environment)
    environment.pop(ADDRESS, None)

    def ask(where: str) -> Process:
        return Process(
            where,
            target,
            arguments,
            environment=environment,
            folder=Path(folder).resolve(),
            fds=fds,
            walls=walls,
            out_of_memory=_OUT_OF_MEMORY,
        )

    try:
        return ask(address())
    except OSError:  # the shared server has died
        return ask(server().address)
