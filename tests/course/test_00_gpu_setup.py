"""00 The machine: right answers in other forms pass, wrong ones fail in words, at any speed."""

import dataclasses
import itertools
import os
import platform
import re
import statistics
import sys
import time
from importlib import metadata

import exercise
import keras
import numpy as np
import pytest
import tensorflow as tf

from convcourse import checks

TESTS = [
    "gpu-machine",
    "gpu-memory",
    "gpu-counts",
    "gpu-gflops",
    "gpu-median",
    "gpu-rates",
    "gpu-hours",
]
LOCKED = [
    exercise.locked("00_gpu_setup", name)
    for name in ("gpu-machine-trial", "gpu-median-clock", "gpu-rates-trial")
]


@pytest.fixture(scope="module")
def gpu():
    return exercise.load("00_gpu_setup")


def run(gpu, test, code="", **answers):
    """Judge with other answers, given as functions or as code that sees the notebook's names."""
    return gpu.run(test, gpu.namespace("\n".join([*LOCKED, code]), **answers))


def assert_wrong(result, words, status=checks.WRONG):
    assert result.status == status, result
    assert any(one.lower() in result.message.lower() for one in words.split("|")), result
    assert "hidden check ended" not in result.message, result


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(gpu, test):
    result = run(gpu, test)
    assert result.passed and result.hidden, result
    stubs = gpu.stubs()
    exec("\n".join(LOCKED), stubs)
    untouched = gpu.run(test, stubs)
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


def verbose_machine() -> dict:
    """Collect the facts one by one, and print them."""
    import multiprocessing
    import sys

    result: dict = {}
    result["python"] = sys.version.split()[0]
    for module in (tf, keras, np):
        assert hasattr(module, "__version__"), module
        result[module.__name__] = str(module.__version__)
    result["processor"] = platform.processor() or platform.machine()
    result["cores"] = int(multiprocessing.cpu_count())
    result["gpus"] = [str(gpu.name) for gpu in tf.config.list_logical_devices("GPU")]
    for key, value in result.items():
        print(f"{key}: {value}")
    return result


def from_a_class():
    @dataclasses.dataclass
    class Machine:
        python: str
        tensorflow: str = tf.__version__
        keras: str = keras.__version__
        numpy: str = metadata.version("numpy")
        processor: str = platform.uname().machine
        cores: int = os.cpu_count()
        gpus: list = dataclasses.field(default_factory=list)

    return dataclasses.asdict(Machine(sys.version))


