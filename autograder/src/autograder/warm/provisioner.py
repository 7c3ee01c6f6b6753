"""Warm kernels for Jupyter: the kernelspec ``convcourse-warm`` names `WarmProvisioner`.

nbgrader, nbclient, nbval and JupyterLab therefore need only the name of the kernelspec.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerBase

from autograder.walled.client import Process
from autograder.warm import reach, server

NAME = "convcourse-warm"  # the kernelspec and the provisioner
_KEYS = ("transport", "ip", "key", "signature_scheme")
_T = TypeVar("_T")


def announce() -> None:
    """Let Jupyter find the kernelspec in this process, however the autograder is installed."""
    place = str(Path(__file__).parent / "share" / "jupyter")
    paths = [p for p in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if p]
    if place not in paths:
        os.environ["JUPYTER_PATH"] = os.pathsep.join([*paths, place])


class WarmProvisioner(KernelProvisionerBase):
    """Asks a warm server for kernels, and ends them at once with every process that they started.

    ``limits=reach.Limits()`` among the arguments of ``start_kernel`` puts the kernel behind walls;
    ``grading=True`` gives it a `shell.GradingShell`.
    """

    process: Process | None = None
    folder: Path | None = None  # this kernel's own: sockets and connection file

    @property
    def has_process(self) -> bool:
        return self.process is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Give the kernel a private folder of sockets, which a restart keeps."""
        if sys.platform == "win32":
            raise RuntimeError("Warm kernels need fork, which Windows lacks: use python3.")
        manager: Any = self.parent
        if self.folder is None:
            where = Path(server.address()).parent  # removed with the server in any case
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
        given: dict[str, Any] = dict(self.connection_info)
        info = {k: v for k, v in given.items() if k in _KEYS or k.endswith("_port")}
        info["key"] = info["key"].decode()
        sockets = str(self.folder)
        start = cmd.index("{connection_file}") + 1 if "{connection_file}" in cmd else len(cmd)
        arguments = {
            "connection": info,
            "folder": sockets,
            "options": cmd[start:],
            "walled": limits is not None,
            "grading": bool(kwargs.get("grading")),
        }
        env, walls = {**kwargs["env"], "TMPDIR": str(self._scratch())}, None
        if limits is not None:
            env, walls = reach.environment(env), reach.request(folder, sockets, limits)
        self.process = server.fork(
            "autograder.warm.kernel:run", arguments, environment=env, folder=folder, walls=walls
        )
        await _in_thread(self.process.wait_ready)
        return self.connection_info

    def _scratch(self) -> Path:
        """A folder for temporary files, such as TensorFlow leaves, which goes with the kernel."""
        assert self.folder is not None
        place = self.folder / "tmp"
        place.mkdir(exist_ok=True)
        return place

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
        """End the kernel without waiting for its last messages."""
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:
        await self.kill(restart)
        if self.folder is not None and not restart:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def let_go(self) -> Callable[[], None]:
        """Kill the kernel without waiting for it, and forget it.

        Returns:
            What waits until it is gone with every process that it started, and removes its folder.
        """
        process, folder, self.process, self.folder = self.process, self.folder, None, None
        if process is not None:
            process.signal(signal.SIGKILL)

        def finish() -> None:
            if process is not None:
                process.kill()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

        return finish


async def _in_thread(function: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(None, function)
