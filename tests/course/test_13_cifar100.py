"""13 CIFAR-100: right answers in more than one form pass, and wrong ones fail in words."""

import functools
import math

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks, data, training

L = keras.layers
BASE = ((64, 2), (128, 2), (256, 3), (512, 3))


@pytest.fixture(scope="module")
def c100():
    return exercise.load("13_cifar100")


@pytest.fixture(scope="module")
def arrays():
    """What the notebook's plain cells make, on few images."""
    images = data.load("cifar100", train=500, test=200).scaled()
    fine, fine_test = images.y_train[:, 0], images.y_test[:, 0]
    names = {"x_train": images.x_train[:300], "x_val": images.x_train[300:]}
    names |= {"fine_train": fine[:300], "fine_val": fine[300:]}
    names |= {"x_test": images.x_test, "fine_test": fine_test, "asked": {"epochs": 1}}
    rows = {"train": fine[:300], "val": fine[300:], "test": fine_test}
    return names | {f"y_{part}": np.eye(100, dtype="float32")[of] for part, of in rows.items()}


def assert_wrong(result, words, hidden=None, status=checks.WRONG):
    assert result.status == status, result
    assert words.lower() in result.message.lower(), result
    assert hidden in (None, result.hidden), result


def assert_right(result):
    assert result.passed and result.hidden, result


def judged(c100, test, body, **names):
    return c100.run(test, c100.namespace(body, **names))


def test_a_notebook_with_nothing_filled_in_is_not_attempted(c100, arrays):
    for test in c100.tests:
        result = c100.run(test, c100.stubs(BASE=BASE, **arrays))
        assert result.status == checks.NOT_ATTEMPTED, (test, result)


# ------------------------------------------------------------------ c100-onehot

ONE_HOT = "def one_hot(labels, classes=100):\n    {}"
VERBOSE_ONE_HOT = """
def one_hot(labels: np.ndarray, classes: int = 100) -> np.ndarray:
    labels = np.asarray(labels)
    assert labels.ndim in (1, 2), f"unexpected shape {labels.shape}"
    flat = labels.reshape(-1).astype(int)
    assert flat.min() >= 0 and flat.max() < classes, "a label is out of range"
    result = np.zeros(shape=(flat.shape[0], classes), dtype=np.float32)
    for row, label in enumerate(flat):
        result[row, label] = 1.0
    print("one_hot:", result.shape)
    return result
"""


@pytest.mark.parametrize(
    "body",
    [
        "return keras.utils.to_categorical(np.ravel(labels), classes).astype('float32')",
        "return keras.ops.one_hot(np.ravel(labels), classes, dtype='float32')",
        "rows = np.zeros((len(labels), classes), np.float32)\n"
        "    rows[np.arange(len(labels)), np.reshape(labels, -1)] = 1\n"
        "    return rows",
        "return (np.reshape(labels, (-1, 1)) == np.arange(classes)).astype(np.float32)",
        "return np.identity(classes, 'float32')[labels.flatten()]",
        "rows = [[float(k == y) for k in range(classes)] for y in labels.ravel()]\n"
        "    return np.array(rows, np.float32)",
        VERBOSE_ONE_HOT,
    ],
)
def test_rows_made_another_way_pass(c100, body):
    code = body if "def " in body else ONE_HOT.format(body)
    assert_right(judged(c100, "c100-onehot", code))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return np.eye(classes)[np.ravel(labels)]", "dtype float64"),
        ("return np.eye(classes, dtype='float32')[np.ravel(labels)].tolist()", "dtype float64"),
        ("return np.eye(classes, dtype='int')[np.ravel(labels)]", "dtype int64"),
        ("return np.eye(classes, dtype='float32')[labels]", "shape (2, 1, 5)"),
        ("return np.eye(classes, dtype='float32')[np.squeeze(labels)]", "another shape"),
        ("return np.eye(labels.max() + 1, dtype='float32')[np.ravel(labels)]", "another shape"),
        (
            "return np.eye(int(labels.max()) + 1, dtype='float32')[np.ravel(labels)][:, :classes]",
            "another shape",
        ),
        ("return np.eye(classes, dtype='float32')[np.ravel(labels) - 1]", "differs"),
        ("return np.eye(classes, dtype='float32')", "shape (3, 3)"),
        ("return np.eye(100, dtype='float32')[np.ravel(labels)]", "shape (2, 100)"),
        ("return np.eye(classes, dtype='float32')[np.ravel(labels)].T", "shape (3, 2)"),
        ("return 1 - np.eye(classes, dtype='float32')[np.ravel(labels)]", "differs"),
        ("np.eye(classes, dtype='float32')[np.ravel(labels)]", "None"),
        ("labels.shape = -1; return np.eye(classes, dtype='float32')[labels]", "changes its first"),
        (
            "labels -= labels.min(); return np.eye(classes, dtype='f4')[labels.ravel()]",
            "some places",
        ),
    ],
)
def test_rows_that_are_not_one_hot_are_named(c100, body, words):
    assert_wrong(judged(c100, "c100-onehot", ONE_HOT.format(body)), words)


def test_another_usual_number_of_classes_is_found(c100):
    code = ONE_HOT.format("return np.eye(classes, dtype='float32')[np.ravel(labels)]")
    assert_wrong(judged(c100, "c100-onehot", code.replace("=100", "=120")), "without an argument")
    code = ONE_HOT.format(
        "return np.eye(classes or labels.max() + 1, dtype='f4')[np.ravel(labels)]"
    )
    assert_wrong(judged(c100, "c100-onehot", code.replace("=100", "=None")), "without an argument")


# ------------------------------------------------------------------ c100-base


def functional(blocks=BASE, dropout=0.5, width=1.0, classes=100):
    inputs = x = keras.Input((32, 32, 3))
    for filters, convolutions in blocks:
        for _ in range(convolutions):
            x = L.ReLU()(L.Conv2D(round(width * filters), (3, 3), padding="same")(x))
        x = L.MaxPool2D((2, 2), strides=2)(L.BatchNormalization(momentum=0.9)(x))
    x = L.Flatten()(x)
    x = L.Dropout(dropout)(x) if dropout else x
    x = L.Activation("sigmoid")(L.Dense(round(width * 512))(x))
    return keras.Model(inputs, L.Softmax()(L.Dense(classes)(x)))


