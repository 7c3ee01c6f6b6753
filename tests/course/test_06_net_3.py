"""06 NET III: right answers in more than one form pass, and wrong ones fail in words."""

import functools
import math
import warnings

import exercise
import keras
import numpy as np
import pytest
from networks import own_class

from convcourse import checks, shapes, training

L = keras.layers


@pytest.fixture(scope="module")
def net3():
    return exercise.load("06_net_3")


LAYERS = "NET3_LAYERS = " + repr(
    [(kind, 3 if kind == "conv" else 2) for kind in ["conv"] * 2 + ["pool", "conv", "pool"]]
    + [("conv", 3)] * 3
    + [("pool", 2)]
)


def run(net3, test, code="", **names):
    """Judge a tests cell after all solutions, the list of NET III's layers, and ``code``."""
    return net3.run(test, net3.namespace(f"{LAYERS}\n{code}", **names))


def assert_wrong(result, words, status=checks.WRONG):
    assert result.status == status, result
    assert words.lower() in result.message.lower(), result


# ------------------------------------------------------------------ net3-sizes

TRACE = """
def trace_sizes(layers, size=32, padding="valid"):
    out = []
    for kind, n in layers:
        if kind == "conv":
            size = size if padding == "same" else size - (n - 1)
        else:
            size //= n
        out.append(max(size, 0))
        if size <= 0:
            return out
    return out
"""
RECURSIVE = """
def trace_sizes(layers, size=32, padding="valid"):
    if not layers or size == 0:
        return []
    (kind, n), *rest = layers
    loss = 0 if padding == "same" else n - 1
    size = size // n if kind == "pool" else max(size - loss, 0)
    return [size] + trace_sizes(rest, size, padding)
"""
VERBOSE = """
from typing import List, Tuple

def _conv_output(size: int, kernel: int, padding: str) -> int:
    return size if padding == "same" else size - kernel + 1

def trace_sizes(
    layers: List[Tuple[str, int]], size: int = 32, padding: str = "valid"
) -> List[int]:
    assert isinstance(layers, list) and isinstance(size, int), "wrong types"
    assert padding in ("valid", "same"), f"unknown padding: {padding}"
    result: List[int] = []
    for index, (layer_type, extent) in enumerate(layers):
        if layer_type == "conv":
            size = _conv_output(size=size, kernel=extent, padding=padding)
        elif layer_type == "pool":
            size = int(np.floor(size / extent))
        else:
            raise ValueError(f"layer {index}: unknown layer type {layer_type!r}")
        print(f"{layer_type:<5}{extent:>3} -> {max(size, 0)}")
        result.append(max(size, 0))
        if size < 1:
            break
    return result
"""
ACCUMULATED = """
from itertools import accumulate

def trace_sizes(layers, size=32, padding="valid"):
    def step(n, layer):
        kind, f = layer
        return n // f if kind == "pool" else n if padding == "same" else max(n - f + 1, 0)
    sizes = list(accumulate(layers, step, initial=size))[1:]
    return sizes[: sizes.index(0) + 1] if 0 in sizes else sizes
"""
AS_CLASS = """
class Tracer:
    def __call__(self, layers, size=32, padding="valid"):
        sizes = [size]
        for kind, n in layers:
            if not sizes[-1]:
                break
            sizes.append(getattr(self, kind)(sizes[-1], n, padding))
        return sizes[1:]
    def conv(self, size, n, padding):
        return size if padding == "same" else max(0, size + 1 - n)
    def pool(self, size, n, padding):
        return divmod(size, n)[0]

trace_sizes = Tracer()
"""


@pytest.mark.parametrize(
    "code",
    [
        TRACE,
        RECURSIVE,
        VERBOSE,
        ACCUMULATED,
        AS_CLASS,
        TRACE.replace("return out", "return tuple(out)"),
        TRACE.replace("return out", "return np.array(out, dtype=np.int32)"),
        TRACE.replace("size //= n", "size = np.floor_divide(size, n)"),
        TRACE.replace("size //= n", "size = float(size // n)"),
    ],
)
def test_sizes_traced_another_way_pass(net3, code):
    result = run(net3, "net3-sizes", code)
    assert result.passed and result.hidden, result


CONV = 'size if padding == "same" else size - (n - 1)'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("size - (n - 1)", "size - n", "docstring's list"),
        ("size - (n - 1)", "size - 2", "docstring's list"),
        ("size //= n", "size = size / n", "no whole number"),
        ("size //= n", "size = -(-size // n)", "the size after layer"),
        ("size //= n", "size //= 2", "pooling by 3"),
        ("size //= n", "size = size // n if padding == 'valid' else -(-size // n)", "pooling by 3"),
        (CONV, "size - (n - 1)", "same padding"),
        (CONV, "size", "docstring's list"),
        (CONV, "size if padding == 'same' else max(size - n + 1, 1)", "docstring's list"),
        (CONV, "size - (1 - n % 2) if padding == 'same' else size - n + 1", "filter of 4 pixels"),
        ("out.append(max(size, 0))", "out.append(size)", "negative size"),
        ("size <= 0", "size < -99", "too many sizes"),
        ("size <= 0", "size <= 1", "too few sizes"),
        ("size=32", "size=28", "docstring's list"),
        ('padding="valid"', 'padding="same"', "docstring's list"),
        ("out = []", "out = [size]", "docstring's list"),
        ("for kind, n in layers:", "while layers:\n        kind, n = layers.pop(0)", "changes its"),
        ("return out", "pass", "None"),
        ("return out", "return out[-1]", "docstring's list"),
        ("out = []", "out = trace_sizes.__dict__.setdefault('out', [])", "make a new list"),
        (
            "out = []",
            "out = trace_sizes.__dict__.setdefault('out', []); out.clear()",
            "make a new list",
        ),
        (
            "out = []",
            "kept, key = trace_sizes.__dict__, f'{size} {padding} {len(layers)}'\n"
            "    if key in kept:\n        return list(kept[key])\n    out = kept[key] = []",
            "other layers, as many as in NET II",
        ),
        ("for kind, n in layers:", "for kind, n in NET3_LAYERS:", "docstring's list"),
    ],
)
def test_wrong_sizes_are_named(net3, old, new, words):
    assert old in TRACE
    assert_wrong(run(net3, "net3-sizes", TRACE.replace(old, new)), words)


