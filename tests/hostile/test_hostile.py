"""A class of hostile submissions and honest ones among them, graded in one run behind walls.

``make test`` takes one of every second family of the catalogue, ``make test-all`` takes all of them.
"""

import contextlib
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import active
import catalogue
import nbformat
import pytest
from entry import NOTHING, Entry, cell, without
from nbgrader.api import Gradebook
from walls_needed import level_needed

import course
from autograder.kernel import cells as kernel_cells
from autograder.nbgrader import results
from autograder.nbgrader.room import Room
from autograder.pages import report
from autograder.pages.sanitize import printable
from autograder.run import grade
from autograder.warm import server
from convcourse import checks

# In the environment of whoever grades: no secret of any name enters a kernel.
CANARY = "GRADERS_CANARY"
CANARIES = (CANARY, f"TF_VAR_{CANARY}", f"TF_TOKEN_{CANARY}", f"NVIDIA_{CANARY}")
MARK = "KERAS_MARK"  # of a name that reaches the warm server and all that is forked from it
JOBS = 8  # many of them wait for a limit
HONEST = ("another-honest", "honest", "zoe-honest")  # before, among and after the others
# Those hand in right answers first, and then this in their place.
WORSE = {
    "again-tests-deleted": without("double", "table", "build", "net", "sign"),
    "again-kernel-killed": lambda nb: cell(nb, "setup").update(source="import os\nos._exit(1)"),
    "again-no-cells": lambda nb: nb.update(cells=[]),
    "again-no-notebook": lambda nb: nb.update(cells="none"),
}
STATUSES = (checks.PASSED, checks.WRONG, checks.NOT_ATTEMPTED, checks.ERROR)
SETTINGS = grade.Settings(cell_seconds=2, judge_seconds=30, threads=1)
pytestmark = [
    pytest.mark.hostile,
    pytest.mark.timeout(900),
    level_needed,
]


class Graded:
    """The course folder after the run, how each submission ended, its points, and what is left."""

    def __init__(self, root: Path, states: dict[str, str], left: list[int]) -> None:
        self.root, self.states, self.left = root, states, left
        self.scores = scores(root)
        self.harmless = active.found(page(self, "honest")) | active.found(
            formgrader(self, "honest")
        )


@pytest.fixture(scope="module")
def graded(request, tmp_path_factory) -> Graded:
    """A class of the entries that this run of pytest has chosen."""
    params = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = {one.params["entry"].name for one in params if one and "entry" in one.params}
    entries = [entry for entry in catalogue.ENTRIES if entry.name in chosen]
    root = course.make(tmp_path_factory.mktemp("hostile"))
    for student in (*HONEST, *WORSE):
        folder = root / "submitted" / student / course.NAME
        folder.mkdir(parents=True)
        nbformat.write(course.notebook(course.RIGHT), folder / f"{course.NAME}.ipynb")
    for entry in entries:
        entry.write(root / "submitted" / entry.name / course.NAME)
    os.environ |= dict.fromkeys(CANARIES, course.HIDDEN_WORDS) | {MARK: str(root)}
    server.server().close()  # the next one has the mark
    try:
        states = grade.grade(root, course.NAME, settings=SETTINGS, jobs=JOBS)
        left = marked(str(root))
        for _ in range(60):  # the last ones may be on their way out on a busy machine
            if left:
                time.sleep(1)
                left = marked(str(root))
    finally:
        for name in (*CANARIES, MARK):
            del os.environ[name]
    assert len(states) == len(entries) + len(HONEST) + len(WORSE)
    Room(root, course.NAME).feedback()
    report.write([results.read(root, course.NAME)], root / "class.html")
    return Graded(root, states, left)


def marked(mark: str) -> list[int]:
    """Forks of a warm server that this process started with this mark in its environment."""
    found, wanted = [], f"{MARK}={mark}".encode()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            # Bytes: one of them gives itself a name that is no text.
            parent = int((path / "stat").read_bytes().rpartition(b")")[2].split()[1])
            warm = b"autograder.walled.server import serve" in (path / "cmdline").read_bytes()
            if warm and parent != os.getpid() and wanted in (path / "environ").read_bytes():
                found.append(int(path.name))
    return found


def scores(root: Path) -> dict[str, float]:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        found = gradebook.assignment_submissions(course.NAME)
        return {one.student_id: one.score for one in found}


def executed(graded: Graded, student: str) -> nbformat.NotebookNode:
    path = graded.root / "autograded" / student / course.NAME / f"{course.NAME}.ipynb"
    return nbformat.read(path, as_version=4)


def formgrader(graded: Graded, student: str) -> str:
    return active.formgrader(executed(graded, student))


def page(graded: Graded, student: str) -> str:
    path = graded.root / "feedback" / student / course.NAME / f"{course.NAME}.html"
    return path.read_text(encoding="utf-8")


