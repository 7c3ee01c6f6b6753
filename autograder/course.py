"""Where the course lies on disk, and what `course/course.toml` says about its assignments."""

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

TABLE = Path("course") / "course.toml"


class CourseError(Exception):
    """Something that a person has to mend; its text is all that the command line shows."""


@dataclass(frozen=True)
class Assignment:
    """One assignment as `course.toml` describes it; `minutes` and `points` are whole numbers."""

    name: str
    title: str
    minutes: int
    points: int
    builds_on: tuple[str, ...] = ()
    thresholds: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Course:
    """The course: its root folder, the settings for all notebooks, its assignments in order."""

    root: Path
    colab: str = ""
    kernel: str = "python3"
    assignments: tuple[Assignment, ...] = ()
    heldout_seed: int = 1  # of the images that judge; a number in this file every kernel can read

    @property
    def names(self) -> list[str]:
        """The assignments' names in the order in which they are taught."""
        return [assignment.name for assignment in self.assignments]

    def assignment(self, name: str) -> Assignment:
        """The assignment of that name; a `CourseError` lists the names that there are."""
        for assignment in self.assignments:
            if assignment.name == name:
                return assignment
        known = ", ".join(self.names) or "none yet"
        raise CourseError(f"There is no assignment {name} in {TABLE}; it lists: {known}.")

    def threshold(self, key: str, profile: str) -> float:
        """The number that an exercise such as `net1-accuracy` must reach under a profile."""
        for assignment in self.assignments:
            if key in assignment.thresholds:
                by_profile = assignment.thresholds[key]
                if profile in by_profile:
                    return by_profile[profile]
                known = ", ".join(by_profile)
                raise CourseError(
                    f'The threshold "{key}" of {assignment.name} has no value for the profile '
                    f"{profile}, only for {known}: add it to {TABLE}."
                )
        raise CourseError(f'No assignment in {TABLE} has a threshold "{key}": add it there.')

    def text_path(self, name: str) -> Path:
        """The authors' text of an assignment."""
        return self.root / "course" / f"{name}.py"

    def source_path(self, name: str) -> Path:
        """The notebook with solutions and hidden tests that is built from the text."""
        return self.root / "source" / name / f"{name}.ipynb"

    def release_path(self, name: str) -> Path:
        """The students' notebook that nbgrader makes from the source notebook."""
        return self.root / "release" / name / f"{name}.ipynb"


def find_root() -> Path:
    """The folder that holds `course/course.toml`.

    COURSE_ROOT names it; else it is looked for from the working folder upwards; else it is the
    folder that this package was installed from. A `CourseError` says when COURSE_ROOT is wrong.
    """
    named = os.environ.get("COURSE_ROOT")
    if named:
        root = Path(named).expanduser().resolve()
        if not root.is_dir():
            raise CourseError(
                f"COURSE_ROOT is {named}, but that is no folder: correct or unset it."
            )
        return root
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / TABLE).is_file():
            return folder
    return Path(__file__).resolve().parents[1]


def load(root: Path | None = None) -> Course:
    """The course below `root` (by default `find_root()`); without `course.toml` it is empty."""
    root = find_root() if root is None else Path(root).resolve()
    path = root / TABLE
    if not path.is_file():
        return Course(root)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{TABLE} cannot be read: {error}.") from None
    assignments = tuple(_assignment(entry) for entry in table.get("assignment", []))
    colab, kernel = table.get("colab", ""), table.get("kernel", "python3")
    return Course(root, colab, kernel, assignments, table.get("heldout_seed", 1))


def _assignment(entry: dict) -> Assignment:
    name = entry.get("name", "without a name")
    missing = [key for key in ("name", "title", "minutes", "points") if key not in entry]
    if missing:
        raise CourseError(f"{TABLE}: the assignment {name} lacks {', '.join(missing)}: add it.")
    return Assignment(
        name=name,
        title=entry["title"],
        minutes=entry["minutes"],
        points=entry["points"],
        builds_on=tuple(entry.get("builds_on", ())),
        thresholds=entry.get("thresholds", {}),
    )
