"""Hand-ins are collected in the form that each platform gives them, and nobody is guessed."""

import pytest
from platforms import (
    NAME,
    OTHER,
    collect,
    course,
    facts,
    filed,
    folder,
    notebook,
    tar_bytes,
    whys,
    zip_bytes,
    zipped,
)

from autograder.classlist.roster import Roster
from autograder.handin import forms
from autograder.root import CourseError

pytestmark = pytest.mark.unit

ROSTER = """id,name,email,canvas,moodle,blackboard,github
ana,Ana García López,ana@uni.example,12345,4821,,ana-g
bo,Bo Müller,bo@uni.example,12346,,b_m,
cy,Cy,,,,,cy
"""
SHEET = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\n"
    'Participant 77,Bo M.,bo@uni.example,Submitted,,10,Yes,"Friday, 30 January 2026, 8:30 PM",-,\n'
)
INBOUND = "{}+03_net_1+2026-01-30 20:30:10.123456 UTC+Zx_-9"


def moodle(number: int, who: str = "Ana García", last: str = "/03_net_1.ipynb") -> str:
    return f"{who}_{number}_assignsubmission_file{last}"


# -- Moodle


@pytest.mark.parametrize("last", ["/03_net_1.ipynb", "_/03_net_1.ipynb", "_03_net_1.ipynb"])
@pytest.mark.parametrize("around", ["", "CS-NET I-99/"])
def test_moodles_folders_and_flat_names_give_the_participants_number(tmp_path, last, around):
    files = {around + moodle(4821, last=last): notebook("a"),
             around + moodle(4822, "Zoë Ørsted-O'Neil", last): notebook("b")}  # fmt: skip
    found = collect(course(tmp_path / "c"), zipped(tmp_path / "m.zip", files))
    assert not found.left and list(filed(tmp_path / "c")) == ["4821", "4822"]
    assert [one.name for one in found.results] == ["Ana García", "Zoë Ørsted-O'Neil"]
    assert any("another number in each assignment" in words for words in found.said)
    known = facts(tmp_path / "c", "4821")
    assert (known["platform"], known["id"], known["archive"]) == ("moodle", "4821", "m.zip")


def test_two_people_of_one_name_never_become_one(tmp_path):
    files = {moodle(4821, "Ana"): notebook("a"), moodle(4822, "Ana"): notebook("b")}
    archive = zipped(tmp_path / "m.zip", files)
    collect(course(tmp_path / "without"), archive)
    assert filed(tmp_path / "without") == {"4821": notebook("a"), "4822": notebook("b")}
    root = course(tmp_path / "with", "id,name\na1,Ana\n")
    found = collect(root, archive)
    assert filed(root) == {} and whys(found).count("2 people of this name") == 2
    root = course(tmp_path / "both", "id,name,moodle\na1,Ana,4821\na2,Ana,4822\n")
    assert not collect(root, archive).left and filed(root)["a2"] == notebook("b")


def test_a_second_person_of_a_name_does_not_replace_the_first_one_later(tmp_path):
    root = course(tmp_path / "c", "id,name\na1,Ana\n")
    collect(root, zipped(tmp_path / "1.zip", {moodle(4821, "Ana"): notebook("a")}))
    later = zipped(tmp_path / "2.zip", {moodle(4822, "Ana"): notebook("b")}, (2026, 3, 1, 0, 0, 0))
    assert "Moodle 4821 has this name too" in whys(collect(root, later))
    assert filed(root) == {"a1": notebook("a")}


@pytest.mark.parametrize("inside", [True, False])
def test_the_grading_worksheet_tells_who_a_participant_is_and_when(tmp_path, inside):
    root = course(tmp_path / "c", ROSTER)
    files = {moodle(77, "Bo M."): notebook("b")}
    if inside:
        files["Grades-CS-03.csv"] = SHEET.encode()
    else:
        (tmp_path / "Grades-CS-03.csv").write_text(SHEET)
    found = collect(root, zipped(tmp_path / "m.zip", files))
    assert not found.left and list(filed(root)) == ["bo"]
    assert found.results[0].how == "worksheet" and facts(root, "bo")["id"] == "77"
    stamp = (root / "submitted" / "bo" / NAME / "timestamp.txt").read_text()
    assert stamp.startswith("2026-01-30 ") and stamp.endswith(" UTC")


