"""The roster: who is in the class, and under which ids the platforms know them.

It is the file `students.csv` in the course's folder, in columns of our own or as a platform
exports it. It holds personal data, so Git ignores it.
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autograder.classlist import exports
from autograder.classlist.names import folded, in_reading_order
from autograder.root import CourseError
from convcourse.files import write_whole

FILE = "students.csv"
PLATFORMS = ("canvas", "canvas_login", "moodle", "blackboard", "github")
_OWN = ("id", "name", "email", "section")
_MAX = 20 * 2**20  # bytes of a roster


@dataclass(frozen=True)
class Student:
    """One student.

    Attributes:
        id: The course's own id: the folder in ``submitted/``, and nbgrader's student id.
        name: The name as the platform shows it, such as "Ana García".
        email: The address; empty if it is not known.
        ids: What each platform calls the student, such as ``{"canvas": "12345"}``. Several ids
            on one platform are separated by spaces: Moodle's number of a participant, "4821" or
            "Participant 4821", is another one in each assignment.
        section: The group or section; empty if there is none.
        more: The values of columns that nothing here reads.
    """

    id: str
    name: str = ""
    email: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    section: str = ""
    more: Mapping[str, str] = field(default_factory=dict)


class Roster:
    """The students of a course; it never changes.

    Attributes:
        students: The students, in the order of the file.
        path: The file; None if there is none.
    """

    def __init__(self, students: Iterable[Student] = (), path: Path | None = None) -> None:
        self.students, self.path = tuple(students), path
        self._by_id = {one.id: one for one in self.students}
        self._by_platform: dict[tuple[str, str], Student] = {}
        addresses = Counter(one.email.casefold() for one in self.students)
        self._by_email = {
            one.email.casefold(): one
            for one in self.students
            if one.email and addresses[one.email.casefold()] == 1
        }
        self._by_name: dict[str, list[Student]] = defaultdict(list)
        for one in self.students:
            if one.name:
                self._by_name[folded(in_reading_order(one.name))].append(one)
            for platform, ids in one.ids.items():
                for each in each_id(platform, ids):
                    self._by_platform[platform, each] = one

    def __bool__(self) -> bool:
        return bool(self.students)

    def __len__(self) -> int:
        return len(self.students)

    def get(self, id: str) -> Student | None:
        """The student with this id of the course's own."""
        return self._by_id.get(id)

    def find(self, platform: str, id: str) -> Student | None:
        """The student whom a platform knows under an id.

        Args:
            platform: ``canvas``, ``canvas_login``, ``moodle``, ``blackboard`` or ``github``.
            id: The id; upper and lower case are the same.
        """
        wanted = each_id(platform, id)
        return self._by_platform.get((platform, wanted[0])) if len(wanted) == 1 else None

    def with_email(self, email: str) -> Student | None:
        """The student with this address; None if several have it."""
        return self._by_email.get(email.strip().casefold()) if email.strip() else None

    def named(self, name: str) -> list[Student]:
        """All students with this name, without regard to accents, case, spaces and a comma."""
        return list(self._by_name.get(folded(in_reading_order(name)), ()))


def each_id(platform: str, ids: str) -> list[str]:
    """The ids in a column of the roster, as they are compared.

    >>> each_id("moodle", "Participant 4821, 5307")
    ['4821', '5307']
    """
    return re.findall(r"\d+", ids) if platform == "moodle" else ids.casefold().split()


def read(root: Path) -> Roster:
    """The roster of a course; empty if there is no ``students.csv``.

    Args:
        root: The course's folder.

    Raises:
        CourseError: If the file cannot be read, or two rows are the same student.
    """
    path = root / FILE
    return read_file(path) if path.is_file() else Roster()


def read_file(path: Path) -> Roster:
    """A roster from a file: our own columns, or an export of Canvas or Moodle.

    Raises:
        CourseError: If the file cannot be read, has unknown columns only, or two rows are the
            same student.
    """
    columns, rows = exports.table(_text(path), path.name)
    if "id" in {one.casefold() for one in columns} and not exports.is_export(columns):
        students = [_student(row, number, path) for number, row in rows]
    else:
        students = [Student(**one) for one in exports.students(columns, rows, path.name)]
    _unique(students, path)
    return Roster(students, path)


def write(path: Path, students: Iterable[Student]) -> None:
    """Write a roster in our own columns, whole or not at all."""
    listed = list(students)
    more = list(dict.fromkeys(key for one in listed for key in one.more))
    others = sorted({key for one in listed for key in one.ids} - set(PLATFORMS))
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_OWN, *PLATFORMS, *others, *more])
    for one in listed:
        ids = [one.ids.get(key, "") for key in (*PLATFORMS, *others)]
        own = [one.id, one.name, one.email, one.section]
        writer.writerow([*own, *ids, *(one.more.get(key, "") for key in more)])
    write_whole(path, out.getvalue())


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path.name} cannot be read: {error.strerror}.") from None
    if len(raw) > _MAX:
        raise CourseError(f"{path.name} has more than {_MAX // 2**20} MB, so it is no roster.")
    return exports.decoded(raw)


def _student(row: dict[str, str], number: int, path: Path) -> Student:
    own = exports.personal(row) | {key.casefold(): value for key, value in row.items()}
    if not own["id"]:
        raise CourseError(f"{path.name}, line {number}: the student has no id: write one.")
    if any("\n" in value for value in own.values()):
        raise CourseError(
            f"{path.name}: a field that ends in line {number} has several lines: close its "
            "quotation mark, or write it in one line."
        )
    ids = {key: own[key] for key in PLATFORMS if own.get(key)}
    known = {*_OWN, *PLATFORMS}
    more = {key: value for key, value in row.items() if key.casefold() not in known}
    return Student(**{key: own.get(key, "") for key in _OWN}, ids=ids, more=more)


def _unique(students: list[Student], path: Path) -> None:
    """Refuse a roster in which one id, of the course or of a platform, stands for two people."""
    _once((one.id for one in students), "id", path)
    for platform in {key for one in students for key in one.ids}:
        _once(
            (each for one in students for each in each_id(platform, one.ids.get(platform, ""))),
            f"{platform} id",
            path,
        )


def _once(values: Iterable[str], what: str, path: Path) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise CourseError(
            f"{path.name}: the {what} {twice[0]} stands there twice: every student needs another."
        )
