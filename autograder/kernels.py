"""Warm kernels: Jupyter kernels that are forked from a process that has TensorFlow loaded.

The kernelspec ``convcourse-warm`` names `WarmProvisioner`, so that nbgrader, nbclient, nbval and
JupyterLab use it by its name alone. All kernels of a process come from one `warm.Server`, started
with the first of them and closed at exit. A grader whose workers are processes of their own
starts the server before them::

    with kernels.shared():
        with ProcessPoolExecutor(...) as pool: ...

and every worker started inside finds it by the environment.
"""

import asyncio
import atexit
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerBase

from autograder import sandbox, warm

NAME = "convcourse-warm"  # the kernelspec and the provisioner
_KEYS = ("transport", "ip", "key", "signature_scheme")

_server: warm.Server | None = None


def announce() -> None:
    """Let Jupyter find the kernelspec from this process on, however the autograder is installed."""
    place = str(Path(__file__).parent / "share" / "jupyter")
    paths = [p for p in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if p]
    if place not in paths:
        os.environ["JUPYTER_PATH"] = os.pathsep.join([*paths, place])


# ---------------------------------------------------------------------- the server of this process


def server() -> warm.Server:
    """This process's own server, started on first use and again if it has died."""
    global _server
    if _server is None or not _server.is_running():
        if _server is not None:
            _server.close()
        _server = warm.Server()
        atexit.register(_server.close)
    return _server


@contextlib.contextmanager
def shared() -> Iterator[str]:
    """Start this process's server, and have all processes started inside use it.

    Put it around the making of a pool of workers. Gives the server's address.
    """
    before = os.environ.get(warm.ADDRESS)
    os.environ[warm.ADDRESS] = address = server().address
    try:
        yield address
    finally:
        if before is None:
            os.environ.pop(warm.ADDRESS, None)
        else:
            os.environ[warm.ADDRESS] = before


def address() -> str:
    """Where to ask: the server that the environment names, while it is there, or this process's."""
    named = os.environ.get(warm.ADDRESS, "")
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
) -> warm.Process:
    """Run ``target`` ("module:function") in a process that has everything loaded.

    See `warm.Process` for the arguments; without ``environment`` it gets this process's.
    """
    environment = dict(os.environ if environment is None else environment)
    environment.pop(warm.ADDRESS, None)
    more = dict(environment=environment, folder=Path(folder).resolve(), fds=fds, walls=walls)
    try:
        return warm.Process(address(), target, arguments, **more)
    except OSError:  # the shared server has died
        return warm.Process(server().address, target, arguments, **more)


# ---------------------------------------------------------------------- Jupyter's side


class WarmProvisioner(KernelProvisionerBase):
    """Starts kernels by asking a warm server; ends them at once, with all that they started.

    ``limits=sandbox.Limits()`` among the arguments of ``start_kernel`` puts it into a sandbox.
    """

    process: warm.Process | None = None
    folder: Path | None = None  # this kernel's own: sockets and connection file

    @property
    def has_process(self) -> bool:
        return self.process is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Give the kernel a private folder of sockets, which a restart keeps."""
        if sys.platform == "win32":
            raise RuntimeError("Warm kernels need fork, which Windows lacks: use python3.")
        manager = self.parent
        if self.folder is None:
            where = Path(address()).parent  # removed with the server, whatever happens here
            self.folder = Path(tempfile.mkdtemp(prefix="kernel-", dir=where))
            manager.transport, manager.ip = "ipc", str(self.folder / "s")
            manager.connection_file = str(self.folder / "connection.json")
            manager.write_connection_file()
        self.connection_info = manager.get_connection_info()
        arguments = self.kernel_spec.argv + kwargs.pop("extra_arguments", [])
        return await super().pre_launch(cmd=arguments, **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel and wait until its sockets are bound."""
        folder, limits = Path(kwargs.get("cwd") or ".").resolve(), kwargs.get("limits")
        info = {k: v for k, v in self.connection_info.items() if k in _KEYS or k.endswith("_port")}
        info["key"] = info["key"].decode()
        start = cmd.index("{connection_file}") + 1 if "{connection_file}" in cmd else len(cmd)
        arguments = {
            "connection": info,
            "folder": str(self.folder),
            "options": cmd[start:],
            "walled": limits is not None,
        }
        self.process = fork(
            "autograder.kernels:run",
            arguments,
            environment=kwargs["env"] if limits is None else sandbox.environment(kwargs["env"]),
            folder=folder,
            walls=None if limits is None else sandbox.walls(folder, self.folder, limits),
        )
        await _in_thread(self.process.wait_ready)
        return self.connection_info

    async def poll(self) -> int | None:
        return 0 if self.process is None else self.process.poll()

    async def wait(self) -> int | None:
        ended = 0 if self.process is None else await _in_thread(self.process.wait)
        self.process = None
        return ended

    async def send_signal(self, signum: int) -> None:
        if self.process is not None:
            self.process.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        if self.process is not None:
            await _in_thread(self.process.kill)

    async def terminate(self, restart: bool = False) -> None:
        await self.kill(restart)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """A kernel that is to end has nothing more to say: no second of waiting for it."""
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:
        await self.kill(restart)
        if self.folder is not None and not restart:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


async def _in_thread(function: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, function)


# ---------------------------------------------------------------------- in the kernel's process


def _no_pipe() -> None:
    """Behind walls there is no loopback, where ipykernel listens to what forked children print."""
    from ipykernel.iostream import IOPubThread

    def leave_out(thread: Any) -> None:
        thread._pipe_flag = False

    IOPubThread._setup_pipe_in = leave_out


def _show_figures() -> None:
    """Have pyplot draw where this kernel wants it: the server has imported it to draw nowhere."""
    import matplotlib

    matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]


def run(call: warm.Call) -> None:
    """Be an IPython kernel at the given sockets until it is told to end."""
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    folder = Path(call.arguments["folder"])

    class Kernel(IPKernelApp):
        """A kernel that reads no configuration, writes no file, and watches no parent."""

        def load_config_file(self, *args: Any, **kwargs: Any) -> None: ...
        def init_crash_handler(self) -> None: ...
        def init_connection_file(self) -> None: ...
        def write_connection_file(self, **kwargs: Any) -> None: ...
        def init_poller(self) -> None: ...

        def parse_command_line(self, argv: list[str] | None = None) -> None:
            if argv:  # there hardly ever is one, and what reads it is slow to make
                super().parse_command_line(argv)

    if call.arguments["walled"]:
        _no_pipe()
    # What the owner's own terminal and browser are matters to no kernel.
    os.environ.setdefault("IPYTHONDIR", str(folder / "ipython"))
    sys.argv[:] = ["ipykernel_launcher.py", "-f", str(folder / "connection.json")]
    app = Kernel.instance(connection_file=sys.argv[-1], log_level=50)
    app.load_connection_info(call.arguments["connection"])
    quick = {"HistoryManager": {"enabled": False}, "InteractiveShellApp": {"ignore_cwd": True}}
    app.update_config(Config(quick))
    app.initialize(call.arguments["options"])
    _show_figures()
    # Last, so that a notebook imports its neighbours and none of them takes a library's place.
    sys.path.append("")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    call.ready()
    app.start()
