"""A Keras model from a lifted network: ordinary layers, connected as the steps say."""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from convcourse.wire import trusted
from convcourse.wire.export import ExportError
from convcourse.wire.steps import Network, Node

BATCH = 256  # images for which every size is known before the network runs
MAX_VALUES = 2**30  # of one array at that batch
NOT_FINITE = (
    "the network has weights that are not finite (nan or inf): training diverged; "
    "lower the learning rate and train again"
)
_networks: WeakKeyDictionary[Any, Network] = WeakKeyDictionary()  # by the models made from them


def assembled_from(model: Any) -> Network | None:
    """The network that a model was assembled from, with the weights of then; None for others."""
    return _networks.get(model)


def assemble(network: Network) -> Any:
    """Build a Keras model.

    Args:
        network: What `convcourse.wire.lifting.read` gives.

    Returns:
        A functional model with the network's weights, not compiled.

    Raises:
        ExportError: If the parts do not fit each other, or an array is larger than needed here.
    """
    for weight in network.weights:
        if weight.value.dtype.kind not in "fiub" or not np.isfinite(weight.value).all():
            raise ExportError(NOT_FINITE)
    try:
        model = _Assembly(network).model()
        _check_sizes(model)
    except ExportError:
        raise
    except Exception as error:
        kind = type(error).__name__  # its words could quote what a hidden check has asked for
        raise ExportError(f"the network cannot be rebuilt from its layers ({kind})") from None
    _networks[model] = network
    return model


class _Assembly:
    def __init__(self, network: Network) -> None:
        import keras

        self.network = network
        self.inputs = [keras.Input(**one) for one in network.inputs]
        self.layers: dict[int, Any] = {}
        self.made: dict[int, Any] = {}
        self.placed: dict[int, Any] = {}  # variables by the numbers of the weights
        used = [network.nodes[number] for number in network.used()]
        own = [network.parts[node.at].weights for node in used if node.do == "layer"]
        self.held = {at for weights in own for at in weights}

    def model(self) -> Any:
        import keras

        used = self.network.used()
        for number, node in enumerate(self.network.nodes):
            if number in used and node.do != "constant":
                self.made[number] = self._made(node)
        outputs = [self._tensor(ref) for ref in self.network.outputs]
        outputs[0] = self._with_the_rest(outputs[0])
        return keras.Model(
            self.inputs if len(self.inputs) > 1 else self.inputs[0],
            outputs if len(outputs) > 1 else outputs[0],
            name=self.network.name,
        )

    def _made(self, node: Node) -> Any:
        if node.do == "input":
            return self.inputs[node.at]
        if node.do == "weight":
            return self._weight(node.at)
        if node.do == "layer":
            return self._called(node)
        return self._operation(node)

    def _tensor(self, ref: Any) -> Any:
        from convcourse.wire.own_layers import Constant

        number, output = self.network.source(ref)
        node = self.network.nodes[number]
        if node.value is not None:
            if node.factor is not None:
                raise ExportError("the network depends on how many images it gets")
            return Constant(node.value)(self.inputs[0])
        made = self.made[number]
        if isinstance(made, list):
            return made[output]
        if output:
            raise ExportError("the network's description is malformed")
        return made

    def _called(self, node: Node) -> Any:
        import keras

        given = node.of[0]
        listed = isinstance(given, list)
        tensors = [self._tensor(ref) for ref in given] if listed else self._tensor(given)
        layer = self.layers.get(node.at)
        if layer is not None:
            return layer(tensors)
        part = self.network.parts[node.at]
        config = self._named(part.kind, part.config)
        trusted.check({"class_name": part.kind, "module": "keras.layers", "config": config})
        described = {"module": "keras.layers", "class_name": part.kind, "config": config}
        layer = self.layers[node.at] = keras.saving.deserialize_keras_object(described)
        result = layer(tensors)
        self._fill(layer.weights, part.weights)
        return result

    def _named(self, kind: str, config: dict) -> dict:
        """A configuration with a name that no other layer has."""
        taken = {layer.name for layer in self.layers.values()}
        config = {key: value for key, value in config.items() if value is not None}
        if config.get("name") in taken:
            del config["name"]
        return config

    def _fill(self, variables: list, weights: list[int]) -> None:
        given = [self.network.weights[at] for at in weights]
        if [tuple(v.shape) for v in variables] != [w.value.shape for w in given]:
            raise ExportError("the weights do not fit the layers of the network")
        if set(self.placed) & set(weights):
            raise ExportError("the network uses the weights of a layer in another layer as well")
        self.placed |= dict(zip(weights, variables, strict=True))
        for variable, weight in zip(variables, given, strict=True):
            variable.assign(weight.value)
            variable.trainable = weight.trainable

    def _weight(self, at: int) -> Any:
        """A weight that an operation uses, whether a layer holds it or none."""
        import keras

        from convcourse.wire.own_layers import OwnWeight, SharedWeight

        weight = self.network.weights[at]
        if at in self.held or at in self.placed:
            shape, dtype = weight.value.shape, str(weight.value.dtype)
            return SharedWeight(shape, dtype, lambda: self.placed[at])(self.inputs[0])
        penalty = keras.saving.deserialize_keras_object(weight.regularizer)
        layer = OwnWeight(weight.value.shape, str(weight.value.dtype), penalty)
        self._fill([layer.own], [at])
        return layer(self.inputs[0])

    def _operation(self, node: Node) -> Any:
        from convcourse.wire.own_layers import Operation

        tensors = [self.inputs[0]]

        def slot(ref: Any) -> Any:
            if isinstance(ref, list):
                return [slot(one) for one in ref]
            source = self.network.nodes[self.network.source(ref)[0]]
            if source.do == "constant":
                return source.value if source.factor is None else (source.value, source.factor)
            tensors.append(self._tensor(ref))
            return len(tensors) - 1

        return Operation(node.do, [slot(ref) for ref in node.of], node.given)(tensors)

    def _with_the_rest(self, output: Any) -> Any:
        from convcourse.wire.own_layers import Unused

        rest = [at for at in range(len(self.network.weights)) if at not in self.placed]
        if not rest:
            return output
        layer = Unused([self.network.weights[at].value.shape for at in rest])
        result = layer(output)
        self._fill(layer.own, rest)
        return result


def _check_sizes(model: Any) -> None:
    """Refuse arrays that are too large, or whose size is not known before the network runs."""
    import keras
    import tensorflow as tf

    specs = [tf.TensorSpec((BATCH, *one.shape[1:]), one.dtype) for one in model.inputs]

    def body(*given: Any) -> list:
        return keras.tree.flatten(model(given[0] if len(given) == 1 else list(given)))

    graph = tf.function(body, autograph=False).get_concrete_function(*specs).graph
    for operation in graph.get_operations():
        for tensor in operation.outputs:
            if tensor.dtype in (tf.resource, tf.variant):
                continue
            if tensor.shape.num_elements() is None:
                raise ExportError("the network makes an array whose size depends on the images")
            if tensor.shape.num_elements() > MAX_VALUES:
                raise ExportError("the network makes an array that is larger than needed here")
