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
#
# If you design a network, you choose filter sizes and the number of pooling layers, and both cost parameters. Early networks had large filters: 11 × 11 and 5 × 5 in AlexNet (Krizhevsky, Sutskever and Hinton, 2012). Zeiler and Fergus (2014, *Visualizing and understanding convolutional networks*) looked at what such filters had learned and made the first ones smaller, and Simonyan and Zisserman (2015, *Very deep convolutional networks for large-scale image recognition*) kept 3 × 3 alone. This notebook shows how such a comparison is made, and how easily two changes at once lead to the wrong conclusion.

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

# %% [markdown] locked="net2-earlier-note"
# ### NET I, for comparison
#
# This notebook compares NET II with NET I throughout, the network that you built in *03 NET I*. The next cell builds it for you: CONV 3 × 3 × 32, POOL, CONV × 64, POOL, CONV × 64, POOL, FC 512, FC 10. So the notebook needs no other file, and everyone compares with the same network.

# %% locked="net2-earlier"
def build_net1():
    """Build NET I, as in 03 NET I, for CIFAR-10's images and classes. It is not compiled."""
    layers = keras.layers
    net = keras.Sequential([keras.Input((32, 32, 3))])
    for n in (32, 0, 64, 0, 64, 0):
        net.add(layers.Conv2D(n, 3, activation="relu") if n else layers.MaxPooling2D())
    for end in (layers.Flatten(), layers.Dense(512, "relu"), layers.Dense(10, "softmax")):
        net.add(end)
    return net

# %% [markdown]
# **Exercise (4 points).** Write `build_net2`. The filter size is an argument, because a later section builds NET II with filters of 3 × 3.

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

# %% tests="net2-architecture" points=4
with checks.exercise(
    "net2-architecture", hidden="every layer again, for other filters, image sizes and class counts"
):
    net = build_net2()
    begun = not isinstance(net, keras.Sequential) or net.built
    checks.that(begun, "Begin the network with keras.layers.Input(shape=input_shape).")
    checks.architecture(
        net,
        "conv 5x5x32 relu, conv 5x5x64 relu, pool 2, conv 5x5x64 relu, pool 2,"
        "flatten, dense 512 relu, dense 10 softmax",
        input_shape=(32, 32, 3),
    )
    checks.parameters(net, total=686_090, trainable=686_090, input_shape=(32, 32, 3))
    shape = getattr(net, "output_shape", (None, 10))
    checks.that(shape == (None, 10), f"build_net2().output_shape is {shape}; expected (None, 10).")
    image = np.full((1, 32, 32, 3), 0.5, np.float32)
    checks.shape(net(image), (1, 10), "What the network gives for one image")
    checks.close(net(image, training=True), net(image), "What the network gives while it trains")
    checks.made_anew(net, build_net2(), "build_net2")
    three = build_net2(3)
    for one in (net, three):
        penalty = "The network has a penalty on its weights, which NET II does not have."
        checks.that(not one.losses, penalty)
        compiles = "build_net2 compiles the network: leave that to the cells below."
        checks.that(not one.compiled, compiles)
    checks.made_anew(three, build_net2(3), "build_net2")
### BEGIN HIDDEN TESTS
from autograder import submission

layers = (
    "conv {0}x{0}x32 relu, conv {0}x{0}x64 relu, pool 2, conv {0}x{0}x64 relu, pool 2, flatten,"
    "dense 512 relu, dense {1} softmax"
)
for size, shape, classes, total in (
    (5, (32, 32, 3), 10, 686_090),
    (3, (28, 28, 1), 7, 879_047),
    (4, (40, 48, 3), 100, 2_216_196),
    (2, (16, 15, 2), 2, 223_138),
):
    asked = {"kernel_size": size, "input_shape": shape, "classes": classes}
    net = submission.build("build_net2", **asked, for_inputs=shape)
    case = f"For kernel_size={size}, input_shape={shape} and classes={classes}, "
    submission.checks.equal(tuple(net.input_shape[1:]), shape, case + "the size of the input")
    submission.checks.architecture(net, layers.format(size, classes), case=case.removesuffix(", "))
    submission.checks.parameters(net, total=total, trainable=total)
