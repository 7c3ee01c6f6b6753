# %% [markdown]
# # Data loading: from bytes in a file to images that a network can use
#
# **90 minutes, 20 points.** Requires only Python and NumPy.
#
# In this assignment you
#
# * **read** a batch file of CIFAR-10 by hand, and **recognize** the classic mistake in doing so,
# * **scale** and **standardize** images with statistics of the training set only,
# * **encode** labels as rows of zeros and ones,
# * **split** off validation images so that every class keeps its share.
#
# A network trains without complaint on images with exchanged colors, on shifted labels, and on test images that found their way into the training set. No error appears; the accuracy is a little too low, or far too good. Such mistakes have reached published papers in many sciences. So this assignment uses no network at all: you learn to make the arrays, and to look at them, so that later you can trust what a network says about them.

# %% [markdown] locked="load-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="load-setup"
# build writes the set-up cell here.

# %%
import matplotlib.pyplot as plt
import numpy as np

from convcourse import data, plots

# %% [markdown]
# ## 1. One batch, by hand
#
# CIFAR-10 comes as six files: five training batches and one test batch of 10,000 images each. Each file is a *pickle*, Python's own format, which can also contain code. Never open a pickle of unknown origin with `pickle.load`; `data.official_batch` accepts only arrays and plain values.

# %%
folder = data.batch_folder()
batch = data.official_batch(folder / "data_batch_1")
for key, value in batch.items():
    print(f"{key:<12} {type(value).__name__:<8} {np.shape(value)}")

# %% [markdown]
# Each row of `data` is one image: 3,072 bytes for 32 × 32 pixels in three colors. The bytes are stored **channel by channel**: first the 1,024 red values, row by row from the top left, then the green values, then the blue values. Keras and matplotlib expect the color *last*: an array of shape (height, width, channel).
#
# $$\text{row}[1024\,c + 32\,i + j] \;\longrightarrow\; \text{image}[i, j, c]$$
#
# **Predict.** `row.reshape(32, 32, 3)` already has the right shape. What will the picture look like?

# %%
row = batch["data"][3]
fig, ax = plt.subplots(figsize=(3, 3))
ax.imshow(row.reshape(32, 32, 3))
ax.set_title("reshape(32, 32, 3) only")
ax.axis("off")
plt.show()

# %% [markdown] answer="load-trap" points=2
# **What do you see?** (2 points) Describe the picture, and explain it by the order of the bytes. Which three bytes does `reshape(32, 32, 3)` take for the first pixel, and which three would be right? Why is there no error?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: the picture shows several small, mostly gray copies side by side and one above the other (three bands, one for each color), because neighboring bytes belong to neighboring pixels of one color. One point: the first pixel gets bytes 0, 1 and 2, which are three red values; the right bytes are 0, 1024 and 2048. Reshaping only cuts a row of numbers into pieces; 3,072 numbers fit, so nothing can fail.
# ### END SOLUTION

# %% [markdown]
# **Exercise (3 points).** Write `rows_to_images` so that it works for any number of rows.

# %% solution="load-rows-answer"
def rows_to_images(rows):
    """Convert official rows to images with the color last.

    rows: (N, 3072) uint8, channel by channel; they are not changed
    Returns (N, 32, 32, 3) uint8.

    Example: rows_to_images(batch["data"])[0, 0, 0] holds bytes 0, 1024 and 2048 of the first row.
    """
    ### BEGIN SOLUTION
    return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    ### END SOLUTION

# %% tests="load-rows" points=3
with checks.exercise("load-rows", hidden="every pixel of other rows, one row, no rows, the dtype"):
    rows = np.zeros((2, 3072), "uint8")
    rows[0, [0, 1024, 2048]], rows[0, 1], rows[1, 2048 + 32] = (10, 20, 30), 40, 50
    made = checks.as_array(checks.unchanged(rows_to_images, rows), "The result")
    checks.unchanged(rows_to_images, rows + 1)
    checks.shape(made, (2, 32, 32, 3), "The array of two images")
    checks.dtype(made, "uint8", "The array of two images")
    checks.equal(
        made[0, 0, 0].tolist(), [10, 20, 30], "The first pixel (bytes 0, 1024 and 2048 of the row)"
    )
    checks.equal(int(made[0, 0, 1, 0]), 40, "The red value of the pixel to its right (byte 1)")
    checks.equal(
        int(made[1, 1, 0, 2]), 50, "The blue value below image 1's first pixel (byte 2048 + 32)"
    )
