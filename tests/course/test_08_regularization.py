"""08 Regularization: right answers in more than one form pass, and wrong ones fail in words."""

import itertools

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks

L = keras.layers


@pytest.fixture(scope="module")
def reg():
    return exercise.load("08_regularization")


def assert_wrong(result, words):
    assert result.status == checks.WRONG, result
    assert words.lower() in result.message.lower(), result


def run(reg, test, code="", **names):
    """Judge a tests cell after all solutions, the locked cell that runs the callback, and code."""
    return reg.run(test, reg.namespace(SIMULATE + code, **names))


SIMULATE = """
def stopped_after(runs, epochs=3):
    callback, lasted = StopOnRise(epochs), []
    for losses, val_losses in runs:
        model = keras.Sequential()
        model.stop_training = False
        callback.set_model(model)
        callback.on_train_begin()
        for epoch, (loss, val_loss) in enumerate(zip(losses, val_losses)):
            callback.on_epoch_end(epoch, {"loss": loss, "val_loss": val_loss})
            if model.stop_training:
                break
        lasted.append(epoch + 1)
    return lasted
"""


@pytest.mark.parametrize(
    "test", ["reg-build", "reg-dropout", "reg-penalty", "reg-rule", "reg-callback"]
)
def test_the_solution_passes_and_the_stub_is_not_attempted(reg, test):
    result = run(reg, test)
    assert result.passed and result.hidden, result
    stubs = reg.stubs()
    if test == "reg-callback":
        exec(SIMULATE, stubs)
    assert reg.run(test, stubs).status == checks.NOT_ATTEMPTED


# ------------------------------------------------------------------ reg-build


def builder(wrong=""):
    """The three-block net in functional form, with something wrong in it."""

    def build_blocks(batch_norm=True, dropout=0.5, l2=0.0, width=1.0, classes=10):
        inputs = x = keras.Input((32, 32, 3))
        scale = 1.0 if wrong == "width" else width
        for filters in (32, 64, 128):
            count = int(filters * scale)
            x = L.Conv2D(count, (3, 3), padding="valid" if wrong == "padding" else "same")(x)
            if wrong == "relu first":
                x = L.Activation("relu")(x)
            if batch_norm or wrong == "always bn":
                x = L.BatchNormalization(axis=-1, momentum=0.9)(x)
            x = x if wrong == "relu first" else L.Activation("relu")(x)
            x = L.MaxPool2D((2, 2))(x)
        x = L.Flatten()(x)
        penalty = keras.regularizers.L2(l2 / 2 if wrong == "half" else l2) if l2 else None
        penalty = keras.regularizers.L2(0.01) if wrong == "always l2" else penalty
        first = None if wrong == "one l2" else penalty
        x = L.Dense(int(512 * scale), kernel_regularizer=first)(x)
        x = L.Activation("relu")(x)
        if dropout or wrong == "always dropout":
            x = L.Dropout(0.5 if wrong == "rate" else dropout)(x)
        units = 10 if wrong == "classes" else classes
        x = L.Dense(units, activation="softmax", kernel_regularizer=penalty)(x)
        return keras.Model(inputs, x)

    return build_blocks


def test_a_functional_net_passes(reg):
    result = run(reg, "reg-build", build_blocks=builder())
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("padding", "padding"),
        ("relu first", "activation relu; expected linear"),
        ("always bn", "1,14"),
        ("always dropout", "dropout"),
        ("rate", "rate"),
        ("width", "filters"),
        ("classes", "units"),
        ("half", "both FC layers"),
        ("one l2", "both FC layers"),
        ("always l2", "penalty"),
    ],
)
def test_a_switch_that_does_not_switch_is_named(reg, wrong, words):
    assert_wrong(run(reg, "reg-build", build_blocks=builder(wrong)), words)


# ------------------------------------------------------------------ reg-dropout


def masked(x, rate, uniform, training=True):
    return x * (uniform >= rate) / (1 - rate) if training else x


def looped(x, rate, uniform, training=True):
    out = np.array(x, dtype=float)
    if training:
        for place in np.ndindex(out.shape):
            out[place] = out[place] / (1 - rate) if uniform[place] >= rate else 0.0
    return out.tolist()


@pytest.mark.parametrize("right", [masked, looped])
def test_dropout_in_other_forms_passes(reg, right):
    result = run(reg, "reg-dropout", dropout_forward=right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda x, r, u, training=True: np.where(u >= r, x, 0), "dropout with rate 0.2"),
        (lambda x, r, u, training=True: np.where(u < r, x / (1 - r), 0), "dropout with rate 0.2"),
        (lambda x, r, u, training=True: np.where(u >= r, x / r, 0), "dropout with rate 0.2"),
        (lambda x, r, u, training=True: np.where(u >= r, x / (1 - r), 0), "training=False"),
        (
            lambda x, r, u, training=True: (
                np.where(u >= r, x / (1 - r), 0) if training else x * (1 - r)
            ),
            "training=False",
        ),
        (
            lambda x, r, u, training=True: np.where(u > r, x / (1 - r), 0) if training else x,
            "dropout with rate 0.2",
        ),
        (
            lambda x, r, u, training=True: (
                np.where(u >= r, x / (1 - r), 0).ravel()[None] if training else x
            ),
            "shape",
        ),
        (
            lambda x, r, u, training=True: np.zeros_like(x) if training else x,
            "dropout with rate 0.2",
        ),
    ],
)
def test_a_wrong_dropout_is_told_what_is_wrong(reg, wrong, words):
    assert_wrong(run(reg, "reg-dropout", dropout_forward=wrong), words)


