# %% [markdown]
# # Inspection: what a trained network has learned, and what it has not
#
# **120 minutes, 20 points.** Builds on *03 NET I*.
#
# In this assignment you
#
# * **compare** the weights of a network before and after training,
# * **sort** its predictions by confidence, and **count** its confusions among ten classes and among a hundred,
# * **look** at what each layer computes from an image,
# * **map** the features of three layers at three stages of training, and **measure** how well they separate the classes.

# %% [markdown] locked="look-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="look-setup"
# build writes the set-up cell here.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from convcourse import data, features, plots, profile, training

keras.utils.set_random_seed(1)

# %%
images = data.load("cifar10")
scaled = images.scaled()
x_train, y_train = scaled.x_train, scaled.y_train.ravel()
x_test, y_test = scaled.x_test, scaled.y_test.ravel()

# %% [markdown]
# ## 1. A network to inspect
#
# A test accuracy of 0.7 does not say which three images in ten go wrong, whether the network knows it, or what it looked at. Before you trust a network with images that nobody will check, or before you improve one, you want to know. Each section of this assignment asks the network one such question, and answers it with a picture *and* a number.
#
# Our network has the convolutions of NET I and three fully connected (FC) layers of 384, 192 and 10 units. Each layer has a name. `model.get_layer("fc1")` finds a layer by its name, and `features.activations(model, "fc1", x)` computes its output for the images `x`.

# %%
def build_named(classes=10, width=1.0):
    layers = keras.layers
    net = keras.Sequential([layers.Input((32, 32, 3))])
    for number, filters in enumerate((32, 64, 64), start=1):
        net.add(layers.Conv2D(round(width * filters), 3, activation="relu", name=f"conv{number}"))
        net.add(layers.MaxPooling2D(name=f"pool{number}"))
    net.add(layers.Flatten(name="flatten"))
    for number, units in enumerate((384, 192), start=1):
        net.add(layers.Dense(round(width * units), activation="relu", name=f"fc{number}"))
    net.add(layers.Dense(classes, activation="softmax", name="out"))
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net

# %%
net = build_named()
fresh = net.get_weights()
print(f"first loss {training.first_loss(net, x_test, y_test):.3f}, log(10) is {np.log(10):.3f}")
print(f"accuracy on the 100 images it was trained on: {training.overfits(net, x_train, y_train, epochs=30):.2f}")

# %% [markdown]
# We interrupt the training twice and save the weights each time, so we have the weights of an early epoch, of one in the middle, and of the last. With 28 epochs, these are the weights after epochs 4, 14 and 28.

# %%
last = profile.epochs(28)
marks = [max(1, round(last * share)) for share in (1 / 7, 1 / 2, 1)]
snapshots = {0: fresh}
for before, mark in zip([0, *marks], marks):
    span = {"initial_epoch": before, "epochs": mark}
    training.fit(net, f"look_{mark}", x_train, y_train, batch_size=64, **span)
    snapshots[mark] = net.get_weights()

# %%
for mark, weights in snapshots.items():
    net.set_weights(weights)
    known, new = (
        net.evaluate(*pair, batch_size=256, verbose=0)[1]
        for pair in ((x_train[:2_000], y_train[:2_000]), (x_test, y_test))
    )
    print(f"after epoch {mark:2}: accuracy {known:.3f} on training images, {new:.3f} on test images")

# %% [markdown]
# ## 2. Weights and biases
#
# Keras initializes a kernel with numbers drawn uniformly between $-m$ and $m$, following Glorot and Bengio (2010), and biases with zeros:
#
# $$m = \sqrt{\frac{6}{n_{\text{in}} + n_{\text{out}}}}$$
#
# Here $n_{\text{in}}$ is the number of values from which one output is computed, and $n_{\text{out}}$ is the number of outputs that use one input value. In an FC layer, these are the numbers of inputs and units. In a convolution with a kernel of shape (height, width, channels, filters), they are height · width · channels and height · width · filters.
#
# **Predict.** Which of the six kernels starts with the largest numbers? Which starts with the smallest?

# %% [markdown]
# **Exercise (2 points).** Write `glorot_limit`.

# %% solution="look-limit-answer"
def glorot_limit(shape):
    """Return the largest absolute value that an initial weight can have.

    shape: a kernel's shape, a tuple (inputs, units) or (height, width, channels, filters)
    Returns m of the formula, a float that is not rounded.

    Example: glorot_limit((100, 50)) is 0.2.
    """
    ### BEGIN SOLUTION
    places = np.prod(shape[:-2])
    return float(np.sqrt(6 / (places * (shape[-2] + shape[-1]))))
    ### END SOLUTION

# %% tests="look-limit" points=2
with checks.exercise("look-limit", hidden="kernels of other shapes, including kernels that are not square"):
    checks.close(glorot_limit((100, 50)), 0.2, "The limit for the shape (100, 50)")
    for shape, inputs in (((3, 3, 20, 30), (9, 9, 20)), ((70, 40), (70,))):
        layer = keras.layers.Conv2D(30, 3) if len(shape) == 4 else keras.layers.Dense(40)
        layer.build((None, *inputs))
        limit = checks.as_array(glorot_limit(shape), f"The limit for the shape {shape}")
        checks.shape(limit, (), f"The limit for the shape {shape}")
        largest, limit = np.abs(layer.kernel.numpy()).max(), float(limit)
        said = f"An initial kernel of shape {shape} reaches {largest:.4f}; your limit is {limit:.4f}"
        checks.that(limit >= largest, f"{said}. Is 6 divided by the sum of both numbers, and is nothing rounded?")
        checks.that(limit <= 1.05 * largest, f"{said}. Does height · width count in both terms?")
### BEGIN HIDDEN TESTS
from autograder import submission

cases = ((5, 5, 3, 64), (1, 7, 16, 16), (256, 384), (3, 3, 64, 32), (10, 14), (7, 2, 5, 1))
for shape in (*cases, (1, 1, 40, 20), (3, 1)):
    area = shape[0] * shape[1] if len(shape) == 4 else 1
    want = (6 / (area * shape[-2] + area * shape[-1])) ** 0.5
    got = submission.call("glorot_limit", shape)
    kind = "an FC layer" if len(shape) == 2 else "a convolution"
    kind += " with a kernel that is not square" if len(shape) == 4 and shape[0] != shape[1] else ""
    limit = submission.checks.as_array(got, f"The limit for {kind}")
    rounded = limit.shape == () and float(limit) in [round(want, digits) for digits in range(1, 9)]
    submission.checks.that(
        not rounded or abs(limit - want) < 1e-12, f"The limit for {kind} is rounded: return all digits."
    )
    submission.checks.close(got, want, f"The limit for {kind}")
### END HIDDEN TESTS

# %%
hints.show("look-limit")

