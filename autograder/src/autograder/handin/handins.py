"""One hand-in: the files of one person from one archive, read within bounds and put in place.

What is read is what a submission may have (`autograder.intake.folder`). An archive within it is
opened, and one within that; what cannot be taken is left out and told.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from autograder.handin import archives, paths, which
from autograder.handin.archives import Entry
from autograder.handin.forms import CANVAS, NBGRADER, Sign
from autograder.intake.folder import (
    ENDINGS,
    MAX_ENTRIES,
    MAX_FILES,
    MAX_NOTEBOOK,
    MAX_RECEIPT,
    MAX_TOTAL,
    RECEIPTS,
    Refused,
)

MAX_NESTED = 2  # archives within archives
MAX_NOTES = 20  # sentences about one hand-in
CHECKPOINTS = "checkpoints"
_WEIGHTS = ".weights.h5"
_NUMBERED = re.compile(r"(?P<base>.+)\.weights-\d{1,3}\.h5")  # as Canvas numbers a newer file


class TooMuch(Refused):
    """More files or bytes than a submission may have."""


@dataclass
class HandIn:
    """What one person handed in.

    Attributes:
        sign: What the platform's names say about it.
        archive: The archive that it came in.
        files: The content of each file, by its path in ``submitted/ID/NAME/``.
        notebook: What the student called the notebook.
        given: The platform's name of the file that the notebook is or lies in.
        number: Canvas's number of the attempt.
        packed: When the platform made the archive, if it says so.
        notes: Sentences about what was left out.
        refused: Why nothing of it can be filed, as a sentence; empty if it can.
    """

    sign: Sign
    archive: str
    files: dict[str, bytes] = field(default_factory=dict)
    notebook: str = ""
    given: str = ""
    number: int = 0
    packed: datetime | None = None
    notes: list[str] = field(default_factory=list)
    refused: str = ""

    @property
    def digest(self) -> str:
        """A hash of the files, without the receipts that a platform adds."""
        return digest(self.files)


def digest(files: Mapping[str, bytes]) -> str:
    """A hash of files by path and content, without receipts."""
    found = hashlib.sha256()
    for name in sorted(set(files) - set(RECEIPTS)):
        found.update(name.encode("utf-8", "surrogateescape") + b"\0")
        found.update(hashlib.sha256(files[name]).digest())
    return found.hexdigest()


def read(
    pieces: Iterable[tuple[Entry, Sign]], archive: str, name: str, known: which.Assignments,
    names: Iterable[str],
) -> HandIn:  # fmt: skip
    """Read the files of one hand-in.

    Args:
        pieces: The entries of one person and attempt, with their signs.
        archive: The archive's name.
        name: The assignment.
        known: What tells the assignments apart.
        names: The names of all assignments.

    Returns:
        The hand-in; ``refused`` says why nothing of it can be filed. Nothing is raised.
    """
    listed = list(pieces)
    first = listed[0][1]
    one = HandIn(first, archive, packed=max((e.time for e, _ in listed if e.time), default=None))
    taking = _Taking(one)
    try:
        for entry, sign in _newest(listed, one, name, known):
            if sign.rest and not entry.path.endswith("/"):
                taking.take(entry, sign.rest)
        one.files = _placed(taking.files)
        _choose(one, name, known, list(names))
        one.given = taking.given.get(one.notebook, "")
        one.number = max((s.number for _, s in listed if s.rest == one.notebook), default=0)
    except Refused as refused:
        one.refused = f"{str(refused).rstrip('.')}."
        one.files = {}
    return one


class _Taking:
    """Reads entries into a hand-in until a bound is reached."""

    def __init__(self, one: HandIn) -> None:
        self.one = one
        self.files: dict[str, bytes] = {}
        self.given: dict[str, str] = {}
        self._path = ""
        self._seen = self._total = 0

    def take(self, entry: Entry, rest: str, depth: int = 0) -> None:
        """Take a file, or what is in an archive."""
        self._path = entry.path if depth == 0 else self._path
        self._seen += 1
        if self._seen > MAX_ENTRIES:
            raise TooMuch(f"It has more than {MAX_ENTRIES:,} files: hand in the notebook and its "
                          "checkpoints only")  # fmt: skip
        if paths.is_litter(rest):
            return
        try:
            if fault := entry.fault or paths.fault(rest):
                self._leave(f"{_shown(rest)} {fault}")
            elif archives.is_archive(rest):
                self._open(entry, rest, depth)
            elif rest.rpartition("/")[2] not in RECEIPTS or self.one.sign.platform == NBGRADER:
                self._keep(entry, rest)
        except TooMuch:
            raise
        except Refused as refused:
            self._leave(str(refused))

    def _keep(self, entry: Entry, rest: str) -> None:
        is_notebook = rest.lower().endswith(ENDINGS)
        limit = MAX_NOTEBOOK if is_notebook else MAX_TOTAL
        if rest in RECEIPTS:
            limit = MAX_RECEIPT
        content = entry.read(limit)
        self._total += len(content)
        if self._total > MAX_TOTAL + MAX_NOTEBOOK or len(self.files) >= MAX_FILES:
            raise TooMuch(
                f"It has more than {MAX_FILES} files or {MAX_TOTAL // 2**20} MB beside the "
                "notebook: hand in the notebook and its checkpoints only"
            )
        if rest in self.files and self.files[rest] != content:
            self.one.notes.append(f"Two files are called {_shown(rest)}; the last one was taken.")
        self.files[rest], self.given[rest] = content, self._path

    def _open(self, entry: Entry, rest: str, depth: int) -> None:
        if depth >= MAX_NESTED:
            raise TooMuch(f"{_shown(rest)} lies in {MAX_NESTED} other archives")
        folder = rest.rpartition("/")[0]
        with contextlib.ExitStack() as stack:  # so that one of them at a time is on the disk
            for each in archives.inside(entry, MAX_TOTAL + MAX_NOTEBOOK, stack):
                if not each.path.endswith("/"):
                    self.take(each, f"{folder}/{each.path}" if folder else each.path, depth + 1)

    def _leave(self, why: str) -> None:
        if len(self.one.notes) < MAX_NOTES:
            self.one.notes.append(f"{why}: it was left out.")


def _shown(path: str) -> str:
    name = path.rpartition("/")[2] or path
    return (name if name.isprintable() else ascii(name)[1:-1])[:80]


def _newest(
    pieces: list[tuple[Entry, Sign]], one: HandIn, name: str, known: which.Assignments
) -> list[tuple[Entry, Sign]]:
    """Of the files that Canvas numbers, the one with the highest number under each name."""
    if one.sign.platform != CANVAS:
        return pieces
    pieces = [(entry, _own_number(entry, sign, name, known)) for entry, sign in pieces]
    best: dict[str, int] = {}
    for _, sign in pieces:
        best[sign.rest] = max(best.get(sign.rest, 0), sign.number)
    older = [sign.rest for _, sign in pieces if sign.number < best[sign.rest]]
    for rest in dict.fromkeys(older):
        if rest.endswith(ENDINGS):
            one.notes.append(f"An older attempt at {_shown(rest)} is in the archive too.")
    return [(entry, sign) for entry, sign in pieces if sign.number == best[sign.rest]]


def _own_number(entry: Entry, sign: Sign, name: str, known: which.Assignments) -> Sign:
    """A sign without Canvas's number where the student's own name ends so: net-1, net-2.

    A notebook of another assignment is no newer attempt at this one.
    """
    if sign.number and sign.rest.lower().endswith(ENDINGS):
        with contextlib.suppress(Refused):
            if known.of(entry.read(MAX_NOTEBOOK)) not in ("", name):
                stem, dot, ending = sign.rest.partition(".")
                return replace(sign, rest=f"{stem}-{sign.number}{dot}{ending}", number=0)
    return sign


def _placed(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with checkpoints where notebooks look for them, if they came without a folder."""
    renamed = {}
    for path, content in files.items():
        found = _NUMBERED.fullmatch(path)
        renamed[f"{found['base']}{_WEIGHTS}" if found else path] = content
    stems = {path.removesuffix(_WEIGHTS) for path in renamed if path.endswith(_WEIGHTS)}
    placed = {}
    for path, content in renamed.items():
        folder, _, file = path.rpartition("/")
        is_note = file.endswith(".json") and path.removesuffix(".json") in stems
        if (is_note or file.endswith(_WEIGHTS)) and CHECKPOINTS not in folder.split("/"):
            target = "/".join(filter(None, (folder, CHECKPOINTS, file)))
            path = path if target in renamed else target
        placed[path] = content
    return placed


