"""11 Siamese: right answers in many forms pass, and wrong ones fail in words."""

import functools

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks

L, ops = keras.layers, keras.ops


@pytest.fixture(scope="module")
def siam():
    return exercise.load("11_siamese")


def judged(siam, test, name, answer):
    """The result of a test with another answer, a function or its source."""
    if isinstance(answer, str):
        return siam.run(test, siam.namespace(answer))
    return siam.run(test, siam.namespace(**{name: answer}))


def assert_right(result):
    assert result.passed and result.hidden, result


def assert_wrong(result, words):
    status = checks.ERROR if "Error" in words else checks.WRONG
    assert result.status == status and words in result.message, result


FUNCTIONS = ["anchor_batch", "class_index", "random_pairs", "contrastive_loss", "build_tower"]
FUNCTIONS += ["build_siamese"]
TESTS = ["siam-anchor", "siam-index", "siam-pairs", "siam-loss", "siam-tower", "siam-network"]


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(siam, test):
    assert_right(siam.run(test, siam.namespace()))
    assert siam.run(test, siam.stubs()).status == checks.NOT_ATTEMPTED


def test_each_exercise_is_judged_without_the_others(siam):
    answers = {c.source.split("(")[0].split()[-1]: c for c in siam.solutions.values()}
    for test, name in zip(TESTS, FUNCTIONS, strict=True):
        names = siam.stubs()
        exec(answers[name].source, names)
        assert_right(siam.run(test, names))


# ------------------------------------------------------------------ siam-anchor


def anchors(pick=None, same=lambda y, a: y == y[a], far=None, share=round, end=None, seed=None):
    """Another way to draw anchor batches, with something changed."""

    def anchor_batch(labels, size, fraction, given):
        rng = np.random.default_rng(given if seed is None else seed(given))
        first = (pick or (lambda r, y, n: [r.choice(len(y))] * n))(rng, labels, size)
        a, k = first[0], share(fraction * size)
        near = np.where(same(labels, a))[0]
        others = np.where(labels != labels[a])[0] if far is None else far(labels, a)
        second = [*rng.choice(near, size=k), *rng.choice(others, size=size - k)]
        batch = list(first), second, [1] * k + [0] * (size - k)
        return batch if end is None else end(*map(np.array, batch))

    return anchor_batch


def anchor_loop(labels, size, fraction, seed):
    rng = np.random.default_rng(seed)
    anchor, pairs = int(rng.integers(0, len(labels))), []
    for k in range(size):
        wanted = k < round(fraction * size)
        other = rng.integers(len(labels))
        while (labels[other] == labels[anchor]) != wanted:
            other = rng.integers(len(labels))
        pairs.append((anchor, other, float(wanted)))
    one, two, alike = zip(*pairs, strict=True)
    return np.array(one), np.array(two), np.array(alike)


def anchor_verbose(labels: np.ndarray, size: int, fraction: float, seed) -> tuple:
    """Draw a batch of pairs around one anchor."""
    assert 0.0 <= fraction <= 1.0, "fraction must be between 0 and 1"
    generator = np.random.default_rng(seed=seed)
    number_alike: int = int(np.round(fraction * size))
    number_other: int = size - number_alike
    anchor_position = generator.choice(np.arange(labels.shape[0]))
    is_same = np.equal(labels, labels[anchor_position])
    positives = generator.choice(is_same.nonzero()[0], size=number_alike, replace=True)
    negatives = generator.choice((~is_same).nonzero()[0], size=number_other, replace=True)
    print(f"anchor {anchor_position}, {number_alike} alike")
    first = np.repeat(anchor_position, size).astype(np.int32)
    second = np.hstack((positives, negatives)).astype(np.int32)
    alike = np.hstack((np.ones(number_alike), np.zeros(number_other))).astype(np.float32)
    return first, second, alike


def other_than_the_anchor(labels, size, fraction, seed):
    rng = np.random.default_rng(seed)
    a, near = rng.integers(len(labels)), round(fraction * size)
    class_mates = np.setdiff1d(np.flatnonzero(labels == labels[a]), [a])
    second = rng.choice(class_mates, near), rng.choice(np.flatnonzero(labels != labels[a]), size)
    return np.full(size, a), np.r_[second[0], second[1][: size - near]], np.arange(size) < near


@pytest.mark.parametrize(
    "right",
    [
        anchors(),
        anchors(end=lambda a, b, s: (a, b, s.astype(bool))),
        anchors(end=lambda a, b, s: np.stack([a, b, s])),
        anchors(end=lambda a, b, s: [a.astype("uint16"), b.tolist(), s.astype("float64")]),
        anchor_loop,
        anchor_verbose,
        other_than_the_anchor,
    ],
)
def test_anchor_batches_in_other_forms_pass(siam, right):
    assert_right(judged(siam, "siam-anchor", "anchor_batch", right))


def in_place(labels, size, fraction, seed):
    labels.sort()
    return anchors()(labels, size, fraction, seed)


def never_twice(labels, size, fraction, seed):
    rng = np.random.default_rng(seed)
    a, k = rng.integers(len(labels)), round(fraction * size)
    near, far = np.flatnonzero(labels == labels[a]), np.flatnonzero(labels != labels[a])
    near = rng.choice(near, k, replace=k > len(near))
    far = rng.choice(far, size - k, replace=size - k > len(far))
    return np.full(size, a), np.concatenate([near, far]), np.arange(size) < k


def first_of(seed):
    return seed[0] if isinstance(seed, list) else seed


def one_class_per_batch(labels, size, fraction, seed):
    rng = np.random.default_rng(seed)
    a, k = rng.integers(len(labels)), round(fraction * size)
    far = np.flatnonzero(labels == rng.choice(labels[labels != labels[a]]))
    near = rng.choice(np.flatnonzero(labels == labels[a]), k)
    return np.full(size, a), np.r_[near, rng.choice(far, size - k)], np.arange(size) < k


