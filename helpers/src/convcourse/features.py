"""A layer's activations, a map of them, and how well they separate the classes."""

import weakref
from collections.abc import MutableMapping
from typing import Any

import numpy as np

# Networks that end at a layer, by network: Keras traces each one when it predicts first.
_PARTS: MutableMapping = weakref.WeakKeyDictionary()


def activations(model: Any, layer: str | Any, x: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """The output of one layer for every image.

    model: a built Keras model; layer: one of its layers, or that layer's name
    x: (N, ...) float32
    Returns (N, ...) float32, the layer's output shape. Raises `ValueError` with the names that
    there are when the model has no such layer.
    """
    import keras

    if isinstance(layer, str):
        names = [one.name for one in model.layers]
        if layer not in names:
            raise ValueError(f"the model has no layer {layer!r}; it has {', '.join(names)}")
        layer = model.get_layer(layer)
    parts = _PARTS.setdefault(model, {})
    if layer not in parts:
        parts[layer] = keras.Model(model.inputs, layer.output)
    part = parts[layer]  # shares the model's weights, so it follows them
    return np.asarray(part.predict(x, batch_size=batch_size, verbose=0), np.float32)


def tsne(features: np.ndarray, seed: int = 0, perplexity: float = 30.0) -> np.ndarray:
    """A map in the plane where near rows stay near; distances between groups mean little.

    features: (N, ...) floats, flattened for each image; N is above ``perplexity``
    Returns (N, 2) float32, on one machine the same for a seed. t-distributed stochastic neighbour
    embedding, van der Maaten and Hinton 2008, as scikit-learn has it, after a projection on 50
    principal components.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    rows = _rows(features)
    if rows.shape[0] <= perplexity:
        raise ValueError(f"{rows.shape[0]} images are too few for a perplexity of {perplexity:g}")
    # One thread: these steps are so short that on a busy machine several threads wait for each
    # other far longer than they compute, minutes in place of a second.
    with threadpool_limits(1):
        if min(rows.shape) > 50:
            rows = PCA(50, random_state=seed).fit_transform(rows)
        maker = TSNE(perplexity=perplexity, init="pca", random_state=seed)
        return maker.fit_transform(rows).astype(np.float32)


def linear_probe(
    train_features: np.ndarray,
    train_labels: np.ndarray,
    test_features: np.ndarray,
    test_labels: np.ndarray,
    seed: int = 0,
) -> float:
    """Accuracy of one linear support vector machine for each class on frozen features.

    train_features: (N, ...), test_features: (M, ...) floats, flattened for each image; labels are
    (N,) and (M,) whole numbers. Features are standardised with the training set's figures.
    Returns the share of test images whose highest score is their own class's.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    # One-vs-rest is what LinearSVC does by itself; few iterations are enough to compare layers.
    probe = make_pipeline(
        StandardScaler(), LinearSVC(C=0.01, dual="auto", random_state=seed, max_iter=2_000)
    )
    probe.fit(_rows(train_features), np.ravel(train_labels))
    return float(probe.score(_rows(test_features), np.ravel(test_labels)))


def _rows(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float64)
    return features.reshape(len(features), -1)
