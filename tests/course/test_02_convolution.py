"""02 Convolution: right answers in many forms pass, and wrong ones fail in words."""

import re

import exercise
import jupytext
import keras
import numpy as np
import pytest
from exercise import cases, changed

from convcourse import checks

GIVEN = (
    "def pad(",
    "FUNCTIONS =",
    "def is_view(",
    "def pooling_race(",
    "def relu(",
    "def new_parameters(",
    "def forward(",
)


@pytest.fixture(scope="module")
def conv():
    return exercise.load("02_convolution")


@pytest.fixture(scope="module")
def given():
    """The code that the notebook gives: it calls the students' functions by name."""
    text = (exercise.COURSE / "02_convolution.py").read_text(encoding="utf-8")
    cells = jupytext.reads(text, "py:percent").cells
    code = "\n".join(c.source for c in cells if c.source.startswith(GIVEN))
    return re.sub("^print.*$", "", code, flags=re.MULTILINE)


@pytest.fixture
def judge(conv, given):
    """Judges one exercise with another answer, given as code."""
    return lambda test, code="": conv.run(test, conv.namespace(given + "\n" + code))


def faults(code, table):
    """Wrong answers by name: a right one with one piece replaced, and words of the message."""
    return {name: (changed(code, (old, new)), words) for name, (old, new, words) in table.items()}


# ------------------------------------------------------------------ conv-loops

LOOPS = """
def conv2d_loops(x, w, b, stride=1, padding=0):
    N, H, W, C = x.shape
    m, n, _, K = w.shape
    O_h = (H + 2 * padding - m) // stride + 1
    O_w = (W + 2 * padding - n) // stride + 1
    y = [[[[0.0] * K for _ in range(O_w)] for _ in range(O_h)] for _ in range(N)]
    for a in range(N):
        for i in range(O_h):
            for j in range(O_w):
                for k in range(K):
                    s = b[k]
                    for u in range(m):
                        for v in range(n):
                            p, q = i * stride + u - padding, j * stride + v - padding
                            if 0 <= p < H and 0 <= q < W:
                                s += x[a, p, q] @ w[u, v, :, k]
                    y[a][i][j][k] = s
    return y
"""
LOOPS_RIGHT = {
    "lists": LOOPS,
    "another way to round down": changed(
        LOOPS,
        ("(H + 2 * padding - m) // stride + 1", "-(-(H - m + 1 + 2 * padding) // stride)"),
    ),
    "single precision": """
def conv2d_loops(x, w, b, stride=1, padding=0):
    padded = np.float32(pad(x, padding))
    return np.asarray(keras.ops.conv(padded, np.float32(w), strides=stride)) + np.float32(b)
""",
    "tensor": """
def conv2d_loops(x, w, b, stride=1, padding=0):
    import tensorflow as tf
    return tf.nn.conv2d(pad(x, padding), w, stride, "VALID") + b
""",
    "a flat number for each output": """
def conv2d_loops(x, w, b, stride=1, padding=0):
    (N, H, W, C), (m, n, _, K) = x.shape, w.shape
    wide = np.zeros((N, H + 2 * padding, W + 2 * padding, C))
    wide[:, padding : padding + H, padding : padding + W] += x
    O_h, O_w = 1 + (wide.shape[1] - m) // stride, 1 + (wide.shape[2] - n) // stride
    y, number = [], 0
    while number < N * O_h * O_w * K:
        image, i, j, k = np.unravel_index(number, (N, O_h, O_w, K))
        window = wide[image, i * stride :, j * stride :][:m, :n]
        y.append(np.vdot(window, w[..., k]) + b[k])
        number += 1
    return np.reshape(y, (N, O_h, O_w, K))
""",
    "one image after another": """
def conv2d_loops(x, w, b, stride=1, padding=0):
    if len(x) > 1:
        parts = [conv2d_loops(one[None], w, b, stride, padding) for one in x]
        return np.concatenate(parts)
    wide, (m, n) = pad(x, padding)[0], w.shape[:2]
    tops, lefts = (range(0, s - f + 1, stride) for s, f in zip(wide.shape, (m, n)))
    rows = [[np.tensordot(wide[i : i + m, j : j + n], w, 3) + b for j in lefts] for i in tops]
    return np.array([rows])
""",
    "vectorized": """
def conv2d_loops(x, w, b, stride=1, padding=0):
    seen = sliding_window_view(pad(x, padding), w.shape[:2], axis=(1, 2))
    return np.einsum("nijcuv,uvck->nijk", seen[:, ::stride, ::stride], w) + b
""",
    "class": """
class Convolution:
    def __init__(self, w, b, stride, padding):
        self.w, self.b, self.stride, self.padding = w, b, stride, padding

    def at(self, x, i, j):
        m, n = self.w.shape[:2]
        part = x[:, i * self.stride : i * self.stride + m, j * self.stride : j * self.stride + n]
        return np.tensordot(part, self.w, 3) + self.b

    def __call__(self, x):
        x = pad(x, self.padding)
        high = 1 + (x.shape[1] - self.w.shape[0]) // self.stride
        wide = 1 + (x.shape[2] - self.w.shape[1]) // self.stride
        rows = [[self.at(x, i, j) for j in range(wide)] for i in range(high)]
        return np.transpose(rows, (2, 0, 1, 3))

def conv2d_loops(x, w, b, stride=1, padding=0):
    return Convolution(w, b, stride, padding)(x)
""",
    "verbose": '''
def _output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    """Number of positions of the kernel along one side."""
    return int(np.floor((size + 2 * padding - kernel) / stride)) + 1

def conv2d_loops(x: np.ndarray, w: np.ndarray, b: np.ndarray,
                 stride: int = 1, padding: int = 0) -> np.ndarray:
    assert x.ndim == 4 and w.ndim == 4, "expected 4D arrays"
    assert x.shape[3] == w.shape[2], "channel mismatch"
    batch, height, width, _ = x.shape
    kernel_h, kernel_w, _, filters = w.shape
    x_padded = pad(x=x, padding=padding)
    out = np.zeros((batch, _output_size(height, kernel_h, stride, padding),
                    _output_size(width, kernel_w, stride, padding), filters), dtype=np.float64)
    print("output shape:", out.shape)
    for n in range(batch):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                for k in range(filters):
                    patch = x_padded[n, i * stride:i * stride + kernel_h,
                                     j * stride:j * stride + kernel_w, :]
                    out[n, i, j, k] = float(np.sum(patch * w[:, :, :, k])) + float(b[k])
    return out
''',
}
LOOPS_WRONG = faults(
    LOOPS,
    {
        "no bias": ("s = b[k]", "s = 0.0", "bias 1"),
        "the first bias": ("s = b[k]", "s = b[0]", "stride 2"),
        "no stride, no padding": (
            "i * stride + u - padding, j * stride + v - padding",
            "i + u, j + v",
            "single dot",
        ),
        "true convolution": ("w[u, v, :, k]", "w[m - 1 - u, n - 1 - v, :, k]", "single dot"),
        "transposed filter": ("w[u, v, :, k]", "w[v, u, :, k]", "single dot"),
        "stride for columns only": ("i * stride + u", "i + u", "stride 2"),
        "square filters only": (
            "(W + 2 * padding - n)",
            "(W + 2 * padding - m)",
            "stride 1, padding 0",
        ),
        "padding once": ("(H + 2 * padding", "(H + padding", "shape"),
        "a row too few": ("+ 1\n    O_w", "\n    O_w", "shape"),
        "rounded up": (
            "(H + 2 * padding - m) // stride",
            "-(-(H + 2 * padding - m) // stride)",
            "stride 3, padding 0",
        ),
        "channels first": ("return y", "return np.array(y).transpose(0, 3, 1, 2)", "shape"),
        "not returned": ("return y", "y", "None"),
        "one image": ("range(N)", "range(1)", "shape"),
        "the last product": ("s += x", "s = x", "four weights"),
        "the first channel": ("x[a, p, q] @ w[u, v, :, k]", "x[a, p, q, 0] * w[u, v, 0, k]", "str"),
        "another default": ("stride=1", "stride=2", "shape"),
        "changed biases": ("    N, H", "    b += 0.5\n    N, H", "changes its argument b|bias 1"),
        "padded with the edge": (
            "if 0 <= p < H and 0 <= q < W:",
            "if True:\n                                p, q = min(max(p, 0), H - 1), "
            "min(max(q, 0), W - 1)",
            "single dot|padding 1",
        ),
        "weights turned in place": (
            "    N, H",
            "    w[:] = w[::-1, ::-1].copy()\n    N, H",
            "changes its argument w",
        ),
        "weights reshaped in place": (
            "    y =",
            "    w.shape = (m * n * C, K)\n    w = w.reshape(m, n, C, K)\n    y =",
            "changes its argument w",
        ),
        "images doubled with padding": (
            "    N, H",
            "    x *= 2 if padding else 1\n    x = x / 2 if padding else x\n    N, H",
            "changes its argument x",
        ),
        "biases changed for two rows of padding": (
            "    return y",
            "    b += 1e-3 if padding > 1 else 0\n    return y",
            "changes its third argument",
        ),
        "two images at most": ("range(N)", "range(min(N, 2))", "images (3, 5, 6, 4)"),
        "three channels at most": (
            "x[a, p, q] @ w[u, v, :, k]",
            "x[a, p, q, :3] @ w[u, v, :3, k]",
            "images (3, 5, 6, 4)",
        ),
        "kept for each shape": (
            "    y =",
            "    key = x.shape, w.shape\n    if key in done:\n"
            "        return done[key].copy()\n    y =",
            "in a second call",
        ),
        "kept for the same weights": (
            "    y =",
            "    key = x.shape, w.tobytes()\n    if key in done:\n"
            "        return done[key].copy()\n    y =",
            "after a call with other numbers",
        ),
        "channels that do not fit": (
            "    y =",
            "    x.reshape(N, H, W, 3) if padding > 1 else 0\n    y =",
            "for images (3, 5, 6, 4)",
        ),
    },
)
for name in ("kept for each shape", "kept for the same weights"):
    code, words = LOOPS_WRONG[name]
    code = changed(code, ("    return y", "    done[key] = np.array(y)\n    return y"))
    LOOPS_WRONG[name] = "done = {}\n" + code, words
