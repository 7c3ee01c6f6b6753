"""Random numbers without a generator: each is a hash of what it is for.

A key stands for one image (data set, seed, split, index); word ``f`` of a key is the hash of the
key and of the number ``f``. So an image depends neither on how many images are asked for nor on
their order nor on NumPy's generators. The hash is SplitMix64 (Steele, Lea and Flood 2014).
"""

import numpy as np

GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio, made odd
WORD_STEP = np.uint64(0xD1342543DE82EF95)  # an odd number of mixed bits; it sets words apart
ONE = np.uint64(1)


def image_keys(data_set: int, seed: int, split: int, index: np.ndarray) -> np.ndarray:
    """Make one key for each image.

    Args:
        data_set: The set's number.
        seed: Another seed gives other keys.
        split: 0 for training images, 1 for test images.
        index: Which images, (N,) integers from 0.

    Returns:
        (N,) uint64.
    """
    key = np.zeros(1, np.uint64)
    for value in np.array([data_set, seed, split], np.uint64):
        key = _mix((key + value + ONE) * GOLDEN_RATIO)
    return _mix(key + (index.astype(np.uint64) + ONE) * GOLDEN_RATIO)


def uniforms(keys: np.ndarray, first: int, count: int) -> np.ndarray:
    """Turn words of each key into numbers from 0 to 1.

    Args:
        keys: (N,) uint64.
        first: The number of the first word.
        count: How many words to use.

    Returns:
        (N, count) float32 in [0, 1), multiples of 2**-24, which float32 holds exactly.
    """
    top_24_bits = _words(keys, first, count) >> np.uint64(40)
    return top_24_bits.astype(np.float32) * np.float32(2.0**-24)


def random_bytes(keys: np.ndarray, first: int, count: int) -> np.ndarray:
    """Turn words of each key into bytes, eight from each word.

    Args:
        keys: (N,) uint64.
        first: The number of the first word.
        count: How many bytes to give.

    Returns:
        (N, count) uint8, the lowest byte of a word first on every machine.
    """
    words = _words(keys, first, -(-count // 8))
    return words.astype("<u8", copy=False).view(np.uint8)[:, :count]


def _words(keys: np.ndarray, first: int, count: int) -> np.ndarray:
    return _mix(keys[:, None] + np.arange(first, first + count, dtype=np.uint64) * WORD_STEP)


def _mix(z: np.ndarray) -> np.ndarray:
    """SplitMix64's last step: every bit of the result depends on every bit of ``z``."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
