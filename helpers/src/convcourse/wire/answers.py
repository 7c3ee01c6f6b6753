"""What a notebook answers when its work is asked for: values, calls and models, as plain data.

Under stock nbgrader the asker sits in the same process; another grader executes `answer` there
and reads the file that it writes. What arrives is data either way, checked again on arrival.
"""

import builtins
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from convcourse import outcomes
from convcourse.wire import export, models


class Namespace:
    """The source of stock nbgrader: a dictionary of names, the kernel's own by default."""

    def __init__(self, names: dict[str, Any] | None = None) -> None:
        self._names = names

    def values(self, names: list[str]) -> tuple[Any, list[np.ndarray]]:
        each = [_exported(export.to_plain, self._find(name), name) for name in names]
        together = [export.from_plain(*plain) for plain in each]
        return _exported(export.to_plain, together, asked_for(names))

    def call(self, name: str, arguments: tuple[Any, list]) -> tuple[Any, list[np.ndarray]]:
        results = []
        for args, kwargs in export.from_plain(*arguments):
            plain = _exported(export.to_plain, self._result(name, args, kwargs), f"{name}(...)")
            # A copy: the next call may change what this one has returned.
            results.append(copy.deepcopy(export.from_plain(*plain)))
        return _exported(export.to_plain, results, f"{name}(...)")

    def model(self, name: str, arguments: tuple[Any, list] | None) -> tuple[dict, list]:
        made = (
            self._find(name)
            if arguments is None
            else self._result(name, *export.from_plain(*arguments))
        )
        outcomes.that(
            made is not None, f"{name} gives None; expected a Keras model. Is there a `return`?"
        )
        return _exported(models.model_to_plain, made, name)

    def _find(self, name: str) -> Any:
        names = self._names
        if names is None:
            shell = getattr(builtins, "get_ipython", lambda: None)()
            names = shell.user_ns if shell else {}
        if name not in names:
            raise outcomes.NotAttempted(f"The notebook defines no {name!r}.")
        return names[name]

    def _result(self, name: str, args: list, kwargs: dict[str, Any]) -> Any:
        function = self._find(name)
        outcomes.that(callable(function), f"{name} is not a function any more.")
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise outcomes.explain(error, name) from None


def _exported(pack: Callable, value: Any, name: str) -> Any:
    try:
        return pack(value)
    except export.ExportError as error:
        raise outcomes.Wrong(f"{name}: {error}.") from None


def asked_for(name: str | list[str]) -> str:
    """What was asked for, as a message names it."""
    return name if isinstance(name, str) else ", ".join(name)


def answer(kind: str, name: str | list[str], arguments: str | None, to: str) -> None:
    """Write the answer to one request into the file ``to``.

    ``kind`` is values (``name`` is a list then), call or model; ``arguments`` names a file with
    `export.dumps` of what `Namespace` takes, or is None. The file holds one byte, ``+`` or ``-``,
    then the data, or a JSON list of an outcome's status and message.
    """
    names = Namespace()
    try:
        given = export.loads(Path(arguments).read_bytes()) if arguments else None
        if kind == "values":
            plain = names.values(name)
        else:
            plain = (names.call if kind == "call" else names.model)(name, given)
        parts = [b"+", *export.chunks(*plain)]
    except BaseException as error:
        outcome = outcomes.explain(error, asked_for(name)).outcome
        parts = [b"-", json.dumps([outcome.status, outcome.message]).encode()]
    with open(to, "wb") as file:
        file.writelines(parts)