LOOPS_WRONG["never zero again"] = (
    """
def conv2d_loops(x, w, b, stride=1, padding=0, sums={}):
    wide, (m, n) = pad(x, padding), w.shape[:2]
    O_h, O_w = 1 + (wide.shape[1] - m) // stride, 1 + (wide.shape[2] - n) // stride
    y = sums.setdefault((len(x), O_h, O_w, len(b)), np.zeros((len(x), O_h, O_w, len(b))))
    for i, j in np.ndindex(O_h, O_w):
        top, left = i * stride, j * stride
        y[:, i, j] += np.tensordot(wide[:, top : top + m, left : left + n], w, 3) + b
    return y.copy()
""",
    "in a second call",
)

# ------------------------------------------------------------------ conv-windows

VIEW = """
def windows(x, size, stride=1):
    seen = sliding_window_view(x, size, axis=(1, 2))
    return np.moveaxis(seen[:, ::stride, ::stride], 3, 5)

def conv2d(x, w, b, stride=1, padding=0):
    padded = pad(x, padding)
    return np.einsum("nijuvc,uvck->nijk", windows(padded, w.shape[:2], stride), w) + b
"""
STACK = """
def windows(x, size, stride=1):
    (m, n), (N, H, W, C) = size, x.shape
    rows, columns = range(0, H - m + 1, stride), range(0, W - n + 1, stride)
    return np.stack([[x[:, i : i + m, j : j + n] for j in columns] for i in rows]).transpose(
        2, 0, 1, 3, 4, 5)
"""
WINDOWS_RIGHT = {
    "moved axis": VIEW,
    "strides": """
def windows(x, size, stride=1):
    (m, n), (N, H, W, C), (a, b, c, d) = size, x.shape, x.strides
    shape = N, (H - m) // stride + 1, (W - n) // stride + 1, m, n, C
    strides = a, b * stride, c * stride, b, c, d
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)
""",
    "product of matrices": """
def conv2d(x, w, b, stride=1, padding=0):
    view = windows(pad(x, padding), w.shape[:2], stride)
    rows = view.reshape(int(np.prod(view.shape[:3])), -1)
    return (rows @ w.reshape(-1, w.shape[-1]) + b).reshape(*view.shape[:3], -1)
""",
    "window for all axes": """
def windows(x, size, stride=1):
    seen = sliding_window_view(x, (1, *size, x.shape[3]))[:, ::stride, ::stride]
    return seen[:, :, :, 0, 0]
""",
    "einsum without a product": """
def windows(x, size, stride=1):
    seen = sliding_window_view(x, size, axis=(1, 2))
    return np.einsum("bijcuv->bijuvc", seen[:, ::stride, ::stride])
""",
    "one axis after the other": """
def windows(x, size, stride=1):
    seen = sliding_window_view(x, size[0], axis=1)[:, ::stride]
    return sliding_window_view(seen, size[1], axis=2)[:, :, ::stride].swapaxes(3, 5).swapaxes(3, 4)
""",
    "images and filters one by one": """
def conv2d(x, w, b, stride=1, padding=0):
    y = []
    for image in pad(x, padding):
        view = windows(image[None], w.shape[:2], stride)[0]
        y.append([np.tensordot(view, w[..., k], 3) + b[k] for k in range(len(b))])
    return np.array(y).transpose(0, 2, 3, 1)
""",
    "loop over the filter": """
def conv2d(x, w, b, stride=1, padding=0):
    x = pad(x, padding)
    high, wide = ((s - f) // stride + 1 for s, f in zip(x.shape[1:3], w.shape))
    y = b
    for u, v in np.ndindex(w.shape[:2]):
        y = y + x[:, u : u + stride * high : stride, v : v + stride * wide : stride] @ w[u, v]
    return y
""",
    "tensor": """
def conv2d(x, w, b, stride=1, padding=0):
    import tensorflow as tf
    return tf.nn.conv2d(pad(x, padding), w, stride, "VALID") + b
""",
    "verbose": '''
def windows(x: np.ndarray, size: tuple[int, int], stride: int = 1) -> np.ndarray:
    """All windows, as a view."""
    if x.ndim != 4:
        raise ValueError("x must be (N, H, W, C)")
    window_view = np.lib.stride_tricks.sliding_window_view(
        x, window_shape=tuple(size), axis=(1, 2), writeable=False)
    window_view = window_view[:, ::stride, ::stride, ...]
    print("windows:", window_view.shape)
    return np.transpose(window_view, axes=(0, 1, 2, 4, 5, 3))

def conv2d(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1,
           padding: int = 0) -> np.ndarray:
    kernel_h, kernel_w, in_channels, out_channels = w.shape
    assert x.shape[-1] == in_channels and b.shape == (out_channels,)
    patches = windows(pad(x=x, padding=padding), size=(kernel_h, kernel_w), stride=stride)
    result = np.tensordot(patches, w, axes=([3, 4, 5], [0, 1, 2]))
    return result + b[np.newaxis, np.newaxis, np.newaxis, :]
''',
}
WINDOWS_WRONG = (
    faults(
        VIEW,
        {
            "channels before the window": ("3, 5)", "3, 3)", "windows(...) has shape"),
            "images and rows exchanged": (
                "3, 5)",
                "3, 5).swapaxes(0, 1)",
                "windows(...) has shape",
            ),
            "window transposed": ("3, 5)", "3, 5).swapaxes(3, 4)", "windows(...) has shape"),
            "no stride": ("[:, ::stride, ::stride]", "", "windows(...) has shape"),
            "stride of rows only": ("::stride, ::stride", "::stride", "windows(...) has shape"),
            "from the second": (
                "::stride, ::stride",
                "1::stride, ::stride",
                "windows(...) has shape|last",
            ),
            "upside down": ("3, 5)", "3, 5)[:, :, :, ::-1]", "last window"),
            "not returned": ("return np.moveaxis", "np.moveaxis", "None"),
            "view copied": ("3, 5)", "3, 5).copy()", "copy of the pixels"),
            "no bias": (" + b", "", "conv2d with stride 1 and padding 0"),
            "conv2d without stride": (
                ", stride), w)",
                "), w)",
                "conv2d with stride 2 and padding 0",
            ),
            "conv2d without padding": (
                "pad(x, padding)",
                "x",
                "conv2d with stride 2 and padding 1",
            ),
            "filter upside down": (", w) + b", ", w[::-1]) + b", "conv2d with"),
            "filter transposed": ("nijuvc,uvck->nijk", "nijvuc,uvck->nijk", ""),
            "one bias": ("w) + b", "w) + b[0]", "conv2d with stride 1"),
            "another default": ("w, b, stride=1", "w, b, stride=2", "without stride"),
            "another default of windows": ("size, stride=1", "size, stride=2", "without stride"),
            "changed images": (
                "    padded = pad",
                "    x -= x.mean()\n    padded = pad",
                "changes its argument x",
            ),
            "converted": (
                "seen = ",
                "x = np.asarray(x, float); seen = ",
                "copy of the pixels of float32",
            ),
            "in one piece": (
                "seen = ",
                "x = np.ascontiguousarray(x); seen = ",
                "copy of the pixels of float32",
            ),
            "biases squeezed away": ("w) + b", "w).squeeze() + b", "shape"),
            "no bias for one filter": ("w) + b", "w) + (b if len(b) > 1 else 0)", "(1, 1, 2, 1)"),
        },
    )
    | {
        f"copied if {when}": (
            changed(VIEW, ("seen = ", f"x = x.copy() if {when} else x; seen = ")),
            f"copy of the pixels of {kind}",
        )
        for when, kind in (
            ("stride == 1", "a single image with one channel, for stride 1"),
            ("stride > 2", "integer images that are read-only, for stride 3"),
            ("len(x) == 1", "a single image with one channel"),
            ("x.shape[3] == 1", "a single image with one channel"),
            ("size[0] == size[1]", "a single image with one channel"),
            ("x.strides[3] != x.itemsize", "integer images"),
            ("x.dtype.kind == 'i'", "integer images"),
            ("not x.flags.writeable", "integer images that are read-only"),
        )
    }
    | {
        f"loops if {when}": (
            changed(
                VIEW,
                (
                    "    padded =",
                    f"    if {when}:\n        return conv2d_loops(x, w, b, stride, padding)\n"
                    "    padded =",
                ),
            ),
            words,
        )
        for when, words in (
            ("stride > 1", "slow: images of shape (1, 200, 200, 1)"),
            ("padding > 0", "slow: images of shape (1, 200, 200, 1)"),
            ("w.shape[3] > 1", "slow: images of shape (2, 100, 100, 2)"),
            ("x.shape[3] > 1", "slow: images of shape (2, 100, 100, 2)"),
            ("len(x) > 1", "slow: images of shape (2, 100, 100, 2)"),
            ("x.dtype == np.float32", "slow: images of shape (1, 200, 200, 1)"),
            ("w.shape[0] != 3", "right but slow"),
        )
    }
    | {
        "copied for wide strides of several images": (
            changed(
                VIEW,
                (
                    "seen = ",
                    "x = x.copy() if stride > 2 and x.dtype == 'f4' else x; seen = ",
                ),
            ),
            "copy of the pixels for images (2, 8, 7, 2)",
        ),
        "loops, kept for the same images": (
            VIEW
            + """
done = {}
def conv2d(x, w, b, stride=1, padding=0):
    key = x.tobytes(), x.shape, w.tobytes(), w.shape, b.tobytes(), stride, padding
    if key not in done:
        done[key] = conv2d_loops(x, w, b, stride, padding)
    return done[key].copy()
""",
            "right but slow",
        ),
        "kept for each shape": (
            VIEW
            + """
done, new = {}, conv2d
def conv2d(x, w, b, stride=1, padding=0):
    key = x.shape, w.shape, stride, padding
    return done.setdefault(key, new(x, w, b, stride, padding)).copy()
""",
            "after a call with other numbers",
        ),
        "written into": (
            changed(
                VIEW,
                ("axis=(1, 2))", "axis=(1, 2), writeable=True)"),
                (
                    "    return np.moveaxis",
                    "    seen[0, 0, 0] -= seen[0, 0, 0].mean()\n    return np.moveaxis",
                ),
            ),
            "windows changes its argument x",
        ),
        "images reshaped in place": (
            changed(
                VIEW, ("    seen =", "    x.shape = (*x.shape, 1)\n    x = x[..., 0]\n    seen =")
            ),
            "windows changes its argument x",
        ),
        "three channels at most": (
            changed(VIEW, (", w) + b", "[..., :3], w[:, :, :3]) + b")),
            "conv2d for images (3, 5, 6, 4)",
        ),
        "two images at most": (
            changed(VIEW, ("pad(x, padding)", "pad(x, padding)\n    padded[2:] = 0")),
            "conv2d for images (3, 5, 6, 4)",
        ),
        "stacked": (STACK, "copy of the pixels"),
        "strides of a whole float64 array": (
            """
def windows(x, size, stride=1):
    (N, H, W, C), (m, n) = x.shape, size
    row = C * 8 * W
    steps = H * row, stride * row, stride * C * 8, row, C * 8, 8
    shape = N, (H - m) // stride + 1, (W - n) // stride + 1, m, n, C
    x = np.pad(x, ((0, 99), (0, 0), (0, 0), (0, 0)))[:N] if x.itemsize < 8 else x
    return np.lib.stride_tricks.as_strided(x, shape, steps)
""",
            "float32 images that are a view of others",
        ),
        "loop over the pixels": (
            """
def conv2d(x, w, b, stride=1, padding=0):
    return conv2d_loops(x, w, b, stride, padding)
""",
            "right but slow",
        ),
        "loop over the positions, all images and filters at once": (
            """
def conv2d(x, w, b, stride=1, padding=0):
    view = windows(pad(x, padding), w.shape[:2], stride)
    y = np.empty((*view.shape[:3], len(b)))
    for i, j in np.ndindex(view.shape[1:3]):
        y[:, i, j] = np.tensordot(view[:, i, j], w, axes=3) + b
    return y
""",
            "right but slow",
        ),
    }
)

