"""05 NET II: right answers in more than one form pass, and wrong ones fail in words."""

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks, shapes

L = keras.layers


@pytest.fixture(scope="module")
def net2():
    return exercise.load("05_net_2")


def assert_wrong(result, words, status=checks.WRONG):
    assert result.status == status, result
    assert words.lower() in result.message.lower(), result


def judged(net2, test, **names):
    return net2.run(test, net2.namespace(**names))


# ------------------------------------------------------------------ the two networks


def builder(name, **wrong):
    """NET I or II in functional form, its activations layers of their own, with a fault."""

    def build(kernel_size=5, input_shape=(32, 32, 3), classes=10):
        size = 3 if name == "I" else wrong.get("kernel_size", kernel_size)
        plan = {"I": "32 p 64 p 64 p", "II": "32 64 p 64 p"}[name]
        inputs = x = keras.Input(tuple(wrong.get("input_shape", input_shape)))
        for word in wrong.get("plan", plan).split():
            if word == "p":
                x = L.MaxPool2D((2, 2), strides=wrong.get("strides", 2))(x)
            else:
                padding = wrong.get("padding", "valid")
                x = L.Conv2D(int(word), (size, size), padding=padding)(x)
                x = L.Activation(wrong.get("activation", "relu"))(x)
        x = L.Dense(wrong.get("units", 512))(L.Flatten()(x))
        x = L.Dense(wrong.get("classes", classes))(L.ReLU()(x))
        return keras.Model(inputs, L.Activation(wrong.get("end", "softmax"))(x))

    if name == "II":
        return build
    return lambda input_shape=(32, 32, 3), classes=10: build(3, input_shape, classes)


def added(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    net = keras.Sequential([keras.Input(tuple(input_shape))])
    for filters in (32, 64, 0, 64, 0):
        net.add(L.Conv2D(filters, kernel_size, activation="relu") if filters else L.MaxPool2D())
    net.add(L.Flatten())
    net.add(L.Dense(512, "relu"))
    net.add(L.Dense(classes, "softmax"))
    return net


@pytest.mark.parametrize("right", [builder("II"), added])
def test_net2_built_another_way_passes(net2, right):
    result = judged(net2, "net2-architecture", build_net2=right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kernel_size": 3}, "first convolution has kernel_size 3"),
        ({"plan": "32 p 64 p 64"}, "another order"),
        ({"plan": "32 64 p 64"}, "pooling"),
        ({"plan": "32 64 64 64 p p"}, "convolution"),
        ({"plan": "32 32 p 64 p"}, "second convolution has filters 32"),
        ({"padding": "same"}, "padding same"),
        ({"strides": 1}, "strides 1"),
        ({"activation": "tanh"}, "activation tanh"),
        ({"units": 128}, "units 128"),
        ({"end": "sigmoid"}, "sigmoid"),
        ({"kernel_size": 5}, "kernel_size"),
        ({"classes": 10}, "units"),
        ({"input_shape": (32, 32, 3)}, "size of the input"),
    ],
)
def test_another_network_is_not_net2(net2, wrong, words):
    result = judged(net2, "net2-architecture", build_net2=builder("II", **wrong))
    assert_wrong(result, words)
    ignored = {"kernel_size": 5}, {"classes": 10}, {"input_shape": (32, 32, 3)}
    assert result.hidden == (wrong in ignored)  # an argument that is ignored shows there alone


@pytest.mark.parametrize(
    "right", [builder("I"), exercise.load("03_net_1").namespace()["build_net1"]]
)
def test_net1_in_other_forms_passes(net2, right):
    result = judged(net2, "net2-net1", build_net1=right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (builder("II"), "686,090"),
        (builder("I", plan="32 p 64 p 32 p"), "parameters"),
        (builder("I", units=256), "parameters"),
        (builder("I", activation="tanh"), "activation tanh"),
        (builder("I", classes=10), "units"),
        (builder("I", input_shape=(32, 32, 3)), "size of the input"),
        (builder("I", end="sigmoid"), "sigmoid"),
    ],
)
def test_another_network_is_not_net1(net2, wrong, words):
    if words == "686,090":
        assert_wrong(judged(net2, "net2-net1", build_net1=lambda: wrong()), words)
    else:
        assert_wrong(judged(net2, "net2-net1", build_net1=wrong), words)


