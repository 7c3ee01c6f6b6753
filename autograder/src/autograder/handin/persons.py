"""Who handed something in: the platform's id or a row of the roster, and never a guess."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autograder.classlist.names import folded
from autograder.classlist.roster import FILE, Roster, Student
from autograder.handin.forms import (
    BLACKBOARD,
    CANVAS,
    FOLDER,
    GITHUB,
    MOODLE,
    NBGRADER,
    Sign,
    rotations,
)
from autograder.intake import names

_SAME_ID = (BLACKBOARD, GITHUB, NBGRADER)  # platforms whose ids courses use as their own
_OWN_ID = {MOODLE: "participant", CANVAS: "Canvas user", BLACKBOARD: "Blackboard user"}
_OWN_ID |= {GITHUB: "GitHub user", NBGRADER: "nbgrader's student"}


@dataclass(frozen=True)
class Person:
    """Whom a sign means.

    Attributes:
        student: The course's own id; empty if it is not known.
        name: The name, for people.
        how: What decided: ``id``, ``worksheet``, ``name``, ``platform`` (no roster) or ``given``.
        why: Why the student is not known, as a sentence.
    """

    student: str = ""
    name: str = ""
    how: str = ""
    why: str = ""


@dataclass
class Persons:
    """Finds the person of each sign.

    Attributes:
        roster: The roster, which may be empty.
        worksheet: Rows of Moodle's grading worksheets, by the participant's number.
        given: The student whom the instructor named for everything; empty if none.
    """

    roster: Roster
    worksheet: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    given: str = ""

    def of(self, signs: Iterable[Sign]) -> dict[tuple[str, str, str], Person]:
        """The person of each sign, by its `key`.

        Two people whom only their common name would match to one row of the roster are both left
        out, for nobody can tell which of them it is.
        """
        found: dict[tuple[str, str, str], Person] = {}
        called: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for sign in signs:
            called[key(sign)] |= {folded(sign.who)} - {""}
            if key(sign) not in found:
                found[key(sign)] = self._checked(self._person(sign))
            if found[key(sign)].how == "platform" and len(called[key(sign)]) > 1:
                found[key(sign)] = Person(name=sign.who, why=_two_names(sign, called[key(sign)]))
        by_student: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        for each, person in found.items():
            if person.student:
                by_student[person.student].append(each)
        for student, keys in by_student.items():
            doubtful = [each for each in keys if found[each].how == "name"]
            platforms = {each[0] for each in keys}
            if doubtful and len(keys) > len(platforms):
                for each in doubtful:
                    found[each] = Person(name=found[each].name, why=_two(student, each, len(keys)))
        return found

    def _checked(self, person: Person) -> Person:
        """The person, if the id can be the name of a folder."""
        why = names.unusable(person.student) if person.student else ""
        if person.student in (".", "..") or "/" in person.student:
            why = "The id cannot be the name of a folder."
        if not why:
            return person
        told = f"The id {names.shown(person.student)} cannot be used. {why}"
        return Person(name=person.name, why=told.replace(": rename it, and grade again", ""))

    def _person(self, sign: Sign) -> Person:
        if self.given:
            student = self.roster.get(self.given)
            return Person(self.given, student.name if student else "", "given")
        if sign.unclear:
            return Person(name=sign.who, why="The file's name can be read in two ways: add the "
                          f"platform's ids to {FILE}.")  # fmt: skip
        return self._in_roster(sign) if self.roster else self._by_platform(sign)

    def _by_platform(self, sign: Sign) -> Person:
        """Without a roster, the platform's own id is the student's."""
        row = self.worksheet.get(sign.id, {}) if sign.platform == MOODLE else {}
        if sign.id and sign.platform != FOLDER:
            return Person(sign.id, row.get("name") or sign.who, "platform")
        return Person(
            name=sign.who, why=f"Its name gives no platform's id, and there is no {FILE}."
        )

    def _in_roster(self, sign: Sign) -> Person:
        if sign.platform == FOLDER:
            return self._of_folder(sign)
        if student := self.roster.find(sign.platform, sign.id):
            return Person(student.id, student.name, "id")
        student = self.roster.get(sign.id) if sign.platform in _SAME_ID else None
        if student and not student.ids.get(sign.platform):  # or the id is somebody else's there
            return Person(student.id, student.name, "id")
        if sign.platform == MOODLE and (row := self.worksheet.get(sign.id)):
            return self._of_row(row, sign)
        called = self._called(sign)
        if sign.platform != MOODLE:  # whose numbers change: other ids are other people
            called = [one for one in called if not one.ids.get(sign.platform)]
        if len(called) == 1:
            return Person(called[0].id, called[0].name, "name")
        return Person(name=sign.who, why=self._unknown(sign, called))

    def _of_folder(self, sign: Sign) -> Person:
        if student := self.roster.get(sign.id):
            return Person(student.id, student.name, "name")
        return Person(name=sign.who, why=f"Several students in {FILE} can be meant by this name.")

    def _of_row(self, row: Mapping[str, str], sign: Sign) -> Person:
        found = self.roster.with_email(row["email"]) or self.roster.get(row["idnumber"])
        if found:
            return Person(found.id, found.name, "worksheet")
        called = self.roster.named(row["name"])
        addresses = {one.email.casefold() for one in called} | {row["email"].casefold()}
        if len(called) == 1 and len(addresses - {""}) == 2:
            why = (
                f"{called[0].id} has this name and not the address {row['email']}: correct {FILE}."
            )
            return Person(name=row["name"], why=why)
        if len(called) == 1:
            return Person(called[0].id, called[0].name, "name")
        return Person(name=row["name"], why=self._unknown(sign, called))

    def _called(self, sign: Sign) -> list[Student]:
        """The students whom the platform's name can mean."""
        if not folded(sign.who):
            return []
        if sign.platform == CANVAS:
            one_word = folded(sign.who).replace(" ", "")
            return [one for one in self.roster.students if one_word in rotations(one.name)]
        if sign.platform not in (MOODLE, BLACKBOARD):
            return []
        if found := self.roster.named(sign.who):
            return found
        # Moodle puts the group before the name: "Group A-Ana García".
        ends = [sign.who.split("-", k)[-1] for k in range(1, sign.who.count("-") + 1)]
        return next((found for end in ends if (found := self.roster.named(end))), [])

    def _unknown(self, sign: Sign, called: list[Student]) -> str:
        what = f"{_OWN_ID[sign.platform]} {sign.id}"
        if called:
            return f"{len(called)} students in {FILE} have this name, and none is {what}: add it."
        return f"No row of {FILE} is {what} or has this name: add one, or correct it."


def key(sign: Sign) -> tuple[str, str, str]:
    """What tells people apart on a platform: their id, or else their name."""
    return sign.platform, sign.id, "" if sign.id else sign.who


def _two_names(sign: Sign, called: set[str]) -> str:
    names = " and ".join(sorted(called))
    return (
        f"{sign.platform.capitalize()} {sign.id} is {names} here, and one id is one person: write "
        f"both with their platform's ids into {FILE}."
    )


def _two(student: str, each: tuple[str, str, str], count: int) -> str:
    return (
        f"{count} people of this name handed something in, and {FILE} has one ({student}): "
        f"write {_OWN_ID.get(each[0], 'user')} {each[1]} into the right row."
    )
