"""Hidden tests run where no student code is, and end in words for the student."""

import signal
from pathlib import Path

import numpy as np
import pytest

from autograder.judge import judge
from autograder.judge.verdict import Verdict
from autograder.walled import client
from autograder.walled.errors import Lost
from autograder.warm import server
from convcourse import checks
from convcourse.wire import export
from convcourse.wire.answers import Namespace

pytestmark = pytest.mark.kernel

HEAD = "from autograder import submission\n"


@pytest.fixture(scope="module")
def bench():
    with judge.Judge(seconds=60) as one:
        yield one


def work(**names) -> Namespace:
    return Namespace(names)


def test_a_right_value_passes(bench):
    code = HEAD + "submission.checks.equal(submission.value('n'), 3, 'n')"
    assert bench.run(code, work(n=3)).passed


def test_a_wrong_value_fails_with_its_words(bench):
    code = HEAD + "submission.checks.equal(submission.value('n'), 3, 'n')"
    verdict = bench.run(code, work(n=4))
    assert (verdict.status, verdict.message) == (checks.WRONG, "n is wrong.")


def test_a_function_is_called_where_it_lives_and_only_its_result_crosses(bench):
    code = HEAD + "assert submission.call('double', 21) == 42"
    assert bench.run(code, work(double=lambda n: 2 * n)).passed


def test_a_stub_is_not_attempted_and_a_crash_is_the_students_error(bench):
    def stub():
        raise NotImplementedError("not attempted yet")

    code = HEAD + "submission.call('answer')"
    assert bench.run(code, work(answer=stub)).status == checks.NOT_ATTEMPTED
    assert bench.run(code, work(answer=lambda: 1 / 0)).status == checks.ERROR
    assert bench.run(code, work()).status == checks.NOT_ATTEMPTED


@pytest.mark.parametrize("given", [[], [2, 4, 6, 8], {"1": 2, "2": 4, "3": 6}, "246", None, 2])
def test_results_that_are_not_one_for_each_case_are_wrong(bench, given):
    class Forged(Namespace):
        def call(self, name, arguments):
            return export.to_plain(given)

    code = HEAD + (
        "for n, got in zip((1, 2, 3), submission.calls('double', [(1,), (2,), (3,)])):\n"
        "    assert got == 2 * n\n"
    )
    verdict = bench.run(code, Forged({}))
    assert verdict.status == checks.WRONG and "malformed" in verdict.message


def test_a_number_at_the_end_is_partial_credit(bench):
    assert bench.run(HEAD + "1.5", work()).score == 1.5
    assert bench.run(HEAD + "True", work()).score is None


@pytest.mark.parametrize("given", [np.array([5, 5]), np.array(["a"]), np.zeros(0)])
def test_arrays_that_are_counted_as_if_they_were_values_give_no_points(bench, given):
    code = HEAD + "wrong = [submission.value('n') != 1]\n2 - sum(wrong) / 2"
    assert bench.run(code, work(n=1)).score == 2
    assert not bench.run(code, work(n=given)).passed


def test_an_object_with_behaviour_does_not_cross(bench):
    class Always:
        def __eq__(self, other):
            return True

    code = HEAD + "assert submission.value('n') == 3"
    verdict = bench.run(code, work(n=Always()))
    assert verdict.status == checks.WRONG and "Always" in verdict.message


def test_patched_checks_in_the_students_process_change_nothing(bench, monkeypatch):
    monkeypatch.setattr(checks, "equal", lambda *a, **k: None)
    code = HEAD + "submission.checks.equal(submission.value('n'), 3, 'n')"
    assert not bench.run(code, work(n=4)).passed


def test_a_failing_assertion_without_words_shows_no_hidden_value(bench):
    verdict = bench.run(HEAD + "assert submission.value('n') == 123456", work(n=4))
    assert not verdict.passed and "123456" not in verdict.message
    assert "987" not in bench.run(HEAD + "{}['987']", work()).message


def test_a_block_that_hangs_ends_and_the_next_one_is_judged():
    with judge.Judge(seconds=5) as one:
        assert "5 seconds" in one.run("while True: pass", work()).message
        assert one.run(HEAD + "assert submission.value('n') == 1", work(n=1)).passed


def test_a_judge_that_was_let_go_is_replaced_and_one_that_has_begun_is_used():
    right = HEAD + "assert submission.value('n') == 1"
    with judge.Judge(seconds=60) as one:
        one.begin()
        begun = one._process
        assert one.run(right, work(n=1)).passed and one._process is begun
        one.let_go()
        assert one.run(right, work(n=1)).passed and one._process is not begun
        assert begun.poll() == -signal.SIGKILL


