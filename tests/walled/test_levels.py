"""The levels without namespaces, each tried from behind it on this machine."""

import os
import signal
import socket
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import refused

from autograder.walled import folders, levels, linux, readable, seccomp, stricter, users
from autograder.walled.errors import WallError
from autograder.walled.limits import GB, LIMITS
from autograder.walled.request import OWN_USERS, SAME_USER

MB = 2**20


@pytest.fixture(params=[OWN_USERS, SAME_USER])
def level(request, opened) -> str:
    if names := opened.found.missing(request.param):
        why = opened.found.errors[names[0]]
        pytest.skip(f"this machine cannot build {', '.join(names)} ({why})")
    return request.param


@pytest.fixture
def inside(ask, opened, level):
    """``inside(code)`` runs code behind the walls of this level."""

    def run(code, *more, **named):
        return ask(code, *more, address=opened.server.address, level=level, **named)

    return run


@pytest.fixture
def said(inside):
    """``said(code)`` gives what the code prints there; it must survive it."""

    def run(code, **more):
        one = inside(code, **more)
        assert one.process.returncode == 0, one.reason or one.text
        return one.text

    return run


@pytest.fixture
def outside(tmp_path_factory) -> Path:
    """A folder beside the working folder, open to everybody, with a file that anyone may change."""
    place = tmp_path_factory.mktemp("outside")
    open_to_all(place)
    place.chmod(0o777)
    (place / "marks").write_text("100")
    (place / "marks").chmod(0o666)
    return place


def open_to_all(place: Path) -> None:
    """Let other users enter a folder, and read what is in it."""
    for folder in (place, *place.parents):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o005)


# ---------------------------------------------------------------------- files

FILES = """
import os
from pathlib import Path
place = Path({place!r})
tries = [lambda: (place / "marks").read_text(), lambda: os.listdir(place),
         lambda: (place / "marks").write_text("0"), lambda: (place / "new").write_text("0"),
         lambda: os.truncate(place / "marks", 0), lambda: os.unlink(place / "marks"),
         lambda: os.rename(place / "marks", "marks"), lambda: os.link(place / "marks", "marks"),
         lambda: os.symlink(place, "way") or os.listdir("way"), lambda: os.mkdir(place / "new"),
         lambda: os.mkfifo(place / "new"), lambda: open("/proc/self/cwd/way/marks"),
         lambda: os.listdir("/tmp"), lambda: os.listdir("/root"), lambda: open("/etc/passwd"),
         lambda: os.setxattr(place / "marks", "user.mine", b"0")]
for number, one in enumerate(tries):
    try:
        print("did", number, one())
    except OSError as error:
        print(error.errno in (1, 13, 18, 95))
"""


def test_no_file_outside_is_read_changed_or_moved(said, outside):
    tries = said(FILES.format(place=str(outside)))
    assert tries.split() == ["True"] * 16
    assert [(p.name, p.read_text()) for p in outside.iterdir()] == [("marks", "100")]


def test_the_owner_of_a_file_outside_and_its_time_stay(said, outside):
    file = outside / "marks"
    before = file.stat()
    code = f"""
import os
for one in (lambda: os.chmod({str(file)!r}, 0), lambda: os.utime({str(file)!r}, (1, 1)),
            lambda: os.chown({str(file)!r}, 1, 1)):
    try:
        one()
    except OSError:
        pass"""
    said(code)
    after = file.stat()
    assert (after.st_mode, after.st_mtime, after.st_uid) == (
        before.st_mode,
        before.st_mtime,
        before.st_uid,
    )


def test_its_own_folders_are_writable_and_nothing_comes_back(said, tmp_path):
    (tmp_path / "answer.txt").write_text("42")
    code = """
import os, subprocess, sys, tempfile
open("answer.txt", "a").write("!")
open(os.path.expanduser("~/kept"), "w").write("x")
with tempfile.NamedTemporaryFile() as file:
    file.write(b"x")
print(open("answer.txt").read(), os.listdir(), os.environ["HOME"] != "/home/somebody")
os.chmod("answer.txt", 0o600)
print(subprocess.run([sys.executable, "-c", "print(open('answer.txt').read())"],
      capture_output=True, text=True).stdout)"""
    environment = {"HOME": "/home/somebody", "TMPDIR": "/tmp"}
    text = said(code, environment=environment)
    assert text.split() == ["42!", "['answer.txt']", "True", "42!"]
    assert (tmp_path / "answer.txt").read_text() == "42"


