"""Marks on their way back: a platform's export in, the file that it imports out, field by field."""

import codecs
import contextlib
import csv
import io
import random

import platforms
import pytest

from autograder.classlist import roster as rosters
from autograder.course import load
from autograder.handback import marks, sheets
from autograder.handin import filing
from autograder.pages.scores import TO_GRADE, UNGRADED, Mark, Report, Row
from autograder.root import CourseError
from convcourse import outcomes

pytestmark = pytest.mark.unit

NAME, OTHER = platforms.NAME, platforms.OTHER
ROSTER = """id,name,email,section,canvas,canvas_login,moodle
ana,Ana García López,ana@uni.example,A,12345,agarcia,4821
bob,"=HYPERLINK(""http://x"",""Bob"")",bob@uni.example,A,12346,bob,4822
cy,Cy Ng,cy@uni.example,A,12347,cyng,4823
di,Di Li,di@uni.example,A,12348,dili,4824
eve,Eve Wu,eve@uni.example,A,12349,ewu,4825
"""
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Notes,03 NET I (678),Essay (700),Current Score,"
    "Final Grade (Fall 2026)\r\n"
    ",,,,,,Manual Posting,,,\r\n"
    '    Points Possible,,,,,,20.0,10,"(read only)",(read only)\r\n'
    '"García López, Ana",12345,s1,agarcia,"A and B","likes, commas",,7.5,75.0,C\r\n'
    '"=""=HYPERLINK(""http://x"",""Bob"")""",12346,s2,bob,A,,3,8,80,B\r\n'
    '"Ng, Cy",12347,s3,cyng,A,,0,,,\r\n'
    '"Li, Di",12348,s4,dili,A,-1,EX,,,\r\n'
    '"Wu, Eve",12349,s5,ewu,A,,,,,\r\n'
    '"Student, Test",99999,,,A,,,,,\r\n'
)
WORKSHEET = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\n"
    "Participant 4821,Ana García López,ana@uni.example,Submitted for grading - ,,20.00,Yes,"
    '"Friday, 30 January 2026, 8:30 PM",-,\n'
    'Participant 4822,"=HYPERLINK(""http://x"",""Bob"")",bob@uni.example,Submitted,5.00,20.00,Yes,'
    '"Friday, 30 January 2026, 8:30 PM","Saturday, 31 January 2026, 9:00 AM",<p>Well done</p>\n'
    "Participant 4823,Cy Ng,cy@uni.example,Submitted,,20.00,Yes,-,-,\n"
    "Participant 4824,Di Li,di@uni.example,Submitted,,20.00,No,-,-,\n"
    "Participant 4825,Eve Wu,eve@uni.example,No submission,,20.00,Yes,-,-,\n"
)


def row(student: str, score: float | None = 18, penalty: float = 0, status: str = outcomes.PASSED):
    mark = Mark(status, "", score, 20, score, waits=score is None)
    return Row(student, {"net1-build": mark}, penalty)


def report(*rows: Row, name: str = NAME, ungraded: tuple[str, ...] = ()) -> Report:
    return Report(name, {"net1-build": 20.0}, list(rows), ungraded=ungraded)


CLASS = report(
    row("ana", 18, penalty=2),
    row("bob", 17.5),
    row("cy", None, status=TO_GRADE),
    row("di", 20),
)


@pytest.fixture
def root(tmp_path):
    made = platforms.course(tmp_path / "course", ROSTER)
    path = made / "course" / "course.toml"
    path.write_text(path.read_text().replace('title = "T"', 'title = "NET I"', 1))
    return made


def fill(root, platform: str, text: str | bytes = "", reports=(CLASS,), **options):
    given = []
    if text:
        given = [root / "export.csv"]
        given[0].write_bytes(text if isinstance(text, bytes) else text.encode())
    return marks.fill(load(root), list(reports), platform, given, **options)


