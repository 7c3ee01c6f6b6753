"""The thirty shapes as signed distances: negative inside, zero on the edge, positive outside.

``u`` (right) and ``v`` (down) are float32 arrays, coordinates in the shape's own frame, which it
fills from about -1 to 1. Only operations that IEEE 754 rounds once are used (+ - * / sqrt abs
min max), so that pixels are the same on every machine; a plain number beside a float32 array
counts as float32.
"""

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Distance = Callable[[Array, Array], Array]
DISTANCES: dict[str, Distance] = {}

# On signed distances, the nearer edge joins two figures and the farther one is their overlap.
union, overlap = np.minimum, np.maximum

HALF_ROOT_2 = 0.7071  # sine and cosine of 45 degrees
HALF_ROOT_3 = 0.8660254  # cosine of 30 degrees


def _shape(name: str) -> Callable[[Distance], Distance]:
    """Enter a function into `DISTANCES` under the name of its class."""

    def enter(distance: Distance) -> Distance:
        DISTANCES[name] = distance
        return distance

    return enter


# ---------------------------------------------------------------------- parts


def _length(u: Array, v: Array) -> Array:
    return np.sqrt(u * u + v * v)


def _box(u: Array, v: Array, half_width: float, half_height: float) -> Array:
    return overlap(np.abs(u) - half_width, np.abs(v) - half_height)


def _stroke(
    u: Array, v: Array, start: tuple[float, float], end: tuple[float, float], radius: float
) -> Array:
    """A line from ``start`` to ``end`` with round ends."""
    across, down = end[0] - start[0], end[1] - start[1]
    square = across * across + down * down
    share = (u - start[0]) * (across / square) + (v - start[1]) * (down / square)
    share = np.clip(share, 0, 1)  # where along the line the nearest point lies
    return _length(u - start[0] - share * across, v - start[1] - share * down) - radius


# ---------------------------------------------------------------------- the ten of shapes10


@_shape("disc")
def _disc(u: Array, v: Array) -> Array:
    return _length(u, v) - 0.85


@_shape("ring")
def _ring(u: Array, v: Array) -> Array:
    return np.abs(_length(u, v) - 0.68) - 0.20


@_shape("square")
def _square(u: Array, v: Array) -> Array:
    return _box(u, v, 0.75, 0.75)


@_shape("triangle")
def _triangle(u: Array, v: Array) -> Array:
    sides, base = np.abs(u) * HALF_ROOT_3 - v * 0.5 - 0.46, v - 0.58
    return overlap(sides, base)


@_shape("cross")
def _cross(u: Array, v: Array) -> Array:
    return union(_box(u, v, 0.26, 0.88), _box(u, v, 0.88, 0.26))


@_shape("star")
def _star(u: Array, v: Array) -> Array:
    """Five points: folded twice about its axes of symmetry, one edge of one point is left."""
    cos36, sin36 = 0.809016994, 0.587785252
    x, y = np.abs(u), -v
    beyond = np.maximum(x * cos36 - y * sin36, 0) * 2
    x, y = x - beyond * cos36, y + beyond * sin36
    beyond = np.maximum(-x * cos36 - y * sin36, 0) * 2
    x, y = np.abs(x + beyond * cos36), y + beyond * sin36
    y = y - 1.0  # seen from the tip
    edge_x, edge_y = 0.46 * sin36, 0.46 * cos36 - 1.0
    square = edge_x * edge_x + edge_y * edge_y
    share = np.clip((x * edge_x + y * edge_y) * (1 / square), 0, 1)
    distance = _length(x - share * edge_x, y - share * edge_y)
    return np.where(y * edge_x - x * edge_y > 0, distance, -distance)


@_shape("crescent")
def _crescent(u: Array, v: Array) -> Array:
    bite = 0.74 - _length(u - 0.46, v)
    return overlap(_length(u, v) - 0.88, bite)


@_shape("heart")
def _heart(u: Array, v: Array) -> Array:
    x, y = np.abs(u), -v
    lobes = _length(x - 0.42, y - 0.30) - 0.48
    wedge = overlap(x * 0.7660 - y * 0.6428 - 0.545, y - 0.30)  # its sides fall at 50 degrees
    return union(lobes, wedge)


@_shape("arrow")
def _arrow(u: Array, v: Array) -> Array:
    shaft = _box(u + 0.40, v, 0.50, 0.22)
    head = overlap(np.abs(v) * HALF_ROOT_2 + u * HALF_ROOT_2 - 0.64, 0.05 - u)
    return union(shaft, head)


