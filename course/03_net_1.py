# %% [markdown]
# # NET I: a first convolutional network
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/convcourse/convcourse/blob/main/release/03_net_1/03_net_1.ipynb)
#
# **90 minutes, 20 points.** Builds on *01 data loading* (what the images are) and *02 convolution* (what one layer computes).
#
# In this assignment you
#
# * **build** NET I, eight layers that turn an image into ten probabilities,
# * **compile** and **train** it, after two cheap tests that catch most mistakes,
# * **evaluate** it on images that it has not seen, and **predict** one of them,
# * **read** its learning curves, and **find** the epoch at which overfitting begins.

# %% [markdown] locked="net1-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader alike. It installs the course's helpers only where they are missing.

# %% locked="net1-setup"
import importlib.util
import subprocess
import sys

WHEEL = "https://github.com/convcourse/convcourse/releases/latest/download/convcourse-1.0.0-py3-none-any.whl"
if importlib.util.find_spec("helpers") is None:
    if subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", WHEEL]).returncode:
        raise ImportError("The helpers could not be installed: go online, then run this cell again.")

from helpers import checks, device

checks.explain_missing_names()
device.report()

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from helpers import data, plots, profile, training

keras.utils.set_random_seed(1)

# %% [markdown]
# ## The images
#
# CIFAR-10 has 50,000 training and 10,000 test images of 32 × 32 pixels in three colours, in ten classes of equal size. `data.load` says which images are really in use, and `scaled()` turns their pixels from whole numbers of 0 to 255 into `float32` of 0 to 1.

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
# Nothing is padded and every convolution moves by one pixel, so a filter of $F$ pixels makes an image of $N$ pixels $N - F + 1$ pixels wide: 32 becomes 30. Pooling halves and drops what is left over: 13 becomes 6. Between the last pooling and the first FC layer, the 2 × 2 × 64 values are *flattened* into a row of 256.
#
# The last layer's softmax turns ten scores $z_k$ into probabilities, which are positive and add up to one:
#
# $$p_k = \frac{e^{z_k}}{\sum_{j=1}^{10} e^{z_j}}$$
#
# **Predict.** Which layer has the most parameters: the first convolution, the last convolution, or the first FC layer? Write your guess down before you run the summary below.

# %% [markdown]
# **Exercise (4 points).** Write `build_net1`. Begin the network with `keras.layers.Input(shape=input_shape)`, so that it knows its sizes at once.

