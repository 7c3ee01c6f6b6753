"""What the bands of 06_net_3 must distinguish; run by `autograder calibrate`.

The figures are compared with the third band. The first two bands lie between the same bounds:
above the accuracy of a network that has learned nothing about shapes, and below that of the
course's own network.
"""

import keras
import numpy as np

from autograder import submission
from convcourse import data

EXERCISE = "net3-own-3"
SEEDS = 20


def variants(solution):
    """Return the reference and the broken variants as functions from a seed to held-out accuracy.

    solution: the names that the notebook defines once all its solutions have run.
    """
    images = data.load("cifar10").scaled()
    cut = len(images.x_train) // 10  # the validation images of the notebook
    x, y = images.x_train[:-cut], images.y_train[:-cut]
    validation = images.x_train[-cut:], images.y_train[-cut:]
    heldout, truth = submission.heldout()
    heldout = np.float32(heldout) / 255

    def judged(build, labels=lambda seed: y):
        def accuracy(seed):
            keras.utils.set_random_seed(seed)
            net = build()
            solution["train_mine"](net, x, labels(seed), *validation)
            return submission.accuracy(net, heldout, truth)

        return accuracy

    mine = solution["build_mine"]
    return {
        "reference": judged(mine),
        "labels shuffled": judged(mine, lambda seed: np.random.default_rng(seed).permutation(y)),
        "softmax on pixels": judged(dense),
        "two dense layers": judged(lambda: dense(64)),
    }


def dense(*hidden):
    """Build and compile fully connected layers only, within the budget of 200,000 parameters."""
    layers = [keras.layers.Dense(units, activation="relu") for units in hidden]
    end = keras.layers.Dense(10, activation="softmax")
    flat = [keras.layers.Input(shape=(32, 32, 3)), keras.layers.Flatten()]
    net = keras.Sequential([*flat, *layers, end])
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net
