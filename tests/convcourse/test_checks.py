"""The four outcomes, and the mistakes that other courses' checks have shipped."""

import numpy as np
import pytest

from convcourse import checks, session

pytestmark = pytest.mark.unit


def failing(check, *args, **kwargs) -> str:
    with pytest.raises(checks.Wrong) as caught:
        check(*args, **kwargs)
    return str(caught.value)


def test_a_passed_check_says_what_it_verified_and_what_is_still_to_come(capsys):
    with checks.exercise("sum", hidden="2 checks on other arrays"):
        checks.equal(3, 3, "the sum")
    out = capsys.readouterr().out
    assert out.startswith("passed: sum.") and "2 checks on other arrays" in out


def test_an_untouched_stub_is_not_attempted():
    with pytest.raises(checks.NotAttempted, match="not attempted: sum"), checks.exercise("sum"):
        raise NotImplementedError("not attempted yet")


def test_a_missing_name_is_not_attempted_and_named():
    with pytest.raises(checks.NotAttempted, match="history"), checks.exercise("fit"):
        exec("history")


@pytest.mark.parametrize(
    "cell",
    [
        "def area(n)\n    return n",
        "area = 1 / 0",
        "class area:\n    f(",
        "import os\narea: float = 2 +",
    ],
)
def test_a_name_is_missing_because_its_cell_failed(cell, monkeypatch):
    monkeypatch.setattr(session, "ran", {})
    session.ran[cell] = session.Ran(cell, 0.0, "bad (2309.py, line 1)", "SyntaxError")
    words = r"The cell that defines 'area' ended in an error \(SyntaxError: bad \(line 1\)\)"
    with pytest.raises(checks.StudentError, match=words), checks.exercise("one"):
        exec("area")
    session.ran["area = 2"] = session.Ran("area = 2", 1.0)  # it ran since, and was deleted
    with (
        pytest.raises(checks.NotAttempted, match="'area' does not exist yet"),
        checks.exercise("one"),
    ):
        exec("area")


def test_a_cell_that_lacks_the_name_of_another_is_not_blamed(monkeypatch):
    monkeypatch.setattr(session, "ran", {})
    for source, error, kind in (
        ("def build(:", "bad", "SyntaxError"),
        ("net = build()", "name 'build' is not defined", "NameError"),
        ("x = y = z", "name 'z' is not defined", "NameError"),
    ):
        session.ran[source] = session.Ran(source, 0.0, error, kind)
    with (
        pytest.raises(checks.StudentError, match="cell that defines 'build'"),
        checks.exercise("one"),
    ):
        exec("net")
    with (
        pytest.raises(checks.StudentError, match=r"defines 'x' .*'z' is not"),
        checks.exercise("one"),
    ):
        exec("x")
    stub = "z = 1\nraise NotImplementedError()"
    session.ran[stub] = session.Ran(stub, 0.0, "not attempted yet", "NotImplementedError")
    with pytest.raises(checks.NotAttempted, match="'x' does not exist yet"), checks.exercise("one"):
        exec("x")


@pytest.mark.parametrize("cell", ["areas = 1 / 0", "volume(area == 2)", "    area = 2 +"])
def test_a_failed_cell_that_does_not_define_the_name_is_not_blamed(cell, monkeypatch):
    monkeypatch.setattr(session, "ran", {})
    session.ran[cell] = session.Ran(cell, 0.0, "bad", "SyntaxError")
    with pytest.raises(checks.NotAttempted, match="does not exist yet"), checks.exercise("one"):
        exec("area")


def test_a_misspelt_name_inside_a_function_is_an_error():
    names = {}
    exec("def answer(n):\n    return nn", names)
    with pytest.raises(checks.StudentError, match="nn"), checks.exercise("fit"):
        names["answer"](1)


def test_an_exception_of_the_student_is_an_error_with_their_words():
    def answer():
        return 1 / 0

    words = r"ZeroDivisionError.*1 / 0"
    with pytest.raises(checks.StudentError, match=words), checks.exercise("divide"):
        answer()


def test_a_wrong_answer_names_the_exercise_and_the_figures():
    words = r"wrong: count\. the total is 3; expected 4"
    with pytest.raises(checks.Wrong, match=words), checks.exercise("count"):
        checks.equal(3, 4, "the total")


def test_a_failure_renders_without_a_traceback():
    assert checks.Wrong("too small").outcome.message == "too small"
    assert checks.Wrong("too small")._render_traceback_() == ["wrong: this exercise. too small"]


def test_a_shorter_answer_does_not_pass():
    assert "2 entries; expected 3" in failing(checks.equal, [1, 2], [1, 2, 3], "sizes")


def test_an_all_zero_array_does_not_pass():
    want = np.arange(4)
    assert "3 of 4" in failing(checks.array_equal, np.zeros(4, int), want, "the map")


def test_floats_compare_with_a_tolerance_and_one_is_not_18900():
    checks.close(0.1 + 0.2, 0.3, "the sum")
    assert "expected 18900" in failing(checks.close, 1, 18_900, "the size")


