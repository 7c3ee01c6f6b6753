"""The same catalogue under nbgrader as it comes: one entry after the other, with a limit of time.

    python tests/hostile/stock.py FOLDER [JOBS]     # resumable; prints the table of docs/security.md

Entries that would harm the machine, or what else runs on it, are not run. Not a test: it takes
long, and it runs hostile code without walls, so use a machine that can be thrown away.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import active
import catalogue
import exhausting
import nbformat
from entry import Entry

import course

SECONDS = 150
FULL = sum(course.TESTS.values())
HARMS = "not run: without walls it harms the machine"
NOT_RUN = {"kills-others": "not run: it would have ended the machine's processes"}
NOT_RUN |= {entry.name: HARMS for entry in exhausting.ENTRIES if entry.walls}
NOT_RUN |= dict.fromkeys(("sparse-file", "special-files"), HARMS)
OTHERS = "not run: it would have read what others keep on the machine"
NOT_RUN |= dict.fromkeys(("reads-others", "reads-parent"), OTHERS)
_courses = threading.local()  # one for each thread, with an honest submission that is graded


def made(folder: Path) -> Path:
    """A course in which an honest submission has been graded."""
    root = course.make(folder / "course")
    (root / "nbgrader_config.py").write_text("c = get_config()\n")
    honest = root / "submitted" / "honest" / course.NAME
    honest.mkdir(parents=True)
    nbformat.write(course.notebook(course.RIGHT), honest / f"{course.NAME}.ipynb")
    run(root, "generate_assignment", course.NAME)
    for verb in ("autograde", "generate_feedback"):
        run(root, verb, course.NAME, "--student", "honest")
    return root


def try_one(entry: Entry) -> dict:
    """Grade the entry after the honest submission; what came of both."""
    if not hasattr(_courses, "root"):
        _courses.root = made(Path(tempfile.mkdtemp(prefix="stock-")))
    student = entry.name
    entry.write(_courses.root / "submitted" / student / course.NAME)
    said = run(_courses.root, "autograde", course.NAME, "--student", student)
    run(_courses.root, "generate_feedback", course.NAME, "--student", student)
    found = {"name": student, "ended": said, "full": FULL, **facts(_courses.root, entry)}
    if found["honest"] != FULL:
        del _courses.root  # the next one begins anew
    return found


def run(root: Path, *arguments: str) -> str:
    """Run an nbgrader command; "" or how it failed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root,
        env=os.environ
        | {
            "PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"],
            "COURSE_PROFILE": "offline",
            "COURSE_ROOT": str(root),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "HOME": str(root),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return "" if process.wait(SECONDS) == 0 else "failed"
    except subprocess.TimeoutExpired:
        return f"did not end in {SECONDS} s"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def facts(root: Path, entry: Entry) -> dict:
    """The marks, and what the feedback page runs or loads."""
    from nbgrader.api import Gradebook

    scores = {}
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        for one in gradebook.assignment_submissions(course.NAME):
            scores[one.student_id] = one.score
    return {
        "score": scores.get(entry.name),
        "honest": scores.get("honest"),
        "earned": entry.earned,
        "active": sorted(active.found(page(root, entry.name)) - active.found(page(root, "honest"))),
    }


def page(root: Path, student: str) -> str:
    path = root / "feedback" / student / course.NAME / f"{course.NAME}.html"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def verdict(found: dict) -> str:
    """One fact about an entry under stock nbgrader, the worst first."""
    if found["honest"] != found["full"]:
        return f"another's mark is {found['honest']} in place of {found['full']}"
    if (found["score"] or 0) > found["earned"]:
        return f"gains {found['score'] - found['earned']:g} of {found['full']} points"
    if found["active"]:
        return "its page runs or loads what it asks for"
    if found["ended"]:
        return f"no verdict: grading {found['ended']}"
    return "bounded"


def main(folder: Path, jobs: int = 3) -> None:
    """Run what is missing, so many at a time, then print the table."""
    folder.mkdir(parents=True, exist_ok=True)

    def once(entry: Entry) -> None:
        path = folder / f"{entry.name}.json"
        if not path.is_file() and entry.name not in NOT_RUN:
            try:
                path.write_text(json.dumps(try_one(entry)))
            except Exception as error:
                shutil.rmtree(path, ignore_errors=True)
                print(entry.name, error, file=sys.stderr)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(once, catalogue.ENTRIES))
    for entry in catalogue.ENTRIES:
        path = folder / f"{entry.name}.json"
        stock = NOT_RUN.get(entry.name) or (
            verdict(json.loads(path.read_text())) if path.is_file() else "no result"
        )
        print(f"| {entry.name} | {entry.tries} | {stock} | bounded |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
