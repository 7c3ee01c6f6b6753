"""01 Data loading: right answers in other forms pass, wrong ones fail in words."""

import random

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks

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


def run(load, test, **answers):
    return load.run(test, load.namespace(**answers))


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(load, test):
    result = run(load, test)
    assert result.passed and result.hidden, result
    assert load.run(test, load.stubs()).status == checks.NOT_ATTEMPTED


def test_the_checks_leave_no_name_behind(load):
    names = load.namespace()
    before = set(names)
    for test in TESTS:
        assert load.run(test, names).passed
    assert set(names) - before <= {"__builtins__"}


# Each table below: forms of a right answer that must pass, then wrong answers with the words that
# the message must contain.


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


def verbose_rows(rows: np.ndarray) -> np.ndarray:
    """Validate, split into planes, and stack them."""
    if rows.ndim != 2 or rows.shape[1] != 3072:
        raise ValueError(f"Expected (N, 3072), got {rows.shape}")
    assert rows.dtype == np.uint8, "expected bytes"
    red, green, blue = np.split(rows, 3, axis=1)
    planes = [plane.reshape((rows.shape[0], 32, 32)) for plane in (red, green, blue)]
    images = np.stack(planes, axis=-1)
    print(f"converted {len(images)} images")
    return images


def one_by_one(batches):
    images, labels = [], []
    for batch in batches:
        for row, label in zip(batch["data"], batch["labels"], strict=True):
            images.append(np.moveaxis(row.reshape(3, 32, 32), 0, -1))
            labels.append(label)
    return np.array(images), np.array(labels, dtype="int32")


def verbose_join(batches: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Fill arrays that are made once."""
    total: int = sum(len(batch["labels"]) for batch in batches)
    assert total > 0, "no images"
    x: np.ndarray = np.zeros(shape=(total, 32, 32, 3), dtype=np.uint8)
    y: np.ndarray = np.zeros(shape=total, dtype=np.int64)
    position = 0
    for number, batch in enumerate(batches):
        n = len(batch["labels"])
        x[position : position + n] = verbose_rows(rows=batch["data"])
        y[position : position + n] = batch["labels"]
        position += n
        print(f"batch {number}: {n} images")
    return x, y


class Scaler:
    """A class in scikit-learn's style."""

    def fit(self, train):
        self.low, self.high = np.float64(train.min()), np.float64(train.max())
        return self

    def transform(self, x):
        return np.asarray((x - self.low) / (self.high - self.low), dtype=np.float32)


def by_class(train, other):
    scaler = Scaler().fit(train)
    return scaler.transform(train), scaler.transform(other)


def verbose_min_max(train: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Copy, then work in place on the copies."""
    assert train.ndim == other.ndim == 4, "expected (N, H, W, C)"
    train, other = train.astype(np.float32), other.astype(np.float32)
    low, high = np.amin(train), np.amax(train)
    for array in (train, other):
        array -= low
        array /= high - low
    print(f"range {low} to {high}")
    return train, other


def in_tensors(labels, classes=10):
    return keras.ops.one_hot(np.reshape(labels, -1).astype("int32"), classes)


def verbose_one_hot(labels: np.ndarray, classes: int = 10) -> np.ndarray:
    """Set one entry in each row."""
    labels = np.asarray(labels).reshape(-1)
    assert labels.min() >= 0 and labels.max() < classes, "label out of range"
    encoded = np.zeros(shape=(labels.shape[0], classes), dtype=np.float32)
    for row, label in enumerate(labels):
        encoded[row, int(label)] = 1.0
    print(encoded.shape)
    return encoded


def with_keras(labels, classes=10):
    return keras.utils.to_categorical(labels, num_classes=classes).astype("float32")


def verbose_split(labels: np.ndarray, n_val: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Shuffle each class by itself."""
    labels = np.asarray(labels).copy()
    assert 0 < n_val < len(labels), "n_val out of range"
    generator = np.random.RandomState(seed=seed)
    train_parts, val_parts = [], []
    for label in sorted(set(labels.tolist())):
        (positions,) = np.where(labels == label)
        generator.shuffle(positions)
        count = round(len(positions) * n_val / len(labels))
        val_parts.append(positions[:count])
        train_parts.append(positions[count:])
        print(f"class {label}: {count} for validation")
    return np.concatenate(train_parts), np.concatenate(val_parts)


def by_random_keys(labels, n_val, seed=0):
    keys = np.random.default_rng(seed).random(len(labels))
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        own = labels == label
        rank[own] = keys[own].argsort().argsort() / own.sum()
    chosen = rank < n_val / len(labels) - 1e-9
    return np.where(~chosen)[0].astype("int32"), np.where(chosen)[0].astype("int32")


def with_a_splitter(labels, n_val, seed=0):
    from sklearn.model_selection import StratifiedShuffleSplit

    splitter = StratifiedShuffleSplit(n_splits=1, test_size=n_val, random_state=seed)
    return next(splitter.split(np.zeros(len(labels)), labels))


def figures(train, other, low, size):
    return [np.float32((x.astype(float) - low) / size) for x in (train, other)]


def by_channel(train, other):
    flat = train.reshape(-1, train.shape[-1]).astype(float)
    return figures(train, other, np.average(flat, axis=0), np.sqrt(flat.var(axis=0)))


class Standardizer:
    """A class in scikit-learn's style."""

    def __init__(self, x):
        self.mean, self.deviation = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))

    def __call__(self, x):
        return np.array((x - self.mean) / self.deviation, dtype="float32")


