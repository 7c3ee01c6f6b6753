"""Tells what was collected: who is who, what is new, and what a person must look at."""

from collections import Counter
from collections.abc import Iterator

from autograder.handin.collect import LEFT, NEW, NEWER, OLDER, SAME, Collected, Result
from autograder.intake.names import shown

_WORDS = {
    NEW: "new",
    NEWER: "newer, replaces an older one",
    OLDER: "older, kept out",
    SAME: "unchanged",
}
_COUNTS = {NEW: "new", NEWER: "newer", SAME: "unchanged", OLDER: "older and kept out"}
_MOST = 20  # missing students that one line names


def lines(found: Collected, name: str, dry: bool) -> Iterator[str]:
    """The lines of a report in the terminal.

    Args:
        found: What was collected.
        name: The assignment.
        dry: Whether nothing was written.
    """
    for one in found.results:
        if one.what not in (LEFT, SAME) or (one.notes and one.what != LEFT):
            yield _line(one)
            yield from (f"    {note}" for note in one.notes)
    if found.left:
        yield "Left out, for you to look at:"
        for one in found.left:
            who = ", ".join(filter(None, (one.student, one.name, one.where))) or "unknown"
            yield f"  {shown(who)}: {one.why}"
            yield from (f"    {note}" for note in one.notes if note not in one.why)
    yield from found.said
    if missing := found.missing:
        more = f" and {len(missing) - _MOST} more" if len(missing) > _MOST else ""
        yield f"Nothing is matched to {', '.join(map(shown, missing[:_MOST]))}{more}."
    counts = Counter(one.what for one in found.results)
    told = [f"{counts[what]} {word}" for what, word in _COUNTS.items() if counts[what]]
    told += [f"{counts[LEFT]} left out"] if counts[LEFT] else []
    would = " (nothing was written)" if dry else ""
    yield f"{name}: {', '.join(told) or 'nothing was found'}{would}."


def _line(one: Result) -> str:
    """Who it is, by what, and what happened."""
    by = {"id": "", "platform": "", "given": ", by --student", "name": ", by name"}
    where = f"({one.where}{by.get(one.how, f', by {one.how}')})" if one.where else ""
    late = "LATE" if one.late else ""
    time = one.time.strftime("%Y-%m-%d %H:%M %Z") if one.time else ""
    what = "; ".join(filter(None, (_WORDS[one.what], late, time)))
    return "  " + "  ".join(filter(None, (shown(one.student), shown(one.name), where, what)))
