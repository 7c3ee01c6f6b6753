"""What a hidden block asks of a notebook without arguments, read from its code.

Such questions tell the notebook nothing, so they are asked at the check's own place.
"""

import ast
from collections.abc import Iterator

_KINDS = {"value": "values", "values": "values", "model": "model", "compiled": "model"}


def without_arguments(hidden: str) -> list[tuple[str, str | list[str]]]:
    """The kind and the name, or names, of each question that carries no argument.

    Args:
        hidden: The hidden block, without its marks.
    """
    try:
        tree = ast.parse(hidden)
    except SyntaxError:
        return []
    found = {}
    for kind, names in _asked(tree):
        found[kind, *names] = (kind, names if kind == "values" else names[0])
    return list(found.values())


def _asked(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Attribute(ast.Name("submission"), method), args, []):
                constants = [one.value for one in args if isinstance(one, ast.Constant)]
                names = [one for one in constants if isinstance(one, str)]
                several = len(names) == 1 or method == "values"
                if len(names) == len(args) and method in _KINDS and several:
                    yield _KINDS[method], names