def variant(**changed):
    """A builder of the base with something changed."""

    def build(blocks=BASE, dropout=0.5, width=1.0, classes=100):
        blocks, width = changed.get("blocks", blocks), changed.get("width", width)
        whole, kernel = changed.get("whole", round), changed.get("kernel", 3)
        net = keras.Sequential([L.Input((32, 32, 3))])
        for filters, convolutions in blocks:
            for _ in range(convolutions):
                sizes = {"padding": changed.get("padding", "same")}
                net.add(L.Conv2D(whole(width * filters), kernel, activation="relu", **sizes))
                if changed.get("bn") == "each":
                    net.add(L.BatchNormalization(momentum=0.9))
            if changed.get("bn", "block") == "block":
                net.add(L.BatchNormalization(momentum=changed.get("momentum", 0.9)))
            net.add(L.MaxPooling2D())
        net.add(L.Flatten())
        rate = changed.get("dropout", dropout)
        if rate is not None and (rate or changed.get("always")):
            net.add(L.Dropout(rate))
        units = changed.get("units", round(width * 512))
        net.add(L.Dense(units, activation=changed.get("fc", "sigmoid")))
        if changed.get("second"):
            net.add(L.Dense(units, activation="sigmoid"))
        last = changed.get("classes", classes)
        net.add(L.Dense(last, activation=changed.get("end", "softmax")))
        if changed.get("compiled"):
            net.compile("adam", "categorical_crossentropy")
        return net

    return build


class Base(keras.Model):
    def __init__(self, blocks, dropout, width, classes):
        super().__init__()
        self.out = L.Dense(classes, activation="softmax")  # the head first
        self.hidden = L.Dense(round(width * 512), activation="sigmoid")
        self.blocks = [
            [
                [
                    L.Conv2D(round(width * filters), 3, padding="same", activation="relu")
                    for _ in range(convolutions)
                ],
                L.BatchNormalization(momentum=0.9),
            ]
            for filters, convolutions in blocks
        ]
        self.pool, self.flatten = L.MaxPooling2D(), L.Flatten()
        self.dropout = L.Dropout(dropout) if dropout else None

    def call(self, x, training=False):
        for convs, norm in self.blocks:
            for conv in convs:
                x = conv(x)
            x = self.pool(norm(x, training=training))
        x = self.flatten(x)
        if self.dropout:
            x = self.dropout(x, training=training)
        return self.out(self.hidden(x))


def subclassed(blocks=BASE, dropout=0.5, width=1.0, classes=100):
    net = Base(blocks, dropout, width, classes)
    net(np.zeros((1, 32, 32, 3), "float32"))
    return net


def by_operations(blocks=BASE, dropout=0.5, width=1.0, classes=100):
    inputs = x = keras.Input((32, 32, 3))
    pool = L.MaxPooling2D(pool_size=(2, 2), strides=(2, 2))
    for filters, convolutions in blocks:
        for _ in range(convolutions):
            x = keras.ops.relu(L.Conv2D(round(width * filters), 3, padding="same")(x))
        x = pool(L.BatchNormalization(momentum=0.9)(x))
    x = L.Flatten()(x)
    if dropout:
        x = L.Dropout(dropout)(x)
    x = keras.activations.sigmoid(L.Dense(round(width * 512))(x))
    return keras.Model(inputs, keras.ops.softmax(L.Dense(classes)(x)))


def verbose(blocks=BASE, dropout: float = 0.5, width: float = 1.0, classes: int = 100):
    assert len(blocks) > 0 and 0 <= dropout < 1, "invalid arguments"
    net = keras.Sequential(name="base")
    net.add(keras.Input(shape=(32, 32, 3), name="images"))
    for number, block in enumerate(blocks, start=1):
        filters, convolutions = int(block[0]), int(block[1])
        for conv in range(1, convolutions + 1):
            settings = {"filters": round(filters * width), "kernel_size": (3, 3)}
            settings |= {"strides": (1, 1), "padding": "same", "name": f"conv{number}_{conv}"}
            net.add(L.Conv2D(**settings))
            net.add(L.Activation("relu"))
        net.add(L.BatchNormalization(momentum=0.9, name=f"norm{number}"))
        net.add(L.MaxPool2D(name=f"pool{number}"))
    net.add(L.Flatten())
    if dropout > 0:
        net.add(L.Dropout(rate=dropout))
    net.add(L.Dense(units=round(512 * width), activation=keras.activations.sigmoid))
    net.add(L.Dense(units=classes, activation=keras.ops.softmax))
    print(net.name, net.count_params())
    return net


def nested(blocks=BASE, dropout=0.5, width=1.0, classes=100):
    """A network whose blocks are networks."""

    def block(filters, convolutions):
        convs = [
            L.Conv2D(round(width * filters), 3, padding="same", activation="relu")
            for _ in range(convolutions)
        ]
        return keras.Sequential([*convs, L.BatchNormalization(momentum=0.9), L.MaxPooling2D()])

    layers = [keras.Input((32, 32, 3)), *(block(*each) for each in blocks), L.Flatten()]
    layers += [L.Dropout(dropout)] if dropout else []
    layers.append(L.Dense(round(width * 512), activation="sigmoid"))
    return keras.Sequential([*layers, L.Dense(classes, activation="softmax")])


class Block(L.Layer):
    def __init__(self, filters, convolutions, momentum):
        super().__init__()
        same = {"padding": "same", "activation": "relu"}
        self.convs = [L.Conv2D(filters, 3, **same) for _ in range(convolutions)]
        self.norm, self.pool = L.BatchNormalization(momentum=momentum), L.MaxPooling2D()

    def call(self, x, training=None):
        for conv in self.convs:
            x = conv(x)
        return self.pool(self.norm(x, training=training))


def of_own_blocks(blocks=BASE, dropout=0.5, width=1.0, classes=100, momentum=0.9):
    net = keras.Sequential([keras.Input((32, 32, 3))])
    for filters, convolutions in blocks:
        net.add(Block(round(width * filters), convolutions, momentum))
    rest = [L.Flatten(), L.Dropout(dropout)] if dropout else [L.Flatten()]
    for layer in (*rest, L.Dense(round(width * 512), "sigmoid"), L.Dense(classes, "softmax")):
        net.add(layer)
    return net


@functools.lru_cache
def cached(*args, **kwargs):
    return variant()(*args, **kwargs)


def without_input(*args, **settings):
    """Its weights are made when it sees an image."""
    layers = variant()(*args, **settings).layers
    return keras.Sequential([type(one).from_config(one.get_config()) for one in layers])


@pytest.mark.parametrize(
    "right",
    [
        functional,
        without_input,
        variant(),
        subclassed,
        by_operations,
        verbose,
        nested,
        of_own_blocks,
    ],
)
def test_the_base_built_another_way_passes(c100, right):
    assert_right(c100.run("c100-base", c100.namespace(build_base=right)))


