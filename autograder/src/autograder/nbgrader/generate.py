"""Generates the students' notebooks from source notebooks with nbgrader's own converter."""

import logging
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

from nbformat import NotebookNode
from traitlets.config import Config

from autograder.course import Course
from autograder.nbgrader import config as configuration


def generate(course: Course, sources: dict[str, str]) -> dict[str, str]:
    """The students' notebooks that nbgrader generates from source notebooks.

    nbgrader works in a temporary course folder with its own gradebook and with this course's
    `nbgrader_config.py`; the course folder is not changed.

    Args:
        course: The course.
        sources: The source notebooks as JSON text, by assignment name.

    Returns:
        The students' notebooks as JSON text, by assignment name.
    """
    if not sources:
        return {}
    # Imported here, because nbgrader takes seconds to load and most verbs do not need it.
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory

    from autograder.nbgrader import new_gradebook

    with TemporaryDirectory(prefix="release-") as folder:
        root = Path(folder).resolve()
        for name, text in sources.items():
            path = root / "source" / name / f"{name}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")
        config = configuration.load(course.root)
        config.CourseDirectory.root = str(root)
        config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
        config.CourseDirectory.assignment_id = "*"
        log = logging.getLogger("autograder.release")
        log.setLevel(logging.ERROR)
        coursedir = CourseDirectory(config=config, log=log)
        new_gradebook.stamp(coursedir.db_url)
        GenerateAssignment(coursedir=coursedir, config=config, log=log).start()
        release = root / "release"
        return {
            name: (release / name / f"{name}.ipynb").read_text(encoding="utf-8") for name in sources
        }


def released(source: NotebookNode, config: Config) -> list[str]:
    """The text of each cell of a source notebook as students get it.

    Args:
        source: The source notebook.
        config: nbgrader's settings, which say what stands in place of a solution.
    """
    from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions

    nb = deepcopy(source)
    for kind in (ClearSolutions, ClearHiddenTests):
        nb, _ = kind(config=config).preprocess(nb, {})
    return [cell.source for cell in nb.cells]
