"""`autograder watch`: what is handed in is graded at once, and the right attempt counts."""

import json
import time
from collections.abc import Callable

import instant
import pytest
import tiny
from instant import RIGHT, Class

from autograder.run import watch

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

    def watch(self, until: Callable[[], bool], seconds: float = 40, **options) -> None:
        deadline = time.monotonic() + seconds

        def goes_on() -> bool:
            assert time.monotonic() < deadline, "\n".join(self.said)
            return not until()

        rules = watch.Rules(options.pop("per_day", 0), options.pop("counts", "last"))
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