def table(content: bytes, separator: str = ",") -> list[dict[str, str]]:
    text = content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def test_canvas_gets_its_export_back_with_the_scores_after_the_penalty(root):
    filled = fill(root, "canvas", CANVAS)
    before, after = table(CANVAS.encode()), table(filled.content)
    scores = {one["ID"]: one["03 NET I (678)"] for one in after if one["ID"]}
    assert scores == {
        "12345": "16", "12346": "17.5", "12347": "0", "12348": "EX", "12349": "", "99999": "",
    }  # fmt: skip
    kept = ["ID", "SIS User ID", "SIS Login ID", "Section", "Notes", "Essay (700)"]
    assert list(after[0]) == ["Student", *kept[:5], "03 NET I (678)", "Essay (700)"]
    for old, new in zip(before, after, strict=True):
        assert {key: old[key] for key in kept} == {key: new[key] for key in kept}
    assert after[1]["Student"] == "    Points Possible" and after[1]["03 NET I (678)"] == "20.0"


def test_only_filled_fields_differ_byte_by_byte(root):
    exported = CANVAS.replace(',Current Score,"Final', ',Current Score,"Final')
    lines = fill(root, "canvas", exported).content.decode().split("\r\n")
    assert lines[3] == '"García López, Ana",12345,s1,agarcia,"A and B","likes, commas",16,7.5'
    assert lines[5] == '"Ng, Cy",12347,s3,cyng,A,,0,'
    assert lines[1] == ",,,,,,Manual Posting,"


def test_who_waits_failed_or_is_not_graded_has_no_score_and_is_listed(root):
    failed = report(row("bob", None, status=UNGRADED), row("ana"), ungraded=("eve",))
    filled = fill(root, "canvas", CANVAS.replace(",A,,3,8,", ",A,,,8,"), [failed])
    scores = {one["ID"]: one["03 NET I (678)"] for one in table(filled.content)}
    assert scores["12346"] == scores["12349"] == "" and scores["12345"] == "18"
    assert "bob" in filled.left[0] and "failed" in filled.left[0]
    assert "eve" in filled.left[1] and "not graded yet" in filled.left[1]
    assert [one.partition(" ")[0] for one in filled.missing] == ["cy", "di"]


def test_a_score_that_the_platform_has_is_told_when_there_is_none_of_ours(root):
    filled = fill(root, "canvas", CANVAS)
    assert any("keeps the 0" in one for one in filled.said)
    assert any("stays EX" in one for one in filled.said)
    assert "cy (Cy Ng) waits for a person (net1-build)." in filled.left
    assert filled.late == ["ana (Ana García López): 18 points before the late penalty of 2, so 16."]


def test_a_hostile_name_is_no_formula_and_the_id_still_says_who_it_is(root):
    for platform, export in (("canvas", CANVAS), ("moodle", WORKSHEET)):
        for one in table(fill(root, platform, export).content):
            assert not any(sheets.is_formula(text) for text in one.values()), one
    assert not any(
        sheets.is_formula(text) for one in table(fill(root, "csv").content) for text in one.values()
    )
    plain = [one["Student"] for one in table(fill(root, "canvas", CANVAS).content)]
    assert plain[3].startswith("'=") and "HYPERLINK" in plain[3]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd|x",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "  =1",
        "Bob;=1+1",
        'a, "@x',
        "＝1+1",
        "A;-2+3+cmd|x",
    ],
)
def test_what_a_spreadsheet_would_calculate_is_shown(text):
    assert sheets.is_formula(text) and not sheets.is_formula(sheets.harmless(text))


@pytest.mark.parametrize(
    "text", ["-", "-1", "+3.5", "1-2", "O'Neil", '="=x"', "Ana", "Wu, Eve", "a;-1"]
)
def test_what_a_spreadsheet_shows_anyway_stays(text):
    assert sheets.harmless(text) == text


