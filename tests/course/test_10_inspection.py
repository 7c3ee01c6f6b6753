"""10 Inspection: right answers in more than one form pass, and wrong ones fail in words."""

import exercise
import numpy as np
import pytest

from convcourse import checks

TESTS = [
    "look-limit",
    "look-histograms",
    "look-extremes",
    "look-confusion",
    "look-merge",
    "look-maps",
    "look-neighbours",
    "look-hinge",
]


@pytest.fixture(scope="module")
def look():
    return exercise.load("10_inspection")


def assert_passes(look, test, code=""):
    result = look.run(test, look.namespace(code))
    assert result.passed and result.hidden, result


def assert_wrong(look, test, words, code, old="", new=""):
    assert old in code, old
    with np.errstate(all="ignore"):
        result = look.run(test, look.namespace(code.replace(old, new) if old else code))
    assert result.status == checks.WRONG, result
    assert words.lower() in result.message.lower(), result


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(look, test):
    assert_passes(look, test)
    assert look.run(test, look.stubs()).status == checks.NOT_ATTEMPTED


def test_the_assignment_has_twenty_points_of_which_sixteen_are_judged_by_checks(look):
    assert sum(look.points.values()) == 16
    assert set(look.tests) == set(TESTS)


# ------------------------------------------------------------------ look-limit

LIMIT = """
def glorot_limit(shape):
    *places, n_in, n_out = shape
    return np.sqrt(6 / (np.prod(places) * (n_in + n_out)))
"""
LIMIT_VERBOSE = """
import math
from typing import Tuple

def _fans(shape: Tuple[int, ...]) -> Tuple[int, int]:
    if len(shape) == 2:
        return shape[0], shape[1]
    height, width, channels, filters = shape
    receptive_field = height * width
    return receptive_field * channels, receptive_field * filters

def glorot_limit(shape: Tuple[int, ...]) -> float:
    assert len(shape) in (2, 4), f"unexpected kernel shape {shape}"
    fan_in, fan_out = _fans(shape=shape)
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    print(f"fan_in={fan_in}, fan_out={fan_out}, limit={limit:.4f}")
    return limit
"""
LIMIT_LOOP = """
def glorot_limit(shape):
    n_in = n_out = 1
    for at, n in enumerate(shape):
        n_in *= 1 if at == len(shape) - 1 else n
        n_out *= 1 if at == len(shape) - 2 else n
    return (6 / (n_in + n_out)) ** 0.5
"""
LIMIT_BY_KERAS = """
def glorot_limit(shape):
    from keras.src.initializers.random_initializers import compute_fans
    return (6 / sum(compute_fans(tuple(shape)))) ** 0.5
"""
LIMIT_CLASS = """
class Glorot:
    def __call__(self, shape):
        whole = np.prod(shape, dtype=float)
        return np.sqrt(6 / (whole / shape[-1] + whole / shape[-2]))
glorot_limit = Glorot()
"""


@pytest.mark.parametrize(
    "code",
    [
        LIMIT,
        LIMIT_VERBOSE,
        LIMIT_LOOP,
        LIMIT_BY_KERAS,
        LIMIT_CLASS,
        LIMIT.replace("np.sqrt(", "np.float32(np.sqrt(").replace(")))", "))))"),
        LIMIT.replace("np.sqrt", "keras.ops.sqrt"),
        LIMIT.replace("np.sqrt(", "np.array(np.sqrt(").replace(")))", "))))"),
    ],
)
def test_limits_in_other_forms_pass(look, code):
    assert_passes(look, "look-limit", code)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("np.prod(places) * (n_in", "(n_in", "height · width"),
        ("np.prod(places) * (n_in + n_out)", "np.prod(shape[:-1]) + n_out", "height · width"),
        ("6 /", "2 /", "(100, 50)"),
        ("6 /", "3 /", "(100, 50)"),
        ("np.sqrt(", "(", "(100, 50)"),
        ("(np.prod(places) * (n_in + n_out))", "np.prod(shape)", "(100, 50)"),
        ("    *places", "    if len(shape) == 2: return 0.2\n    *places", "(70, 40)"),
        ("np.prod(places) *", "(places[0]**2 if places else 1) *", "not square"),
        ("np.prod(places) *", "(places[1]**2 if places else 1) *", "not square"),
        ("np.prod(places) *", "(9 if places else 1) *", "convolution"),
        ("np.prod(places) *", "np.sum(places or 1) *", "height · width"),
        ("(n_in + n_out)", "2 * n_in", "(100, 50)"),
        ("(n_in + n_out)", "2 * n_out", "(100, 50)"),
        ("(n_in + n_out)", "(n_in * n_out)", "(100, 50)"),
        ("    return", "    result =", "None"),
        ("    return", "    if len(shape) == 2: return", "None"),
        ("(n_in + n_out)))", "(n_in + n_out))).round(2)", "is nothing rounded"),
        (
            "    return np",
            "    limit = np.sqrt(6 / (np.prod(places) * (n_in + n_out)))\n"
            "    if places: return limit.round(4)\n    return np",
            "is rounded: return all digits",
        ),
        ("(n_in + n_out)))", "(n_in + n_out))).round(6)", "is rounded: return all digits"),
        ("return np.sqrt(", "return -np.sqrt(", "(100, 50)"),
    ],
)
def test_wrong_limits_are_named(look, old, new, words):
    assert_wrong(look, "look-limit", words, LIMIT, old, new)


