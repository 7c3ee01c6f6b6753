"""What tells one cell from another: its id, its lines, and the names that it binds."""

import functools
import re
import symtable
import textwrap
from collections import Counter

from nbformat import NotebookNode

MAX_PARSED = 50_000  # characters; a longer cell is a student's own only if its id says so
_MAGIC = re.compile(r"(?m)^([ \t]*)[%!].*$")
_DEFINES = re.compile(r"(?m)^(?:(?:async )?def|class) +(\w+)|^(\w+) *=(?!=)")


def name_of(cell: NotebookNode) -> str:
    """A cell's nbgrader id; empty if it has none."""
    facts = cell.metadata.get("nbgrader")
    name = facts.get("grade_id") if isinstance(facts, dict) else None
    return name if isinstance(name, str) else ""


@functools.lru_cache(maxsize=2_000)
def bound(source: str) -> frozenset[str]:
    """The names that a cell binds, without imports.

    Where code cannot be read, these are the names that its lines begin with.
    """
    code = textwrap.dedent(source)
    table = _symbols(code)
    if table is None:
        found = (name for pair in _DEFINES.findall(code[:MAX_PARSED]) for name in pair)
        return frozenset(name for name in found if name)
    symbols = table.get_symbols()
    return frozenset(s.get_name() for s in symbols if s.is_assigned() and not s.is_imported())


@functools.lru_cache(maxsize=2_000)
def is_python(source: str) -> bool:
    """Whether a text can be read as Python."""
    return _symbols(textwrap.dedent(source)) is not None


def _symbols(code: str) -> symtable.SymbolTable | None:
    """The symbols of code; None if it cannot be read.

    IPython's own way of reading magics takes too long on what a student could prepare.
    """
    try:
        if len(code) <= MAX_PARSED:
            return symtable.symtable(_MAGIC.sub(r"\1pass", code), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    return None


@functools.lru_cache(maxsize=2_000)
def plain(text: str) -> str:
    """A text without blank lines and without spaces at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def likeness(one: str, other: str) -> float:
    """The share of lines that two texts have in common, of all lines of both."""
    lines, others = (Counter(plain(text).split("\n")) for text in (one, other))
    common = sum((lines & others).values())
    return 2 * common / (sum(lines.values()) + sum(others.values()))


def extra(text: str, original: str) -> str:
    """What a student's text has beyond the original."""
    if original.strip() and original.strip() in text:
        return text.replace(original.strip(), "", 1).strip("\n")
    known = Counter(line.rstrip() for line in original.splitlines())
    found = []
    for line in text.splitlines():
        if known[line.rstrip()] > 0:
            known[line.rstrip()] -= 1
        else:
            found.append(line)
    return textwrap.dedent("\n".join(found)).strip("\n")
