"""What a notebook held at the place of a check, for questions that come after its last cell.

A grader asks after the end, so that no cell of the notebook runs once it knows a hidden argument.
A function then computes with the names as they were when its check ran, even if a later cell has
bound them anew. What a later cell has changed in place stays changed; a grader confirms a failure
by asking again at the place.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

LARGE = 32 * 2**20  # bytes; of larger arrays, only the present one is kept

_held: dict[str, dict[str, Any]] = {}
_left: dict[str, set[str]] = {}  # names with large arrays


def hold(place: str, names: dict[str, Any]) -> None:
    """Keep what names mean now.

    Args:
        place: What the place is called.
        names: The notebook's names.
    """
    _left[place] = {key for key, value in names.items() if _is_large(value)}
    _held[place] = {key: value for key, value in names.items() if key not in _left[place]}


@contextlib.contextmanager
def as_held(place: str, names: dict[str, Any]) -> Iterator[None]:
    """Let names mean again what they meant at a place, and afterwards what they mean now.

    Args:
        place: A place that was held; at any other, names stay as they are.
        names: The notebook's names, which its functions read.
    """
    if place not in _held:
        yield
        return
    now = dict(names)
    large = {key: now[key] for key in _left[place] if key in now}
    names.clear()
    names.update(large | _held[place])
    try:
        yield
    finally:
        names.clear()
        names.update(now)


def _is_large(value: Any) -> bool:
    return type(value) is np.ndarray and value.nbytes > LARGE
