"""Joins what several platforms export about one class into one roster."""

from collections.abc import Iterable
from dataclasses import replace

from autograder.classlist.roster import Roster, Student, each_id


def joined(before: Roster, exported: Iterable[Roster]) -> tuple[list[Student], list[str]]:
    """The students of a roster with what exports add to it.

    A student of an export is the one with the same platform's id, the same id, the same address,
    or the same name if only one has it; else a new one. Nothing that is known is changed.

    Args:
        before: The roster as it is.
        exported: The exports as rosters.

    Returns:
        The students, and a sentence for each one that is new or has got a new id.
    """
    students, said = list(before.students), []
    for export in exported:
        for one in export.students:
            known = Roster(students)
            found = _same(known, one)
            if found is None:
                id = one.id
                students.append(one)
                said.append(f"New: {id}  {one.name}")
                continue
            more = _with(found, one)
            if more != found:
                students[students.index(found)] = more
                said.append(f"{more.id}  {more.name}: {_told(found, more)}")
    return students, said


def _same(known: Roster, one: Student) -> Student | None:
    for platform, ids in one.ids.items():
        for each in each_id(platform, ids):
            if found := known.find(platform, each):
                return found
    if found := known.get(one.id) or known.with_email(one.email):
        return found
    called = known.named(one.name) if one.name else []
    return called[0] if len(called) == 1 and not _differs(called[0], one) else None


def _differs(found: Student, one: Student) -> bool:
    """Whether two people of one name have different addresses, or ids where there is one only."""
    if found.email and one.email:
        return True
    shared = set(found.ids) & set(one.ids) - {"moodle"}
    return any(found.ids[key] != one.ids[key] for key in shared)


def _with(found: Student, one: Student) -> Student:
    """A student with the ids and facts that another roster knows besides."""
    ids = dict(found.ids)
    for platform, more in one.ids.items():
        old = each_id(platform, ids.get(platform, ""))
        new = [each for each in more.split() if each.casefold() not in old]
        if new and (platform == "moodle" or not ids.get(platform)):
            ids[platform] = " ".join([*ids.get(platform, "").split(), *new])
    return replace(
        found,
        name=found.name or one.name,
        email=found.email or one.email,
        section=found.section or one.section,
        ids=ids,
    )


def _told(found: Student, more: Student) -> str:
    told = [f"{key} {more.ids[key]}" for key in more.ids if more.ids[key] != found.ids.get(key)]
    for name in ("name", "email", "section"):
        if getattr(found, name) != getattr(more, name):
            told.append(f"{name} {getattr(more, name)}")
    return ", ".join(told)
