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


def can_learn(model: Any) -> None:
    """Check that a training would reach each kernel of a new network, and tell its filters apart.

    Args:
        model: A Keras model that is built and has not trained. Where its gradients cannot be
            computed, nothing is checked.

    Raises:
        Wrong: If no gradient reaches a trainable kernel, or if one begins with equal weights. Zeros
            are admitted where each filter gets a gradient of its own, as at the end of a residual
            block.
    """
    kernels = [weight for weight in model.trainable_weights if len(weight.shape) > 1]
    for kernel, gradient in zip(kernels, _gradients(model, kernels), strict=False):
        layer = getattr(kernel, "path", kernel.name).split("/")[-2:][0]
        reached = (
            f"No gradient reaches the layer {layer!r}, so it never learns: leave stop_gradient"
        )
        that(gradient is not None, f"{reached} out.")
        alike = f"The layer {layer!r} begins with equal weights, so that all its units stay alike: "
        is_zero = not np.any(kernel)
        random = np.ptp(kernel) > 0 or kernel.shape[-1] == 1 or (is_zero and _differ(gradient))
        that(random, f"{alike}draw them at random, as Keras does by default.")


def _gradients(model: Any, kernels: list) -> list:
    """The gradient of an output for each kernel, on two random images; empty if there is none."""
    import tensorflow as tf

    try:
        size = getattr(model, "input_shape", None) or (None, 32, 32, 3)
        images = np.random.default_rng(1).random((2, *size[1:]), "float32")
        with tf.GradientTape() as tape:
            outputs = tf.convert_to_tensor(model(images, training=False))
            mean = tf.reduce_mean(outputs[..., 0])
        return tape.gradient(mean, [kernel.value for kernel in kernels])
    except Exception:  # two inputs, another back end, a step that has no gradient
        return []


def _differ(values: Any) -> bool:
    """Whether what belongs to a kernel's filters is not the same for all of them."""
    return bool(np.ptp(np.asarray(values).reshape(-1, values.shape[-1]), axis=1).any())
