"""07 Augmentation: right answers in more than one form pass, and wrong ones fail in words."""

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks, shapes

L = keras.layers


@pytest.fixture(scope="module")
def aug():
    return exercise.load("07_augmentation")


@pytest.fixture(scope="module")
def images():
    x, _ = shapes.shapes10(12)
    return np.float32(x) / 255


SIMULATE = """
def simulated_rate(sizes, seconds):
    now = [0.0]

    def batches():
        for size, pause in zip(sizes, seconds):
            now[0] += pause
            yield np.zeros((size, 2, 2, 1))

    return images_per_second(batches(), clock=lambda: now[0])
"""


def run(aug, test, images, code="", **names):
    """Judge a tests cell after all solutions, the made-up clock, and ``code``."""
    names = {"x_train": images, "x_val": images} | names
    return aug.run(test, aug.namespace(SIMULATE + code, **names))


def assert_wrong(result, words, status=checks.WRONG):
    assert result.status == status, result
    assert words.lower() in result.message.lower(), result


def small_net():
    return keras.Sequential(
        [keras.Input((32, 32, 3)), L.AveragePooling2D(8), L.Flatten(), L.Dense(10, "softmax")]
    )


FULL = {
    "rotation_range": 15,
    "width_shift_range": 0.1,
    "height_shift_range": 0.1,
    "horizontal_flip": True,
}


def in_front(aug, code="", **full):
    """The names that stand when a network has augmentation in front of it."""
    names = aug.namespace(code)
    full, plain = names["build_augmentation"](**(FULL | full)), small_net()
    return {
        "full": full,
        "plain": plain,
        "guarded": names["with_augmentation"](full, plain),
        "with_augmentation": names["with_augmentation"],
    }


def test_the_solution_passes_every_check(aug, images):
    names = in_front(aug)
    for test in aug.tests:
        result = run(aug, test, images, **names)
        assert result.passed and result.hidden, (test, result)


def test_a_notebook_with_nothing_filled_in_is_not_attempted(aug, images):
    for test in aug.tests:
        stubs = aug.stubs(x_train=images, x_val=images)
        exec(SIMULATE, stubs)
        result = aug.run(test, stubs)
        assert result.status == checks.NOT_ATTEMPTED, (test, result)


# ------------------------------------------------------------------ aug-shift

PADDED = """
def shift_nearest(images, dx, dy):
    n, h, w, c = images.shape
    a, b = abs(dy), abs(dx)
    wide = np.pad(images, ((0, 0), (a, a), (b, b), (0, 0)), mode="edge")
    return wide[:, a - dy : a - dy + h, b - dx : b - dx + w]
"""
ROLLED = """
def shift_nearest(images, dx, dy):
    out = np.roll(images, (dy, dx), axis=(1, 2))
    n, h, w, c = images.shape
    dx, dy = max(-w + 1, min(dx, w - 1)), max(-h + 1, min(dy, h - 1))
    out = np.roll(images, (dy, dx), axis=(1, 2))
    if dy > 0:
        out[:, :dy] = out[:, dy : dy + 1]
    if dy < 0:
        out[:, dy:] = out[:, dy - 1 : dy]
    if dx > 0:
        out[:, :, :dx] = out[:, :, dx : dx + 1]
    if dx < 0:
        out[:, :, dx:] = out[:, :, dx - 1 : dx]
    return out
"""


@pytest.mark.parametrize("code", [PADDED, ROLLED])
def test_a_shift_written_another_way_passes(aug, images, code):
    result = run(aug, "aug-shift", images, code)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("b - dx : b - dx + w", "b + dx : b + dx + w", "dx=1"),
        ("a - dy : a - dy + h", "a + dy : a + dy + h", "in a column"),
        ('mode="edge"', 'mode="reflect"', ""),
        ('mode="edge"', 'mode="wrap"', "dx=1"),
        ('mode="edge"', 'mode="constant"', "dx=1"),
        ("abs(dy), abs(dx)", "abs(dx), abs(dy)", ""),
        ("return wide", "return 1.0 * wide", "dtype float64"),
        ("a - dy : a - dy + h, b - dx : b - dx + w", ":h, :w", "dx=-2"),
        ("b - dx : b - dx + w", "b : b + w", "dx=1"),
        ("return wide", "return None and wide", ""),
    ],
)
def test_a_wrong_shift_is_named(aug, images, old, new, words):
    assert old in PADDED
    result = run(aug, "aug-shift", images, PADDED.replace(old, new))
    assert result.status in (checks.WRONG, checks.ERROR) and words in result.message, result


