"""The penalty on a weight, as plain data, and whether its layer names the same one."""

import json
from typing import Any

import numpy as np

from convcourse.wire import trusted

# What a layer's regularizers are called, and its weights, where they have another name.
STEMS: dict[str, tuple[str, ...]] = {
    "kernel": (), "bias": (), "gamma": (), "beta": (), "embeddings": (), "alpha": (),
    "depthwise": ("depthwise_kernel", "kernel"), "pointwise": ("pointwise_kernel",),
}  # fmt: skip


def regularizer_of(weight: Any) -> dict | None:
    """The penalty on a weight as Keras writes it down; None if there is none, or none can be told.

    Args:
        weight: A Keras variable.
    """
    import keras

    penalty = getattr(weight, "regularizer", None)
    try:
        config = keras.saving.serialize_keras_object(penalty)
        trusted.check(config)
        return json.loads(json.dumps(config))
    except Exception:  # one of the student's own
        return _measured(penalty, tuple(weight.shape))


def as_named(layer: Any) -> bool:
    """Whether each weight of a layer has the penalty that the layer's configuration names.

    Keras computes the penalties of the weights. A layer that is given another
    ``kernel_regularizer`` after its weights were made names one that has no effect.

    Args:
        layer: A Keras layer.
    """
    for stem in STEMS:
        weight: Any = next(
            (getattr(layer, n) for n in (stem, *STEMS[stem]) if hasattr(layer, n)), None
        )
        named = f"{stem}_regularizer"
        if hasattr(weight, "regularizer") and hasattr(layer, named):
            one, other = weight.regularizer, getattr(layer, named)
            if one is not other and _written(one) != _written(other):
                return False
    return True


def _written(penalty: Any) -> Any:
    import keras

    try:
        return keras.saving.serialize_keras_object(penalty)
    except Exception:  # nobody can write it down
        return id(penalty)


def _measured(penalty: Any, shape: tuple[int, ...]) -> dict | None:
    """Keras's own L1 or L2 penalty in place of a function that computes the same."""
    import keras

    draw = np.random.default_rng(0).normal
    tries = [draw(scale=scale, size=shape).astype(np.float32) for scale in (0.5, 1, 2, 3)]
    try:
        found = np.array([float(penalty(keras.ops.convert_to_tensor(w))) for w in tries])
    except Exception:  # a network may predict with a penalty that nobody can compute
        return None
    sums = np.array([[np.abs(w).sum(dtype=float), np.square(w).sum(dtype=float)] for w in tries])
    for used in ([0, 1], [1, 0], [1, 1]):
        factors = np.linalg.lstsq(sums * used, found, rcond=None)[0]
        if np.allclose(sums @ factors, found, rtol=1e-4):
            l1, l2 = (float(f"{factor:.5g}") for factor in factors)
            return keras.saving.serialize_keras_object(keras.regularizers.L1L2(l1=l1, l2=l2))
    return None