@pytest.mark.parametrize(
    ("got", "want", "is_rounded"),
    [
        (0.04, 0.0433333, True),
        (np.float32(42.47), 42.467328, True),
        (42.5, 42.467328, False),
        (3.3936, 3.3936015, True),
        (0.0, 0.0433333, False),
        (42.0, 42.467328, False),
        (42.4, 42.467328, False),
        (0.05, 0.0433333, False),
    ],
)
def test_a_hidden_check_tells_a_rounded_number_from_another(got, want, is_rounded):
    with checks.without_values():
        message = failing(checks.close, got, want, "the rate", 1e-9, 1e-12)
    assert ("the rate is rounded: return the number itself." in message) == is_rounded
    assert is_rounded or "the rate is wrong." in message


def test_text_is_not_close_to_a_number():
    assert "expected numbers" in failing(checks.close, "0.5", 0.5, "the loss")


def test_nan_is_not_close_to_anything():
    assert "not finite" in failing(checks.close, [np.nan], [1.0], "the loss")


def test_a_missing_return_is_asked_about():
    assert "return" in failing(checks.shape, None, (2, 2), "the batch")


def test_shapes_compare_by_length_and_admit_any_size():
    checks.shape(np.zeros((3, 4)), (None, 4), "x")
    assert "expected (any, 4, 1)" in failing(checks.shape, np.zeros((3, 4)), (None, 4, 1), "x")


def test_true_is_not_one():
    assert "True" in failing(checks.equal, True, 1, "the count")


def test_dictionaries_name_missing_and_extra_keys():
    assert "lacks 'b'" in failing(checks.equal, {"a": 1}, {"a": 1, "b": 2}, "the table")
    assert "'c'" in failing(checks.equal, {"a": 1, "c": 2}, {"a": 1}, "the table")


def _net(units: int):
    import keras

    return keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(units, name="got6151")])


@pytest.mark.parametrize(
    "check",
    [
        lambda: checks.equal(6151, 6152, "f(x)"),
        lambda: checks.equal([6151], [6152], "f(x)"),
        lambda: checks.equal([1] * 6151, [1] * 6152, "f(x)"),
        lambda: checks.equal({"6151": 1}, {}, "f(x)"),
        lambda: checks.equal("6151", "6152", "f(x)"),
        lambda: checks.close(6151.0, 6152.5, "f(x)"),
        lambda: checks.close(np.zeros(6151), np.ones(6151), "f(x)"),
        lambda: checks.close(np.array(["6151"]), np.ones(1), "f(x)"),
        lambda: checks.array_equal(np.zeros(6151), np.ones(6151), "f(x)"),
        lambda: checks.shape(np.zeros((6151, 2)), (6152, 2), "f(x)"),
        lambda: checks.shape(np.zeros((6151, 2)), (6152,), "f(x)"),
        lambda: checks.as_array([6151, None], "f(x)"),
        lambda: checks.parameters(_net(6151), 24_608),
        lambda: checks.parameters(_net(6151), 24_604, 24_608),
        lambda: checks.parameters(_net(6151), 24_608, case="For one unit"),
        lambda: checks.architecture(_net(6151), "dense 6152"),
        lambda: checks.architecture(_net(6151), "dense 6152, dense 10"),
    ],
)
def test_hidden_checks_quote_neither_what_there_is_nor_what_is_expected(check):
    with pytest.raises(checks.Wrong) as shown, checks.without_values():
        check()
    words = str(shown.value).replace(",", "")
    assert "615" not in words and "2460" not in words and len(words.split()) > 5


@pytest.mark.parametrize(
    "body", ["np.sqrt(x)", "x if x[0, 0] > 0 else -x", "sum(row for row in x)"]
)
def test_python_and_numpy_on_symbolic_tensors_are_explained(body):
    import keras

    names = {"np": np}
    exec(f"def penalty(y, x):\n    return {body}", names)
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    net.compile("sgd", loss=names["penalty"])
    explained = pytest.raises(checks.StudentError, match=r"symbolic tensors.*keras\.ops")
    with explained, checks.exercise("loss"):
        net.train_on_batch(np.ones((1, 2)), np.ones((1, 2)))


def test_a_metric_in_the_place_of_loss_weights_is_explained():
    import keras

    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    net.compile("sgd", "mse", ["accuracy"])
    explained = pytest.raises(checks.StudentError, match=r"third argument.*metrics=\[.accuracy.\]")
    with explained, checks.exercise("train"):
        net.train_on_batch(np.ones((1, 2)), np.ones((1, 2)))


def test_two_parts_of_one_name_are_explained():
    import keras

    inputs = keras.Input((2,))
    net = keras.Sequential([keras.layers.Dense(2)])
    copy = keras.models.clone_model(net)
    explained = pytest.raises(
        checks.StudentError, match=r"same name.*call the network itself again"
    )
    with explained, checks.exercise("pairs"):
        keras.Model(inputs, keras.layers.Subtract()([net(inputs), copy(inputs)]))


def test_keras_own_long_messages_are_cut_to_their_reason():
    import keras

    class Bad(keras.layers.Layer):
        def call(self, x):
            raise ValueError("the sizes do not fit")

    try:
        Bad()(np.zeros((1, 2)))
    except ValueError as error:
        said = checks.explain(error).outcome.message
    assert said.startswith("ValueError: the sizes do not fit")
    assert "\x1b" not in said and "\n" not in said and "Arguments received" not in said


def test_a_whole_number_in_single_precision_is_compared_exactly():
    checks.equal(np.float32(2**24), 2**24, "The count")
    with pytest.raises(checks.Wrong, match=r"16777216\.0; expected 16777217"):
        checks.equal(np.float32(2**24), 2**24 + 1, "The count")