# ------------------------------------------------------------------ look-histograms

HISTOGRAMS = """
def shared_histograms(arrays, bins):
    m = max(np.abs(a).max() for a in arrays)
    e = np.linspace(-m, m, bins + 1)
    d = np.array([np.histogram(a, e, density=True)[0] for a in arrays])
    return e, d
"""
COUNTED = """
def shared_histograms(arrays, bins):
    m = max(float(np.max(np.abs(a))) for a in arrays)
    width = 2 * m / bins
    rows = []
    for array in arrays:
        place = np.minimum(((np.ravel(array) + m) / width).astype(int), bins - 1)
        rows.append(np.bincount(place, minlength=bins) / array.size / width)
    return np.linspace(-m, m, bins + 1), np.array(rows)
"""
AS_LISTS = """
def shared_histograms(arrays, bins):
    together = np.concatenate([np.ravel(a) for a in arrays])
    m = max(together.max(), -together.min())
    rows = [np.histogram(a, bins, range=(-m, m), density=True)[0].tolist() for a in arrays]
    return np.histogram_bin_edges(together, bins, range=(-m, m)).tolist(), rows
"""
HISTOGRAMS_VERBOSE = """
from typing import List, Tuple

def shared_histograms(arrays: List[np.ndarray], bins: int) -> Tuple[np.ndarray, np.ndarray]:
    assert len(arrays) > 0 and bins > 0, "nothing to count"
    max_abs: float = 0.0
    for array in arrays:
        max_abs = max(max_abs, float(np.max(np.abs(np.asarray(array)))))
    edges = np.linspace(start=-max_abs, stop=max_abs, num=bins + 1)
    bin_width = edges[1] - edges[0]
    densities = np.zeros((len(arrays), bins), dtype=np.float64)
    for row, array in enumerate(arrays):
        counts, _ = np.histogram(array.flatten(), bins=edges)
        densities[row] = counts / (counts.sum() * bin_width)
    print(f"{bins} bins from {-max_abs:.3f} to {max_abs:.3f}")
    return edges, densities
"""
HISTOGRAMS_CLASS = """
class Histograms:
    def __call__(self, arrays, bins):
        m = np.max([np.linalg.norm(np.ravel(a), np.inf) for a in arrays])
        edges = (np.arange(bins + 1) / bins * 2 - 1) * m
        edges[-1] = m
        return [edges, [self.density(np.ravel(a), edges) for a in arrays]]
    def density(self, values, edges):
        inside = np.diff(np.searchsorted(np.sort(values), edges[:-1]), append=0)
        inside[-1] = np.sum(values >= edges[-2])
        return inside / len(values) / np.diff(edges)
shared_histograms = Histograms()
"""


@pytest.mark.parametrize(
    "code",
    [
        HISTOGRAMS,
        COUNTED,
        AS_LISTS,
        HISTOGRAMS_VERBOSE,
        HISTOGRAMS_CLASS,
        HISTOGRAMS.replace("return e, d", "return e.astype('float32'), d.astype('float32')"),
        HISTOGRAMS.replace("return e, d", "return e, list(d)"),
        HISTOGRAMS.replace("return e, d", "return keras.ops.array(e), keras.ops.array(d)"),
    ],
)
def test_histograms_in_other_forms_pass(look, code):
    assert_passes(look, "look-histograms", code)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("np.histogram(a, e,", "np.histogram(a, bins,", "total area"),
        ("np.abs(a).max()", "a.max()", "edges for two arrays"),
        ("np.abs(a).max()", "-a.min()", "edges for"),
        ("for a in arrays)", "for a in arrays[:1])", "edges for two arrays"),
        ("for a in arrays)", "for a in arrays[-1:])", "edges for"),
        ("m = max(", "m = min(", "edges for two arrays"),
        (", density=True", "", "densities"),
        ("return e, d", "return e, d * (e[1] - e[0])", "densities"),
        ("return e, d", "return e[:-1], d", "shape"),
        ("return e, d", "return e, d.T", "shape"),
        ("return e, d", "return e, d / d.sum() / (e[1] - e[0])", "total area"),
        ("return e, d", "return e, np.roll(d, len(d) - 1, axis=0)", "a density is wrong"),
        ("return e, d", "return e, d[:, ::-1]", "densities"),
        ("return e, d", "return d, e", "edges"),
        ("np.histogram(a, e,", "np.histogram(a[a != 0], e,", "values of 0 count"),
        ("return e, d", "return d", "two values"),
        ("return e, d", "pass", "two values"),
        ("bins + 1", "bins", "shape"),
        ("np.linspace(-m, m", "np.linspace(0, m", "edges"),
        ("    e =", "    arrays[0] /= 1.5\n    e =", "changes its argument arrays"),
        ("np.abs(a).max()", "np.abs(a, out=a).max()", "changes its argument arrays"),
        ("    e =", "    bins = min(bins, 8)\n    e =", "shape"),
        (
            "np.histogram(a, e, density=True)[0]",
            "np.histogram(a, e)[0] / arrays[0].size / (e[1] - e[0])",
            "total area",
        ),
    ],
)
def test_wrong_histograms_are_named(look, old, new, words):
    assert_wrong(look, "look-histograms", words, HISTOGRAMS, old, new)


