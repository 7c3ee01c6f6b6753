# %% [markdown]
# # Convolution: one layer, forward and backward
#
# **120 minutes, 20 points.** Builds on *01 data loading*.
#
# In this assignment you
#
# * **write** a convolution in NumPy, first with loops, then without, and **measure** the difference,
# * **derive** its gradients, and **check** them with centered differences,
# * **combine** convolution, ReLU, pooling and softmax into a network that reads digits,
# * **compare** learning rates, strides and filter sizes.
#
# An edge looks the same wherever it is in an image. A fully connected layer must learn it anew at every place; a convolution learns it once and looks for it everywhere. Networks built on this idea have read handwritten digits on bank checks since the 1990s, and a convolution is the first layer of every network in this course. Libraries compute the layer and its gradients for you. You write both once yourself, because the mistakes that cost days (exchanged axes, a stride at the wrong place, a gradient that is only nearly right) raise no error in any library.

# %% [markdown] locked="conv-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="conv-setup"
# build writes the set-up cell here.

# %%
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convcourse import data, plots, profile, training

keras.utils.set_random_seed(1)

# %% [markdown]
# The training images are shuffled here. In their original order, neighboring images were often written by the same person, so the last ones alone would make poor validation data.

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
# ## 1. One window at a time
#
# A convolution slides a filter of $m \times n$ pixels over an image. At each position, it multiplies the pixels under the filter by the filter's weights, and adds up the products and a bias. For an image $x$ with channels $c$, filter number $k$ and stride $S$:
#
# $$y_{i j k} = b_k + \sum_{u=0}^{m-1} \sum_{v=0}^{n-1} \sum_{c} x_{iS+u,\; jS+v,\; c} \; w_{u v c k}$$
#
# Before the convolution, $P$ rows and columns of zeros can be added on every side; this is called *padding*. An image of $H \times W$ pixels gives an output of $O_h \times O_w$ positions:
#
# $$O_h = \left\lfloor \frac{H + 2P - m}{S} \right\rfloor + 1 \qquad O_w = \left\lfloor \frac{W + 2P - n}{S} \right\rfloor + 1$$
#
# The arrays have the same order of axes as in Keras, for a batch of $B$ images:
#
# | array | shape | letters |
# |---|---|---|
# | images $x$ | $(B, H, W, C)$ | $C$ channels; notebook *04* writes $C_{in}$ |
# | weights $w$ | $(m, n, C, K)$ | $K$ filters; notebook *04* writes $C_{out}$ |
# | biases $b$ | $(K,)$ | one for each filter |
# | output $y$ | $(B, O_h, O_w, K)$ | one value for each position and filter |
#
# Notebook *04* counts along one side of a square image and writes $N$ for its pixels, in place of $H$ and $W$, and $F$ for those of the filter, in place of $m$ and $n$.

# %%
def pad(x, padding):
    """Add zeros on all four sides of each image: (B, H, W, C) to (B, H + 2P, W + 2P, C)."""
    return np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))


print(pad(np.ones((1, 2, 2, 1)), 1)[0, :, :, 0])

# %% [markdown]
# **Predict.** A filter of 3 × 3 moves over an image of 5 × 5 with stride 2 and padding 1. How large is the output? How many multiplications does it take?
#
# **Exercise (2 points).** Write `conv2d_loops`. One loop for each index on the left side of the formula is the simplest way. Speed does not matter here: this version is the reference for all the versions that follow. No function in this notebook may change its arguments, because the cells that follow still need them.

# %% solution="conv-loops-answer"
def conv2d_loops(x, w, b, stride=1, padding=0):
    """Compute a convolution, one output value at a time.

    x: (B, H, W, C) floats; w: (m, n, C, K) floats; b: (K,) floats
    stride: pixels between two positions; padding: zeros added on each side
    Returns (B, O_h, O_w, K) floats.

    Example: for x of shape (1, 3, 3, 1) and w of shape (2, 2, 1, 1), both ones, and a bias of 1,
    the result is an array of shape (1, 2, 2, 1) filled with 5.
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
    checks.close(got, np.full((1, 2, 2, 1), 5.0), "The output for ones, four weights of 1, bias 1")
    # Only the middle pixel is 1, so the output shows the filter rotated by 180 degrees.
    dot, arrow = np.zeros((1, 3, 3, 1)), np.arange(9.0).reshape(3, 3, 1, 1)
    dot[0, 1, 1, 0] = 1
    got = checks.unchanged(conv2d_loops, dot, arrow, np.zeros(1), padding=1)
    checks.close(got, arrow[::-1, ::-1].transpose(2, 0, 1, 3), "The output for a single dot")
    rng = np.random.default_rng(0)
    for again in ("", " in a second call, with other numbers,"):
        x, w, b = rng.normal(size=(2, 7, 7, 3)), rng.normal(size=(3, 3, 3, 4)), rng.normal(size=4)
        want = np.asarray(keras.ops.conv(x, w, strides=2)) + b
        got = checks.unchanged(conv2d_loops, x, w, b, 2)
        checks.close(got, want, f"The output for stride 2{again}", rtol=1e-3, atol=1e-5)
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(11)


def called(name, case, inputs, options):
    """What these calls return; an exception names the case."""
    try:
        return submission.calls(name, inputs, **options)
    except look.StudentError as error:
        told = look.StudentError(f"For {case}: {error.outcome.message}")
        told.detail = error.detail
        raise told from None


def varied(*inputs):
    """These arrays, then other numbers in one of them after another: no call's result is kept."""
    turns = [inputs]
    for at, array in enumerate(inputs):
        other = number.normal(size=array.shape)
        turns.append((*turns[-1][:at], other, *turns[-1][at + 1 :]))
    return turns


for size, filt, step, zeros in (
    ((2, 6, 9, 1), (3, 3, 1, 2), 1, 0),
    ((1, 8, 5, 3), (2, 4, 3, 5), 1, 0),
    ((2, 8, 7, 2), (3, 2, 2, 3), 3, 0),
    ((1, 5, 6, 2), (3, 3, 2, 2), 2, 1),
    ((1, 4, 4, 3), (5, 5, 3, 2), 1, 2),
    ((1, 3, 3, 2), (1, 1, 2, 3), 1, 0),
    ((3, 5, 6, 4), (1, 1, 4, 1), 2, 2),
):
    inputs = varied(*(number.normal(size=shape) for shape in (size, filt, filt[3:])))
    case = f"images {size}, weights {filt}, stride {step}, padding {zeros}"
    options = {"stride": step, "padding": zeros} if (step, zeros) != (1, 0) else {}
    given = called("conv2d_loops", case, inputs, options)
    for turn, (pixels, kernel, offset) in enumerate(inputs):
        wide = np.pad(pixels, ((0, 0), (zeros, zeros), (zeros, zeros), (0, 0)))
        seen = np.lib.stride_tricks.sliding_window_view(wide, filt[:2], axis=(1, 2))
        right = np.einsum("nijcuv,uvck->nijk", seen[:, ::step, ::step], kernel) + offset
        told = f"conv2d_loops for {case}{', after a call with other numbers,' * (turn > 0)}"
        look.close(given[turn], right, told, rtol=1e-3, atol=1e-5)
    submission.unchanged("conv2d_loops", *inputs[0], **options)
