"""Reads who a file belongs to from its name, in the form that each platform gives it.

A student chooses only the end of such a name. So the first number, id or time in it is the
platform's, whatever the rest says, and names deeper in the tree than the platform's own say
nothing. docs/collecting.md names where each form is documented.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from autograder.classlist.names import folded
from autograder.classlist.roster import Roster, Student, each_id
from autograder.handin import paths

MOODLE, CANVAS, BLACKBOARD = "moodle", "canvas", "blackboard"
GITHUB, NBGRADER, FOLDER = "github", "nbgrader", "folder"

_MOODLE = re.compile(r"(?P<who>.*?)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)_?(?P<rest>.*)")
_CANVAS = re.compile(
    r"(?P<who>.*?)(?P<late>_LATE|^LATE)?_?(?:(?<![^_])(?P<anon>anon_[A-Za-z0-9]+)|(?<=_)(?P<id>\d+))"
    r"_(?:(?P<file>\d+)_(?P<rest>.+)|(?P<text>text\.html|link\.html))"
)
_BLACKBOARD = re.compile(
    r"(?P<head>.+?)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<rest>.+)|(?P<note>\.txt)|)"
)
_INBOUND = re.compile(
    r"(?P<id>.+)\+(?P<assignment>[^+]+)\+"
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:[A-Za-z]\w*|[+-]\d{4}))(?:\+[^+]+)?"
)
_INBOX = "inbound"  # where nbgrader's exchange has what students submitted
_NUMBERED = re.compile(r"(?P<base>.*?)(?:-(?P<number>\d{1,3}))?(?P<ending>\.[^.]*)")


@dataclass(frozen=True)
class Sign:
    """What the name of a file says.

    Attributes:
        platform: The platform whose form the name has.
        id: What the platform calls the person; empty if it gives a name only.
        who: The person's name as the platform writes it.
        rest: The path of the file in what the person handed in; empty if it is no file of theirs.
        time: When it was handed in, without a time zone if the platform gives none.
        number: Canvas's number of an attempt.
        late: Whether the platform calls it late.
        attempt: What tells two hand-ins of one person apart.
        assignment: The assignment, where the platform's name says it.
        note: Whether this is the platform's own note about a hand-in.
        unclear: Whether another reading of the name has another person.
    """

    platform: str
    id: str = ""
    who: str = ""
    rest: str = ""
    time: datetime | None = None
    number: int = 0
    late: bool = False
    attempt: str = ""
    assignment: str = ""
    note: bool = False
    unclear: bool = False


def signs(
    listed: Iterable[str], name: str, others: Iterable[str], roster: Roster, top: str = ""
) -> tuple[dict[str, Sign], int]:
    """What the paths of one archive say.

    The platform's names stand side by side at one level. What lies deeper was named by students.

    Args:
        listed: The paths of all files in it.
        name: The assignment that is collected.
        others: The names of all assignments.
        roster: The roster; folders and files may be named after its students.
        top: What the archive itself is called.

    Returns:
        The sign of each path that has one, and how many folders lie above that level.
    """
    slugs = [_slug(name), _slug(top).removesuffix("-submissions")]
    # A folder has an empty name after its own.
    here = {path: paths.parts(path) + [""] * path.endswith("/") for path in listed}
    return _level(here, 0, name, {*others, name}, roster, slugs)


def _level(
    here: dict[str, list[str]], depth: int, name: str, others: set[str], roster: Roster,
    slugs: list[str],
) -> tuple[dict[str, Sign], int]:  # fmt: skip
    """The signs at the first level that has some, and that level."""
    folders = {parts[0] for parts in here.values() if len(parts) > 1}
    found = {
        path: sign
        for path, parts in here.items()
        if _INBOX not in folders
        and (sign := _strong(parts) or _weak(parts, name, others, roster, slugs))
    }
    sure = any(sign.platform != GITHUB for sign in found.values())
    if not folders or sure or (found and len(folders) > 1) or depth >= paths.MAX_DEPTH:
        return found, depth
    if len(folders) > 1 and _INBOX not in folders:
        return _side_by_side(here), depth + 1
    only = _INBOX if _INBOX in folders else folders.pop()
    below = {p: parts[1:] for p, parts in here.items() if len(parts) > 1 and parts[0] == only}
    more = [*slugs, _slug(only).removesuffix("-submissions")]
    deeper = _level(below, depth + 1, name, others, roster, more)
    # One folder around everything may be called as a repository of one student would be.
    if not found or len({(sign.platform, sign.id) for sign in deeper[0].values()}) > 1:
        return deeper
    return found, depth


def _side_by_side(here: dict[str, list[str]]) -> dict[str, Sign]:
    """The signs in several unpacked archives, if every folder looks like one."""
    found = {p: sign for p, parts in here.items() if (sign := _strong(parts[1:]))}
    folders = {parts[0] for parts in here.values() if len(parts) > 1}
    return found if folders == {here[path][0] for path in found} else {}


def _strong(parts: list[str]) -> Sign | None:
    """A sign in a form that nobody gives a file by chance."""
    return _first((_moodle, _inbound, _blackboard), parts) if parts else None


def _first(forms: Iterable[Callable[[list[str]], Sign | None]], parts: list[str]) -> Sign | None:
    return next((sign for form in forms if (sign := form(parts))), None)


def _moodle(parts: list[str]) -> Sign | None:
    """ "Ana García_4821_assignsubmission_file/x.ipynb" or "…_file_x.ipynb"."""
    if not (found := _MOODLE.fullmatch(parts[0])):
        return None
    rest = "/".join([found["rest"], *parts[1:]]).strip("/") if found["kind"] == "file" else ""
    return Sign(MOODLE, found["id"], found["who"], rest)


def _inbound(parts: list[str]) -> Sign | None:
    """ "ana+03_net_1+2026-01-30 20:30:10.123456 UTC+random", a folder of nbgrader's exchange."""
    if not (found := _INBOUND.fullmatch(parts[0])):
        return None
    said, time = found["time"], None
    for form in ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S"):
        stamp, _, zone = said.rpartition(" ")
        try:
            time = datetime.strptime(stamp, form)
            if zone[0] in "+-":
                time = datetime.strptime(f"{stamp} {zone}", f"{form} %z")
            elif zone in ("UTC", "GMT", "Z"):
                time = time.replace(tzinfo=UTC)
            break
        except ValueError:
            continue
    rest = "/".join(parts[1:])
    return Sign(
        NBGRADER, found["id"], "", rest, time, attempt=parts[0], assignment=found["assignment"]
    )


