"""What a traced network may not do, and what a forged one may not say."""

import copy

import keras
import networks
import numpy as np
import pytest
import tensorflow as tf

from convcourse.wire import export, models, operations, recording, tracing, trusted

pytestmark = [
    pytest.mark.unit,
    pytest.mark.filterwarnings("ignore:.build.* was called on layer"),
]
ops = keras.ops
SHAPE = (4, 4, 3)
COUNT = []
ELSEWHERE = keras.layers.Dense(3)


def network(call):
    class Net(keras.Model):
        pass

    Net.call = call
    return Net()


def raises(self, x):
    raise RuntimeError("there is no answer")


def counts(self, x):
    COUNT.append(1)
    return x * len(COUNT)


def every_with_every(x):
    return x @ tf.transpose(x)


def loops(self, x):
    return tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), [0, x])[1]


REFUSED = {
    "Python": lambda self, x: tf.numpy_function(lambda a: a * 2, [x], tf.float32),
    "Python while": lambda self, x: tf.py_function(lambda a: a * 2, [x], tf.float32),
    "random": lambda self, x: x + tf.random.normal(tf.shape(x)),
    "random numbers": lambda self, x: x + keras.random.normal(ops.shape(x)),
    "another one each time": lambda self, x: x * np.random.default_rng().random(),
    "loop": loops,
    "a condition": lambda self, x: tf.cond(tf.reduce_sum(x) > 0, lambda: x, lambda: -x),
    "on the whole batch": lambda self, x: tf.map_fn(lambda row: row * 2, x),
    "there is no answer": raises,
    "call return": lambda self, x: None,
    "another one": counts,
    "assign it to self": lambda self, x: ELSEWHERE(x),
    "how many images it gets": lambda self, x: x + float(x.shape[0]),
    "has no attribute 'numpy'": lambda self, x: x.numpy(),
    "cannot be checked": lambda self, x: tf.math.bessel_i0(x),
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_network_that_does_more_than_compute_is_refused_in_plain_words(words):
    with pytest.raises(export.ExportError, match=words):
        models.model_to_plain(network(REFUSED[words]), SHAPE)


@pytest.mark.parametrize("channels", [0, 1, 2, 3, 40])
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("early", [False, True])
def test_zeros_behind_the_channels_cross_for_any_number_of_images(channels, number, early):
    like = (ops.zeros_like, ops.ones_like)[number]

    def call(self, x):
        wide = like(ops.concatenate([x] * 14, axis=-1)[..., :channels])
        if early:  # other operations stand between the zeros and their use
            x = -ops.negative(x)
        return ops.concatenate([x, wide], axis=-1)

    crossed = models.model_from_plain(*models.model_to_plain(network(call), SHAPE))
    for images in (1, 5, 61):
        x = np.random.default_rng(0).normal(size=(images, *SHAPE)).astype("float32")
        got = np.asarray(crossed(x))
        np.testing.assert_array_equal(got[..., :3], x)
        assert got.shape == (images, 4, 4, 3 + channels)
        assert (got[..., 3:] == number).all()


def of_keras(*more):
    """A network that Keras made of its own layers, with a function between them."""
    inputs = keras.Input(SHAPE)
    x = keras.Sequential([keras.layers.Input(SHAPE), keras.layers.Conv2D(5, 3), *more])(inputs)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, ops.pad(x[:, ::2], ((0, 0), (0, 0), (0, 0), (0, 2))))


@pytest.mark.parametrize("more", [[], [keras.layers.Dropout(0.5)], [keras.layers.RandomFlip()]])
def test_a_network_of_kerass_own_is_recorded_in_training_only_if_that_adds_layers(
    more, monkeypatch
):
    model, record, runs = of_keras(*more), recording.record, []

    def counted(*given):
        runs.append(given)
        return record(*given)

    monkeypatch.setattr(recording, "record", counted)
    tree, arrays = tracing.trace(model)
    assert len(runs) == (4 if more else 2)
    assert [type(one).__name__ in str(tree["layers"]) for one in more] == [True] * len(more)
    monkeypatch.setattr(recording, "consists_of_keras", lambda *_, **__: False)
    longer, others = tracing.trace(model)
    assert longer == tree
    assert all(map(np.array_equal, arrays, others))


def test_what_a_network_reads_from_outside_crosses_as_a_constant():
    outside = tf.constant([1.0, 2.0, 3.0])
    model = network(lambda self, x: x * outside + tf.Variable(0.5, trainable=False))
    with pytest.raises(export.ExportError):  # a variable that is made in each call
        models.model_to_plain(model, SHAPE)
    half = tf.Variable(0.5)
    back = models.model_from_plain(
        *models.model_to_plain(network(lambda self, x: x * outside + half), SHAPE)
    )
    x = np.ones((2, *SHAPE), np.float32)
    np.testing.assert_allclose(back(x), x * np.array([1, 2, 3]) + 0.5)


def test_a_huge_constant_is_refused():
    huge = np.zeros((60_000_001,), np.int8)
    model = network(lambda self, x: x + tf.cast(huge[:3], tf.float32))
    tree, arrays = models.model_to_plain(model, SHAPE)
    with pytest.raises(export.ExportError, match="60,000,000"):
        models.model_from_plain(tree, [*arrays, huge])


@pytest.fixture(scope="module")
def plain():
    return models.model_to_plain(networks.Decorated(), networks.SHAPE)


