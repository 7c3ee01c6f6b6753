"""Every run that changes marks says whose and why, and can be taken back."""

import csv
import json
import shutil
from pathlib import Path

import browser
import nbformat
import pytest
import tiny
from instant import NAME, RIGHT, WRONG, Class, Instant, notebook
from nbgrader.api import MissingEntry

from autograder.nbgrader import anew, engine, journal, room, snapshot, take_back
from autograder.nbgrader.room import Room
from autograder.root import CourseError
from autograder.run import grade as grading
from autograder.run import secret
from autograder.run.job import Settings

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    """ada and bob are right and have 4 points; a person gave ada 1 point for her written answer."""
    course = Class(tmp_path_factory.mktemp("course") / "begun").begin()
    course.hand_in(RIGHT, "Because.", "bob")
    course.grade()
    course.decide("why", manual_score=1)
    return course.root


@pytest.fixture
def course(begun, tmp_path) -> Class:
    return Class(Path(shutil.copytree(begun, tmp_path / "course")))


def rows(course: Class) -> list[tuple[str, ...]]:
    """The last report, line by line."""
    last = max((course.root / "report" / "changes").glob(f"{NAME}-*.csv"))
    with last.open(newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def state(course: Class) -> dict:
    """All that the gradebook and the notes hold, and the graded notebooks."""
    made = Room(course.root, NAME)
    found = snapshot.students(made.ledger, NAME, dict(made.notes()))
    table = snapshot.table(made.ledger, NAME)
    made.ledger.end()
    for one in found.values():
        (one["note"] or {}).pop("seconds", None)
    pages = {
        path.relative_to(course.root): path.read_text()
        for path in sorted(course.root.glob("autograded/*/*/*.ipynb"))
    }
    return {"students": found, "cells": table["cells"], "pages": pages}


def back(course: Class, run: str = "") -> take_back.Taken:
    return take_back.take_back(Room(course.root, NAME), run)


def hand_in_anew(course: Class) -> None:
    course.hand_in(WRONG, "Because of the sum.")
    course.grade()


def hand_in_garbage(course: Class) -> None:
    path = course.root / "submitted" / "ada" / NAME / f"{NAME}.ipynb"
    path.write_text("{ this is not JSON")
    course.grade()


def change_points(course: Class) -> None:
    course.source(notebook(tiny.STUB, "Why?", points=2))
    course.grade()


def remove_cells(course: Class) -> None:
    course.source(tiny.notebook(tiny.STUB))
    course.grade()


def add_cells(course: Class) -> None:
    course.source(notebook(tiny.STUB, "Why?", more=("another",)))
    course.grade()


def fail(course: Class) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Instant, "submit", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            course.grade(force=True)
    course.hand_in(WRONG, "x")
    course.grade()


def change_penalty(course: Class) -> None:
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate="2026-03-01 12:00:00 UTC")
    course.hand_in(WRONG + "  # n + n", "Because.", came="2026-03-02 12:00:00 UTC")
    course.grade()
    assert course.penalty() > 0


EVENTS = [hand_in_anew, hand_in_garbage, change_points, remove_cells, add_cells, fail]
EVENTS += [change_penalty]


@pytest.mark.parametrize("happens", EVENTS)
def test_a_run_that_is_taken_back_leaves_no_trace(course, happens):
    before = state(course)
    happens(course)
    assert state(course) != before
    back(course)
    assert state(course) == before
    course.grade()  # and the run can be made again
    again = state(course)
    back(course)
    assert state(course) == before
    course.grade()
    assert state(course)["students"] == again["students"]


@pytest.mark.parametrize("happens", EVENTS)
def test_what_a_person_decided_since_stays_when_a_run_is_taken_back(course, happens):
    happens(course)
    course.decide("test", manual_score=0.5, extra_credit=0.25)
    course.comment("answer", "A nice idea.")
    taken = back(course)
    manual, extra, automatic, waits = course.mark("test")
    assert (manual, extra, automatic, waits) == (0.5, 0.25, 4, True)
    assert course.words("answer") == "A nice idea."
    assert ("ada", "test") in taken.kept
    assert course.decided()["test"].look
    assert course.mark("why")[0] == 1


