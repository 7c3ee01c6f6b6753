"""The judge's view of a student's work: values, models and calls, as data.

A hidden test block imports this module and nothing else. The work comes from a *source*: in a
notebook's own kernel (stock nbgrader) this is the namespace of that kernel, under `autograder
grade` the student's kernel behind its walls. Both export through `convcourse.wire`, so only plain
data arrives here, and honest work gets the same verdict.
"""

import functools
import inspect
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from autograder import course
from autograder.judge.heldout import images as heldout
from autograder.judge.networks import accuracy, is_cross_entropy, predict, rebuild
from autograder.judge.source import current, note
from convcourse import checks as _checks
from convcourse import profile
from convcourse.wire import export

__all__ = [
    "accuracy",
    "build",
    "call",
    "calls",
    "checks",
    "compiled",
    "heldout",
    "is_cross_entropy",
    "model",
    "note",
    "np",
    "predict",
    "seconds",
    "threshold",
    "value",
    "values",
]


class _Hidden:
    """`convcourse.checks` for hidden blocks: its messages never quote a value of a hidden case."""

    def __getattr__(self, name: str) -> Any:
        member = getattr(_checks, name)
        if not inspect.isfunction(member):
            return member

        @functools.wraps(member)
        def check(*args: Any, **kwargs: Any) -> Any:
            with _checks.without_values():
                return member(*args, **kwargs)

        return check


checks = _Hidden()


def value(name: str) -> Any:
    """The plain value of a name in the notebook.

    Raises:
        checks.NotAttempted: If the notebook does not define the name.
        checks.Wrong: If its value is not plain data.
    """
    return values(name)[0]


def values(*names: str) -> list:
    """The values of several names, in one request; see `value`."""
    try:
        found = _value(", ".join(names), current().values(list(names)))
    except _checks.CheckFailed:
        if len(names) == 1:
            raise
        return [value(name) for name in names]  # one of them fails again, with its own message
    whole = isinstance(found, list) and len(found) == len(names)
    _checks.that(whole, f"{', '.join(names)}: the data is malformed.")
    return found


def call(name: str, *args: Any, **kwargs: Any) -> Any:
    """What the student's function returns for these plain arguments.

    Raises:
        checks.NotAttempted: If the function is not written yet.
        checks.StudentError: If it raises; with the student's exception and line.
        checks.Wrong: If its result is not plain data.
    """
    return calls(name, [args], **kwargs)[0]


def calls(name: str, cases: Iterable[Sequence], **kwargs: Any) -> list:
    """What the student's function returns for each of these tuples of arguments, in order.

    The same as one `call` per case, with ``kwargs`` each time, but in a single request. The first
    case that fails ends them all; see `call` for what it raises.

    Args:
        name: The function.
        cases: The positional arguments of each call.
        **kwargs: Keyword arguments of every call.
    """
    asked = [[list(args), kwargs] for args in cases]
    results = _value(name, current().call(name, export.to_plain(asked)))
    # A student who forges answers could leave out the wrong ones.
    whole = isinstance(results, list) and len(results) == len(asked)
    _checks.that(whole, f"{name}: the data is malformed.")
    return results


def model(name: str) -> Any:
    """A Keras model of the notebook, rebuilt from its layers and weights; not compiled.

    Until the student's model changes, each call returns the same object, so never modify it.

    Raises:
        checks.NotAttempted: If the notebook does not define the name.
        checks.Wrong: If it is not a model of built-in layers.
    """
    return rebuild(name, current().model(name, None))


def build(name: str, *args: Any, **kwargs: Any) -> Any:
    """The Keras model that a function returns for these arguments, rebuilt; see `model`."""
    return rebuild(name, current().model(name, _pack(args, kwargs)))


def compiled(name: str) -> dict:
    """Compile settings of a model of the notebook: optimizer, learning_rate, loss, metrics.

    Raises:
        checks.Wrong: If the model is not compiled.
    """
    settings = current().model(name, None)[0].get("compiled") or {}
    _checks.that(settings, f"{name} is not compiled: call {name}.compile(...) before training.")
    return settings


def threshold(key: str) -> float:
    """The calibrated threshold of course.toml under the current profile."""
    return course.load().threshold(key, profile.current().name)


def seconds(name: str, *args: Any, **kwargs: Any) -> float:
    """Seconds that one call of the student's function takes, including transport."""
    start = time.perf_counter()
    call(name, *args, **kwargs)
    return time.perf_counter() - start


def _pack(args: tuple, kwargs: dict) -> tuple[Any, list]:
    return export.to_plain([list(args), kwargs])


def _value(name: str, plain: tuple[Any, list]) -> Any:
    try:
        return export.from_plain(*plain)
    except export.ExportError as error:
        raise _checks.Wrong(f"{name}: {error}.") from None
