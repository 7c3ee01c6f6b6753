"""14 residual networks: right answers in more than one form pass, and wrong ones fail in words."""

import exercise
import keras
import numpy as np
import pytest
from networks import own_class

from convcourse import checks, data

L = keras.layers
NAME = "14_residual_networks"
BLOCK_MODEL = exercise.locked(NAME, "res-block-model")


@pytest.fixture(scope="module")
def res():
    return exercise.load(NAME)


def assert_wrong(result, words, hidden=None, status=checks.WRONG):
    assert result.status == status, result
    assert words.lower() in result.message.lower(), result
    assert hidden in (None, result.hidden), result


def assert_right(result):
    assert result.passed and result.hidden, result


def judged(res, test, code="", **names):
    if test == "res-block":
        code += "\n" + BLOCK_MODEL
    return res.run(test, res.namespace(code, **names))


def test_a_notebook_with_nothing_filled_in_is_not_attempted(res, images):
    for test in res.tests:
        stubs = res.stubs(x_val=images["x_val"])
        exec(BLOCK_MODEL, stubs)
        result = res.run(test, stubs)
        assert result.status == checks.NOT_ATTEMPTED, (test, result)


# ------------------------------------------------------------------ res-count

COUNT = """
def count_parameters(n, shortcut="identity", filters=(16, 32, 64), classes=10):
    total = 27 * filters[0] + 2 * filters[0]
    channels = filters[0]
    for stage, f in enumerate(filters):
        for block in range(n):
            total += 9 * channels * f + 2 * f + 9 * f * f + 2 * f
            if shortcut == "projection" and stage > 0 and block == 0:
                total += channels * f + 2 * f
            channels = f
    return total + channels * classes + classes
"""
CLOSED_COUNT = """
def count_parameters(n, shortcut="identity", filters=(16, 32, 64), classes=10):
    f = np.array(filters)
    kernels = 27 * f[0] + 9 * ((2 * n - 1) * f**2).sum() + 9 * (f[0] ** 2 + (f[1:] * f[:-1]).sum())
    norms = 2 * f[0] + 4 * n * f.sum()
    extra = (f[1:] * f[:-1] + 2 * f[1:]).sum() if shortcut == "projection" else 0
    return kernels + norms + extra + (f[-1] + 1) * classes
"""
LISTED_COUNT = """
def count_parameters(n, shortcut="identity", filters=(16, 32, 64), classes=10):
    convs = [(3, 3, filters[0])]
    c = filters[0]
    for f in filters:
        convs.append((3, c, f))
        convs.extend([(3, f, f)] * (2 * n - 1))
        c = f
    if shortcut == "projection":
        convs += [(1, a, b) for a, b in zip(filters[:-1], filters[1:])]
    return sum(k * k * a * b + 2 * b for k, a, b in convs) + classes * (filters[-1] + 1)
"""
CLASS_COUNT = """
class Counter:
    def __init__(self):
        self.total = 0
    def conv(self, size, channels, filters):
        self.total += size**2 * channels * filters + 2 * filters
        return filters
    def dense(self, inputs, units):
        self.total += (inputs + 1) * units

def count_parameters(n, shortcut="identity", filters=(16, 32, 64), classes=10):
    counter = Counter()
    channels = counter.conv(3, 3, filters[0])
    for stage in range(len(filters)):
        if stage and shortcut.startswith("p"):
            counter.conv(1, channels, filters[stage])
        for _ in range(n):
            channels = counter.conv(3, channels, filters[stage])
            counter.conv(3, channels, channels)
    counter.dense(channels, classes)
    return counter.total
"""
RECURSIVE_COUNT = """
def count_parameters(n, shortcut="identity", filters=(16, 32, 64), classes=10):
    *before, f = filters
    if not before:
        return 29 * f + n * (18 * f * f + 4 * f) + (f + 1) * classes
    c = before[-1]
    own = 9 * c * f + 9 * f * f + 4 * f + (n - 1) * (18 * f * f + 4 * f)
    if shortcut == "projection":
        own += c * f + 2 * f
    return count_parameters(n, shortcut, tuple(before), 0) + own + (f + 1) * classes
"""
VERBOSE_COUNT = """
from typing import Sequence

def _conv_params(kernel_size: int, in_channels: int, out_channels: int) -> int:
    assert kernel_size in (1, 3), "unexpected kernel size"
    return kernel_size * kernel_size * in_channels * out_channels

def _bn_params(channels: int) -> int:
    return 2 * channels

def count_parameters(
    n: int,
    shortcut: str = "identity",
    filters: Sequence[int] = (16, 32, 64),
    classes: int = 10,
) -> int:
    if shortcut not in {"identity", "projection", "none"}:
        raise ValueError(f"unknown shortcut {shortcut}")
    result: int = _conv_params(3, 3, filters[0]) + _bn_params(filters[0])
    in_channels: int = filters[0]
    for stage_index, out_channels in enumerate(filters, start=1):
        for block_index in range(1, n + 1):
            result += _conv_params(3, in_channels, out_channels) + _bn_params(out_channels)
            result += _conv_params(3, out_channels, out_channels) + _bn_params(out_channels)
            is_first_block = block_index == 1 and stage_index > 1
            if shortcut == "projection" and is_first_block:
                result += _conv_params(1, in_channels, out_channels) + _bn_params(out_channels)
            in_channels = out_channels
        print(f"after stage {stage_index}: {result}")
    return int(result + in_channels * classes + classes)
"""


@pytest.mark.parametrize(
    "code",
    [COUNT, CLOSED_COUNT, LISTED_COUNT, CLASS_COUNT, RECURSIVE_COUNT, VERBOSE_COUNT],
    ids=range(6),
)
def test_a_count_found_another_way_passes(res, code):
    assert_right(judged(res, "res-count", code))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("27 * filters[0] + 2", "28 * filters[0] + 2", "expected 269"),
        ("+ 2 * filters[0]\n", "\n", "expected 269"),
        ("+ 2 * f + 9 * f * f + 2 * f", "+ 4 * f + 9 * f * f + 4 * f", "expected 269"),
        ("9 * channels * f + 2 * f +", "9 * channels * f + f + 2 * f +", "expected 269"),
        ("+ 2 * f + 9 * f * f + 2 * f", "+ 2 * f", "expected 269"),
        ("9 * channels * f +", "9 * f * f +", "expected 269"),
        (
            "channels * f + 2 * f\n            channels",
            "channels * f\n            channels",
            "expected 272",
        ),
        (" and stage > 0 and block == 0", "", "expected 272"),
        (" and stage > 0", "", "expected 272"),
        (" and block == 0", "", "expected 272"),
        ('shortcut == "projection"', 'shortcut != "identity"', 'shortcut="none"'),
        ('shortcut == "projection" and', "", "expected 269"),
        ("+ classes\n", "\n", "expected 269"),
        ("* classes + classes", "* 10 + 10", "classes=5"),
        ("enumerate(filters)", "enumerate((16, 32, 64))", "filters=(4, 8, 12)"),
        ("enumerate(filters)", "enumerate(filters[:3])", "stages"),
        ("stage > 0 and block == 0", "f != channels", "stages of the same number"),
        ("range(n)", "range(3)", "filters=(4, 8, 12)"),
        ("return total", "total", "None"),
        ("(n, ", "(n_, ", "n"),
    ],
)
def test_another_count_is_named(res, old, new, words):
    exercise.assert_is_named(res, "res-count", exercise.changed(COUNT, (old, new)), words)


def test_another_usual_shortcut_is_found(res):
    code = COUNT.replace('"identity", filters', '"projection", filters')
    assert_wrong(judged(res, "res-count", code), "expected 3589", False)


COUNT_OF_A_NETWORK = """
def count_parameters(n, shortcut="identity", filters=(16, 32, 64), classes=10):
    L = keras.layers
    def conv(x, f, size, strides=1):
        x = L.Conv2D(f, size, strides=strides, padding="same", use_bias=False)(x)
        return L.BatchNormalization()(x)
    inputs = keras.Input((32, 32, 3))
    x = conv(inputs, filters[0], 3)
    for stage, f in enumerate(filters):
        for block in range(n):
            strides = 2 if stage and not block else 1
            y = conv(conv(x, f, 3, strides), f, 3)
            x = L.Add()([y, conv(x, f, 1, 2)]) if strides == 2 and shortcut == "projection" else y
    net = keras.Model(inputs, L.Dense(classes)(L.GlobalAveragePooling2D()(x)))
    return sum(int(np.prod(w.shape)) for w in net.trainable_weights)
"""


@pytest.mark.parametrize(
    "code",
    [
        COUNT_OF_A_NETWORK,
        COUNT.replace("return total", "keras.layers.Dense(2).build((None, 3)); return total"),
    ],
    ids=range(2),
)
def test_a_count_by_a_network_is_named(res, code):
    assert_wrong(judged(res, "res-count", code), "without them", False)


