"""A run that is killed at any moment, again and again, ends as an undisturbed one does."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

NAME = "tiny"
KILLS = 30
STUB = "def double(n):\n    ### BEGIN SOLUTION\n    return 2 * n\n    ### END SOLUTION"
TEST = """double(1)
### BEGIN HIDDEN TESTS
from autograder import submission
submission.checks.equal(submission.call("double", 21), 42, "double(21)")
### END HIDDEN TESTS"""
ANSWERS = ("def double(n):\n    return n + n", "def double(n):\n    return n", "1 / 0", STUB)


def cell(source: str, name: str, **more) -> nbformat.NotebookNode:
    made = nbformat.v4.new_code_cell(source)
    facts = {"grade_id": name, "schema_version": 3, "task": False, **more}
    made.metadata.nbgrader = nbformat.from_dict(facts)
    return made


def notebook(answer: str) -> str:
    cells = [
        cell(answer, "answer", grade=False, solution=True, locked=False),
        cell(TEST, "test", grade=True, solution=False, locked=True, points=2),
    ]
    nb = nbformat.v4.new_notebook(cells=cells)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb.metadata.kernelspec = nbformat.from_dict(spec)
    return nbformat.writes(nb)


def make(root: Path) -> Path:
    (root / "source" / NAME).mkdir(parents=True)
    (root / "source" / NAME / f"{NAME}.ipynb").write_text(notebook(STUB))
    (root / "course").mkdir()
    (root / "course" / "course.toml").write_text("")
    config = "c = get_config()\nc.CourseDirectory.course_id = 'tiny'\n"
    (root / "nbgrader_config.py").write_text(config)
    for k in range(12):
        folder = root / "submitted" / f"student{k:02}" / NAME
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").write_text(notebook(ANSWERS[k % 4]))
    return root


def start(root: Path) -> subprocess.Popen:
    code = "from autograder.cli import app; app()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "grade", NAME, "--jobs", "2"],
        cwd=root,
        env=os.environ | {"COURSE_ROOT": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def results(root: Path) -> dict:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        found = gradebook.assignment_submissions(NAME)
        assert len({s.student_id for s in found}) == len(found)
        scores = {s.student_id: s.score for s in found}
    notebooks = {}
    for path in sorted((root / "autograded").glob(f"*/{NAME}/{NAME}.ipynb")):
        outputs = nbformat.read(path, as_version=4).cells[-1].outputs
        notebooks[path.parts[-3]] = [o.get("evalue", o.get("text")) for o in outputs]
    return {"scores": scores, "notebooks": notebooks}


@pytest.mark.timeout(900)
def test_thirty_kills_lose_nothing_and_count_nothing_twice(tmp_path):
    undisturbed = make(tmp_path / "undisturbed")
    disturbed = make(tmp_path / "disturbed")
    began = time.monotonic()
    said, _ = start(undisturbed).communicate()
    whole = time.monotonic() - began
    want = results(undisturbed)
    assert len(want["scores"]) == 12, said
    moments = random.Random(8)
    for number in range(KILLS):
        run = start(disturbed)
        # Anywhere from its first imports to its end; every fifth one has time for some students.
        time.sleep(moments.uniform(0.2, whole if number % 5 == 0 else whole / 3))
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        if (disturbed / ".autograder" / NAME / "done").is_dir() and number == KILLS // 2:
            shutil.rmtree(disturbed / "autograded" / "student00", ignore_errors=True)
    said, _ = start(disturbed).communicate()
    assert "12 submissions, 0 that the grader failed on" in said
    assert results(disturbed) == want
    said, _ = start(disturbed).communicate()
    assert said.count("graded before") == 12
