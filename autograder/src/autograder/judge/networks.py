"""A student's network, rebuilt from layers and weights, and what it predicts."""

import functools
import hashlib
from typing import Any

import numpy as np

from convcourse import checks, outcomes
from convcourse.wire import export, models

KEPT = 3  # networks that are rebuilt or taken in once, however often they are asked for
BATCH = 256  # images that a network sees at a time
_rebuilt: dict[bytes, Any] = {}  # the last models, by a hash of what they were rebuilt from


def rebuild(name: str, plain: tuple[dict, list]) -> Any:
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
    """What a rebuilt model of one output gives for ``x``, as its own ``predict`` would.

    TensorFlow takes the network in once, for any number of images; Keras makes a pipeline for each
    call, and takes the network in again where their number differs. Raises `checks.Wrong` for a
    model of several outputs.
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
    """Share of images that a rebuilt model classifies rightly; ``y`` holds class numbers.

    Raises `checks.Wrong` when the outputs do not fit, or are not finite.
    """
    scores = predict(network, x)
    checks.shape(scores, (len(x), None), "What the network predicts")
    outcomes.that(np.isfinite(scores).all(), "The network predicts values that are not finite.")
    return float(np.mean(scores.argmax(axis=1) == np.ravel(y)))


def is_cross_entropy(figure: float, chances: np.ndarray, y: np.ndarray) -> bool:
    """Whether a figure is the mean cross-entropy of these probabilities, to one part in a hundred.

    chances: (N, classes), y: (N,) class numbers. Keras goes back to the logits where softmax is an
    activation, and takes the probabilities, none below 1e-7, where it is a layer of its own: for
    a network that is sure of its mistakes, these differ. Both are right, and where a probability
    is too small for a float, any larger figure.
    """
    own, least = np.ravel(chances[np.arange(len(y)), np.ravel(y)]), np.finfo(np.float32).tiny
    bounded, exact = (-np.log(np.float64(own).clip(low, 1)).mean() for low in (1e-7, least))
    near = any(abs(figure - want) <= 0.01 * want for want in (bounded, exact))
    return bool(near or (own.min() < least and exact < figure < np.inf))