net = submission.build("build_net2", 3, for_inputs=(32, 32, 3))
submission.checks.architecture(net, layers.format(3, 10), case="For build_net2(3)")
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
# **Exercise (3 points).** Write `count_net2`. These formulas suffice; no network needs to be built.

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
    counts = checks.unchanged(count_net2)
    checks.that(counts is not None, "count_net2 returns None: return the dictionary.")
    # The numbers of model.summary(), above.
    wanted = {"conv1": 2_432, "conv2": 51_264, "conv3": 102_464, "fc1": 524_800, "fc2": 5_130}
    checks.equal(counts, wanted, "The dictionary of parameter counts")
    checks.unchanged(count_net2, 3)  # leaves the first dictionary as it is
### BEGIN HIDDEN TESTS
from autograder import submission

names = ("conv1", "conv2", "conv3", "fc1", "fc2")
for size, side, channels, classes, want in (
    (3, 32, 3, 10, [896, 18_496, 36_928, 1_180_160, 5_130]),
    (8, 32, 3, 10, [6_176, 131_136, 262_208, 33_280, 5_130]),
    (7, 40, 1, 100, [1_600, 100_416, 200_768, 524_800, 51_300]),
    (1, 28, 3, 7, [128, 2_112, 4_160, 1_606_144, 3_591]),
    (4, 36, 2, 10, [1_056, 32_832, 65_600, 1_180_160, 5_130]),
    (2, 35, 4, 2, [544, 8_256, 16_448, 1_606_144, 1_026]),
):
    got = submission.call("count_net2", size, side, channels, classes)
    submission.checks.that(isinstance(got, dict), "count_net2 does not return a dictionary.")
    for name, right in zip(names, want):
        submission.checks.that(name in got, f"What count_net2 returns lacks {name}.")
        submission.checks.equal(
            got[name],
            right,
            f"For filters of {size} × {size} on {side} × {side} × {channels} pixels and {classes} "
            f"classes, the number of parameters of {name}",
        )