def test_a_count_may_use_tensors(res):
    code = COUNT.replace("return total", "return int(tf.reduce_sum(tf.constant([total, 0])))")
    assert_right(judged(res, "res-count", code))


# ------------------------------------------------------------------ res-block

BLOCK = """
def residual_block(x, filters, strides=1, shortcut="identity"):
    layers = keras.layers
    channels = x.shape[-1]
    form = {"padding": "same", "use_bias": False}
    y = layers.Conv2D(filters, 3, strides=strides, **form)(x)
    y = layers.BatchNormalization(momentum=0.9)(y)
    y = layers.ReLU()(y)
    y = layers.Conv2D(filters, 3, strides=1, **form)(y)
    y = layers.BatchNormalization(momentum=0.9)(y)
    if shortcut == "none":
        return layers.ReLU()(y)
    if strides != 1 or channels != filters:
        if shortcut == "projection":
            x = layers.Conv2D(filters, 1, strides=strides, **form)(x)
            x = layers.BatchNormalization(momentum=0.9)(x)
        else:
            x = x[:, ::strides, ::strides]
            x = keras.ops.pad(x, [(0, 0), (0, 0), (0, 0), (0, filters - channels)])
    return layers.ReLU()(layers.Add()([y, x]))
"""
BLOCK_BY_OPS = """
def residual_block(x, filters, strides=1, shortcut="identity"):
    ops, channels = keras.ops, x.shape[-1]
    conv = lambda size, step: keras.layers.Conv2D(filters, size, step, "same", use_bias=False)
    norm = lambda: keras.layers.BatchNormalization(momentum=0.9)
    y = norm()(conv(3, 1)(ops.relu(norm()(conv(3, strides)(x)))))
    if shortcut == "none":
        return ops.maximum(y, 0)
    if strides == 1 and filters == channels:
        return ops.relu(x + y)
    if shortcut == "projection":
        return ops.relu(norm()(conv(1, strides)(x)) + y)
    x = ops.concatenate([x[:, ::strides, ::strides, :], ops.zeros_like(y)[..., channels:]], axis=-1)
    return ops.relu(y + x)
"""
BLOCK_BY_ZEROS = BLOCK.replace(
    "x = keras.ops.pad(x, [(0, 0), (0, 0), (0, 0), (0, filters - channels)])",
    "x = layers.Concatenate()([x, keras.ops.zeros_like(y[..., channels:])])",
)
BLOCK_BY_EARLY_ZEROS = """
def conv_bn(filters, size, strides=1):
    conv = keras.layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)
    return keras.Sequential([conv, keras.layers.BatchNormalization(momentum=0.9)])

def residual_block(x, filters, strides=1, shortcut="identity"):
    s, missing = x[:, ::strides, ::strides, :], filters - x.shape[-1]
    if missing:
        zeros = keras.ops.zeros_like(keras.ops.repeat(s[..., :1], missing, axis=-1))
    y = keras.layers.ReLU()(conv_bn(filters, 3, strides)(x))
    y = conv_bn(filters, 3)(y)
    if shortcut == "projection" and (missing or strides > 1):
        y = y + conv_bn(filters, 1, strides)(x)
    elif shortcut != "none":
        y = y + (keras.layers.Concatenate()([s, zeros]) if missing else s)
    return keras.layers.ReLU()(y)
"""
BLOCK_AS_A_LAYER = """
class Block(keras.layers.Layer):
    def __init__(self, filters, strides, shortcut):
        super().__init__()
        self.filters, self.strides, self.shortcut = filters, strides, shortcut

    def build(self, shape):
        L = keras.layers
        self.same = self.strides == 1 and shape[-1] == self.filters
        self.c1 = L.Conv2D(self.filters, 3, self.strides, padding="same", use_bias=False)
        self.c2 = L.Conv2D(self.filters, 3, padding="same", use_bias=False)
        self.b1, self.b2 = (L.BatchNormalization(momentum=0.9) for _ in range(2))
        if self.shortcut == "projection" and not self.same:
            self.c3 = L.Conv2D(self.filters, 1, self.strides, use_bias=False)
            self.b3 = L.BatchNormalization(momentum=0.9)

    def call(self, x, training=None):
        y = tf.nn.relu(self.b1(self.c1(x), training=training))
        y = self.b2(self.c2(y), training=training)
        if self.shortcut == "projection" and not self.same:
            y += self.b3(self.c3(x), training=training)
        elif self.shortcut != "none":
            x = x[:, :: self.strides, :: self.strides]
            y += tf.pad(x, [[0, 0]] * 3 + [[0, self.filters - x.shape[-1]]])
        return tf.nn.relu(y)

def residual_block(x, filters, strides=1, shortcut="identity"):
    return Block(filters, strides, shortcut)(x)
"""
BLOCK_OF_NETWORKS = """
def residual_block(x, filters, strides=1, shortcut="identity"):
    L = keras.layers
    def piece(size, step, *more):
        conv = L.Conv2D(filters, size, strides=step, padding="same", use_bias=False)
        return keras.Sequential([conv, L.BatchNormalization(momentum=0.9), *more])
    y = piece(3, 1)(piece(3, strides, L.Activation("relu"))(x))
    if shortcut == "projection" and (strides, x.shape[-1]) != (1, filters):
        x = piece(1, strides)(x)
    elif shortcut == "identity" and (strides, x.shape[-1]) != (1, filters):
        x = L.MaxPooling2D(1, strides=strides)(x)
        x = L.Permute((1, 3, 2))(x)
        x = L.ZeroPadding2D(((0, 0), (0, filters - x.shape[2])))(x)
        x = L.Permute((1, 3, 2))(x)
    return L.Activation("relu")(y if shortcut == "none" else L.add([x, y]))
"""
BLOCK_BY_LAMBDA = """
def residual_block(x, filters, strides=1, shortcut="identity"):
    from keras import layers
    old, (height, width, channels) = x, x.shape[1:]
    for number, step in enumerate((strides, 1)):
        x = layers.Conv2D(filters, kernel_size=(3, 3), strides=(step, step), padding="same",
                          use_bias=False, kernel_initializer="he_normal")(x)
        x = layers.BatchNormalization(axis=-1, momentum=0.9, epsilon=1e-5)(x)
        x = layers.ReLU()(x) if number == 0 else x
    if shortcut == "projection" and x.shape != old.shape:
        old = layers.Conv2D(filters, 1, strides, use_bias=False)(old)
        old = layers.BatchNormalization(momentum=0.9)(old)
    elif shortcut == "identity" and x.shape != old.shape:
        def cut(t):
            edges = [[0, 0], [0, 0], [0, 0], [0, filters - channels]]
            return tf.pad(t[:, ::strides, ::strides], edges)
        old = layers.Lambda(cut)(old)
    if shortcut != "none":
        x = layers.Add()([old, x])
    return layers.ReLU()(x)
"""
VERBOSE_BLOCK = """
def conv_bn(inputs, filters: int, kernel_size: int, strides: int, name: str | None = None):
    outputs = keras.layers.Conv2D(
        filters=filters, kernel_size=kernel_size, strides=strides, padding="same", use_bias=False
    )(inputs)
    return keras.layers.BatchNormalization(momentum=0.9)(outputs)

def residual_block(x, filters: int, strides: int = 1, shortcut: str = "identity"):
    assert shortcut in ("identity", "projection", "none"), f"unknown shortcut: {shortcut}"
    assert filters >= x.shape[-1], "the number of channels must not shrink"
    residual = conv_bn(x, filters, 3, strides)
    residual = keras.layers.Activation(keras.activations.relu)(residual)
    residual = conv_bn(residual, filters, 3, 1)
    shape_changes: bool = strides != 1 or int(x.shape[-1]) != filters
    if shortcut == "none":
        outputs = residual
    elif not shape_changes:
        outputs = keras.layers.add([residual, x])
    elif shortcut == "projection":
        outputs = keras.layers.add([residual, conv_bn(x, filters, 1, strides)])
    else:
        subsampled = keras.layers.AveragePooling2D(pool_size=1, strides=strides)(x)
        missing = filters - int(x.shape[-1])
        parts = [subsampled]
        if missing:
            zeros = keras.layers.Lambda(lambda t: 0.0 * keras.ops.repeat(t[..., :1], missing, -1))
            parts.append(zeros(subsampled))
        merged = keras.layers.Concatenate()(parts) if missing else subsampled
        outputs = keras.layers.add([residual, merged])
    print("block:", x.shape, "->", outputs.shape)
    return keras.layers.Activation("relu")(outputs)
"""


@pytest.mark.parametrize(
    "code",
    [
        BLOCK,
        BLOCK_BY_OPS,
        BLOCK_BY_ZEROS,
        BLOCK_BY_EARLY_ZEROS,
        BLOCK_AS_A_LAYER,
        BLOCK_OF_NETWORKS,
        BLOCK_BY_LAMBDA,
        VERBOSE_BLOCK,
    ],
    ids=range(8),
)
def test_a_block_written_another_way_passes(res, code):
    assert_right(judged(res, "res-block", code))


