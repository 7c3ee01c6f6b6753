"""What Linux counts for a whole user or machine: one sandbox cannot use up another's part.

Each case uses up a count as far as it can and stays; then another sandbox does honest work.
"""

import resource

import pytest
from walls_needed import walls_needed

from autograder.walled.limits import LIMITS

pytestmark = [pytest.mark.unit, walls_needed]

BEGIN = """
import ctypes, errno, fcntl, os, select, signal, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def until_refused(call, most=20_000):
    for number in range(most):
        try:
            call()
        except OSError as error:
            print(number, errno.errorcode[error.errno])
            return
    print(most, "none")
def called(name, *arguments):
    ctypes.set_errno(0)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
kept = []
"""
STAY = "\nprint('full')\ntime.sleep(60)"

SEND = """
file = os.open("/dev/null", os.O_RDONLY)
def send():
    kept.append(socket.socketpair())
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("250i", *[file] * 250))]
    kept[-1][0].sendmsg([b"x"], rights)
until_refused(send)
"""
SEND_ONE = SEND.replace("250i", "1i").replace("* 250", "* 1")
CONTEXTS = """
def setup():
    context = ctypes.c_ulong()
    called("syscall", 206 if os.uname().machine == "x86_64" else 0, 60_000, ctypes.byref(context))
until_refused(setup)
"""
WATCHED = """
watch, files = select.epoll(), [os.open("/dev/null", os.O_RDONLY)]
def add():
    one, two = socket.socketpair()
    for place in range(100, 900):  # an epoll instance tells numbers and files apart, not files
        os.dup2(one.fileno(), place)
        watch.register(place, select.EPOLLIN)
    kept.append((one.detach(), two.detach()))
until_refused(add)
"""
LARGE_PIPE = "until_refused(lambda: fcntl.fcntl(os.pipe()[0], 1031, 2**20))"
NAMED_PIPES = "until_refused(lambda: os.mkfifo('a' + str(len(kept))))"
LOCKS = """
held = open("held", "wb")
def lock():
    kept.append(0)
    fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 2 * (20_000 - len(kept)))
until_refused(lock)
"""
LEASE = "until_refused(lambda: fcntl.fcntl(os.open('/etc/passwd', 0), 1024, fcntl.F_RDLCK))"
TIMERS = """
def timer():
    kept.append(ctypes.c_void_p())
    called("timer_create", 1, None, ctypes.byref(kept[-1]))
until_refused(timer)
"""
SIGNALS = """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
value = ctypes.c_void_p(1)
until_refused(lambda: called("sigqueue", os.getpid(), signal.SIGRTMIN, value))
"""
TERMINALS = "until_refused(lambda: kept.append(os.openpty()))"
LOCKED_MEMORY = """
import mmap
def lock():
    kept.append(mmap.mmap(-1, 2**16))
    start = ctypes.addressof(ctypes.c_char.from_buffer(kept[-1]))
    called("mlock", ctypes.c_void_p(start), ctypes.c_size_t(2**16))
until_refused(lock)
"""
HUGE = """
import mmap
until_refused(lambda: kept.append(mmap.mmap(-1, 2**21, mmap.MAP_PRIVATE | 0x20 | 0x40000)))
"""
PROGRAMS = """
one, _ = socket.socketpair()
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0xFFFF) * 4_000)
head = struct.pack("HxxxxxxP", 4_000, ctypes.addressof(code))
until_refused(lambda: one.setsockopt(socket.SOL_SOCKET, 26, head))
"""
FILTERS = """
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7FFF0000))
head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 1, ctypes.addressof(code)))
until_refused(lambda: called("prctl", 22, 2, head, 0, 0))
"""
INSTANCES = "until_refused(lambda: called('inotify_init'))"
QUEUES = "until_refused(lambda: called('mq_open', b'/one', 0o102, 0o600, None))"
SEMAPHORES = "until_refused(lambda: called('semget', 0, 1, 0o1600))"
KEYS = """
until_refused(lambda: called("syscall", 248 if os.uname().machine == "x86_64" else 217,
                             b"user", str(len(kept)).encode(), b"x", 1, -3))
"""
USERS = "until_refused(lambda: called('unshare', 0x10000000))"
THREADS_WITH_FILES = """
flags = 0x10000 | 0x800 | 0x100 | 0x200  # CLONE_THREAD and what it needs, without CLONE_FILES
number = 56 if os.uname().machine == "x86_64" else 220
until_refused(lambda: called("syscall", number, flags, 0, 0, 0, 0))
"""
HIDDEN = "until_refused(lambda: called('prctl', 4, 0, 0, 0, 0))"

