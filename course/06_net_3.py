# %% [markdown]
# # NET III: deeper, and held back on purpose
#
# **120 minutes, 20 points.** Builds on *04 parameter counting* and *05 NET II*.
#
# In this assignment you
#
# * **show** why NET III cannot be built without padding, and **build** it with dropout and L2,
# * **explain** why its first loss is not log(classes) and why its training accuracy is too low,
# * **measure** the gap fairly and **compare** NET I, II and III by accuracy, gap, parameters and seconds,
# * **design** a network of your own within a parameter budget, for the leaderboard.
#
# A deeper network can represent more, and a network that can represent more can also memorize more: Zhang, Bengio, Hardt, Recht and Vinyals (2017, *Understanding deep learning requires rethinking generalization*) trained such networks on random labels until they made no mistake. Two old remedies hold a network back while it trains. Dropout switches off a part of it at random in each step (Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, 2014, *Dropout: a simple way to prevent neural networks from overfitting*), and L2 keeps its weights small (Krogh and Hertz, 1992, *A simple weight decay can improve generalization*). Both change what the usual figures mean. So before you compare, you need a measurement that is fair to all three networks.

# %% [markdown] locked="net3-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="net3-setup"
# build writes the set-up cell here.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from convcourse import data, plots, profile, training

keras.utils.set_random_seed(1)

# %% [markdown]
# The last tenth of the images is for validation, and the rest is for training. Under *offline*, the comparison uses only 500 training and 300 validation images, so the networks train in seconds and overfit. There, NET III has a quarter of its width and a dropout rate of 0.2: if half of so few values were dropped, its accuracy would hardly rise above chance in the time available.

# %%
images = data.load("cifar10")
scaled = images.scaled()
n_val = len(scaled.x_train) // 10
x_train, y_train = scaled.x_train[:-n_val], scaled.y_train[:-n_val]
x_val, y_val = scaled.x_train[-n_val:], scaled.y_train[-n_val:]
small = profile.current().name == "offline"
n_few, n_few_val = (500, 300) if small else (len(x_train), n_val)
few_x, few_y = x_train[:n_few], y_train[:n_few]
few_val = x_val[:n_few_val], y_val[:n_few_val]
dropout_rate = 0.2 if small else 0.5
print(f"comparison: {n_few:,} training images, {n_few_val:,} validation images")

# %% [markdown]
# ## 1. A deeper network, and its padding
#
# NET III has six convolutions of 3 × 3, three pooling layers and three FC layers. Convolutions that follow each other without a pooling layer between them are the plan of the VGG networks (Simonyan and Zisserman, 2015, *Very deep convolutional networks for large-scale image recognition*): each layer sees a larger part of the image than the one before, with few weights and a ReLU each time.
#
# $$\text{CONV}-\text{CONV}-\text{POOL}-\text{CONV}-\text{POOL}-\text{CONV}-\text{CONV}-\text{CONV}-\text{POOL}-\text{FC}-\text{FC}-\text{FC}$$
#
# | layer | what it has | output |
# |---|---|---|
# | convolution, convolution | 96 and 96 filters of 3 × 3, ReLU | 32 × 32 × 96 |
# | pooling, dropout | 2 × 2, stride 2; rate 0.5 | 16 × 16 × 96 |
# | convolution | 128 filters, ReLU | 16 × 16 × 128 |
# | pooling, dropout | as above | 8 × 8 × 128 |
# | three convolutions | 128 filters each, ReLU | 8 × 8 × 128 |
# | pooling, dropout | as above | 4 × 4 × 128 |
# | fully connected, dropout | 1,024 units, ReLU, L2; rate 0.5 | 1,024 |
# | fully connected, dropout | 512 units, ReLU, L2; rate 0.5 | 512 |
# | fully connected | one unit for each class, softmax, L2 | 10 |
#
# The exercise sheet that NET III comes from does not mention padding, and NET I and II have none. A filter of $F$ pixels turns $N$ pixels into $N - F + 1$ without padding and into $N$ with *same* padding; pooling by $P$ turns $N$ pixels into $\lfloor N / P \rfloor$.
#
# **Predict.** Without padding, how many pixels are left after the last pooling?

# %% [markdown]
# **Exercise (2 points).** Write `trace_sizes`, which follows the size through a list of layers and stops when nothing is left.

# %% solution="net3-sizes-answer"
def trace_sizes(layers, size=32, padding="valid"):
    """Follow the height (and width) of an image through the layers, in pixels.

    layers: a list of pairs, ("conv", F) or ("pool", P), in the order of computation
    size: pixels of the input; padding: "valid" or "same", for the convolutions
    Returns a list of integers, one per layer. If less than one pixel is left, the list ends with
    a 0 for that layer: no layer after it can be built. The list of layers stays as it is.

    Example: trace_sizes([("conv", 3), ("pool", 2), ("conv", 16)]) is [30, 15, 0].
    """
    ### BEGIN SOLUTION
    sizes = []
    for kind, extent in layers:
        if kind == "pool":
            size = size // extent
        elif padding == "valid":
            size = max(0, size - extent + 1)
        sizes.append(size)
        if size == 0:
            break
    return sizes
    ### END SOLUTION

# %%
CONV, POOL = ("conv", 3), ("pool", 2)
NET3_LAYERS = [CONV, CONV, POOL, CONV, POOL, CONV, CONV, CONV, POOL]

# %% tests="net3-sizes" points=2
with checks.exercise("net3-sizes", hidden="other filters, pooling and image sizes, both paddings"):
    conv, pool = ("conv", 3), ("pool", 2)
    deep = [conv, conv, pool, conv, pool, conv, conv, conv, pool]
    sizes = checks.unchanged(trace_sizes, [conv, pool, ("conv", 16)])
    sizes = checks.as_array(sizes, "The result of trace_sizes").tolist()
    checks.equal(sizes, [30, 15, 0], "The docstring's list")
    sizes = checks.unchanged(trace_sizes, deep, padding="same")
    sizes = checks.as_array(sizes, "The result of trace_sizes").tolist()
    checks.equal(sizes, [32, 32, 16, 16, 8, 8, 8, 8, 4], "The list of sizes with same padding")
    sizes = checks.as_array(trace_sizes(deep), "The result of trace_sizes").tolist()
    checks.equal(sizes[-1], 0, "The last size without padding")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks
