"""What a prepared archive cannot do: each attack costs a sentence, and the others are filed."""

import io
import stat
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from platforms import (
    NAME,
    TIME,
    collect,
    course,
    filed,
    folder,
    notebook,
    tar_bytes,
    whys,
    zip_bytes,
    zipped,
)  # fmt: skip

from autograder.classlist.roster import Roster, Student
from autograder.handin import archives, forms, handins
from autograder.intake.folder import Refused
from autograder.root import CourseError

pytestmark = pytest.mark.unit

EVE, BO = "Eve_1_assignsubmission_file", "Bo_2_assignsubmission_file"
GOOD = {f"{BO}/{NAME}.ipynb": notebook("b")}


def hand_in(tmp_path: Path, files: dict[str, bytes], change=None):
    """Collect Eve's files beside Bo's from Moodle; ``change`` prepares the archive's entries."""
    path = tmp_path / "m.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ({f"{EVE}/{one}": files[one] for one in files} | GOOD).items():
            info = zipfile.ZipInfo(name, TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            if change and name.startswith(EVE):
                change(info)
            archive.writestr(info, content)
    root = course(tmp_path / "c")
    return root, collect(root, path)


def told(found) -> str:
    return "\n".join([whys(found), *(note for one in found.results for note in one.notes)])


def inside(root: Path) -> set[str]:
    """Every file below the folder of a test, but for its sources."""
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and "source" not in path.parts and path.suffix != ".toml"
    }


def link(info: zipfile.ZipInfo) -> None:
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16


def pipe(info: zipfile.ZipInfo) -> None:
    info.create_system, info.external_attr = 3, (stat.S_IFIFO | 0o644) << 16


PATHS = {
    "../../../../evil.ipynb": "leads out of its folder",
    "sub/../../evil.ipynb": "leads out of its folder",
    "..\\..\\evil.ipynb": "leads out of its folder",
    "a\x07b.ipynb": "cannot be shown",
    "a\u202eb.ipynb": "cannot be shown",
    "é" * 130 + ".ipynb": "more than 255 bytes",
    "a/" * 20 + "x.ipynb": "folders within folders",
}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ascii(path)[:24])
def test_a_path_that_cannot_be_taken_is_left_out_and_told(tmp_path, path):
    root, found = hand_in(tmp_path, {path: notebook("evil"), f"{NAME}.ipynb": notebook("e")})
    assert filed(root) == {"1": notebook("e"), "2": notebook("b")}
    assert PATHS[path] in told(found) and "it was left out" in told(found)
    assert not [one for one in inside(tmp_path) if "evil" in one]


@pytest.mark.parametrize("start", ["/", "//", "C:/", "C:\\"])
def test_an_absolute_path_is_left_out(tmp_path, start):
    path = zipped(tmp_path / "m.zip", {f"{start}{EVE}/{NAME}.ipynb": notebook("e")} | GOOD)
    found = collect(root := course(tmp_path / "c"), path)
    assert list(filed(root)) == ["2"] and len(inside(tmp_path)) == 4
    assert "absolute path" in told(found) or start[0] == "C"


@pytest.mark.parametrize(("change", "words"), [(link, "is a link"), (pipe, "a device or a pipe")])
def test_links_and_pipes_are_left_out(tmp_path, change, words):
    root, found = hand_in(tmp_path, {f"{NAME}.ipynb": b"/etc/passwd"}, change)
    assert list(filed(root)) == ["2"] and words in told(found)


def test_an_encrypted_entry_is_told(tmp_path):
    root, _ = hand_in(tmp_path, {f"{NAME}.ipynb": notebook("e")})
    raw = bytearray((tmp_path / "m.zip").read_bytes())
    where = raw.index(EVE.encode(), raw.index(b"PK\x01\x02")) - 46
    raw[where + 8] |= 1  # the bit of an encrypted entry, in the central directory
    (tmp_path / "m.zip").write_bytes(raw)
    found = collect(root := course(tmp_path / "d"), tmp_path / "m.zip")
    assert list(filed(root)) == ["2"] and "encrypted with a password" in told(found)


def test_a_damaged_entry_costs_that_student_alone(tmp_path):
    root, _ = hand_in(tmp_path, {f"{NAME}.ipynb": notebook("e" * 500)})
    raw = bytearray((tmp_path / "m.zip").read_bytes())
    start = raw.index(EVE.encode()) + len(EVE) + len(f"/{NAME}.ipynb") + 20
    raw[start : start + 8] = b"\xff" * 8
    (tmp_path / "m.zip").write_bytes(raw)
    found = collect(root := course(tmp_path / "d"), tmp_path / "m.zip")
    assert list(filed(root)) == ["2"] and "is damaged" in told(found)


