"""What the gradebook holds about one assignment, as plain data that a file can keep."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)

from autograder.nbgrader import records

# One student's part: {"cells": {name: [automatic, manual, extra, waits]},
# "comments": {name: [automatic, manual]}, "penalty", "came", "extension", "record", "note"}.
Student = dict[str, Any]


def table(gradebook: Gradebook, assignment: str) -> dict[str, Any]:
    """What holds for all students: the due date, and the points of each cell."""
    try:
        entry = gradebook.find_assignment(assignment)
    except MissingEntry:
        return {"due": None, "cells": {}}
    points = {
        cell.name: cell.max_score
        for notebook in entry.notebooks
        for cell in [*notebook.grade_cells, *notebook.task_cells]
    }
    return {"due": entry.duedate and entry.duedate.isoformat(), "cells": points}


def students(
    gradebook: Gradebook,
    assignment: str,
    notes: dict[str, dict[str, Any]],
    only: Collection[str] | None = None,
) -> dict[str, Student]:
    """Every student's part, read with a few queries however many there are.

    Args:
        gradebook: The gradebook.
        assignment: The assignment.
        notes: The grader's notes of what is done, by student.
        only: The students to read; all by default.
    """
    try:
        entry = gradebook.find_assignment(assignment)
    except MissingEntry:
        return {}
    known = records.load(gradebook, assignment)
    found: dict[str, Student] = {}
    mine = SubmittedAssignment.assignment_id == entry.id
    rows = gradebook.db.query(
        SubmittedAssignment.student_id,
        SubmittedAssignment.timestamp,
        SubmittedAssignment.extension,
        SubmittedNotebook.late_submission_penalty,
    )
    for who, came, extension, penalty in rows.join(SubmittedNotebook.assignment).filter(mine):
        if only is None or who in only:
            found[who] = {
                "cells": {},
                "comments": {},
                "penalty": penalty,
                "came": came and came.isoformat(),
                "extension": None if extension is None else extension.total_seconds(),
                "record": asdict(known[who]) if who in known else None,
                "note": notes.get(who),
            }
    _rows(gradebook, mine, found)
    return found


def _rows(gradebook: Gradebook, mine: Any, found: dict[str, Student]) -> None:
    """Add the scores and comments of each cell."""
    scores = Grade.auto_score, Grade.manual_score, Grade.extra_credit, Grade.needs_manual_grade
    words = Comment.auto_comment, Comment.manual_comment
    for kind, key, columns in ((Grade, "cells", scores), (Comment, "comments", words)):
        rows = gradebook.db.query(SubmittedAssignment.student_id, BaseCell.name, *columns)
        rows = rows.select_from(kind).join(BaseCell, BaseCell.id == kind.cell_id)
        rows = rows.join(SubmittedNotebook, SubmittedNotebook.id == kind.notebook_id)
        rows = rows.join(SubmittedNotebook.assignment).filter(mine)
        for who, name, *values in rows:
            if who in found:
                found[who][key][name] = values


def score(values: list[Any]) -> float | None:
    """The score of a cell, as nbgrader adds it up; None if nobody has graded it."""
    automatic, manual, extra, _ = values
    if automatic is None and manual is None:
        return None
    return (automatic if manual is None else manual) + (extra or 0)


def is_same(one: Student | None, other: Student | None) -> bool:
    """Whether nothing differs but how long grading took."""
    return _settled(one) == _settled(other)


def _settled(one: Student | None) -> Any:
    if one is None:
        return None
    note = {k: v for k, v in (one["note"] or {}).items() if k != "seconds"}
    return {**one, "note": note}


def total(one: Student) -> float:
    """What the student has, after the penalty."""
    reached = sum(score(values) or 0 for values in one["cells"].values())
    return max(0.0, reached - (one["penalty"] or 0))
