"""00 The machine: right answers in other forms pass, wrong ones fail in words, at any speed."""

import itertools
import os
import platform
import re
import statistics
import time

import exercise
import keras
import numpy as np
import pytest
import tensorflow as tf

from convcourse import checks

MEMINFO = """MemTotal:       16384000 kB
MemFree:          812340 kB
MemAvailable:    9437184 kB
Active(anon):    2048000 kB
Active:          4096000 kB
"""
TESTS = [
    "gpu-machine",
    "gpu-memory",
    "gpu-counts",
    "gpu-gflops",
    "gpu-median",
    "gpu-rates",
    "gpu-hours",
]
RATES = {"CPU:0": {"product": 90.0, "convolution": 60.0}}


@pytest.fixture(scope="module")
def gpu():
    return exercise.load("00_gpu_setup")


def run(gpu, test, code="", **answers):
    """Judge with other answers, given as functions or as code that sees the notebook's names."""
    return gpu.run(test, gpu.namespace(code, **({"EXAMPLE": MEMINFO, "rates": RATES} | answers)))


def assert_wrong(result, words, status=checks.WRONG):
    assert result.status == status, result
    assert words.lower() in result.message.lower(), result


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(gpu, test):
    result = run(gpu, test)
    assert result.passed and result.hidden, result
    untouched = gpu.run(test, gpu.stubs(EXAMPLE=MEMINFO, rates=RATES))
    assert untouched.status == checks.NOT_ATTEMPTED, untouched


# ------------------------------------------------------------------ gpu-machine


def facts(**changed):
    found = {
        "python": ".".join(map(str, platform.python_version_tuple())),
        "tensorflow": tf.version.VERSION,
        "keras": keras.version(),
        "numpy": np.version.version,
        "processor": os.uname().machine,
        "cores": len(range(os.cpu_count())),
        "gpus": [d.name for d in tf.config.list_physical_devices() if d.device_type == "GPU"],
    }
    return found | changed


def without(key):
    return {k: v for k, v in facts().items() if k != key}


@pytest.mark.parametrize("right", [facts, lambda: dict(reversed(facts().items()))])
def test_a_machine_described_another_way_passes(gpu, right):
    result = run(gpu, "gpu-machine", describe_machine=right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: None, "not return a dictionary"),
        (lambda: list(facts().items()), "not return a dictionary"),
        (lambda: without("gpus"), "keys"),
        (lambda: facts(memory=8.0), "keys"),
        (lambda: facts(keras="2.15.0"), "keras's version"),
        (lambda: facts(numpy=np), "numpy's version"),
        (lambda: facts(gpus=0), "not a list"),
        (lambda: facts(gpus=["GPU:0", "GPU:1", "GPU:2"]), "number of GPUs"),
        (lambda: facts(cores=str(os.cpu_count())), "cores"),
        (lambda: facts(python="Python"), "not a version"),
        (lambda: facts(python=3.11), "expected a string"),
        (lambda: facts(processor=""), "expected a string"),
    ],
)
def test_a_machine_described_wrongly_is_found(gpu, wrong, words):
    assert_wrong(run(gpu, "gpu-machine", describe_machine=wrong), words)


# ------------------------------------------------------------------ gpu-memory


def by_pattern(text, field="MemTotal"):
    found = re.search(rf"^{re.escape(field)}:\s*(\d+)", text, re.MULTILINE)
    if found is None:
        raise KeyError(field)
    return int(found[1]) * 1.024e-6


def by_dictionary(text, field="MemTotal"):
    fields = dict(line.split(":") for line in text.strip().split("\n"))
    return float(fields[field].removesuffix("kB")) * 1024 / 10**9


@pytest.mark.parametrize("right", [by_pattern, by_dictionary])
def test_memory_read_another_way_passes(gpu, right):
    result = run(gpu, "gpu-memory", memory_gb=right)
    assert result.passed and result.hidden, result


