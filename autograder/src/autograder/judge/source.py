"""The source of the submission that is being judged, and the facts noted about it."""

import contextlib
from typing import Any, Protocol

import numpy as np

from convcourse.wire.answers import Namespace


class Source(Protocol):
    """Where a student's work is; every answer is plain data of `convcourse.wire`.

    The answer of `values` is a list. The arguments of a model are ``[args, kwargs]``, those of
    `call` a list of such pairs; its answer is the list of what the function returned for each.
    `changed` takes one pair, and `trainings` one with a dictionary of stand-ins; see
    `convcourse.wire.answers.Namespace`.
    """

    def values(self, names: list[str]) -> tuple[Any, list[np.ndarray]]: ...

    def call(self, name: str, arguments: tuple[Any, list]) -> tuple[Any, list[np.ndarray]]: ...

    def changed(self, name: str, arguments: tuple[Any, list]) -> tuple[Any, list[np.ndarray]]: ...

    def trainings(self, name: str, arguments: tuple[Any, list]) -> tuple[Any, list[np.ndarray]]: ...

    def model(self, name: str, arguments: tuple[Any, list] | None) -> tuple[dict, list]: ...


_source: Source = Namespace()
_noted: dict[str, str | float] = {}
_lacks: list[str] = []
_looks: list[str] | None = None  # None where nobody takes them


def connect(source: Source) -> None:
    """Take the student's work from another source from now on."""
    global _source
    _source = source


def current() -> Source:
    """Where the student's work is taken from now."""
    return _source


def note(**facts: str | float) -> None:
    """Keep facts about this work beside its score, for the class's leaderboard.

    They count only if the block ends in a score above 0. Students never see them, and stock
    nbgrader does not keep them.
    """
    _noted.update(facts)


def missing(sentence: str) -> None:
    """Say what a block that gives only a part of the points has not found.

    Args:
        sentence: What is missing, for the student. Never quote a hidden value.
    """
    _lacks.append(sentence)


def look(sentence: str) -> None:
    """Say why a person must look at this work. It costs no points, and students never see it.

    Stock nbgrader does not keep it.
    """
    if _looks is not None:
        _looks.append(sentence)


def are_looks_taken() -> bool:
    """Whether somebody takes the sentences of `look`; under stock nbgrader nobody does."""
    return _looks is not None


def take_looks() -> str:
    """The sentences of `look` since the last call."""
    global _looks
    taken, _looks = " ".join(_looks or []), []
    return taken


def take_missing() -> str:
    """The sentences since the last call."""
    taken = " ".join(_lacks)[:2_000]
    _lacks.clear()
    return taken


def take_notes() -> dict[str, str | float]:
    """The facts noted since the last call, as short text and numbers."""
    taken = {key: _fact(value) for key, value in _noted.items()}
    _noted.clear()
    return taken


def _fact(value: Any) -> str | float:
    """A fact as a number or a short text; it may be whatever a notebook holds."""
    with contextlib.suppress(Exception):
        if isinstance(value, int | float | np.number):
            return float(value)
        return str(value)[:200]
    return ""
