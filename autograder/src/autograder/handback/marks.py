"""The marks of a class as the file that a platform imports, made of its own export if possible."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.classlist import joining, roster
from autograder.classlist.roster import Roster
from autograder.course import Course
from autograder.handback import canvas, moodle, plain, sheets, standing
from autograder.handback.people import People
from autograder.handback.sheets import Sheet
from autograder.handback.standing import Filled, Standing
from autograder.handin import filing
from autograder.pages.scores import Report
from autograder.root import CourseError

CANVAS, MOODLE, CSV = "canvas", "moodle", "csv"
_MOST = 20  # people that a list in the terminal names


@dataclass(frozen=True)
class Exports:
    """What a person gave with --roster: the export to fill, and the class with what others say."""

    target: Sheet | None
    roster: Roster
    said: str = ""


def exports(course: Course, platform: str, given: Sequence[Path]) -> Exports:
    """Read the exports of a platform.

    Args:
        course: The course, whose students.csv the exports extend.
        platform: ``canvas``, ``moodle`` or ``csv``.
        given: The files.

    Raises:
        CourseError: If one cannot be read, or two could be filled.
    """
    known = roster.read(course.root)
    others, targets = [], []
    for path in given:
        sheet = sheets.read(_bytes(path), path.name)
        fits = {CANVAS: canvas.is_export, MOODLE: moodle.is_worksheet}.get(platform)
        if fits and fits(sheet.columns):
            targets.append(sheet)
        else:
            others.append(roster.read_file(path))
    if len(targets) > 1:
        raise CourseError(f"{targets[0].name} and {targets[1].name} can both be filled: give one.")
    done = joining.joined(known, others)
    said = (
        f"The other exports change or add {len(done.said)} rows of the roster for this file, by "
        "ids, addresses or names that only one student has; autograder roster EXPORT shows them "
        f"and keeps them in {roster.FILE}."
        if known and done.said
        else ""
    )
    target = targets[0] if targets else None
    return Exports(target, Roster(done.students) if others else known, said)


def people(
    course: Course, names: Sequence[str], known: Roster, reports: Sequence[Report]
) -> People:
    """The class with the ids under which the assignments were collected."""
    filed: dict[tuple[str, str], str] = {}
    for name in names:
        filed |= filing.collected_as(course.root, name)
    here = {student for report in reports for student in standing.of(report)}
    return People(known, filed, here)


def fill(
    course: Course, reports: Sequence[Report], platform: str, given: Sequence[Path],
    scale: bool = False, columns: Sequence[str] = (),
    again: Mapping[str, Collection[str]] | None = None,
) -> Filled:  # fmt: skip
    """The file for a platform.

    Args:
        course: The course.
        reports: The assignments.
        platform: ``canvas``, ``moodle`` or ``csv``.
        given: Exports of the platform.
        scale: Whether to scale scores to another maximum.
        columns: ``NAME=TITLE`` for assignments that Canvas calls otherwise.
        again: Of each assignment, the students who handed in again since they were graded.

    Raises:
        CourseError: If the file cannot be made; the error says what to do.
    """
    found = exports(course, platform, given)
    names = [report.assignment for report in reports]
    newer = again or {}
    asked = {one.assignment: standing.of(one, newer.get(one.assignment, ())) for one in reports}
    worth = {report.assignment: report.points for report in reports}
    known = people(course, names, found.roster, reports)
    titles = _titles(course, names, columns)
    filled = _filled(platform, found.target, asked, worth, titles, known, scale)
    filled.said[:0] = filter(None, [found.said])
    if given and found.target is None and platform != CSV:
        named = " and ".join(path.name for path in given)
        filled.said.insert(0, f"{named}: nothing here that can be filled, so this is a new table.")
    return filled


def _filled(
    platform: str, target: Sheet | None, asked: Mapping[str, Mapping[str, Standing]],
    worth: Mapping[str, float], titles: Mapping[str, Sequence[str]], known: People, scale: bool,
) -> Filled:  # fmt: skip
    if platform == CSV:
        return plain.made(asked, known)
    if target is None and not known.roster:
        raise CourseError(
            "Without students.csv nobody's id on the platform is known: give the platform's own "
            "export with --roster EXPORT."
        )
    if platform == CANVAS:
        if target:
            return canvas.fill(target, asked, worth, titles, known, scale)
        return canvas.made(asked, known, {name: titles[name][0] for name in asked})
    if len(asked) > 1:
        raise CourseError("Moodle has a worksheet for each assignment: name one assignment.")
    ((name, found),) = asked.items()
    if target:
        return moodle.fill(target, name, found, worth[name], known, scale)
    return moodle.by_address(name, found, worth[name], known)


def lines(filled: Filled, to: Path, what: str = "score") -> list[str]:
    """What to say in the terminal."""
    told = [
        *filled.said,
        *_listed("Late:", filled.late),
        *_listed("Not handed in:", filled.missing),
    ]
    told += _listed("Left out, for you to look at:", filled.left, most=None)
    count = f"{filled.scores} {what}{'s' if filled.scores != 1 else ''}"
    return [*map(_printable, told), f"{to} has {count}."]


def _printable(text: str) -> str:
    """A line with students' names as a terminal can show it."""
    return "".join(one if one.isprintable() else "?" for one in text)


def _listed(title: str, found: list[str], most: int | None = _MOST) -> list[str]:
    if not found:
        return []
    kept = found[:most]
    more = [f"  and {len(found) - len(kept)} more"] if len(found) > len(kept) else []
    return [title, *(f"  {one}" for one in kept), *more]


def _titles(course: Course, names: Sequence[str], columns: Sequence[str]) -> dict[str, list[str]]:
    given: dict[str, str] = {}
    for one in columns:
        name, found, title = one.partition("=")
        if not found or name not in names:
            raise CourseError(
                f"--column {one}: write NAME=TITLE, such as {names[0]}='NET I (678)'."
            )
        given[name] = title
    titles = {one.name: one.title for one in course.assignments}
    known = {}
    for name in names:
        number, title = name.partition("_")[0], titles.get(name, "")
        whole = [name, title, f"{number} {title}"] if title else [name]
        known[name] = [given[name]] if name in given else whole
    return known


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}.") from None