got = submission.call("count_net2", classes=7, channels=1, size=28, kernel_size=3)
want = [320, 18_496, 36_928, 819_712, 3_591]
submission.checks.equal(got, dict(zip(names, want)), "The dictionary for arguments by name")
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
with checks.exercise("net2-train", hidden="images, labels and settings, and held-out accuracy"):
    from convcourse import watching

    # A small network and 200 images of noise: train really trains, but only for a second.
    layers = [keras.layers.Input((32, 32, 3)), keras.layers.AveragePooling2D(8)]
    layers += [keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    small = keras.Sequential(layers)
    pixels = np.random.default_rng(1).random((200, 32, 32, 3), dtype=np.float32)
    labels = np.random.default_rng(2).integers(0, 10, (200, 1))
    before = small.get_weights()
    with watching.watched(look=small.get_weights) as trainings:
        try:
            made = train(small, "a_small_net", pixels.copy(), labels.copy())
        except ValueError as error:
            checks.that("compile" not in str(error), "train does not compile: call model.compile.")
            alone = "compile takes 'accuracy' for weights of the losses: write metrics=['accuracy']."
            named = "dtype='string'" in str(error) or "loss_weights" in str(error)
            checks.that(not named, alone)
            sparse = "The labels are integers: use the loss sparse_categorical_crossentropy."
            checks.that("must have the same shape" not in str(error), sparse)
            reused = "Unknown variable" in str(error)
            checks.that(not reused, "An optimizer fits one network only: make it inside train.")
            raise
    one = watching.only(trainings, "train")
    watching.without(one, "train", "EarlyStopping")
    checks.that(one.model is small, "train trains another network than its argument model.")
    checks.that(one.name, "train calls model.fit: use training.fit, which keeps a checkpoint.")
    checks.equal(one.name, "a_small_net", "The name of the checkpoint, the second argument,")
    begun, ended = one.looks
    begins = all(map(np.array_equal, before, begun))
    checks.that(begins, "train changes the weights before the training: leave them as they are.")
    stays = any(map(np.array_equal, begun, ended))
    checks.that(not stays, "Some weights are the same after the training: train all layers.")
    ends = all(map(np.array_equal, ended, small.get_weights()))
    checks.that(ends, "train changes the weights after the training: leave those of training.fit.")
    watching.last_set_aside(one, pixels, labels, 0.2, "train")
    checks.equal(one.batch_size, 128, "batch_size")
    wanted = profile.epochs(20)
    epochs = one.epochs - one.initial_epoch
    checks.that(
        epochs == wanted,
        f"The number of epochs is {epochs}; expected {wanted}, which profile.epochs(20) "
        "gives under this profile: write epochs=profile.epochs(20).",
    )
    checks.that(made is not None, "train returns None: return what training.fit returns.")
    lists = getattr(made, "history", None)
    checks.that(isinstance(lists, dict), "train does not return what training.fit returns.")
    keys = ", ".join(lists)
    checks.that("val_accuracy" in lists, f"history has {keys}; the metrics lack accuracy.")
    chances, truth = small.predict(pixels[160:], verbose=0), labels[160:, 0]
    loss = -np.log(chances[np.arange(40), truth]).mean()
    what = "The last val_loss, which should be the sparse categorical cross-entropy,"
    checks.close(lists["val_loss"][-1], loss, what, rtol=1e-3)
    right = (chances.argmax(axis=1) == truth).mean()
    what = "The last val_accuracy, which should be the share of right answers,"
    checks.close(lists["val_accuracy"][-1], right, what, atol=0.01)
### BEGIN HIDDEN TESTS
from autograder import submission

keras, np, epochs = submission.keras, submission.np, submission.profile.epochs(20)
small = keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.AveragePooling2D(16)])
small.add(keras.layers.Flatten())
small.add(keras.layers.Dense(10, "softmax"))
rng = np.random.default_rng(5)
pixels, labels = rng.random((300, 32, 32, 3), dtype=np.float32), rng.integers(0, 10, (300, 1))
trained = submission.trainings("train", small, "another", pixels, labels)
one = submission.only(trained, "train")
optimizer = one.compiled["optimizer"]
default = " If you named none, Keras takes rmsprop." * (optimizer == "rmsprop")
submission.checks.that(
    optimizer == "adam", f"The optimizer is {optimizer}; expected adam.{default}"
)
wanted, loss = "sparse_categorical_crossentropy", one.compiled["loss"]
submission.checks.that(  # the visible check has judged a function of the student's own by its value
    loss in (wanted, "a function of your own"),
    f"The loss is {loss}; the labels are integers, so use {wanted}.",
)
submission.checks.that(
    not one.compiled["from_logits"],
    "The loss expects logits, but the network ends in softmax: leave from_logits out.",
)
submission.checks.equal(one.name, "another", "The name of the checkpoint")
submission.last_set_aside(one, pixels, labels, 0.2, "train")
submission.checks.equal(one.batch_size, 128, "batch_size")
submission.checks.equal(one.epochs - one.initial_epoch, epochs, "The number of epochs")
record = trained.result
submission.checks.that(isinstance(record, dict), "train returns no history of training.fit.")
for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
    submission.checks.that(key in record, f"The history that train returns lacks {key}.")
    submission.checks.equal(len(record[key]), epochs, f"The number of epochs in {key}")
