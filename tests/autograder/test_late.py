"""What a late hand-in costs: every method, the edges of each day, and clocks that change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from autograder import late

pytestmark = pytest.mark.unit

BERLIN = ZoneInfo("Europe/Berlin")
DUE = datetime(2026, 1, 30, 19, tzinfo=UTC)  # 20:00 in Berlin
DAY, HOUR, MINUTE, SECOND = (
    timedelta(days=1),
    timedelta(hours=1),
    timedelta(minutes=1),
    timedelta(seconds=1),
)
TENTH = {"method": "per day", "share": 0.1}


def cost(policy, after: timedelta, points=20, score=16, due=DUE, zone=BERLIN) -> float:
    return late.parse(policy).of(points, score, due, due + after, zone)


@pytest.mark.parametrize(
    ("policy", "after", "want"),
    [
        (TENTH, -SECOND, 0),
        (TENTH, 0 * SECOND, 0),
        (TENTH, timedelta(microseconds=900_000), 0),  # platforms show seconds
        (TENTH, SECOND, 2),
        (TENTH, DAY, 2),
        (TENTH, DAY + SECOND, 4),
        (TENTH, 7 * DAY + SECOND, 16),
        (TENTH, 30 * DAY, 16),
        ({"share": 0.1}, SECOND, 2),
        ({**TENTH, "share": 0}, 9 * DAY, 0),
        ({**TENTH, "at_most": 0.5}, 4 * DAY, 8),
        ({**TENTH, "at_most": 0.5}, 9 * DAY, 10),
        ({**TENTH, "floor": 0.4}, 3 * DAY, 6),
        ({**TENTH, "floor": 0.4}, 9 * DAY, 8),
        ({**TENTH, "floor": 0.9}, 9 * DAY, 0),  # it had less than the floor anyway
        ({**TENTH, "grace": "30 minutes"}, 30 * MINUTE, 0),
        ({**TENTH, "grace": "30 minutes"}, 30 * MINUTE + SECOND, 2),
        ({**TENTH, "grace": "1.5 hours"}, 90 * MINUTE, 0),
        ({**TENTH, "grace": "26 h"}, DAY + 2 * HOUR, 0),
        ({**TENTH, "grace": "26 h"}, DAY + 3 * HOUR, 4),  # counted from the due date
        ({**TENTH, "zero_after": 2}, 2 * DAY, 4),
        ({**TENTH, "zero_after": 2}, 2 * DAY + SECOND, 16),
        ({**TENTH, "zero_after": 0}, SECOND, 16),
        ({**TENTH, "zero_after": 2, "floor": 0.5}, 3 * DAY, 16),
        ("keep", 300 * DAY, 0),
        ({"method": "keep"}, SECOND, 0),
        ("zero", 0 * SECOND, 0),
        ("zero", SECOND, 16),
        ({"method": "zero", "grace": "15 minutes"}, 15 * MINUTE, 0),
        ({"method": "zero", "grace": "15 minutes"}, 16 * MINUTE, 16),
    ],
)
def test_a_policy_costs_what_its_table_says(policy, after, want):
    assert cost(policy, after) == want


@pytest.mark.parametrize(
    ("share", "points", "want"),
    [(0.1, 15, 1.5), (0.05, 0.7, 0.04), (1 / 3, 10, 3.33), (0.125, 0.2, 0.03), (0.333, 5, 1.67)],
)
def test_a_penalty_is_rounded_half_up_to_hundredths(share, points, want):
    assert cost({"share": share}, SECOND, points=points, score=points) == want


@pytest.mark.parametrize("score", [0, 0.005, 1.999, 16])
def test_a_penalty_never_takes_more_than_was_reached(score):
    for policy in (TENTH, "zero", {**TENTH, "floor": 0.3}):
        for days in (1, 5, 50):
            assert 0 <= cost(policy, days * DAY, score=score) <= score


@pytest.mark.parametrize(
    ("due", "came", "zone", "days"),
    [
        # The clocks go forward on 29 March 2026 in Berlin: that day has 23 hours.
        ("2026-03-28T20:00:00+01:00", "2026-03-29T20:00:00+02:00", BERLIN, 1),
        ("2026-03-28T20:00:00+01:00", "2026-03-29T20:00:01+02:00", BERLIN, 2),
        ("2026-03-28T20:00:00+01:00", "2026-03-29T20:30:00+02:00", None, 1),
        # They go back on 25 October 2026: that day has 25 hours.
        ("2026-10-24T20:00:00+02:00", "2026-10-25T20:00:00+01:00", BERLIN, 1),
        ("2026-10-24T20:00:00+02:00", "2026-10-25T20:00:01+01:00", BERLIN, 2),
        ("2026-10-24T20:00:00+02:00", "2026-10-25T20:00:00+01:00", None, 2),
        ("2026-10-24T20:00:00+02:00", "2026-11-24T20:00:00+01:00", BERLIN, 31),
        ("2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", BERLIN, 1),
    ],
)
def test_days_end_at_the_same_hour_on_the_wall(due, came, zone, days):
    assert late.begun_days(late.moment(due), late.moment(came), zone) == days


def test_more_days_end_at_the_same_hour_on_the_wall():
    due = late.moment("2026-03-27T20:00:00+01:00")
    assert late.later(due, 3 * DAY, BERLIN) == late.moment("2026-03-30T20:00:00+02:00")
    assert late.later(due, 3 * DAY) == late.moment("2026-03-30T20:00:00+01:00")
    assert late.later(due, DAY / 2, BERLIN) - due == DAY / 2


@pytest.mark.parametrize(
    ("text", "zone", "words"),
    [
        ("2026-01-30T20:00:00", None, "has no offset"),
        ("tomorrow", BERLIN, "is no date and time"),
        ("30.1.2026 20:00", BERLIN, "is no date and time"),
        ("2026-03-29T02:30:00", BERLIN, "do not show"),
        ("2026-10-25T02:30:00", BERLIN, "show twice"),
        (DUE.date(), BERLIN, "has no time of day"),
        ("2026-01-30", BERLIN, "has no time of day"),
        ("20260130", BERLIN, "has no time of day"),
        (5, BERLIN, "has no time of day"),
    ],
)
def test_a_time_that_is_no_single_moment_is_refused(text, zone, words):
    with pytest.raises(ValueError, match=words):
        late.moment(text, zone)


def test_a_time_without_offset_is_one_of_the_class():
    assert late.moment("2026-01-30 20:00", BERLIN) == DUE
    assert late.moment("2026-07-30T20:00:00", BERLIN).hour == 18
    assert late.moment("2026-01-30T20:00:00+01:00") == DUE == late.moment("2026-01-30T19:00:00Z")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("never", "expected one of keep, zero, per day"),
        (7, "expected { method"),
        ({"shares": 0.1}, "did you mean share"),
        ({"method": "per day"}, "needs the share"),
        ({"share": 10}, "no share of the points"),
        ({"share": True}, "no share of the points"),
        ({"share": float("nan")}, "no share of the points"),
        ({"share": 0.1, "grace": 30}, 'such as "30 minutes"'),
        ({"share": 0.1, "grace": "half an hour"}, 'such as "30 minutes"'),
        ({"share": 0.1, "grace": "-5 minutes"}, 'such as "30 minutes"'),
        ({"share": 0.1, "zero_after": 1.5}, "whole number of days"),
        ({"method": "zero", "floor": 0.5}, 'floor belongs to "per day"'),
        ({"grace": "30 minutes"}, "method is None"),
    ],
)
def test_a_policy_that_says_nothing_clear_is_refused_in_a_sentence(policy, words):
    with pytest.raises(ValueError, match=words):
        late.parse(policy)
