# %% [markdown]
# # NET I: a first convolutional network
#
# **90 minutes, 20 points.** Builds on *01 data loading* (what the images are) and *02 convolution* (what one layer computes).
#
# In this assignment you
#
# * **build** NET I, eight layers that turn an image into ten probabilities,
# * **compile** and **train** it, after two cheap tests that catch most mistakes,
# * **evaluate** it on images that it has not seen, and **predict** the class of one of them,
# * **read** its learning curves, and **find** the epoch at which overfitting begins.
#
# NET I is small, but its plan is the usual one: convolutions look for patterns, pooling makes the image smaller, and fully connected layers decide. LeNet-5 read handwritten digits that way (LeCun, Bottou, Bengio and Haffner, 1998, *Gradient-based learning applied to document recognition*), and AlexNet classified photographs (Krizhevsky, Sutskever and Hinton, 2012, *ImageNet classification with deep convolutional neural networks*). All later assignments change one thing about such a network and measure what the change does. The measurement is the difficult part: you need a network that trains, images that it has not seen, and curves that you can read. Here you prepare all three.

# %% [markdown] locked="net1-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="net1-setup"
# build writes the set-up cell here.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from convcourse import data, plots, profile, training

keras.utils.set_random_seed(1)

# %% [markdown]
# ## The images
#
# CIFAR-10 (Krizhevsky, 2009, *Learning multiple layers of features from tiny images*) has 50,000 training images and 10,000 test images. Each image has 32 × 32 pixels in three colors and belongs to one of ten classes, which are equally large. `data.load` prints which images are in use, and `scaled()` converts their pixels from integers between 0 and 255 to `float32` values between 0 and 1.

# %%
images = data.load("cifar10")
scaled = images.scaled()
x_train, y_train = scaled.x_train, scaled.y_train
x_test, y_test = scaled.x_test, scaled.y_test
print(x_train.shape, x_train.dtype, y_train.shape, "in", len(images.class_names), "classes")

# %%
plots.contact_sheet(images.x_train[:20], images.y_train[:20], images.class_names)
plt.show()

# %% [markdown]
# ## 1. The network
#
# NET I alternates convolution and pooling, then ends in two fully connected (FC) layers:
#
# $$\text{CONV} - \text{POOL} - \text{CONV} - \text{POOL} - \text{CONV} - \text{POOL} - \text{FC} - \text{FC}$$
#
# | layer | what it has | output |
# |---|---|---|
# | input | – | 32 × 32 × 3 |
# | convolution | 32 filters of 3 × 3, ReLU | 30 × 30 × 32 |
# | max pooling | 2 × 2, stride 2 | 15 × 15 × 32 |
# | convolution | 64 filters of 3 × 3, ReLU | 13 × 13 × 64 |
# | max pooling | 2 × 2, stride 2 | 6 × 6 × 64 |
# | convolution | 64 filters of 3 × 3, ReLU | 4 × 4 × 64 |
# | max pooling | 2 × 2, stride 2 | 2 × 2 × 64 |
# | fully connected | 512 units, ReLU | 512 |
# | fully connected | one unit for each class, softmax | 10 |
#
# No layer uses padding, and every convolution has stride 1. A filter that is $F$ pixels wide therefore turns an image that is $N$ pixels wide into one that is $N - F + 1$ pixels wide: 32 becomes 30. Pooling halves the width and drops the remainder: 13 becomes 6. Between the last pooling layer and the first FC layer, the 2 × 2 × 64 values are *flattened* into a vector of 256.
#
# The softmax of the last layer turns ten scores $z_k$ into probabilities, which are positive and sum to one:
#
# $$p_k = \frac{e^{z_k}}{\sum_{j=1}^{10} e^{z_j}}$$
#
# **Predict.** Which layer has the most parameters: the first convolution, the last convolution, or the first FC layer? Write down your guess before you run the summary below.

# %% [markdown]
# **Exercise (4 points).** Write `build_net1`. Begin the network with `keras.layers.Input(shape=input_shape)`, so that Keras knows the shape of every layer right away.

