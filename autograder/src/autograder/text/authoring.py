"""A course text and its nbgrader notebook: the same content in two forms, converted both ways.

The text is a jupytext percent script. One word in a cell's header says what the cell is for
nbgrader, and `points` says what it is worth:

    # %% solution="net1-build"                     an answer in code
    # %% tests="net1-architecture" points=3        an autograded check
    # %% [markdown] answer="net1-why" points=2     an answer graded by hand
    # %% [markdown] locked="net1-intro"            read-only
    # %% setup="net1-setup"                        the set-up cell, which build writes

`to_notebook` and `to_text` are pure; `adopt` is the file wrapper for the way back.
"""

import hashlib
from collections import Counter
from copy import deepcopy
from functools import lru_cache
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course import Course
from autograder.root import CourseError
from autograder.text import cells as marked
from autograder.text import setup
from autograder.text.cells import ROLES
from autograder.text.setup import SetUp
from convcourse.files import write_whole

HEADER_WORDS = (*ROLES, "points", "tags")
# jupytext's own notes on how a cell was written; kept to make the conversion back exact.
LAYOUT_KEYS = ("cell_marker", "lines_to_next_cell", "lines_to_end_of_cell_marker")
# Metadata that JupyterLab leaves in a cell after somebody viewed it; it is dropped.
TRACES = {
    "ExecuteTime",
    "collapsed",
    "execution",
    "jp-MarkdownHeadingCollapsed",
    "jupyter",
    "scrolled",
    "trusted",
}


@lru_cache(maxsize=64)
def read_cells(text: str) -> tuple[NotebookNode, ...]:
    """The cells of a course text as jupytext reads them, with the header words as metadata.

    A build reads each text several times, and reading is slow, so the cells are cached. Copy a
    cell before you change it.
    """
    return tuple(jupytext.reads(text, fmt="py:percent").cells)


def to_notebook(
    text: str, kernel: str = "python3", cell: str = "", badge: str = "", name: str = ""
) -> NotebookNode:
    """The source notebook of a course text: nbgrader's schema 3, stable ids, no outputs.

    Args:
        text: The course text.
        kernel: The name of its kernelspec.
        cell: The source of the set-up cell; if empty, the line of the text stays.
        badge: A line to add below the title, or an empty string.
        name: The assignment, for the last cell; there is none without a name or a set-up cell.
    """
    written = read_cells(text)
    cells = [_to_notebook_cell(one, cell) for one in written]
    if name and any("setup" in one.metadata for one in written):
        cells.append(new_code_cell(setup.last_cell(name)))
    if cells and cells[0].cell_type == "markdown":
        cells[0].source = setup.with_badge(cells[0].source, badge)
    _number(cells)
    metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": kernel,
        },
        "language_info": {"name": "python"},
    }
    notebook = new_notebook(cells=cells, metadata=metadata)
    notebook.nbformat_minor = 5
    return notebook


def to_text(notebook: NotebookNode, set_up: str = "") -> str:
    """The course text of a source notebook.

    Args:
        notebook: The source notebook.
        set_up: What `build` writes as its set-up cell.

    Raises:
        CourseError: If a text cannot hold one of the cells, or if building the text again would
            not give this notebook.
    """
    own = [cell for cell in notebook.cells if not setup.is_last(cell.source)]
    cells = [_to_text_cell(cell, n, set_up) for n, cell in enumerate(own, start=1)]
    if cells and cells[0].cell_type == "markdown":
        cells[0].source = setup.without_badge(cells[0].source)
    text = _write(cells)
    written = read_cells(text)
    for number, (mine, again) in enumerate(zip(cells, written, strict=False), start=1):
        if _content(mine) != _content(again):
            raise CourseError(
                f"cell {number} does not survive as text, because a line in it reads as a cell "
                "header or a magic command: write that line differently."
            )
    if len(written) != len(cells):
        raise CourseError(
            "the notebook does not survive as text: remove its empty cells and lines that read "
            "as cell headers."
        )
    return text