# ------------------------------------------------------------------ net3-architecture


def builder(wrong=""):
    """NET III in functional form, with something wrong in it."""

    def build_net3(width=1.0, padding="same", dropout=0.5, l2=0.0005, classes=10):
        whole = {"int": int, "ceil": math.ceil}.get(wrong, round)

        def some(n):
            return n if wrong == "width" else whole(n * width)

        def drop(x):
            if wrong == "always dropout":
                return L.Dropout(0.5)(x)
            if wrong == "dropout after training too" and dropout:
                return L.Dropout(dropout)(x, training=True)
            kind = L.SpatialDropout2D if wrong == "spatial" and len(x.shape) == 4 else L.Dropout
            rate = min(dropout, 0.5) if wrong == "at most half" else dropout
            return kind(0.5 if wrong == "rate" else rate)(x) if dropout else x

        penalty = keras.regularizers.L2(l2 * (2 if wrong == "double" else 1)) if l2 else None
        if wrong == "l2 in name alone":
            penalty = None
        if wrong in ("always l2", "another l2 in name"):
            penalty = keras.regularizers.L2(0.0005)
        if wrong == "l2 at least":
            penalty = keras.regularizers.L2(l2 or 0.0005)
        if wrong == "l1 too":
            penalty = keras.regularizers.L1L2(l1=l2, l2=l2)
        more = {"bias_regularizer": penalty} if wrong == "biases" else {}
        if wrong == "outputs":
            more = {"activity_regularizer": penalty}
        inputs = x = keras.Input((32, 32, 3))
        padding = "valid" if wrong == "valid" else "same" if wrong == "padding" else padding
        for number, block in enumerate([(96, 96), (128,), (128, 128, 128)]):
            for filters in block[1:] if wrong == "shallow" else block:
                size = 5 if wrong == "filters" else 3
                kernel = penalty if wrong == "l2 on convolutions" else None
                start = "zeros" if wrong == "zeros" else "glorot_uniform"
                both = {"kernel_initializer": start, "kernel_regularizer": kernel}
                x = L.Conv2D(some(filters), size, padding=padding, **both)(x)
                x = L.ReLU()(x)
            x = L.AveragePooling2D(2)(x) if wrong == "average" else L.MaxPool2D()(x)
            x = x if wrong == "one dropout less" and number == 2 else drop(x)
        x = keras.ops.stop_gradient(x) if wrong == "stopped" else x
        x = L.Flatten()(x)
        for units in (1024, 512):
            x = L.Dense(some(units), "relu", kernel_regularizer=penalty, **more)(x)
            x = drop(x) if wrong != "dropout on convolutions alone" else x
        last = None if wrong == "last without l2" else penalty
        units = 10 if wrong == "classes" else some(classes) if wrong == "narrow end" else classes
        end = "relu" if wrong == "end" else "softmax"
        end = "sigmoid" if wrong == "binary" and classes == 2 else end
        net = keras.Model(inputs, L.Dense(units, end, kernel_regularizer=last)(x))
        if wrong == "compiled":
            net.compile("adam", "sparse_categorical_crossentropy")
        for layer in (one for one in net.layers if "in name" in wrong and isinstance(one, L.Dense)):
            layer.kernel_regularizer = keras.regularizers.L2(l2)  # Keras asks the weight instead
        return None if wrong == "nothing" else net

    return build_net3


def from_a_list(width=1.0, padding="same", dropout=0.5, l2=0.0005, classes=10):
    penalty = keras.regularizers.l2(l2)  # a factor of 0 is no penalty, too
    plan = [96, 96, "P", 128, "P", 128, 128, 128, "P", "F", 1024, "D", 512, "D"]
    net, kind = [keras.Input(shape=(32, 32, 3))], "conv"
    for word in plan:
        if word == "P":
            net += [L.MaxPooling2D((2, 2), strides=2), L.Dropout(dropout)]
        elif word == "D":
            net.append(L.Dropout(dropout))
        elif word == "F":
            net, kind = [*net, L.Flatten()], "dense"
        elif kind == "conv":
            net += [L.Conv2D(round(width * word), (3, 3), padding=padding), L.Activation("relu")]
        else:
            units = round(width * word)
            net.append(L.Dense(units, activation="relu", kernel_regularizer=penalty))
    net.append(L.Dense(classes, activation="softmax", kernel_regularizer=penalty))
    kept = [one for one in net if dropout or not isinstance(one, L.Dropout)]
    return keras.Sequential(kept)


class Net3(keras.Model):
    def __init__(self, width, padding, rate, l2, classes):
        super().__init__()
        penalty = keras.regularizers.L2(l2) if l2 else None
        sizes = (96, 96, 128, 128, 128, 128)
        self.convs = [
            L.Conv2D(round(width * n), 3, padding=padding, activation="relu") for n in sizes
        ]
        self.pool = L.MaxPooling2D(2)
        self.drop = L.Dropout(rate) if rate else None
        self.flatten = L.Flatten()
        self.fcs = [
            L.Dense(round(width * n), activation="relu", kernel_regularizer=penalty)
            for n in (1024, 512)
        ]
        self.out = L.Dense(classes, activation="softmax", kernel_regularizer=penalty)

    def dropped(self, x, training):
        return self.drop(x, training=training) if self.drop else x

    def call(self, x, training=False):
        for number, conv in enumerate(self.convs):
            x = conv(x)
            if number in (1, 2, 5):
                x = self.dropped(self.pool(x), training)
        x = self.flatten(x)
        for fc in self.fcs:
            x = self.dropped(fc(x), training)
        return self.out(x)


def subclassed(width=1.0, padding="same", dropout=0.5, l2=0.0005, classes=10):
    net = Net3(width, padding, dropout, l2, classes)
    net.build((None, 32, 32, 3))
    return net