### END HIDDEN TESTS

# %%
hints.show("conv-loops")

# %% [markdown]
# ## 2. All windows at once
#
# The loops call NumPy once for each output value, and each call takes a few microseconds, far longer than nine multiplications. `sliding_window_view` shows all windows of an array at once. It copies nothing: the same pixel appears in up to nine windows but is stored in memory only once.

# %%
row = np.array([10, 20, 30, 40, 50])
print(sliding_window_view(row, 3))
print(sliding_window_view(np.ones((2, 28, 28, 1)), (3, 3), axis=(1, 2)).shape)

# %% [markdown]
# The last two axes are those of the window. To apply a stride, keep only every second or third window: `[:, ::stride, ::stride]`. The three sums over $u$, $v$ and $c$ are then a single matrix product, which the processor's linear algebra library computes at full speed: `np.tensordot(a, b, axes=3)` sums over the last three axes of `a` and the first three of `b`.
#
# **Predict.** How many times as fast as the loops will this version be?
#
# **Exercise (3 points).** Write `windows`, which returns a view of the images, and then `conv2d`, without a loop over the pixels. The checks look for the copy and measure the time, for several kinds of images, strides and paddings. Pay attention to the order of the axes.

# %% solution="conv-windows-answer"
def windows(x, size, stride=1):
    """Return all windows of size (m, n): (B, H, W, C) to (B, O_h, O_w, m, n, C), without a copy.

    The result is a view: its values are stored in the memory of x.

    Example: windows(np.ones((2, 28, 28, 1)), (3, 3), 2) has shape (2, 13, 13, 3, 3, 1).
    """
    ### BEGIN SOLUTION
    view = sliding_window_view(x, size, axis=(1, 2))[:, ::stride, ::stride]
    return view.transpose(0, 1, 2, 4, 5, 3)
    ### END SOLUTION


def conv2d(x, w, b, stride=1, padding=0):
    """Compute the result of conv2d_loops for all positions at once.

    x: (B, H, W, C) floats; w: (m, n, C, K) floats; b: (K,) floats
    Returns (B, O_h, O_w, K) floats.

    Example: conv2d(np.ones((1, 3, 3, 1)), np.ones((2, 2, 1, 1)), np.ones(1)) is filled with 5.
    """
    ### BEGIN SOLUTION
    return np.tensordot(windows(pad(x, padding), w.shape[:2], stride), w, axes=3) + b
    ### END SOLUTION

# %% locked="conv-windows-race"
def is_view(x, size, stride):
    """Whether the result of your windows is stored in the memory of x."""
    return bool(np.may_share_memory(np.asarray(windows(x, size, stride)), x))


def convolution_race(images, filters, stride=1, padding=0, dtype="float64"):
    """Seconds of your conv2d for these shapes, and of a loop over all positions in all images."""
    from timeit import timeit

    rng = np.random.default_rng(images[1])
    m, n, _, count = filters
    mine = theirs = np.inf
    for turn in range(8):  # in turn, so that other programs slow both of them down
        if turn > 2 and mine < theirs / 5:  # clear enough
            break
        x, w, b = (rng.normal(size=s).astype(dtype) for s in (images, filters, (count,)))
        wide = pad(x, padding)
        places = [(side - f) // stride + 1 for side, f in zip(wide.shape[1:3], (m, n))]

        def loop():
            for image, i, j in np.ndindex(len(wide), *places):
                top, left = i * stride, j * stride
                (wide[image, top : top + m, left : left + n] * w[..., 0]).sum()

        mine = min(mine, timeit(lambda: conv2d(x, w, b, stride, padding), number=1))
        theirs = min(theirs, timeit(loop, number=1))
    return mine, theirs

# %% tests="conv-windows" points=3
with checks.exercise(
    "conv-windows", hidden="other sizes, channels, strides, paddings, no copy, no loop over pixels"
):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 9, 7, 3))
    got = checks.unchanged(windows, x, (3, 2), 2)
    checks.shape(got, (2, 4, 3, 3, 2, 3), "windows(...)")
    checks.close(got[1, 3, 2], x[1, 6:9, 4:6], "The last window of the second image")
    checks.shape(windows(x, (3, 2)), (2, 7, 6, 3, 2, 3), "windows(...) without stride")
    turned = np.float32(x)[:, ::-1]  # a view: the first row is the last one in memory
    got = windows(turned, (3, 2), 2)
    what = "The last window of the second image, for float32 images that are a view of others,"
    checks.close(got[1, 3, 2], turned[1, 6:9, 4:6], what)
    locked = np.arange(378).reshape(x.shape, order="F")
    locked.flags.writeable = False
    for pictures, size, stride, kind in (
        (x, (3, 2), 2, "two images with three channels, for stride 2"),
        (turned, (3, 2), 2, "float32 images that are a view of others"),
        (x[:1, ..., :1], (3, 3), 1, "a single image with one channel, for stride 1"),
        (locked, (2, 2), 3, "integer images that are read-only, for stride 3"),
    ):
        checks.that(
            is_view(pictures, size, stride),
            f"windows returns a copy of the pixels of {kind}: neither convert x nor copy it; "
            "return the view that sliding_window_view gives, with its axes in another order.",
        )
    w, b = rng.normal(size=(3, 2, 3, 4)), rng.normal(size=4)
    for stride, padding in ((1, 0), (2, 0), (2, 1)):
        want = keras.ops.conv(pad(x, padding), w, strides=stride)
        got = checks.unchanged(conv2d, x, w, b, stride, padding)
        what = f"conv2d with stride {stride} and padding {padding}"
        checks.close(got, np.asarray(want) + b, what, rtol=1e-3, atol=1e-5)
    what = "conv2d without stride and padding"
    checks.close(conv2d(x, w, b), conv2d(x, w, b, 1, 0), what, rtol=1e-3, atol=1e-5)
    # Without a loop over the positions, conv2d takes less than a fifth of such a loop's time.
    for case in (
        ((2, 100, 100, 2), (3, 3, 2, 2)),
        ((1, 200, 200, 1), (3, 3, 1, 1), 2, 1, "float32"),
    ):
        mine, theirs = convolution_race(*case)
        checks.that(
            mine < theirs / 2,
            f"conv2d is right but slow: images of shape {case[0]} take {mine:.3f} s, and a loop "
            f"over their positions {theirs:.3f} s. Compute all windows' sums at once.",
        )
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(12)


def called(name, case, inputs, options):
    """What these calls return; an exception names the case."""
    try:
        return submission.calls(name, inputs, **options)
    except look.StudentError as error:
        told = look.StudentError(f"For {case}: {error.outcome.message}")
        told.detail = error.detail
        raise told from None


def varied(*inputs):
    """These arrays, then other numbers in one of them after another: no call's result is kept."""
    turns = [inputs]
    for at, array in enumerate(inputs):
        other = number.normal(size=array.shape)
        turns.append((*turns[-1][:at], other, *turns[-1][at + 1 :]))
    return turns


