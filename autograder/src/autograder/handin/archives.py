"""What is in an archive or a folder, as entries that are read one at a time, within bounds.

Students could have prepared any of it. No entry is ever extracted under its own name, no link is
followed, and an entry that cannot be taken says why.
"""

import bz2
import contextlib
import gzip
import lzma
import os
import pwd
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from autograder.handin import paths
from autograder.intake.folder import Refused

MAX_ENTRIES = 200_000  # of one archive, which may hold a class
MAX_RATIO = 200  # bytes that one packed byte may stand for, beyond the first of them:
MIN_BOMB = 32 * 2**20  # what is smaller is no bomb
_BLOCK = 2**20
_ENCRYPTED, _UTF8 = 0x1, 0x800  # bits of a zip entry
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_MAGIC = {
    b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"\x1f\x8b": "gz", b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz", b"Rar!\x1a\x07": "RAR", b"7z\xbc\xaf\x27\x1c": "7z",
}  # fmt: skip
_CLOSED = ("RAR", "7z")  # formats that nothing here can open
_UNPACKED: tuple[type[Exception], ...] = (
    EOFError,
    OSError,
    ValueError,
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
)
_UNPACKED += (NotImplementedError, RuntimeError, zipfile.LargeZipFile, zlib.error)


@dataclass(frozen=True)
class Entry:
    """One file of an archive or folder.

    Attributes:
        path: Its path there.
        size: Its size in bytes, as the archive says.
        packed: The bytes that it takes in the archive.
        time: When the archive says that it was written, without a time zone; None if it does not.
        fault: Why it cannot be taken, as the end of a sentence; empty if it can.
        opened: Opens it.
        owner: The system's user whose file it is, for a file on this disk.
    """

    path: str
    size: int = 0
    packed: int = 0
    time: datetime | None = None
    fault: str = ""
    opened: Callable[[], IO[bytes]] | None = None
    owner: str = ""

    @property
    def name(self) -> str:
        """The last name of its path."""
        return self.path.rpartition("/")[2]

    def read(self, limit: int) -> bytes:
        """The whole content.

        Raises:
            Refused: If it is larger than ``limit`` bytes, or cannot be unpacked.
        """
        return b"".join(self.blocks(limit))

    def blocks(self, limit: int) -> Iterator[bytes]:
        """The content, piece by piece; it raises as `read` does."""
        if self.fault or self.opened is None:
            raise Refused(f"{self.name} {self.fault or 'is a folder'}")
        if self.size > MIN_BOMB and self.size > MAX_RATIO * max(self.packed, 1):
            times = self.size // max(self.packed, 1)
            raise Refused(f"{self.name} unpacks to {times:,} times its size, as a bomb does")
        left = limit
        try:
            with self.opened() as file:
                while block := file.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise Refused(f"{self.name} is larger than {limit // 2**20} MB")
                    yield block
        except Refused:
            raise
        except _UNPACKED as error:
            raise Refused(f"{self.name} is damaged ({type(error).__name__})") from None


def kind(head: bytes, name: str) -> str:
    """What an archive is, by its first bytes: zip, tar, gz, bz2, xz, RAR or 7z; empty if none."""
    for magic, found in _MAGIC.items():
        if head.startswith(magic):
            return found
    return "tar" if head[257:262] == b"ustar" or name.lower().endswith(".tar") else ""


def is_archive(name: str) -> bool:
    """Whether a file's name says that it is an archive."""
    endings = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
    return name.lower().endswith((*endings, ".rar", ".7z"))


@contextlib.contextmanager
def entries(source: Path) -> Iterator[list[Entry]]:
    """The entries of an archive, a folder or a single file; they are read before this ends.

    Raises:
        Refused: If it is none of these, or has too many entries.
    """
    with contextlib.ExitStack() as stack:
        if source.is_dir():
            yield sorted(_bounded(_in_folder(source), source.name), key=lambda one: one.path)
        elif not source.is_file():
            raise Refused(f"There is no file or folder {source}")
        else:
            with source.open("rb") as file:
                form = kind(file.read(512), source.name)
            if is_archive(source.name) and not form:
                raise Refused(f"{source.name} is no archive, or an empty one: download it again")
            if form and source.suffix.lower() not in (".ipynb", ".json", ".h5"):
                yield _unpacked(source, form, source.name, 2**62, stack)
            else:
                yield [_of_disk(source, source.name)]


def inside(entry: Entry, limit: int, stack: contextlib.ExitStack) -> list[Entry]:
    """The entries of an archive that is itself an entry.

    Args:
        entry: The archive.
        limit: The bytes that it may have, packed, and as a whole if it must be unpacked first.
        stack: Closes what this opens.

    Raises:
        Refused: If it cannot be opened.
    """
    place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="collect-")), "archive")
    with place.open("wb") as file:
        for block in entry.blocks(limit):
            file.write(block)
    with place.open("rb") as file:
        form = kind(file.read(512), entry.name)
    if not form:
        raise Refused(f"{entry.name} is no archive that can be opened here")
    return _unpacked(place, form, entry.name, limit, stack)


