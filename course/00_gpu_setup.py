# %% [markdown]
# # The machine: what it is, and how long a network will take on it
#
# **60 minutes, 20 points.** Requires only basic Python.
#
# In this assignment you
#
# * **turn on** a GPU in Colab, and **describe** the machine that you have,
# * **count** the multiplications of a matrix product and of a convolution,
# * **time** both on every processor that you have, without the usual mistakes,
# * **predict** how many hours a large network needs on your machine, and **test** the prediction.
#
# Whether you can try an idea often depends on how long its training takes. The network that made convolutional networks popular in 2012 trained for five to six days on two GPUs. In this course, the most expensive network on CIFAR-10 is NET III, which you build in *06*: you train it for 20 epochs, on one machine in the time of a coffee break, on another overnight. Two numbers tell you which before you start: the multiplications that the network needs, and those that your machine does in a second.

# %% [markdown] locked="gpu-setup-note"
# ## Set-up
#
# The next cell works in JupyterLab, in Colab and in the grader. It checks that the course's package, `convcourse`, is installed and recent enough, and says what to do if it is not. Then it reports the machine and the profile.

# %% setup="gpu-setup"
# build writes the set-up cell here.

# %%
import os
import platform
import time
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from convcourse import plots, timing

keras.utils.set_random_seed(1)

# %% [markdown]
# ## 1. What machine is this?
#
# A *CPU* has a few fast cores that can do anything. A *GPU* has thousands of slower cores that do the same thing to many numbers at once, and a convolution needs exactly that. Nothing in this course requires a GPU, but with one, the large networks take minutes instead of hours.
#
# **In Colab**, open *Runtime*, *Change runtime type*, and select a GPU under *Hardware accelerator* (you find the same setting under *Edit*, *Notebook settings*). Colab then starts a new machine, so run the notebook again from its first cell. **On your own machine**, TensorFlow can use an NVIDIA GPU on Linux, and on Windows through WSL2; install it there with `pip install "tensorflow[and-cuda]"`.
#
# Older notebooks ask for these facts in a different way than TensorFlow 2 does:
#
# | you want | older notebooks write | TensorFlow 2 |
# |---|---|---|
# | is there a GPU? | `tf.test.gpu_device_name()`, which is `'/device:GPU:0'` or empty | `tf.config.list_physical_devices("GPU")` |
# | which one? | `device_lib.list_local_devices()` | `tf.config.experimental.get_device_details(gpu)` |
# | take memory only as needed | `ConfigProto()` with `gpu_options.allow_growth = True`, and a `Session` | `tf.config.experimental.set_memory_growth(gpu, True)` |
# | a certain version of TensorFlow | `%tensorflow_version 2.x`, which no longer exists | `tf.__version__` shows it; `pip` changes it |
# | memory and cores | `!cat /proc/meminfo`, `!cat /proc/cpuinfo` | the same, on Linux |

# %%
for found in tf.config.list_physical_devices():
    print(found.device_type, found.name, tf.config.experimental.get_device_details(found))

# %% [markdown]
# ### Memory growth
#
# At its first computation, TensorFlow allocates nearly all of a GPU's memory, whether it needs it or not. A second notebook on the same GPU then fails with the error *out of memory*. With *memory growth*, TensorFlow allocates only what it needs and asks for more later. Turn it on before the first computation. After that, you must restart the kernel to turn it on.

# %%
gpus = tuple(tf.config.list_physical_devices("GPU"))
try:
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    print("memory growth is on for", len(gpus), "GPUs")
except RuntimeError as error:
    print("Too late, restart the kernel:", error)

# %% [markdown]
# **Exercise (2 points).** Anyone who wants to help you will first ask what machine you have. Write `describe_machine`. The imports above provide everything that you need; `os.cpu_count()` counts the cores.

