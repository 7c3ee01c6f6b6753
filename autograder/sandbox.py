"""What a student's process may see and use: one wall after another, built without root on Linux.

A kernel under `Limits` gets, in this order: a user of its own without rights, a network without
addresses, an IPC space and a process space of its own, a tree of files that holds the system, the
Python environment, `helpers`, data sets and its own copy of the submission, and nothing else;
bounds on what it uses; and fewer system calls. `outer` is called in the keeper before it forks,
`inner` in the forked process, `Watch` in the keeper as long as that process lives.

Where a machine cannot build a wall, `require` stops the grading with a sentence that names it;
only ``--sandbox none`` passes. docs/sandbox.md says what each wall keeps out.
"""

import ctypes
import errno
import fcntl
import functools
import os
import platform
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from autograder.course import CourseError
from autograder.warm import TENSORFLOW

GB = 2**30
USER = 1000  # the inner number of the grader's own user, which has no rights there
HOME = "/home/student"


class SandboxError(CourseError):
    """A wall that this machine cannot build; the message is one sentence."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use, from its first cell to its last."""

    memory: int = 6 * GB  # bytes of all its processes together, the loaded libraries included
    processes: int = 32
    # Of all its processes together; TensorFlow and IPython start 20, and three for each core.
    threads: int = 96 + 8 * (os.cpu_count() or 1)
    # Files, pipes and sockets of all its processes together; one of them may open a quarter.
    opened: int = 4_096
    cpu_seconds: int = 7_200  # of all its processes together
    wall_seconds: int = 3_600
    # Files live in memory, so that they are bounded and gone afterwards, whoever holds them open.
    disk: int = GB  # bytes in its copy of the submission
    scratch: int = GB // 2  # bytes in /tmp, its home and /dev/shm, each
    files: int = 20_000  # files and folders in each of these
    output: int = 10_000_000  # characters that one cell may show; most are left out, past it ends


LIMITS = Limits()


