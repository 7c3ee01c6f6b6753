"""The course is found from anywhere inside it, and its table answers by name."""

import pytest
from typer.testing import CliRunner

from autograder import cli, course
from autograder.root import CourseError, find_root

pytestmark = pytest.mark.unit

ASSIGNMENT = '[[assignment]]\nname = "a"\ntitle = "b"\nminutes = 3\npoints = 4\n'


def test_the_root_is_named_by_the_environment(small_course, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("COURSE_ROOT", str(small_course.root))
    assert course.load().names == ["04_counting"]


def test_the_root_is_found_upwards_from_the_working_folder(small_course, monkeypatch):
    deep = small_course.root / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.delenv("COURSE_ROOT", raising=False)
    monkeypatch.chdir(deep)
    assert find_root() == small_course.root


def test_elsewhere_there_is_no_course_and_the_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match=r"no course/course\.toml in .*autograder new"):
        find_root()


@pytest.mark.parametrize("verb", [["build"], ["report"], ["adopt", "a"], ["demo"], ["mutate"]])
def test_a_verb_outside_a_course_says_so_and_writes_nothing(verb, tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.app, verb)
    assert done.exit_code == 1 and "make a course with autograder new" in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_root_is_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path / "nothing"))
    with pytest.raises(CourseError, match=r"COURSE_ROOT is .*no such folder"):
        find_root()


def test_a_threshold_is_found_by_key_and_profile(small_course):
    assert small_course.load().threshold("counting-speed", "offline") == 0.5
    assert small_course.load().threshold("counting-speed", "quick") == 0.75


@pytest.mark.parametrize(
    ("key", "profile", "words"),
    [("counting-speed", "full", "no value for the profile full"), ("other", "quick", "No assign")],
)
def test_a_threshold_that_is_not_there_is_said_in_a_sentence(small_course, key, profile, words):
    with pytest.raises(CourseError, match=words):
        small_course.load().threshold(key, profile)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("[[assignment]\n", "course.toml cannot be read"),
        ('kernl = "python3"\n', 'nothing reads the key "kernl"; did you mean "kernel"'),
        ("heldout_seed = true\n", "heldout_seed is True; expected a whole number"),
        ('heldout_seed = "7"\n', "expected a whole number"),
        ('repository = "https://github.com/o/n"\n', "without tag and wheel"),
        (
            '[[assignment]]\nname = "a"\nminuts = 3\n',
            'assignment a: nothing reads the key "minuts"',
        ),
        (ASSIGNMENT + 'builds_on = "b"\n', "builds_on is 'b'; expected a list of names"),
        (ASSIGNMENT + "thresholds = { x = 0.5 }\n", "write one number per profile"),
        (ASSIGNMENT + "thresholds = { x = { ofline = 1 } }\n", 'did you mean "offline"'),
        (ASSIGNMENT + ASSIGNMENT, "lists a twice"),
        ('assignment = "a"\n', "two brackets"),
        (
            '[[assignment]]\nname = "a"\ntitle = "b"\n',
            "in the assignment a: it lacks minutes, points",
        ),
    ],
)
def test_a_broken_table_is_said_in_a_sentence(small_course, table, words):
    (small_course.root / "course" / "course.toml").write_text(table)
    with pytest.raises(CourseError, match=words):
        small_course.load()
