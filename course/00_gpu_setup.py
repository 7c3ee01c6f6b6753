# %% [markdown]
# # The machine: what it is, and how long a network will take on it
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/convcourse/convcourse/blob/main/release/00_gpu_setup/00_gpu_setup.ipynb)
#
# **60 minutes, 20 points.** Builds on Python alone.
#
# In this assignment you
#
# * **turn on** a GPU in Colab, and **describe** the machine that you have,
# * **count** the multiplications of a matrix product and of a convolution,
# * **time** both without the usual mistakes, on each processor that there is,
# * **predict** the hours that a large network needs here, and **test** the prediction.

# %% [markdown] locked="gpu-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader alike. It installs the course's helpers only where they are missing.

# %% locked="gpu-setup"
import importlib.util
import subprocess
import sys

WHEEL = "https://github.com/convcourse/convcourse/releases/latest/download/convcourse-1.0.0-py3-none-any.whl"
if importlib.util.find_spec("helpers") is None:
    if subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", WHEEL]).returncode:
        raise ImportError("The helpers could not be installed: go online, then run this cell again.")

from helpers import checks, device

checks.explain_missing_names()
device.report()

# %%
import os
import platform
import time
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from helpers import plots

keras.utils.set_random_seed(1)

# %% [markdown]
# ## 1. What machine is this?
#
# A *CPU* has a few fast cores that do anything. A *GPU* has thousands of slow ones that do the same thing to many numbers at once, and that is what a convolution asks for. Nothing in this course needs a GPU; with one, the large networks take minutes in place of hours.
#
# **In Colab**, open *Runtime*, *Change runtime type*, and choose a GPU under *Hardware accelerator* (the same choice is under *Edit*, *Notebook settings*). Colab then starts a new machine: run the notebook again from its first cell. **At home**, TensorFlow uses an NVIDIA GPU under Linux, and under Windows through WSL2; install it there with `pip install "tensorflow[and-cuda]"`.
#
# Ways to ask, old and new:
#
# | you want | older notebooks write | TensorFlow 2 |
# |---|---|---|
# | is there a GPU? | `tf.test.gpu_device_name()`, which is `'/device:GPU:0'` or empty | `tf.config.list_physical_devices("GPU")` |
# | which one? | `device_lib.list_local_devices()` | `tf.config.experimental.get_device_details(gpu)` |
# | take memory only as needed | `ConfigProto()` with `gpu_options.allow_growth = True`, and a `Session` | `tf.config.experimental.set_memory_growth(gpu, True)` |
# | a certain TensorFlow | `%tensorflow_version 2.x`, which is gone | `tf.__version__` tells; `pip` changes it |
# | memory and cores | `!cat /proc/meminfo`, `!cat /proc/cpuinfo` | the same, on Linux |

# %%
for found in tf.config.list_physical_devices():
    print(found.device_type, found.name, tf.config.experimental.get_device_details(found))

# %% [markdown]
# ### Memory growth
#
# At its first computation, TensorFlow takes nearly all memory of a GPU, whether it needs it or not. A second notebook on the same GPU then fails with *out of memory*. With *memory growth*, it takes what it needs and asks for more later. The choice must come before the first computation: afterwards, only a restart of the kernel helps.

# %%
gpus = tf.config.list_physical_devices("GPU")
try:
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    print("memory growth is on for", len(gpus), "GPUs")
except RuntimeError as error:
    print("Too late, restart the kernel:", error)

# %% [markdown]
# **Exercise (2 points).** Someone who wants to help you asks first what your machine is. Write `describe_machine`. The imports above have all that it takes; `os.cpu_count()` counts the cores.

# %% solution="gpu-machine-answer"
def describe_machine():
    """What this machine is, in plain values that can be pasted into a question.

    Returns a dictionary: "python", "tensorflow", "keras" and "numpy" are versions (str),
    "processor" is the kind of CPU (str), "cores" a whole number, and "gpus" the list of the
    GPUs' names (str), which is empty where there is none.

    Example: describe_machine()["python"] is "3.11.2".
    """
    ### BEGIN SOLUTION
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "gpus": [gpu.name for gpu in tf.config.list_physical_devices("GPU")],
    }
    ### END SOLUTION

# %%
machine = describe_machine()
for key, value in machine.items():
    print(f"{key:<11}{value}")

