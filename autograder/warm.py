"""Processes that start with everything loaded: a server that forks itself when asked.

Importing TensorFlow takes seconds; forking a process that has imported it takes milliseconds.
The owner starts one `Server`; any process that knows its address asks it for a `Process`:

    owner ──alive pipe──▶ server ──fork──▶ keeper ──fork──▶ the target, e.g. a kernel
                                             ▲
    whoever asked ──────one connection───────┘

The server accepts and forks, and reads nothing, so that its memory, which every later process
inherits, never holds anything of a submission. The keeper reads the request, starts the target,
passes signals on, and reports how it ended. When the connection closes, the keeper ends the
target and all that it started; when the owner ends, by whatever cause, so do all of them.
`multiprocessing`'s own forkserver does not serve here: it imports the caller's main module in
each child and cannot be shared by the workers of a pool.
"""

import array
import contextlib
import ctypes
import functools
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ADDRESS = "CONVCOURSE_WARM"  # environment: where the server listens, for workers of its owner
IDLE_SECONDS = 0.2  # without a request, once: time to draw images for all later notebooks
START_SECONDS = 120  # loading everything on a slow, busy machine
_READY = b"ready"  # the target's only word when all is well
_LENGTH = 8  # bytes before a request that give its length
# What TensorFlow reads; TF_VAR_, TF_TOKEN_ and NVIDIA_API_KEY are other programs' secrets.
TENSORFLOW = ("CUDA_", "KERAS_", "TF_CPP_", "TF_CUDNN_", "TF_DETERMINISTIC_", "TF_DISABLE_")
TENSORFLOW += ("TF_ENABLE_", "TF_FORCE_", "TF_GPU_", "TF_NUM_", "TF_USE_", "TF_XLA_")
_PASSED = (*TENSORFLOW, "LC_", "MPL", "NVIDIA_DRIVER_", "NVIDIA_VISIBLE_", "PYTHON", "XDG_")
_PASSED_NAMES = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ", "VIRTUAL_ENV")


# ---------------------------------------------------------------------- the owner's side


class Server:
    """A process that has loaded `autograder._preload` and forks on request."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="warm-", dir=short_folder()))
        self.address = str(self.folder / "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.address)
            listener.listen(128)
            theirs, self._alive = os.pipe()
            numbers = (listener.fileno(), theirs)
            code = f"from autograder import warm; warm.serve{numbers}"
            with open(self.folder / "log", "wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", code],
                    env=_server_environment(),
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    pass_fds=numbers,
                    start_new_session=True,
                )
            os.close(theirs)

    def is_running(self) -> bool:
        return self._process.poll() is None

    def log(self) -> str:
        """The last that the server wrote to stderr: why it did not start."""
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


def short_folder() -> str:
    """A temporary folder in which the path of a socket stays below the limit of 108 bytes."""
    folder = tempfile.gettempdir()
    return folder if len(os.fsencode(folder)) < 60 else "/tmp"


def _server_environment() -> dict[str, str]:
    """What the imports need and no more: each forked process could read all of it.

    One BLAS thread, because a thread would not survive the fork; `_threads` raises it there.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_NAMES or name.startswith(_PASSED)
    }
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return {"TF_CPP_MIN_LOG_LEVEL": "3", **kept, **single, "MPLBACKEND": "agg"}


# ---------------------------------------------------------------------- whoever asks


