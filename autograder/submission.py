"""The judge's view of a student's work: values, models and calls, as data.

A hidden test block imports this module and nothing else. Where the work is asked for it comes
from a *source*: in a notebook's own kernel (stock nbgrader) the namespace of that kernel, under
another grader whatever that grader connects. Both export through `helpers.export`, so that only
plain data arrives here, and the verdict on honest work is the same.
"""

import contextlib
import functools
import hashlib
import inspect
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from autograder import course
from helpers import checks as _checks
from helpers import export, profile
from helpers.answers import Namespace


class _Hidden:
    """`helpers.checks` for hidden blocks: its messages quote no value of a hidden case."""

    def __getattr__(self, name: str) -> Any:
        member = getattr(_checks, name)
        if not inspect.isfunction(member):
            return member

        @functools.wraps(member)
        def check(*args: Any, **kwargs: Any) -> Any:
            with _checks.without_values():
                return member(*args, **kwargs)

        return check


checks = _Hidden()


class Source(Protocol):
    """Where a student's work lives; every answer is plain data as `helpers.export` makes it.

    The answer of `values` is a list. The arguments of a model are ``[args, kwargs]``, those of
    `call` a list of such pairs; its answer is the list of what the function returned for each.
    """

    def values(self, names: list[str]) -> tuple[Any, list[np.ndarray]]: ...

    def call(self, name: str, arguments: tuple[Any, list]) -> tuple[Any, list[np.ndarray]]: ...

    def model(self, name: str, arguments: tuple[Any, list] | None) -> tuple[dict, list]: ...


_source: Source = Namespace()
_noted: dict[str, str | float] = {}
_rebuilt: dict[bytes, Any] = {}  # the last models, by a hash of what they were rebuilt from
KEPT = 3
BATCH = 256  # images that a network sees at a time
_kept_in: Path | None = None  # where the judges of a run keep what they draw


def connect(source: Source) -> None:
    """Take the student's work from another source from now on."""
    global _source
    _source = source


def keep_in(folder: str | os.PathLike) -> None:
    """Keep held-out images in this folder, for all judges of a run; no student may see it."""
    global _kept_in
    _kept_in = Path(folder)


def note(**facts: str | float) -> None:
    """Keep facts about this work beside its score, for the class's leaderboard.

    They count only where the block ends in a score above 0. Students never see them, and stock
    nbgrader does not keep them.
    """
    _noted.update(facts)


def take_notes() -> dict[str, str | float]:
    """What was noted since the last time, as short text and numbers."""
    taken = {k: v[:200] if isinstance(v, str) else float(v) for k, v in _noted.items()}
    _noted.clear()
    return taken


def value(name: str) -> Any:
    """The plain value of a name in the notebook. Raises `checks.NotAttempted` without one."""
    return values(name)[0]


def values(*names: str) -> list:
    """What `value` gives for each of these names, asked for at once."""
    try:
        found = _value(", ".join(names), _source.values(list(names)))
    except _checks.CheckFailed:
        if len(names) == 1:
            raise
        return [value(name) for name in names]  # one of them fails again, in its own words
    whole = isinstance(found, list) and len(found) == len(names)
    _checks.that(whole, f"{', '.join(names)}: the data is malformed.")
    return found


def call(name: str, *args: Any, **kwargs: Any) -> Any:
    """What the student's function returns for these plain arguments.

    Raises `checks.NotAttempted`, `checks.StudentError` (their exception, with their line) or
    `checks.Wrong` when the result is no plain data.
    """
    return calls(name, [args], **kwargs)[0]


def calls(name: str, cases: Iterable[Sequence], **kwargs: Any) -> list:
    """What the student's function returns for each of these tuples of arguments, in their order.

    As so many times `call`, with ``kwargs`` each time, but asked for at once, which saves the way
    there and back. The first case that fails ends them all.
    """
    asked = [[list(args), kwargs] for args in cases]
    results = _value(name, _source.call(name, export.to_plain(asked)))
    # Whoever writes answers of their own could leave out those that are wrong.
    whole = isinstance(results, list) and len(results) == len(asked)
    _checks.that(whole, f"{name}: the data is malformed.")
    return results


def model(name: str) -> Any:
    """A Keras model of the notebook, rebuilt from its layers and weights; not compiled.

    As long as nothing about it changes, it is the same object each time: ask it, never change it.
    """
    return _rebuild(name, _source.model(name, None))


def build(name: str, *args: Any, **kwargs: Any) -> Any:
    """The Keras model that the student's function builds for these arguments, rebuilt."""
    return _rebuild(name, _source.model(name, _pack(args, kwargs)))


def compiled(name: str) -> dict:
    """Compile settings of a model of the notebook: optimizer, learning_rate, loss, metrics.

    Raises `checks.Wrong` when the model is not compiled.
    """
    settings = _source.model(name, None)[0].get("compiled") or {}
    _checks.that(settings, f"{name} is not compiled: call {name}.compile(...) before training.")
    return settings