def verbose(width: float = 1.0, padding="same", dropout=0.5, l2=0.0005, classes: int = 10):
    assert 0 <= dropout < 1 and l2 >= 0, "invalid regularization"
    print(f"building NET III with width {width}")
    net = keras.Sequential(name="net3")
    net.add(keras.Input(shape=(32, 32, 3), name="images"))
    for block, filters in enumerate([[96, 96], [128], [128] * 3], start=1):
        for conv, count in enumerate(filters, start=1):
            settings = {"filters": round(width * count), "kernel_size": (3, 3), "strides": (1, 1)}
            name = f"conv{block}_{conv}"
            net.add(L.Conv2D(**settings, padding=padding, activation=keras.ops.relu, name=name))
        net.add(L.MaxPooling2D(pool_size=(2, 2), strides=(2, 2), name=f"pool{block}"))
        if dropout > 0:
            net.add(L.Dropout(rate=dropout, name=f"drop{block}"))
    net.add(L.Reshape((16 * round(width * 128),)))
    for number, units in enumerate((1024, 512), start=1):
        penalty = keras.regularizers.L1L2(l2=l2)
        net.add(L.Dense(units=round(width * units), kernel_regularizer=penalty, name=f"fc{number}"))
        net.add(L.Activation(keras.activations.relu))
        if dropout > 0:
            net.add(L.Dropout(rate=dropout))
    penalty = keras.regularizers.L1L2(l2=l2)
    net.add(L.Dense(units=classes, kernel_regularizer=penalty, name="logits"))
    net.add(L.Softmax())
    return net


def by_operations(width=1.0, padding="same", dropout=0.5, l2=0.0005, classes=10):
    """Functional, with functions in the place of activation layers, and one pooling layer."""
    inputs = keras.Input((32, 32, 3))
    pool, x = L.MaxPooling2D(), inputs
    for n, last in ((96, 0), (96, 1), (128, 1), (128, 0), (128, 0), (128, 1)):
        x = keras.ops.relu(L.Conv2D(round(width * n), 3, padding=padding)(x))
        if last:
            x = pool(x)
            x = L.Dropout(dropout)(x) if dropout else x
    x = L.Flatten()(x)
    for n in (1024, 512, classes):
        n = n if n == classes else round(width * n)
        x = L.Dense(n, kernel_regularizer=keras.regularizers.L2(l2) if l2 else None)(x)
        if n == classes:
            return keras.Model(inputs, keras.activations.softmax(x))
        x = keras.ops.relu(x)
        x = L.Dropout(dropout)(x) if dropout else x


class OfItsOwn(keras.Model):
    def __init__(self, *settings):
        net = from_a_list(*settings)
        super().__init__(inputs=net.inputs, outputs=net.outputs, name="net3")


def in_its_own_class(width=1.0, padding="same", dropout=0.5, l2=0.0005, classes=10):
    return OfItsOwn(width, padding, dropout, l2, classes)


def without_input(*args, **settings):
    """Its weights are made when it sees an image."""
    layers = from_a_list(*args, **settings).layers
    return keras.Sequential([type(one).from_config(one.get_config()) for one in layers])


def with_a_penalty_given_to_its_weights(*args, l2=0.0005, **settings):
    net = builder()(*args, l2=0, **settings)
    for layer in net.layers:
        if l2 and isinstance(layer, L.Dense):
            layer.kernel.regularizer = keras.regularizers.L2(l2)
    return net


@pytest.mark.parametrize(
    "right",
    [
        builder(),
        without_input,
        from_a_list,
        subclassed,
        verbose,
        by_operations,
        in_its_own_class,
        with_a_penalty_given_to_its_weights,
    ],
)
def test_net3_built_another_way_passes(net3, right):
    result = run(net3, "net3-architecture", build_net3=right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("shallow", "convolution"),
        ("filters", "kernel_size 5"),
        ("average", "pooling"),
        ("one dropout less", "dropout"),
        ("dropout on convolutions alone", "dropout"),
        ("end", "activation relu; expected softmax"),
        ("rate", "rate"),
        ("at most half", "rate"),
        ("spatial", "SpatialDropout2D"),
        ("always dropout", "dropout"),
        ("dropout after training too", "drops values after training too"),
        ("width", "filters"),
        ("int", "filters"),
        ("ceil", "filters"),
        ("classes", "units"),
        ("narrow end", "units"),
        ("binary", "sigmoid"),
        ("double", "another L2 factor"),
        ("always l2", "another L2 factor"),
        ("l2 at least", "although l2 is 0"),
        ("last without l2", "FC layer 3 of 3 has no L2 penalty"),
        ("l2 in name alone", "FC layer 1 of 3 has no L2 penalty"),
        ("another l2 in name", "another L2 factor"),
        ("l2 on convolutions", "type Conv2D has a penalty"),
        ("l1 too", "another penalty than L2"),
        ("biases", "another penalty than L2"),
        ("outputs", "sets activity_regularizer"),
        ("padding", "ignores its argument padding"),
        ("compiled", "compiles the network"),
        ("stopped", "No gradient reaches the layer"),
        ("zeros", "begins with equal weights"),
        ("nothing", "returns None"),
    ],
)
def test_another_network_is_not_net3(net3, wrong, words):
    assert_wrong(run(net3, "net3-architecture", build_net3=builder(wrong)), words)


def test_a_builder_that_keeps_its_network_is_named(net3):
    kept = functools.lru_cache(builder())
    assert_wrong(run(net3, "net3-architecture", build_net3=kept), "the same network each time")


def test_a_builder_whose_networks_share_a_layer_is_named(net3):
    kept = functools.lru_cache(builder())

    def shares(*args, **kwargs):
        return keras.Sequential([keras.Input((32, 32, 3)), kept(*args, **kwargs)])

    result = run(net3, "net3-architecture", build_net3=shares)
    assert_wrong(result, "Two networks of build_net3 share layers")


def test_a_builder_that_ignores_an_argument_is_told_for_which_values(net3):
    assert_wrong(
        run(net3, "net3-architecture", build_net3=builder("classes")), "and classes=7, the"
    )


def test_net3_without_padding_is_kerass_error(net3):
    result = run(net3, "net3-architecture", build_net3=builder("valid"))
    assert_wrong(result, "size", status=checks.ERROR)


# ------------------------------------------------------------------ the trained networks


