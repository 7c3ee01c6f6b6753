"""Messages read as sentences: the verb follows its subject, and a value shows no address."""

import numpy as np
import pytest

from convcourse.findings import Dtype, Elements, Length, Shape, Value
from convcourse.outcomes import explain
from convcourse.wording import is_plural, short

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("subject", "plural"),
    [
        ("The edges of two bins", True),
        ("The rates from 0.001 to 0.1", True),
        ("The loss and the accuracy", True),
        ("The areas of the bars", True),
        ("The loss of two images", False),
        ("The bias of all filters", False),
        ("The list of the layers' types", False),
        ("The GFLOP/s for two sizes", False),
        ("What the network predicts", False),
        ("scale", False),
        ("The gap over the last three epochs", False),
        ("For a history over all epochs and last=4, the gap", False),
        ("For input_shape=(40, 48, 3) and classes=7, the size of the input", False),
        ("The labels of other batches, entry 5", False),
        ("With three filters, the weights of a layer", True),
    ],
)
def test_a_verb_follows_its_subject(subject, plural):
    assert is_plural(subject) == plural
    verb = "have" if plural else "has"
    assert (
        Dtype(subject, "int64", "uint8").told() == f"{subject} {verb} dtype int64; expected uint8."
    )
    assert Length(subject, 1, 3).told() == f"{subject} {verb} 1 entry; expected 3."
    assert Value(subject, 1, "2").told().startswith(f"{subject} {'are' if plural else 'is'} 1;")
    differ = "differ" if plural else "differs"
    assert Elements(subject, 1, 2).told() == f"{subject} {differ} in 1 of 2 places."


@pytest.mark.parametrize(
    ("got", "want", "told", "hidden"),
    [
        (
            (1,),
            (),
            "an array of shape (1,); expected a single value.",
            "an array; expected a single",
        ),
        (
            (),
            (3,),
            "a single value; expected an array of shape (3,).",
            "a single value; expected an",
        ),
    ],
)
def test_a_single_value_is_called_so(got, want, told, hidden):
    shape = Shape("The loss", got, want)
    assert shape.told() == f"The loss is {told}"
    assert shape.told_without_values().startswith(f"The loss is {hidden}")


def test_a_list_of_another_length_is_not_described_by_its_axes():
    shape = Shape("The list", (2,), (3,))
    assert (
        shape.told_without_values()
        == "The list has another shape than expected: another number of entries."
    )


def test_a_single_axis_is_not_plural():
    shape = Shape("The array", (0,), (0, 2, 2))
    assert shape.told_without_values().endswith(": 1 axis in place of 3.")


def test_a_value_without_words_of_its_own_is_named_by_its_type():
    assert short(n for n in range(3)) == "a generator" and short(np.int64(3)) == "3"


def test_tensorflows_own_names_are_left_out():
    words = (
        "{{function_node __wrapped__Conv2D_device_/job:0}} input depth is wrong [Op:Conv2D] name: "
    )
    assert explain(ValueError(words)).outcome.message.startswith("ValueError: input depth is wrong")