def share(cores: int, cell_seconds: int = 0) -> Limits:
    """The usual limits, and of memory what goes with so many of this machine's cores.

    Never less than 3 GB, which every notebook of the course needs at most. Where a cell may take
    ``cell_seconds``, the notebook may take six times as long.
    """
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    fair = int(0.9 * whole * cores / (os.cpu_count() or 1))
    memory = max(3 * GB, min(LIMITS.memory, fair))
    wall, cpu = (max(n, 6 * cell_seconds) for n in (LIMITS.wall_seconds, LIMITS.cpu_seconds // 2))
    return replace(LIMITS, memory=memory, wall_seconds=wall, cpu_seconds=2 * cpu)


def walls(folder: Path, sockets: Path, limits: Limits) -> dict[str, Any]:
    """The request for a sandbox, as plain data.

    ``folder`` is copied into the sandbox, at the same path, and nothing comes back from there;
    ``sockets`` is a folder of both sides.
    """
    places = {"folder": str(Path(folder).resolve()), "sockets": str(Path(sockets).resolve())}
    return {**places, "readable": readable(), "limits": asdict(limits)}


def environment(given: dict[str, str]) -> dict[str, str]:
    """What a sandboxed kernel finds in ``os.environ``: what computing needs, and its own home."""
    prefixes = (*TENSORFLOW, "LC_", "MKL_", "OMP_", "OPENBLAS_")
    names = ("COURSE_PROFILE", "COURSE_DATA", "LANG", "LD_LIBRARY_PATH", "PYTHONHASHSEED", "TZ")
    kept = {k: v for k, v in given.items() if k in names or k.startswith(prefixes)}
    path = os.pathsep.join([f"{sys.prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin"])
    own = {"HOME": HOME, "USER": "student", "LOGNAME": "student", "TMPDIR": "/tmp", "PATH": path}
    return {**kept, **own, "IPYTHONDIR": f"{HOME}/.ipython"}


# ---------------------------------------------------------------------- what may be read

_SYSTEM = (
    "/usr /bin /sbin /lib /lib32 /lib64 /libx32 /etc/ld.so.cache /etc/alternatives /etc/fonts "
    "/etc/localtime /etc/mime.types /etc/nsswitch.conf /etc/ssl/certs /sys/devices/system"
)
_DEVICES = "null zero full random urandom"
_GPU = "/dev/nvidiactl /dev/nvidia-uvm /dev/nvidia-uvm-tools /sys/bus/pci /sys/devices"


def readable() -> dict[str, str]:
    """What a kernel may read: where it finds it, and where it lies."""
    import helpers
    from helpers.pretrained import VGG16_FILE

    paths = [*_SYSTEM.split(), sys.prefix, sys.base_prefix, str(Path(helpers.__file__).parent)]
    paths += [p for p in sys.path if Path(p).name in ("site-packages", "dist-packages")]
    paths += [p for p in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if p]
    data = os.environ.get("COURSE_DATA", "")
    paths += [data] if data else []
    if os.path.exists("/dev/nvidiactl"):
        paths += [*_GPU.split(), *map(str, Path("/dev").glob("nvidia[0-9]*"))]
    found = {p: os.path.realpath(p) for p in paths if os.path.exists(p)}
    found |= {real: real for real in found.values()}
    for part in ("datasets", f"models/{VGG16_FILE}"):
        kept = Path.home() / ".keras" / part
        if kept.exists():
            found[f"{HOME}/.keras/{part}"] = str(kept.resolve())
    return found


# ---------------------------------------------------------------------- the system's calls

_libc = ctypes.CDLL(None, use_errno=True)
_NEWNS, _NEWCGROUP, _NEWUTS = 0x20000, 0x2000000, 0x4000000
_NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x8000000, 0x10000000, 0x20000000, 0x40000000
_THREAD = 0x10000  # of clone's flags: no process of its own
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_RDONLY = 1  # MOUNT_ATTR_RDONLY; the next two bits are as in MS_*
_CREATE_RULESET, _MOUNT_SETATTR, _PIVOT_ROOT = 444, 442, {"x86_64": 155, "aarch64": 41}


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    kind_bytes = kind.encode() if kind else None
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind_bytes, ctypes.c_ulong(flags), data.encode()
    )
    _check(result, f"mount {target}")


def _restrict(target: str, attributes: int, everything_below: bool = True) -> None:
    """Add attributes to a mount, or to it and all mounts below it."""
    facts = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = 0x8000 if everything_below else 0  # AT_RECURSIVE
    result = _libc.syscall(_MOUNT_SETATTR, -100, os.fsencode(target), flags, facts, len(facts))
    _check(result, f"mount_setattr {target}")


def _prctl(option: int, *arguments: int) -> int:
    return _libc.prctl(option, *map(ctypes.c_ulong, [*arguments, *[0] * (4 - len(arguments))]))


# ---------------------------------------------------------------------- walls of the keeper


def own_user(request: dict[str, Any]) -> None:
    """A user space in which the grader's user is number 1000 and owns nothing else."""
    user, group = os.geteuid(), os.getegid()
    _unshare(_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{USER} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{USER} {group} 1")


def no_network(request: dict[str, Any]) -> None:
    """A network of its own, in which not even the loopback interface is up."""
    _unshare(_NEWNET)


def own_ipc(request: dict[str, Any]) -> None:
    """Message queues, shared memory, host name and control groups of its own."""
    _unshare(_NEWIPC | _NEWUTS | _NEWCGROUP)


def own_processes(request: dict[str, Any]) -> None:
    """The next process forked is the first of a space that ends with it; it sees no other."""
    _unshare(_NEWPID)


def own_mounts(request: dict[str, Any]) -> None:
    """A tree of mounts of its own, so that what is mounted next is nowhere else."""
    _unshare(_NEWNS)
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


# ---------------------------------------------------------------------- walls of the process


def own_files(request: dict[str, Any]) -> None:
    """A tree that holds only what the request names; the rest of the machine is not there."""
    limits = Limits(**request["limits"])
    _mount("tmpfs", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, "size=16m,mode=755")
    os.mkdir("/tmp/.old")
    os.chdir("/tmp")
    number = _PIVOT_ROOT[platform.machine()]
    _check(_libc.syscall(number, b".", b".old"), "pivot_root")
    os.chdir("/")
    for place in ("/tmp", HOME, "/dev/shm"):
        _memory(place, limits.scratch, limits.files)
    for name in _DEVICES.split():
        _bind(f"/dev/{name}", f"/dev/{name}", _MS_NOSUID)
    for link, to in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{to}", f"/dev/{link}")
    os.mkdir("/dev/pts")  # terminals, for a cell that begins with an exclamation mark
    terminals = "newinstance,ptmxmode=0666,mode=600,max=32"
    _mount("devpts", "/dev/pts", "devpts", _MS_NOSUID | _MS_NOEXEC, terminals)
    os.symlink("pts/ptmx", "/dev/ptmx")
    kept = request["readable"]
    for place, source in sorted(kept.items()):
        if not _inside(place, source, kept):
            _bind(source, place, _RDONLY | _MS_NOSUID | (0 if "/dev/" in place else _MS_NODEV))
    _memory(request["folder"], limits.disk, limits.files)
    shutil.copytree(f"/.old{request['folder']}", request["folder"], dirs_exist_ok=True)
    _bind(request["sockets"], request["sockets"], _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    Path("/etc/passwd").write_text(f"student:x:{USER}:{USER}::{HOME}:/bin/sh\n")
    Path("/etc/group").write_text(f"student:x:{USER}:\n")
    os.mkdir("/proc")
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _bound_process_numbers(limits)
    _restrict("/proc", _RDONLY)
    _check(_libc.umount2(b"/.old", 2), "umount")  # MNT_DETACH
    os.rmdir("/.old")
    _hide_sources()
    _restrict("/", _RDONLY, everything_below=False)


def _memory(place: str, size: int, files: int) -> None:
    """A writable folder in memory that holds at most so many bytes and files."""
    os.makedirs(place, exist_ok=True)
    data = f"size={size},nr_inodes={files},mode=700"
    _mount("tmpfs", place, "tmpfs", _MS_NOSUID | _MS_NODEV, data)


def _inside(place: str, source: str, kept: dict[str, str]) -> bool:
    """Whether another entry of the same tree brings this one along."""
    above = [str(p) for p in Path(place).parents]
    return any(p in kept and source.startswith(kept[p] + "/") for p in above)


def _bind(source: str, place: str, attributes: int) -> None:
    source = "/.old" + source
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        Path(place).touch()
    _mount(source, place, None, _MS_BIND | _MS_REC)
    _restrict(place, attributes)


def _hide_sources() -> None:
    """Where the autograder is installed among the libraries, an empty folder covers it."""
    place = str(Path(__file__).parent)
    if os.path.isdir(place):
        _mount("tmpfs", place, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=4k,mode=755")
        _restrict(place, _RDONLY)


def _bound_process_numbers(limits: Limits) -> None:
    """As many numbers as there may be threads, from Linux 6.14 on; before, they are the machine's.

    The system counts processes per user, too (`bounded`), but not those of its own root.
    """
    major, minor = re.match(r"(\d+)\.(\d+)", os.uname().release).groups()
    if (int(major), int(minor)) >= (6, 14):
        Path("/proc/sys/kernel/pid_max").write_text(str(300 + limits.threads))
        Path("/proc/sys/kernel/ns_last_pid").write_text("300")  # lower ones are given out once


def bounded(request: dict[str, Any]) -> None:
    """What one process may use at most, by the system's own count (rlimits).

    The keeper's `Watch` bounds what all of them use together.
    """
    limits = Limits(**request["limits"])
    status = Path("/proc/self/status").read_text()
    present = int(status.partition("VmData:")[2].split()[0]) * 1024
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_DATA, present + limits.memory),
        (resource.RLIMIT_FSIZE, limits.disk),
        (resource.RLIMIT_MEMLOCK, 2**20),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_NOFILE, limits.opened // 4),
        (resource.RLIMIT_NPROC, limits.threads),
        (resource.RLIMIT_SIGPENDING, 1_024),
    ):
        highest = resource.getrlimit(what)[1]
        most = most if highest == resource.RLIM_INFINITY else min(most, highest)
        resource.setrlimit(what, (most, most))


def no_rights(request: dict[str, Any]) -> None:
    """No capability, now or by any program that it runs."""
    _check(_prctl(38, 1), "no_new_privs")
    for capability in range(64):
        if _prctl(24, capability) < 0:  # PR_CAPBSET_DROP; the first that does not exist ends it
            break
    _check(_prctl(47, 4), "ambient capabilities")  # PR_CAP_AMBIENT_CLEAR_ALL
    head, none = struct.pack("II", 0x20080522, 0), bytes(24)
    _check(_libc.capset(head, none), "capset")


def locked_files(request: dict[str, Any]) -> None:
    """The same bounds again, by Landlock, so that one fault opens neither files nor addresses.

    What the tree of files holds may be read and run, its writable folders written; no folder that
    stayed open leads out of it. A system without Landlock has the other walls alone.
    """
    version = _libc.syscall(_CREATE_RULESET, None, 0, 1)
    if version < 1:
        return
    everything = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    facts = struct.pack("QQQ", everything, 3, 3)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = _check(_libc.syscall(_CREATE_RULESET, facts, len(facts), 0), "landlock")
    own = (request["folder"], request["sockets"], "/tmp", HOME, "/dev")
    for place, allowed in (("/", 0b1101), *((one, everything) for one in own)):
        folder = os.open(place, os.O_PATH | os.O_DIRECTORY)
        rule = struct.pack("<Qi", allowed, folder)
        _check(_libc.syscall(_CREATE_RULESET + 1, rules, 1, rule, 0), f"landlock {place}")
        os.close(folder)
    _check(_libc.syscall(_CREATE_RULESET + 2, rules, 0), "landlock")
    os.close(rules)


_LOAD, _EQUAL, _AT_LEAST, _BITS, _LEAVE = 0x20, 0x15, 0x35, 0x45, 0x06  # of a filter's machine
_ALLOW, _REFUSE, _ABSENT, _ASK, _KILL = 0x7FFF0000, 0x50001, 0x50026, 0x7FC00000, 0x80000000


def fewer_calls(request: dict[str, Any]) -> None:
    """No system call by which another process is read, memory hidden, or a new space entered.

    Of sockets only those that are files: the kernel's own. A filter (seccomp) of the machine's
    architecture; each call in it fails as if it were not permitted.
    """
    calls = _calls()
    code = []
    for number in map(int, calls.refused.split()):
        code += [(_EQUAL, 0, 1, number), (_LEAVE, 0, 0, _REFUSE)]
    # The flags of clone3 lie in memory, where no filter looks: the C library then takes clone.
    code += [(_EQUAL, 0, 1, calls.clone3), (_LEAVE, 0, 0, _ABSENT)]
    code += [(_EQUAL, 0, 4, calls.socket), (_LOAD, 0, 0, 16), (_EQUAL, 1, 0, 1)]
    code += [(_LEAVE, 0, 0, _REFUSE), (_LEAVE, 0, 0, _ALLOW)]
    # What waits in a socket is the system's memory, which no limit of a process counts (SO_SNDBUF,
    # SO_SNDBUFFORCE); how many sockets there are, `Watch` counts.
    code += [(_EQUAL, 0, 5, calls.setsockopt), (_LOAD, 0, 0, 32), (_EQUAL, 1, 0, 7)]
    code += [(_EQUAL, 0, 1, 32), (_LEAVE, 0, 0, _REFUSE), (_LEAVE, 0, 0, _ALLOW)]
    # Nobody calls off that the kernel ends with its keeper (prctl, PR_SET_PDEATHSIG).
    code += [(_EQUAL, 0, 4, calls.prctl), (_LOAD, 0, 0, 16), (_EQUAL, 0, 1, 1)]
    code += [(_LEAVE, 0, 0, _REFUSE), (_LEAVE, 0, 0, _ALLOW)]
    code += [(_EQUAL, 0, 3, calls.clone), (_LOAD, 0, 0, 16), (_BITS, 0, 1, _NEWUSER)]
    code += [(_LEAVE, 0, 0, _REFUSE)]
    _filter(code, 0)


def counted_processes(request: dict[str, Any]) -> int:
    """No new process until the keeper has counted them; returns the file on which it is asked.

    Processes that fork as fast as they can would otherwise be many before anyone counts.
    """
    calls = _calls()
    code = []
    for number in calls.forks:
        code += [(_EQUAL, 0, 1, number), (_LEAVE, 0, 0, _ASK)]
    code += [(_EQUAL, 0, 3, calls.clone), (_LOAD, 0, 0, 16), (_BITS, 1, 0, _THREAD)]
    code += [(_LEAVE, 0, 0, _ASK)]
    return _filter(code, 8)  # SECCOMP_FILTER_FLAG_NEW_LISTENER


def _filter(code: list[tuple[int, int, int, int]], flags: int) -> int:
    """Have each system call from now on judged by this code, which allows what it does not name."""
    calls = _calls()
    start = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, calls.architecture), (_LEAVE, 0, 0, _KILL)]
    start += [(_LOAD, 0, 0, 0)]
    if calls.x32:  # a second table of numbers for the same calls
        start += [(_AT_LEAST, 0, 1, 0x40000000), (_LEAVE, 0, 0, _REFUSE)]
    code = [*start, *code, (_LEAVE, 0, 0, _ALLOW)]
    body = b"".join(struct.pack("HBBI", *line) for line in code)
    space = ctypes.create_string_buffer(body, len(body))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(space))
    return _check(_libc.syscall(calls.seccomp, 1, flags, program), "seccomp")


