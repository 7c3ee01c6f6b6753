"""Due dates and extensions stand in files; penalties follow them without running anything."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from instant import NAME, RIGHT, WRONG, Class, nbgraders_autograde
from typer.testing import CliRunner

from autograder import course as courses
from autograder.classlist import due, extensions
from autograder.classlist.extensions import Extension
from autograder.cli import app
from autograder.nbgrader import anew
from autograder.nbgrader.room import Room
from autograder.root import CourseError
from autograder.run import grade as grading

pytestmark = pytest.mark.unit

TABLE = """# What the course says.
timezone = "Europe/Berlin"
late = { share = 0.25, grace = "10 minutes" }

[[assignment]]
name = "tiny"  # the only one
title = "Tiny"
minutes = 5
points = 6
due = 2026-03-01T12:00:00Z
"""
IN_TIME, NEXT_DAY = "2026-03-01 12:00:00 UTC", "2026-03-02 11:00:00 UTC"


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    """ada has 4 points and came the next day; bob came exactly in time; cyd's time is not known."""
    course = Class(tmp_path_factory.mktemp("course") / "begun").begin()
    (course.root / "course" / "course.toml").write_text(TABLE)
    course.hand_in(RIGHT, "Because.", came=NEXT_DAY)
    course.hand_in(RIGHT, "Because.", "bob", IN_TIME)
    course.hand_in(RIGHT, "Because.", "cyd")
    said: list[str] = []
    course.grade(tell=said.append)
    assert any("it is not known when 1 submission came" in words for words in said)
    assert any("1 student with a late penalty, 1.5 points in all" in words for words in said)
    return course.root


@pytest.fixture
def course(begun, tmp_path, monkeypatch) -> Class:
    made = Class(Path(shutil.copytree(begun, tmp_path / "course")))
    monkeypatch.setenv("COURSE_ROOT", str(made.root))
    monkeypatch.setattr(grading, "execute", None)  # nothing runs from here on
    return made


def edit(course: Class, old: str, new: str) -> None:
    path = course.root / "course" / "course.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def anew_in(course: Class) -> list[str]:
    said: list[str] = []
    anew.penalties(course.root, NAME, "a test", said.append)
    return said


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 1
    return done.output


def test_grading_takes_the_penalties_of_the_course(course):
    assert [course.penalty(who) for who in ("ada", "bob", "cyd")] == [1.5, 0, 0]


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        ("share = 0.25", "share = 0.5", 3),
        ('grace = "10 minutes"', 'grace = "23 hours"', 0),
        ('{ share = 0.25, grace = "10 minutes" }', '"zero"', 4),
        ('{ share = 0.25, grace = "10 minutes" }', '"keep"', 0),
        ("due = 2026-03-01T12:00:00Z", "due = 2026-03-01T00:00:00", 3),
        ("due = 2026-03-01T12:00:00Z", "due = 2026-03-02T12:00:00", 0),
        ("due = 2026-03-01T12:00:00Z", "", 0),
        ("points = 6\n", "points = 6\nlate = { share = 0.125 }\n", 0.75),
    ],
)
def test_a_change_of_the_table_recalculates_the_penalty(course, old, new, want):
    edit(course, old, new)
    anew_in(course)
    assert course.penalty() == want


def test_a_skipped_submission_gets_its_penalty_in_the_next_run_too(course):
    edit(course, "share = 0.25", "share = 0.5")
    assert set(course.grade().values()) == {"skipped"} and course.penalty() == 3


def test_an_extension_of_a_day_ends_at_the_same_hour(course):
    (course.root / extensions.FILE).write_text(f"student,assignment,days,due\nada,{NAME},1,\n")
    said = anew_in(course)
    assert course.penalty() == 0 and any("1 mark of 1 student changed" in s for s in said)
    page = max((course.root / "report" / "changes").glob("*.csv")).read_text()
    assert "ada,late penalty,1.5,0,extension\n" in page


def test_an_extension_that_goes_from_the_file_goes_from_the_gradebook(course):
    path = course.root / extensions.FILE
    path.write_text(f"student,assignment,due\nada,{NAME},2026-03-05T12:00:00\n")
    anew_in(course)
    assert course.penalty() == 0
    path.unlink()
    anew_in(course)
    assert course.penalty() == 1.5


def test_an_extension_that_a_person_set_in_the_gradebook_stays(course):
    with course.gradebook() as gradebook:
        gradebook.grant_extension(NAME, "ada", days=3)
    for _ in range(2):
        anew_in(course)
        assert course.penalty() == 0
        with course.gradebook() as gradebook:
            assert gradebook.find_submission(NAME, "ada").extension == timedelta(days=3)


def test_a_due_date_that_a_person_set_in_the_gradebook_stays_where_the_table_has_none(course):
    edit(course, "due = 2026-03-01T12:00:00Z", "")
    anew_in(course)
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate="2026-03-02 00:00:00 UTC")
    anew_in(course)
    assert course.penalty() == 1.5


