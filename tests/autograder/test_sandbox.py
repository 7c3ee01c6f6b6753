"""What a student's kernel finds behind the walls; tests/walled tries each wall and limit alone."""

import json
import os
import secrets
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import h5py
import nbformat
import pytest
from jupyter_core.utils import ensure_event_loop
from walls_needed import walls_needed

import autograder
import convcourse
from autograder.kernel import cells as kernel_cells
from autograder.kernel import lives, notebook
from autograder.pages.sanitize import MAX_OUTPUT
from autograder.run.workers import usable_cores
from autograder.walled import levels, linux, probe
from autograder.walled.errors import WallError
from autograder.warm import reach, server
from autograder.warm.provisioner import NAME
from autograder.warm.reach import GB, LIMITS, Limits
from convcourse import data
from convcourse.pretrained import VGG16_FILE

ROOT = Path(__file__).resolve().parents[2]
MB = 2**20

pytestmark = [pytest.mark.kernel, walls_needed]


def run(code: str, folder: Path, limits: Limits = LIMITS, seconds: int = 60) -> notebook.Run:
    """Run a notebook of this one cell and a second one behind the walls."""
    cells = [nbformat.v4.new_code_cell(code), nbformat.v4.new_code_cell("print('still here')")]
    one = notebook.Run(nbformat.v4.new_notebook(cells=cells), folder, None, NAME, seconds, limits)
    one.all_cells()
    return one


def shown(one: notebook.Run, cell: int = 0) -> str:
    """What a cell printed, and its error."""
    outputs = one.nb.cells[cell].outputs
    return "".join(str(o.get("text") or o.get("evalue") or "") for o in outputs).strip()


def said(code: str, folder: Path, limits: Limits = LIMITS) -> str:
    """What this cell says behind the walls; it must survive it."""
    one = run(code, folder, limits)
    assert not one.cells.stopped, one.cells.stopped
    return shown(one)


def test_a_figure_is_shown_behind_the_walls(tmp_path):
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    outputs = run(code, tmp_path).nb.cells[0].outputs
    assert ["image/png" in o.get("data", {}) for o in outputs] == [True]


# ---------------------------------------------------------------------- files

LOOK = """
import os
from pathlib import Path
for path in {paths}:
    path = Path(path)
    try:
        found = os.listdir(path) if path.is_dir() else path.read_bytes()
    except OSError:
        found = None
    if found:
        print(path, found[:50])
"""


