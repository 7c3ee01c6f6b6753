"""06 NET III: right answers in more than one form pass, and wrong ones fail in words."""

import exercise
import keras
import numpy as np
import pytest

from autograder import submission
from autograder.judge import source
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


@pytest.mark.parametrize(
    "code", [TRACE, RECURSIVE, TRACE.replace("return out", "return tuple(out)")]
)
def test_sizes_traced_another_way_pass(net3, code):
    result = run(net3, "net3-sizes", code)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("size - (n - 1)", "size - n", "docstring"),
        ("size - (n - 1)", "size - 2", "docstring"),
        ("size //= n", "size = size / n", "without padding is"),
        ("size //= n", "size = -(-size // n)", "wrong"),
        ("size //= n", "size //= 2", "pooling by 3"),
        ('size if padding == "same" else size - (n - 1)', "size - (n - 1)", "same padding"),
        ('size if padding == "same" else size - (n - 1)', "size", "docstring"),
        ("out.append(max(size, 0))", "out.append(size)", "larger than the image"),
        ("        if size <= 0:\n            return out\n", "", "NET III without padding"),
        ("size=32", "size=28", "docstring"),
        ("out = []", "out = [size]", "docstring"),
    ],
)
def test_wrong_sizes_are_named(net3, old, new, words):
    assert old in TRACE
    code = TRACE.replace(old, new)
    if new == "size = size / n":
        words = "sizes"
    assert_wrong(run(net3, "net3-sizes", code), words)


# ------------------------------------------------------------------ net3-architecture


def builder(wrong=""):
    """NET III in functional form, with something wrong in it."""

    def build_net3(width=1.0, padding="same", dropout=0.5, l2=0.0005, classes=10):
        def some(n):
            return n if wrong == "width" else round(n * width)

        def drop(x):
            if wrong == "always dropout":
                return L.Dropout(0.5)(x)
            return L.Dropout(0.5 if wrong == "rate" else dropout)(x) if dropout else x

        penalty = keras.regularizers.L2(l2 * (2 if wrong == "double" else 1)) if l2 else None
        if wrong == "always l2":
            penalty = keras.regularizers.L2(0.0005)
        inputs = x = keras.Input((32, 32, 3))
        padding = "valid" if wrong == "valid" else padding
        for number, block in enumerate([(96, 96), (128,), (128, 128, 128)]):
            for filters in block[1:] if wrong == "shallow" else block:
                size = 5 if wrong == "filters" else 3
                kernel = penalty if wrong == "l2 on convolutions" else None
                x = L.Conv2D(some(filters), size, padding=padding, kernel_regularizer=kernel)(x)
                x = L.ReLU()(x)
            x = L.MaxPool2D()(x)
            x = x if wrong == "one dropout less" and number == 2 else drop(x)
        x = L.Flatten()(x)
        for units in (1024, 512):
            x = L.Dense(some(units), "relu", kernel_regularizer=penalty)(x)
            x = drop(x) if wrong != "dropout on convolutions alone" else x
        last = None if wrong == "last without l2" else penalty
        units = 10 if wrong == "classes" else some(classes) if wrong == "narrow end" else classes
        end = "relu" if wrong == "end" else "softmax"
        return keras.Model(inputs, L.Dense(units, end, kernel_regularizer=last)(x))

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


