"""shapes10 and shapes100: generated images that stand in for CIFAR-10 and CIFAR-100.

A soft-edged shape of random place, size, rotation and colours before a textured background with
clutter, sometimes behind a bar, with noise. Every random number is a counter-based hash
(SplitMix64, Steele, Lea and Flood 2014) of data set, seed, split, image and field, and pixels use
only float32 operations that IEEE 754 rounds once: image i is the same to the byte on every
machine, however many are asked for.
"""

import numpy as np

from helpers._distances import DISTANCES

F = np.float32
U = np.uint64
CLASSES10 = (
    "disc",
    "ring",
    "square",
    "triangle",
    "cross",
    "star",
    "crescent",
    "heart",
    "arrow",
    "stripes",
)
SUPERCLASSES = (
    "diamond",
    "frame",
    "saltire",
    "hexagon",
    "tee",
    "ell",
    "cup",
    "aitch",
    "hourglass",
    "half-disc",
    "chevron",
    "pill",
    "drop",
    "pair",
    "dots",
    "zigzag",
    "lens",
    "open disc",
    "house",
    "arch",
)
FILLS = ("plain", "striped", "checked", "halved", "rimmed")
CLASSES100 = tuple(f"{f} {s}" for s in SUPERCLASSES for f in FILLS)

# knobs of the nuisance variables -------------------------------------------------------------
NUISANCE = dict(
    shift=0.9,
    rmin=8.0,
    rmax=13.0,
    rot=0.25,
    aspect=0.15,
    contrast=(0.35, 0.75),
    chroma=0.22,
    noise=(2.0, 12.0),
    texture=0.30,
    clutter=5,
    occlude=0.3,
    dark=0.1,
    blur=(0.9, 1.8),
    fillamp=0.16,
)

# ------------------------------------------------------------------ counter-based random numbers
_G = U(0x9E3779B97F4A7C15)


def _mix(z):
    z = (z ^ (z >> U(30))) * U(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U(27))) * U(0x94D049BB133111EB)
    return z ^ (z >> U(31))


def _keys(tag, seed, split, idx):
    base = np.array([tag, seed, split], dtype=U)
    k = np.zeros(1, U)
    for v in base:
        k = _mix((k + v + U(1)) * _G)
    return _mix(k + (idx.astype(U) + U(1)) * _G)


NPAR = 80  # scalar fields per image


def _table(keys):
    """(n, NPAR) uniform numbers in [0,1), multiples of 2**-24 (exact in float32)"""
    f = np.arange(1, NPAR + 1, dtype=U) * U(0xD1342543DE82EF95)
    out = np.empty((len(keys), NPAR), F)
    for i in range(0, len(keys), 1024):
        out[i : i + 1024] = (_mix(keys[i : i + 1024, None] + f) >> U(40)).astype(F) * F(2.0**-24)
    return out


def _bytes(keys, first, m):
    f = np.arange(NPAR + 1 + first, NPAR + 1 + first + (m + 7) // 8, dtype=U) * U(
        0xD1342543DE82EF95
    )
    return _mix(keys[:, None] + f).astype("<u8", copy=False).view(np.uint8)[:, :m]


class _Rand:
    """hands out the columns of the table one after another"""

    def __init__(self, tab):
        self.tab, self.f = tab, 0

    def u(self, lo=0.0, hi=1.0, m=None):
        f = self.f
        self.f += m or 1
        t = self.tab[:, f] if m is None else self.tab[:, f : f + m]
        return t * F(hi - lo) + F(lo)


# ------------------------------------------------------------------ pictures
_XY = np.arange(32, dtype=F) - F(15.5)
_0, _1 = F(0), F(1)


def _col(a):
    return a[:, None, None]


def _upsample(g, cell):
    """bilinear value noise: (n, k, k) lattice -> (n, 32, 32)"""
    p = np.arange(32)
    i = p // cell
    w = ((p % cell).astype(F) + F(0.5)) * F(1.0 / cell)
    a = np.take(g, i, axis=1)  # (np.take: C order; fancy indexing would give another layout)
    r = np.take(g, i + 1, axis=1)
    r -= a
    r *= w[:, None]
    r += a
    a = np.take(r, i, axis=2)
    r = np.take(r, i + 1, axis=2)
    r -= a
    r *= w
    r += a
    return r


def _frame(cx, cy, t, sx=_1, sy=_1):
    """rotated, scaled coordinates; the angle by its half-angle tangent t (no sin/cos)"""
    q = _1 / (_1 + t * t)
    c, s = (_1 - t * t) * q, F(2) * t * q
    X, Y = _XY - cx[:, None], _XY - cy[:, None]
    u = ((c * sx)[:, None] * X)[:, None, :] + ((s * sx)[:, None] * Y)[:, :, None]
    v = ((s * -sy)[:, None] * X)[:, None, :] + ((c * sy)[:, None] * Y)[:, :, None]
    return u, v