@pytest.fixture(scope="module")
def trained(net3):
    """The names after all solutions; the networks are fresh, since no check here needs more."""
    x, y = shapes.shapes10(60)
    x = np.float32(x) / 255
    names = net3.namespace(LAYERS, few_x=x[:40], few_y=y[:40], x_val=x[40:], y_val=y[40:])
    keras.utils.set_random_seed(1)
    names["mine"] = names["build_mine"]()
    names["mine_record"] = training.History({}, [], 1.5)
    names["entry"] = {"name": "somebody", "idea": "none"}
    return names


@pytest.fixture
def bands(monkeypatch):
    """Set the accuracies at which the three bands begin."""

    def set_bands(*starts):
        begin = {f"net3-own-{number}": start for number, start in enumerate(starts, start=1)}
        monkeypatch.setattr("autograder.submission.threshold", begin.__getitem__)

    return set_bands


def test_the_solution_passes_every_check(net3, trained, bands):
    bands(0.0, 0.01, 0.02)
    for test in net3.tests:
        result = net3.run(test, dict(trained))
        assert result.passed and result.hidden, (test, result)


def test_a_notebook_with_nothing_filled_in_is_not_attempted(net3, trained):
    given = ("few_x", "few_y", "x_val", "y_val", "NET3_LAYERS")
    for test in net3.tests:
        result = net3.run(test, net3.stubs(**{name: trained[name] for name in given}))
        assert result.status == checks.NOT_ATTEMPTED, (test, result)


# ------------------------------------------------------------------ net3-gap

GAP = """
def fair_gap(model, train_images, train_labels, val_images, val_labels):
    def share(x, y):
        return np.mean(np.array(model(x, training=False)).argmax(-1) == y[:, 0])
    a, b = share(train_images, train_labels), share(val_images, val_labels)
    return {"training": a, "validation": b, "gap": a - b}
"""
BOTH_WAYS = "np.array(model(x, training=False) + model(x[:, :, ::-1], training=False))"
BY_EVALUATE = """
def fair_gap(model, train_images, train_labels, val_images, val_labels):
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    a = model.evaluate(train_images, train_labels, verbose=0)[1]
    b = model.evaluate(val_images, val_labels, verbose=0)[1]
    return dict(gap=a - b, validation=b, training=a)
"""
VERBOSE_GAP = """
def fair_gap(
    model: keras.Model,
    train_images: np.ndarray,
    train_labels: np.ndarray,
    val_images: np.ndarray,
    val_labels: np.ndarray,
) -> dict:
    assert train_images.ndim == 4 and train_images.shape[1:] == (32, 32, 3), train_images.shape
    assert len(val_images) == len(val_labels), "images and labels do not match"
    if not model.compiled or "accuracy" not in model.metrics_names:
        print("compiling the network")
        model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    result = {}
    for key, images, labels in (
        ("training", train_images, train_labels),
        ("validation", val_images, val_labels),
    ):
        figures = model.evaluate(x=images, y=labels, batch_size=64, verbose=0, return_dict=True)
        print(f"{key}: {figures}")
        result[key] = float(figures["accuracy"])
    result["gap"] = result["training"] - result["validation"]
    return result
"""
BY_LIBRARY = """
from sklearn.metrics import accuracy_score

def fair_gap(model, train_images, train_labels, val_images, val_labels):
    pairs = (train_images, train_labels), (val_images, val_labels)
    a, b = (accuracy_score(y, model.predict(x, verbose=0).argmax(axis=1)) for x, y in pairs)
    return {"training": a, "validation": b, "gap": a - b}
"""
BY_METRIC = """
class Fair:
    def __init__(self, model):
        self.model, self.metric = model, keras.metrics.SparseCategoricalAccuracy()
    def of(self, x, y):
        self.metric.reset_state()
        for at in range(0, len(x), 7):
            self.metric.update_state(y[at : at + 7], self.model.predict_on_batch(x[at : at + 7]))
        return np.float32(self.metric.result())

def fair_gap(model, train_images, train_labels, val_images, val_labels):
    fair = Fair(model)
    a, b = fair.of(train_images, train_labels), fair.of(val_images, val_labels)
    return {"gap": np.subtract(a, b), "training": a, "validation": b}
"""
BY_LOOP = """
def fair_gap(model, train_images, train_labels, val_images, val_labels):
    hits = []
    for x, y in [(train_images, train_labels), (val_images, val_labels)]:
        right = 0
        for row, label in zip(model.predict(x, verbose=0), y):
            if int(np.argmax(row)) == int(label[0]):
                right += 1
        hits.append(right / len(y))
    return {"training": hits[0], "validation": hits[1], "gap": hits[0] - hits[1]}
"""


@pytest.mark.parametrize(
    "code", [GAP, BY_EVALUATE, VERBOSE_GAP, BY_LIBRARY, BY_METRIC, BY_LOOP], ids=range(6)
)
def test_a_fair_gap_found_another_way_passes(net3, code):
    result = run(net3, "net3-gap", code)
    assert result.passed and result.hidden, result


