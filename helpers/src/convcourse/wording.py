"""How a message writes values, and the verb of its subject."""

import re
from typing import Any

import numpy as np

# Where the head noun of a subject ends, and what a plural ends in.
_HEAD = re.compile(
    r",? (?:of|for|from|in|with|without|after|before|by|on|over|under|at|that|whose|if|when|to|has)"
    r"\b|, "
)
_CASE = re.compile(r"^(?:For|With|Without|After|Before|In|If|When) .*?, (?=the )")
_ENTRY = re.compile(r", entry \S+$")
_PLURAL = re.compile(r"(?<!bia)(?<![siu/])s$")


def short(value: Any, limit: int = 80) -> str:
    """Write a value on one line.

    Args:
        value: Any value.
        limit: The most characters.

    Returns:
        Its repr without line breaks, cut to the limit; of an object without one, its type.

    Example:
        >>> short("a long text", limit=9)
        "'a lon..."
    """
    value = value.item() if isinstance(value, np.generic) else value
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = ""
    if not text or re.search(r" at 0x[0-9a-f]+>$", text, re.IGNORECASE):
        text = f"a {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def is_plural(what: str) -> bool:
    """Whether a subject such as *The edges of two bins* is plural, by its head noun."""
    if _ENTRY.search(what):
        return False
    what = _CASE.sub("", what)
    head = _HEAD.split(what, maxsplit=1)[0].rstrip(",")
    last = head.rpartition(" ")[2]
    return (what[:4] in ("The ", "the ") and bool(_PLURAL.search(last))) or " and " in head


def has(what: str) -> str:
    """The subject with *has* or *have*."""
    return f"{what} {'have' if is_plural(what) else 'has'}"


def is_(what: str) -> str:
    """The subject with *is* or *are*."""
    return f"{what} {'are' if is_plural(what) else 'is'}"


def does(what: str, verb: str) -> str:
    """The subject with a regular verb, such as *differ*."""
    return f"{what} {verb}{'' if is_plural(what) else 's'}"


def figure(value: float) -> str:
    """A whole number with all its digits, so that two that differ also look different."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.6g}"


def names(keys: frozenset) -> str:
    """Keys in order, separated by commas."""
    return ", ".join(repr(k) for k in sorted(keys, key=str))


def side(value: Any) -> str:
    """Equal height and width as one number, as people write them."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return str(value[0])
    return str(value)