def test_without_a_judge_nothing_is_judged(monkeypatch):
    fork = judge.server.fork

    def missing(target, *more, **rest):
        return fork("autograder.judge.serve:missing", *more, **rest)

    right = HEAD + "assert submission.value('n') == 1"
    with judge.Judge(seconds=60) as one:
        monkeypatch.setattr(judge.server, "fork", missing)
        with pytest.raises(RuntimeError, match=r"did not start: AttributeError.*missing"):
            one.run(right, work(n=1))
        monkeypatch.undo()
        assert one.run(right, work(n=1)).passed


def test_a_judge_that_an_answer_ends_is_a_verdict_and_one_that_leaves_is_none():
    with judge.Judge(seconds=60) as one:
        verdict = one.run("import os\nos.kill(os.getpid(), 11)", work())
        assert verdict.status == checks.ERROR and "more memory than allowed" in verdict.message
        with pytest.raises(RuntimeError, match="exit code 3"):
            one.run("import os\nos._exit(3)", work())
        assert one.run(HEAD + "assert submission.value('n') == 1", work(n=1)).passed


def test_a_judge_that_was_ended_from_outside_is_no_verdict(monkeypatch):
    with judge.Judge(seconds=60) as one:
        for number in (9, 15):  # a judge holds no student code that could send them
            with pytest.raises(Lost, match=f"exit code -{number}"):
                one.run(f"import os\nos.kill(os.getpid(), {number})", work())
        kills = iter(range(100))  # one more each time that somebody looks
        monkeypatch.setattr(client, "memory_kills", lambda: next(kills))
        with pytest.raises(Lost, match="machine ran out of memory"):
            one.run("import os\nos.kill(os.getpid(), 9)", work())


def test_an_answer_too_large_for_the_judge_is_a_verdict_and_the_judge_goes_on():
    tight = """
import re, resource
held = int(re.search(r"VmData:\\s*(\\d+)", open("/proc/self/status").read())[1]) * 1024
most = resource.getrlimit(resource.RLIMIT_DATA)[1]
resource.setrlimit(resource.RLIMIT_DATA, (held + 3 * 2**26, most))
"""
    with judge.Judge(seconds=60) as one:
        verdict = one.run(f"{HEAD}{tight}submission.value('x')", work(x=np.zeros(2**28, np.uint8)))
        assert "more memory than allowed" in verdict.message
        first = one._process.pid
        assert one.run(HEAD + "assert submission.value('n') == 1", work(n=1)).passed
        assert one._process.pid == first


def test_a_machine_that_cannot_go_on_is_no_verdict():
    full = "import errno\nraise OSError(errno.ENOSPC, 'No space left on device')"
    with judge.Judge(seconds=60) as one:
        with pytest.raises(RuntimeError, match="cannot work on this machine: No space left"):
            one.run(full, work())
        assert "ended in OSError" in one.run("raise OSError('other')", work()).message
        assert one.run(HEAD + "assert submission.value('n') == 1", work(n=1)).passed


def test_temporary_files_go_with_the_judge():
    ask = "import os, tempfile\nraise AssertionError(tempfile.gettempdir())"
    with judge.Judge(seconds=60) as one:
        place = Path(one.run(ask, work()).message)
        assert place.is_dir() and place.is_relative_to(server.folder("judges"))
        (place / "__autograph_generated_file.py").touch()
    assert not place.exists()


def test_arrays_and_models_cross_and_the_model_is_rebuilt(bench):
    import keras

    net = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
    net.count_params = lambda: 10**6  # an override that must not count
    code = HEAD + (
        "net = submission.model('net')\n"
        "assert net.count_params() == 15\n"
        "assert submission.value('x').sum() == 6\n"
    )
    verdict = bench.run(code, work(net=net, x=np.arange(4)))
    assert verdict.passed, verdict.message


@pytest.mark.parametrize("shape", [(0, 3), (7,), (300, 32, 32, 3)])  # the last fills no pipe
def test_arrays_of_any_size_cross_whole_and_the_next_answer_follows(bench, shape):
    given = np.random.default_rng(0).random(shape, dtype="float32")
    code = HEAD + (
        "x, flags, n = submission.values('x', 'flags', 'n')\n"
        "assert x.flags.aligned and x.shape == tuple(submission.value('shape')), 'shape'\n"
        "assert float(x.sum(dtype='float64')) == submission.value('total'), 'sum'\n"
        "assert flags.tolist() == [True, False] and n == 5, 'what follows'"
    )
    names = dict(x=given, flags=np.array([True, False]), n=5, shape=list(shape))
    verdict = bench.run(code, work(**names, total=float(given.sum(dtype="float64"))))
    assert verdict.passed, verdict.message


