"""What the generated images draw at random: every number, with its range and its unit.

None of it tells the class. To make the images harder or easier, change a range here; their bytes
change then, and so do the checksums in the tests.
"""

from typing import NamedTuple

import numpy as np

from convcourse.shapes.hashing import uniforms

Fields = dict[str, np.ndarray]


class Field(NamedTuple):
    """Numbers that every image draws, evenly between ``low`` and ``high``, one for each pair.

    With a ``share``, the number becomes a truth value, which is true for that share of images.
    """

    name: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    share: float | None = None


def _one(name: str, low: float = 0.0, high: float = 1.0) -> Field:
    return Field(name, (low,), (high,))


def _share(name: str, share: float) -> Field:
    return Field(name, (0.0,), (1.0,), share)


def _colour(name: str, lightness: float, tint: float) -> tuple[Field, Field]:
    """A color difference: a large part common to all channels, and a small one for each."""
    return _one(f"{name} lightness", -lightness, lightness), _tint(name, tint)


def _tint(name: str, tint: float) -> Field:
    return Field(f"{name} tint", (-tint,) * 3, (tint,) * 3)


def _bar_field(name: str, reach: float) -> Field:
    """Place (x, y) in pixels, tangent of half its angle, half its length and width in pixels."""
    return Field(name, (-reach, -reach, -1, 1.0, 0.7), (reach, reach, 1, 7.0, 1.9))


# Their order is part of the images: a field's place is what its numbers are hashed from.
FIELDS = (
    _one("radius", 8.0, 13.0),  # pixels
    _one("aspect", -0.15, 0.15),  # wider by this share, and as much lower
    _one("x", -1, 1),  # of the room that the radius leaves
    _one("y", -1, 1),
    _one("rotation", -0.25, 0.25),  # tangent of half the angle: 28 degrees at most
    _share("mirrored", 0.5),
    _one("blur", 0.9, 1.8),  # width of the edge in pixels
    _one("contrast", 0.35, 0.75),  # lightness runs from 0 to 1
    _share("darker", 0.1),  # than its background
    _one("brightness"),
    _tint("background", 0.22),
    _tint("figure", 0.22),
    *_colour("texture", 0.30, 0.12),
    *_colour("clutter", 0.35, 0.20),
    *_colour("front", 0.30, 0.20),
    *_colour("fill", 0.16, 0.08),
    _one("fill frequency", 1.4, 2.0),  # stripes on half the figure
    _one("fill phase"),
    _share("shading coarse", 0.75),
    _share("shading across", 0.5),
    _one("fill strength", -1, 1),
    _one("roughness", 0.1, 0.9),
    _one("slope x", -1, 1),
    _one("slope y", -1, 1),
    _bar_field("clutter 0", reach=15.0),  # at full strength in every image
    _bar_field("clutter 1", reach=15.0),
    _one("clutter 1 strength", -1, 1),
    _bar_field("clutter 2", reach=15.0),
    _one("clutter 2 strength", -1, 1),
    _bar_field("clutter 3", reach=15.0),
    _one("clutter 3 strength", -1, 1),
    _bar_field("clutter 4", reach=15.0),
    _one("clutter 4 strength", -1, 1),
    _bar_field("front", reach=12.0),
    _share("occluded", 0.3),
    _one("gain", 0.75, 1.1),
    _one("offset", -0.06, 0.06),
    _one("noise", 2.0, 12.0),  # standard deviation in gray levels of 0 to 255
)
LOW = np.array([low for field in FIELDS for low in field.low], np.float32)
RANGE = np.array(
    [high - low for field in FIELDS for low, high in zip(field.low, field.high, strict=True)],
    np.float32,
)

# The words of an image's key: the fields (and room for two more), then the noise, then the texture.
FIELD_WORDS, NOISE_WORDS, TEXTURE_WORDS = 1, 81, 465


def draw(keys: np.ndarray) -> Fields:
    """Draw the numbers of every field.

    Args:
        keys: One for each image, (N,) uint64.

    Returns:
        Arrays by the field's name: (N,) float32 for a field of one number, (N, numbers) float32
        for a field of several, and (N,) truth values for a field with a share.
    """
    table = uniforms(keys, FIELD_WORDS, len(LOW)) * RANGE + LOW
    fields, first = {}, 0
    for field in FIELDS:
        columns = table[:, first : first + len(field.low)]
        numbers = columns[:, 0] if len(field.low) == 1 else columns
        fields[field.name] = numbers if field.share is None else numbers < field.share
        first += len(field.low)
    return fields
