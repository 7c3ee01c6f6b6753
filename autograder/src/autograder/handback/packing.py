"""Feedback pages in the archive by which a platform hands each student their own.

* Moodle, View all submissions > Upload multiple feedback files in a zip: a folder for each
  student, named as in the archive of submissions. Moodle reads the number after the first
  underscore (`mod/assign/feedback/file/importziplib.php`), so nothing before it may have one.
* Canvas, the assignment > Upload Submissions: the names of the files that were downloaded. Canvas
  reads the first two numbers between underscores, the person's and the file's, and hands the file
  back under the name that it had (`app/models/abstract_assignment.rb`). So a notebook is handed
  back as a notebook that shows the page, and an archive as an archive with the page.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import nbformat

from autograder.handback import standing
from autograder.handback.people import People
from autograder.handback.standing import Filled, Standing
from autograder.handin.filing import Place
from convcourse.files import day, replacing

CANVAS, MOODLE = "canvas", "moodle"
_FOLDER = re.compile(r"([^_/]*)_(\d+)_assignsubmission_file_?")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|_]+')


def pack(
    root: Path, name: str, platform: str, found: Mapping[str, Standing], people: People,
    numbers: Mapping[str, str], to: Path,
) -> Filled:  # fmt: skip
    """Pack the pages of all students for whom nothing waits, into one archive.

    Args:
        root: The course folder, with the pages in ``feedback/``.
        name: The assignment.
        platform: ``canvas`` or ``moodle``.
        found: The standing of each student.
        people: The class.
        numbers: Moodle's number of each student in this assignment, from its worksheet.
        to: The path of the archive.
    """
    filled = Filled()
    files: dict[str, Path] = {}
    for student, one in sorted(found.items()):
        shown = standing.called(student, people.names)
        page = root / "feedback" / student / name / f"{name}.html"
        if one.score is None:
            filled.left.append(f"{shown} {one.why}.")
        elif not page.is_file() or page.is_symlink():
            filled.left.append(f"{shown} has no feedback page: run autograder grade {name}.")
        else:
            facts = Place(root, student, name).facts()
            target = _moodle if platform == MOODLE else _canvas
            id = str(facts.get("platform", "")), str(facts.get("id", ""))
            facts = facts if people.filed.get(id) == student else {}  # a team's is several people's
            path = target(facts, name, people.names.get(student, ""), numbers.get(student, ""))
            if not path or path in files:
                why = f"twice {path}" if path else f"no hand-in that came from {platform.title()}"
                filled.left.append(f"{shown} has {why}: return feedback/{student}/{name} by hand.")
            else:
                files[path] = page
    filled.missing = [
        standing.called(one.id, people.names) for one in people.roster.students
        if one.id not in found
    ]  # fmt: skip
    with replacing(to) as fresh, zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, page in files.items():
            content = _content(path, page, name)
            archive.writestr(zipfile.ZipInfo(path, day([page])), content, zipfile.ZIP_DEFLATED)
    filled.scores = len(files)
    return filled


def _moodle(facts: Mapping[str, str], name: str, called: str, number: str) -> str:
    """The path of a page for Moodle; empty if the student's number is not known."""
    ours = facts.get("platform") == MOODLE
    filed = str(facts.get("id", "")) if ours else ""
    id = number or filed
    if not id.isdigit() or (filed and filed != id):
        return ""
    for part in str(facts.get("given", "")).split("/") if ours else ():
        found = _FOLDER.match(part)
        if found and found[2] == id and found.end() == len(part):
            return f"{part}/{name}.html"
    who = " ".join(_UNSAFE.sub(" ", called or str(facts.get("name", ""))).split()).lstrip(".~ ")
    return f"{who or 'Participant'}_{id}_assignsubmission_file_/{name}.html"


def _canvas(facts: Mapping[str, str], name: str, called: str, number: str) -> str:
    """The name of a file for Canvas; empty if Canvas would not take it for this student's."""
    given = str(facts.get("given", "")).rpartition("/")[2]
    parts = [one for one in given.split("_") if one != "LATE"]
    numbers = [one for one in parts if re.fullmatch("[0-9]+", one)]
    theirs = numbers[0] if len(numbers) > 1 else ""
    if parts[0] == "anon" and len(parts) > 3 and parts[2].isdecimal():  # graded anonymously
        theirs = f"anon_{parts[1]}"
    ours = facts.get("platform") == CANVAS and theirs
    return given if ours and theirs == str(facts.get("id")) else ""


def _content(path: str, page: Path, name: str) -> bytes:
    """The page in a file of the kind that its name says."""
    html = page.read_bytes()
    ending = path.rpartition(".")[2].lower()
    if ending == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(
                zipfile.ZipInfo(f"{name}.html", day([page])), html, zipfile.ZIP_DEFLATED
            )
        return out.getvalue()
    if ending != "ipynb":
        return html
    data = {"text/html": html.decode("utf-8", "replace")}
    shown = nbformat.v4.new_output("display_data", data=data)
    code = nbformat.v4.new_code_cell("# Feedback: the page is below.", outputs=[shown], id="page")
    words = f"# Feedback on {name}\n\nDo not run the cell below: its output is your feedback."
    cells = [nbformat.v4.new_markdown_cell(words, id="title"), code]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()
