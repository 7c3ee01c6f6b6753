"""Batch files in the form in which CIFAR is published: read one, or write small ones."""

import pickle
from pathlib import Path

import numpy as np

from convcourse import _unpickle, shapes

BY_HAND = (
    "put the official files into a folder and name it in COURSE_DATA, or set "
    "COURSE_PROFILE=offline, which needs none"
)


class DataError(RuntimeError):
    """The data is missing or damaged; the message says how to fix it."""


def official_batch(path: str | Path) -> dict:
    """Read one official batch file.

    Args:
        path: The file, of CIFAR-10 or CIFAR-100.

    Returns:
        A dictionary with text keys: ``data`` is (N, 3072) uint8, the red, green and blue plane of
        each image; ``labels`` (in CIFAR-100 ``fine_labels``) is a list of N classes.

    Raises:
        DataError: If the file is missing, cut short, changed, or holds anything but data.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is not there; {BY_HAND}.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); {BY_HAND}.") from None
    return parsed_batch(raw, f"{path.parent.name}/{path.name}")


def parsed_batch(raw: bytes, called: str) -> dict:
    """Read the content of an official batch file, as `official_batch` does.

    Args:
        raw: The content.
        called: How a message names the file.

    Raises:
        DataError: If the content is cut short, changed, or holds anything but data.
    """
    try:
        named = _unpickle.loads(raw)
        batch = {k.decode() if isinstance(k, bytes) else str(k): v for k, v in named.items()}
        rows = np.asarray(batch["data"])
        if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != 3072:
            raise _unpickle.UnpickleError("its pixels are not rows of 3,072 bytes")
        _check_labels(batch, len(rows))
    except (_unpickle.UnpickleError, KeyError, AttributeError, TypeError) as error:
        words = error if isinstance(error, ValueError) else "it is not laid out as a batch"
        raise DataError(
            f"{called} is damaged or not official: {words}; download it again."
        ) from None
    return batch


def _check_labels(batch: dict, images: int) -> None:
    kinds = {"labels": 9} if "labels" in batch else {"fine_labels": 99, "coarse_labels": 19}
    for kind, top in kinds.items():
        labels = batch.get(kind)
        if labels is None or len(labels) != images:
            raise _unpickle.UnpickleError("it does not have one label for each image")
        if not all(isinstance(k, int) and 0 <= k <= top for k in labels):
            raise _unpickle.UnpickleError(f"its labels are not whole numbers from 0 to {top}")


def sample_batch_folder(folder: str | Path, images: int = 200) -> Path:
    """Write generated images in the form of CIFAR-10's official batch files.

    Args:
        folder: Where to make the folder ``cifar-10-batches-py``.
        images: How many images each of the six files holds.

    Returns:
        The path of the new folder.
    """
    to = Path(folder) / "cifar-10-batches-py"
    to.mkdir(parents=True, exist_ok=True)
    for k in range(6):
        x, y = shapes.shapes10(images, split=int(k == 5), start=images * (k if k < 5 else 0))
        name = f"data_batch_{k + 1}" if k < 5 else "test_batch"
        batch = {
            b"batch_label": name.encode(),
            b"labels": [int(label) for label in y[:, 0]],
            b"data": x.transpose(0, 3, 1, 2).reshape(images, 3072),
            b"filenames": [f"{name}_{i}.png".encode() for i in range(images)],
        }
        (to / name).write_bytes(pickle.dumps(batch, protocol=4))
    return to
