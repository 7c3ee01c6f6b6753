"""Small faults that people make, as changes of one node of a syntax tree.

An operator takes a node and yields pairs: a node, which is that node or a part of it, and what may
stand in its place. cosmic-ray has such operators too,
but it installs an HTTP server and a Git client with them, tries every arithmetic operator in the
place of every other, and knows none of the faults that half an answer has: an argument ignored,
swapped or left out, a step too few, ``int`` for ``round``, a sign lost.
"""

import ast
import copy
from collections.abc import Callable, Iterator

Changes = Iterator[tuple[ast.AST, ast.AST]]
Operator = Callable[[ast.AST], Changes]

ARITHMETIC: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
}
# The neighbor first, then the opposite.
COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_PAIRS = """
    max min, maximum minimum, argmax argmin, amax amin, sum mean, any all, ceil floor, std var,
    zeros ones, zeros_like ones_like, int round, relu sigmoid, softmax sigmoid,
    MaxPooling2D AveragePooling2D, hstack vstack, cos sin
"""
FUNCTIONS = {a: b for pair in _PAIRS.split(",") for a, b in [pair.split()]}
FUNCTIONS = {b: a for a, b in FUNCTIONS.items()} | FUNCTIONS | {"median": "mean", "rint": "floor"}
TEXTS = {
    "same": "valid",
    "valid": "same",
    "relu": "linear",
    "softmax": "sigmoid",
    "sigmoid": "softmax",
    "linear": "relu",
    "adam": "sgd",
    "sgd": "adam",
    "accuracy": "loss",
    "val_accuracy": "accuracy",
    "val_loss": "loss",
    "loss": "val_loss",
    "sparse_categorical_crossentropy": "categorical_crossentropy",
    "categorical_crossentropy": "mse",
}
# Calls that may be forgotten: what they are called on, or their argument, stands in their place.
_UNARY = "abs absolute round sorted sqrt square exp log rint copy astype reversed"
FORGOTTEN = frozenset(_UNARY.split())
# Keyword arguments that may have any value: the name of a layer, what a training prints.
UNSEEN = {"name", "verbose"}
WHOLE = {"argmax", "argmin", "prod", "len"}  # functions whose results need no rounding
SILENT = {"print", "plt", "ax", "axes", "fig", "figure", "plots"}  # no check looks at what they do


def arithmetic(node: ast.AST) -> Changes:
    """Another operator, and one operand alone; the absolute value of a difference."""
    if isinstance(node, ast.BinOp):
        kind = ARITHMETIC.get(type(node.op))
        if kind is not None and not _is_text(node):
            yield node, ast.BinOp(node.left, kind(), node.right)
            yield node, node.left
        if isinstance(node.op, ast.Sub) and not is_number(node.left) and not is_number(node.right):
            yield node, ast.Call(ast.Name("abs", ast.Load()), [node], [])
    elif isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC:
        yield node, ast.AugAssign(node.target, ARITHMETIC[type(node.op)](), node.value)
        yield node, ast.Assign([node.target], node.value)
    elif isinstance(node, ast.UnaryOp) and not is_number(node):
        yield node, node.operand


def comparison(node: ast.AST) -> Changes:
    """The neighboring comparison, and the opposite one."""
    if not isinstance(node, ast.Compare):
        return
    for k, op in enumerate(node.ops):
        for kind in COMPARISONS[type(op)]:
            yield node, _with(node, ops=[*node.ops[:k], kind(), *node.ops[k + 1 :]])


def condition(node: ast.AST) -> Changes:
    """A condition negated, always true, never true; one of two conditions forgotten."""
    if isinstance(node, ast.If | ast.IfExp):
        yield from _other_tests(node.test)
    elif isinstance(node, ast.While):
        yield node.test, ast.Constant(False)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield node, ast.BoolOp(other, node.values)
        for k in range(len(node.values)):
            left = node.values[:k] + node.values[k + 1 :]
            yield node, left[0] if len(left) == 1 else ast.BoolOp(node.op, left)
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        for test in (test for part in node.generators for test in part.ifs):
            yield from _other_tests(test)


def _other_tests(test: ast.expr) -> Changes:
    if not isinstance(test, ast.Compare):  # `comparison` has the opposite of those
        yield test, ast.UnaryOp(ast.Not(), test)
    yield test, ast.Constant(True)
    yield test, ast.Constant(False)


