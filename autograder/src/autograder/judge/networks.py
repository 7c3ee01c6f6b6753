"""A student's network, rebuilt from layers and weights, and what it predicts."""

import functools
import hashlib
from typing import Any

import numpy as np

from convcourse import checks, outcomes
from convcourse.wire import export, models

KEPT = 3  # networks that are rebuilt and traced only once
BATCH = 256  # images that a network sees at a time
_rebuilt: dict[bytes, Any] = {}  # the last models, by a hash of what they were rebuilt from


def rebuild(name: str, plain: tuple[dict, list]) -> Any:
    """The Keras model in plain data; the same data gives the same object.

    Args:
        name: What messages call it.
        plain: What `convcourse.wire.models.model_to_plain` gave.

    Raises:
        checks.Wrong: If it is not a model, or computes with what cannot be checked.
    """
    try:
        digest = hashlib.sha256()
        for part in export.chunks(*plain):
            digest.update(part)
        known = digest.digest()
        if known not in _rebuilt:
            rebuilt = models.model_from_plain(*plain)
            while len(_rebuilt) >= KEPT:
                del _rebuilt[next(iter(_rebuilt))]
            _rebuilt[known] = rebuilt
        return _rebuilt[known]
    except export.ExportError as error:
        raise outcomes.Wrong(f"{name}: {error}.") from None


def predict(network: Any, x: np.ndarray) -> np.ndarray:
    """The predictions of a rebuilt model, as its own ``predict`` gives them.

    TensorFlow traces the network once for any number of images. Keras's ``predict`` builds a
    pipeline for each call, and traces the network again when the number of images changes.

    Args:
        network: A rebuilt model with one output.
        x: The inputs, (N, ...).

    Returns:
        The outputs, (N, ...).

    Raises:
        checks.Wrong: If the model has several outputs.
    """
    x = np.asarray(x)
    taken_in = _taken_in(network, x.shape[1:], x.dtype)
    parts = [taken_in(x[at : at + BATCH]) for at in range(0, len(x), BATCH)]
    outcomes.that(all(hasattr(p, "numpy") for p in parts), "The network has more than one output.")
    return np.concatenate([part.numpy() for part in parts])


@functools.lru_cache(maxsize=KEPT)
def _taken_in(network: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *shape), dtype)]
    return tf.function(lambda x: network(x, training=False), input_signature=signature)


def accuracy(network: Any, x: np.ndarray, y: np.ndarray) -> float:
    """The fraction of images that a rebuilt model classifies correctly.

    Args:
        network: The model.
        x: The images, (N, H, W, C).
        y: Their class numbers, (N,) or (N, 1).

    Raises:
        checks.Wrong: If the outputs have the wrong shape or are not finite.
    """
    scores = predict(network, x)
    checks.shape(scores, (len(x), None), "What the network predicts")
    outcomes.that(np.isfinite(scores).all(), "The network predicts values that are not finite.")
    return float(np.mean(scores.argmax(axis=1) == np.ravel(y)))


def is_cross_entropy(figure: float, chances: np.ndarray, y: np.ndarray) -> bool:
    """Whether a figure is the mean cross-entropy of these probabilities, to within 1 %.

    If softmax is an activation, Keras computes with the logits. If it is a separate layer, Keras
    computes with the probabilities and raises them to at least 1e-7. The two differ for a network
    that is confident of its mistakes, and both are right. If a probability is too small for a
    float, any larger figure is right as well.

    Args:
        figure: The number to check.
        chances: The predicted probabilities, (N, classes).
        y: The class numbers, (N,).
    """
    own, least = np.ravel(chances[np.arange(len(y)), np.ravel(y)]), np.finfo(np.float32).tiny
    bounded, exact = (-np.log(np.float64(own).clip(low, 1)).mean() for low in (1e-7, least))
    near = any(abs(figure - want) <= 0.01 * want for want in (bounded, exact))
    return bool(near or (own.min() < least and exact < figure < np.inf))
