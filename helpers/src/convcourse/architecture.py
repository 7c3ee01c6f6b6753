"""What a network computes, layer by layer, in whatever way it was written.

`describe` turns a Keras model into a list with one `Layer` for each call of a layer that computes
something. Sequential, functional and subclassed models, models with other layer names, and
functions in the place of layers give the same list.
`parse` reads such a list from a line of text::

    conv 3x3x32 relu, pool 2, conv 5x5x64 same strides 2 relu, bn, relu, dropout 0.5, flatten,
    dense 10 softmax

* ``conv HxWxFILTERS`` has padding *valid* and strides 1 unless ``same`` or ``strides S`` follows.
* ``pool P`` is max pooling and ``avgpool P`` average pooling, both with strides P.
* ``dense UNITS`` and ``dropout RATE`` name their one argument.
* ``gap`` is global average pooling, ``bn`` batch normalization.
* ``unitnorm`` divides each row by its length.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from convcourse import built, equivalence, findings
from convcourse.outcomes import Wrong, that
from convcourse.wire import assembling, lifting, models, tracing
from convcourse.wire.export import ExportError
from convcourse.wire.steps import Network
from convcourse.wire.trusted import TRUSTED_LEAVES

# Settings of layers that no exercise asks for.
UNASKED = ("_constraint", "activity_regularizer", "noise_shape")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
NAMES = {
    "conv": "convolution",
    "pool": "pooling",
    "avgpool": "average pooling",
    "gap": "global average pooling",
    "dense": "dense layer",
    "bn": "batch normalization",
    "dropout": "dropout",
    "flatten": "flattening",
    "activation": "activation",
    "unitnorm": "unit normalization",
}


@dataclass(frozen=True)
class Layer:
    """One layer: its kind, the arguments that define it, and the activation that follows it.

    Attributes:
        kind: A key of `NAMES`, or the name of another Keras class.
        figures: Keras's arguments by name, such as ``strides``, with sizes as (height, width).
        activation: Its name in lower case; ``"linear"`` means none.
    """

    kind: str
    figures: dict = field(default_factory=dict)
    activation: str = "linear"


def parse(line: str) -> list[Layer]:
    """Read the text form.

    Args:
        line: Layers, separated by commas.

    Returns:
        One `Layer` for each part that is not just an activation.

    Raises:
        ValueError: If no layer has the name that the line gives.

    Example:
        >>> [layer.kind for layer in parse("conv 3x3x32, relu, pool 2, dense 10 softmax")]
        ['conv', 'pool', 'dense']
        >>> parse("dense 10 softmax")
        [Layer(kind='dense', figures={'units': 10}, activation='softmax')]
    """
    layers: list[Layer] = []
    for part in line.split(","):
        _parse_part(part.split(), layers)
    return layers


def _parse_part(words: list[str], layers: list[Layer]) -> None:
    kind, rest = words[0], words[1:]
    figures: dict[str, Any] = {}
    if kind == "conv":
        height, width, filters = (int(n) for n in rest.pop(0).split("x"))
        figures = {"kernel_size": (height, width), "filters": filters, "strides": (1, 1)}
        figures |= {"padding": "valid", "dilation_rate": (1, 1)}
    elif kind in ("pool", "avgpool"):
        size = int(rest.pop(0))
        figures = {"pool_size": (size, size), "strides": (size, size), "padding": "valid"}
    elif kind == "dense":
        figures = {"units": int(rest.pop(0))}
    elif kind == "unitnorm":
        figures = {"axis": -1}
    elif kind == "dropout":
        figures = {"rate": float(rest.pop(0))}
    elif kind in ("relu", "softmax", "sigmoid", "tanh"):
        layers[-1] = Layer(layers[-1].kind, layers[-1].figures, kind)
        return
    elif kind not in NAMES:
        raise ValueError(f"no layer is called {kind!r}")
    activation = "linear"
    while rest:
        word = rest.pop(0)
        if word == "strides":
            figures["strides"] = (int(rest[0]), int(rest.pop(0)))
        elif word in ("same", "valid"):
            figures["padding"] = word
        else:
            activation = word
    layers.append(Layer(kind, figures, activation))


def describe(model: Any, input_shape: Any = None) -> list[Layer]:
    """Describe a Keras model in the form that `parse` gives.

    Args:
        model: A Keras model, in whatever way it was written. Models inside it count as their
            layers, and a layer that is called twice counts twice.
        input_shape: The shape of one input, (H, W, C), or a list of these, for a model that is not
            built.

    Returns:
        The layers in the order of computation, without inputs.

    Raises:
        Wrong: If ``model`` is not a Keras model, does not know its input size, or cannot run.
    """
    return _described(_chain(model, input_shape)[0])


def _described(chain: list[tuple[str, dict]]) -> list[Layer]:
    layers: list[Layer] = []
    for kind, config in chain:
        _add(kind, config, layers)
    return layers


def _chain(model: Any, input_shape: Any) -> tuple[list[tuple[str, dict]], Network | None]:
    """The classes and configurations of the layers in the order of their calls, and the trace."""
    that(model is not None, "The function returns None: end it with `return model`.")
    built.must_be_model(model)
    known = models.built_in(model)
    if known is not None and _called_once(json.loads(known)):
        layers = models.leaves(model)
        return [(type(layer).__name__, layer.get_config()) for layer in layers], None
    network = _traced(model, input_shape)
    return equivalence.chain(network), network


def _traced(model: Any, input_shape: Any) -> Network:
    network = assembling.assembled_from(model)
    if network is not None:  # its operations were traced once; as layers they are other ones
        return network
    try:
        return lifting.read(*tracing.trace(model, input_shape))
    except ExportError as error:
        raise built.refused(error) from None


def _called_once(config: dict) -> bool:
    layers = config.get("layers", [])
    return all(
        len(layer.get("inbound_nodes") or ()) <= 1 and _called_once(layer.get("config") or {})
        for layer in layers
    )


def _add(name: str, config: dict, layers: list[Layer]) -> None:
    if name in ("InputLayer", "Identity"):
        return
    if name in ("Activation", "ReLU", "Softmax"):
        activation = _own(name, config)
        if layers and layers[-1].activation == "linear":
            layers[-1] = Layer(layers[-1].kind, layers[-1].figures, activation)
        else:
            layers.append(Layer("activation", {}, activation))
        return
    kind, figures = _kind_and_figures(name, config)
    if kind != "flatten" or not _are_rows(layers):
        layers.append(Layer(kind, figures, _activation(config.get("activation"))))


def _are_rows(layers: list[Layer]) -> bool:
    """Whether these layers give one row for each image, which flattening leaves as it is."""
    kept = ("dense", "bn", "dropout", "activation", "unitnorm")
    other = next((layer.kind for layer in reversed(layers) if layer.kind not in kept), "")
    return other in ("flatten", "gap")


def _kind_and_figures(name: str, config: dict) -> tuple[str, dict]:
    if name == "Conv2D":
        apart = _pair_or_value(config.get("dilation_rate", (1, 1)))
        figures = _chosen(config, "kernel_size", "filters", "strides", "padding")
        return "conv", figures | {"dilation_rate": apart}
    if name in ("MaxPooling2D", "AveragePooling2D"):
        kind = "pool" if name.startswith("Max") else "avgpool"
        return kind, _chosen(config, "pool_size", "strides", "padding")
    if name == "Dense":
        return "dense", {"units": config["units"]}
    if name == "Dropout":
        return "dropout", {"rate": config["rate"]}
    if name == "UnitNormalization":
        axis = config.get("axis", -1)
        return "unitnorm", {"axis": -1 if axis in (1, [1], (1,), [-1], (-1,)) else axis}
    if name == "Reshape" and len(config["target_shape"]) == 1:
        return "flatten", {}
    simple = {"BatchNormalization": "bn", "Flatten": "flatten"}
    simple |= {"GlobalAveragePooling2D": "gap"}
    return simple.get(name, name), {}


def _chosen(config: dict, *keys: str) -> dict:
    return {key: _pair_or_value(config[key]) for key in keys}


def _pair_or_value(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else value


def _activation(value: Any) -> str:
    if isinstance(value, dict):  # a serialized object: {"class_name": "ReLU", ...}
        name, config = value["class_name"], value.get("config")
        return _own(name, config or {}) if not isinstance(config, str) else config.lower()
    return str(value or "linear").lower()


def _own(name: str, config: dict) -> str:
    """The activation that a layer computes; its settings can make it another one."""
    if name == "Activation":
        return _activation(config.get("activation"))
    if name == "Softmax" and config.get("axis") in (0, [0], (0,)):
        return "softmax over the images of a batch"
    changed = [key for key in ("max_value", "negative_slope", "threshold") if config.get(key)]
    return " with ".join([name.lower(), *changed]) if name == "ReLU" else name.lower()


def compare(model: Any, want: str, input_shape: Any = None, case: str = "") -> None:
    """Compare a model with the text form.

    A network whose pieces are written by hand, such as a softmax from exp and sum, is also the
    network expected if it computes the same for the same weights. So is one whose poolings have
    another padding that adds nothing, because the windows fill the image. To flatten what is flat
    already is no layer. The network expected has one output.

    Args:
        model: A Keras model.
        want: The layers expected, as `parse` reads them.
        input_shape: As in `describe`.
        case: The arguments that gave this network, as the beginning of a sentence.

    Raises:
        Wrong: With the first difference.
    """
    try:
        _compare_networks(model, want, input_shape)
    except Wrong as wrong:
        if not case:
            raise
        raise Wrong(findings.InCase(case, wrong.finding)) from None


def _compare_networks(model: Any, want: str, input_shape: Any) -> None:
    (chain, network), wanted = _chain(model, input_shape), parse(want)
    for _, config in chain:
        for key in (key for key in config if key.endswith(UNASKED)):
            that(config[key] is None, f"A layer sets {key}, which nobody asked for: leave it out.")
    several = len(network.outputs if network else getattr(model, "outputs", None) or [model])
    that(several == 1, f"The network has {several} outputs; expected one.")
    try:
        _compare(_described(chain), wanted)
    except Wrong:
        parts = [(layer.kind, layer.figures, layer.activation) for layer in wanted]
        alike = _unpadded(_described(chain)) == _unpadded(wanted)
        if alike and equivalence.same(network or _traced(model, input_shape), parts):
            return
        if network is None or all(kind in TRUSTED_LEAVES for kind, _ in chain):
            raise
        if not equivalence.same(network, parts):
            _compare_figures(_described(chain), wanted)
            raise


def _unpadded(layers: list[Layer]) -> list[Layer]:
    """The layers without the padding of poolings, which adds nothing where the sizes divide."""
    return [
        replace(layer, figures={**layer.figures, "padding": ""}) if "pool" in layer.kind else layer
        for layer in layers
    ]


def _compare(got: list[Layer], wanted: list[Layer]) -> None:
    _one_activation_each(got, wanted)
    _compare_kinds(got, wanted)
    seen: dict[str, int] = {}
    for mine, theirs in zip(got, wanted, strict=True):
        number = seen[theirs.kind] = seen.get(theirs.kind, 0) + 1
        _compare_layer(mine, theirs, f"The {_ordinal(number)} {NAMES[theirs.kind]}")


def _compare_figures(got: list[Layer], wanted: list[Layer]) -> None:
    """Compare the layers before the first piece that is written by hand, by their figures only."""
    seen: dict[str, int] = {}
    for mine, theirs in zip(got, wanted, strict=False):
        if mine.kind != theirs.kind:
            return
        number = seen[theirs.kind] = seen.get(theirs.kind, 0) + 1
        alike = Layer(mine.kind, mine.figures, theirs.activation)
        _compare_layer(alike, theirs, f"The {_ordinal(number)} {NAMES[theirs.kind]}")


def _one_activation_each(got: list[Layer], wanted: list[Layer]) -> None:
    """Check for a second activation of a layer, where all other layers are those expected."""
    kinds = [layer.kind for layer in got]
    if [kind for kind in kinds if kind != "activation"] != [layer.kind for layer in wanted]:
        return
    for at, kind in enumerate(kinds[1:], start=1):
        if kind == "activation" and kinds[at - 1] != kind:
            before, number = got[at - 1], kinds[:at].count(kinds[at - 1])
            name = f"The {_ordinal(number)} {NAMES.get(before.kind, before.kind)}"
            second = findings.SecondActivation(name, before.activation, got[at].activation)
            raise Wrong(second)


def _compare_kinds(got: list[Layer], wanted: list[Layer]) -> None:
    kinds, wanted_kinds = [x.kind for x in got], [x.kind for x in wanted]
    if kinds == wanted_kinds:
        return
    for kind in dict.fromkeys(wanted_kinds + kinds):
        have, need = kinds.count(kind), wanted_kinds.count(kind)
        if have != need:
            raise Wrong(findings.LayerCount(NAMES.get(kind, kind), have, need, kinds))
    raise Wrong(findings.LayerOrder(kinds, wanted_kinds))


def _compare_layer(got: Layer, want: Layer, name: str) -> None:
    for key, value in want.figures.items():
        mine = got.figures.get(key)
        that(mine == value, findings.LayerFigure(name, key, mine, value))
    same = got.activation == want.activation
    that(same, findings.LayerActivation(name, got.activation, want.activation))


def _ordinal(number: int) -> str:
    return ORDINALS[number - 1] if number <= len(ORDINALS) else f"{number}th"
