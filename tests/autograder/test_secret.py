"""The images that judge come from a seed of the course's own, and a changed one grades anew."""

import os

import pytest
import tiny
from nbgrader.api import Gradebook

from autograder.run import grade, secret

OWN = ".autograder/heldout_seed"


@pytest.mark.unit
def test_a_seed_is_made_once_and_told(tmp_path):
    said = []
    first = secret.table(tiny.make(tmp_path, students=0), said.append)
    assert first == secret.table(tmp_path, said.append)
    assert len(said) == 1 and OWN in said[0]
    assert (tmp_path / OWN).read_text().strip() in first
    assert os.stat(tmp_path / OWN).st_mode & 0o077 == 0


@pytest.mark.unit
def test_two_courses_have_different_seeds(tmp_path):
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
    assert len({secret.table(tmp_path / name) for name in ("one", "another")}) == 2


@pytest.mark.unit
def test_a_seed_in_course_toml_counts(tmp_path):
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "course.toml").write_text("heldout_seed = 7\n")
    assert secret.table(tmp_path) == "heldout_seed = 7\n" and not (tmp_path / OWN).exists()


@pytest.mark.unit
def test_only_this_assignments_thresholds_and_the_seed_count():
    text = "heldout_seed = {}\n" + "".join(
        f"[[assignment]]\nname = '{name}'\ntitle = '{{}}'\nthresholds = {{{{ a = {{}} }}}}\n"
        for name in ("mine", "other")
    )
    basis = secret.judged_by(text.format(1, "t", 0.5, "t", 0.5), "mine")
    assert basis == secret.judged_by(text.format(1, "new title", 0.5, "t", 0.9), "mine")
    assert basis != secret.judged_by(text.format(2, "t", 0.5, "t", 0.5), "mine")
    assert basis != secret.judged_by(text.format(1, "t", 0.6, "t", 0.5), "mine")


@pytest.mark.kernel
def test_a_changed_seed_grades_anew(tmp_path):
    root = tiny.make(tmp_path, students=2)
    assert set(grade.grade(root, tiny.NAME, jobs=1).values()) == {"done"}
    assert set(grade.grade(root, tiny.NAME, jobs=1).values()) == {"skipped"}
    (root / OWN).write_text("5\n")
    assert set(grade.grade(root, tiny.NAME, jobs=1).values()) == {"done"}
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        assert len(gradebook.assignment_submissions(tiny.NAME)) == 2