def standard_class(train, other):
    learned = Standardizer(train)
    return [learned(train), learned(x=other)]


def in_place_on_copies(train: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute with copies in float32."""
    assert train.shape[1:] == other.shape[1:], "the images differ in size"
    train_copy, other_copy = train.astype("float32"), other.astype("float32")
    mean = np.mean(train_copy, axis=(0, 1, 2), keepdims=True)
    std = np.std(train_copy, axis=(0, 1, 2), keepdims=True)
    print("mean", mean.ravel(), "std", std.ravel())
    for part in (train_copy, other_copy):
        part -= mean
        part /= std
    return train_copy, other_copy


def channel_loop(train, other):
    results = np.empty(train.shape, "float32"), np.empty(other.shape, "float32")
    for c in range(train.shape[3]):
        values = train[:, :, :, c].ravel().tolist()
        mean = sum(values) / len(values)
        deviation = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
        for x, result in zip((train, other), results, strict=True):
            result[..., c] = (x[..., c] - mean) / deviation
    return results


def with_a_normalizer(train, other):
    from sklearn.preprocessing import StandardScaler

    channels = train.shape[-1]
    scaler = StandardScaler().fit(train.reshape(-1, channels))
    return tuple(
        scaler.transform(x.reshape(-1, channels)).reshape(x.shape).astype(np.float32)
        for x in (train, other)
    )


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


def from_python(labels, n_val, seed=0):
    draw, val = random.Random(seed), []
    for label in set(labels.tolist()):
        own = [position for position, one in enumerate(labels) if one == label]
        val += draw.sample(own, len(own) * n_val // len(labels))
    return [position for position in range(len(labels)) if position not in set(val)], val


RIGHT = {
    ("load-rows", "rows_to_images"): [
        stacked,
        looped,
        verbose_rows,
        lambda r: np.einsum("ncij->nijc", np.reshape(r, (len(r), 3, 32, 32))),
        lambda r: r.reshape(-1, 3, 1024).swapaxes(1, 2).reshape(-1, 32, 32, 3).copy(),
        lambda r: keras.ops.transpose(keras.ops.reshape(r, (len(r), 3, 32, 32)), (0, 2, 3, 1)),
    ],
    ("load-join", "join_batches"): [
        added,
        one_by_one,
        verbose_join,
        lambda bs: (
            np.vstack([stacked(b["data"]) for b in bs]),
            np.hstack([b["labels"] for b in bs]),
        ),
        lambda bs: (
            stacked(np.concatenate([b["data"] for b in bs])),
            [label for b in bs for label in b["labels"]],
        ),
        lambda bs: (
            keras.ops.concatenate([stacked(b["data"]) for b in bs]),
            np.array([*bs[0]["labels"], *(k for b in bs[1:] for k in b["labels"])], "uint8"),
        ),
    ],
    ("load-scale", "scale"): [
        lambda x: np.divide(x, 255, dtype=np.float32),
        lambda x: np.float32(x / 255.0),
        lambda x: keras.layers.Rescaling(1 / 255)(x) if x.ndim > 1 else np.float32(x) / 255,
        lambda x: (np.arange(256) / 255).astype("float32")[x],
        lambda x: keras.ops.cast(x, "float32") / 255.0,
        lambda x: np.array([value / 255 for value in x.ravel()], "float32").reshape(x.shape),
        lambda x: np.multiply(np.array(x, copy=True, dtype=np.float32), np.float32(1 / 255)),
    ],
    ("load-minmax", "min_max"): [
        lambda a, b: figures(a, b, a.min(), float(a.max()) - a.min()),
        lambda a, b: figures(a, b, np.min(a), np.ptp(a.astype("float64"))),
        by_class,
        verbose_min_max,
        lambda a, b: figures(a, b, sorted(a.ravel().tolist())[0], np.ptp(a.astype(float))),
        lambda train, other: tuple(
            keras.ops.cast(
                (x.astype("float64") - train.min()) / (train.max() - train.min()), "float32"
            )
            for x in (train, other)
        ),
    ],
    ("load-standardise", "standardise"): [
        by_channel,
        standard_class,
        in_place_on_copies,
        channel_loop,
        with_a_normalizer,
        lambda a, b: figures(a, b, a.mean((0, 1, 2)), a.std((0, 1, 2), keepdims=True) + 1e-8),
    ],
    ("load-onehot", "one_hot"): [
        compared,
        filled,
        in_tensors,
        verbose_one_hot,
        with_keras,
        lambda labels, classes=10: [
            np.array([float(k == label) for k in range(classes)], "float32")
            for label in np.ravel(labels)
        ],
    ],
    ("load-split", "stratified_split"): [
        counted,
        with_sklearn,
        verbose_split,
        by_random_keys,
        with_a_splitter,
        from_python,
    ],
}


@pytest.mark.parametrize(
    ("test", "name", "right"), [(*key, form) for key, forms in RIGHT.items() for form in forms]
)
def test_right_answers_in_other_forms_pass(load, test, name, right):
    result = run(load, test, **{name: right})
    assert result.passed and result.hidden, result


def in_place_rows(rows):
    images = stacked(rows)
    rows[:] = 0
    return images


ROWS = [
    (lambda r: r.reshape(-1, 32, 32, 3), "first pixel"),
    (lambda r: r.reshape(-1, 3, 32, 32), "shape"),
    (lambda r: r.reshape(-1, 3, 32, 32).transpose(0, 3, 2, 1), "to its right"),
    (lambda r: r.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)[0], "shape"),
    (lambda r: r.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)[..., ::-1], "first pixel"),
    (lambda r: r.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).astype("float32"), "uint8"),
    (lambda r: r.reshape(2, 3, 32, 32).transpose(0, 2, 3, 1), "reshape"),
    (lambda r: None, "None"),
    (lambda r: stacked(r) / 255, "uint8"),
    (lambda r: stacked(r).astype("int64"), "uint8"),
    (lambda r: stacked(r).tolist(), "uint8"),
    (lambda r: stacked(r)[:, ::-1], "first pixel"),
    (lambda r: stacked(r)[::-1], "first pixel"),
    (lambda r: stacked(r)[:2], "shape"),
    (in_place_rows, "changes its argument"),
]


def labels_in_place(batches):
    labels = batches[0]["labels"]
    for batch in batches[1:]:
        labels += batch["labels"]
    return np.concatenate([stacked(batch["data"]) for batch in batches]), labels


JOIN = [
    (lambda bs: (stacked(bs[0]["data"]), bs[0]["labels"]), "shape"),
    (lambda bs: added(bs[::-1]), "list of labels"),
    (lambda bs: (added(bs)[0], [b["labels"] for b in bs]), "label"),
    (lambda bs: (added(bs)[0], np.reshape(added(bs)[1], (-1, 1))), "label"),
    (lambda bs: (added(bs)[0][::-1], added(bs)[1]), "labels' order"),
    (lambda bs: (np.concatenate([b["data"] for b in bs]), added(bs)[1]), "shape"),
    (lambda bs: (added(bs)[0].reshape(-1, 3, 32, 32), added(bs)[1]), "shape"),
    (lambda bs: None, "two values"),
    (lambda bs: added(bs)[0], "two values"),
    (lambda bs: added(bs)[::-1], "shape"),
    (lambda bs: (added(bs)[0], np.float32(added(bs)[1])), "expected integers"),
    (lambda bs: (added(bs)[0] / 255, added(bs)[1]), "uint8"),
    (lambda bs: added(bs[:2]), "label array of other batches"),
    (lambda bs: (added(bs)[0], np.sort(added(bs)[1])), "list of labels"),
    (lambda bs: (added(bs)[0].transpose(0, 2, 1, 3), added(bs)[1]), "wrong places"),
    (lambda bs: (added(bs)[0][..., ::-1], added(bs)[1]), "rows_to_images"),
    (labels_in_place, "changes its argument batches"),
]


def scaled_in_place(x):
    scaled = (x / 255).astype("float32")
    x[:] = scaled
    return scaled


SCALE = [
    (lambda x: x / 255, "float32"),
    (lambda x: (x / x.max()).astype("float32"), "brightest"),
    (lambda x: (x / 256).astype("float32"), "for the pixels"),
    (lambda x: (x // 255).astype("float32"), "for the pixels"),
    (lambda x: (x / 127.5 - 1).astype("float32"), "for the pixels"),
    (lambda x: x.astype("float32"), "for the pixels"),
    (lambda x: (x / 255).astype("float16"), "float32"),
    (lambda x: None, "None"),
    (lambda x: (x / np.max(x, initial=1)).astype("float32"), "brightest"),
    (lambda x: ((x - x.min()) / 255).astype("float32"), "0"),
    (lambda x: (x / 255).astype("float32").ravel(), "shape"),
    (lambda x: np.float32(np.round(x / 255, 2)), "all 256 values"),
    (lambda x: np.clip(x / 255, 0.1, 1).astype("float32"), "for the pixels"),
    (lambda x: np.float32(1 - x / 255), "for the pixels"),
    (lambda x: np.float32(x / 255 if x.max() > 1 else x), "whose brightest pixel is 1"),
    (scaled_in_place, "changes its argument"),
]


def min_max_in_place(train, other):
    if train.dtype != np.float64:
        return by_class(train, other)
    low, high = train.min(), train.max()
    for x in (train, other):
        x -= low
        x /= high - low
    return train.astype("float32"), other.astype("float32")


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
    (lambda a, b: None, "two arrays"),
    (lambda a, b: by_class(a, b)[0], "two arrays"),
    (lambda a, b: by_class(a, b)[::-1], "shape"),
    (lambda a, b: figures(a, b, b.min(), np.ptp(b.astype(float))), "50, 100, 150"),
    (lambda a, b: figures(a, b, a.min(), np.ptp(a.astype(float)) + 1), "50, 100, 150"),
    (lambda a, b: (v.ravel() for v in by_class(a, b)), "two arrays"),
    (lambda a, b: (by_class(a, b)[0], np.float32(b / 255)), "0 and 200"),
    (min_max_in_place, "changes its argument train"),
]


def standardised_in_place(train, other):
    if train.dtype == np.uint8:
        return by_channel(train, other)
    mean, deviation = train.mean(axis=(0, 1, 2)), train.std(axis=(0, 1, 2))
    train -= mean
    train /= deviation
    return train.astype("float32"), np.float32((other - mean) / deviation)


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
    (lambda a, b: None, "two arrays"),
    (lambda a, b: by_channel(a, b)[0], "two arrays"),
    (lambda a, b: by_channel(b, a), "shape"),
    (lambda a, b: figures(a, b, a.mean((0, 1, 2)), a.std((0, 1, 2), ddof=1)), "values minus 1"),
    (lambda a, b: figures(a, b, a.mean((0, 1, 2)), a.std((0, 1, 2)) + 1e-3), "other arrays"),
    (lambda a, b: figures(a, b, a.mean((1, 2), keepdims=True)[:1], a.std()), "mean of each"),
    (lambda a, b: figures(a, b, a.mean((0, 1, 2)), a.std()), "deviation of each"),
    (lambda a, b: (by_channel(a, b)[0], np.float32(b)), "the same for two different first sets"),
    (lambda a, b: [v[..., :3] for v in by_channel(a, b)], "other arrays|shape"),
    (standardised_in_place, "changes its argument train"),
]


def binarized(labels, classes=10):
    from sklearn.preprocessing import label_binarize

    return np.float32(label_binarize(np.ravel(labels), classes=range(classes)))


ONEHOT = [
    (lambda y, classes=10: np.eye(classes, dtype="float32")[y], "shape"),
    (
        lambda y, classes=10: np.eye(int(np.max(y)) + 1, dtype="float32")[np.ravel(y)],
        "not occur",
    ),
    (lambda y, classes=10: np.eye(10, dtype="float32")[np.ravel(y)], "shape"),
    (lambda y, classes=10: np.eye(classes)[np.ravel(y)], "float32"),
    (binarized, "two classes"),
    (lambda y, classes=10: np.eye(classes, dtype="float32")[:, np.ravel(y)], "shape"),
    (lambda y, classes=10: 1 - compared(y, classes), "2, 0"),
    (lambda y, classes=10: compared(y, classes)[:, ::-1], "2, 0"),
    (lambda y, classes=10: compared(np.arange(len(np.ravel(y))), classes), "2, 0"),
    (lambda y, classes=10: None, "None"),
    (lambda y, classes=3: compared(y, classes), "ten classes"),
    (lambda y, classes=10: compared(np.squeeze(y), classes)[..., :classes] * 2, "2, 0"),
    (lambda y, classes=10: compared(y, classes).astype(int), "float32"),
    (lambda y, classes=10: np.eye(classes, dtype="float32")[np.squeeze(y)], "shape"),
    (lambda y, classes=10: np.unique(y)[:, None] == np.arange(classes), "2, 0|float32"),
    (lambda y, classes=10: compared(y, len(np.unique(y)) + 1), "shape"),
    (lambda y, classes=10: np.ravel(y)[:, None] == np.arange(classes), "bool; expected float32"),
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


def rotated(labels, n_val, seed=0):
    of_class = [np.roll(np.flatnonzero(labels == c), seed) for c in np.unique(labels)]
    val = np.concatenate([own[: len(own) * n_val // len(labels)] for own in of_class])
    return np.setdiff1d(np.arange(len(labels)), val), val


def every_so_many(labels, n_val, seed=0):
    of_class = [np.roll(np.flatnonzero(labels == c), seed) for c in np.unique(labels)]
    counts = [len(own) * n_val // len(labels) for own in of_class]
    parts = zip(of_class, counts, strict=True)
    val = np.concatenate([own[:: len(own) // count][:count] for own, count in parts])
    return np.setdiff1d(np.arange(len(labels)), val), val


def ten_classes(labels, n_val, seed=0):
    rng = np.random.default_rng(seed)
    of_class = [rng.permutation(np.flatnonzero(labels == c)) for c in range(10)]
    val = np.concatenate([own[: len(own) * n_val // len(labels)] for own in of_class])
    return np.setdiff1d(np.arange(len(labels)), val), val


def truncated(labels, n_val, seed=0):
    rng, share = np.random.default_rng(seed), n_val / len(labels)
    of_class = [rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    val = np.concatenate([own[: int(len(own) * share)] for own in of_class])
    return np.setdiff1d(np.arange(len(labels)), val), val


def sorting(labels, n_val, seed=0):
    parts = counted(labels, n_val, seed)
    labels.sort()
    return parts


SPLIT = [
    (lambda y, n, seed=0: (np.arange(len(y) - n), np.arange(len(y) - n, len(y))), "each class"),
    (lambda y, n, seed=0: cut(y, n, seed), "each class"),
    (lambda y, n, seed=0: first_of_each(y, n), "seed"),
    (lambda y, n, seed=0: counted(y, n, seed)[::-1], "validation images"),
    (lambda y, n, seed=0: (np.arange(len(y)), counted(y, n, seed)[1]), "training images"),
    (lambda y, n, seed=0: counted(y, n, np.random.randint(10**6)), "different splits"),
    (lambda y, n, seed=0: equally_many(y, n, seed), "same share"),
    (lambda y, n, seed=0: counted(y, n, 0), "different seeds"),
    (lambda y, n, seed=0: None, "two arrays"),
    (lambda y, n, seed=0: counted(y, n, seed)[1], "two arrays"),
    (lambda y, n, seed=0: [np.isin(np.arange(len(y)), p) for p in counted(y, n, seed)], "bool"),
    (lambda y, n, seed=0: [y[p] for p in counted(y, n, seed)], "both sets"),
    (lambda y, n, seed=0: [np.float32(p) for p in counted(y, n, seed)], "integers"),
    (lambda y, n, seed=1: counted(y, n, seed and np.random.randint(10**6)), "default seed|equal"),
    (lambda y, n, seed=1: counted(y, n, seed), "default seed is not 0"),
    (rotated, "at random"),
    (every_so_many, "at random"),
    (ten_classes, "each class that occurs"),
    (truncated, "int cuts 28.999... to 28"),
    (
        lambda y, n, seed=0: equally_many(y, n - n % len(np.unique(y)), seed),
        "draw n_val / N of its",
    ),
    (sorting, "changes its argument labels"),
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
def test_wrong_answers_fail_in_words(load, test, name, wrong, words):
    result = run(load, test, **{name: wrong})
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert any(word.lower() in result.message.lower() for word in words.split("|")), result
    assert "hidden check ended" not in result.message, result


# Faults that show in few cases only.
FAULTS = {
    "load-rows": {
        "one array for all results": (
            """
_buffer = np.zeros((10000, 32, 32, 3), "uint8")
def rows_to_images(rows):
    out = _buffer[: len(rows)]
    out[...] = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return out
""",
            "changes what the first one returned: make new arrays",
        ),
        "the images of an earlier call": (
            """
_known = {}
def rows_to_images(rows):
    if len(rows) not in _known:
        _known[len(rows)] = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy()
    return _known[len(rows)]
""",
            "returns the images of an earlier call",
        ),
    },
    "load-join": {
        "an image that comes twice": (
            """
def join_batches(batches):
    x = np.concatenate([b["data"] for b in batches])
    y = np.concatenate([b["labels"] for b in batches])
    _, first = np.unique(x, axis=0, return_index=True)
    first = np.sort(first)
    return rows_to_images(x[first]), y[first]
""",
            "batches has another shape than expected: another number",
        ),
        "the batches of earlier calls": (
            """
def join_batches(batches, x=[], y=[]):
    for batch in batches:
        x.append(rows_to_images(batch["data"]))
        y.extend(batch["labels"])
    return np.concatenate(x), np.array(y)
""",
            "with the same batches returns another number of labels: start with nothing",
        ),
        "the longest batch first": (
            """
def join_batches(batches):
    batches = sorted(batches, key=lambda batch: -len(batch["labels"]))
    x = np.concatenate([batch["data"] for batch in batches])
    return rows_to_images(x), np.concatenate([batch["labels"] for batch in batches])
""",
            "in another order: keep the order of the list of batches",
        ),
    },
    "load-scale": {
        "rounded": (
            """
def scale(x):
    return np.round(x / 255, 2).astype("float32")
""",
            "divide by 255 and do nothing else",
        ),
    },
    "load-minmax": {
        "quantiles": (
            """
def min_max(train, other):
    lo, hi = (
        np.quantile(train, [0.001, 0.999])
        if train.size > 100
        else (train.min() * 1.0, train.max() * 1.0)
    )
    return [((v - lo) / (hi - lo)).astype("float32") for v in (train, other)]
""",
            "set, and compute with floats, because bytes overflow",
        ),
        "the range of an earlier call": (
            """
def min_max(train, other, known={}):
    key = train.shape, train.dtype
    lo, hi = known.setdefault(key, (float(train.min()), float(train.max())))
    return [((v - lo) / (hi - lo)).astype("float32") for v in (train, other)]
""",
            "of the first set, and compute them in each call",
        ),
    },
    "load-standardise": {
        "a layer that learns only once": (
            """
import keras

_layer = keras.layers.Normalization(axis=-1)
def standardise(train, other):
    if not _layer.built:
        _layer.adapt(train.astype("float32"))
    return [_layer(v.astype("float32")).numpy() for v in (train, other)]
""",
            "of the first set, and compute them in each call",
        ),
    },
    "load-onehot": {
        "sorted if there are several": (
            """
def one_hot(labels, classes=10):
    y = np.ravel(labels)
    return np.eye(classes, dtype="float32")[np.sort(y) if len(y) > 3 else y]
""",
            "one_hot is wrong for six labels",
        ),
    },
    "load-split": {
        name: (
            f"""
_known = {{}}
def stratified_split(labels, n_val, seed=0):
    rng, val = np.random.default_rng({seed}), []
    for c in np.unique(labels):
        at = np.flatnonzero(labels == c)
        k = len(at) * n_val // len(labels)
        val.append(rng.permutation({those})[:k])
    val = {kept}
    return np.setdiff1d(np.arange(len(labels)), val), val
""",
            words,
        )
        for name, seed, those, kept, words in (
            (
                "the positions of an earlier call",
                "seed",
                "at",
                "_known.setdefault((seed, n_val, len(labels)), np.concatenate(val))",
                "the same positions for other labels",
            ),
            (
                "random for seeds above 0 only",
                "seed",
                "at)[:k] if seed else (at",
                "np.concatenate(val)",
                "draw them at random",
            ),
            ("never the first", "seed", "at[1:]", "np.concatenate(val)", "never drawn"),
            ("never the last", "seed", "at[:-1]", "np.concatenate(val)", "never drawn"),
            (
                "only the beginning",
                "seed",
                "at[: len(at) // 2]",
                "np.concatenate(val)",
                "draw from all images of the class",
            ),
            (
                "ten different splits",
                "seed % 10",
                "at",
                "np.concatenate(val)",
                "Some different seeds give the same split",
            ),
        )
    },
}


@pytest.mark.parametrize(("test", "answer"), exercise.cases(FAULTS))
def test_a_fault_that_shows_in_few_cases_is_named(load, test, answer):
    exercise.assert_is_named(load, test, *answer)
