"""An assignment's exercises, taken from its text in course/ and run without a notebook.

`load` reads the text; `Exercises.namespace` is what a student's kernel holds when all answers are
right, or with some of them replaced; `Exercises.run` judges that with one tests cell, visible
lines first, then the hidden block as the judge runs it: against exported data only.
"""

import ast
import contextlib
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jupytext

from autograder import submission
from convcourse import checks

COURSE = Path(__file__).resolve().parents[2] / "course"
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)\n?### END HIDDEN TESTS", re.DOTALL)
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """How a tests cell ended. ``hidden`` tells that the visible checks had passed."""

    status: str
    message: str
    hidden: bool
    score: float | None = None

    @property
    def passed(self) -> bool:
        return self.status == checks.PASSED


@dataclass(frozen=True)
class Exercises:
    """The code of one assignment by id; ``imports`` is what its plain cells import."""

    name: str
    imports: str
    solutions: dict[str, str] = field(default_factory=dict)
    tests: dict[str, str] = field(default_factory=dict)
    points: dict[str, int] = field(default_factory=dict)

    def namespace(self, code: str = "", **names: Any) -> dict[str, Any]:
        """The names after all solutions, then ``code`` (another answer), then ``names``."""
        return self._execute(list(self.solutions.values()), code, names)

    def stubs(self, **names: Any) -> dict[str, Any]:
        """The names that a student has who filled in nothing, then ``names``."""
        raising = r"\1raise NotImplementedError()"
        return self._execute(
            [SOLUTION.sub(raising, s) for s in self.solutions.values() if "def " in s], "", names
        )

    def run(self, test: str, names: dict[str, Any]) -> Result:
        """Judge a namespace with one tests cell. Raises KeyError for an unknown id."""
        source = self.tests[test]
        submission.connect(submission.Namespace(names))
        visible = _outcome(HIDDEN.sub("", source), names)
        if visible[0] != checks.PASSED or not HIDDEN.search(source):
            return Result(visible[0], visible[1], False, visible[2])
        status, message, score = _outcome(HIDDEN.search(source)[1], {})
        return Result(status, message or visible[1], True, score)

    def _execute(self, cells: list[str], code: str, names: dict[str, Any]) -> dict[str, Any]:
        space: dict[str, Any] = {"__name__": "notebook"}
        for number, cell in enumerate([self.imports, *cells, code]):
            exec(compile(cell, f"<{self.name}, cell {number}>", "exec"), space)
        space.update(names)
        return space


def load(name: str) -> Exercises:
    """Read course/NAME.py, a jupytext percent script."""
    notebook = jupytext.reads((COURSE / f"{name}.py").read_text(encoding="utf-8"), "py:percent")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    plain = [c for c in code if not {"solution", "tests"} & set(c.metadata)]
    return Exercises(
        name,
        "\n".join(_imports(cell.source) for cell in plain),
        {c.metadata["solution"]: c.source for c in code if "solution" in c.metadata},
        {c.metadata["tests"]: c.source for c in code if "tests" in c.metadata},
        {c.metadata["tests"]: int(c.metadata["points"]) for c in code if "tests" in c.metadata},
    )


def _imports(source: str) -> str:
    """The import statements of a cell's top level; magics and the rest are left out."""
    source = re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)
    kept = [s for s in ast.parse(source).body if isinstance(s, (ast.Import, ast.ImportFrom))]
    return "\n".join(ast.unparse(statement) for statement in kept)


def _outcome(source: str, names: dict[str, Any]) -> tuple[str, str, float | None]:
    """Run code whose last expression may be a number, as nbgrader reads a test cell."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    shown, score = io.StringIO(), None
    try:
        with contextlib.redirect_stdout(shown):
            exec(compile(tree, "<tests cell>", "exec"), names)
            if last is not None:
                value = ast.Expression(last.value)
                score = eval(compile(value, "<tests cell>", "eval"), names)
    except AssertionError as error:
        outcome = getattr(error, "outcome", None)
        status = outcome.status if outcome else checks.WRONG
        return status, outcome.message if outcome else str(error), None
    number = isinstance(score, (int, float)) and not isinstance(score, bool)
    return checks.PASSED, shown.getvalue().strip(), float(score) if number else None
