"""11 Siamese: right answers in more than one form pass, and wrong ones fail in words."""

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks

L, ops = keras.layers, keras.ops


@pytest.fixture(scope="module")
def siam():
    return exercise.load("11_siamese")


def assert_wrong(result, words, status=checks.WRONG):
    assert result.status == status, result
    assert words.lower() in result.message.lower(), result


def with_network(names):
    """The names and the function that the notebook makes of two of them."""
    return names | {
        "make_network": lambda width=1.0: names["build_siamese"](names["build_tower"](width))
    }


TESTS = ["siam-anchor", "siam-index", "siam-pairs", "siam-loss", "siam-tower", "siam-network"]


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(siam, test):
    result = siam.run(test, with_network(siam.namespace()))
    assert result.passed and result.hidden, result
    assert siam.run(test, with_network(siam.stubs())).status == checks.NOT_ATTEMPTED


# ------------------------------------------------------------------ siam-anchor


def anchors(pick=None, same=lambda y, a: y == y[a], far=None, share=round, alike=None, fixed=False):
    """Another way to draw anchor batches, with something changed."""

    def anchor_batch(labels, size, fraction, seed):
        rng = np.random.default_rng(0 if fixed else seed)
        first = (pick or (lambda r, y, n: [r.choice(len(y))] * n))(rng, labels, size)
        a, k = first[0], share(fraction * size)
        near = np.where(same(labels, a))[0]
        others = np.where(labels != labels[a])[0] if far is None else far(labels, a)
        second = [*rng.choice(near, size=k), *rng.choice(others, size=size - k)]
        marks = [1] * k + [0] * (size - k)
        return list(first), second, marks if alike is None else alike(np.array(marks))

    return anchor_batch


@pytest.mark.parametrize("right", [anchors(), anchors(alike=lambda m: m.astype(bool))])
def test_anchor_batches_in_other_forms_pass(siam, right):
    result = siam.run("siam-anchor", siam.namespace(anchor_batch=right))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (anchors(pick=lambda r, y, n: list(r.integers(len(y), size=n))), "different first images"),
        (anchors(same=lambda y, a: y != y[a]), "labels agree"),
        (anchors(far=lambda y, a: np.arange(len(y))), "agree"),
        (anchors(alike=lambda m: 1 - m), "alike"),
        (anchors(share=lambda k: int(2 * k)), "alike"),
        (anchors(pick=lambda r, y, n: [int(y[r.integers(len(y))])] * n), "different anchors"),
        (anchors(fixed=True), "use the seed"),
        (anchors(far=lambda y, a: np.where(y != y[a])[0][:1]), "not drawn from all"),
        (lambda labels, size, fraction, seed: anchors()(labels, size - 1, fraction, seed), "shape"),
        (lambda *a, **k: None, "None"),
    ],
)
def test_wrong_anchor_batches_are_named(siam, wrong, words):
    result = siam.run("siam-anchor", siam.namespace(anchor_batch=wrong))
    if words == "None":
        assert result.status == checks.ERROR
    else:
        assert_wrong(result, words)


# ------------------------------------------------------------------ siam-index


def listed(labels):
    classes = range(max(labels) + 1)
    groups = [[i for i, c in enumerate(labels) if c == k] for k in classes]
    count = [len(g) for g in groups]
    return [i for g in groups for i in g], [sum(count[:k]) for k in classes], count


def searched(labels):
    order = np.lexsort((np.arange(len(labels)), labels))
    start = np.searchsorted(np.asarray(labels)[order], np.arange(np.max(labels) + 1))
    return order, start, np.diff([*start, len(labels)])


@pytest.mark.parametrize("right", [listed, searched])
def test_an_index_in_other_forms_passes(siam, right):
    result = siam.run("siam-index", siam.namespace(class_index=right))
    assert result.passed and result.hidden, result


def unique(labels):
    _, start, count = np.unique(np.sort(labels), return_index=True, return_counts=True)
    return np.argsort(labels, kind="stable"), start, count


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda y: (np.argsort(y), np.cumsum(np.bincount(y)), np.bincount(y)), "start"),
        (lambda y: (np.sort(y), *searched(y)[1:]), "order"),
        (lambda y: (np.argsort(-y, kind="stable"), *searched(y)[1:]), "order"),
        (lambda y: (searched(y)[0][::-1], *searched(y)[1:]), "order"),
        (unique, "shape"),
        (lambda y: (searched(y)[0], searched(y)[1], np.ones(2, int)), "count"),
        (lambda y: (searched(y)[0], searched(y)[2], searched(y)[1]), "count"),
    ],
)
def test_a_wrong_index_is_named(siam, wrong, words):
    assert_wrong(siam.run("siam-index", siam.namespace(class_index=wrong)), words)


# ------------------------------------------------------------------ siam-pairs


