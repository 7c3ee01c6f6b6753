"""A thousand submissions in one run: does memory grow, does a submission take longer?

    python benchmarks/large_class.py [SUBMISSIONS] > benchmarks/results/large_class.txt

The assignment is the smallest there can be (one function, one hidden check), so that what is seen
is the grader's own: the memory of its process, of its workers and of the warm server with all that
is forked from it, a line for each tenth of the class. A fifth of the class is the same submission
with 200 kB of text in it.
"""

import collections
import importlib
import os
import platform
import sys
import tempfile
import time
import warnings
from pathlib import Path

import psutil

from autograder.run import grade
from autograder.run.workers import usable_cores

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "autograder"))
tiny = importlib.import_module("tiny")


def make(root: Path, students: int) -> Path:
    """A course folder with so many submissions."""
    tiny.make(root, students)
    long = tiny.notebook(tiny.ANSWERS[0] + "\n# " + 200_000 * "x")
    for path in sorted((root / "submitted").glob("*/*/*.ipynb"))[::5]:
        path.write_text(long)
    return root


class Watch:
    """Prints a line whenever another tenth is done."""

    def __init__(self, students: int) -> None:
        self.step, self.next = max(1, students // 10), 0
        self.start = self.last = time.perf_counter()

    def __call__(self, event: grade.Progress) -> None:
        if event.done < self.next:
            return
        self.next = event.done + self.step
        now = time.perf_counter()
        own = psutil.Process().memory_full_info().pss / 1e6
        others = sum(_pss(child) for child in psutil.Process().children(recursive=True)) / 1e6
        print(f"{event.done:>6} {now - self.last:>10.1f} {own:>14.0f} {others:>16.0f}", flush=True)
        self.last = now


def _pss(process: psutil.Process) -> int:
    try:
        return process.memory_full_info().pss
    except psutil.Error:
        return 0


def main(students: int) -> None:
    """Grade the class and print the table."""
    warnings.filterwarnings("ignore", module="nbgrader")
    print(f"{platform.platform()}, {usable_cores()} cores, Python {platform.python_version()}")
    print(f"load average at the start: {os.getloadavg()[0]:.1f}\n")
    print(f"{'done':>6} {'seconds':>10} {'grader, MB':>14} {'all others, MB':>16}")
    with tempfile.TemporaryDirectory(prefix="large-") as place:
        root = make(Path(place), students)
        watch = Watch(students)
        states = grade.grade(root, tiny.NAME, watch=watch)
        seconds = time.perf_counter() - watch.start
        scores = tiny.results(root)["scores"]
    failed = sum(state != "done" for state in states.values())
    print(f"\n{students} submissions in {seconds:.0f} s, {failed} failed")
    marks = collections.Counter(scores.values())
    print("marks: " + ", ".join(f"{n} of {mark:g} points" for mark, n in sorted(marks.items())))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