# %% solution="net1-build"
def build_net1(input_shape=(32, 32, 3), classes=10):
    """Build NET I without compiling it.

    input_shape: (height, width, channels) of one image
    classes: number of units in the last layer
    Returns a keras.Model that maps (N, height, width, channels) to (N, classes).

    Example: build_net1().output_shape is (None, 10).
    """
    ### BEGIN SOLUTION
    return keras.Sequential(
        [
            keras.layers.Input(shape=input_shape),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(2, strides=2),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(2, strides=2),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(2, strides=2),
            keras.layers.Flatten(),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    ### END SOLUTION

# %% tests="net1-architecture" points=4
with checks.exercise(
    "net1-architecture", hidden="every layer again, for other image sizes and class counts"
):
    net = build_net1()
    begun = not isinstance(net, keras.Sequential) or net.built
    checks.that(begun, "Begin the network with keras.layers.Input(shape=input_shape).")
    checks.architecture(
        net,
        "conv 3x3x32 relu, pool 2, conv 3x3x64 relu, pool 2, conv 3x3x64 relu, pool 2,"
        "flatten, dense 512 relu, dense 10 softmax",
        input_shape=(32, 32, 3),
    )
    checks.parameters(net, total=193_034, trainable=193_034, input_shape=(32, 32, 3))
    checks.that(not net.losses, "The network has a penalty on its weights, which NET I does not have.")
    checks.that(not net.compiled, "build_net1 compiles the network: leave that to the cells below.")
    image = np.full((1, 32, 32, 3), 0.5, np.float32)
    checks.shape(net(image), (1, 10), "What the network gives for one image")
    checks.close(net(image, training=True), net(image), "What the network gives while it trains")
    checks.made_anew(net, build_net1(), "build_net1")
### BEGIN HIDDEN TESTS
from autograder import submission

layers = (
    "conv 3x3x32 relu, pool 2, conv 3x3x64 relu, pool 2, conv 3x3x64 relu, pool 2, flatten,"
    "dense 512 relu, dense {} softmax"
)
for shape, classes, total in (
    ((32, 32, 3), 10, 193_034),
    ((28, 28, 1), 7, 92_615),
    ((40, 48, 3), 100, 501_348),
    ((22, 37, 2), 2, 123_106),
):
    net = submission.build("build_net1", input_shape=shape, classes=classes, for_inputs=shape)
    case = f"For input_shape={shape} and classes={classes}, "
    other = "the network takes images of another size: use input_shape, all of it."
    submission.checks.that(tuple(net.input_shape[1:]) == shape, case + other)
    units = "the last layer does not have `classes` units."
    submission.checks.that(tuple(net.output_shape) == (None, classes), case + units)
    submission.checks.architecture(net, layers.format(classes), case=case.removesuffix(", "))
    submission.checks.parameters(net, total=total)
### END HIDDEN TESTS

# %%
hints.show("net1-architecture")

# %%
build_net1().summary()

# %% [markdown]
# The first FC layer holds two thirds of all parameters: each of its 512 units is connected to all 256 values, while a convolution reuses the same few weights at every position in the image. *04 parameter counting* works out the numbers.

# %% [markdown]
# ## 2. Loss and optimizer
#
# Training needs a number to minimize, the *loss*. For an image of class $y$, the *cross-entropy* loss is $-\log p_y$: it is 0 when the network is certain and right, and large when it is certain and wrong. Our labels are integers, so Keras calls this loss `sparse_categorical_crossentropy`; without *sparse*, Keras would expect a row of ten zeros and ones for each image. The optimizer, *Adam* (Kingma and Ba, 2015, *Adam: A method for stochastic optimization*), takes steps downhill and adapts their size to each weight. The *accuracy*, the share of images whose most probable class is the right one, is reported beside the loss; it is not minimized.
#
# **Predict.** An untrained network knows nothing and gives every class a probability of about one tenth. What is its loss?

# %% [markdown]
# **Exercise (2 points).** Write `compile_net1`.

# %% solution="net1-compile-answer"
def compile_net1(model):
    """Compile with Adam, sparse categorical cross-entropy, and accuracy as a metric.

    model: a keras.Model that ends in softmax; it is compiled in place
    Returns the same model, not a copy.

    Example: net1 = compile_net1(build_net1())
    """
    ### BEGIN SOLUTION
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
    ### END SOLUTION

# %%
net1 = compile_net1(build_net1())

# %% tests="net1-compile" points=2
with checks.exercise("net1-compile", hidden="the optimizer, the loss and the metrics by name"):
    # A small network whose scores are the first ten values of an image; it is right about two.
    small = keras.Sequential(
        [keras.layers.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    )
    small.set_weights([5 * np.eye(3072, 10), np.zeros(10)])
    try:
        returned = compile_net1(small)
    except ValueError as error:
        alone = "compile takes 'accuracy' for weights of the losses: write metrics=['accuracy']."
        checks.that("loss_weights" not in str(error), alone)
        raise
    checks.that(returned is not None, "compile_net1 returns None: end it with `return model`.")
    checks.that(returned is small, "compile_net1 returns another network than it was given.")
    checks.that(small.compiled, "The network is not compiled: call model.compile in compile_net1.")
    kept = np.array_equal(small.get_weights()[0], 5 * np.eye(3072, 10))
    checks.that(kept, "compile_net1 changes the network's weights: leave them as they are.")
    every = all(layer.trainable for layer in [small, *small.layers])
    checks.that(every, "compile_net1 freezes layers: leave trainable as it is.")
    other = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(10, "softmax")])
    own = compile_net1(other).optimizer is not small.optimizer
    checks.that(own, "compile_net1 gives two networks the same optimizer: make it in the function.")
    small.run_eagerly = True  # quicker for a few images
    pixels = np.random.default_rng(1).random((6, 32, 32, 3), dtype=np.float32)
    chances = small.predict(pixels, verbose=0)
    labels = chances.argmax(axis=1)[:, None]
    labels[2:] = 9 - labels[2:]
    try:
        figures = training.first_figures(small, pixels, labels)
    except Exception:
        raise checks.Wrong(
            "Keras cannot compute this loss or metric for integer labels: use the loss "
            "sparse_categorical_crossentropy, and write metrics=['accuracy'], with metrics= in front."
        ) from None
    wanted = -np.log(chances[np.arange(6), labels.ravel()]).mean()
    checks.close(
        figures.pop("loss"), wanted, "For integer labels, the loss of your setting", rtol=1e-3
    )
    checks.that(figures, "The network reports no metric: expected loss and accuracy.")
    checks.that(
        np.isclose(list(figures.values()), 2 / 6, atol=1e-3).any(),
        f"For two right answers out of six, the metrics are {figures}; expected an accuracy of "
        "0.333: use metrics=['accuracy'].",
    )
### BEGIN HIDDEN TESTS
from autograder import submission

keras = submission.keras
small = keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.Flatten()])
small.add(keras.layers.Dense(10, "softmax"))
settings = submission.compiled("compile_net1", small)
optimizer = settings["optimizer"]
default = " If you named none, Keras takes rmsprop." * (optimizer == "rmsprop")
submission.checks.that(
    optimizer == "adam", f"The optimizer is {optimizer}; expected adam.{default}"
)
wanted, loss = "sparse_categorical_crossentropy", settings["loss"]
submission.checks.that(  # the visible check has judged a function of the student's own by its value
    loss in (wanted, "a function of your own"),
    f"The loss is {loss}; the labels are integers, so use {wanted}.",
)
submission.checks.that(
    not settings["from_logits"],
    "The loss expects logits, but the network ends in softmax: leave from_logits out.",
)
# The visible check has judged a metric of the student's own by its value.
known = {"accuracy", "acc", "sparse_categorical_accuracy", "a function of your own"}
submission.checks.that(
    known & set(settings["metrics"]), "The metrics lack accuracy: use metrics=['accuracy']."
)
### END HIDDEN TESTS

