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
from types import SimpleNamespace
from typing import Any

import numpy as np

from autograder import course
from autograder.judge.heldout import images as heldout
from autograder.judge.heldout import measured
from autograder.judge.networks import accuracy, is_cross_entropy, predict, rebuild
from autograder.judge.source import current, missing, note
from convcourse import checks as _checks
from convcourse import costs, findings, fitting, profile, watching
from convcourse.marked import made as marked
from convcourse.training import History
from convcourse.watching import last_set_aside
from convcourse.wire import export, standins

__all__ = [
    "History",
    "accuracy",
    "build",
    "call",
    "calls",
    "checks",
    "compiled",
    "heldout",
    "is_cross_entropy",
    "last_set_aside",
    "marked",
    "measured",
    "missing",
    "model",
    "multiplications",
    "note",
    "np",
    "only",
    "predict",
    "seconds",
    "threshold",
    "trainings",
    "unchanged",
    "value",
    "values",
]


_TRAINED = [*fitting.PLAIN, "compiled", "settings"]


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


def __getattr__(name: str) -> Any:
    """``submission.keras``, imported only by blocks that make networks of their own."""
    if name == "keras":
        import keras

        return keras
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def only(trained: SimpleNamespace, name: str) -> Any:
    """The one training of what `trainings` gave for a function.

    Raises:
        checks.Wrong: If there is none, or more than one.
    """
    return watching.only(trained.trainings, name)


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
    """What the student's function returns for these arguments: plain data, or Keras networks.

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
    results = _value(name, current().call(name, export.to_plain(standins.pack(asked))))
    # A student who forges answers could leave out the wrong ones.
    whole = isinstance(results, list) and len(results) == len(asked)
    _checks.that(whole, f"{name}: the data is malformed.")
    return results


def model(name: str) -> Any:
    """A Keras model of the notebook, rebuilt as one of built-in layers; not compiled.

    Until the student's model changes, each call returns the same object, so never modify it.

    Raises:
        checks.NotAttempted: If the notebook does not define the name.
        checks.Wrong: If it is not a model, or computes with what cannot be checked.
    """
    return rebuild(name, current().model(name, None))


def build(name: str, *args: Any, for_inputs: Sequence | None = None, **kwargs: Any) -> Any:
    """The Keras model that a function returns for these arguments, rebuilt; see `model`.

    Args:
        name: The function.
        *args: Its arguments.
        for_inputs: The shape of one input, (H, W, C), for which to build a model that is not built.
        **kwargs: Its keyword arguments.
    """
    shapes = None if for_inputs is None else list(for_inputs)
    asked = export.to_plain(standins.pack([list(args), kwargs, shapes]))
    return rebuild(name, current().model(name, asked))


def unchanged(name: str, *args: Any, **kwargs: Any) -> None:
    """Check that the student's function leaves these arguments as they were.

    Raises:
        checks.Wrong: If it changes one; the message names it by its position or keyword.
        checks.NotAttempted, checks.StudentError: As `call` does.
    """
    changed = _value(name, current().changed(name, _pack(args, kwargs)))
    _checks.that(isinstance(changed, list), f"{name}: the data is malformed.")
    for at in [*range(len(args)), *kwargs]:
        _checks.that(at not in changed, findings.ChangedArgument(name, at))


def trainings(
    name: str, *args: Any, given: dict[str, Any] | None = None, **kwargs: Any
) -> SimpleNamespace:
    """What the student's function trains when it is called with these arguments.

    The training is a real one: pass a small network and a few images. Checkpoints stay as they
    are.

    Args:
        name: The function.
        *args: Its arguments.
        given: Values that stand for names of the notebook during the call, for a function that
            trains on the notebook's own images.
        **kwargs: Its keyword arguments.

    Returns:
        ``result``, what the function returned, or None if it is no plain data; and ``trainings``,
        a list of objects with the attributes of `convcourse.fitting.Training`, but without its
        network; `convcourse.watching.only` takes the one that it holds.

    Raises:
        checks.NotAttempted, checks.StudentError, checks.Wrong: As `call` does.
    """
    packed = export.to_plain(standins.pack([list(args), kwargs, given or {}]))
    told = _value(name, current().trainings(name, packed))
    try:
        each = [SimpleNamespace(**{key: one[key] for key in _TRAINED}) for one in told["trainings"]]
        return SimpleNamespace(result=told["result"], trainings=each)
    except (TypeError, KeyError):
        raise _checks.Wrong(f"{name}: the data is malformed.") from None


def compiled(name: str, *args: Any, **kwargs: Any) -> dict:
    """Compile settings of a model of the notebook, or of the one that a function returns.

    Returns:
        optimizer, learning_rate, loss, metrics and from_logits; see
        `convcourse.wire.models.compile_settings`.

    Raises:
        checks.Wrong: If the model is not compiled.
    """
    given = _pack(args, kwargs) if args or kwargs else None
    settings = current().model(name, given)[0].get("compiled") or {}
    what = "The network" if given else name
    _checks.that(settings, f"{what} is not compiled: call its compile(...) before training.")
    return settings


def multiplications(network: Any) -> int:
    """How many multiplications a rebuilt network performs for one image.

    Raises:
        checks.Wrong: If they cannot be counted.
    """
    try:
        return costs.multiplications(network)
    except ValueError as error:
        raise _checks.Wrong(f"The multiplications cannot be counted: {error}.") from None


def threshold(key: str) -> float:
    """The calibrated threshold of course.toml under the current profile."""
    return course.load().threshold(key, profile.current().name)


def seconds(name: str, *args: Any, **kwargs: Any) -> float:
    """Seconds that one call of the student's function takes, including transport."""
    start = time.perf_counter()
    call(name, *args, **kwargs)
    return time.perf_counter() - start


def _pack(args: tuple, kwargs: dict) -> tuple[Any, list]:
    return export.to_plain(standins.pack([list(args), kwargs]))


def _value(name: str, plain: tuple[Any, list]) -> Any:
    try:
        return export.from_plain(*plain)
    except export.ExportError as error:
        raise _checks.Wrong(f"{name}: {error}.") from None
