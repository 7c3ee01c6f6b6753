"""A second look at exercises that failed after an earlier one had failed: each on its own.

A right answer to a later exercise may need what an earlier one was to make. So the notebook runs
once more, and the course's own answer stands in for each exercise that has failed. What passes
there gets its points. Of this run only verdicts remain: no output of it, and no line of an answer,
reaches the student.
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


@dataclass(frozen=True)
class Answer:
    """The course's own answer to an exercise.

    Attributes:
        id: The id of its cell.
        test: The id of the test cell that is about it.
        source: Its code.
        stub: What students find in its place.
    """

    id: str
    test: str
    source: str
    stub: str


def answers(cells: Iterable[tuple[str, str, str, str]]) -> tuple[Answer, ...]:
    """The answers of a source notebook: each belongs to the next test cell.

    Args:
        cells: Role, id, source and stub of each graded or solution cell, in order.
    """
    found: list[Answer] = []
    open_: list[tuple[str, str, str]] = []
    for role, name, source, stub in cells:
        if role == "solution":
            open_.append((name, source, stub))
        elif role == "tests":
            found += [Answer(one, name, code, blank) for one, code, blank in open_]
            open_ = []
    return tuple(found)


def judge_apart(
    nb: NotebookNode, first: Run, known: Sequence[Answer], made: Callable[[NotebookNode], Run]
) -> None:
    """Run a notebook again if that may help, and write what passes then into its outputs.

    Args:
        nb: The executed notebook.
        first: Its first run.
        known: The course's own answers.
        made: Makes the second run, of another notebook in the same folder.
    """
    wanted = _wanted(nb, first.verdicts, known)
    if not wanted:
        return
    again = copy.deepcopy(nb)
    for name, verdict in _passed(again, made(again), first.verdicts, known, wanted).items():
        cell = next(one for one in nb.cells if facts(one)[1] == name)
        first.verdicts[name] = verdict
        first.looks.pop(name, None)
        cell.outputs = write_outputs(verdict, name)


def _wanted(nb: NotebookNode, verdicts: Mapping[str, Verdict], known: Sequence[Answer]) -> set[str]:
    """The test cells that failed after an earlier one, and answered by the student."""
    written = {name: one.source for one in nb.cells if (name := facts(one)[1])}
    tests = [name for one in nb.cells if (name := facts(one)[1]) in verdicts]
    failed = [name for name in tests if not verdicts[name].passed]
    return {
        one.test
        for one in known
        if one.test in failed[1:] and written.get(one.id, "").split() not in ([], one.stub.split())
    }


def _passed(
    nb: NotebookNode,
    run: Run,
    verdicts: Mapping[str, Verdict],
    known: Sequence[Answer],
    wanted: set[str],
) -> dict[str, Verdict]:
    """The verdicts of the test cells that pass in the second run."""
    own = {one.id: one for one in known}
    failed = {one.test for one in known if not verdicts.get(one.test, _PASSED).passed}
    replaced: list[str] = []
    found: dict[str, Verdict] = {}
    left, since = set(wanted), 0
    with run.started():
        for index, cell in enumerate(nb.cells):
            name = facts(cell)[1]
            if not left:
                break
            if facts(cell)[0] != "tests":
                if name in own and own[name].test in failed - wanted:
                    cell.source = own[name].source
                    replaced.append(own[name].test)
                run.step(index)
                continue
            if name in wanted:
                left.discard(name)
                run.step(index)
                verdict = run.verdicts[name]
                if verdict.passed:
                    found[name] = _told(verdict, replaced)
                else:
                    _replace(nb, run, range(since, index), own)
                    replaced.append(name)
            since = index + 1
    return found


_PASSED = Verdict(outcomes.PASSED)


def _replace(nb: NotebookNode, run: Run, cells: range, own: Mapping[str, Answer]) -> None:
    """Run the cells before a test cell again, with the course's own answers among them."""
    for index in cells:
        cell = nb.cells[index]
        if answer := own.get(facts(cell)[1]):
            cell.source = answer.source
        run.step(index)


def _told(verdict: Verdict, replaced: Sequence[str]) -> Verdict:
    words = IN_PLACE.format(" and ".join(dict.fromkeys(replaced)))
    return replace(verdict, message=f"{verdict.message} {words}".strip())
