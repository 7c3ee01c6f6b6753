"""What a job leaves is gone before the next job of its process, and before that process ends."""

import contextlib
import multiprocessing
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
import pytest

from autograder.judge.judge import Judge
from autograder.kernel.notebook import Run
from autograder.run import leftovers
from autograder.warm.provisioner import NAME

SLOW = 0.5  # seconds


def end_slowly(mark: str) -> float:
    """A job in a worker, whose leftovers need time; the seconds that `end` took."""
    leftovers.in_background()
    leftovers.wait()
    stack = contextlib.ExitStack()
    stack.callback(Path(mark).touch)
    stack.callback(time.sleep, SLOW)
    began = time.monotonic()
    leftovers.end(stack)
    return time.monotonic() - began


def is_there(mark: str) -> bool:
    leftovers.wait()
    return Path(mark).exists()


@pytest.mark.unit
def test_a_result_comes_first_and_the_worker_waits_before_the_next_job_and_its_end(tmp_path):
    first, last = str(tmp_path / "first"), str(tmp_path / "last")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(end_slowly, first).result() < SLOW / 2
        assert pool.submit(is_there, first).result()
        pool.submit(end_slowly, last).result()
    assert Path(last).exists()


@pytest.mark.unit
def test_a_process_that_is_no_worker_waits_at_once():
    stack, done = contextlib.ExitStack(), threading.Event()
    stack.callback(done.set)
    leftovers.end(stack)
    assert done.is_set()


@pytest.mark.kernel
def test_a_kernel_that_is_let_go_is_gone_with_its_folder_and_its_children(tmp_path):
    child = "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])"
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(child)])
    with contextlib.ExitStack() as left, Judge() as judge:
        run = Run(nb, tmp_path, judge, NAME, 20, None, left=left)
        with run.started():
            run.step(0)
            process, folder = run.cells.client.process, run.cells.client.km.provisioner.folder
            (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            left.callback(run.cells.lives.let_go())
        left.close()
        assert process.poll() is not None and not folder.exists()
        assert not is_running(int(child))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, FileNotFoundError):
        return False
