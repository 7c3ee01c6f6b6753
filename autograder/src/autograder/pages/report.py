"""The class page, and a page for each student over all assignments.

`autograder.nbgrader.results` reads the data for them. A page is one file that needs no network,
and reads the same without scripts, which only sort and filter its tables.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from autograder.pages import figures
from autograder.pages.rendering import address, file_names, leaderboard_path, template
from autograder.pages.scores import Report, Row
from convcourse.files import write_whole

UNFOLDED = 1_500  # rows; a page with more of them shows its summaries first


def write(reports: Sequence[Report], to: Path, title: str = "", root: Path | None = None) -> Path:
    """Write the class page.

    Args:
        reports: The assignments to show.
        to: The path of the page.
        title: The title of the course.
        root: The course folder, which has the feedback pages; by default the page's own folder.

    Returns:
        The path of the page.
    """
    place = to.parent
    page = template("class.html").render(
        found=[(report, figures.of(report)) for report in reports],
        standings=_standings(reports),
        fewest=figures.FEWEST,
        title=title,
        unfolded=sum(len(report.rows) for report in reports) <= UNFOLDED,
        link=_feedback(root or place, place),
        page=_to_student(reports, place),
        board=lambda name: address(leaderboard_path(place, name), place),
    )
    write_whole(to, page)
    return to


def write_students(
    reports: Sequence[Report], page: Path, title: str = "", root: Path | None = None
) -> list[Path]:
    """Write a page for each student, beside the class page; pages of other students go.

    Args:
        reports: All assignments.
        page: The path of the class page.
        title: The title of the course.
        root: The course folder, which has the feedback pages; by default the page's own folder.

    Returns:
        The paths of the pages.
    """
    made, standings = template("student.html"), _standings(reports)
    names = file_names(standings)
    place = page.parent / "students"
    link, back = _feedback(root or page.parent, place), quote(f"../{page.name}")
    written = []
    for student, rows in standings.items():
        found = [(one, rows[one.assignment]) for one in reports if one.assignment in rows]
        text = made.render(student=student, found=found, title=title, link=link, back=back)
        written.append(place / names[student])
        write_whole(written[-1], text)
    for path in set(place.glob("*.html")) - set(written):
        path.unlink()
    return written


def _standings(reports: Sequence[Report]) -> dict[str, dict[str, Row]]:
    """The rows of each student, by assignment."""
    found: dict[str, dict[str, Row]] = {}
    for report in reports:
        for row in report.rows:
            found.setdefault(row.student, {})[report.assignment] = row
    return dict(sorted(found.items()))


def _feedback(root: Path, place: Path) -> Callable[[str, str], str]:
    """Links from a page in ``place`` to the feedback pages that exist."""

    def link(student: str, assignment: str) -> str:
        return address(root / "feedback" / student / assignment / f"{assignment}.html", place)

    return link


def _to_student(reports: Sequence[Report], place: Path) -> Callable[[str], str]:
    """Links from a page in ``place`` to the students' pages that exist."""
    names = file_names(_standings(reports))

    @functools.cache
    def page(student: str) -> str:
        name = names.get(student)
        return address(place / "students" / name, place) if name else ""

    return page
