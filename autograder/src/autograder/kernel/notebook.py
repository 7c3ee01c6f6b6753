"""One notebook from the first cell to the last: student code in a kernel, verdicts elsewhere.

First every cell runs, and of each check its visible lines: this makes all that students see. Then
the judge runs the hidden blocks, which ask the kernel only for data, as it was at each check's
place. No cell of the notebook runs after its process has met a hidden argument.
"""

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.judge.judge import Judge
from autograder.judge.verdict import Verdict
from autograder.kernel import doubts, inside
from autograder.kernel.answers import KernelSource, Ready, in_kernel
from autograder.kernel.cells import Cells
from autograder.kernel.clock import Clock
from autograder.kernel.lives import code
from autograder.kernel.packages import Packages, named
from autograder.pages.outputs import write_outputs
from autograder.pages.sanitize import bounded, output
from autograder.text.cells import BadMarks, Cell, facts, parse
from autograder.text.questions import without_arguments
from autograder.warm.imports import sentence
from autograder.warm.provisioner import NAME
from autograder.warm.reach import LIMITS, Limits
from convcourse import outcomes


@dataclass(frozen=True)
class _Held:
    """A check whose visible lines have passed, and whose hidden block waits."""

    index: int
    cell: Cell
    ready: Ready
    near: list[str]  # why cells were stopped since the check before
    built: dict[tuple[str, bytes], str]


