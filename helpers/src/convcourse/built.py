"""A network as it was given: whether it is one, and its weights if it has none yet."""

from typing import Any

import numpy as np

from convcourse.outcomes import Wrong, that
from convcourse.wire import recording
from convcourse.wire.export import ExportError


def must_be_model(model: Any) -> None:
    """Check that something is a Keras model.

    Args:
        model: What stands in the place of a network.

    Raises:
        Wrong: If it is None, a tuple, a class, a layer or anything else.
    """
    that(model is not None, "The network is None: does the function return it?")
    is_class = isinstance(model, type)
    is_model = not is_class and hasattr(model, "layers") and hasattr(model, "get_config")
    kind = "class" if is_class else type(model).__name__
    article = "an" if kind[0] in "aeiouAEIOU" else "a"
    wanted = "expected a network: return one keras.Model and nothing else."
    that(is_model, f"The result is {article} {kind}; {wanted}")


def build(model: Any, input_shape: Any = None) -> None:
    """Make the weights of a model that is not built.

    Args:
        model: A Keras model.
        input_shape: The shape of one input, (H, W, C), for a model that is not built.

    Raises:
        Wrong: If this is no model, nothing tells its input size, or it cannot run.
    """
    must_be_model(model)
    if recording.is_built(model):
        return
    try:
        recording.build(model, recording.inputs_of(model, input_shape))
    except ExportError as error:
        raise refused(error) from None


def refused(error: ExportError) -> Wrong:
    """A network that cannot be read, as a wrong answer.

    Args:
        error: Why it cannot be read.
    """
    text = str(error)
    return Wrong(f"{text[:1].upper()}{text[1:]}.")


def count(weights: list) -> int:
    """Count the numbers in a list of Keras weights.

    Args:
        weights: Variables or arrays, for example ``model.trainable_weights``.

    Returns:
        The sum of their sizes.

    Example:
        >>> count([np.zeros((3, 3, 3, 32)), np.zeros(32)])
        896
    """
    return int(sum(np.prod(tuple(w.shape), dtype=np.int64) for w in weights))
