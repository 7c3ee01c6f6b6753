"""What becomes of an attempt: its page, its marks, and which attempt of a student counts.

Each step is written down when it is done, so one that a killed watch has left is done again.
"""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

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
        per_day: How many of a student are graded in a day; 0 stands for no limit.
        counts: ``best`` or ``last``.
    """

    per_day: int = 0
    counts: str = "last"


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

    def is_over(self, one: Attempt) -> bool:
        """Whether an attempt is beyond the limit of its day."""
        return 0 < self.rules.per_day <= self.attempts.today(one) and not one.refused

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
        if counting and (marks := self.trials.marks(student)):
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
        write_whole(to / "attempts" / f"{one.number}.html", page.read_bytes())
        write_whole(to / page.name, page.read_bytes())
        for path in (to / "attempts" / f"{one.number}.html", to / page.name):
            path.chmod(0o644)
        if self.exchange and (one.folder("feedback") / reading.SECRET).is_file():
            self.exchange.release(one.place, one.student)

    def count(self, student: str) -> None:
        """Save the marks of the attempt that should count, unless they are there."""
        one = self.attempts.chosen(student, self.rules.counts)
        if one is None or one.counts:
            return
        before = self.attempts.counting(student)
        text = (one.folder("executed") / f"{self.room.assignment}.ipynb").read_text("utf-8")
        read = self.read(one)
        read.failed, read.looks = one.state == FAILED, dict(one.note.get("looks", {}))
        self.room.save(read, text)
        if not read.failed:
            self.room.note(read, one.note.get("seconds", {}), one.note.get("level", ""))
        one.counts = True
        one.keep()
        if before:
            before.counts = False
            before.keep()

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
        words = pages.over(self.rules.per_day, one.day, again)
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
