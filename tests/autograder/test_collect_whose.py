"""Whose a hand-in is where ids, addresses and names of several people are alike."""

from pathlib import Path

import pytest
from platforms import NAME, OTHER, collect, course, facts, filed, folder, notebook, whys, zipped

from autograder.handin import filing
from autograder.root import CourseError

pytestmark = pytest.mark.unit

SHEET = b"Identifier,Full name,Email address,Grade\nParticipant 4821,Ana Garcia,{},\n"


def from_moodle(root: Path, address: str) -> Path:
    sheet = SHEET.replace(b"{}", address.encode())
    files = {"Ana Garcia_4821_assignsubmission_file/x.ipynb": notebook(), "grades.csv": sheet}
    return zipped(root / "moodle.zip", files)


def test_a_user_name_that_is_another_students_id_is_not_that_student(tmp_path):
    root = course(tmp_path / "course", "id,name,github\nana,Ana,ana-g\nbo,Bo,\n")
    given = {f"03-net-1-{one}/x.ipynb": notebook(one) for one in ("ana-g", "ana", "bo")}
    found = collect(root, folder(tmp_path / "03-net-1-submissions", given))
    assert filed(root) == {"ana": notebook("ana-g"), "bo": notebook("bo")}
    assert len(found.left) == 1 and "GitHub user ana" in whys(found)


def test_a_folder_called_as_one_students_id_and_anothers_login_is_nobodys(tmp_path):
    root = course(tmp_path / "course", "id,name,canvas_login\nana,Ana,\nbo,Bo,ana\n")
    found = collect(root, folder(tmp_path / "drive", {"ana/x.ipynb": notebook()}))
    assert filed(root) == {} and "Several students" in whys(found)


def test_an_address_of_two_students_is_not_the_last_ones(tmp_path):
    root = course(tmp_path / "course", "id,name,email\nana,Ana García,x@u.es\nbo,Bo,x@u.es\n")
    collect(root, from_moodle(tmp_path, "x@u.es"))
    assert list(filed(root)) == ["ana"]


def test_a_name_with_another_address_is_somebody_else(tmp_path):
    root = course(tmp_path / "course", "id,name,email\nana,Ana García,a1@u.es\n")
    found = collect(root, from_moodle(tmp_path, "a2@u.es"))
    assert filed(root) == {} and "not the address a2@u.es" in whys(found)


def test_the_number_of_a_team_is_no_members_number(tmp_path):
    root = course(tmp_path / "course", "id,name\nana,Ana\nbo,Bo\n")
    given = zipped(tmp_path / "a.zip", {"Team_99_assignsubmission_file/x.ipynb": notebook()})
    collect(root, given, student="ana")
    assert filing.collected_as(root, NAME) == {("moodle", "99"): "ana"}
    collect(root, given, student="bo")
    assert set(filed(root)) == {"ana", "bo"} and filing.collected_as(root, NAME) == {}


def test_a_notebook_of_another_assignment_is_no_newer_attempt(tmp_path):
    root = course(tmp_path / "course")
    given = {"lee_12_100_net-1.ipynb": notebook(), "lee_12_101_net-2.ipynb": notebook(name=OTHER)}
    found = collect(root, zipped(tmp_path / "a.zip", given))
    assert filed(root) == {"12": notebook()} and not found.left
    assert any("net-2.ipynb" in note for note in found.results[0].notes)


def test_a_worksheet_of_other_people_beside_the_archive_is_not_used(tmp_path):
    root = course(tmp_path / "course", "id,name,email\nana,Ana García,\neve,Eve,eve@u.es\n")
    (tmp_path / "old.csv").write_bytes(
        b"Identifier,Full name,Email address,Grade\nParticipant 4821,Eve,eve@u.es,\n"
    )
    files = {"Ana Garcia_4821_assignsubmission_file/x.ipynb": notebook()}
    found = collect(root, zipped(tmp_path / "moodle.zip", files))
    assert list(filed(root)) == ["ana"] and any("old.csv has other" in one for one in found.said)


def test_of_two_worksheets_the_one_with_the_newer_hand_in_tells_the_time(tmp_path):
    root = course(tmp_path / "course", "id,name\nana,Ana García\n")
    line = (
        "Identifier,Full name,Grade,Last modified (submission)\nParticipant 4821,Ana García,,{}\n"
    )
    for name, day in (("grades (1).csv", "31"), ("grades.csv", "30")):
        (tmp_path / name).write_text(line.format(f'"Friday, {day} January 2026, 8:30 PM"'))
    files = {"Ana Garcia_4821_assignsubmission_file/x.ipynb": notebook()}
    collect(root, zipped(tmp_path / "moodle.zip", files))
    assert facts(root, "ana")["time"].startswith("2026-01-31")


@pytest.mark.parametrize("content", [b"", b"<html>Log in</html>"])
def test_a_download_that_is_no_archive_is_told(tmp_path, content):
    root = course(tmp_path / "course")
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(CourseError, match="is no archive, or an empty one"):
        collect(root, tmp_path / "a.zip")


def test_an_apostrophe_that_moodle_leaves_out_makes_nobody_unknown(tmp_path):
    root = course(tmp_path / "course", "id,name\ncy,Cy O’Neil-Smith\n")
    files = {"Cy ONeil-Smith_4821_assignsubmission_file/x.ipynb": notebook()}
    collect(root, zipped(tmp_path / "moodle.zip", files))
    assert list(filed(root)) == ["cy"]


def test_a_second_file_under_a_name_that_was_taken_is_for_a_person(tmp_path):
    root = course(tmp_path / "course")
    given = "Ana_1_assignsubmission_file/"
    files = {f"{given}{NAME}.ipynb": notebook("a"), f"{given}{NAME} (1).ipynb": notebook("b")}
    found = collect(root, zipped(tmp_path / "moodle.zip", files))
    assert filed(root) == {} and "Several notebooks could be meant" in whys(found)