@pytest.mark.parametrize("right", [builder(), from_a_list])
def test_net3_built_another_way_passes(net3, right):
    result = run(net3, "net3-architecture", build_net3=right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("shallow", "convolution"),
        ("filters", "kernel_size 5"),
        ("one dropout less", "dropout"),
        ("dropout on convolutions alone", "dropout"),
        ("end", "activation relu; expected softmax"),
        ("rate", "rate"),
        ("always dropout", "dropout"),
        ("width", "filters"),
        ("classes", "units"),
        ("narrow end", "units"),
        ("double", "wrong penalty"),
        ("always l2", "wrong penalty"),
        ("last without l2", "wrong penalty"),
        ("l2 on convolutions", "wrong penalty"),
    ],
)
def test_another_network_is_not_net3(net3, wrong, words):
    assert_wrong(run(net3, "net3-architecture", build_net3=builder(wrong)), words)


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
    nets = {
        "NET I": names["build_net1"](),
        "NET II": names["build_net2"](),
        "NET III": names["build_net3"](0.25),
    }
    names["nets"] = nets
    names |= {"net1": nets["NET I"], "net2": nets["NET II"], "net3": nets["NET III"]}
    names["records"] = {name: training.History({}, [], 1.5) for name in nets}
    names["gaps"] = {
        name: names["fair_gap"](net, x[:40], y[:40], x[40:], y[40:]) for name, net in nets.items()
    }
    names["table"] = names["compare"](nets, names["records"], names["gaps"])
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
BY_EVALUATE = """
def fair_gap(model, train_images, train_labels, val_images, val_labels):
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    a = model.evaluate(train_images, train_labels, verbose=0)[1]
    b = model.evaluate(val_images, val_labels, verbose=0)[1]
    return dict(gap=a - b, validation=b, training=a)
"""


def judged_gap(net3, trained, code):
    """The gaps of all three networks as this answer finds them, judged."""
    kept = {k: v for k, v in trained.items() if k != "__builtins__" and k != "fair_gap"}
    names = net3.namespace(code, **kept)
    arrays = [trained[name] for name in ("few_x", "few_y", "x_val", "y_val")]
    names["gaps"] = {k: names["fair_gap"](net, *arrays) for k, net in trained["nets"].items()}
    return net3.run("net3-gap", names)


@pytest.mark.parametrize("code", [GAP, BY_EVALUATE])
def test_a_fair_gap_found_another_way_passes(net3, trained, code):
    result = judged_gap(net3, trained, code)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("a - b", "b - a", "the gap"),
        ("training=False", "training=True", "network with dropout"),
        ("y[:, 0]", "y", "training accuracy"),
        ("argmax(-1)", "argmin(-1)", "training accuracy"),
        ("share(val_images, val_labels)", "share(train_images, train_labels)", "validation"),
        ('"gap": a - b', '"difference": a - b', "list of keys"),
        ('{"training": a, "validation": b, "gap": a - b}', "a - b", "not return a dictionary"),
        ('"training": a', '"training": a * 100', "training accuracy"),
    ],
)
def test_an_unfair_gap_is_named(net3, trained, old, new, words):
    assert old in GAP
    code = GAP.replace(old, new)
    assert_wrong(judged_gap(net3, trained, code), words)


@pytest.mark.parametrize("key", ["training", "validation", "gap"])
def test_a_made_up_gap_is_found(net3, trained, key):
    told = {name: dict(gap) for name, gap in trained["gaps"].items()}
    told["NET III"][key] += 0.1
    assert_wrong(net3.run("net3-gap", dict(trained) | {"gaps": told}), "net3")


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


def judged_table(net3, trained, code):
    kept = {k: v for k, v in trained.items() if k not in ("__builtins__", "compare")}
    names = net3.namespace(code, **kept)
    names["table"] = names["compare"](trained["nets"], trained["records"], trained["gaps"])
    return net3.run("net3-compare", names)


@pytest.mark.parametrize("code", [COMPARE, COMPARE.replace("return rows", "return tuple(rows)")])
def test_a_table_made_another_way_passes(net3, trained, code):
    result = judged_table(net3, trained, code)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('    rows.sort(key=lambda row: -row["accuracy"])\n', "", "first row"),
        ('-row["accuracy"]', 'row["accuracy"]', "first row"),
        ('gaps[name]["validation"]', 'gaps[name]["training"]', "first row"),
        ('gaps[name]["gap"]', 'gaps[name]["training"]', "gap"),
        ("nets[name].weights", "nets[name].layers[-1].weights[:1]", "parameters"),
        ("return rows", "return rows[:1]", "number of rows"),
        ("gap=gaps", "difference=gaps", "lacks 'gap'"),
        ("records[name].seconds", "0.0", "seconds"),
    ],
)
def test_a_wrong_table_is_named(net3, trained, old, new, words):
    assert old in COMPARE
    assert_wrong(judged_table(net3, trained, COMPARE.replace(old, new)), words)


