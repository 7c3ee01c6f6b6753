"""Verdicts of test cells that run whole in the student's kernel, as under stock nbgrader.

What the kernel says decides here, and student code can forge it. docs/security.md says what
``--hidden in-kernel`` gives up.
"""

import contextlib
import re
from typing import Any

from nbformat import NotebookNode

from autograder.judge.verdict import Verdict
from autograder.pages.sanitize import bounded
from convcourse import outcomes

_NUMPY = re.compile(r"np\.\w+\((.+)\)")  # how NumPy 2 shows its numbers


def number(cell: NotebookNode) -> float | None:
    """The number that a cell's last expression shows, which nbgrader takes for the points."""
    shown = None
    for one in cell.outputs:
        data = one.get("data")
        if one.get("output_type") == "execute_result" and isinstance(data, dict):
            text = str(data.get("text/plain"))
            with contextlib.suppress(ValueError):
                shown = float(_NUMPY.sub(r"\1", text))
    return shown


def verdict(reply: dict[str, Any], shown: float | None, source: str) -> Verdict:
    """The verdict of a test cell from the kernel's reply to all of its lines.

    Args:
        reply: The content of the kernel's reply.
        shown: The cell's `number`.
        source: The cell with its hidden tests. A message reaches the student only if it stands
            there as it is; any other message could quote a hidden value.
    """
    if reply.get("status") == "ok":
        return Verdict(outcomes.PASSED, score=shown)
    ename = str(reply.get("ename"))
    words = bounded(reply.get("evalue", "The cell was not run."), 2_000).strip()
    if ename in ("NotAttempted", "NotImplementedError"):
        return Verdict(outcomes.NOT_ATTEMPTED, "The exercise still raises NotImplementedError.")
    if ename == "NameError":
        return Verdict(outcomes.ERROR, "The tests use a name that does not exist.", detail=words)
    wrong = ename in ("AssertionError", "Wrong")
    status = outcomes.WRONG if wrong else outcomes.ERROR
    if wrong and words and words in source:
        return Verdict(status, words)
    kind = "A test did not pass." if wrong else "A test ended in an error."
    return Verdict(status, kind, detail=f"{ename}: {words}")
