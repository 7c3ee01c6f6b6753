"""Whether a hidden block stands alone: the judge runs it without the notebook and its names."""

import ast
import functools
from collections.abc import Iterator

from autograder.text import syntax

SUBMISSION = "from autograder import submission"
# Built-in functions that reach the notebook's names or files, which belong to the student.
REACHING = {"__import__", "breakpoint", "dir", "eval", "exec", "globals", "input", "locals"} | {
    "open",
    "vars",
}


@functools.lru_cache(maxsize=1_000)  # the server of a course asks before its runs do
def violations(source: str) -> tuple[str, ...]:
    """Why the judge, which does not hold the notebook, cannot run a hidden block.

    Args:
        source: The hidden block, without its marks.

    Returns:
        A sentence for each reason, with its fix.
    """
    return tuple(_violations(source))


def _violations(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        yield f"its hidden block is not valid Python ({error.msg}): it must be complete by itself."
        return
    if SUBMISSION not in imports(tree):
        yield f"its hidden block lacks the line: {SUBMISSION}."
    for name in sorted(syntax.foreign_names(tree)):
        yield (
            f"its hidden block uses the name {name}, which belongs to the notebook: ask "
            f'submission.value("{name}"), submission.model("{name}") or '
            f'submission.call("{name}", ...) for it.'
        )
    for name in sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} & REACHING):
        yield f"its hidden block uses {name}, which bypasses submission: remove it."


def imports(tree: ast.Module) -> list[str]:
    """The import statements of a block, each in one line."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return [ast.unparse(node) for node in nodes]
