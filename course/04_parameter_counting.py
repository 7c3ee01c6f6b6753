# %% [markdown]
# # Parameter counting: what a network costs before it is built
#
# **90 minutes, 20 points.** Builds on *03 NET I*.
#
# In this assignment you
#
# * **compute** the output size and the parameters of every kind of layer used in this course,
# * **write** a layer table for any list of layers, and **verify** it against Keras,
# * **explain** why NET III cannot be built without padding,
# * **count** multiplications and **measure** how far a unit sees.
#
# A network of 3 million parameters and one of 9 million differ in memory, in training time, and in how easily they overfit. All of this can be known before a line of Keras is written: four formulas give the size of every output, the number of parameters, the multiplications, and the part of the image that a unit sees. People who design networks for phones do this arithmetic first, and you will need it in *06*, where your own network has a budget of parameters.

# %% [markdown] locked="count-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="count-setup"
# build writes the set-up cell here.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from convcourse import plots

# %% [markdown]
# ## 1. How large is the output?
#
# A filter of $F$ pixels slides over $N$ pixels in steps of $S$ pixels, its *stride*. The number of positions at which it fits is
#
# $$O = \left\lfloor \frac{N - F}{S} \right\rfloor + 1 .$$
#
# Pixels that are left over at the end are dropped. There are two kinds of padding. *Valid* padding means no padding, and the formula holds. *Same* padding adds zeros around the image, so that the size depends only on the stride: $O = \lceil N / S \rceil$. In general, with $P$ zeros on each side, the size is $O = \lfloor (N + 2P - F) / S \rfloor + 1$; with stride 1 and an odd filter size, *same* padding means $P = (F - 1) / 2$.
#
# **Predict.** NET I begins with 32 pixels, a convolution with a filter of 3, and a pooling of 2 with stride 2. Which sizes follow?

# %%
fig, ax = plt.subplots(figsize=(7, 2.2))
for row, (start, label) in enumerate(((0, "1"), (2, "2"), (4, "3"))):
    ax.add_patch(plt.Rectangle((start, -0.9 - row), 3, 0.7, fc="none", ec=plots.COLOURS[row], lw=2))
    ax.text(start + 1.5, -0.55 - row, label, ha="center", va="center")
for pixel in range(8):
    ax.add_patch(plt.Rectangle((pixel, 0), 0.9, 0.9, fc="0.9", ec="0.4"))
ax.set(
    xlim=(-0.2, 8.2),
    ylim=(-3.2, 1.2),
    title="N = 8 pixels, F = 3, S = 2: three positions, one pixel left over",
)
ax.axis("off")
plt.show()

# %% [markdown]
# **Exercise (2 points).** Write `output_size`. It works for both convolution and pooling.

