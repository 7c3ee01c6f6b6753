"""Each wall, tried alone from behind it."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import refused
from walls_needed import walls_needed

from autograder.walled import doctor, landlock, levels, linux, probe, readable, seccomp, walls
from autograder.walled.errors import WallError
from autograder.walled.limits import LIMITS
from autograder.walled.request import Walls

pytestmark = [pytest.mark.unit, walls_needed]
HERE = Path(__file__).parent
HOME = "/home/somebody"  # as conftest.py says


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


def test_of_the_machine_only_what_was_named_is_there(said, tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        (folder / "answer.txt").write_text("42")
    paths = [other, other / "answer.txt", HERE, Path.home() / ".ssh", Path.home() / ".bashrc"]
    paths += ["/etc/shadow", "/etc/hostname", "/var", "/boot", "/sys/fs", "/.old"]
    assert said(LOOK.format(paths=[*map(str, paths)]), folder=mine) == ""
    code = "import os; print(open('answer.txt').read(), os.listdir(), os.listdir('/home'))"
    assert said(code, folder=mine) == "42 ['answer.txt'] ['somebody']"


def test_nothing_outside_its_copy_can_be_written_and_nothing_comes_back(said, tmp_path):
    code = """
import glob, os, sys
from pathlib import Path
places = ["/", "/usr", "/etc", "/home", "/dev", "/sys/devices/system", sys.prefix]
places += [os.path.dirname(os.__file__), *glob.glob("/tmp/**/sockets*", recursive=True)]
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
for place in (".", "/tmp", "/home/somebody", "/dev/shm"):
    Path(place, "mine").write_text("x")
print(len(places))"""
    assert int(said(code)) >= 9
    assert list(tmp_path.iterdir()) == []


def test_hidden_folders_are_covered_and_forgotten_modules_are_gone(said):
    package = Path(walls.__file__).parent
    seen = readable.found([*readable.interpreter(), str(package)])
    listing = f"import os; print('walls.py' in os.listdir({str(package)!r}))"
    assert said(listing, readable=seen) == "True"
    code = f"""
import os, sys
print(os.listdir({str(package)!r}), [n for n in sys.modules if n.startswith("autograder")])
import autograder.walled.walls"""
    words = said(code, readable=seen, hidden=(str(package),), forget=("autograder",))
    assert words.startswith("[] []\n") and "ModuleNotFoundError" in words


LOCKED = """
import os, socket, sys
from autograder.walled.landlock import locked_files
from autograder.walled.request import Walls
from autograder.walled.spaces import no_rights
folder, port, name = sys.argv[1:]
request = Walls(folder, folder, {}, home=folder)
no_rights(request)
locked_files(request)
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


def test_the_lock_on_files_addresses_and_signals_holds_alone(tmp_path, mark):
    if (version := landlock.version()) < 6:
        pytest.skip(f"this system's Landlock has version {version}, which locks less")
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        abstract.bind(f"\0{mark}")
        abstract.listen()
        command = [sys.executable, "-c", LOCKED, str(tmp_path)]
        command += [str(tcp.getsockname()[1]), mark]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split() == ["True"] * 6, done.stdout + done.stderr


def test_a_file_of_root_is_run_without_roots_rights(said):
    code = """
import os, subprocess
print(os.getuid(), [line.split()[1] for line in open("/proc/self/status") if line[:3] == "Cap"])
inner = subprocess.run(["grep", "Cap", "/proc/self/status"], capture_output=True, text=True).stdout
print(set(inner.split()[1::2]))
print(subprocess.run(["su", "-c", "id"], capture_output=True, input=b"").returncode != 0)"""
    none = "0" * 16
    assert said(code).splitlines() == [f"1000 {[none] * 5}", f"{ {none} }", "True"]


# ---------------------------------------------------------------------- network


def test_no_address_can_be_reached_not_even_of_this_machine(said, tmp_path, mark):
    code = """
import socket
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
    path = str(tmp_path / "listening")
    (tmp_path / "work").mkdir()
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as file,
    ):
        abstract.bind(f"\0{mark}")
        file.bind(path)
        abstract.listen(), file.listen()
        code = code.format(port=tcp.getsockname()[1], name=mark, path=path)
        assert said(code, folder=tmp_path / "work") == "tried 9 1"


# ---------------------------------------------------------------------- processes and calls


def test_no_other_process_is_seen_or_signalled(said, server):
    code = f"""