@pytest.mark.parametrize(
    "right",
    [
        facts,
        lambda: dict(reversed(facts().items())),
        verbose_machine,
        from_a_class,
        lambda: facts(processor=platform.processor()),
        lambda: facts(processor=""),
        lambda: facts(cores=np.int64(os.cpu_count())),
        lambda: facts(
            gpus=[
                tf.config.experimental.get_device_details(gpu)["device_name"]
                for gpu in tf.config.list_physical_devices("GPU")
            ]
        ),
        lambda: facts(gpus=[gpu[0] for gpu in tf.config.experimental.list_physical_devices("GPU")]),
    ],
)
def test_a_machine_described_another_way_passes(gpu, right):
    result = run(gpu, "gpu-machine", describe_machine=right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: None, "not return a dictionary"),
        (lambda: list(facts().items()), "not return a dictionary"),
        (lambda: without("gpus"), "lacks the keys gpus"),
        (lambda: facts(memory=8.0), "nobody asked for: memory"),
        (lambda: facts() | {7: 1}, "nobody asked for: 7"),
        (lambda: facts(tensorflow="2"), "tensorflow's version"),
        (lambda: facts(gpus=()), "gpus is a value of type tuple; expected a list"),
        (lambda: facts(gpus=None), "gpus is a value of type NoneType; expected a list"),
        (lambda: facts(cores=4.0), "cores is not an integer"),
        (lambda: facts(cores=0), "plausible"),
        (lambda: facts(python="2.7.18"), "Python's version"),
        (lambda: facts(keras="2.15.0"), "keras's version"),
        (lambda: facts(numpy=np), "numpy is not text"),
        (lambda: facts(gpus=0), "gpus is a value of type int; expected a list"),
        (lambda: facts(gpus=["GPU:0", "GPU:1", "GPU:2"]), "number of GPUs"),
        (lambda: facts(cores=str(os.cpu_count())), "cores"),
        (lambda: facts(python="Python"), "Python's version"),
        (lambda: facts(python=3.11), "python is not text"),
        (lambda: facts(processor=None), "processor is not text"),
        (
            lambda: facts(gpus=tf.config.list_physical_devices("GPU")),
            "gpus holds values of type PhysicalDevice if there is a GPU",
        ),
        (
            lambda: facts(
                gpus=list(
                    filter(
                        lambda d: "GPU" in d.name, tf.config.experimental.list_physical_devices()
                    )
                )
            ),
            "take .name of each device",
        ),
        (
            lambda: facts(gpus=[{"name": d.name} for d in tf.config.list_physical_devices("GPU")]),
            "gpus holds values of type dict",
        ),
        (
            lambda: facts(gpus=[d.name for d in tf.config.list_physical_devices("GPU")[:1]]),
            "gpus holds one name if there are several GPUs",
        ),
        (lambda: facts(processor=platform.system()), "which is the operating system"),
        (lambda: facts(processor=platform.node()), "which is the computer's name"),
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


def verbose_memory(text: str, field: str = "MemTotal") -> float:
    """Parse all the lines, then look the field up."""
    assert isinstance(text, str), "text must be a string"
    kib_per_field: dict[str, int] = {}
    for line in text.split("\n"):
        if not line.strip():
            continue
        name, value = line.split(":", maxsplit=1)
        kib_per_field[name.strip()] = int(value.replace("kB", "").strip())
    if field not in kib_per_field:
        raise KeyError(f"{field} not found; available: {sorted(kib_per_field)}")
    print(field, kib_per_field[field])
    return kib_per_field[field] * 1024 / 1_000_000_000


class NoSuchFieldError(KeyError):
    """A student's own kind of KeyError."""


def from_words(text, field="MemTotal"):
    words = text.split()
    if f"{field}:" not in words:
        raise NoSuchFieldError(field)
    return np.float64(words[words.index(f"{field}:") + 1]) * 1024e-9


def found_next(text, field="MemTotal"):
    amounts = (
        line[len(field) + 1 : -3]
        for line in text.splitlines()
        if line[: len(field) + 1] == field + ":"
    )
    try:
        return np.array(int(next(amounts)) / 1e9 * 2**10)
    except StopIteration:
        raise KeyError(field) from None


def from_a_frame(text, field="MemTotal"):
    import csv

    table = {row[0]: row[1] for row in csv.reader(text.splitlines(), delimiter=":")}
    return float(table[field].split()[0]) * 1024 / 1e9


@pytest.mark.parametrize(
    "right", [by_pattern, by_dictionary, verbose_memory, from_words, found_next, from_a_frame]
)
def test_memory_read_another_way_passes(gpu, right):
    result = run(gpu, "gpu-memory", memory_gb=right)
    assert result.passed and result.hidden, result


def begins(text, field="MemTotal"):
    for line in text.splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e9
    raise KeyError(field)


def raised(kind):
    raise kind("no such field")


def ends(text, field="MemTotal"):
    found = re.search(rf"{re.escape(field)}:\s*(\d+)", text)
    if found is None:
        raise KeyError(field)
    return int(found[1]) * 1.024e-6


def silent(text, field="MemTotal"):
    return by_pattern(text, field) if f"{field}:" in text else 0.0


def first_line(text, field="MemTotal"):
    known = {"MemTotal": 0, "MemFree": 1}
    return int(text.splitlines()[known[field]].split()[1]) * 1.024e-6


