"""A sandbox's share of the processor: its cores, its weight on them, and its computing time."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from walls_needed import walls_needed

from autograder.walled import cores
from autograder.walled.limits import LIMITS

pytestmark = walls_needed

CORES = "import os, time\nprint(*os.sched_getaffinity(0), flush=True)\n"
SPIN = """
import os, time
for _ in range({many}):
    if os.fork() == 0:
        if {sessions}: os.setsid()
        while True: pass
print("spins", flush=True)
time.sleep(60)
"""


TAKE = """
import os
from autograder.walled import cores, linux
linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWNET)  # where no other sandbox has taken any
machine, free = os.open("/proc", os.O_PATH), os.sched_getaffinity(0)
held = []
for _ in range(2 * len(free)):
    os.sched_setaffinity(0, free)
    held.append(cores.Share(1, machine))
    print(*os.sched_getaffinity(0))
held[0].release()
os.sched_setaffinity(0, free)
cores.Share(1, machine)
print(*os.sched_getaffinity(0))
"""


@pytest.mark.skipif(cores.usable() == 1, reason="there is one core")
def test_sandboxes_take_cores_of_their_own_while_there_are_any_and_then_share_them_evenly():
    done = subprocess.run([sys.executable, "-c", TAKE], capture_output=True, text=True)
    *taken, again = done.stdout.split()
    half = len(taken) // 2
    assert len(set(taken[:half])) == half and taken[half:] == taken[:half], done.stderr
    assert again == taken[0]


def test_a_sandbox_gets_as_many_cores_as_it_asks_for_and_its_processes_stay_there(said):
    code = CORES + "import subprocess\nprint(subprocess.getoutput('nproc'))"
    assert len(said(code).splitlines()[0].split()) == 1
    assert said(code).splitlines()[1] == "1"
    assert (
        len(said(code, limits=replace(LIMITS, cores=0)).splitlines()[0].split()) == cores.usable()
    )


@pytest.mark.parametrize("sessions", [False, True], ids=["one session", "own sessions"])
def test_many_processes_together_weigh_as_much_as_one(started, sessions):
    if sessions and not Path("/proc/self/autogroup").exists():
        pytest.skip("this system does not group by session")
    with started(SPIN.format(many=16, sessions=sessions)) as (process, words):
        assert words.readline() == b"spins\n"
        weights, deadline = [], time.monotonic() + 60
        while (time.monotonic() < deadline and sum(weights) > 2) or not weights:
            time.sleep(0.5)
            nices = [_nice(pid, sessions) for pid in _below(process.pid)]
            assert len(nices) == 17
            weights = [1.25**-nice for nice in nices[1:]]
        assert 0.3 < sum(weights) <= 2


def _below(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def _nice(pid: int, session: bool) -> int:
    """The nice value of a process, or of its session."""
    if session:
        return int(Path(f"/proc/{pid}/autogroup").read_text().split()[-1])
    return os.getpriority(os.PRIO_PROCESS, pid)


def test_a_sandbox_that_computes_on_its_cores_alone_keeps_its_weight(started):
    code = "import threading, time\nprint('begins', flush=True)\nwhile True: pass"
    with started(code) as (process, words):
        assert words.readline() == b"begins\n"
        time.sleep(3)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 0


def test_what_many_short_processes_compute_is_counted(started):
    code = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits, so the parent gets none of it
for _ in range(8):
    if os.fork() == 0:
        end = time.process_time() + 0.4
        while time.process_time() < end: pass
        os._exit(0)
    time.sleep(0.1)
while len([n for n in os.listdir("/proc") if n.isdigit()]) > 1: time.sleep(0.01)
print("done", flush=True)
time.sleep(60)"""
    with started(code) as (process, words):
        assert words.readline() == b"done\n"
        use = process.use(20)
        assert use is not None and use.seconds > 1.6  # of 3.2


def test_whether_a_thread_computes_is_told(started):
    threads = "import threading\ndef spin():\n    while True: pass\n"
    threads += "threading.Thread(target=spin).start()"
    sleeps = "print('begins', flush=True)\nimport time\ntime.sleep(60)"
    for code, runs in ((sleeps, False), (f"{threads}\n{sleeps}", True)):
        with started(code) as (process, words):
            assert words.readline() == b"begins\n"
            time.sleep(0.5)
            assert process.use(20).runs is runs


def test_a_process_without_walls_tells_nothing_of_its_use(started):
    with started("import time\ntime.sleep(60)", walled=False) as (process, _):
        assert process.use(0.5) is None
