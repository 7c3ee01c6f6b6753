"""Files that are written whole or not at all, whatever ends the program meanwhile."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A fresh path in the same folder, whose file takes the place of ``path`` in the end.

    Missing folders are made. If the block raises, ``path`` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as place:
        fresh = Path(place, path.name)
        yield fresh
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(fresh, path)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write text, as UTF-8 with ``\\n`` line ends, or bytes."""
    with replacing(path) as fresh:
        fresh.write_bytes(content.encode() if isinstance(content, str) else content)