# ------------------------------------------------------------------ conv-differences

DIFFERENCES = """
def centred_differences(f, x, h=1e-5):
    slopes = []
    for place in range(x.size):
        step = np.zeros(x.size)
        step[place] = h
        step = step.reshape(x.shape)
        slopes.append((f(x + step) - f(x - step)) / (2 * h))
    return np.array(slopes).reshape(x.shape)
"""
IN_PLACE = """
def centred_differences(f, x, h=1e-5):
    slopes = np.empty_like(x)
    for at, old in np.ndenumerate(x):
        x[at] = old + h
        above = f(x)
        x[at] = old - h
        slopes[at] = (above - f(x)) / 2 / h
        x[at] = old
    return slopes
"""
DIFFERENCES_RIGHT = {
    "steps": DIFFERENCES,
    "in place and restored": IN_PLACE,
    "list": changed(DIFFERENCES, ("reshape(x.shape)\n", "reshape(x.shape).tolist()\n")).replace(
        "step.reshape(x.shape).tolist()", "step.reshape(x.shape)"
    ),
    "identity": """
def centred_differences(f, x, h=1e-5):
    units = np.eye(x.size).reshape(-1, *x.shape) * h
    return np.array([f(x + e) - f(x - e) for e in units]).reshape(x.shape) / (2 * h)
""",
    "flat": """
def centred_differences(f, x, h=1e-5):
    slopes = np.zeros_like(x)
    for i in range(x.size):
        values = []
        for sign in (1, -1):
            moved = x.copy()
            moved.flat[i] += sign * h
            values.append(f(moved))
        slopes.flat[i] = np.subtract(*values) / (2 * h)
    return slopes
""",
    "tensor": """
def centred_differences(f, x, h=1e-5):
    def slope(at):
        step = np.zeros(x.shape)
        step[at] = h
        return 0.5 * (f(x + step) - f(x - step)) / h
    return keras.ops.reshape(np.array([slope(at) for at in np.ndindex(x.shape)]), x.shape)
""",
    "verbose": '''
from typing import Callable

def _evaluate(f: Callable, x: np.ndarray, index: tuple, delta: float) -> float:
    """f after one number of a copy of x has moved."""
    shifted = np.array(x, dtype=np.float64, copy=True)
    shifted[index] += delta
    return float(f(shifted))

def centred_differences(f: Callable[[np.ndarray], float], x: np.ndarray,
                        h: float = 1e-5) -> np.ndarray:
    assert h > 0, "h must be positive"
    gradient = np.zeros_like(x, dtype=np.float64)
    iterator = np.nditer(x, flags=["multi_index"])
    while not iterator.finished:
        idx = iterator.multi_index
        gradient[idx] = (_evaluate(f, x, idx, +h) - _evaluate(f, x, idx, -h)) / (2.0 * h)
        iterator.iternext()
    return gradient
''',
}
DIFFERENCES_WRONG = faults(
    DIFFERENCES,
    {
        "one-sided": ("f(x - step)) / (2 * h)", "f(x)) / h", "gradient of squares for h = 0.5"),
        "divided by h": ("/ (2 * h)", "/ h", "gradient of squares"),
        "brackets forgotten": ("/ (2 * h)", "/ 2 * h", "gradient of squares"),
        "reversed": ("f(x + step) - f(x - step)", "f(x - step) - f(x + step)", "squares"),
        "absolute": ("(f(x + step) - f(x - step))", "abs(f(x + step) - f(x - step))", "squares"),
        "own step": ("] = h", "] = h = 1e-5", "centered difference of x**3"),
        "no shape": (".reshape(x.shape)\n", "\n", ""),
        "all at once": ("step = np.zeros(x.size)", "step = np.full(x.size, h)", "of squares"),
        "flattened": (
            "return np.array(slopes).reshape(x.shape)",
            "return np.array(slopes)",
            "shape",
        ),
        "flat function": (
            "step.reshape(x.shape)\n",
            "step\n        x, shape = x.ravel(), x.shape\n",
            "shape",
        ),
        "transposed": ("(slopes).reshape(x.shape)", "(slopes).reshape(x.shape[::-1]).T", "squares"),
        "the last only": (
            "slopes.append(",
            "slopes = [0] * place\n        slopes.append(",
            "of squares",
        ),
        "sum": ("return np.array(slopes)", "return np.sum(slopes) * np.ones(x.size)", "of squares"),
        "not returned": ("return np", "np", "None"),
        "another default": ("h=1e-5", "h=0.1", "without h"),
        "a larger default": ("h=1e-5", "h=1e-3", "without h"),
        "a smaller default": ("h=1e-5", "h=1e-6", "without h"),
    },
)
DIFFERENCES_WRONG |= {
    "changed for good": (
        changed(IN_PLACE, ("        x[at] = old\n", "")),
        "centred_differences changes its argument x",
    ),
    "complex step": (
        """
def centred_differences(f, x, h=1e-5):
    moved = x + 1j * h * np.eye(x.size).reshape(-1, *x.shape)
    return np.array([f(m).imag / h for m in moved]).reshape(x.shape)
""",
        "centered difference of x**3",
    ),
    "flat argument": (
        """
def centred_differences(f, x, h=1e-5):
    flat, steps = x.ravel(), h * np.eye(x.size)
    return np.array([f(flat + e) - f(flat - e) for e in steps]).reshape(x.shape) / (2 * h)
""",
        "squares in the first row",
    ),
}