# %% solution="gpu-machine-answer"
def describe_machine():
    """Describe this machine in plain values that can be pasted into a question.

    Returns a dictionary: "python", "tensorflow", "keras" and "numpy" are versions (str),
    "processor" is the kind of CPU (str, which may be empty where Python does not know it),
    "cores" is an integer, and "gpus" is a list of the GPUs' names (str), which is empty if there
    is no GPU. There are no other keys.

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

# %% locked="gpu-machine-trial"
def machine_with_two_more_gpus():
    """What describe_machine returns if TensorFlow lists two GPUs more, which do not exist."""
    from unittest.mock import patch

    listed = tf.config.list_physical_devices
    two = [tf.config.PhysicalDevice(f"/physical_device:GPU:{k}", "GPU") for k in (98, 99)]

    def more(device_type=None):
        return listed(device_type) + two * (device_type in (None, "GPU"))

    with (
        patch.object(tf.config, "list_physical_devices", more),
        patch.object(tf.config.experimental, "list_physical_devices", more),
    ):
        return describe_machine()

# %% tests="gpu-machine" points=2
with checks.exercise("gpu-machine", hidden="the types and the versions, checked once more"):
    described = describe_machine()
    checks.that(isinstance(described, dict), "describe_machine does not return a dictionary.")
    keys = {"cores", "gpus", "keras", "numpy", "processor", "python", "tensorflow"}
    lacking, more = sorted(keys - set(described)), sorted(map(str, set(described) - keys))
    checks.that(not lacking, f"The dictionary lacks the keys {', '.join(lacking)}.")
    checks.that(not more, f"The dictionary has keys that nobody asked for: {', '.join(more)}.")
    for key in ("python", "tensorflow", "keras", "numpy", "processor"):
        checks.that(isinstance(described[key], str), f"{key} is not text; expected a str.")
    for module in (keras, np, tf):
        version = described[module.__name__]
        checks.equal(version, module.__version__, f"{module.__name__}'s version")
    checks.that(
        described["python"].startswith(platform.python_version()),
        f"Python's version is {platform.python_version()}, not {described['python']}.",
    )
    others = {platform.system(): "the operating system", platform.node(): "the computer's name"}
    other = described["processor"] and others.get(described["processor"])
    checks.that(
        not other,
        f"processor is {described['processor']}, which is {other}; expected the kind of CPU, as "
        "platform.processor() or platform.machine() gives it.",
    )
    whole = isinstance(described["cores"], (int, np.integer))
    checks.that(whole, "The entry cores is not an integer: use os.cpu_count().")
    checks.that(
        isinstance(described["gpus"], list),
        f"gpus is a value of type {type(described['gpus']).__name__}; expected a list with the "
        ".name of each GPU, which is [] without a GPU.",
    )
    there = len(tf.config.list_physical_devices("GPU"))
    checks.equal(len(described["gpus"]), there, "The number of GPUs")
    try:
        named = described["gpus"] + machine_with_two_more_gpus()["gpus"]
    except Exception:  # it asks a GPU that does not exist for more than its name
        named = described["gpus"]
    for name in named:
        checks.that(
            isinstance(name, str),
            f"gpus holds values of type {type(name).__name__} if there is a GPU; expected names, "
            "which are text: take .name of each device.",
        )
    checks.that(
        len(named) != 2 * there + 1,
        "gpus holds one name if there are several GPUs: take .name of each device.",
    )
### BEGIN HIDDEN TESTS
from autograder import submission

check, facts = submission.checks, submission.call("describe_machine")
check.that(isinstance(facts, dict), "describe_machine does not return a dictionary.")
for key in "python tensorflow keras numpy processor".split():
    check.that(
        isinstance(facts.get(key), str),
        f"The entry {key} is not text; expected a str.",
    )
for key in ("python", "tensorflow", "keras", "numpy"):
    check.that(
        facts[key][:1].isdigit() and facts[key].count(".") >= 1,
        f"{key} is not a version such as 3.11.2.",
    )
check.equal(facts["numpy"], submission.np.__version__, "NumPy's version")
check.that(
    type(facts.get("cores")) is int and 1 <= facts["cores"] <= 4096,
    "cores is not a plausible number of cores: use os.cpu_count().",
)
check.that(
    isinstance(facts.get("gpus"), list) and all(isinstance(name, str) for name in facts["gpus"]),
    "gpus is not a list of names: take .name of each device.",
)
### END HIDDEN TESTS

# %%
hints.show("gpu-machine")

# %% [markdown]
# ### Memory
#
# Linux reports its memory as text, with one line for each field. One `kB` in this text is 1,024 bytes; a gigabyte (GB) is $10^9$ bytes.

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
    """Convert one field of /proc/meminfo to gigabytes.

    text: lines such as "MemTotal:       16384000 kB", in any order
    field: the full name before the colon
    Returns a float; a kB is 1,024 bytes, and a GB is 10**9 bytes. Raises KeyError if the field
    does not exist.

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
    "gpu-memory", hidden="other fields and orders, names with a common beginning, missing fields"
):
    lines = ("MemTotal:       16384000 kB", "MemFree:          812340 kB", "Active: 4096000 kB")
    text = "\n".join(lines) + "\n"
    checks.close(memory_gb(text), 16.777216, "The total memory of three lines in GB")
    checks.close(memory_gb(text, "MemFree"), 0.83183616, "The free memory of three lines in GB")
    try:
        memory_gb(text, "SwapTotal")
        raised = "nothing"
    except Exception as error:
        raised = "KeyError" if isinstance(error, KeyError) else type(error).__name__
    checks.that(
        raised == "KeyError",
        f"The text has no field SwapTotal: raise KeyError; memory_gb raises {raised}.",
    )