# %% [markdown]
# A *histogram* counts how many values fall into each of several bins. To compare kernels of different sizes, their histograms must share two things:
#
# * **The bins.** They are equally wide and reach from $-m$ to $m$, where $m$ is now the largest absolute value in *all* the arrays.
# * **The scale.** A kernel of 98,304 weights has larger counts than one of 864. The *density* of a bin is its count divided by the number of values in that array and by the width of the bin. The areas of an array's bars then add up to 1.
#
# **Exercise (2 points).** Write `shared_histograms` for arrays of any shape.

# %% solution="look-histograms-answer"
def shared_histograms(arrays, bins):
    """Compute the densities of several arrays over the same bins.

    arrays: a list of arrays of any shapes, not all zero, which stay as they are
    bins: the number of bins
    Returns (edges, densities): edges (bins + 1,) from -m to m, where m is the largest absolute
    value in any array, and densities (len(arrays), bins).

    Example: shared_histograms([np.array([-2.0, 1.0, 2.0, 2.0])], 2) is
    ([-2, 0, 2], [[0.125, 0.375]]).
    """
    ### BEGIN SOLUTION
    m = max(np.abs(a).max() for a in arrays)
    edges = np.linspace(-m, m, bins + 1)
    densities = [np.histogram(a, edges, density=True)[0] for a in arrays]
    return edges, np.stack(densities)
    ### END SOLUTION

# %% tests="look-histograms" points=2
with checks.exercise("look-histograms", hidden="arrays of other shapes and sizes, other bins"):
    result = checks.unchanged(shared_histograms, [np.array([-2.0, 1.0, 2.0, 2.0])], 2)
    checks.that(
        isinstance(result, (list, tuple)) and len(result) == 2,
        "shared_histograms must return two values: the edges and the densities.",
    )
    checks.close(result[0], np.array([-2.0, 0.0, 2.0]), "The array of edges for -2, 1, 2, 2 in two bins")
    checks.close(result[1], np.array([[0.125, 0.375]]), "The array of densities for -2, 1, 2, 2")
    arrays = [np.full((3, 2), 0.5), np.array([-4.0, 3.0])]
    edges, densities = checks.unchanged(shared_histograms, arrays, 8)
    checks.close(edges, np.arange(-4.0, 5.0), "The array of edges for two arrays with values from -4 to 3")
    checks.shape(densities, (2, 8), "The array of densities of two arrays in eight bins")
    checks.close(np.sum(densities, axis=1), np.ones(2), "The total area of each array's bars")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(10)
submission.unchanged("shared_histograms", [np.array([[0.5, -3.0]]), np.array([2.0])], 3)
for shapes, bins, shift in (
    ([(3, 3, 4, 5), (20, 7), (9,)], 11, 0.3),
    ([(6,)], 3, 0.0),
    ([(2, 900), (4, 1)], 40, -0.3),
    ([(5, 2), (3,)], 1, 20.0),
    ([(5, 2), (3,)], 7, -20.0),
):
    arrays = [rng.normal(shift, 1 + k, size=shape) for k, shape in enumerate(shapes)]
    if len(arrays) == 3:  # biases are often 0
        arrays[0][..., ::2], arrays[2][:] = 0.0, 0.0
    result = submission.call("shared_histograms", arrays, bins)
    pair = isinstance(result, (list, tuple)) and len(result) == 2
    check.that(pair, "shared_histograms must return two values: the edges and the densities.")
    m = max(float(np.max(np.abs(a))) for a in arrays)
    want = np.linspace(-m, m, bins + 1)
    check.close(result[0], want, "The array of edges for other arrays and bins, from -m to m,")
    got = check.as_array(result[1], "The array of densities")
    check.shape(got, (len(arrays), bins), "The array of densities")
    for row, array in zip(got, arrays):
        check.that(
            np.allclose(row, np.histogram(array, want, density=True)[0], rtol=1e-4),
            "A density is wrong: it is the count divided by the array's size and by the bin's "
            "width, and all arrays have the same bins. Values of 0 count, too.",
        )
### END HIDDEN TESTS

# %%
hints.show("look-histograms")

# %%
names = [layer.name for layer in net.layers if layer.weights]
fig, axes = plt.subplots(2, 3, figsize=(8, 4.5), layout="constrained")
for ax, name, first, trained in zip(axes.flat, names, fresh[::2], snapshots[last][::2]):
    edges, (before, after) = shared_histograms([first, trained], 60)
    ax.stairs(before, edges, fill=True, color="0.75", label="before training")
    ax.stairs(after, edges, color=plots.COLOURS[0], label=f"after epoch {last}")
    ax.axvline(glorot_limit(first.shape), color="k", linestyle=":", linewidth=1)
    ax.set(title=f"{name}, {first.size:,} weights", xlabel="weight", ylabel="density")
axes[0, 0].legend(fontsize=7)
plt.show()

# %%
fig, axes = plt.subplots(2, 3, figsize=(8, 4), layout="constrained")
for ax, name, trained in zip(axes.flat, names, snapshots[last][1::2]):
    edges, (density,) = shared_histograms([trained], 30)
    ax.stairs(density, edges, fill=True, color=plots.COLOURS[4])
    ax.axvline(0, color="k", linestyle=":", linewidth=1)
    ax.set_title(f"{name}, {trained.size} biases, {(trained < 0).mean():.0%} below 0", fontsize=9)
    ax.set(xlabel="bias", ylabel="density")
plt.show()

# %% [markdown]
# The dotted lines mark where the initial values of a kernel end and where all biases started. Training widens a flat box into a bell with long tails: most weights change little, and a few change a lot. In the layers with many weights, the box is still visible. With a ReLU, a negative bias is a threshold that a pattern must exceed before the unit responds. In conv3, most biases are negative in all six training runs of *What others got*; in the other layers, the prevailing sign depends on the images.

# %% [markdown]
# ## 3. Sure and unsure, right and wrong
#
# The *confidence* of a prediction is the largest of its probabilities. Confidence and correctness divide the images into four groups with different meanings: right and sure (the easy ones), right and unsure (lucky), wrong and unsure (hard, and the network knows it), wrong and sure (hard, and the network does not know it).
#
# **Predict.** What share of the predictions with a confidence over 0.9 is right?

# %% [markdown]
# **Exercise (2 points).** Write `extremes`. If confidences are equal, the smaller position comes first.

# %% solution="look-extremes-answer"
def extremes(probabilities, labels, k=5):
    """Find the images at both ends of the right and of the wrong predictions.

    probabilities: (N, classes); labels: (N,) integers; both stay as they are
    Returns a dictionary of four lists of at most k positions (integers), fewer if a group has
    fewer images: "right, sure" and "wrong, sure" start with the highest confidence, "right,
    unsure" and "wrong, unsure" with the lowest.

    Example: with the rows [0.9, 0.1] and [0.6, 0.4] and the labels [0, 1], "right, sure" and
    "right, unsure" are [0], and "wrong, sure" and "wrong, unsure" are [1].
    """
    ### BEGIN SOLUTION
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    groups = {}
    for word, chosen in (("right", right), ("wrong", ~right)):
        for name, order in (("sure", -confidence), ("unsure", confidence)):
            found = [int(i) for i in np.argsort(order, kind="stable") if chosen[i]]
            groups[f"{word}, {name}"] = found[:k]
    return groups
    ### END SOLUTION

