"""Imports in a grading kernel: Colab's own module, and packages that the grader does not have.

An import that would end a cell binds a stand-in instead, and the cell goes on. Colab's stand-in
does nothing and says so. That of another package raises when something uses it, and names it.
An import inside ``try`` with a handler for it stays as it is: the notebook has its own answer.
"""

import ast
import builtins
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

COLAB = "google.colab"
_NAME = "__absent__"  # what a rewritten import calls, among the builtins
_OWN = __name__.partition(".")[0]  # the grader has it, but not for notebooks
_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_RESULTS: dict[str, Any] = {f"{COLAB}.files.upload": {}, f"{COLAB}.userdata.get": ""}

Statement = ast.Import | ast.ImportFrom


def sentence(package: str) -> str:
    """What a student reads where a notebook uses a package that the grader does not have."""
    return f"This notebook imports {package}, which the grader does not have."


class Absent:
    """Stands for a package that is missing, or for something from it; every use raises."""

    def __init__(self, package: str) -> None:
        self._package = package

    def _raise(self, *_: Any, **__: Any) -> NoReturn:
        raise ModuleNotFoundError(sentence(self._package), name=self._package)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # a question about the object, such as how to display it
            raise AttributeError(name)
        self._raise()

    def __repr__(self) -> str:
        return f"<{self._package}, which the grader does not have>"

    __call__ = __getitem__ = __iter__ = __enter__ = __mro_entries__ = _raise


class Colab:
    """Stands for `google.colab` and everything in it; a call does nothing and says so."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> "Colab":
        if name.startswith("_"):
            raise AttributeError(name)
        return Colab(f"{self._path}.{name}")

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Say that nothing happened, and return what a notebook can go on with."""
        print(f"{self._path} does nothing while a notebook is graded.")
        return _RESULTS.get(self._path)

    def __repr__(self) -> str:
        return f"<{self._path}, which does nothing while a notebook is graded>"


def stand_in(error: ImportError, module: str, name: str = "") -> Absent | Colab:
    """What a failed import binds.

    Args:
        error: Why the import failed.
        module: The imported module, in full.
        name: What is imported from it; empty for the module itself.

    Raises:
        ImportError: The given error, if the package is there and only a part of it is not.
    """
    path = f"{module}.{name}" if name else module
    if f"{path}.".startswith(f"{COLAB}."):
        return Colab(path)
    package = module.partition(".")[0]
    if f"{error.name}.".startswith(f"{COLAB}.") and package == "google":
        return Colab(package)  # import google.colab binds google
    if isinstance(error, ModuleNotFoundError) and error.name == package != _OWN:
        return Absent(package)
    raise error


class StandIns(ast.NodeTransformer):
    """Rewrites the imports of a cell so that `stand_in` says what a failed one binds."""

    def __init__(self, rewrite: Callable[[Statement], Any] | None = None) -> None:
        self._rewrite = rewrite or _with_stand_in
        if rewrite is None:
            setattr(builtins, _NAME, stand_in)

    def visit_Import(self, node: ast.Import) -> Any:
        return self._rewrite(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        return self._rewrite(node)

    def visit_Try(self, node: ast.Try) -> ast.Try:
        if not any(_catches(handler.type) for handler in node.handlers):
            return self.generic_visit(node)  # type: ignore[return-value]
        parts: tuple[list[Any], ...] = (node.handlers, node.orelse, node.finalbody)
        for part in parts:
            part[:] = self._each(part)
        return node

    def visit_With(self, node: ast.With) -> ast.With:
        if any("suppress" in ast.unparse(item.context_expr) for item in node.items):
            return node
        return self.generic_visit(node)  # type: ignore[return-value]

    def _each(self, nodes: list) -> Iterator[ast.AST]:
        for node in nodes:
            done = self.visit(node)
            yield from done if isinstance(done, list) else [done]


def unguarded(tree: ast.AST) -> list[Statement]:
    """The imports of a cell that end it if they fail."""
    found: list[Statement] = []

    def keep(node: Statement) -> Statement:
        found.append(node)
        return node

    StandIns(keep).visit(tree)
    return found


def _catches(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or ast.unparse(one).rpartition(".")[2] in _CAUGHT for one in kinds)


def _with_stand_in(node: Statement) -> Statement | list[ast.stmt]:
    if isinstance(node, ast.Import):
        return [_guarded(ast.Import([one]), node, [_from_module(one)]) for one in node.names]
    if node.level or node.module in (None, "__future__") or node.names[0].name == "*":
        return node
    bound = [f"{n.asname or n.name} = {_call(node.module, n.name)}" for n in node.names]
    return [_guarded(node, node, bound)]


def _from_module(one: ast.alias) -> str:
    package = one.name.partition(".")[0]
    name, module = (one.asname, one.name) if one.asname else (package, package)
    return f"{name} = {_call(module)}"


def _call(*path: str | None) -> str:
    return f"{_NAME}({_NAME}error, {', '.join(map(repr, path))})"


def _guarded(statement: ast.stmt, place: ast.stmt, bound: list[str]) -> ast.stmt:
    code = [f"try: pass\nexcept ImportError as {_NAME}error:", *(f"    {line}" for line in bound)]
    made = ast.parse("\n".join(code)).body[0]
    assert isinstance(made, ast.Try)
    made.body = [statement]
    for node in ast.walk(made):
        if "lineno" in node._attributes:
            ast.copy_location(node, place)
    return made
