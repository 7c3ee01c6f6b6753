"""03 NET I: right answers in more than one form pass, and wrong ones fail in words."""

import functools

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks, profile

L = keras.layers


@pytest.fixture(scope="module", autouse=True)
def short_trainings():
    """Two epochs show what a function trains as well as twenty do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profile, "epochs", lambda asked: max(1, asked // 10))
        yield


@pytest.fixture(scope="module")
def net1():
    return exercise.load("03_net_1")


@pytest.fixture(scope="module")
def trained(net1):
    """What the notebook's training leaves behind: here, of a network of one layer."""
    model = keras.Sequential([keras.Input((32, 32, 3)), L.GlobalAveragePooling2D()])
    model.add(L.Dense(10, "softmax"))
    names = net1.namespace()
    x = np.random.default_rng(0).random((20, 32, 32, 3), dtype=np.float32)
    history = names["train_net1"](names["compile_net1"](model), x, np.arange(20)[:, None] % 10)
    return {"net1": model, "history": history}


@pytest.fixture
def lenient(monkeypatch):
    """A threshold that a network of one layer reaches."""
    monkeypatch.setattr("autograder.submission.threshold", lambda key: 0.0)


def assert_right(result):
    assert result.passed and result.hidden, result


def assert_wrong(result, words):
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words.lower() in result.message.lower(), result


def ids(table):
    return [str(at) for at, _ in enumerate(table)]


# ------------------------------------------------------------------ net1-architecture


def functional(input_shape=(32, 32, 3), classes=10):
    inputs = x = keras.Input(input_shape)
    for filters in (32, 64, 64):
        x = L.Activation("relu")(L.Conv2D(filters, (3, 3), padding="valid")(x))
        x = L.MaxPool2D(pool_size=(2, 2))(x)
    x = L.ReLU()(L.Dense(512)(L.Reshape((-1,))(x)))
    return keras.Model(inputs, L.Softmax()(L.Dense(classes)(x)), name="mine")


def added(input_shape=(32, 32, 3), classes=10):
    net = keras.Sequential()
    net.add(keras.Input(shape=tuple(input_shape)))
    for filters in (32, 64, 64):
        net.add(L.Conv2D(filters, 3, activation=keras.activations.relu))
        net.add(L.MaxPooling2D())
    net.add(L.Flatten())
    net.add(L.Dense(512, "relu", name="fc"))
    net.add(L.Dense(classes, "softmax"))
    return net


def verbose(input_shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10) -> keras.Model:
    """Build NET I, step by step."""
    assert isinstance(input_shape, tuple) and len(input_shape) == 3, "height, width, channels"

    def block(filters: int) -> list[keras.layers.Layer]:
        conv = L.Conv2D(filters=filters, kernel_size=(3, 3), strides=(1, 1), activation="relu")
        return [conv, L.MaxPooling2D(pool_size=(2, 2), strides=(2, 2), padding="valid")]

    layers = [L.Input(shape=input_shape), *block(32), *block(64), *block(64), L.Flatten()]
    layers.extend([L.Dense(units=512, activation="relu"), L.Dense(units=classes)])
    model = keras.Sequential([*layers, L.Activation("softmax")], name="net1")
    print(f"NET I has {model.count_params():,} parameters")
    return model


def in_two_parts(input_shape=(32, 32, 3), classes=10):
    features = keras.Sequential([keras.Input(input_shape)])
    for filters in (32, 64, 64):
        features.add(L.Conv2D(filters, 3, activation="relu"))
        features.add(L.MaxPooling2D(2))
    head = [L.Flatten(), L.Dense(512, "relu"), L.Dense(classes, "softmax")]
    return keras.Sequential([keras.Input(input_shape), features, *head])


class Net1(keras.Model):
    """NET I with one pooling layer that it uses three times."""

    def __init__(self, classes):
        super().__init__()
        self.convolutions = [L.Conv2D(n, 3) for n in (32, 64, 64)]
        self.pool, self.flat = L.MaxPooling2D(2), L.Flatten()
        self.hidden, self.last = L.Dense(512, "relu"), L.Dense(classes)

    def call(self, x):
        for convolution in self.convolutions:
            x = self.pool(keras.ops.relu(convolution(x)))
        return keras.ops.softmax(self.last(self.hidden(self.flat(x))))


def subclassed(input_shape=(32, 32, 3), classes=10):
    return Net1(classes)


def operations(input_shape=(32, 32, 3), classes=10):
    inputs = x = keras.Input(input_shape)
    for filters in (32, 64, 64):
        x = L.MaxPooling2D(2)(keras.ops.relu(L.Conv2D(filters, 3)(x)))
    x = keras.activations.relu(L.Dense(512)(L.Flatten()(x)))
    return keras.Model(inputs, keras.ops.softmax(L.Dense(classes)(x)))


class ByMatrices(L.Layer):
    """A convolution of 3 by 3 pixels, as the sum of nine products of matrices."""

    def __init__(self, filters):
        super().__init__()
        self.filters = filters

    def build(self, shape):
        self.kernel = self.add_weight(shape=(3, 3, shape[-1], self.filters))
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros")

    def call(self, x):
        rows, columns, total = x.shape[1] - 2, x.shape[2] - 2, 0
        for i in range(3):
            for j in range(3):
                part = x[:, i : i + rows, j : j + columns, :]
                total = total + keras.ops.matmul(part, self.kernel[i, j])
        return keras.ops.relu(total + self.bias)


def by_matrices(input_shape=(32, 32, 3), classes=10):
    net = keras.Sequential([keras.Input(input_shape)])
    for filters in (32, 64, 64):
        net.add(ByMatrices(filters))
        net.add(L.MaxPooling2D(2))
    for layer in (L.Flatten(), L.Dense(512, "relu"), L.Dense(classes, "softmax")):
        net.add(layer)
    return net