def begins(text, field="MemTotal"):
    for line in text.splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e9
    raise KeyError(field)


def silent(text, field="MemTotal"):
    return by_pattern(text, field) if f"{field}:" in text else 0.0


def first_line(text, field="MemTotal"):
    known = {"MemTotal": 0, "MemFree": 1}
    return int(text.splitlines()[known[field]].split()[1]) * 1.024e-6


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda t, f="MemTotal": by_pattern(t, f) / 1.024, "total memory"),
        (lambda t, f="MemTotal": by_pattern(t, f) * 1e6, "total memory"),
        (lambda t, f="MemTotal": by_pattern(t, f) * 1e9 / 2**30, "total memory"),
        (lambda t, f="MemTotal": by_pattern(t), "free memory"),
        (lambda t, f="MemTotal": None, "None"),
        (lambda t, f="MemTotal": f"{by_pattern(t, f)} GB", "total memory"),
        (silent, "raise KeyError"),
        (begins, "begins another name"),
    ],
)
def test_memory_read_wrongly_is_found(gpu, wrong, words):
    assert_wrong(run(gpu, "gpu-memory", memory_gb=wrong), words)


def test_fields_looked_up_by_their_line_fail_on_another_order(gpu):
    result = run(gpu, "gpu-memory", memory_gb=first_line)
    assert not result.passed and result.hidden, result


# ------------------------------------------------------------------ gpu-counts, gpu-gflops


def conv_by_weights(height, width, kernel, channels, filters, images=1):
    weights = int(np.prod((kernel, kernel, channels, filters)))
    return sum(height * width * weights for _ in range(images))


def test_counts_written_another_way_pass(gpu):
    other = {
        "product_multiplications": lambda n, k, m: int(np.prod([n, k, m])),
        "conv_multiplications": conv_by_weights,
    }
    result = run(gpu, "gpu-counts", **other)
    assert result.passed and result.hidden, result
    result = run(gpu, "gpu-counts", product_multiplications=lambda n, k, m: m * (k * n))
    assert result.passed and result.hidden, result


def conv(change):
    """conv_multiplications with something changed."""

    def count(height, width, kernel, channels, filters, images=1):
        return change(height, width, kernel, channels, filters, images)

    return "conv_multiplications", count


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (("product_multiplications", lambda n, k, m: n * m), "count for (2, 3)"),
        (("product_multiplications", lambda n, k, m: 2 * n * k * m), "count for (2, 3)"),
        (("product_multiplications", lambda n, k, m: n * k * k * m // 3), "other sizes"),
        (conv(lambda h, w, f, c, o, n: f * f * c * o), "counts the weights"),
        (conv(lambda h, w, f, c, o, n: n * h * w * f * f * o), "one channel"),
        (conv(lambda h, w, f, c, o, n: h * w * f * f * c * o), "10 images"),
        (conv(lambda h, w, f, c, o, n: n * h * w * (f * f * c + 1) * o), "a convolution from 3"),
        (conv(lambda h, w, f, c, o, n: n * h * w * f * c * o), "a convolution from 3"),
        (conv(lambda h, w, f, c, o, n: n * h * h * f * f * c * o), "other sizes"),
        (conv(lambda h, w, f, c, o, n: n * h * w * 25 * c * o), "other sizes"),
        (conv(lambda h, w, f, c, o, n: None), "a convolution from 3"),
    ],
)
def test_wrong_counts_are_found(gpu, answer, words):
    assert_wrong(run(gpu, "gpu-counts", **dict([answer])), words)


