"""A class of hostile submissions and two honest ones, graded in one run behind walls."""

from pathlib import Path

import catalogue
import nbformat
import pytest
from nbgrader.api import Gradebook

import course
from autograder import grade, report, sandbox
from autograder.room import Room

HONEST = ("honest", "another-honest")
SETTINGS = grade.Settings(cell_seconds=15, judge_seconds=60, threads=1)
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(sandbox.missing()), reason=f"no walls: {sandbox.missing()}"),
]


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    root = course.make(tmp_path_factory.mktemp("hostile"))
    for student in HONEST:
        folder = root / "submitted" / student / course.NAME
        folder.mkdir(parents=True)
        nbformat.write(course.notebook(course.RIGHT), folder / f"{course.NAME}.ipynb")
    for entry in catalogue.ENTRIES:
        entry.write(root / "submitted" / entry.name / course.NAME)
    states = grade.grade(root, course.NAME, settings=SETTINGS)
    assert len(states) == len(catalogue.ENTRIES) + len(HONEST)
    Room(root, course.NAME).feedback()
    report.write(root, [course.NAME], root / "class.html")
    return root


def score(root: Path, student: str) -> float:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return gradebook.find_submission(course.NAME, student).score


def executed(root: Path, student: str) -> nbformat.NotebookNode:
    path = root / "autograded" / student / course.NAME / f"{course.NAME}.ipynb"
    return nbformat.read(path, as_version=4)


def page(root: Path, student: str) -> str:
    path = root / "feedback" / student / course.NAME / f"{course.NAME}.html"
    return path.read_text(encoding="utf-8")


def test_the_catalogue_is_large_and_every_entry_says_what_it_tries():
    names = [entry.name for entry in catalogue.ENTRIES]
    assert len(names) == len(set(names)) >= 40
    assert all(len(entry.tries.split()) >= 3 for entry in catalogue.ENTRIES)


@pytest.mark.parametrize("student", HONEST)
def test_honest_work_beside_them_gets_full_marks(graded, student):
    assert score(graded, student) == sum(course.TESTS.values())


@pytest.mark.parametrize("entry", catalogue.ENTRIES, ids=lambda entry: entry.name)
def test_it_gains_no_point_that_its_honest_work_does_not_earn(graded, entry):
    assert score(graded, entry.name) == entry.earned


@pytest.mark.parametrize("entry", catalogue.ENTRIES, ids=lambda entry: entry.name)
def test_every_test_cell_ends_with_a_verdict_in_words(graded, entry):
    cells = [c for c in executed(graded, entry.name).cells if c.cell_type == "code"]
    tests = [c for c in cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert {c.metadata.nbgrader.grade_id for c in tests} == set(course.TESTS)
    for one in tests:
        (output,) = one.outputs
        words = output.get("evalue") or output.get("text") or str(output.get("data"))
        assert len(words.split()) >= 2


@pytest.mark.parametrize("entry", catalogue.ENTRIES, ids=lambda entry: entry.name)
def test_its_feedback_page_tells_nothing_hidden_and_runs_nothing(graded, entry):
    text = page(graded, entry.name)
    for hidden in (course.SECRET, course.EXPECTED, course.HIDDEN_WORDS):
        assert hidden not in text
    body = text.partition("<body")[2]
    for active in ("<script>alert", "onerror=alert(1)>", 'href="javascript:'):
        assert active not in body.replace("&quot;", '"') or f"&lt;{active[1:]}" in body


def test_the_class_page_runs_nothing(graded):
    text = (graded / "class.html").read_text(encoding="utf-8")
    assert "<script" not in text and course.SECRET not in text


def test_nothing_in_a_graded_notebook_would_run_in_the_graders_browser(graded):
    for entry in catalogue.ENTRIES:
        for one in executed(graded, entry.name).cells:
            for output in one.get("outputs", ()):
                kinds = set(output.get("data", {}))
                assert kinds <= {"text/plain", "image/png", "image/jpeg"}, (entry.name, kinds)