class Run:
    """One run of one notebook in one kernel.

    Attributes:
        cells: What executes them.
        verdicts: The verdicts of the test cells so far, by their ids.
        unsure: The ids of those that a run which asks at the check's place must confirm.
        asked: The ids of those whose hidden checks ran at their place.
        looks: Why a person must look at a test cell, by its id.
        doubts: The same, because of a checkpoint that was handed in.
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
        ended: Collection[str] = (),
        left: contextlib.ExitStack | None = None,
        started: Cells | None = None,
    ) -> None:
        """Prepare a run; `all_cells` starts it.

        Args:
            nb: The notebook, whose outputs are written.
            folder: The folder in which it runs.
            judge: What runs hidden blocks.
            kernel: The name of the kernelspec.
            timeout: Seconds that a cell may take.
            limits: What the notebook may use; see `Cells`.
            inside_ids: The ids of test cells that run whole in the kernel; see `kernel.inside`.
            ended: Where its kernel was ended in earlier tries; see `Cells`.
            left: Gets what waits for the end of the kernel. By default, the run waits.
            started: What executes the cells, if its kernel has started already.
        """
        self.left = left
        self.nb, self.judge, self.inside_ids = nb, judge, frozenset(inside_ids)
        self.cells = started or Cells(nb, folder, kernel, timeout, limits, ended)
        self.cells.take(nb)
        self.packages, self.looks = Packages(self.cells.folder), dict[str, str]()
        self.doubts: dict[str, str] = {}
        self._restores = doubts.handed_in(folder)
        self.verdicts: dict[str, Verdict] = {}
        self.unsure: set[str] = set()
        self.asked: set[str] = set()
        self.told = False
        self.clock = Clock()
        self._held: list[_Held] = []
        self._built: dict[tuple[str, bytes], str] = {}  # networks that this exercise has made
        self._told_of = 0  # of the cells that were stopped: how many came before the last check

    def all_cells(self) -> None:
        """Execute the notebook, then judge it; a cell that must be stopped costs only itself."""
        with self.started():
            for index in range(len(self.nb.cells)):
                self.step(index)
            self.cells.now = len(self.nb.cells)
            if self._restores:
                each = (facts(cell) for cell in self.nb.cells)
                self.doubts = doubts.looks(
                    self, [name for role, name, _ in each if role == "tests"]
                )
            for held in self._held:
                self._judge_later(held)
            self.cells.look()  # the last outputs may be missing
            if self._held:
                self.judge.let_go()  # it ends beside the kernel
            if self.left is not None:
                self.left.callback(self.cells.lives.let_go())

    @contextlib.contextmanager
    def started(self) -> Iterator[None]:
        """A kernel for the steps inside."""
        with contextlib.ExitStack() as kernel:
            with self.clock("start"):
                kernel.enter_context(self.cells.started())
            yield
            with self.clock("end"):
                kernel.close()

    def step(self, index: int, at_place: bool = False) -> None:
        """Execute one cell; of a check, its visible lines.

        Args:
            index: Its index in the notebook.
            at_place: Whether its hidden block is judged at once. The notebook's later cells then
                run in a process that may know hidden arguments, so none of their outputs may be
                shown.
        """
        self.cells.now, cell = index, self.nb.cells[index]
        if cell.cell_type != "code":
            return
        role, name, points = facts(cell)
        if role == "solution":
            self._built = {}
        if role != "tests":
            with self.clock("cells", self.cells.computed):
                self.cells.run(cell, index)
            if self.cells.ended:
                cell.outputs.append(_stopped(self.cells.ended))
            self.packages.saw(cell.source)
        elif name in self.inside_ids:
            self._inside_cell(cell, index, name, points, at_place)
        else:
            self._test_cell(cell, index, parse(cell), at_place)

    def _test_cell(self, cell: NotebookNode, index: int, parsed: Cell, at_place: bool) -> None:
        verdict = self._visible(cell, index, parsed.visible)
        near = self._stopped_since()
        if not verdict.passed or not parsed.hidden.strip():
            self._judged(cell, verdict.within(parsed.points), parsed.id, near)
        elif at_place:
            self.asked.add(parsed.id)
            with self.clock("judge", self.cells.computed):
                source = KernelSource(self, built=self._built)
                found = self.judge.run(parsed.hidden, source)
            self._judged(cell, found.within(parsed.points), parsed.id, near)
        else:
            self._held.append(self._hold(index, parsed, near))

    def _visible(self, cell: NotebookNode, index: int, lines: str) -> Verdict:
        """Run the visible lines of a test cell."""
        if not lines.strip():  # a kernel does not answer to nothing
            return Verdict(outcomes.PASSED)
        shown = code(lines)
        shown.metadata = cell.metadata
        self.nb.cells[index] = shown
        try:
            with self.clock("cells", self.cells.computed):
                self.cells.run(shown, index)
        finally:
            self.nb.cells[index] = cell
        cell.execution_count = shown.execution_count
        if self.cells.ended:
            return Verdict(outcomes.ERROR, self.cells.ended)
        verdict = visible_verdict(self.cells.reply, self.told)
        return replace(verdict, score=self.cells.shown) if verdict.passed else verdict

    def _hold(self, index: int, parsed: Cell, near: list[str]) -> _Held:
        """Keep the names as they are now, and what the block asks for without an argument."""
        self.judge.begin()  # it starts beside the cells that follow
        with self.clock("judge", self.cells.computed):
            keep = self.cells.lives.holds[index] = in_kernel(f"hold({parsed.id!r})")
            with contextlib.suppress(outcomes.StudentError):  # what it asks for fails as well
                self.ask(keep)
            ready = Ready(self, without_arguments(parsed.hidden))
        return _Held(index, parsed, ready, near, self._built)

    def _judge_later(self, held: _Held) -> None:
        parsed = held.cell
        source = KernelSource(self, parsed.id, held.ready, held.built)
        with self.clock("judge", self.cells.computed):
            found = self.judge.run(parsed.hidden, source).within(parsed.points)
        if source.late and (found.partly or not found.passed):
            self.unsure.add(parsed.id)
        near = [*held.near, *self._stopped_since()]
        self._judged(self.nb.cells[held.index], found, parsed.id, near)

    def _inside_cell(
        self, cell: NotebookNode, index: int, name: str, points: float, at_place: bool
    ) -> None:
        """Run a test cell with its hidden tests in the student's kernel, if this is the place."""
        if not at_place:
            with contextlib.suppress(BadMarks):  # another course's marks
                self._visible(cell, index, parse(cell).visible)
            self.unsure.add(name)
            self._judged(cell, Verdict(outcomes.ERROR, "It was not judged."), name, [])
            return
        with self.clock("cells", self.cells.computed):
            self.cells.run(cell, index)
        self.told = True
        self.asked.add(name)
        verdict = inside.verdict(self.cells.reply, self.cells.shown, cell.source)
        if self.cells.ended:
            verdict = Verdict(outcomes.ERROR, self.cells.ended)
        self._judged(cell, verdict.within(points), name, self._stopped_since())

    @property
    def folder(self) -> Path:
        """The notebook's folder, as the kernel sees it."""
        return self.cells.seen

    @property
    def root(self) -> str:
        """The root of the kernel's file tree, as this process sees it."""
        return self.cells.root

    def ask(self, source: str) -> None:
        """Run the grader's own code in the kernel; see `Cells.ask`."""
        self.cells.ask(source)

    def look(self) -> None:
        """Check that the kernel was not ended from outside; see `Cells.look`."""
        self.cells.look()

    def _stopped_since(self) -> list[str]:
        """Why cells were stopped since the last call."""
        near = self.cells.stopped[self._told_of :]
        self._told_of = len(self.cells.stopped)
        return near

    def _judged(self, cell: NotebookNode, verdict: Verdict, name: str, near: list[str]) -> None:
        verdict = _explained(verdict, near or self.cells.stopped, bool(near))
        if listed := self.packages.missing(verdict):
            self.looks[name] = sentence(listed)
            verdict = named(verdict, listed)
        if verdict.look:
            self.looks[name] = verdict.look
        self.verdicts[name] = verdict
        cell.outputs = write_outputs(verdict, name)


def _explained(verdict: Verdict, stopped: list[str], near: bool) -> Verdict:
    """A verdict that names the cell that was stopped before, if that may be its cause."""
    if verdict.passed or not (near or verdict.status == outcomes.ERROR):
        return verdict
    why = next(iter(reversed(stopped)), "")
    told = f"{verdict.message} {why}".rstrip()
    return verdict if why in verdict.message else replace(verdict, message=told)


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