@pytest.mark.parametrize(
    "right", [lambda m, s: (m / s) * 2e-9, lambda m, s: np.float64(m + m) / np.float64(1e9 * s)]
)
def test_speed_written_another_way_passes(gpu, right):
    result = run(gpu, "gpu-gflops", gflops=right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda m, s: m / s / 1e9, "addition"),
        (lambda m, s: 2 * m / s / 1e6, "GFLOP/s"),
        (lambda m, s: 2 * m / s / 2**30, "GFLOP/s"),
        (lambda m, s: 2 * m * s / 1e9, "GFLOP/s"),
        (lambda m, s: 2 * m / s, "GFLOP/s"),
        (lambda m, s: 2 * m // s // 10**9, "other numbers"),
        (lambda m, s: print(2 * m / s / 1e9), "None"),
    ],
)
def test_wrong_speeds_are_found(gpu, wrong, words):
    assert_wrong(run(gpu, "gpu-gflops", gflops=wrong), words)


# ------------------------------------------------------------------ gpu-median


def timer(choose, warm_up=1, own_clock=None):
    """median_seconds with something changed."""

    def measure(function, repeats=5, clock=time.perf_counter):
        clock = own_clock or clock
        for _ in range(warm_up):
            function()
        marks = [clock()]
        for _ in range(repeats):
            function()
            marks.append(clock())
        return choose([after - before for before, after in itertools.pairwise(marks)])

    return measure


def timed_in_full(function, repeats=5, clock=time.perf_counter):
    """Times the warm-up, too, then leaves it out."""
    taken = []
    for _ in range(repeats + 1):
        start = clock()
        function()
        taken.append(clock() - start)
    return np.median(np.array(taken[1:]))


@pytest.mark.parametrize("right", [timer(statistics.median), timer(np.median), timed_in_full])
def test_a_median_taken_another_way_passes(gpu, right):
    result = run(gpu, "gpu-median", median_seconds=right)
    assert result.passed and result.hidden, result