def _bar(R, spread):
    """soft mask of a random thick bar (clutter)"""
    u, v = _frame(R.u(-spread, spread), R.u(-spread, spread), R.u(-1, 1))
    a, b = R.u(1.0, 7.0), R.u(0.7, 1.9)
    np.abs(u, out=u)
    np.abs(v, out=v)
    u += _col(b - a)
    np.maximum(u, v, out=u)  # .5 - max(|u|-a, |v|-b), clipped to [0,1]
    np.subtract(_col(b + F(0.5)), u, out=u)
    np.maximum(u, _0, out=u)
    return np.minimum(u, _1, out=u)


def _over(img, m, new):
    """img <- img + m*(new-img); new is overwritten"""
    new -= img
    new *= m
    img += new


def _render(keys, tab, shape, fill, K):
    """A chunk of images of one shape; ``fill`` is None (a nuisance) or an index into FILLS each."""
    n = len(keys)
    R = _Rand(tab)
    r = R.u(K["rmin"], K["rmax"])
    room = (F(16) - r) * F(K["shift"])  # small figures wander further
    asp = R.u(-K["aspect"], K["aspect"])
    u, v = _frame(
        R.u(-1, 1) * room,
        R.u(-1, 1) * room,
        R.u(-K["rot"], K["rot"]),
        _1 / (r * (_1 + asp)),
        _1 / (r * (_1 - asp)),
    )
    u *= _col(np.where(R.u() < F(0.5), _1, F(-1)))  # mirrored or not: flips keep the distribution
    d = DISTANCES[shape](u, v)
    k = _col(r / R.u(*K["blur"]))
    mask = d * k
    np.subtract(F(0.5), mask, out=mask)
    np.maximum(mask, _0, out=mask)
    np.minimum(mask, _1, out=mask)

    # colours: luminance contrast of either sign, tint independent of everything
    con, sgn = R.u(*K["contrast"]), np.where(R.u() < F(K["dark"]), F(-1), _1)
    mid = F(0.5) * con + F(0.06) + R.u() * (F(0.88) - con)  # both luminances stay within [.06, .94]
    half = F(0.5) * con * sgn
    c = K["chroma"]
    b0 = (mid - half)[:, None] + R.u(-c, c, 3)
    f0 = (mid + half)[:, None] + R.u(-c, c, 3)
    db = R.u(-K["texture"], K["texture"])[:, None] + R.u(-0.12, 0.12, 3)  # along the texture
    de = R.u(-0.35, 0.35)[:, None] + R.u(-0.20, 0.20, 3)  # along the clutter
    do = R.u(-0.30, 0.30)[:, None] + R.u(-0.20, 0.20, 3)  # the bar in front
    df = R.u(-K["fillamp"], K["fillamp"])[:, None] + R.u(-0.08, 0.08, 3)  # along the fill

    freq, ph, sel, w, lvl = R.u(1.4, 2.0), R.u(), R.u(), R.u(), R.u(-1, 1)
    if fill is None:  # shaded or softly banded: a nuisance
        fr = np.where(sel < F(0.75), F(0.45), F(1.6))
        hor = w < F(0.5)
        f = u * _col(np.where(hor, fr, _0))
        f += v * _col(np.where(hor, _0, fr))
        f += _col(ph)
        f -= np.floor(f)
        f -= F(0.5)
        np.abs(f, out=f)
        f *= F(2)
    else:  # the fill is half of the class: strong second colour
        f = _fills(u, v, d, k, fill, freq, ph)
        lum = (f0[:, 0] + f0[:, 1] + f0[:, 2]) * F(1 / 3)
        df = (np.where(lum > F(0.5), F(-1), _1) * (F(0.34) + F(0.16) * lvl))[:, None] + df

    # background: gradient + two octaves of value noise, clutter bars on top of it
    lat = _bytes(keys, 384, 106).astype(F)
    lat *= F(1 / 255)
    t = _upsample(lat[:, :25].reshape(n, 5, 5), 8)
    t2 = _upsample(lat[:, 25:].reshape(n, 9, 9), 4)
    t2 *= _col(R.u(0.1, 0.9))
    t += t2
    t += _frame_row(R.u(-1, 1), R.u(-1, 1))
    e = np.zeros_like(t)
    for j in range(K["clutter"]):
        m = _bar(R, 15.0)
        m *= _col(R.u(-1, 1) if j else np.ones(n, F))
        if j % 2:
            t += m * F(1.5)
        else:
            np.copyto(e, m) if j == 0 else np.add(e, m, out=e)
    front = _bar(R, 12.0)
    front *= _col(np.where(R.u() < F(K["occlude"]), _1, _0))

    # sensor: gain and offset go into the colours; then noise and 8 bits
    gain, off = R.u(0.75, 1.1), R.u(-0.06, 0.06)
    g = (gain * F(255))[:, None]
    o = ((off + (_1 - gain) * F(0.4)) * F(255) + F(0.5))[:, None]
    dr, b0, f0 = (b0 + do) * g + o, b0 * g + o, f0 * g + o
    db, de, df = db * g, de * g, df * g
    amp = _col(R.u(*K["noise"]) * F(1 / 74))  # uniform byte noise has sd 73.9
    nb = _bytes(keys, 0, 3072).view(np.int8).reshape(n, 3, 32, 32)
    out = np.empty((n, 3, 32, 32), np.uint8)
    img, tmp = np.empty_like(t), np.empty_like(t)
    for ch in range(3):
        np.multiply(t, _col(db[:, ch]), out=img)
        img += _col(b0[:, ch])
        np.multiply(e, _col(de[:, ch]), out=tmp)
        img += tmp
        np.multiply(f, _col(df[:, ch]), out=tmp)
        tmp += _col(f0[:, ch])
        _over(img, mask, tmp)
        np.subtract(_col(dr[:, ch]), img, out=tmp)
        tmp *= front
        img += tmp
        np.multiply(nb[:, ch], amp, out=tmp)
        img += tmp
        np.maximum(img, _0, out=img)
        np.minimum(img, F(255), out=img)
        out[:, ch] = img  # truncation after +.5 is rounding
    return out.transpose(0, 2, 3, 1)


