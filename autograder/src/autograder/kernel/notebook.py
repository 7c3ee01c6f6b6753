"""One notebook from the first cell to the last: student code in a kernel, verdicts elsewhere.

Every cell runs in the student's kernel except hidden test blocks: those go to the judge, which
asks the kernel only for data. The verdict then replaces the outputs of a test cell, so student
code cannot show a mark there.
"""

import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from autograder.judge.judge import Judge
from autograder.judge.verdict import Verdict
from autograder.kernel.answers import KernelSource
from autograder.kernel.client import Client
from autograder.kernel.clock import Clock
from autograder.pages.outputs import write_outputs
from autograder.pages.sanitize import bounded, output, safe
from autograder.text.cells import Cell, parse
from autograder.walled.client import Process
from autograder.warm.provisioner import NAME, announce
from autograder.warm.reach import LIMITS, Limits
from convcourse import outcomes

MAX_OUTPUTS = 100  # of one cell
MAX_KEPT = 50_000_000  # characters of all outputs of a notebook


class Run:
    """One run of one notebook in one kernel.

    Attributes:
        dead: Why the kernel ended; empty while it lives.
        told: Whether student code has seen arguments of hidden checks.
        clock: The seconds of each stage: start, cells, judge, end.
    """

    def __init__(
        self,
        nb: NotebookNode,
        folder: Path,
        judge: Judge,
        kernel: str = NAME,
        timeout: int = 600,
        limits: Limits | None = LIMITS,
    ) -> None:
        """Prepare a run; `all_cells` starts it.

        Args:
            nb: The notebook, whose outputs are written.
            folder: The folder in which it runs.
            judge: What runs hidden blocks.
            kernel: The name of the kernelspec.
            timeout: Seconds that a cell may take.
            limits: What the notebook may use; None for a kernel without walls. Only warm kernels
                have walls.
        """
        announce()
        self.nb, self.folder, self.judge = nb, Path(folder).resolve(), judge
        self.limits = limits if kernel == NAME else None
        self.client = Client(
            nb,
            kernel_name=kernel,
            timeout=timeout,
            allow_errors=True,
            resources={"metadata": {"path": str(folder)}},
            skip_cells_with_tag="never: " + os.urandom(8).hex(),
            on_cell_executed=self._keep_reply,
        )
        self.dead = ""
        self.told = False
        self.ran, self.kept = 0, 0  # cells, and characters of their outputs
        self.reply: dict[str, Any] = {}
        self.clock = Clock()

    def all_cells(self) -> None:
        """Execute the notebook; if the kernel dies, the verdict of each later test cell says so."""
        # A kernel logs to the terminal of its parent; what the student should read is in outputs.
        with contextlib.ExitStack() as kernel:
            with self.clock("start"):
                walls = self._walls()
                kernel.enter_context(self.client.setup_kernel(stderr=subprocess.DEVNULL, **walls))
            for index, cell in enumerate(self.nb.cells):
                if cell.cell_type != "code":
                    continue
                if (parsed := parse(cell)).is_test:
                    self._test_cell(cell, index, parsed)
                else:
                    with self.clock("cells", self._computed):
                        self._run(cell, index)
            with self.clock("end"):
                kernel.close()

    def _walls(self) -> dict[str, Any]:
        return {} if self.limits is None else {"limits": self.limits}

    def _run(self, cell: NotebookNode, index: int, store_history: bool = True) -> None:
        """Execute one cell in the student's kernel; sets ``dead`` if the kernel ends.

        Raises:
            RuntimeError: If the kernel ends through no fault of the notebook.
        """
        if self.dead:
            return
        self.client.shown, self.reply = 0, {}
        try:
            self.client.execute_cell(cell, index, store_history=store_history)
        except CellTimeoutError:
            self.dead = (
                f"A cell took longer than {self.client.timeout} seconds and was stopped. If it "
                "trains a network, submit its folder checkpoints too: then it need not train again."
            )
        except DeadKernelError:
            self.dead = self._why_dead()
        except CellExecutionError:
            pass
        except Exception as error:  # a kernel may send malformed messages
            self.dead = f"The kernel's messages could not be read ({type(error).__name__})."
        # Later messages must not change the outputs of this cell or the verdict that replaces them.
        self.client.reset_execution_trackers()
        self._tidy(cell, store_history)

    def _tidy(self, cell: NotebookNode, counts: bool) -> None:
        """Keep only safe outputs, within the limits of a cell and of the notebook.

        The grader numbers the cells, because a kernel could pass on hidden values in its numbers.
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

    def _keep_reply(self, execute_reply: dict[str, Any], **_: Any) -> None:
        content = execute_reply["content"]
        self.reply = content if isinstance(content, dict) else {}

    def _why_dead(self) -> str:
        if self.client.flooded:
            return f"A cell showed more than {self.client.most:,} characters and was stopped."
        process = self.client.process
        if isinstance(process, Process) and (lost := process.lost()):
            raise RuntimeError(lost)
        return getattr(process, "reason", "") or "The kernel died in an earlier cell."

    def ask(self, code: str) -> None:
        """Run the grader's own code in the kernel; its outputs are discarded.

        Raises:
            outcomes.StudentError: If the kernel ends.
        """
        cell = _cell(code)
        self.nb.cells.append(cell)
        try:
            self._run(cell, len(self.nb.cells) - 1, store_history=False)
        finally:
            self.nb.cells.pop()
        if self.dead:
            raise outcomes.StudentError(f"The notebook did not answer. {self.dead}")

    @property
    def root(self) -> str:
        """The root of the kernel's file tree, as this process sees it."""
        if self.limits is None:
            return "/"
        return f"/proc/{self.client.process.pid}/root"

    def _computed(self) -> float:
        """Seconds of computing time that the kernel has used so far; 0 if they are unknown."""
        with contextlib.suppress(OSError, AttributeError):
            stat = Path(f"/proc/{self.client.process.pid}/stat").read_bytes()
            words = stat.rpartition(b")")[2].split()
            return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def _test_cell(self, cell: NotebookNode, index: int, parsed: Cell) -> None:
        shown = _cell(parsed.visible)
        self.nb.cells[index] = shown
        try:
            with self.clock("cells", self._computed):
                self._run(shown, index)
        finally:
            self.nb.cells[index] = cell
        cell.execution_count = shown.execution_count
        verdict = visible_verdict(self.reply, self.told)
        if self.dead:
            verdict = Verdict(outcomes.ERROR, self.dead)
        elif verdict.passed and parsed.hidden.strip():
            with self.clock("judge", self._computed):
                verdict = self.judge.run(parsed.hidden, KernelSource(self))
        cell.outputs = write_outputs(verdict.within(parsed.points), parsed.id)


