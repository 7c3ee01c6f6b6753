"""Networks among the arguments of a request: the grader's own, which a student's function is given.

The receiver is the notebook, which trusts the grader.
"""

import json
from typing import Any

import numpy as np

KEY = "network of the grader"  # the one key of a dictionary that stands for a network


def pack(value: Any) -> Any:
    """Replace each Keras network by a dictionary of plain data.

    Args:
        value: Arguments: plain values, networks, and lists, tuples and dictionaries of these.

    Returns:
        The same without networks.
    """
    if isinstance(value, list):
        return [pack(one) for one in value]
    if isinstance(value, tuple):
        return tuple(map(pack, value))
    if isinstance(value, dict):
        return {key: pack(one) for key, one in value.items()}
    if hasattr(value, "get_compile_config") and hasattr(value, "layers"):
        return {KEY: _plain(value)}
    return value


def unpack(value: Any) -> Any:
    """Rebuild the networks that `pack` has replaced.

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
