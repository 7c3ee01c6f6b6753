"""A training is kept, found again, and never half written."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from convcourse import training
from convcourse.checkpoints import digest_of
from convcourse.wire import tracing

# Keras asks its variables for an array in NumPy 1's way.
RNG = np.random.default_rng(0)
X, Y = RNG.random((60, 4), dtype="float32"), RNG.integers(0, 3, 60)


def network(units=8, rate=0.01):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_PROFILE", "offline")


def fit(model=None, x=X, **settings):
    return training.fit(model or network(), "net", x, Y, **{"epochs": 2, **settings})


def test_the_second_call_loads_the_same_weights_and_history(capsys):
    first, model = fit(), network()
    again = training.fit(model, "net", X, Y, epochs=2)
    assert again.history == first.history and again.epoch == [0, 1]
    assert "Loaded" in capsys.readouterr().out
    fresh = network()
    fresh.optimizer.build(fresh.trainable_variables)
    fresh.load_weights("checkpoints/net.weights.h5")
    assert np.array_equal(model.get_weights()[0], fresh.get_weights()[0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: fit(network(units=9)), "architecture"),
        (lambda: fit(network(rate=0.1)), "compile settings"),
        (lambda: fit(epochs=3), "fit settings"),
        (lambda: fit(x=X + 1), "data"),
    ],
)
def test_any_change_trains_again_and_says_what_changed(change, words, capsys):
    fit()
    change()
    assert f"again: changed: {words}" in capsys.readouterr().out


def nested(skip=False):
    keras.utils.set_random_seed(1)
    inputs = x = keras.Input((4,))
    for _ in range(2):
        y = keras.layers.Dense(4, activation="relu")(x)
        x = keras.layers.Add()([y, inputs if skip else x])
    base = keras.Model(inputs, x)
    model = keras.Sequential([keras.layers.Input((4,)), base, keras.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_a_network_within_a_network_is_known_again_and_its_connections_count(capsys):
    fit(nested())
    fit(nested())
    assert "Loaded" in capsys.readouterr().out
    fit(nested(skip=True))
    assert "again: changed: architecture" in capsys.readouterr().out


def with_functions(step=2, behind=1, factor=(1.0, 2.0), function=None):
    """A network with functions between its layers, as the shortcut of a residual block has them."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    x = inputs[:, ::step] * np.float32(np.resize(factor, 4 // step))
    x = keras.ops.pad(x, ((0, 0), (0, behind)))
    x = x if function is None else keras.ops.map(function, x)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_functions_between_layers_are_known_again_without_a_trace(capsys, monkeypatch):
    monkeypatch.setattr(tracing, "trace", None)
    fit(with_functions())
    fit(with_functions())
    assert "Loaded" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [{"step": 1}, {"behind": 2}, {"factor": (1.0, 3.0)}, {"function": lambda row: row * 2}],
)
def test_another_function_between_layers_trains_again(change, capsys):
    fit(with_functions())
    fit(with_functions(**change))
    assert "again: changed: architecture" in capsys.readouterr().out


def test_what_keras_writes_down_by_its_name_alone_is_told_apart(capsys):
    def twice(row):
        return row * 2

    def thrice(row):
        return row * 3

    thrice.__name__, thrice.__qualname__ = twice.__name__, twice.__qualname__
    fit(with_functions(function=twice))
    fit(with_functions(function=thrice))
    assert "again: changed: architecture" in capsys.readouterr().out


def test_another_profile_trains_again(monkeypatch, capsys):
    fit()
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    fit()
    assert "profile" in capsys.readouterr().out


