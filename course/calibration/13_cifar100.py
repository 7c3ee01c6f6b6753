"""What the accuracy threshold of 13_cifar100 must distinguish; run by `autograder calibrate`."""

import keras
import numpy as np

from autograder import submission
from convcourse import data, profile

EXERCISE = "c100-accuracy"
SEEDS = 8  # one training run takes over 20 seconds
ASKED = {  # the settings of the notebook
    "offline": {"epochs": 8, "batch_size": 64, "learning_rate": 0.003},
    "quick": {"epochs": 10},
    "full": {"epochs": 60},
}


def variants(solution):
    """Return the reference and the broken variants as functions from a seed to held-out accuracy.

    solution: the names that the notebook defines once all its solutions have run.
    """
    images = data.load("cifar100").scaled()
    cut = len(images.x_train) * 4 // 5
    rows = solution["one_hot"](images.y_train)
    solution.update(x_train=images.x_train[:cut], x_val=images.x_train[cut:], y_val=rows[cut:])
    heldout, truth = submission.heldout(dataset="cifar100")
    heldout = np.float32(heldout) / 255
    chosen = profile.current().name
    width = 1 / 8 if chosen == "offline" else profile.width()
    blocks = solution["BASE"][:3] if chosen == "offline" else solution["BASE"]

    def judged(labels=lambda seed: rows[:cut], build=None, **changed):
        def accuracy(seed):
            keras.utils.set_random_seed(seed)
            net = build() if build else solution["build_base"](blocks, dropout=0, width=width)
            solution["y_train"] = labels(seed)
            solution["train_network"](net, "c100_base", **(ASKED[chosen] | changed))
            return submission.accuracy(net, heldout, truth)

        return accuracy

    def shuffled(seed):
        return np.random.default_rng(seed).permutation(rows[:cut])

    return {
        "reference": judged(),
        "labels shuffled": judged(shuffled),
        "one epoch": judged(epochs=1),
        "softmax on pixels": judged(build=softmax_on_pixels),
    }


def softmax_on_pixels():
    layers = [keras.layers.Flatten(), keras.layers.Dense(100, activation="softmax")]
    return keras.Sequential([keras.layers.Input(shape=(32, 32, 3)), *layers])