# %% tests="gpu-machine" points=2
with checks.exercise("gpu-machine", hidden="the types and the versions, asked for once more"):
    described = describe_machine()
    checks.that(isinstance(described, dict), "describe_machine returns no dictionary.")
    keys = ["cores", "gpus", "keras", "numpy", "processor", "python", "tensorflow"]
    checks.equal(sorted(described), keys, "The sorted keys")
    for module in (keras, np, tf):
        checks.equal(described[module.__name__], module.__version__, f"{module.__name__}'s version")
    checks.that(isinstance(described["gpus"], list), "gpus is no list: [] where there is no GPU.")
    there = len(tf.config.list_physical_devices("GPU"))
    checks.equal(len(described["gpus"]), there, "The number of GPUs")
### BEGIN HIDDEN TESTS
from autograder import submission

check, facts = submission.checks, submission.call("describe_machine")
check.that(isinstance(facts, dict), "describe_machine returns no dictionary.")
for key in ("python", "tensorflow", "keras", "numpy", "processor"):
    check.that(
        isinstance(facts.get(key), str) and facts[key],
        f"{key} is a {type(facts.get(key)).__name__}; expected text.",
    )
for key in ("python", "tensorflow", "keras", "numpy"):
    check.that(
        facts[key][0].isdigit() and facts[key].count(".") >= 1,
        f"{key} is no version, such as 3.11.2.",
    )
check.equal(facts["numpy"], submission.np.__version__, "NumPy's version")
check.that(
    type(facts.get("cores")) is int and 1 <= facts["cores"] <= 4096,
    "cores is no plausible number of cores: os.cpu_count() counts them.",
)
check.that(
    isinstance(facts.get("gpus"), list) and all(isinstance(name, str) for name in facts["gpus"]),
    "gpus is no list of names: take .name of each device.",
)
### END HIDDEN TESTS

# %%
checks.hint("gpu-machine")

# %% [markdown]
# ### Memory
#
# Linux tells its memory as text, one line for each field. Its `kB` are 1,024 bytes; a gigabyte (GB) is $10^9$ bytes.

# %%
EXAMPLE = """MemTotal:       16384000 kB
MemFree:          812340 kB
MemAvailable:    9437184 kB
Active(anon):    2048000 kB
Active:          4096000 kB
"""
meminfo = Path("/proc/meminfo")
here = meminfo.read_text() if meminfo.is_file() else EXAMPLE
print("\n".join(here.splitlines()[:3]))

# %% [markdown]
# **Exercise (2 points).** Write `memory_gb`.

# %% solution="gpu-memory-answer"
def memory_gb(text, field="MemTotal"):
    """One field of /proc/meminfo in gigabytes.

    text: lines such as "MemTotal:       16384000 kB", in any order
    field: the whole name before the colon
    Returns a float: 1,024 bytes for each kB, 10**9 bytes for each GB. A field that is not there
    raises KeyError.

    Example: memory_gb("MemTotal:       16384000 kB") is 16.777216.
    """
    ### BEGIN SOLUTION
    for line in text.splitlines():
        name, _, amount = line.partition(":")
        if name.strip() == field:
            return int(amount.split()[0]) * 1024 / 1e9
    raise KeyError(field)
    ### END SOLUTION

# %%
for field in ("MemTotal", "MemAvailable"):
    print(f"{field:<13}{memory_gb(here, field):6.1f} GB")

# %% tests="gpu-memory" points=2
with checks.exercise(
    "gpu-memory", hidden="other fields and orders, names that begin alike, a missing field"
):
    checks.close(memory_gb(EXAMPLE), 16.777216, "The total memory of EXAMPLE in GB")
    checks.close(memory_gb(EXAMPLE, "MemFree"), 0.83183616, "The free memory of EXAMPLE in GB")
    try:
        memory_gb(EXAMPLE, "SwapTotal")
        raised = False
    except KeyError:
        raised = True
    checks.that(raised, "EXAMPLE has no field SwapTotal: raise KeyError.")
### BEGIN HIDDEN TESTS
from autograder import submission