@pytest.mark.parametrize(
    ("wrong", "words", "hidden"),
    [
        (variant(padding="valid"), "padding valid", False),
        (variant(bn="each"), "batch normalization", False),
        (variant(bn="none"), "batch normalization", False),
        (variant(fc="relu"), "activation relu", False),
        (variant(end="sigmoid"), "activation sigmoid", False),
        (variant(dropout=0.5), "dropout has rate 0.5", False),
        (variant(dropout=None), "dropout", False),
        (variant(blocks=BASE), "convolution", False),
        (variant(second=True), "dense layer", False),
        (variant(width=1.0), "parameters in total", False),
        (variant(units=512), "parameters in total", False),
        (variant(always=True), "dropout", True),
        (variant(classes=100), "units", True),
        (variant(momentum=0.99), "momentum", True),
        (functools.partial(of_own_blocks, momentum=0.99), "momentum", True),
        (variant(whole=int), "round(width * filters) filters", True),
        (variant(whole=math.ceil), "round(width * filters) filters", True),
        (variant(whole=lambda n: max(8, round(n))), "round(width * filters) filters", True),
        (variant(compiled=True), "compiles the network", False),
        (variant(kernel=5), "kernel_size 5", False),
        (lambda *a, **k: None, "return", False),
        (cached, "the same network each time", False),
    ],
)
def test_another_network_is_not_the_base(c100, wrong, words, hidden):
    assert_wrong(c100.run("c100-base", c100.namespace(build_base=wrong)), words, hidden)


# ------------------------------------------------------------------ c100-costs

COSTS = """
def block_costs(blocks, size=32, channels=3):
    costs = []
    for filters, convolutions in blocks:
        p = m = 0
        for number in range(convolutions):
            p += {p}
            m += {m}
            {after}
        costs.append({pair})
        {end}
    return costs
"""
POP = "        filters, convolutions = blocks.pop(0)"
GOOD = {
    "p": "(9 * channels + 1) * filters",
    "m": "9 * channels * filters * size * size",
    "after": "channels = filters",
    "pair": "(p, m)",
    "end": "size = size // 2",
}


VERBOSE_COSTS = """
from typing import List, Tuple

def _conv(c_in: int, c_out: int, side: int) -> Tuple[int, int]:
    weights = 3 * 3 * c_in * c_out
    return weights + c_out, weights * side * side

def block_costs(blocks, size: int = 32, channels: int = 3) -> List[Tuple[int, int]]:
    assert size > 0 and channels > 0
    result: List[Tuple[int, int]] = []
    for index, (filters, convolutions) in enumerate(blocks):
        pairs = [_conv(c_in=channels, c_out=filters, side=size)]
        pairs += [_conv(c_in=filters, c_out=filters, side=size)] * (convolutions - 1)
        total = tuple(int(value) for value in np.sum(pairs, axis=0, dtype=np.int64))
        print(f"block {index}: {total}")
        result.append(total)
        channels, size = filters, size >> 1
    return result
"""


@pytest.mark.parametrize(
    "body",
    [
        COSTS.format(**GOOD),
        COSTS.format(**GOOD | {"pair": "[np.int64(p), np.int64(m)]"}),
        "def block_costs(blocks, size=32, channels=3):\n"
        "    if not blocks: return []\n"
        "    (f, n), *rest = blocks\n"
        "    w = 9 * f * (channels + (n - 1) * f)\n"
        "    return [(w + n * f, w * size ** 2)] + block_costs(rest, size // 2, f)",
        COSTS.format(**GOOD).replace("return costs", "return np.array(costs)"),
        COSTS.format(**GOOD).replace("return costs", "return tuple(costs)"),
        VERBOSE_COSTS,
        COSTS.format(**GOOD | {"pair": "(float(p), float(m))"}),
    ],
    ids=range(7),
)
def test_costs_counted_another_way_pass(c100, body):
    assert_right(judged(c100, "c100-costs", body))


@pytest.mark.parametrize(
    ("changed", "words", "hidden"),
    [
        ({"p": "9 * channels * filters"}, "is 1728; expected 1792", False),
        ({"m": "(9 * channels + 1) * filters * size * size"}, "expected 1769472", False),
        ({"after": "pass"}, "entry 1", False),
        ({"end": "pass"}, "entry 1, entry 1", False),
        ({"end": "size = size / 2"}, "with 3 blocks, an odd size and another number", True),
        ({"m": "9 * channels * filters * size"}, "entry 0, entry 1", False),
        ({"m": "9 * channels * filters * (size // 2) ** 2"}, "entry 0, entry 1", False),
        ({"pair": "(m, p)"}, "entry 0, entry 0", False),
        ({"m": "9 * channels * filters * 1024 // 4 ** len(costs)"}, "multiplications", True),
        ({"after": "channels = filters if number else channels"}, "entry 1", False),
        ({"end": "size = -(-size // 2)"}, "multiplications of block 2", True),
        ({"p": "(9 * channels + 1) * filters if number else 28 * filters"}, "entry 1", False),
        ({"pair": "p"}, "2 values", False),
        ({"pair": "(p, m, size)"}, "3 entries", False),
        ({"end": "size //= 2; return costs"}, "1 entry", False),
        ({"end": "size = max(size // 2, 2)"}, "multiplications of block 5", True),
        (
            {"m": "int(np.int32([9 * channels * filters, size * size]).prod(dtype=np.int32))"},
            "multiplications of block 1 is too large for its dtype",
            True,
        ),
    ],
)
def test_wrong_costs_are_named(c100, changed, words, hidden):
    result = judged(c100, "c100-costs", COSTS.format(**GOOD | changed))
    assert_wrong(result, words, hidden)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("for filters, convolutions in blocks:", "while blocks:\n" + POP, "changes its argument"),
        ("channels=3", "channels=1", "entry 0, entry 0"),
        ("size=32", "size=28", "entry 0, entry 1"),
        ("return costs", "print(costs)", "None"),
    ],
)
def test_other_faults_in_costs_are_named(c100, old, new, words):
    assert_wrong(judged(c100, "c100-costs", COSTS.format(**GOOD).replace(old, new)), words, False)


# ------------------------------------------------------------------ c100-augmented


def in_front(flip="horizontal", shift=(0.1, 0.1), turn=15 / 360, fill="nearest", **changed):
    def augmented(network):
        layers = [L.RandomFlip(flip), L.RandomTranslation(*shift, fill_mode=fill)]
        layers.append(L.RandomRotation(turn, fill_mode=changed.get("turn_fill", fill)))
        layers = layers[: changed.get("left_out", 3)]
        if changed.get("backwards"):
            layers.reverse()
        if changed.get("copy"):
            network = keras.models.clone_model(network)
        return keras.Sequential([L.Input((32, 32, 3)), *layers, network])

    return augmented


