"""Moodle's grading worksheet, filled in place, and a table of addresses for its gradebook.

What is known of the formats is from Moodle itself: `mod/assign/gradingtable.php` writes the
worksheet, `mod/assign/feedback/offline/` reads it, by the number in the first column alone, and
`grade/import/csv/` reads the table. docs/marks.md tells more.
"""

import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from autograder.handback import sheets
from autograder.handback.canvas import factor, tell
from autograder.handback.people import Keys, People
from autograder.handback.sheets import Line, Sheet
from autograder.handback.standing import Filled, Standing
from autograder.root import CourseError

# The worksheet's columns in the languages in which we know them; Moodle wants back what it wrote.
_NAMES = {
    "number": "identifier|kennung|identificador|identifiant|id|identificativo",
    "name": "full name|vollständiger name|nombre completo|nom complet|nome completo",
    "email": "email address|e-mail-adresse|dirección de correo|adresse de courriel|indirizzo email",
    "idnumber": "id number|id-nummer|número de id|numéro d'identification",
    "username": "username|anmeldename|nombre de usuario|nom d'utilisateur",
    "grade": "grade|bewertung|calificación|note|valutazione",
    "most": "maximum grade|bestwertung|calificación máxima|note maximale",
    "scale": "scale|skala|escala|barème",
    "changeable": "grade can be changed|bewertung kann geändert werden"
    "|la calificación puede ser cambiada|la note peut être modifiée",
    "comments": "feedback comments|feedback als kommentare|comentarios de retroalimentación"
    "|feedback par commentaires",
}
_KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split("|")}
_PERSONAL = ("name", "email", "idnumber", "username")
_NO = ("no", "nein", "non")
_OURS = re.compile(r"[\d.]+ points before the late penalty of [\d.]+\.")
_NUMBER = re.compile(r"(\d+)\s*$")


def is_worksheet(columns: list[str]) -> bool:
    """Whether these are the columns of a grading worksheet."""
    return {"number", "grade"} <= set(_places(columns))


