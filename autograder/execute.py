"""The nbgrader preprocessor that runs one notebook: student code in a kernel, verdicts elsewhere.

Takes the place of nbgrader's `Execute`. Every cell runs in the student's kernel except hidden
test blocks: those go to the judge, which asks the kernel for data only. A test cell's outputs are
then written anew from the verdict, so nothing that student code shows there can be a mark.
"""

import base64
import contextlib
import functools
import json
import os
import queue
import secrets
import stat
import subprocess
import time
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

from autograder import kernels, sandbox, warm
from autograder.clock import Clock
from autograder.intake import printable
from autograder.judge import Judge, Verdict
from helpers import checks, export
from helpers.answers import asked_for

FOR_INSTRUCTOR = "For the instructor: "
NOTES = "leaderboard"  # metadata of an output; student code's outputs have none, nor has feedback
BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
MAX_OUTPUT = 100_000  # characters of output kept for one cell
MAX_OUTPUTS = 100  # of one cell
MAX_KEPT = 50_000_000  # characters of all outputs of a notebook
MAX_PICTURE = 4_000_000  # characters of one picture in base64
PICTURES = {"image/png": b"\x89PNG\r\n", "image/jpeg": b"\xff\xd8\xff"}  # and how they begin
KINDS = {"AttributeError", "IndexError", "KeyError", "NameError", "TypeError", "ValueError"}
START_SECONDS = 60  # until a kernel answers
MAX_ANSWER = export.MAX_BYTES + export.MAX_HEAD + 8  # bytes
MAX_MESSAGE = 64 * 2**20  # bytes; a longer one never reaches this process
MAX_WAITING = 8  # messages that have come and are not read yet: the system holds the others


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
        """A manager whose client holds no more than `MAX_WAITING` messages of `MAX_MESSAGE`."""
        manager = super().create_kernel_manager()
        make = manager.client

        def bounded(**kwargs: Any) -> Any:
            client = make(**kwargs)
            client.context.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
            client.context.setsockopt(zmq.RCVHWM, MAX_WAITING)
            client.wait_for_ready = functools.partial(_ready, client)
            return client

        manager.client = bounded
        return manager

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Leave out what is too much, and widgets; end the kernel of a cell that floods."""
        kind = str(msg["msg_type"])
        self.shown += 200 + sum(len(str(part)) for part in msg["content"].values())
        if self.shown > self.most and not self.flooded:
            self.flooded = True
            self.km.provisioner.process.kill()  # nbclient sees that it is dead within a second
        if kind.startswith("comm") or self.flooded:
            return None
        if kind in ("status", "execute_input"):
            return super().process_message(msg, cell, cell_index)
        if kind == "stream" and self.shown > MAX_OUTPUT + len(msg["content"]["text"]):
            return None
        return super().process_message(msg, cell, cell_index)


async def _ready(client: Any, timeout: float = START_SECONDS) -> None:
    """Wait until a kernel answers on both channels. Raises RuntimeError when it does not.

    jupyter_client's own ends with a fifth of a second of listening for further messages; here it is
    known which message comes last.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and await client.is_alive():
        asked = client.kernel_info()
        with contextlib.suppress(queue.Empty):  # what a channel misses that connects late: ask anew
            client._handle_kernel_info_reply(await client.get_shell_msg(timeout=1))
            while not _is_end(await client.get_iopub_msg(timeout=0.2), asked):
                pass
            return
    raise RuntimeError("The kernel did not start.")


