"""Files that are written whole or not at all, even if the program is killed meanwhile."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