# %%
hints.show("net1-compile")

# %% [markdown]
# ## 3. Two cheap tests before the long run
#
# Do not train for minutes only to find a typo. Two tests take seconds and catch most mistakes.
#
# 1. **The first loss.** With ten classes, the loss of an untrained network is close to $-\log \frac{1}{10} = \log 10 \approx 2.303$. A value far from that points to a mistake in the last layer, the loss or the labels.
# 2. **A hundred images.** A network of this size can memorize 100 images. If it cannot, it will not learn 40,000 either.

# %%
print(f"first loss {training.first_loss(net1, x_train, y_train):.3f}, log(10) is {np.log(10):.3f}")

# %%
learnt = training.overfits(compile_net1(build_net1()), x_train, y_train, images=100)
print(f"accuracy on the 100 images that it trained on: {learnt:.2f}")

# %% [markdown]
# ## 4. Training
#
# In one *epoch*, the network sees every training image once. The images come in *batches* of 128, and Adam takes one step after each batch. The last 20% of the training images are set aside before anything is shuffled; they are the *validation data*. The network never trains on them. After every epoch, their loss and accuracy show how well the network does on images that it does not know.
#
# `training.fit(model, name, x, y, ...)` passes its settings on to `model.fit` and saves a checkpoint under that name. If you run the notebook again, it loads the trained network instead of training a new one. `model.fit` with the same settings trains as well, but you wait for it each time.
#
# **Predict.** After 20 epochs, which accuracy is higher: the one on the training images or the one on the validation data? By how much?

# %% [markdown]
# **Exercise (3 points).** Write `train_net1`. It sets aside the last 20% of the images as validation data and trains on the others in batches of 128 for 20 epochs. The checkpoint has the name `"net1"`. Write the number of epochs as `profile.epochs(20)`; on a machine with little computing power, it returns a smaller number and prints a message.

# %% solution="net1-train-answer"
def train_net1(model, x, y):
    """Train NET I under the name "net1".

    model: the compiled network
    x: (N, 32, 32, 3) float32 from 0 to 1; y: (N, 1) integers from 0 to 9
    Returns what training.fit returns; its .history holds four lists with one value per epoch:
    loss, accuracy, val_loss, val_accuracy.
    """
    ### BEGIN SOLUTION
    return training.fit(
        model,
        "net1",
        x,
        y,
        validation_split=0.2,
        batch_size=128,
        epochs=profile.epochs(20),
    )
    ### END SOLUTION

# %%
history = train_net1(net1, x_train, y_train)