def test_a_worksheet_in_a_students_folder_says_nothing(tmp_path):
    root = course(tmp_path / "c", ROSTER)
    evil = SHEET.replace("77", "78").encode()
    files = {moodle(78, "Eve"): notebook("e"), moodle(78, "Eve", "/Grades.csv"): evil}
    assert "No row of students.csv is participant 78" in whys(
        collect(root, zipped(tmp_path / "m.zip", files))
    )


def test_a_group_before_the_name_is_no_part_of_it(tmp_path):
    root = course(tmp_path / "c", ROSTER)
    files = {moodle(50, "Group A-Bo Muller"): notebook("b")}
    found = collect(root, zipped(tmp_path / "m.zip", files))
    assert list(filed(root)) == ["bo"] and found.results[0].how == "name"


# -- Canvas


def test_canvas_gives_the_person_the_attempt_and_whether_it_is_late(tmp_path):
    root = course(tmp_path / "c")
    found = collect(
        root,
        zipped(
            tmp_path / "submissions.zip",
            {
                "garcialopezana_LATE_12345_678902_03_net_1-1.ipynb": notebook("newer"),
                "garcialopezana_LATE_12345_678901_03_net_1.ipynb": notebook("older"),
                "garcialopezana_LATE_12345_678903_net1.weights-1.h5": b"weights",
                "garcialopezana_LATE_12345_678904_net1.json": b"{}",
                "müllerbo_12346_678905_2026_03_net_1.ipynb": notebook("b"),
                "anon_Ab3x9_678906_03_net_1.ipynb": notebook("c"),
            },
        ),
    )
    assert not found.left and set(filed(root)) == {"12345", "12346", "anon_Ab3x9"}
    assert filed(root)["12345"] == notebook("newer")
    assert (root / "submitted/12345" / NAME / "checkpoints/net1.weights.h5").is_file()
    assert (root / "submitted/12345" / NAME / "checkpoints/net1.json").is_file()
    known = facts(root, "12345")
    assert known["late"] is True and known["attempt"] == 1 and not facts(root, "12346")["late"]
    assert "older attempt" in " ".join(known["notes"])


def test_a_students_own_file_name_cannot_name_another_person(tmp_path):
    root = course(tmp_path / "c", ROSTER)
    files = {"garcialopezana_12345_678901_12346_9_03_net_1.ipynb": notebook("a")}
    collect(root, zipped(tmp_path / "s.zip", files))
    assert list(filed(root)) == ["ana"]
    root = course(tmp_path / "d", ROSTER)
    evil = moodle(4821, last="/Bo_77_assignsubmission_file_/03_net_1.ipynb")
    collect(root, zipped(tmp_path / "m.zip", {evil: notebook("a")}))
    assert list(filed(root)) == ["ana"]


def test_a_name_that_ends_with_a_number_is_read_by_the_roster(tmp_path):
    root = course(tmp_path / "c", "id,name,canvas\ns2,Smith_2,12347\nbo,Bo,2\n")
    files = {"smith_2_12347_678901_03_net_1.ipynb": notebook("s"),
             "bo_2_678902_03_net_1.ipynb": notebook("b")}  # fmt: skip
    assert not collect(root, zipped(tmp_path / "s.zip", files)).left
    assert filed(root) == {"s2": notebook("s"), "bo": notebook("b")}