# ------------------------------------------------------------------ look-extremes

EXTREMES = """
def extremes(probabilities, labels, k=5):
    c = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    groups = {}
    for word, chosen in (("right", right), ("wrong", ~right)):
        for name, order in (("sure", -c), ("unsure", c)):
            found = [int(i) for i in np.argsort(order, kind="stable") if chosen[i]]
            groups[f"{word}, {name}"] = found[:k]
    return groups
"""
SORTED_LISTS = """
def extremes(probabilities, labels, k=5):
    table = [(max(row), int(np.argmax(row)) == y) for row, y in zip(probabilities, labels)]
    groups = {}
    for word, want in (("right", True), ("wrong", False)):
        mine = [i for i, (_, right) in enumerate(table) if right == want]
        groups[f"{word}, sure"] = sorted(mine, key=lambda i: -table[i][0])[:k]
        groups[f"{word}, unsure"] = sorted(mine, key=lambda i: table[i][0])[:k]
    return groups
"""
BY_LEXSORT = """
def extremes(probabilities, labels, k=5):
    top, place = probabilities.max(1), np.arange(len(labels))
    right = probabilities.argmax(1) == labels
    groups = {}
    for name, chosen, key in (
        ("wrong, unsure", ~right, top),
        ("wrong, sure", ~right, -top),
        ("right, unsure", right, top),
        ("right, sure", right, -top),
    ):
        where = np.flatnonzero(chosen)
        groups[name] = where[np.lexsort((place[where], key[where]))][:k]
    return groups
"""
EXTREMES_VERBOSE = """
from typing import Dict, List

def _pick(indices: np.ndarray, scores: np.ndarray, k: int, descending: bool) -> List[int]:
    keys = -scores[indices] if descending else scores[indices]
    order = np.argsort(keys, kind="mergesort")
    return indices[order][:k].tolist()

def extremes(probabilities: np.ndarray, labels: np.ndarray, k: int = 5) -> Dict[str, List[int]]:
    assert probabilities.ndim == 2, "probabilities must be a matrix"
    assert len(probabilities) == len(labels), "one label per image"
    predictions = np.argmax(probabilities, axis=1)
    confidences = np.max(probabilities, axis=1)
    correct = predictions == np.asarray(labels).ravel()
    right_indices, wrong_indices = np.where(correct)[0], np.where(~correct)[0]
    print(f"{correct.mean():.1%} of the predictions are right")
    return {
        "right, sure": _pick(right_indices, confidences, k, descending=True),
        "right, unsure": _pick(right_indices, confidences, k, descending=False),
        "wrong, sure": _pick(wrong_indices, confidences, k, descending=True),
        "wrong, unsure": _pick(wrong_indices, confidences, k, descending=False),
    }
"""
EXTREMES_CLASS = """
import heapq

class Extremes:
    def __call__(self, probabilities, labels, k=5):
        groups = {f"{w}, {n}": [] for w in ("right", "wrong") for n in ("sure", "unsure")}
        for sign, name in ((-1, "sure"), (1, "unsure")):
            for word in ("right", "wrong"):
                pairs = [
                    (sign * row.max(), i)
                    for i, row in enumerate(probabilities)
                    if (row.argmax() == labels[i]) == (word == "right")
                ]
                groups[f"{word}, {name}"] = tuple(i for _, i in heapq.nsmallest(k, pairs))
        return groups
extremes = Extremes()
"""
EXTREMES_PANDAS = """
def extremes(probabilities, labels, k=5):
    import pandas as pd
    table = pd.DataFrame({"c": probabilities.max(1), "ok": probabilities.argmax(1) == labels})
    groups = {}
    for word, part in (("right", table[table.ok]), ("wrong", table[~table.ok])):
        for name, up in (("sure", False), ("unsure", True)):
            found = part.sort_values("c", ascending=up, kind="stable").index[:k]
            groups[f"{word}, {name}"] = found.tolist()
    return groups
"""


@pytest.mark.parametrize(
    "code",
    [
        EXTREMES,
        SORTED_LISTS,
        BY_LEXSORT,
        EXTREMES_VERBOSE,
        EXTREMES_CLASS,
        EXTREMES.replace("int(i) for", "i for"),
        EXTREMES.replace("found[:k]", "np.array(found[:k], np.int32)"),
    ],
)
def test_extremes_in_other_forms_pass(look, code):
    assert_passes(look, "look-extremes", code)


def test_extremes_of_a_table_pass(look):
    pytest.importorskip("pandas")
    assert_passes(look, "look-extremes", EXTREMES_PANDAS)


SURE = 'found = [int(i) for i in np.argsort(order, kind="stable") if chosen[i]]'
BACKWARDS = """way = np.argsort(-c, kind="stable")
            way = way if name == "sure" else way[::-1]
            found = [int(i) for i in way if chosen[i]]"""
