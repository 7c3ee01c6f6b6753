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


def assert_passes(look, test, **answer):
    result = look.run(test, look.namespace(**answer))
    assert result.passed and result.hidden, result


def assert_wrong(look, test, words, **answer):
    result = look.run(test, look.namespace(**answer))
    assert result.status == checks.WRONG, result
    assert words.lower() in result.message.lower(), result


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(look, test):
    assert_passes(look, test)
    assert look.run(test, look.stubs()).status == checks.NOT_ATTEMPTED


# ------------------------------------------------------------------ look-limit


def by_keras(shape):
    """Keras counts the two numbers itself."""
    from keras.src.initializers.random_initializers import compute_fans

    return (6 / sum(compute_fans(tuple(shape)))) ** 0.5


def by_cases(shape):
    if len(shape) == 2:
        return np.sqrt(6 / sum(shape))
    height, width, channels, filters = shape
    return np.float32(np.sqrt(6 / (height * width * channels + height * width * filters)))


@pytest.mark.parametrize("right", [by_keras, by_cases])
def test_limits_in_other_forms_pass(look, right):
    assert_passes(look, "look-limit", glorot_limit=right)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda s: np.sqrt(6 / (s[-2] + s[-1])), "height · width"),
        (lambda s: np.sqrt(6 / (np.prod(s[:-1]) + s[-1])), "height · width"),
        (lambda s: np.sqrt(2 / (np.prod(s[:-2]) * (s[-2] + s[-1]))), "(100, 50)"),
        (lambda s: 6 / (np.prod(s[:-2]) * (s[-2] + s[-1])), "(100, 50)"),
        (lambda s: np.sqrt(6 / np.prod(s)), "(100, 50)"),
        (lambda s: 0.2 if len(s) == 2 else by_cases(s), "(70, 40)"),
        (lambda s: np.sqrt(6 / ((s[0] ** 2 if len(s) > 2 else 1) * sum(s[-2:]))), "not square"),
        (lambda s: by_cases(s) if len(s) == 2 else np.sqrt(6 / np.prod(s)), "channels"),
        (lambda s: None, "None"),
    ],
)
def test_wrong_limits_are_named(look, wrong, words):
    assert_wrong(look, "look-limit", words, glorot_limit=wrong)


# ------------------------------------------------------------------ look-histograms


def counted(arrays, bins):
    """By hand: the bin of each value, counted; the last bin holds its right edge."""
    m = max(float(np.max(np.abs(a))) for a in arrays)
    width = 2 * m / bins
    rows = []
    for array in arrays:
        place = np.minimum(((np.ravel(array) + m) / width).astype(int), bins - 1)
        rows.append(np.bincount(place, minlength=bins) / array.size / width)
    return np.linspace(-m, m, bins + 1), np.array(rows)


def as_lists(arrays, bins):
    together = np.concatenate([np.ravel(a) for a in arrays])
    m = max(together.max(), -together.min())
    rows = [np.histogram(a, bins, range=(-m, m), density=True)[0].tolist() for a in arrays]
    return np.histogram_bin_edges(together, bins, range=(-m, m)).tolist(), rows


@pytest.mark.parametrize("right", [counted, as_lists])
def test_histograms_in_other_forms_pass(look, right):
    assert_passes(look, "look-histograms", shared_histograms=right)


def own_bins(arrays, bins):
    edges, _ = counted(arrays, bins)
    return edges, np.stack([np.histogram(a, bins, density=True)[0] for a in arrays])


def with_rows(change):
    def shared_histograms(arrays, bins):
        edges, densities = counted(arrays, bins)
        return change(arrays, edges, densities)

    return shared_histograms


def up_to_the_largest(arrays, bins):
    edges = np.linspace(-1, 1, bins + 1) * max(a.max() for a in arrays)
    return edges, np.stack([np.histogram(a, edges, density=True)[0] for a in arrays])