@dataclass(frozen=True)
class _Calls:
    """Numbers of system calls on one architecture."""

    architecture: int
    seccomp: int
    socket: int
    setsockopt: int
    prctl: int
    clone: int
    # ptrace, process_vm_readv and _writev, kcmp, memfd_create, memfd_secret, shmget, shmat, semget,
    # msgget, unshare, setns, mount, umount2, pivot_root, chroot, bpf, perf_event_open, userfaultfd,
    # add_key, request_key, keyctl, io_uring_setup, open_by_handle_at, mq_open, personality; and of
    # what is counted for all of a user's processes: inotify_init and _init1, fanotify_init
    refused: str
    forks: tuple[int, ...] = ()  # fork and vfork, where they are calls of their own
    x32: bool = False
    clone3: int = 435


def _calls() -> _Calls:
    try:
        return _CALLS[platform.machine()]
    except KeyError:
        raise OSError(f"no list of system calls for {platform.machine()}") from None


_CALLS = {
    "x86_64": _Calls(
        architecture=0xC000003E,
        seccomp=317,
        socket=41,
        setsockopt=54,
        prctl=157,
        clone=56,
        refused="101 310 311 312 319 447 29 30 64 68 272 308 165 "
        "166 155 161 321 298 323 248 249 250 425 304 240 135 253 294 300",
        forks=(57, 58),
        x32=True,
    ),
    "aarch64": _Calls(
        architecture=0xC00000B7,
        seccomp=277,
        socket=198,
        setsockopt=208,
        prctl=167,
        clone=220,
        refused="117 270 271 272 279 447 194 196 190 186 97 268 40 "
        "39 41 51 280 241 282 217 218 219 425 265 180 92 26 262",
    ),
}

