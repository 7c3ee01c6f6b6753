"""A small made-up class, graded for real: what `make demo` shows.

Six students submit each assignment: one is right, one is right in another form, one is partly
wrong, one is untouched, one raises an error, and one is not even valid JSON. The answers in
another form and the wrong answers are in course/demo/NAME.py.
"""

import os
import shutil
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder import course as courses
from autograder.nbgrader import results
from autograder.nbgrader.generate import generate
from autograder.nbgrader.room import Room
from autograder.pages import listing, report
from autograder.run import grade
from autograder.text import release
from autograder.text.authoring import read_cells
from autograder.text.cells import facts

PLACE = Path("demo")
STUDENTS = ("right", "another_form", "partly_wrong", "untouched", "raises", "not_JSON")
BODY = "### BEGIN SOLUTION"


def run(root: Path, say=print) -> Path:
    """Build, release, submit, grade and report.

    Args:
        root: The course folder; the demo writes to ``demo/`` there.
        say: Called with each line of the log.

    Returns:
        The path of the class page.
    """
    started = time.monotonic()
    course = courses.load(root)
    names = [a.name for a in course.assignments if answers_path(course, a.name).is_file()]
    if not names:
        raise courses.CourseError(
            "The demo answers no assignment of this course: write answers of a class to "
            "course/demo/NAME.py, as docs/authoring.md tells."
        )
    place = root / PLACE
    shutil.rmtree(place, ignore_errors=True)
    say(f"Building and releasing {len(names)} assignments: {', '.join(names)}.")
    for path, text in release.build(course, names, generate=generate).items():
        to = place / path.relative_to(root)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text, encoding="utf-8")
    shutil.copytree(root / "course", place / "course")
    shutil.copy(root / "nbgrader_config.py", place)
    os.environ["COURSE_ROOT"] = str(place)
    for name in names:
        hand_in(place, name, answers_path(course, name).read_text(encoding="utf-8"))
        say(f"Grading {len(STUDENTS)} submissions of {name}:")
        grade.grade(
            place, name, watch=lambda e: say(f"  [{e.done}/{e.total}] {e.student} {e.state}")
        )
        say(f"Writing the feedback pages of {name}.")
        Room(place, name).feedback()
    say(f"Graded and written after {time.monotonic() - started:.0f} s.")
    reports = [results.read(place, name) for name in names]
    listing.show(reports)
    page = place / "report" / "class.html"
    report.write_students(reports, page, course.title, place)
    report.write(reports, page, course.title, place)
    say(f"Open the class page: {page}")
    return page


def answers_path(course: courses.Course, name: str) -> Path:
    """Where the demo's answers to an assignment are; it skips assignments without answers."""
    return course.root / "course" / "demo" / f"{name}.py"


def hand_in(place: Path, name: str, answers: str) -> None:
    """Write the six submissions of one assignment.

    Args:
        place: The course folder of the demo, with the source and the release.
        name: The assignment.
        answers: The text of course/demo/NAME.py.
    """
    source = nbformat.read(place / "source" / name / f"{name}.ipynb", as_version=4)
    blank = (place / "release" / name / f"{name}.ipynb").read_text(encoding="utf-8")
    made = {
        "right": nbformat.writes(source),
        "another_form": nbformat.writes(with_answers(source, answers, "another")),
        "partly_wrong": nbformat.writes(with_answers(source, answers, "wrong")),
        "untouched": blank,
        "raises": nbformat.writes(with_errors(source)),
        "not_JSON": blank[: len(blank) // 2],
    }
    for student in STUDENTS:
        folder = place / "submitted" / student / name
        folder.mkdir(parents=True)
        (folder / f"{name}.ipynb").write_text(made[student], encoding="utf-8")


def _solutions(nb: NotebookNode) -> dict[str, NotebookNode]:
    """The solution cells that students write, by their id."""
    known = [(facts(cell), cell) for cell in nb.cells if cell.cell_type == "code"]
    return {name: cell for (role, name, _), cell in known if role == "solution"}


def with_answers(source: NotebookNode, answers: str, word: str) -> NotebookNode:
    """A copy of ``source`` with other answers: the cells marked ``word="solution id"``.

    Raises:
        CourseError: If the assignment has no solution cell with one of these ids.
    """
    nb = nbformat.reads(nbformat.writes(source), as_version=4)
    solutions = _solutions(nb)
    for cell in read_cells(answers):
        name = cell.metadata.get(word)
        if name is None:
            continue
        if name not in solutions:
            raise courses.CourseError(
                f'The demo answers {word}="{name}", which is not a solution cell: '
                f"write one of {', '.join(solutions)}."
            )
        solutions[name].source = cell.source
    return nb


def with_errors(source: NotebookNode) -> NotebookNode:
    """A copy in which every answer first divides by zero."""
    nb = nbformat.reads(nbformat.writes(source), as_version=4)
    for cell in _solutions(nb).values():
        cell.source = cell.source.replace(BODY, "1 / 0")
    return nb
