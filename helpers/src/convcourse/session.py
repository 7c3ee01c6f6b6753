"""The cells that ran in this session, and how they ended."""

import re
from dataclasses import dataclass

_CELL = re.compile(r"\([^\s()]+, (?=line \d+\)$)")  # as in "invalid syntax (2309.py, line 3)"
_LACKS = re.compile(r"name '(\w+)' is not defined")


@dataclass(frozen=True)
class Ran:
    """A cell that ran in this session: its source, when it ended, and how it failed, if it did.

    ``kind`` is the class of the error, such as ``SyntaxError``.
    """

    source: str
    at: float
    error: str = ""
    kind: str = ""


ran: dict[str, Ran] = {}  # the last run of each source, in order


def named(kind: str, said: str) -> str:
    """Return an error as Python prints it, without the name that IPython gives to a cell's file.

    Args:
        kind: The class of the error; ``""`` leaves it out.
        said: What the error says.
    """
    return ": ".join(part for part in (kind, _CELL.sub("(", said)) if part)


def failed_definition(name: str) -> tuple[str, Ran] | None:
    """Find the cell because of which a name is missing.

    A cell that failed only because it lacks another cell's name is not blamed: that cell is.

    Args:
        name: The name of a function, a class, or a variable.

    Returns:
        The name that the cell should define, and the cell, which ended in an error; None if no
        cell defines the name, or the last one that does ended well.
    """
    found: tuple[str, Ran] | None = None
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        cell = _defining(name)
        if cell is None or not cell.error:
            break
        found = name, cell
        lacks = _LACKS.match(cell.error) if cell.kind == "NameError" else None
        name = lacks[1] if lacks else name
    return found


def _defining(name: str) -> Ran | None:
    word = re.escape(name)
    defines = re.compile(
        rf"^(?:(?:async\s+)?def|class)\s+{word}\b|^{word}\s*(?::[^=\n]*)?=(?!=)", re.MULTILINE
    )
    return next((one for one in reversed(ran.values()) if defines.search(one.source)), None)
