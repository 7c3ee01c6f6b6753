"""Opens what the instructor gives, and sorts its files by person and hand-in."""

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.classlist import exports
from autograder.classlist.names import folded
from autograder.classlist.roster import FILE, Roster
from autograder.course import Course
from autograder.handin import archives, blackboard, forms, paths, times
from autograder.handin.archives import Entry
from autograder.handin.forms import FOLDER, MOODLE, Sign
from autograder.intake.folder import ENDINGS, Refused
from autograder.root import CourseError

Pieces = list[tuple[Entry, Sign]]
_MAX_TABLE = 20 * 2**20  # bytes of a worksheet
_MAX_SOURCE = 2**40  # bytes of an archive within what the instructor gives


@dataclass
class Source:
    """One opened archive or folder.

    Attributes:
        name: What it is called.
        groups: The files of each hand-in, with what their names say.
        unsigned: Folders and files at the platform's level whose names say nothing.
        other: How many hand-ins say that they are for another assignment.
    """

    name: str
    groups: list[Pieces] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)
    other: int = 0

    @property
    def signs(self) -> list[Sign]:
        """The signs of all files."""
        return [sign for pieces in self.groups for _, sign in pieces]


@dataclass
class Opened:
    """All that the instructor gave.

    Attributes:
        sources: The archives and folders.
        worksheet: The rows of Moodle's grading worksheets, by the participant's number.
        sheets: The names of the worksheets that were used.
        unused: The names of those beside an archive that are of other people.
    """

    sources: list[Source] = field(default_factory=list)
    worksheet: dict[str, dict[str, str]] = field(default_factory=dict)
    sheets: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


def opened(
    given: Sequence[Path], course: Course, name: str, roster: Roster, student: str,
    stack: contextlib.ExitStack,
) -> Opened:  # fmt: skip
    """Open archives, folders, notebooks and worksheets.

    Args:
        given: Their paths.
        course: The course.
        name: The assignment.
        roster: The roster.
        student: The student whose everything is; empty if the names say whose it is.
        stack: Closes what is opened.

    Raises:
        CourseError: If one of them cannot be opened.
    """
    found = Opened()
    tables: list[tuple[str, bytes]] = []
    near: list[tuple[str, bytes]] = []
    for path in map(Path.absolute, given):
        try:
            if path.suffix.lower() == ".csv" and path.is_file():
                tables.append((path.name, path.read_bytes()))
                if not _rows(tables[-1][1], path.name):
                    raise Refused(f"{path.name} is no grading worksheet of Moodle; a roster or "
                                  "another export goes with --roster")  # fmt: skip
                continue
            listed = stack.enter_context(archives.entries(path))
            source, inside = _sorted(path, listed, course, name, roster, student, stack)
        except (Refused, OSError) as error:
            raise CourseError(f"{str(error).rstrip('.')}.") from None
        found.sources.append(source)
        tables += inside
        if any(sign.platform == MOODLE for sign in source.signs):
            near += _beside(path)
    called = {s.id: s.who for one in found.sources for s in one.signs if s.platform == MOODLE}
    for file, raw in (*tables, *near):
        rows = [row for row in _rows(raw, file) if row["number"] in called]
        if (file, raw) not in tables and not all(_agrees(row, called) for row in rows):
            found.unused += [file]
            continue
        for row in rows:
            _add(found.worksheet, row)
        found.sheets += [file] if rows and file not in found.sheets else []
    return found


def _agrees(row: Mapping[str, str], called: Mapping[str, str]) -> bool:
    """Whether a worksheet has the archive's name for a number; others are of another Moodle."""
    is_blind = len(set(called.values())) == 1 < len(called)  # all are called Participant
    who = folded(called[row["number"]])
    return is_blind or not row["name"] or f" {who}".endswith(f" {folded(row['name'])}")


def _add(worksheet: dict[str, dict[str, str]], row: dict[str, str]) -> None:
    """Take a row, or of two rows with one number the one in which the newer hand-in is known."""
    before = worksheet.setdefault(row["number"], row)
    old, new = times.of_moodle(before["submitted"]), times.of_moodle(row["submitted"])
    if new is not None and (old is None or new > old):
        worksheet[row["number"]] = row


