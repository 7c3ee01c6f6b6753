"""A scheduler and two workers on this machine; one of the workers is killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny
from typer.testing import CliRunner
from walls_needed import walls_needed

from autograder.cli import app
from autograder.root import CourseError
from autograder.run import cluster, grade

pytestmark = pytest.mark.kernel

pytest.importorskip("distributed")


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        cwd=folder,  # a worker shares no folder with the grader
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.fixture
def scheduler(tmp_path):
    """The scheduler's address, and its two workers."""
    note = tmp_path / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    first = start(tmp_path, "dask_scheduler", *options, "--scheduler-file", str(note))
    deadline = time.monotonic() + 60
    while not note.is_file() and time.monotonic() < deadline:
        time.sleep(0.2)
    workers = []
    for name in ("one", "two"):
        place = tmp_path / name
        place.mkdir()
        options = ("--nthreads", "1", "--no-dashboard", "--local-directory", str(place))
        workers.append(start(place, "dask_worker", "--scheduler-file", str(note), *options))
    yield json.loads(note.read_text())["address"], workers
    for process in (*workers, first):
        os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None
        process.wait()


@pytest.mark.timeout(300)
def test_a_worker_that_is_killed_costs_no_submission(scheduler, tmp_path):
    address, processes = scheduler
    root = tiny.make(tmp_path / "course")
    done = []

    def watch(event: grade.Progress) -> None:
        done.append(event.student)
        if len(done) == 3:
            os.killpg(processes[0].pid, signal.SIGKILL)

    with cluster.connect(address) as workers:
        while workers.size < 2:
            time.sleep(0.2)
        states = grade.grade(root, tiny.NAME, workers=workers, watch=watch)
    assert set(states.values()) == {"done"} and len(done) == len(set(done)) == 12
    scores = tiny.results(root)["scores"]
    assert [scores[f"student{k:02}"] for k in range(4)] == [2, 0, 0, 2]


def kernels_below(pids: list[int]) -> list[int]:
    """The walled kernels among the descendants of these processes."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = entry.read_text(errors="replace").splitlines()
        except OSError:
            continue
        known = dict(line.split(":", 1) for line in lines if ":" in line)
        parents[int(known["Pid"])] = int(known["PPid"]), len(known["NSpid"].split())

    def is_below(pid: int) -> bool:
        while pid in parents and pid not in pids:
            pid = parents[pid][0]
        return pid in pids

    return [pid for pid, (_, spaces) in parents.items() if spaces > 1 and is_below(pid)]


@walls_needed
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_grader_that_is_killed_leaves_no_process_and_its_workers_no_kernel(scheduler, tmp_path):
    address, processes = scheduler
    pids = [process.pid for process in processes]
    root = tiny.make(tmp_path / "course", students=6)
    for path in (root / "submitted").glob("*/*/*.ipynb"):
        path.write_text(tiny.notebook("import time\ntime.sleep(2)\n" + tiny.ANSWERS[0]))
    command = [sys.executable, "-c", "from autograder.cli import app; app()", "grade", tiny.NAME]
    command += ["--cluster", address]
    mark = f"MARK={tmp_path}"
    env = os.environ | {"COURSE_ROOT": str(root), "MARK": str(tmp_path)}
    with subprocess.Popen(command, cwd=root, env=env, stdout=subprocess.DEVNULL) as run:
        while not list((root / ".autograder" / tiny.NAME).glob("done/*.json")):
            assert run.poll() is None
            time.sleep(0.1)
        run.kill()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            assert mark.encode() not in entry.read_bytes(), entry
        except OSError:
            continue
    deadline = time.monotonic() + 60
    while kernels_below(pids) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not kernels_below(pids)
    with cluster.connect(address) as workers:
        states = grade.grade(root, tiny.NAME, workers=workers)
    assert set(states.values()) == {"done", "skipped"}


def test_no_scheduler_is_answered_with_a_sentence():
    with (
        pytest.raises(CourseError, match="No Dask scheduler answers at tcp"),
        cluster.connect("tcp://127.0.0.1:9", seconds=2),
    ):
        pass


def test_the_option_is_there():
    assert (
        "--cluster" in CliRunner().invoke(app, ["grade", "--help"], env={"COLUMNS": "200"}).output
    )
