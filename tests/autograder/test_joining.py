"""A roster and what platforms export besides: two people never become one."""

import platforms
import pytest
from typer.testing import CliRunner

from autograder.classlist import joining, roster
from autograder.cli import app

pytestmark = pytest.mark.unit

SHEET = "Identifier,Full name,Status,Grade,Maximum Grade\n"


def joined(tmp_path, before: str, export: str) -> joining.Joined:
    (tmp_path / "export.csv").write_text(export, encoding="utf-8")
    (tmp_path / roster.FILE).write_text(before or "id\n", encoding="utf-8")
    known = roster.read(tmp_path)
    return joining.joined(known, [roster.read_file(tmp_path / "export.csv")])


@pytest.mark.parametrize(
    "export",
    [
        f"{SHEET}Participant 1,Ana García,,,20\nParticipant 2,Ana Garcia,,,20\n",
        "First name,Last name,Username\nAna,García,ag1\nAna,García,ag2\n",
    ],
)
def test_two_people_of_one_name_in_an_export_stay_two(tmp_path, export):
    found = joined(tmp_path, "", export)
    assert len(found.students) == 2 and not found.left
    found = joined(tmp_path, "id,name\nana,Ana García\n", export)
    assert [one.ids for one in found.students] == [{}] and len(found.left) == 2
    assert "ana may be meant by this name" in found.left[0]


@pytest.mark.parametrize(
    ("before", "export"),
    [
        ("1001,Ana García,,", "Student,ID,SIS User ID,Section\nEve Other,1001,,S\n"),
        ("1001,Ana García,,", f"{SHEET}Participant 1001,Eve Other,,,20\n"),
        ("ana,Ana,7,", "Student,ID,SIS Login ID,Section\nEve Other,8,ana,S\n"),
        ("ana,Ana,7,a@b.c", "Student,ID,SIS Login ID,Section\nEve Other,8,a@b.c,S\n"),
    ],
)
def test_a_platforms_number_that_is_also_another_students_id_joins_nobody(tmp_path, before, export):
    found = joined(tmp_path, f"id,name,canvas,email\n{before}\n", export)
    assert len(found.students) == 1 == len(found.left)
    assert found.students[0].ids.get("canvas", "7") == "7" and "Eve Other" in found.left[0]


def test_an_address_that_two_students_have_says_nobody(tmp_path):
    (tmp_path / roster.FILE).write_text("id,email\nana,x@uni.example\nbo,X@uni.example\n")
    assert roster.read(tmp_path).with_email("x@uni.example") is None


def test_the_verb_says_whom_it_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(platforms.course(tmp_path, "id,name\n1001,Ana Garcia\n"))
    (tmp_path / "sheet.csv").write_text(f"{SHEET}Participant 1001,Eve \x1b[2J,,,20\n")
    result = CliRunner().invoke(app, ["roster", "sheet.csv"])
    assert result.exit_code == 1 and "1001 is the id of Ana Garcia" in result.output
    assert "\x1b" not in result.output and "lists 1 students" in result.output