conv, big, half, third = ("conv", 3), ("conv", 5), ("pool", 2), ("pool", 3)
deep = [conv, conv, half, conv, half, conv, conv, conv, half]
cases = (
    ("NET III without padding", deep, 32, "valid", [30, 28, 14, 12, 6, 4, 2, 0]),
    ("NET III on 48 pixels without padding", deep, 48, "valid", [46, 44, 22, 20, 10, 8, 6, 4, 2]),
    ("NET II", [big, big, half, big, half], 32, "valid", [28, 24, 12, 8, 4]),
    ("other layers, as many as in NET II", [conv, conv, half, conv, half], 32, "valid", [30, 28, 14, 12, 6]),
    ("NET I", [conv, half, conv, half, conv, half], 32, "valid", [30, 15, 13, 6, 4, 2]),
    ("pooling by 3 with same padding", [big, third, conv, third], 32, "same", [32, 10, 10, 3]),
    ("a filter of 4 pixels with same padding", [("conv", 4), half], 7, "same", [7, 3]),
    ("a filter that is larger than the image", [("conv", 12), conv], 8, "valid", [0]),
    ("a filter that is larger than the image, with same padding", [("conv", 12)], 8, "same", [8]),
    ("a filter as large as the image", [("conv", 8), half, conv], 8, "valid", [1, 0]),
    ("a pooling of one pixel", [half, conv], 1, "same", [0]),
    ("a pooling that is larger than the image", [("pool", 5), half], 3, "valid", [0]),
    ("a pooling as large as the image", [third, conv], 3, "same", [1, 1]),
    ("a pooling by 1", [("pool", 1), conv], 6, "valid", [6, 4]),
    ("no layers", [], 32, "valid", []),
)
results = submission.calls("trace_sizes", [case[1:4] for case in cases])
for (what, _, _, _, want), got in zip(cases, results):
    got = check.as_array(got, "The result of trace_sizes").tolist()
    check.that(isinstance(got, list), "trace_sizes returns one number; expected one for each layer.")
    check.close(got, got, "The result of trace_sizes")  # says what else is no list of numbers
    long = "many" if len(got) > len(want) else "few"
    check.that(
        len(got) == len(want),
        f"For {what}, trace_sizes returns too {long} sizes: one for each layer, up to the first 0.",
    )
    check.that(
        all(size == int(size) for size in got),
        f"For {what}, trace_sizes returns a size that is no whole number: pooling rounds down.",
    )
    check.that(
        all(size >= 0 for size in got),
        f"For {what}, trace_sizes returns a negative size: where less than one pixel is left, write 0.",
    )
    first = next((place for place, pair in enumerate(zip(got, want), 1) if pair[0] != pair[1]), 0)
    check.that(not first, f"For {what}, the size after layer {first} is wrong.")
usual = submission.call("trace_sizes", [big, half])
check.equal(list(usual), [28, 14], "The list without arguments for size and padding")
named = submission.call("trace_sizes", layers=[big, third], padding="same", size=20)
check.equal(list(named), [20, 6], "The list for arguments by name")
submission.unchanged("trace_sizes", deep, 32, "valid")
### END HIDDEN TESTS

# %%
hints.show("net3-sizes")

# %%
print("without padding:", trace_sizes(NET3_LAYERS))
print("same padding:   ", trace_sizes(NET3_LAYERS, padding="same"))

# %% [markdown]
# The sixth convolution gets 2 × 2 pixels and needs 3 × 3, so NET III can only be built with padding: *same* padding adds a border of zeros, and only the pooling layers make the image smaller.
#
# **Exercise (4 points).** Write `build_net3`. Its arguments are the settings that the experiments below change, and the defaults give NET III. `width` multiplies the number of filters and the number of units in the hidden FC layers (`round(width * 96)` and so on), because the whole network takes hours on a CPU. With a rate of 0, leave out the dropout layers; with a factor of 0, leave out the penalty.

# %% solution="net3-build"
def build_net3(width=1.0, padding="same", dropout=0.5, l2=0.0005, classes=10):
    """Build NET III for inputs of (32, 32, 3) without compiling it.

    width: share of the filters and of the hidden FC units; the number of classes stays the same
    padding: of all convolutions; dropout: rate after each pooling and the first two FC layers
    l2: factor of the penalty on the kernels (not the biases) of the three FC layers
    Returns a keras.Model that maps (N, 32, 32, 3) to (N, classes).

    Example: build_net3().count_params() is 3267306.
    """
    ### BEGIN SOLUTION
    layers = keras.layers
    penalty = keras.regularizers.L2(l2) if l2 else None
    net = keras.Sequential([layers.Input((32, 32, 3))])
    for block in ((96, 96), (128,), (128, 128, 128)):
        for filters in block:
            filters = round(width * filters)
            net.add(layers.Conv2D(filters, 3, padding=padding, activation="relu"))
        net.add(layers.MaxPooling2D(2))
        if dropout:
            net.add(layers.Dropout(dropout))
    net.add(layers.Flatten())
    for units in (1024, 512):
        units = round(width * units)
        net.add(layers.Dense(units, activation="relu", kernel_regularizer=penalty))
        if dropout:
            net.add(layers.Dropout(dropout))
    net.add(layers.Dense(classes, activation="softmax", kernel_regularizer=penalty))
    return net
    ### END SOLUTION

# %% tests="net3-architecture" points=4
with checks.exercise("net3-architecture", hidden="other widths, rates and classes, the L2 factors"):
    drop, net = ", dropout 0.5", build_net3()
    checks.architecture(
        net,
        f"conv 3x3x96 same relu, conv 3x3x96 same relu, pool 2{drop}, conv 3x3x128 same relu, pool 2"
        f"{drop}, conv 3x3x128 same relu, conv 3x3x128 same relu, conv 3x3x128 same relu, pool 2{drop},"
        f"flatten, dense 1024 relu{drop}, dense 512 relu{drop}, dense 10 softmax",
        input_shape=(32, 32, 3),
    )
    checks.parameters(net, total=3_267_306, trainable=3_267_306, input_shape=(32, 32, 3))
    once, again = (np.array(net(np.ones((1, 32, 32, 3), "float32"))) for _ in range(2))
    checks.shape(once, (1, 10), "What it gives for one image")
    drops = "The network drops values after training too: call its dropout layers without training=True."
    checks.that(np.allclose(once, again, atol=1e-6), drops)
    checks.that(not net.compiled, "build_net3 compiles the network: the cells below do that.")
    checks.made_anew(build_net3(0.1), build_net3(0.1), "build_net3")
    try:
        build_net3(1 / 32, padding="valid")(np.zeros((1, 32, 32, 3), "float32"))
        unpadded = True
    except Exception:
        unpadded = False
    checks.that(not unpadded, "build_net3 ignores its argument padding: with valid, NET III cannot be built.")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks
text = (
    "conv 3x3x{0} same relu, conv 3x3x{0} same relu, pool 2{drop}, conv 3x3x{1} same relu,"
    "pool 2{drop}, conv 3x3x{1} same relu, conv 3x3x{1} same relu, conv 3x3x{1} same relu,"
    "pool 2{drop}, flatten, dense {2} relu{drop}, dense {3} relu{drop}, dense {4} softmax"
)


def leaves(network):
    """List all layers, with those of networks inside it in their place."""
    found = []
    for layer in network.layers:
        found += leaves(layer) if hasattr(layer, "layers") else [layer]
    return found


