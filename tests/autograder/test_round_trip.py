"""From a platform's archive to its marks and feedback, with a real gradebook and the real verbs."""

import csv
import io
import zipfile

import instant
import platforms
import pytest
import tiny
from typer.testing import CliRunner

from autograder.cli import app
from autograder.run import grade

pytestmark = pytest.mark.kernel

NAME = tiny.NAME
ROSTER = """id,name,email,canvas,canvas_login,moodle
ana1,Ana García,a1@uni.example,101,a1,5001
ana2,Ana García,a2@uni.example,102,a2,5002
bob,Bob,bob@uni.example,103,bob,5003
"""
WORKSHEET = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (grade),Feedback comments\r\n"
    "Participant 5001,Ana García,a1@uni.example,Submitted,,2.00,Yes,-,\r\n"
    "Participant 5002,Ana García,a2@uni.example,Submitted,,2.00,Yes,-,\r\n"
    "Participant 5003,Bob,bob@uni.example,No submission,,2.00,Yes,-,\r\n"
)
GRADEBOOK = (
    "Student,ID,SIS Login ID,Section,tiny (77),Final Score\n"
    "    Points Possible,,,,2,(read only)\n"
    '"García, Ana",101,a1,A,,\n"García, Ana",102,a2,A,,\n"Bob",103,bob,A,,\n'
)


@pytest.fixture
def root(tmp_path, monkeypatch):
    made = tiny.make(tmp_path / "course", students=0)
    (made / "students.csv").write_text(ROSTER, encoding="utf-8")
    monkeypatch.setenv("COURSE_ROOT", str(made))
    monkeypatch.chdir(made)
    return made


def run(*words: str):
    return CliRunner().invoke(app, list(map(str, words)))


def collected(root, form: str) -> None:
    answers = {1: instant.RIGHT, 2: instant.WRONG}
    names = {k: form.format(k) for k in answers}
    files = {names[k]: tiny.notebook(f"{answers[k]}  # mine{k}").encode() for k in answers}
    done = run("collect", NAME, platforms.zipped(root / "a.zip", files))
    assert done.exit_code == 0, done.output
    states = grade.grade(root, NAME, workers=instant.Instant())
    assert states == {"ana1": "done", "ana2": "done"}


def test_moodle_gets_grades_and_pages_of_its_own_archive(root):
    collected(root, "Ana García_500{0}_assignsubmission_file/x.ipynb")
    sheet = root / "worksheet.csv"
    sheet.write_bytes(WORKSHEET.encode())
    done = run("marks", NAME, "--for", "moodle", "--roster", sheet)
    assert done.exit_code == 0, done.output
    assert "bob" in done.output
    written = (root / "report" / f"{NAME}-marks-moodle.csv").read_bytes()
    assert (
        written
        == WORKSHEET.replace(",,2.00", ",2.00,2.00", 1).replace(",,2.00", ",0.00,2.00", 1).encode()
    )
    done = run("feedback", NAME, "--for", "moodle")
    assert done.exit_code == 0, done.output
    archive = zipfile.ZipFile(root / "report" / f"{NAME}-feedback-moodle.zip")
    pages = {path: archive.read(path) for path in archive.namelist()}
    assert set(pages) == {f"Ana García_500{k}_assignsubmission_file/{NAME}.html" for k in (1, 2)}
    for k in (1, 2):
        page = pages[f"Ana García_500{k}_assignsubmission_file/{NAME}.html"]
        assert f"# mine{k}".encode() in page and f"# mine{3 - k}".encode() not in page


def test_canvas_gets_grades_and_pages_of_its_own_archive(root):
    collected(root, "garciaana_10{0}_900{0}_x.ipynb")
    export = root / "grades.csv"
    export.write_text(GRADEBOOK, encoding="utf-8")
    done = run("marks", "--for", "canvas", "--roster", export, "--to", root / "back.csv")
    assert done.exit_code == 0, done.output
    text = (root / "back.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [one["tiny (77)"] for one in rows] == ["2", "2", "0", ""]
    assert "Final Score" not in rows[0]
    assert run("feedback", NAME, "--for", "canvas").exit_code == 0
    archive = zipfile.ZipFile(root / "report" / f"{NAME}-feedback-canvas.zip")
    assert set(archive.namelist()) == {f"garciaana_10{k}_900{k}_x.ipynb" for k in (1, 2)}
    for k in (1, 2):
        page = archive.read(f"garciaana_10{k}_900{k}_x.ipynb")
        assert f"# mine{k}".encode() in page and f"# mine{3 - k}".encode() not in page


def test_the_exit_code_says_that_somebody_has_no_score(root):
    collected(root, "garciaana_10{0}_900{0}_x.ipynb")
    folder = root / "submitted" / "bob" / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_text(tiny.notebook(instant.RIGHT))
    done = run("marks", "--for", "csv")
    assert done.exit_code == 1 and "bob (Bob) is not graded yet" in done.output
    export = root / "grades.csv"
    export.write_text(GRADEBOOK.replace(",2,(", ",5,("), encoding="utf-8")
    done = run("marks", "--for", "canvas", "--roster", export)
    assert done.exit_code == 1 and "Canvas has 5" in done.output
    assert not (root / "report" / f"{NAME}-marks-canvas.csv").exists()
    done = run("marks", "--for", "canvas", "--roster", export, "--scale", "--to", export)
    assert "is the export itself" in done.output


def test_a_newer_hand_in_has_no_score_until_it_is_graded(root):
    form = "garciaana_10{0}_900{0}_x.ipynb"
    collected(root, form)
    newer = {form.format(2): tiny.notebook(instant.RIGHT).encode()}
    archive = platforms.zipped(root / "b.zip", newer, (2026, 2, 1, 8, 0, 0))
    assert run("collect", NAME, archive).exit_code == 0
    export = root / "grades.csv"
    export.write_text(GRADEBOOK, encoding="utf-8")
    done = run("marks", "--for", "canvas", "--roster", export, "--to", root / "back.csv")
    assert done.exit_code == 1 and "ana2 (Ana García) has handed in again since" in done.output
    rows = list(csv.DictReader(io.StringIO((root / "back.csv").read_text(encoding="utf-8"))))
    assert [one["tiny (77)"] for one in rows] == ["2", "2", "", ""]
    assert run("feedback", NAME, "--for", "canvas").exit_code == 1
    grade.grade(root, NAME, workers=instant.Instant())
    done = run("marks", "--for", "canvas", "--roster", export, "--to", root / "back.csv")
    assert done.exit_code == 0, done.output
    assert "tiny (77)" in (root / "back.csv").read_text(encoding="utf-8")