PAIR = '{"training": a, "validation": b, "gap": a - b}'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("a - b", "b - a", "the gap"),
        ("a - b", "abs(a - b)", "the gap"),
        ("a - b", "1 - b", "the gap"),
        ("a - b", "max(a - b, 0)", "the gap"),
        ("training=False", "training=True", "with dropout, with nothing dropped, is"),
        ("y[:, 0]", "y", "training accuracy"),
        (
            "def share(x, y):\n",
            "def share(x, y, n=32):\n        x, y = x[:n], y[:n]\n",
            "accuracy of a",
        ),
        ("argmax(-1)", "argmin(-1)", "training accuracy"),
        ("argmax(-1)", "argmax(0)", "differ"),
        ("share(val_images, val_labels)", "share(train_images, train_labels)", "validation"),
        ("share(val_images, val_labels)", "share(train_images, val_labels)", "differ"),
        ('"gap": a - b', '"difference": a - b', "list of keys"),
        (PAIR, "a - b", "not return a dictionary"),
        (PAIR, f"fair_gap.__dict__.setdefault(model.name, {PAIR})", "both sets exchanged"),
        (
            PAIR,
            f"(kept := fair_gap.__dict__.setdefault('kept', {{}}), kept.update({PAIR}))[0]",
            "make a new dictionary in each call",
        ),
        (PAIR, '{"training": b, "validation": a, "gap": a - b}', "training accuracy"),
        (PAIR, "print(a - b)", "returns None"),
        ('"training": a', '"training": a * 100', "training accuracy"),
        ('"training": a', '"training": 1.0', "training accuracy of a network"),
        ('"validation": b', '"validation": round(b, 1)', "validation accuracy of a network"),
        ("a, b = ", "train_labels[:] = 0; a, b = ", "changes its argument train_labels"),
        ("np.mean", "np.sum", "training accuracy"),
        ("model(x,", "model(x / 255,", "on all of the 84 images as they are, is wrong"),
        ("y):\n", "y):\n        x, y = x[:1000], y[:1000]\n", "all of the 1061 images as they are"),
        (
            "y):\n",
            "y):\n        at = np.random.choice(len(x), min(len(x), 200), False)\n"
            "        x, y = x[at], y[at]\n",
            "all of the 1061 images as they are",
        ),
        (
            "share(val_images, val_labels)",
            "np.mean(np.array(model(val_images, training=True)).argmax(-1) == val_labels[:, 0])",
            "validation accuracy of a network with dropout, with nothing dropped",
        ),
        ("model(x,", "model(x[:, :, ::-1],", "images as they are"),
        ("np.array(model(x, training=False))", BOTH_WAYS, "images as they are"),
        (
            "    a, b = ",
            "    model.set_weights([np.round(w, 3) for w in model.get_weights()])\n    a, b = ",
            "changes its argument model",
        ),
        (
            "    a, b = ",
            "    if getattr(model, 'history', None):\n        h = model.history.history\n"
            "        a, b = h['accuracy'][-1], h['val_accuracy'][-1]\n"
            "        return {'training': a, 'validation': b, 'gap': a - b}\n    a, b = ",
            "of a network that has curves, measured anew",
        ),
        (
            "    a, b = ",
            "    if len(train_images) < 10:\n"
            "        return {'training': 1.0, 'validation': 0.5, 'gap': 0.5}\n    a, b = ",
            "",
        ),
        (
            "    a, b = ",
            '    if model.weights:\n        model.compile("adam", "mse")\n'
            "        model.fit(train_images, train_labels, verbose=0)\n    a, b = ",
            "changes its argument model",
        ),
    ],
)
def test_an_unfair_gap_is_named(net3, old, new, words):
    assert old in GAP
    result = run(net3, "net3-gap", GAP.replace(old, new))
    if words == "differ":  # the shapes do not even fit
        assert result.status in (checks.WRONG, checks.ERROR), result
    else:
        assert_wrong(result, words)


def test_an_evaluation_that_ends_in_an_error_is_named(net3):
    code = BY_EVALUATE.replace("model.compile(", "dict(")
    assert_wrong(run(net3, "net3-gap", code), "use predict, or compile it first")
    code = BY_EVALUATE.replace("sparse_categorical", "categorical")
    assert_wrong(run(net3, "net3-gap", code), "labels are integers")
    code = BY_EVALUATE.replace(', metrics=["accuracy"]', "")
    assert_wrong(run(net3, "net3-gap", code), "returns the loss alone")
    assert_wrong(
        run(net3, "net3-gap", code.replace(")[1]", ")").replace("a =", "_, a =")), "loss alone"
    )
    compiles = '    if not model.compiled:\n        model.compile("adam", '
    code = BY_EVALUATE.replace("    model.compile(", compiles)
    result = run(net3, "net3-gap", code)
    assert_wrong(result, "accuracy of a network that was compiled with another metric")
    code = code.replace("verbose=0)[1]", "verbose=0, return_dict=True)['accuracy']")
    assert_wrong(run(net3, "net3-gap", code), "may be compiled with other metrics: compile it anew")
    for taken in ('["accuracy"]', '"accuracy"'):
        code = BY_EVALUATE.replace("loss=", "'adam', ").replace('metrics=["accuracy"]', taken)
        assert_wrong(run(net3, "net3-gap", code), "for weights of the losses")


# ------------------------------------------------------------------ net3-compare

COMPARE = """
def compare(nets, records, gaps):
    rows = []
    for name in nets:
        rows.append(dict(
            name=name, parameters=sum(int(np.prod(w.shape)) for w in nets[name].weights),
            seconds=records[name].seconds, accuracy=gaps[name]["validation"],
            gap=gaps[name]["gap"]))
    rows.sort(key=lambda row: -row["accuracy"])
    return rows
"""
VERBOSE_COMPARE = """
from operator import itemgetter
from typing import Any, Dict, List

def compare(nets: Dict[str, keras.Model], records: dict, gaps: dict) -> List[Dict[str, Any]]:
    assert set(nets) == set(records) == set(gaps), "the names differ"
    table: List[Dict[str, Any]] = []
    for name, net in nets.items():
        assert isinstance(net, keras.Model), f"{name} is no network"
        row = {"name": name, "parameters": int(net.count_params())}
        row["seconds"] = float(records[name].seconds)
        row["accuracy"], row["gap"] = itemgetter("validation", "gap")(gaps[name])
        print(f"{name}: {row}")
        table.append(row)
    return sorted(table, key=itemgetter("accuracy"), reverse=True)
"""
BY_DATACLASS = """
from dataclasses import asdict, dataclass

@dataclass
class Row:
    name: str
    parameters: int
    seconds: float
    accuracy: float
    gap: float

def compare(nets, records, gaps):
    best = sorted(gaps, key=lambda n: gaps[n]["validation"])[::-1]
    rows = [(n, nets[n].count_params(), records[n].seconds, gaps[n]["validation"]) for n in best]
    return [asdict(Row(*row, gap=gaps[row[0]]["gap"])) for row in rows]
"""


