"""Reads what learning platforms export about a class.

* Canvas, Gradebook > Export: Student (or LastName, FirstName), ID, SIS User ID, SIS Login ID,
  Section, and a column for each assignment (`lib/gradebook_exporter.rb` of Canvas).
* Moodle, Participants > Download table data: First name, Last name, Email address, and what the
  site shows besides, such as Username or ID number.
* Moodle, Assignment > Download grading worksheet: Identifier, Full name, Email address, Status,
  Grade, and more (`mod/assign/gradingtable.php` of Moodle).
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from autograder.classlist.names import in_reading_order
from autograder.root import CourseError

ONCE = {"id", "name", "email", "canvas", "canvas_login", "moodle", "blackboard", "github"}
Row = tuple[int, dict[str, str]]  # the line in the file, and its values by column

# Column names in the languages of Moodle that we know; Canvas writes its own in English only.
_NAMES = {
    "first": "first name|firstname|vorname|nombre|prénom|nome|voornaam",
    "last": "last name|surname|lastname|nachname|apellido(s)|apellidos|nom de famille|nom|cognome"
    "|achternaam|sobrenome",
    "full": "full name|vollständiger name|nombre completo|nom complet|nome completo"
    "|volledige naam|first name / last name|first name / surname|student name",
    "email": "email address|email|e-mail-adresse|dirección de correo|dirección email"
    "|adresse de courriel|indirizzo email|e-mailadres|endereço de e-mail",
    "number": "identifier|kennung|identificador|identifiant|id|identificativo",
    "idnumber": "id number|id-nummer|número de id|numéro d'identification|numero id|nummer",
    "username": "username|anmeldename|nombre de usuario|nom d'utilisateur",
    "grade": "grade|bewertung|calificación|note|valutazione|beoordeling|nota",
    "submitted": "last modified (submission)|zuletzt geändert (abgabe)"
    "|última modificación (entrega)|dernière modification (travail remis)",
}
_KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split("|")}
_NUMBER = re.compile(r"(\d+)\s*$")


def decoded(raw: bytes) -> str:
    """A table's text: UTF-8 with or without a mark, UTF-16, or else Windows' encoding."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def table(text: str, name: str) -> tuple[list[str], list[Row]]:
    """The columns and rows of a CSV file with commas, semicolons or tabs.

    Args:
        text: The file's content.
        name: Its name, for errors.

    Raises:
        CourseError: If it is empty, or one column's name stands there twice.
    """
    if "\0" in text:
        raise CourseError(
            f"{name} is no table in text: open it in a spreadsheet, and save it as CSV in UTF-8."
        )
    head = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise CourseError(f"{name} is no table that can be read ({error}).") from None
    if not lines:
        raise CourseError(f"{name} is empty: its first line must name the columns.")
    columns = [one.strip() for one in lines[0][1]]
    named = [one.casefold() for one in columns if one]
    if twice := {one for one in named if named.count(one) > 1} & ONCE:
        raise CourseError(f"{name} has the column {min(twice)} twice: remove one of them.")
    rows = [
        (number, {c: v.strip() for c, v in zip(columns, row, strict=False) if c})
        for number, row in lines[1:]
    ]
    return columns, [(number, dict.fromkeys(columns, "") | row) for number, row in rows]


def is_export(columns: Sequence[str]) -> bool:
    """Whether these are columns of an export that can be read here."""
    return _is_canvas(columns) or _moodle(columns) == "worksheet"


def students(columns: Sequence[str], rows: Iterable[Row], name: str) -> list[dict[str, Any]]:
    """The students of an export, as the fields of `autograder.classlist.roster.Student`.

    The course's own id is the first of these that every row has and no two rows share: the login
    or user name, the id number, the email address, the platform's number.

    Raises:
        CourseError: If nothing that can be read here exports such columns.
    """
    if _is_canvas(columns):
        found = [_canvas(row) for _, row in rows if _is_person(row)]
    elif _moodle(columns):
        found = [_participant(columns, row) for _, row in rows]
    else:
        raise CourseError(
            f"{name} has the columns {', '.join(columns[:8])}; expected id, name and email, or an "
            "export of Canvas's gradebook, of Moodle's participants or of its grading worksheet."
        )
    return _with_ids(found)