def all_digits(text, field="MemTotal"):
    for line in text.splitlines():
        if line.startswith(field + ":"):
            return int("".join(filter(str.isdigit, line))) * 1.024e-6
    raise KeyError(field)


def not_escaped(text, field="MemTotal"):
    found = re.search(rf"^{field}:\s*(\d+)", text, re.MULTILINE)
    if found is None:
        raise KeyError(field)
    return int(found[1]) * 1.024e-6


def remembering():
    seen = {}

    def memory_gb(text, field="MemTotal"):
        seen.update(line.split(":") for line in text.splitlines())
        return int(seen[field].split()[0]) * 1.024e-6

    return memory_gb


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (all_digits, "a digit in its name"),
        (not_escaped, "KeyError for a field with brackets in its name"),
        (remembering(), "text of an earlier call"),
        (lambda t, f="MemTotal": by_pattern(t, f) / 1.024, "total memory"),
        (lambda t, f="MemTotal": by_pattern(t, f) * 1e6, "total memory"),
        (lambda t, f="MemTotal": by_pattern(t, f) * 1e9 / 2**30, "total memory"),
        (lambda t, f="MemTotal": by_pattern(t), "free memory"),
        (lambda t, f="MemTotal": None, "None"),
        (lambda t, f="MemTotal": f"{by_pattern(t, f)} GB", "total memory"),
        (silent, "raise KeyError"),
        (begins, "begins another name"),
        (lambda t, f="MemFree": by_pattern(t, f), "total memory"),
        (lambda t, f="MemTotal": int(by_pattern(t, f)), "total memory"),
        (lambda t, f="MemTotal": by_pattern(t, f) * 8, "total memory"),
        (lambda t, f="MemTotal": by_pattern(t, f) if f in t else raised(ValueError), "ValueError"),
        (lambda t, f="MemTotal": by_pattern(t, f) if f in t else raised(IndexError), "IndexError"),
        (
            lambda t, f="MemTotal": round(by_pattern(t, f), 3),
            "total memory|free memory|small field",
        ),
        (ends, "only ends other names"),
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


def verbose_conv(
    height: int, width: int, kernel: int, channels: int, filters: int, images: int = 1
) -> int:
    """Count per position, then for all positions."""
    assert min(height, width, kernel, channels, filters, images) >= 0, "sizes are not negative"
    per_value: int = kernel * kernel * channels
    values: int = height * width * filters
    total: int = per_value * values * images
    print(f"{total:,}")
    return total


def conv_as_product(height, width, kernel, channels, filters, images=1):
    return images * height * width * (kernel**2 * channels) * filters / 1.0


