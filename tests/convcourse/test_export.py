"""Only plain data crosses, and models come back as what they are."""

import math

import keras
import numpy as np
import pytest

from convcourse.wire import export, models

pytestmark = pytest.mark.unit

L = keras.layers


def there_and_back(value):
    return export.from_plain(*export.to_plain(value))


def test_plain_values_and_arrays_come_back_equal():
    value = {"a": [1, 2.5, "x", None, True], "b": (1, (2,)), 3: -math.inf}
    assert there_and_back(value) == value
    assert np.array_equal(there_and_back(np.arange(6).reshape(2, 3)), np.arange(6).reshape(2, 3))
    assert math.isnan(there_and_back(float("nan")))


def test_tensors_and_scalars_become_arrays_and_numbers():
    assert there_and_back(np.float32(0.5)) == 0.5
    assert there_and_back(keras.ops.ones((2, 2))).shape == (2, 2)


def test_an_array_of_objects_becomes_a_list():
    mixed = np.empty(2, dtype=object)
    mixed[:] = [np.zeros((2, 3)), np.ones(4)]
    assert [part.shape for part in there_and_back(mixed)] == [(2, 3), (4,)]
    assert there_and_back(np.array([["a", 1], ["b", None]], dtype=object)) == [
        ["a", 1],
        ["b", None],
    ]


def test_an_array_that_holds_itself_is_refused():
    itself = np.empty((), dtype=object)
    itself[()] = itself
    with pytest.raises(export.ExportError):
        export.to_plain(itself)


@pytest.mark.parametrize(
    "value", [object(), lambda: 1, {1, 2}, np.array([object()]), 2**70, {(1,): 2}]
)
def test_what_is_no_plain_data_is_refused(value):
    with pytest.raises(export.ExportError):
        export.to_plain(value)


def test_a_cycle_is_refused():
    cycle: list = []
    cycle.append(cycle)
    with pytest.raises(export.ExportError, match="nested"):
        export.to_plain(cycle)


def test_a_foreign_tree_cannot_reach_outside():
    for tree in ({"array": 5}, {"array": -1}, {"pickle": "x"}, {"float": "1"}, {"dict": [1]}):
        with pytest.raises(export.ExportError):
            export.from_plain(tree, [])


def tiny(**settings):
    model = keras.Sequential(
        [L.Input((4,)), L.Dense(3, activation="relu"), L.Dropout(0.5), L.Dense(2)]
    )
    if settings:
        model.compile(**settings)
    return model


def test_a_model_comes_back_and_predicts_the_same():
    model, x = tiny(), np.random.default_rng(0).random((5, 4), dtype="float32")
    back = models.model_from_plain(*models.model_to_plain(model))
    assert np.allclose(model.predict(x, verbose=0), back.predict(x, verbose=0))


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy(),
        keras.losses.sparse_categorical_crossentropy,
        keras.losses.SparseCategoricalCrossentropy,
        ["sparse_categorical_crossentropy"],
    ],
)
def test_compile_settings_have_one_name_in_every_form(loss):
    settings = models.compile_settings(tiny(optimizer=keras.optimizers.Adam(0.01), loss=loss))
    assert settings["loss"] == "sparse_categorical_crossentropy"
    assert settings["optimizer"] == "adam" and abs(settings["learning_rate"] - 0.01) < 1e-8


def test_a_schedule_has_no_one_learning_rate():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    settings = models.compile_settings(tiny(optimizer=keras.optimizers.Adam(schedule)))
    assert settings["optimizer"] == "adam" and settings["learning_rate"] is None


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [
        (keras.optimizers.Adam(clipnorm=0.001), "adam with clipnorm"),
        (keras.optimizers.Adam(weight_decay=0.1), "adam with weight_decay"),
        (keras.optimizers.Adam(amsgrad=True), "adam with amsgrad"),
        (
            keras.optimizers.Adam(gradient_accumulation_steps=2),
            "adam with gradient_accumulation_steps",
        ),
        (keras.optimizers.AdamW(), "adamw"),
        (keras.optimizers.SGD(momentum=0.9), "sgd"),
    ],
    ids=["clipped", "decays", "largest", "accumulates", "decays by itself", "momentum"],
)
def test_what_an_optimizer_does_besides_is_named(optimizer, name):
    settings = models.compile_settings(tiny(optimizer=optimizer, loss="mse"))
    assert settings["optimizer"] == name


