"""The judge's view of a student's work: values, models and calls, as data.

A hidden test block imports this module and nothing else. Where the work is asked for it comes
from a *source*: in a notebook's own kernel (stock nbgrader) the namespace of that kernel, under
`autograder grade` the student's kernel behind its walls. Both export through `convcourse.wire`,
so that only plain data arrives here, and the verdict on honest work is the same.
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
    """`convcourse.checks` for hidden blocks: its messages quote no value of a hidden case."""

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
    """The plain value of a name in the notebook. Raises `checks.NotAttempted` without one."""
    return values(name)[0]


def values(*names: str) -> list:
    """What `value` gives for each of these names, asked for at once."""
    try:
        found = _value(", ".join(names), current().values(list(names)))
    except _checks.CheckFailed:
        if len(names) == 1:
            raise
        return [value(name) for name in names]  # one of them fails again, in its own words
    whole = isinstance(found, list) and len(found) == len(names)
    _checks.that(whole, f"{', '.join(names)}: the data is malformed.")
    return found


def call(name: str, *args: Any, **kwargs: Any) -> Any:
    """What the student's function returns for these plain arguments.

    Raises `checks.NotAttempted`, `checks.StudentError` (their exception, with their line) or
    `checks.Wrong` when the result is no plain data.
    """
    return calls(name, [args], **kwargs)[0]


def calls(name: str, cases: Iterable[Sequence], **kwargs: Any) -> list:
    """What the student's function returns for each of these tuples of arguments, in their order.

    As so many times `call`, with ``kwargs`` each time, but asked for at once, which saves the way
    there and back. The first case that fails ends them all.
    """
    asked = [[list(args), kwargs] for args in cases]
    results = _value(name, current().call(name, export.to_plain(asked)))
    # Whoever writes answers of their own could leave out those that are wrong.
    whole = isinstance(results, list) and len(results) == len(asked)
    _checks.that(whole, f"{name}: the data is malformed.")
    return results


def model(name: str) -> Any:
    """A Keras model of the notebook, rebuilt from its layers and weights; not compiled.

    As long as nothing about it changes, it is the same object each time: ask it, never change it.
    """
    return rebuild(name, current().model(name, None))


def build(name: str, *args: Any, **kwargs: Any) -> Any:
    """The Keras model that the student's function builds for these arguments, rebuilt."""
    return rebuild(name, current().model(name, _pack(args, kwargs)))


def compiled(name: str) -> dict:
    """Compile settings of a model of the notebook: optimizer, learning_rate, loss, metrics.

    Raises `checks.Wrong` when the model is not compiled.
    """
    settings = current().model(name, None)[0].get("compiled") or {}
    _checks.that(settings, f"{name} is not compiled: call {name}.compile(...) before training.")
    return settings


def threshold(key: str) -> float:
    """The calibrated threshold of course.toml under the present profile."""
    return course.load().threshold(key, profile.current().name)


def seconds(name: str, *args: Any, **kwargs: Any) -> float:
    """Wall time of one call of the student's function, transport included."""
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
