"""What `course/course.toml` says about the course and its assignments."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autograder.late import Policy, moment, parse
from autograder.root import TABLE, CourseError, find_root
from convcourse.profile import PROFILES

# Without encryption only on this machine, to try it out.
_SITE = re.compile(
    r"(?:https://[\w.-]+|http://(?:localhost|127\.0\.0\.1))(?::\d+)?(?:/[\w.~%/-]*)?"
)
COUNTS = ("best", "last")  # of the attempts at an assignment


@dataclass(frozen=True)
class Assignment:
    """One assignment as `course.toml` describes it; `minutes` and `points` are whole numbers.

    `due` is in UTC, and None where course.toml names none. `late` is None where nothing is said.
    `attempts_per_day` and `counts` are for `autograder watch`; 0 attempts stands for no limit.
    """

    name: str
    title: str
    minutes: int
    points: int
    builds_on: tuple[str, ...] = ()
    thresholds: dict[str, dict[str, float]] = field(default_factory=dict)
    due: datetime | None = None
    late: Policy | None = None
    attempts_per_day: int = 0
    counts: str = "last"


@dataclass(frozen=True)
class Course:
    """The course: its root folder, the settings for all notebooks, its assignments in order.

    Attributes:
        root: The folder that holds ``course/``.
        title: The course's name, for the class page.
        kernel: The kernelspec that the notebooks name.
        repository: Where the course is published, as ``https://github.com/OWNER/NAME``; empty
            until it is. Students' notebooks install nothing from any other address.
        tag: The tag of the release that the notebooks belong to.
        wheel: The path of that release's wheel of convcourse, whose SHA-256 goes into them.
        site: Where `autograder publish` puts the notebooks and the wheel, as ``https://HOST/PATH``;
            empty if they are on no site. It takes the place of the repository for the wheel.
        heldout_seed: The seed of the images that the judge uses. `autograder grade` takes the
            course's own (`run.secret`); 1 serves tests and stock nbgrader, whose kernels could
            read any.
        timezone: Where the class lives, such as ``Europe/Berlin``; empty if nothing is said.
        assignments: The assignments, in the order in which they are taught.
    """

    root: Path
    title: str = ""
    kernel: str = "python3"
    repository: str = ""
    tag: str = ""
    wheel: str = ""
    site: str = ""
    heldout_seed: int = 1
    timezone: str = ""
    assignments: tuple[Assignment, ...] = ()

    @property
    def zone(self) -> ZoneInfo | None:
        """The time zone of the class, if course.toml names one."""
        return ZoneInfo(self.timezone) if self.timezone else None

    @property
    def names(self) -> list[str]:
        """The assignments' names in the order in which they are taught."""
        return [assignment.name for assignment in self.assignments]

    def assignment(self, name: str) -> Assignment:
        """The assignment with this name.

        Raises:
            CourseError: If there is none; the error gives the nearest name and the known ones.
        """
        for assignment in self.assignments:
            if assignment.name == name:
                return assignment
        raise unknown(name, self.names, f" in {TABLE}")

    @property
    def known(self) -> list[str]:
        """The assignments in `course.toml`, and then those that only have a text or a source."""
        texts = (path.stem for path in sorted((self.root / "course").glob("*.py")))
        sources = (path.stem for path in sorted((self.root / "source").glob("*/*.ipynb")))
        return list(dict.fromkeys([*self.names, *texts, *sources]))

    def named(self, name: str) -> str:
        """The name of an assignment, as a person gave it to a verb.

        Raises:
            CourseError: If there is none; the error gives the nearest name and the known ones.
        """
        if name not in self.known:
            raise unknown(name, self.known)
        return name

    def threshold(self, key: str, profile: str) -> float:
        """The number that an exercise must reach under a profile.

        Args:
            key: The id of the exercise's check, such as ``net1-accuracy``.
            profile: ``offline``, ``quick`` or ``full``.

        Raises:
            CourseError: If course.toml has no such number.
        """
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


def unknown(name: str, known: Iterable[str], where: str = "") -> CourseError:
    """The error about a name that no assignment has, with the nearest name that one has."""
    known = list(known)
    near = difflib.get_close_matches(name.casefold(), known, n=1)
    near = near or [one for one in known if name and name.casefold() in one][:1]
    asked = f": did you mean {near[0]}?" if near else "."
    return CourseError(
        f"There is no assignment {name}{where}{asked} "
        f"The assignments are: {', '.join(known) or 'none yet'}."
    )


def load(root: Path | None = None) -> Course:
    """The course below ``root``, by default `find_root()`. Without a course.toml it is empty.

    Raises:
        CourseError: If course.toml cannot be read, lacks a key, has an unknown one, or has a
            value of the wrong type.
    """
    root = find_root() if root is None else Path(root).resolve()
    path = root / TABLE
    if not path.is_file():
        return Course(root)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(f"{TABLE} cannot be read: {error}.") from None
    entries = table.pop("assignment", [])
    if not isinstance(entries, list):
        raise CourseError(f"{TABLE}: begin each assignment with [[assignment]], in two brackets.")
    _check(table, _COURSE, "at its top", ())
    _check_address(table)
    zone = _zone(table)
    policy = _late(table, "at its top")
    assignments = tuple(_assignment(entry, zone, policy) for entry in entries)
    names = [one.name for one in assignments]
    if twice := {name for name in names if names.count(name) > 1}:
        raise CourseError(f"{TABLE} lists {min(twice)} twice: remove one of the two.")
    return Course(root=root, assignments=assignments, **table)