# %% solution="net1-build"
def build_net1(input_shape=(32, 32, 3), classes=10):
    """NET I, not compiled.

    input_shape: (height, width, channels) of one image
    classes: units of the last layer
    Returns a keras.Model from (N, height, width, channels) to (N, classes).

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
    "net1-architecture", hidden="every layer again, for other image sizes and other classes"
):
    checks.architecture(
        build_net1(),
        "conv 3x3x32 relu, pool 2, conv 3x3x64 relu, pool 2, conv 3x3x64 relu, pool 2,"
        "flatten, dense 512 relu, dense 10 softmax",
    )
    checks.parameters(build_net1(), total=193_034)
### BEGIN HIDDEN TESTS
from autograder import submission

layers = (
    "conv 3x3x32 relu, pool 2, conv 3x3x64 relu, pool 2, conv 3x3x64 relu, pool 2, flatten,"
    "dense 512 relu, dense {} softmax"
)
for shape, classes, total in (
    ([32, 32, 3], 10, 193_034),
    ([28, 28, 1], 7, 92_615),
    ([40, 48, 3], 100, 501_348),
):
    net = submission.build("build_net1", input_shape=shape, classes=classes)
    case = f"For input_shape={tuple(shape)} and classes={classes}, "
    submission.checks.equal(list(net.input_shape[1:]), shape, case + "the size of the input")
    submission.checks.equal(list(net.output_shape), [None, classes], case + "the output shape")
    submission.checks.architecture(net, layers.format(classes))
    submission.checks.parameters(net, total=total)
### END HIDDEN TESTS

# %%
checks.hint("net1-architecture")

# %%
build_net1().summary()

# %% [markdown]
# The first FC layer holds two thirds of all parameters: each of its 512 units looks at all 256 values, while a convolution uses the same few weights at every place of the image. *04 parameter counting* does the sums.

# %% [markdown]
# ## 2. Loss and optimizer
#
# Training needs a number to make smaller. For an image of class $y$, *cross-entropy* is $-\log p_y$: 0 when the network is sure and right, large when it is sure and wrong. Our labels are whole numbers, so Keras calls it `sparse_categorical_crossentropy`; without *sparse*, it would expect a row of ten zeros and ones for each image. The optimizer, *Adam*, takes the steps downhill and adapts their size to each weight.
#
# **Predict.** A fresh network knows nothing and gives every class about one tenth. What is its loss?

# %% [markdown]
# **Exercise (2 points).** Write `compile_net1`.

# %% solution="net1-compile-answer"
def compile_net1(model):
    """Compile with Adam, sparse categorical cross-entropy, and accuracy as a metric.

    model: a keras.Model that ends in softmax; it is compiled in place
    Returns the same model.

    Example: net1 = compile_net1(build_net1())
    """
    ### BEGIN SOLUTION
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
    ### END SOLUTION

# %%
net1 = compile_net1(build_net1())

# %% tests="net1-compile" points=2
with checks.exercise("net1-compile", hidden="optimizer, loss and metrics of net1"):
    checks.that(net1 is not None, "compile_net1 returns None: end it with `return model`.")
    checks.that(net1.compiled, "net1 is not compiled: call model.compile in compile_net1.")
    figures = training.first_figures(net1, x_test[:32], y_test[:32])
    checks.that(len(figures) == 2, f"net1 reports {sorted(figures)}; expected loss and accuracy.")
### BEGIN HIDDEN TESTS
from autograder import submission

settings = submission.compiled("net1")
submission.checks.that(
    settings["optimizer"] == "adam",
    f"The optimizer is {settings['optimizer']!r}; expected 'adam'.",
)
submission.checks.that(
    settings["loss"] == "sparse_categorical_crossentropy",
    f"The loss is {settings['loss']}; the labels are whole numbers, so it is "
    "sparse_categorical_crossentropy.",
)
submission.checks.that(
    not settings["from_logits"],
    "The loss expects logits, but the network ends in softmax: leave from_logits out.",
)
known = {"accuracy", "acc", "sparse_categorical_accuracy"}
submission.checks.that(
    known & set(settings["metrics"]), "The metrics lack accuracy: metrics=['accuracy']."
)
### END HIDDEN TESTS

# %%
checks.hint("net1-compile")

# %% [markdown]
# ## 3. Two cheap tests before the long run
#
# Training for minutes to find a slip is a waste. Two tests take seconds and catch most mistakes.
#
# 1. **The first loss.** With ten classes, a fresh network's loss is close to $-\log \frac{1}{10} = \log 10 \approx 2.303$. A value far from it points to the last layer, the loss or the labels.
# 2. **A hundred images.** A network of this size can learn 100 images by heart. If it cannot, it will not learn 40,000 either.

# %%
print(f"first loss {training.first_loss(net1, x_train, y_train):.3f}, log(10) is {np.log(10):.3f}")

# %%
learnt = training.overfits(compile_net1(build_net1()), x_train, y_train, images=100)
print(f"accuracy on 100 images that it trains on: {learnt:.2f}")

# %% [markdown]
# ## 4. Training
#
# One *epoch* shows every training image once. The network sees them in *batches* of 128, and takes one step of Adam after each. Of the training images, the last 20 % are set aside before anything is shuffled: they are the *validation data*. The network never trains on them; after every epoch, their loss and accuracy say how well it does on images that it does not know.
#
# `training.fit(model, name, x, y, ...)` hands its settings on to `model.fit` and keeps a checkpoint under that name. Run the notebook again and it loads the trained network in place of training it anew.
#
# **Predict.** After 20 epochs, which is higher: the accuracy on the images that it trains on, or on the validation data? By how much?

# %% [markdown]
# **Exercise (3 points).** Write `train_net1`: 20 % validation data, batches of 128, 20 epochs. Ask for the epochs as `profile.epochs(20)`, which takes fewer where there is little computing power, and says so.

# %% solution="net1-train-answer"
def train_net1(model, x, y):
    """Train NET I and keep a checkpoint under the name "net1".

    model: the compiled network
    x: (N, 32, 32, 3) float32 of 0 to 1; y: (N, 1) whole numbers of 0 to 9
    Returns what training.fit returns; its .history holds four lists, one value an epoch:
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
from unittest import mock