def test_the_table_counts_where_the_gradebook_says_otherwise(course):
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate="2026-05-01 00:00:00 UTC")
    said = anew_in(course)
    assert course.penalty() == 1.5 and "The one of course.toml counts" in said[0]
    assert not any("counts" in words for words in anew_in(course))


@pytest.mark.parametrize("points", [None, 0.25])
def test_a_penalty_that_a_person_set_stays(course, points):
    course.set_penalty(points)
    edit(course, "share = 0.25", "share = 0.5")
    for _ in range(2):
        anew_in(course)
        assert course.penalty() == (points or 0)
    one = course.decided()["late penalty"]
    assert one.look and one.changes == ("the automatic penalty was 1.5 and is 3",)


def test_a_penalty_follows_a_score_that_a_person_gave(course):
    edit(course, '{ share = 0.25, grace = "10 minutes" }', '"zero"')
    anew_in(course)
    course.decide(manual_score=1)
    anew_in(course)
    assert course.penalty() == 1


def test_a_second_calculation_changes_nothing_and_leaves_no_journal(course):
    anew_in(course)
    runs = sorted((course.root / ".autograder" / "runs" / NAME).glob("*.json"))
    assert "No earlier mark changed." in anew_in(course)
    assert sorted((course.root / ".autograder" / "runs" / NAME).glob("*.json")) == runs


def test_the_verbs_write_the_files_and_recalculate(course):
    said = run("due", NAME, "2026-03-03 12:00")
    assert "is due at 2026-03-03T12:00:00+01:00" in said and course.penalty() == 0
    text = (course.root / "course" / "course.toml").read_text()
    assert 'name = "tiny"  # the only one' in text and text.startswith("# What the course says.")
    run("due", NAME, "2026-03-01T12:00:00Z")
    assert course.penalty() == 1.5
    assert "bob has 2 more days" in run("extend", "bob", NAME, "--days", "2")
    run("extend", "ada", NAME, "--until", "2026-03-02T12:00", "--reason", "ill, with a note")
    assert course.penalty() == 0
    rows = extensions.read(courses.load(course.root))
    assert rows["ada", NAME].reason == "ill, with a note" and rows["bob", NAME].days == 2
    run("extend", "ada", NAME, "--days", "0")
    assert course.penalty() == 1.5
    assert "ada: 23.0 h late, 4 - 1.5" in run("penalties", NAME)
    run("due", NAME, "none")
    assert course.penalty() == 0
    assert (course.root / "course" / "course.toml").read_text() == TABLE.replace(
        "due = 2026-03-01T12:00:00Z\n", ""
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("due", "tinny", "2026-03-03 12:00"), "no assignment tinny"),
        (("due", NAME, "soon"), "is no date and time"),
        (("due", NAME, "2026-03-03"), "has no time of day"),
        (("extend", "adda", NAME, "--days", "1"), "did you mean ada"),
        (("extend", "", NAME, "--days", "1"), "Name a student"),
        (("extend", "ada", NAME, "--until", "2025-03-02T12:00"), "must be later than that"),
        (("extend", "ada", NAME, "--days", "99999"), 'days is "99999"'),
        (("extend", "ada", NAME, "--until", "2026-03-03"), "has no time of day"),
        (("extend", "ada", NAME), "either --days or --until"),
        (("extend", "ada", NAME, "--days", "1", "--until", "2026-03-03"), "either --days or"),
        (("penalties", "other"), "no assignment other"),
        (("take-back", NAME, "--run", "yesterday"), "There is no run yesterday"),
    ],
)
def test_a_mistake_gets_a_sentence_and_changes_nothing(course, arguments, words):
    before = (course.root / "course" / "course.toml").read_text()
    assert words in refused(*arguments)
    assert (course.root / "course" / "course.toml").read_text() == before
    assert not (course.root / extensions.FILE).exists() and course.penalty() == 1.5


HEAD = "student,assignment,days,due,reason\n"


def test_a_name_that_is_close_to_one_of_the_class_list_is_refused(course):
    (course.root / "students.csv").write_text("id,name\nzoe,Zoe\n")
    assert "did you mean zoe?" in refused("extend", "zoey", NAME, "--days", "1")
    assert "zoe has 1 more days" in run("extend", "zoe", NAME, "--days", "1")


def test_a_line_that_gives_nobody_more_time_is_told(course):
    rows = f"adda,{NAME},2,,\nbob,{NAME},,2026-02-01T12:00:00Z,\ncyd,{NAME},1,,\n"
    (course.root / extensions.FILE).write_text(HEAD + rows)
    told = [words for words in anew_in(course) if extensions.FILE in words]
    assert len(told) == 2
    assert "adda more time" in told[0] and told[0].endswith("did you mean ada?")
    assert "bob more time" in told[1] and "ends no later than the due date" in told[1]


def test_what_to_do_is_said_where_a_run_goes_on(course):
    room = Room(course.root, NAME)
    with room.entered(prepared=False):
        said = refused("extend", "ada", NAME, "--days", "3")
    assert "ada has 3 more days" in said and course.penalty() == 1.5
    assert f"Late penalties are as before; afterwards, run autograder penalties {NAME}." in said


