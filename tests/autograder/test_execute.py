"""A notebook is run in a real kernel and judged from outside."""

import json
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from autograder.judge.judge import Judge
from autograder.judge.verdict import Verdict
from autograder.kernel import again, answers, notebook
from autograder.pages.outputs import write_outputs
from autograder.pages.sanitize import safe
from autograder.warm.provisioner import NAME
from convcourse import checks

pytestmark = pytest.mark.kernel

HIDDEN = """{visible}
### BEGIN HIDDEN TESTS
from autograder import submission
submission.checks.equal(submission.call("double", 21), 42, "double(21)")
### END HIDDEN TESTS"""


def made(answer: str, visible: str = "double") -> nbformat.NotebookNode:
    test = nbformat.v4.new_code_cell(HIDDEN.format(visible=visible))
    test.metadata.nbgrader = dict(
        grade=True, solution=False, grade_id="double", points=2, locked=True, schema_version=3
    )
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(answer), test])


def run(tmp_path, answer: str, visible: str = "double") -> nbformat.NotebookNode:
    nb = made(answer, visible)
    with Judge(seconds=60) as judge:
        again.graded(nb, (), lambda one: notebook.Run(one, tmp_path, judge, NAME, 20))
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


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc who a kernel's parent is")
def test_a_kernel_that_is_lost_by_the_graders_fault_is_no_verdict(tmp_path):
    answer = "open('running', 'w').close()\nimport time; time.sleep(60)\ndef double(n): return n"

    def end_the_keeper() -> None:
        deadline = time.monotonic() + 40
        while one.cells.client.km is None or not Path(f"{one.root}{tmp_path}/running").exists():
            assert time.monotonic() < deadline
            time.sleep(0.2)
        kernel = one.cells.client.km.provisioner.process.pid
        status = Path(f"/proc/{kernel}/status").read_text()
        os.kill(int(status.partition("PPid:")[2].split()[0]), signal.SIGKILL)

    with Judge(seconds=60) as judge, ThreadPoolExecutor(1) as beside:
        one = notebook.Run(made(answer), tmp_path, judge, NAME, 50)
        ended = beside.submit(end_the_keeper)
        with pytest.raises(RuntimeError, match="server of warm processes ended"):
            one.all_cells()
        ended.result()


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
from convcourse.wire import answers
from convcourse import checks
def forged(kind, name, arguments, to, place=""):
    open(to, 'wb').write(b'+garbage')
answers.answer = forged
checks.equal = lambda *a, **k: None
def double(n): return n
"""
    assert outcome(run(tmp_path, answer))[0] in ("Wrong", "StudentError")


def test_an_answer_that_is_a_link_or_missing_is_refused(tmp_path):
    with answers._opened("/", tmp_path) as folder:
        with pytest.raises(checks.StudentError, match="no answer"):
            answers._read(folder, "missing")
        (tmp_path / "link").symlink_to("/etc/hostname")
        with pytest.raises(checks.StudentError):
            answers._read(folder, "link")


@pytest.mark.parametrize("data", ['"><script>1</script>', "iVBORw0KGgo=<", "AAAA", None, ["x"]])
def test_a_picture_that_is_none_does_not_reach_a_page(data):
    output = {"output_type": "display_data", "data": {"image/png": data, "text/html": "<b>"}}
    assert safe(output) is None


def test_a_picture_loses_the_sizes_that_a_page_would_write_unquoted():
    data = {"image/png": "iVBORw0KGgoAAAANSUhEUg==\n", "text/plain": "<Figure>"}
    metadata = {"image/png": {"width": "1 onload=alert(1)"}}
    output = {"output_type": "display_data", "data": data, "metadata": metadata}
    kept = safe(output)
    assert kept.data == data and kept.metadata == {}


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "stream", "name": '"><script>', "text": ["a", "\ud800"]},
        {"output_type": "error", "ename": 5, "evalue": None, "traceback": "x"},
        {"output_type": "display_data", "data": "text"},
        {"output_type": "new"},
    ],
)
def test_what_is_no_output_becomes_one_or_nothing(output):
    kept = safe(nbformat.from_dict(output))
    cell = nbformat.v4.new_code_cell("1", outputs=[kept] if kept else [])
    nb = nbformat.v4.new_notebook(cells=[cell])
    nbformat.validate(nb)
    nbformat.writes(nb).encode()


def test_the_words_of_a_kernel_that_knows_hidden_arguments_are_for_the_instructor():
    reply = {"status": "error", "ename": "got8314", "evalue": "wrong: it was 8314"}
    known = notebook.visible_verdict(reply, told=True)
    assert "8314" not in known.message and "8314" in known.detail
    assert "8314" in notebook.visible_verdict(reply, told=False).message
    kinds = ("ValueError", "BlockingIOError")  # each could stand for a number
    told = [notebook.visible_verdict({**reply, "ename": kind}, True).message for kind in kinds]
    assert told[0] == told[1]


def test_of_an_exception_in_a_hidden_call_only_a_frequent_kind_is_named():
    def outcome(kind: str) -> str:
        raw = json.dumps(["error", f"{kind}: it was 8314"]).encode()
        return answers._Said(raw).outcome("double", told=True).outcome.message

    assert "a ValueError" in outcome("ValueError") and "8314" not in outcome("ValueError")
    assert outcome("BlockingIOError") == outcome("ChildProcessError") == outcome("got8314")


def test_words_of_a_verdict_hold_no_codes_for_a_terminal():
    verdict = Verdict(checks.ERROR, "\x1b[2J it\u202e was\x07 wrong")
    (output,) = write_outputs(verdict, "double")
    assert output.evalue == "error: double. [2J it was wrong"


@pytest.mark.parametrize("reply", [{}, {"status": []}, {"ename": ["x"]}, {"evalue": {"a": 1}}])
def test_a_reply_that_is_none_is_no_pass(reply):
    assert not notebook.visible_verdict(reply, told=False).passed


@pytest.mark.parametrize("raw", [b"", b"[[1], {}]", b"[" * 9_999, b'["wrong", "\\ud800"]', b"5"])
def test_a_forged_failure_ends_in_an_outcome(raw):
    for told in (True, False):
        outcome = answers._Said(raw).outcome("double", told).outcome
        assert outcome.status in (checks.WRONG, checks.ERROR)
        outcome.message.encode()


@pytest.mark.parametrize(("score", "mark"), [(1.5, 1.5), (-3, 0), (9, 2), (float("nan"), 0)])
def test_a_score_lies_between_zero_and_the_points_and_is_told(score, mark):
    verdict = Verdict(checks.PASSED, score=score).within(2)
    assert (verdict.score or 0) == mark and verdict.passed == bool(mark)
    assert "of 2 points" in str(write_outputs(verdict, "double"))