OUTER = (own_user, no_network, own_ipc, own_processes, own_mounts)
INNER = (own_files, bounded, no_rights, locked_files, fewer_calls, counted_processes)


def outer(request: dict[str, Any]) -> None:
    """Build the walls that surround the process forked next. Raises `SandboxError`."""
    _build(OUTER, request)


def inner(request: dict[str, Any]) -> int:
    """Build the walls that this process stands behind from now on. Raises `SandboxError`.

    Returns a file for the keeper, on which `Watch.answer` is asked for each new process.
    """
    return _build(INNER, request)


def _build(walls: tuple[Callable, ...], request: dict[str, Any]) -> Any:
    built = None
    for wall in walls:
        try:
            built = wall(request)
        except (OSError, AttributeError) as error:
            name = wall.__name__.replace("_", " ")
            raise SandboxError(
                f"This machine cannot build the sandbox's wall {name!r} ({error}); see "
                "docs/sandbox.md, or pass --sandbox none and trust every submission."
            ) from None
    return built


# ---------------------------------------------------------------------- can it be built here


@functools.cache
def missing() -> tuple[str, ...]:
    """Names of the walls that this machine cannot build; empty where the sandbox is whole."""
    if sys.platform != "linux":
        return tuple(wall.__name__.replace("_", " ") for wall in (*OUTER, *INNER))
    command = [sys.executable, "-P", "-c", "from autograder import sandbox; sandbox._try()"]
    tried = subprocess.run(command, capture_output=True, text=True, timeout=60)
    built = [line for line in tried.stdout.splitlines() if line]
    names = [wall.__name__.replace("_", " ") for wall in (*OUTER, *INNER)]
    return tuple(name for name in names if name not in built)


