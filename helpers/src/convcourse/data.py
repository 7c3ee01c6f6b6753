"""CIFAR-10, CIFAR-100 and MNIST: find or fetch, verify, and say which data is in use.

Looks in the folder named by ``COURSE_DATA`` (the official ``cifar-10-batches-py/``,
``cifar-100-python/``, ``mnist.npz``), then in Keras's cache, then downloads through Keras, which
checks the archive's hash. Under the profile *offline* generated images stand in, and the line
that is printed says so.
"""

import os
import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from convcourse import _unpickle, profile

CLASSES10 = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
# Keras keeps an archive unpacked in a folder of this name inside its cache.
_EXTRACTED = {"cifar10": "cifar-10-batches-py-target", "cifar100": "cifar-100-python-target"}
BY_HAND = (
    "put the official files into a folder and name it in COURSE_DATA, or set "
    "COURSE_PROFILE=offline, which needs none"
)


class DataError(RuntimeError):
    """The data is missing or damaged; the message says what to do."""


@dataclass(frozen=True)
class Dataset:
    """Images ``(N, H, W, C)`` uint8 and labels ``(N, 1)`` uint8, as keras.datasets gives them.

    ``coarse_train`` and ``coarse_test`` are the superclasses of CIFAR-100, else None.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    source: str
    coarse_train: np.ndarray | None = None
    coarse_test: np.ndarray | None = None

    def scaled(self) -> "Dataset":
        """The same data with images as float32 in [0, 1]."""
        top = np.float32(255)
        return replace(
            self,
            x_train=self.x_train.astype(np.float32) / top,
            x_test=self.x_test.astype(np.float32) / top,
        )


def load(name: str = "cifar10", train: int | None = None, test: int | None = None) -> Dataset:
    """The data of ``name`` (cifar10, cifar100 or mnist) in the size of the profile.

    ``train`` and ``test`` ask for other numbers of images, of each class equally many.
    Raises `DataError` with the mend when the data is not there or not whole.
    """
    if name not in ("cifar10", "cifar100", "mnist"):
        raise DataError(f"there is no data set {name!r}; choose cifar10, cifar100 or mnist")
    chosen = profile.current()
    train = train or chosen.train_images
    test = test or chosen.test_images
    made = _offline(name, train, test) if chosen.name == "offline" else _real(name)
    if chosen.name != "offline":
        made = _balanced(made, train, test)
    print(
        f"Data: {made.source}; {len(made.x_train):,} training and {len(made.x_test):,} test "
        f"images, profile {chosen.name}."
    )
    return made


def require(name: str) -> None:
    """Read the official data of ``name`` to its end, or have it downloaded; DataError if neither.

    For a program whose notebooks will need the data where there is no network.
    """
    _real(name)


def _offline(name: str, train: int, test: int) -> Dataset:
    from convcourse import shapes

    if name == "mnist":
        return _digits()
    if name == "cifar10":
        (x, y), (xt, yt) = shapes.load_shapes10(train, test)
        names, coarse = shapes.CLASSES10, (None, None)
    else:
        x, y, c = shapes.shapes100(train)
        xt, yt, ct = shapes.shapes100(test, split=1)
        names, coarse = shapes.CLASSES100, (c, ct)
    shown = name.replace("cifar", "shapes")
    source = f"{shown}, generated images that stand in for {name.upper().replace('R1', 'R-1')}"
    return Dataset(shown, x, y, xt, yt, tuple(names), source, *coarse)


def _digits() -> Dataset:
    """scikit-learn's 1,797 digits, enlarged to 28 x 28 and framed; every fifth is a test image."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = np.clip(digits.images * 16, 0, 255).astype(np.uint8)
    x = np.pad(x.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))[..., None]
    y = digits.target.astype(np.uint8)[:, None]
    is_test = np.arange(len(x)) % 5 == 4
    source = "scikit-learn's digits, enlarged, which stand in for MNIST"
    names = tuple(str(d) for d in range(10))
    return Dataset("digits", x[~is_test], y[~is_test], x[is_test], y[is_test], names, source)