def factors(part):
    """Return the factors of L1 and L2 of a regularizer."""
    return [float(getattr(part, name, 0)) for name in ("l1", "l2")] if part else [0.0, 0.0]


penalties = ("kernel_regularizer", "bias_regularizer", "activity_regularizer")
for asked in (
    {},
    {"width": 0.26, "dropout": 0.7, "l2": 0.01, "classes": 7},
    {"width": 0.126, "dropout": 0, "l2": 0.002, "classes": 100},
    {"width": 0.0625, "l2": 0, "classes": 2},
):
    net = submission.build("build_net3", **asked, for_inputs=(32, 32, 3))
    rate, factor = asked.get("dropout", 0.5), asked.get("l2", 0.0005)
    sizes = [round(asked.get("width", 1) * n) for n in (96, 128, 1024, 512)]
    rates = f", dropout {rate}" if rate else ""
    case = "For " + " and ".join(f"{key}={value}" for key, value in asked.items()) if asked else ""
    check.architecture(net, text.format(*sizes, asked.get("classes", 10), drop=rates), case=case)
    check.equal(list(net.input_shape[1:]), [32, 32, 3], "The input shape of the network")
    check.that(check.count(net.weights) == check.count(net.trainable_weights), "Some weights are not trainable.")
    dense = [layer for layer in leaves(net) if type(layer).__name__ == "Dense"]
    check.equal(len(dense), 3, "The number of FC layers")
    for place, layer in enumerate(dense, 1):
        l1, l2 = factors(layer.kernel_regularizer)
        name = f"FC layer {place} of 3"
        check.that(l2 or not factor, f"{name} has no L2 penalty: give it kernel_regularizer=keras.regularizers.L2(l2).")
        check.that(factor or not l2, f"{name} has an L2 penalty although l2 is 0.")
        check.that(abs(l2 - factor) < 1e-7, f"{name} has another L2 factor than the argument l2.")
        others = [getattr(layer, penalty, None) for penalty in penalties[1:]]
        check.that(
            l1 == 0 and not any(others),
            f"{name} has another penalty than L2 on its kernel (kernel_regularizer).",
        )
    for layer in (layer for layer in leaves(net) if layer not in dense):
        check.that(
            not any(any(factors(getattr(layer, penalty, None))) for penalty in penalties),
            f"A layer of type {type(layer).__name__} has a penalty; only the three FC layers have one.",
        )
try:
    submission.build("build_net3", width=0.03125, padding="valid", for_inputs=(32, 32, 3))
    unpadded = True
except check.CheckFailed:
    unpadded = False  # there is no such network
check.that(not unpadded, "build_net3 ignores its argument padding: with valid, NET III cannot be built.")
### END HIDDEN TESTS

# %%
hints.show("net3-architecture")

# %%
build_net3().summary()

# %%
try:
    build_net3(padding="valid")
except ValueError as error:
    print("Keras says:", str(error).split(". ")[0])

# %%
width = profile.width()
print(f"trained here: {build_net3(width).count_params():,} of {build_net3().count_params():,} parameters")

# %% [markdown]
# ## 2. How dropout and L2 change the figures
#
# *Dropout* with rate 0.5 sets half of the values to 0 in every training step, a different half each time, and none after training. *L2* adds to the cross-entropy a penalty for large weights $w$ of the FC layers, here with $\lambda = 0.0005$:
#
# $$L = -\frac{1}{N} \sum_{i=1}^{N} \log p_{i, y_i} + \lambda \sum_k w_k^2$$
#
# *08 regularization* studies both in detail. Here they matter because they change two figures that you have trusted so far.
#
# **Predict.** For NET I and II, the first loss was close to $\log 10 \approx 2.303$. Is the first loss of NET III, at the full width above, higher than this value, equal to it, or lower?

# %%
probe = build_net3()
probe.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
first = training.first_loss(probe, few_x[:100], few_y[:100])
penalty = float(sum(probe.losses))
print(f"first loss {first:.3f} = penalty {penalty:.3f} + cross-entropy {first - penalty:.3f}")

# %% [markdown]
# The cross-entropy is what it should be. The penalty comes on top, and it falls as the weights shrink. You therefore cannot compare the losses of networks with different penalties, but you can compare their accuracies.
#
# The second test, memorizing 100 images, needs the network *without* dropout and L2: dropout is there to prevent exactly this.

# %%
probe = build_net3(width, dropout=0, l2=0)
probe.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
learnt = training.overfits(probe, few_x, few_y, images=100, epochs=20)
print(f"accuracy on the 100 images that it trained on, without dropout: {learnt:.2f}")

# %% [markdown]
# The second figure is the training accuracy. Keras computes it *during* training, with half of the values dropped and while the weights still change. The validation accuracy is computed with the whole network. The gap between the curves therefore compares two different networks.
#
# The fair gap takes the trained network, with nothing dropped, and evaluates it on both sets of images.
#
# **Exercise (2 points).** Write `fair_gap` with `model.evaluate` or `model.predict`.

# %% solution="net3-gap-answer"
def fair_gap(model, train_images, train_labels, val_images, val_labels):
    """Compute the accuracy of a trained network on both sets of images, and the difference.

    model: a keras.Model, not compiled, or compiled with any metrics or none
    images: (N, 32, 32, 3) float32; labels: (N, 1)
    Returns a dictionary of three floats with the keys training, validation and gap; the gap is
    training minus validation.

    Example: {"training": 0.9, "validation": 0.7, "gap": 0.2}
    """
    ### BEGIN SOLUTION
    shares = []
    for x, y in ((train_images, train_labels), (val_images, val_labels)):
        guesses = model.predict(x, batch_size=256, verbose=0).argmax(axis=1)
        shares.append(float(np.mean(guesses == np.ravel(y))))
    return {"training": shares[0], "validation": shares[1], "gap": shares[0] - shares[1]}
    ### END SOLUTION