def participants(columns: Sequence[str], rows: Iterable[Row]) -> list[dict[str, str]]:
    """The rows of a Moodle grading worksheet: number, name, email and time of the submission.

    Empty if this is no such worksheet.
    """
    if _moodle(columns) != "worksheet":
        return []
    found = []
    for _, row in rows:
        values = _values(columns, row)
        if number := _NUMBER.search(values.get("number", "")):
            kept = {key: values.get(key, "") for key in ("email", "idnumber", "submitted")}
            found.append({"number": number[1], "name": _full(values), **kept})
    return found


def _is_canvas(columns: Sequence[str]) -> bool:
    names = set(columns)
    named = "Student" in names or {"LastName", "FirstName"} <= names
    return named and "ID" in names and bool(names & {"SIS Login ID", "SIS User ID", "Section"})


def _is_person(row: dict[str, str]) -> bool:
    """Whether a row of Canvas is a student: not the points, not what is hidden, not the test."""
    return row["ID"].isdigit() and row.get("Student") != "Student, Test"


def _canvas(row: dict[str, str]) -> dict[str, Any]:
    name = row.get("Student") or f"{row.get('LastName', '')}, {row.get('FirstName', '')}"
    login = row.get("SIS Login ID", "")
    return {
        "name": in_reading_order(name.removeprefix("=").strip('"')),
        "email": login if "@" in login else "",
        "section": row.get("Section", ""),
        "ids": {"canvas": row["ID"]} | ({"canvas_login": login} if login.strip() else {}),
        "choices": [login, row["ID"]],
    }


def _moodle(columns: Sequence[str]) -> str:
    """Which of Moodle's tables has these columns: ``worksheet``, ``participants`` or neither.

    A table with the columns id and full name may be anybody's; with grades it is Moodle's.
    """
    names = {one.casefold() for one in columns}
    kinds = {_KINDS.get(one) for one in names}
    if {"number", "full"} <= kinds and ("id" not in names or "grade" in kinds):
        return "worksheet"
    named = {"first", "last"} <= kinds or "full" in kinds
    return "participants" if named and kinds & {"email", "idnumber", "username"} else ""


def personal(row: dict[str, str]) -> dict[str, str]:
    """The name and address in a row whose columns carry a platform's words for them."""
    values = _values(list(row), row)
    return {"name": _full(values), "email": values.get("email", "")}


def _values(columns: Sequence[str], row: dict[str, str]) -> dict[str, str]:
    kinds = [(_KINDS.get(column.casefold()), row.get(column, "")) for column in columns]
    return {kind: value for kind, value in reversed(kinds) if kind}


def _full(values: dict[str, str]) -> str:
    parts = f"{values.get('first', '')} {values.get('last', '')}".strip()
    return in_reading_order(values.get("full") or parts)


def _participant(columns: Sequence[str], row: dict[str, str]) -> dict[str, Any]:
    values = _values(columns, row)
    number = _NUMBER.search(values.get("number", ""))
    ids = {"moodle": number[1]} if number else {}
    keys = ("username", "idnumber", "email")
    return {
        "name": _full(values),
        "email": values.get("email", ""),
        "ids": ids,
        "choices": [values.get(key, "") for key in keys] + [ids.get("moodle", "")],
    }


def _with_ids(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give every student the first id that all have and no two share."""
    choices = [one.pop("choices") for one in found]
    for values in zip(*choices, strict=True):
        if all(values) and len({value.casefold() for value in values}) == len(values):
            return [{"id": value, **one} for value, one in zip(values, found, strict=True)]
    raise (
        CourseError(
            "No column of this export tells all students apart: export it with email addresses, "
            "user names or id numbers."
        )
        if found
        else CourseError("This export lists no student.")
    )
