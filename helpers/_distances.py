"""The thirty shapes as signed distances: negative inside, zero on the edge, positive outside.

Coordinates ``u`` (right) and ``v`` (down) are float32 arrays in the shape's own frame, where the
figure fills about [-1, 1]. Only operations that IEEE 754 rounds once are used, so that the
pixels are the same on every machine.
"""

import numpy as np

F = np.float32


def _box(u, v, a, b):
    return np.maximum(np.abs(u) - F(a), np.abs(v) - F(b))


def _len(u, v):
    return np.sqrt(u * u + v * v)


def _seg(u, v, x0, y0, x1, y1, t):  # thick segment
    dx, dy = x1 - x0, y1 - y0
    n2 = dx * dx + dy * dy
    h = np.clip((u - F(x0)) * F(dx / n2) + (v - F(y0)) * F(dy / n2), F(0), F(1))
    return _len(u - F(x0) - h * F(dx), v - F(y0) - h * F(dy)) - F(t)


_MIN, _MAX = np.minimum, np.maximum


def _star(u, v):
    c, s = 0.809016994, 0.587785252
    x, y = np.abs(u), -v
    h = _MAX(x * F(c) - y * F(s), F(0)) * F(2)
    x = x - h * F(c)
    y = y + h * F(s)
    h = _MAX(-x * F(c) - y * F(s), F(0)) * F(2)
    x = x + h * F(c)
    y = y + h * F(s)
    x = np.abs(x)
    y = y - F(1.0)
    bx, by = 0.46 * 0.587785252, 0.46 * 0.809016994 - 1.0
    norm = bx * bx + by * by
    h = np.clip((x * F(bx) + y * F(by)) * F(1 / norm), F(0), F(1))
    d = _len(x - h * F(bx), y - h * F(by))
    return np.where(y * F(bx) - x * F(by) > 0, d, -d)


def _heart(u, v):
    x, y = np.abs(u), -v
    lobe = _len(x - F(0.42), y - F(0.30)) - F(0.48)
    tip = _MAX(x * F(0.7660) - y * F(0.6428) - F(0.545), y - F(0.30))  # wedge below the lobes
    return _MIN(lobe, tip)


def _ring(u, v):
    return np.abs(_len(u, v) - F(0.68)) - F(0.20)


DISTANCES = {
    "disc": lambda u, v: _len(u, v) - F(0.85),
    "ring": _ring,
    "square": lambda u, v: _box(u, v, 0.75, 0.75),
    "triangle": lambda u, v: _MAX(np.abs(u) * F(0.8660254) - v * F(0.5) - F(0.46), v - F(0.58)),
    "cross": lambda u, v: _MIN(_box(u, v, 0.26, 0.88), _box(u, v, 0.88, 0.26)),
    "star": _star,
    "crescent": lambda u, v: _MAX(_len(u, v) - F(0.88), F(0.74) - _len(u - F(0.46), v)),
    "heart": _heart,
    "arrow": lambda u, v: _MIN(
        _box(u + F(0.40), v, 0.50, 0.22),
        _MAX(np.abs(v) * F(0.7071) + u * F(0.7071) - F(0.64), -u + F(0.05)),
    ),
    "stripes": lambda u, v: _MAX(
        np.abs(u) - F(0.85), _MIN(np.abs(v), np.abs(np.abs(v) - F(0.64))) - F(0.17)
    ),
    # the twenty of shapes100; none is among the ten above
    "diamond": lambda u, v: (np.abs(u) * F(1.25) + np.abs(v)) * F(0.66) - F(0.60),
    "frame": lambda u, v: np.abs(_box(u, v, 0.62, 0.62)) - F(0.17),
    "saltire": lambda u, v: _MIN(
        _box((u + v) * F(0.7071), (u - v) * F(0.7071), 0.22, 0.95),
        _box((u + v) * F(0.7071), (u - v) * F(0.7071), 0.95, 0.22),
    ),
    "hexagon": lambda u, v: _MAX(
        np.abs(v) - F(0.74), np.abs(u) * F(0.8660254) + np.abs(v) * F(0.5) - F(0.74)
    ),
    "tee": lambda u, v: _MIN(_box(u, v + F(0.58), 0.82, 0.24), _box(u, v, 0.24, 0.82)),
    "ell": lambda u, v: _MIN(_box(u + F(0.50), v, 0.25, 0.82), _box(u, v - F(0.58), 0.75, 0.25)),
    "cup": lambda u, v: _MIN(
        _box(np.abs(u) - F(0.56), v, 0.22, 0.80), _box(u, v - F(0.58), 0.78, 0.22)
    ),
    "aitch": lambda u, v: _MIN(_box(np.abs(u) - F(0.56), v, 0.22, 0.82), _box(u, v, 0.6, 0.20)),
    "hourglass": lambda u, v: _MAX(
        np.abs(u) * F(0.80) - np.abs(v) * F(0.60) - F(0.08), np.abs(v) - F(0.80)
    ),
    "half-disc": lambda u, v: _MAX(_len(u, v - F(0.40)) - F(0.90), v - F(0.40)),
    "chevron": lambda u, v: _MAX(
        np.abs(v - np.abs(u) * F(0.9) + F(0.30)) * F(0.74) - F(0.26), np.abs(u) - F(0.82)
    ),
    "pill": lambda u, v: _seg(u, v, -0.50, 0.0, 0.50, 0.0, 0.40),
    "drop": lambda u, v: _MIN(
        _len(u, v - F(0.30)) - F(0.52),
        _MAX(np.abs(u) * F(0.90) - v * F(0.44) - F(0.40), v - F(0.10)),
    ),
    "pair": lambda u, v: _len(np.abs(u) - F(0.48), v) - F(0.39),
    "dots": lambda u, v: _len(np.abs(u) - F(0.46), np.abs(v) - F(0.46)) - F(0.31),
    "zigzag": lambda u, v: _MIN(
        _seg(u, v, -0.6, -0.62, 0.6, -0.62, 0.19),
        _MIN(_seg(u, v, 0.6, -0.62, -0.6, 0.62, 0.19), _seg(u, v, -0.6, 0.62, 0.6, 0.62, 0.19)),
    ),
    "lens": lambda u, v: _MAX(_len(u, v - F(0.62)), _len(u, v + F(0.62))) - F(1.10),
    "open disc": lambda u, v: _MAX(
        _len(u, v) - F(0.85), u * F(0.64) - np.abs(v) * F(0.77) + F(0.0)
    ),
    "house": lambda u, v: _MIN(
        _box(u, v - F(0.32), 0.58, 0.48),
        _MAX(np.abs(u) * F(0.66) - v * F(0.75) - F(0.66), v + F(0.10)),
    ),
    "arch": lambda u, v: _MAX(
        np.abs(_len(u, _MIN(v + F(0.12), F(0))) - F(0.60)) - F(0.22), v - F(0.72)
    ),
}
