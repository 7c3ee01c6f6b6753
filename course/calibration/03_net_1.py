"""What the accuracy threshold of 03_net_1 must distinguish; run by `autograder calibrate`."""

import keras
import numpy as np

from autograder import submission
from convcourse import data

EXERCISE = "net1-accuracy"
SEEDS = 20


def variants(solution):
    """Return the reference and the broken variants as functions from a seed to held-out accuracy.

    solution: the names that the notebook defines once all its solutions have run.
    """
    images = data.load("cifar10").scaled()
    x, y = images.x_train, images.y_train
    heldout, truth = submission.heldout()
    heldout = np.float32(heldout) / 255

    def judged(build, labels=lambda seed: y, epochs=None):
        def accuracy(seed):
            keras.utils.set_random_seed(seed)
            net = solution["compile_net1"](build())
            if epochs is None:
                solution["train_net1"](net, x, labels(seed))
            else:
                net.fit(x, labels(seed), 128, epochs, validation_split=0.2, verbose=0)
            return submission.accuracy(net, heldout, truth)

        return accuracy

    net1 = solution["build_net1"]
    return {
        "reference": judged(net1),
        "labels shuffled": judged(net1, lambda seed: np.random.default_rng(seed).permutation(y)),
        "one epoch": judged(net1, epochs=1),
        "two dense layers": judged(lambda: dense(512)),
        "softmax on pixels": judged(dense),
    }


def dense(*hidden):
    layers = [keras.layers.Dense(units, activation="relu") for units in hidden]
    return keras.Sequential(
        [
            keras.layers.Input(shape=(32, 32, 3)),
            keras.layers.Flatten(),
            *layers,
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
