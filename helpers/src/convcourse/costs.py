"""What a network costs: the multiplications that it performs for one image."""

import math
from typing import Any

import numpy as np

from convcourse.computing import Operation, Shape, operations
from convcourse.wire import recording

# Operations that multiply or divide once for each number of their result.
_ONCE = frozenset(
    {"Mul", "MulNoNan", "RealDiv", "Div", "DivNoNan", "Square", "SquaredDifference", "Pow"}
) | {"FusedBatchNormV3", "Prod", "EuclideanNorm"}


def multiplications(model: Any) -> int:
    """Count the multiplications that a network performs for one image.

    Convolutions and fully connected layers perform nearly all of them. Those of other operations
    count as well, for example one for each value of a batch normalization.

    Args:
        model: A built Keras model with one input.

    Returns:
        The multiplications, where a division counts as one.

    Raises:
        ValueError: If the model has several inputs, or an operation whose multiplications cannot
            be counted.
    """
    try:
        [given] = recording.inputs_of(model)
    except (recording.UnknownSize, ValueError):
        raise ValueError("the network needs one input of known size") from None
    with operations() as found:
        model(np.zeros((1, *given.shape), given.dtype), training=False)
    return sum(map(_multiplications, found))


def _multiplications(one: Operation) -> int:
    """The multiplications of one operation, from the shapes of its inputs and of its result."""
    if one.name == "Einsum":
        raise ValueError("the multiplications of einsum cannot be counted: use layers or matmul")
    if one.name in _ONCE:
        return max(_numbers(one.outputs[0]), _numbers(one.inputs[0]))
    if one.name == "Conv2D":  # a filter is (height, width, channels, filters)
        return _numbers(one.outputs[0]) * math.prod(_sizes(one.inputs[1])[:3])
    if one.name == "DepthwiseConv2dNative":
        return _numbers(one.outputs[0]) * math.prod(_sizes(one.inputs[1])[:2])
    if "MatMul" in one.name:  # (..., m, k) and (..., k, n), either of them perhaps transposed
        *_, rows, columns = _sizes(one.outputs[0])
        inner = (
            math.prod(_sizes(one.inputs[0])[-2:]) // max(rows, 1),
            math.prod(_sizes(one.inputs[1])[-2:]) // max(columns, 1),
        )
        return _numbers(one.outputs[0]) * max(inner)
    if "Conv" in one.name:
        raise ValueError(
            f"the multiplications of {one.name} cannot be counted: use Conv2D, DepthwiseConv2D, "
            "SeparableConv2D or Dense"
        )
    return 0


def _numbers(shape: Shape) -> int:
    return math.prod(_sizes(shape))


def _sizes(shape: Shape) -> list[int]:
    sizes = [] if shape is None else [size for size in shape if size is not None]
    if shape is None or len(sizes) < len(shape):
        raise ValueError("the network makes an array of unknown size: leave out tf.function")
    return sizes
