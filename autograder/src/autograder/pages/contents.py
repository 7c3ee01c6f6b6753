"""The page of contents of a published course, as HTML that needs no network and as Markdown."""

from dataclasses import dataclass
from pathlib import Path

import jinja2

from autograder.course import Course

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Entry:
    """One published assignment: its name, where its file lies from the page, and Colab's link."""

    name: str
    title: str
    minutes: int
    points: int
    file: str
    colab: str
    builds_on: str


def entries(course: Course, files: dict[str, str], colab: dict[str, str]) -> list[Entry]:
    """What the page lists, in the order of the course.

    Args:
        course: The course.
        files: The path of each published notebook, by assignment.
        colab: The address that opens it in Colab, by assignment; empty texts where there is none.
    """
    titles = {one.name: one.title.partition(":")[0] for one in course.assignments}
    return [
        Entry(
            one.name,
            *(one.title, one.minutes, one.points, files[one.name], colab.get(one.name, "")),
            builds_on=", ".join(titles.get(name, name) for name in one.builds_on),
        )
        for one in course.assignments
        if one.name in files
    ]


def html(course: Course, listed: list[Entry], wheel: str) -> str:
    """The page of contents."""
    return _render("contents.html", course, listed, wheel, escaped=True)


def markdown(course: Course, listed: list[Entry], wheel: str) -> str:
    """The same as a README."""
    return _render("contents.md", course, listed, wheel, escaped=False)


def _render(template: str, course: Course, listed: list[Entry], wheel: str, escaped: bool) -> str:
    # The Markdown goes to places that show it without running anything of it.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=escaped,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    facts = {"title": course.title or "Course", "entries": listed, "wheel": wheel}
    installs = bool(course.site or course.repository)
    total = sum(one.points for one in listed)
    made = environment.get_template(template)
    return made.render(**facts, installs=installs, total=total)
