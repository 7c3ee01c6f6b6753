"""nbgrader's gradebook, opened once for a whole run instead of eight times per submission.

nbgrader's converters reopen the database for each query, look for its tables, and compile each
statement again, which takes longer than the queries. Inside `Ledger.lent` they all use the open
one, and inside `Ledger.whole` everything that they write is one transaction.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.converters import autograde
from nbgrader.preprocessors import (
    getgrades,
    latesubmissions,
    overwritecells,
    overwritekernelspec,
    saveautogrades,
)
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from autograder.nbgrader import decisions

NOTICED = 5  # seconds after which a person is told
PATIENCE = 180  # seconds to wait while another program writes
# The modules in which grading opens the gradebook.
_USERS: tuple[Any, ...] = (
    autograde,
    getgrades,
    latesubmissions,
    overwritecells,
    overwritekernelspec,
    saveautogrades,
    decisions,
)


class _Session(Session):
    """A session whose commits can be held back; queries in between read the database again."""

    held = False

    def commit(self) -> None:
        if self.held:
            self.flush()
            self.expire_all()
        else:
            super().commit()


@event.listens_for(Engine, "connect")
def _patient(connection: Any, _: Any) -> None:
    """Wait while another program writes, such as Formgrader; SQLite gives up after five seconds.

    This holds for every gradebook of this process, those that nbgrader opens included.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")


class Ledger(Gradebook):
    """A gradebook that stays open when a converter closes it."""

    db: Any

    def __init__(
        self, db_url: str, course_id: str, say: Callable[[str], None] = lambda words: None
    ) -> None:
        """Open it; ``say`` is called with a sentence when another program keeps it waiting."""
        self._say = say
        super().__init__(db_url, course_id)
        self.db_url = db_url
        self.db.remove()
        self.db = scoped_session(sessionmaker(class_=_Session, autoflush=True, bind=self.engine))

    def close(self) -> None:
        """End the session of one converter; `end` closes the connection."""
        if not self.db().held:
            self.db.remove()

    def end(self) -> None:
        """Close the gradebook for good."""
        super().close()

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """One transaction: all that is written inside is saved, or none of it."""
        self.db().held = True
        try:
            if self.engine.dialect.name == "sqlite":
                self._begin()
            yield
            self.db().held = False
            self.db.commit()
        finally:
            self.db.remove()  # rolls back what was not committed

    def _begin(self) -> None:
        """Wait for other programs now, before anything is written."""
        whole = max(1, PATIENCE - NOTICED)
        for seconds in (min(NOTICED, PATIENCE), whole):
            self.db.execute(text(f"PRAGMA busy_timeout = {seconds * 1000}"))
            try:
                self.db.execute(text("BEGIN IMMEDIATE"))
                break
            except OperationalError as error:
                if "locked" not in str(error.orig) or seconds == whole:
                    raise
                self._say(f"Another program holds the gradebook: waiting {whole} seconds for it.")
        self.db.execute(text(f"PRAGMA busy_timeout = {PATIENCE * 1000}"))
        self.db.execute(text("DELETE FROM student WHERE 0"))  # BEGIN accepts a read-only file

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