lines = [
    "SwapCached:         128 kB",
    "Active(file):    3000000 kB",
    "Active:          7000000 kB",
    "MemTotalOfAll:         1 kB",
    "MemTotal: 131072000 kB",
    "SwapTotal:             0 kB",
]
cases = (
    ("MemTotal", 134.217728, "a field whose name another one begins with, far from the top"),
    ("Active", 7.168, "a field whose name another one begins with"),
    ("Active(file)", 3.072, "a field with brackets in its name"),
    ("SwapTotal", 0.0, "a field of 0 kB"),
)
for field, want, what in cases:
    for text in ("\n".join(lines), "\n".join(reversed(lines)) + "\n"):
        got = submission.call("memory_gb", text, field)
        submission.checks.close(got, want, f"memory_gb for {what}")
### END HIDDEN TESTS

# %%
checks.hint("gpu-memory")

# %% [markdown]
# ## 2. What a computation costs
#
# Two computations take nearly all the time of a network. In the product of a matrix of $n$ rows and $k$ columns with one of $k$ rows and $m$ columns, each of the $n \cdot m$ results is a sum of $k$ products:
#
# $$M_\text{product} = n \cdot k \cdot m$$
#
# In a convolution with $C_\text{out}$ filters of $F \times F$ pixels over $C_\text{in}$ channels, each of the $H \cdot W$ places of the output has $C_\text{out}$ values, and each of these is a sum of $F \cdot F \cdot C_\text{in}$ products:
#
# $$M_\text{convolution} = H \cdot W \cdot C_\text{out} \cdot F^2 \cdot C_\text{in}$$
#
# for one image. A multiplication comes with an addition, so $M$ multiplications are $2M$ operations. The unit of speed is the *GFLOP/s*: $10^9$ operations with floating-point numbers in a second.
#
# **Predict.** Which has more multiplications: a product of two matrices of 512 × 512, or a convolution of one image of 32 × 32 with 96 filters of 3 × 3 over 96 channels?

# %% [markdown]
# **Exercise (3 points).** Write the two counts.

# %% solution="gpu-counts-answer"
def product_multiplications(n, k, m):
    """Multiplications of a matrix (n, k) times a matrix (k, m); a whole number.

    Example: product_multiplications(2, 3, 4) is 24.
    """
    ### BEGIN SOLUTION
    return n * k * m
    ### END SOLUTION


def conv_multiplications(height, width, kernel, channels, filters, images=1):
    """Multiplications of a convolution whose output has height x width places.

    kernel: pixels along each side of a filter; channels: of the input; filters: of the output
    Returns a whole number for all images together; the bias has no multiplication.

    Example: conv_multiplications(28, 28, 5, 3, 32) is 1881600.
    """
    ### BEGIN SOLUTION
    return images * height * width * filters * kernel**2 * channels
    ### END SOLUTION

# %%
print(f"512 x 512 times 512 x 512: {product_multiplications(512, 512, 512):>12,}")
print(f"one image, 96 to 96:       {conv_multiplications(32, 32, 3, 96, 96):>12,}")

# %% tests="gpu-counts" points=3
with checks.exercise("gpu-counts", hidden="oblong matrices and images, other filters, batches"):
    checks.equal(product_multiplications(2, 3, 4), 24, "The product of (2, 3) and (3, 4)")
    got = conv_multiplications(28, 28, 5, 3, 32)
    checks.that(
        got != 5 * 5 * 3 * 32, "That counts the weights: each is used at every place of the output."
    )
    checks.that(
        got != 28 * 28 * 5 * 5 * 32,
        "That is one channel: each filter has 5 x 5 weights for each of the 3 channels.",
    )
    checks.equal(got, 1_881_600, "The convolution of 28 x 28 x 32 from 3 channels")
    got = conv_multiplications(28, 28, 5, 3, 32, images=10)
    checks.equal(got, 18_816_000, "The same for 10 images")
### BEGIN HIDDEN TESTS
from autograder import submission

call, check = submission.call, submission.checks
for sizes, want in (((1, 7, 1), 7), ((128, 2048, 1024), 268_435_456), ((3, 1, 5), 15)):
    got = call("product_multiplications", *sizes)
    check.equal(got, want, "product_multiplications for other sizes")
for sizes, want in (
    ((4, 8, 3, 2, 5), 2_880),
    ((32, 32, 3, 96, 96), 84_934_656),
    ((30, 28, 3, 3, 32, 7), 5_080_320),
    ((6, 5, 1, 4, 9, 2), 2_160),
):
    got = call("conv_multiplications", *sizes)
    check.equal(got, want, "conv_multiplications for other sizes")
### END HIDDEN TESTS

# %%
checks.hint("gpu-counts")

# %% [markdown]
# **Exercise (1 point).** Write `gflops`.