def memory_kills() -> int:
    """Processes that this machine has ended so far because its own memory was full."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/vmstat").read_text().partition("oom_kill ")[2].split()[0])
    return 0


class Process:
    """A process forked from the server; it lives at most as long as this object's connection."""

    def __init__(
        self,
        address: str,
        target: str,
        arguments: dict[str, Any],
        *,
        environment: dict[str, str],
        folder: str | os.PathLike,
        fds: Sequence[int] = (),
        walls: dict[str, Any] | None = None,
    ) -> None:
        """Ask for ``target`` ("package.module:function") to be run as ``function(call)``.

        ``arguments`` and ``walls`` are plain JSON data, ``fds`` open files to hand over,
        ``environment`` all that the process finds in ``os.environ``. Raises OSError when no
        server listens at the address.
        """
        request = {
            "target": target,
            "arguments": arguments,
            "environment": environment,
            "folder": str(folder),
            "walls": walls,
        }
        self.pid: int | None = None
        self.returncode: int | None = None
        self.reason = ""  # why the keeper ended it, as one sentence; empty when it ended itself
        self.error = ""  # a traceback, when it never became ready
        self._abandoned = False  # whether its keeper ended first
        self._kills_before = memory_kills()
        self._ready = False
        self._rest = b""
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(address)
            _send(self._socket, json.dumps(request).encode(), fds)
        except OSError:
            self._socket.close()
            raise

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until the target says that it is ready; RuntimeError with its words if it ends."""
        deadline = time.monotonic() + seconds
        while not self._ready and self.returncode is None and time.monotonic() < deadline:
            self._listen(deadline - time.monotonic())
        if not self._ready:
            self.kill()
            ended = f"The process ended with code {self.returncode} before it was ready."
            raise RuntimeError(self.error or self.reason or ended)

    def poll(self) -> int | None:
        """The exit code (negative: the signal that ended it), or None while it runs."""
        while self.returncode is None and self._listen(0):
            pass
        return self.returncode

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait for the end; None when it has not come within ``seconds``."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while self.returncode is None:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left < 0:
                break
            self._listen(left)
        return self.returncode

    def lost(self) -> str:
        """Why it ended by no fault of what ran in it, as one sentence; "" for any other end."""
        if self._abandoned:
            return self.reason
        by_system = self.poll() == -signal.SIGKILL and not self.reason
        if by_system and memory_kills() > self._kills_before:
            return "The machine's memory did not suffice: grade again, with fewer --jobs."
        return ""

    def signal(self, number: int) -> None:
        """Send a signal to the target alone."""
        with contextlib.suppress(OSError):
            self._socket.sendall(bytes([number]))

    def kill(self) -> None:
        """End it and everything that it started, and wait until they are gone."""
        if self.poll() is None:
            self.signal(signal.SIGKILL)
            if self.wait(10) is None:  # a keeper that does not answer: the server ends it
                self.returncode = -signal.SIGKILL
        self._socket.close()

    def _listen(self, seconds: float | None) -> bool:
        """Take in what the keeper says within ``seconds``; whether it said anything."""
        seconds = None if seconds is None else max(0, seconds)
        if not select.select([self._socket], [], [], seconds)[0]:
            return False
        try:
            got = self._socket.recv(65_536)
        except OSError:
            got = b""
        if not got:
            self.returncode, self._abandoned = -signal.SIGKILL, True
            self.reason = self.reason or "The server of warm processes ended."
            return True
        *lines, self._rest = (self._rest + got).split(b"\n")
        for line in lines:
            self._take(json.loads(line))
        return True

    def _take(self, said: dict[str, Any]) -> None:
        self.pid = said.get("pid", self.pid)
        self._ready = said.get("ready", self._ready)
        self.error = said.get("error", self.error)
        self.reason = said.get("reason", self.reason)
        self.returncode = said.get("returncode", self.returncode)


def _send(connection: socket.socket, body: bytes, fds: Sequence[int]) -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    connection.sendmsg([len(body).to_bytes(_LENGTH, "little")], rights)
    connection.sendall(body)


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    head, fds, _, _ = socket.recv_fds(connection, _LENGTH, 16)
    left, parts = int.from_bytes(head, "little"), []
    while left:
        parts.append(connection.recv(min(left, 65_536)))
        if not parts[-1]:
            raise EOFError("the request was cut short")
        left -= len(parts[-1])
    return b"".join(parts), list(fds)


# ---------------------------------------------------------------------- in the server


def serve(listener: int, alive: int) -> None:
    """Load everything, then fork a keeper for each connection until the owner is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=listener) as waiting:
        address = waiting.getsockname()
        gc.disable()  # it would take a fifth of the loading, and find nothing
        preload = importlib.import_module("autograder._preload")
        _pools()
        gc.collect()
        gc.enable()
        gc.freeze()  # a collection in a forked process would copy every page that it marks
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers leave no zombies
        moment: float | None = IDLE_SECONDS
        while alive not in (ready := select.select([waiting, alive], [], [], moment)[0]):
            if not ready:  # nobody waits, so what saves later ones time delays nobody
                preload.images()
                moment = None
                continue
            connection, _ = waiting.accept()
            with contextlib.suppress(OSError):  # no more processes: the asker sees the end
                if os.fork() == 0:
                    waiting.close()
                    _last_words(_attend, connection, alive)
            connection.close()
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, 0)  # children are not waited for one by one, so this waits for the last
    shutil.rmtree(Path(address).parent, ignore_errors=True)
    os._exit(0)


