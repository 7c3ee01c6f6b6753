"""Which names in an archive can be taken, and why the others cannot.

Nothing is ever written under a name that an archive gives without passing through here.
"""

import itertools
import re
import unicodedata

MAX_NAME = 255  # bytes of one name in a path, as file systems have it
MAX_DEPTH = 16  # folders within folders, the platform's own included
_DRIVE = re.compile(r"^[A-Za-z]:")
# What programs leave behind, and no student hands in.
_LITTER = ("__MACOSX", ".git", ".ipynb_checkpoints", "__pycache__", ".DS_Store", "Thumbs.db")


def plain(name: str) -> str:
    """A path with slashes and composed letters, as the same file is called everywhere."""
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def fault(path: str) -> str:
    """Why a path in an archive cannot be taken; empty if it can.

    Args:
        path: The path, as `plain` gives it.

    Returns:
        The end of a sentence that begins with the name of the file.
    """
    parts = path.split("/")
    if path.startswith("/") or _DRIVE.match(path):
        return "has an absolute path"
    if ".." in parts:
        return "leads out of its folder with .."
    if not path.isprintable() or not path.strip():
        return "has a name with characters that cannot be shown"
    if any(len(part.encode("utf-8", "replace")) > MAX_NAME for part in parts):
        return f"has a name of more than {MAX_NAME} bytes"
    if len(parts) > MAX_DEPTH:
        return f"lies in more than {MAX_DEPTH} folders within folders"
    return ""


def is_litter(path: str) -> bool:
    """Whether a program left this file behind: hidden files, copies of macOS, Git's own."""
    return any(map(_is_left, path.split("/")))


def tidy(path: str) -> str:
    """A path; of one that a program left behind, the folder in which it lies, or nothing."""
    names = path.split("/")
    kept = list(itertools.takewhile(lambda name: not _is_left(name), names))
    return path if kept == names else "/".join([*kept, ""]) if kept else ""


def _is_left(name: str) -> bool:
    return name in _LITTER or (name.startswith(".") and name not in (".", ".."))


def parts(path: str) -> list[str]:
    """The names of a path, without empty ones and dots."""
    return [part for part in path.split("/") if part not in ("", ".")]