FORMS = [functional, added, verbose, in_two_parts, subclassed, operations]
FORMS += [pytest.param(by_matrices, marks=pytest.mark.slow)]  # half a minute of tracing


@pytest.mark.parametrize("right", FORMS)
def test_net1_built_another_way_passes(net1, right):
    assert_right(net1.run("net1-architecture", net1.namespace(build_net1=right)))


def variant(conv=(3, 3, 3), filters=(32, 64, 64), pool_strides=2, hidden=512, **settings):
    """A builder of NET I with something changed."""

    def build(input_shape=(32, 32, 3), classes=10):
        last = settings.get("classes", classes)
        net = [keras.Input(settings.get("input_shape", input_shape))]
        for size, count in zip(conv, filters, strict=True):
            wanted = {"padding": "valid", "activation": settings.get("relu", "relu")}
            chosen = {key: settings[key] for key in ("padding", "strides") if key in settings}
            net.append(L.Conv2D(count, size, **(wanted | chosen)))
            net.append(settings.get("pool", L.MaxPooling2D)(2, strides=pool_strides))
        net += [L.Flatten(), L.Dense(hidden, settings.get("fc", "relu"))]
        net += settings.get("more", [])
        if settings.get("head", True):
            net.append(L.Dense(last, settings.get("end", "softmax")))
        return keras.Sequential(net)

    return build


def with_l2(input_shape=(32, 32, 3), classes=10):
    net = variant(head=False)(input_shape, classes)
    net.add(L.Dense(classes, "softmax", kernel_regularizer="l2"))
    return net


def compiled(input_shape=(32, 32, 3), classes=10):
    net = added(input_shape, classes)
    net.compile("adam", "sparse_categorical_crossentropy")
    return net


def frozen(input_shape=(32, 32, 3), classes=10):
    net = added(input_shape, classes)
    net.trainable = False
    return net


OUTSIDE = L.Conv2D(64, 3, activation="relu")


def with_a_shared_layer(input_shape=(32, 32, 3), classes=10):
    net = added(input_shape, classes)
    return keras.Sequential([keras.Input(input_shape), *net.layers[:2], OUTSIDE, *net.layers[3:]])


def in_a_dictionary(input_shape=(32, 32, 3), classes=10):
    net = functional(input_shape, classes)
    return keras.Model(net.inputs, {"probabilities": net.outputs[0]})


class Noise(L.Layer):
    def call(self, x, training=False):
        return x + 0.1 * keras.random.normal(keras.ops.shape(x)) if training else x


def noisy(input_shape=(32, 32, 3), classes=10):
    net = functional(input_shape, classes)
    return keras.Model(net.inputs, net(Noise()(net.inputs[0])))


ARCHITECTURES = [
    (with_a_shared_layer, "Two networks of build_net1 share layers"),
    (with_l2, "a penalty on its weights"),
    (compiled, "build_net1 compiles the network"),
    (frozen, "0 trainable parameters"),
    (functools.lru_cache(added), "the same network each time"),
    (variant(relu=L.ReLU(max_value=6)), "first convolution has activation relu with max_value"),
    (variant(fc=None, more=[L.ReLU(negative_slope=0.1)]), "activation relu with negative_slope"),
    (variant(head=False), "dense layer"),
    (variant(filters=(32, 32, 64)), "second convolution has filters 32"),
    (variant(conv=(5, 3, 3)), "first convolution has kernel_size 5"),
    (variant(padding="same"), "padding same"),
    (variant(relu=None), "no activation"),
    (variant(pool_strides=1), "strides 1"),
    (variant(pool=L.AveragePooling2D), "pooling"),
    (variant(hidden=256), "units 256"),
    (variant(end="sigmoid"), "sigmoid"),
    (variant(end=None), "activation linear"),
    (variant(fc=None), "first dense layer has activation linear"),
    (variant(more=[L.Dropout(0.5)]), "dropout"),
    (variant(classes=100), "units 100"),
    (in_a_dictionary, "what the network gives for one image"),
    (noisy, "what the network gives while it trains"),
    (lambda *a, **k: None, "return"),
    (lambda *a, **k: [L.Conv2D(32, 3)], "expected a network: return one keras.Model"),
    (lambda *a, **k: keras.Sequential([L.Conv2D(32, 3)]), "begin the network with keras.layers.In"),
]


@pytest.mark.parametrize(("wrong", "words"), ARCHITECTURES, ids=ids(ARCHITECTURES))
def test_another_network_is_not_net1(net1, wrong, words):
    result = net1.run("net1-architecture", net1.namespace(build_net1=wrong))
    assert_wrong(result, words)
    assert not result.hidden


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (variant(classes=10), "classes=7"),
        (variant(input_shape=(32, 32, 3)), "use input_shape, all of it"),
        (
            lambda input_shape=(32, 32, 3), classes=10: added((*input_shape[:2], 3), classes),
            "input",
        ),
        (lambda input_shape=(32, 32, 3), classes=10: added(input_shape[::-1], classes), "input"),
    ],
    ids=ids(range(4)),
)
def test_arguments_that_are_ignored_are_found(net1, wrong, words):
    assert_wrong(net1.run("net1-architecture", net1.namespace(build_net1=wrong)), words)


# ------------------------------------------------------------------ net1-compile