@_shape("stripes")
def _stripes(u: Array, v: Array) -> Array:
    to_nearest = union(np.abs(v), np.abs(np.abs(v) - 0.64))  # three stripes: middle and outer
    return overlap(np.abs(u) - 0.85, to_nearest - 0.17)


# ---------------------------------------------------------------------- the twenty of shapes100


@_shape("diamond")
def _diamond(u: Array, v: Array) -> Array:
    return (np.abs(u) * 1.25 + np.abs(v)) * 0.66 - 0.60


@_shape("frame")
def _frame(u: Array, v: Array) -> Array:
    return np.abs(_box(u, v, 0.62, 0.62)) - 0.17


@_shape("saltire")
def _saltire(u: Array, v: Array) -> Array:
    p, q = (u + v) * HALF_ROOT_2, (u - v) * HALF_ROOT_2
    return union(_box(p, q, 0.22, 0.95), _box(p, q, 0.95, 0.22))


@_shape("hexagon")
def _hexagon(u: Array, v: Array) -> Array:
    return overlap(np.abs(v) - 0.74, np.abs(u) * HALF_ROOT_3 + np.abs(v) * 0.5 - 0.74)


@_shape("tee")
def _tee(u: Array, v: Array) -> Array:
    return union(_box(u, v + 0.58, 0.82, 0.24), _box(u, v, 0.24, 0.82))


@_shape("ell")
def _ell(u: Array, v: Array) -> Array:
    return union(_box(u + 0.50, v, 0.25, 0.82), _box(u, v - 0.58, 0.75, 0.25))


@_shape("cup")
def _cup(u: Array, v: Array) -> Array:
    return union(_box(np.abs(u) - 0.56, v, 0.22, 0.80), _box(u, v - 0.58, 0.78, 0.22))


@_shape("aitch")
def _aitch(u: Array, v: Array) -> Array:
    return union(_box(np.abs(u) - 0.56, v, 0.22, 0.82), _box(u, v, 0.6, 0.20))


@_shape("hourglass")
def _hourglass(u: Array, v: Array) -> Array:
    return overlap(np.abs(u) * 0.80 - np.abs(v) * 0.60 - 0.08, np.abs(v) - 0.80)


@_shape("half-disc")
def _half_disc(u: Array, v: Array) -> Array:
    return overlap(_length(u, v - 0.40) - 0.90, v - 0.40)


@_shape("chevron")
def _chevron(u: Array, v: Array) -> Array:
    band = np.abs(v - np.abs(u) * 0.9 + 0.30) * 0.74 - 0.26
    return overlap(band, np.abs(u) - 0.82)


@_shape("pill")
def _pill(u: Array, v: Array) -> Array:
    return _stroke(u, v, (-0.50, 0.0), (0.50, 0.0), 0.40)


@_shape("drop")
def _drop(u: Array, v: Array) -> Array:
    tip = overlap(np.abs(u) * 0.90 - v * 0.44 - 0.40, v - 0.10)
    return union(_length(u, v - 0.30) - 0.52, tip)


@_shape("pair")
def _pair(u: Array, v: Array) -> Array:
    return _length(np.abs(u) - 0.48, v) - 0.39


@_shape("dots")
def _dots(u: Array, v: Array) -> Array:
    return _length(np.abs(u) - 0.46, np.abs(v) - 0.46) - 0.31


@_shape("zigzag")
def _zigzag(u: Array, v: Array) -> Array:
    top = _stroke(u, v, (-0.6, -0.62), (0.6, -0.62), 0.19)
    slope = _stroke(u, v, (0.6, -0.62), (-0.6, 0.62), 0.19)
    bottom = _stroke(u, v, (-0.6, 0.62), (0.6, 0.62), 0.19)
    return union(top, union(slope, bottom))


@_shape("lens")
def _lens(u: Array, v: Array) -> Array:
    return overlap(_length(u, v - 0.62), _length(u, v + 0.62)) - 1.10


@_shape("open disc")
def _open_disc(u: Array, v: Array) -> Array:
    mouth = u * 0.64 - np.abs(v) * 0.77
    return overlap(_length(u, v) - 0.85, mouth)


@_shape("house")
def _house(u: Array, v: Array) -> Array:
    roof = overlap(np.abs(u) * 0.66 - v * 0.75 - 0.66, v + 0.10)
    return union(_box(u, v - 0.32, 0.58, 0.48), roof)


@_shape("arch")
def _arch(u: Array, v: Array) -> Array:
    above_legs = np.minimum(v + 0.12, 0)  # a ring above, straight legs below
    return overlap(np.abs(_length(u, above_legs) - 0.60) - 0.22, v - 0.72)
