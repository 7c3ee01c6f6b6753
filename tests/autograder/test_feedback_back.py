"""Feedback pages on their way back: each platform hands each student their own."""

import io
import json
import re
import zipfile
from pathlib import Path

import nbformat
import platforms
import pytest
from test_marks import NAME, report, row

from autograder.classlist import roster as rosters
from autograder.course import load
from autograder.handback import marks, moodle, packing, sheets, standing
from autograder.handback.standing import Filled
from autograder.pages.scores import TO_GRADE

pytestmark = pytest.mark.unit

ROSTER = """id,name,email,canvas,moodle
ana1,Ana García,a1@uni.example,101,5001
ana2,Ana García,a2@uni.example,102,5002
cy,Cy_9_Ng,cy@uni.example,103,5003
"""


@pytest.fixture
def root(tmp_path):
    made = platforms.course(tmp_path / "course", ROSTER)
    for student in ("ana1", "ana2", "cy"):
        page = made / "feedback" / student / NAME / f"{NAME}.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"<html>{student}</html>")
    return made


def pack(root: Path, platform: str, *rows, **numbers: str) -> Filled:
    rows = rows or (row("ana1"), row("ana2"), row("cy"))
    one = report(*rows)
    people = marks.people(load(root), [NAME], rosters.read(root), [one])
    to = root / "report" / "feedback.zip"
    packed = packing.pack(root, NAME, platform, standing.of(one), people, numbers, to)
    packed.content = to.read_bytes()
    return packed


def files(packed: Filled) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(packed.content))
    assert len(archive.namelist()) == packed.scores
    return {name: archive.read(name) for name in archive.namelist()}


def moodle_hands_out(packed: Filled, participants: set[str]) -> dict[str, bytes]:
    """Whom Moodle's importer takes each file for: the second of up to five parts of a name."""
    found = {}
    for path, content in files(packed).items():
        for part in path.split("/"):
            parts = part.split("_", 4)
            if len(parts) >= 4 and parts[1] in participants:
                assert parts[2:4] == ["assignsubmission", "file"]
                assert parts[1] not in found
                found[parts[1]] = content
                break
    return found


def canvas_hands_out(packed: Filled) -> dict[tuple[str, ...], bytes]:
    """Whom Canvas takes each file for: the first two numbers between underscores."""
    found = {}
    for path, content in files(packed).items():
        numbers = [one for one in path.rpartition("/")[2].split("_") if re.fullmatch(r"\d+", one)]
        assert tuple(numbers[:2]) not in found
        found[tuple(numbers[:2])] = content
    return found


def collect_from_moodle(root: Path, ending: str = "") -> None:
    cells = [platforms.notebook(f"a = {k}") for k in range(3)]
    platforms.collect(
        root,
        platforms.zipped(
            root / "a.zip",
            {
                f"Ana García_5001_assignsubmission_file{ending}/a.ipynb": cells[0],
                f"Ana García_5002_assignsubmission_file{ending}/a.ipynb": cells[1],
                f"Cy 9 Ng_5003_assignsubmission_file{ending}/a.ipynb": cells[2],
            },
        ),
    )


@pytest.mark.parametrize("ending", ["", "_"])
def test_two_people_of_one_name_get_their_own_page_from_moodle(root, ending):
    collect_from_moodle(root, ending)
    packed = pack(root, "moodle")
    assert moodle_hands_out(packed, {"5001", "5002", "5003", "9"}) == {
        "5001": b"<html>ana1</html>",
        "5002": b"<html>ana2</html>",
        "5003": b"<html>cy</html>",
    }
    assert f"Ana García_5001_assignsubmission_file{ending}/{NAME}.html" in files(packed)
    assert packed.left == []


def test_a_flat_archive_of_moodle_comes_back_in_folders(root):
    flat = {"Cy 9 Ng_5003_assignsubmission_file_a.ipynb": platforms.notebook()}
    platforms.collect(root, platforms.zipped(root / "a.zip", flat))
    packed = pack(root, "moodle", row("cy"))
    assert list(files(packed)) == [f"Cy 9 Ng_5003_assignsubmission_file_/{NAME}.html"]


