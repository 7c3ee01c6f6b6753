"""What a course text must keep to, so that nbgrader releases and grades it as its author means.

Every rule looks at texts alone and gives violations, each of which names the file, the cell and
the mend. They are gathered, so that an author sees all of them at once.
"""

import ast
import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder import needs, syntax
from autograder.authoring import HEADER_WORDS, LAYOUT_KEYS, ROLES, read_cells, to_notebook, to_text
from autograder.cells import MARKS, BadMarks, blocks, role_of
from autograder.course import TABLE, Assignment, Course, CourseError

GRADE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")  # what nbformat takes as a cell id
STUB = 'raise NotImplementedError("not attempted yet")'
# Built-in, but they reach the notebook's names or files, which belong to the student.
REACHING = {"__import__", "breakpoint", "dir", "eval", "exec", "globals", "input", "locals"} | {
    "open",
    "vars",
}
COLAB = re.compile(r"https://colab\.research\.google\.com/(?!assets/)[^\s)\"'<>]+")


@dataclass(frozen=True)
class Violation:
    """One broken rule: where it is and how to mend it."""

    file: str
    cell: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}, {self.cell}: {self.mend}"


def check(course: Course, texts: dict[str, str]) -> list[Violation]:
    """All violations in the texts, which are keyed by the assignments' names."""
    violations: list[Violation] = []
    seen: dict[str, str] = {}
    for name in sorted(texts):
        file = f"course/{name}.py"
        try:
            cells = read_cells(texts[name])
        except Exception as error:
            # jupytext raises whatever its readers of headers and metadata raise.
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
            violations.append(
                Violation(file, "the whole text", f"jupytext cannot read it ({reason}); mend that.")
            )
            continue
        mine = [*_cells(file, cells), *_ids(file, cells, seen), *_table(file, name, cells, course)]
        mine += _overwritten(file, cells)
        violations += mine or _form(file, texts[name])
    return violations


def _cells(file: str, cells: Sequence[NotebookNode]) -> Iterator[Violation]:
    for number, cell in enumerate(cells, start=1):
        label = _label(cell, number)
        for mend in (*_header(cell), *_marks(cell)):
            yield Violation(file, label, mend)
        try:
            for mend in _role(cell):
                yield Violation(file, label, mend)
        except BadMarks:
            pass  # already said by _marks


def _label(cell: NotebookNode, number: int) -> str:
    role = role_of(cell)
    return f'cell {number} ({role} "{cell.metadata[role]}")' if role else f"cell {number}"


def _header(cell: NotebookNode) -> Iterator[str]:
    words = cell.metadata
    if "incorrectly_encoded_metadata" in words:
        yield 'the header cannot be read: write its words as tests="an-id" points=3.'
        return
    for word in words:
        if word not in HEADER_WORDS and word not in LAYOUT_KEYS:
            known = ", ".join(HEADER_WORDS)
            yield f'the header says "{word}", which means nothing here: use one of {known}.'
    roles = [word for word in ROLES if word in words]
    if len(roles) > 1:
        yield f"the header says {' and '.join(roles)}: keep one of them."
    for role in roles:
        if not (isinstance(words[role], str) and GRADE_ID.fullmatch(words[role])):
            yield f'write the id as {role}="letters-digits-hyphens", at most 64 characters.'
    if "points" in words:
        points = words["points"]
        if isinstance(points, bool) or not isinstance(points, int | float) or points <= 0:
            yield "points must be a number above 0, as in points=3."
        if not {"tests", "answer"} & set(roles):
            yield "only tests and answer cells are worth points: remove points here."
    elif {"tests", "answer"} & set(roles):
        yield "it is graded but has no points: add points=1 or more to its header."
    if "skip-execution" in words.get("tags", ()):
        yield "a cell tagged skip-execution gets full marks without a run: remove the tag."
    if cell.cell_type == "markdown" and {"tests", "solution"} & set(roles):
        yield "it is markdown: make it a code cell, or a written answer with answer=."