def test_of_a_hidden_folder_only_names_are_seen(said):
    package = Path(users.__file__).parent
    seen = readable.found([*readable.interpreter(), str(package.parent)])
    code = f"""
try:
    print(open({str(package / "users.py")!r}).read())
except OSError as error:
    print(error.strerror)
print(len(open({str(package.parent / "cli.py")!r}).read()) > 100)"""
    assert said(code, readable=seen, hidden=(str(package),)) == "Permission denied\nTrue"


def test_what_was_named_for_the_home_folder_is_found_there(said, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    open_to_all(kept)
    (kept / "mnist").write_text("images")
    seen = readable.found(readable.interpreter()) | {"/home/somebody/.keras/data": str(kept)}
    work = tmp_path / "work"
    work.mkdir()
    code = "import os; print(open(os.path.expanduser('~/.keras/data/mnist')).read())"
    assert (
        said(code, readable=seen, folder=work, environment={"HOME": "/home/somebody"}) == "images"
    )


# ---------------------------------------------------------------------- processes and addresses

OTHERS = """
import ctypes, os, resource, signal
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
for pid in {pids}:
    for one in (lambda: os.kill(pid, 0), lambda: os.kill(pid, signal.SIGCONT),
                lambda: open(f"/proc/{{pid}}/mem", "rb").read(1),
                lambda: open(f"/proc/{{pid}}/environ", "rb").read(1),
                lambda: open(f"/proc/{{pid}}/cmdline", "rb").read(1),
                lambda: os.readlink(f"/proc/{{pid}}/exe"),
                lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (50, 50)),
                lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
                lambda: os.setpriority(os.PRIO_USER, 0, 19),
                lambda: os.sched_setaffinity(pid, {{0}}),
                lambda: call({ptrace}, 0x4206, pid, 0, 0),
                lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 0)):
        try:
            print("did", pid, one())
        except OSError as error:
            print(error.errno in (1, 3, 13))
    os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))
"""


def test_no_other_process_is_signalled_read_or_slowed(said, opened, inside):
    answers = {}
    quiet = "import os, time; print(os.getpid(), flush=True); time.sleep(5)"
    if level_of(inside) == OWN_USERS:  # beside another sandbox
        beside = threading.Thread(target=lambda: answers.update(one=inside(quiet)))
        beside.start()
        time.sleep(1)
        pids = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _spare(pid)]
        assert pids
    else:
        pids = []
    pids += [os.getpid(), opened.server.pid]
    text = said(OTHERS.format(pids=pids, ptrace=linux.number("ptrace")))
    assert set(text.split()) == {"True"} and len(text.split()) == 12 * len(pids)
    assert [os.sched_getscheduler(pid) for pid in pids] == [os.SCHED_OTHER] * len(pids)
    if answers or level_of(inside) == OWN_USERS:
        beside.join()
        assert answers["one"].process.returncode == 0


def level_of(run) -> str:
    return run.__closure__[[*run.__code__.co_freevars].index("level")].cell_contents


def _spare(pid: int) -> bool:
    return users._owner(pid) > 60_000


ADDRESSES = """
import os, socket
stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
def mail():
    one, _ = socket.socketpair(socket.AF_UNIX, datagram)
    one.sendto(b"x", {mailbox!r})
tries = [lambda: socket.create_connection(("127.0.0.1", {port})),
         lambda: socket.socket(socket.AF_INET, datagram),
         lambda: socket.socket(socket.AF_INET6), lambda: socket.socket(socket.AF_NETLINK, 3, 0),
         lambda: socket.socket(socket.AF_UNIX, stream).connect({path!r}),
         lambda: socket.socket(socket.AF_UNIX, stream).connect(chr(0) + {name!r}),
         lambda: socket.socket(socket.AF_UNIX, datagram), mail]
for number, one in enumerate(tries):
    try:
        print("reached", number, one())
    except OSError as error:
        print(error.errno in (1, 13))
one, other = socket.socketpair()
one.send(b"own"); print(other.recv(9).decode())
"""