def _choose(one: HandIn, name: str, known: which.Assignments, names: list[str]) -> None:
    """Find the notebook, and put the files in their places beside it.

    Raises:
        Refused: If there is none, or several could be meant.
    """
    found = [path for path in sorted(one.files) if path.lower().endswith(ENDINGS)]
    if not found:
        more = [f"It has {_few(one.files)}."] if one.files else one.notes[:3]
        raise Refused(" ".join(["There is no notebook in it.", *more]))
    says = {path: known.of(one.files[path]) for path in found}
    for path in found:
        says[path] = says[path] or which.named(path, names)
    chosen = [path for path in found if says[path] == name]
    if not chosen:
        chosen = [path for path in found if not says[path]]
    if not chosen:
        raise Refused(_another(found, says, name))
    one.notebook = _the_one(chosen, one, name)
    if not known.of(one.files[one.notebook]):
        one.notes.append("No cell of the notebook says which assignment it is.")
    if others := [path for path in found if path != one.notebook]:
        one.notes.append(f"It has {_few(others)} besides, which is not graded.")
    inside = one.notebook.rpartition("/")[0]
    moved: dict[str, bytes] = {}
    for path, content in one.files.items():
        short = path.removeprefix(f"{inside}/") if inside else path
        target = f"{name}.ipynb" if path == one.notebook else short
        taken = path != one.notebook and target in (f"{name}.ipynb", *moved)
        moved[f"other/{path}" if taken else target] = content
    one.files = {path: content for path, content in moved.items() if not _below(path, moved)}
    if lost := moved.keys() - one.files.keys():
        one.notes.append(f"{_few(lost)} cannot lie in a folder that is also a file: left out.")


