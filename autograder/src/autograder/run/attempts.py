"""What students hand in while a class is watched: every attempt is kept, and what became of it.

An attempt lies in `.autograder/attempts/ASSIGNMENT/STUDENT/NUMBER/`, in folders as nbgrader has
them: `submitted`, `executed`, `graded` and `feedback`. `facts.json` beside them says the rest.
"""

import contextlib
import json
import os
import shutil
import stat
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder.handin import handins
from autograder.intake.folder import (
    MAX_DEPTH,
    MAX_ENTRIES,
    MAX_FILES,
    MAX_NOTEBOOK,
    MAX_TOTAL,
    Refused,
)
from autograder.root import ROOM
from convcourse.files import write_whole

WAITING, GRADED, BROKEN, FAILED, OVER = "waiting", "graded", "broken", "failed", "over the limit"
_TAKEN = GRADED, WAITING  # states of the attempts that a limit counts
Signature = tuple[Any, ...]
_TOO_MUCH = (
    f"More than {MAX_FILES} files, {MAX_TOTAL // 2**20} MB or {MAX_DEPTH} folders within folders "
    "are beside the notebook; submit only the notebook and its checkpoints."
)


@dataclass(frozen=True)
class Arrival:
    """A hand-in that is complete and waits to be taken.

    Attributes:
        student: The student, as the platform says.
        folder: Where its files are; None if they could not be read.
        source: The name of the folder in nbgrader's exchange; empty if it came another way.
        came: When it was handed in, as the platform says, or else when it arrived.
        arrived: When it arrived here, in seconds since 1970, by the disk's clock.
        refused: Why its files could not be read.
        signature: What it had to be to be complete; empty if nothing can change it any more.
    """

    student: str
    folder: Path | None
    source: str
    came: datetime
    arrived: float
    refused: str = ""
    signature: Signature = ()


@dataclass
class Attempt:
    """One attempt, and what became of it.

    Attributes:
        place: Its folder.
        assignment: The assignment.
        student: The student.
        number: The attempt's number, from 1.
        source: As in `Arrival`.
        came: As in `Arrival`, in ISO's form.
        arrived: As in `Arrival`.
        day: The date on which it counts against a daily limit, in ISO's form.
        digest: A hash of its files without receipts.
        refused: As in `Arrival`.
        state: ``waiting``, ``graded``, ``broken``, ``failed`` or ``over the limit``.
        score: Its automatic points, before the penalty.
        penalty: Its late penalty.
        shown: Its points with those that a person gave, after the penalty.
        points: What could be reached.
        message: What was said of it.
        note: What the grader notes of a graded submission.
        counts: Whether its marks are the student's.
        is_settled: Whether its page is out and the marks are as it makes them.
    """

    place: Path
    assignment: str
    student: str
    number: int
    source: str = ""
    came: str = ""
    arrived: float = 0
    day: str = ""
    digest: str = ""
    refused: str = ""
    state: str = WAITING
    score: float = 0
    penalty: float = 0
    shown: float = 0
    points: float = 0
    message: str = ""
    note: dict[str, Any] = field(default_factory=dict)
    counts: bool = False
    is_settled: bool = False

    def folder(self, step: str) -> Path:
        """The folder of one of nbgrader's steps, such as ``submitted``."""
        return self.place / step / self.student / self.assignment

    @property
    def result(self) -> float:
        """The automatic points after the penalty."""
        return max(0.0, self.score - self.penalty)

    def keep(self) -> None:
        """Write the facts."""
        known = {key: value for key, value in asdict(self).items() if key != "place"}
        write_whole(self.place / "facts.json", json.dumps(known, indent=1))