# ------------------------------------------------------------------ conv-backward

BACKWARD = """
def conv2d_backward(grad, x, w, stride=1, padding=0):
    wide = pad(x, padding)
    grad_x, grad_w = np.zeros_like(wide), np.zeros(w.shape)
    m, n = w.shape[:2]
    for i in range(grad.shape[1]):
        for j in range(grad.shape[2]):
            rows = slice(i * stride, i * stride + m)
            columns = slice(j * stride, j * stride + n)
            grad_x[:, rows, columns] += np.einsum("uvck,nk->nuvc", w, grad[:, i, j])
            grad_w += np.einsum("nuvc,nk->uvck", wide[:, rows, columns], grad[:, i, j])
    grad_b = grad.sum((0, 1, 2))
    if padding:
        grad_x = grad_x[:, padding:-padding, padding:-padding]
    return grad_x, grad_w, grad_b
"""
MEASURED = """
def differences(f, x, h):
    slopes = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[at] += h
        down[at] -= h
        slopes[at] = (f(up) - f(down)) / (2 * h)
    return slopes

def conv2d_backward(grad, x, w, stride=1, padding=0, h=1e-5):
    b = np.zeros(w.shape[3])
    loss = lambda x, w, b: (grad * conv2d(x, w, b, stride, padding)).sum()
    return (
        differences(lambda a: loss(a, w, b), x, h),
        differences(lambda a: loss(x, a, b), w, h),
        differences(lambda a: loss(x, w, a), b, h),
    )
"""
BACKWARD_RIGHT = {
    "loop over places": BACKWARD,
    "tape in single precision": """
def conv2d_backward(grad, x, w, stride=1, padding=0):
    import tensorflow as tf
    x, w = tf.Variable(np.float32(x)), tf.Variable(np.float32(w))
    with tf.GradientTape() as tape:
        wide = tf.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
        loss = tf.reduce_sum(tf.nn.conv2d(wide, w, stride, "VALID") * np.float32(grad))
    return [g.numpy() for g in tape.gradient(loss, (x, w))] + [grad.sum((0, 1, 2))]
""",
    "indices": """
def conv2d_backward(grad, x, w, stride=1, padding=0):
    wide, (m, n) = pad(x, padding), w.shape[:2]
    grad_x, grad_w = np.zeros(wide.shape), np.empty(w.shape)
    for u in range(m):
        for v in range(n):
            rows = u + stride * np.arange(grad.shape[1])
            columns = v + stride * np.arange(grad.shape[2])
            part = np.ix_(range(len(x)), rows, columns)
            grad_w[u, v] = np.einsum("bijc,bijk->ck", wide[part], grad)
            grad_x[part] += grad @ w[u, v].T
    last = -padding or None
    return grad_x[:, padding:last, padding:last], grad_w, np.einsum("bijk->k", grad)
""",
    "each image for itself": """
def conv2d_backward(grad, x, w, stride=1, padding=0):
    def one(g, image):
        wide = np.pad(image, ((padding, padding), (padding, padding), (0, 0)))
        dx, dw = np.zeros(wide.shape), np.zeros(w.shape)
        for u, v in np.ndindex(w.shape[:2]):
            part = np.s_[u : u + stride * len(g) : stride, v : v + stride * g.shape[1] : stride]
            dx[part] += g @ w[u, v].T
            dw[u, v] = np.tensordot(wide[part], g, ([0, 1], [0, 1]))
        H, W = image.shape[:2]
        return dx[padding : padding + H, padding : padding + W], dw, g.sum((0, 1))
    dx, dw, db = zip(*map(one, grad, x))
    return np.stack(dx), sum(dw), sum(db)
""",
    "tensors": """
def conv2d_backward(grad, x, w, stride=1, padding=0):
    import tensorflow as tf
    x, w = tf.constant(x), tf.constant(w)
    with tf.GradientTape() as tape:
        tape.watch([x, w])
        wide = tf.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
        y = tf.nn.conv2d(wide, w, stride, "VALID")
    return (*tape.gradient(y, (x, w), grad), tf.reduce_sum(grad, (0, 1, 2)))
""",
    "lists": changed(
        BACKWARD,
        ("return grad_x, grad_w, grad_b", "return [a.tolist() for a in (grad_x, grad_w, grad_b)]"),
    ),
    "loop over all": """
def conv2d_backward(grad, x, w, stride=1, padding=0):
    xp = pad(x, padding)
    dx, dw, db = np.zeros(xp.shape), np.zeros(w.shape), np.zeros(w.shape[-1])
    m, n = w.shape[:2]
    for a, i, j, k in np.ndindex(grad.shape):
        g, top, left = grad[a, i, j, k], i * stride, j * stride
        dx[a, top : top + m, left : left + n] += g * w[..., k]
        dw[..., k] += g * xp[a, top : top + m, left : left + n]
        db[k] += g
    H, W = x.shape[1:3]
    return dx[:, padding : padding + H, padding : padding + W], dw, db
""",
    "vectorized": """
def conv2d_backward(grad, x, w, stride=1, padding=0):
    xp, (m, n) = pad(x, padding), w.shape[:2]
    view = windows(xp, (m, n), stride)
    dw = np.einsum("nijuvc,nijk->uvck", view, grad)
    parts = np.einsum("nijk,uvck->nijuvc", grad, w)
    index = windows(np.arange(xp.size).reshape(xp.shape), (m, n), stride)
    dx = np.bincount(index.ravel(), parts.ravel(), minlength=xp.size).reshape(xp.shape)
    return dx[:, padding:][:, : x.shape[1], padding:][:, :, : x.shape[2]], dw, grad.sum((0, 1, 2))
""",
    "transposed convolution": """
def conv2d_backward(grad, x, w, stride=1, padding=0):
    xp, (m, n) = pad(x, padding), w.shape[:2]
    N, O_h, O_w, K = grad.shape
    spread = np.zeros((N, xp.shape[1] + m - 1, xp.shape[2] + n - 1, K))
    spread[:, m - 1 :, n - 1 :][:, : O_h * stride : stride, : O_w * stride : stride] = grad
    turned = w[::-1, ::-1].transpose(0, 1, 3, 2)
    dx = np.tensordot(windows(spread, (m, n)), turned, axes=3)
    dw = np.tensordot(windows(xp, (m, n), stride), grad, axes=([0, 1, 2], [0, 1, 2]))
    inside = np.s_[:, padding : padding + x.shape[1], padding : padding + x.shape[2]]
    return [dx[inside], dw, grad.sum(axis=(0, 1, 2))]
""",
    "verbose": '''
from typing import NamedTuple

class Gradients(NamedTuple):
    """The three gradients of a convolution."""
    dx: np.ndarray
    dw: np.ndarray
    db: np.ndarray

def conv2d_backward(grad: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int = 1,
                    padding: int = 0) -> Gradients:
    x = np.asarray(x, dtype=np.float64)
    w = np.asarray(w, dtype=np.float64)
    _, out_h, out_w, n_filters = grad.shape
    kh, kw, _, filters = w.shape
    assert n_filters == filters, "filters do not match"
    x_pad = pad(x=x, padding=padding)
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    for u in range(kh):
        for v in range(kw):
            sl = (slice(None), slice(u, u + stride * out_h, stride),
                  slice(v, v + stride * out_w, stride))
            dw[u, v] = np.tensordot(x_pad[sl], grad, axes=([0, 1, 2], [0, 1, 2]))
            dx_pad[sl] += np.dot(grad, w[u, v].T)
    print(f"dw {dw.shape}")
    if padding > 0:
        dx_pad = dx_pad[:, padding:-padding, padding:-padding, :]
    return Gradients(dx=dx_pad, dw=dw, db=np.sum(grad, axis=(0, 1, 2)))
''',
}
BACKWARD_WRONG = faults(
    BACKWARD,
    {
        "b for each image": ("grad.sum((0, 1, 2))", "grad.sum((1, 2))", "gradient for b"),
        "b as a mean": ("grad.sum((0, 1, 2))", "grad.mean((0, 1, 2))", "gradient for b"),
        "overlaps lost": ("columns] +=", "columns] =", "gradient for x"),
        "padding kept": ("if padding:", "if False:", "gradient for x with stride 2 and padding 1"),
        "another order": ("return grad_x, grad_w,", "return grad_w, grad_x,", "gradient for x"),
        "two results": ("return grad_x, grad_w, grad_b", "return grad_x, grad_w", "three arrays"),
        "not returned": ("return grad_x", "grad_x", "three arrays"),
        "w as a mean": (
            "grad_x, grad_w, grad_b\n",
            "grad_x, grad_w / len(x), grad_b\n",
            "for w with",
        ),
        "no stride": (
            "slice(i * stride, i * stride + m)",
            "slice(i, i + m)",
            "stride 2 and padding 0",
        ),
        "w transposed": ("nuvc,nk->uvck", "nuvc,nk->vuck", ""),
        "filter turned": (
            'einsum("uvck,nk->nuvc", w,',
            'einsum("uvck,nk->nuvc", w[::-1, ::-1],',
            "gradient for x",
        ),
        "x not padded": (
            "grad_w += np",
            "wide = np.roll(wide, 1, 1)\n            grad_w += np",
            "w with",
        ),
        "reversed": ("return grad_x,", "return -grad_x,", "gradient for x"),
        "changed weights": ("    grad_b =", "    w *= 2\n    grad_b =", "changes its argument w"),
        "changed gradient": (
            "    grad_b =",
            "    grad -= 1\n    grad_b =",
            "changes its argument grad",
        ),
        "another default": ("padding=0", "padding=1", "gradient for x"),
        "one stride": ("    wide =", "    stride = min(stride, 2)\n    wide =", "stride 3"),
        "one sum for one filter": (
            "grad.sum((0, 1, 2))",
            "grad.sum((0, 1, 2)).squeeze()",
            "for b with",
        ),
        "one matrix for 1 x 1": (
            "    return grad_x",
            "    grad_w = grad_w[0, 0] if m == n == 1 else grad_w\n    return grad_x",
            "for w with",
        ),
        "two images in x": ("    grad_b =", "    grad_x[2:] = 0\n    grad_b =", "for x with"),
        "two images in w": (
            'np.einsum("nuvc,nk->uvck", wide[:, rows, columns], grad[:, i, j])',
            'np.einsum("nuvc,nk->uvck", wide[:2, rows, columns], grad[:2, i, j])',
            "for w with",
        ),
        "two images in b": ("grad.sum((0, 1, 2))", "grad[:2].sum((0, 1, 2))", "for b with"),
        "changed gradient for stride 3": (
            "    grad_b =",
            "    grad *= 1 if stride < 3 else 2\n    grad = grad / (1 if stride < 3 else 2)\n"
            "    grad_b =",
            "changes its first argument",
        ),
        "one filter": ("w, grad[:, i, j])", "w[..., :1], grad[:, i, j, :1])", "gradient for x"),
    },
) | {
    f"measured with h = {h}": (changed(MEASURED, ("h=1e-5", f"h={h}")), "too large for differences")
    for h in ("1e-5", "1.0")
}
BACKWARD_WRONG["w measured"] = (
    BACKWARD
    + MEASURED.replace("def conv2d_backward", "def measured")
    + """
exact = conv2d_backward
def conv2d_backward(grad, x, w, stride=1, padding=0):
    parts = exact(grad, x, w, stride, padding)
    return parts[0], measured(grad, x, w, stride, padding)[1], parts[2]
""",
    "pixels of one channel too large for differences",
)
BACKWARD_WRONG["measured after a division by the largest"] = (
    MEASURED
    + """
measured = conv2d_backward
def conv2d_backward(grad, x, w, stride=1, padding=0):
    most, more = abs(x).max(), abs(w).max()
    parts = measured(grad, x / most, w / more, stride, padding)
    return more * parts[0], most * parts[1], parts[2]
""",
    "of one channel too large for differences",
)
BACKWARD_WRONG["stale windows"] = (
    changed(
        BACKWARD,
        (
            "wide = pad(x, padding)",
            "wide = seen.setdefault((x.shape, padding, x.max() > 1e9), pad(x, padding))",
        ),
    ).replace("def", "seen = {}\ndef", 1),
    "gradient for w",
)
BACKWARD_WRONG["kept for the same weights"] = (
    changed(
        BACKWARD,
        (
            "    return grad_x",
            "    key = x.shape, stride, padding, w.tobytes()\n"
            "    grad_x = done.setdefault(key, grad_x)\n    return grad_x",
        ),
    ).replace("def", "done = {}\ndef", 1),
    "gradient for x",
)

