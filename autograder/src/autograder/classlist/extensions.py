"""Extensions for single students, from `extensions.csv` in the course's root.

Each line gives a student more time for one assignment: a number of days, or another due date. The
file names people and reasons, so it is not in git.
"""

import csv
import difflib
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from autograder import late
from autograder.classlist import roster
from autograder.course import Course
from autograder.root import CourseError
from convcourse.files import write_whole

FILE = "extensions.csv"
COLUMNS = ("student", "assignment", "days", "due", "reason")
_NEEDED = ("student", "assignment")
_Row = tuple[int, dict[str, str]]  # a line's number and its fields


@dataclass(frozen=True)
class Extension:
    """More time for one student: so many days, or until a time (in UTC)."""

    student: str
    assignment: str
    days: float | None = None
    due: datetime | None = None
    reason: str = ""

    def more(self, due: datetime, course: Course) -> timedelta:
        """The time between the assignment's due date and the student's.

        Args:
            due: The assignment's due date.
            course: The course, in whose time zone a day ends at the same hour.
        """
        if self.days is not None:
            return late.later(due, timedelta(days=self.days), course.zone) - due
        return max(timedelta(0), (self.due or due) - due)


def read(course: Course) -> dict[tuple[str, str], Extension]:
    """The extensions by student and assignment; none if there is no file.

    Raises:
        CourseError: If a line cannot be understood; the error names it.
    """
    return _read(course, _rows(course.root)[1])


def _read(course: Course, rows: list[_Row]) -> dict[tuple[str, str], Extension]:
    found: dict[tuple[str, str], Extension] = {}
    for number, row in rows:
        one = _extension(row, number, course)
        if (one.student, one.assignment) in found:
            raise _error(number, f"{one.student} has a line for {one.assignment} before: keep one")
        found[one.student, one.assignment] = one
    return found


def put(course: Course, one: Extension) -> None:
    """Write a student's extension in the place of an earlier one; the other lines stay.

    Args:
        course: The course.
        one: The extension; one without days and due removes the line.

    Raises:
        CourseError: If the file could not be read with it; then nothing is written.
    """
    read(course)  # refuses a file that nobody would understand afterwards
    columns, rows = _rows(course.root)
    this = one.student, one.assignment
    left = [row for _, row in rows if tuple(row.get(key, "") for key in _NEEDED) != this]
    if one.days is not None or one.due is not None:
        days = "" if one.days is None else f"{one.days:g}"
        due = one.due.astimezone(course.zone).isoformat() if one.due else ""
        left.append(dict(zip(COLUMNS, (*this, days, due, one.reason), strict=True)))
    _read(course, list(enumerate(left, 2)))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(left)
    write_whole(course.root / FILE, text.getvalue())


def unknown(course: Course, given: Iterable[str]) -> dict[str, str]:
    """Who of these students is neither in the class list nor has handed in anything.

    Returns:
        By student, the most similar name of one who is known; empty if there is none.
    """
    folder = course.root / "submitted"
    known = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    try:
        known |= {one.id for one in roster.read(course.root).students}
    except CourseError:  # the verbs that need the class list tell it
        return {}
    strange = [who for who in given if who not in known]
    return {who: next(iter(difflib.get_close_matches(who, known, n=1)), "") for who in strange}


def _rows(root: Path) -> tuple[list[str], list[_Row]]:
    """The columns, with all of ours, and each line with its number."""
    path = root / FILE
    if not path.is_file():
        return list(COLUMNS), []
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise CourseError(f"{FILE} is not in UTF-8: save it as CSV UTF-8.") from None
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in head else ",")
    columns = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    if columns and (missing := [name for name in _NEEDED if name not in columns]):
        raise CourseError(
            f"{FILE} has no column {' and '.join(missing)}: its first line must be "
            f"{','.join(COLUMNS)}."
        )
    rows = []
    for row in reader:
        if row.get(None):
            raise _error(reader.line_num, "it has more fields than the first line has columns")
        kept = {key: (value or "").strip() for key, value in row.items()}
        if any(kept.values()):
            rows.append((reader.line_num, kept))
    return [*columns, *(name for name in COLUMNS if name not in columns)], rows


def _extension(row: dict[str, str], number: int, course: Course) -> Extension:
    student, name = row["student"], row["assignment"]
    if not student:
        raise _error(number, "it names no student")
    if course.assignments and name not in course.names:
        near = difflib.get_close_matches(name, course.names, n=1)
        advice = f"did you mean {near[0]}?" if near else f"they are {', '.join(course.names)}"
        raise _error(number, f'there is no assignment "{name}": {advice}')
    days, due = row.get("days", ""), row.get("due", "")
    if bool(days) == bool(due):
        raise _error(number, "write either days or due")
    values: dict[str, Any] = {"days": None, "due": None}
    try:
        values |= {"days": _days(days)} if days else {"due": late.moment(due, course.zone)}
    except ValueError as error:
        raise _error(number, str(error)) from None
    return Extension(student, name, reason=row.get("reason", ""), **values)


def _days(text: str) -> float:
    try:
        days = float(text.replace(",", "."))
    except ValueError:
        days = math.nan
    if not 0 < days <= 3660:
        raise ValueError(f'days is "{text}"; expected a number greater than 0, such as 3')
    return days


def _error(number: int, words: str) -> CourseError:
    return CourseError(
        f"{FILE}, line {number}: {words.rstrip('.')}{'' if words[-1] == '?' else '.'}"
    )