def heldout(images: int = 2_000, dataset: str = "cifar10") -> tuple[np.ndarray, np.ndarray]:
    """Images that no notebook has seen: ``x`` (N, 32, 32, 3) uint8, ``y`` (N,) uint8.

    Under *offline* they are generated from course.toml's ``heldout_seed``; `helpers.data` teaches
    with seed 0. Under *quick* and *full* they come from the official test images, mirrored: under
    *quick* from those that the balanced subset leaves out, under *full* from all, since no other
    real images exist.
    """
    if _kept_in is None:
        return _heldout(images, dataset)
    known = [profile.current().name, images, dataset, course.load().heldout_seed]
    known.append(os.environ.get("COURSE_DATA", ""))
    path = _kept_in / hashlib.sha256(repr(known).encode()).hexdigest()
    with contextlib.suppress(OSError):
        return tuple(export.from_plain(*export.loads(path.read_bytes())))
    found = _heldout(images, dataset)
    with contextlib.suppress(OSError):  # where nothing can be kept, each judge draws its own
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(export.dumps(*export.to_plain(found)))
        os.replace(fresh, path)
    return found


def _heldout(images: int, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    if profile.current().name == "offline":
        from helpers import shapes

        make = shapes.shapes10 if dataset == "cifar10" else shapes.shapes100
        x, y = make(images, split=1, seed=course.load().heldout_seed)[:2]
        return x, np.ravel(y)
    return _mirrored_test_images(images, dataset)


def _mirrored_test_images(images: int, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    from helpers import data

    # Asking for all of them, whatever the profile takes; notebooks get the first of each class.
    everything = data.load(dataset, train=10, test=10_000)
    order = np.random.default_rng(course.load().heldout_seed).permutation(len(everything.x_test))
    seen = profile.current().test_images
    pool = order if seen is None or seen >= len(order) else _last_of_each_class(everything, seen)
    chosen = pool[:images]
    return everything.x_test[chosen][:, :, ::-1], np.ravel(everything.y_test)[chosen]


def _last_of_each_class(dataset: Any, seen: int) -> np.ndarray:
    labels = np.ravel(dataset.y_test)
    each = seen // len(np.unique(labels))
    rest = [np.flatnonzero(labels == c)[each:] for c in np.unique(labels)]
    return np.random.default_rng(course.load().heldout_seed).permutation(np.concatenate(rest))


def threshold(key: str) -> float:
    """The calibrated threshold of course.toml under the present profile."""
    return course.load().threshold(key, profile.current().name)


def predict(network: Any, x: np.ndarray) -> np.ndarray:
    """What a rebuilt model of one output gives for ``x``, as its own ``predict`` would.

    TensorFlow takes the network in once, for any number of images; Keras makes a pipeline for each
    call, and takes the network in again where their number differs. Raises `checks.Wrong` for a
    model of several outputs.
    """
    x = np.asarray(x)
    taken_in = _taken_in(network, x.shape[1:], x.dtype)
    parts = [taken_in(x[at : at + BATCH]) for at in range(0, len(x), BATCH)]
    _checks.that(all(hasattr(p, "numpy") for p in parts), "The network has more than one output.")
    return np.concatenate([part.numpy() for part in parts])


@functools.lru_cache(maxsize=KEPT)
def _taken_in(network: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *shape), dtype)]
    return tf.function(lambda x: network(x, training=False), input_signature=signature)


def accuracy(network: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Share of images that a rebuilt model classifies rightly; ``y`` holds class numbers.

    Raises `checks.Wrong` when the outputs do not fit, or are not finite.
    """
    scores = predict(network, x)
    _checks.shape(scores, (len(x), None), "What the network predicts")
    _checks.that(np.isfinite(scores).all(), "The network predicts values that are not finite.")
    return float(np.mean(scores.argmax(axis=1) == np.ravel(y)))


def is_cross_entropy(figure: float, chances: np.ndarray, y: np.ndarray) -> bool:
    """Whether a figure is the mean cross-entropy of these probabilities, to one part in a hundred.

    chances: (N, classes), y: (N,) class numbers. Keras goes back to the logits where softmax is an
    activation, and takes the probabilities, none below 1e-7, where it is a layer of its own: for
    a network that is sure of its mistakes, these differ. Both are right, and where a probability
    is too small for a float, any larger figure.
    """
    own, least = np.ravel(chances[np.arange(len(y)), np.ravel(y)]), np.finfo(np.float32).tiny
    bounded, exact = (-np.log(np.float64(own).clip(low, 1)).mean() for low in (1e-7, least))
    near = any(abs(figure - want) <= 0.01 * want for want in (bounded, exact))
    return bool(near or (own.min() < least and exact < figure < np.inf))


def seconds(name: str, *args: Any, **kwargs: Any) -> float:
    """Wall time of one call of the student's function, transport included."""
    start = time.perf_counter()
    call(name, *args, **kwargs)
    return time.perf_counter() - start


def _pack(args: tuple, kwargs: dict) -> tuple[Any, list]:
    return export.to_plain([list(args), kwargs])


def _value(name: str, plain: tuple[Any, list]) -> Any:
    try:
        return export.from_plain(*plain)
    except export.ExportError as error:
        raise _checks.Wrong(f"{name}: {error}.") from None


def _rebuild(name: str, plain: tuple[dict, list]) -> Any:
    try:
        digest = hashlib.sha256()
        for part in export.chunks(*plain):
            digest.update(part)
        known = digest.digest()
        if known not in _rebuilt:
            rebuilt = export.model_from_plain(*plain)
            while len(_rebuilt) >= KEPT:
                del _rebuilt[next(iter(_rebuilt))]
            _rebuilt[known] = rebuilt
        return _rebuilt[known]
    except export.ExportError as error:
        raise _checks.Wrong(f"{name}: {error}.") from None
