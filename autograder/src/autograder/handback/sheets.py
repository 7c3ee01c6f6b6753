"""Tables of other programs as CSV, in which everything but the filled fields stays as it is.

Encoding, byte order mark, separator, quotation marks, line ends and the order of the columns are
those of the file. So the platform that wrote it can read it again.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from autograder.root import CourseError

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le"}
_MARKS |= {codecs.BOM_UTF16_BE: "utf-16-be"}
_ENCODINGS = ("utf-8", "cp1252", "latin-1")
_SIGNS = "=+@＝＋－＠-"  # some spreadsheets calculate the wide signs too
_FORMULA = (*_SIGNS, "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
# A formula behind a separator that another spreadsheet, or another country, splits at.
_INNER = re.compile(rf'([,;\t\r\n][\s"]*)(?=[{_SIGNS}])(?![+-]?\d+(?:[.,]\d+)?\s*(?:$|[,;\s]))')
_SHIELDED = re.compile(r'="[^"]*"')  # how Canvas writes a name that begins with "="


@dataclass
class Line:
    """One row: its fields as they stand in the file, and its line end."""

    fields: list[str]
    end: str


@dataclass
class Sheet:
    """A table.

    Attributes:
        name: The file's name, for errors.
        columns: The names of the columns.
        lines: The rows after the first one; empty lines are among them.
        separator: What separates the fields.
        head: The first row.
    """

    name: str
    head: Line
    lines: list[Line]
    separator: str = ","
    _encoding: str = "utf-8"
    _mark: bytes = b""
    _blank: str = ""
    columns: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.columns = [value(one).strip() for one in self.head.fields]

    @property
    def rows(self) -> list[Line]:
        """The rows in which something stands."""
        return [line for line in self.lines if any(map(str.strip, line.fields))]

    def get(self, line: Line, column: int) -> str:
        """What a field says."""
        return value(line.fields[column]).strip() if 0 <= column < len(line.fields) else ""

    def set(self, line: Line, column: int, text: str) -> None:
        """Fill a field. If it says the same already, its bytes stay."""
        line.fields += [""] * (column + 1 - len(line.fields))
        if value(line.fields[column]) != text:
            was_quoted = line.fields[column].startswith('"')
            line.fields[column] = self._written(text, was_quoted)

    def without(self, columns: Iterable[int]) -> None:
        """Leave columns out."""
        gone = set(columns)
        for line in (self.head, *self.rows):
            line.fields = [one for k, one in enumerate(line.fields) if k not in gone]
        self.columns = [one for k, one in enumerate(self.columns) if k not in gone]

    @property
    def comma(self) -> str:
        """The mark before decimals: that of the numbers in the table."""
        values = (value(one).strip() for line in self.rows for one in line.fields)
        numbers = [one for one in values if re.fullmatch(r"\d+[.,]\d{1,5}", one)]
        return "," if sum("," in one for one in numbers) > len(numbers) / 2 else "."

    def write(self) -> bytes:
        """The table as the bytes of a file."""
        text = self._blank + "".join(
            self.separator.join(line.fields) + line.end for line in (self.head, *self.lines)
        )
        return self._mark + text.encode(self._encoding)

    def _written(self, text: str, quoted: bool) -> str:
        special = any(mark in text for mark in (self.separator, '"', "\r", "\n"))
        return '"' + text.replace('"', '""') + '"' if quoted or special else text


def read(raw: bytes, name: str) -> Sheet:
    """A table from a file.

    Args:
        raw: The file's bytes.
        name: Its name, for errors.

    Raises:
        CourseError: If it is empty or damaged.
    """
    mark, encoding, text = _decoded(raw, name)
    begin = text.lstrip("\r\n")
    plain = re.sub(r'"(?:[^"]|"")*"', "", begin).partition("\n")[0]
    separator = max(",;\t", key=plain.count)
    lines = list(_lines(begin, separator))
    if not lines or not begin.strip():
        raise CourseError(f"{name} is empty: its first line must name the columns.")
    blank = text[: len(text) - len(begin)]
    return Sheet(name, lines[0], lines[1:], separator, encoding, mark, blank)


def made(columns: Sequence[str], rows: Iterable[Sequence[str]], for_excel: bool = False) -> bytes:
    """A new table in UTF-8; for Excel with a byte order mark, without which accents are lost."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return (codecs.BOM_UTF8 if for_excel else b"") + out.getvalue().encode()


def value(text: str) -> str:
    """What a field says, without the quotation marks of CSV."""
    if not text.startswith('"'):
        return text
    inner, _, rest = re.sub('""', "\0", text[1:]).partition('"')
    return (inner + rest).replace("\0", '"')


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would calculate a field instead of showing it."""
    shown = text.lstrip(" ")
    if _INNER.search(text) and not _SHIELDED.fullmatch(shown):
        return True
    if not shown.startswith(_FORMULA) or shown.strip() in ("-", "+"):
        return False
    return not _NUMBER.fullmatch(shown.strip()) and not _SHIELDED.fullmatch(shown)


def harmless(text: str) -> str:
    """A field that a spreadsheet shows as it is: with an apostrophe before a formula."""
    if not is_formula(text):
        return text
    inner = _INNER.sub(r"\1'", text)
    return f"'{inner}" if inner == text or is_formula(inner) else inner


def number(text: str) -> Decimal | None:
    """The number in a field, with a point or a comma before its decimals; None if there is none."""
    text = text.strip().replace("\u00a0", "")
    found = re.fullmatch(r"[+-]?\d{1,9}(?:[.,]\d{1,9})?", text)
    return Decimal(text.replace(",", ".")) if found else None


def points(number: float | Decimal, comma: str = ".", decimals: int = 0) -> str:
    """A number of points, rounded half up to hundredths.

    >>> points(17.005), points(18.0), points(18.0, ",", 2)
    ('17.01', '18', '18,00')
    """
    exact = Decimal(str(number)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    text = f"{exact:f}".rstrip("0").rstrip(".")
    whole, _, rest = text.partition(".")
    rest = rest.ljust(decimals, "0")
    return f"{whole}{comma}{rest}" if rest else whole


def _decoded(raw: bytes, name: str) -> tuple[bytes, str, str]:
    """The mark, the encoding, and a text that gives the same bytes when it is encoded again."""
    mark, wide = next(((m, e) for m, e in _MARKS.items() if raw.startswith(m)), (b"", ""))
    for encoding in [wide] if wide.startswith("utf-16") else _ENCODINGS:
        try:
            return mark, encoding, raw[len(mark) :].decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CourseError(f"{name} is damaged: export it again.")


def _lines(text: str, separator: str) -> Iterable[Line]:
    one = re.compile(rf'(?:"(?:[^"]|"")*"[^{separator}\r\n]*|[^{separator}\r\n]*)')
    fields: list[str] = []
    place = 0
    while place < len(text):
        found = one.match(text, place)
        assert found is not None
        fields.append(found[0])
        place = found.end()
        if text.startswith(separator, place):
            place += 1
            if place == len(text):
                yield Line([*fields, ""], "")
            continue
        end = "\r\n" if text.startswith("\r\n", place) else text[place : place + 1]
        yield Line(fields, end)
        fields = []
        place += len(end)