def notebook_json(notebook: NotebookNode) -> str:
    """The exact text of the notebook's file."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def adopt(course: Course, name: str) -> bool:
    """Write the text of an assignment from its source notebook.

    Returns:
        Whether the text changed.

    Raises:
        CourseError: If the notebook cannot be adopted; the text then stays as it was.
    """
    source = course.source_path(name)
    shown = source.relative_to(course.root)
    if not source.is_file():
        raise CourseError(f"There is no {shown} to adopt: run autograder build {name} first.")
    try:
        notebook = nbformat.reads(source.read_text(encoding="utf-8"), as_version=4)
        text = to_text(notebook, SetUp(course).cell)
    except CourseError as error:
        raise CourseError(f"{shown}: {error}") from None
    except (ValueError, TypeError, AttributeError, nbformat.ValidationError):
        raise CourseError(f"{shown} is not a notebook: restore it from git.") from None
    path = course.text_path(name)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_whole(path, text)
    return True


def _to_notebook_cell(cell: NotebookNode, set_up: str) -> NotebookNode:
    cell = deepcopy(cell)
    if "setup" in cell.metadata and set_up:
        cell.source = set_up
    words = cell.metadata
    metadata = {key: words[key] for key in ("tags", *LAYOUT_KEYS) if key in words}
    for word, (grade, solution, locked) in ROLES.items():
        if word in words:
            metadata["nbgrader"] = {
                "grade": grade,
                "grade_id": str(words[word]),
                "locked": locked,
                "schema_version": 3,
                "solution": solution,
                "task": False,
            }
            if grade:
                metadata["nbgrader"]["points"] = words.get("points", 0)
    cell.metadata = nbformat.from_dict(metadata)
    return cell


def _number(cells: list[NotebookNode]) -> None:
    """Give every cell an id: its nbgrader id if it has one, otherwise a hash of its content.

    Cells with the same content get different ids by their order.
    """
    seen: Counter[str] = Counter()
    for cell in cells:
        grading = cell.metadata.get("nbgrader")
        content = grading["grade_id"] if grading else f"{cell.cell_type}\n{cell.source}"
        seen[content] += 1
        digest = hashlib.sha256(f"{seen[content]}\n{content}".encode()).hexdigest()[:12]
        cell.id = grading["grade_id"] if grading and seen[content] == 1 else digest


def _to_text_cell(cell: NotebookNode, number: int, set_up: str) -> NotebookNode:
    """The cell with header words instead of nbgrader's metadata."""
    if cell.get("attachments"):
        raise CourseError(
            f"cell {number} has an attached picture, which a text cannot hold: draw it in "
            "code, or link to a file."
        )
    metadata = {**_role_words(cell, number)}
    is_set_up = "locked" in metadata and cell.cell_type == "code" and setup.is_filled(cell.source)
    if is_set_up:
        metadata = {"setup": metadata["locked"]}
        if set_up and cell.source.rstrip("\n") != set_up:
            raise CourseError(
                f"cell {number}, the set-up cell, is not the one that build writes: it is the same "
                "in every notebook, so put what this notebook needs into a cell of its own."
            )
    for key, value in cell.metadata.items():
        if key == "tags":
            if value:
                metadata["tags"] = list(value)
        elif key in LAYOUT_KEYS:
            metadata[key] = value
        elif key != "nbgrader" and not _is_trace(key, value):
            raise CourseError(
                f'cell {number} has the metadata "{key}", which a text cannot hold: remove '
                "it in JupyterLab's property inspector."
            )
    cell = deepcopy(cell)
    cell.metadata = nbformat.from_dict(metadata)
    # A cell of a text has no line break after its last line.
    cell.source = setup.IN_TEXT if is_set_up else cell.source.rstrip("\n")
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def _role_words(cell: NotebookNode, number: int) -> dict[str, Any]:
    grading = cell.metadata.get("nbgrader")
    if not grading:
        return {}
    if grading.get("task"):
        raise CourseError(
            f"cell {number} is one of nbgrader's tasks, which a text cannot hold: make it a "
            "manually graded answer in Create Assignment."
        )
    role, name, points = marked.facts(cell)
    if role is None:
        return {}
    words: dict[str, Any] = {role: name}
    if role in ("tests", "answer"):
        words["points"] = int(points) if points == int(points) else points
    return words


def _is_trace(key: str, value: Any) -> bool:
    return (
        key in TRACES
        or (key in ("editable", "deletable") and value is True)
        or (key == "slideshow" and not any(dict(value).values()))
    )


def _write(cells: list[NotebookNode]) -> str:
    settings = {
        "notebook_metadata_filter": "-all",
        "cell_metadata_filter": ",".join((*HEADER_WORDS, "-all")),
        "main_language": "python",
    }
    notebook = new_notebook(cells=cells, metadata={"jupytext": settings})
    return jupytext.writes(notebook, fmt="py:percent")


def _content(cell: NotebookNode) -> tuple:
    words = {key: cell.metadata[key] for key in HEADER_WORDS if key in cell.metadata}
    return cell.cell_type, cell.source, words