def _sorted(
    path: Path, listed: list[Entry], course: Course, name: str, roster: Roster, student: str,
    stack: contextlib.ExitStack,
) -> tuple[Source, list[tuple[str, bytes]]]:  # fmt: skip
    """The hand-ins of one archive, and the tables that lie in it."""
    top = path.name.partition(".")[0] if path.is_file() else path.name
    listed = [replace(one, path=paths.tidy(one.path)) for one in listed]
    listed = [one for one in listed if one.path]
    found, level = forms.signs((e.path for e in listed), name, course.known, roster, top)
    if not found and path.is_dir():  # the folder itself may be one student's
        whole = [replace(one, path=f"{path.name}/{one.path}") for one in listed]
        again, above = forms.signs((e.path for e in whole), name, course.known, roster)
        if again:
            found, level, listed = again, above, whole
    if student and len({(one.platform, one.id, one.who) for one in found.values()}) <= 1:
        return _of_one(path, listed, found, student), []
    if student:
        raise Refused(f"{path.name} holds hand-ins of several people, so --student cannot be right")
    within = [one for one in listed if one.path not in found and archives.is_archive(one.path)]
    if not found and within:
        listed = _with_inner(listed, within, stack)
        found, level = forms.signs((e.path for e in listed), name, course.known, roster, top)
    entries = {one.path: one for one in listed}
    found = blackboard.completed(found, lambda note: _text(entries[note]), roster)
    source = Source(path.name)
    _group(source, listed, found, name)
    source.unsigned = _unsigned(listed, found, level)
    return source, _tables(listed, found, level)


def _with_inner(
    listed: list[Entry], within: list[Entry], stack: contextlib.ExitStack
) -> list[Entry]:
    """The entries, with those of archives in the place of the archives."""
    names = {one.path for one in within}
    kept = [one for one in listed if one.path not in names]
    for one in within:
        above, _, file = one.path.rpartition("/")
        folder = "/".join(filter(None, (above, file.partition(".")[0])))
        try:
            inner = archives.inside(one, _MAX_SOURCE, stack)
        except Refused:
            kept.append(one)  # and listed as what nobody is known for
        else:
            kept += [replace(each, path=f"{folder}/{each.path.lstrip('/')}") for each in inner]
    return kept


def _of_one(path: Path, listed: list[Entry], found: dict[str, Sign], student: str) -> Source:
    """Everything as the hand-in of one student."""
    pieces = []
    for one in listed:
        plain = Sign(FOLDER, student, "", one.path.strip("/"))
        pieces.append((one, found.get(one.path, plain)))
    if found:
        pieces = [(entry, sign) for entry, sign in pieces if entry.path in found]
    return Source(path.name, [pieces] if pieces else [])


def _group(source: Source, listed: list[Entry], found: dict[str, Sign], name: str) -> None:
    groups: dict[tuple[str, ...], Pieces] = defaultdict(list)
    others = set()
    for one in listed:
        if (sign := found.get(one.path)) is None:
            continue
        each = (sign.platform, sign.id, "" if sign.id else sign.who, sign.attempt)
        if sign.assignment and sign.assignment != name:
            others.add(each)
        else:
            groups[each].append((one, sign))
    source.groups, source.other = list(groups.values()), len(others)


def _unsigned(listed: list[Entry], found: dict[str, Sign], level: int) -> list[str]:
    """What stands beside the hand-ins and could be one; a folder that holds one counts once."""
    said = set()
    known = {tuple(paths.parts(path)[: level + 1]) for path in found}
    around = {here[:level] for here in known}
    for one in listed:
        parts = paths.parts(one.path)
        here = tuple(parts[: level + 1])
        could_be = one.path.lower().endswith(ENDINGS) or archives.is_archive(one.path)
        beside = not known or len(parts) <= level or here[:level] in around
        if here not in known and beside and could_be:
            said.add("/".join(here))
    return sorted(said)


def _tables(listed: list[Entry], found: dict[str, Sign], level: int) -> list[tuple[str, bytes]]:
    """The tables beside the hand-ins; what lies in a student's folder is not one of them."""
    tables = []
    for one in listed:
        beside = one.path not in found and len(paths.parts(one.path)) <= level + 1
        if beside and one.path.lower().endswith(".csv"):
            with contextlib.suppress(Refused):
                tables.append((one.name, one.read(_MAX_TABLE)))
    return tables


def _beside(path: Path) -> list[tuple[str, bytes]]:
    """The tables in the folder of an archive."""
    tables = []
    with contextlib.suppress(OSError):
        for one in sorted(path.resolve().parent.glob("*.csv")):
            if one.name != FILE and one.is_file() and one.stat().st_size <= _MAX_TABLE:
                tables.append((one.name, one.read_bytes()))
    return tables


def _rows(raw: bytes, name: str) -> list[dict[str, str]]:
    try:
        return exports.participants(*exports.table(exports.decoded(raw), name))
    except CourseError:  # some other table
        return []


def _text(entry: Entry) -> str:
    try:
        return exports.decoded(entry.read(blackboard.MAX_NOTE))
    except Refused:
        return ""