# ------------------------------------------------------------------ aug-layers


def builder(wrong=""):
    """The transformations, written with other forms of the same arguments, with a fault."""

    def build_augmentation(
        rotation_range=0,
        width_shift_range=0.0,
        height_shift_range=0.0,
        horizontal_flip=False,
        vertical_flip=False,
        fill_mode="nearest",
    ):
        fill = {} if wrong == "reflect" else {"fill_mode": fill_mode}
        fill = {"fill_mode": "nearest"} if wrong == "always nearest" else fill
        x = inputs = keras.Input((32, 32, 3))
        names = [
            n for n, on in (("horizontal", horizontal_flip), ("vertical", vertical_flip)) if on
        ]
        if wrong == "one flip":
            names = names[:1]
        if names:
            mode = "horizontal" if wrong == "horizontal" else "_and_".join(names)
            x = L.RandomFlip(mode)(x)
        if (width_shift_range or height_shift_range) or wrong == "always":
            a, b = height_shift_range, width_shift_range
            a, b = (b, a) if wrong == "exchanged" else (a, b)
            x = L.RandomTranslation((-a, a), (-b, b), **fill)(x)
        if rotation_range:
            turn = {"degrees": 1, "radians": 180 / np.pi, "half": 180}.get(wrong, 360)
            turn = rotation_range / turn
            turn = (0, turn) if wrong == "one way" else (-turn, turn)
            x = L.RandomRotation(turn, **fill)(x)
        network = keras.Model(inputs, x)
        return keras.Sequential([inputs, *network.layers[1:]])

    return build_augmentation


def test_ranges_written_as_pairs_pass(aug, images):
    result = run(aug, "aug-layers", images, build_augmentation=builder())
    assert result.passed and result.hidden, result


def test_layers_added_one_by_one_in_a_loop_pass(aug, images):
    code = """
def build_augmentation(rotation_range=0, width_shift_range=0.0, height_shift_range=0.0,
                       horizontal_flip=False, vertical_flip=False, fill_mode="nearest"):
    kinds, fill = keras.layers, {"fill_mode": fill_mode}
    mode = {(1, 1): "horizontal_and_vertical", (1, 0): "horizontal", (0, 1): "vertical"}
    flips = (int(horizontal_flip), int(vertical_flip))
    parts = [
        any(flips) and kinds.RandomFlip(mode[flips]),
        (width_shift_range > 0 or height_shift_range > 0) and kinds.RandomTranslation(
            width_factor=width_shift_range, height_factor=height_shift_range, **fill),
        rotation_range > 0 and kinds.RandomRotation(rotation_range / 360.0, **fill),
    ]
    model = keras.Sequential([kinds.InputLayer((32, 32, 3))])
    for part in parts:
        if part:
            model.add(part)
    return model
"""
    result = run(aug, "aug-layers", images, code)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("degrees", "in which unit"),
        ("radians", "in which unit"),
        ("half", "counts in full turns"),
        ("one way", "counts in full turns"),
        ("exchanged", "height first"),
        ("reflect", "does not fill with nearest"),
        ("always nearest", "does not fill with"),
        ("horizontal", "wrong direction"),
        ("one flip", "wrong direction"),
        ("always", "number of layers"),
    ],
)
def test_wrong_layers_are_named(aug, images, wrong, words):
    keras.utils.set_random_seed(3)
    assert_wrong(run(aug, "aug-layers", images, build_augmentation=builder(wrong)), words)


def test_an_augmentation_that_is_not_returned_is_named(aug, images):
    result = run(aug, "aug-layers", images, build_augmentation=lambda **k: None)
    assert_wrong(result, "returns None")


