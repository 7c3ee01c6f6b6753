"""nbgrader's gradebook, opened once for a whole run in place of eight times a submission.

nbgrader's converters open the database anew for each question, look for its tables, and compile
each statement again; that takes longer than the questions do. Inside `Ledger.lent` they all get
the one that is open, and inside `Ledger.whole` what they write is there together or not at all.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.converters import autograde
from nbgrader.preprocessors import (
    latesubmissions,
    overwritecells,
    overwritekernelspec,
    saveautogrades,
)
from sqlalchemy import event, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker

PATIENCE = 60  # seconds to wait for another program's writing
# Where nbgrader's grading opens the gradebook.
_USERS = (autograde, latesubmissions, overwritecells, overwritekernelspec, saveautogrades)


class _Session(Session):
    """A session whose commits can be held back; what is asked in between is read anew."""

    held = False

    def commit(self) -> None:
        if self.held:
            self.flush()
            self.expire_all()
        else:
            super().commit()


def _patient(connection: Any, _: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")


class Ledger(Gradebook):
    """A gradebook that stays open when a converter closes it."""

    def __init__(self, db_url: str, course_id: str) -> None:
        super().__init__(db_url, course_id)
        self.db_url = db_url
        self.db.remove()
        if self.engine.dialect.name == "sqlite":
            # Formgrader may be writing; without this SQLite gives up after five seconds.
            event.listen(self.engine, "connect", _patient)
            self.engine.dispose()
        self.db = scoped_session(sessionmaker(class_=_Session, autoflush=True, bind=self.engine))

    def close(self) -> None:
        """End what one converter has begun; `end` closes the connection."""
        if not self.db().held:
            self.db.remove()

    def end(self) -> None:
        """Close the gradebook for good."""
        super().close()

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """One transaction: everything that is written inside, or nothing of it."""
        self.db().held = True
        try:
            if self.engine.dialect.name == "sqlite":
                # Wait here for other programs: later, half of it would be done.
                self.db.execute(text("BEGIN IMMEDIATE"))
            yield
            self.db().held = False
            self.db.commit()
        finally:
            self.db.remove()  # rolls back what was not committed

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Let nbgrader's converters work with this gradebook instead of opening their own."""

        def opened(db_url: str, *_: Any) -> Gradebook:
            return self if db_url == self.db_url else Gradebook(db_url, *_)

        before = [module.Gradebook for module in _USERS]
        for module in _USERS:
            module.Gradebook = opened
        try:
            yield
        finally:
            for module, its_own in zip(_USERS, before, strict=True):
                module.Gradebook = its_own
