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

    rows: (N, 3072) uint8, channel by channel
    Returns (N, 32, 32, 3) uint8.

    Example: rows_to_images(batch["data"])[0, 0, 0] holds bytes 0, 1024 and 2048 of the first row.
    """
    ### BEGIN SOLUTION
    return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    ### END SOLUTION

# %% tests="load-rows" points=3
with checks.exercise("load-rows", hidden="every pixel of other rows, one row, no rows, the dtype"):
    rows = np.arange(2 * 3072).reshape(2, 3072).astype("uint16")
    made = rows_to_images(rows)
    checks.shape(made, (2, 32, 32, 3), "The array of two images")
    checks.equal(list(made[0, 0, 0]), [0, 1024, 2048], "The first pixel (red, green, blue)")
    checks.equal(int(made[0, 0, 1, 0]), 1, "The red value of the pixel to its right")
    checks.equal(int(made[1, 1, 0, 2]), 3072 + 2048 + 32, "The blue value below it, in image 1,")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks
for count in (1, 3, 0):
    given = submission.np.random.default_rng(count).integers(0, 256, (count, 3072)).astype("uint8")
    got = check.as_array(submission.call("rows_to_images", given), "rows_to_images")
    check.shape(got, (count, 32, 32, 3), f"The image array for {count} rows")
    check.dtype(got, "uint8", "The image array")
    for channel in range(3):
        planes = given[:, channel * 1024 : (channel + 1) * 1024].reshape(-1, 32, 32)
        check.that(
            submission.np.array_equal(got[..., channel], planes),
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

    batches: a list of dictionaries with "data", (n, 3072) uint8, and "labels", n integers
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
    two = [
        {"data": batch["data"][:3], "labels": [5, 6, 7]},
        {"data": batch["data"][3:5], "labels": [1, 2]},
    ]
    x, y = join_batches(two)
    checks.shape(x, (5, 32, 32, 3), "The image array for a batch of 3 and a batch of 2")
    checks.shape(y, (5,), "The label array")
    checks.equal(list(y), [5, 6, 7, 1, 2], "The list of labels")
### BEGIN HIDDEN TESTS
from autograder import submission

check, rng = submission.checks, submission.np.random.default_rng(5)
for lengths in ((4, 1, 2), (3,)):
    given = [
        {
            "data": rng.integers(0, 256, (n, 3072)).astype("uint8"),
            "labels": [int(label) for label in rng.integers(0, 10, n)],
        }
        for n in lengths
    ]
    got = submission.call("join_batches", given)
    check.equal(len(got), 2, "The number of results of join_batches")
    images, labels = (check.as_array(part, "A result of join_batches") for part in got)
    check.equal(list(labels), sum((b["labels"] for b in given), []), "The labels of other batches")
    reds = submission.np.concatenate([b["data"][:, :1024] for b in given]).reshape(-1, 32, 32)
    check.shape(images, (sum(lengths), 32, 32, 3), "The image array of other batches")
    check.that(
        submission.np.array_equal(images[..., 0], reds), "The images are not in the labels' order."
    )
### END HIDDEN TESTS

# %%
hints.show("load-join")

# %%
x_all, y_all = join_batches([data.official_batch(folder / f"data_batch_{k}") for k in range(1, 6)])
x_test, y_test = join_batches([data.official_batch(folder / "test_batch")])
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
# Pixels are integers from 0 to 255. Networks start with small random weights and expect small inputs; a value of 255 would make the first steps far too large. The simplest remedy is to divide.
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
    scaled = scale(np.array([0, 51, 255], "uint8"))
    checks.dtype(scaled, "float32", "The scaled array")
    checks.close(scaled, np.array([0.0, 0.2, 1.0]), "The result for the pixels 0, 51, 255")
### BEGIN HIDDEN TESTS
from autograder import submission

every = submission.np.arange(256).astype("uint8").reshape(2, 8, 16)
for given, what in ((every, "all 256 values"), (every[:1], "an image without a pixel of 255")):
    got = submission.checks.as_array(submission.call("scale", given), "scale")
    submission.checks.dtype(got, "float32", "The scaled array")
    submission.checks.shape(got, given.shape, "The scaled array")
    submission.checks.that(
        submission.np.allclose(got, given / 255.0, atol=1e-6),
        f"scale is wrong for {what}: divide by 255, whatever the brightest pixel is.",
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
    train, other = np.array([50, 100, 150], "uint8"), np.array([0, 200], "uint8")
    shaped = [v.reshape(-1, 1, 1, 1) for v in (train, other)]
    first, second = min_max(*shaped)
    checks.dtype(first, "float32", "The first result")
    checks.close(np.ravel(first), np.array([0, 0.5, 1]), "The result for the values 50, 100, 150")
    checks.close(
        np.ravel(second), np.array([-0.5, 1.5]), "The result for 0 and 200 in the second set"
    )
### BEGIN HIDDEN TESTS
from autograder import submission

np, check, rng = submission.np, submission.checks, submission.np.random.default_rng(7)
learn = rng.integers(20, 200, (6, 4, 5, 3)).astype("uint8")
results = []
for unseen in (rng.integers(0, 256, (3, 4, 5, 3)).astype("uint8"), np.zeros((1, 4, 5, 3), "uint8")):
    got = [
        check.as_array(part, "A result of min_max")
        for part in submission.call("min_max", learn, unseen)
    ]
    low, high = float(learn.min()), float(learn.max())
    check.equal(len(got), 2, "The number of results of min_max")
    for part, given in zip(got, (learn, unseen)):
        check.dtype(part, "float32", "A result of min_max")
        check.shape(part, given.shape, "A result of min_max")
        check.that(
            np.allclose(part, (given.astype(float) - low) / (high - low), atol=1e-5),
            "min_max is wrong for other arrays: use one minimum and one maximum over all values of "
            "the first set, and compute with floats, because bytes overflow.",
        )
    results.append(got[0])
check.that(np.array_equal(*results), "The training set's result depends on the other set: a leak.")
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
    values = train.astype("float64")
    mean, deviation = values.mean(axis=(0, 1, 2)), values.std(axis=(0, 1, 2))
    return tuple(((x - mean) / deviation).astype("float32") for x in (train, other))
    ### END SOLUTION

# %% tests="load-standardise" points=3
with checks.exercise(
    "load-standardise", hidden="other arrays and numbers of channels, no leak from the second set"
):
    few, more = x_all[:50], x_test[:20]
    first, second = standardise(few, more)
    checks.dtype(first, "float32", "The first result")
    checks.shape(second, more.shape, "The second result")
    checks.close(first.mean(axis=(0, 1, 2)), np.zeros(3), "The mean of each channel", atol=1e-3)
    checks.close(first.std(axis=(0, 1, 2)), np.ones(3), "The deviation of each channel", rtol=1e-3)
    leaks = np.allclose(second.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    checks.that(not leaks, "The second set has mean 0: you standardized it with its own mean.")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check, rng = submission.np, submission.checks, submission.np.random.default_rng(8)
for channels in (3, 1, 4):
    learn = (
        rng.normal(size=(7, 5, 6, channels)) * np.arange(2, 2 + channels) + 30 * np.arange(channels)
    ).astype("float32")
    results = []
    for unseen in (
        rng.normal(50, 9, (3, 5, 6, channels)).astype("float32"),
        np.zeros((2, 5, 6, channels), "float32"),
    ):
        got = [
            check.as_array(part, "A result of standardise")
            for part in submission.call("standardise", learn, unseen)
        ]
        mean, deviation = learn.mean(axis=(0, 1, 2)), learn.std(axis=(0, 1, 2))
        check.equal(len(got), 2, "The number of results of standardise")
        for part, given in zip(got, (learn, unseen)):
            check.dtype(part, "float32", "A result of standardise")
            check.shape(part, given.shape, "A result of standardise")
            check.that(
                np.allclose(part, (given - mean) / deviation, rtol=1e-3, atol=1e-3),
                "standardise is wrong for other arrays: use one mean and one deviation for each "
                "channel, over the images, rows and columns of the first set.",
            )
        results.append(got[0])
    check.that(
        np.array_equal(*results), "The training set's result depends on the other set: a leak."
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

    labels: (N,) or (N, 1) integers from 0 to classes - 1
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
    rows = one_hot(np.array([2, 0]), 3)
    checks.shape(rows, (2, 3), "The array for two labels of three classes")
    checks.dtype(rows, "float32", "The array")
    checks.equal(np.asarray(rows).tolist(), [[0, 0, 1], [1, 0, 0]], "The list of rows for 2, 0")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks
for labels, classes, what in (
    ([3, 3, 0], 10, "classes that do not occur"),
    ([[1], [4], [2]], 5, "labels of shape (N, 1)"),
    (list(range(100)), 100, "100 classes"),
):
    given = submission.np.array(labels)
    got = check.as_array(submission.call("one_hot", given, classes), "one_hot")
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

    labels: (N,) integers; n_val: number of validation images
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
    train, val = stratified_split(y_all, len(y_all) // 10)
    checks.equal(len(val), len(y_all) // 10, "The number of validation images")
    checks.equal(len(train), len(y_all) - len(val), "The number of training images")
    checks.equal(len(set(train) & set(val)), 0, "The number of images in both sets")
    shares = np.bincount(y_all[val], minlength=10).tolist()
    checks.equal(shares, [len(val) // 10] * 10, "The number of validation images of each class")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check, rng = submission.np, submission.checks, submission.np.random.default_rng(3)
for counts, n_part in (([40, 40, 40], 30), ([30, 10, 50, 20], 22), ([12] * 10, 40)):
    given = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    picked = []
    for seed in (1, 2, 1):
        parts = submission.call("stratified_split", given, n_part, seed)
        check.equal(len(parts), 2, "The number of results of stratified_split")
        rest, part = (check.as_array(one, "The positions").astype(int) for one in parts)
        check.equal(len(part), n_part, "The number of validation images")
        check.that(
            np.array_equal(np.sort(np.concatenate([rest, part])), np.arange(len(given))),
            "The two sets together do not contain every image exactly once.",
        )
        found = np.bincount(given[part], minlength=len(counts)).tolist()
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
# | *full* and *quick*, the official files | 45,000, 5,000, 10,000, of each class 4,500, 500 and 1,000 | channel means 0.491, 0.482, 0.447 and deviations 0.245, 0.243, 0.261 after scaling |
# | *offline*, generated batch files | 900, 100, 200, of each class 90, 10 and 20 | channel means 0.375, 0.376, 0.367 and deviations 0.272, 0.271, 0.274 after scaling |
#
# These figures do not depend on the machine. The seed only affects which images are used for validation. The figures for the official files were measured on CIFAR-10 saved as JPEG.

# %% [markdown]
# ## Take-away
#
# The shape of an array says nothing about the order of its contents, so look at the images before you train anything. Whatever is learned from data, even a mean, comes from the training images only. A stratified split keeps every class's share, and a seed lets others repeat it.
#
# **Going further.** The test set has 1,000 images of each class. If a network is right about 66% of them, by how much would that figure change with another 10,000 images?