ADDED = "layers.ReLU()(layers.Add()([y, x]))"
SECOND = "    y = layers.Conv2D(filters, 3, strides=1, **form)(y)\n"
SHORT = "x = layers.Conv2D(filters, 1, strides=strides, **form)(x)\n"
BEHIND = "(0, filters - channels)])"


@pytest.mark.parametrize(
    ("old", "new", "words", "hidden"),
    [
        (ADDED, "layers.Add()([y, x])", "apply ReLU after the addition", False),
        (ADDED, "layers.Add()([layers.ReLU()(y), x])", "apply ReLU after the addition", False),
        (ADDED, "layers.ReLU()(layers.Add()([layers.ReLU()(y), x]))", "before the addition", True),
        (ADDED, "layers.ReLU()(y)", "it adds nothing", False),
        (
            ADDED,
            "layers.ReLU()(layers.Subtract()([y, x]))",
            "does not return ReLU of its shortcut",
            False,
        ),
        (ADDED, "layers.ReLU()(layers.Concatenate()([y, x]))", "shape", False),
        (
            ADDED,
            "layers.ReLU()(layers.Average()([y, x]))",
            "does not return ReLU of its shortcut",
            False,
        ),
        ("    y = layers.ReLU()(y)\n", "", "no ReLU between", True),
        ("3, strides=strides, **form", "3, strides=1, **form", "shape", False),
        ("return layers.ReLU()(y)\n", "return y\n", "no ReLU at the end", True),
        ('use_bias": False', 'use_bias": True', "parameters", False),
        ("momentum=0.9", "momentum=0.99", "momentum other than 0.9", True),
        (
            SECOND + "    y = layers.BatchNormalization(momentum=0.9)(y)\n",
            SECOND,
            "parameters",
            False,
        ),
        (SECOND, "", "parameters", False),
        (SECOND, SECOND.replace("3,", "5,"), "parameters", False),
        (BEHIND, "(filters - channels, 0)])", "channels of zeros behind", False),
        (
            BEHIND,
            "((filters - channels) // 2, filters - channels - (filters - channels) // 2)])",
            "zeros behind",
            False,
        ),
        (
            "x = x[:, ::strides, ::strides]",
            "x = layers.AveragePooling2D(strides)(x)",
            "every second row",
            False,
        ),
        (
            "x = x[:, ::strides, ::strides]",
            "x = layers.MaxPooling2D(strides)(x)",
            "every second row",
            False,
        ),
        (
            "x = x[:, ::strides, ::strides]",
            "x = x[:, :x.shape[1] // strides, :x.shape[2] // strides]",
            "every second row",
            False,
        ),
        (
            SHORT + "            x = layers.BatchNormalization(momentum=0.9)(x)\n",
            SHORT,
            "parameters",
            False,
        ),
        (SHORT, SHORT.replace("1,", "3,"), "parameters", False),
        (SHORT, SHORT + "            x = layers.ReLU()(x)\n", "projection", True),
        (
            "(momentum=0.9)(x)\n        else",
            "(momentum=0.9)(x)\n            x = layers.ReLU()(x)\n        else",
            "a ReLU follows the projection",
            True,
        ),
        ('shortcut == "projection"', "False", "parameters", False),
        ('shortcut == "projection"', "True", "parameters", False),
        ("if strides != 1 or channels != filters:", "if True:", "the right shape already", False),
        ("strides != 1 or channels != filters", "channels != filters", "shape", True),
        ("strides != 1 or channels != filters", "strides != 1", "", True),
        ("strides != 1 or channels != filters", "strides == 2 or channels != filters", "", True),
        (
            "y = layers.Conv2D(filters, 3, strides=strides, **form)(x)",
            "y = layers.Conv2D(filters, 3, strides=strides, use_bias=False)"
            "(layers.ZeroPadding2D(1)(x))",
            "as many zeros are added above as below",
            True,
        ),
        (
            '"use_bias": False}',
            '"use_bias": False, "activation": "relu"}',
            "between each convolution and its batch normalization",
            True,
        ),
        (
            "layers.BatchNormalization(momentum=0.9)(y)\n    y = layers.ReLU()(y)",
            "layers.BatchNormalization(momentum=0.9)(layers.ReLU()(y))",
            "between the first convolution and its batch normalization",
            True,
        ),
        (
            "x = x[:, ::strides, ::strides]",
            "x = x[:, ::strides, ::strides] if x.shape[1] == 6 else "
            'layers.AveragePooling2D(strides, padding="same")(x)',
            "means of neighbors",
            True,
        ),
        (
            "x = x[:, ::strides, ::strides]",
            "x = x[:, ::strides, ::strides] if x.shape[1] == 6 else "
            'layers.MaxPooling2D(strides, padding="same")(x)',
            "largest of neighbors",
            True,
        ),
        ('    if shortcut == "none":\n        return layers.ReLU()(y)\n', "", "nothing", False),
        ("return " + ADDED, ADDED, "NoneType", None),
        (SECOND, SECOND.replace("**form", 'kernel_regularizer="l2", **form'), "penalty", False),
        (
            SECOND,
            SECOND.replace("**form", 'activity_regularizer="l2", **form'),
            "penalty on activations",
            False,
        ),
        (
            "y = layers.ReLU()(y)\n    y = layers.Conv",
            "y = layers.Dropout(0.2)(layers.ReLU()(y))\n    y = layers.Conv",
            "is random",
            False,
        ),
    ],
)
def test_another_block_is_named(res, old, new, words, hidden):
    code = exercise.changed(BLOCK, (old, new))
    result = judged(res, "res-block", code)
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words.lower() in result.message.lower(), result
    assert hidden in (None, result.hidden), result


def test_other_defaults_of_the_block_are_found(res):
    for old, new in (("strides=1, sh", "strides=2, sh"), ('"identity"):', '"none"):')):
        result = judged(res, "res-block", exercise.changed(BLOCK, (old, new)))
        assert result.status == checks.WRONG and not result.hidden, result


def test_the_message_about_parameters_says_which_block_was_built(res):
    code = exercise.changed(BLOCK, ('shortcut == "projection"', "True"))
    words = 'For a single block with strides=2 and shortcut="identity", the network has 14,720'
    assert_wrong(judged(res, "res-block", code), words, False)


# ------------------------------------------------------------------ res-network

NETWORK = """
def build_network(n, shortcut="identity", filters=(16, 32, 64), classes=10):
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(filters[0], 3, padding="same", use_bias=False)(inputs)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras.layers.ReLU()(x)
    for stage, f in enumerate(filters):
        for block in range(n):
            strides = 2 if stage > 0 and block == 0 else 1
            x = residual_block(x, f, strides, shortcut)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    return keras.Model(inputs, outputs)
"""
NETWORK_BY_OPS = """
def build_network(n, shortcut="identity", filters=(16, 32, 64), classes=10):
    x = inputs = keras.layers.Input(shape=(32, 32, 3))
    x = keras.layers.Conv2D(filters[0], 3, padding="same", use_bias=False)(x)
    x = keras.ops.relu(keras.layers.BatchNormalization(momentum=0.9)(x))
    before = filters[0]
    for at in range(len(filters) * n):
        f = filters[at // n]
        first = at % n == 0 and at >= n
        x = residual_block(x, f, strides=1 + first, shortcut=shortcut)
    x = keras.ops.mean(x, axis=(1, 2))
    return keras.Model(inputs, keras.ops.softmax(keras.layers.Dense(classes)(x)))
"""
OWN_NETWORK = BLOCK.replace("residual_block", "_mine") + NETWORK.replace("residual_block", "_mine")
SUBCLASSED_NETWORK = (
    BLOCK_AS_A_LAYER.partition("def residual_block")[0]
    + """
class Net(keras.Model):
    def __init__(self, n, shortcut, filters, classes):
        super().__init__()
        L = keras.layers
        self.stem = L.Conv2D(filters[0], 3, padding="same", use_bias=False)
        self.norm = L.BatchNormalization(momentum=0.9)
        self.blocks = [
            Block(f, 2 if stage and not block else 1, shortcut)
            for stage, f in enumerate(filters) for block in range(n)
        ]
        self.pool, self.end = L.GlobalAveragePooling2D(), L.Dense(classes, activation="softmax")

    def call(self, x, training=None):
        x = tf.nn.relu(self.norm(self.stem(x), training=training))
        for block in self.blocks:
            x = block(x, training=training)
        return self.end(self.pool(x))

def build_network(n, shortcut="identity", filters=(16, 32, 64), classes=10):
    net = Net(n, shortcut, filters, classes)
    net(np.zeros((1, 32, 32, 3), "float32"))
    return net
"""
)
NESTED_NETWORK = """
def build_network(n, shortcut="identity", filters=(16, 32, 64), classes=10):
    def stage(shape, f, strides):
        x = inputs = keras.Input(shape)
        for block in range(n):
            x = residual_block(x, f, strides if block == 0 else 1, shortcut)
        return keras.Model(inputs, x)
    L = keras.layers
    stem = L.Conv2D(filters[0], 3, padding="same", use_bias=False)
    net = keras.Sequential([L.Input((32, 32, 3)), stem])
    net.add(L.BatchNormalization(momentum=0.9))
    net.add(L.Activation("relu"))
    for number, f in enumerate(filters):
        net.add(stage(net.output_shape[1:], f, 2 if number else 1))
    net.add(L.GlobalAveragePooling2D())
    net.add(L.Dense(classes, "softmax"))
    return net
"""
VERBOSE_NETWORK = """
def build_network(
    n: int, shortcut: str = "identity", filters: tuple[int, ...] = (16, 32, 64), classes: int = 10
) -> keras.Model:
    assert n >= 1 and len(filters) >= 1, "a network needs at least one block"
    inputs = keras.Input(shape=(32, 32, 3), name="images")
    x = keras.layers.Conv2D(
        filters=filters[0], kernel_size=(3, 3), padding="same", use_bias=False, name="stem"
    )(inputs)
    x = keras.layers.BatchNormalization(momentum=0.9, name="stem_norm")(x)
    x = keras.layers.Activation("relu", name="stem_relu")(x)
    for stage_number, stage_filters in enumerate(filters, start=1):
        strides = 1 if stage_number == 1 else 2
        x = residual_block(x, stage_filters, strides=strides, shortcut=shortcut)
        for _ in range(n - 1):
            x = residual_block(x, stage_filters, shortcut=shortcut)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    outputs = keras.layers.Dense(units=classes, name="logits")(x)
    outputs = keras.layers.Softmax(name="probabilities")(outputs)
    model = keras.Model(inputs=inputs, outputs=outputs, name=f"resnet_{6 * n + 2}")
    print(model.name, model.count_params())
    return model
"""