CASES = {  # the code, how often it may succeed, and the error then
    "open files in flight, many at a time": (SEND, 1, "ETOOMANYREFS"),
    "open files in flight, one at a time": (SEND_ONE, LIMITS.sent, "ETOOMANYREFS"),
    "contexts of asynchronous I/O": (CONTEXTS, 0, "ENOSYS"),
    "files that epoll watches": (WATCHED, LIMITS.opened // 800, "ENOSPC"),
    "large pipes": (LARGE_PIPE, 0, "EPERM"),
    "named pipes": (NAMED_PIPES, 0, "EPERM"),
    "locked ranges": (LOCKS, LIMITS.locks, "ENOLCK"),
    "leases": (LEASE, 0, "EINVAL"),
    "timers": (TIMERS, LIMITS.signals, "EAGAIN"),
    "pending signals": (SIGNALS, LIMITS.signals, "EAGAIN"),
    "terminals": (TERMINALS, 32, "ENOSPC"),
    "locked memory": (LOCKED_MEMORY, 16, "ENOMEM"),
    "huge pages": (HUGE, 0, "ENOMEM"),
    "programs in sockets": (PROGRAMS, 0, "EPERM"),
    "filters": (FILTERS, 0, "EINVAL"),
    "inotify": (INSTANCES, 0, "EPERM"),
    "message queues": (QUEUES, 0, "EPERM"),
    "semaphores": (SEMAPHORES, 0, "EPERM"),
    "keys": (KEYS, 0, "EPERM"),
    "user namespaces": (USERS, 0, "EPERM"),
    "threads with files of their own": (THREADS_WITH_FILES, 0, "EPERM"),
    "processes that hide": (HIDDEN, 0, "EPERM"),
}

HONEST = """
import asyncio, fcntl, multiprocessing, os, pty, select, signal, socket, sqlite3, subprocess, sys
import threading
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(abs, range(-2, 1)))
async def talk():
    async def echo(reader, writer):
        writer.writelines([await reader.readline(), b"end"])
        await writer.drain()
        writer.close()
    async with await asyncio.start_unix_server(echo, "socket"):
        reader, writer = await asyncio.open_unix_connection("socket")
        writer.write(b"hello\\n")
        return await reader.read()
print(asyncio.run(talk()))
one, two = socket.socketpair()
socket.send_fds(one, [b"file"], [os.open("/dev/null", os.O_RDONLY), 2])
words, files, _, _ = socket.recv_fds(two, 10, 4)
print(words, len(files), os.read(files[0], 1))
with sqlite3.connect("base.db") as base:
    base.execute("create table t (x)")
print(subprocess.run("echo $((6 * 7)) | cat", shell=True, capture_output=True, text=True).stdout)
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("echo", ["echo", "terminal"])
print(os.read(terminal, 20))
signal.setitimer(signal.ITIMER_REAL, 60)
thread = threading.Thread(target=print, args=("thread",))
thread.start()
thread.join()
"""
WORKS = [
    *("[2, 1, 0]", r"b'hello\nend'", "b'file' 2 b''", "42", "", r"b'terminal\r\n'", "thread"),
]


@pytest.mark.parametrize("case", CASES)
def test_no_sandbox_uses_up_what_another_one_needs(started, said, case):
    code, most, error = CASES[case]
    with started(BEGIN + code + STAY) as (process, words):
        times, name = words.readline().decode().split()
        rest = words.readline().decode()
        assert (name, rest) == (error, "full\n") and int(times) <= most, process.reason
        assert said(HONEST).splitlines() == WORKS
        assert process.poll() is None


def test_too_many_pipes_end_the_process(ask):
    code = """
import os, time
os.fork(), os.fork()
kept = [os.pipe() for _ in range(150)]
time.sleep(60)"""
    assert ask(code).reason == "The process opened more than 512 pipes."


def test_a_signal_does_not_end_a_call_that_waits_for_its_keeper(said):
    code = """
import select, signal, socket, subprocess
said = set()
for _ in range(40):
    said.add(subprocess.run("echo 1 | cat | cat", shell=True, capture_output=True).stdout)
print(said)
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
one, two = socket.socketpair()
for _ in range(2_000):
    one.sendmsg([b"x"]), two.recv(1)
print("sent")"""
    assert said(code).splitlines() == [r"{b'1\n'}", "sent"]


def test_several_sandboxes_that_send_files_leave_others_and_this_process_enough(started, said):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with started(BEGIN + SEND_ONE + STAY) as one, started(BEGIN + SEND_ONE + STAY) as two:
        for _, words in (one, two):
            assert words.readline() and words.readline() == b"full\n"
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[0]), before[1]))
        try:
            assert said(HONEST).splitlines() == WORKS
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_multiprocessing_sends_files_and_a_forkserver_starts(said):
    code = """
import multiprocessing, os
context = multiprocessing.get_context("forkserver")
with context.Pool(2) as pool:
    print(pool.map(abs, range(-3, 0)))"""
    assert said(code) == "[3, 2, 1]"


