# %% [markdown]
# # CIFAR-100: a large network, part by part
#
# **150 minutes, 20 points.** Builds on *04 parameter counting*, *07 augmentation* and *08 regularization*, and uses something from each of them.
#
# In this assignment you
#
# * **build** a network of ten convolutions for a hundred classes, and **predict** what each of its blocks costs,
# * **preprocess** labels and images as a report on CIFAR-100 did, including augmentation,
# * **take apart** the network: fewer blocks, one more block, without dropout, without augmentation,
# * **time** each version, and **judge** three conclusions of the report by your own results,
# * **measure** more than accuracy: the five best guesses, and the superclass.

# %% [markdown] locked="c100-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="c100-setup"
# build writes the set-up cell here.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from convcourse import data, plots, profile, training

keras.utils.set_random_seed(1)

# %% [markdown]
# ## 1. A hundred classes in twenty groups
#
# CIFAR-100 has 50,000 training and 10,000 test images of 32 × 32 pixels. Only 500 training images show each class, a tenth of what CIFAR-10 offers. The classes form twenty *superclasses* of five, so each image has two labels, a *fine* and a *coarse* one: *maple* and *tree*, for example. The generated images of the profile *offline* have the same structure: a superclass is a shape, and its five classes are five ways to fill it.

# %%
images = data.load("cifar100").scaled()
small = profile.current().name == "offline"
n_val = len(images.x_train) // 5
x_train, fine_train = images.x_train[:-n_val], images.y_train[:-n_val, 0]
x_val, fine_val = images.x_train[-n_val:], images.y_train[-n_val:, 0]
x_test, fine_test = images.x_test, images.y_test[:, 0]
print(f"{len(x_train)} images for training, {len(x_val)} for validation, {len(x_test)} for testing")

# %%
group_of = np.zeros(100, int)  # the superclass of each class
group_of[fine_train] = images.coarse_train[:-n_val, 0]
shown = np.concatenate([np.flatnonzero(group_of[fine_train] == g)[:5] for g in range(3)])
fig, ax = plt.subplots(figsize=(7, 5))
plots.contact_sheet(x_train[shown], fine_train[shown], images.class_names, columns=5, ax=ax)
plt.show()

# %% [markdown]
# Each row of the figure shows five images of one superclass. A network that guesses is right on one image in a hundred, and on one in twenty if only the superclass counts.
#
# ### One-hot labels
#
# The report that this assignment follows turns each label into a row of a hundred values, 1 at the place of the class and 0 elsewhere (*one-hot*), and trains with `categorical_crossentropy`. For an image of class $y$ with predicted probabilities $p$ and the one-hot row $t$, this is the loss of the earlier assignments in another form:
#
# $$-\sum_{k=1}^{100} t_k \log p_k = -\log p_y$$
#
# **Exercise (1 point).** Write `one_hot` with NumPy. It accepts labels in a column, as Keras delivers them, and in a plain one-dimensional array.

# %% solution="c100-onehot-answer"
def one_hot(labels, classes=100):
    """Turn labels into rows with a single 1 each.

    labels: (N,) or (N, 1) integers from 0 to classes - 1
    Returns (N, classes) float32: 1 at the place of the label, 0 elsewhere.

    Example: one_hot(np.array([2, 0]), 3) is [[0, 0, 1], [1, 0, 0]].
    """
    ### BEGIN SOLUTION
    return np.eye(classes, dtype=np.float32)[np.ravel(labels)]
    ### END SOLUTION

# %% tests="c100-onehot" points=1
with checks.exercise("c100-onehot", hidden="columns of labels, classes that do not occur"):
    checks.unchanged(one_hot, np.array([0, 1]), 3)
    rows = checks.unchanged(one_hot, np.array([2, 0]), 3)
    checks.array_equal(rows, np.array([[0, 0, 1], [1, 0, 0]]), "The array of rows of the labels 2 and 0")
    checks.dtype(rows, "float32", "The result")
    checks.shape(one_hot(np.array([[4], [1]]), 5), (2, 5), "The array of rows of a column of two labels")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(41)
for amount, classes, top in ((300, 100, 100), (6, 100, 40), (20, 20, 20), (40, 260, 256), (1, 2, 1), (3, 1, 1)):
    numbers = rng.integers(top, size=amount)
    wanted = np.float32(numbers[:, None] == np.arange(classes))
    for form, given in (("row", numbers), ("column", numbers[:, None].astype("uint8"))):
        made = submission.call("one_hot", given, classes)
        case = f"The result for a {form} of labels (some classes may not occur)"
        check.array_equal(made, wanted, case)
        check.dtype(made, "float32", case)
usual = submission.call("one_hot", np.array([[7], [3], [0]], "uint8"))
check.shape(usual, (3, 100), "The result without an argument for classes")
column = np.array([[3], [1], [1]])
submission.unchanged("one_hot", column, classes=4)
### END HIDDEN TESTS

# %%
hints.show("c100-onehot")

# %%
y_train, y_val, y_test = (one_hot(labels) for labels in (fine_train, fine_val, fine_test))

# %% [markdown]
# ## 2. The base network
#
# The report starts with three convolutions of 32, 64 and 128 filters and one fully connected (FC) layer, which reach an accuracy of 0.366. Its *base* goes deeper. A block consists of several convolutions, then batch normalization, then pooling:
#
# | block | convolutions 3 × 3, same, ReLU | output after pooling 2 × 2 |
# |---|---|---|
# | 1 | 2 of 64 filters | 16 × 16 × 64 |
# | 2 | 2 of 128 filters | 8 × 8 × 128 |
# | 3 | 3 of 256 filters | 4 × 4 × 256 |
# | 4 | 3 of 512 filters | 2 × 2 × 512 |
#
# The network then flattens the result, drops half of the 2,048 values, and ends with an FC layer of 512 units with *sigmoid* and one of 100 units with softmax. The report found sigmoid in a search over the head, which took 48 minutes for ten settings; the best reached 0.25 after 20 epochs. With the whole network and a second FC layer, sigmoid gained 0.02 (0.51). *09 optimization*, section 5, repeats that search in seconds.
#
# **Predict.** Which block has the most parameters? Is it also the block that takes the most time?

# %% [markdown]
# **Exercise (4 points).** Write `build_base`. The blocks are an argument, so you can exchange them. `width` multiplies all filters and the 512 units, but not the classes. A dropout of 0 adds no layer.

# %% solution="c100-base-answer"
BASE = ((64, 2), (128, 2), (256, 3), (512, 3))  # filters and convolutions of each block


def build_base(blocks=BASE, dropout=0.5, width=1.0, classes=100):
    """Build the network for CIFAR-100 with input (32, 32, 3), without compiling it.

    blocks: (filters, convolutions) of each block; its batch normalization has momentum=0.9
    dropout: rate after flattening; 0 adds no such layer
    width: each layer has round(width * filters) filters, and the hidden FC layer accordingly
    Returns a new keras.Model in each call.

    Example: build_base().count_params() is 8739492.
    """
    ### BEGIN SOLUTION
    layers = keras.layers
    net = keras.Sequential([layers.Input((32, 32, 3))])
    for filters, convolutions in blocks:
        for _ in range(convolutions):
            net.add(layers.Conv2D(round(width * filters), 3, padding="same", activation="relu"))
        net.add(layers.BatchNormalization(momentum=0.9))
        net.add(layers.MaxPooling2D())
    net.add(layers.Flatten())
    if dropout:
        net.add(layers.Dropout(dropout))
    net.add(layers.Dense(round(width * 512), activation="sigmoid"))
    net.add(layers.Dense(classes, activation="softmax"))
    return net
    ### END SOLUTION