def _real(name: str) -> Dataset:
    folder = os.environ.get("COURSE_DATA", "")
    read = {"cifar10": _read_cifar10, "cifar100": _read_cifar100, "mnist": _read_mnist}[name]
    for place in (Path(folder) if folder else None, Path.home() / ".keras" / "datasets"):
        if place is not None:
            for inside in (place, place / _EXTRACTED.get(name, "")):
                found = read(inside)
                if found is not None:
                    return found
        if folder and place == Path(folder):
            raise DataError(f"COURSE_DATA is {folder}, where there is no {name}; {BY_HAND}.")
    return _download(name)


def _download(name: str) -> Dataset:
    import keras

    try:
        if name == "cifar100":
            (x, y), (xt, yt) = keras.datasets.cifar100.load_data("fine")
            (_, c), (_, ct) = keras.datasets.cifar100.load_data("coarse")
            names = tuple(f"class {i}" for i in range(100))
            return _checked(name, x, y, xt, yt, names, "downloaded", c, ct)
        module = keras.datasets.cifar10 if name == "cifar10" else keras.datasets.mnist
        (x, y), (xt, yt) = module.load_data()
    except Exception as error:
        raise DataError(
            f"{name} cannot be downloaded ({type(error).__name__}); {BY_HAND}."
        ) from None
    names = CLASSES10 if name == "cifar10" else tuple(map(str, range(10)))
    x, xt = (x, xt) if x.ndim == 4 else (x[..., None], xt[..., None])
    return _checked(name, x, y, xt, yt, names, "downloaded")


def official_batch(path: str | Path) -> dict:
    """One official batch as a dictionary with text keys: ``data`` (N, 3072) uint8, ``labels``.

    Raises `DataError` when the file is missing, cut, changed, or holds anything but data.
    """
    path = Path(path)
    try:
        raw = _unpickle.load(path)
        batch = {k.decode() if isinstance(k, bytes) else str(k): v for k, v in raw.items()}
        rows = np.asarray(batch["data"])
        if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != 3072:
            raise _unpickle.UnpickleError("its pixels are not rows of 3,072 bytes")
        labels = batch.get("labels", batch.get("fine_labels"))
        if labels is None or len(labels) != len(rows):
            raise _unpickle.UnpickleError("it has not one label for each image")
        top = 99 if "fine_labels" in batch else 9
        if not all(isinstance(k, int) and 0 <= k <= top for k in labels):
            raise _unpickle.UnpickleError(f"its labels are not whole numbers from 0 to {top}")
    except FileNotFoundError:
        raise DataError(f"{path} is not there; {BY_HAND}.") from None
    except (_unpickle.UnpickleError, KeyError, AttributeError, TypeError) as error:
        words = error if isinstance(error, ValueError) else "it is not laid out as a batch"
        raise DataError(
            f"{path.name} is damaged or not official: {words}; fetch it anew."
        ) from None
    return batch


def _images(rows: np.ndarray) -> np.ndarray:
    planes = rows.reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def _read_cifar10(place: Path) -> Dataset | None:
    folder = place / "cifar-10-batches-py"
    if not folder.is_dir():
        return None
    batches = [official_batch(folder / f"data_batch_{k}") for k in range(1, 6)]
    test = official_batch(folder / "test_batch")
    x = _images(np.concatenate([b["data"] for b in batches]))
    y = np.concatenate([b["labels"] for b in batches])
    xt, yt = _images(test["data"]), test["labels"]
    return _checked("cifar10", x, y, xt, yt, CLASSES10, f"in {folder.name}")


def _read_cifar100(place: Path) -> Dataset | None:
    folder = place / "cifar-100-python"
    if not folder.is_dir():
        return None
    train, test = official_batch(folder / "train"), official_batch(folder / "test")
    meta = _unpickle.load(folder / "meta") if (folder / "meta").is_file() else {}
    names = tuple(n.decode() for n in meta.get(b"fine_label_names", ()))
    return _checked(
        "cifar100",
        _images(train["data"]),
        train["fine_labels"],
        _images(test["data"]),
        test["fine_labels"],
        names or tuple(f"class {i}" for i in range(100)),
        f"in {folder.name}",
        train["coarse_labels"],
        test["coarse_labels"],
    )


