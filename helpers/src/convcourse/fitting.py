"""One call of ``fit``, recorded: its images, its labels and its settings, in whatever form."""

import itertools
import types
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PLAIN = ("name", "x", "y", "val_x", "val_y", "batch_size", "epochs", "initial_epoch", "by")
MOST = 200  # batches of a data set that are recorded


@dataclass(frozen=True)
class Training:
    """One call of ``fit``, the first call of ``train_on_batch``, or a step outside of both.

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
        by: The method that was called: of the network, or of an optimizer.
        looks: What a look at the network gave before the training and after it, if
            `convcourse.watching.watched` was given one.
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
    by: str = "fit"
    looks: list = field(default_factory=list)


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


def record(model: Any, name: str | None, asked: dict[str, Any], by: str = "fit") -> Training:
    """Record a call.

    Args:
        model: The network.
        name: The name of the checkpoint, if there is one.
        asked: The arguments of ``fit`` by name, as the second dictionary of `seen` has them.
        by: The method of the network that was called.
    """
    from convcourse.wire.models import compile_settings

    for weights in ("class_weight", "sample_weight"):
        if _changes_nothing(asked.get(weights)):
            del asked[weights]
    x, y, first = _whole(asked.pop("x", None), asked.pop("y", None), asked.get("steps_per_epoch"))
    split = asked.pop("validation_split", 0) or 0
    val_x, val_y = _validation(asked.pop("validation_data", None), asked.get("validation_steps"))
    if val_x is None and split and x is not None:
        at = int(len(x) * (1 - split))  # as Keras cuts, before it shuffles
        x, y, val_x, val_y = x[:at], y[:at], x[at:], y[at:]
    return Training(
        name,
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
        by,
    )


def is_one_hot(labels: Any) -> bool:
    """Whether labels are rows with an entry for each class, and not numbers of classes."""
    return np.ndim(labels) == 2 and np.shape(labels)[1] > 1


def _changes_nothing(weights: Any) -> bool:
    """Whether weights of classes or images are all 1."""
    if weights is None:
        return False
    values = list(weights.values()) if isinstance(weights, dict) else weights
    return bool(np.all(np.asarray(values) == 1))


def seen(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Look into what can be read only once.

    Args:
        given: The arguments of ``fit`` by name.

    Returns:
        The arguments for ``fit``, and the same for `record`: of a generator, its first epoch.
    """
    x, steps = given.get("x"), given.get("steps_per_epoch")
    if not isinstance(x, types.GeneratorType) or not steps:
        return given, dict(given)
    first = list(itertools.islice(x, steps))
    again = (batch for batch in itertools.chain(first, x))  # Keras takes nothing but a generator
    return given | {"x": again}, given | {"x": first}


def _whole(x: Any, y: Any, steps: int | None = None) -> tuple[Any, Any, int]:
    """Images and labels of arrays or of a data set, as arrays; and the size of its first batch.

    Args:
        x: Images, or what gives batches of images and labels.
        y: Labels; None if x gives them.
        steps: The batches of an epoch, for a data set that never ends.
    """
    if y is not None:
        return np.asarray(x), np.asarray(y), 0
    batches = []
    if hasattr(x, "__getitem__") and hasattr(x, "__len__"):
        batches = [x[i] for i in range(min(len(x), MOST))]
    elif hasattr(x, "take"):
        endless = steps and hasattr(x, "cardinality") and int(x.cardinality()) < 0
        batches = list(x.take(steps if endless else MOST))
    if not batches:
        return None, None, 0
    images, first = [batch[0] for batch in batches], len(batches[0][1])
    labels = np.concatenate([np.asarray(batch[1]) for batch in batches])
    if isinstance(images[0], (list, tuple, dict)):
        return images, labels, first
    return np.concatenate([np.asarray(one) for one in images]), labels, first


def _validation(data: Any, steps: int | None) -> tuple[Any, Any]:
    if data is None:
        return None, None
    if isinstance(data, (list, tuple)) and len(data) >= 2:
        return np.asarray(data[0]), np.asarray(data[1])
    return _whole(data, None, steps)[:2]
