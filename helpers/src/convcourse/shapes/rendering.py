"""The images of the generated sets: a shape with a soft edge in front of a cluttered background.

The class decides the shape and, in shapes100, its fill. All else is drawn at random, as
`convcourse.shapes.fields` lists it. Pixels are made with operations that IEEE 754 rounds once
(+ - * / sqrt abs min max floor), in float32, in the order written here and without sums over axes
or trigonometry; another order would round differently and give other bytes.

Arrays are (N, 32, 32) for N images of one shape, or (N,) and (N, 3) for what is one value or one
color for each. Several are changed in place: a chunk then stays in the processor's cache.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from convcourse.shapes.distances import DISTANCES
from convcourse.shapes.fields import NOISE_WORDS, TEXTURE_WORDS, Fields, draw
from convcourse.shapes.hashing import random_bytes

Array = np.ndarray
SIZE = 32
CENTRED = np.arange(SIZE, dtype=np.float32) - np.float32(15.5)  # pixels from the image's center
PLUS, MINUS, ZERO = np.float32(1), np.float32(-1), np.float32(0)
SHARE_OF_ROOM = 0.9  # how close to the image's border a figure comes

# ---------------------------------------------------------------------- an image


def render(keys: Array, shape: str, fill: Array | None) -> Array:
    """Draw images that all show one shape.

    Args:
        keys: One for each image, (N,) uint64.
        shape: A name in `DISTANCES`.
        fill: Positions in `FILLS`, (N,) integers, or None if the fill does not depend on the class.

    Returns:
        (N, 32, 32, 3) uint8.
    """
    fields = draw(keys)
    figure = _figure(fields, shape)
    pattern = _shading(fields, figure) if fill is None else _filled(fields, figure, fill)
    texture, clutter = _background(fields, keys)
    front = _bar(fields["front"])
    front *= _each(fields["occluded"])
    noise = _noise(fields, keys)
    colours = _exposed(fields, _colours(fields, strong_fill=fill is not None))

    pixels = np.empty((len(keys), 3, SIZE, SIZE), np.uint8)
    for channel in range(3):
        colour = {name: _each(values[:, channel]) for name, values in colours.items()}
        plane = texture * colour["texture"]
        plane += colour["background"]
        plane += clutter * colour["clutter"]
        inside = pattern * colour["fill"]
        inside += colour["figure"]
        _cover(plane, figure.mask, inside)
        _cover(plane, front, colour["front"])
        plane += noise[channel]
        pixels[:, channel] = np.clip(plane, 0, 255, out=plane)  # cut off: see _exposed
    return pixels.transpose(0, 2, 3, 1)


def _each(values: Array) -> Array:
    """(N,) as (N, 1, 1): one value for every pixel of an image."""
    return values[:, None, None]


def _cover(plane: Array, mask: Array, colour: Array) -> None:
    """Lay ``colour`` over the plane where the mask is 1; in place."""
    change = colour - plane
    change *= mask
    plane += change


def _noise(fields: Fields, keys: Array) -> list[Array]:
    """Gray levels to add, a plane (N, 32, 32) for each channel."""
    noise = random_bytes(keys, NOISE_WORDS, 3 * SIZE * SIZE).view(np.int8)
    scale = _each(fields["noise"] * (1 / 74))  # such a byte's own deviation is 73.9
    return [plane * scale for plane in noise.reshape(-1, 3, SIZE, SIZE).swapaxes(0, 1)]


# ---------------------------------------------------------------------- the figure


@dataclass
class _Figure:
    """``u``, ``v``: a pixel's place in the figure's frame; ``distance`` from its edge there.

    ``mask`` is 1 inside and 0 outside; ``sharpness`` (N,) says how fast it falls at the edge.
    """

    u: Array
    v: Array
    distance: Array
    sharpness: Array
    mask: Array


def _figure(fields: Fields, shape: str) -> _Figure:
    radius, aspect = fields["radius"], fields["aspect"]
    room = (SIZE / 2 - radius) * SHARE_OF_ROOM  # small figures wander further
    u, v = _frame(
        fields["x"] * room,
        fields["y"] * room,
        fields["rotation"],
        1 / (radius * (1 + aspect)),
        1 / (radius * (1 - aspect)),
    )
    u *= _each(np.where(fields["mirrored"], PLUS, MINUS))  # so a flip keeps the distribution
    distance = DISTANCES[shape](u, v)
    sharpness = radius / fields["blur"]
    return _Figure(u, v, distance, sharpness, _soft(-distance * _each(sharpness)))


def _frame(
    x: Array, y: Array, tangent: Array, scale_u: Array | float = 1, scale_v: Array | float = 1
) -> tuple[Array, Array]:
    """Coordinates of every pixel in a frame at (x, y), turned and scaled.

    The angle is given by the tangent t of its half, so that its cosine (1 - t²) / (1 + t²) and
    its sine 2t / (1 + t²) need no trigonometry.
    """
    shrink = 1 / (1 + tangent * tangent)
    cos, sin = (1 - tangent * tangent) * shrink, 2 * tangent * shrink
    across, down = CENTRED - x[:, None], CENTRED - y[:, None]
    return (
        _ramp((cos * scale_u)[:, None] * across, (sin * scale_u)[:, None] * down),
        _ramp((sin * -scale_v)[:, None] * across, (cos * scale_v)[:, None] * down),
    )


def _ramp(across: Array, down: Array) -> Array:
    """(N, 32) along each row and (N, 32) along each column, added up for every pixel."""
    return across[:, None, :] + down[:, :, None]


def _soft(depth: Array) -> Array:
    """1 where ``depth`` is over a half, 0 below minus a half, straight between; in place."""
    depth += 0.5
    return np.clip(depth, 0, 1, out=depth)


# ---------------------------------------------------------------------- its fill


def _wave(z: Array) -> Array:
    """A triangle wave: from 1/2 at whole numbers down to 0 between them."""
    return np.abs(z - np.floor(z) - 0.5)


def _shading(fields: Fields, figure: _Figure) -> Array:
    """From 0 to 1 and back, once or in bands, across or down, whatever the class."""
    across = fields["shading across"]
    frequency = np.where(fields["shading coarse"], np.float32(0.45), np.float32(1.6))
    z = figure.u * _each(np.where(across, frequency, ZERO))
    z += figure.v * _each(np.where(across, ZERO, frequency))
    z += _each(fields["fill phase"])
    return _wave(z) * 2


class _Fillable(NamedTuple):
    """What a fill is made from, for images of one fill."""

    u: Array
    v: Array
    distance: Array
    sharpness: Array
    frequency: Array
    phase: Array


def _striped(at: _Fillable) -> Array:
    return (_wave(at.v * at.frequency + at.phase) - 0.25) * 12


def _checked(at: _Fillable) -> Array:
    columns = _wave(at.u * at.frequency + at.phase) - 0.25
    rows = _wave(at.v * at.frequency + at.phase * 0.5) - 0.25
    return columns * rows * 72


def _halved(at: _Fillable) -> Array:
    return at.u * 9


def _rimmed(at: _Fillable) -> Array:
    return (at.distance + 0.20) * at.sharpness


FILLS: dict[str, Callable[[_Fillable], Array] | None] = {
    "plain": None,
    "striped": _striped,
    "checked": _checked,
    "halved": _halved,
    "rimmed": _rimmed,
}


def _filled(fields: Fields, figure: _Figure, fill: Array) -> Array:
    """Where the second color is: 1 there, 0 elsewhere."""
    pattern = np.zeros_like(figure.u)
    per_image = (figure.sharpness, fields["fill frequency"], fields["fill phase"])
    for number, depth in enumerate(FILLS.values()):
        chosen = np.nonzero(fill == number)[0]
        if depth is None or not len(chosen):
            continue
        pixels = (values[chosen] for values in (figure.u, figure.v, figure.distance))
        at = _Fillable(*pixels, *(_each(values[chosen]) for values in per_image))
        pattern[chosen] = _soft(depth(at))
    return pattern


# ---------------------------------------------------------------------- colors

# (N, 3) by name, red, green and blue. Background, figure and front are colors, from 0 to 1 at
# first; texture, clutter and fill are what their full strength adds to one.
Colours = dict[str, Array]


def _colours(fields: Fields, strong_fill: bool) -> Colours:
    contrast = fields["contrast"]
    sign = np.where(fields["darker"], MINUS, PLUS)
    # Between the two lightnesses, which both stay within 0.06 and 0.94.
    middle = 0.5 * contrast + 0.06 + fields["brightness"] * (0.88 - contrast)
    half = 0.5 * contrast * sign
    added = {
        name: fields[f"{name} lightness"][:, None] + fields[f"{name} tint"]
        for name in ("texture", "clutter", "front", "fill")
    }
    background = (middle - half)[:, None] + fields["background tint"]
    figure = (middle + half)[:, None] + fields["figure tint"]
    if strong_fill:
        added["fill"] = _contrasting(figure, fields["fill strength"]) + added["fill"]
    added["front"] = background + added["front"]
    return added | {"background": background, "figure": figure}


def _contrasting(colour: Array, strength: Array) -> Array:
    """(N, 1), what to add for a second color that shows: light ones darken, dark ones lighten."""
    red, green, blue = colour.T
    lightness = (red + green + blue) * (1 / 3)
    sign = np.where(lightness > 0.5, MINUS, PLUS)
    return (sign * (0.34 + 0.16 * strength))[:, None]


def _exposed(fields: Fields, colours: Colours) -> Colours:
    """The sensor: gain and offset, and from 0 to 1 to gray levels of 0 to 255.

    The offset contains a half, so that cutting off what is behind the point rounds.
    """
    gain = fields["gain"]
    scale = (gain * 255)[:, None]
    shift = ((fields["offset"] + (1 - gain) * 0.4) * 255 + 0.5)[:, None]
    exposed = {name: colour * scale for name, colour in colours.items()}
    for name in ("background", "figure", "front"):
        exposed[name] += shift
    return exposed


# ---------------------------------------------------------------------- the background


def _background(fields: Fields, keys: Array) -> tuple[Array, Array]:
    """How much of the texture's and of the clutter's color each pixel has.

    The texture is value noise at two scales on a slope, with two bars; three more are clutter.
    """
    lattice = random_bytes(keys, TEXTURE_WORDS, 5 * 5 + 9 * 9).astype(np.float32)
    lattice *= 1 / 255
    texture = _smooth(lattice[:, :25].reshape(-1, 5, 5), cell=8)
    fine = _smooth(lattice[:, 25:].reshape(-1, 9, 9), cell=4)
    fine *= _each(fields["roughness"])
    texture += fine
    slope_x, slope_y = ((fields[f"slope {axis}"] * (1 / SIZE))[:, None] for axis in "xy")
    texture += _ramp(slope_x * CENTRED, slope_y * CENTRED)

    bars = [_bar(fields[f"clutter {number}"]) for number in range(5)]
    for number in range(1, 5):
        bars[number] *= _each(fields[f"clutter {number} strength"])
    texture += bars[1] * 1.5
    texture += bars[3] * 1.5
    return texture, bars[0] + bars[2] + bars[4]


def _smooth(lattice: Array, cell: int) -> Array:
    """(N, K, K) values at the corners of cells, interpolated linearly in both directions."""
    pixel = np.arange(SIZE)
    corner = pixel // cell
    share = ((pixel % cell).astype(np.float32) + 0.5) * (1 / cell)
    rows = _between(lattice, corner, share[:, None], axis=1)
    return _between(rows, corner, share, axis=2)


def _between(values: Array, corner: Array, share: Array, axis: int) -> Array:
    near = np.take(values, corner, axis=axis)
    far = np.take(values, corner + 1, axis=axis)
    far -= near
    far *= share
    far += near
    return far


def _bar(numbers: Array) -> Array:
    """The soft mask of a thick bar; ``numbers`` (N, 5) as `convcourse.shapes.fields` says."""
    x, y, tangent, half_length, half_width = numbers.T
    u, v = _frame(x, y, tangent)
    np.abs(u, out=u)
    np.abs(v, out=v)
    u += _each(half_width - half_length)  # both sides now end at the same number
    np.maximum(u, v, out=u)
    np.subtract(_each(half_width + 0.5), u, out=u)
    return np.clip(u, 0, 1, out=u)