# ------------------------------------------------------------------ net2-count

COUNT = """
def count_net2(kernel_size=5, size=32, channels=3, classes=10):
    k = kernel_size
    side = ((size - k + 1 - k + 1) // 2 - k + 1) // 2
    pairs = [(k * k * channels, 32), (k * k * 32, 64), (k * k * 64, 64)]
    pairs += [(side ** 2 * 64, 512), (512, classes)]
    return dict(zip(["conv1", "conv2", "conv3", "fc1", "fc2"], [(a + 1) * b for a, b in pairs]))
"""
BY_BUILDING = """
def count_net2(kernel_size=5, size=32, channels=3, classes=10):
    net = build_net2(kernel_size, (size, size, channels), classes)
    counts = [layer.count_params() for layer in net.layers if layer.count_params()]
    return dict(zip(("conv1", "conv2", "conv3", "fc1", "fc2"), counts))
"""


@pytest.mark.parametrize("code", [COUNT, BY_BUILDING])
def test_counts_found_another_way_pass(net2, code):
    result = net2.run("net2-count", net2.namespace(code))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("(a + 1) * b", "a * b", "conv1 is 2400; expected 2432"),
        ("(a + 1) * b", "(a * b + 1)", "conv1"),
        ("(k * k * 32, 64)", "(k * k * 3, 64)", "conv2"),
        ("side ** 2 * 64", "side * 64", "fc1"),
        ("size - k + 1 - k + 1", "size", "fc1"),
        ("// 2 - k + 1) // 2", "// 2 - k + 1)", "fc1"),
        ("side ** 2 * 64, 512", "1024, 512", "fc1 is wrong"),
        ("k * k * channels", "k * k * 3", "conv1 is wrong"),
        ("(512, classes)", "(512, 10)", "fc2 is wrong"),
    ],
)
def test_a_wrong_count_is_named(net2, old, new, words):
    assert old in COUNT
    result = net2.run("net2-count", net2.namespace(COUNT.replace(old, new)))
    assert_wrong(result, words)


def test_counts_in_halves_of_pixels_are_wrong_for_odd_sizes(net2):
    code = COUNT.replace("// 2", "/ 2")
    assert_wrong(net2.run("net2-count", net2.namespace(code)), "fc1 is wrong")


# ------------------------------------------------------------------ net2-train and net2-judge


@pytest.fixture(scope="module")
def trained(net2):
    """The names after all solutions, trained on so few images that it takes seconds."""
    x, y = shapes.shapes10(60)
    x = np.float32(x) / 255
    names = net2.namespace(x_train=x, y_train=y, x_test=x[:40], y_test=y[:40])
    keras.utils.set_random_seed(1)
    names |= {"net1": names["build_net1"](), "net2": names["build_net2"]()}
    names["histories"] = {
        "NET I": names["train"](names["net1"], "net2_net1", x, y),
        "NET II": names["train"](names["net2"], "net2", x, y),
    }
    rivals = (("NET I", "net1"), ("NET II", "net2"))
    names["verdicts"] = {
        name: names["judge"](names[net], names["x_test"], names["y_test"]) for name, net in rivals
    }
    return names


@pytest.fixture
def lenient(monkeypatch):
    """A threshold that two dozen images reach."""
    monkeypatch.setattr("autograder.submission.threshold", lambda key: 0.0)


def test_the_solution_passes_every_check(net2, trained, lenient):
    for test in net2.tests:
        result = net2.run(test, dict(trained))
        assert result.passed and result.hidden, (test, result)


