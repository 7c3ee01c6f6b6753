"""The nbgrader preprocessor that runs one notebook: student code in a kernel, verdicts elsewhere.

Takes the place of nbgrader's `Execute`. Every cell runs in the student's kernel except hidden
test blocks: those go to the judge, which asks the kernel for data only. A test cell's outputs are
then written anew from the verdict, so nothing that student code shows there can be a mark.
"""

import builtins
import contextlib
import json
import os
import secrets
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import zmq
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import Bool, Integer, Unicode

from autograder import kernels, sandbox
from autograder.judge import Judge, Verdict
from helpers import checks, export

BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
MAX_OUTPUT = 100_000  # characters of output kept for one cell
SAFE = ("text/plain", "image/png", "image/jpeg")  # what a graded notebook shows
MAX_MESSAGE = 64 * 2**20  # bytes; a longer one never reaches this process


class ExecuteJudged(NbGraderPreprocessor):
    """Run the notebook in ``kernel_name``; hidden tests in a judge's process."""

    kernel_name = Unicode(kernels.NAME, help="the kernelspec that runs student code").tag(
        config=True
    )
    timeout = Integer(600, help="seconds a cell may take").tag(config=True)
    judge_timeout = Integer(300, help="seconds a hidden block may take").tag(config=True)
    sandbox = Bool(True, help="put warm kernels behind walls; see docs/sandbox.md").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Execute every code cell in order and return the notebook with its outputs."""
        folder = Path(resources.get("metadata", {}).get("path") or ".")
        nb = nbformat.from_dict(nb)
        with Judge(seconds=self.judge_timeout) as judge:
            limits = sandbox.LIMITS if self.sandbox else None
            Run(nb, folder, judge, self.kernel_name, self.timeout, limits).all_cells()
        return nb, resources


class Client(NotebookClient):
    """nbclient's, for a kernel that is not trusted: what one cell shows is bounded."""

    most = sandbox.LIMITS.output
    shown = 0  # characters in this cell so far
    flooded = False

    def create_kernel_manager(self) -> Any:
        """A manager whose client takes no message longer than `MAX_MESSAGE`."""
        manager = super().create_kernel_manager()
        make = manager.client

        def bounded(**kwargs: Any) -> Any:
            client = make(**kwargs)
            client.context.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
            return client

        manager.client = bounded
        return manager

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Leave out what is too much, and widgets; end the kernel of a cell that floods."""
        kind = str(msg["msg_type"])
        if kind in ("status", "execute_input"):
            return super().process_message(msg, cell, cell_index)
        self.shown += 200 + sum(len(str(part)) for part in msg["content"].values())
        if self.shown > self.most and not self.flooded:
            self.flooded = True
            self.km.provisioner.process.kill()  # nbclient sees that it is dead within a second
        if kind.startswith("comm") or self.flooded:
            return None
        if kind == "stream" and self.shown > MAX_OUTPUT + len(msg["content"]["text"]):
            return None
        return super().process_message(msg, cell, cell_index)


class Run:
    """One notebook, one kernel, from the first cell to the last.

    A warm kernel is put behind the walls of `sandbox`, unless ``limits`` is None.
    """

    def __init__(
        self,
        nb: NotebookNode,
        folder: Path,
        judge: Judge,
        kernel: str = kernels.NAME,
        timeout: int = 600,
        limits: sandbox.Limits | None = sandbox.LIMITS,
    ) -> None:
        kernels.announce()
        self.nb, self.folder, self.judge = nb, Path(folder).resolve(), judge
        self.limits = limits if kernel == kernels.NAME else None
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
        self.reply: dict[str, Any] = {}

    def all_cells(self) -> None:
        """Execute; a kernel that dies leaves a verdict in each test cell after it."""
        # A kernel logs to the terminal of whoever started it; its words to the student are outputs.
        with self.client.setup_kernel(stderr=subprocess.DEVNULL, **self._walls()):
            for index, cell in enumerate(self.nb.cells):
                if cell.cell_type != "code":
                    continue
                if is_grade(cell) and not is_solution(cell):
                    self._test_cell(cell, index)
                else:
                    self._run(cell, index)

    def _walls(self) -> dict[str, Any]:
        return {} if self.limits is None else {"limits": self.limits}

    def _run(self, cell: NotebookNode, index: int, store_history: bool = True) -> None:
        """Execute one cell in the student's kernel, within its time; sets ``dead`` if that ends."""
        if self.dead:
            return
        self.client.shown, self.reply = 0, {}
        try:
            self.client.execute_cell(cell, index, store_history=store_history)
        except CellTimeoutError:
            self.dead = f"A cell took longer than {self.client.timeout} seconds and was stopped."
        except DeadKernelError:
            self.dead = self._why_dead()
        except CellExecutionError:
            pass
        except Exception as error:  # whatever a kernel sends that is no message of Jupyter's
            self.dead = f"The kernel's messages could not be read ({type(error).__name__})."
        _shorten(cell)

    def _keep_reply(self, execute_reply: dict[str, Any], **_: Any) -> None:
        self.reply = execute_reply["content"]

    def _why_dead(self) -> str:
        if self.client.flooded:
            return f"A cell showed more than {self.client.most:,} characters and was stopped."
        process = getattr(self.client.km.provisioner, "process", None)
        return getattr(process, "reason", "") or "The kernel died in an earlier cell."

    def ask(self, code: str) -> None:
        """Run code of ours in the kernel; what it shows is thrown away.

        Raises `checks.StudentError` when the kernel ends over it.
        """
        cell = nbformat.v4.new_code_cell(code)
        self.nb.cells.append(cell)
        try:
            self._run(cell, len(self.nb.cells) - 1, store_history=False)
        finally:
            self.nb.cells.pop()
        if self.dead:
            raise checks.StudentError(f"The notebook did not answer. {self.dead}")

    @property
    def root(self) -> str:
        """Where the kernel's tree of files begins for this process."""
        if self.limits is None:
            return "/"
        return f"/proc/{self.client.km.provisioner.process.pid}/root"

    def _test_cell(self, cell: NotebookNode, index: int) -> None:
        visible, hidden = split(cell.source)
        shown = nbformat.v4.new_code_cell(visible)
        self.nb.cells[index] = shown
        try:
            self._run(shown, index)
        finally:
            self.nb.cells[index] = cell
        cell.execution_count = shown.execution_count
        verdict = _visible_verdict(self.reply)
        if self.dead:
            verdict = Verdict(checks.ERROR, self.dead)
        elif verdict.passed and hidden:
            verdict = self.judge.run(hidden, KernelSource(self))
        cell.outputs = write_outputs(verdict, cell.metadata.nbgrader.grade_id)