@pytest.mark.parametrize(
    "right",
    [
        {
            "product_multiplications": lambda n, k, m: int(np.prod([n, k, m])),
            "conv_multiplications": conv_by_weights,
        },
        {"product_multiplications": lambda n, k, m: m * (k * n)},
        {"product_multiplications": lambda n, k, m: sum(k for _ in range(n * m))},
        {"product_multiplications": lambda n, k, m: np.int64(n) * k * m},
        {"conv_multiplications": verbose_conv},
        {"conv_multiplications": conv_as_product},
        {
            "conv_multiplications": lambda *sizes, images=1: conv_by_weights(
                *sizes[:5], *sizes[5:] or [images]
            )
        },
    ],
)
def test_counts_written_another_way_pass(gpu, right):
    result = run(gpu, "gpu-counts", **right)
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
        (
            ("product_multiplications", lambda n, k, m: n * k * k * m // 3),
            "product_multiplications(",
        ),
        (conv(lambda h, w, f, c, o, n: f * f * c * o), "counts the weights"),
        (conv(lambda h, w, f, c, o, n: n * h * w * f * f * o), "one channel"),
        (conv(lambda h, w, f, c, o, n: h * w * f * f * c * o), "10 images"),
        (conv(lambda h, w, f, c, o, n: n * h * w * (f * f * c + 1) * o), "a convolution from 3"),
        (conv(lambda h, w, f, c, o, n: n * h * w * f * c * o), "a convolution from 3"),
        (conv(lambda h, w, f, c, o, n: n * h * h * f * f * c * o), "conv_multiplications(4, 8,"),
        (conv(lambda h, w, f, c, o, n: n * h * w * 25 * c * o), "conv_multiplications("),
        (conv(lambda h, w, f, c, o, n: None), "a convolution from 3"),
        (("product_multiplications", lambda n, k, m: (n, k, m)), "count for (2, 3)"),
        (("product_multiplications", lambda n, k, m: 24), "product_multiplications("),
        (conv(lambda h, w, f, c, o, n: n * h * w * f * f * 3 * o), "conv_multiplications("),
        (
            ("product_multiplications", lambda *n: int(np.prod(n, dtype=np.int32))),
            "product_multiplications(1301",
        ),
        (
            conv(lambda h, w, f, *n: int(np.prod([h, w, f, f, *n], dtype=np.int32))),
            "conv_multiplications(31",
        ),
        (
            conv(lambda h, w, f, *n: int(np.prod([h, w, f, f, *n], dtype=np.float32))),
            "conv_multiplications(31",
        ),
    ],
)
def test_wrong_counts_are_found(gpu, answer, words):
    assert_wrong(run(gpu, "gpu-counts", **dict([answer])), words)


def verbose_gflops(multiplications: int, seconds: float) -> float:
    """Operations, then operations per second, then billions of them."""
    assert seconds > 0, "the time must be positive"
    operations = multiplications + multiplications
    per_second = operations / seconds
    print(f"{per_second:.3g} operations per second")
    return per_second / 1_000_000_000


