"""Which student a row of a platform's export is: by ids and addresses, and never by the name."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from autograder.classlist.roster import FILE, Roster, Student, each_id


@dataclass(frozen=True)
class Keys:
    """What a row says about a person.

    Attributes:
        platform: ``canvas`` or ``moodle``.
        id: The platform's own id.
        own: Values that may be the course's id: a login, an id number, an address.
        shown: The person in the report.
    """

    platform: str
    id: str = ""
    own: tuple[str, ...] = ()
    shown: str = ""


@dataclass
class People:
    """The class, and under which ids the platforms know it.

    Attributes:
        roster: The roster; it may be empty.
        filed: Under which student a platform's id was collected, for the assignments in question.
        known: The students who have handed in.
    """

    roster: Roster
    filed: Mapping[tuple[str, str], str] = field(default_factory=dict)
    known: Collection[str] = ()

    @property
    def names(self) -> dict[str, str]:
        """The names of the students in the roster, by id."""
        return {one.id: one.name for one in self.roster.students if one.name}

    def of(self, rows: Iterable[Keys]) -> tuple[list[str], list[str]]:
        """The student of each row, empty if it is nobody, and a sentence for each doubt."""
        rows = list(rows)
        found = [self._candidates(row) for row in rows]
        counts = Counter(next(iter(one)) for one in found if len(one) == 1)
        students, doubts = [], []
        for row, one in zip(rows, found, strict=True):
            student = next(iter(one)) if len(one) == 1 else ""
            if len(one) > 1:
                several = " and ".join(sorted(one))
                doubts.append(f"{row.shown} can be {several}: correct {FILE}.")
            elif student and counts[student] > 1:
                doubts.append(f"{row.shown} is {student}, and so is another row: correct {FILE}.")
                student = ""
            elif not student and self.roster:
                doubts.append(f"{row.shown} is no row of {FILE}: autograder roster EXPORT adds it.")
            students.append(student)
        return students, doubts

    def strangers(self, rows: Sequence[Keys], students: Sequence[str]) -> list[str]:
        """Without a roster, the rows that are nobody's who has handed in."""
        found = zip(rows, students, strict=True)
        return [row.shown for row, one in found if not one] if not self.roster else []

    def _candidates(self, row: Keys) -> set[str]:
        found = {self.filed.get((row.platform, row.id), "")} if row.id else set()
        if student := self.roster.find(row.platform, row.id):
            found.add(student.id)
        for each in filter(None, row.own):
            by_id = self.roster.get(each) or self.roster.with_email(each)
            student = by_id or self.roster.find(f"{row.platform}_login", each)
            if student and not self._is_other(row, student):
                found.add(student.id)
            elif not self.roster and each in self.known and not self._is_filed(row, each):
                found.add(each)
        return found - {""}

    def _is_other(self, row: Keys, student: Student) -> bool:
        """Whether a platform knows a student under another id; Moodle's changes each time."""
        ids = each_id(row.platform, student.ids.get(row.platform, ""))
        return row.platform != "moodle" and bool(ids) and row.id not in ids

    def _is_filed(self, row: Keys, student: str) -> bool:
        """Whether a student's work was collected under another id of this platform."""
        return any(key[0] == row.platform and one == student and key[1] != row.id
                   for key, one in self.filed.items())  # fmt: skip
