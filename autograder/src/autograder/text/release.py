"""From the course's texts to the source notebooks, and through nbgrader to the students' release.

A build is a pure function of the texts: it always gives the same bytes for every file. Writing
them, and comparing them with what is committed, are small steps after it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat

from autograder.course import Course, unknown
from autograder.root import CourseError
from autograder.text import rules
from autograder.text.authoring import notebook_json, read_cells, to_notebook
from autograder.text.cells import parse
from autograder.text.setup import SetUp
from convcourse.files import write_whole

# Shorter runs of lines are everyday code, which may appear anywhere.
WORTH_NAMING = 40


def texts_of(course: Course) -> dict[str, str]:
    """All course texts, by assignment name."""
    paths = sorted((course.root / "course").glob("*.py"))
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


# Turns source notebooks into students' notebooks; both are JSON text by assignment name.
Generate = Callable[[Course, dict[str, str]], dict[str, str]]


def build(course: Course, names: list[str] | None = None, *, generate: Generate) -> dict[Path, str]:
    """The content of each source and release notebook, by path.

    Args:
        course: The course whose texts are built.
        names: The assignments to build; all of them by default.
        generate: What strips solutions and hidden tests; see `autograder.nbgrader.generate`.

    Raises:
        CourseError: If the assignments break rules or leak secrets; the error lists all of them.
    """
    texts = texts_of(course)
    names = names or list(texts)
    for name in names:
        if name not in texts:
            raise unknown(name, texts, " with a text in course/")
    files = {f"course/{name}.py" for name in names}
    broken = [v for v in rules.check(course, texts) if v.file in files]
    if broken:
        raise CourseError("\n".join(map(str, broken)))
    sources = {name: notebook_json(_source(course, name, texts[name])) for name in names}
    releases = generate(course, sources)
    leaks = [v for name in names for v in find_leaks(name, texts[name], releases)]
    if leaks:
        raise CourseError("\n".join(map(str, leaks)))
    return {course.source_path(name): text for name, text in sources.items()} | {
        course.release_path(name): text for name, text in releases.items()
    }


def _source(course: Course, name: str, text: str) -> nbformat.NotebookNode:
    set_up = SetUp(course)
    return to_notebook(text, course.kernel, set_up.cell, set_up.badge(name), name)


def find_leaks(name: str, text: str, releases: dict[str, str]) -> Iterator[rules.Violation]:
    """Runs of lines of a solution or hidden block that the released notebooks show.

    A run counts if it has at least `WORTH_NAMING` characters, or three times as many in another
    assignment's release, because assignments share everyday lines of Keras. Imports never count.
    """
    shown = {
        other: "\n" + "\n".join(_lines(_sources(released))) + "\n"
        for other, released in releases.items()
    }
    for number, cell in enumerate(map(parse, read_cells(text)), start=1):
        for secret in (cell.solution, cell.hidden):
            found = _first_shown(_lines(secret), name, shown)
            if found:
                place, line = found
                label = f'cell {number} ({cell.role} "{cell.id}")'
                mend = f'release/{place} shows "{line}" of it: change or hide that line there.'
                yield rules.Violation(f"course/{name}.py", label, mend)


def _first_shown(secret: list[str], name: str, shown: dict[str, str]) -> tuple[str, str] | None:
    """The release that shows some of the secret lines, and the first of these lines."""
    for other, lines in shown.items():
        worth = WORTH_NAMING if other == name else 3 * WORTH_NAMING
        for run in _runs(secret, worth):
            if f"\n{run}\n" in lines:
                return other, run.split("\n")[0]
    return None


def differences(course: Course, built: dict[Path, str], names: list[str] | None) -> list[str]:
    """One sentence for each file on disk that differs from what the texts build."""
    found = []
    for path, text in built.items():
        if not path.is_file():
            found.append(f"{path.relative_to(course.root)} is missing.")
        elif path.read_bytes() != text.encode():
            found.append(f"{path.relative_to(course.root)} differs from what course/ builds.")
    if not names:
        for room in ("source", "release"):
            for path in sorted((course.root / room).rglob("*")):
                if path.is_file() and path not in built and ".ipynb_checkpoints" not in path.parts:
                    found.append(
                        f"{path.relative_to(course.root)} has no text in course/: remove it."
                    )
    return found


def write(built: dict[Path, str]) -> list[Path]:
    """Write the files that differ from those on disk.

    Returns:
        The paths that changed.
    """
    changed = []
    for path, text in built.items():
        if path.is_file() and path.read_bytes() == text.encode():
            continue
        write_whole(path, text)
        changed.append(path)
    return changed


def _sources(released: str) -> str:
    notebook = nbformat.reads(released, as_version=4)
    return "\n".join(cell.source for cell in notebook.cells)


def _lines(source: str) -> list[str]:
    lines = (line.strip() for line in source.split("\n"))
    return [line for line in lines if line and not line.startswith(("import ", "from "))]


def _runs(lines: list[str], worth: int) -> Iterator[str]:
    """For each line, the shortest run of lines from there that is long enough to count."""
    for start in range(len(lines)):
        for end in range(start + 1, len(lines) + 1):
            run = "\n".join(lines[start:end])
            if len(run) >= worth:
                yield run
                break