def test_other_networks_under_the_names_of_net1_and_net2_are_found(net3, trained):
    swapped = dict(trained) | {"net2": trained["build_net2"](3)}
    assert_wrong(net3.run("net3-compare", swapped), "other kernel_size")
    swapped = dict(trained) | {"net1": trained["net3"]}
    assert_wrong(net3.run("net3-compare", swapped), "6 convolution layers")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[::-1], "highest accuracy comes first"),
        (lambda rows: rows[:2], "number of rows"),
        (lambda rows: [{**row, "parameters": 3_267_306} for row in rows], "parameter count of"),
        (lambda rows: [{**row, "gap": 0.0} for row in rows], "gap of"),
        (lambda rows: [{**row, "seconds": 0} for row in rows], "training time"),
    ],
)
def test_a_made_up_table_is_found(net3, trained, change, words):
    names = dict(trained) | {"gaps": SPREAD, "table": None}
    names["table"] = change(names["compare"](trained["nets"], trained["records"], SPREAD))
    assert_wrong(net3.run("net3-compare", names), words)


SPREAD = {
    name: {"training": 0.9, "validation": 0.9 - gap, "gap": gap}
    for name, gap in (("NET I", 0.2), ("NET II", 0.3), ("NET III", 0.1))
}


# ------------------------------------------------------------------ net3-own


@pytest.mark.parametrize(("starts", "points"), [((0, 0.9, 1), 2), ((0, 0, 1), 4), ((0, 0, 0), 6)])
def test_each_band_is_worth_two_points(net3, trained, bands, starts, points):
    bands(*starts)
    result = net3.run("net3-own", dict(trained))
    assert result.passed and result.score == points, result


def test_a_network_of_another_kind_is_welcome(net3, trained, bands):
    bands(0, 0, 0)
    inputs = keras.Input((32, 32, 3))
    x = L.SeparableConv2D(32, 3, strides=2, activation="gelu")(L.RandomFlip("horizontal")(inputs))
    x = L.LayerNormalization()(L.Add()([x, L.Conv2D(32, 1)(x)]))
    x = L.Dense(10, activation="softmax")(L.GlobalAveragePooling2D()(x))
    result = net3.run("net3-own", dict(trained) | {"mine": keras.Model(inputs, x)})
    assert result.passed and result.score == 6, result


def small_net(units=10, end="softmax", shape=(32, 32, 3), hidden=0):
    net = keras.Sequential([keras.Input(shape), L.Flatten()])
    if hidden:
        net.add(L.Dense(hidden, "relu"))
    net.add(L.Dense(units, activation=end))
    return net


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"mine": small_net(hidden=65)}, "the budget is 200,000"),
        ({"mine": small_net(units=9)}, "output shape"),
        ({"mine": small_net(end=None)}, "probabilities"),
        ({"mine": small_net(end="sigmoid")}, "probabilities"),
        ({"mine_record": None}, "returns None"),
        ({"entry": {"name": "x"}}, "list of the entry's keys"),
    ],
)
def test_work_outside_the_rules_is_named(net3, trained, bands, names, words):
    bands(0, 0, 0)
    result = net3.run("net3-own", dict(trained) | names)
    assert_wrong(result, words)
    assert not result.hidden


def test_below_the_first_band_there_are_words_and_no_points(net3, trained, bands):
    bands(0.99, 1, 1)
    result = net3.run("net3-own", dict(trained))
    assert_wrong(result, "the first band begins at 99%")
    assert result.hidden and result.score is None


@pytest.mark.parametrize("entry", [{"name": 3, "idea": "x"}, {"name": "x", "idea": None}])
def test_an_entry_is_two_texts(net3, trained, bands, entry):
    bands(0, 0, 0)
    assert_wrong(net3.run("net3-own", dict(trained) | {"entry": entry}), "two strings")


def test_the_leaderboard_is_told_what_the_judge_measured(net3, trained, bands):
    bands(0, 0, 0)
    result = net3.run("net3-own", dict(trained) | {"entry": {"name": "x", "idea": "y"}})
    assert result.passed
    told = result.notes
    assert (told["name"], told["idea"]) == ("x", "y")
    assert 0 <= told["accuracy"] <= 1 and told["parameters"] <= 200_000
