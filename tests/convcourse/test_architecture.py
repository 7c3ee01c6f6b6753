"""One network in several forms is the same; each plausible mistake is named."""

import keras
import pytest

from convcourse import architecture, checks
from convcourse.wire import models

pytestmark = pytest.mark.unit

WANT = "conv 3x3x8 relu, pool 2, conv 3x3x16 relu, flatten, dense 10 softmax"
L = keras.layers


def small(
    *, filters=8, kernel=3, strides=None, last="softmax", hidden="relu", padding="valid", **more
):
    return keras.Sequential(
        [
            L.Input((32, 32, 3)),
            L.Conv2D(filters, kernel, activation=hidden, padding=padding, **more),
            L.MaxPooling2D(2, strides=strides),
            L.Conv2D(16, 3, activation="relu"),
            L.Flatten(),
            L.Dense(10, activation=last),
        ]
    )


def functional():
    inputs = keras.Input((32, 32, 3), name="pixels")
    x = L.ReLU()(L.Conv2D(8, (3, 3), name="eyes")(inputs))
    x = L.Activation("relu")(L.Conv2D(16, 3)(L.MaxPool2D((2, 2))(x)))
    return keras.Model(inputs, L.Softmax()(L.Dense(10)(L.Reshape((-1,))(x))))


@pytest.mark.parametrize("build", [small, functional])
def test_right_networks_in_different_forms_pass(build):
    architecture.compare(build(), WANT)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"filters": 32}, "first convolution has filters 32; expected 8"),
        ({"kernel": 5}, "first convolution has kernel_size 5; expected 3"),
        ({"strides": 1}, "first pooling has strides 1; expected 2"),
        ({"last": "relu"}, "first dense layer has activation relu; expected softmax"),
        ({"last": None}, "no activation"),
        ({"hidden": None}, "first convolution has activation linear"),
        ({"padding": "same"}, "padding same; expected valid"),
        ({"dilation_rate": 2}, "first convolution has dilation_rate 2; expected 1"),
    ],
)
def test_wrong_networks_fail_with_words_that_name_the_mistake(settings, words):
    with pytest.raises(checks.Wrong, match=words):
        architecture.compare(small(**settings), WANT)


def padded(side, extra=()):
    inputs, pool = L.Input((side, side, 3)), L.MaxPooling2D(2, padding="same")
    return keras.Sequential([inputs, L.Conv2D(4, 3), pool, *extra, L.Flatten(), L.Dense(3)])


def by_hand(side):
    inputs = keras.Input((side, side, 3))
    x = L.AveragePooling2D(2, padding="same")(inputs)
    return keras.Model(inputs, L.Dense(3)(keras.ops.reshape(x, (-1, x.shape[1] * x.shape[2] * 3))))


def test_a_padding_of_poolings_that_adds_nothing_is_no_difference():
    architecture.compare(padded(8), "conv 3x3x4, pool 2, flatten, dense 3")
    architecture.compare(by_hand(8), "avgpool 2, flatten, dense 3")


@pytest.mark.parametrize(
    ("network", "want", "words"),
    [
        (lambda: padded(9), "conv 3x3x4, pool 2, flatten, dense 3", "padding same; expected"),
        (lambda: by_hand(9), "avgpool 2, flatten, dense 3", "padding same; expected"),
        (lambda: padded(8, [L.GaussianNoise(1)]), "conv 3x3x4, pool 2, flatten, dense 3", "Noise"),
        (lambda: padded(8), "conv 3x3x4, pool 2, flatten, dense 3 relu", "padding|activation"),
    ],
)
def test_a_padding_of_poolings_excuses_nothing_else(network, want, words):
    with pytest.raises(checks.Wrong, match=words):
        architecture.compare(network(), want)


@pytest.mark.parametrize(("axis", "right"), [(-1, True), (1, True), ([1], True), (0, False)])
def test_unit_normalization_is_of_each_row(axis, right):
    rows = keras.Sequential([L.Input((4,)), L.Dense(3), L.UnitNormalization(axis=axis)])
    if right:
        architecture.compare(rows, "dense 3, unitnorm")
        return
    with pytest.raises(checks.Wrong, match="first unit normalization has axis 0; expected -1"):
        architecture.compare(rows, "dense 3, unitnorm")


