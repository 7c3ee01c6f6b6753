"""Reads a submission: whether it can be graded, and with which files.

A student could have prepared every file that is read here. Nothing is executed and no link is
followed. One sentence tells the student why a submission cannot be graded.
"""

import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat

from autograder.intake.folder import (
    MAX_NOTEBOOK,
    MAX_RECEIPT,
    RECEIPTS,
    SECRET,
    TIME,
    Refused,
    files_beside,
    notebook_in,
    receipts,
    regular,
)
from autograder.intake.notes import Note
from autograder.intake.pictures import MAX_TEXT, Pictures
from autograder.pages.sanitize import printable

__all__ = ["MAX_RECEIPT", "RECEIPTS", "SECRET", "TIME", "Submission", "normalized", "read"]

MAX_PARTS = 2_000_000  # brackets in it: each may be a list, which needs more memory than its bytes
MAX_CELLS = 1_000
MAX_SOURCE = 1_000_000  # characters of code and text in all cells
CUT = "\n\n(The rest of this text was left out.)"
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # as nbformat has it
_KINDS = ("code", "markdown", "raw")


@dataclass
class Submission:
    """One student's files for one assignment; ``broken`` is empty when it can be graded.

    Attributes:
        student: The student.
        notebook: The notebook: its cells with their text and names, and nothing else.
        files: The content of each file beside it, by relative path.
        broken: Why it cannot be graded.
        digest: A hash of all files.
        notes: What the intake tells about it.
        looks: Why a person must look at a graded cell, by the cell's id.
        failed: Whether the grader itself failed on it, so that it has no score.
    """

    student: str
    notebook: nbformat.NotebookNode | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    broken: str = ""
    digest: str = ""
    notes: list[Note] = field(default_factory=list)
    looks: dict[str, str] = field(default_factory=dict)
    failed: bool = False


def read(folder: Path, student: str, assignment: str) -> Submission:
    """Read a submission.

    Args:
        folder: The folder of the student's files.
        student: The student.
        assignment: The assignment, which is also the name of the notebook.

    Returns:
        The submission. If it cannot be graded, ``broken`` says why; nothing is raised.
    """
    one = Submission(student)
    try:
        if folder.is_symlink() or folder.parent.is_symlink():
            raise Refused("The submission is a link to another folder; submit the files.")
        name, others = notebook_in(folder, assignment)
        raw = regular(folder / name, MAX_NOTEBOOK)
        one.files = files_beside(folder, name)
        one.notes = _about_names(f"{assignment}.ipynb", name, others)
        one.notebook = _notebook(raw, one.files, one.notes)
    except Refused as refused:
        raw, one.broken, one.notebook = str(refused).encode(), printable(str(refused)), None
        one.files = receipts(folder)
    except OSError as error:
        one.broken = f"The files cannot be read ({error.strerror}); submit them again."
        raw, one.notebook = one.broken.encode(), None
    one.digest = _digest(raw, one.files)
    return one


def _about_names(wanted: str, name: str, others: list[str]) -> list[Note]:
    told = []
    if name != wanted:
        told.append(Note(f"There is no {wanted}, so {PurePosixPath(name).name} was graded."))
    if others:
        more = ", ".join(PurePosixPath(other).name for other in others[:5])
        words = f"The submission also holds {more}, which was not graded."
        told.append(Note(words, asks_if_empty=True))
    return told


