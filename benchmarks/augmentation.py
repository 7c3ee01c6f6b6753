"""Augmented images a second: Keras layers in tf.data, against the older ImageDataGenerator.

    python benchmarks/augmentation.py > benchmarks/results/augmentation.txt

Both flip, shift by 0.1 and rotate by up to 15 degrees, fill with the nearest pixel, and hand out
shuffled batches of 128 images of 32 x 32 pixels with their labels. They run in turn.
"""

import os
import platform
import statistics
import time
from collections.abc import Iterable
from itertools import islice

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

from convcourse import shapes

IMAGES, BATCH, REPEATS = 4_096, 128, 5


def layers() -> keras.Model:
    """The three transformations as layers."""
    return keras.Sequential(
        [
            keras.layers.Input((32, 32, 3)),
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
            keras.layers.RandomRotation(15 / 360, fill_mode="nearest"),
        ]
    )


def dataset(x: np.ndarray, y: np.ndarray) -> tf.data.Dataset:
    """The layers in a pipeline; several threads prepare batches ahead."""
    augmentation = layers()
    return (
        tf.data.Dataset.from_tensor_slices((x, y))
        .shuffle(IMAGES)
        .batch(BATCH)
        .map(lambda a, b: (augmentation(a, training=True), b), tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )


def generator(x: np.ndarray, y: np.ndarray) -> Iterable:
    """The same with ImageDataGenerator, one pass over the images."""
    made = tf.keras.preprocessing.image.ImageDataGenerator(
        rotation_range=15,
        width_shift_range=0.1,
        height_shift_range=0.1,
        horizontal_flip=True,
        fill_mode="nearest",
    )
    return islice(made.flow(x, y, batch_size=BATCH), IMAGES // BATCH)


def rate(batches: Iterable) -> float:
    """Images a second of one pass; the first batch, which starts the pipeline, is left out."""
    batches = iter(batches)
    next(batches)
    start = time.perf_counter()
    images = sum(len(x) for x, _ in batches)
    return images / (time.perf_counter() - start)


def main() -> None:
    """Time both ways in turn; print medians with lowest and highest, and the ratio."""
    keras.utils.set_random_seed(1)
    x, y = shapes.shapes10(IMAGES)
    x = np.float32(x) / 255
    pipeline = dataset(x, y)
    rate(pipeline)  # the first pass traces the layers
    found: dict[str, list[float]] = {"layers": [], "generator": []}
    for _ in range(REPEATS):
        found["layers"].append(rate(pipeline))
        found["generator"].append(rate(generator(x, y)))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Keras {keras.__version__}, seed 1")
    print(f"load average at the end: {os.getloadavg()[0]:.1f}")
    print(f"{IMAGES:,} images, batches of {BATCH}; images a second, median [lowest, highest]")
    for name, title in (
        ("layers", "Keras layers in tf.data"),
        ("generator", "ImageDataGenerator"),
    ):
        values = found[name]
        spread = f"[{min(values):,.0f}, {max(values):,.0f}]"
        print(f"{title:<26}{statistics.median(values):>9,.0f}  {spread}")
    ratio = statistics.median(found["layers"]) / statistics.median(found["generator"])
    print(f"ratio: {ratio:.1f}")


if __name__ == "__main__":
    main()