@pytest.mark.parametrize("setting", ["max_value", "negative_slope", "threshold"])
@pytest.mark.parametrize("inside", [True, False])
def test_a_relu_with_settings_is_another_activation(setting, inside):
    relu = L.ReLU(**{setting: 0.5})
    layers = [L.Dense(3, activation=relu)] if inside else [L.Dense(3), relu]
    with pytest.raises(checks.Wrong, match=f"has activation relu with {setting}; expected relu"):
        architecture.compare(keras.Sequential([L.Input((4,)), *layers]), "dense 3 relu")


@pytest.mark.parametrize("inside", [True, False])
def test_a_softmax_over_the_batch_is_another_activation(inside):
    softmax = L.Softmax(axis=0)
    layers = [L.Dense(3, activation=softmax)] if inside else [L.Dense(3), softmax]
    with pytest.raises(checks.Wrong, match="softmax over the images of a batch; expected softmax"):
        architecture.compare(keras.Sequential([L.Input((4,)), *layers]), "dense 3 softmax")


@pytest.mark.parametrize("own", ["relu", "softmax"])
def test_an_activation_after_an_activation_is_named_with_its_layer(own):
    twice = [L.Dense(4, "relu"), L.Dense(3, own), L.Softmax()]
    words = f"second dense layer has activation {own}, and the activation softmax follows it: leave"
    with pytest.raises(checks.Wrong, match=words):
        architecture.compare(
            keras.Sequential([L.Input((4,)), *twice]), "dense 4 relu, dense 3 softmax"
        )


def test_the_case_begins_the_message_with_and_without_values():
    with pytest.raises(checks.Wrong, match="For n=4, the first convolution has filters 4; exp"):
        checks.architecture(small(filters=4), WANT, case="For n=4")
    with (
        checks.without_values(),
        pytest.raises(checks.Wrong, match="For n=4, the first convolution has other filters than"),
    ):
        checks.architecture(small(filters=4), WANT, case="For n=4")


def test_a_network_without_its_last_layer_fails():
    shorter = keras.Sequential(small().layers[:-1])
    shorter.build((None, 32, 32, 3))
    with pytest.raises(checks.Wrong, match="no dense layers; expected 1"):
        architecture.compare(shorter, WANT)


def test_an_unbuilt_network_is_told_to_begin_with_an_input():
    with pytest.raises(checks.Wrong, match="Input"):
        architecture.compare(keras.Sequential([L.Dense(3)]), WANT)


def test_parameters_say_which_and_batch_normalization_counts_both():
    model = keras.Sequential([L.Input((4,)), L.BatchNormalization()])
    checks.parameters(model, total=16, trainable=8)
    with pytest.raises(checks.Wrong, match="16 parameters in total; expected 8"):
        checks.parameters(model, total=8)


def test_none_and_strings_are_no_networks():
    for value in (None, "a model"):
        with pytest.raises(checks.Wrong):
            architecture.compare(value, WANT)
        with pytest.raises(checks.Wrong):
            checks.parameters(value, total=8)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ((keras.Sequential([L.Input((4,)), L.Dense(2)]), L.Dense(2)), "a tuple"),
        ([L.Dense(2)], "a list"),
        (3, "an int"),
        (L.Dense(2), "a Dense"),
        (keras.Sequential, "a class"),
    ],
)
def test_what_stands_in_the_place_of_a_network_is_named(value, kind):
    words = f"The result is {kind}; expected a network"
    with pytest.raises(checks.Wrong, match=words):
        architecture.compare(value, WANT)
    with pytest.raises(checks.Wrong, match=words):
        checks.parameters(value, total=8)


def test_an_unknown_word_in_the_text_form_is_refused():
    with pytest.raises(ValueError, match="kernel"):
        architecture.parse("kernel 3")