def test_one_number_under_two_names_is_nobody(tmp_path):
    root = course(tmp_path / "c")
    files = {"smith_2_12347_1_03_net_1.ipynb": notebook("s"), "bo_2_5_03_net_1.ipynb": notebook()}
    assert "one id is one person" in whys(collect(root, zipped(tmp_path / "s.zip", files)))
    assert filed(root) == {}


def test_a_canvas_name_is_matched_if_one_student_only_has_it(tmp_path):
    root = course(tmp_path / "c", "id,name\nana,Ana García López\nbo,Bo\n")
    files = {"garcialopezana_99_1_03_net_1.ipynb": notebook("a"),
             "unknown_98_2_03_net_1.ipynb": notebook("u")}  # fmt: skip
    found = collect(root, zipped(tmp_path / "s.zip", files))
    assert list(filed(root)) == ["ana"] and found.results[-1].how == "name"
    assert "unknown: No row of students.csv is Canvas user 98" in whys(found)


# -- Blackboard, nbgrader, GitHub, Drive

HEAD = "gradebook_CS101_03_net_1_{}_attempt_2026-01-{}-20-30-10"


def note(who: str, id: str) -> bytes:
    return f"Name: {who} ({id})\nAssignment: 03\nDate Submitted: Friday\n\nFiles:\n".encode()


def test_blackboard_gives_user_attempt_and_time_and_its_text_the_name(tmp_path):
    root = course(tmp_path / "c")
    files = {
        HEAD.format("a_g", 30) + "_03_net_1.ipynb": notebook("first"),
        HEAD.format("a_g", 30) + ".txt": note("Ana (Annie) García", "a_g"),
        HEAD.format("a_g", 31) + "_03_net_1.ipynb": notebook("second"),
        HEAD.format("bo", 30) + "_Copy of 03_net_1.ipynb": notebook("b"),
    }
    found = collect(root, zipped(tmp_path / "gradebook_CS101.zip", files))
    assert filed(root) == {"a_g": notebook("second"), "bo": notebook("b")} and not found.left
    assert {one.what for one in found.results if one.student == "a_g"} == {"new", "older"}
    assert facts(root, "a_g")["name"] == "Ana (Annie) García"
    assert facts(root, "a_g")["time"].startswith("2026-01-31T")


def test_a_blackboard_user_whose_name_is_unclear_is_listed(tmp_path):
    files = {HEAD.format(user, 30) + "_x.ipynb": notebook(user) for user in ("ana", "ana_b", "cy")}
    archive = zipped(tmp_path / "g.zip", files)
    found = collect(course(tmp_path / "c"), archive)
    assert set(filed(tmp_path / "c")) == {"ana", "cy"} and "read in two ways" in whys(found)
    roster = "id,name,blackboard\nx1,A,ana\nx2,B,ana_b\nx3,C,cy\n"
    found = collect(course(tmp_path / "d", roster), archive)
    assert set(filed(tmp_path / "d")) == {"x1", "x3"} | ({"x2"} if not found.left else set())


def test_a_note_that_a_student_uploads_is_not_blackboards(tmp_path):
    files = {HEAD.format("eve", 30) + "_03_net_1.ipynb": notebook("e"),
             HEAD.format("eve", 30) + "_note.txt": note("Ana", "ana"),
             HEAD.format("ana", 30) + "_03_net_1.ipynb": notebook("a")}  # fmt: skip
    collect(course(tmp_path / "c"), zipped(tmp_path / "g.zip", files))
    assert filed(tmp_path / "c") == {"ana": notebook("a"), "eve": notebook("e")}


