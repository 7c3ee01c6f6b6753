"""A small made-up class, graded for real: what `make demo` shows.

Six students hand in each assignment: a right answer, one right in another form, one partly
wrong, an untouched one, one whose code raises, and one that is not even valid JSON.
"""

import os
import shutil
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder import course as courses
from autograder import grade, release, report

PLACE = Path("demo")
STUDENTS = ("right", "another form", "partly wrong", "untouched", "raises", "not JSON")
BODY = "### BEGIN SOLUTION"


def run(root: Path, say=print) -> Path:
    """Build, release, hand in, grade and report; returns the class page's path."""
    started = time.monotonic()
    course = courses.load(root)
    place = root / PLACE
    shutil.rmtree(place, ignore_errors=True)
    names = [a.name for a in course.assignments if (root / "course" / f"{a.name}.py").is_file()]
    say(f"Building and releasing {len(names)} assignments: {', '.join(names)}.")
    for path, text in release.build(course, names).items():
        to = place / path.relative_to(root)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text, encoding="utf-8")
    shutil.copytree(root / "course", place / "course")
    shutil.copy(root / "nbgrader_config.py", place)
    os.environ["COURSE_ROOT"] = str(place)
    for name in names:
        hand_in(place, name)
        say(f"Grading {len(STUDENTS)} submissions of {name}:")
        grade.grade(
            place, name, watch=lambda e: say(f"  [{e.done}/{e.total}] {e.student} {e.state}")
        )
        write_feedback(place, name)
    say(f"Graded and written after {time.monotonic() - started:.0f} s.")
    report.show(place, names)
    page = report.write(place, names, place / "class.html")
    say(f"Open the class page: {page}")
    return page


def hand_in(place: Path, name: str) -> None:
    """Make the six submissions of one assignment from its source and its release."""
    source = nbformat.read(place / "source" / name / f"{name}.ipynb", as_version=4)
    blank = (place / "release" / name / f"{name}.ipynb").read_text(encoding="utf-8")
    made = {
        "right": nbformat.writes(source),
        "another form": nbformat.writes(another_form(source)),
        "partly wrong": nbformat.writes(with_wrong_last_answer(source)),
        "untouched": blank,
        "raises": nbformat.writes(with_errors(source)),
        "not JSON": blank[: len(blank) // 2],
    }
    for student in STUDENTS:
        folder = place / "submitted" / student.replace(" ", "_") / name
        folder.mkdir(parents=True)
        (folder / f"{name}.ipynb").write_text(made[student], encoding="utf-8")


def _solutions(nb: NotebookNode) -> list[NotebookNode]:
    kinds = [(c, c.metadata.get("nbgrader", {})) for c in nb.cells if c.cell_type == "code"]
    return [c for c, facts in kinds if facts.get("solution") and not facts.get("grade")]


def another_form(source: NotebookNode) -> NotebookNode:
    """The same answers behind a layer of functions: `f` calls `_f`, which holds the answer."""
    nb = nbformat.reads(nbformat.writes(source), as_version=4)
    for cell in _solutions(nb):
        name = _function(cell.source)
        if name:
            inner = cell.source.replace(f"def {name}(", f"def _{name}(")
            cell.source = f"{inner}\n\n\n{name} = lambda *given, **named: _{name}(*given, **named)"
    return nb


def with_wrong_last_answer(source: NotebookNode) -> NotebookNode:
    """Right but for the last exercise, whose function returns nothing."""
    nb = nbformat.reads(nbformat.writes(source), as_version=4)
    last = _solutions(nb)[-1]
    last.source += f"\n\n\n{_function(last.source)} = lambda *given, **named: None"
    return nb


def with_errors(source: NotebookNode) -> NotebookNode:
    """Every answer divides by zero first."""
    nb = nbformat.reads(nbformat.writes(source), as_version=4)
    for cell in _solutions(nb):
        cell.source = cell.source.replace(BODY, "1 / 0")
    return nb


def _function(source: str) -> str:
    """The name of the last function that a cell defines at its left edge."""
    names = [line[4:].split("(")[0] for line in source.splitlines() if line.startswith("def ")]
    return names[-1] if names else ""


def write_feedback(place: Path, name: str) -> None:
    """nbgrader's feedback pages of one assignment, without hidden tests."""
    grade.Room(place, name, grade.Settings()).feedback()