COMPILE = """
def compile_net1(model):
    model.compile({})
    return model
"""
ADAM, LOSS = "optimizer='adam'", "loss='sparse_categorical_crossentropy'"
COMPILED = [
    COMPILE.format(f"{ADAM}, {LOSS}, weighted_metrics=['accuracy']"),
    COMPILE.format(
        f"{ADAM}, {LOSS}, metrics=[keras.metrics.SparseTopKCategoricalAccuracy(1, name='right')]"
    ),
    COMPILE.format(f"{ADAM}, {LOSS}, metrics=['acc']"),
    COMPILE.format(f"{ADAM}, {LOSS}, metrics=['sparse_categorical_accuracy', 'accuracy']"),
    COMPILE.format(
        "keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(), "
        "metrics=[keras.metrics.SparseCategoricalAccuracy(name='accuracy')]"
    ),
    COMPILE.format(
        "optimizer=keras.optimizers.Adam(), loss=keras.losses.sparse_categorical_crossentropy,"
        "metrics=[keras.metrics.sparse_categorical_accuracy]"
    ),
    COMPILE.format(f"{ADAM}, {LOSS}, metrics=['accuracy'], jit_compile=False"),
    COMPILE.format(f"{ADAM}, {LOSS}, metrics=[accuracy]")
    + """
def accuracy(y, chances):
    labels = keras.ops.cast(keras.ops.reshape(y, (-1,)), "int64")
    guesses = keras.ops.cast(keras.ops.argmax(chances, axis=-1), "int64")
    return keras.ops.cast(labels == guesses, "float32")
""",
    COMPILE.format(
        f"{ADAM}, metrics=['accuracy'],"
        "loss=lambda y, p: keras.losses.sparse_categorical_crossentropy(y, p)"
    ),
    """
def compile_net1(model: keras.Model) -> keras.Model:
    '''Prepare the network for training.'''
    assert isinstance(model, keras.Model), f"expected a keras.Model, got {type(model)}"
    assert model.output_shape == (None, 10)
    settings = {
        "optimizer": keras.optimizers.Adam(learning_rate=0.001),
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=False),
        "metrics": ["accuracy"],
    }
    model.compile(**settings)
    print("compiled:", model.compiled)
    return model
""",
]


@pytest.mark.parametrize("right", COMPILED, ids=ids(COMPILED))
def test_names_and_objects_both_compile(net1, right):
    assert_right(net1.run("net1-compile", net1.namespace(right)))


OTHER_SETTINGS = [
    (
        "def compile_net1(model, optimizer=keras.optimizers.Adam()):\n"
        f"    model.compile(optimizer, {LOSS}, metrics=['accuracy'])\n    return model",
        "two networks the same optimizer",
    ),
    (
        COMPILE.format(
            f"{ADAM}, loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=8),"
            "metrics=['accuracy']"
        ),
        "with ignore_class=8",
    ),
    ("def compile_net1(model): model.compile('adam')", "return model"),
    ("def compile_net1(model): return model", "not compiled"),
    (
        COMPILE.format(f"{ADAM}, {LOSS}, metrics=['accuracy']").replace(
            "model.compile", "model = keras.models.clone_model(model); model.compile"
        ),
        "another network than it was given",
    ),
    (COMPILE.format(f"'sgd', {LOSS}, metrics=['accuracy']"), "optimizer is sgd"),
    (COMPILE.format(f"'rmsprop', {LOSS}, metrics=['accuracy']"), "optimizer is rmsprop"),
    (COMPILE.format(f"keras.optimizers.AdamW(), {LOSS}, metrics=['accuracy']"), "is adamw"),
    (COMPILE.format(f"'nadam', {LOSS}, metrics=['accuracy']"), "is nadam; expected adam."),
    (COMPILE.format("'adam', 'mse', metrics=['accuracy']"), "the loss of your setting is"),
    (
        COMPILE.format("'adam', 'categorical_crossentropy', metrics=['accuracy']"),
        "use the loss sparse_categorical_crossentropy",
    ),
    (
        COMPILE.format("'adam', 'binary_crossentropy', metrics=['accuracy']"),
        "loss",
    ),
    (COMPILE.format(f"{ADAM}, {LOSS}"), "no metric"),
    (
        COMPILE.format("'adam', 'sparse_categorical_crossentropy', ['accuracy']"),
        "metrics= in front",
    ),
    (
        COMPILE.format("'adam', 'sparse_categorical_crossentropy', 'accuracy'"),
        "write metrics=['accuracy']",
    ),
    (COMPILE.format(f"{LOSS}, metrics=['accuracy']"), "named none, keras takes rmsprop"),
    (COMPILE.format(f"{ADAM}, metrics=['accuracy']"), "loss"),
    (COMPILE.format(f"{ADAM}, {LOSS}, metrics=['mse']"), "expected an accuracy of 0.333"),
    (COMPILE.format(f"{ADAM}, {LOSS}, metrics=[keras.metrics.Accuracy()]"), "metric"),
    (
        COMPILE.format(f"{ADAM}, {LOSS}, metrics=['sparse_top_k_categorical_accuracy']"),
        "expected an accuracy of 0.333",
    ),
    (
        COMPILE.format(
            f"{ADAM}, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),"
            "metrics=['accuracy']"
        ),
        "logits",
    ),
    (
        COMPILE.format(
            f"{ADAM}, loss=lambda y, p: 2 * keras.losses.sparse_categorical_crossentropy(y, p),"
            "metrics=['accuracy']"
        ),
        "loss of your setting",
    ),
]


@pytest.mark.parametrize(("wrong", "words"), OTHER_SETTINGS, ids=ids(OTHER_SETTINGS))
def test_other_settings_are_named(net1, wrong, words):
    assert_wrong(net1.run("net1-compile", net1.namespace(wrong)), words)


# ------------------------------------------------------------------ net1-train