@pytest.mark.parametrize(("share", "suffix"), [(0.0, ""), (0.1, " with label_smoothing=0.1")])
def test_a_loss_that_smooths_the_labels_says_so(share, suffix):
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=share)
    settings = models.compile_settings(tiny(optimizer="adam", loss=loss))
    assert settings["loss"] == "categorical_crossentropy" + suffix


def test_a_loss_that_leaves_a_class_out_says_so():
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=2)
    settings = models.compile_settings(tiny(optimizer="adam", loss=loss))
    assert settings["loss"] == "sparse_categorical_crossentropy with ignore_class=2"


@pytest.mark.parametrize(
    ("reduction", "suffix"), [("sum_over_batch_size", ""), ("sum", " with reduction=sum")]
)
def test_a_loss_that_is_a_sum_says_so(reduction, suffix):
    loss = keras.losses.CategoricalCrossentropy(reduction=reduction)
    settings = models.compile_settings(tiny(optimizer="adam", loss=loss))
    assert settings["loss"] == "categorical_crossentropy" + suffix


@pytest.mark.parametrize(
    ("weights", "suffix"),
    [(None, ""), ([1.0], ""), (["accuracy"], ""), ([0.1], " with loss_weights")],
)
def test_a_loss_with_a_weight_says_so(weights, suffix):
    settings = models.compile_settings(tiny(optimizer="adam", loss="mse", loss_weights=weights))
    assert settings["loss"] == "mean_squared_error" + suffix


def test_weighted_metrics_and_metrics_with_settings_of_their_own_are_told():
    top = keras.metrics.SparseTopKCategoricalAccuracy
    metrics = [keras.metrics.SparseCategoricalAccuracy(name="right"), top(), top(k=1)]
    made = tiny(optimizer="adam", loss="mse", metrics=metrics, weighted_metrics=["acc"])
    usual = ["sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy"]
    assert models.compile_settings(made)["metrics"] == [*usual, models.OWN, "acc"]


def own_loss(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)


own_loss.__name__ = "sparse_categorical_crossentropy"


class OwnLoss(keras.losses.SparseCategoricalCrossentropy):
    def call(self, y_true, y_pred):
        return keras.ops.zeros_like(y_pred)


@pytest.mark.parametrize("loss", [own_loss, lambda y, p: p, OwnLoss()])
def test_a_loss_of_the_students_own_is_called_that_whatever_its_name(loss):
    settings = models.compile_settings(tiny(optimizer="adam", loss=loss, metrics=["acc", own_loss]))
    assert settings["loss"] == models.OWN and settings["metrics"] == ["acc", models.OWN]


def test_a_network_around_a_compiled_one_comes_back():
    inner = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(4)])
    inner.compile("adam", "mse")
    outer = keras.Sequential([keras.layers.Input((3,)), inner, keras.layers.Dense(2)])
    back = models.model_from_plain(*models.model_to_plain(outer))
    x = np.ones((2, 3))
    np.testing.assert_allclose(back.predict(x, verbose=0), outer.predict(x, verbose=0), rtol=1e-6)


def test_a_function_in_the_place_of_an_initializer_is_refused_by_its_name():
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(4)])
    tree, weights = models.model_to_plain(model)
    forged = tree["config"].replace('"GlorotUniform"', '"__lambda__"')
    assert forged != tree["config"]
    with pytest.raises(export.ExportError, match="your own"):
        models.model_from_plain({**tree, "config": forged}, weights)


def test_weights_that_are_not_finite_or_do_not_fit_are_refused():
    tree, weights = models.model_to_plain(tiny())
    with pytest.raises(export.ExportError, match="do not fit"):
        models.model_from_plain(tree, weights[:-1])
    weights[0] = np.full_like(weights[0], np.nan)
    with pytest.raises(export.ExportError, match="not finite"):
        models.model_from_plain(tree, weights)