def _marks(cell: NotebookNode) -> Iterator[str]:
    role = role_of(cell)
    for mark, homes in MARKS.items():
        try:
            inside = blocks(cell.source, mark).inside
        except BadMarks as error:
            yield str(error)
            continue
        has_marks = f"BEGIN {mark}" in cell.source
        if has_marks and role not in homes:
            home = " or ".join(f'{word}="..."' for word in homes)
            yield f"only a cell with {home} in its header may hold ### BEGIN {mark}."
        if role in homes and not has_marks:
            yield f"put what students must not see between ### BEGIN {mark} and ### END {mark}."
        if role in homes and has_marks and not "".join(inside).strip():
            yield f"nothing stands between ### BEGIN {mark} and ### END {mark}: write it there."


def _role(cell: NotebookNode) -> Iterator[str]:
    if cell.cell_type != "code":
        return
    yield from _names_data(cell.source)
    role = role_of(cell)
    if role == "tests":
        block = blocks(cell.source, "HIDDEN TESTS")
        if not _has_code(block.outside):
            yield "students would see no check: add a visible one above the hidden block."
        yield from _parses(block.outside, "without its hidden block")
        yield from _hidden("\n".join(block.inside))
    elif role in ("solution", "answer"):
        yield from _parses(cell.source, "as it is here")
        kept = blocks(cell.source, "SOLUTION", STUB).outside
        yield from _parses(kept, "without its solution")
        yield from _raises(kept)
    else:
        yield from _parses(cell.source, "as it is here")


def _has_code(source: str) -> bool:
    return any(line.strip() and not line.strip().startswith("#") for line in source.split("\n"))


def _parses(source: str, when: str) -> Iterator[str]:
    try:
        syntax.tree(source)
    except SyntaxError as error:
        yield f"{when}, it is not valid Python ({error.msg}, line {error.lineno}): complete it."


def _names_data(source: str) -> Iterator[str]:
    with contextlib.suppress(SyntaxError):  # already said by _parses
        if needs.unnamed(syntax.tree(source)):
            yield (
                'write the name of the data in quotes where it is loaded, as data.load("mnist"): '
                "grading reads there what it must have at hand."
            )


def _raises(kept: str) -> Iterator[str]:
    try:
        tree = syntax.tree(kept)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if not (isinstance(raised, ast.Name) and raised.id == "NotImplementedError"):
                yield (
                    f"what students get raises {ast.unparse(raised) if raised else 'again'}: move "
                    "that line into the solution, so that only NotImplementedError is left."
                )


def _hidden(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        yield f"its hidden block is not valid Python ({error.msg}): it must stand alone."
        return
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    lines = [ast.unparse(node) for node in imports]
    if "from autograder import submission" not in lines:
        yield "its hidden block lacks the line: from autograder import submission."
    for line in lines:
        if line != "from autograder import submission":
            yield (
                f'its hidden block says "{line}": it may import submission alone, and takes NumPy '
                "as submission.np."
            )
    for name in sorted(syntax.foreign_names(tree)):
        yield (
            f"its hidden block uses the name {name}, which belongs to the notebook: ask "
            f'submission.value("{name}"), submission.model("{name}") or '
            f'submission.call("{name}", ...) for it.'
        )
    for name in sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} & REACHING):
        yield f"its hidden block uses {name}, which reaches past submission: do without it."


def _overwritten(file: str, cells: Sequence[NotebookNode]) -> Iterator[Violation]:
    """Names that a hidden block gives a value though the notebook still needs its own.

    nbgrader and nbval run hidden blocks in the notebook's kernel, so what they bind stays.
    """
    visible = [syntax.names(_outside(cell)) for cell in cells]
    for number, cell in enumerate(cells, start=1):
        if cell.cell_type != "code" or role_of(cell) != "tests":
            continue
        before = set().union(*(names.bound for names in visible[:number]))
        with contextlib.suppress(SyntaxError, BadMarks):
            inside = "\n".join(blocks(cell.source, "HIDDEN TESTS").inside)
            for name in sorted(syntax.names(inside).bound & before - {"np"}):
                if any(name in names.inner for names in visible) or _read(name, visible[number:]):
                    mend = (
                        f"its hidden block gives {name} a new value, and the notebook still needs "
                        "its own: rename it in the hidden block."
                    )
                    yield Violation(file, _label(cell, number), mend)