def nested_front(network):
    inputs = keras.Input((32, 32, 3))
    chain = keras.Sequential(
        [
            L.RandomFlip("horizontal"),
            L.RandomTranslation((-0.1, 0.1), (-0.1, 0.1), fill_mode="nearest"),
            L.RandomRotation((-15 / 360, 15 / 360), fill_mode="nearest"),
        ]
    )
    return keras.Model(inputs, network(chain(inputs)))


class Guarded(keras.Model):
    def __init__(self, network):
        super().__init__()
        self.flip = L.RandomFlip("horizontal")
        self.shift = L.RandomTranslation(0.1, 0.1, fill_mode="nearest")
        self.turn = L.RandomRotation(15 / 360, fill_mode="nearest")
        self.network = network

    def call(self, x, training=False):
        x = self.shift(self.flip(x, training=training), training=training)
        return self.network(self.turn(x, training=training), training=training)


class NotTold(Guarded):
    """Keras tells each layer whether it trains, as the outermost call says."""

    def call(self, x):
        return self.network(self.turn(self.shift(self.flip(x))))


class Predicting(Guarded):
    def call(self, x, training=False):
        return self.network(self.turn(self.shift(self.flip(x))), training=False)


def subclassed_front(network, own=Guarded):
    model = own(network)
    model(np.zeros((1, 32, 32, 3), "float32"))
    return model


def functional_front(network: keras.Model) -> keras.Model:
    assert isinstance(network, keras.Model), "expected a network"
    inputs = keras.Input(shape=network.input_shape[1:], name="images")
    x = L.RandomFlip(mode="horizontal", name="flip")(inputs)
    x = L.RandomTranslation(height_factor=0.1, width_factor=0.1, fill_mode="nearest")(x)
    x = L.RandomRotation(factor=15.0 / 360.0, fill_mode="nearest")(x)
    model = keras.Model(inputs=inputs, outputs=network(x), name="augmented")
    print(model.name, model.count_params())
    return model


def opened_front(network):
    """The layers of the network themselves, in one chain."""
    front = in_front()(keras.Sequential([L.Input((32, 32, 3)), L.Identity()])).layers[:3]
    return keras.Sequential([L.Input((32, 32, 3)), *front, *network.layers])


def added_front(network):
    model = keras.Sequential()
    model.add(keras.Input((32, 32, 3)))
    model.add(L.RandomFlip("horizontal", seed=1))
    model.add(L.RandomTranslation([-0.1, 0.1], [-0.1, 0.1], fill_mode="nearest", seed=2))
    model.add(L.RandomRotation([-1 / 24, 1 / 24], fill_mode="nearest", seed=3))
    model.add(network)
    return model


class Augment(L.Layer):
    def __init__(self):
        super().__init__()
        self.steps = in_front()(keras.Sequential([L.Input((32, 32, 3)), L.Identity()])).layers[:3]

    def call(self, x, training=False):
        for step in self.steps if training else []:
            x = step(x, training=True)
        return x


def own_layer_front(network):
    return keras.Sequential([L.Input((32, 32, 3)), Augment(), network])


def pipeline_front(network):
    layers = in_front()(network).layers[:3]
    return keras.Sequential([L.Input((32, 32, 3)), L.Pipeline(layers), network])


def with_front(c100, arrays, augmented):
    return c100.run("c100-augmented", c100.namespace(augmented=augmented, **arrays))


@pytest.mark.parametrize(
    "right",
    [
        in_front(),
        nested_front,
        subclassed_front,
        functools.partial(subclassed_front, own=NotTold),
        functional_front,
        opened_front,
        added_front,
        own_layer_front,
        pipeline_front,
    ],
)
def test_augmentation_written_another_way_passes(c100, arrays, right):
    assert_right(with_front(c100, arrays, right))


def frozen(network):
    network.trainable = False
    return in_front()(network)


def without_shift(network):
    _, _, *rest = in_front()(network).layers
    return keras.Sequential([L.Input((32, 32, 3)), L.RandomFlip("horizontal"), *rest])


def twice(which):
    """Augmentation as asked, but one layer is called twice."""

    def augmented(network):
        x = inputs = keras.Input((32, 32, 3))
        for number, layer in enumerate(in_front()(network).layers[:3]):
            x = layer(layer(x)) if number == which else layer(x)
        return keras.Model(inputs, network(x))

    return augmented


def with_more(kind, *settings, **more):
    """Augmentation as asked, with a layer of this kind before the network."""

    def augmented(network):
        *front, last = in_front()(network).layers
        inputs = L.Input((32, 32, 3))
        return keras.Sequential([inputs, *front, kind(*settings, **more), last])

    return augmented


def compiled_front(network):
    model = in_front()(network)
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (in_front(flip="vertical"), "not horizontal"),
        (lambda network: (in_front()(network), network), "a tuple; expected a network"),
        (in_front(flip="horizontal_and_vertical"), "not horizontal"),
        (in_front(shift=(0.1, 0.2)), "tenth of the width"),
        (in_front(shift=(0.0, 0.1)), "tenth of the height"),
        (in_front(shift=(0.15, 0.1)), "of the 32 pixels of the height; expected up to 3.2"),
        (twice(1), "of the 32 pixels of the height; expected up to 3.2"),
        (twice(2), "expected up to 15"),
        (in_front(shift=((0.0, 0.1), 0.1)), "tenth of the height"),
        (in_front(turn=15), "neither in degrees nor in radians"),
        (in_front(shift=(3, 3)), "RandomTranslation counts in shares of the height and the width"),
        (with_more(L.GaussianNoise, 0.02), "changes the values of pixels"),
        (with_more(L.RandomBrightness, 0.1, value_range=(0, 1)), "changes the values of pixels"),
        (with_more(L.Rescaling, 1 / 255), "where it must be the network alone"),
        (in_front(turn=0.15), "neither in degrees nor in radians"),
        (in_front(turn=math.radians(15)), "neither in degrees nor in radians"),
        (in_front(turn=math.radians(15) / 360), "turned by up to 0.3 degrees"),
        (in_front(turn=15 / 180), "expected up to 15"),
        (in_front(turn=15 / 100), "expected up to 15"),
        (in_front(turn=5 / 360), "expected up to 15"),
        (in_front(turn=(0, 15 / 360)), "15 degrees in both directions"),
        (in_front(turn=0), "Nothing turns the images"),
        (in_front(fill="reflect"), "not filled with the nearest pixel"),
        (in_front(fill="wrap"), "not filled with the nearest pixel"),
        (in_front(fill="constant"), "not filled with the nearest pixel"),
        (in_front(turn_fill="constant"), "not filled with the nearest pixel"),
        (in_front(turn_fill="reflect"), "not filled with the nearest pixel"),
        (in_front(fill="reflect", turn_fill="nearest"), "not filled with the nearest pixel"),
        (in_front(backwards=True), "layers in front of the network must be"),
        (in_front(copy=True), "copy"),
        (in_front(left_out=2), "Nothing turns the images"),
        (without_shift, "layers in front of the network must be"),
        (frozen, "trainable parameters"),
        (compiled_front, "compiles the model"),
        (functools.partial(subclassed_front, own=Predicting), "dropout drops nothing"),
        (lambda network: network, "nothing is augmented"),
        (lambda network: None, "None"),
    ],
)
def test_another_augmentation_is_named(c100, arrays, wrong, words):
    assert_wrong(with_front(c100, arrays, wrong), words)


