"""A course folder with one tiny assignment and twelve submissions, for tests of grading."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

from autograder.run.job import Executed, Settings

NAME = "tiny"
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


def make(root: Path, students: int = 12) -> Path:
    """Write the course below ``root``, with so many submissions of four kinds."""
    (root / "source" / NAME).mkdir(parents=True)
    (root / "source" / NAME / f"{NAME}.ipynb").write_text(notebook(STUB))
    (root / "course").mkdir()
    (root / "course" / "course.toml").write_text("")
    config = "c = get_config()\nc.CourseDirectory.course_id = 'tiny'\n"
    (root / "nbgrader_config.py").write_text(config)
    for k in range(students):
        folder = root / "submitted" / f"student{k:02}" / NAME
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").write_text(notebook(ANSWERS[k % 4]))
    return root


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


def deadly(text: str, files: dict[str, bytes], settings: Settings) -> Executed:
    """In the place of `job.execute`, without a kernel: an answer that says so ends its worker."""
    if "end the worker" in text:
        os._exit(1)
    return Executed(text, {})


def start(root: Path, *options: str, **variables: str) -> subprocess.Popen:
    """Start `autograder grade` of a course in a session of its own; its output is one pipe."""
    code = "from autograder.cli import app; app()"
    more = {"COURSE_ROOT": str(root), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    return subprocess.Popen(
        [sys.executable, "-c", code, "grade", NAME, "--jobs", "2", *options],
        cwd=root,
        env=os.environ | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
