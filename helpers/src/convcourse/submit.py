"""Packs a notebook and its checkpoints into the one archive that a student hands in.

The last cell of each notebook calls `pack`. Before it packs, it says what is still missing. Where
no person runs the notebook, as when it is graded, it does nothing.
"""

import contextlib
import importlib
import json
import os
import re
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from convcourse import handed_in, notebook, profile, session
from convcourse.files import replacing
from convcourse.handed_in import BadNotebook, Contents
from convcourse.outcomes import NOT_ATTEMPTED

_SAVE = "save it (Ctrl+S, or File > Save Notebook), and run this cell again"
_MOST_BYTES = 500 * 2**20  # what a grader takes of one submission
_MOST_FILES = 190
_DATE = (1980, 1, 1, 0, 0, 0)  # the same in every archive, so that equal files give equal archives
_MOST_NAMED = 8
_UNREADABLE = re.compile("(Syntax|Indentation|Tab)Error")  # Python runs no line of such a cell


@dataclass(frozen=True)
class _Found:
    """The notebook that a person has open: its file's content, and where it lies."""

    content: bytes
    folder: Path
    saved: float | None  # when, in seconds; None in Colab, which tells what the page shows
    file: str = ""  # its name; empty in Colab
    is_guess: bool = False  # whether the program that shows it named another file, which is gone


def pack(name: str, file: str = "") -> None:
    """Pack this notebook and its checkpoints into ``NAME.zip`` beside it.

    First says, a sentence each, which exercises are untouched, which answer cells did not run to
    their end, which visible checks fail or were not run, whether the notebook is saved, and whether
    checkpoints are missing. It raises nothing.

    Args:
        name: The assignment, such as ``"03_net_1"``.
        file: The notebook's file; by default it is found.
    """
    if not file and not _is_open():
        print("Nothing is packed here, because no person has this notebook open.")
        return
    try:
        found = _find(name, file)
        contents = handed_in.read(found.content)
        if why := _unsaved(found, contents) or ("" if file else _other(found, contents)):
            print(why)
            return
        _tell(name, found, contents)
        _pack(name, found, contents)
    except BadNotebook as error:
        print(error)
    except OSError as error:
        print(f"{name}.zip cannot be written ({error.strerror or error}): free some space there.")


# ------------------------------------------------------------------ where the notebook is


def _is_colab() -> bool:
    return "COLAB_RELEASE_TAG" in os.environ or "COLAB_JUPYTER_IP" in os.environ


def _is_open() -> bool:
    """Whether a person runs this: a page or an editor says which cell or which file it runs."""
    shell = notebook.shell()
    if shell is None:
        return False
    with contextlib.suppress(Exception):
        if shell.get_parent()["metadata"].get("cellId"):
            return True
    session = Path(os.environ.get("JPY_SESSION_NAME", ""))
    is_here = session.suffix == ".ipynb" and session.parent.resolve() == Path.cwd()
    return is_here or "__vsc_ipynb_file__" in shell.user_ns or _is_colab()


def _find(name: str, file: str) -> _Found:
    if not file and _is_colab():
        return _from_colab()
    path = Path(file).expanduser() if file else _path(name)
    opened = os.environ.get("JPY_SESSION_NAME", "")
    is_guess = not file and opened.endswith(".ipynb") and not Path(opened).is_file()
    try:
        when = path.stat().st_mtime
        return _Found(path.read_bytes(), path.resolve().parent, when, path.name, is_guess)
    except OSError:
        raise BadNotebook(
            f"There is no {path}: save the notebook there, or name its file, as in "
            f'submit.pack("{name}", "{name}.ipynb").'
        ) from None


def _path(name: str) -> Path:
    """The open notebook's file, as the program that shows it says, or the only one it can be."""
    shell = notebook.shell()
    given = shell.user_ns.get("__vsc_ipynb_file__") if shell else None
    for one in (given, os.environ.get("JPY_SESSION_NAME")):
        if one and str(one).endswith(".ipynb") and Path(one).is_file():
            return Path(one)
    own = f'submit.pack("{name}")'
    alike = [p for p in Path().glob("*.ipynb") if _holds(p, own)]
    alike.sort(key=lambda path: path.stat().st_mtime, reverse=True)  # the one in use comes first
    if len(alike) > 1 and Path(f"{name}.ipynb") not in alike:
        told = ", ".join(path.name for path in alike[:_MOST_NAMED])
        raise BadNotebook(
            f"Several notebooks here could be meant ({told}): name the one that counts, as in "
            f'submit.pack("{name}", "{alike[0].name}").'
        )
    return alike[0] if len(alike) == 1 else Path(f"{name}.ipynb")


def _holds(path: Path, call: str) -> bool:
    with contextlib.suppress(OSError):
        return json.dumps(call)[1:-1].encode() in path.read_bytes()
    return False


def _from_colab() -> _Found:
    """The notebook as Colab's page shows it; its file is in Google Drive and not here."""
    try:
        message = importlib.import_module("google.colab._message")
        answer = message.blocking_request("get_ipynb", request="", timeout_sec=60)
        content = json.dumps(answer["ipynb"], indent=1, ensure_ascii=False)
    except Exception:  # Colab documents neither the call nor how it fails
        raise BadNotebook(
            "Colab did not give this notebook: choose File > Download > Download .ipynb, and hand "
            "in that file together with the folder checkpoints from the files panel."
        ) from None
    return _Found(content.encode(), Path.cwd(), None)