# %% tests="net1-train" points=3
with checks.exercise(
    "net1-train", hidden="images, labels and settings again, and the accuracy on held-out images"
):
    from convcourse import watching

    # A small network and 200 images of noise: train_net1 really trains, but only for a second.
    layers = [keras.layers.Input((32, 32, 3)), keras.layers.AveragePooling2D(8)]
    layers += [keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    small = keras.Sequential(layers)
    small.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    pixels = np.random.default_rng(1).random((200, 32, 32, 3), dtype=np.float32)
    labels = np.random.default_rng(2).integers(0, 10, (200, 1))
    with watching.watched() as trainings:
        made = train_net1(small, pixels.copy(), labels.copy())
    one = watching.only(trainings, "train_net1")
    watching.without(one, "train_net1", "EarlyStopping")
    checks.that(one.model is small, "train_net1 trains another network than its argument model.")
    checks.that(one.name in (None, "net1"), f"The name is {one.name!r}; expected 'net1'.")
    watching.last_set_aside(one, pixels, labels, 0.2, "train_net1")
    checks.equal(one.batch_size, 128, "batch_size")
    wanted = profile.epochs(20)
    checks.that(
        one.epochs == wanted,
        f"The number of epochs is {one.epochs}; expected {wanted}, which profile.epochs(20) "
        "gives under this profile: write epochs=profile.epochs(20).",
    )
    checks.that(made is not None, "train_net1 returns None: return what training.fit returns.")
    lists = getattr(made, "history", None)
    checks.that(isinstance(lists, dict), "train_net1 does not return what training.fit returns.")
    every = all(len(values) == one.epochs for values in lists.values())
    each = "The history does not have one value per epoch: leave initial_epoch and validation_freq out."
    checks.that(every, each)
### BEGIN HIDDEN TESTS
from autograder import submission

keras, np, epochs = submission.keras, submission.np, submission.profile.epochs(20)
small = keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.AveragePooling2D(16)])
small.add(keras.layers.Flatten())
small.add(keras.layers.Dense(10, "softmax"))
small.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
rng = np.random.default_rng(5)
pixels, labels = rng.random((300, 32, 32, 3), dtype=np.float32), rng.integers(0, 10, (300, 1))
trained = submission.trainings("train_net1", small, pixels, labels)
one = submission.only(trained, "train_net1")
submission.last_set_aside(one, pixels, labels, 0.2, "train_net1")
submission.checks.equal(one.batch_size, 128, "batch_size")
submission.checks.equal(one.epochs - one.initial_epoch, epochs, "The number of epochs")
settings = one.compiled["optimizer"], one.compiled["loss"]
rate = one.compiled["learning_rate"] or 0
same = settings == ("adam", "sparse_categorical_crossentropy") and abs(rate - 0.001) < 1e-6
submission.checks.that(
    same and any("acc" in name for name in one.compiled["metrics"]),
    "train_net1 compiles the network with other settings, or changes its learning rate: leave "
    "the network's optimizer, loss and metrics as they are.",
)
for record, what in ((trained.result, "What train_net1 returns"), (None, "history")):
    record = submission.value("history") if record is None else record
    submission.checks.that(isinstance(record, dict), f"{what} is not what training.fit returns.")
    accuracies = [key for key in record if key.startswith("val_") and "acc" in key]
    for key in ("loss", "val_loss", *(accuracies or ["val_accuracy"])):
        submission.checks.that(key in record, f"{what} lacks {key}.")
        submission.checks.equal(len(record[key]), epochs, f"{what}: the number of epochs in {key}")
network = submission.model("net1")
reached = submission.measured(lambda x, y: submission.accuracy(network, np.float32(x) / 255, y))
submission.checks.that(
    reached >= submission.threshold("net1-accuracy"),
    f"net1 is right about {reached:.0%} of the held-out images, and NET I should reach more. "
    "Did you train it on the scaled images, with their own labels, for all epochs?",
)
### END HIDDEN TESTS

# %%
hints.show("net1-train")

# %% [markdown]
# ## 5. Evaluating the network
#
# The *test data* has played no part so far: no weight was fitted to it, and no decision was based on it. The accuracy on the test data is the one to report.
#
# **Exercise (2 points).** Write `evaluate_net1` with `model.evaluate`.

# %% solution="net1-evaluate-answer"
def evaluate_net1(model, x, y):
    """Compute the loss and the accuracy of a trained network.

    model: a network that compile_net1 has compiled
    x: (N, 32, 32, 3) float32; y: (N, 1) integers
    Returns a dictionary with two floats, for example {"loss": 0.97, "accuracy": 0.66}.
    """
    ### BEGIN SOLUTION
    loss, accuracy = model.evaluate(x, y, verbose=0)
    return {"loss": loss, "accuracy": accuracy}
    ### END SOLUTION

# %%
test_figures = evaluate_net1(net1, x_test, y_test)
print(f"test loss {test_figures['loss']:.3f}, test accuracy {test_figures['accuracy']:.3f}")

