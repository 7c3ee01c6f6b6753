"""nbgrader's configuration of a course, and how its converters are run."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from traitlets.config import Config, PyFileConfigLoader

FILE = "nbgrader_config.py"


def load(root: Path) -> Config:
    """The settings of nbgrader_config.py, if there is one, with ``root`` as the course folder."""
    config = Config()
    if (root / FILE).is_file():
        config = PyFileConfigLoader(FILE, path=str(root)).load_config()
    config.CourseDirectory.root = str(root)
    return config


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder, with this Python's programs in PATH: nbgrader runs alembic by name."""
    before, path = os.getcwd(), os.environ.get("PATH", "")
    os.chdir(folder)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    try:
        yield
    finally:
        os.chdir(before)
        os.environ["PATH"] = path