def test_a_cut_weights_file_is_not_loaded(capsys):
    fit()
    with open("checkpoints/net.weights.h5", "r+b") as file:
        file.truncate(100)
    fit()
    assert "not written to the end" in capsys.readouterr().out


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from test_training import network, training, X, Y
os.replace = lambda *a: os.kill(os.getpid(), signal.SIGKILL)
training.fit(network(), "net", X, Y, epochs=3)
"""


def test_killed_while_writing_leaves_the_last_good_checkpoint(capsys):
    fit()
    code = KILLED.format(tests=os.path.dirname(__file__))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr.decode()[-500:]
    capsys.readouterr()
    fit()
    assert "Loaded" in capsys.readouterr().out


def test_a_training_without_a_name_is_told_so():
    with pytest.raises(TypeError, match="The name is missing"):
        training.fit(network(), X, Y, epochs=1)


def test_an_uncompiled_network_is_told_to_compile():
    with pytest.raises(ValueError, match="compile"):
        training.fit(keras.Sequential([keras.layers.Dense(1)]), "net", X, Y)


def test_the_ladder_starts_near_log_classes_and_memorizes():
    model = network(units=64, rate=0.02)
    before = model.get_weights()[0].copy()
    assert abs(training.first_loss(model, X, Y) - np.log(3)) < 0.3
    assert training.overfits(model, X, Y, images=10, epochs=200) > 0.9
    assert np.array_equal(model.get_weights()[0], before)


def test_what_was_memorized_is_not_trained_again_and_what_was_not_is(capsys, monkeypatch):
    trained = []
    once = keras.Sequential.fit
    monkeypatch.setattr(keras.Sequential, "fit", lambda *a, **k: trained.append(1) or once(*a, **k))
    for rate, images in ((0.02, 10), (0.02, 10), (0.021, 10), (0.02, 9), (1e-9, 10), (1e-9, 10)):
        most = 200 if rate > 0.01 else 2
        known = training.overfits(network(64, rate), X, Y, images=images, epochs=most)
        assert (known == 1) == (rate > 0.01)
    assert len(trained) == 5 and capsys.readouterr().out.count("Memorized before") == 1
    Path("checkpoints", "memorized.json").write_text("{")
    assert training.overfits(network(64, 0.02), X, Y, images=10, epochs=200) == 1
    assert len(trained) == 6 and not list(Path("checkpoints").glob(".writing*"))


def test_memorizing_is_told_by_the_first_accuracy_alone():
    model = network(units=64, rate=0.02)
    top = keras.metrics.SparseTopKCategoricalAccuracy(3, name="top_accuracy")  # of three classes
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy", top])
    assert training.overfits(model, X, Y, images=60, epochs=1) < 1


def test_another_callback_trains_again(capsys):
    for patience, trains in ((1, True), (1, False), (2, True)):
        fit(callbacks=[keras.callbacks.EarlyStopping(monitor="loss", patience=patience)])
        assert ("Trained" in capsys.readouterr().out) == trains


class Counting(keras.Sequential):
    """A network that counts how often TensorFlow traces its training step."""

    traced = 0

    def train_step(self, data):
        self.traced += 1
        return super().train_step(data)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, step):
        return X[step * 20 : step * 20 + 20], Y[step * 20 : step * 20 + 20]

    def __repr__(self):
        return "three batches"


@pytest.mark.parametrize("data", [(X, Y), (X, Y[:, None]), (Batches(), None)])
def test_a_training_step_is_traced_once(data):
    model = Counting([keras.layers.Input((4,)), *network().layers])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    made = training.fit(model, "net", *data, epochs=2)
    assert model.traced == 1 and len(made.history["accuracy"]) == 2


def test_the_first_figures_are_those_of_evaluate_and_trace_its_step_once():
    class Evaluated(keras.Sequential):
        traced = 0

        def test_step(self, data):
            self.traced += 1
            return super().test_step(data)

    model = Evaluated([keras.layers.Input((4,)), *network().layers])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    figures = training.first_figures(model, X, Y)
    assert model.traced == 1
    assert figures == pytest.approx(model.evaluate(X, Y, verbose=0, return_dict=True))
    assert training.first_loss(model, X, Y) == figures["loss"]
    bare = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, "softmax")])
    bare.compile("adam", "sparse_categorical_crossentropy")
    assert list(training.first_figures(bare, X, Y)) == ["loss"]


def test_labels_that_do_not_fit_are_told_by_keras_before_any_training():
    with pytest.raises(ValueError, match="shape"):
        training.first_figures(network(), X, np.zeros((60, 5, 2)))


def test_equal_data_is_known_whatever_its_layout_and_kind_in_memory():
    wide = np.asfortranarray(X)
    assert digest_of(wide) == digest_of(X) != digest_of(X[:-1])
    assert digest_of(np.array(["a", None], object)) is not None
    assert digest_of(np.zeros((0, 3))) != digest_of(np.zeros((3, 0)))


def test_a_network_without_an_input_layer_is_loaded_too(capsys):
    made = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.layers.Dense(3, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        made.append((fit(model).history, model.get_weights()[0]))
    assert "Loaded" in capsys.readouterr().out
    assert made[0][0] == made[1][0] and np.array_equal(made[0][1], made[1][1])


def test_what_a_pipeline_holds_is_not_known_so_it_trains_again(capsys):
    for labels in (Y, 2 - Y):
        data = tf.data.Dataset.from_tensor_slices((X, labels)).batch(20)
        training.fit(network(), "net", data, None, epochs=1, shuffle=False)
    assert "again: changed: data" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras counts the first epoch
def test_a_pipeline_that_does_not_know_its_length_trains():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(20).filter(lambda x, y: True)
    assert training.fit(network(), "net", data, epochs=2, shuffle=False).epoch == [0, 1]


def test_labels_that_do_not_fit_are_told_by_keras():
    with pytest.raises(ValueError, match="shape"):
        training.fit(network(), "net", X, np.zeros((60, 5, 2)), epochs=1)


@pytest.mark.parametrize("metric", ["acc", "sparse_categorical_accuracy", "accuracy"])
def test_the_accuracy_has_one_name_in_the_history_however_the_metric_was_written(metric):
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=[metric])
    history = fit(model, validation_split=0.2).history
    assert sorted(history) == ["accuracy", "loss", "val_accuracy", "val_loss"]


def test_nothing_to_train_on_is_said_in_a_sentence():
    with pytest.raises(ValueError, match="nothing to train on"):
        training.fit(network(), "net", X[:0], Y[:0], epochs=1)