def first_only(arrays, bins):
    edges = counted(arrays[:1], bins)[0]
    return edges, np.stack([np.histogram(a, edges, density=True)[0] for a in arrays])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (own_bins, "areas"),
        (up_to_the_largest, "edges for two arrays"),
        (first_only, "edges for two arrays"),
        (with_rows(lambda a, e, d: (e, np.stack([np.histogram(x, e)[0] for x in a]))), "densities"),
        (with_rows(lambda a, e, d: (e, d * (e[1] - e[0]))), "densities"),
        (with_rows(lambda a, e, d: (e[:-1], d)), "shape"),
        (with_rows(lambda a, e, d: (e, d.T)), "shape"),
        (with_rows(lambda a, e, d: (e, d / d.sum() / (e[1] - e[0]))), "areas"),
        (with_rows(lambda a, e, d: (e, np.roll(d, len(a) - 1, axis=0))), "a density is wrong"),
        (with_rows(lambda a, e, d: (np.linspace(e[0], e[-1], len(e)), d[:, ::-1])), "densities"),
    ],
)
def test_wrong_histograms_are_named(look, wrong, words):
    assert_wrong(look, "look-histograms", words, shared_histograms=wrong)


# ------------------------------------------------------------------ look-extremes


def sorted_lists(probabilities, labels, k=5):
    """Plain Python; sorted is stable."""
    table = [
        (max(row), int(np.argmax(row)) == y) for row, y in zip(probabilities, labels, strict=True)
    ]
    groups = {}
    for word, want in (("right", True), ("wrong", False)):
        mine = [i for i, (_, right) in enumerate(table) if right == want]
        groups[f"{word}, sure"] = sorted(mine, key=lambda i: -table[i][0])[:k]
        groups[f"{word}, unsure"] = sorted(mine, key=lambda i: table[i][0])[:k]
    return groups


def by_lexsort(probabilities, labels, k=5):
    top, place = probabilities.max(1), np.arange(len(labels))
    right = probabilities.argmax(1) == labels
    groups = {}
    for name, chosen, key in (
        ("right, sure", right, -top),
        ("right, unsure", right, top),
        ("wrong, sure", ~right, -top),
        ("wrong, unsure", ~right, top),
    ):
        where = np.flatnonzero(chosen)
        groups[name] = list(where[np.lexsort((place[where], key[where]))][:k])
    return groups


@pytest.mark.parametrize("right", [sorted_lists, by_lexsort])
def test_extremes_in_other_forms_pass(look, right):
    assert_passes(look, "look-extremes", extremes=right)


def regrouped(change):
    return lambda p, y, k=5: change(sorted_lists(p, y, k), p, np.asarray(y), k)


def backwards(groups, p, y, k):
    """Unsure as the end of sure: within equal confidences the larger position comes first."""
    everyone = sorted_lists(p, y, len(y))
    return {
        name: everyone[name.replace("unsure", "sure")][::-1][:k] if "unsure" in name else found
        for name, found in groups.items()
    }


def cut_before(groups, p, y, k):
    """The k surest of all, then divided into right and wrong."""
    order = np.argsort(-p.max(1), kind="stable")
    right = p.argmax(1) == y
    first, last = order[:k], order[::-1][:k]
    return {
        "right, sure": [int(i) for i in first if right[i]],
        "right, unsure": [int(i) for i in last if right[i]],
        "wrong, sure": [int(i) for i in first if not right[i]],
        "wrong, unsure": [int(i) for i in last if not right[i]],
    }


