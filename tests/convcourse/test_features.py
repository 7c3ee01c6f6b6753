"""Features of a layer: taken in batches, mapped, and probed."""

import gc
import weakref

import keras
import numpy as np
import pytest

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
