"""Late penalties: the course's policy as nbgrader's plugin, and their calculation without a run."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy.orm import selectinload
from traitlets.config import Config

from autograder.nbgrader import decisions, due_dates, records
from autograder.nbgrader.due_dates import Dates
from autograder.nbgrader.records import Record

MANY = 500  # students whom a query names one by one at most
PLUGIN = "autograder.nbgrader.penalties.LatePolicy"


class LatePolicy(LateSubmissionPlugin):
    """The policy of course.toml; where it has none, nbgrader's ``penalty_method``."""

    dates: Dates | None = None
    submission: SubmittedAssignment | None = None  # known ahead where many are asked about

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """The points to subtract from a submission that nbgrader calls late."""
        assigning: Any = self.parent
        if self.dates is None:
            self.dates = due_dates.read(_root(assigning), assigning.assignment_id)
        policy = self.dates.policy
        if policy is None:
            return super().late_submission_penalty(student_id, score, total_seconds_late)
        one = self.submission
        if one is None or one.student_id != student_id:
            one = assigning.gradebook.find_submission(assigning.assignment_id, student_id)
        due, came = (moment.replace(tzinfo=UTC) for moment in (one.duedate, one.timestamp))
        return policy.of(one.max_score, score, due, came, self.dates.course.zone)


def _root(assigning: Any) -> Path:
    """The course's folder: of nbgrader's converter, or as the configuration names it."""
    converter = getattr(assigning.parent, "parent", None)
    if converter is not None:
        return Path(converter.coursedir.root)
    return Path(assigning.config.CourseDirectory.root)


@dataclass(frozen=True)
class Late:
    """One student who came late, or whose time is not known."""

    student: str
    score: float  # before the penalty
    penalty: float
    automatic: float  # what the policy says; a person may have set another penalty
    seconds: float
    due: datetime | None  # with the extension, in UTC
    came: datetime | None


def settle(
    gradebook: Gradebook,
    assignment: str,
    config: Config,
    dates: Dates,
    only: Collection[str] | None = None,
) -> list[Late]:
    """Calculate the late penalties anew, in a transaction that the caller commits.

    A penalty that a person set stays, as after a run.

    Args:
        gradebook: The gradebook, which has the dates.
        assignment: The assignment.
        config: nbgrader's settings, which may name another plugin.
        dates: What the course's files say.
        only: The students; all by default.

    Returns:
        Those who are late, and those whose time is not known although there is a due date.
    """
    gradebook.db.flush()
    gradebook.db.expire_all()
    if gradebook.find_assignment(assignment).duedate is None and not _penalized(gradebook):
        return []
    assigning = AssignLatePenalties(config=config)
    assigning.gradebook, assigning.assignment_id = gradebook, assignment
    assigning.init_plugin()
    if isinstance(assigning.plugin_inst, LatePolicy):
        assigning.plugin_inst.dates = dates
    known = records.load(gradebook, assignment)
    found = []
    changed = {}
    for one in _submissions(gradebook, assignment, only):
        record = replace(known.get(one.student_id, Record()))
        _settle(assigning, one, record)
        if record != known.get(one.student_id):
            changed[one.student_id] = record
        found.append(_late(one, record))
    records.save_all(gradebook, assignment, changed)
    gradebook.db.flush()
    return [one for one in found if one.due and (one.came is None or one.seconds or one.penalty)]


def _penalized(gradebook: Gradebook) -> bool:
    """Whether any submission has a penalty, which may be left from a due date that is gone."""
    penalty = SubmittedNotebook.late_submission_penalty
    return gradebook.db.query(SubmittedNotebook).filter(penalty > 0).first() is not None


def _submissions(
    gradebook: Gradebook, assignment: str, only: Collection[str] | None
) -> Iterator[SubmittedAssignment]:
    """The submissions with their notebooks, in two queries for the whole class."""
    entry = gradebook.find_assignment(assignment)
    every = gradebook.db.query(SubmittedAssignment).filter_by(assignment_id=entry.id)
    if only is not None and len(only) < MANY:
        every = every.filter(SubmittedAssignment.student_id.in_(only))
    for one in every.options(selectinload(SubmittedAssignment.notebooks)).all():
        if one.notebooks and (only is None or one.student_id in only):
            yield one


def _settle(assigning: Any, submission: SubmittedAssignment, record: Record) -> None:
    (notebook,) = submission.notebooks
    before, automatic = notebook.late_submission_penalty, None
    seconds = submission.total_seconds_late
    if isinstance(assigning.plugin_inst, LatePolicy):
        assigning.plugin_inst.submission = submission
    if seconds > 0:
        found = assigning.plugin_inst.late_submission_penalty(
            submission.student_id, notebook.score, seconds
        )
        automatic = None if found is None else assigning._check_late_penalty(notebook, found)
    notebook.late_submission_penalty = automatic
    decisions.keep_penalty(notebook, record, before)


def _late(one: SubmittedAssignment, record: Record) -> Late:
    (notebook,) = one.notebooks  # whose row is newer than the sum that nbgrader keeps of it
    penalty, automatic = notebook.late_submission_penalty or 0.0, record.penalty or 0.0
    late = one.total_seconds_late
    return Late(one.student_id, one.score, penalty, automatic, late, one.duedate, one.timestamp)


def told(assignment: str, late: list[Late]) -> Iterator[str]:
    """What a person should know after penalties were calculated, in sentences."""
    paying = [one for one in late if one.penalty]
    if paying:
        points = sum(one.penalty for one in paying)
        who = "1 student" if len(paying) == 1 else f"{len(paying)} students"
        yield f"{assignment}: {who} with a late penalty, {points:g} points in all."
    if untimed := [one.student for one in late if one.came is None]:
        several = len(untimed) > 1
        names = ", ".join(untimed[:10]) + (f" and {len(untimed) - 10} more" * (len(untimed) > 10))
        yield (
            f"{assignment}: it is not known when {len(untimed)} submission{'s' * several} came, "
            f"so {'they have' if several else 'it has'} no late penalty: {names}."
        )
