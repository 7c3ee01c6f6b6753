"""The generated images: how fast they are made, and what networks learn from them.

    python benchmarks/shapes.py measure shapes.jsonl [ROW ...]
    python benchmarks/shapes.py report shapes.jsonl > benchmarks/results/shapes.txt

`measure` trains every row of the two tables with seeds 1 to 5, images and weights alike, and adds
a line to the file after each training; what is there already is not done again, so it can be
stopped at any time. `report` prints the tables and compares the speed on one core with Pillow
drawing images of the same kind.
"""

import functools
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image, ImageDraw

from convcourse import shapes

SEEDS = range(1, 6)
BATCH = 64

# ---------------------------------------------------------------------- what is trained


def network(
    convolutions: int = 3,
    dropout: float = 0.0,
    l2: float = 0.0,
    batch_norm: bool = False,
    activation: str | None = "relu",
    augment: tuple[str, ...] = (),
):
    """NET I, with fewer convolutions or with something added."""
    import keras

    layers = keras.layers
    change = {
        "flip": lambda: layers.RandomFlip("horizontal"),
        "shift": lambda: layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
        "vertical flip": lambda: layers.RandomFlip("vertical"),
    }
    penalty = {"kernel_regularizer": keras.regularizers.L2(l2)} if l2 else {}
    net = keras.Sequential([layers.Input((32, 32, 3))])
    for name in augment:
        net.add(change[name]())
    for filters in (32, 64, 64)[:convolutions]:
        net.add(layers.Conv2D(filters, 3, **penalty))
        if batch_norm:
            net.add(layers.BatchNormalization(momentum=0.9))
        net.add(layers.Activation(activation))
        net.add(layers.MaxPooling2D(2))
    net.add(layers.Flatten())
    net.add(layers.Dense(512, activation=activation, **penalty))
    if dropout:
        net.add(layers.Dropout(dropout))
    net.add(layers.Dense(10, activation="softmax", **penalty))
    return net


def softmax_on_pixels():
    """A linear classifier."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [layers.Input((32, 32, 3)), layers.Flatten(), layers.Dense(10, activation="softmax")]
    )


Net = functools.partial
FLIP_SHIFT = ("flip", "shift")
# Each row: the network, and what else differs.
SEPARATIONS: dict[str, tuple[Callable, dict]] = {
    "NET I": (Net(network), {}),
    "with dropout 0.5": (Net(network, dropout=0.5), {}),
    "with batch norm": (Net(network, batch_norm=True), {}),
    "two conv layers": (Net(network, convolutions=2), {}),
    "without ReLU": (Net(network, activation=None), {}),
    "one conv layer": (Net(network, convolutions=1), {}),
    "two dense layers": (Net(network, convolutions=0), {}),
    "softmax on pixels": (softmax_on_pixels, {}),
    "pixels 0 to 255": (Net(network), {"scale": 1.0}),
    "learning rate 0.01": (Net(network), {"learning_rate": 0.01}),
    "learning rate 0.00001": (Net(network), {"learning_rate": 0.00001}),
    "labels shuffled": (Net(network), {"shuffled": True}),
}
OVERFITTING: dict[str, tuple[Callable, dict]] = {
    "plain": (Net(network), {}),
    "flip and shift": (Net(network, augment=FLIP_SHIFT), {}),
    "vertical flip": (Net(network, augment=("vertical flip",)), {}),
    "dropout 0.5": (Net(network, dropout=0.5), {}),
    "L2 0.005": (Net(network, l2=0.005), {}),
    "batch norm": (Net(network, batch_norm=True), {}),
}
TABLES = {
    "separations": (SEPARATIONS, {"images": 5_000, "epochs": 10}),
    "overfitting": (OVERFITTING, {"images": 1_000, "epochs": 30}),
}


def train(
    build: Callable,
    seed: int,
    images: int,
    epochs: int,
    scale: float = 1 / 255,
    learning_rate: float = 0.001,
    shuffled: bool = False,
) -> dict[str, float]:
    """Accuracies on test and training images, and the seconds of training."""
    import keras

    keras.utils.set_random_seed(seed)
    (x, y), (x_test, y_test) = shapes.load_shapes10(images, 2_000, seed)
    x, x_test = (np.float32(part) * np.float32(scale) for part in (x, x_test))
    if shuffled:
        y = np.random.default_rng(seed).permutation(y)
    net = build()
    adam = keras.optimizers.Adam(learning_rate)
    net.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    start = time.perf_counter()
    net.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0)
    seconds = time.perf_counter() - start
    test, train = (net.evaluate(*part, verbose=0)[1] for part in ((x_test, y_test), (x, y)))
    return {"test": test, "train": train, "seconds": seconds}


def measure(file: Path, wanted: list[str]) -> None:
    """Do what the file lacks; ``wanted`` are rows, all of them where there is none."""
    done = {(line["table"], line["row"], line["seed"]) for line in lines(file)}
    for table, (rows, settings) in TABLES.items():
        for row, (build, changes) in rows.items():
            for seed in SEEDS:
                if (table, row, seed) in done or (wanted and row not in wanted):
                    continue
                found = train(build, seed, **settings, **changes)
                note = {"table": table, "row": row, "seed": seed, **found}
                with file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(note) + "\n")


def lines(file: Path) -> list[dict]:
    """What was measured so far."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


