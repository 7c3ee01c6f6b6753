# %% [markdown]
# # Augmentation: new images from those that you have
#
# **120 minutes, 20 points.** Builds on *03 NET I* and *06 NET III*.
#
# In this assignment you
#
# * **shift** images by hand, and **build** the usual transformations from Keras layers,
# * **look** at their results before a network sees them,
# * **attach** them to a network so that they act only in training,
# * **measure** how they change the gap and the accuracy, with and without dropout,
# * **find** an augmentation that is wrong for its data, and **time** the pipeline.

# %% [markdown] locked="aug-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="aug-setup"
# build writes the set-up cell here.

# %%
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from convcourse import data, plots, profile, training

keras.utils.set_random_seed(1)

# %% [markdown]
# *Offline*, we use 500 images for training and 500 for validation, so few that a network overfits in seconds.

# %%
images = data.load("cifar10")
scaled = images.scaled()
small = profile.current().name == "offline"
n_train, n_val = (500, 500) if small else (len(scaled.x_train) * 4 // 5, 2_000)
x_train, y_train = scaled.x_train[:n_train], scaled.y_train[:n_train]
x_val, y_val = scaled.x_train[-n_val:], scaled.y_train[-n_val:]
print(f"{n_train:,} images for training, {n_val:,} for validation")

# %% [markdown]
# ## 1. A shift, by hand
#
# A network that memorizes its training images is of little use, and the surest remedy, more images, is the most expensive: each must be taken and labeled. Yet much of what a new photograph of the same ship would bring is known in advance. The ship may lie a little further to the left, point the other way, or be tilted.
#
# A ship that is shifted by three pixels is still a ship. *Augmentation* changes the training images at random in ways that do not affect their class, and it does so anew in every epoch. The network therefore never sees the same pixels twice. Augmentation needs no new photographs and no new labels.
#
# Each transformation must define what fills the area that the image has moved away from. The mode *nearest* repeats the pixel at the edge. For a shift by $d_x$ to the right and $d_y$ down,
#
# $$x'_{i, j} = x_{\,\text{clip}(i - d_y,\ 0,\ H - 1),\ \text{clip}(j - d_x,\ 0,\ W - 1)}$$
#
# where $i$ is the row, $j$ is the column, and clip keeps an index inside the image.
#
# **Predict.** An image moves by four pixels to the right. Which stripes appear, and at which edge?

# %% [markdown]
# **Exercise (3 points).** Write `shift_nearest` for a whole batch.

# %% solution="aug-shift-answer"
def shift_nearest(images, dx, dy):
    """Move images by dx pixels to the right and dy pixels down, and repeat the pixels at the edge.

    images: (N, H, W, C), any dtype; dx, dy: integers, negative for left and up
    Returns an array of the same shape and dtype, and does not change images itself.

    Example: a row of pixels 1 2 3 4 becomes 1 1 2 3 for dx=1 and 3 4 4 4 for dx=-2.
    """
    ### BEGIN SOLUTION
    height, width = images.shape[1:3]
    rows = np.clip(np.arange(height) - dy, 0, height - 1)
    columns = np.clip(np.arange(width) - dx, 0, width - 1)
    return images[:, rows][:, :, columns]
    ### END SOLUTION

# %% tests="aug-shift" points=3
with checks.exercise("aug-shift", hidden="both directions, other sizes and types, large shifts"):
    row = np.array([1, 2, 3, 4], dtype="uint8").reshape(1, 1, 4, 1)
    column = row.reshape(1, 4, 1, 1)
    for what, pixels, dx, dy, wanted in (
        ("The row 1 2 3 4 for dx=1", row, 1, 0, [1, 1, 2, 3]),
        ("The row 1 2 3 4 for dx=-2", row, -2, 0, [3, 4, 4, 4]),
        ("The values 1 2 3 4 in a column for dy=1", column, 0, 1, [1, 1, 2, 3]),
    ):
        got = checks.as_array(checks.unchanged(shift_nearest, pixels, dx, dy), what)
        checks.shape(got, pixels.shape, what)
        checks.equal(got.ravel().tolist(), wanted, what)
        checks.dtype(got, "uint8", what)
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(7)
for case, shape, dx, dy, dtype in (
    ("a shift to the right and up", (2, 8, 6, 3), 2, -1, "float32"),
    ("a shift to the left and down", (1, 5, 9, 4), -3, 2, "uint8"),
    ("a shift to the right and down", (2, 8, 6, 3), 2, 3, "float32"),
    ("a shift to the left of values below 0 and above 255", (2, 3, 6, 2), -1, 0, "int16"),
    ("no shift at all", (3, 6, 4, 3), 0, 0, "float64"),
    ("a shift to the right and up by more than the image's size", (2, 4, 5, 2), 99, -64, "int16"),
    ("a shift to the left and down by exactly the image's size", (2, 3, 5, 1), -5, 3, "float32"),
    ("a shift that leaves one row", (4, 7, 6, 3), -1, -6, "uint8"),
):
    before = (rng.random(shape) * 200 + 1).astype(dtype)
    if case.endswith("above 255"):
        before = before * 9 - 900
    submission.unchanged("shift_nearest", before, dx, dy)
    got = submission.call("shift_nearest", before, dx, dy)
    got = check.as_array(got, "What shift_nearest returns")
    check.shape(got, shape, f"For {case}, the result")
    check.dtype(got, dtype, f"For {case}, the result")
    _, high, wide, _ = shape
    want = np.zeros_like(before)
    for i in range(high):
        for j in range(wide):
            want[:, i, j] = before[:, min(max(i - dy, 0), high - 1), min(max(j - dx, 0), wide - 1)]
    off = got != want
    later = off[1:].any() and not off[0].any()
    check.that(not later, f"For {case}, the first image is right, but another one is wrong.")
    later = off[..., 1:].any() and not off[..., 0].any()
    check.that(not later, f"For {case}, the first channel is right, but another one is wrong.")
    check.that(not off.any(), f"For {case}, some pixels are wrong.")
### END HIDDEN TESTS

# %%
hints.show("aug-shift")

# %%
moved = [shift_nearest(images.x_train[:1], dx, dy)[0] for dx, dy in ((0, 0), (4, 0), (-4, 0), (0, 4), (4, 4))]
plots.contact_sheet(np.stack(moved), range(5), ["original", "right 4", "left 4", "down 4", "both"], columns=5)
plt.show()

# %% [markdown]
# ## 2. Transformations as layers
#
# Keras provides layers for augmentation. The two reports that this assignment follows used the older `ImageDataGenerator`, and many books still use its arguments. The table shows the layer that corresponds to each argument:
#
# | `ImageDataGenerator` | layer |
# |---|---|
# | `horizontal_flip=True` | `RandomFlip("horizontal")` |
# | `vertical_flip=True` | `RandomFlip("vertical")` |
# | `width_shift_range=0.1, height_shift_range=0.2` | `RandomTranslation(height_factor=0.2, width_factor=0.1)` |
# | `rotation_range=15`, in degrees | `RandomRotation(factor)`, in full turns: a factor of 1 is 360° |
# | `fill_mode="nearest"` | `fill_mode="nearest"` in the two layers above; without it, they *reflect* |
# | `rescale=1 / 255` | `Rescaling(1 / 255)` |
#
# One report used flips and shifts by 0.1; the other also used rotations by up to 15°. Each image is transformed with its own random numbers, drawn between minus and plus the range. `ImageDataGenerator` draws for each of the two flips, as two layers do; in Keras 3.15, `RandomFlip("horizontal_and_vertical")` draws once for both, so it turns half of the images by 180°.
#
# **Predict.** What does `RandomRotation(15)` do?

# %% [markdown]
# **Exercise (4 points).** Write `build_augmentation`, which takes the arguments of `ImageDataGenerator`. A transformation that is not requested adds no layer. The order is flip, shift, rotation, with one layer for shifts in both directions. For both flips, two layers or `"horizontal_and_vertical"` count as right.

# %% solution="aug-build"
def build_augmentation(
    rotation_range=0,
    width_shift_range=0.0,
    height_shift_range=0.0,
    horizontal_flip=False,
    vertical_flip=False,
    fill_mode="nearest",
):
    """Build one model of Keras layers that transforms images (N, 32, 32, 3) from 0 to 1.

    rotation_range: degrees in either direction; width_shift_range, height_shift_range: fractions
    of the width and of the height, in either direction
    fill_mode: how shift and rotation fill the area the image has moved away from
    Returns a built keras.Model, such as a keras.Sequential that begins with an Input. It has no
    layer for an argument that is 0 or False. At least one argument requests a transformation.
    Called with training=False, it returns the images unchanged, as these layers do.

    Example: build_augmentation(rotation_range=15, horizontal_flip=True) has two layers.
    """
    ### BEGIN SOLUTION
    layers = keras.layers
    model = keras.Sequential([layers.Input((32, 32, 3))])
    if horizontal_flip:
        model.add(layers.RandomFlip("horizontal"))
    if vertical_flip:
        model.add(layers.RandomFlip("vertical"))
    if width_shift_range or height_shift_range:
        factors = (height_shift_range, width_shift_range)
        model.add(layers.RandomTranslation(*factors, fill_mode=fill_mode))
    if rotation_range:
        model.add(layers.RandomRotation(rotation_range / 360, fill_mode=fill_mode))
    return model
    ### END SOLUTION

# %% tests="aug-layers" points=4
with checks.exercise("aug-layers", hidden="each argument alone, several together, the defaults, and the layers' settings"):
    def layers_of(model, inside=False):
        """List the layers after the input; those of a model inside the model count as its own."""
        checks.that(model is not None, "build_augmentation returns None: end it with `return model`.")
        checks.that(isinstance(model, keras.Model), f"build_augmentation returns a {type(model).__name__}, not a model.")
        built = model.built or inside or not model.layers  # a build need not reach a model inside
        checks.that(built, "The model is not built: begin it with keras.layers.Input((32, 32, 3)).")
        nested = [layers_of(one, True) if isinstance(one, keras.Model) else [one] for one in model.layers]
        return [one for part in nested for one in part if not isinstance(one, keras.layers.InputLayer)]

    flip = {"horizontal_flip": True}
    shift = {"width_shift_range": 0.1, "height_shift_range": 0.1}
    rotate = {"rotation_range": 15}
    unit = "For rotation_range=15, the factor of RandomRotation is wrong: it counts full turns (fractions of 2π), neither degrees nor radians."
    try:
        turned = build_augmentation(**rotate)
    except ValueError as error:  # some versions of Keras refuse a factor above 1, others turn by it
        checks.that("factor" not in str(error), unit)
        raise
    complete = build_augmentation(**flip, **shift, **rotate)
    kinds = [type(layer).__name__ for layer in layers_of(complete)]
    wanted = "RandomFlip, RandomTranslation, RandomRotation"
    checks.that(", ".join(kinds) == wanted, f"The layers are {', '.join(kinds)}; expected {wanted}.")
    for argument, amount in {"vertical_flip": True, **flip, **shift, **rotate}.items():
        count = len(layers_of(build_augmentation(**{argument: amount})))
        checks.equal(count, 1, f"The number of layers for {argument}={amount} alone")
    # Light on top, black below: a pixel at 45 degrees above the middle stays light up to 15 degrees.
    halves = np.zeros((64, 32, 32, 3), dtype="float32")
    halves[:, :16] = 0.9
    checks.close(complete(halves[:8], training=False), halves[:8], "What the model returns outside training")
    top = np.asarray(turned(halves, training=True))[:, 5, 26, 0]
    checks.that(top.min() > 0.5, unit)
    checks.shape(complete(halves[:8], training=True), (8, 32, 32, 3), "The augmented images")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks
DEFAULTS = {"rotation_range": 0, "width_shift_range": 0.0, "height_shift_range": 0.0}
DEFAULTS |= {"horizontal_flip": False, "vertical_flip": False, "fill_mode": "nearest"}


def layers_in(model):
    """List all layers but the input, with those of nested models in their place."""
    nested = [layers_in(one) if hasattr(one, "layers") else [one] for one in model.layers]
    return [one for part in nested for one in part if type(one).__name__ != "InputLayer"]


def check_range(value, most, case, mistake):
    """Compare a factor with the one expected; Keras stores 0.1 as 0.1 or as (-0.1, 0.1)."""
    low, high = value if isinstance(value, (list, tuple)) else (-value, value)
    far = round(float(max(-low, high)), 5)
    check.that(far == round(most, 5), f"For {case}, {mistake}")
    one_way = "the change goes in one direction only, not in either one."
    check.that(abs(low + high) < 1e-5, f"For {case}, {one_way}")


def check_layers(case, asked, *ordered):
    """Build the model and compare each layer with the arguments."""
    network = submission.build("build_augmentation", *ordered, **({} if ordered else asked))
    same = tuple(network.input_shape[1:]) == (32, 32, 3)
    check.that(same, f"For {case}, the model's input does not have the shape (32, 32, 3).")
    full, made = DEFAULTS | asked, layers_in(network)
    modes = [one.get_config()["mode"] for one in made if type(one).__name__ == "RandomFlip"]
    kinds = list(dict.fromkeys(type(one).__name__ for one in made))
    moved = full["height_shift_range"] or full["width_shift_range"]
    directions = [d for d in ("horizontal", "vertical") if full[d + "_flip"]]
    wanted = ["RandomFlip"] * bool(directions) + ["RandomTranslation"] * bool(moved)
    wanted += ["RandomRotation"] * bool(full["rotation_range"])
    once = len(made) - len(modes) + bool(modes) == len(kinds)
    check.that(
        kinds == wanted and once,
        f"For {case}, the layers are: {', '.join(type(one).__name__ for one in made) or 'none'}; "
        f"expected {', '.join(wanted)}.",
    )
    flips = sorted("_and_".join(modes).split("_and_")) if modes else []
    check.that(not set(flips) < set(directions), f"For {case}, one of the two flips is missing.")
    check.that(flips == directions, f"For {case}, the flip has the wrong direction.")
    for config in (one.get_config() for one in made if type(one).__name__ != "RandomFlip"):
        if "factor" in config:
            turns = "the factor of RandomRotation is not rotation_range in full turns."
            check_range(config["factor"], full["rotation_range"] / 360, case, turns)
        else:
            sides = "the factors of RandomTranslation are not the ranges, the height first, then the width."
            check_range(config["height_factor"], full["height_shift_range"], case, sides)
            check_range(config["width_factor"], full["width_shift_range"], case, sides)
        same = config["fill_mode"] == full["fill_mode"]
        how = "as fill_mode says" if "fill_mode" in asked else "with nearest by default"
        check.that(same, f"For {case}, a layer does not fill {how}.")


for asked in (
    {"horizontal_flip": True},
    {"vertical_flip": True},
    {"horizontal_flip": True, "vertical_flip": True},
    {"height_shift_range": 0.2, "width_shift_range": 0.1, "fill_mode": "reflect"},
    {"width_shift_range": 0.3, "fill_mode": "nearest"},
    {"height_shift_range": 0.02, "fill_mode": "constant"},
    {"rotation_range": 90, "fill_mode": "constant"},
    {"rotation_range": 0.5, "fill_mode": "wrap"},
    {"rotation_range": 15, "width_shift_range": 0.1, "vertical_flip": True},
):
    check_layers(" and ".join(asked), asked)
asked = dict(zip(DEFAULTS, (30, 0.05, 0.25, True, True, "wrap")))
check_layers("all arguments", asked, *asked.values())
### END HIDDEN TESTS

# %%
hints.show("aug-layers")

# %% [markdown]
# You predicted what `RandomRotation(15)` does. The next cell asks three layers to turn the same image a thousand times, and measures each angle by where the brighter half of the image comes to lie.

# %%
bright_top = np.zeros((1_000, 32, 32, 3), dtype="float32")
bright_top[:, :16] = 1
rows, columns = np.mgrid[-15.5:16, -15.5:16]
disc = rows**2 + columns**2 < 15**2  # the part that no turn moves out of the image
for said, factor in (("15", 15.0), ("15 / 360", 15 / 360), ("np.radians(15)", np.radians(15))):
    try:
        layer = keras.layers.RandomRotation(factor, fill_mode="nearest")
    except ValueError as error:
        print(f"RandomRotation({said}) is refused: {str(error).splitlines()[0]}")
        continue
    light = np.asarray(layer(bright_top, training=True))[..., 0] * disc
    angles = np.degrees(np.arctan2((light * columns).sum(axis=(1, 2)), -(light * rows).sum(axis=(1, 2))))
    beyond = np.mean(np.abs(angles) > 15.5)
    print(f"RandomRotation({said}) turns by up to {np.abs(angles).max():.0f} degrees, {beyond:.0%} of the images by more than 15")

# %% [markdown]
# `RandomRotation(15)` asks for up to 15 full turns in either direction. Some versions of Keras refuse more than one; the others turn the image by any angle, each equally likely. Radians are no better: 15° is 0.26 radians, and 0.26 of a full turn is 94°. That raises no error in any version, and the training runs on as if nothing were wrong. Only a look at the images shows it.
#
# ### Look before you use it
#
# A look at a few images shows whether a transformation is too strong or wrong for the data. The first column contains the originals.

# %%
full = build_augmentation(
    rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=True
)
three = x_train[:3]
versions = [three] + [np.asarray(full(three, training=True)) for _ in range(7)]
plots.contact_sheet(np.clip(np.stack(versions, axis=1).reshape(-1, 32, 32, 3), 0, 1), columns=8)
plt.show()

# %% [markdown]
# ## 3. Augmentation in training only
#
# The validation and test images are not augmented, because they represent the images that the network will have to classify. A Keras layer makes this distinction: `fit` calls it with `training=True`, whereas `evaluate` and `predict` call it with `training=False`, and then the random layers return their input unchanged.
#
# **Predict.** You call `model.predict` twice on the same images, with augmentation in front of the network. Are the results equal?

# %% [markdown]
# **Exercise (2 points).** Write `with_augmentation`, which puts one model in front of another. Use the network's own layers and weights, not copies, so that training the result trains the network.

# %% solution="aug-front-answer"
def with_augmentation(augmentation, network):
    """Build a model that augments in training and is the network alone otherwise; not compiled.

    augmentation: a keras.Model from (N, 32, 32, 3) to the same shape; network: a keras.Model
    Returns a new, built keras.Model from (N, 32, 32, 3) to what the network returns. Both arguments
    keep their layers, so that each can be used again.

    Example: with_augmentation(full, net).count_params() == net.count_params()
    """
    ### BEGIN SOLUTION
    return keras.Sequential([keras.layers.Input((32, 32, 3)), augmentation, network])
    ### END SOLUTION

# %%
def build_small(dropout=0.0, width=24):
    """Build a network of three convolutions and two fully connected (FC) layers."""
    layers, blocks = keras.layers, []
    for filters in (width, 2 * width, 2 * width):
        blocks.append(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        blocks.append(layers.MaxPooling2D())
    head = [layers.Dense(4 * width, activation="relu"), layers.Dropout(dropout)]
    end = layers.Dense(10, activation="softmax")
    return keras.Sequential([layers.Input((32, 32, 3)), *blocks, layers.Flatten(), *head, end])

# %% tests="aug-training-only" points=2
with checks.exercise("aug-training-only", hidden="other models, their weights and their predictions"):
    class Brighter(keras.layers.Layer):
        """Adds 1 to each value in training, so the result is known in advance."""

        def call(self, inputs, training=False):
            return inputs + 1.0 if training else inputs

    front = keras.Sequential([keras.layers.Input((32, 32, 3)), Brighter()])
    behind = keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.AveragePooling2D(8)])
    for layer in (keras.layers.Flatten(), keras.layers.Dense(5, activation="tanh"), Brighter()):
        behind.add(layer)
    joined = with_augmentation(front, behind)
    checks.that(joined is not None, "with_augmentation returns None: return the model.")
    checks.that(isinstance(joined, keras.Model), f"with_augmentation returns a {type(joined).__name__}, not a model.")
    checks.that(
        (len(front.layers), len(behind.layers)) == (1, 4),
        "with_augmentation adds layers to an argument or takes some away: build a new model of both.",
    )
    checks.that(
        joined.built, "The model does not know its input size: begin with an Input, or call its build((None, 32, 32, 3))."
    )
    checks.that(not joined.compiled, "with_augmentation compiles the model: leave that out.")
    checks.equal(joined.count_params(), behind.count_params(), "The number of parameters")
    noise = np.random.default_rng(1).random((4, 32, 32, 3), dtype=np.float32)
    checks.close(joined(noise, training=False), behind(noise), "What the model predicts outside training", atol=1e-5)
    loud = np.asarray(joined(noise, training=True))
    checks.that(
        not np.allclose(loud, behind(noise, training=True), atol=1e-5), "In training, nothing is augmented."
    )
    once = np.allclose(loud, behind(noise + 1, training=True), atol=1e-5)
    checks.that(once, "In training, the model does not return what network makes of images augmented once.")
    shared = {id(w) for w in joined.trainable_weights} == {id(w) for w in behind.trainable_weights}
    checks.that(shared and joined.trainable_weights, "The model does not train the weights of network: use network itself.")
    before = np.array(behind.get_weights()[0])
    joined.compile("sgd", "mse", run_eagerly=True)
    joined.train_on_batch(noise, np.ones((4, 5)))
    moved = not np.array_equal(before, behind.get_weights()[0])
    checks.that(moved, "A training step of the model leaves the weights of network as they were.")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check, kinds = submission.np, submission.checks, submission.keras.layers
