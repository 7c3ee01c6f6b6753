"""`autograder serve`: runs that it takes are those that grade makes alone."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from tiny import ANSWERS, NAME, STUB, make, notebook, results
from walls_needed import walls_needed

from autograder.run import handover

pytestmark = [
    pytest.mark.kernel,
    walls_needed,
    pytest.mark.skipif(sys.platform != "linux", reason="autograder serve needs Linux"),
]

PROGRAM = "from autograder.start import main; main()"
LONG = "import time\nopen('begun', 'w').close()\ntime.sleep(120)\n"


class Course:
    """A course folder, its server, and all processes of both, known by their TMPDIR."""

    def __init__(self, root: Path, place: Path) -> None:
        self.root, self.place = root, place

    def start(self, *arguments: str, **more: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=self.root,
            env=os.environ | {"COURSE_ROOT": str(self.root), "TMPDIR": str(self.place)} | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def grade(self, *arguments: str, **more: str) -> SimpleNamespace:
        run = self.start("grade", NAME, *arguments, **more)
        said, _ = run.communicate(timeout=120)
        return SimpleNamespace(code=run.returncode, said=said)

    def serve(self) -> subprocess.Popen:
        server = self.start("serve")
        assert server.stdout is not None
        assert "Ready" in (said := server.stdout.readline()), said
        return server

    def there(self) -> set[int]:
        """The processes that have begun with this folder in their environment."""
        found = set()
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                if os.fsencode(self.place) in entry.read_bytes():
                    found.add(int(entry.parent.name))
            except OSError:
                continue
        return found

    def only(self, expected: set[int], seconds: float = 20) -> bool:
        """Whether no other process than these is left, soon."""
        deadline = time.monotonic() + seconds
        while (left := self.there() - expected) and time.monotonic() < deadline:
            time.sleep(0.1)
        return not left

    def long_run(self) -> subprocess.Popen:
        """A run through the server, in the middle of a cell."""
        self.submit(LONG + ANSWERS[0])
        run = self.start("grade", NAME, "--force")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            pids = self.there()
            if any(list(Path(f"/proc/{p}/root{self.place}").glob("*/jobs/*/begun")) for p in pids):
                return run
            time.sleep(0.1)
        raise AssertionError("no cell began")

    def submit(self, answer: str) -> None:
        path = self.root / "submitted" / "student00" / NAME / f"{NAME}.ipynb"
        path.write_text(notebook(answer))


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="served-", dir="/tmp"))  # a short path, for sockets
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def course(tmp_path_factory, place) -> Iterator[Course]:
    """A course whose path is too long for a socket's address, with its server."""
    root = make(tmp_path_factory.mktemp("c" * 100), 1)
    (root / "course" / "course.toml").write_text("heldout_seed = 7\n")
    made = Course(root, place)
    server = made.serve()
    yield made
    server.send_signal(signal.SIGINT)
    assert ended(server) == 0
    assert made.only(set())
    assert not (root / ".autograder" / handover.NAME).exists()


def ended(server: subprocess.Popen) -> int:
    server.communicate(timeout=60)
    return server.returncode


def warm(course: Course) -> set[int]:
    """The processes that stay between runs: the server, and the warm process."""
    deadline = time.monotonic() + 20
    while len(found := course.there()) > 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def took_it(course: Course, before: set[int]) -> bool:
    """Whether a run left the processes of the server as they were."""
    return len(before) == 2 and course.only(before)


def test_a_run_through_the_server_says_and_gives_what_a_run_alone_does(course):
    before = warm(course)
    course.submit(ANSWERS[0])
    course.grade()  # both of the next runs find marks
    served = course.grade("--force")
    marks = results(course.root)
    path = course.root / ".autograder" / handover.NAME
    assert path.stat().st_mode & 0o777 == 0o600
    path.rename(path.with_name("away"))
    try:
        alone = course.grade("--force")
    finally:
        path.with_name("away").rename(path)
    assert served == alone and served.code == 0
    assert marks == results(course.root) and list(marks["scores"].values()) == [2]
    assert took_it(course, before)


def test_a_run_with_nothing_to_do_leaves_no_kernel(course):
    before = warm(course)
    course.submit(ANSWERS[0])
    course.grade()
    again = course.grade()
    assert again.code == 0 and "graded before" in again.said
    assert took_it(course, before)
    assert not any(course.place.glob("*/jobs")) and not any(course.place.glob("*/kernel-*"))


def test_runs_that_follow_each_other_at_once_are_all_taken(course, monkeypatch, capfd):
    course.submit(ANSWERS[0])
    monkeypatch.setenv("TMPDIR", str(course.place))
    monkeypatch.setenv("COURSE_ROOT", str(course.root))
    codes = [handover.handed_over(course.root, ["grade", NAME, "--force"]) for _ in range(4)]
    assert codes == [0] * 4
    assert capfd.readouterr().out.count("the grader failed on 0") == 4


def test_the_next_run_sees_a_changed_source_a_changed_submission_and_its_own_environment(course):
    course.submit("import os\ndouble = lambda n: n + n + (os.environ['COURSE_DATA'] != '/here')")
    assert course.grade(COURSE_DATA="/here").code == 0
    assert list(results(course.root)["scores"].values()) == [2]
    assert course.grade("--force", COURSE_DATA="/there").code == 0
    assert list(results(course.root)["scores"].values()) == [0]
    path = course.root / "source" / NAME / f"{NAME}.ipynb"
    kept = path.read_text()
    changed = nbformat.reads(kept, as_version=4)
    changed.cells[-1].source = changed.cells[-1].source.replace("42", "43")
    path.write_text(nbformat.writes(changed))
    try:
        assert course.grade(COURSE_DATA="/there").code == 0
        assert list(results(course.root)["scores"].values()) == [2]
    finally:
        path.write_text(kept)