# %% tests="net3-gap" points=2
with checks.exercise("net3-gap", hidden="other networks, compiled and not; unequal numbers of images"):
    # A network without weights, whose answer is the strongest of red, green and blue.
    def strongest(*middle):
        layers = keras.layers
        return keras.Sequential(
            [layers.Input((32, 32, 3)), layers.GlobalAveragePooling2D(), *middle, layers.Softmax()]
        )

    colors = np.float32([[0.1, 0.9, 0.5], [0.9, 0.1, 0.2], [0.2, 0.3, 0.9], [0.4, 0.6, 0.1]])
    shown = np.tile(colors[:, None, None], (1, 32, 32, 1))
    right, half = np.array([[1], [0], [2], [1]]), np.array([[1], [0], [0], [0]])
    other = strongest()
    other.compile("sgd", "sparse_categorical_crossentropy", metrics=["mae"])
    try:
        gap = checks.unchanged(fair_gap, strongest(), shown, right, shown, half)
        measured = fair_gap(other, shown, right, shown, half)
    except (ValueError, TypeError, KeyError) as error:
        weights = "compile takes 'accuracy' for weights of the losses: write metrics=['accuracy']."
        alone = "model.evaluate returns the loss alone: compile with metrics=['accuracy'], or use predict."
        for sign, words in {
            "compile": "A network that is not compiled cannot be evaluated: use predict, or compile it first.",
            "must have the same shape": "The labels are integers: compile with the loss sparse_categorical_crossentropy, or use predict.",
            "dtype='string'": weights,
            "loss_weights": weights,
            "'float' object is not": alone,
            "non-iterable float": alone,
            "'accuracy'": "The network may be compiled with other metrics: compile it anew, or use predict.",
        }.items():
            checks.that(sign not in str(error), words)
        raise
    checks.that(gap is not None, "fair_gap returns None: end it with `return`.")
    checks.that(isinstance(gap, dict), "fair_gap does not return a dictionary.")
    checks.equal(sorted(gap), ["gap", "training", "validation"], "The sorted list of keys")
    checks.close(gap["training"], 1.0, "The training accuracy, with four of four right,")
    checks.close(gap["validation"], 0.5, "The validation accuracy, with two of four right,")
    checks.close(gap["gap"], 0.5, "The gap")
    another = "The training accuracy of a network that was compiled with another metric"
    checks.close(measured["training"], 1.0, another)
    turned = fair_gap(other, shown, half, shown, right)
    checks.close(turned["gap"], -0.5, "The gap of the same network, called again with both sets exchanged,")
    # A layer that behaves differently in training, which must not affect the gap.
    noisy = strongest(keras.layers.Dropout(0.99))
    many, labels = np.repeat(shown, 30, axis=0), np.repeat(right, 30, axis=0)
    gap = fair_gap(noisy, many, labels, many, labels)
    for key in ("training", "validation"):
        checks.close(gap[key], 1.0, f"The {key} accuracy of a network with dropout, with nothing dropped,")
    # Its curves are those of the training, with other images, dropout and augmentation.
    trained = strongest()
    trained.history = keras.callbacks.History()
    trained.history.history = {"accuracy": [0.25, 0.375], "val_accuracy": [0.625, 0.75]}
    gap = fair_gap(trained, shown, right, shown, half)
    checks.close(gap["training"], 1.0, "The training accuracy of a network that has curves, measured anew,")
    with_weights = strongest(keras.layers.BatchNormalization())
    with_weights.set_weights([w + 0.01234567 for w in with_weights.get_weights()])
    checks.unchanged(fair_gap, with_weights, many, labels, many, labels)  # measured, not trained
### BEGIN HIDDEN TESTS
from autograder import submission

np, keras, check = submission.np, submission.keras, submission.checks
rng = np.random.default_rng(61)


def network(*middle):
    """Build a classifier of the upper left quarter's color, with random weights."""
    parts = keras.layers
    quarter = [parts.Cropping2D(((0, 16), (0, 16))), parts.GlobalAveragePooling2D()]
    net = [parts.Input((32, 32, 3)), *quarter, parts.Dense(24, "tanh")]
    net = keras.Sequential([*net, *middle, parts.Dense(10, "softmax", kernel_regularizer="l2")])
    signs = [rng.choice([-1, 1], w.shape) ** (w.ndim - 1) for w in net.weights]
    net.set_weights([rng.uniform(0.5, 2, w.shape) * sign for w, sign in zip(net.weights, signs)])
    return net


def labeled(net, count, right):
    """Draw images of four colors, and labels that are right for some; of many, for the first."""
    x = rng.random((count, 2, 2, 3), "float32").repeat(16, axis=1).repeat(16, axis=2)
    guesses = submission.predict(net, x).argmax(axis=1)
    place = np.arange(count) if count > 1_000 else rng.permutation(count)
    y = (guesses + (place >= right)) % 10
    return x, y[:, None].astype("uint8")


ready = network(keras.layers.BatchNormalization())
ready.compile("adam", "sparse_categorical_crossentropy", metrics=["mae"])
dropping = network(keras.layers.Dropout(0.9))
for what, net, inner, outer in (
    ("a network with dropout that is not compiled", dropping, (84, 18), (1_061, 634)),
    ("a compiled network with batch normalization", ready, (1_153, 213), (71, 57)),
    ("a compiled network with batch normalization", ready, (5, 2), (3, 1)),
):
    train_x, train_y = labeled(net, *inner)
    other_x, other_y = labeled(net, *outer)
    got = submission.call("fair_gap", net, train_x, train_y, other_x, other_y)
    check.that(isinstance(got, dict), "fair_gap does not return a dictionary.")
    first, second = inner[1] / inner[0], outer[1] / outer[0]
    want = {"training": first, "validation": second, "gap": first - second}
    check.that(set(got) == set(want), "The keys are not training, validation and gap.")
    for key, (count, _) in (("training", inner), ("validation", outer)):
        asked = f"The {key} accuracy of {what}, on all of the {count} images as they are,"
        check.close(got[key], want[key], asked, atol=1e-4)
    check.close(got["gap"], first - second, f"The gap (training minus validation) of {what}", atol=1e-4)
### END HIDDEN TESTS

# %%
hints.show("net3-gap")

# %% [markdown] locked="net3-earlier-note"
# ## 3. Three networks side by side
#
# NET I is the network that you built in *03 NET I*, and NET II is that of *05 NET II*. The next cell builds both for you, so that the notebook needs no other file and all three networks train on the same images with the same settings.

# %% locked="net3-earlier"
def build_earlier(size, *filters):
    """Build convolutions with filters of one size, a 0 for each pooling, then FC 512 and FC 10."""
    layers = keras.layers
    net = keras.Sequential([keras.Input((32, 32, 3))])
    for n in filters:
        net.add(layers.Conv2D(n, size, activation="relu") if n else layers.MaxPooling2D())
    for end in (layers.Flatten(), layers.Dense(512, "relu"), layers.Dense(10, "softmax")):
        net.add(end)
    return net


def build_net1():
    """Build NET I, as in 03 NET I; it is not compiled."""
    return build_earlier(3, 32, 0, 64, 0, 64, 0)


def build_net2():
    """Build NET II, as in 05 NET II; it is not compiled."""
    return build_earlier(5, 32, 64, 0, 64, 0)

# %%
few_epochs = 13 if small else profile.epochs(20)


def train_few(build, name, seed=1):
    """Build a network, and train it with Adam; all of them are validated on the same images."""
    keras.utils.set_random_seed(seed)
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    settings = {"batch_size": 32 if small else 128, "epochs": few_epochs}
    return model, training.fit(model, name, few_x, few_y, validation_data=few_val, **settings)

