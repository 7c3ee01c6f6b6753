"""One convolution in three ways: loops over pixels, sliding_window_view, and Keras.

    python benchmarks/convolution.py > benchmarks/results/convolution.txt

All three run the first layer of the MNIST net (28 filters of 3 x 3, no padding) on the same
images, in turn, in one process that is bound to one core. Seconds are of processor time, so that
other programs do not count. The first two ways are the answers of course/02_convolution.py; the
outputs are compared before the clock starts.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np

from autograder.text import calibrate
from autograder.text.authoring import read_cells

COURSE = Path(__file__).resolve().parents[1] / "course" / "02_convolution.py"
BATCHES, ROUNDS = (1, 32), 5


def answers() -> dict[str, Callable]:
    """The notebook's conv2d_loops and conv2d, and the padding that it gives."""
    text = COURSE.read_text(encoding="utf-8")
    names = calibrate.solution(text)
    given = next(c.source for c in read_cells(text) if c.source.startswith("def pad("))
    exec(given[: given.index("print(")], names)
    return names


def fastest(function: Callable[[], object], calls: int) -> float:
    """Seconds of processor time of the fastest of several calls."""
    taken = []
    for _ in range(calls):
        start = time.process_time()
        function()
        taken.append(time.process_time() - start)
    return min(taken)


def ways(images: int) -> dict[str, Callable[[], np.ndarray]]:
    """The three ways on the same float32 arrays, checked against each other."""
    rng, names = np.random.default_rng(1), answers()
    x = rng.uniform(size=(images, 28, 28, 1)).astype(np.float32)
    w = rng.normal(size=(3, 3, 1, 28)).astype(np.float32)
    b = rng.normal(size=28).astype(np.float32)
    layer = keras.layers.Conv2D(28, 3)
    layer.build(x.shape)
    layer.set_weights([w, b])
    made = {
        "loops": lambda: names["conv2d_loops"](x, w, b),
        "sliding_window_view": lambda: names["conv2d"](x, w, b),
        "Keras, Conv2D called": lambda: np.asarray(layer(x)),
    }
    for way in list(made)[1:]:
        np.testing.assert_allclose(made[way](), made["loops"](), rtol=1e-3, atol=1e-4)
    return made


def main() -> None:
    """Time the ways in turn, several rounds; print medians and ratios."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{platform.platform()}, {_processor()}, one of {os.cpu_count()} cores")
    packages = ("numpy", "tensorflow", "keras")
    print(
        f"Python {platform.python_version()}, " + ", ".join(f"{p} {version(p)}" for p in packages)
    )
    print(f"28 filters of 3 x 3 on 28 x 28 x 1 float32, seed 1, median of {ROUNDS} rounds")
    for images in BATCHES:
        made = ways(images)
        taken: dict[str, list[float]] = {way: [] for way in made}
        for _ in range(ROUNDS):
            for way, function in made.items():
                taken[way].append(fastest(function, 1 if way == "loops" else 10))
        loops = statistics.median(taken["loops"])
        print(f"\n{images} {'image' if images == 1 else 'images'}")
        for way, seconds in taken.items():
            median = statistics.median(seconds)
            print(f"{way:<22}{median * 1e3:10.3f} ms   ratio to loops {loops / median:8.0f}")
    print(f"\nload average at the end: {os.getloadavg()[0]:.1f}")


def _processor() -> str:
    """The processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


if __name__ == "__main__":
    main()