# %% tests="net1-evaluate" points=2
with checks.exercise("net1-evaluate", hidden="other networks and other numbers of images"):
    # A small network whose scores are the first ten values of an image; it is right about three.
    small = keras.Sequential(
        [keras.layers.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    )
    small.set_weights([5 * np.eye(3072, 10), np.zeros(10)])
    small.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    try:  # in case your metric has another name
        small.compile_from_config(net1.get_compile_config())
    except Exception:
        pass
    small.run_eagerly = True  # quicker for a few images
    pixels = np.random.default_rng(1).random((7, 32, 32, 3), dtype=np.float32)
    chances = small.predict(pixels, verbose=0)
    labels = chances.argmax(axis=1)[:, None]
    labels[3:] = 9 - labels[3:]
    figures = evaluate_net1(small, pixels, labels)
    kept = np.array_equal(small.get_weights()[0], 5 * np.eye(3072, 10))
    checks.that(kept, "evaluate_net1 trains the network on the test images: use model.evaluate.")
    checks.that(figures is not None, "evaluate_net1 returns None: return the dictionary.")
    checks.that(isinstance(figures, dict), "evaluate_net1 does not return a dictionary.")
    keys = sorted(map(str, figures))
    named = " model.metrics_names has no accuracy in Keras 3." * ("compile_metrics" in keys)
    expected = f"The keys are {keys}; expected accuracy and loss.{named}"
    checks.that(keys == ["accuracy", "loss"], expected)
    wanted = -np.log(chances[np.arange(7), labels.ravel()]).mean()
    number = figures["accuracy"]
    swapped = isinstance(number, float) and np.isclose(number, wanted, rtol=5e-3)
    checks.that(not swapped, "The two values are swapped: model.evaluate gives the loss first.")
    what = "The accuracy for three right answers out of seven"
    checks.close(figures["accuracy"], 3 / 7, what, atol=0.006)
    checks.close(figures["loss"], wanted, "The loss on these seven images", rtol=5e-3)
### BEGIN HIDDEN TESTS
from autograder import submission

keras, np = submission.keras, submission.np
small = keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.Flatten()])
small.add(keras.layers.Dense(10, "softmax"))
small.set_weights([4 * np.eye(3072, 10, -7), np.zeros(10)])
metrics = [["accuracy"], ["sparse_categorical_accuracy"], ["acc"]]
try:  # the student's network may report more than one metric
    metrics.append(submission.compiled("net1")["metrics"])
except submission.checks.CheckFailed:
    pass


def evaluated(x, y):
    """The answer of evaluate_net1 for a network that reports what it reads."""
    failures = []
    for names in metrics:
        small.compile("adam", "sparse_categorical_crossentropy", metrics=names, run_eagerly=True)
        try:
            return submission.call("evaluate_net1", small, x, y)
        except submission.checks.StudentError as failure:
            failures.append(failure)
    raise failures[0]


for count, right in ((1, 1), (50, 20), (1_050, 420)):
    x = np.random.default_rng(7).random((count, 32, 32, 3), dtype=np.float32)
    chances = submission.predict(small, x)
    y = chances.argmax(axis=1)
    y[right:] = 9 - y[right:]
    figures = evaluated(x, y[:, None])
    submission.checks.that(isinstance(figures, dict), "evaluate_net1 does not return a dictionary.")
    for key in ("loss", "accuracy"):
        submission.checks.that(key in figures, f"What evaluate_net1 returns lacks {key}.")
    what = f"The accuracy of another network on {count:,} images"
    submission.checks.close(figures["accuracy"], right / count, what, atol=0.006)
    loss = submission.checks.as_array(figures["loss"], "The loss of another network")
    submission.checks.that(
        loss.shape == () and submission.is_cross_entropy(loss, chances, y),
        "The loss of another network is not its cross-entropy on x and y.",
    )
### END HIDDEN TESTS

# %%
hints.show("net1-evaluate")

# %% [markdown]
# ### One prediction
#
# For $N$ images, `model.predict` returns $N$ rows of ten probabilities. The predicted class is the position of the largest probability in its row. A network always takes a *batch*, so pass a single image as `x[:1]`, which has shape (1, 32, 32, 3), and not as `x[0]`.
#
# **Exercise (2 points).** Write `predict_first`.

# %% solution="net1-predict-answer"
def predict_first(model, x_test):
    """Predict the class of the first image.

    model: a network that ends in softmax
    x_test: (N, ...) images
    Returns (label, probabilities): an integer, and an array of shape (classes,).

    Example: for the probabilities [0.1, 0.7, 0.2], the label is 1.
    """
    ### BEGIN SOLUTION
    probabilities = model.predict(x_test[:1], verbose=0)[0]
    return int(np.argmax(probabilities)), probabilities
    ### END SOLUTION