# %% [markdown]
# **Predict.** After the same number of epochs, which of the three networks has the highest training accuracy, which has the highest validation accuracy, and which has the smallest gap?

# %%
builders = {
    "NET I": build_net1,
    "NET II": build_net2,
    "NET III": lambda: build_net3(width, dropout=dropout_rate),
}
nets, records = {}, {}
for title, build in builders.items():
    print(title)
    nets[title], records[title] = train_few(build, f"net3_{title.count('I')}")

# %%
fig, axes = plt.subplots(1, 3, figsize=(8, 3.4), layout="constrained", sharey=True)
for ax, (title, record) in zip(axes, records.items()):
    plots.history(record, "accuracy", ax=ax).set_title(title)
plt.show()

# %% [markdown]
# In the next figure, the loss of NET III contains its penalty. So compare whether the curves fall or rise, not how high they are.

# %%
fig, ax = plt.subplots(figsize=(7, 4))
plots.compare_histories(records, "val_loss", ax=ax)
plt.show()

# %%
gaps = {name: fair_gap(net, few_x, few_y, *few_val) for name, net in nets.items()}
for title, fair in gaps.items():
    curves = {k: v[-1] for k, v in records[title].history.items()}
    print(f"{title:<8} gap of the curves {curves['accuracy'] - curves['val_accuracy']:+.3f}", end=", ")
    print(f"fair gap {fair['gap']:+.3f}")

# %% [markdown]
# **Exercise (2 points).** Write `compare`, which puts all important figures into one table.

# %% solution="net3-compare-answer"
def compare(nets, records, gaps):
    """Make one row for each network, with the highest validation accuracy first.

    nets: a dictionary from names to keras.Model
    records: from names to what training.fit returned (it has .seconds)
    gaps: from names to what fair_gap returned
    Returns a list of dictionaries with the keys name, parameters (the total, an integer),
    seconds (of training), accuracy (on the validation images), gap (the fair one); no value is
    rounded. The three dictionaries have the same names, in any order.

    Example: compare(nets, records, gaps)[0]["name"] is the name of the best network.
    """
    ### BEGIN SOLUTION
    rows = [
        {
            "name": name,
            "parameters": net.count_params(),
            "seconds": records[name].seconds,
            "accuracy": gaps[name]["validation"],
            "gap": gaps[name]["gap"],
        }
        for name, net in nets.items()
    ]
    return sorted(rows, key=lambda row: row["accuracy"], reverse=True)
    ### END SOLUTION

# %%
table = compare(nets, records, gaps)
print(f"{'network':<10}{'parameters':>12}{'seconds':>9}{'accuracy':>10}{'gap':>8}")
for line in table:
    print(f"{line['name']:<10}{line['parameters']:>12,}{line['seconds']:>9.1f}", end="")
    print(f"{line['accuracy']:>10.3f}{line['gap']:>8.3f}")

# %% tests="net3-compare" points=2
with checks.exercise("net3-compare", hidden="other tables: more networks, equal accuracies"):
    def toy(units):
        layers = keras.layers
        return keras.Sequential([layers.Input((4,)), layers.Dense(units), layers.BatchNormalization()])

    shares = [
        {"training": 0.90625, "validation": 0.53125, "gap": 0.375},
        {"training": 0.78125, "validation": 0.65625, "gap": 0.125},
        {"training": 0.46875, "validation": 0.59375, "gap": -0.125},
    ]
    for names, units, again in (("cba", (3, 4, 2), ""), ("acb", (3, 2, 4), ", called again with other figures,")):
        fair, nets_given = dict(zip(names, shares)), {name: toy(n) for name, n in sorted(zip(names, units))}
        made = {}
        for name, seconds in zip(names[2] + names[:2], (2.5, 0.5, 1.5)):  # a training ends where evaluate begins
            last = fair[name]["validation"]
            curves = {"accuracy": [0.25, 0.375], "val_accuracy": [last + 0.25, last]}
            made[name] = training.History({"loss": [2, 1], "val_loss": [1, 2], **curves}, [0, 1], seconds)
        try:
            rows = checks.unchanged(compare, nets_given, made, fair)
        except TypeError as error:
            key = "compare sorts whole rows, which Python cannot order: sort by the accuracy alone, with key=."
            checks.that("not supported between" not in str(error), key)
            raise
        checks.that(rows is not None, "compare returns None: end it with `return`.")
        checks.that(isinstance(rows, (list, tuple)), f"compare returns a {type(rows).__name__}; expected a list.")
        checks.equal(len(rows), 3, f"The number of rows{again}")
        checks.that(all(isinstance(row, dict) for row in rows), "A row is no dictionary.")
        order = [names[1], names[2], names[0]]
        checks.equal([row.get("name") for row in rows], order, f"The list of the names{again}")
        for row in rows:
            name = row["name"]
            want = {"name": name, "parameters": 9 * units[names.index(name)], "seconds": made[name].seconds}
            want |= {"accuracy": fair[name]["validation"], "gap": fair[name]["gap"]}
            checks.equal(sorted(row), sorted(want), f"The sorted list of the keys of row {name}")
            for key in ("parameters", "seconds", "accuracy", "gap"):
                checks.close(row[key], want[key], f"The value {key!r} in row {name}{again}", rtol=1e-6)
### BEGIN HIDDEN TESTS
from autograder import submission

np, keras, check = submission.np, submission.keras, submission.checks


def toy(units):
    """Build a network of 4 * units + units + 4 * units parameters, some of them not trainable."""
    parts = keras.layers
    return keras.Sequential([parts.Input((4,)), parts.Dense(units), parts.BatchNormalization()])


parts = keras.layers
conv = [parts.Input((5, 5, 2)), parts.Conv2D(3, 3), parts.BatchNormalization(), parts.Flatten(), parts.Dense(2)]
toys = {"deep": keras.Sequential(conv), "plain": toy(5), "near": toy(2), "twin": toy(4), "wide": toy(3)}
seconds = {"wide": 40.2514637, "twin": 3.7583646, "deep": 7.1254836, "plain": 2.5037264, "near": 11.5}
shares = {"plain": (0.9412736, 0.8433742), "deep": (0.4823064, 0.5121327), "wide": (0.9711, 0.6678436)}
shares |= {"near": (0.8871264, 0.8436617), "twin": (0.7012537, 0.6678436)}  # hardly better; exactly as good
fair = {n: {"training": a, "validation": b, "gap": a - b} for n, (a, b) in shares.items()}
records = {}
for name, spent in seconds.items():
    last = shares[name][1]
    curves = {"accuracy": [0.25, 0.375], "val_accuracy": [last + 0.02, last]}
    records[name] = submission.History({"loss": [2.0, 1.0], "val_loss": [1.0, 2.0], **curves}, [0, 1], spent)
try:
    rows = submission.call("compare", toys, records, fair)