# ------------------------------------------------------------------ c100-train

TRAIN = """
def train_network(model, name, epochs, batch_size=128, learning_rate=0.001):
    model.compile({optimizer}, {loss}, metrics={metrics})
    {fit}
"""
USUAL = {
    "optimizer": "keras.optimizers.Adam(learning_rate)",
    "loss": "'categorical_crossentropy'",
    "metrics": "['accuracy']",
    "fit": "return training.fit(model, name, x_train, y_train, validation_data=(x_val, y_val), "
    "batch_size=batch_size, epochs=epochs)",
}


def trained(c100, arrays, body, shown=0.0):
    """The verdict on a way to train; the threshold is not judged here, nor is base trained."""
    names = c100.namespace(body, **arrays)
    names["base"] = keras.Sequential([L.Input((32, 32, 3)), L.Flatten(), L.Dense(100, "softmax")])
    names["base_record"] = training.History({}, [], 1.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.submission.threshold", lambda key: shown)
        return c100.run("c100-train", names)


def written(**changed):
    return TRAIN.format(**USUAL | changed)


VERBOSE_TRAIN = """
from typing import Any

def _check(model: keras.Model, epochs: int) -> None:
    assert isinstance(model, keras.Model), "expected a network"
    assert epochs > 0, "epochs must be positive"

def train_network(model, name: str, epochs: int, batch_size: int = 128,
                  learning_rate: float = 0.001) -> Any:
    _check(model, epochs)
    optimizer = keras.optimizers.Adam(learning_rate=learning_rate)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    record = training.fit(model=model, name=name, x=x_train, y=y_train, batch_size=batch_size,
                          epochs=epochs, validation_data=(x_val, y_val), shuffle=True, verbose=0)
    best = max(record.history["val_accuracy"])
    print(f"{name}: best validation accuracy {best:.3f} in {record.seconds:.1f} s")
    return record
"""


@pytest.mark.parametrize(
    "body",
    [
        written(),
        written(
            optimizer="keras.optimizers.Adam(learning_rate=learning_rate)",
            loss="keras.losses.CategoricalCrossentropy()",
            metrics="[keras.metrics.CategoricalAccuracy('accuracy')]",
        ),
        written(metrics="['acc']", loss="keras.losses.categorical_crossentropy"),
        written(metrics="['accuracy', 'top_k_categorical_accuracy']"),
        written(fit=USUAL["fit"].replace("y_train,", "one_hot(fine_train),")),
        written(fit=USUAL["fit"].replace("(x_val, y_val)", "[x_val, y_val], verbose=2")),
        VERBOSE_TRAIN,
        # As default values of arguments, or names of the cell, that hold the images and labels.
        "_kept = {}\n"
        + written(
            fit="x, y, val = _kept.setdefault('all', (x_train, y_train, (x_val, y_val)))\n"
            "    return training.fit(model, name, x, y, epochs=epochs, batch_size=batch_size, "
            "validation_data=val)"
        ),
        written(metrics="('accuracy',), loss_weights=[1.0]"),
        written(
            fit=USUAL["fit"][:-1] + ", validation_batch_size=64, callbacks=["
            "keras.callbacks.LambdaCallback(on_epoch_end=lambda at, logs: print(at, logs))])"
        ),
    ],
    ids=range(10),
)
def test_training_written_another_way_passes(c100, arrays, body):
    assert_right(trained(c100, arrays, body))


FIT = USUAL["fit"]
COMPILE = f"model.compile({USUAL['optimizer']}, {USUAL['loss']}, metrics=['accuracy'])"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"fit": FIT.replace("(x_val, y_val)", "(x_test, y_test)")}, "test images"),
        ({"fit": FIT.replace("(x_val, y_val)", "(x_train, y_train)")}, "validation data"),
        ({"fit": FIT.replace("(x_val, y_val)", "(x_val, y_val[::-1])")}, "not y_val"),
        ({"fit": FIT.replace("validation_data=(x_val, y_val), ", "")}, "no validation data"),
        ({"fit": FIT.replace("validation_data=(x_val, y_val)", "validation_split=0.4")}, "x_val"),
        ({"fit": FIT.replace("x_train, y_train", "x_val, y_val")}, "other images than x_train"),
        ({"fit": FIT.replace("x_train, y_train", "x_test, y_test")}, "other images than x_train"),
        (
            {
                "fit": FIT.replace(
                    "x_train, y_train", "np.r_[x_train, x_val], np.r_[y_train, y_val]"
                )
            },
            "other images than x_train",
        ),
        ({"fit": FIT.replace("x_train, y_train", "x_train, y_train[::-1]")}, "not y_train"),
        ({"fit": FIT.replace("x_train,", "x_train / 2,")}, "other images than x_train"),
        ({"fit": FIT.replace("batch_size=batch_size", "batch_size=128")}, "batch size is 128"),
        ({"fit": FIT.replace("batch_size=batch_size, ", "")}, "batch size is 32"),
        ({"fit": FIT.replace("epochs=epochs", "epochs=3")}, "number of epochs is 3"),
        ({"fit": FIT.replace("name,", "'c100',")}, "name of the checkpoint"),
        ({"fit": FIT.replace("return ", "")}, "returns None"),
        ({"fit": FIT + ".history"}, "does not return the result"),
        *(
            (
                {"fit": f"{FIT[:-1]}, callbacks=[keras.callbacks.{used}])"},
                f"leave {used.partition('(')[0]} out",
            )
            for used in ("EarlyStopping()", "LearningRateScheduler(lambda epoch, rate: rate / 2)")
        ),
        *(
            (
                {"fit": f"{FIT[:-1]}, callbacks=[keras.callbacks.LambdaCallback({used})])"},
                words,
            )
            for used, words in (
                (
                    "on_epoch_begin=lambda at, logs: setattr("
                    "model.optimizer, 'learning_rate', learning_rate / (at + 1))",
                    "learning rate at the end of the training is 0.01; expected 0.02",
                ),
                (
                    "on_epoch_end=lambda at, logs: setattr(model, 'stop_training', True)",
                    "for 2 epochs: train for all of them",
                ),
            )
        ),
        ({"fit": FIT[:-1] + ", validation_freq=2)"}, "for 2 epochs: validate after each epoch"),
        ({"fit": FIT[:-1] + ", validation_freq=3)"}, "'val_loss']: validate after each epoch"),
        ({"fit": FIT[:-1] + ", validation_steps=1)"}, "leave validation_steps out"),
        (
            {"fit": f"for layer in model.layers[:-1]: layer.trainable = False\n    {FIT}"},
            "freezes layers of its argument model",
        ),
        (
            {"fit": f"model.set_weights([w / 2 for w in model.get_weights()]); {FIT}"},
            "changes the weights of its argument model before it trains",
        ),
        (
            {
                "fit": f"{FIT.replace('return', 'record =')}\n"
                "    model.set_weights([w / 2 for w in model.get_weights()])\n    return record"
            },
            "changes the weights again after it has trained them",
        ),
        (
            {"optimizer": "keras.optimizers.Adam(learning_rate, gradient_accumulation_steps=9)"},
            "leaves the weights",
        ),
        ({"fit": "return {}"}, "does not train"),
        (
            {"fit": f"model = keras.models.clone_model(model); {COMPILE}; {FIT}"},
            "leaves the weights",
        ),
        (
            {"fit": "return model.fit(x_train, y_train, batch_size, epochs, verbose=0)"},
            "saves a checkpoint",
        ),
        ({"optimizer": "'adam'"}, "learning rate is 0.001"),
        (
            {
                "optimizer": "keras.optimizers.Adam("
                "keras.optimizers.schedules.ExponentialDecay(learning_rate, 1, 0.9))"
            },
            "learning rate is a schedule",
        ),
        ({"optimizer": "keras.optimizers.SGD(learning_rate)"}, "optimizer is 'sgd'"),
        ({"optimizer": "keras.optimizers.AdamW(learning_rate)"}, "optimizer is 'adamw'"),
        ({"loss": "'mse'"}, "expected categorical_crossentropy alone"),
        (
            {"loss": "keras.losses.CategoricalCrossentropy(label_smoothing=0.1)"},
            "with label_smoothing=0.1; expected categorical_crossentropy alone",
        ),
        ({"loss": "keras.losses.CategoricalCrossentropy(from_logits=True)"}, "logits"),
        ({"metrics": "['mse']"}, "lacks ['accuracy'"),
        (
            {"metrics": "[keras.metrics.TopKCategoricalAccuracy(5, name='accuracy')]"},
            "val_accuracy is not the share of x_val whose most probable class is the label",
        ),
        (
            {"loss": "keras.losses.CategoricalCrossentropy(reduction='sum')"},
            "with reduction=sum; expected categorical_crossentropy alone",
        ),
        ({"metrics": "['accuracy'], loss_weights=[0.1]"}, "with loss_weights; expected"),
    ],
)
def test_other_training_settings_are_named(c100, arrays, changed, words):
    assert_wrong(trained(c100, arrays, written(**changed)), words)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("batch_size=128", "batch_size=64", "batch size without an argument"),
        ("learning_rate=0.001", "learning_rate=0.01", "learning rate without an argument"),
    ],
)
def test_other_usual_settings_are_found(c100, arrays, old, new, words):
    assert_wrong(trained(c100, arrays, written().replace(old, new)), words, hidden=True)


