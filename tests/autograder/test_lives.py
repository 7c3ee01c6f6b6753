"""One cell's limit costs that cell and no other."""

import nbformat
import pytest
from walls_needed import walls_needed

from autograder.judge.judge import Judge
from autograder.kernel import again, lives, notebook
from autograder.warm.provisioner import NAME

pytestmark = pytest.mark.kernel

HIDDEN = """
### BEGIN HIDDEN TESTS
from autograder import submission
submission.checks.equal(submission.call("{0}", 21), {1}, "{0}(21)")
### END HIDDEN TESTS"""
ENDINGS = {
    "hangs": "while True: pass",
    "hangs and ignores it": "while True:\n    try:\n        while True: pass\n"
    "    except BaseException: pass",
    "ends": "import os\nos._exit(0)",
    "aborts": "import os\nos.abort()",
    "floods": "while True: print('x' * 1000)",
}
REPEATS = ("hangs", "aborts")  # like the entry after or before it
HARMLESS = {
    "exit": "exit()",
    "quit": "quit()",
    "system exit": "import sys\nsys.exit()",
    "question": "name = input('your name?')",
    "prints 50 MB": "print('x' * 50_000_000)",
}


def check(name: str, result: int, points: int = 2) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(f"{name}(1)" + HIDDEN.format(name, result))
    facts = dict(grade=True, solution=False, grade_id=name, points=points, locked=True)
    cell.metadata.nbgrader = nbformat.from_dict({**facts, "schema_version": 3})
    return cell


def run(folder, *cells, seconds: int = 2, **more) -> notebook.Run:
    made = [nbformat.v4.new_code_cell(c) if isinstance(c, str) else c for c in cells]
    nb = nbformat.v4.new_notebook(cells=made)
    with Judge(seconds=60) as judge:

        def made(copy: nbformat.NotebookNode) -> notebook.Run:
            return notebook.Run(copy, folder, judge, NAME, seconds, **more)

        return again.graded(nb, (), made)


def said(one: notebook.Run, name: str) -> str:
    for cell in one.nb.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == name:
            return cell.outputs[0].get("evalue", cell.outputs[0].get("text")).strip()
    raise KeyError(name)


DOUBLE, SQUARE = "def double(n): return 2 * n", "def square(n): return n * n"


@walls_needed
@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(code, id=name, marks=pytest.mark.slow if name in REPEATS else ())
        for name, code in ENDINGS.items()
    ],
)
def test_a_cell_that_must_be_stopped_costs_only_itself(tmp_path, ending):
    cells = (DOUBLE, ending, check("double", 42), SQUARE, check("square", 441))
    one = run(tmp_path, *cells)
    assert said(one, "double") == "passed: double." and said(one, "square") == "passed: square."
    last = one.nb.cells[1].outputs[-1]
    assert last.ename == "Stopped" and last.evalue == one.cells.stopped[0] and not one.cells.dead


@pytest.mark.parametrize("ending", HARMLESS.values(), ids=HARMLESS)
def test_what_asks_for_an_end_or_an_answer_costs_only_itself(tmp_path, ending):
    cells = (DOUBLE, ending, check("double", 42), SQUARE, check("square", 441))
    one = run(tmp_path, *cells, seconds=30)
    assert said(one, "double") == "passed: double." and said(one, "square") == "passed: square."


@walls_needed
@pytest.mark.parametrize("ending", ["while True: pass", "import os; os._exit(1)"])
def test_a_function_that_must_be_stopped_costs_only_its_own_check(tmp_path, ending):
    worse = f"def double(n):\n    if n == 21:\n        {ending}\n    return 2 * n"
    cells = (worse, check("double", 42), SQUARE, check("square", 441), "print(double(4))")
    one = run(tmp_path, *cells)
    assert said(one, "double").startswith("error: double. The notebook did not answer.")
    assert said(one, "square") == "passed: square."
    assert one.nb.cells[-1].outputs[0].text == "8\n"  # the new kernel knows the answers before


@walls_needed
def test_the_visible_lines_of_a_check_may_be_stopped_too(tmp_path):
    worse = "import time\ndef double(n):\n    while n == 1: pass\n    return 2 * n"
    one = run(tmp_path, worse, check("double", 42), SQUARE, check("square", 441))
    assert "used 2 seconds of processor time" in said(one, "double")
    assert said(one, "square") == "passed: square."


@walls_needed
def test_an_answer_that_ends_its_kernel_below_its_function_is_judged_by_the_function(tmp_path):
    answer = f"import math\n{DOUBLE} + math.floor(0.5)\nimport os\nos._exit(1)"
    one = run(tmp_path, answer, check("double", 42))
    assert said(one, "double") == "passed: double." and len(one.cells.stopped) == 1


@walls_needed
def test_a_check_that_fails_after_a_stopped_cell_says_so(tmp_path):
    one = run(tmp_path, "while True: pass\ndef double(n): return 2 * n", check("double", 42))
    assert "NameError" in said(one, "double") or "not defined" in said(one, "double")
    assert "used 2 seconds of processor time and was stopped" in said(one, "double")


@walls_needed
def test_a_kernel_that_a_timer_ends_between_two_cells_is_replaced(tmp_path):
    timer = "import os, threading\nthreading.Timer(0.5, os._exit, [1]).start()\nimport time"
    waits = "time.sleep(1)"
    one = run(tmp_path, DOUBLE, timer, waits, check("double", 42), SQUARE, check("square", 441))
    assert said(one, "double") == "passed: double." and said(one, "square") == "passed: square."


@walls_needed
def test_the_number_of_new_kernels_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(lives, "MOST", 1)
    ending = "import os\nos._exit(1)"
    cells = (DOUBLE, ending, check("double", 42), ending, SQUARE, check("square", 441))
    one = run(tmp_path, *cells)
    assert said(one, "double") == "passed: double."
    assert one.cells.dead and one.cells.dead in said(one, "square")


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        (
            "import os\nx = 1\ndef f(n):\n    return n\nf(10**9)",
            "import os\n\ndef f(n):\n    return n",
        ),
        ("%matplotlib inline\nclass A: pass", "class A:\n    pass"),
        ("def f(:", ""),
        ("x" * 60_000, ""),
    ],
)
def test_of_a_stopped_cell_the_definitions_are_kept(source, kept):
    assert lives.definitions(source) == kept