except check.StudentError as error:
    tie = "With two equal accuracies, compare sorts by what comes after them: sort by the accuracy alone, with key=."
    check.that("TypeError" not in str(error), tie)  # all that a notebook tells of it
    raise
check.that(
    isinstance(rows, (list, tuple)) and all(isinstance(row, dict) for row in rows),
    "compare does not return a list of dictionaries.",
)
check.that(
    len(rows) == len(toys),
    "The number of rows is wrong with more networks, two of which have the same accuracy: keep both, and all others.",
)
order = ["near", "plain", "wide", "twin", "deep"]
if rows[2].get("name") == "twin":
    order[2:4] = "twin", "wide"  # either of the two may come first
for row, name in zip(rows, order):
    keys = {"name", "parameters", "seconds", "accuracy", "gap"}
    check.that(set(row) == keys, "The keys of a row are not name, parameters, seconds, accuracy and gap.")
    check.that(row["name"] == name, "The rows are not in order: the highest validation accuracy comes first.")
    total = check.count(toys[name].weights)
    check.equal(row["parameters"], total, "The total number of parameters in a row")
    check.close(row["seconds"], seconds[name], "The training time in a row, in seconds and not rounded,", rtol=2e-6)
    check.close(row["accuracy"], shares[name][1], "The validation accuracy in a row, not rounded,", rtol=2e-6)
    check.close(row["gap"], fair[name]["gap"], "The fair gap in a row, not rounded,", rtol=2e-6)
submission.unchanged("compare", toys, records, fair)
### END HIDDEN TESTS

# %%
hints.show("net3-compare")

# %% [markdown] answer="net3-curves" points=2
# **What do you see?** (2 points) Does NET III overfit? Compare the gap of its curves with the fair gap, and explain the difference. Then compare the three networks by accuracy, gap, parameters and seconds, with numbers from your table.
#
# ### BEGIN SOLUTION
# *Rubric.* One point for the two gaps: the curves of NET III show a small or even a negative gap, because its training accuracy is measured with values dropped. The fair gap is the larger of the two (under *offline*, 0.107 to 0.182 against −0.075 to 0.048 with four seeds; under *full*, 0.055 against −0.007) and still the smallest of the three networks, so NET III overfits less, but it does overfit. One point for the comparison with numbers: NET I and II reach a higher training accuracy and leave a wider gap, and their validation loss rises (under *quick*, NET I's does not yet); NET III leaves a smaller gap, and takes more seconds per parameter than NET I (under *full*, where the way to the GPU costs more than the network, an epoch takes 0.76 s, and 0.70 s for NET I). Under *full*, NET III is also the most accurate, and its validation loss does not rise. A student whose NET III is less accurate with few images and epochs should say so: a network that is held back learns more slowly, so a small gap is not a merit in itself.
# ### END SOLUTION

# %% [markdown]
# ## 4. Which part closes the gap?
#
# NET III differs from NET I and II in depth, in padding, in dropout and in L2. First leave out L2, then leave out dropout as well.
#
# **Predict.** Order the three variants by their fair gap. Which one do you expect to have the highest validation accuracy at the end?

# %%
ablations = {"neither": {"dropout": 0, "l2": 0}, "dropout alone": {"dropout": dropout_rate, "l2": 0}}
part_gaps = {}
for number, (title, switches) in enumerate(ablations.items()):
    net, _ = train_few(lambda: build_net3(width, **switches), f"net3_part_{number}")
    part_gaps[title] = fair_gap(net, few_x, few_y, *few_val)
part_gaps["both: NET III"] = gaps["NET III"]

# %%
fig, ax = plt.subplots(figsize=(7, 4))
places = np.arange(len(part_gaps))
for shift, key, look in (
    (-0.2, "training", {"color": plots.COLOURS[4]}),
    (0.2, "validation", {"color": "white", "hatch": "//"}),
):
    heights = [fair[key] for fair in part_gaps.values()]
    ax.bar(places + shift, heights, 0.4, label=key, edgecolor="0.2", **look)
for place, fair in zip(places, part_gaps.values()):
    ax.text(place, fair["training"] + 0.02, f"gap {fair['gap']:+.2f}", ha="center", fontsize=8)
ax.set_xticks(places, list(part_gaps))
ax.set(ylabel="accuracy (nothing dropped)", ylim=(0, 1.1))
ax.legend(loc="upper right")
plt.show()

# %% [markdown] answer="net3-parts" points=2
# **Which part closes the gap?** (2 points) Describe what dropout contributes and what L2 contributes, with numbers. Is a network with a smaller gap a better network? What would you change about this experiment before you rely on it?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: dropout accounts for the smaller gap (under *offline*, 0.107 to 0.182 with both and 0.108 to 0.191 with dropout alone, against 0.252 to 0.301 with neither, four seeds), and the effect of L2 with 0.0005 is smaller than the difference between two seeds. Part of the effect is a lower training accuracy, not a higher validation accuracy, so a smaller gap alone does not make a better network (a network that learns nothing has no gap). Under *quick*, the network with neither has the widest gap of the three, and it is also the most accurate: 0.605, against 0.484 with dropout alone and 0.537 with both (seed 1). One point for a sound change: several seeds with mean and spread; more epochs, or each network trained until its validation loss is lowest, because dropout slows learning; the full width; rates and factors chosen on validation data.
# ### END SOLUTION

# %% [markdown]
# ### What more images, more width and more epochs change
#
# On all of CIFAR-10, at full width, with a dropout rate of 0.5 and after 20 epochs, the comparison ends as the exercise sheet means it: NET III is the most accurate of the three networks, with 0.775 on the test images, and its fair gap is 0.055. These are single trainings with seed 1, measured on an NVIDIA H100 with Keras 3.15 on JAX. They answer one question and leave two:
#
# * **Is depth enough?** With neither dropout nor L2, the same six convolutions reach the same validation accuracy, 0.778 against 0.780 at best. But the gap between the curves is 0.20, and the validation loss rises from 0.71 to 1.36: the network is often certain and wrong.
# * **Is dropout enough?** With dropout alone, the best validation accuracy is 0.735 after the same 20 epochs, so this network learned more slowly. It is one seed. Whether L2 made the difference or chance did, nobody can tell without more of them.

