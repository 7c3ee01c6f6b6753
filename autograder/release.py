"""From the course's texts to the source notebooks, and through nbgrader to the students' release.

A build is a function of the texts: it gives the bytes of every file, the same ones each time.
Writing them, and comparing them with what is committed, are thin steps after it.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

from autograder import rules
from autograder.authoring import notebook_json, read_cells, to_notebook
from autograder.cells import MARKS, blocks, role_of
from autograder.course import Course, CourseError

# Fewer characters than this are everyday code, which may stand anywhere.
WORTH_NAMING = 40


def texts_of(course: Course) -> dict[str, str]:
    """Every course text that there is, by assignment name."""
    paths = sorted((course.root / "course").glob("*.py"))
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


def build(course: Course, names: list[str] | None = None) -> dict[Path, str]:
    """The content of each source and release notebook, by path; all assignments without names.

    Raises `CourseError` with every broken rule and every leak of the assignments asked for.
    """
    texts = texts_of(course)
    names = names or list(texts)
    for name in names:
        if name not in texts:
            known = ", ".join(texts) or "none yet"
            raise CourseError(f"There is no course/{name}.py; the texts are: {known}.")
    files = {f"course/{name}.py" for name in names}
    broken = [v for v in rules.check(course, texts) if v.file in files]
    if broken:
        raise CourseError("\n".join(map(str, broken)))
    sources = {name: notebook_json(to_notebook(texts[name], course.kernel)) for name in names}
    releases = generate(course, sources)
    leaks = [v for name in names for v in find_leaks(name, texts[name], releases)]
    if leaks:
        raise CourseError("\n".join(map(str, leaks)))
    return {course.source_path(name): text for name, text in sources.items()} | {
        course.release_path(name): text for name, text in releases.items()
    }


def generate(course: Course, sources: dict[str, str]) -> dict[str, str]:
    """The students' notebooks that nbgrader makes of source notebooks, by assignment name.

    nbgrader works in a temporary course folder with a gradebook of its own, under this course's
    `nbgrader_config.py`; nothing of the course is touched.
    """
    if not sources:
        return {}
    # Imported here, because nbgrader takes seconds to load and most verbs need none of it.
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory

    with TemporaryDirectory(prefix="release-") as folder:
        root = Path(folder).resolve()
        for name, text in sources.items():
            path = root / "source" / name / f"{name}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")
        config = _nbgrader_config(course.root)
        config.CourseDirectory.root = str(root)
        config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
        config.CourseDirectory.assignment_id = "*"
        log = logging.getLogger("autograder.release")
        log.setLevel(logging.ERROR)
        coursedir = CourseDirectory(config=config, log=log)
        GenerateAssignment(coursedir=coursedir, config=config, log=log).start()
        release = root / "release"
        return {
            name: (release / name / f"{name}.ipynb").read_text(encoding="utf-8") for name in sources
        }


def find_leaks(name: str, text: str, releases: dict[str, str]) -> Iterator[rules.Violation]:
    """Runs of lines of a solution or hidden block that the released notebooks show.

    A run counts from `WORTH_NAMING` characters on, in another assignment's release from three
    times as many: assignments share everyday lines of Keras. Imports are no secret.
    """
    shown = {
        other: "\n" + "\n".join(_lines(_sources(released))) + "\n"
        for other, released in releases.items()
    }
    for number, cell in enumerate(read_cells(text), start=1):
        for mark in MARKS:
            secret = _lines("\n".join(blocks(cell.source, mark).inside))
            found = _first_shown(secret, name, shown)
            if found:
                place, line = found
                label = f'cell {number} ({role_of(cell)} "{_id_of(cell)}")'
                mend = f'release/{place} shows "{line}" of it: change or hide that there.'
                yield rules.Violation(f"course/{name}.py", label, mend)


def _first_shown(secret: list[str], name: str, shown: dict[str, str]) -> tuple[str, str] | None:
    """Where one of the secret lines is shown, and the first line of what is."""
    for other, lines in shown.items():
        worth = WORTH_NAMING if other == name else 3 * WORTH_NAMING
        for run in _runs(secret, worth):
            if f"\n{run}\n" in lines:
                return other, run.split("\n")[0]
    return None


def differences(course: Course, built: dict[Path, str], names: list[str] | None) -> list[str]:
    """One sentence for each file on disk that is not what the texts build."""
    found = []
    for path, text in built.items():
        if not path.is_file():
            found.append(f"{path.relative_to(course.root)} is missing.")
        elif path.read_bytes() != text.encode():
            found.append(f"{path.relative_to(course.root)} is not what course/ builds.")
    if not names:
        for room in ("source", "release"):
            for path in sorted((course.root / room).rglob("*")):
                if path.is_file() and path not in built and ".ipynb_checkpoints" not in path.parts:
                    found.append(f"{path.relative_to(course.root)} is built by no text: remove it.")
    return found


def write(built: dict[Path, str]) -> list[Path]:
    """Write what differs from what is there; the paths that changed."""
    changed = []
    for path, text in built.items():
        if path.is_file() and path.read_bytes() == text.encode():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        changed.append(path)
    return changed


def _nbgrader_config(root: Path):
    from traitlets.config import Config, PyFileConfigLoader

    if not (root / "nbgrader_config.py").is_file():
        return Config()
    return PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()


def _sources(released: str) -> str:
    notebook = nbformat.reads(released, as_version=4)
    return "\n".join(cell.source for cell in notebook.cells)


def _lines(source: str) -> list[str]:
    lines = (line.strip() for line in source.split("\n"))
    return [line for line in lines if line and not line.startswith(("import ", "from "))]


def _runs(lines: list[str], worth: int) -> Iterator[str]:
    """From each line on, the shortest run of lines that is worth naming."""
    for start in range(len(lines)):
        for end in range(start + 1, len(lines) + 1):
            run = "\n".join(lines[start:end])
            if len(run) >= worth:
                yield run
                break


def _id_of(cell: nbformat.NotebookNode) -> str:
    return cell.metadata[role_of(cell)]