### BEGIN HIDDEN TESTS
from autograder import submission

np, check, rng = submission.np, submission.checks, submission.np.random.default_rng(1)
before = []
for count in (1, 3, 3, 0):
    given = rng.integers(0, 256, (count, 3072)).astype("uint8")
    got = check.as_array(submission.call("rows_to_images", given), "rows_to_images")
    what = "The image array for one row" if count == 1 else f"The image array for {count} rows"
    check.shape(got, (count, 32, 32, 3), what)
    check.dtype(got, "uint8", "The image array")
    check.that(
        not any(np.array_equal(got, one) for one in before),
        "rows_to_images returns the images of an earlier call: convert the rows of each call anew.",
    )
    before.append(got)
    for channel in range(3):
        planes = given[:, channel * 1024 : (channel + 1) * 1024].reshape(-1, 32, 32)
        check.that(
            np.array_equal(got[..., channel], planes),
            "Pixels are in the wrong places: first reshape to (N, 3, 32, 32), then move the color "
            "axis to the end without exchanging rows and columns.",
        )
### END HIDDEN TESTS

# %%
hints.show("load-rows")

# %% [markdown]
# **Exercise (2 points).** Write `join_batches`. It joins the images and the labels of several batches and keeps their order.

# %% solution="load-join-answer"
def join_batches(batches):
    """Join the images and the labels of several batches into two arrays.

    batches: a list of dictionaries with "data", (n, 3072) uint8, and "labels", a list of n
    integers; none of them is changed
    Returns x, (N, 32, 32, 3) uint8, and y, (N,) integers, where N is the sum of all n.

    Example: x_train, y_train = join_batches([batch_1, batch_2, batch_3, batch_4, batch_5])
    """
    ### BEGIN SOLUTION
    x = np.concatenate([rows_to_images(batch["data"]) for batch in batches])
    y = np.concatenate([np.asarray(batch["labels"]) for batch in batches])
    return x, y
    ### END SOLUTION

# %% tests="load-join" points=2
with checks.exercise(
    "load-join", hidden="batches of unequal length, one batch, images that match their labels"
):
    gray = np.repeat(np.array([[10], [20], [30], [40], [50]], "uint8"), 3072, axis=1)
    two = [
        {"data": gray[:3], "labels": [5, 6, 7]},
        {"data": gray[3:], "labels": [1, 2]},
    ]
    joined = checks.unchanged(join_batches, two)
    checks.that(
        isinstance(joined, (list, tuple)) and len(joined) == 2,
        "join_batches does not return two values: return x, y.",
    )
    x = checks.as_array(joined[0], "The image array")
    y = checks.as_array(joined[1], "The label array")
    checks.shape(x, (5, 32, 32, 3), "The image array for a batch of 3 and a batch of 2")
    checks.dtype(x, "uint8", "The image array")
    checks.shape(y, (5,), "The label array")
    checks.that(y.dtype.kind in "iu", f"The labels have dtype {y.dtype}; expected integers.")
    checks.equal(y.tolist(), [5, 6, 7, 1, 2], "The list of labels")
    grays = x[:, 16, 16, 1].tolist()
    checks.equal(sorted(grays), [10, 20, 30, 40, 50], "The sorted list of the images' grays")
    checks.that(grays == sorted(grays), "The images are not in the labels' order.")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check, rng = submission.np, submission.checks, submission.np.random.default_rng(5)