# %% tests="c100-base" points=4
with checks.exercise("c100-base", hidden="every layer, for other blocks, widths, rates and classes"):
    net = build_base(((64, 2), (128, 1)), dropout=0.25)
    checks.architecture(
        net,
        "conv 3x3x64 same relu, conv 3x3x64 same relu, bn, pool 2, conv 3x3x128 same relu, bn,"
        "pool 2, flatten, dropout 0.25, dense 512 sigmoid, dense 100 softmax",
        input_shape=(32, 32, 3),
    )
    checks.that(not net.losses, "The network has a penalty on its weights, which was not asked for.")
    checks.that(not net.compiled, "build_base compiles the network: train_network does that.")
    checks.parameters(
        build_base(), total=8_739_492, trainable=8_737_572, input_shape=(32, 32, 3)
    )
    one, other = build_base(width=0.25), build_base(width=0.25)
    checks.parameters(one, total=557_556, input_shape=(32, 32, 3))
    checks.made_anew(one, other, "build_base")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks


def layers_of(blocks, dropout, width, classes):
    """Describe the network in words that submission.checks.architecture reads."""
    words = []
    for filters, convolutions in blocks:
        words += [f"conv 3x3x{round(width * filters)} same relu"] * convolutions
        words += ["bn", "pool 2"]
    words += ["flatten"] + [f"dropout {dropout}"] * bool(dropout)
    words += [f"dense {round(width * 512)} sigmoid", f"dense {classes} softmax"]
    return ", ".join(words)


def leaves(network):
    """List all layers, with those of networks inside it in their place."""
    found = []
    for layer in network.layers:
        found += leaves(layer) if hasattr(layer, "layers") else [layer]
    return found


whole = [[64, 2], [128, 2], [256, 3], [512, 3]]
for blocks, dropout, width, classes in (
    ([[16, 4], [24, 1], [40, 2], [48, 1]], 0, 0.25, 20),
    ([*whole, [512, 3]], 0.5, 0.125, 100),
    ([[256, 1]], 0.7, 0.0626, 7),
    ([[32, 1], [64, 1], [128, 1]], 0.0, 0.3, 100),
    ([[8, 1], [10, 2]], 0.05, 1.5, 2),
):
    asked = {"dropout": dropout, "width": width, "classes": classes}
    net = submission.build("build_base", blocks, **asked, for_inputs=(32, 32, 3))
    made = [w.shape[-1] for w in net.get_weights() if w.ndim > 1]
    sizes = [round(width * filters) for filters, convolutions in blocks for _ in range(convolutions)]
    sizes += [round(width * 512), classes]
    check.that(
        len(made) != len(sizes) or sorted(made) == sorted(sizes),
        "For other arguments width and classes, a layer has the wrong filters or units: a convolution has "
        "round(width * filters) filters, the hidden FC layer has round(width * 512) units, and the last one "
        "has classes units.",
    )
    check.architecture(net, layers_of(blocks, dropout, width, classes))
    check.equal(list(net.input_shape[1:]), [32, 32, 3], "The input shape of the network")
    norms = [layer for layer in leaves(net) if type(layer).__name__ == "BatchNormalization"]
    check.that(
        all(abs(layer.momentum - 0.9) < 1e-6 for layer in norms),
        "A batch normalization layer has a momentum other than 0.9.",
    )
plain = submission.build("build_base", for_inputs=(32, 32, 3))
check.architecture(plain, layers_of(whole, 0.5, 1, 100))
check.parameters(plain, total=8_739_492, trainable=8_737_572)
### END HIDDEN TESTS

# %%
hints.show("c100-base")

# %% [markdown]
# ### What a block costs
#
# A convolution with $F$ filters of 3 × 3 over $C$ channels has $(9 C + 1) F$ parameters. With same padding, it performs $9\,C\,F$ multiplications at each of the $N \times N$ positions of its input. Pooling halves $N$, so a later block can have twice the filters for about the same amount of work.
#
# **Exercise (3 points).** Write `block_costs` for the convolutions alone.

# %% solution="c100-costs-answer"
def block_costs(blocks, size=32, channels=3):
    """Count the parameters and multiplications of the convolutions of each block.

    blocks: (filters, convolutions) of each; after each block, 2 x 2 pooling halves the size and rounds down
    size, channels: height (and width) in pixels and number of channels of the input
    Returns a list of (parameters, multiplications for one image), one pair for each block.

    Example: block_costs([(64, 1), (128, 1)]) is [(1792, 1769472), (73856, 18874368)].
    """
    ### BEGIN SOLUTION
    costs = []
    for filters, convolutions in blocks:
        parameters = multiplications = 0
        for _ in range(convolutions):
            parameters += (9 * channels + 1) * filters
            multiplications += 9 * channels * filters * size**2
            channels = filters
        costs.append((parameters, multiplications))
        size //= 2
    return costs
    ### END SOLUTION

# %% tests="c100-costs" points=3
with checks.exercise("c100-costs", hidden="one block, many blocks, other sizes and channels"):
    costs = checks.unchanged(block_costs, [(64, 1), (128, 1)])
    costs = checks.as_array(costs, "The result of block_costs").tolist()
    checks.equal(costs, [[1_792, 1_769_472], [73_856, 18_874_368]], "The list of costs of two blocks")
    costs = checks.as_array(block_costs([(64, 2)]), "The result of block_costs").tolist()
    checks.equal(costs, [[38_720, 39_518_208]], "The list of costs of one block of two convolutions")
    costs = block_costs(((64, 2), (128, 2), (256, 3), (512, 3)))
    total = sum(parameters for parameters, _ in costs)
    checks.equal(total, 7_635_264, "The number of parameters of all convolutions of the base")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks


def wanted_costs(blocks, size, channels):
    """Count the parameters and multiplications of each block, one pair for each."""
    found = []
    for filters, convolutions in blocks:
        inputs = [channels] + [filters] * (convolutions - 1)
        found.append(
            [
                sum((9 * c + 1) * filters for c in inputs),
                sum(9 * c * filters * size * size for c in inputs),
            ]
        )
        channels, size = filters, size // 2
    return found


