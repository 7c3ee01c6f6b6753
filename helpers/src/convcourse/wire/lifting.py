"""Keras's layers in the place of the operations that they consist of.

A matrix product with weights and an addition are a dense layer, however they were written. What is
no layer of Keras's stays a single operation.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from convcourse.wire import steps, trusted
from convcourse.wire.export import ExportError
from convcourse.wire.steps import Network, Node, Part, references

ACTIVATIONS = {
    "Relu": "relu", "Softmax": "softmax", "Sigmoid": "sigmoid", "Tanh": "tanh", "Elu": "elu",
    "Selu": "selu", "Softplus": "softplus", "Softsign": "softsign", "Relu6": "relu6",
    "LogSoftmax": "log_softmax",
}  # fmt: skip
SAME_VALUES = ("Reshape", "Squeeze", "ExpandDims")


def read(tree: Any, arrays: list[np.ndarray]) -> Network:
    """Read what `tracing.trace` gives, from a sender who is not trusted, and lift it.

    Args:
        tree: A tree of JSON values.
        arrays: The arrays that it refers to.

    Raises:
        ExportError: If anything is malformed, too large, or not admitted.
    """
    network = steps.parse(tree, arrays)
    try:
        _lift(network)
    except (TypeError, KeyError, IndexError, ValueError, AttributeError):
        raise ExportError(steps.MALFORMED) from None
    return network


def _lift(network: Network) -> None:
    uses: dict[int, int] = {}
    for node in network.nodes:
        for ref in references(node.of):
            uses[ref[0]] = uses.get(ref[0], 0) + 1
    for ref in network.outputs:
        uses[ref[0]] = uses.get(ref[0], 0) + 1
    lifter = _Lifter(network, uses)
    for node in network.nodes:
        rule = RULES.get(node.do)
        if rule:
            rule(lifter, node)


class _Lifter:
    """Rules that turn one operation, or two, into a layer."""

    def __init__(self, network: Network, uses: dict[int, int]) -> None:
        self.network, self.uses, self.nodes = network, uses, network.nodes

    def node(self, ref: Any) -> Node:
        return self.nodes[self.network.source(ref)[0]]

    def weight(self, ref: Any) -> int | None:
        """The number of a weight that is used as it is, or with axes of length 1 more or less."""
        node = self.node(ref)
        while node.do in (*SAME_VALUES,):
            node = self.node(node.of[0])
        return node.at if node.do == "weight" else None

    def constant(self, ref: Any) -> np.ndarray | None:
        node = self.node(ref)
        return node.value if node.do == "constant" and node.factor is None else None

    def become(self, node: Node, kind: str, config: dict, of: Any, *weights: int) -> None:
        node.do, node.of, node.at = "layer", [of], self.number(Part(kind, config, list(weights)))
        node.given = {}

    def number(self, part: Part) -> int:
        """The number of a part; two calls with the same weights are calls of one layer."""
        parts = self.network.parts
        if not part.weights or part not in parts:
            parts.append(part)
        return parts.index(part) if part.weights else len(parts) - 1

    def penalty(self, weight: int) -> dict | None:
        return self.network.weights[weight].regularizer


def _convolution(lifter: _Lifter, node: Node) -> None:
    weight = lifter.weight(node.of[1])
    if weight is None or lifter.node(node.of[1]).do != "weight":
        return
    shape, given = lifter.network.weights[weight].value.shape, node.given
    padding, strides = given["padding"], given["strides"]
    dilations = given.get("dilations") or [1, 1, 1, 1]
    if padding == "EXPLICIT" or given.get("data_format", "NHWC") != "NHWC" or len(shape) != 4:
        return
    config = {
        "kernel_size": list(shape[:2]), "strides": strides[1:3], "padding": padding.lower(),
        "dilation_rate": dilations[1:3], "use_bias": False,
    }  # fmt: skip
    if node.do == "Conv2D":
        inside = lifter.node(node.of[0]).shape
        groups = inside[-1] // shape[2] if inside and inside[-1] else 1
        config |= {"filters": shape[3], "groups": max(groups, 1)}
        config["kernel_regularizer"] = lifter.penalty(weight)
        lifter.become(node, "Conv2D", config, node.of[0], weight)
    else:
        config |= {"depth_multiplier": shape[3]}
        config["depthwise_regularizer"] = lifter.penalty(weight)
        lifter.become(node, "DepthwiseConv2D", config, node.of[0], weight)


def _product(lifter: _Lifter, node: Node) -> None:
    a, b = (node.of[0] if node.do == "Einsum" else node.of)[:2]
    if any(node.given.get(key) for key in ("transpose_a", "transpose_b", "adj_x", "adj_y")):
        return
    if node.do == "Einsum" and not _is_product(node):
        return
    weight, given = lifter.weight(b), lifter.node(b)
    if weight is None or given.do != "weight" or lifter.weight(a) is not None:
        return
    shape = lifter.network.weights[weight].value.shape
    if len(shape) != 2:
        return
    config = {"units": shape[1], "use_bias": False, "kernel_regularizer": lifter.penalty(weight)}
    lifter.become(node, "Dense", config, a, weight)


def _is_product(node: Node) -> bool:
    left, _, right = node.given["equation"].partition("->")
    names = left.split(",")
    if len(names) != 2 or len(names[1]) != 2 or not names[0]:
        return False
    (inner, outer), before = names[1], names[0]
    return before[-1] == inner and outer not in before and right == before[:-1] + outer


def _sum(lifter: _Lifter, node: Node) -> None:
    """A bias on the layer before, a shift by a constant, or the sum of two images."""
    for at, other in ((0, 1), (1, 0)):
        if _biased(lifter, node, node.of[at], node.of[other]):
            return
    if _shifted(lifter, node, 1):
        return
    moving = all(lifter.constant(ref) is None and lifter.weight(ref) is None for ref in node.of)
    shapes = [lifter.node(ref).shape for ref in node.of]
    if node.do != "BiasAdd" and moving and shapes[0] == shapes[1] != []:
        lifter.become(node, "Add", {}, list(node.of))


def _biased(lifter: _Lifter, node: Node, ref: Any, bias: Any) -> bool:
    number, output = lifter.network.source(ref)
    before, weight = lifter.nodes[number], lifter.weight(bias)
    if before.do != "layer" or weight is None or output or lifter.uses.get(number) != 1:
        return False
    part, shape = lifter.network.parts[before.at], lifter.network.weights[weight].value.shape
    size = int(part.config.get("filters") or part.config.get("units") or 0)
    if part.kind == "DepthwiseConv2D":
        size = int(np.prod(lifter.network.weights[part.weights[0]].value.shape[2:]))
    if part.config.get("use_bias") is not False:
        return False
    if shape != (size,) or (part.config.get("activation") or "linear") != "linear":
        return False
    config = {**part.config, "use_bias": True, "bias_regularizer": lifter.penalty(weight)}
    before.at = lifter.number(Part(part.kind, config, [*part.weights, weight]))
    node.do, node.of = "same", [(number, 0)]
    return True


def _number(lifter: _Lifter, ref: Any) -> float | None:
    value = lifter.constant(ref)
    if value is None or value.size != 1 or value.dtype.kind != "f":
        return None
    return float(value.reshape(())) if np.isfinite(value).all() else None


def _shifted(lifter: _Lifter, node: Node, sign: int) -> bool:
    x, c = node.of[0], node.of[1]
    if sign == 1 and _number(lifter, c) is None:
        x, c = c, x
    number = _number(lifter, c)
    if number is None or abs(number) > trusted.MAX_SIZE or len(lifter.node(x).shape) < 2:
        return False
    before = lifter.node(x)
    source = lifter.network.source(x)[0]
    if before.do == "layer" and lifter.uses.get(source) == 1:
        part = lifter.network.parts[before.at]
        if part.kind == "Rescaling" and part.config["offset"] == 0:
            config = {**part.config, "offset": sign * number}
            lifter.become(node, "Rescaling", config, before.of[0])
            return True
    lifter.become(node, "Rescaling", {"scale": 1.0, "offset": sign * number}, x)
    return True


def _difference(lifter: _Lifter, node: Node) -> None:
    if len(lifter.node(node.of[0]).shape) == 4:
        _shifted(lifter, node, -1)


def _scaled(lifter: _Lifter, node: Node) -> None:
    x, c = node.of
    if node.do == "Mul" and _number(lifter, c) is None:
        x, c = c, x
    number = _number(lifter, c)
    if not number or len(lifter.node(x).shape) != 4:
        return
    scale = number if node.do == "Mul" else 1 / number
    if abs(scale) <= trusted.MAX_SIZE:
        lifter.become(node, "Rescaling", {"scale": scale, "offset": 0.0}, x)


def _activation(lifter: _Lifter, node: Node) -> None:
    lifter.become(node, "Activation", {"activation": ACTIVATIONS[node.do]}, node.of[0])


def _pooling(lifter: _Lifter, node: Node) -> None:
    given = node.given
    size, strides = given["ksize"], given["strides"]
    plain = given.get("data_format", "NHWC") == "NHWC" and given["padding"] != "EXPLICIT"
    if not plain or size[0] != 1 or size[3] != 1 or strides[0] != 1 or strides[3] != 1:
        return
    kind = "MaxPooling2D" if node.do == "MaxPool" else "AveragePooling2D"
    config = {"pool_size": size[1:3], "strides": strides[1:3], "padding": given["padding"].lower()}
    lifter.become(node, kind, config, node.of[0])


def _reduction(lifter: _Lifter, node: Node) -> None:
    axes, shape = lifter.constant(node.of[1]), lifter.node(node.of[0]).shape
    if axes is None or len(shape) != 4 or sorted(int(a) % 4 for a in axes.ravel()) != [1, 2]:
        return
    kind = "GlobalAveragePooling2D" if node.do == "Mean" else "GlobalMaxPooling2D"
    lifter.become(node, kind, {"keepdims": bool(node.given.get("keep_dims"))}, node.of[0])


def _reshaping(lifter: _Lifter, node: Node) -> None:
    before, shape = lifter.node(node.of[0]).shape, node.shape
    if before == shape and shape.count(None) <= 1 and shape:
        node.do, node.of = "same", [node.of[0]]
    elif len(shape) >= 2 and _of_each_image(before) == _of_each_image(shape) is not None:
        if len(shape) == 2:
            lifter.become(node, "Flatten", {}, node.of[0])
        else:
            lifter.become(node, "Reshape", {"target_shape": shape[1:]}, node.of[0])


def _of_each_image(shape: list) -> int | None:
    """How many values there are for one image, if the first axis is that of the images."""
    if shape[:1] != [None] or None in shape[1:]:
        return None
    return int(np.prod(shape[1:]))


def _padding(lifter: _Lifter, node: Node) -> None:
    sizes = lifter.constant(node.of[1])
    if sizes is None or sizes.shape != (4, 2) or sizes[[0, 3]].any():
        return
    lifter.become(node, "ZeroPadding2D", {"padding": sizes[1:3].tolist()}, node.of[0])


def _transposition(lifter: _Lifter, node: Node) -> None:
    order = lifter.constant(node.of[1])
    if order is not None and order.tolist() == list(range(order.size)):
        node.do, node.of = "same", [node.of[0]]


RULES: dict[str, Callable[[_Lifter, Node], None]] = {
    "Conv2D": _convolution, "DepthwiseConv2dNative": _convolution,
    "MatMul": _product, "BatchMatMulV2": _product, "Einsum": _product,
    "AddV2": _sum, "Add": _sum, "BiasAdd": _sum, "Sub": _difference,
    "Mul": _scaled, "RealDiv": _scaled,
    "MaxPool": _pooling, "AvgPool": _pooling, "Mean": _reduction, "Max": _reduction,
    "Reshape": _reshaping, "Pad": _padding, "Transpose": _transposition,
    **dict.fromkeys(ACTIVATIONS, _activation),
}  # fmt: skip