# %% tests="look-extremes" points=2
with checks.exercise("look-extremes", hidden="many images, equal confidences, small and empty groups"):
    rows = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8], [0.55, 0.45]])
    groups = checks.unchanged(extremes, rows, np.array([0, 1, 1, 0, 0]), k=2)
    checks.equal(
        groups,
        {
            "right, sure": [0, 1],
            "right, unsure": [4, 1],
            "wrong, sure": [3, 2],
            "wrong, unsure": [2, 3],
        },
        "The dictionary for five images",
    )
    groups = extremes(rows[:2], np.array([0, 0]))
    checks.equal(groups["right, sure"], [0], "The group 'right, sure' for one right image and k=5")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(11)
submission.unchanged("extremes", rng.dirichlet(np.full(3, 0.4), size=9), np.arange(9) % 3, 2)
for amount, classes, k, what in (
    (300, 10, 5, "300 images of ten classes"),
    (300, 10, None, "300 images and the k of the signature"),
    (40, 3, 12, "40 images of three classes and k=12"),
    (20, 3, 1, "20 images and k=1"),
    (6, 4, 9, "six images and k=9"),
    (8, 3, 3, "images that are all right"),
    (8, 3, 3, "images that are all wrong"),
    (30, 5, 4, "images with equal confidences"),
    (300, 5, 40, "many images with equal confidences"),
    (60, 4, 9, "images whose confidences are all nearly the same"),
):
    rows = rng.dirichlet(np.full(classes, 0.4), size=amount)
    if what.endswith(("confidences", "the same")):
        share = rng.choice([0.5, 0.75] if amount > 100 else [0.5], size=(amount, 1))
        if what.endswith("the same"):  # rounded to three digits, most of them are equal
            share = 0.96 + 1e-4 * rng.random((amount, 1))
        rows = np.eye(classes)[rng.integers(classes, size=amount)] * share + (1 - share) / classes
    labels = np.where(rng.random(amount) < 0.6, rows.argmax(axis=1), rng.integers(classes, size=amount))
    if what.startswith("images that are all"):
        labels = (rows.argmax(axis=1) + what.endswith("wrong")) % classes
    got = submission.call("extremes", rows, labels, *([k] if k else []))
    check.that(isinstance(got, dict), "extremes does not return a dictionary.")
    confidence, right = rows.max(axis=1), rows.argmax(axis=1) == labels
    for group, chosen, sign in (
        ("right, sure", right, -1),
        ("right, unsure", right, 1),
        ("wrong, sure", ~right, -1),
        ("wrong, unsure", ~right, 1),
    ):
        order = np.argsort(sign * confidence, kind="stable")
        want = [int(i) for i in order if chosen[i]][: k or 5]
        check.that(group in got, f"The dictionary lacks {group!r}.")
        check.that(
            got[group] is not None,
            f"The group {group!r} is None for {what}; a group without images is an empty list.",
        )
        found = check.as_array(got[group], f"The group {group!r}")
        check.that(
            found.ndim == 1 and (found.dtype.kind in "iu" or not found.size),
            f"The group {group!r} must be a list of positions, which are integers.",
        )
        check.that(found.tolist() == want, f"The group {group!r} is wrong for {what}.")
### END HIDDEN TESTS

# %%
hints.show("look-extremes")

# %%
probabilities = net.predict(x_test, batch_size=256, verbose=0)
predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
groups = extremes(probabilities, y_test)
for name, found in groups.items():
    print(f"{name:<14} confidence", " ".join(f"{confidence[i]:.3f}" for i in found))

# %%
fig, axes = plt.subplots(4, 5, figsize=(7, 5), layout="constrained")
for row, (name, found) in zip(axes, groups.items()):
    for ax, i in zip(row, found):
        ax.imshow(images.x_test[i])
        said, truth = (images.class_names[c] for c in (predicted[i], y_test[i]))
        ax.set_title(f"{said} {confidence[i]:.2f}" + (f"\nnot {truth}" if said != truth else ""), fontsize=7)
    row[0].text(-8, 16, name, rotation=90, ha="right", va="center")
for ax in axes.flat:
    ax.axis("off")
plt.show()

# %% [markdown]
# Does the confidence deserve its name? Among the predictions with a confidence near 0.9, nine out of ten should be right. The next figure compares the two. Above the dotted line, a network is right more often than its confidence says; below it, less often.

# %%
edges = np.linspace(0.3, 1.0, 8)
middles, shares = [], []
for low, high in zip(edges, edges[1:]):
    chosen = (confidence > low) & (confidence <= high)
    if chosen.sum() >= 10:
        middles.append(confidence[chosen].mean())
        shares.append((predicted == y_test)[chosen].mean())

# %%
fig, ax = plt.subplots(figsize=(5, 4))
ax.plot([0.3, 1], [0.3, 1], color="0.4", linestyle=":", label="confidence equals accuracy")
ax.plot(middles, shares, marker="o", color=plots.COLOURS[0], label="test images")
ax.set(xlabel="mean confidence of the bin", ylabel="share of right predictions")
ax.legend()
plt.show()

# %% [markdown] answer="look-hard" points=2
# **What do you see?** (2 points) What do the wrong and sure images have in common, and how do they differ from the wrong and unsure ones? Is the network as often right as its confidence says? Give numbers from the curve, and explain why "discard the predictions that the network is unsure of" would not remove all errors.
#
# ### BEGIN SOLUTION
# *Rubric.* One point for the images: in each sure error, something suggests the wrong class (a bar or a texture that completes another shape, a hidden part, a background typical of the other class, two similar classes), while the unsure ones show too little of anything. One point for the confidence: the curve lies below the line at high confidence, so the network is more confident than it is right (with two numbers read from the curve); some errors have a confidence near 1 and remain whatever threshold is chosen.
# ### END SOLUTION

# %% [markdown]
# ## 4. Which classes does it confuse?
#
# In a *confusion matrix* $C$, the entry $C_{ij}$ counts the images of class $i$ that are predicted as class $j$: rows are true classes, and columns are predicted classes. The diagonal holds the right predictions, and each row adds up to the number of images of its class.
#
# **Exercise (2 points).** Write `confusion_matrix` with NumPy.

# %% solution="look-confusion-answer"
def confusion_matrix(labels, predicted, classes):
    """Count each pair of true and predicted class.

    labels, predicted: (N,) integers from 0 to classes - 1, which stay as they are
    Returns (classes, classes) counts; rows are true classes, columns are predicted classes. A class
    that occurs in neither array has a row and a column of zeros.

    Example: confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2) is [[1, 1], [0, 1]].
    """
    ### BEGIN SOLUTION
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix
    ### END SOLUTION

