"""Every figure of the course. Each function draws on an ``Axes`` and returns it.

Lines differ by style and marker, not by colour alone, so that a print in black and white reads.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P")
LABELS = {"accuracy": "accuracy", "loss": "loss (cross-entropy)"}


def _axes(ax: Axes | None, size: tuple[float, float] = (7, 4), **place: float) -> Axes:
    """The axes given, or those of a new figure of ``size`` inches, at ``place`` in it.

    A notebook crops a figure to what is on it. So one axes needs no layout engine, which would
    take two fifths of the time of drawing it.
    """
    return ax if ax is not None else plt.subplots(figsize=size, gridspec_kw=place)[1]


def history(record: Any, key: str = "accuracy", ax: Axes | None = None) -> Axes:
    """Training and validation values of one metric over the epochs.

    ``record`` is a History or the dictionary that it holds.
    """
    values, ax = getattr(record, "history", record), _axes(ax)
    for i, (name, label) in enumerate(((key, "training"), (f"val_{key}", "validation"))):
        if name in values:
            epochs = np.arange(1, len(values[name]) + 1)
            style = "-" if i == 0 else "--"
            ax.plot(epochs, values[name], style, color=COLOURS[i], marker=MARKERS[i], label=label)
    ax.set(xlabel="epoch", ylabel=LABELS.get(key, key))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def compare_histories(
    records: Mapping[str, Any], key: str = "val_accuracy", ax: Axes | None = None
) -> Axes:
    """One metric of several trainings over the epochs, a line for each name."""
    ax = _axes(ax)
    for i, (name, record) in enumerate(records.items()):
        values = getattr(record, "history", record)[key]
        look = {
            "color": COLOURS[i % 6],
            "marker": MARKERS[i % 6],
            "linestyle": "-" if i < 6 else ":",
        }
        ax.plot(np.arange(1, len(values) + 1), values, label=name, **look)
    ax.set(xlabel="epoch", ylabel=key.replace("val_", "validation "))
    ax.xaxis.get_major_locator().set_params(integer=True)
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
    """Images ``(N, H, W, C)`` side by side on one axes; a title for each where labels are given."""
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
    return ax


def class_balance(labels: Any, class_names: Sequence[str], ax: Axes | None = None) -> Axes:
    """How many images each class has."""
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
    """The probability of each class for one image; the image stands beside the bars."""
    probabilities, ax = np.ravel(probabilities), _axes(ax)
    bars = ax.barh(np.arange(len(probabilities)), probabilities, color=COLOURS[4])
    bars[int(probabilities.argmax())].set_hatch("//")
    ax.set_yticks(np.arange(len(probabilities)), class_names)
    ax.invert_yaxis()
    ax.set(xlabel="probability", xlim=(0, 1.45), xticks=np.linspace(0, 1, 6))
    inset = ax.inset_axes([0.73, 0.3, 0.25, 0.4])
    inset.imshow(image, interpolation="nearest")
    inset.axis("off")
    return ax


def confusion(matrix: np.ndarray, class_names: Sequence[str], ax: Axes | None = None) -> Axes:
    """A confusion matrix (true classes down, predicted across); counts are written up to 20."""
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
    return ax