def _read(name: str, later: list[syntax.Names]) -> bool:
    """Whether a later cell reads the name before one binds it again."""
    for names in later:
        if name in names.read - names.bound:
            return True
        if name in names.bound:
            return False
    return False


def _outside(cell: NotebookNode) -> str:
    """What a cell says outside its hidden block; nothing for markdown."""
    if cell.cell_type != "code":
        return ""
    with contextlib.suppress(BadMarks):
        return blocks(cell.source, "HIDDEN TESTS").outside
    return ""


def _ids(file: str, cells: Sequence[NotebookNode], seen: dict[str, str]) -> Iterator[Violation]:
    for number, cell in enumerate(cells, start=1):
        role = role_of(cell)
        if role is None:
            continue
        grade_id, label = str(cell.metadata[role]), _label(cell, number)
        if grade_id in seen:
            mend = f"the id {grade_id} is taken by {seen[grade_id]}: choose another."
            yield Violation(file, label, mend)
        else:
            seen[grade_id] = f"{file}, cell {number}"


def _table(
    file: str, name: str, cells: Sequence[NotebookNode], course: Course
) -> Iterator[Violation]:
    """Whether the text agrees with its entry in course.toml."""
    if name not in course.names:
        mend = f"add an [[assignment]] with this name to {TABLE}, or rename the text."
        yield Violation(file, "the whole text", mend)
        return
    assignment = course.assignment(name)
    points = sum(_points(cell) for cell in cells)
    if points != assignment.points:
        mend = (
            f"its cells are worth {points:g} points, {TABLE} says {assignment.points}: change one."
        )
        yield Violation(file, "the whole text", mend)
    yield from _first_cell(file, cells, assignment)
    for number, cell in enumerate(cells, start=1):
        for address in COLAB.findall(cell.source):
            wanted = f"{course.colab.rstrip('/')}/release/{name}/{name}.ipynb"
            if course.colab and address != wanted:
                mend = f"its Colab address is {address}: it must be {wanted}."
                yield Violation(file, f"cell {number}", mend)
    for earlier in assignment.builds_on:
        if earlier in course.names[course.names.index(name) :]:
            mend = f"{TABLE} says that it builds on {earlier}, which does not come before it."
            yield Violation(file, "the whole text", mend)


def _points(cell: NotebookNode) -> float:
    points = cell.metadata.get("points", 0)
    return points if isinstance(points, int | float) else 0


def _first_cell(
    file: str, cells: Sequence[NotebookNode], assignment: Assignment
) -> Iterator[Violation]:
    first = cells[0] if cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# "):
        yield Violation(file, "cell 1", "begin with a markdown cell that has the title.")
    elif not re.search(rf"\b{assignment.minutes}[ -]min", first.source):
        mend = f'say "{assignment.minutes} minutes" as {TABLE} does, or change it there.'
        yield Violation(file, "cell 1", mend)


def _form(file: str, text: str) -> Iterator[Violation]:
    """Whether the text is written in the one form that `adopt` writes: so the way back is exact."""
    if not text.startswith("# %%"):
        mend = f"begin with the first cell's # %% line: no header, since {TABLE} names the kernel."
        yield Violation(file, "line 1", mend)
        return
    try:
        again = to_text(to_notebook(text))
    except CourseError as error:
        yield Violation(file, "the whole text", str(error))
        return
    mine, wanted = text.split("\n"), again.split("\n")
    for number in range(max(len(mine), len(wanted))):
        got = mine[number] if number < len(mine) else "(the end)"
        want = wanted[number] if number < len(wanted) else "(the end)"
        if got != want:
            mend = f'it reads "{got}" where the one way to write it is "{want}": write that.'
            yield Violation(file, f"line {number + 1}", mend)
            return
