"""A student's notebook under the names, kinds and points of the source notebook."""

import warnings
from copy import deepcopy

import nbformat

from autograder.pages.sanitize import harmless


def fitted(nb: nbformat.NotebookNode, source: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The student's cells under the names, kinds and points that the source notebook gives them.

    Of a cell with a name, the student's part is the text of an answer; everything else about it
    is the source's. A second cell of a name, and any other cell, is a plain one. A cell that is
    missing is put back, an answer empty, behind the one that precedes it in the source.
    """
    known = {name_of(cell): cell for cell in source.cells if name_of(cell)}
    given = {cell.source for cell in source.cells}  # the course's own text needs no mending
    cells, found = [], {}
    for cell in nb.cells:
        name = name_of(cell) if name_of(cell) in known else str(cell.get("id", ""))
        if name in known and name not in found and cell.cell_type == known[name].cell_type:
            found[name] = mine = deepcopy(known[name])
            if mine.metadata.nbgrader.get("solution"):
                markdown = mine.cell_type == "markdown"
                mine.source = harmless(cell.source) if markdown else cell.source
            cells.append(mine)
        else:
            cell.metadata = nbformat.from_dict({})
            if cell.cell_type != "code" and cell.source not in given:
                cell.source = harmless(cell.source)
            cells.append(cell)
    before = None
    for name, cell in known.items():
        if name not in found:
            found[name] = mine = deepcopy(cell)
            if mine.metadata.nbgrader.get("solution"):
                mine.source = ""
            cells.insert(0 if before is None else cells.index(before) + 1, mine)
        before = found[name]
    made = deepcopy(source)
    made.cells = cells
    return normalized(made)


def normalized(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with an id of its own for each cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about copied and missing ids
        return nbformat.validator.normalize(nb)[1]


def name_of(cell: nbformat.NotebookNode) -> str:
    facts = cell.metadata.get("nbgrader")
    name = facts.get("grade_id") if isinstance(facts, dict) else None
    return name if isinstance(name, str) else ""
