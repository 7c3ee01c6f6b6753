# %% [markdown]
# # Optimization: how far to step, and in which direction
#
# **120 minutes, 20 points.** Builds on *03 NET I* and *08 regularization*.
#
# In this assignment you
#
# * **write** the update steps of Adagrad and Adam in NumPy,
# * **compare** four optimizers on one network, and **sweep** the learning rate,
# * **decide** when one setting is really better than another,
# * **search** for a good head on frozen features, which are computed once for all trials.
#
# **Why?** Everything else about a network can be right, and training still fails because of one number. Under *offline*, Adam takes the network of this notebook to a validation accuracy of 0.61 at the learning rate 0.001, and leaves it at 0.10, the level of guessing, at 0.1. Much of the time of a project goes into such choices. Two skills save it: to know what a rule does with a gradient, so that you need not try everything, and to know when a difference between two results means something.

# %% [markdown] locked="opt-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="opt-setup"
# build writes the set-up cell here.

# %%
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import ParameterSampler

from convcourse import data, features, plots, profile, training

keras.utils.set_random_seed(1)

# %%
images = data.load("cifar10").scaled()
small = profile.current().name == "offline"
n_train, n_val = (2_000, 1_000) if small else (len(images.x_train) * 4 // 5, 2_000)
x_train, y_train = images.x_train[:n_train], images.y_train[:n_train]
x_val, y_val = images.x_train[-n_val:], images.y_train[-n_val:]
print(f"{n_train:,} images for training, {n_val:,} for validation")

# %% [markdown]
# ## 1. Four rules for one step
#
# Training moves the weights $w$ against the gradient $g$ of the loss. *Stochastic gradient descent* (SGD) computes $g$ from one batch of images and uses it as it is; the method goes back to Robbins and Monro (1951). But one network has weights whose gradients differ by powers of ten, and one learning rate $\eta$ cannot suit all of them. *Adaptive* rules therefore give each weight a scale of its own, computed from the gradients that this weight has had so far:
#
# | rule | state | step |
# |---|---|---|
# | SGD | none | $w \leftarrow w - \eta\, g$ |
# | Adagrad | $s \leftarrow s + g^2$ | $w \leftarrow w - \eta\, g / \sqrt{s + \varepsilon}$ |
# | Adadelta | $s \leftarrow \rho s + (1 - \rho) g^2,\ \ d \leftarrow \rho d + (1 - \rho) \Delta^2$ | $w \leftarrow w - \eta\, \Delta$ with $\Delta = g \sqrt{d + \varepsilon} / \sqrt{s + \varepsilon}$ |
# | Adam | $m \leftarrow \beta_1 m + (1 - \beta_1) g,\ \ v \leftarrow \beta_2 v + (1 - \beta_2) g^2$ | $w \leftarrow w - \eta\, \hat m / (\sqrt{\hat v} + \varepsilon)$ |
#
# All squares and square roots are computed for each weight separately, and $\varepsilon$ is a small number that keeps a denominator from being 0.
#
# * **Adagrad** (Duchi, Hazan and Singer, 2011) adds up the squared gradients in $s$. In Keras, $s$ starts at 0.1. It only grows, so the steps shrink.
# * **Adadelta** (Zeiler, 2012) replaces this sum with the moving average $s$ of the squared gradients, which can also fall. A second moving average, $d$, is that of the squared steps $\Delta^2$ before they are multiplied by $\eta$. Both start at 0. Each step uses the new $s$ and the old $d$, because the new $d$ contains the step itself.
# * **Adam** (Kingma and Ba, 2015) averages the gradient in $m$ and its square in $v$. Both start at 0 and are too small at first; after step $t$, counted from 1, the corrected averages are $\hat m = m / (1 - \beta_1^t)$ and $\hat v = v / (1 - \beta_2^t)$.
#
# The factors $\rho$, $\beta_1$ and $\beta_2$ say how slowly an average forgets. With 0.95, it covers about the last 1 / (1 − 0.95) = 20 steps.
#
# **Predict.** In the first step, the gradient of one weight is 10 times as large as that of another. How do their steps compare under SGD, and how under Adam?

# %% [markdown]
# **Exercise (2 points).** Write one step of Adagrad.

# %% solution="opt-adagrad-answer"
def adagrad_step(w, g, s, learning_rate=0.01, epsilon=1e-7):
    """Take one step of Adagrad, for each weight separately.

    w, g, s: arrays of floats of the same shape: weights, gradient, sum of squares so far
    epsilon: added to the new sum under the root, as in the table
    Returns (new weights, new sum), and does not change the arguments.

    Example: adagrad_step(np.array([1.0]), np.array([2.0]), np.array([0.0]), 0.5)
    is ([0.5], [4.0]): whatever its size, the first gradient moves the weight by 0.5.
    """
    ### BEGIN SOLUTION
    s = s + g**2
    return w - learning_rate * g / np.sqrt(s + epsilon), s
    ### END SOLUTION

# %% tests="opt-adagrad" points=2
with checks.exercise(
    "opt-adagrad", hidden="five steps in a row, other shapes, the default settings"
):
    w, g = np.array([1.0, 1.0, 2.0]), np.array([2.0, -0.5, 4.0])
    checks.unchanged(adagrad_step, g, w, np.ones(3))
    step = checks.unchanged(adagrad_step, w, g, np.array([0.0, 0.75, 9.0]), 0.5)
    checks.that(
        isinstance(step, (list, tuple, np.ndarray)) and len(step) == 2,
        "adagrad_step must return two values: the new weights and the new sum.",
    )
    checks.close(step[1], np.array([4.0, 1.0, 25.0]), "The sum of squares after 2, -0.5 and 4")
    checks.close(step[0], np.array([0.5, 1.25, 1.6]), "The array of weights after the step")
    moved, _ = adagrad_step(np.ones(1), np.ones(1), np.zeros(1), 0.5, epsilon=3.0)
    checks.close(moved, np.array([0.75]), "With epsilon 3 under the root, the weight")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(1)


def two(got, shape):
    whole = isinstance(got, (list, tuple, np.ndarray)) and len(got) == 2
    check.that(whole, "adagrad_step must return two values: the new weights and the new sum.")
    check.shape(got[0], shape, "The array of new weights")
    check.shape(got[1], shape, "The sum of squares")
    return got


submission.unchanged("adagrad_step", np.full((2, 3), 0.5), np.ones((2, 3)), np.zeros((2, 3)))
for shape, rate, epsilon in (((3, 2, 5), 0.02, 0.5), ((4, 3), 0.1, 1e-7), ((4, 3), 0.3, 0.02)):
    w, s = rng.normal(size=shape), np.full(shape, 0.1)
    for step in range(1, 6):
        g = rng.normal(size=shape) * 3
        got = two(submission.call("adagrad_step", w, g, s, rate, epsilon=epsilon), shape)
        s = s + g * g
        check.that(
            np.allclose(got[1], s, rtol=1e-4) or not np.allclose(got[1], s + epsilon, rtol=1e-4),
            "The new sum holds epsilon: add it under the root alone, not to the sum that you return.",
        )
        check.that(
            np.allclose(got[1], s, rtol=1e-4),
            "The sum of squares does not grow by the squared gradient.",
        )
        inside = w - rate * g / np.sqrt(s + epsilon)
        outside = w - rate * g / (np.sqrt(s) + epsilon)
        near = np.allclose(got[0], inside, rtol=1e-4, atol=1e-5)
        check.that(
            near or not np.allclose(got[0], outside, rtol=1e-4, atol=1e-5),
            "epsilon is added to the root: add it to the new sum, under the root.",
        )
        check.that(
            near,
            "The weights are wrong: divide each weight's gradient by the root of its own new sum "
            "plus epsilon, use the arguments learning_rate and epsilon, and step against the gradient.",
        )
        w = inside
got = two(submission.call("adagrad_step", np.zeros(2), np.array([3e-4, 2.0]), np.zeros(2)), (2,))
check.that(
    np.allclose(got[0], [-0.01 * 3e-4 / 1.9e-7**0.5, -0.01], rtol=1e-3, atol=0),
    "The weights are wrong without learning_rate and epsilon: keep the defaults of the signature.",
)
got = two(submission.call("adagrad_step", np.ones(4), np.array([-5e3, 80.0, 2e4, 1.0]), np.zeros(4), 0.5), (4,))
check.that(
    np.allclose(got[0], [1.5, 0.5, 0.5, 0.5], rtol=1e-4) and np.allclose(got[1], [25e6, 6400, 4e8, 1]),
    "The weights are wrong for large gradients or a sum that is 0 so far: take both as they are.",
)
got = two(submission.call("adagrad_step", np.ones(2), np.zeros(2), np.zeros(2), 0.5), (2,))
check.that(
    np.allclose(got[0], 1), "A weight whose gradients were all 0 must stay as it is."
)
### END HIDDEN TESTS

# %%
hints.show("opt-adagrad")

# %% [markdown]
# **Exercise (4 points).** Write one step of Adam. The visible check compares it with Keras's own Adam.

# %% solution="opt-adam-answer"
def adam_step(w, g, m, v, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Take one step of Adam, for each weight separately.

    w, g, m, v: arrays of floats of the same shape: weights, gradient, the two averages so far
    (0 at first); t: number of this step, counted from 1
    epsilon: added to the root, not under it
    Returns (new weights, new m, new v), m and v uncorrected, and does not change the arguments.

    Example: the first step moves each weight by the learning rate, against its gradient's sign.
    """
    ### BEGIN SOLUTION
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return w - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v
    ### END SOLUTION

# %% tests="opt-adam" points=4
with checks.exercise(
    "opt-adam", hidden="six steps in a row, with other settings and shapes, the default settings"
):
    variable, keras_adam = keras.Variable(np.array([1.0, -2.0, 3.0, 0.5])), keras.optimizers.Adam(0.1)
    w, m, v = np.array([1.0, -2.0, 3.0, 0.5]), np.zeros(4), np.zeros(4)
    for t, g in enumerate(
        np.array([[2.0, -0.1, 0.01, 1.0], [1.0, 0.3, -4.0, 3.0], [0.5, 0.5, 0.5, -0.5]]), start=1
    ):
        keras_adam.apply([keras.ops.convert_to_tensor(g, "float32")], [variable])
        step = checks.unchanged(adam_step, w, g, m, v, t, learning_rate=0.1)
        checks.that(
            isinstance(step, (list, tuple, np.ndarray)) and len(step) == 3,
            "adam_step must return three values: the new weights, the new m and the new v.",
        )
        w, m, v = (checks.as_array(part, f"A result of step {t}") for part in step)
        if t == 1:
            checks.close(m, 0.1 * g, "The array m after step 1")
            checks.close(v, 0.001 * g**2, "The array v after step 1")
        checks.close(w, variable.numpy(), f"The array of weights after step {t}", rtol=1e-3)
    late = adam_step(np.ones(1), np.full(1, 2.0), np.full(1, 2.0), np.full(1, 4.0), 100_000, learning_rate=0.5, epsilon=2.0)
    checks.close(late[0], np.array([0.75]), "With epsilon 2 added to the root 2, the weight", rtol=1e-3)
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
rng = np.random.default_rng(2)


def three(got, shape):
    whole = isinstance(got, (list, tuple, np.ndarray)) and len(got) == 3
    check.that(whole, "adam_step must return three values: the new weights, the new m and the new v.")
    for name, part in zip(("The array of new weights", "The array m", "The array v"), got):
        check.shape(part, shape, name)
    return got


w, g, m, v = (np.full((2, 3), value) for value in (1.0, 2.0, 0.5, 3.0))
submission.unchanged("adam_step", w, g, m, v, 5)
for shape, rate, beta_1, beta_2 in (
    ((5,), 0.05, 0.9, 0.999),
    ((2, 3), 0.01, 0.5, 0.9),
    ((5,), 0.2, 0.8, 0.98),
    ((3, 3, 2, 4), 0.1, 0.9, 0.99),
):
    w, m, v = rng.normal(size=shape), np.zeros(shape), np.zeros(shape)
    for t in range(1, 7):
        g = rng.normal(size=shape) * 2
        got = three(
            submission.call(
                "adam_step", w, g, m, v, t, learning_rate=rate, beta_1=beta_1, beta_2=beta_2
            ),
            shape,
        )
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g * g
        want = w - rate * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + 1e-7)
        check.that(
            np.allclose(got[1], m, rtol=1e-4, atol=1e-6)  # in float32, what is left of a sum near 0
            and np.allclose(got[2], v, rtol=1e-4),
            "m and v are wrong: return the averages of the gradient and of its square, uncorrected, "
            "and use the arguments beta_1 and beta_2.",
        )
        check.that(
            np.allclose(got[0], want, rtol=1e-4, atol=1e-6),
            "The weights are wrong: are both averages corrected by 1 - beta ** t, in every step and "
            "with the arguments beta_1, beta_2 and t, and is epsilon added to the root?",
        )
        w = want
g, m, v, t = np.array([1.0, -2.0]), np.array([0.5, 1.0]), np.array([2.0, 3.0]), 1_500
usual = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
got = three(submission.call("adam_step", np.zeros(2), g, m, v, t, **usual), (2,))
m, v = 0.9 * m + 0.1 * g, (0.999 * v + 0.001 * g * g) / (1 - 0.999**t)
check.that(
    np.allclose(got[0], -0.001 * m / np.sqrt(v), rtol=1e-4, atol=0),
    "The weights are wrong for step 1,500: correct both averages in every step, also in a late one.",
)
late = 1_000_000  # the corrections are 1: it does not matter to which root epsilon is added
g, v = np.array([2.0, -3.0]), np.array([4.0, 9.0])
for epsilon in (1.0, 0.2):
    got = three(
        submission.call("adam_step", np.zeros(2), g, g, v, late, learning_rate=0.5, epsilon=epsilon),
        (2,),
    )
    check.that(
        np.allclose(got[0], -0.5 * g / (np.sqrt(v) + epsilon), rtol=1e-3),
        "The weights are wrong for a large epsilon: add the argument epsilon to the root, not under it.",
    )
g, zero = np.array([2.0, -3.0]), np.zeros(2)
got = three(submission.call("adam_step", zero, g, zero, zero, 1, learning_rate=0.5, epsilon=1.0), (2,))
shares = [g / (np.abs(g) + epsilon) for epsilon in (1, 0.001**-0.5)]  # as in the table, and as in Keras
check.that(
    any(np.allclose(got[0], -0.5 * share, rtol=1e-3) for share in shares),
    "The weights are wrong for a large epsilon in the first step: it makes that step smaller, too.",
)
g, v = np.array([1e-7, 2e-7]), np.array([1e-14, 4e-14])
got = three(submission.call("adam_step", np.zeros(2), g, g, v, late), (2,))
check.that(
    np.allclose(got[0], [-0.0005, -0.002 / 3], rtol=1e-3, atol=0),
    "The weights are wrong without settings: keep the defaults of the signature.",
)
got = three(submission.call("adam_step", np.zeros(2), np.ones(2), np.zeros(2), np.zeros(2), 2), (2,))
check.that(
    np.allclose(got[1], 0.1) and np.allclose(got[2], 0.001, rtol=1e-3, atol=0),
    "m and v are wrong without settings: keep the defaults of the signature.",
)
### END HIDDEN TESTS

# %%
hints.show("opt-adam")

# %% [markdown]
# ### Paths through a narrow valley
#
# Before you train a network, watch the rules on a loss of only two weights, $L(w) = \tfrac12 (0.1\, w_1^2 + 4\, w_2^2)$. It is a long valley: across it, along $w_2$, the loss is 40 times as curved as along it. Its gradient is $(0.1\, w_1,\ 4\, w_2)$, and its lowest point is $(0, 0)$. A network's loss has such valleys in many directions at once.
#
# The next cell has Adadelta, written as the table has it, and a function that follows a rule from the start $(-8, 2)$.

# %% locked="opt-valley"
curvature, start = np.array([0.1, 4.0]), np.array([-8.0, 2.0])


def adadelta_step(w, g, s, d, learning_rate=1.0, rho=0.95, epsilon=1e-7):
    """Take one step of Adadelta; return the new weights, the new s and the new d."""
    s = rho * s + (1 - rho) * g**2
    step = g * np.sqrt(d + epsilon) / np.sqrt(s + epsilon)
    return w - learning_rate * step, s, rho * d + (1 - rho) * step**2


def follow(rule, *state, steps=50):
    """Return the (steps + 1, 2) points of a path; rule(w, g, t, *state) gives new w and state."""
    w, points = start, [start]
    for t in range(1, steps + 1):
        w, *state = rule(w, curvature * w, t, *state)
        points.append(w)
    return np.array(points)

# %% [markdown]
# Your own functions take the steps of Adagrad and Adam. The number beside each rule is its learning rate.

# %%
zero = np.zeros(2)
paths = {
    "SGD, 0.45": follow(lambda w, g, t: (w - 0.45 * g,)),
    "Adagrad, 1": follow(lambda w, g, t, s: adagrad_step(w, g, s, 1.0), zero + 0.1),
    "Adadelta, 1": follow(lambda w, g, t, s, d: adadelta_step(w, g, s, d, 1.0), zero, zero),
    "Adam, 0.5": follow(lambda w, g, t, m, v: adam_step(w, g, m, v, t, 0.5), zero, zero),
}
for name, points in paths.items():
    first, end = points[1] - points[0], points[-1]
    loss = (curvature * end**2).sum() / 2
    print(f"{name:<12} first step ({first[0]:.4f}, {first[1]:.4f}), loss after 50 steps {loss:.3f}")

# %%
along, across = np.meshgrid(np.linspace(-9, 3, 121), np.linspace(-2.6, 2.6, 105))
height = (curvature[0] * along**2 + curvature[1] * across**2) / 2
fig, axes = plt.subplots(2, 2, figsize=(8, 4.5), sharex=True, sharey=True, layout="constrained")
for ax, (name, points), color in zip(axes.flat, paths.items(), plots.COLOURS):
    ax.contour(along, across, height, [0.1, 0.5, 1.5, 3, 5, 8, 12], colors="0.7", linewidths=0.8)
    ax.plot(*points.T, "o-", color=color, markersize=3, linewidth=1)
    ax.plot(0, 0, "k+", markersize=10)
    ax.set(title=name)
fig.supxlabel("weight $w_1$")
fig.supylabel("weight $w_2$")
plt.show()

# %% [markdown]
# SGD's steps are as uneven as the gradient: it crosses the valley again and again, and moves slowly along it. Each step multiplies $w_2$ by $1 - 4 \eta$, so SGD diverges at any rate above 2 / 4 = 0.5, although a much larger rate would suit $w_1$. Adagrad and Adam move both weights by nearly the same distance at first, whatever the gradients' sizes. Adam remembers the direction of earlier steps, so it runs past the lowest point and comes back. Adadelta takes the most cautious steps of all. Try other rates, such as 0.51 for SGD and 10 for Adadelta.
#
# A valley of two weights shows how a rule treats uneven gradients. It does not show noise: a network's gradient is that of one batch, and the next batch has another one. So the next section trains a network.

# %% [markdown]
# ## 2. Four optimizers on one network
#
# A comparison of optimizers looks simple: train the same network with each of them, and rank the results. A report trained the three-block net for 30 epochs at learning rate 0.01 and gives these validation accuracies: 70.87% for gradient descent, 54.36% for Adadelta, 80.66% for Adagrad and 70.87% for Adam. It is suspicious that two optimizers agree in four digits, so we train all four.
#
# **Predict.** All four optimizers use the learning rate 0.01. For which of them is it far too small, and how can you tell this from the table of rules?

# %%
width, epochs = profile.width(), profile.epochs(10)

# %%
def build():
    inputs = x = keras.Input((32, 32, 3))
    for k in range(3):
        x = keras.layers.Conv2D(round(32 * 2**k * width), 3, padding="same", use_bias=False)(x)
        x = keras.layers.Activation("relu")(keras.layers.BatchNormalization(momentum=0.9)(x))
        x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(round(512 * width), activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))

# %%
def train(name, optimizer, seed=1):
    keras.utils.set_random_seed(seed)
    net = build()
    net.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    known = {"validation_data": (x_val, y_val), "validation_batch_size": 500}
    known |= {"batch_size": 32, "epochs": epochs}
    return net, training.fit(net, name, x_train, y_train, callbacks=[], **known)

# %%
net = build()
net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
print(f"first loss {training.first_loss(net, x_train, y_train):.2f}, log(10) is {np.log(10):.2f}")
print(f"accuracy on the 100 images it was trained on: {training.overfits(net, x_train, y_train):.2f}")

# %%
four = {}
for kind in ("SGD", "Adadelta", "Adagrad", "Adam"):
    four[kind] = train(f"opt_{kind}", getattr(keras.optimizers, kind)(learning_rate=0.01))[1]
plots.compare_histories(four, "val_accuracy")
plt.show()

# %% [markdown] answer="opt-compare" points=2
# **What do you see?** (2 points) Rank the four optimizers by your figure, with numbers, and compare the ranking with the report's. Which of the four has the wrong learning rate rather than the wrong rule, and why? Keras's default for its learning rate is 0.001; the paper uses 1.
#
# ### BEGIN SOLUTION
# *Rubric.* One point: numbers from the figure and the comparison: Adagrad and SGD learn, Adadelta hardly gets beyond its start (on photographs, it learns most slowly), and Adam depends on the run; the report also ranks Adagrad first and Adadelta last. One point: Adadelta scales its steps by the size of its earlier steps, which are nearly 0 at the start. Its rule assumes a learning rate of 1, and 0.01 makes every step a hundred times smaller. A comparison of rules at one common learning rate mostly shows how well that rate suits them. (Its first step is $\sqrt{\varepsilon / (1 - \rho)} = 0.0014$ times the learning rate, for a gradient of any size.)
#
# *Offline:* over five seeds, Adagrad is clearly better than SGD and Adadelta at 0.01, in the sense of section 4, and Adadelta catches up at its own learning rate of 1. Adam at 0.01 differs most between seeds and machines: 0.12 to 0.53 in five runs, and 0.65 with seed 1 on another machine, ahead of Adagrad. Judge the rank of Adam by the student's own figure. On photographs, under *quick* with three seeds, Adagrad leads (0.526 to 0.559) and is ahead of Adam (0.410 to 0.497); SGD differs most between seeds (0.317 to 0.513), and Adadelta has the lowest mean (0.348 to 0.381). In the report, Adagrad is first, gradient descent and Adam tie, and Adadelta is last, too.
# ### END SOLUTION

# %% [markdown]
# ## 3. The learning rate
#
# For most networks, the learning rate is the setting that matters most. Too small a rate wastes epochs; too large a rate makes the loss jump or diverge. The right one depends on the rule, the network and the batch size, so you search for it. Useful rates span several powers of ten, so a sweep uses equal *ratios*, not equal differences: between 0.00001 and 0.1, equal differences would put nearly all rates above 0.01.
#
# **Exercise (2 points).** Write `learning_rates`.

# %% solution="opt-rates-answer"
def learning_rates(lowest, highest, count):
    """Return `count` learning rates from lowest to highest with equal ratios between neighbors.

    0 < lowest < highest; count is 2 or more
    Returns a list or an array of floats, including both ends.

    Example: learning_rates(0.001, 0.1, 3) is [0.001, 0.01, 0.1].
    """
    ### BEGIN SOLUTION
    return list(np.geomspace(lowest, highest, count))
    ### END SOLUTION

# %% tests="opt-rates" points=2
with checks.exercise("opt-rates", hidden="other ends and counts"):
    rates = learning_rates(0.001, 0.1, 3)
    checks.shape(rates, (3,), "The array of three learning rates")
    checks.close(rates, np.array([0.001, 0.01, 0.1]), "The list of rates from 0.001 to 0.1")
### BEGIN HIDDEN TESTS
from autograder import submission

np, check = submission.np, submission.checks
for lowest, highest, count in (
    (1e-5, 1.0, 6),
    (0.002, 0.05, 4),
    (0.1, 0.3, 2),
    (1e-4, 1e-1, 31),
    (0.1, 0.15, 4),
    (1e-9, 50.0, 4),
    (1, 40, 4),
):
    what = "The list of learning rates for other arguments"
    got = check.as_array(submission.call("learning_rates", lowest, highest, count), what)
    check.that(got.dtype.kind in "iuf", f"{what} does not hold numbers.")
    check.that(got.shape == (count,), f"{what} does not hold as many rates as count says.")
    check.that(np.isfinite(got).all() and (got > 0).all(), f"{what} holds a rate that is not above 0.")
    check.that(
        np.allclose([got[0], got[-1]], [lowest, highest], rtol=1e-4, atol=0),
        f"{what} does not begin with lowest and end with highest.",
    )
    ratios = got[1:] / got[:-1]
    check.that(
        np.allclose(ratios, ratios[0], rtol=1e-4),
        f"{what}: the ratios of neighbors are not equal. Multiply by one factor each time, and do not round.",
    )
asked = [(10.0**-power, 0.1, count) for power in (2, 3, 5) for count in range(2, 30)]
found = submission.calls("learning_rates", asked)
right = all(np.shape(got) == (count,) for got, (_, _, count) in zip(found, asked))
check.that(right, f"{what} does not always hold as many rates as count says, such as with np.arange over floats.")
### END HIDDEN TESTS

# %%
hints.show("opt-rates")

# %%
sweep = {}
for rate in learning_rates(1e-5, 0.1, 5):
    name = f"opt_rate_{-round(np.log10(rate))}"
    sweep[rate] = train(name, keras.optimizers.Adam(rate))[1]

# %%
fig, ax = plt.subplots(figsize=(7, 4))
ends = [made.history["val_accuracy"][-1] for made in sweep.values()]
ax.semilogx(list(sweep), ends, "o-", color=plots.COLOURS[0])
ax.set(xlabel="learning rate of Adam", ylabel="validation accuracy after the last epoch")
ax.grid(alpha=0.3)
plt.show()

# %% [markdown]
# ## 4. When is a setting better?
#
# Two training runs of the same setting with different random seeds begin with other weights, see the batches in another order, and end with other accuracies. A single run is like one throw of the dice, and a ranking of single runs ranks the throws. Bouthillier and others (2021) study where this spread comes from, and how to compare in spite of it. Train each setting several times with different random seeds, and call one *clearly* better only if the difference between the means exceeds the spread of the runs.
#
# **Exercise (3 points).** Write `clear_winner`.

# %% solution="opt-winner-answer"
def clear_winner(results):
    """Return the setting with the highest mean accuracy if it is clearly the best.

    results: a dictionary from the names of 2 or more settings to lists of 2 or more accuracies
    The winner is clear if its mean exceeds that of every other setting by more than the sum of
    its own and the other's sample standard deviation (with n - 1 in the denominator).
    Returns the winner's name, or None if there is no clear winner.

    Example: clear_winner({"a": [0.70, 0.72], "b": [0.60, 0.61]}) is "a".
    """
    ### BEGIN SOLUTION
    mean = {name: np.mean(values) for name, values in results.items()}
    spread = {name: np.std(values, ddof=1) for name, values in results.items()}
    best = max(mean, key=mean.get)
    others = [name for name in results if name != best]
    clear = all(mean[best] - mean[one] > spread[best] + spread[one] for one in others)
    return best if clear else None
    ### END SOLUTION

# %% tests="opt-winner" points=3
with checks.exercise(
    "opt-winner", hidden="three settings, wide spreads, equal settings, lists of unequal length"
):
    far = {"a": [0.70, 0.72], "b": [0.60, 0.61]}
    checks.equal(clear_winner(far), "a", "The winner of [0.70, 0.72] against [0.60, 0.61]")
    checks.that(
        clear_winner({"a": [0.5, 0.7, 0.66], "b": [0.58, 0.64, 0.6]}) is None,
        "The accuracies [0.5, 0.7, 0.66] and [0.58, 0.64, 0.6] overlap: there is no clear winner, "
        "so the result must be None.",
    )
### BEGIN HIDDEN TESTS
from autograder import submission

cases = (
    ({"sgd": [0.3, 0.31], "adam": [0.8, 0.82], "rmsprop": [0.5, 0.52]}, "adam", "three settings"),
    ({"x": [0.3, 0.31], "y": [0.8, 0.82], "z": [0.79, 0.8]}, None, "a close second among three"),
    ({"x": [0.60, 0.64], "y": [0.55, 0.57]}, "x", "a difference just above the spreads"),
    ({"x": [0.60, 0.64], "y": [0.555, 0.59]}, None, "a difference just below the spreads"),
    ({"x": [0.9, 0.4, 0.5, 0.4], "y": [0.42, 0.43]}, None, "a best setting with a wide spread"),
    ({"x": [0.9, 0.91], "y": [0.2, 0.7, 0.9]}, None, "another setting with a wide spread"),
    (
        {"x": [0.0, 0.9], "y": [0.9, 0.91], "z": [0.5, 0.51]},
        None,
        "a worst setting whose wide spread reaches the best",
    ),
    ({"x": [0.2, 0.2, 0.2], "y": [0.3, 0.3]}, "y", "settings without spread, of unequal length"),
    ({"x": [0.1, 0.11], "y": [0.25, 0.25], "z": [0.25, 0.25]}, None, "two equal best settings"),
    ({"x": [0.5, 0.75, 1.0], "y": [0.0, 0.25, 0.5]}, None, "a difference equal to the spreads"),
    ({"x": [0.4, 0.4], "y": [0.5, 0.5, 0.5, 0.5, 0.6]}, "y", "a mean above the median"),
    ({"x": [0.9, 0.1, 0.1, 0.1, 0.1], "y": [0.8, 0.8]}, "y", "a low setting with one high accuracy"),
    (
        {"x": [0.8, 0.82], "y": [0.7, 0.72], "z": [0.0, 0.6]},
        "x",
        "a wide spread of the worst among three",
    ),
    (
        {"w": [0.8, 0.82], "x": [0.7, 0.72], "y": [0.6, 0.62], "z": [0.0, 0.9]},
        None,
        "a worst of four whose wide spread reaches the best",
    ),
    ({"x": [0.501, 0.502], "y": [0.505, 0.506]}, "y", "a small difference above small spreads"),
    ({"x": [0.473, 0.473], "y": [0.5, 0.5, 0.5, 0.5, 0.6]}, "y", "a mean above the median"),
    ({"x": [0.1, 0.1, 0.1, 0.1, 0.9], "y": [0.8, 0.8]}, "y", "a low setting with one high accuracy"),
    ({"x": [0.484, 0.484], "y": [0.5, 0.5, 0.5, 0.5, 0.6]}, None, "a difference below a wide spread"),
    (
        {"x": [0.6, 0.62, 0.64, 0.66], "y": [0.582, 0.602]},
        None,
        "a best setting of four runs, just below the spreads",
    ),
)
def with_n(results):
    """The winner if the standard deviations have n in place of n - 1 in the denominator."""
    known = [(sum(x) / len(x), float(submission.np.std(x)), name) for name, x in results.items()]
    mean, spread, best = max(known)
    others = [one for one in known if one[2] != best]
    return best if all(mean - other > spread + wide for other, wide, _ in others) else None


answers = [submission.call("clear_winner", results) for results, _, _ in cases]
wanted = [want for _, want, _ in cases]
submission.checks.that(
    answers == wanted or answers != [with_n(results) for results, _, _ in cases],
    "clear_winner divides by n in the standard deviation: the sample's has n - 1, in NumPy ddof=1.",
)
for got, (results, want, what) in zip(answers, cases):
    submission.checks.that(
        got is None or isinstance(got, str),
        "clear_winner must return the name of a setting, or None.",
    )
    submission.checks.that(
        got is not None or want is None, f"clear_winner finds no winner for {what}; there is one."
    )
    submission.checks.that(
        got is None or want is not None, f"clear_winner finds a winner for {what}; there is none."
    )
    submission.checks.that(got == want, f"clear_winner is wrong for {what}.")
### END HIDDEN TESTS

# %%
hints.show("opt-winner")

# %% [markdown]
# ## 5. A search on frozen features
#
# Another report searched for the best *head* of a large network: the optimizer, the number of units in a second fully connected layer (0 for none, 128, 256 or 512), and the activation. Each trial ran for 20 epochs and passed all images through the convolutions in every epoch, although these were frozen. After 48 minutes, the best head (Adam, 512, sigmoid) had an accuracy of 0.25 on 100 classes.
#
# Whatever does not change from trial to trial can be computed once. So we compute the convolutions' output once for every image and train heads on these *frozen features*. And we draw settings at random instead of trying all of a grid, because usually only few of the settings matter, and random draws try more values of those (Bergstra and Bengio, 2012).
#
# **Predict.** A head on frozen features has far fewer multiplications than the whole network. By what factor does a trial become faster on this machine?

# %%
base, _ = train("opt_rate_3", keras.optimizers.Adam(0.001))
f_train = features.activations(base, "flatten", x_train)
f_val = features.activations(base, "flatten", x_val)
print("features:", f_train.shape, f_val.shape)

# %% [markdown]
# **Exercise (2 points).** Write `search_space` with the optimizers Adam, RMSprop and SGD, the units 0, 128, 256 and 512, and the activations ReLU, sigmoid and tanh. Optimizers and activations are lowercase strings.

# %% solution="opt-space-answer"
def search_space():
    """Return the possible settings of a head, for scikit-learn's ParameterSampler.

    Returns a dictionary from "optimizer", "units" and "activation" to lists of their values, in
    any order.
    """
    ### BEGIN SOLUTION
    return {
        "optimizer": ["adam", "rmsprop", "sgd"],
        "units": [0, 128, 256, 512],
        "activation": ["relu", "sigmoid", "tanh"],
    }
    ### END SOLUTION

# %% tests="opt-space" points=2
with checks.exercise("opt-space", hidden="every value of the three lists"):
    space = search_space()
    checks.that(isinstance(space, dict), "search_space must return a dictionary.")
    checks.equal(sorted(map(str, space)), ["activation", "optimizer", "units"], "The sorted list of keys")
    for key, values in space.items():
        checks.that(
            isinstance(values, (list, tuple, np.ndarray)), f"The values of {key} must be a list."
        )
        checks.that(
            key == "units" or all(isinstance(v, str) and v == v.lower() for v in values),
            f"The values of {key} must be lowercase strings.",
        )
    checks.equal(len(space["units"]), 4, "The number of values for units")
    checks.that(
        all(isinstance(n, (int, np.integer)) for n in space["units"]),
        "The values of units must be whole numbers.",
    )
    checks.equal(len(list(ParameterSampler(space, 36, random_state=0))), 36, "The number of combinations")
### BEGIN HIDDEN TESTS
from autograder import submission

space = submission.call("search_space")
submission.checks.that(isinstance(space, dict), "search_space must return a dictionary.")
wanted = {
    "optimizer": ["adam", "rmsprop", "sgd"],
    "units": ["0", "128", "256", "512"],
    "activation": ["relu", "sigmoid", "tanh"],
}
for key, values in wanted.items():
    submission.checks.that(key in space, f"The dictionary lacks {key!r}.")
    got = sorted(map(str, list(space[key])), key=lambda text: (len(text) > 1, text))
    submission.checks.that(
        got == values,
        f"The values of {key} are not those that the exercise names"
        + ("." if key == "units" else ", in lowercase."),
    )
### END HIDDEN TESTS

# %%
hints.show("opt-space")

# %% [markdown]
# **Exercise (3 points).** Write `build_head`. With 0 units there is no hidden layer, and the activation does not matter.

# %% solution="opt-head-answer"
def build_head(inputs, units, activation, classes=10):
    """Build a head for frozen features; `trial` below compiles it.

    inputs: length of a feature vector; units: units of the hidden layer, 0 for no hidden layer
    activation: of the hidden layer, a name such as "relu"; classes: units of the output layer
    Returns a new keras.Model in each call, from (N, inputs) to (N, classes), which ends with softmax.

    Example: build_head(100, 0, "relu").count_params() is 1010.
    """
    ### BEGIN SOLUTION
    head = keras.Sequential([keras.layers.Input((inputs,))])
    if units:
        head.add(keras.layers.Dense(units, activation=activation))
    head.add(keras.layers.Dense(classes, activation="softmax"))
    return head
    ### END SOLUTION

# %% tests="opt-head" points=3
with checks.exercise("opt-head", hidden="every activation, other inputs, units and classes"):
    checks.architecture(build_head(100, 0, "relu"), "dense 10 softmax", input_shape=(100,))
    head = build_head(100, 128, "tanh")
    checks.architecture(head, "dense 128 tanh, dense 10 softmax", input_shape=(100,))
    checks.that(
        build_head(100, 128, "tanh") is not head,
        "build_head returns the same network in each call: a second trial would continue the first.",
    )
    shape = getattr(head, "input_shape", (None, 100))
    checks.that(len(shape) == 2, f"The head takes inputs of shape {shape}; expected (None, 100).")
    checks.parameters(head, total=14_218, trainable=14_218, input_shape=(100,))
    checks.that(not head.losses, "The head has a penalty on its weights, which was not asked for.")
    for units in (0, 128):
        both = [build_head(100, units, "tanh") for _ in range(2)]
        one, other = ({id(w) for w in network.weights} for network in both)
        checks.that(one.isdisjoint(other), "Two networks of build_head share weights: create new layers in each call.")
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks
for inputs, units, activation, classes in (
    (512, 512, "sigmoid", 10),
    (64, 0, "tanh", 10),
    (30, 7, "relu", 100),
    (20, 1, "tanh", 4),
    (12, 0, "relu", 3),
    (8, 1_000, "elu", 2),
):
    net = submission.build(
        "build_head", inputs, units, activation, classes=classes, for_inputs=[inputs]
    )
    check.that(
        list(net.input_shape)[1:] == [inputs],
        "The head does not take feature vectors of the length inputs.",
    )
    hidden = f"dense {units} {activation}, " if units else ""
    case = f"For build_head({inputs}, {units}, {activation!r}, classes={classes})"
    check.architecture(net, f"{hidden}dense {classes} softmax", case=case)
    total = (inputs + 1) * units + (units + 1) * classes if units else (inputs + 1) * classes
    check.parameters(net, total=total, trainable=total)
    check.that(not net.losses, "The head has a penalty on its weights, which was not asked for.")
net = submission.build("build_head", 16, 5, "relu", for_inputs=[16])
check.architecture(net, "dense 5 relu, dense 10 softmax", case="For build_head(16, 5, 'relu')")
### END HIDDEN TESTS

# %%
hints.show("opt-head")

# %%
def trial(optimizer, units, activation, seed=1):
    keras.utils.set_random_seed(seed)
    head = build_head(f_train.shape[1], int(units), str(activation))
    head.compile(str(optimizer), "sparse_categorical_crossentropy", metrics=["accuracy"])
    head.fit(f_train, y_train, batch_size=256, epochs=10, verbose=0)
    return head.evaluate(f_val, y_val, batch_size=500, verbose=0, return_dict=True)["accuracy"]

# %%
trials, started = [], time.perf_counter()
for setting in ParameterSampler(search_space(), 8, random_state=1):
    trials.append((trial(**setting), setting))
a_trial = (time.perf_counter() - started) / len(trials)
for accuracy, setting in sorted(trials, key=lambda one: -one[0]):
    print(
        f"{accuracy:.3f}  {setting['optimizer']:<8} {setting['units']:>4}  {setting['activation']}"
    )
whole = sweep[min(sweep, key=lambda rate: abs(rate - 0.001))].seconds
print(f"{a_trial:.1f} s per trial; training the whole network took {whole:.1f} s for {epochs} epochs")

# %% [markdown]
# The saving is that of the convolutions, so it depends on the machine. On two CPU cores, the convolutions take most of the time. A GPU computes them so fast that starting each step costs more: on an NVIDIA H100 with all 40,000 images (Keras 3.15 on JAX), a trial took 7.3 s and the whole network 11.8 s, hardly a saving. Measure before you build a search on it.
#
# This ranking has one run of each head. Train the best three again, with three new seeds each, and let your `clear_winner` judge. The seed of the search does not count again, because a head may owe its place to a lucky seed.

# %%
ranked, repeated = sorted(trials, key=lambda one: -one[0]), {}
for _, setting in ranked[:3]:
    head = f"{setting['optimizer']}, {setting['units']}, {setting['activation']}"
    repeated[head] = [trial(**setting, seed=seed) for seed in (2, 3, 4)]
    print(f"{head:<22}", "  ".join(f"{accuracy:.3f}" for accuracy in repeated[head]))
print("clear winner:", clear_winner(repeated))

# %% [markdown] answer="opt-search" points=2
# **What do you see?** (2 points) How far apart are the best and the worst head of the search, and the best three in their new runs? Did their order stay, and what does `clear_winner` say? What can the search on frozen features find out, what can it not find out, and what would you do before you recommend one of the three heads?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: numbers from the search and from the new runs, and the verdict of `clear_winner` on them. *Offline*, one base, seeds 2 to 4: Adam, 512, ReLU has 0.699, 0.701, 0.699 and is the clear winner; the other two, with 0.589 to 0.614 and 0.568 to 0.604, overlap, so no order between them is established. Under *quick*, the same head leads the search on each of three bases and has 0.576 to 0.632 in its new runs, and there is no clear winner on any of them. SGD at its default learning rate falls far behind (0.256 to 0.422). One point: one base shaped the features, so the search ranks heads for that base only and says nothing about the settings of the convolutions or about training both together; train the three with the whole network and several seeds, and choose by a clear difference.
# ### END SOLUTION

# %% [markdown]
# ## What others got
#
# | optimizer, learning rate | the report: three-block net, CIFAR-10, 30 epochs | *offline*: generated images, 4 epochs | *quick*: CIFAR-10, 5 epochs | *full*: CIFAR-10, 10 epochs |
# |---|---|---|---|---|
# | gradient descent, 0.01 | 0.7087 | 0.469 [0.430, 0.499] | 0.409 [0.317, 0.513] | 0.732 |
# | Adadelta, 0.01 | 0.5436 | 0.118 [0.108, 0.136] | 0.366 [0.348, 0.381] | 0.625 |
# | Adagrad, 0.01 (the report uses the proximal variant) | 0.8066 | 0.571 [0.541, 0.599] | 0.541 [0.526, 0.559] | 0.748 |
# | Adam, 0.01 | 0.7087 | 0.338 [0.123, 0.526] | 0.457 [0.410, 0.497] | – |
# | Adadelta, 1 | – | 0.600 [0.548, 0.637] | 0.507 [0.459, 0.574] | – |
# | Adam, 0.00001; 0.0001; 0.001; 0.1 | – | 0.116; 0.279; 0.606 [0.555, 0.639]; 0.100 | 0.362; 0.505; 0.533 [0.517, 0.558]; 0.111 | 0.623; 0.718; 0.756; – |
# | best head of the search | 0.25 on 100 classes: Adam, 512, sigmoid | 0.698: Adam, 512, ReLU | 0.621 [0.600, 0.633]: Adam, 512, ReLU | 0.781: Adam, 512, ReLU |
# | seconds for a trial and for the whole network | 48 minutes for all trials | 0.8 and 4.3 | 2.3 and 16.4 | 7.3 and 11.8 |
#
# The upper rows show the validation accuracy after the last epoch. *Offline*: mean [lowest, highest] over seeds 1 to 5, 2,000 images, a quarter of the width. The search ran once, with seed 1. *Quick*: seeds 1 to 3, 8,000 photographs, half of the width, each with a search of its own; the seconds are those of the fastest. Threads add in another order in each run, so the same seed can end elsewhere: a second run of gradient descent with seed 1 reached 0.456 instead of 0.317. Both used two threads of a 64-bit processor, TensorFlow 2.21 and Keras 3.15. *Full*: seed 1, 40,000 photographs, the full width, on an NVIDIA H100 with Keras 3.15 on JAX. It lacks Adam at large rates, because on JAX a network that is certain of a wrong class gets no gradient, as *08* explains.

# %% [markdown]
# ## Take-away
#
# An optimizer and its learning rate are one choice: a comparison at one common rate mostly shows which optimizer that rate suits. Sweep learning rates in equal ratios, and call a setting better only when its lead exceeds the spread over random seeds. If you compute once what does not change from trial to trial, a search on a CPU takes seconds per trial.
#
# **Going further.** A learning rate that suits the first epoch is often too large for the last, so a learning-rate schedule lowers it during training. What would you change in your sweep, and which curve would show you that the rate fell too early?
#
# **Where to read on.**
#
# * *Dive into Deep Learning* (Zhang, Lipton, Li and Smola, 2023), chapter *Optimization Algorithms*, derives each of these rules and more.
# * Robbins and Monro (1951), *A Stochastic Approximation Method*: gradient descent with noise, and why the steps must shrink.
# * Duchi, Hazan and Singer (2011), *Adaptive Subgradient Methods for Online Learning and Stochastic Optimization*: Adagrad.
# * Zeiler (2012), *ADADELTA: An Adaptive Learning Rate Method*.
# * Kingma and Ba (2015), *Adam: A Method for Stochastic Optimization*; Reddi, Kale and Kumar (2018), *On the Convergence of Adam and Beyond*, show a problem on which Adam does not converge.
# * Choi and others (2019), *On Empirical Comparisons of Optimizers for Deep Learning*: how a ranking of optimizers depends on how well each of them is tuned.
# * Bergstra and Bengio (2012), *Random Search for Hyper-Parameter Optimization*.
# * Bouthillier and others (2021), *Accounting for Variance in Machine Learning Benchmarks*.