def _unpacked(
    path: Path, form: str, name: str, limit: int, stack: contextlib.ExitStack
) -> list[Entry]:
    if form in _CLOSED:
        raise Refused(f"{name} is a {form} archive, which cannot be opened here; a zip archive can")
    try:
        if form == "zip":
            return _bounded(_in_zip(stack.enter_context(zipfile.ZipFile(path))), name)
        if form != "tar":
            path = _decompressed(path, form, name, limit, stack)
        return _bounded(_in_tar(stack.enter_context(tarfile.open(path, "r:"))), name)
    except Refused:
        raise
    except _UNPACKED as error:
        raise Refused(f"{name} is damaged and cannot be opened ({error})") from None


def _decompressed(
    path: Path, form: str, name: str, limit: int, stack: contextlib.ExitStack
) -> Path:
    """A tar archive without its compression, which would be undone again for every file."""
    opener: Any = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}[form]
    place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="collect-")), "tar")
    most = min(limit, max(MIN_BOMB, MAX_RATIO * path.stat().st_size))
    written = 0
    with opener(path, "rb") as packed, place.open("wb") as plain:
        while block := packed.read(_BLOCK):
            written += len(block)
            if written > most:
                raise Refused(f"{name} unpacks to more than {most // 2**20} MB, as a bomb does")
            plain.write(block)
    return place


def _bounded(found: Iterator[Entry], name: str) -> list[Entry]:
    listed = []
    for entry in found:
        listed.append(replace(entry, fault=entry.fault or paths.fault(entry.path)))
        if len(listed) > MAX_ENTRIES:
            raise Refused(f"{name} has more than {MAX_ENTRIES:,} files")
    return listed


def _in_zip(archive: zipfile.ZipFile) -> Iterator[Entry]:
    for info in archive.infolist():
        path = paths.plain(_zip_name(info))
        if path.endswith("/"):
            yield Entry(path)
            continue
        mode = info.external_attr >> 16
        fault = _not_regular(mode) if stat.S_IFMT(mode) else ""
        if info.flag_bits & _ENCRYPTED:
            fault = "is encrypted with a password"
        elif info.compress_type not in _METHODS:
            fault = "is packed in a way that cannot be opened here"
        yield Entry(
            path,
            info.file_size,
            info.compress_size,
            _zip_time(info),
            fault,
            lambda info=info: archive.open(info),  # type: ignore[misc]
        )


def _zip_name(info: zipfile.ZipInfo) -> str:
    """An entry's name: in UTF-8, also where the archive does not say so, or else in cp437."""
    name = info.orig_filename
    if not info.flag_bits & _UTF8:
        with contextlib.suppress(UnicodeError):
            return name.encode("cp437").decode("utf-8")
    return name


def _zip_time(info: zipfile.ZipInfo) -> datetime | None:
    """When an entry was written; archives without times say 1980."""
    with contextlib.suppress(ValueError):
        return datetime(*info.date_time) if info.date_time[0] > 1980 else None
    return None


def _in_tar(archive: tarfile.TarFile) -> Iterator[Entry]:
    for member in archive:
        path = paths.plain(
            member.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        )
        path = path.removeprefix("./")
        if member.isdir():
            yield Entry(f"{path}/")
        elif member.isreg():
            time = datetime.fromtimestamp(member.mtime) if 0 < member.mtime < 2**33 else None
            yield Entry(
                path,
                member.size,
                member.size,
                time,
                "",
                lambda member=member: _member(archive, member),  # type: ignore[misc]
            )
        else:
            yield Entry(path, fault="is a link" if member.issym() or member.islnk() else _SPECIAL)


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(member)
    if file is None:
        raise Refused(f"{member.name} {_SPECIAL}")
    return file


_SPECIAL = "is a device or a pipe, not a file"


def _not_regular(mode: int) -> str:
    if stat.S_ISREG(mode):
        return ""
    return "is a link" if stat.S_ISLNK(mode) else _SPECIAL


def _in_folder(root: Path) -> Iterator[Entry]:
    """The files below a folder; what programs left there, such as Git's own, is not looked at."""
    waiting = [(root, "")]
    while waiting:
        folder, inside = waiting.pop()
        with os.scandir(folder) as found:
            listed = sorted(found, key=lambda one: one.name)
        for one in listed:
            path = paths.plain(f"{inside}{one.name}".encode("utf-8", "surrogateescape")
                               .decode("utf-8", "replace"))  # fmt: skip
            if paths.is_litter(one.name):
                continue
            if one.is_symlink():
                yield Entry(path, fault="is a link")
            elif one.is_dir():
                yield Entry(f"{path}/")
                if inside.count("/") < paths.MAX_DEPTH:
                    waiting.append((Path(one.path), f"{path}/"))
            else:
                yield _of_disk(Path(one.path), path)


def _owner(facts: os.stat_result) -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(facts.st_uid).pw_name
    return ""


def _of_disk(path: Path, name: str) -> Entry:
    facts = path.lstat()

    def opened() -> IO[bytes]:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise Refused(f"{path.name} {_SPECIAL}")
        return os.fdopen(handle, "rb")

    fault = _not_regular(facts.st_mode)
    return Entry(
        name, facts.st_size, facts.st_size, None, fault or paths.fault(name), opened, _owner(facts)
    )