@pytest.mark.parametrize("around", ["", "exchange/cs101/inbound"])
def test_nbgraders_exchange_keeps_its_receipts(tmp_path, around):
    inbound = INBOUND.format("ana+b")
    given = folder(
        tmp_path / "x" / around,
        {
            f"{inbound}/03_net_1.ipynb": notebook("a"),
            f"{inbound}/submission_secret.txt": b"f" * 128,
            f"{INBOUND.format('bo').replace(NAME, OTHER)}/04_counting.ipynb": notebook("b", OTHER),
        },
    )
    if around:
        folder(tmp_path / "x/exchange/cs101/outbound/03_net_1", {"03_net_1.ipynb": b"{}"})
        given = tmp_path / "x"
    root = course(tmp_path / "c")
    found = collect(root, given)
    assert list(filed(root)) == ["ana+b"] and not found.left
    place = root / "submitted" / "ana+b" / NAME
    assert (place / "timestamp.txt").read_text() == "2026-01-30 20:30:10.123456 UTC"
    assert (place / "submission_secret.txt").read_bytes() == b"f" * 128
    assert any("another assignment: 1." in words for words in found.said)


def test_a_tree_of_submissions_and_zip_collects_folders_are_read(tmp_path):
    tree = folder(
        tmp_path / "submitted",
        {f"ana/{NAME}/{NAME}.ipynb": notebook("a"), f"bo/{OTHER}/{OTHER}.ipynb": notebook()},
    )
    assert list(filed(_collected(tmp_path / "c", tree))) == ["ana"]
    archive = tmp_path / "downloaded" / NAME / "archive"
    archive.mkdir(parents=True)
    zipped(archive / "CS-03.zip", {moodle(4821): notebook("m")})
    assert list(filed(_collected(tmp_path / "d", tmp_path / "downloaded" / NAME))) == ["4821"]
    named = "notebooks_ps1_hacker_attempt_2016-01-30-15-30-10_problem1.ipynb"
    zipped(tmp_path / "n.zip", {named: notebook("n")})
    assert list(filed(_collected(tmp_path / "e", tmp_path / "n.zip"))) == ["hacker"]


def _collected(root, *given):
    collect(course(root), *given)
    return root


def test_repositories_of_github_classroom_give_the_user(tmp_path):
    repos = folder(
        tmp_path / "03-net-1-submissions",
        {
            "03-net-1-ana-g/03_net_1.ipynb": notebook("a"),
            "03-net-1-ana-g/.git/objects/x": b"x",
            "03-net-1-bo/work/03_net_1.ipynb": notebook("b"),
            f"zoe/{moodle(1, 'Bo')}": notebook("evil"),
        },
    )
    root = course(tmp_path / "c")
    found = collect(root, repos)
    assert filed(root) == {"ana-g": notebook("a"), "bo": notebook("b")}
    assert whys(found).startswith("zoe: Its name gives no platform's id")
    assert not list((root / "submitted").rglob(".git"))
    root = course(tmp_path / "d", ROSTER)
    assert not [one for one in collect(root, repos).left if one.student]
    assert set(filed(root)) == {"ana", "bo"}


DRIVE = {
    "Ana Garcia Lopez/Copy of 03_net_1.ipynb": "ana",
    "ana@uni.example/03_net_1 (1).ipynb": "ana",
    "03_net_1 - Bo Müller.ipynb": "bo",
    "Bo Müller - 03_net_1.ipynb": "bo",
    "cy_03_net_1.ipynb": "cy",
    "03_net_1_cy.ipynb": "cy",
    "cy/Kopie von 03_net_1.ipynb": "cy",
    "12-34 - Bo Müller - Jan 30, 2026 830 PM/03_net_1.ipynb": "bo",
    "Copy of 03_net_1.ipynb": "",
    "03_net_1 (1).ipynb": "",
    "Zed/03_net_1.ipynb": "",
}


@pytest.mark.parametrize("path", DRIVE)
def test_names_of_drive_and_colab_are_matched_to_the_roster_or_to_nobody(tmp_path, path):
    root = course(tmp_path / "c", ROSTER)
    found = collect(root, folder(tmp_path / "drive", {path: notebook("d")}))
    assert list(filed(root)) == [DRIVE[path]] * bool(DRIVE[path])
    assert bool(found.left) is not bool(DRIVE[path])
    assert "No row of students.csv" in whys(found) or DRIVE[path]