def require() -> None:
    """Raise `SandboxError`, one sentence, unless every wall can be built here."""
    if names := missing():
        raise SandboxError(
            f"This machine cannot build {len(names)} of the sandbox's walls ({', '.join(names)}): "
            "see docs/sandbox.md, or pass --sandbox none and trust every submission."
        )


def _try() -> None:
    """Build every wall around a process that does nothing; prints the names of those that stand."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as sockets:
        request = walls(Path(folder), Path(sockets), Limits())
        if os.fork() == 0:
            _try_each(OUTER, request)
            if os.fork() == 0:
                _try_each(INNER, request)
                os._exit(0)
            os.wait()
            os._exit(0)
        os.wait()


def _try_each(walls: tuple[Callable, ...], request: dict[str, Any]) -> None:
    for wall in walls:
        try:
            wall(request)
        except (OSError, AttributeError, KeyError):
            continue
        os.write(1, f"{wall.__name__.replace('_', ' ')}\n".encode())


# ---------------------------------------------------------------------- what all use together


class Watch:
    """Counts, in the keeper, what a sandbox uses; called often, it says when it is too much.

    ``/proc`` is the sandbox's own here, so that every process in it belongs to the submission.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.limits, self.sockets = Limits(**request["limits"]), request["sockets"]
        self.started = time.monotonic()

    def begin(self) -> None:
        """The process is ready, and has bound its sockets: where they lie, nothing is written."""
        _restrict(self.sockets, _RDONLY)
        self.started = time.monotonic()

    def __call__(self) -> str:
        """One sentence for the student when a limit is passed; empty as long as none is."""
        limits, now = self.limits, time.monotonic()
        if now - self.started > limits.wall_seconds:
            return f"The notebook took longer than {limits.wall_seconds:,} seconds."
        pids = _processes()
        used = [_usage(pid) for pid in pids]
        if sum(u.threads for u in used) > limits.threads:
            return f"The notebook started more than {limits.threads:,} threads."
        if sum(u.cpu for u in used) > limits.cpu_seconds:
            return f"The notebook computed for more than {limits.cpu_seconds:,} seconds."
        if sum(map(_opened, pids)) > limits.opened:
            return f"The notebook opened more than {limits.opened:,} files."
        if sum(u.memory for u in used) > limits.memory < sum(map(_share, pids)):
            return f"The notebook used more than {limits.memory / GB:.1f} GB of memory."
        return ""

    def answer(self, listener: int) -> str:
        """Let a process that wants to fork go on, or give the reason why all of them end."""
        notice = bytearray(80)  # struct seccomp_notif: its first 8 bytes name the question
        if len(_processes()) >= self.limits.processes:
            return f"The notebook started more than {self.limits.processes} processes."
        try:
            fcntl.ioctl(listener, 0xC0502100, notice)  # SECCOMP_IOCTL_NOTIF_RECV
            go_on = struct.pack("QqiI", *struct.unpack_from("Q", notice), 0, 0, 1)
            fcntl.ioctl(listener, 0xC0182101, go_on)  # SECCOMP_IOCTL_NOTIF_SEND
        except OSError as error:  # it was killed while it waited
            if error.errno not in (errno.ENOENT, errno.EINTR):
                raise
        return ""


@dataclass(frozen=True)
class _Usage:
    memory: int = 0  # bytes that are no file's; pages shared by forked processes count for each
    threads: int = 0
    cpu: float = 0.0  # seconds, those of children that ended included


# Anonymous and shared memory, there or moved out, and the tables of pages that were only read.
_HELD = ("RssAnon", "RssShmem", "VmSwap", "VmPTE")


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _usage(pid: int) -> _Usage:
    """What one process uses; nothing when it has just ended."""
    try:
        # A process names itself, be it by bytes that are no text.
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
        times = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[11:15]
    except OSError:
        return _Usage()
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    memory = sum(int(facts.get(name, "0 kB").split()[0]) * 1024 for name in _HELD)
    return _Usage(memory, int(facts["Threads"]), sum(map(int, times)) / os.sysconf("SC_CLK_TCK"))


def _share(pid: int) -> int:
    """Bytes of one process that are no file's, of shared pages its share."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        lines += Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return 0
    names = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:", "VmPTE:")
    kept = [line.split() for line in lines if line.startswith(names)]
    return sum(int(line[1]) * 1024 for line in kept)


def _opened(pid: int) -> int:
    """How many files, pipes and sockets one process has open."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0
