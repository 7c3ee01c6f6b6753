"""The nbgrader preprocessor that runs one notebook: student code in a kernel, verdicts elsewhere.

Takes the place of nbgrader's `Execute`. Every cell runs in the student's kernel except hidden
test blocks: those go to the judge, which asks the kernel for data only. A test cell's outputs are
then written anew from the verdict, so nothing that student code shows there can be a mark.
"""

import json
import os
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import Integer, Unicode

from autograder import kernels
from autograder.judge import Judge, Verdict
from helpers import checks, export

BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
MAX_OUTPUT = 100_000  # characters of output kept for one cell


class ExecuteJudged(NbGraderPreprocessor):
    """Run the notebook in ``kernel_name``; hidden tests in a judge's process."""

    kernel_name = Unicode(kernels.NAME, help="the kernelspec that runs student code").tag(
        config=True
    )
    timeout = Integer(600, help="seconds a cell may take").tag(config=True)
    judge_timeout = Integer(300, help="seconds a hidden block may take").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Execute every code cell in order and return the notebook with its outputs."""
        folder = Path(resources.get("metadata", {}).get("path") or ".")
        nb = nbformat.from_dict(nb)
        with Judge(seconds=self.judge_timeout) as judge:
            Run(nb, folder, judge, self.kernel_name, self.timeout).all_cells()
        return nb, resources


class Run:
    """One notebook, one kernel, from the first cell to the last."""

    def __init__(self, nb: NotebookNode, folder: Path, judge: Judge, kernel: str, timeout: int):
        kernels.announce()
        self.nb, self.folder, self.judge = nb, folder, judge
        self.client = NotebookClient(
            nb,
            kernel_name=kernel,
            timeout=timeout,
            allow_errors=True,
            resources={"metadata": {"path": str(folder)}},
            skip_cells_with_tag="never: " + os.urandom(8).hex(),
        )
        self.dead = ""

    def all_cells(self) -> None:
        """Execute; a kernel that dies leaves a verdict in each test cell after it."""
        # A kernel logs to the terminal of whoever started it; its words to the student are outputs.
        with self.client.setup_kernel(stderr=subprocess.DEVNULL):
            for index, cell in enumerate(self.nb.cells):
                if cell.cell_type != "code":
                    continue
                if is_grade(cell) and not is_solution(cell):
                    self._test_cell(cell, index)
                else:
                    self._run(cell, index)

    def _run(self, cell: NotebookNode, index: int) -> None:
        """Execute one cell in the student's kernel, within its time."""
        if self.dead:
            return
        try:
            self.client.execute_cell(cell, index, store_history=True)
        except CellTimeoutError:
            self.dead = f"A cell took longer than {self.client.timeout} seconds and was stopped."
        except DeadKernelError:
            self.dead = "The kernel died in an earlier cell."
        except CellExecutionError:
            pass
        _shorten(cell)

    def _test_cell(self, cell: NotebookNode, index: int) -> None:
        visible, hidden = split(cell.source)
        shown = nbformat.v4.new_code_cell(visible)
        self.nb.cells[index] = shown
        try:
            self._run(shown, index)
        finally:
            self.nb.cells[index] = cell
        cell.execution_count = shown.execution_count
        verdict = _visible_verdict(shown.outputs)
        if self.dead:
            verdict = Verdict(checks.ERROR, self.dead)
        elif verdict.passed and hidden:
            verdict = self.judge.run(hidden, KernelSource(self.client, self.folder))
        cell.outputs = write_outputs(verdict, cell.metadata.nbgrader.grade_id)


def split(source: str) -> tuple[str, str]:
    """A test cell's visible lines and its hidden block, without the markers."""
    visible, _, rest = source.partition(BEGIN)
    hidden, _, after = rest.partition(END)
    return visible + after, hidden


