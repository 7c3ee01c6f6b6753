"""Where hand-ins come from while a class is watched, and when each of them is complete.

The folders are looked at a few times a second, which works on any disk: systems tell of new files
on their own disks only, and an exchange often lies on another machine's.
"""

import contextlib
import functools
import json
import os
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from autograder.classlist import roster as rosters
from autograder.classlist.roster import Roster
from autograder.course import Course
from autograder.handin import collect, forms, handins, times
from autograder.handin.filing import Place
from autograder.intake import names
from autograder.intake.folder import ENDINGS, MAX_RECEIPT, SECRET, TIME, Refused, regular
from autograder.root import CourseError
from autograder.run.attempts import OVER, Arrival, Attempts, Signature, signature
from convcourse.files import write_whole

QUIET = 0.4  # seconds without a change after which a readable notebook is complete
UNSURE = 5.0  # the same for anything that cannot be read
UNFINISHED = 60  # seconds after which a person is told of what nbgrader began to write
_PARTS = (".part", ".partial", ".crdownload", ".download", ".tmp", ".filepart")
_MOST = 2_000  # notebooks of one folder that are looked at

Take = Callable[[Arrival], bool]  # whether a hand-in was taken; if not, it is tried again


class Source(Protocol):
    """A place where hand-ins arrive."""

    def look(self, take: Take) -> None:
        """Take what has arrived completely and was not taken before."""


class Settling:
    """Tells when something has stopped to change."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Signature, float, bool]] = {}

    def is_quiet(self, key: str, signature: Signature, whole: Callable[[], bool]) -> bool:
        """Whether something has not changed for long enough.

        Args:
            key: What it is.
            signature: What changes with it; the first item is the time of its last change.
            whole: Says whether it can be read as what it should be.
        """
        now, known = time.monotonic(), self._seen.get(key)
        if known is None or known[0] != signature:
            age = max(0.0, time.time() - signature[0] / 1e9)
            is_whole = age >= UNSURE or whole()
            known = self._seen[key] = signature, now - min(age, UNSURE), is_whole
        return now - known[1] >= (QUIET if known[2] else UNSURE)

    def forget(self, key: str) -> None:
        """Begin anew with something."""
        self._seen.pop(key, None)


def is_whole(path: Path) -> bool:
    """Whether a file, or each notebook in a folder, can be read to its end."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        if path.is_dir():
            found = [one for one in path.rglob("*") if one.name.lower().endswith(ENDINGS)]
            return bool(found) and all(is_whole(one) for one in found[:_MOST])
        if path.name.lower().endswith(ENDINGS):
            json.loads(path.read_bytes())
            return True
        return zipfile.is_zipfile(path)
    return False


class Inbound:
    """The folder of nbgrader's exchange in which each submission is a folder of its own."""

    def __init__(
        self, place: Path, course: Course, attempts: Attempts, say: Callable[[str], None]
    ) -> None:
        self.place, self.course, self.attempts, self.say = place, course, attempts, say
        self.taken = attempts.sources
        self._unfinished: set[str] = set()

    def look(self, take: Take) -> None:
        """Take the submissions that nbgrader has finished, the oldest first."""
        new = []
        for name in sorted(_names(self.place) - self.taken):
            sign = self._sign(name)
            if sign is None:
                self.taken.add(name)
            elif self._is_finished(name):
                new.append((sign.time or datetime.min.replace(tzinfo=UTC), name, sign))
        for _, name, sign in sorted(new, key=lambda one: (times.aware(one[0], UTC), one[1])):
            if why := self._doubt(name, sign.id):
                self.taken.add(name)
                self.say(f"{names.shown(name)} was not taken: {why}")
                continue
            folder = self.place / name
            arrived = folder.lstat().st_ctime
            came = times.aware(sign.time, UTC) or datetime.fromtimestamp(arrived, UTC)
            if take(Arrival(sign.id, folder, name, came, arrived)):
                self.taken.add(name)

    def _sign(self, name: str) -> forms.Sign | None:
        """What the folder's name says, if it is of this assignment."""
        wanted = self.attempts.assignment
        file = f"{name}/{wanted}.ipynb"
        sign = forms.signs([file], wanted, [wanted], Roster())[0].get(file)
        is_ours = sign is not None and sign.platform == forms.NBGRADER and bool(sign.attempt)
        return sign if is_ours and sign is not None and sign.assignment == wanted else None

    def _is_finished(self, name: str) -> bool:
        """Whether nbgrader has written its receipts, which come last, and opened the folder."""
        folder = self.place / name
        with contextlib.suppress(Refused, OSError):
            if all(regular(folder / one, MAX_RECEIPT).strip() for one in (TIME, SECRET)):
                return True
        with contextlib.suppress(OSError):
            if name not in self._unfinished and time.time() - folder.lstat().st_ctime > UNFINISHED:
                self._unfinished.add(name)
                self.say(f"{names.shown(name)} waits: nbgrader has not written its receipts.")
        return False

    def _doubt(self, name: str, student: str) -> str:
        """Why a folder is not this student's; nothing is taken from it then."""
        if why := names.unusable(student):
            return why
        owner = _owner(self.place / name)
        known = {one.student for one in self.attempts} | _names(self.course.root / "submitted")
        with contextlib.suppress(CourseError):
            known |= {one.id for one in rosters.read(self.course.root).students}
        if owner != student and owner in known:
            return f"it says that it is {student}'s, and {owner} made it."
        return ""


def _owner(path: Path) -> str:
    """The system's user whose file this is; empty if there is no such user."""
    import pwd

    with contextlib.suppress(KeyError, OSError):
        return pwd.getpwuid(path.lstat().st_uid).pw_name
    return ""


