"""A kernel that starts before its notebook is known serves that notebook, and no other job."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
import tiny

from autograder.root import CourseError
from autograder.run import job, place
from autograder.walled.client import Process
from autograder.warm import server

pytestmark = pytest.mark.kernel

SETTINGS = job.Settings(walls=False)
READS = "double = lambda n: n + n\nprint(open('beside.txt').read())"


@pytest.fixture
def kernels(monkeypatch) -> Iterator[list[Process]]:
    """The kernels that are started, in order; all that waits is ended afterwards."""
    found, fork = [], server.fork

    def noted(target: str, *given, **more) -> Process:
        process = fork(target, *given, **more)
        found.extend([process] if target == "autograder.warm.kernel:run" else [])
        return process

    monkeypatch.setattr(server, "fork", noted)
    yield found
    while place._waiting:
        with place._waiting.pop():
            pass


def submission(folder: Path, answer: str = READS) -> Path:
    (folder / "beside.txt").write_text("what lies beside it")
    (folder / f"{tiny.NAME}.ipynb").write_text(tiny.notebook(answer))
    return folder


def graded(files: dict[str, bytes], settings: job.Settings = SETTINGS) -> tuple[str, str]:
    """What the first cell of the submission and its test show."""
    found = nbformat.reads(job.execute(tiny.notebook(READS), files, settings).text, 4)
    first, last = (cell.outputs[0] for cell in found.cells)
    return first.get("text", first.get("evalue")), last.get("text", last.get("evalue"))


def test_the_kernel_that_has_started_executes_the_notebook_and_ends(tmp_path, kernels):
    job.begin(submission(tmp_path), "ann", tiny.NAME, SETTINGS)
    (kernel,) = kernels
    folder = place._waiting[0].folder
    known = replace(SETTINGS, table="[held_out]\n", answers=(), inside=())  # what the judge needs
    shown, verdict = graded({"beside.txt": b"what lies beside it"}, known)
    assert shown == "what lies beside it\n" and verdict == "passed: test.\n"
    assert kernels == [kernel] and kernel.poll() is not None
    assert not place._waiting and not folder.exists()


def aged(monkeypatch) -> None:
    monkeypatch.setattr(place, "FRESH_SECONDS", 0)


CHANGES = {
    "another file": lambda monkeypatch, kernels: {"beside.txt": b"another"},
    "one file more": lambda monkeypatch, kernels: {"more.txt": b""},
    "another profile": lambda monkeypatch, kernels: replace(SETTINGS, profile="quick"),
    "another limit": lambda monkeypatch, kernels: replace(SETTINGS, cell_seconds=9),
    "another try": lambda monkeypatch, kernels: replace(SETTINGS, ended=("cell 1, step 1",)),
    "another environment": lambda monkeypatch, kernels: monkeypatch.setenv("COURSE_DATA", "/here"),
    "too old": lambda monkeypatch, kernels: aged(monkeypatch),
    "dead": lambda monkeypatch, kernels: kernels[0].kill(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_job_that_asks_for_anything_else_gets_its_own(tmp_path, kernels, monkeypatch, change):
    job.begin(submission(tmp_path), "ann", tiny.NAME, SETTINGS)
    folder, changed = place._waiting[0].folder, CHANGES[change](monkeypatch, kernels)
    files = {"beside.txt": b"what lies beside it"} | (changed if isinstance(changed, dict) else {})
    settings = changed if isinstance(changed, job.Settings) else SETTINGS
    shown, verdict = graded(files, settings)
    assert shown == files["beside.txt"].decode() + "\n" and verdict == "passed: test.\n"
    assert len(kernels) == 2 and kernels[0].poll() is not None
    assert not place._waiting and not folder.exists()


def test_nothing_starts_for_a_submission_that_cannot_be_read(tmp_path, kernels):
    (tmp_path / f"{tiny.NAME}.ipynb").write_text("{")
    job.begin(tmp_path, "ann", tiny.NAME, SETTINGS)
    assert not kernels and not place._waiting


def test_a_start_that_fails_leaves_no_folder_and_the_job_goes_on(tmp_path, kernels, monkeypatch):
    def fails(*_: object) -> None:
        raise CourseError("no kernel")

    before = set(server.folder("jobs").iterdir())
    with monkeypatch.context() as patch, pytest.raises(CourseError, match="no kernel"):
        patch.setattr(place.Place, "start", fails)
        job.begin(submission(tmp_path), "ann", tiny.NAME, SETTINGS)
    assert set(server.folder("jobs").iterdir()) == before
    assert graded({"beside.txt": b"here"})[1] == "passed: test.\n" and len(kernels) == 1
