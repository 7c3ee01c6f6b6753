"""What becomes of an attempt: its page, its marks, and which attempt of a student counts.

Each step is written down when it is done, so one that a killed watch has left is done again.
"""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from autograder.course import COUNTS, Course
from autograder.handin.times import of_stamp
from autograder.intake import reading
from autograder.nbgrader.attempts import Exchange, Marks, Trials
from autograder.nbgrader.room import Room
from autograder.pages import attempts as pages
from autograder.run import arrivals
from autograder.run.arrivals import Drop, Source, Submitted
from autograder.run.attempts import BROKEN, FAILED, GRADED, OVER, Attempt, Attempts
from convcourse.files import write_whole


@dataclass(frozen=True)
class Rules:
    """What holds for the attempts.

    Attributes:
        per_day: How many of a student are graded in a day; 0 stands for no limit. None stands
            for what course.toml says.
        counts: ``best`` or ``last``; empty for what course.toml says.
    """

    per_day: int | None = None
    counts: str = ""

    def of(self, course: Course, name: str) -> "Rules":
        """These rules, with what course.toml says where they say nothing."""
        known = {one.name: one for one in course.assignments}.get(name)
        per_day, counts = (known.attempts_per_day, known.counts) if known else (0, COUNTS[-1])
        return Rules(per_day if self.per_day is None else self.per_day, self.counts or counts)