# %% tests="look-confusion" points=2
with checks.exercise("look-confusion", hidden="more classes, some of which do not occur"):
    matrix = checks.unchanged(confusion_matrix, np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    matrix, wanted = checks.as_array(matrix, "The matrix"), np.array([[1, 1], [0, 1]])
    on_its_side = np.array_equal(matrix, wanted.T)
    checks.that(not on_its_side, "The matrix is transposed: rows are true classes.")
    checks.array_equal(matrix, wanted, "The matrix of three images")
    matrix = confusion_matrix(np.array([2, 2, 2]), np.array([0, 0, 2]), 4)
    wanted = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [2, 0, 1, 0], [0, 0, 0, 0]])
    checks.array_equal(matrix, wanted, "The matrix of three images of class 2, for four classes,")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(12)
submission.unchanged("confusion_matrix", np.array([2, 0, 1]), np.array([2, 1, 1]), 3)
for classes, amount in ((10, 500), (100, 2_000), (5, 4), (3, 1), (2, 3_000)):
    labels, guesses = rng.integers(classes, size=(2, amount))
    want = [[int(np.sum((labels == i) & (guesses == j))) for j in range(classes)] for i in range(classes)]
    got = check.as_array(submission.call("confusion_matrix", labels, guesses, classes), "The matrix")
    case = f"The matrix of {classes} classes from {amount:,} image{'s' if amount > 1 else ''}"
    check.shape(got, (classes, classes), case)
    check.that(
        not np.array_equal(got, np.transpose(want)) or np.array_equal(got, want),
        "The matrix is transposed: rows are true classes, columns are predicted classes.",
    )
    check.that(
        got.dtype.itemsize > 1 or np.array_equal(got, want),
        f"{case} has dtype {got.dtype}, which cannot hold all counts.",
    )
    check.array_equal(got, np.array(want), case)
### END HIDDEN TESTS

# %%
hints.show("look-confusion")

# %%
matrix = confusion_matrix(y_test.astype(int), predicted, 10)
plots.confusion(matrix, images.class_names)
plt.show()

# %% [markdown]
# ### A hundred classes
#
# Nobody can read the numbers of a 100 × 100 matrix. A report on CIFAR-100 could only show it in color. Two things help: **order** the classes so that similar ones are neighbors, and **merge** them. The hundred classes form 20 *superclasses* of five each, so we can do both: confusions among similar classes become dark blocks along the diagonal, and a 20 × 20 matrix is readable again.
#
# **Predict.** A network has so far learned little about a hundred classes. When it is wrong, does it at least predict the right superclass?

# %%
many = data.load("cifar100")
many_scaled = many.scaled()
net100 = build_named(100, width=profile.width(2.0) if profile.current().name == "offline" else 1.0)
training.fit(net100, "look_100", many_scaled.x_train, many.y_train, batch_size=64, epochs=profile.epochs(12))
predicted100 = net100.predict(many_scaled.x_test, batch_size=256, verbose=0).argmax(axis=1)
matrix100 = confusion_matrix(many.y_test.ravel().astype(int), predicted100, 100)
print(f"test accuracy on a hundred classes: {np.trace(matrix100) / matrix100.sum():.3f}")

# %%
group_of = np.zeros(100, int)
group_of[many.y_test.ravel()] = many.coarse_test.ravel()
order = np.argsort(group_of, kind="stable")
names100 = np.array(many.class_names)[order]
group_names = [f"{name} …" for name in names100[::5]]

# %%
fig, ax = plt.subplots(figsize=(6, 5))
plots.confusion(np.sqrt(matrix100[order][:, order]), names100, ax=ax)
ax.set_xticks(range(2, 100, 5), group_names, rotation=90, fontsize=6)
ax.set_yticks(range(2, 100, 5), group_names, fontsize=6)
for edge in range(5, 100, 5):
    ax.axhline(edge - 0.5, color="0.85", linewidth=0.4)
    ax.axvline(edge - 0.5, color="0.85", linewidth=0.4)
ax.set_title("square roots of the counts, one tick per superclass", fontsize=9)
plt.show()

# %% [markdown]
# **Exercise (2 points).** Write `merge_classes`, which adds up the counts of all classes of a group.

# %% solution="look-merge-answer"
def merge_classes(matrix, group_of):
    """Compute the confusion matrix of groups of classes.

    matrix: (C, C) counts; group_of: (C,) the group of each class, integers from 0; both stay as
    they are
    Returns (G, G) counts, where G is the largest group plus one. A group may have no class; its
    row and its column are 0.

    Example: merge_classes(np.array([[5, 1, 0], [2, 3, 1], [0, 0, 6]]), np.array([0, 0, 1])) is
    [[11, 1], [0, 6]].
    """
    ### BEGIN SOLUTION
    member = np.eye(group_of.max() + 1, dtype=int)[group_of]
    return member.T @ matrix @ member
    ### END SOLUTION

# %% tests="look-merge" points=2
with checks.exercise("look-merge", hidden="a hundred classes, groups in any order, a group without classes"):
    counts = np.array([[5, 1, 0], [2, 3, 1], [0, 0, 6]])
    merged = checks.unchanged(merge_classes, counts.copy(), np.array([0, 0, 1]))
    checks.array_equal(merged, np.array([[11, 1], [0, 6]]), "The matrix of three classes in two groups")
    merged = merge_classes(counts.copy(), np.array([1, 0, 1]))
    checks.array_equal(merged, np.array([[3, 3], [1, 11]]), "The matrix with classes 0 and 2 in one group")
    merged = merge_classes(counts.copy(), np.array([0, 2, 2]))
    wanted = np.array([[5, 0, 1], [0, 0, 0], [2, 0, 10]])
    checks.array_equal(merged, wanted, "The matrix with no class in group 1")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(13)
submission.unchanged("merge_classes", np.arange(16).reshape(4, 4), np.array([1, 0, 1, 0]))
for classes, wanted in ((100, 20), (12, 12), (7, 1), (30, 4), (6, 9)):
    of = rng.permutation(np.arange(classes) % wanted)
    if classes < wanted:
        of[0] = wanted - 1
    counts = rng.integers(0, 9, size=(classes, classes))
    want = np.array([[counts[of == i][:, of == j].sum() for j in range(wanted)] for i in range(wanted)])
    case = f"The matrix of {classes} classes in {wanted} groups" + " in any order" * (wanted > 1)
    got = check.as_array(submission.call("merge_classes", counts, of), case)
    check.shape(got, (wanted, wanted), case)
    check.that(got.dtype.kind in "iuf", f"{case} does not hold counts.")
    check.that(got.sum() == counts.sum(), f"{case} loses some images or counts some twice.")
    check.that(
        not np.array_equal(got, want.T) or np.array_equal(got, want),
        f"{case} is transposed: rows are true classes, columns are predicted classes.",
    )
    check.array_equal(got, want, case)