def test_the_repository_the_gradebook_other_submissions_and_homes_are_not_there(tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        (folder / "answer.txt").write_text("42")
    (tmp_path / "gradebook.db").write_text("marks")
    hidden = ["course", "source", "release", "tests", "autograder", ".git", "nbgrader_config.py"]
    paths = [ROOT / name for name in hidden]
    paths += [tmp_path / "gradebook.db", other, other / "answer.txt", Path.home() / ".ssh"]
    paths += [Path.home() / ".bashrc", "/etc/shadow", "/etc/hostname", "/var", "/boot", "/sys/fs"]
    assert said(LOOK.format(paths=[*map(str, paths)]), mine) == ""


def test_what_judges_keep_for_each_other_is_not_there(tmp_path):
    kept = server.folder("judges")
    (kept / "images").write_text("held out")
    assert (kept.stat().st_mode & 0o077) == 0
    paths = [kept, kept / "images", kept.parent / "log"]
    assert said(LOOK.format(paths=[*map(str, paths)]), tmp_path) == ""


def test_its_own_copy_the_course_package_and_the_libraries_are_there(tmp_path):
    (tmp_path / "answer.txt").write_text("42")
    code = """
import sklearn.svm, convcourse.plots, convcourse.hints, scipy.signal, subprocess
print(open("answer.txt").read(), subprocess.run(["true"]).returncode)"""
    assert said(code, tmp_path) == "42 0"


def test_beside_the_course_package_lies_only_what_the_python_environment_has(tmp_path):
    package = Path(convcourse.__file__).parent
    code = """
import json, os, sys, convcourse
folder = os.path.dirname(os.path.dirname(convcourse.__file__))
print(json.dumps([folder, sorted(os.listdir(folder)), sorted(os.listdir(sys.prefix))]))"""
    folder, beside, environment = json.loads(said(code, tmp_path))
    editable = package.is_relative_to(ROOT) and not package.is_relative_to(sys.prefix)
    everything = sorted(os.listdir(package.parent))
    assert folder == str(package.parent)
    assert beside == (["convcourse"] if editable else everything)
    assert environment == sorted(os.listdir(sys.prefix))


def test_the_autograder_is_neither_importable_nor_loaded(tmp_path):
    code = """
import sys
print([m for m in sys.modules if m.partition(".")[0] == "autograder"])
import autograder.judge.judge"""
    said_ = said(code, tmp_path)
    assert said_.startswith("[]") and "No module named 'autograder" in said_


def test_an_installed_autograder_is_covered(tmp_path, monkeypatch):
    place = str(Path(autograder.__file__).parent)
    beside = reach.readable() | {place: place}
    monkeypatch.setattr(reach, "readable", lambda: beside)
    code = f"import os\nprint(os.listdir({place!r}))\nimport autograder.judge.judge"
    assert said(code, tmp_path).startswith("[]\nNo module named 'autograder")


def test_the_place_of_the_sockets_cannot_be_written(tmp_path):
    code = """
import glob
places = glob.glob("/tmp/**/kernel-*", recursive=True)
for place in places:
    try:
        open(place + "/mine", "w")
    except OSError as error:
        print(error.strerror)
print(len(places))"""
    assert said(code, tmp_path).splitlines() == ["Read-only file system", "1"]


def test_of_the_home_folder_only_keras_data_and_the_courses_weights_are_there(
    tmp_path, monkeypatch
):
    for name in ("datasets/mnist.npz", f"models/{VGG16_FILE}", "models/own.h5", "keras.json"):
        path = tmp_path / "home" / ".keras" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    code = """
from pathlib import Path
kept = Path.home() / ".keras"
print(sorted((str(p.relative_to(kept)), p.read_text()) for p in kept.rglob("*") if p.is_file()))
for path in kept.rglob("*.*"):
    try:
        path.write_text("")
        print("wrote to", path)
    except OSError:
        pass"""
    wanted = ("datasets/mnist.npz", f"models/{VGG16_FILE}")
    assert said(code, tmp_path / "work") == str([(name, name) for name in wanted])


def test_a_cell_may_run_a_command_and_no_folder_of_sockets_stays(tmp_path):
    before = {*_folders()}
    (tmp_path / "answer.txt").write_text("42")
    assert said("!cat answer.txt && echo", tmp_path) == "42"
    assert {*_folders()} == before and os.listdir(tmp_path) == ["answer.txt"]


def _folders() -> list[Path]:
    """Kernels' folders of sockets; those of killed workers stay until the server goes."""
    return [*Path(server.address()).parent.glob("kernel-*")]


# ---------------------------------------------------------------------- secrets

SCAN = """
import re
first, second = {first!r}.encode(), {second!r}.encode()
found = 0
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        start, end = (int(n, 16) for n in line.split()[0].split("-"))
        if "r" not in line.split()[1] or "[v" in line:
            continue
        for at in range(start, end, 1 << 24):
            try:
                memory.seek(at)
                part = memory.read(min(1 << 24, end - at))
            except (OSError, ValueError, OverflowError):
                continue
            for hit in re.finditer(re.escape(first), part):
                found += part[hit.end() : hit.end() + len(second)] == second
print(found)
"""


def test_secrets_of_the_environment_and_of_earlier_submissions_are_in_no_memory(
    tmp_path, monkeypatch
):
    token = secrets.token_hex(20)
    scan = SCAN.format(first=token[:20], second=token[20:])
    assert int(said(f"secret = {token!r}\n{scan}", tmp_path)) > 0, "the scan finds what is there"
    for name in ("LMS_TOKEN", "TF_VAR_TOKEN", "NVIDIA_API_KEY"):
        monkeypatch.setenv(name, token)
    monkeypatch.setattr(server, "_server", None)  # one that starts with the token around it
    try:
        assert said(f"secret = '{token}'", tmp_path) == ""
        code = "import os\nprint('LMS_TOKEN' in os.environ)\n" + scan
        assert said(code, tmp_path).split() == ["False", "0"]
    finally:
        server.server().close()


# ---------------------------------------------------------------------- limits


def ends(code: str, folder: Path, limits: Limits, within: float, seconds: int = 60) -> str:
    """Why it was stopped, which has to be said ``within`` these seconds and five more.

    A machine that does other things meanwhile, as one that tests in parallel, gets longer.
    """
    started = time.monotonic()
    one = run(code, folder, limits, seconds)
    busy = max(1, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert time.monotonic() - started < (within + 5) * busy
    return " ".join(one.cells.stopped)


def test_memory_at_once_is_refused_and_the_notebook_goes_on(tmp_path):
    one = run("import numpy as np\nx = np.ones(20 * 2**30, np.uint8)", tmp_path)
    assert "Unable to allocate 20.0 GiB" in shown(one) and shown(one, 1) == "still here"


def test_an_endless_loop_that_ignores_signals_is_stopped_after_the_cells_time(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(lives, "GRACE", 3)
    code = """
import signal
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
while True: pass"""
    why = ends(code, tmp_path, LIMITS, 3 + lives.GRACE, seconds=3)
    assert "used 3 seconds of processor time" in why


def test_a_million_lines_are_shortened_and_the_notebook_goes_on(tmp_path):
    one = run("for i in range(10**6): print(i)", tmp_path)
    assert not one.cells.stopped and len(shown(one)) < 2 * MAX_OUTPUT
    assert shown(one, 1) == "still here"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("while True: print('x' * 1000)", id="text"),
        pytest.param(
            "from IPython.display import display, HTML\nwhile True: display(HTML('x' * 1000))",
            id="displays",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "from comm import create_comm\nwhile True: create_comm(data={'x': 'x' * 1000})",
            id="widgets",
        ),
    ],
)
def test_a_flood_of_output_is_stopped(tmp_path, code):
    assert "10,000,000 characters" in ends(code, tmp_path, LIMITS, 20)


def test_messages_of_the_kernels_state_count_as_output_too(tmp_path):
    code = """
k = get_ipython().kernel
state = {"execution_state": "busy", "x": "x" * 5_000_000}
while True: k.session.send(k.iopub_socket, "status", state, parent=k.get_parent())"""
    assert "10,000,000 characters" in ends(code, tmp_path, LIMITS, 20)


def test_cells_are_numbered_by_the_grader_whatever_number_a_kernel_says(tmp_path):
    one = run("get_ipython().execution_count = 6151", tmp_path)
    assert [cell.execution_count for cell in one.nb.cells] == [1, 2]


def test_all_cells_together_keep_bounded_outputs(tmp_path, monkeypatch):
    monkeypatch.setattr(kernel_cells, "MAX_KEPT", 1_000)
    one = run("print('x' * 2_000)", tmp_path)
    assert "left out" in shown(one) and shown(one, 1) == "still here"


def test_a_message_too_large_costs_outputs_and_no_verdict(tmp_path):
    code = "from IPython.display import display\ndisplay({'text/html': 'x' * 10**8}, raw=True)\n"
    one = run(code, tmp_path)
    assert not one.cells.stopped and len(shown(one)) < 1_000 and one.cells.reply["status"] == "ok"


# ---------------------------------------------------------------------- side by side

HOSTILE = [
    "import os\nwhile True: os.fork()",
    "import mmap\nm = mmap.mmap(-1, 8 * 2**30)\nfor i in range(0, len(m), 4096): m[i] = 1",
    "while True: print('x' * 1000)",
    "import os\nos.abort()",
]


def _job(code: str, folder: Path) -> tuple[str, str]:
    one = run(code, folder, replace(LIMITS, memory=2 * GB))
    return shown(one), " ".join(one.cells.stopped)


@pytest.mark.slow  # the class of tests/hostile has honest work beside such submissions, too
def test_submissions_beside_a_hostile_one_are_run_as_if_alone(tmp_path):
    honest = (
        "import keras\nnet = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])\n"
    )
    honest += "print(net.count_params())"
    codes = [code for hostile in HOSTILE for code in (hostile, honest)]
    folders = [tmp_path / str(i) for i in range(len(codes))]
    for folder in folders:
        folder.mkdir()
    with (
        server.shared(),
        ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool,
    ):
        answers = [*pool.map(_job, codes, folders)]
    assert answers[1::2] == [("15", "")] * len(HOSTILE)
    assert all(dead for _, dead in answers[::2]), answers[::2]
    assert answers[0][1] == "The notebook started more than 32 processes."


FILES_IN_FLIGHT = """
import os, socket, struct
kept, file = [], os.open("/dev/null", os.O_RDONLY)
for _ in range(5):
    kept.append(socket.socketpair())
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("250i", *[file] * 250))]
    try:
        kept[-1][0].sendmsg([b"x"], rights)
    except OSError as error:
        print(error.strerror)
"""
CONTEXTS = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall({number}, 60_000, ctypes.byref(ctypes.c_ulong())), ctypes.get_errno())
"""


def test_what_one_kernel_sends_or_sets_up_keeps_no_other_from_starting(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    setup = CONTEXTS.format(number=linux.number("io_setup"))
    cells = [nbformat.v4.new_code_cell(code) for code in (FILES_IN_FLIGHT, setup)]
    nb = nbformat.v4.new_notebook(cells=cells)
    hostile = notebook.Run(nb, one, None, NAME, 60, LIMITS)
    with hostile.cells.started():
        for index, cell in enumerate(nb.cells):
            hostile.cells.run(cell, index)
        assert "Too many references" in shown(hostile) and shown(hostile, 1) == "-1 38"
        assert said(HONEST, two).endswith("(4, 1) [0, 1]") and not hostile.cells.stopped


HONEST = """
import multiprocessing, keras
network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
network.compile("sgd", "mse")
network.fit(keras.ops.ones((4, 3)), keras.ops.ones((4, 1)), verbose=0)
network.save("network.keras")
found = keras.saving.load_model("network.keras").predict(keras.ops.ones((4, 3)), verbose=0)
with multiprocessing.Pool(2) as pool:
    print(found.shape, pool.map(abs, range(2)))
