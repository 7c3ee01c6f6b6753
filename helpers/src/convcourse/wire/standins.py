"""Networks and records of trainings among the arguments of a request.

They are the grader's own, and a student's function is given them. The receiver is the notebook,
which trusts the grader.
"""

import json
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
        "model": json.dumps(made),
        "compiled": json.dumps(model.get_compile_config() if model.compiled else None),
        "weights": [np.asarray(weight) for weight in model.get_weights()],
    }


def _network(plain: dict[str, Any]) -> Any:
    import keras

    model = keras.saving.deserialize_keras_object(json.loads(plain["model"]))
    model.set_weights(plain["weights"])
    if compiled := json.loads(plain["compiled"]):
        model.compile_from_config(compiled)
    return model
