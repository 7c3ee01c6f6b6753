"""What the accuracy threshold of 05_net_2 must distinguish; run by `autograder calibrate`."""

import keras
import numpy as np

from autograder import submission
from convcourse import data, profile

EXERCISE = "net2-accuracy"
SEEDS = 20


def variants(solution):
    """Return the reference and the broken variants as functions from a seed to held-out accuracy.

    solution: the names that the notebook defines once all its solutions have run.
    """
    small = profile.current().name == "offline"
    images = data.load("cifar10", train=1_500 if small else None).scaled()  # as the notebook does
    x, y = images.x_train, images.y_train
    heldout, truth = submission.heldout()
    heldout = np.float32(heldout) / 255

    def judged(build, labels=lambda seed: y, epochs=None):
        def accuracy(seed):
            keras.utils.set_random_seed(seed)
            net = build()
            if epochs is None:
                solution["train"](net, "net2", x, labels(seed))
            else:
                net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
                net.fit(x, labels(seed), 128, epochs, validation_split=0.2, verbose=0)
            return submission.accuracy(net, heldout, truth)

        return accuracy

    net2 = solution["build_net2"]
    return {
        "reference": judged(net2),
        "labels shuffled": judged(net2, lambda seed: np.random.default_rng(seed).permutation(y)),
        "one epoch": judged(net2, epochs=1),
        "softmax on pixels": judged(softmax_on_pixels),
    }


def softmax_on_pixels():
    layers = [keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    return keras.Sequential([keras.layers.Input(shape=(32, 32, 3)), *layers])
