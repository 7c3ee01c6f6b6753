"""What the threshold of 14_residual_networks must distinguish; run by `autograder calibrate`."""

import keras
import numpy as np

from autograder import submission
from convcourse import data, profile

EXERCISE = "res-contest"
SEEDS = 8
TRAINED = {  # images, epochs, images in a batch and the highest learning rate of the notebook
    "offline": (2_400, 3, 32, 0.1),
    "quick": (None, 8, 64, 0.1),
    "full": (None, 60, 128, 0.1),
}


def variants(solution):
    """Return the reference and the broken variants as functions from a seed to held-out accuracy.

    solution: the names that the notebook defines once all its solutions have run.
    """
    images = data.load("cifar10").scaled()
    cut = len(images.x_train) * 4 // 5
    first, whole, size, peak = TRAINED[profile.current().name]
    x, y = images.x_train[:cut][:first], images.y_train[:cut, 0][:first]
    heldout, truth = submission.heldout()
    heldout = np.float32(heldout) / 255

    def judged(build=solution["build_contest"], labels=lambda seed: y, epochs=whole):
        def accuracy(seed):
            keras.utils.set_random_seed(seed)
            net = build()
            sgd = keras.optimizers.SGD(peak, momentum=0.9, nesterov=True)
            net.compile(sgd, "categorical_crossentropy")
            rows = solution["smooth"](np.eye(10, dtype="float32"), 0.1)[labels(seed)]
            rates = Scheduled(solution["learning_rate"], epochs * (-(-len(x) // size)), peak)
            net.fit(x, rows, batch_size=size, epochs=epochs, verbose=0, callbacks=[rates])
            return submission.accuracy(net, heldout, truth)

        return accuracy

    return {
        "reference": judged(),
        "labels shuffled": judged(labels=lambda seed: np.random.default_rng(seed).permutation(y)),
        "one epoch": judged(epochs=1),
        "softmax on pixels": judged(dense),
        "two dense layers": judged(lambda: dense(64)),
    }


class Scheduled(keras.callbacks.Callback):
    """Sets the learning rate of each step, as the notebook's own callback does."""

    def __init__(self, rate, steps, peak):
        super().__init__()
        self.rate, self.steps, self.peak, self.step = rate, steps, peak, 0

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = self.rate(self.step, self.steps, self.peak)
        self.step += 1


def dense(*hidden):
    """Build fully connected layers only, within the budget of multiplications."""
    layers = [keras.layers.Dense(units, activation="relu") for units in hidden]
    end = keras.layers.Dense(10, activation="softmax")
    return keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.Flatten(), *layers, end])
