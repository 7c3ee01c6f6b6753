"""A server forks on request, says how each process ended, and takes all of them with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from autograder.walled import client, environment, processes
from autograder.walled.client import Process
from autograder.walled.server import Server

pytestmark = pytest.mark.unit

HERE = Path(__file__).parent
SLEEP = "import time; time.sleep(60)"


def fork(server: Server, target: str, folder: Path) -> Process:
    return Process(server.address, target, {}, environment={}, folder=folder)


def begin(server: Server, folder: Path, code: str) -> tuple[Process, IO[str]]:
    """A process that runs this code, and what it prints."""
    reading, writing = os.pipe()
    process = Process(
        server.address,
        "targets:run",
        {"code": code},
        environment={"PATH": os.environ["PATH"]},
        folder=folder,
        fds=(writing,),
    )
    os.close(writing)
    process.wait_ready()
    return process, open(reading)


def alive(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_a_process_gets_its_folder_its_environment_and_what_the_preload_does_in_it(ask, tmp_path):
    one = ask("import os; print(os.getcwd(), sorted(os.environ))", walled=False)
    assert one.text == f"{tmp_path} ['IDLED', 'PATH']"
    assert one.process.returncode == 0 and one.reason == "" and one.process.lost() == ""


def test_the_preload_is_told_once_that_nobody_waits(ask):
    code = "import os; print(os.environ['IDLED'])"
    deadline = time.monotonic() + 10
    while (idled := ask(code, walled=False).text) == "0" and time.monotonic() < deadline:
        time.sleep(0.3)
    time.sleep(0.5)
    assert idled == "1" == ask(code, walled=False).text


def test_a_target_that_cannot_start_says_why(server, tmp_path):
    process = fork(server, "targets:no_such_function", tmp_path)
    with pytest.raises(RuntimeError, match=r"Traceback[\s\S]*no_such_function"):
        process.wait_ready()
    process = fork(server, "os:getpid", tmp_path)  # takes no argument
    with pytest.raises(RuntimeError, match="TypeError"):
        process.wait_ready()


def test_signals_reach_the_target_and_its_end_is_reported(server, tmp_path):
    process, words = begin(server, tmp_path, SLEEP)
    with words:
        assert process.poll() is None and process.wait(0.01) is None
        process.signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM and process.lost() == ""


def test_a_process_ends_with_all_that_it_started_when_its_asker_lets_go(server, tmp_path):
    code = """
import os, subprocess, time
hidden = subprocess.Popen(["sleep", "300"], start_new_session=True)
print(os.getpid(), hidden.pid)
time.sleep(300)"""
    process, words = begin(server, tmp_path, code)
    with words:
        pids = [int(word) for word in words.readline().split()]
    assert len(pids) == 2 and all(map(alive, pids))
    process._socket.close()
    assert all(map(gone, pids))


def test_only_what_was_named_passes_into_the_server(monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "secret")
    monkeypatch.setenv("KEPT_ONE", "1")
    settings = {"PYTHONPATH": str(HERE)}
    server = Server("preloaded", passed=["KEPT_"], passed_names=["PATH"], settings=settings)
    try:
        environ = b""
        while not environ and server.is_running():  # it is empty for a moment after the start
            environ = Path(f"/proc/{server.pid}/environ").read_bytes()
        names = {line.partition(b"=")[0].decode() for line in environ.split(b"\0") if line}
        assert names - {"LC_CTYPE"} == {"KEPT_ONE", "PATH", "PYTHONPATH"}
    finally:
        server.close()
    assert not server.folder.exists()


def test_variables_pass_by_their_name_or_by_its_beginning():
    given = {"AB": "1", "ABC": "2", "B": "3", "BC": "4"}
    assert environment.passed(given, ["A"], ["B"]) == {"AB": "1", "ABC": "2", "B": "3"}


def test_a_server_that_cannot_load_says_why_and_an_asker_is_not_kept_waiting(tmp_path):
    server = Server("no_such_module")
    try:
        process = fork(server, "targets:run", tmp_path)
        with pytest.raises(RuntimeError, match="server of warm processes ended"):
            process.wait_ready(20)
        server._process.wait(10)
        assert "no_such_module" in server.log()
    finally:
        server.close()


def test_a_process_whose_keeper_was_killed_is_lost(server, tmp_path):
    process, words = begin(server, tmp_path, SLEEP)
    with words:
        stat = Path(f"/proc/{process.pid}/stat").read_text()
        os.kill(int(stat.rpartition(")")[2].split()[1]), signal.SIGKILL)  # its keeper
        assert process.wait(10) == -signal.SIGKILL and gone(process.pid)
    assert process.lost() == "The server of warm processes ended."


def test_a_process_that_the_system_ended_for_memory_is_lost_and_one_that_ended_itself_is_not(
    server, tmp_path, monkeypatch
):
    assert processes.memory_kills() >= 0
    for kills_after, lost in ((0, ""), (1, "The machine ran out of memory.")):
        monkeypatch.setattr(client, "memory_kills", lambda: 0)
        process = fork(server, "os:abort", tmp_path)
        monkeypatch.setattr(client, "memory_kills", lambda kills=kills_after: kills)
        assert process.wait(20) is not None and not process.lost()  # by another signal
        process.returncode = -signal.SIGKILL
        assert process.lost() == lost
        process.kill()


OWNER = """
import os, sys, time
from autograder.walled.client import Process
from autograder.walled.server import Server
server = Server("preloaded", settings={"PYTHONPATH": sys.argv[1]})
reading, writing = os.pipe()
code = {"code": "import time; time.sleep(300)"}
process = Process(server.address, "targets:run", code, environment={}, folder="/", fds=(writing,))
process.wait_ready()
print(process.pid, server.pid, server.folder, flush=True)
time.sleep(300)
"""


def test_nothing_outlives_an_owner_that_was_killed():
    command = [sys.executable, "-c", OWNER, str(HERE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        try:
            pid, server, folder = owner.stdout.readline().split()
            assert alive(int(pid)) and alive(int(server))
        finally:
            owner.kill()
    assert gone(int(pid)) and gone(int(server))
    deadline = time.monotonic() + 5
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(folder).exists()
