"""Where official data lies, and in which form: a folder of batch files, or the archive of one.

An archive is read as it is, within bounds, and its batches as batch files are: nothing in it runs.
Nothing that is found is changed or deleted.
"""

import contextlib
import gzip
import io
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from convcourse.batches import DataError, official_batch, parsed_batch

_MOST = 400_000_000  # bytes that an archive may unpack to; the official ones take 190 million
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Form:
    """How a data set is published: the folder in its archive, and the files that hold images."""

    folder: str
    archive: str
    files: tuple[str, ...]

    def looked_for(self) -> str:
        """Both forms, in words."""
        return f"neither {self.folder} nor {self.archive}"


FORMS = {
    "cifar10": Form(
        "cifar-10-batches-py",
        "cifar-10-python.tar.gz",
        (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"),
    ),
    "cifar100": Form("cifar-100-python", "cifar-100-python.tar.gz", ("train", "test")),
}


def caches() -> list[Path]:
    """The folders where Keras keeps what it downloads; the first is the usual one."""
    chosen = os.environ.get("KERAS_HOME")
    found = [Path(chosen).expanduser() if chosen else Path.home() / ".keras"]
    # Keras's second choice, where it cannot write to the first; anybody may make this folder.
    other = Path("/tmp/.keras")
    with contextlib.suppress(OSError, AttributeError):  # Windows has no getuid
        if other.stat().st_uid == os.getuid() and other != found[0]:
            found.append(other)
    return found


def sources(name: str, place: Path) -> Iterator[Path]:
    """Yield each folder of batch files and each archive of a data set, the quickest first.

    Args:
        name: ``"cifar10"`` or ``"cifar100"``.
        place: A folder that holds them, or one of them itself.
    """
    form = FORMS[name]
    # Keras unpacks into a folder whose name ends in -target.
    for folder in (place / form.folder, place / f"{form.folder}-target" / form.folder):
        if folder.is_dir():
            yield folder
    if place.is_dir() and (place.name == form.folder or _holds_all(place, form)):
        yield place
    for archive in _archives(form, place):
        kept = _unpacked(archive, form, caches()[0] / "datasets")
        if kept.is_dir():
            yield kept
        yield archive


def linked(place: Path) -> list[Path]:
    """Where the links in a folder of official data lead: a walled process must reach that too."""
    names = ["mnist.npz", *(name for one in FORMS.values() for name in (one.folder, one.archive))]
    return [(place / name).resolve() for name in names if (place / name).is_symlink()]


def _holds_all(place: Path, form: Form) -> bool:
    return all((place / name).is_file() for name in form.files)


def _archives(form: Form, place: Path) -> Iterator[Path]:
    stem = form.archive.removesuffix(".tar.gz")
    named = [form.archive, f"{stem}.tgz", f"{stem}.tar"]
    if place.is_file():
        if place.name in named:
            yield place
        return
    # What Keras downloads, under the names of its versions.
    kept = [f"{form.folder}-target_archive", f"{form.folder}.tar.gz"]
    yield from (place / one for one in dict.fromkeys(named + kept) if (place / one).is_file())


def batches(name: str, source: Path) -> dict[str, dict]:
    """Read all batches of a data set.

    Args:
        name: ``"cifar10"`` or ``"cifar100"``.
        source: What `sources` yields.

    Returns:
        What `official_batch` returns, by the name of the file.

    Raises:
        DataError: If a file is missing or damaged.
    """
    files = FORMS[name].files
    if source.is_dir():
        if missing := [one for one in files if not os.path.exists(source / one)]:
            raise DataError(
                f"{source.name} is incomplete: it lacks {', '.join(missing)}; unpack "
                f"{FORMS[name].archive} again, or download it again."
            )
        read = {one: official_batch(source / one) for one in files}
    else:
        called = {one: f"{one} in {source.name}" for one in files}
        read = {one: parsed_batch(raw, called[one]) for one, raw in _members(name, source)}
    labels = "labels" if name == "cifar10" else "fine_labels"
    if any(labels not in batch for batch in read.values()):
        raise DataError(f"{source.name} is not official: it has no {labels}; download it again.")
    return read


class _Bounded(io.RawIOBase):
    """What is read from a file, up to a number of bytes."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self.file, self.left = file, _MOST

    def read(self, size: int = -1) -> bytes:
        content = self.file.read(size)
        self.left -= len(content)
        if self.left < 0:
            raise tarfile.ReadError("it unpacks to more than the official one")
        return content


def _members(name: str, archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files that hold images, with their content.

    Raises:
        DataError: If the archive is damaged, lacks one of them, or is larger than the official one.
    """
    form, missing = FORMS[name], set(FORMS[name].files)
    try:
        with archive.open("rb") as raw:
            is_packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            bounded = _Bounded(gzip.GzipFile(fileobj=raw) if is_packed else raw)
            with tarfile.open(fileobj=bounded, mode="r|", bufsize=_CHUNK) as tar:
                for member in tar:
                    where = PurePosixPath(member.name)
                    found = where.name in missing and where.parent.name == form.folder
                    if found and member.isreg() and (file := tar.extractfile(member)):
                        if member.size > _MOST:  # a sparse file is larger than what is read for it
                            raise tarfile.ReadError("a file is larger than the official one")
                        missing.remove(where.name)
                        yield where.name, file.read()
            while bounded.read(_CHUNK):  # to the checksum at the end
                pass
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        raise DataError(
            f"{archive.name} cannot be read to its end ({error}); download it again."
        ) from None
    if missing:
        words = f"it lacks {', '.join(sorted(missing))}"
        raise DataError(f"{archive.name} is not official: {words}; download it again.")


def unpacked(name: str, archive: Path, beside: Path | None = None) -> Path:
    """Unpack an archive into Keras's cache, once, and leave all that is there as it is.

    Args:
        name: ``"cifar10"`` or ``"cifar100"``.
        archive: The archive.
        beside: The folder to use where the cache cannot be written; None stands for none.

    Returns:
        A folder of batch files.

    Raises:
        DataError: If the archive is damaged.
        OSError: If it can be written nowhere.
    """
    places = [caches()[0] / "datasets", *([beside] if beside else [])]
    wanted = [_unpacked(archive, FORMS[name], place) for place in places]
    for kept in wanted:
        if kept.is_dir():
            return kept
    for kept in wanted[:-1]:
        with contextlib.suppress(OSError):
            return _written(name, archive, kept)
    return _written(name, archive, wanted[-1])


def _unpacked(archive: Path, form: Form, place: Path) -> Path:
    """Where the files of just this archive are kept."""
    facts = archive.stat()
    return place / f"{form.folder}-{facts.st_size:x}-{facts.st_mtime_ns:x}" / form.folder


def _written(name: str, archive: Path, to: Path) -> Path:
    """Write the files of an archive to a new folder, all or none; an existing folder stays."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".writing-") as place:
        fresh = Path(place, to.name)
        fresh.mkdir()
        for file, content in _members(name, archive):
            (fresh / file).write_bytes(content)
        try:
            os.rename(fresh, to)
        except OSError:
            if not to.is_dir():  # else another process has just written the same
                raise
    return to