# %% solution="gpu-gflops-answer"
def gflops(multiplications, seconds):
    """Speed in GFLOP/s, two operations for each multiplication.

    Example: gflops(5_000_000_000, 2.0) is 5.0.
    """
    ### BEGIN SOLUTION
    return 2 * multiplications / seconds / 1e9
    ### END SOLUTION

# %% tests="gpu-gflops" points=1
with checks.exercise("gpu-gflops", hidden="other figures"):
    got = gflops(5_000_000_000, 2.0)
    checks.that(
        got != 2.5, "That is one operation for each multiplication; each has an addition, too."
    )
    checks.close(got, 5.0, "Five thousand million multiplications in 2 s, in GFLOP/s")
### BEGIN HIDDEN TESTS
from autograder import submission

for multiplications, seconds, want in ((10**9, 0.5, 4.0), (84_934_656, 0.004, 42.467328), (0, 3, 0)):
    got = submission.call("gflops", multiplications, seconds)
    submission.checks.close(got, want, "gflops for other figures")
### END HIDDEN TESTS

# %%
checks.hint("gpu-gflops")

# %% [markdown]
# ## 3. Timing without the usual mistakes
#
# Three things go wrong when people time a computation.
#
# * **The first call is another one.** It loads libraries, chooses an algorithm and takes memory. Call once before the clock runs: the *warm-up*.
# * **One call proves little.** Something else may run on the machine just then. Time several calls and take their *median*, which one slow call cannot move.
# * **The clock stops too early.** A GPU takes an order and gives back at once a tensor that is *to be* computed. Only who reads a value of it waits for the result.
#
# The functions below take the clock as an argument. With a clock of its own, a test can make time pass as it likes, and so does the check below.

# %% [markdown]
# **Exercise (3 points).** Write `median_seconds`.

# %% solution="gpu-median-answer"
def median_seconds(function, repeats=5, clock=time.perf_counter):
    """The median time of a call, after one call that does not count.

    function: is called without arguments, once to warm up and then repeats times
    clock: gives the time in seconds as a float; read it before and after a call
    Returns a float: half of the timed calls took no longer. With an even number of them, it is
    the mean of the two in the middle, as np.median has it.

    Example: median_seconds(lambda: time.sleep(0.1)) is a little more than 0.1.
    """
    ### BEGIN SOLUTION
    function()
    taken = []
    for _ in range(repeats):
        start = clock()
        function()
        taken.append(clock() - start)
    return float(np.median(taken))
    ### END SOLUTION

# %%
print(f"{median_seconds(lambda: time.sleep(0.02)):.4f} s for sleeping 0.02 s")

# %% tests="gpu-median" points=3
def on_a_stand_in(durations):
    """The result and the number of calls when call number i lets durations[i] seconds pass."""
    now, calls = [100.0], []

    def stand_in():
        now[0] += durations[min(len(calls), len(durations) - 1)]
        calls.append(now[0])

    return median_seconds(stand_in, len(durations) - 1, lambda: now[0]), len(calls)


with checks.exercise("gpu-median", hidden="an even number of calls, a single call"):
    # The warm-up takes 9 s, the five calls that count take 5, 1, 8, 3 and 2 s.
    got, calls = on_a_stand_in([9, 5, 1, 8, 3, 2])
    checks.that(got is not None, "median_seconds returns None.")
    checks.that(got > 0.5, "The result does not come from the clock that it is given: use clock().")
    checks.equal(calls, 6, "The number of calls for repeats=5, with the warm-up,")
    mistakes = {3.8: "mean", 1: "fastest call", 8: "slowest call", 19: "sum", 2: "last call"}
    mistake = mistakes.get(round(float(got), 6))
    checks.that(mistake is None, f"That is the {mistake}; sort the five times and take the third.")
    checks.that(got != 4, "The warm-up is among the times: it does not count.")
    checks.close(got, 3, "The median of 5, 1, 8, 3 and 2 s")
timed = [on_a_stand_in(given) for given in ([9, 4, 1, 8, 2], [7, 0.5], [1, 6, 2, 7])]
### BEGIN HIDDEN TESTS
from autograder import submission

whats = ("an even number of calls", "a single call", "times that are not in order")
for (got, calls), (want, wanted), what in zip(
    submission.value("timed"), ((3.0, 5), (0.5, 2), (6.0, 4)), whats, strict=True
):
    submission.checks.equal(calls, wanted, f"The number of calls, for {what},")
    submission.checks.close(got, want, f"median_seconds for {what}")
