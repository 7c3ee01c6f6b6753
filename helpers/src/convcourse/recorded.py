"""Whether the figures that a checkpoint records are those of its weights.

A note beside weights can claim anything. So when a checkpoint is restored, loss and accuracy are
computed again on a part of the images that they belong to. The allowance is wide: it covers the
choice of the images, and whatever makes a training differ from an evaluation. Nothing is trained
again and nothing is refused; what does not fit is a `Doubt`.
"""

import contextlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

MULTIPLICATIONS = 600_000_000  # that computing again may take
FEWEST, MOST = 64, 300  # images
SIDE = 32  # pixels of an image, if a network takes any
SLICES = 8  # of these images, which tell how much the loss varies


@dataclass
class Doubt:
    """A checkpoint whose record does not fit its weights.

    Attributes:
        name: The checkpoint's name.
        words: What does not fit, as a sentence.
        place: The check before which it was restored; empty if no check came yet.
    """

    name: str
    words: str
    place: str = ""


@dataclass(frozen=True)
class _Claim:
    """Images and labels that figures of a record belong to."""

    x: Any
    y: Any
    prefix: str  # of the figures' names
    images: int  # how many the figures were computed on

    @property
    def is_validation(self) -> bool:
        return self.prefix == "val_"


@dataclass(frozen=True)
class _Figure:
    """A figure that was computed again."""

    value: float
    error: float  # its standard error, as an estimate of the figure for all images


_doubts: list[Doubt] = []


def doubts() -> list[Doubt]:
    """All doubts of this process.

    Returns:
        One for each restored checkpoint whose record does not fit.
    """
    return list(_doubts)


def passed_by(place: str) -> None:
    """Say that a check has been reached, to which the doubts so far belong.

    Args:
        place: What the check is called.
    """
    for one in _doubts:
        one.place = one.place or place


def doubt(model: Any, name: str, history: Any, x: Any, y: Any, settings: dict[str, Any]) -> str:
    """Compare a record with what the restored weights reach, and keep the doubt if there is one.

    Figures of validation images are compared if the training had any. Figures of training images
    come from weights that still changed, so there only weights that are much worse count. Without
    callbacks the last epoch must fit, otherwise any epoch: a callback can restore earlier weights.

    Args:
        model: The network with the restored weights.
        name: The checkpoint's name.
        history: The values of each metric, one for each epoch.
        x: What the call of ``fit`` trains on.
        y: Their labels, or None.
        settings: The other arguments of the call.

    Returns:
        What does not fit, as a sentence; empty if all fits, or if nothing can be computed again.
    """
    words = ""
    with contextlib.suppress(Exception):  # a network that no plain call evaluates
        words = _disagreement(model, history, x, y, settings)
    if words:
        _doubts.append(Doubt(name, words))
    return words


def _disagreement(model: Any, history: Any, x: Any, y: Any, settings: dict[str, Any]) -> str:
    claim = _claim(model, x, y, settings)
    if claim is None:
        return ""
    figures = _measured(model, claim)
    weights = settings.get("class_weight"), settings.get("sample_weight")
    if not claim.is_validation and any(one is not None for one in weights):
        figures.pop("loss")
    epochs = _epochs(history, claim.prefix, list(figures))
    if not epochs:
        return "it records no figures"
    if not settings.get("callbacks"):
        epochs = epochs[-1:]
    wrong = [_wrong(recorded, figures, claim.is_validation) for recorded in epochs]
    if not all(wrong):
        return ""
    key, recorded = wrong[-1], epochs[-1]
    return (
        f"it records a {claim.prefix}{key} of {recorded[key]:.3g}, and its weights reach "
        f"{figures[key].value:.3g} on {len(claim.y)} of these images"
    )


