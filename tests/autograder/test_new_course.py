"""A course of one's own is made from the texts, and every verb of authors works in it."""

import runpy
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder import cli, course
from autograder.root import CourseError
from autograder.text import new_course, release

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
TWO = ["03_net_1", "01_data_loading"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)


def run(*words: str):
    return CliRunner().invoke(cli.app, list(words))


def test_a_choice_is_made_built_and_checked_outside_the_repository(tmp_path, monkeypatch):
    done = run("new", "mine", "--assignments", ", ".join(TWO), "--title", 'Mine: "one" \\ two')
    assert done.exit_code == 0, done.output
    assert "03_net_1 builds on 02_convolution, which this course leaves out: add it" in done.output
    made = course.load(tmp_path / "mine")
    assert made.names == sorted(TWO) and made.title == 'Mine: "one" \\ two'
    assert made.assignment("03_net_1").builds_on == ("01_data_loading",)
    assert made.threshold("net1-accuracy", "full") == course.load(ROOT).threshold(
        "net1-accuracy", "full"
    )
    assert 'course_id = "mine"' in (tmp_path / "mine" / "nbgrader_config.py").read_text()
    monkeypatch.chdir(tmp_path / "mine" / "course")
    assert run("build", "--check").exit_code == 0
    assert "already matches" in run("adopt", "03_net_1").output
    assert run("mutate", "03_net_1", "--list").exit_code == 0
    for name in TWO:
        assert (
            made.source_path(name).read_bytes() == course.load(ROOT).source_path(name).read_bytes()
        )


def test_all_assignments_are_taken_by_default(tmp_path):
    made = new_course.make(tmp_path / "all", new_course.given())
    assert (
        made.names == course.load(ROOT).names and made.assignments == course.load(ROOT).assignments
    )
    assert new_course.left_out(made, ROOT) == []
    assert set(release.texts_of(made)) == set(made.names)
    for kind in ("calibration", "equivalents", "demo"):
        names = {path.name for path in (ROOT / "course" / kind).glob("*.*")}
        assert {path.name for path in (tmp_path / "all" / "course" / kind).iterdir()} == names


@pytest.mark.parametrize(
    ("names", "words"),
    [(["03_net1"], "did you mean 03_net_1"), (["99_x"], "there are 00_gpu_setup, 01")],
)
def test_an_unknown_assignment_is_answered_with_the_known_ones(tmp_path, names, words):
    with pytest.raises(CourseError, match=words):
        new_course.make(tmp_path / "new", ROOT, names)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_something_stays_as_it_is(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("x")
    done = run("new", "new")
    assert done.exit_code == 1 and "is not empty: name a new folder" in done.output
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mine.txt"]


def test_neither_the_address_nor_the_seed_of_the_other_course_comes_along(tmp_path):
    texts = tmp_path / "texts"
    new_course.make(texts, ROOT, ["04_parameter_counting"])
    table = texts / "course" / "course.toml"
    own = 'repository = "https://github.com/OWNER/NAME"\ntag = "v1"\nwheel = "w"\n'
    table.write_text(f"heldout_seed = 5\n{own}{table.read_text()}")
    made = new_course.make(tmp_path / "new", texts)
    assert (made.repository, made.tag, made.wheel, made.heldout_seed) == ("", "", "", 1)
    assert "heldout_seed" not in tomllib.loads((tmp_path / "new/course/course.toml").read_text())


def test_texts_that_are_not_there_are_asked_for(tmp_path):
    done = run("new", "new", "--texts", str(tmp_path))
    assert done.exit_code == 1 and "is no course: it lacks" in done.output


def test_the_wheel_brings_along_what_a_course_begins_with(tmp_path, monkeypatch):
    setuptools = pytest.importorskip("setuptools", reason="a wheel is built where setuptools is")
    monkeypatch.setattr(setuptools, "setup", lambda **settings: None)
    package = tmp_path / "lib" / "autograder"
    gather = runpy.run_path(str(ROOT / "autograder" / "setup.py"))["gather"]
    gather(package / new_course.IN_WHEEL)
    monkeypatch.setattr(new_course.autograder, "__file__", str(package / "__init__.py"))
    assert new_course.given() == package / new_course.IN_WHEEL
    made = new_course.make(tmp_path / "new", new_course.given())
    again = new_course.make(tmp_path / "again", ROOT)
    files = {path.relative_to(made.root) for path in made.root.rglob("*") if path.is_file()}
    assert files == {p.relative_to(again.root) for p in again.root.rglob("*") if p.is_file()}
    assert len(release.texts_of(made)) == len(course.load(ROOT).names)
