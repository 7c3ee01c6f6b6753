"""Images that no notebook has seen; the judges of a run draw them once for all."""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from autograder import course
from convcourse import profile
from convcourse.files import write_whole
from convcourse.wire import export

_kept_in: Path | None = None  # where the judges of a run keep their images


def keep_in(folder: str | os.PathLike) -> None:
    """Keep held-out images in this folder for all judges of a run; students must not see it."""
    global _kept_in
    _kept_in = Path(folder)


def images(number: int = 2_000, dataset: str = "cifar10") -> tuple[np.ndarray, np.ndarray]:
    """Images that no notebook has seen.

    Under *offline* they are generated from course.toml's ``heldout_seed``; `convcourse.data`
    teaches with seed 0. Under *quick* and *full* they come from the official test images,
    mirrored: under *quick* from those outside the balanced subset, under *full* from all of them,
    since no other real images exist.

    Args:
        number: How many images.
        dataset: ``cifar10`` or ``cifar100``.

    Returns:
        ``x``, (N, 32, 32, 3) uint8, and ``y``, (N,) uint8.
    """
    if _kept_in is None:
        return _drawn(number, dataset)
    known = [profile.current().name, number, dataset, course.load().heldout_seed]
    known.append(os.environ.get("COURSE_DATA", ""))
    path = _kept_in / hashlib.sha256(repr(known).encode()).hexdigest()
    with contextlib.suppress(OSError):
        return tuple(export.from_plain(*export.loads(path.read_bytes())))
    found = _drawn(number, dataset)
    with contextlib.suppress(OSError):  # if the folder cannot be written, each judge draws its own
        write_whole(path, export.dumps(*export.to_plain(found)))
    return found


def _drawn(number: int, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    if profile.current().name == "offline":
        from convcourse import shapes

        make = shapes.shapes10 if dataset == "cifar10" else shapes.shapes100
        x, y = make(number, split=1, seed=course.load().heldout_seed)[:2]
        return x, np.ravel(y)
    return _mirrored_test_images(number, dataset)


def _mirrored_test_images(number: int, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    from convcourse import data

    # Load all images, whatever the profile uses; notebooks get the first ones of each class.
    everything = data.load(dataset, train=10, test=10_000)
    order = np.random.default_rng(course.load().heldout_seed).permutation(len(everything.x_test))
    seen = profile.current().test_images
    pool = order if seen is None or seen >= len(order) else _last_of_each_class(everything, seen)
    chosen = pool[:number]
    return everything.x_test[chosen][:, :, ::-1], np.ravel(everything.y_test)[chosen]


def _last_of_each_class(dataset: Any, seen: int) -> np.ndarray:
    labels = np.ravel(dataset.y_test)
    each = seen // len(np.unique(labels))
    rest = [np.flatnonzero(labels == c)[each:] for c in np.unique(labels)]
    return np.random.default_rng(course.load().heldout_seed).permutation(np.concatenate(rest))