# ------------------------------------------------------------------ aug-training-only

FUNCTIONAL = """
def with_augmentation(augmentation, network):
    inputs = keras.Input(shape=(32, 32, 3))
    return keras.Model(inputs, network(augmentation(inputs)))
"""
UNPACKED = """
def with_augmentation(augmentation, network):
    layers = [*augmentation.layers, *network.layers]
    return keras.Sequential([keras.layers.Input((32, 32, 3)), *layers])
"""


@pytest.mark.parametrize("code", [FUNCTIONAL, UNPACKED])
def test_augmentation_put_in_front_another_way_passes(aug, images, code):
    result = run(aug, "aug-training-only", images, **in_front(aug, code))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (FUNCTIONAL.replace("return keras", "keras"), "returns None"),
        (FUNCTIONAL.replace("network(augmentation(inputs))", "network(inputs)"), "nothing is augm"),
        (
            FUNCTIONAL.replace("return", "network = keras.models.clone_model(network)\n    return"),
            "predicts outside training",
        ),
        (
            FUNCTIONAL.replace(
                "return",
                "old = network.get_weights()\n    network = keras.models.clone_model(network)\n"
                "    network.set_weights(old)\n    return",
            ),
            "weights of its own",
        ),
        (
            FUNCTIONAL.replace("network(augm", "keras.layers.Dense(10)(network(augm") + ")",
            "parameters of guarded",
        ),
        (
            "def with_augmentation(augmentation, network):\n    return keras.Sequential("
            "[network, keras.layers.Dropout(0.5), keras.layers.Dense(10)])",
            "parameters of guarded",
        ),
    ],
)
def test_augmentation_at_the_wrong_place_is_named(aug, images, code, words):
    assert_wrong(run(aug, "aug-training-only", images, **in_front(aug, code)), words)


def test_another_augmentation_in_front_is_found(aug, images):
    names = in_front(aug, rotation_range=0)
    assert_wrong(run(aug, "aug-training-only", images, **names), "layers of guarded")


# ------------------------------------------------------------------ aug-erase and aug-mixup

ERASE = """
def erase(images, tops, lefts, size, value=0.5):
    n, h, w, c = images.shape
    i, j = np.arange(h)[None, :, None, None], np.arange(w)[None, None, :, None]
    t, s = np.reshape(tops, (n, 1, 1, 1)), np.reshape(lefts, (n, 1, 1, 1))
    inside = (i >= t) & (i < t + size) & (j >= s) & (j < s + size)
    return np.where(inside, value, images)
"""
LOOPED = """
def erase(images, tops, lefts, size, value=0.5):
    out = images.copy()
    for k in range(len(out)):
        for i in range(size):
            for j in range(size):
                if tops[k] + i < out.shape[1] and lefts[k] + j < out.shape[2]:
                    out[k, tops[k] + i, lefts[k] + j] = value
    return out
"""


@pytest.mark.parametrize("code", [ERASE, LOOPED])
def test_erasing_in_other_forms_passes(aug, images, code):
    result = run(aug, "aug-erase", images, code)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (ERASE.replace("value, images", "0.0, images"), "sum of each image"),
        (ERASE.replace("t + size", "t + size + 1"), "sum of each image"),
        (ERASE.replace("i >= t", "i >= s").replace("i < t", "i < s"), "square of the first"),
        (ERASE.replace("value, images", "0.5, images"), "wrong value"),
        (ERASE.replace("inside, value, images", "inside, images, value"), "sum"),
        (ERASE.replace("return", "images[:] ="), "None"),
        (LOOPED.replace("images.copy()", "images"), "after the call"),
        (ERASE.replace("np.reshape(tops, (n, 1, 1, 1))", "tops[0]"), "sum"),
        (ERASE.replace("np.reshape(lefts, (n, 1, 1, 1))", "lefts[0]"), "outside the square"),
    ],
)
def test_wrong_erasing_is_named(aug, images, code, words):
    result = run(aug, "aug-erase", images, code)
    if words in ("sum", "outside the square"):
        assert result.status == checks.WRONG, result
    else:
        assert_wrong(result, words)


