"""Checkpoints: weights and history, with a fingerprint of all that the training depends on.

The note is written last and holds the weights' hash. So a checkpoint counts only if both of its
files were written to the end.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from convcourse import profile
from convcourse.files import replacing, write_whole
from convcourse.wire import export, models, tracing


class Checkpoint:
    """The two files of one checkpoint: ``folder/name.weights.h5`` and ``folder/name.json``.

    Args:
        folder: Where the files lie. `save` makes it.
        name: What the files are called.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.weights = folder, folder / f"{name}.weights.h5"
        self.note = folder / f"{name}.json"

    def matching(self, want: dict[str, str]) -> tuple[dict | None, str]:
        """Read the note, if it belongs to the training that is asked for.

        Args:
            want: A `fingerprint`.

        Returns:
            The note and an empty text, or None and the reason in words. The reason is empty if
            there is no checkpoint.
        """
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

    def save(
        self,
        model: Any,
        history: dict[str, list[float]],
        epoch: list[int],
        seconds: float,
        fingerprint: dict[str, str],
    ) -> None:
        """Write the weights, then the note that holds their hash.

        Args:
            model: The trained Keras model.
            history: The values of each metric by its name, one for each epoch.
            epoch: The epochs' numbers.
            seconds: How long the training took.
            fingerprint: What the training depended on.
        """
        with replacing(self.weights) as fresh:
            model.save_weights(fresh)
            digest = _file_hash(fresh)
        note: dict[str, Any] = {"fingerprint": fingerprint, "weights": digest}
        note |= {"history": history, "epoch": epoch, "seconds": seconds}
        write_whole(self.note, json.dumps(note, indent=1))


class Memorized:
    """A list of the networks that have memorized their images: ``folder/memorized.json``.

    Args:
        folder: Where the list lies. `keep` makes it.
        network: The digest of one network and its images.
    """

    def __init__(self, folder: Path, network: str) -> None:
        self.note, self.network = folder / "memorized.json", network

    def is_known(self) -> bool:
        """Whether this network is on the list."""
        return self.network in self._read()

    def keep(self) -> None:
        """Put this network on the list."""
        write_whole(self.note, json.dumps([*self._read(), self.network], indent=1))

    def _read(self) -> list[str]:
        try:
            known = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return known if isinstance(known, list) else []


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fingerprint(model: Any, x: Any, y: Any, settings: dict) -> dict[str, str]:
    """Hash each thing that a training depends on, so that a change can be named.

    Args:
        model: A compiled Keras model.
        x: Images as an array, or a data set.
        y: Labels as an array, or None for a data set.
        settings: The other arguments of ``model.fit``.

    Returns:
        A hash by the name of what it is of, and the profile's name.
    """
    kept = {k: v for k, v in settings.items() if k not in ("verbose", "callbacks")}
    kept["callbacks"] = [_callback(one) for one in settings.get("callbacks") or ()]
    return {
        "architecture": _architecture(model, x),
        "compile settings": digest_of(_compiled(model)),
        "fit settings": digest_of(kept),
        "profile": profile.current().name,
        "data": digest_of([x, y]),
    }


def _compiled(model: Any) -> Any:
    import keras

    given = models.compile_arguments(model)
    made = {key: value() if isinstance(value, type) else value for key, value in given.items()}
    return _without_names(keras.saving.serialize_keras_object(made))


def _architecture(model: Any, x: Any) -> str:
    """The same text for a model of the same layers, or one that computes the same steps."""
    if models.built_in(model) is not None:
        layers = [(type(one).__name__, _without_names(one.get_config())) for one in model.layers]
        return digest_of(layers)
    if (described := models.configuration(model)) is not None:  # sooner than it is traced
        return digest_of(_without_names(described))
    try:
        tree, arrays = tracing.trace(model, _shapes(x))
    except export.ExportError:
        return os.urandom(32).hex()  # nothing tells whether it is the same model as before
    weights = {one.pop("at"): arrays for one in tree["weights"]}
    constants = [array for at, array in enumerate(arrays) if at not in weights]
    return digest_of([_without_names(tree), [arrays[at].shape for at in weights], constants])


def _shapes(x: Any) -> Any:
    """The shape of one image, or of one of each input."""
    import keras

    if isinstance(x, keras.utils.PyDataset):
        x = x[0][0]
    if isinstance(x, (list, tuple)):
        return [tuple(part.shape[1:]) for part in x]
    return tuple(x.shape[1:]) if hasattr(x, "shape") else None


def _callback(callback: Any) -> list:
    """What a callback was made with: its class, and its plain values by name."""
    plain = {
        k: v for k, v in vars(callback).items() if isinstance(v, (str, int, float, type(None)))
    }
    return [type(callback).__name__, plain]


def _without_names(config: Any, known: dict[str, int] | None = None) -> Any:
    """A configuration without layer names, which Keras counts up within a process.

    Where one layer refers to another, as in ["input_layer_3", 0, 0], the name becomes a number in
    the order in which names appear.
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


def digest_of(value: Any) -> str:
    """The SHA-256 of a value's content.

    Args:
        value: Dictionaries, lists, arrays and plain values. The order of keys does not count. A
            tf.data pipeline does not tell what it holds, so its digest is never the same twice.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
        True
    """
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
        # The array's own bytes where possible: a copy takes as long as the hash itself.
        plain = not array.dtype.hasobject
        digest.update(array.reshape(-1).view(np.uint8) if plain else array.tobytes())
    elif hasattr(value, "element_spec"):
        digest.update(os.urandom(16))  # a tf.data pipeline does not tell what is in it
    else:
        digest.update(repr(value).encode())
