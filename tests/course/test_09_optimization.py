"""09 Optimization: right answers in more than one form pass, and wrong ones fail in words."""

import functools

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks

L = keras.layers


@pytest.fixture(scope="module")
def opt():
    return exercise.load("09_optimization")


def assert_passes(opt, test, code="", **names):
    result = opt.run(test, opt.namespace(code, **names))
    assert result.passed and result.hidden, result


def assert_wrong(opt, test, words, code="", **names):
    result = opt.run(test, opt.namespace(code, **names))
    assert result.status == checks.WRONG, result
    assert words.lower() in result.message.lower(), result


def changed(code, old, new):
    assert old in code, old
    return code.replace(old, new)


TESTS = ["opt-adagrad", "opt-adam", "opt-rates", "opt-winner", "opt-space", "opt-head"]


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(opt, test):
    assert_passes(opt, test)
    assert opt.run(test, opt.stubs()).status == checks.NOT_ATTEMPTED


# ------------------------------------------------------------------ opt-adagrad

POWER = """
def adagrad_step(w, g, s, learning_rate=0.01, epsilon=1e-7):
    total = np.add(s, np.square(g))
    return [w - g * learning_rate * (total + epsilon) ** -0.5, total]
"""
VERBOSE = """
from typing import Tuple

def adagrad_step(
    w: np.ndarray, g: np.ndarray, s: np.ndarray,
    learning_rate: float = 0.01, epsilon: float = 1e-7,
) -> Tuple[np.ndarray, np.ndarray]:
    w, g, s = (np.asarray(a, dtype=np.float64) for a in (w, g, s))
    assert w.shape == g.shape == s.shape, "shape mismatch"
    assert learning_rate > 0
    new_s = s.copy()
    new_s += g * g
    scale = learning_rate / np.sqrt(new_s + epsilon)
    new_w = w.copy()
    new_w -= scale * g
    print("largest step:", np.abs(scale * g).max())
    return new_w, new_s
"""
ADAGRAD_LOOP = """
def adagrad_step(w, g, s, learning_rate=0.01, epsilon=1e-7):
    moved, total = [], []
    for a, b, c in zip(w.ravel().tolist(), g.ravel().tolist(), s.ravel().tolist()):
        total.append(c + b * b)
        moved.append(a - learning_rate * b / (total[-1] + epsilon) ** 0.5)
    return np.reshape(moved, w.shape), np.reshape(total, w.shape)
"""
ADAGRAD_CLASS = """
class Adagrad:
    def __call__(self, w, g, s, learning_rate=0.01, epsilon=1e-7):
        s = self.accumulate(s, g)
        return w - self.rate(s, learning_rate, epsilon) * g, s
    def accumulate(self, s, g):
        return s + np.power(g, 2)
    def rate(self, s, learning_rate, epsilon):
        return learning_rate / np.sqrt(s + epsilon)
adagrad_step = Adagrad()
"""
ADAGRAD_OPS = """
def adagrad_step(w, g, s, learning_rate=0.01, epsilon=1e-7):
    w, g, s = (keras.ops.convert_to_tensor(a, "float32") for a in (w, g, s))
    s = s + keras.ops.square(g)
    return w - learning_rate * g * keras.ops.rsqrt(s + epsilon), s
"""


@pytest.mark.parametrize(
    "code",
    [
        POWER,
        VERBOSE,
        ADAGRAD_LOOP,
        ADAGRAD_CLASS,
        ADAGRAD_OPS,
        POWER.replace("(total + epsilon) ** -0.5, total]", "(total + epsilon) ** -0.5, total + 0]"),
        changed(POWER, "total]", "total.tolist()]"),
        changed(POWER, "return [", "return np.stack([").replace("total]", "total])"),
        changed(POWER, "total]", "total.astype(np.float32)]"),
    ],
)
def test_adagrad_in_other_forms_passes(opt, code):
    assert_passes(opt, "opt-adagrad", code)