def test_a_judge_without_memory_for_an_answer_ends_and_reads_no_data_as_messages():
    code = HEAD + "import resource\nresource.setrlimit(resource.RLIMIT_DATA, (1, 1))\n"
    code += "submission.value('x')"
    with judge.Judge(seconds=60) as one:
        verdict = one.run(code, work(x=np.zeros(40_000_000, np.uint8)))
        assert verdict.status == checks.ERROR and "more memory than allowed" in verdict.message
        assert one.run(HEAD + "assert submission.value('n') == 1", work(n=1)).passed


def test_a_model_is_rebuilt_again_when_it_has_changed_and_not_before(bench):
    import keras

    layers = [keras.layers.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")]
    net = keras.Sequential(layers)

    class Trained(Namespace):
        def call(self, name, arguments):
            net.layers[0].set_weights([np.full((2, 1), 3.0), np.zeros(1)])
            return export.to_plain([None])

    code = HEAD + (
        "np, before = submission.np, submission.model('net')\n"
        "assert submission.model('net') is before and before(np.ones((1, 2))) == 2\n"
        "submission.call('train')\n"
        "assert submission.model('net')(np.ones((1, 2))) == 6"
    )
    assert bench.run(code, Trained({"net": net})) == Verdict(checks.PASSED)


def test_many_values_at_once_are_what_single_values_are(bench):
    code = HEAD + "assert submission.values('a', 'b') == [1, [2, 3]]"
    assert bench.run(code, work(a=1, b=[2, 3])).passed
    verdict = bench.run(code, work(a=1))
    assert verdict.message == bench.run(HEAD + "submission.value('b')", work(a=1)).message
    assert verdict.status == checks.NOT_ATTEMPTED and "'b'" in verdict.message
    verdict = bench.run(code, work(a=1, b=object()))
    assert verdict.status == checks.WRONG and verdict.message.startswith("b: ")


@pytest.mark.parametrize("given", [[1], [1, 2, 3], {"a": 1, "b": 2}, "ab", None, 2])
def test_values_that_are_not_one_for_each_name_are_wrong(bench, given):
    class Forged(Namespace):
        def values(self, names):
            return export.to_plain(given)

    verdict = bench.run(HEAD + "a, b = submission.values('a', 'b')", Forged({}))
    assert verdict.status == checks.WRONG and "malformed" in verdict.message


def test_many_calls_at_once_are_what_single_calls_are(bench):
    kept = []

    def remember(n, by=1):
        kept.append(n * by)
        return kept

    code = HEAD + (
        "assert submission.calls('remember', [(1,), (2,)], by=3) == [[3], [3, 6]]\n"
        "assert submission.call('remember', 4) == [3, 6, 4]\n"
        "assert submission.calls('remember', []) == []\n"
    )
    verdict = bench.run(code, work(remember=remember))
    assert verdict.passed, verdict.message
    verdict = bench.run(HEAD + "submission.calls('half', [(1,), (0,)])", work(half=lambda n: 1 / n))
    assert verdict.status == checks.ERROR and "ZeroDivisionError" in verdict.message


def test_what_a_block_notes_comes_with_its_score_and_not_with_the_next_block(bench):
    noting = HEAD + "submission.note(name='x' * 300, accuracy=submission.value('n'))\n"
    verdict = bench.run(noting + "2", work(n=0.75))
    assert verdict.notes == {"name": "x" * 200, "accuracy": 0.75}
    assert verdict.within(6).notes == verdict.notes
    assert not bench.run(noting + "assert False", work(n=0.75)).notes
    assert not bench.run(HEAD + "2", work(n=0.75)).notes


def test_a_score_of_zero_is_on_no_leaderboard(bench):
    verdict = bench.run(HEAD + "submission.note(accuracy=0.1)\n0", work())
    assert not verdict.within(6).notes


@pytest.mark.parametrize("fact", ["[1, 2]", "{}", "None", "10**400", "submission.np.zeros(3)"])
def test_a_fact_of_any_kind_does_not_end_the_judge(bench, fact):
    verdict = bench.run(f"{HEAD}submission.note(entry={fact})\n2", work())
    assert verdict.passed and verdict.score == 2 and isinstance(verdict.notes["entry"], str)