@pytest.mark.parametrize("compiled", ["if not model.compiled: model.compile", "dict"])
def test_a_model_must_be_compiled_in_each_call(c100, arrays, compiled):
    once = written(optimizer="optimizer='adam'", loss="loss='mse'")
    once = once.replace("model.compile", compiled)
    assert_wrong(trained(c100, arrays, once), "compile it in each call")


def test_a_network_that_learnt_nothing_is_found(c100, arrays):
    assert_wrong(trained(c100, arrays, written(), shown=0.5), "held-out", hidden=True)


# ------------------------------------------------------------------ c100-top

VERBOSE_TOP = """
class TopCounter:
    def __init__(self, guesses: int) -> None:
        self.guesses, self.right, self.total = guesses, 0, 0

    def add(self, row: np.ndarray, label: int) -> None:
        best = sorted(range(len(row)), key=lambda c: row[c], reverse=True)[: self.guesses]
        self.right += int(label in best)
        self.total += 1

def top_accuracy(probabilities: np.ndarray, labels: np.ndarray, guesses: int = 5) -> float:
    assert probabilities.ndim == 2, "expected one row for each image"
    assert len(probabilities) == len(labels) and guesses >= 1
    counter = TopCounter(guesses=guesses)
    for row, label in zip(probabilities, labels):
        counter.add(row, int(label))
    print(f"top-{guesses}: {counter.right} of {counter.total}")
    return counter.right / counter.total
"""
TOP = "def top_accuracy(probabilities, labels, guesses=5):\n    {}"


@pytest.mark.parametrize(
    "body",
    [
        "own = probabilities[np.arange(len(labels)), labels][:, None]\n"
        "    return np.mean((probabilities > own).sum(axis=1) < guesses)",
        "hits = [y in np.argsort(p)[-guesses:] for p, y in zip(probabilities, labels)]\n"
        "    return sum(hits) / len(hits)",
        "best = np.argpartition(-probabilities, guesses - 1, axis=1)[:, :guesses]\n"
        "    return np.float32((best == labels.reshape(-1, 1)).any(axis=1).mean())",
        "rows, y = probabilities.astype('float32'), labels.astype('int32')\n"
        "    right = keras.ops.in_top_k(y, rows, guesses)\n"
        "    return keras.ops.mean(keras.ops.cast(right, 'float32'))",
        "from sklearn.metrics import top_k_accuracy_score\n"
        "    if guesses >= probabilities.shape[1]: return 1.0\n"
        "    known = range(probabilities.shape[1])\n"
        "    return top_k_accuracy_score(labels, probabilities, k=guesses, labels=known)",
        VERBOSE_TOP,
    ],
    ids=range(6),
)
def test_top_accuracy_written_another_way_passes(c100, body):
    assert_right(judged(c100, "c100-top", body if "def " in body else TOP.format(body)))