with checks.exercise("net1-train", hidden="the history and the accuracy on held-out images"):
    # A stand-in for the network: it records what it is asked to do and trains nothing.
    stand_in = mock.Mock()
    with mock.patch.object(training, "fit") as fit:
        train_net1(stand_in, x_train[:10], y_train[:10])
    call = fit.call_args or stand_in.fit.call_args
    checks.that(call is not None, "train_net1 does not train: call training.fit.")
    asked = call.kwargs
    if call is stand_in.fit.call_args:  # model.fit takes them in this order, too
        asked = dict(zip(["x", "y", "batch_size", "epochs"], call.args)) | asked
    checks.equal(asked.get("validation_split"), 0.2, "validation_split")
    checks.equal(asked.get("batch_size"), 128, "batch_size")
    checks.equal(asked.get("epochs"), profile.epochs(20), "epochs")
    checks.that(history is not None, "train_net1 returns None: return what training.fit returns.")
### BEGIN HIDDEN TESTS
from autograder import submission

record = submission.value("history")
epochs = submission.profile.epochs(20)
submission.checks.that(isinstance(record, dict), "history is not what training.fit returns.")
for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
    submission.checks.that(key in record, f"history lacks {key}: is there validation data?")
    submission.checks.that(
        len(record[key]) == epochs, f"history has {len(record[key])} epochs; expected {epochs}."
    )
net = submission.model("net1")
submission.checks.parameters(net, total=193_034)
x, y = submission.heldout()
reached = submission.accuracy(net, submission.np.float32(x) / 255, y)
submission.checks.that(
    reached >= submission.threshold("net1-accuracy"),
    f"net1 is right on {reached:.0%} of images that it has not seen, which is less than NET I "
    "reaches. Was it trained on the scaled images with their own labels, for all epochs?",
)
### END HIDDEN TESTS

# %%
checks.hint("net1-train")

# %% [markdown]
# ## 5. Judging the network
#
# The *test data* played no part so far: no weight was fitted to it and no decision leaned on it. Its accuracy is the one to report.
#
# **Exercise (2 points).** Write `evaluate_net1` with `model.evaluate`.

# %% solution="net1-evaluate-answer"
def evaluate_net1(model, x, y):
    """Loss and accuracy of a trained network.

    x: (N, 32, 32, 3) float32; y: (N, 1) whole numbers
    Returns a dictionary of two floats, for example {"loss": 0.97, "accuracy": 0.66}.
    """
    ### BEGIN SOLUTION
    loss, accuracy = model.evaluate(x, y, verbose=0)
    return {"loss": loss, "accuracy": accuracy}
    ### END SOLUTION

# %%
test_figures = evaluate_net1(net1, x_test, y_test)
print(f"test loss {test_figures['loss']:.3f}, test accuracy {test_figures['accuracy']:.3f}")

# %% tests="net1-evaluate" points=2
with checks.exercise("net1-evaluate", hidden="both figures, computed again from predictions"):
    checks.that(isinstance(test_figures, dict), "evaluate_net1 returns no dictionary.")
    checks.equal(sorted(test_figures), ["accuracy", "loss"], "The sorted keys of the dictionary")
    # A network without weights, compiled as net1 is: softmax alone, so both figures are known.
    softmax = keras.Sequential([keras.layers.Input(shape=(10,)), keras.layers.Softmax()])
    softmax.compile_from_config(net1.get_compile_config())
    softmax.run_eagerly = True
    scores, labels = np.zeros((2, 10)), np.array([[1], [2]])
    scores[0, 1], scores[1, 0] = 2, 9  # right about the first row, wrong about the second
    known = evaluate_net1(softmax, scores, labels)
    checks.close(known["accuracy"], 0.5, "The accuracy for one right answer of two", atol=1e-3)
    checks.close(known["loss"], 4.8988, "The loss for probabilities 0.4509 and 0.0001", atol=1e-3)
    right = np.argmax(net1(x_test[:200]), axis=1) == y_test[:200].ravel()
    what = "The test accuracy, compared with that on the first 200 test images,"
    checks.close(test_figures["accuracy"], right.mean(), what, atol=0.2)
### BEGIN HIDDEN TESTS
from autograder import submission

figures, x, y = submission.values("test_figures", "x_test", "y_test")
chances, y = submission.predict(submission.model("net1"), x), y.ravel()
right = (chances.argmax(axis=1) == y).mean()
for key, fits in (
    ("accuracy", lambda got: abs(got - right) <= 0.01 * right),
    ("loss", lambda got: submission.is_cross_entropy(got, chances, y)),
):
    got = submission.checks.as_array(figures[key], f"test_figures[{key!r}]")
    submission.checks.that(
        got.shape == () and fits(got),
        f"test_figures[{key!r}] is not the {key} of net1 on x_test and y_test.",
    )