for size, filt, step, zeros in (
    ((2, 6, 9, 1), (3, 3, 1, 2), 1, 0),
    ((1, 8, 5, 3), (2, 4, 3, 5), 1, 0),
    ((2, 8, 7, 2), (3, 2, 2, 3), 3, 0),
    ((1, 5, 6, 2), (3, 3, 2, 2), 2, 1),
    ((1, 4, 4, 3), (5, 5, 3, 2), 1, 2),
    ((1, 3, 3, 2), (1, 1, 2, 1), 1, 0),
    ((3, 5, 6, 4), (1, 1, 4, 1), 2, 2),
):
    inputs = varied(*(number.normal(size=shape) for shape in (size, filt, filt[3:])))
    case = f"images {size}, weights {filt}, stride {step}, padding {zeros}"
    options = {"stride": step, "padding": zeros} if (step, zeros) != (1, 0) else {}
    given = called("conv2d", case, inputs, options)
    frame = (0, 0), (zeros, zeros), (zeros, zeros), (0, 0)
    wides = [np.pad(pixels, frame) for pixels, _, _ in inputs[:2]]
    shape = f"images {wides[0].shape}, size {filt[:2]}, stride {step}"
    steps = [step][: len(options)]
    views = called("windows", shape, [(wide, filt[:2], *steps) for wide in wides], {})
    for turn, (pixels, kernel, offset) in enumerate(inputs):
        again = ", after a call with other numbers," * (turn > 0)
        wide = np.pad(pixels, frame)
        seen = np.lib.stride_tricks.sliding_window_view(wide, filt[:2], axis=(1, 2))
        seen = seen[:, ::step, ::step].transpose(0, 1, 2, 4, 5, 3)
        if turn < len(views):
            look.close(views[turn], seen, f"windows for {shape}{again}")
        right = np.tensordot(seen, kernel, axes=3) + offset
        look.close(given[turn], right, f"conv2d for {case}{again}", rtol=1e-3, atol=1e-5)
    submission.unchanged("windows", wide, filt[:2], step)
    submission.unchanged("conv2d", *inputs[0], **options)
    for kind in ("float64", "float32", "uint8"):
        look.that(
            submission.call("is_view", np.abs(wide).astype(kind), filt[:2], step),
            f"windows returns a copy of the pixels for {shape} and the dtype {kind}.",
        )
for race in (
    ((2, 80, 90, 3), (2, 4, 3, 2), 1, 2, "float32"),
    ((1, 200, 210, 1), (4, 2, 1, 1), 3, 0),
):
    one, loop = submission.call("convolution_race", *race)
    look.that(
        one < loop / 2,
        "conv2d is right but slow: compute all windows' sums at once, without a loop over pixels.",
    )
### END HIDDEN TESTS

# %%
hints.show("conv-windows")

# %% [markdown]
# ### A race
#
# The same four images go through the 28 filters of 3 × 3 that the network below has: with loops, with windows, and in Keras.

# %%
def seconds(function, repeats=5):
    """The time of the shortest of several runs, which other programs disturbed least."""
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
checks.close(np.asarray(layer(few)), conv2d(few, weights, biases), "Keras's layer", atol=5e-3)

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
# The next cell applies three filters, with weights set by hand, to one digit. In a network, nobody sets the weights by hand: the rest of this notebook is about finding them.

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
# ## 3. A gradient without calculus
#
# Training moves each weight against the gradient of the loss. We derive gradients on paper, where mistakes are easy to make, so we also measure them. For one number $x_i$ of an array, the *centered difference* moves this number a little in both directions:
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h\, e_i) - f(x - h\, e_i)}{2 h}$$
#
# where $e_i$ is 1 at position $i$ and 0 elsewhere. This takes two evaluations of $f$ for each number, which are far too many for training but acceptable for a check.
#
# **Predict.** The one-sided difference $(f(x + h) - f(x)) / h$ costs half as much. Its error shrinks with $h$, while the error of the centered difference shrinks with $h^2$. For $f(x) = x^3$ at 1 and $h = 0.1$, what do the two differences give?
#
# **Exercise (2 points).** Write `centred_differences`. It must not change `x`.

