"""The code of a cell: its syntax tree, and the names that it binds and reads."""

import ast
import builtins
import functools
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager

COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}  # run in place


@functools.lru_cache(maxsize=1_000)  # many rules read the same cells
def plain(source: str) -> str:
    """A cell's code with its magics written as calls.

    Raises:
        SyntaxError: If a line cannot be read.
    """
    return TransformerManager().transform_cell(source)


def tree(source: str) -> ast.Module:
    """The syntax tree of a cell's code, including magics.

    Raises:
        SyntaxError: If it is not valid Python.
    """
    return ast.parse(plain(source))


def foreign_names(block: ast.Module) -> set[str]:
    """The names that a block reads but neither binds nor finds among the builtins."""
    read: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(block):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            bound |= {node.name} if node.name else set()
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
    return read - bound - set(dir(builtins)) - {"submission"}


@dataclass(frozen=True)
class Names:
    """The names that a cell binds and reads at its top level, and those that its functions read."""

    bound: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    inner: frozenset[str] = frozenset()


def names(source: str) -> Names:
    """The names in a cell's code; none if it is not valid Python."""
    try:
        table = symtable.symtable(plain(source), "cell", "exec")
    except SyntaxError:
        return Names()
    top = table.get_symbols()
    outer: dict[bool, set[str]] = {True: set(), False: set()}  # by whether the scope runs in place
    for scope in _scopes(table):
        found = {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
        outer[scope.get_name() in COMPREHENSIONS] |= found
    return Names(
        frozenset(s.get_name() for s in top if s.is_assigned() or s.is_imported()),
        frozenset({s.get_name() for s in top if s.is_referenced()} | outer[True]),
        frozenset(outer[False]),
    )


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _scopes(child)
