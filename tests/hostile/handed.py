"""Submissions whose files, cells or names are not what a notebook's are."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import nbformat
from entry import Entry, Nb, cell, edited, file

from course import NAME, RIGHT


def replaced(**parts) -> Callable[[Nb], None]:
    """A test cell whose parts are others."""
    return lambda nb: cell(nb, "double").update(parts)


def nbgrader(value) -> Callable[[Nb], None]:
    return lambda nb: cell(nb, "double").metadata.update(nbgrader=value)


def retyped(nb: Nb) -> None:
    made = nbformat.v4.new_markdown_cell("2", id="double", metadata=cell(nb, "double").metadata)
    nb.cells = [made if c.id == "double" else c for c in nb.cells]


def graded_answer(nb: Nb) -> None:
    """The answer is a test as well, and shows the mark."""
    answer = cell(nb, "double-answer")
    answer.metadata.nbgrader.update(grade=True, points=100)
    answer.source += "\n100"


def answers_as_tests(nb: Nb) -> None:
    """Two names change places, so that an answer stands where a test is expected."""
    one, two = cell(nb, "double"), cell(nb, "double-answer")
    one.metadata, two.metadata = two.metadata, one.metadata


def many_cells(nb: Nb) -> None:
    nb.cells += [nbformat.v4.new_code_cell("") for _ in range(5_000)]


def half_character(nb: Nb) -> None:
    cell(nb, "why").source = "\ud800"
    cell(nb, "double-answer").source += "  # \udfff"


def new_exercise(nb: Nb) -> None:
    facts = {**cell(nb, "double").metadata.nbgrader, "grade_id": "mine", "points": 1_000}
    nb.cells.append(nbformat.v4.new_code_cell("1000", metadata={"nbgrader": facts}))


def brackets(nb: Nb) -> None:
    nb.metadata["x"] = [{}] * 3_000_000


def alike(nb: Nb) -> None:
    """Names that look like a test's, and ids that are none."""
    for name in ("double\u200b", "d\u043euble", "DOUBLE", " double", "double\n"):
        one = nbformat.v4.new_code_cell("2", id="double")
        one.metadata["nbgrader"] = {**cell(nb, "double").metadata.nbgrader, "grade_id": name}
        nb.cells.insert(1, one)


def ids(made: str) -> Callable[[Nb], None]:
    def change(nb: Nb) -> None:
        for one in nb.cells:
            one["id"] = made

    return change


def terminal(nb: Nb) -> None:
    cell(nb, "setup")["cell_type"] = "\x1b]0;owned\x07\x1b[2J"


def folders_without_end(folder: Path) -> None:
    inside = folder
    for _ in range(200):
        inside = inside / "d"
        inside.mkdir()


