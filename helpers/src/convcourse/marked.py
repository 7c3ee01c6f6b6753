"""Images that show what a function trains on, even if it augments them.

The images to train on have one color each, and those to validate on are checkerboards. Another
brightness, contrast or order of the colors changes neither, nor does mirroring, turning or moving
them. So a check can tell the two kinds apart, and both from all other images::

    given = marked.made(16, 8)
    with watching.watched() as trainings:
        train(network, given.x, given.y, given.val_x, given.val_y)
    for one in trainings:
        given.check(one, "train")
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from convcourse import fitting, watching
from convcourse.outcomes import that

SIZE, CELL = 32, 4  # pixels of an image and of a cell of the checkerboards
MOST_OTHERS = 0.5  # share of the images that may be unlike all that were given
MOST_RELABELED = 0.2  # share of the images that may get another label, as where some are mixed


@dataclass(frozen=True)
class Marked:
    """Images and labels for a function that trains.

    Attributes:
        x: The images to train on, (N, 32, 32, 3) float32 from 0 to 1, no two of them equal.
        y: Their labels, (N, 1), from 0 to 9.
        val_x: The images to validate on.
        val_y: Their labels.
    """

    x: np.ndarray
    y: np.ndarray
    val_x: np.ndarray
    val_y: np.ndarray

    def check(self, one: Any, function: str) -> None:
        """Check what a training used: other images, validation images, wrong labels.

        Args:
            one: The training, as `convcourse.watching.watched` records it.
            function: The function's name, for the message.

        Raises:
            Wrong: If the weights are fitted outside ``fit``, to other images than x or with other
                labels, or if other images than those of the arguments validate.
        """
        watching.by_fit(one, function)
        if _are_images(one.x):
            own, held = _kinds(one.x)
            given = np.mean(own | held) >= 1 - MOST_OTHERS
            that(given, f"{function} fits the weights to other images than its argument x.")
            that(
                not held.any(),
                f"{function} fits the weights to the validation images too: they are there to "
                "choose, not to learn.",
            )
            that(
                self._are_own(one.x, one.y),
                f"{function} trains images with labels that are not their own.",
            )
        if _are_images(one.val_x):
            own, held = _kinds(one.val_x)
            given = np.mean(own | held) >= 1 - MOST_OTHERS
            that(given, f"{function} validates on other images than its arguments hold.")

    def _are_own(self, images: np.ndarray, labels: Any) -> bool:
        """Whether images that were left as they are kept their labels."""
        if np.ndim(labels) == 0 or len(labels) != len(images):
            return True
        rows = np.reshape(labels, (len(labels), -1))
        got = rows.argmax(axis=1) if fitting.is_one_hot(labels) else rows[:, 0]
        where = {image.tobytes(): at for at, image in enumerate(self.x)}
        at = np.array([where.get(image.tobytes(), -1) for image in images.astype(self.x.dtype)])
        wrong = got[at >= 0] != self.y[at[at >= 0], 0]
        return bool(wrong.sum() <= MOST_RELABELED * len(images))


def made(count: int, held: int, seed: int = 0) -> Marked:
    """Draw images to train on and images to validate on.

    Args:
        count: How many images to train on.
        held: How many images to validate on.
        seed: Which ones.
    """
    rng = np.random.default_rng(seed)
    x = np.zeros((count, SIZE, SIZE, 3), np.float32)
    x[..., 0] = rng.uniform(0.4, 0.95, (count, 1, 1))
    rows, columns = np.indices((SIZE, SIZE)) // CELL
    val_x = np.zeros((held, SIZE, SIZE, 3), np.float32)
    val_x[..., 1] = (rows + columns) % 2 * rng.uniform(0.5, 0.95, (held, 1, 1))
    y, val_y = (rng.permutation(n)[:, None] % 10 for n in (count, held))
    return Marked(x, y, val_x, val_y)


def _are_images(images: Any) -> bool:
    whole = isinstance(images, np.ndarray) and images.ndim == 4 and len(images) > 0
    return whole and min(images.shape[1:3]) >= SIZE // 2


def _kinds(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which images are made of those to train on, and which of those to validate on."""
    color, steps = images.mean(axis=(1, 2)), _steps(images)
    red = color[:, 0] > 2 * color[:, 1:].sum(axis=1)
    green = color[:, 1] > 2 * (color[:, 0] + color[:, 2:].sum(axis=1))
    return red | (steps < 0.01), _are_checkered(images) | (green & (steps > 0.07))


def _steps(images: np.ndarray) -> np.ndarray:
    """How much neighboring cells of each image differ, in most places.

    For an image of one color that is nothing, even with an edge or a hole, and little with noise.
    """
    rows, columns = (size // CELL for size in images.shape[1:3])
    cells = images[:, : rows * CELL, : columns * CELL].reshape(
        -1, rows, CELL, columns, CELL, images.shape[3]
    )
    means = cells.mean(axis=(2, 4))
    sides = [np.abs(np.diff(means, axis=axis)).max(axis=-1) for axis in (1, 2)]
    return np.max([np.median(side.reshape(len(side), -1), axis=1) for side in sides], axis=0)


def _are_checkered(images: np.ndarray) -> np.ndarray:
    """Whether four waves hold much of an image: they make a checkerboard, wherever it begins."""
    power = np.abs(np.fft.fft2(images, axes=(1, 2))) ** 2
    power[:, 0, 0] = 0
    at = SIZE // (2 * CELL)
    waves = power[:, [at, at, -at, -at], [at, -at, at, -at]].sum(axis=(1, 2))
    return waves > 0.25 * np.maximum(power.sum(axis=(1, 2, 3)), 1e-6)