### END HIDDEN TESTS

# %%
hints.show("look-merge")

# %%
merged = merge_classes(matrix100, group_of)
plots.confusion(merged, group_names)
plt.show()

# %%
right, same_group = np.trace(matrix100), np.trace(merged)
wrong = matrix100.sum() - right
print(f"right superclass: {same_group / matrix100.sum():.3f}")
print(f"of the errors, {(same_group - right) / wrong:.3f} stay in the superclass; by chance 4/99 = 0.040")

# %%
off_diagonal = matrix100 - np.diag(np.diag(matrix100))
for flat in np.argsort(-off_diagonal, axis=None, kind="stable")[:6]:
    i, j = np.unravel_index(flat, off_diagonal.shape)
    print(f"{off_diagonal[i, j]:3} times {many.class_names[i]} is predicted as {many.class_names[j]}")

# %% [markdown]
# ## 5. Feature maps
#
# A convolution with 32 filters turns an image into 32 *feature maps*, which are images again and are bright where the filter found its pattern. To make each map visible, we scale it separately, from its lowest value (black) to its highest (white):
#
# $$a'_{ijc} = \frac{a_{ijc} - \min_c}{\max_c - \min_c}$$
#
# A map that has the same value everywhere found nothing and stays black.
#
# **Exercise (2 points).** Write `scaled_maps`. It puts the axis of the maps first, so that they can be drawn like a row of gray images.

# %% solution="look-maps-answer"
def scaled_maps(maps):
    """Scale each feature map of one image to the range from 0 to 1.

    maps: (H, W, C) floats, which stay as they are
    Returns (C, H, W, 1) floats; a map whose values are all equal becomes 0 everywhere.

    Example: the single map [[[2.0], [4.0]], [[3.0], [2.0]]] becomes [[[[0.0], [1.0]], [[0.5], [0.0]]]].
    """
    ### BEGIN SOLUTION
    low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
    span = np.where(high > low, high - low, 1)
    return np.moveaxis((maps - low) / span, -1, 0)[..., None]
    ### END SOLUTION

# %% tests="look-maps" points=2
with checks.exercise("look-maps", hidden="maps of other sizes, negative values, equal values"):
    one = np.array([[[2.0], [4.0]], [[3.0], [2.0]]])
    wanted = np.array([[0, 1], [0.5, 0]]).reshape(1, 2, 2, 1)
    checks.close(checks.unchanged(scaled_maps, one), wanted, "The result for the map of the example")
    two = np.concatenate([one, 10 - 6 * one], axis=2)
    both = checks.as_array(scaled_maps(two), "The result for two maps")
    checks.shape(both, (2, 2, 2, 1), "The result for two maps of 2 × 2")
    checks.close(both[0], wanted[0], "The first of two maps")
    checks.close(both[1], 1 - wanted[0], "The second map")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(14)
submission.unchanged("scaled_maps", rng.normal(size=(3, 4, 2)))
for height, width, count, largest in (
    (5, 7, 3, 9), (2, 2, 64, 9), (30, 30, 1, 9), (1, 9, 2, 9), (6, 4, 5, 0.002)
):
    small = largest < 1
    maps = rng.normal(size=(height, width, count)) * rng.uniform(0.2, 1, count) * largest
    at = count // 2
    maps[:, :, at] = rng.choice([0.0, 3.0, -2.0])
    got = check.as_array(submission.call("scaled_maps", maps), "The result of scaled_maps")
    check.shape(got, (count, height, width, 1), "The result of scaled_maps")
    check.that(got.dtype.kind in "iuf", "The result of scaled_maps does not hold numbers.")
    check.that(np.isfinite(got).all(), "A map of equal values becomes nan; it should become 0.")
    check.that(
        np.ptp(got[at]) == 0,
        "A map of equal values becomes one of different values: put the axis of the maps first "
        "with np.moveaxis or transpose, as reshape mixes the maps.",
    )
    check.that(not got[at].any(), "A map of equal values is not 0 everywhere.")
    others = [c for c in range(count) if c != at]
    low, high = maps[..., others].min(axis=(0, 1)), maps[..., others].max(axis=(0, 1))
    want = np.moveaxis((maps[..., others] - low) / (high - low), -1, 0)[..., None]
    what = "The result for maps that are not constant"
    what += ", but whose values are small and close together," if small else ""
    check.close(got[others], want, what, atol=1e-3 if small else 1e-5)
### END HIDDEN TESTS

# %%
hints.show("look-maps")

# %%
def show_layer(ax, name, values):
    """Draw eight maps of one layer side by side, or the values of an FC layer as a strip."""
    if values.ndim == 3:
        plots.contact_sheet(scaled_maps(values)[:8], columns=8, ax=ax)
        empty = f"{np.mean(values.max(axis=(0, 1)) <= 0):.0%} of the maps are empty"
    else:
        ax.imshow(values[None], cmap="gray", aspect="auto")
        ax.axis("off")
        empty = f"{np.mean(values <= 0):.0%} of the values are 0"
    size = " × ".join(map(str, values.shape))
    ax.set_title(f"{name}: {size}, {empty}", fontsize=8, loc="left")

# %%
def show_way(model, image, names):
    fig, axes = plt.subplots(1 + len(names), 1, figsize=(7, 5), layout="constrained")
    axes[0].imshow(image, cmap="gray")
    axes[0].axis("off")
    for ax, name in zip(axes[1:], names):
        show_layer(ax, name, features.activations(model, name, image[None])[0])

# %% [markdown]
# ### An eight on its way through a network
#
# We start with a small network for digits: a convolution with 28 filters, pooling, FC 128 and FC 10. What remains of an eight after each layer?

# %%
digits = data.load("mnist")
digits_scaled = digits.scaled()
layers = keras.layers
small = keras.Sequential(
    [
        layers.Input((28, 28, 1)),
        layers.Conv2D(28, 3, activation="relu", name="conv"),
        layers.MaxPooling2D(name="pool"),
        layers.Flatten(name="flatten"),
        layers.Dense(128, activation="relu", name="fc"),
        layers.Dense(10, activation="softmax", name="out"),
    ]
)
small.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
training.fit(small, "look_digits", digits_scaled.x_train, digits.y_train, batch_size=64, epochs=3)
print(f"test accuracy {small.evaluate(digits_scaled.x_test, digits.y_test, verbose=0)[1]:.3f}")

# %%
eight = digits_scaled.x_test[np.flatnonzero(digits.y_test.ravel() == 8)[0]]
show_way(small, eight, ["conv", "pool", "fc", "out"])
plt.show()

# %% [markdown]
# ### From edges to something else
#
# **Predict.** Up to which layer can you recognize the shape by eye? In which layers do most values become 0?