CUT_BEFORE = 'found = [int(i) for i in np.argsort(order, kind="stable")[:k] if chosen[i]]'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (SURE, BACKWARDS, "equal confidences"),
        (SURE, SURE.replace(', kind="stable")', ")"), "equal confidences"),
        (SURE, CUT_BEFORE, "right, "),
        (
            "c = probabilities.max(axis=1)",
            "c = probabilities[range(len(labels)), labels]",
            "wrong,",
        ),
        ("found[:k]", "found[:k][::-1]", "entry 0"),
        ("found[:k]", "found[-k:]", "entry 0"),
        ("found[:k]", "found[:2]", "300 images of ten classes"),
        ("found[:k]", "found", "entries"),
        ("found[:k]", "found[:1]", "entry 'right, sure' has 1 entry; expected 2"),
        ("found[:k]", "(found * k)[:k]", "one right image"),
        ("found[:k]", "c[found[:k]].tolist()", "entry 0"),
        ("found[:k]", "[float(i) for i in found[:k]]", "integers"),
        ("found[:k]", "found[:k] or None", "a group without images is an empty list"),
        ("found[:k]", "found[:min(k, 5)]", "k=12"),
        ("k=5", "k=6", "signature"),
        ("    return groups", "    del groups['wrong, sure']\n    return groups", "lacks"),
        ("    return groups", "    return list(groups.values())", "dictionary"),
        ("    return groups", "    print(groups)", "None"),
        ("    return groups", "    return groups | {'all': []}", "'all'"),
        ('("sure", -c), ("unsure", c)', '("sure", c), ("unsure", -c)', "entry 0"),
        ('("right", right), ("wrong", ~right)', '("right", ~right), ("wrong", right)', "entr"),
        ("    groups = {}", "    probabilities *= 0.5\n    groups = {}", "argument probabilities"),
        ("    groups = {}", "    labels.sort()\n    groups = {}", "argument labels"),
        ("c = probabilities.max(axis=1)", "c = probabilities[:, 0]", "entry"),
        ("c = probabilities.max(axis=1)", "c = np.ptp(probabilities, axis=1)", "wrong for"),
        (".max(axis=1)", ".max(axis=1).round(3)", "nearly the same"),
        (".max(axis=1)", ".max(axis=1).astype('float16')", "nearly the same"),
    ],
)
def test_wrong_extremes_are_named(look, old, new, words):
    assert_wrong(look, "look-extremes", words, EXTREMES, old, new)


# ------------------------------------------------------------------ look-confusion

CONFUSION = "def confusion_matrix(labels, predicted, classes):\n    "
BY_BINCOUNT = (
    CONFUSION
    + """flat = np.bincount(labels * classes + predicted, minlength=classes**2)
    m = flat.reshape(classes, classes).astype(float)
    return m
"""
)
BY_LOOP = (
    CONFUSION
    + """matrix = [[0] * classes for _ in range(classes)]
    for i, j in zip(labels, predicted):
        matrix[i][j] += 1
    return matrix
"""
)
CONFUSION_VERBOSE = """
from typing import Sequence

def confusion_matrix(
    labels: Sequence[int], predicted: Sequence[int], classes: int
) -> np.ndarray:
    labels, predicted = np.asarray(labels).ravel(), np.asarray(predicted).ravel()
    assert labels.shape == predicted.shape, "labels and predictions must have the same length"
    assert classes > max(labels.max(), predicted.max())
    matrix = np.zeros((classes, classes), dtype=np.int32)
    for true_class, predicted_class in zip(labels, predicted):
        matrix[int(true_class), int(predicted_class)] += 1
    print("accuracy:", np.trace(matrix) / matrix.sum())
    return matrix
"""
CONFUSION_CLASS = """
class Confusion:
    def __call__(self, labels, predicted, classes):
        return self.one_hot(labels, classes).T @ self.one_hot(predicted, classes)
    def one_hot(self, values, classes):
        return (np.asarray(values)[:, None] == np.arange(classes)).astype(int)
confusion_matrix = Confusion()
"""
CONFUSION_COUNTER = (
    CONFUSION
    + """from collections import Counter
    pairs = Counter(zip(labels.tolist(), predicted.tolist()))
    return np.array([[pairs[i, j] for j in range(classes)] for i in range(classes)])
"""
)


@pytest.mark.parametrize(
    "code",
    [
        BY_BINCOUNT,
        BY_LOOP,
        CONFUSION_VERBOSE,
        CONFUSION_CLASS,
        CONFUSION_COUNTER,
        CONFUSION
        + "return np.histogram2d(labels, predicted, np.arange(classes + 1) - 0.5)[0].astype(int)",
        CONFUSION
        + "from sklearn import metrics\n    "
        + "return metrics.confusion_matrix(labels, predicted, labels=range(classes))",
        CONFUSION
        + "import tensorflow as tf\n    "
        + "return tf.math.confusion_matrix(labels, predicted, num_classes=classes)",
    ],
)
def test_confusion_matrices_in_other_forms_pass(look, code):
    assert_passes(look, "look-confusion", code)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return m", "return m.T", "transposed"),
        (
            "flat.reshape(classes, classes).astype(float)",
            "np.zeros((classes, classes)); m[labels, predicted] += 1",
            "the first is at (2, 0): 1, expected 2",
        ),
        ("    flat", "    classes = max(*labels, *predicted) + 1\n    flat", "shape"),
        ("return m", "f = np.unique([labels, predicted]); return m[f][:, f]", "shape"),
        ("return m", "return m / len(labels)", "differs"),
        ("return m", "return m.astype(np.uint8)", "dtype uint8"),
        ("return m", "return m.astype(np.int8)", "dtype int8"),
        ("return m", "return m * (1 - np.eye(classes))", "differs"),
        ("return m", "return np.diag(np.diag(m))", "differs"),
        ("return m", "return m[::-1]", "differs"),
        ("return m", "return m.ravel()", "shape"),
        ("return m", "return m / np.maximum(m.sum(1, keepdims=True), 1)", "differs"),
        ("return m", "return np.minimum(m, 3)", "differs"),
        ("return m", "return m[:10, :10]", "shape"),
        ("return m", "return m + m.T", "differs"),
        ("return m", "pass", "None"),
        ("return m", "return m > 0", "differs"),
        ("    m =", "    labels += 1\n    m =", "argument labels"),
        ("    m =", "    predicted[:] = labels\n    m =", "argument predicted"),
        ("predicted, min", "labels, min", "differs"),
    ],
)
def test_wrong_confusion_matrices_are_named(look, old, new, words):
    assert_wrong(look, "look-confusion", words, BY_BINCOUNT, old, new)


