"""Mutants of a reference solution: the same cell with one small fault.

Only lines between the marks of a solution change, because students get the others. A mutant's id
names the solution, the operator and a hash of the changed lines, so it outlives other changes of
the text.
"""

import ast
import builtins
import copy
import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from autograder.text import syntax
from autograder.text.cells import SOLUTION, Cell
from autograder.text.operators import OPERATORS, is_number, is_silent

IGNORED = "ignored argument"
MOST_VALUES = 3  # in the place of one ignored argument


@dataclass(frozen=True)
class Mutant:
    """A solution with one fault.

    Attributes:
        id: Its name, stable as long as the changed lines are the same.
        operator: What kind of fault it has.
        source: The whole cell.
        change: The lines before and after, in one line.
    """

    id: str
    operator: str
    source: str
    change: str


def mutants(cell: Cell, others: Iterable[str] = ()) -> list[Mutant]:
    """All mutants of a solution cell, in the order of the text, each different from all others.

    Args:
        cell: The solution.
        others: The code of other cells of the text, whose calls tell which values an argument has
            where students see it. A mutant ignores the argument and takes such a value.
    """
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:
        return []
    known = {ast.dump(tree)}
    made: list[Mutant] = []
    counts: Counter[str] = Counter()
    for operator, source in _sources(cell.source, tree, list(others)):
        try:
            dump = ast.dump(ast.parse(source))
            compile(source, "<mutant>", "exec")
        except (SyntaxError, ValueError):
            continue
        if dump in known:
            continue
        known.add(dump)
        change = _change(cell.source, source)
        words = f"{operator}: {change}".replace("'", '"')
        counts[words] += 1
        digest = hashlib.sha256(f"{words} {counts[words]}".encode()).hexdigest()[:8]
        name = f"{cell.id}/{operator.replace(' ', '-')}/{digest}"
        made.append(Mutant(name, operator, source, change))
    return made


def _sources(source: str, tree: ast.Module, others: list[str]) -> Iterator[tuple[str, str]]:
    lines = _solution_lines(source)
    for node in _nodes(tree):
        for name, operator in OPERATORS.items():
            for old, new in operator(node):
                if _within(old, lines) and (made := _replaced(source, tree, old, new)):
                    yield name, made
    yield from ((IGNORED, one) for one in _ignoring(source, tree, lines, others))


def _solution_lines(source: str) -> set[int]:
    """The numbers of the lines between the marks."""
    found, inside = set(), False
    for number, line in enumerate(source.split("\n"), start=1):
        if f"BEGIN {SOLUTION}" in line or f"END {SOLUTION}" in line:
            inside = "BEGIN" in line
        elif inside:
            found.add(number)
    return found


def _within(node: ast.AST, lines: set[int]) -> bool:
    if not isinstance(node, ast.expr | ast.stmt):
        return False
    return lines.issuperset(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node whose change a check could see; not what a message says or a figure shows."""
    for child in ast.iter_child_nodes(tree):
        if is_silent(child) or isinstance(child, ast.JoinedStr | ast.arg):
            continue
        yield child
        if not isinstance(child, ast.Raise | ast.Assert) and not is_number(child):
            yield from _nodes(child)


def _replaced(source: str, tree: ast.Module, old: ast.AST, new: ast.AST) -> str:
    """The source with a node's text replaced; in parentheses if it would be read otherwise."""
    want = ast.dump(_Replace(old, new).visit(copy.deepcopy(tree, _keeping(old))))
    text = ast.unparse(ast.fix_missing_locations(new))
    start, end = _span(source, old)
    raw = source.encode()
    for form in (text, f"({text})"):
        made = (raw[:start] + form.encode() + raw[end:]).decode()
        try:
            if ast.dump(ast.parse(made)) == want:
                return made
        except SyntaxError:
            continue
    return ""


def _keeping(node: ast.AST) -> dict[int, ast.AST]:
    """A memo for deepcopy, which then does not copy this node."""
    return {id(node): node}


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def _span(source: str, node: Any) -> tuple[int, int]:
    """Where a node's text begins and ends, in bytes."""
    starts = [0]
    for line in source.encode().split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    begin = starts[node.lineno - 1] + node.col_offset
    return begin, starts[node.end_lineno - 1] + node.end_col_offset


def _ignoring(source: str, tree: ast.Module, lines: set[int], others: list[str]) -> Iterator[str]:
    """Functions that take a fixed value in the place of one of their arguments."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        body = [s for s in node.body if not _is_docstring(s)]
        if not body or body[0].lineno not in lines:
            continue
        first = body[0].lineno
        decorators = getattr(body[0], "decorator_list", [])
        first = min([first, *(one.lineno for one in decorators)])
        for parameter in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            if parameter.arg in ("self", "cls") or not _is_read(node, parameter.arg):
                continue
            for value in _values(node, parameter.arg, others):
                new = f"{' ' * body[0].col_offset}{parameter.arg} = {value}"
                rows = source.split("\n")
                yield "\n".join([*rows[: first - 1], new, *rows[first - 1 :]])


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_read(node: ast.FunctionDef, name: str) -> bool:
    reads = (n for s in node.body for n in ast.walk(s) if isinstance(n, ast.Name))
    return any(n.id == name and isinstance(n.ctx, ast.Load) for n in reads)


def _values(node: ast.FunctionDef, parameter: str, others: list[str]) -> list[str]:
    """What may stand in an argument's place: its default, and what calls in the text give it."""
    found = []
    if (default := _default(node, parameter)) is not None:
        found.append(ast.unparse(default))
    place = [a.arg for a in [*node.args.posonlyargs, *node.args.args]]
    known = set().union(*(syntax.names(one).bound for one in others)) | set(dir(builtins))
    for call in _calls(node.name, others):
        given: list[ast.expr] = [k.value for k in call.keywords if k.arg == parameter]
        if parameter in place:
            given += call.args[place.index(parameter) :][:1]
        for value in given:
            names = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
            if names <= known - {parameter} and not isinstance(value, ast.Starred):
                found.append(ast.unparse(value))
    return list(dict.fromkeys(found))[:MOST_VALUES]


def _default(node: ast.FunctionDef, parameter: str) -> ast.expr | None:
    args = [*node.args.posonlyargs, *node.args.args]
    missing: list[ast.expr | None] = [None] * (len(args) - len(node.args.defaults))
    values = [*missing, *node.args.defaults, *node.args.kw_defaults]
    names = [one.arg for one in [*args, *node.args.kwonlyargs]]
    return dict(zip(names, values, strict=True)).get(parameter)


def _calls(name: str, others: list[str]) -> Iterator[ast.Call]:
    for other in others:
        try:
            tree = syntax.tree(other)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name:
                yield node


def _change(before: str, after: str) -> str:
    """The lines that differ, without their indentation."""
    old, new = (text.split("\n") for text in (before, after))
    gone, come = [], []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            gone += [line.strip() for line in old[a:b]]
            come += [line.strip() for line in new[c:d]]
    return f"{_short(gone)} → {_short(come)}" if gone else f"+ {_short(come)}"


def _short(lines: list[str]) -> str:
    return " ".join(lines) if len(lines) < 4 else f"{lines[0]} … {lines[-1]}"
