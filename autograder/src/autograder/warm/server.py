"""The warm server of this process and of the workers that it starts.

All kernels and judges of a process come from one server, which starts with the first of them and
closes at exit. A grader with worker processes starts the server before them::

    with server.shared():
        with ProcessPoolExecutor(...) as pool: ...

and every worker that starts inside the block finds it through the environment.
"""

import atexit
import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.walled.client import Process
from autograder.walled.server import Server
from autograder.warm.reach import HDF5, TENSORFLOW

ADDRESS = "CONVCOURSE_WARM"  # environment: where the server listens, for workers of its owner
PRELOAD = "autograder.warm.preload"
JUDGES = "judges"  # the folder of what the judges of all runs keep
_PASSED = (*TENSORFLOW, "LC_", "MPL", "NVIDIA_DRIVER_", "NVIDIA_VISIBLE_", "PYTHON", "XDG_")
_PASSED_NAMES = "HOME LANG LD_LIBRARY_PATH PATH TMPDIR TZ VIRTUAL_ENV"
_OUT_OF_MEMORY = "The machine ran out of memory: grade again with fewer --jobs."

_server: Server | None = None


def start() -> Server:
    """Start a server with everything loaded; the caller closes it.

    It has one BLAS thread, because threads would not survive the fork. `preload.forked` gives each
    process its own.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")
    settings = {**threads, "TF_CPP_MIN_LOG_LEVEL": level, "MPLBACKEND": "agg", **HDF5}
    return Server(PRELOAD, passed=_PASSED, passed_names=_PASSED_NAMES.split(), settings=settings)


def server() -> Server:
    """This process's own server, started on first use and again if it died.

    What a dead one has forked lives on, so its folder stays until the end.
    """
    global _server
    if _server is None or not _server.is_running():
        _server = start()
        atexit.register(_server.close)
    return _server


def borrow() -> None:
    """Use the server of the process that this one was forked from, and leave it open at exit."""
    if _server is not None:
        atexit.unregister(_server.close)
        _server.lend()
        os.environ[ADDRESS] = _server.address


def is_borrowed() -> bool:
    """Whether this process's server belongs to the process that this one was forked from."""
    return _server is not None and _server.is_lent


def clear() -> None:
    """Remove what jobs that were stopped have left in the server's folder; judges keep theirs."""
    if _server is None:
        return
    with contextlib.suppress(OSError):
        for place in (*_server.folder.iterdir(), *(_server.folder / JUDGES).glob("*")):
            if place.is_dir() and place.name != JUDGES:
                shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def shared() -> Iterator[str]:
    """Start this process's server and share it with all processes that start inside the block.

    Put this around the creation of a pool of workers.

    Yields:
        The address of the server.
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
    """The address of the server that the environment names, or else of this process's own."""
    named = os.environ.get(ADDRESS, "")
    mine = _server is not None and named == _server.address
    # For a worker of a cluster on another machine, the named socket does not exist.
    return named if Path(named).is_socket() and not mine else server().address


def folder(name: str) -> Path:
    """A folder that exists as long as the warm server, and that no walled kernel can see."""
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

    See `walled.client.Process` for the arguments. Without ``environment``, the process gets a copy
    of this process's environment.
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