def one_partner_per_batch(labels, size, fraction, seed):
    rng = np.random.default_rng(seed)
    a, k = rng.integers(len(labels)), round(fraction * size)
    near = np.full(k, rng.choice(np.flatnonzero(labels == labels[a])))
    far = rng.choice(np.flatnonzero(labels != labels[a]), size - k)
    return np.full(size, a), np.r_[near, far], np.arange(size) < k


def two_partners_per_batch(labels, size, fraction, seed):
    one, two, same = one_partner_per_batch(labels, size, fraction, seed)
    return one, np.where(same, two, two[-1]), same


def one_other_partner(labels, size, fraction, seed):
    near = anchors()(labels, size, fraction, seed)
    two = np.asarray(near[1])
    return near[0], np.where(near[2], two, two[-1]), near[2]


def labels_of_the_pairs(labels, size, fraction, seed):
    one, two, same = anchors()(labels, size, fraction, seed)
    return labels[one], labels[two], same


def in_the_labels_dtype(labels, size, fraction, seed):
    one, two, same = anchors()(labels, size, fraction, seed)
    return *(np.asarray(part).astype(labels.dtype) for part in (one, two)), same


def last_of(seed):
    return seed[-1] if isinstance(seed, list) else seed


def mixed(one, two, same):
    order = np.random.default_rng(0).permutation(len(one))
    return one[order], two[order], same[order]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (anchors(pick=lambda r, y, n: list(r.integers(len(y), size=n))), "different first images"),
        (anchors(same=lambda y, a: y != y[a]), "labels agree"),
        (anchors(far=lambda y, a: np.arange(len(y))), "agree"),
        (anchors(end=lambda a, b, s: (a, b, 1 - s)), "alike"),
        (anchors(share=lambda k: int(2 * k)), "alike"),
        (anchors(share=int), "another size or fraction"),
        (anchors(share=lambda k: int(np.ceil(k))), "another size or fraction"),
        (anchors(pick=lambda r, y, n: [int(y[r.integers(len(y))])] * n), "IndexError"),
        (anchors(pick=lambda r, y, n: [r.integers(1, len(y))] * n), "never the anchor"),
        (anchors(pick=lambda r, y, n: [r.integers(len(y) - 1)] * n), "never the anchor"),
        (anchors(pick=lambda r, y, n: [3] * n), "the same anchor: draw it with default_rng(seed)"),
        (anchors(seed=lambda s: 0), "the same anchor: draw it with default_rng(seed)"),
        (anchors(seed=last_of), "where seed may be a list"),
        (anchors(seed=first_of), "pass the whole list"),
        (anchors(seed=np.sum), "pass the whole list"),
        (one_class_per_batch, "draw them from all other classes"),
        (one_partner_per_batch, "draw one for each pair"),
        (two_partners_per_batch, "all alike pairs have the same partner"),
        (one_other_partner, "all pairs that are not alike have the same partner"),
        (anchors(seed=lambda s: None), "same seed"),
        (anchors(far=lambda y, a: np.where(y != y[a])[0][:2]), "not drawn from all images of thes"),
        (
            anchors(same=lambda y, a: np.arange(len(y)) == a),
            "all alike pairs have the same partner",
        ),
        (anchors(end=lambda a, b, s: (a * 1.0, b, s)), "integers from 0 to 9"),
        (anchors(end=lambda a, b, s: (a, b + 1, s)), "integers from 0 to 9"),
        (anchors(end=lambda a, b, s: (a, b)), "three arrays"),
        (anchors(end=mixed), "alike"),
        (lambda labels, size, fraction, seed: anchors()(labels, size - 1, fraction, seed), "shape"),
        (lambda *a, **k: None, "three arrays"),
        (labels_of_the_pairs, "must hold positions: for 10 labels, integers from 0 to 9"),
        (in_the_labels_dtype, "pairs must be alike"),
        (in_place, "changes its argument labels"),
        (never_twice, "with replacement"),
    ],
)
def test_wrong_anchor_batches_are_named(siam, wrong, words):
    assert_wrong(judged(siam, "siam-anchor", "anchor_batch", wrong), words)


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


def buckets(labels):
    count = np.zeros(labels.max() + 1, dtype=int)
    for c in labels:
        count[c] += 1
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    order, free = np.empty(len(labels), dtype=np.int32), start.copy()
    for i, c in enumerate(labels):
        order[free[c]] = i
        free[c] += 1
    return [order, start, count]


