"""What students see comes from a run that never meets a hidden argument."""

import json

import nbformat
import pytest
import tiny

from autograder.pages.feedback import without_hidden
from autograder.run.job import Settings, execute
from autograder.text.cells import parse
from autograder.text.questions import without_arguments

pytestmark = pytest.mark.kernel

MARKS = dict(grade=True, solution=False, locked=True, points=2)
DOUBLE = """submission.checks.equal(submission.call("double", 21), 42, "double(21)")"""
TOTAL = """submission.checks.equal(submission.value("total"), 6, "total")"""
NOTE = """submission.note(entry=submission.value("entry"))\n2"""


def checked(name: str, hidden: str, visible: str = "pass") -> nbformat.NotebookNode:
    block = f"### BEGIN HIDDEN TESTS\nfrom autograder import submission\n{hidden}\n"
    return tiny.cell(f"{visible}\n{block}### END HIDDEN TESTS", name, **MARKS)


def graded(*cells, **settings) -> nbformat.NotebookNode:
    made = [nbformat.v4.new_code_cell(c) if isinstance(c, str) else c for c in cells]
    text = nbformat.writes(nbformat.v4.new_notebook(cells=made))
    return nbformat.reads(execute(text, {}, Settings(**settings)).text, as_version=4)


def said(nb: nbformat.NotebookNode) -> dict[str, str]:
    tests = [cell for cell in nb.cells if parse(cell).is_test]
    return {
        parse(cell).id: cell.outputs[0].get("evalue", cell.outputs[0].get("text", "")).strip()
        for cell in tests
    }


def test_no_later_cell_sees_a_hidden_argument_and_all_their_outputs_are_shown():
    spy = "seen = []\ndef double(n):\n    seen.append(n)\n    return 2 * n"
    nb = graded(spy, checked("double", DOUBLE, "double(1)"), "print('seen', seen)")
    assert said(nb) == {"double": "passed: double."}
    page = without_hidden(nb)
    assert page.cells[2].outputs[0].text == "seen [1]\n"


def test_a_visible_sentence_after_a_hidden_check_is_the_students_own():
    second = checked("total", TOTAL, "assert total == 7, 'The total is not 7.'")
    nb = graded("def double(n): return 2 * n\ntotal = 6", checked("double", DOUBLE), second)
    assert said(nb)["total"] == "error: total. The total is not 7."


@pytest.mark.parametrize(
    ("answer", "later"),
    [
        ("factor = 2\ndef double(n): return factor * n", "factor = 3"),
        ("factor = 2\ndef double(n): return factor * n", "del factor"),
        ("factor = [2]\ndef double(n): return factor[0] * n", "factor[0] = 3"),
        ("def double(n): return 2 * n", "def double(n): return 'another function'"),
    ],
    ids=["bound anew", "deleted", "changed in place", "defined anew"],
)
def test_an_answer_is_judged_as_it_was_at_its_check(answer, later):
    assert said(graded(answer, checked("double", DOUBLE), later))["double"] == "passed: double."


@pytest.mark.parametrize("later", ["total += 1", "total = 'gone'", "del total"])
def test_a_value_is_taken_at_its_check(later):
    assert said(graded("total = 6", checked("total", TOTAL), later))["total"] == "passed: total."


def test_what_a_later_cell_mends_is_still_wrong():
    late = graded("total = 5", checked("total", TOTAL), "total = 6")
    assert said(late)["total"].startswith("wrong")
    late = graded(
        "def double(n): return n", checked("double", DOUBLE), "def double(n): return 2 * n"
    )
    assert said(late)["double"].startswith("wrong")


def test_a_kernel_that_ends_in_a_hidden_call_costs_that_check_alone():
    killer = "import os\ndef double(n):\n    os._exit(1) if n == 21 else None\n    return 2 * n"
    nb = graded(killer, checked("double", DOUBLE), "total = 6", checked("total", TOTAL))
    assert said(nb)["double"].startswith("error") and said(nb)["total"] == "passed: total."


def test_the_leaderboard_takes_what_was_there_before_any_hidden_argument():
    spy = "entry = 'mine'\ndef double(n):\n    global entry\n    entry = str(n)\n    return 2 * n"
    nb = graded(spy, checked("double", DOUBLE), checked("entry", NOTE))
    (result,) = [one for one in nb.cells[2].outputs if one.output_type == "execute_result"]
    assert "21" not in json.dumps(result.metadata) and "mine" in json.dumps(result.metadata)


def test_a_check_leaves_no_name_in_the_notebook():
    nb = graded(
        "total = 6", checked("total", TOTAL), "print(sorted(n for n in dir() if 'hold' in n))"
    )
    assert nb.cells[2].outputs[0].text == "[]\n"


def test_hidden_tests_inside_the_kernel_tell_later_cells_nothing():
    spy = "seen = []\ndef double(n):\n    seen.append(n)\n    return 2 * n"
    inside = tiny.cell(
        "### BEGIN HIDDEN TESTS\nassert double(21) == 42\n### END HIDDEN TESTS", "double", **MARKS
    )
    nb = graded(spy, inside, "print('seen', seen)", hidden="in-kernel", inside=("double",))
    assert said(nb)["double"] == "passed: double." and nb.cells[2].outputs[0].text == "seen []\n"


@pytest.mark.parametrize(
    ("hidden", "questions"),
    [
        ('submission.value("a")', [("values", ["a"])]),
        ('x, y = submission.values("a", "b")', [("values", ["a", "b"])]),
        ('net = submission.model("net")\nsubmission.compiled("net")', [("model", "net")]),
        ('submission.compiled("f", net); submission.call("f", 3); submission.value(name)', []),
        ("not python (", []),
    ],
)
def test_questions_without_arguments_are_found_in_a_block(hidden, questions):
    assert without_arguments(hidden) == questions


NET = """import keras
asked = []
def build(units):
    asked.append(units)
    return keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense({units})])"""
SHAPE = """submission.checks.equal(submission.build("build", 5).output_shape, (None, 5), "shape")"""
COUNT = """submission.checks.parameters(submission.build("build", 5), total=20)"""


def test_one_network_answers_all_questions_of_an_exercise():
    tests = checked("shape", SHAPE), checked("count", COUNT)
    assert all(
        w.startswith("passed") for w in said(graded(NET.format(units="units"), *tests)).values()
    )
    tests = checked("shape", SHAPE), checked("count", COUNT.replace("20", "28"))
    other = said(graded(NET.format(units="units if len(asked) < 2 else 7"), *tests))
    assert "another network when it is called again" in other["count"]


def test_a_large_value_is_asked_for_after_the_end():
    large = "import numpy as np\nwhole = np.ones((300, 300, 100))"  # 72 MB
    hidden = 'submission.checks.shape(submission.value("whole"), (300, 300, 100), "whole")'
    assert said(graded(large, checked("whole", hidden)))["whole"] == "passed: whole."