ADAGRAD = """
def adagrad_step(w, g, s, learning_rate=0.01, epsilon=1e-7):
    t = s + g**2
    return w - learning_rate * g / np.sqrt(t + epsilon), t
"""
GLOBAL_SUM = """
summed = {}
def adagrad_step(w, g, s, learning_rate=0.01, epsilon=1e-7):
    t = summed[g.shape] = summed.get(g.shape, s) + g**2
    return w - learning_rate * g / np.sqrt(t + epsilon), t
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("np.sqrt(t +", "np.sqrt(s +", "weights"),
        ("w - learning", "w + learning", "weights"),
        ("np.sqrt(t + epsilon)", "(t + epsilon)", "weights"),
        ("g**2", "abs(g)", "sum of squares"),
        ("s + g**2", "g**2", "sum of squares"),
        ("learning_rate * g /", "0.5 * g /", "weights"),
        ("    t = s", "    w -= 0\n    w[:] = w + 1\n    t = s", "changes its argument w"),
        ("t = s + g**2", "s += g**2; t = s", "changes its argument s"),
        ("np.sqrt(t + epsilon)", "(np.sqrt(t) + epsilon)", "with epsilon 3"),
        ("+ epsilon)", "+ 1e-7)", "with epsilon 3"),
        ("t + epsilon", "t", "with epsilon 3"),
        ("np.sqrt(t + epsilon)", "np.sqrt(np.sum(t) + epsilon)", "weights after"),
        ("learning_rate=0.01", "learning_rate=0.001", "defaults"),
        ("epsilon=1e-7", "epsilon=1e-8", "defaults"),
        (", t\n", "\n", "two values"),
        ("return", "result =", "two values"),
        ("return w - learning_rate * g / np.sqrt(t + epsilon), t", "return t, w - g", "squares"),
        ("g**2", "g**2 + epsilon", "with epsilon 3"),
        (", t\n", ", t + epsilon\n", "the new sum holds epsilon"),
        ("g**2", "(g**2 if g.ndim != 2 else (g**2).sum())", "does not grow by the squared"),
        (
            "np.sqrt(t +",
            "np.sqrt((t if g.ndim < 2 else t.mean(axis=-1, keepdims=True)) +",
            "by the root of its own new sum",
        ),
        (
            "    return w - learning_rate",
            "    if w.ndim > 1:\n        w -= 0.01\n    return w - learning_rate",
            "adagrad_step changes its first argument",
        ),
        ("g / np", "np.sign(g) / np", "weights after"),
    ],
)
def test_a_wrong_adagrad_is_told_what_is_wrong(opt, old, new, words):
    assert_wrong(opt, "opt-adagrad", words, changed(ADAGRAD, old, new))


def test_an_adagrad_that_remembers_between_calls_is_wrong(opt):
    assert_wrong(opt, "opt-adagrad", "sum of squares", GLOBAL_SUM)


def test_messages_of_hidden_checks_quote_no_case(opt):
    answer = RATES + "np.linspace(lowest, highest, count) if count > 3 else [0.001, 0.01, 0.1]"
    result = opt.run("opt-rates", opt.namespace(answer))
    assert result.hidden and not any(digit.isdigit() for digit in result.message)


# ------------------------------------------------------------------ opt-adam

ADAM = """
def adam_step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = m + (1 - beta_1) * (g - m)
    v = v + (1 - beta_2) * (g * g - v)
    a = m / (1 - beta_1**t)
    b = v / (1 - beta_2**t)
    return w - learning_rate * a / (b**0.5 + epsilon), m, v
"""
RESCALED = """
def adam_step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
    rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - rate * m / (np.sqrt(v) + epsilon), m, v
"""
ADAM_VERBOSE = """
from typing import Tuple

def adam_step(
    w: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, t: int,
    learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    assert t >= 1, "t is counted from 1"
    assert w.shape == g.shape == m.shape == v.shape
    new_m = np.add(beta_1 * m, (1.0 - beta_1) * g)
    new_v = np.add(beta_2 * v, (1.0 - beta_2) * np.square(g))
    m_hat = new_m / (1.0 - np.power(beta_1, t))
    v_hat = new_v / (1.0 - np.power(beta_2, t))
    update = learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)
    print(f"step {t}: {np.linalg.norm(update):.3g}")
    return w - update, new_m, new_v
"""
ADAM_LOOP = """
def adam_step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    w, m, v = w.copy(), m.copy(), v.copy()
    for at in np.ndindex(w.shape):
        m[at] = beta_1 * m[at] + (1 - beta_1) * g[at]
        v[at] = beta_2 * v[at] + (1 - beta_2) * g[at] ** 2
        up, down = m[at] / (1 - beta_1**t), v[at] / (1 - beta_2**t)
        w[at] -= learning_rate * up / (down**0.5 + epsilon)
    return [w, m, v]
