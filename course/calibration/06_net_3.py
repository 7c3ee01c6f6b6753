"""What the bands of 06_net_3 have to tell apart; run by `autograder calibrate`.

The figures are compared with the third band. The first two lie between the same bounds: above what
a network reaches that has learnt nothing of shapes, below what the course's own network reaches.
"""

import keras
import numpy as np

from autograder import submission
from helpers import data

EXERCISE = "net3-own-3"
SEEDS = 20


def variants(solution):
    """Broken variants and the reference, each a function from a seed to held-out accuracy.

    solution: the names of the notebook after all its answers.
    """
    images = data.load("cifar10").scaled()
    cut = len(images.x_train) // 10  # the notebook's validation images
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
    """Fully connected layers alone, within the budget of 200,000 parameters; compiled."""
    layers = [keras.layers.Dense(units, activation="relu") for units in hidden]
    end = keras.layers.Dense(10, activation="softmax")
    flat = [keras.layers.Input(shape=(32, 32, 3)), keras.layers.Flatten()]
    net = keras.Sequential([*flat, *layers, end])
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net
