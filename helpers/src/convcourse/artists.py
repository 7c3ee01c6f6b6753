"""What stands on an axes, in words: curves, bars, histograms, points and images.

Each kind is a `Part`: what it is, and what it says on each of four levels of detail, from every
value (0) to the extremes only (3).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convcourse.phrases import (
    alike,
    label,
    listed,
    named,
    number,
    of_axes,
    reader,
    scales,
    sentences,
    subject,
)

LEVELS = 4
_SHARE = 0.8  # of a histogram, which counts as most of it


@dataclass(frozen=True)
class Part:
    """One kind of thing on an axes."""

    head: str
    says: Callable[[int], str]


def parts(ax: Any) -> list[Part]:
    """Everything on an axes that shows data."""
    found = (_images(ax), _bars(ax), _histograms(ax), _lines(ax), _points(ax))
    made = [part for part in found if part is not None]
    for inset in ax.child_axes:
        made += [Part(f"{part.head} beside it", part.says) for part in parts(inset)]
    if not made and ax.patches:
        made = [Part(f"drawing of {len(ax.patches)} shapes", lambda level: "")]
    return made


def _lines(ax: Any) -> Part | None:
    """Curves: where each begins, is best, and ends."""
    curves: list[tuple[str, np.ndarray, np.ndarray]] = []
    points: list[tuple[str, np.ndarray, np.ndarray]] = []
    for line in ax.lines:
        x, y = _finite(line.get_xdata(orig=False), line.get_ydata(orig=False))
        if line.get_visible() and follows(line, ax) == (True, True) and len(x):
            (curves if len(x) > 1 else points).append((named(line), x, y))
    if not curves and not points:
        return None
    y_name, at, value = label(ax.yaxis), reader(ax.xaxis), reader(ax.yaxis)
    noun = label(ax.xaxis) if label(ax.xaxis).isalpha() else ""
    where = (lambda x: f"{noun} {at(x)}") if noun else (lambda x: f"x = {at(x)}")
    if curves and "density" in y_name:
        return _distributions(ax, [(name, x, y) for name, x, y in curves])
    aim = "lowest" if "loss" in y_name or "error" in y_name else ""
    aim = "highest" if "accuracy" in y_name else aim

    def says(level: int) -> str:
        spots = [
            f"{subject(name) or 'A point'} is at {where(x[0])} and y = {value(y[0])}"
            for name, x, y in points
        ]
        if len(curves) == 1 or level < 2:
            made = [_course(name, x, y, value, where, aim, level) for name, x, y in curves]
        else:
            ends = [(name, y[-1]) for name, _, y in curves]
            made = [_ends(ends, value, level)] if ends else []
        return sentences(made + spots)

    every = np.concatenate([x for _, x, _ in curves + points])
    span = f", {at(every.min())} to {at(every.max())}" if len(every) > 1 else ""
    return Part(f"line chart{of_axes(ax)}{span}{scales(ax)}", says)


def _course(
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    value: Callable[[float], str],
    where: Callable[[float], str],
    aim: str,
    level: int,
) -> str:
    """The course of one curve as a sentence."""
    first, last = y[0], y[-1]
    who = subject(name) or "The line"
    if np.ptp(y) == 0:
        return f"{who} stays at {value(first)}"
    inner = []
    for word, place in (("lowest", int(y.argmin())), ("highest", int(y.argmax()))):
        if aim in ("", word) and y[place] not in (first, last):
            inner.append((word, place))
    if not inner or (level and len(inner) > 1):
        verb = "rises" if last > first else "falls" if last < first else "returns"
        return f"{who} {verb} from {value(first)} to {value(last)}"
    if level:
        (_, place), *_ = inner
        best = "at best " if aim else f"with {inner[0][0]} "
        return f"{who} goes from {value(first)} to {value(last)}, {best}{value(y[place])}"
    inner.sort(key=lambda one: one[1])
    middle = ", ".join(f"is {word} at {value(y[k])} ({where(x[k])})" for word, k in inner)
    return f"{who} starts at {value(first)}, {middle}, and ends at {value(last)}"


def _ends(ends: list[tuple[str, float]], value: Callable[[float], str], level: int) -> str:
    """Where many curves end; on the last level only the highest and the lowest of them."""
    names = [name or f"line {k}" for k, (name, _) in enumerate(ends, start=1)]
    if level < LEVELS - 1:
        (first, at), *others = [(name, value(y)) for name, (_, y) in zip(names, ends, strict=True)]
        return "At the end, " + listed(
            [f"{first} is at {at}", *(f"{name} at {at}" for name, at in others)]
        )
    values = np.array([y for _, y in ends])
    high, low = int(values.argmax()), int(values.argmin())
    return (
        f"Of {len(ends)} lines, {names[high]} ends highest at {value(values[high])}, "
        f"and {names[low]} lowest at {value(values[low])}"
    )


def _bars(ax: Any) -> Part | None:
    """Bars: each value, or the extremes."""
    groups, lies = [], False
    for bars in ax.containers:
        patches = [one for one in getattr(bars, "patches", ()) if hasattr(one, "get_width")]
        lies = getattr(bars, "orientation", "vertical") == "horizontal"
        if not patches or _is_histogram(bars):
            continue
        if lies:
            known = [(one.get_y() + one.get_height() / 2, one.get_width()) for one in patches]
        else:
            known = [(one.get_x() + one.get_width() / 2, one.get_height()) for one in patches]
        groups.append((named(bars), known))
    if not groups:
        return None
    places, values = (ax.yaxis, ax.xaxis) if lies else (ax.xaxis, ax.yaxis)
    at = reader(places)

    def says(level: int) -> str:
        return sentences(_heights(name, known, at, level) for name, known in groups)

    what, by = label(values), label(places)
    return Part(f"bar chart{f' of {what}' * bool(what)}{f' by {by}' * bool(by)}", says)


def _heights(
    name: str, known: list[tuple[float, float]], at: Callable[[float], str], level: int
) -> str:
    """The bars of one color as a sentence."""
    values = [value for _, value in known]
    who = f"{subject(name, 'Series')} is" if name else "It shows"
    if len(known) > 1 and len(set(values)) == 1:
        first, last = at(known[0][0]), at(known[-1][0])
        return f"{who} {number(values[0])} for each of {len(known)}, from {first} to {last}"
    if level == 0 or len(known) < 3:
        written = zip(alike(values), known, strict=True)
        return f"{who} " + listed([f"{value} for {at(place)}" for value, (place, _) in written])
    order = sorted(known, key=lambda one: one[1])
    if not name and level == 1:
        top = [f"{number(value)} for {at(place)}" for place, value in order[:-4:-1]]
        return f"Of {len(known)} bars, the highest are {listed(top)}"
    (low, least), (high, largest) = order[0], order[-1]
    return (
        f"{subject(name, 'Series') or 'It'} is highest for {at(high)} with {number(largest)} "
        f"and lowest for {at(low)} with {number(least)}"
    )


def _histograms(ax: Any) -> Part | None:
    """Histograms: the range, and where most lies."""
    found = []
    for step in ax.patches:
        if hasattr(step, "get_data") and hasattr(step.get_data(), "edges"):
            values, edges, _ = step.get_data()
            found.append((named(step), (edges[:-1] + edges[1:]) / 2, np.asarray(values)))
    for bars in filter(_is_histogram, ax.containers):
        x = np.array([one.get_x() + one.get_width() / 2 for one in bars.patches])
        y = np.array([one.get_height() for one in bars.patches])
        found.append((named(bars), x, y))
    return _distributions(ax, found) if found else None


def _distributions(ax: Any, found: list[tuple[str, np.ndarray, np.ndarray]]) -> Part:
    def says(level: int) -> str:
        said = [_spread(*one, level) for one in found]
        return sentences(said) if level < LEVELS - 1 else f"{_SHARE:.0%} lie at {'; '.join(said)}"

    what = label(ax.xaxis)
    return Part(f"histogram{f' of {what}' * bool(what)}{scales(ax)}", says)


def _spread(name: str, x: np.ndarray, y: np.ndarray, level: int) -> str:
    """One distribution as a sentence."""
    x, y = _finite(x, y)
    held = x[y > 0]
    who = subject(name, "Series") or "The values"
    if not len(held):
        return f"{who} is empty" if name else "It is empty"
    below = np.cumsum(y) / y.sum()
    low, high = (
        x[min(int(np.searchsorted(below, share)), len(x) - 1)]
        for share in ((1 - _SHARE) / 2, (1 + _SHARE) / 2)
    )
    between = f"between {number(low)} and {number(high)}"
    most = f"{_SHARE:.0%} {between}"
    if level == LEVELS - 1:
        return f"{low:.2g} to {high:.2g}".replace("-", "−")
    if level:
        return f"{_SHARE:.0%} of {name or 'the values'} lie {between}"
    verb = "lies" if name else "lie"
    peak = number(x[int(y.argmax())])
    return (
        f"{who} {verb} between {number(held[0])} and {number(held[-1])}, "
        f"{most}, most densely at {peak}"
    )


def _points(ax: Any) -> Part | None:
    """Clouds of points: how many, and whether those of a group lie together."""
    clouds = [one for one in ax.collections if hasattr(one, "get_sizes") and one.get_visible()]
    places = [_filled(one.get_offsets()) for one in clouds]
    places = [one[np.isfinite(one).all(axis=1)] for one in places]
    count = sum(map(len, places))
    if not count:
        return None
    groups = [one for one in places if len(one)]
    names = [name for one in clouds if (name := named(one))]
    head = f"scatter plot of {count:,} points" + f" in {len(groups)} groups" * (len(groups) > 1)

    def says(level: int) -> str:
        known = f"The groups are {listed(names)}" if names and level < 2 else ""
        if not 1 < len(groups) < count <= 2_000:
            return known
        share = _agreement(
            np.concatenate(groups), np.repeat(range(len(groups)), list(map(len, groups)))
        )
        if level == LEVELS - 1:
            return f"{share:.0%} lie next to their own group"
        return sentences([known, f"The nearest neighbor is of the same group for {share:.0%}"])

    return Part(f"{head}{of_axes(ax)}", says)


def _agreement(places: np.ndarray, group: np.ndarray) -> float:
    """The share of points whose nearest neighbor is of their own group."""
    far = ((places[:, None] - places[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(far, np.inf)
    return float((group[far.argmin(axis=1)] == group).mean())


def _images(ax: Any) -> Part | None:
    """Images: their size and values; of a matrix with labeled axes, the largest entries."""
    made = []
    for image in (*ax.images, *(one for one in ax.collections if type(one).__name__ == "QuadMesh")):
        values = _filled(image.get_array())
        if values.ndim >= 2 and values.size and image.get_visible():
            made.append(_image(ax, values))
    if len(made) > 1:
        return Part(f"{made[0].head} and {len(made) - 1} more", made[0].says)
    return made[0] if made else None


def _image(ax: Any, values: np.ndarray) -> Part:
    rows, columns = values.shape[:2]
    if values.ndim == 3:
        return Part(f"color image of {rows} by {columns} pixels", lambda level: "")
    finite = values[np.isfinite(values)]
    spread = f"Values from {number(finite.min())} to {number(finite.max())}" if len(finite) else ""
    if ax.axison and label(ax.xaxis) and label(ax.yaxis):
        of = f", rows {label(ax.yaxis)}, columns {label(ax.xaxis)}"
        down, along = reader(ax.yaxis), reader(ax.xaxis)
        return Part(
            f"matrix of {rows} by {columns}{of}",
            lambda level: _entries(values, down, along, 3 if level < 2 else 1),
        )
    if rows == 1:
        return Part(f"strip of {columns} values", lambda level: spread)
    return Part(f"grayscale image of {rows} by {columns} pixels", lambda level: spread)


def _entries(
    values: np.ndarray, down: Callable[[float], str], along: Callable[[float], str], most: int
) -> str:
    """The largest entries of a matrix."""
    known = np.nan_to_num(values.astype(float), nan=-np.inf)
    order = np.argsort(known, axis=None, kind="stable")[::-1][:most]
    found = [tuple(map(int, np.unravel_index(k, values.shape))) for k in order]
    return "The largest entries are " + listed(
        [f"{number(values[i, j])} (row {down(i)}, column {along(j)})" for i, j in found]
    )


def _finite(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """The points of a line that have a place."""
    x, y = _filled(x), _filled(y)
    kept = np.isfinite(x) & np.isfinite(y)
    return x[kept], y[kept]


def _filled(values: Any) -> np.ndarray:
    """The values as numbers; those that are masked are none."""
    return np.ma.filled(np.ma.asarray(values, float), np.nan)


def follows(line: Any, ax: Any) -> tuple[bool, bool]:
    """Whether a line's x and its y are data; one of them is not if it goes across the axes."""
    if type(line).__name__ == "AxLine":
        return False, False
    along, up = line.get_transform().contains_branch_seperately(ax.transData)
    return bool(along), bool(up)


def _is_histogram(bars: Any) -> bool:
    """Whether bars stand side by side without a gap, as those of a histogram do."""
    patches = [one for one in getattr(bars, "patches", ()) if hasattr(one, "get_width")]
    if len(patches) < 8 or getattr(bars, "orientation", "vertical") != "vertical":
        return False
    left = np.array([one.get_x() for one in patches])
    width = np.array([one.get_width() for one in patches])
    return bool(np.allclose(left[:-1] + width[:-1], left[1:], rtol=0, atol=1e-6 * np.ptp(left)))
