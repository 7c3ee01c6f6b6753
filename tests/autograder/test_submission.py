"""What the judge reckons itself agrees with what Keras tells an honest student."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from autograder import submission
from autograder.judge import heldout, source
from convcourse import checks, training
from convcourse.wire.answers import Namespace

pytestmark = pytest.mark.kernel

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(400, 5)).astype(np.float32), RNG.integers(0, 5, 400)


def sure_network(scale: float, ending: str) -> keras.Model:
    """A network that is sure of itself, the more the larger the scale, and mostly wrong."""
    last = [keras.layers.Dense(5, "softmax", name="last")]
    if ending == "layer":
        last = [keras.layers.Dense(5, name="last"), keras.layers.Softmax()]
    net = keras.Sequential([keras.layers.Input((5,)), *last])
    net.get_layer("last").set_weights([np.eye(5) * scale, np.zeros(5)])
    net.compile("adam", "sparse_categorical_crossentropy")
    return net


@pytest.mark.parametrize("ending", ["activation", "layer"])
@pytest.mark.parametrize("scale", [0.5, 8.0, 30.0])  # at 30, some chances are no floats any more
def test_the_loss_that_keras_tells_is_taken(scale, ending):
    net = sure_network(scale, ending)
    told, chances = net.evaluate(X, Y, verbose=0), net.predict(X, verbose=0)
    assert submission.is_cross_entropy(told, chances, Y[:, None])
    assert submission.is_cross_entropy(np.float32(told), chances, Y)
    for wrong in (told * 0.9, told / 400, -told, np.nan, np.inf):
        assert not submission.is_cross_entropy(wrong, chances, Y)


def test_another_loss_is_not_taken():
    net = sure_network(3.0, "activation")
    chances = net.predict(X, verbose=0)
    told = net.evaluate(X[:100], Y[:100], verbose=0)
    assert not submission.is_cross_entropy(told, chances, Y)
    assert not submission.is_cross_entropy(1.05 * net.evaluate(X, Y, verbose=0), chances, Y)


@pytest.mark.parametrize("ending", ["activation", "layer"])
@pytest.mark.parametrize("images", [1, 7, 400])
def test_the_judge_predicts_what_keras_predicts(ending, images):
    net = sure_network(1.0, ending)
    for x in (X[:images], np.float64(X[:images])):
        got = submission.predict(net, x)
        assert np.allclose(got, net.predict(X[:images], verbose=0), atol=1e-6), (ending, x.dtype)


def test_a_network_is_taken_in_once_and_its_weights_are_those_of_the_moment():
    class Counting(keras.layers.Layer):
        calls = 0

        def call(self, x):
            Counting.calls += 1
            return x

    net = keras.Sequential([keras.layers.Input((5,)), Counting(), keras.layers.Dense(5)])
    Counting.calls = 0
    before = [submission.predict(net, X[:n]) for n in (1, 300, 400)]
    assert Counting.calls == 1 and [len(rows) for rows in before] == [1, 300, 400]
    net.set_weights([2 * w for w in net.get_weights()])
    assert np.allclose(submission.predict(net, X), 2 * before[-1], atol=1e-5)


def test_a_network_of_two_outputs_is_wrong_in_words():
    inputs = keras.Input((5,))
    heads = [keras.layers.Dense(5)(inputs), keras.layers.Dense(5)(inputs)]
    with pytest.raises(checks.Wrong, match="more than one output"):
        submission.accuracy(keras.Model(inputs, heads), X, Y)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "offline")
    monkeypatch.setattr(heldout, "_kept_in", tmp_path)
    return tmp_path


def test_held_out_images_are_drawn_once_for_a_run_and_are_those_of_their_seed(kept, monkeypatch):
    drawn = []
    draw = heldout._drawn
    monkeypatch.setattr(heldout, "_drawn", lambda *a: drawn.append(a) or draw(*a))
    first = [submission.heldout(30), submission.heldout(20), submission.heldout(30, "cifar100")]
    again = [submission.heldout(30), submission.heldout(20), submission.heldout(30, "cifar100")]
    assert len(drawn) == 3 and len(list(kept.iterdir())) == 3
    for (x, y), (same, labels) in zip(first, again, strict=True):
        assert np.array_equal(x, same) and np.array_equal(y, labels) and x.dtype == same.dtype
    table = heldout.course.load()
    seeded = replace(table, heldout_seed=table.heldout_seed + 1)
    monkeypatch.setattr(heldout.course, "load", lambda: seeded)
    assert not np.array_equal(submission.heldout(30)[0], first[0][0])


def test_a_folder_that_takes_nothing_costs_time_and_no_verdict(kept, monkeypatch):
    (kept / "file").touch()
    monkeypatch.setattr(heldout, "_kept_in", kept / "file")
    x, y = submission.heldout(10)
    assert x.shape == (10, 32, 32, 3) and y.shape == (10,)


@pytest.fixture
def notebook(monkeypatch):
    """A notebook that trains on its own images and keeps records of trainings."""
    names = {"x_train": X[:8], "y_train": Y[:8], "training": training}
    code = """
def train(model, name):
    return training.fit(model, name, x_train, y_train)

def longest(records):
    return max(records, key=lambda name: records[name].seconds), records["a"].history["loss"]
"""
    exec(code, names)
    monkeypatch.setattr(source, "_source", Namespace(names))
    return names


def test_given_values_stand_for_the_notebooks_own_during_a_training(notebook):
    given = {"x_train": X[:4] + 1, "y_train": Y[4:8], "x_more": X}
    told = submission.trainings("train", sure_network(1.0, "activation"), "mine", given=given)
    one = submission.only(told, "train")
    assert np.array_equal(one.x, given["x_train"]) and np.array_equal(one.y, given["y_train"])
    assert np.array_equal(notebook["x_train"], X[:8]) and "x_more" not in notebook
    own = submission.trainings("train", sure_network(1.0, "activation"), "mine")
    assert np.array_equal(submission.only(own, "train").x, X[:8])


def test_given_values_are_taken_back_after_an_error(notebook):
    with pytest.raises(checks.StudentError):
        submission.trainings("train", None, "mine", given={"x_train": X[:4]})
    assert np.array_equal(notebook["x_train"], X[:8])


def test_records_of_trainings_are_given_as_fit_returns_them(notebook):
    records = {"a": submission.History({"loss": [0.5]}, [0], 1.5)}
    records["b"] = submission.History({}, [], 2.5)
    assert submission.call("longest", records) == ("b", [0.5])
