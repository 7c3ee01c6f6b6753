"""04 Parameter counting: right answers in other forms pass, wrong ones fail in words."""

import math
import re

import exercise
import numpy as np
import pytest

from convcourse import checks

TESTS = ["count-size", "count-layers", "count-table", "count-mults", "count-field"]


@pytest.fixture(scope="module")
def count():
    return exercise.load("04_parameter_counting")


@pytest.fixture(scope="module")
def networks():
    """The lists that the notebook's plain cells make."""
    text = (exercise.COURSE / "04_parameter_counting.py").read_text(encoding="utf-8")
    start, end = text.index("# %%\ndef conv("), text.index('# %% tests="count-table"')
    names = {}
    exec(text[start:end], names)
    wanted = "net1 net2 net3 mnist three_blocks four_five siamese cifar100 bn conv"
    return {name: names[name] for name in wanted.split()}


def run(count, networks, test, code="", **names):
    return count.run(test, count.namespace(code, **(networks | names)))


def assert_wrong(result, words):
    assert result.status == checks.WRONG, result
    assert words.lower() in result.message.lower(), result


@pytest.mark.parametrize("test", TESTS)
def test_the_solution_passes_and_the_stub_is_not_attempted(count, networks, test):
    result = run(count, networks, test)
    assert result.passed and result.hidden, result
    assert count.run(test, count.stubs(**networks)).status == checks.NOT_ATTEMPTED


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


@pytest.mark.parametrize("right", [with_ceil, places])
def test_sizes_in_other_forms_pass(count, networks, right):
    result = run(count, networks, "count-size", output_size=right)
    assert result.passed and result.hidden, result


