"""What is checked before the first submission of a run: the tests, imports and checkpoints."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from nbformat import NotebookNode

from autograder.intake.reading import Submission
from autograder.root import CourseError
from autograder.text import needs, standalone
from autograder.text.cells import BadMarks, facts, parse
from convcourse.profile import PROFILES

_MOST_RECORD = 2**20  # bytes of a checkpoint's record; those of the course have a few thousand
HIDDEN = ("judge", "in-kernel")
_IN_KERNEL = (
    "To run such tests in each student's kernel, as nbgrader does, pass --hidden in-kernel; "
    "docs/security.md says what that gives up."
)


def require_place(hidden: str) -> None:
    """Refuse a place for hidden tests that is none of `HIDDEN`.

    Raises:
        CourseError: If it is none.
    """
    if hidden not in HIDDEN:
        raise CourseError(f"--hidden must be {' or '.join(HIDDEN)}.")


def tests_inside(source: NotebookNode, assignment: str, hidden: str) -> tuple[str, ...]:
    """The ids of the test cells that must run whole in the student's kernel.

    Args:
        source: The source notebook.
        assignment: Its name.
        hidden: ``judge``, under which there must be none, or ``in-kernel``.

    Raises:
        CourseError: If the marks of a cell do not pair, or if the judge cannot run a hidden block.
    """
    inside = []
    for number, cell in enumerate(source.cells, start=1):
        role, name, _ = facts(cell)
        why = _unjudged(cell)
        if not why:
            continue
        nbgrader_can = role == "tests" and _pairs(cell.source)
        if hidden != "in-kernel" or not nbgrader_can:
            said = f"source/{assignment}, cell {name or number}: {why} Nothing was graded."
            raise CourseError(f"{said} {_IN_KERNEL}" if nbgrader_can else said)
        inside.append(name)
    return tuple(inside)


def _unjudged(cell: NotebookNode) -> str:
    """Why a cell cannot be graded with the judge; empty if it can."""
    try:
        parsed = parse(cell)
    except BadMarks as error:
        return str(error)
    if parsed.kind == "code" and parsed.is_test and parsed.hidden.strip():
        return " ".join(standalone.violations(parsed.hidden))
    return ""


def _pairs(source: str) -> bool:
    """Whether hidden blocks begin and end in turn; nbgrader allows several, and indented ones."""
    marks = re.findall(r"^\s*### (BEGIN|END) HIDDEN TESTS\s*$", source, re.MULTILINE)
    return marks == ["BEGIN", "END"] * (len(marks) // 2)


def lacking(submissions: Iterable[Submission], source: NotebookNode) -> list[str]:
    """A sentence for each package that submissions import and that is not installed here.

    Args:
        submissions: The submissions; each is needed only once.
        source: The source notebook, whose own imports are not the students'.
    """
    own = set(needs.lacking(_code(source)))
    total, counts = 0, Counter[str]()
    for one in submissions:
        total += 1
        if one.notebook is not None:
            beside = {PurePosixPath(name).parts[0].removesuffix(".py") for name in one.files}
            counts.update(set(needs.lacking(_code(one.notebook), beside)) - own)
    return [_sentence(package, count, total) for package, count in counts.most_common()]


class Checkpoints:
    """Counts the submissions whose checkpoints were made under another profile than the run's.

    Args:
        profile: The profile of the run.
    """

    def __init__(self, profile: str) -> None:
        self.profile, self.total = profile, 0
        self.counts = Counter[str]()

    def of(self, one: Submission) -> Submission:
        """Count a submission, and return it."""
        self.total += 1
        self.counts.update(set(_profiles(one)) - {self.profile})
        return one

    def told(self) -> Iterator[str]:
        """A sentence for each other profile."""
        for other, count in self.counts.most_common():
            yield (
                f"{count} of {self.total} submissions {'holds' if count == 1 else 'hold'} "
                f"checkpoints of the profile {other}. This run grades under {self.profile}, so "
                f"these networks train again: if you asked the class to use {other}, stop this "
                f"run and grade with --profile {other}."
            )


def _profiles(one: Submission) -> Iterator[str]:
    """The profiles that the records of a submission's checkpoints name."""
    for name, content in one.files.items():
        if not name.endswith(".json") or len(content) > _MOST_RECORD:
            continue
        try:
            profile = json.loads(content)["fingerprint"]["profile"]
        except (ValueError, KeyError, TypeError, RecursionError):  # another file, or a forged one
            continue
        if isinstance(profile, str) and profile in PROFILES:
            yield profile


def _code(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def _sentence(package: str, count: int, total: int) -> str:
    who = f"{count} of {total} submissions {'imports' if count == 1 else 'import'} {package[:60]}"
    return (
        f"{who}, which the grading environment lacks: install it there, or the cells that use it "
        "will fail."
    )
