"""03 NET I: right answers in more than one form pass, and wrong ones fail in words."""

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks, data

L = keras.layers


@pytest.fixture(scope="module")
def net1():
    return exercise.load("03_net_1")


def assert_wrong(result, words, status=checks.WRONG):
    assert result.status == status, result
    assert words.lower() in result.message.lower(), result


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


@pytest.mark.parametrize("right", [functional, added])
def test_net1_built_another_way_passes(net1, right):
    result = net1.run("net1-architecture", net1.namespace(build_net1=right))
    assert result.passed and result.hidden, result


def variant(conv=(3, 3, 3), filters=(32, 64, 64), pool_strides=2, hidden=512, **settings):
    """A builder of NET I with something changed."""

    def build(input_shape=(32, 32, 3), classes=10):
        last = settings.get("classes", classes)
        net = [keras.Input(settings.get("input_shape", input_shape))]
        for size, count in zip(conv, filters, strict=True):
            net.append(
                L.Conv2D(
                    count,
                    size,
                    padding=settings.get("padding", "valid"),
                    activation=settings.get("relu", "relu"),
                )
            )
            net.append(settings.get("pool", L.MaxPooling2D)(2, strides=pool_strides))
        net += [L.Flatten(), L.Dense(hidden, settings.get("fc", "relu"))]
        if settings.get("head", True):
            net.append(L.Dense(last, settings.get("end", "softmax")))
        return keras.Sequential(net)

    return build


ARCHITECTURES = [
    (variant(head=False), "dense layer"),
    (variant(filters=(32, 32, 64)), "second convolution has filters 32"),
    (variant(conv=(5, 3, 3)), "first convolution has kernel_size 5"),
    (variant(padding="same"), "padding same"),
    (variant(relu=None), "no activation"),
    (variant(pool_strides=1), "strides 1"),
    (variant(pool=L.AveragePooling2D), "pooling"),
    (variant(hidden=256), "units 256"),
    (variant(end="sigmoid"), "sigmoid"),
    (variant(fc=None), "first dense layer has activation linear"),
    (lambda *a, **k: None, "return"),
    (lambda *a, **k: [L.Conv2D(32, 3)], "expected a keras model"),
    (lambda *a, **k: keras.Sequential([L.Conv2D(32, 3)]), "Input"),
]


@pytest.mark.parametrize(("wrong", "words"), ARCHITECTURES)
def test_another_network_is_not_net1(net1, wrong, words):
    result = net1.run("net1-architecture", net1.namespace(build_net1=wrong))
    assert_wrong(result, words)
    assert not result.hidden


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (variant(classes=10), "classes=7"),
        (variant(input_shape=(32, 32, 3)), "size of the input"),
    ],
)
def test_arguments_that_are_ignored_are_found_by_the_hidden_checks(net1, wrong, words):
    result = net1.run("net1-architecture", net1.namespace(build_net1=wrong))
    assert_wrong(result, words)
    assert result.hidden


# ------------------------------------------------------------------ net1-compile


def compiled(**settings):
    wanted = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy"}
    model = added()
    model.compile(**(wanted | {"metrics": ["accuracy"]} | settings))
    return model


@pytest.fixture(scope="module")
def images():
    return data.load("cifar10", train=1_000, test=500).scaled()


def arrays(images):
    names = ("x_train", "y_train", "x_test", "y_test")
    return {name: getattr(images, name) for name in names}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {
            "optimizer": keras.optimizers.Adam,
            "loss": keras.losses.SparseCategoricalCrossentropy,
            "metrics": [keras.metrics.SparseCategoricalAccuracy],
        },
        {"metrics": ["acc"]},
    ],
)
def test_names_and_objects_both_compile(net1, images, settings):
    made = {k: v() if callable(v) else v for k, v in settings.items()}
    made = {
        k: [m() if callable(m) else m for m in v] if k == "metrics" else v for k, v in made.items()
    }
    result = net1.run("net1-compile", net1.namespace(net1=compiled(**made), **arrays(images)))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: None, "return model"),
        (added, "not compiled"),
        (lambda: compiled(optimizer="sgd"), "optimizer is 'sgd'"),
        (lambda: compiled(loss="mse"), "loss is mse"),
        (lambda: compiled(metrics=None), "expected loss and accuracy"),
        (lambda: compiled(metrics=["mse"]), "lack accuracy"),
        (
            lambda: compiled(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
            "logits",
        ),
    ],
)
def test_other_settings_are_named(net1, images, wrong, words):
    result = net1.run("net1-compile", net1.namespace(net1=wrong(), **arrays(images)))
    assert_wrong(result, words)