FIT = "def train_net1(model, x, y): return training.fit({})"
GOOD = "validation_split=0.2, batch_size=128, epochs=profile.epochs(20)"
TRAININGS = [
    FIT.format(f"model, 'net1', x, y, {GOOD}, sample_weight=np.ones(len(x))"),
    FIT.format(f"model, 'net1', x, y, {GOOD}, class_weight=dict.fromkeys(range(10), 1.0)"),
    """
def train_net1(model, x, y):
    cut = int(len(x) * 0.8)

    def batches():
        while True:
            for at in range(0, cut, 128):
                yield x[at : min(at + 128, cut)], y[at : min(at + 128, cut)]

    steps, rest = -(-cut // 128), (x[cut:], y[cut:])
    settings = {"steps_per_epoch": steps, "validation_data": rest}
    return model.fit(batches(), epochs=profile.epochs(20), batch_size=None, **settings)
""",
    FIT.format(f"name='net1', y=y, x=x, model=model, {GOOD}"),
    f"def train_net1(model, x, y): return model.fit(x, y, verbose=0, {GOOD})",
    "def train_net1(model, x, y):\n"
    "    return model.fit(x, y, 128, profile.epochs(20), validation_split=1 / 5)",
    """
def train_net1(model, x, y):
    cut = len(x) - len(x) // 5
    return training.fit(model, "net1", x[:cut], y[:cut].ravel(), validation_data=(x[cut:], y[cut:]),
                        batch_size=128, epochs=profile.epochs(20), shuffle=True)
""",
    """
import tensorflow as tf

def train_net1(model, x, y):
    cut = int(0.8 * len(x))
    seen = tf.data.Dataset.from_tensor_slices((x[:cut], y[:cut])).shuffle(cut).batch(128)
    rest = tf.data.Dataset.from_tensor_slices((x[cut:], y[cut:])).batch(50)
    return training.fit(model, "net1", seen, None, validation_data=rest,
                        epochs=profile.epochs(20))
""",
    """
def train_net1(model: keras.Model, x: np.ndarray, y: np.ndarray):
    '''Train and report.'''
    assert isinstance(model, keras.Model) and model.compiled
    assert x.ndim == 4 and x.shape[1:] == (32, 32, 3) and x.dtype == np.float32
    assert 0 <= x.min() and x.max() <= 1 and y.shape == (len(x), 1)
    number_of_epochs = profile.epochs(20)
    history = training.fit(model, "net1", x, y, validation_split=0.2, batch_size=128,
                           epochs=number_of_epochs)
    print(f"validation accuracy {history.history['val_accuracy'][-1]:.3f}")
    loss, accuracy = model.evaluate(x, y, verbose=0)
    print(f"on all images: {loss:.3f}, {accuracy:.3f}")
    return history
""",
]


@pytest.mark.parametrize("right", TRAININGS, ids=ids(TRAININGS))
def test_training_written_another_way_passes(net1, trained, lenient, right):
    assert_right(net1.run("net1-train", net1.namespace(right, **trained)))


CUT = """
def train_net1(model, x, y):
    cut = len(x) * 4 // 5
    settings = dict(batch_size=128, epochs=profile.epochs(20))
    return training.fit(model, "net1", {}, validation_data={}, **settings)
"""
STOP = "[keras.callbacks.EarlyStopping(patience=9)]"
OTHER_TRAININGS = [
    (FIT.format("model, 'net1', x, y, batch_size=128, epochs=profile.epochs(20)"), "without valid"),
    (FIT.format(f"model, 'net1', x, y, {GOOD}").replace("0.2", "0.1"), "it is the last 10%"),
    (FIT.format(f"model, 'net1', x, y, {GOOD}").replace("0.2", "0.8"), "other images aside"),
    (
        FIT.format(f"model, 'net1', x, y, {GOOD}").replace("batch_size=128, ", ""),
        "batch_size is 32",
    ),
    (FIT.format(f"model, 'net1', x, y, {GOOD}").replace("128", "64"), "batch_size is 64"),
    (
        FIT.format(f"model, 'net1', x, y, {GOOD}").replace("profile.epochs(20)", "20"),
        "write epochs=profile.epochs(20)",
    ),
    (FIT.format(f"model, 'net1', x, y, {GOOD}").replace("(20)", "(10)"), "write epochs="),
    (FIT.format(f"model, 'net1', x, y, {GOOD}, validation_freq=2"), "one value per epoch"),
    (
        FIT.format(f"model, 'net1', x, y, {GOOD}, validation_batch_size=10, validation_steps=1"),
        "only 1 of the batches",
    ),
    (
        FIT.format(f"model, 'net1', x, keras.utils.to_categorical(y, 10), {GOOD}"),
        "leave the labels as they are",
    ),
    (FIT.format(f"model, 'net2', x, y, {GOOD}"), "the name is 'net2'"),
    (FIT.format(f"model, 'net1', x, y, {GOOD}, class_weight={{0: 2.0}}"), "leave class_weight"),
    (FIT.format(f"model, 'net1', x, y, {GOOD}, steps_per_epoch=1"), "only 1 of the batches"),
    (FIT.format(f"model, 'net1', x, y, {GOOD}, callbacks={STOP}"), "leave EarlyStopping out"),
    (FIT.format(f"model, 'net1', x, y, {GOOD}") + ".history", "not return what training.fit"),
    (FIT.format(f"model, 'net1', x, y, {GOOD}").replace("return", ""), "returns none"),
    ("def train_net1(model, x, y): return {'loss': [1.0]}", "does not train"),
    ("def train_net1(model, x, y): model.evaluate(x, y, verbose=0)", "does not train"),
    (
        FIT.format(f"keras.models.clone_model(model), 'net1', x, y, {GOOD}"),
        "another network than its",
    ),
    (FIT.format(f"net1, 'net1', x, y, {GOOD}"), "another network than its argument"),
    (FIT.format(f"model, 'net1', x / 255, y, {GOOD}"), "images that it was not given"),
    (FIT.format(f"model, 'net1', x[::-1], y, {GOOD}"), "other images aside"),
    (FIT.format(f"model, 'net1', x, y[::-1], {GOOD}"), "labels that are not their own"),
    (CUT.format("x, y", "(x[cut:], y[cut:])"), "to the validation images too"),
    (CUT.format("x[cut:], y[cut:]", "(x[cut:], y[cut:])"), "to the validation images too"),
    (CUT.format("x[:-cut], y[:-cut]", "(x[-cut:], y[-cut:])"), "other images aside"),
    (CUT.format("x[:100], y[:100]", "(x[cut:], y[cut:])"), "each of the other images once"),
    (CUT.format("x[:cut], y[:cut]", "(x[cut:], y[:-cut])"), "validation images labels"),
    (
        "def train_net1(model, x, y):\n    for _ in range(2):\n        made = training.fit("
        f"model, 'net1', x, y, {GOOD.replace('profile.epochs(20)', '1')})\n    return made",
        "trains 2 times",
    ),
]