class Answers:
    """Gives out pages, and has the marks of the attempts that count in the gradebook."""

    def __init__(
        self,
        room: Room,
        attempts: Attempts,
        rules: Rules,
        exchange: Exchange | None,
        tell: Callable[[str], None],
    ) -> None:
        self.room, self.attempts, self.rules = room, attempts, rules
        self.exchange, self.tell = exchange, tell
        self.source: Source | None = None
        self.trials = Trials(room)
        self.began = time.time()

    def recount(self) -> None:
        """Let other attempts count where dates, extensions or rules are others than before."""
        late = self.room.settle()
        penalties = {one.student: one.penalty for one in late}
        for student, each in self.attempts.of.items():
            for one in each:
                if one.counts:
                    one.penalty = penalties.get(student, 0)
                elif one.state == GRADED:
                    one.penalty = self._penalty(one)
            counting = self.attempts.counting(student)
            if counting and self.attempts.chosen(student, self.rules.counts) is not counting:
                self.count(student)
                self._file(self.attempts.counting(student))

    def _penalty(self, one: Attempt) -> float:
        """The late penalty of an attempt by the dates that hold now."""
        dates = self.room.dates
        stamp = one.folder("submitted") / reading.TIME
        came = of_stamp(stamp.read_text("utf-8", "replace")) if stamp.is_file() else None
        if dates.due is None or dates.policy is None or came is None:
            return 0 if dates.due is None else one.penalty
        due, own = dates.due, dates.extensions.get(one.student)
        due += own.more(due, dates.course) if own else timedelta(0)
        return dates.policy.of(one.points, one.score, due, came, dates.course.zone)

    def is_over(self, one: Attempt) -> bool:
        """Whether an attempt is beyond the limit of its day."""
        return 0 < (self.rules.per_day or 0) <= self.attempts.today(one) and not one.refused

    def is_adopted(self, one: Attempt) -> bool:
        """Whether an earlier run has graded these very files; then their marks stay."""
        if self.attempts.counting(one.student) or not self.room.is_done(self.read(one)):
            return False
        marks = self.trials.marks(one.student)
        path = self.room.place / "executed" / one.student / self.room.assignment
        text = path / f"{self.room.assignment}.ipynb"
        if marks is None or not text.is_file():
            return False
        write_whole(one.folder("executed") / text.name, text.read_bytes())
        self._keep_marks(one, marks)
        one.state, one.message, one.counts, one.is_settled = GRADED, "graded before", True, True
        one.keep()
        self.tell(f"{one.student}, attempt {one.number}: graded before, its marks stay")
        return True

    def read(self, one: Attempt) -> reading.Submission:
        """Read the files of an attempt."""
        if one.refused:
            return reading.Submission(one.student, broken=one.refused, digest=one.refused)
        return reading.read(one.folder("submitted"), one.student, self.room.assignment)

    def answer(self, attempt: Attempt, one: reading.Submission, text: str) -> None:
        """Write the page and the marks of an attempt beside it.

        Args:
            attempt: The attempt.
            one: Its submission, as it was read and graded.
            text: The executed notebook.
        """
        if one.failed:
            attempt.state = FAILED
        else:
            attempt.state = BROKEN if one.broken else GRADED
        self._refresh(one.student)
        about = functools.partial(self._about, attempt)
        marks = self.trials.answer(one, text, attempt.place, about)
        attempt.note = {"looks": one.looks}
        self._keep_marks(attempt, marks)

    def _keep_marks(self, attempt: Attempt, marks: Marks) -> None:
        attempt.score, attempt.penalty = marks.score, marks.penalty
        attempt.shown, attempt.points = marks.shown, marks.points

    def _refresh(self, student: str) -> None:
        """Learn what the attempt that counts has now: its checks or dates may be others."""
        counting = self.attempts.counting(student)
        if counting is None or not self.room.holds(self.read(counting)):
            return
        if marks := self.trials.marks(student):
            self._keep_marks(counting, marks)

    def _about(self, attempt: Attempt, marks: Marks) -> str:
        """What stands at the top of an attempt's page."""
        self._keep_marks(attempt, marks)
        chosen = self.attempts.chosen(attempt.student, self.rules.counts)
        left = None
        if self.rules.per_day:
            used = self.attempts.today(attempt) + (attempt.state == GRADED)
            left = max(0, self.rules.per_day - used)
        return pages.head(attempt, chosen or attempt, marks.is_open, left)

    def settle(self, one: Attempt) -> None:
        """Give the page out, and make the marks those of the attempt that counts."""
        self._give(one)
        self.count(one.student)
        self._file(self.attempts.counting(one.student))
        one.is_settled = True
        one.keep()

    def _give(self, one: Attempt) -> None:
        page = one.folder("feedback") / f"{self.room.assignment}.html"
        to = self.room.root / "feedback" / one.student / self.room.assignment
        for receipt in reading.RECEIPTS:
            (to / receipt).unlink(missing_ok=True)
            if (kept := one.folder("feedback") / receipt).is_file():
                write_whole(to / receipt, kept.read_bytes())
        _publish(page, to / page.name)
        for other in self.attempts.of[one.student]:
            kept, copy = other.folder("feedback") / page.name, f"attempts/{other.number}.html"
            if kept.is_file() and (other is one or not (to / copy).is_file()):
                _publish(kept, to / copy)
        if self.exchange and (one.folder("feedback") / reading.SECRET).is_file():
            self.exchange.release(one.place, one.student)

    def count(self, student: str) -> None:
        """Save the marks of the attempt that should count, unless they are there."""
        one = self.attempts.chosen(student, self.rules.counts)
        if one is None or (one.counts and self.room.holds(self.read(one))):
            return
        text = (one.folder("executed") / f"{self.room.assignment}.ipynb").read_text("utf-8")
        read = self.read(one)
        read.failed, read.looks = one.state == FAILED, dict(one.note.get("looks", {}))
        self.room.save(read, text)
        if not read.failed:
            self.room.note(read, one.note.get("seconds", {}), one.note.get("level", ""))
        for other in self.attempts.of[student]:
            if other.counts and other is not one:
                other.counts = False
                other.keep()
        one.counts = True
        one.keep()

    def _file(self, one: Attempt | None) -> None:
        """Have the attempt that counts in ``submitted/``, as every other verb expects."""
        if one is None or one.refused:
            return
        folder = self.source.submitted if isinstance(self.source, Drop) else self.source
        source = folder if isinstance(folder, Submitted) else None
        if source and not source.is_taken(one.student):
            return  # a newer hand-in lies there
        here = reading.read(self.room.submitted(one.student), one.student, self.room.assignment)
        if here.digest != self.read(one).digest:
            files = one.folder("submitted")
            arrivals.file(self.room.root, one.student, self.room.assignment, files, one.digest)
        if source:
            source.filed(one.student)

    def refuse_for_today(self, one: Attempt) -> None:
        """Answer an attempt beyond the limit with a page that says when the next one is."""
        zone = self.room.dates.course.zone
        day = datetime.fromisoformat(one.day).replace(tzinfo=zone) + timedelta(days=1)
        again = f"{day:%Y-%m-%d %H:%M} {zone or day.astimezone().tzname()}"
        words = pages.over(self.rules.per_day or 0, one.day, again)
        one.state, one.message = OVER, words
        counting = self.attempts.counting(one.student)
        page = one.folder("feedback") / f"{self.room.assignment}.html"
        write_whole(page, pages.refusal(one, words, counting, self.attempts.of[one.student]))
        page.chmod(0o644)
        for receipt in reading.RECEIPTS:
            if (kept := one.folder("submitted") / receipt).is_file():
                write_whole(page.with_name(receipt), kept.read_bytes())
        one.keep()
        self.settle(one)
        self.progress(one)

    def progress(self, one: Attempt) -> None:
        """Tell who has reached what, and after how many seconds."""
        said = f"{one.student}, attempt {one.number}: "
        said += f"{one.shown:g} of {one.points:g} points" if one.state == GRADED else one.state
        if one.message and one.message != one.state:
            said += f"; {one.message.rstrip('.')}"
        counting = self.attempts.counting(one.student)
        if counting and counting is not one:
            said += f"; attempt {counting.number} counts ({counting.shown:g})"
        if one.arrived >= self.began:
            said += f", {time.time() - one.arrived:.1f} s after it arrived"
        self.tell(said)


def _publish(page: Path, to: Path) -> None:
    write_whole(to, page.read_bytes())
    to.chmod(0o644)