def _unsaved(found: _Found, contents: Contents) -> str:
    """What to do if cells that ran here are not in the file; empty if all are."""
    if found.saved is None:
        return ""
    late = [one for one in session.ran.values() if one.at > found.saved]
    lost = [one for one in late if one.source not in contents.sources]
    if not lost:
        return ""
    clock = _clock(found.saved)
    first = next(line for line in lost[0].source.splitlines() if line.strip())
    return (
        f"Nothing was packed: the file is from {clock} and lacks a cell that you have run since, "
        f"which begins with {first.strip()[:60]!r}; {_SAVE}."
    )


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S on %Y-%m-%d", time.localtime(seconds))


def _other(found: _Found, contents: Contents) -> str:
    """What to do if this session passed a check whose exercise is untouched in the file."""
    for one in contents.exercises:
        result = contents.result(one, session.ran)
        if one.untouched and result.here and result.passed:
            return (
                f"Nothing was packed: the check of {one.name} has passed here, and in "
                f"{found.file or 'the notebook'} that exercise is untouched. It may be another "
                "file than yours: choose Kernel > Restart Kernel and run your notebook again."
            )
    return ""


# ------------------------------------------------------------------ what is said


def _tell(name: str, found: _Found, contents: Contents) -> None:
    if found.saved is not None:
        clock = _clock(found.saved)
        print(f"{found.file} was saved at {clock}; if you have changed anything since, {_SAVE}.")
    if found.is_guess:
        print(
            "The file that you had opened has another name or place now. If you are not working "
            f"in {found.file}, choose Kernel > Restart Kernel and run your notebook again."
        )
    results = {one.name: contents.result(one, session.ran) for one in contents.exercises}
    untouched = [one.name for one in contents.exercises if one.untouched]
    _count(untouched, "exercise is untouched", "exercises are untouched")
    tried = []
    for one in contents.exercises:
        result, fault = results[one.name], contents.fault(one, session.ran)
        if one.untouched:
            continue
        if _UNREADABLE.match(fault.said):  # what its check said is about an earlier answer, or none
            print(f"The answer cell of {one.name} did not run, {fault.told}: {fault.said}")
            continue
        if fault.said:
            print(f"The answer cell of {one.name} ended early, {fault.told}: {fault.said}")
        if result.said and not (fault.said and result.said.startswith(NOT_ATTEMPTED)):
            print(f"The visible check of {one.name} fails, {result.told}: {result.said}")
        if one.is_checked:
            tried.append(one)
    _count(
        [one.name for one in tried if not results[one.name].known],
        "visible check has not been run",
        "visible checks have not been run",
    )
    passed = [results[one.name] for one in tried if results[one.name].passed]
    if passed:
        here = sum(one.here for one in passed)
        print(
            f"Of the {len([e for e in contents.exercises if e.is_checked])} visible checks, "
            f"{len(passed)} passed: {here} in this session, and {len(passed) - here} as the "
            "notebook was saved."
        )
    for words in _about_checkpoints(found.folder, contents):
        print(words)


def _count(names: list[str], one: str, several: str) -> None:
    if names:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        told = ", ".join(names[:_MOST_NAMED]) + more
        print(f"{len(names)} {one if len(names) == 1 else several}: {told}.")


def _about_checkpoints(folder: Path, contents: Contents) -> list[str]:
    """What is wrong with the checkpoints; missing ones matter under *full* alone."""
    try:
        wanted = profile.current().name
    except ValueError as error:
        return [str(error)]
    told = []
    for name in contents.trained:
        record = folder / "checkpoints" / f"{name}.json"
        weights = record.with_name(f"{name}.weights.h5")
        made = _profile(record)
        if wanted == "full" and not (record.is_file() and weights.is_file()):
            told.append(
                f"The checkpoint of {name} is missing, so the grader would have to train it again "
                "under full: run the cell that trains it."
            )
        elif made and made != wanted:
            told.append(
                f"The checkpoint of {name} was made under the profile {made}, and this session "
                f"uses {wanted}: train it again under the profile that your class was asked to use."
            )
    return told


def _profile(record: Path) -> str:
    try:
        return str(json.loads(record.read_text(encoding="utf-8"))["fingerprint"]["profile"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


# ------------------------------------------------------------------ the archive


def _pack(name: str, found: _Found, contents: Contents) -> None:
    beside = handed_in.beside(found.folder, contents)
    size = len(found.content) + sum(path.stat().st_size for path in beside.values())
    if size > _MOST_BYTES or len(beside) > _MOST_FILES:
        raise BadNotebook(
            f"Nothing was packed: {len(beside)} files of {size // 2**20} MB are more than a grader "
            "takes; remove the checkpoints of networks that the notebook no longer trains."
        )
    path = found.folder / f"{name}.zip"
    with replacing(path) as fresh, zipfile.ZipFile(fresh, "w") as archive:
        _add(archive, f"{name}.ipynb", found.content)
        for inside, file in sorted(beside.items()):
            _add(archive, inside, file.read_bytes())
    files = f" and {len(beside)} file{'s' if len(beside) > 1 else ''} beside it" if beside else ""
    print(f"Packed the notebook{files} into {path.name}: hand in this one file.")
    if found.saved is None:
        _download(path)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def _download(path: Path) -> None:
    with contextlib.suppress(Exception):  # the archive is in Colab's files panel anyway
        importlib.import_module("google.colab.files").download(str(path))
