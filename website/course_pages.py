"""The pages of the site that are made from the course: the syllabus and the notebooks."""

import re
from datetime import timedelta

import nbformat
from nbconvert import MarkdownExporter

from autograder.course import Assignment, Course
from autograder.late import Policy

# A badge is a picture on another host, and the site loads nothing from there.
_BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\]\(([^)]+)\)")


def syllabus(course: Course) -> str:
    """The table of all assignments, with due dates if course.toml has any."""
    has_dates = any(one.due for one in course.assignments)
    heads = ["assignment", "minutes", "points", "builds on", *(["due"] if has_dates else [])]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for one in course.assignments:
        cells = [_link(one), str(one.minutes), str(one.points), _before(course, one)]
        lines.append(_row([*cells, *([_due(course, one)] if has_dates else [])]))
    minutes = sum(one.minutes for one in course.assignments)
    points = sum(one.points for one in course.assignments)
    lines += ["", f"Together: {len(course.assignments)} assignments, {points} points, and about"]
    lines += [f"{round(minutes / 60)} hours of work.", ""]
    return "\n".join(lines)


def thresholds(course: Course) -> str:
    """What a trained network must reach, for each exercise and profile."""
    lines = [_row(["assignment", "exercise", "offline", "quick", "full"]), _row(["---"] * 5)]
    for one in course.assignments:
        for key, by_profile in one.thresholds.items():
            values = [_share(by_profile.get(name)) for name in ("offline", "quick", "full")]
            lines.append(_row([_link(one), f"`{key}`", *values]))
    return "\n".join(lines) if len(lines) > 2 else "No exercise has a threshold.\n"


def lateness(course: Course) -> str:
    """What a late hand-in costs, one sentence for each policy that assignments have."""
    by_policy: dict[Policy, list[str]] = {}
    for one in course.assignments:
        if one.late and one.due:
            by_policy.setdefault(one.late, []).append(one.name[:2])
    if not by_policy:
        return "A late hand-in costs no points.\n"
    return "\n".join(f"* {', '.join(n)}: {_costs(p)}" for p, n in by_policy.items()) + "\n"


def notebook(course: Course, name: str) -> str:
    """A release notebook as Markdown, below a line with its file and Colab's link."""
    content = nbformat.read(course.release_path(name), as_version=4)
    body, _ = MarkdownExporter().from_notebook_node(content)
    found = _BADGE.search(body)
    links = [f"[Download the notebook]({name}.ipynb)"]
    links += [f"[Open it in Colab]({found[1]})"] if found else []
    heading, _, rest = _BADGE.sub("", body).lstrip().partition("\n")
    return f"{heading}\n\n{' · '.join(links)}\n{rest}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _link(one: Assignment) -> str:
    return f"[{one.name[:2]} {one.title}](notebooks/{one.name}.md)"


def _before(course: Course, one: Assignment) -> str:
    links = (f"[{name[:2]}](notebooks/{name}.md)" for name in one.builds_on if name in course.names)
    return ", ".join(links) or "–"


def _due(course: Course, one: Assignment) -> str:
    if one.due is None:
        return "–"
    local = one.due.astimezone(course.zone) if course.zone else one.due
    return f"{local:%A, %B} {local.day}, {local:%Y, %H:%M} {course.timezone or 'UTC'}"


def _costs(policy: Policy) -> str:
    if policy.method == "keep":
        return "a late hand-in costs no points."
    grace = f" Up to {_span(policy.grace)} late costs nothing." if policy.grace else ""
    if policy.method == "zero":
        return f"a late hand-in gets no points.{grace}"
    parts = [f"each day that has begun costs {_share(policy.share)} of the points"]
    parts += [f"at most {_share(policy.at_most)}"] if policy.at_most < 1 else []
    parts += [f"never below {_share(policy.floor)} of the points"] if policy.floor else []
    after = f" After {policy.zero_after} days nothing is left." if policy.zero_after else ""
    return f"{', '.join(parts)}.{after}{grace}"


def _span(time: timedelta) -> str:
    minutes = time.total_seconds() / 60
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= size and minutes % size == 0:
            return f"{minutes / size:g} {unit}{'' if minutes == size else 's'}"
    return f"{minutes:g} minutes"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}".replace(".0%", "%")