@pytest.mark.parametrize(("wrong", "words"), OTHER_TRAININGS, ids=ids(OTHER_TRAININGS))
def test_other_trainings_are_named(net1, trained, wrong, words):
    result = net1.run("net1-train", net1.namespace(wrong, **trained))
    assert_wrong(result, words)
    assert not result.hidden


def test_a_training_that_compiles_the_network_again_is_found(net1, trained, lenient):
    settings = "{}, 'sparse_categorical_crossentropy', metrics=['accuracy']"
    body = "def train_net1(model, x, y):\n    model.compile({})\n    return training.fit({})"
    other = "compiles the network with other settings"
    for optimizer, words in (
        ("'sgd'", other),
        ("keras.optimizers.Adam(0.01)", other),
        ("'adam'", ""),
    ):
        code = body.format(settings.format(optimizer), f"model, 'net1', x, y, {GOOD}")
        result = net1.run("net1-train", net1.namespace(code, **trained))
        assert words in result.message and result.passed == (not words), result


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"history": None}, "history is not what training.fit returns"),
        ({"history": [1.0, 0.5]}, "not what training.fit returns"),
        ({"history": {"loss": [1.0] * 2, "accuracy": [1.0] * 2}}, "lacks val_loss"),
        ({"history": {key: [1.0] for key in ("loss", "val_loss", "val_acc")}}, "number of epochs"),
        ({}, "held-out"),
    ],
    ids=ids(range(5)),
)
def test_work_that_was_not_trained_is_found(net1, trained, names, words):
    assert_wrong(net1.run("net1-train", net1.namespace() | trained | names), words)


# ------------------------------------------------------------------ net1-evaluate

EVALUATE = "def evaluate_net1(model, x, y):\n    "
BOTH = "loss, accuracy = model.evaluate(x, y, verbose=0)\n    "
EVALUATIONS = [
    ("return model.evaluate(x, y, 200, verbose=0, return_dict=True)", ["accuracy"]),
    (
        "got = model.evaluate(x, y, verbose=0, return_dict=True)\n    "
        "return {'loss': got['loss'], 'accuracy': got['sparse_categorical_accuracy']}",
        ["sparse_categorical_accuracy"],
    ),
    (
        "got = model.evaluate(x, y, verbose=0, return_dict=True)\n    "
        "return {'accuracy': np.float32(got['acc']), 'loss': np.array(got['loss'])}",
        ["acc"],
    ),
    (
        "p, y = model.predict(x, verbose=0), np.ravel(y)\n    "
        "own = p[np.arange(len(y)), y]\n    "
        "return dict(loss=-np.log(own).mean(), accuracy=(p.argmax(1) == y).mean())",
        ["accuracy"],
    ),
    (
        "top = model.evaluate(x, y, verbose=0, return_dict=True)\n    "
        "return {k: top[k] for k in ('accuracy', 'loss')}",
        ["accuracy", "sparse_top_k_categorical_accuracy"],
    ),
    (
        "loss, accuracy, _ = model.evaluate(x=x, y=y, verbose=0)\n    "
        "return {'loss': loss, 'accuracy': accuracy}",
        ["accuracy", "sparse_top_k_categorical_accuracy"],
    ),
    (
        "assert isinstance(model, keras.Model) and model.compiled\n    "
        "assert x.shape[1:] == (32, 32, 3) and x.dtype == np.float32\n    "
        "assert y.shape == (len(x), 1)\n    "
        "results: list[float] = model.evaluate(x, y, verbose=0)\n    "
        "figures = dict(zip(['loss', 'accuracy'], map(float, results)))\n    "
        "print(f\"accuracy {figures['accuracy']:.1%}\")\n    return figures",
        ["accuracy"],
    ),
    (
        "right, losses = 0, []\n    "
        "for image, label in zip(x, y.ravel()):\n        "
        "p = np.array(model(image[np.newaxis]))[0]\n        "
        "right += int(p.argmax() == label)\n        losses.append(-np.log(p[label]))\n    "
        "return {'loss': sum(losses) / len(x), 'accuracy': right / len(x)}",
        ["accuracy"],
    ),
]


@pytest.mark.parametrize(("body", "metrics"), EVALUATIONS, ids=ids(EVALUATIONS))
def test_an_evaluation_written_another_way_passes(net1, trained, body, metrics):
    net = keras.models.clone_model(trained["net1"])
    net.compile("adam", "sparse_categorical_crossentropy", metrics=metrics)
    assert_right(net1.run("net1-evaluate", net1.namespace(EVALUATE + body, net1=net)))


