"""The pages for marking by hand: what waits, and one answer beside its rubric.

Students' texts are formatted as on feedback pages: nothing in them runs or loads anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup
from nbformat import NotebookNode

from autograder.pages import budget, filters
from autograder.pages.feedback import clean
from autograder.pages.sanitize import PICTURES, harmless, is_picture, printable


@dataclass(frozen=True)
class Question:
    """One graded cell of the source.

    Attributes:
        id: Its id.
        points: What it is worth.
        text: What students are asked, if it is a written answer.
        rubric: The course's own answer.
        is_written: Whether it is a written answer, and not a check of code.
    """

    id: str
    points: float
    text: str
    rubric: str
    is_written: bool


@dataclass(frozen=True)
class Entry:
    """One answer on the list: its question, its submission's number and key, and its state."""

    question: str
    number: int
    key: str
    student: str
    waits: bool
    score: float | None = None


@dataclass(frozen=True)
class Answer:
    """One answer with its mark.

    Attributes:
        entry: Its place on the list.
        cells: The cells that the student wrote.
        outputs: The outputs of the check.
        automatic: The automatic score.
        score: The score of a person.
        extra: The extra credit.
        comment: The comment of a person.
        waits: Whether a person must look at it.
        why: Why it waits, beyond being a written answer.
        version: What the marker has seen, to notice what others save meanwhile.
    """

    entry: Entry
    cells: tuple[NotebookNode, ...]
    outputs: tuple[NotebookNode, ...]
    automatic: float | None
    score: float | None
    extra: float | None
    comment: str | None
    waits: bool
    why: tuple[str, ...]
    version: str


@dataclass(frozen=True)
class Page:
    """What all pages of one server share."""

    assignment: str
    names: bool  # whether students' ids are shown
    nonce: str  # of the page's own script and style
    xsrf: str  # the hidden field of its forms


def index(page: Page, questions: Sequence[Question], entries: Sequence[Entry]) -> str:
    """The list of what waits, by question and by submission."""
    by_student: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: one.number):
        by_student.setdefault(entry.key, []).append(entry)
    by_question = {one: [e for e in entries if e.question == one.id] for one in questions}
    made = _environment().get_template("marking_index.html")
    return made.render(page=page, by_question=by_question, by_student=by_student)


def answer(
    page: Page,
    question: Question,
    found: Answer,
    around: dict[str, Entry | None],
    waiting: int,
    problem: str = "",
    mine: dict[str, str] | None = None,
) -> str:
    """One answer with its rubric and the form for its mark.

    Args:
        page: What all pages share.
        question: The question.
        found: The answer with its mark.
        around: The entries ``previous``, ``next`` and ``waiting`` (the next that waits).
        waiting: How many answers to this question wait.
        problem: A sentence about what was not saved.
        mine: What the marker had entered, if it was not saved.
    """
    spent = budget.Budget()
    made = _environment().get_template("marking.html")
    written = [_cell(cell, question, spent) for cell in found.cells]
    fields = mine or {
        "score": _shown(found.score),
        "extra": _shown(found.extra),
        "comment": found.comment or "",
    }
    return made.render(
        page=page,
        question=question,
        found=found,
        rubric=_markdown(question.rubric, spent) if question.is_written else question.rubric,
        asked=_markdown(question.text, spent),
        written=written,
        said=[_said(output) for output in found.outputs],
        around=around,
        waiting=waiting,
        problem=problem,
        fields=fields,
        shown=_shown,
        is_mine=mine is not None,
    )


def _environment() -> Environment:
    loader = PackageLoader("autograder.pages")
    return Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True)


def _shown(points: float | None) -> str:
    return "" if points is None else f"{points:g}"


def _cell(cell: NotebookNode, question: Question, spent: budget.Budget) -> Markup:
    """One of the student's cells as HTML; of a written answer, without the question."""
    source = printable(cell.source)
    if cell.cell_type == "code":
        return Markup(filters.code(source, spent))
    rest = source.strip()
    if question.text and rest.startswith(question.text):
        rest = rest[len(question.text) :].strip()
    pictures = _pictures(cell)
    made = _markdown(harmless(rest, pictures), spent, pictures)
    return made or Markup("<p><em>The cell is empty.</em></p>")


def _pictures(cell: NotebookNode) -> dict[str, dict[str, str]]:
    """The attachments of a cell that are pictures and nothing else."""
    found = {}
    for name, data in dict(cell.get("attachments", {})).items():
        kept = {k: v for k, v in dict(data).items() if k in PICTURES and is_picture(k, v)}
        if kept:
            found[name] = kept
    return found


def _markdown(text: str, spent: budget.Budget, pictures: dict | None = None) -> Markup:
    return Markup(filters.markdown(text, spent, attachments=pictures or {}))


def _said(output: NotebookNode) -> str:
    """The words of a check's output."""
    shown = clean(output, is_test=True)
    if shown.output_type == "error":
        return printable(shown.evalue)
    data = shown.get("data", {})
    return printable(str(shown.get("text") or data.get("text/plain", "")))
