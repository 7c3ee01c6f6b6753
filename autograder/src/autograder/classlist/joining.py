"""Joins what several platforms export about one class into one roster."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from autograder.classlist.names import folded, in_reading_order
from autograder.classlist.roster import FILE, Roster, Student, each_id


@dataclass
class Joined:
    """A roster with what exports add to it.

    Attributes:
        students: The students.
        said: A sentence for each one that is new or has got a new id.
        left: A sentence for each row of an export that may be somebody else.
    """

    students: list[Student]
    said: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def joined(before: Roster, exported: Iterable[Roster]) -> Joined:
    """The students of a roster with what exports add to it.

    A student of an export is the one with the same platform's id, the same id, the same address,
    or the same name if only one has it; else a new one. Two rows of one export are two people.
    Nothing that is known is changed, and a row that may be somebody else is left out.

    Args:
        before: The roster as it is.
        exported: The exports as rosters.
    """
    result = Joined(list(before.students))
    for export in exported:
        _join(result, export)
    return result


def _join(result: Joined, export: Roster) -> None:
    known = Roster(result.students)
    places = {one.id: place for place, one in enumerate(result.students)}
    names = Counter(_name(one) for one in export.students)
    matched: set[str] = set()
    for one in export.students:
        found, why = _same(known, one, alone=names[_name(one)] == 1)
        if found and not why and found.id in matched:
            why = f"another row of the export is {found.id} too"
        if not found and not why and one.id in places:
            why = f"{one.id} is the id of another student"
        if why:
            ids = ", ".join(f"{key} {value}" for key, value in one.ids.items())
            shown = ", ".join(filter(None, (one.name, one.email, ids)))
            result.left.append(f"{shown}: {why}; write the right ids into {FILE}.")
        elif found is None:
            places[one.id] = len(result.students)
            result.students.append(one)
            result.said.append(f"New: {one.id}  {one.name}")
        else:
            matched.add(found.id)
            more = _with(found, one)
            if more != found:
                result.students[places[found.id]] = more
                result.said.append(f"{more.id}  {more.name}: {_told(found, more)}")


def _name(one: Student) -> str:
    return folded(in_reading_order(one.name))


def _same(known: Roster, one: Student, alone: bool) -> tuple[Student | None, str]:
    """The student whom a row of an export means, and why that is in doubt.

    Args:
        known: The roster without this export.
        one: The row.
        alone: Whether no other row of the export has this name.
    """
    for platform, ids in one.ids.items():
        for each in each_id(platform, ids):
            if found := known.find(platform, each):
                return found, ""
    found = known.get(one.id)
    if found and one.id in one.ids.values() and _name(found) != _name(one):
        return None, f"{found.id} is the id of {found.name or 'another student'}"
    if found := found or known.with_email(one.email):
        has = _other_id(found, one)
        return found, f"{found.id} has {has}" if has else ""
    called = [each for each in known.named(one.name) if not _differs(each, one)]
    if called and (len(called) > 1 or not alone):
        return None, f"{' and '.join(each.id for each in called)} may be meant by this name"
    return (called[0] if called else None), ""


def _other_id(found: Student, one: Student) -> str:
    """The other id that a student has on a platform where people have one id only."""
    shared = set(found.ids) & set(one.ids) - {"moodle"}
    other = [key for key in sorted(shared) if found.ids[key].casefold() != one.ids[key].casefold()]
    return f"{other[0]} {found.ids[other[0]]}" if other else ""


def _differs(found: Student, one: Student) -> bool:
    """Whether two people of one name have different addresses, or ids where there is one only."""
    addresses = {found.email.casefold(), one.email.casefold()} - {""}
    return len(addresses) == 2 or bool(_other_id(found, one))


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
