"""The rules for course texts, so that nbgrader releases and grades them as their author intends.

Every rule reads only texts and yields violations, each of which names the file, the cell and the
fix. They are collected, so that an author sees all of them at once.
"""

import ast
import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.course import Assignment, Course
from autograder.root import TABLE, CourseError
from autograder.text import alone, claims, needs, standalone, syntax
from autograder.text.authoring import HEADER_WORDS, LAYOUT_KEYS, read_cells, to_notebook, to_text
from autograder.text.cells import MARKS, ROLES, BadMarks, Cell, between, facts, parse

GRADE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")  # what nbformat takes as a cell id
COLAB = re.compile(r"https://colab\.research\.google\.com/(?!assets/)[^\s)\"'<>]+")
ADDRESS = re.compile(r"(?:https?|git\+\w+|ftp)://[^\s)\"'<>]+")


@dataclass(frozen=True)
class Violation:
    """One broken rule: where it is and how to fix it."""

    file: str
    cell: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}, {self.cell}: {self.mend}"


def check(course: Course, texts: dict[str, str]) -> list[Violation]:
    """All violations of the rules.

    Args:
        course: The course.
        texts: Its texts, by assignment name.
    """
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
                Violation(file, "the whole text", f"jupytext cannot read it ({reason}): fix that.")
            )
            continue
        mine = [*_cells(file, cells), *_ids(file, cells, seen), *_table(file, name, cells, course)]
        mine += [*_overwritten(file, cells), *_addresses(file, cells), *_alone(file, cells)]
        violations += mine or _form(file, texts[name])
    return violations


def _cells(file: str, cells: Sequence[NotebookNode]) -> Iterator[Violation]:
    for number, cell in enumerate(cells, start=1):
        label = _label(cell, number)
        for mend in (*_header(cell), *_marks(cell)):
            yield Violation(file, label, mend)
        with contextlib.suppress(BadMarks):  # already said by _marks
            for mend in _role(parse(cell)):
                yield Violation(file, label, mend)


def _label(cell: NotebookNode, number: int) -> str:
    role, name, _ = facts(cell)
    return f'cell {number} ({role} "{name}")' if role else f"cell {number}"


def _header(cell: NotebookNode) -> Iterator[str]:
    words = cell.metadata
    if "incorrectly_encoded_metadata" in words:
        yield 'the header cannot be read: write its words as tests="an-id" points=3.'
        return
    for word in words:
        if word not in HEADER_WORDS and word not in LAYOUT_KEYS:
            known = ", ".join(HEADER_WORDS)
            yield f'the header says "{word}", which is unknown: use one of {known}.'
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
        yield "a cell tagged skip-execution gets full marks without being run: remove the tag."
    if cell.cell_type == "markdown" and {"tests", "solution", "setup"} & set(roles):
        yield "it is markdown: make it a code cell, or a written answer with answer=."


def _marks(cell: NotebookNode) -> Iterator[str]:
    role, _, _ = facts(cell)
    for mark, homes in MARKS.items():
        try:
            inside, _ = between(cell.source, mark)
        except BadMarks as error:
            yield str(error)
            continue
        has_marks = f"BEGIN {mark}" in cell.source
        if has_marks and role not in homes:
            home = " or ".join(f'{word}="..."' for word in homes)
            yield f"only a cell with {home} in its header may hold ### BEGIN {mark}."
        if role in homes and not has_marks:
            yield f"put what students must not see between ### BEGIN {mark} and ### END {mark}."
        if role in homes and has_marks and not inside.strip():
            yield f"there is nothing between ### BEGIN {mark} and ### END {mark}: write it there."


def _role(cell: Cell) -> Iterator[str]:
    if cell.kind != "code":
        return
    yield from _names_data(cell.source)
    if cell.is_test:
        if not _has_code(cell.visible):
            yield "students would see no check: add a visible one above the hidden block."
        yield from _parses(cell.visible, "without its hidden block")
        yield from _hidden(cell.hidden)
    else:
        yield from _parses(cell.source, "as it is here")
    if cell.role in ("solution", "answer"):
        yield from _parses(cell.stub, "without its solution")
        yield from _raises(cell.stub)


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
                'write the name of the data in quotes where you load it, as in data.load("mnist"): '
                "grading reads the name there to check that the data is present."
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
                    "that line into the solution, so that only NotImplementedError remains."
                )


def _hidden(source: str) -> Iterator[str]:
    yield from standalone.violations(source)
    with contextlib.suppress(SyntaxError):  # already said
        for line in standalone.imports(ast.parse(source)):
            if line != standalone.SUBMISSION:
                yield (
                    f'its hidden block says "{line}": it may import only submission; NumPy is '
                    "submission.np."
                )