def split(source: str) -> tuple[str, str]:
    """A test cell's visible lines and its hidden block, without the markers."""
    visible, _, rest = source.partition(BEGIN)
    hidden, _, after = rest.partition(END)
    return visible + after, hidden


def _visible_verdict(reply: dict[str, Any]) -> Verdict:
    """What the visible checks came to, by the kernel's reply: outputs can be lost or be many."""
    if reply.get("status") == "ok":
        return Verdict(checks.PASSED)
    known = {
        "NotAttempted": checks.NOT_ATTEMPTED,
        "NotImplementedError": checks.NOT_ATTEMPTED,
        "Wrong": checks.WRONG,
        "StudentError": checks.ERROR,
    }
    status = known.get(reply.get("ename"), checks.ERROR)
    words = str(reply.get("evalue", "The cell was not run."))
    told = words.startswith(f"{status}: ")  # the outcome's own words come first
    return Verdict(status, words.split(". ", 1)[-1] if told else words)


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


def safe(output: NotebookNode) -> NotebookNode:
    """An output that runs nothing in the browser of whoever looks at it."""
    if "data" in output:
        output.data = {k: v for k, v in output.data.items() if k in SAFE}
    return output


def _shorten(cell: NotebookNode) -> None:
    """Leave what a person can read and look at, and not more than that."""
    for output in map(safe, cell.outputs):
        if len(str(output.get("text", ""))) > MAX_OUTPUT:
            output.text = output.text[:MAX_OUTPUT] + "\n... the rest of the output was left out"


