"""Keras layers for the parts of a network that are none of Keras's own: operations and weights."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from convcourse.wire.operations import ADMITTED


class Operation(keras.layers.Layer):
    """One TensorFlow operation.

    Args:
        operation: Its type, one that `operations.ADMITTED` has.
        slots: Its inputs in order, lists for those that are lists: the position of a tensor among
            what the layer is called with, an array, or a pair of a fixed array and one that is
            multiplied by the number of images.
        attributes: As `operations.checked` gives them.
    """

    def __init__(self, operation: str, slots: list, attributes: dict[str, Any]) -> None:
        super().__init__(autocast=False)
        self.operation = operation
        # Keras would take lists and dictionaries of an attribute apart.
        self._made_of = (tuple(slots), tuple(attributes.items()))

    def call(self, tensors: list) -> Any:
        """Run the operation; the first tensor only tells how many images there are."""
        slots, attributes = self._made_of
        images = tf.shape(tensors[0])[0]

        def filled(slot: Any) -> Any:
            if isinstance(slot, list):
                return [filled(one) for one in slot]
            if isinstance(slot, int):
                return tf.convert_to_tensor(tensors[slot])
            if isinstance(slot, tuple):
                fixed, factor = slot
                return _sizes(fixed, factor, images)
            return tf.constant(slot)

        names = [name.strip("*") for name in ADMITTED[self.operation].inputs]
        given = dict(zip(names, map(filled, slots), strict=True))
        result = getattr(tf.raw_ops, self.operation)(**given, **dict(attributes))
        return list(result) if isinstance(result, (list, tuple)) else result


class Constant(keras.layers.Layer):
    """A value that does not depend on the input."""

    def __init__(self, value: np.ndarray) -> None:
        super().__init__(autocast=False)
        self._value = value

    def call(self, anchor: Any) -> Any:
        """Give the value, whatever comes in."""
        return tf.constant(self._value)


def _sizes(fixed: np.ndarray, factor: np.ndarray, images: Any) -> Any:
    """Whole numbers, some of which grow with the number of images."""
    images = tf.cast(images, fixed.dtype)
    if fixed.ndim != 1:
        return fixed + factor.astype(fixed.dtype) * images
    # One by one, so that TensorFlow knows the sizes that do not grow.
    return tf.stack([n + int(k) * images if k else n for n, k in zip(fixed, factor, strict=True)])


class OwnWeight(keras.layers.Layer):
    """A weight that no layer of Keras's holds."""

    def __init__(self, shape: tuple[int, ...], dtype: str, regularizer: Any) -> None:
        super().__init__(autocast=False)
        self.own = self.add_weight(
            shape=shape, dtype=dtype, initializer="zeros", regularizer=regularizer
        )

    def call(self, anchor: Any) -> Any:
        """Give the weight, whatever comes in."""
        return tf.convert_to_tensor(self.own)


class SharedWeight(keras.layers.Layer):
    """A weight that another layer holds, which may be made later.

    Args:
        shape: The weight's shape.
        dtype: Its dtype.
        find: Gives the other layer's variable.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str, find: Callable[[], Any]) -> None:
        super().__init__(autocast=False)
        self._spec, self._find = keras.KerasTensor(shape, dtype), find

    def call(self, anchor: Any) -> Any:
        """Give the weight, whatever comes in."""
        return tf.convert_to_tensor(self._find())

    def compute_output_spec(self, anchor: Any) -> Any:
        """Give the weight's shape and dtype."""
        return self._spec


class Unused(keras.layers.Layer):
    """Weights that the output does not depend on; they count nevertheless."""

    def __init__(self, shapes: list[tuple[int, ...]]) -> None:
        super().__init__(autocast=False)
        self.own = [self.add_weight(shape=shape, initializer="zeros") for shape in shapes]

    def call(self, x: Any) -> Any:
        """Give back what comes in."""
        return x