rng = np.random.default_rng(3)
before = [kinds.Input((32, 32, 3)), kinds.RandomFlip("vertical"), kinds.RandomRotation(0.4)]
# In Keras, a layer that augments makes a call without training= one in training, which would move
# the statistics of a normalization; with momentum 1, a call that only builds the model is harmless.
after = [kinds.Input((32, 32, 3)), kinds.AveragePooling2D(8), kinds.BatchNormalization(momentum=1.0)]
after += [kinds.Flatten(), kinds.Dropout(0.5), kinds.Dense(7)]
given, alone = submission.keras.Sequential(before), submission.keras.Sequential(after)
alone.set_weights([rng.random(w.shape) for w in alone.get_weights()])
whole = submission.build("with_augmentation", given, alone)
check.equal(whole.count_params(), alone.count_params(), "The number of parameters")
some = 3 * rng.standard_normal((6, 32, 32, 3), dtype=np.float32)  # a clip to 0 to 1 shows
got = np.asarray(whole(some, training=False))
check.close(got, np.asarray(alone(some, training=False)), "What the model predicts", atol=1e-4)
### END HIDDEN TESTS

# %%
hints.show("aug-training-only")

# %% [markdown]
# The next cell calls the augmented network twice on the same images, in both modes. Compare the result with your prediction.