# %% solution="count-size-answer"
def output_size(n, f, stride=1, padding="valid"):
    """Compute the pixels along one side after a convolution or a pooling layer.

    n: pixels before the layer; f: pixels of the filter; stride: pixels between two positions
    padding: "valid" (none) or "same" (zeros, so that only the stride shrinks the image)
    Returns a whole number. Raises ValueError if the filter is larger than the image and padding
    is "valid".

    Example: output_size(32, 3) is 30, and output_size(13, 2, stride=2) is 6.
    """
    ### BEGIN SOLUTION
    if padding == "same":
        return -(-n // stride)
    if f > n:
        raise ValueError(f"a filter of {f} does not fit into {n} pixels")
    return (n - f) // stride + 1
    ### END SOLUTION

# %% tests="count-size" points=2
with checks.exercise(
    "count-size", hidden="sizes from 1 to 33 with several filters, strides and paddings"
):
    checks.equal(output_size(32, 3), 30, "The size after a 3 x 3 filter on 32 pixels")
    checks.equal(output_size(13, 2, stride=2), 6, "The size after a 2 x 2 pooling of 13 pixels")
    checks.equal(
        output_size(13, 3, stride=2, padding="same"), 7, "The size with same padding, stride 2"
    )
    try:
        output_size(2, 3)
        raised = "nothing"
    except Exception as error:
        raised = "ValueError" if isinstance(error, ValueError) else type(error).__name__
    checks.that(
        raised == "ValueError",
        f"A filter of 3 does not fit into 2 pixels: raise ValueError; output_size raises {raised}.",
    )
### BEGIN HIDDEN TESTS
from autograder import submission

images = (1, 5, 7, 20, 33)
windows = ((1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (5, 1), (5, 3), (4, 7), (3, 12))
cases = [(n, f, stride) for n in images for f, stride in windows]
fitting = [(n, f, stride) for n, f, stride in cases if f <= n]
for padding, asked, never in (
    ("same", cases, "With same padding, no filter is too large"),
    ("valid", fitting, "A filter that is no larger than the image fits"),
):
    try:
        sizes = submission.calls("output_size", asked, padding=padding)
    except submission.checks.StudentError as error:
        refused = "ValueError" in str(error)
        submission.checks.that(not refused, f"{never}, but output_size raises ValueError.")
        raise
    for (n, f, stride), got in zip(asked, sizes):
        want = -(-n // stride) if padding == "same" else (n - f) // stride + 1
        case = f"n={n}, f={f}, stride={stride}, {padding} padding"
        submission.checks.equal(got, want, f"The size for {case}")
default = submission.call("output_size", 9, 2)
submission.checks.equal(default, 8, "The size for n=9 and f=2 without a stride, which is 1,")
for n, f, stride in ((1, 2, 1), (4, 5, 1), (2, 3, 2), (4, 5, 3)):
    refused = False
    try:
        submission.call("output_size", n, f, stride)
    except submission.checks.StudentError:
        refused = True
    submission.checks.that(
        refused, f"A filter of {f} with stride {stride} does not fit {n} pixels: raise ValueError."
    )
### END HIDDEN TESTS

# %%
hints.show("count-size")

# %% [markdown]
# ## 2. Parameters of a layer
#
# Each filter of a convolution has $m \times n$ pixels, looks at all $C_{in}$ input channels at once, and adds a *bias*. With $C_{out}$ such filters, the number of parameters is
#
# $$P = (m \cdot n \cdot C_{in} + 1) \cdot C_{out}$$
#
# The size of the image does not appear in this formula, because the same weights are used at every position. In a fully connected (dense) layer of $U$ units, each unit has one weight for each of $D$ inputs and a bias, which makes $(D + 1) \cdot U$ parameters. Pooling, flattening and dropout have none.
#
# Batch normalization has four numbers per channel: a scale and a shift, which are trained, and a running mean and variance, which are not.
#
# **Predict.** Which has more parameters: a convolution with 64 filters of 3 × 3 on 64 channels, or a dense layer with 512 units on 256 inputs?

# %% [markdown]
# **Exercise (3 points).** Write the three functions that count the parameters.

# %% solution="count-layers-answer"
def conv_params(m, n, c_in, c_out, bias=True):
    """Count the parameters of a convolution with c_out filters of m x n pixels on c_in channels.

    Example: conv_params(3, 3, 3, 32) is 896.
    """
    ### BEGIN SOLUTION
    return (m * n * c_in + bool(bias)) * c_out
    ### END SOLUTION


def dense_params(inputs, units, bias=True):
    """Count the parameters of a dense layer.

    Example: dense_params(256, 512) is 131584.
    """
    ### BEGIN SOLUTION
    return (inputs + bool(bias)) * units
    ### END SOLUTION


def batch_norm_params(channels):
    """Count the parameters of batch normalization: (total, trainable).

    Example: batch_norm_params(4) is (16, 8).
    """
    ### BEGIN SOLUTION
    return 4 * channels, 2 * channels
    ### END SOLUTION

# %% tests="count-layers" points=3
with checks.exercise(
    "count-layers", hidden="filters that are not square, layers without bias, other sizes"
):
    checks.equal(conv_params(3, 3, 3, 32), 896, "conv_params(3, 3, 3, 32)")
    checks.equal(conv_params(5, 3, 2, 4, bias=False), 120, "conv_params(5, 3, 2, 4, bias=False)")
    checks.equal(dense_params(256, 512), 131_584, "dense_params(256, 512)")
    both = batch_norm_params(4)
    both = both.numpy() if hasattr(both, "numpy") else both  # a tensor
    checks.that(
        isinstance(both, (list, tuple, np.ndarray)) and len(both) == 2,
        "batch_norm_params does not return two numbers: return total, trainable.",
    )
    checks.equal(both, (16, 8), "batch_norm_params(4)")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks
for bias, of_conv, of_dense in (
    (
        True,
        [(5, 5, 32, 64), (1, 7, 3, 5), (3, 5, 4, 2), (3, 3, 128, 128), (3, 3, 1998, 1001)],
        [(2048, 1024), (1, 100), (5001, 4999)],
    ),
    (False, [(7, 1, 4, 9), (1, 1, 1, 1)], [(10, 1)]),
):
    words = "a bias" if bias else "no bias"
    for given, got in zip(of_conv, submission.calls("conv_params", of_conv, bias=bias)):
        m, n, c_in, c_out = given
        case = f"{m} x {n} pixels, {c_in} channels, {c_out} filters, {words}"
        check.equal(got, (m * n * c_in + bias) * c_out, f"conv_params for {case}")
    for given, got in zip(of_dense, submission.calls("dense_params", of_dense, bias=bias)):
        inputs, units = given
        case = f"dense_params({inputs}, {units}, bias={bias})"
        check.equal(got, (inputs + bias) * units, case)
widths = (1, 32, 512)
for channels, got in zip(widths, submission.calls("batch_norm_params", [(c,) for c in widths])):
    check.equal(got, (4 * channels, 2 * channels), f"batch_norm_params({channels})")
### END HIDDEN TESTS

# %%
hints.show("count-layers")

# %% [markdown]
# ## 3. A table for any network
#
# Now count whole networks. A layer is a dictionary, and a network is a list of such dictionaries, in order:
#
# | kind | keys |
# |---|---|
# | `"conv"` | `filters`, `size` (a square filter), and optionally `stride` (1) and `padding` (`"valid"`) |
# | `"pool"` | `size`, and optionally `stride` (the size) and `padding` (`"valid"`) |
# | `"bn"`, `"flatten"`, `"dropout"` | none |
# | `"dense"` | `units` |
#
# A dense layer comes only after `"flatten"`. The functions below read these lists and do not change them.
#
# **Exercise (5 points).** Write `layer_table`. Use the functions above.

# %% solution="count-table-answer"
def layer_table(layers, shape=(32, 32, 3)):
    """Make one row for each layer: its kind, its output shape, its parameters.

    layers: a list of dictionaries as in the table above; it is not changed
    shape: (height, width, channels) of the input; after "flatten", a shape is (length,)
    Returns a list of (kind, output shape, total parameters, trainable parameters).

    Example: layer_table([{"kind": "conv", "filters": 32, "size": 3}]) is
    [("conv", (30, 30, 32), 896, 896)].
    """
    ### BEGIN SOLUTION
    rows = []
    for layer in layers:
        kind, total, trainable = layer["kind"], 0, None
        if kind in ("conv", "pool"):
            stride = layer.get("stride", 1 if kind == "conv" else layer["size"])
            padding = layer.get("padding", "valid")
            height, width = (output_size(n, layer["size"], stride, padding) for n in shape[:2])
            channels = layer["filters"] if kind == "conv" else shape[2]
            if kind == "conv":
                total = conv_params(layer["size"], layer["size"], shape[2], channels)
            shape = (height, width, channels)
        elif kind == "dense":
            total = dense_params(shape[0], layer["units"])
            shape = (layer["units"],)
        elif kind == "bn":
            total, trainable = batch_norm_params(shape[-1])
        elif kind == "flatten":
            shape = (int(np.prod(shape)),)
        rows.append((kind, tuple(shape), total, total if trainable is None else trainable))
    return rows
    ### END SOLUTION

# %% [markdown]
# The next cells write eight networks of this course as such lists. They come from an exercise sheet and from four reports of people who did exercises like these:
#
# | network | from | where in the course |
# |---|---|---|
# | NET I, NET II, NET III | the exercise sheet *Convolutional Neural Networks for CIFAR-10 Image Classification*, without an author or a year | *03*, *05*, *06* |
# | three blocks | Taylan Tatlı 2023, *Deep Learning Assignment 2 Report: Cifar10 Analysis using Convolutional Neural Network (CNN)*, Boğaziçi University | *08*, *09* |
# | MNIST net; four conv, five FC | Siffi Singh, *Deep Learning HW02*, without a year | *02*, *10* |
# | siamese base | Georgios Methenitis, *Report for the Deep Learning Course Assignment 3*, CWI, without a year | *11* |
# | CIFAR-100 base | Thomas Trankle 2021, *Convolutional Neural Net Assignment* | *13* |
#
# The report on siamese networks does not give its padding; *same* is our choice for its base, which ends in ten units when it classifies.

# %%
def conv(filters, size, padding="valid"):
    return {"kind": "conv", "filters": filters, "size": size, "padding": padding}


def dense(*units):
    return [{"kind": "dense", "units": u} for u in units]


pool, bn, flatten, dropout = ({"kind": k} for k in ("pool", "bn", "flatten", "dropout"))
pool["size"] = 2

# %%
net1 = [conv(32, 3), pool, conv(64, 3), pool, conv(64, 3), pool, flatten, *dense(512, 10)]
net2 = [conv(32, 5), conv(64, 5), pool, conv(64, 5), pool, flatten, *dense(512, 10)]
mnist = [conv(28, 3), pool, flatten, *dense(128, 10)]

# %%
def net3(padding="same"):
    first = [
        conv(96, 3, padding),
        conv(96, 3, padding),
        pool,
        dropout,
        conv(128, 3, padding),
        pool,
        dropout,
    ]
    second = [conv(128, 3, padding)] * 3 + [pool, dropout, flatten]
    return first + second + [*dense(1024), dropout, *dense(512), dropout, *dense(10)]

# %%
three_blocks = []
for filters in (32, 64, 128):
    three_blocks += [conv(filters, 3, "same"), bn, pool]
three_blocks += [flatten, *dense(512), dropout, *dense(10)]

# %%
four_five = []
for filters in (64, 128, 256, 512):
    four_five += [conv(filters, 3, "same"), pool, bn]
four_five.append(flatten)
for units in (128, 256, 512, 1024):
    four_five += [*dense(units), dropout, bn]
four_five += dense(10)

# %%
cifar100 = []
for filters, times in ((64, 2), (128, 2), (256, 3), (512, 3)):
    cifar100 += [conv(filters, 3, "same")] * times + [bn, pool]
cifar100 += [flatten, dropout, *dense(512, 100)]

# %%
overlapping = {"kind": "pool", "size": 3, "stride": 2, "padding": "same"}
siamese = [conv(64, 5, "same"), overlapping] * 2 + [flatten, *dense(384, 192, 10)]

# %% tests="count-table" points=5
with checks.exercise(
    "count-table", hidden="each row of other networks, other inputs, strides, overlapping pooling"
):
    pooling, flat = {"kind": "pool", "size": 2}, {"kind": "flatten"}
    convs = [{"kind": "conv", "filters": filters, "size": 3} for filters in (32, 64, 64)]
    ends = [{"kind": "dense", "units": units} for units in (512, 10)]
    first = [convs[0], pooling, convs[1], pooling, convs[2], pooling, flat, *ends]
    images = [(30, 30, 32), (15, 15, 32), (13, 13, 64), (6, 6, 64), (4, 4, 64), (2, 2, 64)]
    numbers = [896, 0, 18_496, 0, 36_928, 0, 0, 131_584, 5_130]
    other = [dict(convs[0], padding="same"), {"kind": "bn"}, {"kind": "dropout"}, pooling, flat]
    more = [(32, 32, 32)] * 3 + [(16, 16, 32), (8192,), (10,)]
    cases = (
        ("NET I", first, [*images, (256,), (512,), (10,)], numbers, numbers),
        (
            "a network with batch normalization",
            [*other, ends[1]],
            more,
            [896, 128, 0, 0, 0, 81_930],
            [896, 64, 0, 0, 0, 81_930],
        ),
    )
    for what, layers, shapes, totals, trained in cases:
        rows = checks.unchanged(layer_table, layers)
        checks.that(rows is not None, "layer_table returns None; return a list of rows.")
        checks.that(
            isinstance(rows, (list, tuple)),
            f"layer_table returns a value of type {type(rows).__name__}; return a list with one "
            "row per layer.",
        )
        checks.equal(len(rows), len(layers), f"The number of rows for {what}")
        for number, row in enumerate(rows):
            where = f"row {number + 1} ({layers[number]['kind']}) of {what}"
            checks.that(
                isinstance(row, (list, tuple)) and len(row) == 4,
                f"There are no four entries in {where}: the kind, the output shape, the total and "
                "the trainable parameters.",
            )
            checks.equal(row[0], layers[number]["kind"], f"The kind in {where}")
            checks.equal(row[1], shapes[number], f"The output shape in {where}")
            checks.equal(row[2], totals[number], f"The total in {where}")
            checks.equal(row[3], trained[number], f"The number of trainable parameters in {where}")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks


POOLS = {
    "pool": {"kind": "pool", "size": 2},
    "overlapping": {"kind": "pool", "size": 3, "stride": 2, "padding": "same"},
}


def listed(text, padding="same"):
    made = []
    for word in text.split():
        filters, _, pixels = word.partition("x")
        if pixels.isdigit():
            parts = {"filters": int(filters), "size": int(pixels), "padding": padding}
            made.append({"kind": "conv", **parts})
        elif word.isdigit():
            made.append({"kind": "dense", "units": int(word)})
        else:
            made.append(dict(POOLS.get(word, {"kind": word})))
    return made


net_2 = listed("32x5 64x5 pool 64x5 pool flatten 512 10", padding="valid")
net_3 = "96x3 96x3 pool dropout 128x3 pool dropout 128x3 128x3 128x3 pool dropout"
net_3 = listed(net_3 + " flatten 1024 dropout 512 dropout 10")
of_100 = "64x3 64x3 bn pool 128x3 128x3 bn pool 256x3 256x3 256x3 bn pool"
of_100 = listed(of_100 + " 512x3 512x3 512x3 bn pool flatten dropout 512 100")
siamese_base = listed("64x5 overlapping 64x5 overlapping flatten 384 192 10")
mnist_net = listed("28x3 pool flatten 128 10", padding="valid")
four_convs = "64x3 pool bn 128x3 pool bn 256x3 pool bn 512x3 pool bn flatten"
four_convs = listed(four_convs + " 128 dropout bn 256 dropout bn 512 dropout bn 1024 dropout bn 10")
filters_of_5 = {"kind": "conv", "filters": 8, "size": 5}
pool_of_3 = {"kind": "pool", "size": 3, "stride": 2}
cases = (
    (
        "a convolution with stride 2",
        [dict(filters_of_5, stride=2), *listed("4x1")],
        (33, 20, 3),
        [((15, 8, 8), 608, 608), ((15, 8, 4), 36, 36)],
    ),
    ("a pooling of 3 pixels with stride 2", [pool_of_3], (13, 12, 4), [((6, 5, 4), 0, 0)]),
    (
        "same padding with stride 2",
        [dict(filters_of_5, stride=2, padding="same")],
        (33, 20, 1),
        [((17, 10, 8), 208, 208)],
    ),
    (
        "a pooling with same padding",
        [dict(pool_of_3, padding="same")],
        (13, 12, 4),
        [((7, 6, 4), 0, 0)],
    ),
    (
        "a pooling of 3 without a stride",
        [{"kind": "pool", "size": 3}],
        (10, 9, 2),
        [((3, 3, 2), 0, 0)],
    ),
    (
        "a pooling of 3 without a stride, with same padding",
        [{"kind": "pool", "size": 3, "padding": "same"}],
        (10, 9, 2),
        [((4, 3, 2), 0, 0)],
    ),
    (
        "a pooling of 2 with stride 1",
        [dict(POOLS["pool"], stride=1), {"kind": "bn"}],
        (5, 7, 2),
        [((4, 6, 2), 0, 0), ((4, 6, 2), 8, 4)],
    ),
    (
        "batch normalization after a dense layer",
        listed("flatten 7 bn 2"),
        (2, 3, 4),
        [((24,), 0, 0), ((7,), 175, 175), ((7,), 28, 14), ((2,), 16, 16)],
    ),
    (
        "dropout",
        [{"kind": "dropout"}, filters_of_5],
        (9, 8, 3),
        [((9, 8, 3), 0, 0), ((5, 4, 8), 608, 608)],
    ),
    ("no layers", [], (32, 32, 3), []),
)
tables = submission.calls("layer_table", [(layers, shape) for _, layers, shape, _ in cases])
for (what, layers, _, wanted), rows in zip(cases, tables):
    check.that(isinstance(rows, (list, tuple)), f"layer_table returns no list for {what}.")
    check.equal(len(rows), len(wanted), f"The number of rows for {what}")
    for number, (row, layer, (shape, total, trainable)) in enumerate(zip(rows, layers, wanted)):
        where = f"row {number + 1} ({layer['kind']}) for {what}"
        check.that(
            type(row) in (list, tuple) and len(row) == 4, f"There are no four entries in {where}."
        )
        check.equal(row[0], layer["kind"], f"The kind in {where}")
        check.equal(row[1], shape, f"The output shape in {where}")
        check.equal(row[2], total, f"The total in {where}")
        check.equal(row[3], trainable, f"The number of trainable parameters in {where}")
submission.unchanged("layer_table", [dict(pool_of_3, padding="same"), *cases[0][1]], (33, 20, 3))
named = (
    ("NET II", net_2, 686_090, 686_090, (32, 32, 3)),
    ("NET III", net_3, 3_267_306, 3_267_306, (32, 32, 3)),
    ("the MNIST net", mnist_net, 607_394, 607_394, (28, 28, 1)),
    ("the net of four conv, five FC", four_convs, 2_524_938, 2_519_178, (32, 32, 3)),
    ("the siamese base", siamese_base, 1_756_426, 1_756_426, (32, 32, 3)),
    ("the CIFAR-100 base", of_100, 8_739_492, 8_737_572, (32, 32, 3)),
)
asked = [(layers, shape) for _, layers, _, _, shape in named]
for (name, _, total, trainable, _), rows in zip(named, submission.calls("layer_table", asked)):
    check.equal(sum(row[2] for row in rows), total, f"The total for {name}")
    check.equal(sum(row[3] for row in rows), trainable, f"The trainable total for {name}")
### END HIDDEN TESTS

# %%
hints.show("count-table")

# %%
def show(layers, shape=(32, 32, 3)):
    for kind, out, total, trainable in layer_table(layers, shape):
        print(f"{kind:<8} {' x '.join(map(str, out)):<14} {total:>10,} {trainable:>10,}")


show(net1)

# %% [markdown]
# ### Keras is the judge
#
# A count by hand is worth something once an independent count agrees with it. `build` turns a list into a Keras model; compare the counts of every network.

# %%
def build(layers, shape=(32, 32, 3)):
    make = keras.layers
    zeros = {"kernel_initializer": "zeros"}  # quick to create, and nothing is trained here
    kinds = {
        "conv": lambda a: make.Conv2D(
            a["filters"], a["size"], a.get("stride", 1), a["padding"], **zeros
        ),
        "pool": lambda a: make.MaxPooling2D(a["size"], a.get("stride"), a.get("padding", "valid")),
        "dense": lambda a: make.Dense(a["units"], **zeros),
        "bn": lambda a: make.BatchNormalization(),
        "flatten": lambda a: make.Flatten(),
        "dropout": lambda a: make.Dropout(0.5),
    }
    return keras.Sequential([make.Input(shape), *(kinds[a["kind"]](a) for a in layers)])

# %%
networks = {
    "NET I": (net1, (32, 32, 3)),
    "NET II": (net2, (32, 32, 3)),
    "NET III": (net3(), (32, 32, 3)),
    "three blocks": (three_blocks, (32, 32, 3)),
    "MNIST net": (mnist, (28, 28, 1)),
    "four conv, five FC": (four_five, (32, 32, 3)),
    "siamese base": (siamese, (32, 32, 3)),
    "CIFAR-100 base": (cifar100, (32, 32, 3)),
}
for name, (layers, shape) in networks.items():
    by_hand = sum(row[2] for row in layer_table(layers, shape))
    by_keras = build(layers, shape).count_params()
    print(
        f"{name:<20} by hand {by_hand:>10,}   Keras {by_keras:>10,}   {'same' if by_hand == by_keras else 'DIFFERENT'}"
    )

# %%
build(net1).summary()

# %%
shares = {name: layer_table(*known) for name, known in networks.items()}
kinds = ("conv", "dense", "bn")
fig, ax = plt.subplots(figsize=(8, 4))
left = np.zeros(len(shares))
for kind, colour, hatch in zip(kinds, plots.COLOURS, ("", "//", "..")):
    part = [
        sum(r[2] for r in rows if r[0] == kind) / sum(r[2] for r in rows)
        for rows in shares.values()
    ]
    ax.barh(list(shares), part, left=left, label=kind, color=colour, hatch=hatch, edgecolor="white")
    left += part
ax.set(xlabel="share of all parameters", xlim=(0, 1))
ax.invert_yaxis()
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
plt.show()

# %% [markdown] answer="count-where" points=2
# **What do you see?** (2 points) In which networks do the dense layers hold most of the parameters, and in which do they not? Which single number, at the point where the network flattens, decides this? Name a change that would make the dense part smaller without touching the convolutions.
#
# ### BEGIN SOLUTION
# *Rubric.* One point: the dense part has most of the parameters in the networks with few convolutions (NET I seven tenths, NET II and NET III more than three quarters, the three-block net, the MNIST net and the siamese base nine tenths and more), and fewer in the networks with wide convolutions that also shrink the image to 2 × 2 before they flatten (the four-conv net and the CIFAR-100 base). One point: the length after flattening, height × width × channels, multiplies the parameters of the first dense layer; one more pooling layer (or global average pooling) before it divides that length by four (or by the area).
# ### END SOLUTION

# %% [markdown]
# ## 4. Why NET III needs padding
#
# NET III has six convolutions of 3 × 3 and three pooling layers. The exercise sheet that it comes from does not mention padding.
#
# **Predict.** Follow the sizes without padding, starting at 32. What happens at the last convolution, or after it?

# %%
sizes = [32]
for step in "CCPCPCCCP":
    f, stride = (3, 1) if step == "C" else (2, 2)
    try:
        sizes.append(output_size(sizes[-1], f, stride))
    except ValueError as error:
        print(f"after {sizes} comes a {'convolution' if step == 'C' else 'pooling'}: {error}")
        break
else:
    print(sizes)

# %% [markdown] answer="count-padding" points=2
# **Explain.** (2 points) At which layer does NET III without padding fail, and what is left of the image there? Compute the sizes with *same* padding, and the length after flattening. What does *same* padding do to the pixels at the border?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: without padding, the sizes run 30, 28, 14, 12, 6, 4, 2, and the sixth convolution of 3 × 3 does not fit into 2 pixels (0 would be left). With same padding, they run 32, 32, 16, 16, 8, 8, 8, 8, 4, and 4 · 4 · 128 = 2,048 values are flattened. One point: at the border, the filter sees zeros that are not part of the image, so border pixels are used less often or next to artificial black; the network can even learn where the border is.
# ### END SOLUTION

# %% [markdown]
# ## 5. Beyond the sheet: multiplications
#
# Parameters cost memory; *multiplications* cost time. A convolution multiplies each weight once at each position of its output; biases are only added. With an output of $O_h \times O_w$:
#
# $$M_{\text{conv}} = m \cdot n \cdot C_{in} \cdot C_{out} \cdot O_h \cdot O_w \qquad M_{\text{dense}} = D \cdot U$$
#
# All other layers count as 0 here.
#
# **Exercise (3 points).** Write `multiplications`, which counts them for one image.

# %% solution="count-mults-answer"
def multiplications(layers, shape=(32, 32, 3)):
    """Count the multiplications for one image, as a list with one number for each layer.

    layers and shape are as in layer_table; only "conv" and "dense" multiply.

    Example: multiplications([{"kind": "conv", "filters": 32, "size": 3}]) is [777600].
    """
    ### BEGIN SOLUTION
    counts = []
    for layer, (kind, out, total, _) in zip(layers, layer_table(layers, shape)):
        if kind == "conv":
            counts.append((total - out[2]) * out[0] * out[1])
        else:
            counts.append(total - out[0] if kind == "dense" else 0)
    return counts
    ### END SOLUTION

# %% tests="count-mults" points=3
with checks.exercise("count-mults", hidden="other networks, strides, other inputs"):
    pooling = {"kind": "pool", "size": 2}
    convs = [{"kind": "conv", "filters": filters, "size": 3} for filters in (32, 64, 64)]
    ends = [{"kind": "flatten"}] + [{"kind": "dense", "units": units} for units in (512, 10)]
    layers = [convs[0], pooling, convs[1], pooling, convs[2], pooling, *ends]
    counts = checks.unchanged(multiplications, layers)
    checks.that(counts is not None, "multiplications returns None; return a list of counts.")
    counts = counts.numpy() if hasattr(counts, "numpy") else counts  # a tensor
    checks.that(
        isinstance(counts, (list, tuple, np.ndarray)),
        f"multiplications returns a value of type {type(counts).__name__}; return a list, one "
        "count per layer.",
    )
    checks.equal(len(counts), 9, "The number of counts for NET I")
    checks.equal(counts[0], 777_600, "The count for NET I's first convolution")
    checks.equal(counts[1], 0, "The count for a pooling layer")
    checks.equal(counts[2], 3_115_008, "The count for NET I's second convolution")
    checks.equal(counts[7], 131_072, "The count for NET I's first dense layer")
    checks.unchanged(multiplications, layers[:2])
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks


POOLS = {
    "pool": {"kind": "pool", "size": 2},
    "overlapping": {"kind": "pool", "size": 3, "stride": 2, "padding": "same"},
}


def listed(text, padding="same"):
    made = []
    for word in text.split():
        filters, _, pixels = word.partition("x")
        if pixels.isdigit():
            parts = {"filters": int(filters), "size": int(pixels), "padding": padding}
            made.append({"kind": "conv", **parts})
        elif word.isdigit():
            made.append({"kind": "dense", "units": int(word)})
        else:
            made.append(dict(POOLS.get(word, {"kind": word})))
    return made


net_2 = listed("32x5 64x5 pool 64x5 pool flatten 512 10", padding="valid")
net_3 = "96x3 96x3 pool dropout 128x3 pool dropout 128x3 128x3 128x3 pool dropout"
net_3 = listed(net_3 + " flatten 1024 dropout 512 dropout 10")
of_100 = "64x3 64x3 bn pool 128x3 128x3 bn pool 256x3 256x3 256x3 bn pool"
of_100 = listed(of_100 + " 512x3 512x3 512x3 bn pool flatten dropout 512 100")
siamese_base = listed("64x5 overlapping 64x5 overlapping flatten 384 192 10")
filters_of_5 = {"kind": "conv", "filters": 8, "size": 5}
cases = (
    (
        "convolutions with stride 2",
        [dict(filters_of_5, stride=2), *listed("4x1")],
        (33, 20, 3),
        [72_000, 3_840],
    ),
    ("same padding", [dict(filters_of_5, padding="same")], (6, 4, 2), [9_600]),
    (
        "same padding with stride 2",
        [dict(filters_of_5, padding="same", stride=2)],
        (7, 4, 2),
        [3_200],
    ),
    ("a large image", listed("64x3 64x3"), (1024, 1024, 3), [1_811_939_328, 38_654_705_664]),
    ("sizes that are not powers of 2", listed("77x3 33x3"), (333, 555, 5), [640_383_975, 4_226_534_235]),
    (
        "batch normalization, pooling and dropout",
        [filters_of_5, *listed("bn dropout"), dict(POOLS["pool"], stride=1), *listed("2x1")],
        (6, 7, 1),
        [1_200, 0, 0, 0, 32],
    ),
    ("dense layers", listed("flatten 7 3 bn 2"), (2, 3, 4), [0, 168, 21, 0, 6]),
    ("no layers", [], (32, 32, 3), []),
)
asked = [(layers, shape) for _, layers, shape, _ in cases]
for (what, _, _, want), got in zip(cases, submission.calls("multiplications", asked)):
    check.equal(got, want, f"The list of counts for {what}")
submission.unchanged("multiplications", [POOLS["overlapping"], *cases[0][1]], (33, 20, 3))
named = (
    ("NET II", net_2, 38_455_808),
    ("NET III", net_3, 146_838_528),
    ("the siamese base", siamese_base, 32_778_112),
    ("the CIFAR-100 base", of_100, 285_984_768),
)
asked = [(layers, (32, 32, 3)) for _, layers, _ in named]
for (name, layers, want), got in zip(named, submission.calls("multiplications", asked)):
    check.equal(len(got), len(layers), f"The number of counts for {name}")
    check.equal(int(sum(got)), want, f"The number of multiplications of {name}")
### END HIDDEN TESTS

# %%
hints.show("count-mults")

# %%
for name, (layers, shape) in networks.items():
    parameters = sum(row[2] for row in layer_table(layers, shape))
    millions = sum(multiplications(layers, shape)) / 1e6
    print(
        f"{name:<20} {parameters:>10,} parameters {millions:>8.1f} million multiplications per image"
    )

# %% [markdown]
# ## 6. Beyond the sheet: how far does a unit see?
#
# A unit of the first convolution sees 3 × 3 pixels. A unit of the next convolution sees 3 × 3 of *those* units, and so more of the image. The side of the window that a unit sees, the *receptive field* $r$, starts at 1 and grows with each convolution or pooling layer of size $F$ and stride $S$. The *jump* $j$ is the distance in the image between two neighboring units; it starts at 1:
#
# $$r \leftarrow r + (F - 1) \cdot j \qquad \text{then} \qquad j \leftarrow j \cdot S$$
#
# **Exercise (3 points).** Write `receptive_field`. Padding does not change the receptive field.

# %% solution="count-field-answer"
def receptive_field(layers):
    """Compute the side of the window that a unit sees, after each layer before "flatten".

    layers: as in layer_table; "flatten" and all layers after it are left out
    Returns a list with one number for each layer; "bn" and "dropout" change nothing.

    Example: for a conv of 3, a pool of 2 and a conv of 3, the result is [3, 4, 8].
    """
    ### BEGIN SOLUTION
    field, jump, fields = 1, 1, []
    for layer in layers:
        if layer["kind"] == "flatten":
            break
        if layer["kind"] in ("conv", "pool"):
            field += (layer["size"] - 1) * jump
            jump *= layer.get("stride", 1 if layer["kind"] == "conv" else layer["size"])
        fields.append(field)
    return fields
    ### END SOLUTION

# %% tests="count-field" points=3
with checks.exercise("count-field", hidden="other networks, strides, overlapping pooling"):
    filters_of_3, pool_of_2 = {"kind": "conv", "filters": 8, "size": 3}, {"kind": "pool", "size": 2}
    three = [filters_of_3, pool_of_2, filters_of_3]
    fields = checks.unchanged(receptive_field, three)
    checks.that(fields is not None, "receptive_field returns None; return a list of numbers.")
    fields = fields.numpy() if hasattr(fields, "numpy") else fields  # a tensor
    checks.that(
        isinstance(fields, (list, tuple, np.ndarray)),
        f"receptive_field returns a value of type {type(fields).__name__}; return a list, one "
        "number per layer.",
    )
    checks.equal(fields, [3, 4, 8], "The field list of a conv, a pool and a conv")
    flat = [*three, {"kind": "flatten"}, {"kind": "dense", "units": 10}]
    fields = checks.unchanged(receptive_field, flat)
    checks.equal(len(fields), 3, "The number of fields for a net that flattens after 3 layers")
    fields = receptive_field([{"kind": "bn"}, filters_of_3])
    fields = fields.numpy() if hasattr(fields, "numpy") else fields
    checks.equal(fields, [1, 3], "The field list of bn and a conv")
### BEGIN HIDDEN TESTS
from autograder import submission


POOLS = {
    "pool": {"kind": "pool", "size": 2},
    "overlapping": {"kind": "pool", "size": 3, "stride": 2, "padding": "same"},
}


def listed(text, padding="same"):
    made = []
    for word in text.split():
        filters, _, pixels = word.partition("x")
        if pixels.isdigit():
            parts = {"filters": int(filters), "size": int(pixels), "padding": padding}
            made.append({"kind": "conv", **parts})
        elif word.isdigit():
            made.append({"kind": "dense", "units": int(word)})
        else:
            made.append(dict(POOLS.get(word, {"kind": word})))
    return made


net_2 = listed("32x5 64x5 pool 64x5 pool flatten 512 10", padding="valid")
net_3 = "96x3 96x3 pool dropout 128x3 pool dropout 128x3 128x3 128x3 pool dropout"
net_3 = listed(net_3 + " flatten 1024 dropout 512 dropout 10")
of_100 = "64x3 64x3 bn pool 128x3 128x3 bn pool 256x3 256x3 256x3 bn pool"
of_100 = listed(of_100 + " 512x3 512x3 512x3 bn pool flatten dropout 512 100")
siamese_base = listed("64x5 overlapping 64x5 overlapping flatten 384 192 10")
filters_of_3 = {"kind": "conv", "filters": 8, "size": 3}
pool_of_3 = {"kind": "pool", "size": 3, "stride": 2}
cases = (
    ("convolutions with stride 2", [dict(filters_of_3, stride=2)] * 3, [3, 7, 15]),
    ("pooling of 3 with stride 2", [pool_of_3, filters_of_3, pool_of_3], [3, 7, 11]),
    ("pooling of 3 without a stride", [{"kind": "pool", "size": 3}, filters_of_3], [3, 9]),
    ("pooling with stride 1", [dict(POOLS["pool"], stride=1), filters_of_3], [2, 4]),
    ("filters of 5 and 7", [dict(filters_of_3, size=5), dict(filters_of_3, size=7)], [5, 11]),
    ("dropout between convolutions", [filters_of_3, {"kind": "dropout"}, filters_of_3], [3, 3, 5]),
    ("same padding", [dict(filters_of_3, padding="same")] * 2, [3, 5]),
    ("batch normalization after flattening", [filters_of_3, *listed("flatten 4 bn")], [3]),
    ("no layers", [], []),
)
fields = submission.calls("receptive_field", [(layers,) for _, layers, _ in cases])
for (what, _, want), got in zip(cases, fields):
    submission.checks.equal(got, want, f"The list of receptive fields for {what}")
submission.unchanged("receptive_field", [POOLS["overlapping"], *cases[0][1], *listed("flatten 4")])
named = (
    ("NET II", net_2, 20),
    ("NET III", net_3, 40),
    ("the siamese base", siamese_base, 19),
    ("the CIFAR-100 base", of_100, 100),
)
asked = [(layers,) for _, layers, _ in named]
for (name, layers, want), got in zip(named, submission.calls("receptive_field", asked)):
    before = layers.index({"kind": "flatten"})
    submission.checks.equal(len(got), before, f"The number of receptive fields of {name}")
    submission.checks.equal(got[-1], want, f"The last receptive field of {name}")
### END HIDDEN TESTS

# %%
hints.show("count-field")

# %%
fig, ax = plt.subplots(figsize=(8, 4))
for k, (name, (layers, _)) in enumerate(networks.items()):
    fields = receptive_field(layers)
    ax.plot(
        range(1, len(fields) + 1),
        fields,
        color=(*plots.COLOURS, "black", "0.5")[k],
        marker=(*plots.MARKERS, "X", "*")[k],
        label=name,
    )
ax.axhline(32, color="0.4", ls="--")
ax.text(1, 34, "the whole image")
ax.set(xlabel="layer", ylabel="receptive field in pixels", xticks=range(1, 19))
ax.grid(alpha=0.3)
ax.legend(fontsize=8)
plt.show()

# %% [markdown]
# ## What others got
#
# | network | parameters | trained | multiplications for an image | receptive field before flattening |
# |---|---|---|---|---|
# | NET I | 193,034 | 193,034 | 4,618,624 | 22 |
# | NET II | 686,090 | 686,090 | 38,455,808 | 20 |
# | NET III | 3,267,306 | 3,267,306 | 146,838,528 | 40 |
# | three blocks | 1,148,362 | 1,147,914 | 11,375,616 | 22 |
# | MNIST net | 607,394 | 607,394 | 777,328 | 4 |
# | four conv, five FC | 2,524,938 | 2,519,178 | 59,353,088 | 46 |
# | siamese base | 1,756,426 | 1,756,426 | 32,778,112 | 19 |
# | CIFAR-100 base | 8,739,492 | 8,737,572 | 285,984,768 | 100 |
#
# The counts do not depend on data, seed or machine: *offline*, *quick* and *full* give the same counts. The exercise sheet asks for the counts of NET I, II and III but gives none; Keras 3.15 on TensorFlow 2.21 agrees with every parameter count above.

# %% [markdown]
# ## Take-away
#
# The parameters of a convolution depend on its filters and channels, not on the image. All sizes follow from one formula, so a sheet of paper shows whether a network can be built. Parameters cost memory, multiplications cost time, and the receptive field shows how much of the image a decision can use. These are three different counts.
#
# **Read on.** Dumoulin and Visin 2016, *A guide to convolution arithmetic for deep learning*, draws the sizes for every stride and padding. Simonyan and Zisserman 2015, *Very deep convolutional networks for large-scale image recognition*, builds everything from filters of 3 × 3. Howard and others 2017, *MobileNets: efficient convolutional neural networks for mobile vision applications*, designs for a budget of multiplications. Luo, Li, Urtasun and Zemel 2016, *Understanding the effective receptive field in deep convolutional neural networks*, shows that a unit uses much less of its receptive field than the formula allows.
#
# **Going further.** Two convolutions of 3 × 3 see as far as one of 5 × 5. With 64 channels in and out, which of the two options has fewer parameters, which has fewer multiplications, and what else does the pair have that the single convolution lacks?
