"""Puts hand-ins into `submitted/`, and keeps what is known of each in `.autograder/handed_in/`.

A folder in `submitted/` changes at once or not at all. What it replaces is kept in
`.autograder/earlier/`, so nothing is lost.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.handin.handins import folder_digest
from autograder.intake.folder import TIME
from autograder.root import ROOM, CourseError
from convcourse.files import write_whole

_STAGE = "collecting"  # where folders are written before they go to submitted/
_NEW, _SAME, _OURS, _FOREIGN = "new", "same", "ours", "foreign"


@dataclass(frozen=True)
class Place:
    """Where one student's hand-in for one assignment goes."""

    root: Path
    student: str
    name: str

    @property
    def folder(self) -> Path:
        """The folder in ``submitted/``."""
        return self.root / "submitted" / self.student / self.name

    @property
    def note(self) -> Path:
        """The file of what is known about the hand-in."""
        return self.root / ROOM / "handed_in" / self.student / f"{self.name}.json"

    def facts(self) -> dict[str, Any]:
        """What is known about what was filed here; empty if nothing is."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self.note.read_text(encoding="utf-8"))
            if isinstance(found, dict):
                return found
        return {}

    @property
    def blocked(self) -> bool:
        """Whether the student's folder is a link or a file, so that nothing can go there."""
        above = self.folder.parent
        return above.is_symlink() or (above.exists() and not above.is_dir())

    def state(self, digest: str) -> str:
        """What lies here: nothing (``new``), these files (``same``), others that were collected
        (``ours``), or files that came in another way or were changed since (``foreign``)."""
        if not os.path.lexists(self.folder):
            return _NEW
        if self.folder.is_symlink() or not self.folder.is_dir():
            return _FOREIGN
        here, facts = folder_digest(self.folder), self.facts()
        if here == digest:
            return _SAME
        return _OURS if here in (facts.get("digest"), facts.get("previous")) else _FOREIGN

    def file(
        self, files: Mapping[str, bytes], facts: Mapping[str, Any], time: datetime | None
    ) -> None:
        """File a hand-in; what was here before is kept in ``.autograder/earlier/``.

        Args:
            files: The content of each file by its path.
            facts: What is known about it.
            time: When it was handed in; None if that is not known.
        """
        previous = folder_digest(self.folder) if self.folder.is_dir() else ""
        fresh = self._written(files, time)
        self.know({**facts, "previous": previous})
        if os.path.lexists(self.folder):
            self._put_aside()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        fresh.rename(self.folder)

    def know(self, facts: Mapping[str, Any]) -> None:
        """Keep what is known about what is filed here, whole or not at all.

        Nothing waits for the disk here: `alone` does, once for the whole run.
        """
        fresh = self.root / ROOM / _STAGE / f"{self.student}.json"
        fresh.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self.note.parent.mkdir(parents=True, exist_ok=True)
        os.replace(fresh, self.note)

    def set_time(self, time: datetime) -> None:
        """Write when what is filed here was handed in."""
        write_whole(self.folder / TIME, stamp(time))

    def _written(self, files: Mapping[str, bytes], time: datetime | None) -> Path:
        fresh = self.root / ROOM / _STAGE / self.student
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for name, content in files.items():
            if name != TIME or time is None:
                path = fresh / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        if time is not None:
            (fresh / TIME).write_text(stamp(time), encoding="utf-8")
        return fresh

    def _put_aside(self) -> None:
        aside = self.root / ROOM / "earlier" / self.student / self.name
        aside.mkdir(parents=True, exist_ok=True)
        taken = [int(one.name) for one in aside.iterdir() if one.name.isdigit()]
        self.folder.rename(aside / str(max(taken, default=0) + 1))


def stamp(time: datetime) -> str:
    """A time as nbgrader writes and reads it."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")


def collected_as(root: Path, name: str) -> dict[tuple[str, str], str]:
    """Under which student id each platform's id was collected before, for one assignment.

    An id under which several students were collected, such as that of a team, says nobody.
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in sorted((root / ROOM / "handed_in").glob("*/*.json")):
        if path.stem == name:
            facts = Place(root, path.parent.name, name).facts()
            found[str(facts.get("platform", "")), str(facts.get("id", ""))].add(path.parent.name)
    return {id: students.pop() for id, students in found.items() if len(students) == 1}


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Keep other runs of ``autograder collect`` out of this course.

    Raises:
        CourseError: If there is one, or the disk cannot be written.
    """
    try:
        (root / ROOM).mkdir(exist_ok=True)
        with (root / ROOM / "collect.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CourseError(
                    "Another autograder collect is running in this course: wait until it ends."
                ) from None
            shutil.rmtree(root / ROOM / _STAGE, ignore_errors=True)  # of a run that was killed
            yield
            if (root / ROOM / _STAGE).is_dir():
                (root / ROOM / _STAGE).rmdir()
                os.sync()  # once for all files
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        raise CourseError(
            f"The course's folder cannot be written ({error.strerror}){where}: free some space or "
            "give the right to write, and run this again; what is collected stays."
        ) from None
