"""Train once: `fit` is ``model.fit`` with a memory, and the ladder of checks before it.

A checkpoint is two files: the weights, and a JSON with the history and a fingerprint of all that
the training depends on. The JSON is written last and names the weights' hash, so the two belong
together or do not count.
"""

import contextlib
import hashlib
import io
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from helpers import profile


@dataclass
class History:
    """What Keras's ``History`` holds: ``history`` (name: one value an epoch) and ``epoch``."""

    history: dict[str, list[float]]
    epoch: list[int]
    seconds: float = 0.0


def fit(
    model: Any, name: str, x: np.ndarray, y: np.ndarray, *, folder: str = "checkpoints", **settings
) -> History:
    """Train ``model`` like ``model.fit(x, y, **settings)``, or load what an equal call trained.

    Equal means: same architecture, compile settings, fit settings, profile and data; a data set is
    known by its repr, and one of tf.data never. The weights go to ``folder/name.weights.h5``, the
    history to ``folder/name.json``. Raises ValueError when the model is not compiled.
    """
    if not getattr(model, "compiled", False):
        raise ValueError("The network is not compiled: call compile before training it.")
    want = _fingerprint(model, x, y, settings)
    store = _Store(Path(folder), name)
    note, why = store.matching(want)
    _make_variables(model, x, y)
    if note is not None:
        model.load_weights(store.weights)
        epochs = len(note["epoch"])
        print(f"Loaded {store.weights}: {epochs} epochs trained before, nothing has changed.")
        return History(note["history"], note["epoch"], note["seconds"])
    if why:
        print(f"Training {name} anew: {why}.")
    start = time.perf_counter()
    trained = model.fit(x, y, **{"verbose": 0, "callbacks": [_progress()], **settings})
    made = History(
        {k: [float(v) for v in values] for k, values in trained.history.items()},
        list(trained.epoch),
        time.perf_counter() - start,
    )
    store.save(model, made, want)
    print(f"Trained {len(made.epoch)} epochs in {made.seconds:.0f} s; kept in {store.weights}.")
    return made


def first_loss(model: Any, x: np.ndarray, y: np.ndarray) -> float:
    """The loss before any training, of the first 200 images; about log(classes) is well."""
    return first_figures(model, x, y)["loss"]