# %%
guarded = with_augmentation(full, build_small())
for mode in (True, False):
    first, second = (np.asarray(guarded(x_val[:4], training=mode)) for _ in range(2))
    print(f"training={mode}: two calls differ by up to {np.abs(first - second).max():.4f}")

# %% [markdown]
# ## 4. The effect on gap and accuracy
#
# We train the same network with and without augmentation, and with and without dropout, for the same number of epochs. As in *06 NET III*, we measure the gap with the trained network on unchanged images, because during training Keras reports the accuracy on *augmented* images, which are harder.
#
# Run the two cheap tests first: the first loss is close to $\log 10$, and the network can memorize 100 images.

# %%
probe = build_small()
probe.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
print(f"first loss {training.first_loss(probe, x_train, y_train):.3f}, log(10) is {np.log(10):.3f}")
memorized = training.overfits(probe, x_train, y_train, images=100, epochs=30)
print(f"accuracy on the 100 images it was trained on: {memorized:.2f}")

# %%
def train_small(name, augmentation=None, dropout=0.0, seed=1):
    """Train the small network; return its record and its accuracies on unchanged images."""
    keras.utils.set_random_seed(seed)
    network = build_small(dropout)
    model = with_augmentation(augmentation or keras.Sequential([keras.layers.Identity()]), network)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    settings = {"validation_data": (x_val, y_val), "batch_size": 32}
    settings["epochs"] = 20 if small else profile.epochs(20)
    record = training.fit(model, name, x_train, y_train, **settings)
    pairs = ((x_train, y_train), (x_val, y_val))
    inner, outer = (model.evaluate(*pair, verbose=0)[1] for pair in pairs)
    return record, {"training": inner, "validation": outer, "gap": inner - outer}