def of_the_truth(probabilities, labels, k=5):
    """The probability of the true class taken for the confidence."""
    own = probabilities[np.arange(len(labels)), labels]
    right = probabilities.argmax(1) == labels
    order = np.argsort(-own, kind="stable")
    return {
        f"{word}, {name}": [int(i) for i in way if chosen[i]][:k]
        for word, chosen in (("right", right), ("wrong", ~right))
        for name, way in (("sure", order), ("unsure", np.argsort(own, kind="stable")))
    }


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (regrouped(backwards), "wrong for images with equal confidences"),
        (regrouped(cut_before), "right, "),
        (of_the_truth, "wrong, sure"),
        (regrouped(lambda g, p, y, k: {n: v[::-1] for n, v in g.items()}), "entry 0"),
        (regrouped(lambda g, p, y, k: {n: v for n, v in g.items() if "wrong" in n}), "lacks"),
        (regrouped(lambda g, p, y, k: list(g.values())), "dictionary"),
        (regrouped(lambda g, p, y, k: sorted_lists(p, y, 2)), "300 images of ten classes"),
        (regrouped(lambda g, p, y, k: {n: (v * k)[:k] for n, v in g.items()}), "one right image"),
        (regrouped(lambda g, p, y, k: {n: list(p.max(1)[v]) for n, v in g.items()}), "entry 0"),
        (regrouped(lambda g, p, y, k: None), "None"),
    ],
)
def test_wrong_extremes_are_named(look, wrong, words):
    assert_wrong(look, "look-extremes", words, extremes=wrong)


# ------------------------------------------------------------------ look-confusion


def by_loop(labels, predicted, classes):
    matrix = [[0] * classes for _ in range(classes)]
    for i, j in zip(labels, predicted, strict=True):
        matrix[i][j] += 1
    return matrix


def by_bincount(labels, predicted, classes):
    flat = np.bincount(labels * classes + predicted, minlength=classes**2)
    return flat.reshape(classes, classes).astype(float)


@pytest.mark.parametrize("right", [by_loop, by_bincount])
def test_confusion_matrices_in_other_forms_pass(look, right):
    assert_passes(look, "look-confusion", confusion_matrix=right)


def by_index(labels, predicted, classes):
    matrix = np.zeros((classes, classes), int)
    matrix[labels, predicted] += 1
    return matrix


def by_found_classes(labels, predicted, classes):
    found = np.unique([labels, predicted])
    return [[np.sum((labels == i) & (predicted == j)) for j in found] for i in found]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda y, p, c: by_bincount(p, y, c), "transposed"),
        (by_index, "differs"),
        (by_found_classes, "shape"),
        (lambda y, p, c: by_bincount(y, p, c) / len(y), "differs"),
        (lambda y, p, c: by_bincount(y, p, c) * (1 - np.eye(c)), "differs"),
        (lambda y, p, c: by_bincount(y, p, c)[::-1], "differs"),
        (lambda y, p, c: by_bincount(y, p, c).ravel(), "shape"),
        (lambda y, p, c: by_bincount(y, p, c) / np.bincount(y, minlength=c)[:, None], "differs"),
        (lambda y, p, c: None, "None"),
    ],
)
def test_wrong_confusion_matrices_are_named(look, wrong, words):
    with np.errstate(all="ignore"):
        assert_wrong(look, "look-confusion", words, confusion_matrix=wrong)


# ------------------------------------------------------------------ look-merge


def by_adding(matrix, group_of):
    count = max(group_of) + 1
    merged = np.zeros((count, count), int)
    for (i, j), n in np.ndenumerate(matrix):
        merged[group_of[i], group_of[j]] += n
    return merged


def by_reduceat(matrix, group_of):
    order = np.argsort(group_of, kind="stable")
    begins = np.unique(np.sort(group_of), return_index=True)[1]
    return np.add.reduceat(np.add.reduceat(matrix[order][:, order], begins), begins, axis=1)


@pytest.mark.parametrize("right", [by_adding, by_reduceat])
def test_merged_matrices_in_other_forms_pass(look, right):
    assert_passes(look, "look-merge", merge_classes=right)


