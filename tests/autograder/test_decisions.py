"""What a person decided in Formgrader survives every later run, and is flagged for another look."""

import csv
import io
import shutil
from pathlib import Path

import pytest
import tiny
from instant import NAME, WRONG, Class, nbgraders_autograde, notebook
from nbgrader.apps.api import NbGraderAPI
from rich.console import Console
from traitlets.config import Config

from autograder.nbgrader import records, results
from autograder.pages import listing, report
from autograder.run.job import Settings

pytestmark = pytest.mark.unit

DUE, AFTER = "2026-03-01 12:00:00 UTC", "2026-03-02 12:00:00 UTC"


def force(course: Class) -> None:
    course.grade(force=True)


def hand_in_anew(course: Class) -> None:
    course.hand_in(WRONG, "Because of the sum.")
    course.grade()


def hand_in_garbage(course: Class) -> None:
    path = course.root / "submitted" / "ada" / NAME / f"{NAME}.ipynb"
    path.write_text("{ this is not JSON")
    assert course.grade(force=True) == {"ada": "broken"}


def change_points(course: Class) -> None:
    course.source(notebook(tiny.STUB, "Why?", points=2))
    course.grade()


def add_and_remove_cells(course: Class) -> None:
    course.source(notebook(tiny.STUB, "Why?", more=("another",)))
    course.grade()


def change_profile(course: Class) -> None:
    course.grade(settings=Settings(profile="quick"))


def stop_in_between(course: Class) -> None:
    """A run ends after nbgrader wrote its marks and before they are saved; the next one goes on."""

    class Stopped(BaseException):
        pass

    def stop(*_) -> None:
        raise Stopped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "save", stop)
        with pytest.raises(Stopped):
            course.grade(force=True)
    shutil.rmtree(course.root / "autograded" / "ada", ignore_errors=True)
    assert course.grade() == {"ada": "done"}


EVENTS = [
    force,
    hand_in_anew,
    hand_in_garbage,
    change_points,
    add_and_remove_cells,
    change_profile,
    stop_in_between,
]


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    return Class(tmp_path_factory.mktemp("course") / "begun").begin().root


@pytest.fixture
def course(begun, tmp_path) -> Class:
    return Class(Path(shutil.copytree(begun, tmp_path / "course")))


@pytest.mark.parametrize("happens", EVENTS)
def test_no_decision_is_undone(course, happens):
    course.decide("test", manual_score=3, extra_credit=0.5)
    course.comment("answer", "A nice idea.")
    course.decide("why", manual_score=1)
    course.comment("why", "Half of it.")
    for _ in range(2):
        happens(course)
        manual, extra, automatic, waits = course.mark("test")
        assert (manual, extra, waits) == (3, 0.5, True)
        is_lost = happens in (hand_in_anew, hand_in_garbage)
        assert automatic == (0 if is_lost else 2 if happens is change_points else 4)
        manual, extra, _, waits = course.mark("why")
        assert (manual, extra, waits) == (1, None, True)
        assert (course.words("answer"), course.words("why")) == ("A nice idea.", "Half of it.")
        assert course.decided()["test"].look and course.decided()["why"].look


@pytest.mark.parametrize("happens", EVENTS)
def test_extra_credit_alone_stays_and_is_added_to_the_new_automatic_score(course, happens):
    course.decide("test", extra_credit=1)
    happens(course)
    manual, extra, automatic, waits = course.mark()
    assert (manual, extra, waits) == (None, 1, True)
    row = results.read(course.root, NAME).rows[0]
    assert row.marks["test"].score == automatic + 1


def test_a_comment_alone_is_flagged_when_the_answer_changed(course):
    course.comment("answer", "A nice idea.")
    force(course)
    assert course.mark()[3] is False
    hand_in_anew(course)
    assert course.mark() == (None, None, 0, True)
    assert "the answer changed" in course.decided()["test"].changes


def test_the_list_says_what_changed_until_a_person_confirms(course):
    course.decide(manual_score=3)
    hand_in_anew(course)
    force(course)
    want = ("the answer changed", "the automatic score was 4 and is 0")
    assert course.decided()["test"].changes == want
    course.decide(manual_score=3)
    assert not course.decided()["test"].look and course.decided()["test"].changes == ()
    assert course.grade() == {"ada": "skipped"} and course.mark()[3] is False
    force(course)
    assert course.decided()["test"].changes == () and course.mark()[3]
    assert "nothing that it was based on changed" in course.decided()["test"].sentence


def test_changed_points_are_named(course):
    course.decide(manual_score=3)
    change_points(course)
    assert "the exercise had 4 points and has 2" in course.decided()["test"].changes


def test_a_decision_without_a_change_is_no_reason_to_flag_the_others(course):
    course.decide("why", manual_score=1)
    force(course)
    assert course.mark("test") == (None, None, 4, False)


def test_a_course_without_notes_keeps_its_decisions(course):
    """As after an update of the grader, or after a run of nbgrader alone."""
    course.decide(manual_score=3)
    with course.gradebook() as gradebook:
        records.TABLE.drop(gradebook.engine)
    assert course.decided()["test"].given == "the score 3"
    force(course)
    assert course.mark() == (3, None, 4, True)
    assert "it is not known" in course.decided()["test"].changes[0]