def _cell(code: str) -> NotebookNode:
    """A code cell like nbformat's, without the validation that nbformat does for each new cell."""
    return nbformat.from_dict(
        dict(cell_type="code", metadata={}, execution_count=None, source=code, outputs=[])
    )


def visible_verdict(reply: dict[str, Any], told: bool) -> Verdict:
    """The verdict of the visible checks, from the kernel's reply; outputs can be lost or forged.

    Args:
        reply: The content of the kernel's reply to the visible lines.
        told: Whether student code has seen hidden arguments; then only the instructor may read
            its message.
    """
    if reply.get("status") == "ok":
        return Verdict(outcomes.PASSED)
    known = {
        "NotAttempted": outcomes.NOT_ATTEMPTED,
        "NotImplementedError": outcomes.NOT_ATTEMPTED,
        "Wrong": outcomes.WRONG,
        "StudentError": outcomes.ERROR,
    }
    ename, words = (
        str(reply.get("ename")),
        bounded(reply.get("evalue", "The cell was not run."), 2_000),
    )
    status = known.get(ename, outcomes.ERROR)
    if words.startswith(f"{status}: "):  # the outcome adds its own prefix
        words = words.split(". ", 1)[-1]
    if not told:
        return Verdict(status, words)
    came = {outcomes.NOT_ATTEMPTED: "miss an answer", outcomes.WRONG: "did not pass"}
    came_to = came.get(status, "ended in an error")
    run_it = "run this cell in your own notebook to read their message."
    return Verdict(status, f"The visible checks {came_to}; {run_it}", detail=words)
