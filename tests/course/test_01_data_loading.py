"""01 Data loading: right answers in other forms pass, wrong ones fail in words."""

import exercise
import numpy as np
import pytest

from convcourse import checks, shapes

TESTS = [
    "load-rows",
    "load-join",
    "load-scale",
    "load-minmax",
    "load-standardise",
    "load-onehot",
    "load-split",
]


@pytest.fixture(scope="module")
def load():
    return exercise.load("01_data_loading")


@pytest.fixture(scope="module")
def names():
    """What the notebook's plain cells make before the exercises."""
    x, y = shapes.shapes10(1_000)
    x_test, _ = shapes.shapes10(200, split=1)
    rows = x.transpose(0, 3, 1, 2).reshape(-1, 3072)
    batch = {"data": rows[:200], "labels": y[:200, 0].tolist()}
    return {"batch": batch, "x_all": x, "y_all": y[:, 0], "x_test": x_test}


def run(load, names, test, **answers):
    return load.run(test, load.namespace(**(names | answers)))


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(load, names, test):
    result = run(load, names, test)
    assert result.passed and result.hidden, result
    assert load.run(test, load.stubs(**names)).status == checks.NOT_ATTEMPTED


def stacked(rows):
    return np.stack([rows[:, k * 1024 : (k + 1) * 1024].reshape(-1, 32, 32) for k in range(3)], -1)


def looped(rows):
    images = np.empty((len(rows), 32, 32, 3), rows.dtype)
    for c in range(3):
        for i in range(32):
            images[:, i, :, c] = rows[:, 1024 * c + 32 * i : 1024 * c + 32 * i + 32]
    return images


def added(batches):
    x, y = stacked(batches[0]["data"]), list(batches[0]["labels"])
    for batch in batches[1:]:
        x, y = np.append(x, stacked(batch["data"]), axis=0), y + list(batch["labels"])
    return [x, y]


def figures(train, other, low, size):
    return [np.float32((x.astype(float) - low) / size) for x in (train, other)]


def by_channel(train, other):
    flat = train.reshape(-1, train.shape[-1]).astype(float)
    return figures(train, other, np.average(flat, axis=0), np.sqrt(flat.var(axis=0)))


def compared(labels, classes=10):
    return (np.reshape(labels, (-1, 1)) == range(classes)).astype(np.float32)


def filled(labels, classes=10):
    rows = np.zeros((len(labels), classes), np.float32)
    rows[np.arange(len(labels)), np.asarray(labels).flatten()] = 1
    return rows


def with_sklearn(labels, n_val, seed=0):
    from sklearn.model_selection import train_test_split

    return train_test_split(
        np.arange(len(labels)), test_size=n_val, stratify=labels, random_state=seed
    )


