"""Selects the variables of an environment that a process gets."""

from collections.abc import Iterable, Mapping


def passed(
    given: Mapping[str, str], prefixes: Iterable[str], names: Iterable[str]
) -> dict[str, str]:
    """The variables that have one of the names, or begin with one of the prefixes."""
    prefixes, names = tuple(prefixes), frozenset(names)
    return {k: v for k, v in given.items() if k in names or k.startswith(prefixes)}
