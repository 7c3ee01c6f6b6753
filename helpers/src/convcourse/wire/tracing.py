"""What a Keras model computes, as a list of steps, however it was written.

`trace` runs a model once on symbols and reads what TensorFlow recorded: calls of Keras's built-in
layers, and single operations between them. Two batch sizes tell a number of images from any other
number. `convcourse.wire.lifting` makes a network of built-in layers from the steps.
"""

import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convcourse.wire import penalties, recording
from convcourse.wire.export import MAX_TEXT, ExportError
from convcourse.wire.operations import ADMITTED, PASSED_ON, refusal

BATCHES = (61, 67)  # primes that no layer's size is likely to have as a factor
MAX_STEPS = 2_000
# Layers that do nothing while a network predicts, so that a model may leave out the call.
INERT = {
    "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    "ActivityRegularization", "RandomFlip", "RandomTranslation", "RandomRotation", "RandomZoom",
    "RandomErasing", "RandomContrast", "RandomBrightness",
}  # fmt: skip


@dataclass
class Step:
    """One value of the computation.

    Attributes:
        do: ``input``, ``weight``, ``constant``, ``layer``, or an operation's type.
        of: Where its inputs come from: pairs of a step's number and an output's, or lists of these.
        given: Attributes of an operation; of another step, what it stands for.
        shape: The shape of its first output.
    """

    do: str
    of: list = field(default_factory=list)
    given: Any = None
    shape: list = field(default_factory=list)


def trace(model: Any, shapes: Any = None) -> tuple[dict, list[np.ndarray]]:
    """Read what a model computes while it predicts.

    Args:
        model: A Keras model, of any kind.
        shapes: The shape of one input, (H, W, C), or a list of these, for a model that is not
            built; None takes what the model was built with.

    Returns:
        A tree of JSON values: ``inputs``, ``layers``, ``weights``, ``steps`` and ``outputs``. And
        the arrays that it refers to.

    Raises:
        ExportError: If the network cannot run on symbols, or has an operation that is not admitted.
    """
    inputs = recording.inputs_of(model, shapes)
    recording.build(model, inputs)
    runs = [_read(recording.record(model, inputs, batch, False), model) for batch in BATCHES]
    steps = _without_the_batch(*(run.steps for run in runs))
    outputs = runs[0].outputs
    if recording.consists_of_keras(model, without=INERT):
        return _packed(model, inputs, steps, outputs)  # a training would take the same steps
    with contextlib.suppress(ExportError):  # what it does in training is no part of a prediction
        trained = [_read(recording.record(model, inputs, b, True), model) for b in BATCHES]
        longer = _without_the_batch(*(run.steps for run in trained))
        if _skeleton(longer, trained[0].outputs) == _skeleton(steps, outputs):
            steps, outputs = longer, trained[0].outputs
    return _packed(model, inputs, steps, outputs)


@dataclass
class _Run:
    steps: list[Step]
    outputs: list


def _read(record: recording.Record, model: Any) -> _Run:
    """The steps that the outputs depend on, in the order in which the model makes them."""
    reader = _Reader(record, model)
    outputs = [reader.place(tensor) for tensor in record.outputs]
    return _Run(reader.steps, outputs)


