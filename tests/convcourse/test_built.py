"""Whether a new network can learn: gradients reach its kernels, and its filters are not alike."""

import keras
import pytest

from convcourse import built
from convcourse.outcomes import Wrong

layers = keras.layers


class Stop(layers.Layer):
    def call(self, x):
        return keras.ops.stop_gradient(x)


def network(*middle, **settings) -> keras.Model:
    parts = [layers.Input((8, 8, 3)), layers.Conv2D(4, 3, activation="relu", **settings), *middle]
    return keras.Sequential([*parts, layers.Flatten(), layers.Dense(3, "softmax")])


def residual() -> keras.Model:
    """A block whose last convolution begins at zero, as some train residual networks."""
    inputs = layers.Input((8, 8, 4))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(4, 3, padding="same", kernel_initializer="zeros")(x)
    x = layers.Flatten()(layers.Add()([x, inputs]))
    return keras.Model(inputs, layers.Dense(3, "softmax")(x))


@pytest.mark.parametrize(
    "made",
    [
        network,
        lambda: network(layers.BatchNormalization(), layers.Dropout(0.5)),
        lambda: network(bias_initializer="ones"),
        lambda: network(kernel_initializer="he_normal"),
        lambda: network(layers.Conv2D(1, 1)),
        residual,
    ],
)
def test_a_network_that_can_learn_passes(made):
    built.can_learn(made())


def test_a_network_whose_weights_are_frozen_on_purpose_is_not_asked_about_them():
    frozen = network(kernel_initializer="zeros")
    frozen.layers[0].trainable = False
    built.can_learn(frozen)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: network(Stop()), "No gradient reaches the layer 'conv"),
        (lambda: network(kernel_initializer="zeros"), "begins with equal weights"),
        (lambda: network(kernel_initializer="ones"), "begins with equal weights"),
        (lambda: network(layers.Dense(4, "relu", kernel_initializer="zeros")), "equal weights"),
    ],
)
def test_a_network_that_cannot_learn_is_named(made, words):
    with pytest.raises(Wrong, match=words):
        built.can_learn(made())


def test_weights_without_a_layer_of_their_own_are_named_too():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.matrix = self.add_weight(shape=(3072, 10), initializer="ones", name="matrix")

        def call(self, x):
            return keras.ops.reshape(x, (-1, 3072)) @ self.matrix

    with pytest.raises(Wrong, match="begins with equal weights"):
        built.can_learn(Own())


def test_a_network_without_gradients_is_left_to_other_checks():
    inputs = [layers.Input((4,)), layers.Input((4,))]
    built.can_learn(keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(inputs))))