# ------------------------------------------------------------------ reg-penalty


def with_norms(kernels, factor):
    total = 0.0
    for kernel in kernels:
        total += float(np.linalg.norm(kernel)) ** 2
    return factor * total, tuple(kernel * factor * 2 for kernel in kernels)


def test_a_penalty_from_norms_passes(reg):
    result = run(reg, "reg-penalty", l2_penalty=with_norms)
    assert result.passed and result.hidden, result


def gradients(kernels, factor):
    return [2 * factor * k for k in kernels]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda ks, f: (f / 2 * sum((k**2).sum() for k in ks), gradients(ks, f)), "penalty"),
        (lambda ks, f: (f * sum((k**2).mean() for k in ks), gradients(ks, f)), "penalty"),
        (lambda ks, f: (f * sum(abs(k).sum() for k in ks), gradients(ks, f)), "penalty"),
        (lambda ks, f: (f * (ks[0] ** 2).sum(), gradients(ks, f)), "penalty"),
        (
            lambda ks, f: (f * sum((k**2).sum() for k in ks), [f * k for k in ks]),
            "gradient",
        ),
        (
            lambda ks, f: (f * sum((k**2).sum() for k in ks), [2 * f * k.ravel() for k in ks]),
            "shape",
        ),
        (lambda ks, f: (0.01 * sum((k**2).sum() for k in ks), gradients(ks, 0.01)), "factor"),
    ],
)
def test_a_wrong_penalty_is_told_what_is_wrong(reg, wrong, words):
    assert_wrong(run(reg, "reg-penalty", l2_penalty=wrong), words)


# ------------------------------------------------------------------ reg-rule


def counted(losses, val_losses, epochs=3):
    running = 0
    for k in range(1, len(losses)):
        both = losses[k] < losses[k - 1] and val_losses[k] > val_losses[k - 1]
        running = running + 1 if both else 0
    return running >= epochs


def sliced(losses, val_losses, epochs=3):
    if len(losses) < epochs + 1:
        return 0
    a, b = losses[-(epochs + 1) :], val_losses[-(epochs + 1) :]
    return np.bool_(all(x > y for x, y in itertools.pairwise(a)) and sorted(set(b)) == b)


@pytest.mark.parametrize("right", [counted, sliced])
def test_the_rule_in_other_forms_passes(reg, right):
    result = run(reg, "reg-rule", should_stop=right)
    assert result.passed and result.hidden, result


def only_validation(losses, val_losses, epochs=3):
    return len(losses) > epochs and bool(np.all(np.diff(val_losses[-epochs - 1 :]) > 0))


def ever(losses, val_losses, epochs=3):
    return any(counted(losses[:k], val_losses[:k], epochs) for k in range(len(losses) + 1))


def one_short(losses, val_losses, epochs=3):
    return len(losses) >= epochs and counted(losses, val_losses, epochs - 1)


def no_less(losses, val_losses, epochs=3):
    steps = np.diff(val_losses[-epochs - 1 :]) >= 0
    return len(losses) > epochs and bool(np.all(steps & (np.diff(losses[-epochs - 1 :]) < 0)))


def ends_only(losses, val_losses, epochs=3):
    return len(losses) > epochs and val_losses[-1] > val_losses[-1 - epochs]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (only_validation, "training loss rises once"),
        (ever, "followed by a fall"),
        (one_short, "two rises"),
        (no_less, "equal"),
        (ends_only, "interrupted"),
        (lambda a, b, epochs=3: counted(a, b, 3), "epochs=1"),
        (lambda a, b, epochs=3: False, "three rises"),
    ],
)
def test_a_wrong_rule_is_told_on_which_history(reg, wrong, words):
    assert_wrong(run(reg, "reg-rule", should_stop=wrong), words)


# ------------------------------------------------------------------ reg-callback

COUNTING = """
class StopOnRise(keras.callbacks.Callback):
    def __init__(self, epochs=3):
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs=None):
        self.before, self.running = None, 0

    def on_epoch_end(self, epoch, logs=None):
        now = logs["loss"], logs["val_loss"]
        if self.before is not None:
            both = now[0] < self.before[0] and now[1] > self.before[1]
            self.running = self.running + 1 if both else 0
        self.before = now
        if self.running >= self.epochs:
            self.model.stop_training = True
"""


def test_a_callback_that_counts_passes(reg):
    result = run(reg, "reg-callback", COUNTING)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("self.model.stop_training = True", "return True", "three rises"),
        ("self.before, self.running = None, 0", "pass", "before"),
        ("self.running + 1 if both else 0", "self.running + both", "interrupted"),
        (">= self.epochs", ">= 3", "epochs=2"),
        (">= self.epochs", "> self.epochs", "three rises"),
        ("now[0] < self.before[0] and ", "", ""),
        ("now[1] > self.before[1]", "now[1] != self.before[1]", "without a rise"),
    ],
)
def test_a_wrong_callback_is_told_what_is_wrong(reg, old, new, words):
    assert old in COUNTING
    result = run(reg, "reg-callback", COUNTING.replace(old, new))
    if words == "before":  # the student's own AttributeError
        assert result.status == checks.ERROR and "before" in result.message
    elif words:
        assert_wrong(result, words)


def test_losses_kept_from_an_earlier_training_are_found(reg):
    kept = COUNTING.replace("self.before, self.running = None, 0", "pass").replace(
        "self.epochs = epochs", "self.epochs, self.before, self.running = epochs, None, 0"
    )
    assert_wrong(run(reg, "reg-callback", kept), "earlier training")
