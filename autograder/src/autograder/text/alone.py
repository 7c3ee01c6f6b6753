"""Whether each exercise is judged on its own, and leaves the student's notebook as it is."""

import ast
import contextlib
from collections.abc import Iterator, Sequence

from autograder.text import syntax
from autograder.text.cells import Cell

# What a hidden block asks of a submission by name.
ASKING = {"value", "values", "call", "calls", "model", "build", "compiled", "seconds"} | {
    "trainings",
    "unchanged",
}


def left_behind(cell: Cell) -> list[str]:
    """The names that a visible check would leave in the student's notebook.

    ``with checks.exercise(...)`` gives back what its lines bind; nothing else does.

    Args:
        cell: A test cell.
    """
    try:
        body = syntax.tree(cell.visible).body
    except SyntaxError:
        return []
    outside = [one for one in body if not _is_exercise(one)]
    rest = ast.unparse(ast.Module(body=outside, type_ignores=[]))
    return sorted(syntax.names(rest).bound)


def _is_exercise(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.With) and any(
        ast.unparse(item.context_expr).startswith("checks.exercise(") for item in statement.items
    )


def of_others(cells: Sequence[Cell | None]) -> Iterator[tuple[int, str, str]]:
    """The answers to other exercises that a check calls for.

    An answer belongs to the first check that asks for it. A test cell right behind another one,
    without an answer between them, may ask for the same.

    Args:
        cells: The parsed code cells of a text, None for each other cell.

    Yields:
        The index of the test cell, the name, and the id of the answer that defines it.
    """
    defined: dict[str, str] = {}
    first: dict[str, int] = {}  # an answer's exercise, as a number
    exercise, answered = 0, False
    for index, cell in enumerate(cells):
        if cell is None:
            continue
        if cell.role == "solution":
            answered = True
            defined |= {name: cell.id for name in syntax.names(cell.source).bound}
        elif cell.is_test:
            exercise += answered
            answered = False
            for name in sorted(_asked(cell) & set(defined)):
                if first.setdefault(defined[name], exercise) != exercise:
                    yield index, name, defined[name]


def _asked(cell: Cell) -> set[str]:
    """The names of the notebook that a test cell reads, in its visible lines or by asking."""
    found: set[str] = set()
    with contextlib.suppress(SyntaxError):
        names = syntax.names(cell.visible)
        found |= (names.read | names.inner) - names.bound
    with contextlib.suppress(SyntaxError):
        for node in ast.walk(ast.parse(cell.hidden)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                first = node.args[:1] if node.func.attr != "values" else node.args
                if node.func.attr in ASKING:
                    found |= {str(a.value) for a in first if isinstance(a, ast.Constant)}
    return found
