"""The generated images are the same to the byte everywhere, balanced, and share no shape."""

import hashlib

import numpy as np
import pytest

from helpers import shapes


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("make", "split", "want"),
    [
        (shapes.shapes10, 0, "e7561c374c50ed62"),
        (shapes.shapes10, 1, "984252b8150241ad"),
        (shapes.shapes100, 0, "f5a2f5e24413571e"),
        (shapes.shapes100, 1, "a4e06ab68d063284"),
    ],
)
def test_the_bytes_of_a_seed_never_change(make, split, want):
    assert digest(make(500, split=split)[0]) == want


def test_an_image_does_not_depend_on_how_many_are_asked_for():
    many, few = shapes.shapes10(200)[0], shapes.shapes10(30)[0]
    assert np.array_equal(many[:30], few)
    assert np.array_equal(shapes.shapes10(50, start=100)[0], many[100:150])


def test_types_and_shapes_are_those_of_keras_and_classes_are_balanced():
    (x, y), (xt, _) = shapes.load_shapes10(100, 50)
    assert x.shape == (100, 32, 32, 3) and x.dtype == np.uint8
    assert y.shape == (100, 1) and np.bincount(y[:, 0]).tolist() == [10] * 10
    assert len(xt) == 50 and not np.array_equal(xt, x[:50])


def test_superclasses_are_the_shape_of_the_fine_class():
    _, fine, coarse = shapes.shapes100(200)
    assert np.array_equal(fine // 5, coarse)
    assert sorted(np.bincount(fine[:, 0]).tolist()) == [2] * 100


def test_the_two_sets_share_no_shape():
    assert not set(shapes.CLASSES10) & set(shapes.SUPERCLASSES)


def test_another_seed_gives_other_images():
    assert not np.array_equal(shapes.shapes10(10)[0], shapes.shapes10(10, seed=1)[0])
