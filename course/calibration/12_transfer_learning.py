"""What the accuracy threshold of 12_transfer_learning must distinguish; run by
`autograder calibrate`.

The judged network is fine-tuned after a fifth of the steps, like the notebook's `refined`. If its
training images are preprocessed differently from the judged images, it loses only a few points, so
preprocessing has a separate exercise, `prepare`.
"""

import keras
import numpy as np

from autograder import submission
from convcourse import data, pretrained, profile

EXERCISE = "transfer-accuracy"
SEEDS = 20
STEPS = {"offline": 100, "quick": 200, "full": 5_000}
PER_CLASS = {"offline": 50, "quick": 100, "full": 1_000}
BATCH = {"offline": 20, "quick": 32, "full": 32}


def variants(solution):
    """Return the reference and the broken variants as functions from a seed to held-out accuracy.

    solution: the names that the notebook defines once all its solutions have run.
    """
    name = profile.current().name
    steps, batch = STEPS[name], BATCH[name]
    images, known = data.load("cifar10"), pretrained.load()
    small = known.name == "small"
    y = images.y_train[:, 0].astype(int)
    prepare = solution["prepare"]
    wanted = known.mean, known.scale, known.order
    heldout, truth = submission.heldout()
    heldout = prepare(heldout, *wanted)

    def fresh(trained):
        if small:
            return (pretrained.small() if trained else pretrained.small(None)).model
        return pretrained.vgg16("imagenet" if trained else None).model

    def judged(trained=True, labels=lambda seed: y, steps=steps):
        def accuracy(seed):
            keras.utils.set_random_seed(seed)
            some = solution["few_of_each"](y, PER_CLASS[name], seed)
            x, base = prepare(images.x_train[some], *wanted), fresh(trained)
            stream = batches(x, labels(seed)[some], batch, seed)
            net = solution["build_classifier"](base, True)
            rate = 0.0003 if small else 0.0001
            solution["refine_after"](net, base, stream, steps // 5, steps, "judged", rate=rate)
            return submission.accuracy(net, heldout, truth)

        return accuracy

    return {
        "reference": judged(),
        "base with random weights": judged(trained=False),
        "labels shuffled": judged(labels=lambda seed: np.random.default_rng(seed).permutation(y)),
        "never trained": judged(steps=0),
    }


def batches(x, y, size, seed):
    """Return the notebook's stream: batches(first, last) gives batches first to last - 1."""

    class Batches(keras.utils.PyDataset):
        def __init__(self, first, last):
            super().__init__()
            self.first, self.last = first, last

        def __len__(self):
            return self.last - self.first

        def __getitem__(self, step):
            rng = np.random.default_rng([seed, self.first + step])
            drawn = rng.choice(len(y), size, replace=False)
            return x[drawn], y[drawn]

        def __repr__(self):
            return f"batches {self.first} to {self.last} of {size}, seed {seed}"

    return Batches
