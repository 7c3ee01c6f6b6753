"""The demo's class hands in what it says it does."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from autograder import course as courses
from autograder import demo, demo_class
from autograder.nbgrader.generate import generate
from autograder.root import CourseError
from autograder.text import release

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = '# %% another="net1-compile-answer"\npass\n\n# %% wrong="net1-predict-answer"\n1\n'


@pytest.fixture(scope="module")
def class_folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("demo")
    course = courses.load(ROOT)
    for path, text in release.build(course, ["03_net_1"], generate=generate).items():
        to = place / path.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text)
    shutil.copytree(ROOT / "course", place / "course")
    demo.bring_in(courses.load(place), "03_net_1", ANSWERS, say=lambda line: None)
    return place


def handed_in(place: Path, student: str) -> str:
    return (place / "submitted" / student / "03_net_1" / "03_net_1.ipynb").read_text()


def test_six_students_hand_in_and_their_archive_is_sorted_by_moodles_numbers(class_folder):
    found = {path.name for path in (class_folder / "submitted").iterdir()}
    assert found == set(demo_class.STUDENTS)


def test_each_differs_from_the_right_one_as_its_name_says(class_folder):
    source = nbformat.reads(handed_in(class_folder, "right"), as_version=4)
    for student, name in (("another_form", "pass"), ("partly_wrong", "1")):
        nb = nbformat.reads(handed_in(class_folder, student), as_version=4)
        changed = [b for a, b in zip(source.cells, nb.cells, strict=True) if a != b]
        assert [c.source for c in changed] == [name]
    assert "1 / 0" in handed_in(class_folder, "raises")
    assert "not attempted yet" in handed_in(class_folder, "untouched")
    with pytest.raises(ValueError):
        json.loads(handed_in(class_folder, "not_JSON"))


def test_an_answer_to_an_unknown_cell_is_refused(class_folder):
    source = nbformat.reads(handed_in(class_folder, "right"), as_version=4)
    with pytest.raises(CourseError, match="net1-compile-answer"):
        demo_class.with_answers(source, '# %% wrong="net9"\n1\n', "wrong")


@pytest.mark.parametrize("path", sorted((ROOT / "course/demo").glob("*.py")), ids=lambda p: p.stem)
def test_every_demo_answer_belongs_to_its_assignment(path):
    nb = nbformat.read(ROOT / "source" / path.stem / f"{path.stem}.ipynb", as_version=4)
    for word in ("another", "wrong"):
        assert demo_class.with_answers(nb, path.read_text(), word) != nb
