"""Which data sets and weights a notebook and its hidden tests load, by what their code says.

Kernels behind walls download nothing, so grading looks beforehand whether all of it is there.
"""

import ast
import contextlib
from collections.abc import Iterable, Iterator

from autograder.text import syntax

WEIGHTS = "vgg16"  # what `pretrained.load` gives under *quick* and *full*
# How a call ends that takes a data set's name: its place among the arguments, and its keyword.
_NAMED = {"data.load": (0, "name"), "submission.heldout": (1, "dataset")}


def of(sources: Iterable[str]) -> tuple[str, ...]:
    """Names of data sets, in order, then `WEIGHTS` if they are loaded."""
    found: set[str | None] = set()
    for source in sources:
        with contextlib.suppress(SyntaxError):  # a cell that cannot run loads nothing
            found.update(_loaded(syntax.tree(source)))
    found.discard(None)
    return (*sorted(found - {WEIGHTS}), *(found & {WEIGHTS}))


def unnamed(source: ast.AST) -> bool:
    """Whether it loads a data set without saying its name in quotes."""
    return None in _loaded(source)


def _loaded(source: ast.AST) -> Iterator[str | None]:
    for call in ast.walk(source):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        function = ".".join(ast.unparse(call.func).rsplit(".", 2)[-2:])
        if function == "pretrained.load":
            yield WEIGHTS
        elif function in _NAMED:
            place, word = _NAMED[function]
            given = [k.value for k in call.keywords if k.arg in (word, None)]
            given += call.args[place : place + 1]
            given += [one for one in call.args[:place] if isinstance(one, ast.Starred)]
            yield _text(given[0]) if given else "cifar10"


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
