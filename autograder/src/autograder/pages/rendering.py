"""How pages are made of templates: numbers, links and file names on them."""

import functools
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, Template, select_autoescape

from autograder.pages.outputs import PARTLY
from autograder.pages.scores import BY_HAND, SIGNS, TO_GRADE, UNGRADED, Report, Row
from convcourse import outcomes

# The class of a cell by its outcome: one letter, because a page can have 100,000 cells.
_KINDS = {outcomes.PASSED: "p", PARTLY: "q", outcomes.WRONG: "w", outcomes.NOT_ATTEMPTED: "n"}
_KINDS |= {outcomes.ERROR: "e", TO_GRADE: "t", BY_HAND: "h", UNGRADED: "u"}


def leaderboard_path(place: Path, assignment: str) -> Path:
    """Where the leaderboard of an assignment lies, beside the class page."""
    return place / f"{assignment}-leaderboard.html"


def file_names(students: Iterable[str]) -> dict[str, str]:
    """A file's name for each student, which any system can hold and no two students share."""
    students = list(students)
    plain = {one: re.sub(r"[^A-Za-z0-9_-]", "-", one)[:60] for one in students}
    counts = Counter(name.casefold() for name in plain.values())
    return {
        one: f"{name}.html"
        if name == one and counts[name.casefold()] == 1
        else f"{name}-{hashlib.sha256(one.encode()).hexdigest()[:12]}.html"
        for one, name in plain.items()
    }


def address(path: Path, place: Path) -> str:
    """The address of a file on a page in ``place``; empty if there is no such file."""
    return quote(os.path.relpath(path, place).replace(os.sep, "/")) if path.is_file() else ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 2):g}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _facts(row: Row, report: Report) -> str:
    """What a row can be filtered by: waits, failed, late, below half of the points."""
    known = {"w": row.waits, "f": row.failed, "l": row.penalty > 0}
    known["b"] = not row.failed and row.score < report.points / 2
    return "".join(letter for letter, is_so in known.items() if is_so)


def _all_facts(rows: Iterable[Row]) -> str:
    rows = list(rows)
    known = {"w": any(r.waits for r in rows), "f": any(r.failed for r in rows)}
    known["l"] = any(r.penalty > 0 for r in rows)
    most = sum(mark.points for row in rows for mark in row.marks.values())
    known["b"] = sum(row.score for row in rows) < most / 2
    return "".join(letter for letter, is_so in known.items() if is_so)


@functools.cache
def _environment() -> Environment:
    loader = PackageLoader("autograder.pages")
    made = Environment(
        loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "number": _number,
        "percent": _percent,
        "tenth": "{:.1f}".format,
        "kind": _KINDS.__getitem__,
    }
    made.filters |= {"facts": _facts, "all_facts": _all_facts}
    made.globals["kinds"] = [(name, sign, _KINDS[name]) for name, sign in SIGNS.items()]
    return made


def template(name: str) -> Template:
    """A template of this package, which escapes what it is given."""
    return _environment().get_template(name)