def _is_end(message: dict[str, Any], asked: str) -> bool:
    state = message["content"].get("execution_state")
    return state == "idle" and message["parent_header"].get("msg_id") == asked


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
        self.told = False  # whether student code has seen arguments of hidden checks
        self.ran, self.kept = 0, 0  # cells, and characters of their outputs
        self.reply: dict[str, Any] = {}
        self.clock = Clock()  # seconds by stage: kernel start, cells, judge, kernel end

    def all_cells(self) -> None:
        """Execute; a kernel that dies leaves a verdict in each test cell after it."""
        # A kernel logs to the terminal of whoever started it; its words to the student are outputs.
        with contextlib.ExitStack() as kernel:
            with self.clock("start"):
                walls = self._walls()
                kernel.enter_context(self.client.setup_kernel(stderr=subprocess.DEVNULL, **walls))
            for index, cell in enumerate(self.nb.cells):
                if cell.cell_type != "code":
                    continue
                if is_grade(cell) and not is_solution(cell):
                    self._test_cell(cell, index)
                else:
                    with self.clock("cells", self._computed):
                        self._run(cell, index)
            with self.clock("end"):
                kernel.close()

    def _walls(self) -> dict[str, Any]:
        return {} if self.limits is None else {"limits": self.limits}

    def _run(self, cell: NotebookNode, index: int, store_history: bool = True) -> None:
        """Execute one cell in the student's kernel, within its time; sets ``dead`` if that ends.

        Raises RuntimeError when the kernel ends by no fault of its own.
        """
        if self.dead:
            return
        self.client.shown, self.reply = 0, {}
        try:
            self.client.execute_cell(cell, index, store_history=store_history)
        except CellTimeoutError:
            self.dead = (
                f"A cell took longer than {self.client.timeout} seconds and was stopped. If it "
                "trains, hand its folder checkpoints in too: then nothing is trained again."
            )
        except DeadKernelError:
            self.dead = self._why_dead()
        except CellExecutionError:
            pass
        except Exception as error:  # whatever a kernel sends that is no message of Jupyter's
            self.dead = f"The kernel's messages could not be read ({type(error).__name__})."
        # Later messages may change what this cell has shown no more, nor the verdict in its place.
        self.client._display_id_map.clear()
        self._tidy(cell, store_history)

    def _tidy(self, cell: NotebookNode, counts: bool) -> None:
        """Leave what a person can read and look at, of all cells together no more than that.

        Cells are numbered here: a kernel could tell what it has seen by its own numbers.
        """
        found = [safe(output) for output in cell.outputs[:MAX_OUTPUTS]]
        cell.outputs = [output for output in found if output is not None]
        self.ran += counts
        cell.execution_count = self.ran if counts else None
        size = sum(len(json.dumps(output)) for output in cell.outputs)
        if self.kept + size > MAX_KEPT:
            text = "The notebook shows more than can be kept; this was left out.\n"
            cell.outputs, size = [_output("stream", name="stdout", text=text)], 0
        self.kept += size

    def _keep_reply(self, execute_reply: dict[str, Any], **_: Any) -> None:
        content = execute_reply["content"]
        self.reply = content if isinstance(content, dict) else {}

    def _why_dead(self) -> str:
        if self.client.flooded:
            return f"A cell showed more than {self.client.most:,} characters and was stopped."
        process = getattr(self.client.km.provisioner, "process", None)
        if isinstance(process, warm.Process) and (lost := process.lost()):
            raise RuntimeError(lost)
        return getattr(process, "reason", "") or "The kernel died in an earlier cell."

    def ask(self, code: str) -> None:
        """Run code of ours in the kernel; what it shows is thrown away.

        Raises `checks.StudentError` when the kernel ends over it.
        """
        cell = _cell(code)
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

    def _computed(self) -> float:
        """Seconds of processor time that the kernel has used so far; 0 where nobody knows."""
        process = getattr(self.client.km.provisioner, "process", None)
        with contextlib.suppress(OSError, AttributeError):
            words = Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b")")[2].split()
            return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def _test_cell(self, cell: NotebookNode, index: int) -> None:
        visible, hidden = split(cell.source)
        shown = _cell(visible)
        self.nb.cells[index] = shown
        try:
            with self.clock("cells", self._computed):
                self._run(shown, index)
        finally:
            self.nb.cells[index] = cell
        cell.execution_count = shown.execution_count
        verdict = _visible_verdict(self.reply, self.told)
        if self.dead:
            verdict = Verdict(checks.ERROR, self.dead)
        elif verdict.passed and hidden:
            with self.clock("judge", self._computed):
                verdict = self.judge.run(hidden, KernelSource(self))
        facts = cell.metadata.nbgrader
        cell.outputs = write_outputs(verdict.within(facts.points), facts.grade_id)


def _cell(code: str) -> NotebookNode:
    """A code cell as nbformat makes it, which also holds each against its schema."""
    return nbformat.from_dict(
        dict(cell_type="code", metadata={}, execution_count=None, source=code, outputs=[])
    )


def _output(kind: str, **content: Any) -> NotebookNode:
    """An output as nbformat makes it; the content is ours and needs no schema."""
    return nbformat.from_dict({"output_type": kind, **content})


def split(source: str) -> tuple[str, str]:
    """A test cell's visible lines and its hidden block, without the markers."""
    visible, _, rest = source.partition(BEGIN)
    hidden, _, after = rest.partition(END)
    return visible + after, hidden


def _visible_verdict(reply: dict[str, Any], told: bool) -> Verdict:
    """What the visible checks came to, by the kernel's reply: outputs can be lost or be many.

    Where student code was ``told`` hidden arguments before, its words are for the instructor.
    """
    if reply.get("status") == "ok":
        return Verdict(checks.PASSED)
    known = {
        "NotAttempted": checks.NOT_ATTEMPTED,
        "NotImplementedError": checks.NOT_ATTEMPTED,
        "Wrong": checks.WRONG,
        "StudentError": checks.ERROR,
    }
    ename, words = (
        str(reply.get("ename")),
        _text(reply.get("evalue", "The cell was not run."), 2_000),
    )
    status = known.get(ename, checks.ERROR)
    if words.startswith(f"{status}: "):  # the outcome's own words come first
        words = words.split(". ", 1)[-1]
    if not told:
        return Verdict(status, words)
    came = {checks.NOT_ATTEMPTED: "miss an answer", checks.WRONG: "did not pass"}
    came_to = came.get(status, "ended in an error")
    run_it = "run this cell in your own notebook to read what they say."
    return Verdict(status, f"The visible checks {came_to}; {run_it}", detail=words)


def _kind(name: str) -> str:
    """An exception's name if it is a frequent one: of many, each could stand for a number."""
    return f"{'an' if name[0] in 'AI' else 'a'} {name}" if name in KINDS else "an error"


