"""What is read of a class: from the gradebook, the roster, and what was collected."""

import csv
import shutil
from concurrent.futures import Future
from pathlib import Path

import pytest
from instant import NAME, RIGHT, WRONG, Class
from nbgrader.plugins import CsvExportPlugin
from typer.testing import CliRunner

from autograder import cli
from autograder.course import load
from autograder.handin.filing import Place
from autograder.nbgrader import results
from autograder.pages import figures

pytestmark = pytest.mark.unit

ROSTER = "id,name\nada,Ada Lovelace\nbob,Bob\ncy,Cy\n"


@pytest.fixture
def course(tmp_path, monkeypatch) -> Class:
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    return Class(tmp_path).begin()


def exported(course: Class, to: Path) -> dict[str, float]:
    """The scores that `nbgrader export` writes."""
    with course.gradebook() as gradebook:
        CsvExportPlugin(to=str(to)).export(gradebook)
    with to.open(newline="") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


@pytest.mark.parametrize("penalty", [0, 1.5, 4, 9])
def test_every_sum_is_the_one_that_nbgrader_exports(course, tmp_path, penalty):
    with course.gradebook() as gradebook:
        book = gradebook.find_submission_notebook(NAME, NAME, "ada")
        book.late_submission_penalty = penalty
        gradebook.db.commit()
    (row,) = results.read(course.root, NAME).rows
    assert row.penalty == penalty and row.before_penalty == 4
    assert exported(course, tmp_path / "grades.csv") == {"ada": row.score}


def test_who_is_in_the_roster_and_has_not_handed_in_is_missing(course):
    assert results.read(course.root, NAME).missing is None
    (course.root / "students.csv").write_text(ROSTER)
    course.hand_in(WRONG, "Because.", "bob")
    report = results.read(course.root, NAME)
    assert report.missing == ("cy",) and report.ungraded == ("bob",)
    assert report.names["ada"] == "Ada Lovelace"
    counts = figures.of(report).counts
    assert (counts["handed in"], counts["not handed in"], counts["graded"]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("facts", "attempts"),
    [
        ({"file": "03_net_1.ipynb", "attempt": 2}, 3),
        ({"file": "03_net_1.ipynb", "attempt": 0}, 1),
        ({"file": "", "attempt": 0}, None),
        ({}, None),
    ],
)
def test_attempts_are_known_where_the_archive_counted_them(course, facts, attempts):
    Place(course.root, "ada", NAME).know(facts)
    assert results.read(course.root, NAME).rows[0].attempts == attempts


def test_what_the_grader_failed_on_is_not_graded(course, monkeypatch):
    course.hand_in(WRONG, "Because.", "bob")

    def fails(*_):
        raise RuntimeError("out of paper")

    monkeypatch.setattr(Future, "result", fails)
    assert course.grade(students=["bob"]) == {"bob": "failed"}
    report = results.read(course.root, NAME)
    (bob,) = [row for row in report.rows if row.student == "bob"]
    assert (
        bob.failed and bob.marks["test"].status == "not graded" and "failed" in report.looks[0][2]
    )
    assert figures.of(report).counts["failed to be graded"] == 1


def test_only_what_has_been_graded_is_reported(course):
    assert results.graded(load(course.root)) == [NAME]
    shutil.rmtree(course.root / "autograded")
    said = CliRunner().invoke(cli.app, ["report"])
    assert said.exit_code == 1 and f"run autograder grade {NAME}" in " ".join(said.output.split())


def test_the_verb_writes_the_pages_and_says_where_they_are(course):
    course.hand_in(RIGHT, "Because.", "bob")
    course.grade()
    said = CliRunner().invoke(cli.app, ["report", NAME])
    assert said.exit_code == 0 and "the pages of 2 students" in " ".join(said.output.split())
    written = {
        one.relative_to(course.root).as_posix() for one in (course.root / "report").rglob("*.*")
    }
    assert {"report/class.html", "report/class.csv"} < written
    assert {"report/students/ada.html", "report/students/bob.html"} < written