def test_another_maximum_is_refused_or_scaled_when_asked(root):
    ten = CANVAS.replace(",20.0,10,", ",10,10,")
    with pytest.raises(CourseError, match=r"has 20 points, and Canvas has 10.*--scale"):
        fill(root, "canvas", ten)
    scores = {one["ID"]: one for one in table(fill(root, "canvas", ten, scale=True).content)}
    assert scores["12346"]["03 NET I (678)"] == "8.75"
    none = CANVAS.replace(",20.0,10,", ",0,10,")
    with pytest.raises(CourseError, match="set the points there"):
        fill(root, "canvas", none, scale=True)
    with pytest.raises(CourseError, match="Moodle has 100"):
        fill(root, "moodle", WORKSHEET.replace("20.00", "100.00"))


def test_an_assignment_without_a_column_of_its_own_is_never_guessed(root):
    with pytest.raises(CourseError, match=r"has no column for 03_net_1.*--column"):
        fill(root, "canvas", CANVAS.replace("03 NET I", "Third exercise"))
    renamed = CANVAS.replace("03 NET I", "Third exercise")
    column = [f"{NAME}=Third exercise (678)"]
    assert b"17.5" in fill(root, "canvas", renamed, columns=column).content
    twice = CANVAS.replace("Essay", "NET I")
    with pytest.raises(CourseError, match="several columns"):
        fill(root, "canvas", twice)


def test_semicolons_decimal_commas_marks_and_line_ends_stay(root):
    german = (
        "Student;ID;SIS Login ID;Section;NET I (678);Current Score\r\n"
        "    Points Possible;;;;20,0;(schreibgeschützt)\r\n"
        '"García López; Ana";12345;agarcia;A;;\r\n'
        "Ng, Cy;12347;cyng;A;1,5;\r\n"
    )
    raw = codecs.BOM_UTF8 + german.encode()
    filled = fill(root, "canvas", raw, [report(row("ana", 17.5), row("cy", 3))])
    assert (
        filled.content
        == codecs.BOM_UTF8
        + (
            "Student;ID;SIS Login ID;Section;NET I (678)\r\n"
            "    Points Possible;;;;20,0\r\n"
            '"García López; Ana";12345;agarcia;A;17,5\r\n'
            "Ng, Cy;12347;cyng;A;3\r\n"
        ).encode()
    )


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "latin-1", "utf-8"])
def test_an_encoding_comes_back(root, encoding):
    raw = CANVAS.encode(encoding)
    filled = fill(root, "canvas", raw, [report(row("eve", 1))])
    assert "García López" in filled.content.decode(encoding)
    assert sheets.read(raw, "x").write() == raw


def test_moodle_gets_its_worksheet_back(root):
    filled = fill(root, "moodle", WORKSHEET)
    before, after = table(WORKSHEET.encode()), table(filled.content)
    grades = {one["Identifier"][-4:]: one["Grade"] for one in after}
    assert grades == {"4821": "16.00", "4822": "17.50", "4823": "", "4824": "", "4825": ""}
    same = set(before[0]) - {"Grade", "Feedback comments", "Full name"}
    for old, new in zip(before, after, strict=True):
        assert {key: old[key] for key in same} == {key: new[key] for key in same}
    assert after[0]["Feedback comments"] == "18 points before the late penalty of 2."
    assert after[1]["Feedback comments"] == "<p>Well done</p>"
    assert any("4824 has a grade that Moodle does not let" in one for one in filled.left)
    assert [one.partition(" ")[0] for one in filled.missing] == ["eve"]


def test_a_penalty_that_is_gone_takes_its_comment_along(root):
    first = fill(root, "moodle", WORKSHEET).content
    again = fill(root, "moodle", first, [report(row("ana", 18))])
    assert table(again.content)[0]["Feedback comments"] == ""
    assert table(again.content)[0]["Grade"] == "18.00"


def test_moodle_ignores_more_than_the_maximum_so_it_is_said(root):
    filled = fill(root, "moodle", WORKSHEET, [report(row("ana", 21))])
    assert table(filled.content)[0]["Grade"] == ""
    assert any("4821 has 21 points, and Moodle ignores more than 20" in one for one in filled.left)


