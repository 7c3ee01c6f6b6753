"""The class page and the table tell each student's outcome, and cannot be written by a student."""

import csv
import io
import re
from pathlib import Path
from urllib.parse import unquote

import classes
import nbformat
import pytest
from rich.console import Console

from autograder.judge.verdict import Verdict
from autograder.nbgrader import results
from autograder.pages import leaderboard, listing, report
from autograder.pages.leaderboard import Place, ranking
from autograder.pages.outputs import write_outputs
from autograder.pages.rendering import file_names
from autograder.pages.sanitize import safe
from autograder.pages.scores import Mark, Report, Row, Score
from convcourse import checks

pytestmark = pytest.mark.unit

MARKS = {
    "net1-build": Mark("wrong", "wrong: net1-build. <script>alert(1)</script>", 0.0, 4),
    "net1-text": Mark("to grade by hand", "", None, 2),
}
REPORT = Report("03_net_1", {"net1-build": 4.0, "net1-text": 2.0}, [Row("ada", MARKS)])


def test_the_table_shows_signs_and_sums():
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(listing.table(REPORT))
    text = console.export_text()
    assert "net1-build" in text and "✗" in text and "ada" in text


def test_the_page_escapes_what_students_wrote(tmp_path):
    page = report.write([REPORT], tmp_path / "out" / "class.html", "A <course>").read_text()
    assert "<title>Class report: A &lt;course&gt;</title>" in page
    assert "<script>" not in page and "&lt;script&gt;" in page and "ada" in page
    (of_ada,) = report.write_students([REPORT], tmp_path / "out" / "class.html")
    assert "<script>" not in of_ada.read_text() and "&lt;script&gt;" in of_ada.read_text()


def links(page: Path) -> set[Path]:
    """What a page leads to, as files."""
    found = re.findall(r'href="([^"#]+)"', page.read_text())
    return {(page.parent / unquote(one)).resolve() for one in found}


def test_feedback_and_students_pages_are_linked_from_where_the_verb_writes(tmp_path):
    odd = Row("Ana García 100%", MARKS)
    reports = [Report("03_net_1", REPORT.tests, [*REPORT.rows, odd])]
    classes.feedback(tmp_path, reports)
    page = tmp_path / "report" / "class.html"
    pages = report.write_students(reports, page, "", tmp_path)
    report.write(reports, page, "", tmp_path)
    feedback = set((tmp_path / "feedback").glob("*/*/*.html"))
    assert len(feedback) == 2 and links(page) == feedback | set(pages)
    assert set().union(*map(links, pages)) == feedback | {page}


def test_names_of_the_roster_stand_beside_ids_and_who_is_missing_is_listed(tmp_path):
    names = {"ada": "Ada <Lovelace>", "bob": "Bob"}
    one = Report("03_net_1", REPORT.tests, REPORT.rows, names=names, missing=("bob",))
    (of_ada,) = report.write_students([one], tmp_path / "class.html")
    page = report.write([one], tmp_path / "class.html").read_text()
    assert ">Ada &lt;Lovelace&gt;</a> <small>ada</small>" in page and "1 not handed in" in page
    assert "Bob <small>bob</small>" in page and "Ada &lt;Lovelace&gt;" in of_ada.read_text()


def test_a_page_without_feedback_has_no_link_to_it(tmp_path):
    assert links(report.write([REPORT], tmp_path / "report" / "class.html", "", tmp_path)) == set()


def test_students_have_files_of_their_own_whatever_they_are_called():
    students = ["ada", "Ada", "a/b", "a-b", "..", "con.", "é" * 200, "plain_1"]
    names = file_names(students)
    assert len({name.casefold() for name in names.values()}) == len(students)
    assert all(re.fullmatch(r"[\w-]{1,80}\.html", name, re.ASCII) for name in names.values())
    assert names["plain_1"] == "plain_1.html"


def test_a_student_who_is_gone_has_no_page_any_more(tmp_path):
    page = tmp_path / "class.html"
    report.write_students([classes.assignment("a", 3)], page)
    left = report.write_students([classes.assignment("a", 2)], page)
    assert set((tmp_path / "students").iterdir()) == set(left) and len(left) == 2