### END HIDDEN TESTS

# %%
checks.hint("gpu-median")

# %% [markdown]
# ### Each device
#
# `with tf.device("CPU:0"):` puts what is made and computed inside it on the CPU; `"GPU:0"` is the first GPU. Make the arrays before the clock runs, or you time the random numbers, too. And let the timed function end by reading one number of its result, such as `result[0, 0].numpy()`: it waits for all of them and copies only one.
#
# **Exercise (3 points).** Write `product_rate` and `conv_rate`.

# %% solution="gpu-rates-answer"
def product_rate(device, size, timer=median_seconds):
    """Speed of a device in GFLOP/s when it multiplies two matrices (size, size) of float32.

    device: for example "CPU:0"; timer: takes a function, gives the seconds of a call
    The function that is timed computes the product with tf.matmul, waits for it, and returns one
    number that is no tensor.

    Example: product_rate("CPU:0", 1024) is about 100 on two cores of a server.
    """
    ### BEGIN SOLUTION
    with tf.device(device):
        a, b = tf.random.normal((2, size, size))
        seconds = timer(lambda: tf.matmul(a, b)[0, 0].numpy())
    return gflops(product_multiplications(size, size, size), seconds)
    ### END SOLUTION


def conv_rate(device, images, timer=median_seconds):
    """Speed of a device in GFLOP/s for the second convolution of NET III, in float32.

    images: how many at once; each has 32 x 32 pixels in 96 channels, and 96 filters of 3 x 3
    move over it with padding "SAME" and strides 1: tf.nn.conv2d(x, filters, 1, "SAME"), where
    x is (images, 32, 32, 96) and filters (3, 3, 96, 96).

    Example: conv_rate("CPU:0", 64)
    """
    ### BEGIN SOLUTION
    with tf.device(device):
        x = tf.random.normal((images, 32, 32, 96))
        filters = tf.random.normal((3, 3, 96, 96))
        seconds = timer(lambda: tf.nn.conv2d(x, filters, 1, "SAME")[0, 0, 0, 0].numpy())
    return gflops(conv_multiplications(32, 32, 3, 96, 96, images), seconds)
    ### END SOLUTION

# %%
devices = [d.name.removeprefix("/device:") for d in tf.config.list_logical_devices()]
devices = [name for name in devices if name.startswith(("CPU", "GPU"))]
rates = {
    name: {"product": product_rate(name, 1024), "convolution": conv_rate(name, 64)}
    for name in devices
}
for name, reached in rates.items():
    print(name, ", ".join(f"{what} {rate:,.0f} GFLOP/s" for what, rate in reached.items()))

# %% tests="gpu-rates" points=3
from unittest import mock


def half_a_second(function):
    """A timer that calls once, looks at what comes back, and says 0.5 s."""
    returned = function()
    checks.that(
        not tf.is_tensor(returned),
        "The timed function returns a tensor: a GPU would not have finished. Read one number.",
    )
    return 0.5


with checks.exercise("gpu-rates", hidden="both rates once more, and those of each device"):
    for rate, size, want in ((product_rate, 400, 0.256), (conv_rate, 2, 0.679477)):
        with mock.patch.object(tf, "device", wraps=tf.device) as placed:
            got = rate("CPU:0", size, half_a_second)
        asked = [str(call.args[0]) for call in placed.call_args_list]
        checks.that("CPU:0" in asked, f"{rate.__name__} does not use its device: tf.device(device)")
        checks.close(got, want, f"{rate.__name__} for the size {size} in 0.5 s", rtol=1e-3)
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks


def plausible(rate, what):
    number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
    check.that(number, f"{what} is no number.")
    # From a phone's core to more than any accelerator reaches.
    check.that(1e-4 < rate < 1e7, f"{what} is not plausible as GFLOP/s: seconds, or 10**9?")


plausible(submission.call("product_rate", "CPU:0", 128), "product_rate for other matrices")
plausible(submission.call("conv_rate", "CPU:0", 1), "conv_rate for one image")
measured = submission.value("rates")
check.that(isinstance(measured, dict) and "CPU:0" in measured, "rates lacks the CPU.")
for name, reached in measured.items():
    check.equal(sorted(reached), ["convolution", "product"], "The sorted keys of a device's rates")
    for what in reached:
        plausible(reached[what], f"rates[...][{what!r}]")
