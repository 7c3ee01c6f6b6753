"""CIFAR-10, CIFAR-100 and MNIST: find or download, verify, and say which data is in use.

`load` looks in the folder named by ``COURSE_DATA`` (for the official ``cifar-10-batches-py/``,
``cifar-100-python/`` and ``mnist.npz``), then in Keras's cache. Then it downloads through Keras,
which checks the archive's hash. Under the profile *offline*, generated images stand in, and the
line that `load` prints says so.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from convcourse import _unpickle, profile
from convcourse.batches import BY_HAND, DataError, official_batch, sample_batch_folder

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


@dataclass(frozen=True)
class Dataset:
    """Images and labels as ``keras.datasets`` gives them.

    Attributes:
        name: The data set that the images are from, for example ``"shapes10"``.
        x_train: Training images, (N, H, W, C) uint8 from 0 to 255.
        y_train: Their classes, (N, 1) uint8.
        x_test: Test images, (M, H, W, C) uint8 from 0 to 255.
        y_test: Their classes, (M, 1) uint8.
        class_names: The name of each class.
        source: Where the data comes from, in words.
        coarse_train: Superclasses of the training images, (N, 1) uint8, or None.
        coarse_test: Superclasses of the test images, (M, 1) uint8, or None.
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
        """Scale the images to [0, 1].

        Returns:
            The same data with float32 images.
        """
        top = np.float32(255)
        return replace(
            self,
            x_train=self.x_train.astype(np.float32) / top,
            x_test=self.x_test.astype(np.float32) / top,
        )


def load(name: str = "cifar10", train: int | None = None, test: int | None = None) -> Dataset:
    """Load a data set in the size of the profile, and print which data it is.

    Args:
        name: ``"cifar10"``, ``"cifar100"`` or ``"mnist"``.
        train: How many training images to take, equally many of each class; None leaves it to the
            profile.
        test: How many test images to take, likewise.

    Returns:
        The images and labels.

    Raises:
        DataError: If the data is missing or damaged; the message says how to fix it.
    """
    if name not in ("cifar10", "cifar100", "mnist"):
        raise DataError(f"there is no data set {name!r}; choose cifar10, cifar100 or mnist")
    chosen = profile.current()
    train = train or chosen.train_images
    test = test or chosen.test_images
    if chosen.name == "offline":
        made = _offline(name, train, test)
    else:
        made = _balanced(_real(name), train, test)
    print(
        f"Data: {made.source}; {len(made.x_train):,} training and {len(made.x_test):,} test "
        f"images, profile {chosen.name}."
    )
    return made


def require(name: str) -> None:
    """Read an official data set to its end, or download it.

    A program calls this before it runs notebooks that have no network.

    Args:
        name: ``"cifar10"``, ``"cifar100"`` or ``"mnist"``.

    Raises:
        DataError: If the data can neither be read nor downloaded.
    """
    _real(name)


def _offline(name: str, train: int | None, test: int | None) -> Dataset:
    from convcourse import shapes

    if name == "mnist":
        return _digits()
    if train is None or test is None:
        raise ValueError("generated images have no full number: the profile has to give one")
    source = f"generated images that stand in for {name.upper().replace('R1', 'R-1')}"
    if name == "cifar10":
        (x, y), (xt, yt) = shapes.load_shapes10(train, test)
        return Dataset("shapes10", x, y, xt, yt, shapes.CLASSES10, f"shapes10, {source}")
    x, y, c = shapes.shapes100(train)
    xt, yt, ct = shapes.shapes100(test, split=1)
    return Dataset("shapes100", x, y, xt, yt, shapes.CLASSES100, f"shapes100, {source}", c, ct)


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
    names = CLASSES10 if name == "cifar10" else tuple(str(d) for d in range(10))
    x, xt = (x, xt) if x.ndim == 4 else (x[..., None], xt[..., None])
    return _checked(name, x, y, xt, yt, names, "downloaded")


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
        raise DataError(f"{path.name} is damaged or not official; download it again.") from None
    x, y, xt, yt = parts
    names = tuple(str(d) for d in range(10))
    return _checked("mnist", x[..., None], y, xt[..., None], yt, names, "in mnist.npz")


def _checked(
    name: str,
    x: np.ndarray,
    y: Any,
    xt: np.ndarray,
    yt: Any,
    names: tuple[str, ...],
    where: str,
    coarse: Any = None,
    coarse_test: Any = None,
) -> Dataset:
    y, yt = _column(y), _column(yt)
    for images, labels in ((x, y), (xt, yt)):
        if images.dtype != np.uint8 or len(images) != len(labels) or not len(images):
            raise DataError(
                f"{name} is damaged: its images and labels do not fit; download it again."
            )
    source = f"{name.upper().replace('R1', 'R-1')} ({where})"
    supers = (None if c is None else _column(c) for c in (coarse, coarse_test))
    return Dataset(name, x, y, xt, yt, names, source, *supers)


def _column(labels: Any) -> np.ndarray:
    return np.asarray(labels, np.uint8).reshape(-1, 1)


def _balanced(made: Dataset, train: int | None, test: int | None) -> Dataset:
    """The first images of each class, in the data's own order; all of them for None."""
    trained, tested = _first_of_each(made.y_train, train), _first_of_each(made.y_test, test)
    return replace(
        made,
        x_train=made.x_train[trained],
        y_train=made.y_train[trained],
        x_test=made.x_test[tested],
        y_test=made.y_test[tested],
        coarse_train=None if made.coarse_train is None else made.coarse_train[trained],
        coarse_test=None if made.coarse_test is None else made.coarse_test[tested],
    )


def _first_of_each(labels: np.ndarray, images: int | None) -> np.ndarray:
    labels = np.ravel(labels)
    if images is None or images >= len(labels):
        return np.arange(len(labels))
    classes = np.unique(labels)
    chosen = [np.flatnonzero(labels == c)[: images // len(classes)] for c in classes]
    return np.sort(np.concatenate(chosen))


def batch_folder(made_in: str | Path = "batches") -> Path:
    """Find the folder of CIFAR-10's batch files, to read them by hand.

    It looks where `load` looks, and downloads what is in neither place. Under *offline*, and where
    Keras keeps the data in another form, it writes a small folder of generated images instead, and
    prints that it did.

    Args:
        made_in: Where to write generated files.

    Returns:
        The path of a folder ``cifar-10-batches-py``.

    Raises:
        DataError: If the data cannot be downloaded; the message says how to fix it.
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