def _last_words(function: Any, *arguments: Any) -> None:
    """Call a function and leave; nothing of the server's own stack runs in a forked process."""
    try:
        function(*arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


# ---------------------------------------------------------------------- in the keeper


def _attend(connection: socket.socket, alive: int) -> None:
    _adopt_orphans()
    signal.signal(signal.SIGCHLD, lambda *_: None)
    body, fds = _receive(connection)
    request = json.loads(body)
    os.setsid()
    for number in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    walls, watch = request["walls"], None
    words, theirs = socket.socketpair()
    try:
        if walls is not None:
            from autograder import sandbox

            sandbox.outer(walls)
            watch = sandbox.Watch(walls)
        pid = os.fork()
    except Exception as error:
        _say(connection, {"error": str(error), "returncode": 1})
        return
    if pid == 0:
        connection.close()
        words.close()
        os.close(alive)
        _last_words(_become, request, fds, theirs)
    theirs.close()
    for fd in fds:
        os.close(fd)
    try:
        _Keeper(connection, alive, words, pid, watch).keep()
    finally:
        end_descendants()  # whatever a keeper fails over, nothing stays that nobody counts
    os._exit(0)


class _Keeper:
    """Passes on what either side says, until the target ends or nobody asks for it any more.

    Once the target is ready, ``watch`` (a `sandbox.Watch` or None) is asked ten times a second,
    and whenever a process there wants to fork; the first reason that it gives ends the target.
    """

    def __init__(
        self, connection: socket.socket, alive: int, words: socket.socket, pid: int, watch: Any
    ) -> None:
        self.connection, self.alive, self.words = connection, alive, words
        self.pid, self.watch = pid, watch
        self.heard, self.ready, self.ended = b"", False, False
        self.forks = -1  # where processes behind walls ask whether they may fork
        self.said: dict[str, Any] = {"pid": pid}
        self.wake, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken)  # a child's end wakes the select below

    def keep(self) -> None:
        reading = [self.connection, self.alive, self.wake]
        while not self.ended:
            _say(self.connection, self.said)
            self.said = {}
            more = [one for one in (self.words, self.forks) if one != -1]
            ready = select.select([*reading, *more], [], [], self.watch and 0.1)[0]
            if self.ready and self.watch is not None:
                self._end_for(self.watch())
            if self.forks in ready and self.watch is not None:
                self._end_for(self.watch.answer(self.forks))
            if self.words in ready:
                self._listen()
            if self.connection in ready:
                self._pass_on()
            if self.wake in ready:
                os.read(self.wake, 100)
            if self.alive in ready:
                self.ended = True
            self._look()
        end_descendants()
        _say(self.connection, self.said)

    def _end_for(self, reason: str) -> None:
        if reason:
            self.said["reason"], self.watch, self.forks = reason, None, -1
            os.kill(self.pid, signal.SIGKILL)

    def _listen(self) -> None:
        """Take in the target's words until it says that it is ready, or why it cannot be."""
        got, fds, _, _ = socket.recv_fds(self.words, 65_536, 1)
        if fds:
            self.forks = fds[0]
        self.heard += got
        if got:
            return
        self.words = -1
        self.ready = self.heard.strip() == _READY
        if not self.ready:
            self.said["error"] = self.heard.decode().strip()
            return
        self.said["ready"] = True
        if self.watch is not None:
            self.watch.begin()

    def _pass_on(self) -> None:
        for number in _asked(self.connection):
            with contextlib.suppress(OSError):
                os.kill(self.pid, number)

    def _look(self) -> None:
        """Whether the target has ended; then its last words are taken in as well."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return
        end_descendants()
        while self.words != -1:
            self._listen()
        self.said["returncode"], self.ended = os.waitstatus_to_exitcode(status), True


def _asked(connection: socket.socket) -> bytes:
    """Signals that the asker sends; a closed connection asks for the end."""
    with contextlib.suppress(OSError):
        return connection.recv(100) or bytes([signal.SIGKILL])
    return bytes([signal.SIGKILL])


def _say(connection: socket.socket, said: dict[str, Any]) -> None:
    if said:
        with contextlib.suppress(OSError):
            connection.sendall(json.dumps(said).encode() + b"\n")


def _adopt_orphans() -> None:
    """Become the parent of all that the target leaves behind (Linux: PR_SET_CHILD_SUBREAPER)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1)


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent ends (Linux: PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def end_descendants() -> None:
    """Kill every process whose line of parents leads here."""
    while children := list(_children(os.getpid())):
        for pid in children:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)


