"""Each wall of the sandbox, tried alone from inside a kernel, and each limit up to its end."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import nbformat
import pytest

from autograder import execute, kernels, sandbox
from autograder.sandbox import GB, LIMITS, SandboxError
from helpers.pretrained import VGG16_FILE

ROOT = Path(__file__).resolve().parents[2]
MB = 2**20

pytestmark = pytest.mark.skipif(
    bool(sandbox.missing()), reason=f"this machine cannot build {', '.join(sandbox.missing())}"
)


def run(code: str, folder: Path, limits: sandbox.Limits = LIMITS, seconds: int = 60) -> execute.Run:
    """Run a notebook of this one cell and a second one behind the walls."""
    cells = [nbformat.v4.new_code_cell(code), nbformat.v4.new_code_cell("print('still here')")]
    one = execute.Run(
        nbformat.v4.new_notebook(cells=cells), folder, None, kernels.NAME, seconds, limits
    )
    one.all_cells()
    return one


def shown(one: execute.Run, cell: int = 0) -> str:
    """What a cell printed, and its error."""
    outputs = one.nb.cells[cell].outputs
    return "".join(str(o.get("text") or o.get("evalue") or "") for o in outputs).strip()


def said(code: str, folder: Path, limits: sandbox.Limits = LIMITS) -> str:
    """What this cell says behind the walls; it must survive it."""
    one = run(code, folder, limits)
    assert not one.dead, one.dead
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
    kept = kernels.folder("judges")
    (kept / "images").write_text("held out")
    assert (kept.stat().st_mode & 0o077) == 0
    paths = [kept, kept / "images", kept.parent / "log"]
    assert said(LOOK.format(paths=[*map(str, paths)]), tmp_path) == ""


def test_its_own_copy_the_helpers_and_the_libraries_are_there(tmp_path):
    (tmp_path / "answer.txt").write_text("42")
    code = """
import sklearn.svm, json, helpers.plots, helpers.hints, helpers
import scipy.signal, subprocess
from pathlib import Path
print(Path("answer.txt").read_text(), subprocess.run(["true"]).returncode)
print(sorted(p.name for p in Path(helpers.__file__).parent.parent.iterdir()))
"""
    first, second = said(code, tmp_path).splitlines()
    assert first == "42 0"
    assert set(json.loads(second.replace("'", '"'))) <= {"helpers", ".venv"} or "numpy" in second


def test_the_autograder_is_neither_importable_nor_loaded(tmp_path):
    code = """
import sys
print([m for m in sys.modules if m.partition(".")[0] == "autograder"])
import autograder.judge"""
    said_ = said(code, tmp_path)
    assert said_.startswith("[]") and "No module named 'autograder" in said_


def test_nothing_outside_its_copy_can_be_written_and_nothing_comes_back(tmp_path):
    code = """
import glob, os, sys, helpers
from pathlib import Path
places = ["/", "/usr", "/etc", "/home", "/dev", "/sys/devices/system", sys.prefix]
places += [os.path.dirname(helpers.__file__)]
places += glob.glob("/tmp/**/kernel-*", recursive=True)
for place in places:
    try:
        Path(place, "mine").write_text("x")
        print("wrote to", place)
    except OSError:
        pass
system = ("/proc/sys/kernel/core_pattern", "/proc/self/oom_score_adj", "/etc/passwd")
for path in (*system, sys.executable):
    try:
        open(path, "r+").write("0")
        print("wrote to", path)
    except OSError:
        pass
for place in (".", "/tmp", Path.home(), "/dev/shm"):
    Path(place, "mine").write_text("x")