def _overwritten(file: str, cells: Sequence[NotebookNode]) -> Iterator[Violation]:
    """Names that a hidden block overwrites although the notebook still needs its own value.

    nbgrader and nbval run hidden blocks in the notebook's kernel, where the new values remain.
    """
    parsed = [_parsed(cell) for cell in cells]
    visible = [syntax.names(cell.visible if cell else "") for cell in parsed]
    for number, cell in enumerate(parsed, start=1):
        if cell is None or not cell.is_test:
            continue
        before = set().union(*(names.bound for names in visible[:number]))
        for name in sorted(syntax.names(cell.hidden).bound & before - {"np", "keras"}):
            if any(name in names.inner for names in visible) or _read(name, visible[number:]):
                mend = (
                    f"its hidden block gives {name} a new value, and the notebook still needs "
                    "its own: rename it in the hidden block."
                )
                yield Violation(file, _label(cells[number - 1], number), mend)


def _read(name: str, later: list[syntax.Names]) -> bool:
    """Whether a later cell reads the name before one binds it again."""
    for names in later:
        if name in names.read - names.bound:
            return True
        if name in names.bound:
            return False
    return False


def _parsed(cell: NotebookNode, any_kind: bool = False) -> Cell | None:
    """A parsed cell; None if its marks do not pair, and for markdown unless ``any_kind``."""
    with contextlib.suppress(BadMarks):
        return parse(cell) if any_kind or cell.cell_type == "code" else None
    return None


def _alone(file: str, cells: Sequence[NotebookNode]) -> Iterator[Violation]:
    """Checks that hang on another exercise, or leave something in the student's notebook."""
    parsed = [_parsed(cell) for cell in cells]
    for index, name, answer in alone.of_others(parsed):
        mend = (
            f"it needs {name}, the answer to another exercise ({answer}), so a mistake there costs "
            "these points, too: make a stand-in inside the check."
        )
        yield Violation(file, _label(cells[index], index + 1), mend)
    for index, cell in enumerate(parsed):
        if cell is not None and cell.is_test and (names := alone.left_behind(cell)):
            mend = (
                f"its visible lines leave {', '.join(names)} in the student's notebook: move them "
                "into `with checks.exercise(...)`, which gives names back."
            )
            yield Violation(file, _label(cells[index], index + 1), mend)


def _addresses(file: str, cells: Sequence[NotebookNode]) -> Iterator[Violation]:
    """Addresses in code: the owner of an address could run code on every student's machine."""
    for number, cell in enumerate(cells, start=1):
        for address in ADDRESS.findall(cell.source) if cell.cell_type == "code" else ():
            mend = (
                f"its code names the address {address}: in a notebook, only the set-up cell and "
                "convcourse.data may install or download anything."
            )
            yield Violation(file, _label(cell, number), mend)


def _ids(file: str, cells: Sequence[NotebookNode], seen: dict[str, str]) -> Iterator[Violation]:
    for number, cell in enumerate(cells, start=1):
        role, grade_id, _ = facts(cell)
        if role is None:
            continue
        label = _label(cell, number)
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
    points = sum(facts(cell)[2] for cell in cells)
    if points != assignment.points:
        mend = (
            f"its cells are worth {points:g} points, {TABLE} says {assignment.points}: change one."
        )
        yield Violation(file, "the whole text", mend)
    yield from _first_cell(file, cells, assignment)
    parsed = [_parsed(cell, any_kind=True) for cell in cells]
    said = [*claims.points(parsed, assignment), *claims.thresholds(parsed, assignment)]
    for number, mend in (*said, *claims.shown_hints(parsed)):
        yield Violation(file, _label(cells[number - 1], number), mend)
    set_up = [cell for cell in cells if "setup" in cell.metadata]
    if len(set_up) > 1:
        yield Violation(file, "the whole text", "it has two set-up cells: keep the first.")
    for number, cell in enumerate(cells, start=1):
        for address in COLAB.findall(cell.source):
            mend = f"it links to {address}: build writes the badge, so remove the link."
            yield Violation(file, f"cell {number}", mend)
    for earlier in assignment.builds_on:
        if earlier in course.names[course.names.index(name) :]:
            mend = f"{TABLE} says that it builds on {earlier}, which does not come before it."
            yield Violation(file, "the whole text", mend)


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
    """Whether the text has exactly the form that `adopt` writes, so that the way back is exact."""
    if not text.startswith("# %%"):
        mend = f"begin with the first cell's # %% line, without a header: {TABLE} names the kernel."
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
