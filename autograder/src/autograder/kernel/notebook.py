"""One notebook from the first cell to the last: student code in a kernel, verdicts elsewhere.

Every cell runs in the student's kernel except hidden test blocks: those go to the judge, which
asks the kernel only for data. The verdict then replaces the outputs of a test cell, so student
code cannot show a mark there.
"""

import contextlib
import json
import os
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from autograder.judge.judge import Judge
from autograder.judge.verdict import Verdict
from autograder.kernel import inside
from autograder.kernel.answers import KernelSource
from autograder.kernel.client import Client
from autograder.kernel.clock import Clock
from autograder.kernel.lives import Lives, code
from autograder.kernel.packages import Packages, named
from autograder.pages.outputs import write_outputs
from autograder.pages.sanitize import bounded, output, safe
from autograder.text.cells import Cell, facts, parse
from autograder.walled.client import Process
from autograder.warm.imports import sentence
from autograder.warm.provisioner import NAME, announce
from autograder.warm.reach import LIMITS, Limits
from convcourse import outcomes

MAX_OUTPUTS = 100  # of one cell
MAX_KEPT = 50_000_000  # characters of all outputs of a notebook


class Run:
    """One run of one notebook in one kernel.

    Attributes:
        ended: Why the last cell was stopped; empty if it was not.
        verdicts: The verdicts of the test cells so far, by their ids.
        dead: Why there is no kernel any more; empty while there is one.
        stopped: Why cells were stopped, for each that was.
        looks: Why a person must look at a test cell, by its id.
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
        inside_ids: Collection[str] = (),
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
            inside_ids: The ids of test cells that run whole in the kernel; see `kernel.inside`.
        """
        announce()
        self.nb, self.folder, self.judge = nb, Path(folder).resolve(), judge
        self.limits = limits if kernel == NAME else None
        self.warm, self.inside_ids = kernel == NAME, frozenset(inside_ids)
        self.packages, self.looks = Packages(self.folder), dict[str, str]()
        self.verdicts: dict[str, Verdict] = {}
        self.kernel, self.timeout = kernel, timeout
        seconds = self.limits.wall_seconds / 2 if self.limits else 3 * timeout
        self.lives = Lives(nb, self._client, self._asked(), seconds)
        self.dead = self.ended = ""
        self.stopped: list[str] = []
        self.told_of = 0  # of those: how many came before the last test cell
        self.told = False
        self.ran, self.kept = 0, 0  # cells, and characters of their outputs
        self.now = 0  # the index of the cell that runs
        self.reply: dict[str, Any] = {}
        self.shown: float | None = None  # the number at the end of the last cell
        self.clock = Clock()

    def all_cells(self) -> None:
        """Execute the notebook; a cell that must be stopped costs only itself."""
        with self.started():
            for index in range(len(self.nb.cells)):
                self.step(index)

    @contextlib.contextmanager
    def started(self) -> Iterator[None]:
        """A kernel for the steps inside."""
        with contextlib.ExitStack() as kernel:
            kernel.callback(self.lives.end)
            with self.clock("start"):
                self.lives.start()
            yield
            with self.clock("end"):
                kernel.close()

    def step(self, index: int) -> None:
        """Execute one cell: student code in the kernel, a hidden block in the judge."""
        self.now, cell = index, self.nb.cells[index]
        if cell.cell_type != "code":
            return
        role, name, points = facts(cell)
        if role != "tests":
            with self.clock("cells", self._computed):
                self._run(cell, index)
            if self.ended:
                cell.outputs.append(_stopped(self.ended))
            self.packages.saw(cell.source)
        elif name in self.inside_ids:
            self._inside_cell(cell, index, name, points)
        else:
            self._test_cell(cell, index, parse(cell))

    @property
    def client(self) -> Client:
        """The client of the present kernel."""
        return self.lives.client

    def _client(self) -> Client:
        return Client(
            self.nb,
            kernel_name=self.kernel,
            timeout=self.timeout,
            allow_errors=True,
            resources={"metadata": {"path": str(self.folder)}},
            skip_cells_with_tag="never: " + os.urandom(8).hex(),
            on_cell_executed=self._keep_reply,
        )

    def _asked(self) -> dict[str, Any]:
        """What a warm kernel is asked for; other kernels know nothing of it."""
        walls = {} if self.limits is None else {"limits": self.limits}
        return {"grading": True, **walls} if self.warm else {}

    def _run(self, cell: NotebookNode, index: int, store_history: bool = True) -> None:
        """Execute one cell in the student's kernel; sets ``ended`` if it had to be stopped.

        Raises:
            RuntimeError: If the kernel ends through no fault of the notebook.
        """
        self._look_after()
        self.reply, self.shown, self.ended = {}, None, self.dead
        if self.dead:
            return
        self.client.shown = 0
        lives = True
        try:
            self.client.execute_cell(cell, index, store_history=store_history)
        except CellTimeoutError:
            self.ended = (
                f"A cell took longer than {self.client.timeout} seconds and was stopped. If it "
                "trains a network, submit its folder checkpoints too: then it need not train again."
            )
            lives = self.lives.interrupted()
        except DeadKernelError:
            self.ended, lives = self._why_dead(), False
        except CellExecutionError:
            pass
        except Exception as error:  # a kernel may send malformed messages
            self.ended = f"The kernel's messages could not be read ({type(error).__name__})."
            lives = False
        # Later messages must not change the outputs of this cell or the verdict that replaces them.
        self.client.reset_execution_trackers()
        self._tidy(cell, store_history)
        if self.ended:
            self._go_on(lives)

    def _go_on(self, lives: bool) -> None:
        """After a cell that was stopped, get a kernel for the rest; without one, set ``dead``."""
        why = self.ended
        self.stopped.append(why)
        is_test = facts(self.nb.cells[self.now])[0] == "tests"
        if not is_test:
            self.lives.blame(self.now)
        if not lives and not self.lives.renewed(self.now if is_test else self.now + 1):
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

    def _keep_reply(self, cell: NotebookNode, execute_reply: dict[str, Any], **_: Any) -> None:
        self.shown = inside.number(cell)
        content = execute_reply["content"]
        self.reply = content if isinstance(content, dict) else {}

    def _why_dead(self) -> str:
        if self.client.flooded:
            return f"A cell showed more than {self.client.most:,} characters and was stopped."
        process = self.client.process
        if isinstance(process, Process) and (lost := process.lost()):
            raise RuntimeError(lost)
        return getattr(process, "reason", "") or "Code of the notebook ended its kernel."

    def ask(self, source: str) -> None:
        """Run the grader's own code in the kernel; its outputs are discarded.

        Raises:
            outcomes.StudentError: If the kernel ends.
        """
        cell = code(source)
        self.nb.cells.append(cell)
        try:
            self._run(cell, len(self.nb.cells) - 1, store_history=False)
        finally:
            self.nb.cells.pop()
        if self.ended:
            raise outcomes.StudentError(f"The notebook did not answer. {self.ended}")

    @property
    def root(self) -> str:
        """The root of the kernel's file tree, as this process sees it."""
        if self.limits is None:
            return "/"
        self._look_after()
        return f"/proc/{self.client.process.pid}/root"

    def _computed(self) -> float:
        """Seconds of computing time that the kernel has used so far; 0 if they are unknown."""
        with contextlib.suppress(OSError, AttributeError):
            stat = Path(f"/proc/{self.client.process.pid}/stat").read_bytes()
            words = stat.rpartition(b")")[2].split()
            return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def _test_cell(self, cell: NotebookNode, index: int, parsed: Cell) -> None:
        shown = code(parsed.visible)
        shown.metadata = cell.metadata
        self.nb.cells[index] = shown
        try:
            with self.clock("cells", self._computed):
                self._run(shown, index)
        finally:
            self.nb.cells[index] = cell
        cell.execution_count = shown.execution_count
        verdict, shown_number = visible_verdict(self.reply, self.told), self.shown
        if self.ended:
            verdict = Verdict(outcomes.ERROR, self.ended)
        elif verdict.passed and parsed.hidden.strip():
            with self.clock("judge", self._computed):
                verdict = self.judge.run(parsed.hidden, KernelSource(self))
        elif verdict.passed:
            verdict = replace(verdict, score=shown_number)
        self._judged(cell, verdict.within(parsed.points), parsed.id)

    def _inside_cell(self, cell: NotebookNode, index: int, name: str, points: float) -> None:
        """Run a test cell with its hidden tests in the student's kernel."""
        with self.clock("cells", self._computed):
            self._run(cell, index)
        self.told = True
        verdict = inside.verdict(self.reply, self.shown, cell.source)
        if self.ended:
            verdict = Verdict(outcomes.ERROR, self.ended)
        self._judged(cell, verdict.within(points), name)

    def _explained(self, verdict: Verdict) -> Verdict:
        """A verdict that names the cell that was stopped before, if that may be its cause."""
        near, self.told_of = self.stopped[self.told_of :], len(self.stopped)
        if verdict.passed or not (near or verdict.status == outcomes.ERROR):
            return verdict
        why = next((one for one in reversed(near or self.stopped)), "")
        told = f"{verdict.message} {why}".rstrip()
        return verdict if why in verdict.message else replace(verdict, message=told)

    def _judged(self, cell: NotebookNode, verdict: Verdict, name: str) -> None:
        verdict = self._explained(verdict)
        if listed := self.packages.missing(verdict):
            self.looks[name] = sentence(listed)
            verdict = named(verdict, listed)
        self.verdicts[name] = verdict
        cell.outputs = write_outputs(verdict, name)


def _stopped(why: str) -> NotebookNode:
    """What a cell that was stopped shows last."""
    return output("error", ename="Stopped", evalue=why, traceback=[why])


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
