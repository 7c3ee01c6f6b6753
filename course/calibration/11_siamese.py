"""What the accuracy threshold of 11_siamese must distinguish; run by `autograder calibrate`.

The judged accuracy is that of a nearest-class-mean classifier in the embedding. The means come from
one half of the held-out images, and the accuracy is measured on the other half.
"""

import keras
import numpy as np

from autograder import submission
from convcourse import data, profile

EXERCISE = "siam-accuracy"
SEEDS = 20
STEPS = {"offline": 300, "quick": 1_000, "full": 50_000}


def variants(solution):
    """Return the reference and the broken variants as functions from a seed to held-out accuracy.

    solution: the names that the notebook defines once all its solutions have run.
    """
    images = data.load("cifar10").scaled()
    cut = len(images.x_train) * 4 // 5
    x, y = images.x_train[:cut], images.y_train[:cut, 0].astype(int)
    heldout, truth = submission.heldout()
    heldout = np.float32(heldout) / 255
    steps = STEPS[profile.current().name]

    def judged(steps=steps, labels=lambda seed: y, alike=lambda given: given):
        def accuracy(seed):
            keras.utils.set_random_seed(seed)
            tower = solution["build_tower"](profile.width())
            net = solution["build_siamese"](tower)
            net.compile(keras.optimizers.Adam(0.001, clipnorm=0.1), solution["contrastive_loss"])
            taught = labels(seed)
            table = solution["class_index"](taught)
            for step in range(steps):
                first, second, same = solution["random_pairs"](
                    taught, table, 64, 0.5, [seed, 0, step]
                )
                net.train_on_batch([x[first], x[second]], alike(same)[:, None])
            rows = tower.predict(heldout, batch_size=256, verbose=0)
            return nearest(rows, truth)

        return accuracy

    return {
        "reference": judged(),
        "never trained": judged(steps=0),
        "a tenth of the steps": judged(steps=steps // 10),
        "labels shuffled": judged(labels=lambda seed: np.random.default_rng(seed).permutation(y)),
        "pulling and pushing exchanged": judged(alike=lambda given: 1 - given),
    }


def nearest(rows, truth):
    """Return the share of the odd-numbered images that lie nearest to their own class's mean."""
    known = np.arange(len(truth)) % 2 == 0
    means = np.stack([rows[known & (truth == c)].mean(axis=0) for c in range(10)])
    away = ((rows[~known, None] - means) ** 2).sum(axis=2)
    return float(np.mean(away.argmin(axis=1) == truth[~known]))
