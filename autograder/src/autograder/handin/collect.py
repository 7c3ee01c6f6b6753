"""Collects an assignment: opens archives, matches people, compares hand-ins and files them."""

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from autograder.classlist.roster import FILE, Roster
from autograder.course import Course
from autograder.handin import filing, handins, sources, times, which
from autograder.handin.forms import BLACKBOARD, CANVAS, MOODLE, NBGRADER, Sign
from autograder.handin.handins import HandIn
from autograder.handin.persons import Person, Persons, key
from autograder.handin.sources import Pieces
from autograder.intake.folder import TIME
from autograder.intake.names import shown
from autograder.root import CourseError

NEW, NEWER, SAME, OLDER = "new", "newer", "unchanged", "older"
LEFT = "left out"  # a person must look at it, and the exit code says so
_PACKERS = (MOODLE, CANVAS)  # their archives hold what is handed in when they are downloaded
_UNSURE = "Two hand-ins differ, and nothing says which of them is the newer one: "


@dataclass(frozen=True)
class Result:
    """What happened to one hand-in.

    Attributes:
        what: ``new``, ``newer`` (it replaced an older one), ``unchanged``, ``older`` (kept out)
            or ``left out``.
        student: The student's id; empty if nobody is known.
        name: The person's name.
        where: The platform, and its id for the person.
        how: What the person was matched by, as in `autograder.handin.persons.Person`.
        why: A sentence about what was left out.
        late: Whether the platform calls it late.
        time: When it was handed in.
        notes: Sentences about it.
        unread: Whether it is this student's and no notebook could be found in it.
    """

    what: str
    student: str = ""
    name: str = ""
    where: str = ""
    how: str = ""
    why: str = ""
    late: bool = False
    time: datetime | None = None
    notes: tuple[str, ...] = ()
    unread: bool = False


@dataclass
class Collected:
    """What a run found: what happened to each hand-in, the roster, and sentences about the run."""

    results: list[Result] = field(default_factory=list)
    roster: Roster = field(default_factory=Roster)
    said: list[str] = field(default_factory=list)

    @property
    def left(self) -> list[Result]:
        """What a person must look at."""
        return [one for one in self.results if one.what == LEFT]

    @property
    def missing(self) -> list[str]:
        """The names of the roster's students of whom nothing was found."""
        found = {one.student for one in self.results}
        return [one.name or one.id for one in self.roster.students if one.id not in found]


@dataclass(frozen=True)
class Options:
    """How to collect.

    Attributes:
        student: Whose everything is; empty if the names say it.
        replace: Whether to replace what came in another way, was changed, or may be newer.
        dry: Whether to write nothing.
        zone: The time zone of a platform that names none; None stands for this machine's.
    """

    student: str = ""
    replace: bool = False
    dry: bool = False
    zone: tzinfo | None = None


def collect(
    course: Course, name: str, given: Sequence[Path], roster: Roster, options: Options
) -> Collected:
    """Collect an assignment.

    Args:
        course: The course.
        name: The assignment.
        given: Archives, folders, notebooks, and grading worksheets of Moodle.
        roster: The roster; it may be empty.
        options: How to collect.

    Raises:
        CourseError: If something given cannot be opened, or the course cannot be written.
    """
    if options.student and roster and not roster.get(options.student):
        raise CourseError(f"{FILE} has no student {options.student}: write the id as it is there.")
    with contextlib.ExitStack() as stack:
        if not options.dry:
            stack.enter_context(filing.alone(course.root))
        found = sources.opened(given, course, name, roster, options.student, stack)
        run = _Run(course, name, roster, options, found)
        run.settle()
    return run.collected