def first_figures(model: Any, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """The loss and each metric of the first 200 images, by name, as ``evaluate`` has them."""
    some = x[:200], y[:200]
    with contextlib.suppress(Exception):  # what does not fit is told when it is evaluated
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
    """Training accuracy in [0, 1] of a copy of the network on a few images, the best of its epochs.

    A network that cannot learn 100 images by heart has a fault that more data will not mend.
    It stops when it knows them all; ``folder/by_heart.json`` keeps that an equal network did. The
    model itself stays as it is.
    """
    import keras

    some = x[:images], y[:images]
    learnt = _Learnt(Path(folder), _hash(_fingerprint(model, *some, {"epochs": epochs})))
    if learnt.before():
        print(f"Learnt before, says {learnt.note}: nothing has changed.")
        return 1.0
    copy = keras.models.clone_model(model)
    copy.compile_from_config(model.get_compile_config())
    _make_variables(copy, *some)
    best = 0.0

    def look(epoch: int, figures: dict[str, float]) -> None:
        nonlocal best
        accuracies = [value for name, value in figures.items() if "accuracy" in name]
        best = max([best, *accuracies[:1]])  # a further one may be that of the first five guesses
        copy.stop_training = best == 1

    watch = keras.callbacks.LambdaCallback(on_epoch_end=look)
    copy.fit(*some, epochs=epochs, batch_size=20, verbose=0, callbacks=[watch])
    if best == 1:
        learnt.keep()
    return float(best)


def _make_variables(model: Any, x: Any, y: Any) -> None:
    """Make all variables that Keras would make with the first step of a training.

    A checkpoint has a value for each. And TensorFlow traces a step that makes variables twice, any
    other once, which spares each training half a second and more.
    """
    import keras

    if y is None and not isinstance(x, keras.utils.PyDataset):
        return  # a stream: what is taken from it is gone, and it has no checkpoint to be loaded
    with contextlib.suppress(Exception):  # what does not fit is told when it is trained
        images, labels = x[0][:2] if y is None else (x, y)
        if not model.built:
            model(keras.tree.map_structure(lambda part: part[:1], images))
        model.optimizer.build(model.trainable_variables)
        _make_metrics(model, labels)


def _make_metrics(model: Any, labels: np.ndarray) -> None:
    guess = np.zeros((1, *model.output_shape[1:]), np.float32)
    model.compute_metrics(None, labels[:1], guess)
    model.reset_metrics()


# ---------------------------------------------------------------------- checkpoints


class _Store:
    """The two files of one checkpoint."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.weights = folder, folder / f"{name}.weights.h5"
        self.note = folder / f"{name}.json"

    def matching(self, want: dict[str, str]) -> tuple[dict | None, str]:
        """The note whose fingerprint is ``want``, or None and the reason in words."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            have = note["fingerprint"]
            if note["weights"] != _file_hash(self.weights):
                return None, "its weights were not written to the end"
        except FileNotFoundError:
            return None, ""
        except (ValueError, KeyError, TypeError):
            return None, "its checkpoint cannot be read"
        changed = [part for part in want if have.get(part) != want[part]]
        return (None, f"changed: {', '.join(changed)}") if changed else (note, "")

    def save(self, model: Any, made: History, fingerprint: dict[str, str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".writing-") as place:
            fresh = Path(place, self.weights.name)
            model.save_weights(fresh)
            note = {
                "fingerprint": fingerprint,
                "weights": _file_hash(fresh),
                "history": made.history,
                "epoch": made.epoch,
                "seconds": made.seconds,
            }
            text = Path(place, self.note.name)
            text.write_text(json.dumps(note, indent=1), encoding="utf-8")
            for path in (fresh, text):
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            os.replace(fresh, self.weights)
            os.replace(text, self.note)


class _Learnt:
    """A list of the networks that have learnt their images by heart."""

    def __init__(self, folder: Path, network: str) -> None:
        self.note, self.network = folder / "by_heart.json", network

    def before(self) -> bool:
        return self.network in self._read()

    def keep(self) -> None:
        self.note.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.note.parent, prefix=".writing-") as place:
            fresh = Path(place, self.note.name)
            fresh.write_text(json.dumps([*self._read(), self.network], indent=1), encoding="utf-8")
            os.replace(fresh, self.note)

    def _read(self) -> list[str]:
        try:
            known = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return known if isinstance(known, list) else []


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fingerprint(model: Any, x: Any, y: Any, settings: dict) -> dict[str, str]:
    """A hash for each thing that a training depends on, so that a change can be named."""
    layers = [(type(layer).__name__, _without_names(layer.get_config())) for layer in model.layers]
    kept = {k: v for k, v in settings.items() if k not in ("verbose", "callbacks")}
    kept["callbacks"] = [_callback(one) for one in settings.get("callbacks") or ()]
    return {
        "architecture": _hash(layers),
        "compile settings": _hash(_without_names(model.get_compile_config())),
        "fit settings": _hash(kept),
        "profile": profile.current().name,
        "data": _hash([x, y]),
    }


def _callback(callback: Any) -> list:
    """What a callback was made with: its class and those of its values that print alike."""
    plain = {
        k: v for k, v in vars(callback).items() if isinstance(v, (str, int, float, type(None)))
    }
    return [type(callback).__name__, plain]


def _without_names(config: Any, known: dict[str, int] | None = None) -> Any:
    """Layer names are counted up within a process, so they say nothing about the network.

    Where one layer refers to another, as in ["input_layer_3", 0, 0], the name becomes a number:
    the order in which names come.
    """
    known = {} if known is None else known
    if isinstance(config, dict):
        kept = {k: v for k, v in config.items() if k not in ("name", "seed")}
        return {k: _without_names(v, known) for k, v in kept.items()}
    if isinstance(config, (list, tuple)):
        if [type(v) for v in config] == [str, int, int]:
            return [known.setdefault(config[0], len(known)), *config[1:]]
        return [_without_names(v, known) for v in config]
    return config


def _hash(value: Any) -> str:
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            digest.update(f"{key}:".encode())
            _feed(digest, value[key])
    elif isinstance(value, (list, tuple)):
        digest.update(f"[{len(value)}]".encode())
        for item in value:
            _feed(digest, item)
    elif hasattr(value, "__array__"):
        array = np.ascontiguousarray(value)
        digest.update(f"{array.dtype}{array.shape}".encode())
        # The array's own bytes, where it has them: a copy takes as long as the sum itself.
        plain = not array.dtype.hasobject
        digest.update(array.reshape(-1).view(np.uint8) if plain else array.tobytes())
    elif hasattr(value, "element_spec"):
        digest.update(os.urandom(16))  # a tf.data pipeline does not tell what is in it
    else:
        digest.update(repr(value).encode())


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