def by_offset(labels, index, size, fraction, seed):
    """The same by scaled uniform numbers, and modulo for the partners of other classes."""
    rng = np.random.default_rng(seed)
    order, start, count = (np.asarray(part) for part in index)
    k, n = round(fraction * size), len(labels)
    first = rng.choice(n, size)
    c = labels[first]
    near = start[c] + (rng.random(size) * count[c]).astype(int)
    far = start[c] + count[c] + (rng.random(size) * (n - count[c])).astype(int)
    second = np.concatenate([order[near[:k]], order[far[k:] % n]])
    return first, second, [True] * k + [False] * (size - k)


def by_rejection(labels, index, size, fraction, seed):
    """Draw again what does not fit, all at once; slower, yet fast enough."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, len(labels), size)
    wanted = np.arange(size) < round(fraction * size)
    second = rng.integers(0, len(labels), size)
    while (bad := (labels[first] == labels[second]) != wanted).any():
        second[bad] = rng.integers(0, len(labels), int(bad.sum()))
    return first, second, wanted.astype(int)


@pytest.mark.parametrize("right", [by_offset, by_rejection])
def test_random_pairs_in_other_forms_pass(siam, right):
    result = siam.run("siam-pairs", siam.namespace(random_pairs=right))
    assert result.passed and result.hidden, result


def changed(change, **settings):
    def random_pairs(labels, index, size, fraction, seed):
        drawn = by_rejection(labels, index, size, fraction, settings.get("seed", seed))
        return change(np.asarray(labels), *drawn)

    return random_pairs


def loop(labels, index, size, fraction, seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, len(labels), size)
    alike = np.arange(size) < round(fraction * size)
    second = [
        rng.choice(np.where((labels == labels[f]) == s)[0])
        for f, s in zip(first, alike, strict=True)
    ]
    return first, np.array(second), alike


def next_class(labels, index, size, fraction, seed):
    order, start, count = (np.asarray(part) for part in index)
    first, second, alike = by_rejection(labels, index, size, fraction, seed)
    c = (labels[first] + 1) % len(count)
    other = order[start[c] + np.random.default_rng(seed).integers(0, count[c])]
    return first, np.where(alike, second, other), alike


def one_first(y, a, b, s):
    near, far = np.flatnonzero(y == y[0]), np.flatnonzero(y != y[0])
    return np.zeros_like(a), np.where(s, near[b % len(near)], far[b % len(far)]), s


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (changed(one_first), "different first images"),
        (changed(lambda y, a, b, s: (a, b, 1 - s)), "alike"),
        (changed(lambda y, a, b, s: (a, np.where(s, a, b), s)), "same image twice"),
        (changed(lambda y, a, b, s: (a, b, s), seed=1), "different seeds"),
        (changed(lambda y, a, b, s: (a, b[::-1], s)), "labels agree"),
        (changed(lambda y, a, b, s: (y[a], y[b], s)), "different first images"),
        (changed(lambda y, a, b, s: (np.stack([a, b]), s, s)), "shape"),
        (next_class, "not drawn evenly from all images of other classes"),
        (loop, "loop"),
    ],
)
def test_wrong_random_pairs_are_named(siam, wrong, words):
    assert_wrong(siam.run("siam-pairs", siam.namespace(random_pairs=wrong)), words)


# ------------------------------------------------------------------ siam-loss


def branches(alike, d2, factor=0.5, margin=1.0):
    return ops.where(ops.equal(alike, 1), factor * d2, ops.relu(margin - d2))


def summed(alike, d2, factor=0.5, margin=1.0):
    pull = ops.multiply(ops.multiply(d2, factor), alike)
    return ops.add(pull, ops.clip(margin - d2, 0.0, margin) * (1.0 - alike))


@pytest.mark.parametrize("right", [branches, summed])
def test_the_loss_in_other_forms_passes(siam, right):
    result = siam.run("siam-loss", siam.namespace(contrastive_loss=right))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda y, d2, factor=0.5, margin=1.0: branches(1 - y, d2, factor), "loss 1"),
        (lambda y, d2, factor=0.5, margin=1.0: branches(y, d2, 1.0), "loss 1"),
        (lambda y, d2, factor=0.5, margin=1.0: branches(y, d2, 0.5), "loss 2"),
        (lambda y, d2, factor=0.5, margin=1.0: branches(y, d2, factor), "margin"),
        (lambda y, d2, factor=0.5, margin=1.0: branches(y, d2**2, factor), "loss 1"),
        (lambda y, d2, factor=0.5, margin=1.0: branches(y, ops.sqrt(d2), factor), "loss 1"),
        (lambda y, d2, factor=0.5, margin=1.0: ops.mean(branches(y, d2, factor)), "shape"),
        (
            lambda y, d2, factor=0.5, margin=1.0: y * factor * d2 + (1 - y) * (margin - d2),
            "loss 1",
        ),
        (lambda y, d2, factor=1.0, margin=1.0: branches(y, d2, factor, margin), "loss 1"),
    ],
)
def test_a_wrong_loss_is_named(siam, wrong, words):
    assert_wrong(siam.run("siam-loss", siam.namespace(contrastive_loss=wrong)), words)


def test_a_loss_that_knows_arrays_only_is_the_students_error(siam):
    def arrays_only(y, d2, factor=0.5, margin=1.0):
        return np.where(np.asarray(y) == 1, factor * d2, np.maximum(margin - np.asarray(d2), 0))

    result = siam.run("siam-loss", siam.namespace(contrastive_loss=arrays_only))
    assert result.status == checks.ERROR, result


# ------------------------------------------------------------------ siam-tower and -network


def tower(width=1.0, **change):
    n = [round(k * width) for k in change.get("sizes", (64, 64, 384, 192))]
    x = inputs = keras.Input((32, 32, 3))
    for filters in n[:2]:
        x = L.Conv2D(filters, change.get("kernel", 5), padding=change.get("padding", "same"))(x)
        x = L.ReLU()(x)
        x = L.MaxPool2D(change.get("pool", (3, 3)), 2, padding="same")(x)
    x = L.Dense(n[2], activation="relu")(L.Flatten()(x))
    x = L.Dense(n[3], activation=change.get("last"))(x)
    return keras.Model(inputs, L.UnitNormalization()(x) if change.get("unit", True) else x)


def test_a_functional_tower_passes(siam):
    result = siam.run("siam-tower", siam.namespace(build_tower=tower))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"padding": "valid"}, "padding valid"),
        ({"kernel": 3}, "kernel_size 3"),
        ({"pool": 2}, "pool_size 2"),
        ({"unit": False}, "unit normalization"),
        ({"last": "relu"}, "second dense layer has activation relu"),
        ({"sizes": (64, 64, 192, 384)}, "units 192"),
        ({"sizes": (64, 128, 384, 192)}, "filters 128"),
    ],
)
def test_another_tower_is_named(siam, change, words):
    def build_tower(width=1.0):
        return tower(width, **change)

    assert_wrong(siam.run("siam-tower", siam.namespace(build_tower=build_tower)), words)


def test_a_tower_that_ignores_its_width_is_found(siam):
    def build_tower(width=1.0):
        return tower(1.0)

    result = siam.run("siam-tower", siam.namespace(build_tower=build_tower))
    assert_wrong(result, "other filters")


def two_inputs(distance, towers=lambda t: (t, t)):
    def build_siamese(tower):
        a, b = keras.Input(tower.input_shape[1:]), keras.Input(tower.input_shape[1:])
        left, right = towers(tower)
        return keras.Model([a, b], distance(left(a), right(b)))

    return build_siamese


def another(tower):
    copy = keras.models.clone_model(tower)
    return keras.Model(copy.inputs[0], copy.outputs[0], name="another")


def squared(a, b):
    both = L.Subtract()([b, a])
    return L.Dot(axes=-1)([both, both])


def multiplied(a, b):
    # a.a + b.b - 2 a.b, from dot products and sums alone
    dot = L.Dot(axes=1)
    cross = dot([a, b])
    return L.Subtract()([L.Add()([dot([a, a]), dot([b, b])]), L.Add()([cross, cross])])


@pytest.mark.parametrize("right", [squared, multiplied])
def test_a_siamese_network_in_other_forms_passes(siam, right):
    names = siam.namespace(build_siamese=two_inputs(right))
    result = siam.run("siam-network", with_network(names))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (two_inputs(lambda a, b: L.Dot(axes=1)([a, b])), "squared distances"),
        (two_inputs(lambda a, b: L.Subtract()([a, b])), "shape"),
        (two_inputs(squared, lambda t: (t, another(t))), "number of parameters"),
        (two_inputs(lambda a, b: L.Dense(1)(squared(a, b))), "squared distances"),
        (
            two_inputs(lambda a, b: L.Activation("relu")(L.Subtract()([squared(a, b), a[:, :1]]))),
            "squared distances",
        ),
        (two_inputs(lambda a, b: squared(a, a)), "squared distances"),
        (two_inputs(lambda a, b: ops.sqrt(squared(a, b))), "squared distances"),
    ],
)
def test_another_siamese_network_is_named(siam, wrong, words):
    names = with_network(siam.namespace(build_siamese=wrong))
    assert_wrong(siam.run("siam-network", names), words)


def test_a_network_of_operations_is_told_to_use_layers(siam):
    def distance(a, b):
        return ops.sum(ops.square(a - b), axis=1, keepdims=True)

    names = with_network(siam.namespace(build_siamese=two_inputs(distance)))
    assert_wrong(siam.run("siam-network", names), "built-in layers")


# ------------------------------------------------------------------ siam-trained


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (tower, "held-out images"),
        (lambda width: tower(width, unit=False), "squared lengths"),
        (lambda width: tower(1.0), "parameters"),
    ],
)
def test_a_tower_that_was_not_trained_is_found(siam, build, words):
    keras.utils.set_random_seed(1)
    names = siam.namespace(
        towers={"random pairs, f = ½": build(0.25)},
        width=0.25,
        x_test=np.float32(np.random.default_rng(1).random((100, 32, 32, 3))),
    )
    assert_wrong(siam.run("siam-trained", names), words)
