"""What a late hand-in costs: the policies of `course.toml`, as plain arithmetic on times.

Times are aware; a penalty is in points, rounded half up to hundredths. `docs/grading.md` has the
table of keys.
"""

import contextlib
import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

METHODS = ("keep", "zero", "per day")
KEYS = ("method", "share", "grace", "at_most", "floor", "zero_after")
_UNITS = {"minute": 1, "min": 1, "hour": 60, "h": 60, "day": 1440}
_WAIT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(minute|min|hour|h|day)s?\s*")


@dataclass(frozen=True)
class Policy:
    """How late hand-ins of an assignment are treated.

    Attributes:
        method: ``keep`` (no penalty), ``zero`` (nothing is left) or ``per day``.
        share: The share of the assignment's points that each begun day costs.
        grace: How late a hand-in may be without a penalty. What comes later is counted from the
            due date.
        at_most: The largest share of the points that ``per day`` takes.
        floor: The share of the points below which ``per day`` takes nothing.
        zero_after: The number of days after which nothing is left; None for never.
    """

    method: str = "keep"
    share: float = 0.0
    grace: timedelta = timedelta(0)
    at_most: float = 1.0
    floor: float = 0.0
    zero_after: int | None = None

    def penalty(self, points: float, score: float, days: float, is_graced: bool = False) -> float:
        """The points to subtract.

        Args:
            points: What the assignment is worth.
            score: What was reached.
            days: How many days have begun since the due date; 0 if it was in time.
            is_graced: Whether it came within the grace.

        Returns:
            A number between 0 and ``score``.
        """
        if days <= 0 or is_graced or score <= 0 or self.method == "keep":
            return 0.0
        if self.method == "zero" or (self.zero_after is not None and days > self.zero_after):
            return score
        whole, have = Decimal(str(points)), Decimal(str(score))
        taken = min(Decimal(str(self.share)) * Decimal(days), Decimal(str(self.at_most))) * whole
        taken = min(taken, max(Decimal(0), have - Decimal(str(self.floor)) * whole))
        return min(score, float(taken.quantize(Decimal("0.01"), ROUND_HALF_UP)))

    def of(
        self,
        points: float,
        score: float,
        due: datetime,
        handed_in: datetime,
        zone: tzinfo | None = None,
    ) -> float:
        """The points to subtract from a submission that came at a time.

        Args:
            points: What the assignment is worth.
            score: What was reached.
            due: When the submission was due, with the student's extension.
            handed_in: When it came, to the second. Exactly at the due time is in time.
            zone: Where the class lives; days end there at the hour of the due date.
        """
        handed_in = handed_in.replace(microsecond=0)
        is_graced = handed_in - due <= self.grace
        return self.penalty(points, score, begun_days(due, handed_in, zone), is_graced)


def begun_days(due: datetime, handed_in: datetime, zone: tzinfo | None = None) -> int:
    """How many days have begun since the due date; 0 if it was in time.

    With a zone, a day ends at the same hour of the clock on the wall there, also where daylight
    saving makes it 23 or 25 hours long. Without one it has 24 hours.
    """
    if handed_in <= due:
        return 0
    if zone is None:
        return math.ceil((handed_in - due) / timedelta(days=1))
    days = max(0, (handed_in - due).days - 1)
    while later(due, timedelta(days=days), zone) < handed_in:
        days += 1
    return days


def later(start: datetime, by: timedelta, zone: tzinfo | None = None) -> datetime:
    """A time later by so many days, at the same hour on the wall of a zone, if there is one."""
    if zone is None:
        return start + by
    days = timedelta(days=by.days)
    local = start.astimezone(zone).replace(tzinfo=None) + days
    return local.replace(tzinfo=zone).astimezone(UTC) + (by - days)


def moment(value: Any, zone: tzinfo | None = None) -> datetime:
    """An aware time from a value of course.toml, a table or the command line.

    Args:
        value: A time, or its text, such as ``2026-01-30T20:00:00+01:00``.
        zone: Where a time without an offset is.

    Raises:
        ValueError: With a sentence, if it is no single moment.
    """
    example = "2026-01-30T20:00:00+01:00"
    if isinstance(value, str):
        value = _parsed(value.strip(), example)
    if not isinstance(value, datetime):
        raise ValueError(f"{value!s} has no time of day; write it as {example}")
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    if zone is None:
        raise ValueError(
            f"{value.isoformat()} has no offset from UTC; write it as {example}, or give the "
            'course a timezone, such as timezone = "Europe/Berlin"'
        )
    return _local(value, zone)


def _parsed(text: str, example: str) -> date:
    """A time from its text, or a date alone: its day would end before it has begun."""
    with contextlib.suppress(ValueError):
        return date.fromisoformat(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is no date and time; write it as {example}') from None


def _local(value: datetime, zone: tzinfo) -> datetime:
    """A time on the wall of a zone, unless the clocks skip it or show it twice."""
    early, late = (value.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if early.utcoffset() != late.utcoffset():
        is_skipped = early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != value
        why = "do not show" if is_skipped else "show twice"
        raise ValueError(
            f"{value.isoformat()} is a time that the clocks of {zone} {why}, because they change "
            "in that hour; write it with its offset, such as +01:00"
        )
    return early.astimezone(UTC)


def parse(value: Any) -> Policy:
    """A policy from its value in course.toml: a table, or the method alone.

    Raises:
        ValueError: With a sentence, if a key is unknown, missing or has a wrong value.
    """
    table = {"method": value} if isinstance(value, str) else value
    if not isinstance(table, Mapping):
        raise ValueError(f'late is {value!r}; expected {{ method = "per day", share = 0.1 }}')
    for key in table:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1) or [", ".join(KEYS)]
            raise ValueError(f'late: nothing reads the key "{key}"; did you mean {near[0]}?')
    method = table.get("method", "per day" if "share" in table else None)
    if method not in METHODS:
        raise ValueError(f"late: method is {method!r}; expected one of {', '.join(METHODS)}")
    if method == "per day" and "share" not in table:
        raise ValueError('late: "per day" needs the share of the points, such as share = 0.1')
    only = {"share", "at_most", "floor", "zero_after"}
    if method != "per day" and (more := sorted(only & set(table))):
        raise ValueError(f'late: {more[0]} belongs to "per day", and the method is "{method}"')
    read: dict[str, Callable[[Any], Any]] = {"grace": _wait, "zero_after": _days}
    values = {key: read.get(key, _share)(table[key]) for key in table if key != "method"}
    return Policy(method=method, **values)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"late: {value!r} is no share of the points; expected 0 to 1")
    return float(value)


def _days(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"late: zero_after is {value!r}; expected a whole number of days")
    return value


def _wait(value: Any) -> timedelta:
    found = _WAIT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError(f'late: grace is {value!r}; expected text such as "30 minutes"')
    return timedelta(minutes=float(found[1]) * _UNITS[found[2]])