def test_a_normalization_to_length_1_is_a_layer_like_others():
    net = keras.Sequential([L.Input((3,)), L.Dense(2), L.UnitNormalization()])
    architecture.compare(net, "dense 2, unitnorm")
    bare = keras.Sequential([L.Input((3,)), L.Dense(2)])
    with pytest.raises(checks.Wrong, match="unit normalization"):
        architecture.compare(bare, "dense 2, unitnorm")


@pytest.mark.parametrize(
    "more", [{"kernel_constraint": "non_neg"}, {"activity_regularizer": "l2"}], ids=str
)
def test_a_constraint_and_a_penalty_on_what_a_layer_gives_are_named(more):
    with pytest.raises(checks.Wrong, match=f"sets {next(iter(more))}, which nobody asked for"):
        architecture.compare(small(**more), WANT)


def test_dropout_that_drops_the_same_units_for_all_images_is_named():
    layers = [L.Input((3,)), L.Dense(2), L.Dropout(0.5, noise_shape=(1, None))]
    with pytest.raises(checks.Wrong, match="sets noise_shape, which nobody asked for"):
        architecture.compare(keras.Sequential(layers), "dense 2, dropout 0.5")


def test_an_activation_where_none_is_expected_is_named():
    net = keras.Sequential([L.Input((3,)), L.Dense(2, "relu")])
    words = r"has activation relu; expected linear \(no activation\)"
    with pytest.raises(checks.Wrong, match=words):
        architecture.compare(net, "dense 2")


class Halved(keras.layers.Layer):
    """A convolution of one pixel, as a product of matrices, which takes many operations."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(1, 1, shape[-1], 4))
        self.bias = self.add_weight(shape=(4,))

    def call(self, x):
        part = keras.ops.matmul(x[:, 0:6, 0:6, :], self.kernel[0, 0])
        return keras.ops.relu(0 + part + self.bias)


def test_a_network_that_was_rebuilt_from_its_operations_is_judged_by_these():
    parts = [keras.Input((6, 6, 2)), Halved(), keras.layers.Flatten(), keras.layers.Dense(3)]
    tree, arrays = models.model_to_plain(keras.Sequential(parts))
    rebuilt = models.model_from_plain(tree, arrays)
    checks.architecture(rebuilt, "conv 1x1x4 relu, flatten, dense 3")
    with pytest.raises(checks.Wrong):
        checks.architecture(rebuilt, "conv 1x1x4, flatten, dense 3")


@pytest.mark.parametrize("extra", [L.AlphaDropout, L.GaussianDropout], ids=["alpha", "gaussian"])
def test_each_kind_of_dropout_is_a_layer(extra):
    net = keras.Sequential([L.Input((3,)), L.Dense(2), extra(0.1), L.Dense(2)])
    words = f"has 1 {extra.__name__} layer; expected 0"
    with pytest.raises(checks.Wrong, match=words):
        architecture.compare(net, "dense 2, dense 2")
    tree, arrays = models.model_to_plain(net)
    with pytest.raises(checks.Wrong, match=words):
        architecture.compare(models.model_from_plain(tree, arrays), "dense 2, dense 2")


def test_a_network_with_two_outputs_is_named():
    inputs = keras.Input((3,))
    row = L.Dense(2)(inputs)
    for outputs in ([L.Dense(2)(row), row], [L.Dense(2)(row), keras.ops.relu(row)]):
        with pytest.raises(checks.Wrong, match="has 2 outputs; expected one"):
            architecture.compare(keras.Model(inputs, outputs), "dense 2, dense 2")


def test_flattening_what_is_flat_is_no_layer():
    start = [L.Input((4, 4, 1)), L.Flatten(), L.Flatten(), L.Dense(6, "relu")]
    net = keras.Sequential([*start, L.Reshape((6,)), L.Dense(2), L.Flatten(), L.Softmax()])
    architecture.compare(net, "flatten, dense 6 relu, dense 2 softmax")
    pooled = keras.Sequential([L.Input((4, 4, 1)), L.GlobalAveragePooling2D(), L.Flatten()])
    architecture.compare(pooled, "gap")
    late = keras.Sequential([L.Input((4, 4, 1)), L.Dense(6), L.Flatten()])
    architecture.compare(late, "dense 6, flatten")