@pytest.mark.parametrize(
    "code",
    [
        COMPARE,
        VERBOSE_COMPARE,
        BY_DATACLASS,
        COMPARE.replace("return rows", "return tuple(rows)"),
        COMPARE.replace("in nets:", "in reversed(nets):"),
        COMPARE.replace('["gap"]', '["training"] - gaps[name]["validation"]'),
        COMPARE.replace('gaps[name]["validation"]', 'records[name].history["val_accuracy"][-1]'),
        COMPARE.replace("rows.append(dict(", "rows.insert(0, dict(").replace("int(", "np.int64("),
    ],
    ids=range(8),
)
def test_a_table_made_another_way_passes(net3, code):
    result = run(net3, "net3-compare", code)
    assert result.passed and result.hidden, result


SORTED = '    rows.sort(key=lambda row: -row["accuracy"])\n'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (SORTED, "", "list of the names"),
        (SORTED, "    rows.sort(key=lambda row: row['name'], reverse=True)\n", "names"),
        ('-row["accuracy"]', 'row["accuracy"]', "names"),
        ('-row["accuracy"]', '-row["gap"]', "names"),
        ('-row["accuracy"]', '-row["parameters"]', "names"),
        ('-row["accuracy"]', '-gaps[row["name"]]["training"]', "names"),
        ('gaps[name]["validation"]', 'gaps[name]["training"]', "names"),
        ('gaps[name]["validation"]', 'round(gaps[name]["validation"], 2)', "accuracy"),
        ('gaps[name]["validation"]', 'max(records[name].history["val_accuracy"])', "accuracy"),
        ('gaps[name]["validation"]', 'records[name].history["accuracy"][-1]', "names"),
        ('gaps[name]["gap"]', 'gaps[name]["training"]', "gap"),
        ('gaps[name]["gap"]', 'abs(gaps[name]["gap"])', "gap"),
        ("nets[name].weights", "nets[name].layers[-1].weights[:1]", "parameters"),
        ("nets[name].weights", "nets[name].trainable_weights", "parameters"),
        ("nets[name].weights", "[w for l in nets[name].layers[-2:] for w in l.weights]", "param"),
        ("np.prod(w.shape)", "np.prod(w.shape[:2])", "total number of parameters in a row"),
        (
            "sum(int(np.prod(w.shape)) for w in nets[name].weights)",
            "compare.__dict__.setdefault(name, nets[name].count_params())",
            "called again with other figures",
        ),
        (
            "rows = []",
            "rows = compare.__dict__.setdefault('rows', []); rows.clear()",
            "make a new list in each call",
        ),
        ("return rows", "return rows[:1]", "number of rows"),
        ("return rows", "return rows[:3]", "number of rows"),
        (
            "return rows",
            'return list({row["accuracy"]: row for row in rows}.values())',
            "two of which have the same accuracy: keep both",
        ),
        ('-row["accuracy"]', '-round(row["accuracy"], 2)', "not in order"),
        ('key=lambda row: -row["accuracy"]', "reverse=True", "sorts whole rows"),
        (
            SORTED,
            "    rows = [(row['accuracy'], row) for row in rows]\n"
            "    rows = [row for _, row in sorted(rows, reverse=True)]\n",
            "with two equal accuracies, compare sorts by",
        ),
        ("return rows", "return {row['name']: row for row in rows}", "returns a dict"),
        ("return rows", "return [list(row.values()) for row in rows]", "row is no dictionary"),
        ("return rows", "return rows[0]", "returns a dict"),
        ("return rows", "print(rows)", "returns None"),
        ("gap=gaps", "difference=gaps", "list of the keys"),
        ("records[name].seconds", "0.0", "seconds"),
        ("records[name].seconds", "list(records.values())[len(rows)].seconds", "seconds"),
        ("records[name].seconds", "records[name].seconds / 60", "seconds"),
        ("records[name].seconds", "round(records[name].seconds, 3)", "seconds and not rounded"),
        ('gaps[name]["gap"]', 'round(gaps[name]["gap"], 4)', "fair gap in a row, not rounded"),
        ('gaps[name]["gap"]', 'round(gaps[name]["gap"], 5)', "fair gap in a row, not rounded"),
        (
            'gaps[name]["validation"]',
            'round(gaps[name]["validation"], 5)',
            "validation accuracy in a row, not rounded",
        ),
        (
            "for name in nets:\n",
            'for name in nets:\n        records[name].history["val_accuracy"].sort()\n',
            "changes its argument records",
        ),
        ('gaps[name]["gap"]', 'gaps[name].pop("gap")', "changes its argument gaps"),
    ],
)
def test_a_wrong_table_is_named(net3, old, new, words):
    assert old in COMPARE
    assert_wrong(run(net3, "net3-compare", COMPARE.replace(old, new)), words)


def test_the_sort_of_whole_rows_is_named_where_an_error_tells_its_name_alone(net3, monkeypatch):
    """A notebook that has met hidden arguments tells no more than the name of its exception."""

    def call(*args, **kwargs):
        raise checks.StudentError("In a hidden check, compare ends in a TypeError: it mixes types.")

    monkeypatch.setattr("autograder.submission.call", call)
    assert_wrong(run(net3, "net3-compare"), "with two equal accuracies, compare sorts by")


def test_the_notebook_brings_the_earlier_networks_along(net3):
    names = net3.namespace(exercise.locked("06_net_3", "net3-earlier"))
    end = "flatten, dense 512 relu, dense 10 softmax"
    conv = "conv {0}x{0}x{1} relu"
    for name, size, total in (("build_net1", 3, 193_034), ("build_net2", 5, 686_090)):
        pool = ["pool 2"] if size == 3 else []
        layers = [conv.format(size, 32), *pool, conv.format(size, 64), "pool 2"]
        layers += [conv.format(size, 64), "pool 2", end]
        checks.architecture(names[name](), ", ".join(layers))
        checks.parameters(names[name](), total=total, trainable=total)
        checks.made_anew(names[name](), names[name](), name)


# ------------------------------------------------------------------ net3-own


@pytest.mark.parametrize(("starts", "points"), [((0, 0.9, 1), 2), ((0, 0, 1), 4), ((0, 0, 0), 6)])
def test_each_band_is_worth_two_points(net3, trained, bands, starts, points):
    bands(*starts)
    result = net3.run("net3-own", own(net3, trained, TRAIN))
    assert result.passed and result.score == points, result


