"""Trainings one a core in warm kernels, with TensorFlow's tuner of data pipelines and without.

    python benchmarks/pipelines.py [REPEATS]

As many kernels as cores train NET I at the same time, each with one thread, on few images for some
epochs, as a class does. The tuner is a thread that an epoch's end has to wait for; `preload`
leaves it out. Shown are the seconds of `fit`, and the share of them in which the kernel computes.
Write the output to benchmarks/results/pipelines.txt.
"""

import json
import os
import platform
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import nbformat
from kernels import shown
from nbclient import NotebookClient

from autograder.run.workers import usable_cores
from autograder.warm import provisioner, server

TUNED = """
import tensorflow as tf
plain = tf.data.Options.__init__
def init(self):
    plain(self)
    self.autotune.enabled = True
tf.data.Options.__init__ = init
"""
TRAIN = """
import json, time, keras, numpy as np
keras.utils.set_random_seed(1)
x, y = np.random.rand(2_000, 32, 32, 3).astype("float32"), np.random.randint(0, 10, (2_000, 1))
net = keras.Sequential([keras.Input((32, 32, 3))])
for filters in (32, 64, 64):
    net.add(keras.layers.Conv2D(filters, 3, activation="relu"))
    net.add(keras.layers.MaxPooling2D())
net.add(keras.layers.Flatten())
net.add(keras.layers.Dense(512, activation="relu"))
net.add(keras.layers.Dense(10, activation="softmax"))
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(x, y, batch_size=32, verbose=0)
wall, cpu = time.perf_counter(), time.process_time()
net.fit(x, y, batch_size=32, epochs=5, verbose=0)
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""
SINGLE = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def trained(code: str) -> tuple[float, float]:
    """Seconds of the second training, and seconds that the kernel computed in it."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            nb, kernel_name=provisioner.NAME, timeout=600, resources={"metadata": {"path": folder}}
        )
        client.execute()
    return tuple(json.loads(nb.cells[0].outputs[-1].text))


def main(repeats: int) -> None:
    os.environ.update(SINGLE, TF_CPP_MIN_LOG_LEVEL="3")
    provisioner.announce()
    cores = usable_cores()
    taken: dict[str, list[tuple[float, float]]] = {"tuned": [], "untuned": []}
    with server.shared(), ThreadPoolExecutor(cores) as pool:
        for _ in range(repeats):
            for way, found in taken.items():
                code = TUNED + TRAIN if way == "tuned" else TRAIN
                found.extend(pool.map(trained, [code] * cores))
    print(f"{platform.platform()}, {cores} cores, Python {platform.python_version()}")
    print(f"tensorflow {version('tensorflow')}, keras {version('keras')}, random seed 1")
    print(f"median [lowest, highest] of {repeats * cores} trainings, {cores} at a time\n")
    print(f"{'pipelines':<12}{'seconds':>24}{'share computing':>24}")
    for way, found in taken.items():
        walls, shares = [w for w, _ in found], [c / w for w, c in found]
        print(f"{way:<12}{shown(walls):>24}{shown(shares):>24}")
    tuned, untuned = (statistics.median(w for w, _ in found) for found in taken.values())
    print(f"untuned: {tuned / untuned:.2f} times as fast")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