"""


SPINNERS = """
import os, time
for _ in range(28):
    if os.fork() == 0:
        os.setsid()
        while True: pass
time.sleep(60)
"""
COMPUTES = """
import time
end = time.process_time() + 1
while time.process_time() < end: pass
print("done")
"""


def test_spinning_processes_leave_another_kernel_its_share_of_the_processor(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SPINNERS)])
    hostile = notebook.Run(nb, one, None, NAME, 60, LIMITS)

    def spin() -> None:
        try:
            with hostile.cells.started():
                hostile.cells.run(nb.cells[0], 0)
        finally:
            ensure_event_loop().close()  # the thread's own

    with ThreadPoolExecutor(1) as beside:
        spins = beside.submit(spin)
        time.sleep(2)
        honest = run(COMPUTES, two, seconds=2)
        hostile.cells.client.process.kill()
        spins.result()
    assert not honest.cells.stopped and shown(honest) == "done"


def test_a_cell_that_sleeps_ends_after_its_time_and_one_that_computes_after_its_share(
    tmp_path,
):
    sleeps = run("import time\ntime.sleep(60)", tmp_path, seconds=3)
    assert "A cell took longer than 3 seconds and was stopped" in sleeps.cells.stopped[0]
    forks = "import os, time\nif os.fork() == 0:\n    while True: pass\ntime.sleep(60)"
    forked = run(forks, tmp_path, seconds=3)
    assert "A cell used 3 seconds of processor time and was stopped" in forked.cells.stopped[0]
    assert shown(sleeps, 1) == shown(forked, 1) == "still here"


def test_a_kernel_computes_on_its_share_of_the_cores_and_cannot_leave_it(tmp_path):
    code = """
