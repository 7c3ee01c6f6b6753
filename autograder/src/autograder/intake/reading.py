"""Reads a submission: whether it can be graded, and with which files.

A student could have prepared every file that is read here. Nothing is executed and no link is
followed. One sentence tells the student why a submission cannot be graded.
"""

import contextlib
import hashlib
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from autograder.intake.fitting import normalized
from autograder.pages.sanitize import printable

MAX_NOTEBOOK = 60 * 2**20  # bytes, outputs included
MAX_PARTS = 2_000_000  # brackets in it: each may be a list, which needs more memory than its bytes
MAX_CELLS = 1_000
MAX_ID = 64  # characters, as nbformat has it
MAX_SOURCE = 1_000_000  # characters of code and text in all cells
MAX_TEXT = 20_000  # characters of one markdown cell, because rendering takes more than linear time
MAX_FILES = 200
MAX_ENTRIES = 2_000  # files, folders and links beside the notebook
MAX_DEPTH = 8  # folders within folders
MAX_TOTAL = 512 * 2**20  # bytes of all files beside the notebook, checkpoints included
TIME = "timestamp.txt"  # when nbgrader's exchange received the submission
SECRET = "submission_secret.txt"  # identifies the student's feedback there
RECEIPTS = (TIME, SECRET)
MAX_RECEIPT = 1_000  # bytes of either


@dataclass
class Submission:
    """One student's files for one assignment; ``broken`` is empty when it can be graded."""

    student: str
    notebook: nbformat.NotebookNode | None = None
    files: dict[str, bytes] = field(default_factory=dict)  # relative path: content
    broken: str = ""
    digest: str = ""


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
        raw = _regular(folder / f"{assignment}.ipynb", MAX_NOTEBOOK)
        one.notebook = _notebook(raw)
        one.files = _files(folder, assignment)
    except Refused as refused:
        raw, one.broken, one.notebook = str(refused).encode(), str(refused), None
        one.files = _receipts(folder)
    except OSError as error:
        one.broken = f"The files cannot be read ({error.strerror}); submit them again."
        raw, one.notebook = one.broken.encode(), None
    one.digest = _digest(raw, one.files)
    return one


class Refused(ValueError):
    """A submission that cannot be graded, with the sentence for its student."""


def _regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file: not a link, a pipe or a device, and not too large."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Refused(f"There is no {path.name}; submit the notebook under that name.") from None
    except OSError:
        raise Refused(f"{path.name} is a link or cannot be read; submit the file itself.") from None
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise Refused(f"{path.name} is not a regular file; submit the file itself.")
        if facts.st_size > limit:
            raise Refused(
                f"{path.name} is larger than {limit // 2**20} MB; clear its outputs or "
                "remove what was not asked for."
            )
        return file.read(limit)


def _receipts(folder: Path) -> dict[str, bytes]:
    """The exchange's own files; without them it could not return the feedback."""
    found = {}
    for name in RECEIPTS:
        if not folder.is_symlink() and not folder.parent.is_symlink():
            with contextlib.suppress(Refused, OSError):
                found[name] = _regular(folder / name, MAX_RECEIPT)
    return found


def _notebook(raw: bytes) -> nbformat.NotebookNode:
    _bounded(raw.count(b"[") + raw.count(b"{"), MAX_PARTS, "lists")
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused(
            "The notebook is not valid JSON, so Jupyter cannot open it either; restore it from a "
            "checkpoint or start again from the released notebook."
        ) from None
    try:
        if content["nbformat"] != 4 or not isinstance(content["cells"], list):
            raise Refused(
                "The notebook is not in format 4; save it with a current version of Jupyter."
            )
        _bounded(len(content["cells"]), MAX_CELLS, "cells")
        cells = [_clean_cell(cell) for cell in content["cells"]]
        minor = content["nbformat_minor"]
        nb = {"nbformat": 4, "nbformat_minor": minor, "metadata": {}, "cells": cells}
        nb = nbformat.from_dict(nb)
        _bounded(sum(len(cell.source) for cell in nb.cells), MAX_SOURCE, "characters")
        texts = [len(cell.source) for cell in nb.cells if cell.cell_type != "code"]
        _bounded(max(texts, default=0), MAX_TEXT, "characters in one text")
        nb = normalized(nb)
        nbformat.validate(nb)
    except Refused:
        raise
    except Exception as error:
        words = printable(" ".join(str(error).split()))[:120]
        raise Refused(f"The notebook's cells are malformed: {words}") from None
    return nb


def _bounded(number: int, most: int, what: str) -> None:
    if number > most:
        raise Refused(
            f"The notebook has {number:,} {what}, and at most {most:,} can be graded; remove "
            "what was not asked for."
        )


def _clean_cell(cell: dict) -> dict:
    """The parts of a cell that a student's notebook may set: no outputs, tags or attachments."""
    words = {key: cell.get(key) for key in ("cell_type", "id")}
    kept: dict[str, Any] = {
        key: w for key, w in words.items() if isinstance(w, str) and len(w) <= MAX_ID
    }
    source = "".join(cell["source"])  # a string or a list of lines
    facts = cell.get("metadata")
    facts = facts.get("nbgrader") if isinstance(facts, dict) else None
    name = facts.get("grade_id") if isinstance(facts, dict) else None
    kept["metadata"] = {"nbgrader": {"grade_id": name}} if isinstance(name, str) and name else {}
    kept["source"] = source.encode("utf-8", "replace").decode()
    return kept | ({"outputs": [], "execution_count": None} if kept["cell_type"] == "code" else {})


def _files(folder: Path, assignment: str) -> dict[str, bytes]:
    """The regular files beside the notebook, within limits; links and special files are skipped."""
    found: dict[str, bytes] = {}
    total = 0
    for name in _names(folder):
        if name == f"{assignment}.ipynb":
            continue
        found[name] = _regular(folder / name, MAX_TOTAL)
        total += len(found[name])
        if len(found) > MAX_FILES or total > MAX_TOTAL:
            raise Refused(
                f"More than {MAX_FILES} files or {MAX_TOTAL // 2**20} MB are beside the notebook; "
                "submit only the notebook and its checkpoints."
            )
    return found


def _names(folder: Path) -> list[str]:
    """The sorted relative paths of the regular files in a folder; no link is followed.

    Files with unprintable names are skipped, because nothing in the course uses one.
    """
    found, folders, seen = [], [("", 0)], 0
    while folders:
        inside, depth = folders.pop()
        with os.scandir(folder / inside) as entries:
            for entry in entries:
                seen += 1
                name = f"{inside}{entry.name}"
                if seen > MAX_ENTRIES or depth > MAX_DEPTH:
                    raise Refused(
                        f"More than {MAX_ENTRIES:,} files or {MAX_DEPTH} folders within folders "
                        "are beside the notebook; submit only the notebook and its checkpoints."
                    )
                if entry.is_dir(follow_symlinks=False):
                    folders.append((f"{name}/", depth + 1))
                elif entry.is_file(follow_symlinks=False) and name.isprintable():
                    found.append(name)
    return sorted(found)


def _digest(raw: bytes, files: dict[str, bytes]) -> str:
    digest = hashlib.sha256(raw)
    for name, content in files.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()