# %%
show_way(net, x_test[groups["right, sure"][0]], ["conv1", "conv2", "conv3", "fc1", "fc2"])
plt.show()

# %% [markdown]
# The maps of the first layer still show the image, with edges and with bright or dark areas enhanced. The maps of the third layer have 4 × 4 pixels: they show coarsely where something was found, and not what it looks like. Many values are 0, even more so in the FC layers: which few units respond describes an image.

# %% [markdown]
# ### A horse in a deeper network
#
# A report follows a horse through a network with four convolutions of 64, 128, 256 and 512 filters and FC layers of 128, 256, 512, 1024 and 10 units, with batch normalization after each. According to the report, the first layers show random effects that make no sense, and the last ones show patterns of objects.
#
# **Predict.** How many pixels does a map of the fourth convolution have, after three poolings? What can you see in it?

# %%
def build_deep(width=1.0):
    layers = keras.layers
    net = keras.Sequential([layers.Input((32, 32, 3))])
    for number, filters in enumerate((64, 128, 256, 512), start=1):
        shape = {"padding": "same", "activation": "relu", "name": f"conv{number}"}
        net.add(layers.Conv2D(round(width * filters), 3, **shape))
        net.add(layers.MaxPooling2D())
        net.add(layers.BatchNormalization())
    net.add(layers.Flatten())
    for units in (128, 256, 512, 1024):
        net.add(layers.Dense(round(width * units), activation="relu", name=f"fc_{units}"))
        net.add(layers.Dropout(0.2))
        net.add(layers.BatchNormalization())
    net.add(layers.Dense(10, activation="softmax", name="out"))
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net

# %%
half = x_train[::2], y_train[::2]  # enough for the figures
deep = build_deep(profile.width())
training.fit(deep, "look_deep", *half, batch_size=32, epochs=profile.epochs(10))
print(f"test accuracy {deep.evaluate(x_test, y_test, batch_size=256, verbose=0)[1]:.3f}")

# %%
horse = np.flatnonzero(y_test == 7)[0]
print(f"class 7 is {images.class_names[7]}")
show_way(deep, x_test[horse], ["conv2", "conv3", "conv4", "fc_128", "fc_256", "fc_1024"])
plt.show()

# %%
fig, axes = plt.subplots(1, 3, figsize=(8, 2.6), layout="constrained")
for ax, name in zip(axes, ("conv4", "fc_1024", "out")):
    kernel = deep.get_layer(name).kernel.numpy()
    edges, (density,) = shared_histograms([kernel], 60)
    ax.stairs(density, edges, fill=True, color=plots.COLOURS[0])
    ax.axvline(glorot_limit(kernel.shape), color="k", linestyle=":", linewidth=1)
    ax.set(title=f"{name}, {kernel.size:,} weights", xlabel="weight", ylabel="density")
plt.show()

# %% [markdown]
# A map of 4 × 4 pixels cannot show an object. It says where in the image that filter's pattern lies, and it distinguishes only sixteen places. What the pattern is depends on the weights of four layers, not on the map. The weights are small for the reason given in section 2: with many inputs, they start small.

# %% [markdown]
# ## 6. A map of the features
#
# *t-SNE* places each image's features as a point in the plane so that neighbors stay neighbors. The map shows which images are close to each other, but says little about how far apart groups are or how large they are.
#
# In a figure, it is easy to see what you hope for. So add a number: the **agreement** of a point is the share of its $k$ nearest neighbors (without the point itself) that have its label. The mean over all points is near 0.1 if ten classes are mixed at random, and 1 if they are separate.
#
# **Exercise (2 points).** Write `neighbour_agreement`.

# %% solution="look-neighbours-answer"
def neighbour_agreement(points, labels, k=10):
    """Measure how often neighbors have the same label.

    points: (N, D) floats, N > k, no two points equal; labels: (N,) integers; both stay as they are
    Returns a float from 0 to 1: for each point, the share of its k nearest other points (by
    Euclidean distance) that have its label, averaged over all points.

    Example: for the points [[0], [1], [5], [6]], the labels [0, 0, 1, 1] and k=1, it is 1.0.
    """
    ### BEGIN SOLUTION
    squares = (points**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * points @ points.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1)[:, :k]
    return float((labels[nearest] == labels[:, None]).mean())
    ### END SOLUTION

# %% tests="look-neighbours" points=2
with checks.exercise("look-neighbours", hidden="points in more dimensions, other values of k"):
    line = [[0.0], [1.0], [5.0], [6.0]]
    pairs = checks.unchanged(neighbour_agreement, np.array(line), np.array([0, 0, 1, 1]), k=1)
    checks.close(pairs, 1.0, "The agreement of two pairs for k=1")
    checks.close(neighbour_agreement(np.array(line), np.array([0, 1, 0, 1]), k=1), 0.0, "The agreement of mixed pairs for k=1")
    checks.close(neighbour_agreement(np.array(line), np.array([0, 0, 1, 1]), k=3), 1 / 3, "The agreement of two pairs for k=3")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(15)
submission.unchanged("neighbour_agreement", rng.normal(size=(9, 2)) + 4, np.arange(9)[::-1] % 4 + 1, 3)
for amount, dimensions, k in ((60, 2, 10), (90, 30, 5), (12, 3, 11), (50, 4, None)):
    points, labels = rng.normal(size=(amount, dimensions)) * 3, rng.integers(4, size=amount)
    points[:, 0] += labels
    total = 0
    for i in range(amount):
        others = [j for j in range(amount) if j != i]
        others.sort(key=lambda j: float(np.sum((points[j] - points[i]) ** 2)))
        total += sum(int(labels[j] == labels[i]) for j in others[: k or 10])
    got = submission.call("neighbour_agreement", points, labels, *([k] if k else []))
    case = f"The agreement of {amount} points in {dimensions} dimensions "
    case += f"with k={k}" if k else "with the k of the signature"
    check.close(got, total / amount / (k or 10), case)
### END HIDDEN TESTS

# %%
hints.show("look-neighbours")

# %% [markdown]
# **Predict.** After the early epoch, which layer's map shows the classes more clearly, flatten or fc1? And at the end?

# %%
mapped = 200
fig, axes = plt.subplots(2, 3, figsize=(8, 5), layout="constrained")
for column, mark in enumerate(marks):
    net.set_weights(snapshots[mark])
    for ax, name in zip(axes[:, column], ("flatten", "fc1")):
        points = features.tsne(features.activations(net, name, x_test[:mapped]))
        for c in range(10):
            x, y = points[y_test[:mapped] == c].T
            ax.scatter(x, y, s=18, marker=f"${c}$", color=plots.COLOURS[c % 6], linewidths=0.2)
        agreement = neighbour_agreement(points, y_test[:mapped])
        ax.set(title=f"{name}, epoch {mark}: {agreement:.2f}", xticks=[], yticks=[])
