"""Files that are written whole or not at all, even if the program is killed meanwhile.

Archives for students date their entries by `day`.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a fresh path in the same folder; at the end its file replaces ``path``.

    Args:
        path: The file to write. Missing folders are made. If the block raises, the file stays as
            it was.

    Yields:
        Where the block writes the new content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as place:
        fresh = Path(place, path.name)
        yield fresh
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(fresh, path)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole.

    Args:
        path: The file. Missing folders are made.
        content: Bytes, or text to be written as UTF-8 with its line ends as they are.
    """
    with replacing(path) as fresh:
        fresh.write_bytes(content.encode() if isinstance(content, str) else content)


def day(files: Iterable[Path]) -> tuple[int, int, int, int, int, int]:
    """The day on which the newest of some files was written, for the entries of an archive.

    One date in whole days gives equal archives of equal files, and says something to a reader.

    Args:
        files: The files; what is missing is left out.

    Returns:
        Year, month, day and the time 0:00, from 1980 on, which is the first year of a zip archive.
    """
    newest = max((path.stat().st_mtime for path in files if path.is_file()), default=0)
    found = max(date.fromtimestamp(newest), date(1980, 1, 1))
    return found.year, found.month, found.day, 0, 0, 0
