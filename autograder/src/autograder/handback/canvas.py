"""Canvas's gradebook, filled so that its import reads it: Grades > Import.

What is known of the format is from Canvas itself, `lib/gradebook_exporter.rb` and
`lib/gradebook_importer.rb`: people are matched by ID and then by login, assignments by the number
behind their names, and an empty field deletes a score that Canvas has. docs/marks.md tells more.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from autograder.classlist.names import folded
from autograder.handback import sheets, standing
from autograder.handback.people import Keys, People
from autograder.handback.sheets import Line, Sheet
from autograder.handback.standing import Filled, Standing
from autograder.root import CourseError

NAMES = ("Student", "LastName", "FirstName")
_PEOPLE = (*NAMES, "SIS User ID", "SIS Login ID", "Integration ID", "Root Account", "Section")
_TITLE = re.compile(r"(?P<title>.*?)\s*\((?P<id>\d+)\)")
_CALCULATED = re.compile(r".*\b(Current|Final) (Score|Points|Grade)( \(.*\))?")
_POINTS, _TEST = "Points Possible", "Student, Test"
_KEPT = ("EX", "N/A")  # excused; not assigned to this student


def is_export(columns: Sequence[str]) -> bool:
    """Whether these are the columns of Canvas's gradebook."""
    named = "Student" in columns or {"LastName", "FirstName"} <= set(columns)
    return named and "ID" in columns and "Section" in columns


def fill(
    sheet: Sheet, asked: Mapping[str, Mapping[str, Standing]], worth: Mapping[str, float],
    titles: Mapping[str, Sequence[str]], people: People, scale: bool = False,
) -> Filled:  # fmt: skip
    """Fill an export of the gradebook.

    Args:
        sheet: The export. Columns that Canvas calculates are left out of it.
        asked: The standings of each assignment, by student.
        worth: The points of each assignment.
        titles: What each assignment may be called in Canvas.
        people: The class.
        scale: Whether to scale scores to another maximum in Canvas.

    Raises:
        CourseError: If an assignment has no column or several, or another maximum.
    """
    _without_calculated(sheet)
    columns = {name: _column(sheet, name, titles[name]) for name in asked}
    most = _most(sheet)
    factors = {name: _factor(name, worth[name], most.get(columns[name]), scale) for name in asked}
    filled = Filled()
    rows = [line for line in sheet.rows if _is_person(sheet, line)]
    keys = [_keys(sheet, line) for line in rows]
    students, filled.left = people.of(keys)
    filled.missing = people.strangers(keys, students)
    comma = sheet.comma
    for line, student in zip(rows, students, strict=True):
        for name, found in asked.items():
            if student in found:
                _put(sheet, line, columns[name], found[student], factors[name], comma, filled)
    for line in sheet.rows:
        for column in (sheet.columns.index(one) for one in _PEOPLE if one in sheet.columns):
            sheet.set(line, column, sheets.harmless(_raw(sheet, line, column)))
    filled.content = sheet.write()
    return tell(filled, asked, people, students)


def made(
    asked: Mapping[str, Mapping[str, Standing]], people: People, titles: Mapping[str, str]
) -> Filled:
    """A gradebook without an export: one row for each student who has all the scores asked for.

    Canvas would delete the score of a student whose field is empty, so those rows are left out.
    """
    filled, rows, placed = Filled(), [], []
    for one in people.roster.students:
        found = [each.get(one.id) for each in asked.values()]
        id, login = one.ids.get("canvas", ""), one.ids.get("canvas_login", "")
        scores = [each.score for each in found if each and each.score is not None]
        if len(scores) < len(found):
            placed.append(one.id)
            if scores:
                filled.left.append(f"{one.id} has no score in one of the assignments, so no row.")
        elif not (id or login):
            placed.append(one.id)
            filled.left.append(
                f"{one.id} has no canvas or canvas_login in students.csv: autograder roster EXPORT "
                "adds it."
            )
        else:
            placed.append(one.id)
            shielded = map(sheets.harmless, (one.name, login, one.section))
            name, login, section = shielded
            rows.append([name, id, login, section, *map(sheets.points, scores)])
            filled.scores += len(scores)
    filled.content = sheets.made(
        ["Student", "ID", "SIS Login ID", "Section", *titles.values()], rows
    )
    filled.said.append(
        "Canvas takes a column without its number for the assignment of exactly this title, and "
        "makes a new one if there is none: fill an export with --roster to be sure."
    )
    return tell(filled, asked, people, placed)


