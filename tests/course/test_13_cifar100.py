"""13 CIFAR-100: right answers in more than one form pass, and wrong ones fail in words."""

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks, data

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
        result = c100.run(test, c100.stubs(BASE=BASE, rows=np.eye(3), **arrays))
        assert result.status == checks.NOT_ATTEMPTED, (test, result)


# ------------------------------------------------------------------ c100-onehot

ONE_HOT = "def one_hot(labels, classes=100):\n    {}"


@pytest.mark.parametrize(
    "body",
    [
        "return keras.utils.to_categorical(np.ravel(labels), classes).astype('float32')",
        "rows = np.zeros((len(labels), classes), np.float32)\n"
        "    rows[np.arange(len(labels)), np.reshape(labels, -1)] = 1\n"
        "    return rows",
        "return (np.reshape(labels, (-1, 1)) == np.arange(classes)).astype(np.float32)",
    ],
)
def test_rows_made_another_way_pass(c100, body):
    assert_right(judged(c100, "c100-onehot", ONE_HOT.format(body)))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return np.eye(classes)[np.ravel(labels)]", "dtype float64"),
        ("return np.eye(classes, dtype='float32')[labels]", "shape (2, 1, 5)"),
        ("return np.eye(labels.max() + 1, dtype='float32')[np.ravel(labels)]", "columns"),
        ("return np.eye(classes, dtype='float32')[np.ravel(labels) - 1]", "differs"),
        ("return np.eye(classes, dtype='float32')", "shape (3, 3)"),
        ("return np.eye(100, dtype='float32')[np.ravel(labels)]", "shape (2, 100)"),
        ("return np.eye(classes, dtype='float32')[np.ravel(labels)].T", "shape (3, 2)"),
        ("np.eye(classes, dtype='float32')[np.ravel(labels)]", "None"),
    ],
)
def test_rows_that_are_not_one_hot_are_named(c100, body, words):
    result = judged(c100, "c100-onehot", ONE_HOT.format(body))
    assert_wrong(result, words if words != "columns" else "shape")


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
        net = keras.Sequential([L.Input((32, 32, 3))])
        for filters, convolutions in blocks:
            for _ in range(convolutions):
                sizes = {"padding": changed.get("padding", "same")}
                net.add(L.Conv2D(round(width * filters), 3, activation="relu", **sizes))
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
        return net

    return build


@pytest.mark.parametrize("right", [functional, variant()])
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
        (lambda *a, **k: None, "return", False),
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
GOOD = {
    "p": "(9 * channels + 1) * filters",
    "m": "9 * channels * filters * size * size",
    "after": "channels = filters",
    "pair": "(p, m)",
    "end": "size = size // 2",
}


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
    ],
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
        ({"end": "size = size / 2"}, "multiplications of block 2", True),
        ({"m": "9 * channels * filters * size"}, "entry 0, entry 1", False),
        ({"m": "9 * channels * filters * (size // 2) ** 2"}, "entry 0, entry 1", False),
        ({"pair": "(m, p)"}, "entry 0, entry 0", False),
        ({"m": "9 * channels * filters * 1024 // 4 ** len(costs)"}, "multiplications", True),
        ({"after": "channels = filters if number else channels"}, "entry 1", False),
    ],
)
def test_wrong_costs_are_named(c100, changed, words, hidden):
    result = judged(c100, "c100-costs", COSTS.format(**GOOD | changed))
    assert_wrong(result, words, hidden)


# ------------------------------------------------------------------ c100-augmented


def in_front(flip="horizontal", shift=(0.1, 0.1), turn=15 / 360, fill="nearest", **changed):
    def augmented(network):
        layers = [L.RandomFlip(flip), L.RandomTranslation(*shift, fill_mode=fill)]
        layers.append(L.RandomRotation(turn, fill_mode=fill))
        if changed.get("backwards"):
            layers.reverse()
        if changed.get("copy"):
            network = keras.models.clone_model(network)
        return keras.Sequential([L.Input((32, 32, 3)), *layers, network])

    return augmented


def nested(network):
    inputs = keras.Input((32, 32, 3))
    chain = keras.Sequential(
        [
            L.RandomFlip("horizontal"),
            L.RandomTranslation((-0.1, 0.1), (-0.1, 0.1), fill_mode="nearest"),
            L.RandomRotation((-15 / 360, 15 / 360), fill_mode="nearest"),
        ]
    )
    return keras.Model(inputs, network(chain(inputs)))


def with_front(c100, arrays, augmented):
    names = c100.namespace(augmented=augmented, **arrays)
    names["tiny"] = names["build_base"](width=1 / 16)
    names["guarded"] = augmented(names["tiny"])
    return c100.run("c100-augmented", names)