### BEGIN HIDDEN TESTS
from autograder import submission

lines = [
    "SwapCached:         128 kB",
    "DirectMap4k:     250000 kB",
    "Active(file):    3000000 kB",
    "Active:          7000000 kB",
    "MemTotalOfAll:         1 kB",
    "MemTotal: 131072000 kB",
    "SwapTotal:             0 kB",
]
cases = (
    ("MemTotal", 134.217728, "a field whose name begins another name, far from the top"),
    ("Active", 7.168, "a field whose name begins another name"),
    ("Active(file)", 3.072, "a field with brackets in its name"),
    ("SwapTotal", 0.0, "a field with 0 kB"),
    ("SwapCached", 0.000131072, "a small field"),
    ("DirectMap4k", 0.256, "a field with a digit in its name"),
)
for field, want, what in cases:
    for text in ("\n".join(lines), "\n".join(reversed(lines)) + "\n"):
        try:
            got = submission.call("memory_gb", text, field)
        except submission.checks.StudentError as error:
            told = f"memory_gb raises KeyError for {what}, although the text has this field."
            submission.checks.that("KeyError" not in str(error), told)
            raise
        submission.checks.close(got, want, f"memory_gb for {what}", atol=1e-9)
for field, where, what in (
    ("Total", lines, "whose name only ends other names"),
    ("Swap", lines, "whose name only begins other names"),
    ("Active", lines[:2], "that only the text of an earlier call has"),
):
    refused = False
    try:
        submission.call("memory_gb", "\n".join(where), field)
    except submission.checks.StudentError:
        refused = True
    submission.checks.that(refused, f"The text has no field {what}: raise KeyError.")
### END HIDDEN TESTS

# %%
hints.show("gpu-memory")

# %% [markdown]
# ## 2. What a computation costs
#
# A network spends nearly all of its time on two kinds of computation: matrix products and convolutions. When you multiply a matrix of $n$ rows and $k$ columns by one of $k$ rows and $m$ columns, each of the $n \cdot m$ results is a sum of $k$ products:
#
# $$M_\text{product} = n \cdot k \cdot m$$
#
# In a convolution with $C_\text{out}$ filters of $F \times F$ pixels over $C_\text{in}$ channels, each of the $H \cdot W$ positions of the output has $C_\text{out}$ values, and each of these is a sum of $F \cdot F \cdot C_\text{in}$ products:
#
# $$M_\text{convolution} = H \cdot W \cdot C_\text{out} \cdot F^2 \cdot C_\text{in}$$
#
# This count is for one image. Each multiplication comes with an addition, so $M$ multiplications are $2M$ operations. The unit of speed is the *GFLOP/s*: $10^9$ floating-point operations per second.
#
# **Predict.** Which takes more multiplications: the product of two 512 × 512 matrices, or the convolution of one 32 × 32 image with 96 filters of 3 × 3 over 96 channels?

