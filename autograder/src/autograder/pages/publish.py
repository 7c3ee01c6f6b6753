"""What students get of a course: its release notebooks, convcourse's wheel, a page of contents.

`collected` makes all files in memory and looks for secrets in them; `written` puts them somewhere.
Nothing of ``course/`` or ``source/`` is among them.
"""

import hashlib
import subprocess
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import convcourse
from autograder.course import Course
from autograder.pages import contents
from autograder.pages.addresses import Address
from autograder.root import ROOM, TABLE, CourseError
from autograder.text import release
from autograder.text.cells import MARKS
from autograder.text.setup import SetUp
from convcourse.files import day, write_whole

KINDS = ("site", "git", "archive")
SUMS = "SHA256SUMS"  # names every published file, so that the next time knows its own
_PRIVATE = ("course", "source", "release", "submitted", "autograded", "feedback", ROOM)
_WHEEL = f"convcourse-{convcourse.__version__}-py3-none-any.whl"
_LONG = 4  # digits of a seed that no other number in the files happens to be


def collected(
    course: Course,
    names: Sequence[str] = (),
    *,
    kind: str = "site",
    wheel: Path | None = None,
    generate: release.Generate,
) -> dict[str, bytes]:
    """The content of every file that is published, by its path.

    Args:
        course: The course.
        names: The assignments to publish; all by default.
        kind: One of `KINDS`.
        wheel: The wheel of convcourse; by default course.toml's, or that in ``dist`` or ``wheels``.
        generate: See `autograder.text.release.build`.

    Raises:
        CourseError: If the notebooks are not those that are graded, if the wheel is missing or
            another one, or if a file shows a secret.
    """
    for name in names:
        course.assignment(name)
    built = release.build(course, generate=generate)
    chosen = [name for name in course.names if name in names or not names]
    chosen = [name for name in chosen if course.release_path(name) in built]
    if not chosen:
        raise CourseError("There are no texts in course/ yet, so there is nothing to publish.")
    own = {path: text for path, text in built.items() if path.stem in chosen}
    if differing := release.differences(course, own, chosen):
        raise CourseError(
            "\n".join(differing) + "\nRun autograder build first: students must get the notebooks "
            "that you grade."
        )
    package = _wheel(course, wheel)
    set_up = SetUp(course)
    # In a repository, the badges lead to release/; elsewhere the wheel lies beside the notebooks.
    below = "release/{0}/{0}.ipynb" if kind == "git" and course.repository else "{0}.ipynb"
    places = {name: below.format(name) for name in chosen}
    notebooks = {name: built[course.release_path(name)] for name in chosen}
    colab = {name: _address_of(set_up.badge(name)) for name in chosen}
    listed = contents.entries(course, places, colab)
    files = {places[name]: text.encode() for name, text in notebooks.items()}
    files["index.html"] = contents.html(course, listed, _WHEEL).encode()
    files["README.md"] = contents.markdown(course, listed, _WHEEL).encode()
    files[_WHEEL] = package
    secrets = [*_leaks(course, notebooks), *_secrets(course, files)]
    if secrets:
        raise CourseError("\n".join(secrets) + "\nNothing was published.")
    sums = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return files | {SUMS: "".join(sums).encode()}


def _address_of(badge: str) -> str:
    """The address of a badge, which ends with it in brackets."""
    return badge.rpartition("(")[2].rstrip(")")


def _wheel(course: Course, named: Path | None) -> bytes:
    """The wheel of convcourse, which must be the package that is installed here."""
    places = [named] if named else [course.root / course.wheel] if course.wheel else []
    places = places or [course.root / folder / _WHEEL for folder in ("dist", "wheels")]
    path = next((place for place in places if place.is_file()), None)
    if path is None or path.name != _WHEEL:
        raise CourseError(
            f"Students need {_WHEEL}, and it is not there as {places[0]}: run make wheels in the "
            f"repository of convcourse, copy that file to {course.root / 'wheels'}, or name it "
            "with --wheel."
        )
    content = path.read_bytes()
    package = Path(convcourse.__file__).parent
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            held = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        raise CourseError(f"{path} is not a wheel: run make wheels again.") from None
    mine = {f"convcourse/{file.relative_to(package)}": file for file in package.rglob("*.py")}
    other = [name for name, file in mine.items() if held.get(name) != file.read_bytes()]
    strange = [name for name in held if not name.startswith(("convcourse/", "convcourse-"))]
    if other or strange:
        raise CourseError(
            f"{path} is not the convcourse that is installed here ({(other + strange)[0]} "
            "differs): run make wheels again."
        )
    if course.wheel and named and content != (course.root / course.wheel).read_bytes():
        raise CourseError(f"{named} is not {course.wheel}, whose SHA-256 is in the notebooks.")
    return content


def _leaks(course: Course, notebooks: dict[str, str]) -> Iterator[str]:
    """Solutions and hidden tests of any assignment in the notebooks that are published."""
    for name, text in release.texts_of(course).items():
        yield from map(str, release.find_leaks(name, text, notebooks))


def _secrets(course: Course, files: Mapping[str, bytes]) -> Iterator[str]:
    """Marks of solutions and hidden tests, and the seed of the images that judge, in any file."""
    marks = {f"### BEGIN {mark}": "what students must not see" for mark in MARKS}
    kept = course.root / ROOM / "heldout_seed"
    seeds = {str(course.heldout_seed)}
    if kept.is_file():
        seeds.add(kept.read_text(encoding="utf-8", errors="replace").strip())
    marks |= {seed: "the seed of the images that judge" for seed in seeds if len(seed) > _LONG}
    for name, content in files.items():
        if not name.endswith(".whl"):
            for mark, what in marks.items():
                if mark.encode() in content:
                    yield f"{name} shows {what}."