@pytest.mark.parametrize(
    "right",
    [
        lambda m, s: (m / s) * 2e-9,
        lambda m, s: np.float64(m + m) / np.float64(1e9 * s),
        verbose_gflops,
        lambda multiplications, seconds: np.array(2 * multiplications / 10**9 / seconds),
        lambda m, s: tf.constant(2e-9 * m / s, "float64"),
        lambda m, s: sum(m / s / 1e9 for _ in range(2)),
    ],
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
        (lambda m, s: 2 * m // s // 10**9, "gflops("),
        (lambda m, s: 2 * m // s / 1e9, "gflops(7, 4.0)"),
        (lambda m, s: print(2 * m / s / 1e9), "None"),
        (lambda m, s: 2 * s / m * 1e9, "GFLOP/s"),
        (lambda m, s: 2 * m / 2.0 / 1e9, "gflops(5000000000, 0.5)"),
        (lambda m, s: 5.0, "gflops(1000000000, 2.0)"),
        (lambda m, s: 3 * m / s / 1e9, "GFLOP/s"),
        (lambda m, s: round(2 * m / s / 1e9), "gflops(84934656"),
        (lambda m, s: f"{2 * m / s / 1e9} GFLOP/s", "GFLOP/s"),
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


class Stopwatch:
    """A clock that is read on entering and on leaving."""

    def __init__(self, clock):
        self.clock, self.times = clock, []

    def __enter__(self):
        self.start = self.clock()

    def __exit__(self, *error):
        self.times.append(self.clock() - self.start)


def with_a_class(function, repeats=5, clock=time.perf_counter):
    watch = Stopwatch(clock)
    function()
    while len(watch.times) < repeats:
        with watch:
            function()
    return statistics.median(watch.times)


def verbose_median(function, repeats: int = 5, clock=time.perf_counter) -> float:
    """Sort the times and take the middle."""
    assert callable(function) and repeats >= 1, "nothing to time"
    function()
    times = np.zeros(repeats)
    for k in range(repeats):
        begin = clock()
        function()
        end = clock()
        times[k] = end - begin
        print(f"run {k}: {times[k]:.3g} s")
    ordered = sorted(times)
    middle = repeats // 2
    if repeats % 2:
        return float(ordered[middle])
    return float((ordered[middle - 1] + ordered[middle]) / 2)


def one_call(function, clock):
    start = clock()
    function()
    return -start + clock()


def by_list(function, repeats=5, clock=time.perf_counter):
    function()
    return np.quantile([one_call(function, clock=clock) for _ in range(repeats)], 0.5)


@pytest.mark.parametrize(
    "right",
    [
        timer(statistics.median),
        timer(np.median),
        timed_in_full,
        with_a_class,
        verbose_median,
        by_list,
    ],
)
def test_a_median_taken_another_way_passes(gpu, right):
    result = run(gpu, "gpu-median", median_seconds=right)
    assert result.passed and result.hidden, result


def five_calls(function, repeats=5, clock=time.perf_counter):
    return timer(statistics.median)(function, 5, clock)


def with_the_warm_up(function, repeats=5, clock=time.perf_counter):
    return timer(statistics.median, warm_up=0)(function, repeats + 1, clock)


def by_processor_time(function, repeats=5, clock=time.process_time):
    return timer(statistics.median)(function, repeats, clock)


def in_nanoseconds(function, repeats=5, clock=time.perf_counter_ns):
    return timer(statistics.median)(function, repeats, clock)


def few_calls(function, repeats=5, clock=time.perf_counter):
    return timer(statistics.median)(function, min(repeats, 10), clock)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (by_processor_time, "let time.perf_counter be the default"),
        (in_nanoseconds, "let time.perf_counter, which counts seconds, be the default"),
        (few_calls, "The number of calls, for thirty calls, is wrong"),
        (
            timer(lambda taken: np.median([one for one in taken if one > 0])),
            "median_seconds for calls that are too short for the clock",
        ),
        (timer(lambda taken: np.median(list(set(taken)))), "take the same time"),
        (
            timer(lambda taken: np.median([round(one, 3) for one in taken])),
            "less than a millisecond",
        ),
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
        (five_calls, "number of calls"),
        (timer(lambda taken: -statistics.median(taken)), "negative: subtract the start"),
        (timer(lambda taken: f"{statistics.median(taken)} s"), "not return one number"),
        (timer(lambda taken: (statistics.median(taken), taken)), "not return one number"),
        (timer(np.array), "not return one number"),
        (lambda function, repeats=5, clock=time.perf_counter: clock() - clock(), "number of calls"),
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


def product(timed="(a @ b)[0, 0].numpy()", rate="2 * size**3 / seconds / 1e9", device="device"):
    return PRODUCT.format(timed=timed, rate=rate, device=device)


def convolution(
    timed="float(tf.reduce_sum(tf.nn.conv2d(x, w, 1, 'SAME')))",
    rate="2 * images * 84_934_656 / seconds / 1e9",
    device="device",
):
    return CONV.format(timed=timed, rate=rate, device=device)


CONVOLVE = """
class Convolve(keras.layers.Layer):
    def __init__(self, filters):
        super().__init__()
        self.filters = filters

    def __call__(self, x):
        y = tf.nn.conv2d(x, self.filters, strides=[1, 1, 1, 1], padding="SAME")
        return y[0, 1, 2, 3].numpy()
"""
COMPILED = """
@tf.function
def compiled(a, b):
    return tf.matmul(a, b)
"""
ONE_NUMBER = """
@tf.function
def one_number(a, b):
    return tf.matmul(a, b)[0, 0]
"""
NET = (
    "net = tf.function(keras.Sequential([keras.Input((32, 32, 96)), "
    "keras.layers.Conv2D(96, 3, padding='same')]))"
)
VERBOSE_RATE = """
def product_rate(device: str, size: int, timer=median_seconds) -> float:
    assert isinstance(size, int) and size > 0, "size must be positive"
    with tf.device("/" + device):
        left = tf.constant(np.random.rand(size, size).astype("float32"))
        right = tf.random.uniform(shape=(size, size), dtype=tf.float32)

    def run():
        with tf.device(device):
            result = tf.matmul(left, right)
        return result[0, 0].numpy()

    elapsed = timer(run)
    rate = gflops(multiplications=product_multiplications(size, size, size), seconds=elapsed)
    print(f"{device}: {rate:.1f} GFLOP/s")
    return rate
"""


@pytest.mark.parametrize(
    "right",
    [
        product() + convolution(),
        product("tf.linalg.trace(tf.matmul(a, b)).numpy()", "float(2e-9 * size**3 / seconds)"),
        convolution("keras.ops.conv(x, w, padding='same').numpy().mean()"),
        product("float(keras.ops.matmul(a, b)[0, 0])") + convolution("Convolve(w)(x)") + CONVOLVE,
        product("tf.einsum('ij,jk->ik', a, b)[0, 0].numpy()"),
        product("compiled(a, b)[-1, -1].numpy()") + COMPILED,
        product("one_number(a, b).numpy()").replace("seconds =", "one_number(a, b); seconds =")
        + ONE_NUMBER,
        convolution("net(x)[0, 0, 0, 0].numpy()").replace("seconds =", f"{NET}; net(x); seconds ="),
        product("(a @ b).numpy()[0, 0]")
        + convolution("layer(x)[0, 0, 0, 0].numpy()").replace(
            "seconds =",
            "layer = keras.layers.Conv2D(96, 3, padding='same'); layer(x); seconds =",
        ),
        product("tf.tensordot(a, b, 1).numpy().tolist()[0][0]"),
        product("(a @ b)[:1, :1].numpy()"),
        product("tf.matmul(tf.cast(a, 'float32'), tf.transpose(b))[3, 5].numpy().item()"),
        product("(c @ d)[0, 0].numpy()").replace(
            "seconds =", "c, d = tf.Variable(a), a.numpy(); seconds ="
        ),
        product("captured().numpy()").replace(
            "seconds =", "captured = tf.function(lambda: tf.matmul(a, b)[1, 1]); seconds ="
        ),
        product("captured()[0, 0].numpy()").replace(
            "seconds =", "captured = tf.function(lambda: tf.matmul(a, b)); seconds ="
        ),
        VERBOSE_RATE,
    ],
)
def test_rates_measured_another_way_pass(gpu, right):
    result = run(gpu, "gpu-rates", right)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (product("a @ b"), "returns a tensor"),
        (product("[a @ b, 0][1]"), "returns the integer 0, and the result is made of floats"),
        (product("int((a @ b)[0, 0])"), "the integer 400, and the result is made of floats"),
        (product("(a @ b).shape[0]"), "the integer 400, and the result is made of floats"),
        (
            convolution()
            .replace("timer(lambda: ", "timer(functools.cache(lambda: ")
            .replace("'SAME'))))", "'SAME')))))")
            + "\nimport functools",
            "Only the first call of the timed function",
        ),
        (convolution("tf.nn.conv2d(x, w, 1, 'SAME')"), "returns a tensor"),
        (product(device="'CPU'"), "device is ignored"),
        (product(rate="size**3 / seconds / 1e9"), "product_rate for the size 400"),
        (product(rate="2 * size**2 / seconds / 1e9"), "product_rate for the size 400"),
        (product(rate="seconds"), "product_rate for the size 400"),
        (convolution(rate="2 * 84_934_656 / seconds / 1e9"), "conv_rate for the size 2"),
        (convolution(rate="2 * images * 82_944 / seconds / 1e9"), "conv_rate for the size 2"),
        (convolution(rate="None"), "None"),
        (product(device="'CPU:0'"), "another device"),
        (product("(a @ b)[10, 10].numpy()", device="'CPU:0'"), "another device"),
        (convolution("tf.nn.conv2d(x, w, 1, 'SAME').numpy().mean()", device="'CPU:0'"), "another"),
        (product(device="None"), "device is ignored"),
        (product("0.0"), "computes nothing"),
        (product("(a @ b).numpy()"), "returns 160,000 numbers"),
        (product("(a @ b)[0].numpy()"), "returns 400 numbers"),
        (product("(a @ b).numpy().tolist()"), "one number of the result, such as result[0, 0]"),
        (convolution("tf.nn.conv2d(x, w, 1, 'SAME')[0, 0, 0].numpy()"), "returns 96 numbers"),
        (product("str((a @ b)[0, 0].numpy())"), "a value of type str"),
        (product("np.int64((a @ b)[0, 0])"), "a value of type int64"),
        (product("(a * b)[0, 0].numpy()"), "element by element"),
        (product("tf.add(a, b)[0, 0].numpy()"), "element by element"),
        (product("(a @ b @ b)[0, 0].numpy()"), "computes the result 2 times"),
        (product("(a.numpy() @ b.numpy())[0, 0]"), "TensorFlow computes nothing"),
        (
            product("one_number(a, b).numpy()").replace("seconds =", "one_number(a, b); seconds =")
            + ONE_NUMBER.replace("tf.matmul(a, b)", "tf.multiply(a, b)"),
            "element by element|result has shape",
        ),
        (product().replace("lambda: ", ""), "pass the function itself"),
        (convolution().replace("lambda: ", ""), "pass the function itself"),
        (product("[tf.matmul(a, b), None][1]"), "returns None"),
        (product().replace("(size, size)", "(64, 64)"), "computes nothing"),
        (product("tf.matmul(tf.random.normal((size, size)), b)[0, 0].numpy()"), "draws random"),
        (product("[a @ b, 0.5][1]"), "returns a constant"),
        (product("[a @ b, time.perf_counter()][1]"), "another number in each call"),
        (
            convolution(
                "-time.perf_counter() + [tf.nn.conv2d(x, w, 1, 'SAME'), time.perf_counter()][1]"
            ),
            "such as a time, although the result is the same",
        ),
        (product("[a @ b, float(a.numpy()[0, 0])][1]"), "returns a constant"),
        (convolution("[tf.nn.conv2d(x, w, 1, 'SAME'), 1.0][1]"), "returns a constant"),
        (product("[a @ b, float(tf.reduce_mean(a))][1]"), "a number of another array"),
        (convolution("[tf.nn.conv2d(x, w, 1, 'SAME'), x[0, 0, 0, 0].numpy()][1]"), "another array"),
        (product("[compiled(a, b), 0.5][1]") + COMPILED, "returns a constant"),
        (product("(tf.ones((size, size)) @ b)[0, 0].numpy()"), "makes the arrays in each call"),
        (product("(a @ tf.eye(size))[0, 0].numpy()"), "makes the arrays in each call"),
        (
            convolution(
                "tf.nn.conv2d(tf.zeros((images, 32, 32, 96)), w, 1, 'SAME')[0, 0, 0, 0].numpy()"
            ),
            "makes the arrays in each call",
        ),
        (
            product(
                "(a @ tf.constant(np.random.rand(size, size).astype('float32')))[0, 0].numpy()"
            ),
            "makes other arrays",
        ),
        (
            product("held().numpy()").replace(
                "    with tf.device(device):",
                "    left = np.random.rand(size, size).astype('float32')\n"
                "    @tf.function\n"
                "    def held():\n"
                "        return tf.matmul(left, left)[0, 0]\n"
                "    with tf.device(device):",
            ),
            "compiled function makes the arrays itself",
        ),
        (product().replace("(size, size))", "(size, size), 'float64')"), "float64"),
        (product().replace("timer(", "(lambda timed: 0.5)("), "timer is ignored"),
        (convolution("tf.nn.conv2d(x, w, 2, 'SAME')[0, 0, 0, 0].numpy()"), "result has shape"),
        (convolution("tf.nn.conv2d(x, w, 1, 'VALID')[0, 0, 0, 0].numpy()"), "result has shape"),
        (convolution().replace("(images, 32, 32, 96)", "(2, 32, 32, 96)"), "conv_rate for another"),
        (convolution().replace("(3, 3, 96, 96)", "(5, 5, 96, 96)"), "computes nothing"),
        (convolution().replace("32, 32, 96)", "32, 33, 96)"), "computes nothing"),
    ],
)
def test_rates_measured_wrongly_are_found(gpu, wrong, words):
    assert_wrong(run(gpu, "gpu-rates", wrong), words)


# ------------------------------------------------------------------ gpu-hours


def trained(change):
    def hours(multiplications, rate, train=40_000, val=10_000, epochs=20):
        return change(multiplications, rate, train, val, epochs)

    return hours


def verbose_hours(
    multiplications: float, rate: float, train: int = 40_000, val: int = 10_000, epochs: int = 20
) -> float:
    """Add up training and validation, step by step."""
    assert rate > 0 and epochs >= 0, "rate must be positive"
    forward = 2 * multiplications
    per_epoch = train * 3 * forward + val * forward
    seconds = epochs * per_epoch / (rate * 1_000_000_000)
    print(f"{seconds:.1f} s")
    return seconds / 60 / 60


class Plan:
    """A training run."""

    def __init__(self, train, val, epochs):
        self.passes = epochs * (3 * train + val)

    def seconds(self, multiplications, rate):
        return self.passes * multiplications * 2e-9 / rate


def from_a_plan(multiplications, rate, train=40_000, val=10_000, epochs=20):
    return Plan(train=train, val=val, epochs=epochs).seconds(multiplications, rate) / 3600


@pytest.mark.parametrize(
    "right",
    [
        trained(lambda m, r, t, v, e: m / r * e * (6 * t + 2 * v) / 3.6e12),
        trained(
            lambda m, r, t, v, e: sum(2 * m * (t + v + t + t) / r / 1e9 / 60 / 60 for _ in range(e))
        ),
        verbose_hours,
        from_a_plan,
        trained(lambda m, r, t, v, e: np.float64(m) * e * (6 * t + 2 * v) / (r * 3.6e12)),
        trained(lambda m, r, t, v, e: np.array((3 * t + v) * e * 2 * m / 3600 / r / 10**9)),
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
        (trained(lambda m, r, t, v, e: 2 * m * 130_000 * 20 / r / 3.6e12), "training images"),
        (trained(lambda m, r, t, v, e: None), "returns None"),
        (trained(lambda m, r, t, v, e: 2 * m * (3 * t + v) * e / 100 / 3.6e12), "another rate"),
        (trained(lambda m, r, t, v, e: 2 * m * (3 * t + v) * e / int(r) / 3.6e12), "another rate"),
        (
            trained(lambda m, r, t, v, e: 2 * m * (3 * t + 10_000) * e / r / 3.6e12),
            "validation images",
        ),
        (trained(lambda m, r, t, v, e: 2 * m * (3 * t + v) * 20 / r / 3.6e12), "number of epochs"),
        (trained(lambda m, r, t, v, e: 2 * m * (3 * t + v) * e / r / 3.61e12), "in hours|other"),
        (trained(lambda m, r, t, v, e: f"{2 * m * (3 * t + v) * e / r / 3.6e12} h"), "one number"),
        (trained(lambda m, r, t, v, e: (2 * m * (3 * t + v) * e / r / 3.6e12, "h")), "one number"),
        (
            trained(lambda m, r, t, v, e: round(m * (6 * t + 2 * v) * e / r / 3.6e12, 2)),
            "is rounded: return the number itself",
        ),
        (trained(lambda m, r, t, v, e: 2 * m * (3 * t * e + v) / r / 3.6e12), "not only once"),
        (trained(lambda m, r, t, v, e: m * (6 * t + 2 * v) * e / r / 8.64e13), "time in days"),
    ],
)
def test_wrong_hours_are_named(gpu, wrong, words):
    assert_wrong(run(gpu, "gpu-hours", hours=wrong), words)
