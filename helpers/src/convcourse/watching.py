"""What a function trains: on which images and labels, and with which settings.

Inside ``with watched() as trainings`` every training is a real one, and is recorded as well. A
check calls a student's function there with a small network and a few images::

    with watching.watched() as trainings:
        train(network, x, y)
    one = watching.only(trainings, "train")
    checks.equal(one.batch_size, 128, "batch_size")
    checks.array_equal(one.x, x[:8], "The images that train trains on")

``convcourse.training.fit`` neither restores nor saves a checkpoint there.
"""

import contextlib
import functools
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convcourse.outcomes import that

PLAIN = ("name", "x", "y", "val_x", "val_y", "batch_size", "epochs", "initial_epoch")
MOST = 200  # batches of a data set that are recorded
MOST_EAGER = 50  # steps of a training that are not traced
_watched: ContextVar[list["Training"] | None] = ContextVar("watched", default=None)
_name: ContextVar[str | None] = ContextVar("name of the checkpoint", default=None)


@dataclass(frozen=True)
class Training:
    """One call of ``fit``.

    Attributes:
        name: The checkpoint's name; None if the network's own ``fit`` was called.
        x: The images that the weights were fitted to, (N, ...), without those set aside for
            validation; for a data set, its batches one after the other, as it gives them.
        y: Their labels, (N, ...).
        val_x: The validation images, however they were set aside; None without validation.
        val_y: Their labels.
        batch_size: Images in a batch; 32 if the call names none, as in Keras; for a data set, the
            size of its first batch.
        epochs: The number of the last epoch.
        initial_epoch: The number of epochs before the first one.
        compiled: The compile settings, as ``convcourse.wire.models.compile_settings`` gives them.
        model: The network itself.
        settings: All other settings of the call by name.
    """

    name: str | None
    x: Any
    y: Any
    val_x: Any
    val_y: Any
    batch_size: int
    epochs: int
    initial_epoch: int
    compiled: dict
    model: Any
    settings: dict = field(default_factory=dict)


@contextlib.contextmanager
def watched(traced: bool = False) -> Iterator[list[Training]]:
    """Record each training inside, and let it run.

    Args:
        traced: Whether a short training is traced as well. Then a network that trains again without
            a new compile fits the weights that could be trained before, as in a notebook.

    Yields:
        The list that fills with one `Training` for each call of a network's ``fit``.
    """
    import keras

    found: list[Training] = []
    own = keras.Model.fit
    parameters = ("x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split")

    @functools.wraps(own)
    def fit(model: Any, *args: Any, **settings: Any) -> Any:
        asked = dict(zip(parameters, args, strict=False)) | settings
        one = _record(model, asked)
        found.append(one)
        with step_by_step(model) if _is_short(one) and not traced else contextlib.nullcontext():
            return own(model, *args, **(settings | {"verbose": 0} if len(args) < 5 else settings))

    token = _watched.set(found)
    keras.Model.fit = fit
    try:
        yield found
    finally:
        keras.Model.fit = own
        _watched.reset(token)


