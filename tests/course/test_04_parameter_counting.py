"""04 Parameter counting: right answers in other forms pass, wrong ones fail in words."""

import math
import re

import exercise
import keras
import numpy as np
import pytest

from convcourse import checks

TESTS = ["count-size", "count-layers", "count-table", "count-mults", "count-field"]


@pytest.fixture(scope="module")
def count():
    return exercise.load("04_parameter_counting")


def assert_passes(count, test, answer):
    result = count.run(test, named(count, answer))
    assert result.passed and result.hidden, result


def assert_wrong(count, test, answer, words):
    result = count.run(test, named(count, answer))
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert re.search(words, result.message, re.IGNORECASE), result
    assert "hidden check ended" not in result.message, result


def named(count, answer):
    """A notebook with another answer, which is code or a dictionary of functions."""
    return count.namespace(answer) if isinstance(answer, str) else count.namespace(**answer)


def changed(code, *swaps):
    for old, new in swaps:
        assert old in code, old
        code = code.replace(old, new)
    return code


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(count, test):
    assert_passes(count, test, "")
    assert count.run(test, count.stubs()).status == checks.NOT_ATTEMPTED


def test_no_check_needs_the_networks_of_the_notebook_or_leaves_a_name(count):
    names = count.namespace()
    before = set(names)
    for test in TESTS:
        assert count.run(test, names).passed
    assert set(names) - before <= {"__builtins__"}


# ------------------------------------------------------------------ count-size


def with_ceil(n, f, stride=1, padding="valid"):
    if padding.lower() == "same":
        return math.ceil(n / stride)
    if n < f:
        raise ValueError("too small")
    return math.floor((n - f) / stride + 1)


def places(n, f, stride=1, padding="valid"):
    if padding == "same":
        return np.int64(len(range(0, n, stride)))
    starts = [start for start in range(0, n, stride) if start + f <= n]
    if not starts:
        raise ValueError(n)
    return len(starts)


def in_floats(n, f, stride=1, padding="valid"):
    if padding != "valid":
        return np.ceil(n / stride)
    if not f <= n:
        raise ValueError
    return np.floor((n - f) / stride) + 1


def in_an_array(n, f, stride=1, padding="valid"):
    return np.array(places(n, f, stride, padding))


class FilterTooLarge(ValueError):
    """A student's own kind of ValueError."""


def verbose(n: int, f: int, stride: int = 1, padding: str = "valid") -> int:
    """Compute the output size with checks of its own."""
    assert isinstance(n, int) and isinstance(f, int), "whole numbers only"
    assert stride >= 1, "the stride must be positive"
    if padding not in ("valid", "same"):
        raise ValueError(f"Unknown padding: {padding!r}")
    print(f"n={n}, f={f}, stride={stride}, padding={padding}")
    if padding == "valid" and f > n:
        raise FilterTooLarge(f"filter {f} > image {n}")
    return (n + stride - 1) // stride if padding == "same" else 1 + int((n - f) / stride)


def walked(n, f, stride=1, padding="valid"):
    if padding == "same":
        f = 1
    size, at = 0, 0
    while at + f <= n:
        size, at = size + 1, at + stride
    if size == 0:
        raise ValueError("nothing is left of the image")
    return size


@pytest.mark.parametrize("right", [with_ceil, places, in_floats, in_an_array, verbose, walked])
def test_sizes_in_other_forms_pass(count, right):
    assert_passes(count, "count-size", {"output_size": right})


