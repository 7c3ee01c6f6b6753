"""`autograder watch`: what is handed in is graded at once, and the right attempt counts."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import instant
import nbformat
import pytest
import tiny
from instant import RIGHT, WRONG, Class
from nbgrader.api import Gradebook
from nbgrader.utils import notebook_hash
from platforms import zipped
from walls_needed import walls_needed

from autograder.root import CourseError
from autograder.run import grade, watch

pytestmark = pytest.mark.kernel

NAME = tiny.NAME
BROKEN = "{"


class Watched(Class):
    """A course that is watched, one look after the other."""

    def begin(self, more: tuple[str, ...] = ()) -> "Watched":
        tiny.make(self.root, students=0)
        config = "c = get_config()\nc.CourseDirectory.course_id = 'tiny'\n"
        config += "c.Exchange.root = 'exchange'\n"
        (self.root / "nbgrader_config.py").write_text(config)
        (self.root / "course" / "course.toml").write_text('timezone = "UTC"\n')
        self.source(instant.notebook(tiny.STUB, "Why?"))
        self.said: list[str] = []
        return self

    def watch(self, until: Callable[[], bool], seconds: float = 150, **options) -> None:
        deadline, done = time.monotonic() + seconds, list[bool]()

        def goes_on() -> bool:
            assert time.monotonic() < deadline, "\n".join(self.said)
            if not done and until():
                done.append(True)
            return not done

        rules = watch.Rules(options.pop("per_day", None), options.pop("counts", ""))
        workers = options.pop("workers", instant.Instant())
        watch.watch(
            self.root,
            NAME,
            rules=rules,
            workers=workers,
            tell=self.said.append,
            goes_on=goes_on,
            **options,
        )

    def settled(self, student: str = "ada", number: int = 1) -> bool:
        return self.attempt(student, number).get("is_settled", False)

    def attempt(self, student: str = "ada", number: int = 1) -> dict:
        path = self.root / ".autograder" / "attempts" / NAME / student / str(number) / "facts.json"
        return json.loads(path.read_text()) if path.is_file() else {}

    def page(self, student: str = "ada", name: str = f"{NAME}.html") -> str:
        return (self.root / "feedback" / student / NAME / name).read_text()

    def score(self, student: str = "ada") -> float:
        with self.gradebook() as gradebook:
            one = gradebook.find_submission(NAME, student)
            return one.score - (one.late_submission_penalty or 0)


@pytest.fixture
def course(tmp_path) -> Watched:
    return Watched(tmp_path).begin()


def test_a_hand_in_has_its_page_and_marks_and_the_next_run_of_grade_skips_it(course):
    course.hand_in(RIGHT, "Because.")
    course.watch(course.settled)
    assert course.score() == 4
    assert "Attempt 1" in course.page() and "4 of 6 points" in course.page()
    assert any("ada, attempt 1: 4 of 6 points" in line for line in course.said)
    assert course.grade() == {"ada": "skipped"}


def test_an_earlier_better_attempt_stays_the_mark_and_each_keeps_its_page(course):
    course.hand_in(RIGHT, "Because.")
    course.watch(course.settled, counts="best")
    course.hand_in(WRONG, "Since.")
    course.watch(lambda: course.settled(number=2), counts="best")
    assert course.score() == 4
    assert "attempt 1 counts, with 4 of 6 points" in course.page()
    assert "the check's words" in course.page() and "Attempt 2" in course.page()
    assert "this attempt counts" in course.page(name="attempts/1.html")
    submitted = course.root / "submitted" / "ada" / NAME / f"{NAME}.ipynb"
    assert "n + n" in submitted.read_text()
    assert course.grade() == {"ada": "skipped"}
    course.hand_in(RIGHT, "A better reason.")
    course.watch(lambda: course.settled(number=3), counts="best")
    assert course.attempt(number=3)["counts"] and not course.attempt(number=1)["counts"]


def test_the_last_attempt_counts_unless_it_cannot_be_read(course):
    course.hand_in(RIGHT, "Because.")
    course.watch(course.settled)
    course.hand_in(WRONG, "Because.")
    course.watch(lambda: course.settled(number=2))
    assert course.score() == 0
    path = course.root / "submitted" / "ada" / NAME / f"{NAME}.ipynb"
    path.write_text(BROKEN)
    course.watch(lambda: course.settled(number=3))
    assert "not valid JSON" in course.page() and "attempt 2 counts" in course.page()
    assert "return n" in path.read_text()  # what counts lies where other verbs look for it
    assert course.attempt(number=3)["state"] == "broken"


def test_the_notebook_of_another_assignment_is_named_and_takes_no_mark(course):
    course.hand_in(RIGHT, "Because.")
    course.watch(course.settled)
    (course.root / "source" / "other").mkdir()
    nb = nbformat.reads(instant.notebook(tiny.STUB, "Why?"), as_version=4)
    for cell in nb.cells:
        cell.metadata.nbgrader.grade_id = cell.id = f"other-{cell.metadata.nbgrader.grade_id}"
    text = nbformat.writes(nb)
    (course.root / "source" / "other" / "other.ipynb").write_text(text)
    table = course.root / "course" / "course.toml"
    entry = '[[assignment]]\nname = "other"\ntitle = "T"\nminutes = 1\npoints = 6\n'
    table.write_text(f'timezone = "UTC"\n{entry}')
    (course.root / "submitted" / "ada" / NAME / f"{NAME}.ipynb").write_text(text)
    course.watch(lambda: course.settled(number=2))
    assert "The notebook is other, not tiny" in course.page() and course.score() == 4


def test_a_late_penalty_belongs_to_the_attempt_that_counts(course):
    table = course.root / "course" / "course.toml"
    entry = 'name = "tiny"\ntitle = "T"\nminutes = 1\npoints = 6\ndue = 2026-01-30T20:00:00\n'
    late = "late = { share = 0.5 }\n"
    table.write_text(f'timezone = "UTC"\n[[assignment]]\n{entry}{late}')
    course.hand_in(RIGHT, "Because.", came="2026-01-30 19:00:00 UTC")
    course.watch(course.settled, counts="best")
    course.hand_in(RIGHT, "Much better.", came="2026-01-31 19:00:00 UTC")
    course.watch(lambda: course.settled(number=2), counts="best")
    assert (course.score(), course.penalty()) == (4, 0)
    assert "late penalty of 3" in course.page() and "attempt 1 counts" in course.page()
    course.hand_in(RIGHT, "Much better.", came="2026-01-30 19:30:00 UTC")
    course.watch(lambda: course.settled(number=3), counts="best")
    assert course.attempt(number=3)["counts"] and course.penalty() == 0


def test_an_extension_lets_a_better_late_attempt_count(course):
    table = course.root / "course" / "course.toml"
    entry = 'name = "tiny"\ntitle = "T"\nminutes = 1\npoints = 6\ndue = 2026-01-30T20:00:00\n'
    table.write_text(f'timezone = "UTC"\n[[assignment]]\n{entry}late = "zero"\ncounts = "best"\n')
    course.hand_in(WRONG, "Because.", came="2026-01-30 19:00:00 UTC")
    course.watch(course.settled)
    course.hand_in(RIGHT, "Because.", came="2026-01-31 19:00:00 UTC")
    course.watch(lambda: course.settled(number=2))
    course.hand_in(WRONG, "So.", came="2026-01-30 19:30:00 UTC")
    course.watch(lambda: course.settled(number=3))
    assert course.score() == 0 and course.attempt(number=3)["counts"]
    path = course.root / "extensions.csv"

    def extended() -> bool:
        if not path.exists():
            path.write_text("student,assignment,days,due,reason\nada,tiny,3,,ill\n")
        return course.attempt(number=2)["counts"]

    course.watch(extended)
    assert (course.score(), course.penalty()) == (4, 0)


def test_an_attempt_over_the_limit_gets_a_page_that_says_when_the_next_one_is(course):
    for number, answer in enumerate((WRONG, RIGHT, WRONG), start=1):
        course.hand_in(answer, f"Because {number}.")
        course.watch(lambda number=number: course.settled(number=number), per_day=2)
    assert course.attempt(number=3)["state"] == "over the limit"
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d} 00:00 UTC"
    assert f"The next one is graded from {tomorrow} on" in course.page()
    assert "Attempt 2 counts, with 4 of 6 points" in course.page() and course.score() == 4
    kept = course.root / ".autograder" / "attempts" / NAME / "ada" / "3" / "submitted"
    assert "Because 3" in (kept / "ada" / NAME / f"{NAME}.ipynb").read_text()
    facts = course.root / ".autograder" / "attempts" / NAME / "ada"
    for path in facts.glob("*/facts.json"):  # a day later, the same files are handed in again
        known = json.loads(path.read_text()) | {"day": "2026-01-30"}
        path.write_text(json.dumps(known))
    course.hand_in(WRONG, "Because 3.")
    course.watch(lambda: course.settled(number=4), per_day=2)
    assert course.attempt(number=4)["state"] == "graded"


def submit(course: Watched, student: str, answer: str, when: str, secret: str = "") -> Path:
    """What `nbgrader submit` writes; the path of the page that it leads to."""
    exchange = course.root / "exchange" / "tiny"
    folder = exchange / "inbound" / f"{student}+{NAME}+{when}+abc"
    folder.mkdir(parents=True)
    text = answer if answer.startswith(BROKEN) else instant.notebook(answer, "Because.")
    (folder / f"{NAME}.ipynb").write_text(text)
    (folder / "timestamp.txt").write_text(when)
    secret = secret or f"{student}{len(list(folder.parent.iterdir()))}"
    known = notebook_hash(secret=secret, notebook_id=NAME)
    (folder / "submission_secret.txt").write_text(secret)
    return exchange / "feedback" / f"{known}.html"


def test_the_exchange_gets_a_page_for_each_attempt_with_its_own_secret(course):
    pages = [
        submit(course, "ada", RIGHT, "2026-01-30 12:00:00.000001 UTC"),
        submit(course, "ada", WRONG, "2026-01-30 12:00:01.000001 UTC"),
        submit(course, "bob", BROKEN, "2026-01-30 12:00:02.000001 UTC"),
    ]
    half = course.root / "exchange" / "tiny" / "inbound"
    half /= f"cyd+{NAME}+2026-01-30 12:00:03.000001 UTC+abc"
    half.mkdir()
    (half / f"{NAME}.ipynb").write_text("{")  # nbgrader is still copying
    course.watch(lambda: all(map(Path.is_file, pages)) and course.settled("bob"), counts="best")
    assert "Attempt 1" in pages[0].read_text() and "Attempt 2" in pages[1].read_text()
    assert "not valid JSON" in pages[2].read_text()
    assert pages[0].stat().st_mode & 0o777 == 0o644
    assert pages[0].parent.stat().st_mode & 0o777 == 0o711
    assert course.score() == 4 and not course.attempt("cyd")
    assert course.grade() == {"ada": "skipped", "bob": "skipped"}
    more = submit(course, "ada", WRONG, "2026-01-30 12:00:04.000001 UTC")
    course.watch(lambda: course.settled(number=3), counts="best", per_day=2)
    assert "The next one is graded from" in more.read_text()


def test_a_folder_of_the_exchange_that_another_student_made_is_not_taken(course, monkeypatch):
    submit(course, "mallory", WRONG, "2026-01-30 12:00:00.000001 UTC")
    monkeypatch.setattr("autograder.run.arrivals._owner", lambda path: "mallory")
    course.watch(lambda: course.settled("mallory"))
    submit(course, "ada", WRONG, "2026-01-30 12:00:01.000001 UTC")
    course.watch(lambda: any("mallory made it" in line for line in course.said))
    assert not course.attempt("ada")


def test_archives_in_a_folder_are_collected_and_graded(course):
    drop = course.root / "drop"
    drop.mkdir()
    form = "Ana García_{}_assignsubmission_file/x.ipynb"
    files = {form.format(4821): instant.notebook(RIGHT, "Because.").encode()}
    files[form.format(4822).replace("x.ipynb", "x.txt").replace("Ana", "Eva")] = b"no notebook"
    zipped(drop / "class.zip", files)
    (drop / "later.zip").write_bytes((drop / "class.zip").read_bytes()[:200])  # still uploading
    course.watch(lambda: course.settled("4821") and course.settled("4822"), folder=drop)
    assert course.score("4821") == 4
    assert "There is no notebook in it" in course.page("4822")
    course.watch(lambda: True, folder=drop)
    assert not course.attempt("4821", 2) and not course.attempt("4822", 2)


def test_what_a_killed_watch_has_left_is_graded_once(course, monkeypatch):
    """Killed after the hand-in was taken, and again between the page and the marks."""
    course.hand_in(RIGHT, "Because.")
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(instant.Instant, "submit", stopped)
        course.watch(lambda: False)
    assert course.attempt()["state"] == "waiting"
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr("autograder.nbgrader.room.Room.save", stopped)
        course.watch(lambda: False)
    assert "4 of 6 points" in course.page() and course.attempt()["state"] == "graded"
    with monkeypatch.context() as patch:
        patch.setattr(instant.Instant, "submit", stopped)  # it must not run again
        course.watch(course.settled)
    assert course.score() == 4 and not course.attempt(number=2)


def stopped(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_grade_has_graded_keeps_its_marks(course):
    course.hand_in(RIGHT, "Because.")
    course.grade()
    course.watch(course.settled)
    assert course.attempt()["message"] == "graded before" and course.score() == 4
    assert not (course.root / "feedback").exists()


def test_a_second_run_in_the_course_is_told(course):
    def asked() -> bool:
        with pytest.raises(CourseError, match="Another autograder watch tiny is running"):
            watch.watch(course.root, NAME, workers=instant.Instant())
        with pytest.raises(CourseError, match="Another autograder watch tiny is running"):
            grade.grade(course.root, NAME, workers=instant.Instant())
        return True

    course.hand_in(RIGHT, "Because.")
    course.watch(asked)
    with pytest.raises(CourseError, match="release_assignment tiny"):
        course.watch(lambda: True, exchange=True)


def test_a_changed_source_is_taken_up(course):
    course.hand_in(RIGHT, "Because.")
    course.watch(course.settled)
    source = course.root / "source" / NAME / f"{NAME}.ipynb"
    kept = source.read_text()

    def changed() -> bool:
        if source.read_text() == kept:
            source.write_text(instant.notebook(tiny.STUB, "Why?", points=7))
            course.hand_in(RIGHT, "Because.", student="bob")
        return course.settled("bob")

    course.watch(changed)
    assert course.score("bob") == 7


def test_twelve_hand_ins_at_once_are_all_answered(course):
    pages = [
        submit(course, f"student{k:02}", (RIGHT, WRONG)[k % 2], f"2026-01-30 12:00:{k:02}.1 UTC")
        for k in range(12)
    ]
    course.watch(lambda: all(map(Path.is_file, pages)) and course.settled("student11"))
    with Gradebook(course.url) as gradebook:
        found = {one.student_id: one.score for one in gradebook.assignment_submissions(NAME)}
    assert found == {f"student{k:02}": (4, 0)[k % 2] for k in range(12)}


@walls_needed
def test_a_watch_that_is_killed_and_started_again_loses_nothing_and_ends_at_a_signal(tmp_path):
    """With the program, its workers and real kernels."""
    course = Watched(tmp_path).begin()
    course.source(tiny.notebook(tiny.STUB))
    (tmp_path / "exchange" / "tiny" / "inbound").mkdir(parents=True)
    first, output = started(course)
    page = submit(course, "ada", tiny.notebook(tiny.ANSWERS[0]), "2026-01-30 12:00:00.1 UTC")
    slow = tiny.notebook("import time\ntime.sleep(5)\n" + tiny.ANSWERS[1])
    other = submit(course, "bob", slow, "2026-01-30 12:00:01.1 UTC")
    wait_for(lambda: page.is_file() and course.attempt("bob"), output)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert not other.exists() and "2 of 2 points" in page.read_text()
    second, output = started(course)
    wait_for(lambda: course.settled("bob"), output)
    second.terminate()
    assert second.wait(120) == 0 and "Stopped" in output.read_text()
    assert "0 of 2 points" in other.read_text() and not course.attempt("bob", 2)
    assert (course.score(), course.score("bob")) == (2, 0)


def started(course: Watched) -> tuple[subprocess.Popen, Path]:
    output = course.root / "watched.txt"
    code = "from autograder.start import main; main()"
    with output.open("w") as file:
        running = subprocess.Popen(
            [sys.executable, "-c", code, "watch", NAME, "--exchange"],
            cwd=course.root,
            env=os.environ | {"COURSE_ROOT": str(course.root)},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_for(lambda: "Watching" in output.read_text(), output)
    return running, output


def wait_for(condition: Callable[[], object], output: Path, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.05)
