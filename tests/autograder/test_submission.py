"""What the judge reckons itself agrees with what Keras tells an honest student."""

import keras
import numpy as np
import pytest

from autograder import submission

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
