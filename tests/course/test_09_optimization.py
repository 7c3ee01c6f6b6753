"""09 Optimization: right answers in more than one form pass, and wrong ones fail in words."""

import statistics

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks

L = keras.layers


@pytest.fixture(scope="module")
def opt():
    return exercise.load("09_optimization")


def assert_wrong(result, words):
    assert result.status == checks.WRONG, result
    assert words.lower() in result.message.lower(), result


TESTS = ["opt-adagrad", "opt-adam", "opt-rates", "opt-winner", "opt-space", "opt-head"]


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(opt, test):
    result = opt.run(test, opt.namespace())
    assert result.passed and result.hidden, result
    assert opt.run(test, opt.stubs()).status == checks.NOT_ATTEMPTED


# ------------------------------------------------------------------ opt-adagrad


def power(w, g, s, learning_rate=0.01, epsilon=1e-7):
    total = np.add(s, np.square(g))
    return [w - g * learning_rate * (total + epsilon) ** -0.5, total]


def outside(w, g, s, learning_rate=0.01, epsilon=1e-7):
    return w - learning_rate * g / (np.sqrt(s + g**2) + epsilon), (s + g**2).tolist()


@pytest.mark.parametrize("right", [power, outside])
def test_adagrad_in_other_forms_passes(opt, right):
    result = opt.run("opt-adagrad", opt.namespace(adagrad_step=right))
    assert result.passed and result.hidden, result


def in_place(w, g, s, learning_rate=0.01, epsilon=1e-7):
    s += g**2
    w -= learning_rate * g / np.sqrt(s + epsilon)
    return w, s


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda w, g, s, r=0.01: (w - r * g / np.sqrt(s + 1e-7), s + g**2), "weights"),
        (lambda w, g, s, r=0.01: (w + r * g / np.sqrt(s + g**2), s + g**2), "weights"),
        (lambda w, g, s, r=0.01: (w - r * g / (s + g**2), s + g**2), "weights"),
        (lambda w, g, s, r=0.01: (w - r * g / np.sqrt(s + g**2), s + abs(g)), "sum of squares"),
        (lambda w, g, s, r=0.01: (w - r * g / np.sqrt(s + g**2), g**2), "sum of squares"),
        (lambda w, g, s, r=0.01: (w - 0.5 * g / np.sqrt(s + g**2), s + g**2), "weights"),
        (in_place, "argument w"),
    ],
)
def test_a_wrong_adagrad_is_told_what_is_wrong(opt, wrong, words):
    assert_wrong(opt.run("opt-adagrad", opt.namespace(adagrad_step=wrong)), words)


# ------------------------------------------------------------------ opt-adam


def adam(correct_m=True, correct_v=True, root=True, sign=-1, fixed=False, keep=True):
    def step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
        if fixed:
            beta_1, beta_2 = 0.9, 0.999
        m = m + (1 - beta_1) * (g - m)
        v = v + (1 - beta_2) * (g * g - v)
        a = m / (1 - beta_1**t) if correct_m else m
        b = v / (1 - beta_2**t) if correct_v else v
        b = np.sqrt(b) if root else b
        moved = w + sign * learning_rate * a / (b + epsilon)
        return (moved, m, v) if keep else (moved, a, b)

    return step


def rescaled(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
    rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - rate * m / (np.sqrt(v) + epsilon), m, v


@pytest.mark.parametrize("right", [adam(), rescaled])
def test_adam_in_other_forms_passes(opt, right):
    result = opt.run("opt-adam", opt.namespace(adam_step=right))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (adam(correct_m=False, correct_v=False), "after step"),
        (adam(correct_v=False), "after step 1"),
        (adam(correct_m=False), "after step 1"),
        (adam(root=False), "after step"),
        (adam(sign=1), "after step 1"),
        (adam(fixed=True), "averages"),
        (adam(keep=False), "after step 2"),
    ],
)
def test_a_wrong_adam_is_told_what_is_wrong(opt, wrong, words):
    assert_wrong(opt.run("opt-adam", opt.namespace(adam_step=wrong)), words)


# ------------------------------------------------------------------ opt-rates


def multiplied(lowest, highest, count):
    ratio = (highest / lowest) ** (1 / (count - 1))
    return [lowest * ratio**k for k in range(count)]