ORDER = "order = np.argsort(probabilities, axis=1); "


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return float(np.mean(probabilities.argmax(axis=1) == labels))", "top-2"),
        (ORDER + "return (order[:, :guesses] == labels[:, None]).any(axis=1).mean()", "top-1"),
        (ORDER + "return (order[:, -5:] == labels[:, None]).any(axis=1).mean()", "top-2"),
        (ORDER + "return (order[:, -guesses:] == labels[:, None]).mean()", "top-2"),
        (ORDER + "return (order[:, -guesses:] == labels[:, None]).any(axis=1).sum()", "top-2"),
        (ORDER + "return 100 * (order[:, -guesses:] == labels[:, None]).any(1).mean()", "top-2"),
        (ORDER + "return (order[:, -guesses] == labels).mean()", "top-2"),
        (ORDER + "return (order[:, -guesses:] == labels[:, None]).any(axis=1)", "shape"),
        (ORDER + "(order[:, -guesses:] == labels[:, None]).any(axis=1).mean()", "None"),
        (ORDER + "return 1 - (order[:, -guesses:] == labels[:, None]).any(axis=1).mean()", "top-2"),
        (ORDER + "return (order[:, -guesses - 1:] == labels[:, None]).any(axis=1).mean()", "top-2"),
        (ORDER + "return (order[:, -2:] == labels[:, None]).any(axis=1).mean()", "top-1"),
        (
            "order = np.argsort(probabilities, axis=0); "
            "return (order[:, -guesses:] == labels[:, None]).any(axis=1).mean()",
            "top-1",
        ),
        (
            "probabilities.sort(axis=1); own = probabilities[:, -guesses]; "
            "return (probabilities.max(axis=1) >= own).mean()",
            "changes its argument probabilities",
        ),
        (
            "hits = 0\n    for _ in range(guesses):\n"
            "        best = probabilities.argmax(axis=1); hits = hits + (best == labels)\n"
            "        probabilities[np.arange(len(labels)), best] = -1\n"
            "    return hits.mean()",
            "changes its argument probabilities",
        ),
    ],
)
def test_another_figure_is_not_the_top_accuracy(c100, body, words):
    assert_wrong(judged(c100, "c100-top", TOP.format(body)), words)


def test_a_wrong_number_of_usual_guesses_is_found(c100):
    body = TOP.replace("guesses=5", "guesses=1").format(
        ORDER + "return (order[:, -guesses:] == labels[:, None]).any(axis=1).mean()"
    )
    assert_wrong(judged(c100, "c100-top", body), "without an argument", hidden=True)


# ------------------------------------------------------------------ c100-groups

GROUPS = "def group_probabilities(probabilities, group_of):\n    {}"
VERBOSE_GROUPS = """
def group_probabilities(probabilities: np.ndarray, group_of: np.ndarray) -> np.ndarray:
    assert probabilities.shape[1] == group_of.shape[0], "one group for each class"
    images, classes = probabilities.shape
    groups = int(np.max(group_of)) + 1
    result = np.zeros((images, groups), dtype=np.float32)
    for image in range(images):
        for column in range(classes):
            result[image, group_of[column]] += probabilities[image, column]
    return result
"""


@pytest.mark.parametrize(
    "body",
    [
        "p = [probabilities[:, group_of == g].sum(axis=1) for g in range(group_of.max() + 1)]\n"
        "    return np.stack(p, axis=1)",
        "sums = np.zeros((len(probabilities), group_of.max() + 1))\n"
        "    np.add.at(sums.T, group_of, probabilities.T)\n"
        "    return sums",
        "return np.array([np.bincount(group_of, row) for row in probabilities])",
        "return (probabilities @ (group_of[:, None] == np.arange(max(group_of) + 1))).tolist()",
        "return keras.ops.transpose(keras.ops.segment_sum("
        "probabilities.T, group_of, num_segments=int(group_of.max()) + 1))",
        VERBOSE_GROUPS,
    ],
    ids=range(6),
)
def test_groups_summed_another_way_pass(c100, body):
    assert_right(judged(c100, "c100-groups", body if "def " in body else GROUPS.format(body)))


EACH = "p = [probabilities[:, group_of == g].{}(axis=1) for g in range(group_of.max() + 1)]; "


@pytest.mark.parametrize(
    ("body", "words", "hidden"),
    [
        (EACH.format("mean") + "return np.stack(p, axis=1)", "differs", False),
        (EACH.format("max") + "return np.stack(p, axis=1)", "differs", False),
        (EACH.format("sum") + "return np.stack(p)", "shape (2, 1)", False),
        (EACH.format("sum") + "return np.stack(p, axis=1).argmax(axis=1)", "shape", False),
        (EACH.format("sum") + "np.stack(p, axis=1)", "None", False),
        ("return probabilities", "shape (1, 3)", False),
        ("return probabilities[:, np.argsort(group_of)][:, :2]", "differs", False),
        (
            "k = max(2, round(probabilities.shape[1] / 5)); "
            "return probabilities @ (np.arange(k) == group_of[:, None])",
            "shape",
            True,
        ),
        (
            "p = [probabilities[:, group_of == g].sum(axis=1) for g in np.unique(group_of)]; "
            "return np.stack(p, axis=1)",
            "groups 0 and 3 have no classes",
            True,
        ),
        (
            "g = group_of - group_of.min(); return probabilities @ np.eye(g.max() + 1)[g]",
            "groups 0 and 3 have no classes",
            True,
        ),
        ("return probabilities @ np.eye(20)[group_of]", "shape (1, 20)", False),
        ("return probabilities @ np.eye(2)[np.minimum(group_of, 1)]", "shape", True),
        (
            "p = probabilities @ np.eye(group_of.max() + 1)[group_of]; return p / 2",
            "differs",
            False,
        ),
        (
            "p = probabilities @ np.eye(group_of.max() + 1)[group_of]; "
            "return np.eye(p.shape[1])[p.argmax(axis=1)]",
            "differs",
            False,
        ),
        (
            "probabilities /= 2; return 2 * probabilities @ np.eye(group_of.max() + 1)[group_of]",
            "changes its argument probabilities",
            False,
        ),
        (
            "group_of.sort(); return probabilities @ np.eye(group_of.max() + 1)[group_of]",
            "changes its argument group_of",
            False,
        ),
    ],
)
def test_other_sums_are_named(c100, body, words, hidden):
    assert_wrong(judged(c100, "c100-groups", GROUPS.format(body)), words, hidden)