# ---------------------------------------------------------------------- Pillow, for comparison


def with_pillow(n: int, seed: int = 0) -> np.ndarray:
    """n images of the same kind, (n, 32, 32, 3) uint8, drawn one by one with Pillow.

    A disc or a polygon, drawn four times too large and reduced for its soft edge, on a texture of
    two scales with five bars, sometimes behind another, with noise.
    """
    rng = np.random.default_rng(seed)
    return np.stack([_with_pillow(rng) for _ in range(n)])


def _with_pillow(rng: np.random.Generator) -> np.ndarray:
    coarse, fine = (rng.integers(60, 200, (k, k, 3), np.uint8) for k in (5, 9))
    image = Image.blend(*(Image.fromarray(p).resize((32, 32)) for p in (coarse, fine)), 0.5)
    draw = ImageDraw.Draw(image)
    for _ in range(5):
        draw.line(_ends(rng), fill=_colour(rng), width=int(rng.integers(1, 4)))
    mask = Image.new("L", (128, 128))
    radius, (x, y) = rng.uniform(32, 52), rng.uniform(48, 80, 2)
    corners = int(rng.integers(2, 9))
    if corners == 2:
        ImageDraw.Draw(mask).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    else:
        angle = rng.uniform(-0.5, 0.5)
        ImageDraw.Draw(mask).regular_polygon((x, y, radius), corners, angle * 57.3, fill=255)
    image.paste(_colour(rng), mask=mask.reduce(4))
    if rng.random() < 0.3:
        draw.line(_ends(rng), fill=_colour(rng), width=3)
    noise = rng.normal(0, rng.uniform(2, 12), (32, 32, 3))
    return np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)


def _ends(rng: np.random.Generator) -> list[float]:
    return rng.uniform(0, 32, 4).tolist()


def _colour(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(rng.integers(0, 256, 3).tolist())


def images_a_second(make: Callable[[int], object], n: int, repeats: int = 5) -> list[float]:
    """By processor time, so that other work on the machine does not count."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        make(n)
        found.append(n / (time.process_time() - start))
    return found


# ---------------------------------------------------------------------- the report


def report(file: Path) -> None:
    """Print speed and tables."""
    from importlib.metadata import version

    packages = ("numpy", "pillow", "tensorflow", "keras")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    print("\nImages a second on one core, median [lowest, highest] of 5 in one run")
    speeds = {
        "shapes10": images_a_second(shapes.shapes10, 5_000),
        "shapes100": images_a_second(shapes.shapes100, 5_000),
        "Pillow, images of the same kind": images_a_second(with_pillow, 1_000),
    }
    for name, values in speeds.items():
        print(f"{name:<34}{_rounded(values)}")
    pillow = statistics.median(speeds["Pillow, images of the same kind"])
    print(f"{'ratio':<34}{statistics.median(speeds['shapes10']) / pillow:.1f}")
    _tables(lines(file))


def _rounded(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f} [{min(values):,.0f}, {max(values):,.0f}]"


def _tables(measured: list[dict]) -> None:
    print("\nTrainings: two threads, Adam, batches of 64, 2,000 test images; images and weights")
    print(f"with seeds {SEEDS[0]} to {SEEDS[-1]}, mean [lowest, highest]; no figure is of one seed")
    for table, (rows, settings) in TABLES.items():
        print(f"\n{settings['images']:,} images of shapes10, {settings['epochs']} epochs")
        print(f"{'':<24}{'test accuracy':<24}{'training accuracy':<24}{'gap':<24}seconds")
        for row in rows:
            found = [one for one in measured if (one["table"], one["row"]) == (table, row)]
            if not found:
                continue
            gaps = [one["train"] - one["test"] for one in found]
            columns = [[one["test"] for one in found], [one["train"] for one in found], gaps]
            seconds = statistics.median(one["seconds"] for one in found)
            few = "" if len(found) == len(SEEDS) else f"  {len(found)} seeds only"
            print(f"{row:<24}{''.join(f'{_spread(c):<24}' for c in columns)}{seconds:.0f}{few}")


def _spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}]"


if __name__ == "__main__":
    verb, place, *rest = sys.argv[1:]
    if verb == "measure":
        measure(Path(place), rest)
    else:
        report(Path(place))
