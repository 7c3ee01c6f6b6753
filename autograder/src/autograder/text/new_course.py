"""Makes a course outside this repository: some of its assignments, under a title of one's own.

What a course begins with lies beside this package: in its wheel (autograder/setup.py puts it
there), or in the repository that it is installed from.
"""

import difflib
import json
import re
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path
from string import Template

import autograder
from autograder import course as courses
from autograder.course import Course
from autograder.root import TABLE, CourseError
from convcourse.files import write_whole

IN_WHEEL = "given"  # the folder of the package that holds what a course begins with
CONFIG = "nbgrader_config.py"
_TEMPLATES = Path(__file__).parent / "templates"
# What each assignment has besides its text, by folder below course/.
_BESIDE = ("calibration", "equivalents", "demo")
_HEAD = "[[assignment]]"
_NOT_YOURS = r"^(?:repository|tag|wheel|site) = .*$"  # where the other course is published
_ID = 'c.CourseDirectory.course_id = "convcourse"'


def given(named: Path | None = None) -> Path:
    """The folder with ``course/`` and nbgrader's settings from which a new course is made.

    Args:
        named: Another course to start from; by default what came with this package.

    Raises:
        CourseError: If there is none.
    """
    package = Path(autograder.__file__).resolve().parent
    for folder in (named,) if named else (package / IN_WHEEL, package.parents[2]):
        if (folder / TABLE).is_file() and (folder / CONFIG).is_file():
            return folder
    if named:
        raise CourseError(f"{named} is no course: it lacks {TABLE} or {CONFIG}.")
    raise CourseError(
        "This installation came without the course's texts: pass --texts with the folder of a "
        f"course, which holds {TABLE} and {CONFIG}."
    )


def make(folder: Path, texts: Path, names: Sequence[str] = (), title: str = "") -> Course:
    """Write a course of its own.

    Args:
        folder: Where to; it must be missing or empty.
        texts: Where the texts are; see `given`.
        names: The assignments to take; all by default. They keep the order of the course.
        title: The course's title; by default that of the texts.

    Raises:
        CourseError: If the folder holds something, or an assignment does not exist.
    """
    folder = folder.expanduser().resolve()
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise CourseError(f"{folder} is not empty: name a new folder, which this makes.")
    source = courses.load(texts)
    chosen = _chosen(source, names)
    table = _table((texts / TABLE).read_text(encoding="utf-8"), chosen, title)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / TABLE, table)
    for name in chosen:
        shutil.copy(source.text_path(name), folder / "course")
        for kind in _BESIDE:
            for path in sorted((texts / "course" / kind).glob(f"{name}.*")):
                (folder / "course" / kind).mkdir(exist_ok=True)
                shutil.copy(path, folder / "course" / kind)
    made = courses.load(folder)
    course_id = re.sub(r"[^A-Za-z0-9_-]+", "-", folder.name).strip("-_") or "course"
    settings = (texts / CONFIG).read_text(encoding="utf-8")
    write_whole(folder / CONFIG, settings.replace(_ID, _ID.replace("convcourse", course_id)))
    words = {"title": made.title, "first": chosen[0]}
    for template, place in _FILES.items():
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        write_whole(folder / place, Template(text).safe_substitute(words))
    return made


_FILES = {
    "course_readme.md": "README.md",
    "course_gitignore.txt": ".gitignore",
    "course_ci.yml": ".github/workflows/check.yml",
}


def left_out(made: Course, texts: Path) -> list[str]:
    """A sentence for each assignment that builds on one that the new course leaves out."""
    told = []
    for one in courses.load(texts).assignments:
        missing = [name for name in one.builds_on if name not in made.names]
        if one.name in made.names and missing:
            told.append(
                f"{one.name} builds on {' and '.join(missing)}, which this course leaves out: add "
                f"{'it' if len(missing) == 1 else 'them'}, or make sure that your students know "
                "what is taught there."
            )
    return told


def _chosen(source: Course, names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in source.names:
            near = difflib.get_close_matches(name, source.names, n=1)
            advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(source.names)}."
            raise CourseError(f"There is no assignment {name!r}: {advice}")
    chosen = [name for name in source.names if name in names or not names]
    if not chosen:
        raise CourseError("The course to start from has no assignments.")
    return chosen


def _table(text: str, chosen: Sequence[str], title: str) -> str:
    """course.toml with the chosen assignments alone, its comments included."""
    head, *blocks = text.split(_HEAD)
    if title:
        head = f"title = {json.dumps(title, ensure_ascii=False)}\n" + re.sub(
            r"^title = .*\n", "", head, flags=re.M
        )
    head = re.sub(_NOT_YOURS, r"# \g<0>", head, flags=re.M)
    kept = [re.sub(r"^heldout_seed = .*\n", "", head, flags=re.M)]
    for block in blocks:
        entry = tomllib.loads(_HEAD + block)["assignment"][0]
        if entry["name"] in chosen:
            known = ", ".join(f'"{one}"' for one in entry.get("builds_on", ()) if one in chosen)
            line = f"builds_on = [{known}]"
            kept.append(re.sub(r"^builds_on = \[[^\]]*\]", line, block, flags=re.M))
    return _HEAD.join(kept).rstrip("\n") + "\n"
