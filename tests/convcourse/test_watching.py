"""What a function trains on is recorded, and its checkpoints stay as they are."""

import keras
import numpy as np
import pytest

from convcourse import checks, fitting, training, watching

pytestmark = pytest.mark.unit

X, Y = np.arange(20, dtype="float32").reshape(10, 2), np.arange(10).reshape(10, 1) % 3


def network():
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net


def by_split(net):
    return training.fit(net, "mine", X, Y, validation_split=0.2, batch_size=4, epochs=2)


def by_data(net):
    rest = (X[8:], Y[8:])
    return training.fit(
        model=net, name="mine", x=X[:8], y=Y[:8], validation_data=rest, batch_size=4, epochs=2
    )


def directly(net):
    return net.fit(X, Y, 4, 2, validation_split=0.2)


@pytest.mark.parametrize("train", [by_split, by_data, directly])
def test_what_it_trains_on_is_told_alike_however_validation_was_set_aside(
    train, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with watching.watched() as found:
        history = train(network())
    one = watching.only(found, "train")
    assert one.name == (None if train is directly else "mine")
    np.testing.assert_array_equal(one.x, X[:8])
    np.testing.assert_array_equal(one.val_y, Y[8:])
    assert (one.batch_size, one.epochs, one.initial_epoch) == (4, 2, 0)
    assert one.compiled["optimizer"] == "adam"
    assert len(history.history["val_loss"]) == 2
    assert not list(tmp_path.iterdir()), "a checkpoint was written"


def test_a_checkpoint_of_the_same_name_is_neither_taken_nor_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    by_split(network())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    with watching.watched() as found:
        by_split(network())
    assert len(found) == 1
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_fit_is_kerass_own_again_even_after_an_error():
    own = keras.Model.fit
    with pytest.raises(RuntimeError), watching.watched():
        raise RuntimeError
    assert keras.Model.fit is own and not watching.is_watched()


def test_a_step_outside_fit_is_told_once_and_one_inside_fit_is_not():
    net, adam = network(), keras.optimizers.Adam()
    apply = keras.optimizers.Optimizer.apply
    with watching.watched() as found:
        net.fit(X, Y)
        net.train_on_batch(X, Y)
        for _ in range(2):
            adam.apply([np.zeros(w.shape, "float32") for w in net.weights], net.trainable_weights)
    assert [one.by for one in found] == ["fit", "train_on_batch", watching.OWN_STEPS]
    assert fitting.plain(found[-1])["x"] is None
    with pytest.raises(checks.Wrong, match=r"leave optimizer\.apply_gradients out"):
        watching.by_fit(found[-1], "train")
    assert keras.optimizers.Optimizer.apply is apply


def test_a_network_is_looked_at_before_and_after_each_training():
    net = network()
    with watching.watched(look=lambda: int(net.optimizer.iterations)) as found:
        net.fit(X, Y, batch_size=5)
        net.fit(X, Y, batch_size=2)
        with pytest.raises(ValueError):
            net.fit(X[:, :1], Y)
    assert [one.looks for one in found] == [[0, 2], [2, 7], [7, 7]]
    with watching.watched() as found:
        net.fit(X, Y)
    assert found[0].looks == [None, None]


@pytest.mark.parametrize("times", [0, 2])
def test_no_training_and_two_are_named(times):
    with watching.watched() as found:
        for _ in range(times):
            directly(network())
    with pytest.raises(checks.Wrong, match="does not train" if times == 0 else "trains 2 times"):
        watching.only(found, "train")


@pytest.mark.parametrize(("epochs", "is_eager"), [(2, True), (40, False)])
def test_only_a_short_training_runs_eagerly_and_the_network_is_as_before(epochs, is_eager):
    model, seen = network(), []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(model.run_eagerly))
    with watching.watched():
        model.fit(X, Y, batch_size=5, epochs=epochs, callbacks=[look])
    assert set(seen) == {is_eager} and not model.run_eagerly
    assert (model.train_function is None) == is_eager


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"class_weight": {0: 2.0, 1: 1.0}}, "some classes count more than others"),
        ({"sample_weight": np.linspace(0, 1, len(X))}, "some images count more than others"),
        ({"steps_per_epoch": 2}, "only 2 of the batches in each epoch"),
        ({"validation_data": (X, Y), "validation_steps": 1}, "leave validation_steps out"),
        (
            {"validation_data": (X, Y), "validation_steps": 2, "validation_batch_size": 1},
            "leave validation_steps out",
        ),
    ],
)
def test_a_training_in_which_images_count_differently_is_named(settings, words):
    with watching.watched() as found:
        network().fit(X, Y, batch_size=2, verbose=0, **settings)
    with pytest.raises(checks.Wrong, match=words):
        watching.only(found, "train")


