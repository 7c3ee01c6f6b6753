"""Collecting twice changes nothing, newer hand-ins replace older ones, and nothing is lost."""

import json
import time

import pytest
from platforms import NAME, OTHER, collect, course, facts, filed, folder, notebook, whys, zipped
from typer.testing import CliRunner

from autograder import cli
from autograder.handin import filing, times
from autograder.root import CourseError

pytestmark = pytest.mark.unit

EARLY, LATER = (2026, 1, 30, 8, 0, 0), (2026, 1, 31, 8, 0, 0)


def archive(tmp_path, answer: str, packed=EARLY, name: str = "m.zip"):
    path = f"Ana García_4821_assignsubmission_file/{NAME}.ipynb"
    return zipped(tmp_path / name, {path: notebook(answer)}, packed)


def earlier(root, student: str = "4821") -> list[bytes]:
    place = root / ".autograder" / "earlier" / student / NAME
    return [path.read_bytes() for path in sorted(place.glob(f"*/{NAME}.ipynb"))]


def state(root) -> dict:
    """All that collecting may change, with the times of files."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for top in ("submitted", ".autograder/handed_in", ".autograder/earlier")
        for path in (root / top).rglob("*")
        if path.is_file()
    }


def test_collecting_twice_changes_nothing(tmp_path):
    root, given = course(tmp_path / "c"), archive(tmp_path, "a")
    collect(root, given)
    before = state(root)
    found = collect(root, given, given)
    assert [one.what for one in found.results] == ["unchanged"] and state(root) == before


def test_a_newer_hand_in_replaces_an_older_one_which_is_kept(tmp_path):
    root = course(tmp_path / "c")
    collect(root, archive(tmp_path, "early"))
    found = collect(root, archive(tmp_path, "later", LATER))
    assert [one.what for one in found.results] == ["newer"] and not found.left
    assert filed(root) == {"4821": notebook("later")} and earlier(root) == [notebook("early")]
    found = collect(root, archive(tmp_path, "early"))
    assert [one.what for one in found.results] == ["older"] and not found.left
    assert filed(root) == {"4821": notebook("later")} and len(earlier(root)) == 1


def test_two_archives_at_once_give_the_newer_hand_in(tmp_path):
    for number, order in enumerate([(EARLY, LATER), (LATER, EARLY)]):
        (tmp_path / str(number)).mkdir()
        root = course(tmp_path / str(number) / "c")
        given = [
            archive(tmp_path / str(number), str(when), when, f"{k}.zip")
            for k, when in enumerate(order)
        ]
        found = collect(root, *given)
        assert filed(root) == {"4821": notebook(str(LATER))}
        assert {one.what for one in found.results} == {"new", "older"}


def test_what_is_older_than_the_newest_is_no_rival_of_it(tmp_path):
    root = course(tmp_path / "c")
    answers = {"one": EARLY, "two": EARLY, "three": LATER}
    given = [archive(tmp_path, answer, answers[answer], f"{answer}.zip") for answer in answers]
    assert not collect(root, *given).left and filed(root) == {"4821": notebook("three")}


def test_hand_ins_of_which_none_is_known_to_be_newer_are_for_a_person(tmp_path):
    root = course(tmp_path / "c")
    collect(root, archive(tmp_path, "first"))
    found = collect(root, archive(tmp_path, "second"))
    assert "nothing says which of them is the newer one" in whys(found)
    assert filed(root) == {"4821": notebook("first")}
    found = collect(root, archive(tmp_path, "second"), replace=True)
    assert not found.left and filed(root) == {"4821": notebook("second")}
    assert earlier(root) == [notebook("first")]


def test_canvas_attempts_are_ordered_by_their_number(tmp_path):
    root = course(tmp_path / "c")
    form = "garcia_12345_{}_03_net_1{}.ipynb"
    second = zipped(tmp_path / "2.zip", {form.format(8, "-2"): notebook("second")}, EARLY)
    first = zipped(tmp_path / "1.zip", {form.format(7, "-1"): notebook("first")}, LATER)
    collect(root, second)
    assert [one.what for one in collect(root, first).results] == ["older"]
    assert filed(root) == {"12345": notebook("second")}


@pytest.mark.parametrize("how", ["by hand", "changed"])
def test_what_did_not_come_by_collecting_is_never_overwritten(tmp_path, how):
    root = course(tmp_path / "c")
    if how == "changed":
        collect(root, archive(tmp_path, "a"))
    folder(root / "submitted" / "4821" / NAME, {f"{NAME}.ipynb": notebook("mine")})
    given = archive(tmp_path, "later", LATER)
    found = collect(root, given)
    assert "put there or changed in another way" in whys(found)
    assert filed(root) == {"4821": notebook("mine")}
    assert not collect(root, given, replace=True).left
    assert filed(root) == {"4821": notebook("later")} and earlier(root) == [notebook("mine")]


def test_what_is_there_already_with_the_same_files_is_learned(tmp_path):
    root = course(tmp_path / "c")
    folder(root / "submitted" / "4821" / NAME, {f"{NAME}.ipynb": notebook("a")})
    assert [one.what for one in collect(root, archive(tmp_path, "a")).results] == ["unchanged"]
    assert facts(root, "4821")["archive"] == "m.zip"
    assert [o.what for o in collect(root, archive(tmp_path, "b", LATER)).results] == ["newer"]


def test_jupyters_own_files_are_no_change(tmp_path):
    root = course(tmp_path / "c")
    collect(root, archive(tmp_path, "a"))
    folder(root / "submitted" / "4821" / NAME, {f".ipynb_checkpoints/{NAME}.ipynb": b"x"})
    assert [o.what for o in collect(root, archive(tmp_path, "b", LATER)).results] == ["newer"]


def test_a_time_that_is_learned_later_is_written(tmp_path):
    root, given = course(tmp_path / "c"), archive(tmp_path, "a")
    collect(root, given)
    stamp = root / "submitted" / "4821" / NAME / "timestamp.txt"
    assert not stamp.exists()
    (tmp_path / "sheet.csv").write_text(
        "Identifier,Full name,Status,Grade,Last modified (submission),Last modified (grade)\n"
        'Participant 4821,Ana García,Submitted,,"Friday, 30 January 2026, 8:30 PM",-\n'
    )
    found = collect(root, given, zone=times.zone("Europe/Madrid"))
    assert [one.what for one in found.results] == ["unchanged"]
    assert stamp.read_text() == "2026-01-30 19:30:00.000000 UTC"
    assert facts(root, "4821")["time"] == "2026-01-30T19:30:00+00:00"


def test_a_dry_run_writes_nothing(tmp_path):
    root = course(tmp_path / "c")
    found = collect(root, archive(tmp_path, "a"), dry=True)
    assert [one.what for one in found.results] == ["new"]
    assert not (root / "submitted").exists() and not (root / ".autograder").exists()


@pytest.mark.parametrize("after", ["know", "_put_aside"])
def test_a_run_that_is_stopped_in_between_is_finished_by_the_next(tmp_path, monkeypatch, after):
    root = course(tmp_path / "c")
    collect(root, archive(tmp_path, "early"))
    given, whole = archive(tmp_path, "later", LATER), getattr(filing.Place, after)

    def stopped(self, *arguments):
        whole(self, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(filing.Place, after, stopped)
        with pytest.raises(KeyboardInterrupt):
            collect(root, given)
    assert not collect(root, given).left
    assert filed(root) == {"4821": notebook("later")} and earlier(root) == [notebook("early")]
    assert not list((root / ".autograder").glob("collecting"))


def test_a_person_who_was_collected_under_another_id_is_told(tmp_path):
    root, given = course(tmp_path / "c"), archive(tmp_path, "a")
    collect(root, given)
    (root / "students.csv").write_text("id,name,moodle\nana,Ana García,4821\n")
    found = collect(root, given)
    assert "was collected before as 4821: remove submitted/4821/03_net_1" in whys(found)
    assert list(filed(root)) == ["4821"]


def test_only_one_run_collects_at_a_time(tmp_path):
    root = course(tmp_path / "c")
    with filing.alone(root), pytest.raises(CourseError, match="Another autograder collect"):
        collect(root, archive(tmp_path, "a"))


HANDED = {
    "empty folder": ({"": b""}, "There is no notebook in it."),
    "no notebook": ({"report.pdf": b"%PDF"}, "There is no notebook in it. It has report.pdf."),
    "only litter": ({".ipynb_checkpoints/a.ipynb": notebook()}, "There is no notebook in it."),
    "two notebooks": (
        {"a.ipynb": notebook("a"), "b.ipynb": notebook("b")},
        "Several notebooks could be meant (a.ipynb, b.ipynb)",
    ),
    "two of one kind": ({"a.ipynb": notebook("a"), "b.ipynb": notebook("a")}, ""),
    "one more": ({f"{NAME}.ipynb": notebook("a"), "draft.ipynb": notebook("b")}, ""),
    "another assignment's too": ({"x.ipynb": notebook("a"), "y.ipynb": notebook("b", OTHER)}, ""),
    "deep": ({"work/week 3/x.ipynb": notebook("a"), "work/week 3/net.json": b"1"}, ""),
}


@pytest.mark.parametrize("case", HANDED)
def test_what_a_hand_in_may_hold(tmp_path, case):
    files, why = HANDED[case]
    root = course(tmp_path / "c")
    top = "Ana_1_assignsubmission_file/"
    found = collect(root, zipped(tmp_path / "m.zip", {top + name: files[name] for name in files}))
    assert why in whys(found) and filed(root) == ({} if why else {"1": notebook("a")})
    if case == "deep":
        assert (root / "submitted" / "1" / NAME / "net.json").is_file()
    if case == "one more":
        assert "draft.ipynb besides" in found.results[0].notes[0]


# -- the command line


def run(root, monkeypatch, *arguments: str):
    monkeypatch.setenv("COURSE_ROOT", str(root))
    return CliRunner().invoke(cli.app, list(arguments))


def test_the_verb_says_who_is_who_what_is_missing_and_how_it_ended(tmp_path, monkeypatch):
    root = course(tmp_path / "c", "id,name\nana,Ana García\nbo,Bo\n")
    given = archive(tmp_path, "a")
    done = run(root, monkeypatch, "collect", NAME, str(given))
    assert done.exit_code == 0, done.output
    assert "ana  Ana García  (moodle 4821, by name)  new" in done.output
    assert "Nothing is matched to Bo." in done.output and f"{NAME}: 1 new." in done.output
    folder(tmp_path, {"x.zip": zipped(tmp_path / "y.zip", {"x.ipynb": notebook()}).read_bytes()})
    done = run(root, monkeypatch, "collect", NAME, str(tmp_path / "x.zip"))
    assert done.exit_code == 1 and "Left out, for you to look at:" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("99_x", "in.zip"), "There is no assignment 99_x"),
        ((NAME, "nothing.zip"), "There is no file or folder"),
        ((NAME, "nothing.zip", "--timezone", "Mars/Base"), "There is no time zone Mars/Base"),
        ((NAME, "nothing.zip", "--roster", "none.csv"), "none.csv cannot be read"),
        ((NAME, "course/course.toml"), "holds no hand-in"),
        ((NAME, "table.csv"), "table.csv is no grading worksheet of Moodle"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, monkeypatch, arguments, words):
    root = course(tmp_path / "c")
    (root / "table.csv").write_text("a,b\n1,2\n")
    monkeypatch.chdir(root)
    done = run(root, monkeypatch, "collect", *arguments)
    assert done.exit_code == 1 and words in done.output and "Traceback" not in done.output


def test_exports_of_platforms_are_joined_into_the_roster(tmp_path, monkeypatch):
    root = course(tmp_path / "c", "id,name,email\nana,Ana García,ana@uni.example\n")
    (tmp_path / "canvas.csv").write_text(
        'Student,ID,SIS Login ID,Section\n"García, Ana",12345,ag,A\n"Müller, Bo",12346,bm,A\n'
    )
    (tmp_path / "sheet.csv").write_text(
        "Identifier,Full name,Email address,Status,Grade\n"
        "Participant 4821,A. García,ana@uni.example,Submitted,\n"
        "Participant 4822,Bo Müller,bo@uni.example,Submitted,\n"
    )
    exports = [str(tmp_path / "canvas.csv"), str(tmp_path / "sheet.csv")]
    done = run(root, monkeypatch, "roster", *exports)
    assert done.exit_code == 0 and "New: bm  Bo Müller" in done.output, done.output
    rows = (root / "students.csv").read_text().splitlines()
    assert rows[1:] == [
        "ana,Ana García,ana@uni.example,A,12345,ag,4821,,",
        "bm,Bo Müller,bo@uni.example,A,12346,bm,4822,,",
    ]
    assert "12346" in run(root, monkeypatch, "roster").output
    run(root, monkeypatch, "roster", *exports)
    assert (root / "students.csv").read_text().splitlines() == rows


def test_a_class_of_500_is_collected_within_seconds(tmp_path):
    root = course(tmp_path / "c")
    files = {
        f"Student {k}_{4000 + k}_assignsubmission_file/{NAME}.ipynb": notebook(f"x = {k}")
        for k in range(500)
    }
    given = zipped(tmp_path / "m.zip", files)
    start = time.monotonic()
    assert len(collect(root, given).results) == 500 and len(filed(root)) == 500
    assert time.monotonic() - start < 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Friday, 30 January 2026, 8:30 PM", "2026-01-30 20:30"),
        ("Friday, January 30, 2026, 8:30 PM", "2026-01-30 20:30"),
        ("Freitag, 30. Januar 2026, 20:30", "2026-01-30 20:30"),
        ("30/01/2026, 20:30", "2026-01-30 20:30"),
        ("-", None),
        ("", None),
    ],
)
def test_moodles_times_are_read(text, expected):
    found = times.of_moodle(text)
    assert (found.strftime("%Y-%m-%d %H:%M") if found else None) == expected


def test_a_note_that_cannot_be_read_is_none(tmp_path):
    place = filing.Place(tmp_path, "a", NAME)
    place.note.parent.mkdir(parents=True)
    for text in ("", "[]", "{"):
        place.note.write_text(text)
        assert place.facts() == {}
    place.know({"x": 1})
    assert json.loads(place.note.read_text()) == {"x": 1}
