"""A notebook is run in a real kernel and judged from outside."""

import nbformat
import pytest

from autograder import execute, kernels
from autograder.judge import Judge
from helpers import checks

HIDDEN = """{visible}
### BEGIN HIDDEN TESTS
from autograder import submission
submission.checks.equal(submission.call("double", 21), 42, "double(21)")
### END HIDDEN TESTS"""


def run(tmp_path, answer: str, visible: str = "double") -> nbformat.NotebookNode:
    test = nbformat.v4.new_code_cell(HIDDEN.format(visible=visible))
    test.metadata.nbgrader = dict(
        grade=True, solution=False, grade_id="double", points=2, locked=True, schema_version=3
    )
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(answer), test])
    with Judge(seconds=60) as judge:
        execute.Run(nb, tmp_path, judge, kernels.NAME, 20).all_cells()
    return nb


def outcome(nb) -> tuple[str, str]:
    (output,) = nb.cells[-1].outputs
    return output.get("ename", output.output_type), output.get("evalue", output.get("text"))


def test_a_right_answer_passes(tmp_path):
    nb = run(tmp_path, "def double(n): return n + n")
    assert outcome(nb) == ("stream", "passed: double.\n")


def test_a_wrong_answer_fails_with_the_judges_words_and_no_hidden_line(tmp_path):
    nb = run(tmp_path, "def double(n): return n")
    kind, words = outcome(nb)
    assert kind == "Wrong" and words == "wrong: double. double(21) is wrong."
    assert "submission" not in "".join(nb.cells[-1].outputs[0].traceback)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("def double(n): raise NotImplementedError()", "NotAttempted"),
        ("def double(n): return n / 0", "StudentError"),
        ("def double(n): return Twice()", "StudentError"),
        ("import os\ndef double(n): os._exit(0)", "StudentError"),
    ],
)
def test_every_other_answer_ends_in_its_own_outcome(tmp_path, answer, kind):
    assert outcome(run(tmp_path, answer))[0] == kind


def test_warnings_and_numbers_that_student_code_shows_are_no_marks(tmp_path):
    answer = "import sys\ndef double(n):\n    print('careful', file=sys.stderr)\n    return 2 * n"
    assert outcome(run(tmp_path, answer, visible="double(1); 2"))[0] == "stream"
    answer = "def double(n):\n    return n"
    assert outcome(run(tmp_path, answer, visible="2"))[0] == "Wrong"


def test_a_visible_check_fails_though_its_output_is_lost(tmp_path):
    answer = "def double(n): return 2 * n"
    lose = "from IPython.display import display\ndisplay({'text/html': 'x' * 10**8}, raw=True)\n"
    assert outcome(run(tmp_path, answer, visible=f"{lose}1 / 0"))[0] == "StudentError"


def test_patched_checks_and_a_forged_answer_gain_nothing(tmp_path):
    answer = """
from helpers import answers, checks
def forged(kind, name, arguments, to):
    open(to, 'wb').write(b'+garbage')
answers.answer = forged
checks.equal = lambda *a, **k: None
def double(n): return n
"""
    assert outcome(run(tmp_path, answer))[0] in ("Wrong", "StudentError")


def test_an_answer_that_is_a_link_or_missing_is_refused(tmp_path):
    with execute._opened("/", tmp_path) as folder:
        with pytest.raises(checks.StudentError, match="no answer"):
            execute._read(folder, "missing")
        (tmp_path / "link").symlink_to("/etc/hostname")
        with pytest.raises(checks.StudentError):
            execute._read(folder, "link")
