"""In-place changes of an argument are named; a check leaves no name in the notebook."""

import numpy as np
import pytest

from convcourse import checks, training

pytestmark = pytest.mark.unit


def scale(x, by=2):
    x /= by
    return x


def append(values, more):
    more["n"] = len(values)
    values = [*values, 1]
    return values


class Network:
    """What a check knows of a Keras network."""

    def __init__(self):
        self.kernel = np.zeros(2)

    def get_weights(self):
        return [self.kernel]


def train(net, epochs):
    net.kernel = net.kernel + epochs


def best(record):
    record.history["loss"].sort()


def sooner(records):
    records["a"].seconds -= 1


def figures():
    return training.History({"loss": [2.0, 1.0, float("nan")]}, [0, 1, 2], 3.5)


@pytest.mark.parametrize(
    ("function", "args", "name"),
    [
        (scale, [np.ones(3)], "x"),
        (append, [[1], {}], "more"),
        (scale, [np.array([np.nan, 1])], "x"),
        (train, [Network(), 3], "net"),
        (best, [figures()], "record"),
        (sooner, [{"a": figures()}], "records"),
    ],
)
def test_the_argument_that_changes_is_named(function, args, name):
    with pytest.raises(checks.Wrong, match=f"{function.__name__} changes its argument {name}"):
        checks.unchanged(function, *args)


@pytest.mark.parametrize(
    "x", [np.ones(3), [1.0, 2.0], {"a": np.array([np.nan])}, None, "text", Network(), figures()]
)
def test_what_stays_passes_and_the_result_comes_back(x):
    assert checks.unchanged(lambda value: 3, x) == 3


def test_a_check_gives_every_name_back_to_the_notebook():
    names = {"checks": checks, "largest": "the student's own"}
    cell = (
        'with checks.exercise("one"):\n    largest, other = 1, 2\n    import json\n'
        "    def f(): pass\n    for i in range(2): pass\n"
    )
    exec(compile(cell, "<cell>", "exec"), names)
    assert names["largest"] == "the student's own"
    assert not {"other", "json", "f", "i"} & set(names)


def test_a_check_that_fails_gives_them_back_too():
    names = {"checks": checks, "x": 5}
    cell = 'with checks.exercise("one"):\n    x = 1\n    checks.equal(x, 2, "x")\n'
    with pytest.raises(checks.Wrong):
        exec(compile(cell, "<cell>", "exec"), names)
    assert names["x"] == 5


def test_an_array_that_is_filled_again_and_again_is_found():
    made = np.empty(2)

    def doubled(x):
        return np.multiply(x, 2, out=made)

    checks.unchanged(doubled, np.array([1.0, 2.0]))
    with pytest.raises(checks.Wrong, match="second call of doubled changes what the first one"):
        checks.unchanged(doubled, np.array([3.0, 4.0]))


def test_new_arrays_and_views_of_an_argument_are_left_alone():
    x = np.array([1.0, 2.0])
    for function in (lambda y: y * 2, lambda y: y[::-1], lambda y: [y + 1, "text"]):
        checks.unchanged(function, x)
        x += 1
        checks.unchanged(function, x)


def test_a_list_or_dictionary_that_is_filled_again_and_again_is_found():
    kept, counts = [], {}

    def collected(x):
        kept.append(x)
        return kept

    def counted(x):
        counts["x"] = x
        return counts

    for function, kind in ((collected, "list"), (counted, "dictionary")):
        checks.unchanged(function, 1)
        with pytest.raises(checks.Wrong, match=f"what the first one returned: make a new {kind}"):
            checks.unchanged(function, 2)


def test_a_list_of_an_argument_and_a_result_that_stays_are_left_alone():
    record, kept = {"loss": [1.0]}, [3, None]
    for function in (lambda given: given["loss"], lambda given: given, lambda given: kept):
        checks.unchanged(function, record)
        record["loss"].append(2.0)
        checks.unchanged(function, record)


def test_a_list_that_is_filled_again_and_again_is_found():
    def halves(numbers, made=[]):  # noqa: B006 the fault to find
        made.extend(n / 2 for n in numbers)
        return made

    checks.unchanged(halves, [2, 4])
    with pytest.raises(checks.Wrong, match="make a new list in each call"):
        checks.unchanged(halves, [2, 4])


def test_a_new_list_and_an_argument_that_comes_back_are_left_alone():
    given = [1, 2]
    for function in (lambda x: [*x, (3, {"four": "4"})], lambda x: x, lambda x: [len, x]):
        checks.unchanged(function, given)
        given.append(5)
        checks.unchanged(function, given)