# %%
first_label, first_probabilities = predict_first(net1, x_test)
print("predicted:", images.class_names[first_label])
print("actual:   ", images.class_names[int(y_test[0, 0])])

# %%
plots.prediction(images.x_test[0], first_probabilities, images.class_names)
plt.show()

# %% tests="net1-predict" points=2
with checks.exercise("net1-predict", hidden="other networks and other images"):
    # A network without weights: the softmax of the three channels' largest values.
    small = keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.GlobalMaxPooling2D()])
    small.add(keras.layers.Softmax())
    small.run_eagerly = True  # quicker for two images
    pixels = np.zeros((2, 32, 32, 3), np.float32)
    pixels[0, 5, 6, 2], pixels[1, 9, 9, 0] = 1, 0.5
    try:
        made = checks.unchanged(predict_first, small, pixels)
    except Exception as error:
        batch = "A network takes a batch: pass x_test[:1], of shape (1, 32, 32, 3), not x_test[0]."
        checks.that("shape (32, 32, 3)" not in str(error), batch)
        raise
    two = isinstance(made, (tuple, list)) and len(made) == 2
    checks.that(two, "predict_first does not return two values: return label, probabilities.")
    label, probabilities = made
    checks.that(np.ndim(label) == 0, "The first value is no single label: return it first.")
    checks.shape(probabilities, (3,), "The array of probabilities")
    wanted = np.exp([0, 0, 1]) / np.exp([0, 0, 1]).sum()
    checks.close(probabilities, wanted, "The probability row of the first image", atol=1e-3)
    checks.equal(label, 2, "The label of the first image")
    checks.equal(predict_first(small, pixels[1:])[0], 0, "The label of the second image alone")
    whole = checks.as_array(label, "The label").dtype.kind in "iu"
    checks.that(whole, f"The label is {label!r}; expected an integer, such as int(np.argmax(...)).")
### BEGIN HIDDEN TESTS
from autograder import submission

keras, np = submission.keras, submission.np
small = keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.Flatten()])
small.add(keras.layers.Dropout(0.5))  # does nothing in a prediction
small.add(keras.layers.Dense(12, "softmax"))
small.set_weights([2 * np.eye(3072, 12, -7), np.zeros(12)])
small.compile("adam", run_eagerly=True)
images = np.random.default_rng(3).random((6, 32, 32, 3), dtype=np.float32)
for image, label in zip(images, (11, 0, 5, 4, 10, 7)):
    image.reshape(-1)[7 + label] = 2
images[2].reshape(-1)[7 + 3] = 1.9999  # almost as probable
chances = submission.predict(small, images)
asked = [(small, images[at:]) for at in range(6)]
for made, wanted in zip(submission.calls("predict_first", asked), chances):
    submission.checks.that(
        isinstance(made, (tuple, list)) and len(made) == 2,
        "predict_first does not return two values, label and probabilities.",
    )
    label, probabilities = made
    submission.checks.close(probabilities, wanted, "The probability row of an image", atol=1e-3)
    submission.checks.equal(label, int(wanted.argmax()), "The label of an image")
### END HIDDEN TESTS

# %%
hints.show("net1-predict")

# %% [markdown]
# ## 6. Learning curves
#
# `history.history` is a dictionary of four lists. Plotted as curves, they tell you more than their last values do.
#
# **Predict.** The training loss falls from epoch to epoch. Will the validation loss fall with it to the end?

# %%
print(list(history.history))
plots.history(history, "accuracy")
plt.show()

# %%
plots.history(history, "loss")
plt.show()

# %% [markdown] answer="net1-curves" points=2
# **What do you see?** (2 points) Describe how the training accuracy and the validation accuracy change over the epochs, and then do the same for the losses. How far apart are the two curves at the end, and at which epoch do they begin to separate? Give numbers from your figures.
#
# ### BEGIN SOLUTION
# *Rubric.* One point for the shape of the curves: the training accuracy rises and the training loss falls to the end, while the validation curves flatten and the validation loss turns upward or stops falling (or would do so with more epochs, if the profile trains for only a few). One point for numbers read from the figures: the gap in accuracy at the end, and the epoch at which the curves separate.
#
# *Under full, in two training runs of 20 epochs on 40,000 images (NVIDIA H100, Keras 3.15 on JAX):* the training accuracy rises to the end, to 0.858 and 0.877. The best validation accuracy is 0.714 and 0.725, and the last one 0.714 and 0.707, so the gap at the end is 0.144 and 0.170. The validation loss is lowest at epochs 14 and 13, at 0.890 and 0.864, and ends at 0.966 and 0.994.
# ### END SOLUTION