def test_a_sequential_model_is_put_together_once_and_means_the_same(monkeypatch):
    built = []
    build = keras.Sequential.build
    counted = lambda self, *a, **k: built.append(1) or build(self, *a, **k)  # noqa: E731
    first = keras.Sequential([L.Input((8, 8, 3)), L.Conv2D(4, 3), L.Flatten(), L.Dense(2)])
    late = keras.Sequential([L.Dense(3, activation="relu"), L.Dense(2)], name="late")
    late.build((None, 5))
    nested = keras.Sequential([L.Input((5,)), late, L.Dense(4)])
    for model in (first, late, nested):
        x = np.random.default_rng(0).random((2, *model.input_shape[1:]), dtype="float32")
        plain = models.model_to_plain(model)
        monkeypatch.setattr(keras.Sequential, "build", counted)
        built.clear()
        again = models.model_from_plain(*plain)
        monkeypatch.setattr(keras.Sequential, "build", build)
        assert len(built) <= (5 if model is nested else 2), built
        assert again.name == model.name and np.allclose(again(x), model(x), atol=1e-6)
        assert again.output_shape == model.output_shape


def test_a_layer_of_a_thousand_million_units_is_refused_before_it_is_built():
    tree, weights = models.model_to_plain(tiny())
    tree["config"] = tree["config"].replace('"units": 3', '"units": 1000000000')
    with pytest.raises(export.ExportError, match="larger"):
        models.model_from_plain(tree, weights)


def test_bytes_bring_back_the_same_data():
    plain = export.to_plain({"x": np.arange(6, dtype="float32").reshape(2, 3), "n": 3, "s": ["é"]})
    back = export.from_plain(*export.loads(export.dumps(*plain)))
    assert back["n"] == 3 and back["s"] == ["é"] and np.array_equal(back["x"], plain[1][0])


def test_the_parts_are_the_bytes_and_those_of_an_array_are_its_own_memory():
    x = np.arange(6, dtype="float32").reshape(2, 3)
    for value in (x, x.T, np.array(["é", "ab"]), np.array(3.5), np.zeros((0, 3)), x > 2):
        plain = export.to_plain({"x": value})
        parts = export.chunks(*plain)
        assert b"".join(parts) == export.dumps(*plain)
        assert len(parts[0]) % export.ALIGNMENT == 0 and bytes(parts[1]) == value.tobytes()
    assert np.shares_memory(np.frombuffer(export.chunks(*export.to_plain(x))[1], np.uint8), x)


def test_cut_or_forged_bytes_are_refused():
    raw = export.dumps(*export.to_plain(np.zeros(1000)))
    forged = raw.replace(b"[1000]", b"[-100]"), raw.replace(b"<f8", b"|O8")
    for bad in (b"", raw[:20], raw[:-1], *forged):
        with pytest.raises(export.ExportError):
            export.loads(bad)


def head(body: bytes, rest: bytes = b"") -> bytes:
    return len(body).to_bytes(8, "little") + body + rest


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"[]",
        b'{"tree": 1, "arrays": 5}',
        b'{"tree": 1, "arrays": [["U0", [1000000000000]]]}',
        b'{"tree": 1, "arrays": [["i4,i4", [1]]]}',
        b'{"tree": 1, "arrays": [["<f4", ["1"]]]}',
        b'{"tree": 1, "arrays": [["<f4", [0, 1e30]]]}',
        b'{"tree": 1, "arrays": [[["<f4"], [1]]]}',
        b'{"tree": 1, "arrays": [["|u1", [' + b"1, " * 99 + b"1]]]}",
        b'{"tree": 1, "arrays": [["|u1", [0, 549755813887, 549755813887]]]}',
        b'{"tree": 1, "arrays": [' + b'["|u1", [0]], ' * 30_000 + b'["|u1", [0]]]}',
    ],
)
def test_a_forged_head_is_refused(body):
    with pytest.raises(export.ExportError):
        export.loads(head(body, bytes(8)))


def test_a_head_that_would_take_all_memory_to_read_is_refused_unread():
    with pytest.raises(export.ExportError, match="too much"):
        export.loads(head(b"[" + b"[]," * 6_000_000))


@pytest.mark.parametrize("tree", [[1], {"list": 5}, {"dict": [[[], 1]]}, 10**40, {"array": "0"}])
def test_a_forged_tree_is_refused(tree):
    with pytest.raises(export.ExportError):
        export.from_plain(tree, [np.zeros(1)])


def test_empty_arrays_and_texts_come_back():
    for value in (np.zeros((0, 3)), np.array(["", "é"]), np.array(3.5)):
        back = export.from_plain(*export.loads(export.dumps(*export.to_plain(value))))
        assert back.shape == value.shape and back.tolist() == value.tolist()