def _names(folder: Path) -> set[str]:
    """What is in a folder; nothing while it cannot be read."""
    with contextlib.suppress(OSError):
        return set(os.listdir(folder))
    return set()


class Submitted:
    """The folder ``submitted/``, in which each student has one hand-in."""

    def __init__(self, course: Course, attempts: Attempts) -> None:
        self.root, self.attempts = course.root, attempts
        self.settling = Settling()
        self._known: dict[str, Signature] = {}  # what was looked at or filed

    def look(self, take: Take) -> None:
        """Take the hand-ins that are new, or have changed."""
        for student in sorted(_names(self.root / "submitted")):
            folder = self.root / "submitted" / student / self.attempts.assignment
            if names.unusable(student) or not os.path.lexists(folder):
                continue
            now = signature(folder)
            if self._known.get(student) == now:
                continue
            if not self.settling.is_quiet(student, now, functools.partial(is_whole, folder)):
                continue
            arrived = now[0] / 1e9
            came = self._came(folder, arrived)
            one = Arrival(student, folder, "", came, arrived, signature=now)
            if self._is_known(student, folder, arrived) or take(one):
                self._known[student] = now

    def is_taken(self, student: str) -> bool:
        """Whether what lies in a student's folder now has been taken as an attempt."""
        folder = self.root / "submitted" / student / self.attempts.assignment
        now = signature(folder)
        is_known = self._known.get(student) == now or not os.path.lexists(folder)
        return is_known or self._is_known(student, folder, now[0] / 1e9)

    def filed(self, student: str) -> None:
        """Note that what lies in a student's folder was put there by the watch."""
        self._known[student] = signature(
            self.root / "submitted" / student / self.attempts.assignment
        )

    def _is_known(self, student: str, folder: Path, arrived: float) -> bool:
        """Whether these files are those of the attempt that counts, or of the last one."""
        each = self.attempts.of[student]
        if not each:
            return False
        last = each[-1]
        if last.refused and last.arrived >= arrived:
            return True  # nothing has changed since
        here = handins.folder_digest(folder)
        if last.state == OVER and last.digest == here and arrived > last.arrived:
            return False  # handed in once more, as its page says
        return here == last.digest or any(one.counts and one.digest == here for one in each)

    def _came(self, folder: Path, arrived: float) -> datetime:
        """The time of the platform, if it has one that is not in the future."""
        with contextlib.suppress(OSError, Refused):
            said = regular(folder / TIME, MAX_RECEIPT).decode("utf-8", "replace")
            came = times.aware(times.of_stamp(said), UTC)
            if came and came.timestamp() <= time.time():
                return came
        return datetime.fromtimestamp(arrived, UTC)


class Drop:
    """A folder into which somebody puts hand-ins in any form that `autograder collect` takes."""

    def __init__(
        self, place: Path, course: Course, attempts: Attempts, say: Callable[[str], None]
    ) -> None:
        self.place, self.course, self.attempts, self.say = place, course, attempts, say
        self.submitted = Submitted(course, attempts)
        self.settling = Settling()
        self._note = attempts.place / "dropped.json"
        self._taken: dict[str, list] = {}
        self._said: set[str] = set()
        with contextlib.suppress(OSError, ValueError):
            self._taken = json.loads(self._note.read_text("utf-8"))

    def look(self, take: Take) -> None:
        """Collect what lies in the folder, and take it from ``submitted/``."""
        ready = {}
        for path in sorted(self.place / name for name in _names(self.place)):
            if path.name.startswith(".") or path.name.lower().endswith(_PARTS):
                continue
            now = signature(path)
            is_new = self._taken.get(path.name) != [now[0], len(now)]
            if path.suffix.lower() != ".csv" and is_new and self._is_quiet(path, now):
                ready[path] = [now[0], len(now)]
        for path, facts in ready.items():
            self._collect(path, facts, take)
            self.submitted.look(take)
        self.submitted.look(take)

    def _is_quiet(self, path: Path, now: Signature) -> bool:
        return self.settling.is_quiet(path.name, now, lambda: is_whole(path))

    def _collect(self, path: Path, facts: list, take: Take) -> None:
        """Collect one archive, and tell what a person must look at."""
        course, name = self.course, self.attempts.assignment
        sheets = [one for one in self.place.iterdir() if one.suffix.lower() == ".csv"]
        options = collect.Options(zone=course.zone)
        try:
            known = rosters.read(course.root)
            found = collect.collect(course, name, [path, *sheets], known, options)
        except CourseError as error:
            self.settling.forget(path.name)
            self._tell(f"{names.shown(path.name)}: {error}")
            return
        for one in found.left:
            if one.unread and one.student:
                arrived = facts[0] / 1e9
                came = one.time or datetime.fromtimestamp(arrived, UTC)
                take(Arrival(one.student, None, "", came, arrived, one.why))
            else:
                who = one.student or one.name or one.where
                self._tell(f"{names.shown(path.name)}: {names.shown(who)} was left out. {one.why}")
        if not found.results:
            self._tell(f"{names.shown(path.name)} holds no hand-in.")
        self._taken[path.name] = facts
        write_whole(self._note, json.dumps(self._taken))

    def _tell(self, words: str) -> None:
        if words not in self._said:
            self._said.add(words)
            self.say(words)


def file(root: Path, student: str, assignment: str, folder: Path, digest: str) -> None:
    """Put an attempt into ``submitted/``; what was there is kept in ``.autograder/earlier/``."""
    place = Place(root, student, assignment)
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    about = {"student": student, "assignment": assignment, **place.facts(), "digest": digest}
    place.file(files, about, None)
