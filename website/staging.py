"""Gathers the site's pages in one folder: those of docs/, and those made from the course."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import course_pages

from autograder.course import Course

_ASSETS = Path(__file__).parent / "assets"
# A page of docs/ may hold these; they become what the course says.
_PARTS: dict[str, Callable[[Course], str]] = {
    "<!-- syllabus -->": course_pages.syllabus,
    "<!-- thresholds -->": course_pages.thresholds,
    "<!-- late -->": course_pages.lateness,
    "<!-- title -->": lambda course: course.title,
}
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#|mailto:)([^)\s]+)\)")
_GUIDES = [f"guides/{name}.md" for name in ("students", "instructors", "authors", "maintainers")]
_FIRST = ["publishing.md", "collecting.md", "marks.md", "grading.md", "authoring.md"]
_TOP = {"CONTRIBUTING.md": "contributing.md"}  # pages of the top folder that belong to the site


def gather(course: Course, folder: Path) -> None:
    """Fill a folder, which is emptied first, with all pages and files of the site."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(course.root / "docs", folder, ignore=shutil.ignore_patterns("*.txt"))
    shutil.copytree(_ASSETS, folder / "assets")
    for path in sorted(folder.rglob("*.md")):
        depth = len(path.relative_to(folder).parts) - 1
        text = filled(course, path.read_text(encoding="utf-8"))
        path.write_text(within(text, depth), encoding="utf-8")
    for name, there in _TOP.items():
        text = (course.root / name).read_text(encoding="utf-8")
        (folder / there).write_text(from_top(text), encoding="utf-8")
    (folder / "notebooks").mkdir()
    for name in _released(course):
        page = folder / "notebooks" / f"{name}.md"
        page.write_text(course_pages.notebook(course, name), encoding="utf-8")
        shutil.copy(course.release_path(name), page.with_suffix(".ipynb"))


def navigation(course: Course, folder: Path) -> list[dict[str, Any]]:
    """MkDocs's `nav`: every page is in it, the notebooks in the order of the course."""
    notebooks = [
        {f"{name[:2]} {course.assignment(name).title.partition(':')[0]}": f"notebooks/{name}.md"}
        for name in _released(course)
    ]
    found = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.md"))]
    named = {"index.md", "syllabus.md", *_GUIDES, *_FIRST}
    rest = [path for path in found if path not in named and not path.startswith("notebooks/")]
    return [
        {"Home": "index.md"},
        {"Syllabus": "syllabus.md"},
        {"Notebooks": notebooks},
        {"Guides": _GUIDES},
        {"Reference": [*(path for path in _FIRST if path in found), *rest]},
    ]


def filled(course: Course, text: str) -> str:
    """A page's text with what the course says in the place of its marks."""
    for mark, made in _PARTS.items():
        if mark in text:
            text = text.replace(mark, made(course))
    return text


def within(text: str, depth: int) -> str:
    """A page of docs/ whose links out of docs/ lead to the site's pages, or are their words."""
    above = "../" * (depth + 1)

    def replaced(link: re.Match) -> str:
        if not link[2].startswith(above):
            return link[0]
        there = _TOP.get(link[2].removeprefix(above))
        return f"[{link[1]}]({'../' * depth}{there})" if there else link[1]

    return _LINK.sub(replaced, text)


def from_top(text: str) -> str:
    """A page of the top folder as if it lay in docs/."""

    def replaced(link: re.Match) -> str:
        is_page = link[2].startswith("docs/") and link[2].endswith(".md")
        return f"[{link[1]}]({link[2].removeprefix('docs/')})" if is_page else link[1]

    return _LINK.sub(replaced, text)


def _released(course: Course) -> list[str]:
    return [name for name in course.names if course.release_path(name).is_file()]