def folder_is_a_link(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.symlink_to(folder.parents[1] / "honest" / NAME)


def many_files(folder: Path) -> None:
    for i in range(3_000):
        (folder / f"{i}.txt").touch()


def odd_names(folder: Path) -> None:
    for name in (os.fsdecode(b"\xff\xfe"), "two\nlines", "\x1b[2J", "-rf", "a" * 255, "<b>"):
        (folder / name).write_text("x")
    (folder / "a.ipynb").mkdir()


def special_files(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        here = os.getcwd()
        os.chdir(folder)  # the path of a socket is short
        try:
            one.bind("socket")
        finally:
            os.chdir(here)
    (folder / "memory").symlink_to("/dev/zero")


def sparse(folder: Path) -> None:
    with open(folder / "net.weights.h5", "wb") as one:
        one.truncate(10 * 2**30)


def shadows(folder: Path) -> None:
    """Modules and settings that Python and IPython look for where they are started."""
    stop = "import os\nos._exit(0)"
    for name in ("usercustomize", "json", "random", "keras", "tensorflow", "IPython", "traitlets"):
        file(f"{name}.py", stop)(folder)
    file("ipython_config.py", "c.InteractiveShellApp.exec_lines = ['double = 1']")(folder)
    file("jupyter_config.py", stop)(folder)
    file(".ipython/profile_default/startup/00.py", stop)(folder)
    file("pyproject.toml", "[build-system]")(folder)
    file("mine.pth", f"import os; {stop.splitlines()[1]}")(folder)


def own_settings(folder: Path) -> None:
    text = "c = get_config()\nc.Autograde.sanitize_preprocessors = []\n"
    file("nbgrader_config.py", text)(folder)
    file("gradebook.db", "not a database")(folder)


def another_notebook(folder: Path) -> None:
    """The right name holds nothing, and a second notebook the tests with full marks."""
    path = folder / f"{NAME}.ipynb"
    os.rename(path, folder / "other.ipynb")
    path.write_text(json.dumps(nbformat.v4.new_notebook()))


def timed(text: str) -> Callable[[Path], None]:
    return file("timestamp.txt", text)


ENTRIES = [
    Entry("test-retyped", "turns a test into a text", change=retyped),
    Entry(
        "test-without-source",
        "gives a test no source",
        change=lambda nb: cell(nb, "double").pop("source") and None,
        refused=True,
    ),
    Entry(
        "test-source-is-a-list",
        "gives a test numbers for a source",
        change=replaced(source=[1, 2]),
        refused=True,
    ),
    Entry("answer-is-a-test", "makes an answer a test that shows 100", change=graded_answer),
    Entry(
        "names-exchanged", "exchanges the names of a test and an answer", change=answers_as_tests
    ),
    Entry(
        "id-is-a-list",
        "gives a test a list for a name",
        change=edited("double", grade_id=["double"]),
    ),
    Entry("nbgrader-is-a-list", "makes nbgrader's metadata a list", change=nbgrader(["double"])),
    Entry("nbgrader-is-text", "makes nbgrader's metadata a text", change=nbgrader("double")),
    Entry(
        "points-not-a-number",
        "gives a test points that are no number",
        change=edited("double", points=float("nan")),
    ),
    Entry(
        "points-are-text", "gives a test a text for points", change=edited("double", points="100")
    ),
    Entry(
        "as-a-task", "makes a test a task of its own", change=edited("double", task=True, points=50)
    ),
    Entry(
        "own-exercise", "adds an exercise of its own, worth a thousand points", change=new_exercise
    ),
    Entry("many-cells", "hands in five thousand cells", change=many_cells, refused=True),
    Entry(
        "millions-of-parts",
        "hands in three million empty lists in a notebook of 12 MB",
        change=brackets,
        refused=True,
    ),
    Entry("names-alike", "adds tests whose names look like another's", change=alike),
    Entry("ids-are-one", "gives all cells the id of one test", change=ids("net")),
    Entry("ids-are-scripts", "gives cells a script for an id", change=ids("'><script>")),
    Entry("ids-are-long", "gives cells ids of a million characters", change=ids("a" * 10**6)),
    Entry("half-characters", "writes text that no file can hold", change=half_character),
    Entry(
        "terminal-codes",
        "writes codes that take over a terminal where a word is expected",
        change=terminal,
        refused=True,
    ),
    Entry(
        "no-metadata",
        "hands in cells without metadata",
        change=lambda nb: [c.pop("metadata") for c in nb.cells] and None,
    ),
    Entry(
        "folder-is-a-link",
        "hands in a link to another's folder",
        files=folder_is_a_link,
        refused=True,
    ),
    Entry(
        "folders-without-end", "nests two hundred folders", files=folders_without_end, refused=True
    ),
    Entry("many-files", "hands in three thousand files", files=many_files, refused=True),
    Entry(
        "sparse-file", "hands in a file of 10 GB that takes no space", files=sparse, refused=True
    ),
    Entry("odd-names", "hands in files whose names are no text", files=odd_names),
    Entry(
        "special-files",
        "hands in a pipe, a socket and a link to endless zeros",
        files=special_files,
    ),
    Entry(
        "shadows",
        "hands in modules and settings that are loaded at a kernel's start",
        files=shadows,
    ),
    Entry("own-settings", "hands in a gradebook and nbgrader's settings", files=own_settings),
    Entry(
        "another-notebook", "hands in the work under another name", RIGHT, files=another_notebook
    ),
    Entry(
        "time-long-ago",
        "says that it was handed in in 1970",
        files=timed("1970-01-01 00:00:00 UTC"),
    ),
    Entry(
        "time-in-zone",
        "says a time in a zone that does not exist",
        files=timed("2020-01-01 00:00:00 +9999"),
    ),
    Entry("time-is-huge", "hands in a time of 50 MB", files=timed("1" * 50_000_000)),
]