network = submission.model("net2")
reached = submission.measured(lambda x, y: submission.accuracy(network, np.float32(x) / 255, y))
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

    model: a network that train has trained
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
with checks.exercise("net2-judge", hidden="all four entries for other networks and images"):
    # A small network whose scores are the first ten values of an image; it is right about three.
    small = keras.Sequential(
        [keras.layers.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    )
    small.set_weights([5 * np.eye(3072, 10), np.zeros(10)])
    small.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    try:  # in case your metric has another name
        small.compile_from_config(net2.get_compile_config())
    except Exception:
        pass
    small.run_eagerly = True  # quicker for a few images
    pixels = np.random.default_rng(1).random((7, 32, 32, 3), dtype=np.float32)
    chances = small.predict(pixels, verbose=0)
    labels = chances.argmax(axis=1)[:, None]
    label = int(labels[0, 0])
    labels[:4] = 9 - labels[:4]
    given = pixels.copy(), labels.copy()
    try:
        verdict = judge(small, *given)
    except Exception as error:
        batch = "A network takes a batch: pass x[:1], of shape (1, 32, 32, 3), not x[0]."
        checks.that("shape (32, 32, 3)" not in str(error), batch)
        one = "int takes one number, such as y[0, 0], not an array of shape (1,), such as y[0]."
        checks.that("only 0-dimensional arrays" not in str(error), one)
        raise
    kept = np.array_equal(small.get_weights()[0], 5 * np.eye(3072, 10))
    checks.that(kept, "judge trains the network on the test images: use model.evaluate.")
    for name, now, before in zip("xy", given, (pixels, labels)):
        same = np.array_equal(now, before)
        checks.that(same, f"judge changes its argument {name}: work on a copy.")
    checks.that(verdict is not None, "judge returns None: return the dictionary.")
    checks.that(isinstance(verdict, dict), "judge does not return a dictionary.")
    keys = sorted(map(str, verdict))
    wanted = ["accuracy", "first_label", "first_right", "loss"]
    checks.that(keys == wanted, f"The keys are {keys}; expected {wanted}.")
    what = "The accuracy for three right answers out of seven"
    checks.close(verdict["accuracy"], 3 / 7, what, atol=0.006)
    loss = -np.log(chances[np.arange(7), labels.ravel()]).mean()
    checks.close(verdict["loss"], loss, "The loss on these seven images", rtol=5e-3)
    guess = verdict["first_label"]
    checks.equal(guess, label, "The label that the network predicts for x[0]")
    whole = checks.as_array(guess, "first_label").dtype.kind in "iu"
    checks.that(whole, f"first_label is {guess!r}; expected an integer, such as int(np.argmax(...)).")
    told = f"first_right is {verdict['first_right']!r}; expected True or False."
    checks.that(verdict["first_right"] is not None, told)
    first = checks.as_array(verdict["first_right"], "first_right")
    checks.that(first.size == 1 and first.dtype.kind == "b", told)
    wrong = f"The network predicts {label} for x[0], whose class is {9 - label}: that is not right."
    checks.that(not first.any(), wrong)
    last = judge(small, pixels[6:], labels[6:])
    anew = "A second call of judge changes what the first one returned: make a new dictionary."
    checks.that(last is not verdict, anew)
### BEGIN HIDDEN TESTS
from autograder import submission

keras, np = submission.keras, submission.np
small = keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.Flatten()])
small.add(keras.layers.Dense(10, "softmax"))
small.set_weights([4 * np.eye(3072, 10, -7), np.zeros(10)])
# Twelve classes, images of another size, and a layer that computes something else in training.
other = keras.Sequential([keras.layers.Input((6, 5, 2)), keras.layers.Flatten()])
other.add(keras.layers.BatchNormalization())
other.add(keras.layers.Dense(12, "softmax"))
other.layers[-1].set_weights([4 * np.eye(60, 12, -7), np.zeros(12)])
metrics = [["accuracy"], ["sparse_categorical_accuracy"], ["acc"]]
try:  # the student's networks may report more than one metric
    metrics.append(submission.compiled("net2")["metrics"])
