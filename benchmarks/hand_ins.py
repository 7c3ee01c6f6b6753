"""A class hands in through nbgrader's exchange: how soon has each student the feedback?

    python benchmarks/hand_ins.py [--students 100] [--minutes 5] > benchmarks/results/hand_ins.txt

`autograder watch` runs with a worker per core. First one student hands in while nothing else
happens, then a class at random times, the same in each run. A hand-in is written as `nbgrader
submit` writes it, and its time ends when the page lies where `nbgrader fetch_feedback` takes it.
"""

import argparse
import os
import platform
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
from nbgrader.utils import notebook_hash

from autograder.run.workers import usable_cores

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 300  # seconds after the last hand-in


class Course:
    """A course with an exchange, and the watch of one assignment."""

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.name = root, name
        for part in ("course", f"source/{name}"):
            shutil.copytree(ROOT / part, root / part)
        shutil.copy(ROOT / "nbgrader_config.py", root)
        self.exchange = root / "exchange" / "convcourse"
        (self.exchange / "inbound").mkdir(parents=True)
        self.notebook = (root / "source" / name / f"{name}.ipynb").read_bytes()

    def watch(self) -> subprocess.Popen:
        """Start the watch, and wait until it looks."""
        code = "from autograder.cli import app; app()"
        own = {"COURSE_ROOT": str(self.root), "COURSE_PROFILE": "offline"}
        running = subprocess.Popen(
            [sys.executable, "-c", code, "watch", self.name, "--exchange"],
            cwd=self.root,
            env={**os.environ, **own, "NBGRADER_EXCHANGE": str(self.root / "exchange")},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert running.stdout is not None
        for line in running.stdout:
            if "Watching" in line:
                break
        threading.Thread(target=running.stdout.read, daemon=True).start()
        return running

    def hand_in(self, student: str) -> Path:
        """Write a hand-in as nbgrader does; returns where its page will be."""
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"
        folder = self.exchange / "inbound" / f"{student}+{self.name}+{now}+x"
        folder.mkdir()
        (folder / f"{self.name}.ipynb").write_bytes(self.notebook)
        secret = secrets.token_hex(64)
        (folder / "timestamp.txt").write_text(now)
        (folder / "submission_secret.txt").write_text(secret)
        known = notebook_hash(secret=secret, notebook_id=self.name)
        return self.exchange / "feedback" / f"{known}.html"


def used(running: subprocess.Popen) -> float:
    """The processor seconds of the watch and its workers; most of the kernels' are not in it."""
    total = 0.0
    process = psutil.Process(running.pid)
    for one in [process, *process.children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def one_by_one(course: Course, running: subprocess.Popen, count: int) -> None:
    """Hand in alone, several times."""
    for k in range(count):
        time.sleep(2)
        before, begun = used(running), time.perf_counter()
        page = course.hand_in(f"alone{k}")
        while not page.is_file():
            time.sleep(0.01)
        seconds = time.perf_counter() - begun
        time.sleep(1)
        print(
            f"alone: {seconds:.2f} s, {used(running) - before:.2f} processor s of the watch",
            flush=True,
        )


def together(course: Course, students: int, minutes: float) -> list[float | None]:
    """A class hands in at random times; the seconds of each, None for one without an answer."""
    chance = random.Random(1)
    moments = sorted(chance.uniform(0, 60 * minutes) for _ in range(students))
    begun, open_pages = time.perf_counter(), dict[Path, float]()
    found: list[float | None] = []
    while moments or open_pages:
        now = time.perf_counter() - begun
        while moments and moments[0] <= now:
            came = time.perf_counter()
            open_pages[course.hand_in(f"s{len(moments):03}")] = came
            moments.pop(0)
        for page in [one for one in open_pages if one.is_file()]:
            found.append(time.perf_counter() - open_pages.pop(page))
        if now > 60 * minutes + PATIENCE:
            return found + [None] * len(open_pages)
        time.sleep(0.02)
    return found


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser()
    options.add_argument("--name", default="04_parameter_counting")
    options.add_argument("--students", type=int, default=100)
    options.add_argument("--minutes", type=float, default=5)
    options.add_argument("--alone", type=int, default=5)
    given = options.parse_args()
    print(f"{platform.platform()}, {usable_cores()} cores, Python {platform.python_version()}")
    print(f"load average at the start: {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="hand-ins-") as place:
        course = Course(Path(place), given.name)
        running = course.watch()
        try:
            one_by_one(course, running, given.alone)
            before = used(running)
            found = together(course, given.students, given.minutes)
            spent = (used(running) - before) / max(1, len(found))
        finally:
            running.terminate()
            running.wait(60)
    answered = sorted(one for one in found if one is not None)
    print(
        f"{given.students} hand-ins of {given.name} in {given.minutes:g} minutes: "
        f"{len(answered)} answered, {len(found) - len(answered)} not"
    )
    if answered:
        at = {share: answered[int(share * (len(answered) - 1))] for share in (0.5, 0.95, 1)}
        print(f"half within {at[0.5]:.1f} s, 95% within {at[0.95]:.1f} s, all within {at[1]:.1f} s")
    print(f"{spent:.2f} processor seconds of the watch and its workers a hand-in")


if __name__ == "__main__":
    main()
