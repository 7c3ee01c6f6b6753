"""The kernels of one notebook, one after another.

A cell that takes too long is interrupted. If that does not help, or if a cell ends its kernel, a
new kernel runs the earlier cells again, so that the cell costs only itself. Of such a cell only
the imports, functions and classes run again.
"""

import ast
import contextlib
import subprocess
import time
from collections.abc import Callable
from typing import Any

import nbformat
from jupyter_core.utils import ensure_async, run_sync
from nbformat import NotebookNode

from autograder.kernel.client import Client
from autograder.text import syntax
from autograder.text.cells import facts
from autograder.warm.provisioner import WarmProvisioner

MOST = 5  # new kernels for one notebook
GRACE = 10  # seconds in which an interrupted kernel must answer
MAX_PARSED = 50_000  # characters of a cell of which definitions are run again
_DEFINITIONS = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Lives:
    """Starts, interrupts and replaces the kernel of a notebook.

    Attributes:
        client: The client of the present kernel.
        ended: How often each cell was stopped or ended its kernel, by its index.
        holds: What a new kernel executes in the place of a test cell, by its index.
    """

    def __init__(
        self,
        nb: NotebookNode,
        made: Callable[[], Client],
        options: dict[str, Any],
        seconds: float,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        """Start nothing yet.

        Args:
            nb: The notebook.
            made: Makes the client of a new kernel.
            options: What a new kernel is asked for.
            seconds: How long after the first start there may be new kernels.
            look: Raises `Lost` if the present kernel ended through no fault of the notebook.
        """
        self.nb, self._made, self._options, self._seconds = nb, made, options, seconds
        self._look = look
        self.client = made()
        self.ended: dict[int, int] = {}
        self.holds: dict[int, str] = {}
        self._kernel = contextlib.ExitStack()
        self._started, self._until = 0, 0.0
        self._is_ahead = False  # whether a kernel has started that nobody has asked for yet

    def start_ahead(self) -> None:
        """Start the kernel that the next `start` is to start."""
        self.start()
        self._is_ahead = True

    def start(self) -> None:
        """Start a kernel; all but the first get a new client."""
        if self._is_ahead:
            self._is_ahead = False
            return
        if self._started:
            self.client = self._made()
        else:
            self._until = time.monotonic() + self._seconds
        self._started += 1
        # A kernel logs to the terminal of its parent; what the student should read is in outputs.
        setup = self.client.setup_kernel(stderr=subprocess.DEVNULL, **self._options)
        self._kernel.enter_context(setup)

    def let_go(self) -> Callable[[], None]:
        """Tell the present kernel to end, without waiting for it.

        Returns:
            What waits until it has ended, and removes its folder.
        """
        provisioner = self.client.km and self.client.km.provisioner
        return provisioner.let_go() if isinstance(provisioner, WarmProvisioner) else self.end

    def end(self) -> None:
        """End the present kernel, if there is one."""
        self._kernel.close()

    def interrupted(self) -> bool:
        """Interrupt the running cell, and tell whether the kernel answers then."""
        try:
            run_sync(self._interrupt)()
        except Exception:  # it may have ended in this moment
            self._look()
            return False
        return self._answers(code("pass"), GRACE)

    async def _interrupt(self) -> None:
        if self.client.km is not None:
            await ensure_async(self.client.km.interrupt_kernel())

    def blame(self, index: int) -> None:
        """Note that a cell ended its kernel or was stopped; less of it runs again."""
        self.ended[index] = self.ended.get(index, 0) + 1

    def renewed(self, before: int) -> bool:
        """Replace the kernel, and run the cells before this index again, without the checks.

        Returns:
            Whether there is a kernel now. The number and the time of new kernels are bounded.
        """
        while self._started <= MOST and time.monotonic() < self._until:
            self.end()
            self.start()
            if all(self._again(index) for index in range(before)):
                return True
        return False

    def _again(self, index: int) -> bool:
        """Run a cell again, with nothing to show, and tell whether the kernel lives."""
        cell = self.nb.cells[index]
        if index in self.holds:
            return self._answers(code(self.holds[index]))
        if cell.cell_type != "code" or facts(cell)[0] == "tests":
            return True
        times = self.ended.get(index, 0)
        source = cell.source if not times else definitions(cell.source) if times == 1 else ""
        if not source.strip() or self._answers(code(source)):
            return True
        self.blame(index)
        return self.interrupted()

    def _answers(self, cell: NotebookNode, seconds: int | None = None) -> bool:
        """Execute a cell that is not part of the notebook; False if the kernel does not answer."""
        before = self.client.timeout, self.client.seconds
        if seconds is not None:
            self.client.timeout, self.client.seconds = seconds, None
        self.client.shown = 0
        self.nb.cells.append(cell)
        try:
            self.client.execute_cell(cell, len(self.nb.cells) - 1, store_history=False)
        except Exception:  # it takes too long, the kernel ended, or it sends malformed messages
            self._look()
            return False
        finally:
            self.nb.cells.pop()
            self.client.timeout, self.client.seconds = before
            self.client.reset_execution_trackers()
        return not self.client.flooded


def code(source: str) -> NotebookNode:
    """A code cell like nbformat's, without the validation that nbformat does for each new cell."""
    return nbformat.from_dict(
        dict(cell_type="code", metadata={}, execution_count=None, source=source, outputs=[])
    )


def definitions(source: str) -> str:
    """The imports, functions and classes of a cell; none if it cannot be read."""
    if len(source) > MAX_PARSED:
        return ""
    try:
        tree = syntax.tree(source)
        tree.body = [one for one in tree.body if isinstance(one, _DEFINITIONS)]
        return ast.unparse(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