def test_no_socket_of_others_is_reached_in_any_way(said, outside, mark):
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as file,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mailbox,
    ):
        abstract.bind(f"\0{mark}")
        file.bind(str(outside / "socket"))
        mailbox.bind(str(outside / "mailbox"))
        abstract.listen(), file.listen()
        for one in ("socket", "mailbox"):
            (outside / one).chmod(0o777)
        code = ADDRESSES.format(
            port=tcp.getsockname()[1],
            name=mark,
            path=str(outside / "socket"),
            mailbox=str(outside / "mailbox"),
        )
        assert said(code).split() == [*["True"] * 8, "own"]


def test_each_refused_call_is_refused(said):
    code = refused.tried([*seccomp.refused(), *" ".join(stricter.REFUSED.values()).split()])
    code += f"""
for number in {stricter._NEW}:
    print(libc.syscall(number, 0, 0, 0, 0, 0), ctypes.get_errno() == errno.ENOSYS)"""
    assert said(code).splitlines() == ["-1 True"] * len(stricter._NEW)


def test_it_has_no_rights_and_a_user_of_its_own_where_there_is_one(said, level):
    code = """
import os
print(os.getuid(), os.getgroups(), os.geteuid() == os.getuid())
print({line.split()[1] for line in open("/proc/self/status") if line[:6] in ("CapPrm", "CapEff")})
print(os.system("su -c true root </dev/null >/dev/null 2>&1") != 0)"""
    user, rights, su = said(code).splitlines()
    assert rights == str({"0" * 16}) and su == "True"
    if level == OWN_USERS:
        assert int(user.split()[0]) > 60_000 and user.split()[1:] == ["[]", "True"]


# ---------------------------------------------------------------------- what is left

LEFT = """
import os, socket, sys, time
for name in ("closed", "deep"):
    os.mkdir(name)
os.mkdir("closed/a"); open("closed/a/b", "w").write("x")
os.mkdir("shut", 0o300); open("shut/c", "w").write("x")
os.chdir("deep")
for _ in range(300):
    os.mkdir("d"); os.chdir("d")
try:
    open("/dev/shm/{mark}", "w").write("x")
except OSError:
    pass
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 1), os.dup2(null, 2)
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(300)", "{mark}"])
    os._exit(0)
os.wait()
time.sleep(0.5)
print(os.getppid())
"""


def test_nothing_stays_behind(said, tmp_path, mark):
    said(LEFT.format(mark=mark))
    assert nothing_is_left(mark) and not any(tmp_path.iterdir())


def nothing_is_left(mark: str) -> bool:
    """The keeper tidies up after it has told how the process ended."""
    deadline = time.monotonic() + 10
    while _places() and time.monotonic() < deadline:
        time.sleep(0.1)
    return not _running(mark) and not Path("/dev/shm", mark).exists() and not _places()


def _running(mark: str) -> list[Path]:
    return [p for p in Path("/proc").glob("[0-9]*/cmdline") if mark.encode() in _bytes(p)]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _places() -> list[str]:
    return [p.name for p in Path("/tmp", f"walls-{os.geteuid()}").iterdir() if p.is_dir()]


def test_a_user_is_given_again_only_after_its_processes_and_files_are_gone(inside, said, mark):
    if level_of(inside) != OWN_USERS:
        pytest.skip("only that level has users")
    code = LEFT.format(mark=mark) + "import signal\nos.kill(os.getppid(), 0)"
    answers = {}
    asking = threading.Thread(target=lambda: answers.update(one=inside(code + "\ntime.sleep(60)")))
    asking.start()
    deadline = time.monotonic() + 20
    while not (left := _running(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    keeper = _parent(int(left[0].parent.name))  # it adopts orphans
    os.kill(keeper, signal.SIGKILL)  # so that it tidies up nothing
    asking.join()
    assert users._owner(int(left[0].parent.name)) > 60_000, "it is there"
    said("pass")
    assert nothing_is_left(mark)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])


