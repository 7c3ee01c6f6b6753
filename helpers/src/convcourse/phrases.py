"""How the text of a figure writes numbers, names, axes and sentences."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

# These write names on ticks.
NAMED = {"FixedFormatter", "FuncFormatter", "StrCategoryFormatter"}


def sentences(texts: Iterable[str]) -> str:
    """The texts that say something, each with a capital and a full stop."""
    kept = (text.strip() for text in texts)
    return " ".join(capital(text) + "." * (text[-1] not in ".!?…") for text in kept if text)


def listed(texts: Sequence[str]) -> str:
    """The texts as one enumeration.

    Example:
        >>> listed(["a", "b", "c"])
        'a, b, and c'
    """
    if len(texts) < 3:
        return " and ".join(texts)
    return f"{', '.join(texts[:-1])}, and {texts[-1]}"


def clean(text: str) -> str:
    """A label on one line, without the dollar signs of formulas."""
    lines = (" ".join(line.split()) for line in str(text).replace("$", "").splitlines())
    return ", ".join(line.rstrip(",") for line in lines)


def capital(text: str) -> str:
    """With a capital if it begins with a word; identifiers stay as they are."""
    first = text.split(" ")[0].rstrip(",:;.") if text else ""
    return text[:1].upper() + text[1:] if first.replace("-", "").isalpha() else text


def subject(name: str, kind: str = "Line") -> str:
    """A name at the beginning of a sentence; one that is a number says what it names."""
    return capital(name) if not name or name[0].isalpha() else f"{kind} {name}"


def alike(values: Sequence[float]) -> list[str]:
    """Numbers that stand beside each other, with the digits that the largest one needs."""
    most = max(map(abs, values))
    if not 0 < most < 100 or all(float(value).is_integer() for value in values):
        return [number(value) for value in values]
    digits = max(0, 2 - int(np.floor(np.log10(most))))
    return [number(round(value, digits)) for value in values]


def number(value: float) -> str:
    """A number of three digits, as people write it.

    Example:
        >>> [number(value) for value in (0.12345, 1234.5, -2, 3e-8)]
        ['0.123', '1,234', '−2', '3e−8']
    """
    value = float(value)
    if not np.isfinite(value):
        return "no number"
    written = f"{value:,.0f}" if abs(value) >= 1000 or value.is_integer() else f"{value:.3g}"
    return re.sub(r"e([+-])0*", r"e\1", written).replace("-", "−")


def named(artist: Any) -> str:
    """The name in the legend; empty if there is none."""
    name = str(artist.get_label() or "")
    return "" if name.startswith("_") else clean(name)


def label(axis: Any) -> str:
    """The label of an axis, which holds its unit."""
    return clean(axis.get_label_text())


def of_axes(ax: Any) -> str:
    """What is drawn by what, by the labels of the axes."""
    what, by = label(ax.yaxis), label(ax.xaxis)
    return f" of {what}" * bool(what) + f" by {by}" * bool(by)


def scales(ax: Any) -> str:
    """Which axes are logarithmic."""
    found = [name for name in "xy" if "log" in getattr(ax, f"get_{name}scale")()]
    return (
        ""
        if not found
        else f", logarithmic {found[0]} axis"
        if found[1:] == []
        else ", logarithmic axes"
    )


def reader(axis: Any) -> Callable[[float], str]:
    """How a place on an axis is read: by the name of its tick, or as a number."""
    formatter = axis.get_major_formatter()
    if type(formatter).__name__ not in NAMED:
        return number
    places = np.asarray(axis.get_majorticklocs(), float)
    names = [clean(name) for name in formatter.format_ticks(places)]
    if not len(places) or not any(names):
        return number
    near = np.diff(np.sort(places)).min() / 2 if len(places) > 1 else 0.5

    def read(value: float) -> str:
        k = int(np.abs(places - value).argmin())
        return names[k] if abs(places[k] - value) <= near and names[k] else number(value)

    return read
