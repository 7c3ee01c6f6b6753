"""Grading at the levels of the walls that need no namespaces, and what is said of the level."""

import json

import pytest
import tiny
from typer.testing import CliRunner

from autograder import cli
from autograder.nbgrader import results
from autograder.pages.scores import Report
from autograder.run import grade
from autograder.run.job import Settings
from autograder.walled import probe
from autograder.walled.request import NAMESPACES, SAME_USER
from autograder.warm import reach

pytestmark = pytest.mark.kernel

needs_same_user = pytest.mark.skipif(
    bool(probe.found().missing(SAME_USER)), reason="this machine cannot build the level same user"
)


@needs_same_user
def test_marks_at_the_lowest_level_are_the_same_and_the_level_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv(reach.LEVEL, SAME_USER)
    root = tiny.make(tmp_path, students=4)
    sizes = []
    monkeypatch.setattr(grade, "Local", _noting(sizes, grade.Local))
    states = grade.grade(root, tiny.NAME, settings=Settings(cell_seconds=30), jobs=4)
    assert set(states.values()) == {"done"} and sizes == [1]
    scores = {row.student: row.score for row in results.read(root, tiny.NAME).rows}
    assert [scores[name] for name in sorted(scores)] == [2, 0, 0, 2]
    notes = (root / ".autograder" / tiny.NAME / "done").glob("*.json")
    assert {json.loads(note.read_text())["walls"] for note in notes} == {SAME_USER}
    walls = results.read(root, tiny.NAME).walls
    assert walls == "Level of the walls: same user (4 submissions)."


def _noting(sizes, plain):
    class Noting(plain):
        def __init__(self, jobs):
            sizes.append(jobs)
            super().__init__(jobs)

    return Noting


def test_a_report_without_notes_says_nothing_of_walls():
    assert Report("tiny", {}, []).walls == ""
    mixed = Report("tiny", {}, [], levels=(NAMESPACES, SAME_USER, NAMESPACES)).walls
    assert mixed == "Level of the walls: namespaces (2 submissions), same user (1 submission)."


def test_the_doctor_names_each_wall_and_the_level(monkeypatch):
    said = CliRunner().invoke(cli.app, ["doctor"])
    found = reach.found()
    lines = said.output.splitlines()
    begun = {line.strip()[:20].strip() for line in lines}
    assert said.exit_code == (0 if found.level else 1)
    assert set(found.errors) <= begun
    assert repr(found.level) in lines[-1]


@pytest.mark.parametrize(("level", "words"), [(NAMESPACES, ""), (SAME_USER, "one submission at a")])
def test_the_level_is_told_in_one_line(monkeypatch, level, words):
    monkeypatch.setenv(reach.LEVEL, level)
    told = reach.told()
    assert told.startswith(level) and words in told and "\n" not in told
    assert ("doctor" in told) == (level != NAMESPACES)