import os, signal
print(sorted(int(n) for n in os.listdir("/proc") if n.isdigit()) == [os.getpid()])
for pid in ({os.getpid()}, {server.pid}, -1):
    try:
        os.kill(pid, signal.SIGCONT)
        print("signalled", pid)
    except OSError as error:
        print(error.strerror)"""
    assert said(code).splitlines() == ["True", *["No such process"] * 3]


def test_each_refused_call_is_refused(said):
    code = refused.tried(seccomp.refused())
    code += f"""
new_user, new_process = 0x10000000, 0x11
print(libc.syscall({linux.number("clone")}, new_user | new_process, 0, 0, 0, 0))
print(libc.syscall({linux.number("clone3")}, 0, 0), ctypes.get_errno() == errno.ENOSYS)"""
    assert said(code).splitlines() == ["-1", "-1 True"]


def test_a_call_by_the_second_table_of_numbers_ends_the_process(ask):
    one = ask("import ctypes\nprint(1)\nctypes.CDLL(None).syscall(0x40000000 + 39)\nprint(2)")
    assert one.text == "1" and one.process.returncode == -signal.SIGSYS


def test_sockets_hold_no_more_of_the_systems_memory_than_they_hold_at_first(said):
    code = """
import socket
one, _ = socket.socketpair()
try:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**24)
except PermissionError as error:
    print(error.strerror)"""
    assert said(code) == "Operation not permitted"


def test_a_process_whose_name_is_no_text_is_counted_and_ends_with_its_keeper(ask):
    code = """