def numbered(tree, do):
    return next(line for line in tree["steps"] if line["do"] == do)


def change(line, **parts):
    line.update(parts)


FORGED = {
    "an unknown operation": lambda t: change(numbered(t, "Exp"), do="PyFunc"),
    "an operation of no such name": lambda t: change(numbered(t, "Exp"), do="__class__"),
    "an operation that is a list": lambda t: change(numbered(t, "Exp"), do=["Exp"]),
    "an attribute too much": lambda t: change(numbered(t, "Exp"), **{"with": {"T": 1}}),
    "a large attribute": lambda t: change(numbered(t, "Sum"), **{"with": {"keep_dims": 10**9}}),
    "a nan attribute": lambda t: change(
        numbered(t, "Sum"), **{"with": {"keep_dims": float("nan")}}
    ),
    "a long attribute": lambda t: change(numbered(t, "Sum"), **{"with": {"keep_dims": [1] * 999}}),
    "a cycle": lambda t: change(numbered(t, "Exp"), of=[[len(t["steps"]) - 1, 0]]),
    "a step that is itself": lambda t: change(
        numbered(t, "Exp"), of=[[t["steps"].index(numbered(t, "Exp")), 0]]
    ),
    "a step that is not there": lambda t: change(numbered(t, "Exp"), of=[[10**6, 0]]),
    "a negative step": lambda t: change(numbered(t, "Exp"), of=[[-1, 0]]),
    "an output that is not there": lambda t: change(numbered(t, "Exp"), of=[[0, 3]]),
    "too many inputs": lambda t: change(numbered(t, "Exp"), of=[[0, 0]] * 2),
    "an array that is not there": lambda t: change(numbered(t, "constant"), at=999),
    "a negative array": lambda t: change(numbered(t, "constant"), at=-1),
    "a layer that is not there": lambda t: change(numbered(t, "layer"), at=999),
    "a layer of its own": lambda t: change(t["layers"][0], **{"class": "Mine"}),
    "a lambda": lambda t: change(t["layers"][0], **{"class": "Lambda"}),
    "a model as a layer": lambda t: change(t["layers"][0], **{"class": "Sequential"}),
    "bytecode": lambda t: t["layers"][0]["config"].update(activation={"class_name": "__lambda__"}),
    "a huge layer": lambda t: t["layers"][0]["config"].update(filters=10**9),
    "weights of another layer": lambda t: change(t["layers"][0], weights=[4, 5]),
    "weights that are not there": lambda t: change(t["layers"][0], weights=[0, 99]),
    "a foreign penalty": lambda t: change(
        t["weights"][0], regularizer={"class_name": "system", "module": "os", "config": "true"}
    ),
    "a million steps": lambda t: change(t, steps=t["steps"] * 100_000),
    "no steps": lambda t: change(t, steps=[]),
    "steps that are text": lambda t: change(t, steps="Exp"),
    "no outputs": lambda t: change(t, outputs=[]),
    "outputs that are not there": lambda t: change(t, outputs=[[10**6, 0]]),
    "no inputs": lambda t: change(t, inputs=[]),
    "a huge input": lambda t: t["inputs"][0].update(shape=[10**9, 1, 3]),
    "an input of text": lambda t: t["inputs"][0].update(dtype="string"),
    "a shape that is text": lambda t: change(numbered(t, "Exp"), shape="shape"),
    "nothing at all": lambda t: t.clear(),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_network_is_refused(plain, what):
    tree, arrays = copy.deepcopy(plain[0]), plain[1]
    FORGED[what](tree["traced"])
    with pytest.raises(export.ExportError):
        models.model_from_plain(tree, arrays)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(plain, value):
    tree, arrays = plain
    at = tree["traced"]["weights"][0]["at"]
    broken = [np.full_like(a, value) if n == at else a for n, a in enumerate(arrays)]
    with pytest.raises(export.ExportError, match="not finite"):
        models.model_from_plain(tree, broken)


@pytest.mark.parametrize(
    "call",
    [
        lambda self, x: tf.tile(x, [1, 2000, 2000, 1]),
        lambda self, x: tf.pad(x, [[0, 0], [0, 99_999], [0, 99_999], [0, 0]]),
        lambda self, x: every_with_every(tf.reshape(tf.tile(x, [1, 8, 8, 1]), (-1, 1))),
        lambda self, x: x + tf.reduce_sum(tf.fill([99_999, 99_999], 1.0) * x[0, 0, 0, 0]),
    ],
)
def test_an_array_that_no_exercise_needs_is_refused_before_it_is_made(call, monkeypatch):
    monkeypatch.setattr("convcourse.wire.recording.build", lambda model, inputs: None)
    with pytest.raises(export.ExportError, match=r"larger than needed|cannot run"):
        models.model_from_plain(*models.model_to_plain(network(call), SHAPE))


def test_every_admitted_operation_has_the_inputs_and_attributes_of_tensorflows():
    import inspect

    for name, signature in operations.ADMITTED.items():
        known = list(inspect.signature(getattr(tf.raw_ops, name)).parameters)
        taken = [one.strip("*") for one in signature.inputs] + list(signature.attributes)
        assert set(taken) <= set(known), name
    assert not {"PyFunc", "EagerPyFunc", "ReadFile", "While", "RandomUniform"} & set(
        operations.ADMITTED
    )
    assert not {"Lambda", "Sequential", "Functional", "TFSMLayer"} & trusted.TRUSTED_LEAVES
