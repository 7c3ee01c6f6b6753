"""Which version of the grader gives the marks, so that a report can name a change of it."""

import functools
import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import autograder
import convcourse

_PACKAGES = "keras", "nbgrader", "numpy", "tensorflow"


@functools.cache
def engine() -> str:
    """A digest of both packages' files and of the versions of what they compute with."""
    found = hashlib.sha256()
    for package in (autograder, convcourse):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            found.update(path.read_bytes())
    for name in _PACKAGES:
        try:
            found.update(version(name).encode())
        except PackageNotFoundError:
            found.update(b"-")
    return found.hexdigest()[:16]
