"""Formgrader's *Autograde* and `nbgrader autograde` give the marks of `autograder grade`."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import catalogue
import nbformat
import pytest
from entry import NOTHING
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import PyFileConfigLoader
from walls_needed import walls_needed

import course
from autograder.run import grade
from autograder.walled.errors import WallError
from autograder.warm import reach

pytestmark = [pytest.mark.hostile, pytest.mark.timeout(900), walls_needed]

HONEST = {
    "right": course.RIGHT,
    "wrong": NOTHING,
    "nothing": {},
    "partly": course.RIGHT | {"sign-answer": "def sign(n):\n    return 1 if n else 0"},
    "later": NOTHING | {"net-answer": course.RIGHT["net-answer"]},
}
# What ends by itself. Under nbgrader's defaults some of them gain points, others end without a mark.
CHOSEN = ["patched-checks", "ast-transformer", "number-shown", "outputs-handed-in", "skip-tagged"]
CHOSEN += ["tests-deleted", "test-copied", "more-points", "another-id", "metadata-is-text"]
CHOSEN += ["cells-is-text", "nested-file", "notebook-is-a-link", "links-beside", "exits"]
CHOSEN += ["writes-gradebook"]
LATE = "2026-03-02 12:00:00 UTC"


@pytest.fixture(
    scope="module", params=["some", pytest.param("all", marks=[pytest.mark.slow])], autouse=True
)
def chosen(request) -> list[str]:
    """The hostile ones of this class; nbgrader grades them one after the other."""
    return CHOSEN if request.param == "all" else CHOSEN[:1]


@pytest.fixture(scope="module")
def honest(chosen) -> dict[str, dict[str, str]]:
    """The honest ones; what nothing and later answers get repeats what wrong and partly get."""
    few = ("right", "wrong", "partly")
    return HONEST if chosen == CHOSEN else {student: HONEST[student] for student in few}


@pytest.fixture(scope="module")
def ours(chosen, honest, tmp_path_factory) -> Path:
    """The class, graded by `autograder grade`."""
    root = course.make(tmp_path_factory.mktemp("ours"))
    with (root / "nbgrader_config.py").open("a") as config:
        config.write("c.LateSubmissionPlugin.penalty_method = 'zero'\n")
    for student, answers in (honest | {"late": course.RIGHT}).items():
        folder = root / "submitted" / student / course.NAME
        folder.mkdir(parents=True)
        nbformat.write(course.notebook(answers), folder / f"{course.NAME}.ipynb")
    (root / "submitted" / "late" / course.NAME / "timestamp.txt").write_text(LATE)
    for entry in catalogue.ENTRIES:
        if entry.name in chosen:
            entry.write(root / "submitted" / entry.name / course.NAME)
    with Gradebook(f"sqlite:///{root}/gradebook.db", "convcourse") as gradebook:
        gradebook.add_assignment(course.NAME, duedate="2026-03-01 12:00:00 UTC")
    grade.grade(root, course.NAME, jobs=2)
    return root


@pytest.fixture(scope="module")
def theirs(ours, tmp_path_factory) -> Path:
    """The same class, graded by `nbgrader autograde` alone."""
    root = tmp_path_factory.mktemp("theirs") / "course"
    left_out = shutil.ignore_patterns("autograded", "executed", "done", "version", "gradebook.db")
    shutil.copytree(ours, root, symlinks=True, ignore=left_out)
    with Gradebook(f"sqlite:///{root}/gradebook.db", "convcourse") as gradebook:
        gradebook.add_assignment(course.NAME, duedate="2026-03-01 12:00:00 UTC")
    assert nbgrader(root, "generate_assignment", course.NAME, "--force") == 0
    nbgrader(root, "autograde", course.NAME)
    return root


def nbgrader(root: Path, *arguments: str) -> int:
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(command, cwd=root, timeout=800).returncode


def marks(root: Path) -> dict[str, dict]:
    """Of each student, the scores by test, whether a person must look, and the penalty."""
    found = {}
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        for one in gradebook.assignment_submissions(course.NAME):
            grades = {
                grade.name: (grade.auto_score, grade.needs_manual_grade)
                for notebook in one.notebooks
                for grade in notebook.grades
            }
            found[one.student.id] = {**grades, "penalty": one.late_submission_penalty or 0}
    return found


def said(root: Path, student: str) -> list:
    path = root / "autograded" / student / course.NAME / f"{course.NAME}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    return [
        (cell.source, [o.get("evalue", o.get("text")) for o in cell.get("outputs", [])])
        for cell in cells
    ]


def test_every_mark_and_flag_is_the_same(ours, theirs):
    assert len(CHOSEN) == len(set(CHOSEN) & {entry.name for entry in catalogue.ENTRIES})
    wanted, got = marks(ours), marks(theirs)
    assert wanted["right"]["double"] == (2, False) and wanted["wrong"]["double"] == (0, False)
    assert wanted["late"]["penalty"] == 9
    assert {s: m for s, m in got.items() if m != wanted[s]} == {} and got.keys() == wanted.keys()


def test_every_notebook_says_the_same(chosen, honest, ours, theirs):
    for student in (*honest, *chosen):
        assert said(theirs, student) == said(ours, student), student


def test_autograder_grade_finds_done_what_nbgrader_has_graded(theirs):
    assert set(grade.grade(theirs, course.NAME).values()) == {"skipped"}


def test_nothing_but_the_notebook_reaches_the_graded_folder(theirs):
    names = {path.name for path in (theirs / "autograded").rglob("*") if not path.is_dir()}
    assert names == {f"{course.NAME}.ipynb", "timestamp.txt"}


@pytest.fixture
def formgrader(theirs, monkeypatch) -> NbGraderAPI:
    """What Formgrader's button calls."""
    monkeypatch.chdir(theirs)
    config = PyFileConfigLoader("nbgrader_config.py", path=str(theirs)).load_config()
    config.CourseDirectory.root = str(theirs)
    return NbGraderAPI(config=config)


def test_the_button_grades_while_formgraders_event_loop_runs(formgrader, theirs):
    before = marks(theirs)["partly"]
    with Gradebook(f"sqlite:///{theirs}/gradebook.db") as gradebook:
        one = gradebook.find_grade("double", course.NAME, course.NAME, "partly")
        one.manual_score = 1
        gradebook.db.commit()

    async def pressed() -> dict:
        return formgrader.autograde(course.NAME, "partly")

    assert asyncio.run(pressed())["success"]
    assert marks(theirs)["partly"] == before | {"double": (2, True)}
    with Gradebook(f"sqlite:///{theirs}/gradebook.db") as gradebook:
        assert gradebook.find_grade("double", course.NAME, course.NAME, "partly").score == 1


def test_without_walls_the_button_refuses_with_a_sentence_and_no_mark(formgrader, monkeypatch):
    def missing() -> None:
        raise WallError("This machine cannot build the wall locked files.")

    monkeypatch.setattr(reach, "require", missing)
    root = Path(formgrader.coursedir.root)
    folder = root / "submitted" / "new" / course.NAME
    folder.mkdir(parents=True)
    nbformat.write(course.notebook(course.RIGHT), folder / f"{course.NAME}.ipynb")
    told = formgrader.autograde(course.NAME, "new")
    assert not told["success"] and "cannot build the wall locked files" in told["log"]
    assert all(mark[0] is None for name, mark in marks(root)["new"].items() if name != "penalty")
    assert not (root / "autograded" / "new" / course.NAME).exists()