@pytest.mark.parametrize(
    "settings",
    [
        {"steps_per_epoch": (len(X) + 1) // 2},
        {"sample_weight": np.ones(len(X))},
        {"class_weight": dict.fromkeys(range(10), 1.0)},
        {"validation_data": (X, Y), "validation_steps": len(X), "validation_batch_size": 1},
    ],
)
def test_settings_that_leave_each_image_once_are_taken(settings):
    with watching.watched() as found:
        network().fit(X, Y, batch_size=2, verbose=0, **settings)
    assert watching.only(found, "train") is found[0]


def endless():
    while True:
        for at in range(0, len(X), 4):
            yield X[at : at + 4], Y[at : at + 4]


def pipeline():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(4).repeat()


@pytest.mark.parametrize("batches", [endless, pipeline])
def test_of_what_never_ends_one_epoch_is_recorded(batches):
    with watching.watched() as found:
        made = network().fit(batches(), epochs=2, steps_per_epoch=-(-len(X) // 4), shuffle=False)
    one = watching.only(found, "train")
    np.testing.assert_array_equal(one.x, X)
    np.testing.assert_array_equal(one.y, Y)
    assert one.batch_size == 4 and len(made.history["loss"]) == 2


def test_steps_outside_fit_are_recorded_once_for_each_network():
    first, second = network(), network()
    with watching.watched() as found:
        directly(first)
        for _ in range(3):
            first.train_on_batch(X[8:], Y[8:])
            second.train_on_batch(x=X, y=Y, sample_weight=np.ones(10))
    assert [one.by for one in found] == ["fit", "train_on_batch", "train_on_batch"]
    np.testing.assert_array_equal(found[1].x, X[8:])
    with pytest.raises(checks.Wrong, match="train fits weights outside"):
        watching.only(found, "train")
    first.train_on_batch(X, Y)
    assert len(found) == 3


def test_one_hot_labels_for_a_loss_of_integers_are_named():
    with watching.watched(), pytest.raises(checks.Wrong, match="leave the labels as they are"):
        network().fit(X, np.eye(10)[Y.ravel()])


def test_batches_of_a_data_set_are_told_one_after_the_other():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, step):
            return X[step * 5 : step * 5 + 5], Y[step * 5 : step * 5 + 5]

    with watching.watched() as found:
        network().fit(Batches())
    np.testing.assert_array_equal(found[0].x, X)
    np.testing.assert_array_equal(found[0].y, Y)


def test_the_batch_size_of_a_pipeline_is_that_of_its_first_batch():
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
    with watching.watched() as found:
        network().fit(batches, shuffle=False)
    assert found[0].batch_size == 4


def split(fitted, held, labels=Y):
    """A training on some images of `X`, validated on others."""
    return fitting.Training(
        None, X[fitted], labels[fitted], X[held], Y[held], 32, 1, 0, {}, None, {}
    )


FIRST, LAST = list(range(8)), [8, 9]


@pytest.mark.parametrize("fitted", [FIRST, FIRST[::-1]])
def test_the_last_images_set_aside_pass_in_any_order(fitted):
    watching.last_set_aside(split(fitted, LAST), X, Y, 0.2, "train")


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (split([*FIRST, 8], LAST), "to the validation images too"),
        (split(LAST, LAST), "to the validation images too"),
        (split([*LAST, *FIRST[2:]], [0, 1]), "sets other images aside"),
        (split(FIRST[1:], LAST), "each of the other images once"),
        (split([*FIRST, 0], LAST), "each of the other images once"),
        (split(FIRST, LAST, labels=Y[::-1]), "training images labels that are not their own"),
        (split(FIRST, LAST, labels=np.eye(10)[np.ravel(Y)]), "one-hot labels: leave them integers"),
        (fitting.Training(None, X, Y, None, None, 32, 1, 0, {}, None), "without validation data"),
        (fitting.Training(None, X / 9, Y, X, Y, 32, 1, 0, {}, None), "images that it was not giv"),
    ],
)
def test_other_images_than_the_last_set_aside_are_named(one, words):
    with pytest.raises(checks.Wrong, match=words):
        watching.last_set_aside(one, X, Y, 0.2, "train")


@pytest.mark.parametrize(
    ("callback", "words"),
    [
        (keras.callbacks.EarlyStopping(), "train may stop early: leave EarlyStopping out"),
        (keras.callbacks.ReduceLROnPlateau(), "changes the learning rate: leave ReduceLROnPlateau"),
    ],
)
def test_a_callback_that_makes_another_training_is_named(callback, words):
    one = split(FIRST, LAST)
    refused = ("EarlyStopping", "ReduceLROnPlateau")
    watching.without(one, "train", *refused)
    one.settings["callbacks"] = [keras.callbacks.TerminateOnNaN(), callback]
    with pytest.raises(checks.Wrong, match=words):
        watching.without(one, "train", *refused)
    watching.without(one, "train", "LearningRateScheduler")
