"""Images that no notebook has seen; the judges of a run draw them once for all.

A network that was trained on just these images would shine on them alone. So what is measured on
them is measured on other images too, and a large difference is for a person to see.
"""

import contextlib
import hashlib
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autograder import course
from autograder.judge import source
from convcourse import outcomes, profile
from convcourse.files import write_whole
from convcourse.wire import export

IMAGES = 2_000
OTHERS = (500, 2_000)  # a first glance, and as many as judge where it finds a difference
SLACK = 0.015  # by which an honest network may be better on the images that judge
FAR = (
    "The network is right about {:.0%} of the images that judge and about {:.0%} of other images "
    "of the same kind: was it trained on those that judge?"
)

_kept_in: Path | None = None  # where the judges of a run keep their images


def keep_in(folder: str | os.PathLike) -> None:
    """Keep held-out images in this folder for all judges of a run; students must not see it."""
    global _kept_in
    _kept_in = Path(folder)


def images(number: int = IMAGES, dataset: str = "cifar10") -> tuple[np.ndarray, np.ndarray]:
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
    return _kept(_drawn, number, dataset)


def measured(measure: Callable[[np.ndarray, np.ndarray], float], dataset: str = "cifar10") -> float:
    """Measure a network on the images of `images`, and look for one that knows them.

    The same is measured on images that do not judge: under *offline* on others of the generator,
    under *quick* and *full* on training images that no network should be fitted to. If the share is
    much lower there, a person is asked to look; the points stay.

    Args:
        measure: Takes ``x`` and ``y``, as `images` gives them, and returns the share of them that
            the network is right about.
        dataset: ``cifar10`` or ``cifar100``.

    Returns:
        What ``measure`` returns for the held-out images.
    """
    x, y = images(dataset=dataset)
    reached = measure(x, y)
    if source.are_looks_taken():
        with contextlib.suppress(outcomes.CheckFailed):  # only the first measurement judges
            elsewhere = _elsewhere(measure, dataset, reached, len(y))
            if elsewhere is not None:
                source.look(FAR.format(reached, elsewhere))
    return reached


def _elsewhere(
    measure: Callable[[np.ndarray, np.ndarray], float], dataset: str, reached: float, count: int
) -> float | None:
    """The share of other images, if it is lower by more than chance explains."""
    glance, _ = _compared(measure, dataset, OTHERS[0], reached, count)
    if glance < 1.5:
        return None
    errors, share = _compared(measure, dataset, OTHERS[1], reached - SLACK, count)
    return share if errors > 3.5 else None


def _compared(
    measure: Callable[[np.ndarray, np.ndarray], float],
    dataset: str,
    number: int,
    reached: float,
    count: int,
) -> tuple[float, float]:
    """By how many standard errors fewer other images are right, and the share of them."""
    x, y = _kept(_others, number, dataset)
    share = measure(x, y)
    likely = min(max(share, 0.1), 0.9)
    error = math.sqrt(likely * (1 - likely) * (1 / count + 1 / len(y)))
    return (reached - share) / error, share


def _kept(
    draw: Callable[[int, str], tuple[np.ndarray, np.ndarray]], number: int, dataset: str
) -> tuple[np.ndarray, np.ndarray]:
    """What ``draw`` gives, drawn once for all judges of a run."""
    if _kept_in is None:
        return draw(number, dataset)
    known = [draw.__name__, profile.current().name, number, dataset, course.load().heldout_seed]
    known.append(os.environ.get("COURSE_DATA", ""))
    path = _kept_in / hashlib.sha256(repr(known).encode()).hexdigest()
    with contextlib.suppress(OSError):
        return tuple(export.from_plain(*export.loads(path.read_bytes())))
    found = draw(number, dataset)
    with contextlib.suppress(OSError):  # if the folder cannot be written, each judge draws its own
        write_whole(path, export.dumps(*export.to_plain(found)))
    return found


def _drawn(number: int, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    if profile.current().name == "offline":
        return _generated(number, dataset, 0)
    return _mirrored_test_images(number, dataset)


def _others(number: int, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    """Images that do not judge, and that an honest network does not know better than those."""
    if profile.current().name == "offline":
        return _generated(number, dataset, IMAGES + _before(number))
    return _mirrored_training_images(number, dataset)


def _before(number: int) -> int:
    """How many of the other images the first glance has taken."""
    return 0 if number == OTHERS[0] else OTHERS[0]


def _generated(number: int, dataset: str, start: int) -> tuple[np.ndarray, np.ndarray]:
    from convcourse import shapes

    make = shapes.shapes10 if dataset == "cifar10" else shapes.shapes100
    x, y = make(number, split=1, seed=course.load().heldout_seed, start=start)[:2]
    return x, np.ravel(y)


def _mirrored_test_images(number: int, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    from convcourse import data

    # Load all images, whatever the profile uses; notebooks get the first ones of each class.
    everything = data.load(dataset, train=10, test=10_000)
    order = np.random.default_rng(course.load().heldout_seed).permutation(len(everything.x_test))
    seen = profile.current().test_images
    pool = (
        order
        if seen is None or seen >= len(order)
        else _last_of_each_class(everything.y_test, seen)
    )
    chosen = pool[:number]
    return everything.x_test[chosen][:, :, ::-1], np.ravel(everything.y_test)[chosen]


def _mirrored_training_images(number: int, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    """Those that the profile does not load; under *full* some of the last, which validate."""
    from convcourse import data

    everything = data.load(dataset, train=50_000, test=10)
    seen, count = profile.current().train_images, len(everything.x_train)
    last = np.arange(count * 4 // 5, count)
    if seen is not None and seen < count:
        last = _last_of_each_class(everything.y_train, seen)
    order = np.random.default_rng(course.load().heldout_seed).permutation(last)
    chosen = order[_before(number) :][:number]
    return everything.x_train[chosen][:, :, ::-1], np.ravel(everything.y_train)[chosen]


def _last_of_each_class(labels: np.ndarray, seen: int) -> np.ndarray:
    labels = np.ravel(labels)
    each = seen // len(np.unique(labels))
    rest = [np.flatnonzero(labels == c)[each:] for c in np.unique(labels)]
    return np.random.default_rng(course.load().heldout_seed).permutation(np.concatenate(rest))
