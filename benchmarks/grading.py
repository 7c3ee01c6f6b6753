"""Grading a class: `autograder grade` against nbgrader as it comes, in one run on one machine.

    python benchmarks/grading.py [--class-of 40] [--stock 4] > benchmarks/results/grading.txt

Three classes under *offline*: 04_parameter_counting (no training), 03_net_1 with its checkpoints
handed in, 03_net_1 trained anew. Three ways: `autograder grade`; one `nbgrader autograde` for all;
one `nbgrader autograde` a core, side by side on one gradebook. And what bounds every way: the cells
alone, in forked processes without kernel or judge (`cells_alone.py`). All but the first grade a
sample, since a submission costs them the same each time; the figures are seconds a submission.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil

from autograder.nbgrader.room import Room
from autograder.run.workers import usable_cores

ROOT = Path(__file__).resolve().parents[1]
CLASSES = (
    ("04_parameter_counting", False),
    ("03_net_1, checkpoints handed in", True),
    ("03_net_1, trained anew", False),
)
CORES = usable_cores()


class Peak:
    """The highest memory of this process's descendants together, sampled; in GB.

    Proportional set size, so that what forked processes share counts once.
    """

    def __enter__(self) -> "Peak":
        self.gb, self._stop = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(3.0):  # a look takes a tenth of a second of one core
            total = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    total += child.memory_full_info().pss
                except psutil.Error:
                    continue
            self.gb = max(self.gb, total / 1e9)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def make(folder: Path, name: str, students: int, checkpoints: Path | None) -> Path:
    """A course folder with ``students`` right submissions of one assignment."""
    for part in ("course", "source", "release"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    nb = nbformat.read(ROOT / "source" / name / f"{name}.ipynb", as_version=4)
    for k in range(students):
        place = folder / "submitted" / f"s{k:03}" / name
        place.mkdir(parents=True)
        nbformat.write(nb, place / f"{name}.ipynb")
        if checkpoints:
            shutil.copytree(checkpoints, place / "checkpoints")
    return folder


def environment(folder: Path, threads: int = 0) -> dict[str, str]:
    bounded = {"OMP_NUM_THREADS": str(threads), "TF_NUM_INTRAOP_THREADS": str(threads)}
    path = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
    return {
        **os.environ,
        **(bounded if threads else {}),
        "PATH": path,
        "COURSE_PROFILE": "offline",
        "COURSE_ROOT": str(folder),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def timed(folder: Path, commands: list[list[str]], threads: int = 0) -> tuple[float, float]:
    """Seconds until all commands, started together, have ended, and their peak memory in GB."""
    start = time.perf_counter()
    with Peak() as peak:
        running = [
            subprocess.Popen(
                [sys.executable, *c],
                cwd=folder,
                env=environment(folder, threads),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for c in commands
        ]
        codes = [process.wait() for process in running]
    if any(codes):
        raise SystemExit(f"a command of {commands[0]} failed: {codes}")
    return time.perf_counter() - start, peak.gb


def ours(folder: Path, name: str) -> tuple[float, float]:
    code = "from autograder.cli import app; app()"
    return timed(folder, [["-c", code, "grade", name]])


INSTALLED = 'importlib.util.find_spec("autograder") is not None'


def as_it_comes(folder: Path) -> None:
    """Let nbgrader work in this folder as it does where `autograder` is not installed."""
    config = folder / "nbgrader_config.py"
    text = config.read_text()
    if f"HAS_AUTOGRADER = {INSTALLED}" not in text and "HAS_AUTOGRADER = False" not in text:
        raise SystemExit("nbgrader_config.py no longer asks whether autograder is installed.")
    config.write_text(text.replace(INSTALLED, "False"))


STOCK = ["-m", "nbgrader", "autograde", "--Execute.kernel_name=python3"]


def stock(folder: Path, name: str) -> tuple[float, float]:
    as_it_comes(folder)
    return timed(folder, [[*STOCK, name]])


def side_by_side(folder: Path, name: str) -> tuple[float, float]:
    """One chain of nbgrader processes a core; nbgrader grades one student or all in a process."""
    as_it_comes(folder)
    students = sorted(p.name for p in (folder / "submitted").iterdir())

    def chain(share: list[str]) -> None:
        for student in share:
            command = [sys.executable, *STOCK, name, f"--student={student}"]
            silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            where = {"cwd": folder, "env": environment(folder, 1)}
            subprocess.run(command, check=True, **where, **silent)

    chains = [threading.Thread(target=chain, args=(students[k::CORES],)) for k in range(CORES)]
    start = time.perf_counter()
    with Peak() as peak:
        for one in chains:
            one.start()
        for one in chains:
            one.join()
    return time.perf_counter() - start, peak.gb


def alone(folder: Path, name: str) -> tuple[float, float]:
    """The cells alone; loading what the processes are forked from is not counted."""
    command = [sys.executable, str(ROOT / "benchmarks" / "cells_alone.py"), str(folder), name]
    with Peak() as peak:
        done = subprocess.run(
            command, env=environment(folder), capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(f"the cells alone of {name} failed:\n{done.stderr[-2_000:]}")
    return float(done.stdout), peak.gb


def generated(folder: Path, name: str) -> None:
    """The assignment in the gradebook, which is no part of grading."""
    command = ["-m", "nbgrader", "generate_assignment", name, "--force"]
    timed(folder, [command])


def train(folder: Path, name: str) -> Path:
    """Checkpoints as a student hands them in."""
    work = folder / "work"
    work.mkdir()
    shutil.copy(ROOT / "source" / name / f"{name}.ipynb", work)
    shutil.copytree(ROOT / "course", work / "course")  # thresholds, for the hidden blocks
    command = ["-m", "jupyter", "nbconvert", "--to", "notebook", "--execute", f"{name}.ipynb"]
    timed(work, [command])
    return work / "checkpoints"


def measure(title: str, class_of: int, sample: int, with_checkpoints: bool) -> None:
    """Grade one class in the three ways and print a line for each."""
    name = title.partition(",")[0]
    results = {}
    with tempfile.TemporaryDirectory(prefix="grading-") as place:
        kept = train(Path(place), name) if with_checkpoints else None
        for way, run, students in (
            ("autograder grade", ours, class_of),
            ("nbgrader autograde", stock, sample),
            ("nbgrader, one a core", side_by_side, max(sample, CORES)),
            ("its cells alone, forked", alone, 4 * CORES),
        ):
            folder = make(Path(place) / run.__name__, name, students, kept)
            generated(folder, name)
            seconds, gb = run(folder, name)
            results[way] = seconds / students
            best = results["autograder grade"]
            print(
                f"{title:<34} {way:<23} {students:>4} {seconds / students:>8.2f} "
                f"{60 * students / seconds:>8.1f} {gb:>7.1f} {results[way] / best:>7.1f}",
                flush=True,
            )
            if run is ours:
                told = breakdown(folder, name, seconds)
    above = results["autograder grade"] - results["its cells alone, forked"]
    print(f"    {above:.2f} s a submission above its cells alone\n{told}", flush=True)


STAGES = {
    "intake": "reading and checking",
    "sanitize": "putting the source's cells back",
    "start": "kernel start, behind walls",
    "cells": "cells",
    "judge": "hidden checks",
    "end": "kernel end",
    "save": "gradebook and notebook",
}


def breakdown(folder: Path, name: str, seconds: float) -> str:
    """Where the time of `autograder grade` went: means of a submission, stage by stage.

    Stages of different submissions run beside each other, so that their sum is more than the
    seconds that a submission adds to the run.
    """
    notes = list(Room(folder, name).seconds().values())
    mean = {stage: sum(n.get(stage, 0.0) for n in notes) / len(notes) for n in notes for stage in n}
    compute = mean.get("cells compute", 0.0) + mean.get("judge compute", 0.0)
    parts = [f"{words} {mean.get(stage, 0.0):.2f}" for stage, words in STAGES.items()]
    whole = seconds * CORES / len(notes)
    return (
        f"    seconds of a submission: {', '.join(parts)}\n"
        f"    of {whole:.2f} core seconds a submission, its kernel computed {compute:.2f}: "
        f"{whole - compute:.2f} above, {compute / whole:.0%} in it\n"
    )


def main() -> None:
    """Print the table for the classes asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--class-of", type=int, default=40)
    parser.add_argument("--stock", type=int, default=4, help="submissions of nbgrader's sample")
    parser.add_argument("--only", default="", help="part of a class's name")
    asked = parser.parse_args()
    print(f"{platform.platform()}, {CORES} cores, Python {platform.python_version()}")
    print(f"load average at the start: {os.getloadavg()[0]:.1f}\n")
    print(
        f"{'class':<34} {'way':<23} {'n':>4} {'s each':>8} {'a minute':>8} {'GB':>7} {'ratio':>7}"
    )
    for title, with_checkpoints in CLASSES:
        if asked.only in title:
            measure(title, asked.class_of, asked.stock, with_checkpoints)


if __name__ == "__main__":
    main()
