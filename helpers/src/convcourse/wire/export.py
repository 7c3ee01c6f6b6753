"""A value as plain data, and back.

Plain data is a tree of JSON values plus a list of NumPy arrays. It holds no pickle, no code and no
class of the sender's. Sizes, depth and kinds are bounded on both sides, because the receiver does
not trust the sender.

>>> tree, arrays = to_plain({"x": np.zeros(2), "n": (3, 4)})
>>> tree
{'dict': [['x', {'array': 0}], ['n', {'tuple': [3, 4]}]]}
>>> from_plain(*loads(dumps(tree, arrays)))
{'x': array([0., 0.]), 'n': (3, 4)}
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

MAX_DEPTH = 30
MAX_NODES = 200_000
MAX_TEXT = 2_000_000  # characters in one string
MAX_HEAD = 16 * 2**20  # bytes of everything but the arrays: JSON takes many times this to read
MAX_BYTES = 512 * 2**20  # all arrays of one value together
MAX_ARRAYS = 20_000  # of one value
ALIGNMENT = 64  # bytes, at a multiple of which the first array begins
_KINDS = "biufU"
_DTYPE = re.compile(r"[<>|=]?[biufU][1-9]\d{0,6}")


class ExportError(ValueError):
    """A value that cannot be plain data; the message is one sentence for its author."""


# ---------------------------------------------------------------------- values


def to_plain(value: Any) -> tuple[Any, list[np.ndarray]]:
    """Turn a value into plain data.

    Args:
        value: None, truth values, numbers, strings, NumPy arrays and scalars, tensors, a Keras
            ``History`` (as the dictionary that it holds); lists, tuples and dictionaries of these.

    Returns:
        A tree of JSON values, and the arrays that it refers to by index.

    Raises:
        ExportError: For any other value, and for one that is too deep, cyclic or too large.
    """
    arrays: list[np.ndarray] = []
    return _Packer(arrays).pack(value, 0), arrays


class _Packer:
    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.arrays, self.nodes, self.bytes = arrays, 0, 0

    def pack(self, value: Any, depth: int) -> Any:
        self._count(depth)
        if value is None or type(value) in (bool, int):
            return _bounded_int(value)
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, str):
            if len(value) > MAX_TEXT:
                raise ExportError(f"a text of {len(value):,} characters is too long to check")
            return str(value)
        if isinstance(value, (list, tuple)):
            kind = "tuple" if isinstance(value, tuple) else "list"
            return {kind: [self.pack(v, depth + 1) for v in value]}
        if isinstance(value, Mapping):
            return {"dict": [[self._key(k), self.pack(v, depth + 1)] for k, v in value.items()]}
        if isinstance(value, np.generic):
            return self.pack(value.item(), depth) if value.dtype.kind in _KINDS else _no(value)
        return self._pack_array(value, depth)

    def _pack_array(self, value: Any, depth: int) -> Any:
        history = getattr(value, "history", None)
        if isinstance(history, Mapping) and not isinstance(value, np.ndarray):
            return self.pack(history, depth + 1)
        if not isinstance(value, np.ndarray) and not hasattr(value, "__array__"):
            _no(value)
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        if array.dtype == object:  # texts in a pandas column, or arrays of several shapes
            return self.pack(array.tolist(), depth + 1)
        if array.dtype.kind not in _KINDS:
            raise ExportError(f"an array of dtype {array.dtype} is not data that can be checked")
        self.bytes += array.nbytes
        if self.bytes > MAX_BYTES:
            raise ExportError(f"more than {MAX_BYTES // 2**20} MB of arrays are too much to check")
        self.arrays.append(array)
        return {"array": len(self.arrays) - 1}

    def _key(self, key: Any) -> Any:
        if isinstance(key, np.generic):
            key = key.item()
        if isinstance(key, str) or type(key) in (bool, int, float):
            return str(key) if isinstance(key, str) else key
        raise ExportError(f"a dictionary has a key of type {type(key).__name__}; use text")

    def _count(self, depth: int) -> None:
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise ExportError(
                f"the value is nested deeper than {MAX_DEPTH} levels or contains itself"
            )
        if self.nodes > MAX_NODES:
            raise ExportError(f"the value has more than {MAX_NODES:,} parts; use an array")


def _bounded_int(value: Any) -> Any:
    if type(value) is int and value.bit_length() > 64:
        raise ExportError("a whole number of more than 64 bits is no answer to any exercise")
    return value


def _no(value: Any) -> Any:
    raise ExportError(
        f"a value of type {type(value).__name__} cannot be checked; "
        "return numbers, text, lists, dictionaries or arrays"
    )


def from_plain(tree: Any, arrays: list[np.ndarray]) -> Any:
    """Rebuild the value that `to_plain` has turned into plain data.

    Args:
        tree: A tree of JSON values, from a sender who is not trusted.
        arrays: The arrays that it refers to.

    Returns:
        The value, with an array for each tensor.

    Raises:
        ExportError: If the tree is malformed.
    """
    try:
        return _unpack(tree, arrays, 0)
    except ExportError:
        raise
    except (TypeError, KeyError, IndexError, ValueError, AttributeError):
        raise ExportError("the data is malformed") from None


def _unpack(tree: Any, arrays: list[np.ndarray], depth: int) -> Any:
    if depth > MAX_DEPTH + 2:
        raise ExportError("the data is nested too deep")
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return _bounded_int(tree)
    ((kind, body),) = tree.items()
    if kind == "float":
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[body]
    if kind == "array":
        return arrays[_index(body, len(arrays))]
    if kind in ("list", "tuple"):
        items = [_unpack(v, arrays, depth + 1) for v in body]
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        return {k: _unpack(v, arrays, depth + 1) for k, v in body}
    raise ExportError("the data is malformed")


def _index(value: Any, size: int) -> int:
    if type(value) is not int or not 0 <= value < size:
        raise ExportError("the data refers to an array that is not there")
    return value


# ---------------------------------------------------------------------- bytes


def dumps(tree: Any, arrays: list[np.ndarray]) -> bytes:
    """Write plain data as bytes.

    Args:
        tree: A tree of JSON values.
        arrays: The arrays that it refers to.

    Returns:
        The length of a JSON head (8 bytes), the head, and the arrays' raw bytes.

    Raises:
        ExportError: If the tree is too large.
    """
    return b"".join(chunks(tree, arrays))


def chunks(tree: Any, arrays: list[np.ndarray]) -> list[bytes | memoryview]:
    """Write plain data as `dumps` does, in parts.

    Args:
        tree: A tree of JSON values.
        arrays: The arrays that it refers to.

    Returns:
        The head, then one part for each array, which is the array's own memory and no copy.

    Raises:
        ExportError: If the tree is too large.
    """
    arrays = [np.ascontiguousarray(a).reshape(np.shape(a)) for a in arrays]
    head = json.dumps({"tree": tree, "arrays": [[a.dtype.str, list(a.shape)] for a in arrays]})
    body = head.encode()
    if len(body) > MAX_HEAD:
        raise ExportError(f"more than {MAX_HEAD // 2**20} MB of text and numbers; use an array")
    body += b" " * (-(8 + len(body)) % ALIGNMENT)  # an unaligned array is slow to read
    return [len(body).to_bytes(8, "little") + body, *map(_bytes_of, arrays)]


def _bytes_of(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def loads(raw: bytes | memoryview) -> tuple[Any, list[np.ndarray]]:
    """Read what `dumps` wrote, from a sender who is not trusted.

    Nothing is decompressed or executed, and no array is larger than its bytes.

    Args:
        raw: The bytes.

    Returns:
        The tree, and the arrays as views of the bytes.

    Raises:
        ExportError: If the bytes are malformed, cut short or too many.
    """
    end = 8 + int.from_bytes(raw[:8], "little")
    if end > MAX_HEAD + 8 or len(raw) > MAX_BYTES + end:
        raise ExportError(f"more than {MAX_BYTES // 2**20} MB are too much to check")
    try:
        head = json.loads(bytes(raw[8:end]))
        tree, kinds = head["tree"], head["arrays"]
        if len(kinds) > MAX_ARRAYS:
            raise ExportError(f"more than {MAX_ARRAYS:,} arrays are too many to check")
        return tree, _arrays(raw, end, kinds)
    except ExportError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ExportError("the data is malformed") from None


def _arrays(raw: bytes | memoryview, at: int, kinds: list) -> list[np.ndarray]:
    """The arrays that follow each other from byte ``at`` on, by their ``[dtype, shape]``."""
    arrays = []
    for name, sizes in kinds:
        dtype, shape = _dtype(name), tuple(map(_length, sizes))
        count = math.prod(shape)
        if at + dtype.itemsize * count > len(raw):
            raise ExportError("the data is cut short")
        arrays.append(np.frombuffer(raw, dtype, count, at).reshape(shape))
        at += dtype.itemsize * count
    return arrays


def _dtype(name: Any) -> np.dtype:
    if not isinstance(name, str) or not _DTYPE.fullmatch(name):
        raise ValueError("no dtype of numbers, truth values or text")
    return np.dtype(name)


def _length(size: Any) -> int:
    if type(size) is not int or not 0 <= size < 2**40:
        raise ValueError("no length of an axis")
    return size