def test_a_sender_waits_until_somebody_reads(said):
    code = """
import socket, threading, time
one, two = socket.socketpair()
def read():
    time.sleep(0.3)
    got = 0
    while got < 5_000_000:
        got += len(two.recv(100_000))
    print(got)
reader = threading.Thread(target=read)
reader.start()
data = memoryview(bytes(5_000_000))
while data:
    data = data[one.sendmsg([data[:100_000], data[100_000:150_000]]):]
reader.join()
one.setblocking(False)
try:
    while True: one.sendmsg([bytes(100_000)])
except BlockingIOError:
    print("would wait")"""
    assert said(code).splitlines() == ["5000000", "would wait"]


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("one.sendmsg([b'x'], [(1, 1, struct.pack('i', 999))])", "EBADF"),
        ("one.sendmsg([b'x'], [(1, 1, struct.pack('i', watch.fileno()))])", "EPERM"),
        ("one.sendmsg([b'x'], [(1, 2, struct.pack('3i', 1, 0, 0))])", "EPERM"),
        ("one.sendmsg([b'x'], [], 0, 'there')", "EPERM"),
        ("called('sendmsg', one.fileno(), ctypes.c_void_p(8), 0)", "EFAULT"),
        ("called('sendmsg', 999, message(), 0)", "EBADF"),
        ("called('sendmsg', 0, message(), 0)", "ENOTSOCK"),
        ("called('sendmsg', one.fileno(), message(control=b'x' * 16, size=16), 0)", "EINVAL"),
        ("called('sendmsg', one.fileno(), message(size=10**9), 0)", "EMSGSIZE"),
        ("two.close(); one.sendmsg([b'x'])", "EPIPE"),
    ],
)
def test_a_message_that_cannot_be_sent_fails_as_the_call_would(said, what, error):
    code = f"""
def message(control=b"", size=0):
    held = ctypes.create_string_buffer(control, 64)
    kept.append(held)
    return ctypes.create_string_buffer(
        struct.pack("QIxxxxQQQQi", 0, 0, 0, 0, ctypes.addressof(held), size, 0), 56)
one, two = socket.socketpair()
watch = select.epoll()
try:
    {what}
except OSError as error:
    print(errno.errorcode[error.errno])"""
    assert said(BEGIN + code) == error