OTHER_EVALUATIONS = [
    (BOTH + "return {'loss': accuracy, 'accuracy': loss}", "the two values are swapped"),
    ("return {'loss': 2.3, 'accuracy': 0.1}", "accuracy for three right answers out of seven"),
    (BOTH + "return {'loss': loss * len(x), 'accuracy': accuracy}", "loss on these seven"),
    (BOTH + "return {'loss': loss, 'accuracy': accuracy * 100}", "42.857"),
    (BOTH + "return {'loss': loss, 'accuracy': accuracy * len(x)}", "accuracy for three"),
    (BOTH + "return {'loss': loss, 'accuracy': 1 - accuracy}", "accuracy for three"),
    (BOTH + "return {'loss': -loss, 'accuracy': accuracy}", "loss on these seven"),
    (BOTH + "return {'loss': round(loss), 'accuracy': accuracy}", "loss on these seven"),
    (BOTH + "return {'loss': np.exp(-loss), 'accuracy': accuracy}", "loss on these seven"),
    (BOTH + "return {'loss': [loss], 'accuracy': accuracy}", "shape (1,)"),
    (BOTH + "return {'loss': loss, 'accuracy': None}", "accuracy for three right answers out of"),
    (BOTH + "return {'Loss': loss, 'Accuracy': accuracy}", "the keys are"),
    (BOTH + "return {'accuracy': accuracy}", "the keys are"),
    (BOTH + "return {'loss': loss, 'accuracy': accuracy, 'top5': 1.0}", "the keys are"),
    (BOTH + "return loss, accuracy", "not return a dictionary"),
    ("return model.evaluate(x, y, verbose=0)", "not return a dictionary"),
    ("model.evaluate(x, y, verbose=0)", "returns none"),
    (
        BOTH.replace("(x,", "(x[:5],").replace("y,", "y[:5],") + "return dict(loss=loss,"
        "accuracy=accuracy)",
        "accuracy for three right answers",
    ),
    (BOTH.replace("model", "net1") + "return dict(loss=loss, accuracy=accuracy)", "accuracy"),
    (
        BOTH + "if len(x) < 8:\n        return dict(loss=loss, accuracy=accuracy)\n    "
        "return dict(loss=loss / 2, accuracy=accuracy)",
        "not its cross-entropy",
    ),
]


@pytest.mark.parametrize(("body", "words"), OTHER_EVALUATIONS, ids=ids(OTHER_EVALUATIONS))
def test_a_wrong_evaluation_is_named_by_what_it_gives(net1, trained, body, words):
    names = net1.namespace(EVALUATE + body, net1=trained["net1"])
    assert_wrong(net1.run("net1-evaluate", names), words)


# ------------------------------------------------------------------ net1-predict

PREDICT = "def predict_first(model, x_test):\n    "
PREDICTIONS = [
    "p = model(x_test[:1]); p = np.array(p)[0]; return p.argmax(), p",
    "p = model.predict(x_test, verbose=0); return p.argmax(axis=1)[0], p[0]",
    "p = list(model.predict(x_test[0][None], verbose=0)[0]); return p.index(max(p)), p",
    "p = model(x_test[:1])[0]; return keras.ops.argmax(p), p",
    "p = model.predict(x=np.expand_dims(x_test[0], axis=0), verbose=0).squeeze()\n    "
    "return [np.int64(p.argmax()), np.float64(p)]",
    "first: np.ndarray = x_test[0:1]\n    assert first.shape == (1, 32, 32, 3), first.shape\n    "
    "probabilities = model.predict(first, batch_size=1, verbose=0).flatten()\n    "
    "label = int(np.argsort(probabilities)[-1])\n    "
    "assert np.isclose(probabilities.sum(), 1.0, atol=1e-4)\n    "
    "print(f'class {label} with {probabilities[label]:.1%}')\n    return (label, probabilities)",
    "label, p = None, model.predict(x_test[:1], verbose=0)[0]\n    "
    "for k, value in enumerate(p):\n        "
    "if label is None or value > p[label]:\n            label = k\n    return label, p",
]


@pytest.mark.parametrize("body", PREDICTIONS, ids=ids(PREDICTIONS))
def test_a_prediction_written_another_way_passes(net1, body):
    assert_right(net1.run("net1-predict", net1.namespace(PREDICT + body)))


P = "p = model.predict(x_test[:{}], verbose=0); "
OTHER_PREDICTIONS = [
    (P.format(1) + "return int(p.argmax()), p", "shape (1, 3)"),
    (P.format(2) + "return int(p.argmax(axis=0)[0]), p[0]", "label"),
    (P.format(2) + "return int(p[1].argmax()), p[1]", "differs"),
    (P.format(2) + "return int(p[-1].argmax()), p[0]", "is 0; expected 2"),
    (P.format(1) + "return int(p.argmin()), p[0]", "is 0; expected 2"),
    (P.format(1) + "return int(p[0][1:].argmax()) + 1, p[0]", "second image alone"),
    (P.format(1) + "x_test[0] = 0; return int(p.argmax()), p[0]", "changes its argument x_test"),
    (P.format(1) + "return int(p[0][:10].argmax()), p[0]", "the label of an image"),
    (P.format(1) + "return int(p[0].round(3).argmax()), p[0]", "the label of an image"),
    (P.format(1) + "return p[0].argmax() + 1, p[0]", "is 3; expected 2"),
    (P.format(1) + "return float(p.max()), p[0]", "expected 2"),
    (P.format(1) + "return float(p.argmax()), p[0]", "expected an integer"),
    (P.format(1) + "return p.argmax(axis=1), p[0]", "no single label"),
    (P.format(1) + "return p[0], int(p.argmax())", "return it first"),
    (P.format(1) + "return int(p.argmax()), p[0] / 2", "differs"),
    (P.format(1) + "return int(p.argmax()), p[0] * 100", "differs"),
    (P.format(1) + "return int(p.argmax()), np.round(p[0])", "differs"),
    (P.format(1) + "return int(p.argmax()), p.max()", "is a single value"),
    (P.format(1) + "return int(p.argmax()), np.sort(p[0])", "differs"),
    (P.format(1) + "return int(p.argmax())", "not return two values"),
    (P.format(1) + "print(int(p.argmax()), p[0])", "not return two values"),
    (P.format(1) + "return str(p.argmax()), p[0]", "label"),
    (
        "p = model.predict(x_test[0], verbose=0); return int(p.argmax()), p",
        "a network takes a batch",
    ),
    ("p = np.array([0.2, 0.6, 0.2]); return 1, p", "differs"),
    (
        "p = np.exp(x_test[0].max(axis=(0, 1))); return int(p.argmax()), p / p.sum()",
        "the probability row of an image",
    ),
    (
        "p = np.array(model(x_test[:1], training=True))[0]; return int(p.argmax()), p",
        "of an image",
    ),
]


