"""What the code of a notebook and of its hidden tests needs: data, weights, and packages.

Kernels behind walls can neither download nor install, so grading first checks what is there.
"""

import ast
import contextlib
import functools
import importlib.util
import re
import sys
import warnings
from collections.abc import Container, Iterable, Iterator

from autograder.text import syntax
from autograder.warm.imports import COLAB, Statement, unguarded

WEIGHTS = "vgg16"  # what `pretrained.load` loads under *quick* and *full*
_MOST_SOURCE = 100_000  # characters of a cell
_MOST_PACKAGES = 200  # of a notebook
# Lines for IPython or the shell; no part can match what the one before it can, so it is fast.
_MAGIC = re.compile(r"^([ \t]{0,80}(?:\w[\w, ]{0,80}= ?)?)[%!].*$", re.MULTILINE)
_WRITTEN = re.compile(r"^%%(?:write)?file\s+(?:-a\s+)?(\w+)\.py", re.MULTILINE)
# Calls that take the name of a data set: the position and the keyword of that argument.
_NAMED = {"data.load": (0, "name"), "submission.heldout": (1, "dataset")}


def of(sources: Iterable[str]) -> tuple[str, ...]:
    """The sorted names of the data sets that these cells load, then `WEIGHTS` if they load them."""
    found: set[str | None] = set()
    for source in sources:
        with contextlib.suppress(SyntaxError):  # a cell that cannot run loads nothing
            found.update(_loaded(syntax.tree(source)))
    named = {name for name in found if name is not None}
    return (*sorted(named - {WEIGHTS}), *(named & {WEIGHTS}))


def lacking(sources: Iterable[str], beside: Container[str] = ()) -> tuple[str, ...]:
    """The sorted names of the packages that these cells import and that are not installed here.

    An import that the notebook itself guards with ``try`` does not count, nor does Colab's module.

    Args:
        sources: The code of the cells.
        beside: The names of the modules beside the notebook.
    """
    found: set[str] = set()
    written: set[str] = set()
    for source in sources:
        written.update(_WRITTEN.findall(source))
        found |= _imported(source)
    elsewhere = sorted(name for name in found - written if name not in beside)
    return tuple(name for name in elsewhere[:_MOST_PACKAGES] if not _is_here(name))


@functools.lru_cache(maxsize=1_000)  # each failed test of a notebook asks again
def _imported(source: str) -> frozenset[str]:
    """The packages that a student's cell imports; none if it cannot run or was made to be slow."""
    if "import" not in source or len(source) > _MOST_SOURCE:
        return frozenset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the student's code
        for code in (source, _MAGIC.sub(r"\1None", source)):
            try:
                statements = unguarded(ast.parse(code))
            except SyntaxError:
                continue
            except (ValueError, RecursionError, MemoryError):
                break
            return frozenset(name for one in statements for name in _packages(one))
    return frozenset()


def _packages(statement: Statement) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        modules = [one.name for one in statement.names]
    else:
        modules = [statement.module or ""] if not statement.level else []
    for module in modules:
        if module and not f"{module}.".startswith(f"{COLAB}."):
            yield module.partition(".")[0]


@functools.lru_cache(maxsize=10_000)
def _is_here(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, OSError, ValueError):  # such as __main__, which has no specification
        return name in sys.modules


def unnamed(source: ast.AST) -> bool:
    """Whether the code loads a data set without giving its name in quotes."""
    return None in _loaded(source)


def _loaded(source: ast.AST) -> Iterator[str | None]:
    for call in ast.walk(source):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        function = ".".join(ast.unparse(call.func).rsplit(".", 2)[-2:])
        if function == "pretrained.load":
            yield WEIGHTS
        elif function == "data.batch_folder":
            yield "cifar10"
        elif function in _NAMED:
            place, word = _NAMED[function]
            given = [k.value for k in call.keywords if k.arg in (word, None)]
            given += call.args[place : place + 1]
            given += [one for one in call.args[:place] if isinstance(one, ast.Starred)]
            yield _text(given[0]) if given else "cifar10"


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
