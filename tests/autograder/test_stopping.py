"""A run that is stopped leaves no process and no folder behind."""

import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny import ANSWERS, NAME, make, notebook, results
from walls_needed import walls_needed

pytestmark = [
    pytest.mark.kernel,
    walls_needed,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

LONG = "import time\nopen('begun', 'w').close()\ntime.sleep(120)\n"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for temporary files, whose path every process of a run has in its environment."""
    made = Path(tempfile.mkdtemp(prefix="stopped-", dir="/tmp"))  # a short path, for sockets
    yield made
    for pid in there(made):  # only after a test that fails
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(made)


def start(root: Path, place: Path) -> subprocess.Popen:
    code = "from autograder.cli import app; app()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "grade", NAME, "--jobs", "2"],
        cwd=root,
        env=os.environ | {"COURSE_ROOT": str(root), "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def there(place: Path) -> list[int]:
    """The processes that have begun with this folder in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if os.fsencode(place) in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def gone(place: Path, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while (left := there(place)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not left


def begun(place: Path) -> bool:
    """Whether a kernel runs a cell; its files are seen through the process."""
    found = (glob.glob(f"/proc/{pid}/root{place}/*/jobs/*/begun") for pid in there(place))
    return any(found)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("number", "everywhere"),
    [
        pytest.param(signal.SIGTERM, False, id="asked", marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, False, id="killed"),
        pytest.param(signal.SIGINT, True, id="ctrl-c", marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, True, id="terminal closed", marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_stopped_leaves_nothing(tmp_path, place, number, everywhere):
    root = make(tmp_path, 3)
    for k in (1, 2):
        path = root / "submitted" / f"student{k:02}" / NAME / f"{NAME}.ipynb"
        path.write_text(notebook(LONG + ANSWERS[0]))
    run = start(root, place)
    deadline = time.monotonic() + 120
    while not begun(place) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert begun(place) and len(there(place)) >= 5
    (os.killpg if everywhere else os.kill)(run.pid, number)
    said, _ = run.communicate(timeout=20)
    assert gone(place)
    assert "Traceback" not in said and "Aborted" not in said, said
    if number == signal.SIGKILL:
        assert run.returncode == -signal.SIGKILL
    else:
        assert run.returncode == 128 + number and "What is graded stays graded" in said
    left = [one.name for one in place.iterdir()]
    assert not [name for name in left if not name.startswith("pymp-")]  # multiprocessing's own
    for k in (1, 2):
        path = root / "submitted" / f"student{k:02}" / NAME / f"{NAME}.ipynb"
        path.write_text(notebook(ANSWERS[0]))
    said, _ = start(root, place).communicate(timeout=120)
    assert "the grader failed on 0" in said
    assert list(results(root)["scores"].values()) == [2, 2, 2]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seconds", [0.5, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_while_it_loads_leaves_nothing(tmp_path, place, seconds):
    run = start(make(tmp_path, 1), place)
    time.sleep(seconds)
    run.kill()
    run.communicate(timeout=20)
    assert gone(place)


def test_a_signal_that_is_ignored_stays_ignored():
    code = """
import os, signal
from autograder.run import stop
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with stop.stoppable():
    os.kill(os.getpid(), signal.SIGHUP)
    print("goes on", flush=True)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt as stopped:
        print(stopped.number)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[:2] == ["goes on", str(int(signal.SIGTERM))]