def test_bombs_are_told_and_use_no_memory(tmp_path):
    root, found = hand_in(
        tmp_path, {"zeros.bin": bytes(60 * 2**20), f"{NAME}.ipynb": notebook("e")}
    )
    assert set(filed(root)) == {"1", "2"} and "as a bomb does" in told(found)
    assert not (root / "submitted" / "1" / NAME / "zeros.bin").exists()


def test_a_packed_tar_that_is_a_bomb_is_told(tmp_path):
    bomb = tar_bytes({"zeros": bytes(60 * 2**20)})
    root, found = hand_in(tmp_path, {"a.tar.gz": bomb, f"{NAME}.ipynb": notebook("e")})
    assert set(filed(root)) == {"1", "2"} and "as a bomb does" in told(found)


def test_too_many_files_are_refused(tmp_path):
    files = {f"{number}.txt": b"x" for number in range(300)} | {f"{NAME}.ipynb": notebook("e")}
    root, found = hand_in(tmp_path, files)
    assert list(filed(root)) == ["2"] and "more than 200 files" in told(found)


def test_an_archive_with_a_class_of_files_too_many_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    path = zipped(tmp_path / "m.zip", {f"{number}.txt": b"" for number in range(5)})
    with pytest.raises(CourseError, match="more than 3 files"):
        collect(course(tmp_path / "c"), path)


def test_a_notebook_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(handins, "MAX_NOTEBOOK", 1_000)
    root, found = hand_in(tmp_path, {f"{NAME}.ipynb": notebook("e" * 2_000)})
    assert list(filed(root)) == ["2"] and "is larger than" in told(found)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("work.zip", zip_bytes),
        ("work.tar.gz", tar_bytes),
        ("work.tgz", tar_bytes),
        ("work.tar", lambda files: tar_bytes(files, "w:")),
        ("work.tar.xz", lambda files: tar_bytes(files, "w:xz")),
        ("twice.zip", lambda files: zip_bytes({"inner.zip": zip_bytes(files)})),
    ],
)
def test_an_archive_within_a_hand_in_is_opened(tmp_path, name, make):
    files = {f"{NAME}.ipynb": notebook("e"), "checkpoints/net1.weights.h5": b"w"}
    root, found = hand_in(tmp_path, {name: make(files)})
    assert not found.left and filed(root)["1"] == notebook("e")
    assert (root / "submitted" / "1" / NAME / "checkpoints" / "net1.weights.h5").is_file()


def test_an_archive_in_two_others_is_not_opened(tmp_path):
    inner = zip_bytes({"b.zip": zip_bytes({"c.zip": zip_bytes({"x.ipynb": notebook()})})})
    root, found = hand_in(tmp_path, {"a.zip": inner})
    assert list(filed(root)) == ["2"] and "lies in 2 other archives" in told(found)


@pytest.mark.parametrize(
    ("raw", "name", "words"),
    [
        (b"Rar!\x1a\x07\x01\x00....", "work.rar", "RAR archive"),
        (b"7z\xbc\xaf\x27\x1c....", "work.7z", "7z archive"),
        (b"Rar!\x1a\x07\x01\x00....", "work.zip", "RAR archive"),
        (b"nothing of the kind", "work.zip", "no archive that can be opened"),
        (zip_bytes({"x": b"y"})[:-30], "work.zip", "damaged"),
        (b"\x1f\x8bnonsense", "work.tar.gz", "damaged"),
    ],
    # A zip archive holds the time; the names of tests must not.
    ids=["rar", "7z", "rar as zip", "no archive", "cut zip", "broken tar.gz"],
)
def test_an_archive_that_cannot_be_opened_is_named(tmp_path, raw, name, words):
    root, found = hand_in(tmp_path, {name: raw})
    assert list(filed(root)) == ["2"] and words in told(found)
    (tmp_path / "both").mkdir()
    root, found = hand_in(tmp_path / "both", {name: raw, f"{NAME}.ipynb": notebook("e")})
    assert filed(root)["1"] == notebook("e") and words in told(found)


def test_links_devices_and_paths_in_a_tar_archive_are_left_out(tmp_path):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, kind in (("a", tarfile.SYMTYPE), ("b", tarfile.LNKTYPE), ("c", tarfile.CHRTYPE)):
            member = tarfile.TarInfo(f"{name}.ipynb")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        for name in (f"{NAME}.ipynb", "../../evil.ipynb", "/abs/evil.ipynb"):
            member = tarfile.TarInfo(name)
            member.size = len(notebook("e"))
            archive.addfile(member, io.BytesIO(notebook("e")))
    root, found = hand_in(tmp_path, {"w.tar": raw.getvalue()})
    assert filed(root)["1"] == notebook("e") and told(found).count("left out") == 5
    assert told(found).count("is a link") == 2 and "device" in told(found)
    assert not [one for one in inside(tmp_path) if "evil" in one]