# %% [markdown]
# **Predict.** Which makes the gap smaller, dropout or augmentation? What do the two do together, and which of the four combinations has the highest validation accuracy?

# %%
flip_shift = build_augmentation(
    width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=True
)
upside_down = build_augmentation(vertical_flip=True)
trials = {
    "neither": {},
    "dropout 0.5": {"dropout": 0.5},
    "flip, shift": {"augmentation": flip_shift},
    "flip, shift, rotation": {"augmentation": full},
    "flip, shift and dropout": {"augmentation": flip_shift, "dropout": 0.5},
    "vertical flip": {"augmentation": upside_down},
}

# %%
records, results = {}, {}
for number, (name, switches) in enumerate(trials.items()):
    records[name], results[name] = train_small(f"aug_{number}", **switches)

# %%
fig, ax = plt.subplots(figsize=(8, 4.2))
places = np.arange(len(results))
for shift, key, look in (
    (-0.2, "training", {"color": plots.COLOURS[4]}),
    (0.2, "validation", {"color": "white", "hatch": "//"}),
):
    heights = [result[key] for result in results.values()]
    ax.bar(places + shift, heights, 0.4, label=key, edgecolor="0.2", **look)
for place, result in zip(places, results.values()):
    ax.text(place, result["training"] + 0.02, f"gap {result['gap']:+.2f}", ha="center", fontsize=8)
