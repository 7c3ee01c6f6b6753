"""The TensorFlow operations that a network may consist of, beside Keras's own layers.

A network that is not just built-in layers crosses as a list of these. Each has inputs and
attributes, both by the names of ``tf.raw_ops``. No operation here calls Python, reads or writes
files, draws random numbers, or runs a loop.
"""

import re
from dataclasses import dataclass
from typing import Any

from convcourse.wire.export import ExportError

MAX_NUMBER = 1_000_000
MAX_ENTRIES = 16  # of a list that is an attribute
# Names, and what these operations take: inputs | attributes; an input with * is a list of tensors.
_TABLE = (
    ("Abs Neg Exp Expm1 Log Log1p Sqrt Rsqrt Square Reciprocal Inv Sign", "x"),
    ("Floor Ceil Round Rint Sigmoid Tanh Sin Cos Erf Erfc LogicalNot IsNan IsFinite", "x"),
    ("IsInf ZerosLike OnesLike", "x"),
    ("Relu Relu6 Elu Selu Softplus Softsign", "features"),
    ("LeakyRelu", "features | alpha"),
    ("Softmax LogSoftmax", "logits"),
    ("Cast", "x | DstT"),
    ("AddV2 Add Sub Mul RealDiv Div DivNoNan MulNoNan Maximum Minimum Pow", "x y"),
    ("SquaredDifference FloorDiv FloorMod Greater GreaterEqual Less LessEqual", "x y"),
    ("Equal NotEqual LogicalAnd LogicalOr", "x y"),
    ("AddN", "inputs*"),
    ("BiasAdd", "value bias | data_format"),
    ("SelectV2", "condition t e"),
    ("ClipByValue", "t clip_value_min clip_value_max"),
    ("Sum Mean Max Min Prod All Any EuclideanNorm", "input axis | keep_dims"),
    ("ArgMax ArgMin", "input dimension | output_type"),
    ("Cumsum", "x axis | exclusive reverse"),
    ("Reshape", "tensor shape"),
    ("Squeeze", "input | axis"),
    ("ExpandDims", "input axis"),
    ("Transpose", "x perm"),
    ("ConcatV2", "values* axis"),
    ("Pack", "values* | axis"),
    ("Unpack", "value | num axis"),
    ("Split", "axis value | num_split"),
    ("SplitV", "value size_splits axis | num_split"),
    (
        "StridedSlice",
        "input begin end strides | "
        "begin_mask end_mask ellipsis_mask new_axis_mask shrink_axis_mask",
    ),
    ("Slice", "input begin size"),
    ("Pad", "input paddings"),
    ("PadV2", "input paddings constant_values"),
    ("MirrorPad", "input paddings | mode"),
    ("Tile", "input multiples"),
    ("BroadcastTo", "input shape"),
    ("Fill", "dims value"),
    ("Range", "start limit delta"),
    ("GatherV2", "params indices axis | batch_dims"),
    ("ReverseV2", "tensor axis"),
    ("Roll", "input shift axis"),
    ("MatMul", "a b | transpose_a transpose_b"),
    ("BatchMatMulV2", "x y | adj_x adj_y"),
    ("Einsum", "inputs* | equation"),
    (
        "Conv2D DepthwiseConv2dNative",
        "input filter | strides padding explicit_paddings data_format dilations",
    ),
    ("MaxPool", "input | ksize strides padding data_format explicit_paddings"),
    ("AvgPool", "value | ksize strides padding data_format"),
    ("ResizeBilinear ResizeNearestNeighbor", "images size | align_corners half_pixel_centers"),
)
PASSED_ON = {  # operations that change no value
    "Identity", "IdentityN", "StopGradient", "PreventGradient", "EnsureShape", "CheckNumerics",
    "Snapshot",
}  # fmt: skip
_WORDS = {"SAME", "VALID", "EXPLICIT", "NHWC", "REFLECT", "SYMMETRIC"}
_DTYPES = {"float32", "float64", "float16", "bfloat16", "int32", "int64", "uint8", "bool"}
_EQUATION = re.compile(r"[A-Za-z]{0,8}(,[A-Za-z]{0,8}){0,7}->[A-Za-z]{0,8}")
_REMEDY = "use Keras's layers and keras.ops"
_MEANINGS = (
    ("PyFunc", f"the network calls Python while it predicts; {_REMEDY}"),
    (
        "Random|Bernoulli|Multinomial|Philox|RngRead",
        "the network draws random numbers while it predicts; draw them only if training is true",
    ),
    (
        "While|If|Case|For|Map|Switch|Merge|Scan|TensorList",
        "the network has a loop or a condition that TensorFlow runs (tf.while_loop, tf.map_fn or "
        f"tf.cond); {_REMEDY} on the whole batch",
    ),
    ("File|Decode|Print|Save|Restore", f"the network reads or writes files; {_REMEDY}"),
)


@dataclass(frozen=True)
class Signature:
    """What an operation takes: the names of its inputs, lists with ``*``, and its attributes."""

    inputs: tuple[str, ...]
    attributes: tuple[str, ...]


def _signature(takes: str) -> Signature:
    inputs, _, attributes = takes.partition("|")
    return Signature(tuple(inputs.split()), tuple(attributes.split()))


ADMITTED = {name: _signature(takes) for names, takes in _TABLE for name in names.split()}


def refusal(operation: str) -> str:
    """Say in plain words why an operation is not admitted, and what to use in its place.

    Args:
        operation: The type of a TensorFlow operation.

    Example:
        >>> refusal("EagerPyFunc")
        "the network calls Python while it predicts; use Keras's layers and keras.ops"
    """
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, operation):
            return meaning
    return f"the network uses TensorFlow's {operation}, which cannot be checked; {_REMEDY}"


def checked(operation: Any, attributes: Any) -> dict[str, Any]:
    """Check the attributes of an operation from a sender who is not trusted.

    Args:
        operation: Its type.
        attributes: Their values by name.

    Returns:
        The attributes as ``tf.raw_ops`` takes them.

    Raises:
        ExportError: If the operation is not admitted or an attribute is not one of its own, or is
            larger than needed here.
    """
    if not isinstance(operation, str) or operation not in ADMITTED:
        raise ExportError("the network has an operation that cannot be checked; use Keras's layers")
    if not isinstance(attributes, dict) or not set(attributes) <= set(
        ADMITTED[operation].attributes
    ):
        raise ExportError("an operation of the network has an attribute that is not its own")
    return {name: _checked(name, value) for name, value in attributes.items()}


def _checked(name: str, value: Any) -> Any:
    if isinstance(value, list) and len(value) <= MAX_ENTRIES and name != "equation":
        return [_checked(name, entry) for entry in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and abs(value) <= MAX_NUMBER:  # false for nan
        return value
    if isinstance(value, str):
        allowed = _DTYPES if name in ("DstT", "output_type") else _WORDS
        if value in allowed or (name == "equation" and _EQUATION.fullmatch(value)):
            return value
    raise ExportError("an operation of the network has an attribute that cannot be right")
