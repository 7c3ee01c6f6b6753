"""A student's notebook with the names, types and points of the source notebook."""

import warnings
from copy import deepcopy

import nbformat

from autograder.pages.sanitize import harmless


def fitted(nb: nbformat.NotebookNode, source: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The student's cells with the names, types and points of the source notebook.

    From a named cell, only the text of an answer is the student's; the source gives everything
    else. A second cell with the same name, and any other cell, becomes a plain one. A missing cell
    is put back after its predecessor in the source; a missing answer is put back empty.

    Args:
        nb: The student's notebook, which is changed.
        source: The source notebook.

    Returns:
        A notebook with the metadata of the source.
    """
    known = {name_of(cell): cell for cell in source.cells if name_of(cell)}
    given = {cell.source for cell in source.cells}  # the course's own text is harmless
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
    """The notebook with a unique id for each cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about copied and missing ids
        return nbformat.validator.normalize(nb)[1]


def name_of(cell: nbformat.NotebookNode) -> str:
    """A cell's nbgrader id; empty if it has none."""
    facts = cell.metadata.get("nbgrader")
    name = facts.get("grade_id") if isinstance(facts, dict) else None
    return name if isinstance(name, str) else ""
