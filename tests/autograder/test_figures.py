"""What a class's results say about the class and about each exercise."""

import dataclasses
import itertools
import math

import classes
import numpy as np
import pytest

from autograder.pages import figures
from autograder.pages.scores import TO_GRADE, UNGRADED, Mark, Report, Row

pytestmark = pytest.mark.unit


def marked(*scores: float | None, points: float = 4.0) -> dict[str, Mark]:
    names = "abcdefgh"
    return {
        names[k]: Mark("wrong", "", score, points, score, waits=score is None)
        for k, score in enumerate(scores)
    }


def of(rows: list[Row], points: float = 4.0) -> figures.Figures:
    return figures.of(Report("03_net_1", dict.fromkeys(rows[0].marks, points), rows))


def test_the_counts_are_of_students():
    failed = Row("f", marked(2, None) | {"a": Mark(UNGRADED, "", None, 4.0, waits=True)})
    rows = [Row("a", marked(4, 4)), Row("b", marked(0, None), 1.0), failed]
    report = Report("03_net_1", {"a": 4.0, "b": 4.0}, rows, ungraded=("z",))
    assert list(figures.of(report).counts.values()) == [4, 2, 1, 1, 1]
    assert figures.of(report).median == 4
    known = dataclasses.replace(report, missing=("y",))
    assert list(figures.of(known).counts.items())[1] == ("not handed in", 1)


def test_partial_credit_has_not_passed():
    exercise = of([Row("a", marked(4)), Row("b", marked(3)), Row("c", marked(0))]).exercises[0]
    assert (exercise.full, exercise.partly, exercise.graded) == (1, 1, 3)
    assert exercise.share == pytest.approx(1 / 3)


def test_what_nobody_has_graded_has_no_share():
    exercise = of([Row("a", marked(None)), Row("b", marked(None))]).exercises[0]
    assert exercise.share is None and exercise.waiting == 2


def test_discrimination_is_the_correlation_with_the_sum_of_the_others():
    scores = np.random.default_rng(1).integers(0, 5, (40, 3))
    found = of([Row(f"s{k}", marked(*map(float, row))) for k, row in enumerate(scores)])
    for k, exercise in enumerate(found.exercises):
        rest = scores.sum(axis=1) - scores[:, k]
        assert exercise.discrimination == pytest.approx(np.corrcoef(scores[:, k], rest)[0, 1])


def test_exercises_that_wait_for_a_person_are_left_out_of_it():
    scores = np.random.default_rng(2).integers(0, 5, (20, 2))
    plain = of([Row(f"s{k}", marked(*map(float, row))) for k, row in enumerate(scores)])
    waiting = [Row(f"s{k}", marked(*map(float, row), None)) for k, row in enumerate(scores)]
    found = of(waiting).exercises
    assert found[0].discrimination == pytest.approx(plain.exercises[0].discrimination)
    assert found[2].discrimination is None


@pytest.mark.parametrize("scores", [[(4, 4)] * 20, [(k % 5, 4) for k in range(20)], [(1, 2)] * 3])
def test_nothing_is_said_where_nothing_differs_or_few_are_there(scores):
    found = of([Row(f"s{k}", marked(*row)) for k, row in enumerate(scores)])
    assert {one.discrimination for one in found.exercises} == {None}


def test_attempts_are_the_median_of_those_who_passed():
    rows = [Row("a", marked(4), attempts=1), Row("b", marked(4), attempts=4)]
    rows += [Row("c", marked(4)), Row("d", marked(0), attempts=9)]
    assert of(rows).exercises[0].attempts == 2.5
    assert of([Row("a", marked(4))]).exercises[0].attempts is None


def test_sentences_that_differ_in_numbers_or_lines_are_one():
    said = ["wrong: a. It is 3; expected 4.", "wrong: a. It is 12.5; expected 4."]
    said += [f"error: a. ZeroDivisionError: zero (in f, line {k}: 1 / {k})" for k in range(3)]
    said += ["wrong: a. Look.", "passed: a."]
    rows = [
        Row(str(k), {"a": Mark(words.partition(":")[0], words, 0.0, 4.0)})
        for k, words in enumerate(said)
    ]
    found = [(one.words, one.students) for one in of(rows).exercises[0].said]
    assert found[0] == ("ZeroDivisionError: zero (in f, line 0: 1 / 0)", 3)
    assert found[1:] == [("It is 3; expected 4.", 2), ("Look.", 1)]


def test_a_written_answer_has_no_sentence():
    rows = [Row("a", {"a": Mark(TO_GRADE, "A written answer.", None, 4.0, waits=True)})]
    assert of(rows).exercises[0].said == ()


@pytest.mark.parametrize("points", [0.5, 1, 3, 7.5, 12, 13, 23, 60, 100, 999])
def test_the_bars_hold_every_student_once(points):
    scores = [0, points / 3, points / 2, points, points + 1]
    rows = [Row(str(k), marked(score, points=points)) for k, score in enumerate(scores)]
    bars = of(rows, points).bars
    assert sum(bar.students for bar in bars) == len(scores) and 2 <= len(bars) <= figures.MOST_BARS
    assert bars[0].low == 0 and math.isinf(bars[-1].high) and bars[-1].low <= points
    assert all(one.high == pytest.approx(two.low) for one, two in itertools.pairwise(bars))
    assert bars[-1].students >= 1


def test_a_score_on_a_step_belongs_to_the_bar_that_begins_there():
    rows = [Row(str(k), marked(k / 10, points=1)) for k in range(11)]
    assert [bar.students for bar in of(rows, 1).bars] == [1] * 11


def test_a_class_without_anybody_has_figures():
    found = figures.of(Report("03_net_1", {"a": 4.0}, []))
    assert found.median is None and found.bars == () and found.exercises[0].share is None


def test_a_thousand_students_take_no_time_to_count():
    assert len(figures.of(classes.assignment("03_net_1", 1_000)).exercises) == 8
