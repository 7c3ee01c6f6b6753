"""What a hostile submission is, and the ways in which entries of the catalogue change one.

An entry changes a submission that has nothing right in it, so what it may gain is nothing, unless
``earned`` says what its own honest work is worth.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from course import NAME, notebook

NOTHING = {
    "double-answer": "def double(n):\n    return -1",
    "table-answer": "table = [1]",
    "build-answer": "def build(units):\n    return None",
    "net-answer": "net = 0",
    "sign-answer": "def sign(n):\n    return 5",
}
Nb = nbformat.NotebookNode


@dataclass(frozen=True)
class Entry:
    """One submission: what it tries, and how it differs from an untouched one."""

    name: str
    tries: str
    answers: dict[str, str] = field(default_factory=dict)  # by cell id
    change: Callable[[Nb], Nb | None] | None = None  # of the finished notebook
    files: Callable[[Path], None] | None = None  # in the folder, after the notebook is written
    earned: float = 0  # points that its honest work is worth, written answers aside
    walls: bool = False  # it needs walls to be harmless
    refused: bool = False  # it ends at the intake, with one sentence for all cells

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        nb = notebook(NOTHING | self.answers)
        nb = (self.change(nb) or nb) if self.change else nb
        (folder / f"{NAME}.ipynb").write_text(json.dumps(nb))
        if self.files:
            self.files(folder)


def first(code: str) -> dict[str, str]:
    """Hostile code in the first answer, before any check has run; nothing else is answered."""
    return {"double-answer": NOTHING["double-answer"] + "\n" + code}


def cell(nb: Nb, name: str) -> Nb:
    return next(c for c in nb.cells if c.get("id") == name)


def without(*names: str) -> Callable[[Nb], None]:
    def change(nb: Nb) -> None:
        nb.cells = [c for c in nb.cells if c.id not in names]

    return change


def edited(name: str, **metadata) -> Callable[[Nb], None]:
    def change(nb: Nb) -> None:
        cell(nb, name).metadata.nbgrader.update(metadata)

    return change


def sourced(name: str, source: str) -> Callable[[Nb], None]:
    def change(nb: Nb) -> None:
        cell(nb, name).source = source

    return change


def copied(name: str, source: str) -> Callable[[Nb], None]:
    def change(nb: Nb) -> None:
        copy = nbformat.from_dict(json.loads(json.dumps(cell(nb, name))))
        copy.source, copy.id = source, "copy"
        nb.cells.insert(1, copy)

    return change


def tagged(nb: Nb) -> None:
    for one in nb.cells:
        one.metadata["tags"] = ["skip-execution", "raises-exception"]


def with_outputs(nb: Nb) -> None:
    for one in nb.cells:
        if one.cell_type == "code":
            data = {"text/plain": "100"}
            one.outputs = [nbformat.v4.new_output("execute_result", data=data, execution_count=1)]


def another_kernel(nb: Nb) -> None:
    spec = {"name": "bash", "display_name": "bash", "language": "bash"}
    nb.metadata.kernelspec = nbformat.from_dict(spec)


def reversed_cells(nb: Nb) -> None:
    nb.cells = nb.cells[::-1]


def older_format(nb: Nb) -> Nb:
    return nbformat.from_dict(
        {"nbformat": 3, "nbformat_minor": 0, "worksheets": [], "metadata": {}}
    )


def deep(nb: Nb) -> None:
    nest: dict = {}
    for _ in range(400):
        nest = {"a": nest}
    nb.metadata["deep"] = nest


def file(name: str, content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    return write


def linked(folder: Path) -> None:
    """The notebook itself is a link to the right answers of another student."""
    path = folder / f"{NAME}.ipynb"
    path.unlink()
    path.symlink_to(folder.parents[1] / "honest" / NAME / f"{NAME}.ipynb")


def fifo(folder: Path) -> None:
    (folder / f"{NAME}.ipynb").unlink()
    os.mkfifo(folder / f"{NAME}.ipynb")


def link_beside(folder: Path) -> None:
    (folder / "data.txt").symlink_to("/etc/passwd")
    (folder / "loop").symlink_to(folder)