class _Reader:
    def __init__(self, record: recording.Record, model: Any) -> None:
        self.record = record
        self.steps: list[Step] = []
        self.places: dict[str, tuple[int, int]] = {}
        self.known: dict[str, np.ndarray | None] = {}
        needed = self._needed()
        for number, tensor in enumerate(record.inputs):
            self._add(tensor, Step("input", [], number))
        for operation in record.graph.get_operations():
            if operation.name not in needed or operation.type == "Placeholder":
                continue
            if self._fills(operation) is None:
                self._take(operation)

    def place(self, tensor: Any) -> tuple[int, int]:
        """Where a tensor is made; a constant becomes a step when it is asked for."""
        if tensor.name not in self.places:
            value, given = self._value(tensor), self._fills(tensor.op)
            if given is None and value is None:
                raise ExportError(refusal(tensor.op.type))
            step = self._filled(value) if given is None else self._fill(*given)
            self._add(tensor, step or Step("constant", [], value))
        return self.places[tensor.name]

    def _fills(self, operation: Any) -> list[np.ndarray] | None:
        """What an operation fills an array with, its shape and a number, if both are known.

        It is taken when it is asked for, as a constant is: with one number of images TensorFlow may
        make the array at once, and with the other by an operation that comes earlier.
        """
        if operation.type != "Fill":
            return None
        shape, number = (self._value(tensor) for tensor in operation.inputs)
        return None if shape is None or number is None else [shape.astype(np.int32), number]

    def _filled(self, value: Any) -> Step | None:
        """The operation that fills an array for each image, if TensorFlow has done so by itself.

        It makes zeros of fewer than 1,000 numbers at once, and more with an operation.
        """
        images = self.record.inputs[0].shape[0]
        if value.dtype.kind != "f" or value.ndim < 2 or value.shape[0] != images:
            return None
        if np.any(value != value.flat[:1]):
            return None
        number = value.flat[0] if value.size else value.dtype.type(0)
        return self._fill(np.array(value.shape, np.int32), np.asarray(number))

    def _fill(self, shape: np.ndarray, number: np.ndarray) -> Step:
        of = []
        for array in (shape, number):
            self.steps.append(Step("constant", [], array, list(array.shape)))
            of.append((len(self.steps) - 1, 0))
        return Step("Fill", of, {})

    def _needed(self) -> set[str]:
        found: set[str] = set()
        waiting = list(self.record.outputs)
        while waiting:
            tensor = waiting.pop()
            if tensor.op.name not in found and self._value(tensor) is None:
                found.add(tensor.op.name)
                waiting += self._sources(tensor.op)
        return found

    def _sources(self, operation: Any) -> list:
        call = self.record.calls.get(operation.outputs[0].name) if operation.outputs else None
        return call.flat if call else list(operation.inputs)

    def _value(self, tensor: Any) -> np.ndarray | None:
        """The value of a tensor that depends on neither images nor weights, if it is known."""
        if tensor.name not in self.known:
            self.known[tensor.name] = self.record.constant(tensor)
        return self.known[tensor.name]

    def _add(self, tensor: Any, step: Step) -> None:
        shape = [] if tensor.shape.rank is None else list(tensor.shape)
        if len(self.steps) >= MAX_STEPS:
            raise ExportError(f"the network has more than {MAX_STEPS:,} steps")
        self.steps.append(Step(step.do, step.of, step.given, shape))
        for number, output in enumerate(tensor.op.outputs):
            self.places[output.name] = (len(self.steps) - 1, number)
        self.places[tensor.name] = (len(self.steps) - 1, self.places[tensor.name][1])

    def _take(self, operation: Any) -> None:
        first = operation.outputs[0]
        call = self.record.calls.get(first.name)
        if call is not None:
            of = [self.place(t) for t in call.flat]
            self._add(first, Step("layer", [of if call.listed else of[0]], call.layer))
        elif operation.type in ("ReadVariableOp", "ResourceGather"):
            self._take_variable(operation)
        elif operation.type in PASSED_ON:
            for output, source in zip(operation.outputs, operation.inputs, strict=False):
                self.places[output.name] = self.place(source)
        elif operation.type in ADMITTED:
            self._take_operation(operation)
        elif self._value(first) is None:
            raise ExportError(refusal(operation.type))

    def _take_variable(self, operation: Any) -> None:
        variable = self.record.variables.get(operation.inputs[0].name)
        if operation.type != "ReadVariableOp" or variable is None:
            raise ExportError(refusal(operation.type))
        do = "weight" if hasattr(variable, "regularizer") else "constant"
        given = variable if do == "weight" else np.asarray(variable)
        self._add(operation.outputs[0], Step(do, [], given))

    def _take_operation(self, operation: Any) -> None:
        signature, given = ADMITTED[operation.type], list(operation.inputs)
        of: list = []
        for position, name in enumerate(signature.inputs):
            if name.endswith("*"):
                most = len(given) - (len(signature.inputs) - position - 1)
                of.append([self.place(given.pop(0)) for _ in range(most)])
            else:
                of.append(self.place(given.pop(0)))
        attributes = {name: recording.attribute(operation, name) for name in signature.attributes}
        self._add(operation.outputs[0], Step(operation.type, of, attributes))


