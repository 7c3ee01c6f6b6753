"""A course text and its nbgrader notebook: the same content in two forms, both ways.

The text is a jupytext percent script. One word in a cell's header says what the cell is for
nbgrader, and `points` says what it is worth:

    # %% solution="net1-build"                     an answer in code
    # %% tests="net1-architecture" points=3        an autograded check
    # %% [markdown] answer="net1-why" points=2     an answer graded by hand
    # %% [markdown] locked="net1-intro"            read-only

`to_notebook` and `to_text` are pure; `adopt` is the file wrapper for the way back.
"""

import hashlib
from collections import Counter
from copy import deepcopy
from functools import lru_cache

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from autograder.course import Course, CourseError

# (grade, solution, locked) in nbgrader's metadata, by the word in the cell's header.
ROLES = {
    "solution": (False, True, False),
    "tests": (True, False, True),
    "answer": (True, True, False),
    "locked": (False, False, True),
}
HEADER_WORDS = (*ROLES, "points", "tags")
# jupytext's own notes on how a cell was written; kept, so that the way back is exact.
LAYOUT_KEYS = ("cell_marker", "lines_to_next_cell", "lines_to_end_of_cell_marker")
# What JupyterLab leaves in a cell that somebody looked at: no content, so it is dropped.
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
    """The cells of a course text as jupytext reads them: header words lie in their metadata.

    Building asks for the same text several times, and reading is slow: the cells are kept, so
    whoever changes one copies it first.
    """
    return tuple(jupytext.reads(text, fmt="py:percent").cells)


def to_notebook(text: str, kernel: str = "python3") -> NotebookNode:
    """The source notebook of a course text: nbgrader's schema 3, stable ids, no outputs."""
    cells = [_to_notebook_cell(cell) for cell in read_cells(text)]
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


def to_text(notebook: NotebookNode) -> str:
    """The course text of a source notebook.

    Raises `CourseError` with a sentence for a cell that a text cannot hold, and when building
    the text again would not give this notebook.
    """
    cells = [_to_text_cell(cell, number) for number, cell in enumerate(notebook.cells, start=1)]
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
    """The notebook as the exact text of its file."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def adopt(course: Course, name: str) -> bool:
    """Write the text of an assignment from its source notebook; whether the text changed.

    Raises `CourseError` with the file and what to mend, and leaves the text as it was then.
    """
    source = course.source_path(name)
    shown = source.relative_to(course.root)
    if not source.is_file():
        raise CourseError(f"There is no {shown} to adopt: run autograder build {name} first.")
    try:
        notebook = nbformat.reads(source.read_text(encoding="utf-8"), as_version=4)
        text = to_text(notebook)
    except CourseError as error:
        raise CourseError(f"{shown}: {error}") from None
    except (ValueError, TypeError, AttributeError, nbformat.ValidationError):
        raise CourseError(f"{shown} is not a notebook: restore it from git.") from None
    path = course.text_path(name)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return True


def _to_notebook_cell(cell: NotebookNode) -> NotebookNode:
    cell = deepcopy(cell)
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
    """Give every cell its id: nbgrader's where it has one, else one that follows from its content.

    Cells of the same content are told apart by their order, so that ids are unique.
    """
    seen = Counter()
    for cell in cells:
        grading = cell.metadata.get("nbgrader")
        content = grading["grade_id"] if grading else f"{cell.cell_type}\n{cell.source}"
        seen[content] += 1
        digest = hashlib.sha256(f"{seen[content]}\n{content}".encode()).hexdigest()[:12]
        cell.id = grading["grade_id"] if grading and seen[content] == 1 else digest


def _to_text_cell(cell: NotebookNode, number: int) -> NotebookNode:
    """The cell with header words in place of nbgrader's metadata."""
    if cell.get("attachments"):
        raise CourseError(
            f"cell {number} holds an attached picture, which text cannot hold: draw it in code, "
            "or link to a file."
        )
    metadata = {**_role_words(cell, number)}
    for key, value in cell.metadata.items():
        if key == "tags":
            if value:
                metadata["tags"] = list(value)
        elif key in LAYOUT_KEYS:
            metadata[key] = value
        elif key != "nbgrader" and not _is_trace(key, value):
            raise CourseError(
                f'cell {number} has the metadata "{key}", which text cannot hold: remove it in '
                "JupyterLab's property inspector."
            )
    cell = deepcopy(cell)
    cell.metadata = nbformat.from_dict(metadata)
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def _role_words(cell: NotebookNode, number: int) -> dict:
    grading = cell.metadata.get("nbgrader")
    if not grading:
        return {}
    if grading.get("task"):
        raise CourseError(
            f"cell {number} is one of nbgrader's tasks, which text cannot hold: make it a "
            "manually graded answer in Create Assignment."
        )
    flags = tuple(bool(grading.get(key)) for key in ("grade", "solution", "locked"))
    if flags == (False, False, False):
        return {}
    # Create Assignment leaves `locked` as it was when a check or an answer changes its type.
    grade, solution, _ = flags
    for word, (role_grade, role_solution, _) in ROLES.items():
        if (grade, solution) == (role_grade, role_solution):
            words = {word: grading["grade_id"]}
            if grade:
                points = grading.get("points", 0)
                words["points"] = int(points) if points == int(points) else points
            return words
    raise AssertionError(flags)


def _is_trace(key: str, value: object) -> bool:
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
