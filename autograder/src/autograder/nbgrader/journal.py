"""Keeps what each run changes in the gradebook, so that a person can read it and take it back.

A run's journal is `.autograder/runs/ASSIGNMENT/RUN.json`, written before the run begins and again
at its end. The graded notebooks that the run replaces lie in the folder RUN beside it.
"""

import contextlib
import functools
import json
import shutil
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.nbgrader import reasons, snapshot, sources
from autograder.nbgrader.room import Room
from autograder.pages import changes as pages
from autograder.pages.changes import Changes
from autograder.root import ROOM
from convcourse.files import write_whole

FORMAT = "%Y-%m-%dT%H-%M-%S-%fZ"  # the name of a run: when it began
KEPT = 30  # journals of one assignment
GRADED, FEEDBACK = "autograded", "feedback"


class Run:
    """One run that may change marks."""

    def __init__(self, room: Room, kind: str, only: Collection[str] | None = None) -> None:
        self.room, self.kind = room, kind
        self.only = None if only is None else sorted(only)
        self.name = _fresh(folder(room.root, room.assignment))
        self.changes: Changes | None = None
        self.page: Path | None = None
        self.is_again = False  # whether it was about submissions that had marks

    @property
    def path(self) -> Path:
        """The journal."""
        return folder(self.room.root, self.room.assignment) / f"{self.name}.json"

    def begin(self) -> None:
        """Note what stands in the gradebook; to be called before anything is written."""
        for path in journals(self.room.root, self.room.assignment):
            if "after" not in (known := read(path)):  # that run was killed
                self._end(path, known)
        self.room.kept = self.path.with_suffix("") / GRADED
        self.before = self._now(self.only)
        self.is_again = bool(self.before["students"])
        about = {"kind": self.kind, "only": self.only, "before": self.before}
        write_whole(self.path, json.dumps(about, separators=(",", ":")))

    def end(self) -> None:
        """Note what has changed, and write the report if there is anything to report."""
        self.room.kept = None
        about = {"kind": self.kind, "only": self.only, "before": self.before}
        self.changes = self._end(self.path, about)
        if self.changes and self.changes.marks:
            self.page = page(self.room.root, self.room.assignment, self.name)
        prune(self.room.root, self.room.assignment)

    def told(self) -> Iterator[str]:
        """How many marks changed, and where that is written; nothing for first marks."""
        if not self.is_again:
            return
        yield self.changes.sentence if self.changes else "No earlier mark changed."
        if self.page:
            yield f"Whose marks, and why: {self.page}"
            yield (
                "To return to the marks before this: "
                f"autograder take-back {self.room.assignment} --run {self.name}"
            )

    def _now(self, only: Collection[str] | None) -> dict[str, Any]:
        room = self.room
        table = snapshot.table(room.ledger, room.assignment)
        table["policy"] = repr(room.dates.policy)
        notes = dict(room.notes())
        students = snapshot.students(room.ledger, room.assignment, notes, only)
        room.ledger.close()
        return {"table": table, "students": students}

    def _end(self, path: Path, about: dict[str, Any]) -> Changes | None:
        """Finish a journal with what stands in the gradebook now; remove one without a change."""
        before, after = about["before"], self._now(about["only"])
        then, now = before["students"], after["students"]
        differ = [who for who in now if not snapshot.is_same(then.get(who), now[who])]
        kept = path.with_suffix("") / GRADED
        for left in set(_names(kept)) - set(differ):
            shutil.rmtree(kept / left, ignore_errors=True)
        if not differ:
            path.unlink(missing_ok=True)
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            return None
        before["students"] = {who: then[who] for who in differ if who in then}
        after["students"] = {who: now[who] for who in differ}
        write_whole(path, json.dumps({**about, "after": after}, separators=(",", ":")))
        found = tuple(
            reasons.changes(before, after, functools.partial(sources.cells, self.room.place))
        )
        new = len(set(after["students"]) - set(before["students"]))
        made = Changes(self.room.assignment, path.stem, about["kind"], found, new)
        if made.marks:
            pages.write(made, page(self.room.root, self.room.assignment, path.stem))
        return made


@contextlib.contextmanager
def recorded(
    room: Room, kind: str, only: Collection[str] | None = None, prepared: bool = True
) -> Iterator[Run]:
    """Enter a room for a run that may change marks, and keep what it changes.

    Args:
        room: The assignment's room.
        kind: What runs, for the report.
        only: The students whom the run is about; all by default.
        prepared: As in `Room.entered`, which says what this raises too.
    """
    run = Run(room, kind, only)
    room.kind = kind
    with room.entered(prepared, run.begin):
        try:
            yield run
        except BaseException:
            with contextlib.suppress(Exception):  # the first error is the one to tell
                run.end()
            raise
        run.end()


def folder(root: Path, assignment: str) -> Path:
    """Where the journals of an assignment are."""
    return root / ROOM / "runs" / assignment


def journals(root: Path, assignment: str) -> list[Path]:
    """The journals of an assignment, the oldest first."""
    return sorted(folder(root, assignment).glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    """What a journal says; ``after`` is missing if the run was killed."""
    return json.loads(path.read_text("utf-8"))


def page(root: Path, assignment: str, run: str) -> Path:
    """Where the report of a run is."""
    return root / "report" / "changes" / f"{assignment}-{run}.html"


def prune(root: Path, assignment: str) -> None:
    """Remove the oldest journals, with the notebooks that belong to them."""
    for path in journals(root, assignment)[:-KEPT]:
        path.unlink(missing_ok=True)
        shutil.rmtree(path.with_suffix(""), ignore_errors=True)


def _names(where: Path) -> list[str]:
    return [path.name for path in where.iterdir()] if where.is_dir() else []


def _fresh(where: Path) -> str:
    """The time as a name that no other run has, and that comes after theirs."""
    name = datetime.now(UTC).strftime(FORMAT)
    while (where / f"{name}.json").exists():
        name = datetime.now(UTC).strftime(FORMAT)
    return name
