"""An unpickler that admits arrays and plain values only: a data file cannot run code."""

import io
import pickle
from typing import Any

import numpy as np

_ADMITTED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("_codecs", "encode"),
}
# NumPy 2 renamed numpy.core. A file names the module of the NumPy that wrote it.
_MULTIARRAY = np.empty(0).__reduce__()[0].__module__


class UnpickleError(ValueError):
    """The file is not a pickle of arrays and plain values."""


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise UnpickleError(f"it asks for {module}.{name}, which no data file needs")
        here = _MULTIARRAY if module.endswith("core.multiarray") else module
        return super().find_class(here, name)


def loads(raw: bytes) -> Any:
    """Read a pickle without running any code that it names.

    Args:
        raw: The content of the file. Text that Python 2 wrote comes as bytes.

    Returns:
        Arrays and plain values, as the file holds them.

    Raises:
        UnpickleError: If the file is damaged or holds anything else.
    """
    try:
        value = _Plain(io.BytesIO(raw), encoding="bytes").load()
    except UnpickleError:
        raise
    except Exception as error:
        raise UnpickleError(f"it cannot be read ({type(error).__name__})") from None
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        raise UnpickleError("it holds objects, which no data file needs")
    return value
