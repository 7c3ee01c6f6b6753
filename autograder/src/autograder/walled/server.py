"""A server that loads a module once and forks itself when asked.

Importing a large library takes seconds; forking a process that has imported it takes
milliseconds. The owner starts one `Server`; any process that knows its address asks it for a
`client.Process`:

    owner ──alive pipe──▶ server ──fork──▶ keeper ──fork──▶ the target, e.g. a kernel
                                             ▲
    the asker ──────────one connection───────┘

The server accepts and forks, and reads nothing, so that its memory, which every later process
inherits, never holds anything of a request. The keeper reads the request, starts the target,
passes signals on, and reports how it ended. When the connection closes, the keeper ends the
target and all that it started; when the owner ends for any reason, all of them end.
`multiprocessing`'s own forkserver does not fit here: it imports the caller's main module in
each child and cannot be shared by the workers of a pool.
"""

import contextlib
import fcntl
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from autograder.walled import environment, huge_pages, keeper, seccomp, stricter
from autograder.walled.bounds import open_many
from autograder.walled.processes import is_ending, short_folder

IDLE_SECONDS = 0.2  # without a request, after which it prepares for later ones


class Server:
    """A process that has loaded a module and forks on request."""

    def __init__(
        self,
        preload: str,
        *,
        passed: Iterable[str] = (),
        passed_names: Iterable[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Start the server; it listens at ``address`` from now on.

        Its environment is small, because each process that it forks could read all of it.

        Args:
            preload: The name of a module that the server imports. If it has a function ``idle``,
                that is called once, at the first quiet moment; if it has a function ``forked``,
                that is called in each forked process before the target.
            passed: Beginnings of the names of variables that pass into the server.
            passed_names: Names of variables that pass into the server.
            settings: Variables that the server finds whatever the owner has.
        """
        self.is_lent = False  # whether another process is the owner
        self.folder = Path(tempfile.mkdtemp(prefix="warm-", dir=short_folder()))
        self.address = str(self.folder / "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.address)
            listener.listen(128)
            theirs, self._alive = os.pipe()
            numbers = (listener.fileno(), theirs)
            call = f"serve({numbers[0]}, {numbers[1]}, {preload!r})"
            kept = environment.passed(os.environ, passed, passed_names)
            with open(self.folder / "log", "wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", f"from {__name__} import serve; {call}"],
                    env={**kept, **(settings or {})},
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    pass_fds=numbers,
                    start_new_session=True,
                )
            os.close(theirs)

    @property
    def pid(self) -> int:
        """The number of the server's process."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the process is still there."""
        return not is_ending(self.pid) if self.is_lent else self._process.poll() is None

    def lend(self) -> None:
        """Leave the server to its owner, in a process that was forked from the owner."""
        os.close(self._alive)
        self.is_lent = True

    def log(self) -> str:
        """The last lines that the server wrote to stderr, for example why it did not start."""
        with contextlib.suppress(OSError):
            return (self.folder / "log").read_text(errors="replace")[-2_000:]
        return ""

    def close(self) -> None:
        """End the server and everything that it forked, and wait for it."""
        with contextlib.suppress(OSError):
            os.close(self._alive)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def serve(listener: int, alive: int, preload: str) -> None:
    """Load everything, then fork a keeper for each connection until the owner is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    open_many()
    with socket.socket(fileno=listener) as waiting:
        address = waiting.getsockname()
        gc.disable()  # collections would take a fifth of the loading time and find nothing
        with _ending_with_owner(alive, address):
            loaded = importlib.import_module(preload)
        idle, forked = getattr(loaded, "idle", None), getattr(loaded, "forked", None)
        seccomp.prepare()
        stricter.prepare()
        gc.enable()
        _freeze()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers leave no zombies
        heard: list[Any] = [waiting, alive]
        later = [huge_pages.gather] if idle is None else [huge_pages.gather, _freeze, idle]
        while True:
            ready = select.select(heard, [], [], IDLE_SECONDS if later else None)[0]
            if alive in ready:
                break
            if not ready:  # nobody waits, so this delays nobody
                later.pop()()
                continue
            connection, _ = waiting.accept()
            with contextlib.suppress(OSError):  # no process can be created: the asker sees this
                if os.fork() == 0:
                    waiting.close()
                    keeper.last_words(keeper.attend, connection, alive, forked)
            connection.close()
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, 0)  # children are not waited for one by one, so this waits for the last
    shutil.rmtree(Path(address).parent, ignore_errors=True)
    os._exit(0)


def _freeze() -> None:
    """Keep collections away from all that is loaded, whose pages each forked process would copy."""
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def _ending_with_owner(alive: int, address: str) -> Iterator[None]:
    """End as soon as the owner is gone, although this process is busy (on Linux)."""

    def end(*_: object) -> None:
        if select.select([alive], [], [], 0)[0]:
            shutil.rmtree(Path(address).parent, ignore_errors=True)
            os._exit(0)

    if sys.platform == "linux":
        signal.signal(signal.SIGIO, end)
        fcntl.fcntl(alive, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(alive, fcntl.F_SETFL, fcntl.fcntl(alive, fcntl.F_GETFL) | os.O_ASYNC)
        end()  # it may be gone already
    yield
    if sys.platform == "linux":
        fcntl.fcntl(alive, fcntl.F_SETFL, fcntl.fcntl(alive, fcntl.F_GETFL) & ~os.O_ASYNC)
        signal.signal(signal.SIGIO, signal.SIG_DFL)