def test_one_sandbox_of_the_same_user_waits_for_the_one_before(inside):
    if level_of(inside) != SAME_USER:
        pytest.skip("only that level has one at a time")
    code = "import time; print(time.time()); time.sleep(1.5); print(time.time())"
    found = []
    asking = [threading.Thread(target=lambda: found.append(inside(code))) for _ in range(2)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    first, second = sorted([*map(float, one.text.split())] for one in found)
    assert first[1] <= second[0]


# ---------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("code", "limits", "words"),
    [
        ("while True: os.fork()", LIMITS, "started more than 32 processes"),
        ("os.fork()\nwhile True: pass", replace(LIMITS, cpu_seconds=1), "computed for more than 1"),
        ("time.sleep(60)", replace(LIMITS, wall_seconds=1), "took longer than 1"),
        (
            "m = mmap.mmap(-1, 2**31)\nfor i in range(0, len(m), 4096): m[i] = 1\ntime.sleep(60)",
            replace(LIMITS, memory=GB // 4),
            "more than 0.2 GB of memory",
        ),
        (
            "for i in range(9):\n    open(str(i), 'wb').write(bytes(2**24))\ntime.sleep(60)",
            replace(LIMITS, disk=64 * MB),
            "more than 0.1 GB of the disk",
        ),
        (
            "held = []\nfor i in range(9):\n    held.append(open('x', 'wb'))\n"
            "    held[-1].write(bytes(2**24)); os.unlink('x')\ntime.sleep(60)",
            replace(LIMITS, disk=64 * MB),
            "more than 0.1 GB of the disk",
        ),
        (
            "for i in range(10**6): open(str(i), 'w').close()",
            replace(LIMITS, files=500),
            "made more than 500 files",
        ),
        (
            "h = [open('/dev/null') for _ in range(90)]\n[os.fork() for _ in range(3)]\n"
            "time.sleep(60)",
            replace(LIMITS, opened=400),
            "opened more than 400 files",
        ),
    ],
    ids=["forks", "computing", "time", "memory", "disk", "unlinked", "files", "opened"],
)
def test_each_limit_ends_it_with_a_sentence(inside, code, limits, words):
    one = inside("import mmap, os, time\n" + code, limits)
    assert words in one.reason, one.text


# ---------------------------------------------------------------------- without a server


def test_a_folder_of_any_shape_is_removed(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    (place / "link").symlink_to(tmp_path)
    (tmp_path / "kept").write_text("x")
    here = os.open(".", os.O_PATH)
    try:
        os.chdir(place)
        for _ in range(2_200):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.fchdir(here)
        os.close(here)
    (place / "shut").mkdir()
    (place / "shut" / "a").write_text("x")
    (place / "shut").chmod(0)
    assert folders.held(str(place), 10_000).files > 10_000  # what no path leads to is too much
    folders.remove(str(place))
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_a_place_that_somebody_else_has_made_is_refused(tmp_path, monkeypatch):
    from autograder.walled import stay

    (tmp_path / "theirs").mkdir()
    (tmp_path / f"walls-{os.geteuid()}").symlink_to(tmp_path / "theirs")
    with pytest.raises(PermissionError, match="folder of yours"):
        stay._registry(str(tmp_path))


def test_an_ordinary_user_gets_no_user_of_its_own(monkeypatch, tmp_path):
    from autograder.walled import walls
    from autograder.walled.request import Walls

    monkeypatch.setattr(linux, "has_capability", lambda number: False)
    with pytest.raises(WallError, match=r"level 'own users' \(.*only root"):
        walls.begun(Walls(str(tmp_path), str(tmp_path), {}, level=OWN_USERS))


def test_each_level_needs_less_than_the_one_before():
    names = [{levels.named(wall) for wall in level} for level in levels.LEVELS]
    assert [level.name for level in levels.LEVELS] == ["namespaces", "own users", "same user"]
    assert "own uid" in names[1] - names[2] and "own signals" in names[2] - names[1]