def test_a_refused_layer_is_not_quoted_by_a_name_of_its_authors():
    tree, weights = models.model_to_plain(tiny())
    tree["config"] = tree["config"].replace('"class_name": "Dropout"', '"class_name": "got8314"')
    with pytest.raises(export.ExportError) as refused:
        models.model_from_plain(tree, weights)
    assert "8314" not in str(refused.value)
    tree["config"] = tree["config"].replace("got8314", "Lambda")
    with pytest.raises(export.ExportError, match="Lambda"):
        models.model_from_plain(tree, weights)


def test_a_large_seed_is_no_large_layer():
    seeded = keras.initializers.GlorotUniform(seed=2**31)
    model = keras.Sequential([L.Input((4,)), L.Dense(3, kernel_initializer=seeded)])
    assert models.model_from_plain(*models.model_to_plain(model)).count_params() == 15


@pytest.mark.parametrize("size", ["1e400", "1" * 400, "100000000"])
def test_a_picture_that_no_memory_holds_is_refused_before_it_is_built(size):
    model = keras.Sequential([L.Input((4, 4, 3)), L.Resizing(77, 77)])
    tree, weights = models.model_to_plain(model)
    tree["config"] = tree["config"].replace("77", size)
    with pytest.raises(export.ExportError, match="larger"):
        models.model_from_plain(tree, weights)


def test_a_functional_model_under_a_name_of_its_own_is_what_keras_made_of_it():
    class Net(keras.Model):
        pass

    inputs = keras.Input((4,))
    net = Net(inputs, keras.layers.Dense(3)(inputs))
    back = models.model_from_plain(*models.model_to_plain(net))
    x = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(back.predict(x, verbose=0), net.predict(x, verbose=0), rtol=1e-6)


def rebuilt(net):
    return models.model_from_plain(*models.model_to_plain(net))


def test_a_network_that_is_called_and_continued_is_one_network():
    one, other = keras.Input((4,)), keras.Input((4,))
    inner = keras.Model(one, L.Dense(3, bias_initializer="ones")(one))
    net = keras.Model([one, other], L.Subtract()([inner.output, inner(other)]))
    again, given = rebuilt(net), [np.ones((2, 4), np.float32), np.eye(2, 4, dtype=np.float32)]
    assert again.count_params() == net.count_params() == 15
    np.testing.assert_allclose(again(given), net(given), rtol=1e-6)


def test_a_network_of_an_input_alone_is_told_to_have_no_layers():
    with pytest.raises(export.ExportError, match="has no layers"):
        models.model_to_plain(keras.Sequential([keras.Input((4,))]))


def test_the_penalty_of_a_weight_counts_and_not_the_one_that_its_layer_names():
    """Keras adds up the penalties of the weights, whatever a layer is given afterwards."""
    layers, l2 = keras.layers, keras.regularizers.L2
    parts = [layers.Conv2D(2, 3, kernel_regularizer=l2(0.5)), layers.Flatten(), layers.Dense(3)]
    net = keras.Sequential([keras.Input((4, 4, 1)), *parts])
    parts[0].kernel_regularizer, parts[2].kernel_regularizer = None, l2(0.25)
    again = rebuilt(net)
    np.testing.assert_allclose(sum(again.losses), sum(net.losses), rtol=1e-6)
    parts[0].kernel.regularizer, parts[2].kernel.regularizer = None, l2(0.25)
    again = rebuilt(net)
    assert len(again.losses) == 1
    np.testing.assert_allclose(again.losses[0], net.losses[0], rtol=1e-6)


def test_a_layer_that_names_its_weights_penalties_crosses_as_it_is():
    layers, l2 = keras.layers, keras.regularizers.L2
    parts = [
        layers.SeparableConv2D(2, 3, depthwise_regularizer="l1", pointwise_regularizer=l2(0.1)),
        layers.DepthwiseConv2D(1, depthwise_regularizer=l2(0.3), bias_regularizer="l2"),
        layers.BatchNormalization(gamma_regularizer="l2", beta_regularizer="l1"),
        layers.PReLU(alpha_regularizer="l2"),
    ]
    net = keras.Sequential([keras.Input((4, 4, 1)), *parts])
    assert models.built_in(net) is not None
    assert len(rebuilt(net).losses) == len(net.losses) == 7
    parts[1].depthwise_regularizer = None
    assert models.built_in(net) is None