# %% solution="conv-differences-answer"
def centred_differences(f, x, h=1e-5):
    """Measure the gradient of f, one number of x at a time.

    f: a function from an array to one number; x: an array of floats of any shape
    Returns an array with the shape of x.

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
    "first row": lambda x: (x[0] ** 2).sum(),
}


def slopes_of(name, x, h=1e-5):
    """Your centered differences for one of these functions."""
    return centred_differences(FUNCTIONS[name], x, h)

# %% tests="conv-differences" points=2
with checks.exercise("conv-differences", hidden="other functions, shapes and steps h"):
    x = np.array([[1.0, 3.0], [-2.0, 0.5]])
    for h in (1e-5, 0.5):
        got = checks.unchanged(centred_differences, lambda a: (a**2).sum(), x, h)
        checks.close(got, 2 * x, f"The gradient of squares for h = {h}")
    got = centred_differences(lambda a: (a**3).sum(), np.array([1.0]), h=0.1)
    checks.close(got, np.array([3.01]), "The centered difference of x**3 at 1 with h = 0.1")
    # At 0, the centered difference of x**3 is h**2, so it shows the default of h.
    what = "The centered difference of x**3 at 0 without h, times 1e10,"
    got = checks.as_array(centred_differences(lambda a: (a**3).sum(), np.zeros(1)), what)
    checks.close(1e10 * got, np.ones(1), what, rtol=1e-3)
    got = slopes_of("first row", x)
    want = np.array([[2.0, 6.0], [0.0, 0.0]])
    checks.close(got, want, "The gradient of the squares in the first row")
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(13)
for size in ((4,), (2, 3), (2, 1, 3), (1, 2, 2, 2)):
    place = number.uniform(0.5, 2, size=size)
    first = np.zeros(size)
    first[0] = 2 * place[0]
    for function, slope in (
        ("product", place.prod() / place),
        ("waves", np.cos(place)),
        ("cubes", 3 * place**2),
        ("first row", first),
    ):
        given = submission.call("slopes_of", function, place)
        look.close(given, slope, f"The gradient of {function} for shape {size}", rtol=1e-4)
given = submission.call("slopes_of", "cubes", place, 0.25)
look.close(given, 3 * place**2 + 0.25**2, "The centered difference with a larger h", rtol=1e-4)
submission.unchanged("slopes_of", "cubes", place, 0.25)
### END HIDDEN TESTS

# %%
hints.show("conv-differences")

# %% [markdown]
# ## 4. Backward through a convolution
#
# Let $L$ be a loss, a single number at the end of all layers. The *backward pass* of a layer takes the gradient of the loss for the layer's output, $G = \partial L / \partial y$, and computes the gradients for the layer's inputs. In the formula of the convolution, each output is a sum of products, so
#
# $$\frac{\partial L}{\partial b_k} = \sum_{\text{images}, i, j} G_{i j k} \qquad \frac{\partial L}{\partial w_{u v c k}} = \sum_{\text{images}, i, j} x_{iS+u,\; jS+v,\; c}\; G_{i j k}$$
#
# The second formula multiplies the windows by the gradient $G$ and sums over images and positions: one `tensordot` again. For a pixel, every window that contains it contributes to the gradient. The simplest way to add up these contributions is to go through the filter, not through the image: weight $(u, v)$ met the pixels $iS + u,\ jS + v$ for all $i, j$, and these pixels are a slice with step $S$. So begin with zeros in the shape of the padded image, and for each $(u, v)$ compute
#
# $$\frac{\partial L}{\partial x} \left[u : u + S\,O_h : S,\;\; v : v + S\,O_w : S\right] \mathrel{+}= G \cdot w_{u v}^{\mathsf T}$$
#
# Then cut off the padding.
#
# **Exercise (3 points).** Write `conv2d_backward` with these formulas. A loop over the positions in the filter is fine; you do not need a loop over the image. Do not measure the gradients with `centred_differences` in any way: that takes two convolutions for each pixel and each weight, far too many for training. In the checks, the pixels or the weights of one channel are also so large that differences around them are lost in rounding errors.

# %% solution="conv-backward-answer"
def conv2d_backward(grad, x, w, stride=1, padding=0):
    """Compute the gradients of the loss for the input, the weights and the biases of conv2d.

    grad: (B, O_h, O_w, K), the gradient for conv2d(x, w, b, stride, padding)
    x: (B, H, W, C); w: (m, n, C, K)
    Returns the gradients (for x, for w, for b), in the shapes of x, w and b.

    Example: if grad is filled with ones, the gradient for b is B * O_h * O_w everywhere.
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
    "conv-backward", hidden="other sizes, channels, strides and paddings, pixels in no window"
):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    x, w = tf.constant(rng.normal(size=(2, 5, 6, 2))), tf.constant(rng.normal(size=(3, 2, 2, 3)))
    for stride, padding in ((1, 0), (2, 0), (2, 1)):
        with tf.GradientTape() as tape:  # TensorFlow differentiates its own convolution
            tape.watch((x, w))
            zeros = [[0, 0], [padding, padding], [padding, padding], [0, 0]]
            y = tf.nn.conv2d(tf.pad(x, zeros), w, stride, "VALID")
            grad = rng.normal(size=y.shape)
            loss = tf.reduce_sum(grad * y)
        right = [*(g.numpy() for g in tape.gradient(loss, (x, w))), grad.sum(axis=(0, 1, 2))]
        case = f"stride {stride} and padding {padding}"
        # The gradient for x does not depend on x, nor the one for w on w, however large they are.
        one, big = np.ones(2), np.array([1e15, 1.0])  # factors of the two channels
        for much, more, kind in ((one, one, ""), (big, one, "pixels"), (one, big, "weights")):
            limits = kind and f" and {kind} of one channel too large for differences"
            given = grad, much * x.numpy(), more[:, None] * w.numpy(), stride, padding
            got = checks.unchanged(conv2d_backward, *given)
            checks.that(
                isinstance(got, (tuple, list)) and len(got) == 3,
                "conv2d_backward must return three arrays: the gradients for x, for w and for b.",
            )
            for what, mine, theirs, scale in zip("xwb", got, right, (more, much[:, None], 1)):
                text = f"The gradient for {what} with {case}{limits}"
                checks.shape(mine, theirs.shape, text)
                checks.close(checks.as_array(mine, text) / scale, theirs, text, rtol=1e-3)
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(14)


def called(name, case, inputs, options):
    """What these calls return; an exception names the case."""
    try:
        return submission.calls(name, inputs, **options)
    except look.StudentError as error:
        told = look.StudentError(f"For {case}: {error.outcome.message}")
        told.detail = error.detail
        raise told from None


def varied(*inputs):
    """These arrays, then other numbers in one of them after another: no call's result is kept."""
    turns = [inputs]
    for at, array in enumerate(inputs):
        other = number.normal(size=array.shape)
        turns.append((*turns[-1][:at], other, *turns[-1][at + 1 :]))
    return turns