def index_verbose(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Build a lookup table of the positions of each class."""
    labels = np.asarray(labels, dtype=np.int64)
    assert labels.ndim == 1, f"labels must have one axis, got {labels.ndim}"
    number_of_classes = int(labels.max()) + 1
    positions_per_class = [np.flatnonzero(labels == c) for c in range(number_of_classes)]
    order = np.concatenate(positions_per_class)
    count = np.array([len(positions) for positions in positions_per_class])
    start = np.zeros(number_of_classes, dtype=np.int64)
    start[1:] = np.cumsum(count)[:-1]
    print("classes:", number_of_classes)
    return order, start, count


def empty_at_the_end(labels):
    order, start, count = searched(labels)
    return order, np.where(count == 0, len(labels), start), count


@pytest.mark.parametrize(
    "right",
    [
        listed,
        searched,
        buckets,
        index_verbose,
        empty_at_the_end,
        lambda y: (np.array(sorted(range(len(y)), key=lambda i: y[i])), *searched(y)[1:]),
        lambda y: tuple(part.astype("uint8" if len(y) < 9 else "int32") for part in searched(y)),
    ],
)
def test_an_index_in_other_forms_passes(siam, right):
    assert_right(judged(siam, "siam-index", "class_index", right))


def unique(labels):
    _, start, count = np.unique(np.sort(labels), return_index=True, return_counts=True)
    return np.argsort(labels, kind="stable"), start, count


def index_of_the_first(labels):
    order, _, count = searched(labels)
    by_class = [int(labels[i]) for i in order]
    return order, [by_class.index(c) for c in range(max(by_class) + 1)], count


def sorts_in_place(labels):
    made = searched(labels)
    labels.sort()
    return made


def by_random_key(labels):
    key = np.random.default_rng(1).random(len(labels)) if len(labels) > 9 else np.arange(9)
    return np.lexsort((key[: len(labels)], labels)), *searched(labels)[1:]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda y: (searched(y)[0], np.cumsum(np.bincount(y)), np.bincount(y)), "start"),
        (lambda y: (np.sort(y), *searched(y)[1:]), "order"),
        (lambda y: (np.argsort(-y, kind="stable"), *searched(y)[1:]), "order"),
        (lambda y: (searched(y)[0][::-1], *searched(y)[1:]), "order"),
        (unique, "a class without images, which np.unique leaves out"),
        (index_of_the_first, "class_index stops when class 1 has no image: its entry of count"),
        (lambda y: (searched(y)[0], searched(y)[1], np.ones(2, int)), "count"),
        (lambda y: (searched(y)[0], searched(y)[2], searched(y)[1]), "count"),
        (lambda y: (searched(y)[0], np.unique(y, return_index=True)[1], searched(y)[2]), "start"),
        (lambda y: (*searched(y)[:2], np.bincount(y, minlength=10)), "The array count"),
        (lambda y: (searched(y)[0], searched(y)[1] + 0.0, searched(y)[2]), "holds floats"),
        (lambda y: (searched(y)[0], np.r_[searched(y)[1], len(y)], searched(y)[2]), "start"),
        (lambda y: searched(y)[:2], "three arrays"),
        (lambda y: dict(zip("osc", searched(y), strict=True)), "three arrays"),
        (lambda y: None, "three arrays"),
        (sorts_in_place, "changes its argument labels"),
        (by_random_key, "order for 1,000 random labels"),
    ],
)
def test_a_wrong_index_is_named(siam, wrong, words):
    assert_wrong(judged(siam, "siam-index", "class_index", wrong), words)


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


def class_by_class(labels, index, size, fraction, seed):
    rng = np.random.default_rng(seed)
    order, start, count = index
    first, second = rng.integers(len(labels), size=size), np.empty(size, int)
    alike = np.arange(size) < round(fraction * size)
    for c in np.flatnonzero(count):
        mine = order[start[c] : start[c] + count[c]]
        others = np.delete(order, slice(start[c], start[c] + count[c]))
        for pool, wanted in ((mine, alike), (others, ~alike)):
            here = (labels[first] == c) & wanted
            second[here] = rng.choice(pool, here.sum()) if here.any() else 0
    return first, second, alike


def pairs_verbose(labels: np.ndarray, index: tuple, size: int, fraction: float, seed) -> tuple:
    """Draw random pairs with the help of the class index."""
    order, start, count = index
    number_of_images, number_alike = len(labels), round(fraction * size)
    assert len(order) == number_of_images, "the index belongs to other labels"
    generator = np.random.default_rng(seed)
    first = generator.integers(low=0, high=number_of_images, size=size)
    first_alike, first_other = np.split(first, [number_alike])

    def partners(anchors: np.ndarray, same: bool) -> np.ndarray:
        classes = labels[anchors]
        choices = count[classes] if same else number_of_images - count[classes]
        offset = start[classes] + (0 if same else count[classes])
        return np.take(order, offset + generator.integers(0, choices), mode="wrap")

    second = np.concatenate([partners(first_alike, True), partners(first_other, False)])
    alike = np.zeros(size, dtype=np.float32)
    alike[:number_alike] = 1.0
    print("pairs drawn:", size)
    return first, second, alike


def as_stack(*arguments):
    return np.stack(by_rejection(*arguments))


def as_small_integers(*arguments):
    return [part.astype("uint8") for part in by_rejection(*arguments)]


@pytest.mark.parametrize(
    "right",
    [by_offset, by_rejection, class_by_class, pairs_verbose, as_stack, as_small_integers],
)
def test_random_pairs_in_other_forms_pass(siam, right):
    assert_right(judged(siam, "siam-pairs", "random_pairs", right))


def changed(change, share=round, seed=lambda s: s):
    def random_pairs(labels, index, size, fraction, given):
        drawn = by_rejection(labels, index, size, share(fraction * size) / size, seed(given))
        return change(np.asarray(labels), *drawn)

    return random_pairs


def searches(labels, index, size, fraction, seed):
    if len(labels) < 100:
        return by_rejection(labels, index, size, fraction, seed)
    rng = np.random.default_rng(seed)
    first, alike = rng.integers(0, len(labels), size), np.arange(size) < round(fraction * size)
    same = zip(labels[first], alike, strict=True)
    second = [rng.choice(np.where((labels == c) == s)[0]) for c, s in same]
    return first, np.array(second), alike


def loop(labels, index, size, fraction, seed):
    rng = np.random.default_rng(seed)
    order, start, count = index
    first, second, alike = [], [], []
    for k in range(size):
        f, same = rng.integers(len(labels)), k < round(fraction * size)
        own, begin = count[labels[f]], start[labels[f]]
        place = begin + rng.integers(own) if same else begin + own + rng.integers(len(labels) - own)
        first.append(f), second.append(order[place % len(labels)]), alike.append(same)
    return np.array(first), np.array(second), np.array(alike)


def seeded_for_each_draw(labels, index, size, fraction, seed):
    order, start, count = index
    first = np.random.default_rng(seed).integers(0, np.full(size, len(labels)))
    c, alike = labels[first], np.arange(size) < round(fraction * size)
    place = np.where(alike, start[c], start[c] + count[c])
    bounds = np.where(alike, count[c], len(labels) - count[c])
    place += np.random.default_rng(seed).integers(0, bounds)
    return first, order[place % len(labels)], alike


def next_class(labels, index, size, fraction, seed):
    order, start, count = (np.asarray(part) for part in index)
    first, second, alike = by_rejection(labels, index, size, fraction, seed)
    full = np.flatnonzero(count)
    c = full[(np.searchsorted(full, labels[first]) + 1) % len(full)]
    other = order[start[c] + np.random.default_rng(seed).integers(0, count[c])]
    return first, np.where(alike, second, other), alike


def one_first(y, a, b, s):
    near, far = np.flatnonzero(y == y[0]), np.flatnonzero(y != y[0])
    return np.zeros_like(a), np.where(s, near[b % len(near)], far[b % len(far)]), s


def next_image(labels, index, size, fraction, seed):
    order, start, count = index
    first, second, alike = by_rejection(labels, index, size, fraction, seed)
    c, rank = labels[first], np.argsort(order)[first]
    after = order[start[c] + (rank - start[c] + 1) % count[c]]
    return first, np.where(alike, after, second), alike


def without_the_image(labels, index, size, fraction, seed):
    order, start, count = index
    first, second, alike = by_rejection(labels, index, size, fraction, seed)
    c, rank = labels[first], np.argsort(order)[first]
    more = 1 + np.random.default_rng(0).integers(0, np.maximum(count[c] - 1, 1))
    after = order[start[c] + (rank - start[c] + more) % count[c]]
    return first, np.where(alike, after, second), alike


def without_wrapping(labels, index, size, fraction, seed):
    rng = np.random.default_rng(seed)
    order, start, count = index
    first, alike = rng.integers(len(labels), size=size), np.arange(size) < round(fraction * size)
    begin, own = start[labels[first]], count[labels[first]]
    place = np.where(alike, begin, begin + own)
    place += rng.integers(0, np.where(alike, own, len(labels) - own))
    return first, order[np.minimum(place, len(labels) - 1)], alike


def each_class_alike(labels, index, size, fraction, seed):
    """First images from a random class: those of small classes come too often."""
    order, start, count = index
    rng = np.random.default_rng(seed)
    c = rng.choice(np.flatnonzero(count), size)
    first = order[start[c] + rng.integers(0, count[c])]
    alike = np.arange(size) < round(fraction * size)
    place = np.where(alike, start[c], start[c] + count[c])
    place += rng.integers(0, np.where(alike, count[c], len(labels) - count[c]))
    return first, order[place % len(labels)], alike


def any_class(labels, index, size, fraction, seed):
    """The same, with classes that may have no image."""
    order, start, count = index
    rng = np.random.default_rng(seed)
    c = rng.integers(len(count), size=size)
    first = order[start[c] + rng.integers(0, count[c])]
    alike = np.arange(size) < round(fraction * size)
    place = np.where(alike, start[c], start[c] + count[c])
    place += rng.integers(0, np.where(alike, count[c], len(labels) - count[c]))
    return first, order[place % len(labels)], alike


def any_other_class(labels, index, size, fraction, seed):
    order, start, count = index
    first, second, alike = by_rejection(labels, index, size, fraction, seed)
    rng = np.random.default_rng(seed)
    c = (labels[first] + rng.integers(1, len(count), size)) % len(count)
    return first, np.where(alike, second, order[start[c] + rng.integers(0, count[c])]), alike


def below_the_fewest(labels, index, size, fraction, seed):
    order, start, count = index
    first, second, alike = by_rejection(labels, index, size, fraction, seed)
    r = np.random.default_rng(seed).integers(count.min(), size=size)
    return first, np.where(alike, order[start[labels[first]] + r], second), alike


def shuffles_the_order(labels, index, size, fraction, seed):
    made = by_rejection(labels, index, size, fraction, seed)
    np.random.default_rng(0).shuffle(index[0])
    return made


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (changed(one_first), "different first images"),
        (changed(lambda y, a, b, s: (a, b, 1 - s)), "alike"),
        (changed(lambda y, a, b, s: (a, np.where(s, a, b), s)), "same image twice"),
        (changed(lambda y, a, b, s: (a, b, s), seed=lambda s: 1), "Different seeds"),
        (changed(lambda y, a, b, s: (a, b, s), seed=first_of), "pass the whole seed"),
        (changed(lambda y, a, b, s: (a, b, s), seed=np.sum), "pass the whole seed"),
        (changed(lambda y, a, b, s: (a, b, s), seed=lambda s: None), "same seed"),
        (changed(lambda y, a, b, s: (a, b, s), share=int), "sizes or fractions"),
        (changed(lambda y, a, b, s: (a, b[::-1], s)), "labels agree"),
        (changed(lambda y, a, b, s: (y[a], y[b], s)), "different first images"),
        (changed(lambda y, a, b, s: (np.stack([a, b]), s, s)), "shape"),
        (changed(lambda y, a, b, s: (a, b + 0.0, s)), "integers from 0 to 7"),
        (changed(lambda y, a, b, s: (a, b)), "three arrays"),
        (changed(lambda y, a, b, s: None), "three arrays"),
        (changed(lambda y, a, b, s: (a[::-1], b[::-1], s[::-1])), "alike"),
        (next_class, "not drawn evenly from all images of other classes"),
        (next_image, "is its own partner"),
        (without_the_image, "including the image itself"),
        (without_wrapping, "labels agree"),
        (each_class_alike, "First images are not drawn evenly"),
        (any_class, "First images are not drawn evenly"),
        (any_other_class, "not drawn evenly from all images of other classes"),
        (below_the_fewest, "not drawn evenly from all images of the class"),
        (shuffles_the_order, "changes its argument index"),
        (searches, "search all labels"),
        (loop, "as long as a loop"),
        (seeded_for_each_draw, "make one default_rng(seed)"),
    ],
)
def test_wrong_random_pairs_are_named(siam, wrong, words):
    assert_wrong(judged(siam, "siam-pairs", "random_pairs", wrong), words)


# ------------------------------------------------------------------ siam-loss


def branches(alike, d2, factor=0.5, margin=1.0):
    return ops.where(ops.equal(alike, 1), factor * d2, ops.relu(margin - d2))


def summed(alike, d2, factor=0.5, margin=1.0):
    pull = ops.multiply(ops.multiply(d2, factor), alike)
    return ops.add(pull, ops.clip(margin - d2, 0.0, margin) * (1.0 - alike))


def with_tensorflow(alike, d2, factor=0.5, margin=1.0):
    import tensorflow as tf

    alike, d2 = tf.cast(alike, tf.float32), tf.convert_to_tensor(d2, tf.float32)
    return tf.where(alike > 0.5, d2 * factor, tf.nn.relu(margin - d2))


def half_of_both_signs(alike, d2, factor=0.5, margin=1.0):
    rest = margin - d2
    return alike * factor * d2 + (1 - alike) * (rest + ops.abs(rest)) / 2


def loss_verbose(alike, d2, factor: float = 0.5, margin: float = 1.0):
    """Contrastive loss for each pair."""
    alike = keras.ops.convert_to_tensor(alike, dtype="float32")
    d2 = keras.ops.convert_to_tensor(d2, dtype="float32")
    assert tuple(alike.shape) == tuple(d2.shape), "alike and d2 must have the same shape"
    attraction = alike * (factor * d2)
    repulsion = (1.0 - alike) * keras.ops.maximum(0.0, margin - d2)
    print("loss computed")
    return attraction + repulsion


class Pull:
    """The loss as an object that can be called."""

    __name__ = "pull"

    def __call__(self, alike, d2, factor=0.5, margin=1.0):
        return branches(alike, d2, factor, margin)


@pytest.mark.parametrize(
    "right",
    [branches, summed, with_tensorflow, half_of_both_signs, loss_verbose, Pull()],
)
def test_the_loss_in_other_forms_passes(siam, right):
    assert_right(judged(siam, "siam-loss", "contrastive_loss", right))


def arrays_only(y, d2, factor=0.5, margin=1.0):
    return np.where(np.asarray(y) == 1, factor * d2, np.maximum(margin - np.asarray(d2), 0))


def pair_by_pair(y, d2, factor=0.5, margin=1.0):
    pairs = zip(y, d2, strict=True)
    return np.array([factor * d if same == 1 else max(margin - d, 0) for same, d in pairs])


def writes_into_d2(y, d2, factor=0.5, margin=1.0):
    made = branches(y, d2, factor, margin)
    if isinstance(d2, np.ndarray):
        d2[:] = 0
    return made


def averaged_in_training(y, d2, factor=0.5, margin=1.0):
    made = branches(y, d2, factor, margin)
    return made if isinstance(d2, np.ndarray) else ops.mean(made)


def half_a_gradient(y, d2, factor=0.5, margin=1.0):
    return ops.where(y == 1, factor * d2, ops.relu(margin - ops.stop_gradient(d2)))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (averaged_in_training, "Loss 1 of five pairs as tensors"),
        (half_a_gradient, "does not follow the gradient of this loss"),
        (lambda y, d2, factor=0.5, margin=1.0: branches(1 - y, d2, factor), "Loss 1"),
        (lambda y, d2, factor=0.5, margin=1.0: branches(y, d2, 1.0), "Loss 1"),
        (lambda y, d2, factor=0.5, margin=1.0: branches(y, d2, 0.5), "Loss 2"),
        (
            lambda y, d2, factor=0.5, margin=1.0: branches(y, d2, factor),
            "1 whatever the argument margin",
        ),
        (lambda y, d2, factor=0.5, margin=1.0: branches(y, d2, factor, margin**2), "squared"),
        (
            lambda y, d2, factor=0.5, margin=1.0: (
                y * factor * d2 + (1 - y) * ops.clip(margin - d2, 0, 1)
            ),
            "cut off at 1",
        ),
        (
            lambda y, d2, factor=0.5, margin=1.0: (
                ops.mean(branches(y, d2, factor, margin), axis=-1)
                if len(d2.shape) > 1
                else branches(y, d2, factor, margin)
            ),
            "in the shape of d2, also when d2 has two axes",
        ),
        (lambda y, d2, factor=0.5, margin=1.0: branches(y, d2**2, factor), "Loss 1"),
        (lambda y, d2, factor=0.5, margin=1.0: branches(y, ops.sqrt(d2), factor), "Loss 1"),
        (lambda y, d2, factor=0.5, margin=1.0: ops.mean(branches(y, d2, factor)), "shape"),
        (
            lambda y, d2, factor=0.5, margin=1.0: y * factor * d2 + (1 - y) * (margin - d2),
            "Loss 1",
        ),
        (lambda y, d2, factor=1.0, margin=1.0: branches(y, d2, factor, margin), "Loss 1"),
        (lambda y, d2, factor=0.5, margin=2.0: branches(y, d2, factor, margin), "Loss 1"),
        (lambda y, d2, margin=1.0, factor=0.5: branches(y, d2, factor, margin), "another factor"),
        (
            lambda y, d2, factor=0.5, margin=1.0: branches(y, d2, factor, factor * 2 * margin),
            "Loss 2",
        ),
        (
            lambda y, d2, factor=0.5, margin=1.0: y * factor * d2 + (1 - y) * ops.abs(margin - d2),
            "Loss 1",
        ),
        (
            lambda y, d2, factor=0.5, margin=1.0: branches(
                y, d2, factor if factor in (0.5, 1) else 1
            ),
            "with another factor",
        ),
        (
            lambda y, d2, factor=0.5, margin=1.0: ops.reshape(
                branches(y, d2, factor, margin), (-1,)
            ),
            "shape",
        ),
        (lambda y, d2, factor=0.5, margin=1.0: None, "None"),
        (writes_into_d2, "changes its argument d2"),
        (arrays_only, "Error: Keras calls this code with symbolic tensors"),
        (pair_by_pair, "Error: Keras calls this code with symbolic tensors"),
    ],
)
def test_a_wrong_loss_is_named(siam, wrong, words):
    assert_wrong(judged(siam, "siam-loss", "contrastive_loss", wrong), words)


# ------------------------------------------------------------------ siam-tower


def tower(width=1.0, **change):
    n = [change.get("whole", round)(k * width) for k in change.get("sizes", (64, 64, 384, 192))]
    x = inputs = keras.Input(change.get("input", (32, 32, 3)))
    kind, strides = change.get("pooling", L.MaxPool2D), change.get("strides", 2)
    for filters in n[:2]:
        x = L.Conv2D(
            filters,
            change.get("kernel", 5),
            padding=change.get("padding", "same"),
            use_bias=change.get("bias", True),
        )(x)
        x = change.get("relu", L.ReLU())(x)
        x = kind(change.get("pool", (3, 3)), strides, padding=change.get("ends", "same"))(x)
    x = change.get("flatten", L.Flatten)()(x)
    x = L.Dense(n[2], activation="relu")(x)
    x = L.Dense(n[3], change.get("last"), kernel_initializer=change.get("begin"))(x)
    unit = L.UnitNormalization(axis=change.get("axis", -1))
    made = keras.Model(inputs, unit(x) if change.get("unit", True) else x)
    made.trainable = change.get("trainable", True)
    return made


class Tower(keras.Model):
    """A functional network inside a class of its own."""

    def __init__(self, width):
        made = tower(width)
        super().__init__(inputs=made.inputs[0], outputs=made.outputs[0], name="my_tower")


def tower_verbose(width: float = 1.0) -> keras.Model:
    """Build the embedding network."""
    filters, hidden, units = (int(np.round(n * width)) for n in (64, 384, 192))
    assert filters > 0, "width is too small"
    model = keras.models.Sequential(name=f"tower_{filters}")
    model.add(keras.Input(shape=(32, 32, 3), name="image"))
    for block in (1, 2):
        model.add(
            L.Conv2D(
                filters=filters,
                kernel_size=(5, 5),
                strides=(1, 1),
                padding="same",
                activation=keras.activations.relu,
                name=f"conv{block}",
            )
        )
        model.add(L.MaxPooling2D(pool_size=(3, 3), strides=(2, 2), padding="same"))
    model.add(L.Flatten())
    model.add(L.Dense(units=hidden, activation="relu"))
    model.add(L.Dense(units=units, activation=None))
    model.add(L.UnitNormalization(axis=-1))
    model.summary()
    return model


def compiled_tower(width=1.0):
    made = tower(width, relu=L.Activation("relu"))
    made.compile("adam", "mse")
    return made


class CalledTower(keras.Model):
    """A network whose only account of itself is its call."""

    def __init__(self, width=1.0):
        super().__init__()
        filters, hidden, units = (round(n * width) for n in (64, 384, 192))
        self.convs = [L.Conv2D(filters, 5, padding="same") for _ in range(2)]
        self.pool, self.hidden = L.MaxPooling2D(3, 2, "same"), L.Dense(hidden, "relu")
        self.units = L.Dense(units)

    def call(self, x):
        for conv in self.convs:
            x = self.pool(ops.relu(conv(x)))
        x = self.units(self.hidden(ops.reshape(x, (ops.shape(x)[0], -1))))
        return x / ops.sqrt(ops.sum(x**2, axis=1, keepdims=True))


RIGHT_TOWERS = [
    tower,
    Tower,
    CalledTower,
    tower_verbose,
    compiled_tower,
    lambda width=1.0: tower(width, flatten=lambda: L.Reshape((-1,)), whole=lambda n: int(n + 0.5)),
    lambda width: keras.Sequential([L.Input((32, 32, 3)), *tower(width).layers[1:]]),
]


def build_tower_of(made):
    def build_tower(width=1.0):
        return made(width)

    return build_tower


@pytest.mark.parametrize("right", RIGHT_TOWERS)
def test_a_tower_in_other_forms_passes(siam, right):
    assert_right(judged(siam, "siam-tower", "build_tower", build_tower_of(right)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"padding": "valid"}, "padding valid"),
        ({"kernel": 3}, "kernel_size 3"),
        ({"pool": 2}, "pool_size 2"),
        ({"strides": 1}, "strides 1"),
        ({"ends": "valid"}, "padding valid"),
        ({"pooling": L.AveragePooling2D}, "avgpool"),
        ({"unit": False}, "unit normalization"),
        ({"axis": 0}, "unit normalization has axis 0"),
        ({"relu": L.Activation("tanh")}, "activation tanh"),
        ({"last": "relu"}, "second dense layer has activation relu"),
        ({"flatten": L.GlobalAveragePooling2D}, "gap"),
        ({"bias": False}, "parameters"),
        ({"sizes": (64, 64, 192, 384)}, "units 192"),
        ({"sizes": (64, 128, 384, 192)}, "filters 128"),
        ({"whole": int}, "round it to the nearest integer"),
        ({"whole": lambda n: int(np.ceil(n))}, "round it to the nearest integer"),
        ({"whole": lambda n: 2 * round(n / 2)}, "other filters than expected"),
        ({"trainable": False}, "trainable parameters"),
        ({"begin": "zeros"}, "squared lengths of embeddings"),
        ({"begin": "ones"}, "leave the initial weights to Keras"),
    ],
)
def test_another_tower_is_named(siam, change, words):
    def build_tower(width=1.0):
        return tower(width, **change)

    assert_wrong(judged(siam, "siam-tower", "build_tower", build_tower), words)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda width=1.0: tower(1.0), "filters 64; expected 32"),
        (lambda width=0.25: tower(width), "filters 16; expected 64"),
        (lambda width=1.0: tower(width if width in (0.5, 1) else 1), "other filters"),
        (functools.cache(lambda width=1.0: tower(width)), "build a new one in each call"),
        (lambda width=1.0: None, "returns None"),
    ],
)
def test_a_tower_that_ignores_its_width_is_found(siam, wrong, words):
    assert_wrong(judged(siam, "siam-tower", "build_tower", wrong), words)


# ------------------------------------------------------------------ siam-network


def two_inputs(distance, towers=lambda t: (t, t), shape=None, model=keras.Model):
    def build_siamese(tower):
        a, b = (keras.Input(shape or tower.input_shape[1:]) for _ in range(2))
        left, right = towers(tower)
        return model([a, b], distance(left(a), right(b)))

    return build_siamese


def another(tower):
    copy = keras.models.clone_model(tower)
    return keras.Model(copy.inputs[0], copy.outputs[0], name="another")


def with_its_numbers(tower):
    copy = another(tower)
    copy.set_weights(tower.get_weights())
    return copy


def frozen(tower):
    tower.trainable = False
    return tower, tower


def squared(a, b):
    both = L.Subtract()([b, a])
    return L.Dot(axes=-1)([both, both])


def multiplied(a, b):
    # a.a + b.b - 2 a.b, from dot products and sums alone
    dot = L.Dot(axes=1)
    cross = dot([a, b])
    return L.Subtract()([L.Add()([dot([a, a]), dot([b, b])]), L.Add()([cross, cross])])


def operations(a, b):
    return ops.sum(ops.square(a - b), axis=1, keepdims=True)


def siamese_verbose(tower: keras.Model) -> keras.Model:
    """Two inputs, one tower, one distance."""
    shape = tower.input_shape[1:]
    first = keras.layers.Input(shape=shape, name="first")
    second = keras.layers.Input(shape=shape, name="second")
    embedding_first, embedding_second = tower(first), tower(second)
    difference = keras.layers.subtract([embedding_first, embedding_second])
    distance = keras.layers.Dot(axes=1, normalize=False, name="distance")([difference] * 2)
    model = keras.Model(inputs=[first, second], outputs=distance, name="siamese")
    assert len(model.inputs) == 2
    print(model.count_params())
    return model


def on_the_towers_own_output(tower):
    other = keras.Input(tower.input_shape[1:])
    return keras.Model([tower.input, other], squared(tower.output, tower(other)))


def one_input_for_both(tower):
    pair = keras.Input((2, *tower.input_shape[1:]))
    return keras.Model(pair, operations(tower(pair[:, 0]), tower(pair[:, 1])))


class Siamese(keras.Model):
    """A functional network inside a class of its own."""

    def __init__(self, tower):
        made = two_inputs(squared)(tower)
        super().__init__(made.inputs, made.outputs[0])


class CalledSiamese(keras.Model):
    """A network whose only account of itself is its call."""

    def __init__(self, tower):
        super().__init__()
        self.tower = tower

    def call(self, pair):
        first, second = map(self.tower, pair)
        return operations(first, second)


def compiled_siamese(tower):
    made = two_inputs(lambda a, b: ops.sum((a - b) ** 2, -1)[:, None])(tower)
    made.compile("adam", "mse")
    return made


@pytest.mark.parametrize(
    "right",
    [
        two_inputs(squared),
        two_inputs(multiplied),
        two_inputs(operations),
        two_inputs(lambda a, b: L.Reshape((1,))(ops.sum(L.Multiply()([a - b, a - b]), axis=1))),
        lambda tower: two_inputs(operations, shape=tower.input.shape[1:])(tower),
        siamese_verbose,
        on_the_towers_own_output,
        Siamese,
        CalledSiamese,
        compiled_siamese,
    ],
)
def test_a_siamese_network_in_other_forms_passes(siam, right):
    assert_right(judged(siam, "siam-network", "build_siamese", right))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (two_inputs(lambda a, b: L.Dot(axes=1)([a, b])), "squared distances"),
        (two_inputs(lambda a, b: L.Subtract()([a, b])), "shape"),
        (two_inputs(squared, lambda t: (t, another(t))), "12 parameters"),
        (two_inputs(squared, lambda t: (another(t),) * 2), "squared distances"),
        (two_inputs(squared, lambda t: (with_its_numbers(t),) * 2), "weights of its own"),
        (two_inputs(lambda a, b: squared(a, ops.stop_gradient(b))), "gradient of both calls"),
        (two_inputs(squared, frozen), "trainable parameters"),
        (two_inputs(lambda a, b: L.Dense(1)(squared(a, b))), "8 parameters"),
        (
            two_inputs(lambda a, b: L.Activation("relu")(L.Subtract()([squared(a, b), a[:, :1]]))),
            "squared distances",
        ),
        (two_inputs(lambda a, b: squared(a, a)), "squared distances"),
        (two_inputs(lambda a, b: ops.sqrt(squared(a, b))), "squared distances"),
        (two_inputs(lambda a, b: ops.mean((a - b) ** 2, 1, keepdims=True)), "squared distances"),
        (two_inputs(lambda a, b: ops.sum(ops.abs(a - b), 1, keepdims=True)), "squared distances"),
        (two_inputs(lambda a, b: ops.sum((a - b) ** 2, 1)), "shape"),
        (two_inputs(squared, shape=(2,)), "Error"),
        (lambda tower: keras.Model(tower.inputs, squared(*[tower.outputs[0]] * 2)), "of inputs"),
        (one_input_for_both, "number of inputs of the network is 1; expected 2"),
        (lambda tower: None, "must return a keras.Model"),
    ],
)
def test_another_siamese_network_is_named(siam, wrong, words):
    assert_wrong(judged(siam, "siam-network", "build_siamese", wrong), words)


# ------------------------------------------------------------------ siam-trained


def trained(siam, made):
    keras.utils.set_random_seed(1)
    x = np.float32(np.random.default_rng(1).random((100, 32, 32, 3)))
    return siam.run("siam-trained", siam.namespace(best=made, width=0.25, x_test=x))


@pytest.mark.parametrize("right", RIGHT_TOWERS)
def test_a_trained_tower_in_other_forms_passes(siam, right, monkeypatch):
    from autograder import submission

    monkeypatch.setattr(submission, "threshold", lambda key: 0.15)
    keras.utils.set_random_seed(1)
    made = right(0.25)
    made(np.zeros((1, 32, 32, 3), np.float32))  # as training does
    assert_right(trained(siam, made))


def collapsed():
    made = tower(0.25)
    last = made.layers[-2]
    last.set_weights([np.zeros_like(last.get_weights()[0]), np.ones(48)])
    return made


def with_numbers(value):
    made = tower(0.25)
    made.layers[-2].set_weights(
        [np.full_like(made.layers[-2].get_weights()[0], value), np.ones(48)]
    )
    return made


def classifier(classes, activation="softmax"):
    return keras.Sequential(
        [L.Input((32, 32, 3)), L.Flatten(), L.Dense(classes, activation=activation)]
    )


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: tower(0.25), "held-out images"),
        (lambda: Tower(0.25), "held-out images"),
        (lambda: tower(0.25, kernel=3), "held-out images"),
        (lambda: tower(0.25, unit=False), "squared lengths"),
        (lambda: tower(0.25, unit=False, last="relu"), "squared lengths"),
        (lambda: tower(1.0), "shape"),
        (lambda: tower(0.5), "shape"),
        (collapsed, "one point"),
        (lambda: with_numbers(np.nan), "not finite"),
        (lambda: with_numbers(np.inf), "not finite"),
        (lambda: classifier(10), "shape"),
        (lambda: classifier(48), "squared lengths"),
        (lambda: classifier(48, None), "squared lengths"),
        (lambda: two_inputs(squared)(tower(0.25)), "Error"),
    ],
)
def test_a_tower_that_was_not_trained_is_found(siam, build, words):
    keras.utils.set_random_seed(1)
    assert_wrong(trained(siam, build()), words)


# Faults that show in few cases only.
TOWER = """
def build_tower(width=1.0):
    L = keras.layers
    r = lambda n: round(n * width)
    return keras.Sequential(
        [
            L.Input((32, 32, 3)),
            L.Conv2D(r(64), 5, padding="same", activation="relu"),
            L.MaxPooling2D(3, 2, padding="same"),
            L.Conv2D(r(64), 5, padding="same", activation="relu"),
            L.MaxPooling2D(3, 2, padding="same"),
            L.Flatten(),
            L.Dense(r(384), activation="relu"),
            L.Dense(r(192)),
            L.UnitNormalization(),
        ]
    )
"""
FAULTS = {
    "siam-anchor": {
        "the seed for each draw": (
            """
def anchor_batch(labels, size, fraction, seed):
    n = round(fraction * size)
    a = np.random.default_rng(seed).integers(len(labels))
    same = np.flatnonzero(labels == labels[a])
    other = np.flatnonzero(labels != labels[a])
    r = lambda p, k: (
        p[np.random.default_rng(seed).integers(len(p), size=k)] if k else np.empty(0, int)
    )
    return (
        np.full(size, a),
        np.concatenate([r(same, n), r(other, size - n)]),
        np.repeat([1, 0], [n, size - n]),
    )
""",
            "make one default_rng(seed), and draw all from it",
        ),
    },
    "siam-pairs": {
        "the same first images twice": (
            """
def random_pairs(labels, index, size, fraction, seed):
    order, start, count = index
    rng = np.random.default_rng(seed)
    n = len(labels)
    k = round(fraction * size)
    f = rng.integers(n, size=size)
    if k and size > k:
        f[k:] = np.resize(f[:k], size - k)
    c = labels[f]
    near = np.arange(size) < k
    r = rng.integers(0, np.where(near, count[c], n - count[c]))
    return (
        f,
        order[(start[c] + np.where(near, r, count[c] + r)) % n],
        near.astype(np.float32),
    )
""",
            "have the same first images: draw one for each pair",
        ),
        "itself drawn again": (
            """
def random_pairs(labels, index, size, fraction, seed):
    order, start, count = index
    rng = np.random.default_rng(seed)
    n = len(labels)
    k = round(fraction * size)
    f = rng.integers(n, size=size)
    c = labels[f]
    near = np.arange(size) < k
    r = rng.integers(0, np.where(near, count[c], n - count[c]))
    s = order[(start[c] + np.where(near, r, count[c] + r)) % n]
    again = rng.integers(0, np.where(near, count[c], n - count[c]))
    t = order[(start[c] + np.where(near, again, count[c] + again)) % n]
    return f, np.where(s == f, t, s), near.astype(np.float32)
""",
            "their own partner: draw it once, from the whole class",
        ),
    },
    "siam-index": {
        "16 bits": (
            """
def class_index(labels):
    order = np.argsort(labels, kind="stable")
    count = np.bincount(labels)
    return order, (np.cumsum(count) - count).astype(np.int16), count
""",
            "array start for 70,000 labels",
        ),
    },
    "siam-loss": {
        "distances up to 4": (
            """
def contrastive_loss(alike, d2, factor=0.5, margin=1.0):
    return alike * factor * keras.ops.minimum(d2, 4.0) + (1 - alike) * keras.ops.maximum(
        margin - d2, 0
    )
""",
            "of alike pairs is wrong with a large margin and large distances",
        ),
        "factor 0": (
            """
def contrastive_loss(alike, d2, factor=0.5, margin=1.0):
    return alike * (factor or 0.5) * d2 + (1 - alike) * keras.ops.maximum(
        (margin or 1.0) - d2, 0
    )
""",
            "loss of alike pairs is wrong with factor 0",
        ),
    },
    "siam-tower": {
        "at least eight": (
            TOWER.replace("round(n * width)", "max(round(n * width), 8)"),
            "The first convolution has other filters than expected",
        ),
        "at most the whole width": (
            TOWER.replace("round(n * width)", "round(n * min(width, 1.0))"),
            "The first convolution has other filters than expected",
        ),
        "a penalty": (
            TOWER.replace('"relu"),', '"relu", kernel_regularizer="l2"),', 1),
            "has a penalty on its weights, which was not asked for",
        ),
    },
}


@pytest.mark.parametrize(("test", "answer"), exercise.cases(FAULTS))
def test_a_fault_that_shows_in_few_cases_is_named(siam, test, answer):
    exercise.assert_is_named(siam, test, *answer)