print(", ".join(f"{c} {name}" for c, name in enumerate(images.class_names)))
plt.show()

# %% [markdown]
# A report shows such maps of flatten and fc1 after epochs 4, 14 and 28. It finds that the classes are hardly separable at first and clearly separable in the middle and at the end, alike in both layers. The numbers in the titles let you check this. They are computed from a map, though, and t-SNE distorts what it maps. Also, a report may have mapped *training* images. So we compute the agreement of the features themselves, on images that the network was trained on and on images that it has never seen.

# %%
def agreement_of(name, x, y, shown=400):
    rows = features.activations(net, name, x[:shown]).reshape(shown, -1)
    return neighbour_agreement(rows, y[:shown])

# %%
print(f"{'':<10}{'training images':>28}{'test images':>28}")
print(f"{'epoch':<10}" + 2 * "".join(f"{name:>14}" for name in ("flatten", "fc1")))
for mark in (0, *marks):
    net.set_weights(snapshots[mark])
    pairs = [(name, *p) for p in ((x_train, y_train), (x_test, y_test)) for name in ("flatten", "fc1")]
    print(f"{mark:<10}" + "".join(f"{agreement_of(*pair):>14.2f}" for pair in pairs))

# %% [markdown]
# ### Random labels
#
# How good can a map look if nothing was learned? The next network trains on 200 images whose labels were shuffled at random. There is nothing to learn about classes, so the network can only memorize each image.
#
# **Predict.** Which agreement will fc2 reach on its training images with their random labels? And on test images with their true labels?

# %%
lot = np.random.default_rng(0).permutation(y_train[:200])
parrot = build_named()
training.fit(parrot, "look_lot", x_train[:200], lot, batch_size=20, epochs=30)

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
cases = {"training images, random labels": (x_train, lot), "test images, true labels": (x_test, y_test)}
for ax, (what, (x, y)) in zip(axes, cases.items()):
    rows = features.activations(parrot, "fc2", x[:200])
    points = features.tsne(rows)
    for c in range(10):
        mine = points[y[:200] == c].T
        ax.scatter(*mine, s=18, marker=f"${c}$", color=plots.COLOURS[c % 6], linewidths=0.2)
    agreement = neighbour_agreement(rows, y[:200])
    ax.set(title=f"{what}: {agreement:.2f}", xticks=[], yticks=[])
plt.show()

# %% [markdown]
# ## 7. A linear probe
#
# To find out whether a layer separates the classes, we train a classifier that can only draw straight boundaries. A linear *support vector machine* has, for each class, a row of weights and a bias. They are trained to distinguish this class from all others (*one-vs-rest*): its score $s_{nc}$ should be above 1 for the images of class $c$, and below $-1$ for the rest. With $t_{nc} = 1$ for the image's own class and $-1$ for the others, the *hinge loss* measures how far the scores fall short:
#
# $$L = \frac{1}{N} \sum_n \sum_c \max(0,\; 1 - t_{nc} \, s_{nc})$$
#
# The prediction is the class with the highest score.
#
# This loss is the exercise, because it says what *one-vs-rest* means: each class has a loss of its own, and no softmax connects them. Section 7 measures accuracies only, so no later cell needs your function; use it to compare classifiers that are equally accurate.
#
# **Exercise (2 points).** Write `one_vs_rest_loss`.

# %% solution="look-hinge-answer"
def one_vs_rest_loss(scores, labels):
    """Compute the hinge loss of one linear classifier for each class.

    scores: (N, C) floats; labels: (N,) integers from 0 to C - 1; both stay as they are
    Returns the loss of the formula, a float: summed over the classes, averaged over the images.

    Example: one_vs_rest_loss(np.array([[2.0, -0.5, 0.0]]), np.array([0])) is 0 + 0.5 + 1 = 1.5.
    """
    ### BEGIN SOLUTION
    own = np.arange(scores.shape[1]) == labels[:, None]
    return float(np.maximum(0, 1 - np.where(own, scores, -scores)).sum(axis=1).mean())
    ### END SOLUTION

# %% tests="look-hinge" points=2
with checks.exercise("look-hinge", hidden="more images and classes"):
    scores = [[2.0, -0.5, 0.0], [0.0, -1.0, -3.0]]
    one = checks.unchanged(one_vs_rest_loss, np.array(scores[:1]), np.array([0]))
    checks.close(one, 1.5, "The loss of one image")
    checks.close(one_vs_rest_loss(np.array(scores), np.array([0, 2])), 3.25, "The loss of two images")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(16)
for amount, classes in ((200, 10), (3, 100), (8, 2), (1, 5)):
    scores, labels = rng.normal(size=(amount, classes)) * 2, rng.integers(classes, size=amount)
    total = 0.0
    for row, label in zip(scores, labels):
        for c, score in enumerate(row):
            total += max(0.0, 1.0 - (score if c == label else -score))
    got = submission.call("one_vs_rest_loss", scores, labels)
    check.close(got, total / amount, f"The loss of {amount} images of {classes} classes")
### END HIDDEN TESTS

# %%
hints.show("look-hinge")

# %% [markdown]
# `features.linear_probe` trains such a classifier with scikit-learn's `LinearSVC` and returns its accuracy on other images. Three details differ from the formula:
#
# * It first **standardizes** each feature, with the mean and standard deviation of the training features. Otherwise a layer with large values would be penalized less than one with small values.
# * It minimizes the **squared** hinge loss, $\sum_n \max(0,\; 1 - t_{nc} \, s_{nc})^2$ for each class $c$. It has no kink, which suits the solver, and punishes a large shortfall more.
# * It adds an **L2 penalty**. With $w_c$ for the weights and the bias of class $c$, it minimizes $\frac12 \lVert w_c \rVert^2 + C \sum_n \max(0,\; 1 - t_{nc} \, s_{nc})^2$ with $C = 0.01$. So small a $C$ keeps the weights small, and the probe cannot bend to single images.
#
# A report probed flatten, fc1 and fc2 of a network in this way, on the features of test images, using the first 80% to train the classifier and the rest to test it: **0.63, 0.59 and 0.77**. The report considers it natural that later layers reach a higher accuracy.
#
# **Predict.** Do you expect the same order here? And what order do you expect in a network that was not trained at all?

# %%
cut = len(x_test) * 4 // 5
probed = {}
for mark in (0, *marks):
    net.set_weights(snapshots[mark])
    for name in ("flatten", "fc1", "fc2"):
        rows = features.activations(net, name, x_test)
        parts = (rows[:cut], y_test[:cut], rows[cut:], y_test[cut:])
        probed[mark, name] = features.linear_probe(*parts)

# %%
fig, ax = plt.subplots(figsize=(6, 4))
for i, mark in enumerate((0, *marks)):
    values = [probed[mark, name] for name in ("flatten", "fc1", "fc2")]
    label = f"epoch {mark}" if mark else "not trained"
    ax.plot(["flatten", "fc1", "fc2"], values, color=plots.COLOURS[i], marker=plots.MARKERS[i], label=label)
    print(f"{label:<14}" + "".join(f"{value:8.3f}" for value in values))
