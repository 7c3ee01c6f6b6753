"""Whether a function leaves its arguments as they were."""

import copy
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from convcourse import findings
from convcourse.outcomes import Wrong


def unchanged(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function and check that it leaves its arguments as they were.

    Args:
        function: The student's function.
        *args: Its arguments: numbers, arrays, lists, dictionaries and Keras networks.
        **kwargs: Its keyword arguments.

    Returns:
        What the function returns.

    Raises:
        Wrong: If an argument has changed; with its name.
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
    return result


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
    return isinstance(one, type(other)) and (
        not _is_number_or_text(one) or one == other or one != one
    )


def _is_number_or_text(value: Any) -> bool:
    return isinstance(value, (bool, int, float, str))
