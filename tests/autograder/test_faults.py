"""Processes that somebody kills, at any moment, change no mark; what a student ends costs it."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from tiny import ANSWERS, NAME, STUB, make, notebook, results, start
from walls_needed import walls_needed

from autograder.root import CourseError
from autograder.run import grade
from autograder.run.workers import Local
from autograder.walled.errors import Lost

pytestmark = [
    pytest.mark.kernel,
    walls_needed,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

SLOW = "import time\ntime.sleep(0.7)\n"
OWN = {  # answers that end their own kernel: the exercise is lost, and nothing is tried again
    "leaves": "import os\nos._exit(0)",
    "kills": "import os\nos.kill(os.getpid(), 9)\nos._exit(9)",
    "aborts": "import os\nos.abort()",
    "crashes": "import ctypes\nctypes.string_at(0)",
    "limits": "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))",
    "in a call": "import os\ndef double(n): return os._exit(1) if n == 21 else 2 * n",
}
KINDS = ("kernel", "keeper", "judge", "server", "forkserver", "worker")


def facts(pid: int) -> tuple[int, int]:
    """The parent of a process, and in how many process namespaces it has a number."""
    lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    known = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(known["PPid"]), len(known["NSpid"].split())


def below(root: int) -> Iterator[tuple[str, int]]:
    """The processes of a run, with their kinds."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = facts(int(entry.name))
        except (OSError, KeyError, ValueError):
            continue

    def children(pid: int) -> list[int]:
        return [one for one, (parent, _) in parents.items() if parent == pid]

    for child in children(root):
        try:
            said = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"forkserver" in said:
            yield "forkserver", child
            yield from (("worker", one) for one in children(child))
        elif b"walled.server" in said:
            yield "server", child
            for keeper in children(child):
                for target in children(keeper):
                    walled = parents[target][1] > 1
                    yield ("kernel" if walled else "judge"), target
                    yield "keeper", keeper


def course(root: Path) -> Path:
    """A class of right, wrong and unwritten answers, and of answers that end their kernels."""
    answers = [SLOW + one for one in (*ANSWERS[:3], ANSWERS[0])] + [STUB, *OWN.values()]
    make(root, len(answers))
    for k, answer in enumerate(answers):
        path = root / "submitted" / f"student{k:02}" / NAME / f"{NAME}.ipynb"
        path.write_text(notebook(answer))
    return root


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict:
    root = course(tmp_path_factory.mktemp("undisturbed"))
    said, _ = start(root).communicate(timeout=300)
    assert "the grader failed on 0" in said
    assert "no score yet" not in said
    return results(root)


def disturbed(run: subprocess.Popen, todo: list[str], moments: random.Random) -> None:
    """Kill a process of each kind on the list, at a random moment, as long as the run lasts."""
    while todo and run.poll() is None:
        time.sleep(moments.uniform(0.02, 0.8))
        found = [pid for kind, pid in below(run.pid) if kind == todo[-1]]
        if found:
            try:
                os.kill(moments.choice(found), signal.SIGKILL)
            except ProcessLookupError:
                continue
            todo.pop()


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("kinds", "each"),
    [
        pytest.param(KINDS, 1, id="each"),
        *(pytest.param((kind,), 30, id=kind, marks=pytest.mark.slow) for kind in KINDS),
    ],
)
def test_a_process_that_is_killed_from_outside_changes_no_mark(tmp_path, undisturbed, kinds, each):
    root, moments = course(tmp_path / "course"), random.Random(17)
    todo = list(kinds) * each
    moments.shuffle(todo)
    while todo:
        run = start(root, "--force")
        disturbed(run, todo, moments)
        said, _ = run.communicate(timeout=600)
        assert "Traceback" not in said and "Aborted" not in said, said
    for _ in range(3):
        if "the grader failed on 0" in said:
            break
        said, _ = start(root).communicate(timeout=600)
    assert "the grader failed on 0" in said
    assert results(root) == undisturbed


def test_without_walls_the_same_end_at_the_same_place_is_the_notebooks_own(tmp_path):
    kill = "import os\nos.kill(os.getpid(), 9)\n"
    mark = tmp_path / "killed"
    once = (
        f"import os\nif not os.path.exists({str(mark)!r}):\n    open({str(mark)!r}, 'w').close()\n"
    )
    answers = (ANSWERS[0], kill + ANSWERS[0], f"{once}    os.kill(os.getpid(), 9)\n{ANSWERS[0]}")
    make(tmp_path, 3)
    for k, answer in enumerate(answers):
        path = tmp_path / "submitted" / f"student{k:02}" / NAME / f"{NAME}.ipynb"
        path.write_text(notebook(answer))
    states = grade.grade(tmp_path, NAME, settings=grade.Settings(walls=False), jobs=1)
    assert set(states.values()) == {"done"} and mark.exists()
    # The second one keeps what it defines; the third one ends as if somebody had killed it once.
    found = results(tmp_path)
    assert list(found["scores"].values()) == [2, 2, 2]
    executed = (tmp_path / "autograded").glob(f"*/{NAME}/{NAME}.ipynb")
    assert ["ended its kernel" in path.read_text() for path in sorted(executed)] == [0, 1, 0]


def lost(text, files, settings):
    """In the place of `job.execute`: a submission whose processes somebody always kills."""
    raise Lost("It was killed.")


def test_what_is_killed_again_and_again_has_failed_and_has_no_score(tmp_path, monkeypatch):
    monkeypatch.setattr(grade, "execute", lost)
    make(tmp_path, 1)
    said = []
    states = grade.grade(tmp_path, NAME, jobs=1, watch=lambda event: said.append(event.message))
    assert states == {"student00": "failed"} and "lost a process 3 times" in said[-1]
    assert "no score yet" in results(tmp_path)["notebooks"]["student00"][0]


def test_a_process_that_cannot_be_forked_from_is_named(monkeypatch):
    def submit(*_):
        raise EOFError("unexpected EOF")

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submit)
    with (
        Local(1) as local,
        pytest.raises(CourseError, match="that workers are forked from was ended 3 times"),
    ):
        local.submit(abs, -3)
