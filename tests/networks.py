"""One small network in many forms, which all compute the same layers, and one of another kind."""

import keras
import numpy as np
import tensorflow as tf

L, ops = keras.layers, keras.ops
SHAPE = (14, 14, 3)
WANT = "conv 3x3x4 relu, pool 2, conv 3x3x6 relu, pool 2, dropout 0.5, flatten, dense 10 softmax"
WEIGHTS = 584


def sequential():
    return keras.Sequential(
        [
            L.Input(SHAPE), L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D(2),
            L.Conv2D(6, 3, activation="relu"), L.MaxPooling2D(2), L.Dropout(0.5), L.Flatten(),
            L.Dense(10, activation="softmax"),
        ]
    )  # fmt: skip


def functions_for_layers_and_one_pooling_twice():
    inputs, pool = keras.Input(SHAPE), L.MaxPooling2D(2)
    x = pool(ops.relu(L.Conv2D(4, 3)(inputs)))
    x = L.Dropout(0.5)(pool(keras.activations.relu(L.Conv2D(6, 3)(x))))
    return keras.Model(inputs, ops.softmax(L.Dense(10)(ops.reshape(x, (-1, 24)))))


def tensorflow_functions():
    inputs = keras.Input(SHAPE)
    x = L.Conv2D(4, 3, activation=tf.nn.relu)(inputs)
    x = L.Conv2D(6, 3, activation=lambda t: tf.nn.relu(t))(L.MaxPooling2D()(x))
    x = L.Dropout(0.5)(L.MaxPooling2D()(x))
    return keras.Model(inputs, L.Dense(10, activation=tf.nn.softmax)(L.Flatten()(x)))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.pool = L.Conv2D(4, 3), L.Conv2D(6, 3), L.MaxPooling2D(2)
        self.drop, self.flat, self.dense = L.Dropout(0.5), L.Flatten(), L.Dense(10)

    def call(self, x, training=False):
        x = self.pool(tf.nn.relu(self.first(x)))
        x = self.pool(ops.relu(self.second(x)))
        x = self.drop(x, training=training)
        return tf.nn.softmax(self.dense(self.flat(x)))


class OnlyInTraining(Subclassed):
    def call(self, x, training=False):
        x = self.pool(tf.nn.relu(self.first(x)))
        x = self.pool(tf.nn.relu(self.second(x)))
        if training:
            x = self.drop(x, training=True)
        return tf.nn.softmax(self.dense(self.flat(x)))


class DropoutFunction(Subclassed):
    def call(self, x, training=False):
        x = self.pool(tf.nn.relu(self.first(x)))
        x = self.pool(tf.nn.relu(self.second(x)))
        if training:
            x = tf.nn.dropout(x, 0.5)
        return tf.nn.softmax(self.dense(self.flat(x)))


class Decorated(Subclassed):
    @tf.function
    def call(self, x):
        x = self.pool(ops.maximum(self.first(x), 0))
        x = self.drop(self.pool(tf.where((y := self.second(x)) > 0, y, 0.0)))
        x = self.dense(tf.reshape(x, (tf.shape(x)[0], -1)))
        raised = ops.exp(x - ops.max(x, axis=-1, keepdims=True))
        return raised / ops.sum(raised, axis=-1, keepdims=True)


class MadeInCall(Subclassed):
    def call(self, x):
        x = L.MaxPooling2D(2)(L.ReLU()(self.first(x)))
        x = self.drop(L.MaxPooling2D(2)(L.ReLU()(self.second(x))))
        return L.Softmax()(self.dense(L.Flatten()(x)))


class FunctionalInside(keras.Model):
    def __init__(self, classes=10, rate=0.5):
        inputs = keras.Input(SHAPE)
        x = L.MaxPooling2D()(L.Conv2D(4, 3, activation="relu")(inputs))
        x = L.MaxPooling2D()(L.Activation("relu")(L.Conv2D(6, 3)(x)))
        x = L.Flatten()(L.Dropout(rate)(x))
        super().__init__(inputs, L.Dense(classes, activation="softmax")(x))