for blocks, size, channels in (
    ([[64, 2], [128, 2], [256, 3], [512, 3], [512, 3]], 32, 3),
    ([[256, 3]], 32, 3),
    ([[7, 1], [5, 4]], 28, 1),
    ([[8, 2], [16, 1], [32, 1]], 13, 4),
    ([[4, 1], [8, 1], [8, 2], [16, 1], [16, 1]], 17, 2),
    ([[128, 2], [64, 1]], 224, 5),
    ([[33, 3], [77, 2]], 225, 5),
):
    named = {} if (size, channels) == (32, 3) else {"size": size, "channels": channels}
    pairs = submission.call("block_costs", blocks, **named)
    case = f"With {len(blocks)} blocks" if len(blocks) > 1 else "With one block"
    side = "an odd size" if size % 2 else "another size"
    case += f", {side} and another number of channels, " if named else ", "
    check.shape(pairs, (len(blocks), 2), case + "the result")
    for place, (mine, right) in enumerate(zip(pairs, wanted_costs(blocks, size, channels)), 1):
        check.equal(mine[0], right[0], f"{case}the number of parameters of block {place}")
        check.that(
            mine[1] == right[1] or (mine[1] - right[1]) % 2**32,
            f"{case}the number of multiplications of block {place} is too large for its dtype: "
            "count in Python's integers or in int64.",
        )
        check.equal(mine[1], right[1], f"{case}the number of multiplications of block {place}")
### END HIDDEN TESTS

# %%
hints.show("c100-costs")

# %%
costs = np.array(block_costs(BASE))
fig, ax = plt.subplots(figsize=(7, 3.5))
places, share = np.arange(4), 100 * costs / costs.sum(axis=0)
ax.bar(places - 0.2, share[:, 0], 0.4, label="parameters", color=plots.COLOURS[0])
ax.bar(places + 0.2, share[:, 1], 0.4, label="multiplications", color="white", edgecolor="0.2", hatch="//")
ax.set_xticks(places, [f"block {place + 1}" for place in places])
ax.set(ylabel="share of all blocks (%)")
ax.legend()
plt.show()

# %% [markdown]
# ## 3. Augmentation in front of the network
#
# The report augments with `ImageDataGenerator(rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=True)`. *07 augmentation* wrote the same transformations as Keras layers, which are active only in training and return their input unchanged in `evaluate` and `predict`.
#
# **Exercise (2 points).** Write `augmented`: flip, shift, rotation, then the network itself (not a copy). Fill the area that the image has moved away from with the nearest pixel.

# %% solution="c100-augmented-answer"
def augmented(network):
    """Build a model that augments in training and is the network alone otherwise; not compiled.

    network: a keras.Model from (N, 32, 32, 3) to (N, classes); its weights are shared
    Returns a keras.Model: RandomFlip, RandomTranslation, RandomRotation, network.

    Example: augmented(net).count_params() == net.count_params()
    """
    ### BEGIN SOLUTION
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
            layers.RandomRotation(15 / 360, fill_mode="nearest"),
            network,
        ]
    )
    ### END SOLUTION

# %% tests="c100-augmented" points=2
with checks.exercise("c100-augmented", hidden="the three layers' settings, one by one"):
    layers = keras.layers
    plain = [layers.Input((32, 32, 3)), layers.AveragePooling2D(8), layers.Flatten()]
    plain = keras.Sequential([*plain, layers.Dense(10, activation="softmax")])
    unit = "RandomRotation counts in full turns, neither in degrees nor in radians."
    try:
        model = augmented(plain)
    except ValueError as error:  # some versions of Keras refuse a factor above 1, others turn by it
        shares = "RandomTranslation counts in shares of the height and the width, so 0.1 for a tenth, and"
        checks.that("factor" not in str(error), f"A factor is above 1: {shares} {unit}")
        raise
    checks.parameters(model, total=490, trainable=490, input_shape=(32, 32, 3))
    checks.that(not model.compiled, "augmented compiles the model: train_network does that.")
    shared = {id(w) for w in model.weights} >= {id(w) for w in plain.weights}
    checks.that(shared, "The model has weights of its own: use the network itself, not a copy.")
    quiet = [np.asarray(each(x_val[:4], training=False)) for each in (plain, model)]
    checks.close(quiet[1], quiet[0], "What the model predicts outside training, where it must be the network alone,", atol=1e-5)
    loud = [np.asarray(model(x_val[:4], training=True)) for _ in range(2)]
    checks.that(
        not np.allclose(loud[0], loud[1]),
        "In training, the model returns the same values twice: nothing is augmented.",
    )
    # Each pixel holds its column and row, and the network returns the pixels. So the output says
    # where each pixel comes from, and the middle of an image says how far it was turned and moved.
    row, column = np.mgrid[:32, :32]
    pixels = np.float32(np.stack([column, row, 0 * row], axis=-1) / 64 + 0.25)
    seen = augmented(keras.Sequential([layers.Input((32, 32, 3)), layers.Flatten()]))
    seen = np.asarray(seen(np.repeat(pixels[None], 64, axis=0), training=True))
    checks.shape(seen, (64, 3_072), "What the model returns for a network that flattens 64 images")
    across, down = np.moveaxis(64 * (seen.reshape(64, 32, 32, 3)[..., :2] - 0.25), -1, 0)
    middle = (slice(None), slice(8, 24), slice(8, 24))
    grid = np.stack([column, row, np.ones_like(row)])[middle].reshape(3, -1).T
    fits = [np.linalg.lstsq(grid, one[middle].reshape(64, -1).T, rcond=None)[0] for one in (down, across)]
    sine, cosine, _ = fits[0]
    most = np.degrees(np.arctan2(np.abs(sine), np.abs(cosine))).max()
    checks.that(most > 0.05, "Nothing turns the images: add RandomRotation.")
    checks.that(10 < most < 16.5, f"The images are turned by up to {most:.1f} degrees; expected up to 15. {unit}")
    checks.that((cosine > 0).all(), "Some images stand on their heads: the flip is not horizontal (left to right).")
    even = augmented(keras.Sequential([layers.Input((32, 32, 3)), layers.Flatten()]))
    even = even(np.full((16, 32, 32, 3), 0.5, "float32"), training=True)
    even = np.asarray(even).reshape(16, 32, 32, 3)[middle]
    checks.that(
        np.allclose(even, 0.5, atol=1e-3),
        "The model changes the values of pixels: flip, shift and turn the images, and do nothing else to them.",
    )
    for side, fit in zip(("height", "width"), fits):
        far = np.abs(np.array([15.5, 15.5, 1]) @ fit - 15.5).max()  # where the middle comes from
        checks.that(
            far < 4,
            f"The images are shifted by up to {far:.1f} of the 32 pixels of the {side}; expected up to 3.2, "
            f"a tenth of the {side}.",
        )
    # Filled with the nearest pixel, a row never runs back: its columns rise, or fall in a mirror image.
    steps = np.diff(across, axis=2)
    steps = steps * np.sign(steps.sum(axis=(1, 2), keepdims=True))
    checks.that(
        min(steps.min(), np.diff(down, axis=1).min()) > -0.05,
        "The area that the image has moved away from is not filled with the nearest pixel: "
        'RandomTranslation and RandomRotation each take fill_mode="nearest".',
    )
    drops = augmented(keras.Sequential([layers.Input((32, 32, 3)), layers.Flatten(), layers.Dropout(0.5)]))
    checks.that(
        (np.asarray(drops(np.ones((2, 32, 32, 3), "float32"), training=True)) == 0).any(),
        "In training, a network with dropout drops nothing: call the network without training=False.",
    )
    before = np.array(plain.get_weights()[0])
    model.compile("sgd", "categorical_crossentropy", run_eagerly=True)
    model.train_on_batch(x_val[:4], np.eye(10)[:4])
    moved = not np.array_equal(before, plain.get_weights()[0])
    checks.that(moved, "A training step of the model leaves the network's weights as they were.")