def _below(path: str, files: Mapping[str, bytes]) -> bool:
    """Whether a path lies in a folder that is also the name of a file."""
    return any(str(folder) in files for folder in PurePosixPath(path).parents)


def _the_one(chosen: list[str], one: HandIn, name: str) -> str:
    """Of several notebooks the one of the right name, or any if all are the same."""
    exact = [path for path in chosen if PurePosixPath(path).name == f"{name}.ipynb"]
    if len({one.files[path] for path in chosen}) == 1:
        return (exact or chosen)[0]
    least = min(path.count("/") for path in exact) if exact else 0
    highest = [path for path in exact if path.count("/") == least]
    again = [path for path in chosen if _is_again(path, name) and one.files[path] not in
             [one.files[other] for other in highest]]  # fmt: skip
    if len(highest) == 1 and not again:
        return highest[0]
    raise Refused(
        f"Several notebooks could be meant ({_few(chosen)}): collect the right one by itself, "
        "with --student"
    )


def _is_again(path: str, name: str) -> bool:
    """Whether Moodle or a browser called a later file so, because the name was taken."""
    return bool(re.fullmatch(rf"{re.escape(name)} ?\(\d+\)\..*", PurePosixPath(path).name))


def _another(found: list[str], says: Mapping[str, str], name: str) -> str:
    told = ", ".join(dict.fromkeys(says[path] for path in found))
    return f"The notebook {_shown(found[0])} is {told}, not {name}: collect it under that name"


def _few(listed: Iterable[str]) -> str:
    named = sorted(map(_shown, listed))
    return ", ".join(named[:4]) + (" and more" if len(named) > 4 else "")


def folder_digest(folder: Path) -> str:
    """The `digest` of a folder in ``submitted/``; hidden files and links are not counted."""
    found = {}
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and not paths.is_litter(inside):
            found[inside] = path.read_bytes()
    return digest(found)
