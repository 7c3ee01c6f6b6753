"""A feedback page shows outcomes, and nothing hidden or alive."""

import nbformat
import pytest

from autograder.nbgrader.feedback import RemoveHidden
from autograder.pages.feedback import NOTE

pytestmark = pytest.mark.unit

TEST = "double(1)\n### BEGIN HIDDEN TESTS\nassert double(21) == 42\n### END HIDDEN TESTS\nend"


def page(source: str, *outputs, grade=True) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs))
    cell.metadata.nbgrader = nbformat.from_dict({"grade": grade, "solution": False})
    nb = nbformat.v4.new_notebook(cells=[cell])
    return RemoveHidden().preprocess(nb, {})[0].cells[0]


def error(ename: str, evalue: str):
    return nbformat.v4.new_output("error", ename=ename, evalue=evalue, traceback=["42 is hidden"])


def test_a_hidden_block_is_replaced_by_a_note():
    assert page(TEST).source == f"double(1)\n{NOTE}\nend"


def test_an_open_hidden_block_is_taken_out_to_the_end():
    assert "42" not in page("### BEGIN HIDDEN TESTS\nassert double(21) == 42").source


def test_an_outcome_keeps_its_sentence_and_a_traceback_goes():
    (output,) = page("x", error("Wrong", "wrong: double. It is 3.")).outputs
    assert output.traceback == ["wrong: double. It is 3."]
    (output,) = page("x", error("AssertionError", "assert 41 == 42")).outputs
    assert "42" not in str(output)


def test_scripts_in_outputs_and_text_are_not_shown():
    data = {"text/html": "<script>1</script>", "text/plain": "a", "application/javascript": "1"}
    (output,) = page("x", nbformat.v4.new_output("display_data", data=data), grade=False).outputs
    assert list(output.data) == ["text/plain"]
    text = nbformat.v4.new_markdown_cell("<script>1</script> a < b")
    nb = RemoveHidden().preprocess(nbformat.v4.new_notebook(cells=[text]), {})[0]
    assert nb.cells[0].source == "< script>1< /script> a < b"