def test_a_comment_alone_stays_too(course):
    hand_in_anew(course)
    course.comment("answer", "Why?")
    back(course)
    assert course.words("answer") == "Why?" and course.mark() == (None, None, 4, True)
    assert "the answer changed" in course.decided()["test"].changes


def test_a_penalty_that_a_person_set_since_stays(course):
    change_penalty(course)
    course.set_penalty(0.5)
    assert ("ada", "late penalty") in back(course).kept
    assert course.penalty() == 0.5
    course.grade(force=True)
    assert course.penalty() == 0.5


def test_first_marks_are_taken_back_to_none(tmp_path):
    course = Class(tmp_path).begin()
    back(course)
    with course.gradebook() as gradebook, pytest.raises(MissingEntry):
        gradebook.find_submission(NAME, "ada")
    assert not (course.root / "autograded" / "ada" / NAME).exists()
    assert course.grade() == {"ada": "done"} and course.mark() == (None, None, 4, False)


def test_first_marks_with_a_decision_stay_open(tmp_path):
    course = Class(tmp_path).begin()
    course.decide("why", manual_score=1)
    back(course)
    assert course.mark("why")[0] == 1 and course.mark("test")[2:] == (None, True)


def test_an_older_run_is_taken_back_with_those_after_it(course):
    before = state(course)
    first = journal.journals(course.root, NAME)
    hand_in_anew(course)
    change_points(course)
    change_penalty(course)
    runs = [path.stem for path in journal.journals(course.root, NAME) if path not in first]
    taken = back(course, runs[0])
    assert taken.runs == runs[::-1] and state(course) == before
    with pytest.raises(CourseError, match="There is no run"):
        back(course, runs[0])


def test_a_run_after_one_that_was_taken_back_can_be_taken_back(course):
    before = state(course)
    hand_in_anew(course)
    back(course)
    course.hand_in(WRONG, "Something else.")
    course.grade()
    back(course)
    assert state(course) == before


