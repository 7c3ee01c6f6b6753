# %% [markdown]
# # Convolution: one layer, forwards and backwards
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/convcourse/convcourse/blob/main/release/02_convolution/02_convolution.ipynb)
#
# **120 minutes, 20 points.** Builds on *01 data loading*.
#
# In this assignment you
#
# * **write** a convolution in NumPy, first with loops, then without, and **measure** the difference,
# * **derive** its gradients, and **check** them by centred differences,
# * **join** convolution, ReLU, pooling and softmax to a network that reads digits,
# * **compare** learning rates, strides and filter sizes.

# %% [markdown] locked="conv-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader alike. It installs the course's helpers only where they are missing.

# %% locked="conv-setup"
import importlib.util
import subprocess
import sys

WHEEL = "https://github.com/convcourse/convcourse/releases/latest/download/convcourse-1.0.0-py3-none-any.whl"
if importlib.util.find_spec("helpers") is None:
    if subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", WHEEL]).returncode:
        raise ImportError("The helpers could not be installed: go online, then run this cell again.")

from helpers import checks, device

checks.explain_missing_names()
device.report()

# %%
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers import data, plots, profile, training

keras.utils.set_random_seed(1)

# %% [markdown]
# The training images come shuffled here: in their own order, neighbours were often written by the same person, so the last ones alone would validate badly.

# %%
images = data.load("mnist")
scaled = images.scaled()
mixed = np.random.default_rng(1).permutation(len(scaled.x_train))
x_train, y_train = scaled.x_train[mixed], scaled.y_train[mixed]
x_test, y_test = scaled.x_test, scaled.y_test
print(x_train.shape, x_train.dtype, y_train.shape)

# %%
plots.contact_sheet(images.x_train[:20], images.y_train[:20], images.class_names)
plt.show()

# %% [markdown]
# ## 1. One window after the other
#
# A convolution slides a filter of $m \times n$ pixels over an image. At each place it multiplies the pixels under the filter by the filter's weights, adds the products and a bias. For an image $x$ with channels $c$ and filter number $k$, with stride $S$:
#
# $$y_{i j k} = b_k + \sum_{u=0}^{m-1} \sum_{v=0}^{n-1} \sum_{c} x_{iS+u,\; jS+v,\; c} \; w_{u v c k}$$
#
# Before that, $P$ rows and columns of zeros can be added on every side: *padding*. With $N$ pixels along a side, the output has $O = \lfloor (N + 2P - F) / S \rfloor + 1$. Arrays have the order of Keras:
#
# | array | shape |
# |---|---|
# | images $x$ | (N, height, width, channels) |
# | weights $w$ | (m, n, channels, filters) |
# | biases $b$ | (filters,) |
# | output $y$ | (N, output height, output width, filters) |

# %%
def pad(x, padding):
    """Zeros on all four sides of each image: (N, H, W, C) to (N, H + 2P, W + 2P, C)."""
    return np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))


print(pad(np.ones((1, 2, 2, 1)), 1)[0, :, :, 0])

# %% [markdown]
# **Predict.** An image of 5 × 5, a filter of 3 × 3, stride 2, padding 1: how large is the output? How many multiplications does it take?
#
# **Exercise (2 points).** Write `conv2d_loops`, with a loop for each index on the left of the formula. Slowness does not matter here: this version is the yardstick for all that follow.

# %% solution="conv-loops-answer"
def conv2d_loops(x, w, b, stride=1, padding=0):
    """A convolution, one output value after the other.

    x: (N, H, W, C) floats; w: (m, n, C, K) floats; b: (K,) floats
    stride: pixels between two places; padding: zeros added on each side
    Returns (N, O_h, O_w, K) floats.

    Example: on ones of shape (1, 3, 3, 1), with ones of shape (2, 2, 1, 1) and a bias of 1,
    it is an array of shape (1, 2, 2, 1) full of 5.
    """
    ### BEGIN SOLUTION
    x = pad(x, padding)
    m, n, _, filters = w.shape
    height, width = (x.shape[1] - m) // stride + 1, (x.shape[2] - n) // stride + 1
    y = np.empty((len(x), height, width, filters))
    for image, i, j, k in np.ndindex(y.shape):
        top, left = i * stride, j * stride
        window = x[image, top : top + m, left : left + n]
        y[image, i, j, k] = (window * w[..., k]).sum() + b[k]
    return y
    ### END SOLUTION

