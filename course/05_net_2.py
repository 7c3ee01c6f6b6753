# %% [markdown]
# # NET II: larger filters, and what they cost
#
# **90 minutes, 20 points.** Builds on *03 NET I* and *04 parameter counting*.
#
# In this assignment you
#
# * **build** NET II, which has filters of 5 × 5 and one pooling layer fewer than NET I,
# * **count** its parameters as a function of the filter size, and **find** the layer that holds most of them,
# * **repeat** the steps of NET I with functions that take any model,
# * **measure** the gap between the training and the validation curves of both networks,
# * **test** in an experiment what effect each of the two changes has.

# %% [markdown] locked="net2-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="net2-setup"
# build writes the set-up cell here.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from convcourse import data, plots, profile, training

keras.utils.set_random_seed(1)

# %%
small = profile.current().name == "offline"
images = data.load("cifar10", train=1_500 if small else None)
scaled = images.scaled()
x_train, y_train = scaled.x_train, scaled.y_train
x_test, y_test = scaled.x_test, scaled.y_test
print(f"{len(x_train):,} training and {len(x_test):,} test images")

# %% [markdown]
# ## 1. The network
#
# NET II has the convolutions of NET I with larger filters, and it pools twice instead of three times:
#
# $$\text{CONV} - \text{CONV} - \text{POOL} - \text{CONV} - \text{POOL} - \text{FC} - \text{FC}$$
#
# | layer | what it has | output |
# |---|---|---|
# | input | – | 32 × 32 × 3 |
# | convolution | 32 filters of 5 × 5, ReLU | 28 × 28 × 32 |
# | convolution | 64 filters of 5 × 5, ReLU | 24 × 24 × 64 |
# | max pooling | 2 × 2, stride 2 | 12 × 12 × 64 |
# | convolution | 64 filters of 5 × 5, ReLU | 8 × 8 × 64 |
# | max pooling | 2 × 2, stride 2 | 4 × 4 × 64 |
# | fully connected | 512 units, ReLU | 512 |
# | fully connected | one unit for each class, softmax | 10 |
#
# As in NET I, no layer uses padding, and every convolution has stride 1. The 4 × 4 × 64 values of the last pooling layer are flattened into a vector of 1,024.
#
# **Predict.** NET I has 193,034 parameters. How many times as many does NET II have, and are most of them in the convolutions or in the first FC layer?

# %% [markdown]
# **Exercise (1 point).** This notebook compares NET II with NET I throughout. Copy your `build_net1` from *03 NET I*: CONV 3 × 3 × 32, POOL, CONV × 64, POOL, CONV × 64, POOL, FC 512, FC 10.

# %% solution="net2-net1-answer"
def build_net1(input_shape=(32, 32, 3), classes=10):
    """Build NET I without compiling it: (N, height, width, channels) to (N, classes).

    Example: build_net1().count_params() is 193034.
    """
    ### BEGIN SOLUTION
    net = keras.Sequential([keras.layers.Input(shape=input_shape)])
    for filters in (32, 64, 64):
        net.add(keras.layers.Conv2D(filters, 3, activation="relu"))
        net.add(keras.layers.MaxPooling2D(2))
    net.add(keras.layers.Flatten())
    net.add(keras.layers.Dense(512, activation="relu"))
    net.add(keras.layers.Dense(classes, activation="softmax"))
    return net
    ### END SOLUTION

# %% tests="net2-net1" points=1
with checks.exercise("net2-net1", hidden="its layers for other image sizes and class counts"):
    checks.parameters(build_net1(), total=193_034)
### BEGIN HIDDEN TESTS
from autograder import submission

layers = (
    "conv 3x3x32 relu, pool 2, conv 3x3x64 relu, pool 2, conv 3x3x64 relu, pool 2, flatten,"
    "dense 512 relu, dense {} softmax"
)
for shape, classes in (([32, 32, 3], 10), ([40, 36, 1], 7)):
    net = submission.build("build_net1", input_shape=shape, classes=classes)
    submission.checks.equal(list(net.input_shape[1:]), shape, "The size of the input of NET I")
    submission.checks.architecture(net, layers.format(classes))