def _without_the_batch(one: list[Step], other: list[Step]) -> list[Step]:
    """Steps that hold for any number of images, from those for two numbers."""
    another = ExportError(
        "the network is another one each time it is called, or depends on how many images it gets; "
        "make its layers in __init__"
    )
    if [(s.do, s.of) for s in one] != [(s.do, s.of) for s in other]:
        raise another
    made = []
    for a, b in zip(one, other, strict=True):
        given = a.given
        if a.do == "constant" and not _same(a.given, b.given):
            given = _multiples(a.given, b.given)
        elif a.do == "layer":
            given = a.given if recording.same_layer(a.given, b.given) else None
        elif a.do != "constant" and a.given is not b.given and a.given != b.given:
            given = None
        if given is None and a.given is not None:
            raise another
        shape = [m if m == n else None for m, n in zip(a.shape, b.shape, strict=False)]
        made.append(Step(a.do, a.of, given, shape))
    return made


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def _multiples(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Whole numbers that grow with the number of images: their fixed part and their factor."""
    if a.shape != b.shape or a.dtype.kind not in "iu" or a.size > 16:
        return None
    first, second = BATCHES
    factor = (b.astype(np.int64) - a) // (second - first)
    fixed = a.astype(np.int64) - factor * first
    return (fixed, factor) if (fixed + factor * second == b).all() else None


def _skeleton(steps: list[Step], outputs: list) -> list:
    """The steps without layers that do nothing in prediction, numbered anew."""
    numbers: dict[int, Any] = {}
    kept: list = []

    def placed(ref: Any) -> Any:
        if isinstance(ref, list):
            return [placed(one) for one in ref]
        return (numbers[ref[0]], ref[1]) if ref[1] else numbers[ref[0]]

    for at, step in enumerate(steps):
        if step.do == "layer" and recording.kind_of(step.given) in INERT:
            numbers[at] = placed(step.of[0])
            continue
        numbers[at] = len(kept)
        kept.append((step.do, placed(step.of), _identity(step)))
    return [kept, placed(outputs)]


def _identity(step: Step) -> Any:
    if step.do == "layer" and not step.given.weights:
        return recording.nameless(step.given)
    if step.do in ("layer", "weight"):
        return id(step.given)
    return step.given.tobytes() if isinstance(step.given, np.ndarray) else repr(step.given)


def _packed(
    model: Any, inputs: list, steps: list[Step], outputs: list
) -> tuple[dict, list[np.ndarray]]:
    packer = _Packer(model)
    lines = [packer.line(step) for step in steps]
    packer.add_the_rest()
    tree = {
        "name": str(model.name)[:100],
        "inputs": [{"shape": list(spec.shape), "dtype": spec.dtype} for spec in inputs],
        "layers": packer.layers,
        "weights": packer.weights,
        "steps": lines,
        "outputs": [list(ref) for ref in outputs],
    }
    text = json.dumps(tree)
    if len(text) > MAX_TEXT:
        raise ExportError("the network's description is too long")
    return json.loads(text), packer.arrays


class _Packer:
    """Gathers the layers, weights and arrays that steps refer to, each once."""

    def __init__(self, model: Any) -> None:
        self.owned = {id(w): w for w in model.weights}
        self.layers: list[dict] = []
        self.weights: list[dict] = []
        self.arrays: list[np.ndarray] = []
        self._layers: dict[int, int] = {}
        self._weights: dict[int, int] = {}

    def line(self, step: Step) -> dict:
        line: dict[str, Any] = {"do": step.do, "of": step.of, "shape": step.shape}
        if step.do == "input":
            line["at"] = step.given
        elif step.do == "constant":
            fixed, *factor = step.given if isinstance(step.given, tuple) else (step.given,)
            line["at"], line["images"] = self._array(fixed), [self._array(f) for f in factor]
        elif step.do == "weight":
            line["at"] = self._weight(step.given)
        elif step.do == "layer":
            line["at"] = self._layer(step.given)
        else:
            line["with"] = step.given
        return line

    def add_the_rest(self) -> None:
        """Weights that the output does not depend on count as well, as Keras counts them."""
        for weight in list(self.owned.values()):
            self._weight(weight)

    def _array(self, array: np.ndarray) -> int:
        self.arrays.append(np.asarray(array))
        return len(self.arrays) - 1

    def _layer(self, layer: Any) -> int:
        if id(layer) not in self._layers:
            weights = [self._weight(weight) for weight in layer.weights]
            self._layers[id(layer)] = len(self.layers)
            self.layers.append({**(recording.config_of(layer) or {}), "weights": weights})
        return self._layers[id(layer)]

    def _weight(self, weight: Any) -> int:
        if id(weight) not in self.owned:
            raise ExportError(
                "the network uses a layer or a weight that is not its own, so that training leaves "
                "it as it is; assign it to self in __init__"
            )
        if id(weight) not in self._weights:
            self._weights[id(weight)] = len(self.weights)
            line = {"at": self._array(np.asarray(weight)), "trainable": bool(weight.trainable)}
            self.weights.append({**line, "regularizer": penalties.regularizer_of(weight)})
        return self._weights[id(weight)]
