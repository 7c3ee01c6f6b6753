"""A second run of a notebook, for checks whose verdict the first one leaves open.

The first run asks about all hidden blocks after the last cell, when the notebook may have changed
in place what an answer depends on. So a hidden check that fails there is judged once more by a
run that asks at its place; only that verdict counts.

And each exercise is judged on its own. A right answer to a later exercise may need what an earlier
one was to make. So the course's own answer stands in for each exercise that has failed, and what
passes then gets its points.

Of this run only verdicts remain: no output of it, and no line of an answer, reaches the student.
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nbformat import NotebookNode

from autograder.judge.verdict import Verdict
from autograder.kernel.notebook import Run
from autograder.pages.outputs import write_outputs
from autograder.text.cells import facts
from convcourse import outcomes

IN_PLACE = "Judged with the course's own {} in place of yours."
_PASSED = Verdict(outcomes.PASSED)


@dataclass(frozen=True)
class Answer:
    """The course's own answer to an exercise.

    Attributes:
        id: The id of its cell.
        tests: The ids of the test cells that are about it.
        source: Its code.
        stub: What students find in its place.
    """

    id: str
    tests: tuple[str, ...]
    source: str
    stub: str


def answers(cells: Iterable[tuple[str, str, str, str]]) -> tuple[Answer, ...]:
    """The answers of a source notebook: each belongs to the test cells before the next answer.

    Args:
        cells: Role, id, source and stub of each graded or solution cell, in order.
    """
    found: list[Answer] = []
    group: list[tuple[str, str, str]] = []
    tests: list[str] = []

    def close() -> None:
        found.extend(Answer(one, tuple(tests), code, blank) for one, code, blank in group if tests)
        group.clear()
        tests.clear()

    for role, name, source, stub in cells:
        if role == "solution":
            if tests:
                close()
            group.append((name, source, stub))
        elif role == "tests":
            tests.append(name)
    close()
    return tuple(found)


def graded(nb: NotebookNode, known: Sequence[Answer], made: Callable[[NotebookNode], Run]) -> Run:
    """Run a notebook, and again where that may change a verdict.

    Args:
        nb: The notebook, whose outputs are written.
        known: The course's own answers.
        made: Makes a run of a notebook.

    Returns:
        The first run, with the verdicts that count.
    """
    first = made(nb)
    first.all_cells()
    with first.clock("again"):
        judge_again(nb, first, known, made)
    for name, why in first.doubts.items():
        first.looks[name] = f"{first.looks.get(name, '')} {why}".strip()
    return first


def judge_again(
    nb: NotebookNode, first: Run, known: Sequence[Answer], made: Callable[[NotebookNode], Run]
) -> None:
    """Run a notebook again if that may change a verdict, and write what it finds into its outputs.

    Args:
        nb: The executed notebook.
        first: Its first run.
        known: The course's own answers.
        made: Makes the second run, of another notebook in the same folder.
    """
    wanted = first.unsure | _after_another(nb, first.verdicts, known)
    if not wanted:
        return
    again = copy.deepcopy(nb)
    second = _Second(again, made(again), first, known, wanted)
    for name, found in second.verdicts().items():
        # Its entry in the leaderboard could hold what the notebook has seen by then.
        verdict = replace(found, notes=first.verdicts[name].notes)
        cell = next(one for one in nb.cells if facts(one)[1] == name)
        first.verdicts[name] = verdict
        if name in second.run.looks:
            first.looks[name] = second.run.looks[name]
        else:
            first.looks.pop(name, None)
        cell.outputs = write_outputs(verdict, name)


def _after_another(
    nb: NotebookNode, verdicts: Mapping[str, Verdict], known: Sequence[Answer]
) -> set[str]:
    """The test cells that failed after one of another exercise, and answered by the student."""
    written = {name: one.source for one in nb.cells if (name := facts(one)[1])}
    tests = [name for one in nb.cells if (name := facts(one)[1]) in verdicts]
    failed = [name for name in tests if not verdicts[name].passed]
    return {
        test
        for one in known
        for test in set(one.tests).intersection(failed)
        if failed[0] not in one.tests
        and written.get(one.id, "").split() not in ([], one.stub.split())
    }


class _Second:
    """The second run, cell by cell, until no verdict is open."""

    def __init__(
        self, nb: NotebookNode, run: Run, first: Run, known: Sequence[Answer], wanted: set[str]
    ) -> None:
        self.nb, self.run, self.first, self.open = nb, run, first, wanted
        # The other checks of an exercise ask too: one network must answer all of them.
        self.wanted = wanted.union(*(tests for tests in _exercises(nb) if wanted & tests))
        self.own = {one.id: one for one in known}
        self.replaced: list[str] = []
        self.since = 0  # the first cell of this exercise

    def verdicts(self) -> dict[str, Verdict]:
        """The verdicts that count in place of the first run's."""
        found: dict[str, Verdict] = {}
        left = set(self.wanted)
        with self.run.started():
            for index, cell in enumerate(self.nb.cells):
                role, name, _ = facts(cell)
                if not left:
                    break
                if role != "tests":
                    self._answer_cell(index, name)
                    continue
                if name in self.wanted:
                    left.discard(name)
                    self.run.step(index, at_place=True)
                    found |= self._found(name) if name in self.open else {}
                self._replace(index, name)
        return found

    def _answer_cell(self, index: int, name: str) -> None:
        """Run a cell; of an exercise that has failed and is not open, the course's own answer."""
        own = self.own.get(name)
        if own and not self.wanted.intersection(own.tests) and self._failed(own.tests):
            self.nb.cells[index].source = own.source
            self.replaced += self._failed(own.tests)
        self.run.step(index)

    def _failed(self, tests: Iterable[str]) -> list[str]:
        """Those of these test cells that have failed, by the last verdict of each."""
        last = {**self.first.verdicts, **self.run.verdicts}
        return [name for name in tests if name in last and not last[name].passed]

    def _found(self, name: str) -> dict[str, Verdict]:
        """The verdict of a test cell, if it is better than the first one or confirms it."""
        verdict = self.run.verdicts[name]
        has_answer = any(name in one.tests for one in self.own.values())
        if verdict.passed and (has_answer or not self.replaced):
            return {name: _told(verdict, self.replaced)}
        confirms = name in self.first.unsure & self.run.asked and not self.replaced
        return {name: verdict} if confirms or name in self.run.inside_ids else {}

    def _replace(self, index: int, test: str) -> None:
        """After the last check of an exercise that has failed, let the course's answer stand in."""
        about = [one.tests for one in self.own.values() if test in one.tests]
        if not about or about[0][-1] != test:
            return
        failed = [name for name in self._failed(about[0]) if name not in self.replaced]
        if failed:
            self.replaced += failed
            for earlier in range(self.since, index):
                if answer := self.own.get(facts(self.nb.cells[earlier])[1]):
                    self.nb.cells[earlier].source = answer.source
                if facts(self.nb.cells[earlier])[0] != "tests":
                    self.run.step(earlier)
        self.since = index + 1


def _exercises(nb: NotebookNode) -> list[set[str]]:
    """The ids of the test cells between two answers, for each such group."""
    groups: list[set[str]] = [set()]
    for cell in nb.cells:
        role, name, _ = facts(cell)
        if role == "solution":
            groups.append(set())
        elif role == "tests":
            groups[-1].add(name)
    return groups


def _told(verdict: Verdict, replaced: Sequence[str]) -> Verdict:
    if not replaced:
        return verdict
    words = IN_PLACE.format(" and ".join(dict.fromkeys(replaced)))
    return replace(verdict, message=f"{verdict.message} {words}".strip())