def test_the_loss_for_one_hot_labels_is_an_error_with_kerass_words(net1, images):
    wrong = compiled(loss="categorical_crossentropy")
    result = net1.run("net1-compile", net1.namespace(net1=wrong, **arrays(images)))
    assert_wrong(result, "shape", status=checks.ERROR)


# ------------------------------------------------------------------ net1-train and after


@pytest.fixture(scope="module")
def trained(net1):
    """The names after the whole solution: one training, reused by every test below."""
    names = net1.namespace()
    images = data.load("cifar10")
    names.update(arrays(images.scaled()), images=images)
    keras.utils.set_random_seed(1)
    names["net1"] = names["compile_net1"](names["build_net1"]())
    names["history"] = names["train_net1"](names["net1"], names["x_train"], names["y_train"])
    names["test_figures"] = names["evaluate_net1"](names["net1"], names["x_test"], names["y_test"])
    first = names["predict_first"](names["net1"], names["x_test"])
    names["first_label"], names["first_probabilities"] = first
    return names


def test_the_solution_passes_every_check(net1, trained):
    for test in net1.tests:
        result = net1.run(test, dict(trained))
        assert result.passed and result.hidden, (test, result)


def test_a_notebook_with_nothing_filled_in_is_not_attempted(net1, images):
    for test in net1.tests:
        result = net1.run(test, net1.stubs(**arrays(images)))
        assert result.status == checks.NOT_ATTEMPTED, (test, result)


RIGHT_TRAINING = """
def train_net1(model, x, y):
    settings = dict(epochs=profile.epochs(20), batch_size=128, validation_split=0.2)
    return {}
"""


@pytest.mark.parametrize(
    "body",
    [
        RIGHT_TRAINING.format("training.fit(model, 'net1', x, y, shuffle=True, **settings)"),
        RIGHT_TRAINING.format("model.fit(x, y, verbose=0, **settings)"),
        "def train_net1(model, x, y):\n"
        "    return model.fit(x, y, 128, profile.epochs(20), validation_split=1 / 5)",
    ],
)
def test_training_written_another_way_passes(net1, trained, body):
    right = net1.namespace(body, **_without(trained, "train_net1"))
    assert net1.run("net1-train", right).passed


def _without(names, *left_out):
    return {k: v for k, v in names.items() if k not in (*left_out, "__builtins__")}


FIT = "def train_net1(model, x, y): return training.fit(model, 'net1', x, y, {})"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (FIT.format("batch_size=128, epochs=profile.epochs(20)"), "validation_split is None"),
        (
            FIT.format("validation_split=0.1, batch_size=128, epochs=profile.epochs(20)"),
            "validation_split is 0.1",
        ),
        (FIT.format("validation_split=0.2, epochs=profile.epochs(20)"), "batch_size is None"),
        (
            FIT.format("validation_split=0.2, batch_size=32, epochs=profile.epochs(20)"),
            "batch_size is 32",
        ),
        (FIT.format("validation_split=0.2, batch_size=128, epochs=20"), "epochs is 20"),
        ("def train_net1(model, x, y): return {'loss': [1.0]}", "does not train"),
        ("def train_net1(model, x, y): model.evaluate(x, y)", "does not train"),
    ],
)
def test_other_training_settings_are_named(net1, trained, body, words):
    wrong = net1.namespace(body, **_without(trained, "train_net1"))
    result = net1.run("net1-train", wrong)
    assert_wrong(result, words)
    assert not result.hidden


def _history(epochs, *keys):
    return {key: [1.0] * epochs for key in keys}


ALL = ("loss", "accuracy", "val_loss", "val_accuracy")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"history": None}, "returns None"),
        ({"history": [1.0, 0.5]}, "not what training.fit returns"),
        ({"history": _history(8, "loss", "accuracy")}, "val_loss"),
        ({"history": _history(3, *ALL)}, "3 epochs; expected 8"),
        ({"net1": added()}, "held-out"),
        ({"net1": variant(hidden=100)()}, "parameters"),
    ],
)
def test_work_that_was_not_trained_is_found(net1, trained, names, words):
    assert_wrong(net1.run("net1-train", dict(trained) | names), words)