def _places(columns: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for k, column in enumerate(columns):
        if kind := _KINDS.get(column.casefold()):
            found.setdefault(kind, k)
    return found


def fill(
    sheet: Sheet, name: str, found: Mapping[str, Standing], worth: float, people: People,
    scale: bool = False,
) -> Filled:  # fmt: skip
    """Fill a grading worksheet.

    Args:
        sheet: The worksheet.
        name: The assignment.
        found: The standing of each student.
        worth: The assignment's points.
        people: The class.
        scale: Whether to scale scores to another maximum in Moodle.

    Raises:
        CourseError: If it has another maximum, or grades that are no numbers.
    """
    at = _places(sheet.columns)
    if "scale" in at:
        raise CourseError(f"{sheet.name} has words for grades, and {name} has points: set the "
                          "assignment's grade to points in Moodle.")  # fmt: skip
    by, decimals = _factor(sheet, at, name, worth, scale)
    filled = Filled()
    rows = sheet.rows
    keys = [_keys(sheet, line, at) for line in rows]
    students, filled.left = people.of(keys)
    filled.missing = people.strangers(keys, students)
    comma = sheet.comma
    for line, student in zip(rows, students, strict=True):
        if student in found:
            _put(sheet, line, at, found[student], by, (comma, decimals), filled)
    for line in rows:
        _shield(sheet, line, at)
    filled.content = sheet.write()
    return tell(filled, {name: found}, people, students)


def numbers(sheet: Sheet, people: People) -> tuple[dict[str, str], list[str]]:
    """The number of each student in a worksheet, and a sentence for each doubt."""
    at = _places(sheet.columns)
    rows = [_keys(sheet, line, at) for line in sheet.rows]
    students, doubts = people.of(rows)
    found = zip(rows, students, strict=True)
    return {student: row.id for row, student in found if student and row.id}, doubts


def by_address(name: str, found: Mapping[str, Standing], worth: float, people: People) -> Filled:
    """A table for Grades > Import > CSV file, in which the address says who it is.

    Moodle would delete the grade of a student whose field is empty, so it lists scores only.
    """
    filled, rows, placed = Filled(), [], []
    counts = Counter(one.email for one in people.roster.students)
    for one in people.roster.students:
        score = found[one.id].score if one.id in found else None
        if score is None:
            continue
        if not one.email or sheets.is_formula(one.email) or counts[one.email] > 1:
            filled.left.append(f"{one.id} has no address of its own that a table can hold.")
        else:
            rows.append([one.email, sheets.harmless(one.name), sheets.points(score)])
        placed.append(one.id)
    filled.scores = len(rows)
    filled.content = sheets.made(["Email address", "Full name", name], rows)
    filled.said.append(
        f"Map Email address to Email address, and {name} to its grade item, whose maximum must be "
        f"{worth:g}. A grade that comes in this way can no longer be changed in the assignment."
    )
    return tell(filled, {name: found}, people, placed)


def _factor(
    sheet: Sheet, at: Mapping[str, int], name: str, worth: float, scale: bool
) -> tuple[Decimal, int]:
    """What to multiply scores by, and how many decimals Moodle shows."""
    texts = {sheet.get(line, at["most"]) for line in sheet.rows} - {""} if "most" in at else set()
    most = {sheets.number(one) for one in texts}
    if len(most) > 1 or None in most:
        raise CourseError(f"{sheet.name}: its maximum grades are {', '.join(sorted(texts))}; "
                          "expected one number. Nothing was written.")  # fmt: skip
    if not most:
        raise CourseError(
            f"{sheet.name} has no column Maximum Grade that can be read: switch Moodle to English "
            "for a moment, and download the worksheet again."
        )
    text = texts.pop()
    decimals = len(re.split("[.,]", text)[1]) if re.search("[.,]", text) else 0
    return factor(f"{name} has {worth:g} points", worth, most.pop(), "Moodle", scale), decimals


def _put(
    sheet: Sheet, line: Line, at: Mapping[str, int], one: Standing, by: Decimal,
    form: tuple[str, int], filled: Filled,
) -> None:  # fmt: skip
    who = sheet.get(line, at["number"])
    now, most = sheet.get(line, at["grade"]), sheets.number(sheet.get(line, at["most"]))
    if one.score is None:
        if now:
            filled.said.append(f"{who} keeps the {now} that Moodle has.")
        return
    score = Decimal(str(one.score)) * by
    if sheet.get(line, at.get("changeable", -1)).casefold() in _NO:
        filled.left.append(f"{who} has a grade that Moodle does not let the worksheet change.")
    elif most is not None and score > most:
        shown = sheets.points(score)
        filled.left.append(f"{who} has {shown} points, and Moodle ignores more than {most:f}.")
    else:
        sheet.set(line, at["grade"], sheets.points(score, *form))
        filled.scores += 1
        _comment(sheet, line, at, one, filled)


def _comment(
    sheet: Sheet, line: Line, at: Mapping[str, int], one: Standing, filled: Filled
) -> None:
    """Say a penalty where students read it, unless a person wrote something there."""
    if "comments" not in at:
        return
    now = sheet.get(line, at["comments"])
    plain = re.sub(r"<[^>]*>", "", now).strip()
    if not plain or _OURS.fullmatch(plain):
        if one.late or plain:
            sheet.set(line, at["comments"], f"{one.late}." if one.late else "")
    elif one.late:
        who = sheet.get(line, at["number"])
        filled.said.append(f"{who} keeps the comment that is there: say the penalty yourself.")


def _shield(sheet: Sheet, line: Line, at: Mapping[str, int]) -> None:
    """Keep a spreadsheet from calculating what students wrote; Moodle reads none of it.

    It reads the number, the grade, when it was changed, and what follows that: comments.
    """
    end = at.get("comments", len(sheet.columns))
    for k in range(min(end, len(line.fields))):
        text = sheets.value(line.fields[k])
        if k not in (at["number"], at["grade"], at["most"]) and sheets.is_formula(text):
            sheet.set(line, k, sheets.harmless(text))


def _keys(sheet: Sheet, line: Line, at: Mapping[str, int]) -> Keys:
    values = {kind: sheet.get(line, k) for kind, k in at.items()}
    number = _NUMBER.search(values["number"])
    own = tuple(values.get(kind, "") for kind in _PERSONAL if kind != "name")
    shown = " ".join(filter(None, (values["number"], values.get("name", ""))))
    return Keys("moodle", number[1] if number else "", own, shown)
