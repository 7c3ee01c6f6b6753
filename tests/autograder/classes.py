"""Classes of any size as plain data, for pages of them; the same in every run."""

import random
from pathlib import Path

from autograder.pages.outputs import PARTLY
from autograder.pages.scores import TO_GRADE, UNGRADED, Mark, Report, Row
from convcourse import outcomes

TESTS = {f"exercise-{k}": float(2 + k % 3) for k in range(7)} | {"why": 3.0}
WRONG = "exercise: the second pooling has strides 1; NET I halves the image: strides 2."


def assignment(name: str, students: int, first: int = 0) -> Report:
    """One assignment of a class whose students differ in how much they know."""
    chance = random.Random(f"{name} {students}")
    rows = [_row(f"student{k:04}", k, chance) for k in range(first, first + students)]
    ungraded = ("zoe", "zora")
    levels, profiles = ("namespaces",) * students, ("offline",) * students
    return Report(name, TESTS, rows, (), levels, profiles, ungraded)


def course(students: int, assignments: int) -> list[Report]:
    """Several assignments of one class."""
    return [assignment(f"{k:02}_assignment", students) for k in range(assignments)]


def feedback(root: Path, reports: list[Report]) -> None:
    """An empty feedback page for each student."""
    for report in reports:
        for row in report.rows:
            path = root / "feedback" / row.student / report.assignment / f"{report.assignment}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")


def _row(student: str, number: int, chance: random.Random) -> Row:
    skill = chance.random()
    marks = {test: _mark(test, points, skill, chance) for test, points in TESTS.items()}
    if number % 97 == 50:
        told = "The grader failed on this submission."
        marks["exercise-0"] = Mark(UNGRADED, told, None, 2.0, waits=True, look=told)
    return Row(student, marks, 2.0 if number % 11 == 5 else 0.0, 1 + number % 4)


def _mark(test: str, points: float, skill: float, chance: random.Random) -> Mark:
    if test == "why":
        return Mark(TO_GRADE, "A written answer, to be graded by hand.", None, points, waits=True)
    drawn = chance.random()
    if drawn < skill:
        return Mark(outcomes.PASSED, "", points, points, points)
    if drawn < skill + 0.1:
        said = f"{PARTLY}: {test}. Padding is missing."
        return Mark(PARTLY, said, points / 2, points, points / 2)
    kind = chance.choice([outcomes.WRONG, outcomes.WRONG, outcomes.NOT_ATTEMPTED, outcomes.ERROR])
    said = f"{kind}: {test}. It is {chance.randint(1, 99)}. {WRONG}"
    return Mark(kind, said, 0.0, points, 0.0)