def _frame_row(gx, gy):
    return ((gx * F(1 / 32))[:, None] * _XY)[:, None, :] + ((gy * F(1 / 32))[:, None] * _XY)[
        :, :, None
    ]


def _fills(u, v, d, k, fill, freq, ph):
    kk = F(3.0)
    out = np.zeros_like(u)
    for q in range(5):
        i = np.nonzero(fill == q)[0]
        if not len(i) or q == 0:
            continue
        a, b = u[i], v[i]
        fr, p = freq[i][:, None, None], ph[i][:, None, None]
        if q == 1:
            z = b * fr + p
            z = (np.abs(z - np.floor(z) - F(0.5)) - F(0.25)) * (kk * 4)
        elif q == 2:
            z1 = a * fr + p
            z2 = b * fr + p * F(0.5)
            z1 = np.abs(z1 - np.floor(z1) - F(0.5)) - F(0.25)
            z2 = np.abs(z2 - np.floor(z2) - F(0.5)) - F(0.25)
            z = z1 * z2 * (kk * 24)
        elif q == 3:
            z = a * (kk * 3)
        else:
            z = (d[i] + F(0.20)) * k[i]
        out[i] = np.clip(z + F(0.5), F(0), F(1))
    return out


def _labels(tag, seed, split, n, C):
    """each block of C images holds every class once, in a hashed order"""
    nb = -(-n // C)
    k = _keys(tag + 1000, seed, split, np.arange(nb * C)).reshape(nb, C)
    return np.argsort(k, axis=1, kind="stable").reshape(-1)[:n]


def _make(tag, seed, split, start, n, names, C, chunk=128):
    y = _labels(tag, seed, split, start + n, C)[start:]
    per = C // len(names)
    order = np.argsort(y // per, kind="stable")  # render the images of one shape together
    keys = _keys(tag, seed, split, order + start)
    tab = _table(keys)
    cut = np.searchsorted((y // per)[order], np.arange(len(names) + 1))
    xs = np.empty((n, 32, 32, 3), np.uint8)
    for q, name in enumerate(names):
        for i in range(cut[q], cut[q + 1], chunk):
            j = slice(i, min(i + chunk, cut[q + 1]))
            xs[j] = _render(
                keys[j], tab[j], name, None if per == 1 else y[order[j]] % per, NUISANCE
            )
    x = np.empty_like(xs)
    x[order] = xs
    return x, y


def shapes10(
    n: int, split: int = 0, seed: int = 0, start: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Images ``start`` to ``start + n`` of a split (0 training, 1 test).

    Returns x: (n, 32, 32, 3) uint8 and y: (n, 1) uint8, classes as in `CLASSES10`, balanced in
    every block of ten.
    """
    x, y = _make(10, seed, split, start, n, CLASSES10, 10)
    return x, y.astype(np.uint8)[:, None]


def shapes100(
    n: int, split: int = 0, seed: int = 0, start: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Like `shapes10` with 100 classes: x, fine labels and superclasses, each (n, 1) uint8.

    The fine class is a superclass (one of twenty shapes) with one of five fills.
    """
    x, y = _make(100, seed, split, start, n, SUPERCLASSES, 100)
    return x, y.astype(np.uint8)[:, None], (y // len(FILLS)).astype(np.uint8)[:, None]


def load_shapes10(n_train: int = 5_000, n_test: int = 2_000, seed: int = 0) -> tuple:
    """``(x_train, y_train), (x_test, y_test)`` as ``keras.datasets.cifar10.load_data`` gives."""
    return shapes10(n_train, 0, seed), shapes10(n_test, 1, seed)
