"""The gradebook on PostgreSQL, where a server can be started on this machine."""

import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from tiny import NAME, make

from autograder.nbgrader import results
from autograder.nbgrader.room import Room
from autograder.run import grade

pytestmark = pytest.mark.kernel

pytest.importorskip("psycopg2")


def programs() -> Path | None:
    """The folder of PostgreSQL's own programs, the newest first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    known = shutil.which("initdb")
    return found[0].parent if found else Path(known).parent if known else None


def prefix() -> list[str] | None:
    """What to put before a command so that it does not run as root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return None
    return ["runuser", "-u", "postgres", "--"]


@pytest.fixture
def url(tmp_path_factory):
    place, before = programs(), prefix()
    if place is None or before is None:
        pytest.skip("there is no PostgreSQL server on this machine, or no user to run it")
    folder = Path("/tmp") / f"postgres-{os.getpid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(folder / "data")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"

    def run(*command: str) -> None:
        subprocess.run(
            [*before, *command], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=60
        )

    run(str(place / "initdb"), "-D", data, "-A", "trust", "-U", "grader")
    run(str(place / "pg_ctl"), "-D", data, "-o", options, "-w", "-l", f"{folder}/log", "start")
    run(str(place / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "grader", "gradebook")
    yield f"postgresql+psycopg2://grader@127.0.0.1:{port}/gradebook"
    run(str(place / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(300)
def test_a_class_is_graded_into_a_gradebook_on_postgresql(url, tmp_path):
    root = make(tmp_path / "course")
    with (root / "nbgrader_config.py").open("a") as file:
        file.write(f"c.CourseDirectory.db_url = {url!r}\n")
    assert Room(root, NAME).db_url == url
    states = grade.grade(root, NAME, students=["student00", "student01", "student02"], jobs=2)
    assert set(states.values()) == {"done"}
    with Gradebook(url) as gradebook:
        scores = {s.student_id: s.score for s in gradebook.assignment_submissions(NAME)}
    assert scores == {"student00": 2, "student01": 0, "student02": 0}
    assert len(results.read(root, NAME).rows) == 3
    with Gradebook(url) as gradebook:
        gradebook.find_grade("test", NAME, NAME, "student01").manual_score = 1
        gradebook.db.commit()
    grade.grade(root, NAME, students=["student01"], force=True, jobs=1)
    (decided,) = results.read(root, NAME).decided
    assert (decided.student, decided.automatic, decided.look) == ("student01", 0, True)
    assert not (root / "gradebook.db").exists()
