"""A made-up class of six, and what it hands in on Moodle: an archive and a grading worksheet.

One student is right, one is right in another form, one is partly wrong, one is untouched, one
raises an error, and one is not even valid JSON. The answers in another form and the wrong answers
are in course/demo/NAME.py.
"""

import csv
import io
import zipfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.classlist import roster as rosters
from autograder.classlist.roster import Student
from autograder.root import CourseError
from autograder.text.authoring import read_cells
from autograder.text.cells import facts

BODY = "### BEGIN SOLUTION"
_PEOPLE = {
    "right": "Ana García López",
    "another_form": "Ben Okafor",
    "partly_wrong": "Chloé Martin",
    "untouched": "Dilek Yılmaz",
    "raises": "Emil Novák",
    "not_JSON": "Finn O'Brien",
}
STUDENTS = tuple(_PEOPLE)
ROSTER = [
    Student(id, name, f"{id.lower()}@uni.example", {"moodle": str(4821 + k)})
    for k, (id, name) in enumerate(_PEOPLE.items())
]
_COLUMNS = ["Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade"]
_COLUMNS += ["Grade can be changed", "Last modified (submission)", "Last modified (grade)"]
_COLUMNS += ["Feedback comments"]
_DAY = "Friday, 30 January 2026, 8:30 PM"


def hand_in(place: Path, name: str, answers: str, points: float) -> tuple[Path, Path]:
    """Write the six submissions of one assignment as Moodle gives them to a lecturer.

    Args:
        place: The course folder of the demo, with the source and the release.
        name: The assignment.
        answers: The text of course/demo/NAME.py.
        points: The most that can be reached.

    Returns:
        The archive of all submissions, and the grading worksheet.
    """
    folder = place / "moodle" / name
    folder.mkdir(parents=True, exist_ok=True)
    archive, worksheet = folder / "submissions.zip", folder / "worksheet.csv"
    made = submissions(place, name, answers)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for one in ROSTER:
            below = f"{one.name}_{one.ids['moodle']}_assignsubmission_file_"
            packed.writestr(f"{below}/{name}.ipynb", made[one.id])
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for one in ROSTER:
        number, status = f"Participant {one.ids['moodle']}", "Submitted for grading"
        row = [number, one.name, one.email, status, "", f"{points:.2f}", "Yes", _DAY, "-", ""]
        writer.writerow(row)
    worksheet.write_text(text.getvalue(), encoding="utf-8")
    rosters.write(place / rosters.FILE, ROSTER)
    return archive, worksheet


def submissions(place: Path, name: str, answers: str) -> dict[str, str]:
    """The notebook of each student, by id."""
    source = nbformat.read(place / "source" / name / f"{name}.ipynb", as_version=4)
    blank = (place / "release" / name / f"{name}.ipynb").read_text(encoding="utf-8")
    return {
        "right": nbformat.writes(source),
        "another_form": nbformat.writes(with_answers(source, answers, "another")),
        "partly_wrong": nbformat.writes(with_answers(source, answers, "wrong")),
        "untouched": blank,
        "raises": nbformat.writes(with_errors(source)),
        "not_JSON": blank[: len(blank) // 2],
    }


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
            raise CourseError(
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