def size(valid, same=lambda n, f, s: -(-n // s), refuse=True):
    def output_size(n, f, stride=1, padding="valid"):
        if padding == "same":
            return same(n, f, stride)
        if refuse and f > n:
            raise ValueError("too large")
        return valid(n, f, stride)

    return output_size


RIGHT = lambda n, f, s: (n - f) // s + 1  # noqa: E731


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (size(lambda n, f, s: (n - f) // s), "3 x 3 filter"),
        (size(lambda n, f, s: n - f + 1), "pooling"),
        (size(lambda n, f, s: (n - f) / s + 1), "6"),
        (size(lambda n, f, s: -(-(n - f) // s) + 1), "2 x 2 pooling"),
        (size(RIGHT, lambda n, f, s: n), "same padding"),
        (size(RIGHT, lambda n, f, s: n // s), "same padding"),
        (size(RIGHT, refuse=False), "ValueError"),
        (size(lambda n, f, s: n // s if f == s else n - 2), "the size for n="),
        (size(lambda n, f, s: n == f or (n - f) // s + 1), "n=1, f=1, stride=1"),
    ],
)
def test_a_wrong_size_is_told_for_which_numbers(count, networks, wrong, words):
    assert_wrong(run(count, networks, "count-size", output_size=wrong), words)


# ------------------------------------------------------------------ count-layers


def summed(m, n, c_in, c_out, bias=True):
    return sum(m * n * c_in + (1 if bias else 0) for _ in range(c_out))


def test_counts_in_another_form_pass(count, networks):
    result = run(
        count,
        networks,
        "count-layers",
        conv_params=summed,
        dense_params=lambda inputs, units, bias=True: inputs * units + units * bias,
        batch_norm_params=lambda channels: np.array([4, 2]) * channels,
    )
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("conv_params", lambda m, n, a, b, bias=True: m * n * a * b + bias, "896|conv_params"),
        ("conv_params", lambda m, n, a, b, bias=True: (m * n + bias) * a * b, "conv_params"),
        ("conv_params", lambda m, n, a, b, bias=True: (m * n * a + 1) * b, "bias=False"),
        ("conv_params", lambda m, n, a, b, bias=True: (m * m * a + bias) * b, "conv_params"),
        ("conv_params", lambda m, n, a, b, bias=True: (m * n * b + bias) * a, "conv_params"),
        ("dense_params", lambda d, u, bias=True: d * u, "dense_params"),
        ("dense_params", lambda d, u, bias=True: d * (u + 1), "dense_params"),
        ("dense_params", lambda d, u, bias=True: (d + 1) * u, "bias=False"),
        ("conv_params", lambda *s, bias=True: summed(*s, bias) > 1 and summed(*s, bias), "no bias"),
        ("batch_norm_params", lambda c: (4 * c, 4 * c), "batch_norm_params"),
        ("batch_norm_params", lambda c: 4 * c, "batch_norm|int"),
        ("batch_norm_params", lambda c: (16, 8), "batch_norm_params"),
    ],
)
def test_a_wrong_count_is_told_which(count, networks, name, wrong, words):
    result = run(count, networks, "count-layers", **{name: wrong})
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert re.search(words, result.message), result


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
    code = RECURSIVE
    for name, value in (PARTS | parts).items():
        code = code.replace(name, value)
    assert old in code
    return code.replace(old, new) if old else code


def test_a_recursive_table_passes(count, networks):
    result = run(count, networks, "count-table", recursive())
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (recursive(LENGTH="shape[-1]"), "output shapes of NET I"),
        (recursive(CHANNELS="layer.get('channels', 4)"), "three-block"),
        (recursive('layer.get("stride", layer["size"])', 'layer["size"]'), "pixels with stride 2"),
        (recursive('layer.get("stride", layer["size"])', 'layer.get("stride", 2)'), "of 3 without"),
        (recursive('layer.get("stride", 1)', "1"), "convolution with stride 2"),
        (recursive('layer.get("padding", "valid")', '"same"'), "output shapes"),
        (
            recursive("numbers = batch_norm_params(shape[-1])", "numbers = (4 * out[-1],) * 2"),
            "three-block",
        ),
        (
            recursive("for n in shape[:2]", "for n in shape[:1] * 2"),
            "for a convolution with stride 2",
        ),
        (
            recursive(
                "[[kind, out, *numbers]] + ", "([[kind, out, *numbers]] if any(numbers) else []) + "
            ),
            "rows",
        ),
    ],
)
def test_a_wrong_table_is_told_where(count, networks, code, words):
    assert_wrong(run(count, networks, "count-table", code), words)


def test_whole_numbers_of_numpy_pass(count, networks):
    code = recursive("batch_norm_params(shape[-1])", "np.array([4, 2]) * out[-1]")
    code = code.replace("= (conv_params(", "= (np.int32(1) * conv_params(")
    result = run(count, networks, "count-table", code)
    assert result.passed and result.hidden, result


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


def test_multiplications_from_shapes_pass(count, networks):
    result = run(count, networks, "count-mults", FROM_SHAPES)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("* shape[2] *", "*", "first convolution"),
        ("* out[0] * out[1] * out[2]", "* out[2]", "first convolution"),
        ("* out[0] * out[1] *", "* shape[0] * shape[1] *", "first convolution"),
        ("out[0] * out[1] *", "out[0] ** 2 *", "stride 2"),
        ("count = shape[0] * out[0]", "count = (shape[0] + 1) * out[0]", "dense layer"),
        ("shape[2] *", "(shape[2] + 1 / 9) *", "first convolution"),
        ("counts.append(count)", "counts += [count] if count else []", "number of counts"),
        ("return counts", "return sum(counts)", "multiplications|int"),
    ],
)
def test_wrong_multiplications_are_told_where(count, networks, old, new, words):
    assert old in FROM_SHAPES
    result = run(count, networks, "count-mults", FROM_SHAPES.replace(old, new))
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert re.search(words, result.message), result


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


def test_fields_counted_backward_pass(count, networks):
    result = run(count, networks, "count-field", BACKWARD)
    assert result.passed and result.hidden, result


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("(field - 1) * stride + size", "field + size - 1", "conv, a pool and a conv"),
        ("(field - 1) * stride + size", "field * stride + size", "conv, a pool and a conv"),
        ("            break", "            pass", "number of fields"),
        ('if layer["kind"] in ("conv", "pool")', 'if layer["kind"] == "conv"', "conv, a pool"),
        ('1 if layer["kind"] == "conv" else size', "1", "conv, a pool"),
        (
            'layer.get("stride", 1 if layer["kind"] == "conv" else size)',
            '1 if layer["kind"] == "conv" else 2',
            "stride 2",
        ),
        ("reversed(known)", "known", "conv, a pool"),
        (
            "        fields.append(field)",
            "        if size > 1:\n            fields.append(field)",
            "bn and a conv",
        ),
    ],
)
def test_wrong_fields_are_told_where(count, networks, old, new, words):
    assert old in BACKWARD
    assert_wrong(run(count, networks, "count-field", BACKWARD.replace(old, new)), words)
