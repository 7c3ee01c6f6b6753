"""What a run says and refuses before its first submission, and hidden tests in the kernel."""

import json
from pathlib import Path

import nbformat
import pytest
import tiny
from nbgrader.api import Gradebook
from tiny import NAME, cell
from typer.testing import CliRunner
from walls_needed import walls_needed

from autograder.cli import app
from autograder.intake.reading import Submission
from autograder.root import CourseError
from autograder.run import before, grade, workers

STUB = "def mean(x):\n    ### BEGIN SOLUTION\n    return sum(x) / len(x)\n    ### END SOLUTION"
WHOLE = """assert mean([2, 4]) == 3
### BEGIN HIDDEN TESTS
assert mean([1, 1, 4]) == 2, "mean is wrong for three numbers"
assert mean([1, 1]) == 1, f"mean([1, 1]) gives {mean([1, 1])}"
### END HIDDEN TESTS"""
PARTS = """points = 0
### BEGIN HIDDEN TESTS
points += mean([0, 3]) == 1.5
### END HIDDEN TESTS
if points:
    ### BEGIN HIDDEN TESTS
    points += mean([7.0]) == 7
    ### END HIDDEN TESTS
    pass
points"""
JUDGED = """mean([2, 4])
### BEGIN HIDDEN TESTS
from autograder import submission
submission.checks.equal(submission.call("mean", [1, 2]), 1.5, "mean([1, 2])")
### END HIDDEN TESTS"""
SHOWN = "score = 0.5 * (mean([2, 4]) == 3) + 0.5 * (mean([5]) == 5)\nscore"

RIGHT = "def mean(x):\n    return sum(x) / len(x)"
ANSWERS = {
    "right": (RIGHT, (2, 2, 1, 1)),
    "wrong": ("def mean(x):\n    return 3", (0, 0, 0, 0.5)),
    "partly": ("def mean(x):\n    return sum(x) / max(2, len(x))", (2, 1, 1, 0.5)),
    "blank": ("def mean(x):\n    raise NotImplementedError()", (0, 0, 0, 0)),
    "lacks": (f"import lightgbm_\n{RIGHT}", (2, 2, 1, 1)),
    "uses": ("import lightgbm_\ndef mean(x):\n    return lightgbm_.mean(x)", (0, 0, 0, 0)),
    "star": (f"from lightgbm_ import *\n{RIGHT}", (0, 0, 0, 0)),
}


def notebook(answer: str) -> nbformat.NotebookNode:
    """Another course's assignment: four tests, of which only the third asks `submission`."""
    cells = [cell(answer, "mean", grade=False, solution=True, locked=False)]
    tests = {"whole": (WHOLE, 2), "parts": (PARTS, 2), "judged": (JUDGED, 1), "shown": (SHOWN, 1)}
    for name, (source, points) in tests.items():
        facts = dict(grade=True, solution=False, locked=True, points=points)
        cells.append(cell(source, name, **facts))
    nb = nbformat.v4.new_notebook(cells=cells)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb.metadata.kernelspec = nbformat.from_dict(spec)
    return nb


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    root = tiny.make(tmp_path_factory.mktemp("foreign"), students=0)
    (root / "source" / NAME / f"{NAME}.ipynb").write_text(nbformat.writes(notebook(STUB)))
    for student, (answer, _) in ANSWERS.items():
        folder = root / "submitted" / student / NAME
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").write_text(nbformat.writes(notebook(answer)))
    return root