def test_a_run_that_was_killed_can_be_taken_back(course):
    before = state(course)
    course.hand_in(WRONG, "Because of the sum.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal.Run, "end", lambda self: None)
        course.grade()
    assert "after" not in journal.read(journal.journals(course.root, NAME)[-1])
    back(course)
    assert state(course) == before


def test_the_next_run_writes_the_report_of_one_that_was_killed(course):
    course.hand_in(WRONG, "Because of the sum.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal.Run, "end", lambda self: None)
        course.grade()
    course.grade()
    assert ("ada", "test", "4", "0", "new hand-in") in rows(course)


def test_taking_back_twice_after_a_crash_gives_the_same(course):
    before = state(course)
    hand_in_anew(course)
    path = journal.journals(course.root, NAME)[-1]
    text = path.read_text()
    back(course)
    path.write_text(text)  # as if the crash came before the journal was marked
    back(course)
    assert state(course) == before


def test_feedback_of_a_run_that_is_taken_back_is_put_aside(course):
    hand_in_anew(course)
    page = course.root / "feedback" / "ada" / NAME / f"{NAME}.html"
    page.parent.mkdir(parents=True)
    page.write_text("0 points")
    assert back(course).pages == 1 and not page.exists()
    kept = journal.folder(course.root, NAME).glob("*/taken_back/feedback/ada/*.html")
    assert next(kept).read_text() == "0 points"


WHY = {
    hand_in_anew: ("ada", "test", "4", "0", "new hand-in"),
    hand_in_garbage: ("ada", "test", "4", "0", "new hand-in"),
    change_points: ("bob", "test", "4", "2", "4 points became 2"),
    add_cells: ("ada", "another", "open", "3", "the source got this exercise"),
    change_penalty: ("ada", "late penalty", "0", "5", "time of the hand-in"),
}


@pytest.mark.parametrize("happens", WHY)
def test_the_report_says_whose_mark_changed_and_why(course, happens):
    happens(course)
    assert WHY[happens] in rows(course)
    page = max((course.root / "report" / "changes").glob("*.html")).read_text()
    assert WHY[happens][-1] in page and "<script" not in page


def change_test(course: Class, monkeypatch) -> None:
    text = tiny.TEST.replace("double(1)", "double(3)")
    course.source(notebook(tiny.STUB, "Why?").replace(json.dumps(tiny.TEST)[1:-1], "x"))
    path = course.root / "source" / NAME / f"{NAME}.ipynb"
    nb = nbformat.reads(notebook(tiny.STUB, "Why?"), as_version=4)
    nb.cells[1].source = text
    path.write_text(nbformat.writes(nb))


def change_threshold(course: Class, monkeypatch) -> None:
    judged_by = secret.judged_by
    monkeypatch.setattr(secret, "judged_by", lambda *a: judged_by(*a).replace("[]", '[{"x": 1}]'))


def change_seed(course: Class, monkeypatch) -> None:
    (course.root / ".autograder" / secret.FILE).write_text("5\n")


def change_engine(course: Class, monkeypatch) -> None:
    monkeypatch.setattr(room, "engine", lambda: "another")
    assert engine.engine() != "another"


CAUSES = {
    change_test: "its tests changed",
    change_threshold: "thresholds changed",
    change_seed: "other held-out images",
    change_engine: "another version of the grader",
    None: "graded again, though nothing else changed",
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_report_names_the_cause(course, cause, monkeypatch):
    if cause:
        cause(course, monkeypatch)
    right = Instant.submit

    def harder(self, function, text, *more):
        return right(self, function, text.replace("n + n", "n"), *more)

    monkeypatch.setattr(Instant, "submit", harder)
    course.grade(force=True)
    assert ("bob", "test", "4", "0", CAUSES[cause]) in rows(course)


def test_the_report_names_another_profile_and_a_sum_for_each_student(course, monkeypatch):
    right = Instant.submit
    monkeypatch.setattr(
        Instant, "submit", lambda s, f, text, *m: right(s, f, text.replace("n + n", "n"), *m)
    )
    said: list[str] = []
    course.grade(settings=Settings(profile="quick"), tell=said.append)
    assert ("bob", "test", "4", "0", "profile quick in the place of offline") in rows(course)
    assert ("ada", "all, after the penalty", "5", "1", "") in rows(course)
    assert said[0] == "2 marks of 2 students changed."
    assert str(course.root / "report" / "changes") in said[1] and "take-back" in said[2]


def test_a_run_that_changes_nothing_says_so_and_leaves_nothing(course):
    known = journal.journals(course.root, NAME)
    said: list[str] = []
    course.grade(force=True, tell=said.append)
    # a second look at what a person decided is no change of a mark
    assert said[0] == "No earlier mark changed." and not (course.root / "report").exists()
    course.grade(force=True)
    assert len(journal.journals(course.root, NAME)) <= len(known) + 1


def test_old_journals_go_with_their_notebooks(course, monkeypatch):
    monkeypatch.setattr(journal, "KEPT", 2)
    for number in range(4):
        course.hand_in(WRONG if number % 2 == 0 else RIGHT, f"{number}")
        course.grade()
    assert len(journal.journals(course.root, NAME)) == 2
    assert len([p for p in journal.folder(course.root, NAME).iterdir() if p.is_dir()]) == 2


def test_another_run_is_not_disturbed(course):
    with Room(course.root, NAME).entered(), pytest.raises(CourseError, match="is running"):
        back(course)


def test_nothing_is_taken_back_or_calculated_where_nothing_was_graded(tmp_path):
    tiny.make(tmp_path, students=0)
    with pytest.raises(CourseError, match="Nothing of tiny has been graded yet"):
        anew.penalties(tmp_path, NAME, "a test")
    with pytest.raises(CourseError, match="has been graded yet"):
        take_back.take_back(Room(tmp_path, NAME))


def test_a_stopped_run_has_its_report(course):
    class Stopped(BaseException):
        pass

    def stop(event) -> None:
        raise Stopped

    course.hand_in(WRONG, "Because of the sum.")
    with pytest.raises(Stopped):
        grading.grade(course.root, NAME, workers=Instant(), watch=stop, force=True)
    assert journal.journals(course.root, NAME)


@pytest.mark.browser
@browser.needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_report(course, scheme):
    hand_in_anew(course)
    page = max((course.root / "report" / "changes").glob("*.html"))
    with browser.started() as one, one.opened(page, color_scheme=scheme) as shown:
        assert browser.violations(shown) == []