def test_an_extension_of_no_due_date_is_told(course):
    edit(course, "due = 2026-03-01T12:00:00Z\n", "")
    assert "has no due date in course.toml yet" in run("extend", "ada", NAME, "--days", "1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,days\nada,3\n", "has no column student and assignment"),
        (f"{HEAD}ada,{NAME},,,\n", "line 2: write either days or due"),
        (f"{HEAD}ada,{NAME},1,2026-03-03T12:00,\n", "write either days or due"),
        (f"{HEAD}ada,tinny,1,,\n", "did you mean tiny"),
        (f"{HEAD},{NAME},1,,\n", "names no student"),
        (f"{HEAD}ada,{NAME},-1,,\n", "greater than 0"),
        (f"{HEAD}ada,{NAME},nan,,\n", "greater than 0"),
        (f"{HEAD}ada,{NAME},,3.3.2026,\n", "is no date and time"),
        (f"{HEAD}ada,{NAME},1,,\nada,{NAME},2,,\n", "line 3: ada has a line"),
        (f"{HEAD}ada,{NAME},1,,a,b\n", "more fields"),
    ],
)
def test_a_line_that_nobody_understands_is_named(course, text, words):
    (course.root / extensions.FILE).write_text(text)
    with pytest.raises(CourseError, match=words):
        anew_in(course)
    with pytest.raises(CourseError, match=words):
        course.grade(force=True)
    assert course.penalty() == 1.5 and (course.root / extensions.FILE).read_text() == text


def test_a_table_from_a_spreadsheet_is_read_and_its_other_columns_stay(course):
    path = course.root / extensions.FILE
    path.write_text(
        f"\ufeffAsked;student;assignment;days\r\nby mail;ada;{NAME};1,5\r\n;;;\r\n", newline=""
    )
    table = courses.load(course.root)
    assert extensions.read(table) == {("ada", NAME): Extension("ada", NAME, 1.5)}
    extensions.put(table, Extension("bob", NAME, due=datetime(2026, 3, 5, tzinfo=UTC)))
    assert "by mail,ada" in path.read_text() and len(extensions.read(table)) == 2


def test_a_hand_in_after_the_extension_is_late_from_there(course):
    (course.root / extensions.FILE).write_text(f"student,assignment,days\nada,{NAME},1\n")
    course.hand_in(WRONG, "Because.", came="2026-03-02 12:10:01 UTC")
    assert course.grade()["ada"] == "done"
    assert course.penalty() == 0  # a wrong answer has nothing to lose
    course.hand_in(RIGHT, "Because.", came="2026-03-02 12:10:01 UTC")
    course.grade()
    assert course.penalty() == 1.5


def test_a_due_date_goes_before_the_tables_of_its_assignment(tmp_path):
    (tmp_path / "course").mkdir()
    path = tmp_path / "course" / "course.toml"
    head = '[[assignment]]\nname = "a"\ntitle = "A"\nminutes = 1\npoints = 1\n'
    tail = "\n# Measured.\n[assignment.thresholds]\nx = { offline = 0.5 }\n\n[[assignment]]\n"
    tail += 'name = "b"\ntitle = "B"\nminutes = 1\npoints = 1\n'
    path.write_text(head + tail)
    due.write(courses.load(tmp_path), "a", datetime(2026, 1, 30, 19, tzinfo=UTC))
    assert path.read_text() == f"{head}due = 2026-01-30T19:00:00+00:00\n{tail}".replace(
        "+00:00", "Z" if "Z\n" in path.read_text() else "+00:00"
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Europe/Berlin", "Europe/Nowhere", "this machine does not know"),
        ("12:00:00Z", "12:00:00", "x"),
        ("2026-03-01T12:00:00Z", "2026-03-01", "has no time of day"),
        ("share = 0.25", "shar = 0.25", "did you mean share"),
    ],
)
def test_course_toml_refuses_dates_and_policies_that_say_nothing_clear(course, old, new, words):
    edit(course, old, new)
    if words == "x":  # a time of the class
        assert courses.load(course.root).assignments[0].due == datetime(2026, 3, 1, 11, tzinfo=UTC)
        return
    with pytest.raises(CourseError, match=words):
        courses.load(course.root)


def test_a_time_without_offset_needs_a_timezone(course):
    edit(course, 'timezone = "Europe/Berlin"\n', "")
    edit(course, "12:00:00Z", "12:00:00")
    with pytest.raises(CourseError, match="has no offset from UTC"):
        courses.load(course.root)


def test_the_button_in_formgrader_takes_the_same_penalty(course, monkeypatch):
    monkeypatch.chdir(course.root)
    edit(course, "share = 0.25", "share = 0.5")
    nbgraders_autograde(course)
    assert course.penalty() == 3
    (course.root / extensions.FILE).write_text(f"student,assignment,days\nada,{NAME},1\n")
    nbgraders_autograde(course)
    assert course.penalty() == 0