ax.set(xlabel="layer", ylabel="accuracy of the linear probe", ylim=(0, 1))
ax.grid(alpha=0.3)
ax.legend()
plt.show()

# %% [markdown] answer="look-layers" points=2
# **What do you see?** (2 points) Compare the three layers without training, at the early epoch and at the end, with numbers. Is it depth alone that makes a later layer separate the classes better? The report's own figures do not rise from layer to layer: what would you ask before you believe its conclusion? What does a map of training images show that a map of test images does not?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: numbers from the figure. Without training, the probe gains nothing from flatten to fc2 (it loses a little), so depth alone separates nothing. Training raises every layer. Under *offline*, it raises fc1 above flatten in each run, and fc2 exceeds fc1 only after enough epochs and by a little; on photographs, fc1 stays level with flatten, and fc2 exceeds both by 0.03 to 0.09 at the end. One point for two of these: the report's fc1 lies below its flatten, so "later is better" contradicts its own figures; one training run and one split give no spread, so repeat with other seeds (a share of 0.9 of 400 images varies by 0.015 from split to split); the layers have different numbers of features, and the tuning of the classifier and the scaling of the features matter; on training images, groups may show memorization: with random labels they separate, too, while test images stay mixed (on photographs there is a gap even without random labels).
# ### END SOLUTION

# %% [markdown]
# ## What others got
#
# One-vs-rest accuracy of a linear probe:
#
# | network | flatten | fc1 | fc2 |
# |---|---|---|---|
# | Methenitis, CIFAR-10 | 0.63 | 0.59 | 0.77 |
# | *offline*, not trained | 0.530 [0.485, 0.585] | 0.516 [0.482, 0.555] | 0.469 [0.432, 0.535] |
# | *offline*, after epoch 2 | 0.746 [0.715, 0.778] | 0.786 [0.760, 0.812] | 0.755 [0.718, 0.798] |
# | *offline*, after epoch 6 | 0.826 [0.798, 0.855] | 0.871 [0.845, 0.885] | 0.875 [0.860, 0.895] |
# | *offline*, after epoch 11 | 0.860 [0.838, 0.878] | 0.900 [0.870, 0.915] | 0.916 [0.895, 0.945] |
# | *quick*, CIFAR-10, not trained | 0.377 [0.343, 0.407] | 0.362 [0.340, 0.403] | 0.342 [0.328, 0.352] |
# | *quick*, CIFAR-10, after epoch 2 | 0.462 [0.440, 0.487] | 0.462 [0.445, 0.487] | 0.461 [0.443, 0.480] |
# | *quick*, CIFAR-10, after epoch 7 | 0.510 [0.500, 0.525] | 0.521 [0.512, 0.532] | 0.538 [0.530, 0.550] |
# | *quick*, CIFAR-10, after epoch 14 | 0.510 [0.497, 0.517] | 0.498 [0.482, 0.522] | 0.561 [0.547, 0.568] |
#
# The other figures:
#
# | measurement | *offline*, generated | *quick*, CIFAR-10 | *full*, CIFAR-10 |
# |---|---|---|---|
# | accuracy on training and test images | 0.954, 0.893 [0.883, 0.907] | 0.720 [0.669, 0.757], 0.539 [0.499, 0.566] | 0.942, 0.694 |
# | the same after the early and the middle epoch | – | 0.422, 0.406; 0.657, 0.559 | 0.698, 0.650; 0.891, 0.712 |
# | predictions with a confidence over 0.9: mean confidence, share that is right | 0.992, 0.971 [0.966, 0.976] | 0.969 (seed 1), 0.780 [0.714, 0.841] | – |
# | share of the errors with a confidence over 0.9 | 0.216 [0.157, 0.293] | 0.140 (seed 1) | – |
# | agreement of fc1, training and test images | 0.639 [0.620, 0.664], 0.625 [0.605, 0.658] | 0.42 [0.41, 0.42], 0.34 [0.33, 0.36] | – |
# | agreement of fc2 after training with random labels, training and test images | 0.544 [0.446, 0.634], 0.139 [0.126, 0.151] | 0.66 [0.62, 0.69], 0.15 [0.15, 0.16] | – |
# | deeper network (Singh: 0.7408 after 10 epochs) | 0.316 [0.211, 0.394] on half of the images | 0.392 [0.287, 0.473] on all | – |
# | a hundred classes: right class, right superclass | 0.137 [0.105, 0.159], 0.373 [0.355, 0.386] | 0.160 [0.155, 0.166], 0.278 [0.275, 0.280] | – |
# | share of the errors in the right superclass | 0.273 [0.235, 0.313] | 0.140 [0.134, 0.148] | – |
#
# *Offline*: mean [lowest, highest] over seeds 1 to 5, 5,000 generated images. *Quick*: seeds 1 to 3, 10,000 images, epochs 2, 7 and 14; the training accuracy is that of 2,000 images. Both were probed on 2,000 test images and ran on two threads of a 64-bit processor without a GPU, with TensorFlow 2.21 and Keras 3.15. *Full*: seed 1, 50,000 images, epochs 4, 14 and 28, one NVIDIA H100, Keras 3.15 on JAX; the training accuracy is that of 2,000 images. The report probes 5,000 test images.

# %% [markdown]
# ## Take-away
#
# A look into a network is an observation like any other: put a number next to each picture, and ask what the same picture shows before training and on images that the network has not seen. Confidence, confusions and superclasses show which errors a network makes and which of them it does not notice; a single accuracy hides all of that. What a layer separates is measured with the same classifier before and after training, never read off a map.
#
# **Going further.** Which images change a unit of fc2 most? Start from a gray image and follow the gradient of that unit with respect to the pixels. Does the resulting image look like a member of a class?
#
# **Reading.**
#
# * Glorot and Bengio, 2010, *Understanding the difficulty of training deep feedforward neural networks*: the initial values of section 2.
# * Guo, Pleiss, Sun and Weinberger, 2017, *On Calibration of Modern Neural Networks*: why networks are more confident than they are right, and a simple remedy.
# * Zeiler and Fergus, 2014, *Visualizing and Understanding Convolutional Networks*: which patterns of the image a feature map responds to.
# * Van der Maaten and Hinton, 2008, *Visualizing Data using t-SNE*, and Wattenberg, Viégas and Johnson, 2016, *How to Use t-SNE Effectively*: what such a map shows, and what it does not.
# * Alain and Bengio, 2016, *Understanding intermediate layers using linear classifier probes*: section 7, layer by layer.
# * Zhang, Bengio, Hardt, Recht and Vinyals, 2017, *Understanding deep learning requires rethinking generalization*: networks that fit random labels.