### BEGIN HIDDEN TESTS
from autograder import submission

keras, check = submission.keras, submission.checks


def either_way(factor):
    """Return a factor as [low, high]; 0.1 means -0.1 to 0.1."""
    low, high = factor if isinstance(factor, (list, tuple)) else (-factor, factor)
    return [round(float(low), 4), round(float(high), 4)]


def opened(model):
    """List all layers in the order of computation, including nested models but not the input."""
    found = []
    for layer in model.layers:
        found += opened(layer) if hasattr(layer, "layers") else [layer]
    return [layer for layer in found if type(layer).__name__ != "InputLayer"]


parts = keras.layers
alone = [parts.Input((32, 32, 3)), parts.Conv2D(3, 5, strides=3), parts.BatchNormalization()]
alone = keras.Sequential([*alone, parts.Dropout(0.3), parts.Flatten(), parts.Dense(7, "softmax")])
whole = submission.build("augmented", alone)
trained = sum(weight.size for weight in alone.get_weights()) - 2 * 3
check.parameters(whole, total=trained + 2 * 3, trainable=trained)
check.equal(list(whole.input_shape[1:]), [32, 32, 3], "The input shape of the model")
chain = opened(whole)
kinds = [type(layer).__name__ for layer in chain]
front = kinds[: max(0, len(kinds) - len(opened(alone)))]
check.that(
    front == ["RandomFlip", "RandomTranslation", "RandomRotation"],
    "The layers in front of the network must be RandomFlip, RandomTranslation and RandomRotation, in "
    "this order.",
)
inner = [type(layer).__name__ for layer in opened(alone)]
check.that(
    kinds[3:] == inner,
    "After the three layers that augment, the model must have the layers of its argument and no other.",
)
flip, shift, turn = (layer.get_config() for layer in chain[:3])
check.that(flip["mode"] == "horizontal", "The flip is not horizontal (left to right).")
for side in ("height", "width"):
    check.that(
        either_way(shift[f"{side}_factor"]) == [-0.1, 0.1],
        f"The shift is not by up to a tenth of the {side} in both directions.",
    )
check.that(
    either_way(turn["factor"]) == either_way(15 / 360),
    "The rotation is not by up to 15 degrees in both directions: RandomRotation counts in full turns.",
)
for name, found in (("shift", shift), ("rotation", turn)):
    check.that(found["fill_mode"] == "nearest", f"The {name} does not fill with the nearest pixel.")
### END HIDDEN TESTS

# %%
hints.show("c100-augmented")

# %% [markdown]
# ## 4. Training the base
#
# The report trains with Adam in batches of 128 for 120 epochs. It also passes its **test** images to `fit` as validation data and then uses them to choose among its networks. Here, we validate on a fifth of the training images, and the test images wait until the end.
#
# **Exercise (2 points).** Write `train_network`. Compile with Adam at the given learning rate, categorical cross-entropy and `metrics=["accuracy"]`. Then train with `training.fit` on `x_train` and `y_train` as they are, and validate on `x_val` and `y_val`.

# %% solution="c100-train-answer"
def train_network(model, name, epochs, batch_size=128, learning_rate=0.001):
    """Compile and train a model, and save a checkpoint under the given name.

    model: a keras.Model that ends with softmax; name: a string such as "c100_base"
    Returns the result of training.fit; its .history has loss, accuracy, val_loss, val_accuracy.

    Example: record = train_network(build_base(), "c100_base", epochs=120)
    """
    ### BEGIN SOLUTION
    adam = keras.optimizers.Adam(learning_rate)
    model.compile(adam, "categorical_crossentropy", metrics=["accuracy"])
    known = {"validation_data": (x_val, y_val), "batch_size": batch_size, "epochs": epochs}
    return training.fit(model, name, x_train, y_train, **known)
    ### END SOLUTION

# %% [markdown]
# The amount of computation depends on the profile. *full* trains the whole width for 60 epochs. *quick* trains half the width for 10 epochs, which takes a while without a GPU. *offline* trains an eighth of the width for 8 epochs, with smaller batches and a larger learning rate, so that few images give many steps. It also leaves out the fourth block: ten convolutions rise above the level of guessing too slowly for a run of one minute, as the table at the end shows.

# %%
asked = {"epochs": 60}
asked |= {"epochs": 10} if profile.current().name == "quick" else {}
asked |= {"epochs": 8, "batch_size": 64, "learning_rate": 0.003} if small else {}
width = 1 / 8 if small else profile.width()
core = BASE[:3] if small else BASE
print(f"{len(core)} blocks, {width:g} of the width, {asked}")

# %% [markdown]
# **Predict.** What is the first loss of a network for a hundred classes?

# %%
keras.utils.set_random_seed(1)
base = build_base(core, dropout=0, width=width)
base.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
print(f"first loss {training.first_loss(base, x_val, y_val):.3f}, log(100) is {np.log(100):.3f}")
logits = np.log(base.predict(x_val[:200], verbose=0))  # up to a number for each image
spread = logits.std(axis=1).mean()
print(f"the logits differ by {spread:.3f} from class to class, by {logits.std(axis=0).mean():.4f} from image to image")
print(f"log(100) and half the square of {spread:.3f}: {np.log(100) + spread**2 / 2:.3f}")
memorized = training.overfits(base, x_train, y_train, images=100, epochs=40)
print(f"accuracy on the 100 images it was trained on: {memorized:.2f}")

# %% [markdown]
# ### Why the first loss lies above log(100)
#
# A network that knows nothing *and says so* has a first loss of $\log 100$. This one knows nothing and has an opinion. Follow the signal through the network before any training:
#
# * **The convolutions make it small.** Keras's initial kernels (Glorot and Bengio, 2010) keep the variance of a signal in linear layers. Behind each convolution, the ReLU removes half of it, and ten of them leave values of about 0.002. (He's initial kernels make up for the ReLU.) Batch normalization would restore the scale, but `evaluate` uses its moving statistics, which are still mean 0 and variance 1, so that it changes almost nothing.
# * **The sigmoid does not pass on the small values.** It turns each of them into about 0.5. So all $H$ units of the hidden FC layer ($H = 512$ at full width) return 0.5, for every image.
# * **The last layer adds up the halves.** The logit of class $k$ is $z_k = \sum_j w_{jk} \cdot 0.5$, with weights of variance $2 / (H + 100)$. Its variance is $\sigma^2 = H \cdot 0.5^2 \cdot 2 / (H + 100)$, which is 0.42 for $H = 512$.
#
# For logits that are spread normally with variance $\sigma^2$, the mean of $-\log p_y$ is about $\log 100 + \sigma^2 / 2$. That gives 4.81 at full width. Measured on CIFAR-100 at full width, over seeds 1 to 5, it is 4.79 [4.77, 4.83]. With ReLU instead of sigmoid in the hidden layer, the logits are close to 0, and it is 4.605. Neither the data nor a penalty on the weights plays a part, and the excess is gone after a few steps. But a first loss of 10 would mean something else: a wrong loss, labels that do not fit, or inputs that are far too large.

# %%
base_record = train_network(base, "c100_base", **asked)