@pytest.mark.parametrize(
    "code",
    [NETWORK, NETWORK_BY_OPS, OWN_NETWORK, SUBCLASSED_NETWORK, NESTED_NETWORK, VERBOSE_NETWORK],
    ids=range(6),
)
def test_a_network_built_another_way_passes(res, code):
    assert_right(judged(res, "res-network", code))


CACHED = NETWORK.replace(
    "def build_network", "import functools\n\n@functools.lru_cache\ndef build_network"
)
POOL = "keras.layers.GlobalAveragePooling2D()(x)"
NOT_IN_ORDER = "does not compute what its parts compute"


@pytest.mark.parametrize(
    ("old", "new", "words", "hidden"),
    [
        ("    x = keras.layers.ReLU()(x)\n", "", "no ReLU behind the first convolution", True),
        ("    x = keras.layers.BatchNormalization(momentum=0.9)(x)\n", "", "parameters", False),
        ("(momentum=0.9)", "()", "momentum other than 0.9", True),
        (', padding="same", use_bias=False', ', padding="same"', "parameters", False),
        ("(filters[0], 3,", "(filters[0], 5,", "parameters", False),
        ("2 if stage > 0 and block == 0 else 1", "1", "", True),
        ("stage > 0 and block == 0", "block == 0", "", None),
        ("stage > 0 and block == 0", "stage > 0", "", None),
        ("range(n)", "range(n - 1)", "parameters", False),
        ("range(n)", "range(3)", "", None),
        ("strides, shortcut)", "strides)", 'shortcut="projection", the network has 271,098', False),
        (
            "strides, shortcut)",
            'strides, "none" if shortcut == "identity" else shortcut)',
            "",
            True,
        ),
        (
            "strides, shortcut)",
            'strides, shortcut.replace("none", "identity"))',
            'shortcut="identity" computes',
            True,
        ),
        (
            "strides, shortcut)",
            'strides, shortcut if block == 0 else "identity")',
            "pass it on in each call",
            True,
        ),
        (
            "strides, shortcut)",
            'strides, shortcut if block == 0 else "none")',
            "",
            True,
        ),
        ("enumerate(filters)", "enumerate((16, 32, 64))", "", True),
        ("enumerate(filters)", "enumerate(filters[:3])", "", True),
        ("enumerate(filters)", "enumerate([filters[0], filters[1], filters[2]])", "", False),
        ("Dense(classes,", "Dense(10,", "shape", False),
        (', activation="softmax")', ")", "sum of each row", False),
        ('activation="softmax"', 'activation="sigmoid"', "sum of each row", False),
        (POOL, "keras.layers.Flatten()(x)", "parameters", False),
        (POOL, "keras.layers.GlobalMaxPooling2D()(x)", "the largest value of each map", True),
        (POOL, "keras.ops.sum(x, axis=(1, 2))", NOT_IN_ORDER, True),
        (
            'keras.layers.Dense(classes, activation="softmax")(x)',
            'keras.layers.Softmax()(keras.layers.Dense(classes, activation="softmax")(x))',
            "applied twice",
            True,
        ),
        (
            'keras.layers.Dense(classes, activation="softmax")(x)',
            'keras.layers.Flatten()(keras.layers.Conv2D(classes, 1, activation="softmax")'
            "(keras.layers.Reshape((1, 1, -1))(x)))",
            "no Dense layer",
            True,
        ),
        ("(inputs)\n", "(keras.layers.Rescaling(1 / 255)(inputs))\n", "scaled once more", True),
        ("(inputs)\n", '(keras.layers.RandomFlip("horizontal")(inputs))\n', "is random", False),
        ('3, padding="same",', "3,", "does not have same padding", True),
        ("(filters[0], 3,", "(filters[0], 3, 2,", "first convolution has strides", True),
        (
            "return keras.Model(inputs, outputs)",
            "return keras.Model(inputs, {'chances': outputs})",
            "expected numbers",
            False,
        ),
        (POOL, POOL + "\n    x = keras.layers.Dense(64, 'relu')(x)", "parameters", False),
        (POOL, POOL + "\n    x = keras.layers.Dropout(0.5)(x)", "is random", False),
        ("Dense(classes,", 'Dense(classes, kernel_regularizer="l2",', "penalty on weights", False),
        (
            "Dense(classes,",
            'Dense(classes, activity_regularizer="l2",',
            "penalty on activations",
            False,
        ),
        (
            "return keras.Model(inputs, outputs)",
            "keras.Model(inputs, outputs)",
            "is None",
            None,
        ),
        (
            "return keras.Model(inputs, outputs)",
            "net = keras.Model(inputs, outputs); net.compile('adam', 'mse'); return net",
            "compiles the network",
            False,
        ),
        ("(32, 32, 3)", "(None, None, 3)", "", None),
    ],
)
def test_another_network_is_named(res, old, new, words, hidden):
    result = judged(res, "res-network", exercise.changed(NETWORK, (old, new)))
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words.lower() in result.message.lower(), result
    assert hidden in (None, result.hidden), result


def test_a_network_that_is_kept_is_named(res):
    assert_wrong(judged(res, "res-network", CACHED), "the same network each time", False)


@pytest.mark.slow
def test_another_usual_shortcut_of_the_network_is_found(res):
    code = exercise.changed(NETWORK, ('"identity", filters', '"none", filters'))
    assert_wrong(judged(res, "res-network", code), "Without arguments other than n", True)


# ------------------------------------------------------------------ res-gradients

