"""Why a run has changed a mark: what differs between what graded it before and what did now."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from autograder.nbgrader import snapshot
from autograder.nbgrader.snapshot import Student
from autograder.pages.changes import PENALTY, TOTAL, Change

# The text of each cell of the source with this version; empty if it is not known any more.
Sources = Callable[[str], dict[str, str]]


def changes(
    before: dict[str, Any], after: dict[str, Any], sources: Sources = lambda version: {}
) -> Iterator[Change]:
    """The marks that differ, student by student, each student's sum last.

    Args:
        before: The gradebook's part before the run: ``{"table": …, "students": …}``.
        after: The same after it.
        sources: Gives the cells of a version of the source.
    """
    for student, then in sorted(before["students"].items()):
        now = after["students"].get(student)
        if now is None:
            continue
        found = [*_cells(student, then, now, before, after, sources)]
        found += _penalty(student, then, now, before, after)
        yield from found
        totals = snapshot.total(then), snapshot.total(now)
        if found and totals[0] != totals[1]:
            yield Change(student, TOTAL, *totals, "")


def _cells(
    student: str, then: Student, now: Student, before: dict, after: dict, sources: Sources
) -> Iterator[Change]:
    for name in sorted({*then["cells"], *now["cells"]}):
        old, new = then["cells"].get(name), now["cells"].get(name)
        was, is_now = (None if v is None else snapshot.score(v) for v in (old, new))
        if was == is_now:
            continue
        if old is None or new is None:
            why = f"the source {'lost' if new is None else 'got'} this exercise"
        elif old[1:3] != new[1:3]:
            why = "a person"
        else:
            points = [part["table"]["cells"].get(name) for part in (before, after)]
            why = "; ".join(_reasons(name, then["note"], now["note"], points, sources))
        yield Change(student, name, was, is_now, why)


def _reasons(
    name: str, then: dict | None, now: dict | None, points: list, sources: Sources
) -> Iterator[str]:
    if now is None:
        yield "the grader failed"
        return
    if then is None:
        yield "it was not graded to the end before"
        return
    found = []
    if then.get("submission") != now.get("submission"):
        found.append("new hand-in")
    if then.get("assignment") != now.get("assignment"):
        found.append(_source(name, then, now, points, sources))
    found += _judged_by(then.get("judged_by"), now.get("judged_by"))
    if then.get("profile") != now.get("profile"):
        found.append(f"profile {now.get('profile')} in the place of {then.get('profile')}")
    if then.get("engine") != now.get("engine"):
        found.append("another version of the grader")
    yield from found or ["graded again, though nothing else changed"]


def _source(name: str, then: dict, now: dict, points: list, sources: Sources) -> str:
    if points[0] != points[1] and None not in points:
        return f"{points[0]:g} points became {points[1]:g}"
    texts = [sources(note["assignment"]).get(name) for note in (then, now)]
    if None in texts:
        return "the source changed"
    return "its tests changed" if texts[0] != texts[1] else "the source changed elsewhere"


def _judged_by(then: str | None, now: str | None) -> Iterator[str]:
    """The thresholds and the seed of the held-out images, which a note keeps as JSON."""
    try:
        (old_seed, old), (seed, new) = json.loads(then or ""), json.loads(now or "")
    except ValueError:
        return
    if old != new:
        yield "thresholds changed"
    if old_seed != seed:
        yield "other held-out images"


def _penalty(
    student: str, then: Student, now: Student, before: dict, after: dict
) -> Iterator[Change]:
    old, new = then["penalty"] or 0.0, now["penalty"] or 0.0
    if old == new:
        return
    found = []
    if before["table"]["due"] != after["table"]["due"]:
        found.append("due date")
    if then["extension"] != now["extension"]:
        found.append("extension")
    if then["came"] != now["came"]:
        found.append("time of the hand-in")
    if before["table"].get("policy") != after["table"].get("policy"):
        found.append("late policy")
    if not found and (now["record"] or {}).get("own_penalty") == now["penalty"]:
        found.append("a person")
    yield Change(student, PENALTY, old, new, "; ".join(found) or "the score changed")
