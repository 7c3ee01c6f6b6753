"""12 Transfer: right answers in many forms pass, and wrong ones fail in words."""

import ast
import math
import random

import exercise
import jupytext
import keras
import numpy as np
import pytest

from autograder.text.authoring import read_cells
from convcourse import checks, pretrained

L, ops = keras.layers, keras.ops


@pytest.fixture(scope="module")
def transfer():
    return exercise.load("12_transfer_learning")


@pytest.fixture(scope="module")
def given():
    """The functions and classes that the notebook itself defines, as source."""
    text = (exercise.COURSE / "12_transfer_learning.py").read_text(encoding="utf-8")
    plain = [
        cell.source
        for cell in jupytext.reads(text, "py:percent").cells
        if cell.cell_type == "code" and not {"solution", "tests"} & set(cell.metadata)
    ]
    kept = [
        ast.unparse(node)
        for source in plain
        for node in ast.parse(source).body
        if getattr(node, "name", "") in ("Batches", "Numbered", "phases_trial")
    ]
    return "\n\n".join(kept)


def judged(transfer, test, name, answer):
    """The result of a test with another answer, a function or its source."""
    if isinstance(answer, str):
        return transfer.run(test, transfer.namespace(answer))
    return transfer.run(test, transfer.namespace(**{name: answer}))


def assert_right(result):
    assert result.passed and result.hidden, result


def assert_wrong(result, words):
    status = checks.ERROR if "Error" in words else checks.WRONG
    assert result.status == status and words in result.message, result


TESTS = {
    "transfer-prepare": "prepare",
    "transfer-few": "few_of_each",
    "transfer-build": "build_classifier",
    "transfer-phases": "refine_after",
    "transfer-change": "relative_change",
}


@pytest.mark.parametrize("test", TESTS)
def test_the_stub_is_not_attempted_and_the_solution_passes_alone(transfer, given, test):
    names = transfer.stubs()
    exec(given, names)
    assert transfer.run(test, names).status == checks.NOT_ATTEMPTED
    cells = {c.source.split("(")[0].split()[-1]: c for c in transfer.solutions.values()}
    exec(cells[TESTS[test]].source, names)
    assert_right(transfer.run(test, names))


# ------------------------------------------------------------------ transfer-prepare


def by_channel(pixels, mean, scale, order):
    made = np.empty(pixels.shape, np.float32)
    for k in range(3):
        source = k if order == "rgb" else 2 - k
        made[..., k] = (pixels[..., source].astype(np.float32) - mean[k]) / scale[k]
    return made


def by_flip(pixels, mean, scale, order):
    x = np.flip(pixels, axis=3) if order == "bgr" else pixels
    return ((x - np.array(mean)) / np.array(scale)).astype("float32")


def as_tensor(pixels, mean, scale, order):
    x = ops.cast(pixels, "float32")
    x = ops.flip(x, axis=-1) if order == "bgr" else x
    return (x - ops.convert_to_tensor(mean, "float32")) / np.float32(scale)


def prepare_verbose(pixels: np.ndarray, mean, scale, order: str) -> np.ndarray:
    """Preprocess a batch of images."""
    if order not in ("rgb", "bgr"):
        raise ValueError(f"unknown channel order: {order}")
    assert pixels.ndim == 4 and pixels.shape[-1] == 3, "expected (N, H, W, 3)"
    images = pixels.copy().astype(np.float32)
    channel_mean = np.asarray(mean, dtype=np.float32).reshape(1, 1, 1, 3)
    channel_scale = np.asarray(scale, dtype=np.float32).reshape(1, 1, 1, 3)
    if order == "bgr":
        images = images[:, :, :, ::-1]
    images -= channel_mean
    images /= channel_scale
    print("images:", images.shape, images.dtype)
    return images


def by_weights(pixels, mean, scale, order):
    turn = np.eye(3)[:: -1 if order == "bgr" else 1]
    x = np.einsum("nhwc,kc->nhwk", pixels.astype(float), turn)
    return np.float32(np.divide(np.subtract(x, mean), scale))


def by_functions(pixels, mean, scale, order):
    import tensorflow as tf

    @tf.function
    def normalized(x):
        return (tf.cast(x, tf.float32) - np.float32(mean)) / np.float32(scale)

    turned = pixels[..., ::-1] if order == "bgr" else pixels
    stream = tf.data.Dataset.from_tensor_slices(turned.copy()).map(normalized)
    return np.stack(list(stream.as_numpy_iterator()))


def by_normalization(pixels, mean, scale, order):
    layer = L.Normalization(mean=list(mean), variance=[s * s for s in scale])
    turned = pixels[..., ["rgb".index(letter) for letter in order]]
    return ops.convert_to_numpy(layer(turned.astype("float32")))


def image_by_image(pixels, mean, scale, order):
    at, mean, scale = [0, 1, 2], np.float32(mean), np.float32(scale)
    at = at if order == "rgb" else at[::-1]
    return np.stack([(np.float32(picture[..., at]) - mean) / scale for picture in pixels])


@pytest.mark.parametrize(
    "right",
    [
        by_channel,
        by_flip,
        as_tensor,
        prepare_verbose,
        by_weights,
        image_by_image,
        by_functions,
        by_normalization,
    ],
)
def test_a_preparation_in_other_forms_passes(transfer, right):
    assert_right(judged(transfer, "transfer-prepare", "prepare", right))


def turned_last(pixels, mean, scale, order):
    made = by_channel(pixels, mean, scale, "rgb")
    return made[..., ::-1] if order == "bgr" else made


def turned_rows(pixels, mean, scale, order):
    return by_channel(pixels[:, ::-1] if order == "bgr" else pixels, mean, scale, "rgb")


def halves(pixels, mean, scale, order):
    """All numbers have 16 bits on the way."""
    pixels = pixels[..., ::-1] if order == "bgr" else pixels
    return np.float32((np.float16(pixels) - np.float16(mean)) / np.float16(scale))


def in_place(pixels, mean, scale, order):
    made = by_channel(pixels, mean, scale, order)
    pixels[:] = 0
    return made


def first_alone(pixels, mean, scale, order):
    made = by_channel(pixels, (0, 0, 0), (1, 1, 1), order)
    made[0] = by_channel(pixels, mean, scale, order)[0]
    return made


