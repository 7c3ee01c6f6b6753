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
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from convcourse import fitting
from convcourse.fitting import Training
from convcourse.outcomes import that

MOST_EAGER = 50  # steps of a training that are not traced
OWN_STEPS = "optimizer.apply_gradients"  # by which a loop of the student's own changes weights
ONE_HOT = "The labels are one-hot, and the loss takes integers: leave the labels as they are."
_watched: ContextVar[list[Training] | None] = ContextVar("watched", default=None)
_name: ContextVar[str | None] = ContextVar("name of the checkpoint", default=None)


@contextlib.contextmanager
def watched(
    traced: bool = False, look: Callable[[], Any] = lambda: None
) -> Iterator[list[Training]]:
    """Record each training inside, and let it run.

    Args:
        traced: Whether a short training is traced as well. Then a network that trains again without
            a new compile fits the weights that could be trained before, as in a notebook.
        look: Called right before and right after each training; the training keeps what it gives.

    Yields:
        The list that fills with one `Training` for each call of a network's ``fit``, with one for
        each network that is trained by ``train_on_batch``, and with one, of which no images are
        known, if an optimizer takes a step outside of both, as in a loop with a gradient tape.
    """
    import keras

    found: list[Training] = []
    running: list[Any] = []  # networks that fit or train_on_batch trains at this moment
    own, step = keras.Model.fit, keras.Model.train_on_batch
    apply = keras.optimizers.Optimizer.apply
    parameters = ("x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split")

    @functools.wraps(own)
    def fit(model: Any, *args: Any, **settings: Any) -> Any:
        given = dict(zip(parameters, args, strict=False)) | settings
        given, asked = fitting.seen(given)
        one = fitting.record(model, _name.get(), asked)
        found.append(one)
        one.looks.append(look())
        running.append(model)
        with step_by_step(model) if _is_short(one) and not traced else contextlib.nullcontext():
            try:
                return own(model, **(given if len(args) > 4 else given | {"verbose": 0}))
            except ValueError:
                integers = str(one.compiled.get("loss")).startswith("sparse")
                that(not (integers and fitting.is_one_hot(one.y)), ONE_HOT)
                raise
            finally:
                running.pop()
                one.looks.append(look())

    @functools.wraps(step)
    def train_on_batch(model: Any, x: Any, y: Any = None, *args: Any, **settings: Any) -> Any:
        if not any(one.by == step.__name__ and one.model is model for one in found):
            given = {} if y is None else {"x": x, "y": y}
            found.append(fitting.record(model, _name.get(), given, step.__name__))
        running.append(model)
        try:
            return step(model, x, y, *args, **settings)
        finally:
            running.pop()

    @functools.wraps(apply)
    def take_step(optimizer: Any, *args: Any, **settings: Any) -> Any:
        if not running and not any(one.by == OWN_STEPS for one in found):
            found.append(fitting.record(None, _name.get(), {}, OWN_STEPS))
        return apply(optimizer, *args, **settings)

    token = _watched.set(found)
    keras.Model.fit, keras.Model.train_on_batch = fit, train_on_batch
    keras.optimizers.Optimizer.apply = take_step
    try:
        yield found
    finally:
        keras.Model.fit, keras.Model.train_on_batch = own, step
        keras.optimizers.Optimizer.apply = apply
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
    for one in trainings:
        by_fit(one, function)
    that(len(trainings) == 1, f"{function} trains {len(trainings)} times; expected one training.")
    counts_each_image_once(trainings[0], function)
    return trainings[0]


def by_fit(one: Any, function: str) -> None:
    """Check that a training is a call of ``fit``, which shows all that it does.

    Args:
        one: The training.
        function: The function's name, for the message.

    Raises:
        Wrong: If it is not.
    """
    that(one.by == "fit", f"{function} fits weights outside training.fit: leave {one.by} out.")


def counts_each_image_once(one: Training, function: str) -> None:
    """Check that an epoch is each image once, and that no image counts more than another.

    Args:
        one: One of the trainings that `watched` has recorded.
        function: The function's name, for the message.

    Raises:
        Wrong: With the setting to leave out.
    """
    for name, which in (("class_weight", "classes"), ("sample_weight", "images")):
        even = one.settings.get(name) is None
        that(even, f"{function} lets some {which} count more than others: leave {name} out.")
    size = one.batch_size
    for name, images, batch in (
        ("steps_per_epoch", one.x, size),
        ("validation_steps", one.val_x, one.settings.get("validation_batch_size") or size),
    ):
        steps = one.settings.get(name)
        whole = steps is None or images is None or steps * batch >= len(images)
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
    tail = sorted(held) == list(range(len(x) - len(held), len(x)))
    other = f"; it is the last {len(held) / len(x):.0%}" if tail else ""
    aside = tail and len(held) == count
    that(aside, f"{function} sets other images aside as validation data than {last}{other}.")
    whole = sorted(fitted) == list(range(first))
    that(whole, f"{function} does not fit the weights to each of the other images once per epoch.")
    for labels, positions, kind in ((one.y, fitted, "training"), (one.val_y, held, "validation")):
        coded = fitting.is_one_hot(labels)
        that(not coded, f"{function} gives the {kind} images one-hot labels: leave them integers.")
        same = np.array_equal(np.ravel(labels), np.ravel(y)[positions])
        that(same, f"{function} gives the {kind} images labels that are not their own.")


def _positions(images: Any, x: np.ndarray, does: str) -> list[int]:
    """Where each image is in x."""
    found: list[int] = []
    unread = "images that a check cannot read: use arrays or a tf.data.Dataset."
    that(images is not None, f"{does} {unread}")
    if isinstance(images, np.ndarray) and images.shape[1:] == x.shape[1:]:
        where = {image.tobytes(): at for at, image in enumerate(x)}
        found = [where.get(image.tobytes(), -1) for image in images.astype(x.dtype)]
    own = bool(found) and -1 not in found
    that(
        own,
        f"{does} images that it was not given, or has changed: use its arguments as they are.",
    )
    return found