def _visible_verdict(outputs: list) -> Verdict:
    """What the visible checks came to; only an error counts, no other output does."""
    for output in outputs:
        if output.output_type == "error":
            known = {
                "NotAttempted": checks.NOT_ATTEMPTED,
                "NotImplementedError": checks.NOT_ATTEMPTED,
                "Wrong": checks.WRONG,
                "StudentError": checks.ERROR,
            }
            status = known.get(output.ename, checks.ERROR)
            words = str(output.evalue)
            told = words.startswith(f"{status}: ")  # the outcome's own words come first
            return Verdict(status, words.split(". ", 1)[-1] if told else words)
    return Verdict(checks.PASSED)


def write_outputs(verdict: Verdict, name: str) -> list[NotebookNode]:
    """A verdict as the outputs that nbgrader reads: an error, a number, or words alone."""
    outcome = checks.Outcome(verdict.status, name, verdict.message)
    if not verdict.passed:
        kinds = {checks.NOT_ATTEMPTED: "NotAttempted", checks.WRONG: "Wrong"}
        ename = kinds.get(verdict.status, "StudentError")
        traceback = [str(outcome)]
        return [
            nbformat.v4.new_output("error", ename=ename, evalue=str(outcome), traceback=traceback)
        ]
    if verdict.score is not None:
        data = {"text/plain": str(verdict.score)}
        return [nbformat.v4.new_output("execute_result", data=data, execution_count=1)]
    return [nbformat.v4.new_output("stream", name="stdout", text=f"{outcome}\n")]


def _shorten(cell: NotebookNode) -> None:
    for output in cell.outputs:
        if len(str(output.get("text", ""))) > MAX_OUTPUT:
            output.text = output.text[:MAX_OUTPUT] + "\n... the rest of the output was left out"


class KernelSource:
    """A student's kernel as the source of their work: asks by executing, reads data files."""

    def __init__(self, client: NotebookClient, folder: Path) -> None:
        self.client, self.folder = client, folder

    def value(self, name: str) -> tuple[Any, list]:
        return self._ask("value", name, None)

    def call(self, name: str, arguments: tuple[Any, list]) -> tuple[Any, list]:
        return self._ask("call", name, arguments)

    def model(self, name: str, arguments: tuple[Any, list] | None) -> tuple[Any, list]:
        return self._ask("model", name, arguments)

    def _ask(self, kind: str, name: str, arguments: tuple[Any, list] | None) -> tuple[Any, list]:
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".ask-") as place:
            given, answer = Path(place, "arguments"), Path(place, "answer")
            if arguments is not None:
                given.write_bytes(export.dumps(*arguments))
            file = str(given.resolve()) if arguments is not None else None
            self._execute(
                "from helpers.answers import answer as _answer\n"
                f"_answer({kind!r}, {name!r}, {file!r}, {str(answer.resolve())!r})"
            )
            return _read(answer)

    def _execute(self, code: str) -> None:
        """Run code in the kernel and wait; what it shows is thrown away."""
        cell = nbformat.v4.new_code_cell(code)
        index = len(self.client.nb.cells)
        self.client.nb.cells.append(cell)
        try:
            self.client.execute_cell(cell, index, store_history=False)
        except (CellTimeoutError, DeadKernelError) as error:
            raise checks.StudentError(
                "The notebook did not answer in time."
                if isinstance(error, CellTimeoutError)
                else "The kernel died when a function was asked for a result."
            ) from None
        except CellExecutionError:
            pass
        finally:
            self.client.nb.cells.pop(index)


def _read(path: Path) -> tuple[Any, list]:
    """The answer in a file that student code could have written: bounded, no link, plain file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise checks.StudentError("The notebook gave no answer when asked for a result.") from None
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > export.MAX_BYTES * 2:
            raise checks.Wrong("The notebook's answer is too large, or no plain data.")
        raw = file.read(export.MAX_BYTES * 2)
    if raw[:1] == b"+":
        return export.loads(raw[1:])
    raise _failure(raw[1:])


def _failure(raw: bytes) -> checks.CheckFailed:
    try:
        status, message = json.loads(raw)
    except (ValueError, TypeError):
        status, message = checks.ERROR, "The notebook's answer is malformed."
    kinds = {checks.NOT_ATTEMPTED: checks.NotAttempted, checks.WRONG: checks.Wrong}
    return kinds.get(status, checks.StudentError)(str(message)[:2_000])