ax.set_xticks(places, [name.replace(", ", ",\n", 1) for name in results], fontsize=8)
ax.set(ylabel="accuracy on unchanged images", ylim=(0, 1.15))
ax.legend(loc="upper right", ncols=2)
plt.show()

# %%
fig, ax = plt.subplots(figsize=(8, 4))
shown = {name: records[name] for name in ("neither", "dropout 0.5", "flip, shift", "vertical flip")}
plots.compare_histories(shown, "val_loss", ax=ax)
plt.show()

# %% [markdown] answer="aug-effect" points=2
# **What do you see?** (2 points) Rank the six training runs by gap and by validation accuracy, with numbers. Which augmentation helps, and which only narrows the gap? How does augmentation change the curve of the validation loss?
#
# ### BEGIN SOLUTION
# *Rubric.* One point for numbers and for the two rankings. Without dropout and augmentation, the training accuracy is highest (under *offline*, close to 1) and the gap is widest. Flip and shift narrow the gap clearly and raise the validation accuracy. Dropout narrows the gap, too. The two together narrow it most, and may cost accuracy in so few epochs. One point for an observation beyond the gap: the vertical flip helps less or not at all, although it narrows the gap as well; or the validation loss no longer rises (or rises later) with augmentation; or a reasoned remark that a single run of each does not decide between settings that differ by a point or two.
# ### END SOLUTION

# %% [markdown]
# ## 5. An augmentation that is wrong for the data
#
# An augmentation makes a claim: *this change does not affect the class*. For photographs of ships, the claim holds for a horizontal flip, while a vertical flip produces images that nobody takes. For handwritten digits, a half turn is worse than useless: a 6 becomes a 9 and keeps its label.
#
# The digits are small images, so this experiment takes seconds. We train once without rotation, once with rotations of up to 15°, and once with rotations of up to 180°.
#
# **Predict.** What is the accuracy with rotations of up to 180°? Which two digits are confused most often?

# %%
digits = data.load("mnist", train=1_000, test=500).scaled()


