"""A course with one student, graded at once by workers that start no kernel."""

from concurrent.futures import Future
from pathlib import Path

import nbformat
import tiny
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from traitlets.config import PyFileConfigLoader

from autograder.judge.verdict import Verdict
from autograder.nbgrader import results
from autograder.pages.outputs import write_outputs
from autograder.pages.scores import Decided
from autograder.run import grade
from autograder.run.job import Executed, Settings
from autograder.text.cells import facts
from convcourse import outcomes

NAME = tiny.NAME
RIGHT, WRONG = "def double(n):\n    return n + n", "def double(n):\n    return n"


class Instant:
    """Workers without kernels: an answer is right if it adds or multiplies."""

    size = 1

    def submit(self, _, text: str, files: dict, settings: Settings) -> Future:
        nb = nbformat.reads(text, as_version=4)
        is_right = any("n + n" in cell.source for cell in nb.cells)
        verdict = Verdict(outcomes.PASSED if is_right else outcomes.WRONG, "the check's words")
        for cell in nb.cells:
            role, name, _ = facts(cell)
            if role == "tests":
                cell.outputs = write_outputs(verdict, name)
        future: Future = Future()
        future.set_result(Executed(nbformat.writes(nb), {}))
        return future

    def died(self, future: Future) -> bool:
        return False

    def gave_up(self, error: BaseException) -> bool:
        return False


def notebook(answer: str, why: str, points: float = 4, more: tuple[str, ...] = ()) -> str:
    nb = nbformat.reads(tiny.notebook(answer), as_version=4)
    nb.cells[-1].metadata.nbgrader.points = points
    for name in more:
        facts_of_test = {"grade": True, "solution": False, "locked": True, "points": 3}
        nb.cells.append(tiny.cell(tiny.TEST, name, **facts_of_test))
    written = nbformat.v4.new_markdown_cell(why)
    made = tiny.cell("", "why", grade=True, solution=True, locked=False, points=2)
    written.metadata = made.metadata
    nb.cells.append(written)
    return nbformat.writes(nb)


class Class:
    """A course with one student, ada, whose answers are right."""

    def __init__(self, root: Path) -> None:
        self.root, self.url = root, f"sqlite:///{root}/gradebook.db"

    def begin(self, more: tuple[str, ...] = ()) -> "Class":
        tiny.make(self.root, students=0)
        config = "c = get_config()\nc.CourseDirectory.course_id = 'tiny'\n"
        config += "c.LateSubmissionPlugin.penalty_method = 'zero'\n"
        (self.root / "nbgrader_config.py").write_text(config)
        self.source(notebook(tiny.STUB, "Why?", more=more))
        self.hand_in(RIGHT, "Because.")
        assert self.grade() == {"ada": "done"}
        return self

    def source(self, text: str) -> None:
        (self.root / "source" / NAME / f"{NAME}.ipynb").write_text(text)

    def hand_in(self, answer: str, why: str, student: str = "ada", came: str = "") -> None:
        folder = self.root / "submitted" / student / NAME
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{NAME}.ipynb").write_text(notebook(answer, why))
        if came:
            (folder / "timestamp.txt").write_text(came)

    def grade(self, **options) -> dict[str, str]:
        return grade.grade(self.root, NAME, workers=Instant(), **options)

    def gradebook(self) -> Gradebook:
        return Gradebook(self.url, "tiny")

    def decide(self, cell: str = "test", **values) -> None:
        """What Formgrader does when a person saves a score."""
        with self.gradebook() as gradebook:
            one = gradebook.find_grade(cell, NAME, NAME, "ada")
            for key, value in values.items():
                setattr(one, key, value)
            one.needs_manual_grade = one.manual_score is None and one.auto_score is None
            gradebook.db.commit()

    def comment(self, cell: str, words: str) -> None:
        with self.gradebook() as gradebook:
            gradebook.find_comment(cell, NAME, NAME, "ada").manual_comment = words
            gradebook.db.commit()

    def mark(self, cell: str = "test") -> tuple:
        with self.gradebook() as gradebook:
            one = gradebook.find_grade(cell, NAME, NAME, "ada")
            return one.manual_score, one.extra_credit, one.auto_score, one.needs_manual_grade

    def words(self, cell: str) -> str | None:
        with self.gradebook() as gradebook:
            return gradebook.find_comment(cell, NAME, NAME, "ada").manual_comment

    def decided(self) -> dict[str, Decided]:
        return {one.test: one for one in results.read(self.root, NAME).decided}

    def penalty(self, student: str = "ada") -> float:
        with self.gradebook() as gradebook:
            return gradebook.find_submission(NAME, student).late_submission_penalty or 0

    def set_penalty(self, points: float | None) -> None:
        with self.gradebook() as gradebook:
            one = gradebook.find_submission_notebook(NAME, NAME, "ada")
            one.late_submission_penalty = points
            gradebook.db.commit()


ROOT = Path(__file__).resolve().parents[2]


def nbgraders_autograde(course: Class) -> None:
    """What the button in Formgrader does with this course's settings, but for the execution."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    chosen = config.Autograde.autograde_preprocessors
    config.Autograde.autograde_preprocessors = [
        one for one in chosen if not one.endswith("Execute")
    ]
    config.CourseDirectory.root, config.CourseDirectory.course_id = str(course.root), "tiny"
    config.CourseDirectory.assignment_id = NAME
    config.LateSubmissionPlugin.penalty_method = "zero"
    converter = Autograde(coursedir=CourseDirectory(config=config), config=config)
    converter.force = True
    converter.start()
