"""One parse of a cell serves everybody who reads one."""

import nbformat
import pytest

from autograder.text.cells import STUB, BadMarks, parse

pytestmark = pytest.mark.unit

TEST = "a()\n### BEGIN HIDDEN TESTS\nb()\n### END HIDDEN TESTS\nc()"
ANSWER = "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION"


def in_text(source: str, **words):
    cell = nbformat.v4.new_code_cell(source)
    cell.metadata = nbformat.from_dict(words)
    return cell


def in_notebook(source: str, grade=True, solution=False, locked=True, **more):
    facts = {"grade": grade, "solution": solution, "locked": locked, "grade_id": "x", **more}
    return in_text(source, nbgrader=facts)


def test_a_check_reads_the_same_in_a_text_and_in_a_notebook():
    first, second = parse(in_text(TEST, tests="x", points=3)), parse(in_notebook(TEST, points=3))
    assert first == second
    assert (first.visible, first.hidden, first.points) == ("a()\nc()", "b()", 3)
    assert first.is_test and first.is_graded and first.role == "tests"


def test_an_answer_keeps_its_solution_and_its_stub():
    cell = parse(in_text(ANSWER, solution="x"))
    assert cell.solution == "    return 1" and cell.stub == f"def f():\n    {STUB}"
    assert not cell.is_graded and cell.points == 0


@pytest.mark.parametrize(
    ("flags", "role"),
    [
        ({"grade": False, "solution": True, "locked": False}, "solution"),
        ({"grade": True, "solution": True, "locked": False}, "answer"),
        ({"grade": True, "solution": False, "locked": False}, "tests"),
        ({"grade": False, "solution": False, "locked": True}, "locked"),
        ({"grade": False, "solution": False, "locked": False}, None),
    ],
)
def test_flags_of_a_notebook_give_the_role(flags, role):
    assert parse(in_notebook("1", **flags)).role == role


def test_a_plain_cell_has_no_role():
    cell = parse(in_text("1"))
    assert (cell.role, cell.id, cell.visible, cell.hidden) == (None, "", "1", "")


BLOCK = "### BEGIN HIDDEN TESTS\n1\n### END HIDDEN TESTS"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (f"{BLOCK}\n{BLOCK}", "two hidden blocks"),
        ("if x:\n    ### BEGIN HIDDEN TESTS\n    1\n    ### END HIDDEN TESTS", "is indented"),
        ("### BEGIN HIDDEN TESTS\n1", "never closed"),
        ("### END HIDDEN TESTS", "has no ### BEGIN"),
        ("### BEGIN HIDDEN TESTS\n### BEGIN HIDDEN TESTS", "close the first"),
        ("x()  ### BEGIN HIDDEN TESTS\n1\n### END HIDDEN TESTS", "must stand alone"),
        ("### BEGIN SOLUTION\n1", "never closed"),
    ],
)
def test_marks_that_do_not_pair_are_refused_in_a_sentence(source, words):
    with pytest.raises(BadMarks, match=words):
        parse(in_text(source, tests="x", points=1))