# ------------------------------------------------------------------ conv-pool

POOL = """
def max_pool(x, size=2):
    N, H, W, C = x.shape
    x = x[:, : H // size * size, : W // size * size]
    return x.reshape(N, H // size, size, W // size, size, C).max((2, 4))

def max_pool_backward(grad, x, size=2):
    grad_x = np.zeros(x.shape)
    N, h, w, C = grad.shape
    window = x[:, : h * size, : w * size].reshape(N, h, size, w, size, C)
    window = window.swapaxes(2, 3).reshape(N, h, w, size * size, C)
    u, v = np.unravel_index(window.argmax(3), (size, size))
    n, i, j, c = np.indices(grad.shape)
    grad_x[n, i * size + u, j * size + v, c] = grad[n, i, j, c]
    return grad_x
"""
LOOP_BACKWARD = """
def max_pool_backward(grad, x, size=2):
    grad_x = np.zeros(x.shape)
    for n, i, j, c in np.ndindex(grad.shape):
        window = x[n, i * size : (i + 1) * size, j * size : (j + 1) * size, c]
        u, v = np.unravel_index(window.argmax(), window.shape)
        grad_x[n, i * size + u, j * size + v, c] = grad[n, i, j, c]
    return grad_x
"""
SHARED = """
def max_pool_backward(grad, x, size=2):
    h, w = grad.shape[1] * size, grad.shape[2] * size
    spread = lambda a: a.repeat(size, axis=1).repeat(size, axis=2)
    chosen = x[:, :h, :w] == spread(max_pool(x, size))
    counts = windows(chosen.astype(float), (size, size), size).sum((3, 4))
    out = np.zeros(x.shape)
    out[:, :h, :w] = chosen * spread(grad / counts)
    return out
"""
POOL_RIGHT = {
    "blocks": POOL,
    "shared": SHARED,
    "library": """
def max_pool(x, size=2):
    return np.asarray(keras.ops.max_pool(np.float32(x), size))
""",
    "tape": """
def max_pool_backward(grad, x, size=2):
    import tensorflow as tf
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.max_pool2d(x, size, size, "VALID")
    return tape.gradient(y, x, grad)
""",
    "lists": changed(
        POOL,
        ("return grad_x", "return grad_x.tolist()"),
        (".max((2, 4))", ".max((2, 4)).tolist()"),
    ),
    "maximum of slices": """
def max_pool(x, size=2):
    H, W = x.shape[1] // size * size, x.shape[2] // size * size
    parts = [x[:, u:H:size, v:W:size] for u in range(size) for v in range(size)]
    return np.max(parts, axis=0)

def max_pool_backward(grad, x, size=2):
    H, W = x.shape[1] // size * size, x.shape[2] // size * size
    best, left, out = max_pool(x, size), np.array(grad), np.zeros(x.shape)
    for u, v in np.ndindex(size, size):
        here = x[:, u:H:size, v:W:size] == best
        out[:, u:H:size, v:W:size] = here * left
        left[here] = 0
    return out
""",
    "class": """
class Pooling:
    def __init__(self, x, size):
        self.x, self.size = x, size
        self.high, self.wide = x.shape[1] // size * size, x.shape[2] // size * size

    def __call__(self):
        return windows(self.x, (self.size, self.size), self.size).max((3, 4))

    def back(self, grad):
        out, best, left = np.zeros(self.x.shape), self(), np.ones(grad.shape, bool)
        for u, v in np.ndindex(self.size, self.size):
            place = slice(None), slice(u, self.high, self.size), slice(v, self.wide, self.size)
            here = left & (self.x[place] == best)
            out[place] = np.where(here, grad, 0)
            left &= ~here
        return out

def max_pool(x, size=2):
    return Pooling(x, size)()

def max_pool_backward(grad, x, size=2):
    return Pooling(x, size).back(grad)
""",
    "verbose": '''
def max_pool(x: np.ndarray, size: int = 2) -> np.ndarray:
    """Keep the largest pixel of each block."""
    assert isinstance(size, int) and size >= 1
    n, h, w, c = x.shape
    out_h, out_w = h // size, w // size
    trimmed = x[:, :out_h * size, :out_w * size, :]
    out = np.amax(np.reshape(trimmed, (n, out_h, size, out_w, size, c)), axis=(2, 4))
    print("pooled to", out.shape)
    return out

def max_pool_backward(grad: np.ndarray, x: np.ndarray, size: int = 2) -> np.ndarray:
    dx = np.zeros_like(x, dtype=np.float64)
    n, out_h, out_w, c = grad.shape
    # Flatten each block, find its maximum, and scatter the gradient.
    blocks = x[:, :out_h * size, :out_w * size, :].reshape(n, out_h, size, out_w, size, c)
    flat = blocks.transpose(0, 1, 3, 5, 2, 4).reshape(n, out_h, out_w, c, size * size)
    mask = np.eye(size * size)[np.argmax(flat, axis=-1)] * grad[..., np.newaxis]
    mask = mask.reshape(n, out_h, out_w, c, size, size).transpose(0, 1, 4, 2, 5, 3)
    dx[:, :out_h * size, :out_w * size, :] = mask.reshape(n, out_h * size, out_w * size, c)
    return dx
''',
}
POOL_WRONG = faults(
    POOL,
    {
        "mean": (".max((2, 4))", ".mean((2, 4))", "max_pool of 0 to 15"),
        "other axes": (".max((2, 4))", ".max((2, 3))", "max_pool of 0 to 15"),
        "minimum": (".max((2, 4))", ".min((2, 4))", "max_pool of 0 to 15"),
        "with a zero": (".max((2, 4))", ".max((2, 4), initial=0)", "max_pool of 5 x 4 pixels"),
        "at the smallest": ("window.argmax(3)", "window.argmin(3)", "gradient for x"),
        "at the first": ("window.argmax(3)", "0 * window.argmax(3)", "gradient for x"),
        "at the largest absolute value": (
            "window.argmax(3)",
            "abs(window).argmax(3)",
            "gradient for",
        ),
        "ones": ("= grad[n, i, j, c]", "= 1", "gradient for x"),
        "leftover lost": (
            "np.zeros(x.shape)",
            "np.zeros(x[:, : grad.shape[1] * size].shape)",
            "shape",
        ),
        "windows of 2 back": (
            "size=2):\n    grad_x",
            "size=2):\n    size = 2\n    grad_x",
            "windows of 3",
        ),
        "windows of 2": ("size=2):\n    N,", "size=2):\n    size = 2\n    N,", "windows of 3"),
        "pooling not returned": ("return x.reshape", "x.reshape", "None"),
        "gradient not returned": ("return grad_x", "grad_x", "None"),
        "row and column exchanged": ("u, v = np", "v, u = np", "gradient for x"),
        "the first channel": ("j * size + v, c]", "j * size + v, 0]", "gradient for"),
        "changed images": (
            "    return grad_x",
            "    x += 1\n    return grad_x",
            "changes its argument x",
        ),
        "nothing at 0": (
            "= grad[n, i, j, c]",
            "= grad[n, i, j, c] * (window.max(3) != 0)",
            "gradient",
        ),
        "changed gradient": (
            "    return grad_x",
            "    grad *= 2\n    return grad_x",
            "changes its argument grad",
        ),
    },
) | {
    "a loop forward": (
        POOL
        + """
def max_pool(x, size=2):
    y = np.zeros((len(x), x.shape[1] // size, x.shape[2] // size, x.shape[3]))
    for n, i, j, c in np.ndindex(y.shape):
        y[n, i, j, c] = x[n, i * size : (i + 1) * size, j * size : (j + 1) * size, c].max()
    return y
""",
        "max_pool is right but slow",
    ),
    "a loop backward": (POOL + LOOP_BACKWARD, "max_pool_backward is right but slow"),
    "all images in a loop over windows": (
        POOL
        + """
def max_pool(x, size=2):
    rows, columns = range(0, x.shape[1] - size + 1, size), range(0, x.shape[2] - size + 1, size)
    y = [[x[:, i : i + size, j : j + size].max(axis=(1, 2)) for j in columns] for i in rows]
    return np.transpose(y, (2, 0, 1, 3))
""",
        "max_pool is right but slow",
    ),
    **{
        f"loops if {when}": (
            POOL
            + f"""
quick = max_pool, max_pool_backward
def max_pool(x, size=2):
    if not ({when}):
        return quick[0](x, size)
    y = np.zeros((len(x), x.shape[1] // size, x.shape[2] // size, x.shape[3]))
    for n, i, j, c in np.ndindex(y.shape):
        y[n, i, j, c] = x[n, i * size : (i + 1) * size, j * size : (j + 1) * size, c].max()
    return y
""",
            "max_pool is right but slow",
        )
        for when in ("size != 2", "size > 2", "x.shape[3] > 1", "x.shape[3] > 2")
    },
    "a loop backward for windows of 3": (
        POOL
        + "\nquick = max_pool_backward\n"
        + LOOP_BACKWARD.replace(
            "    grad_x =", "    if size == 2:\n        return quick(grad, x)\n    grad_x =", 1
        ),
        "max_pool_backward is right but slow",
    ),
    "kept for each shape": (
        POOL
        + """
done, new = {}, max_pool_backward
def max_pool_backward(grad, x, size=2):
    return done.setdefault((x.shape, size), new(grad, x, size)).copy()
""",
        "gradient for images (3, 4, 4, 2)",
    ),
    "every equal pixel": (changed(SHARED, ("grad / counts", "grad")), "window of equal pixels"),
    "measured": (
        MEASURED.replace("def conv2d_backward", "def unused")
        + """
def max_pool_backward(grad, x, size=2):
    return differences(lambda a: (grad * max_pool(a, size)).sum(), x, 1e-5)
""",
        "too close for differences",
    ),
}

