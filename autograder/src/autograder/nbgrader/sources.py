"""The source notebooks by which submissions were graded, kept for reports and for taking back."""

import hashlib
from pathlib import Path

import nbformat

from autograder.text.cells import facts
from convcourse.files import write_whole


def keep(place: Path, source: Path) -> str:
    """Keep a source notebook.

    Args:
        place: The folder of the assignment's notes.
        source: The notebook.

    Returns:
        Its version, a digest of its bytes.
    """
    content = source.read_bytes()
    version = hashlib.sha256(content).hexdigest()
    if not path(place, version).is_file():
        write_whole(path(place, version), content)
    return version


def path(place: Path, version: str) -> Path:
    """Where the source notebook with this version is, if it is kept."""
    return place / "sources" / f"{version}.ipynb"


def cells(place: Path, version: str) -> dict[str, str]:
    """The text of each cell with an id of a kept source; empty if it is not kept."""
    kept = path(place, version)
    found = nbformat.read(kept, as_version=4).cells if kept.is_file() else []
    return {facts(cell)[1]: cell.source for cell in found}