# %% [markdown]
# **Exercise (3 points).** Write the two functions that count the multiplications.

# %% solution="gpu-counts-answer"
def product_multiplications(n, k, m):
    """Count the multiplications of an (n, k) matrix times a (k, m) matrix.

    Example: product_multiplications(2, 3, 4) is 24.
    """
    ### BEGIN SOLUTION
    return n * k * m
    ### END SOLUTION


def conv_multiplications(height, width, kernel, channels, filters, images=1):
    """Count the multiplications of a convolution whose output has height x width positions.

    kernel: pixels along each side of a filter; channels: in the input; filters: in the layer
    Returns the number for all images together; the bias needs no multiplication.

    Example: conv_multiplications(28, 28, 5, 3, 32) is 1881600.
    """
    ### BEGIN SOLUTION
    return images * height * width * filters * kernel**2 * channels
    ### END SOLUTION

# %%
print(f"512 x 512 times 512 x 512: {product_multiplications(512, 512, 512):>12,}")
print(f"one image, 96 to 96:       {conv_multiplications(32, 32, 3, 96, 96):>12,}")

# %% tests="gpu-counts" points=3
with checks.exercise("gpu-counts", hidden="sizes that are not square, other filters, batches, large numbers"):
    checks.equal(product_multiplications(2, 3, 4), 24, "The count for (2, 3) times (3, 4)")
    got = conv_multiplications(28, 28, 5, 3, 32)
    checks.that(
        got != 5 * 5 * 3 * 32, "That counts the weights, each of which is used at every position."
    )
    checks.that(
        got != 28 * 28 * 5 * 5 * 32,
        "That is the count for one channel: each filter has 5 x 5 weights for each of 3 channels.",
    )
    checks.equal(got, 1_881_600, "The count for a convolution from 3 channels to 28 x 28 x 32")
    got = conv_multiplications(28, 28, 5, 3, 32, images=10)
    checks.equal(got, 18_816_000, "The same count for 10 images")
### BEGIN HIDDEN TESTS
from autograder import submission

call, check = submission.call, submission.checks
for sizes, want in (
    ((1, 7, 1), 7),
    ((128, 2048, 1024), 268_435_456),
    ((3, 1, 5), 15),
    ((1301, 1999, 1703), 4_428_990_397),  # beyond 32 bits
):
    got = call("product_multiplications", *sizes)
    check.equal(got, want, f"product_multiplications{sizes}")
for sizes, want in (
    ((4, 8, 3, 2, 5), 2_880),
    ((32, 32, 3, 96, 96), 84_934_656),
    ((30, 28, 3, 3, 32, 7), 5_080_320),
    ((6, 5, 1, 4, 9, 2), 2_160),
    ((31, 33, 3, 95, 97, 67), 5_684_447_835),
):
    got = call("conv_multiplications", *sizes)
    check.equal(got, want, f"conv_multiplications{sizes}")
### END HIDDEN TESTS

# %%
hints.show("gpu-counts")

# %% [markdown]
# **Exercise (1 point).** Write `gflops`.

# %% solution="gpu-gflops-answer"
def gflops(multiplications, seconds):
    """Compute the speed in GFLOP/s, with two operations for each multiplication.

    Example: gflops(5_000_000_000, 2.0) is 5.0.
    """
    ### BEGIN SOLUTION
    return 2 * multiplications / seconds / 1e9
    ### END SOLUTION

# %% tests="gpu-gflops" points=1
with checks.exercise("gpu-gflops", hidden="other numbers"):
    got = gflops(5_000_000_000, 2.0)
    checks.that(
        got != 2.5, "That counts only multiplications; each of them comes with an addition."
    )
    checks.close(got, 5.0, "The GFLOP/s for five billion multiplications in 2 s")
### BEGIN HIDDEN TESTS
from autograder import submission

for multiplications, seconds, want in (
    (10**9, 2.0, 1.0),
    (5 * 10**9, 0.5, 20.0),
    (84_934_656, 0.004, 42.467328),
    (10**6, 20.0, 1e-4),
    (7, 4.0, 3.5e-9),
    (0, 3, 0),
):
    got = submission.call("gflops", multiplications, seconds)
    submission.checks.close(got, want, f"gflops({multiplications}, {seconds})", atol=1e-13)