"""
ADAM_CLASS = """
class Adam:
    def __call__(self, w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
        m, v = self.mean(m, g, beta_1), self.mean(v, g**2, beta_2)
        up, down = m / (1 - beta_1**t), v / (1 - beta_2**t)
        return w - learning_rate * up / (np.sqrt(down) + epsilon), m, v
    def mean(self, old, new, beta):
        return beta * old + (1 - beta) * new
adam_step = Adam()
"""
ADAM_OPS = """
def adam_step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    w, g, m, v = (keras.ops.convert_to_tensor(a, "float32") for a in (w, g, m, v))
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * keras.ops.square(g)
    a, b = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return w - learning_rate * a / (keras.ops.sqrt(b) + epsilon), m, v
"""

ADAM_FLOAT32 = """
import tensorflow as tf

def adam_step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    w, g, m, v = (tf.constant(a, tf.float32) for a in (w, g, m, v))
    b1, b2 = tf.constant(beta_1), tf.constant(beta_2)
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * tf.square(g)
    return w - learning_rate * (m / (1 - b1**t)) / (tf.sqrt(v / (1 - b2**t)) + epsilon), m, v
"""


@pytest.mark.parametrize(
    "code",
    [
        ADAM,
        ADAM_FLOAT32,
        RESCALED,
        ADAM_VERBOSE,
        ADAM_LOOP,
        ADAM_CLASS,
        ADAM_OPS,
        changed(ADAM, "+ epsilon), m, v", "+ epsilon), m.tolist(), v.tolist()"),
        changed(ADAM, "return", "return np.array([").replace(", m, v\n", ", m, v])\n"),
    ],
)
def test_adam_in_other_forms_passes(opt, code):
    assert_passes(opt, "opt-adam", code)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("/ (1 - beta_1**t)\n    b = v / (1 - beta_2**t)", "\n    b = v", "after step 1"),
        ("b = v / (1 - beta_2**t)", "b = v", "array of weights after step 1 differs"),
        ("a = m / (1 - beta_1**t)", "a = m", "after step 1"),
        ("b**0.5", "b", "after step"),
        ("w - learning", "w + learning", "after step 1"),
        ("beta_1) * (g", "0.9) * (g", "averages"),
        ("    m = m", "    beta_1, beta_2 = 0.9, 0.999\n    m = m", "averages"),
        (", m, v\n", ", a, b\n", "the array m after step 1"),
        (", m, v\n", ", v, m\n", "the array m after step 1"),
        (", m, v\n", "\n", "three values"),
        ("return", "result =", "three values"),
        ("beta_1**t", "beta_1*t", "after step"),
        ("beta_2**t", "beta_2**(t + 1)", "after step 1"),
        ("(g * g - v)", "(abs(g) - v)", "the array v after step 1"),
        ("(b**0.5 + epsilon)", "(b + epsilon)**0.5", "with epsilon 2"),
        ("+ epsilon", "+ 1e-7", "with epsilon 2"),
        ("learning_rate=0.001", "learning_rate=0.01", "defaults"),
        ("beta_2=0.999", "beta_2=0.99", "the array v after step 1"),
        ("epsilon=1e-7", "epsilon=1e-8", "defaults"),
        ("    m = m + ", "    m += ", "changes its argument m"),
        ("    v = v", "    w -= 1e-9\n    v = v", "changes its argument w"),
        ("m + (1 - beta_1) * (g - m)", "g + (1 - beta_1) * (m - g)", "after step"),
    ],
)
def test_a_wrong_adam_is_told_what_is_wrong(opt, old, new, words):
    assert_wrong(opt, "opt-adam", words, changed(ADAM, old, new))


# ------------------------------------------------------------------ opt-rates

MULTIPLIED = """
def learning_rates(lowest, highest, count):
    ratio = (highest / lowest) ** (1 / (count - 1))
    return [lowest * ratio**k for k in range(count)]
"""
RATES_VERBOSE = """
import math
from typing import List

def learning_rates(lowest: float, highest: float, count: int) -> List[float]:
    assert 0 < lowest < highest, "lowest must be below highest"
    if count < 2:
        raise ValueError("count must be at least 2")
    start, stop = math.log10(lowest), math.log10(highest)
    step = (stop - start) / (count - 1)
    rates: List[float] = []
    for index in range(count):
        rates.append(math.pow(10.0, start + index * step))
    print(f"{len(rates)} rates from {rates[0]} to {rates[-1]}")
    return rates
"""
RATES_CLASS = """
class Rates:
    def __init__(self, base=10.0):
        self.base = base
    def __call__(self, lowest, highest, count):
        ends = np.log([lowest, highest]) / np.log(self.base)
        return np.logspace(ends[0], ends[1], num=count, base=self.base)
learning_rates = Rates(2.0)
"""
RATES = "def learning_rates(lowest, highest, count):\n    return "


@pytest.mark.parametrize(
    "code",
    [
        MULTIPLIED,
        RATES_VERBOSE,
        RATES_CLASS,
        RATES + "10 ** np.linspace(*np.log10([lowest, highest]), count)",
        RATES + "np.geomspace(lowest, highest, count, dtype=np.float32)",
        RATES + "tuple(np.exp(np.linspace(np.log(lowest), np.log(highest), num=count)))",
        RATES + "keras.ops.exp(keras.ops.linspace(np.log(lowest), np.log(highest), count))",
        RATES + "np.cumprod([lowest] + [(highest / lowest) ** (1 / (count - 1))] * (count - 1))",
    ],
)
def test_rates_in_other_forms_pass(opt, code):
    assert_passes(opt, "opt-rates", code)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("np.linspace(lowest, highest, count)", "rates from 0.001"),
        ("np.geomspace(lowest, highest, count, endpoint=False)", "rates from 0.001"),
        ("np.geomspace(lowest, highest, count + 1)", "shape"),
        ("np.geomspace(lowest, highest, count + 1)[1:]", "rates from 0.001"),
        ("np.geomspace(highest, lowest, count)", "rates from 0.001"),
        ("[0.001, 0.01, 0.1]", "as many rates as count says"),
        ("lowest * 10.0 ** np.arange(count)", "end with highest"),
        ("highest * 10.0 ** -np.arange(count)[::-1]", "begin with lowest"),
        ("np.log10(np.geomspace(lowest, highest, count))", "rates from 0.001"),
        ("np.logspace(-3, -1, count)", "begin with lowest"),
        ("np.geomspace(lowest, highest, 3)", "as many rates as count says"),
        ("None", "none"),
        ("(r for r in np.geomspace(lowest, highest, count))", "is a generator; expected numbers"),
        ("np.geomspace(lowest, highest, count)[:, None]", "shape"),
        ("np.round(np.geomspace(lowest, highest, count), 3)", "not above 0"),
        (
            "[lowest, *[(lowest * highest) ** 0.5] * (count - 2), highest]",
            "Multiply by one factor each time",
        ),
        ("[float(f'{r:.1g}') for r in np.geomspace(lowest, highest, count)]", "not equal"),
        ("np.r_[lowest, np.linspace(lowest, highest, count)[1:-1] / 5.05, highest]", "not equal"),
        ("sorted([lowest, highest, *np.sqrt([lowest * highest] * (count - 2))])", "not equal"),
        (
            "(10 ** np.arange(a := np.log10(lowest), (b := np.log10(highest)) "
            "+ (s := (b - a) / (count - 1)), s))",
            "not always hold as many",
        ),
    ],
)
def test_wrong_rates_are_told_what_is_wrong(opt, answer, words):
    assert_wrong(opt, "opt-rates", words, RATES + answer)


# ------------------------------------------------------------------ opt-winner

RANKED = """
import statistics

def clear_winner(results):
    order = sorted(results, key=lambda one: statistics.fmean(results[one]), reverse=True)
    mean = {k: statistics.fmean(v) for k, v in results.items()}
    spread = {k: statistics.stdev(v) for k, v in results.items()}
    for other in order[1:]:
        if mean[order[0]] - spread[order[0]] <= mean[other] + spread[other]:
            return None
    return order[0]
"""
WINNER_VERBOSE = """
from typing import Dict, List, Optional

def _stats(values: List[float]) -> tuple:
    array = np.asarray(values, dtype=float)
    return array.mean(), array.std(ddof=1)

def clear_winner(results: Dict[str, List[float]]) -> Optional[str]:
    assert len(results) > 0, "no results"
    stats = {name: _stats(values=values) for name, values in results.items()}
    best_name = None
    for name in stats:
        if best_name is None or stats[name][0] > stats[best_name][0]:
            best_name = name
    best_mean, best_std = stats[best_name]
    for name, (mean, std) in stats.items():
        if name == best_name:
            continue
        print(f"{best_name} vs {name}: {best_mean - mean:.3f} against {best_std + std:.3f}")
        if not (best_mean - mean) > (best_std + std):
            return None
    return best_name
"""
WINNER_ARRAYS = """
def clear_winner(results):
    names = np.array(list(results))
    mean = np.array([np.mean(v) for v in results.values()])
    spread = np.array([np.var(v, ddof=1) ** 0.5 for v in results.values()])
    best = mean.argmax()
    clear = mean[best] - mean > spread[best] + spread
    clear[best] = True
    return names[best] if clear.all() else None
"""
WINNER_CLASS = """
class Judge:
    def __call__(self, results):
        for name in results:
            if all(self.beats(results[name], results[o]) for o in results if o != name):
                return name
    def beats(self, one, other):
        return np.mean(one) - np.mean(other) > np.std(one, ddof=1) + np.std(other, ddof=1)
clear_winner = Judge()
"""
WINNER_BY_HAND = """
def clear_winner(results):
    def mean(v):
        return sum(v) / len(v)
    def spread(v):
        return (sum((a - mean(v)) ** 2 for a in v) / (len(v) - 1)) ** 0.5
    winners = [
        a for a in results
        if all(mean(results[a]) - mean(v) > spread(results[a]) + spread(v)
               for b, v in results.items() if b != a)
    ]
    return winners[0] if winners else None
"""
WINNER_POPS = """
def clear_winner(results):
    rest = dict(results)
    best = max(rest, key=lambda name: np.mean(rest[name]))
    values = np.float32(rest.pop(best))
    for other in map(np.float32, rest.values()):
        if values.mean() - other.mean() <= values.std(ddof=1) + other.std(ddof=1):
            return None
    return str(best)
"""


@pytest.mark.parametrize(
    "code", [RANKED, WINNER_VERBOSE, WINNER_ARRAYS, WINNER_CLASS, WINNER_BY_HAND, WINNER_POPS]
)
def test_winners_found_in_other_forms_pass(opt, code):
    assert_passes(opt, "opt-winner", code)


WINNER = """
def clear_winner(results):
    mean = {name: np.mean(v) for name, v in results.items()}
    s = {name: np.std(v, ddof=1) for name, v in results.items()}
    order = sorted(results, key=lambda name: -mean[name])
    best, others = order[0], order[1:]
    clear = all(mean[best] - mean[o] > s[best] + s[o] for o in others)
    return best if clear else None
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("others = order[0], order[1:]", "others = order[0], []", "overlap"),
        ("s[best] + s[o]", "0", "overlap"),
        ("order[1:]", "order[-1:]", "close second"),
        ("order[1:]", "order[1:2]", "reaches the best"),
        (", ddof=1", "", "the sample's has n - 1"),
        ("s[best] + s[o] ", "(s[best] + s[o]) / 2 ", "close second"),
        ("s[best] + s[o] ", "2 * (s[best] + s[o]) ", "just above"),
        ("best if clear else None", "next(iter(results))", "overlap"),
        ("best if clear else None", "None", "winner of"),
        ("best if clear else None", "best", "overlap"),
        ("s[best] + s[o] ", "s[best] ", "finds a winner"),
        ("s[best] + s[o] ", "s[o] ", "finds a winner"),
        ("s[best] + s[o] ", "max(s[best], s[o]) ", "finds a winner"),
        ("s[best] + s[o] ", "np.hypot(s[best], s[o]) ", "just below"),
        ("] > s", "] >= s", "two equal best"),
        ("mean[o] > s", "mean[o] + 1e-9 > s", "two equal best"),
        ("np.mean(v)", "np.median(v)", "above the median"),
        ("np.mean(v)", "np.max(v)", "finds"),
        ("-mean[name]", "-max(results[name])", "one high accuracy"),
        ("-mean[name]", "-results[name][0]", "one high accuracy"),
        ("-mean[name]", "-results[name][-1]", "one high accuracy"),
        ("best if clear", "best[0] if clear", "wrong for three settings"),
        ("np.std(v, ddof=1)", "np.std(v, ddof=len(v) < 4)", "four runs, just below the spreads"),
        ("np.std(v, ddof=1)", "np.std(v[:3], ddof=1)", "finds a winner for"),
        (
            "np.std(v, ddof=1)",
            "np.sqrt(sum((a - np.median(v)) ** 2 for a in v) / (len(v) - 1))",
            "no winner for a mean above the median",
        ),
        (
            "np.std(v, ddof=1)",
            "np.mean(np.abs(v - np.mean(v)))",
            "a winner for a close second among three",
        ),
        ("s[best] + s[o] ", "2 * np.mean(list(s.values())) ", "the worst among three"),
        ("clear = all", "clear = any", "close second"),
        ("best if clear else None", "(best, mean[best]) if clear else None", "winner of"),
        ("best if clear else None", "best if clear else False", "overlap"),
        ("else None", "else ('' if len(results) > 2 else None)", "there is none"),
        ("-mean[name]", "mean[name]", "winner of"),
    ],
)
def test_a_wrong_winner_is_told_on_which_case(opt, old, new, words):
    assert_wrong(opt, "opt-winner", words, changed(WINNER, old, new))


