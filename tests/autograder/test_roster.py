"""The roster of a class: our own file, and what Canvas and Moodle export."""

import pytest

from autograder.classlist import exports, roster
from autograder.classlist.names import folded, in_reading_order, run_together
from autograder.root import CourseError

pytestmark = pytest.mark.unit

OWN = """id,name,email,section,canvas,canvas_login,moodle,blackboard,github,note
ana,Ana García,ana@uni.example,A,12345,agarcia,4821 5307,,ana-g,sits in front
bo,"Müller, Bo",bo@uni.example,B,12346,bmuller,4822,bm1,,
"""
CANVAS = """\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,NET I (4411)
    Points Possible,,,,,10
"García López, Ana",12345,s1,agarcia,Lab 1,
"Nguyễn, Bo",12346,s2,bnguyen,Lab 1,7
"Student, Test",99,,2cf4f0,Lab 1,
"""
PARTICIPANTS = """First name,Last name,ID number,Email address,Groups
Ana,García,s1,ana@uni.example,
Bo,Müller,,bo@uni.example,
"""
WORKSHEET = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\n"
    "Participant 4821,Ana García,ana@uni.example,Submitted for grading,,10.00,Yes,"
    '"Friday, 30 January 2026, 8:30 PM",-,\n'
    "Participant 4822,Bo Müller,bo@uni.example,No submission,,10.00,Yes,-,-,\n"
)


def read(tmp_path, text: str, encoding: str = "utf-8") -> roster.Roster:
    (tmp_path / "students.csv").write_bytes(text.encode(encoding))
    return roster.read(tmp_path)


def test_a_course_without_the_file_has_an_empty_roster(tmp_path):
    empty = roster.read(tmp_path)
    assert not empty and empty.students == () and empty.named("Ana") == []
    assert empty.find("canvas", "1") is None and empty.find("canvas", "") is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_student_is_found_by_each_id_email_and_name(tmp_path, encoding):
    found = read(tmp_path, OWN, encoding)
    ana, bo = found.students
    assert (ana.id, ana.name, ana.section, ana.more) == (
        "ana", "Ana García", "A", {"note": "sits in front"}
    )  # fmt: skip
    assert found.find("canvas", "12345") is ana and found.find("github", "Ana-G") is ana
    assert found.find("moodle", "5307") is ana and found.find("moodle", "4821") is ana
    assert found.find("moodle", "482") is None and found.find("canvas", "4821") is None
    assert found.get("bo") is bo and found.with_email("BO@uni.example") is bo
    assert found.named("ana garcia") == [ana] == found.named("García,  Ana")
    assert found.named("Bo Muller") == [bo] and found.named("Bo") == []


def test_a_roster_with_a_platforms_words_for_columns_is_ones_own(tmp_path):
    ana, bo = read(
        tmp_path, "Id,Full Name,Email Address\nana,Ana García,ana@uni.example\nbo,Bo,\n"
    ).students
    assert (ana.id, ana.name, ana.email) == ("ana", "Ana García", "ana@uni.example")
    assert (bo.id, bo.name, bo.ids) == ("bo", "Bo", {})


def test_two_people_of_one_name_are_both_named(tmp_path):
    found = read(tmp_path, "id,name\na1,Ana García\na2,Ana Garcia\n")
    assert [one.id for one in found.named("Ana García")] == ["a1", "a2"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_canvas_gradebook_is_a_roster(tmp_path, separator):
    text = CANVAS if separator == "," else CANVAS.replace(", ", "@").replace(",", separator)
    found = read(tmp_path, text.replace("@", ", "))
    assert [one.id for one in found.students] == ["agarcia", "bnguyen"]
    ana = found.find("canvas", "12345")
    assert (ana.name, ana.section, ana.ids["canvas_login"]) == (
        "Ana García López", "Lab 1", "agarcia"
    )  # fmt: skip


def test_the_canvas_number_is_the_id_if_logins_are_hidden(tmp_path):
    found = read(tmp_path, CANVAS.replace("agarcia", "").replace("bnguyen", ""))
    assert [one.id for one in found.students] == ["12345", "12346"]


def test_moodles_participants_are_a_roster(tmp_path):
    found = read(tmp_path, PARTICIPANTS)
    assert [(one.id, one.name) for one in found.students] == [
        ("ana@uni.example", "Ana García"), ("bo@uni.example", "Bo Müller")
    ]  # fmt: skip
    german = "Vorname;Nachname;Anmeldename;E-Mail-Adresse\nAna;García;ag;ana@uni.example\n"
    assert [one.id for one in read(tmp_path, german).students] == ["ag"]


def test_moodles_grading_worksheet_is_a_roster(tmp_path):
    found = read(tmp_path, WORKSHEET)
    assert found.find("moodle", "4822").name == "Bo Müller"
    assert exports.participants(*exports.table(WORKSHEET, "w.csv"))[0] == {
        "number": "4821",
        "name": "Ana García",
        "email": "ana@uni.example",
        "idnumber": "",
        "submitted": "Friday, 30 January 2026, 8:30 PM",
    }
    assert exports.participants(*exports.table(OWN, "own.csv")) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("PK\x03\x04\0\0 a workbook", "save it as CSV in UTF-8"),
        ("first,second\n1,2\n", "expected id, name and email"),
        ("id,name\n,Ana\n", "line 2: the student has no id"),
        ("id,name\na,Ana\na,Bo\n", "the id a stands there twice"),
        ("id,canvas\na,1\nb,1\n", "the canvas id 1 stands there twice"),
        ("id,moodle\na,1 2\nb,2\n", "the moodle id 2 stands there twice"),
        ("id,id,name\na,b,c\n", "the column id twice"),
        ("id,github,GitHub\na,b,\n", "the column github twice"),
        ('id,name\na,"Ana\nb,Bo\nc,Cy\n', "line 4 has several lines: close its quotation mark"),
        ("First name,Last name,Email address\nA,B,x\nC,D,x\n", "tells all students apart"),
        ("First name,Last name,Email address\n", "lists no student"),
    ],
)
def test_a_bad_roster_is_told_in_a_sentence(tmp_path, text, words):
    with pytest.raises(CourseError, match=words):
        read(tmp_path, text)


def test_a_roster_is_written_and_read_again_with_all_columns(tmp_path):
    before = read(tmp_path, OWN)
    roster.write(tmp_path / "students.csv", before.students)
    assert roster.read(tmp_path).students == before.students


def test_names_are_compared_without_accents_case_and_order():
    assert folded("Łukasz  Ørsted-Weiß") == "lukasz orsted weiss"
    assert in_reading_order("Ana García") == "Ana García" and in_reading_order("X,") == "X,"
    assert run_together("O'Brien_2, Zoë") == "obrien2zoë"


def test_moodles_number_may_stand_with_its_word(tmp_path):
    rows = "id,name,moodle\nana,Ana,Participant 4821 5307\nbo,Bo,Participant 4822\n"
    found = read(tmp_path, rows)
    for id in ("4821", "5307", "Participant 4821"):
        assert found.find("moodle", id).id == "ana"
    assert found.find("moodle", "Participant 4822").id == "bo"
    assert found.find("moodle", "Participant") is None is found.find("moodle", "482")
    assert found.students[0].ids["moodle"] == "Participant 4821 5307"