for size, filt, step, zeros in (
    ((2, 6, 9, 1), (3, 3, 1, 2), 1, 0),
    ((1, 8, 5, 3), (2, 4, 3, 5), 1, 0),
    ((2, 8, 9, 2), (3, 2, 2, 3), 3, 0),
    ((1, 6, 6, 2), (3, 3, 2, 2), 2, 0),
    ((1, 5, 6, 2), (3, 3, 2, 2), 2, 1),
    ((1, 4, 4, 3), (5, 5, 3, 2), 1, 2),
    ((3, 5, 6, 4), (1, 1, 4, 1), 2, 2),
    ((3, 5, 4, 2), (2, 2, 2, 2), 1, 0),
):
    high, across = ((side + 2 * zeros - f) // step + 1 for side, f in zip(size[1:3], filt[:2]))
    shapes = (size[0], high, across, filt[3]), size, filt
    inputs = varied(*(number.normal(size=shape) for shape in shapes))
    # Differences of outputs are lost in rounding errors if one channel is large.
    plain, large = np.ones(size[3]), np.where(np.arange(size[3]) == 0, 1e15, 1.0)
    kinds = [(plain, plain, "")] + [(plain, plain, "other numbers than before, ")] * 3
    kinds.append((large, plain, "pixels of one channel too large for differences, "))
    kinds.append((plain, large, "weights of one channel too large for differences, "))
    inputs += inputs[-1:] * 2
    case = f"images {size}, weights {filt}, stride {step}, padding {zeros}"
    asked = [
        (slopes, much * pixels, more[:, None] * kernel, step, zeros)
        for (slopes, pixels, kernel), (much, more, _) in zip(inputs, kinds)
    ]
    asked = [one[: 3 if (step, zeros) == (1, 0) else 5] for one in asked]
    answers = called("conv2d_backward", case, asked, {})
    for (slopes, pixels, kernel), (much, more, kind), given in zip(inputs, kinds, answers):
        wide = np.pad(pixels, ((0, 0), (zeros, zeros), (zeros, zeros), (0, 0)))
        seen = np.lib.stride_tricks.sliding_window_view(wide, filt[:2], axis=(1, 2))
        seen = seen[:, ::step, ::step]
        right = [
            np.zeros(wide.shape),
            np.einsum("nijcuv,nijk->uvck", seen, slopes),
            slopes.sum(axis=(0, 1, 2)),
        ]
        for i, j in np.ndindex(seen.shape[1:3]):
            spread = np.einsum("uvck,nk->nuvc", kernel, slopes[:, i, j])
            down, left = i * step, j * step
            right[0][:, down : down + filt[0], left : left + filt[1]] += spread
        right[0] = right[0][:, zeros : zeros + size[1], zeros : zeros + size[2]]
        look.that(
            isinstance(given, tuple | list) and len(given) == 3,
            "conv2d_backward must return the gradients for x, for w and for b: three arrays.",
        )
        scales = more, much[:, None], 1
        for what, mine, truth, scale in zip("xwb", given, right, scales, strict=True):
            told = f"The gradient for {what} with {kind}{case}"
            look.shape(mine, truth.shape, told)
            look.close(look.as_array(mine, told) / scale, truth, told, rtol=1e-3, atol=1e-6)
    submission.unchanged("conv2d_backward", *inputs[0], step, zeros)
### END HIDDEN TESTS

# %%
hints.show("conv-backward")

# %% [markdown]
# How good is the check itself? With a step $h$ that is too large, the function bends away from its tangent; with a step that is too small, rounding errors dominate.

# %%
rng = np.random.default_rng(2)
x, w, b = rng.normal(size=(1, 5, 5, 1)), rng.normal(size=(3, 3, 1, 2)), np.zeros(2)
y = conv2d(x, w, b)
exact = conv2d_backward(np.cos(y), x, w)[1]  # the loss is the sum of sin(y): its gradient is cos(y)
steps = 10.0 ** np.arange(-13, 0)
errors = [
    abs(centred_differences(lambda a: np.sin(conv2d(x, a, b)).sum(), w, h) - exact).max()
    for h in steps
]

# %%
fig, ax = plt.subplots(figsize=(7, 3.5))
ax.loglog(steps, errors, color=plots.COLOURS[0], marker="o")
ax.set(xlabel="step h", ylabel="largest error of the gradient")
ax.grid(alpha=0.3)
plt.show()

# %% [markdown]
# ## 5. Pooling
#
# *Max pooling* keeps the largest pixel of each 2 × 2 window, channel by channel. The windows do not overlap, and a leftover row or column is dropped. In the backward pass, the gradient for an output goes to the pixel that was the largest. The other pixels get 0, because a small change in them changes nothing.
#
# **Predict.** Before pooling, a digit moves by one pixel to the right. What happens to the image that comes out of the pooling?
#
# **Exercise (2 points).** Write the forward and the backward pass, without a loop over the windows: the checks measure the time, and a loop over the pixels *inside* a window is fast enough. Find the largest pixel itself instead of measuring the gradient: the checks also take pixels that differ by far less than any step $h$. If several pixels share the largest value, any one of them may get the gradient, or they may share it.

# %% solution="conv-pool-answer"
def max_pool(x, size=2):
    """The largest value of each size x size window: (B, H, W, C) to (B, H // size, W // size, C).

    Example: max_pool(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0] is [[5, 7], [13, 15]].
    """
    ### BEGIN SOLUTION
    return windows(x, (size, size), size).max(axis=(3, 4))
    ### END SOLUTION


def max_pool_backward(grad, x, size=2):
    """Compute the gradient for the input of max_pool, in the shape of x.

    grad: (B, H // size, W // size, C), the gradient for max_pool(x, size)

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

# %% locked="conv-pool-race"
def pooling_race(side, size=2, channels=1):
    """Seconds of your two functions for one image, and of a loop over its windows, by channel."""
    from timeit import timeit

    rng = np.random.default_rng(side)
    best = dict.fromkeys(("max_pool", "max_pool_backward", "loop"), np.inf)
    for turn in range(8):  # in turn, so that other programs slow all of them down
        if turn > 2 and 5 * max(best["max_pool"], best["max_pool_backward"]) < best["loop"]:
            break  # clear enough
        x = rng.normal(size=(1, side, side, channels))
        grad = rng.normal(size=(1, side // size, side // size, channels))

        def loop():
            for i, j, c in np.ndindex(grad.shape[1:]):
                x[0, size * i : size * i + size, size * j : size * j + size, c].max()

        runs = {
            "max_pool": lambda: max_pool(x, size),
            "max_pool_backward": lambda: max_pool_backward(grad, x, size),
            "loop": loop,
        }
        for name, function in runs.items():
            best[name] = min(best[name], timeit(function, number=1))
    return best

# %% tests="conv-pool" points=2
with checks.exercise(
    "conv-pool", hidden="odd sizes, channels, negative and equal pixels, windows of 3, and the time"
):
    import tensorflow as tf

    ramp = np.arange(16.0).reshape(1, 4, 4, 1)
    want = np.array([[5.0, 7], [13, 15]]).reshape(1, 2, 2, 1)
    checks.close(max_pool(ramp), want, "max_pool of 0 to 15")
    rng = np.random.default_rng(0)
    x, grad = rng.normal(size=(2, 5, 4, 3)), rng.normal(size=(2, 2, 2, 3))
    checks.shape(max_pool(x), grad.shape, "max_pool of 5 x 4 pixels")
    with tf.GradientTape() as tape:  # TensorFlow differentiates its own pooling
        pixels = tf.constant(x)
        tape.watch(pixels)
        y = tf.nn.max_pool2d(pixels, 2, 2, "VALID")
        loss = tf.reduce_sum(grad * y)
    checks.close(checks.unchanged(max_pool, x), y.numpy(), "max_pool of 5 x 4 pixels")
    want = tape.gradient(loss, pixels).numpy()
    got = checks.unchanged(max_pool_backward, grad, x)
    checks.close(got, want, "The gradient for x", rtol=1e-3)
    got = max_pool_backward(grad, 1e-9 * x)
    checks.close(got, want, "The gradient for x with pixels too close for differences", rtol=1e-3)
    # Without a loop over the windows, both take less than a fifth of the loop's time.
    taken = pooling_race(200, channels=2)
    for name in ("max_pool", "max_pool_backward"):
        checks.that(
            taken[name] < taken["loop"] / 2,
            f"{name} is right but slow: 200 x 200 pixels with two channels take {taken[name]:.3f} "
            f"s, and a loop over their windows {taken['loop']:.3f} s. Compute all windows at once.",
        )
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(15)
for size, side in (
    ((2, 6, 4, 1), 2),
    ((1, 7, 5, 3), 2),
    ((2, 8, 10, 2), 3),
    ((3, 4, 4, 2), 2),
    ((3, 4, 4, 2), 2),  # again, with other numbers: no call's result is kept
):
    # All different, one 0 and the rest below, so that a maximum with 0 or padding is detected.
    pixels = -1.0 * number.permutation(np.prod(size)).reshape(size)
    seen = np.lib.stride_tricks.sliding_window_view(pixels, (side, side), axis=(1, 2))
    right = seen[:, ::side, ::side].max(axis=(4, 5))
    sides = [side] if side != 2 else []
    given = submission.call("max_pool", pixels, *sides)
    look.close(given, right, f"max_pool for images {size} and windows of {side}")
    slopes = number.normal(size=right.shape)
    back = np.zeros(size)
    for at in np.ndindex(right.shape):
        back[pixels == right[at]] = slopes[at]
    for scale in (1, 1e-9, 1e15):
        given = submission.call("max_pool_backward", slopes, scale * pixels, *sides)
        told = f"The gradient for images {size}, windows of {side} and pixels of about {scale:g}"
        look.close(given, back, told)
    submission.unchanged("max_pool", pixels, side)
    submission.unchanged("max_pool_backward", slopes, pixels, side)
for level in (1.0, 0.0):  # after a ReLU, whole windows are 0
    equal, told = np.full((1, 2, 2, 1), level), f"a window of equal pixels, all of them {level:g}"
    same = submission.call("max_pool_backward", np.full((1, 1, 1, 1), 4.0), equal)
    look.shape(same, (1, 2, 2, 1), f"The gradient for {told},")
    same = look.as_array(same, f"The gradient for {told},")
    look.close(same.sum(), 4.0, f"The gradient's sum for {told},")
# The loop only takes maxima; one for the gradient takes longer.
for race, most in (((150, 2, 3), (0.5, 0.5)), ((240, 3, 1), (0.5, 1))):
    spent = submission.call("pooling_race", *race)
    for way, share in zip(("max_pool", "max_pool_backward"), most, strict=True):
        look.that(
            spent[way] < share * spent["loop"],
            f"{way} is right but slow for windows of {race[1]}: compute all windows at once, "
            "without a loop over windows.",
        )
### END HIDDEN TESTS

# %%
hints.show("conv-pool")

# %% [markdown]
# ## 6. ReLU and the loss
#
# *ReLU* is $\max(0, a)$; its derivative is 1 where $a > 0$, and 0 elsewhere. The last layer gives a score $z_k$ for each class. *Softmax* turns the scores into probabilities, and *cross-entropy* compares them with the true class $t$:
#
# $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}} \qquad L = -\log p_t \qquad \frac{\partial L}{\partial z_k} = p_k - [k = t]$$
#
# where $[k = t]$ is 1 for the true class and 0 for the others. For $B$ images, the loss is the mean, so the gradient is divided by $B$. The number $e^{1000}$ is too large for a computer. Since only differences between scores matter, first subtract the largest score of each row. Compute $\log p_t$ as $z_t - \log \sum_j e^{z_j}$, which never takes the logarithm of 0.
#
# **Predict.** All ten scores are equal. What is the loss, and what is its gradient?
#
# **Exercise (2 points).** Write the loss and its gradient, both with the formulas: for large scores, a gradient measured with `centred_differences` is lost in rounding errors.

# %%
def relu(a):
    return np.maximum(a, 0)


def relu_backward(grad, a):
    """grad: the gradient for relu(a); returns the gradient for a."""
    return grad * (a > 0)

# %% solution="conv-loss-answer"
def softmax_cross_entropy(scores, labels):
    """Compute the mean loss and its gradient for the scores.

    scores: (B, classes) floats of any size; labels: (B,) integers
    Returns (loss, slopes): a number, and the gradient as an array of shape (B, classes).

    Example: for scores [[0, 0]] and labels [1], the result is (0.693, [[0.5, -0.5]]).
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
    import tensorflow as tf

    got = softmax_cross_entropy(np.zeros((1, 2)), np.array([1]))
    checks.that(
        isinstance(got, (tuple, list)) and len(got) == 2,
        "softmax_cross_entropy must return two things: the loss, and the gradient for the scores.",
    )
    checks.close(got[0], 0.693147, "The loss for two equal scores")
    checks.close(got[1], np.array([[0.5, -0.5]]), "The gradient for two equal scores")
    huge = softmax_cross_entropy(np.array([[1000.0, 0.0]]), np.array([1]))[0]
    checks.close(huge, 1000.0, "The loss for the scores 1000 and 0")
    rng = np.random.default_rng(0)
    labels = np.array([0, 3, 2, 2])
    for scale in (1, 1e12):
        scores = scale * rng.normal(size=(4, 5))
        with tf.GradientTape() as tape:  # TensorFlow differentiates its own loss
            given = tf.constant(scores)
            tape.watch(given)
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, given)
            mean = tf.reduce_mean(each)
        loss, slopes = checks.unchanged(softmax_cross_entropy, scores, labels)
        case = f"four images and scores of about {scale:g}"
        checks.close(loss, mean.numpy(), f"The loss for {case}", rtol=1e-3)
        want = tape.gradient(mean, given).numpy()
        checks.close(slopes, want, f"The gradient for {case}", rtol=1e-3)
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(16)
for rows, classes, scale in ((1, 3, 1), (6, 10, 1), (5, 4, 20), (7, 10, 3000), (6, 8, 1e12)):
    # The last class has no image, so the labels do not tell how many classes there are.
    given = number.normal(size=(rows, classes)) * scale
    truth = number.integers(classes - 1, size=rows)
    moved = given - given.max(axis=1, keepdims=True)
    logs = moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))
    answer = submission.call("softmax_cross_entropy", given, truth)
    case = f"{rows} images, {classes} classes and scores of about {scale:g}"
    look.that(
        isinstance(answer, tuple | list) and len(answer) == 2,
        "softmax_cross_entropy must return the loss and the gradient for the scores, two things.",
    )
    mean = -logs[np.arange(rows), truth].mean()
    look.close(answer[0], mean, f"The loss for {case}", rtol=1e-3)
    right = (np.exp(logs) - np.eye(classes)[truth]) / rows
    look.close(answer[1], right, f"The gradient for {case}", rtol=1e-3)
    submission.unchanged("softmax_cross_entropy", given, truth)