def with_the_warm_up(function, repeats=5, clock=time.perf_counter):
    return timer(statistics.median, warm_up=0)(function, repeats + 1, clock)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (timer(statistics.mean), "mean"),
        (timer(min), "fastest"),
        (timer(max), "slowest"),
        (timer(sum), "sum"),
        (timer(lambda taken: taken[-1]), "last call"),
        (timer(lambda taken: taken[len(taken) // 2]), "slowest"),
        (timer(statistics.median, warm_up=0), "number of calls"),
        (timer(statistics.median, warm_up=2), "number of calls"),
        (with_the_warm_up, "include the warm-up"),
        (timer(statistics.median, own_clock=time.perf_counter), "use clock()"),
        (timer(statistics.median, own_clock=time.time), "use clock()"),
        (timer(lambda taken: None), "returns None"),
        (timer(lambda taken: sorted(taken)[len(taken) // 2]), "an even number"),
        (lambda f, r=5, clock=None: timer(statistics.median)(f, 5, clock), "number of calls"),
    ],
)
def test_a_wrong_way_to_time_is_named(gpu, wrong, words):
    assert_wrong(run(gpu, "gpu-median", median_seconds=wrong), words)


# ------------------------------------------------------------------ gpu-rates


PRODUCT = """
def product_rate(device, size, timer=median_seconds):
    with tf.device({device}):
        a, b = tf.ones((size, size)), tf.ones((size, size))
        seconds = timer(lambda: {timed})
    return {rate}
"""
CONV = """
def conv_rate(device, images, timer=median_seconds):
    with tf.device({device}):
        x, w = tf.ones((images, 32, 32, 96)), tf.ones((3, 3, 96, 96))
        seconds = timer(lambda: {timed})
    return {rate}
"""


def product(timed="(a @ b).numpy()", rate="2 * size**3 / seconds / 1e9", device="device"):
    return PRODUCT.format(timed=timed, rate=rate, device=device)


def convolution(
    timed="float(tf.reduce_sum(tf.nn.conv2d(x, w, 1, 'SAME')))",
    rate="2 * images * 84_934_656 / seconds / 1e9",
    device="device",
):
    return CONV.format(timed=timed, rate=rate, device=device)


@pytest.mark.parametrize(
    "right",
    [
        product() + convolution(),
        product("tf.linalg.trace(tf.matmul(a, b)).numpy()", "float(2e-9 * size**3 / seconds)"),
        convolution("keras.ops.conv(x, w, padding='same').numpy().mean()"),
    ],
)
def test_rates_measured_another_way_pass(gpu, right):
    result = run(gpu, "gpu-rates", right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (product("a @ b"), "returns a tensor"),
        (convolution("tf.nn.conv2d(x, w, 1, 'SAME')"), "returns a tensor"),
        (product(device="'CPU'"), "ignores its device"),
        (product(rate="size**3 / seconds / 1e9"), "product_rate for the size 400"),
        (product(rate="2 * size**2 / seconds / 1e9"), "product_rate for the size 400"),
        (product(rate="seconds"), "product_rate for the size 400"),
        (convolution(rate="2 * 84_934_656 / seconds / 1e9"), "conv_rate for the size 2"),
        (convolution(rate="2 * images * 82_944 / seconds / 1e9"), "conv_rate for the size 2"),
        (convolution(rate="None"), "None"),
    ],
)
def test_rates_measured_wrongly_are_found(gpu, wrong, words):
    assert_wrong(run(gpu, "gpu-rates", wrong), words)


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ({}, "no entry for the CPU"),
        ([90.0, 60.0], "no entry for the CPU"),
        ({"CPU:0": {"product": 90.0}}, "keys"),
        ({"CPU:0": {"product": 90.0, "convolution": 0.0}}, "not a plausible"),
        ({"CPU:0": {"product": 9e10, "convolution": 60.0}}, "not a plausible"),
        ({"CPU:0": {"product": "fast", "convolution": 60.0}}, "not a number"),
        (RATES | {"GPU:0": {"product": float("nan"), "convolution": 1.0}}, "not a plausible"),
    ],
)
def test_rates_of_the_devices_that_cannot_be_are_found(gpu, rates, words):
    result = run(gpu, "gpu-rates", rates=rates)
    assert_wrong(result, words)
    assert result.hidden


# ------------------------------------------------------------------ gpu-hours


def trained(change):
    def hours(multiplications, rate, train=40_000, val=10_000, epochs=20):
        return change(multiplications, rate, train, val, epochs)

    return hours


@pytest.mark.parametrize(
    "right",
    [
        trained(lambda m, r, t, v, e: m / r * e * (6 * t + 2 * v) / 3.6e12),
        trained(
            lambda m, r, t, v, e: sum(2 * m * (t + v + t + t) / r / 1e9 / 60 / 60 for _ in range(e))
        ),
    ],
)
def test_hours_computed_another_way_pass(gpu, right):
    result = run(gpu, "gpu-hours", hours=right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (trained(lambda m, r, t, v, e: 2 * m * (t + v) * e / r / 3.6e12), "three times"),
        (trained(lambda m, r, t, v, e: m * (3 * t + v) * e / r / 3.6e12), "two operations"),
        (trained(lambda m, r, t, v, e: 2 * m * 3 * t * e / r / 3.6e12), "images also go"),
        (trained(lambda m, r, t, v, e: 6 * m * (t + v) * e / r / 3.6e12), "count it once"),
        (trained(lambda m, r, t, v, e: 2 * m * (3 * t + v) * e / r / 6e10), "minutes"),
        (trained(lambda m, r, t, v, e: 2 * m * (3 * t + v) / r / 3.6e12), "one epoch"),
        (trained(lambda m, r, t, v, e: 2 * m * (3 * t + v) * e / r / 1e9), "in hours"),
        (trained(lambda m, r, t, v, e: 2 * m * 130_000 * 20 / r / 3.6e12), "other numbers"),
        (trained(lambda m, r, t, v, e: None), "returns None"),
    ],
)
def test_wrong_hours_are_named(gpu, wrong, words):
    assert_wrong(run(gpu, "gpu-hours", hours=wrong), words)
