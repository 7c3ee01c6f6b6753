"""Writes due dates into `course.toml`; all else in it, comments included, stays as it is."""

from datetime import datetime

import tomlkit
from tomlkit.items import AoT, Table

from autograder.course import Course
from autograder.root import TABLE, CourseError
from convcourse.files import write_whole


def write(course: Course, name: str, due: datetime | None) -> None:
    """Write when an assignment is due.

    Args:
        course: The course.
        name: The assignment.
        due: The time; None removes the due date.

    Raises:
        CourseError: If course.toml lists no such assignment.
    """
    course.assignment(name)
    path = course.root / TABLE
    with path.open(encoding="utf-8", newline="") as file:
        table = tomlkit.parse(file.read())
    entry = _entry(table, name)
    if due is None:
        entry.pop("due", None)
    elif "due" in entry:
        entry["due"] = due.astimezone(course.zone)
    else:
        _insert(entry, due.astimezone(course.zone))
    write_whole(path, tomlkit.dumps(table))


def _entry(table: tomlkit.TOMLDocument, name: str) -> Table:
    entries = table["assignment"]
    if isinstance(entries, AoT):
        for entry in entries:
            if entry["name"] == name:
                return entry
    raise CourseError(f"{TABLE}: write {name} as [[assignment]], so that a due date has a place.")


def _insert(entry: Table, due: datetime) -> None:
    """Put the key behind the simple keys, before sub-tables and what is said about them."""
    last = [key for key, value in entry.items() if not isinstance(value, Table)][-1]
    entry.value._insert_after(last, "due", due)
