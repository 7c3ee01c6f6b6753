"""Drawing a batch of random pairs: a search for each pair, against a table made once.

    python benchmarks/pairs.py > benchmarks/results/pairs.txt

*As listed* is the way of the report that 11_siamese follows: for each pair, a partner of the same
class and one of another, each by np.where over labels[range(n)]. *Tidied* searches once a pair
and leaves out the range. The *table* is that assignment's solution; its making is listed. All are
timed in turn in one run on the same labels; no network is involved.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

from autograder import course
from autograder.text import calibrate

LABELS, REPEATS = 40_000, 20


def as_listed(labels: np.ndarray, size: int, fraction: float, seed: int) -> tuple:
    """first, second, alike: positions (size,), positions, float32 of 0 and 1."""
    rng, n = np.random.default_rng(seed), len(labels)
    first = rng.choice(n, size=size, replace=False)
    near = [rng.choice(np.where(labels[range(n)] == labels[f])[0]) for f in first]
    far = [rng.choice(np.where(labels[range(n)] != labels[f])[0]) for f in first]
    same = round(fraction * size)
    return first, np.array(near[:same] + far[same:]), np.float32(np.arange(size) < same)


def tidied(labels: np.ndarray, size: int, fraction: float, seed: int) -> tuple:
    """The same with one search a pair."""
    rng = np.random.default_rng(seed)
    first = rng.choice(len(labels), size=size, replace=False)
    alike = np.arange(size) < round(fraction * size)
    second = [
        rng.choice(np.where((labels == labels[f]) == same)[0])
        for f, same in zip(first, alike, strict=True)
    ]
    return first, np.array(second), np.float32(alike)


def milliseconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return 1_000 * (time.perf_counter() - start)


def main() -> None:
    """Time all ways for three sizes of batches and print medians and ratios."""
    text = course.load().text_path("11_siamese").read_text(encoding="utf-8")
    solution = calibrate.solution(text)
    labels = np.random.default_rng(1).integers(10, size=LABELS)
    index = solution["class_index"](labels)
    making = [milliseconds(lambda: solution["class_index"](labels)) for _ in range(REPEATS)]

    def by_table(labels: np.ndarray, size: int, fraction: float, seed: int) -> tuple:
        return solution["random_pairs"](labels, index, size, fraction, seed)

    print(f"{platform.machine()}, {os.cpu_count()} cores, NumPy {np.__version__}")
    print(f"{LABELS:,} labels of 10 classes, half of the pairs alike, median of {REPEATS}")
    print(f"load average: {os.getloadavg()[0]:.1f}")
    print(f"making the table, once: {statistics.median(making):.2f} ms\n")
    print("pairs   as listed, ms   tidied, ms   table, ms   listed / table   tidied / table")
    for size in (64, 128, 512):
        taken: dict = {as_listed: [], tidied: [], by_table: []}
        for k in range(REPEATS):
            for way, times in taken.items():
                times.append(milliseconds(lambda w=way, n=size, k=k: w(labels, n, 0.5, k)))
        a, b, c = (statistics.median(times) for times in taken.values())
        print(f"{size:>5}{a:>16.1f}{b:>13.2f}{c:>12.4f}{a / c:>17,.0f}{b / c:>17,.0f}")


if __name__ == "__main__":
    main()