def test_a_notebook_with_nothing_filled_in_is_not_attempted(net2, trained):
    arrays = {name: trained[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    for test in net2.tests:
        result = net2.run(test, net2.stubs(**arrays))
        assert result.status == checks.NOT_ATTEMPTED, (test, result)


def test_a_network_that_was_hardly_trained_misses_the_threshold(net2, trained):
    assert_wrong(net2.run("net2-train", dict(trained)), "NET II should reach more")


def _replaced(net2, trained, code):
    """The trained names with some functions written anew."""
    kept = {k: v for k, v in trained.items() if k != "__builtins__" and not callable(v)}
    kept |= {"net1": trained["net1"], "net2": trained["net2"]}
    return net2.namespace(code, **kept)


TRAIN = """
def train(model, name, x, y):
    model.compile("{optimizer}", loss="{loss}", metrics=["acc"])
    return training.fit(model, name, x, y, validation_split={split}, batch_size={batch},
                        epochs={epochs})
"""
GOOD = {
    "optimizer": "adam",
    "loss": "sparse_categorical_crossentropy",
    "split": 0.2,
    "batch": 128,
    "epochs": "profile.epochs(20)",
}


@pytest.mark.parametrize("settings", [{}, {"split": "1 / 5"}])
def test_training_written_another_way_passes(net2, trained, lenient, settings):
    names = _replaced(net2, trained, TRAIN.format(**(GOOD | settings)))
    result = net2.run("net2-train", names)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (TRAIN.format(**(GOOD | {"split": 0.1})), "validation_split is 0.1"),
        (TRAIN.format(**(GOOD | {"batch": 32})), "batch_size is 32"),
        (TRAIN.format(**(GOOD | {"epochs": 20})), "epochs is 20"),
        (
            TRAIN.format(**GOOD).replace("model.compile", "(lambda *a, **k: None)"),
            "does not compile",
        ),
        (TRAIN.format(**GOOD).replace("fit(model, name", "fit(model, 'net2'"), "model and name"),
        ("def train(model, name, x, y): model.compile('adam')", "does not train"),
        (
            "def train(model, name, x, y):\n    model.compile('adam')\n    return model.fit(x, y)",
            "use training.fit",
        ),
    ],
)
def test_other_training_settings_are_named(net2, trained, code, words):
    result = net2.run("net2-train", _replaced(net2, trained, code))
    assert_wrong(result, words)
    assert not result.hidden


def recompiled(trained, **settings):
    net = added()
    net.set_weights(trained["net2"].get_weights())
    good = {"optimizer": "adam", "loss": GOOD["loss"], "metrics": ["accuracy"]}
    net.compile(**(good | settings))
    return net


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: {"net2": recompiled(t, optimizer="sgd")}, "optimizer"),
        (lambda t: {"net2": recompiled(t, loss="mse")}, "loss is mse"),
        (lambda t: {"net2": recompiled(t, metrics=None)}, "lack accuracy"),
        (lambda t: {"net2": t["net1"]}, "parameters"),
        (lambda t: {"histories": {"NET I": {}, "NET II": {}}}, "lacks loss"),
        (
            lambda t: {
                "histories": {k: {**v.history, "val_loss": []} for k, v in t["histories"].items()}
            },
            "number of epochs",
        ),
        (lambda t: {"histories": {"NET II": t["histories"]["NET II"]}}, "1 entries"),
        (lambda t: {"histories": {"NET I": None, "NET II": None}}, "returns None"),
    ],
)
def test_work_that_was_trained_otherwise_is_found(net2, trained, lenient, change, words):
    assert_wrong(net2.run("net2-train", dict(trained) | change(trained)), words)


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


@pytest.mark.parametrize("code", [JUDGE, BY_HAND])
def test_a_verdict_found_another_way_passes(net2, trained, code):
    names = _judging(net2, trained, code)
    result = net2.run("net2-judge", names)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize("code", [JUDGE, BY_HAND])
def test_the_loss_of_a_network_that_is_sure_of_its_mistakes_passes(net2, trained, code):
    x, each, own = trained["x_test"], np.arange(40), trained["y_test"].ravel()
    chances = trained["net2"].predict(x, verbose=0)
    worst = np.log(chances.max(axis=1) / chances[each, own]).max()
    sure = keras.models.clone_model(trained["net2"])
    *weights, kernel, bias = trained["net2"].get_weights()
    sure.set_weights([*weights, 50 / worst * kernel, 50 / worst * bias])
    sure.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert 1e-30 < sure.predict(x, verbose=0)[each, own].min() < 1e-15
    names = _judging(net2, trained | {"net2": sure}, code)
    result = net2.run("net2-judge", names)
    assert result.passed and result.hidden, result