def _blackboard(parts: list[str]) -> Sign | None:
    """ "gradebook_COURSE_Assignment_ana_attempt_2026-01-30-20-30-10_x.ipynb"; `persons` finds
    where the id begins."""
    if not (found := _BLACKBOARD.fullmatch(parts[0])):
        return None
    try:
        time = datetime.strptime(found["time"], "%Y-%m-%d-%H-%M-%S")
    except ValueError:
        return None
    rest = "/".join([found["rest"] or "", *parts[1:]]).strip("/")
    is_note = bool(found["note"]) and len(parts) == 1
    return Sign(BLACKBOARD, "", found["head"], rest, time, attempt=found["time"], note=is_note)


def _weak(
    parts: list[str], name: str, others: set[str], roster: Roster, slugs: list[str]
) -> Sign | None:
    """A sign that counts only where a platform puts it: at the top of the archive."""
    if len(parts) == 1 and (sign := canvas(parts[0], roster)):
        return sign
    if len(parts) > 1 and (login := _login(parts[0], roster, slugs)):
        return Sign(GITHUB, login, "", "/".join(parts[1:]))
    if len(parts) > 2 and parts[1] in others:  # nbgrader's submitted/ana/03_net_1/
        return Sign(NBGRADER, parts[0], "", "/".join(parts[2:]), assignment=parts[1])
    return _named(parts, name, roster)


