"""How many multiplications a network performs, in whatever way it was written."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from autograder import submission
from convcourse import checks, costs

L = keras.layers


def chain(*layers, shape=(8, 6, 3)):
    return keras.Sequential([L.Input(shape), *layers])


@pytest.mark.parametrize(
    ("layers", "wanted"),
    [
        ([L.Conv2D(4, 3)], 6 * 4 * 4 * 27),
        ([L.Conv2D(4, 3, strides=2, padding="same", use_bias=False)], 4 * 3 * 4 * 27),
        ([L.Conv2D(6, (1, 5), groups=3)], 8 * 2 * 6 * 5),
        ([L.DepthwiseConv2D(3, depth_multiplier=2)], 6 * 4 * 6 * 9),
        ([L.SeparableConv2D(5, 3)], 6 * 4 * (3 * 9 + 5 * 3)),
        ([L.Flatten(), L.Dense(7, activation="relu")], 144 * 7),
        ([L.Dense(7)], 8 * 6 * 3 * 7),
        ([L.Rescaling(2.0)], 144),
        ([L.ReLU(), L.MaxPooling2D(), L.Dropout(0.5), L.Flatten()], 0),
    ],
)
def test_the_multiplications_of_layers_are_those_of_the_formulas(layers, wanted):
    assert costs.multiplications(chain(*layers)) == wanted


def test_a_batch_normalization_costs_little_beside_a_convolution():
    plain, normalized = chain(L.Conv2D(4, 3)), chain(L.Conv2D(4, 3), L.BatchNormalization())
    more = costs.multiplications(normalized) - costs.multiplications(plain)
    assert 0 < more <= 3 * 6 * 4 * 4


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.kernel = self.add_weight(shape=(3, 3, 3, 4))
        self.matrix = self.add_weight(shape=(4, 5))

    @tf.function
    def call(self, x):
        x = tf.nn.conv2d(x, self.kernel, 1, "VALID")
        return tf.matmul(self.matrix, tf.reduce_mean(x, (1, 2)), transpose_a=True, transpose_b=True)


def test_functions_and_compiled_functions_are_counted():
    inputs = keras.Input((8, 6, 3))
    outputs = keras.ops.matmul(keras.ops.mean(inputs, axis=(1, 2)), np.ones((3, 5), "float32"))
    assert costs.multiplications(keras.Model(inputs, outputs)) == 15
    own = Own()
    own(np.zeros((2, 8, 6, 3), "float32"))
    assert costs.multiplications(own) == 6 * 4 * 4 * 27 + 20


def test_a_product_spelled_element_by_element_is_counted():
    inputs = keras.Input((8, 6, 3))
    wide = keras.ops.expand_dims(inputs, -1) * np.ones((3, 7), "float32")
    network = keras.Model(inputs, keras.ops.sum(wide, axis=3))
    assert costs.multiplications(network) == 8 * 6 * 3 * 7


def test_what_cannot_be_counted_is_said():
    inputs = keras.Input((8, 6, 3))
    network = keras.Model(inputs, keras.ops.einsum("nhwc,nhwd->ncd", inputs, inputs))
    with pytest.raises(ValueError, match="einsum cannot be counted"):
        costs.multiplications(network)
    with pytest.raises(checks.CheckFailed, match="einsum"):
        submission.multiplications(network)
    with pytest.raises(ValueError, match="Conv2DBackpropInput cannot be counted"):
        costs.multiplications(chain(L.Conv2DTranspose(2, 3)))
    with pytest.raises(ValueError, match="one input of known size"):
        costs.multiplications(chain(L.Conv2D(2, 1), shape=(None, None, 3)))