def _children(pid: int) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*/stat") if sys.platform == "linux" else ():
        with contextlib.suppress(OSError, ValueError, IndexError):
            # A process names itself, be it by bytes that are no text.
            if int(entry.read_bytes().rpartition(b")")[2].split()[1]) == pid:
                yield int(entry.parent.name)


# ---------------------------------------------------------------------- in the target


class Call:
    """What a target is given: its arguments, its open files, and a word to say."""

    def __init__(self, arguments: dict[str, Any], fds: list[int], words: socket.socket) -> None:
        self.arguments, self.fds, self._words = arguments, fds, words

    def ready(self) -> None:
        """Tell whoever asked that the work begins; nothing is open towards the keeper after."""
        self._words.sendall(_READY)
        self._words.close()


def _become(request: dict[str, Any], fds: list[int], words: socket.socket) -> None:
    try:
        end_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        module, name = request["target"].split(":")
        function = getattr(importlib.import_module(module), name)
        if request["walls"] is not None:
            _stand_behind(request["walls"], words)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        _random_state()
        _threads()
        call = Call(request["arguments"], fds, words)
        del request
        function(call)
    except BaseException as error:
        known = type(error).__name__ == "SandboxError"  # a sentence for people
        told = str(error) if known else traceback.format_exc()[-4_000:]
        with contextlib.suppress(OSError):
            words.sendall(told.encode())
        raise
    os._exit(0)


def _stand_behind(walls: dict[str, Any], words: socket.socket) -> None:
    """Build the inner walls; behind them the autograder's files are gone, and its modules, too."""
    from autograder import sandbox

    forks = sandbox.inner(walls)
    socket.send_fds(words, [b" "], [forks])
    os.close(forks)
    for name in [n for n in sys.modules if n.partition(".")[0] == "autograder"]:
        del sys.modules[name]


def _random_state() -> None:
    """Begin anew what the imports have seeded once for all forked processes.

    Python's own generator does so by itself, uuid4 and TensorFlow draw theirs later. The order of
    sets of strings stays the server's: only a new interpreter could change it.
    """
    import numpy as np

    np.random.seed()


def _threads() -> None:
    """As many threads for BLAS and OpenMP as an interpreter started here would take."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    _pools().limit(limits=int(wanted) if wanted.isdigit() else len(os.sched_getaffinity(0)))


@functools.cache  # the server looks for the libraries, once for all processes
def _pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