# %% tests="c100-train" points=2
with checks.exercise("c100-train", hidden="other settings, the images and labels, the accuracy of base"):
    from convcourse import watching

    layers = keras.layers
    probe = [layers.Input((32, 32, 3)), layers.GlobalAveragePooling2D(), layers.BatchNormalization()]
    probe = keras.Sequential([*probe, layers.Dense(100, activation="softmax")])
    probe.compile(keras.optimizers.SGD(0.375), "mse")  # as another training may have left it

    def weights():
        return [np.array(weight) for weight in probe.get_weights()]

    before = weights()
    with watching.watched(look=weights) as trainings:
        record = train_network(probe, "c100_probe", epochs=2, batch_size=500, learning_rate=0.02)
    call = watching.only(trainings, "train_network")
    slower = ("LearningRateScheduler", "ReduceLROnPlateau")
    watching.without(call, "train_network", "EarlyStopping", *slower)
    checks.that(
        not np.array_equal(before[-1], weights()[-1]),
        "train_network leaves the weights of its argument model as they were.",
    )
    checks.that(
        len(probe.trainable_weights) == 4,
        "train_network freezes layers of its argument model: train all that it has.",
    )
    at_start, at_end = call.looks
    checks.that(
        all(map(np.array_equal, before, at_start)),
        "train_network changes the weights of its argument model before it trains: start from those it has.",
    )
    checks.that(
        all(map(np.array_equal, at_end, weights())),
        "train_network changes the weights again after it has trained them.",
    )
    checks.that(call.name is not None, "train_network calls model.fit: call training.fit, which saves a checkpoint.")
    checks.equal(call.name, "c100_probe", "The name of the checkpoint")
    checks.equal(call.epochs, 2, "The number of epochs")
    checks.equal(call.batch_size, 500, "The batch size")
    checks.that(call.val_x is not None, "There is no validation data.")
    checks.that(
        not np.array_equal(call.val_x, x_test),
        "Do not validate on the test images: they must wait until the end.",
    )
    checks.that(np.array_equal(call.val_x, x_val), "The images of the validation data are not x_val.")
    checks.that(np.array_equal(call.val_y, y_val), "The labels of the validation data are not y_val.")
    checks.that(np.array_equal(call.x, x_train), "The weights are fitted to other images than x_train.")
    checks.that(np.array_equal(call.y, y_train), "The labels of the training images are not y_train.")
    made = call.compiled["optimizer"], call.compiled["learning_rate"]
    checks.that(made != ("sgd", 0.375), "train_network trains a model as it was compiled before: compile it in each call.")
    checks.equal(call.compiled["optimizer"], "adam", "The optimizer")
    checks.that(
        call.compiled["loss"] == "categorical_crossentropy",
        f"The loss is {call.compiled['loss']}; expected categorical_crossentropy alone, since the "
        "labels are one-hot.",
    )
    rate = call.compiled["learning_rate"]
    checks.that(rate is not None, "The learning rate is a schedule; expected the argument learning_rate.")
    checks.close(rate, 0.02, "The learning rate", rtol=1e-3)
    rate = np.asarray(probe.optimizer.learning_rate)
    checks.close(rate, 0.02, "The learning rate at the end of the training", rtol=1e-3)
    checks.that(record is not None, "train_network returns None: return the result of training.fit.")
    checks.that(hasattr(record, "seconds"), "train_network does not return the result of training.fit.")
    checks.that(base_record is not None, "base_record is None: run the cell that trains base again.")
    missing = {"loss", "accuracy", "val_loss", "val_accuracy"} - set(record.history)
    how = 'compile with metrics=["accuracy"]' if "accuracy" in missing else "validate after each epoch"
    checks.that(not missing, f"The history lacks {sorted(missing)}: {how}.")
    for key, values in record.history.items():
        how = "validate after each epoch" if key.startswith("val_") else "train for all of them"
        checks.that(len(values) == 2, f"The history has {len(values)} value of {key} for 2 epochs: {how}.")
    share = np.mean(np.asarray(probe(x_val, training=False)).argmax(axis=1) == y_val.argmax(axis=1))
    checks.that(
        abs(record.history["val_accuracy"][-1] - share) < 0.01,
        "val_accuracy is not the share of x_val whose most probable class is the label: compile with "
        'metrics=["accuracy"].',
    )
### BEGIN HIDDEN TESTS
from autograder import submission

np, keras, check = submission.np, submission.keras, submission.checks
rng = np.random.default_rng(43)


def some(count, first):
    """Make images of one gray each, no two of them equal, with their labels in two forms."""
    x = np.float32(np.ones((count, 32, 32, 3)) * (first + np.arange(count))[:, None, None, None] / 128)
    fine = rng.integers(100, size=count)
    return x, fine, np.float32(fine[:, None] == np.arange(100))


given = {}
for part, count, first in (("train", 40, 0), ("val", 20, 40), ("test", 9, 60)):
    given[f"x_{part}"], given[f"fine_{part}"], given[f"y_{part}"] = some(count, first)


def is_own(got, name):
    """Whether a training used a name: what it is in the call, or was when the function was written."""
    if got is None or np.array_equal(got, given[name]):
        return got is not None
    return len(got) > len(given[name]) and np.array_equal(got, submission.value(name))


parts = keras.layers
toy = [parts.Input((32, 32, 3)), parts.GlobalAveragePooling2D()]
toy = keras.Sequential([*toy, parts.Dense(100, activation="softmax")])
for name, epochs, settings in (
    ("c100_hidden", 3, {"batch_size": 16, "learning_rate": 0.25}),
    ("c100_usual", 1, {}),
):
    trained = submission.trainings("train_network", toy, name, epochs, given=given, **settings)
    one = submission.only(trained, "train_network")
    for which, got, want in (
        ("images that the weights are fitted to", one.x, "x_train"),
        ("labels that the weights are fitted to", one.y, "y_train"),
        ("images of the validation data", one.val_x, "x_val"),
        ("labels of the validation data", one.val_y, "y_val"),
    ):
        check.that(is_own(got, want), f"The {which} are not {want}: use the name {want} inside train_network.")
    made = one.compiled
    check.that(made.get("optimizer") == "adam", "The optimizer is not Adam.")
    check.close(
        made["learning_rate"] or 0.0,
        settings.get("learning_rate", 0.001),
        "The learning rate" + ("" if settings else " without an argument for it"),
    )
    check.that(
        made["loss"] == "categorical_crossentropy",
        "The loss is wrong: the labels are one-hot, so use categorical_crossentropy alone.",
    )
    check.that(not made.get("from_logits"), "The loss expects logits, but the network ends with softmax.")
    what = "" if settings else " without an argument for it"
    check.equal(one.batch_size, settings.get("batch_size", 128), f"The batch size{what}")
    check.that(one.initial_epoch == 0 and one.epochs == epochs, "The number of epochs is not the argument epochs.")
    check.that(one.name == name, "The checkpoint does not have the name that train_network is given.")
    check.that(isinstance(trained.result, dict), "train_network does not return the result of training.fit.")
    for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
        how = 'compile with metrics=["accuracy"]' if "accuracy" in key else "validate after each epoch"
        check.that(key in trained.result, f"The history lacks {key}: {how}.")
        whole = len(trained.result[key]) == epochs
        check.that(whole, f"The history does not have a value of {key} for each epoch.")