# %% [markdown]
# ## 5. Your own network
#
# Now use what you know. Design a network for these images with **at most 200,000 parameters**, about as many as NET I. It trains on all training images of the profile. You choose the layers, width, depth, padding, normalization, regularization, optimizer, batch size and epochs. Use the layers of Keras, or layers of your own that compute with `keras.ops`. The network maps (N, 32, 32, 3) float32 values from 0 to 1 to ten probabilities.
#
# People choose networks like this for telephones and cameras: what counts there is the accuracy for the memory that the weights take. The grader evaluates yours on images that no notebook has seen. There are three bands of two points each; hidden checks count the parameters and measure the accuracy:
#
# | band | accuracy, *offline* | *quick* | *full* | what reaches it |
# |---|---|---|---|---|
# | 1 | 0.60 | 0.43 | 0.60 | a network that was trained sensibly |
# | 2 | 0.70 | 0.50 | 0.66 | what NET I reaches |
# | 3 | 0.90 | 0.61 | 0.76 | a network that spends its parameters well |
#
# The generated images of *offline* are easier than photographs, so its bands are higher. NET I, trained as in *03 NET I*, is not enough for the third band under any profile. More epochs or smaller batches bring it closer; other layers bring you past it.
#
# Validate as often as you like, but keep the test images until the end. Three questions can help you. Where are the parameters of NET I, and does the image need to be flattened there? What lets a network learn more in the same number of epochs? What narrows its gap?
#
# **Exercise (6 points).** Write `build_mine` and `train_mine`.

# %% solution="net3-own-answer"
def build_mine():
    """Build and compile a network of at most 200,000 parameters.

    Returns a keras.Model that maps (N, 32, 32, 3) float32 from 0 to 1 to (N, 10) probabilities.
    """
    ### BEGIN SOLUTION
    layers, first = keras.layers, 16 if profile.current().name == "offline" else 32
    net = keras.Sequential([layers.Input((32, 32, 3))])
    for filters in (first, 2 * first, 4 * first):
        net.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        net.add(layers.MaxPooling2D(2))
        net.add(layers.BatchNormalization(momentum=0.9))
        net.add(layers.ReLU())
    net.add(layers.Dropout(0.2))
    net.add(layers.Flatten())
    net.add(layers.Dense(10, activation="softmax"))
    net.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net
    ### END SOLUTION

def train_mine(model, x, y, val_images, val_labels):
    """Train with training.fit under the name "net3_mine", and return its result.

    x, val_images: (N, 32, 32, 3) float32; y, val_labels: (N, 1) integers
    The weights are fitted to x and y alone (augmented, if you like). The validation images only
    validate, and the test images wait.
    """
    ### BEGIN SOLUTION
    epochs = profile.epochs(12)
    fall = keras.callbacks.LearningRateScheduler(lambda epoch: 0.005 * (1 - epoch / epochs))
    settings = {"validation_data": (val_images, val_labels), "callbacks": [fall]}
    return training.fit(model, "net3_mine", x, y, batch_size=32, epochs=epochs, **settings)
    ### END SOLUTION

# %%
mine = build_mine()
mine_record = train_mine(mine, x_train, y_train, x_val, y_val)

# %%
x_test, y_test = scaled.x_test, scaled.y_test
mine_gap = fair_gap(mine, x_train, y_train, x_val, y_val)
print({key: round(value, 3) for key, value in mine_gap.items()}, f"{mine.count_params():,} parameters")

# %% [markdown]
# ### The leaderboard
#
# Your entry for the class leaderboard is a dictionary of two strings, `entry = {"name": "...", "idea": "..."}`: a name, which can be a pen name, and one line about what your network does better than NET I. The leaderboard shows the accuracy that the grader measures.

# %% solution="net3-entry-answer"
### BEGIN SOLUTION
entry = {"name": "the course", "idea": "batch normalization, no hidden FC layer, a falling learning rate"}
### END SOLUTION

# %% tests="net3-own" points=6
with checks.exercise("net3-own", hidden="parameters and accuracy on images that no notebook has seen"):
    from convcourse import marked, watching

    checks.that(mine is not None, "build_mine returns None: end it with `return`.")
    total = checks.count(mine.weights)
    checks.that(total <= 200_000, f"mine has {total:,} parameters, and the budget is 200,000.")
    chances = checks.as_array(mine.predict(x_val[:50], verbose=0), "What mine predicts")
    checks.shape(chances, (len(x_val[:50]), 10), "What mine predicts for some images")
    checks.that((chances >= -1e-6).all(), "mine predicts negative values, which are no probabilities.")
    sums = chances.sum(axis=1)
    checks.close(sums, np.ones(len(sums)), "The sum of each row of probabilities", atol=1e-3)
    checks.that(mine_record is not None, "train_mine returns None: return what training.fit returns.")
    kind = type(mine_record).__name__
    checks.that(hasattr(mine_record, "history"), f"train_mine returns a {kind}: return what training.fit returns.")
    checks.that(isinstance(entry, dict), "entry is not a dictionary.")
    checks.equal(sorted(entry), ["idea", "name"], "The sorted list of the entry's keys")
    checks.that(all(isinstance(words, str) for words in entry.values()), "entry is not made of two strings.")
    # Images of one color to train on and checkerboards to validate on show what train_mine uses.
    given, fresh = marked.made(16, 8), build_mine()
    fresh(given.x[:1])  # some networks have no weights before they see an image
    checks.made_anew(fresh, mine, "build_mine")
    before = [np.array(weight) for weight in fresh.get_weights()]
    with watching.watched() as trainings:
        train_mine(fresh, given.x, given.y, given.val_x, given.val_y)
    checks.that(trainings, "train_mine does not train: call training.fit.")
    checks.that(
        not all(map(np.array_equal, before, fresh.get_weights())),
        "train_mine leaves the weights of its argument model as they were.",
    )
    for one in trainings:
        named = one.name is None or one.name.startswith("net3_mine")
        checks.that(named, f"train_mine saves its checkpoint as {one.name!r}; expected 'net3_mine'.")
        given.check(one, "train_mine")
### BEGIN HIDDEN TESTS
from autograder import submission

np, keras, check = submission.np, submission.keras, submission.checks


def within_budget(network, name):
    """Check the size of a network and what it maps to what."""
    check.that(check.count(network.weights) <= 200_000, f"{name} has more than 200,000 parameters.")
    # A Sequential without Input keeps the number of images of its first batch in its shapes.
    check.equal(list(network.input_shape)[1:], [32, 32, 3], f"The shape of an image that {name} takes")
    check.equal(list(network.output_shape)[1:], [10], f"The shape of what {name} gives for an image")


network = submission.model("mine")
within_budget(network, "mine")
within_budget(submission.build("build_mine", for_inputs=(32, 32, 3)), "What build_mine returns")
words = submission.value("entry")
check.that(
    isinstance(words, dict) and all(isinstance(words.get(k), str) for k in ("name", "idea")),
    "entry is not a dictionary of two strings with the keys name and idea.",
)

loss = submission.compiled("mine")["loss"].partition(" with ")[0]
parts = keras.layers
toy = keras.Sequential([parts.Input((32, 32, 3)), parts.GlobalAveragePooling2D(), parts.Dense(10, "softmax")])
toy.compile("adam", loss if hasattr(keras.losses, loss) else "sparse_categorical_crossentropy", metrics=["accuracy"])
asked = submission.marked(24, 9, seed=62)
try:
    trained = submission.trainings("train_mine", toy, asked.x, asked.y, asked.val_x, asked.val_y).trainings