NORMS = """
def gradient_norms(model, x, y):
    kernels = [w for w in model.trainable_weights if len(w.shape) == 4]
    with tf.GradientTape() as tape:
        chances = model(x, training=True)
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, chances))
    found = tape.gradient(loss, [w.value for w in kernels])
    return [float(tf.norm(g)) for g in found]
"""
NORMS_OF_ALL = """
def gradient_norms(model, x, y):
    loss_of = keras.losses.SparseCategoricalCrossentropy()
    with tf.GradientTape() as tape:
        loss = loss_of(y, model(x, training=True))
    every = tape.gradient(loss, model.trainable_variables)
    pairs = zip(model.trainable_variables, every)
    return [np.linalg.norm(np.ravel(g)) for w, g in pairs if w.ndim == 4]
"""
NORMS_BY_A_STEP = """
class Step:
    def __init__(self, model):
        self.model = model
        loss = "sparse_categorical_crossentropy"
        model.compile(keras.optimizers.SGD(1.0), loss, run_eagerly=True)

    def kernels(self):
        return [np.array(w) for w in self.model.trainable_weights if len(w.shape) == 4]

    def norms(self, x, y):
        weights = self.model.get_weights()
        before = self.kernels()
        self.model.train_on_batch(x, y)
        after = self.kernels()
        self.model.set_weights(weights)
        return [np.sqrt(((a - b) ** 2).sum()) for a, b in zip(after, before)]

def gradient_norms(model, x, y):
    return Step(model).norms(x, y)
"""
NORMS_ONE_BY_ONE = """
def gradient_norms(model, x, y):
    result = []
    for weight in model.trainable_weights:
        if len(weight.shape) != 4:
            continue
        with tf.GradientTape() as tape:
            rows = tf.one_hot(y, model.output_shape[-1])
            loss = -tf.reduce_mean(tf.reduce_sum(rows * tf.math.log(model(x, training=True)), -1))
        result.append(tf.sqrt(tf.reduce_sum(tape.gradient(loss, weight.value) ** 2)).numpy())
    return tuple(result)
"""
NORMS_AS_AN_ARRAY = """
def gradient_norms(model, x, y):
    x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        kernels = [w.value for w in model.trainable_weights if w.ndim > 3]
        for kernel in kernels:
            tape.watch(kernel)
        chances = model(x, training=True)
        loss = keras.ops.mean(keras.losses.sparse_categorical_crossentropy(y, chances))
    return np.array([tf.linalg.global_norm([g]) for g in tape.gradient(loss, kernels)])
"""
VERBOSE_NORMS = """
def gradient_norms(model: keras.Model, x: np.ndarray, y: np.ndarray) -> list[float]:
    assert len(x) == len(y), f"{len(x)} images but {len(y)} labels"
    conv_kernels: list = []
    for weight in model.trainable_weights:
        if len(weight.shape) == 4:
            conv_kernels.append(weight)
    print(f"{len(conv_kernels)} kernels")
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=False)
    with tf.GradientTape(persistent=True) as tape:
        predictions = model(tf.constant(x), training=True)
        loss_value = loss_function(tf.constant(y), predictions)
    norms: list[float] = []
    for kernel in conv_kernels:
        gradient = tape.gradient(loss_value, kernel.value)
        assert gradient is not None, "no gradient"
        norms.append(float(np.sqrt(np.sum(np.square(gradient.numpy())))))
    return norms
"""


@pytest.mark.parametrize(
    "code",
    [NORMS, NORMS_OF_ALL, NORMS_BY_A_STEP, NORMS_ONE_BY_ONE, NORMS_AS_AN_ARRAY, VERBOSE_NORMS],
    ids=range(6),
)
def test_norms_found_another_way_pass(res, code):
    assert_right(judged(res, "res-gradients", code))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("training=True", "training=False", "computed with training=True"),
        (", training=True", "", "computed with training=True"),
        ("reduce_mean", "reduce_sum", "mean loss"),
        ("tf.norm(g)", "tf.reduce_sum(g**2)", "one image of the value 3"),
        ("tf.norm(g)", "tf.reduce_max(abs(g))", "one image of the value 3"),
        ("tf.norm(g)", "tf.reduce_mean(abs(g))", "one image of the value 3"),
        ("tf.norm(g)", "tf.norm(g, 1)", "one image of the value 3"),
        ("for g in found", "for g in found[::-1]", "array of norms"),
        ("for g in found", "for g in found[:-1]", "shape"),
        ("for g in found", "for g in found[:1]", "shape"),
        ("== 4", ">= 1", "shape"),
        ("model.trainable_weights", "model.weights", "leave out those of frozen layers"),
        (
            "w in model.trainable_weights if len(w.shape) == 4]",
            "l in model.layers if isinstance(l, keras.layers.Conv2D) and l.trainable "
            "for w in [l.kernel]]",
            "a depthwise convolution, inside another network",
        ),
        ("crossentropy(y,", "crossentropy(np.zeros_like(y),", "array of norms"),
        ("model(x,", "model(x[:1],", ""),
        ("return [float(tf.norm(g))", "[float(tf.norm(g))", "None"),
        ("float(tf.norm(g))", "float(tf.norm(g) / len(x))", "images of the values 3 and 1"),
        (
            "float(tf.norm(g)) for g in found",
            "float(tf.norm(g) / tf.norm(w.value)) for g, w in zip(found, kernels)",
            "",
        ),
        (
            "float(tf.norm(g))",
            "float(tf.norm(g)) / float(tf.size(g)) ** 0.5",
            "one image of the value 3",
        ),
        ("float(tf.norm(g))", "g.numpy()", "shape"),
    ],
)
def test_other_norms_are_named(res, old, new, words):
    code = exercise.changed(NORMS, (old, new))
    exercise.assert_is_named(res, "res-gradients", code, words)


# ------------------------------------------------------------------ res-schedule

RATE = """
def learning_rate(step, steps, peak=0.1, warmup=0.1):
    w = round(warmup * steps)
    if step < w:
        return peak * (step + 1) / w
    t = (step - w) / (steps - w)
    return peak * (1 + np.cos(np.pi * t)) / 2
"""
RATE_BY_MATH = """
import math

def learning_rate(step, steps, peak=0.1, warmup=0.1):
    w = round(warmup * steps)
    if step < w:
        return peak * (step + 1) / w
    return peak * math.cos(math.pi / 2 * (step - w) / (steps - w)) ** 2
"""
RATE_BY_LIST = """
def learning_rate(step, steps, peak=0.1, warmup=0.1):
    w = int(np.rint(warmup * steps))
    rise = [peak * k / w for k in range(1, w + 1)]
    fall = peak * (0.5 + 0.5 * np.cos(np.linspace(0, np.pi, steps - w + 1)))
    return (rise + list(fall))[step]
"""
RATE_AS_A_CLASS = """
class Schedule:
    def __init__(self, steps, peak, warmup):
        self.steps, self.peak, self.rising = steps, peak, int(warmup * steps + 0.5)
    def __call__(self, step):
        if step < self.rising:
            return (step + 1) * self.peak / self.rising
        left = (self.steps - step) / (self.steps - self.rising)
        return self.peak * (1 - np.cos(np.pi * left)) / 2

def learning_rate(step, steps, peak=0.1, warmup=0.1):
    return Schedule(steps, peak, warmup)(step)
"""
RATE_BY_KERAS = """
def learning_rate(step, steps, peak=0.1, warmup=0.1):
    w = round(warmup * steps)
    if step < w:
        return np.float64(peak) / w * (step + 1)
    fall = keras.optimizers.schedules.CosineDecay(peak, steps - w)
    return float(fall(step - w))
"""
VERBOSE_RATE = """
def learning_rate(step: int, steps: int, peak: float = 0.1, warmup: float = 0.1) -> float:
    assert 0 <= step < steps, f"step {step} is not one of {steps}"
    warmup_steps: int = round(warmup * steps)
    is_warming_up: bool = step < warmup_steps
    if is_warming_up:
        fraction: float = (step + 1) / warmup_steps
        return float(peak * fraction)
    decay_steps: int = max(1, steps - warmup_steps)
    progress: float = (step - warmup_steps) / decay_steps
    cosine: float = 0.5 * (1.0 + np.cos(np.pi * progress))
    print(f"step {step}: {peak * cosine:.6f}")
    return float(peak * cosine)
"""


@pytest.mark.parametrize(
    "code",
    [RATE, RATE_BY_MATH, RATE_BY_LIST, RATE_AS_A_CLASS, RATE_BY_KERAS, VERBOSE_RATE],
    ids=range(6),
)
def test_a_schedule_written_another_way_passes(res, code):
    assert_right(judged(res, "res-schedule", code))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("(step + 1) / w", "step / w", "step 0 of 20"),
        ("(step + 1) / w", "(step + 1) / (w + 1)", "step 0 of 20"),
        ("step < w", "step <= w", "step 2 of 20"),
        ("step < w", "False", "step 0 of 20"),
        ("(step - w) / (steps - w)", "(step - w + 1) / (steps - w)", "step 2 of 20"),
        ("(step - w) / (steps - w)", "(step - w) / steps", "step 11 of 20"),
        ("(step - w) / (steps - w)", "(step - w) / (steps - w - 1)", "step 11 of 20"),
        ("(step - w) / (steps - w)", "step / steps", "step 2 of 20"),
        ("np.pi * t", "np.pi * t / 2", "step 11 of 20"),
        ("(1 + np.cos(np.pi * t)) / 2", "(1 - t)", "step 19 of 20"),
        ("(1 + np.cos(np.pi * t)) / 2", "(1 + np.cos(np.pi * t))", "step 2 of 20"),
        ("(1 + np.cos", "(1 - np.cos", "step 2 of 20"),
        ("peak * (step", "0.1 * (step", "peak=0.4"),
        ("return peak * (1", "return 0.1 * (1", "in place of the argument peak"),
        ("warmup * steps", "0.1 * steps", "warmup=0"),
        ("warmup * steps", "0.1 * steps * (warmup > 0)", "whatever the argument warmup is"),
        ("round(warmup * steps)", "int(warmup * steps)", "nearest integer"),
        ("round(warmup * steps)", "int(np.ceil(warmup * steps))", "nearest integer"),
        ("round(warmup * steps)", "max(1, round(warmup * steps))", "warm-up"),
        ("return peak * (1 + ", "peak * (1 + ", "returns None"),
    ],
)
def test_another_schedule_is_named(res, old, new, words):
    code = exercise.changed(RATE, (old, new))
    exercise.assert_is_named(res, "res-schedule", code, words)