for lengths in ((4, 1, 2), (3,), (1, 1, 1, 1, 2, 1)):
    given = [
        {
            "data": rng.integers(0, 256, (n, 3072)).astype("uint8"),
            "labels": [int(label) for label in rng.integers(0, 10, n)],
        }
        for n in lengths
    ]
    given[-1]["data"][-1] = given[0]["data"][0]  # files may hold an image twice
    made = submission.calls("join_batches", [(given,), (given,)])
    for got in made:
        check.that(isinstance(got, (list, tuple)), "join_batches does not return two values.")
        check.equal(len(got), 2, "The number of results of join_batches")
    images, labels = (check.as_array(part, "A result of join_batches") for part in made[0])
    check.that(
        np.shape(made[1][1]) == labels.shape,
        "A second call of join_batches with the same batches returns another number of labels: "
        "start with nothing in each call.",
    )
    check.shape(labels, (sum(lengths),), "The label array of other batches")
    check.that(labels.dtype.kind in "iu", "The labels of other batches are not integers.")
    wanted = sum((b["labels"] for b in given), [])
    check.that(
        sorted(labels.tolist()) != sorted(wanted) or labels.tolist() == wanted,
        "The labels of other batches are in another order: keep the order of the list of batches.",
    )
    check.equal(labels.tolist(), wanted, "The labels of other batches")
    check.shape(images, (sum(lengths), 32, 32, 3), "The image array of other batches")
    check.dtype(images, "uint8", "The image array of other batches")
    for channel in range(3):
        planes = [b["data"][:, channel * 1024 : (channel + 1) * 1024] for b in given]
        planes = np.concatenate(planes).reshape(-1, 32, 32)
        check.that(
            sorted(images[..., channel].sum(axis=(1, 2))) == sorted(planes.sum(axis=(1, 2))),
            "The images of other batches hold other bytes than the rows: use rows_to_images.",
        )
        check.that(
            np.array_equal(images[..., channel].sum(axis=(1, 2)), planes.sum(axis=(1, 2))),
            "The images are not in the labels' order.",
        )
        check.that(
            np.array_equal(images[..., channel], planes),
            "Pixels of other batches are in the wrong places: use rows_to_images.",
        )
### END HIDDEN TESTS

# %%
hints.show("load-join")

# %%
batches = [data.official_batch(folder / f"data_batch_{k}") for k in range(1, 6)]
x_all, y_all = map(np.asarray, join_batches(batches))
x_test, y_test = map(np.asarray, join_batches([data.official_batch(folder / "test_batch")]))
print(f"{len(x_all):,} training images, {len(x_test):,} test images of shape {x_all.shape[1:]}")

# %% [markdown]
# ### Look before you compute
#
# The figure shows ten images of each class, with one class per row. Does every row look like a single class? A mistake in the order of the labels shows up here sooner than anywhere else.

# %%
names = data.load("cifar10", train=10, test=10).class_names
sheet = np.concatenate([x_all[y_all == label][:10] for label in range(10)])
ax = plots.contact_sheet(sheet)
for label, name in enumerate(names):
    ax.text(-4, 34 * label + 17, name, ha="right", va="center")
plt.show()

# %%
plots.class_balance(y_all, names)
plt.show()

# %% [markdown]
# ## 2. Scaling the pixels
#
# Pixels are integers from 0 to 255. The random weights that a network starts with, and the usual learning rates, are chosen for inputs of order 1. Inputs 255 times as large make the first layer's outputs 255 times as large, and the gradients for its weights grow with the inputs too, so the first steps are far too large. The simplest remedy is to divide.
#
# **Exercise (1 point).** Write `scale`.

# %% solution="load-scale-answer"
def scale(x):
    """Scale pixels from 0 to 255 to float32 values from 0 to 1.

    x: uint8 of any shape; it is not changed
    Returns float32 of the same shape.

    Example: scale(np.array([0, 51, 255], "uint8")) is [0.0, 0.2, 1.0].
    """
    ### BEGIN SOLUTION
    return x.astype("float32") / 255
    ### END SOLUTION

# %% tests="load-scale" points=1
with checks.exercise(
    "load-scale", hidden="all 256 values, and images whose brightest pixel is not 255"
):
    scaled = checks.unchanged(scale, np.array([0, 51, 255], "uint8"))
    checks.dtype(scaled, "float32", "The scaled array")
    checks.close(scaled, np.array([0.0, 0.2, 1.0]), "The result for the pixels 0, 51, 255")
### BEGIN HIDDEN TESTS
from autograder import submission

every = submission.np.arange(256).astype("uint8").reshape(2, 8, 16, 1)
for given, what in (
    (every, "all 256 values"),
    (every[:1], "an image without a pixel of 255"),
    (every[1:], "an image without a pixel of 0"),
    (every[:1, 0, 0, 0], "a black pixel"),
    (every[0, 0, :2], "an image whose brightest pixel is 1"),
):
    submission.unchanged("scale", given)
    got = submission.checks.as_array(submission.call("scale", given), "scale")
    submission.checks.dtype(got, "float32", "The scaled array")
    submission.checks.shape(got, given.shape, "The scaled array")
    submission.checks.that(
        submission.np.allclose(got, given / 255.0, atol=1e-6),
        f"scale is wrong for {what}: divide by 255 and do nothing else, whatever the brightest and "
        "the darkest pixel are.",
    )
### END HIDDEN TESTS

# %%
hints.show("load-scale")

