"""The marks of a class as a table for people: one row a student, one column an assignment."""

from collections.abc import Mapping

from autograder.handback import sheets
from autograder.handback.canvas import tell
from autograder.handback.people import People
from autograder.handback.standing import Filled, Standing


def made(asked: Mapping[str, Mapping[str, Standing]], people: People) -> Filled:
    """The table, in the roster's order, with a byte order mark for Excel.

    A student for whom something has no score yet has no total.
    """
    students = [one.id for one in people.roster.students]
    more = {one for found in asked.values() for one in found} - set(students)
    filled = Filled()
    rows = []
    for student in (*students, *sorted(more)):
        row = _row(student, asked, people)
        filled.scores += sum(
            one.get(student, Standing("")).score is not None for one in asked.values()
        )
        rows.append([sheets.harmless(one) for one in row])
    columns = ["id", "name", "email", *asked, "penalty", "total", "missing", "open", "late"]
    filled.content = sheets.made(columns, rows, for_excel=True)
    return tell(filled, asked, people, [*students, *more])


def _row(student: str, asked: Mapping[str, Mapping[str, Standing]], people: People) -> list[str]:
    known = people.roster.get(student)
    found = {name: each[student] for name, each in asked.items() if student in each}
    scores = {name: one.score for name, one in found.items() if one.score is not None}
    is_whole = len(scores) == len(found)
    shown = [sheets.points(scores[name]) if name in scores else "" for name in asked]
    penalty = sheets.points(sum(one.penalty for one in found.values()))
    total = sheets.points(sum(scores.values())) if is_whole else ""
    missing = "; ".join(name for name in asked if name not in found)
    waits = "; ".join(f"{name} {one.why}" for name, one in found.items() if one.why)
    late = "; ".join(f"{name}: {one.late}" for name, one in found.items() if one.late)
    name, email = (known.name, known.email) if known else ("", "")
    return [student, name, email, *shown, penalty, total, missing, waits, late]