def test_a_worksheet_in_german_keeps_its_columns_and_commas(root):
    german = (
        "ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,"
        "Bewertung kann geändert werden,Zuletzt geändert (Bewertung)\n"
        'Teilnehmer/in 4821,Ana García López,ana@uni.example,x,,"20,00",Ja,-\n'
        'Teilnehmer/in 4822,Bob,bob@uni.example,x,,"20,00",Nein,-\n'
    )
    filled = fill(root, "moodle", german)
    assert table(filled.content)[0]["Bewertung"] == "16,00"
    assert table(filled.content)[1]["Bewertung"] == ""


def test_names_never_match_and_nobody_is_lost(root):
    stranger = WORKSHEET.replace("Participant 4821", "Participant 999").replace("ana@uni", "x@uni")
    filled = fill(root, "moodle", stranger)
    assert table(filled.content)[0]["Grade"] == ""
    assert any("999" in one and "no row of students.csv" in one for one in filled.left)
    assert any(one.startswith("ana") and "in no row" in one for one in filled.left)


def test_ids_that_contradict_each_other_leave_both_out(root):
    crossed = WORKSHEET.replace("Participant 4821", "Participant 4822", 1)
    filled = fill(root, "moodle", crossed)
    assert table(filled.content)[0]["Grade"] == "" == table(filled.content)[2]["Grade"]
    assert any("can be ana and bob" in one for one in filled.left)


def test_what_was_collected_says_who_a_number_is(root):
    (root / "students.csv").unlink()
    files = {
        "Ana García_5001_assignsubmission_file/x.ipynb": platforms.notebook("a = 1"),
        "Ana García_5002_assignsubmission_file/x.ipynb": platforms.notebook("a = 2"),
    }
    platforms.collect(root, platforms.zipped(root / "a.zip", files))
    sheet = WORKSHEET.replace("4821", "5001").replace("4822", "5002")
    filled = fill(root, "moodle", sheet, [report(row("5001", 1), row("5002", 2))])
    assert [one["Grade"] for one in table(filled.content)][:2] == ["1.00", "2.00"]
    assert filled.left == [] and len(filled.missing) == 3


def test_moodles_gradebook_takes_addresses_and_scores_only(root):
    filled = fill(root, "moodle")
    found = {one["Email address"]: one[NAME] for one in table(filled.content)}
    assert found == {"ana@uni.example": "16", "bob@uni.example": "17.5", "di@uni.example": "20"}
    assert not filled.content.startswith(codecs.BOM_UTF8)


def test_canvas_without_an_export_has_rows_with_scores_only(root):
    filled = fill(root, "canvas")
    assert [(one["ID"], one[NAME]) for one in table(filled.content)] == [
        ("12345", "16"), ("12346", "17.5"), ("12348", "20"),
    ]  # fmt: skip


def test_without_roster_and_export_nobody_is_known(root):
    (root / "students.csv").unlink()
    with pytest.raises(CourseError, match="--roster EXPORT"):
        fill(root, "canvas")


def test_a_table_for_people_has_all_assignments_and_no_total_before_all_is_graded(root):
    second = report(row("ana", 10), row("bob", None, status=TO_GRADE), name=OTHER)
    filled = fill(root, "csv", reports=[CLASS, second])
    assert filled.content.startswith(codecs.BOM_UTF8)
    found = {one["id"]: one for one in table(filled.content)}
    ana, bob, eve = (found[one] for one in ("ana", "bob", "eve"))
    assert (ana[NAME], ana[OTHER], ana["penalty"], ana["total"]) == ("16", "10", "2", "26")
    assert (bob[NAME], bob[OTHER], bob["total"]) == ("17.5", "", "")
    assert bob["open"] == f"{OTHER} waits for a person (net1-build)"
    assert (eve["total"], eve["missing"]) == ("0", f"{NAME}; {OTHER}")
    assert ana["name"] == "Ana García López" and ana["email"] == "ana@uni.example"


