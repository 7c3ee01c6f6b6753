"""When something was handed in, and which of two hand-ins is the newer one."""

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autograder.root import CourseError

# How Moodle writes a time in English, in both orders, and in numbers.
_FORMS: tuple[str, ...] = (
    "%A, %d %B %Y, %I:%M %p",
    "%A, %B %d, %Y, %I:%M %p",
    "%A, %d %B %Y, %H:%M",
)
_FORMS += ("%d %B %Y, %I:%M %p", "%B %d, %Y, %I:%M %p", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
_FORMS += ("%d/%m/%Y, %H:%M", "%d/%m/%y, %H:%M", "%d.%m.%Y, %H:%M", "%d.%m.%Y %H:%M")
_GERMAN = "januar februar märz april mai juni juli august september oktober november dezember"
_MONTHS = {name: str(number) for number, name in enumerate(_GERMAN.split(), start=1)}
_IN_GERMAN = re.compile(r"(?:\w+, )?(\d{1,2})\. (\w+) (\d{4}), (\d{1,2}:\d{2})")


def zone(name: str) -> tzinfo | None:
    """The time zone with this name, such as Europe/Madrid; None stands for this machine's.

    Raises:
        CourseError: If there is none.
    """
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CourseError(
            f"There is no time zone {name}; write it as in Europe/Madrid or UTC."
        ) from None


def aware(time: datetime | None, where: tzinfo | None) -> datetime | None:
    """A time with its zone: its own, or else ``where``."""
    if time is None or time.tzinfo is not None:
        return time
    return time.replace(tzinfo=where) if where is not None else time.astimezone()


def of_moodle(text: str) -> datetime | None:
    """A time of Moodle's grading worksheet, without a zone; None if nothing is known of it."""
    plain = " ".join(text.split())
    if not any(map(str.isdigit, plain)):
        return None
    if found := _IN_GERMAN.fullmatch(plain.casefold()):
        day, month, year, hour = found.groups()
        plain = f"{day}.{_MONTHS.get(month, '')}.{year}, {hour}"
    for form in _FORMS:
        with contextlib.suppress(ValueError):
            return datetime.strptime(plain, form)
    return None


def of_stamp(text: str) -> datetime | None:
    """The time in nbgrader's timestamp.txt, with its zone; None if it is not one."""
    stamp, _, name = text.strip().rpartition(" ")
    for form in ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S"):
        with contextlib.suppress(ValueError):
            if name[:1] in "+-":
                return datetime.strptime(text.strip(), f"{form} %z")
            time = datetime.strptime(stamp, form)
            return time.replace(tzinfo=UTC) if name in ("UTC", "GMT", "Z") else None
    return None


@dataclass(frozen=True)
class Order:
    """What tells which of two hand-ins of one person is the newer one.

    Attributes:
        time: When the platform received it.
        number: Canvas's number of the attempt, and the name that it belongs to.
        packed: When the platform made the archive, which holds the hand-in of that moment.
    """

    time: datetime | None = None
    number: tuple[str, int] | None = None
    packed: datetime | None = None

    def after(self, other: "Order") -> bool | None:
        """Whether this is newer than another one; None if nothing tells."""
        if self.time and other.time and self.time != other.time:
            return self.time > other.time
        mine, others = self.number or ("", 0), other.number or ("", 0)
        if mine[0] and mine[0] == others[0] and mine[1] != others[1]:
            return mine[1] > others[1]
        if self.packed and other.packed and self.packed != other.packed:
            return self.packed > other.packed
        return None

    def facts(self) -> dict[str, Any]:
        """This as JSON."""
        return {
            "time": self.time.astimezone(UTC).isoformat() if self.time else "",
            "attempt": self.number[1] if self.number else 0,
            "file": self.number[0] if self.number else "",
            "packed": self.packed.isoformat() if self.packed else "",
        }


def order(facts: dict[str, Any]) -> Order:
    """The `Order` that `Order.facts` wrote."""
    number = (str(facts["file"]), int(facts.get("attempt") or 0)) if facts.get("file") else None
    return Order(_read(facts.get("time")), number, _read(facts.get("packed")))


def _read(text: Any) -> datetime | None:
    with contextlib.suppress(ValueError, TypeError):
        return datetime.fromisoformat(text)
    return None
