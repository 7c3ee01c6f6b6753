"""What became of the mutants of a course: which survived, and which are equivalent."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from autograder.course import Course
from autograder.root import CourseError
from autograder.run import mutate, progress
from autograder.run.mutate import Judged
from autograder.run.trial import DIED, HIDDEN, TIMEOUT, VISIBLE

CAUGHT = (VISIBLE, HIDDEN, TIMEOUT, DIED)
WIDTH = 110  # of the table, where the output is no terminal


def equivalents(course: Course, name: str) -> dict[str, str]:
    """Why each listed mutant computes the same as the reference, by its id.

    Raises:
        CourseError: If the list cannot be read, or an entry does not say why.
    """
    path = course.root / "course" / "equivalents" / f"{name}.toml"
    if not path.is_file():
        return {}
    place = path.relative_to(course.root)
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", [])
        found = {str(entry["id"]): str(entry["why"]).strip() for entry in entries}
    except (ValueError, KeyError, TypeError):
        raise CourseError(
            f"{place} cannot be read: each [[mutant]] needs an id and a why."
        ) from None
    for key, why in found.items():
        if not why:
            raise CourseError(f"{place} does not say why {key} is equivalent: fill in its why.")
    return found


def survivors(judged: Sequence[Judged], known: Mapping[str, str]) -> list[Judged]:
    """The mutants that no check noticed and that the list does not name."""
    return [one for one in judged if one.survived and one.mutant.id not in known]


def stale(judged: Sequence[Judged], known: Mapping[str, str], all_judged: bool) -> Iterator[str]:
    """One sentence for each entry of the list that names no survivor.

    Args:
        judged: The judged mutants.
        known: The list.
        all_judged: Whether these are all mutants of the text, so that any other id is unknown.
    """
    survived = {one.mutant.id: one.survived for one in judged}
    for key in known:
        if key in survived and not survived[key]:
            yield f"{key} is listed as equivalent, but a check notices it: remove the entry."
        elif key not in survived and all_judged:
            yield f"{key} is listed as equivalent, but there is no such mutant: remove the entry."


def table(judged: Sequence[Judged], known: Mapping[str, str]) -> Table:
    """How many mutants each exercise has, and what became of them."""
    shown = Table("exercise", box=None)
    for name in ("mutants", *CAUGHT, "equivalent", "survivors"):
        shown.add_column(name, justify="right")
    for exercise in [*dict.fromkeys(one.exercise for one in judged), ""]:
        chosen = [one for one in judged if exercise in ("", one.exercise)]
        counts = Counter(one.result.outcome for one in chosen)
        left = len(survivors(chosen, known))
        same = sum(one.survived for one in chosen) - left
        figures = [len(chosen), *(counts[kind] for kind in CAUGHT), same, left]
        shown.add_row(exercise or "all", *map(str, figures))
    return shown


def listed(course: Course, names: Iterable[str], only: Sequence[str]) -> Iterator[str]:
    """Every mutant of these assignments, as two lines."""
    for name in names:
        for exercise in mutate.chosen(course, name, only):
            for mutant in exercise.mutants:
                yield f"{mutant.id}\n    {mutant.change}"


def show(
    course: Course, names: Iterable[str], profile: str, jobs: int, only: Sequence[str], force: bool
) -> int:
    """Judge the mutants of these assignments and print what became of them.

    Returns:
        How many survivors the lists of equivalents do not name.
    """
    console = Console()
    console.width = max(console.width, WIDTH)
    every: list[Judged] = []
    everywhere: dict[str, str] = {}
    for name in names:
        known = equivalents(course, name)
        with progress.counted(name, console) as count:
            judged = mutate.judge(course, name, profile, jobs, only, force, count)
        console.print(f"{name}: {len(judged)} mutants", highlight=False)
        for one in survivors(judged, known):
            print(f"  survived: {one.mutant.id}\n      {one.mutant.change}", flush=True)
        for sentence in stale(judged, known, not only):
            print(f"  {sentence}", flush=True)
        every += judged
        everywhere |= known
    console.print(table(every, everywhere))
    return len(survivors(every, everywhere))