# ------------------------------------------------------------------ look-merge

BY_ADDING = """
def merge_classes(matrix, group_of):
    count = max(group_of) + 1
    m = np.zeros((count, count), int)
    for (i, j), n in np.ndenumerate(matrix):
        m[group_of[i], group_of[j]] += n
    return m
"""
MERGE_VERBOSE = """
def merge_classes(matrix: np.ndarray, group_of: np.ndarray) -> np.ndarray:
    matrix, group_of = np.asarray(matrix), np.asarray(group_of)
    assert matrix.shape[0] == matrix.shape[1] == len(group_of), "one group per class"
    number_of_groups = int(group_of.max()) + 1
    rows = np.zeros((number_of_groups, matrix.shape[1]), dtype=matrix.dtype)
    for class_index, group_index in enumerate(group_of):
        rows[group_index] += matrix[class_index]
    merged = np.zeros((number_of_groups, number_of_groups), dtype=matrix.dtype)
    for class_index, group_index in enumerate(group_of):
        merged[:, group_index] += rows[:, class_index]
    assert merged.sum() == matrix.sum()
    print(f"{len(matrix)} classes in {number_of_groups} groups")
    return merged
"""
MERGE_CLASS = """
class Merge:
    def __call__(self, matrix, group_of):
        groups = range(int(np.max(group_of)) + 1)
        where = [np.flatnonzero(group_of == g) for g in groups]
        return [[int(matrix[np.ix_(a, b)].sum()) for b in where] for a in where]
merge_classes = Merge()
"""
MERGE = "def merge_classes(matrix, group_of):\n    count = int(max(group_of)) + 1\n    "


@pytest.mark.parametrize(
    "code",
    [
        BY_ADDING,
        MERGE_VERBOSE,
        MERGE_CLASS,
        MERGE
        + "m = np.zeros((count, count), int)\n    "
        + "np.add.at(m, (group_of[:, None], group_of[None]), matrix)\n    return m",
        MERGE
        + "member = (group_of == np.arange(count)[:, None]).astype(float)\n    "
        + "return member @ matrix @ member.T",
        MERGE + "e = np.eye(count)[group_of]\n    return np.einsum('ia,ij,jb->ab', e, matrix, e)",
        MERGE
        + "flat = (group_of[:, None] * count + group_of).ravel()\n    "
        + "return np.bincount(flat, matrix.ravel(), count**2).reshape(count, count)",
        MERGE
        + "from tensorflow import math, transpose\n    "
        + "once = math.unsorted_segment_sum(matrix, group_of, count)\n    "
        + "return transpose(math.unsorted_segment_sum(transpose(once), group_of, count))",
    ],
)
def test_merged_matrices_in_other_forms_pass(look, code):
    assert_passes(look, "look-merge", code)


# Takes for granted that a group's classes are neighbours and the groups equally large.
NEIGHBOURS_ONLY = """size = len(group_of) // count
    parts = matrix[: count * size, : count * size].reshape(count, size, count, size)
    return parts.sum(axis=(1, 3))
"""
BY_OVERWRITING = """m = np.zeros((count, count), int)
    m[group_of[:, None], group_of] += matrix
    return m
"""
BY_REDUCEAT = """order = np.argsort(group_of, kind="stable")
    begins = np.unique(np.sort(group_of), return_index=True)[1]
    return np.add.reduceat(np.add.reduceat(matrix[order][:, order], begins), begins, axis=1)
"""


@pytest.mark.parametrize("code", [NEIGHBOURS_ONLY, BY_OVERWRITING])
def test_groups_that_are_added_up_another_way_are_wrong(look, code):
    assert_wrong(look, "look-merge", "two groups", MERGE + code)