# ------------------------------------------------------------------ opt-space

SPACE = {
    "optimizer": ["adam", "rmsprop", "sgd"],
    "units": [0, 128, 256, 512],
    "activation": ["relu", "sigmoid", "tanh"],
}
SPACE_VERBOSE = """
from typing import Any, Dict, List

OPTIMIZERS: List[str] = ["Adam", "RMSprop", "SGD"]

class Space:
    def __init__(self, **lists: List[Any]) -> None:
        self.lists = lists
    def __call__(self) -> Dict[str, List[Any]]:
        assert all(self.lists.values())
        print({name: len(values) for name, values in self.lists.items()})
        return dict(self.lists)

search_space = Space(
    activation=["tanh", "relu", "sigmoid"],
    units=[0] + [2**k for k in range(7, 10)],
    optimizer=[name.lower() for name in OPTIMIZERS],
)
"""


@pytest.mark.parametrize(
    "right",
    [
        SPACE,
        {k: v[::-1] for k, v in SPACE.items()},
        {k: tuple(v) for k, v in SPACE.items()},
        SPACE | {"units": np.array([0, 128, 256, 512])},
        SPACE | {"units": [np.int32(n) for n in SPACE["units"]]},
        {k: SPACE[k] for k in sorted(SPACE)},
        {k: np.array(v) for k, v in SPACE.items()},
    ],
)
def test_the_space_in_other_forms_passes(opt, right):
    assert_passes(opt, "opt-space", search_space=lambda: right)