def canvas(file: str, roster: Roster) -> Sign | None:
    """ "garcialopezana_LATE_12345_678901_x-1.ipynb": the person's number, then the file's.

    Canvas itself takes the first number when such files come back. A name such as "smith_2" ends
    with a number too: if the roster knows a later number under this name, and not the first one,
    the later one is the person's.
    """
    found = _CANVAS.fullmatch(file)
    if not found:
        return None
    if found["anon"]:
        return _of_canvas(found, found["anon"], found["who"])
    first = roster.find(CANVAS, found["id"])
    if found["rest"] and not (first and _is_called(found["who"], first)):
        start = found.end("id")
        while later := re.compile(r"_(\d+)_(\d+)_(.+)").match(file, start):
            student = roster.find(CANVAS, later[1])
            if student and _is_called(file[:start], student):
                return Sign(CANVAS, later[1], file[:start], *_numbered(later[3]))
            start = later.end(1)
    return _of_canvas(found, found["id"], found["who"])


def _is_called(who: str, student: Student) -> bool:
    return folded(who).replace(" ", "") in rotations(student.name)


def _of_canvas(found: re.Match[str], id: str, who: str) -> Sign:
    late = bool(found["late"])
    if found["text"]:
        return Sign(CANVAS, id, who, late=late)
    rest, _, number = _numbered(found["rest"])
    return Sign(CANVAS, id, who, rest, None, number, late)


def _numbered(file: str) -> tuple[str, None, int]:
    """A file's name without the number that Canvas gives a newer attempt, and that number."""
    if not (found := _NUMBERED.fullmatch(file)) or not found["number"]:
        return file, None, 0
    return found["base"] + found["ending"], None, int(found["number"])


def rotations(name: str) -> set[str]:
    """A person's name in one word, beginning with any of its parts, as Canvas may write it."""
    words = folded(name).split()
    return {"".join(words[k:] + words[:k]) for k in range(len(words))}


def _login(folder: str, roster: Roster, slugs: list[str]) -> str:
    """The user name in a repository's name, "03-net-1-ana-g"; empty if none is clear."""
    lower = folder.lower()
    if lower.endswith("-submissions"):  # what GitHub's own program calls the folder around them
        return ""
    for slug in slugs:
        if slug and _slug(lower[: len(slug)]) == slug and lower[len(slug) :].startswith(("-", "_")):
            return folder[len(slug) + 1 :]
    known = [each for one in roster.students for each in each_id(GITHUB, one.ids.get(GITHUB, ""))]
    ends = [login for login in known if lower.endswith(f"-{login.lower()}")]
    return ends[0] if len(ends) == 1 else ""


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _named(parts: list[str], name: str, roster: Roster) -> Sign | None:
    """A folder or file that is named after a student of the roster."""
    rest = "/".join(parts[1:])
    if len(parts) > 1:
        wanted = [parts[0], *map(str.strip, parts[0].split(" - "))]
    else:
        stem = parts[0].partition(".")[0]
        wanted = [stem, *map(str.strip, stem.split(" - "))]
        bare = _slug(stem)
        for taken in (_slug(name),):
            wanted += [bare.removesuffix(f"-{taken}"), bare.removeprefix(f"{taken}-")]
            if stem.lower().endswith(f"_{name}"):
                wanted.append(stem[: -len(name) - 1])
            if stem.lower().startswith(f"{name}_"):
                wanted.append(stem[len(name) + 1 :])
        rest = parts[0]
    found = {id for each in wanted for id in _ids(each, roster)}
    if len(found) == 1:
        return Sign(FOLDER, found.pop(), "", rest, attempt=parts[0])
    return Sign(FOLDER, "", wanted[0], rest, attempt=parts[0]) if len(found) > 1 else None


def _ids(text: str, roster: Roster) -> set[str]:
    """The ids of the roster's students whom a text can mean, by id, address, login or name."""
    if not text.strip():
        return set()
    by_login = [roster.find(one, text) for one in (GITHUB, BLACKBOARD, "canvas_login")]
    exact = {one.id for one in (roster.get(text), roster.with_email(text), *by_login) if one}
    return exact or {one.id for one in roster.named(text)}
