"""A student's notebook with the names, types and points of the source notebook."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from autograder.intake import order
from autograder.intake.matching import Known, Match, known_cells
from autograder.intake.notes import LOOK, Note, shown
from autograder.intake.reading import normalized
from autograder.intake.telling import name_of, plain
from autograder.pages.sanitize import harmless
from autograder.text.cells import parse


@dataclass(frozen=True)
class Fitted:
    """A submission as it is graded.

    Attributes:
        notebook: The student's answers in the source's cells, with a text cell for each note.
        notes: What was done.
        looks: Why a person must look at a graded cell, by the cell's id.
    """

    notebook: NotebookNode
    notes: list[Note]
    looks: dict[str, str]


def fitted(
    nb: NotebookNode,
    source: NotebookNode,
    released: Iterable[str] | None = None,
    notes: Iterable[Note] = (),
) -> Fitted:
    """The student's cells with the names, types and points of the source notebook.

    From a named cell, only the text of an answer is the student's; the source gives everything
    else. A named cell is found by its id or by its content (`matching`). A missing cell is put
    back after its predecessor in the source.

    Args:
        nb: The student's notebook, which is changed.
        source: The source notebook.
        released: The text of each source cell as students get it; by default the visible lines
            with a stub in place of a solution.
        notes: What is already known about the submission.
    """
    released = list(released or map(_released, source.cells))
    known = known_cells(source, released)
    match = Match(nb.cells, known, source)
    cells = _placed(match, source)
    _put_back(cells, match)
    told = [*notes, *match.notes, *order.settle(cells, known)]
    told += _about_all(match, told)
    looks = _looks(told, known)
    made = deepcopy(source)
    made.cells = _with_notes(cells, told, looks)
    return Fitted(normalized(made), told, looks)


def _released(cell: NotebookNode) -> str:
    parsed = parse(cell)
    return parsed.visible if parsed.is_test else parsed.stub


def _placed(match: Match, source: NotebookNode) -> list[NotebookNode]:
    """The student's cells in the order in which they run, without those that hold nothing."""
    course = {plain(cell.source): cell for cell in source.cells if name_of(cell) not in match.known}
    names = {index: name for name, index in match.place.items()}
    cells = []
    for index in order.sequence(match):
        if index in names:
            name = names[index]
            cells.append(_named(match, name, match.text.get(name, match.cells[index].source)))
        elif index not in match.dropped:
            cells.append(_own(match.cells[index], course))
    return cells


def _named(match: Match, name: str, text: str) -> NotebookNode:
    """The source's cell, with the student's text if it is an answer."""
    one = match.known[name]
    made = deepcopy(one.cell)
    if one.is_answer and one.is_code:
        made.source = text
    elif one.is_answer:
        attached = match.cells[match.place[name]].get("attachments") if name in match.place else {}
        made.source = harmless(text, attached or ())
        if attached:
            made.attachments = attached
    return made


def _own(cell: NotebookNode, course: dict[str, NotebookNode]) -> NotebookNode:
    """A cell without a name: the student's own, or one that the course gives as it is."""
    given = course.get(plain(cell.source))
    if given is not None and given.cell_type != cell.cell_type:  # a key turned it into another type
        cell = deepcopy(given)
    cell.metadata = nbformat.from_dict({})
    if cell.cell_type != "code" and given is None:
        cell.source = harmless(cell.source, cell.get("attachments", ()))
    return cell


def _put_back(cells: list[NotebookNode], match: Match) -> None:
    """Insert each missing cell after its predecessor in the source."""
    found = {name_of(cell): cell for cell in cells if name_of(cell)}
    before = None
    for name, one in match.known.items():
        if name not in found:
            found[name] = mine = _named(match, name, match.text.get(name, one.released))
            places = [index for index, cell in enumerate(cells) if cell is before]
            cells.insert(places[0] + 1 if places else 0, mine)
        before = found[name]


def _about_all(match: Match, told: list[Note]) -> list[Note]:
    """What concerns the notebook as a whole."""
    if match.known and not match.place:
        words = "No cell of this assignment was found in the notebook: is it another one?"
        return [Note(words, asks=True)]
    if not match.worked() and any(note.asks_if_empty for note in told):
        return [Note("The notebook that was graded has no answer in it.", asks=True)]
    return []


def _looks(told: list[Note], known: dict[str, Known]) -> dict[str, str]:
    looks: dict[str, str] = {}
    graded = tuple(name for name, one in known.items() if one.role in ("tests", "answer"))
    for note in told:
        if note.asks:
            for name in known[note.cell].tests if note.cell else graded:
                looks[name] = f"{looks[name]} {note.words}" if name in looks else note.words
    return looks


def _with_notes(
    cells: list[NotebookNode], told: list[Note], looks: dict[str, str]
) -> list[NotebookNode]:
    made = [shown(note) for note in told if not note.cell]
    for cell in cells:
        name = name_of(cell)
        made += [shown(note) for note in told if name and note.cell == name]
        if name in looks:
            cell.metadata[LOOK] = looks[name]
        made.append(cell)
    return made