def test_a_group_without_classes_has_its_row(look):
    assert_wrong(look, "look-merge", "no class in group 1", MERGE + BY_REDUCEAT)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return m", "return m.T", "two groups"),
        ("return m", "return np.diag(np.diag(m))", "two groups"),
        ("return m", "return m / np.outer(np.bincount(group_of), np.bincount(group_of))", "two"),
        ("    count =", "    group_of = np.sort(group_of)\n    count =", "classes 0 and 2"),
        ("    count =", "    group_of = np.minimum(group_of, 1)\n    count =", "shape"),
        ("max(group_of) + 1", "len(set(group_of.tolist())) + 1", "shape"),
        ("max(group_of) + 1", "20", "shape"),
        ("+= n", "= n", "two groups"),
        ("group_of[j]] +=", "j % count] +=", "two groups"),
        ("(count, count)", "(count, len(matrix))", "shape"),
        ("    return m", "", "None"),
        ("    return m", "    return m.tolist(), count", "array"),
        ("    count =", "    matrix //= 2\n    count =", "argument matrix"),
        ("    count =", "    group_of[:] = group_of[::-1]\n    count =", "argument group_of"),
        ("return m", "return m / m.sum()", "two groups"),
        ("for (i, j)", "matrix = matrix * (1 - np.eye(len(matrix)))\n    for (i, j)", "two groups"),
    ],
)
def test_wrong_merged_matrices_are_named(look, old, new, words):
    assert_wrong(look, "look-merge", words, BY_ADDING, old, new)


# ------------------------------------------------------------------ look-maps

MAPS = """
def scaled_maps(maps):
    low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
    s = np.where(high > low, high - low, 1)
    m = np.moveaxis((maps - low) / s, -1, 0)[..., None]
    return m
"""
ONE_BY_ONE = """
def scaled_maps(maps):
    sheets = []
    for c in range(maps.shape[2]):
        one = maps[:, :, c] - maps[:, :, c].min()
        sheets.append((one / one.max() if one.max() > 0 else one)[:, :, None])
    return sheets
"""
BY_ERRSTATE = """
def scaled_maps(maps):
    low = maps.min(axis=(0, 1), keepdims=True)
    with np.errstate(all="ignore"):
        stretched = (maps - low) / np.ptp(maps, axis=(0, 1), keepdims=True)
    return np.nan_to_num(stretched).transpose(2, 0, 1)[:, :, :, np.newaxis].astype(np.float32)
"""
MAPS_VERBOSE = """
from typing import Optional

def _normalize(one_map: np.ndarray, epsilon: float = 1e-8) -> np.ndarray:
    lowest, highest = float(one_map.min()), float(one_map.max())
    return (one_map - lowest) / (highest - lowest + epsilon)

def scaled_maps(maps: np.ndarray) -> np.ndarray:
    assert maps.ndim == 3, f"expected (H, W, C), got {maps.shape}"
    height, width, channels = maps.shape
    scaled = np.zeros((channels, height, width, 1), dtype=np.float64)
    for channel in range(channels):
        scaled[channel, :, :, 0] = _normalize(one_map=maps[:, :, channel])
    print(f"scaled {channels} maps of {height} x {width} pixels")
    return scaled
"""
MAPS_CLASS = """
class Scaler:
    def __call__(self, maps):
        return np.stack([self.scale(one) for one in np.rollaxis(maps, 2)])[..., np.newaxis]
    def scale(self, one):
        span = np.ptp(one)
        return np.zeros_like(one) if span == 0 else (one - one.min()) / span
scaled_maps = Scaler()
"""
MAPS_SKLEARN = """
def scaled_maps(maps):
    from sklearn.preprocessing import minmax_scale
    height, width, count = maps.shape
    return minmax_scale(maps.reshape(-1, count)).T.reshape(count, height, width, 1)
"""
MAPS_OPS = """
def scaled_maps(maps):
    x = keras.ops.transpose(keras.ops.convert_to_tensor(maps, "float32"), (2, 0, 1))
    low = keras.ops.min(x, axis=(1, 2), keepdims=True)
    span = keras.ops.max(x, axis=(1, 2), keepdims=True) - low
    return keras.ops.expand_dims(keras.ops.divide_no_nan(x - low, span), -1)
"""


@pytest.mark.parametrize(
    "code",
    [MAPS, ONE_BY_ONE, BY_ERRSTATE, MAPS_VERBOSE, MAPS_CLASS, MAPS_SKLEARN, MAPS_OPS],
)
def test_scaled_maps_in_other_forms_pass(look, code):
    assert_passes(look, "look-maps", code)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("np.where(high > low, high - low, 1)", "high - low", "nan"),
        ("np.where(high > low, high - low, 1)", "(high - low).max() or 1", "first of two"),
        ("(axis=(0, 1)), maps.max(axis=(0, 1))", "(), maps.max()", "two maps"),
        ("(maps - low) / s", "maps / maps.max(axis=(0, 1))", "example"),
        ("(maps - low) / s", "(maps - low)", "example"),
        ("(maps - low) / s", "(high - maps) / s", "example"),
        ("[..., None]", "", "shape"),
        ("np.moveaxis((maps - low) / s, -1, 0)[..., None]", "(maps - low) / s", "shape"),
        ("np.moveaxis((maps - low) / s, -1, 0)", "((maps - low) / s)", "shape"),
        ("-1, 0)", "-1, 0).swapaxes(1, 2)", "example"),
        ("-1, 0)[..., None]", "-1, 0)[:, None]", "shape"),
        (
            "np.moveaxis((maps - low) / s, -1, 0)[..., None]",
            "((maps - low) / s).reshape(maps.shape[2], *maps.shape[:2], 1)",
            "two maps",
        ),
        ("return m", "return m[:2]", "shape"),
        ("return m", "return np.where(np.ptp(m, (1, 2, 3), keepdims=True) > 0, m, 1)", "not 0"),
        ("return m", "return (255 * m).astype(np.uint8)", "example"),
        ("return m", "return 2 * m - 1", "example"),
        ("return m", "return m.round()", "example"),
        ("high > low", "high - low > 0.01", "small and close together"),
        (
            "    low, high =",
            "    if maps.shape[2] > 2:\n"
            "        maps = np.moveaxis(maps.reshape(-1, *maps.shape[:2]), 0, -1)\n    low, high =",
            "reshape mixes the maps",
        ),
        ("return m", "pass", "None"),
        ("(maps - low) / s", "(maps - low) / (s + 0.01)", "example"),
        ("    s =", "    maps -= low\n    high = high - low; low = 0\n    s =", "argument maps"),
        ("    low, high =", "    maps = np.maximum(maps, 0)\n    low, high =", "map"),
        ("(maps - low) / s", "(maps - maps.mean((0, 1))) / (maps.std((0, 1)) + 1e-9)", "example"),
    ],
)
def test_wrong_scaled_maps_are_named(look, old, new, words):
    assert_wrong(look, "look-maps", words, MAPS, old, new)