### END HIDDEN TESTS

# %%
hints.show("net2-net1")

# %% [markdown]
# **Exercise (3 points).** Write `build_net2`. The filter size is an argument, because a later section builds NET II with filters of 3 × 3.

# %% solution="net2-build"
def build_net2(kernel_size=5, input_shape=(32, 32, 3), classes=10):
    """Build NET II without compiling it.

    kernel_size: height and width of every filter, in pixels
    input_shape: (height, width, channels) of one image
    classes: number of units in the last layer
    Returns a keras.Model that maps (N, height, width, channels) to (N, classes).

    Example: build_net2().output_shape is (None, 10).
    """
    ### BEGIN SOLUTION
    return keras.Sequential(
        [
            keras.layers.Input(shape=input_shape),
            keras.layers.Conv2D(32, kernel_size, activation="relu"),
            keras.layers.Conv2D(64, kernel_size, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(64, kernel_size, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    ### END SOLUTION

# %% tests="net2-architecture" points=3
with checks.exercise(
    "net2-architecture", hidden="every layer again, for other filters, image sizes and class counts"
):
    checks.architecture(
        build_net2(),
        "conv 5x5x32 relu, conv 5x5x64 relu, pool 2, conv 5x5x64 relu, pool 2,"
        "flatten, dense 512 relu, dense 10 softmax",
    )
    checks.parameters(build_net2(), total=686_090)
### BEGIN HIDDEN TESTS
from autograder import submission

layers = (
    "conv {0}x{0}x32 relu, conv {0}x{0}x64 relu, pool 2, conv {0}x{0}x64 relu, pool 2, flatten,"
    "dense 512 relu, dense {1} softmax"
)
for size, shape, classes in ((5, [32, 32, 3], 10), (3, [28, 28, 1], 7), (7, [40, 48, 3], 100)):
    net = submission.build("build_net2", kernel_size=size, input_shape=shape, classes=classes)
    case = f"For kernel_size={size}, input_shape={tuple(shape)} and classes={classes}, "
    submission.checks.equal(list(net.input_shape[1:]), shape, case + "the size of the input")
    submission.checks.architecture(net, layers.format(size, classes))
### END HIDDEN TESTS

# %%
hints.show("net2-architecture")

# %%
build_net2().summary()

# %% [markdown]
# ## 2. Where the parameters are
#
# A convolution with filters of $m \times n$ from $C_i$ to $C_o$ channels, and an FC layer from $U_i$ to $U_o$ units, have
#
# $$P_{\text{conv}} = (m \cdot n \cdot C_i + 1) \cdot C_o \qquad P_{\text{FC}} = (U_i + 1) \cdot U_o$$
#
# parameters. Without padding, a filter of size $F$ turns $N$ pixels into $O = N - F + 1$ pixels, and pooling halves that number and drops a half pixel.
#
# **Predict.** If NET II had filters of 3 × 3 instead of 5 × 5, and everything else stayed the same, would it have more or fewer parameters?

# %% [markdown]
# **Exercise (3 points).** Write `count_net2` from these formulas, without building a network.

# %% solution="net2-count-answer"
def count_net2(kernel_size=5, size=32, channels=3, classes=10):
    """Count the parameters of each layer of NET II that has any.

    kernel_size: F, in pixels; size: N, height and width of the image in pixels
    channels: number of image channels; classes: number of units in the last layer
    Returns a dictionary of five integers with the keys conv1, conv2, conv3, fc1, fc2.

    Example: count_net2()["conv1"] is (5 * 5 * 3 + 1) * 32 = 2432.
    """
    ### BEGIN SOLUTION
    filter_area = kernel_size**2
    after_first_pool = (size - 2 * (kernel_size - 1)) // 2
    last = (after_first_pool - (kernel_size - 1)) // 2
    return {
        "conv1": (filter_area * channels + 1) * 32,
        "conv2": (filter_area * 32 + 1) * 64,
        "conv3": (filter_area * 64 + 1) * 64,
        "fc1": (last * last * 64 + 1) * 512,
        "fc2": (512 + 1) * classes,
    }
    ### END SOLUTION

# %% tests="net2-count" points=3
with checks.exercise("net2-count", hidden="other filters, image sizes, channels and classes"):
    counts = count_net2()
    checks.equal(sorted(counts), ["conv1", "conv2", "conv3", "fc1", "fc2"], "The list of keys")
    checks.equal(counts["conv1"], 2_432, "The parameter count of conv1")
    built = [layer.count_params() for layer in build_net2().layers if layer.count_params()]
    for (name, counted), want in zip(counts.items(), built, strict=True):
        checks.equal(counted, want, f"The parameter count of {name}, next to model.summary(),")
### BEGIN HIDDEN TESTS
from autograder import submission

for size, side, channels, classes, want in (
    (3, 32, 3, 10, [896, 18_496, 36_928, 1_180_160, 5_130]),
    (5, 32, 3, 10, [2_432, 51_264, 102_464, 524_800, 5_130]),
    (7, 40, 1, 100, [1_600, 100_416, 200_768, 524_800, 51_300]),
    (1, 28, 3, 7, [128, 2_112, 4_160, 1_606_144, 3_591]),
    (4, 33, 2, 10, [1_056, 32_832, 65_600, 819_712, 5_130]),
):
    got = submission.call("count_net2", size, side, channels, classes)
    submission.checks.that(isinstance(got, dict), "count_net2 does not return a dictionary.")
    for name, right in zip(("conv1", "conv2", "conv3", "fc1", "fc2"), want):
        submission.checks.equal(
            got.get(name),
            right,
            f"For filters of {size} × {size} on {side} × {side} × {channels} pixels and {classes} "
            f"classes, the number of parameters of {name}",
        )
### END HIDDEN TESTS

# %%
hints.show("net2-count")

# %%
sizes = range(1, 9)
fig, ax = plt.subplots(figsize=(7, 4))
bottom = np.zeros(len(sizes))
for i, name in enumerate(count_net2()):
    values = np.array([count_net2(size)[name] for size in sizes]) / 1_000
    look = {"color": plots.COLOURS[i], "edgecolor": "0.2", "hatch": ("", "//", "..", "xx", "")[i]}
    ax.bar(sizes, values, bottom=bottom, label=name, **look)
    bottom += values
ax.set(xlabel="filter size F (pixels)", ylabel="parameters (thousands)")
ax.legend()
plt.show()

# %% [markdown]
# The convolutions grow with $F^2$; the first FC layer shrinks, because larger filters leave fewer pixels at the end. NET II has three and a half times as many parameters as NET I, and most of the difference is in one FC layer: it gets 1,024 values after two pooling layers, but only 256 after three.

# %% [markdown]
# ## 3. The same steps, as functions of a model
#
# In *03 NET I*, you wrote each step for one network. To compare three networks, you need functions that take any model and treat all networks alike: Adam, sparse categorical cross-entropy and accuracy; the last 20% of the training images as validation data; batches of 128; `profile.epochs(20)` epochs; a checkpoint under a name.
#
# **Exercise (3 points).** Write `train`.

# %% solution="net2-train-answer"
def train(model, name, x, y):
    """Compile a model, train it, and save a checkpoint under the name.

    model: a keras.Model, not compiled; name: a string, for example "net2"
    x: (N, 32, 32, 3) float32 from 0 to 1; y: (N, 1) integers from 0 to 9
    Returns what training.fit returns; its .history holds four lists with one value per epoch:
    loss, accuracy, val_loss, val_accuracy.
    """
    ### BEGIN SOLUTION
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    settings = {"validation_split": 0.2, "batch_size": 128, "epochs": profile.epochs(20)}
    return training.fit(model, name, x, y, **settings)
    ### END SOLUTION

# %% [markdown]
# Run the two cheap tests first: the loss of an untrained network is close to $\log 10$, and the network can memorize 100 images.

# %%
probe = build_net2()
probe.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
print(f"first loss {training.first_loss(probe, x_train, y_train):.3f}, log(10) is {np.log(10):.3f}")

# %%
learnt = training.overfits(probe, x_train, y_train, images=100, epochs=30)
print(f"accuracy on the 100 images that it trained on: {learnt:.2f}")

# %% [markdown]
# **Predict.** Both networks now train on the same images. Which network has the higher training accuracy at the end, which has the higher validation accuracy, and which has the wider gap between the two?

# %%
keras.utils.set_random_seed(1)
net1 = build_net1()
histories = {"NET I": train(net1, "net2_net1", x_train, y_train)}

# %%
keras.utils.set_random_seed(1)
net2 = build_net2()
histories["NET II"] = train(net2, "net2", x_train, y_train)

# %% tests="net2-train" points=3
from unittest import mock

with checks.exercise("net2-train", hidden="settings, history and held-out accuracy of net2"):
    # A stand-in for the network: it records what it is asked to do and trains nothing.
    stand_in = mock.Mock()
    with mock.patch.object(training, "fit") as fit:
        train(stand_in, "stand-in", x_train[:10], y_train[:10])
    checks.that(stand_in.compile.called, "train does not compile its model: call model.compile.")
    call = fit.call_args or stand_in.fit.call_args
    checks.that(call is not None, "train does not train: call training.fit.")
    checks.that(fit.called, "train calls model.fit: use training.fit, which keeps a checkpoint.")
    checks.equal(list(call.args[:2]), [stand_in, "stand-in"], "The list of model and name")
    wanted = {"validation_split": 0.2, "batch_size": 128, "epochs": profile.epochs(20)}
    for key, want in wanted.items():
        checks.equal(call.kwargs.get(key), want, key)
    checks.equal(sorted(histories), ["NET I", "NET II"], "The sorted list of history names")
    checks.that(None not in histories.values(), "train returns None: return the history.")
### BEGIN HIDDEN TESTS
from autograder import submission

settings = submission.compiled("net2")
submission.checks.equal(settings["optimizer"], "adam", "The optimizer")
submission.checks.that(
    settings["loss"] == "sparse_categorical_crossentropy" and not settings["from_logits"],
    f"The loss is {settings['loss']}; for integer labels and a network that ends in softmax, use "
    "sparse_categorical_crossentropy without from_logits.",
)
known = {"accuracy", "acc", "sparse_categorical_accuracy"}
submission.checks.that(
    known & set(settings["metrics"]), "The metrics lack accuracy: use metrics=['accuracy']."
)
epochs = submission.profile.epochs(20)
for name, record in submission.value("histories").items():
    submission.checks.that(isinstance(record, dict), f"The history of {name} is not a history.")
    for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
        submission.checks.that(
            key in record, f"{name}'s history lacks {key}: did you pass validation data?"
        )
        submission.checks.equal(
            len(record[key]), epochs, f"The number of epochs in the {key} of {name}"
        )
for name, total in (("net1", 193_034), ("net2", 686_090)):
    submission.checks.parameters(submission.model(name), total=total)
pixels, truth = submission.heldout()
reached = submission.accuracy(submission.model("net2"), submission.np.float32(pixels) / 255, truth)
submission.checks.that(
    reached >= submission.threshold("net2-accuracy"),
    f"net2 is right about {reached:.0%} of the held-out images, and NET II should reach more. "
    "Did you train it on the scaled images, with their own labels, for all epochs?",
)
### END HIDDEN TESTS

# %%
hints.show("net2-train")

# %% [markdown]
# **Exercise (2 points).** Write `judge`. It returns in one dictionary what you found out with `evaluate` and `predict` in *03 NET I*.

# %% solution="net2-judge-answer"
def judge(model, x, y):
    """Evaluate a trained network and predict the class of the first image.

    x: (N, ...) float32; y: (N, 1) integers, the true classes
    Returns a dictionary: loss and accuracy (floats), first_label (the class predicted for x[0],
    an integer), first_right (True or False).

    Example: {"loss": 0.97, "accuracy": 0.66, "first_label": 3, "first_right": True}
    """
    ### BEGIN SOLUTION
    loss, accuracy = model.evaluate(x, y, verbose=0)
    label = int(np.argmax(model.predict(x[:1], verbose=0)[0]))
    return {
        "loss": loss,
        "accuracy": accuracy,
        "first_label": label,
        "first_right": label == int(np.ravel(y)[0]),
    }
    ### END SOLUTION

# %%
verdicts = {name: judge(net, x_test, y_test) for name, net in (("NET I", net1), ("NET II", net2))}
for name, verdict in verdicts.items():
    first = images.class_names[verdict["first_label"]]
    print(f"{name:<7} loss {verdict['loss']:.3f}, accuracy {verdict['accuracy']:.3f}", end=", ")
    print(f"first image: {first}, which is {'right' if verdict['first_right'] else 'wrong'}")

# %% tests="net2-judge" points=2
with checks.exercise("net2-judge", hidden="all four entries for both networks"):
    # A network without weights: with only a softmax, the answer is known.
    softmax = keras.Sequential([keras.layers.Input(shape=(3,)), keras.layers.Softmax()])
    softmax.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    scores, truth = np.float32([[0, 2, 1], [9, 0, 0], [0, 0, 9], [0, 9, 0]]), np.array([[2], [0], [0], [1]])
    verdict = judge(softmax, scores, truth)
    checks.that(isinstance(verdict, dict), "judge does not return a dictionary.")
    checks.equal(sorted(verdict), ["accuracy", "first_label", "first_right", "loss"], "The list of keys")
    checks.close(verdict["accuracy"], 0.5, "The accuracy for two right answers out of four")
    checks.close(verdict["loss"], 2.6021, "The loss on four images", rtol=1e-3)
    checks.equal(verdict["first_label"], 1, "The label for the scores 0, 2, 1")
    checks.that(verdict["first_right"] in (False, np.False_), "The first class is 2, so 1 is not right.")
### BEGIN HIDDEN TESTS
from autograder import submission

np, told = submission.np, submission.value("verdicts")
x, y = submission.value("x_test"), submission.value("y_test").ravel()
for name, variable in (("NET I", "net1"), ("NET II", "net2")):
    figures = told[name]
    chances = submission.predict(submission.model(variable), x)
    right = (chances.argmax(axis=1) == y).mean()
    for key, fits in (
        ("accuracy", lambda got: abs(got - right) <= 0.01 * right),
        ("loss", lambda got: submission.is_cross_entropy(got, chances, y)),
    ):
        got = submission.checks.as_array(figures[key], f"The {key} of {name}")
        submission.checks.that(
            got.shape == () and fits(got),
            f"verdicts[{name!r}][{key!r}] is not the {key} of {variable} on x_test and y_test.",
        )
    label = int(chances[0].argmax())
    submission.checks.that(
        figures["first_label"] == label, f"first_label is not {variable}'s prediction for x_test[0]."
    )
    submission.checks.that(
        bool(figures["first_right"]) == (label == y[0]),
        f"first_right does not say whether {variable} is right about x_test[0].",
    )
### END HIDDEN TESTS

# %%
hints.show("net2-judge")

# %% [markdown]
# ## 4. The gap between the curves
#
# The figures below show the accuracy and the loss of both networks. To say how far apart the training and the validation curves are, we need a number. The *gap* after epoch $e$ is
#
# $$g_e = a^{\text{train}}_e - a^{\text{val}}_e$$
#
# where $a$ is the accuracy. The gap is negative if the network does better on the validation data. This happens in the first epochs, because the training accuracy is averaged over the epoch, while the network is still improving; the validation accuracy is measured at the end of the epoch.

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained", sharey=True)
for ax, (name, made) in zip(axes, histories.items()):
    plots.history(made, "accuracy", ax=ax).set_title(name)
plt.show()

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained", sharey=True)
for ax, (name, made) in zip(axes, histories.items()):
    plots.history(made, "loss", ax=ax).set_title(name)
plt.show()

# %% [markdown]
# **Exercise (2 points).** Write `gap_curve`.

# %% solution="net2-gap-answer"
def gap_curve(history):
    """Compute the gap after each epoch: training accuracy minus validation accuracy.

    history: a dictionary with the keys "accuracy" and "val_accuracy", one float per epoch
    Returns a list or an array with one float per epoch.

    Example: gap_curve({"accuracy": [0.4, 0.9], "val_accuracy": [0.5, 0.7]}) is [-0.1, 0.2].
    """
    ### BEGIN SOLUTION
    return np.subtract(history["accuracy"], history["val_accuracy"])
    ### END SOLUTION

# %% tests="net2-gap" points=2
with checks.exercise("net2-gap", hidden="other histories, of other lengths"):
    record = {"accuracy": [0.4, 0.6, 0.9], "val_accuracy": [0.5, 0.6, 0.7]}
    checks.close(gap_curve(record), np.array([-0.1, 0.0, 0.2]), "The gap curve")
### BEGIN HIDDEN TESTS
from autograder import submission

np = submission.np
for epochs in (1, 4, 30):
    rng = np.random.default_rng(epochs)
    rising, flat = rng.random(epochs), rng.random(epochs)
    record = {
        "loss": list(rng.random(epochs)),
        "accuracy": rising.tolist(),
        "val_loss": list(rng.random(epochs)),
        "val_accuracy": flat.tolist(),
    }
    got = submission.call("gap_curve", record)
    submission.checks.close(got, rising - flat, f"The gap curve of {epochs} epochs", atol=1e-6)
### END HIDDEN TESTS

# %%
hints.show("net2-gap")

# %% [markdown]
# The gap jumps up and down from one epoch to the next. So that no single epoch decides, the gap *of a training run* is the mean over its last epochs.
#
# **Exercise (2 points).** Write `summarise`. Use the rule of `overfit_epoch` from *03 NET I*: the answer is the epoch with the lowest validation loss, counted from 1. If several epochs share the lowest value, take the first; if it is the last epoch, the answer is `None`.

# %% solution="net2-summary-answer"
def summarise(history, last=3):
    """Summarize a training run in three figures.

    history: a dictionary of four lists; last: number of final epochs to average the gap over
    Returns a dictionary: gap (float, the mean gap of the last epochs), best_val_accuracy (float,
    the highest of all epochs), overfit_epoch (integer or None).

    Example: gaps of 0.0, 0.1, 0.2, 0.3 give {"gap": 0.2, ...} with last=3.
    """
    ### BEGIN SOLUTION
    lowest = int(np.argmin(history["val_loss"]))
    final = lowest == len(history["val_loss"]) - 1
    return {
        "gap": float(np.mean(gap_curve(history)[-last:])),
        "best_val_accuracy": float(max(history["val_accuracy"])),
        "overfit_epoch": None if final else lowest + 1,
    }
    ### END SOLUTION

# %% tests="net2-summary" points=2
with checks.exercise("net2-summary", hidden="other histories, other values of last"):
    record = {
        "loss": [1.6, 1.1, 0.8, 0.5],
        "accuracy": [0.4, 0.6, 0.7, 0.8],
        "val_loss": [1.5, 1.2, 1.3, 1.4],
        "val_accuracy": [0.4, 0.5, 0.6, 0.5],
    }
    summary = summarise(record)
    keys = ["best_val_accuracy", "gap", "overfit_epoch"]
    checks.equal(sorted(summary), keys, "The sorted list of keys")
    checks.close(summary["gap"], 0.5 / 3, "The gap over the last three epochs")
    checks.close(summary["best_val_accuracy"], 0.6, "The best validation accuracy")
    checks.equal(summary["overfit_epoch"], 2, "The epoch at which overfitting begins")
### BEGIN HIDDEN TESTS
from autograder import submission

cases = (
    ("whose validation loss falls to the end", [1.5, 1.2, 1.1, 1.0], [0.3, 0.5, 0.4, 0.6], 3, None),
    ("with two equal lowest losses", [1.0, 0.9, 0.9, 1.1], [0.5, 0.7, 0.6, 0.6], 2, 2),
    ("whose validation loss only rises", [1.0, 1.2, 1.4, 1.5], [0.8, 0.6, 0.5, 0.4], 1, 1),
    ("averaged over all epochs", [1.3, 1.0, 1.2, 1.1], [0.1, 0.2, 0.3, 0.2], 4, 2),
)
for what, val_loss, val_accuracy, last, epoch in cases:
    rising = [0.35, 0.5, 0.8, 0.85]
    record = {
        "loss": [1.5, 1.0, 0.6, 0.4],
        "accuracy": rising,
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
    }
    got = submission.call("summarise", record, last=last)
    gap = sum(a - v for a, v in zip(rising[-last:], val_accuracy[-last:])) / last
    case = f"For a history {what} and last={last}, "
    submission.checks.close(got["gap"], gap, case + "the gap")
    best = max(val_accuracy)
    submission.checks.close(got["best_val_accuracy"], best, case + "the best validation accuracy")
    submission.checks.that(
        got["overfit_epoch"] == epoch and (got["overfit_epoch"] is None) == (epoch is None),
        case + "the epoch at which overfitting begins is wrong.",
    )
### END HIDDEN TESTS

# %%
hints.show("net2-summary")

# %%
fig, ax = plt.subplots(figsize=(7, 4))
for i, (name, made) in enumerate(histories.items()):
    curve = gap_curve(made.history)
    look = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i], "linestyle": ("-", "--")[i]}
    ax.plot(np.arange(1, len(curve) + 1), curve, label=name, **look)
ax.axhline(0, color="0.4", linewidth=0.8)
ax.set(xlabel="epoch", ylabel="gap in accuracy (training − validation)")
ax.xaxis.get_major_locator().set_params(integer=True)  # no half epochs
ax.legend()
plt.show()

# %%
for name, made in histories.items():
    print(name, {k: round(v, 3) if v else v for k, v in summarise(made.history).items()})

# %% [markdown] answer="net2-curves" points=2
# **What do you see?** (2 points) Compare NET II with NET I: describe how accuracy and loss develop, at which epoch overfitting begins, and how far apart the training and the validation curves are. Give the gaps as numbers.
#
# ### BEGIN SOLUTION
# *Rubric.* One point for the shape of the curves: in the same number of epochs, NET II reaches the higher training accuracy and the lower training loss; its validation loss reaches its lowest value at an earlier epoch, or flattens earlier. One point for the distance between the curves: the gap of NET II is the wider one, with both numbers from the summary, and the remark that it overfits more (or, if the networks trained for only a few epochs, that both gaps are still small and growing).
# ### END SOLUTION

# %% [markdown]
# ## 5. Filters or pooling?
#
# NET II differs from NET I in two ways at once: it has filters of 5 × 5, and it has one pooling layer fewer. A wider gap is often attributed to the filters. `build_net2(3)` is the network that separates the two changes: it differs from NET I only in the pooling, and from NET II only in the filters.
#
# With few images, overfitting becomes visible in seconds. All three networks train on the same 300 images and are validated on 500 others.
#
# **Predict.** Order the three networks by their gap. Which one has the highest validation accuracy?

# %%
rivals = {
    "NET I (3 × 3, three poolings)": build_net1,
    "NET II with 3 × 3 (two poolings)": lambda: build_net2(3),
    "NET II (5 × 5, two poolings)": build_net2,
}

# %%
def train_on_few(build, name, seed=1):
    keras.utils.set_random_seed(seed)
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    unseen = (x_train[-500:], y_train[-500:])
    settings = {"validation_data": unseen, "batch_size": 32, "epochs": 12, "callbacks": []}
    return training.fit(model, name, x_train[:300], y_train[:300], **settings)

# %%
few = {}
for number, (name, build) in enumerate(rivals.items()):
    few[name] = train_on_few(build, f"net2_few_{number}")

# %%
plots.compare_histories(few, "val_accuracy")
plt.show()

# %%
print(f"{'network':<34}{'parameters':>12}{'gap':>8}{'best val':>10}{'overfits after':>16}")
for name, made in few.items():
    told = summarise(made.history)
    print(f"{name:<34}{rivals[name]().count_params():>12,}{told['gap']:>8.3f}", end="")
    print(f"{told['best_val_accuracy']:>10.3f}{told['overfit_epoch'] or '–':>16}")

# %% [markdown] answer="net2-cause" points=2
# **What effect does each change have?** (2 points) Compare the three networks, two at a time. Which pair differs only in the filters, which pair differs only in the pooling, and what does each change do to the gap? Is "5 × 5 filters overfit more" a fair summary? Also use the parameter counts of section 2.
#
# ### BEGIN SOLUTION
# *Rubric.* One point for the pairs: NET I and NET II with 3 × 3 differ only in the pooling, and the gap widens with one pooling layer fewer; NET II with 3 × 3 and with 5 × 5 differ only in the filters, and the gap does not widen with the larger filters (on the generated images, it narrows). One point for the conclusion: the summary is not fair. The extra parameters are in the first FC layer because a pooling layer is missing, and with 3 × 3 filters that layer is larger still (1,180,160 parameters). An equally careful statement that fits the student's own figures also earns the point, for example that a single training run of each network does not settle a difference of one or two points.
# ### END SOLUTION

# %% [markdown]
# Two filters of 3 × 3 in a row also see 5 × 5 pixels, with $2 \cdot 9 \cdot C^2 = 18\,C^2$ weights instead of $25\,C^2$ and with a ReLU in between. This is the better argument for small filters, and NET III follows it.

# %% [markdown]
# ## What others got
#
# | where, images, epochs | gap, NET I | gap, NET II | best validation accuracy, NET I | NET II | test accuracy, NET I | NET II |
# |---|---|---|---|---|---|---|
# | the exercise sheet, 50,000, 20 | not given | not given | not given | not given | not given | not given |
# | *offline*, generated, 1,500, 8 | 0.044 [0.012, 0.084] | 0.101 [0.090, 0.118] | 0.569 [0.540, 0.610] | 0.680 [0.637, 0.717] | 0.600 [0.567, 0.613] | 0.684 [0.606, 0.720] |
# | *quick*, CIFAR-10, 10,000, 10, seed 1 | 0.068 | 0.183 | 0.512 | 0.516 | 0.533 | 0.518 |
# | *full*, CIFAR-10, 50,000, 20, seed 1 | 0.156 | 0.298 | 0.660 | 0.669 | 0.666 | 0.636 |
#
# | 300 images, 12 epochs, *offline* | gap | best validation accuracy | lowest validation loss after epoch |
# |---|---|---|---|
# | NET I (3 × 3, three poolings) | 0.210 [0.162, 0.271] | 0.516 [0.498, 0.528] | 10 to 12, the last |
# | NET II with 3 × 3 (two poolings) | 0.400 [0.371, 0.436] | 0.506 [0.496, 0.524] | 5 to 7 |
# | NET II (5 × 5, two poolings) | 0.339 [0.278, 0.382] | 0.558 [0.534, 0.576] | 5 to 11 |
# | the same three on CIFAR-10, seed 1 | 0.240, 0.470, 0.364 | 0.290, 0.310, 0.296 | 10, 7, 5 |
#
# The figures are means over seeds 1 to 5, with the lowest and the highest value in brackets. They were measured with two threads of a 64-bit processor without a GPU, with TensorFlow 2.21 and Keras 3.15. On few images, the gap nearly doubles with one pooling layer fewer, far beyond the spread. With larger filters, the gap becomes narrower and the validation accuracy higher on these large shapes. The photographs, saved as JPEG, show the same order of gaps. Under *full*, NET II's validation loss is lowest after epoch 7, at 0.994, and is 2.095 at the end; NET I's is lowest after epoch 10, at 1.009, and is 1.147 at the end. NET II is the better network in the middle of its training and the worse one at the end.

# %% [markdown]
# ## Take-away
#
# NET II has three and a half times as many parameters as NET I, and nearly all of the difference is in one FC layer, because a pooling layer is missing. The gap between the training and the validation curves turns "it overfits" into a number by which networks can be compared. Two changes at once explain nothing: to separate them, you need a third network that shares one change with each of the others.
#
# **Going further.** A convolution with a stride of 2 halves the image as a pooling layer does, and it learns how to do so. If the second convolution of NET II had a stride of 2, would NET II lose its extra parameters and its gap?
