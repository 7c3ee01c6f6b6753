"""The set-up cell, the last cell and the Colab badge: one template each, filled from course.toml.

A notebook installs nothing from an address that course.toml does not give. With an address, it
installs the wheel of the release that the notebook itself belongs to, and pip compares it with
the SHA-256 at the end of the address.
"""

import hashlib
from functools import cached_property
from pathlib import Path
from string import Template

import convcourse
from autograder.course import Course
from autograder.root import TABLE, CourseError

_TEMPLATES = Path(__file__).parent / "templates"
_TEMPLATE = (_TEMPLATES / "setup_cell.py").read_text(encoding="utf-8")
_LAST = (_TEMPLATES / "submit_cell.py").read_text(encoding="utf-8").rstrip("\n")
FIRST_LINE = _TEMPLATE.partition("\n")[0]
IN_TEXT = "# build writes the set-up cell here."  # what a course text has instead
_BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"


class SetUp:
    """What `build` fills in, for one course; without an address there is no badge."""

    def __init__(self, course: Course | None = None) -> None:
        self.course = course or Course(Path())

    @cached_property
    def cell(self) -> str:
        """The source of the set-up cell.

        Raises:
            CourseError: If course.toml names a wheel that is missing, or of another version.
        """
        filled = {"version": convcourse.__version__, "wheel": self.wheel}
        return Template(_TEMPLATE).substitute(filled).rstrip("\n")

    @property
    def wheel(self) -> str:
        """The address of the wheel with its SHA-256; empty without a site or a repository."""
        course = self.course
        if not (course.site or course.repository):
            return ""
        path = course.root / course.wheel
        wanted = f"convcourse-{convcourse.__version__}-py3-none-any.whl"
        if path.name != wanted:
            raise CourseError(
                f"{TABLE} says wheel = {course.wheel!r}, but the notebooks need {wanted}: "
                "run make wheels and write the path of that file there."
            )
        if not path.is_file():
            raise CourseError(
                f"There is no {course.wheel}, whose SHA-256 goes into the notebooks: run make "
                "wheels."
            )
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        release = f"{course.repository}/releases/download/{course.tag}"
        return f"{course.site.rstrip('/') or release}/{path.name}#sha256={digest}"

    def badge(self, name: str) -> str:
        """The line that opens an assignment in Colab; empty without a repository."""
        if not self.course.repository:
            return ""
        place = self.course.repository.removeprefix("https://github.com/")
        notebook = f"{place}/blob/{self.course.tag}/release/{name}/{name}.ipynb"
        return f"{_BADGE}(https://colab.research.google.com/github/{notebook})"


def with_badge(title: str, badge: str) -> str:
    """The source of a notebook's first cell with the badge below its title."""
    first, _, rest = title.partition("\n")
    return f"{first}\n\n{badge}\n{rest}" if badge else title


def without_badge(title: str) -> str:
    """The source of a notebook's first cell without the badge, as the course text has it."""
    lines = title.split("\n")
    if len(lines) > 2 and lines[1] == "" and lines[2].startswith(_BADGE):
        del lines[1:3]
    return "\n".join(lines)


def last_cell(name: str) -> str:
    """The source of an assignment's last cell, which packs what a student hands in."""
    return Template(_LAST).substitute(name=name)


def is_last(source: str) -> bool:
    """Whether a cell of a source notebook is the last one, as `build` writes it."""
    before, _, after = _LAST.partition("$name")
    return source.rstrip("\n").startswith(before) and source.rstrip("\n").endswith(after)


def is_filled(source: str) -> bool:
    """Whether a notebook's cell is the set-up cell."""
    return source.startswith((FIRST_LINE, IN_TEXT))
