"""12 Transfer: right answers in more than one form pass, and wrong ones fail in words."""

import ast

import exercise
import jupytext
import keras
import numpy as np
import pytest

from convcourse import checks

L = keras.layers


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
        if getattr(node, "name", "") in ("make_classifier", "Batches", "phases_trial")
    ]
    return "\n\n".join(kept)


def assert_wrong(result, words, status=checks.WRONG):
    assert result.status == status, result
    assert words.lower() in result.message.lower(), result


TESTS = [
    "transfer-prepare",
    "transfer-few",
    "transfer-build",
    "transfer-phases",
    "transfer-change",
]


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(transfer, given, test):
    result = transfer.run(test, transfer.namespace(given))
    assert result.passed and result.hidden, result
    stubs = transfer.stubs()
    exec(given, stubs)
    assert transfer.run(test, stubs).status == checks.NOT_ATTEMPTED


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


@pytest.mark.parametrize("right", [by_channel, by_flip])
def test_a_preparation_in_other_forms_passes(transfer, right):
    result = transfer.run("transfer-prepare", transfer.namespace(prepare=right))
    assert result.passed and result.hidden, result


def turned_last(pixels, mean, scale, order):
    made = by_channel(pixels, mean, scale, "rgb")
    return made[..., ::-1] if order == "bgr" else made


def turned_rows(pixels, mean, scale, order):
    return by_channel(pixels[:, ::-1] if order == "bgr" else pixels, mean, scale, "rgb")


def in_place(pixels, mean, scale, order):
    made = by_channel(pixels, mean, scale, order)
    pixels[:] = 0
    return made


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda p, m, s, o: by_channel(p, m, s, "rgb"), "bgr order"),
        (lambda p, m, s, o: by_channel(p, m, s, "bgr"), "rgb order"),
        (turned_last, "bgr order"),
        (turned_rows, "bgr order"),
        (lambda p, m, s, o: by_channel(p, m, (1, 1, 1), o), "bgr order"),
        (lambda p, m, s, o: by_channel(p, m, s, o).astype("float64"), "float64"),
        (lambda p, m, s, o: by_channel(p / 255, m, s, o), "bgr order"),
        (lambda p, m, s, o: by_channel(p, m, s, o)[0], "shape"),
        (in_place, "input image"),
    ],
)
def test_a_wrong_preparation_is_named(transfer, wrong, words):
    assert_wrong(transfer.run("transfer-prepare", transfer.namespace(prepare=wrong)), words)


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


@pytest.mark.parametrize("right", [shuffled, counted])
def test_few_of_each_in_other_forms_passes(transfer, right):
    result = transfer.run("transfer-few", transfer.namespace(few_of_each=right))
    assert result.passed and result.hidden, result


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


def unseeded(labels, count, seed):
    return shuffled(labels, count, None)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (first_ones, "draw from all"),
        (with_replacement, "different positions"),
        (unbalanced, "classes"),
        (unseeded, "same seed"),
        (lambda y, n, seed: np.asarray(y)[shuffled(y, n, seed)], "different positions"),
        (lambda y, n, seed: shuffled(y, n, seed)[:n], "shape"),
        (lambda y, n, seed: np.reshape(shuffled(y, n, seed), (-1, n)), "shape"),
    ],
)
def test_wrong_draws_are_named(transfer, wrong, words):
    result = transfer.run("transfer-few", transfer.namespace(few_of_each=wrong))
    assert result.status == checks.WRONG, result
    assert words in result.message or "classes" in result.message, result


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


@pytest.mark.parametrize("right", [functional, layer_by_layer])
def test_a_classifier_in_other_forms_passes(transfer, given, right):
    names = transfer.namespace(given, build_classifier=right)
    result = transfer.run("transfer-build", names)
    assert result.passed and result.hidden, result


def variant(units=(384, 192), flatten=L.Flatten, end="softmax", relu="relu", **settings):
    def build_classifier(base, trainable, classes=10):
        base.trainable = settings.get("trainable", trainable)
        if settings.get("copy"):
            base = keras.models.clone_model(base)
        net = keras.Sequential([L.Input(base.input_shape[1:]), base, flatten()])
        for n in units:
            net.add(L.Dense(n, activation=relu))
        net.add(L.Dense(settings.get("classes", classes), activation=end))
        if settings.get("frozen_head") and not trainable:
            net.trainable = False
        return net

    return build_classifier


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (variant(trainable=True), "trainable parameters; expected 272,842"),
        (variant(trainable=False), "trainable parameters; expected 566,362"),
        (variant(frozen_head=True), "trainable parameters; expected 272,842"),
        (variant(units=(192, 384)), "parameters"),
        (variant(units=(384,)), "parameters"),
        (variant(flatten=L.GlobalAveragePooling2D), "parameters"),
        (variant(end="sigmoid"), "sigmoid"),
        (variant(relu=None), "no activation"),
        (variant(classes=10), "shape of the output"),
        (variant(copy=True), "use the base that is given"),
        (lambda *a, **k: None, "None"),
    ],
)
def test_another_classifier_is_named(transfer, given, wrong, words):
    names = transfer.namespace(given, build_classifier=wrong)
    result = transfer.run("transfer-build", names)
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words in result.message, result


