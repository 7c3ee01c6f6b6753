"""Runs one hidden block in this process: the one way in which hidden tests become a verdict."""

import ast
import contextlib
import io
from typing import Any

import numpy as np

from autograder.judge import source
from autograder.judge.verdict import Verdict
from convcourse import outcomes


def evaluate(code: str) -> Verdict:
    """Run a hidden block; its last expression may be a number, as nbgrader reads a test cell.

    Whatever it raises is a verdict. Where the submission comes from says `autograder.judge.source`.
    """
    source.take_notes()  # of a block before, which may have ended in an error
    names: dict[str, Any] = {"__name__": "hidden"}
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(tree, "hidden", "exec"), names)
            expression = ast.Expression(last.value) if last else None
            score = eval(compile(expression, "hidden", "eval"), names) if last else None
    except outcomes.CheckFailed as failed:
        return Verdict(failed.outcome.status, failed.outcome.message, detail=failed.detail)
    except AssertionError as error:
        return Verdict(outcomes.WRONG, str(error) or "A hidden check did not pass.")
    except MemoryError:
        return Verdict(outcomes.ERROR, "The hidden checks used more memory than allowed.")
    except Exception as error:  # a fault of the checks: never shown with a hidden value or line
        kind = type(error).__name__
        return Verdict(outcomes.ERROR, f"A hidden check ended in {kind}.", detail=_text(error))
    if isinstance(score, np.ndarray):  # what was compared were arrays, so nothing was counted
        return Verdict(outcomes.WRONG, "A result is an array where one value is expected.")
    number = isinstance(score, (int, float, np.number)) and not isinstance(score, bool)
    points = float(score) if number else None
    return Verdict(outcomes.PASSED, score=points, notes=source.take_notes())


def _text(error: Exception) -> str:
    with contextlib.suppress(Exception):
        return str(error)[:2_000]
    return ""