def size(valid, same=lambda n, f, s: -(-n // s), refuse=lambda n, f, s: f > n, kind=ValueError):
    def output_size(n, f, stride=1, padding="valid"):
        if padding == "same":
            return same(n, f, stride)
        if refuse(n, f, stride):
            raise kind("too large")
        return valid(n, f, stride)

    return output_size


RIGHT = lambda n, f, s: (n - f) // s + 1  # noqa: E731
SAME = lambda n, f, s: -(-n // s)  # noqa: E731


def refused_with_same_padding(n, f, stride=1, padding="valid"):
    if f > n:
        raise ValueError("too large")
    return walked(n, f, stride, padding)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (size(lambda n, f, s: (n - f) // s), "3 x 3 filter"),
        (size(lambda n, f, s: n - f + 1), "pooling"),
        (size(lambda n, f, s: (n - f) / s + 1), "6"),
        (size(lambda n, f, s: -(-(n - f) // s) + 1), "2 x 2 pooling"),
        (size(lambda n, f, s: round((n - f) / s) + 1), "2 x 2 pooling|n="),
        (size(RIGHT, lambda n, f, s: n), "same padding"),
        (size(RIGHT, lambda n, f, s: n // s), "same padding"),
        (size(RIGHT, lambda n, f, s: n // s + 1), "same padding"),
        (size(RIGHT, refuse=lambda n, f, s: False), "ValueError"),
        (size(RIGHT, kind=TypeError), "raises TypeError"),
        (size(RIGHT, kind=AssertionError), "raises AssertionError"),
        (
            size(RIGHT, refuse=lambda n, f, s: f >= n),
            "no larger than the image fits, but output_size",
        ),
        (size(lambda n, f, s: int((n - f) / s) + 1, refuse=lambda n, f, s: n - f <= -s), "stride"),
        (size(lambda n, f, s: n // s if f == s else n - 2), "the size for n="),
        (size(lambda n, f, s: n // 2 if f == 2 else (n - f) // s + 1), "f=2, stride=1"),
        (size(lambda n, f, s: n == f or (n - f) // s + 1), "n=1, f=1, stride=1"),
        (size(lambda n, f, s: str((n - f) // s + 1)), "'30'"),
        (size(lambda n, f, s: None), "None"),
        (refused_with_same_padding, "With same padding, no filter is too large"),
        (size(RIGHT, SAME, lambda n, f, s: f > n or 1 // (n - f) < 0), "ZeroDivisionError"),
        (lambda n, f, stride=1, padding="same": walked(n, f, stride, padding), "3 x 3 filter"),
        (lambda n, f, stride=2, padding="valid": walked(n, f, stride, padding), "3 x 3 filter"),
    ],
)
def test_a_wrong_size_is_told_for_which_numbers(count, wrong, words):
    assert_wrong(count, "count-size", {"output_size": wrong}, words)


# ------------------------------------------------------------------ count-layers


def summed(m, n, c_in, c_out, bias=True):
    return sum(m * n * c_in + (1 if bias else 0) for _ in range(c_out))


def added(m, n, c_in, c_out, bias=True):
    weights = np.prod([m, n, c_in, c_out])
    return weights + c_out if bias else weights


def verbose_params(m: int, n: int, c_in: int, c_out: int, bias: bool = True) -> int:
    """Count the weights, then the biases."""
    assert min(m, n, c_in, c_out) > 0, "all sizes are positive"
    weights_per_filter: int = m * n * c_in
    biases: int = c_out if bias is True else 0
    total: int = weights_per_filter * c_out + biases
    print(f"{total:,} parameters")
    return total


@pytest.mark.parametrize(
    "right",
    [
        {"conv_params": summed},
        {"conv_params": added},
        {"conv_params": verbose_params},
        {
            "conv_params": lambda m, n, c_in, c_out, bias=True: float(
                summed(m, n, c_in, c_out, bias)
            )
        },
        {"dense_params": lambda inputs, units, bias=True: inputs * units + units * bias},
        {"dense_params": lambda d, u, bias=True: summed(1, 1, d, u, bias)},
        {"batch_norm_params": lambda channels: np.array([4, 2]) * channels},
        {"batch_norm_params": lambda c: keras.ops.convert_to_tensor([4 * c, 2 * c])},
        {"batch_norm_params": lambda channels: [channels + channels + 2 * channels, 2 * channels]},
    ],
)
def test_counts_in_other_forms_pass(count, right):
    assert_passes(count, "count-layers", right)


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("conv_params", lambda m, n, a, b, bias=True: m * n * a * b + bias, "896|conv_params"),
        ("conv_params", lambda m, n, a, b, bias=True: (m * n + bias) * a * b, "conv_params"),
        ("conv_params", lambda m, n, a, b, bias=True: (m * n * a + 1) * b, "bias=False"),
        ("conv_params", lambda m, n, a, b, bias=True: (m * m * a + bias) * b, "conv_params"),
        ("conv_params", lambda m, n, a, b, bias=True: (m * n * b + bias) * a, "conv_params"),
        ("conv_params", lambda m, n, a, b, bias=True: None, "conv_params"),
        ("conv_params", lambda m, n, a, b, bias=False: summed(m, n, a, b, bias), "conv_params"),
        ("conv_params", lambda *s, bias=True: summed(*s, bias) > 1 and summed(*s, bias), "no bias"),
        ("conv_params", lambda m, n, a, b, bias=True: (m * n * 3 + bias) * b, "conv_params"),
        ("dense_params", lambda d, u, bias=True: d * u, "dense_params"),
        ("dense_params", lambda d, u, bias=True: d * (u + 1), "dense_params"),
        ("dense_params", lambda d, u, bias=True: (d + 1) * u, "bias=False"),
        ("dense_params", lambda d, u, bias=True: (d + bias) * 512, "dense_params"),
        ("batch_norm_params", lambda c: (4 * c, 4 * c), "batch_norm_params"),
        ("batch_norm_params", lambda c: (2 * c, 4 * c), "batch_norm_params"),
        ("batch_norm_params", lambda c: 4 * c, "does not return two numbers"),
        ("batch_norm_params", lambda c: None, "does not return two numbers"),
        ("batch_norm_params", lambda c: (16, 8), "batch_norm_params"),
    ],
)
def test_a_wrong_count_is_told_which(count, name, wrong, words):
    assert_wrong(count, "count-layers", {name: wrong}, words)


# ------------------------------------------------------------------ count-table

RECURSIVE = """
def layer_table(layers, shape=(32, 32, 3)):
    if not layers:
        return []
    layer, *rest = layers
    kind, numbers, out = layer["kind"], (0, 0), list(shape)
    match kind:
        case "conv":
            s, p = layer.get("stride", STRIDE), layer.get("padding", "valid")
            out = [output_size(n, layer["size"], s, p) for n in shape[:2]] + [layer["filters"]]
            numbers = (conv_params(layer["size"], layer["size"], shape[-1], layer["filters"]),) * 2
        case "pool":
            s, p = layer.get("stride", layer["size"]), layer.get("padding", "valid")
            out = [output_size(n, layer["size"], s, p) for n in shape[:2]] + [shape[2]]
        case "flatten":
            out = [LENGTH]
        case "dense":
            out, numbers = [layer["units"]], (dense_params(shape[-1], layer["units"]),) * 2
        case "bn":
            numbers = batch_norm_params(CHANNELS)
    return [[kind, out, *numbers]] + layer_table(rest, out)
"""
PARTS = {"STRIDE": "1", "LENGTH": "int(np.prod(shape))", "CHANNELS": "shape[-1]"}


def recursive(old="", new="", **parts):
    code = changed(RECURSIVE, *(PARTS | parts).items())
    return changed(code, (old, new)) if old else code


WITHOUT_THE_OTHER_FUNCTIONS = """
from collections import namedtuple

Row = namedtuple("Row", "kind shape total trainable")

def side(n, layer, stride):
    if layer.get("padding") == "same":
        return math.ceil(n / stride)
    return (n - layer["size"]) // stride + 1

def layer_table(layers: list, shape: tuple = (32, 32, 3)) -> list:
    import math
    globals()["math"] = math
    rows = []
    current = shape
    for index, layer in enumerate(layers):
        kind = layer["kind"]
        assert kind in {"conv", "pool", "bn", "flatten", "dropout", "dense"}, f"{index}: {kind}"
        total = trainable = 0
        if kind in {"conv", "pool"}:
            stride = layer.get("stride") or (1 if kind == "conv" else layer["size"])
            height, width, channels = current
            out = layer["filters"] if kind == "conv" else channels
            if kind == "conv":
                total = trainable = layer["size"] ** 2 * channels * out + out
            current = side(height, layer, stride), side(width, layer, stride), out
        elif kind == "flatten":
            current = (math.prod(current),)
        elif kind == "dense":
            total = trainable = current[0] * layer["units"] + layer["units"]
            current = (layer["units"],)
        elif kind == "bn":
            total, trainable = 4 * current[-1], 2 * current[-1]
        print(index, kind, current)
        rows.append(Row(kind=kind, shape=current, total=total, trainable=trainable))
    return rows
"""
BY_CLASS = """
class Table:
    def __init__(self, shape):
        self.shape, self.rows = np.array(shape), []

    def add(self, layer):
        total = trainable = 0
        getattr(self, "of_" + layer["kind"], lambda layer: None)(layer)
        total, trainable = self.numbers if layer["kind"] in ("conv", "dense", "bn") else (0, 0)
        self.rows.append((layer["kind"], tuple(self.shape), total, trainable))

    def of_conv(self, layer, default=1):
        number = conv_params(layer["size"], layer["size"], self.shape[2], layer["filters"])
        self.numbers = number, number
        self.of_pool(layer, 1)
        self.shape[2] = layer["filters"]

    def of_pool(self, layer, default=None):
        stride = layer.get("stride", default or layer["size"])
        for axis in (0, 1):
            self.shape[axis] = output_size(
                self.shape[axis], layer["size"], stride, padding=layer.get("padding", "valid")
            )

    def of_flatten(self, layer):
        self.shape = np.array([self.shape.prod()])

    def of_dense(self, layer):
        self.numbers = (dense_params(self.shape[0], layer["units"]),) * 2
        self.shape = np.array([layer["units"]])

    def of_bn(self, layer):
        self.numbers = batch_norm_params(self.shape[-1])

def layer_table(layers, shape=(32, 32, 3)):
    table = Table(shape)
    for layer in layers:
        table.add(layer)
    return table.rows
"""
WITH_KERAS = """
def layer_table(layers, shape=(32, 32, 3)):
    x = keras.KerasTensor((None, *shape))
    rows = []
    for a in layers:
        padding, stride = a.get("padding", "valid"), a.get("stride", 1)
        make = {
            "conv": lambda: keras.layers.Conv2D(a["filters"], a["size"], stride, padding),
            "pool": lambda: keras.layers.MaxPooling2D(a["size"], a.get("stride"), padding),
            "dense": lambda: keras.layers.Dense(a["units"]),
            "bn": lambda: keras.layers.BatchNormalization(),
            "flatten": lambda: keras.layers.Flatten(),
            "dropout": lambda: keras.layers.Dropout(0.5),
        }
        layer = make[a["kind"]]()
        layer.build(x.shape)
        x = keras.KerasTensor(layer.compute_output_shape(x.shape))
        trained = sum(int(np.prod(w.shape)) for w in layer.trainable_weights)
        still = sum(int(np.prod(w.shape)) for w in layer.non_trainable_weights)
        still = 0 if a["kind"] == "dropout" else still
        rows.append((a["kind"], x.shape[1:], trained + still, trained))
    return rows
"""


@pytest.mark.parametrize(
    "right",
    [
        recursive(),
        WITHOUT_THE_OTHER_FUNCTIONS,
        BY_CLASS,
        WITH_KERAS,
        recursive(
            "return [[kind, out, *numbers]] + ", "return [(kind, np.array(out), *numbers)] + "
        ),
        recursive(LENGTH="shape[0] * shape[1] * shape[2]"),
        changed(
            recursive("batch_norm_params(shape[-1])", "np.array([4, 2]) * out[-1]"),
            ("= (conv_params(", "= (np.int32(1) * conv_params("),
        ),
    ],
)
def test_tables_in_other_forms_pass(count, right):
    assert_passes(count, "count-table", right)


RETURN = "return [[kind, out, *numbers]] + layer_table(rest, out)"
POPPED = ('layer.get("stride", layer["size"])', 'layer.pop("stride", layer["size"])')


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (recursive(LENGTH="shape[-1]"), r"output shape in row 7 \(flatten\) of NET I"),
        (recursive(CHANNELS="layer.get('channels', 4)"), r"\(bn\) of a network with batch"),
        (recursive(CHANNELS="shape[0]"), r"batch normalization|\(bn\)"),
        (recursive('layer.get("stride", layer["size"])', 'layer["size"]'), "pixels with stride 2"),
        (recursive('layer.get("stride", layer["size"])', 'layer.get("stride", 2)'), "of 3 without"),
        (recursive('layer.get("stride", 1)', "1"), "convolution with stride 2"),
        (recursive('layer.get("padding", "valid")', '"same"'), "output shape in row 1"),
        (recursive('layer.get("padding", "valid")', '"valid"'), "output shape in row 1"),
        (recursive("for n in shape[:2]", "for n in shape[:1] * 2"), "convolution with stride 2"),
        (recursive("for n in shape[:2]", "for n in (32, 32)"), "output shape in row 2"),
        (
            recursive("numbers = batch_norm_params(shape[-1])", "numbers = (4 * out[-1],) * 2"),
            r"trainable parameters in row 2 \(bn\)",
        ),
        (
            recursive("numbers = batch_norm_params(shape[-1])", "numbers = (2 * out[-1],) * 2"),
            r"total in row 2 \(bn\)",
        ),
        (
            recursive(
                "[[kind, out, *numbers]] + ", "([[kind, out, *numbers]] if any(numbers) else []) + "
            ),
            "number of rows",
        ),
        (recursive("[kind, out, *numbers]", "[kind, out, numbers[0]]"), "four entries"),
        (recursive("[kind, out, *numbers]", "[kind.title(), out, *numbers]"), "kind in row 1"),
        (recursive("[[kind, out, *numbers]] + ", "[[kind, shape, *numbers]] + "), "output shape"),
        (recursive(RETURN, f"print([kind, out, *numbers]); {RETURN[7:]}"), "NoneType"),
        (
            changed(WITHOUT_THE_OTHER_FUNCTIONS, ("return rows", "print(rows)")),
            "table returns None",
        ),
        (
            changed(WITHOUT_THE_OTHER_FUNCTIONS, ("return rows", "return iter(rows)")),
            "a value of type list_iterator; return a list",
        ),
        (recursive(*POPPED), "changes its first argument"),
        (
            "def layer_table(layers, shape=(32, 32, 3), rows=[]):\n"
            "    rows.append(('conv', (30, 30, 32), 896, 896))\n    return rows",
            "number of rows",
        ),
        (
            recursive('conv_params(layer["size"], layer["size"], shape[-1]', "conv_params(3, 3, 3"),
            r"total in row 3 \(conv\)",
        ),
        (
            recursive(
                'dense_params(shape[-1], layer["units"])', 'dense_params(256, layer["units"])'
            ),
            r"\(dense\)",
        ),
    ],
)
def test_a_wrong_table_is_told_where(count, code, words):
    assert_wrong(count, "count-table", code, words)


# ------------------------------------------------------------------ count-mults

FROM_SHAPES = """
def multiplications(layers, shape=(32, 32, 3)):
    counts = []
    for layer, row in zip(layers, layer_table(layers, shape)):
        out, count = row[1], 0
        if layer["kind"] == "conv":
            count = layer["size"] ** 2 * shape[2] * out[0] * out[1] * out[2]
        elif layer["kind"] == "dense":
            count = shape[0] * out[0]
        counts.append(count)
        shape = out
    return counts
"""
VERBOSE_COUNT = """
from typing import Any

def multiplications(layers: list[dict[str, Any]], shape: tuple = (32, 32, 3)) -> list[int]:
    assert isinstance(layers, list), "layers must be a list"
    table = layer_table(layers=layers, shape=shape)
    result: list[int] = []
    for position, (layer, (kind, out, total, trainable)) in enumerate(zip(layers, table)):
        if kind == "conv":
            filters = layer["filters"]
            weights = total - filters
            result.append(weights * out[0] * out[1])
        elif kind == "dense":
            result.append(total - layer["units"])
        else:
            result.append(0)
        print(f"layer {position}: {result[-1]:,}")
    return result
"""
COMPREHENSION = """
def multiplications(layers, shape=(32, 32, 3)):
    areas = {"conv": lambda out: out[0] * out[1], "dense": lambda out: 1}
    return [
        areas[kind](out) * (total - out[-1]) if kind in areas else 0
        for kind, out, total, _ in layer_table(layers, shape)
    ]
"""
WITHOUT_TABLE = """
def multiplications(layers, shape=(32, 32, 3)):
    def one(layer, shape):
        kind = layer["kind"]
        if kind in ("conv", "pool"):
            stride = layer.get("stride", 1 if kind == "conv" else layer["size"])
            padding = layer.get("padding", "valid")
            sides = [output_size(n, layer["size"], stride, padding) for n in shape[:2]]
            if kind == "pool":
                return 0, (*sides, shape[2])
            return layer["size"] ** 2 * shape[2] * layer["filters"] * sides[0] * sides[1], (
                *sides, layer["filters"])
        if kind == "dense":
            return shape[0] * layer["units"], (layer["units"],)
        return 0, ((int(np.prod(shape)),) if kind == "flatten" else shape)
    counts = []
    for layer in layers:
        count, shape = one(layer, shape)
        counts.append(count)
    return tuple(counts)
"""


@pytest.mark.parametrize(
    "right",
    [
        FROM_SHAPES,
        VERBOSE_COUNT,
        COMPREHENSION,
        WITHOUT_TABLE,
        changed(FROM_SHAPES, ("return counts", "return np.array(counts, dtype='int64')")),
        changed(FROM_SHAPES, ("return counts", "return keras.ops.convert_to_tensor(counts)")),
        changed(FROM_SHAPES, ("counts.append(count)", "counts.append(float(count))")),
    ],
)
def test_multiplications_in_other_forms_pass(count, right):
    assert_passes(count, "count-mults", right)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("* shape[2] *", "*", "first convolution"),
        ("* out[0] * out[1] * out[2]", "* out[2]", "first convolution"),
        ("* out[0] * out[1] *", "* shape[0] * shape[1] *", "first convolution"),
        ("out[0] * out[1] *", "out[0] ** 2 *", "stride 2"),
        (
            "* out[0] * out[1] *",
            "* (shape if layer.get('padding') == 'same' else out)[0] "
            "* (shape if layer.get('padding') == 'same' else out)[1] *",
            "same padding with stride 2",
        ),
        ("return counts", "return [count % 2**31 for count in counts]", "a large image"),
        ("count = shape[0] * out[0]", "count = (shape[0] + 1) * out[0]", "dense layer"),
        ("count = shape[0] * out[0]", "count = 256 * out[0]", "dense layers"),
        ("shape[2] *", "(shape[2] + 1 / 9) *", "first convolution"),
        ("shape[2] *", "3 *", "second convolution"),
        ('layer["size"] ** 2', "9", "stride 2"),
        ("counts.append(count)", "counts += [count] if count else []", "number of counts"),
        ("return counts", "return sum(counts)", "returns a value of type int; return a list"),
        ("return counts", "print(counts)", "multiplications returns None; return a list"),
        ("return counts", "return np.cumsum(counts)", "pooling layer"),
        ("layer_table(layers, shape)", "layer_table(layers)", "stride 2"),
        ("out, count = row[1], 0", "out, count = row[1], row[2] - row[3]", "batch normalization"),
        ("counts.append(count)", "counts.append(2 * count)", "first convolution"),
        ("    return counts", "    layers[0]['count'] = counts[0]\n    return counts", "layers"),
    ],
)
def test_wrong_multiplications_are_told_where(count, old, new, words):
    assert_wrong(count, "count-mults", changed(FROM_SHAPES, (old, new)), words)


# ------------------------------------------------------------------ count-field

BACKWARD = """
def receptive_field(layers):
    fields, known = [], []
    for layer in layers:
        if layer["kind"] == "flatten":
            break
        size, stride = 1, 1
        if layer["kind"] in ("conv", "pool"):
            size = layer["size"]
            stride = layer.get("stride", 1 if layer["kind"] == "conv" else size)
        known.append((size, stride))
        field = 1
        for size, stride in reversed(known):
            field = (field - 1) * stride + size
        fields.append(field)
    return np.array(fields, dtype=int)
"""
VERBOSE_FIELD = """
def get_stride(layer: dict) -> int:
    default = {"conv": 1, "pool": layer.get("size")}[layer["kind"]]
    return layer.get("stride", default)

def receptive_field(layers: list) -> list:
    assert all("kind" in layer for layer in layers), "each layer needs a kind"
    r, j = 1, 1
    result = []
    for index, layer in enumerate(layers):
        kind = layer["kind"]
        if kind == "flatten":
            print("stopping at", index)
            return result
        elif kind in ["conv", "pool"]:
            r = r + (layer["size"] - 1) * j
            j = j * get_stride(layer)
        elif kind not in ["bn", "dropout"]:
            raise ValueError(f"unexpected layer {kind}")
        result.append(int(r))
    return result
"""
WITH_CUMSUM = """
def receptive_field(layers):
    kinds = [layer["kind"] for layer in layers] + ["flatten"]
    kept = layers[: kinds.index("flatten")]
    sizes = [layer.get("size", 1) for layer in kept]
    strides = [
        layer.get("stride", layer["size"] if layer["kind"] == "pool" else 1) for layer in kept
    ]
    jumps = np.cumprod([1, *strides])[: len(kept)]
    return (1 + np.cumsum((np.array(sizes, dtype=int) - 1) * jumps)).tolist()
"""
RECURSIVE_FIELD = """
def receptive_field(layers, field=1, jump=1):
    if len(layers) == 0 or layers[0]["kind"] == "flatten":
        return ()
    layer = layers[0]
    if "size" in layer:
        field += (layer["size"] - 1) * jump
        jump *= layer.get("stride", {"conv": 1, "pool": layer["size"]}[layer["kind"]])
    return (field,) + tuple(receptive_field(layers[1:], field, jump))
"""
BY_WALKING = """
import itertools

def receptive_field(layers):
    class Unit:
        def __init__(self):
            self.field, self.jump = 1, 1

        def see(self, layer):
            if layer["kind"] == "conv" or layer["kind"] == "pool":
                self.field += (layer["size"] - 1) * self.jump
                self.jump *= layer.get("stride", 1 if layer["kind"] == "conv" else layer["size"])
            return self.field

    unit = Unit()
    return list(map(unit.see, itertools.takewhile(lambda a: a["kind"] != "flatten", layers)))
"""


@pytest.mark.parametrize(
    "right",
    [
        BACKWARD,
        VERBOSE_FIELD,
        WITH_CUMSUM,
        RECURSIVE_FIELD,
        BY_WALKING,
        changed(BACKWARD, ("np.array(fields, dtype=int)", "[float(field) for field in fields]")),
        changed(BACKWARD, ("np.array(fields", "keras.ops.array(fields"), ("=int)", "='int32')")),
    ],
)
def test_fields_in_other_forms_pass(count, right):
    assert_passes(count, "count-field", right)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("(field - 1) * stride + size", "field + size - 1", "conv, a pool and a conv"),
        ("(field - 1) * stride + size", "field * stride + size", "conv, a pool and a conv"),
        ("(field - 1) * stride + size", "(field - 1) * size + size", "conv, a pool and a conv"),
        ("            break", "            pass", "number of fields"),
        ('if layer["kind"] in ("conv", "pool")', 'if layer["kind"] == "conv"', "conv, a pool"),
        ('if layer["kind"] in ("conv", "pool")', 'if layer["kind"] == "pool"', "conv, a pool"),
        ('1 if layer["kind"] == "conv" else size', "1", "conv, a pool"),
        (
            'layer.get("stride", 1 if layer["kind"] == "conv" else size)',
            '1 if layer["kind"] == "conv" else 2',
            "stride 2",
        ),
        ('layer.get("stride", 1 if layer["kind"] == "conv" else size)', "size", "conv, a pool"),
        ("else size)", "else 2)", "pooling of 3 without a stride"),
        ("            size = layer", "            size = 3 or layer", "conv, a pool"),
        ("reversed(known)", "known", "conv, a pool"),
        (
            "        fields.append(field)",
            "        if size > 1:\n            fields.append(field)",
            "bn and a conv",
        ),
        ("return np.array(fields, dtype=int)", "return fields[-1]", "of type int; return a list"),
        ("return np.array(fields, dtype=int)", "print(fields)", "receptive_field returns None;"),
        ("return np.array(fields, dtype=int)", "return [1, *fields]", "conv, a pool"),
        ("layer.get(", "layer.setdefault(", "changes its argument layers"),
        (
            "            break",
            "            layers.remove(layer); break",
            "changes its argument layers",
        ),
    ],
)
def test_wrong_fields_are_told_where(count, old, new, words):
    assert_wrong(count, "count-field", changed(BACKWARD, (old, new)), words)


# Faults that show in few cases only.
FAULTS = {
    "count-size": {
        "another default stride": (
            """
def output_size(n, f, stride=None, padding="valid"):
    stride = stride or f if f == 2 else stride or 1
    if padding == "same":
        return -(-n // stride)
    if f > n:
        raise ValueError
    return (n - f) // stride + 1
""",
            "for n=9 and f=2 without a stride, which is 1, is wrong",
        ),
        "no padding for a single pixel": (
            """
def output_size(n, f, stride=1, padding="valid"):
    if padding == "same" and f > 1:
        return -(-n // stride)
    if f > n:
        raise ValueError
    return n // stride if padding == "same" else (n - f) // stride + 1
""",
            "f=1, stride=2, same padding is wrong",
        ),
        "rounded up from a tenth": (
            """
def output_size(n, f, stride=1, padding="valid"):
    if padding == "same":
        return int(n / stride + 0.9)
    if f > n:
        raise ValueError
    return (n - f) // stride + 1
""",
            "f=3, stride=12, same padding is wrong",
        ),
    },
    "count-layers": {
        "single precision": (
            """
def conv_params(m, n, c_in, c_out, bias=True):
    return (m * n * c_in + bias) * c_out
def dense_params(inputs, units, bias=True):
    return int(np.float32(inputs) * np.float32(units)) + (units if bias else 0)
def batch_norm_params(channels):
    return 4 * channels, 2 * channels
""",
            "dense_params(5001, 4999, bias=True) is wrong",
        ),
        "a single bias if there are few filters": (
            """
def conv_params(m, n, c_in, c_out, bias=True):
    return m * n * c_in * c_out + bias * (c_out if c_out > 4 else 1)
def dense_params(inputs, units, bias=True):
    return (inputs + bias) * units
def batch_norm_params(channels):
    return 4 * channels, 2 * channels
""",
            "conv_params for 3 x 5 pixels, 4 channels, 2 filters, a bias is wrong",
        ),
    },
    "count-table": {
        "padding only if windows overlap": (
            """
def layer_table(layers, shape=(32, 32, 3)):
    rows = []
    for a in layers:
        k = a["kind"]
        t = n = 0
        if k in ("conv", "pool"):
            st = a.get("stride", 1 if k == "conv" else a["size"])
            h, w = (
                output_size(
                    v,
                    a["size"],
                    st,
                    a.get("padding", "valid") if k == "conv" or st < a["size"] else "valid",
                )
                for v in shape[:2]
            )
            if k == "conv":
                t = n = conv_params(a["size"], a["size"], shape[2], a["filters"])
                shape = (h, w, a["filters"])
            else:
                shape = (h, w, shape[2])
        elif k == "bn":
            t, n = batch_norm_params(shape[-1])
        elif k == "flatten":
            shape = (int(np.prod(shape)),)
        elif k == "dense":
            t = n = dense_params(shape[0], a["units"])
            shape = (a["units"],)
        rows.append((k, shape, t, n))
    return rows
""",
            "without a stride, with same padding, entry 0 is wrong",
        ),
        "a list that grows from call to call": (
            """
ROWS = []

def layer_table(layers, shape=(32, 32, 3)):
    for a in layers:
        ROWS.append((a["kind"], *row_of(a, shape)))
        shape = ROWS[-1][1]
    return ROWS

def row_of(a, shape):
    kind = a["kind"]
    if kind == "dense":
        return (a["units"],), dense_params(shape[0], a["units"]), dense_params(shape[0], a["units"])
    if kind in ("conv", "pool"):
        stride = a.get("stride", 1 if kind == "conv" else a["size"])
        sides = [output_size(n, a["size"], stride, a.get("padding", "valid")) for n in shape[:2]]
        count = conv_params(a["size"], a["size"], shape[2], a["filters"]) if kind == "conv" else 0
        return (*sides, a.get("filters", shape[2])), count, count
    if kind == "flatten":
        return (int(np.prod(shape)),), 0, 0
    return shape, *(batch_norm_params(shape[-1]) if kind == "bn" else (0, 0))
""",
            "A second call of layer_table changes what the first one returned: make a new list",
        ),
    },
    "count-mults": {
        "single precision": (
            """
def multiplications(layers, shape=(32, 32, 3)):
    return np.array(
        [
            (t - s[-1]) * int(np.prod(s[:-1])) if k in ("conv", "dense") else 0
            for k, s, t, _ in layer_table(layers, shape)
        ],
        "float32",
    )
""",
            "for sizes that are not powers of 2, entry 0 is wrong",
        ),
        "a list that grows from call to call": (
            """
def multiplications(layers, shape=(32, 32, 3), counts=[]):
    for kind, (*sides, last), total, _ in layer_table(layers, shape):
        counts.append((total - last) * int(np.prod(sides)) if kind in ("conv", "dense") else 0)
    return counts
""",
            "A second call of multiplications changes what the first one returned: make a new list",
        ),
    },
}


@pytest.mark.parametrize(("test", "answer"), exercise.cases(FAULTS))
def test_a_fault_that_shows_in_few_cases_is_named(count, test, answer):
    exercise.assert_is_named(count, test, *answer)