### END HIDDEN TESTS

# %%
hints.show("conv-loss")

# %% [markdown]
# ## 7. A network by hand
#
# A report trained this network on MNIST: a convolution with 28 filters of 3 × 3 and no padding, max pooling, a fully connected layer with 128 units, and another one with 10 units. A ReLU follows the convolution and the layer with 128 units. The side of the image goes from 28 to 26 to 13 pixels, and 13 · 13 · 28 = 4,732 values are flattened.
#
# A dense layer is a matrix product, $y = x w + b$. Its gradients are $\partial L / \partial x = G w^{\mathsf T}$ and $\partial L / \partial w = x^{\mathsf T} G$, and the gradient for $b$ is the sum of $G$ over the images.

# %%
def new_parameters(filters=28, hidden=128, side=28, seed=1):
    """Random weights, small enough that values keep their size across layers; biases are 0."""
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
    """The output of every layer, in order, for images (B, H, W, 1)."""
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
# **Exercise (2 points).** Write `loss_and_slopes`, which returns the loss and its gradients. Call `forward`, then go through the layers in reverse order. Each step takes the gradient for a layer's output and computes the gradient for its input. Measured gradients do not pass: some parameters in the checks are so small that a step $h$ carries them across the kinks of ReLU and pooling, and blank pixels without a bias lie on a kink, where the derivative of ReLU is 0.

