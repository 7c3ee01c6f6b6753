"""A small made-up class, graded for real: what `make demo` shows.

Six students hand in on Moodle; `demo_class` says what. Their archive is collected and graded, a
marker gives the points of the written answers, and the worksheet goes back to Moodle.
"""

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from autograder import course as courses
from autograder.classlist import roster as rosters
from autograder.demo_class import STUDENTS, hand_in
from autograder.handback import marks
from autograder.handin import collect, telling
from autograder.nbgrader import by_hand, results
from autograder.nbgrader.generate import generate
from autograder.nbgrader.room import Room
from autograder.pages import listing, report
from autograder.pages import publish as publishing
from autograder.root import CourseError
from autograder.run import grade
from autograder.text import release
from convcourse.files import write_whole

PLACE = Path("demo")


def run(root: Path, say=print) -> Path:
    """Build, publish, collect, grade, mark, report, and make the files that go back.

    Args:
        root: The course folder; the demo writes to ``demo/`` there.
        say: Called with each line of the log.

    Returns:
        The path of the class page.
    """
    started = time.monotonic()
    course = courses.load(root)
    names = [a.name for a in course.assignments if answers_path(course, a.name).is_file()]
    if not names:
        raise CourseError(
            "The demo answers no assignment of this course: write answers of a class to "
            "course/demo/NAME.py, as docs/authoring.md tells."
        )
    place = root / PLACE
    shutil.rmtree(place, ignore_errors=True)
    say(f"Building and releasing {len(names)} assignments: {', '.join(names)}.")
    for path, text in release.build(course, names, generate=generate).items():
        to = place / path.relative_to(root)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text, encoding="utf-8")
    shutil.copytree(root / "course", place / "course")
    shutil.copy(root / "nbgrader_config.py", place)
    os.environ["COURSE_ROOT"] = str(place)
    small = courses.load(place)
    publish(small, names, root / "dist", say)
    for name in names:
        worksheet = bring_in(
            small, name, answers_path(course, name).read_text(encoding="utf-8"), say
        )
        say(f"Grading {len(STUDENTS)} submissions of {name}:")
        grade.grade(
            place, name, watch=lambda e: say(f"  [{e.done}/{e.total}] {e.student} {e.state}")
        )
        mark(place, name)
        say("A made-up marker has marked the written answers.")
        say(f"Writing the feedback pages of {name}.")
        Room(place, name).feedback()
        send_back(small, name, worksheet, say)
    say(f"Graded and written after {time.monotonic() - started:.0f} s.")
    reports = [results.read(place, name) for name in names]
    listing.show(reports)
    page = place / "report" / "class.html"
    report.write_students(reports, page, course.title, place)
    report.write(reports, page, course.title, place)
    say(f"Open the class page: {page}")
    return page


def answers_path(course: courses.Course, name: str) -> Path:
    """Where the demo's answers to an assignment are; it skips assignments without answers."""
    return course.root / "course" / "demo" / f"{name}.py"


def publish(course: courses.Course, names: Sequence[str], wheels: Path, say=print) -> None:
    """Write what students get, if their wheel has been built."""
    wheel = next(iter(sorted(wheels.glob("convcourse-*.whl"))), None)
    if wheel is None:
        say("What students get is not published here: make wheels builds the wheel for it.")
        return
    try:
        files = publishing.collected(course, names, wheel=wheel, generate=generate)
        place = publishing.written(course, files, course.root / "public", "site")
    except CourseError as error:  # such as a wheel of an earlier version
        say(f"What students get is not published here. {error}")
        return
    say(f"Published what students get: {place / 'index.html'}")


def bring_in(course: courses.Course, name: str, answers: str, say=print) -> Path:
    """Write Moodle's archive of an assignment and collect it; the worksheet's path comes back."""
    archive, worksheet = hand_in(course.root, name, answers, course.assignment(name).points)
    say(f"Collecting {archive.relative_to(course.root.parent)}, as Moodle gives it to a lecturer:")
    listed = rosters.read(course.root)
    found = collect.collect(course, name, [archive, worksheet], listed, collect.Options())
    for line in telling.lines(found, name, dry=False):
        say(f"  {line}")
    return worksheet


def mark(place: Path, name: str) -> None:
    """Give written answers points as a marker would: all to the course's own, none to others."""
    marking = by_hand.Marking(Room(place, name))
    try:
        for entry in marking.entries():
            asked = marking.questions[entry.question]
            seen = marking.answer(entry)
            if not asked.is_written or seen.automatic is not None:  # nothing to mark, or no answer
                continue
            wrote = "".join(cell.source for cell in seen.cells)
            points = asked.points if asked.rubric.strip() in wrote else 0
            marking.save(entry, by_hand.Given(score=f"{points:g}"), seen.version)
    finally:
        marking.end()


def send_back(course: courses.Course, name: str, worksheet: Path, say=print) -> None:
    """Fill Moodle's worksheet with the marks."""
    filled = marks.fill(course, [results.read(course.root, name)], marks.MOODLE, [worksheet])
    path = course.root / "report" / f"{name}-marks-moodle.csv"
    write_whole(path, filled.content)
    for line in marks.lines(filled, path.relative_to(course.root.parent)):
        say(line)
