"""Train a residual network on CIFAR-10 to 94 % as fast as one GPU can with Keras.

    COURSE_PROFILE=full python course/records/cifar10_94.py [--epochs 24] [--seed 1]

The network is the one of David Page, *How to Train Your ResNet* (2018): eight convolutions with
batch normalization and two residual blocks, 6.6 million parameters. The recipe is his: SGD with
Nesterov momentum, a learning rate that rises for a fifth of the training and then falls to 0,
padded crops, flips and cutout. It runs on each of Keras's back ends: KERAS_BACKEND names one.
Without a GPU, --images, --epochs and --width make it small enough to try. The last lines are a row
for cifar10_94.toml, which says what was reached where.
"""

import argparse
import os
import platform
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from convcourse import data

BATCH = 512
PEAK, RISING = 0.4, 0.2  # the highest learning rate, and the share of the steps until it is reached
# Keras takes the decay from the weights themselves. Inside the gradient, as in the recipe, a
# momentum of 0.9 would multiply 0.0005 by ten.
DECAY = 0.005
PAD, HOLE = 4, 8  # pixels: of the padding that crops come from, and of a side of what is cut out


def block(x: keras.KerasTensor, filters: int, pool: bool = False) -> keras.KerasTensor:
    """Apply a convolution, batch normalization and ReLU, then max pooling if asked."""
    x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras.layers.ReLU()(x)
    return keras.layers.MaxPooling2D()(x) if pool else x


def network(width: int = 64, classes: int = 10) -> keras.Model:
    """Build the network; ``width`` is the number of filters of its first convolution."""
    inputs = keras.Input((32, 32, 3))
    x = block(inputs, width)
    x = block(x, 2 * width, pool=True)
    x = keras.layers.Add()([x, block(block(x, 2 * width), 2 * width)])
    x = block(x, 4 * width, pool=True)
    x = block(x, 8 * width, pool=True)
    x = keras.layers.Add()([x, block(block(x, 8 * width), 8 * width)])
    x = keras.layers.GlobalMaxPooling2D()(x)
    x = keras.layers.Dense(classes, use_bias=False)(x)
    # Small logits at the start, and float32 for the loss if the rest computes with 16 bits.
    outputs = keras.layers.Rescaling(0.125, dtype="float32")(x)
    return keras.Model(inputs, outputs)


class RiseAndFall(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly to PEAK, and then falls linearly to 0.

    Args:
        steps: The steps of the whole training.
    """

    def __init__(self, steps: int) -> None:
        self.steps, self.rising = steps, max(1, round(RISING * steps))

    def __call__(self, step):
        """Return the rate of a step, counted from 0."""
        step = keras.ops.cast(step, "float32")
        falls = (self.steps - step) / max(1, self.steps - self.rising)
        return PEAK * keras.ops.minimum((step + 1) / self.rising, falls)

    def get_config(self) -> dict[str, int]:
        """Return the argument."""
        return {"steps": self.steps}


class Augmented(keras.utils.PyDataset):
    """Batches of padded crops, flips and cutout, in another order in each epoch.

    Args:
        x: Standardized images, (N, 32, 32, 3) float32.
        y: One-hot labels, (N, K).
        seed: Seed of all random numbers.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, seed: int) -> None:
        super().__init__(workers=min(8, os.cpu_count() or 1), max_queue_size=32)
        edges = [(0, 0), (PAD, PAD), (PAD, PAD), (0, 0)]
        self._padded, self._y, self._seed = np.pad(x, edges, mode="reflect"), y, seed
        self._epoch = 0
        self._order = np.random.default_rng(seed).permutation(len(y))

    def __len__(self) -> int:
        return max(1, len(self._y) // BATCH)

    def on_epoch_end(self) -> None:
        """Draw another order."""
        self._epoch += 1
        self._order = np.random.default_rng([self._seed, self._epoch]).permutation(len(self._y))

    def __getitem__(self, at: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self._order[at * BATCH : (at + 1) * BATCH]
        rng = np.random.default_rng([self._seed, self._epoch, at])
        return augmented(self._padded[rows], rng), self._y[rows]


def augmented(padded: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Crop, flip and cut.

    Args:
        padded: Padded images, (N, 40, 40, 3).
        rng: The source of all random numbers.

    Returns:
        (N, 32, 32, 3): of each image a random crop, half of them mirrored, each with a square of 0.
    """
    count, side = len(padded), padded.shape[1] - 2 * PAD
    along = np.arange(side)
    first = rng.integers(2 * PAD + 1, size=(2, count, 1))
    columns = first[1] + np.where(rng.random((count, 1)) < 0.5, along, along[::-1])
    x = padded[np.arange(count)[:, None, None], (first[0] + along)[:, :, None], columns[:, None]]
    hole = rng.integers(side - HOLE + 1, size=(2, count, 1))
    inside = (hole <= along) & (along < hole + HOLE)
    x[inside[0][:, :, None] & inside[1][:, None]] = 0
    return x


def standardized(x: np.ndarray, *more: np.ndarray) -> list[np.ndarray]:
    """Shift and scale images by the channels' means and deviations of the first ones."""
    mean, deviation = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    return [((one - mean) / deviation).astype(np.float32) for one in (x, *more)]


def accuracy(model: keras.Model, x: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Accuracy on images, and with the mean of the outputs for each image and its mirror image."""
    plain, mirrored = (model.predict(one, 1_000, verbose=0) for one in (x, x[:, :, ::-1]))
    right = (float(np.mean(one.argmax(1) == labels)) for one in (plain, plain + mirrored))
    return tuple(right)


def main() -> None:
    """Train, and print what was reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--images", type=int, default=50_000, help="training images")
    parser.add_argument("--width", type=int, default=64, help="filters of the first convolution")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--half", action="store_true", help="compute with 16 bits (on a GPU)")
    asked = parser.parse_args()
    keras.utils.set_random_seed(asked.seed)
    if asked.half:
        keras.config.set_dtype_policy("mixed_bfloat16")
    images = data.load("cifar10", train=asked.images).scaled()
    x_train, x_test = standardized(images.x_train, images.x_test)
    hot = keras.utils.to_categorical(images.y_train.ravel(), 10)
    batches = Augmented(x_train, hot, asked.seed)
    model = network(asked.width)
    rate = RiseAndFall(asked.epochs * len(batches))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile(keras.optimizers.SGD(rate, 0.9, nesterov=True, weight_decay=DECAY), loss)
    start = model.get_weights()
    model.fit(batches, epochs=1, steps_per_epoch=2, verbose=0)  # compiles, which is not counted
    model.set_weights(start)
    for weight in model.optimizer.variables:
        weight.assign(keras.ops.zeros_like(weight))
    began = time.perf_counter()
    model.fit(batches, epochs=asked.epochs, verbose=2)
    seconds = time.perf_counter() - began
    plain, mirrored = accuracy(model, x_test, images.y_test.ravel())
    print("\n[[run]]")
    print(f'machine = "{platform.machine()}, {os.cpu_count()} cores"')
    print(f'software = "Keras {keras.__version__} on {keras.backend.backend()}"')
    print(f"epochs = {asked.epochs}\nimages = {len(x_train)}\nwidth = {asked.width}")
    print(f"seed = {asked.seed}\nseconds = {seconds:.1f}")
    print(f"accuracy = {plain:.4f}\naccuracy_with_mirrors = {mirrored:.4f}")


if __name__ == "__main__":
    main()
