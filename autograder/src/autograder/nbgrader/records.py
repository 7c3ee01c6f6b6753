"""What a person decided, and what they saw when they did, kept in a table of the gradebook.

nbgrader's tables hold a person's score beside the automatic one, but not which answer the person
read. The table `TABLE` notes that. It lies in the same database, so that a transaction saves marks
and notes together, on SQLite and PostgreSQL alike.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nbgrader.api import Gradebook
from sqlalchemy import Column, MetaData, String, Table, Text, bindparam, inspect
from sqlalchemy.orm import Session

TABLE = Table(
    "autograder_record",
    MetaData(),
    Column("assignment", String(128), primary_key=True),
    Column("student", String(128), primary_key=True),
    Column("facts", Text, nullable=False),
)


@dataclass(frozen=True)
class Decision:
    """What a person set for one cell; None where they set nothing."""

    score: float | None = None
    extra: float | None = None
    comment: str | None = None

    def __bool__(self) -> bool:
        return self.score is not None or bool(self.extra) or bool(self.comment)

    @property
    def is_scored(self) -> bool:
        """Whether it changes the points."""
        return self.score is not None or bool(self.extra)


@dataclass(frozen=True)
class Basis:
    """What a decision is about: the automatic score, the answer's digest, the cell's points."""

    automatic: float | None = None
    answer: str = ""  # empty: not known
    points: float | None = None


@dataclass
class Record:
    """The notes about one submission.

    Attributes:
        last: What the last run saw, by cell.
        seen: Each decision with what the person saw, by cell.
        changes: What changed since the decision, by cell, in words.
        gone: Decisions about cells that the assignment no longer has, with their basis.
        penalty: The late penalty that the last run calculated; None if no run noted it.
        own_penalty: The late penalty that a person set in its place.
        own_basis: The calculated penalty in whose place it was set.
    """

    last: dict[str, Basis] = field(default_factory=dict)
    seen: dict[str, tuple[Decision, Basis]] = field(default_factory=dict)
    changes: dict[str, list[str]] = field(default_factory=dict)
    gone: dict[str, tuple[Decision, Basis]] = field(default_factory=dict)
    penalty: float | None = None
    own_penalty: float | None = None
    own_basis: float | None = None


def load(gradebook: Gradebook, assignment: str) -> dict[str, Record]:
    """The notes about an assignment's submissions, by student."""
    session = gradebook.db()
    if not inspect(session.connection()).has_table(TABLE.name):
        return {}
    rows = session.execute(TABLE.select().where(TABLE.c.assignment == assignment))
    return {row.student: read(json.loads(row.facts)) for row in rows}


def save(gradebook: Gradebook, assignment: str, student: str, record: Record) -> None:
    """Note a submission's record in the current transaction; the caller commits it."""
    save_all(gradebook, assignment, {student: record})


def save_all(gradebook: Gradebook, assignment: str, changed: Mapping[str, Record]) -> None:
    """Note the records of several students in the current transaction; the caller commits it."""
    if not changed:
        return
    session: Session = gradebook.db()
    TABLE.create(session.connection(), checkfirst=True)
    this = (TABLE.c.assignment == assignment) & (TABLE.c.student == bindparam("who"))
    session.execute(TABLE.delete().where(this), [{"who": student} for student in changed])
    rows = [
        {"assignment": assignment, "student": student, "facts": json.dumps(asdict(record))}
        for student, record in changed.items()
    ]
    session.execute(TABLE.insert(), rows)


def remove(gradebook: Gradebook, assignment: str, student: str) -> None:
    """Remove a submission's record in the current transaction; the caller commits it."""
    session: Session = gradebook.db()
    if inspect(session.connection()).has_table(TABLE.name):
        this = (TABLE.c.assignment == assignment) & (TABLE.c.student == student)
        session.execute(TABLE.delete().where(this))


def read(facts: dict[str, Any]) -> Record:
    """A record from the facts that `dataclasses.asdict` makes of it."""
    record = Record(**facts)
    record.last = {name: Basis(**basis) for name, basis in facts["last"].items()}
    record.seen, record.gone = _decided(facts["seen"]), _decided(facts["gone"])
    record.changes = {name: list(words) for name, words in facts["changes"].items()}
    return record


def _decided(facts: dict[str, Any]) -> dict[str, tuple[Decision, Basis]]:
    return {name: (Decision(**made), Basis(**basis)) for name, (made, basis) in facts.items()}