def test_a_cell_that_is_gone_leaves_its_decision_in_the_report_and_brings_it_back(tmp_path):
    course = Class(tmp_path).begin(more=("extra",))
    course.decide("extra", manual_score=1, extra_credit=0.5)
    course.source(notebook(tiny.STUB, "Why?"))
    course.grade()
    gone = course.decided()["extra"]
    assert gone.look and gone.given == "the score 1 and extra credit of 0.5"
    assert "no such cell" in gone.changes[0] and gone.automatic == 3
    force(course)
    assert "extra" in course.decided()
    course.source(notebook(tiny.STUB, "Why?", more=("extra",)))
    course.grade()
    assert course.mark("extra") == (1, 0.5, 3, True)
    assert course.decided()["extra"].changes == ()


def test_a_written_answer_that_is_gone_leaves_its_score_and_its_comment(course):
    course.decide("why", manual_score=1)
    course.comment("why", "Half of it.")
    course.source(tiny.notebook(tiny.STUB))
    course.grade()
    assert course.decided()["why"].given == "the score 1 and a comment"
    course.source(notebook(tiny.STUB, "Why?"))
    course.grade()
    assert course.mark("why")[0] == 1 and course.words("why") == "Half of it."


@pytest.fixture
def late(course) -> Class:
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate=DUE)
    (course.root / "submitted" / "ada" / NAME / "timestamp.txt").write_text(AFTER)
    course.grade()
    assert course.penalty() == 4
    return course


@pytest.mark.parametrize("happens", [e for e in EVENTS if e is not hand_in_garbage])
@pytest.mark.parametrize("points", [None, pytest.param(1.5, marks=pytest.mark.slow)])
def test_a_late_penalty_that_a_person_set_stays(late, happens, points):
    late.set_penalty(points)
    for _ in range(2):
        happens(late)
        assert late.penalty() == (points or 0)
        assert late.decided()["late penalty"].given == f"a penalty of {points or 0:g}"


def test_a_changed_automatic_penalty_flags_the_one_that_a_person_set(late):
    late.set_penalty(1.5)
    force(late)
    assert not late.decided()["late penalty"].look
    hand_in_anew(late)
    one = late.decided()["late penalty"]
    assert one.look and one.changes == ("the automatic penalty was 4 and is 0",)


def test_a_penalty_that_is_set_back_to_the_automatic_one_is_automatic_again(late):
    late.set_penalty(1.5)
    force(late)
    late.set_penalty(4)
    force(late)
    (late.root / "submitted" / "ada" / NAME / "timestamp.txt").unlink()
    late.grade(force=True)
    assert late.penalty() == 0 and "late penalty" not in late.decided()


def test_an_extension_stays(late):
    with late.gradebook() as gradebook:
        gradebook.grant_extension(NAME, "ada", days=3)
    force(late)
    assert late.penalty() == 0
    force(late)
    assert late.penalty() == 0


def test_page_table_and_csv_show_both_scores(course, tmp_path):
    course.decide(manual_score=3)
    hand_in_anew(course)
    found = results.read(course.root, NAME)
    page = report.write([found], tmp_path / "class.html").read_text()
    assert "automatic 0" in page and "look at these again" in page and "answer changed" in page
    console = Console(width=200, record=True, file=io.StringIO())
    listing.show([found], console)
    text = console.export_text()
    assert "✗✎" in text and "ada, test: a person set the score 3 (automatic: 0)" in text
    with listing.write_csv([found], tmp_path / "class.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["test"] == "test")
    assert (row["score"], row["automatic_score"], row["by_hand"]) == ("3.0", "0.0", "yes")
    assert row["look_again"] == "yes" and "the answer changed" in row["changes"]


def test_formgrader_lists_what_is_to_be_looked_at(course, monkeypatch):
    course.decide("why", manual_score=2)
    config = Config()
    config.CourseDirectory.root, config.CourseDirectory.course_id = str(course.root), "tiny"
    monkeypatch.chdir(course.root)
    assert not NbGraderAPI(config=config).get_submission(NAME, "ada")["needs_manual_grade"]
    course.decide(extra_credit=1)
    force(course)
    assert NbGraderAPI(config=config).get_submission(NAME, "ada")["needs_manual_grade"]


def test_the_button_in_formgrader_keeps_decisions_too(late, monkeypatch):
    monkeypatch.chdir(late.root)
    late.decide(extra_credit=1)
    late.comment("answer", "A nice idea.")
    late.set_penalty(1.5)
    nbgraders_autograde(late)
    assert late.mark() == (None, 1, 4, True) and late.words("answer") == "A nice idea."
    assert late.penalty() == 1.5 and late.decided()["test"].look
    force(late)
    assert late.mark() == (None, 1, 4, True) and late.penalty() == 1.5


def undecided(course) -> int:
    with course.gradebook() as gradebook:
        return results.undecided(gradebook, NAME)


def test_the_count_of_decisions_to_look_at_again_ends_with_the_last_one(course):
    course.decide(manual_score=3)
    assert undecided(course) == 0
    said: list[str] = []
    course.grade(force=True, tell=said.append)
    assert undecided(course) == 1 and "A decision by a person came before" in said[-1]
    course.decide(manual_score=3)
    assert undecided(course) == 0