network = submission.model("base")
reached = submission.measured(
    lambda x, y: submission.accuracy(network, np.float32(x) / 255, y), dataset="cifar100"
)
check.that(
    reached >= submission.threshold("c100-accuracy"),
    "base is right on fewer held-out images than this network is when it is trained on the "
    "training images with their own labels, for all epochs.",
)
### END HIDDEN TESTS

# %%
hints.show("c100-train")

# %% [markdown]
# ## 5. Part by part
#
# What is each part of the network worth? The report changes one part at a time (accuracy on test images, training time on its GPU, one run each):
#
# | version | accuracy | minutes |
# |---|---|---|
# | first net: one convolution each of 32, 64 and 128 filters | 0.366 | 7 |
# | base | 0.486 | 36 |
# | base, augmented | 0.592 | 50 |
# | one block of 256 filters only, augmented | 0.48 | 67 |
# | base and a fifth block of 512 filters | 0.488 | 38 |
# | base with dropout | 0.53 | 16 |
# | base with dropout, augmented | 0.63 | 48 |
#
# The report does not say how many convolutions its single block has. Count the multiplications first:

# %%
FIRST = ((32, 1), (64, 1), (128, 1))
counted = {"first net": FIRST, "base": BASE, "one block of 1": ((256, 1),)}
counted |= {"one block of 3": ((256, 3),), "fifth block": (*BASE, (512, 3))}
for name, blocks in counted.items():
    millions = sum(pair[1] for pair in block_costs(blocks)) / 1e6
    parameters = build_base(blocks).count_params()
    print(f"{name:<15} {millions:8.1f} million multiplications, {parameters:>11,} parameters")

# %% [markdown]
# **Predict.** Does dropout make an epoch faster? Does a fifth block make the network better? Which helps more on a hundred classes with few images each, depth or augmentation?

# %%
parts = {  # blocks, dropout, whether augmented
    "first net": (FIRST, 0, False),
    "one block": (((256, 1),), 0, False),
    "base": (core, 0, False),
    "one more block": ((*core, (512, 3)), 0, False),
    "dropout": (core, 0.5, False),
    "augmentation": (core, 0, True),
    "both": (core, 0.5, True),
}

# %% [markdown]
# *full* and *quick* train each version from scratch. *offline* has no time for that. It trains the first three versions in the same way, which compares depth, and leaves out the additional block and dropout alone. *Augmentation* and *both* have the weights of the base, so they can **continue** from its state, for four epochs at a third of the learning rate. For a fair comparison, *base, longer* also continues, without any change.

# %%
more = asked | {"epochs": 4, "learning_rate": 0.001}
if small:
    parts["base, longer"] = parts["base"]
    order = ("one block", "first net", "base", "base, longer", "augmentation", "both")
    parts = {name: parts[name] for name in order}


def goes_on(name):
    return small and name in ("base, longer", "augmentation", "both")

# %%
def train_part(name, blocks, dropout, augment, seed=1):
    """Train one version; return the network without augmentation and its record."""
    keras.utils.set_random_seed(seed)
    network = build_base(blocks, dropout, width)
    label = "c100_" + name.replace(",", "").replace(" ", "_")
    if goes_on(name):
        network.set_weights(base.get_weights())
        label += f"_from_{base_record.history['loss'][-1]:.4f}"  # another base, another checkpoint
    model = augmented(network) if augment else network
    return network, train_network(model, label, **(more if goes_on(name) else asked))

# %%
networks, records = {"base": base}, {"base": base_record}
for name, (blocks, dropout, augment) in parts.items():
    if name != "base":
        networks[name], records[name] = train_part(name, blocks, dropout, augment)

# %% [markdown]
# The accuracy that Keras reports during training is measured on augmented images and with active dropout. To measure a fair gap, we evaluate each finished network on unchanged images. The seconds include the preparation before the first step, and they also depend on what else the machine was doing.

# %%
def right(network, x, labels):
    """Return the share of images whose most probable class is the label."""
    return np.mean(network.predict(x, batch_size=256, verbose=0).argmax(axis=1) == labels)

# %%
figures = {}
for name in parts:
    inner, outer = (
        right(networks[name], *pair) for pair in ((x_train, fine_train), (x_val, fine_val))
    )
    an_epoch = records[name].seconds / len(records[name].epoch)
    figures[name] = {"training": inner, "validation": outer, "seconds": an_epoch}
    print(f"{name:<13} validation {outer:.3f}, gap {inner - outer:+.3f}, {an_epoch:.1f} s per epoch")

# %%
fig, (above, below) = plt.subplots(
    2, 1, figsize=(8, 5), sharex=True, layout="constrained", height_ratios=(2, 1)
)
places = np.arange(len(figures))
for shift, key, look in (
    (-0.2, "training", {"color": plots.COLOURS[4]}),
    (0.2, "validation", {"color": "white", "hatch": "//"}),
):
    heights = [one[key] for one in figures.values()]
    above.bar(places + shift, heights, 0.4, label=key, edgecolor="0.2", **look)
above.set(ylabel="accuracy on unchanged images")
above.legend()
below.bar(places, [one["seconds"] for one in figures.values()], 0.5, color="0.6", edgecolor="0.2")
below.set(ylabel="training time (s/epoch)")
below.set_xticks(places, list(figures), fontsize=8)
plt.show()

# %%
def curve(name):
    """Return the validation accuracy over the epochs, including those of a base it continues."""
    before = base_record.history["val_accuracy"] if goes_on(name) else []
    return {"val_accuracy": before + records[name].history["val_accuracy"]}


fig, ax = plt.subplots(figsize=(8, 4))
plots.compare_histories({name: curve(name) for name in parts if name != "base" or not small}, ax=ax)
ax.axhline(0.01, color="0.4", linestyle=":")
plt.show()

# %% [markdown] answer="c100-parts" points=2
# **What do you see?** (2 points) Rank the versions by validation accuracy and by gap, with numbers. What do depth, augmentation and dropout each contribute in your run, and which of the differences would you expect to see again with another random seed? Compare with the table at the end of the notebook.
#
# ### BEGIN SOLUTION
# *Rubric.* One point for the numbers of both rankings: one block is far behind, the first net comes next, and the base is ahead of both; augmentation narrows the gap at once (offline to about half), and dropout narrows it further. One point for the judgment: the lead of the base over fewer convolutions is larger than the spread over seeds in *What others got*, and so is the reduction of the gap. The accuracy that augmentation or dropout adds or costs within a few epochs is not, because both slow down learning. Longer training favors them, and a single run cannot settle a difference of a point or two.
# ### END SOLUTION

# %% [markdown] answer="c100-conclusions" points=2
# **Three conclusions.** (2 points) The report says: *(a)* dropout speeds up training, because it took 16 minutes instead of 36; *(b)* a fifth block adds nothing, because the network cannot find more abstract features; *(c)* the best network has an accuracy of 0.63 on test data. Judge each conclusion by the multiplications, by your results and those at the end of the notebook, and by how the report used its data. What else could have caused the result, and what would you run to find out?
#
# ### BEGIN SOLUTION
# *Rubric.* Half a point for (a): dropout removes no multiplications from the convolutions, which do nearly all the work, and the processor seconds are the same with and without it (16.1 and 16.2). So the 16 minutes have another cause (fewer epochs, a less busy machine): time the same number of steps, several times. Half a point for (b): the fifth block was added to the version without augmentation, which already reaches nearly 100% on its training images, so overfitting hides what depth could contribute; at 2 × 2 pixels, there is also little left to combine; try it with augmentation and dropout, and with several seeds. One point for (c): the report chose among its versions on the test images, which were its validation data, so 0.63 is the best of several tries and is biased upward; validate on a part of the training images, and use the test images once.
# ### END SOLUTION

