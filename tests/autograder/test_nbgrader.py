"""nbgrader takes what `autograder grade` leaves behind as its own, and marks honest work alike."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import tiny
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.utils import notebook_hash
from traitlets.config import Config

from autograder.nbgrader import results
from autograder.run import grade

pytestmark = pytest.mark.kernel

CONFIG = """
c.CourseDirectory.course_id = 'tiny'
c.LateSubmissionPlugin.penalty_method = 'zero'
c.ExchangeFactory.release_feedback = "autograder.nbgrader.exchange.ReleaseFeedback"
c.Exchange.root = "exchange"
"""
PARTIAL = """double(1)
### BEGIN HIDDEN TESTS
from autograder import submission
sum(submission.call("double", n) == 2 * n for n in (0, 1)) / 2 * 3
### END HIDDEN TESTS"""
ANSWERS = {
    "ada": "def double(n):\n    return n + n",
    "bob": "def double(n):\n    return n",
    "cyd": tiny.STUB.replace("return 2 * n", "raise NotImplementedError()"),
    "dan": "def double(n):\n    return 1 / 0",
    "late": "def double(n):\n    return n + n",
    "warned": "import warnings\ndef double(n):\n    warnings.warn('slow')\n    return n + n",
}
DUE, AFTER = "2026-03-01 12:00:00 UTC", "2026-03-02 12:00:00 UTC"


def notebook(answer: str) -> str:
    nb = nbformat.reads(tiny.notebook(answer), as_version=4)
    facts = {"grade": True, "solution": False, "locked": True, "points": 3}
    nb.cells.append(tiny.cell(PARTIAL, "partial", **facts))
    written = tiny.cell("", "why", grade=True, solution=True, locked=False, points=1)
    why = nbformat.v4.new_markdown_cell("Because.")
    why.metadata = written.metadata
    nb.cells.append(why)
    return nbformat.writes(nb)


def nbgrader(root: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "nbgrader", *arguments]
    subprocess.run(command, cwd=root, check=True, timeout=300)


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """Graded by `grade`; one student is late, and one writes to stderr."""
    root = tiny.make(tmp_path_factory.mktemp("course"), students=0)
    (root / "nbgrader_config.py").write_text("c = get_config()\n" + CONFIG)
    source = root / "source" / tiny.NAME / f"{tiny.NAME}.ipynb"
    source.write_text(notebook(tiny.STUB))
    for student, answer in ANSWERS.items():
        folder = root / "submitted" / student / tiny.NAME
        folder.mkdir(parents=True)
        (folder / f"{tiny.NAME}.ipynb").write_text(notebook(answer))
        (folder / "timestamp.txt").write_text(AFTER if student == "late" else DUE)
        secret = "../dan" if student == "dan" else f"{student}4711"
        (folder / "submission_secret.txt").write_text(secret)
    with Gradebook(url(root), "tiny") as gradebook:
        gradebook.add_assignment(tiny.NAME, duedate=DUE)
    assert set(grade.grade(root, tiny.NAME, jobs=2).values()) == {"done"}
    return root


def url(root: Path) -> str:
    return f"sqlite:///{root}/gradebook.db"


def scores(root: Path) -> dict[str, float]:
    with Gradebook(url(root)) as gradebook:
        found = gradebook.assignment_submissions(tiny.NAME)
        return {s.student_id: s.score - (s.late_submission_penalty or 0) for s in found}


def test_marks_partial_credit_and_penalties_are_as_they_should_be(course):
    expected = {"ada": 5, "bob": 1.5, "cyd": 0, "dan": 0, "late": 0, "warned": 5}
    assert scores(course) == expected


@pytest.mark.timeout(400)
def test_stock_nbgrader_gives_honest_work_the_same_marks_but_for_words_on_stderr(course, tmp_path):
    stock = tmp_path / "stock"
    shutil.copytree(course, stock, ignore=shutil.ignore_patterns("autograded", ".autograder"))
    (stock / "gradebook.db").unlink()
    with Gradebook(url(stock), "tiny") as gradebook:
        gradebook.add_assignment(tiny.NAME, duedate=DUE)
    nbgrader(stock, "generate_assignment", tiny.NAME, "--force")
    nbgrader(stock, "autograde", tiny.NAME)
    same = scores(course)
    same["warned"] = 0
    assert scores(stock) == same


def test_formgrader_sees_a_class_that_nbgrader_has_graded(course, monkeypatch):
    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.course_id = "tiny"
    monkeypatch.chdir(course)
    api = NbGraderAPI(config=config)
    one = api.get_submission(tiny.NAME, "bob")
    assert one["autograded"] and one["submitted"] and one["needs_manual_grade"]
    assert (one["score"], one["max_score"]) == (1.5, 6)
    assert api.get_autograded_students(tiny.NAME) == set(ANSWERS)
    assert api.get_assignment(tiny.NAME)["num_submissions"] == len(ANSWERS)


def test_nbgrader_exports_the_marks(course):
    nbgrader(course, "export")
    with (course / "grades.csv").open() as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert float(rows["ada"]["score"]) == 5 and float(rows["bob"]["raw_score"]) == 1.5
    assert float(rows["late"]["late_submission_penalty"]) == 5


def test_feedback_reaches_who_handed_in_through_the_exchange_also_what_was_no_notebook(course):
    torn = course / "submitted" / "torn" / tiny.NAME
    torn.mkdir(parents=True)
    for name, text in ((f"{tiny.NAME}.ipynb", "{"), ("submission_secret.txt", "torn4711")):
        (torn / name).write_text(text)
    (torn / "timestamp.txt").write_text(DUE)
    assert grade.grade(course, tiny.NAME, students=["torn"], jobs=1) == {"torn": "broken"}
    (course / "exchange").mkdir(mode=0o777)
    for student in ("bob", "torn"):
        nbgrader(course, "generate_feedback", tiny.NAME, f"--student={student}")
    nbgrader(course, "release_feedback", tiny.NAME)
    for student, words in (("bob", "double(21) is wrong"), ("torn", "not valid JSON")):
        known = notebook_hash(secret=f"{student}4711", notebook_id=tiny.NAME)
        page = course / "exchange" / "tiny" / "feedback" / f"{known}.html"
        assert words in page.read_text()
    assert not (course / "autograded" / "dan" / tiny.NAME / "submission_secret.txt").exists()


def test_a_mark_given_by_hand_survives_a_regrade_and_a_stale_penalty_does_not(course):
    with Gradebook(url(course)) as gradebook:
        gradebook.find_grade("why", tiny.NAME, tiny.NAME, "late").manual_score = 1
        gradebook.db.commit()
    (course / "submitted" / "late" / tiny.NAME / "timestamp.txt").unlink()
    grade.grade(course, tiny.NAME, students=["late"], jobs=1)
    assert scores(course)["late"] == 6


def test_the_report_tells_written_answers_apart(course):
    given = {"ada": (1, None), "bob": (None, 0)}
    with Gradebook(url(course)) as gradebook:
        for student, (by_hand, automatic) in given.items():
            one = gradebook.find_grade("why", tiny.NAME, tiny.NAME, student)
            one.manual_score, one.auto_score, one.needs_manual_grade = by_hand, automatic, False
        gradebook.db.commit()
    marks = {row.student: row.marks["why"] for row in results.read(course, tiny.NAME).rows}
    assert (marks["ada"].status, marks["ada"].score) == ("graded by hand", 1)
    assert (marks["bob"].status, marks["bob"].score) == ("not attempted", 0)
    assert (marks["dan"].status, marks["dan"].score) == ("to grade by hand", None)
