"""What stays the same in a network that a function makes anew: all but names, seeds and weights."""

import contextlib
import json
import re
from typing import Any

_CHANGING = ("name", "seed", "compiled")
_NUMBER = re.compile(r"_\d+$")  # Keras numbers the layers of one kind


def outline(plain: tuple[Any, list]) -> str:
    """A text that is equal for two networks of the same layers, settings and connections.

    Args:
        plain: What `convcourse.wire.models.model_to_plain` gave.
    """
    tree, arrays = plain
    if isinstance(tree.get("config"), str):  # Keras's own text
        with contextlib.suppress(ValueError):
            tree = tree | {"config": json.loads(tree["config"])}
    return json.dumps([_without(tree), [list(one.shape) for one in arrays]], sort_keys=True)


def _without(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _without(value) for key, value in part.items() if key not in _CHANGING}
    if isinstance(part, list | tuple):
        return [_without(one) for one in part]
    return _NUMBER.sub("", part) if isinstance(part, str) else part