except submission.checks.CheckFailed:
    pass


def judged(net, x, y):
    """The answer of judge for a network that reports what it reads."""
    failures = []
    for names in metrics:
        net.compile("adam", "sparse_categorical_crossentropy", metrics=names, run_eagerly=True)
        try:
            return submission.call("judge", net, x, y)
        except submission.checks.StudentError as failure:
            failures.append(failure)
    raise failures[0]


for count, right, net in ((50, 20, small), (5, 0, other), (1_050, 420, small)):
    x = np.random.default_rng(count).random((count, *net.input_shape[1:]), dtype=np.float32)
    if net is other:
        x.reshape(count, -1)[0, 17] = 3  # for class 10
    chances = submission.predict(net, x)
    predicted = chances.argmax(axis=1)
    y = predicted.copy()
    y[right:] = 9 - y[right:] if net is small else (y[right:] + 1) % 12
    verdict = judged(net, x, y[:, None])
    submission.checks.that(isinstance(verdict, dict), "judge does not return a dictionary.")
    for key in ("loss", "accuracy", "first_label", "first_right"):
        submission.checks.that(key in verdict, f"What judge returns lacks {key}.")
    accuracy, loss = verdict["accuracy"], submission.checks.as_array(verdict["loss"], "The loss")
    what = "The accuracy of another network"
    submission.checks.close(accuracy, right / count, what, atol=0.006)
    submission.checks.that(
        loss.shape == () and submission.is_cross_entropy(loss, chances, y),
        "The loss of another network is not its cross-entropy on x and y.",
    )
    label, first = int(predicted[0]), submission.checks.as_array(verdict["first_right"], "first_right")
    submission.checks.equal(verdict["first_label"], label, "The first_label of another network")
    submission.checks.that(
        first.size == 1 and bool(first.all()) == (y[0] == label),
        "first_right does not say whether another network is right about x[0].",
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
    gaps = checks.unchanged(gap_curve, record)
    checks.close(gaps, np.array([-0.1, 0.0, 0.2]), "The gap curve")
    record = {"accuracy": [0.2, 0.5, 0.5, 0.7], "val_accuracy": [0.3, 0.4, 0.6, 0.5]}
    gaps = checks.unchanged(gap_curve, record)  # leaves the first gaps as they are
    checks.close(gaps, np.array([-0.1, 0.1, -0.1, 0.2]), "The gap curve of four epochs")
### BEGIN HIDDEN TESTS
from autograder import submission

np = submission.np
for epochs in (4, 1, 30):
    rng = np.random.default_rng(epochs)
    rising, flat = rng.random(epochs), rng.random(epochs)
    rising[2::4] = rising[0]  # two epochs may have the same accuracy
    flat[1::3] = rising[1::3] - 4e-4  # a small gap is one, too
    record = {
        "loss": list(rng.random(epochs)),
        "accuracy": rising.tolist(),
        "val_loss": list(rng.random(epochs)),
        "val_accuracy": flat.tolist(),
    }
    got = submission.call("gap_curve", record)
    submission.checks.close(got, rising - flat, f"The gap curve of a history of length {epochs}", atol=1e-6)
submission.unchanged("gap_curve", record)
### END HIDDEN TESTS

# %%
hints.show("net2-gap")

# %% [markdown]
# The gap jumps up and down from one epoch to the next. So that no single epoch decides, the gap *of a training run* is the mean over its last epochs.
#
# **Exercise (2 points).** Write `summarise`. Use the rule of `overfit_epoch` from *03 NET I*: the answer is the epoch with the lowest validation loss, counted from 1. If several epochs share the lowest value, take the first, also if the last epoch is among them. If the last epoch alone has it, the answer is `None`.

# %% solution="net2-summary-answer"
def summarise(history, last=3):
    """Summarize a training run in three figures.

    history: a dictionary of four lists; last: number of final epochs to average the gap over
    Returns a dictionary: gap (float, the mean gap of the last epochs), best_val_accuracy (float,
    the highest of all epochs), overfit_epoch (integer, counted from 1, or None if no epoch before
    the last one has the lowest validation loss).

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
    summary = checks.unchanged(summarise, record)
    checks.that(summary is not None, "summarise returns None: return the dictionary.")
    checks.that(isinstance(summary, dict), "summarise does not return a dictionary.")
    keys, wanted = sorted(map(str, summary)), ["best_val_accuracy", "gap", "overfit_epoch"]
    checks.that(keys == wanted, f"The keys are {keys}; expected {wanted}.")
    checks.close(summary["gap"], 0.5 / 3, "The gap over the last three epochs")
    checks.close(summary["best_val_accuracy"], 0.6, "The best validation accuracy")
    checks.equal(summary["overfit_epoch"], 2, "The epoch at which overfitting begins")
    record |= {"val_loss": [1.5, 1.2, 1.3, 1.2], "val_accuracy": [0.3, 0.5, 0.6, 0.7]}
    level = checks.unchanged(summarise, record).get("overfit_epoch")
    checks.that(
        np.ndim(level) == 0 and level == 2,
        f"For the validation losses 1.5, 1.2, 1.3, 1.2, overfit_epoch is {level}; expected 2, the "
        "first epoch that has the lowest value.",
    )
### BEGIN HIDDEN TESTS
from autograder import submission

cases = (
    ("whose validation loss falls to the end", [1.5, 1.2, 1.1, 1.0], [0.3, 0.5, 0.4, 0.6], 3, None),
    ("with two equal lowest losses", [1.0, 0.9, 0.9, 1.1], [0.5, 0.7, 0.6, 0.6], 2, 2),
    ("whose last loss equals the lowest one", [1.2, 0.9, 1.0, 0.9], [0.6, 0.9, 0.9, 0.95], 2, 2),
    ("whose validation loss only rises", [1.0, 1.2, 1.4, 1.5], [0.8, 0.6, 0.5, 0.4], 1, 1),
    ("with three equal lowest losses", [1.2, 0.9, 0.9, 1.0, 0.9], [0.6, 0.7, 0.8, 0.8, 0.9], 2, 2),
    ("whose loss rises once before it falls to the end", [1.5, 1.2, 1.3, 1.1, 1.0], [0.3, 0.5, 0.4, 0.6, 0.6], 3, None),
    ("whose validation loss is high throughout", [14.5, 13.25, 12.5, 13.0], [0.1, 0.15, 0.2, 0.15], 2, 3),
    ("of a single epoch", [1.3], [0.4], 1, None),
    ("averaged over all epochs", [1.3, 1.0, 1.2, 1.1], [0.1, 0.2, 0.3, 0.2], 4, 2),
    ("most accurate in its first epoch", [1.3, 1.0, 1.2, 1.1], [0.6, 0.2, 0.3, 0.2], 2, 2),
    ("whose two lowest losses differ by 0.0001", [1.3, 1.0001, 1.0, 1.1], [0.1, 0.2, 0.3, 0.2], 2, 3),
    (
        "whose loss rises for twelve epochs before its lowest value",
        [1.0, *[1.1 + k / 50 for k in range(12)], 0.9, 1.2],
        [0.2, 0.3, *[0.4 + k / 100 for k in range(12)], 0.5],
        2,
        14,
    ),
    ("of six epochs", [1.9, 1.3, 1.4, 1.2, 0.9, 1.1], [0.2, 0.3, 0.5, 0.9, 0.4, 0.9], 3, 5),
    ("whose last loss is not the lowest of six", [1.9, 1.3, 1.4, 0.9, 1.2, 1.1], [0.2, 0.3, 0.5, 0.90625, 0.4, 0.9], 3, 4),
)
for what, val_loss, val_accuracy, last, epoch in cases:
    steps = range(len(val_loss))
    rising = [0.35, 0.5, 0.8, 0.85, 0.87, 0.88, *(0.9 + k / 200 for k in steps)][: len(steps)]
    record = {
        "loss": [1.5, 1.0, 0.6, 0.4, 0.3, 0.2, *(0.19 - k / 200 for k in steps)][: len(steps)],
        "accuracy": rising,
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
    }
    got = submission.call("summarise", record, last=last)
    submission.checks.that(isinstance(got, dict), "summarise does not return a dictionary.")
    for key in ("gap", "best_val_accuracy", "overfit_epoch"):
        submission.checks.that(key in got, f"What summarise returns lacks {key}.")
    gap = sum(a - v for a, v in zip(rising[-last:], val_accuracy[-last:])) / last
    case = f"For a history {what} and last={last}, "
    submission.checks.close(got["gap"], gap, case + "the gap")
    best = max(val_accuracy)
    submission.checks.close(got["best_val_accuracy"], best, case + "the best validation accuracy")
    found = got["overfit_epoch"]
    submission.checks.that(
        submission.np.ndim(found) == 0 and (found is None) == (epoch is None) and found == epoch,
        case + "the epoch at which overfitting begins is wrong.",
    )
three = submission.call("summarise", record)["gap"]
submission.checks.close(three, gap, "Without last, the gap over the last three epochs")
steps = [k / 100 for k in range(40)]
record = {"accuracy": [s * s for s in steps], "val_accuracy": steps, "loss": steps, "val_loss": steps}
three = submission.call("summarise", record)["gap"]
gap = sum(s * s - s for s in steps[-3:]) / 3
submission.checks.close(three, gap, "Without last, the gap of 40 epochs, over the last three,")
submission.unchanged("summarise", record, 2)
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
# **What do you see?** (2 points) Compare NET II with NET I: describe how accuracy and loss develop, and how far apart the training and the validation curves are. Give the gaps as numbers. Does either network overfit in these epochs? If `overfit_epoch` gives an epoch, name it. If it gives `None`, say what you would expect with more epochs, and from which of your figures.
#
# ### BEGIN SOLUTION
# *Rubric.* One point for the shape of the curves: in the same number of epochs, NET II reaches the higher training accuracy and the lower training loss. Its validation loss is lowest at an earlier epoch or flattens earlier; if `overfit_epoch` is None, the validation loss still falls, and the answer says so instead of naming an epoch. One point for the distance between the curves: the gap of NET II is the wider one, with both numbers from the summary, and the remark that it overfits more (or, if the networks trained for only a few epochs, that both gaps are still small and growing, which is what announces overfitting).
#
# *Under full, one training run each (NVIDIA H100, Keras 3.15 on JAX):* the validation loss of NET II is lowest after epoch 6, at 0.883, and is 1.906 at the end; that of NET I is lowest after epoch 13, at 0.864, and is 0.994 at the end. NET II is about as good as NET I in the middle of its training, and the worse network at the end. *Under offline,* `overfit_epoch` is mostly None for both.
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
# *Rubric.* One point for the pairs: NET I and NET II with 3 × 3 differ only in the pooling, and the gap widens with one pooling layer fewer; NET II with 3 × 3 and with 5 × 5 differ only in the filters, and the gap does not widen with the larger filters (on the generated images, it narrows). One point for the conclusion: the summary is not fair. The extra parameters are in the first FC layer because a pooling layer is missing, and with 3 × 3 filters that layer is larger still (1,180,160 parameters). With five seeds under *offline*, one pooling layer fewer nearly doubles the gap, far beyond the spread, and larger filters narrow it and raise the validation accuracy, which fits the large shapes of the generated images; the photographs show the same order of gaps. An equally careful statement that fits the student's own figures also earns the point, for example that a single training run of each network does not settle a difference of one or two points.
# ### END SOLUTION

# %% [markdown]
# Two filters of 3 × 3 in a row also see 5 × 5 pixels, with $2 \cdot 9 \cdot C^2 = 18\,C^2$ weights instead of $25\,C^2$ and with a ReLU in between. This is the better argument for small filters (Simonyan and Zisserman, 2015), and NET III follows it. Szegedy, Vanhoucke, Ioffe, Shlens and Wojna (2016, *Rethinking the Inception architecture for computer vision*) take filters apart further, into 3 × 1 and 1 × 3.

# %% [markdown]
# ## What others got
#
# | where, images, epochs | gap, NET I | gap, NET II | best validation accuracy, NET I | NET II | test accuracy, NET I | NET II |
# |---|---|---|---|---|---|---|
# | the exercise sheet, 50,000, 20 | not given | not given | not given | not given | not given | not given |
# | *offline*, generated, 1,500, 8 | 0.044 [0.012, 0.084] | 0.101 [0.090, 0.118] | 0.569 [0.540, 0.610] | 0.680 [0.637, 0.717] | 0.600 [0.567, 0.613] | 0.684 [0.606, 0.720] |
# | *quick*, CIFAR-10, 10,000, 10 | 0.047 [0.029, 0.069] | 0.131 [0.113, 0.142] | 0.536 [0.513, 0.549] | 0.537 [0.527, 0.543] | 0.538 [0.525, 0.547] | 0.520 [0.509, 0.529] |
# | *full*, CIFAR-10, 50,000, 20, seed 1 | 0.170 | 0.287 | 0.725 | 0.706 | 0.703 | 0.687 |
#
# | 300 images, 12 epochs, *offline* | gap | best validation accuracy | lowest validation loss after epoch |
# |---|---|---|---|
# | NET I (3 × 3, three poolings) | 0.210 [0.162, 0.271] | 0.516 [0.498, 0.528] | 10 to 12, the last |
# | NET II with 3 × 3 (two poolings) | 0.400 [0.371, 0.436] | 0.506 [0.496, 0.524] | 5 to 7 |
# | NET II (5 × 5, two poolings) | 0.339 [0.278, 0.382] | 0.558 [0.534, 0.576] | 5 to 11 |
# | NET I, CIFAR-10 | 0.210 [0.164, 0.277] | 0.285 [0.258, 0.324] | 8 to 12 |
# | NET II with 3 × 3, CIFAR-10 | 0.501 [0.454, 0.546] | 0.326 [0.268, 0.360] | 6 to 10 |
# | NET II, CIFAR-10 | 0.320 [0.293, 0.354] | 0.280 [0.268, 0.296] | 5 to 7 |
#
# The figures of *offline* are means over seeds 1 to 5 and those of *quick* and of the lower table's photographs over seeds 1 to 3, with the lowest and the highest value in brackets. Those of *offline* and *quick* were measured on a 64-bit processor without a GPU, with TensorFlow 2.21 and Keras 3.15; those of *full* on one NVIDIA H100, with Keras 3.15 on JAX, where an epoch of NET II takes 0.6 s. Under *full*, the gap is that of the last epoch alone.

# %% [markdown]
# ## Take-away
#
# NET II has three and a half times as many parameters as NET I, and nearly all of the difference is in one FC layer, because a pooling layer is missing. The gap between the training and the validation curves turns "it overfits" into a number by which networks can be compared. Two changes at once explain nothing: to separate them, you need a third network that shares one change with each of the others.
#
# **To read on.** Springenberg, Dosovitskiy, Brox and Riedmiller (2015, *Striving for simplicity: the all convolutional net*) replace pooling by strides on CIFAR-10. Zhang, Bengio, Hardt, Recht and Vinyals (2017, *Understanding deep learning requires rethinking generalization*) show that such networks can memorize random labels, so that a number of parameters alone does not tell whether a network overfits.
#
# **Going further.** A convolution with a stride of 2 halves the image as a pooling layer does, and it learns how to do so. If the second convolution of NET II had a stride of 2, would NET II lose its extra parameters and its gap?
