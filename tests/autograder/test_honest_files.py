"""A class whose files are honest and odd, graded in one run: marks, flags, pages."""

import base64
import json
from pathlib import Path

import nbformat
import pytest
from changes import (
    ANSWERS,
    CODE,
    RAW,
    TEXT,
    added,
    all_of,
    cell,
    handed,
    merged,
    moved,
    retyped,
    source,
    without,
    without_names,
)
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from nbgrader.server_extensions.formgrader import handlers

from autograder.nbgrader import results
from autograder.nbgrader.room import Room
from autograder.run import grade

pytestmark = pytest.mark.kernel

NAME = "small"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16_000)).decode()
RIGHT = "right-name"


def pasted(nb: nbformat.NotebookNode) -> None:
    cell(nb, "why").source += f"\n\n![image.png](data:image/png;base64,{PNG})"


def attached(nb: nbformat.NotebookNode) -> None:
    cell(nb, "why").source += "\n\n![image.png](attachment:image.png)"
    cell(nb, "why")["attachments"] = {"image.png": {"image/png": PNG}}


def too_long(nb: nbformat.NotebookNode) -> None:
    added(CODE, "while True: pass", after="setup")(nb)


# Each of them has right answers: what was done to the notebook, and to its name.
CLASS = {
    "untouched": (lambda nb: None, RIGHT),
    "no-ids": (without_names, RIGHT),
    "retyped": (all_of(retyped("double-answer", RAW), retyped("square-answer", TEXT)), RIGHT),
    "prose-as-code": (retyped("why", CODE), RIGHT),
    "copy-of": (lambda nb: None, f"Copy of {NAME} (1).ipynb"),
    "colab-picture": (pasted, RIGHT),
    "lab-picture": (attached, RIGHT),
    "moved": (moved("double", before="double-answer"), RIGHT),
    "merged": (merged("double-answer", "double", "double"), RIGHT),
    "deleted-checks": (without("double", "square"), RIGHT),
    "endless": (too_long, RIGHT),
}
ASKED = {
    "renamed": (
        all_of(without("double-answer"), added(CODE, "def doubled(n): return 2 * n", "double")),
        {"double"},
    ),
    "another": (lambda nb: nb.update(cells=nb.cells[-1:]), {"double", "square", "why"}),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("honest")
    (root / "source" / NAME).mkdir(parents=True)
    nb = source()
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nb, root / "source" / NAME / f"{NAME}.ipynb")
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'small'\n"
    )
    for student, (change, name) in {
        **CLASS,
        **{s: (c, RIGHT) for s, (c, _) in ASKED.items()},
    }.items():
        nb = handed(ANSWERS)
        change(nb)
        folder = root / "submitted" / student / NAME
        folder.mkdir(parents=True)
        (folder / (f"{NAME}.ipynb" if name == RIGHT else name)).write_text(json.dumps(nb))
    two = root / "submitted" / "two-files" / NAME
    two.mkdir(parents=True)
    for name in ("mine.ipynb", "yours.ipynb"):
        (two / name).write_text(json.dumps(handed(ANSWERS)))
    return root


@pytest.fixture(scope="module")
def events(root) -> list[grade.Progress]:
    seen: list[grade.Progress] = []
    settings = grade.Settings(cell_seconds=5)
    grade.grade(root, NAME, jobs=2, settings=settings, watch=seen.append)
    Room(root, NAME).feedback()
    return seen


def grades(root: Path, student: str) -> dict:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        (notebook,) = gradebook.find_submission(NAME, student).notebooks
        return {one.name: (one.auto_score, one.needs_manual_grade) for one in notebook.grades}


def graded(root: Path, student: str) -> nbformat.NotebookNode:
    path = root / "autograded" / student / NAME / f"{NAME}.ipynb"
    return nbformat.read(path, as_version=4)


def pages(root: Path, student: str) -> list[str]:
    """What the student reads, and what the marker reads in Formgrader."""
    place = root / "feedback" / student / NAME / f"{NAME}.html"
    facts = {"base_url": "", "index": 0, "total": 1, "notebook_id": NAME}
    paths = [handlers.template_path]
    exporter = HTMLExporter(template_name="formgrade", extra_template_basedirs=paths)
    shown = exporter.from_notebook_node(graded(root, student), resources=facts)[0]
    return [place.read_text(encoding="utf-8"), shown]


@pytest.mark.parametrize("student", CLASS)
def test_right_answers_keep_their_marks_and_the_written_one_waits_for_its_marker(
    root, events, student
):
    assert grades(root, student) == {
        "double": (2, False),
        "square": (2, False),
        "why": (None, True),
    }
    assert "Because." in cell(graded(root, student), "why").source


@pytest.mark.parametrize("student", ASKED)
def test_what_cannot_be_matched_is_on_the_list_of_a_person(root, events, student):
    asked = ASKED[student][1]
    found = grades(root, student)
    assert {name for name, (_, waits) in found.items() if waits} == asked | {"why"}
    assert all(found[name][0] == 0 for name in asked - {"why"})
    (event,) = [one for one in events if one.student == student]
    assert event.state == "done" and "a person must look at" in event.message
    (row,) = [one for one in results.read(root, NAME).rows if one.student == student]
    assert all("A person must look at this" in row.marks[name].message for name in asked - {"why"})


def test_two_notebooks_of_which_either_could_count_are_on_the_list_too(root, events):
    (event,) = [one for one in events if one.student == "two-files"]
    assert event.state == "broken" and "mine.ipynb, yours.ipynb" in event.message
    assert grades(root, "two-files") == dict.fromkeys(("double", "square", "why"), (0, True))


@pytest.mark.parametrize("student", ["colab-picture", "lab-picture"])
def test_student_and_marker_see_the_picture(root, events, student):
    for page in pages(root, student):
        assert f'src="data:image/png;base64,{PNG}"' in page


@pytest.mark.parametrize(
    ("student", "words"),
    [
        ("retyped", "double-answer was found in a raw cell; it was run as code"),
        ("copy-of", "There is no small.ipynb, so Copy of small (1).ipynb was graded"),
        ("merged", "double-answer was found in the cell double"),
        ("endless", "A cell used 5 seconds of processor time and was stopped"),
        ("another", "No cell of this assignment was found in the notebook"),
    ],
)
def test_student_and_marker_read_what_was_done(root, events, student, words):
    for page in pages(root, student):
        assert words in page
