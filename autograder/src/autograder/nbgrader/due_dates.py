"""Writes the course's due dates and extensions into nbgrader's own fields of the gradebook.

`course.toml` and `extensions.csv` count. What a person set in the gradebook alone stays: a due date
where course.toml names none, and an extension where extensions.csv has no line. A note beside the
gradebook says what was written there, so that it goes when it goes from the files.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, SubmittedAssignment

from autograder import course
from autograder.classlist import extensions
from autograder.classlist.extensions import Extension
from autograder.late import Policy
from convcourse.files import write_whole

NOTE = "dates.json"


@dataclass(frozen=True)
class Dates:
    """When an assignment is due, and what coming later costs."""

    course: course.Course
    due: datetime | None = None
    policy: Policy | None = None
    extensions: dict[str, Extension] = field(default_factory=dict)


def read(root: Path, assignment: str) -> Dates:
    """What the course's files say about an assignment's dates.

    Raises:
        CourseError: If course.toml or extensions.csv cannot be understood.
    """
    table = course.load(root)
    given = {who: e for (who, name), e in extensions.read(table).items() if name == assignment}
    for one in table.assignments:
        if one.name == assignment:
            return Dates(table, one.due, one.late, given)
    return Dates(table, extensions=given)


def apply(gradebook: Gradebook, assignment: str, dates: Dates, place: Path) -> list[str]:
    """Write the dates into the gradebook, in a transaction that the caller commits.

    Args:
        gradebook: The gradebook.
        assignment: The assignment, which the gradebook knows.
        dates: What the files say.
        place: The folder of the assignment's notes.

    Returns:
        A sentence for each thing that a person should know.
    """
    noted, said = _noted(place), []
    entry = gradebook.find_assignment(assignment)
    ours = datetime.fromisoformat(noted["due"]) if noted["due"] else None
    due = dates.due.astimezone(UTC).replace(tzinfo=None) if dates.due else None
    if due is None and entry.duedate == ours:
        entry.duedate = None
    elif due is not None and entry.duedate != due:
        if entry.duedate not in (None, ours):
            said.append(
                f"The gradebook had another due date for {assignment}, {shown(entry.duedate)}. "
                f"The one of course.toml counts: {shown(due)}."
            )
        entry.duedate = due
    said += _idle(gradebook, assignment, dates, entry.duedate)
    gradebook.db.flush()
    written = {}
    for submission in gradebook.assignment_submissions(assignment):
        extend(submission, dates, noted["extensions"].get(submission.student_id))
        if submission.extension is not None and submission.student_id in dates.extensions:
            written[submission.student_id] = submission.extension.total_seconds()
    note = {"due": due and due.isoformat(), "extensions": written}
    if note != noted:
        write_whole(place / NOTE, json.dumps(note))
    return said


def _idle(
    gradebook: Gradebook, assignment: str, dates: Dates, due: datetime | None
) -> Iterator[str]:
    """A sentence for each extension that gives nobody more time."""
    where = f"{extensions.FILE} gives %s more time for {assignment}"
    graded = {one.student_id for one in gradebook.assignment_submissions(assignment)}
    for who, near in extensions.unknown(dates.course, dates.extensions.keys() - graded).items():
        advice = f": did you mean {near}?" if near else "."
        yield f"{where % who}, and nobody of this name is in students.csv or has handed in{advice}"
    for who, one in sorted(dates.extensions.items()):
        if due and one.due and one.due.replace(tzinfo=None) <= due:
            yield f"{where % who}, and it ends no later than the due date: {shown(one.due)}."


def extend(submission: SubmittedAssignment, dates: Dates, noted: float | None = None) -> None:
    """Give one submission its student's extension.

    Args:
        submission: The submission.
        dates: What the files say.
        noted: The seconds that were written for this student from an earlier extensions.csv.
    """
    due, own = submission.assignment.duedate, dates.extensions.get(submission.student_id)
    now = submission.extension
    if due is None:  # nbgrader would fail on an extension of nothing
        submission.extension = None
    elif own:
        submission.extension = own.more(due.replace(tzinfo=UTC), dates.course) or None
    elif now is not None and noted == now.total_seconds():
        submission.extension = None


def shown(moment: datetime) -> str:
    """A time of the gradebook, which is in UTC, for a person."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _noted(place: Path) -> dict[str, Any]:
    try:
        return json.loads((place / NOTE).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {"due": None, "extensions": {}}