def test_every_sum_is_the_one_after_the_penalty_and_the_penalty_stands_beside_it(tmp_path):
    marks = {"net1-build": Mark("passed", "", 4.0, 4.0, 4.0)}
    rows = [Row("ada", marks, penalty=1.5), Row("bob", marks, penalty=9.0)]
    late = Report("03_net_1", {"net1-build": 4.0}, rows)
    assert [row.score for row in rows] == [2.5, 0.0]
    page = report.write([late], tmp_path / "class.html").read_text()
    assert "<b>2.5</b> <small>(4 − 1.5)</small><td>1.5" in page
    assert "<b>0</b> <small>(4 − 9)</small><td>9" in page
    (of_ada, _) = report.write_students([late], tmp_path / "class.html")
    assert "2.5 of 4 points" in of_ada.read_text() and "late penalty of 1.5" in of_ada.read_text()
    shown = printed(late)
    assert "late penalty" in shown and "-1.5" in shown and "2.5" in shown
    with listing.write_csv([late], tmp_path / "class.csv").open(newline="") as file:
        found = [(row["late_penalty"], row["assignment_score"]) for row in csv.DictReader(file)]
    assert found == [("1.5", "2.5"), ("9.0", "0.0")]


def printed(one: Report) -> str:
    console = Console(width=80)
    with console.capture() as shown:
        listing.show([one], console)
    return shown.get()


def test_a_class_is_a_summary_in_the_terminal():
    shown = printed(classes.assignment("03_net_1", 200))
    assert "student0001" not in shown and "discrimination" in shown and "exercise-6" in shown
    assert "202 handed in" in shown and "2 failed to be" in shown
    assert len(shown.splitlines()) < 30 and max(map(len, shown.splitlines())) <= 80


def test_six_students_fit_a_terminal_of_80_columns():
    students = ["another_form", "not_JSON", "partly_wrong", "raises", "right", "untouched"]
    marks = {"net1-architecture": MARKS["net1-build"]}
    many = Report("03_net_1", {"net1-architecture": 4.0}, [Row(s, marks) for s in students])
    console = Console(width=80)
    with console.capture() as shown:
        console.print(listing.table(many))
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


def test_a_contest_with_a_budget_of_multiplications_shows_them(tmp_path):
    facts = {"name": "a", "idea": "", "accuracy": 0.8, "parameters": 9}
    graded(tmp_path, "ada", facts | {"multiplications": 9_876_543})
    entries = results.places(tmp_path, "06_net_3")
    console = Console(width=100)
    with console.capture() as shown:
        console.print(ranking(entries))
    page = leaderboard.write(entries, tmp_path, "06_net_3").read_text()
    for text in (shown.get(), page):
        assert "multiplications" in text and "9,876,543" in text
    plain = leaderboard.write([Place("b", "", 0.9, 7)], tmp_path, "06_net_3").read_text()
    assert "multiplications" not in plain


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


def test_a_leaderboard_has_a_page_that_names_no_student(tmp_path):
    entries = [Place("<b>deep</b>", "more <i>filters</i>", 0.91234, 34_170)]
    path = leaderboard.write(entries, tmp_path, "06_net_3", "A course")
    page = path.read_text()
    assert path.name == "06_net_3-leaderboard.html" and "0.912" in page and "34,170" in page
    assert "<b>deep" not in page and "&lt;b&gt;deep" in page and "&lt;i&gt;" in page
    report.write([Report("06_net_3", {}, [])], tmp_path / "class.html")
    assert links(tmp_path / "class.html") == {path}
    assert "no entry yet" in leaderboard.write([], tmp_path, "06_net_3").read_text()


def outputs(score: float | None) -> list:
    return write_outputs(Verdict(checks.PASSED, score=score), "net1-build")


@pytest.mark.parametrize(
    ("score", "status"),
    [
        (Score(4.0, False, False, 4.0), "passed"),
        (Score(3.0, False, False, 3.0), "partly right"),
        (Score(1.0, True, False, 4.0), "partly right"),
        (Score(0.0, True, False, 4.0), "wrong"),
        (Score(5.0, False, False, 4.0, extra=1.0), "passed"),
        (Score(None, False, True, None), "not graded"),
    ],
)
def test_only_all_points_show_as_passed(score, status):
    mark = results._mark(outputs(None), score, 4.0, "")
    assert mark.status == status and mark.is_full == (status == "passed")
