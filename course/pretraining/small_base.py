"""Make helpers/src/convcourse/small_base.npz: train the small base on shapes100.

    python course/pretraining/small_base.py [FILE]

The script uses one thread, fixed seeds and TensorFlow's deterministic operations, so the same
versions on the same kind of processor write the same bytes. It prints the figures and the
checksum, which are recorded in small_base.toml and in helpers/src/convcourse/pretrained.py.
"""

import hashlib
import os
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

from convcourse import pretrained, shapes

IMAGES, TEST_IMAGES = 40_000, 4_000
EPOCHS, BATCH = 8, 64
SEED = 100  # for the images and the training; the notebooks use images of seed 0


def deterministic(seed: int) -> None:
    """Use one thread and fixed seeds; call this before the first TensorFlow operation."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def pretrain(images: int, epochs: int, seed: int = SEED) -> tuple[keras.Model, dict]:
    """Train the base; return it and the figures to record, such as each channel's mean."""
    x, y, _ = shapes.shapes100(images, seed=seed)
    mean = np.round(x.mean(axis=(0, 1, 2), dtype=np.float64), 1)
    scale = np.round(x.std(axis=(0, 1, 2), dtype=np.float64), 1)
    keras.utils.set_random_seed(seed)
    base = pretrained.small_network()
    head = [keras.layers.Flatten(), keras.layers.Dense(100, activation="softmax")]
    net = keras.Sequential([base, *head])
    steps = epochs * (images // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - steps // 10, warmup_target=0.001, warmup_steps=steps // 10
    )
    net.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    prepared = np.float32((x - mean) / scale)
    made = net.fit(prepared, y, batch_size=BATCH, epochs=epochs, verbose=2)
    xt, yt, _ = shapes.shapes100(TEST_IMAGES, split=1, seed=seed)
    result = net.evaluate(np.float32((xt - mean) / scale), yt, verbose=0, return_dict=True)
    return base, {
        "mean": mean,
        "scale": scale,
        "training accuracy": made.history["accuracy"][-1],
        "test accuracy": result["accuracy"],
    }


def write(base: keras.Model, figures: dict, to: Path) -> str:
    """Write the weights in half precision and return the file's SHA-256.

    numpy.savez dates every array 1980, so equal weights give equal files.
    """
    arrays = {f"weight_{k:02d}": np.float16(w) for k, w in enumerate(base.get_weights())}
    np.savez(to, mean=figures["mean"], scale=figures["scale"], **arrays)
    return hashlib.sha256(to.read_bytes()).hexdigest()


def main(to: Path) -> None:
    deterministic(SEED)
    start = time.perf_counter()
    base, figures = pretrain(IMAGES, EPOCHS)
    checksum = write(base, figures, to)
    for key, value in figures.items():
        print(f"{key}: {value}")
    print(f"{base.count_params():,} parameters, {to.stat().st_size:,} bytes")
    print(f"{time.perf_counter() - start:.0f} s, TensorFlow {tf.__version__}")
    print(f"sha256: {checksum}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else pretrained.WEIGHTS)
