"""The machinery that judges answers apart from a notebook."""

import exercise
import pytest

from convcourse import checks

TEXT = '''# %%
import math
1 / 0

# %% solution="area"
def area(r):
    """The area of a disc."""
    ### BEGIN SOLUTION
    return math.pi * r**2
    ### END SOLUTION

# %% tests="area" points=3
from convcourse import checks
with checks.exercise("area"):
    checks.close(area(1), 3.14159, "the area")
### BEGIN HIDDEN TESTS
from autograder import submission
submission.checks.close(submission.call("area", 2), 12.56637, "the area")
1.5
### END HIDDEN TESTS
'''


@pytest.fixture()
def discs(tmp_path, monkeypatch):
    (tmp_path / "discs.py").write_text(TEXT)
    monkeypatch.setattr(exercise, "COURSE", tmp_path)
    return exercise.load("discs")


def test_the_solution_passes_visible_and_hidden_checks(discs):
    result = discs.run("area", discs.namespace())
    assert result.passed and result.hidden and result.score == 1.5
    assert discs.points == {"area": 3}


def test_another_answer_takes_the_place_of_the_solution(discs):
    names = discs.namespace("def area(r): return math.pi * r")
    result = discs.run("area", names)
    assert result.status == checks.WRONG and result.hidden
    assert not discs.run("area", discs.namespace(area=lambda r: 0)).hidden


def test_an_untouched_stub_is_not_attempted(discs):
    assert discs.run("area", discs.stubs()).status == checks.NOT_ATTEMPTED


def test_a_plain_cell_is_not_run_but_its_imports_are(discs):
    assert discs.imports == "import math"