BY_BLOCKS = """
def build_base(blocks=BASE, dropout=0.5, width=1.0, classes=100):
    L = keras.layers
    x = i = keras.Input((32, 32, 3))
    for f, k in blocks:
        for _ in range(k):
            x = L.Conv2D(round(f * width), 3, padding="same", activation="relu")(x)
        x = L.MaxPooling2D()(L.BatchNormalization(momentum=0.9)(x))
    x = L.Flatten()(x)
    x = L.Dropout(dropout)(x) if dropout > 0 else x
    x = L.Dense(round(512 * width), "sigmoid")(x)
    return keras.Model(i, L.Dense(classes, "softmax")(x))
"""
# Faults that show in few cases only.
FAULTS = {
    "c100-onehot": {
        "one array for all results": (
            """
_rows = {}
def one_hot(labels, classes=100):
    r = _rows.setdefault(
        (len(labels), classes), np.zeros((len(labels), classes), "float32")
    )
    r[np.arange(len(labels)), labels.ravel()] = 1
    return r
""",
            "changes what the first one returned: make new arrays",
        ),
        "two classes or more": (
            """
def one_hot(labels, classes=100):
    return np.eye(max(classes, 2), dtype="float32")[labels.ravel()]
""",
            "occur) has another shape than expected: along axis 1",
        ),
        "labels of 8 bits": (
            """
def one_hot(labels, classes=100):
    return np.eye(classes, dtype="float32")[labels.ravel().astype("int8")]
""",
            "for a row of labels (some classes may not occur)",
        ),
    },
    "c100-base": {
        "the usual blocks for any four": (
            BY_BLOCKS.replace("in blocks", "in BASE if len(blocks) == 4 else blocks"),
            "10 convolution layers; expected 8",
        ),
        "at most three convolutions": (
            BY_BLOCKS.replace("range(k)", "range(min(k, 3))"),
            "7 convolution layers; expected 8",
        ),
        "a penalty": (
            """
def build_base(blocks=BASE, dropout=0.5, width=1.0, classes=100):
    L = keras.layers
    x = i = keras.Input((32, 32, 3))
    r = lambda n: round(n * width)
    for f, k in blocks:
        for _ in range(k):
            x = L.Conv2D(
                r(f),
                3,
                padding="same",
                activation="relu",
                kernel_regularizer=keras.regularizers.L2(1e-4),
            )(x)
        x = L.MaxPooling2D()(L.BatchNormalization(momentum=0.9)(x))
    x = L.Flatten()(x)
    x = L.Dropout(dropout)(x) if dropout > 0 else x
    return keras.Model(i, L.Dense(classes, "softmax")(L.Dense(r(512), "sigmoid")(x)))
""",
            "has a penalty on its weights, which was not asked for",
        ),
        "at most the whole width": (
            """
def build_base(blocks=BASE, dropout=0.5, width=1.0, classes=100):
    L = keras.layers
    x = i = keras.Input((32, 32, 3))
    r = lambda n: round(n * min(width, 1))
    for f, k in blocks:
        for _ in range(k):
            x = L.Conv2D(r(f), 3, padding="same", activation="relu")(x)
        x = L.MaxPooling2D()(L.BatchNormalization(momentum=0.9)(x))
    x = L.Flatten()(x)
    x = L.Dropout(dropout)(x) if dropout > 0 else x
    return keras.Model(i, L.Dense(classes, "softmax")(L.Dense(r(512), "sigmoid")(x)))
""",
            "round(width * 512) units",
        ),
        "no high rates": (
            BY_BLOCKS.replace("Dropout(dropout)", "Dropout(min(dropout, 0.5))"),
            "The first dropout has another rate than expected",
        ),
        "no low rates": (
            """
def build_base(blocks=BASE, dropout=0.5, width=1.0, classes=100):
    L = keras.layers
    x = i = keras.Input((32, 32, 3))
    r = lambda n: round(n * width)
    for f, k in blocks:
        for _ in range(k):
            x = L.Conv2D(r(f), 3, padding="same", activation="relu")(x)
        x = L.MaxPooling2D()(L.BatchNormalization(momentum=0.9)(x))
    x = L.Flatten()(x)
    x = L.Dropout(dropout)(x) if dropout >= 0.1 else x
    return keras.Model(i, L.Dense(classes, "softmax")(L.Dense(r(512), "sigmoid")(x)))
""",
            "The network has no dropout layers; expected 1",
        ),
    },
    "c100-costs": {
        "single precision": (
            """
def block_costs(blocks, size=32, channels=3):
    out = []
    for f, k in blocks:
        cs = [channels] + [f] * (k - 1)
        out.append(
            (
                sum((9 * c + 1) * f for c in cs),
                np.float32(sum(9 * c * f for c in cs)) * np.float32(size**2),
            )
        )
        size //= 2
        channels = f
    return np.array(out, "float32")
""",
            "the number of multiplications of block 1 is wrong",
        ),
    },
    "c100-augmented": {
        "no gradient": (
            """
def augmented(network):
    L = keras.layers
    i = keras.Input((32, 32, 3))
    x = L.RandomRotation(15 / 360, fill_mode="nearest")(
        L.RandomTranslation(0.1, 0.1, fill_mode="nearest")(L.RandomFlip("horizontal")(i))
    )
    return keras.Model(i, keras.ops.stop_gradient(network(x)))
""",
            "ValueError: No gradients provided for any variable",
        ),
        "a frozen layer": (
            """
def augmented(network):
    L = keras.layers
    network.layers[0].trainable = False
    return keras.Sequential(
        [
            L.Input((32, 32, 3)),
            L.RandomFlip("horizontal"),
            L.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
            L.RandomRotation(15 / 360, fill_mode="nearest"),
            network,
        ]
    )
""",
            "The network has too few trainable parameters",
        ),
    },
    "c100-top": {
        "a thousand images": (
            """
def top_accuracy(probabilities, labels, guesses=5):
    top = np.argsort(probabilities[:1000], axis=1)[:, -guesses:]
    return float((top == labels[:1000, None]).any(axis=1).mean())
""",
            "With 5 guesses among 100 classes, the result is wrong",
        ),
        "sorted in part, at the wrong place": (
            """
def top_accuracy(probabilities, labels, guesses=5):
    top = np.argpartition(probabilities, guesses - 1, axis=1)[:, -guesses:]
    return float((top == labels[:, None]).any(axis=1).mean())
""",
            "the result is wrong",
        ),
    },
    "c100-groups": {
        "twenty groups": (
            """
def group_probabilities(probabilities, group_of):
    return (probabilities @ np.eye(group_of.max() + 1)[group_of])[
        :, np.bincount(group_of) >= 0
    ][:, :20]
""",
            "groups in any order has another shape than expected: along axis 1",
        ),
    },
}


@pytest.mark.parametrize(("test", "answer"), exercise.cases(FAULTS))
def test_a_fault_that_shows_in_few_cases_is_named(c100, arrays, test, answer):
    code, words = answer
    result = c100.run(test, c100.namespace(code, **arrays))
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words.lower() in result.message.lower(), result