def constant(node: ast.AST) -> Changes:
    """Numbers beside a number, the other truth value, another of a set of known words."""
    if is_number(node):
        value = ast.literal_eval(node)
        beside = (value + 1, value - 1) if isinstance(value, int) else (2 * value or 1.0, 0.0)
        yield from ((node, _number(other)) for other in beside if other != value)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield node, ast.Constant(not node.value)
        elif isinstance(node.value, str) and node.value in TEXTS:
            yield node, ast.Constant(TEXTS[node.value])


def step(node: ast.AST) -> Changes:
    """One step too few or too many in a range or a slice, where its end is no plain number."""
    ends: list[ast.expr | None] = []
    if isinstance(node, ast.Slice):
        ends = [node.lower, node.upper]
    elif isinstance(node, ast.Call) and _last_name(node.func) == "range":
        ends = [*node.args[:2]]
    for end in ends:
        if end is not None and not is_number(end):
            yield end, ast.BinOp(end, ast.Sub(), ast.Constant(1))
            yield end, ast.BinOp(end, ast.Add(), ast.Constant(1))


def arguments(node: ast.AST) -> Changes:
    """Two neighboring arguments swapped, a keyword argument left out."""
    if not isinstance(node, ast.Call):
        return
    for k in range(len(node.args) - 1):
        first, second = node.args[k : k + 2]
        if not isinstance(first, ast.Starred) and not isinstance(second, ast.Starred):
            yield node, _with(node, args=[*node.args[:k], second, first, *node.args[k + 2 :]])
    for k, keyword in enumerate(node.keywords):
        if keyword.arg not in UNSEEN:
            yield node, _with(node, keywords=node.keywords[:k] + node.keywords[k + 1 :])


def function(node: ast.AST) -> Changes:
    """A related function in the place of the one that is called, or the call forgotten."""
    if not isinstance(node, ast.Call):
        return
    name = _last_name(node.func)
    whole = any(isinstance(a, ast.Call) and _last_name(a.func) in WHOLE for a in node.args)
    if (other := FUNCTIONS.get(name)) and not (name == "int" and whole):
        if isinstance(node.func, ast.Name):
            yield node.func, ast.Name(other, ast.Load())
        else:
            yield node.func, _with(node.func, attr=other)
    if name in FORGOTTEN:
        if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
            yield node, node.func.value
        elif node.args:
            yield node, node.args[0]


def statement(node: ast.AST) -> Changes:
    """A statement left out; a loop that ends early or does not end early."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Return | ast.For | ast.Delete):
        yield node, ast.Pass()
    elif isinstance(node, ast.Assign):
        parts = all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets)
        if parts or _reads_its_target(node):
            yield node, ast.Pass()
    elif isinstance(node, ast.Break):
        yield node, ast.Continue()
    elif isinstance(node, ast.Continue):
        yield node, ast.Break()


def _reads_its_target(node: ast.Assign) -> bool:
    """Whether a statement like ``x = x / 255`` updates a name, so that it can be left out."""
    bound = {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return any(isinstance(n, ast.Name) and n.id in bound for n in ast.walk(node.value))


OPERATORS: dict[str, Operator] = {
    "arithmetic": arithmetic,
    "comparison": comparison,
    "condition": condition,
    "constant": constant,
    "step": step,
    "arguments": arguments,
    "function": function,
    "statement": statement,
}


def is_silent(node: ast.AST) -> bool:
    """Whether a node is nothing that a check could look at: a printed line, a drawing, a name."""
    if isinstance(node, ast.keyword):
        return node.arg in UNSEEN
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return first_name(node.value.func) in SILENT
    return False


def _with(node: ast.AST, **fields: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _number(value: int | float) -> ast.expr:
    return ast.parse(repr(value), mode="eval").body


def is_number(node: ast.AST) -> bool:
    """Whether a node is a number as written, with its sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    )


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )


def _is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "tf", "keras", "ops", "math")


def _last_name(func: ast.AST) -> str:
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def first_name(node: ast.AST) -> str:
    """The name that an expression such as ``ax.lines[0].set(...)`` begins with, or nothing."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "id", "")
