"""A whole class, graded in real kernels into a real gradebook."""

import json
from pathlib import Path

import nbformat
import pytest
import tiny
from nbgrader.api import Gradebook
from tiny import NAME, STUB, notebook
from typer.testing import CliRunner

from autograder.cli import app
from autograder.run import grade, workers

pytestmark = pytest.mark.kernel

ANSWERS = {
    "ada": "def double(n):\n    return n + n",
    "bob": "def double(n):\n    return n",
    "cyd": "def double(n):\n    raise NotImplementedError()",
    "dan": "def double(n):\n    return 1 / 0",
}


def submit(root: Path, student: str, content: str) -> None:
    folder = root / "submitted" / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.ipynb").write_text(content)


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("course")
    (root / "source" / NAME).mkdir(parents=True)
    (root / "source" / NAME / f"{NAME}.ipynb").write_text(notebook(STUB))
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'tiny'\n"
    )
    for student, answer in ANSWERS.items():
        submit(root, student, notebook(answer))
    submit(root, "eve", "{ this is not JSON")
    return root


@pytest.fixture(scope="module")
def states(course) -> dict[str, str]:
    return grade.grade(course, NAME, jobs=2)


def scores(root: Path) -> dict[str, float]:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return {s.student_id: s.score for s in gradebook.assignment_submissions(NAME)}


def outputs(root: Path, student: str) -> list:
    path = root / "autograded" / student / NAME / f"{NAME}.ipynb"
    return nbformat.read(path, as_version=4).cells[-1].outputs


def test_every_submission_ends_and_a_broken_one_costs_the_others_nothing(states, course):
    assert states == {s: "done" for s in ANSWERS} | {"eve": "broken"}
    assert scores(course) == {"ada": 2, "bob": 0, "cyd": 0, "dan": 0, "eve": 0}


def test_each_student_reads_their_own_outcome(states, course):
    names = {s: outputs(course, s)[0].get("ename", "passed") for s in [*ANSWERS, "eve"]}
    assert names == {
        "ada": "passed",
        "bob": "Wrong",
        "cyd": "NotAttempted",
        "dan": "StudentError",
        "eve": "StudentError",
    }
    assert "not valid JSON" in outputs(course, "eve")[0].evalue


def test_what_is_graded_is_not_graded_again_until_it_changes(states, course):
    assert set(grade.grade(course, NAME, jobs=1).values()) == {"skipped"}
    submit(course, "bob", notebook(ANSWERS["ada"]))
    again = grade.grade(course, NAME, jobs=1)
    assert again["bob"] == "done" and again["ada"] == "skipped"
    assert scores(course)["bob"] == 2


def test_a_worse_hand_in_keeps_no_stale_score(states, course):
    blank = nbformat.reads(notebook(ANSWERS["ada"]), as_version=4)
    del blank.cells[1:]
    submit(course, "ada", nbformat.writes(blank))
    grade.grade(course, NAME, jobs=1, students=["ada"])
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        assert gradebook.find_submission(NAME, "ada").score == 2  # its test is put back
    submit(course, "ada", json.dumps({"cells": "none"}))
    grade.grade(course, NAME, jobs=1, students=["ada"])
    assert scores(course)["ada"] == 0


def test_a_student_without_a_submission_is_named(states, course):
    with pytest.raises(FileNotFoundError, match="zoe"):
        grade.grade(course, NAME, students=["zoe"])


def test_the_command_takes_its_profile_from_the_environment_and_names_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tiny.make(tmp_path, students=0))
    taken = []
    monkeypatch.setattr(grade, "grade", lambda *_, settings, **more: taken.append(settings) or {})
    monkeypatch.setattr(workers, "load_ahead", lambda: None)
    monkeypatch.setenv("COURSE_PROFILE", "Quick")
    said = CliRunner().invoke(app, ["grade", "tiny"])
    assert "Grading tiny under the profile quick." in said.output
    CliRunner().invoke(app, ["grade", "tiny", "--profile", "full"])
    assert [settings.profile for settings in taken] == ["quick", "full"]
    refused = CliRunner().invoke(app, ["grade", "tiny", "--profile", "fast"])
    assert refused.exit_code == 2 and len(taken) == 2


def test_a_cell_takes_no_longer_than_nbgraders_configuration_says(tmp_path):
    root = tiny.make(tmp_path, students=1)
    with (root / "nbgrader_config.py").open("a") as config:
        config.write("c.Execute.timeout = 3\n")
    submit(root, "student00", notebook("import time\ntime.sleep(100)"))
    grade.grade(root, NAME, jobs=1)
    (words,) = tiny.results(root)["notebooks"]["student00"]
    assert "took longer than 3 seconds" in words and "checkpoints" in words
