"""Every figure of the course. Each function draws on an ``Axes`` and returns it.

Lines differ in style or marker, not only in color, so that a print in black and white is readable.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from convcourse import alternatives
from convcourse.phrases import listed, number

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P")
LABELS = {"accuracy": "accuracy", "loss": "loss (cross-entropy)"}


def _axes(ax: Axes | None, size: tuple[float, float] = (7, 4), **place: float) -> Axes:
    """The axes given, or those of a new figure of ``size`` inches, at ``place`` in it.

    A notebook crops a figure to what is on it. So one axes needs no layout engine, which would
    take two fifths of the time of drawing it.
    """
    return ax if ax is not None else plt.subplots(figsize=size, gridspec_kw=dict(place))[1]


def _count_epochs(ax: Axes) -> None:
    """Label the x axis with epochs, at whole numbers only."""
    ax.set_xlabel("epoch")
    locator = ax.xaxis.get_major_locator()
    if isinstance(locator, MaxNLocator):
        locator.set_params(integer=True)


def history(record: Any, key: str = "accuracy", ax: Axes | None = None) -> Axes:
    """Draw the training and validation values of one metric over the epochs.

    Args:
        record: A History, or the dictionary that it holds.
        key: The metric's name.
        ax: Where to draw; None makes a new figure.

    Returns:
        The axes drawn on.
    """
    values, ax = getattr(record, "history", record), _axes(ax)
    for i, (name, label) in enumerate(((key, "training"), (f"val_{key}", "validation"))):
        if name in values:
            epochs = np.arange(1, len(values[name]) + 1)
            style = "-" if i == 0 else "--"
            ax.plot(epochs, values[name], style, color=COLOURS[i], marker=MARKERS[i], label=label)
    ax.set_ylabel(LABELS.get(key, key))
    _count_epochs(ax)
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def compare_histories(
    records: Mapping[str, Any], key: str = "val_accuracy", ax: Axes | None = None
) -> Axes:
    """Draw one metric of several trainings over the epochs.

    Args:
        records: A History, or the dictionary that it holds, by the line's name.
        key: The metric's name.
        ax: Where to draw; None makes a new figure.

    Returns:
        The axes drawn on.
    """
    ax = _axes(ax)
    for i, (name, record) in enumerate(records.items()):
        values = getattr(record, "history", record)[key]
        ax.plot(
            np.arange(1, len(values) + 1),
            values,
            "-" if i < 6 else ":",
            color=COLOURS[i % 6],
            marker=MARKERS[i % 6],
            label=name,
        )
    ax.set_ylabel(key.replace("val_", "validation "))
    _count_epochs(ax)
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def contact_sheet(
    images: np.ndarray,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    columns: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Show images side by side.

    Args:
        images: (N, H, W, C), uint8 from 0 to 255 or floats from 0 to 1.
        labels: N classes or other titles; None leaves out the titles.
        class_names: The name of each class; None shows the labels themselves.
        columns: How many images stand in a row.
        ax: Where to draw; None makes a new figure.

    Returns:
        The axes drawn on.
    """
    images = np.asarray(images)
    rows = -(-len(images) // columns)
    height, width, channels = images.shape[1:]
    gap = 8 if labels is not None else 2
    top = np.iinfo(np.uint8).max if images.dtype == np.uint8 else 1.0
    sheet = np.full((rows * (height + gap), columns * (width + 2), channels), top, images.dtype)
    for i, image in enumerate(images):
        y, x = (i // columns) * (height + gap) + gap, (i % columns) * (width + 2)
        sheet[y : y + height, x : x + width] = image
    ax = _axes(ax, (8, min(5.0, 0.85 * rows + 0.3)), left=0, right=1, bottom=0, top=1)
    ax.imshow(sheet.squeeze(), cmap="gray" if channels == 1 else None, interpolation="nearest")
    for i, label in enumerate([] if labels is None else np.ravel(labels)):
        name = class_names[int(label)] if class_names is not None else str(label)
        y, x = (i // columns) * (height + gap) + gap - 1, (i % columns) * (width + 2) + width / 2
        ax.text(x, y, name, ha="center", va="bottom", fontsize=7)
    ax.axis("off")
    kind = "grayscale" if channels == 1 else "color"
    place = "in one row" if rows == 1 else f"in {rows} rows of {columns}"
    size = f"{height} by {width} pixels"
    alternatives.tell(ax, f"{len(images)} {kind} images of {size} {place}.")
    return ax


def class_balance(labels: Any, class_names: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw how many images each class has.

    Args:
        labels: Classes, N integers.
        class_names: The name of each class.
        ax: Where to draw; None makes a new figure.

    Returns:
        The axes drawn on.
    """
    counts, ax = np.bincount(np.ravel(labels), minlength=len(class_names)), _axes(ax)
    ax.barh(np.arange(len(counts)), counts, color=COLOURS[0])
    ax.set_yticks(np.arange(len(counts)), class_names)
    ax.invert_yaxis()
    ax.set(xlabel="images")
    ax.grid(axis="x", alpha=0.3)
    return ax


def prediction(
    image: np.ndarray, probabilities: Any, class_names: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw the probability of each class for one image, with the image beside the bars.

    Args:
        image: (H, W, 3), uint8 from 0 to 255 or floats from 0 to 1.
        probabilities: One for each class, from 0 to 1.
        class_names: The name of each class.
        ax: Where to draw; None makes a new figure.

    Returns:
        The axes drawn on.
    """
    probabilities, ax = np.ravel(probabilities), _axes(ax)
    bars = ax.barh(np.arange(len(probabilities)), probabilities, color=COLOURS[4])
    bars[int(probabilities.argmax())].set_hatch("//")
    ax.set_yticks(np.arange(len(probabilities)), class_names)
    ax.invert_yaxis()
    ax.set(xlabel="probability", xlim=(0, 1.45), xticks=np.linspace(0, 1, 6))
    inset = ax.inset_axes((0.73, 0.3, 0.25, 0.4))
    inset.imshow(image, interpolation="nearest")
    inset.axis("off")
    return ax


def confusion(matrix: np.ndarray, class_names: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw a confusion matrix; up to 20 classes it shows names and counts.

    Args:
        matrix: (K, K), counts of true classes (rows) by predicted classes (columns).
        class_names: The name of each of the K classes.
        ax: Where to draw; None makes a new figure.

    Returns:
        The axes drawn on.
    """
    ax = _axes(ax, (6, 5))
    ax.imshow(matrix, cmap="Greys")
    ax.set(xlabel="predicted class", ylabel="true class")
    if len(class_names) <= 20:
        ticks = np.arange(len(class_names))
        ax.set_xticks(ticks, class_names, rotation=60, ha="right")
        ax.set_yticks(ticks, class_names)
        for (i, j), n in np.ndenumerate(matrix):
            dark = n > matrix.max() / 2
            ax.text(
                j, i, f"{n:g}", ha="center", va="center", color="w" if dark else "k", fontsize=7
            )
    alternatives.tell(ax, partial(_confusions, np.array(matrix), class_names))
    return ax


def _confusions(matrix: np.ndarray, names: Sequence[str]) -> str:
    """What a confusion matrix of counts, or of their square roots, shows, as sentences.

    Args:
        matrix: (K, K), true classes (rows) by predicted classes (columns).
        names: The name of each of the K classes.
    """
    values = np.asarray(matrix, float)
    others = values - np.diag(np.diag(values))
    order = [
        k for k in np.argsort(others, axis=None, kind="stable")[::-1][:4] if others.flat[k] > 0
    ]
    found = [tuple(map(int, np.unravel_index(k, values.shape))) for k in order]
    text = f"Confusion matrix of {len(values)} classes"
    if (values == np.round(values)).all() and values.sum() > 0:
        right = np.trace(values) / values.sum()
        text += (
            f": {right:.0%} of {values.sum():,.0f} images are on the diagonal, so predicted right"
        )
    if not found:
        return f"{text}. No entry off the diagonal is above 0"
    largest = [f"{names[i]} predicted as {names[j]} ({number(values[i, j])})" for i, j in found]
    return f"{text}. The largest entries off the diagonal are {listed(largest)}"