def wraps_around(pixels, mean, scale, order):
    x = pixels[..., ::-1] if order == "bgr" else pixels
    return np.float32(x - np.array(mean).astype("uint8")) / np.float32(scale)


def into_one_array():
    kept = {}

    def prepare(pixels, mean, scale, order):
        made = kept.setdefault(pixels.shape, np.empty(pixels.shape, np.float32))
        made[:] = by_channel(pixels, mean, scale, order)
        return made

    return prepare


def prepared_before(*parts):
    """It computes again only if one of these parts of its arguments is another one."""
    kept = {}

    def prepare(pixels, mean, scale, order):
        told = {"shape": pixels.shape, "mean": tuple(mean), "scale": tuple(scale), "order": order}
        key = tuple(told[part] for part in parts)
        return kept.setdefault(key, by_channel(pixels, mean, scale, order)).copy()

    return prepare


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (into_one_array(), "make new arrays"),
        (prepared_before("shape", "order"), "with another mean and scale"),
        (prepared_before("shape", "order", "mean", "scale"), "compute the result anew"),
        (lambda p, m, s, o: by_channel(p, m, s, "rgb"), "bgr order"),
        (lambda p, m, s, o: by_channel(p, m, s, "bgr"), "rgb order"),
        (turned_last, "bgr order"),
        (turned_rows, "bgr order"),
        (lambda p, m, s, o: by_channel(p, m, (1, 1, 1), o), "bgr order"),
        (lambda p, m, s, o: by_channel(p, m, [s[0]] * 3, o), "bgr order"),
        (lambda p, m, s, o: by_channel(p, [0, 0, 0], s, o), "bgr order"),
        (lambda p, m, s, o: by_channel(p, np.negative(m), s, o), "bgr order"),
        (lambda p, m, s, o: by_channel(p, np.multiply(m, s), s, o), "bgr order"),
        (lambda p, m, s, o: by_channel(p, m, np.reciprocal(np.float32(s)), o), "bgr order"),
        (lambda p, m, s, o: by_channel(p, np.mean(p, (0, 1, 2)), s, o), "bgr order"),
        (lambda p, m, s, o: by_channel(p, m, s, o).astype("float64"), "float64"),
        (lambda p, m, s, o: by_channel(p / 255, m, s, o), "bgr order"),
        (lambda p, m, s, o: by_channel(p, m, s, o)[0], "shape"),
        (lambda p, m, s, o: by_channel(p[:32], m, s, o), "along axis 0"),
        (lambda p, m, s, o: by_channel(p[:1000], m, s, o), "along axis 0"),
        (lambda p, m, s, o: by_channel(p, m, s, o if m[0] != m[2] else "rgb"), "bgr order"),
        (lambda p, m, s, o: by_channel(p, m, s, o if p.shape[1] < 33 else "rgb"), "bgr order"),
        (first_alone, "right for the first image, but not for all"),
        (lambda p, m, s, o: by_channel(p, np.int32(m), s, o), "scale: subtract the mean"),
        (lambda p, m, s, o: by_channel(p, m, s, o).round(), "for rgb order"),
        (lambda p, m, s, o: np.clip(by_channel(p, m, s, o), -1, 5), "rgb order"),
        (halves, "in float32"),
        (lambda p, m, s, o: None, "None"),
        (wraps_around, "in rgb order"),
        (in_place, "changes its argument pixels"),
    ],
)
def test_a_wrong_preparation_is_named(transfer, wrong, words):
    assert_wrong(judged(transfer, "transfer-prepare", "prepare", wrong), words)


# ------------------------------------------------------------------ transfer-few


def shuffled(labels, count, seed):
    order = np.random.default_rng(seed).permutation(len(labels))
    labels = np.asarray(labels)[order]
    return [int(i) for c in set(labels.tolist()) for i in order[labels == c][:count]]


def counted(labels, count, seed):
    left = {int(c): count for c in np.unique(labels)}
    taken = []
    for i in np.random.default_rng(seed).permutation(len(labels)):
        if left[int(labels[i])]:
            left[int(labels[i])] -= 1
            taken.append(i)
    return np.array(taken)