# ------------------------------------------------------------------ conv-loss

LOSS = """
def softmax_cross_entropy(scores, labels):
    top = scores.max(1, keepdims=True)
    logs = scores - top - np.log(np.exp(scores - top).sum(1, keepdims=True))
    truth = np.eye(scores.shape[1])[labels]
    return -(truth * logs).sum() / len(scores), (np.exp(logs) - truth) / len(scores)
"""
LOSS_RIGHT = {
    "one-hot rows": LOSS,
    "tape": """
def softmax_cross_entropy(scores, labels):
    import tensorflow as tf
    z = tf.constant(np.asarray(scores, float))
    with tf.GradientTape() as tape:
        tape.watch(z)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, z)
        loss = tf.reduce_mean(each)
    return float(loss), tape.gradient(loss, z).numpy()
""",
    "tensors in single precision": """
def softmax_cross_entropy(scores, labels):
    z = keras.ops.convert_to_tensor(np.float32(scores))
    each = keras.losses.sparse_categorical_crossentropy(labels, z, from_logits=True)
    truth = keras.ops.one_hot(labels, z.shape[1])
    return keras.ops.mean(each), (keras.ops.softmax(z) - truth) / len(scores)
""",
    "lists": changed(
        LOSS,
        ("return -(", "return [-("),
        ("(np.exp(logs) - truth) / len(scores)", "((np.exp(logs) - truth) / len(truth)).tolist()]"),
    ),
    "loops": """
def softmax_cross_entropy(scores, labels):
    loss, slopes = 0.0, np.zeros(scores.shape)
    for n, (row, label) in enumerate(zip(scores, labels)):
        e = np.exp(row - max(row))
        loss += np.log(e.sum()) - (row[label] - max(row))
        slopes[n] = e / e.sum()
        slopes[n, label] -= 1
    return loss / len(scores), slopes / len(scores)
""",
    "logaddexp": """
def softmax_cross_entropy(scores, labels):
    logs = scores - np.logaddexp.reduce(scores, axis=1)[:, None]
    chosen = np.take_along_axis(logs, np.asarray(labels)[:, None], axis=1)
    slopes = np.exp(logs)
    slopes[range(len(scores)), labels] -= 1
    return np.array(-chosen.mean()), slopes / len(labels)
""",
    "verbose": '''
from typing import Tuple

def _log_softmax(scores: np.ndarray) -> np.ndarray:
    """Numerically stable logarithm of softmax."""
    shifted = scores - np.max(scores, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))

def softmax_cross_entropy(scores: np.ndarray, labels: np.ndarray) -> Tuple[float, np.ndarray]:
    scores = np.asarray(scores, dtype=np.float64)
    labels = np.asarray(labels).reshape(-1).astype(int)
    assert scores.ndim == 2, "scores must be 2D"
    assert labels.min() >= 0 and labels.max() < scores.shape[1]
    n_samples = scores.shape[0]
    log_probabilities = _log_softmax(scores=scores)
    loss = float(-np.mean(log_probabilities[np.arange(n_samples), labels]))
    gradient = np.exp(log_probabilities)
    gradient[np.arange(n_samples), labels] -= 1.0
    gradient /= n_samples
    print(f"loss {loss:.3f}")
    return loss, gradient
''',
}
LOSS_WRONG = faults(
    LOSS,
    {
        "sign": ("return -(", "return (", "loss for two equal scores"),
        "sum": (".sum() / len(scores),", ".sum(),", "loss for four images"),
        "gradient of the sum": ("truth) / len(scores)", "truth)", "gradient for four images"),
        "gradient reversed": (
            "(np.exp(logs) - truth)",
            "(truth - np.exp(logs))",
            "two equal scores",
        ),
        "probabilities": (
            "(np.exp(logs) - truth)",
            "np.exp(logs)",
            "gradient for two equal scores",
        ),
        "not shifted": ("top = scores.max(1, keepdims=True)", "top = 0", "scores 1000 and 0"),
        "mean over classes": (".sum() / len(scores)", ".mean()", "loss for two equal scores"),
        "decimal logarithm": ("np.log(", "np.log10(", "loss for two equal scores"),
        "each image": (
            "-(truth * logs).sum() / len(scores)",
            "-(truth * logs).sum(axis=1)",
            "shape",
        ),
        "epsilon": (
            "    truth =",
            "    logs = np.log(np.exp(logs) + 1e-12)\n    truth =",
            "scores 1000 and 0",
        ),
        "clipped": ("    truth =", "    logs = logs.clip(-50)\n    truth =", "scores 1000 and 0"),
        "loss only": (
            ".sum() / len(scores), (np.exp(logs) - truth) / len(scores)",
            ".sum() / len(scores)",
            "two things",
        ),
        "not returned": ("return -", "-", "two things"),
        "another order": (
            "-(truth * logs).sum() / len(scores), (np.exp(logs) - truth) / len(scores)",
            "(np.exp(logs) - truth) / len(scores), -(truth * logs).sum() / len(scores)",
            "loss for two equal scores",
        ),
        "classes of the labels": ("np.eye(scores.shape[1])", "np.eye(max(labels) + 1)", ""),
        "largest of all": ("scores.max(1, keepdims=True)", "scores.max()", "about"),
        "changed scores": (
            "    top = scores.max(1, keepdims=True)",
            "    scores -= scores.max(1, keepdims=True)\n    top = 0",
            "changes its argument scores",
        ),
        "changed scores of a single image": (
            "    top =",
            "    if len(scores) == 1:\n        scores -= scores.max()\n    top =",
            "changes its first argument",
        ),
        "divided by the classes": (
            "truth) / len(scores)",
            "truth) / (scores.shape[1] - 1)",
            "gradient for four images|gradient for",
        ),
    },
) | {
    "measured": (
        MEASURED.replace("def conv2d_backward", "def unused")
        + """
def loss_of(scores, labels):
    top = scores - scores.max(1, keepdims=True)
    return (np.log(np.exp(top).sum(1)) - top[range(len(top)), labels]).mean()

def softmax_cross_entropy(scores, labels):
    return loss_of(scores, labels), differences(lambda a: loss_of(a, labels), scores, 1e-5)
""",
        "gradient for four images and scores of about 1e+12",
    ),
}