### END HIDDEN TESTS

# %%
checks.hint("net1-evaluate")

# %% [markdown]
# ### One prediction
#
# For $N$ images, `model.predict` gives $N$ rows of ten probabilities. The predicted class is the position of the largest one in its row. A network always takes a *batch*: a single image goes in as `x[:1]` of shape (1, 32, 32, 3), not as `x[0]`.
#
# **Exercise (2 points).** Write `predict_first`.

# %% solution="net1-predict-answer"
def predict_first(model, x_test):
    """What the network says of the first image.

    x_test: (N, ...) images
    Returns (label, probabilities): a whole number, and an array of shape (classes,).

    Example: with probabilities [0.1, 0.7, 0.2], the label is 1.
    """
    ### BEGIN SOLUTION
    probabilities = model.predict(x_test[:1], verbose=0)[0]
    return int(np.argmax(probabilities)), probabilities
    ### END SOLUTION

# %%
first_label, first_probabilities = predict_first(net1, x_test)
print("predicted:", images.class_names[first_label])
print("in truth: ", images.class_names[int(y_test[0, 0])])

# %%
plots.prediction(images.x_test[0], first_probabilities, images.class_names)
plt.show()

# %% tests="net1-predict" points=2
with checks.exercise("net1-predict", hidden="the label and the probabilities of net1"):
    # A network without weights: softmax alone, so the answer is known.
    softmax = keras.Sequential([keras.layers.Input(shape=(3,)), keras.layers.Softmax()])
    label, probabilities = predict_first(softmax, np.array([[0.0, 2.0, 1.0], [9.0, 0.0, 0.0]]))
    checks.shape(probabilities, (3,), "The probabilities")
    wanted = np.array([0.0900, 0.6652, 0.2447])
    checks.close(probabilities, wanted, "The row for the scores 0, 2, 1", atol=1e-3)
    checks.equal(label, 1, "The label for the scores 0, 2, 1")
### BEGIN HIDDEN TESTS
from autograder import submission

names = ("first_label", "first_probabilities", "x_test")
label, probabilities, images = submission.values(*names)
submission.checks.shape(probabilities, (10,), "first_probabilities")
want = submission.predict(submission.model("net1"), images[:1])[0]
submission.checks.that(
    submission.np.allclose(probabilities, want, atol=1e-3),
    "first_probabilities are not what net1 gives for the first test image.",
)
submission.checks.that(
    label == submission.np.argmax(probabilities), "first_label is not the most probable class."
)
### END HIDDEN TESTS

# %%
checks.hint("net1-predict")

# %% [markdown]
# ## 6. Learning curves
#
# `history.history` is a dictionary of four lists. Their curves tell more than the last values do.
#
# **Predict.** The training loss falls from epoch to epoch. Will the validation loss follow it to the end?

# %%
print(list(history.history))
plots.history(history, "accuracy")
plt.show()

# %%
plots.history(history, "loss")
plt.show()

# %% [markdown] answer="net1-curves" points=2
# **What do you see?** (2 points) Describe the accuracy of the training and of the validation data over the epochs, then their losses. How far are the two apart at the end, and from when on do they part? Give numbers from your figure.
#
# ### BEGIN SOLUTION
# *Rubric.* One point for the course of the curves: training accuracy rises and training loss falls to the end, while the validation curves flatten, and the validation loss turns upwards or stops falling (or would do so with more epochs, where the profile trains few). One point for numbers read from the figure: the gap in accuracy at the end, and the epoch from which the curves part.
#
# *On the full data set, in two trainings:* training accuracy rises to the end, in one of them to 0.83; validation accuracy flattens from epoch 8 on and is highest near epoch 15, at 0.66 and 0.68; the validation loss is lowest at epochs 9 and 11, at 0.98 and 0.97, and ends at 1.23 and 1.18. In the first, the gap in accuracy is 0.17 then.
# ### END SOLUTION

# %% [markdown]
# ### Where overfitting begins
#
# *Overfitting* is learning what holds for the training images alone. One sign is a validation loss that was falling and rises, though the training loss goes on falling. Single epochs jump up and down, so one rise proves nothing. We therefore name the epoch with the **lowest validation loss of all**: what comes after it no longer helps.
#
# The count begins at 1, the first of equal values counts, and when the lowest value is the last one, overfitting was not seen: the answer is `None`.
#
# **Exercise (3 points).** Write `overfit_epoch`, for any history.

