"""shapes10 and shapes100: generated images that stand in for CIFAR-10 and CIFAR-100.

* shapes10 has ten shapes as classes. shapes100 has twenty others as superclasses, each with five
  fills, which makes a hundred classes. The two share no shape, so that transfer learning from one
  to the other is a fair test.
* Each image shows one shape with a random place, size, rotation, aspect and colors in front of a
  textured background with clutter, sometimes behind a bar. Only the shape and the fill depend on
  the class. `convcourse.shapes.rendering` draws the images, `convcourse.shapes.distances` has the
  shapes.
* Image i of a seed and split is the same to the byte on every machine, in any order and any number
  of images: its random numbers are hashes (`convcourse.shapes.hashing`), and its pixels are made
  with operations that IEEE 754 rounds once.
* Types and array shapes are those of ``keras.datasets``. Classes are balanced: with K classes, each
  block of K labels holds every class once.
"""

from dataclasses import dataclass

import numpy as np

from convcourse.shapes.hashing import image_keys
from convcourse.shapes.rendering import FILLS as FILL_PATTERNS
from convcourse.shapes.rendering import SIZE, render

CLASSES10 = (
    *("disc", "ring", "square", "triangle", "cross"),
    *("star", "crescent", "heart", "arrow", "stripes"),
)
SUPERCLASSES = (
    *("diamond", "frame", "saltire", "hexagon", "tee"),
    *("ell", "cup", "aitch", "hourglass", "half-disc"),
    *("chevron", "pill", "drop", "pair", "dots"),
    *("zigzag", "lens", "open disc", "house", "arch"),
)
FILLS = tuple(FILL_PATTERNS)
CLASSES100 = tuple(f"{fill} {shape}" for shape in SUPERCLASSES for fill in FILLS)

CHUNK = 128  # images drawn together: as many as the processor's cache holds


@dataclass(frozen=True)
class _Set:
    """``number`` is hashed: it keeps the two sets' random numbers apart."""

    number: int
    shapes: tuple[str, ...]
    fills: int

    @property
    def classes(self) -> int:
        return len(self.shapes) * self.fills


# Images and classes by set, split and seed.
_kept: dict[tuple[int, int, int], tuple[np.ndarray, np.ndarray]] = {}

SHAPES10 = _Set(10, CLASSES10, fills=1)
SHAPES100 = _Set(100, SUPERCLASSES, fills=len(FILLS))


def shapes10(
    n: int, split: int = 0, seed: int = 0, start: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Generate images of shapes10.

    Args:
        n: How many images.
        split: 0 for training images, 1 for test images.
        seed: Another seed gives other images.
        start: The index of the first image.

    Returns:
        Images, (n, 32, 32, 3) uint8, and their classes, (n, 1) uint8. `CLASSES10` names the
        classes. Each block of ten images holds every class once.

    Example:
        >>> x, y = shapes10(20)
        >>> x.shape, y.shape, sorted(y[:10, 0].tolist()) == list(range(10))
        ((20, 32, 32, 3), (20, 1), True)
    """
    x, y = _make(SHAPES10, n, split, seed, start)
    return x, _column(y)


def shapes100(
    n: int, split: int = 0, seed: int = 0, start: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Generate images of shapes100.

    Args:
        n: How many images.
        split: 0 for training images, 1 for test images.
        seed: Another seed gives other images.
        start: The index of the first image.

    Returns:
        Images, (n, 32, 32, 3) uint8, their classes and their superclasses, both (n, 1) uint8.
        A superclass is one of twenty shapes (`SUPERCLASSES`), a class is a shape with one of five
        fills (`CLASSES100`).
    """
    x, y = _make(SHAPES100, n, split, seed, start)
    return x, _column(y), _column(y // len(FILLS))


def load_shapes10(
    n_train: int = 5_000, n_test: int = 2_000, seed: int = 0
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Generate shapes10 in the form of ``keras.datasets.cifar10.load_data()``.

    Args:
        n_train: How many training images.
        n_test: How many test images.
        seed: Another seed gives other images.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, as `shapes10` has them.
    """
    return shapes10(n_train, 0, seed), shapes10(n_test, 1, seed)


def _column(labels: np.ndarray) -> np.ndarray:
    return labels.astype(np.uint8)[:, None]


def keep(n_train: int, n_test: int) -> None:
    """Draw the first images of shapes10 once, for this process and those forked from it.

    `shapes10` then copies them instead of drawing them again.

    Args:
        n_train: How many training images.
        n_test: How many test images.
    """
    for split, n in enumerate((n_train, n_test)):
        _kept[SHAPES10.number, split, 0] = _draw(SHAPES10, n, split, 0, 0)


def _make(kind: _Set, n: int, split: int, seed: int, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 32, 32, 3) uint8 and classes (n,)."""
    kept = _kept.get((kind.number, split, seed))
    if kept is not None and start + n <= len(kept[1]):
        images, classes = (part[start : start + n].copy() for part in kept)
        return images, classes
    return _draw(kind, n, split, seed, start)


def _draw(kind: _Set, n: int, split: int, seed: int, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of one shape are drawn together."""
    y = _classes(kind, start + n, split, seed)[start:]
    keys = image_keys(kind.number, seed, split, np.arange(start, start + n))
    x = np.empty((n, SIZE, SIZE, 3), np.uint8)
    for number, shape in enumerate(kind.shapes):
        chosen = np.nonzero(y // kind.fills == number)[0]
        for i in range(0, len(chosen), CHUNK):
            part = chosen[i : i + CHUNK]
            fill = y[part] % kind.fills if kind.fills > 1 else None
            x[part] = render(keys[part], shape, fill)
    return x, y


def _classes(kind: _Set, n: int, split: int, seed: int) -> np.ndarray:
    """The first n classes: each block of all classes is sorted by hashed keys of its own."""
    blocks = -(-n // kind.classes)
    keys = image_keys(kind.number + 1000, seed, split, np.arange(blocks * kind.classes))
    order = np.argsort(keys.reshape(blocks, kind.classes), axis=1, kind="stable")
    return order.reshape(-1)[:n]