def train_digits(name, degrees, seed=1):
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    turn = layers.RandomRotation(degrees / 360, fill_mode="nearest")
    look = layers.Conv2D(16, 3, strides=2, activation="relu")
    head = [layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")]
    net = keras.Sequential([layers.Input((28, 28, 1)), turn, look, *head])
    net.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    training.fit(net, name, digits.x_train, digits.y_train, batch_size=32, epochs=10)
    return net.predict(digits.x_test, verbose=0).argmax(axis=1)

# %%
truth = digits.y_test.ravel()
guesses = {degrees: train_digits(f"aug_digits_{degrees}", degrees) for degrees in (0, 15, 180)}
for degrees, guess in guesses.items():
    six_nine = np.isin(truth, (6, 9)) & np.isin(guess, (6, 9)) & (truth != guess)
    print(f"up to {degrees:>3}°: accuracy {np.mean(guess == truth):.3f}, 6 and 9 confused {six_nine.sum()}")

# %%
matrix = np.zeros((10, 10), dtype=int)
np.add.at(matrix, (truth, guesses[180]), 1)
plots.confusion(matrix, [str(digit) for digit in range(10)])
plt.show()

# %% [markdown] answer="aug-wrong" points=2
# **Which augmentation is wrong, and how can you tell?** (2 points) Use the digits and the vertical flip above. Why can a wrong augmentation still narrow the gap? For street signs, chest X-rays and satellite images, name one transformation each that you would or would not use, and give the reason.
#
# ### BEGIN SOLUTION
# *Rubric.* One point: with rotations of up to 180°, the accuracy falls and 6 and 9 are confused, because the image no longer determines the label. Any augmentation makes the training images harder to memorize, so the training accuracy falls and the gap shrinks with it, whether or not the claim holds. The validation accuracy and a look at the images reveal the mistake. One point for three sound judgments, for example: no flip for street signs (arrows, letters), no flip for chest X-rays (the heart is on one side), any flip or rotation for satellite images (they have no upright orientation).
# ### END SOLUTION

# %% [markdown]
# ## 6. Beyond moving pixels: erasing and mixing
#
# **Random erasing** paints over a square of each image, so that the network cannot rely on a single detail. If the square is small, the class remains recognizable.
#
# **Exercise (2 points).** Write `erase`. The corners are arguments, so the result is known in advance.

# %% solution="aug-erase-answer"
def erase(images, tops, lefts, size, value=0.5):
    """Paint one square of size x size pixels over each image.

    images: (N, H, W, C) floats; tops, lefts: (N,) integer arrays, the upper left corners
    size: pixels; a square beyond the edge is cut off there; value: value of the painted pixels
    Returns an array of the same shape, and does not change images itself.

    Example: four pixels of 0.5 in a black image add up to 2.0:
    erase(np.zeros((1, 4, 4, 1)), np.array([0]), np.array([0]), 2).sum() is 2.0.
    """
    ### BEGIN SOLUTION
    painted = np.array(images)
    for image, top, left in zip(painted, tops, lefts):
        image[top : top + size, left : left + size] = value
    return painted
    ### END SOLUTION

# %% tests="aug-erase" points=2
with checks.exercise("aug-erase", hidden="several images, squares beyond the edge, other values"):
    blank = np.zeros((2, 5, 6, 1))
    erased = checks.unchanged(erase, blank, np.array([0, 3]), np.array([1, 2]), 2)
    erased = checks.as_array(erased, "What erase returns")
    checks.shape(erased, (2, 5, 6, 1), "What erase returns")
    checks.close(erased.sum(axis=(1, 2, 3)), np.array([2.0, 2.0]), "The sum of each image")
    checks.close(erased[0, :2, 1:3, 0], np.full((2, 2), 0.5), "The square of the first image")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(11)
for shape, size, kind, painted in (
    ((9, 8, 6, 3), 3, "float32", {"value": 0.75}),
    ((3, 5, 9, 1), 4, "float64", {"value": 0.0}),
    ((2, 5, 4, 3), 9, "float32", {}),
    ((5, 24, 32, 3), 8, "float64", {"value": -1.25}),
    ((6, 7, 4, 2), 1, "float64", {}),
    ((2, 6, 5, 4), 2, "float32", {}),
    ((9, 8, 6, 3), 3, "float64", {"value": 0.75}),
):
    count, high, wide, _ = shape
    before = rng.random(shape).astype(kind)
    given = before, rng.integers(0, high, count), rng.integers(0, wide, count), size
    submission.unchanged("erase", *given, **painted)
    got = check.as_array(submission.call("erase", *given, **painted), "What erase returns")
    check.shape(got, shape, "What erase returns")
    i, j = np.mgrid[:high, :wide]
    value = painted.get("value", 0.5)
    squares = [one[top : top + size, left : left + size] for one, top, left in zip(got, *given[1:3])]
    first = all(np.allclose(square[..., 0], value) for square in squares)
    where = ", in a channel after the first," if first else ""
    beyond = np.array([top + size > high or left + size > wide for top, left in zip(*given[1:3])])

    def of_square(right):
        """Name the squares that are wrong: those beyond the edge alone, if others are right."""
        only = right[~beyond].all() and (right & ~beyond).sum() > 1
        return "a square that goes beyond the edge" if only else "the square"

    filled = np.array([np.allclose(square, value) for square in squares])
    check.that(
        filled.all(), f"A pixel inside {of_square(filled)}{where} does not have the value asked for."
    )
    kept = []
    for image, old, top, left in zip(got, before, *given[1:3]):
        outside = (i < top) | (i >= top + size) | (j < left) | (j >= left + size)
        kept.append(np.allclose(image[outside], old[outside]))
    kept = np.array(kept)
    check.that(kept.all(), f"A pixel outside {of_square(kept)} was changed.")
### END HIDDEN TESTS

# %%
hints.show("aug-erase")

# %% [markdown]
# **Mixup** goes further. It blends two images and *their labels*, with a share $\lambda$ between 0 and 1 that is drawn for each pair:
#
# $$x' = \lambda\, x_i + (1 - \lambda)\, x_j \qquad y' = \lambda\, y_i + (1 - \lambda)\, y_j$$
#
# The labels $y$ are one-hot vectors, so a blend of one third ship and two thirds truck has exactly that label, and the loss is `categorical_crossentropy`.
#
# **Exercise (3 points).** Write `mixup`. The shares and the partners are arguments.

# %% solution="aug-mixup-answer"
def mixup(images, labels, shares, partners):
    """Blend each image and its label with those of a partner.

    images: (N, H, W, C) floats; labels: (N, 1) integers from 0 to 9
    shares: (N,) floats from 0 to 1, the lambda of the formula: how much of the image itself remains
    partners: (N,) positions in images; all four arguments are arrays, and none is changed
    Returns (blends, targets) of shapes (N, H, W, C) and (N, 10); each row of targets sums to 1.

    Example: with shares of 1, the images do not change, and the targets are one-hot.
    """
    ### BEGIN SOLUTION
    one_hot = np.eye(10)[np.ravel(labels)]
    wide, row = shares.reshape(-1, 1, 1, 1), shares.reshape(-1, 1)
    blends = wide * images + (1 - wide) * images[partners]
    return blends, row * one_hot + (1 - row) * one_hot[partners]
    ### END SOLUTION

# %% tests="aug-mixup" points=3
with checks.exercise("aug-mixup", hidden="random shares and partners, and two images with the same label"):
    pair = np.stack([np.zeros((4, 5, 3)), np.ones((4, 5, 3))])
    given = pair, np.array([[3], [7]]), np.array([0.75, 1.0]), np.array([1, 0])
    both = checks.unchanged(mixup, *given)
    checks.that(
        isinstance(both, (tuple, list)) and len(both) == 2, "mixup must return two arrays: `return blends, targets`."
    )
    mixed, soft = checks.as_array(both[0], "The array of blends"), checks.as_array(both[1], "The array of targets")
    checks.shape(mixed, (2, 4, 5, 3), "The array of blends")
    checks.shape(soft, (2, 10), "The array of targets")
    checks.close(mixed[:, 0, 0, 0], np.array([0.25, 1.0]), "A pixel of each blend")
    checks.close(soft[0, [3, 7]], np.array([0.75, 0.25]), "The pair of entries 3 and 7 of the first target")
    checks.close(soft.sum(axis=1), np.ones(2), "The sum of each target")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(12)
for shape, kind, most, other in (
    ((1, 4, 6, 3), "uint8", 10, [0]),
    ((6, 5, 3, 1), "int64", 4, rng.permutation(6)),
    ((32, 8, 7, 4), "uint8", 10, rng.permutation(32)),
    ((6, 7, 4, 3), "int64", 1, [4, 4, 0, 2, 5, 2]),
):
    one = "With a single image, a" if shape[0] == 1 else "A"
    before = 2 * rng.standard_normal(shape).astype("float32" if kind == "uint8" else "float64")
    classes, lam = rng.integers(0, most, (len(before), 1)).astype(kind), rng.random(len(before))
    lam[: shape[0] // 3] = (0.0, 1.0, *lam)[: shape[0] // 3]
    given = before, classes, lam, np.array(other)
    submission.unchanged("mixup", *given)
    result = submission.call("mixup", *given)
    check.that(
        isinstance(result, (list, tuple)) and len(result) == 2,
        "mixup does not return two arrays: end it with `return blends, targets`.",
    )
    names = ("The array of blends", "The array of targets")
    mixed, soft = (check.as_array(one, what) for one, what in zip(result, names))
    check.shape(mixed, before.shape, names[0])
    check.shape(soft, (len(before), 10), names[1])
    for k, partner in enumerate(other):
        want = lam[k] * before[k] + (1 - lam[k]) * before[partner]
        near = np.allclose(mixed[k], want, atol=1e-5)
        check.that(
            near or not np.allclose(mixed[k], np.clip(want, 0, 1), atol=1e-5),
            "A blend is clipped to 0 to 1: keep its values as they are, also below 0 and above 1.",
        )
        check.that(
            near,
            f"{one} blend is wrong: it is the share times the image, plus the rest of 1 times its partner.",
        )
        target = np.zeros(10)
        target[classes[k, 0]] += lam[k]
        target[classes[partner, 0]] += 1 - lam[k]
        check.that(
            np.allclose(soft[k], target, atol=1e-5),
            f"{one} target is wrong: blend the one-hot rows as the images, also if both are the same.",
        )
### END HIDDEN TESTS

# %%
hints.show("aug-mixup")

# %% [markdown]
# Newer versions of Keras provide both as layers, `RandomErasing` and `MixUp`. The next figure shows what your functions do to a few images. The rows show the originals, the erased images, and each image blended with its left neighbor (the first with the last).

# %%
rng = np.random.default_rng(5)
few, few_labels = x_train[:8], y_train[:8]
corners = rng.integers(0, 24, (2, 8))
blends, targets = mixup(few, few_labels, rng.uniform(0.3, 0.7, 8), np.roll(np.arange(8), 1))
rows = np.concatenate([few, erase(few, *corners, size=8), blends])
plots.contact_sheet(np.clip(rows, 0, 1), columns=8)
plt.show()

# %% [markdown]
# ## 7. The cost of augmentation
#
# A transformation that is slower than the network keeps the network waiting. `tf.data` prepares the next batches on other threads while the network computes. The figure to know is the number of images per second.
#
# **Exercise (2 points).** Write `images_per_second`. Leave out the first batch, because its time includes starting the pipeline. The clock is an argument, so the function can be tested without waiting.

# %% solution="aug-rate-answer"
def images_per_second(batches, clock=time.perf_counter):
    """Measure how many images per second an iterable yields once it is running.

    batches: an iterable of at least two arrays (n, H, W, C), where n may differ
    clock: a function that returns the current time in seconds
    Returns a float: the number of images in all batches except the first, divided by the seconds
    between the arrival of the first batch and that of the last.

    Example: three batches of 100 images, half a second apart, give 200 / 1.0 s = 200.0.
    """
    ### BEGIN SOLUTION
    batches = iter(batches)
    next(batches)
    start, count = clock(), 0
    for batch in batches:
        count += len(batch)
    return count / (clock() - start)
    ### END SOLUTION

# %% locked="aug-simulate"
class SimulatedBatches:
    """Batches of these sizes, each of which takes this long on a simulated clock."""

    def __init__(self, sizes, seconds):
        self.sizes, self.seconds, self.now = sizes, seconds, 100.0

    def __iter__(self):
        for size, pause in zip(self.sizes, self.seconds):
            self.now += pause
            yield np.zeros((size, 2, 2, 1))


def simulated_rate(sizes, seconds):
    """Measure simulated batches with images_per_second."""
    batches = SimulatedBatches(sizes, seconds)
    return images_per_second(batches, clock=lambda: batches.now)

# %% tests="aug-rate" points=2
with checks.exercise("aug-rate", hidden="batches of other sizes and speeds"):
    try:
        three = simulated_rate([100] * 3, [9.0, 0.5, 0.5])
    except ZeroDivisionError:
        raise checks.Wrong(
            "No time passes between your two readings of the clock: read it when a batch arrives, "
            "not after all of them have come, as with list(batches)."
        ) from None
    except TypeError as error:
        asked = any(words in str(error) for words in ("Batches' has no len", "Batches' object is not sub"))
        loop = "batches may be any iterable, which has no length and no positions: go through it with for."
        checks.that(not asked, loop)
        raise
    checks.close(three, 200.0, "The rate of three batches, by the argument clock,")
    checks.close(simulated_rate([8, 8, 4], [0.1, 1, 1]), 6.0, "The rate with a smaller last batch")

    passes = []

    class SlowBatches:
        def __iter__(self):
            passes.append(1)
            for _ in range(3):
                time.sleep(0.02)
                yield np.zeros((10, 2, 2, 1))

    kept = "keep clock=time.perf_counter, the function itself, which tells the time in seconds."
    try:
        real = images_per_second(SlowBatches())
    except TypeError as error:
        checks.that("callable" not in str(error), f"Without the argument clock, there is no clock to call: {kept}")
        raise
    checks.that(
        len(passes) == 1,
        "images_per_second starts on batches more than once, and some iterables give each batch only "
        "once: count the images and read the clock in the same loop.",
    )
    real = float(checks.as_array(real, "The rate by the real clock"))
    checks.that(
        1 < real < 501,
        f"Batches of 10 images, 0.02 seconds apart or more, have a rate of {real:,.0f} by the default clock; "
        f"expected at most 500: {kept}",
    )
### BEGIN HIDDEN TESTS
from autograder import submission

np = submission.np
for sizes, seconds, case in (
    ([32, 32], [5.0, 0.25], "two batches"),
    ([128] * 6 + [17], [3.0] + [0.1] * 6, "batches of which the last is smaller"),
    ([1, 2, 3, 4], [0.5, 0.5, 1.0, 2.5], "batches of different sizes and speeds"),
    ([500, 3, 1], [0.0, 0.4, 7.0], "a large first batch that is there at once"),
    ([8] * 30, [1.0] + [0.2] * 15 + [0.6] * 14, "thirty batches"),
    ([64, 64, 32], [0.1, 0.001, 0.002], "very quick batches"),
):
    got = submission.call("simulated_rate", sizes, seconds)
    want = sum(sizes[1:]) / sum(seconds[1:])
    got = submission.checks.as_array(got, f"The rate of {case}")
    near = got.size == 1 and np.isclose(got, want, rtol=1e-3).all()
    whole = got.size == 1 and np.isin(got, [np.floor(want), np.round(want), np.round(want, 1)]).all()
    rounded = f"The rate of {case} is rounded: return the quotient as it is, a float."
    submission.checks.that(near or not whole, rounded)
    submission.checks.that(
        near,
        f"The rate of {case} is wrong: divide the number of images in all batches except the first by "
        "the time from the arrival of the first batch to that of the last.",
    )
### END HIDDEN TESTS

# %%
hints.show("aug-rate")

# %%
def pipeline(*layers, batch_size=128):
    """Return batches of augmented images that tf.data prepares on several threads."""
    batches = tf.data.Dataset.from_tensor_slices(np.resize(x_train, (4_096, 32, 32, 3)))
    batches = batches.batch(batch_size)
    for layer in layers:
        batches = batches.map(
            lambda x, layer=layer: layer(x, training=True), num_parallel_calls=tf.data.AUTOTUNE
        )
    return batches.prefetch(tf.data.AUTOTUNE)

# %%
costs = {
    "nothing": [],
    "flip": [build_augmentation(horizontal_flip=True)],
    "flip, shift": [flip_shift],
    "flip, shift, rotation": [full],
}
rates = {name: images_per_second(pipeline(*layers)) for name, layers in costs.items()}
for name, rate in rates.items():
    print(f"{name:<24}{rate:>10,.0f} images per second")

# %% [markdown]
# For comparison, this is how many images per second the network trains on:

# %%
rate = len(x_train) * len(records["neither"].epoch) / records["neither"].seconds
print(f"the small network trains on {rate:,.0f} images per second here, including validation")

# %% [markdown]
# ## What others got
#
# | in the report | test accuracy of the report, CIFAR-100 | here | *offline*: validation accuracy | gap | *quick*: validation accuracy | gap | *full*: validation accuracy, last and best epoch |
# |---|---|---|---|---|---|---|---|
# | neither | 0.486 | neither | 0.602 [0.584, 0.644] | 0.340 [0.322, 0.378] | 0.564 [0.514, 0.604] | 0.15 [0.14, 0.16] | 0.709, 0.720 |
# | dropout | 0.53 | dropout 0.5 | 0.608 [0.592, 0.644] | 0.299 [0.272, 0.328] | 0.576 [0.566, 0.585] | 0.10 [0.09, 0.11] | 0.711, 0.719 |
# | augmentation | 0.592 | flip, shift | 0.688 [0.644, 0.714] | 0.137 [0.094, 0.204] | 0.592 [0.576, 0.617] | 0.05 [0.04, 0.05] | 0.738, 0.758 |
# | | | flip, shift, rotation | 0.658 [0.624, 0.692] | 0.156 [0.124, 0.188] | 0.577 [0.544, 0.620] | 0.04 [0.02, 0.05] | 0.704, 0.736 |
# | both | 0.63 | flip, shift and dropout | 0.646 [0.628, 0.656] | 0.131 [0.088, 0.184] | 0.544 [0.532, 0.557] | 0.04 [0.03, 0.04] | 0.694, 0.716 |
# | | | vertical flip | 0.590 [0.538, 0.628] | 0.268 [0.224, 0.296] | 0.526 [0.517, 0.537] | 0.09 [0.08, 0.09] | 0.687, 0.689 |
# | | | erasing, a square of 8 × 8 | 0.616 [0.604, 0.646] | 0.322 [0.280, 0.354] | 0.616 [0.609, 0.626] | 0.13 [0.12, 0.14] | – |
# | | | mixup, shares from Beta(0.2, 0.2) | 0.602 [0.582, 0.632] | 0.333 [0.320, 0.356] | 0.579 [0.551, 0.601] | 0.11 [0.07, 0.14] | – |
#
# | digits | *offline*: test accuracy | 6 and 9 confused, of 73 | *quick*, MNIST | confused | *full*, MNIST | confused |
# |---|---|---|---|---|---|---|
# | no rotation | 0.970 [0.955, 0.981] | 0 | 0.849 [0.842, 0.858] | 0 | 0.862 | 0 |
# | up to 15° | 0.964 [0.950, 0.978] | 0 | 0.871 [0.866, 0.878] | 0 | 0.866 | 0 |
# | up to 180° | 0.847 [0.808, 0.897] | 6.2 [2, 13] | 0.576 [0.564, 0.600] | 9.7 [9, 10] | 0.562 | 14 |
#
# *Offline*: mean [lowest, highest] over seeds 1 to 5, 500 generated images, 20 epochs. *Quick*: seeds 1 to 3, 8,000 photographs of CIFAR-10, 10 epochs; the figures for erasing and mixup come from batches that are created anew in each epoch, which reach 0.603 [0.579, 0.623] with a gap of 0.16 without either. Both ran on two threads of a 64-bit processor without a GPU, with TensorFlow 2.21 and Keras 3.15. *Full*: seed 1, 40,000 photographs, 20 epochs, one NVIDIA H100, Keras 3.15 on JAX. MNIST: 1,000 training images. The report gives one run of each setting, with its own larger network.
#
# The generated shapes are already drawn with rotations of up to 28°. *Full* has five times as many images and twice as many epochs as *quick*.
#
# On four busy cores, layers in a `tf.data` pipeline produced 8,300 images per second and `ImageDataGenerator` 2,300, which is 3.5 times fewer.

# %% [markdown]
# ## Take-away
#
# Augmentation gives a network new images with old labels, in training only. It narrows the gap of a network that is trained on few images, and where its claim holds for the data it also raises the accuracy. Look at the images first: a transformation that changes the class teaches wrong labels, and a narrower gap does not reveal this. Units differ between libraries, fill modes differ in their defaults, and a slow pipeline keeps a fast network waiting.
#
# **Going further.** At test time, you can predict both an image and its mirror image and average the probabilities. When does that help, and what does it cost?
#
# **Reading.**
#
# * Krizhevsky, Sutskever and Hinton, 2012, *ImageNet Classification with Deep Convolutional Neural Networks*: shifts, mirror images and changes of color against overfitting, in the network that made convolutional networks popular.
# * Shorten and Khoshgoftaar, 2019, *A survey on Image Data Augmentation for Deep Learning*: an overview.
# * DeVries and Taylor, 2017, *Improved Regularization of Convolutional Neural Networks with Cutout*, and Zhong, Zheng, Kang, Li and Yang, 2020, *Random Erasing Data Augmentation*: section 6, measured on CIFAR-10 with far longer trainings.
# * Zhang, Cisse, Dauphin and Lopez-Paz, 2018, *mixup: Beyond Empirical Risk Minimization*.
# * Cubuk, Zoph, Shlens and Le, 2020, *RandAugment: Practical automated data augmentation with a reduced search space*: which transformations, and how strong, found by search.