@pytest.mark.parametrize(
    "figures",
    [
        lambda t: {k: np.float32(v) for k, v in t["test_figures"].items()},
        lambda t: dict(reversed(t["test_figures"].items())),
    ],
)
def test_figures_of_other_types_and_order_pass(net1, trained, figures):
    right = dict(trained) | {"test_figures": figures(trained)}
    assert net1.run("net1-evaluate", right).passed


EVALUATE = "def evaluate_net1(model, x, y):\n    "


@pytest.mark.parametrize(
    ("body", "metric"),
    [
        ("return model.evaluate(x, y, 200, verbose=0, return_dict=True)", "accuracy"),
        (
            "got = model.evaluate(x, y, verbose=0, return_dict=True)\n    "
            "return {'loss': got['loss'], 'accuracy': got['sparse_categorical_accuracy']}",
            "sparse_categorical_accuracy",
        ),
        (
            "p, y = model.predict(x, verbose=0), np.ravel(y)\n    "
            "own = p[np.arange(len(y)), y]\n    "
            "return dict(loss=-np.log(own).mean(), accuracy=(p.argmax(1) == y).mean())",
            "accuracy",
        ),
        (
            "top = model.evaluate(x, y, verbose=0, return_dict=True)\n    "
            "return {k: top[k] for k in ('accuracy', 'loss')}",
            keras.metrics.SparseTopKCategoricalAccuracy(5),
        ),
    ],
)
def test_an_evaluation_written_another_way_passes(net1, trained, body, metric):
    net = keras.models.clone_model(trained["net1"])
    net.set_weights(trained["net1"].get_weights())
    metrics = [metric] if isinstance(metric, str) else ["accuracy", metric]
    net.compile("adam", "sparse_categorical_crossentropy", metrics=metrics)
    names = net1.namespace(EVALUATE + body, **_without(trained, "evaluate_net1", "net1"), net1=net)
    names["test_figures"] = names["evaluate_net1"](net, names["x_test"], names["y_test"])
    result = net1.run("net1-evaluate", names)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return dict(test_figures)", "accuracy for one right answer out of two"),
        (
            "loss, accuracy = model.evaluate(x, y, verbose=0)\n    "
            "return {'loss': accuracy, 'accuracy': loss}",
            "accuracy for one right answer out of two",
        ),
        (
            "loss, accuracy = model.evaluate(x, y, verbose=0)\n    "
            "return {'loss': loss * len(x), 'accuracy': accuracy}",
            "loss for probabilities",
        ),
        ("model.evaluate(x, y, verbose=0)", "NoneType"),
    ],
)
def test_a_wrong_evaluation_is_named_by_what_it_gives(net1, trained, body, words):
    names = net1.namespace(EVALUATE + body, **_without(trained, "evaluate_net1"))
    result = net1.run("net1-evaluate", names)
    assert not result.passed and not result.hidden and words in result.message, result


def test_figures_from_before_the_training_are_found(net1, trained):
    old = dict(trained) | {"test_figures": {"loss": 2.3, "accuracy": 0.1}}
    assert_wrong(net1.run("net1-evaluate", old), "compared with")


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (lambda f: None, "not return a dictionary"),
        (lambda f: (f["loss"], f["accuracy"]), "not return a dictionary"),
        (lambda f: {"accuracy": f["accuracy"]}, "expected 2"),
        (lambda f: {"loss": f["accuracy"], "accuracy": f["loss"]}, "accuracy"),
        (lambda f: f | {"accuracy": f["accuracy"] * 100}, "test accuracy"),
        (lambda f: f | {"loss": f["loss"] * 1.1}, "is not the loss"),
        (lambda f: f | {"loss": [f["loss"]]}, "is not the loss"),
        (lambda f: f | {"top5": 1.0}, "3 entries"),
    ],
)
def test_wrong_test_figures_are_found(net1, trained, figures, words):
    wrong = dict(trained) | {"test_figures": figures(trained["test_figures"])}
    assert_wrong(net1.run("net1-evaluate", wrong), words)