print(len(places))"""
    assert said(code, tmp_path) == "9"
    assert list(tmp_path.iterdir()) == []


def test_an_installed_autograder_is_covered(tmp_path, monkeypatch):
    beside = sandbox.readable() | {str(ROOT / "autograder"): str(ROOT / "autograder")}
    monkeypatch.setattr(sandbox, "readable", lambda: beside)
    code = f"import os\nprint(os.listdir({str(ROOT / 'autograder')!r}))\nimport autograder.judge"
    assert said(code, tmp_path).startswith("[]\nNo module named 'autograder")


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


def test_a_cell_may_run_a_command(tmp_path):
    (tmp_path / "answer.txt").write_text("42")
    assert said("!cat answer.txt && echo", tmp_path) == "42"


LOCKED = """
import os, socket, sys
from autograder import sandbox
folder, port, name = sys.argv[1:]
sandbox.HOME = folder
sandbox.no_rights({})
sandbox.locked_files({"folder": folder, "sockets": folder})
open(folder + "/mine", "w").write("x")
tries = [lambda: open("/var/tmp/" + name, "w"), lambda: os.mkdir("/var/tmp/" + name),
         lambda: os.rename(folder + "/mine", "/var/tmp/" + name),
         lambda: socket.create_connection(("127.0.0.1", int(port))),
         lambda: socket.socket(socket.AF_UNIX).connect(chr(0) + name),
         lambda: os.kill(os.getppid(), 0)]
for number, one in enumerate(tries):
    try:
        one()
        print("did", number)
    except OSError as error:
        print(error.errno in (1, 13), end=" ")
"""


def test_the_lock_on_files_addresses_and_signals_holds_alone(tmp_path):
    version = sandbox._libc.syscall(sandbox._CREATE_RULESET, None, 0, 1)
    if version < 6:
        pytest.skip(f"this system's Landlock has version {version}, which locks less")
    name = secrets.token_hex(8)
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        abstract.bind(f"\0{name}")
        abstract.listen()
        (tmp_path / "work").mkdir()
        command = [sys.executable, "-c", LOCKED, str(tmp_path / "work")]
        command += [str(tcp.getsockname()[1]), name]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split() == ["True"] * 6, done.stdout + done.stderr


def test_a_file_of_root_is_run_without_roots_rights(tmp_path):
    code = """
import ctypes, os, subprocess
from pathlib import Path
print(os.getuid(), [line.split()[1] for line in open("/proc/self/status") if line[:3] == "Cap"])
inner = subprocess.run(["grep", "Cap", "/proc/self/status"], capture_output=True, text=True).stdout
print(set(inner.split()[1::2]))
print(subprocess.run(["su", "-c", "id"], capture_output=True, input=b"").returncode != 0)"""
    none = "0" * 16
    expected = [f"1000 {[none] * 5}", f"{ {none} }", "True"]
    assert said(code, tmp_path).splitlines() == expected


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
    monkeypatch.setattr(kernels, "_server", None)  # one that starts with the token around it
    try:
        assert said(f"secret = '{token}'", tmp_path) == ""
        code = "import os\nprint('LMS_TOKEN' in os.environ)\n" + scan
        assert said(code, tmp_path).split() == ["False", "0"]
    finally:
        kernels.server().close()


# ---------------------------------------------------------------------- network


def test_no_address_can_be_reached_not_even_of_this_machine(tmp_path):
    code = """