### END HIDDEN TESTS

# %%
hints.show("gpu-gflops")

# %% [markdown]
# ## 3. Timing without the usual mistakes
#
# Three things go wrong when people time a computation.
#
# * **The first call is different.** It loads libraries, chooses an algorithm and allocates memory. Make one call before you start the clock: the *warm-up*.
# * **One call proves little.** Another program may be running at that moment. Time several calls and take their *median*, which a single slow call hardly changes.
# * **The clock stops too early.** A GPU accepts a command and immediately returns a tensor that is *still to be* computed. Your program waits for the result only when it reads a value of that tensor.
#
# The functions below take the clock as an argument. A test can then pass in a simulated clock, as the check below does with `on_a_stand_in`.

# %% locked="gpu-median-clock"
def on_a_stand_in(durations):
    """The result and the number of calls; call number i takes durations[i] seconds."""
    now, calls = [100.0], []

    def stand_in():
        now[0] += durations[min(len(calls), len(durations) - 1)]
        calls.append(now[0])

    stand_in.__qualname__ = "function"  # as an error message names it
    return median_seconds(stand_in, len(durations) - 1, lambda: now[0]), len(calls)

# %% [markdown]
# **Exercise (3 points).** Write `median_seconds`.

# %% solution="gpu-median-answer"
def median_seconds(function, repeats=5, clock=time.perf_counter):
    """Measure the median time of a call, after one warm-up call that does not count.

    function: called without arguments, once as a warm-up and then repeats times
    clock: returns the time in seconds as a float; read it before and after each call
    Returns a float, the median of the timed calls. If their number is even, the median is the
    mean of the two in the middle, as in np.median.

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
with checks.exercise("gpu-median", hidden="an even number of calls, a single call, equal and short times"):
    # The warm-up takes 9 s, and the five calls that count take 5, 1, 8, 3 and 2 s.
    got, calls = on_a_stand_in([9, 5, 1, 8, 3, 2])
    checks.that(got is not None, "median_seconds returns None.")
    one = not isinstance(got, (str, list, tuple, dict)) and np.ndim(got) == 0
    checks.that(one, "median_seconds does not return one number: return the median alone.")
    checks.equal(calls, 6, "The number of calls for repeats=5, including the warm-up,")
    checks.that(got >= 0, "The result is negative: subtract the start from the end.")
    checks.that(got > 0.5, "The result does not come from the clock argument: use clock().")
    mistakes = {3.8: "mean", 1: "fastest call", 8: "slowest call", 19: "sum", 2: "last call"}
    mistake = mistakes.get(round(float(got), 6))
    checks.that(mistake is None, f"That is the {mistake}; sort the five times and take the third.")
    checks.that(got != 4, "The times include the warm-up, which does not count.")
    checks.close(got, 3, "The median of 5, 1, 8, 3 and 2 s")
    ran = []
    median_seconds(lambda: ran.append(1))
    checks.equal(len(ran), 6, "The number of calls without an argument for repeats")
    slept = median_seconds(lambda: time.sleep(0.02), 1)
    checks.that(
        slept > 0.015,
        "Without an argument for clock, median_seconds measures less than the 0.02 s that "
        "time.sleep(0.02) takes: let time.perf_counter be the default.",
    )
    checks.that(
        slept < 15,  # even if the machine is busy
        "Without an argument for clock, median_seconds measures 15 s or more for the 0.02 s that "
        "time.sleep(0.02) takes: let time.perf_counter, which counts seconds, be the default.",
    )
### BEGIN HIDDEN TESTS
from autograder import submission

asked = (
    ([9, 4, 1, 8, 2], 3.0, "an even number of calls"),
    ([7, 0.5], 0.5, "a single call"),
    ([1, 6, 2, 7], 6.0, "unsorted times"),
    ([0, 0.25, 3, 0.5, 9, 0.125, 0.75, 8], 0.75, "seven calls"),
    ([3, 2, 2, 2, 9, 8], 2.0, "several calls that take the same time"),
    ([1, 0.0004, 0.0011, 0.0007], 0.0007, "calls of less than a millisecond"),
    ([1, 0, 0, 3, 0, 5], 0.0, "calls that are too short for the clock"),
    ([9, *range(30)], 14.5, "thirty calls"),
)
timed = submission.calls("on_a_stand_in", [(durations,) for durations, _, _ in asked])
for (got, called), (durations, want, what) in zip(timed, asked):
    submission.checks.equal(called, len(durations), f"The number of calls, for {what},")
    submission.checks.close(got, want, f"median_seconds for {what}")
### END HIDDEN TESTS

# %%
hints.show("gpu-median")

# %% [markdown]
# ### Each device
#
# `with tf.device("CPU:0"):` places everything that is created and computed inside it on the CPU; `"GPU:0"` is the first GPU. Create the arrays before the clock starts, or you also time the random number generator. Let the timed function end by reading one number of its result, such as `result[0, 0].numpy()`: it then waits for all the numbers and copies only one. A number of another array, or a constant, would not wait.
#
# **Exercise (3 points).** Write `product_rate` and `conv_rate`.

# %% solution="gpu-rates-answer"
def product_rate(device, size, timer=median_seconds):
    """Measure a device's speed in GFLOP/s at multiplying two float32 matrices (size, size).

    device: for example "CPU:0"; timer: takes a function and returns the seconds of one call
    Each call of the timed function computes the product, for example with tf.matmul, waits for it,
    and returns one number of it: a float that is not a tensor.

    Example: product_rate("CPU:0", 1024) is about 100 on two cores of a server.
    """
    ### BEGIN SOLUTION
    with tf.device(device):
        a, b = tf.random.normal((2, size, size))
        seconds = timer(lambda: tf.matmul(a, b)[0, 0].numpy())
    return gflops(product_multiplications(size, size, size), seconds)
    ### END SOLUTION


def conv_rate(device, images, timer=median_seconds):
    """Measure a device's speed in GFLOP/s for a convolution of 96 channels, in float32.

    It is the most expensive layer of NET III.
    images: number of images; each has 32 x 32 pixels in 96 channels, and 96 filters of 3 x 3
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

