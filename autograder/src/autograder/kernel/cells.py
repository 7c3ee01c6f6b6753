"""Cells of one notebook in its kernel, one at a time: what is sent, and what is kept of the reply.

A cell that must be stopped costs only itself: `kernel.lives` gets a kernel for the rest.
"""

import contextlib
import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from autograder.kernel import inside
from autograder.kernel.client import Client
from autograder.kernel.clock import PATIENCE
from autograder.kernel.lives import Lives, code
from autograder.pages.sanitize import output, safe
from autograder.text.cells import facts
from autograder.walled import cores
from autograder.walled.client import Process
from autograder.walled.errors import Lost
from autograder.walled.processes import is_ending, was_sent
from autograder.warm.provisioner import NAME, announce
from autograder.warm.reach import LIMITS, Limits
from convcourse import outcomes

MAX_OUTPUTS = 100  # of one cell
MAX_KEPT = 50_000_000  # characters of all outputs of a notebook


class Cells:
    """Executes a notebook's cells, and the grader's questions among or after them.

    Attributes:
        reply: The content of the kernel's reply to the last cell.
        shown: The number at the end of the last cell, or None.
        ended: Why the last cell was stopped; empty if it was not.
        stopped: Why cells were stopped, for each that was.
        dead: Why there is no kernel any more; empty while there is one.
        now: The index of the cell that runs; the number of cells after the last one.
    """

    def __init__(
        self,
        nb: NotebookNode,
        folder: Path,
        kernel: str = NAME,
        timeout: int = 600,
        limits: Limits | None = LIMITS,
        ended: Collection[str] = (),
    ) -> None:
        """Start nothing yet.

        Args:
            nb: The notebook, whose outputs are written.
            folder: The folder in which it runs.
            kernel: The name of the kernelspec.
            timeout: Seconds that a cell may take; see `clock.Allowance`.
            limits: What the notebook may use; None for a kernel without walls. Only warm kernels
                have walls.
            ended: The places at which a signal that nobody knows has ended it in earlier tries.
        """
        announce()
        self.nb, self.folder = nb, Path(folder).resolve()
        self.limits = limits if kernel == NAME else None
        self.kernel, self.timeout = kernel, timeout
        seconds = self.limits.wall_seconds / 2 if self.limits else 3 * timeout
        self.lives = Lives(nb, self._client, self._asked(), seconds, self.look)
        self._ended_before = frozenset(ended)
        self.dead = self.ended = ""
        self.stopped: list[str] = []
        self.ran, self.kept = 0, 0  # cells, and characters of their outputs
        self.now = self._steps = 0
        self._asks = False  # whether a question of the grader runs, not a cell of the notebook
        self.reply: dict[str, Any] = {}
        self.shown: float | None = None

    def take(self, nb: NotebookNode) -> None:
        """Execute the cells of this notebook from now on."""
        self.nb = self.lives.nb = self.client.nb = nb

    @contextlib.contextmanager
    def started(self) -> Iterator[None]:
        """A kernel for the cells inside."""
        try:
            self.lives.start()
            yield
        finally:
            self.lives.end()

    @property
    def client(self) -> Client:
        """The client of the present kernel."""
        return self.lives.client

    @property
    def root(self) -> str:
        """The root of the kernel's file tree, as this process sees it.

        Raises:
            outcomes.StudentError: If there is no kernel any more.
        """
        if self.limits is None:
            return "/"
        self._look_after()
        if self.dead:
            raise outcomes.StudentError(f"The notebook did not answer. {self.dead}")
        process = self.client.process
        return "/" if process.folder else f"/proc/{process.pid}/root"

    @property
    def seen(self) -> Path:
        """The folder in which the present kernel runs, as it sees it."""
        process = self.client.process
        return Path((isinstance(process, Process) and process.folder) or self.folder)

    def run(self, cell: NotebookNode, index: int, store_history: bool = True) -> None:
        """Execute one cell in the student's kernel; sets ``ended`` if it had to be stopped.

        Raises:
            Lost: If the kernel ends through no fault of the notebook.
        """
        self._look_after()
        self.reply, self.shown, self.ended = {}, None, self.dead
        if self.dead:
            return
        self.client.shown = 0
        self._steps += 1
        lives = True
        try:
            self.client.execute_cell(cell, index, store_history=store_history)
        except CellTimeoutError:
            lives = self._took_too_long(f"took longer than {self.client.timeout:,} seconds")
        except DeadKernelError:
            if self.client.spent:
                lives = self._took_too_long(self.client.spent)
            else:
                self.ended, lives = self._why_dead(), False
        except CellExecutionError:
            pass
        except Exception as error:  # a kernel may send malformed messages
            self.look()
            self.ended = f"The kernel's messages could not be read ({type(error).__name__})."
            lives = False
        # Later messages must not change the outputs of this cell or the verdict that replaces them.
        self.client.reset_execution_trackers()
        self._tidy(cell, store_history)
        if self.ended:
            self._go_on(lives)

    def _took_too_long(self, how: str) -> bool:
        """Interrupt a cell, and tell whether its kernel answers then."""
        self.ended = (
            f"A cell {how} and was stopped. If it trains a network, submit its folder checkpoints "
            "too: then it need not train again."
        )
        return self.lives.interrupted()

    def ask(self, source: str) -> None:
        """Run the grader's own code in the kernel; its outputs are discarded.

        Raises:
            outcomes.StudentError: If the kernel ends.
        """
        cell, self._asks = code(source), True
        self.nb.cells.append(cell)
        try:
            self.run(cell, len(self.nb.cells) - 1, store_history=False)
        finally:
            self.nb.cells.pop()
            self._asks = False
        if self.ended:
            raise outcomes.StudentError(f"The notebook did not answer. {self.ended}")

    def look(self) -> None:
        """Check that the present kernel lives, or that the notebook's own code has ended it.

        Raises:
            Lost: If it ended through no fault of the notebook.
        """
        process = self.client.process
        if isinstance(process, Process) and process.pid and is_ending(process.pid):
            process.wait(10)  # its keeper is about to say why
        if process is None or process.poll() is None or self.client.flooded:
            return
        if isinstance(process, Process) and (lost := process.lost()):
            raise Lost(lost)
        unknown = getattr(process, "outside", None) is None
        place = f"cell {self.now + 1}, step {self._steps}"
        sent = was_sent(process.returncode) and not getattr(process, "reason", "")
        if sent and unknown and place not in self._ended_before:
            raise Lost(f"A signal ended the kernel at {place}.", place)

    def computed(self) -> float:
        """Seconds of computing time that the kernel has used so far; 0 if they are unknown."""
        with contextlib.suppress(OSError, AttributeError):
            stat = Path(f"/proc/{self.client.process.pid}/stat").read_bytes()
            words = stat.rpartition(b")")[2].split()
            return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def _client(self) -> Client:
        client = Client(
            self.nb,
            kernel_name=self.kernel,
            timeout=self.timeout if self.limits is None else PATIENCE * self.timeout,
            allow_errors=True,
            resources={"metadata": {"path": str(self.folder)}},
            skip_cells_with_tag="never: " + os.urandom(8).hex(),
            on_cell_executed=self._keep_reply,
        )
        if self.limits is not None:
            client.seconds, client.cores = self.timeout, self.limits.cores or cores.usable()
        return client

    def _asked(self) -> dict[str, Any]:
        """What a warm kernel is asked for; other kernels know nothing of it."""
        walls = {} if self.limits is None else {"limits": self.limits}
        return {"grading": True, **walls} if self.kernel == NAME else {}

    def _go_on(self, lives: bool) -> None:
        """After a cell that was stopped, get a kernel for the rest; without one, set ``dead``."""
        why = self.ended
        self.stopped.append(why)
        is_answer = not self._asks and facts(self.nb.cells[self.now])[0] != "tests"
        if is_answer:
            self.lives.blame(self.now)
        if not lives and not self.lives.renewed(self.now + is_answer):
            self.dead = why
        self.reply, self.shown, self.ended = {}, None, why

    def _look_after(self) -> None:
        """Replace a kernel that ended between two cells, as a timer of the last one can do."""
        process = self.client.process
        if self.dead or process is None or process.poll() is None:
            return
        self.stopped.append(self._why_dead())
        earlier = range(self.now)
        code = (i for i in reversed(earlier) if self.nb.cells[i].cell_type == "code")
        last = next((i for i in code if facts(self.nb.cells[i])[0] != "tests"), None)
        if last is not None:
            self.lives.blame(last)
        if not self.lives.renewed(self.now):
            self.dead = self.stopped[-1]

    def _tidy(self, cell: NotebookNode, counts: bool) -> None:
        """Keep only safe outputs, within the limits of a cell and of the notebook.

        The grader numbers the cells itself.
        """
        found = [safe(one) for one in cell.outputs[:MAX_OUTPUTS]]
        cell.outputs = [one for one in found if one is not None]
        self.ran += counts
        cell.execution_count = self.ran if counts else None
        size = sum(len(json.dumps(one)) for one in cell.outputs)
        if self.kept + size > MAX_KEPT:
            text = "The notebook shows more than can be kept; this was left out.\n"
            cell.outputs, size = [output("stream", name="stdout", text=text)], 0
        self.kept += size

    def _keep_reply(self, cell: NotebookNode, execute_reply: dict[str, Any], **_: Any) -> None:
        self.shown = inside.number(cell)
        content = execute_reply["content"]
        self.reply = content if isinstance(content, dict) else {}

    def _why_dead(self) -> str:
        if self.client.flooded:
            return f"A cell showed more than {self.client.most:,} characters and was stopped."
        self.look()
        return (
            getattr(self.client.process, "reason", "") or "Code of the notebook ended its kernel."
        )