def test_several_assignments_go_into_one_gradebook_and_not_into_one_worksheet(root):
    second = report(row("ana", 10), name=OTHER)
    export = CANVAS.replace("Essay (700)", f"{OTHER} (700)").replace(",20.0,10,", ",20.0,20,")
    filled = fill(root, "canvas", export, [CLASS, second])
    ana = next(one for one in table(filled.content) if one["ID"] == "12345")
    assert (ana["03 NET I (678)"], ana[f"{OTHER} (700)"]) == ("16", "10")
    with pytest.raises(CourseError, match="name one assignment"):
        fill(root, "moodle", WORKSHEET, [CLASS, second])


def test_an_export_can_name_the_class_and_another_be_filled(root):
    (root / "students.csv").unlink()
    people = root / "participants.csv"
    people.write_text("First name,Last name,Email address,Username\nAna,García,ana@x.example,ana\n")
    export = root / "worksheet.csv"
    export.write_text(WORKSHEET.replace("ana@uni.example", "ana@x.example"))
    filled = marks.fill(load(root), [CLASS], "moodle", [export, people])
    assert table(filled.content)[0]["Grade"] == "16.00"
    assert rosters.read(root).students == ()


def test_it_is_said_when_an_export_adds_to_the_roster(root):
    people = root / "participants.csv"
    people.write_text("First name,Last name,Email address\nFay,Fo,fay@uni.example\n")
    export = root / "worksheet.csv"
    export.write_text(WORKSHEET)
    filled = marks.fill(load(root), [CLASS], "moodle", [export, people])
    assert "change or add 1 rows" in filled.said[0]
    assert any(one.startswith("fay@uni.example (Fay Fo)") for one in filled.missing)


def test_the_report_in_the_terminal_names_people_in_lists(root):
    filled = fill(root, "canvas", CANVAS)
    told = marks.lines(filled, root / "x.csv")
    assert told[-1] == f"{root / 'x.csv'} has 2 scores."
    at = told.index("Left out, for you to look at:")
    assert "cy" in told[at + 1] and "Not handed in:" in told


def test_any_table_comes_back_as_it_was():
    chance = random.Random(0)
    for _ in range(2000):
        text = "".join(chance.choice('a",;\t\r\n=é ') for _ in range(chance.randrange(1, 30)))
        raw = text.encode(chance.choice(["utf-8", "utf-8-sig", "cp1252", "utf-16"]))
        with contextlib.suppress(CourseError):
            assert sheets.read(raw, "x").write() == raw


def test_what_is_shielded_is_never_a_formula_and_is_shielded_once():
    chance = random.Random(0)
    for _ in range(5000):
        text = "".join(chance.choice("=+-@a1,;\"\t\n .'") for _ in range(chance.randrange(1, 9)))
        shown = sheets.harmless(text)
        assert not sheets.is_formula(shown) and sheets.harmless(shown) == shown


@pytest.mark.parametrize("roster", ["id,name,canvas\n101,Ana,501\n", ""])
def test_a_login_that_is_another_students_id_gives_nobodys_mark_away(tmp_path, roster):
    root = platforms.course(tmp_path / "course", roster)
    place = filing.Place(root, "101", NAME)
    place.know({"platform": "canvas", "id": "501" if roster else "101"})
    head = f"Student,ID,SIS User ID,Section,{NAME} (1)\n    Points Possible,,,,20\n"
    filled = fill(root, "canvas", f"{head}Eve,777,101,S,\n", [report(row("101"))])
    assert table(filled.content)[1][f"{NAME} (1)"] == "" and filled.scores == 0
    assert any("101" in one for one in filled.left)
    filled = fill(root, "canvas", f"{head}Ana,{501 if roster else 101},,S,\n", [report(row("101"))])
    assert table(filled.content)[1][f"{NAME} (1)"] == "18"


def test_an_export_that_was_not_filled_is_told(root):
    dutch = "ID,Volledige naam,E-mailadres,Cijfer,Hoogste cijfer\nDeelnemer 1,Ana,x@u.nl,,20\n"
    filled = fill(root, "moodle", dutch)
    assert "nothing here that can be filled" in filled.said[0]