# %% locked="gpu-rates-trial"
def rate_on_trial(name, device, size):
    """Call product_rate or conv_rate with a timer that makes two calls and reports 0.5 s."""
    if name == "product_rate":
        square = (size, size)
        return timing.on_trial(product_rate, device, size, [square, square], square)
    images = (size, 32, 32, 96)
    return timing.on_trial(conv_rate, device, size, [images, (3, 3, 96, 96)], images)

# %% tests="gpu-rates" points=3
with checks.exercise("gpu-rates", hidden="other sizes, another device, and real times"):
    for rate, size, want in ((product_rate, 400, 0.256), (conv_rate, 2, 0.679477)):
        called = "product_rate" if rate is product_rate else "conv_rate"
        trial = rate_on_trial(called, "CPU:0", size)
        checks.that(not trial["problem"], f"{called}, size {size}: {trial['problem']}")
        checks.close(trial["rate"], want, f"{called} for the size {size} in 0.5 s", rtol=1e-3)
### BEGIN HIDDEN TESTS
from autograder import submission

check = submission.checks
for rate, size, want in (("product_rate", 50, 0.0005), ("conv_rate", 3, 1.019215872)):
    trial = submission.call("rate_on_trial", rate, "CPU:0", size)
    check.that(not trial["problem"], f"{rate} for another size: {trial['problem']}")
    check.close(trial["rate"], want, f"{rate} for another size")
    try:
        trial = submission.call("rate_on_trial", rate, "CPU:1", size)
    except check.StudentError:  # an answer may refuse a device that is not there
        continue
    check.that(not trial["problem"], f"{rate} for another device: {trial['problem']}")
for rate, size in (("product_rate", 128), ("conv_rate", 1)):
    reached = submission.call(rate, "CPU:0", size)
    check.shape(reached, (), f"{rate}, measured with median_seconds,")
    # From the speed of a phone's core to more than any accelerator reaches.
    fits = not isinstance(reached, (bool, str)) and 1e-4 < float(reached) < 1e7
    check.that(fits, f"{rate} is not a plausible speed in GFLOP/s with the default timer.")
