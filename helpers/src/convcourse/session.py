"""The cells that ran in this session, and how they ended."""

import re
from dataclasses import dataclass

_CELL = re.compile(r"\([^\s()]+, (?=line \d+\)$)")  # as in "invalid syntax (2309.py, line 3)"


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


def failed_definition(name: str) -> Ran | None:
    """Find the cell that would have defined a name, had it not failed.

    Args:
        name: The name of a function, a class, or a variable.

    Returns:
        The last cell that ran, defines the name, and ended in an error; None if there is none.
    """
    word = re.escape(name)
    defines = re.compile(
        rf"^(?:(?:async\s+)?def|class)\s+{word}\b|^{word}\s*(?::[^=\n]*)?=(?!=)", re.MULTILINE
    )
    defining = [one for one in ran.values() if defines.search(one.source)]
    return defining[-1] if defining and defining[-1].error else None