def _notebook(raw: bytes, files: Mapping[str, bytes], notes: list[Note]) -> nbformat.NotebookNode:
    _bounded(raw.count(b"[") + raw.count(b"{"), MAX_PARTS, "lists")
    content = _content(raw, notes)
    try:
        given = _cells(content)
        _bounded(len(given), MAX_CELLS, "cells")
        pictures = Pictures()
        cells = [
            _clean_cell(cell, number, pictures, files) for number, cell in enumerate(given, start=1)
        ]
        nb = nbformat.from_dict(
            {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
        )
        notes += _shortened(nb, pictures)
        _bounded(sum(len(cell.source) for cell in nb.cells), MAX_SOURCE, "characters")
        nb = normalized(nb)
        nbformat.validate(nb)
    except Refused:
        raise
    except Exception as error:  # a forged notebook may fail anywhere
        raise Refused(
            f"The notebook's cells are malformed ({type(error).__name__}); open the notebook in "
            "Jupyter, save it and submit it again."
        ) from None
    return nb


def _content(raw: bytes, notes: list[Note]) -> Any:
    """The JSON of a notebook file, in UTF-8 or another Unicode encoding, or else in Windows'."""
    try:
        return json.loads(raw)
    except UnicodeDecodeError:
        notes.append(
            Note("The notebook is not in UTF-8, so letters such as ä or é may have changed.")
        )
        raw = raw.decode("cp1252", "replace").encode()
        return _content(raw, [])
    except json.JSONDecodeError as error:
        where = f" (line {error.lineno}, column {error.colno})" if raw.strip() else ": it is empty"
    except (ValueError, RecursionError):
        where = ""
    raise Refused(
        f"The notebook is not valid JSON{where}, so Jupyter cannot open it either; restore it "
        "from a checkpoint or start again from the released notebook."
    )


def _cells(content: Any) -> list:
    """The cells of a notebook in format 4, or in format 3, which nbformat converts."""
    version = content.get("nbformat") if isinstance(content, dict) else None
    if version == 3 and content.get("worksheets"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = nbformat.convert(nbformat.from_dict(content), 4)
    elif version != 4:
        raise Refused("The notebook is not in format 4; save it with a current version of Jupyter.")
    if not isinstance(content.get("cells"), list):
        raise Refused("The notebook has no list of cells; submit the notebook as Jupyter saves it.")
    return content["cells"]


def _bounded(number: int, most: int, what: str) -> None:
    if number > most:
        raise Refused(
            f"The notebook has {number:,} {what}, and at most {most:,} can be graded; remove "
            "what was not asked for."
        )


def _clean_cell(cell: Any, number: int, pictures: Pictures, files: Mapping[str, bytes]) -> dict:
    """The parts of a cell that a student's notebook may set; of attachments, real pictures only."""
    source = cell.get("source") if isinstance(cell, dict) else None
    lines = [source] if isinstance(source, str) else source
    if not (isinstance(lines, list) and all(isinstance(line, str) for line in lines)):
        raise Refused(
            f"Cell {number} of the notebook has no text; open the notebook in Jupyter, save it "
            "and submit it again."
        )
    kind = cell.get("cell_type")
    if kind not in _KINDS:
        raise Refused(
            f"Cell {number} of the notebook is neither code nor text; delete it in Jupyter, save "
            "the notebook and submit it again."
        )
    text = "".join(lines).encode("utf-8", "replace").decode()  # a string or a list of lines
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept: dict[str, Any] = {"cell_type": kind, "metadata": _name(cell)}
    if isinstance(name := cell.get("id"), str) and _ID.fullmatch(name):
        kept["id"] = name
    if kind == "code":
        return kept | {"source": text, "outputs": [], "execution_count": None}
    text, attached = pictures.attached(text, cell.get("attachments"), files)
    return kept | {"source": text} | ({"attachments": attached} if attached else {})


def _name(cell: dict) -> dict[str, Any]:
    """The cell's metadata with nothing but its nbgrader id."""
    facts = cell.get("metadata")
    facts = facts.get("nbgrader") if isinstance(facts, dict) else None
    name = facts.get("grade_id") if isinstance(facts, dict) else None
    return {"nbgrader": {"grade_id": name}} if isinstance(name, str) and name else {}


def _shortened(nb: nbformat.NotebookNode, pictures: Pictures) -> list[Note]:
    """Cut off long texts, and say what was left out."""
    told, cut = [], 0
    for cell in nb.cells:
        if cell.cell_type != "code" and len(cell.source) > MAX_TEXT:
            cell.source = cell.source[:MAX_TEXT] + CUT
            cut += 1
    if cut:
        words = f"{cut} of the texts have more than {MAX_TEXT:,} characters; the rest was cut off."
        told.append(Note(words))
    if pictures.left_out:
        told.append(
            Note(
                f"{pictures.left_out} of the pictures in texts cannot be shown here: each is "
                "missing, too large, or neither PNG nor JPEG. The submitted notebook has them."
            )
        )
    return told


def normalized(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with a unique id for each cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about copied and missing ids
        return nbformat.validator.normalize(nb)[1]


def _digest(raw: bytes, files: dict[str, bytes]) -> str:
    digest = hashlib.sha256(raw)
    for name, content in files.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()
