"""An assignment's exercises, taken from its text in course/ and run without a notebook.

`load` reads the text; `Exercises.namespace` is what a student's kernel holds when all answers are
right, or with some of them replaced; `Exercises.run` judges that with one tests cell: the visible
lines first, then the hidden block, by the judge's own evaluation and against exported data only.
"""

import ast
import contextlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autograder.judge import source
from autograder.judge.evaluate import evaluate
from autograder.kernel.notebook import visible_verdict
from autograder.text.authoring import read_cells
from autograder.text.cells import Cell, parse
from convcourse import checks, hints
from convcourse.wire.answers import Namespace

COURSE = Path(__file__).resolve().parents[2] / "course"
# A file that takes the message of every answer that does not pass, for whoever reads them all.
MESSAGES = os.environ.get("MESSAGES", "")
SET_UP = {"checks": checks, "hints": hints}  # what the set-up cell imports


@dataclass(frozen=True)
class Result:
    """How a tests cell ended. ``hidden`` tells that the visible checks had passed."""

    status: str
    message: str
    hidden: bool
    score: float | None = None
    notes: dict[str, str | float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return self.status == checks.PASSED


@dataclass(frozen=True)
class Exercises:
    """The code of one assignment by id; ``imports`` is what its plain cells import."""

    name: str
    imports: str
    solutions: dict[str, Cell] = field(default_factory=dict)
    tests: dict[str, Cell] = field(default_factory=dict)

    @property
    def points(self) -> dict[str, float]:
        return {name: cell.points for name, cell in self.tests.items()}

    def namespace(self, code: str = "", **names: Any) -> dict[str, Any]:
        """The names after all solutions, then ``code`` (another answer), then ``names``."""
        return self._execute([cell.source for cell in self.solutions.values()], code, names)

    def stubs(self, **names: Any) -> dict[str, Any]:
        """The names that a student has who filled in nothing, then ``names``."""
        functions = [cell.stub for cell in self.solutions.values() if "def " in cell.source]
        return self._execute(functions, "", names)

    def run(self, test: str, names: dict[str, Any]) -> Result:
        """Judge a namespace with one tests cell. Raises KeyError for an unknown id."""
        with as_in_a_kernel():
            result = self._judged(test, names)
        if MESSAGES and not result.passed:
            with open(MESSAGES, "a", encoding="utf-8") as file:
                file.write(f"{test}\t{result.status}\t{' '.join(result.message.split())}\n")
        return result

    def _judged(self, test: str, names: dict[str, Any]) -> Result:
        cell = self.tests[test]
        source.connect(Namespace(names))
        visible = visible_verdict(_reply(cell.visible, names), told=False)
        if not visible.passed or not cell.hidden:
            return Result(visible.status, visible.message, False)
        verdict = evaluate(cell.hidden)
        return Result(verdict.status, verdict.message, True, verdict.score, verdict.notes)

    def _execute(self, cells: list[str], code: str, names: dict[str, Any]) -> dict[str, Any]:
        space: dict[str, Any] = {"__name__": "notebook", **SET_UP}
        with as_in_a_kernel():
            for number, cell in enumerate([self.imports, *cells, code]):
                exec(compile(cell, f"<{self.name}, cell {number}>", "exec"), space)
        space.update(names)
        return space


@contextlib.contextmanager
def as_in_a_kernel() -> Iterator[None]:
    """A warning is an error in these tests, but not where students' code runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def load(name: str) -> Exercises:
    """Read course/NAME.py, a jupytext percent script."""
    text = (COURSE / f"{name}.py").read_text(encoding="utf-8")
    code = [cell for cell in map(parse, read_cells(text)) if cell.kind == "code"]
    return Exercises(
        name,
        "\n".join(_imports(cell.source) for cell in code if cell.role in (None, "locked")),
        {cell.id: cell for cell in code if cell.role == "solution"},
        {cell.id: cell for cell in code if cell.is_test},
    )


def locked(name: str, cell_id: str) -> str:
    """The code of a locked cell of course/NAME.py, which a check may call."""
    text = (COURSE / f"{name}.py").read_text(encoding="utf-8")
    cells = (cell for cell in map(parse, read_cells(text)) if cell.kind == "code")
    return next(cell.source for cell in cells if cell.role == "locked" and cell.id == cell_id)


def _imports(code: str) -> str:
    """The import statements of a cell's top level; magics and the rest are left out."""
    code = re.sub(r"^\s*[%!].*$", "", code, flags=re.MULTILINE)
    kept = [s for s in ast.parse(code).body if isinstance(s, (ast.Import, ast.ImportFrom))]
    return "\n".join(ast.unparse(statement) for statement in kept)


def _reply(code: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run visible lines; what a kernel would reply to them."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, "<tests cell>", "exec"), names)
    except Exception as error:
        return {"status": "error", "ename": type(error).__name__, "evalue": str(error)}
    return {"status": "ok"}


def cases(table: dict[str, dict[str, str]]) -> list:
    """One parameter for each answer of a table, under its own name."""
    return [
        pytest.param(test, answer, id=f"{test}-{name}")
        for test, answers in table.items()
        for name, answer in answers.items()
    ]


def changed(code: str, *pairs: tuple[str, str]) -> str:
    """A right answer with a fault: each pair is an old piece and a new one."""
    for old, new in pairs:
        assert old in code, old
        code = code.replace(old, new)
    return code


def assert_is_named(exercises: Exercises, test: str, answer: str, words: str) -> None:
    """A wrong answer does not pass, and the message holds certain words."""
    result = exercises.run(test, exercises.namespace(answer))
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words.lower() in result.message.lower(), result