def test_other_defaults_of_the_schedule_are_found(res):
    for old, new in (("peak=0.1", "peak=0.2"), ("warmup=0.1", "warmup=0.2")):
        result = judged(res, "res-schedule", exercise.changed(RATE, (old, new)))
        assert_wrong(result, "step 0 of 20", False)


# ------------------------------------------------------------------ res-smooth

SMOOTH = "def smooth(rows, share=0.1):\n    {}"
VERBOSE_SMOOTH = """
def smooth(rows: np.ndarray, share: float = 0.1) -> np.ndarray:
    assert rows.ndim == 2, f"expected two axes, got {rows.ndim}"
    assert 0 <= share <= 1, "share must be between 0 and 1"
    number_of_classes: int = rows.shape[1]
    uniform: float = 1.0 / number_of_classes
    result = np.empty(rows.shape, dtype=np.float32)
    for row_index in range(rows.shape[0]):
        for class_index in range(number_of_classes):
            value = rows[row_index, class_index]
            result[row_index, class_index] = value * (1.0 - share) + uniform * share
    print("smoothed", result.shape)
    return result
"""
CLASS_SMOOTH = """
class Smoother:
    def __init__(self, share):
        self.share = share
    def __call__(self, rows):
        even = np.full(rows.shape, 1 / rows.shape[-1])
        return np.average([rows, even], axis=0, weights=[1 - self.share, self.share])

def smooth(rows, share=0.1):
    return Smoother(share)(rows).astype("float32")
"""


@pytest.mark.parametrize(
    "body",
    [
        "return ((1 - share) * rows + share / rows.shape[1]).astype(np.float32)",
        "return np.array([[(1 - share) * t + share / len(r) for t in r] for r in rows], 'float32')",
        "return tf.cast(rows, 'float32') * (1 - share) + share / rows.shape[1]",
        "return np.float32(rows + share * (rows.mean(axis=1, keepdims=True) - rows))",
        VERBOSE_SMOOTH,
        CLASS_SMOOTH,
    ],
    ids=range(6),
)
def test_rows_smoothed_another_way_pass(res, body):
    code = body if "def " in body else SMOOTH.format(body)
    assert_right(judged(res, "res-smooth", code))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return np.float32((1 - share) * rows)", "share=0.2"),
        ("return np.float32((1 - share) * rows + share)", "share=0.2"),
        ("return np.float32((1 - share) * rows + share / (rows.shape[1] - 1))", "share=0.2"),
        ("return np.float32((1 - share) * rows + share / len(rows))", "classes that are one-hot"),
        ("return np.float32(rows + share / rows.shape[1])", "share=0.2"),
        ("return np.float32(share * rows + (1 - share) / rows.shape[1])", "share=0.2"),
        ("return np.float32(0.8 * rows + 0.2 / rows.shape[1])", "four classes"),
        ("return np.float32((1 - share) * rows + share / 10)", "share=0.2"),
        ("return (1 - share) * np.float64(rows) + share / rows.shape[1]", "float64"),
        (
            "e = share / rows.shape[1]; return np.float32(np.where(rows > 0, 1 - share + e, e))",
            "classes that are not one-hot",
        ),
        ("e = share / 2; return np.float32(np.clip(rows, e, 1 - e))", "four classes"),
        (
            "rows *= 1 - share; rows += share / rows.shape[1]; return np.float32(rows)",
            "changes its",
        ),
        ("np.float32((1 - share) * rows + share / rows.shape[1])", "None"),
        ("return np.float32((1 - share) * rows[0] + share / rows.shape[1])", "shape"),
    ],
)
def test_rows_smoothed_wrongly_are_named(res, body, words):
    exercise.assert_is_named(res, "res-smooth", SMOOTH.format(body), words)


def test_another_usual_share_is_found(res):
    code = SMOOTH.format("return np.float32((1 - share) * rows + share / rows.shape[1])")
    assert_wrong(judged(res, "res-smooth", code.replace("=0.1", "=0.2")), "four classes")


# ------------------------------------------------------------------ res-mixup

MIXUP = """
def mixup(x, rows, partners, shares):
    a = np.asarray(shares, "float32").reshape(-1, 1)
    b = a.reshape(-1, 1, 1, 1)
    mixed_x = b * x + (1 - b) * x[partners]
    mixed_rows = a * rows + (1 - a) * rows[partners]
    return mixed_x, mixed_rows
"""
MIXUP_BY_LOOP = """
def mixup(x, rows, partners, shares):
    new_x, new_rows = np.zeros_like(x), np.zeros_like(rows)
    for i, j in enumerate(partners):
        new_x[i] = shares[i] * x[i] + (1 - shares[i]) * x[j]
        new_rows[i] = shares[i] * rows[i] + (1 - shares[i]) * rows[j]
    return new_x, new_rows
"""
MIXUP_BY_TENSORS = """
def mixup(x, rows, partners, shares):
    def mix(array):
        array = tf.convert_to_tensor(array)
        own = tf.reshape(tf.cast(shares, tf.float32), [-1] + [1] * (len(array.shape) - 1))
        return own * array + (1.0 - own) * tf.gather(array, partners)
    return mix(x), mix(rows)
"""
MIXUP_BY_EINSUM = """
def mixup(x, rows, partners, shares):
    matrix = np.diag(shares)
    np.add.at(matrix, (np.arange(len(x)), partners), 1 - np.asarray(shares))
    matrix = matrix.astype("float32")
    return [np.einsum("ij,j...->i...", matrix, part) for part in (x, rows)]
"""
MIXUP_AS_A_CLASS = """
class Mixer:
    def __init__(self, partners, shares):
        self.partners, self.shares = partners, np.float64(shares)
    def __call__(self, array):
        flat = array.reshape(len(array), -1)
        own = self.shares[:, np.newaxis]
        mixed = flat[self.partners] + own * (flat - flat[self.partners])
        return mixed.reshape(array.shape).astype(np.float32)

def mixup(x, rows, partners, shares):
    mixer = Mixer(partners, shares)
    return mixer(x), mixer(rows)
"""
VERBOSE_MIXUP = """
def mixup(
    x: np.ndarray, rows: np.ndarray, partners: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    assert len(x) == len(rows) == len(partners) == len(shares), "lengths differ"
    image_weights = np.expand_dims(np.array(shares, dtype=np.float32), axis=(1, 2, 3))
    label_weights = np.expand_dims(np.array(shares, dtype=np.float32), axis=1)
    partner_images = np.take(x, partners, axis=0)
    partner_rows = np.take(rows, partners, axis=0)
    mixed_images = np.add(image_weights * x, (1.0 - image_weights) * partner_images)
    mixed_rows = np.add(label_weights * rows, (1.0 - label_weights) * partner_rows)
    print(f"mixed {len(mixed_images)} images")
    return mixed_images.astype(np.float32), mixed_rows.astype(np.float32)
"""


@pytest.mark.parametrize(
    "code",
    [MIXUP, MIXUP_BY_LOOP, MIXUP_BY_TENSORS, MIXUP_BY_EINSUM, MIXUP_AS_A_CLASS, VERBOSE_MIXUP],
    ids=range(6),
)
def test_images_mixed_another_way_pass(res, code):
    assert_right(judged(res, "res-mixup", code))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("b * x + (1 - b) * x[partners]", "(1 - b) * x + b * x[partners]", "first image"),
        (
            "a * rows + (1 - a) * rows[partners]",
            "(1 - a) * rows + a * rows[partners]",
            "mixed rows",
        ),
        ("a * rows + (1 - a) * rows[partners]", "rows", "mixed rows"),
        ("b * x + (1 - b) * x[partners]", "x", "three quarters"),
        ("x[partners]", "x[::-1]", "mixed images"),
        (
            "mixed_x = b * x + (1 - b) * x[partners]",
            "mixed_x = x.copy()\n    for i, j in enumerate(partners):\n"
            "        mixed_x[i] = b[i] * mixed_x[i] + (1 - b[i]) * mixed_x[j]",
            "mixed before",
        ),
        ("rows[partners]", "rows[::-1]", "mixed rows"),
        ("(1 - b) * x[partners]", "x[partners]", "first image"),
        ("(1 - a) *", "a *", "mixed rows"),
        ('"float32").reshape(-1, 1)', '"float64").reshape(-1, 1)', "float64"),
        ("a.reshape(-1, 1, 1, 1)", "a[0].reshape(1, 1, 1, 1)", "three quarters"),
        ("a.reshape(-1, 1, 1, 1)", "a.mean()", "first image"),
        ("a.reshape(-1, 1, 1, 1)", "a.reshape(-1)[:, None, None]", ""),
        ("return mixed_x, mixed_rows", "return mixed_x", "two arrays"),
        ("return mixed_x, mixed_rows", "return mixed_rows, mixed_x", ""),
        ("return mixed_x, mixed_rows", "pass", "two arrays"),
        ("mixed_x = b * x", "x *= b\n    mixed_x = x", ""),
        ("mixed_rows = a", "mixed_rows = np.round(a)", "mixed rows"),
    ],
)
def test_images_mixed_wrongly_are_named(res, old, new, words):
    code = exercise.changed(MIXUP, (old, new))
    exercise.assert_is_named(res, "res-mixup", code, words)