def _claim(model: Any, x: Any, y: Any, settings: dict[str, Any]) -> _Claim | None:
    """The images to compute with, or None if nothing can be computed again.

    The figures of an epoch are not those of the weights afterwards if the optimizer averages the
    weights, and an own ``test_step`` may compute anything.
    """
    import keras

    averages = getattr(model.optimizer, "use_ema", False)
    if averages or type(model).test_step is not keras.Model.test_step:
        return None
    some = max(FEWEST, min(MOST, MULTIPLICATIONS // max(1, _multiplications(model))))
    data, split = settings.get("validation_data"), settings.get("validation_split")
    whole = not settings.get("validation_steps") and settings.get("validation_freq", 1) == 1
    if whole and (data is not None or split):
        return _validation(x, y, data, split or 0, some)
    if any("moving_" in one.path for one in model.non_trainable_variables):
        return None  # batch norm: a few epochs train well and evaluate badly
    return _part(x, y, "", some)


def _validation(x: Any, y: Any, data: Any, split: float, some: int) -> _Claim | None:
    if data is None:
        last = slice(math.floor(len(y) * (1 - split)), None)  # as Keras cuts
        return _part(_rows(x, last), y[last], "val_", some)
    if not isinstance(data, (tuple, list)):
        return _part(data, None, "val_", some)
    if len(data) != 2:
        return None  # a third part weighs the images
    return _part(data[0], data[1], "val_", some)


def _part(x: Any, y: Any, prefix: str, some: int) -> _Claim | None:
    """Images at even distances, or batches of a data set at even distances."""
    import keras

    if y is not None:
        rows = np.unique(np.linspace(0, len(y) - 1, some).astype(int))
        return _Claim(_rows(x, rows), np.asarray(y)[rows], prefix, len(y))
    if not isinstance(x, keras.utils.PyDataset):
        return None  # what is taken from a stream is gone
    each = len(x[0][1])
    batches = [
        x[int(at)] for at in np.unique(np.linspace(0, len(x) - 1, max(2, some // each), dtype=int))
    ]
    if any(len(batch) != 2 or len(np.unique(batch[1], axis=0)) == 1 for batch in batches):
        return None  # weighted, or one class after the other, of which a few say little
    inputs = keras.tree.map_structure(lambda *each: np.concatenate(each), *(b[0] for b in batches))
    labels = np.concatenate([np.asarray(batch[1]) for batch in batches])
    return _Claim(inputs, labels, prefix, max(len(labels), len(x) * each))


def _rows(x: Any, rows: np.ndarray | slice) -> Any:
    import keras

    return keras.tree.map_structure(lambda part: np.asarray(part)[rows], x)


def _multiplications(model: Any) -> int:
    """About how many multiplications one image takes."""
    total = 0
    for layer in model.layers:
        if hasattr(layer, "layers"):
            total += _multiplications(layer)
            continue
        shape = getattr(getattr(layer, "output", None), "shape", (None, None, None, None))
        size = sum(math.prod(w.shape) for w in layer.weights if len(w.shape) > 1)
        total += size * math.prod(side or SIDE for side in shape[1:-1])
    return total


def _measured(model: Any, claim: _Claim) -> dict[str, _Figure]:
    """Loss and accuracies of the weights, by the names that Keras gives them."""
    import keras

    outputs = model(keras.tree.map_structure(keras.ops.convert_to_tensor, claim.x), training=False)
    count = len(claim.y)
    unseen = math.sqrt(max(0.0, 1 - count / claim.images))  # no error is left if all were seen
    slices = [slice(k, None, SLICES) for k in range(min(SLICES, count))]
    losses = [float(model.compute_loss(None, claim.y[s], outputs[s])) for s in slices]
    found = {"loss": _Figure(float(np.mean(losses)), _spread(losses) * unseen)}
    model.reset_metrics()
    for name, value in model.compute_metrics(None, claim.y, outputs).items():
        if "acc" in name:
            share = min(max(float(value), 0.05), 0.95)
            error = math.sqrt(share * (1 - share) / count)
            found[name] = _Figure(float(value), error * unseen)
    model.reset_metrics()
    return found


def _spread(values: list[float]) -> float:
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.inf


def _epochs(history: Any, prefix: str, keys: list[str]) -> list[dict[str, float]]:
    """The recorded figures of each epoch, of those that were computed again."""
    lists = {key: history.get(prefix + key) for key in keys} if isinstance(history, dict) else {}
    known = {key: each for key, each in lists.items() if _are_numbers(each)}
    columns = zip(*known.values(), strict=False)
    return [dict(zip(known, each, strict=True)) for each in columns]


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(type(one) in (int, float) for one in values)


def _wrong(recorded: dict[str, float], figures: dict[str, _Figure], is_validation: bool) -> str:
    """The first figure of an epoch that the weights do not reach; empty if all fit."""
    for key, was in recorded.items():
        now, error = figures[key].value, figures[key].error
        if key == "loss":
            if not (math.isfinite(was) and math.isfinite(now)):
                continue  # a training that diverged
            worse, allowed = now - was, 6 * error + 0.1 + 0.1 * abs(was)
            allowed += 0 if is_validation else 0.4 + 0.4 * abs(was)
        else:
            worse, allowed = was - now, 4 * error + (0.02 if is_validation else 0.2)
        if not (abs(worse) if is_validation else worse) <= allowed:
            return key
    return ""