def _predicting(net1, trained, body):
    names = net1.namespace(f"def predict_first(model, x_test):\n    {body}", **arrays_of(trained))
    answer = names["predict_first"](trained["net1"], trained["x_test"])
    both = answer if isinstance(answer, tuple) and len(answer) == 2 else (None, None)
    return names | {"first_label": both[0], "first_probabilities": both[1]}


def arrays_of(trained):
    return {k: trained[k] for k in ("x_train", "y_train", "x_test", "y_test", "net1")}


@pytest.mark.parametrize(
    "body",
    [
        "p = model(x_test[:1]); p = np.array(p)[0]; return p.argmax(), p",
        "p = model.predict(x_test, verbose=0); return p.argmax(axis=1)[0], p[0]",
        "p = list(model.predict(x_test[0][None], verbose=0)[0]); return p.index(max(p)), p",
    ],
)
def test_a_prediction_written_another_way_passes(net1, trained, body):
    assert net1.run("net1-predict", _predicting(net1, trained, body)).passed


P = "p = model.predict(x_test[:{}], verbose=0); "


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (P.format(1) + "return int(p.argmax()), p", "shape (1, 3)"),
        (P.format(2) + "return int(p.argmax()), p[0]", "label"),
        (P.format(2) + "return int(p[1].argmax()), p[1]", "differs"),
        (P.format(1) + "return int(p.argmin()), p[0]", "is 0; expected 1"),
        (P.format(1) + "return p[0].argmax() + 1, p[0]", "is 2; expected 1"),
        (P.format(1) + "return float(p.max()), p[0]", "expected 1"),
        (P.format(1) + "return int(p.argmax()), p[0] / 2", "differs"),
        (P.format(1) + "return int(p.argmax()), np.round(p[0])", "differs"),
    ],
)
def test_a_wrong_prediction_is_named(net1, trained, body, words):
    assert_wrong(net1.run("net1-predict", _predicting(net1, trained, body)), words)


def test_a_prediction_without_a_batch_axis_is_the_students_error(net1, trained):
    body = "def predict_first(model, x_test): p = model.predict(x_test[0]); return p.argmax(), p"
    wrong = net1.namespace(body, **arrays_of(trained))
    assert net1.run("net1-predict", wrong).status == checks.ERROR


@pytest.mark.parametrize(
    "names",
    [
        {"first_label": 3, "first_probabilities": np.full(10, 0.1)},
        {"first_label": 3, "first_probabilities": [1.0, 0.0]},
    ],
)
def test_a_made_up_prediction_is_found(net1, trained, names):
    assert_wrong(net1.run("net1-predict", dict(trained) | names), "first_probabilities")


# ------------------------------------------------------------------ net1-overfit-epoch


def _epoch(body):
    return f"def overfit_epoch(history):\n    v = history['val_loss']\n    {body}"


@pytest.mark.parametrize(
    "body",
    [
        "e = v.index(min(v)) + 1; return e if e < len(v) else None",
        "e = np.argmin(np.array(v)); return None if e + 1 == len(v) else e + 1",
    ],
)
def test_the_epoch_found_another_way_passes(net1, body):
    result = net1.run("net1-overfit-epoch", net1.namespace(_epoch(body)))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return int(np.argmin(v))", "expected 2"),
        ("return int(np.argmin(v)) + 1", "the answer is None"),
        ("return int(np.argmin(history['loss'])) + 1", "expected 2"),
        ("return int(np.argmax(v)) + 1", "expected 2"),
        ("return int(np.argmax(history['val_accuracy'])) + 1", "val_accuracy"),
        (
            "return next((i for i in range(1, len(v)) if v[i] > v[i - 1]), None)",
            "small rise before its lowest",
        ),
        (
            "e = len(v) - int(np.argmin(v[::-1])); return e if e < len(v) else None",
            "two equal lowest",
        ),
        (
            "history['loss'][0]; e = v.index(min(v)) + 1; return e if e < len(v) else None",
            "loss",
        ),
        (
            "e = v.index(min(v[1:])) + 1; return e if e < len(v) else None",
            "",
        ),
    ],
)
def test_another_epoch_is_wrong_in_words(net1, body, words):
    result = net1.run("net1-overfit-epoch", net1.namespace(_epoch(body)))
    assert result.status in (checks.WRONG, checks.ERROR) and words in result.message, result
