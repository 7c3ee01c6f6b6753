"""Clients of Jupyter and nbclient for an untrusted kernel: they bound what it sends."""

import contextlib
import queue
import time
from collections.abc import Callable
from typing import Any

import zmq
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets import Type, default

from autograder.kernel.clock import Allowance
from autograder.pages.sanitize import MAX_OUTPUT
from autograder.walled.client import Process
from autograder.walled.errors import Lost
from autograder.warm.reach import LIMITS

START_SECONDS = 60  # until a kernel answers
MAX_MESSAGE = 64 * 2**20  # bytes; a longer one never reaches this process
MAX_WAITING = 8  # received messages that are not read yet; the system holds the others


class BoundedClient(AsyncKernelClient):
    """Holds no more than `MAX_WAITING` messages of at most `MAX_MESSAGE` bytes.

    Attributes:
        allowance: What the running cell may take, or None if only nbclient's time-out bounds it.
        spent: How it exceeded that; empty if it did not.
    """

    allowance: Allowance | None = None
    spent = ""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        self.context.setsockopt(zmq.RCVHWM, MAX_WAITING)

    async def is_alive(self) -> bool:
        """Whether the kernel lives and may go on; nbclient asks each second while a cell runs."""
        if self.allowance is not None and not self.spent:
            self.spent = self.allowance.over()
        return not self.spent and await super().is_alive()

    async def wait_for_ready(self, timeout: float | None = START_SECONDS) -> None:
        """Wait until a kernel answers on both channels.

        jupyter_client's own method then listens for another 0.2 s; this one knows which message
        is the last.

        Args:
            timeout: Seconds to wait.

        Raises:
            Lost: If the kernel does not answer in time.
        """
        deadline = time.monotonic() + (timeout or START_SECONDS)
        while time.monotonic() < deadline and await self.is_alive():
            asked = self.kernel_info()
            with contextlib.suppress(queue.Empty):  # a channel that connects late: ask again
                self._handle_kernel_info_reply(await self.get_shell_msg(timeout=1))
                while not _is_end(await self.get_iopub_msg(timeout=0.2), asked):
                    pass
                return
        raise Lost("The kernel did not start.")


def _is_end(message: dict[str, Any], asked: str) -> bool:
    state = message["content"].get("execution_state")
    return state == "idle" and message["parent_header"].get("msg_id") == asked


class Manager(AsyncKernelManager):
    """A manager of untrusted kernels."""

    client_factory = Type(BoundedClient)


class Client(NotebookClient):
    """nbclient's client for an untrusted kernel: it bounds what one cell shows."""

    most = LIMITS.output
    shown = 0  # characters in this cell so far
    flooded = False
    seconds: float | None = None  # of a cell on its own cores; None: only ``timeout`` bounds it
    cores = 1

    @default("kernel_manager_class")
    def _kernel_manager_class_default(self) -> type[Manager]:
        return Manager

    @default("on_cell_execute")
    def _on_cell_execute_default(self) -> Callable[..., None]:
        return self._begin

    def _begin(self, **_: Any) -> None:
        """Start the time of a cell."""
        if not isinstance(self.kc, BoundedClient):
            return
        self.kc.spent, self.kc.allowance = "", None
        if self.seconds is not None and isinstance(self.process, Process):
            self.kc.allowance = Allowance(self.seconds, self.cores, self.process.use)

    @property
    def spent(self) -> str:
        """How the last cell exceeded its time, as the end of a sentence."""
        return getattr(self.kc, "spent", "")

    @property
    def process(self) -> Any:
        """The kernel's process as its provisioner holds it, or None."""
        return getattr(getattr(self.km, "provisioner", None), "process", None)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Drop widgets and excess output, and end a kernel that floods its client."""
        kind = str(msg["msg_type"])
        self.shown += 200 + sum(len(str(part)) for part in msg["content"].values())
        if self.shown > self.most and not self.flooded:
            self.flooded = True
            if self.process is not None:
                self.process.kill()  # nbclient sees that it is dead within a second
        if kind.startswith("comm") or self.flooded:
            return None
        if kind in ("status", "execute_input"):
            return super().process_message(msg, cell, cell_index)
        if kind == "stream" and self.shown > MAX_OUTPUT + len(msg["content"]["text"]):
            return None
        return super().process_message(msg, cell, cell_index)
