"""CIFAR-10, CIFAR-100 and MNIST: find or download, verify, and say which data is in use.

`load` looks in ``COURSE_DATA``: a folder with the official ``cifar-10-batches-py/``,
``cifar-100-python/`` and ``mnist.npz``, or with the official archives, or one of these itself.
Without that variable, it looks in Keras's cache. Then it downloads through Keras, which checks the
archive's hash. Under the profile *offline*, generated images stand in, and the line that `load`
prints says so.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from convcourse import class_names, official, profile
from convcourse.batches import BY_HAND, DataError, official_batch, sample_batch_folder

__all__ = ["DataError", "Dataset", "batch_folder", "load", "official_batch", "require"]
__all__ += ["sample_batch_folder"]

CLASSES10 = class_names.CIFAR10
_DIGITS = tuple("0123456789")


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
        coarse_names: The name of each superclass, or None.
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
    coarse_names: tuple[str, ...] | None = None

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
    # A notebook that has no place to write later finds the files of the archive unpacked.
    source = next(_whole(name), None) if name in official.FORMS else None
    if source is not None and source.is_file():
        with contextlib.suppress(OSError):
            official.unpacked(name, source)


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
    names, groups = shapes.CLASSES100, shapes.SUPERCLASSES
    return Dataset("shapes100", x, y, xt, yt, names, f"shapes100, {source}", c, ct, groups)


def _digits() -> Dataset:
    """scikit-learn's 1,797 digits, enlarged to 28 x 28 and framed; every fifth is a test image."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = np.clip(digits.images * 16, 0, 255).astype(np.uint8)
    x = np.pad(x.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))[..., None]
    y = digits.target.astype(np.uint8)[:, None]
    is_test = np.arange(len(x)) % 5 == 4
    source = "scikit-learn's digits, enlarged, which stand in for MNIST"
    return Dataset("digits", x[~is_test], y[~is_test], x[is_test], y[is_test], _DIGITS, source)


def _real(name: str) -> Dataset:
    damage: list[str] = []
    for source in _sources(name):
        try:
            return _read_mnist(source) if name == "mnist" else _read_cifar(name, source)
        except DataError as error:
            damage.append(str(error))
    if os.environ.get("COURSE_DATA"):
        raise DataError(damage[0]) if damage else _nowhere(name)
    in_cache = [f"In Keras's cache, {_places()[0]}: {words}" for words in damage[:1]]
    if in_cache:
        print(*in_cache, "Keras does so now.")
    try:
        return _download(name)
    except DataError as error:
        raise DataError(" ".join([*in_cache, str(error)])) from None


def _places() -> list[Path]:
    """COURSE_DATA if it is set, else Keras's caches."""
    given = os.environ.get("COURSE_DATA", "")
    return [Path(given)] if given else [cache / "datasets" for cache in official.caches()]


def _sources(name: str) -> Iterator[Path]:
    for place in _places():
        try:
            if name != "mnist":
                yield from official.sources(name, place)
            elif place.name == "mnist.npz" and place.is_file():
                yield place
            elif (place / "mnist.npz").is_file():
                yield place / "mnist.npz"
        except OSError as error:
            raise DataError(f"{place} cannot be read ({error.strerror}); {BY_HAND}.") from None


def _whole(name: str) -> Iterator[Path]:
    """The sources of CIFAR that can be read to their end."""
    for source in _sources(name):
        with contextlib.suppress(DataError):
            official.batches(name, source)
            yield source


def _nowhere(name: str) -> DataError:
    form = official.FORMS.get(name)
    looked_for = form.looked_for() if form else "not the file mnist.npz"
    given = os.environ["COURSE_DATA"]
    return DataError(f"COURSE_DATA is {given}, where there is no {name}, {looked_for}; {BY_HAND}.")


def _download(name: str) -> Dataset:
    import keras

    try:
        if name == "cifar100":
            (x, y), (xt, yt) = keras.datasets.cifar100.load_data("fine")
            (_, c), (_, ct) = keras.datasets.cifar100.load_data("coarse")
            return _checked(name, x, y, xt, yt, class_names.CIFAR100, "downloaded", c, ct)
        module = keras.datasets.cifar10 if name == "cifar10" else keras.datasets.mnist
        (x, y), (xt, yt) = module.load_data()
    except DataError:
        raise
    except Exception as error:
        is_cut = "corrupted" in str(error)  # Keras's word for a wrong checksum
        why = "it arrived incomplete or changed" if is_cut else type(error).__name__
        raise DataError(f"{name} cannot be downloaded ({why}); {BY_HAND}.") from None
    names = CLASSES10 if name == "cifar10" else _DIGITS
    x, xt = (x, xt) if x.ndim == 4 else (x[..., None], xt[..., None])
    return _checked(name, x, y, xt, yt, names, "downloaded")


def _images(rows: np.ndarray) -> np.ndarray:
    planes = rows.reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def _read_cifar(name: str, source: Path) -> Dataset:
    read = official.batches(name, source)
    *parts, last = (read[file] for file in official.FORMS[name].files)
    x, xt = _images(np.concatenate([b["data"] for b in parts])), _images(last["data"])
    where = f"in {source.name}"
    if name == "cifar10":
        y = np.concatenate([b["labels"] for b in parts])
        return _checked(name, x, y, xt, last["labels"], CLASSES10, where)
    [train] = parts
    y, yt = train["fine_labels"], last["fine_labels"]
    coarse = train["coarse_labels"], last["coarse_labels"]
    return _checked(name, x, y, xt, yt, class_names.CIFAR100, where, *coarse)


def _read_mnist(path: Path) -> Dataset:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as store:
            parts = [store[k] for k in ("x_train", "y_train", "x_test", "y_test")]
    except Exception:
        raise DataError(f"{path.name} is damaged or not official; download it again.") from None
    x, y, xt, yt = parts
    return _checked("mnist", x[..., None], y, xt[..., None], yt, _DIGITS, "in mnist.npz")


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
    supers, supers_test = (None if c is None else _column(c) for c in (coarse, coarse_test))
    groups = None if coarse is None else class_names.CIFAR100_SUPERCLASSES
    return Dataset(name, x, y, xt, yt, names, source, supers, supers_test, groups)


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

    It looks where `load` looks, and downloads what is in neither place. An archive is unpacked into
    Keras's cache. Under *offline*, and where Keras keeps the data in another form, it writes a
    small folder of generated images instead, and prints that it did.

    Args:
        made_in: Where to write files if the cache cannot be written, and generated files.

    Returns:
        The path of a folder of batch files.

    Raises:
        DataError: If the data is damaged or cannot be downloaded; the message says how to fix it.
    """
    if profile.current().name != "offline":
        found = _official_folder(Path(made_in))
        if found is None:
            _real("cifar10")  # downloads it, or says why not
            found = _official_folder(Path(made_in))
        if found is not None:
            print(f"Batch files: official ones in {found}.")
            return found
    to = sample_batch_folder(made_in)
    print(f"Batch files: small ones of generated images, written to {to}.")
    return to


def _official_folder(made_in: Path) -> Path | None:
    source = next(_whole("cifar10"), None)
    if source is None or source.is_dir():
        return source
    try:
        return official.unpacked("cifar10", source, made_in)
    except OSError as error:
        raise DataError(
            f"{source.name} can be unpacked neither into Keras's cache nor into {made_in} "
            f"({error.strerror}); unpack it by hand."
        ) from None