def tell(
    filled: Filled, asked: Mapping[str, Mapping[str, Standing]], people: People,
    placed: Sequence[str],
) -> Filled:  # fmt: skip
    """Add who has no score and why, who is late, and who has handed in nothing."""
    for name, found in asked.items():
        prefix = f"{name}: " if len(asked) > 1 else ""
        for student, one in sorted(found.items()):
            shown = standing.called(student, people.names)
            if one.score is None:
                filled.left.append(f"{prefix}{shown} {one.why}.")
            elif student not in placed:
                filled.left.append(f"{prefix}{shown} is in no row of the file.")
            if one.late:
                filled.late.append(f"{prefix}{shown}: {one.late}, so {one.score:g}.")
        absent = [one.id for one in people.roster.students if one.id not in found]
        filled.missing += [f"{prefix}{standing.called(one, people.names)}" for one in absent]
    return filled


def _put(
    sheet: Sheet, line: Line, column: int, one: Standing, factor: Decimal, comma: str,
    filled: Filled,
) -> None:  # fmt: skip
    who, now = sheet.get(line, _first(sheet)), sheet.get(line, column)
    if now.upper() in _KEPT:
        filled.said.append(f"{who} stays {now} in Canvas: {sheet.columns[column]}.")
    elif one.score is not None:
        sheet.set(line, column, sheets.points(Decimal(str(one.score)) * factor, comma))
        filled.scores += 1
    elif now:
        filled.said.append(f"{who} keeps the {now} that Canvas has: {sheet.columns[column]}.")


def _column(sheet: Sheet, name: str, titles: Sequence[str]) -> int:
    wanted = {folded(one) for one in titles}
    begin = sheet.columns.index("Section") + 1
    listed = list(enumerate(sheet.columns))[begin:]
    found = [k for k, one in listed if one in titles or folded(_title(one)) in wanted]
    if len(found) == 1:
        return found[0]
    known = ", ".join(one for _, one in listed if one) or "none"
    several = "has several columns" if found else "has no column"
    raise CourseError(
        f"{sheet.name} {several} for {name}: name the right one, --column '{name}=TITLE'. Its "
        f"columns are: {known}."
    )


def _title(column: str) -> str:
    found = _TITLE.fullmatch(column)
    return found["title"] if found else column


def _without_calculated(sheet: Sheet) -> None:
    """Leave out what Canvas marks as read-only, in whatever language, or calculates by its name."""
    points = next((one for one in sheet.rows if _is_points(sheet, one)), None)
    begin = sheet.columns.index("Section") + 1
    gone = []
    for k, column in enumerate(sheet.columns):
        mark = sheet.get(points, k) if points else ""
        is_marked = mark.startswith("(") and mark.endswith(")")
        is_known = _CALCULATED.fullmatch(column) and not _TITLE.fullmatch(column)
        if k >= begin and (is_marked or (is_known and not mark)):
            gone.append(k)
    sheet.without(gone)


def _most(sheet: Sheet) -> dict[int, Decimal]:
    """The maximum of each column that says one."""
    points = [line for line in sheet.rows if _is_points(sheet, line)]
    found = {
        k: sheets.number(sheet.get(line, k)) for line in points for k in range(len(sheet.columns))
    }
    return {k: most for k, most in found.items() if most is not None}


def _factor(name: str, worth: float, most: Decimal | None, scale: bool) -> Decimal:
    return factor(f"{name} has {worth:g} points", worth, most, "Canvas", scale)


def factor(what: str, worth: float, most: Decimal | None, platform: str, scale: bool) -> Decimal:
    """What to multiply scores by: 1, unless scaling was asked for.

    Raises:
        CourseError: If the platform has another maximum.
    """
    exact = Decimal(str(worth))
    if most is None or most == exact:
        return Decimal(1)
    if not scale:
        raise CourseError(
            f"{what}, and {platform} has {most.normalize():f}: change the points there, or scale "
            "the scores with --scale. Nothing was written."
        )
    if most <= 0:
        raise CourseError(f"{what}, and {platform} has {most:f}: set the points there. Nothing was "
                          "written.")  # fmt: skip
    return most / exact


def _is_points(sheet: Sheet, line: Line) -> bool:
    return _POINTS in sheet.get(line, 0)


def _is_person(sheet: Sheet, line: Line) -> bool:
    id = sheet.get(line, sheet.columns.index("ID"))
    is_test = sheet.get(line, _first(sheet)) == _TEST
    return id.isdigit() and not _is_points(sheet, line) and not is_test


def _first(sheet: Sheet) -> int:
    return next(sheet.columns.index(one) for one in NAMES if one in sheet.columns)


def _keys(sheet: Sheet, line: Line) -> Keys:
    values = {one: sheet.get(line, k) for k, one in enumerate(sheet.columns)}
    own = (values.get("SIS Login ID", ""), values.get("SIS User ID", ""))
    name = sheet.get(line, _first(sheet))
    return Keys("canvas", values["ID"], own, f"{name}, Canvas user {values['ID']},")


def _raw(sheet: Sheet, line: Line, column: int) -> str:
    return sheets.value(line.fields[column]) if column < len(line.fields) else ""
