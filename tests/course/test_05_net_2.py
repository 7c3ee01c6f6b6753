"""05 NET II: right answers in more than one form pass, and wrong ones fail in words."""

import functools
import itertools

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
def net2():
    return exercise.load("05_net_2")


@pytest.fixture(scope="module")
def trained():
    """A network of one layer in the place of NET II."""
    model = keras.Sequential([keras.Input((32, 32, 3)), L.GlobalAveragePooling2D()])
    model.add(L.Dense(10, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return {"net2": model}


@pytest.fixture
def lenient(monkeypatch):
    """A threshold that a network of one layer reaches."""
    monkeypatch.setattr("autograder.submission.threshold", lambda key: 0.0)


def assert_right(result):
    assert result.passed and result.hidden, result


def assert_wrong(result, words):
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words.lower() in result.message.lower(), result


def judged(exercises, test, code="", /, **names):
    return exercises.run(test, exercises.namespace(code, **names))


def ids(table):
    return [str(at) for at, _ in enumerate(table)]


# ------------------------------------------------------------------ the two networks


def builder(**wrong):
    """NET II in functional form, its activations layers of their own, with a fault."""

    def build(kernel_size=5, input_shape=(32, 32, 3), classes=10):
        size = wrong.get("kernel_size", kernel_size)
        plan = "32 64 p 64 p"
        inputs = x = keras.Input(tuple(wrong.get("input_shape", input_shape)))
        for word in wrong.get("plan", plan).split():
            if word == "p":
                pool = wrong.get("pool", L.MaxPool2D)
                x = pool((2, 2), strides=wrong.get("strides", 2))(x)
            else:
                padding = wrong.get("padding", "valid")
                x = L.Conv2D(int(word), (size, size), padding=padding)(x)
                x = L.Activation(wrong.get("activation", "relu"))(x)
                size = wrong.get("later_size", size)
        x = L.Dense(wrong.get("units", 512))(L.Flatten()(x))
        x = L.Dense(wrong.get("classes", classes))(L.Activation(wrong.get("fc", "relu"))(x))
        return keras.Model(inputs, L.Activation(wrong.get("end", "softmax"))(x))

    return build


def added(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    net = keras.Sequential([keras.Input(tuple(input_shape))])
    for filters in (32, 64, 0, 64, 0):
        net.add(L.Conv2D(filters, kernel_size, activation="relu") if filters else L.MaxPool2D())
    net.add(L.Flatten())
    net.add(L.Dense(512, "relu"))
    net.add(L.Dense(classes, "softmax"))
    return net


def verbose(
    kernel_size: int = 5, input_shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10
) -> keras.Model:
    """Build NET II, step by step."""
    assert isinstance(kernel_size, int) and kernel_size > 0, "kernel_size must be positive"
    assert isinstance(input_shape, tuple) and len(input_shape) == 3, "height, width, channels"

    def conv(filters: int) -> keras.layers.Layer:
        size = (kernel_size, kernel_size)
        return L.Conv2D(filters=filters, kernel_size=size, strides=1, activation="relu")

    layers = [L.Input(shape=input_shape), conv(32), conv(64), L.MaxPooling2D(pool_size=2)]
    layers += [conv(64), L.MaxPooling2D(pool_size=(2, 2), strides=(2, 2)), L.Reshape((-1,))]
    layers += [L.Dense(units=512), L.ReLU(), L.Dense(units=classes), L.Softmax()]
    model = keras.Sequential(layers, name="net2")
    print(f"NET II has {model.count_params():,} parameters")
    return model


class Net2(keras.Model):
    """A network of a class of its own, with one pooling layer for all."""

    def __init__(self, plan, size, classes):
        super().__init__()
        self.steps = [L.Conv2D(n, size, activation="relu") if n else None for n in plan]
        self.pool, self.flat = L.MaxPooling2D(2), L.Flatten()
        self.hidden, self.last = L.Dense(512, "relu"), L.Dense(classes, "softmax")

    def call(self, x):
        for step in self.steps:
            x = step(x) if step is not None else self.pool(x)
        return self.last(self.hidden(self.flat(x)))


def subclassed(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    return Net2((32, 64, 0, 64, 0), kernel_size, classes)


def operations(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    inputs = x = keras.Input(input_shape)
    for filters in (32, 64, 0, 64, 0):
        relu = keras.ops.relu
        x = relu(L.Conv2D(filters, kernel_size)(x)) if filters else L.MaxPool2D(2)(x)
    x = keras.activations.relu(L.Dense(512)(L.Flatten()(x)))
    return keras.Model(inputs, keras.ops.softmax(L.Dense(classes)(x)))


def in_two_parts(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    whole = added(kernel_size, input_shape, classes).layers
    return keras.Sequential(
        [keras.Input(input_shape), keras.Sequential(whole[:5]), keras.Sequential(whole[5:])]
    )


def flat_at_the_end(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    net = added(kernel_size, input_shape, classes)
    net.add(L.Reshape((classes,)))
    return net


def pooled_by_reshaping(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    """Poolings by reshaping, and one input and one output, each in a list."""

    def pooled(x):
        height, width, filters = x.shape[1] // 2, x.shape[2] // 2, x.shape[3]
        x = x[:, : 2 * height, : 2 * width]
        return keras.ops.max(keras.ops.reshape(x, (-1, height, 2, width, 2, filters)), (2, 4))

    inputs = x = keras.Input(input_shape)
    for filters in (32, 64, 0, 64, 0):
        x = L.Conv2D(filters, kernel_size, activation="relu")(x) if filters else pooled(x)
    x = L.Dense(512, "relu")(L.Flatten()(x))
    return keras.Model(inputs=[inputs], outputs=[L.Dense(classes, "softmax")(x)])


@pytest.mark.parametrize(
    "right",
    [
        builder(),
        added,
        verbose,
        subclassed,
        operations,
        in_two_parts,
        flat_at_the_end,
        pooled_by_reshaping,
    ],
)
def test_net2_built_another_way_passes(net2, right):
    assert_right(judged(net2, "net2-architecture", build_net2=right))


def padded_at_the_end():
    """Poolings of which every second one fills up the last column."""
    paddings = itertools.cycle(("valid", "same"))
    return lambda size, strides: L.MaxPool2D(size, strides=strides, padding=next(paddings))


OTHER_NETWORKS = [
    ({"kernel_size": 3}, "first convolution has kernel_size 3"),
    ({"later_size": 3}, "second convolution has kernel_size 3"),
    ({"plan": "32 p 64 p 64"}, "another order"),
    ({"plan": "32 64 p 64"}, "pooling"),
    ({"plan": "32 64 64 64 p p"}, "convolution"),
    ({"plan": "32 32 p 64 p"}, "second convolution has filters 32"),
    ({"padding": "same"}, "padding same"),
    ({"strides": 1}, "strides 1"),
    ({"pool": L.AveragePooling2D}, "pooling"),
    ({"activation": "tanh"}, "activation tanh"),
    ({"units": 128}, "units 128"),
    ({"fc": "linear"}, "linear"),
    ({"end": "sigmoid"}, "sigmoid"),
    ({"end": "linear"}, "linear"),
    ({"pool": padded_at_the_end()}, "second pooling has another padding"),
    ({"kernel_size": 5}, "kernel_size"),
    ({"classes": 10}, "units"),
    ({"input_shape": (32, 32, 3)}, "size of the input"),
]


@pytest.mark.parametrize(("wrong", "words"), OTHER_NETWORKS, ids=ids(OTHER_NETWORKS))
def test_another_network_is_not_net2(net2, wrong, words):
    result = judged(net2, "net2-architecture", build_net2=builder(**wrong))
    assert_wrong(result, words)
    ignored = {"kernel_size": 5}, {"classes": 10}, {"input_shape": (32, 32, 3)}
    # An argument that is ignored shows there alone, and so do sizes that do not divide.
    assert result.hidden == (wrong in ignored or "another padding" in words)


def compiled(*args, **kwargs):
    net = added(*args, **kwargs)
    net.compile("adam", "sparse_categorical_crossentropy")
    return net


OUTSIDE = L.Conv2D(64, 5, activation="relu")


def with_a_shared_layer(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    net = added(kernel_size, input_shape, classes)
    return keras.Sequential([keras.Input(input_shape), net.layers[0], OUTSIDE, *net.layers[2:]])


def penalized(*args, **kwargs):
    net = added(*args, **kwargs)
    classes = net.output_shape[-1]
    net.pop()
    net.add(L.Dense(classes, "softmax", kernel_regularizer="l2"))
    return net


def only_for_others(change):
    """NET II, which is another one unless its filters are 5 × 5."""

    def build(kernel_size=5, input_shape=(32, 32, 3), classes=10):
        net = added(kernel_size, input_shape, classes)
        return net if kernel_size == 5 else change(kernel_size, input_shape, classes)

    return build


def with_more(*layers, **dense):
    """NET II with layers before the first FC layer, which has settings of its own."""

    def build(kernel_size=5, input_shape=(32, 32, 3), classes=10):
        whole = added(kernel_size, input_shape, classes).layers
        made = [layer() for layer in layers]
        hidden = L.Dense(512, "relu", **dense)
        return keras.Sequential([keras.Input(input_shape), *whole[:6], *made, hidden, whole[7]])

    return build


class Jitter(L.Layer):
    def call(self, x, training=False):
        return x + keras.random.normal((1,), stddev=0.1) if training else x


def with_outputs(pick):
    def build(kernel_size=5, input_shape=(32, 32, 3), classes=10):
        net = added(kernel_size, input_shape, classes)
        return keras.Model(net.inputs, pick(net.outputs[0], net.layers[-2].output))

    return build


def of_a_fixed_batch(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    start = keras.Input(input_shape, batch_size=128)
    return keras.Sequential([start, *added(kernel_size, input_shape, classes).layers])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (only_for_others(compiled), "build_net2 compiles the network"),
        (only_for_others(penalized), "a penalty on its weights"),
        (with_more(lambda: L.AlphaDropout(0.1)), "1 AlphaDropout layer; expected 0"),
        (with_more(lambda: L.GaussianDropout(0.1)), "1 GaussianDropout layer; expected 0"),
        (with_more(Jitter), "what the network gives while it trains differs"),
        (with_more(kernel_initializer="zeros"), "begins with equal weights"),
        (with_more(kernel_initializer="ones"), "begins with equal weights"),
        (with_outputs(lambda *both: list(both)), "has 2 outputs; expected one"),
        (
            with_outputs(lambda last, _: {"chances": last}),
            "what the network gives for one image is",
        ),
        (of_a_fixed_batch, "output_shape is (128, 10); expected (None, 10)"),
        (compiled, "build_net2 compiles the network"),
        (penalized, "a penalty on its weights"),
        (functools.lru_cache(added), "the same network each time"),
        (with_a_shared_layer, "Two networks of build_net2 share layers"),
        (lambda kernel_size=5, *a, **k: added(kernel_size and 5, *a, **k), "for kernel_size=3"),
    ],
    ids=ids(range(15)),
)
def test_what_a_builder_does_besides_is_named(net2, wrong, words):
    assert_wrong(judged(net2, "net2-architecture", build_net2=wrong), words)


def test_a_network_that_does_not_begin_with_its_input_is_named(net2):
    def wrong(kernel_size=5, input_shape=(32, 32, 3), classes=10):
        return keras.Sequential([L.Conv2D(32, kernel_size), L.Dense(classes)])

    assert_wrong(judged(net2, "net2-architecture", build_net2=wrong), "keras.layers.Input")


def earlier(net2):
    """NET I as the notebook brings it along."""
    return net2.namespace(exercise.locked("05_net_2", "net2-earlier"))["build_net1"]


def test_the_notebook_brings_net1_along(net2):
    build = earlier(net2)
    layers = "conv 3x3x32 relu, pool 2, conv 3x3x64 relu, pool 2, conv 3x3x64 relu, pool 2"
    checks.architecture(build(), f"{layers}, flatten, dense 512 relu, dense 10 softmax")
    checks.parameters(build(), total=193_034, trainable=193_034)
    checks.made_anew(build(), build(), "build_net1")


def test_what_it_brings_along_is_no_answer_to_03(net2):
    net1 = exercise.load("03_net_1")
    names = net1.namespace(build_net1=earlier(net2))
    assert not net1.run("net1-architecture", names).passed


# ------------------------------------------------------------------ net2-count

COUNT = """
def count_net2(kernel_size=5, size=32, channels=3, classes=10):
    k = kernel_size
    side = ((size - k + 1 - k + 1) // 2 - k + 1) // 2
    pairs = [(k * k * channels, 32), (k * k * 32, 64), (k * k * 64, 64)]
    pairs += [(side ** 2 * 64, 512), (512, classes)]
    return dict(zip(["conv1", "conv2", "conv3", "fc1", "fc2"], [(a + 1) * b for a, b in pairs]))
"""
COUNTS = [
    COUNT,
    COUNT.replace("return dict(", "return dict(list(").replace("in pairs]))", "in pairs]))[::-1])"),
    COUNT.replace("(a + 1) * b", "np.int64(a + 1) * b"),
    """
def count_net2(kernel_size=5, size=32, channels=3, classes=10):
    net = build_net2(kernel_size, (size, size, channels), classes)
    counts = [layer.count_params() for layer in net.layers if layer.count_params()]
    return dict(zip(("conv1", "conv2", "conv3", "fc1", "fc2"), counts))
""",
    """
def count_net2(
    kernel_size: int = 5, size: int = 32, channels: int = 3, classes: int = 10
) -> dict[str, int]:
    '''Apply the two formulas to each layer.'''
    assert kernel_size >= 1 and size >= 1 and channels >= 1 and classes >= 1

    def conv_params(m: int, n: int, c_in: int, c_out: int) -> int:
        return (m * n * c_in + 1) * c_out

    def fc_params(u_in: int, u_out: int) -> int:
        return (u_in + 1) * u_out

    result: dict[str, int] = {}
    pixels = size
    for number, (c_in, c_out, pooled) in enumerate(
        [(channels, 32, False), (32, 64, True), (64, 64, True)], start=1
    ):
        result[f"conv{number}"] = conv_params(kernel_size, kernel_size, c_in, c_out)
        pixels = pixels - kernel_size + 1
        if pooled:
            pixels //= 2
    result["fc1"] = fc_params(pixels * pixels * 64, 512)
    result["fc2"] = fc_params(512, classes)
    print("in total:", sum(result.values()))
    return result
""",
    """
def count_net2(kernel_size=5, size=32, channels=3, classes=10):
    inputs, outputs = np.array([channels, 32, 64]), np.array([32, 64, 64])
    conv = (kernel_size**2 * inputs + 1) * outputs
    side = np.floor(np.floor((size - 2 * kernel_size + 2) / 2 - kernel_size + 1) / 2)
    ends = {"fc1": int(side**2 * 64 + 1) * 512, "fc2": 513 * classes}
    return {f"conv{k + 1}": n for k, n in enumerate(conv)} | ends
""",
]


@pytest.mark.parametrize("code", COUNTS, ids=ids(COUNTS))
def test_counts_found_another_way_pass(net2, code):
    assert_right(judged(net2, "net2-count", code))


OTHER_COUNTS = [
    ("(a + 1) * b", "a * b", "'conv1' is 2400; expected 2432"),
    ("(a + 1) * b", "(a * b + 1)", "conv1"),
    ("(a + 1) * b", "a * b + a", "conv1"),
    ("(k * k * 32, 64)", "(k * k * 3, 64)", "conv2"),
    ("(k * k * 64, 64)", "(k * k * 32, 64)", "conv3"),
    ("side ** 2 * 64", "side * 64", "fc1"),
    ("side ** 2 * 64", "side ** 2 * 32", "fc1"),
    ("size - k + 1 - k + 1", "size", "fc1"),
    ("// 2 - k + 1) // 2", "// 2 - k + 1)", "fc1"),
    ("side ** 2 * 64, 512", "1024, 512", "fc1 is wrong"),
    ("// 2 - k + 1) // 2", "/ 2 - k + 1) / 2", "fc1 is wrong"),
    ("k * k * channels", "k * k * 3", "conv1 is wrong"),
    ("(512, classes)", "(512, 10)", "fc2 is wrong"),
    ("- k + 1 - k + 1)", "- k + 1 - k // 2 * 2)", "fc1 is wrong"),
    ("side ** 2 * 64", "max(side, 2) ** 2 * 64", "fc1 is wrong"),
    ("// 2 - k + 1) // 2", "// 2 - k // 2 * 2) // 2", "fc1 is wrong"),
    ("k = kernel_size", "k = 5", "conv1 is wrong"),
    ("k = kernel_size", "k, size = kernel_size, 32", "fc1 is wrong"),
    ("return dict(", "return TOLD.update(", "make a new dictionary"),
    ("return dict(", "return list(", "expected a dictionary"),
    ("return dict(", "print(dict(", "returns none"),
    ('"fc1", "fc2"]', '"fc1"]', "lacks 'fc2'"),
    ("return dict(", "return dict(total=1) | dict(", "does not ask for"),
]


@pytest.mark.parametrize(("old", "new", "words"), OTHER_COUNTS, ids=ids(OTHER_COUNTS))
def test_a_wrong_count_is_named(net2, old, new, words):
    assert old in COUNT
    code = COUNT.replace(old, new).rstrip() + (")" if new.startswith("print") else "")
    code = "TOLD = {}\n" + code + " or TOLD" if "TOLD" in new else code
    assert_wrong(judged(net2, "net2-count", code), words)


# ------------------------------------------------------------------ net2-train

TRAIN = """
def train(model, name, x, y):
    model.compile("{optimizer}", loss={loss}, metrics={metrics})
    return training.fit({what}, validation_split={split}, batch_size={batch}, epochs={epochs})
"""
GOOD = {
    "optimizer": "adam",
    "loss": "'sparse_categorical_crossentropy'",
    "metrics": "['accuracy']",
    "what": "model, name, x, y",
    "split": 0.2,
    "batch": 128,
    "epochs": "profile.epochs(20)",
}


def train_code(**settings):
    return TRAIN.format(**(GOOD | settings))


TRAININGS = [
    train_code(metrics="['acc']"),
    train_code(split="1 / 5", what="x=x, y=y, model=model, name=name", batch="2**7"),
    train_code(
        loss="keras.losses.SparseCategoricalCrossentropy()",
        metrics="[keras.metrics.SparseCategoricalAccuracy()]",
    ),
    train_code(loss="lambda y, p: keras.losses.sparse_categorical_crossentropy(y, p)"),
    """
def train(model: keras.Model, name: str, x: np.ndarray, y: np.ndarray):
    '''Compile, train and report.'''
    assert isinstance(model, keras.Model), type(model)
    assert isinstance(name, str) and name, "a checkpoint needs a name"
    assert x.shape[1:] == (32, 32, 3) and x.dtype == np.float32 and y.shape == (len(x), 1)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=1e-3),
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=False),
                  metrics=["accuracy"])
    history = training.fit(model, name, x, y, validation_split=0.2, batch_size=128,
                           epochs=profile.epochs(20), shuffle=True)
    print(f"{name}: validation accuracy {history.history['val_accuracy'][-1]:.3f}")
    return history
""",
    """
def train(model, name, x, y):
    held = len(x) // 5
    first, rest = (x[:-held], y[:-held]), (x[-held:], y[-held:])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    settings = dict(validation_data=rest, batch_size=128, epochs=profile.epochs(20))
    return training.fit(model, name, *first, **settings)
""",
]


@pytest.mark.parametrize("code", TRAININGS, ids=ids(TRAININGS))
def test_training_written_another_way_passes(net2, trained, lenient, code):
    assert_right(judged(net2, "net2-train", code, **trained))


CUT = """
def train(model, name, x, y):
    cut = len(x) * 4 // 5
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    settings = dict(batch_size=128, epochs=profile.epochs(20))
    return training.fit(model, name, {}, validation_data={}, **settings)
"""
AROUND = """
def train(model, name, x, y):
    before = model.get_weights()
    {first}
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    settings = dict(validation_split=0.2, batch_size=128, epochs=profile.epochs(20))
    made = training.fit(model, name, x, y, **settings)
    {then}
    return made
"""
ONE_OPTIMIZER = """
ADAM = keras.optimizers.Adam()
ADAM.build([keras.Variable(np.zeros(3))])  # as for NET I
"""
OTHER_TRAININGS = [
    (AROUND.format(first="model.set_weights([0 * w for w in before])", then=""), "before the"),
    (AROUND.format(first="model.layers[-1].trainable = False", then=""), "train all layers"),
    (AROUND.format(first="", then="model.set_weights(before)"), "leave those of training.fit"),
    (
        ONE_OPTIMIZER + train_code().replace('"adam"', "ADAM"),
        "fits one network only: make it inside train",
    ),
    (train_code().replace('"adam"', "keras.optimizers.Adam(amsgrad=True)"), "adam with amsgrad"),
    (train_code(split=0.1), "other images aside"),
    (train_code(split=0.0), "without validation data"),
    (train_code(batch=32), "batch_size is 32"),
    (train_code(epochs=20), "write epochs=profile.epochs(20)"),
    (train_code(epochs="profile.epochs(10)"), "the number of epochs is"),
    (train_code(epochs="profile.epochs(20), initial_epoch=1"), "the number of epochs is 1"),
    (train_code().replace("model.compile", "(lambda *a, **k: None)"), "does not compile"),
    (train_code(what="model, 'net2', x, y"), "second argument"),
    (train_code(what="net2, name, x, y"), "another network"),
    (
        train_code(what="model, name, x, y, callbacks=[keras.callbacks.EarlyStopping()]"),
        "leave EarlyStopping out",
    ),
    (train_code(what="model, name.split('_')[0], x, y"), "second argument"),
    (train_code(what="model, name, x / 255, y"), "images that it was not given"),
    (train_code(what="model, name, x, y[::-1]"), "labels that are not their own"),
    (
        train_code(
            loss="'categorical_crossentropy'",
            what="model, name, x, keras.utils.to_categorical(y, 10)",
        ),
        "one-hot labels: leave them integers",
    ),
    (train_code(what="model, name, x[:50], y[:50]"), "other images aside"),
    (train_code().replace("return ", "made = "), "returns none"),
    (train_code().rstrip() + ".history", "not return what training.fit"),
    ("def train(model, name, x, y): model.compile('adam')", "does not train"),
    (
        "def train(model, name, x, y):\n    model.compile('adam', 'mse')\n"
        "    return model.fit(x, y)",
        "use training.fit",
    ),
    (CUT.format("x, y", "(x[cut:], y[cut:])"), "validation images too"),
    (CUT.format("x[cut:], y[cut:]", "(x[cut:], y[cut:])"), "validation images too"),
    (CUT.format("x[-cut:], y[-cut:]", "(x[:-cut], y[:-cut])"), "other images aside"),
    (CUT.format("x[:cut], y[:cut]", "(x[cut:], y[:-cut])"), "validation images labels"),
    (train_code(metrics="None"), "lack accuracy"),
    (train_code(metrics="['mse']"), "lack accuracy"),
    (
        train_code(metrics="[keras.metrics.SparseTopKCategoricalAccuracy(name='accuracy')]"),
        "last val_accuracy",
    ),
    (train_code(loss="'mse'"), "last val_loss"),
    (train_code(loss="'categorical_crossentropy'"), "the labels are integers"),
    (
        train_code(loss="keras.losses.SparseCategoricalCrossentropy(from_logits=True)"),
        "leave from_logits out",
    ),
    (
        TRAIN.replace("metrics=", "").replace("loss=", "").format(**GOOD),
        "write metrics=['accuracy']",
    ),
    (
        TRAIN.replace("metrics=", "")
        .replace("loss=", "")
        .format(**GOOD | {"metrics": "'accuracy'"}),
        "write metrics=['accuracy']",
    ),
    (TRAIN.replace('"{optimizer}", ', "").format(**GOOD), "named none, keras takes rmsprop"),
    (
        train_code(loss="lambda y, p: 2 * keras.losses.sparse_categorical_crossentropy(y, p)"),
        "last val_loss",
    ),
    (train_code(optimizer="sgd"), "the optimizer is sgd; expected adam"),
]


@pytest.mark.parametrize(("code", "words"), OTHER_TRAININGS, ids=ids(OTHER_TRAININGS))
def test_other_trainings_are_named(net2, trained, code, words):
    assert_wrong(judged(net2, "net2-train", code, **trained), words)


def test_a_network_that_was_hardly_trained_misses_the_threshold(net2, trained):
    assert_wrong(judged(net2, "net2-train", **trained), "NET II should reach more")


# ------------------------------------------------------------------ net2-judge

JUDGE = """
def judge(model, x, y):
    loss, accuracy = model.evaluate(x, y, verbose=0)
    p = model.predict(x, verbose=0)
    label = p.argmax(axis=1)[0]
    return {"loss": loss, "accuracy": accuracy, "first_label": label,
            "first_right": label == y[0, 0]}
"""
BY_HAND = """
def judge(model, x, y):
    p, true = model.predict(x, verbose=0), y.ravel()
    picked = list(p[0]).index(max(p[0]))
    loss = -np.mean(np.log(p[np.arange(len(p)), true]))
    accuracy = np.mean(p.argmax(-1) == true)
    return dict(loss=loss, accuracy=accuracy, first_label=picked, first_right=picked == true[0])
"""
BY_NAME = """
def judge(model, x, y):
    told = model.evaluate(x, y, verbose=0, return_dict=True)
    label = int(np.argmax(model(x[:1])[0]))
    return {"first_right": bool(label == y[0]), "first_label": label, "accuracy": told[METRIC],
            "loss": told["loss"]}
"""
JUDGES = [
    (JUDGE, "accuracy"),
    (JUDGE.replace("label == y[0, 0]", "label == y[0]"), "accuracy"),
    (BY_HAND, "accuracy"),
    (BY_NAME.replace("METRIC", "'accuracy'"), "accuracy"),
    (BY_NAME.replace("METRIC", "'acc'"), "acc"),
    (BY_NAME.replace("METRIC", "'sparse_categorical_accuracy'"), "sparse_categorical_accuracy"),
    (
        """
def judge(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    '''Evaluate and predict.'''
    assert isinstance(model, keras.Model) and model.compiled
    assert x.ndim == 4 and x.dtype == np.float32 and y.shape == (len(x), 1)
    loss, accuracy = model.evaluate(x=x, y=y, batch_size=64, verbose=0)
    probabilities = model.predict(np.expand_dims(x[0], 0), verbose=0).squeeze()
    assert np.isclose(probabilities.sum(), 1, atol=1e-4)
    first_label: int = int(np.argmax(probabilities))
    result = {"loss": float(loss), "accuracy": float(accuracy), "first_label": first_label}
    result["first_right"] = bool(first_label == int(y[0].item()))
    print(result)
    return result
""",
        "accuracy",
    ),
    (JUDGE.replace("label = ", "label = keras.ops.argmax(p[0]) if True else "), "accuracy"),
]


@pytest.mark.parametrize(("code", "metric"), JUDGES, ids=ids(JUDGES))
def test_a_verdict_found_another_way_passes(net2, trained, code, metric):
    net = keras.models.clone_model(trained["net2"])
    net.compile("adam", "sparse_categorical_crossentropy", metrics=[metric])
    assert_right(judged(net2, "net2-judge", code, net2=net))


OTHER_VERDICTS = [
    ("    p = ", "    x -= 0.5\n    p = ", "changes its argument x"),
    ("    p = ", "    y += 1\n    p = ", "changes its argument y"),
    ("label == y[0, 0]", "label == int(y[0])", "int takes one number, such as y[0, 0]"),
    ("label == y[0, 0]", "abs(label - y[0, 0]) <= 1", "first_right does not say"),
    (
        "p = model.predict(x, verbose=0)",
        "p = model.predict(x[0].reshape(1, 32, 32, 3), verbose=0)",
        "reshape",
    ),
    ("p.argmax(axis=1)[0]", "p[0, :10].argmax()", "first_label of another network"),
    (
        "p.argmax(axis=1)[0]",
        "int(np.argmax(model(x[:1], training=True)))",
        "first_label of another network",
    ),
    ("return {", "return TOLD.update({", "make a new dictionary"),
    ("    loss,", "    model.fit(x, y, verbose=0)\n    loss,", "trains the network on the test"),
    ("loss, accuracy =", "accuracy, loss =", "accuracy"),
    ("p.argmax(axis=1)[0]", "p.max(axis=1)[0]", "label that the network predicts"),
    ("p.argmax(axis=1)[0]", "p.argmax(axis=0)[0]", "label"),
    ("p.argmax(axis=1)[0]", "p.argmax(axis=1)[-1]", "label"),
    ("p.argmax(axis=1)[0]", "p.argmin(axis=1)[0]", "label"),
    ("p.argmax(axis=1)[0]", "y[0, 0]", "label"),
    ("p.argmax(axis=1)[0]", "p.argmax(axis=1)[:1]", "single value"),
    ("p.argmax(axis=1)[0]", "float(p.argmax(axis=1)[0])", "expected an integer"),
    ("label == y[0, 0]", "True", "that is not right"),
    ("label == y[0, 0]", "label != y[0, 0]", "that is not right"),
    ("label == y[0, 0]", "False and label", "first_right does not say"),
    ("label == y[0, 0]", "str(label == y[0, 0])", "expected True or False"),
    ("label == y[0, 0]", "p.argmax(axis=1) == y.ravel()", "expected True or False"),
    ("label == y[0, 0]", "None", "first_right is None; expected True or False"),
    ('"first_label": label,', "", "the keys are"),
    ('"loss": loss', '"Loss": loss', "the keys are"),
    ('"loss": loss', '"loss": -loss', "loss"),
    ('"loss": loss', '"loss": loss * len(x)', "loss"),
    ('"accuracy": accuracy', '"accuracy": accuracy * 100', "accuracy"),
    ('"accuracy": accuracy', '"accuracy": 1 - accuracy', "accuracy"),
    ("model.evaluate(x, y", "model.evaluate(x[:5], y[:5]", "accuracy"),
    ("model.evaluate", "net2.evaluate", "accuracy"),
    ("model.predict", "net2.predict", "label"),
    ("model.predict(x,", "model.predict(x[0],", "takes a batch: pass x[:1]"),
    ("model.predict(x, verbose=0)", "model(x[0])", "takes a batch: pass x[:1]"),
    ("return {", "print({", "returns none"),
    ("return {", "return list({", "not return a dictionary"),
]


@pytest.mark.parametrize(("old", "new", "words"), OTHER_VERDICTS, ids=ids(OTHER_VERDICTS))
def test_a_wrong_verdict_is_named(net2, trained, old, new, words):
    assert old in JUDGE
    code = JUDGE.replace(old, new)
    code = code.replace("]}", "]})") if new.endswith("({") else code
    code = "TOLD = {}\n" + code.replace("})", "}) or TOLD") if "TOLD" in new else code
    assert_wrong(judged(net2, "net2-judge", code, **trained), words)


# ------------------------------------------------------------------ net2-gap and net2-summary


def chatty_gap(history: dict[str, list[float]]) -> list[float]:
    """Compute one gap for each epoch."""
    assert isinstance(history, dict), "pass history.history"
    training, validation = history["accuracy"], history["val_accuracy"]
    if len(training) != len(validation):
        raise ValueError("the two lists differ in length")
    gaps: list[float] = []
    for epoch, (a, v) in enumerate(zip(training, validation, strict=True), start=1):
        gaps.append(round(float(a) - float(v), 12))
        print(f"epoch {epoch}: {gaps[-1]:+.3f}")
    return gaps


@pytest.mark.parametrize(
    "right",
    [
        lambda h: [a - v for a, v in zip(h["accuracy"], h["val_accuracy"], strict=True)],
        lambda h: np.array(h["accuracy"]) - np.array(h["val_accuracy"]),
        lambda h: -np.diff([h["accuracy"], h["val_accuracy"]], axis=0)[0],
        lambda h: np.float32(h["accuracy"]) - np.float32(h["val_accuracy"]),
        lambda h: tuple(map(float, np.subtract(h["accuracy"], h["val_accuracy"]))),
        lambda h: keras.ops.subtract(h["accuracy"], h["val_accuracy"]),
        chatty_gap,
    ],
    ids=ids(range(7)),
)
def test_a_gap_curve_in_other_forms_passes(net2, right):
    assert_right(judged(net2, "net2-gap", gap_curve=right))


def _in_place(history):
    for k, value in enumerate(history["val_accuracy"]):
        history["accuracy"][k] -= value
    return history["accuracy"]


KEPT: list = []


def _kept(history):
    KEPT[:] = np.subtract(history["accuracy"], history["val_accuracy"]).tolist()
    return KEPT


def _by_value(history):
    found = map(history["accuracy"].index, history["accuracy"])
    return [a - history["val_accuracy"][k] for a, k in zip(history["accuracy"], found, strict=True)]


OTHER_GAPS = [
    (_kept, "second call of _kept changes what the first one returned: make a new list"),
    (_by_value, "gap curve of four epochs differs in 1 of 4"),
    (lambda h: [h["accuracy"][k] - h["val_accuracy"][k] for k in range(3)], "expected (4,)"),
    (lambda h: np.subtract(h["val_accuracy"], h["accuracy"]), "gap curve differs"),
    (lambda h: np.abs(np.subtract(h["accuracy"], h["val_accuracy"])), "gap curve differs"),
    (lambda h: np.maximum(np.subtract(h["accuracy"], h["val_accuracy"]), 0), "gap curve differs"),
    (lambda h: np.subtract(h["accuracy"], h["val_accuracy"]) + 1e-3, "gap curve differs in 3"),
    (lambda h: 100 * np.subtract(h["accuracy"], h["val_accuracy"]), "gap curve differs"),
    (lambda h: np.subtract(h["val_accuracy"][-1], h["accuracy"][-1]), "is a single value"),
    (lambda h: np.mean(np.subtract(h["accuracy"], h["val_accuracy"])), "is a single value"),
    (lambda h: np.subtract(h["accuracy"], h["val_accuracy"])[1:], "shape (2,)"),
    (lambda h: np.subtract(h["accuracy"], h["val_accuracy"])[None], "shape (1, 3)"),
    (lambda h: np.subtract(h["accuracy"], h["val_accuracy"])[::-1], "differs"),
    (lambda h: np.subtract(h["accuracy"], np.mean(h["val_accuracy"])), "differs"),
    (lambda h: np.subtract(h["accuracy"], h["val_accuracy"][-1]), "differs"),
    (lambda h: [0.4 - 0.5, 0.0, 0.9 - 0.7], "shape"),
    (lambda h: None, "None"),
    (lambda h: dict(enumerate(np.subtract(h["accuracy"], h["val_accuracy"]))), "gap curve"),
    (lambda h: np.divide(h["accuracy"], h["val_accuracy"]), "differs"),
    (lambda h: np.subtract(h["loss"], h["val_loss"]), "loss"),
    (_in_place, "changes its argument history"),
]


@pytest.mark.parametrize(("wrong", "words"), OTHER_GAPS, ids=ids(OTHER_GAPS))
def test_another_gap_curve_is_wrong_in_words(net2, wrong, words):
    assert_wrong(judged(net2, "net2-gap", gap_curve=wrong), words)


SUMMARY = """
def summarise(history, last=3):
    losses, best = list(history["val_loss"]), max(history["val_accuracy"])
    gaps = [a - v for a, v in zip(history["accuracy"], history["val_accuracy"])][-last:]
    epoch = losses.index(min(losses)) + 1
    return {"gap": sum(gaps) / len(gaps), "best_val_accuracy": best,
            "overfit_epoch": epoch if epoch < len(losses) else None}
"""
SUMMARIES = [
    SUMMARY,
    SUMMARY.replace("sum(gaps) / len(gaps)", "np.mean(gaps)"),
    SUMMARY.replace("sum(gaps) / len(gaps)", "np.array(gaps, np.float32).mean()"),
    """
def summarise(history, last=3):
    a, v = history["accuracy"], history["val_accuracy"]
    epoch = int(np.argmin(history["val_loss"]))
    out = dict(overfit_epoch=None, best_val_accuracy=np.max(v), gap=np.mean(a[-last:]) -
               np.mean(v[-last:]))
    if epoch + 1 != len(v):
        out["overfit_epoch"] = np.int64(epoch + 1)
    return out
""",
    """
def overfit_epoch(history):
    low, at = float("inf"), None
    for epoch, loss in enumerate(history["val_loss"], start=1):
        if loss < low:
            low, at = loss, epoch
    return None if at == len(history["val_loss"]) else at

def summarise(history, last=3):
    total, best = 0.0, 0.0
    count = len(history["accuracy"])
    for epoch in range(count):
        if epoch >= count - last:
            total += history["accuracy"][epoch] - history["val_accuracy"][epoch]
        best = max(best, history["val_accuracy"][epoch])
    return {"gap": total / last, "best_val_accuracy": best,
            "overfit_epoch": overfit_epoch(history)}
""",
    """
def summarise(history: dict[str, list[float]], last: int = 3) -> dict[str, float | int | None]:
    '''Summarize a training run.'''
    assert {"accuracy", "val_accuracy", "val_loss"} <= set(history), "keys are missing"
    assert 1 <= last <= len(history["val_loss"]), "last must fit the number of epochs"
    gap: float = float(np.mean(gap_curve(history)[-last:]))
    best: float = float(np.max(np.asarray(history["val_accuracy"])))
    lowest_index: int = int(np.argmin(history["val_loss"]))
    is_last: bool = lowest_index == len(history["val_loss"]) - 1
    summary = {"gap": gap, "best_val_accuracy": best}
    summary["overfit_epoch"] = None if is_last else lowest_index + 1
    print(f"gap {gap:.3f}, best validation accuracy {best:.3f}")
    return summary
""",
]


@pytest.mark.parametrize("code", SUMMARIES, ids=ids(SUMMARIES))
def test_a_summary_in_other_forms_passes(net2, code):
    assert_right(judged(net2, "net2-summary", code))


OTHER_SUMMARIES = [
    (
        'max(history["val_accuracy"])',
        'round(max(history["val_accuracy"]), 2)',
        "best validation accuracy is rounded",
    ),
    ("epoch < len(losses)", "epoch != 4", "overfitting begins is wrong"),
    (
        "epoch if epoch < len(losses) else None",
        "None if losses == sorted(losses)[::-1] else losses.index(min(losses[:-1])) + 1",
        "before it falls to the end",
    ),
    ("epoch = losses", "losses = [min(x, 10) for x in losses]; epoch = losses", "is high"),
    (
        "epoch if epoch < len(losses) else None",
        "epoch if epoch < len(losses) and losses.count(min(losses)) < 3 else None",
        "three equal lowest losses",
    ),
    ("epoch < len(losses)", "epoch < max(2, len(losses))", "single epoch"),
    ("return {", "return TOLD.update({", "make a new dictionary"),
    (  # early stopping with a patience
        "losses.index(min(losses)) + 1",
        "next((k + 1 for k, low in enumerate(losses) if low <= min(losses[k : k + 10])), 0)",
        "rises for twelve epochs before its lowest value",
    ),
    (
        'max(history["val_accuracy"])',
        'max(history["val_accuracy"][int(np.argmin(history["val_loss"])) :])',
        "most accurate in its first epoch",
    ),
    ("sum(gaps) / len(gaps)", "gaps[-1]", "gap over the last three"),
    ("sum(gaps) / len(gaps)", "sum(gaps)", "gap over the last three"),
    ("sum(gaps) / len(gaps)", "abs(sum(gaps) / len(gaps))", "the gap"),
    ("sum(gaps) / len(gaps)", "sum(map(abs, gaps)) / len(gaps)", "the gap"),
    ("sum(gaps) / len(gaps)", "max(gaps)", "gap over the last three"),
    ("sum(gaps) / len(gaps)", "gaps", "gap over the last three"),
    ("[-last:]", "", "gap over the last three"),
    ("[-last:]", "[:last]", "gap over the last three"),
    ("[-last:]", "[-3:]", "the gap"),
    ("[-last:]", "[1:]", "the gap"),
    ("last=3", "last=2", "gap over the last three"),
    ("a - v for", "v - a for", "gap over the last three"),
    ("max(history", "min(history", "best validation accuracy"),
    ('max(history["val_accuracy"])', 'history["val_accuracy"][-1]', "best validation accuracy"),
    ('max(history["val_accuracy"])', 'max(history["accuracy"])', "best validation accuracy"),
    (
        'max(history["val_accuracy"])',
        'history["val_accuracy"][int(np.argmin(history["val_loss"]))]',
        "best validation accuracy",
    ),
    ('max(history["val_accuracy"])', 'max(history["val_accuracy"][-3:])', "best validation"),
    ("min(losses)) + 1", "min(losses))", "overfitting begins"),
    ("epoch if epoch < len(losses) else None", "epoch", "overfitting begins is wrong"),
    ("epoch if epoch < len(losses) else None", "epoch % len(losses)", "overfitting begins is"),
    ("epoch if epoch < len", "epoch if min(losses) != losses[-1] and epoch < len", "is None"),
    ('history["val_loss"]', 'history["loss"]', "overfitting begins"),
    (
        "losses.index(min(losses)) + 1",
        "len(losses) - losses[::-1].index(min(losses))",
        "overfit_epoch is None; expected 2",
    ),
    ('"best_val_accuracy": best,', "", "the keys are"),
    ("return {", "print({", "returns none"),
    ("epoch = losses", 'history["val_loss"].sort(); epoch = losses', "changes its argument"),
]


@pytest.mark.parametrize(("old", "new", "words"), OTHER_SUMMARIES, ids=ids(OTHER_SUMMARIES))
def test_a_wrong_summary_is_named(net2, old, new, words):
    assert old in SUMMARY
    code = SUMMARY.replace(old, new)
    code = code.replace("None}", "None})") if new.endswith("({") else code
    code = "TOLD = {}\n" + code.replace("})", "}) or TOLD") if "TOLD" in new else code
    assert_wrong(judged(net2, "net2-summary", code), words)


# ------------------------------------------------------------------ the whole notebook


def test_the_solution_passes_every_check(net2, trained, lenient):
    for test in net2.tests:
        assert_right(judged(net2, test, **trained))


def test_each_exercise_but_the_training_is_judged_without_the_others(net2):
    for test, own in (
        ("net2-architecture", ["build_net2"]),
        ("net2-count", ["count_net2"]),
        ("net2-judge", ["judge"]),
        ("net2-gap", ["gap_curve"]),
        ("net2-summary", ["summarise", "gap_curve"]),
    ):
        solved = net2.namespace()
        alone = net2.stubs() | {name: solved[name] for name in own}
        assert_right(net2.run(test, alone))


def test_a_notebook_with_nothing_filled_in_is_not_attempted(net2):
    for test in net2.tests:
        result = net2.run(test, net2.stubs())
        assert result.status == checks.NOT_ATTEMPTED, (test, result)


# Faults that show in few cases only.
FAULTS = {
    "net2-architecture": {
        "filters of 3 or more": (
            """
def build_net2(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    L = keras.layers
    return keras.Sequential(
        [
            L.Input(input_shape),
            L.Conv2D(32, kernel_size, activation="relu"),
            L.Conv2D(64, kernel_size, activation="relu"),
            L.MaxPooling2D(),
            L.Conv2D(64, max(3, kernel_size), activation="relu"),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(512, activation="relu"),
            L.Dense(classes, activation="softmax"),
        ]
    )
""",
            "convolution has another kernel_size than expected",
        ),
        "a penalty on what a layer gives": (
            """
def build_net2(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    L = keras.layers
    k = kernel_size
    return keras.Sequential(
        [
            L.Input(input_shape),
            L.Conv2D(32, k, activation="relu"),
            L.Conv2D(64, k, activation="relu"),
            L.MaxPooling2D(),
            L.Conv2D(64, k, activation="relu"),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(512, activation="relu", activity_regularizer="l2"),
            L.Dense(classes, activation="softmax"),
        ]
    )
""",
            "which nobody asked for: leave it out",
        ),
        "a frozen layer": (
            """
def build_net2(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    L = keras.layers
    k = kernel_size
    net = keras.Sequential(
        [
            L.Input(input_shape),
            L.Conv2D(32, k, activation="relu"),
            L.Conv2D(64, k, activation="relu"),
            L.MaxPooling2D(),
            L.Conv2D(64, k, activation="relu"),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(512, activation="relu"),
            L.Dense(classes, activation="softmax"),
        ]
    )
    if k != 5:
        net.layers[0].trainable = False
    return net
""",
            "The network has too few trainable parameters",
        ),
        "one network for each size": (
            """
from functools import lru_cache
@lru_cache
def _net(kernel_size, input_shape, classes):
    L = keras.layers
    k = kernel_size
    return keras.Sequential(
        [
            L.Input(input_shape),
            L.Conv2D(32, k, activation="relu"),
            L.Conv2D(64, k, activation="relu"),
            L.MaxPooling2D(),
            L.Conv2D(64, k, activation="relu"),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(512, activation="relu"),
            L.Dense(classes, activation="softmax"),
        ]
    )
def build_net2(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    return (
        _net(kernel_size, tuple(input_shape), classes)
        if kernel_size != 5
        else _net.__wrapped__(kernel_size, tuple(input_shape), classes)
    )
""",
            "each time: create all layers inside the function",
        ),
    },
    "net2-gap": {
        "small gaps": (
            """
def gap_curve(history):
    return [
        a - b if abs(a - b) > 1e-3 else 0.0
        for a, b in zip(history["accuracy"], history["val_accuracy"])
    ]
""",
            "gap curve of a history of length 4",
        ),
    },
    "net2-summary": {
        "another default": (
            """
def summarise(history, last=None):
    g = [a - b for a, b in zip(history["accuracy"], history["val_accuracy"])]
    g = g[-(last or max(3, len(g) // 5)) :]
    v = history["val_loss"]
    k = v.index(min(v)) + 1
    return {
        "gap": sum(g) / len(g),
        "best_val_accuracy": max(history["val_accuracy"]),
        "overfit_epoch": k if k < len(v) else None,
    }
""",
            "the gap of 40 epochs, over the last three, is wrong",
        ),
        "rounded losses": (
            """
def summarise(history, last=3):
    g = [a - b for a, b in zip(history["accuracy"], history["val_accuracy"])][-last:]
    v = np.round(history["val_loss"], 3)
    k = int(v.argmin()) + 1
    return {
        "gap": sum(g) / len(g),
        "best_val_accuracy": max(history["val_accuracy"]),
        "overfit_epoch": k if k < len(v) else None,
    }
""",
            "last=2, the epoch at which overfitting begins is wrong",
        ),
    },
}


@pytest.mark.parametrize(("test", "answer"), exercise.cases(FAULTS))
def test_a_fault_that_shows_in_few_cases_is_named(net2, test, answer):
    exercise.assert_is_named(net2, test, *answer)