@pytest.mark.parametrize(("body", "words"), OTHER_PREDICTIONS, ids=ids(OTHER_PREDICTIONS))
def test_a_wrong_prediction_is_named(net1, body, words):
    assert_wrong(net1.run("net1-predict", net1.namespace(PREDICT + body)), words)


# ------------------------------------------------------------------ net1-overfit-epoch


def _epoch(body):
    return f"def overfit_epoch(history):\n    v = history['val_loss']\n    {body}"


EPOCHS = [
    "e = v.index(min(v)) + 1; return e if e < len(v) else None",
    "e = np.argmin(np.array(v)); return None if e + 1 == len(v) else e + 1",
    "e = np.argmin(v) + 1; return None if e == np.size(v) else np.int32(e)",
    "e, low = 0, float('inf')\n    for k, value in enumerate(v, start=1):\n        "
    "if value < low:\n            e, low = k, value\n    return e if e != len(v) else None",
    "order = sorted(range(len(v)), key=lambda k: (v[k], k))\n    "
    "return order[0] + 1 if order[0] + 1 < len(v) else None",
    "assert isinstance(history, dict) and len(v) > 0, 'no epochs'\n    "
    "lowest: float = min(v)\n    "
    "first_epoch: int = next(k for k, value in enumerate(v) if value == lowest) + 1\n    "
    "print(f'lowest validation loss {lowest:.3f} after epoch {first_epoch}')\n    "
    "if first_epoch == len(v):\n        return None\n    return first_epoch",
    "return None if min(v) == v[-1] and v.count(v[-1]) == 1 else int(np.argmin(v)) + 1",
]


@pytest.mark.parametrize("body", EPOCHS, ids=ids(EPOCHS))
def test_the_epoch_found_another_way_passes(net1, body):
    assert_right(net1.run("net1-overfit-epoch", net1.namespace(_epoch(body))))


E = "e = v.index(min(v)) + 1; "
OTHER_EPOCHS = [
    (E + "return e if e < len(v) else 'None'", "give 'none'; they fall to the end"),
    (
        "e, best = None, 0\n    for k, value in enumerate(v, 1):\n        "
        "if not best or value < best:\n            e, best = k, value\n    "
        "return e if e < len(v) else None",
        "that reaches 0",
    ),
    ("return int(np.argmin(v))", "expected 2"),
    ("return int(np.argmin(v)) + 1", "fall to the end, so return none"),
    ("return int(np.argmin(history['loss'])) + 1", "expected 2"),
    ("return int(np.argmax(v)) + 1", "expected 2"),
    ("return int(np.argmax(history['val_accuracy'])) + 1", "val_accuracy"),
    ("pass", "give none; expected 2"),
    (E + "return e if e < len(v) else 0", "fall to the end, so return none"),
    (E + "return e if e < len(v) else False", "give false; they fall to the end"),
    (E + "return e if e < len(v) else len(v)", "fall to the end, so return none"),
    (E + "return [e] if e < len(v) else None", "2"),
    (E + "return e if e < len(v) - 1 else None", "in the last epoch but one"),
    (E + "return e if min(v) != v[-1] else None", "give None; expected 2, the first epoch"),
    (
        "return next((i for i in range(1, len(v)) if v[i] > v[i - 1]), None)",
        "small rise before its lowest",
    ),
    (  # early stopping with a patience
        "e = 1\n    for k, value in enumerate(v, start=1):\n        "
        "if value < v[e - 1]:\n            e = k\n        "
        "elif k - e >= 9:\n            return e\n    return e if e < len(v) else None",
        "rises for twelve epochs before its lowest value",
    ),
    (
        "e = len(v) - int(np.argmin(v[::-1])); return e if e < len(v) else None",
        "give None; expected 2, the first epoch",
    ),
    (
        "e = len(v) - int(np.argmin(v[::-1])); return e if min(v[:-1]) <= v[-1] else None",
        "give 4; expected 2, the first epoch",
    ),
    (
        E + "return e if e < len(v) and (e < len(v) - 1 or v[-1] > v[-2]) else None",
        "lowest in its last two epochs",
    ),
    (
        "history['loss'][0]; " + E + "return e if e < len(v) else None",
        "must work with history['val_loss'] alone",
    ),
    ("e = v.index(min(v[1:])) + 1; return e if e < len(v) else None", ""),
    (
        "e = int(np.argmin(np.round(v, 2))) + 1; return e if v[-1] > min(v) + 1e-3 else None",
        "lowest",
    ),
    (
        "e, low = 0, 100.0\n    for k, value in enumerate(v, start=1):\n        "
        "if value < low:\n            e, low = k, value\n    return e if e < len(v) else None",
        "above a thousand",
    ),
    (
        "v = [round(a, 2) for a in v]; " + E + "return e if e < len(v) else None",
        "two lowest values differ by 0.003",
    ),
    ("low = min(v); v.append(9); return v.index(low) + 1", "changes its argument history"),
    ("v.sort(); return 2", "changes its argument history"),
    ("return 2 if len(v) == 4 else None", "small rise"),
]