def test_a_single_notebook_is_a_students_whom_the_instructor_names(tmp_path):
    root = course(tmp_path / "c", ROSTER)
    one = folder(tmp_path / "in", {"Copy of 03_net_1.ipynb": notebook("a")})
    found = collect(root, one / "Copy of 03_net_1.ipynb", student="cy")
    assert filed(root) == {"cy": notebook("a")} and found.results[0].how == "given"
    with pytest.raises(CourseError, match="has no student zed"):
        collect(root, one, student="zed")
    files = {moodle(1): notebook(), moodle(2, "Bo"): notebook()}
    with pytest.raises(CourseError, match="several people"):
        collect(root, zipped(tmp_path / "m.zip", files), student="cy")


def test_a_folder_of_one_student_is_read_by_its_own_name(tmp_path):
    folder(tmp_path / "in", {moodle(4821): notebook("a")})
    given = tmp_path / "in" / "Ana García_4821_assignsubmission_file"
    assert list(filed(_collected(tmp_path / "c", given))) == ["4821"]


def test_a_wrapping_folder_that_looks_like_a_repository_is_looked_into():
    listed = [f"03_net_1_moodle/{moodle(number)}" for number in (4821, 4822)]
    found, level = forms.signs(listed, NAME, [NAME], Roster())
    assert level == 1 and {sign.platform for sign in found.values()} == {"moodle"}


# -- which assignment


@pytest.mark.parametrize("ids", [True, False])
def test_a_notebook_of_another_assignment_is_named_and_not_filed(tmp_path, ids):
    root = course(tmp_path / "c")
    files = {moodle(1): notebook("a", OTHER, ids), moodle(2, "Bo"): notebook("b", NAME, ids)}
    found = collect(root, zipped(tmp_path / "m.zip", files))
    assert list(filed(root)) == ["2"]
    assert "03_net_1.ipynb is 04_counting, not 03_net_1" in whys(found)
    named = {moodle(3, last="/04_counting.ipynb"): notebook("c", NAME, ids)}
    collect(root, zipped(tmp_path / "n.zip", named))
    assert "3" in filed(root)


def test_a_notebook_that_says_nothing_is_filed_with_a_note(tmp_path):
    root = course(tmp_path / "c")
    found = collect(root, zipped(tmp_path / "m.zip", {moodle(1): b"not JSON at all"}))
    assert filed(root) == {"1": b"not JSON at all"} and not found.left
    assert "No cell of the notebook says" in found.results[0].notes[0]
    other = {moodle(2, last="/04_counting.ipynb"): b"{}"}
    assert "is 04_counting" in whys(collect(root, zipped(tmp_path / "n.zip", other)))


# -- what people really hand in


def test_checkpoints_come_along_in_every_form(tmp_path):
    packed = zip_bytes({f"{NAME}.ipynb": notebook(), "checkpoints/a.weights.h5": b"1"})
    loose = zip_bytes({"a.weights.h5": b"1", "a.json": b"{}"})
    files = {
        "ana_1_2_03_net_1.zip": packed,
        "bo_7_8_03_net_1.ipynb": notebook(),
        "bo_7_9_checkpoints.zip": loose,
        "cy_5_6_03_net_1.ipynb": notebook(),
        "cy_5_7_a.weights.h5": b"1",
    }
    root = course(tmp_path / "c")
    assert not collect(root, zipped(tmp_path / "s.zip", files)).left
    weights = sorted((root / "submitted").glob(f"*/{NAME}/checkpoints/a.weights.h5"))
    assert [path.parts[-4] for path in weights] == ["1", "5", "7"]
    assert (root / "submitted" / "7" / NAME / "checkpoints" / "a.json").is_file()