import ctypes, time
libc = ctypes.CDLL(None)
libc.prctl(15, bytes([255, 41, 10, 40]))
print(libc.prctl(1, 0))
time.sleep(60)"""
    one = ask(code, replace(LIMITS, wall_seconds=1))
    assert one.text == "-1" and one.reason == "The process took longer than 1 seconds."


def test_nothing_stays_behind(said, tmp_path, mark):
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
threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
shared_memory.SharedMemory("{mark}", create=True, size=1000)
one = socket.socket(socket.AF_UNIX); one.bind("{mark}"); one.listen()
print(len([n for n in os.listdir("/proc") if n.isdigit()]))"""
    assert int(said(code).splitlines()[0]) >= 3
    left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if mark.encode() in _bytes(p)]
    assert left == [] and not Path("/dev/shm", mark).exists() and not any(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look at it from there")
def test_a_keeper_takes_no_number_of_its_sandbox_for_a_process_of_its_own(started):
    code = "import os, time\nif os.fork(): print('forked', flush=True)\ntime.sleep(60)"
    with started(code) as (process, words):
        assert words.readline() == b"forked\n"
        root = f"/proc/{process.pid}/root"
        look = "import os, sys; from autograder.walled import processes; os.chroot(sys.argv[1]); "
        look += "os.chdir('/'); print([*processes._children(1)])"
        command = [sys.executable, "-c", look, root]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


# ---------------------------------------------------------------------- where walls are missing


def test_a_wall_that_cannot_be_built_is_a_sentence_of_its_own_kind(ask, tmp_path):
    nowhere = tmp_path / "nowhere"
    with pytest.raises(WallError) as caught:
        ask("print(1)", folder=nowhere, advice="ask somebody")
    words = str(caught.value)
    assert words.startswith("This machine cannot build the sandbox's wall 'own files' (")
    assert words.endswith("): ask somebody.") and "\n" not in words


FORBIDDEN = """
import os, subprocess, sys, tempfile
from pathlib import Path
from autograder.walled import client, request, server, spaces, walls
spaces.own_user(None)
Path("/proc/sys/user/max_user_namespaces").write_text("0")
print(*walls.missing(), sep=",")
one = server.Server("preloaded", settings={"PYTHONPATH": sys.argv[2]})
asked = request.Walls("/tmp", "/tmp", {}, advice="ask somebody").plain()
process = client.Process(one.address, "os:abort", {}, environment={}, folder="/", walls=asked)
try:
    process.wait_ready()
except walls.WallError as error:
    print(error)
one.close()
command = [sys.executable, "-c", "from walls_needed import walls_needed; print(walls_needed.args)"]
for wanted in ("0", "1"):
    more = {"PYTHONPATH": f"{os.path.dirname(sys.argv[1])}:{sys.argv[2]}", "REQUIRE_WALLS": wanted}
    print(subprocess.run(command, env=os.environ | more, text=True, stderr=-2, stdout=-1).stdout)
"""


def test_a_machine_that_forbids_user_namespaces_is_named_and_tests_fail_if_they_must_not_skip(path):
    done = subprocess.run(
        [sys.executable, "-c", FORBIDDEN, str(HERE), path], capture_output=True, text=True
    )
    names, asked, skipped, failed = done.stdout.strip().split("\n", 3)
    lacking = "own user,no network,own ipc,own processes,own mounts,own files"
    assert names == lacking, done.stderr  # and each other one stands, tried on its own
    assert asked.startswith("This machine cannot build the sandbox's wall 'own user' (")
    assert asked.endswith("): ask somebody.")
    assert skipped == "(True,)" and "WallError: This machine cannot build" in failed


ROOT = """
import json, subprocess, sys
from pathlib import Path
from autograder.walled import linux
linux.unshare(linux.CLONE_NEWUSER)
for name, words in (("setgroups", "deny"), ("uid_map", "0 {0} 1"), ("gid_map", "0 {1} 1")):
    Path("/proc/self", name).write_text(words.format(*map(int, sys.argv[1:])))
Path("/proc/sys/user/max_user_namespaces").write_text("0")
code = "from autograder.walled import levels, probe; print(probe.found().level); "
code += "levels.own_user(None)"
print(subprocess.run([sys.executable, "-c", code], text=True, stderr=-2, stdout=-1).stdout)
"""


def test_root_that_may_enter_the_other_namespaces_needs_no_user_namespace():
    command = [sys.executable, "-c", ROOT, str(os.geteuid()), str(os.getegid())]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split() == ["namespaces"], done.stderr


def test_what_is_missing_is_said_in_one_sentence_with_the_advice(monkeypatch):
    weakest = [*levels.LEVELS[-1]]
    errors = {levels.named(wall): "" for wall in levels.every()}
    errors |= {levels.named(wall): "not here" for wall in weakest[:2]}
    monkeypatch.setattr(probe, "found", lambda places: probe.Found(errors))
    with pytest.raises(WallError) as caught:
        walls.require("ask somebody")
    names = ", ".join(levels.named(wall) for wall in weakest[:2])
    said = f"This machine cannot build 2 of the sandbox's walls ({names})"
    assert str(caught.value) == f"{said}: ask somebody."


def test_another_system_has_none_of_the_walls(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    found = probe._found.__wrapped__(())
    assert set(found.errors) == {levels.named(wall) for wall in levels.every()}
    assert all(found.errors.values()) and found.level == ""
    said = [*doctor.report(found)]
    assert said[0] == "darwin." and "refuses" in said[-1] and "Linux" in said[2]


def test_without_libseccomp_the_walls_that_need_it_are_missing_and_no_others():
    code = "import sys; sys.modules['pyseccomp'] = None; from autograder.walled import probe; "
    command = [sys.executable, "-c", code + "probe.main()"]
    said = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    found = probe.Found(dict(map(json.loads, said)))
    lacking = ("own files", "locked files", "fewer calls", "counted calls")
    assert found.missing("namespaces") == lacking
    report = "\n".join(doctor.report(found))
    assert report.count("install libseccomp 2.5.2") >= 4 and "own user             stands" in report


def test_a_wall_that_needs_another_one_is_never_tried_without_it(monkeypatch):
    """Otherwise root would change the machine's own file tree."""

    def refused(request: Walls) -> None:
        raise PermissionError(1, "not here")

    monkeypatch.setattr(probe, "NEEDS", {**levels.NEEDS, levels.own_files: (refused,)})
    one = levels.Level("namespaces", (refused,), (levels.own_files,))
    monkeypatch.setattr(levels, "LEVELS", (one,))
    said = dict(probe.try_all([]))
    assert said == {"refused": "not here", "own files": "it needs the wall 'refused'"}
