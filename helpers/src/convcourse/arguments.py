"""Whether a function leaves its arguments, and its earlier results, as they were."""

import copy
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from convcourse import findings
from convcourse.outcomes import Wrong, that

_latest: list[tuple[Any, list, list, str]] = []


def unchanged(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function and check that it leaves its arguments as they were.

    If the function was the last one that this check called, the arrays that it returned then must
    be as they were, too, and so must a list or a dictionary of plain values: a function that fills
    one of these again and again changes it.

    Args:
        function: The student's function.
        *args: Its arguments: numbers, arrays, lists, dictionaries and Keras networks.
        **kwargs: Its keyword arguments.

    Returns:
        What the function returns.

    Raises:
        Wrong: If an argument has changed, with its name, or if the earlier result has.
    """
    before = copy.deepcopy((args, kwargs))
    result = function(*args, **kwargs)
    changed = changed_arguments(before, (args, kwargs))
    if changed:
        name = getattr(function, "__name__", "The function")
        try:
            known = list(inspect.signature(function).parameters)
        except (TypeError, ValueError):
            known = []
        at = changed[0]
        called = known[at] if isinstance(at, int) and at < len(known) else at
        raise Wrong(findings.ChangedArgument(name, called))
    _keep_earlier(function, result, args)
    return result


def _keep_earlier(function: Callable[..., Any], result: Any, args: tuple) -> None:
    """Check that a call left what the one before it returned alone, and remember its own result."""
    name = getattr(function, "__name__", "The function")
    for called, earlier, copies, instead in _latest:
        for one, as_it_was in zip(earlier, copies, strict=True):
            # A list may hold parts of an argument, which others may change.
            is_again = called is function and (isinstance(one, np.ndarray) or one is result)
            words = f"A second call of {name} changes what the first one returned: make {instead}."
            that(not is_again or _same(as_it_was, one), words)
    parts = result if isinstance(result, (list, tuple)) else [result]
    given = [one for one in args if isinstance(one, np.ndarray)]
    made = [one for one in parts if isinstance(one, np.ndarray)]
    own: list = [one for one in made if not any(np.may_share_memory(one, arg) for arg in given)]
    instead, is_own = "new arrays", not any(result is one for one in _with_entries(args))
    if isinstance(result, (list, dict)) and _is_plain(result) and is_own:
        own = [result]
        instead = f"a new {'dictionary' if isinstance(result, dict) else 'list'} in each call"
    _latest[:] = [(function, own, [copy.deepcopy(one) for one in own], instead)]


def _with_entries(args: tuple) -> list:
    """Arguments, and the entries of those that are dictionaries, lists or tuples."""
    found = list(args)
    for one in args:
        entries = list(one.values()) if isinstance(one, dict) else one
        found += entries if isinstance(entries, (list, tuple)) else []
    return found


def changed_arguments(
    before: tuple[tuple, dict[str, Any]], after: tuple[tuple, dict[str, Any]]
) -> list[int | str]:
    """Name the arguments that differ: positions from 0, and keywords.

    Args:
        before: A copy of the arguments, made before the call.
        after: The arguments themselves.

    Returns:
        The positions and keywords of those that have changed, in order.
    """
    pairs: list[tuple[int | str, Any, Any]] = [
        (at, *both) for at, both in enumerate(zip(before[0], after[0], strict=True))
    ]
    pairs += [(key, before[1][key], after[1][key]) for key in before[1]]
    return [at for at, one, other in pairs if not _same(one, other)]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and list(one) == list(other)
            and all(_same(one[key], other[key]) for key in one)
        )
    if callable(getattr(one, "get_weights", None)):  # a network or a layer
        return type(one) is type(other) and _same(one.get_weights(), other.get_weights())
    if hasattr(one, "__array__"):
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if isinstance(getattr(one, "history", None), dict):  # what a training returns
        return type(one) is type(other) and _same(*(_figures(each) for each in (one, other)))
    return isinstance(one, type(other)) and (
        not _is_number_or_text(one) or one == other or one != one
    )


def _figures(record: Any) -> list:
    return [getattr(record, name, None) for name in ("history", "epoch", "seconds")]


def _is_plain(value: Any) -> bool:
    """Whether a value is a number or text, or a list, tuple or dictionary of nothing else."""
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return value is None or _is_number_or_text(value) or isinstance(value, np.generic)


def _is_number_or_text(value: Any) -> bool:
    return isinstance(value, (bool, int, float, str))