# ------------------------------------------------------------------ look-neighbours

AGREEMENT = """
def neighbour_agreement(points, labels, k=10):
    steps = points[:, None] - points[None]
    away = (steps**2).sum(2)
    order = np.argsort(away, axis=1)
    return float((labels[order[:, 1 : k + 1]] == labels[:, None]).mean())
"""
BY_SCIKIT_LEARN = """
def neighbour_agreement(points, labels, k=10):
    from sklearn.neighbors import NearestNeighbors
    found = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)
    return np.mean(labels[found] == labels[:, None])
"""
BY_PARTITION = """
def neighbour_agreement(points, labels, k=10):
    away = np.linalg.norm(points[:, None] - points[None], axis=2)
    away[np.diag_indices(len(away))] = np.inf
    return (labels[np.argpartition(away, k - 1, axis=1)[:, :k]] == labels[:, None]).mean()
"""
AGREEMENT_LOOP = """
def neighbour_agreement(points, labels, k=10):
    shares = []
    for i, point in enumerate(points):
        others = sorted((np.dot(q - point, q - point), j) for j, q in enumerate(points) if j != i)
        shares.append(sum(labels[j] == labels[i] for _, j in others[:k]) / k)
    return sum(shares) / len(shares)
"""
AGREEMENT_VERBOSE = """
def _pairwise_distances(points: np.ndarray) -> np.ndarray:
    squared_norms = np.sum(np.square(points), axis=1)
    squared = squared_norms[:, np.newaxis] + squared_norms[np.newaxis] - 2.0 * points @ points.T
    return np.sqrt(np.maximum(squared, 0.0))

def neighbour_agreement(points: np.ndarray, labels: np.ndarray, k: int = 10) -> float:
    points, labels = np.asarray(points, dtype=np.float64), np.asarray(labels)
    number_of_points = points.shape[0]
    assert number_of_points > k, "there are too few points"
    assert labels.shape == (number_of_points,)
    distances = _pairwise_distances(points)
    np.fill_diagonal(distances, np.inf)
    agreements = np.zeros(number_of_points)
    for index in range(number_of_points):
        nearest = np.argsort(distances[index])[:k]
        agreements[index] = np.mean(labels[nearest] == labels[index])
    print(f"mean agreement {agreements.mean():.3f}")
    return float(agreements.mean())
"""
AGREEMENT_CLASS = """
from scipy.spatial import cKDTree

class Agreement:
    def __call__(self, points, labels, k=10):
        found = cKDTree(points).query(points, k + 1)[1][:, 1:]
        return np.float32((labels[found] == labels[:, None]).mean())
neighbour_agreement = Agreement()
"""


@pytest.mark.parametrize(
    "code",
    [
        AGREEMENT,
        BY_SCIKIT_LEARN,
        BY_PARTITION,
        AGREEMENT_LOOP,
        AGREEMENT_VERBOSE,
        AGREEMENT_CLASS,
        AGREEMENT.replace("return float(", "return np.array("),
    ],
)
def test_agreements_in_other_forms_pass(look, code):
    assert_passes(look, "look-neighbours", code)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1 : k + 1", ":k", "mixed pairs"),
        ("1 : k + 1", ": k + 1", "mixed pairs"),
        ("1 : k + 1", "1 : 2", "k=3"),
        ("1 : k + 1", "1 : k", "agreement of two pairs"),
        ("1 : k + 1", "2 : k + 2", "two pairs"),
        ("1 : k + 1", "-k:", "two pairs"),
        ("1 : k + 1", "k : k + 1", "k=3"),
        ("(steps**2).sum(2)", "np.abs(steps).sum(2)", "dimensions"),
        ("(steps**2).sum(2)", "np.abs(steps).max(2)", "dimensions"),
        ("(steps**2).sum(2)", "(steps[..., :1]**2).sum(2)", "dimensions"),
        ("(steps**2).sum(2)", "-points @ points.T", "pairs"),
        (".mean())", ".mean() * k)", "k=3"),
        (".mean())", ".sum())", "two pairs"),
        ("return float(", "return 1 - float(", "two pairs"),
        ("(labels[order[:, 1 : k + 1]] == labels[:, None])", "order[:, 1:k + 1]", "two pairs"),
        (".mean())", ".mean(axis=1)[0])", "dimensions"),
        (
            "float((labels[order[:, 1 : k + 1]] == labels[:, None]).mean())",
            "(labels[order[:, 1 : k + 1]] == labels[:, None]).mean(axis=1)",
            "shape",
        ),
        ("    return", "    result =", "None"),
        ("k=10", "k=5", "signature"),
        (".mean())", ".any(axis=1).mean())", "k=3"),
        ("    return", "    points -= points.mean()\n    return", "changes its argument points"),
        ("    return", "    labels -= labels.min()\n    return", "changes its second argument"),
    ],
)
def test_wrong_agreements_are_named(look, old, new, words):
    assert_wrong(look, "look-neighbours", words, AGREEMENT, old, new)


