# %% [markdown]
# # Regularization: what keeps a network from learning by heart
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/convcourse/convcourse/blob/main/release/08_regularization/08_regularization.ipynb)
#
# **120 minutes, 20 points.** Builds on *03 NET I* and *06 NET III*.
#
# In this assignment you
#
# * **build** one network with switches for batch normalisation, dropout and L2,
# * **repeat** an experiment that led to a wrong conclusion, and **find** its real cause,
# * **compute** dropout and the L2 penalty by hand,
# * **write** early stopping as a Keras callback, and **compare** it with Keras's own.

# %% [markdown] locked="reg-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader alike. It installs the course's helpers only where they are missing.

# %% locked="reg-setup"
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
import itertools

import keras
import matplotlib.pyplot as plt
import numpy as np

from helpers import data, plots, profile, training

keras.utils.set_random_seed(1)

# %%
images = data.load("cifar10").scaled()
small = profile.current().name == "offline"
n_train, n_val = (2_000, 1_000) if small else (len(images.x_train) * 4 // 5, 2_000)
x_train, y_train = images.x_train[:n_train], images.y_train[:n_train]
x_val, y_val = images.x_train[-n_val:], images.y_train[-n_val:]
print(f"{n_train:,} images to train on, {n_val:,} to validate")

# %% [markdown]
# ## 1. One network with switches
#
# The *three-block net* repeats a block three times, with 32, 64 and 128 filters:
#
# $$\text{CONV } 3 \times 3 \text{ same} - \text{BN} - \text{ReLU} - \text{POOL } 2 \times 2$$
#
# Then it flattens, and ends in FC 512 with ReLU, dropout, and FC 10 with softmax.
#
# * **Batch normalisation** (BN) shifts and scales each channel to mean 0 and variance 1 over the batch, then by two learnt numbers. It keeps running averages of mean and variance for the time after training; those two are not trained by gradients. Keras moves the averages by 1 % a step; a training of few steps needs `momentum=0.9`, which is 10 %.
# * **Dropout** sets a random share of the values to 0 in each training step, and none afterwards.
# * **L2** adds a penalty for large weights to the loss; here on both FC layers.
#
# **Predict.** BN has four numbers for each channel. How many parameters do the three BN layers add, and how many of them are trained?

# %% [markdown]
# **Exercise (4 points).** Write `build_blocks`. A switch that is off leaves its layer out. `width` multiplies the filters and the units of the hidden FC layer, but not the classes.

# %% solution="reg-build-answer"
def build_blocks(batch_norm=True, dropout=0.5, l2=0.0, width=1.0, classes=10):
    """The three-block net, not compiled; input (32, 32, 3).

    batch_norm: whether each block has BN between convolution and ReLU (momentum 0.9)
    dropout: rate after the FC layer of 512 units; 0 leaves the layer out
    l2: factor of the L2 penalty on the kernels of both FC layers; 0 for none
    width: round(width * 32) filters and so on
    Returns a keras.Model.

    Example: build_blocks().count_params() is 1148362.
    """
    ### BEGIN SOLUTION
    layers = keras.layers
    penalty = keras.regularizers.L2(l2) if l2 else None
    net = keras.Sequential([layers.Input((32, 32, 3))])
    for filters in (32, 64, 128):
        net.add(layers.Conv2D(round(width * filters), 3, padding="same"))
        if batch_norm:
            net.add(layers.BatchNormalization(momentum=0.9))
        net.add(layers.ReLU())
        net.add(layers.MaxPooling2D())
    net.add(layers.Flatten())
    units = round(width * 512)
    net.add(layers.Dense(units, activation="relu", kernel_regularizer=penalty))
    if dropout:
        net.add(layers.Dropout(dropout))
    net.add(layers.Dense(classes, activation="softmax", kernel_regularizer=penalty))
    return net
    ### END SOLUTION

# %% tests="reg-build" points=4
with checks.exercise("reg-build", hidden="every switch, other widths, the L2 factors"):
    checks.architecture(
        build_blocks(),
        "conv 3x3x32 same, bn, relu, pool 2, conv 3x3x64 same, bn, relu, pool 2,"
        "conv 3x3x128 same, bn, relu, pool 2, flatten, dense 512 relu, dropout 0.5, dense 10 softmax",
    )
    checks.parameters(build_blocks(), total=1_148_362, trainable=1_147_914)
    checks.parameters(build_blocks(batch_norm=False, dropout=0), total=1_147_466)
### BEGIN HIDDEN TESTS
from autograder import submission

text = (
    "conv 3x3x{0} same{bn}, relu, pool 2, conv 3x3x{1} same{bn}, relu, pool 2,"
    "conv 3x3x{2} same{bn}, relu, pool 2, flatten, dense {3} relu{drop}, dense {4} softmax"
)
for batch_norm, rate, width, classes in (
    (True, 0.2, 1.0, 10),
    (False, 0.5, 0.5, 10),
    (True, 0, 0.25, 10),
    (False, 0, 0.5, 7),
):
    sizes = [round(width * n) for n in (32, 64, 128, 512)]
    net = submission.build(
        "build_blocks", batch_norm=batch_norm, dropout=rate, width=width, classes=classes
    )
    bn, drop = ", bn" if batch_norm else "", f", dropout {rate}" if rate else ""
    submission.checks.architecture(net, text.format(*sizes, classes, bn=bn, drop=drop))
net = submission.build("build_blocks", l2=0.01)
dense = [layer for layer in net.layers if type(layer).__name__ == "Dense"]
factors = [float(getattr(layer.kernel_regularizer, "l2", 0)) for layer in dense]
submission.checks.that(
    submission.np.allclose(factors, 0.01, rtol=1e-3),
    "With l2=0.01, both FC layers need kernel_regularizer=keras.regularizers.L2(0.01).",
)
free = submission.build("build_blocks")
submission.checks.that(
    not any(getattr(layer, "kernel_regularizer", None) for layer in free.layers),
    "With l2=0 there is still a penalty on a layer.",
)
### END HIDDEN TESTS

# %%
checks.hint("reg-build")

# %% [markdown]
# ## 2. Can a network learn without batch normalisation?
#
# A report on this network trained it four times for 30 epochs, with Adam at a learning rate of **0.01**, and measured the accuracy on validation images:
#
# | | with dropout | without dropout |
# |---|---|---|
# | with BN | 70.87 % | 77.92 % |
# | without BN | 9.52 % | 9.72 % |
#
# It concludes that the network cannot learn without BN. The lower row is what a guess would get. Repeat the experiment first.
#
# **Predict.** Adam's usual learning rate is 0.001. What would the lower row be with it?

# %%
width, epochs = profile.width(), profile.epochs(10)


def train_blocks(name, learning_rate, seed=1, **switches):
    keras.utils.set_random_seed(seed)
    net = build_blocks(width=width, **switches)
    adam = keras.optimizers.Adam(learning_rate)
    net.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    known = {"validation_data": (x_val, y_val), "batch_size": 32, "epochs": epochs}
    return training.fit(net, name, x_train, y_train, callbacks=[], **known)

# %% [markdown]
# First the two cheap tests of *03*, which find a slip in seconds: a first loss close to log(10), and a hundred images learnt by heart.

# %%
probe = build_blocks(width=width, dropout=0)
probe.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
print(f"first loss {training.first_loss(probe, x_train, y_train):.3f}, log(10) is {np.log(10):.3f}")
learnt = training.overfits(probe, x_train, y_train, images=100, epochs=30)
print(f"accuracy on 100 images learnt by heart: {learnt:.2f}")

# %%
grid = {}
for batch_norm, dropout in itertools.product((True, False), (0.5, 0)):
    name = f"{'BN' if batch_norm else 'no BN'}, {'dropout' if dropout else 'no dropout'}"
    made = train_blocks(
        f"reg_{batch_norm}_{dropout}_01", 0.01, batch_norm=batch_norm, dropout=dropout
    )
    grid[f"{name}, 0.01"] = made

# %%
for batch_norm in (True, False):
    made = train_blocks(f"reg_{batch_norm}_001", 0.001, batch_norm=batch_norm, dropout=0)
    grid[f"{'BN' if batch_norm else 'no BN'}, no dropout, 0.001"] = made

# %%
fig, ax = plt.subplots(figsize=(8, 4.5))
plots.compare_histories(grid, "val_accuracy", ax=ax)
ax.axhline(0.1, color="0.4", linestyle=":", label="guessing")
ax.legend(fontsize=8)
plt.show()

# %% [markdown] answer="reg-cause" points=2
# **What do you see?** (2 points) Which of the six trainings stay at the level of a guess? The report says that without BN the network cannot learn. Which single change in your figure disproves that, and what then is the cause of the 10 %? Say also what BN does contribute.
#
# ### BEGIN SOLUTION
# *Rubric.* One point: without BN the accuracy stays near 0.10 at learning rate 0.01 (with most seeds) and rises well above it at 0.001 with nothing else changed, so the learning rate is the cause: steps of that size throw the unnormalised network into a region where its units no longer answer. One point: BN lets the network learn at a learning rate ten times as high, if not with every setting or seed; at 0.001 both learn, and the difference between them is small.
# ### END SOLUTION

# %% [markdown]
# ## 3. Dropout by hand
#
# With rate $p$, each value is kept with probability $1 - p$. So that its expectation stays the same, a kept value is divided by $1 - p$ (*inverted dropout*). After training nothing is dropped and nothing is scaled:
#
# $$y_i = \begin{cases} x_i / (1 - p) & \text{if } u_i \ge p \\ 0 & \text{else} \end{cases} \qquad u_i \text{ uniform in } [0, 1)$$
#
# **Exercise (3 points).** Write `dropout_forward`. The random numbers come in from outside, so that the result is known.

# %% solution="reg-dropout-answer"
def dropout_forward(x, rate, uniform, training=True):
    """Inverted dropout in NumPy.

    x: floats of any shape; uniform: numbers in [0, 1) of the same shape; 0 <= rate < 1
    Returns an array of x's shape: x / (1 - rate) where uniform >= rate, else 0.
    With training=False it returns the values of x. x itself stays as it is.

    Example: dropout_forward(np.array([2.0, 2.0]), 0.5, np.array([0.1, 0.7])) is [0, 4].
    """
    ### BEGIN SOLUTION
    if not training:
        return x.copy()
    return np.where(uniform >= rate, x / (1 - rate), 0.0)
    ### END SOLUTION

# %% tests="reg-dropout" points=3
with checks.exercise("reg-dropout", hidden="other shapes and rates, training=False, x unchanged"):
    values, uniform = np.array([[1.0, -2.0, 3.0, 4.0]]), np.array([[0.1, 0.2, 0.5, 0.9]])
    dropped = dropout_forward(values, 0.2, uniform)
    checks.close(dropped, np.array([[0.0, -2.5, 3.75, 5.0]]), "Dropout of 0.2")
    after = dropout_forward(values, 0.2, uniform, training=False)
    checks.close(after, values, "After training, the result")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(8)
for shape, rate in (((50,), 0.5), ((4, 3, 5, 2), 0.3), ((6, 7), 0.0), ((40, 4), 0.9)):
    x, uniform = rng.normal(size=shape), rng.random(shape)
    got = check.as_array(submission.call("dropout_forward", x, rate, uniform), "The result")
    check.shape(got, shape, f"The result for x of shape {shape}")
    kept = uniform >= rate
    check.that(
        not np.any(got[~kept]), "A value is not 0 though its random number is below the rate."
    )
    check.that(
        np.allclose(got[kept], x[kept] / (1 - rate)),
        "A kept value is not x / (1 - rate): without that factor, the next layer gets less in "
        "training than afterwards.",
    )
    got = submission.call("dropout_forward", x, rate, uniform, training=False)
    check.that(np.allclose(got, x), "With training=False, the result is not x itself.")
edge = submission.call("dropout_forward", np.array([1.0, 1.0]), 0.5, np.array([0.5, 0.49]))
check.that(np.allclose(edge, [2.0, 0.0]), "A random number equal to the rate keeps the value.")
### END HIDDEN TESTS

# %%
checks.hint("reg-dropout")

# %% [markdown]
# ## 4. L2 by hand
#
# An L2 penalty with factor $\lambda$ adds the squares of all weights $w$ of a kernel to the loss, for each kernel that has one; biases stay out:
#
# $$L = L_{\text{data}} + \lambda \sum_k \sum_i w_{k,i}^2$$
#
# Its gradient, $2 \lambda w$, pulls each weight to 0 in proportion to its size.
#
# **Exercise (3 points).** Write `l2_penalty`, and its gradient with respect to each kernel.

# %% solution="reg-penalty-answer"
def l2_penalty(kernels, factor):
    """The L2 penalty and its gradients.

    kernels: a list of arrays of any shapes; factor: the lambda of the formula
    Returns (penalty, gradients): a float, and a list of arrays of the kernels' shapes.

    Example: l2_penalty([np.array([1.0, 2.0])], 0.1) is (0.5, [array([0.2, 0.4])]).
    """
    ### BEGIN SOLUTION
    penalty = factor * sum(float((kernel**2).sum()) for kernel in kernels)
    return penalty, [2 * factor * kernel for kernel in kernels]
    ### END SOLUTION

# %% tests="reg-penalty" points=3
with checks.exercise("reg-penalty", hidden="kernels of other shapes, and none at all"):
    net = build_blocks(l2=0.01, width=0.25)
    kernels = [
        layer.kernel.numpy() for layer in net.layers if isinstance(layer, keras.layers.Dense)
    ]
    penalty, gradients = l2_penalty(kernels, 0.01)
    checks.close(penalty, float(sum(net.losses)), "The penalty of the network", rtol=1e-3)
    checks.equal([g.shape for g in gradients], [k.shape for k in kernels], "The gradients' shapes")
    checks.close(gradients[0], 0.02 * kernels[0], "The first gradient")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(9)
for shapes, factor in (([(3, 3, 4, 5), (20, 7)], 0.005), ([(9,)], 1.5), ([], 0.1)):
    kernels = [rng.normal(size=shape) for shape in shapes]
    result = submission.call("l2_penalty", kernels, factor)
    check.equal(len(result), 2, "The number of results of l2_penalty")
    want = factor * sum(float(np.sum(k * k)) for k in kernels)
    check.that(
        np.allclose(float(result[0]), want),
        f"The penalty is wrong for {len(shapes)} kernels and factor {factor}: the factor times "
        "the sum of all squares, no half and no mean.",
    )
    check.equal(len(result[1]), len(kernels), "The number of gradients")
    for got, kernel in zip(result[1], kernels):
        check.shape(np.asarray(got), kernel.shape, "A gradient")
        check.that(np.allclose(got, 2 * factor * kernel), "A gradient is not 2 · factor · kernel.")
### END HIDDEN TESTS

# %%
checks.hint("reg-penalty")

# %% [markdown]
# ## 5. Which remedy, and how much of it?
#
# Another report tried remedies one at a time on a small network: 0.7503 without any; dropout 0.5 0.7324, dropout 0.2 0.7433; batches of 64 0.7520, and with L2 of 0.01 0.7634. The differences are one or two points, from one training each.
#
# Here the network without BN trains on few images, so that it overfits. The *gap* is the training accuracy minus the validation accuracy after the last epoch.
#
# **Predict.** Which remedy makes the gap smallest? Does the smallest gap also mean the best validation accuracy?

# %%
remedies = {
    "none, batch 64": {},
    "dropout 0.2": {"dropout": 0.2},
    "dropout 0.5": {"dropout": 0.5},
    "L2 0.005": {"l2": 0.005},
    "L2 0.01": {"l2": 0.01},
    "none, batch 128": {"batch_size": 128},
}
few_x, few_y = x_train[: n_train // 4], y_train[: n_train // 4]

# %%
def train_few(name, seed=1, batch_size=64, **switches):
    keras.utils.set_random_seed(seed)
    net = build_blocks(width=width, batch_norm=False, **({"dropout": 0} | switches))
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    known = {"validation_data": (x_val, y_val), "batch_size": batch_size, "epochs": 20}
    return training.fit(net, name, few_x, few_y, callbacks=[], **known)

# %%
tried = {}
for number, (name, switches) in enumerate(remedies.items()):
    tried[name] = train_few(f"reg_few_{number}", **switches)

# %%
ends = {name: made.history for name, made in tried.items()}
gaps = [h["accuracy"][-1] - h["val_accuracy"][-1] for h in ends.values()]
best = [h["val_accuracy"][-1] for h in ends.values()]
fig, ax = plt.subplots(figsize=(8, 4))
places = np.arange(len(ends))
ax.bar(places - 0.2, best, 0.4, label="validation accuracy", color=plots.COLOURS[0])
ax.bar(
    places + 0.2,
    gaps,
    0.4,
    label="gap to training accuracy",
    color="white",
    edgecolor="0.2",
    hatch="//",
)
ax.set_xticks(places, list(ends), rotation=20)
ax.set(ylabel="accuracy after the last epoch", ylim=(0, 1))
ax.legend()
plt.show()

# %% [markdown] answer="reg-remedies" points=2
# **What do you see?** (2 points) Order the remedies by gap and by validation accuracy, with numbers. Which differences would you trust, given that each bar is one training, and what would you do before you recommend one of them?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: numbers from the figure, and the observation that the two orders differ: dropout and L2 shrink the gap, mostly by lowering the training accuracy, while the validation accuracy moves by a few points. One point: a single training does not tell differences of one or two points from chance; train several times with other random seeds, give mean and spread, and compare at equal training time or with each setting tuned.
# ### END SOLUTION

# %% [markdown]
# ## 6. Early stopping
#
# The first report stops by a rule of its own: **the validation loss has risen three epochs running, while the training loss fell in each of them.** A rise is a value above that of the epoch before; equal is no rise.
#
# **Exercise (2 points).** Write the rule as `should_stop`, for the losses so far.

# %% solution="reg-rule-answer"
def should_stop(losses, val_losses, epochs=3):
    """Whether the last `epochs` steps all had a falling training and a rising validation loss.

    losses, val_losses: lists of floats, one for each epoch so far
    Returns True or False; False while there are too few epochs.

    Example: should_stop([4, 3, 2, 1], [1, 2, 3, 4]) is True: three steps.
    """
    ### BEGIN SOLUTION
    if len(losses) <= epochs:
        return False
    falls = np.diff(losses[-epochs - 1 :]) < 0
    rises = np.diff(val_losses[-epochs - 1 :]) > 0
    return bool(np.all(falls & rises))
    ### END SOLUTION

# %% tests="reg-rule" points=2
with checks.exercise(
    "reg-rule", hidden="rises that are interrupted, equal values, other numbers of epochs"
):
    checks.equal(bool(should_stop([4, 3, 2, 1], [1, 2, 3, 4])), True, "Three rises running")
    checks.equal(bool(should_stop([3, 2, 1], [1, 2, 3])), False, "Two rises, in three epochs,")
    checks.equal(bool(should_stop([4, 3, 2, 1], [1, 2, 1, 2])), False, "An interrupted rise")
### BEGIN HIDDEN TESTS
from autograder import submission

falling = [9.0, 8.0, 7.0, 6.0, 5.0]
cases = (
    (
        "a rise of the training loss in between",
        [9.0, 8.0, 8.5, 7.0],
        [1.0, 2.0, 3.0, 4.0],
        3,
        False,
    ),
    ("equal validation losses", falling, [1.0, 2.0, 3.0, 3.0, 4.0], 3, False),
    ("three rises at the end of a longer history", falling, [3.0, 1.0, 2.0, 3.0, 4.0], 3, True),
    ("three rises that are over", falling + [4.0], [1.0, 2.0, 3.0, 4.0, 2.0, 3.0], 3, False),
    ("no epoch", [], [], 3, False),
    ("epochs=1", [2.0, 1.0], [1.0, 2.0], 1, True),
    ("epochs=4 and three rises", falling[:4], [1.0, 2.0, 3.0, 4.0], 4, False),
    ("epochs=4 and four rises", falling, [1.0, 2.0, 3.0, 4.0, 5.0], 4, True),
)
for what, losses, val_losses, steps, want in cases:
    got = submission.call("should_stop", losses, val_losses, steps)
    submission.checks.that(bool(got) == want, f"should_stop is wrong for {what}.")
### END HIDDEN TESTS

# %%
checks.hint("reg-rule")

# %% [markdown]
# A *callback* is an object whose methods Keras calls while it trains: `on_train_begin(logs)` once, `on_epoch_end(epoch, logs)` after each epoch, with `logs["loss"]` and `logs["val_loss"]`. Setting `self.model.stop_training = True` ends the training after that epoch.
#
# **Exercise (4 points).** Write the callback `StopOnRise`, with your rule. The same object may serve for several trainings, one after the other: forget the old losses when a new one begins.

# %% solution="reg-callback-answer"
class StopOnRise(keras.callbacks.Callback):
    """Stops when the validation loss rose `epochs` times running while the training loss fell.

    Example: model.fit(..., callbacks=[StopOnRise(epochs=3)])
    """

    def __init__(self, epochs=3):
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs=None):
        ### BEGIN SOLUTION
        self.losses, self.val_losses = [], []
        ### END SOLUTION

    def on_epoch_end(self, epoch, logs=None):
        ### BEGIN SOLUTION
        self.losses.append(logs["loss"])
        self.val_losses.append(logs["val_loss"])
        if should_stop(self.losses, self.val_losses, self.epochs):
            self.model.stop_training = True
        ### END SOLUTION

# %% locked="reg-simulate"
def stopped_after(runs, epochs=3):
    """Epochs that each run lasts with one StopOnRise; a run is (losses, val_losses)."""
    callback, lasted = StopOnRise(epochs), []
    for losses, val_losses in runs:
        model = keras.Sequential()
        model.stop_training = False
        callback.set_model(model)
        callback.on_train_begin()
        for epoch, (loss, val_loss) in enumerate(zip(losses, val_losses)):
            callback.on_epoch_end(epoch, {"loss": loss, "val_loss": val_loss})
            if model.stop_training:
                break
        lasted.append(epoch + 1)
    return lasted

# %% tests="reg-callback" points=4
with checks.exercise(
    "reg-callback", hidden="long runs, another number of epochs, three runs in a row"
):
    rising = ([5, 4, 3, 2, 1], [1, 2, 3, 4, 5])
    checks.equal(stopped_after([rising]), [4], "The epochs that a run lasts with three rises")
    calm = ([5, 4, 3, 2, 1], [5, 4, 3, 2, 1])
    checks.equal(stopped_after([calm]), [5], "The epochs that a run without a rise lasts")
    checks.equal(
        stopped_after([rising, rising]), [4, 4], "The epochs of two runs, one after the other"
    )
### BEGIN HIDDEN TESTS
from autograder import submission

down = [10.0 - k for k in range(10)]
late = [5.0, 4.0, 3.0, 2.0, 1.0, 1.5, 1.7, 1.6, 1.8, 1.9]
last = [5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.4, 0.6, 0.8, 0.9]
for runs, steps, want, what in (
    ([[down, late]], 3, [10], "a run whose rise is interrupted"),
    ([[down, last]], 3, [10], "a run that rises in its last three epochs"),
    ([[down, late]], 2, [7], "epochs=2"),
    ([[down, down], [down, late], [down, down[::-1]]], 2, [10, 7, 3], "three runs in a row"),
    ([[down, down[::-1]], [[1.0], [9.0]]], 1, [2, 1], "a run of one epoch after another run"),
    (
        [[[9.0, 8.0, 7.0], [1.0, 2.0, 3.0]], [[6.0, 5.0, 4.0], [4.0, 5.0, 6.0]]],
        3,
        [3, 3],
        "a run after an earlier training, whose losses it must forget",
    ),
):
    got = submission.call("stopped_after", runs, steps)
    submission.checks.that(list(got) == want, f"StopOnRise stops at a wrong epoch in {what}.")
### END HIDDEN TESTS

# %%
checks.hint("reg-callback")

# %% [markdown]
# Keras has `EarlyStopping(monitor="val_loss", patience=3)`: it stops when the lowest validation loss is three epochs old, whatever happened in between. Both rules read the same histories now.
#
# **Predict.** Which of the two stops earlier on a validation loss that jumps up and down?

# %%
def patience_stops(val_losses, patience=3):
    for epoch in range(len(val_losses)):
        if epoch - int(np.argmin(val_losses[: epoch + 1])) >= patience:
            return epoch + 1
    return len(val_losses)

# %%
print(f"{'training':<18}{'epochs':>8}{'your rule':>12}{'patience 3':>12}{'lowest val_loss':>17}")
for name, made in tried.items():
    loss, val_loss = made.history["loss"], made.history["val_loss"]
    ours = stopped_after([(loss, val_loss)])[0]
    print(
        f"{name:<18}{len(loss):>8}{ours:>12}{patience_stops(val_loss):>12}{np.argmin(val_loss) + 1:>17}"
    )

# %% [markdown]
# Three rises *running* are rare on a curve that jumps: the first report's rule often lets a training go on to its end, while patience ends it. Patience needs no training loss, and with `restore_best_weights=True` it also brings back the weights of the best epoch.

# %% [markdown]
# ## What others got
#
# | | learning rate 0.01, with dropout 0.5 | 0.01, without dropout | 0.001, without dropout |
# |---|---|---|---|
# | the report, 30 epochs, CIFAR-10, with BN | 0.7087 | 0.7792 | – |
# | without BN | 0.0952 | 0.0972 | – |
# | *offline*, generated images, with BN | 0.107 [0.100, 0.121] | 0.377 [0.122, 0.634] | 0.606 [0.571, 0.645] |
# | without BN | 0.197 [0.100, 0.586] | 0.216 [0.100, 0.681] | 0.588 [0.524, 0.646] |
# | *quick*, CIFAR-10, with BN | 0.379 [0.354, 0.406] | 0.499 [0.468, 0.525] | 0.539 [0.530, 0.550] |
# | without BN | 0.153 [0.072, 0.311] | 0.171 [0.072, 0.368] | 0.538 [0.511, 0.553] |
#
# | 20 epochs, without BN | *offline*, 500 images: validation accuracy | gap | *quick*, 2,000 photographs: validation accuracy | gap |
# |---|---|---|---|---|
# | none, batch 64 | 0.513 [0.472, 0.562] | 0.292 [0.285, 0.304] | 0.448 [0.435, 0.463] | 0.345 [0.266, 0.417] |
# | dropout 0.2 | 0.509 [0.492, 0.525] | 0.224 [0.190, 0.260] | 0.453 [0.436, 0.475] | 0.337 [0.284, 0.379] |
# | dropout 0.5 | 0.487 [0.440, 0.540] | 0.133 [0.116, 0.143] | 0.454 [0.442, 0.465] | 0.210 [0.176, 0.249] |
# | L2 0.005 | 0.529 [0.486, 0.580] | 0.242 [0.210, 0.271] | 0.456 [0.449, 0.467] | 0.229 [0.188, 0.257] |
# | L2 0.01 | 0.520 [0.485, 0.583] | 0.233 [0.209, 0.254] | 0.448 [0.444, 0.454] | 0.134 [0.096, 0.174] |
# | none, batch 128 | 0.462 [0.424, 0.490] | 0.241 [0.222, 0.272] | 0.450 [0.412, 0.475] | 0.263 [0.206, 0.355] |
#
# Validation accuracy after the last epoch: mean [lowest, highest] of seeds 1 to 5, a quarter of the width, 2,000 images and 4 epochs in the upper table; *quick*: seeds 1 to 3, half of the width, 8,000 photographs and 5 epochs there; two threads of a 64-bit processor, TensorFlow 2.21, Keras 3.15. At 0.01, four of five trainings without BN stay at 0.10 in each column and one learns; with BN and without dropout all five leave 0.10, but some barely. That difference is smaller than its spread. The one between 0.01 and 0.001 is not. Among the remedies the gaps differ clearly, and the validation accuracies, except for the batch of 128, do not.
#
# The photographs agree. At 0.01, two of three trainings without BN guess one class in each column, which is 0.072 of these validation images; at 0.001, BN adds nothing: 0.539 beside 0.538. Dropout of 0.5 and L2 close the gap, and no remedy raises the validation accuracy by more than seeds differ.

# %% [markdown]
# ## Take-away
#
# Batch normalisation lets a network learn at a learning rate that would otherwise throw it off; at a usual learning rate the same network learns without it. Dropout and L2 close the gap between training and validation, which is not the same as raising the validation accuracy. A difference of a point between two single trainings is no finding before it was repeated with other random seeds.
#
# **To go on with.** Batch normalisation uses the other images of the batch, so an image's prediction in training depends on its company. What happens with a batch of one image, and which normalisation does without the batch?