import socket, urllib.request
tries = [(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", {port})),
         (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", {port})),
         (socket.AF_INET, socket.SOCK_STREAM, ("1.1.1.1", 53)),
         (socket.AF_INET6, socket.SOCK_STREAM, ("::1", {port})),
         (socket.AF_UNIX, socket.SOCK_STREAM, "\\0{name}"),
         (socket.AF_UNIX, socket.SOCK_STREAM, {path!r}),
         (getattr(socket, "AF_VSOCK", 40), socket.SOCK_STREAM, (2, 1)),
         (socket.AF_NETLINK, socket.SOCK_RAW, (0, 0)),
         (socket.AF_PACKET, socket.SOCK_RAW, ("lo", 0))]
for family, kind, address in tries:
    try:
        one = socket.socket(family, kind)
        one.connect(address) if kind == socket.SOCK_STREAM else one.sendto(b"x", address)
        print("reached", family, address)
    except OSError:
        pass
print("tried", len(tries), open("/proc/net/dev").read().count(":"))"""
    name, path = secrets.token_hex(8), str(tmp_path / "listening")
    (tmp_path / "work").mkdir()
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as file,
    ):
        abstract.bind(f"\0{name}")
        file.bind(path)
        abstract.listen(), file.listen()
        port = tcp.getsockname()[1]
        answer = said(code.format(port=port, name=name, path=path), tmp_path / "work")
    assert answer == "tried 9 1"


# ---------------------------------------------------------------------- processes


def test_no_other_process_is_seen_or_signalled(tmp_path):
    code = f"""
import os, signal
print(sorted(int(n) for n in os.listdir("/proc") if n.isdigit()) == [os.getpid()])
for pid in ({os.getpid()}, {kernels.server()._process.pid}, -1):
    try:
        os.kill(pid, signal.SIGCONT)
        print("signalled", pid)
    except OSError as error:
        print(error.strerror)"""
    assert said(code, tmp_path).splitlines() == ["True", *["No such process"] * 3]


def test_calls_that_look_into_others_or_hide_memory_are_refused(tmp_path):
    code = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
refused = []
for number in (101, 310, 319, 29, 272, 308, 165, 321, 298, 425, 250, 161, 253, 294, 300):
    ctypes.set_errno(0)
    libc.syscall(number, 0, 0, 0, 0, 0)
    refused.append(ctypes.get_errno() == errno.EPERM)
print(all(refused), libc.unshare(0x10000000), libc.syscall(56, 0x10000011, 0, 0, 0, 0))"""
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers are those of x86_64")
    assert said(code, tmp_path) == "True -1 -1"


def test_sockets_hold_no_more_of_the_systems_memory_than_they_hold_at_first(tmp_path):
    code = """
import socket
one, _ = socket.socketpair()
try:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**24)
except PermissionError as error:
    print(error.strerror)"""
    assert said(code, tmp_path) == "Operation not permitted"


def test_a_process_whose_name_is_no_text_is_counted_and_ends_with_its_keeper(tmp_path):
    code = """
import ctypes, time
libc = ctypes.CDLL(None)
libc.prctl(15, bytes([255, 41, 10, 40]))
print(libc.prctl(1, 0), flush=True)
time.sleep(60)"""
    one = run(code, tmp_path, replace(LIMITS, wall_seconds=2))
    assert shown(one) == "-1" and one.dead == "The notebook took longer than 2 seconds."


def test_nothing_stays_behind(tmp_path):
    mark, before = secrets.token_hex(8), {*_folders()}
    code = f"""
import os, socket, subprocess, sys, threading, time
from multiprocessing import shared_memory
command = [sys.executable, "-c", "import time; time.sleep(300)", "{mark}"]
subprocess.Popen(command, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(300)
    os._exit(0)
threading.Thread(target=time.sleep, args=(300,)).start()
shared_memory.SharedMemory("{mark}", create=True, size=1000)
one = socket.socket(socket.AF_UNIX); one.bind("{mark}"); one.listen()
print(len([n for n in os.listdir("/proc") if n.isdigit()]))"""
    assert int(said(code, tmp_path)) >= 3
    left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if mark.encode() in _bytes(p)]
    assert left == [] and not Path("/dev/shm", mark).exists() and not any(tmp_path.iterdir())
    assert {*_folders()} == before


def _folders() -> list[Path]:
    """Kernels' folders of sockets; those of killed workers stay until the server goes."""
    return [*Path(kernels.address()).parent.glob("kernel-*")]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


# ---------------------------------------------------------------------- limits


def ends(code: str, folder: Path, limits: sandbox.Limits, within: float, seconds: int = 60) -> str:
    """The sentence in which it ends, which has to come ``within`` these seconds and five more.

    A machine that does other things meanwhile, as one that tests in parallel, gets longer.
    """
    started = time.monotonic()
    one = run(code, folder, limits, seconds)
    busy = max(1, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert time.monotonic() - started < (within + 5) * busy
    return one.dead


def test_memory_at_once_is_refused_and_the_notebook_goes_on(tmp_path):
    one = run("import numpy as np\nx = np.ones(20 * 2**30, np.uint8)", tmp_path)
    assert "Unable to allocate 20.0 GiB" in shown(one) and shown(one, 1) == "still here"


@pytest.mark.parametrize(
    "code",
    [
        "import mmap\nm = mmap.mmap(-1, 4 * 2**30)\nfor i in range(0, len(m), 4096): m[i] = 1",
        "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n"
        "        x = b'x' * 2**29; time.sleep(60)\ntime.sleep(60)",
        # Pages that are only read take none of it, but the tables that list them do.
        "import mmap\nkept = []\nwhile True:\n"
        "    kept.append(mmap.mmap(-1, 2**40, mmap.MAP_PRIVATE | 0x4000, mmap.PROT_READ))\n"
        "    kept[-1].madvise(mmap.MADV_NOHUGEPAGE)\n"
        "    for i in range(0, 2**40, 2**21): kept[-1][i]",
    ],
    ids=["shared", "in children", "tables"],
)
def test_memory_little_by_little_ends_the_notebook(tmp_path, code):
    limits = replace(LIMITS, memory=2 * GB)
    assert ends(code, tmp_path, limits, 10) == "The notebook used more than 2.0 GB of memory."


def test_a_fork_bomb_ends_the_notebook(tmp_path):
    code = "import os\nwhile True: os.fork()"
    assert ends(code, tmp_path, LIMITS, 5) == "The notebook started more than 32 processes."


def test_too_many_threads_end_the_notebook_or_are_refused(tmp_path):
    code = """
import threading, time
for _ in range(5_000): threading.Thread(target=time.sleep, args=(60,)).start()"""
    one = run(code, tmp_path)
    assert "can't start new thread" in shown(one) or "threads" in one.dead


def test_an_endless_loop_that_ignores_signals_is_stopped_after_the_cells_time(tmp_path):
    code = """
import signal
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
while True: pass"""
    assert "longer than 3 seconds" in ends(code, tmp_path, LIMITS, 3, seconds=3)


def test_computing_time_and_waiting_time_are_bounded_for_the_notebook(tmp_path):
    code = "from multiprocessing import Pool\nimport os\nif os.fork() >= 0:\n    while True: pass"
    limits = replace(LIMITS, cpu_seconds=3)
    assert ends(code, tmp_path, limits, 3) == "The notebook computed for more than 3 seconds."
    limits = replace(LIMITS, wall_seconds=2)
    words = ends("import time\ntime.sleep(60)", tmp_path, limits, 2)
    assert words == "The notebook took longer than 2 seconds."


FILL = """
import os
held = []
for number in range(40):
    held.append(open("{place}/" + str(number), "wb"))
    held[-1].write(b"x" * 2**25)
    if {unlink}: os.unlink(held[-1].name)
"""


@pytest.mark.parametrize("place", [".", "/tmp", "/dev/shm", "/home/student"])
@pytest.mark.parametrize("unlink", [False, True], ids=["kept", "deleted and held open"])
def test_a_full_disk_is_an_error_in_the_cell_and_the_notebook_goes_on(tmp_path, place, unlink):
    limits = replace(LIMITS, disk=200 * MB, scratch=100 * MB)
    one = run(FILL.format(place=place, unlink=unlink), tmp_path, limits)
    assert "No space left on device" in shown(one) and shown(one, 1) == "still here"


def test_a_file_of_a_gigabyte_and_a_million_files_are_refused(tmp_path):
    code = "with open('big', 'wb') as f:\n    for _ in range(1_100): f.write(bytes(2**20))"
    assert "File too large" in said(code, tmp_path)
    assert "No space left" in said("for i in range(10**6): open(str(i), 'w')", tmp_path)


def test_a_million_lines_are_shortened_and_the_notebook_goes_on(tmp_path):
    one = run("for i in range(10**6): print(i)", tmp_path)
    assert not one.dead and len(shown(one)) < 2 * execute.MAX_OUTPUT
    assert shown(one, 1) == "still here"


@pytest.mark.parametrize(
    "code",
    [
        "while True: print('x' * 1000)",
        "from IPython.display import display, HTML\nwhile True: display(HTML('x' * 1000))",
        "from comm import create_comm\nwhile True: create_comm(data={'x': 'x' * 1000})",
    ],
    ids=["text", "displays", "widgets"],
)
def test_a_flood_of_output_ends_the_notebook(tmp_path, code):
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
    monkeypatch.setattr(execute, "MAX_KEPT", 1_000)
    one = run("print('x' * 2_000)", tmp_path)
    assert "left out" in shown(one) and shown(one, 1) == "still here"


def test_a_message_too_large_costs_outputs_and_no_verdict(tmp_path):
    code = "from IPython.display import display\ndisplay({'text/html': 'x' * 10**8}, raw=True)\n"
    one = run(code, tmp_path)
    assert not one.dead and len(shown(one)) < 1_000 and one.reply["status"] == "ok"


# ---------------------------------------------------------------------- side by side

HOSTILE = [
    "import os\nwhile True: os.fork()",
    "import mmap\nm = mmap.mmap(-1, 8 * 2**30)\nfor i in range(0, len(m), 4096): m[i] = 1",
    "while True: print('x' * 1000)",
    "import os\nos.abort()",
]


def _job(code: str, folder: Path) -> tuple[str, str]:
    one = run(code, folder, replace(LIMITS, memory=2 * GB))
    return shown(one), one.dead


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
        kernels.shared(),
        ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool,
    ):
        answers = [*pool.map(_job, codes, folders)]
    assert answers[1::2] == [("15", "")] * len(HOSTILE)
    assert all(dead for _, dead in answers[::2]), answers[::2]


def test_a_worker_gets_its_share_of_the_machines_memory_and_never_too_little(monkeypatch):
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 16 * GB // 4096}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    shares = [sandbox.share(cores).memory / GB for cores in (4, 1)]
    assert shares == [6, pytest.approx(3.6)]
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert sandbox.share(1).memory == 3 * GB


# ---------------------------------------------------------------------- where walls are missing


def test_a_machine_that_forbids_user_spaces_is_named_and_grading_refuses(monkeypatch):
    code = """
from pathlib import Path
from autograder import sandbox
sandbox.own_user({})
Path("/proc/sys/user/max_user_namespaces").write_text("0")
print(*sandbox.missing(), sep=",")"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    names = tuple(done.stdout.strip().split(","))
    assert "own user" in names, done.stderr
    monkeypatch.setattr(sandbox, "missing", lambda: names)
    with pytest.raises(SandboxError, match=r"own user.*--sandbox none"):
        sandbox.require()


def test_without_a_sandbox_a_kernel_is_like_any_other(tmp_path):
    (tmp_path / "answer.txt").write_text("42")
    one = run("open('back.txt', 'w').write(open('answer.txt').read())", tmp_path, None)
    assert not one.dead and (tmp_path / "back.txt").read_text() == "42"


@pytest.mark.parametrize(("cell", "whole"), [(8, 3_600), (600, 3_600), (1_200, 7_200)])
def test_a_notebook_may_take_six_times_as_long_as_a_cell_and_no_less_than_usual(cell, whole):
    limits = sandbox.share(1, cell)
    assert (limits.wall_seconds, limits.cpu_seconds) == (whole, 2 * whole)
