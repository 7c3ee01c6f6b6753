"""The command line itself; what its verbs do is tested beside the verbs."""

import shutil
from pathlib import Path

import pytest
import tiny
from typer.testing import CliRunner

import autograder
import convcourse
from autograder import cli
from convcourse.profile import PROFILES

pytestmark = pytest.mark.unit


def test_version_names_both_packages():
    said = CliRunner().invoke(cli.app, ["--version"])
    assert said.exit_code == 0
    expected = [f"autograder {autograder.__version__}", f"convcourse {convcourse.__version__}"]
    assert said.output.splitlines() == expected


def test_the_profiles_are_those_of_convcourse():
    assert [one.value for one in cli.Profile] == list(PROFILES)


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The course's own table and sources, without a submission."""
    (tmp_path / "course").mkdir()
    shutil.copy(ROOT / "course" / "course.toml", tmp_path / "course")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    for name in ("03_net_1", "06_net_3"):
        shutil.copytree(ROOT / "source" / name, tmp_path / "source" / name)
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    return tmp_path


def refused(*words: str) -> str:
    said = CliRunner().invoke(cli.app, list(words))
    assert said.exit_code == 1 and "Traceback" not in said.output
    return " ".join(said.output.split())


@pytest.mark.parametrize(
    "verb", ["grade", "report", "leaderboard", "build", "adopt", "calibrate", "mutate"]
)
@pytest.mark.parametrize(
    ("typed", "near"), [("03_net1", "03_net_1"), ("net_3", "06_net_3"), ("03_Net_1", "03_net_1")]
)
def test_a_mistaken_name_is_answered_with_the_nearest(course, verb, typed, near):
    if verb == "build":
        (course / "course" / f"{near}.py").write_text("# %%\n")
    said = refused(verb, typed)
    assert f"There is no assignment {typed}" in said and f"did you mean {near}?" in said


def test_a_name_like_no_other_is_answered_with_all_names(course):
    said = refused("report", "99_x")
    assert "There is no assignment 99_x." in said and "03_net_1, 04_" in said


def test_an_assignment_without_a_contest_has_no_leaderboard(course):
    said = refused("leaderboard", "03_net_1")
    assert said == (
        "03_net_1 has no contest, so it has no leaderboard: run autograder leaderboard 06_net_3."
    )
    said = CliRunner().invoke(cli.app, ["leaderboard", "06_net_3"])
    page = course / "report" / "06_net_3-leaderboard.html"
    assert said.exit_code == 0 and "no entry yet" in page.read_text()


def test_a_report_without_submissions_says_so_and_writes_nothing(course):
    assert refused("report") == (
        "Nobody has handed in anything yet: put notebooks into submitted/STUDENT/NAME/."
    )
    assert "Nobody has handed in 03_net_1 yet" in refused("report", "03_net_1")
    (course / "submitted" / "ada" / "03_net_1").mkdir(parents=True)
    for words in (["report"], ["report", "03_net_1"]):
        assert refused(*words) == (
            "Nothing of 03_net_1 is graded yet: run autograder grade 03_net_1."
        )
    assert not (course / "report").exists() and not (course / "gradebook.db").exists()


def test_an_assignment_that_only_has_a_source_can_be_named(tmp_path, monkeypatch):
    tiny.make(tmp_path, students=0)
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    assert "Nobody has handed in tiny yet" in refused("report", "tiny")
    assert "did you mean tiny?" in refused("report", "tinny")