class Convolution(L.Layer):
    def __init__(self, filters):
        super().__init__()
        self.filters = filters

    def build(self, shape):
        self.kernel = self.add_weight(shape=(3, 3, shape[-1], self.filters))
        self.bias = self.add_weight(shape=(self.filters,))

    def call(self, x):
        return tf.nn.relu(tf.nn.conv2d(x, self.kernel, 1, "VALID") + self.bias)


class Product(L.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 10))
        self.b = self.add_weight(shape=(10,))

    def call(self, x):
        return ops.softmax(x @ self.w + self.b)


class Renamed(L.Conv2D):
    def __init__(self, filters):
        super().__init__(filters, 3, activation="relu")


def own_layers_and_lambdas():
    return keras.Sequential(
        [
            L.Input(SHAPE), Renamed(4), L.Lambda(lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID")),
            Convolution(6), L.Lambda(lambda x: ops.max_pool(x, 2)), L.Dropout(0.5), L.Flatten(),
            Product(),
        ]
    )  # fmt: skip


def nested():
    class Head(L.Layer):
        def __init__(self):
            super().__init__()
            self.dense = L.Dense(10)

        def call(self, x):
            return keras.activations.softmax(self.dense(x))

    base = keras.Sequential([L.Conv2D(4, 3), L.ReLU(), L.MaxPooling2D()])
    return keras.Sequential(
        [
            L.Input(SHAPE), base, L.Conv2D(6, 3, activation=ops.relu), L.MaxPooling2D(),
            L.Dropout(0.5), L.Flatten(), Head(),
        ]
    )  # fmt: skip


class ByHand(keras.Model):
    def __init__(self):
        super().__init__()
        for name, shape in {
            "k1": (3, 3, 3, 4), "b1": (4,), "k2": (3, 3, 4, 6), "b2": (6,), "w": (24, 10),
            "b": (10,),
        }.items():  # fmt: skip
            setattr(self, name, self.add_weight(shape=shape, name=name))
        self.drop = L.Dropout(0.5)

    @staticmethod
    def pool(x):
        images, height, width, channels = ops.shape(x)
        blocks = ops.reshape(x, (images, height // 2, 2, width // 2, 2, channels))
        return ops.max(blocks, axis=(2, 4))

    def call(self, x):
        x = self.pool(ops.relu(ops.conv(x, self.k1, padding="valid") + self.b1))
        x = self.pool(ops.relu(ops.conv(x, self.k2, padding="valid") + self.b2))
        x = ops.reshape(self.drop(x), (ops.shape(x)[0], -1))
        return ops.softmax(ops.einsum("ij,jk->ik", x, self.w) + self.b)


class OwnCall(keras.Sequential):
    """A sequential model whose own ``call`` adds the last activation."""

    def call(self, x, training=None, mask=None):
        return ops.softmax(super().call(x, training=training))


def sequential_with_a_call_of_its_own():
    return OwnCall([*sequential().layers[:-1], L.Dense(10)])


def built_by_data():
    network = Subclassed()
    network(np.zeros((2, *SHAPE), np.float32))
    return network


FORMS = [
    sequential, functions_for_layers_and_one_pooling_twice, tensorflow_functions, built_by_data,
    Subclassed, OnlyInTraining, DropoutFunction, Decorated, MadeInCall, FunctionalInside,
    own_layers_and_lambdas, nested, ByHand, sequential_with_a_call_of_its_own,
]  # fmt: skip


class Pooled(keras.Model):
    """A classifier of photographs in a class of its own, which a contest may be entered with."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.end = L.Conv2D(8, 3), L.BatchNormalization(), L.Dense(10)

    def call(self, x, training=False):
        x = ops.relu(self.bn(self.conv(x), training=training))
        return ops.softmax(self.end(ops.mean(x, axis=(1, 2))))


def own_class():
    net = Pooled()
    net(np.zeros((1, 32, 32, 3)))
    return net
