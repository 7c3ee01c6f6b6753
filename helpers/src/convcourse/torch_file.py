"""Reads the arrays of a weights file that PyTorch wrote before version 1.6, without PyTorch.

Such a file is five pickles and then the raw numbers. The unpickler here admits what describes
arrays and nothing else, so a file cannot run code.
"""

import io
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
TYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "LongStorage": "<i8", "IntStorage": "<i4"}


class TorchFileError(ValueError):
    """The file is not a weights file of PyTorch, or not of this form."""


@dataclass(frozen=True)
class _Place:
    """Where an array lies in which storage: its first number, shape and strides, in numbers."""

    key: str
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read(raw: bytes) -> dict[str, np.ndarray]:
    """Read the arrays of a weights file.

    Args:
        raw: The content of the file.

    Returns:
        The arrays by name, in the file's order.

    Raises:
        TorchFileError: If the file is damaged, has another form, or holds anything but arrays.
    """
    stream = io.BytesIO(raw)
    try:
        magic, _, _, places, keys = (_Plain(stream).load() for _ in range(5))
        if magic != MAGIC:
            raise TorchFileError("it does not begin as PyTorch's files did before version 1.6")
        dtypes = {place.key: place.dtype for place in places.values()}
        storages = {}
        for key in keys:
            (count,) = np.frombuffer(stream.read(8), "<i8")
            dtype = np.dtype(dtypes[key])
            storages[key] = np.frombuffer(stream.read(int(count) * dtype.itemsize), dtype)
        return {str(name): _array(storages, place) for name, place in places.items()}
    except TorchFileError:
        raise
    except Exception as error:
        raise TorchFileError(f"it cannot be read ({type(error).__name__})") from None


def _array(storages: dict[str, np.ndarray], place: _Place) -> np.ndarray:
    storage = storages[place.key]
    last = place.offset + sum(
        (count - 1) * stride for count, stride in zip(place.shape, place.strides, strict=True)
    )
    if min((*place.shape, *place.strides, place.offset, 0)) < 0 or last >= len(storage):
        raise TorchFileError("an array does not fit into its storage")
    strides = [stride * storage.itemsize for stride in place.strides]
    start = storage[place.offset :]
    return np.lib.stride_tricks.as_strided(start, place.shape, strides, writeable=False).copy()


def _place(storage: tuple, offset: int, shape: tuple, strides: tuple, *_: Any) -> _Place:
    """Stand in for the function of PyTorch that makes a tensor of a storage."""
    key, dtype = storage
    return _Place(key, dtype, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _place
        if module == "torch" and name in TYPES:
            return TYPES[name]
        raise TorchFileError(f"it asks for {module}.{name}, which no array needs")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, dtype, key, *_ = pid
        return key, dtype