# %% tests="conv-loops" points=2
with checks.exercise(
    "conv-loops", hidden="images and filters that are not square, channels, strides, paddings"
):
    ones = np.ones((1, 3, 3, 1))
    got = conv2d_loops(ones, np.ones((2, 2, 1, 1)), np.array([1.0]))
    checks.close(got, np.full((1, 2, 2, 1), 5.0), "A filter of four ones, bias 1, on ones")
    # Only the middle pixel is 1, so the output shows the filter, turned round.
    dot, arrow = np.zeros((1, 3, 3, 1)), np.arange(9.0).reshape(3, 3, 1, 1)
    dot[0, 1, 1, 0] = 1
    got = conv2d_loops(dot, arrow, np.zeros(1), padding=1)
    checks.close(got, arrow[::-1, ::-1].transpose(2, 0, 1, 3), "The output for a single dot")
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 7, 7, 3)), rng.normal(size=(3, 3, 3, 4)), rng.normal(size=4)
    want = np.asarray(keras.ops.conv(np.float32(x), np.float32(w), strides=2)) + b
    checks.close(conv2d_loops(x, w, b, 2), want, "The output for stride 2", atol=1e-4)
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(11)
for size, filt, step, zeros in (
    ((2, 6, 9, 1), (3, 3, 1, 2), 1, 0),
    ((1, 8, 5, 3), (2, 4, 3, 5), 1, 0),
    ((2, 9, 7, 2), (3, 2, 2, 3), 3, 0),
    ((1, 5, 6, 2), (3, 3, 2, 2), 2, 1),
    ((1, 4, 4, 3), (5, 5, 3, 2), 1, 2),
    ((1, 3, 3, 2), (1, 1, 2, 3), 1, 0),
):
    pixels, kernel = number.normal(size=size), number.normal(size=filt)
    offset = number.normal(size=filt[3])
    case = f"images {size}, weights {filt}, stride {step}, padding {zeros}"
    given = submission.call("conv2d_loops", pixels, kernel, offset, stride=step, padding=zeros)
    wide = np.pad(pixels, ((0, 0), (zeros, zeros), (zeros, zeros), (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(wide, filt[:2], axis=(1, 2))
    right = np.einsum("nijcuv,uvck->nijk", seen[:, ::step, ::step], kernel) + offset
    look.close(given, right, f"conv2d_loops for {case}", rtol=1e-3, atol=1e-5)
### END HIDDEN TESTS

# %%
checks.hint("conv-loops")

# %% [markdown]
# ## 2. All windows at once
#
# The loops call NumPy once for each output value, and each call costs a few millionths of a second, far more than nine multiplications. `sliding_window_view` shows all windows of an array at once. It copies nothing: the same pixel appears in up to nine windows and lies in memory once.

# %%
row = np.array([10, 20, 30, 40, 50])
print(sliding_window_view(row, 3))
print(sliding_window_view(np.ones((2, 28, 28, 1)), (3, 3), axis=(1, 2)).shape)

# %% [markdown]
# The last two axes are the window's. A stride keeps every second or third window: `[:, ::stride, ::stride]`. Then the three sums over $u$, $v$ and $c$ are one product of matrices, which the processor's linear algebra does at full speed: `np.tensordot(a, b, axes=3)` sums over the last three axes of `a` and the first three of `b`.
#
# **Predict.** How many times as fast as the loops will it be?
#
# **Exercise (3 points).** Write `windows`, then `conv2d` without a loop. Mind the order of the axes.

# %% solution="conv-windows-answer"
def windows(x, size, stride=1):
    """All windows of size (m, n): (N, H, W, C) to (N, O_h, O_w, m, n, C), without a copy.

    Example: windows(np.ones((2, 28, 28, 1)), (3, 3), 2) has shape (2, 13, 13, 3, 3, 1).
    """
    ### BEGIN SOLUTION
    view = sliding_window_view(x, size, axis=(1, 2))[:, ::stride, ::stride]
    return view.transpose(0, 1, 2, 4, 5, 3)
    ### END SOLUTION


def conv2d(x, w, b, stride=1, padding=0):
    """What conv2d_loops computes, for all places at once.

    x: (N, H, W, C) floats; w: (m, n, C, K) floats; b: (K,) floats
    Returns (N, O_h, O_w, K) floats.

    Example: conv2d(np.ones((1, 3, 3, 1)), np.ones((2, 2, 1, 1)), np.ones(1)) is full of 5.
    """
    ### BEGIN SOLUTION
    return np.tensordot(windows(pad(x, padding), w.shape[:2], stride), w, axes=3) + b
    ### END SOLUTION

# %% tests="conv-windows" points=3
with checks.exercise(
    "conv-windows", hidden="other sizes, channels, strides and paddings, and no loop over pixels"
):
    checks.shape(windows(np.ones((2, 9, 7, 3)), (3, 2), 2), (2, 4, 3, 3, 2, 3), "windows(...)")
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 7, 6, 3)), rng.normal(size=(3, 2, 3, 4)), rng.normal(size=4)
    for stride, padding in ((1, 0), (2, 0), (2, 1)):
        got, want = (f(x, w, b, stride, padding) for f in (conv2d, conv2d_loops))
        checks.close(got, want, f"conv2d with stride {stride} and padding {padding}")
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(12)
for size, filt, step, zeros in (
    ((2, 6, 9, 1), (3, 3, 1, 2), 1, 0),
    ((1, 8, 5, 3), (2, 4, 3, 5), 1, 0),
    ((2, 9, 7, 2), (3, 2, 2, 3), 3, 0),
    ((1, 5, 6, 2), (3, 3, 2, 2), 2, 1),
    ((1, 4, 4, 3), (5, 5, 3, 2), 1, 2),
    ((1, 3, 3, 2), (1, 1, 2, 3), 1, 0),
):
    pixels, kernel = number.normal(size=size), number.normal(size=filt)
    offset = number.normal(size=filt[3])
    case = f"images {size}, weights {filt}, stride {step}, padding {zeros}"
    wide = np.pad(pixels, ((0, 0), (zeros, zeros), (zeros, zeros), (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(wide, filt[:2], axis=(1, 2))
    seen = seen[:, ::step, ::step].transpose(0, 1, 2, 4, 5, 3)
    given = submission.call("windows", wide, filt[:2], step)
    look.close(given, seen, f"windows for images {wide.shape}, size {filt[:2]}, stride {step}")
    given = submission.call("conv2d", pixels, kernel, offset, stride=step, padding=zeros)
    right = np.tensordot(seen, kernel, axes=3) + offset
    look.close(given, right, f"conv2d for {case}", rtol=1e-3, atol=1e-5)
# With a loop over pixels and filters it takes 10 s and more, without one a twentieth of a second.
many = [number.normal(size=s).astype("float32") for s in ((128, 28, 28, 1), (3, 3, 1, 28), (28,))]
look.that(
    min(submission.seconds("conv2d", *many) for _ in range(2)) < 5,
    "conv2d is right but slow: take the sums of all windows at once, without a loop over pixels.",
)
### END HIDDEN TESTS

# %%
checks.hint("conv-windows")

# %% [markdown]
# ### The race
#
# The same four images through the 28 filters of 3 × 3 that the network below has: with loops, with windows, and in Keras.

# %%
def seconds(function, repeats=5):
    """The shortest of several runs: the one that other programs disturbed least."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)

# %%
rng = np.random.default_rng(1)
few, weights, biases = x_train[:4], rng.normal(size=(3, 3, 1, 28)), np.zeros(28)
few, weights, biases = (np.float32(a) for a in (few, weights, biases))
layer = keras.layers.Conv2D(28, 3)
layer.build(few.shape)
layer.set_weights([weights, biases])
checks.close(np.asarray(layer(few)), conv2d(few, weights, biases), "Keras's layer", atol=1e-4)

# %%
race = {
    "loops": seconds(lambda: conv2d_loops(few, weights, biases), repeats=1),
    "windows": seconds(lambda: conv2d(few, weights, biases)),
    "Keras": seconds(lambda: np.asarray(layer(few))),
}
for name, taken in race.items():
    print(f"{name:<8} {taken * 1e3:9.2f} ms, {race['loops'] / taken:6.0f} times as fast as loops")

# %% [markdown]
# ### What a filter sees
#
# Three filters with weights set by hand, on one digit. In a network nobody sets them: the rest of this notebook is about finding them.

# %%
edges = np.zeros((3, 3, 1, 3))
edges[..., 0, 0] = [[-1, 0, 1]] * 3
edges[..., 0, 1] = edges[..., 0, 0].T
edges[..., 0, 2] = 1 / 9
maps = conv2d(x_train[:1], edges, np.zeros(3), padding=1)[0]
fig, axes = plt.subplots(1, 4, figsize=(8, 2.4), layout="constrained")
titles = ("the image", "left to right", "top to bottom", "mean of 3 x 3")
for ax, picture, title in zip(axes, [x_train[0, ..., 0], *maps.transpose(2, 0, 1)], titles):
    ax.imshow(picture, cmap="gray")
    ax.set_title(title, fontsize=10)
    ax.axis("off")
plt.show()

# %% [markdown]
# ## 3. A slope without calculus
#
# Training moves each weight against the slope of the loss. Slopes are derived on paper, and slips are easy; the remedy is to measure them, too. For one number $x_i$ of an array, the *centred difference* moves it a little both ways:
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h\, e_i) - f(x - h\, e_i)}{2 h}$$
#
# where $e_i$ is 1 in place $i$ and 0 elsewhere. It needs two evaluations of $f$ for each number, far too many to train with, and enough to check with.
#
# **Predict.** The one-sided difference $(f(x + h) - f(x)) / h$ costs half as much. Its error shrinks with $h$, that of the centred one with $h^2$: for $f(x) = x^3$ at 1 and $h = 0.1$, what do the two give?
#
# **Exercise (2 points).** Write `centred_differences`. It leaves `x` as it was.

# %% solution="conv-differences-answer"
def centred_differences(f, x, h=1e-5):
    """The slope of f for each number of x.

    f: a function from an array to one number; x: an array of floats of any shape
    Returns an array of x's shape.

    Example: centred_differences(lambda x: (x**2).sum(), np.array([1.0, 3.0])) is [2, 6].
    """
    ### BEGIN SOLUTION
    slopes = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        up, down = x.astype(float), x.astype(float)
        up[at] += h
        down[at] -= h
        slopes[at] = (f(up) - f(down)) / (2 * h)
    return slopes
    ### END SOLUTION

# %% locked="conv-known-functions"
FUNCTIONS = {
    "squares": lambda x: (x**2).sum(),
    "cubes": lambda x: (x**3).sum(),
    "product": lambda x: x.prod(),
    "waves": lambda x: np.sin(x).sum(),
}


def slopes_of(name, x, h=1e-5):
    """Your centred differences of one of these functions."""
    return centred_differences(FUNCTIONS[name], x, h)

# %% tests="conv-differences" points=2
with checks.exercise("conv-differences", hidden="other functions, shapes and steps h"):
    x = np.array([[1.0, 3.0], [-2.0, 0.5]])
    kept = x.copy()
    for h in (1e-5, 0.5):
        checks.close(slopes_of("squares", x, h), 2 * kept, f"The slope of the squares with h = {h}")
        checks.close(x, kept, "x after the call")
    got = slopes_of("cubes", np.array([1.0]), h=0.1)
    checks.close(got, np.array([3.01]), "The centred difference of x**3 at 1 with h = 0.1")
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(13)
for size in ((4,), (2, 3), (2, 1, 3), (1, 2, 2, 2)):
    place = number.uniform(0.5, 2, size=size)
    for function, slope in (
        ("product", place.prod() / place),
        ("waves", np.cos(place)),
        ("cubes", 3 * place**2),
    ):
        given = submission.call("slopes_of", function, place)
        look.close(given, slope, f"The slope of the {function} for shape {size}", rtol=1e-4)
given = submission.call("slopes_of", "cubes", place, 0.25)
look.close(given, 3 * place**2 + 0.25**2, "The centred difference with a larger h", rtol=1e-4)
### END HIDDEN TESTS

# %%
checks.hint("conv-differences")

# %% [markdown]
# ## 4. Backwards through a convolution
#
# Let $L$ be a loss, a single number at the end of all layers. *Backwards* means: given its slopes $G = \partial L / \partial y$ for the output of a layer, find its slopes for the layer's inputs. In the convolution's formula, each output is a sum of products, so
#
# $$\frac{\partial L}{\partial b_k} = \sum_{\text{images}, i, j} G_{i j k} \qquad \frac{\partial L}{\partial w_{u v c k}} = \sum_{\text{images}, i, j} x_{iS+u,\; jS+v,\; c}\; G_{i j k}$$
#
# The second is windows times slopes, summed over images and places: one `tensordot` again. For a pixel, every window that it lies in contributes. The simplest way to add them up goes through the filter, not through the image: weight $(u, v)$ met the pixels $iS + u,\ jS + v$ for all $i, j$, which are a slice with step $S$. So begin with zeros in the shape of the padded image, and for each $(u, v)$
#
# $$\frac{\partial L}{\partial x} \left[u : u + S\,O_h : S,\;\; v : v + S\,O_w : S\right] \mathrel{+}= G \cdot w_{u v}^{\mathsf T}$$
#
# then cut the padding off.
#
# **Exercise (3 points).** Write `conv2d_backward`. A loop over the filter's places is fine; a loop over the image is not needed.

# %% solution="conv-backward-answer"
def conv2d_backward(grad, x, w, stride=1, padding=0):
    """The slopes of the loss for the input, the weights and the biases of conv2d.

    grad: (N, O_h, O_w, K), the slopes for conv2d(x, w, b, stride, padding)
    x: (N, H, W, C); w: (m, n, C, K)
    Returns (slopes for x, slopes for w, slopes for b), in the shapes of x, w and b.

    Example: with grad full of ones, the slopes for b are all N * O_h * O_w.
    """
    ### BEGIN SOLUTION
    padded, (m, n) = pad(x, padding), w.shape[:2]
    height, width = grad.shape[1:3]
    grad_w = np.tensordot(windows(padded, (m, n), stride), grad, axes=([0, 1, 2], [0, 1, 2]))
    grad_x = np.zeros(padded.shape)
    for u, v in np.ndindex(m, n):
        rows = slice(u, u + stride * height, stride)
        columns = slice(v, v + stride * width, stride)
        grad_x[:, rows, columns] += grad @ w[u, v].T
    inside = slice(padding, padding + x.shape[1]), slice(padding, padding + x.shape[2])
    return grad_x[:, inside[0], inside[1]], grad_w, grad.sum(axis=(0, 1, 2))
    ### END SOLUTION

# %% tests="conv-backward" points=3
with checks.exercise(
    "conv-backward", hidden="other sizes, channels, strides and paddings, pixels that no window sees"
):
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 5, 5, 2)), rng.normal(size=(3, 3, 2, 3)), rng.normal(size=3)
    for stride, padding in ((1, 0), (2, 0), (2, 1)):
        grad = rng.normal(size=conv2d(x, w, b, stride, padding).shape)
        loss = lambda x, w, b: (grad * conv2d(x, w, b, stride, padding)).sum()
        got = conv2d_backward(grad, x, w, stride, padding)
        checks.equal(len(got), 3, "The number of results")
        measured = [
            centred_differences(lambda a: loss(a, w, b), x),
            centred_differences(lambda a: loss(x, a, b), w),
            centred_differences(lambda a: loss(x, w, a), b),
        ]
        for what, mine, theirs in zip("xwb", got, measured):
            case = f"with stride {stride} and padding {padding}"
            checks.close(mine, theirs, f"The slope for {what} {case}", rtol=1e-3, atol=1e-6)
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(14)
for size, filt, step, zeros in (
    ((2, 6, 9, 1), (3, 3, 1, 2), 1, 0),
    ((1, 8, 5, 3), (2, 4, 3, 5), 1, 0),
    ((2, 9, 8, 2), (3, 2, 2, 3), 3, 0),
    ((1, 6, 6, 2), (3, 3, 2, 2), 2, 0),
    ((1, 5, 6, 2), (3, 3, 2, 2), 2, 1),
    ((1, 4, 4, 3), (5, 5, 3, 2), 1, 2),
):
    pixels, kernel = number.normal(size=size), number.normal(size=filt)
    wide = np.pad(pixels, ((0, 0), (zeros, zeros), (zeros, zeros), (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(wide, filt[:2], axis=(1, 2))
    seen = seen[:, ::step, ::step]
    slopes = number.normal(size=(*seen.shape[:3], filt[3]))
    right = [
        np.zeros(wide.shape),
        np.einsum("nijcuv,nijk->uvck", seen, slopes),
        slopes.sum(axis=(0, 1, 2)),
    ]
    for i, j in np.ndindex(seen.shape[1:3]):
        spread = np.einsum("uvck,nk->nuvc", kernel, slopes[:, i, j])
        down, across = i * step, j * step
        right[0][:, down : down + filt[0], across : across + filt[1]] += spread
    right[0] = right[0][:, zeros : zeros + size[1], zeros : zeros + size[2]]
    given = submission.call("conv2d_backward", slopes, pixels, kernel, step, zeros)
    case = f"images {size}, weights {filt}, stride {step}, padding {zeros}"
    look.equal(len(given), 3, "The number of results of conv2d_backward")
    for what, mine, truth in zip("xwb", given, right, strict=True):
        look.close(mine, truth, f"The slope for {what} with {case}", rtol=1e-3, atol=1e-6)
### END HIDDEN TESTS

# %%
checks.hint("conv-backward")

# %% [markdown]
# How good is the check itself? A step $h$ that is too large bends away from the slope; one that is too small drowns in rounding.

# %%
rng = np.random.default_rng(2)
x, w, b = rng.normal(size=(1, 5, 5, 1)), rng.normal(size=(3, 3, 1, 2)), np.zeros(2)
y = conv2d(x, w, b)
exact = conv2d_backward(np.cos(y), x, w)[1]  # the loss is the sum of sin(y), so its slope is cos(y)
steps = 10.0 ** np.arange(-13, 0)
errors = [
    abs(centred_differences(lambda a: np.sin(conv2d(x, a, b)).sum(), w, h) - exact).max()
    for h in steps
]

# %%
fig, ax = plt.subplots(figsize=(7, 3.5))
ax.loglog(steps, errors, color=plots.COLOURS[0], marker="o")
ax.set(xlabel="step h", ylabel="largest error of a slope")
ax.grid(alpha=0.3)
plt.show()

# %% [markdown]
# ## 5. Pooling
#
# *Max pooling* keeps the largest of each 2 × 2 pixels, channel by channel. Its windows don't overlap; a row or column that is left over is dropped. Backwards, the slope of an output goes to the pixel that was the largest, and the others get 0: a small change of theirs changes nothing.
#
# **Predict.** After pooling, a digit moves by one pixel to the right. What becomes of the pooled image?
#
# **Exercise (2 points).** Write both directions. Of equal largest pixels, any one may take the slope.

# %% solution="conv-pool-answer"
def max_pool(x, size=2):
    """The largest value of each size x size window: (N, H, W, C) to (N, H // size, W // size, C).

    Example: max_pool(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0] is [[5, 7], [13, 15]].
    """
    ### BEGIN SOLUTION
    return windows(x, (size, size), size).max(axis=(3, 4))
    ### END SOLUTION


def max_pool_backward(grad, x, size=2):
    """The slopes for the input of max_pool, in x's shape.

    grad: (N, H // size, W // size, C), the slopes for max_pool(x, size)

    Example: max_pool_backward(np.full((1, 1, 1, 1), 3.0), np.array([1.0, 2, 4, 0]).reshape(
    1, 2, 2, 1))[0, :, :, 0] is [[0, 0], [3, 0]].
    """
    ### BEGIN SOLUTION
    view = windows(x, (size, size), size)
    largest = view.reshape(*view.shape[:3], size * size, -1).argmax(axis=3)
    image, i, j, channel = np.indices(largest.shape)
    grad_x = np.zeros(x.shape)
    grad_x[image, i * size + largest // size, j * size + largest % size, channel] = grad
    return grad_x
    ### END SOLUTION

# %% tests="conv-pool" points=2
with checks.exercise("conv-pool", hidden="odd sizes, channels, negative pixels, windows of 3"):
    ramp = np.arange(16.0).reshape(1, 4, 4, 1)
    checks.close(max_pool(ramp)[0, :, :, 0], np.array([[5.0, 7], [13, 15]]), "max_pool of 0 to 15")
    rng = np.random.default_rng(0)
    x, grad = rng.normal(size=(2, 5, 4, 3)), rng.normal(size=(2, 2, 2, 3))
    checks.shape(max_pool(x), grad.shape, "max_pool of 5 x 4 pixels")
    measured = centred_differences(lambda a: (grad * max_pool(a)).sum(), x)
    checks.close(max_pool_backward(grad, x), measured, "The slope for x", rtol=1e-3, atol=1e-6)
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(15)
for size, side in (((2, 6, 4, 1), 2), ((1, 7, 5, 3), 2), ((2, 8, 10, 2), 3)):
    # All different, and below zero, so that a maximum with 0 or with padding is found out.
    pixels = -1.0 - number.permutation(np.prod(size)).reshape(size)
    seen = np.lib.stride_tricks.sliding_window_view(pixels, (side, side), axis=(1, 2))
    right = seen[:, ::side, ::side].max(axis=(4, 5))
    given = submission.call("max_pool", pixels, side)
    look.close(given, right, f"max_pool for images {size} and windows of {side}")
    slopes = number.normal(size=right.shape)
    back = np.zeros(size)
    for at in np.ndindex(right.shape):
        back[pixels == right[at]] = slopes[at]
    given = submission.call("max_pool_backward", slopes, pixels, side)
    look.close(given, back, f"The slope for images {size} and windows of {side}")
same = submission.call("max_pool_backward", np.full((1, 1, 1, 1), 4.0), np.ones((1, 2, 2, 1)))
look.close(np.sum(same), 4.0, "The sum of the slopes for a window of equal pixels")
### END HIDDEN TESTS

# %%
checks.hint("conv-pool")

# %% [markdown]
# ## 6. ReLU and the loss
#
# *ReLU* is $\max(0, a)$; its slope is 1 where $a > 0$, else 0. The last layer gives a score $z_k$ for each class. *Softmax* turns scores into probabilities, *cross-entropy* compares them with the true class $t$:
#
# $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}} \qquad L = -\log p_t \qquad \frac{\partial L}{\partial z_k} = p_k - [k = t]$$
#
# where $[k = t]$ is 1 for the true class and 0 for the others. For $N$ images, the loss is the mean, so the slopes are divided by $N$. The number $e^{1000}$ is too large for a computer; since only differences of scores matter, subtract the largest score of each row first. And $\log p_t$ is $z_t - \log \sum_j e^{z_j}$, which never takes the logarithm of 0.
#
# **Predict.** All ten scores are equal. What is the loss, and what are its slopes?
#
# **Exercise (2 points).** Write the loss and its slopes.

# %%
def relu(a):
    return np.maximum(a, 0)


def relu_backward(grad, a):
    """grad: the slopes for relu(a); returns those for a."""
    return grad * (a > 0)

# %% solution="conv-loss-answer"
def softmax_cross_entropy(scores, labels):
    """The mean loss, and its slopes for the scores.

    scores: (N, classes) floats of any size; labels: (N,) whole numbers
    Returns (loss, slopes): a number, and an array of shape (N, classes).

    Example: with scores [[0, 0]] and labels [1], it is (0.693, [[0.5, -0.5]]).
    """
    ### BEGIN SOLUTION
    shifted = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    rows = np.arange(len(scores))
    loss = (np.log(sums[:, 0]) - shifted[rows, labels]).mean()
    slopes = exponentials / sums
    slopes[rows, labels] -= 1
    return loss, slopes / len(scores)
    ### END SOLUTION

# %% tests="conv-loss" points=2
with checks.exercise("conv-loss", hidden="other batches and classes, very large and small scores"):
    loss, slopes = softmax_cross_entropy(np.zeros((1, 2)), np.array([1]))
    checks.close(loss, 0.693147, "The loss of two equal scores")
    checks.close(slopes, np.array([[0.5, -0.5]]), "The slope of two equal scores")
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(4, 5)), np.array([0, 4, 2, 2])
    got = softmax_cross_entropy(scores, labels)[1]
    measured = centred_differences(lambda a: softmax_cross_entropy(a, labels)[0], scores)
    checks.close(got, measured, "The slope for four images", rtol=1e-3, atol=1e-6)
    huge = softmax_cross_entropy(np.array([[1000.0, 0.0]]), np.array([1]))[0]
    checks.close(huge, 1000.0, "The loss for the scores 1000 and 0")
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(16)
for rows, classes, scale in ((1, 3, 1), (6, 10, 1), (5, 4, 20), (7, 10, 3000)):
    given, truth = number.normal(size=(rows, classes)) * scale, number.integers(classes, size=rows)
    moved = given - given.max(axis=1, keepdims=True)
    logs = moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))
    answer = submission.call("softmax_cross_entropy", given, truth)
    case = f"{rows} images, {classes} classes and scores of about {scale}"
    look.equal(len(answer), 2, "The number of results of softmax_cross_entropy")
    mean = -logs[np.arange(rows), truth].mean()
    look.close(answer[0], mean, f"The loss for {case}", rtol=1e-3)
    right = (np.exp(logs) - np.eye(classes)[truth]) / rows
    look.close(answer[1], right, f"The slope for {case}", rtol=1e-3)
### END HIDDEN TESTS

# %%
checks.hint("conv-loss")

# %% [markdown]
# ## 7. A network by hand
#
# A report trained this network on MNIST: a convolution with 28 filters of 3 × 3, no padding; max pooling; a fully connected layer of 128 units; one of 10 units. ReLU follows the convolution and the layer of 128. Sizes run 28, 26, 13; 13 · 13 · 28 = 4,732 values are flattened.
#
# A dense layer is a product of matrices, $y = x w + b$, with slopes $\partial L / \partial x = G w^{\mathsf T}$, $\partial L / \partial w = x^{\mathsf T} G$, and for $b$ the sum of $G$ over the images.

# %%
def new_parameters(filters=28, hidden=128, side=28, seed=1):
    """Random weights, small enough that values keep their size from layer to layer; biases 0."""
    rng, pooled = np.random.default_rng(seed), (side - 2) // 2
    shapes = {"w1": (3, 3, 1, filters), "w2": (pooled**2 * filters, hidden), "w3": (hidden, 10)}
    parameters = {}
    for name, shape in shapes.items():
        limit = np.sqrt(6 / (np.prod(shape[:-1]) + shape[-1]))
        parameters[name] = rng.uniform(-limit, limit, shape)
        parameters[name.replace("w", "b")] = np.zeros(shape[-1])
    return parameters


print(sum(p.size for p in new_parameters().values()), "parameters")

# %%
def forward(parameters, x):
    """Every layer's output, in order, for images (N, H, W, 1)."""
    p, out = parameters, {"x": x}
    out["conv"] = conv2d(x, p["w1"], p["b1"])
    out["relu1"] = relu(out["conv"])
    out["pool"] = max_pool(out["relu1"])
    out["flat"] = out["pool"].reshape(len(x), -1)
    out["fc"] = out["flat"] @ p["w2"] + p["b2"]
    out["relu2"] = relu(out["fc"])
    out["scores"] = out["relu2"] @ p["w3"] + p["b3"]
    return out

# %% [markdown]
# **Exercise (2 points).** Write `loss_and_slopes`: call `forward`, then go through the layers in reverse. Each step takes the slopes of a layer's output and gives those of its input.

# %% solution="conv-chain-answer"
def loss_and_slopes(parameters, x, labels):
    """The mean loss of the network, and its slopes for all parameters.

    parameters: a dictionary with w1, b1 (convolution), w2, b2 and w3, b3 (dense layers)
    x: (N, H, W, 1) floats; labels: (N,) whole numbers of 0 to 9
    Returns (loss, slopes): a number, and a dictionary with the keys and shapes of parameters.

    Example: loss, slopes = loss_and_slopes(p, x, labels); slopes["w3"].shape is p["w3"].shape.
    """
    ### BEGIN SOLUTION
    p, out, slopes = parameters, forward(parameters, x), {}
    loss, grad = softmax_cross_entropy(out["scores"], labels)
    slopes["w3"], slopes["b3"] = out["relu2"].T @ grad, grad.sum(axis=0)
    grad = relu_backward(grad @ p["w3"].T, out["fc"])
    slopes["w2"], slopes["b2"] = out["flat"].T @ grad, grad.sum(axis=0)
    grad = (grad @ p["w2"].T).reshape(out["pool"].shape)
    grad = relu_backward(max_pool_backward(grad, out["relu1"]), out["conv"])
    _, slopes["w1"], slopes["b1"] = conv2d_backward(grad, x, p["w1"])
    return loss, slopes
    ### END SOLUTION

# %% tests="conv-chain" points=2
with checks.exercise("conv-chain", hidden="other images and parameters, every slope"):
    tiny = new_parameters(filters=2, hidden=4, side=8)
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(3, 8, 8, 1)), np.array([3, 0, 7])
    loss, slopes = loss_and_slopes(tiny, x, labels)
    checks.equal(sorted(slopes), sorted(tiny), "The names of the slopes")
    for name in reversed(tiny):  # a slip shows in all layers before it, so begin at the end
        measured = centred_differences(
            lambda a: loss_and_slopes(tiny | {name: a}, x, labels)[0], tiny[name]
        )
        checks.close(slopes[name], measured, f"The slope for {name}", rtol=1e-3, atol=1e-6)
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(17)


def loss_of(p, x, t):
    """The network once more, written for the judge: the mean loss."""
    seen = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    a = np.maximum(np.einsum("nijcuv,uvck->nijk", seen, p["w1"]) + p["b1"], 0)
    high, wide = a.shape[1] // 2, a.shape[2] // 2
    a = a[:, : 2 * high, : 2 * wide].reshape(len(x), high, 2, wide, 2, -1).max(axis=(2, 4))
    a = np.maximum(a.reshape(len(x), -1) @ p["w2"] + p["b2"], 0) @ p["w3"] + p["b3"]
    a = a - a.max(axis=1, keepdims=True)
    return (np.log(np.exp(a).sum(axis=1)) - a[np.arange(len(x)), t]).mean()


for batch, side, filters, hidden in ((3, 8, 2, 4), (5, 9, 3, 6)):
    flat = ((side - 2) // 2) ** 2 * filters
    sizes = {"w1": (3, 3, 1, filters), "w2": (flat, hidden), "w3": (hidden, 10)}
    sizes |= {"b1": (filters,), "b2": (hidden,), "b3": (10,)}
    given = {key: number.normal(size=sizes[key]) / 2 for key in sizes}
    pixels, truth = number.normal(size=(batch, side, side, 1)), number.integers(10, size=batch)
    found, parts = submission.call("loss_and_slopes", given, pixels, truth)
    look.close(found, loss_of(given, pixels, truth), "The loss of the network", rtol=1e-3)
    look.equal(sorted(parts), sorted(given), "The names of the slopes")
    for key in ("w3", "b3", "w2", "b2", "w1", "b1"):
        look.shape(parts[key], sizes[key], f"The slope for {key}")
        # Along ten random directions, the slope times the direction is how fast the loss changes.
        for _ in range(10):
            way = number.normal(size=sizes[key]) * 1e-5
            rise = loss_of(given | {key: given[key] + way}, pixels, truth)
            rise -= loss_of(given | {key: given[key] - way}, pixels, truth)
            along = 2 * (look.as_array(parts[key], key) * way).sum()
            look.that(abs(along - rise) < 1e-3 * abs(rise) + 1e-9, f"The slope for {key} is wrong.")
### END HIDDEN TESTS

# %%
checks.hint("conv-chain")

# %% [markdown]
# ### Three cheap tests, then the training
#
# A fresh network's loss is close to $\log 10 \approx 2.303$; the slopes are right, as the check above says; and 100 images must be learnt by heart. The training is plain gradient descent: for each batch of 32 images, every parameter takes a step of 0.05 times its slope downhill.

# %%
def train(parameters, x, labels, epochs, learning_rate=0.05, batch=32, seed=1):
    """Gradient descent; changes the parameters and returns the losses of all batches."""
    losses, rng = [], np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            chosen = order[start : start + batch]
            loss, slopes = loss_and_slopes(parameters, x[chosen], labels[chosen])
            losses.append(loss)
            for name in parameters:
                parameters[name] -= learning_rate * slopes[name]
    return losses


def accuracy(parameters, x, labels):
    return (forward(parameters, x)["scores"].argmax(axis=1) == labels).mean()

# %%
x_hand, labels_hand = x_train[:1_400], y_train[:1_400, 0]
loss, _ = loss_and_slopes(new_parameters(), x_hand[:200], labels_hand[:200])
print(f"first loss {loss:.3f}, log(10) is {np.log(10):.3f}")
learnt = new_parameters()
train(learnt, x_hand[:100], labels_hand[:100], epochs=25, batch=20)
print(f"accuracy on 100 images learnt by heart: {accuracy(learnt, x_hand[:100], labels_hand[:100])}")

# %%
by_hand, start = new_parameters(), time.perf_counter()
losses = train(by_hand, x_hand, labels_hand, epochs=3)
print(f"{3 * len(x_hand) / (time.perf_counter() - start):.0f} images a second")
print(f"test accuracy {accuracy(by_hand, x_test[:300], y_test[:300, 0]):.3f} on 300 images")

# %%
fig, ax = plt.subplots(figsize=(7, 3.5))
ax.plot(losses, color=plots.COLOURS[0])
ax.axhline(np.log(10), color="0.4", ls="--")
ax.text(len(losses), np.log(10), "log(10)", ha="right", va="bottom")
ax.set(xlabel="batch", ylabel="loss (cross-entropy)", ylim=(0, None))
ax.grid(alpha=0.3)
plt.show()

# %% [markdown]
# ### The same network in Keras
#
# With the same weights, Keras must give the same scores. From here on it does the work.

# %%
def build(convolutions=((28, 3),), strides=1, padding="valid", l2=0.0):
    """The network above in Keras; convolutions are pairs of filters and size."""
    penalty = keras.regularizers.L2(l2) if l2 else None
    net = keras.Sequential([keras.layers.Input((28, 28, 1))])
    for filters, size in convolutions:
        net.add(keras.layers.Conv2D(filters, size, strides, padding, activation="relu"))
    net.add(keras.layers.MaxPooling2D())
    net.add(keras.layers.Flatten())
    net.add(keras.layers.Dense(128, activation="relu", kernel_regularizer=penalty))
    net.add(keras.layers.Dense(10, activation="softmax", kernel_regularizer=penalty))
    return net

# %%
net = build()
net.set_weights([by_hand[name] for name in ("w1", "b1", "w2", "b2", "w3", "b3")])
scores = forward(by_hand, x_test[:50])["scores"]
same = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
checks.close(net.predict(x_test[:50], verbose=0), same, "What Keras predicts", atol=1e-3)
print(f"{net.count_params():,} parameters, and the same probabilities")

# %% [markdown]
# ## 8. Learning rates
#
# The report tried learning rates from 0.00001 to 0.001 and settled on 0.001, with a loss of 0.0181 after 13 epochs. It does not say by which rule the steps were taken; we take Adam. Of the training images, the last are set aside to validate: 5,000 of 60,000 in the report, one twelfth here.
#
# **Predict.** After the same number of epochs, how do the losses of 0.00001 and 0.001 compare? Does the slow one *converge to a worse loss*, or has it *not arrived*?

# %%
def run(name, learning_rate=0.001, **settings):
    """Train one variant with a checkpoint; every variant starts from the same seed."""
    keras.utils.set_random_seed(1)
    net = build(**settings)
    adam = keras.optimizers.Adam(learning_rate)
    net.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    made = training.fit(
        net, name, x_train, y_train, validation_split=1 / 12, epochs=epochs, batch_size=64
    )
    return net, made


epochs = profile.epochs(13)

# %%
rates = {}
for rate in (0.00001, 0.0001, 0.001):
    plain, rates[f"{rate:.5f}"] = run(f"mnist_{rate:.5f}", rate)

# %%
plots.compare_histories(rates, "loss")
plt.show()
for rate, made in rates.items():
    print(f"{rate}: loss {made.history['loss'][-1]:.4f}, ", end="")
    print(f"validation accuracy {made.history['val_accuracy'][-1]:.4f}")

# %% [markdown] answer="conv-rates" points=2
# **What do you see?** (2 points) Describe the three curves and give their last losses. The report writes that too small a learning rate "resulted in a less accuracy". Is the accuracy of 0.00001 a property of the learning rate, or of something else that was held fixed? Which run would decide it?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: with 0.001 the loss falls steeply in the first epochs and flattens; 0.0001 is slower; 0.00001 falls slowly and is still falling at the last epoch, near log(10) where there are few steps; numbers from the printed lines. One point: the number of epochs (of steps) was held fixed, so the slow run was stopped before it arrived; training it ten to a hundred times as long, until its loss no longer falls, would decide, and the curve's downward slope at the end already says that it is not done.
# ### END SOLUTION

# %% [markdown]
# ## 9. Stride and filter size
#
# The report also tried other convolutions: two layers, with 16 filters of 3 × 3 and 16 of 5 × 5, were 2.1 points less accurate; one with 32 filters of 5 × 5 was 0.7 less; no padding was better than zeros. Each was trained once.
#
# Of $n$ test images, the share $p$ that a network gets right is itself uncertain, since other $n$ images would give another share: by about $\sqrt{p (1 - p) / n}$, its *standard error*.
#
# **Predict.** With stride 2 in place of 1, what happens to the output size, to the parameters, to the time? And to the accuracy?

# %%
variants = {
    "stride 2": {"strides": 2},
    "stride 3": {"strides": 3},
    "same padding": {"padding": "same"},
    "32 of 5 x 5": {"convolutions": ((32, 5),)},
    "16 of 3 x 3, 16 of 5 x 5": {"convolutions": ((16, 3), (16, 5))},
}
tried = {"28 of 3 x 3": (plain, rates["0.00100"])}
for number, (name, settings) in enumerate(variants.items()):
    tried[name] = run(f"mnist_variant_{number}", **settings)

# %%
def compare(tried):
    """A row for each variant: pixels after pooling, parameters, seconds, test accuracy."""
    for name, (net, made) in tried.items():
        right = net.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]
        error = np.sqrt(right * (1 - right) / len(x_test))
        pooled = next(a for a in net.layers if "pool" in a.name).output.shape[1:3]
        print(f"{name:<25} {pooled[0]:>2} x {pooled[1]:<2} {net.count_params():>9,}", end="")
        print(f" {made.seconds:6.1f} s   {right:.4f} +- {error:.4f}")


compare(tried)

# %%
learnt = {name: made for name, (_, made) in tried.items()}
plots.compare_histories(learnt, "val_accuracy")
plt.show()

# %% [markdown]
# ### With L2
#
# The report adds an *L2* term to the loss, $\lambda$ times the sum of all squared weights, and finds $\lambda = 1$ best: 99.39 % in place of 99.13 % (on another page, 99.19 %). It does not say whether its loss is a mean or a sum over images. If it is a sum, then $\lambda = 1$ is $1 / n$ beside a mean over $n$ images. Try both readings on the dense layers.

# %%
n = len(x_train) * 11 // 12
with_l2 = {
    "no L2": tried["28 of 3 x 3"],
    "L2 of 1 / n": run("mnist_l2_small", l2=1 / n),
    "L2 of 1": run("mnist_l2_one", l2=1.0),
}
compare(with_l2)

# %% [markdown] answer="conv-sizes" points=2
# **What do you see?** (2 points) What does a larger stride do to size, parameters, time and accuracy, and what a larger filter? Which differences between your variants are larger than twice the standard error? With 10,000 test images and one training each, what do you make of the report's 2.1 points, and what of 99.13 % against 99.39 %?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: a larger stride makes the output smaller by the stride's factor along each side, so the first dense layer (and with it nearly all parameters) shrinks by about its square, and the training is faster; accuracy falls a little, if at all. A larger filter has more weights in itself but also makes the output smaller, so the total may fall. Numbers from the table. One point: the variants' differences are mostly below two standard errors, so these images do not rank them; near 99 %, the standard error of 10,000 images is 0.1 points, so 2.1 points cannot come from the choice of test images (and are not seen here: something else went wrong in that run), while 0.26 points are about two standard errors of a difference, from a single training: no more than a hint. $\lambda = 1$ beside a mean loss ruins the network, so the report's 1 must mean something else.
# ### END SOLUTION

# %% [markdown]
# ## What others got
#
# | where | images, epochs | the net | 32 of 5 × 5 | two convolutions | L2 | loss at rates 0.00001, 0.0001, 0.001 |
# |---|---|---|---|---|---|---|
# | the report | 55,000, 13 | 0.9913 | 0.7 points less | 2.1 points less | 0.9939 | –, –, 0.0181 |
# | *offline*, scikit-learn's digits | 1,318, 5 | 0.952 [0.947, 0.955] | 0.5 points more [0.8 less, 1.4 more] | 0.9 points more [1.4 less, 2.5 more] | 0.950 [0.944, 0.961] with 1 / n, 0.547 [0.499, 0.680] with 1 | 2.145, 0.863, 0.098 |
# | *quick*, MNIST, seed 1 | 9,167, 6 | 0.952 | 1.4 points more | 1.1 points more | 0.945 with 1 / n, 0.676 with 1 | 1.061, 0.240, 0.038 |
# | *full*, MNIST, seed 1 | 55,000, 13 | 0.9823 | 0.4 points more | 0.6 points more | 0.9858 with 1 / n, 0.8406 with 1 | 0.211, 0.037, 0.005 |
#
# *Offline*: mean [lowest, highest] of seeds 1 to 5, accuracy on 359 test images, points beside the net of the same seed; two threads of a 64-bit processor without a GPU, TensorFlow 2.21, Keras 3.15. One standard error is 1.1 points, so neither the larger filters nor the second convolution nor L2 of 1 / n can be told from the net here, nor can zeros around the image, 0.953 [0.950, 0.958]. With every seed, stride 2 is below it, 0.937 [0.930, 0.944], and stride 3 below that, 0.920 [0.905, 0.936]. The network by hand, after 3 epochs of plain steps, is right on 0.925 [0.900, 0.960] of 300 images.
#
# *Quick*: accuracy on 2,000 test images, one standard error is 0.5 points. There, 32 filters of 5 × 5 are above the net by more than two standard errors of a difference, and stride 3 (0.910) is far below; the second convolution, stride 2 (0.950), zeros around the image (0.951) and L2 of 1 / n cannot be told from it.
#
# *Full*: on 10,000 test images one standard error is 0.13 points. The larger filters lie two standard errors of a difference above the net, the second convolution three, L2 of 1 / n two; in the report the first two lie below. Stride 2 (0.9835) cannot be told from the net, stride 3 (0.9702) is below. Each was trained once, so how much another seed changes is not known.
#
# On one core, 28 filters over one image took 53 ms with loops, 0.079 ms with windows (663 times as fast) and 0.83 ms as a called Keras layer; over 32 images 1,743, 0.84 and 1.4 ms (`benchmarks/convolution.py`). For so small a layer, most of Keras's time is the call.

# %% [markdown]
# ## Take-away
#
# A convolution is a sum over windows: written for all windows at once, it is a product of matrices, and hundreds of times faster than a loop over pixels. Backwards, slopes flow through the same windows, and two evaluations of the loss for each number check them without any calculus. Choices of stride and filter size are experiments: report them with their spread, or they say nothing.
#
# **To go on with.** The slopes for $x$ are themselves a convolution: of which array, with which filter, padding and stride? Write `conv2d_backward` for stride 1 with one call of `conv2d`.
