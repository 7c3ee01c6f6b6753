"""shapes10 and shapes100: generated images that stand in for CIFAR-10 and CIFAR-100.

* shapes10 has ten shapes as classes. shapes100 has twenty others as superclasses, each with five
  fills, which makes a hundred classes. The two share no shape, so that what is learnt on one can
  be transferred to the other honestly.
* Each image shows one shape of random place, size, rotation, aspect and colours before a textured
  background with clutter, sometimes behind a bar; nothing of this tells the class. How it is
  drawn is in `convcourse.shapes.rendering`, the shapes are in `convcourse.shapes.distances`.
* Image i of a seed and split is the same to the byte on every machine, in whatever order and
  however many are asked for: its random numbers are hashes (`convcourse.shapes.hashing`), its
  pixels are made with operations that IEEE 754 rounds once.
* Types and shapes are those of ``keras.datasets``, and classes are balanced: of the labels, each
  block of as many as there are classes holds every class once.
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


_kept: dict[tuple[int, int, int], tuple] = {}  # x and y by number, split and seed

SHAPES10 = _Set(10, CLASSES10, fills=1)
SHAPES100 = _Set(100, SUPERCLASSES, fills=len(FILLS))


def shapes10(
    n: int, split: int = 0, seed: int = 0, start: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Images ``start`` to ``start + n`` of a split (0 training, 1 test).

    Returns x: (n, 32, 32, 3) uint8 and y: (n, 1) uint8, classes as in `CLASSES10`, balanced in
    every block of ten.
    """
    x, y = _make(SHAPES10, n, split, seed, start)
    return x, _column(y)


def shapes100(
    n: int, split: int = 0, seed: int = 0, start: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Like `shapes10` with 100 classes: x, fine labels and superclasses, each (n, 1) uint8.

    The fine class, as in `CLASSES100`, is a superclass (one of twenty shapes) with one of five
    fills.
    """
    x, y = _make(SHAPES100, n, split, seed, start)
    return x, _column(y), _column(y // len(FILLS))


def load_shapes10(n_train: int = 5_000, n_test: int = 2_000, seed: int = 0) -> tuple:
    """``(x_train, y_train), (x_test, y_test)`` as ``keras.datasets.cifar10.load_data`` gives."""
    return shapes10(n_train, 0, seed), shapes10(n_test, 1, seed)


def _column(labels: np.ndarray) -> np.ndarray:
    return labels.astype(np.uint8)[:, None]


def keep(n_train: int, n_test: int) -> None:
    """Draw the first images of shapes10 once, for a process that others are forked from.

    There, and in this one, they are copied instead of drawn.
    """
    for split, n in enumerate((n_train, n_test)):
        _kept[SHAPES10.number, split, 0] = _draw(SHAPES10, n, split, 0, 0)


def _make(kind: _Set, n: int, split: int, seed: int, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 32, 32, 3) uint8 and classes (n,)."""
    x, y = _kept.get((kind.number, split, seed), ((), ()))
    if start + n <= len(y):
        return x[start : start + n].copy(), y[start : start + n].copy()
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