def few_verbose(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Choose a balanced subset."""
    labels = np.asarray(labels).ravel()
    generator = np.random.default_rng(seed=seed)
    chosen_positions: list[int] = []
    for class_number in sorted(np.unique(labels)):
        (positions,) = np.where(labels == class_number)
        assert len(positions) >= count, f"class {class_number} has too few images"
        chosen_positions.extend(generator.permutation(positions)[:count].tolist())
    print(f"{len(chosen_positions)} images chosen")
    return np.sort(np.array(chosen_positions, dtype=np.int32))


def by_rank(labels, count, seed):
    key = np.random.default_rng(seed).random(len(labels))
    order = np.lexsort((key, labels))
    start = np.searchsorted(labels[order], np.unique(labels))
    return order[(start[:, None] + np.arange(count)).ravel()].astype("uint16")


def by_pandas(labels, count, seed):
    import pandas as pd

    rng = np.random.default_rng(seed)
    return pd.Series(labels).groupby(labels).sample(n=count, random_state=rng).index.to_numpy()


def redrawn(labels, count, seed):
    rng, taken = np.random.RandomState(seed), set()
    for c in np.unique(labels):
        mine = set()
        while len(mine) < count:
            i = rng.randint(len(labels))
            mine |= {i} if labels[i] == c else set()
        taken |= mine
    return tuple(taken)


def as_indices(labels, count, seed):
    return keras.ops.convert_to_tensor(counted(labels, count, seed))


@pytest.mark.parametrize(
    "right", [shuffled, counted, few_verbose, by_rank, redrawn, as_indices, by_pandas]
)
def test_few_of_each_in_other_forms_passes(transfer, right):
    assert_right(judged(transfer, "transfer-few", "few_of_each", right))


def first_ones(labels, count, seed):
    return np.concatenate([np.flatnonzero(labels == c)[:count] for c in np.unique(labels)])


def with_replacement(labels, count, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.choice(np.flatnonzero(labels == c), count) for c in np.unique(labels)]
    )


def unbalanced(labels, count, seed):
    rng = np.random.default_rng(seed)
    return rng.choice(len(labels), count * len(np.unique(labels)), replace=False)


def every_number(labels, count, seed):
    rng = np.random.default_rng(seed)
    places = [np.flatnonzero(labels == c) for c in range(max(labels) + 1)]
    return np.concatenate([rng.choice(mine, count, replace=False) for mine in places])


def ten_classes(labels, count, seed):
    places = [np.flatnonzero(labels == c).tolist() for c in range(10)]
    return [i for mine in places for i in random.Random(seed).sample(mine, count)]


def sorts(labels, count, seed):
    labels.sort()
    return shuffled(labels, count, seed)


def without_the_last(labels, count, seed):
    rng = np.random.default_rng(seed)
    places = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    drawn = [rng.permutation(p[:-1] if len(p) > count else p)[:count] for p in places]
    return np.concatenate(drawn)


def remembered():
    kept = {}

    def few_of_each(labels, count, seed):
        key = (len(labels), count, seed)
        return kept.setdefault(key, shuffled(labels, count, seed))

    return few_of_each


def into_one_place():
    kept = {}

    def few_of_each(labels, count, seed):
        drawn = np.array(shuffled(labels, count, seed))
        place = kept.setdefault(len(drawn), drawn)
        place[:] = drawn
        return place

    return few_of_each


def first_class_as_it_is(labels, count, seed):
    rng = np.random.default_rng(seed)
    places = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    return np.concatenate([places[0][:count], *(rng.permutation(p)[:count] for p in places[1:])])


def first_image_always(labels, count, seed):
    rng = np.random.default_rng(seed)
    places = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    return np.concatenate([[p[0], *rng.permutation(p[1:])[: count - 1]] for p in places])


def one_as_it_is(labels, count, seed):
    return first_ones(labels, 1, seed) if count == 1 else shuffled(labels, count, seed)


def a_block(labels, count, seed):
    rng = np.random.default_rng(seed)
    places = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    return np.concatenate([np.roll(p, rng.integers(len(p)))[:count] for p in places])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (a_block, "not as a block"),
        (first_ones, "use the seed"),
        (with_replacement, "different positions"),
        (unbalanced, "labels at these positions"),
        (lambda y, n, seed: shuffled(y, n, None), "same seed"),
        (lambda y, n, seed: shuffled(y, n, seed or None), "same seed"),
        (lambda y, n, seed: shuffled(y, n, 7), "use the seed"),
        (lambda y, n, seed: shuffled(y, n, seed % 2), "Eighty seeds give only 2 different choices"),
        (lambda y, n, seed: np.asarray(y)[shuffled(y, n, seed)], "different positions"),
        (lambda y, n, seed: shuffled(y, n, seed)[:n], "shape"),
        (lambda y, n, seed: shuffled(y, n + 1, seed), "shape"),
        (lambda y, n, seed: np.reshape(shuffled(y, n, seed), (-1, n)), "shape"),
        (lambda y, n, seed: np.array(shuffled(y, n, seed)) * 1.0, "integers from 0 to 9"),
        (lambda y, n, seed: np.array(shuffled(y, n, seed)) + 1, "labels at these positions"),
        (lambda y, n, seed: None, "None"),
        (lambda y, n, seed: {c: shuffled(y, n, seed) for c in (0, 1, 4)}, "expected numbers"),
        (every_number, "np.unique(labels)"),
        (ten_classes, "among which 2 and 3 are missing"),
        (lambda y, n, seed: np.random.default_rng(seed).choice([], n), "Error"),
        (sorts, "changes its argument labels"),
        (without_the_last, "never draw some"),
        (lambda y, n, seed: [i for i in shuffled(y, n, seed) if y[i] < 10], "another number of en"),
        (lambda y, n, seed: np.array(shuffled(y, n, seed)).astype("uint8"), "a dtype of integers"),
        (lambda y, n, seed: np.array(shuffled(y, n, seed)).astype("int16"), "a dtype of integers"),
        (lambda y, n, seed: shuffled(y[:1000], n, seed), "from a part of them only"),
        (into_one_place(), "make new arrays"),
        (remembered(), "find the classes in the labels that it is given"),
        (first_class_as_it_is, "only a few sets of images from some class"),
        (first_image_always, "all draw the same image of some class"),
        (one_as_it_is, "for every seed"),
        (lambda y, n, seed: shuffled(np.arange(len(y)) % 3, n, seed), "labels at these positions"),
    ],
)
def test_wrong_draws_are_named(transfer, wrong, words):
    assert_wrong(judged(transfer, "transfer-few", "few_of_each", wrong), words)


# ------------------------------------------------------------------ transfer-build


def functional(base, trainable, classes=10):
    base.trainable = bool(trainable)
    inputs = keras.Input(base.input_shape[1:])
    x = L.Reshape((-1,))(base(inputs))
    for units in (384, 192):
        x = L.ReLU()(L.Dense(units)(x))
    return keras.Model(inputs, L.Softmax()(L.Dense(classes)(x)))


def layer_by_layer(base, trainable, classes=10):
    for layer in base.layers:
        layer.trainable = trainable
    net = keras.Sequential([L.Input(base.input_shape[1:]), base, L.Flatten()])
    net.add(L.Dense(384, "relu"))
    net.add(L.Dense(192, "relu"))
    net.add(L.Dense(classes, "softmax"))
    return net


class Classifier(keras.Model):
    """A network whose only account of itself is its call."""

    def __init__(self, base, trainable, classes=10):
        super().__init__()
        self.base, self.flatten = base, L.Flatten()
        self.base.trainable = trainable
        self.hidden = [L.Dense(384), L.Dense(192)]
        self.last = L.Dense(classes)

    def call(self, x):
        x = self.flatten(self.base(x))
        for layer in self.hidden:
            x = ops.relu(layer(x))
        return ops.softmax(self.last(x))


class FunctionalClassifier(keras.Model):
    """A functional network inside a class of its own."""

    def __init__(self, base, trainable, classes=10):
        made = functional(base, trainable, classes)
        super().__init__(made.inputs[0], made.outputs[0])


def build_verbose(base: keras.Model, trainable: bool, classes: int = 10) -> keras.Model:
    """Attach a classification head to a pretrained base."""
    assert isinstance(base, keras.Model), "base must be a keras.Model"
    base.trainable = trainable
    inputs = keras.layers.Input(shape=base.input_shape[1:], name="images")
    features = base(inputs)
    flat = keras.layers.Flatten(name="flat")(features)
    hidden = keras.layers.Dense(units=384, activation="relu", name="fc1")(flat)
    hidden = keras.layers.Dense(units=192, activation=keras.activations.relu, name="fc2")(hidden)
    outputs = keras.layers.Dense(units=classes, activation="softmax", name="classes")(hidden)
    model = keras.Model(inputs=inputs, outputs=outputs, name="classifier")
    model.summary()
    print(len(model.trainable_weights), "trainable weights")
    return model


def compiled_classifier(base, trainable, classes=10):
    net = layer_by_layer(base, trainable, classes)
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net


def base_as_layers(base, trainable, classes=10):
    base.trainable = trainable
    layers = [layer for layer in base.layers if not isinstance(layer, L.InputLayer)]
    head = [L.Flatten(), L.Dense(384, "relu"), L.Dense(192, "relu"), L.Dense(classes, "softmax")]
    return keras.Sequential([L.Input(base.input_shape[1:]), *layers, *head])


def on_its_output(base, trainable, classes=10):
    base.trainable = trainable
    x = L.Flatten()(base.output)
    for units in (384, 192):
        x = L.Dense(units, activation="relu")(x)
    return keras.Model(base.input, L.Dense(classes, activation="softmax")(x))


def as_the_guide_says(base, trainable, classes=10):
    base.trainable = trainable
    image = keras.Input(base.input_shape[1:])
    x = L.Flatten()(base(image, training=False))
    x = L.Dense(192, "relu")(L.Dense(384, "relu")(x))
    return keras.Model(image, L.Dense(classes, "softmax")(x))


class Built(keras.Model):
    """Its build leaves the head without weights, as Keras warns."""

    def __init__(self, base, trainable, classes=10):
        super().__init__()
        self.base, self.head = base, keras.Sequential([L.Flatten(), L.Dense(384, "relu")])
        self.base.trainable = trainable
        self.head.add(L.Dense(192, "relu"))
        self.head.add(L.Dense(classes, "softmax"))
        self.build((None, *base.input_shape[1:]))

    def call(self, x, training=None):
        return self.head(self.base(x, training=training))


def stopped_if_frozen(base, trainable, classes=10, stop=lambda trainable: not trainable):
    base.trainable = trainable
    image = keras.Input(base.input_shape[1:])
    maps = ops.stop_gradient(base(image)) if stop(trainable) else base(image)
    x = L.Dense(192, "relu")(L.Dense(384, "relu")(L.Flatten()(maps)))
    return keras.Model(image, L.Dense(classes, "softmax")(x))


@pytest.mark.parametrize(
    "right",
    [
        functional,
        on_its_output,
        Built,
        stopped_if_frozen,
        layer_by_layer,
        Classifier,
        FunctionalClassifier,
        build_verbose,
        compiled_classifier,
        as_the_guide_says,
    ],
)
def test_a_classifier_in_other_forms_passes(transfer, right):
    assert_right(judged(transfer, "transfer-build", "build_classifier", right))


@pytest.fixture(scope="module")
def reaches_base():
    """The function of a plain cell, with 40 images."""
    text = (exercise.COURSE / "12_transfer_learning.py").read_text(encoding="utf-8")
    [cell] = [cell.source for cell in read_cells(text) if "def reaches_base(" in cell.source]
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 32, 32, 3)).astype("float32")
    names = {"keras": keras, "x_train": x, "y_train": rng.integers(10, size=40)}
    exec(cell, names)
    return names["reaches_base"]


@pytest.mark.filterwarnings("ignore:`build:UserWarning")  # that of Built
@pytest.mark.parametrize("form", [functional, on_its_output, Built, Classifier, base_as_layers])
def test_the_gradient_is_stopped_in_a_network_of_any_form(reaches_base, form):
    cases = ((True, False, True), (True, True, False), (False, False, False))
    for trainable, stop, reached in cases:
        base = pretrained.make("small", trained=False).model
        net = form(base, trainable)
        assert reaches_base(net, base, stop) is reached
    assert reaches_base(functional(base, True), base, False)  # the stop is gone afterwards


def variant(units=(384, 192), flatten=L.Flatten, end="softmax", relu="relu", **settings):
    def build_classifier(base, trainable, classes=10):
        base.trainable = settings.get("trainable", trainable)
        if settings.get("copy"):
            base = keras.models.clone_model(base)
        net = keras.Sequential([L.Input(base.input_shape[1:]), base, flatten()])
        for n in units:
            net.add(L.Dense(n, activation=relu, kernel_regularizer=settings.get("penalty")))
        last = "sigmoid" if settings.get("binary") and classes == 2 else end
        net.add(L.Dense(settings.get("classes", classes), activation=last))
        if settings.get("frozen_head") and not trainable:
            net.trainable = False
        return net

    return build_classifier


def on_a_copy(base, trainable, classes=10):
    copy = keras.models.clone_model(base)
    copy.set_weights(base.get_weights())
    return functional(copy, trainable, classes)


def always_stopped(base, trainable, classes=10):
    return stopped_if_frozen(base, trainable, classes, stop=lambda _: True)


def never_unfreezes(base, trainable, classes=10):
    if not trainable:
        base.trainable = False
    return variant(trainable=base.trainable)(base, trainable, classes)


def for_one_size(base, trainable, classes=10):
    base.trainable = trainable
    made = base(keras.Input((32, 32, 3)))
    assert made.shape[1] == 2, "features of another size"
    return functional(base, trainable, classes)


def for_colors(base, trainable, classes=10):
    base.trainable = trainable
    inputs = keras.Input((*base.input_shape[1:3], 3))
    return keras.Sequential([inputs, *functional(base, trainable, classes).layers[1:]])


def for_one_input(base, trainable, classes=10):
    base.trainable = trainable
    return keras.Sequential(
        [L.Input((32, 32, 3)), base, *layer_by_layer(base, trainable, classes).layers[1:]]
    )


def without_biases(base, trainable, classes=10):
    for layer in base.layers:
        if getattr(layer, "bias", None) is not None:
            layer.bias.assign(ops.zeros_like(layer.bias))
    return functional(base, trainable, classes)


def with_one_head():
    head = [L.Dense(384, "relu"), L.Dense(192, "relu")]

    def build_classifier(base, trainable, classes=10):
        base.trainable = trainable
        parts = [L.Input(base.input_shape[1:]), base, L.Flatten(), *head]
        return keras.Sequential([*parts, L.Dense(classes, "softmax")])

    return build_classifier


def made_once():
    kept = {}

    def build_classifier(base, trainable, classes=10):
        base.trainable = trainable
        return kept.setdefault((id(base), classes), functional(base, trainable, classes))

    return build_classifier


def twice_softmax(base, trainable, classes=10):
    return keras.Sequential([*layer_by_layer(base, trainable, classes).layers, L.Softmax()])


def with_dropout(base, trainable, classes=10):
    layers = layer_by_layer(base, trainable, classes).layers
    inputs = L.Input(base.input_shape[1:])
    return keras.Sequential([inputs, *layers[:-1], L.Dropout(0.5), layers[-1]])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (variant(trainable=True), "trainable parameters; expected 272,842"),
        (variant(trainable=False), "trainable parameters; expected 566,362"),
        (variant(frozen_head=True), "trainable parameters; expected 272,842"),
        (variant(units=(192, 384)), "parameters"),
        (variant(units=(384,)), "parameters"),
        (variant(units=(384, 192, 192)), "parameters"),
        (variant(flatten=L.GlobalAveragePooling2D), "parameters"),
        (variant(end="sigmoid"), "sigmoid"),
        (variant(end=None), "no activation"),
        (variant(relu=None), "no activation"),
        (variant(relu="tanh"), "tanh"),
        (variant(classes=10), "another number of classes"),
        (variant(penalty="l2"), "has a penalty, which is not asked for"),
        (variant(binary=True), "sigmoid"),
        (variant(copy=True), "use the base that is given"),
        (on_a_copy, "use the base that is given, not a copy"),
        (always_stopped, "let the gradient reach it"),
        (never_unfreezes, "trainable parameters; expected 566,362"),
        (for_one_size, "Error"),
        (for_one_input, "whose images have another shape: use base.input_shape"),
        (lambda base, trainable: functional(base, trainable), "Error"),
        (without_biases, "changes some of the base's weights"),
        (base_as_layers, "fails for a base with branches"),
        (with_one_head(), "share more than the base"),
        (made_once(), "share more than the base"),
        (twice_softmax, "and the activation softmax follows it: leave one of them out"),
        (for_colors, "use base.input_shape"),
        (with_dropout, "dropout"),
        (lambda *a, **k: None, "None"),
        (lambda base, *a, **k: (functional(base, *a, **k), base), "a tuple; expected a network"),
    ],
)
def test_another_classifier_is_named(transfer, wrong, words):
    assert_wrong(judged(transfer, "transfer-build", "build_classifier", wrong), words)


# ------------------------------------------------------------------ transfer-phases

ONE_PHASE = """
def one_phase(net, base, batches, learns, rate, first, last, name, compiled=True, epochs=1,
              optimizer=keras.optimizers.Adam, logits=False, metrics=("accuracy",),
              between=None, callbacks=(), **settings):
    base.trainable = learns
    for layer in base.layers if between else ():
        between(layer)
    if compiled:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
        net.compile(optimizer(learning_rate=rate), loss, metrics=list(metrics))
    stream, called = batches(first, last), list(callbacks)
    training.fit(net, name, stream, None, callbacks=called, epochs=epochs, **settings)


def refine_after(net, base, batches, frozen, steps, name, rate=0.001):
    {}
    return net
"""
FIRST = "if frozen: one_phase(net, base, batches, False, 0.001, 0, frozen, name + '_frozen')"
SECOND = "if frozen < steps: one_phase(net, base, batches, True, rate, frozen, steps, name)"
VERBOSE = '''
def refine_after(net: keras.Model, base: keras.Model, batches, frozen: int, steps: int,
                 name: str, rate: float = 0.001) -> keras.Model:
    """Train in two phases."""
    assert isinstance(net, keras.Model), type(net)
    assert 0 <= frozen <= steps
    print(f"phase 1: {frozen} steps, phase 2: {steps - frozen} steps")
    if frozen > 0:
        base.trainable = False
        net.compile(optimizer=keras.optimizers.Adam(learning_rate=1e-3),
                    loss="sparse_categorical_crossentropy", metrics=["acc"])
        stream = batches(0, frozen)
        print(len(stream), "batches of shape", stream[0][0].shape)
        history = training.fit(model=net, name=f"{name}_frozen", x=stream, y=None, callbacks=[])
        print(", ".join(f"{key} {value[-1]:.3f}" for key, value in history.history.items()))
    if steps > frozen:
        base.trainable = True
        net.compile(optimizer=keras.optimizers.Adam(learning_rate=rate),
                    loss="sparse_categorical_crossentropy", metrics=["acc"])
        history = training.fit(model=net, name=name, x=batches(frozen, steps), y=None, callbacks=[])
        net.summary()
    return net
'''
LOOP = """
class Phases:
    def __init__(self, net, base):
        self.net, self.base = net, base

    def run(self, learns, rate, stream, name):
        self.base.trainable = learns
        metric = keras.metrics.SparseCategoricalAccuracy()
        adam = keras.optimizers.Adam(np.float64(rate))
        self.net.compile(adam, keras.losses.SparseCategoricalCrossentropy(), metrics=[metric])
        training.fit(self.net, name, stream, None, callbacks=[], verbose=0, epochs=1)


def refine_after(net, base, batches, frozen, steps, name, rate=0.001):
    phases = Phases(net, base)
    ends = [(0, frozen), (frozen, steps)]
    streams = [batches(*end) for end in ends]
    for (first, last), stream, learns in zip(ends, streams, (False, True)):
        if first < last:
            phases.run(learns, rate if learns else 0.001, stream, name + "_frozen" * (not learns))
    return net
"""


RECURSION = """
def refine_after(net, base, batches, frozen, steps, name, rate=0.001):
    loss, metrics = ["sparse_categorical_crossentropy"], [["accuracy"]]
    base.trainable = frozen == 0
    told = {"class_name": "Adam", "config": {"learning_rate": 0.001 if frozen else rate}}
    if frozen:
        net.compile(optimizer=told, loss=loss, metrics=metrics)
        training.fit(net, name + "_frozen", batches(0, frozen), shuffle=False)
        later = lambda first, last: batches(first + frozen, last + frozen)
        return refine_after(net, base, later, 0, steps - frozen, name, rate)
    if steps:
        net.compile(optimizer=told, loss=loss, metrics=metrics)
        training.fit(net, name, batches(0, steps), callbacks=[])
    return net
"""
MANAGER = """
import contextlib

@contextlib.contextmanager
def phase(net, base, learns, eta):
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
    net.optimizer.learning_rate = eta
    base.trainable = learns  # between compile and the first fit: it counts
    yield net
    base.trainable = True

def refine_after(net, base, batches, frozen, steps, name, rate=0.001):
    first, second = batches(0, frozen), batches(frozen, steps)
    print([len(one) and one[0][0].shape for one in (first, second)])
    if len(first):
        with phase(net, base, False, 0.001) as one:
            training.fit(one, f"{name}_frozen", first, None, callbacks=[])
    if len(second):
        with phase(net, base, True, rate) as one:
            training.fit(one, name, second, None, callbacks=[])
    return net
"""
PIPELINE = """
import tensorflow as tf

def refine_after(net, base, batches, frozen, steps, name, rate=0.001):
    def stream(first, last):
        source = batches(first, last)
        x, y = (tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in source[0])
        each = lambda: (source[step] for step in range(len(source)))
        return tf.data.Dataset.from_generator(each, output_signature=(x, y)).prefetch(1)

    for learns, first, last in ((False, 0, frozen), (True, frozen, steps)):
        if last == first:
            continue
        base.trainable = learns
        adam = keras.optimizers.Adam(rate if learns else 0.001)
        net.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
        training.fit(net, name + "_frozen" * (not learns), stream(first, last))
    return net
"""


def phases(*lines):
    return ONE_PHASE.format("\n    ".join(lines))


def other(line, **settings):
    told = "".join(f", {key}={value}" for key, value in settings.items())
    return line[:-1] + told + ")"


@pytest.mark.parametrize(
    "code",
    [
        phases(FIRST, SECOND),
        phases("for layer in base.layers: layer.trainable = True", FIRST, SECOND),
        phases(
            FIRST.replace("if frozen:", "if frozen > 0:"), "if steps == frozen: return net", SECOND
        ),
        phases(FIRST, SECOND.replace("rate, frozen", "float(rate), np.int64(frozen)")),
        phases(FIRST, other(SECOND, steps_per_epoch="steps - frozen")),
        phases(FIRST, other(SECOND, class_weight="dict.fromkeys(range(10), 1.0)")),
        VERBOSE,
        LOOP,
        RECURSION,
        MANAGER,
        PIPELINE,
    ],
)
def test_phases_in_other_forms_pass(transfer, given, code):
    assert_right(transfer.run("transfer-phases", transfer.namespace(given + code)))


COMPILE = "net.compile('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])"
ONE_RATE = "rate = rate if frozen else 0.001"
THAW = "base.trainable = True; base.layers[0].trainable = False"
KEEP, BACK = "start = net.get_weights()", "net.set_weights(start)"
REDRAW = "last = net.layers[-1].kernel; last.assign(keras.random.normal(last.shape))"
RISES = "[keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)]"
STOPS = (
    "[keras.callbacks.LambdaCallback("
    "on_train_batch_end=lambda batch, logs: setattr(net, 'stop_training', True))]"
)
KERNELS = ", between=lambda layer: setattr(layer.kernel, 'trainable', False))"
BIASES = ", between=lambda layer: setattr(layer.bias, 'trainable', False))"
ADAM, SGD = "keras.optimizers.Adam", "keras.optimizers.SGD"
STEP = "[net.train_on_batch(*batches(0, 1)[0]) for _ in range(frozen)]"
PLAIN_FIT = "net.fit(batches(0, frozen), verbose=0); net.fit(batches(frozen, steps), verbose=0)"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((SECOND,), "number of trainings"),
        ((FIRST,), "number of trainings"),
        ((FIRST.replace("False", "True"), SECOND), "base changes in the first phase"),
        ((FIRST, SECOND.replace("True", "False")), "base does not learn in the second"),
        ((FIRST, other(SECOND, compiled=False)), "learning rate of the second"),
        ((FIRST, SECOND.replace("rate, frozen", "0.001, frozen")), "learning rate of the second"),
        ((FIRST.replace("0.001", "rate"), SECOND), "learning rate of the first"),
        ((FIRST, SECOND.replace("frozen, steps", "0, steps")), "batches of the second"),
        ((FIRST, SECOND.replace("frozen, steps", "frozen, steps - 1")), "batches of the second"),
        ((FIRST.replace("'_frozen'", "''"), SECOND), "checkpoint name"),
        ((FIRST, SECOND.replace("steps, name", "steps, 'trial'")), "checkpoint name of the second"),
        ((other(FIRST, epochs=2), SECOND), "epochs of the first"),
        ((FIRST, other(SECOND, optimizer="keras.optimizers.SGD")), "optimizer of the second"),
        ((other(FIRST, logits=True), SECOND), "from_logits"),
        ((FIRST, other(SECOND, metrics="()")), "without the metric accuracy"),
        ((COMPILE, PLAIN_FIT), "training.fit"),
        ((COMPILE, STEP, SECOND), "outside training.fit: leave train_on_batch out"),
        ((FIRST, SECOND, "return None"), "does not return net"),
        ((FIRST, SECOND, "return base"), "does not return net"),
        ((FIRST.replace("if frozen: ", ""), SECOND), "without frozen steps, trains"),
        ((FIRST.replace("if frozen", "if frozen > 1"), SECOND), "and only then"),
        ((ONE_RATE, FIRST, SECOND), "learning rate of the second phase for fine-tuning"),
        ((FIRST, THAW, SECOND.replace("base,", "base.layers[-1],")), "A part of the base"),
        ((FIRST.replace("base,", "base.layers[-1],"), SECOND), "base changes in the first"),
        (
            (FIRST, SECOND.replace("if frozen < steps: ", "")),
            "frozen, trains another number of phases",
        ),
        ((FIRST, SECOND.replace("True", "frozen > 0 or base.trainable")), "whatever it was before"),
        ((KEEP, FIRST, BACK, SECOND), "changes weights of net between the phases"),
        ((FIRST, REDRAW, SECOND), "changes weights of net between the phases"),
        ((REDRAW, FIRST, SECOND), "changes weights of net before the first phase"),
        ((KEEP, FIRST, SECOND, BACK), "changes weights of net after the second phase"),
        (
            (KEEP, FIRST, SECOND, f"if frozen == steps: {BACK}"),
            "outside of its trainings for feature",
        ),
        ((FIRST, other(SECOND, steps_per_epoch=1)), "leave steps_per_epoch out"),
        ((FIRST, other(SECOND, class_weight={0: 1, 1: 2, 2: 3})), "leave class_weight out"),
        (
            (FIRST, other(SECOND, steps_per_epoch="None if frozen else 1")),
            "such as steps_per_epoch",
        ),
        ((FIRST, other(SECOND, callbacks=RISES)), "learning rate at the end of the second"),
        ((FIRST, other(SECOND, callbacks=STOPS)), "second phase stops after 1 of 5 batches"),
        ((FIRST.replace("False", "True")[:-1] + KERNELS, SECOND), "base changes in the first"),
        ((FIRST, SECOND[:-1] + BIASES), "A part of the base does not learn"),
        (
            (FIRST, other(SECOND, optimizer=f"{ADAM} if frozen else {SGD}")),
            "optimizer of the second",
        ),
        ((FIRST, other(SECOND, metrics="['acc'] if frozen else []")), "missing in the second"),
        ((other(FIRST, logits="frozen == steps"), SECOND), "loss of the first phase for feature"),
        ((other(FIRST, metrics="['acc'][frozen // steps:]"), SECOND), "missing in the first phase"),
        ((FIRST.replace("if frozen", "if 10 * frozen > steps"), SECOND), "and only then"),
        (
            (FIRST, SECOND.replace("rate, frozen", "rate / (1 + (steps > 10)), frozen")),
            "learning rate of the second phase with one frozen step and many more",
        ),
        (
            (FIRST, other(SECOND, steps_per_epoch="min(steps - frozen, 8)")),
            "with one frozen step and many more",
        ),
    ],
)
def test_wrong_phases_are_named(transfer, given, lines, words):
    result = transfer.run("transfer-phases", transfer.namespace(given + phases(*lines)))
    assert_wrong(result, words)


# ------------------------------------------------------------------ transfer-change


def roots(before, after):
    lengths = [np.sqrt(np.sum(np.square(b))) for b in before]
    moved = [np.sqrt(np.sum(np.square(a - b))) for b, a in zip(before, after, strict=True)]
    return [m / n for m, n in zip(moved, lengths, strict=True) if n > 0]


def raveled(before, after):
    found = []
    for b, a in zip(map(np.ravel, before), map(np.ravel, after), strict=True):
        if np.linalg.norm(b) != 0:
            found.append(np.linalg.norm(a - b) / np.linalg.norm(b))
    return np.array(found)


def change_verbose(before: list, after: list) -> list[float]:
    """Measure the relative change of each array."""
    assert len(before) == len(after), "the lists must have the same length"
    changes: list[float] = []
    for old, new in zip(before, after, strict=True):
        old = np.asarray(old, dtype=np.float64)
        new = np.asarray(new, dtype=np.float64)
        length_before = np.linalg.norm(old.flatten())
        if length_before == 0.0:
            print("skipped an array of zeros")
            continue
        changes.append(float(np.linalg.norm((new - old).flatten()) / length_before))
    return changes


def scalar_loop(before, after):
    found = []
    for b, a in zip(before, after, strict=True):
        b, a = np.float64(b).ravel(), np.float64(a).ravel()
        moved = sum((y - x) ** 2 for x, y in zip(b, a, strict=True))
        length = sum(x**2 for x in b)
        if length:
            found.append((moved / length) ** 0.5)
    return tuple(found)


def in_tensors(before, after):
    pairs = [(np.float64(b), np.float64(a)) for b, a in zip(before, after, strict=True)]
    found = [ops.norm(ops.ravel(a - b)) / ops.norm(ops.ravel(b)) for b, a in pairs if b.any()]
    return ops.stack(found)


def by_distance(before, after):
    found = []
    for b, a in zip(before, after, strict=True):
        old, new = (side.ravel().astype(float).tolist() for side in (b, a))
        if length := math.hypot(*old):
            found.append(math.dist(new, old) / length)
    return found


def by_tensorflow(before, after):
    import tensorflow as tf

    lengths = [tf.norm(tf.cast(b, tf.float64)) for b in before]
    moved = [tf.norm(tf.cast(a - b, tf.float64)) for b, a in zip(before, after, strict=True)]
    return [float(m / n) for m, n in zip(moved, lengths, strict=True) if n > 0]


def with_nan_removed(before, after):
    with np.errstate(all="ignore"):
        pairs = zip(before, after, strict=True)
        found = np.array([np.linalg.norm(a - b) / np.linalg.norm(b) for b, a in pairs])
    return found[np.isfinite(found)].tolist()


@pytest.mark.parametrize(
    "right",
    [
        roots,
        raveled,
        change_verbose,
        scalar_loop,
        in_tensors,
        with_nan_removed,
        by_distance,
        by_tensorflow,
    ],
)
def test_changes_in_other_forms_pass(transfer, right):
    assert_right(judged(transfer, "transfer-change", "relative_change", right))


def measured(top=lambda b, a: a - b, bottom=lambda b, a: b, root=True, keep=False, least=0.0):
    def relative_change(before, after):
        found = []
        for b, a in zip(before, after, strict=True):
            share = np.sum(top(b, a) ** 2) / max(np.sum(bottom(b, a) ** 2), 1e-300)
            if np.linalg.norm(b) > least or keep:
                found.append(float(share**0.5 if root else share))
        return found

    return relative_change


def by(norm, epsilon=0.0):
    def relative_change(before, after):
        pairs = [(b, a) for b, a in zip(before, after, strict=True) if np.any(b)]
        return [float(norm(a - b) / (norm(b) + epsilon)) for b, a in pairs]

    return relative_change


def only(kept):
    def relative_change(before, after):
        pairs = [(b, a) for b, a in zip(before, after, strict=True) if kept(b, a)]
        return [np.linalg.norm(a - b) / np.linalg.norm(b) for b, a in pairs]

    return relative_change


def changes_before(before, after):
    made = roots(before, after)
    before[0] -= after[0]
    return made


def into_one_list():
    kept = []

    def relative_change(before, after):
        kept[:] = measured()(before, after)
        return kept

    return relative_change


def spectral(w):
    return np.linalg.norm(w, 2 if w.ndim == 2 else None)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (measured(root=False), "change from"),
        (measured(bottom=lambda b, a: a), "change from"),
        (measured(top=lambda b, a: a), "change from"),
        (measured(keep=True), "shape"),
        (measured(bottom=lambda b, a: np.ones_like(b)), "change from"),
        (lambda b, a: [float(np.mean(np.abs(a[0] - b[0])) / np.mean(np.abs(b[0])))], "change from"),
        (lambda b, a: sum(measured()(b, a)), "shape"),
        (lambda b, a: measured()(b, a)[:1], "four changes"),
        (lambda b, a: None, "None"),
        (measured(least=1e-6), "small arrays"),
        (measured(least=1e-12), "small arrays"),
        (only(lambda b, a: b.flat[0] != 0), "in which only some numbers are 0"),
        (only(lambda b, a: b.flat[-1] != 0), "in which only some numbers are 0"),
        (only(lambda b, a: b.max() > 0), "four changes"),
        (by(np.linalg.norm, 1e-8), "small arrays"),
        (by(np.linalg.norm, 1e-3), "change from"),
        (by(spectral), "random arrays"),
        (by(lambda w: np.abs(w).sum()), "change from"),
        (by(lambda w: np.abs(w).max()), "change from"),
        (lambda b, a: sorted(measured()(b, a)), "random arrays"),
        (lambda b, a: [round(c, 1) for c in measured()(b, a)], "random arrays"),
        (lambda b, a: [round(c, 6) for c in measured()(b, a)], "hardly changes"),
        (lambda b, a: measured()(b[:20], a[:20]), "changes of 40 arrays"),
        (into_one_list(), "make a new list in each call"),
        (changes_before, "changes its argument before"),
        (only(lambda b, a: b.sum() != 0), "with the sum 0"),
        (only(lambda b, a: b.any() and a.any()), "becomes all zeros"),
    ],
)
def test_wrong_changes_are_named(transfer, wrong, words):
    assert_wrong(judged(transfer, "transfer-change", "relative_change", wrong), words)


# ------------------------------------------------------------------ transfer-refined


@pytest.fixture(scope="module")
def small():
    from convcourse import pretrained

    return pretrained.small()


def refined(transfer, small, net, **runs):
    """The result for a network, with runs as the notebook keeps them."""
    old, new = small.model.get_weights(), [w + 0.1 for w in small.model.get_weights()]
    kept = {"extraction": (None, 0.8, old, old), "fine-tuning": (None, 0.8, old, new)}
    x = np.float32(np.random.default_rng(1).normal(size=(5, 32, 32, 3)))
    names = {
        "refined": net,
        "runs": kept | runs,
        "preparation": [list(small.mean), list(small.scale), small.order],
        "x_test": x,
    }
    return transfer.run("transfer-refined", transfer.namespace(**names))


@pytest.mark.parametrize(
    "right",
    [functional, layer_by_layer, Classifier, FunctionalClassifier, build_verbose, base_as_layers],
)
def test_a_trained_classifier_in_other_forms_passes(transfer, small, right, monkeypatch):
    from autograder import submission

    monkeypatch.setattr(submission, "threshold", lambda key: 0.0)
    net = right(small.model, True)
    net(np.zeros((1, 32, 32, 3), np.float32))  # as training does
    assert_right(refined(transfer, small, net))


def with_bias(value):
    def build(base, trainable):
        net = functional(base, trainable)
        net.layers[-2].set_weights([np.zeros((192, 10)), np.full(10, value)])
        return net

    return build


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (functional, "held-out"),
        (layer_by_layer, "held-out"),
        (Classifier, "held-out"),
        (variant(copy=True), "held-out"),
        (variant(end="sigmoid"), "held-out"),
        (variant(end=None), "held-out"),
        (variant(flatten=L.GlobalAveragePooling2D), "held-out"),
        (with_bias(0.0), "held-out"),
        (with_bias(np.nan), "not finite"),
        (variant(classes=3), "shape"),
        (variant(classes=100), "shape"),
        (lambda base, trainable: base, "shape"),
    ],
)
def test_a_network_that_was_not_trained_is_found(transfer, small, build, words):
    keras.utils.set_random_seed(1)
    net = build(small.model, True)
    net(np.zeros((1, 32, 32, 3), np.float32))
    assert_wrong(refined(transfer, small, net), words)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"extraction": (None, 0.8, [np.zeros(2)], [np.ones(2)])},
            "Feature extraction changed the base",
        ),
        ({"fine-tuning": (None, 0.8, [np.zeros(2)], [np.zeros(2)])}, "did not change the base"),
    ],
)
def test_a_base_that_moved_or_stood_still_against_its_name_is_found(
    transfer, small, changed, words
):
    net = functional(small.model, True)
    assert_wrong(refined(transfer, small, net, **changed), words)


def test_vgg16_goes_the_same_way_and_is_judged_from_its_weights(transfer, given, monkeypatch):
    """With random weights, since ImageNet's need the network."""
    from autograder import submission
    from autograder.judge import source
    from convcourse import pretrained, training
    from convcourse.wire.answers import Namespace

    space = transfer.namespace(given)
    known = pretrained.vgg16(weights=None)
    net = space["build_classifier"](known.model, False)
    assert not any(w.trainable for w in known.model.weights)
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)
    x = space["prepare"](pixels, known.mean, known.scale, known.order)

    def stream(first, last):
        return space["Batches"](x, np.arange(4), first, last, size=2)

    monkeypatch.setattr(training, "fit", lambda net, name, x, y, **s: net.fit(x, verbose=0))
    before = known.model.get_weights()[0]
    space["refine_after"](net, known.model, stream, 1, 2, "trial", rate=0.0001)
    assert np.any(known.model.get_weights()[0] != before)
    source.connect(Namespace({"refined": net}))
    judged = submission.model("refined")
    got, want = judged.predict(x, verbose=0), net.predict(x, verbose=0)
    assert got.shape == (4, 10) and np.allclose(got, want, atol=1e-4)