def test_a_space_from_an_object_passes(opt):
    assert_passes(opt, "opt-space", SPACE_VERBOSE)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({k: v for k, v in SPACE.items() if k != "units"}, "keys"),
        (SPACE | {"units": [128, 256, 512]}, "units"),
        (SPACE | {"units": [0, 128, 256, 1024]}, "that the exercise names."),
        (SPACE | {"units": [0, 128, 256, 256, 512]}, "units"),
        (SPACE | {"units": ["0", "128", "256", "512"]}, "whole numbers"),
        (SPACE | {"units": [0.0, 128.0, 256.0, 512.0]}, "whole numbers"),
        (SPACE | {"units": [None, 128, 256, 512]}, "whole numbers"),
        (SPACE | {"units": range(0, 513, 128)}, "must be a list"),
        (SPACE | {"optimizer": ["adam", "adagrad", "sgd"]}, "optimizer"),
        (SPACE | {"optimizer": ["Adam", "RMSprop", "SGD"]}, "lowercase"),
        (SPACE | {"optimizer": "adam"}, "must be a list"),
        (SPACE | {"optimizer": {"adam", "rmsprop", "sgd"}}, "must be a list"),
        (SPACE | {"optimizer": [keras.optimizers.Adam, "rmsprop", "sgd"]}, "lowercase strings"),
        (SPACE | {"activation": ["relu", "sigmoid"]}, "combinations"),
        (SPACE | {"activation": ["relu", "sigmoid", "softmax"]}, "activation"),
        (SPACE | {"activation": ["ReLU", "sigmoid", "tanh"]}, "lowercase"),
        (SPACE | {"rate": [0.1, 0.01]}, "keys"),
        (list(SPACE.items()), "dictionary"),
        (None, "dictionary"),
    ],
)
def test_a_wrong_space_is_told_what_is_wrong(opt, wrong, words):
    assert_wrong(opt, "opt-space", words, search_space=lambda: wrong)