MIXUP = """
def mixup(images, labels, shares, partners):
    y = np.zeros((len(images), 10))
    y[np.arange(len(y)), labels[:, 0]] = 1
    a = shares[:, None, None, None]
    return a * images + (1 - a) * images[partners], (
        a[:, :, 0, 0] * y + (1 - a[:, :, 0, 0]) * y[partners])
"""
KERAS = """
def mixup(images, labels, shares, partners):
    y = keras.utils.to_categorical(labels, 10)
    mixed = [s * images[k] + (1 - s) * images[p] for k, (s, p) in enumerate(zip(shares, partners))]
    soft = [s * y[k] + (1 - s) * y[p] for k, (s, p) in enumerate(zip(shares, partners))]
    return np.array(mixed), np.array(soft)
"""


@pytest.mark.parametrize("code", [MIXUP, KERAS])
def test_mixup_in_other_forms_passes(aug, images, code):
    result = run(aug, "aug-mixup", images, code)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("a * images + (1 - a) * images[partners]", "images", "pixel of each blend"),
        ("a * images + (1 - a)", "(1 - a) * images + a", "pixel of each blend"),
        ("a[:, :, 0, 0] * y + (1 - a[:, :, 0, 0]) * y[partners]", "y", "entries 3 and 7"),
        (
            "a[:, :, 0, 0] * y + (1 - a[:, :, 0, 0]) * y[partners]",
            "np.sign(y + y[partners])",
            "3 and 7",
        ),
        ("a[:, :, 0, 0] * y + ", "", "first target"),
        (
            "a[:, :, 0, 0] * y + (1 - a[:, :, 0, 0]) * y[partners]",
            "a[:, :, 0, 0] * labels + (1 - a[:, :, 0, 0]) * labels[partners]",
            "targets has shape (2, 1)",
        ),
        ("images[partners]", "images[::-1]", "blend is wrong"),
        ("y[partners])", "y[::-1])", "target is wrong"),
        ("shares[:, None, None, None]", "shares[:1, None, None, None]", "pixel of each blend"),
    ],
)
def test_wrong_mixup_is_named(aug, images, old, new, words):
    assert old in MIXUP
    assert_wrong(run(aug, "aug-mixup", images, MIXUP.replace(old, new)), words)


# ------------------------------------------------------------------ aug-rate

RATE = """
def images_per_second(batches, clock=time.perf_counter):
    start, total = None, 0
    for batch in batches:
        if start is None:
            start = clock()
        else:
            total += batch.shape[0]
    return total / (clock() - start)
"""
LISTED = """
def images_per_second(batches, clock=time.perf_counter):
    moments = [(clock(), len(batch)) for batch in batches]
    return sum(n for _, n in moments[1:]) / (moments[-1][0] - moments[0][0])
"""


@pytest.mark.parametrize("code", [RATE, LISTED])
def test_a_rate_measured_another_way_passes(aug, images, code):
    result = run(aug, "aug-rate", images, code)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "        else:\n            total",
            "        if True:\n            total",
            "rate of three",
        ),
        ("start, total = None, 0", "start, total = clock(), 0", "rate of three"),
        ("batch.shape[0]", "1", "rate of three"),
        ("batch.shape[0]", "100", "smaller last batch"),
        ("total / (clock() - start)", "total", "smaller last batch"),
        ("total / (clock() - start)", "(clock() - start) / total", "rate of three"),
        ("batch.shape[0]", "batch.size", "rate of three"),
        ("total / (clock() - start)", "round(total / (clock() - start))", "The rate of"),
    ],
)
def test_a_wrong_rate_is_named(aug, images, old, new, words):
    assert old in RATE
    assert_wrong(run(aug, "aug-rate", images, RATE.replace(old, new)), words)


def test_a_rate_by_the_real_clock_alone_is_wrong(aug, images):
    code = RATE.replace("clock()", "time.perf_counter()")
    assert_wrong(run(aug, "aug-rate", images, code), "rate of three")