# ------------------------------------------------------------------ res-cam

CAM = """
def grad_cam(features, gradients):
    weights = gradients.mean(axis=(1, 2))[:, None, None, :]
    maps = (weights * features).sum(axis=3)
    maps = np.maximum(maps, 0)
    top = maps.max(axis=(1, 2))[:, None, None]
    return maps / np.where(top > 0, top, 1)
"""
CAM_BY_EINSUM = """
def grad_cam(features, gradients):
    maps = np.einsum("nhwc,nc->nhw", features, np.mean(gradients, axis=(1, 2))).clip(0)
    top = maps.reshape(len(maps), -1).max(1).reshape(-1, 1, 1)
    return np.divide(maps, top, out=np.zeros_like(maps), where=top != 0)
"""
CAM_BY_LOOP = """
def grad_cam(features, gradients):
    result = []
    for image, slopes in zip(features, gradients):
        made = np.zeros(image.shape[:2])
        for c in range(image.shape[2]):
            made += slopes[:, :, c].mean() * image[:, :, c]
        made[made < 0] = 0
        result.append(made / made.max() if made.any() else made)
    return result
"""
CAM_BY_TENSORS = """
def grad_cam(features, gradients):
    weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
    maps = tf.nn.relu(tf.reduce_sum(weights * features, axis=-1))
    return tf.math.divide_no_nan(maps, tf.reduce_max(maps, axis=(1, 2), keepdims=True))
"""
CAM_AS_A_CLASS = """
class Maps:
    def __init__(self, features, gradients):
        self.sums = np.matmul(features, gradients.mean((1, 2))[:, None, :, None])[..., 0]
    def scaled(self):
        sums = np.where(self.sums > 0, self.sums, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.nan_to_num(sums / sums.max((1, 2), keepdims=True))

def grad_cam(features, gradients):
    return Maps(features, gradients).scaled()
"""
VERBOSE_CAM = """
def grad_cam(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    assert features.shape == gradients.shape, "features and gradients differ in shape"
    number_of_images, height, width, channels = features.shape
    flat = np.reshape(gradients, (number_of_images, height * width, channels))
    importance = np.mean(flat, axis=1)
    heatmaps = np.zeros((number_of_images, height, width), dtype=np.float32)
    for index in range(number_of_images):
        heatmap = features[index] @ importance[index]
        heatmap = np.maximum(heatmap, 0.0)
        maximum = float(np.max(heatmap))
        if maximum > 0.0:
            heatmap = heatmap / maximum
        print(f"image {index}: largest value {maximum:.3f}")
        heatmaps[index] = heatmap
    return heatmaps
"""


@pytest.mark.parametrize(
    "code",
    [CAM, CAM_BY_EINSUM, CAM_BY_LOOP, CAM_BY_TENSORS, CAM_AS_A_CLASS, VERBOSE_CAM],
    ids=range(6),
)
def test_maps_found_another_way_pass(res, code):
    assert_right(judged(res, "res-cam", code))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    maps = np.maximum(maps, 0)\n", "", "negative"),
        ("np.maximum(maps, 0)", "abs(maps)", "negative"),
        ("(weights * features)", "(gradients * features)", "whose mean is 2"),
        ("(weights * features)", "features", ""),
        (
            "(weights * features)",
            "(np.maximum(weights, 0) * features)",
            "negative weights are lost",
        ),
        ("(weights * features)", "np.maximum(weights * features, 0)", "negative weights are lost"),
        (
            "    maps = np.maximum(maps, 0)\n",
            "    maps = np.where(maps.max(axis=(1, 2), keepdims=True) > 0, maps, 0)\n",
            "negative values",
        ),
        ("(weights * features)", "(weights * gradients)", ""),
        ("gradients.mean(axis=(1, 2))", "features.mean(axis=(1, 2))", ""),
        ("gradients.mean(axis=(1, 2))", "gradients.max(axis=(1, 2))", ""),
        ("gradients.mean(axis=(1, 2))[:, None, None, :]", "gradients.mean(axis=3)[..., None]", ""),
        ("gradients.mean(axis=(1, 2))[:, None, None, :]", "gradients.mean(axis=(0, 1, 2))", ""),
        ("sum(axis=3)", "sum(axis=1)", "shape"),
        ("maps.max(axis=(1, 2))[:, None, None]", "maps.max()", "by its own largest value"),
        (
            "maps.max(axis=(1, 2))[:, None, None]",
            "maps.sum(axis=(1, 2))[:, None, None]",
            "gradients of 3",
        ),
        ("np.where(top > 0, top, 1)", "top", ""),
        ("np.where(top > 0, top, 1)", "(top + 1e-3)", ""),
        ("np.where(top > 0, top, 1)", "np.maximum(top, 1e-3)", "small features"),
        ("np.where(top > 0, top, 1)", "1", "gradients of 3"),
        ("return maps / np", "maps / np", "None"),
        (
            "(weights * features)",
            "np.multiply(weights, features, out=features)",
            "changes its argument",
        ),
    ],
)
def test_other_maps_are_named(res, old, new, words):
    code = exercise.changed(CAM, (old, new))
    exercise.assert_is_named(res, "res-cam", code, words)


# ------------------------------------------------------------------ res-nearest

NEAREST = """
def nearest(test, train, block=500):
    test = test / np.linalg.norm(test, axis=1, keepdims=True)
    train = train / np.linalg.norm(train, axis=1, keepdims=True)
    places = np.zeros(len(test), int)
    distances = np.zeros(len(test))
    for at in range(0, len(test), block):
        near = 1 - test[at : at + block] @ train.T
        places[at : at + block] = near.argmin(axis=1)
        distances[at : at + block] = near.min(axis=1)
    return places, distances
"""
NEAREST_BY_SCIPY = """
from scipy.spatial.distance import cdist

def nearest(test, train, block=500):
    parts = np.split(test, range(block, len(test), block))
    found = (cdist(part, train, "cosine") for part in parts)
    pairs = [(d.argmin(1), d.min(1)) for d in found]
    return tuple(np.concatenate(one) for one in zip(*pairs))
"""
NEAREST_BY_ROWS = """
def nearest(test, train, block=500):
    lengths = np.sqrt((train**2).sum(axis=1))
    places, distances = [], []
    for row in test:
        cosines = train @ row / (lengths * np.sqrt(row @ row))
        place = int(np.argmax(cosines))
        places.append(place)
        distances.append(float(1 - cosines[place]))
    return places, distances
"""
NEAREST_BY_TENSORS = """
def nearest(test, train, block=500):
    rows = tf.math.l2_normalize(tf.cast(train, tf.float64), axis=1)
    found = []
    for at in range(0, len(test), block):
        some = tf.math.l2_normalize(tf.cast(test[at : at + block], tf.float64), axis=1)
        cosines = tf.matmul(some, rows, transpose_b=True)
        found.append((tf.argmax(cosines, axis=1), 1 - tf.reduce_max(cosines, axis=1)))
    return tf.concat([a for a, _ in found], 0), tf.concat([b for _, b in found], 0)
"""
NEAREST_BY_LIBRARY = """
from sklearn.neighbors import NearestNeighbors

class Finder:
    def __init__(self, train):
        self.index = NearestNeighbors(n_neighbors=1, metric="cosine", algorithm="brute").fit(train)
    def find(self, rows):
        distances, places = self.index.kneighbors(rows)
        return np.stack([places[:, 0], distances[:, 0]])

def nearest(test, train, block=500):
    finder = Finder(train)
    places, distances = np.concatenate(
        [finder.find(test[at : at + block]) for at in range(0, len(test), block)], axis=1
    )
    return places.astype(int), distances
"""
VERBOSE_NEAREST = """
def nearest(test: np.ndarray, train: np.ndarray, block: int = 500) -> tuple[np.ndarray, np.ndarray]:
    assert test.shape[1] == train.shape[1], "the rows have different lengths"
    def normalize(rows: np.ndarray) -> np.ndarray:
        return rows / np.sqrt(np.sum(rows**2, axis=1))[:, np.newaxis]
    normalized_train = normalize(train)
    number_of_blocks = int(np.ceil(len(test) / block))
    all_places: list[np.ndarray] = []
    all_distances: list[np.ndarray] = []
    for number in range(number_of_blocks):
        rows = normalize(test[number * block : (number + 1) * block])
        similarity = np.dot(rows, normalized_train.T)
        best = np.argmax(similarity, axis=1)
        all_places.append(best)
        all_distances.append(1.0 - similarity[np.arange(len(rows)), best])
        print(f"block {number + 1} of {number_of_blocks}")
    return np.hstack(all_places), np.hstack(all_distances)
"""