def write_outputs(verdict: Verdict, name: str) -> list[NotebookNode]:
    """A verdict as the outputs that nbgrader reads: an error, a number, or words alone.

    The error's value, and the first line of what it shows, are for the student; a second line, if
    there is one, is for the instructor.
    """
    outcome = checks.Outcome(verdict.status, name, printable(verdict.message))
    if not verdict.passed:
        kinds = {checks.NOT_ATTEMPTED: "NotAttempted", checks.WRONG: "Wrong"}
        ename = kinds.get(verdict.status, "StudentError")
        traceback = [str(outcome)]
        if verdict.detail:
            traceback.append(f"{FOR_INSTRUCTOR}{verdict.detail}")
        return [_output("error", ename=ename, evalue=str(outcome), traceback=traceback)]
    outputs = [_output("stream", name="stdout", text=f"{outcome}\n")]
    if verdict.score is not None:
        data = {"text/plain": str(verdict.score)}
        facts = {NOTES: verdict.notes} if verdict.notes else {}
        outputs.append(_output("execute_result", data=data, execution_count=1, metadata=facts))
    return outputs


def safe(output: Any) -> NotebookNode | None:
    """An output made anew of what runs nothing in the browser of whoever looks at it.

    Text is bounded and every picture is one; None for what is neither. Nothing else that a
    kernel may have written into an output is kept, be it as metadata, name or number.
    """
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return _output("stream", name=name, text=_text(output.get("text")))
    if kind == "error":
        lines = output.get("traceback")
        lines = [_text(line, 5_000) for line in lines[:100]] if isinstance(lines, list) else []
        ename, evalue = (_text(output.get(key), 2_000) for key in ("ename", "evalue"))
        return _output("error", ename=ename, evalue=evalue, traceback=lines)
    found = output.get("data")
    found = found if isinstance(found, dict) else {}
    data = {k: found[k] for k in PICTURES if _is_picture(k, found.get(k))}
    if "text/plain" in found:
        data["text/plain"] = _text(found["text/plain"])
    return _output("display_data", data=data, metadata={}) if data else None


def _text(value: Any, most: int = MAX_OUTPUT) -> str:
    """Text that every file takes, and not more than a person reads."""
    text = "".join(map(str, value)) if isinstance(value, list) else str(value)
    text = text.encode("utf-8", "replace").decode()
    if len(text) > most:
        text = text[:most] + "\n... the rest of the output was left out"
    return text


def _is_picture(kind: str, data: Any) -> bool:
    """Whether this is a picture in base64 and nothing else: it stands unquoted in a page."""
    if not isinstance(data, str) or len(data) > MAX_PICTURE:
        return False
    try:
        return base64.b64decode("".join(data.split("\n")), validate=True).startswith(PICTURES[kind])
    except ValueError:
        return False


class KernelSource:
    """A student's kernel as the source of their work: asks by executing, reads data files."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def values(self, names: list[str]) -> tuple[Any, list]:
        return self._ask("values", names, None)

    def call(self, name: str, arguments: tuple[Any, list]) -> tuple[Any, list]:
        return self._ask("call", name, arguments)

    def model(self, name: str, arguments: tuple[Any, list] | None) -> tuple[Any, list]:
        return self._ask("model", name, arguments)

    def _ask(
        self, kind: str, name: str | list[str], arguments: tuple[Any, list] | None
    ) -> tuple[Any, list]:
        self.run.told = self.run.told or arguments is not None
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
            except _Said as said:
                raise said.outcome(asked_for(name), self.run.told) from None
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
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_ANSWER:
            raise checks.Wrong("The notebook's answer is too large, or no plain data.")
        kind, raw = file.read(1), file.read(MAX_ANSWER)
    if kind == b"+":
        return export.loads(raw)
    raise _Said(raw)


class _Said(Exception):
    """A failure in the notebook's own words, which its author may have written."""

    def __init__(self, raw: bytes) -> None:
        try:
            status, words = json.loads(raw[:100_000])
        except (ValueError, TypeError, RecursionError):
            status, words = checks.ERROR, "The answer is malformed."
        self.status = status if status in (checks.NOT_ATTEMPTED, checks.WRONG) else checks.ERROR
        self.words = _text(words, 2_000)

    def outcome(self, name: str, told: bool) -> checks.CheckFailed:
        """The outcome for the student, who is not to read what the code was told."""
        kinds = {checks.NOT_ATTEMPTED: checks.NotAttempted, checks.WRONG: checks.Wrong}
        kind = kinds.get(self.status, checks.StudentError)
        if not told:
            return kind(self.words)
        if self.status == checks.NOT_ATTEMPTED:
            failed = kind(f"{name} is not written yet.")
        elif self.status == checks.WRONG:
            failed = kind(
                f"{name} gives no plain value, array, or Keras model of built-in layers in a "
                "hidden check."
            )
        else:
            failed = kind(
                f"{name} ends in {_kind(self.words.partition(':')[0])} in a hidden check."
            )
        failed.detail = self.words
        return failed