### END HIDDEN TESTS

# %%
hints.show("gpu-rates")

# %% [markdown]
# ### The effect of size
#
# **Predict.** Is the speed the same for a product of 32 × 32 matrices as for one of 1024 × 1024 matrices?

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
# **What do you see?** (2 points) How does the speed change with the size, and between which values in your figure? Where does the time go when the matrices are small? What does this mean for the number of images that a network should get at once, especially on a GPU?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: the speed rises by a factor of a hundred or more from 16 × 16 to several hundred rows and then levels off, with numbers read from the figure. One point: a small product mostly costs time that is the same for every call (Python, choosing and starting the operation, and on a GPU sending the command to another chip), so many images belong in one call, a batch. A GPU with its thousands of cores needs larger batches than a CPU before it is fully used, and it may be slower than the CPU on small ones.
# ### END SOLUTION

# %% [markdown]
# ## 4. How long will NET III take?
#
# NET III has six convolutions, three fully connected (FC) layers and 3,267,306 parameters. An FC layer multiplies one row of values by a matrix.

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
# The forward pass of one image costs $M$ multiplications. Training on the image costs about **three times** as many: in the backward pass, each layer computes the gradients for its weights and those for its input, and each of the two takes as much work as the forward pass. An image of the validation data only needs the forward pass.
#
# **Predict.** The network trains on 40,000 images and validates on 10,000, for 20 epochs. Does this take minutes or hours on your machine?

# %% [markdown]
# **Exercise (2 points).** Write `hours`.