@pytest.mark.parametrize("right", [in_front(), nested])
def test_augmentation_written_another_way_passes(c100, arrays, right):
    assert_right(with_front(c100, arrays, right))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (in_front(flip="vertical"), "not horizontal"),
        (in_front(flip="horizontal_and_vertical"), "not horizontal"),
        (in_front(shift=(0.1, 0.2)), "tenth of the width"),
        (in_front(shift=(0.0, 0.1)), "tenth of the height"),
        (in_front(turn=0.15), "15 degrees"),
        (in_front(turn=15 / 180), "15 degrees"),
        (in_front(fill="reflect"), "nearest"),
        (in_front(backwards=True), "layers of guarded"),
        (in_front(copy=True), "copy"),
        (lambda network: network, "layers of guarded"),
        (lambda network: None, "returns None"),
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


def trained(c100, arrays, changed, shown=0.0):
    """The verdict on a way to train; the threshold is not judged here."""
    body = TRAIN.format(**USUAL | changed)
    names = c100.namespace(body, **arrays)
    # Few convolutions are traced sooner than the ten of the base, and these checks look at none.
    names["base"] = names["build_base"](((64, 1), (64, 1)), dropout=0, width=1 / 8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.submission.threshold", lambda key: shown)
        names["base_record"] = names["train_network"](names["base"], "c100_test", epochs=1)
        return c100.run("c100-train", names)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {
            "optimizer": "keras.optimizers.Adam(learning_rate=learning_rate)",
            "loss": "keras.losses.CategoricalCrossentropy()",
            "metrics": "[keras.metrics.CategoricalAccuracy('accuracy')]",
        },
        {
            "fit": "return model.fit(x=x_train, y=y_train, validation_data=[x_val, y_val], "
            "batch_size=batch_size, epochs=epochs, verbose=0)"
        },
    ],
)
def test_training_written_another_way_passes(c100, arrays, changed):
    assert_right(trained(c100, arrays, changed))


FIT = USUAL["fit"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"fit": FIT.replace("(x_val, y_val)", "(x_test, y_test)")}, "test images"),
        ({"fit": FIT.replace("(x_val, y_val)", "(x_train, y_train)")}, "validation data"),
        ({"fit": FIT.replace("validation_data=(x_val, y_val), ", "")}, "no validation data"),
        ({"fit": FIT.replace("batch_size=batch_size", "batch_size=128")}, "batch_size is 128"),
        ({"fit": FIT.replace("batch_size=batch_size, ", "")}, "batch_size is None"),
        ({"fit": FIT.replace("epochs=epochs", "epochs=2")}, "epochs is 2"),
        ({"fit": FIT.replace("return ", "")}, "returns None"),
        ({"fit": "return {}"}, "does not train"),
        ({"optimizer": "'adam'"}, "learning rate is 0.001"),
        ({"optimizer": "keras.optimizers.SGD(learning_rate)"}, "not Adam"),
        ({"loss": "'mse'"}, "categorical_crossentropy"),
        ({"metrics": "['mse']"}, "lack accuracy"),
    ],
)
def test_other_training_settings_are_named(c100, arrays, changed, words):
    assert_wrong(trained(c100, arrays, changed), words)


def test_a_network_that_learnt_nothing_is_found(c100, arrays):
    assert_wrong(trained(c100, arrays, {}, shown=0.5), "held-out", hidden=True)


# ------------------------------------------------------------------ c100-top

TOP = "def top_accuracy(probabilities, labels, guesses=5):\n    {}"


@pytest.mark.parametrize(
    "body",
    [
        "own = probabilities[np.arange(len(labels)), labels][:, None]\n"
        "    return np.mean((probabilities > own).sum(axis=1) < guesses)",
        "hits = [y in np.argsort(p)[-guesses:] for p, y in zip(probabilities, labels)]\n"
        "    return sum(hits) / len(hits)",
    ],
)
def test_top_accuracy_written_another_way_passes(c100, body):
    assert_right(judged(c100, "c100-top", TOP.format(body)))


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
ROWS = np.array([[0.5, 0.2, 0.3], [0.1, 0.7, 0.2], [0.6, 0.3, 0.1]])


@pytest.mark.parametrize(
    "body",
    [
        "p = [probabilities[:, group_of == g].sum(axis=1) for g in range(group_of.max() + 1)]\n"
        "    return np.stack(p, axis=1)",
        "sums = np.zeros((len(probabilities), group_of.max() + 1))\n"
        "    np.add.at(sums.T, group_of, probabilities.T)\n"
        "    return sums",
    ],
)
def test_groups_summed_another_way_pass(c100, body):
    assert_right(judged(c100, "c100-groups", GROUPS.format(body), rows=ROWS))


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
    ],
)
def test_other_sums_are_named(c100, body, words, hidden):
    result = judged(c100, "c100-groups", GROUPS.format(body), rows=ROWS)
    assert_wrong(result, words, hidden)
