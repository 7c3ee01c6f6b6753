"""Asks a notebook about checkpoints whose record does not fit their weights, for a person to see.

The answer comes from the student's process. It names what came in a file; code of the notebook
could keep silent about it.
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from autograder.kernel.answers import KernelSource, Notebook
from autograder.pages.sanitize import printable
from convcourse import outcomes
from convcourse.wire import export

LOOK = "The checkpoint {} does not fit its own record: {}."
MOST = 10  # checkpoints


def handed_in(folder: Path) -> bool:
    """Whether weights lie beside the notebook."""
    return any(Path(folder).rglob("*.weights.h5"))


def looks(run: Notebook, tests: Iterable[str]) -> dict[str, str]:
    """Why a person must look at a test cell, by its id: the check after the checkpoint.

    Args:
        run: The notebook, after its last cell.
        tests: The ids of its test cells, in order.
    """
    found: dict[str, str] = {}
    known = list(tests)
    with contextlib.suppress(outcomes.CheckFailed, export.ExportError, TypeError, ValueError):
        for name, words, place in export.from_plain(*KernelSource(run).doubts())[:MOST]:
            cell = place if place in known else known[-1]
            said = LOOK.format(*(_short(one) for one in (name, words)))
            found[cell] = f"{found.get(cell, '')} {said}".strip()
    return found


def _short(words: object) -> str:
    return " ".join(printable(str(words)[:200]).split())
