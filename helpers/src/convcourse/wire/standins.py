"""Networks and records of trainings among the arguments of a request.

They are the grader's own, and a student's function is given them. The receiver is the notebook,
which trusts the grader.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from convcourse.training import History

KEY = "network of the grader"  # the one key of a dictionary that stands for a network
RECORD = "record of the grader"  # the same for what `convcourse.training.fit` returns


def pack(value: Any) -> Any:
    """Replace each Keras network and each record of a training by a dictionary of plain data.

    Args:
        value: Arguments: plain values, networks, records, and lists, tuples and dictionaries of
            these.

    Returns:
        The same without networks and records.
    """
    if isinstance(value, list):
        return [pack(one) for one in value]
    if isinstance(value, tuple):
        return tuple(map(pack, value))
    if isinstance(value, dict):
        return {key: pack(one) for key, one in value.items()}
    if hasattr(value, "get_compile_config") and hasattr(value, "layers"):
        return {KEY: _plain(value)}
    if isinstance(value, History):
        return {RECORD: [value.history, value.epoch, value.seconds]}
    return value


def unpack(value: Any) -> Any:
    """Rebuild the networks and records that `pack` has replaced.

    Args:
        value: What `pack` gave.

    Returns:
        The arguments, with compiled networks where they were compiled.
    """
    if isinstance(value, list):
        return [unpack(one) for one in value]
    if isinstance(value, tuple):
        return tuple(map(unpack, value))
    if isinstance(value, dict):
        if set(value) == {KEY}:
            return _network(value[KEY])
        if set(value) == {RECORD}:
            return History(*value[RECORD])
        return {key: unpack(one) for key, one in value.items()}
    return value


def _plain(model: Any) -> dict[str, Any]:
    import keras

    made = keras.saving.serialize_keras_object(model)
    made.pop("compile_config", None)
    return {
        # A weight that a frozen layer creates can never be trained, so layers are frozen later.
        "model": json.dumps(made).replace('"trainable": false', '"trainable": true'),
        "trainable": [layer.trainable for layer in _each(model)],
        "compiled": json.dumps(model.get_compile_config() if model.compiled else None),
        "weights": [np.asarray(weight) for weight in _weights(model)],
    }


def _network(plain: dict[str, Any]) -> Any:
    import keras

    model = keras.saving.deserialize_keras_object(json.loads(plain["model"]))
    for weight, value in zip(_weights(model), plain["weights"], strict=True):
        weight.assign(value)
    for layer, trainable in zip(_each(model), plain["trainable"], strict=True):
        layer.trainable = trainable
    if compiled := json.loads(plain["compiled"]):
        model.compile_from_config(compiled)
    return model


def _each(layer: Any) -> Iterator[Any]:
    """A network and all layers in it, the outer ones first."""
    yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _each(inner)


def _weights(model: Any) -> list[Any]:
    """All weights in an order that does not depend on which are trainable."""
    found: dict[int, Any] = {}
    for layer in _each(model):
        if not hasattr(layer, "layers"):
            found |= {id(weight): weight for weight in layer.weights}
    return list(found.values())
