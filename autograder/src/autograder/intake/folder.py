"""The files of a submission: which of them is the notebook, and what lies beside it.

A student could have prepared every file. Nothing is executed and no link is followed.
"""

import contextlib
import os
import stat
from pathlib import Path, PurePosixPath

MAX_NOTEBOOK = 200 * 2**20  # bytes, outputs included
MAX_FILES = 200
MAX_ENTRIES = 2_000  # files, folders and links beside the notebook
MAX_DEPTH = 8  # folders within folders
MAX_TOTAL = 512 * 2**20  # bytes of all files beside the notebook, checkpoints included
TIME = "timestamp.txt"  # when nbgrader's exchange received the submission
SECRET = "submission_secret.txt"  # identifies the student's feedback there
RECEIPTS = (TIME, SECRET)
MAX_RECEIPT = 1_000  # bytes of either
# Browsers and learning platforms append the last two.
ENDINGS = (".ipynb", ".ipynb.txt", ".ipynb.json")
_NAMED = 5  # files that one sentence names


class Refused(ValueError):
    """A submission that cannot be graded, with the sentence for its student."""


def regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file: not a link, a pipe or a device, and not too large.

    Raises:
        Refused: If it is anything else.
    """
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


def receipts(folder: Path) -> dict[str, bytes]:
    """The exchange's own files; without them it could not return the feedback."""
    found = {}
    for name in RECEIPTS:
        if not folder.is_symlink() and not folder.parent.is_symlink():
            with contextlib.suppress(Refused, OSError):
                found[name] = regular(folder / name, MAX_RECEIPT)
    return found


def notebook_in(folder: Path, assignment: str) -> tuple[str, list[str]]:
    """Find the notebook to grade: the one of the right name, or else the only one that it can be.

    "Copy of NAME.ipynb", "NAME (1).ipynb" and a notebook in a folder within the folder are taken
    if there is no other choice.

    Args:
        folder: The folder of the submission.
        assignment: The assignment, which is the notebook's name in the release.

    Returns:
        The notebook's path within the folder, and those of the other notebooks there.

    Raises:
        Refused: If there is none, or if several could be meant.
    """
    wanted = f"{assignment}.ipynb"
    found = sorted(name for name in names(folder) if _is_notebook(name))
    if os.path.lexists(folder / wanted):
        return wanted, [name for name in found if name != wanted]
    if not found:
        raise Refused(f"There is no {wanted}; submit the notebook under that name.")
    alike = [name for name in found if assignment.lower() in _plain(name)]
    for choice in (alike, found):
        upper = [name for name in choice if "/" not in name] or choice
        if len(upper) == 1:
            return upper[0], [name for name in found if name != upper[0]]
    told = ", ".join(PurePosixPath(name).name for name in found[:_NAMED])
    raise Refused(
        f"There is no {wanted}, and several notebooks could be meant ({told}); submit the one "
        "that counts under that name."
    )


def _is_notebook(name: str) -> bool:
    """Whether this is a notebook that a student made, not a copy that a program keeps."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)
    return name.lower().endswith(ENDINGS) and not hidden


def _plain(name: str) -> str:
    """A file's name as assignments are written: lower case, with underscores."""
    return PurePosixPath(name).name.lower().replace(" ", "_").replace("-", "_")


def files_beside(folder: Path, notebook: str) -> dict[str, bytes]:
    """The regular files beside the notebook, within limits, by their path from the notebook.

    Links and special files are skipped.

    Raises:
        Refused: If there are too many, or they are too large.
    """
    found: dict[str, bytes] = {}
    total = 0
    inside = notebook.rpartition("/")[0]
    for name in names(folder):
        if name == notebook:
            continue
        content = regular(folder / name, MAX_TOTAL)
        found[name.removeprefix(f"{inside}/") if inside else name] = content
        total += len(content)
        if len(found) > MAX_FILES or total > MAX_TOTAL:
            raise Refused(
                f"More than {MAX_FILES} files or {MAX_TOTAL // 2**20} MB are beside the notebook; "
                "submit only the notebook and its checkpoints."
            )
    return found


def names(folder: Path) -> list[str]:
    """The sorted relative paths of the regular files in a folder; no link is followed.

    Files with unprintable names are skipped, because nothing in the course uses one.

    Raises:
        Refused: If there are too many files or folders.
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