def test_the_catalogue_is_large_and_every_entry_says_what_it_tries():
    names = [entry.name for entry in catalogue.ENTRIES]
    assert len(names) == len(set(names)) == 225  # an entry that goes is missed
    assert all(len(entry.tries.split()) >= 3 for entry in catalogue.ENTRIES)


@pytest.mark.parametrize("student", HONEST)
def test_honest_work_beside_them_gets_full_marks(graded, student):
    assert graded.scores[student] == sum(course.TESTS.values())


def variation(entry: Entry) -> bool:
    """Whether another of its family comes before it, or the family is not the first of three.

    The first word of the name says the family.
    """
    families: dict[str, str] = {}
    for one in catalogue.ENTRIES:
        families.setdefault(one.name.split("-")[0], one.name)
    return entry.name not in [*families.values()][::3]


each_entry = pytest.mark.parametrize(
    "entry",
    [
        pytest.param(entry, id=entry.name, marks=[pytest.mark.slow] if variation(entry) else [])
        for entry in catalogue.ENTRIES
    ],
)


@each_entry
def test_it_gains_no_point_that_its_honest_work_does_not_earn(graded, entry):
    assert graded.scores[entry.name] == entry.earned


@each_entry
def test_it_ends_with_a_verdict_in_words_in_each_test_cell(graded, entry):
    assert graded.states[entry.name] == ("broken" if entry.refused else "done")
    cells = [c for c in executed(graded, entry.name).cells if c.cell_type == "code"]
    tests = [c for c in cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert {c.metadata.nbgrader.grade_id for c in tests} == set(course.TESTS)
    for one in tests:
        words = one.outputs[0].get("evalue") or one.outputs[0].get("text")
        assert len(words.split()) >= 2 and words.split(":")[0] in STATUSES
        assert printable(words) == words


@each_entry
def test_its_feedback_page_tells_nothing_hidden(graded, entry):
    text = page(graded, entry.name)
    assert [hidden for hidden in course.KEPT if hidden in text] == []


@each_entry
def test_nothing_of_the_grader_was_within_its_reach(graded, entry):
    """What it shows holds no hidden block, no solution, and nothing of the grader's environment."""
    cells = executed(graded, entry.name).cells
    shown = json.dumps([c.outputs for c in cells if c.cell_type == "code"])
    assert course.HIDDEN_WORDS not in shown and CANARY not in shown


@each_entry
def test_its_pages_run_nothing_and_load_nothing(graded, entry):
    for made in (page, formgrader):
        assert active.found(made(graded, entry.name)) - graded.harmless == set()


@each_entry
def test_nothing_of_it_comes_back_beside_the_notebook(graded, entry):
    folder = graded.root / "autograded" / entry.name / course.NAME
    assert {p.name for p in folder.iterdir()} <= {f"{course.NAME}.ipynb", "timestamp.txt"}


@each_entry
def test_its_graded_notebook_and_page_stay_small(graded, entry):
    for folder in ("autograded", "feedback"):
        files = (graded.root / folder / entry.name).rglob("*.*")
        assert sum(one.stat().st_size for one in files) < 1.2 * kernel_cells.MAX_KEPT


def test_nothing_that_they_started_is_left(graded):
    assert graded.left == []


def test_the_class_page_runs_nothing_and_tells_nothing_hidden(graded):
    text = (graded.root / "class.html").read_text(encoding="utf-8")
    honest = results.read(graded.root, course.NAME)
    honest = replace(honest, rows=[row for row in honest.rows if row.student in HONEST])
    alone = report.write([honest], graded.root / "honest.html").read_text(encoding="utf-8")
    assert active.found(text) == active.found(alone)  # its own picture
    assert not any(hidden in text for hidden in course.KEPT)


def test_students_pages_run_nothing_and_tell_nothing_hidden(graded):
    found = results.read(graded.root, course.NAME)
    pages = report.write_students([found], graded.root / "class.html", "", graded.root)
    assert len(pages) == len(found.rows)
    for text in (page.read_text(encoding="utf-8") for page in pages):
        assert active.found(text) == set() and not any(hidden in text for hidden in course.KEPT)


@pytest.fixture(scope="module")
def again(graded) -> dict[str, float]:
    """Points of those who had full marks and have handed in something worse since."""
    for student, change in WORSE.items():
        nb = course.notebook(NOTHING)
        path = graded.root / "submitted" / student / course.NAME / f"{course.NAME}.ipynb"
        path.write_text(json.dumps(change(nb) or nb))
    grade.grade(graded.root, course.NAME, settings=SETTINGS, students=list(WORSE))
    return scores(graded.root)


@pytest.mark.parametrize("student", WORSE)
def test_a_worse_submission_keeps_no_point_of_the_better_one_before(graded, again, student):
    assert (graded.scores[student], again[student]) == (sum(course.TESTS.values()), 0)