# %% [markdown]
# ## 6. More than right or wrong
#
# With a hundred classes, accuracy alone is a harsh measure: *maple* for *oak* counts as much as *maple* for *shark*. Two other measures show more. The **top-5 accuracy** is the share of images whose class is among the five most probable ones. The **superclass** accuracy asks only for the right group.
#
# Choose the network by its validation accuracy, and evaluate it on the test images now, once.

# %%
best_name = max(figures, key=lambda name: figures[name]["validation"])
best = networks[best_name]
probabilities = best.predict(x_test, batch_size=256, verbose=0)
print("chosen:", best_name)

# %% [markdown]
# **Predict.** Five random guesses out of a hundred contain the right class in 5% of all cases. How far above the accuracy will the top-5 accuracy of the network be?

# %% [markdown]
# **Exercise (2 points).** Write `top_accuracy` for any number of guesses.

# %% solution="c100-top-answer"
def top_accuracy(probabilities, labels, guesses=5):
    """Compute the share of images whose class is among the most probable ones.

    probabilities: (N, C) floats; labels: (N,) integers; guesses: how many classes count
    Returns a float from 0 to 1.

    Example: top_accuracy(np.array([[0.5, 0.2, 0.3]]), np.array([2]), guesses=2) is 1.0.
    """
    ### BEGIN SOLUTION
    order = np.argsort(probabilities, axis=1)[:, ::-1]
    return float(np.mean((order[:, :guesses] == labels[:, None]).any(axis=1)))
    ### END SOLUTION

# %% tests="c100-top" points=2
with checks.exercise("c100-top", hidden="other numbers of guesses, classes and images"):
    rows = np.array([[0.5, 0.2, 0.3], [0.1, 0.7, 0.2], [0.6, 0.3, 0.1]])
    two = checks.unchanged(top_accuracy, rows, np.array([0, 0, 1]), guesses=2)
    checks.close(two, 2 / 3, "The top-2 accuracy of three images")
    one = top_accuracy(rows, np.array([0, 1, 1]), guesses=1)
    checks.close(one, 2 / 3, "The top-1 accuracy of three images")
    three = top_accuracy(rows, np.array([0, 0, 2]), guesses=3)
    checks.close(three, 1.0, "The top-3 accuracy among three classes")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(42)
for amount, classes, guesses in ((1_500, 100, 5), (250, 20, 3), (60, 7, 1), (1, 10, 4), (30, 6, 6), (400, 600, 200)):
    # Where NumPy sorts small arrays as a whole, argpartition at a wrong place is right up to 256 classes.
    chances = rng.permuted(np.tile(np.arange(1.0, classes + 1), (amount, 1)), axis=1)
    chances /= chances.sum(axis=1, keepdims=True)
    truth = rng.integers(classes, size=amount)
    above = (chances > chances[np.arange(amount), truth][:, None]).sum(axis=1)
    share = submission.call("top_accuracy", chances, truth, guesses=guesses)
    case = f"With {guesses} guesses among {classes} classes, the result"
    check.close(share, np.mean(above < guesses), case)
    kind = "uint8" if classes <= 256 else "uint16"
    share = submission.call("top_accuracy", np.float32(chances), truth.astype(kind), guesses)
    check.close(share, np.mean(above < guesses), f"{case} for float32 and {kind}")
usual = submission.call("top_accuracy", np.eye(8)[:, ::-1] + 0.01 * np.arange(8), np.arange(8))
check.close(usual, 5 / 8, "The result without an argument for guesses, so that five count,")
submission.unchanged("top_accuracy", chances, truth, guesses=2)
### END HIDDEN TESTS

# %%
hints.show("c100-top")

# %% [markdown]
# There are two ways to predict the superclass: take the group of the most probable *class*, or add up the probabilities of each *group's* classes and take the largest sum.
#
# **Exercise (2 points).** Write `group_probabilities`.

# %% solution="c100-groups-answer"
def group_probabilities(probabilities, group_of):
    """Compute the probability of each group, which is the sum over its classes.

    probabilities: (N, C) floats; group_of: (C,) the group of each class, integers from 0
    Returns (N, G) floats, where G is the largest group plus one; a group without classes has 0.

    Example: group_probabilities(np.array([[0.5, 0.2, 0.3]]), np.array([1, 0, 1])) is [[0.2, 0.8]].
    """
    ### BEGIN SOLUTION
    return probabilities @ np.eye(group_of.max() + 1)[group_of]
    ### END SOLUTION

# %% tests="c100-groups" points=2
with checks.exercise("c100-groups", hidden="a hundred classes, unequal groups, a group without classes"):
    group = np.array([1, 0, 1])
    sums = checks.unchanged(group_probabilities, np.array([[0.5, 0.2, 0.3]]), group)
    checks.close(sums, np.array([[0.2, 0.8]]), "The array of probabilities of two groups")
    chances = np.array([[0.5, 0.2, 0.3], [0.1, 0.7, 0.2], [0.6, 0.3, 0.1]])
    sums = group_probabilities(chances, np.array([0, 0, 1]))
    checks.close(sums, np.array([[0.7, 0.3], [0.8, 0.2], [0.9, 0.1]]), "The array of sums of three images")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(43)
for amount, classes, groups in ((200, 100, 20), (5, 12, 12), (9, 7, 1), (30, 60, 30), (40, 90, 4), (1, 5, 2)):
    group = rng.permutation(np.concatenate([np.arange(groups), rng.integers(groups, size=classes - groups)]))
    chances = rng.dirichlet(np.ones(classes), size=amount)
    wanted = np.stack([chances[:, group == g].sum(axis=1) for g in range(groups)], axis=1)
    got = submission.call("group_probabilities", chances, group)
    case = f"The result for {classes} classes in {groups} groups" + " in any order" * (groups > 1)
    check.close(got, wanted, case, rtol=1e-3)
    got = submission.call("group_probabilities", np.float32(chances), group.astype("int32"))
    check.close(got, wanted, f"{case}, as float32 and int32,", rtol=1e-3)
group = np.array([4, 1, 2, 1])
wanted = chances[:, :4] @ np.eye(5)[group]
got = submission.call("group_probabilities", chances[:, :4], group)
check.close(got, wanted, "The result if groups 0 and 3 have no classes", rtol=1e-3)
submission.unchanged("group_probabilities", chances[:, :4], group)
### END HIDDEN TESTS

# %%
hints.show("c100-groups")

# %%
group_test = group_of[fine_test]
by_class = group_of[probabilities.argmax(axis=1)]
by_sum = group_probabilities(probabilities, group_of).argmax(axis=1)
print(f"class:  {top_accuracy(probabilities, fine_test, 1):.3f}, by chance 0.010")
print(f"top 5:  {top_accuracy(probabilities, fine_test, 5):.3f}, by chance 0.050")
print(f"superclass of the most probable class: {np.mean(by_class == group_test):.3f}, by chance 0.050")
print(f"most probable superclass:              {np.mean(by_sum == group_test):.3f}")

