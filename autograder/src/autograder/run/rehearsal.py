"""What a server does before its first run, so that no run has to.

It grades a course of one cell. Nothing of the cell is executed: what counts is what nbgrader,
nbconvert and the gradebook load and prepare when they first work. And it parses the cells of the
course's own sources, most of which come back with every submission.
"""

import contextlib
import tempfile
import warnings
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import nbformat

from autograder.root import TABLE
from autograder.run import before
from autograder.run.grade import grade
from autograder.run.job import Executed

NAME = "rehearsal"


class _Nothing:
    """Workers that give each notebook back as it came."""

    size = 1

    def submit(self, *job: Any) -> Future:
        """Return the notebook as if it had been executed."""
        _, text, *_ = job
        done: Future = Future()
        done.set_result(Executed(text, {}))
        return done

    def died(self, future: Future) -> bool:
        """Nobody dies."""
        return False

    def gave_up(self, error: BaseException) -> bool:
        """Nobody gives up."""
        return False


def sources(root: Path) -> None:
    """Parse the cells of all source notebooks; a run says what is wrong with them."""
    for path in sorted((root / "source").glob("*/*.ipynb")):
        with contextlib.suppress(Exception):  # nbformat fails in many ways on what is no notebook
            source = nbformat.read(path, as_version=4)
            before.tests_inside(source, path.stem, "judge")
            before.lacking((), source)


def run() -> None:
    """Grade one submission of one test cell, in a folder that is removed afterwards."""
    facts: dict[str, Any] = {
        "grade": True,
        "solution": False,
        "task": False,
        "locked": True,
        "points": 1,
    }
    facts |= {"grade_id": "cell", "cell_type": "code", "schema_version": 3}
    cell = nbformat.v4.new_code_cell("", metadata={"nbgrader": facts})
    notebook = nbformat.v4.new_notebook(cells=[cell])
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as place:
        root = Path(place)
        (root / TABLE).parent.mkdir()
        (root / TABLE).touch()
        for folder in (root / "source" / NAME, root / "submitted" / "one" / NAME):
            folder.mkdir(parents=True)
            nbformat.write(notebook, folder / f"{NAME}.ipynb")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="nbgrader")
            grade(root, NAME, workers=_Nothing())