# %% solution="gpu-hours-answer"
def hours(multiplications, rate, train=40_000, val=10_000, epochs=20):
    """Predict the hours of a training run from a speed.

    multiplications: in the forward pass of one image; rate: in GFLOP/s; each is one number
    train: training images, at three times the multiplications; val: validation images, with the
    forward pass only; both are the numbers for each epoch
    Returns one number, such as a float.

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
    print("There is no GPU here. A T4, with 8,100 GFLOP/s according to its maker, would take")
    print(f"{hours(net3, 8_100) * 60:.1f} minutes at full speed. Nothing else would change.")

# %% tests="gpu-hours" points=2
with checks.exercise("gpu-hours", hidden="other networks, speeds, numbers of images and epochs"):
    got = hours(146_838_528, 100)
    checks.that(got is not None, "hours returns None.")
    one = not isinstance(got, (str, list, tuple, dict)) and np.ndim(got) == 0
    checks.that(one, "hours does not return one number: return the hours as a float.")
    mistakes = {
        0.8158: "Training costs three times the forward pass.",
        1.0605: "Each multiplication comes with an addition: count two operations.",
        1.9579: "The validation images also go through the network in each epoch.",
        1.9660: "The validation images go through the network in each epoch, not only once.",
        2.4473: "A validation image needs only the forward pass: count it once.",
        127.261: "That is the time in minutes; an hour has 3,600 seconds.",
        0.0884: "That is the time in days; an hour has 3,600 seconds.",
        0.1061: "That is the time for one epoch.",
    }
    for value, sentence in mistakes.items():
        checks.that(abs(got - value) > 1e-3 * value, sentence)
    checks.close(got, 2.12100, "NET III at 100 GFLOP/s, in hours,", rtol=1e-3)
### BEGIN HIDDEN TESTS
from autograder import submission

for arguments, named, want, what in (
    ((3_000_000, 100), {}, 0.04333333, "another number of multiplications"),
    ((146_838_528, 62.5), {}, 3.3936015, "another rate"),
    ((36_000_000, 50), {"train": 60_000}, 1.52, "another number of training images"),
    ((36_000_000, 50), {"val": 0}, 0.96, "another number of validation images"),
    ((36_000_000, 50), {"epochs": 25}, 1.3, "another number of epochs"),
    ((10**9, 1_000, 60_000, 0, 10), {}, 1.0, "five other arguments"),
    ((36_000_000, 50, 0, 1_000, 25), {}, 0.01, "no training images"),
    ((10**8, 20, 5_000, 3_000, 4), {}, 0.2, "five other arguments"),
):
    got = submission.call("hours", *arguments, **named)
    submission.checks.close(got, want, f"hours for {what}", rtol=1e-5, atol=1e-9)
### END HIDDEN TESTS

# %%
hints.show("gpu-hours")

# %%
speeds = np.geomspace(10, 10_000, 50).tolist()  # hours takes one number at a time
fig, ax = plt.subplots(figsize=(7, 4))
ax.loglog(speeds, [hours(net3, speed) for speed in speeds], color="black", label="predicted")
for k, (name, reached) in enumerate(rates.items()):
    at = reached["convolution"]
    ax.plot(at, hours(net3, at), "os^"[k % 3], ms=9, color=plots.COLOURS[k], label=f"{name} here")
ax.plot(8_100, hours(net3, 8_100), "k*", ms=12, label="T4, according to its maker")
ax.set(xlabel="GFLOP/s", ylabel="hours for 20 epochs of NET III")
ax.legend()
plt.show()

# %% [markdown]
# ### A prediction needs a test
#
# The first two convolutions have 60% of NET III's multiplications and are quick to build. Train a network of these two, one pooling layer and one FC layer on 64 random images, and compare the time of one such step with the prediction.

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
# **Explain.** (2 points) How far is the measured time of a step from the predicted one? Name two things that the prediction leaves out. If a GPU were eighty times as fast at convolutions, would the whole training be eighty times as fast?
#
# ### BEGIN SOLUTION
# *Rubric.* One point: the factor from the student's own run, and two of the following with a reason: ReLU, pooling, the loss and Adam's steps add no multiplications to the count but move a lot of memory; backward convolutions run at a different speed than forward ones; Python and Keras take time between the operations; the images must be copied to the device; other programs run, or the processor slows down when it is hot. One point: no, because what the GPU does not speed up (preparing and copying images, starting operations, Python) remains and becomes the larger part; small batches leave a GPU mostly idle.
# ### END SOLUTION

# %% [markdown]
# ## What others got
#
# | where | what | figure | machine and back end |
# |---|---|---|---|
# | the exercise sheet | how to turn a GPU on | no times; its answer to a test is `/device:GPU:0` | Colab |
# | a report on CIFAR-100 | training runs of a network with 2.7 times NET III's parameters | 36 min 14 s; with augmentation 50 min 16 s; with dropout 15 min 40 s; its first, small network 7 min 9 s | not given, a GPU with memory growth |
# | *full*, CIFAR-10 | NET III, an epoch of 40,000 training images, batches of 128 | 0.76 s after a first epoch of 11.7 s: 52,700 images per second | NVIDIA H100 80 GB, Keras 3.15 on JAX 0.11 |
# | *full*, CIFAR-10 | NET I of *03*, with 32 times fewer multiplications, in the same way | 0.70 s: 57,200 images per second | the same |
# | *offline* and *quick* | NET III, training | 150 to 200 images per second | two cores, TensorFlow 2.21, Keras 3.15 |
#
# This notebook computes the same under *offline*, *quick* and *full*, so its figures differ only between machines. Add your own times to these, and name your machine: a time says little without the machine that it was measured on.

# %% [markdown]
# ## Take-away
#
# You can count multiplications before a network is built, and you can measure the speed of a machine in seconds. Together, the two predict a training time to within a small factor. A fair timing warms up, takes the median of several calls, and waits for the result.
#
# **Read on.** Williams, Waterman and Patterson 2009, *Roofline: an insightful visual performance model for multicore architectures*, tells when memory limits a computation, and when arithmetic does. Justus, Brennan, Bonner and McGough 2018, *Predicting the computational cost of deep learning models*, goes beyond counting multiplications. Krizhevsky, Sutskever and Hinton 2012, *ImageNet classification with deep convolutional neural networks*, is the training of five to six days. Hennessy and Patterson, *Computer Architecture: A Quantitative Approach*, is the book on measuring machines.
#
# **Going further.** Time the convolution for 1, 4, 16, 64 and 256 images. At how many images does the speed stop rising, and does a GPU need more images than a CPU to get there?