# ------------------------------------------------------------------ opt-head


def functional(inputs, units, activation, classes=10):
    x = first = keras.Input((inputs,), name="features")
    if units != 0:
        x = L.Dense(units, name="hidden")(x)
        x = L.Activation(activation)(x)
    return keras.Model(first, L.Dense(classes, activation="softmax")(x))


def listed(inputs, units, activation, classes=10):
    hidden = [L.Dense(units, activation)] if units > 0 else []
    return keras.Sequential([L.Input(shape=(inputs,)), *hidden, L.Dense(classes), L.Softmax()])


def verbose(inputs: int, units: int, activation: str, classes: int = 10) -> keras.Model:
    """As a chatbot writes it."""
    assert units >= 0, "units must not be negative"
    if inputs < 1:
        raise ValueError("inputs must be positive")
    model = keras.models.Sequential(name="head")
    model.add(L.InputLayer(shape=(inputs,)))
    if units > 0:
        model.add(L.Dense(units=units, activation=keras.activations.get(activation)))
    model.add(L.Dense(units=classes, activation=keras.activations.softmax, dtype="float32"))
    model.summary(print_fn=lambda *args, **settings: None)
    return model


def compiled(inputs, units, activation, classes=10):
    model = listed(inputs, units, activation, classes)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


class Head(keras.Model):
    def __init__(self, units, activation, classes):
        super().__init__()
        self.hidden = L.Dense(units, activation=activation) if units else None
        self.out = L.Dense(classes, activation="softmax")

    def call(self, x):
        return self.out(x if self.hidden is None else self.hidden(x))


def subclassed(inputs, units, activation, classes=10):
    head = Head(units, activation, classes)
    head(keras.ops.zeros((1, inputs)))
    return head


def not_built(inputs, units, activation, classes=10):
    return Head(units, activation, classes)


def with_functions(inputs, units, activation, classes=10):
    x = first = keras.Input((inputs,))
    if units:
        x = keras.activations.get(activation)(L.Dense(units)(x))
    return keras.Model(first, keras.ops.softmax(L.Dense(classes)(x)))


@pytest.mark.parametrize(
    "right",
    [functional, listed, verbose, compiled, subclassed, not_built, with_functions],
)
def test_heads_in_other_forms_pass(opt, right):
    assert_passes(opt, "opt-head", build_head=right)


def head(
    last="softmax",
    always=False,
    size=None,
    act=None,
    fixed=False,
    end=None,
    extra=None,
    least=1,
    depth=1,
    **dense,
):
    def build_head(inputs, units, activation, classes=10):
        x = first = keras.Input((100 if fixed else inputs,))
        if units >= least or always:
            for _ in range(depth):
                x = L.Dense(size or units or 1, **dense)(x)
                x = L.Activation(act or activation)(x)
        if extra:
            x = extra()(x)
        return keras.Model(first, L.Dense(end or classes, activation=last)(x))

    return build_head


HIDDEN = functools.cache(lambda units, activation: L.Dense(units, activation))
PLAIN = functools.cache(lambda inputs, classes: functional(inputs, 0, "relu", classes))


def shared_hidden(inputs, units, activation, classes=10):
    hidden = [HIDDEN(units, activation)] if units else []
    return keras.Sequential([L.Input((inputs,)), *hidden, L.Dense(classes, "softmax")])