def other_kind():
    inputs = keras.Input((32, 32, 3))
    x = L.SeparableConv2D(32, 3, strides=2, activation="gelu")(L.RandomFlip("horizontal")(inputs))
    x = L.LayerNormalization()(L.Add()([x, L.Conv2D(32, 1)(x)]))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(L.GlobalAveragePooling2D()(x)))


def without_input():
    return keras.Sequential([L.GlobalAveragePooling2D(), L.Dense(10, activation="softmax")])


class Inside(keras.Model):
    """A class whose layers have no weights yet after build with a shape."""

    def __init__(self):
        super().__init__()
        self.body = [keras.Sequential([L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU()])]
        self.top = L.Dense(10, activation="softmax")

    def call(self, x, training=False):
        for part in self.body:
            x = part(x, training=training)
        return self.top(keras.ops.mean(x, axis=(1, 2)))


def built_by_its_shape():
    net = Inside()
    with warnings.catch_warnings(action="ignore"):
        net.build((None, 32, 32, 3))
    return net


def compiled(net):
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net


@pytest.mark.parametrize("make", [other_kind, own_class, without_input, built_by_its_shape])
def test_a_network_of_another_kind_is_welcome(net3, trained, bands, make):
    bands(0, 0, 0)
    names = own(net3, trained, TRAIN, build_mine=lambda: compiled(make()))
    result = net3.run("net3-own", names)
    assert result.passed and result.score == 6, result


def own(net3, trained, code="", **names):
    """The notebook's names with other answers to the last exercise; the network is not trained."""
    left = ("__builtins__", "build_mine", "train_mine", "mine")
    space = net3.namespace(SMALL + code, **{k: v for k, v in trained.items() if k not in left})
    space.update(names)
    space["mine"] = names.get("mine") or space["build_mine"]()
    return space


SMALL = """
def build_mine(loss="sparse_categorical_crossentropy"):
    net = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.GlobalAveragePooling2D()])
    net.add(keras.layers.Dense(10, activation="softmax", name="end"))
    net.compile("adam", loss, metrics=["accuracy"])
    return net
"""
TRAIN = """
def train_mine(model, x, y, val_images, val_labels):
    return training.fit(model, "net3_mine", x, y, validation_data=(val_images, val_labels))
"""
BY_HAND = """
def by_hand(model, images, labels):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = keras.losses.sparse_categorical_crossentropy(labels[:, 0], model(images))
    slopes = tape.gradient(loss, model.trainable_weights)
    keras.optimizers.Adam().apply_gradients(zip(slopes, model.trainable_weights))
"""
FIT = 'training.fit(model, "net3_mine", x, y, validation_data=(val_images, val_labels))'
ONE_HOT = """
_small = build_mine

def build_mine():
    return _small(keras.losses.CategoricalCrossentropy(label_smoothing=0.1))

def train_mine(model, x, y, val_images, val_labels):
    rows, val_rows = (keras.utils.to_categorical(part, 10) for part in (y, val_labels))
    rate = keras.callbacks.ReduceLROnPlateau(monitor="val_accuracy", factor=0.5, patience=1)
    return training.fit(model=model, name="net3_mine", x=x, y=rows, epochs=2, batch_size=8,
                        validation_data=(val_images, val_rows), callbacks=[rate])
"""
STREAM = """
import tensorflow as tf

def train_mine(model, x, y, val_images, val_labels):
    def changed(image, label):
        image = tf.image.random_flip_left_right(image)
        return tf.image.random_brightness(image, 0.1), label
    stream = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(100).map(changed).batch(8)
    held = tf.data.Dataset.from_tensor_slices((val_images, val_labels)).batch(8)
    return training.fit(model, "net3_mine", stream, None, validation_data=held)
"""
MIRRORED = """
def train_mine(model, x, y, val_images, val_labels):
    x, y = np.concatenate([x, x[:, :, ::-1]]), np.concatenate([y, y])
    order = np.random.permutation(len(x))
    return training.fit(model, "net3_mine", x[order], np.ravel(y)[order])
"""
MIXED = """
def train_mine(model, x, y, val_images, val_labels):
    share, other = np.random.beta(0.2, 0.2, (len(x), 1, 1, 1)), np.random.permutation(len(x))
    x = np.float32(share * x + (1 - share) * x[other])
    return training.fit(model, "net3_mine", x, y, validation_data=(val_images, val_labels))
"""
TWICE = """
def train_mine(model, x, y, val_images, val_labels):
    training.fit(model, "net3_mine_first", x, y)
    model.get_layer("end").trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return training.fit(model, "net3_mine", x, y, validation_split=0.2)
"""


# Copies of x in other colors, to train on together with x.
RECOLORED = {
    "brighter": "np.clip(x * 1.2, 0, 1)",
    "as bright as can be": "np.minimum(x / x.max(axis=(1, 2, 3), keepdims=True), 1)",
    "stretched": "(x - x.min(axis=(1, 2, 3), keepdims=True))"
    " / np.ptp(x, axis=(1, 2, 3), keepdims=True)",
    "channels in another order": "np.stack([one[..., np.random.permutation(3)] for one in x])",
    "green for red": "x[..., [1, 0, 2]]",
    "gray": "np.repeat(x.mean(-1, keepdims=True), 3, -1)",
    "with noise": "np.clip(x + np.random.normal(0, 0.05, x.shape), 0, 1)",
    "blue and moved": "np.roll("
    "np.pad(x[..., ::-1], ((0, 0), (0, 4), (0, 4), (0, 0))), 4)[:, 4:, 4:]",
}


def with_copies(copies, also=""):
    return TRAIN.replace(
        "    return",
        f"    {also}\n    more = np.float32({copies})\n"
        "    x, y = np.concatenate([x, more]), np.concatenate([y, y])\n    return",
    )


@pytest.mark.parametrize("copies", RECOLORED.values(), ids=RECOLORED)
def test_a_training_on_other_colors_too_is_welcome(net3, trained, bands, copies):
    bands(0, 0, 0)
    result = net3.run("net3-own", own(net3, trained, with_copies(copies)))
    assert result.passed and result.score == 6, result