def test_a_worksheet_gives_the_numbers_of_those_who_came_another_way(root):
    sheet = sheets.read(
        b"Identifier,Full name,Email address,Grade\n"
        b"Participant 7001,Ana,a1@uni.example,\nParticipant 7003,Cy,cy@uni.example,\n",
        "worksheet.csv",
    )
    people = marks.people(load(root), [NAME], rosters.read(root), [report(row("cy"))])
    numbers, doubts = moodle.numbers(sheet, people)
    packed = pack(root, "moodle", **numbers)
    assert moodle_hands_out(packed, {"7001", "7003", "9"}) == {
        "7001": b"<html>ana1</html>",
        "7003": b"<html>cy</html>",
    }
    assert doubts == []
    assert len(packed.left) == 1 and packed.left[0].startswith("ana2")


def test_canvas_gets_the_names_back_that_it_gave(root):
    submission = platforms.zip_bytes({"a.ipynb": platforms.notebook("a = 2")})
    given = {
        "garciaana_LATE_101_9001_net_1.ipynb": platforms.notebook("a = 1"),
        "garciaana_102_9002_all-2.zip": submission,
        "ng9cy_103_9003_a.ipynb": platforms.notebook("a = 3"),
    }
    platforms.collect(root, platforms.zipped(root / "a.zip", given))
    packed = pack(root, "canvas")
    assert set(files(packed)) == set(given) and packed.left == []
    found = canvas_hands_out(packed)
    assert set(found) == {("101", "9001"), ("102", "9002"), ("103", "9003")}
    nb = nbformat.reads(found["101", "9001"].decode(), as_version=4)
    nbformat.validate(nb)
    assert nb.cells[1].outputs[0].data["text/html"] == "<html>ana1</html>"
    inner = zipfile.ZipFile(io.BytesIO(found["102", "9002"]))
    assert inner.read(f"{NAME}.html") == b"<html>ana2</html>"
    assert inner.infolist()[0].date_time[0] > 1980  # the page's own day


def test_a_name_that_canvas_would_read_as_another_person_is_left_out(root):
    given = {"ng_9_cy_103_9003_a.ipynb": platforms.notebook("a = 3")}
    platforms.collect(root, platforms.zipped(root / "a.zip", given))
    facts = platforms.facts(root, "cy")
    assert (facts["id"], facts["given"]) == ("103", "ng_9_cy_103_9003_a.ipynb")
    packed = pack(root, "canvas", row("cy"))
    assert files(packed) == {}
    assert "by hand" in packed.left[0]


def test_a_hand_in_that_is_graded_anonymously_comes_back_under_its_pseudonym(root):
    (root / "students.csv").unlink()
    given = "anon_Xk3vQ_9001_a.ipynb"
    platforms.collect(root, platforms.zipped(root / "a.zip", {given: platforms.notebook("a = 3")}))
    page = root / "feedback" / "anon_Xk3vQ" / NAME / f"{NAME}.html"
    page.parent.mkdir(parents=True)
    page.write_text("<html>x</html>")
    found = pack(root, "canvas", row("anon_Xk3vQ"))
    assert (list(files(found)), found.left) == ([given], [])


def test_what_waits_and_what_came_another_way_is_not_handed_out(root):
    collect_from_moodle(root)
    (root / "feedback" / "cy" / NAME / f"{NAME}.html").unlink()
    waits = row("ana1", None, status=TO_GRADE)
    packed = pack(root, "moodle", waits, row("ana2"), row("cy"))
    assert moodle_hands_out(packed, {"5001", "5002"}) == {"5002": b"<html>ana2</html>"}
    assert "waits for a person" in packed.left[0] and "no feedback page" in packed.left[1]
    assert len(pack(root, "canvas").left) == 3


def test_what_was_collected_before_names_were_kept_learns_them(root):
    collect_from_moodle(root)
    path = root / ".autograder" / "handed_in" / "cy" / f"{NAME}.json"
    facts = platforms.facts(root, "cy")
    given = facts.pop("given")
    path.write_text(json.dumps(facts))
    collect_from_moodle(root)
    assert platforms.facts(root, "cy") | {"previous": ""} == {**facts, "given": given}


def test_the_page_of_a_teams_member_goes_to_the_members_own_number_or_to_nobody(root):
    given = {"Team_99_assignsubmission_file_/03_net_1.ipynb": platforms.notebook()}
    archive = platforms.zipped(root / "team.zip", given)
    for student in ("ana1", "cy"):
        platforms.collect(root, archive, student=student)
    rows = row("ana1"), row("cy")
    assert moodle_hands_out(pack(root, "moodle", *rows), {"99", "5001", "5003"}) == {}
    found = moodle_hands_out(pack(root, "moodle", *rows, ana1="5001"), {"99", "5001", "5003"})
    assert found == {"5001": b"<html>ana1</html>"}