# %% [markdown]
# ### Which classes does it confuse?
#
# The report shows a 100 × 100 matrix in color and can read little from it. As in *10 inspection*, we place the classes of a superclass next to each other, so that confusions within a superclass form dark blocks on the diagonal.

# %%
order = np.argsort(group_of, kind="stable")
rank = np.argsort(order)  # the place of each class in that order
matrix = np.zeros((100, 100), int)
np.add.at(matrix, (rank[fine_test], rank[probabilities.argmax(axis=1)]), 1)
merged = matrix.reshape(20, 5, 20, 5).sum(axis=(1, 3))

# %%
fig, (left, right_side) = plt.subplots(1, 2, figsize=(8, 4.2), layout="constrained")
plots.confusion(np.sqrt(matrix), np.array(images.class_names)[order], ax=left)
left.set(title="classes", xticks=range(0, 100, 10), yticks=range(0, 100, 10))
right_side.imshow(np.sqrt(merged), cmap="Greys")
right_side.set(title="superclasses", xlabel="predicted superclass", ylabel="true superclass")
right_side.set(xticks=range(0, 20, 5), yticks=range(0, 20, 5))
fig.suptitle("square roots of the counts, test images", fontsize=9)
plt.show()

# %%
wrong = probabilities.argmax(axis=1) != fine_test
within = np.mean(by_class[wrong] == group_test[wrong])
print(f"{within:.0%} of the wrong answers stay in the superclass; by chance {4 / 99:.0%}")
for place in np.argsort(merged - np.diag(np.diag(merged)), axis=None)[::-1][:3]:
    true, taken = np.unravel_index(place, merged.shape)
    first, second = (images.class_names[order[5 * g]] for g in (true, taken))
    print(f"{merged[true, taken]} times: superclass of {first!r} predicted as that of {second!r}")

# %% [markdown]
# ## What others got
#
# The report gives the test accuracy after 120 epochs and the minutes on its GPU. *Offline* is the test accuracy after 8 epochs on 4,000 generated images at an eighth of the width, and the gap from the training accuracy down to it, as mean [lowest, highest] over seeds 1 to 5. *Full* is the validation accuracy after 25 epochs (not 60) on 40,000 images of CIFAR-100 and the training accuracy of the last epoch, with seed 1. The last column shows the processor seconds, summed over both threads, that training on 1,000 images takes at the full width.
#
# | version | the report | *offline* | gap | *full*, 25 epochs: validation | training | processor seconds |
# |---|---|---|---|---|---|---|
# | one block of one convolution | 0.48, 67 (augmented, number of convolutions not given) | 0.079 [0.070, 0.099] | 0.167 [0.120, 0.245] | 0.305, best 0.354 | 0.998 | 7.5; with three convolutions 73 |
# | first net | 0.366, 7 | 0.185 [0.173, 0.211] | 0.164 [0.129, 0.219] | 0.463, best 0.475 | 0.999 | 1.5 |
# | base, its first three blocks | – | 0.280 [0.220, 0.305] | 0.131 [0.105, 0.161] | – | – | – |
# | base | 0.486, 36 | 0.184 [0.138, 0.262] | 0.046 [0.028, 0.064] | 0.484, best 0.486 | 0.980 | 16.2 |
# | base and a fifth block | 0.488, 38 | 0.058 [0.037, 0.090] | 0.011 [0.002, 0.015] | 0.375, best 0.410 | 0.873 | 18.8 |
# | base with dropout | 0.53, 16 | – | – | 0.497 | 0.957 | 16.1 |
# | base, augmented | 0.592, 50 | – | – | 0.538, still rising | 0.722 | 16.0 |
# | base with both | 0.63, 48 | – | – | – | – | 16.1 |
#
# | *offline*, four more epochs from the base's three blocks | test accuracy | gap |
# |---|---|---|
# | base, longer | 0.373 [0.283, 0.417] | 0.285 [0.272, 0.298] |
# | dropout | 0.363 [0.279, 0.410] | 0.203 [0.183, 0.226] |
# | augmentation | 0.387 [0.323, 0.449] | 0.154 [0.133, 0.168] |
# | both | 0.340 [0.289, 0.394] | 0.120 [0.098, 0.134] |
#
# | *offline*, trained longer, from scratch | plain | gap | augmented | gap |
# |---|---|---|---|---|
# | first net, a quarter of the width, 16 epochs | 0.336 [0.326, 0.350] | 0.59 | 0.410 [0.389, 0.466] | 0.12 |
# | base, its first three blocks, an eighth of the width, 24 epochs | 0.434 [0.361, 0.486] | 0.48 | 0.476 [0.440, 0.521] | 0.10 |
#
# The last four (first net) or eight (base) of these epochs use a third of the learning rate.
#
# | seconds for ten epochs, *quick* | first net | base | one block | a fifth block | dropout | augmentation | both |
# |---|---|---|---|---|---|---|---|
# | 8,000 images, half the width | 33 | 203 | 199 | 292 | 192 | 197 | 245 |
#
# | more than right or wrong | *offline*, the augmented network of the second table | *quick*, the best version |
# |---|---|---|
# | top-5 accuracy | 0.786 [0.752, 0.829] | – |
# | superclass of the most probable class is right | 0.625 [0.572, 0.657] | 0.354 |
# | most probable superclass is right | 0.637 [0.582, 0.670] | – |
# | wrong answers that stay in the superclass | 39% [32, 49] | 18% |
#
# *Offline* and *quick* ran on two threads of a 64-bit processor without a GPU, with TensorFlow 2.21 and Keras 3.15; *full* ran on one NVIDIA H100 with Keras 3.15 on JAX, 13 to 36 seconds for each version. The networks of *full* are single runs. The training accuracy in *full* is what Keras reports during training, with augmentation and dropout active.

# %% [markdown]
# ## Take-away
#
# Blocks of convolutions, each with half the size and twice the filters of the previous one, keep the work of the blocks similar and put most parameters at the end. With few images per class, countering overfitting helps once the training is long enough; how much it helps is known only after several seeds. Top-5 accuracy and superclasses show how wrong the wrong answers are. The test images tell the truth only once.
#
# **Going further.** The network learns a hundred classes without knowing that they form twenty groups. How would you give it this information, in the labels or in a second output, and what should improve first, the class or the superclass?
#
# **Reading.**
#
# * Krizhevsky, 2009, *Learning Multiple Layers of Features from Tiny Images*: how CIFAR-10 and CIFAR-100 were made.
# * Simonyan and Zisserman, 2015, *Very Deep Convolutional Networks for Large-Scale Image Recognition*: blocks of 3 × 3 convolutions with ever more filters.
# * Ioffe and Szegedy, 2015, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift*.
# * He, Zhang, Ren and Sun, 2015, *Delving Deep into Rectifiers*: initial weights that keep the scale of the signal behind a ReLU; and 2016, *Deep Residual Learning for Image Recognition*: why more plain layers can be worse, and what helps.
# * Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, 2014, *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*.
