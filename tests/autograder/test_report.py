"""The class page and the table tell each student's outcome, and cannot be written by a student."""

import io

import nbformat
import pytest
from rich.console import Console

from autograder.judge.verdict import Verdict
from autograder.nbgrader import results
from autograder.pages import report
from autograder.pages.leaderboard import Place, ranking
from autograder.pages.outputs import write_outputs
from autograder.pages.report import Mark, Report, Row
from autograder.pages.sanitize import safe
from convcourse import checks

pytestmark = pytest.mark.unit

MARKS = {
    "net1-build": Mark("wrong", "wrong: net1-build. <script>alert(1)</script>", 0.0, 4),
    "net1-text": Mark("to grade by hand", "", None, 2),
}
REPORT = Report("03_net_1", {"net1-build": 4.0, "net1-text": 2.0}, [Row("ada", MARKS)])


def test_the_table_shows_signs_and_sums():
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(report.table(REPORT))
    text = console.export_text()
    assert "net1-build" in text and "✗" in text and "ada" in text


def test_the_page_escapes_what_students_wrote(tmp_path):
    page = report.write([REPORT], tmp_path / "out" / "class.html", "A <course>").read_text()
    assert "<title>Class report: A &lt;course&gt;</title>" in page
    assert "<script>" not in page and "&lt;script&gt;" in page and "ada" in page


def test_a_feedback_page_is_linked_where_there_is_one(tmp_path):
    path = tmp_path / "feedback" / "ada" / "03_net_1" / "03_net_1.html"
    path.parent.mkdir(parents=True)
    path.write_text("")
    page = report.write([REPORT], tmp_path / "class.html").read_text()
    assert 'href="feedback/ada/03_net_1/03_net_1.html"' in page


def test_six_students_fit_a_terminal_of_80_columns():
    students = ["another_form", "not_JSON", "partly_wrong", "raises", "right", "untouched"]
    marks = {"net1-architecture": MARKS["net1-build"]}
    many = Report("03_net_1", {"net1-architecture": 4.0}, [Row(s, marks) for s in students])
    console = Console(width=80)
    with console.capture() as shown:
        console.print(report.table(many))
    text = shown.get()
    assert "…" not in text and "untouched" in text and "net1-architecture" in text


def graded(root, student, notes, test=True):
    """A graded notebook with one cell, whose verdict came with notes."""
    verdict = Verdict(checks.PASSED, score=4.0, notes=notes)
    facts = {"grade": test, "solution": False, "grade_id": "own", "points": 6, "locked": True}
    cell = nbformat.v4.new_code_cell("", outputs=write_outputs(verdict, "own"))
    cell.metadata["nbgrader"] = facts | {"schema_version": 3, "cell_type": "code", "task": False}
    path = root / "autograded" / student / "06_net_3" / "06_net_3.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return cell


def test_the_leaderboard_ranks_by_accuracy_and_then_by_fewer_parameters(tmp_path):
    for name, accuracy, size in (("a", 0.8, 90), ("b", 0.9, 70), ("c", 0.8, 50)):
        facts = {"name": name, "idea": "", "accuracy": accuracy, "parameters": size}
        graded(tmp_path, f"student_{name}", facts)
    graded(tmp_path, "below_the_first_band", {})
    assert [place.name for place in results.places(tmp_path, "06_net_3")] == ["b", "c", "a"]


def test_only_a_test_cell_can_put_somebody_on_the_leaderboard(tmp_path):
    facts = {"name": "m", "idea": "", "accuracy": 1.0, "parameters": 1}
    graded(tmp_path, "mallory", facts, test=False)
    assert results.places(tmp_path, "06_net_3") == []


def test_outputs_of_students_and_feedback_pages_carry_no_notes(tmp_path):
    cell = graded(tmp_path, "ada", {"name": "a", "idea": "", "accuracy": 0.8, "parameters": 9})
    assert any(output.get("metadata") for output in cell.outputs)
    assert not any(safe(output).get("metadata") for output in cell.outputs)


def test_what_students_call_themselves_is_no_markup():
    console = Console(width=100)
    with console.capture() as shown:
        console.print(ranking([Place("[red]r[/]", "[link=x]i", 0.9, 34_170)]))
    assert "[red]r[/]" in shown.get() and "[link=x]i" in shown.get() and "34,170" in shown.get()
