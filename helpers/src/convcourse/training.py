"""Train once: `fit` restores what it has trained before. And what to check before a training.

`convcourse.checkpoints` writes and reads what a training leaves behind.
"""

import contextlib
import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convcourse import recorded, watching
from convcourse.checkpoints import Checkpoint, Memorized, digest_of, fingerprint
from convcourse.wire import models

_REMEDY = "If you did not expect this, delete both files and train again."


@dataclass
class History:
    """What Keras's ``History`` holds, and how long the training took.

    Attributes:
        history: The values of each metric by its name, one for each epoch. The accuracy is
            always called accuracy, also if the metric was written as ``"acc"``.
        epoch: The epochs' numbers, from 0.
        seconds: How long the training took.
    """

    history: dict[str, list[float]]
    epoch: list[int]
    seconds: float = 0.0


def fit(
    model: Any, name: str, x: Any, y: Any = None, *, folder: str = "checkpoints", **settings: Any
) -> History:
    """Train a model, or restore the checkpoint of an identical call.

    When it restores a checkpoint, it computes the last figures again on a part of the images, and
    prints a sentence if they are not those that the checkpoint records. The weights are taken
    nevertheless.

    Identical means: the same architecture, compile settings, fit settings, profile and data. A
    ``PyDataset`` is identified by its repr. What a tf.data pipeline holds cannot be identified, so
    the model always trains.

    Args:
        model: A compiled Keras model.
        name: Names the checkpoint: ``folder/name.weights.h5`` has the weights,
            ``folder/name.json`` the history.
        x: Images, (N, ...), or a data set.
        y: Labels, (N,) or (N, 1), or None for a data set.
        folder: Where the checkpoints lie.
        **settings: The other arguments of ``model.fit``.

    Returns:
        The history of the training. The model has the trained weights.

    Raises:
        ValueError: If the model is not compiled.
        TypeError: If the second argument is not a name.
    """
    if not isinstance(name, str):
        raise TypeError("The name is missing: call training.fit(model, name, x, y, ...).")
    if not getattr(model, "compiled", False):
        raise ValueError("The network is not compiled: call compile before training it.")
    if watching.is_watched():
        _make_variables(model, x, y)
        with watching.under(name):
            return _train(model, x, y, {"callbacks": [], **settings})
    want = fingerprint(model, x, y, settings)
    store = Checkpoint(Path(folder), name)
    note, why = store.matching(want)
    _make_variables(model, x, y)
    if note is not None:
        model.load_weights(store.weights)
        epochs = len(note["epoch"])
        print(f"Loaded {store.weights}: {epochs} epochs trained before, nothing has changed.")
        if words := recorded.doubt(model, name, note["history"], x, y, settings):
            print(f"{store.note} does not fit these weights: {words}. {_REMEDY}")
        return History(_renamed(note["history"]), note["epoch"], note["seconds"])
    if why:
        print(f"Training {name} again: {why}.")
    made = _train(model, x, y, {"callbacks": [_progress()], **settings})
    store.save(model, made.history, made.epoch, made.seconds, want)
    print(f"Trained {len(made.epoch)} epochs in {made.seconds:.0f} s; kept in {store.weights}.")
    return made


def _train(model: Any, x: Any, y: Any, settings: dict[str, Any]) -> History:
    if _is_empty(x):
        raise ValueError("there is nothing to train on: the images or batches are an empty list")
    start = time.perf_counter()
    trained = model.fit(x, y, **{"verbose": 0, **settings})
    history = {k: [float(v) for v in values] for k, values in trained.history.items()}
    return History(_renamed(history), list(trained.epoch), time.perf_counter() - start)


def _is_empty(x: Any) -> bool:
    try:
        return hasattr(x, "__len__") and not len(x)
    except TypeError:  # a tf.data pipeline does not always know its length
        return False


def _renamed(history: dict[str, list[float]]) -> dict[str, list[float]]:
    """The accuracy as ``accuracy``, under whatever name Keras reports it."""
    if "accuracy" in history:
        return history
    for name in ("acc", "sparse_categorical_accuracy", "categorical_accuracy"):
        if name in history:
            own = {name: "accuracy", f"val_{name}": "val_accuracy"}
            return {own.get(key, key): values for key, values in history.items()}
    return history