@pytest.mark.parametrize(
    "right", [multiplied, lambda a, b, n: 10 ** np.linspace(*np.log10([a, b]), n)]
)
def test_rates_in_other_forms_pass(opt, right):
    result = opt.run("opt-rates", opt.namespace(learning_rates=right))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda a, b, n: np.linspace(a, b, n), "rates from 0.001"),
        (lambda a, b, n: np.geomspace(a, b, n, endpoint=False), "rates from 0.001"),
        (lambda a, b, n: np.geomspace(a, b, n + 1), "shape"),
        (lambda a, b, n: np.geomspace(b, a, n), "rates from 0.001"),
        (lambda a, b, n: [0.001, 0.01, 0.1], "shape"),
        (lambda a, b, n: a * 10.0 ** np.arange(n), "both ends"),
        (lambda a, b, n: np.log10(np.geomspace(a, b, n)), "rates from 0.001"),
    ],
)
def test_wrong_rates_are_told_what_is_wrong(opt, wrong, words):
    assert_wrong(opt.run("opt-rates", opt.namespace(learning_rates=wrong)), words)


# ------------------------------------------------------------------ opt-winner


def ranked(results):
    order = sorted(results, key=lambda one: statistics.fmean(results[one]), reverse=True)
    mean = {k: statistics.fmean(v) for k, v in results.items()}
    spread = {k: statistics.stdev(v) for k, v in results.items()}
    for other in order[1:]:
        if mean[order[0]] - spread[order[0]] <= mean[other] + spread[other]:
            return None
    return order[0]


def test_a_ranking_passes(opt):
    result = opt.run("opt-winner", opt.namespace(clear_winner=ranked))
    assert result.passed and result.hidden, result


def winner(spread, others="all", key=np.mean):
    def clear_winner(results):
        order = sorted(results, key=lambda one: -key(results[one]))
        best, rest = order[0], order[1:]
        rest = {"all": rest, "last": rest[-1:], "none": []}[others]
        wins = [
            np.mean(results[best]) - np.mean(results[o])
            > spread(results[best]) + spread(results[o])
            for o in rest
        ]
        return best if all(wins) else None

    return clear_winner


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (winner(np.std, "none"), "overlap"),
        (winner(lambda v: 0.0), "overlap"),
        (winner(lambda v: np.std(v, ddof=1), "last"), "close second"),
        (winner(np.std), "close second"),
        (winner(lambda v: np.std(v, ddof=1) / 2), "close second"),
        (winner(lambda v: 2 * np.std(v, ddof=1)), "just above"),
        (lambda results: next(iter(results)), "overlap"),
        (lambda results: None, "winner of"),
    ],
)
def test_a_wrong_winner_is_told_on_which_case(opt, wrong, words):
    assert_wrong(opt.run("opt-winner", opt.namespace(clear_winner=wrong)), words)


# ------------------------------------------------------------------ opt-space

SPACE = {
    "optimizer": ["adam", "rmsprop", "sgd"],
    "units": [0, 128, 256, 512],
    "activation": ["relu", "sigmoid", "tanh"],
}


@pytest.mark.parametrize(
    "right",
    [
        {k: v[::-1] for k, v in SPACE.items()},
        {k: tuple(v) for k, v in SPACE.items()},
        SPACE | {"units": np.array([0, 128, 256, 512])},
    ],
)
def test_the_space_in_other_forms_passes(opt, right):
    result = opt.run("opt-space", opt.namespace(search_space=lambda: right))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({k: v for k, v in SPACE.items() if k != "units"}, "keys"),
        (SPACE | {"units": [128, 256, 512]}, "units"),
        (SPACE | {"units": [0, 128, 256, 1024]}, "units"),
        (SPACE | {"optimizer": ["adam", "adagrad", "sgd"]}, "optimizer"),
        (SPACE | {"activation": ["relu", "sigmoid"]}, "36"),
        (SPACE | {"activation": ["relu", "sigmoid", "softmax"]}, "activation"),
        (SPACE | {"rate": [0.1, 0.01]}, "keys"),
    ],
)
def test_a_wrong_space_is_told_what_is_wrong(opt, wrong, words):
    assert_wrong(opt.run("opt-space", opt.namespace(search_space=lambda: wrong)), words)


# ------------------------------------------------------------------ opt-head


def head(last="softmax", always=False, size=None, act=None, fixed=False, end=None):
    def build_head(inputs, units, activation, classes=10):
        x = first = keras.Input((100 if fixed else inputs,))
        if units or always:
            x = L.Dense(size or units or 1)(x)
            x = L.Activation(act or activation)(x)
        return keras.Model(first, L.Dense(end or classes, activation=last)(x))

    return build_head


def test_a_functional_head_passes(opt):
    result = opt.run("opt-head", opt.namespace(build_head=head()))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (head(last=None), "softmax"),
        (head(last="sigmoid"), "softmax"),
        (head(always=True), "dense"),
        (head(size=512), "units"),
        (head(act="relu"), "tanh"),
        (head(fixed=True), "shape of the input"),
        (head(end=10), "units"),
        (lambda *a, **k: None, "return"),
    ],
)
def test_a_wrong_head_is_told_what_is_wrong(opt, wrong, words):
    assert_wrong(opt.run("opt-head", opt.namespace(build_head=wrong)), words)
