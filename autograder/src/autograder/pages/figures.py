"""What an assignment's results say about the class and about each exercise, in numbers."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.pages.outputs import PARTLY
from autograder.pages.scores import Report, Row
from convcourse import outcomes

FEWEST = 10  # students; a correlation of fewer says nothing
MOST_BARS = 13
MOST_SENTENCES = 3
_TOLD = (outcomes.WRONG, outcomes.NOT_ATTEMPTED, outcomes.ERROR, PARTLY)


@dataclass(frozen=True)
class Sentence:
    """What a check said, and to how many students."""

    words: str
    students: int


@dataclass(frozen=True)
class Exercise:
    """What the class did with one exercise.

    Attributes:
        name: The id of its test or written answer.
        points: The points that it gives at most.
        graded: How many students have a score in it.
        full: How many of them have all points.
        partly: How many have some of the points.
        waiting: How many wait for a person.
        discrimination: The corrected item-total correlation: Pearson's correlation, over the
            students, of the points in this exercise with the points in all others. None if there
            are fewer than `FEWEST` students, or if all have the same points in one of the two.
        attempts: The median number of submissions of the students who have all points; None if
            nobody's number is known.
        said: The commonest sentences of its check.
    """

    name: str
    points: float
    graded: int
    full: int
    partly: int
    waiting: int
    discrimination: float | None
    attempts: float | None
    said: tuple[Sentence, ...]

    @property
    def share(self) -> float | None:
        """The share of the graded students who have all points."""
        return self.full / self.graded if self.graded else None


@dataclass(frozen=True)
class Bar:
    """How many students have from ``low`` to below ``high`` points; the last bar has no end."""

    low: float
    high: float
    students: int

    @property
    def range(self) -> str:
        if math.isinf(self.high):
            return f"{self.low:g} or more"
        return f"{self.low:g} to below {self.high:g}"


@dataclass(frozen=True)
class Figures:
    """What a class did in one assignment, in numbers of students and points."""

    handed_in: int
    missing: int | None
    graded: int
    waiting: int
    failed: int
    late: int
    median: float | None
    exercises: tuple[Exercise, ...]
    bars: tuple[Bar, ...]

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of students, by what is told of them."""
        missing = {} if self.missing is None else {"not handed in": self.missing}
        return (
            {"handed in": self.handed_in}
            | missing
            | {
                "graded": self.graded,
                "waiting for a person": self.waiting,
                "failed to be graded": self.failed,
                "with a late penalty": self.late,
            }
        )


def of(report: Report) -> Figures:
    """The figures of one assignment."""
    rows = [row for row in report.rows if not row.failed]
    return Figures(
        handed_in=len(report.rows) + len(report.ungraded),
        missing=None if report.missing is None else len(report.missing),
        graded=len(rows),
        waiting=sum(row.waits for row in rows),
        failed=len(report.rows) - len(rows),
        late=sum(row.penalty > 0 for row in rows),
        median=statistics.median(row.score for row in rows) if rows else None,
        exercises=tuple(_exercise(test, report, rows) for test in report.tests),
        bars=_bars(report.points, [row.score for row in rows]),
    )


def _exercise(test: str, report: Report, rows: Sequence[Row]) -> Exercise:
    marks = [row.marks[test] for row in rows]
    attempts = [r.attempts for r in rows if r.attempts is not None and r.marks[test].is_full]
    return Exercise(
        name=test,
        points=report.tests[test],
        graded=sum(mark.score is not None for mark in marks),
        full=sum(mark.is_full for mark in marks),
        partly=sum(bool(mark.score) and not mark.is_full for mark in marks),
        waiting=sum(mark.waits for mark in marks),
        discrimination=_discrimination(test, rows),
        attempts=statistics.median(attempts) if attempts else None,
        said=_said(test, rows),
    )


def _discrimination(test: str, rows: Sequence[Row]) -> float | None:
    """The corrected item-total correlation, over the students whose other marks are known.

    Exercises that some of these students have no score for are left out of the total.
    """
    rows = [row for row in rows if row.marks[test].score is not None]
    others = [
        name
        for name in (rows[0].marks if rows else ())
        if name != test and all(row.marks[name].score is not None for row in rows)
    ]
    if len(rows) < FEWEST or not others:
        return None
    item = [float(row.marks[test].score or 0) for row in rows]
    rest = [float(sum(row.marks[name].score or 0 for name in others)) for row in rows]
    try:
        return statistics.correlation(item, rest)
    except statistics.StatisticsError:  # one of them is constant
        return None


def _said(test: str, rows: Sequence[Row]) -> tuple[Sentence, ...]:
    """The commonest sentences; those that differ in a number or a line of code count as one."""
    found: Counter[str] = Counter()
    example: dict[str, str] = {}
    for row in rows:
        mark = row.marks[test]
        if mark.status in _TOLD and (words := mark.sentence(test)):
            kind = re.sub(r"\d[\d.,]*\d|\d", "0", re.sub(r" \(in \w+, line \d+: .*", "", words))
            example.setdefault(kind, words)
            found[kind] += 1
    return tuple(Sentence(example[kind], n) for kind, n in found.most_common(MOST_SENTENCES))


def _bars(points: float, scores: Sequence[float]) -> tuple[Bar, ...]:
    """The distribution of the scores, in equal steps of 1, 2 or 5 times a power of ten points."""
    if not scores or points <= 0:
        return ()
    size = 10.0 ** (math.floor(math.log10(points)) - 1)
    steps = [size * factor for factor in (1, 2, 5, 10, 20)]
    step = next(one for one in steps if _whole(points / one) < MOST_BARS)
    last = _whole(points / step)
    counts = Counter(min(_whole(score / step), last) for score in scores)
    ends = [round((k + 1) * step, 9) for k in range(last)] + [math.inf]
    return tuple(Bar(round(k * step, 9), ends[k], counts[k]) for k in range(last + 1))


def _whole(steps: float) -> int:
    """How many whole steps these are; 0.3 has three of 0.1."""
    return math.floor(steps + 1e-9)
