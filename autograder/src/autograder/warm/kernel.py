"""The forked process as an IPython kernel."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import matplotlib
import zmq
from ipykernel.iostream import IOPubThread
from ipykernel.kernelapp import IPKernelApp
from traitlets.config import Config

from autograder.walled.target import Call
from autograder.warm.shell import GradingKernel
from autograder.warm.streams import Stream


class Kernel(IPKernelApp):
    """A kernel that reads no configuration, writes no files and does not watch its parent."""

    def load_config_file(self, *args: Any, **kwargs: Any) -> None: ...
    def init_crash_handler(self) -> None: ...
    def init_connection_file(self) -> None: ...
    def write_connection_file(self, **kwargs: Any) -> None: ...
    def init_poller(self) -> None: ...

    def init_io(self) -> None:
        super().init_io()
        streams: Any = sys.stdout, sys.stderr
        for stream in streams:
            # `outstream_class` would be imported by its name, and behind walls this module is gone.
            stream.__class__ = Stream
            stream.note_pipe()

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        if argv:  # it is rarely given, and building its parser is slow
            super().parse_command_line(argv)


class WalledKernel(Kernel):
    """A kernel without a network.

    ipykernel's own socket listens on the loopback interface to what forked children print.
    """

    def init_iopub(self, context: zmq.Context) -> None:
        """Open the socket for outputs as `IPKernelApp` does, but without a pipe for children."""
        socket = context.socket(zmq.PUB)
        socket.linger = 1000
        socket.bind(f"{self.transport}://{self.ip}-{self.iopub_port}")
        self.configure_tornado_logger()
        self.iopub_thread = IOPubThread(socket, pipe=False)
        self.iopub_thread.start()
        self.iopub_socket = self.iopub_thread.background_socket


def run(call: Call) -> None:
    """Run an IPython kernel on the given sockets until it is told to end."""
    folder = Path(call.arguments["folder"])
    # The owner's own IPython settings do not concern a student's kernel.
    os.environ.setdefault("IPYTHONDIR", str(folder / "ipython"))
    sys.argv[:] = ["ipykernel_launcher.py", "-f", str(folder / "connection.json")]
    kind = WalledKernel if call.arguments["walled"] else Kernel
    app = kind.instance(connection_file=sys.argv[-1], log_level=50)
    app.load_connection_info(call.arguments["connection"])
    if call.arguments["grading"]:
        app.kernel_class = GradingKernel
    quick = {"HistoryManager": {"enabled": False}, "InteractiveShellApp": {"ignore_cwd": True}}
    app.update_config(Config(quick))
    app.initialize(call.arguments["options"])
    # The server has imported pyplot with a backend that shows nothing; a kernel shows figures.
    matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]
    # Last, so that a notebook can import its neighbors but none of them shadows a library.
    sys.path.append("")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    call.ready()
    app.start()