def shared_without_hidden(inputs, units, activation, classes=10):
    if units == 0:
        return PLAIN(inputs, classes)
    return functional(inputs, units, activation, classes)


def frozen(inputs, units, activation, classes=10):
    net = functional(inputs, units, activation, classes)
    net.trainable = False
    return net


def pixels(inputs, units, activation, classes=10):
    hidden = [L.Dense(units, activation)] if units else []
    return keras.Sequential([L.Input((inputs, 1)), *hidden, L.Dense(classes, "softmax")])


def penalized_if_wide(inputs, units, activation, classes=10):
    penalty = "l2" if units > 128 else None
    hidden = [L.Dense(units, activation, kernel_regularizer=penalty)] if units else []
    return keras.Sequential([L.Input((inputs,)), *hidden, L.Dense(classes, "softmax")])


def other_default(inputs, units, activation, classes=100):
    return functional(inputs, units, activation, 10 if inputs == 100 else classes)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (head(last=None), "softmax"),
        (head(last="sigmoid"), "softmax"),
        (head(always=True), "dense"),
        (head(size=512), "units"),
        (head(act="relu"), "tanh"),
        (head(fixed=True), "length inputs"),
        (head(end=10), "For build_head(30, 7, 'relu', classes=100), the second dense layer"),
        (head(least=2), "dense"),
        (head(depth=2), "dense"),
        (head(use_bias=False), "parameters"),
        (head(trainable=False), "trainable parameters; expected 14,218"),
        (frozen, "0 trainable parameters"),
        (pixels, "takes inputs of shape (None, 100, 1)"),
        (penalized_if_wide, "has a penalty on its weights"),
        (head(extra=lambda: L.Dropout(0.5)), "dropout"),
        (head(extra=L.BatchNormalization), "batch"),
        (head(act="linear"), "tanh"),
        (other_default, "units"),
        (functools.cache(functional), "same network in each call"),
        (shared_hidden, "share weights"),
        (shared_without_hidden, "share weights"),
        (lambda inputs, units, activation, classes=10: None, "return"),
    ],
)
def test_a_wrong_head_is_told_what_is_wrong(opt, wrong, words):
    assert_wrong(opt, "opt-head", words, build_head=wrong)