@pytest.fixture(scope="module")
def graded(course) -> str:
    """Grade the class with the command; what it prints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_ROOT", str(course))
        patch.setattr(workers, "load_ahead", lambda: None)
        refused = CliRunner().invoke(app, ["grade", NAME, "--profile", "offline"])
        assert refused.exit_code == 1 and "--hidden in-kernel" in refused.output
        assert not (course / "autograded").exists()
        asked = ["grade", NAME, "--profile", "offline", "--jobs", "1", "--hidden", "in-kernel"]
        done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    return done.output


def grades(root: Path, student: str) -> dict:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        (found,) = gradebook.find_submission(NAME, student).notebooks
        return {one.name: (one.score, one.needs_manual_grade) for one in found.grades}


def says(root: Path, student: str, test: str) -> list[str]:
    path = root / "autograded" / student / NAME / f"{NAME}.ipynb"
    for one in nbformat.read(path, as_version=4).cells:
        if one.metadata.get("nbgrader", {}).get("grade_id") == test:
            return one.outputs[0].get("traceback") or [one.outputs[0].text]
    raise LookupError(test)


kernel = pytest.mark.kernel


@kernel
@walls_needed
@pytest.mark.parametrize("student", ANSWERS)
def test_another_courses_tests_give_the_marks_that_nbgrader_would_give(graded, course, student):
    given = grades(course, student)
    scores = tuple(given[name][0] for name in ("whole", "parts", "judged", "shown"))
    assert scores == ANSWERS[student][1]


@kernel
@walls_needed
def test_a_message_reaches_the_student_only_if_the_test_holds_it(graded, course):
    assert says(course, "wrong", "whole") == ["wrong: whole. mean is wrong for three numbers"]
    assert says(course, "partly", "parts") == ["partly right: parts. 1 of 2 points.\n"]
    assert says(course, "blank", "whole")[0].startswith("not attempted: whole.")


@kernel
@walls_needed
@pytest.mark.parametrize("student", ["uses", "star"])
def test_a_missing_package_is_named_and_put_on_the_list_for_a_person(graded, course, student):
    for test in ("whole", "judged"):
        told, instructor = says(course, student, test)
        assert "This notebook imports lightgbm_, which the grader does not have." in told
        assert "Install lightgbm_ where you grade" in instructor
        assert grades(course, student)[test] == (0, True)
    assert not any(waits for _, waits in grades(course, "wrong").values())


@kernel
@walls_needed
def test_the_run_says_first_which_packages_are_missing_and_for_how_many(graded):
    words = "3 of 7 submissions import lightgbm_, which the grading environment lacks"
    assert graded.index(words) < graded.index("[1/7]")
    assert "ran where student code could see them" in graded


@pytest.mark.unit
def test_the_refusal_says_what_build_says_and_how_to_go_on():
    with pytest.raises(CourseError) as refused:
        before.tests_inside(notebook(STUB), NAME, "judge")
    for words in ("cell whole", "uses the name mean", 'submission.call("mean", ...)', "--hidden"):
        assert words in str(refused.value)
    assert before.tests_inside(notebook(STUB), NAME, "in-kernel") == ("whole", "parts")


@pytest.mark.unit
@pytest.mark.parametrize(
    "block",
    ["assert True", "assert globals()['mean']([1]) == 1", "from grader import f\nf()", "x = = 3"],
)
def test_a_hidden_block_that_the_judge_cannot_run_is_refused(block):
    nb = notebook(STUB)
    marked = f"### BEGIN HIDDEN TESTS\n{block}\n### END HIDDEN TESTS"
    nb.cells = [cell(marked, "one", grade=True, solution=False, locked=True, points=1)]
    with pytest.raises(CourseError, match="in-kernel"):
        before.tests_inside(nb, NAME, "judge")


@pytest.mark.unit
def test_marks_that_do_not_pair_are_refused_either_way():
    nb = notebook(STUB)
    nb.cells[1].source = "### BEGIN HIDDEN TESTS\nassert mean([1]) == 1"
    for hidden in before.HIDDEN:
        with pytest.raises(CourseError, match="never closed"):
            before.tests_inside(nb, NAME, hidden)


@pytest.mark.unit
def test_a_module_that_was_handed_in_is_not_missing():
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import mine_, other_, own_")])
    source = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import own_")])
    files = {"mine_.py": b"", "other_/__init__.py": b""}
    one, two = Submission("ada", nb, files), Submission("bob", nb, {"mine_.py": b""})
    assert before.lacking([one, two, Submission("cyd")], source) == [
        "1 of 3 submissions imports other_, which the grading environment lacks: install it "
        "there, or the cells that use it will fail."
    ]


@pytest.mark.unit
def test_another_place_for_hidden_tests_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tiny.make(tmp_path, students=0))
    monkeypatch.setattr(workers, "load_ahead", lambda: None)
    monkeypatch.setattr(grade, "grade", lambda *_, **__: {})
    refused = CliRunner().invoke(app, ["grade", NAME, "--hidden", "here"])
    assert refused.exit_code == 1 and "judge or in-kernel" in refused.output


def kept(profile: object) -> dict[str, bytes]:
    record = {"fingerprint": {"profile": profile}, "weights": "0"}
    return {"checkpoints/net1.json": json.dumps(record).encode()}


def test_checkpoints_of_another_profile_are_named_before_a_run():
    counted = before.Checkpoints("offline")
    deep = {"checkpoints/net1.json": b"[" * 5_000, "checkpoints/b.json": b"\xff", "c.json": b"[]"}
    for files in (kept("full"), kept("full"), kept("offline"), kept("no profile"), kept([]), deep):
        counted.of(Submission("someone", files=files))
    (said,) = counted.told()
    assert said.startswith("2 of 6 submissions hold checkpoints of the profile full. This run ")
    assert "grades under offline" in said and said.endswith("grade with --profile full.")
