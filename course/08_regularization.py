# %% [markdown]
# # Regularization: what keeps a network from memorizing
#
# **120 minutes, 20 points.** Builds on *03 NET I* and *06 NET III*.
#
# In this assignment you
#
# * **build** one network with switches for batch normalization, dropout and L2,
# * **repeat** an experiment that led to a wrong conclusion, and **find** its real cause,
# * **compute** dropout and the L2 penalty by hand,
# * **write** early stopping as a Keras callback, and **compare** it with Keras's own.
#
# **Why?** A network with a million parameters can memorize ten thousand images, labels and all. What you want from it is something else: to be right about images that it has never seen. *Regularization* is every means that serves this second aim at the cost of the first. There are many such means, each is one line of Keras, and each has its believers. So this assignment also trains a skill that outlasts all of them: to find out what a means does, with experiments that change one thing at a time and that you repeat before you believe them.

# %% [markdown] locked="reg-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="reg-setup"
# build writes the set-up cell here.

# %%
import itertools

import keras
import matplotlib.pyplot as plt
import numpy as np

from convcourse import data, plots, profile, training

keras.utils.set_random_seed(1)

# %%
images = data.load("cifar10").scaled()
small = profile.current().name == "offline"
n_train, n_val = (2_000, 1_000) if small else (len(images.x_train) * 4 // 5, 2_000)
x_train, y_train = images.x_train[:n_train], images.y_train[:n_train]
x_val, y_val = images.x_train[-n_val:], images.y_train[-n_val:]
print(f"{n_train:,} images for training, {n_val:,} for validation")

# %% [markdown]
# ## 1. One network with switches
#
# The *three-block net* repeats a block three times, with 32, 64 and 128 filters:
#
# $$\text{CONV } 3 \times 3 \text{ same} - \text{BN} - \text{ReLU} - \text{POOL } 2 \times 2$$
#
# Then it flattens the result and ends with a fully connected (FC) layer of 512 units with ReLU, dropout, and an FC layer of 10 units with softmax.
#
# * **Batch normalization** (BN; Ioffe and Szegedy, 2015) normalizes each channel to mean 0 and variance 1 over the batch, then scales and shifts it by two learned numbers. For use after training, it keeps running averages of mean and variance, which are not trained by gradients. By default, Keras moves these averages by 1% per step; a training run of few steps needs `momentum=0.9`, which moves them by 10%.
# * **Dropout** (Srivastava and others, 2014) sets a random share of the values to 0 in each training step, and none after training. No unit can rely on a particular other one, so each has to be useful by itself.
# * **L2** adds a penalty for large weights to the loss, here for both FC layers. A network with small weights changes its output little when its input changes a little.
#
# **Predict.** BN has four numbers for each channel. How many parameters do the three BN layers add, and how many of them are trained?

# %% [markdown]
# **Exercise (4 points).** Write `build_blocks`. When a switch is off, leave out its layer. `width` multiplies the number of filters and the units of the hidden FC layer, but not the number of classes.

# %% solution="reg-build-answer"
def build_blocks(batch_norm=True, dropout=0.5, l2=0.0, width=1.0, classes=10):
    """Build the three-block net for input (32, 32, 3), without compiling it.

    batch_norm: whether each block has BN between convolution and ReLU (momentum 0.9)
    dropout: rate after the FC layer of 512 units; 0 leaves the layer out
    l2: factor of the L2 penalty on the kernels of both FC layers, not on biases; 0 for none
    width: factor for the sizes, rounded: round(width * 32) filters, round(width * 512) units
    Returns a new keras.Model in each call, built, so that it knows the size of its input.

    Example: build_blocks().count_params() is 1148362.
    """
    ### BEGIN SOLUTION
    layers = keras.layers
    penalty = keras.regularizers.L2(l2) if l2 else None
    chain = [layers.Input((32, 32, 3))]
    for filters in (32, 64, 128):
        chain.append(layers.Conv2D(round(width * filters), 3, padding="same"))
        if batch_norm:
            chain.append(layers.BatchNormalization(momentum=0.9))
        chain += [layers.ReLU(), layers.MaxPooling2D()]
    units = round(width * 512)
    chain.append(layers.Flatten())
    chain.append(layers.Dense(units, activation="relu", kernel_regularizer=penalty))
    if dropout:
        chain.append(layers.Dropout(dropout))
    chain.append(layers.Dense(classes, activation="softmax", kernel_regularizer=penalty))
    return keras.Sequential(chain)
    ### END SOLUTION

# %% tests="reg-build" points=4
with checks.exercise("reg-build", hidden="every switch, other widths, and the L2 factors"):
    net = build_blocks()
    checks.architecture(
        net,
        "conv 3x3x32 same, bn, relu, pool 2, conv 3x3x64 same, bn, relu, pool 2,"
        "conv 3x3x128 same, bn, relu, pool 2, flatten, dense 512 relu, dropout 0.5, dense 10 softmax",
        input_shape=(32, 32, 3),
    )
    checks.parameters(net, total=1_148_362, trainable=1_147_914, input_shape=(32, 32, 3))
    checks.that(not net.compiled, "build_blocks compiles the network: leave compiling to the caller.")
    # For black images the batch's variance is 0, so one step takes the running variance from 1 to the momentum.
    net(np.zeros((2, 32, 32, 3), dtype="float32"), training=True)
    largest = sorted(float(np.max(w)) for w in net.non_trainable_weights)  # the three averages of mean are 0
    kept = max(largest[-3:], key=lambda momentum: abs(momentum - 0.9))
    checks.close(kept, 0.9, "The momentum of a BN layer", atol=1e-3)
    noise = np.random.default_rng(1).random((2, 32, 32, 3), dtype="float32")
    once, again = (np.asarray(net(noise, training=True)) for _ in range(2))
    checks.that(
        not np.array_equal(once, again),
        "Two training steps with the same images give the same output: dropout drops nothing, or always the same units.",
    )
    checks.that(
        build_blocks() is not net,
        "build_blocks returns the same network in each call: a second training would continue the first.",
    )
    penalized = build_blocks(batch_norm=False, dropout=0, l2=0.01)
    checks.parameters(penalized, total=1_147_466, input_shape=(32, 32, 3))
    for weight in penalized.trainable_weights:
        weight.assign(weight + (0.1 if len(weight.shape) > 1 else 10.0))
    fc_kernels = [w.numpy() for w in penalized.trainable_weights if len(w.shape) == 2]
    expected = 0.01 * sum(float((w**2).sum()) for w in fc_kernels)
    what = "The L2 penalty for l2=0.01, of the kernels of both FC layers and of nothing else,"
    checks.close(float(sum(penalized.losses)), expected, what, rtol=1e-3)
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
text = (
    "conv 3x3x{0} same{bn}, relu, pool 2, conv 3x3x{1} same{bn}, relu, pool 2,"
    "conv 3x3x{2} same{bn}, relu, pool 2, flatten, dense {3} relu{drop}, dense {4} softmax"
)
rng = np.random.default_rng(6)
for batch_norm, rate, l2, width, classes in (
    (False, 0.2, 0.02, 0.3, 7),
    (True, 0, 0.003, 1.3, 10),
):
    sizes = [round(width * n) for n in (32, 64, 128, 512)]
    built = submission.build(
        "build_blocks", batch_norm, rate, l2, width, classes, for_inputs=(32, 32, 3)
    )
    bn, drop = ", bn" if batch_norm else "", f", dropout {rate}" if rate else ""
    made = [w.shape[-1] for w in built.get_weights() if w.ndim > 1]
    check.that(
        len(made) != 5 or sorted(made) == sorted([*sizes, classes]),
        "For other arguments width and classes, a layer has the wrong filters or units: each "
        "convolution has round(width * 32), round(width * 64) or round(width * 128) filters, the "
        "hidden FC layer has round(width * 512) units, and the last one has classes units.",
    )
    case = f"With batch_norm={batch_norm} and dropout {'above 0' if rate else '0'}"
    check.architecture(built, text.format(*sizes, classes, bn=bn, drop=drop), case=case)
    same = tuple(built.input_shape[1:]) == (32, 32, 3)
    check.that(same, "The network's input does not have the shape (32, 32, 3).")
    own = built.get_weights()
    some = [np.float32(rng.normal(size=w.shape) ** 2) * (1 if w.ndim > 1 else 30) for w in own]
    built.set_weights(some)
    built(np.ones((1, 32, 32, 3), dtype="float32"))  # for penalties of what a layer returns
    found = float(sum(built.losses))
    built.set_weights(own)
    each = [l2 * float((w**2).sum()) for w in some if w.ndim == 2]
    check.that(found, "With l2 above 0, the network has no L2 penalty.")
    alone = np.isclose(found, each, rtol=1e-3).any()
    check.that(not alone, "Only one of the two FC layers has the L2 penalty.")
    check.that(
        np.isclose(found, sum(each), rtol=1e-3),
        "The penalty is not l2 times the squares of both FC kernels: use "
        "kernel_regularizer=keras.regularizers.L2(l2) in both FC layers and in no other layer.",
    )
free = submission.build("build_blocks", for_inputs=(32, 32, 3))
check.architecture(free, text.format(32, 64, 128, 512, 10, bn=", bn", drop=", dropout 0.5"))
check.that(not float(sum(free.losses)), "By default and with l2=0, no layer may have a penalty.")
### END HIDDEN TESTS

# %%
hints.show("reg-build")

# %% [markdown]
# ## 2. Can a network learn without batch normalization?
#
# A report on this network trained it in four variants for 30 epochs, with Adam at a learning rate of **0.01**, and measured the accuracy on validation images:
#
# | network | with dropout | without dropout |
# |---|---|---|
# | with BN | 70.87% | 77.92% |
# | without BN | 9.52% | 9.72% |
#
# The report concludes that the network cannot learn without BN. The lower row is what guessing would give. Repeat the experiment first.
#
# **Predict.** Adam's usual learning rate is 0.001. What would the lower row be at that rate?

# %%
width, epochs = profile.width(), 8 if small else profile.epochs(10)
print(f"{epochs} epochs of {n_train:,} images")


def train_blocks(name, learning_rate, seed=1, **switches):
    keras.utils.set_random_seed(seed)
    net = build_blocks(width=width, **switches)
    adam = keras.optimizers.Adam(learning_rate)
    net.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    known = {"validation_data": (x_val, y_val), "validation_batch_size": 500}
    known |= {"batch_size": 32, "epochs": epochs}
    return training.fit(net, name, x_train, y_train, callbacks=[], **known)

# %% [markdown]
# Run the two cheap tests of *03* first, which find a mistake in seconds: the first loss is close to log(10), and the network can memorize a hundred images.

# %%
probe = build_blocks(width=width, dropout=0)
probe.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
print(f"first loss {training.first_loss(probe, x_train, y_train):.3f}, log(10) is {np.log(10):.3f}")
memorized = training.overfits(probe, x_train, y_train, images=100, epochs=30)
print(f"accuracy on the 100 images it was trained on: {memorized:.2f}")

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
for name, made in grid.items():
    loss, accuracy = made.history["loss"][-1], made.history["accuracy"][-1]
    print(f"{name:<28} at the end of training: loss {loss:.2f}, training accuracy {accuracy:.2f}")

# %% [markdown] answer="reg-cause" points=2
# **What do you see?** (2 points) Which of the six training runs stay at the level of guessing? The report says that the network cannot learn without BN. Which single change in your figure disproves this, and what is the real cause of the 10%? What does BN contribute?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: without BN, the accuracy stays near 0.10 at learning rate 0.01 (under *quick*, a run may reach 0.3) and rises well above it at 0.001 with nothing else changed. The learning rate is therefore the cause: steps of that size throw the unnormalized network into a region where its units no longer respond. One point: without dropout, BN lets the network learn at a learning rate ten times as high; at 0.001, both learn, and the difference between them is small. With dropout of 0.5, BN does not rescue this narrow network under *offline*: its accuracy stays at 0.10 or a little above. Under *quick*, it reaches 0.3 to 0.4.
#
# *Offline, seeds 1 to 5, at 0.01 without dropout:* with BN, all five runs learn (0.683, 0.707, 0.557, 0.495, 0.294); without BN, four stay at 0.100 and seed 3 reaches 0.713. So a student with another seed may see the network without BN learn, and is right to say so. With dropout, four of five runs without BN stay at 0.100 and one reaches 0.613; with BN, they end between 0.100 and 0.242. The batch size matters, too: with batches of 128 and 12 epochs, four of five runs without BN learn at 0.01 (0.68 to 0.73), better than those with BN. *Quick, seeds 1 to 3:* at 0.01 without dropout, all three runs with BN learn (0.355 to 0.523); without BN, two predict a single class and one reaches 0.312, and it is the same with dropout (one reaches 0.306). At 0.001, the two differ by less than their seeds: 0.555 with BN and 0.533 without. *On JAX,* all runs at 0.01 stay at 0.10; judge such an answer by its own figure.
# ### END SOLUTION

# %% [markdown]
# ### A loss that says where a network is stuck
#
# A network that gives every image the same answer has an accuracy of 0.10. Its loss tells more. If it gives each class the probability 0.1, the loss is log(10) = 2.30. If it is certain of one class, it is wrong about nine images in ten, and the loss depends on how the software computes the logarithm of 0.
#
# * On **TensorFlow**, Keras goes back to the *logits* $z$, the values before the softmax, and computes the cross-entropy from them. Its gradient with respect to $z$ is $p - y$, the probabilities minus the one-hot label. However wrong the network is, this gradient stays large, so training leaves that region again. Some units may not come back: a ReLU unit that outputs 0 for all images has no gradient.
# * On **JAX** and **PyTorch**, Keras 3.15 takes the probabilities $p$ as they are and clips them to at least $10^{-7}$ before it takes the logarithm. Below that limit, clipping is constant, so its gradient is 0. A network that is certain of one class then gets no gradient from the images that it is wrong about, and none from the others either. Its loss is $0.9 \cdot \log(10^7) = 14.5$ and stays there.
#
# On an NVIDIA H100 with Keras 3.15 on JAX, all networks of this section stood at an accuracy of 0.10 and a loss of 14.5 at the learning rate 0.01, with BN and without it. So the same lines of Keras gave another result, and it says nothing about BN. If you meet a loss of 14.5, or 16.1 on single images, end the network without softmax, compile it with `SparseCategoricalCrossentropy(from_logits=True)`, and lower the learning rate.

# %% [markdown]
# ## 3. Dropout by hand
#
# A layer that you have written yourself is no longer a black box, and dropout fits into one line. With rate $p$, each value is kept with probability $1 - p$. To keep its expectation the same, a kept value is divided by $1 - p$ (*inverted dropout*). After training, nothing is dropped and nothing is scaled:
#
# $$y_i = \begin{cases} x_i / (1 - p) & \text{if } u_i \ge p \\ 0 & \text{else} \end{cases} \qquad u_i \text{ uniform in } [0, 1)$$
#
# **Exercise (3 points).** Write `dropout_forward`. The random numbers are an argument, so the result is known in advance.

# %% solution="reg-dropout-answer"
def dropout_forward(x, rate, uniform, training=True):
    """Apply inverted dropout in NumPy.

    x: floats of any shape; uniform: numbers in [0, 1) of the same shape; 0 <= rate < 1
    Returns an array of x's shape: x / (1 - rate) where uniform >= rate, else 0.
    With training=False, it returns the values of x. It does not change x itself.

    Example: dropout_forward(np.array([2.0, 2.0]), 0.5, np.array([0.1, 0.7])) is [0, 4].
    """
    ### BEGIN SOLUTION
    if not training:
        return x.copy()
    return np.where(uniform >= rate, x / (1 - rate), 0.0)
    ### END SOLUTION

# %% tests="reg-dropout" points=3
with checks.exercise("reg-dropout", hidden="other shapes and rates, and training=False"):
    # float32 holds the rate 0.25 exactly, so a number that equals it does so after a conversion, too.
    values, uniform = np.array([[1.0, -3.0, 4.5, 6.0, 9.0]]), np.array([[0.1, 0.25, 0.5, 0.9, 0.2]])
    dropped = checks.unchanged(dropout_forward, values, 0.25, uniform)
    checks.close(dropped, np.array([[0.0, -4.0, 6.0, 8.0, 0.0]]), "The result of dropout with rate 0.25")
    after = checks.unchanged(dropout_forward, values, 0.25, uniform, training=False)
    checks.close(after, values, "The result with training=False")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(8)
for shape, rate, kind in (
    ((50,), 0.5, "float64"),
    ((200,), 0.0625, "float64"),
    ((4, 3, 5, 2), 0.3125, "float32"),
    ((6, 7), 0.0, "float64"),
    ((40, 4), 0.90625, "float64"),
):
    x, uniform = rng.normal(size=shape).astype(kind), rng.random(shape)
    uniform.flat[::3], x.flat[5] = rate, 0.0
    for in_training in (True, False):
        submission.unchanged("dropout_forward", x, rate, uniform, in_training)
    got = check.as_array(submission.call("dropout_forward", x, rate, uniform), "The result")
    check.shape(got, shape, "The result")
    check.that(
        not np.any(got[uniform < rate]), "A value is not 0 although its random number is below the rate."
    )
    kept = uniform > rate
    check.that(
        np.allclose(got[kept], x[kept] / (1 - rate), rtol=1e-4),
        "A kept value is not x / (1 - rate): without that factor, the next layer receives smaller "
        "values in training than afterwards.",
    )
    at = uniform == rate
    check.that(
        np.allclose(got[at], x[at] / (1 - rate), rtol=1e-4),
        "A value whose random number equals the rate must be kept, as x / (1 - rate).",
    )
    for after in (
        submission.call("dropout_forward", x, rate, uniform, False),
        submission.call("dropout_forward", x, rate, uniform, training=False),
    ):
        check.close(after, x, "The result with training=False")
x, draws = rng.uniform(1, 2, 60), rng.random((2, 60))
pair = submission.calls("dropout_forward", [(x, 0.5, uniform) for uniform in draws])
rules = [
    "A result is wrong where no random number equals the rate: compare each of them with the rate itself.",
    "A second call with other random numbers gives a wrong result: keep nothing from one call "
    "to the next.",
]
for got, uniform, rule in zip(pair, draws, rules):
    check.that(np.allclose(got, np.where(uniform >= 0.5, 2 * x, 0), rtol=1e-4), rule)
### END HIDDEN TESTS

# %%
hints.show("reg-dropout")

# %% [markdown]
# ## 4. L2 by hand
#
# An L2 penalty with factor $\lambda$ adds the squares of all weights $w$ of a kernel to the loss, for each kernel that has a penalty. Biases are left out:
#
# $$L = L_{\text{data}} + \lambda \sum_k \sum_i w_{k,i}^2$$
#
# Its gradient, $2 \lambda w$, pulls each weight toward 0 in proportion to its size. Under plain gradient descent, each step therefore shrinks the weight by a constant factor, which is why the penalty is also called *weight decay*. Under Adam, the two differ: Adam divides the penalty's gradient by its own scale, too (Loshchilov and Hutter, 2019).
#
# **Exercise (3 points).** Write `l2_penalty`, which computes the penalty and its gradient with respect to each kernel.

# %% solution="reg-penalty-answer"
def l2_penalty(kernels, factor):
    """Compute the L2 penalty and its gradients.

    kernels: a list of arrays of any shapes, which are not changed; factor: the lambda of the formula
    Returns (penalty, gradients): a float, and a list of arrays of the kernels' shapes.
    Without kernels, it returns 0 and an empty list.

    Example: l2_penalty([np.array([1.0, 2.0])], 0.1) is (0.5, [array([0.2, 0.4])]).
    """
    ### BEGIN SOLUTION
    penalty = factor * sum(float((kernel**2).sum()) for kernel in kernels)
    return penalty, [2 * factor * kernel for kernel in kernels]
    ### END SOLUTION

# %% tests="reg-penalty" points=3
with checks.exercise("reg-penalty", hidden="kernels of other shapes, and no kernels at all"):
    net = keras.Sequential([keras.layers.Input((6,))])
    for units in (4, 3):
        net.add(keras.layers.Dense(units, kernel_regularizer=keras.regularizers.L2(0.01)))
    kernels = [layer.kernel.numpy() for layer in net.layers]
    both = checks.unchanged(l2_penalty, kernels, 0.01)
    checks.that(
        isinstance(both, (tuple, list)) and len(both) == 2,
        "l2_penalty must return two values: `return penalty, gradients`.",
    )
    checks.close(both[0], float(sum(net.losses)), "The penalty of a network with two FC layers", rtol=1e-3)
    listed = hasattr(both[1], "__len__") and not isinstance(both[1], dict)
    checks.that(listed, "The gradients are not a list of arrays.")
    checks.equal(len(both[1]), len(kernels), "The number of gradients")
    for number, (gradient, kernel) in enumerate(zip(both[1], kernels), start=1):
        checks.close(gradient, 0.02 * kernel, f"Gradient number {number}")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(9)
for shapes, factor, case in (
    ([(3, 3, 4, 5), (20, 7)], 0.005, "a convolution's and an FC layer's kernel"),
    ([(9,)], 1.5, "one kernel with a single axis"),
    ([(2, 3), (2, 3), (2, 3)], 0.3, "three kernels of the same shape"),
    ([(4, 4)], 3e-6, "a small factor"),
    ([], 0.1, "no kernels"),
):
    kernels = [rng.normal(size=shape) for shape in shapes]
    submission.unchanged("l2_penalty", kernels, factor)
    result = submission.call("l2_penalty", kernels, factor)
    check.that(
        isinstance(result, (list, tuple)) and len(result) == 2,
        "l2_penalty does not return two values: end it with `return penalty, gradients`.",
    )
    got = check.as_array(result[0], f"The penalty for {case}")
    check.shape(got, (), f"The penalty for {case}")
    check.that(
        np.allclose(got, factor * sum(float(np.sum(k * k)) for k in kernels), rtol=1e-4),
        f"The penalty is wrong for {case}: it is the factor times the sum of the squares of all "
        "entries of all kernels, without a half, a mean or rounding.",
    )
    check.that(hasattr(result[1], "__len__"), f"For {case}, the gradients are not a list of arrays.")
    check.equal(len(result[1]), len(kernels), f"The number of gradients for {case}")
    for gradient, kernel in zip(result[1], kernels):
        check.shape(gradient, kernel.shape, "A gradient")
        right = np.allclose(gradient, 2 * factor * kernel, rtol=1e-4, atol=1e-8)
        check.that(right, f"For {case}, a gradient is not 2 · factor · kernel.")
### END HIDDEN TESTS

# %%
hints.show("reg-penalty")

# %% [markdown]
# ## 5. Which remedy, and how much of it?
#
# Another report tried remedies one at a time on a small network. It reached 0.7503 without any remedy, 0.7324 with dropout 0.5, and 0.7433 with dropout 0.2. With batches of 64 it reached 0.7520, and with L2 of 0.01 in addition 0.7634. The differences are one or two points, from a single training run each.
#
# Here we train the network without BN on few images, so that it overfits. The *gap* is the training accuracy minus the validation accuracy after the last epoch.
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
    known = {"validation_data": (x_val, y_val), "validation_batch_size": 500}
    known |= {"batch_size": batch_size, "epochs": 20}
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
# **What do you see?** (2 points) Rank the remedies by gap and by validation accuracy, with numbers. Which differences would you trust, given that each bar shows a single training run, and what would you do before you recommend one of the remedies?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: numbers from the figure, and the observation that the two rankings differ: dropout and L2 shrink the gap, mostly by lowering the training accuracy, while the validation accuracy changes by a few points. One point: a single training run cannot distinguish differences of one or two points from chance; train several times with different random seeds, report mean and spread, and compare at equal training time or with each setting tuned.
#
# *Over five seeds,* the remedies differ clearly in the gap but not in the validation accuracy, except for the batch size of 128. *Quick and full* agree: dropout of 0.5 and L2 narrow the gap, and no remedy raises the validation accuracy by more than the difference between seeds.
# ### END SOLUTION

# %% [markdown]
# ## 6. Early stopping
#
# More epochs first help and then hurt: the training loss keeps falling while the validation loss turns and rises. To stop at the turn is the cheapest regularization, because it saves time instead of costing it. The difficulty is that a real validation loss jumps, so a rule has to tell a turn from a jump (Prechelt, 1998).
#
# The first report stops training by its own rule: **the validation loss has risen for three epochs in a row, while the training loss fell in each of them.** A rise is a value above that of the previous epoch, and a fall is a value below it; an equal value is neither.
#
# **Exercise (2 points).** Write the rule as `should_stop`, a function of the losses so far.

# %% solution="reg-rule-answer"
def should_stop(losses, val_losses, epochs=3):
    """Decide if the training loss fell and the validation loss rose in the last `epochs` steps.

    losses, val_losses: lists of floats, one for each epoch so far, which are not changed
    Returns True or False, never None; False as long as there are too few epochs.

    Example: should_stop([4, 3, 2, 1], [1, 2, 3, 4]) is True, after three such steps.
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
    "reg-rule", hidden="interrupted rises, equal values, other numbers of epochs"
):
    for what, losses, val_losses, wanted in (
        ("for three rises in a row", [4, 3, 2, 1], [1, 2, 3, 4], True),
        ("for two rises in three epochs", [3, 2, 1], [1, 2, 3], False),
        ("for an interrupted rise", [4, 3, 2, 1], [1, 2, 1, 2], False),
    ):
        answer = checks.unchanged(should_stop, losses, val_losses)
        checks.that(answer is not None, f"should_stop returns None {what}; expected {wanted}.")
        answer = checks.as_array(answer, "What should_stop returns")
        checks.that(answer.ndim == 0, f"should_stop returns an array {what}; expected {wanted}.")
        checks.that(answer.dtype.kind in "biuf", f"should_stop returns a text {what}; expected {wanted}.")
        checks.that(bool(answer) == wanted, f"should_stop returns {answer} {what}; expected {wanted}.")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks


def check_answer(got, want, case):
    """Compare one answer of should_stop."""
    check.that(got is not None, f"should_stop returns None for {case}; expected True or False.")
    check.that(np.ndim(got) == 0, "should_stop returns several values; expected True or False.")
    numeric = np.asarray(got).dtype.kind in "biuf"
    check.that(numeric, "What should_stop returns is text; expected True or False.")
    check.that(bool(got) == want, f"should_stop is wrong for {case}.")


def has_diverged(losses, val_losses, steps):
    """Apply the rule epoch by epoch."""
    running = 0
    for k in range(1, len(losses)):
        both = losses[k] < losses[k - 1] and val_losses[k] > val_losses[k - 1]
        running = running + 1 if both else 0
    return running >= steps


down, up = [9.0, 8.0, 7.0, 6.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0]
for case, losses, val_losses, steps, want in (
    ("a history in which the training loss rises once", [9.0, 8.0, 8.5, 7.0], up[:4], 3, False),
    ("a history in which the training loss rises at the end", [9.0, 8.0, 7.0, 7.5], up[:4], 3, False),
    ("equal training losses", [9.0, 8.0, 8.0, 7.0], up[:4], 3, False),
    ("equal validation losses", down, [1.0, 2.0, 3.0, 3.0, 4.0], 3, False),
    ("three rises at the end of a longer history", down, [3.0, 1.0, 2.0, 3.0, 4.0], 3, True),
    ("two rises at the end of a longer history", down, [3.0, 4.0, 2.0, 3.0, 4.0], 3, False),
    ("three rises followed by a fall", [*down, 4.0], [1.0, 2.0, 3.0, 4.0, 2.0, 3.0], 3, False),
    ("an empty history", [], [], 3, False),
    ("a history of one epoch", [1.0], [1.0], 1, False),
    ("epochs=1", [2.0, 1.0], [1.0, 2.0], 1, True),
    ("steps of 0.00001", [3e-5, 2e-5, 1e-5], [1e-5, 2e-5, 3e-5], 2, True),
    ("epochs=4 and three rises", down[:4], up[:4], 4, False),
    ("epochs=4 and four rises", down, up, 4, True),
    ("epochs=3 and four rises in a row", down, up, 3, True),
):
    submission.unchanged("should_stop", losses, val_losses, steps)
    check_answer(submission.call("should_stop", losses, val_losses, steps), want, case)
for count, want in ((3, False), (4, True)):
    check_answer(submission.call("should_stop", down[:count], up[:count]), want, "the default of epochs")
rng = np.random.default_rng(10)
cases = []
for length in rng.integers(1, 9, 150):
    walks = (rng.choice([-1.0, 0.0, 1.0], length, p=p) for p in ((0.8, 0.1, 0.1), (0.1, 0.1, 0.8)))
    cases.append((*(np.cumsum(walk).tolist() for walk in walks), int(rng.integers(1, 5))))
for answer, one in zip(submission.calls("should_stop", cases), cases):
    check_answer(answer, has_diverged(*one), "one of many random histories")
### END HIDDEN TESTS

# %%
hints.show("reg-rule")

# %% [markdown]
# A *callback* is an object whose methods Keras calls during training: `on_train_begin(logs)` once, and `on_epoch_end(epoch, logs)` after each epoch, with `logs["loss"]` and `logs["val_loss"]`. Setting `self.model.stop_training = True` ends the training after that epoch.
#
# **Exercise (4 points).** Write the callback `StopOnRise`, which applies your rule. The same object may be used for several training runs, one after the other, so discard the old losses when a new run begins.

# %% solution="reg-callback-answer"
class StopOnRise(keras.callbacks.Callback):
    """Stop when the validation loss rose `epochs` times in a row while the training loss fell.

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
    """Return how many epochs each run lasts with one StopOnRise; a run is (losses, val_losses)."""
    callback, model, lasted = StopOnRise(epochs), keras.Sequential(), []
    callback.set_model(model)
    for losses, val_losses in runs:
        model.stop_training = False
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
    what = "With three rises, which must set self.model.stop_training to True, the number of epochs"
    checks.equal(stopped_after([rising])[0], 4, what)
    calm = ([5, 4, 3, 2, 1], [5, 4, 3, 2, 1])
    checks.equal(stopped_after([calm])[0], 5, "The number of epochs of a run without a rise")
    checks.equal(
        stopped_after([rising, rising]), [4, 4], "The number of epochs of two runs in a row"
    )
    # A real training: one weight moves toward 1, which the training data want, away from the -1 of the others.
    net = keras.Sequential([keras.layers.Input((1,))])
    net.add(keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    net.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    ones = np.ones((4, 1), dtype="float32")
    known = {"validation_data": (ones, -ones), "epochs": 6, "verbose": 0}
    trained = net.fit(ones, ones, callbacks=[StopOnRise(epochs=2)], **known)
    checks.equal(len(trained.epoch), 3, "With epochs=2, the number of epochs of a real training whose validation loss rises")
### BEGIN HIDDEN TESTS
from autograder import submission

np, rng = submission.np, submission.np.random.default_rng(13)


def epochs_of(run, steps):
    """How many epochs a run lasts by the rule."""
    running, (losses, val_losses) = 0, run
    for k in range(1, len(losses)):
        both = losses[k] < losses[k - 1] and val_losses[k] > val_losses[k - 1]
        running = running + 1 if both else 0
        if running == steps:
            return k + 1
    return len(losses)


down = [10.0 - k for k in range(10)]
up = down[::-1]
late = [5.0, 4.0, 3.0, 2.0, 1.0, 1.5, 1.7, 1.6, 1.8, 1.9]
last = [5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.4, 0.6, 0.8, 0.9]
flat = [1.0, 2.0, 3.0, 3.0, 4.0, 5.0, 5.0, 6.0, 7.0, 8.0]
for case, steps, runs in (
    ("a run whose rise is interrupted", 3, [[down, late]]),
    ("a run that rises in its last three epochs", 3, [[down, last]]),
    ("a run whose training loss rises as well", 3, [[up, up]]),
    ("a run whose training loss rises once in a while", 2, [[late, up]]),
    ("a run with equal validation losses", 3, [[down, flat]]),
    ("epochs=2", 2, [[down, late]]),
    ("epochs=1", 1, [[down, up]]),
    ("epochs=6", 6, [[down, up]]),
    ("losses that change by 0.00001", 2, [[[3e-5, 2e-5, 1e-5, 5e-6], [1e-5, 2e-5, 3e-5, 4e-5]]]),
    ("three runs in a row", 2, [[down, down], [down, late], [down, up]]),
    ("a run of one epoch that follows another run", 1, [[down, up], [[1.0], [9.0]]]),
    (
        "a second run, for which it must discard the earlier training's losses",
        3,
        [[[9.0, 8.0, 7.0], [1.0, 2.0, 3.0]], [[6.0, 5.0, 4.0, 3.0, 2.0], [4.0, 5.0, 6.0, 7.0, 8.0]]],
    ),
):
    got = submission.call("stopped_after", runs, steps)
    want = [epochs_of(run, steps) for run in runs]
    submission.checks.that(list(got) == want, f"StopOnRise stops at the wrong epoch in the case: {case}.")
cases = []
for steps in rng.integers(1, 4, 15):
    runs = []
    for start, length in enumerate(rng.integers(1, 12, 3)):  # each run begins where losses kept would matter
        walks = (rng.choice([-1.0, 0.0, 1.0], length, p=p) for p in ((0.8, 0.1, 0.1), (0.1, 0.1, 0.8)))
        down_walk, up_walk = (np.cumsum(walk) for walk in walks)
        runs.append([(down_walk - 15 * start).tolist(), (up_walk + 15 * start).tolist()])
    cases.append((runs, int(steps)))
wanted = [[epochs_of(run, steps) for run in runs] for runs, steps in cases]
right = [list(got) for got in submission.calls("stopped_after", cases)] == wanted
submission.checks.that(right, "StopOnRise stops at the wrong epoch in one of many random runs.")
### END HIDDEN TESTS

# %%
hints.show("reg-callback")

# %% [markdown]
# Keras provides `EarlyStopping(monitor="val_loss", patience=3)`, which stops when the lowest validation loss is three epochs old, whatever happened in between. We now apply both rules to the same histories.
#
# **Predict.** Which of the two rules stops earlier on a validation loss that jumps up and down?

# %%
def patience_stops(val_losses, patience=3):
    for epoch in range(len(val_losses)):
        if epoch - int(np.argmin(val_losses[: epoch + 1])) >= patience:
            return epoch + 1
    return len(val_losses)

# %%
print(f"{'run':<18}{'epochs':>8}{'your rule':>12}{'patience 3':>12}{'lowest val_loss':>17}")
for name, made in tried.items():
    loss, val_loss = made.history["loss"], made.history["val_loss"]
    ours = stopped_after([(loss, val_loss)])[0]
    print(
        f"{name:<18}{len(loss):>8}{ours:>12}{patience_stops(val_loss):>12}{np.argmin(val_loss) + 1:>17}"
    )

# %% [markdown]
# Three rises *in a row* are rare on a curve that jumps. The first report's rule often lets training continue to its end, while patience stops it. On a curve that rises steadily, both stop at the same epoch, as they do under *quick* in four of six runs (seed 1). Patience does not need the training loss, and with `restore_best_weights=True` it also restores the weights of the best epoch.

# %% [markdown]
# ## What others got
#
# | where, network | learning rate 0.01, with dropout 0.5 | 0.01, without dropout | 0.001, without dropout |
# |---|---|---|---|
# | the report, 30 epochs, CIFAR-10, with BN | 0.7087 | 0.7792 | – |
# | without BN | 0.0952 | 0.0972 | – |
# | *offline*, generated images, with BN | 0.158 [0.100, 0.242] | 0.547 [0.294, 0.707] | 0.708 [0.656, 0.739] |
# | without BN | 0.203 [0.100, 0.613] | 0.223 [0.100, 0.713] | 0.716 [0.700, 0.735] |
# | *quick*, CIFAR-10, with BN | 0.352 [0.302, 0.420] | 0.458 [0.355, 0.523] | 0.555 [0.534, 0.568] |
# | without BN | 0.158 [0.081, 0.306] | 0.165 [0.086, 0.312] | 0.533 [0.518, 0.551] |
# | *full*, CIFAR-10, one seed, with BN | – | – | 0.750 |
# | without BN | – | – | 0.722 |
#
# | 20 epochs, without BN | *offline*, 500 images: validation accuracy | gap | *quick*, 2,000 photographs: validation accuracy | gap | *full*, 10,000 photographs, one seed: validation accuracy | gap |
# |---|---|---|---|---|---|---|
# | none, batch 64 | 0.513 [0.472, 0.562] | 0.292 [0.285, 0.304] | 0.447 [0.424, 0.459] | 0.367 [0.356, 0.385] | 0.633 | 0.356 |
# | dropout 0.2 | 0.509 [0.492, 0.525] | 0.224 [0.190, 0.260] | 0.455 [0.440, 0.474] | 0.311 [0.261, 0.352] | 0.630 | 0.345 |
# | dropout 0.5 | 0.487 [0.440, 0.540] | 0.133 [0.116, 0.143] | 0.454 [0.435, 0.477] | 0.223 [0.171, 0.264] | 0.646 | 0.285 |
# | L2 0.005 | 0.529 [0.486, 0.580] | 0.242 [0.210, 0.271] | 0.453 [0.422, 0.472] | 0.234 [0.196, 0.274] | 0.620 | 0.174 |
# | L2 0.01 | 0.520 [0.485, 0.583] | 0.233 [0.209, 0.254] | 0.460 [0.445, 0.472] | 0.151 [0.129, 0.165] | 0.585 | 0.141 |
# | none, batch 128 | 0.462 [0.424, 0.490] | 0.241 [0.222, 0.272] | 0.459 [0.440, 0.469] | 0.269 [0.231, 0.301] | 0.633 | 0.339 |
#
# The tables show the validation accuracy after the last epoch as mean [lowest, highest], over seeds 1 to 5 for *offline* and 1 to 3 for *quick*. The upper table uses a quarter of the width, 2,000 images and 8 epochs. *Quick* uses half of the width, in the upper table with 8,000 photographs and 5 epochs. On photographs, no remedy's mean differs from that of another by more than its own seeds do. All runs of *offline* and *quick* used two threads of a 64-bit processor, TensorFlow 2.21 and Keras 3.15. *Full* is one run with seed 1 at the full width, 10 epochs on 40,000 photographs in the upper table, on an NVIDIA H100 with Keras 3.15 on JAX; section 2 says why it has no runs at 0.01.

# %% [markdown]
# ## Take-away
#
# Batch normalization can let a network learn at a learning rate that would otherwise derail it; at a usual learning rate, the same network learns without it. A network that does not learn at one setting says something about that setting, not yet about the network. Dropout and L2 narrow the gap between training and validation, which is not the same as raising the validation accuracy. A difference of one point between two single runs is not a finding until it has been repeated with other random seeds.
#
# **Going further.** Batch normalization uses the other images of the batch, so in training the prediction for an image depends on the images around it. What happens with a batch of one image, and which normalization does not need the batch?
#
# **Where to read on.**
#
# * *Dive into Deep Learning* (Zhang, Lipton, Li and Smola, 2023) derives weight decay, dropout and batch normalization, each in a section of its own.
# * Ioffe and Szegedy (2015), *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift*.
# * Santurkar, Tsipras, Ilyas and Madry (2018), *How Does Batch Normalization Help Optimization?*, and Bjorck, Gomes, Selman and Weinberger (2018), *Understanding Batch Normalization*: two later explanations; the second is about the learning rates that BN makes possible.
# * Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*.
# * Li, Chen, Hu and Yang (2019), *Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift*: why the two together can do worse than either.
# * Krogh and Hertz (1992), *A Simple Weight Decay Can Improve Generalization*; Loshchilov and Hutter (2019), *Decoupled Weight Decay Regularization*.
# * Prechelt (1998), *Early Stopping – But When?*
# * Wu and He (2018), *Group Normalization*.