def counted(labels, n_val, seed=0):
    left = {c: labels.tolist().count(c) * n_val // len(labels) for c in set(labels.tolist())}
    train, val = [], []
    for position in np.random.RandomState(seed).permutation(len(labels)):
        label = int(labels[position])
        (val if left[label] else train).append(int(position))
        left[label] = max(0, left[label] - 1)
    return train, val


RIGHT = [
    ("load-rows", "rows_to_images", stacked),
    ("load-rows", "rows_to_images", looped),
    ("load-join", "join_batches", added),
    ("load-scale", "scale", lambda x: np.divide(x, 255, dtype=np.float32)),
    ("load-scale", "scale", lambda x: np.float32(x / 255.0)),
    ("load-minmax", "min_max", lambda a, b: figures(a, b, a.min(), float(a.max()) - a.min())),
    ("load-minmax", "min_max", lambda a, b: figures(a, b, np.min(a), float(np.ptp(a)))),
    ("load-standardise", "standardise", by_channel),
    ("load-onehot", "one_hot", compared),
    ("load-onehot", "one_hot", filled),
    ("load-split", "stratified_split", counted),
    ("load-split", "stratified_split", with_sklearn),
]


@pytest.mark.parametrize(("test", "name", "right"), RIGHT)
def test_right_answers_in_other_forms_pass(load, names, test, name, right):
    result = run(load, names, test, **{name: right})
    assert result.passed and result.hidden, result


ROWS = [
    (lambda r: r.reshape(-1, 32, 32, 3), "first pixel"),
    (lambda r: r.reshape(-1, 3, 32, 32), "shape"),
    (lambda r: r.reshape(-1, 3, 32, 32).transpose(0, 3, 2, 1), "to its right"),
    (lambda r: r.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)[0], "shape"),
    (lambda r: r.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)[..., ::-1], "first pixel"),
    (lambda r: r.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).astype("float32"), "uint8"),
    (lambda r: r.reshape(2, 3, 32, 32).transpose(0, 2, 3, 1), "reshape"),
    (lambda r: None, "None"),
]
JOIN = [
    (lambda bs: (stacked(bs[0]["data"]), bs[0]["labels"]), "shape"),
    (lambda bs: added(bs[::-1]), "list of labels"),
    (lambda bs: (added(bs)[0], [b["labels"] for b in bs]), "label"),
    (lambda bs: (added(bs)[0], np.reshape(added(bs)[1], (-1, 1))), "label"),
    (lambda bs: (added(bs)[0][::-1], added(bs)[1]), "labels' order"),
    (lambda bs: (np.concatenate([b["data"] for b in bs]), added(bs)[1]), "shape"),
    (lambda bs: (added(bs)[0].reshape(-1, 3, 32, 32), added(bs)[1]), "shape"),
]
SCALE = [
    (lambda x: x / 255, "float32"),
    (lambda x: (x / x.max()).astype("float32"), "brightest"),
    (lambda x: (x / 256).astype("float32"), "for the pixels"),
    (lambda x: (x // 255).astype("float32"), "for the pixels"),
    (lambda x: (x / 127.5 - 1).astype("float32"), "for the pixels"),
    (lambda x: x.astype("float32"), "for the pixels"),
    (lambda x: (x / 255).astype("float16"), "float32"),
]
MINMAX = [
    (lambda a, b: figures(a, b, 0, 255), "50, 100, 150"),
    (lambda a, b: [figures(v, v, v.min(), float(np.ptp(v)))[0] for v in (a, b)], "0 and 200"),
    (lambda a, b: figures(a, b, min(a.min(), b.min()), 200.0), "50, 100, 150"),
    (
        lambda a, b: [((v - a.min()) / float(np.ptp(a))).astype("float32") for v in (a, b)],
        "0 and 200",
    ),
    (
        lambda a, b: [np.clip(v, 0, 1) for v in figures(a, b, a.min(), float(np.ptp(a)))],
        "0 and 200",
    ),
    (lambda a, b: figures(a, b, a.min(), float(a.max())), "50, 100, 150"),
    (lambda a, b: [(v - float(a.min())) / float(np.ptp(a)) for v in (a, b)], "float32"),
    (
        lambda a, b: figures(a, b, a.min(axis=(0, 1, 2)), np.ptp(a, axis=(0, 1, 2)) + 0.0),
        "one minimum",
    ),
]
STANDARDISE = [
    (lambda a, b: [by_channel(v, v)[0] for v in (a, b)], "own mean"),
    (lambda a, b: figures(a, b, a.mean(), a.std()), "mean of each"),
    (lambda a, b: figures(a, b, a.mean(axis=0), a.std(axis=0) + 1e-9), "one mean"),
    (lambda a, b: figures(a, b, a.mean(axis=(0, 1, 2)), 1.0), "of each channel"),
    (lambda a, b: figures(a, b, a.mean(axis=(0, 1, 2)), a.var(axis=(0, 1, 2))), "deviation"),
    (lambda a, b: [v.astype(float) for v in by_channel(a, b)], "float32"),
    (
        lambda a, b: (
            by_channel(np.concatenate([a, b]), b)[:1]
            and figures(
                a,
                b,
                np.concatenate([a, b]).mean(axis=(0, 1, 2)),
                np.concatenate([a, b]).std(axis=(0, 1, 2)),
            )
        ),
        "mean of each",
    ),
]
ONEHOT = [
    (lambda y, classes=10: np.eye(classes, dtype="float32")[y], "shape"),
    (
        lambda y, classes=10: np.eye(int(np.max(y)) + 1, dtype="float32")[np.ravel(y)],
        "do not occur",
    ),
    (lambda y, classes=10: np.eye(10, dtype="float32")[np.ravel(y)], "shape"),
    (lambda y, classes=10: np.eye(classes)[np.ravel(y)], "float32"),
    (lambda y, classes=10: np.eye(classes, dtype="float32")[:, np.ravel(y)], "shape"),
    (lambda y, classes=10: 1 - compared(y, classes), "2, 0"),
    (lambda y, classes=10: compared(y, classes)[:, ::-1], "2, 0"),
    (lambda y, classes=10: compared(np.arange(len(np.ravel(y))), classes), "2, 0"),
]


def cut(labels, n_val, seed=0):
    order = np.random.default_rng(seed).permutation(len(labels))
    return order[n_val:], order[:n_val]


def first_of_each(labels, n_val, seed=0):
    each = n_val // len(np.unique(labels))
    val = np.concatenate([np.flatnonzero(labels == c)[:each] for c in np.unique(labels)])
    return np.setdiff1d(np.arange(len(labels)), val), val


def equally_many(labels, n_val, seed=0):
    rng, val = np.random.default_rng(seed), []
    sizes = np.bincount(labels)
    each = [n_val // len(sizes) + (c < n_val % len(sizes)) for c in range(len(sizes))]
    for c, count in enumerate(each):
        val.append(rng.permutation(np.flatnonzero(labels == c))[:count])
    val = np.concatenate(val)
    return np.setdiff1d(np.arange(len(labels)), val), val


SPLIT = [
    (lambda y, n, seed=0: (np.arange(len(y) - n), np.arange(len(y) - n, len(y))), "same share"),
    (lambda y, n, seed=0: cut(y, n, seed), "each class"),
    (lambda y, n, seed=0: first_of_each(y, n), "seed"),
    (lambda y, n, seed=0: counted(y, n, seed)[::-1], "number of validation"),
    (lambda y, n, seed=0: (np.arange(len(y)), counted(y, n, seed)[1]), "number of training"),
    (lambda y, n, seed=0: counted(y, n, np.random.randint(10**6)), "equal seeds"),
    (lambda y, n, seed=0: equally_many(y, n, seed), "same share"),
    (lambda y, n, seed=0: counted(y, n, 0), "different seeds"),
]
WRONG = [
    (test, name, wrong, words)
    for test, name, table in (
        ("load-rows", "rows_to_images", ROWS),
        ("load-join", "join_batches", JOIN),
        ("load-scale", "scale", SCALE),
        ("load-minmax", "min_max", MINMAX),
        ("load-standardise", "standardise", STANDARDISE),
        ("load-onehot", "one_hot", ONEHOT),
        ("load-split", "stratified_split", SPLIT),
    )
    for wrong, words in table
]


@pytest.mark.parametrize(("test", "name", "wrong", "words"), WRONG)
def test_wrong_answers_fail_in_words(load, names, test, name, wrong, words):
    result = run(load, names, test, **{name: wrong})
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert any(word.lower() in result.message.lower() for word in words.split("|")), result
