"""The same catalogue under nbgrader as it comes: each entry alone, with a limit of time.

    python tests/hostile/stock.py FOLDER     # resumable; prints the table of docs/security.md

Entries that would end more than their own kernel are not run. Not a test: it takes long, and it
runs hostile code without walls, so use a machine that can be thrown away.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import catalogue
import nbformat

import course

SECONDS = 150
NOT_RUN = {"kills-others": "not run: it would have ended the machine's processes"}


def try_one(entry: catalogue.Entry) -> dict:
    """Grade the entry after an honest submission; what came of both."""
    with tempfile.TemporaryDirectory(prefix="stock-") as place:
        root = course.make(Path(place) / "course")
        (root / "nbgrader_config.py").write_text("c = get_config()\n")
        honest = root / "submitted" / "honest" / course.NAME
        honest.mkdir(parents=True)
        nbformat.write(course.notebook(course.RIGHT), honest / f"{course.NAME}.ipynb")
        entry.write(root / "submitted" / "hostile" / course.NAME)
        said = run(root, "generate_assignment", course.NAME)
        for student in ("honest", "hostile"):
            said = run(root, "autograde", course.NAME, "--student", student)
        run(root, "generate_feedback", course.NAME, "--student", "hostile")
        return {"name": entry.name, "ended": said, **facts(root, entry)}


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


def facts(root: Path, entry: catalogue.Entry) -> dict:
    """The marks, and what the feedback page gives away."""
    from nbgrader.api import Gradebook

    scores = {}
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        for one in gradebook.assignment_submissions(course.NAME):
            scores[one.student_id] = one.score
    page = root / "feedback" / "hostile" / course.NAME / f"{course.NAME}.html"
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    hidden = [w for w in (course.SECRET, course.EXPECTED, course.HIDDEN_WORDS) if w in text]
    body = text.partition("<body")[2]
    return {
        "score": scores.get("hostile"),
        "honest": scores.get("honest"),
        "earned": entry.earned,
        "hidden": bool(hidden),
        "active": "<script>alert" in body or "onerror=alert(1)>" in body,
        "page": bool(text),
    }


def verdict(found: dict) -> str:
    """One fact about an entry under stock nbgrader, the worst first."""
    if found["honest"] != found.get("full", 7.0):
        return f"another's mark is {found['honest']} in place of 7"
    if (found["score"] or 0) > found["earned"]:
        return f"gains {found['score'] - found['earned']:g} of 7 points"
    if found["active"]:
        return "its script is on the feedback page"
    if found["ended"]:
        return f"no verdict: grading {found['ended']}"
    return "bounded"


def main(folder: Path) -> None:
    """Run what is missing, three at a time, then print the table."""
    folder.mkdir(parents=True, exist_ok=True)

    def once(entry: catalogue.Entry) -> None:
        path = folder / f"{entry.name}.json"
        if not path.is_file() and entry.name not in NOT_RUN:
            try:
                path.write_text(json.dumps(try_one(entry)))
            except Exception as error:
                shutil.rmtree(path, ignore_errors=True)
                print(entry.name, error, file=sys.stderr)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(once, catalogue.ENTRIES))
    for entry in catalogue.ENTRIES:
        path = folder / f"{entry.name}.json"
        stock = NOT_RUN.get(entry.name) or (
            verdict(json.loads(path.read_text())) if path.is_file() else "no result"
        )
        print(f"| {entry.name} | {entry.tries} | {stock} | bounded |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
