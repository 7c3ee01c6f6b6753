"""A network among the arguments of a request arrives as it was."""

import keras
import numpy as np
import pytest

from convcourse.wire import export, standins

pytestmark = pytest.mark.unit


def crossed(model):
    tree, arrays = export.to_plain(standins.pack([model]))
    return standins.unpack(export.from_plain(*export.loads(export.dumps(tree, arrays))))[0]


def network():
    base = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization()],
        name="base",
    )
    return keras.Sequential([base, keras.layers.Flatten(), keras.layers.Dense(3, "softmax")])


@pytest.mark.parametrize("frozen", ["", "base", "all", "one layer"])
def test_weights_and_frozen_layers_arrive(frozen):
    model = network()
    model.layers[0].trainable = frozen != "base"
    if frozen == "all":
        model.trainable = False
    if frozen == "one layer":
        model.layers[0].layers[0].trainable = False
    same = crossed(model)
    x = np.random.default_rng(1).random((2, 4, 4, 1))
    np.testing.assert_allclose(same(x), model(x), rtol=1e-5)
    assert len(same.trainable_weights) == len(model.trainable_weights)
    same.trainable = False
    same.trainable = True
    assert len(same.trainable_weights) == 6 and not same.compiled


def test_compile_settings_arrive():
    model = network()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    same = crossed(model)
    assert type(same.optimizer).__name__ == "SGD"
    same.fit(np.zeros((4, 4, 4, 1)), np.zeros(4), verbose=0)
