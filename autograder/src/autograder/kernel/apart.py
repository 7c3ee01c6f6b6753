"""A second look at exercises that failed after an earlier one had failed: each on its own.

A right answer to a later exercise may need what an earlier one was to make. So the notebook runs
once more, and the course's own solution stands in for each exercise that failed, as soon as it has
failed. What passes there gets its points. Of this run only verdicts remain: no output of it, and no
line of a solution, reaches the student.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.judge.verdict import Verdict
from autograder.text.cells import Cell, parse
from convcourse import outcomes

IN_PLACE = "Judged with the course's own {} in place of yours."


@dataclass(frozen=True)
class Exercise:
    """A test cell and the answers that it is about.

    Attributes:
        test: The id of the test cell.
        answers: The course's own solution cells by id: those since the test cell before.
    """

    test: str
    answers: Mapping[str, Cell]


def exercises(cells: Sequence[NotebookNode]) -> list[Exercise]:
    """The exercises of a source notebook, in its order."""
    found: list[Exercise] = []
    answers: dict[str, Cell] = {}
    for cell in (parse(one) for one in cells if one.cell_type == "code"):
        if cell.role == "solution":
            answers[cell.id] = cell
        elif cell.is_test:
            found.append(Exercise(cell.id, answers))
            answers = {}
    return found


def worth_a_second_look(
    known: Sequence[Exercise], verdicts: Mapping[str, Verdict], cells: Sequence[NotebookNode]
) -> set[str]:
    """The test cells that failed after an earlier one, and whose answers the student has written.

    Args:
        known: The exercises of the source.
        verdicts: The verdict of each test cell by id.
        cells: The student's notebook.
    """
    written = {one.id: one.source for one in map(parse, cells) if one.role == "solution"}
    failed = [one for one in known if one.test in verdicts and not _gained(verdicts[one.test])]
    return {
        one.test
        for one in failed[1:]
        if any(_differs(written.get(name, ""), cell.stub) for name, cell in one.answers.items())
    }


def _gained(verdict: Verdict) -> bool:
    return verdict.passed


def _differs(source: str, stub: str) -> bool:
    """Whether an answer is there: not only the stub, whatever its blank space."""
    return bool(source.split()) and source.split() != stub.split()


class SecondLook:
    """The second run's steps, for whoever has a kernel.

    Args:
        known: The exercises of the source.
        verdicts: The verdicts of the first run, by the id of the test cell.
        cells: The student's notebook.
    """

    def __init__(
        self,
        known: Sequence[Exercise],
        verdicts: Mapping[str, Verdict],
        cells: Sequence[NotebookNode],
    ) -> None:
        self.cells, self.verdicts = cells, verdicts
        self.wanted = worth_a_second_look(known, verdicts, cells)
        self.by_test = {one.test: one for one in known}
        self.of_answer = {name: one.test for one in known for name in one.answers}
        self.replaced: list[str] = []

    def run(
        self, execute: Callable[[str], object], judge: Callable[[Cell], Verdict]
    ) -> Iterator[tuple[str, Verdict]]:
        """Run the notebook again, as far as it is needed.

        Args:
            execute: Runs code in the student's new kernel.
            judge: Gives the verdict of a test cell there.

        Yields:
            The id of each test cell that passes now, with its verdict.
        """
        left, since = set(self.wanted), 0
        for index, cell in enumerate(map(parse, self.cells)):
            if not left:
                return
            if cell.kind != "code":
                continue
            if cell.is_test:
                if cell.id in left:
                    left.discard(cell.id)
                    verdict = judge(cell)
                    if verdict.passed:
                        yield cell.id, self._told(verdict)
                    else:
                        self._replace(cell.id, self.cells[since:index], execute)
                since = index + 1
            elif self._stands_in(cell):
                execute(self.by_test[self.of_answer[cell.id]].answers[cell.id].source)
                self._note(self.of_answer[cell.id])
            else:
                execute(cell.source)

    def _stands_in(self, cell: Cell) -> bool:
        """Whether the course's own answer runs in place of this one: it failed, and for good."""
        test = self.of_answer.get(cell.id)
        if test is None or cell.role != "solution" or test in self.wanted:
            return False
        return test in self.verdicts and not _gained(self.verdicts[test])

    def _replace(
        self, test: str, cells: Sequence[NotebookNode], execute: Callable[[str], object]
    ) -> None:
        """Run the cells before a test cell again, with the course's own answers."""
        self._note(test)
        for cell in (parse(one) for one in cells if one.cell_type == "code"):
            own = self.by_test[test].answers.get(cell.id)
            execute(own.source if own else cell.source)

    def _note(self, test: str) -> None:
        if test not in self.replaced:
            self.replaced.append(test)

    def _told(self, verdict: Verdict) -> Verdict:
        words = IN_PLACE.format(" and ".join(self.replaced))
        message = f"{verdict.message} {words}".strip()
        return Verdict(outcomes.PASSED, message, verdict.score, verdict.detail, verdict.notes)
