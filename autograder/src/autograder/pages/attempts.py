"""What a student reads about an attempt: which one it is, what it gives, and which one counts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from autograder.pages.rendering import template


class Known(Protocol):
    """What a page needs to know of an attempt."""

    number: int
    came: str
    state: str
    shown: float
    points: float
    penalty: float
    counts: bool


def head(one: Known, counting: Known, is_open: bool, left: int | None) -> str:
    """What stands at the top of a feedback page, as Markdown.

    Args:
        one: The attempt that the page is about.
        counting: The attempt that counts.
        is_open: Whether some of it waits for a person.
        left: How many more attempts are graded on its day; None if there is no limit.
    """
    said = [f"**Attempt {one.number}**, handed in {when(one.came)}: {points(one)}."]
    if one.penalty:
        said.append(f"This is after a late penalty of {one.penalty:g}.")
    if is_open:
        said.append("A person grades the rest.")
    if counting.number == one.number:
        said.append("So far, this attempt counts.")
    else:
        said.append(f"So far, attempt {counting.number} counts, with {points(counting)}.")
    if left is not None:
        more = {0: "No more attempts are", 1: "1 more attempt is"}
        said.append(f"{more.get(left, f'{left} more attempts are')} graded on this day.")
    return " ".join(said)


def over(per_day: int, day: str, again: str) -> str:
    """Why an attempt was not graded, and when the next one is.

    Args:
        per_day: How many are graded in a day.
        day: The date.
        again: The time from which the next one is graded.
    """
    many = "1 attempt a day is" if per_day == 1 else f"{per_day} attempts a day are"
    return (
        f"{many} graded, and this was one more on {day}, so it was not graded. The next one is "
        f"graded from {again} on: hand in again then."
    )


def refusal(one: Known, words: str, counting: Known | None, each: Iterable[Known]) -> str:
    """The page of an attempt that was not graded.

    Args:
        one: The attempt.
        words: Why.
        counting: The attempt that counts, if there is one.
        each: All attempts of the student.
    """
    graded = [other for other in each if other.number < one.number and other.points]
    page = template("refusal.html")
    return page.render(
        one=one, words=words, counting=counting, graded=graded, points=points, when=when
    )


def points(one: Known) -> str:
    """The points of an attempt."""
    return f"{one.shown:g} of {one.points:g} points"


def when(came: str) -> str:
    """A time for a person."""
    moment = datetime.fromisoformat(came)
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment.tzname() or ''}".strip()