def test_errors_and_exit_codes_are_those_of_a_run_alone(course):
    for arguments in (["--student", "nobody"], ["--sandbox", "paper"]):
        done = course.grade(*arguments)
        assert done.code == 1 and "Traceback" not in done.said and done.said.count("\n") <= 3
    assert "There is no submission of nobody" in course.grade("--student", "nobody").said


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_client_ends_its_run_and_the_server_goes_on(course, number):
    before = warm(course)
    run = course.long_run()
    busy = course.grade()
    assert busy.code == 1 and "Another autograder grade is running" in busy.said
    run.send_signal(number)
    said, _ = run.communicate(timeout=30)
    if number == signal.SIGKILL:
        assert run.returncode == -number
    else:
        assert run.returncode == 128 + number and "What is graded stays graded" in said
    assert "Traceback" not in said
    assert took_it(course, before)
    course.submit(ANSWERS[0])
    assert course.grade().code == 0
    assert list(results(course.root)["scores"].values()) == [2]
    left = [*course.place.glob("warm-*/kernel-*"), *course.place.glob("warm-*/*/*")]
    assert not [one for one in left if one.is_dir()]


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_server_ends_its_run_and_leaves_nothing(tmp_path, number):
    place = Path(tempfile.mkdtemp(prefix="served-", dir="/tmp"))
    course = Course(make(tmp_path, 1), place)
    server = course.serve()
    run = course.long_run()
    server.send_signal(number)
    said, _ = run.communicate(timeout=60)
    assert run.returncode in (128 + signal.SIGTERM, 1) and "What is graded stays graded" in said
    assert ended(server) == (-number if number == signal.SIGKILL else 0)
    assert course.only(set())
    course.submit(ANSWERS[0])
    assert course.grade().code == 0  # a socket that nobody listens on is in nobody's way
    assert course.only(set())
    shutil.rmtree(place)


def test_another_version_or_environment_is_graded_alone(course):
    course.submit(ANSWERS[0])
    done = course.grade("--force", TF_ENABLE_ONEDNN_OPTS="0")
    assert "started with another value of TF_ENABLE_ONEDNN_OPTS" in done.said and done.code == 0
    assert "the grader failed on 0" in done.said
    facts = handover.facts()
    older = facts | {"version": [*facts["version"][:-1], "older"]}
    assert "another version" in handover.refusal(facts, older)
    assert handover.refusal(facts, json.loads(json.dumps(facts))) == ""


def test_neither_side_trusts_another_user(course, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert handover.handed_over(course.root, ["grade", NAME]) is None


def test_the_server_answers_no_other_user(tmp_path, monkeypatch):
    serve = pytest.importorskip("autograder.run.serve")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert serve._taken(ours, {}) is None
        ours.close()
        assert theirs.recv(1) == b""


@pytest.mark.parametrize("request_", ["[1]", "null", '{"facts": null}', '{"facts": 3}', "{", ""])
def test_what_is_no_request_ends_neither_the_server_nor_stays_open(request_):
    serve = pytest.importorskip("autograder.run.serve")
    ours, theirs = socket.socketpair()
    open_before = len(os.listdir("/proc/self/fd"))
    with ours:
        with theirs, tempfile.TemporaryFile() as file:
            length = (len(request_) + (request_ == "{")).to_bytes(8, "little")
            socket.send_fds(theirs, [length], [file.fileno()])
            theirs.sendall(request_.encode())
            theirs.shutdown(socket.SHUT_WR)
            assert serve._taken(ours, handover.facts()) is None
        assert len(os.listdir("/proc/self/fd")) == open_before - 1


def test_a_run_whose_output_is_closed_is_not_handed_over(course, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert handover.handed_over(course.root, ["grade", NAME]) is None


def test_ctrl_c_before_the_server_answers_ends_without_a_traceback(tmp_path):
    root = make(tmp_path, 1)
    (root / ".autograder").mkdir()
    with handover.in_room(root) as at, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(at)
        listener.listen()
        asker = Course(root, tmp_path).start("grade", NAME)
        connection, _ = listener.accept()
        with connection:
            connection.recv(1)
            asker.send_signal(signal.SIGINT)
            assert asker.wait(30) == 128 + signal.SIGINT
    assert asker.communicate()[0] == ""


def test_nothing_slow_is_loaded_to_hand_a_run_over():
    code = "import sys, autograder.start; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    slow = {"nbgrader", "nbformat", "numpy", "tensorflow", "typer", "rich", "multiprocessing"}
    slow |= {"autograder.course", "tomllib", "dataclasses"}
    assert not slow & set(done.stdout.split())


def test_a_server_is_refused_where_another_one_waits(course):
    second = course.start("serve")
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 1 and "Another autograder serve" in said


NO_SOURCES = ["", "{}", "[]", "null", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}']


@pytest.mark.parametrize("text", [*NO_SOURCES, notebook(STUB).replace('"source"', '"sauce"')])
def test_a_source_that_is_no_notebook_is_left_to_the_run(tmp_path, text):
    rehearsal = pytest.importorskip("autograder.run.rehearsal")
    path = tmp_path / "source" / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    rehearsal.sources(tmp_path)


def test_the_rehearsal_of_a_server_leaves_neither_files_nor_threads(tmp_path, monkeypatch):
    rehearsal = pytest.importorskip("autograder.run.rehearsal")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = threading.active_count()
    rehearsal.run()
    assert not list(tmp_path.iterdir()) and threading.active_count() == before