@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_an_archive_of_one_student_is_given_by_name(tmp_path, ending):
    files = {f"{NAME}.ipynb": notebook("a"), "checkpoints/a.weights.h5": b"1"}
    given = tmp_path / f"{NAME}.{ending}"
    given.write_bytes(zip_bytes(files) if ending == "zip" else tar_bytes(files))
    root = course(tmp_path / "c")
    assert "there is no students.csv" in whys(collect(root, given))
    assert not collect(root, given, student="ana").left
    assert filed(root) == {"ana": notebook("a")}
    assert (root / "submitted" / "ana" / NAME / "checkpoints" / "a.weights.h5").is_file()


def test_a_folder_of_archives_that_are_named_after_students(tmp_path):
    work = zip_bytes({"x.ipynb": notebook("a")})
    files = {"Ana García López.zip": work, "bo.rar": b"Rar!\x1a\x07\x00", "zed.zip": work}
    found = collect(course(tmp_path / "c", ROSTER), folder(tmp_path / "in", files))
    assert list(filed(tmp_path / "c")) == ["ana"]
    assert "RAR archive" in whys(found) and "zed.zip: No row" in whys(found)
    found = collect(course(tmp_path / "d"), tmp_path / "in")
    assert filed(tmp_path / "d") == {} and len(found.left) == 3


def test_an_online_text_is_no_notebook(tmp_path):
    text = "{}_{}_assignsubmission_onlinetext/onlinetext.html"
    files = {moodle(1): notebook("a"), text.format("Ana García", 1): b"<p>",
             text.format("Bo", 2): b"<p>"}  # fmt: skip
    found = collect(course(tmp_path / "c"), zipped(tmp_path / "m.zip", files))
    assert list(filed(tmp_path / "c")) == ["1"] and "2: There is no notebook in it." in whys(found)


def test_somebody_of_the_same_name_with_another_canvas_number_is_nobody(tmp_path):
    root = course(tmp_path / "c", ROSTER)
    files = {"garcialopezana_999_1_03_net_1.ipynb": notebook("other")}
    assert "Canvas user 999" in whys(collect(root, zipped(tmp_path / "s.zip", files)))
    assert filed(root) == {}


def test_a_place_that_is_no_folder_costs_that_student_alone(tmp_path):
    root = course(tmp_path / "c")
    folder(root / "submitted", {"1": b"a file"})
    files = {moodle(1): notebook("a"), moodle(2, "Bo"): notebook("b")}
    found = collect(root, zipped(tmp_path / "m.zip", files))
    assert list(filed(root)) == ["2"] and "submitted/1 is no folder" in whys(found)


@pytest.mark.parametrize("id", ["..", "../x", "a/b", "a*"])
def test_an_id_of_the_roster_that_cannot_be_a_folder_is_told(tmp_path, id):
    root = course(tmp_path / "c", f"id,name,moodle\n{id},Ana,1\n")
    assert "cannot be used" in whys(
        collect(root, zipped(tmp_path / "m.zip", {moodle(1): notebook()}))
    )
    assert not list(tmp_path.rglob(f"{NAME}/{NAME}.ipynb"))[1:]


def test_two_places_of_one_student_are_two_hand_ins(tmp_path):
    root = course(tmp_path / "c", ROSTER)
    files = {"cy/03_net_1.ipynb": notebook("one"), "Cy - 03_net_1.ipynb": notebook("two")}
    found = collect(root, folder(tmp_path / "in", files))
    assert whys(found).count("nothing says which of them is the newer one") == 2
    assert filed(root) == {}
    collect(root, tmp_path / "in" / "cy", student="cy")
    found = collect(root, tmp_path / "in")
    assert [one.what for one in found.results].count("unchanged") == 1 == len(found.left)
    assert filed(root) == {"cy": notebook("one")}


def test_a_name_of_two_students_is_nobody(tmp_path):
    root = course(tmp_path / "c", "id,name\na1,Ana\na2,Ána\n")
    found = collect(root, folder(tmp_path / "in", {"Ana/03_net_1.ipynb": notebook()}))
    assert filed(root) == {} and "Several students in students.csv can be meant" in whys(found)