def neighbours_only(matrix, group_of):
    """Takes for granted that a group's classes are neighbours and the groups equally large."""
    size = len(group_of) // (max(group_of) + 1)
    count = max(group_of) + 1
    parts = matrix[: count * size, : count * size].reshape(count, size, count, size)
    return parts.sum(axis=(1, 3))


def by_overwriting(matrix, group_of):
    count = max(group_of) + 1
    merged = np.zeros((count, count), int)
    merged[np.ix_(group_of, group_of)] = 0
    merged[group_of[:, None], group_of] += matrix
    return merged


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda m, g: by_adding(m, g).T, "two groups"),
        (neighbours_only, "two groups"),
        (by_overwriting, "two groups"),
        (lambda m, g: np.eye(max(g) + 1, dtype=int)[g].T @ m, "shape"),
        (lambda m, g: np.diag(np.diag(by_adding(m, g))), "two groups"),
        (lambda m, g: by_adding(m, g) / np.outer(np.bincount(g), np.bincount(g)), "two groups"),
        (lambda m, g: by_adding(m, np.sort(g)), "classes 0 and 2"),
        (lambda m, g: by_adding(m, np.minimum(g, 1)), "shape"),
        (lambda m, g: None, "None"),
    ],
)
def test_wrong_merged_matrices_are_named(look, wrong, words):
    assert_wrong(look, "look-merge", words, merge_classes=wrong)


# ------------------------------------------------------------------ look-maps


def one_by_one(maps):
    sheets = []
    for c in range(maps.shape[2]):
        one = maps[:, :, c] - maps[:, :, c].min()
        sheets.append((one / one.max() if one.max() > 0 else one)[:, :, None])
    return sheets


def by_errstate(maps):
    low = maps.min(axis=(0, 1), keepdims=True)
    with np.errstate(all="ignore"):
        stretched = (maps - low) / np.ptp(maps, axis=(0, 1), keepdims=True)
    return np.nan_to_num(stretched).transpose(2, 0, 1)[:, :, :, np.newaxis].astype(np.float32)


@pytest.mark.parametrize("right", [one_by_one, by_errstate])
def test_scaled_maps_in_other_forms_pass(look, right):
    assert_passes(look, "look-maps", scaled_maps=right)


def first_axis(maps):
    return np.transpose(maps, (2, 0, 1))[..., None]


def divided_by_zero(maps):
    low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
    return first_axis((maps - low) / (high - low))


def all_together(maps):
    return first_axis((maps - maps.min()) / (maps.max() - maps.min()))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (divided_by_zero, "nan"),
        (all_together, "second map"),
        (lambda m: first_axis(m / m.max(axis=(0, 1))), "example"),
        (lambda m: np.array(one_by_one(m))[..., 0], "shape"),
        (lambda m: np.moveaxis(by_errstate(m)[..., 0], 0, -1), "shape"),
        (lambda m: by_errstate(m).reshape(*m.shape, 1), "shape"),
        (lambda m: np.moveaxis(by_errstate(m), 1, 2), "example"),
        (lambda m: 1 - by_errstate(m), "example"),
        (lambda m: by_errstate(m)[:2], "shape"),
        (lambda m: np.where(np.ptp(first_axis(m), (1, 2), keepdims=True), by_errstate(m), 1), "0"),
        (lambda m: None, "None"),
    ],
)
def test_wrong_scaled_maps_are_named(look, wrong, words):
    with np.errstate(all="ignore"):
        assert_wrong(look, "look-maps", words, scaled_maps=wrong)


# ------------------------------------------------------------------ look-neighbours


def by_scikit_learn(points, labels, k=10):
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)
    return np.mean(labels[found] == labels[:, None])


def by_partition(points, labels, k=10):
    away = np.linalg.norm(points[:, None] - points[None], axis=2)
    away[np.diag_indices(len(away))] = np.inf
    return (labels[np.argpartition(away, k - 1, axis=1)[:, :k]] == labels[:, None]).mean()


