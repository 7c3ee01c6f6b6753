"""A network is what it computes: all forms of one network get the same verdicts."""

import keras
import networks
import numpy as np
import pytest
from networks import SHAPE, WANT, WEIGHTS

from convcourse import architecture, checks, training
from convcourse.checkpoints import fingerprint
from convcourse.wire import export, models

pytestmark = [
    pytest.mark.filterwarnings("ignore:.build.* was called on layer"),
]
L, ops = keras.layers, keras.ops
X = np.random.default_rng(0).random((5, *SHAPE), dtype="float32")


def crossed(model, shape=SHAPE):
    plain = models.model_to_plain(model, shape)
    return models.model_from_plain(*export.loads(export.dumps(*plain)))


@pytest.mark.parametrize("form", networks.FORMS)
def test_every_form_is_the_same_network_here_and_after_it_has_crossed(form):
    model = form()
    checks.architecture(model, WANT, input_shape=SHAPE)
    checks.parameters(model, WEIGHTS, WEIGHTS)
    back = crossed(model)
    checks.architecture(back, WANT)
    checks.parameters(back, WEIGHTS, WEIGHTS)
    assert back.count_params() == WEIGHTS
    assert back.input_shape == (None, *SHAPE) and back.output_shape == (None, 10)
    np.testing.assert_allclose(
        back.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("form", networks.FORMS)
def test_no_form_passes_as_another_network(form):
    model = form()
    for right, wrong in {
        "conv 3x3x4 relu": "conv 3x3x4 tanh",
        "pool 2, dropout": "pool 3, dropout",
        "dropout 0.5": "dropout 0.4",
        "softmax": "sigmoid",
        "dropout 0.5, flatten, ": "flatten, dropout 0.5, dense 24 relu, ",
    }.items():
        assert right in WANT
        with pytest.raises(checks.Wrong):
            checks.architecture(model, WANT.replace(right, wrong), input_shape=SHAPE)


def test_a_wrong_size_before_a_piece_by_hand_is_named():
    with pytest.raises(checks.Wrong, match="first convolution has filters 4; expected 5"):
        checks.architecture(networks.ByHand(), WANT.replace("3x3x4", "3x3x5"), input_shape=SHAPE)


@pytest.mark.parametrize("hidden", [lambda x: x, lambda x: -ops.relu(x), ops.tanh])
def test_a_function_is_what_it_computes_whatever_its_name(hidden):
    def relu(x):
        return hidden(x)

    inputs = keras.Input((4,))
    for model in (
        keras.Sequential([inputs, L.Dense(3, activation=relu)]),
        keras.Sequential([inputs, L.Dense(3), L.Activation(relu)]),
    ):
        with pytest.raises(checks.Wrong):
            checks.architecture(model, "dense 3 relu")
        x = np.ones((2, 4), np.float32)
        np.testing.assert_allclose(crossed(model)(x), model(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "form", [networks.Subclassed, networks.ByHand, networks.own_layers_and_lambdas]
)
def test_every_form_trains_and_is_restored(form, tmp_path, capsys):
    y = np.arange(5) % 10
    trained = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        model = form()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = training.fit(model, "net", X, y, folder=str(tmp_path), epochs=1, batch_size=5)
        trained.append((history.history, model.predict(X, verbose=0)))
    assert "Loaded" in capsys.readouterr().out
    assert trained[0][0] == trained[1][0]
    np.testing.assert_allclose(trained[0][1], trained[1][1], rtol=1e-6)


def test_a_fingerprint_changes_with_what_a_class_computes():
    class Other(networks.Subclassed):
        def call(self, x):
            return self.dense(self.flat(self.pool(self.second(self.pool(self.first(x))))))

    def digest(model):
        model.compile("adam", "mse")
        return fingerprint(model, X, X, {})["architecture"]

    assert digest(networks.Subclassed()) == digest(networks.Subclassed())
    assert digest(networks.Subclassed()) != digest(Other())


def test_a_network_of_any_form_can_be_asked_to_memorize(tmp_path):
    model = networks.ByHand()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    reached = training.overfits(model, X, np.arange(5), epochs=1, folder=str(tmp_path))
    assert 0 <= reached <= 1


def test_a_distance_by_operations_comes_back():
    a, b = keras.Input((4,)), keras.Input((4,))
    tower = keras.Sequential([L.Input((4,)), L.Dense(3)])
    distance = ops.sum((tower(a) - tower(b)) ** 2, axis=1, keepdims=True)
    network = keras.Model([a, b], distance)
    back = crossed(network)
    x = [np.ones((3, 4), np.float32), np.zeros((3, 4), np.float32)]
    assert len(back.inputs) == 2 and back.count_params() == 15
    np.testing.assert_allclose(back.predict(x, verbose=0), network.predict(x, verbose=0), rtol=1e-5)


def test_an_own_layer_that_is_called_twice_is_one_layer():
    class Tower(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = networks.Product()

        def call(self, pair):
            return ops.sum(self.dense(pair[0]) * self.dense(pair[1]), axis=1)

    network = Tower()
    back = crossed(network, [(4,), (4,)])
    x = [np.ones((3, 4), np.float32), np.full((3, 4), 2, np.float32)]
    assert back.count_params() == 50
    np.testing.assert_allclose(back(x), network(x), rtol=1e-5)


def test_a_weight_that_a_layer_and_an_operation_use_counts_once():
    class Tied(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = L.Dense(3)

        def call(self, x):
            return ops.matmul(self.dense(x), ops.transpose(self.dense.kernel))

    network = Tied()
    back = crossed(network, (4,))
    assert back.count_params() == 15
    x = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(back(x), network(x), rtol=1e-5)


@pytest.mark.parametrize(
    ("penalty", "factors"),
    [
        (lambda w: 0.003 * ops.sum(w**2), (0, 0.003)),
        (lambda w: 0.02 * ops.sum(ops.abs(w)), (0.02, 0)),
        (lambda w: 0.5 * ops.sum(w**2) + ops.sum(ops.abs(w)), (1, 0.5)),
        (lambda w: 0.0 * ops.sum(w), (0, 0)),
    ],
)
def test_a_penalty_of_ones_own_crosses_as_what_it_computes(penalty, factors):
    net = keras.Sequential([keras.Input((40,)), L.Dense(30, kernel_regularizer=penalty)])
    crossing = crossed(net, (40,)).layers[-1].kernel_regularizer
    assert (crossing.l1, crossing.l2) == pytest.approx(factors, abs=1e-7)


def test_a_penalty_that_is_neither_l1_nor_l2_does_not_cross():
    for penalty in (lambda w: ops.max(w), lambda w: 1 / 0):
        net = keras.Sequential([keras.Input((4,)), keras.layers.Identity()])
        layer = L.Dense(3)
        net.add(layer)
        layer.kernel.regularizer = penalty
        layer.kernel_regularizer = penalty
        assert crossed(net, (4,)).layers[-1].kernel_regularizer is None


def test_penalties_names_and_frozen_weights_cross():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.body = L.Dense(5, name="body", kernel_regularizer=keras.regularizers.L2(0.01))
            self.head = Head()
            self.body.trainable = False

        def call(self, x):
            return self.head(ops.relu(self.body(x)))

    class Head(L.Layer):
        def build(self, shape):
            penalty = keras.regularizers.L2(0.5)
            self.w = self.add_weight(shape=(shape[-1], 2), regularizer=penalty)

        def call(self, x):
            return x @ self.w

    back = crossed(Net(), (4,))
    assert abs(back.get_layer("body").kernel_regularizer.l2 - 0.01) < 1e-6
    dense = [layer for layer in back.layers if type(layer).__name__ == "Dense"]
    assert abs(dense[-1].kernel_regularizer.l2 - 0.5) < 1e-6
    checks.parameters(back, total=35, trainable=10)


def test_weights_that_the_output_does_not_depend_on_count_as_in_keras():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.used, self.spare = L.Dense(2), L.Dense(7)

        def call(self, x):
            self.spare(x)
            return self.used(x)

    network = Net()
    back = crossed(network, (4,))
    assert back.count_params() == network.count_params() == 45


def test_batch_normalization_keeps_its_statistics():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.norm = L.BatchNormalization()

        def call(self, x, training=False):
            return ops.relu(self.norm(x, training=training))

    network = Net()
    network(X, training=True)
    back = crossed(network)
    checks.architecture(back, "bn relu")
    checks.parameters(back, total=12, trainable=6)
    np.testing.assert_allclose(back(X), network(X), rtol=1e-4, atol=1e-6)


def test_a_class_that_is_not_built_asks_for_its_input_but_tells_how_it_was_compiled():
    network = networks.Subclassed()
    network.compile("adam", "mse")
    with pytest.raises(checks.Wrong, match=r"keras\.layers\.Input"):
        architecture.describe(network)
    with pytest.raises(checks.Wrong, match=r"keras\.layers\.Input"):
        checks.parameters(network, total=1)
    tree, arrays = models.model_to_plain(network)
    assert tree["compiled"]["loss"] == "mean_squared_error"
    with pytest.raises(export.ExportError, match=r"keras\.layers\.Input"):
        models.model_from_plain(tree, arrays)


def test_reading_a_network_leaves_keras_as_it_was():
    before = L.Layer.__call__
    network = networks.Subclassed()
    weights = [w.copy() for w in crossed(network).get_weights()]
    assert L.Layer.__call__ is before
    with pytest.raises(export.ExportError):
        crossed(network, (1, 1, 1))
    assert L.Layer.__call__ is before
    for mine, theirs in zip(network.get_weights(), weights, strict=True):
        assert np.array_equal(mine, theirs)