# %% solution="conv-chain-answer"
def loss_and_slopes(parameters, x, labels):
    """Compute the mean loss of the network and its gradients for all parameters.

    parameters: a dictionary with w1, b1 (convolution), w2, b2 and w3, b3 (dense layers)
    x: (B, H, W, 1) floats; labels: (B,) integers from 0 to 9
    Returns (loss, slopes): a number, and the gradients as a dictionary with the keys and shapes
    of parameters.

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
with checks.exercise("conv-chain", hidden="other sizes, a single image, every gradient"):
    import tensorflow as tf

    tiny = new_parameters(filters=2, hidden=4, side=8)
    rng = np.random.default_rng(0)
    tiny |= {"b1": np.array([0, -0.1]), "b2": np.arange(4) / 10, "b3": rng.normal(size=10)}
    # One image is blank, and two are partly: without a bias, their activations are exactly 0.
    x, labels = np.zeros((3, 8, 8, 1)), np.array([3, 0, 9])
    x[:2, 4:, 4:] = rng.random((2, 4, 4, 1))
    with tf.GradientTape() as tape:  # TensorFlow differentiates the same network
        p = {name: tf.Variable(value) for name, value in tiny.items()}
        a = tf.nn.relu(tf.nn.conv2d(x, p["w1"], 1, "VALID") + p["b1"])
        a = tf.reshape(tf.nn.max_pool2d(a, 2, 2, "VALID"), (3, -1))
        a = tf.nn.relu(a @ p["w2"] + p["b2"]) @ p["w3"] + p["b3"]
        mean = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, a))
    right = tape.gradient(mean, p)
    # Smaller weights before a ReLU, and larger ones after it, leave the loss as it is.
    for scale in (1, 1e-9):
        factors = {"w1": scale, "b1": scale, "w2": 1 / scale}
        scaled_p = {name: factors.get(name, 1) * value for name, value in tiny.items()}
        got = checks.unchanged(loss_and_slopes, scaled_p, x, labels)
        checks.that(
            isinstance(got, (tuple, list)) and len(got) == 2 and isinstance(got[1], dict),
            "loss_and_slopes must return two things: the loss, and a dictionary of gradients.",
        )
        checks.close(got[0], mean.numpy(), "The loss, with biases that are not 0,", rtol=1e-3)
        checks.equal(dict.fromkeys(got[1]), dict.fromkeys(tiny), "The dictionary of gradients")
        for name in reversed(tiny):  # a mistake shows in all layers before it: begin at the end
            limits = " with w1 and b1 too small for differences" if scale < 1 else ""
            text = f"The gradient for {name}{limits}"
            mine = factors.get(name, 1) * checks.as_array(got[1][name], text)
            checks.close(mine, right[name].numpy(), text, rtol=1e-3)
### BEGIN HIDDEN TESTS
from autograder import submission

np, look = submission.np, submission.checks
number = np.random.default_rng(17)


def loss_of(p, x, t):
    """The mean loss of the same network, written again for the judge."""
    seen = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    a = np.maximum(np.einsum("nijcuv,uvck->nijk", seen, p["w1"]) + p["b1"], 0)
    high, wide = a.shape[1] // 2, a.shape[2] // 2
    a = a[:, : 2 * high, : 2 * wide].reshape(len(x), high, 2, wide, 2, -1).max(axis=(2, 4))
    a = np.maximum(a.reshape(len(x), -1) @ p["w2"] + p["b2"], 0) @ p["w3"] + p["b3"]
    a = a - a.max(axis=1, keepdims=True)
    return (np.log(np.exp(a).sum(axis=1)) - a[np.arange(len(x)), t]).mean()


def judge(given, pixels, truth, case):
    """Compare the loss and the gradients of one call."""
    answer = submission.call("loss_and_slopes", given, pixels, truth)
    told = "loss_and_slopes must return the loss and a dictionary of gradients, two things."
    look.that(isinstance(answer, tuple | list) and len(answer) == 2, told)
    found, parts = answer
    look.that(isinstance(parts, dict), told)
    look.close(found, loss_of(given, pixels, truth), f"The loss {case}", rtol=1e-3)
    look.equal(dict.fromkeys(parts), dict.fromkeys(given), "The dictionary of gradients")
    for key in ("w3", "b3", "w2", "b2", "w1", "b1"):
        size = given[key].shape
        look.shape(parts[key], size, f"The gradient for {key} {case}")
        # Along a random direction, the gradient times the direction is the change in loss.
        for _ in range(10):
            way = number.normal(size=size) * 1e-5
            rise = loss_of(given | {key: given[key] + way}, pixels, truth)
            rise -= loss_of(given | {key: given[key] - way}, pixels, truth)
            along = 2 * (look.as_array(parts[key], key) * way).sum()
            right = abs(along - rise) < 1e-3 * abs(rise) + 1e-9
            look.that(right, f"The gradient for {key} {case} is wrong.")
    return parts


for batch, high, wide, filters, hidden in ((3, 8, 8, 2, 4), (10, 9, 7, 3, 6), (1, 6, 8, 2, 5)):
    case = f"for images {(batch, high, wide, 1)} and biases that are not 0"
    flat = ((high - 2) // 2) * ((wide - 2) // 2) * filters
    sizes = {"w1": (3, 3, 1, filters), "w2": (flat, hidden), "w3": (hidden, 10)}
    sizes |= {"b1": (filters,), "b2": (hidden,), "b3": (10,)}
    given = {key: number.normal(size=sizes[key]) / 2 for key in sizes}
    pixels, truth = number.normal(size=(batch, high, wide, 1)), number.permutation(10)[:batch]
    parts = judge(given, pixels, truth, case)
    # Smaller weights before a ReLU, and larger ones after it, leave the loss as it is. A step of
    # centered differences then crosses the kinks of ReLU and pooling.
    factors = {"w1": 1e-9, "b1": 1e-9, "w2": 1e9}
    small = {key: factors.get(key, 1) * given[key] for key in given}
    again = submission.call("loss_and_slopes", small, pixels, truth)[1]
    for key in parts:
        told = f"The gradient for {key} with w1 and b1 too small for differences"
        mine = factors.get(key, 1) * look.as_array(again[key], told)
        look.close(mine, look.as_array(parts[key], key), told, rtol=1e-3)
    submission.unchanged("loss_and_slopes", given, pixels, truth)
# The same shapes again, with other numbers in one argument after another: no call's result is kept.
case += ", after a call with other numbers,"
pixels = number.normal(size=pixels.shape)
judge(given, pixels, truth, case)
truth = (truth + 1) % 10
judge(given, pixels, truth, case)
others = {key: number.normal(size=sizes[key]) / 2 for key in sizes if key != "w1"}
judge(given | others, pixels, truth, case)
### END HIDDEN TESTS

# %%
hints.show("conv-chain")

# %% [markdown]
# ### Three cheap tests, then the training
#
# The loss of an untrained network must be close to $\log 10 \approx 2.303$; the gradients must be right, as the check above has shown; and the network must be able to memorize 100 images. The training is plain gradient descent: for each batch of 32 images, every parameter takes a downhill step of 0.05 times its gradient.

# %%
def train(parameters, x, labels, epochs, learning_rate=0.05, batch=32, seed=1):
    """Run gradient descent: change the parameters in place, return the losses of all batches."""
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
print(f"accuracy on 100 memorized images: {accuracy(learnt, x_hand[:100], labels_hand[:100])}")

# %%
by_hand, start = new_parameters(), time.perf_counter()
losses = train(by_hand, x_hand, labels_hand, epochs=3)
print(f"{3 * len(x_hand) / (time.perf_counter() - start):.0f} images per second")
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
# With the same weights, Keras must give the same scores. From here on, Keras does the work.

# %%
def build(convolutions=((28, 3),), strides=1, padding="valid", l2=0.0):
    """Build the network above in Keras; convolutions holds pairs of filters and size."""
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
checks.close(net.predict(x_test[:50], verbose=0), same, "The prediction of Keras", atol=5e-3)
print(f"{net.count_params():,} parameters, and the same probabilities")

# %% [markdown]
# ## 8. Learning rates
#
# The report tried learning rates from 0.00001 to 0.001 and settled on 0.001, with a loss of 0.0181 after 13 epochs. It does not name its optimizer; we use Adam. The last training images are set aside for validation: 5,000 of 60,000 in the report, and one twelfth here.
#
# **Predict.** After the same number of epochs, how do the losses for the learning rates 0.00001 and 0.001 compare? Does the slow run *converge to a worse loss*, or has it *not converged yet*?

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
# **What do you see?** (2 points) Describe the three curves and give their final losses. The report says that too small a learning rate "resulted in a less accuracy". Does the accuracy for 0.00001 come from the learning rate, or from something else that was held fixed? Which run would decide this?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: with 0.001, the loss falls steeply in the first epochs and flattens; with 0.0001, it falls more slowly; with 0.00001, it falls slowly and is still falling at the last epoch, near log(10) if there are few steps; numbers from the printed lines. One point: the number of epochs (of steps) was held fixed, so the slow run was stopped before it converged. Training it ten to a hundred times as long, until its loss no longer falls, would decide the question, and the downward slope of the curve at the end already shows that the run is not done.
# ### END SOLUTION

# %% [markdown]
# ## 9. Stride and filter size
#
# The report also tried other convolutions. Two layers, with 16 filters of 3 × 3 and 16 of 5 × 5, were 2.1 points less accurate; one layer with 32 filters of 5 × 5 was 0.7 points less accurate; no padding was better than zero padding. Each variant was trained once.
#
# The share $q$ of $T$ test images that a network gets right is itself uncertain, because another $T$ images would give another share. Its *standard error* is about $\sqrt{q (1 - q) / T}$.
#
# **Predict.** With stride 2 instead of 1, what happens to the output size, to the number of parameters and to the training time? What happens to the accuracy?

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
    """Print a row for each variant: pixels after pooling, parameters, seconds, test accuracy."""
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
# The report adds an *L2* term to the loss, $\lambda$ times the sum of all squared weights, and finds that $\lambda = 1$ is best: 99.39% instead of 99.13% (on another page, 99.19%). It does not say whether its loss is a mean or a sum over images. If it is a sum, then $\lambda = 1$ corresponds to one divided by the number of training images next to a mean. Try both readings on the dense layers.

# %%
trained_on = len(x_train) * 11 // 12
with_l2 = {
    "no L2": tried["28 of 3 x 3"],
    "L2 of 1 / images": run("mnist_l2_small", l2=1 / trained_on),
    "L2 of 1": run("mnist_l2_one", l2=1.0),
}
compare(with_l2)

# %% [markdown] answer="conv-sizes" points=2
# **What do you see?** (2 points) What does a larger stride do to the size, the parameters, the time and the accuracy, and what does a larger filter do? Which differences between your variants are larger than twice the standard error? With 10,000 test images and one training run each, what do you conclude from the report's 2.1 points, and what from 99.13% versus 99.39%?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: a larger stride makes the output smaller by the stride's factor along each side, so the first dense layer (and with it nearly all parameters) shrinks by about the square of that factor, and training is faster; the accuracy falls a little, if at all. A larger filter has more weights of its own but also makes the output smaller, so the total may fall. Numbers from the table. One point: the differences between the variants are mostly below two standard errors, so these images do not rank them. Near 99%, the standard error for 10,000 images is 0.1 points. The 2.1 points therefore cannot come from the choice of test images (and do not appear here: something else went wrong in that run), while 0.26 points are about two standard errors of a difference, from a single training run, and are no more than a hint. Next to a mean loss, $\lambda = 1$ ruins the network, so the report's 1 must mean something else.
# ### END SOLUTION

# %% [markdown]
# ## What others got
#
# | where | the report | *offline*, scikit-learn's digits | *quick*, MNIST | *full*, MNIST |
# |---|---|---|---|---|
# | training images, epochs, test images | 55,000, 13, 10,000 | 1,318, 5, 359 | 9,166, 6, 2,000 | 55,000, 13, 10,000 |
# | seeds | not given | 1 to 5 | 1 to 3 | 1 |
# | the net | 0.9913 | 0.952 [0.947, 0.955] | 0.953 [0.952, 0.954] | 0.9823 |
# | 32 filters of 5 × 5 | 0.7 points less | 0.957 [0.944, 0.969] | 0.963 [0.957, 0.967] | 0.9862 |
# | two convolutions | 2.1 points less | 0.9 points more [1.4 less, 2.5 more] | 0.963 [0.961, 0.966] | 0.6 points more |
# | *same* padding | less | 0.953 [0.950, 0.958] | 0.950 [0.945, 0.956] | – |
# | stride 2 | – | 0.937 [0.930, 0.944] | 0.943 [0.940, 0.950] | 0.9835 |
# | stride 3 | – | 0.920 [0.905, 0.936] | 0.912 [0.908, 0.918] | 0.9702 |
# | L2, on a mean over images (1 / images) | – | 0.950 [0.944, 0.961] | 0.947 [0.942, 0.955] | 0.9858 |
# | L2 of 1 | 0.9939 | 0.547 [0.499, 0.680] | 0.686 [0.662, 0.722] | 0.8406 |
# | loss at 0.00001 | – | 2.145 | 1.073 [1.052, 1.106] | 0.211 |
# | loss at 0.0001 | – | 0.863 | 0.233 [0.222, 0.240] | 0.037 |
# | loss at 0.001 | 0.0181 | 0.098 | 0.037 [0.035, 0.038] | 0.005 |
# | the network by hand, 3 epochs, 300 test images | – | 0.925 [0.900, 0.960] | 0.890 [0.877, 0.913] | – |
#
# The figures are accuracies on test images and losses on training images, as the mean [lowest, highest] of the seeds. They were measured on two cores without a GPU, with TensorFlow 2.21 and Keras 3.15; *quick* with one thread. A second run of the net under *full*, with the same seed and one thread, took 134 s and ended at 0.9842 with a loss of 0.004: the order in which threads add numbers changes the last digits, and training carries that on. A seed sets the initial weights and the order of the batches, never the images. One seed of *quick* takes about two minutes.
#
# On one core, applying 28 filters to one image took 53 ms with loops, 0.079 ms with windows (663 times as fast) and 0.83 ms with a call of a Keras layer; for 32 images, the times were 1,743, 0.84 and 1.4 ms (`benchmarks/convolution.py`). With such a small layer, Keras spends most of its time on the call itself.

# %% [markdown]
# ## Take-away
#
# A convolution is a sum over windows. Written for all windows at once, it is a matrix product and hundreds of times faster than a loop over pixels. In the backward pass, the gradients flow through the same windows, and two evaluations of the loss for each number check them without any calculus. Choosing a stride and a filter size is an experiment: report the results with their spread, or they say nothing.
#
# **Read on.** LeCun, Bottou, Bengio and Haffner 1998, *Gradient-based learning applied to document recognition*, introduces MNIST and the networks that read it. Dumoulin and Visin 2016, *A guide to convolution arithmetic for deep learning*, draws every case of stride and padding. Chellapilla, Puri and Simard 2006, *High performance convolutional neural networks for document processing*, turns convolutions into matrix products. Goodfellow, Bengio and Courville 2016, *Deep Learning*, chapters 6 and 9, derive backpropagation and convolution.
#
# **Going further.** The gradient for $x$ is itself a convolution: of which array, and with which filter, padding and stride? For stride 1 and a square filter, compute this gradient with one call of `conv2d`.