# Faults that show in few cases only.
FAULTS = {
    "opt-adagrad": {
        "clipped gradients": (
            """
def adagrad_step(w, g, s, learning_rate=0.01, epsilon=1e-7):
    g = np.clip(g, -10, 10)
    s = s + g * g
    return w - learning_rate * g / np.sqrt(s + epsilon), s
""",
            "or a sum that is 0 so far: take both as they are",
        ),
        "a sum of its own": (
            """
def adagrad_step(w, g, s, learning_rate=0.01, epsilon=1e-7):
    s = np.maximum(s, 0.1 if s.max() == 0 and s.size > 3 else 0) + g * g
    return w - learning_rate * g / np.sqrt(s + epsilon), s
""",
            "or a sum that is 0 so far: take both as they are",
        ),
        "a sum for each shape, begun anew for zeros": (
            """
summed = {}
def adagrad_step(w, g, s, learning_rate=0.01, epsilon=1e-7):
    own = summed.get(w.shape, s) if w.ndim > 1 and s.any() else s
    own = summed[w.shape] = own + g * g
    return w - learning_rate * g / np.sqrt(own + epsilon), own
""",
            "sum of squares does not grow by the squared gradient",
        ),
        "one array for all results": (
            """
_s = {}
def adagrad_step(w, g, s, learning_rate=0.01, epsilon=1e-7):
    b = _s.setdefault(w.shape, np.empty_like(s))
    np.add(s, g * g, out=b)
    return w - learning_rate * g / np.sqrt(b + epsilon), b
""",
            "changes what the first one returned: make new arrays",
        ),
    },
    "opt-adam": {
        "in place after the first steps": (
            """
def adam_step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = beta_1 * m + (1 - beta_1) * g
    if t > 3:
        v *= beta_2
        v += (1 - beta_2) * g**2
    else:
        v = beta_2 * v + (1 - beta_2) * g**2
    up, down = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return w - learning_rate * up / (np.sqrt(down) + epsilon), m, v
""",
            "adam_step changes its fourth argument",
        ),
        "the sign alone in the first step": (
            """
def adam_step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    if t == 1:
        return w - learning_rate * np.sign(g), m, v
    up, down = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return w - learning_rate * up / (np.sqrt(down) + epsilon), m, v
""",
            "for a large epsilon in the first step",
        ),
        "fixed betas in the corrections": (
            """
def adam_step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    up, down = m / (1 - 0.9**t), v / (1 - 0.999**t)
    return w - learning_rate * up / (np.sqrt(down) + epsilon), m, v
""",
            "with the arguments beta_1, beta_2 and t",
        ),
        "late steps uncorrected": (
            """
def adam_step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    mh, vh = (m / (1 - beta_1**t), v / (1 - beta_2**t)) if t < 1000 else (m, v)
    return w - learning_rate * mh / (np.sqrt(vh) + epsilon), m, v
""",
            "both averages in every step, also in a late one",
        ),
        "a mean over channels": (
            """
def adam_step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, v = (
        beta_1 * m + (1 - beta_1) * g,
        beta_2 * v + (1 - beta_2) * np.mean(g * g, axis=-1, keepdims=True)
        if g.ndim > 2
        else beta_2 * v + (1 - beta_2) * g * g,
    )
    return (
        w
        - learning_rate * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon),
        m,
        v,
    )
""",
            "uncorrected, and use the arguments beta_1 and beta_2",
        ),
    },
    "opt-rates": {
        "whole numbers": (
            """
def learning_rates(lowest, highest, count):
    rates = np.full(count, lowest)
    for k in range(count):
        rates[k] = lowest * (highest / lowest) ** (k / (count - 1))
    return rates
""",
            "the ratios of neighbors are not equal",
        ),
        "equal steps if close": (
            """
def learning_rates(lowest, highest, count):
    return (
        np.linspace(lowest, highest, count)
        if highest / lowest < 2
        else np.geomspace(lowest, highest, count)
    )
""",
            "other arguments: the ratios of neighbors are not equal",
        ),
        "at most 1": (
            """
def learning_rates(lowest, highest, count):
    return np.geomspace(lowest, min(highest, 1.0), count)
""",
            "does not begin with lowest and end with highest",
        ),
        "at least 1e-6": (
            """
def learning_rates(lowest, highest, count):
    return np.geomspace(max(lowest, 1e-6), highest, count)
""",
            "does not begin with lowest and end with highest",
        ),
    },
    "opt-winner": {
        "the second and the third": (
            """
def clear_winner(results):
    s = lambda v: np.std(v, ddof=1)
    r = sorted(results, key=lambda k: -np.mean(results[k]))
    ok = [
        np.mean(results[r[0]]) - np.mean(results[o]) > s(results[r[0]]) + s(results[o])
        for o in r[1:3]
    ]
    return r[0] if all(ok) else None
""",
            "four whose wide spread reaches the best; there is none",
        ),
        "a least difference": (
            """
def clear_winner(results):
    best = max(results, key=lambda k: np.mean(results[k]))
    s = lambda v: np.std(v, ddof=1)
    return (
        best
        if all(
            np.mean(results[best]) - np.mean(o) > max(0.01, s(results[best]) + s(o))
            for n, o in results.items()
            if n != best
        )
        else None
    )
""",
            "a small difference above small spreads; there is one",
        ),
    },
    "opt-head": {
        "sigmoid for two classes": (
            """
def build_head(inputs, units, activation, classes=10):
    L = keras.layers
    D = [L.Dense(units, activation)] if units else []
    return keras.Sequential(
        [L.Input((inputs,)), *D, L.Dense(classes, "softmax" if classes > 2 else "sigmoid")]
    )
""",
            "dense layer has activation sigmoid; expected softmax",
        ),
        "at most 512 units": (
            """
def build_head(inputs, units, activation, classes=10):
    L = keras.layers
    D = [L.Dense(min(units, 512), activation)] if units else []
    return keras.Sequential([L.Input((inputs,)), *D, L.Dense(classes, "softmax")])
""",
            "The first dense layer has other units than expected",
        ),
        "three activations": (
            """
def build_head(inputs, units, activation, classes=10):
    L = keras.layers
    act = activation if activation in ("relu", "sigmoid", "tanh") else "relu"
    D = [L.Dense(units, act)] if units else []
    return keras.Sequential([L.Input((inputs,)), *D, L.Dense(classes, "softmax")])
""",
            "The first dense layer has activation relu; expected elu",
        ),
        "a penalty": (
            """
def build_head(inputs, units, activation, classes=10):
    L = keras.layers
    D = [L.Dense(units, activation, kernel_regularizer="l2")] if units else []
    return keras.Sequential([L.Input((inputs,)), *D, L.Dense(classes, "softmax")])
""",
            "has a penalty on its weights, which was not asked for",
        ),
        "a constraint": (
            """
def build_head(inputs, units, activation, classes=10):
    L = keras.layers
    D = [L.Dense(units, activation, use_bias=inputs != 64)] if units else []
    return keras.Sequential(
        [L.Input((inputs,)), *D, L.Dense(classes, "softmax", kernel_constraint="unit_norm")]
    )
""",
            "which nobody asked for: leave it out",
        ),
    },
}


@pytest.mark.parametrize(("test", "answer"), exercise.cases(FAULTS))
def test_a_fault_that_shows_in_few_cases_is_named(opt, test, answer):
    exercise.assert_is_named(opt, test, *answer)