@pytest.mark.parametrize(
    "code",
    [
        NEAREST,
        NEAREST_BY_SCIPY,
        NEAREST_BY_ROWS,
        NEAREST_BY_TENSORS,
        NEAREST_BY_LIBRARY,
        VERBOSE_NEAREST,
    ],
    ids=range(6),
)
def test_neighbors_found_another_way_pass(res, code):
    assert_right(judged(res, "res-nearest", code))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    train = train / np.linalg.norm(train, axis=1, keepdims=True)\n", "", "one row"),
        ("    test = test / np.linalg.norm(test, axis=1, keepdims=True)\n", "", "one row"),
        ("norm(train, axis=1, keepdims=True)", "norm(train)", "one row"),
        ("norm(test, axis=1, keepdims=True)", "norm(test)", ""),
        ("norm(train, axis=1", "norm(train, axis=0", "one row"),
        ("norm(train, axis=1, keepdims=True)", "norm(train, 1, axis=1, keepdims=True)", "one row"),
        ("1 - test[at", "test[at", "one row"),
        ("argmin", "argmax", "positions"),
        ("near.min(", "near.max(", ""),
        ("near.argmin(axis=1)", "near.argmin(axis=0)", ""),
        ("range(0, len(test), block)", "range(0, len(test) - block, block)", "positions"),
        ("range(0, len(test), block)", "range(0, len(test), 500)", ""),
        ("range(0, len(test), block):", "[0]:\n        block = len(test)", "MB for 1,203 rows"),
        ("= near.argmin(axis=1)", "= near.argmin(axis=1) + at", ""),
        ("return places, distances", "return distances, places", "one row"),
        ("return places, distances", "return places", "two arrays"),
        ("return places, distances", "pass", "two arrays"),
        (
            "1 - test[at : at + block] @ train.T",
            "((test[at : at + block, None] - train) ** 2).sum(-1)",
            "one row",
        ),
        (
            "1 - test[at : at + block] @ train.T",
            "np.arccos(np.clip(test[at : at + block] @ train.T, -1, 1))",
            "one row",
        ),
        ("    test = test / np", "    test /= np", "changes its argument"),
        ("np.zeros(len(test), int)", "np.zeros(len(test), 'int8')", "positions"),
        ("np.zeros(len(test), int)", "np.zeros(len(test))", "no integers"),
    ],
)
def test_other_neighbors_are_named(res, old, new, words):
    code = exercise.changed(NEAREST, (old, new))
    exercise.assert_is_named(res, "res-nearest", code, words)


# ------------------------------------------------------------------ res-contest


@pytest.fixture(scope="module")
def images():
    """What the notebook's plain cells make, on few images."""
    few = data.load("cifar10", train=200, test=100).scaled()
    y = few.y_train[:, 0]
    names = {"x_train": few.x_train[:150], "x_val": few.x_train[150:]}
    return names | {"y_train": y[:150], "y_val": y[150:]}


@pytest.fixture
def threshold(monkeypatch):
    def set_to(value):
        monkeypatch.setattr("autograder.submission.threshold", {"res-contest": value}.__getitem__)

    set_to(0.0)
    return set_to


def contest(res, images, make, **names):
    given = images | {"build_contest": make, "contest": make()} | names
    return res.run("res-contest", res.namespace(**given))


def small_net(units=10, end="softmax", shape=(32, 32, 3), filters=8):
    layers = [L.Input(shape), L.Conv2D(filters, 3, strides=2), L.GlobalAveragePooling2D()]
    return keras.Sequential([*layers, L.Dense(units, activation=end)])


def compiled():
    net = small_net()
    net.compile("adam", "sparse_categorical_crossentropy")
    return net


def separable():
    inputs = keras.Input((32, 32, 3))
    x = L.SeparableConv2D(32, 3, strides=2, activation="gelu")(L.RandomFlip("horizontal")(inputs))
    x = L.LayerNormalization()(L.Add()([x, L.Conv2D(32, 1)(x)]))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(L.GlobalAveragePooling2D()(x)))


def dense():
    layers = [L.Input((32, 32, 3)), L.Rescaling(2.0, -1.0), L.Flatten(), L.Dense(3_000, "relu")]
    return keras.Sequential([*layers, L.Dense(10, "softmax")])


def grouped():
    inputs = keras.Input((32, 32, 3))
    x = keras.ops.average_pool(L.Conv2D(16, 5, groups=1)(inputs), 2)
    x = keras.ops.relu(L.GroupNormalization(4)(x))
    x = keras.ops.concatenate([x, keras.ops.square(x)], axis=-1)
    x = keras.ops.reshape(L.MaxPooling2D(7)(x), (-1, 128))
    return keras.Model(
        inputs, keras.ops.softmax(keras.ops.matmul(x, np.ones((128, 10), "float32")))
    )


def nested():
    base = keras.Sequential([L.Conv2D(8, 3, strides=2), L.ReLU(), L.Conv2D(8, 3)])
    return keras.Sequential([L.Input((32, 32, 3)), base, L.Flatten(), L.Dense(10), L.Softmax()])


@pytest.mark.parametrize("make", [small_net, separable, dense, own_class, grouped, nested])
def test_a_network_of_any_kind_may_take_part(res, images, threshold, make):
    assert_right(contest(res, images, make))


@pytest.mark.parametrize(
    ("make", "names", "words"),
    [
        (lambda: small_net(filters=2_000), {}, "the budget is 10,000,000"),
        (lambda: small_net(units=9), {}, "shape (50, 9)"),
        (lambda: small_net(end=None), {}, "probabilities"),
        (lambda: small_net(end="sigmoid"), {}, "probabilities"),
        (lambda: small_net(shape=(None, None, 3)), {}, "one input of known size"),
        (lambda: None, {}, "returns None"),
        (small_net, {"contest": "a network"}, "not a keras.Model"),
        (small_net, {"entry": {"name": "x"}}, "list of the entry's keys"),
        (small_net, {"entry": None}, "not a dictionary"),
        (small_net, {"entry": {"name": 3, "idea": "x"}}, "two strings"),
        (small_net, {"entry": {"name": "x", "idea": None}}, "two strings"),
        (
            small_net,
            {"build_contest": lambda: small_net(filters=2_000)},
            "What build_contest returns",
        ),
        (small_net, {"build_contest": lambda: None}, "None"),
        (small_net, {"build_contest": compiled}, "compiles the network"),
        (small_net, {"entry": {"name": "...", "idea": "..."}}, "lacks a name or an idea"),
        (small_net, {"entry": {"name": "x", "idea": " "}}, "lacks a name or an idea"),
    ],
)
def test_work_outside_the_rules_is_named(res, images, threshold, make, names, words):
    result = contest(res, images, make, **names)
    assert result.status in (checks.WRONG, checks.ERROR), result
    assert words.lower() in result.message.lower(), result


def test_a_builder_that_returns_contest_again_is_named(res, images, threshold):
    kept = small_net()
    assert_wrong(contest(res, images, lambda: kept), "the same network each time", False)


class Hidden(keras.Model):
    """A network that says it does less than it does."""

    def __init__(self):
        super().__init__()
        self.conv, self.end = L.Conv2D(2_000, 3, strides=2), L.Dense(10, activation="softmax")

    def call(self, x):
        if getattr(x, "shape", (0,))[0] == 1:  # one image, as if it were counted
            return self.end(keras.ops.zeros((1, 2_000)))
        return self.end(keras.ops.mean(self.conv(x), axis=(1, 2)))


def test_a_network_that_hides_multiplications_is_found(res, images, threshold):
    def make():
        net = Hidden()
        net(np.zeros((2, 32, 32, 3)))
        return net

    result = contest(res, images, make)
    assert result.status in (checks.WRONG, checks.ERROR), result


def test_below_the_threshold_there_are_words_and_no_point(res, images, threshold):
    threshold(0.99)
    assert_wrong(contest(res, images, small_net), "the point needs 99%", True)


def test_the_leaderboard_is_told_what_the_judge_measured(res, images, threshold):
    result = contest(res, images, small_net, entry={"name": "x", "idea": "y"})
    assert_right(result)
    told = result.notes
    assert (told["name"], told["idea"]) == ("x", "y")
    assert 0 <= told["accuracy"] <= 1 and told["parameters"] == 314
    assert 48_600 <= told["multiplications"] < 50_000