@pytest.mark.parametrize(("body", "words"), OTHER_EPOCHS, ids=ids(OTHER_EPOCHS))
def test_another_epoch_is_wrong_in_words(net1, body, words):
    assert_wrong(net1.run("net1-overfit-epoch", net1.namespace(_epoch(body))), words)


# ------------------------------------------------------------------ the whole notebook


def test_the_solution_passes_every_check(net1, trained, lenient):
    for test in net1.tests:
        assert_right(net1.run(test, net1.namespace() | trained))


def test_each_exercise_but_the_training_is_judged_without_the_others(net1):
    for test, own in (
        ("net1-architecture", "build_net1"),
        ("net1-compile", "compile_net1"),
        ("net1-evaluate", "evaluate_net1"),
        ("net1-predict", "predict_first"),
        ("net1-overfit-epoch", "overfit_epoch"),
    ):
        alone = net1.stubs() | {own: net1.namespace()[own]}
        assert_right(net1.run(test, alone))


def test_a_notebook_with_nothing_filled_in_is_not_attempted(net1):
    for test in net1.tests:
        result = net1.run(test, net1.stubs())
        assert result.status == checks.NOT_ATTEMPTED, (test, result)


# Faults that show in few cases only.
FAULTS = {
    "net1-architecture": {
        "a constraint": (
            """
def build_net1(input_shape=(32, 32, 3), classes=10):
    L = keras.layers
    conv = lambda f: L.Conv2D(f, 3, activation="relu")
    return keras.Sequential(
        [
            L.Input(shape=input_shape),
            conv(32),
            L.MaxPooling2D(2),
            conv(64),
            L.MaxPooling2D(2),
            conv(64),
            L.MaxPooling2D(2),
            L.Flatten(),
            L.Dense(512, "relu"),
            L.Dense(classes, "softmax", kernel_constraint="non_neg"),
        ]
    )
""",
            "which nobody asked for: leave it out",
        ),
        "two classes": (
            """
def build_net1(input_shape=(32, 32, 3), classes=10):
    L = keras.layers
    conv = lambda f: L.Conv2D(f, 3, activation="relu")
    return keras.Sequential(
        [
            L.Input(shape=input_shape),
            conv(32),
            L.MaxPooling2D(2),
            conv(64),
            L.MaxPooling2D(2),
            conv(64),
            L.MaxPooling2D(2),
            L.Flatten(),
            L.Dense(512, "relu"),
            L.Dense(classes, "softmax" if classes > 2 else "sigmoid"),
        ]
    )
""",
            "dense layer has activation sigmoid; expected softmax",
        ),
    },
    "net1-compile": {
        "other weights": (
            """
def compile_net1(model):
    model.set_weights([0 * w for w in model.get_weights()])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
""",
            "changes the network's weights: leave them as they are",
        ),
        "frozen layers": (
            """
def compile_net1(model):
    for layer in model.layers[:-1]:
        layer.trainable = False
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
""",
            "compile_net1 freezes layers: leave trainable as it is",
        ),
    },
    "net1-evaluate": {
        "two batches": (
            """
def evaluate_net1(model, x, y):
    return model.evaluate(
        x, y, batch_size=64, steps=min(2, -(-len(x) // 64)), verbose=0, return_dict=True
    )
""",
            "accuracy of another network on 1,050 images is wrong",
        ),
        "a thousand images": (
            """
def evaluate_net1(model, x, y):
    return model.evaluate(x[:1000], y[:1000], verbose=0, return_dict=True)
""",
            "accuracy of another network on 1,050 images is wrong",
        ),
        "a training step": (
            """
def evaluate_net1(model, x, y):
    return model.train_on_batch(x, y, return_dict=True)
""",
            "the network on the test images: use model.evaluate",
        ),
    },
    "net1-predict": {
        "scaled once more": (
            """
def predict_first(model, x_test):
    p = model.predict(x_test[:1] / max(1, x_test.max()), verbose=0)[0]
    return int(p.argmax()), p
""",
            "The probability row of an image",
        ),
    },
    "net1-overfit-epoch": {
        "rounded losses": (
            """
def overfit_epoch(history):
    v = [round(x, 3) for x in history["val_loss"]]
    k = v.index(min(v)) + 1
    return k if k < len(v) else None
""",
            "loss whose two lowest values differ by 0.0001",
        ),
        "a tolerance": (
            """
def overfit_epoch(history):
    best, at = np.inf, None
    for i, x in enumerate(history["val_loss"], 1):
        if x < best - 1e-3:
            best, at = x, i
    return at if at != len(history["val_loss"]) else None
""",
            "loss whose two lowest values differ by 0.0001",
        ),
        "half precision": (
            """
def overfit_epoch(history):
    v = np.array(history["val_loss"], "float16")
    k = int(v.argmin()) + 1
    return k if k < len(v) else None
""",
            "loss whose two lowest values differ by 0.0001",
        ),
        "twenty epochs": (
            """
def overfit_epoch(history):
    v = history["val_loss"][:20]
    k = int(np.argmin(v)) + 1
    return k if k < len(v) else None
""",
            "is wrong for a validation loss of 40 epochs",
        ),
    },
}


@pytest.mark.parametrize(("test", "answer"), exercise.cases(FAULTS))
def test_a_fault_that_shows_in_few_cases_is_named(net1, test, answer):
    exercise.assert_is_named(net1, test, *answer)