### END HIDDEN TESTS

# %%
checks.hint("gpu-rates")

# %% [markdown]
# ### The size matters
#
# **Predict.** Is the speed of a product of 32 × 32 matrices the same as that of 1024 × 1024 ones?

# %%
sizes = [16, 32, 64, 128, 256, 512, 1024, 2048]
fig, ax = plt.subplots(figsize=(7, 4))
for k, name in enumerate(devices):
    by_size = [product_rate(name, size) for size in sizes]
    ax.loglog(sizes, by_size, "os^"[k % 3] + "-", color=plots.COLOURS[k], label=name, base=2)
ax.set(xlabel="rows and columns of the matrices", ylabel="GFLOP/s", yscale="log")
ax.set_xticks(sizes, sizes)
ax.legend()
plt.show()

# %% [markdown] answer="gpu-size" points=2
# **What do you see?** (2 points) How does the speed change with the size, and between which values, by your figure? Where does the time go when the matrices are small? What follows for the number of images that a network should get at once, above all on a GPU?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: the speed rises by a factor of a hundred or more from 16 × 16 to several hundred rows and then levels off, with numbers read from the figure. One point: a small product costs mostly what is the same for every call (Python, choosing and starting the operation, on a GPU the order to another chip), so many images belong into one call, a batch; a GPU with its thousands of cores needs larger ones than a CPU before it is full, and may lose to it on small ones.
# ### END SOLUTION

# %% [markdown]
# ## 4. How long will NET III take?
#
# NET III is the largest network of *06*: six convolutions, three fully connected (FC) layers, 3,267,306 parameters. An FC layer is the product of one row of values with a matrix.

# %%
# Height and width of the output, filter size, channels of the input, filters.
convolutions = [(32, 32, 3, 3, 96), (32, 32, 3, 96, 96), (16, 16, 3, 96, 128)]
convolutions += 3 * [(8, 8, 3, 128, 128)]
dense = [(1, 2048, 1024), (1, 1024, 512), (1, 512, 10)]
counts = [conv_multiplications(*sizes) for sizes in convolutions]
counts += [product_multiplications(*sizes) for sizes in dense]
net3 = sum(counts)
print(f"{net3:,} multiplications for one image, {counts[1] / net3:.0%} in the second convolution")

# %% [markdown]
# Forward, an image costs $M$ multiplications. Learning from it costs about **three times** as many: backward, each layer computes the slopes for its weights and those for its input, and either is as much work as the way forward. An image of the validation data goes forward only.
#
# **Predict.** 40,000 images to learn from, 10,000 to validate with, 20 epochs. Minutes or hours on this machine?

# %% [markdown]
# **Exercise (2 points).** Write `hours`.

# %% solution="gpu-hours-answer"
def hours(multiplications, rate, train=40_000, val=10_000, epochs=20):
    """Hours of a training, as predicted from a speed.

    multiplications: for one image, forward; rate: in GFLOP/s
    train: images to learn from, at three times the multiplications; val: images to validate
    with, forward only; both in each epoch
    Returns a float.

    Example: hours(1_000_000, 100) is about 0.0144.
    """
    ### BEGIN SOLUTION
    operations = 2 * multiplications * (3 * train + val) * epochs
    return operations / (rate * 1e9) / 3600
    ### END SOLUTION

# %%
for name, reached in rates.items():
    print(f"NET III on {name}: {hours(net3, reached['convolution']):.2f} hours for 20 epochs")
if not gpus:
    print("There is no GPU here. One of 8,100 GFLOP/s, a T4 by its maker's figure, would take")
    print(f"{hours(net3, 8_100) * 60:.1f} minutes at full speed; all else in this course is alike.")

# %% tests="gpu-hours" points=2
with checks.exercise("gpu-hours", hidden="other networks, speeds, numbers of images and epochs"):
    got = hours(146_838_528, 100)
    checks.that(got is not None, "hours returns None.")
    mistakes = {
        0.8158: "Learning costs three times the way forward.",
        1.0605: "Each multiplication has an addition, too: two operations.",
        1.9579: "The validation data goes forward in each epoch.",
        2.4473: "The validation data goes forward only: once, not three times.",
        127.261: "That is minutes; an hour has 3,600 seconds.",
        0.1061: "That is one epoch.",
    }
    for value, sentence in mistakes.items():
        checks.that(abs(got - value) > 1e-3 * value, sentence)
    checks.close(got, 2.12100, "NET III at 100 GFLOP/s, in hours,", rtol=1e-3)
