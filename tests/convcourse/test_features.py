"""Features of a layer: taken in batches, mapped, and probed."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from convcourse import features

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def model():
    return keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(3, activation="relu", name="hidden"),
            keras.layers.Dense(2, name="end"),
        ]
    )


def blobs(images: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(images) % 3
    return np.eye(3)[labels] * 4 + RNG.normal(size=(images, 3)), labels


def test_activations_are_what_the_layer_computes(model):
    x = RNG.normal(size=(10, 4)).astype("float32")
    kernel, bias = model.get_layer("hidden").get_weights()
    got = features.activations(model, "hidden", x, batch_size=3)
    np.testing.assert_allclose(got, np.maximum(x @ kernel + bias, 0), atol=1e-5)
    np.testing.assert_array_equal(got, features.activations(model, model.layers[0], x))


def test_activations_follow_the_weights_and_keep_no_network_alive(model):
    copy, x = keras.models.clone_model(model), np.ones((2, 4), "float32")
    before = features.activations(copy, "hidden", x)
    copy.set_weights([np.ones_like(w) for w in copy.get_weights()])
    assert not np.array_equal(before, features.activations(copy, "hidden", x))
    assert np.all(features.activations(copy, "hidden", x) == 5)
    there = weakref.ref(copy)
    del copy
    gc.collect()
    assert there() is None


def test_an_unknown_layer_is_answered_with_the_known_ones(model):
    with pytest.raises(ValueError, match="hidden, end"):
        features.activations(model, "fc1", np.zeros((1, 4), "float32"))


L = keras.layers


def functional(*behind):
    inputs = keras.Input((8, 8, 3))
    x = L.Conv2D(4, 3, strides=2)(inputs)
    for layer in behind:
        x = layer(x)
    return keras.Model(inputs, x)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = L.Conv2D(4, 3, strides=2), L.BatchNormalization()
        self.pool, self.end = L.GlobalAveragePooling2D(), L.Dense(2, activation="softmax")

    def call(self, x, training=None):
        return self.end(self.pool(self.norm(self.conv(x), training=training)))


def subclassed():
    network = Subclassed()
    network(np.zeros((1, 8, 8, 3), "float32"))
    return network


relu = L.ReLU()


@pytest.mark.parametrize(
    "network",
    [
        functional(L.ReLU(), L.GlobalAveragePooling2D(), L.Dense(2, activation="softmax")),
        functional(L.GlobalAveragePooling2D(), L.Dense(2), L.Softmax()),
        functional(lambda x: keras.ops.softmax(L.Dense(2)(keras.ops.mean(x, axis=(1, 2))))),
        functional(L.AveragePooling2D(3), L.Flatten(), L.Dense(2)),
        functional(L.GlobalAveragePooling2D(keepdims=True), L.Flatten(), L.Dense(2)),
        functional(relu, L.Conv2D(4, 3, padding="same"), relu, L.GlobalMaxPooling2D(), L.Dense(2)),
        functional(
            keras.Sequential([L.Conv2D(4, 3, padding="same"), L.BatchNormalization()]),
            keras.Sequential([L.GlobalAveragePooling2D(), L.Dense(2)]),
        ),
        subclassed(),
    ],
    ids=range(8),
)
def test_the_last_maps_are_those_before_the_mean(network):
    x = RNG.normal(size=(5, 8, 8, 3)).astype("float32")
    maps = features.last_maps(network).predict(x, verbose=0)
    assert maps.shape == (5, 3, 3, 4)
    *_, kernel, bias = network.get_weights()
    pooled = maps.max((1, 2)) if "max" in str(network.layers[-2].name) else maps.mean((1, 2))
    scores = pooled @ kernel + bias
    got = network.predict(x, verbose=0)
    if np.allclose(got.sum(axis=1), 1, atol=1e-5):
        scores = np.asarray(keras.ops.softmax(scores))
    np.testing.assert_allclose(got, scores, atol=1e-4)


def test_last_maps_of_a_network_that_cannot_be_followed(model):
    with pytest.raises(ValueError, match="no maps"):
        features.last_maps(model)

    class Loose(keras.Model):
        def call(self, x):
            return tf.nn.relu(x)

    network = Loose()
    network(np.zeros((1, 8, 8, 3), "float32"))
    with pytest.raises(ValueError, match="cannot be followed"):
        features.last_maps(network)


def test_the_probe_tells_separable_classes_from_noise():
    (x, y), (x_new, y_new) = blobs(300), blobs(90)
    assert features.linear_probe(x, y[:, None], x_new, y_new) > 0.9
    noise = RNG.normal(size=x.shape)
    assert features.linear_probe(noise, y, RNG.normal(size=x_new.shape), y_new) < 0.6


def test_the_map_keeps_groups_together_and_is_the_same_for_a_seed():
    x, y = blobs(120)
    found = features.tsne(x.reshape(120, 3, 1), seed=1, perplexity=20)
    assert found.shape == (120, 2)
    assert features.linear_probe(found, y, found, y) > 0.8
    np.testing.assert_array_equal(found, features.tsne(x, seed=1, perplexity=20))


def test_too_few_images_for_the_perplexity_are_refused():
    with pytest.raises(ValueError, match="too few"):
        features.tsne(np.zeros((10, 4)))