# %% [markdown]
# Two more methods are common. *Min-max scaling* maps the smallest value to 0 and the largest to 1. *Standardization* subtracts the mean and divides by the standard deviation, for each color channel:
#
# $$x' = \frac{x - \min}{\max - \min} \qquad x'_c = \frac{x_c - \mu_c}{\sigma_c}$$
#
# The minimum, the maximum, the mean and the standard deviation are *learned from the training images only* and then used for all other images. The test images stand for the future: during training, nobody knows their mean.
#
# **Predict.** You scale with the training set's minimum and maximum. Can a scaled test image have values above 1?

# %% [markdown]
# **Exercise (2 points).** Write `min_max`.

# %% solution="load-minmax-answer"
def min_max(train, other):
    """Scale two sets with the minimum and the maximum over all values of the first set.

    train: (N, H, W, C); other: (M, H, W, C); both uint8 or float; they are not changed
    Returns two float32 arrays of the same shapes.

    Example: the largest value of the first result is 1, and the smallest is 0.
    """
    ### BEGIN SOLUTION
    low, high = float(train.min()), float(train.max())
    return tuple(((x - low) / (high - low)).astype("float32") for x in (train, other))
    ### END SOLUTION

# %% tests="load-minmax" points=2
with checks.exercise(
    "load-minmax", hidden="other arrays, bytes that would overflow, no leak from the second set"
):
    for kind in ("uint8", "float64"):
        train, other = np.array([50, 100, 150], kind), np.array([0, 200], kind)
        shaped = [v.reshape(-1, 1, 1, 1) for v in (train, other)]
        made = checks.unchanged(min_max, *shaped)
        checks.that(
            isinstance(made, (list, tuple)) and len(made) == 2,
            "min_max does not return two arrays: return the scaled train and the scaled other.",
        )
        first, second = (checks.as_array(part, "A result of min_max") for part in made)
        checks.shape(first, (3, 1, 1, 1), "The first result")
        checks.shape(second, (2, 1, 1, 1), "The second result")
        learned, seen = np.array([0, 0.5, 1]), np.array([-0.5, 1.5])
        checks.close(np.ravel(first), learned, f"The result for the values 50, 100, 150 ({kind})")
        checks.close(np.ravel(second), seen, f"The result for 0 and 200 in the second set ({kind})")
        checks.dtype(first, "float32", f"The first result for {kind}")
        checks.dtype(second, "float32", f"The second result for {kind}")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check, rng = submission.np, submission.checks, submission.np.random.default_rng(7)