def _read_mnist(place: Path) -> Dataset | None:
    path = place / "mnist.npz"
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as store:
            parts = [store[k] for k in ("x_train", "y_train", "x_test", "y_test")]
    except Exception:
        raise DataError(f"{path.name} is damaged or not official; fetch it anew.") from None
    x, y, xt, yt = parts
    names = tuple(str(d) for d in range(10))
    return _checked("mnist", x[..., None], y, xt[..., None], yt, names, "in mnist.npz")


def _checked(name, x, y, xt, yt, names, where, coarse=None, coarse_test=None) -> Dataset:
    labels = [
        None if v is None else np.asarray(v, np.uint8).reshape(-1, 1)
        for v in (y, yt, coarse, coarse_test)
    ]
    for images, found in ((x, labels[0]), (xt, labels[1])):
        if images.dtype != np.uint8 or len(images) != len(found) or not len(images):
            raise DataError(f"{name} is damaged: images and labels do not fit; fetch it anew.")
    source = f"{name.upper().replace('R1', 'R-1')} ({where})"
    return Dataset(name, x, labels[0], xt, labels[1], names, source, labels[2], labels[3])


def _balanced(made: Dataset, train: int | None, test: int | None) -> Dataset:
    """The first images of each class, in the data's own order; all of them for None."""
    take = [_first_of_each(made.y_train, train), _first_of_each(made.y_test, test)]
    coarse = (made.coarse_train, made.coarse_test)
    coarse = [None if c is None else c[t] for c, t in zip(coarse, take, strict=True)]
    return replace(
        made,
        x_train=made.x_train[take[0]],
        y_train=made.y_train[take[0]],
        x_test=made.x_test[take[1]],
        y_test=made.y_test[take[1]],
        coarse_train=coarse[0],
        coarse_test=coarse[1],
    )


def _first_of_each(labels: np.ndarray, images: int | None) -> np.ndarray:
    labels = np.ravel(labels)
    if images is None or images >= len(labels):
        return np.arange(len(labels))
    classes = np.unique(labels)
    chosen = [np.flatnonzero(labels == c)[: images // len(classes)] for c in classes]
    return np.sort(np.concatenate(chosen))


def batch_folder(made_in: str | Path = "batches") -> Path:
    """Where official batch files lie that can be read by hand: ``cifar-10-batches-py``.

    Looks where `load` looks, and like it has Keras download what is in neither place; raises
    `DataError` with the mend. Under *offline*, and where Keras keeps the data in another form, a
    small folder of generated images is written in its place, and a line says so.
    """
    if profile.current().name != "offline":
        found = _official_folder()
        if found is None and not os.environ.get("COURSE_DATA"):
            _download("cifar10")
            found = _official_folder()
        if found is not None:
            print(f"Batch files: official ones in {found}.")
            return found
    to = sample_batch_folder(made_in)
    print(f"Batch files: small ones of generated images, written to {to}.")
    return to


def _official_folder() -> Path | None:
    places = [Path(os.environ.get("COURSE_DATA") or "."), Path.home() / ".keras" / "datasets"]
    for place in places:
        for inside in (place, place / _EXTRACTED["cifar10"]):
            if (inside / "cifar-10-batches-py" / "test_batch").is_file():
                return inside / "cifar-10-batches-py"
    return None


def sample_batch_folder(folder: str | Path, images: int = 200) -> Path:
    """Write a small official-looking ``cifar-10-batches-py`` of generated images; its path.

    For reading a batch by hand where the real files are not at hand.
    """
    from convcourse import shapes

    to = Path(folder) / "cifar-10-batches-py"
    to.mkdir(parents=True, exist_ok=True)
    for k in range(6):
        x, y = shapes.shapes10(images, split=int(k == 5), start=images * (k if k < 5 else 0))
        name = f"data_batch_{k + 1}" if k < 5 else "test_batch"
        batch = {
            b"batch_label": name.encode(),
            b"labels": [int(label) for label in y[:, 0]],
            b"data": x.transpose(0, 3, 1, 2).reshape(images, 3072),
            b"filenames": [f"{name}_{i}.png".encode() for i in range(images)],
        }
        (to / name).write_bytes(pickle.dumps(batch, protocol=4))
    return to