def _is_short(one: Training) -> bool:
    """Whether a training takes fewer steps than pay for tracing one of them."""
    if one.x is None:
        return False
    return (one.epochs - one.initial_epoch) * -(-len(one.x) // one.batch_size) <= MOST_EAGER


@contextlib.contextmanager
def step_by_step(model: Any) -> Iterator[None]:
    """Let a network train eagerly inside: TensorFlow needs a second to trace the first step.

    Args:
        model: A compiled Keras model. Afterwards it is as before.
    """
    before = model.run_eagerly
    if before or model.train_function is not None:
        yield
        return
    model.run_eagerly = True
    try:
        yield
    finally:
        model.run_eagerly = before
        model.train_function = model.test_function = None


def is_watched() -> bool:
    """Whether trainings are being recorded, so that checkpoints must stay as they are."""
    return _watched.get() is not None


@contextlib.contextmanager
def under(name: str) -> Iterator[None]:
    """Record the trainings inside under the name of a checkpoint.

    Args:
        name: The checkpoint's name.
    """
    token = _name.set(name)
    try:
        yield
    finally:
        _name.reset(token)


def only(trainings: list[Training], function: str) -> Training:
    """Take the one training that a function should run.

    Args:
        trainings: What `watched` has recorded.
        function: The function's name, for the message.

    Returns:
        The training.

    Raises:
        Wrong: If there is none, or more than one, or if some images count more than others.
    """
    that(trainings, f"{function} does not train: call training.fit.")
    that(len(trainings) == 1, f"{function} trains {len(trainings)} times; expected one training.")
    _counts_each_image_once(trainings[0], function)
    return trainings[0]


def _counts_each_image_once(one: Training, function: str) -> None:
    """Check that an epoch is each image once, and that no image counts more than another."""
    for name, which in (("class_weight", "classes"), ("sample_weight", "images")):
        even = one.settings.get(name) is None
        that(even, f"{function} lets some {which} count more than others: leave {name} out.")
    for name, images in (("steps_per_epoch", one.x), ("validation_steps", one.val_x)):
        steps = one.settings.get(name)
        whole = steps is None or images is None or steps * one.batch_size >= len(images)
        that(whole, f"{function} uses only {steps} of the batches in each epoch: leave {name} out.")


def without(one: Any, function: str, *callbacks: str) -> None:
    """Check that a training has none of these callbacks, which would make it another training.

    Args:
        one: The training, as `only` gives it.
        function: The function's name, for the message.
        *callbacks: Names of Keras classes, such as ``"EarlyStopping"``.

    Raises:
        Wrong: If it has one of them.
    """
    used = one.settings.get("callbacks") or []
    for callback in used if isinstance(used, (list, tuple)) else [used]:
        name = type(callback).__name__
        does = "may stop early" if "Stopping" in name else "changes the learning rate"
        that(name not in callbacks, f"The training of {function} {does}: leave {name} out.")


def last_set_aside(one: Any, x: np.ndarray, y: np.ndarray, share: float, function: str) -> None:
    """Check that a training validates on the last images and fits the weights to all others.

    Args:
        one: The training, as `only` gives it.
        x: The images that the function was given, (N, ...), no two of them equal.
        y: Their labels, (N,) or (N, 1).
        share: How much of the images is to be set aside, from 0 to 1.
        function: The function's name, for the message.

    Raises:
        Wrong: If images or labels are not those that they should be; the message says how.
    """
    last = f"the last {share:.0%} of the images"
    that(one.val_x is not None, f"{function} trains without validation data: set {last} aside.")
    fitted = _positions(one.x, x, f"{function} fits the weights to")
    held = _positions(one.val_x, x, f"{function} validates on")
    both = set(fitted) & set(held)
    that(not both, f"{function} fits the weights to the validation images too: keep them apart.")
    count = round(len(x) * share)
    first = len(x) - count
    aside = sorted(held) == list(range(first, len(x)))
    that(aside, f"{function} sets other images aside as validation data than {last}.")
    whole = sorted(fitted) == list(range(first))
    that(whole, f"{function} does not fit the weights to each of the other images once per epoch.")
    for labels, positions, kind in ((one.y, fitted, "training"), (one.val_y, held, "validation")):
        coded = np.ndim(labels) == 2 and np.shape(labels)[1] > 1
        that(not coded, f"{function} gives the {kind} images one-hot labels: leave them integers.")
        same = np.array_equal(np.ravel(labels), np.ravel(y)[positions])
        that(same, f"{function} gives the {kind} images labels that are not their own.")


def _positions(images: Any, x: np.ndarray, does: str) -> list[int]:
    """Where each image is in x."""
    found: list[int] = []
    if isinstance(images, np.ndarray) and images.shape[1:] == x.shape[1:]:
        where = {image.tobytes(): at for at, image in enumerate(x)}
        found = [where.get(image.tobytes(), -1) for image in images.astype(x.dtype)]
    own = bool(found) and -1 not in found
    that(own, f"{does} images that it was not given: use its arguments as they are.")
    return found


def plain(one: Training) -> dict[str, Any]:
    """The attributes of a training that are plain data.

    Args:
        one: A training.

    Returns:
        A dictionary with all attributes but the network; settings that are objects, such as
        callbacks, by the names of their classes.
    """
    settings = {key: _named(value) for key, value in one.settings.items()}
    return {n: getattr(one, n) for n in PLAIN} | {"compiled": one.compiled, "settings": settings}


def _named(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_named(one) for one in value]
    if value is None or isinstance(value, (bool, int, float, str)) or hasattr(value, "__array__"):
        return value
    return type(value).__name__


def _record(model: Any, asked: dict[str, Any]) -> Training:
    from convcourse.wire.models import compile_settings

    x, y, first = _whole(asked.pop("x", None), asked.pop("y", None))
    split = asked.pop("validation_split", 0) or 0
    val_x, val_y = _validation(asked.pop("validation_data", None))
    if val_x is None and split and x is not None:
        at = int(len(x) * (1 - split))  # as Keras cuts, before it shuffles
        x, y, val_x, val_y = x[:at], y[:at], x[at:], y[at:]
    return Training(
        _name.get(),
        x,
        y,
        val_x,
        val_y,
        asked.pop("batch_size", None) or first or 32,
        asked.pop("epochs", None) or 1,
        asked.pop("initial_epoch", None) or 0,
        compile_settings(model),
        model,
        asked,
    )


def _whole(x: Any, y: Any) -> tuple[Any, Any, int]:
    """Images and labels of arrays or of a data set, as arrays; and the size of its first batch."""
    if y is not None:
        return np.asarray(x), np.asarray(y), 0
    batches = []
    if hasattr(x, "__getitem__") and hasattr(x, "__len__"):
        batches = [x[i] for i in range(min(len(x), MOST))]
    elif hasattr(x, "take"):
        batches = list(x.take(MOST))
    if not batches:
        return None, None, 0
    images, first = [batch[0] for batch in batches], len(batches[0][1])
    labels = np.concatenate([np.asarray(batch[1]) for batch in batches])
    if isinstance(images[0], (list, tuple, dict)):
        return images, labels, first
    return np.concatenate([np.asarray(one) for one in images]), labels, first


def _validation(data: Any) -> tuple[Any, Any]:
    if data is None:
        return None, None
    if isinstance(data, (list, tuple)) and len(data) >= 2:
        return np.asarray(data[0]), np.asarray(data[1])
    return _whole(data, None)[:2]
