"""The IPython shell of a kernel that grades: no magic and no shell command ends a cell.

A student's notebook was written in Colab or JupyterLab, where a line such as ``%tensorboard`` or
``!pip install`` does its work. In a grading kernel, which has neither a network nor a browser, it
prints one sentence, and the answer below it counts.
"""

import re
import subprocess
import sys
import tempfile
from typing import Any

from ipykernel import ipkernel
from ipykernel.ipkernel import IPythonKernel
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.error import UsageError
from IPython.utils.text import SList
from traitlets import Type

from autograder.warm.imports import StandIns
from autograder.warm.streams import have_output

MOST_SHOWN = 100_000  # bytes of what a shell command prints
_NOT_HERE = "does not work while a notebook is graded"
# Line magics that run the student's own code, whose errors belong to the cell.
_RUNNING = {"time", "timeit", "prun", "lprun", "memit", "mprun", "run"}
_SHELLS = ("bash", "sh", "shell")  # the last is Colab's
_SENTENCES = {
    **dict.fromkeys(
        ("pip", "conda", "mamba", "micromamba", "uv"),
        "the grader has no network and installs nothing",
    ),
    "tensorboard": "the grader has no browser",
    "cd": "the grader stays in the notebook's folder",
}
_NEEDS_NETWORK = re.compile(
    r"(?:^|[;&|(]|\bsudo|\bpython[\d.]*\s+-m)\s*"
    r"(pip\d*|conda|mamba|uv|apt|apt-get|npm|wget|curl|gdown|git|kaggle|gsutil|aws)(?=\s|$)"
)


class GradingShell(ZMQInteractiveShell):
    """A shell that goes on where a magic, a shell command or a missing package would end a cell."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ast_transformers.append(StandIns())
        steps = self.input_transformers_cleanup
        steps.insert(max(0, len(steps) - 1), self._known_magic)  # before cell magics are read
        register: Any = self.register_magic_function  # IPython's annotation counts self twice
        for name in _SHELLS:
            register(self._shell_cell, "cell", name)

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        """Run a line magic; one that cannot do its work here prints a sentence."""
        if magic_name in _RUNNING:
            return super().run_line_magic(magic_name, line, _stack_depth + 1)
        if why := _SENTENCES.get(magic_name):
            print(f"%{magic_name} {_NOT_HERE}: {why}.")
            return None
        if magic_name == "matplotlib":
            line = "inline"  # no other backend can show a figure on a page
        try:
            return super().run_line_magic(magic_name, line, _stack_depth + 1)
        except UsageError:
            print(f"%{magic_name} {_NOT_HERE}.")
        except Exception as error:  # a magic may raise anything
            print(f"%{magic_name} {_NOT_HERE} ({type(error).__name__}: {error}).")
        return None

    def ask_exit(self) -> None:
        """Go on after ``exit()`` and ``quit()``: the cells below are graded too."""
        print(f"exit() {_NOT_HERE}.")

    def system(self, cmd: str) -> None:
        """Run ``!cmd`` and show what it prints."""
        text, code = _output(self.var_expand(cmd, depth=1))
        self.user_ns["_exit_code"] = code
        print(text, end="")

    system_piped = system_raw = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """What ``name = !cmd`` binds: the lines that the command prints."""
        text, _ = _output(self.var_expand(cmd, depth=depth + 1))
        return SList(text.splitlines()) if split else text

    def _shell_cell(self, line: str, cell: str) -> None:
        text, self.user_ns["_exit_code"] = _output(cell)
        print(text, end="")

    def _known_magic(self, lines: list[str]) -> list[str]:
        """Turn ``%%name`` above Python code into ``%name`` if there is no cell magic ``name``."""
        found = re.match(r"%%(\w+)", lines[0]) if lines else None
        if found is None or self.find_cell_magic(found[1]) is not None:
            return lines
        return [lines[0][1:], *lines[1:]]


class _NoModules:
    """The module `sys`, as if nothing were loaded."""

    modules: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


class GradingKernel(IPythonKernel):
    """IPython's kernel with a `GradingShell`; it waits for a cell's outputs if there are any.

    IPython waits for a millisecond after every cell, in which what a program writes past Python
    may arrive or not. This kernel knows when all of it has arrived. The grader's questions come
    without a place in the history, and what they show is dropped.
    """

    shell_class = Type(GradingShell)

    def __init__(self, **kwargs: Any) -> None:
        # ipykernel asks each loaded module for its file, for a debugger that nobody reaches here.
        # A forked process would copy the memory of all of them, which takes it 30 ms.
        own: Any = ipkernel
        own.sys = _NoModules()
        try:
            super().__init__(**kwargs)
        finally:
            own.sys = sys
        self._usual_wait = self._execute_sleep

    async def do_execute(
        self, code: str, silent: bool, store_history: bool = True, *args: Any, **kwargs: Any
    ) -> Any:
        """Execute a cell of the notebook, or a question of the grader."""
        reply = await super().do_execute(code, silent, store_history, *args, **kwargs)
        has_output = store_history and have_output()
        self._execute_sleep = self._usual_wait if has_output else 0
        return reply


def _output(command: str) -> tuple[str, int]:
    """What a shell command prints, and its exit code."""
    if found := _NEEDS_NETWORK.search(command):
        why = _SENTENCES["pip"]
        return f"!{found[1]} {_NOT_HERE}: {why}.\n", 1
    try:
        # A file, because a process left in the background would keep a pipe open.
        with tempfile.TemporaryFile() as file:
            ended = subprocess.run(
                command, shell=True, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
            file.seek(0)
            return file.read(MOST_SHOWN).decode("utf-8", "replace"), ended.returncode
    except (OSError, ValueError) as error:  # too many processes, a full disk, a zero byte
        return f"!{command.split(' ')[0]} {_NOT_HERE} ({error}).\n", 1
