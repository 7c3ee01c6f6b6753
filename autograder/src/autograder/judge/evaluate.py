"""Runs one hidden block in this process; only this module turns hidden tests into a verdict."""

import ast
import contextlib
import errno
import io
from typing import Any

import numpy as np

from autograder.judge import source
from autograder.judge.verdict import Verdict
from convcourse import outcomes

# A full disk or too many open files: the judge holds no student code, so the machine is at fault.
_MACHINE = "ENOSPC EDQUOT EROFS EIO EMFILE ENFILE ENOBUFS EAGAIN"


class Broken(Exception):
    """What this machine lacks, so that a hidden block cannot be judged here."""


def evaluate(code: str) -> Verdict:
    """Run a hidden block against the submission of `autograder.judge.source`.

    Args:
        code: The block. Its last expression may be a number of points, as in nbgrader.

    Returns:
        The verdict; any exception of the block becomes one.

    Raises:
        Broken: If the machine is at fault.
    """
    (
        source.take_notes(),
        source.take_missing(),
        source.take_looks(),
    )  # of an earlier block, which may have failed
    names: dict[str, Any] = {"__name__": "hidden"}
    tree = ast.parse(code)
    last: ast.Expression | None = None
    if tree.body and isinstance(end := tree.body[-1], ast.Expr):
        last = ast.Expression(end.value)
        tree.body.pop()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(tree, "hidden", "exec"), names)
            score = eval(compile(last, "hidden", "eval"), names) if last else None
    except outcomes.CheckFailed as failed:
        return Verdict(failed.outcome.status, failed.outcome.message, detail=failed.detail)
    except AssertionError as error:
        return Verdict(outcomes.WRONG, str(error) or "A hidden check did not pass.")
    except MemoryError:
        return Verdict(outcomes.ERROR, "The hidden checks used more memory than allowed.")
    except OSError as error:
        if errno.errorcode.get(error.errno or 0) in _MACHINE.split():
            raise Broken(error.strerror) from None
        return _ended(error)
    except Exception as error:
        return _ended(error)
    if isinstance(score, np.ndarray):  # the block compared arrays, so it counted nothing
        return Verdict(outcomes.WRONG, "A result is an array where one value is expected.")
    points: float | None = None
    if isinstance(score, int | float | np.number) and not isinstance(score, bool):
        points = float(score)
    lacks, notes, look = source.take_missing(), source.take_notes(), source.take_looks()
    return Verdict(outcomes.PASSED, lacks, score=points, notes=notes, look=look)


def _ended(error: Exception) -> Verdict:
    """The verdict of an error in the checks, whose text may quote hidden values."""
    kind = type(error).__name__
    return Verdict(outcomes.ERROR, f"A hidden check ended in {kind}.", detail=_text(error))


def _text(error: Exception) -> str:
    with contextlib.suppress(Exception):
        return str(error)[:2_000]
    return ""