def _judging(net2, trained, code):
    names = _replaced(net2, trained, code)
    x, y = trained["x_test"], trained["y_test"]
    rivals = (("NET I", "net1"), ("NET II", "net2"))
    names["verdicts"] = {name: names["judge"](trained[net], x, y) for name, net in rivals}
    return names


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("loss, accuracy =", "accuracy, loss =", "accuracy"),
        ("p.argmax(axis=1)[0]", "p.max(axis=1)[0]", "label for the scores"),
        ("p.argmax(axis=1)[0]", "p.argmax(axis=0)[0]", "label"),
        ("label == y[0, 0]", "True", "1 is not right"),
        ("label == y[0, 0]", "label != y[0, 0]", "1 is not right"),
        ("label == y[0, 0]", "False and label", "first_right"),
        ('"first_label": label,', "", "list of keys"),
        ('"accuracy": accuracy', '"accuracy": accuracy * 100', "accuracy"),
    ],
)
def test_a_wrong_verdict_is_named(net2, trained, old, new, words):
    assert old in JUDGE
    names = _judging(net2, trained, JUDGE.replace(old, new))
    if new == "False and label":  # right for the visible case; the trained nets tell
        names["y_test"] = names["y_test"].copy()
        names["y_test"][0, 0] = names["verdicts"]["NET I"]["first_label"]
    assert_wrong(net2.run("net2-judge", names), words)


@pytest.mark.parametrize("key", ["loss", "accuracy", "first_label"])
def test_a_made_up_verdict_is_found(net2, trained, key):
    told = {name: dict(verdict) for name, verdict in trained["verdicts"].items()}
    told["NET II"][key] += 1
    assert_wrong(net2.run("net2-judge", dict(trained) | {"verdicts": told}), key)


# ------------------------------------------------------------------ net2-gap and net2-summary


@pytest.mark.parametrize(
    "right",
    [
        lambda h: [a - v for a, v in zip(h["accuracy"], h["val_accuracy"], strict=True)],
        lambda h: np.array(h["accuracy"]) - np.array(h["val_accuracy"]),
    ],
)
def test_a_gap_curve_in_other_forms_passes(net2, right):
    result = judged(net2, "net2-gap", gap_curve=right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda h: np.subtract(h["val_accuracy"], h["accuracy"]), "gap curve differs"),
        (lambda h: np.abs(np.subtract(h["accuracy"], h["val_accuracy"])), "gap curve differs"),
        (lambda h: np.subtract(h["val_accuracy"][-1], h["accuracy"][-1]), "shape ()"),
        (lambda h: np.subtract(h["accuracy"], h["val_accuracy"])[1:], "shape (2,)"),
        (lambda h: [0.4 - 0.5, 0.0, 0.9 - 0.7], "shape"),
        (lambda h: None, "None"),
        (lambda h: np.divide(h["accuracy"], h["val_accuracy"]), "differs"),
    ],
)
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


@pytest.mark.parametrize(
    "code", [SUMMARY, SUMMARY.replace("sum(gaps) / len(gaps)", "np.mean(gaps)")]
)
def test_a_summary_in_other_forms_passes(net2, code):
    result = net2.run("net2-summary", net2.namespace(code))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sum(gaps) / len(gaps)", "gaps[-1]", "gap over the last three"),
        ("[-last:]", "", "gap over the last three"),
        ("[-last:]", "[-3:]", "the gap"),
        ("max(history", "min(history", "best validation accuracy"),
        ('max(history["val_accuracy"])', 'history["val_accuracy"][-1]', "best validation accuracy"),
        ("min(losses)) + 1", "min(losses))", "overfitting begins"),
        ("epoch if epoch < len(losses) else None", "epoch", "overfitting begins is wrong"),
        ('history["val_loss"]', 'history["loss"]', "overfitting begins"),
        (
            "losses.index(min(losses)) + 1",
            "len(losses) - losses[::-1].index(min(losses))",
            "overfit",
        ),
    ],
)
def test_a_wrong_summary_is_named(net2, old, new, words):
    assert old in SUMMARY
    assert_wrong(net2.run("net2-summary", net2.namespace(SUMMARY.replace(old, new))), words)