def addresses(course: Course, files: Mapping[str, bytes]) -> list[Address]:
    """What will be asked of the addresses in course.toml."""
    url, _, digest = SetUp(course).wheel.partition("#sha256=")
    found = []
    notebooks = [Path(name).stem for name in files if name.endswith(".ipynb")]
    for name in notebooks if course.repository else ():
        place = f"{course.repository}/blob/{course.tag}/release/{name}/{name}.ipynb"
        todo = f"push what publish --for git writes, and the tag {course.tag}"
        found.append(Address(f"What the badge of {name} opens", place, missing=todo))
    if course.site:
        for name in files:
            if name != SUMS and not name.endswith(".whl"):
                found.append(Address(name, f"{course.site.rstrip('/')}/{name}"))
    if url:
        to = f"upload {_WHEEL} to it"
        if not course.site:
            to = f"attach {_WHEEL} to the release {course.tag}"
        found.append(Address("The wheel", url, digest, to))
    return found


# ------------------------------------------------------------------ where it goes


def written(course: Course, files: Mapping[str, bytes], to: Path, kind: str) -> Path:
    """Write the files as a folder, a Git repository or an archive; returns where.

    Raises:
        CourseError: If something of somebody else's would be overwritten or published.
    """
    to = to.expanduser().resolve()
    if (to / TABLE).is_file():
        raise CourseError(f"{to} is a course, with its solutions: name another folder.")
    if course.root.is_relative_to(to):
        raise CourseError(f"{to} holds this course, with its solutions: name another folder.")
    inside = to.relative_to(course.root).parts[:1] if to.is_relative_to(course.root) else None
    if inside == () or (inside and inside[0] in _PRIVATE):
        raise CourseError(f"{to} belongs to the course itself: name another folder.")
    try:
        return _written(course, files, to, kind)
    except OSError as error:
        raise CourseError(f"{to} cannot be written: {error.strerror or error}.") from None


def _written(course: Course, files: Mapping[str, bytes], to: Path, kind: str) -> Path:
    if kind == "archive":
        to = to if to.suffix == ".zip" else to.with_name(f"{to.name}.zip")
        names = [Path(name).stem for name in files if name.endswith(".ipynb")]
        return _archived(files, to, day(map(course.release_path, names)))
    if to.is_file():
        raise CourseError(f"{to} is a file: name a folder, or pass --for archive.")
    before = _before(to)
    for name, content in files.items():
        path = to / name
        if path.exists() and name != SUMS and name not in before and path.read_bytes() != content:
            raise CourseError(
                f"{path} is there, and autograder publish did not write it: move it, or name "
                "another folder. Nothing was published."
            )
    for name in before - set(files):
        (to / name).unlink(missing_ok=True)
        _remove_empty((to / name).parent, to)
    for name, content in files.items():
        write_whole(to / name, content)
    return to


def _before(to: Path) -> set[str]:
    """The files that an earlier `publish` wrote there and nobody has changed since."""
    found = set()
    sums = to / SUMS
    for line in sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else ():
        digest, _, name = line.partition("  ")
        path = (to / name).resolve()
        mine = path.is_relative_to(to) and path.is_file()
        if mine and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            found.add(name)
    return found


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _is_own(archive: Path) -> bool:
    """Whether an archive holds the files that an earlier `publish` put there and nothing else."""
    try:
        with zipfile.ZipFile(archive) as held:
            lines = held.read(SUMS).decode().splitlines()
            sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
            return {*held.namelist()} == {SUMS, *sums} and all(
                hashlib.sha256(held.read(name)).hexdigest() == sums[name] for name in sums
            )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error):
        return False


def _archived(files: Mapping[str, bytes], to: Path, dated: tuple) -> Path:
    if to.exists() and not _is_own(to):
        raise CourseError(
            f"{to} is there, and autograder publish did not write it: move it, or name another "
            "file. Nothing was published."
        )
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, dated)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    write_whole(to, packed.getvalue())
    return to


def committed(course: Course, files: Mapping[str, bytes], to: Path) -> list[str]:
    """Commit the files in a Git repository at ``to``, which is made if there is none.

    Returns:
        What to do next, a sentence each.

    Raises:
        CourseError: If Git did not commit; the files are written all the same.
    """

    def git(*words: str) -> subprocess.CompletedProcess[str]:
        asked = ["git", "-c", "commit.gpgsign=false", *words]
        return subprocess.run(
            asked, cwd=to, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    try:
        if not (to / ".git").exists():
            git("init", "--quiet")
        before = {
            line.partition("  ")[2] for line in git("show", f"HEAD:{SUMS}").stdout.split("\n")
        }
        gone = [name for name in before - {"", *files} if not (to / name).exists()]
        git("add", "--all", "--force", "--", *files, *gone)  # also where *.whl is ignored
        changed = git("status", "--porcelain", "--", *files, *gone).stdout
        message = course.title or "Notebooks"
        done = git("commit", "--quiet", "-m", message, "--", *files, *gone) if changed else None
    except OSError:
        raise CourseError(
            f"Git is not installed here, so nothing was committed: commit {to} yourself."
        ) from None
    if done is not None and done.returncode:
        why = next(iter(done.stderr.strip().splitlines()), "it gave no reason")
        raise CourseError(f"Git did not commit ({why}): commit {to} yourself.")
    said = [f"Committed in {to}." if done else "Nothing has changed since the last commit."]
    if course.repository:
        said.append(
            f"Push it to {course.repository}, tag it {course.tag}, push the tag, and make a "
            f"release of that tag with {_WHEEL} attached."
        )
    return said
