"""Each exercise is judged on its own: a wrong answer costs only its own points."""

import nbformat
import pytest
import tiny

from autograder.kernel import again
from autograder.run.job import Settings, execute
from autograder.text.cells import parse

pytestmark = pytest.mark.kernel

JOIN = """def join(parts):
    ### BEGIN SOLUTION
    return [one for part in parts for one in part]
    ### END SOLUTION"""
MEAN = """def mean(values):
    ### BEGIN SOLUTION
    return sum(values) / len(values)
    ### END SOLUTION"""
SPREAD = """def spread(values):
    ### BEGIN SOLUTION
    return max(values) - min(values)
    ### END SOLUTION"""
BLANK = "def {}(values):\n    raise NotImplementedError('not attempted yet')"


def checked(visible: str, hidden: str) -> str:
    lines = "from autograder import submission\nsubmission.checks."
    return f"{visible}\n### BEGIN HIDDEN TESTS\n{lines}{hidden}\n### END HIDDEN TESTS"


TESTS = {
    "join": checked("join([[1], [2]])", 'equal(submission.value("whole"), [3, 1, 2], "whole")'),
    "mean": checked("middle", 'close(submission.value("middle"), 2, "middle")'),
    "spread": checked("width", 'close(submission.value("width"), 2, "width")'),
}
PLAIN = {"join": "whole = join([[3], [1, 2]])", "mean": "middle = mean(whole)"} | {
    "spread": "width = spread(whole) * middle / 2"
}
RIGHT = {"join": JOIN, "mean": MEAN, "spread": SPREAD}


def notebook(**answers: str) -> nbformat.NotebookNode:
    cells = []
    for name, right in RIGHT.items():
        answer = answers.get(name, right)
        cells.append(tiny.cell(answer, f"{name}-answer", grade=False, solution=True, locked=False))
        cells.append(nbformat.v4.new_code_cell(PLAIN[name]))
        marks = dict(grade=True, solution=False, locked=True, points=2)
        cells.append(tiny.cell(TESTS[name], name, **marks))
    return nbformat.v4.new_notebook(cells=cells)


def graded(**answers: str) -> dict[str, str]:
    source = [parse(cell) for cell in notebook().cells]
    own = again.answers((one.role or "", one.id, one.source, one.stub) for one in source)
    text = nbformat.writes(notebook(**answers))
    done = nbformat.reads(execute(text, {}, Settings(answers=own)).text, as_version=4)
    tests = [cell for cell in done.cells if parse(cell).is_test]
    return {
        parse(cell).id: cell.outputs[0].get("evalue", cell.outputs[0].get("text", "")).strip()
        for cell in tests
    }


IN_PLACE = "Judged with the course's own join in place of yours."


@pytest.mark.parametrize(
    ("answers", "want"),
    [
        (
            {"join": BLANK.format("join")},
            {"join": "not attempted", "mean": f"passed: mean. {IN_PLACE}"},
        ),
        ({"join": "def join(parts): return None"}, {"join": "wrong", "spread": "passed: spread."}),
        (
            {"join": "1 / 0", "mean": "def mean(values): return 7"},
            {"join": "error", "mean": "error: mean", "spread": "passed: spread. Judged"},
        ),
        (
            {"join": BLANK.format("join"), "mean": BLANK.format("mean")},
            {"join": "not attempted", "mean": "error: mean", "spread": "passed: spread. Judged"},
        ),
        (
            {"join": BLANK.format("join"), "spread": "def spread(values): return 0"},
            {"mean": "passed", "spread": "error: spread. name"},
        ),
    ],
)
def test_a_later_right_answer_keeps_its_points(answers, want):
    got = graded(**answers)
    for name, words in want.items():
        assert got[name].startswith(words), got


def test_nothing_of_the_second_run_is_shown():
    peek = "import inspect\nprint(inspect.getsource(join))\n" + MEAN
    text = nbformat.writes(notebook(join=BLANK.format("join"), mean=peek))
    source = [parse(cell) for cell in notebook().cells]
    own = again.answers((one.role or "", one.id, one.source, one.stub) for one in source)
    done = execute(text, {}, Settings(answers=own)).text
    assert "for one in part" not in done and "passed: mean" in done


def test_without_a_wrong_answer_there_is_no_second_run(monkeypatch):
    monkeypatch.setattr(again._Second, "verdicts", lambda *_: pytest.fail("a second run"))
    assert all(words.startswith("passed") for words in graded().values())
    assert graded(spread="def spread(values): return 0")["spread"].startswith("wrong")
