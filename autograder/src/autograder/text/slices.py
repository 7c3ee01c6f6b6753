"""Which cells of a text a check depends on, so that an exercise can run without the whole notebook.

A cell counts if it binds a name that is needed later, or may change the object that such a name
holds. What a cell reads is needed in turn. A hidden block names what it asks for in quotes.
"""

import ast
from collections.abc import Iterable, Sequence

from autograder.text import syntax
from autograder.text.cells import Cell
from autograder.text.operators import SILENT, first_name

SET_UP = "from convcourse import checks, device, hints, notebook\n"
_HARMLESS = {*SILENT, "hints", "len", "checks", "display", "profile", "device"}


def code(cell: Cell) -> str:
    """What a cell of a text runs; the set-up cell of a text is not filled in."""
    return SET_UP if cell.role == "setup" else syntax.plain(cell.source)


def checks_of(cells: Sequence[Cell], solution: int) -> list[int]:
    """Where the checks of a solution are: the next ones, up to the solution that follows them."""
    found: list[int] = []
    for index in range(solution + 1, len(cells)):
        if cells[index].is_test:
            found.append(index)
        elif cells[index].role == "solution" and found:
            break
    return found


def readers(cells: Sequence[Cell], solution: int) -> list[int]:
    """Where checks are that name something that a solution binds."""
    bound = syntax.names(cells[solution].source).bound
    later = range(solution + 1, len(cells))
    return [k for k in later if cells[k].is_test and wanted(cells[k], bound) & bound]


def wanted(test: Cell, known: Iterable[str]) -> set[str]:
    """The names that a check reads: in its visible lines, and in quotes in its hidden block."""
    names = syntax.names(test.visible)
    quoted = {
        node.value
        for node in ast.walk(ast.parse(test.hidden))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return set(names.read | names.inner) | (quoted & set(known))


def before(cells: Sequence[Cell], tests: Iterable[int], solution: int) -> list[int]:
    """Where the cells are that must run for these checks, with the solution, in order."""
    tests = set(tests)
    last = max(tests)
    kept = {solution}
    names = {k: syntax.names(code(cells[k])) for k in range(last) if not cells[k].is_test}
    known = set().union(*(n.bound for n in names.values()))
    needed = set(names[solution].read | names[solution].inner)
    needed = needed.union(*(wanted(cells[k], known) for k in tests))
    found: set[int] = set()
    while True:
        for k in sorted(names, reverse=True):
            binds = names[k].bound & needed
            if k in kept or binds or _may_change(code(cells[k]), needed):
                found.add(k)
                needed |= names[k].read | names[k].inner
        if found == kept:
            return sorted(found)
        kept = set(found)


def _may_change(source: str, needed: set[str]) -> bool:
    """Whether a statement of a cell's own may change what a needed name holds."""
    return any(_changes(s, needed) for s in _statements(ast.parse(source).body))


def _statements(body: Iterable[ast.stmt]) -> Iterable[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            continue
        yield statement
        for inner in ast.iter_child_nodes(statement):
            if isinstance(inner, ast.stmt):
                yield from _statements([inner])


def _changes(statement: ast.stmt, needed: set[str]) -> bool:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if first_name(call.func) in _HARMLESS:
            return False
        parts = [call.func, *call.args, *(k.value for k in call.keywords)]
        return any(first_name(part) in needed for part in parts)
    if isinstance(statement, ast.Assign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        inner = [t for t in targets if isinstance(t, ast.Attribute | ast.Subscript)]
        return any(first_name(target) in needed for target in inner)
    return False