# %% solution="net1-overfit-answer"
def overfit_epoch(history):
    """The epoch after which the validation loss never falls below its lowest value again.

    history: a dictionary with at least the key "val_loss", a list of one float an epoch
    Returns the epoch's number, counted from 1, or None if the last epoch has the lowest value.

    Example: overfit_epoch({"val_loss": [1.4, 1.1, 1.2, 1.3]}) is 2.
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
with checks.exercise("net1-overfit-epoch", hidden="histories that jump, fall, rise or are short"):
    bend = {"loss": [1.6, 1.2, 0.9, 0.7], "val_loss": [1.4, 1.1, 1.2, 1.3]}
    checks.equal(overfit_epoch(bend), 2, "The epoch for the validation losses 1.4, 1.1, 1.2, 1.3")
    falling = {"loss": [1.6, 1.2, 0.9], "val_loss": [1.7, 1.3, 1.1]}
    checks.that(
        overfit_epoch(falling) is None,
        "The validation losses 1.7, 1.3, 1.1 fall to the end: the answer is None.",
    )
### BEGIN HIDDEN TESTS
from autograder import submission

cases = (
    ("with a small rise before the lowest", [1.5, 1.2, 1.25, 1.0, 1.05, 0.98, 1.2, 1.4], 6),
    ("that rises from the start", [1.0, 1.2, 1.5], 1),
    ("with two equal lowest values", [1.0, 0.9, 0.9, 1.1], 2),
    ("that falls to the end", [2.1, 1.7, 1.4, 1.3, 1.25], None),
    ("with a rise and its lowest value last", [1.5, 1.2, 1.3, 1.1], None),
    ("of one epoch", [1.3], None),
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
        got == want and (got is None) == (want is None),
        f"overfit_epoch is wrong for a validation loss {what}.",
    )
bare = submission.call("overfit_epoch", {"val_loss": [3.0, 1.0, 2.0]})
submission.checks.that(bare == 2, "overfit_epoch needs more than history['val_loss'].")
### END HIDDEN TESTS

# %%
checks.hint("net1-overfit-epoch")

# %% [markdown]
# ### Overfitting on purpose
#
# **Predict.** The same network now trains on 600 images only, again for 20 epochs. Does overfitting begin earlier or later than before? Which gap do you expect between the two accuracies?

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
# **Why three sets?** (2 points) You choose the number of epochs by the validation loss. Why is the validation accuracy at that epoch no fair figure to report, although no weight was fitted to the validation data? What is the test data for, and what would spoil it?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: decisions (epochs, layers, settings) are taken so that the validation figures look good, so they are the best of several tries and lean upwards; the validation data influences the network through its designer. One point: the test data is used once, after all decisions, and gives an unaffected estimate; choosing by the test accuracy, or looking at it again and again, turns it into validation data.
# ### END SOLUTION

# %% [markdown]
# ## What others got
#
# | where | images, epochs | best validation accuracy | lowest validation loss | test accuracy | seeds, machine |
# |---|---|---|---|---|---|
# | the exercise sheet | 50,000, 20 | not given | not given | not given | – |
# | *full*, CIFAR-10 | 50,000, 20 | 0.661, epoch 15 | 0.980, epoch 9; 1.228 at the end | 0.664 | seed 1; two threads, 231 s of training |
# | *quick*, CIFAR-10 | 10,000, 10 | 0.531 [0.512, 0.544] | 1.284 [1.239, 1.374], the last epoch | 0.543 [0.525, 0.555] | seeds 1 to 5; two threads, 25 s each |
# | *offline*, generated | 5,000, 8 | 0.821 [0.803, 0.842] | 0.509 [0.468, 0.540], mostly the last epoch | 0.828 [0.821, 0.848] | seeds 1 to 5; two threads, 7 s each |
#
# Figures are means with the lowest and the highest in brackets, measured on a 64-bit processor without a GPU, TensorFlow 2.21 and Keras 3.15, on CIFAR-10 saved as JPEG. The generated images of *offline* are easier than photographs, and eight epochs are too few to see overfitting on 5,000 of them: that is why the section above overfits on purpose.

# %% [markdown]
# ## Take-away
#
# Three convolutions, three poolings and two FC layers classify small images far better than chance, with two thirds of the weights in one FC layer. A first loss of log(classes) and a hundred images learnt by heart cost seconds and show that the parts fit together. The training loss says how well a network remembers, the validation loss how well it generalises, and the test data is asked once, at the end.
#
# **To go on with.** Leave out the ReLU after the convolutions and train again: the accuracy falls less than one might think. What else in this network is not linear?