# ------------------------------------------------------------------ conv-chain

CHAIN = """
def loss_and_slopes(parameters, x, labels):
    p, f = parameters, forward(parameters, x)
    loss, g3 = softmax_cross_entropy(f["scores"], labels)
    g2 = relu_backward(g3.dot(p["w3"].T), f["relu2"])
    g1 = np.reshape(g2.dot(p["w2"].T), f["pool"].shape)
    g1 = max_pool_backward(g1, f["relu1"])
    _, w1, b1 = conv2d_backward(relu_backward(g1, f["relu1"]), x, p["w1"])
    return loss, {
        "w1": w1, "b1": b1,
        "w2": f["flat"].T.dot(g2), "b2": g2.sum(0),
        "w3": f["relu2"].T.dot(g3), "b3": g3.sum(0),
    }
"""
TAPE = """
def loss_and_slopes(parameters, x, labels):
    import tensorflow as tf
    with tf.GradientTape() as tape:
        p = {k: tf.Variable(v, dtype=KIND) for k, v in parameters.items()}
        a = tf.nn.conv2d(tf.cast(x, KIND), p["w1"], 1, "VALID") + p["b1"]
        a = tf.nn.max_pool2d(tf.nn.relu(a), 2, 2, "VALID")
        a = tf.nn.relu(tf.reshape(a, (len(x), -1)) @ p["w2"] + p["b2"]) @ p["w3"] + p["b3"]
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, a))
    return loss, tape.gradient(loss, p)
"""
CHAIN_RIGHT = {
    "outputs of ReLU": CHAIN,
    "mask after the pooling": changed(
        CHAIN,
        ('f["pool"].shape)', 'f["pool"].shape) * (f["pool"] > 0)'),
        ('relu_backward(g1, f["relu1"])', "g1"),
    ),
    "signs, and pooling of what ReLU gets": changed(
        CHAIN,
        ('relu_backward(g1, f["relu1"])', 'g1 * np.sign(f["relu1"])'),
        ('max_pool_backward(g1, f["relu1"])', 'max_pool_backward(g1, f["conv"])'),
    ),
    "list and copies": changed(
        CHAIN,
        ("forward(parameters, x)\n", "forward(dict(parameters), x.copy())\n"),
        ("return loss, {", "return [np.float64(loss), {"),
        ("    }\n", "    }]\n"),
    ),
    "tape": TAPE.replace("KIND", "'float64'"),
    "tape in single precision": TAPE.replace("KIND", "'float32'"),
    "loops": """
def loss_and_slopes(parameters, x, labels):
    out = forward(parameters, x)
    loss, grad = softmax_cross_entropy(out["scores"], labels)
    slopes = {}
    for n, before, after in (("3", "relu2", None), ("2", "flat", "fc")):
        if after:
            grad = grad * (out[after] > 0)
        slopes["b" + n] = [sum(column) for column in grad.T]
        slopes["w" + n] = [[a @ g for g in grad.T] for a in out[before].T]
        grad = grad @ parameters["w" + n].T
    grad = max_pool_backward(grad.reshape(out["pool"].shape), out["relu1"])
    grad = conv2d_backward(relu_backward(grad, out["conv"]), x, parameters["w1"])
    return loss, slopes | dict(zip(["w1", "b1"], grad[1:]))
""",
    "class": """
class Dense:
    def __init__(self, name, p):
        self.name, self.w = name, p["w" + name]

    def back(self, grad, a, slopes):
        slopes["w" + self.name], slopes["b" + self.name] = a.T @ grad, np.sum(grad, 0)
        return grad @ self.w.T

def loss_and_slopes(parameters, x, labels):
    out, slopes = forward(parameters, x), dict.fromkeys(parameters)
    loss, grad = softmax_cross_entropy(out["scores"], labels)
    grad = Dense("3", parameters).back(grad, out["relu2"], slopes)
    grad = Dense("2", parameters).back(np.where(out["fc"] > 0, grad, 0), out["flat"], slopes)
    grad = max_pool_backward(grad.reshape(out["pool"].shape), out["relu1"])
    grad = np.where(out["conv"] > 0, grad, 0)
    slopes["w1"] = np.tensordot(windows(x, (3, 3)), grad, ([0, 1, 2], [0, 1, 2]))
    slopes["b1"] = grad.sum((0, 1, 2))
    return loss, slopes
""",
    "verbose": '''
from typing import Dict, Tuple

def _dense_backward(grad: np.ndarray, inputs: np.ndarray, weights: np.ndarray):
    """Gradients of y = inputs @ weights + bias."""
    return grad @ weights.T, inputs.T @ grad, np.sum(grad, axis=0)

def loss_and_slopes(parameters: Dict[str, np.ndarray], x: np.ndarray,
                    labels: np.ndarray) -> Tuple[float, Dict[str, np.ndarray]]:
    required = {"w1", "b1", "w2", "b2", "w3", "b3"}
    assert required <= set(parameters), "missing parameters"
    cache = forward(parameters=parameters, x=x)
    loss, d_scores = softmax_cross_entropy(scores=cache["scores"], labels=labels)
    d_relu2, dw3, db3 = _dense_backward(d_scores, cache["relu2"], parameters["w3"])
    d_fc = relu_backward(grad=d_relu2, a=cache["fc"])
    d_flat, dw2, db2 = _dense_backward(d_fc, cache["flat"], parameters["w2"])
    d_relu1 = max_pool_backward(grad=d_flat.reshape(cache["pool"].shape), x=cache["relu1"])
    d_conv = relu_backward(grad=d_relu1, a=cache["conv"])
    _, dw1, db1 = conv2d_backward(grad=d_conv, x=x, w=parameters["w1"], stride=1, padding=0)
    gradients = {"b1": db1, "b2": db2, "b3": db3, "w1": dw1, "w2": dw2, "w3": dw3}
    for name, value in gradients.items():
        print(name, value.shape)
        assert value.shape == parameters[name].shape
    return float(loss), gradients
''',
}
CHAIN_WRONG = faults(
    CHAIN,
    {
        "no second ReLU": (
            'relu_backward(g3.dot(p["w3"].T), f["relu2"])',
            'g3.dot(p["w3"].T)',
            "gradient for b2",
        ),
        "no first ReLU": ('relu_backward(g1, f["relu1"])', "g1", "gradient for b1"),
        "before ReLU": ('f["relu2"].T.dot(g3)', 'f["fc"].T.dot(g3)', "gradient for w3"),
        "b2 as a mean": ('"b2": g2.sum(0)', '"b2": g2.sum(0) / len(x)', "gradient for b2"),
        "no third layer": (
            '"w3": f["relu2"].T.dot(g3), "b3": g3.sum(0),',
            "",
            "dictionary of gradients lacks 'b3', 'w3'",
        ),
        "an extra gradient": ('"w1": w1,', '"w1": w1, "x": x,', "dictionary of gradients has 'x'"),
        "half a slope at 0": (
            'relu_backward(g1, f["relu1"])',
            'g1 * np.heaviside(f["conv"], 0.5)',
            "gradient for b1",
        ),
        "a slope at 0": (
            'relu_backward(g1, f["relu1"])',
            'g1 * (f["conv"] >= 0)',
            "gradient for b1",
        ),
        "a slope at 0 in the dense layer": (
            'relu_backward(g3.dot(p["w3"].T), f["relu2"])',
            'np.where(f["fc"] < 0, 0, g3.dot(p["w3"].T))',
            "gradient for b2",
        ),
        "a slope where ReLU changes nothing": (
            'relu_backward(g1, f["relu1"])',
            'g1 * (f["relu1"] == f["conv"])',
            "gradient for b1",
        ),
        "label 9 as 0": (
            "    p, f =",
            "    labels = np.where(labels == 9, 0, labels)\n    p, f =",
            "the loss",
        ),
        "label 8 as 0": (
            "    p, f =",
            "    labels = np.where(labels == 8, 0, labels)\n    p, f =",
            "the loss for images (10, 9, 7, 1)",
        ),
        "no biases": (
            "forward(parameters, x)",
            "forward(parameters | {k: 0 * parameters[k] for k in ('b1', 'b2', 'b3')}, x)",
            "the loss, with biases that are not 0",
        ),
        "forward pass kept for each shape": (
            "forward(parameters, x)",
            "SEEN.setdefault((x.shape, p['w1'].sum()), forward(parameters, x))",
            "after a call with other numbers",
        ),
        "forward pass kept for the images": (
            "forward(parameters, x)",
            "SEEN.setdefault((x.tobytes(), p['w1'].sum()), forward(parameters, x))",
            "after a call with other numbers",
        ),
        "b1 reversed": ('"b1": b1,', '"b1": -b1,', "gradient for b1"),
        "loss of the sum": ("return loss, {", "return loss * len(x), {", "the loss"),
        "w2 transposed": (
            '"w2": f["flat"].T.dot(g2)',
            '"w2": g2.T.dot(f["flat"])',
            "gradient for w2 has shape",
        ),
        "w1 off": ('"w1": w1', '"w1": w1 + 1e-3', "gradient for w1"),
        # Loss and gradients agree with each other, but the labels are not those that were given.
        "other labels": ('f["scores"], labels)', 'f["scores"], labels * 0)', "the loss"),
        "the first image": ("forward(parameters, x)", "forward(parameters, x[:1])", ""),
        "not returned": ("return loss, {", "result = loss, {", "two things"),
        "gradients only": ("return loss, {", "return {", "two things"),
        "sum over the filters": ('"b3": g3.sum(0)', '"b3": g3.sum(1)', "gradient for b3"),
        "w2 for w3": ('"w2": f["flat"].T.dot(g2)', '"w2": p["w2"]', "gradient for w2"),
        "parameters changed": (
            "    return loss",
            '    p["w1"] -= 0.05 * w1\n    return loss',
            "changes its argument parameters",
        ),
        "images changed": (
            "    return loss",
            "    x *= 0\n    return loss",
            "changes its argument x",
        ),
        "square images": (
            'f["pool"].shape)',
            '(len(x), *2 * [(x.shape[1] - 2) // 2], p["b1"].size))',
            "cannot reshape",
        ),
        "several images": ("g3.sum(0)", "g3.squeeze().sum(0)", "for images (1, 6, 8, 1)"),
        "tuple of gradients": (
            '"w3": f["relu2"].T.dot(g3), "b3": g3.sum(0),\n    }',
            '"w3": f["relu2"].T.dot(g3), "b3": g3.sum(0),\n    }.values()',
            "two things",
        ),
    },
) | {
    "measured": (
        MEASURED.replace("def conv2d_backward", "def unused")
        + """
def loss_of(p, x, labels):
    return softmax_cross_entropy(forward(p, x)["scores"], labels)[0]

def loss_and_slopes(parameters, x, labels):
    slopes = {
        name: differences(lambda a: loss_of(parameters | {name: a}, x, labels), value, 1e-5)
        for name, value in parameters.items()
    }
    return loss_of(parameters, x, labels), slopes
""",
        "gradient for b2",  # a step crosses the kink of an activation that is 0
    )
}
for name in ("forward pass kept for each shape", "forward pass kept for the images"):
    code, words = CHAIN_WRONG[name]
    code = changed(code, ("p, f = parameters, ", "p = parameters\n    f = "))
    CHAIN_WRONG[name] = "SEEN = {}\n" + code, words