### BEGIN HIDDEN TESTS
from autograder import submission

for arguments, want in (
    ((10**9, 1_000, 60_000, 0, 10), 1.0),
    ((36_000_000, 50, 0, 1_000, 25), 0.01),
    ((10**8, 20, 5_000, 3_000, 4), 0.2),
    ((3_000_000, 250), 0.0173333),
):
    got = submission.call("hours", *arguments)
    submission.checks.close(got, want, "hours for other figures", rtol=1e-3)
### END HIDDEN TESTS

# %%
checks.hint("gpu-hours")

# %%
speeds = np.geomspace(10, 10_000, 50)
fig, ax = plt.subplots(figsize=(7, 4))
ax.loglog(speeds, hours(net3, speeds), color="black", label="predicted")
for k, (name, reached) in enumerate(rates.items()):
    at = reached["convolution"]
    ax.plot(at, hours(net3, at), "os^"[k % 3], ms=9, color=plots.COLOURS[k], label=f"{name} here")
ax.plot(8_100, hours(net3, 8_100), "k*", ms=12, label="T4, its maker's figure")
ax.set(xlabel="GFLOP/s", ylabel="hours for 20 epochs of NET III")
ax.legend()
plt.show()

# %% [markdown]
# ### A prediction wants a test
#
# The first two convolutions have 60 % of NET III's multiplications and are quickly built. Let a network of these two, a pooling and one FC layer learn from 64 random images, and compare the time of such a step with the prediction.

# %%
front = keras.Sequential(
    [
        keras.layers.Input(shape=(32, 32, 3)),
        keras.layers.Conv2D(96, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(96, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
front.compile(optimizer="adam", loss="sparse_categorical_crossentropy")

# %%
x, y = np.random.default_rng(0).random((64, 32, 32, 3), "float32"), np.arange(64) % 10
print(f"first loss {front.evaluate(x, y, verbose=0):.3f}, log(10) is {np.log(10):.3f}")
step = median_seconds(lambda: front.train_on_batch(x, y))
best = max(reached["convolution"] for reached in rates.values())
front_multiplications = sum(counts[:2]) + product_multiplications(1, 16 * 16 * 96, 10)
predicted = hours(front_multiplications, best, train=64, val=0, epochs=1) * 3600
print(f"a step: predicted {predicted:.3f} s, measured {step:.3f} s, factor {step / predicted:.2f}")
print(f"NET III with that factor: {hours(net3, best) * step / predicted:.2f} hours")

# %% [markdown] answer="gpu-prediction" points=2
# **Explain.** (2 points) How far is the measured step from the predicted one? Name two things that the prediction leaves out. And with a GPU eighty times as fast at convolutions: would the whole training be eighty times as fast?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: the factor from the student's own run, and two of these with a reason: ReLU, pooling, the loss and Adam's steps cost no multiplications of the count but move much memory; backward convolutions run at another speed than forward ones; Python and Keras between the operations; copying the images to the device; other programs, or a processor that slows down when it is hot. One point: no, because what the GPU does not speed up (preparing and copying images, starting operations, Python) stays and becomes the larger part; small batches leave a GPU mostly idle.
# ### END SOLUTION

# %% [markdown]
# ## What others got
#
# | where | what | figure | machine |
# |---|---|---|---|
# | the exercise sheet | how to turn a GPU on | no times; its answer to a test is `/device:GPU:0` | Colab |
# | a report on CIFAR-100 | trainings of a network with 2.7 times NET III's parameters | 36 min 14 s; with augmentation 50 min 16 s; with dropout 15 min 40 s; its first, small network 7 min 9 s | not given, a GPU with memory growth |
#
# Your own figures belong beside these: a time without its machine tells little.

# %% [markdown]
# ## Take-away
#
# Multiplications can be counted before a network is built, and the speed of a machine can be measured in seconds: together they predict a training time to within a small factor. A fair timing warms up, takes the median of several calls, and waits for the result. A GPU is faster by far on large batches of the same computation, and on nothing else.
#
# **To go on with.** Time the convolution for 1, 4, 16, 64 and 256 images. From which number of images on is the speed the same, and does a GPU need more of them than a CPU?
