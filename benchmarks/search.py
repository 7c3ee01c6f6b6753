"""One trial of a search over heads: on frozen features, against training the whole network.

    python benchmarks/search.py > benchmarks/results/search.txt

Both train the same head for the same 10 epochs on the same images; the frozen way computes the
convolutions' output once for the whole search, and that time is listed.
"""

import os
import platform
import statistics
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np

from convcourse import features, shapes

IMAGES, EPOCHS, REPEATS = 2_000, 10, 3


def base() -> keras.Model:
    """The convolutions of the three-block net, with a quarter of its filters."""
    net = keras.Sequential([keras.layers.Input((32, 32, 3))])
    for filters in (8, 16, 32):
        net.add(keras.layers.Conv2D(filters, 3, padding="same"))
        net.add(keras.layers.BatchNormalization(momentum=0.9))
        net.add(keras.layers.ReLU())
        net.add(keras.layers.MaxPooling2D())
    net.add(keras.layers.Flatten(name="flatten"))
    return net


def trial(model: keras.Model, x: np.ndarray, y: np.ndarray) -> float:
    """Seconds of one trial, compiling included."""
    start = time.perf_counter()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=256, epochs=EPOCHS, verbose=0)
    return time.perf_counter() - start


def main() -> None:
    """Time both ways in turn and print the medians and their ratio."""
    keras.utils.set_random_seed(1)
    x, y = shapes.shapes10(IMAGES)
    x = np.float32(x) / 255
    frozen, whole = [], []
    start = time.perf_counter()
    convolutions = base()
    rows = features.activations(convolutions, "flatten", x)
    once = time.perf_counter() - start
    for _ in range(REPEATS):
        layers = [keras.layers.Dense(128, "relu"), keras.layers.Dense(10, "softmax")]
        head = keras.Sequential([keras.layers.Input(rows.shape[1:]), *layers])
        frozen.append(trial(head, rows, y))
        layers = [keras.layers.Dense(128, "relu"), keras.layers.Dense(10, "softmax")]
        whole.append(trial(keras.Sequential([base(), *layers]), x, y))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Keras {keras.__version__}, seed 1")
    print(f"{IMAGES} images, {EPOCHS} epochs, median of {REPEATS}")
    print(f"features, once for a search     {once:6.2f} s")
    print(f"a trial on frozen features      {statistics.median(frozen):6.2f} s")
    print(f"a trial on the whole network    {statistics.median(whole):6.2f} s")
    ratio = statistics.median(whole) / statistics.median(frozen)
    print(f"ratio                           {ratio:6.1f}")


if __name__ == "__main__":
    main()