def _assignment(entry: dict[str, Any], zone: ZoneInfo | None, policy: Policy | None) -> Assignment:
    name = entry.get("name", "without a name") if isinstance(entry, dict) else entry
    _check(entry, _ASSIGNMENT, f"in the assignment {name}", ("name", "title", "minutes", "points"))
    thresholds = entry.get("thresholds", {})
    for key, by_profile in thresholds.items():
        where = f'in the threshold "{key}" of {name}'
        if not isinstance(by_profile, dict):
            example = "{ offline = 0.5, quick = 0.4 }"
            raise CourseError(f"{TABLE}, {where}: write one number per profile, such as {example}.")
        _check(by_profile, dict.fromkeys(PROFILES, (int, float)), where, ())
    where = f"in the assignment {name}"
    if entry.get("counts", "last") not in COUNTS or entry.get("attempts_per_day", 1) < 1:
        raise CourseError(
            f"{TABLE}, {where}: counts is best or last, and attempts_per_day is 1 or more."
        )
    about = {"builds_on": tuple(entry.get("builds_on", ())), "due": _due(entry, zone, where)}
    return Assignment(**{**entry, **about, "late": _late(entry, where) or policy})


def _zone(table: dict[str, Any]) -> ZoneInfo | None:
    name = table.get("timezone", "")
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CourseError(
            f'{TABLE}: timezone is "{name}", which this machine does not know; write it as in '
            "Europe/Berlin."
        ) from None


def _due(entry: dict[str, Any], zone: ZoneInfo | None, where: str) -> datetime | None:
    try:
        return moment(entry["due"], zone) if "due" in entry else None
    except ValueError as error:
        raise CourseError(f"{TABLE}, {where}: due: {error}.") from None


def _late(table: dict[str, Any], where: str) -> Policy | None:
    """The policy of a table, which it loses; None if it says nothing."""
    value = table.pop("late", None)
    try:
        return None if value is None else parse(value)
    except ValueError as error:
        raise CourseError(f"{TABLE}, {where}: {error}.") from None


# The type of each key's value. To Python a `bool` is an `int`, but no key takes one.
_COURSE: dict[str, Any] = {"title": str, "kernel": str, "repository": str, "tag": str}
_COURSE |= {"wheel": str, "site": str, "heldout_seed": int, "timezone": str, "late": (dict, str)}
_ASSIGNMENT: dict[str, Any] = {"name": str, "title": str, "minutes": int, "points": int}
_ASSIGNMENT |= {"builds_on": list, "thresholds": dict, "due": (date, str), "late": (dict, str)}
_ASSIGNMENT |= {"attempts_per_day": int, "counts": str}
_TYPES: dict[Any, str] = {str: "text in quotes", int: "a whole number", (int, float): "a number"}
_TYPES |= {list: "a list of names", dict: "a table", (date, str): "a date and time"}
_TYPES |= {(dict, str): "a table, or the name of a method"}


def _check(table: Any, known: Mapping[str, Any], where: str, needed: tuple[str, ...]) -> None:
    """Refuse a key that nothing reads, one that is missing, and a value of the wrong type."""
    if not isinstance(table, dict):
        raise CourseError(f"{TABLE}, {where}: it is {table!r}; expected a table of keys.")
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            advice = f'did you mean "{near[0]}"?' if near else f"the keys are {', '.join(known)}."
            raise CourseError(f'{TABLE}, {where}: nothing reads the key "{key}"; {advice}')
        if isinstance(value, bool) or not isinstance(value, known[key]):
            kind = _TYPES[known[key]]
            raise CourseError(f"{TABLE}, {where}: {key} is {value!r}; expected {kind}.")
        if isinstance(value, list) and not all(isinstance(item, str) for item in value):
            raise CourseError(f"{TABLE}, {where}: {key} is {value!r}; expected a list of names.")
    if missing := [key for key in needed if key not in table]:
        raise CourseError(f"{TABLE}, {where}: it lacks {', '.join(missing)}: add it.")


def _check_address(table: dict[str, Any]) -> None:
    """Refuse an incomplete address of the published notebooks."""
    site = str(table.get("site", ""))
    if site and not table.get("wheel"):
        raise CourseError(f"{TABLE} gives a site without a wheel: the notebooks need both.")
    parts = ("repository", "tag", "wheel")
    given = [part for part in parts if table.get(part)]
    missing = [part for part in parts if part not in given]
    if given and missing and not (site and given == ["wheel"]):
        raise CourseError(
            f"{TABLE} gives an address for the notebooks without {' and '.join(missing)}: they "
            "need repository, tag and wheel together, or site and wheel."
        )
    if site and not _SITE.fullmatch(site):
        raise CourseError(
            f'{TABLE}: site is "{site}"; expected https://HOST/PATH, without ?, # and spaces.'
        )
    address = str(table.get("repository", ""))
    owner = address.removeprefix("https://github.com/")
    if address and (owner == address or len(owner.split("/")) != 2 or not all(owner.split("/"))):
        raise CourseError(
            f'{TABLE}: repository is "{address}"; expected https://github.com/OWNER/NAME, from '
            "which Colab opens notebooks."
        )
