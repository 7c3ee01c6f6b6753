"""A gradebook that is held or read-only, and a full disk: a sentence, and nothing half saved."""

import json
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import tiny
from test_workers import Threads
from walls_needed import walls_needed

from autograder.nbgrader import ledger
from autograder.nbgrader.room import Room
from autograder.run import grade

pytestmark = pytest.mark.kernel

# In namespaces of its own, a program may mount what it likes.
OWN = """
import json, os, sys
from pathlib import Path
from autograder.walled import linux
user, group = os.geteuid(), os.getegid()
linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWNS)
Path("/proc/self/setgroups").write_text("deny")
Path("/proc/self/uid_map").write_text(f"0 {user} 1")
Path("/proc/self/gid_map").write_text(f"0 {group} 1")
linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
place = sys.argv[1]
linux.mount("tmpfs", place, "tmpfs", 0, "size=4m")
sys.path.insert(0, sys.argv[2])
import tiny
from concurrent.futures import ThreadPoolExecutor
from autograder.root import CourseError
from autograder.run import grade
grade.execute = tiny.deadly

class Threads:
    size = 1
    _executor = ThreadPoolExecutor(1)
    def submit(self, *job): return self._executor.submit(*job)
    def died(self, future): return False
    def gave_up(self, error): return False

root = tiny.make(Path(place, "course"), 2)

def graded():
    try:
        return grade.grade(root, tiny.NAME, workers=Threads())
    except CourseError as error:
        return str(error)

def written(letter):
    for k in range(2):
        path = root / "submitted" / f"student{k:02}" / tiny.NAME / f"{tiny.NAME}.ipynb"
        path.write_text(tiny.notebook(tiny.ANSWERS[0] + "\\n# " + letter * 40_000))

def kept():
    found = tiny.results(root)
    for path in sorted((root / "autograded").glob(f"*/{tiny.NAME}/*.ipynb")):
        text = path.read_text()
        found["notebooks"][path.parts[-3]] = [c for c in "abcdefghij" if c * 40_000 in text]
    return found

written("a")
said = [graded()]
before = kept()
"""
FULL = """
for number, room in enumerate([0, 8, 30, 60, 100, 150, 220, 400]):
    letter = "bcdefghi"[number]
    written(letter)
    ballast = root / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, file.tell() - room * 1024))
    first = graded()
    halfway = kept()
    ballast.unlink()
    said.append([first, halfway, graded(), kept()])
print(json.dumps([before, said]))
"""
READ_ONLY = """
linux.mount(f"{root}/gradebook.db", f"{root}/gradebook.db", None, linux.MS_BIND)
linux.restrict(f"{root}/gradebook.db", linux.MS_RDONLY)
written("b")
said += [graded(), kept()]
linux.unmount(f"{root}/gradebook.db")
said += [graded(), kept()]
print(json.dumps([before, said]))
"""
DONE = {"student00": "done", "student01": "done"}


def alone(tmp_path: Path, code: str) -> list:
    (place := tmp_path / "disk").mkdir()
    command = [sys.executable, "-c", OWN + code, str(place), str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@walls_needed
@pytest.mark.timeout(300)
def test_a_full_disk_ends_the_run_with_a_sentence_and_nothing_half_saved(tmp_path):
    before, (first, *rounds) = alone(tmp_path, FULL)
    assert first == DONE and before["scores"] == {"student00": 2, "student01": 2}
    sentences = 0
    letter = "a"
    for new, (said, halfway, again, after) in zip("bcdefghi", rounds, strict=True):
        if said != DONE:
            sentences += 1
            assert "disk is full" in said and "graded stays graded" in said, said
        assert halfway["scores"] == before["scores"]
        assert all(kept in ([letter], [new]) for kept in halfway["notebooks"].values()), halfway
        assert set(again.values()) <= {"done", "skipped"}
        assert after["notebooks"] == {"student00": [new], "student01": [new]}
        letter = new
    assert sentences >= 3


@walls_needed
def test_a_read_only_gradebook_ends_the_run_with_a_sentence(tmp_path):
    before, (_, said, halfway, again, after) = alone(tmp_path, READ_ONLY)
    assert "cannot be written: the file or its folder is read-only" in said
    assert halfway == before
    assert again == DONE and after["notebooks"] == {"student00": ["b"], "student01": ["b"]}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        ("IMMEDIATE", 3),
        ("EXCLUSIVE", 3),
        pytest.param("EXCLUSIVE", 65, marks=pytest.mark.slow),
    ],
)
def test_a_gradebook_that_is_held_is_waited_for_and_a_sentence_says_so(
    tmp_path, monkeypatch, kind, seconds
):
    monkeypatch.setattr(grade, "execute", tiny.deadly)
    monkeypatch.setattr(ledger, "NOTICED", 1)
    root = tiny.make(tmp_path, students=2)
    with Room(root, tiny.NAME).entered():
        pass
    other = sqlite3.connect(root / "gradebook.db", check_same_thread=False, isolation_level=None)
    said, saving = [], Room.save

    def save(room, one, text):
        """Hold the gradebook from the moment at which the first submission is saved."""
        if one.student == "student00":
            other.execute(f"BEGIN {kind}")
            threading.Timer(seconds, lambda: other.execute("COMMIT")).start()
        return saving(room, one, text)

    monkeypatch.setattr(Room, "save", save)
    states = grade.grade(root, tiny.NAME, workers=Threads(), say=said.append)
    assert set(states.values()) == {"done"}
    assert any("Another program holds the gradebook" in words for words in said)
    assert tiny.results(root)["scores"] == {"student00": 2, "student01": 2}
    other.close()


@pytest.mark.parametrize("kind", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_gradebook_that_is_held_before_the_first_submission_is_waited_for(
    tmp_path, monkeypatch, kind
):
    monkeypatch.setattr(grade, "execute", tiny.deadly)
    root = tiny.make(tmp_path, students=1)
    with Room(root, tiny.NAME).entered():
        pass
    other = sqlite3.connect(root / "gradebook.db", check_same_thread=False, isolation_level=None)
    other.execute(f"BEGIN {kind}")
    threading.Timer(7, lambda: other.execute("COMMIT")).start()
    assert grade.grade(root, tiny.NAME, workers=Threads()) == {"student00": "done"}
    other.close()