except (check.StudentError, check.Wrong):
    trained = []  # it needs something that only the student's own network has, such as its loss
for one in trained:
    check.that(one.name is None or one.name.startswith("net3_mine"), "The checkpoint is not called net3_mine.")
    asked.check(one, "train_mine")

reached = submission.measured(lambda x, y: submission.accuracy(network, np.float32(x) / 255, y))
bands = [submission.threshold(f"net3-own-{number}") for number in (1, 2, 3)]
passed = sum(reached >= band for band in bands)
told = f"mine is right about {np.floor(1000 * reached) / 10:.1f}% of the held-out images"  # never up to a band
check.that(passed, f"{told}; the first band begins at {bands[0]:.0%}.")
if passed < len(bands):
    submission.missing(f"{told}; the next band begins at {bands[passed]:.0%}.")
submission.note(name=words["name"], idea=words["idea"], accuracy=reached, parameters=check.count(network.weights))
2 * passed
### END HIDDEN TESTS

# %%
hints.show("net3-own")

# %%
ranked = {**gaps, f"{entry['name']} (yours)": fair_gap(mine, few_x, few_y, *few_val)}
counts = {**{name: net.count_params() for name, net in nets.items()}, list(ranked)[-1]: mine.count_params()}
for place, title in enumerate(sorted(ranked, key=lambda n: -ranked[n]["validation"]), start=1):
    print(f"{place}. {title:<24}{counts[title]:>10,} parameters, accuracy {ranked[title]['validation']:.3f}")

# %% [markdown]
# Under *offline*, your network trained on more images than the other three, so the ranking shows what a notebook can reach and not only which network is better. Use the test images last, and only once:

# %%
for title, net in {**nets, entry["name"]: mine}.items():
    right = net.predict(x_test, batch_size=256, verbose=0).argmax(axis=1) == y_test.ravel()
    print(f"{title:<12} test accuracy {right.mean():.3f}")

# %% [markdown]
# ## What others got
#
# | *offline*, 500 images, 13 epochs, seeds 1 to 4 | gap of the curves | fair gap | validation accuracy | validation loss, lowest | at the end | test accuracy |
# |---|---|---|---|---|---|---|
# | NET I, seeds 1 to 3 | 0.296 [0.275, 0.327] | 0.310 [0.291, 0.321] | 0.552 [0.523, 0.577] | 1.26 | 1.33 [1.29, 1.40] | 0.603 [0.583, 0.631] |
# | NET II, seed 1 | 0.328 | 0.368 | 0.610 | 1.29 | 1.49 | 0.662 |
# | NET III | −0.006 [−0.075, 0.048] | 0.135 [0.107, 0.182] | 0.494 [0.397, 0.563] | 1.45 | 1.45 [1.25, 1.62] | 0.503 [0.428, 0.542] |
# | NET III, dropout alone | 0.005 [−0.022, 0.061] | 0.151 [0.108, 0.191] | 0.487 [0.430, 0.547] | 1.32 | 1.32 [1.18, 1.49] | 0.493, seeds 2 to 4 |
# | NET III, neither | 0.268 [0.227, 0.308] | 0.277 [0.252, 0.301] | 0.611 [0.583, 0.650] | 1.29 | 1.67 [1.43, 1.82] | 0.604, seeds 2 to 4 |
# | the course's own, 34,170 parameters, 4,500 images, 5 epochs, seeds 1 to 5 | 0.051 [0.041, 0.062] | 0.060 [0.049, 0.070] | 0.918 [0.904, 0.928] | 0.27 | 0.27 [0.25, 0.29] | 0.923 [0.913, 0.930] |
#
# | CIFAR-10, seed 1 | gap of the curves | fair gap | validation accuracy | validation loss, lowest | at the end | test accuracy |
# |---|---|---|---|---|---|---|
# | *quick*, 9,000 images, 10 epochs: NET I | 0.058 | 0.102 | 0.519 | 1.26 | 1.26 | 0.554 |
# | NET II | 0.180 | 0.132 | 0.528 | 1.27 | 1.51 | 0.497 |
# | NET III, half of its width | −0.053 | 0.021 | 0.537 | 1.38 | 1.38 | 0.518 |
# | NET III, half of its width, dropout alone | −0.016 | 0.002 | 0.484 | 1.41 | 1.41 | – |
# | NET III, half of its width, neither | 0.066 | 0.098 | 0.605 | 1.10 | 1.10 | – |
# | the course's own, 114,410 parameters, 6 epochs | 0.237 | 0.272 | 0.637 | 1.04 | 1.04 | 0.658 |
# | *full*, 45,000 images, 20 epochs: NET I | 0.146 | 0.169 | 0.718 | 0.86 | 0.96 | 0.717 |
# | NET II | 0.271 | 0.269 | 0.696 | 0.88 | 1.82 | 0.693 |
# | NET III | −0.007 | 0.055 | 0.777 | 0.83 | 0.83 | 0.775 |
# | NET III, dropout alone | 0.016 | – | 0.723 | 0.76 | 0.80 | – |
# | NET III, neither | 0.202 | – | 0.777 | 0.71 | 1.36 | – |
# | the course's own, 12 epochs | 0.141 | – | 0.797 | 0.69 | 0.73 | 0.794 |
#
# The figures of *offline* are means, with the lowest and the highest value in brackets; NET III has a quarter of its width and a dropout rate of 0.2. Those of *offline* and *quick* were measured on a 64-bit processor without a GPU, with TensorFlow 2.21 and Keras 3.15, and those of *full* on one NVIDIA H100 with Keras 3.15 on JAX. The accuracies are those after the last epoch. The exercise sheet asks for the comparison and gives no figures.

# %% [markdown]
# ## Take-away
#
# NET III is deeper than NET I and II, and dropout makes its gap narrower than theirs, at the price of slower learning. A training accuracy that was measured with values dropped and a loss that contains a penalty are not what they seem: compare trained networks, with nothing dropped, on the same images. Within a parameter budget, a network does best with few parameters in FC layers and with values that are normalized between its layers.
#
# **To read on.** Goodfellow, Bengio and Courville (2016, *Deep Learning*, chapter 7) treat penalties, dropout and early stopping together. Ioffe and Szegedy (2015, *Batch normalization: Accelerating deep network training by reducing internal covariate shift*) and Lin, Chen and Yan (2014, *Network in network*), who average over positions instead of flattening, are useful for your own network. Henderson, Islam, Bachman, Pineau, Precup and Meger (2018, *Deep reinforcement learning that matters*) show, in another field, how differently the same program does with other seeds.
#
# **Going further.** In NET III, 64% of the parameters are between the last pooling layer and the first FC layer. What happens to the accuracy and to the gap if you average over the 4 × 4 positions before that layer instead of flattening them?