@pytest.mark.parametrize("right", [by_scikit_learn, by_partition])
def test_agreements_in_other_forms_pass(look, right):
    assert_passes(look, "look-neighbours", neighbour_agreement=right)


def agreement(distance="l2", skip=1, farthest=False, count=None):
    """An agreement with one thing changed."""

    def neighbour_agreement(points, labels, k=10):
        k = count or k
        steps = points[:, None] - points[None]
        away = np.abs(steps).sum(2) if distance == "l1" else (steps**2).sum(2)
        if distance == "cosine":
            away = -points @ points.T
        order = np.argsort(-away if farthest else away, axis=1)
        return float((labels[order[:, skip : skip + k]] == labels[:, None]).mean())

    return neighbour_agreement


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (agreement(skip=0), "mixed pairs"),
        (agreement(farthest=True, skip=0), "two pairs"),
        (agreement(distance="l1"), "dimensions"),
        (agreement(distance="cosine", skip=0), "pairs"),
        (agreement(count=1), "k=3"),
        (agreement(skip=2), "two pairs"),
        (lambda p, y, k=10: agreement()(p, y, k) * k, "k=3"),
        (lambda p, y, k=10: agreement()(p[:, :1], y, k), "dimensions"),
        (lambda p, y, k=10: 1 - agreement()(p, y, k), "two pairs"),
        (lambda p, y, k=10: None, "None"),
    ],
)
def test_wrong_agreements_are_named(look, wrong, words):
    assert_wrong(look, "look-neighbours", words, neighbour_agreement=wrong)


# ------------------------------------------------------------------ look-hinge


def summed(scores, labels):
    total = 0.0
    for row, label in zip(scores, labels, strict=True):
        total += max(0, 1 - row[label]) + sum(max(0, 1 + s) for s in np.delete(row, label))
    return total / len(scores)


def with_signs(scores, labels):
    t = np.full(scores.shape, -1.0)
    t[np.arange(len(labels)), labels] = 1
    return np.float32(np.clip(1 - t * scores, 0, None).sum() / len(labels))


@pytest.mark.parametrize("right", [summed, with_signs])
def test_losses_in_other_forms_pass(look, right):
    assert_passes(look, "look-hinge", one_vs_rest_loss=right)


def hinge(margin=1.0, rest=-1.0, mean=None, square=False, cut=True):
    """A hinge loss with one thing changed."""

    def one_vs_rest_loss(scores, labels):
        t = np.full(scores.shape, rest)
        t[np.arange(len(labels)), labels] = 1
        short = margin - t * scores
        short = np.maximum(0, short) if cut else short
        short = short**2 if square else short
        return float(short.mean() if mean == "all" else short.sum() / (1 if mean else len(labels)))

    return one_vs_rest_loss


def crammer_singer(scores, labels):
    """Against the own class's score in place of one machine for each class."""
    rows = np.arange(len(labels))
    short = np.maximum(0, 1 + scores - scores[rows, labels][:, None])
    short[rows, labels] = 0
    return float(short.sum(1).mean())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (hinge(mean="all"), "one image"),
        (hinge(mean="sum"), "two images"),
        (hinge(margin=0.0), "one image"),
        (hinge(rest=0.0), "one image"),
        (hinge(rest=1.0), "one image"),
        (hinge(square=True), "one image"),
        (hinge(cut=False), "one image"),
        (crammer_singer, "one image"),
        (lambda s, y: hinge()(s[:2], y[:2]), "200 images"),
        (lambda s, y: np.full(len(y), hinge()(s, y)), "shape"),
        (lambda s, y: None, "None"),
    ],
)
def test_wrong_losses_are_named(look, wrong, words):
    assert_wrong(look, "look-hinge", words, one_vs_rest_loss=wrong)


def test_the_assignment_has_twenty_points_of_which_sixteen_are_judged_by_checks(look):
    assert sum(look.points.values()) == 16
    assert set(look.tests) == set(TESTS)