class Attempts:
    """All attempts at one assignment, by student."""

    def __init__(self, root: Path, assignment: str) -> None:
        self.root, self.assignment = root, assignment
        self.place = root / ROOM / "attempts" / assignment
        self.of: dict[str, list[Attempt]] = defaultdict(list)
        for path in self.place.glob("*/*/facts.json"):
            known = json.loads(path.read_text("utf-8"))
            one = Attempt(place=path.parent, **known)
            self.of[one.student].append(one)
        for each in self.of.values():
            each.sort(key=lambda one: one.number)

    def __iter__(self) -> Iterator[Attempt]:
        return (one for each in self.of.values() for one in each)

    @property
    def sources(self) -> set[str]:
        """The folders of the exchange that were taken."""
        return {one.source for one in self if one.source}

    def take(self, arrival: Arrival, day: str) -> Attempt:
        """Copy a hand-in, at once or not at all.

        Raises:
            OSError: If its files cannot be read now.
        """
        student, folder = arrival.student, arrival.folder
        number = max((one.number for one in self.of[student]), default=0) + 1
        place = self.place / student / str(number)
        place.parent.mkdir(parents=True, exist_ok=True)
        facts = {"source": arrival.source, "came": arrival.came.isoformat(), "day": day}
        with tempfile.TemporaryDirectory(prefix=".taking-", dir=self.place) as fresh:
            one = Attempt(Path(fresh, "attempt"), self.assignment, student, number, **facts)  # type: ignore[arg-type]
            one.arrived, one.refused = arrival.arrived, arrival.refused
            one.folder("submitted").mkdir(parents=True)
            if folder is not None:
                try:
                    copy(folder, one.folder("submitted"))
                except Refused as refused:
                    one.refused = str(refused)
                    shutil.rmtree(one.folder("submitted"))
                    one.folder("submitted").mkdir()
            if arrival.signature and folder and signature(folder) != arrival.signature:
                raise OSError("it has changed meanwhile")
            one.digest = handins.folder_digest(one.folder("submitted"))
            one.keep()
            one.place.rename(place)  # whatever a killed run left under this number has no facts
        one.place = place
        self.of[student].append(one)
        return one

    def today(self, one: Attempt) -> int:
        """How many earlier attempts of its student count on the day of this one."""
        return sum(
            other.day == one.day and other.state in _TAKEN and other.number < one.number
            for other in self.of[one.student]
        )

    def counting(self, student: str) -> Attempt | None:
        """The attempt whose marks are the student's."""
        return next((one for one in self.of[student] if one.counts), None)

    def chosen(self, student: str, counts: str) -> Attempt | None:
        """The attempt that should count.

        What could not be read, or failed through the grader's fault, counts only if nothing else
        was graded.

        Args:
            student: The student.
            counts: ``best``, of which the newest if several are equal, or ``last``.
        """
        each = [one for one in self.of[student] if one.state not in (WAITING, OVER)]
        graded = [one for one in each if one.state == GRADED]
        if counts == "best" and graded:
            return max(graded, key=lambda one: (one.result, one.number))
        found = graded or each
        return found[-1] if found else None


def signature(path: Path) -> Signature:
    """What changes with a file, or with any file in a folder; times are the disk's own."""
    found = []
    folders = [path]
    with contextlib.suppress(FileNotFoundError):
        status = path.lstat()
        found.append((status.st_ctime_ns, "", status.st_size, status.st_ino))
        while folders and stat.S_ISDIR(status.st_mode) and len(found) < MAX_ENTRIES:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    one = entry.stat(follow_symlinks=False)
                    found.append((one.st_ctime_ns, entry.path, one.st_size, one.st_ino))
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
    return (max((one[0] for one in found), default=0), *sorted(found, key=lambda one: one[1]))


def copy(folder: Path, to: Path) -> None:
    """Copy the regular files of a folder that a student may change meanwhile; follow no link.

    Args:
        folder: The folder.
        to: Where its files go; the folder is there and empty.

    Raises:
        Refused: If it has too many files, or is a link.
        OSError: If something cannot be read.
    """
    seen = files = total = 0
    if not stat.S_ISDIR(os.lstat(folder).st_mode):
        raise Refused("The submission is a link or a file; submit the folder with the notebook.")
    for where, folders, names, handle in os.fwalk(folder, onerror=_raised):
        inside = Path(where).relative_to(folder)
        seen += len(folders) + len(names)
        if seen > MAX_ENTRIES or len(inside.parts) > MAX_DEPTH:
            raise Refused(_TOO_MUCH)
        (to / inside).mkdir(exist_ok=True)
        for name in names:
            content = _content(name, handle)
            if content is None:
                continue
            files, total = files + 1, total + len(content)
            if files > MAX_FILES + 1 or total > MAX_TOTAL + MAX_NOTEBOOK:
                raise Refused(_TOO_MUCH)
            (to / inside / name).write_bytes(content)


def _content(name: str, folder: int) -> bytes | None:
    """The bytes of a regular file; None if it is something else."""
    if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        return None
    number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            return None
        if os.fstat(number).st_size > MAX_TOTAL:
            raise Refused(_TOO_MUCH)
        return file.read(MAX_TOTAL + 1)


def _raised(error: OSError) -> None:
    raise error
