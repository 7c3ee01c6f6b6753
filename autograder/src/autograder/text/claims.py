"""Whether what students read agrees with what counts: points, thresholds and hints.

A text states such figures in prose, and nbgrader and the judge read them elsewhere: in a cell's
header, in course.toml, in the hints. Every function yields the cell's number and the fix.
"""

import ast
import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from autograder.course import Assignment
from autograder.root import TABLE
from autograder.text import syntax
from autograder.text.cells import Cell
from convcourse import hints
from convcourse.profile import PROFILES

Claim = tuple[int, str]  # the number of a cell and how to fix it

_WORDS = ["half", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_NUMBERS = {"half": 0.5} | {word: float(n) for n, word in enumerate(_WORDS[1:], start=1)}
_NUMBER = rf"(?P<number>\d+(?:\.\d+)?|{'|'.join(_WORDS)})"
_POINTS = rf"{_NUMBER}(?:\s+a)?[\s-]+(?:points?|pts?)\b"
_IN_TITLE = re.compile(_POINTS, re.IGNORECASE)
_EACH = re.compile(r"\b(?:each|every|per|apiece)\b", re.IGNORECASE)
# Points of an exercise stand in brackets, after a dash or a colon, or after "worth". Elsewhere the
# word has other meanings, as in "0.7 points less accurate".
_STATED = re.compile(
    rf"(?:[(\[]|[–—:-]\s+|\bworth\s+|\bfor\s+){_POINTS}(?=\s*(?:[)\],;.:!*_]|$|in all|altogether))",
    re.IGNORECASE,
)
_EXERCISE = re.compile(r"\b(?:exercise|question|task|problem|part)\b", re.IGNORECASE)
_IN_ALL = re.compile(
    r"^\s*#|\bmin(?:utes?)?\b|\b(?:total|in all|altogether|worth)\b", re.IGNORECASE
)
_HEADING = re.compile(r"^\s*(?:#+ |\*\*|__)")
_CLAIM = re.compile(
    r"\b(?:at least|threshold|required|requires|must reach|should reach|have to reach|needs? to "
    r"reach|to pass|passes? (?:with|at|from)|full points|bands?)\b",
    re.IGNORECASE,
)
_OF_ACCURACY = re.compile(r"\b(?:accura\w+|held-out|right about|correct|threshold)\b", re.I)
_FIGURE = re.compile(
    r"(?<![\w.,])(0\.\d+|\d{1,3}(?:\.\d+)?\s?%|\d{1,3}(?:\.\d+)?\s+percent)(?![\w])"
)
_PROFILE = re.compile(rf"\b({'|'.join(PROFILES)})\b", re.IGNORECASE)


def points(cells: Sequence[Cell | None], assignment: Assignment) -> Iterator[Claim]:
    """Points in the title or beside an exercise that differ from those of the cells.

    Args:
        cells: The parsed cells of a text; None where the marks of one do not pair.
        assignment: What course.toml says of it.
    """
    yield from _in_title(cells[0].source if cells and cells[0] else "", assignment)
    open_at, stated, sums = 0, 0.0, [0.0]
    for number, cell in enumerate([*cells[1:], None], start=2):
        told = sum(_stated(cell)) if cell else 0.0
        last = number == len(cells) + 1
        if told or last:
            yield from _differs(open_at, stated, sums)
            open_at, stated, sums = number, told, [0.0]
        if cell is not None and cell.is_graded:
            sums.append(sums[-1] + cell.points)


def _in_title(source: str, assignment: Assignment) -> Iterator[Claim]:
    """Points of the whole assignment, in the first cell and in course.toml's title."""
    for line in (*source.splitlines(), f"# {assignment.title}"):
        if _IN_ALL.search(line) and not _EACH.search(line):
            for found in _IN_TITLE.finditer(line):
                if _value(found) != assignment.points:
                    said = f"it says {found[0]}, and {TABLE} says points = {assignment.points}"
                    yield 1, f"{said}: change one."


def _differs(number: int, stated: float, sums: list[float]) -> Iterator[Claim]:
    """A stated number of points that the graded cells after it do not make."""
    if not stated or stated in sums[1:]:
        return
    if sums[1:]:
        worth = f"its cell is worth {sums[1]:g}"
        if len(sums) > 2:
            worth = f"its cells are worth {sums[-1]:g}"
        yield number, f"it says {_many(stated)}, and {worth}: change one."
    else:
        yield number, f"it says {_many(stated)}, and no graded cell follows: add one, or change it."


def _many(value: float) -> str:
    return f"{value:g} point{'' if value == 1 else 's'}"


def _stated(cell: Cell) -> Iterator[float]:
    """The points that a cell states for an exercise, in what students see of it."""
    seen = cell.visible if cell.is_test else cell.stub
    for line in seen.splitlines():
        if cell.kind == "code" and not _EXERCISE.search(line):
            continue
        if _HEADING.match(line) or _EXERCISE.search(line):
            yield from map(_value, _STATED.finditer(line))


def _value(found: re.Match[str]) -> float:
    said = found["number"].lower()
    return _NUMBERS[said] if said in _NUMBERS else float(said)


def shown_hints(cells: Sequence[Cell | None]) -> Iterator[Claim]:
    """Calls of ``hints.show`` for which there are no hints, or those of another text."""
    known = hints.all_steps()
    own = {cell.id for cell in cells if cell is not None and cell.id}
    for number, cell in enumerate(cells, start=1):
        for name, given in _asked(cell):
            if given or (name in known and name in own):
                continue
            if name in known:
                mend = f'hints.show("{name}") shows the hints of an exercise of another text'
            else:
                mend = f'there are no hints for "{name}"'
            near = difflib.get_close_matches(name, own & set(known), n=1)
            advice = f'did you mean "{near[0]}"?' if near else "write them, or remove the call."
            yield number, f"{mend}: {advice}"


def _asked(cell: Cell | None) -> Iterator[tuple[str, bool]]:
    """The name in each call of ``hints.show``, and whether the call brings its hints along."""
    if cell is None or cell.kind != "code" or "hints" not in cell.source:
        return
    with suppress(SyntaxError):
        for node in ast.walk(syntax.tree(cell.stub)):
            match node:
                case ast.Call(ast.Attribute(ast.Name("hints"), "show"), args, keywords):
                    given = [one.value for one in keywords if one.arg in ("name", None)]
                    first = next(iter([*args, *given]), None)
                    brought = len(args) > 1 or any(one.arg == "steps" for one in keywords)
                    if isinstance(first, ast.Constant) and isinstance(first.value, str):
                        yield first.value, brought


def thresholds(cells: Sequence[Cell | None], assignment: Assignment) -> Iterator[Claim]:
    """Accuracies that prose asks for and that are no threshold of the assignment."""
    if not assignment.thresholds:
        return
    for number, cell in enumerate(cells, start=1):
        if cell is None or cell.kind != "markdown":
            continue
        lines = cell.stub.splitlines()
        yield from ((number, mend) for mend in _table_of_thresholds(lines, assignment))
        prose = "\n".join(line for line in lines if not line.lstrip().startswith("|"))
        for sentence in re.split(r"(?<=[.!?])\s+|\n\s*\n|\n\s*[*-] ", prose):
            if _CLAIM.search(sentence) and _OF_ACCURACY.search(sentence):
                yield from ((number, mend) for mend in _sentence(sentence, assignment))


def _sentence(sentence: str, assignment: Assignment) -> Iterator[str]:
    """Each figure of a sentence must be a threshold, under the profile that is named beside it."""
    profiles = list(_PROFILE.finditer(sentence))
    for found in _FIGURE.finditer(sentence):
        near = sorted(profiles, key=lambda one: _distance(one, found))[:1]
        allowed = _values(assignment, near[0][1].lower() if near else "")
        if allowed and not _among(_share(found[1]), allowed):
            where = f" for {near[0][1]}" if near else ""
            yield _no_threshold(found[1], where, allowed)


def _distance(profile: re.Match[str], figure: re.Match[str]) -> int:
    if profile.start() >= figure.end():
        return profile.start() - figure.end()
    return figure.start() - profile.end()


def _table_of_thresholds(lines: list[str], assignment: Assignment) -> Iterator[str]:
    """Rows of a table with a column for each profile hold one threshold each, in order."""
    rows = [
        [part.strip() for part in line.strip().strip("|").split("|")]
        for line in lines
        if line.lstrip().startswith("|")
    ]
    if len(rows) < 3:
        return
    columns = {
        one[1].lower(): at for at, head in enumerate(rows[0]) if (one := _PROFILE.search(head))
    }
    if len(columns) < 2 or not _CLAIM.search("\n".join([*rows[0], *lines])):
        return
    for row, by_profile in zip(rows[2:], assignment.thresholds.values(), strict=False):
        for profile, at in columns.items():
            found = _FIGURE.search(row[at]) if at < len(row) else None
            if (
                found
                and profile in by_profile
                and not _among(_share(found[1]), [by_profile[profile]])
            ):
                yield _no_threshold(found[1], f" for {profile}", [by_profile[profile]])


def _no_threshold(figure: str, where: str, allowed: list[float]) -> str:
    return (
        f"it asks for {figure}{where}, and {TABLE} says "
        f"{' or '.join(f'{one:g}' for one in allowed)}: change one."
    )


def _values(assignment: Assignment, profile: str) -> list[float]:
    every = assignment.thresholds.values()
    found = {v for by in every for k, v in by.items() if not profile or k == profile}
    return sorted(found)


def _share(figure: str) -> float:
    if figure.endswith(("%", "percent")):
        return float(figure.rstrip("%percnt ").strip()) / 100
    return float(figure)


def _among(share: float, allowed: list[float]) -> bool:
    return any(abs(share - one) < 1e-9 for one in allowed)