# ------------------------------------------------------------------ transfer-phases

ONE_PHASE = """
def one_phase(net, base, batches, learns, rate, first, last, name, compiled=True, epochs=1):
    base.trainable = learns
    if compiled:
        loss = keras.losses.SparseCategoricalCrossentropy()
        net.compile(keras.optimizers.Adam(learning_rate=rate), loss, metrics=["accuracy"])
    training.fit(net, name, batches(first, last), None, callbacks=[], epochs=epochs)


def refine_after(net, base, batches, frozen, steps, name, rate=0.001):
    {}
    return net
"""
FIRST = "if frozen: one_phase(net, base, batches, False, 0.001, 0, frozen, name + '_frozen')"
SECOND = "if frozen < steps: one_phase(net, base, batches, True, rate, frozen, steps, name)"


def phases(*lines):
    return ONE_PHASE.format("\n    ".join(lines))


@pytest.mark.parametrize(
    "lines",
    [
        (FIRST, SECOND),
        ("for layer in base.layers: layer.trainable = True", FIRST, SECOND),
        (FIRST.replace("if frozen:", "if frozen > 0:"), "if steps == frozen: return net", SECOND),
    ],
)
def test_phases_in_other_forms_pass(transfer, given, lines):
    result = transfer.run("transfer-phases", transfer.namespace(given + phases(*lines)))
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((SECOND,), "batches of each phase"),
        ((FIRST,), "batches of each phase"),
        ((FIRST.replace("False", "True"), SECOND), "base changes"),
        ((FIRST, SECOND.replace("True", "False")), "base changes"),
        ((FIRST, SECOND.replace(", name)", ", name, compiled=False)")), "base changes"),
        ((FIRST, SECOND.replace("rate, frozen", "0.001, frozen")), "learning rate"),
        ((FIRST, SECOND.replace("frozen, steps", "0, steps")), "batches of each phase"),
        ((FIRST.replace("'_frozen'", "''"), SECOND), "checkpoint name"),
        ((FIRST.replace("if frozen: ", ""), SECOND), "0 frozen steps"),
        ((FIRST, SECOND.replace("if frozen < steps: ", "")), "4 frozen steps"),
        ((FIRST, SECOND, "return None"), "does not return net"),
    ],
)
def test_wrong_phases_are_named(transfer, given, lines, words):
    result = transfer.run("transfer-phases", transfer.namespace(given + phases(*lines)))
    if "frozen steps" in words:  # an empty phase may also end in the student's own error
        assert result.hidden and result.status in (checks.WRONG, checks.ERROR), result
    else:
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


@pytest.mark.parametrize("right", [roots, raveled])
def test_changes_in_other_forms_pass(transfer, right):
    result = transfer.run("transfer-change", transfer.namespace(relative_change=right))
    assert result.passed and result.hidden, result


def measured(top=lambda b, a: a - b, bottom=lambda b, a: b, root=True, keep=False):
    def relative_change(before, after):
        found = []
        for b, a in zip(before, after, strict=True):
            share = np.sum(top(b, a) ** 2) / max(np.sum(bottom(b, a) ** 2), 1e-12)
            if np.any(b) or keep:
                found.append(float(share**0.5 if root else share))
        return found

    return relative_change


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
        (lambda b, a: measured()(b, a)[:1], "number of changes"),
    ],
)
def test_wrong_changes_are_named(transfer, wrong, words):
    assert_wrong(transfer.run("transfer-change", transfer.namespace(relative_change=wrong)), words)


# ------------------------------------------------------------------ transfer-refined


def work(net, **names):
    from convcourse import pretrained

    base = pretrained.small()
    old, new = base.model.get_weights(), [w + 0.1 for w in base.model.get_weights()]
    runs = {
        "extraction": (None, 0.8, old, old),
        "fine-tuning": (None, 0.8, old, new),
        "fine-tuning after 20": (net, 0.8, old, new),
    }
    return {"base": base, "after": [2, 20, 50], "runs": runs | names}


def test_a_network_that_was_not_trained_is_found(transfer, given):
    from convcourse import pretrained

    keras.utils.set_random_seed(1)
    net = functional(pretrained.small().model, True)
    names = transfer.namespace(given) | work(net)
    assert_wrong(transfer.run("transfer-refined", names), "held-out")


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
    transfer, given, changed, words
):
    from convcourse import pretrained

    net = functional(pretrained.small().model, True)
    names = transfer.namespace(given) | work(net, **changed)
    assert_wrong(transfer.run("transfer-refined", names), words)


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
