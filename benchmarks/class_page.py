"""How soon the class page of a large class can be read in Chromium.

    python benchmarks/class_page.py > benchmarks/results/class_page.txt

Each page is opened five times in a fresh context. Shown are the median times from the beginning of
the navigation until the document is parsed and its script has run (DOMContentLoaded), until the
first content is painted, and then what it takes to unfold an assignment's table of students.
"""

import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

from autograder.pages import report
from autograder.run.workers import usable_cores

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "autograder")]

import browser  # noqa: E402
import classes  # noqa: E402

TIMES = 5
CLASSES = ((6, 1), (200, 1), (1_000, 1), (200, 14), (1_000, 14))
READY = """() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done([
  performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
  performance.getEntriesByName("first-contentful-paint")[0].startTime]), 100)))"""
UNFOLD = """() => { const start = performance.now();
  document.querySelector("details:has(table.students)").open = true;
  document.body.offsetHeight; return performance.now() - start }"""


def times(chromium: browser.Browser, page: Path) -> list[float]:
    """DOMContentLoaded, first paint and unfolding in milliseconds."""
    with chromium.opened(page) as shown:
        return [*shown.evaluate(READY), shown.evaluate(UNFOLD)]


def main() -> None:
    """Print a line for each class."""
    print(f"{platform.processor() or platform.machine()}, {usable_cores()} cores\n")
    print(f"{'students':>8} {'assignments':>11} {'page kB':>8} {'written ms':>10}", end=" ")
    print(f"{'loaded ms':>9} {'painted ms':>10} {'unfolded ms':>11}")
    with tempfile.TemporaryDirectory() as place, browser.started() as chromium:
        for students, assignments in CLASSES:
            reports = classes.course(students, assignments)
            start = time.perf_counter()
            page = report.write(reports, Path(place) / "class.html")
            written = 1_000 * (time.perf_counter() - start)
            found = zip(*(times(chromium, page) for _ in range(TIMES)), strict=True)
            loaded, painted, unfolded = map(statistics.median, found)
            kilobytes = page.stat().st_size / 1_000
            print(f"{students:>8} {assignments:>11} {kilobytes:>8.0f} {written:>10.0f}", end=" ")
            print(f"{loaded:>9.0f} {painted:>10.0f} {unfolded:>11.0f}", flush=True)


if __name__ == "__main__":
    main()