# %% [markdown]
# ### Where overfitting begins
#
# *Overfitting* means learning what holds for the training images only. One sign is a validation loss that stops falling and begins to rise while the training loss keeps falling. The loss jumps up and down from one epoch to the next, so a single rise proves nothing. We therefore look for the epoch with the **lowest validation loss of all**: the epochs after it no longer help.
#
# Count the epochs from 1. If several epochs share the lowest value, take the first of them, also if the last epoch is among them: for 1.2, 0.9, 1.0, 0.9, the answer is 2, because nothing was gained after epoch 2. If the last epoch alone has the lowest value, the loss was still falling. Overfitting was not seen, and the answer is `None`.
#
# Stopping at this epoch is called *early stopping*. Prechelt (1998, *Early stopping – but when?*) compares rules for doing so while the network trains, when nobody knows yet what the loss will do next. *08 regularization* returns to them.
#
# **Exercise (3 points).** Write `overfit_epoch` so that it works for any history.

# %% solution="net1-overfit-answer"
def overfit_epoch(history):
    """Find the epoch with the lowest validation loss, after which overfitting begins.

    history: a dictionary with at least the key "val_loss", a list with one float per epoch
    Returns the epoch's number, counted from 1; the first one, if several share the lowest value.
    Returns None if no epoch before the last one has the lowest value.

    Examples: for the validation losses 1.4, 1.1, 1.2, 1.3, the epoch is 2. For 1.2, 0.9, 1.0, 0.9,
    it is 2 as well. For 1.7, 1.3, 1.1, it is None.
    """
    ### BEGIN SOLUTION
    val_loss = list(history["val_loss"])
    lowest = int(np.argmin(val_loss))
    return None if lowest == len(val_loss) - 1 else lowest + 1
    ### END SOLUTION

# %%
began = overfit_epoch(history.history)
print(f"overfitting begins after epoch {began}" if began else "no overfitting in these epochs")

# %% tests="net1-overfit-epoch" points=3
with checks.exercise("net1-overfit-epoch", hidden="rising, falling, jumping and short histories"):
    bend = {"loss": [1.6, 1.2, 0.9, 0.7], "val_loss": [1.4, 1.1, 1.2, 1.3]}
    epoch = checks.unchanged(overfit_epoch, bend)
    checks.that(epoch is not None, "The validation losses 1.4, 1.1, 1.2, 1.3 give None; expected 2.")
    checks.equal(epoch, 2, "The epoch for the validation losses 1.4, 1.1, 1.2, 1.3")
    falling = {"loss": [1.6, 1.2, 0.9], "val_loss": [1.7, 1.3, 1.1]}
    epoch = overfit_epoch(falling)
    checks.that(
        epoch is None,
        f"The validation losses 1.7, 1.3, 1.1 give {epoch!r}; they fall to the end, so return None.",
    )
    level = {"loss": [1.5, 1.2, 0.9, 0.8], "val_loss": [1.2, 0.9, 1.0, 0.9]}
    epoch, first = overfit_epoch(level), "expected 2, the first epoch that has the lowest value."
    checks.that(epoch is not None, f"The validation losses 1.2, 0.9, 1.0, 0.9 give None; {first}")
    checks.that(
        np.ndim(epoch) == 0 and epoch == 2,
        f"The validation losses 1.2, 0.9, 1.0, 0.9 give {epoch}; {first}",
    )
### BEGIN HIDDEN TESTS
from autograder import submission

cases = (
    ("with a small rise before its lowest value", [1.5, 1.2, 1.25, 1.0, 1.05, 0.98, 1.2, 1.4], 6),
    ("that rises from the start", [1.0, 1.2, 1.5], 1),
    ("with two equal lowest values", [1.0, 0.9, 0.9, 1.1], 2),
    ("whose last value equals the lowest one before", [1.2, 0.9, 1.0, 0.9], 2),
    ("that never changes", [0.7, 0.7, 0.7], 1),
    ("with its lowest value in the last epoch but one", [2.0, 1.6, 1.3, 1.4], 3),
    ("that is lowest in its last two epochs", [1.5, 1.1, 1.1], 2),
    ("whose two lowest values differ by 0.003", [1.3, 1.104, 1.101, 1.2], 3),
    ("with a very small rise at its end", [1.0, 0.5, 0.50001], 2),
    ("whose two lowest values differ by 0.0001", [1.0, 0.5001, 0.5, 0.8], 3),
    ("of 40 epochs", [2.0 - 0.03 * k for k in range(35)] + [1.0, 1.1, 1.2, 1.3, 1.4], 35),
    ("above a thousand", [1300.0, 1100.0, 1200.0], 2),
    ("that reaches 0", [0.4, 0.0, 0.2], 2),
    ("that falls to the end", [2.1, 1.7, 1.4, 1.3, 1.25], None),
    ("with a rise and its lowest value last", [1.5, 1.2, 1.3, 1.1], None),
    ("of a single epoch", [1.3], None),
    ("that rises for twelve epochs before its lowest value", [1.0, *[1.1 + k / 50 for k in range(12)], 0.9, 1.2], 14),
)
records = []
for _, val_loss, _ in cases:
    steps = len(val_loss)
    record = {
        "loss": [2.0 / (1 + k) for k in range(steps)],
        "accuracy": [0.5 + 0.4 * k / steps for k in range(steps)],
        "val_loss": val_loss,
        "val_accuracy": [0.5 + 0.2 * k / steps for k in range(steps)],
    }
    records.append((record,))
