"""The class page and the table tell each student's outcome, and cannot be written by a student."""

from rich.console import Console

from autograder import report
from autograder.report import Mark, Report, Row

MARKS = {
    "net1-build": Mark("wrong", "wrong: net1-build. <script>alert(1)</script>", 0.0, 4),
    "net1-text": Mark("by hand", "", None, 2),
}
REPORT = Report("03_net_1", {"net1-build": 4.0, "net1-text": 2.0}, [Row("ada", MARKS)])


def test_the_table_shows_signs_and_sums():
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(report.table(REPORT))
    text = console.export_text()
    assert "net1-build" in text and "✗" in text and "ada" in text


def test_the_page_escapes_what_students_wrote(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "read", lambda root, name: REPORT)
    page = report.write(tmp_path, ["03_net_1"], tmp_path / "out" / "class.html").read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page and "ada" in page


def test_a_feedback_page_is_linked_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "read", lambda root, name: REPORT)
    path = tmp_path / "feedback" / "ada" / "03_net_1" / "03_net_1.html"
    path.parent.mkdir(parents=True)
    path.write_text("")
    page = report.write(tmp_path, ["03_net_1"], tmp_path / "class.html").read_text()
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