def first_loss(model: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Evaluate the loss on the first 200 images, before any training.

    Args:
        model: A compiled Keras model.
        x: Images, (N, ...).
        y: Labels, (N,) or (N, 1).

    Returns:
        The loss. For cross-entropy over K classes, about log(K) is expected.
    """
    return first_figures(model, x, y)["loss"]


def first_figures(model: Any, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Evaluate the loss and each metric on the first 200 images, before any training.

    Args:
        model: A compiled Keras model.
        x: Images, (N, ...).
        y: Labels, (N,) or (N, 1).

    Returns:
        The values by name, as ``model.evaluate`` gives them.
    """
    some = x[:200], y[:200]
    with contextlib.suppress(Exception):  # Keras reports what does not fit when it evaluates
        _make_metrics(model, some[1])
    figures = model.evaluate(*some, verbose=0, return_dict=True)
    return {name: float(value) for name, value in figures.items()}


def overfits(
    model: Any,
    x: np.ndarray,
    y: np.ndarray,
    *,
    images: int = 100,
    epochs: int = 60,
    folder: str = "checkpoints",
) -> float:
    """Train a copy of the network on a few images, to see whether it can memorize them.

    A network that cannot memorize 100 images has a fault that more data will not fix. Training
    stops when the copy knows them all, and ``folder/memorized.json`` records it, so that an
    identical network need not be trained again.

    Args:
        model: A compiled Keras model. It stays as it is.
        x: Images, (N, ...).
        y: Labels, (N,) or (N, 1).
        images: How many of the images to memorize.
        epochs: The most epochs to train.
        folder: Where the record lies.

    Returns:
        Training accuracy in its best epoch, from 0 to 1.
    """
    import keras

    some = x[:images], y[:images]
    network = digest_of(fingerprint(model, *some, {"epochs": epochs}))
    memorized = Memorized(Path(folder), network)
    if memorized.is_known():
        print(f"Memorized before, according to {memorized.note}: nothing has changed.")
        return 1.0
    copy = _copy(model)
    _make_variables(copy, *some)
    best = 0.0

    def look(epoch: int, figures: dict[str, float]) -> None:
        nonlocal best
        accuracies = [value for name, value in figures.items() if "accuracy" in name]
        best = max([best, *accuracies[:1]])  # a second one may count the five best guesses
        copy.stop_training = best == 1

    watch = keras.callbacks.LambdaCallback(on_epoch_end=look)
    copy.fit(*some, epochs=epochs, batch_size=20, verbose=0, callbacks=[watch])
    if best == 1:
        memorized.keep()
    return float(best)


def _make_variables(model: Any, x: Any, y: Any) -> None:
    """Make all variables that Keras would make in the first step of a training.

    A checkpoint has a value for each. And TensorFlow traces a step that makes variables twice, but
    any other step once, which saves each training half a second or more.
    """
    import keras

    if y is None and not isinstance(x, keras.utils.PyDataset):
        return  # a stream: what is taken from it is gone, and it has no checkpoint to restore
    with contextlib.suppress(Exception):  # Keras reports what does not fit when it trains
        images, labels = x[0][:2] if y is None else (x, y)
        if not (model.built and model.weights):  # build(shape) of a class builds no layer inside
            model(keras.tree.map_structure(lambda part: part[:1], images))
        model.optimizer.build(model.trainable_variables)
        _make_metrics(model, labels)


def _make_metrics(model: Any, labels: np.ndarray) -> None:
    guess = np.zeros((1, *_output_shape(model)[1:]), np.float32)
    model.compute_metrics(None, labels[:1], guess)
    model.reset_metrics()


def _output_shape(model: Any) -> tuple:
    try:
        return model.output_shape
    except AttributeError:  # a class of the student's own
        return model.compute_output_shape(model.get_build_config()["input_shape"])


def _copy(model: Any) -> Any:
    """A network like this one, compiled as it is, with weights of its own."""
    import keras

    try:
        copy = keras.models.clone_model(model)
    except Exception:  # a class that Keras cannot make from its configuration
        copy = models.model_from_plain(*models.model_to_plain(model))
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    copy.compile(**{**models.compile_arguments(model), "optimizer": optimizer})
    return copy


def _progress() -> Any:
    """A Keras callback that prints at most ten lines, however many epochs there are."""
    import keras

    class Progress(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            total = self.params["epochs"]
            every = max(1, -(-total // 10))
            if (epoch + 1) % every and epoch + 1 != total:
                return
            line = io.StringIO()
            line.write(f"epoch {epoch + 1}/{total}")
            for key, value in (logs or {}).items():
                line.write(f"  {key} {value:.3f}")
            print(line.getvalue())

    return Progress()