def test_links_in_a_folder_are_not_followed(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(notebook("secret"))
    given = folder(tmp_path / "in", GOOD)
    (given / EVE).mkdir()
    (given / EVE / f"{NAME}.ipynb").symlink_to(secret)
    (given / "Zed_3_assignsubmission_file").symlink_to(given / BO)
    found = collect(root := course(tmp_path / "c"), given)
    assert filed(root) == {"2": notebook("b")} and "is a link" in told(found)


def test_names_are_read_in_utf8_also_where_the_archive_does_not_say_so(tmp_path):
    path = zipped(
        tmp_path / "m.zip", {"Ana Garc\u00eda_1_assignsubmission_file/x.ipynb": notebook()}
    )
    raw = path.read_bytes()
    raw = raw.replace(b"\x00\x08", b"\x00\x00")  # no bit for UTF-8
    path.write_bytes(raw)
    with zipfile.ZipFile(path) as archive:
        assert "Garc\u00eda" not in archive.namelist()[0]
    found = collect(course(tmp_path / "c"), path)
    assert found.results[0].name == "Ana Garc\u00eda"


def test_letters_with_combining_accents_are_the_same_name(tmp_path):
    root = course(tmp_path / "c", "id,name\nana,Ana Garc\u00eda\n")
    split = {"Ana Garci\u0301a_1_assignsubmission_file/x.ipynb": notebook("a")}
    assert not collect(root, zipped(tmp_path / "m.zip", split)).left
    assert list(filed(root)) == ["ana"]


@pytest.mark.parametrize("id", ["..", "a*b", " a", "a\u202eb", "x" * 201])
def test_an_id_that_cannot_be_a_folder_is_told(tmp_path, id):
    path = f"in/{id}+{NAME}+2026-01-30 20:30:10.123456 UTC+r/{NAME}.ipynb"
    found = collect(root := course(tmp_path / "c"), zipped(tmp_path / "x.zip", {path: notebook()}))
    assert filed(root) == {} and ("cannot be used" in whys(found) or not found.results)
    assert not (root / NAME).exists()


def test_a_forged_time_is_not_believed(tmp_path):
    root, _ = hand_in(
        tmp_path, {f"{NAME}.ipynb": notebook(), "timestamp.txt": b"2020-01-01 00:00:00.0 UTC",
                   "submission_secret.txt": b"x"}
    )  # fmt: skip
    assert {p.name for p in (root / "submitted" / "1" / NAME).iterdir()} == {f"{NAME}.ipynb"}


def test_a_folder_of_the_exchange_that_another_student_made_is_not_taken(tmp_path, monkeypatch):
    stamp = f"{NAME}+2026-01-30 20:30:10.123456 UTC+r"
    files = {f"{who}+{stamp}/{NAME}.ipynb": notebook(who) for who in ("ana", "eve")}
    given = folder(tmp_path / "inbound", files)
    monkeypatch.setattr(archives, "_owner", lambda facts: "eve")
    found = collect(root := course(tmp_path / "c"), given)
    assert list(filed(root)) == ["eve"] and "says that it is ana's, and eve made it" in whys(found)


def test_what_cannot_be_opened_at_all_is_one_sentence(tmp_path):
    root = course(tmp_path / "c")
    for name, raw in (("a.rar", b"Rar!\x1a\x07\x00"), ("b.zip", b"PK\x03\x04junk")):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(CourseError, match=r"RAR archive|damaged"):
            collect(root, tmp_path / name)
    with pytest.raises(CourseError, match="There is no file or folder"):
        collect(root, tmp_path / "nothing.zip")


def test_an_entry_is_read_no_further_than_its_bound(tmp_path):
    path = folder(tmp_path, {"large": b"x" * 3_000_000}) / "large"
    with archives.entries(path) as (entry,), pytest.raises(Refused, match="larger than 1 MB"):
        entry.read(2**20)


LONG = ["_1" * 9_000, "1" * 20_000, "_LATE" * 4_000, "a_attempt_" * 2_000, "+" * 20_000]
LONG += [" - " * 6_000, " " * 20_000, "_1_assignsubmission_" * 1_000, "anon_a_" * 2_000]


@pytest.mark.parametrize("name", LONG, ids=lambda name: name[:20])
def test_a_long_name_is_read_at_once(name):
    roster = Roster([Student("ana", "Ana", ids={"canvas": "5", "github": "a"})])
    start = time.monotonic()
    forms.signs([f"{name}.ipynb"], NAME, [NAME], roster)
    assert time.monotonic() - start < 5
