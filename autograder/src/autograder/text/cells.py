"""One cell of a course text or a notebook, parsed once: its role, and who sees which lines.

Rules, release, grading, feedback and the tests of the course all read a cell through `parse`, so
they cannot disagree about which lines are hidden.
"""

from dataclasses import dataclass

from nbformat import NotebookNode

# (grade, solution, locked) in nbgrader's metadata, by the word in the cell's header.
ROLES = {
    "solution": (False, True, False),
    "tests": (True, False, True),
    "answer": (True, True, False),
    "locked": (False, False, True),
    "setup": (False, False, True),
}
HIDDEN_TESTS, SOLUTION = "HIDDEN TESTS", "SOLUTION"
MARKS = {SOLUTION: ("solution", "answer"), HIDDEN_TESTS: ("tests",)}  # and where they may be
STUB = 'raise NotImplementedError("not attempted yet")'


class BadMarks(ValueError):
    """The marks of a cell do not pair; the text is a sentence that says how to fix them."""


@dataclass(frozen=True)
class Cell:
    """What a cell is for, and its source taken apart at the marks.

    Attributes:
        kind: ``code``, ``markdown`` or ``raw``.
        role: A key of `ROLES`, or None for a plain cell. A notebook does not tell ``setup`` from
            ``locked``, so such a cell of a notebook is ``locked``.
        id: nbgrader's grade_id; empty for a plain cell.
        points: What the cell is worth; 0 if it is not graded.
        source: All lines of the cell.
        visible: The lines outside the hidden block, which students see and their kernel runs.
        hidden: The lines of the hidden block without its marks, which the judge runs.
        solution: The lines between the marks of a solution.
        stub: The source as students get it, with a stub instead of the solution.
    """

    kind: str
    role: str | None
    id: str
    points: float
    source: str
    visible: str
    hidden: str
    solution: str
    stub: str

    @property
    def is_test(self) -> bool:
        """Whether this is an autograded check."""
        return self.role == "tests"

    @property
    def is_graded(self) -> bool:
        """Whether it is worth points, given by a check or by hand."""
        return self.role in ("tests", "answer")


def parse(cell: NotebookNode) -> Cell:
    """Read a cell of a course text or of an nbgrader notebook.

    Raises:
        BadMarks: If a mark has no partner, does not stand alone on its line, or stands in a
            second pair.
    """
    role, name, points = facts(cell)
    hidden, visible = between(cell.source, HIDDEN_TESTS)
    solution, stub = between(cell.source, SOLUTION, STUB)
    return Cell(cell.cell_type, role, name, points, cell.source, visible, hidden, solution, stub)


def facts(cell: NotebookNode) -> tuple[str | None, str, float]:
    """A cell's role, id and points, from the words of its header or from nbgrader's metadata."""
    role = next((word for word in ROLES if word in cell.metadata), None)
    if role:
        return role, str(cell.metadata[role]), _number(cell.metadata.get("points"))
    grading = cell.metadata.get("nbgrader")
    if not isinstance(grading, dict):
        return None, "", 0
    flags = bool(grading.get("grade")), bool(grading.get("solution"))
    if flags == (False, False) and not grading.get("locked"):
        return None, str(grading.get("grade_id", "")), 0
    # Create Assignment keeps `locked` when a check or an answer changes its type.
    role = next(word for word, (*known, _) in ROLES.items() if tuple(known) == flags)
    points = _number(grading.get("points")) if flags[0] else 0
    return role, str(grading.get("grade_id", "")), points


def _number(points: object) -> float:
    return points if isinstance(points, int | float) and not isinstance(points, bool) else 0


def between(source: str, mark: str, stub: str = "") -> tuple[str, str]:
    """The lines between ``### BEGIN mark`` and ``### END mark``, and the lines around them.

    A solution may have several blocks. Hidden tests have one, which is not indented, because the
    judge runs it by itself.

    Args:
        source: The source of a cell.
        mark: `SOLUTION` or `HIDDEN_TESTS`.
        stub: What replaces each block, indented like its first mark, as in nbgrader.

    Returns:
        The lines inside the blocks, and the lines outside them.

    Raises:
        BadMarks: As `parse`.
    """
    inside: list[str] = []
    outside: list[str] = []
    is_open, blocks = False, 0
    for line in source.split("\n"):
        begins, ends = f"BEGIN {mark}" in line, f"END {mark}" in line
        if not (begins or ends):
            (inside if is_open else outside).append(line)
            continue
        blocks += begins
        _check_mark(line, mark, begins, is_open, blocks)
        if begins and stub:
            outside.append(line[: len(line) - len(line.lstrip())] + stub)
        is_open = begins
    if is_open:
        raise BadMarks(f"### BEGIN {mark} is never closed: add ### END {mark}.")
    return "\n".join(inside), "\n".join(outside)


def _check_mark(line: str, mark: str, begins: bool, is_open: bool, blocks: int) -> None:
    if line.strip() not in (f"### BEGIN {mark}", f"### END {mark}"):
        raise BadMarks(f'the mark "{line.strip()}" must stand alone as ### BEGIN or END {mark}.')
    if begins and is_open:
        raise BadMarks(f"a second ### BEGIN {mark} comes before ### END {mark}: close the first.")
    if not begins and not is_open:
        raise BadMarks(f"### END {mark} has no ### BEGIN {mark} before it: add one.")
    if mark == HIDDEN_TESTS and line != line.strip():
        raise BadMarks(f'"{line.strip()}" is indented: start the hidden block at the left edge.')
    if mark == HIDDEN_TESTS and blocks > 1:
        raise BadMarks("it has two hidden blocks: put all hidden tests into one.")
