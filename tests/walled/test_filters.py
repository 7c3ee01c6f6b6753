"""The filters of system calls, run in the simple machine that the kernel runs them in."""

import errno
import struct
from pathlib import Path

import pytest

from autograder.walled import linux, seccomp

pytestmark = pytest.mark.unit

try:
    library = linux.seccomp()
except OSError as missing:
    pytest.skip(str(missing), allow_module_level=True)

ARCHITECTURES = {"x86_64": library.Arch.X86_64, "aarch64": library.Arch.AARCH64}
ALLOWED, ASKED, KILLED = library.ALLOW, library.NOTIFY, library.KILL_PROCESS
REFUSED, ABSENT = library.ERRNO(errno.EPERM), library.ERRNO(errno.ENOSYS)
INVALID = library.ERRNO(errno.EINVAL)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "sandbox.md"


def judged(code: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What a filter says to a call (classic BPF, as far as libseccomp uses it)."""
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<iIQ6Q", number, architecture, 0, *words)
    lines, at, value = [*struct.iter_unpack("<HBBI", code)], 0, 0
    compare = {0x15: int.__eq__, 0x25: int.__gt__, 0x35: int.__ge__, 0x45: int.__and__}
    while True:
        what, yes, no, k = lines[at]
        at += 1
        if what == 0x20:
            value = struct.unpack_from("<I", data, k)[0]
        elif what == 0x54:
            value &= k
        elif what == 0x05:
            at += k
        elif what == 0x06:
            return k
        else:
            at += yes if compare[what](value, k) else no


@pytest.fixture(params=ARCHITECTURES)
def few(request):
    """``few(name, *arguments)``: what `fewer_calls` says on this architecture."""
    return _judge(seccomp._few, ARCHITECTURES[request.param])


@pytest.fixture(params=ARCHITECTURES)
def asking(request):
    return _judge(seccomp._asking, ARCHITECTURES[request.param])


@pytest.fixture(params=ARCHITECTURES)
def asking_for_forks(request):
    return _judge(seccomp._asking_for_forks, ARCHITECTURES[request.param])


def _judge(write, architecture):
    code = seccomp.compiled(write, architecture)

    def judge(name: str, *arguments: int) -> int | None:
        number = library.resolve_syscall(architecture, name)
        assert number != -1, f"{name} is no system call"
        return judged(code, architecture, number, *arguments) if number >= 0 else None

    return judge


def test_each_refused_call_is_refused_on_both_architectures(few):
    said = {name: few(name, 1) for name in seccomp.refused()}
    lacks = {name for name, word in said.items() if word is None}
    assert lacks <= {"inotify_init"} and set(said.values()) - {None} == {REFUSED}
    assert {few(name, 1) for name in seccomp.absent()} == {ABSENT}


def test_what_programs_need_is_allowed(few, asking):
    for name in ("read", "write", "openat", "mmap", "execve", "exit_group", "futex", "ioctl"):
        assert few(name, 1, 2, 3) == asking(name, 1, 2, 3) == ALLOWED


HIGH = 1 << 32  # bits of an argument at which the kernel does not look, where it is an int


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (("socket", 1, 1), ALLOWED),
        (("socket", 2, 1), REFUSED),
        (("socket", 40, 1), REFUSED),
        (("setsockopt", 3, 1, 7), REFUSED),
        (("setsockopt", 3, 1, 32), REFUSED),
        (("setsockopt", 3, HIGH + 1, HIGH + 7), REFUSED),
        (("setsockopt", 3, 1, 8), ALLOWED),
        (("setsockopt", 3, 6, 7), ALLOWED),
        (("prctl", 1, 0), REFUSED),
        (("prctl", HIGH + 1, 0), REFUSED),
        (("prctl", 15, 0), ALLOWED),
        (("setsockopt", 3, 1, 26), REFUSED),
        (("setsockopt", 3, 1, HIGH + 50), REFUSED),
        (("socketpair", 1, 1), ALLOWED),
        (("socketpair", 30, 1), REFUSED),
        (("prctl", 4, 0), REFUSED),
        (("prctl", 4, 1), ALLOWED),
        (("prctl", 22, 2), INVALID),
        (("clone", 0x10000011), REFUSED),
        (("clone", 0x00010100), REFUSED),
        (("clone", 0x003D0F00), ALLOWED),
        (("fcntl", 3, 1031, 4096), REFUSED),
        (("fcntl", 3, HIGH + 1024, 0), INVALID),
        (("fcntl", 3, 1026, 0), INVALID),
        (("fcntl", 3, 4, 0), ALLOWED),
        (("mknodat", 3, 0, 0o010600), REFUSED),
        (("mknodat", 3, 0, 0o140600), ALLOWED),
        (("mmap", 0, 4096, 3, 0x40022), library.ERRNO(errno.ENOMEM)),
        (("mmap", 0, 4096, 3, 0x22), ALLOWED),
        (("pipe2", 0, 0o200), library.ERRNO(errno.ENOPKG)),
        (("pipe2", 0, 0o2000000), ALLOWED),
        (("clone", 0x01200011), ALLOWED),
        (("clone3", 0), ABSENT),
    ],
    ids=str,
)
def test_some_calls_are_judged_by_their_arguments(few, call, word):
    assert few(*call) == word


def test_a_new_process_is_asked_for_and_a_new_thread_is_not(asking_for_forks):
    asking = asking_for_forks
    assert asking("clone", 0x01200011) == asking("sendmsg", 3) == ASKED
    assert asking("clone", 0x003D0F00) == ALLOWED  # as the C library makes a thread
    assert {asking("fork"), asking("vfork")} <= {ASKED, None}


def test_where_the_system_bounds_processes_a_new_one_is_not_asked_for(asking):
    assert asking("clone", 0x01200011) == ALLOWED
    assert {asking("fork"), asking("vfork")} <= {ALLOWED, None}


def test_what_is_shared_with_other_sandboxes_is_asked_for(asking):
    for call in (("sendmsg", 3), ("fcntl", 3, 7), ("fcntl", 3, 6), ("fcntl", 3, HIGH + 38)):
        assert asking(*call) == ASKED
    assert asking("epoll_ctl", 3, 1) == ASKED and asking("epoll_ctl", 3, 2) == ALLOWED
    assert asking("fcntl", 3, 5) == asking("sendto", 3) == ALLOWED  # F_GETLK
    assert asking("seccomp", 1) == REFUSED


@pytest.mark.parametrize("write", [seccomp._few, seccomp._asking, seccomp._asking_for_forks])
def test_a_call_of_another_architecture_ends_the_process(write):
    x86, arm = ARCHITECTURES.values()
    i386, x32, getpid = library.Arch.X86, 0x40000000, 39
    assert judged(seccomp.compiled(write, arm), x86, getpid) == KILLED
    for architecture, number in ((arm, getpid), (i386, getpid), (x86, x32 + getpid)):
        assert judged(seccomp.compiled(write, x86), architecture, number) == KILLED


def test_a_name_that_the_library_does_not_know_is_an_error(monkeypatch):
    monkeypatch.setitem(seccomp.REFUSED, "more", "no_such_call")
    monkeypatch.setattr(seccomp, "compiled", seccomp.compiled.__wrapped__)
    with pytest.raises(OSError, match="does not know the system call no_such_call"):
        seccomp.compiled(seccomp._few)
    with pytest.raises(OSError, match="does not know the system call no_such_call"):
        linux.number("no_such_call")


def test_the_document_lists_the_same_calls():
    lines = [line.strip("| ") for line in DOCUMENT.read_text().splitlines()]
    told = {}
    for line in lines:
        why, _, names = line.partition(" | ")
        if why in seccomp.REFUSED | seccomp.ABSENT:
            told[why] = " ".join(names.replace("`", "").replace(",", "").split())
    assert told == seccomp.REFUSED | seccomp.ABSENT