ADDED = "x, y = np.concatenate([x, val_images]), np.concatenate([y, val_labels])"


@pytest.mark.parametrize("copies", RECOLORED.values(), ids=RECOLORED)
def test_validation_images_in_other_colors_are_named(net3, trained, bands, copies):
    bands(0, 0, 0)
    code = with_copies(copies, also=ADDED)
    assert_wrong(net3.run("net3-own", own(net3, trained, code)), "validation images too")


OWN_LOSS = """
_small = build_mine

def softened(rows, chances):
    return keras.losses.categorical_crossentropy(rows, chances, label_smoothing=0.1)

def build_mine():
    return _small(softened)

def train_mine(model, x, y, val_images, val_labels):
    return training.fit(model, "net3_mine", x, keras.utils.to_categorical(y, 10))
"""


@pytest.mark.parametrize(
    "code", [TRAIN, ONE_HOT, STREAM, MIRRORED, MIXED, TWICE, OWN_LOSS], ids=range(7)
)
def test_a_training_of_another_kind_is_welcome(net3, trained, bands, code):
    bands(0, 0, 0)
    result = net3.run("net3-own", own(net3, trained, code))
    assert result.passed and result.score == 6, result


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (FIT.replace("x, y,", "val_images, val_labels,"), "validation images too"),
        (
            FIT.replace("x, y,", "np.r_[x, val_images], np.r_[y, val_labels],"),
            "validation images too",
        ),
        (FIT.replace("x, y,", "few_x, few_y,"), "other images than its argument x"),
        (  # some photographs are as green as the check's validation images
            FIT.replace(
                "x, y,",
                "few_x * np.float32([0.1, 1, 0.1]) ** (np.arange(len(few_x)) < 9)"
                "[:, None, None, None], few_y,",
            ),
            "other images than its argument x",
        ),
        (
            FIT.replace("x, y,", "np.r_[x, few_x], np.r_[y, few_y],"),
            "other images than its argument x",
        ),
        (FIT.replace("x, y,", "x, y[::-1],"), "labels that are not their own"),
        (FIT.replace("x, y,", "x, np.zeros_like(y),"), "labels that are not their own"),
        (FIT.replace("(val_images, val_labels)", "(few_x, few_y)"), "validates on other images"),
        (FIT.replace('"net3_mine"', '"mine"'), "saves its checkpoint as 'mine'"),
        ("None", "does not train"),
        (FIT.replace("model", "mine"), "leaves the weights"),
        (
            f"({FIT}, model.train_on_batch(val_images, val_labels))[0]",
            "fits weights outside training.fit: leave train_on_batch out",
        ),
        (f"({FIT}, by_hand(model, val_images, val_labels))[0]", "leave optimizer.apply_gradients"),
        (f"(by_hand(model, x, y), {FIT})[1]", "leave optimizer.apply_gradients out"),
    ],
)
def test_a_training_on_other_images_is_named(net3, trained, bands, new, words):
    bands(0, 0, 0)
    code = BY_HAND + TRAIN.replace(FIT, new)
    assert_wrong(net3.run("net3-own", own(net3, trained, code)), words)


def test_a_builder_that_gives_mine_again_is_named(net3, trained, bands):
    bands(0, 0, 0)
    names = own(net3, trained, TRAIN)
    names["build_mine"] = lambda: names["mine"]
    assert_wrong(net3.run("net3-own", names), "build_mine returns the same network each time")


def small_net(units=10, end="softmax", shape=(32, 32, 3), hidden=0):
    net = keras.Sequential([keras.Input(shape), L.Flatten()])
    if hidden:
        net.add(L.Dense(hidden, "relu"))
    net.add(L.Dense(units, activation=end))
    return compiled(net)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"mine": small_net(hidden=65)}, "the budget is 200,000"),
        ({"mine": small_net(units=9)}, "shape (20, 9)"),
        ({"mine": small_net(end=None)}, "probabilities"),
        ({"mine": small_net(end="sigmoid")}, "probabilities"),
        ({"mine_record": None}, "returns None"),
        ({"mine_record": {"loss": [1.0]}}, "returns a dict: return what training.fit returns"),
        ({"entry": {"name": "x"}}, "list of the entry's keys"),
        ({"entry": None}, "not a dictionary"),
        ({"entry": {"name": 3, "idea": "x"}}, "two strings"),
        ({"entry": {"name": "x", "idea": None}}, "two strings"),
    ],
)
def test_work_outside_the_rules_is_named(net3, trained, bands, names, words):
    bands(0, 0, 0)
    result = net3.run("net3-own", dict(trained) | names)
    assert_wrong(result, words)
    assert not result.hidden


def test_a_builder_over_the_budget_is_found(net3, trained, bands):
    bands(0, 0, 0)
    names = own(net3, trained, mine=small_net())
    names["build_mine"] = lambda: small_net(hidden=65)
    assert_wrong(net3.run("net3-own", names), "build_mine returns has more than 200,000")


def test_below_the_first_band_there_are_words_and_no_points(net3, trained, bands):
    bands(0.99, 1, 1)
    result = net3.run("net3-own", own(net3, trained, TRAIN))
    assert_wrong(result, "the first band begins at 99%")
    assert result.hidden and result.score is None


def test_an_accuracy_just_below_a_band_is_not_rounded_up_to_it(net3, trained, bands, monkeypatch):
    bands(0, 0.9, 0.95)
    monkeypatch.setattr("autograder.submission.measured", lambda measure: 0.8997)
    result = net3.run("net3-own", own(net3, trained, TRAIN))
    words = "right about 89.9% of the held-out images; the next band begins at 90%"
    assert result.score == 2 and words in str(result), result


def test_the_leaderboard_is_told_what_the_judge_measured(net3, trained, bands):
    bands(0, 0, 0)
    names = own(net3, trained, TRAIN, entry={"name": "x", "idea": "y"})
    result = net3.run("net3-own", names)
    assert result.passed
    told = result.notes
    assert (told["name"], told["idea"]) == ("x", "y")
    assert 0 <= told["accuracy"] <= 1 and told["parameters"] <= 200_000