class _Run:
    """One run of `collect`."""

    def __init__(
        self, course: Course, name: str, roster: Roster, options: Options, found: sources.Opened
    ) -> None:
        self.course, self.name, self.options, self.found = course, name, options, found
        self.known, self.names = which.Assignments(course, name), course.known
        self.collected = Collected(roster=roster)
        signs = [sign for source in found.sources for sign in source.signs]
        self.persons = Persons(roster, found.worksheet, options.student).of(signs)
        self.before = filing.collected_as(course.root, name)

    def settle(self) -> None:
        """File what is handed in, student by student, in the order of the archives."""
        by_student: dict[str, list[tuple[Pieces, str]]] = defaultdict(list)
        for source in self.found.sources:
            for pieces in source.groups:
                person = self.persons[key(pieces[0][1])]
                if person.student:
                    by_student[person.student].append((pieces, source.name))
                else:
                    self._result(LEFT, pieces[0][1], person, why=person.why)
            self._say_rest(source)
        for groups in by_student.values():
            self._student(groups)
        self._say_times()

    def _student(self, groups: list[tuple[Pieces, str]]) -> None:
        """File the newest hand-in of one student."""
        best: HandIn | None = None
        rivals: list[HandIn] = []
        for pieces, archive in groups:
            sign = pieces[0][1]
            person = self.persons[key(sign)]
            if why := self._doubt(sign, person) or self._forged(pieces, person):
                self._result(LEFT, sign, person, why=why)
                continue
            one = handins.read(pieces, archive, self.name, self.known, self.names)
            if one.refused:
                self._result(LEFT, sign, person, why=one.refused, one=one)
            elif best is None:
                best = one
            else:
                best = self._better(best, one, rivals)
        if best is not None:
            self._settled(best, rivals)

    def _settled(self, best: HandIn, rivals: list[HandIn]) -> None:
        """File the newest hand-in; of several that may be it, only the one that is there stays."""
        place = filing.Place(self.course.root, self.persons[key(best.sign)].student, self.name)
        for one in [each for each in rivals if self._order(best).after(self._order(each))]:
            rivals.remove(one)
            self._result(OLDER, one.sign, self.persons[key(one.sign)], one=one)
        there = [one for one in (best, *rivals) if rivals and place.state(one.digest) == "same"]
        for one in (best, *rivals):
            if not rivals or one in there:
                self._file(one)
            else:
                why = f"{_UNSURE}collect the right one by itself."
                self._result(LEFT, one.sign, self.persons[key(one.sign)], why=why, one=one)

    def _doubt(self, sign: Sign, person: Person) -> str:
        """Why a hand-in cannot be this student's, given what was collected before."""
        if self.options.student:
            return ""
        before = self.before.get((sign.platform, sign.id))
        if sign.id and before and before != person.student:
            old = filing.Place(self.course.root, before, self.name).folder
            if old.is_dir():
                moved = f"submitted/{shown(before)}/{self.name}"
                return (f"{sign.platform.capitalize()} {sign.id} was collected before as "
                        f"{shown(before)}: remove {moved}, and collect again.")  # fmt: skip
        facts = filing.Place(self.course.root, person.student, self.name).facts()
        other = facts.get("id")
        if person.how == "name" and facts.get("platform") == sign.platform and other != sign.id:
            return (
                f"{sign.platform.capitalize()} {other} has this name too and was collected before "
                f"as {person.student}: write the right number into {FILE}."
            )
        return ""

    def _forged(self, pieces: Pieces, person: Person) -> str:
        """Why a folder of the exchange is not this student's: another student made it."""
        if pieces[0][1].platform != NBGRADER or not pieces[0][1].attempt:
            return ""
        students = {one.student for one in self.persons.values()}
        students |= {one.id for one in self.collected.roster.students}
        others = {entry.owner for entry, _ in pieces} & students - {person.student}
        return (
            f"It says that it is {person.student}'s, and {min(others)} made it." if others else ""
        )

    def _better(self, best: HandIn, one: HandIn, rivals: list[HandIn]) -> HandIn:
        """The newer one of two hand-ins; the other one is told, or is a rival if nothing tells."""
        if one.digest == best.digest:
            first, second = self._order(best).time, self._order(one).time
            earlier = second is not None and (first is None or second < first)
            return one if earlier else best
        after = self._order(one).after(self._order(best))
        newer, older = (one, best) if after else (best, one)
        if after is None:
            rivals.append(older)
        else:
            self._result(OLDER, older.sign, self.persons[key(older.sign)], one=older)
        return newer

    def _file(self, one: HandIn) -> None:
        """Compare a hand-in with what is in its place, and file it if it is newer."""
        person = self.persons[key(one.sign)]
        place = filing.Place(self.course.root, person.student, self.name)
        digest, order = one.digest, self._order(one)
        if place.blocked:
            why = f"submitted/{shown(person.student)} is no folder: remove it, and collect again."
            self._result(LEFT, one.sign, person, why=why, one=one)
            return
        state, facts = place.state(digest), place.facts()
        fresh = self._facts(one, person, digest, order)
        if state == "same":
            self._again(place, facts, fresh, order)
            self._result(SAME, one.sign, person, one=one)
            return
        what, why = NEW, ""
        if state == "ours":
            after = order.after(times.order(facts)) if facts["digest"] != digest else True
            what = NEWER if after or (after is None and self.options.replace) else OLDER
            if after is None and not self.options.replace:
                what, why = LEFT, f"{_UNSURE}collect with --replace to take this one."
        elif state == "foreign" and not self.options.replace:
            what = LEFT
            why = (
                f"submitted/{shown(person.student)}/{self.name} was put there or changed in "
                "another way: collect with --replace to take this one in its place."
            )
        elif state == "foreign":
            what = NEWER
        if what in (NEW, NEWER) and not self.options.dry:
            place.file(one.files, fresh, order.time)
        self._result(what, one.sign, person, why=why, one=one)

    def _again(
        self,
        place: filing.Place,
        facts: Mapping[str, Any],
        fresh: dict[str, Any],
        order: times.Order,
    ) -> None:
        """Learn what was not known about a hand-in that is filed already."""
        if self.options.dry:
            return
        known = {field: value for field, value in facts.items() if value}
        learned = order.time is not None and not facts.get("time")
        same = all(fresh[key] == facts.get(key) for key in ("platform", "id"))
        learns_name = same and bool(fresh["given"]) and not facts.get("given")
        if learned:
            place.set_time(order.time)  # type: ignore[arg-type]
        if not facts or learned or learns_name:
            place.know({**fresh, **known, "digest": fresh["digest"]})

    def _order(self, one: HandIn) -> times.Order:
        sign, stamp = one.sign, None
        if sign.platform == MOODLE:
            row = self.found.worksheet.get(sign.id, {})
            stamp = times.of_moodle(row.get("submitted", ""))
        elif sign.platform == NBGRADER and sign.time is None:
            stamp = times.of_stamp(one.files.get(TIME, b"").decode("utf-8", "replace"))
        time = times.aware(stamp or sign.time, self.options.zone)
        number = (one.notebook, one.number) if sign.platform == CANVAS else None
        return times.Order(time, number, one.packed if sign.platform in _PACKERS else None)

    def _facts(
        self, one: HandIn, person: Person, digest: str, order: times.Order
    ) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        sign = one.sign
        told: dict[str, Any] = {
            "student": person.student,
            "assignment": self.name,
            "platform": sign.platform,
        }
        told |= {"archive": one.archive, "id": sign.id, "name": person.name}
        told |= {"matched_by": person.how, "late": sign.late, "notebook": one.notebook}
        told |= {"given": one.given}
        return {**told, **order.facts(), "notes": one.notes, "digest": digest, "collected": now}

    def _result(
        self, what: str, sign: Sign, person: Person, why: str = "", one: HandIn | None = None
    ) -> None:
        where = " ".join(filter(None, (sign.platform, sign.id)))
        made = Result(what, person.student, person.name or sign.who, where, person.how, why)
        if one is not None:
            made = replace(made, late=sign.late, time=self._order(one).time, notes=tuple(one.notes))
            made = replace(made, unread=bool(one.refused))
        self.collected.results.append(made)

    def _say_rest(self, source: sources.Source) -> None:
        """Tell what in an archive belongs to nobody."""
        roster = bool(self.collected.roster)
        why = f"No row of {FILE} has this id, user name or name, and its name gives no other."
        if not roster:
            why = f"Its name gives no platform's id, and there is no {FILE} to look in."
        for path in source.unsigned:
            self.collected.results.append(Result(LEFT, name=shown(path), why=why))
        if source.other:
            self.collected.said.append(
                f"Not looked at in {source.name}, because their folders name another assignment: "
                f"{source.other}."
            )
        if not source.groups and not source.unsigned:
            self.collected.said.append(f"{source.name} holds no hand-in.")

    def _say_times(self) -> None:
        said, results = self.collected.said, self.collected.results
        said += [f"Names and times are from the grading worksheet {s}." for s in self.found.sheets]
        said += [f"{s} has other names, so it was not used." for s in self.found.unused]
        if any(one.time is None and one.what in (NEW, NEWER) for one in results):
            said.append("Some hand-ins come without a time, so no penalty can be calculated.")
        timed = [r for r in results if r.time and r.where.startswith((MOODLE, BLACKBOARD))]
        if timed and self.options.zone is None:
            zone = timed[0].time.strftime("%Z") if timed[0].time else ""
            said.append(
                f"The platform names no time zone; its times are taken as this machine's ({zone}). "
                "--timezone names another one."
            )
        moodle = any(sign.platform == MOODLE for s in self.found.sources for sign in s.signs)
        if moodle and not self.collected.roster and not self.options.student:
            said.append(
                "Moodle gives a student another number in each assignment: make a "
                f"{FILE}, so that each has one id in all of them."
            )
