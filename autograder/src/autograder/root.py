"""Where the course is on disk.

It loads nothing slow: a run that `autograder serve` takes needs no more than this.
"""

import os
from pathlib import Path

TABLE = Path("course") / "course.toml"
ROOM = ".autograder"  # the folder of the grader's notes, beside the gradebook


class CourseError(Exception):
    """An error that a person can fix; the command line shows its text and no traceback."""


def find_root() -> Path:
    """The folder that holds `course/course.toml`.

    COURSE_ROOT names it. Otherwise it is the working folder or its nearest parent that holds one.

    Raises:
        CourseError: If COURSE_ROOT names no folder, or if there is no course here.
    """
    named = os.environ.get("COURSE_ROOT")
    if named:
        root = Path(named).expanduser().resolve()
        if not root.is_dir():
            raise CourseError(
                f"COURSE_ROOT is {named}, but there is no such folder: correct it or unset it."
            )
        return root
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / TABLE).is_file():
            return folder
    raise CourseError(
        f"There is no {TABLE} in {here} or in a folder above it, so there is no course here: run "
        "this in the folder of your course, set COURSE_ROOT to that folder, or make a course with "
        "autograder new FOLDER."
    )