# ------------------------------------------------------------------ look-hinge

HINGE = """
def one_vs_rest_loss(scores, labels):
    t = np.full(scores.shape, -1.0)
    t[np.arange(len(labels)), labels] = 1
    short = np.maximum(0, 1 - t * scores)
    return float(short.sum() / len(labels))
"""
SUMMED = """
def one_vs_rest_loss(scores, labels):
    total = 0.0
    for row, label in zip(scores, labels):
        total += max(0, 1 - row[label]) + sum(max(0, 1 + s) for s in np.delete(row, label))
    return total / len(scores)
"""
HINGE_VERBOSE = """
def _targets(labels: np.ndarray, classes: int) -> np.ndarray:
    one_hot = np.eye(classes)[labels]
    return 2.0 * one_hot - 1.0

def one_vs_rest_loss(scores: np.ndarray, labels: np.ndarray) -> float:
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=int)
    assert scores.ndim == 2 and labels.ndim == 1, "unexpected shapes"
    assert len(scores) == len(labels)
    number_of_images, number_of_classes = scores.shape
    margins = 1.0 - _targets(labels=labels, classes=number_of_classes) * scores
    losses = np.where(margins > 0, margins, 0.0)
    per_image = np.sum(losses, axis=1)
    print(f"loss per image from {per_image.min():.3f} to {per_image.max():.3f}")
    return float(np.mean(per_image))
"""
HINGE_CLASS = """
class Hinge:
    def __call__(self, scores, labels):
        return sum(self.machine(scores[:, c], labels == c) for c in range(scores.shape[1]))
    def machine(self, score, mine):
        return np.mean(np.clip(1 - np.where(mine, score, -score), 0, None))
one_vs_rest_loss = Hinge()
"""
HINGE_KERAS = """
def one_vs_rest_loss(scores, labels):
    t = 2 * keras.ops.one_hot(labels, scores.shape[1]) - 1
    return keras.ops.mean(keras.losses.hinge(t, scores)) * scores.shape[1]
"""


@pytest.mark.parametrize(
    "code",
    [
        HINGE,
        SUMMED,
        HINGE_VERBOSE,
        HINGE_CLASS,
        HINGE_KERAS,
        HINGE.replace("return float(", "return np.float32("),
        HINGE.replace("short.sum() / len(labels)", "short.mean() * scores.shape[1]"),
        HINGE.replace("    t =", "    scores = scores * 1.0\n    t =").replace(
            "t * scores", "np.multiply(t, scores, out=scores)"
        ),
    ],
)
def test_losses_in_other_forms_pass(look, code):
    assert_passes(look, "look-hinge", code)


# Against the own class's score in place of one machine for each class.
CRAMMER_SINGER = """
def one_vs_rest_loss(scores, labels):
    rows = np.arange(len(labels))
    short = np.maximum(0, 1 + scores - scores[rows, labels][:, None])
    short[rows, labels] = 0
    return float(short.sum(1).mean())
"""


def test_another_machine_is_wrong(look):
    assert_wrong(look, "look-hinge", "one image", CRAMMER_SINGER)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("short.sum() / len(labels)", "short.mean()", "one image"),
        ("short.sum() / len(labels)", "short.sum()", "two images"),
        ("short.sum() / len(labels)", "short.sum() / 2", "one image"),
        ("short.sum() / len(labels)", "short.sum() / 3", "one image"),
        ("0, 1 - t", "0, 0 - t", "one image"),
        ("0, 1 - t", "0, 1 + t", "one image"),
        ("0, 1 - t", "1, 1 - t", "one image"),
        ("-1.0)", "0.0)", "one image"),
        ("-1.0)", "1.0)", "one image"),
        ("t * scores)", "t * scores)**2", "one image"),
        ("np.maximum(0, 1 - t * scores)", "1 - t * scores", "one image"),
        ("np.maximum(0, 1 - t * scores)", "np.abs(1 - t * scores)", "one image"),
        ("short.sum() / len(labels)", "short[:2].sum() / len(labels)", "200 images"),
        ("short.sum() / len(labels)", "short[:, :10].sum() / len(labels)", "100 classes"),
        ("short.sum() / len(labels)", "short.max(axis=1).mean()", "one image"),
        ("float(short.sum() / len(labels))", "short.sum(axis=1)", "shape"),
        ("    return", "    result =", "None"),
        ("t * scores)", "scores)", "one image"),
        ("scores.shape, -1.0", "scores.shape, 0.0", "one image"),
        ("    t[", "    scores *= 0.5\n    t[", "changes its argument scores"),
    ],
)
def test_wrong_losses_are_named(look, old, new, words):
    assert_wrong(look, "look-hinge", words, HINGE, old, new)
