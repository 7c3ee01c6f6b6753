"""The forked process itself: behind its walls, it calls the requested function."""

import contextlib
import importlib
import os
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from autograder.walled import folders, walls, wire
from autograder.walled.bounds import bound_files
from autograder.walled.errors import WallError
from autograder.walled.processes import end_with_parent
from autograder.walled.request import Walls


class Call:
    """What a target receives: its arguments, its open files, and a way to say that it is ready.

    Attributes:
        arguments: The plain data that the asker sent.
        fds: The open files that the asker handed over.
    """

    def __init__(self, arguments: dict[str, Any], fds: list[int], words: socket.socket) -> None:
        self.arguments, self.fds, self._words = arguments, fds, words

    def ready(self) -> None:
        """Tell the asker that the work begins, and close the connection to the keeper.

        The keeper answers once it counts, and the folder of the sockets is read-only.
        """
        wire.say(self._words, {"ready": True})
        with contextlib.suppress(OSError):
            self._words.settimeout(10)
            self._words.recv(1)
        self._words.close()


def become(
    request: dict[str, Any],
    behind: Walls | None,
    fds: list[int],
    words: socket.socket,
    forked: Callable[[], None] | None,
) -> None:
    """Run the target of a request, and end with it.

    The function and all that it needs of this package are imported before the walls are built:
    behind them the modules named in ``behind.forget`` and their files are gone.

    Args:
        request: What `client.Process` sent.
        behind: The walls to build first, or None.
        fds: The open files that came with the request.
        words: Where the keeper listens until the target is ready.
        forked: What the preloaded module wants to do in each process first, or None.
    """
    try:
        end_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        module, name = request["target"].split(":")
        function = getattr(importlib.import_module(module), name)
        if behind is not None:
            _stand_behind(behind, words)
        os.environ.clear()
        os.environ.update(request["environment"])
        if behind is not None and behind.place:
            for name, value in request["environment"].items():
                os.environ[name] = folders.translated(behind, value)
            request["folder"] = folders.translated(behind, request["folder"])
        tempfile.tempdir = None  # the server may have looked for its own
        os.chdir(request["folder"])
        if forked is not None:
            forked()
        call = Call(request["arguments"], fds, words)
        del request, behind
        function(call)
    except WallError as error:
        wire.say(words, {"wall": str(error)})
        raise
    except BaseException:
        with contextlib.suppress(OSError):
            wire.say(words, {"error": traceback.format_exc()[-4_000:]})
        raise
    os._exit(0)


def _stand_behind(behind: Walls, words: socket.socket) -> None:
    with ThreadPoolExecutor(1) as free:
        free.submit(int).result()  # a thread that starts before the last filter is free of it
        asking = walls.inner(behind)
        # Behind that filter, sending waits for the keeper, who cannot answer before it has this.
        free.submit(wire.say, words, {"asking": True}, [asking]).result()
    os.close(asking)
    bound_files(behind.limits)
    for name in [n for n in sys.modules if n.partition(".")[0] in behind.forget]:
        del sys.modules[name]
