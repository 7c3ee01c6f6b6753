"""Whether two networks compute the same: one of any form, and one that is described in words."""

import dataclasses
from typing import Any

import numpy as np

from convcourse.wire import assembling
from convcourse.wire.export import ExportError
from convcourse.wire.lifting import SAME_VALUES
from convcourse.wire.steps import Network, Node, references

SCALES = (0.1, 1.0, 10.0)  # of the inputs
IMAGES = 8


def chain(network: Network) -> list[tuple[str, dict]]:
    """List the classes and configurations of a network's layers in the order of their calls.

    Args:
        network: What `convcourse.wire.lifting.read` gives. An operation between its layers counts
            as a layer without configuration, under its own name in lower case.
    """
    found: list[tuple[str, dict]] = []
    for _, node in network.calls():
        if node.do == "layer":
            part = network.parts[node.at]
            found.append((part.kind, _with_defaults(part.kind, part.config)))
        else:
            found.append((_words(node.do), {}))
    return found


def _with_defaults(kind: str, config: dict) -> dict:
    import keras

    try:
        return getattr(keras.layers, kind).from_config(dict(config)).get_config()
    except Exception:
        return config


def _words(name: str) -> str:
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip().removesuffix(" v2")


def same(network: Network, want: list[tuple[str, dict, str]]) -> bool:
    """Whether a network computes what a list of layers does, for any weights.

    Args:
        network: What `convcourse.wire.lifting.read` gives, with one input.
        want: Kinds, figures and activations, as in `convcourse.architecture.Layer`.

    Returns:
        True if its weights have the shapes of those of the list, in the order of their use, its
        dropouts lie between the same ones, and for random weights and inputs of several sizes both
        give the same outputs.
    """
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        return False
    try:
        theirs = _described(network.inputs[0]["shape"], want)
        return _dropouts(network) == _dropouts_of(theirs) and _agree(network, theirs)
    except ExportError:
        return False


def _described(shape: tuple[int, ...], want: list[tuple[str, dict, str]]) -> Any:
    import keras

    layers: list = [keras.Input(shape)]
    try:
        for kind, figures, activation in want:
            layers.append(_layer(kind, figures))
            if activation != "linear":
                layers.append(keras.layers.Activation(activation))
        return keras.Sequential(layers)
    except Exception:
        raise ExportError("the layers do not fit this input") from None


def _layer(kind: str, figures: dict) -> Any:
    import keras

    classes = {
        "conv": "Conv2D", "pool": "MaxPooling2D", "avgpool": "AveragePooling2D", "dense": "Dense",
        "gap": "GlobalAveragePooling2D", "bn": "BatchNormalization", "dropout": "Dropout",
        "flatten": "Flatten", "unitnorm": "UnitNormalization", "activation": "Identity",
    }  # fmt: skip
    return getattr(keras.layers, classes[kind])(**figures)


def _dropouts(network: Network) -> list[tuple[float, int]]:
    """The rate of each dropout, and how many weights come before it."""
    found, before = [], 0
    seen: set[tuple[str, int]] = set()
    for _, node in network.calls():
        before += len(_new_weights(network, node, seen))
        if node.do == "layer" and network.parts[node.at].kind == "Dropout":
            found.append((float(network.parts[node.at].config["rate"]), before))
    return found


def _new_weights(network: Network, node: Node, seen: set[tuple[str, int]]) -> set[tuple[str, int]]:
    waiting, found = [node], set()
    while waiting:
        one = waiting.pop()
        own = network.parts[one.at].weights if one.do == "layer" else []
        found |= {("weight", at) for at in ([one.at] if one.do == "weight" else own)}
        if one is node or one.do not in ("layer", "input"):
            sources = [network.nodes[network.source(ref)[0]] for ref in references(one.of)]
            waiting += [source for source in sources if source.do in ("weight", *SAME_VALUES)]
    fresh = found - seen
    seen |= fresh
    return fresh


def _dropouts_of(model: Any) -> list[tuple[float, int]]:
    found, before = [], 0
    for layer in model.layers:
        before += len(layer.weights)
        if type(layer).__name__ == "Dropout":
            found.append((float(layer.rate), before))
    return found


def _agree(network: Network, theirs: Any) -> bool:
    shapes = [tuple(variable.shape) for variable in theirs.weights]
    if [weight.value.shape for weight in network.weights] != shapes:
        return False
    rng = np.random.default_rng(0)
    values = [_values(variable, rng) for variable in theirs.weights]
    pairs = zip(network.weights, values, strict=True)
    weights = [dataclasses.replace(weight, value=value) for weight, value in pairs]
    mine = assembling.assemble(dataclasses.replace(network, weights=weights))
    theirs.set_weights(values)
    shape = (IMAGES, *network.inputs[0]["shape"])
    for scale in SCALES:
        x = (scale * rng.standard_normal(shape)).astype(np.float32)
        one, other = np.asarray(mine(x, training=False)), np.asarray(theirs(x, training=False))
        if one.shape != other.shape or not np.allclose(one, other, rtol=1e-3, atol=1e-5):
            return False
    return True


def _values(variable: Any, rng: np.random.Generator) -> np.ndarray:
    """Random values, small enough that no softmax is saturated; a variance is positive."""
    shape = tuple(variable.shape)
    if "variance" in variable.path:
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    values = rng.standard_normal(shape) / np.sqrt(max(1, int(np.prod(shape[:-1]))))
    return values.astype(np.float32)
