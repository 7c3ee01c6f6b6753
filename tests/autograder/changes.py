"""A small assignment, and what programs and stray keys do to the notebook of a student."""

from collections.abc import Callable

import nbformat

from autograder.intake.telling import name_of

CODE, TEXT, RAW = "code", "markdown", "raw"
SOLUTION = "    ### BEGIN SOLUTION\n    {}\n    ### END SOLUTION"
HIDDEN = "\n### BEGIN HIDDEN TESTS\nfrom autograder import submission\n### END HIDDEN TESTS"
ROLES = {
    "setup": (False, False, True),
    "double-answer": (False, True, False),
    "double": (True, False, True),
    "square-answer": (False, True, False),
    "square": (True, False, True),
    "why": (True, True, False),
}
SOURCE = [
    (TEXT, "", "# Two functions"),
    (CODE, "setup", "import math\nprint(math.pi)"),
    (CODE, "double-answer", "def double(n):\n" + SOLUTION.format("return 2 * n")),
    (CODE, "", "twice = double(1)"),
    (CODE, "double", "value = double(1)\nassert value == 2" + HIDDEN),
    (CODE, "square-answer", "def square(n):\n" + SOLUTION.format("return n * n")),
    (CODE, "square", "value = square(2)\nassert value == 4" + HIDDEN),
    (TEXT, "why", "**Why is it so?** Say it.\n\n### BEGIN SOLUTION\nIt is.\n### END SOLUTION"),
    (TEXT, "", "The end."),
]
STUBS = {
    "double-answer": "def double(n):\n    # YOUR CODE HERE\n    raise NotImplementedError()",
    "square-answer": "def square(n):\n    # YOUR CODE HERE\n    raise NotImplementedError()",
    "why": "**Why is it so?** Say it.\n\nYOUR ANSWER HERE",
}
ANSWERS = {
    "double-answer": "def double(n):\n    return n + n",
    "square-answer": "def square(n):\n    return n**2",
    "why": "**Why is it so?** Say it.\n\nBecause.",
}
MADE = {
    CODE: nbformat.v4.new_code_cell,
    TEXT: nbformat.v4.new_markdown_cell,
    RAW: nbformat.v4.new_raw_cell,
}
Nb = nbformat.NotebookNode
Change = Callable[[Nb], None]


def named(kind: str, name: str, text: str) -> Nb:
    cell = MADE[kind](text)
    if name:
        grade, solution, locked = ROLES[name]
        facts = {"grade_id": name, "grade": grade, "solution": solution, "locked": locked}
        cell.metadata.nbgrader = nbformat.from_dict({**facts, "points": 2, "schema_version": 3})
    return cell


def released(name: str, text: str) -> str:
    return STUBS.get(name, text.removesuffix(HIDDEN))


def source() -> Nb:
    return nbformat.v4.new_notebook(cells=[named(*one) for one in SOURCE])


def handed(answers: dict[str, str]) -> Nb:
    cells = [named(k, n, answers.get(n, released(n, text))) for k, n, text in SOURCE]
    return nbformat.v4.new_notebook(cells=cells)


def cell(nb: Nb, name: str) -> Nb:
    return next(one for one in nb.cells if name_of(one) == name)


def retyped(name: str, kind: str) -> Change:
    def change(nb: Nb) -> None:
        at = nb.cells.index(cell(nb, name))
        nb.cells[at] = named(kind, name, nb.cells[at].source)

    return change


def without_names(nb: Nb) -> None:
    for one in nb.cells:
        one.metadata = nbformat.from_dict({})


def without_name(name: str) -> Change:
    return lambda nb: cell(nb, name).update(metadata=nbformat.from_dict({}))


def without(*gone: str) -> Change:
    def change(nb: Nb) -> None:
        nb.cells = [one for one in nb.cells if name_of(one) not in gone]

    return change


def added(kind: str, text: str, after: str, name: str = "") -> Change:
    def change(nb: Nb) -> None:
        nb.cells.insert(nb.cells.index(cell(nb, after)) + 1, named(kind, name, text))

    return change


def merged(first: str, second: str, kept: str) -> Change:
    """What merging two cells leaves: one of them with both texts."""

    def change(nb: Nb) -> None:
        whole = f"{cell(nb, first).source}\n\n{cell(nb, second).source}"
        cell(nb, kept).source = whole
        without(first if kept == second else second)(nb)

    return change


def all_of(*changes: Change) -> Change:
    def change(nb: Nb) -> None:
        for one in changes:
            one(nb)

    return change


def moved(name: str, before: str) -> Change:
    def change(nb: Nb) -> None:
        one = cell(nb, name)
        nb.cells.remove(one)
        nb.cells.insert(nb.cells.index(cell(nb, before)), one)

    return change