import os
print(len(os.sched_getaffinity(0)))
try:
    os.sched_setaffinity(0, range(os.cpu_count()))
except PermissionError as error:
    print(error.strerror)"""
    assert said(code, tmp_path).splitlines() == ["1", "Operation not permitted"]
    every = str(usable_cores())
    assert said(code, tmp_path, replace(LIMITS, cores=0)).splitlines()[0] == every


def test_a_lock_on_a_shared_file_keeps_nobody_from_reading_it(tmp_path, monkeypatch):
    shared, one, two = tmp_path / "data", tmp_path / "one", tmp_path / "two"
    for folder in (shared, one, two):
        folder.mkdir()
    with h5py.File(shared / "weights.h5", "w") as file:
        file["x"] = [1, 2, 3]
    monkeypatch.setenv("COURSE_DATA", str(shared))
    lock = f"import fcntl\nheld = open({str(shared / 'weights.h5')!r}, 'rb')\n"
    lock += "fcntl.flock(held, fcntl.LOCK_EX)\nprint('locked')"
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(lock)])
    hostile = notebook.Run(nb, one, None, NAME, 60, LIMITS)
    with hostile.cells.started():
        hostile.cells.run(nb.cells[0], 0)
        assert shown(hostile) == "locked"
        code = f"import h5py\nprint(h5py.File({str(shared / 'weights.h5')!r})['x'][:])"
        assert said(code, two) == "[1 2 3]"


@pytest.mark.parametrize("form", ["batch folder", "archive", "link", "relative"])
def test_official_data_is_read_in_each_of_its_forms(tmp_path, monkeypatch, form):
    kept, work = tmp_path / "kept", tmp_path / "work"
    for made in (work, tmp_path / "home"):
        made.mkdir()
    folder = data.sample_batch_folder(kept, images=20)
    given = {"batch folder": str(folder), "relative": "kept"}.get(form, str(tmp_path / "given"))
    if form == "archive":
        shutil.make_archive(f"{given}/cifar-10-python", "gztar", kept, folder.name)
    if form == "link":
        (tmp_path / "given").mkdir()
        (tmp_path / "given" / folder.name).symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COURSE_DATA", given)
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    code = """
from convcourse import data
print(len(data.load("cifar10").x_train), len(list(data.batch_folder("made").iterdir())))"""
    assert said(code, work).splitlines()[-1] == "100 6"


def test_a_worker_gets_its_share_of_the_machines_memory_and_never_too_little(monkeypatch):
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 16 * GB // 4096}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    shares = [reach.share(cores).memory / GB for cores in (4, 1)]
    assert shares == [6, pytest.approx(3.6)]
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert reach.share(1).memory == 3 * GB


# ---------------------------------------------------------------------- where walls are missing


def test_a_machine_that_lacks_a_wall_is_named_with_what_to_do(tmp_path, monkeypatch):
    errors = {levels.named(wall): "not here" for wall in levels.every()}
    monkeypatch.setattr(probe, "found", lambda places: probe.Found(errors))
    with pytest.raises(WallError, match=r"bounded.*docs/sandbox.md.*--sandbox none"):
        reach.require()
    monkeypatch.undo()
    monkeypatch.setattr(reach, "readable", lambda: {"/no": "/no/such/place"})
    with pytest.raises(WallError, match=r"wall 'own files' .*--sandbox none"):
        run("print(1)", tmp_path)


def test_without_a_sandbox_a_kernel_is_like_any_other(tmp_path):
    (tmp_path / "answer.txt").write_text("42")
    one = run("open('back.txt', 'w').write(open('answer.txt').read())", tmp_path, None)
    assert not one.cells.stopped and (tmp_path / "back.txt").read_text() == "42"


@pytest.mark.parametrize(("cell", "whole"), [(8, 7_200), (600, 7_200), (1_200, 14_400)])
def test_a_notebook_may_take_twelve_times_as_long_as_a_cell_and_no_less_than_usual(cell, whole):
    for cores in (1, 4):
        limits = reach.share(cores, cell)
        assert (limits.wall_seconds, limits.cpu_seconds) == (whole, cores * whole)
        assert limits.cores == cores