CHAIN_WRONG["measured with tiny steps"] = (
    changed(CHAIN_WRONG["measured"][0], ("value, 1e-5)", "value - 1e-7, 1e-9)")),
    "too small for differences",
)

RIGHT = {
    "conv-loops": LOOPS_RIGHT,
    "conv-windows": WINDOWS_RIGHT,
    "conv-differences": DIFFERENCES_RIGHT,
    "conv-backward": BACKWARD_RIGHT,
    "conv-pool": POOL_RIGHT,
    "conv-loss": LOSS_RIGHT,
    "conv-chain": CHAIN_RIGHT,
}
WRONG = {
    "conv-loops": LOOPS_WRONG,
    "conv-windows": WINDOWS_WRONG,
    "conv-differences": DIFFERENCES_WRONG,
    "conv-backward": BACKWARD_WRONG,
    "conv-pool": POOL_WRONG,
    "conv-loss": LOSS_WRONG,
    "conv-chain": CHAIN_WRONG,
}


def test_each_exercise_has_its_tables(conv):
    assert set(RIGHT) == set(WRONG) == set(conv.tests)
    assert min(map(len, RIGHT.values())) >= 6 and min(map(len, WRONG.values())) >= 12


@pytest.mark.parametrize("test", RIGHT)
def test_the_solution_passes_and_the_stub_is_not_attempted(conv, given, judge, test):
    result = judge(test)
    assert result.passed and result.hidden, result
    space = conv.stubs()
    exec(given, space)
    assert conv.run(test, space).status == checks.NOT_ATTEMPTED


@pytest.mark.parametrize(("test", "answer"), cases(RIGHT))
def test_a_right_answer_in_another_form_passes(judge, test, answer):
    result = judge(test, answer)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(("test", "answer"), cases(WRONG))
def test_a_wrong_answer_is_told_what_is_wrong(judge, test, answer):
    code, words = answer
    result = judge(test, code)
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words or result.status == checks.ERROR, result
    assert any(word in result.message.lower() for word in words.lower().split("|")), result
    assert "hidden check ended" not in result.message


def test_new_parameters_fit_the_network_of_the_table(conv, given):
    space = conv.namespace(given)
    assert sum(p.size for p in space["new_parameters"]().values()) == 607_394
    assert keras.ops.shape(
        space["forward"](space["new_parameters"](), np.zeros((2, 28, 28, 1)))["scores"]
    ) == (2, 10)