class KernelSource:
    """A student's kernel as the source of their work: asks by executing, reads data files."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def value(self, name: str) -> tuple[Any, list]:
        return self._ask("value", name, None)

    def call(self, name: str, arguments: tuple[Any, list]) -> tuple[Any, list]:
        return self._ask("call", name, arguments)

    def model(self, name: str, arguments: tuple[Any, list] | None) -> tuple[Any, list]:
        return self._ask("model", name, arguments)

    def _ask(self, kind: str, name: str, arguments: tuple[Any, list] | None) -> tuple[Any, list]:
        names = [f".{word}-{secrets.token_hex(8)}" for word in ("given", "answer")]
        given, answer = (str(self.run.folder / one) for one in names)
        with _opened(self.run.root, self.run.folder) as folder:
            if arguments is not None:
                _write(folder, names[0], export.dumps(*arguments))
            try:
                file = given if arguments is not None else None
                self.run.ask(
                    "from helpers.answers import answer as _answer\n"
                    f"_answer({kind!r}, {name!r}, {file!r}, {answer!r})"
                )
                return _read(folder, names[1])
            except checks.CheckFailed as failed:
                # What went in was hidden, and these words come from where it went.
                raise failed if arguments is None else _without_values(failed, name) from None
            finally:
                for one in names:
                    with contextlib.suppress(OSError):
                        os.unlink(one, dir_fd=folder)


@contextlib.contextmanager
def _opened(root: str, folder: Path) -> Iterator[int]:
    """A folder that student code can write to, and whose parents it may have renamed: no link in
    its path is followed, and none leads elsewhere once it is open."""
    handle = -1
    try:
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        for part in folder.relative_to("/").parts:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            above, handle = handle, os.open(part, flags, dir_fd=handle)
            os.close(above)
    except OSError:
        if handle >= 0:
            os.close(handle)
        raise checks.StudentError("The notebook's folder is not where it was.") from None
    try:
        yield handle
    finally:
        os.close(handle)


def _write(folder: int, name: str, content: bytes) -> None:
    try:
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        words = f"The notebook's folder takes no more files: {os.strerror(error.errno)}."
        raise checks.StudentError(words) from None


def _read(folder: int, name: str) -> tuple[Any, list]:
    """The answer in a file that student code could have written: bounded, no link, plain file."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
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


def _without_values(failed: checks.CheckFailed, name: str) -> checks.CheckFailed:
    """The outcome of a call with hidden arguments, in words that cannot quote them."""
    if failed.outcome.message.startswith(("The notebook", "The kernel")):
        return failed  # this process's own words
    if isinstance(failed, checks.NotAttempted):
        return checks.NotAttempted(f"{name} is not written yet.")
    if isinstance(failed, checks.StudentError):
        kind = failed.outcome.message.partition(":")[0]
        known = isinstance(getattr(builtins, kind, None), type)
        raised = f"raises {kind}" if known else "ends in an error"
        return checks.StudentError(f"{name} {raised} for arguments that the hidden checks give it.")
    return checks.Wrong(
        f"{name} gives what is no plain value, array or Keras model of built-in layers, for "
        "arguments that the hidden checks give it."
    )


def _failure(raw: bytes) -> checks.CheckFailed:
    try:
        status, message = json.loads(raw)
    except (ValueError, TypeError):
        status, message = checks.ERROR, "The notebook's answer is malformed."
    kinds = {checks.NOT_ATTEMPTED: checks.NotAttempted, checks.WRONG: checks.Wrong}
    return kinds.get(status, checks.StudentError)(str(message)[:2_000])
