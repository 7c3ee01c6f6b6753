"""A feedback page shows outcomes, and nothing hidden or alive."""

from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from traitlets.config import PyFileConfigLoader

from autograder.nbgrader.feedback import FeedbackPage, RemoveHidden
from autograder.pages import bounded
from autograder.pages.feedback import NOTE
from autograder.pages.sanitize import MAX_ALTERNATIVE, safe

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]

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


def pictures(*alternatives, kind="image/png") -> list[nbformat.NotebookNode]:
    """A picture with each of these in the place of its text alternative."""
    data = {kind: {"image/png": "iVBORw0KGgoAAAANSUhEUg==", "image/jpeg": "/9j/"}[kind]}
    outputs = [
        nbformat.from_dict(
            {"output_type": "display_data", "data": data, "metadata": {kind: {"alt": one}}}
        )
        for one in alternatives
    ]
    return outputs


def texts(*outputs) -> list[str]:
    """The text alternatives on a feedback page."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=list(outputs))])
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    exporter = FeedbackPage(config=config)
    exporter.register_preprocessor(RemoveHidden, enabled=True)
    facts = {"notebook": "n", "score": 1.0, "max_score": 9.0, "late_penalty": 0.0}
    html = exporter.from_notebook_node(nb, {"nbgrader": facts})[0]
    found = BeautifulSoup(html, "html.parser").find_all("img")
    assert all(set(one.attrs) == {"src", "alt"} for one in found) and len(found) == len(outputs)
    return [one["alt"] for one in found]


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg"])
def test_a_figure_keeps_its_text_alternative(kind):
    assert texts(*pictures("Training rises.", kind=kind)) == ["Training rises."]


def test_a_hostile_text_alternative_is_a_short_text_on_one_line():
    hostile = '"><script>alert(1)</script>', "a\x00\x1b[2J\u202e\nb", "x" * 1_000_000, "\ud800"
    escaped, clean, short, _ = texts(*pictures(*hostile))
    assert escaped == hostile[0] and clean == "a[2J b" and len(short) <= MAX_ALTERNATIVE


@pytest.mark.parametrize("alternative", [None, 3, "", " ", ["a"], {"alt": "b"}])
def test_a_figure_without_a_text_alternative_names_its_place(alternative):
    (text,) = texts(*pictures(alternative))
    assert text.startswith(("Figure in the output", "Picture in the output"))


@pytest.mark.parametrize("metadata", [None, [], "x", {"image/png": "alt"}, {"alt": "x"}])
def test_metadata_of_any_form_is_read_safely(metadata):
    (shown,) = pictures("x")
    shown.metadata = metadata
    assert safe(shown).metadata == {}


def test_a_page_holds_so_many_characters_of_text_alternatives():
    many = texts(*pictures(*['"' * MAX_ALTERNATIVE] * 150))
    kept = sum(text.startswith('"') for text in many)
    assert kept == bounded.ALTERNATIVES // MAX_ALTERNATIVE
