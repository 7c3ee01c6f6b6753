"""A restored checkpoint whose record does not fit its weights is told, and honest ones are not."""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from convcourse import recorded, training

RNG = np.random.default_rng(7)
X = RNG.normal(size=(1_200, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("int64") + (X[:, 1] > 0)
NOTE, WEIGHTS = Path("checkpoints/net.json"), Path("checkpoints/net.weights.h5")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_PROFILE", "offline")
    monkeypatch.setattr(recorded, "_doubts", [])


def network(*inside, metrics=("accuracy",), loss="sparse_categorical_crossentropy"):
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Input((6,)), *(one() for one in inside)]
    layers += [keras.layers.Dense(16, "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(layers)
    adam = keras.optimizers.Adam(0.05)
    model.compile(adam, loss, metrics=list(metrics), run_eagerly=True)  # quicker for a few steps
    return model


def forge(history=None, weights=None) -> None:
    """Write weights or figures into the checkpoint, as somebody who forges it does."""
    note = json.loads(NOTE.read_text())
    if weights:
        weights.save_weights(WEIGHTS)
        note["weights"] = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    note["history"] |= history or {}
    NOTE.write_text(json.dumps(note))


def untrained(*inside):
    other = network(*inside)
    other.optimizer.build(other.trainable_variables)
    other.compute_metrics(None, Y[:1], np.zeros((1, 3), "float32"))
    return other


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, at):
        return X[at * 200 : at * 200 + 200], Y[at * 200 : at * 200 + 200]

    def __repr__(self):
        return type(self).__name__


SETTINGS = {
    "a split": {"validation_split": 0.25},
    "validation images": {"validation_data": (X[:600], Y[:600])},
    "validation batches": {"validation_data": Batches()},
    "no validation": {},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_an_honest_checkpoint_is_restored_without_a_word_and_other_weights_are_told(
    settings, capsys
):
    training.fit(network(), "net", X, Y, epochs=4, batch_size=200, **settings)
    training.fit(network(), "net", X, Y, epochs=4, batch_size=200, **settings)
    assert "Loaded" in capsys.readouterr().out and not recorded.doubts()
    forge({}, untrained())
    history = training.fit(
        model := network(), "net", X, Y, epochs=4, batch_size=200, **settings
    ).history
    (doubt,) = recorded.doubts()
    assert doubt.name == "net" and "records" in doubt.words
    said = capsys.readouterr().out
    assert "Loaded" in said and doubt.words in said and "does not fit these weights" in said
    assert history == json.loads(NOTE.read_text())["history"]  # nothing is refused
    assert np.array_equal(model.get_weights()[0], untrained().get_weights()[0])


@pytest.mark.parametrize(
    "history",
    [
        {"val_accuracy": [0.2, 0.3, 0.99999]},
        {"val_accuracy": [0.99, 0.99, 0.2]},
        {"val_loss": [1.0, 1.0, 4.0]},
        {"val_accuracy": [0.5, 0.5, float("nan")]},
        {"val_accuracy": "none", "val_loss": None},
        {"val_accuracy": [], "val_loss": []},
    ],
)
def test_figures_that_the_weights_do_not_have_are_told(history):
    settings = {"epochs": 3, "validation_split": 0.25, "batch_size": 400}
    training.fit(network(), "net", X, Y, **settings)
    forge(history)
    training.fit(network(), "net", X, Y, **settings)
    assert len(recorded.doubts()) == 1


def test_the_weights_of_the_best_epoch_fit_a_record_that_ends_worse():
    def stop():
        return keras.callbacks.EarlyStopping(patience=9, restore_best_weights=True)

    settings = {"validation_data": (X[:600], (Y[:600] + 1) % 3), "epochs": 6, "batch_size": 100}
    made = training.fit(network(), "net", X, Y, callbacks=[stop()], **settings).history
    assert max(made["val_loss"]) > 2 * min(made["val_loss"])
    training.fit(network(), "net", X, Y, callbacks=[stop()], **settings)
    assert not recorded.doubts()


@pytest.mark.parametrize(
    "inside",
    [
        [lambda: keras.layers.Dropout(0.8)],
        [lambda: keras.layers.GaussianNoise(1.0)],
        [keras.layers.BatchNormalization],
        [lambda: keras.layers.Dense(40, kernel_regularizer="l2", activity_regularizer="l2")],
    ],
    ids=["dropout", "noise", "batch norm", "penalties"],
)
@pytest.mark.parametrize("settings", [{}, {"validation_split": 0.25}], ids=["alone", "validated"])
def test_layers_that_train_otherwise_than_they_evaluate_raise_no_doubt(inside, settings):
    for _ in range(2):
        training.fit(network(*inside), "net", X, Y, epochs=2, batch_size=200, **settings)
    assert not recorded.doubts()


@pytest.mark.parametrize(
    ("settings", "compiled"),
    [
        ({"validation_split": 0.25, "validation_steps": 1}, {}),
        ({"validation_split": 0.25, "validation_freq": 2}, {}),
        ({"validation_data": (X[:90], Y[:90], np.ones(90))}, {}),
        ({"validation_data": (X[:9], Y[:9])}, {"metrics": ["acc"]}),
        ({"validation_split": 0.25}, {"metrics": []}),
        ({"class_weight": {0: 1.0, 1: 90.0, 2: 1.0}}, {}),
        ({"sample_weight": np.linspace(0, 9, len(X))}, {}),
    ],
)
def test_unusual_settings_raise_no_doubt(settings, compiled):
    for _ in range(2):
        training.fit(network(**compiled), "net", X, Y, epochs=2, batch_size=200, **settings)
    assert not recorded.doubts()


def test_a_training_that_diverged_raises_no_doubt():
    for _ in range(2):
        model = network()
        model.compile(keras.optimizers.SGD(1e30), model.loss, metrics=["accuracy"])
        training.fit(model, "net", X, Y, epochs=2, validation_split=0.25)
    assert not recorded.doubts()


def test_averaged_weights_have_no_epoch_of_their_own():
    for _ in range(2):
        model = network()
        average = keras.optimizers.Adam(0.5, use_ema=True, ema_momentum=0.999)
        model.compile(average, model.loss, metrics=["accuracy"])
        training.fit(model, "net", X, Y, epochs=2, validation_split=0.25)
    assert not recorded.doubts()


def test_batches_alone_are_compared_unless_each_has_one_class():
    for _ in range(2):
        training.fit(network(), "net", Batches(), None, epochs=6)
    assert not recorded.doubts()
    forge({}, untrained())
    training.fit(network(), "net", Batches(), None, epochs=6)
    assert len(recorded.doubts()) == 1

    class InOrder(Batches):
        def __getitem__(self, at):
            rows = np.argsort(Y, kind="stable")[at * 200 : at * 200 + 200]
            return X[rows], Y[rows]

    for _ in range(2):
        training.fit(network(), "ordered", InOrder(), None, epochs=1)
    assert len(recorded.doubts()) == 1


def test_a_larger_network_is_tried_on_fewer_images():
    small, large = network(), keras.applications.VGG16(weights=None, include_top=False)
    assert recorded._multiplications(small) == 6 * 16 + 16 * 3
    assert recorded._multiplications(large) > 10**8


def test_a_doubt_belongs_to_the_next_check():
    recorded._doubts += [recorded.Doubt("a", "w")]
    recorded.passed_by("first")
    recorded._doubts += [recorded.Doubt("b", "w")]
    recorded.passed_by("second")
    recorded._doubts += [recorded.Doubt("c", "w")]
    assert [one.place for one in recorded.doubts()] == ["first", "second", ""]