learned = rng.integers(20, 200, (6, 4, 5, 3)).astype("uint8")
pairs = [
    (learned, rng.integers(0, 256, (3, 4, 5, 3)).astype("uint8")),
    (learned, np.zeros((1, 4, 5, 3), "uint8")),
    (rng.normal(-3, 1, (4, 3, 2, 1)), rng.normal(2, 5, (2, 3, 2, 1))),
    (rng.normal(0, 1, (9, 16, 16, 3)) ** 3, rng.normal(2, 5, (2, 16, 16, 3))),
    (rng.uniform(0, 0.5, (3, 2, 5, 2)).astype("float32"), rng.random((1, 2, 5, 2), "float32")),
]
made = submission.calls("min_max", [(learned, pairs[0][1]), (learned // 2, pairs[0][1])])
unseen = [got[1] for got in made if isinstance(got, (list, tuple)) and len(got) == 2]
check.that(
    len(unseen) < 2 or not np.array_equal(*unseen),
    "The result for the second set is the same for two different first sets: use the minimum and "
    "the maximum of the first set, and compute them in each call.",
)
results = []
for learn, unseen in pairs:
    submission.unchanged("min_max", learn, unseen)
    got = submission.call("min_max", learn, unseen)
    check.that(isinstance(got, (list, tuple)), "min_max does not return two arrays.")
    check.equal(len(got), 2, "The number of results of min_max")
    got = [check.as_array(part, "A result of min_max") for part in got]
    low, high = float(learn.min()), float(learn.max())
    for part, given in zip(got, (learn, unseen)):
        check.dtype(part, "float32", "A result of min_max")
        check.shape(part, given.shape, "A result of min_max")
        check.that(
            np.allclose(part, (given.astype(float) - low) / (high - low), atol=1e-5),
            "min_max is wrong for other arrays: use one minimum and one maximum over all values of "
            "the first set, and compute with floats, because bytes overflow.",
        )
    results.append(got[0])
check.that(
    np.array_equal(*results[:2]), "The training set's result depends on the other set: a leak."
)
### END HIDDEN TESTS

# %%
hints.show("load-minmax")

# %% [markdown]
# **Exercise (3 points).** Write `standardise`. It treats each channel separately.

# %% solution="load-standardise-answer"
def standardise(train, other):
    """Standardize two sets with the mean and the deviation of each channel of the first set.

    train: (N, H, W, C); other: (M, H, W, C); both uint8 or float; they are not changed
    Returns two float32 arrays of the same shapes. For the standard deviation, divide by the
    number of values.

    Example: each channel of the first result has mean 0 and standard deviation 1.
    """
    ### BEGIN SOLUTION
    mean, deviation = train.mean(axis=(0, 1, 2)), train.std(axis=(0, 1, 2))
    return tuple(((x - mean) / deviation).astype("float32") for x in (train, other))
    ### END SOLUTION

# %% tests="load-standardise" points=3
with checks.exercise(
    "load-standardise", hidden="other arrays and numbers of channels, no leak from the second set"
):
    draw = np.random.default_rng(1)
    few = draw.integers(0, (80, 160, 256), (5, 4, 6, 3)).astype("uint8")
    more = draw.integers(60, 256, (3, 4, 6, 3)).astype("uint8")
    for kind in ("uint8", "float64"):
        made = checks.unchanged(standardise, few.astype(kind), more.astype(kind))
        checks.that(
            isinstance(made, (list, tuple)) and len(made) == 2,
            "standardise does not return two arrays: return train and other, both standardized.",
        )
        first, second = (checks.as_array(part, "A result of standardise") for part in made)
        checks.shape(first, few.shape, "The first result")
        checks.shape(second, more.shape, "The second result")
        means, deviations = first.mean(axis=(0, 1, 2)), first.std(axis=(0, 1, 2))
        checks.close(means, np.zeros(3), "The mean of each channel", atol=1e-3)
        one_less = np.allclose(deviations, np.sqrt(1 - 1 / few[..., 0].size), rtol=1e-4)
        checks.that(
            not one_less,
            "For the deviation, you divided by the number of values minus 1: divide by the number "
            "of values, as np.std does without ddof.",
        )
        checks.close(deviations, np.ones(3), "The deviation of each channel", rtol=1e-3)
        leaks = np.allclose(second.mean(axis=(0, 1, 2)), 0, atol=1e-4)
        checks.that(not leaks, "The second set has mean 0: you standardized it with its own mean.")
        checks.dtype(first, "float32", f"The first result for {kind}")
        checks.dtype(second, "float32", f"The second result for {kind}")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check, rng = submission.np, submission.checks, submission.np.random.default_rng(8)
pairs = []
for channels in (3, 1, 4):
    learn = rng.normal(size=(2, 3, 5, channels)) * np.arange(2, 2 + channels)
    learn = (learn + 30 * np.arange(channels)).astype("float32")
    pairs.append((learn, rng.normal(50, 9, (3, 3, 5, channels)).astype("float32")))
    pairs.append((learn, np.zeros((2, 3, 5, channels), "float32")))
learn = rng.integers(0, (50, 256), (4, 3, 2, 2)).astype("uint8")
pairs.append((learn, rng.integers(0, 256, (3, 3, 2, 2)).astype("uint8")))
pairs.append((learn, np.zeros((1, 3, 2, 2), "uint8")))
learn = rng.normal(0.5, 0.02, (3, 4, 2, 3))
pairs += [(learn, rng.random((2, 4, 2, 3))), (learn, np.ones((1, 4, 2, 3)))]
learn, unseen = pairs[0]
made = submission.calls("standardise", [(learn, unseen), (learn + 9, unseen)])
unseen = [got[1] for got in made if isinstance(got, (list, tuple)) and len(got) == 2]
check.that(
    len(unseen) < 2 or not np.array_equal(*unseen),
    "The result for the second set is the same for two different first sets: use the means and the "
    "deviations of the first set, and compute them in each call.",
)
firsts = []
for learn, unseen in pairs:
    submission.unchanged("standardise", learn, unseen)
    got = submission.call("standardise", learn, unseen)
    check.that(isinstance(got, (list, tuple)), "standardise does not return two arrays.")
    check.equal(len(got), 2, "The number of results of standardise")
    got = [check.as_array(part, "A result of standardise") for part in got]
    exact = learn.astype("float64")
    mean, deviation = exact.mean(axis=(0, 1, 2)), exact.std(axis=(0, 1, 2))
    for part, given in zip(got, (learn, unseen)):
        check.dtype(part, "float32", "A result of standardise")
        check.shape(part, given.shape, "A result of standardise")
        check.that(
            np.allclose(part, (given - mean) / deviation, rtol=1e-3, atol=1e-3),
            "standardise is wrong for other arrays: use one mean and one deviation for each "
            "channel, over the images, rows and columns of the first set; for the deviation, "
            "divide by the number of values.",
        )
    firsts.append(got[0])
check.that(
    all(np.array_equal(*firsts[k : k + 2]) for k in range(0, len(firsts), 2)),
    "The training set's result depends on the other set: a leak.",
)
### END HIDDEN TESTS

# %%
hints.show("load-standardise")

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for ax, values, title in zip(
    axes, (scale(x_all), standardise(x_all, x_test)[0]), ("scaled", "standardized")
):
    for channel, name in enumerate(("red", "green", "blue")):
        counts, edges = np.histogram(values[..., channel], bins=40, density=True)
        ax.plot(
            edges[:-1], counts, ("-", "--", ":")[channel], color=plots.COLOURS[channel], label=name
        )
    ax.set(xlabel="pixel value", ylabel="density", title=title)
axes[0].legend()
plt.show()

# %% [markdown] answer="load-leak" points=2
# **Explain.** (2 points) A classmate standardizes all 60,000 images together, before the split. The accuracy hardly changes. Why is this a mistake all the same? Give a case in which the same mistake would make a network look much better than it is.
#
# ### BEGIN SOLUTION
# *Rubric.* One point: statistics of the test images have gone into the preprocessing of the training data, so the test no longer shows how the network does on images about which nothing was known. With large sets that are alike, the effect is small, but this is luck and not a reason. One point: a plausible case, such as few or shifted test data (another camera, another season), scaling by the label's own statistics, choosing features or pixels by their correlation with the labels over all the data, or duplicates of test images in the training set.
# ### END SOLUTION

# %% [markdown]
# ## 3. Labels as rows
#
# The ten outputs of a network are compared with ten numbers. A *one-hot* row has a 1 at the position of the class and 0 elsewhere. (The loss `sparse_categorical_crossentropy`, which the next assignments use, takes the integers themselves.)
#
# **Exercise (2 points).** Write `one_hot`.

# %% solution="load-onehot-answer"
def one_hot(labels, classes=10):
    """Encode labels as rows of zeros and ones.

    labels: (N,) or (N, 1) integers from 0 to classes - 1; they are not changed
    Returns (N, classes) float32.

    Example: one_hot(np.array([2, 0]), 3) is [[0, 0, 1], [1, 0, 0]].
    """
    ### BEGIN SOLUTION
    return np.eye(classes, dtype="float32")[np.ravel(labels)]
    ### END SOLUTION

# %% tests="load-onehot" points=2
with checks.exercise(
    "load-onehot", hidden="columns of labels, classes that do not occur, other numbers of classes"
):
    rows = checks.unchanged(one_hot, np.array([2, 0]), 3)
    checks.shape(rows, (2, 3), "The array for two labels of three classes")
    checks.dtype(rows, "float32", "The array")
    listed = checks.as_array(rows, "The array").tolist()
    checks.equal(listed, [[0, 0, 1], [1, 0, 0]], "The list of rows for 2, 0")
    ten = checks.as_array(one_hot(np.array([7, 0, 7])), "The array for three labels of ten classes")
    checks.that(
        ten.shape != (3, 8),
        "one_hot takes the number of classes from the labels; use classes, because some classes may "
        "not occur.",
    )
    checks.shape(ten, (3, 10), "The array for three labels of ten classes")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks
for labels, classes, what in (
    ([3, 3, 0], 10, "classes that do not occur"),
    ([[1], [4], [2]], 5, "labels of shape (N, 1)"),
    ([[2]], 4, "one label of shape (1, 1)"),
    ([1, 0, 1], 2, "two classes"),
    ([6, 0], 7, "seven classes"),
    (list(range(100)), 100, "100 classes"),
    ([5, 0, 9, 1, 3, 3], 10, "six labels"),
    ([2, 2, 7, 0, 9, 8], 10, "six other labels"),
):
    for dtype in ("int64", "uint8"):
        given = submission.np.array(labels, dtype)
        submission.unchanged("one_hot", given, classes)
        got = check.as_array(submission.call("one_hot", given, classes=classes), "one_hot")
        check.shape(got, (len(labels), classes), f"The array for {what}")
        check.dtype(got, "float32", "The array")
        want = given.reshape(-1, 1) == submission.np.arange(classes)
        check.that(submission.np.array_equal(got, want), f"one_hot is wrong for {what}.")
### END HIDDEN TESTS

# %%
hints.show("load-onehot")

# %% [markdown]
# ## 4. A split that keeps every class's share
#
# Of the 50,000 training images, 5,000 become validation images and 45,000 remain; the 10,000 test images are a separate set. *Stratified* means that every class contributes the same share, so that chance cannot leave a class almost empty. The images of each class are drawn at random, because files are often sorted in some way.
#
# **Exercise (3 points).** Write `stratified_split`. It returns positions, not images.

# %% solution="load-split-answer"
def stratified_split(labels, n_val, seed=0):
    """Draw the positions of the training images and of the validation images.

    labels: (N,) integers, which are not changed; n_val: number of validation images
    seed: equal seeds give equal splits, and different seeds give different splits
    Returns (train, val): two arrays of N - n_val and n_val positions from 0 to N - 1. Every
    class contributes the share n_val / N of its images, drawn at random; you may assume that
    this is a whole number for each class.

    Example: train, val = stratified_split(y_all, len(y_all) // 10)
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    of_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    drawn = [rng.permutation(own)[: len(own) * n_val // len(labels)] for own in of_class]
    val = np.sort(np.concatenate(drawn))
    return np.setdiff1d(np.arange(len(labels)), val), val
    ### END SOLUTION

# %% tests="load-split" points=3
with checks.exercise(
    "load-split", hidden="unequal classes and other seeds: disjoint, complete, stratified, random"
):
    labels = np.random.default_rng(2).permutation(np.repeat(np.arange(10), 30))
    made = checks.unchanged(stratified_split, labels, 50)
    checks.that(
        isinstance(made, (list, tuple)) and len(made) == 2,
        "stratified_split does not return two arrays: return train, val.",
    )
    train, val = (checks.as_array(part, "A result of stratified_split") for part in made)
    checks.that(
        train.dtype.kind in "iu" and val.dtype.kind in "iu",
        f"The results have dtypes {train.dtype} and {val.dtype}; positions are integers.",
    )
    checks.shape(val, (50,), "The array of the validation images' positions")
    checks.shape(train, (250,), "The array of the training images' positions")
    checks.that(
        not set(train) & set(val),
        "Some positions are in both sets: return each position once, and positions, not labels.",
    )
    checks.equal(sorted([*train, *val]), list(range(300)), "The sorted list of all positions")
    shares = np.bincount(labels[val], minlength=10).tolist()
    checks.equal(shares, [5] * 10, "The number of validation images of each class")
    again = np.asarray(stratified_split(labels, 50)[1])
    checks.that(set(val) == set(again), "Two calls with the default seed give different splits.")
    again = np.asarray(stratified_split(labels, 50, seed=0)[1])
    checks.that(set(val) == set(again), "The default seed is not 0: seed=0 gives another split.")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check, rng = submission.np, submission.checks, submission.np.random.default_rng(3)
quarter = rng.permutation(np.repeat([0, 1], [40, 80]))
made = submission.calls("stratified_split", [(quarter, 30, 4), (rng.permutation(quarter), 30, 4)])
part = [np.sort(got[1]) for got in made if isinstance(got, (list, tuple)) and len(got) == 2]
check.that(
    len(part) < 2 or not np.array_equal(*part),
    "stratified_split returns the same positions for other labels: draw them from the labels of "
    "each call.",
)
for counts, n_part, step in (
    ([40, 40, 40], 30, 1),
    ([30, 10, 50, 20], 22, 1),
    ([12] * 10, 40, 1),
    ([20] * 12, 60, 1),
    ([30, 60, 30], 40, 7),
    ([100, 100], 58, 1),  # 58 / 200 * 100 is a little less than 29 in floating point
):
    given = rng.permutation(np.repeat(np.arange(len(counts)), counts) * step + step - 1)
    submission.unchanged("stratified_split", given, n_part, 5)
    picked = []
    for seed in (0, 7, 0):
        parts = submission.call("stratified_split", given, n_part, seed)
        check.that(isinstance(parts, (list, tuple)), "stratified_split does not return two arrays.")
        check.equal(len(parts), 2, "The number of results of stratified_split")
        rest, part = (check.as_array(one, "The positions") for one in parts)
        whole = rest.dtype.kind in "iu" and part.dtype.kind in "iu"
        check.that(whole, "The results of stratified_split are not integers.")
        check.shape(part, (None,), "The array of the validation images' positions")
        check.that(
            len(part) == n_part,
            "There are not n_val validation images: from each class that occurs, draw n_val / N of "
            "its own images, and round that number (int cuts 28.999... to 28).",
        )
        check.shape(rest, (len(given) - n_part,), "The array of the training images' positions")
        check.that(
            np.array_equal(np.sort(np.concatenate([rest, part])), np.arange(len(given))),
            "The two sets together do not contain every image exactly once.",
        )
        found = np.bincount(given[part] // step, minlength=len(counts)).tolist()
        check.that(
            found == [count * n_part // sum(counts) for count in counts],
            "The classes do not all contribute the same share of their images for validation.",
        )
        picked.append(np.sort(part))
    check.that(np.array_equal(picked[0], picked[2]), "Equal seeds give different splits.")
    check.that(
        not np.array_equal(picked[0], picked[1]),
        "Different seeds give the same split: use the seed to draw the images at random.",
    )
    for label, part in [(label, part) for label in np.unique(given) for part in picked[:2]]:
        of_class = np.flatnonzero(given == label)
        ranks = np.flatnonzero(np.isin(of_class, part))
        steps = np.diff(np.append(ranks, ranks[0] + len(of_class)))
        check.that(
            len(ranks) < 8 or len(set(np.delete(steps, steps.argmax()).tolist())) > 1,
            "The validation images of a class follow each other at equal distances: draw them at "
            "random.",
        )
# An image is in a quarter of the splits, so that all of 60 miss it once in 30 million times.
made = submission.calls("stratified_split", [(quarter, 30, seed) for seed in range(60)])
splits = {tuple(sorted(np.ravel(got[1]).tolist())) for got in made}
check.that(
    len(splits) == len(made),
    "Some different seeds give the same split: use the whole seed to draw the images.",
)
check.that(
    set().union(*splits) == set(range(len(quarter))),
    "Some images of a class are never drawn for validation, whatever the seed is: draw from all "
    "images of the class.",
)
### END HIDDEN TESTS

# %%
hints.show("load-split")

# %%
train, val = stratified_split(y_all, len(y_all) // 10)
sets = {"training": y_all[train], "validation": y_all[val], "test": y_test}
for name, labels in sets.items():
    print(
        f"{name:<11}{len(labels):>7,} images, {np.bincount(labels).min():,} to {np.bincount(labels).max():,} of each class"
    )

# %% [markdown]
# ## What others got
#
# | where | training, validation, test images | pixels |
# |---|---|---|
# | the exercise sheet | 50,000, of which 20% validate later, 10,000 | float32 from 0 to 1 |
# | a report on the three-block net | 45,000, 5,000, 10,000 | min-max, one-hot labels |
# | *full* and *quick*, the official files | 45,000, 5,000, 10,000, of each class 4,500, 500 and 1,000 | channel means 0.491, 0.482, 0.447 and deviations 0.247, 0.243, 0.262 after scaling |
# | *offline*, generated batch files | 900, 100, 200, of each class 90, 10 and 20 | channel means 0.375, 0.376, 0.367 and deviations 0.272, 0.271, 0.274 after scaling |
#
# These figures do not depend on the machine. The seed only affects which images are used for validation. Means and deviations are those of all training images before the split, with NumPy 2 on two cores.

# %% [markdown]
# ## Take-away
#
# Look at images and labels together before you train anything. Whatever is learned from data, even a mean, comes from the training images only. A stratified split keeps every class's share, and a seed lets others repeat it.
#
# **Read on.** Krizhevsky 2009, *Learning multiple layers of features from tiny images*, is the report that introduced CIFAR-10. LeCun, Bottou, Orr and Müller 1998, *Efficient BackProp*, says why inputs are standardized. Kapoor and Narayanan 2023, *Leakage and the reproducibility crisis in machine-learning-based science*, counts what leaks have cost. Recht, Roelofs, Schmidt and Shankar 2018, *Do CIFAR-10 classifiers generalize to CIFAR-10?*, collects a new test set and is one answer to the question below.
#
# **Going further.** The test set has 1,000 images of each class. If a network is right about 66% of them, by how much would that figure change with another 10,000 images?