for (what, _, want), got in zip(cases, submission.calls("overfit_epoch", records)):
    submission.checks.that(
        submission.np.ndim(got) == 0 and (got is None) == (want is None) and got == want,
        f"overfit_epoch is wrong for a validation loss {what}.",
    )
try:
    bare = submission.call("overfit_epoch", {"val_loss": [3.0, 1.0, 2.0]})
except submission.checks.StudentError:  # such as KeyError: 'loss'
    bare = None
submission.checks.that(bare == 2, "overfit_epoch must work with history['val_loss'] alone.")
submission.unchanged("overfit_epoch", {"val_loss": [1.5, 1.2, 1.3], "loss": [1.0, 0.9, 0.8]})
### END HIDDEN TESTS

# %%
hints.show("net1-overfit-epoch")

# %% [markdown]
# ### Overfitting on purpose
#
# **Predict.** The same network now trains on only 600 images, again for 20 epochs. Will overfitting begin earlier or later than before? How large a gap do you expect between the two accuracies?

# %%
few = training.fit(
    compile_net1(build_net1()),
    "net1_few",
    x_train[:600],
    y_train[:600],
    validation_data=(x_train[-1_000:], y_train[-1_000:]),
    batch_size=32,
    epochs=20,
)

# %%
plots.history(few, "loss")
plt.show()
print("overfitting begins after epoch", overfit_epoch(few.history))
print(f"accuracy: training {few.history['accuracy'][-1]:.2f}", end=", ")
print(f"validation {few.history['val_accuracy'][-1]:.2f}")

# %% [markdown] answer="net1-three-sets" points=2
# **Why three sets?** (2 points) You choose the number of epochs by the validation loss. Why is it not fair to report the validation accuracy at that epoch, even though no weight was fitted to the validation data? What is the test data for, and what would spoil it?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: decisions (epochs, layers, settings) are made so that the validation figures look good. They are therefore the best of several tries and are biased upward; the validation data influences the network through its designer. One point: the test data is used once, after all decisions, and gives an unbiased estimate. Choosing by the test accuracy, or looking at it again and again, turns the test data into validation data.
# ### END SOLUTION

# %% [markdown]
# ## What others got
#
# | where | images, epochs | best validation accuracy | lowest validation loss | test accuracy | seeds, machine |
# |---|---|---|---|---|---|
# | the exercise sheet | 50,000, 20 | not given | not given | not given | – |
# | *full*, CIFAR-10 | 50,000, 20 | 0.714, epoch 20 | 0.890, epoch 14; 0.966 at the end | 0.715 | seed 1; NVIDIA H100, JAX, 0.7 s an epoch |
# | *quick*, CIFAR-10 | 10,000, 10 | 0.535 [0.513, 0.554] | 1.289 [1.244, 1.336], the last epoch | 0.537 [0.525, 0.555] | seeds 1 to 3; one thread, TensorFlow, 33 s each |
# | *offline*, generated | 5,000, 8 | 0.821 [0.803, 0.842] | 0.509 [0.468, 0.540], mostly the last epoch | 0.828 [0.821, 0.848] | seeds 1 to 5; two threads, TensorFlow, 7 s each |
#
# The figures are means, with the lowest and the highest value in brackets. All were measured with Keras 3.15, on a GPU with the back end JAX 0.11 and on a 64-bit processor without a GPU with TensorFlow 2.21. The generated images of the *offline* profile are easier than photographs, and eight epochs are too few to see overfitting on 5,000 of them. For this reason, the section above overfits on purpose.

# %% [markdown]
# ## Take-away
#
# Three convolutional layers, three pooling layers and two FC layers classify small images far better than chance. One of the FC layers holds two thirds of the weights. Comparing the first loss with log(classes) and memorizing a hundred images take seconds and show that the parts fit together. The training loss shows how well a network remembers, and the validation loss shows how well it generalizes. The test data is used once, at the end.
#
# **To read on.** Goodfellow, Bengio and Courville (2016, *Deep Learning*, chapter 9) explain convolution and pooling in depth. Zhang, Lipton, Li and Smola (2023, *Dive into Deep Learning*) lead from LeNet to later networks in running code. Recht, Roelofs, Schmidt and Shankar (2018, *Do CIFAR-10 classifiers generalize to CIFAR-10?*) collect new test images and ask what years of work on one test set have done to its accuracies.
#
# **Going further.** Leave out the ReLU after the convolutions and train again: the accuracy falls less than you might expect. What else in this network is nonlinear?
