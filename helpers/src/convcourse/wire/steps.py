"""A network as numbered steps, read from a sender who is not trusted.

Each step is checked, and refers to earlier steps only, so that there are no cycles.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convcourse.wire import operations, trusted
from convcourse.wire.export import ExportError
from convcourse.wire.tracing import MAX_STEPS

MALFORMED = "the network's description is malformed"


@dataclass
class Part:
    """One layer of the network: its class, its configuration and its weights by number."""

    kind: str
    config: dict
    weights: list[int] = field(default_factory=list)


@dataclass
class Weight:
    """A weight's values, whether training changes it, and its penalty."""

    value: np.ndarray
    trainable: bool
    regularizer: dict | None


@dataclass
class Node:
    """One value: of an input, a weight, a constant, a layer or an operation.

    Attributes:
        do: As in `tracing.Step`; ``same`` stands for the value that it comes from.
        of: Pairs of a node's number and an output's, or lists of these.
        at: The input, the weight or the layer.
        value: A constant.
        factor: How much of a constant there is for each image.
        given: An operation's attributes.
        shape: The shape that the sender says, with None for the number of images.
    """

    do: str
    of: list = field(default_factory=list)
    at: int = -1
    value: np.ndarray | None = None
    factor: np.ndarray | None = None
    given: dict = field(default_factory=dict)
    shape: list = field(default_factory=list)


@dataclass
class Network:
    """All parts of a network; ``nodes`` are in the order of computation."""

    name: str
    inputs: list[dict]
    parts: list[Part]
    weights: list[Weight]
    nodes: list[Node]
    outputs: list[tuple[int, int]]

    def source(self, ref: Any) -> tuple[int, int]:
        """Follow a reference to the node that makes the value."""
        while self.nodes[ref[0]].do == "same":
            ref = self.nodes[ref[0]].of[0]
        return tuple(ref)

    def calls(self) -> list[tuple[int, Node]]:
        """List the layers and operations that depend on the input, with their numbers."""
        moving: set[int] = set()
        for number, node in enumerate(self.nodes):
            if node.do == "input" or any(self.source(r)[0] in moving for r in references(node.of)):
                moving.add(number)
        kept = moving & self.used()
        numbered = [(number, node) for number, node in enumerate(self.nodes) if number in kept]
        return [(number, node) for number, node in numbered if node.do not in ("input", "same")]

    def used(self) -> set[int]:
        """List the nodes that the outputs depend on."""
        found: set[int] = set()
        waiting = [self.source(ref)[0] for ref in self.outputs]
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                waiting += [self.source(r)[0] for r in references(self.nodes[number].of)]
        return found


def references(of: list) -> list:
    """List all references in a node's inputs."""
    return [ref for one in of for ref in (one if isinstance(one, list) else [one])]


def parse(tree: Any, arrays: list[np.ndarray]) -> Network:
    """Check what `tracing.trace` gives, from a sender who is not trusted.

    Args:
        tree: A tree of JSON values.
        arrays: The arrays that it refers to.

    Raises:
        ExportError: If anything is malformed, too large, or not admitted.
    """
    try:
        return _network(tree, arrays)
    except ExportError:
        raise
    except (TypeError, KeyError, IndexError, ValueError, AttributeError):
        raise ExportError(MALFORMED) from None


def _network(tree: dict, arrays: list[np.ndarray]) -> Network:
    that = _that
    weights = [_weight(line, arrays) for line in tree["weights"]]
    that(len(tree["layers"]) <= trusted.MAX_LAYERS and 0 < len(tree["inputs"]) <= 16)
    that(len(weights) <= 10 * trusted.MAX_LAYERS)
    parts = [_part(line, len(weights)) for line in tree["layers"]]
    steps = tree["steps"]
    that(isinstance(steps, list), MALFORMED)
    that(len(steps) <= MAX_STEPS, f"the network has more than {MAX_STEPS:,} steps")
    sizes = {"input": len(tree["inputs"]), "weight": len(weights), "layer": len(parts)}
    nodes = [_node(number, line, sizes, arrays) for number, line in enumerate(steps)]
    outputs = [_ref(ref, len(nodes)) for ref in tree["outputs"]]
    that(0 < len(outputs) <= 16)
    inputs = [_input(line) for line in tree["inputs"]]
    return Network("traced", inputs, parts, weights, nodes, outputs)


def _that(condition: bool, words: str = MALFORMED) -> None:
    if not condition:
        raise ExportError(words)


def _at(value: Any, size: int) -> int:
    _that(type(value) is int and 0 <= value < size)
    return value


def _input(line: dict) -> dict:
    shape, dtype = line["shape"], line["dtype"]
    _that(len(shape) <= 6 and dtype in ("float32", "float64", "float16", "int32", "int64", "uint8"))
    _that(all(type(size) is int and 0 < size <= trusted.MAX_SIZE for size in shape))
    return {"shape": tuple(shape), "dtype": dtype}


def _weight(line: dict, arrays: list[np.ndarray]) -> Weight:
    trusted.check(line["regularizer"])
    _that(isinstance(line["trainable"], bool))
    return Weight(arrays[_at(line["at"], len(arrays))], line["trainable"], line["regularizer"])


def _part(line: dict, weights: int) -> Part:
    kind, config = line["class"], line["config"]
    _that(isinstance(config, dict) and isinstance(kind, str))
    trusted.check({"class_name": kind, "module": "keras.layers", "config": config})
    _that(kind in trusted.TRUSTED_LEAVES, "a layer of your own cannot be rebuilt")
    own = [_at(at, weights) for at in line["weights"]]
    _that(len(set(own)) == len(own))
    return Part(kind, config, own)


def _ref(ref: Any, before: int) -> tuple[int, int]:
    number, output = ref
    return _at(number, before), _at(output, 1_000)


def _node(number: int, line: dict, sizes: dict[str, int], arrays: list[np.ndarray]) -> Node:
    do = line["do"]
    of = [
        [_ref(r, number) for r in one] if one and isinstance(one[0], list) else _ref(one, number)
        for one in line["of"]
    ]
    shape = line["shape"]
    _that(len(shape) <= 8 and all(s is None or (type(s) is int and s >= 0) for s in shape))
    if do == "constant":
        return _constant(line, arrays, shape)
    if do in sizes:
        _that(len(of) == (do == "layer"))
        return Node(do, of, at=_at(line["at"], sizes[do]), shape=shape)
    return Node(do, of, given=operations.checked(do, line["with"]), shape=shape)


def _constant(line: dict, arrays: list[np.ndarray], shape: list) -> Node:
    value = arrays[_at(line["at"], len(arrays))]
    _that(value.dtype.kind in "biuf" and value.ndim <= 8)
    factor = [arrays[_at(at, len(arrays))] for at in line["images"]]
    if not factor:
        return Node("constant", value=value, shape=shape)
    _that(len(factor) == 1 and factor[0].shape == value.shape and value.size <= 16)
    _that(all(a.dtype.kind in "iu" and (np.abs(a) <= 2**31).all() for a in (value, factor[0])))
    return Node("constant", value=value, factor=factor[0], shape=shape)
