"""Warm kernels, without and behind walls, against ordinary ones: how long to start and to end.

    python benchmarks/kernels.py [REPEATS]

From asking for a kernel to the first cell's result, and from there until it is gone. All run the
same cell, which imports TensorFlow and Keras, in one run, in turn, through nbclient as nbgrader
drives it. An ordinary kernel is ended as nbgrader does it (a request first);
gone means that the process no longer exists. Write the output to benchmarks/results/kernels.txt.
"""

import os
import platform
import statistics
import sys
import tempfile
import time
import warnings
from importlib.metadata import version

import nbformat
from nbclient import NotebookClient

from autograder.warm import provisioner, reach

CELL = "import keras, tensorflow"
WALLS = f"{provisioner.NAME}, walls"


def seconds(kernel: str) -> tuple[float, float]:
    """From asking for a kernel to the cell's result, and from there until it is gone."""
    kernel, _, walls = kernel.partition(", ")
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(nb, kernel_name=kernel, resources={"metadata": {"path": folder}})
        asked = time.perf_counter()
        with client.setup_kernel(**({"limits": reach.LIMITS} if walls else {})):
            client.execute_cell(nb.cells[0], 0)
            result = time.perf_counter()
            pid = client.km.provisioner.process.pid
        while os.path.exists(f"/proc/{pid}"):
            time.sleep(0.005)
        return result - asked, time.perf_counter() - result


def main(repeats: int) -> None:
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3")
    warnings.filterwarnings("ignore")
    provisioner.announce()
    started = time.perf_counter()
    seconds(provisioner.NAME)
    server = time.perf_counter() - started
    measured: dict[str, list[tuple[float, float]]] = {
        "python3": [],
        provisioner.NAME: [],
        WALLS: [],
    }
    for _ in range(repeats):
        for kernel, taken in measured.items():
            taken.append(seconds(kernel))
    packages = ("tensorflow", "keras", "ipykernel", "jupyter_client", "nbclient")
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    print(f"load average at the end: {os.getloadavg()[0]:.1f}")
    print(f"the warm server and its first kernel, once for a run: {server:.1f} s\n")
    print(f"median [lowest, highest] of {repeats}, in seconds")
    print(f"{'kernel':<24}{'asking to first result':>26}{'result to gone':>26}{'together':>10}")
    totals = {}
    for kernel, taken in measured.items():
        columns = [shown(list(column)) for column in zip(*taken, strict=True)]
        totals[kernel] = statistics.median(sum(pair) for pair in taken)
        print(f"{kernel:<24}{columns[0]:>26}{columns[1]:>26}{totals[kernel]:>10.2f}")
    for kernel in (provisioner.NAME, WALLS):
        print(f"{kernel}: {totals['python3'] / totals[kernel]:.1f} times as fast as python3")


def shown(values: list[float]) -> str:
    """Median, lowest and highest."""
    return f"{statistics.median(values):.2f} [{min(values):.2f}, {max(values):.2f}]"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
