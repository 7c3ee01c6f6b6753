"""The generated images are the same to the byte everywhere, balanced, and share no shape."""

import hashlib

import numpy as np
import pytest

from convcourse import shapes
from convcourse.shapes.distances import DISTANCES
from convcourse.shapes.fields import FIELD_WORDS, FIELDS, LOW, NOISE_WORDS, TEXTURE_WORDS
from convcourse.shapes.hashing import GOLDEN_RATIO, _mix, image_keys, uniforms
from convcourse.shapes.rendering import render

pytestmark = pytest.mark.unit


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


@pytest.mark.parametrize(
    ("name", "n", "split", "seed", "start", "images", "labels"),
    [
        ("shapes10", 700, 0, 1, 0, "e389aab3933baaaf", "a70a869f69e2fac4"),
        ("shapes10", 133, 0, 0, 777, "1fb44610a16a3ca6", "3a67b71555e1b10c"),
        ("shapes10", 257, 1, 123456789, 1234, "e830454d4e682f5d", "d641f7a539b3b301"),
        ("shapes10", 10, 0, 1099511627776, 5, "400320f4504c2394", "c164ca02662f6a0a"),
        ("shapes100", 500, 1, 0, 0, "a4e06ab68d063284", "6a4aa2e63fb1e147"),
        ("shapes100", 700, 0, 1, 0, "64ce338fe307bfcb", "a59f5be1d54f0f26"),
        ("shapes100", 133, 0, 0, 777, "bcd897e7a798c8b1", "8a9e077833f154ad"),
        ("shapes100", 257, 1, 123456789, 1234, "3c854a3cab247275", "cfbff25b5b7c72e8"),
    ],
)
def test_other_seeds_splits_and_offsets_keep_their_bytes(
    name, n, split, seed, start, images, labels
):
    x, y, *_ = getattr(shapes, name)(n, split=split, seed=seed, start=start)
    assert (digest(x), digest(y)) == (images, labels)


def test_an_image_does_not_depend_on_how_many_are_asked_for():
    many, few = shapes.shapes10(200)[0], shapes.shapes10(30)[0]
    assert np.array_equal(many[:30], few)
    assert np.array_equal(shapes.shapes10(50, start=100)[0], many[100:150])


def test_images_that_are_kept_are_those_that_would_be_drawn(monkeypatch):
    asked = {"some": (30, 0, 0, 5), "more": (80,), "test": (20, 1), "other": (20, 0, 7)}
    drawn = {k: shapes.shapes10(*asked[k]) for k in asked}
    monkeypatch.setattr(shapes, "_kept", {})
    shapes.keep(40, 20)
    with monkeypatch.context() as none:
        none.setattr(shapes, "render", None)
        x, y = shapes.shapes10(*asked["some"])
        x[:], y[:] = 0, 0  # whoever changes what they got changes nothing for the next
        kept = {k: shapes.shapes10(*asked[k]) for k in ("some", "test")}
    kept |= {k: shapes.shapes10(*asked[k]) for k in ("more", "other")}
    for k in asked:
        assert all(np.array_equal(a, b) for a, b in zip(drawn[k], kept[k], strict=True)), k


def test_the_hundred_classes_start_anywhere_too():
    x, fine, coarse = shapes.shapes100(120)
    some_x, some_fine, some_coarse = shapes.shapes100(17, start=93)
    assert np.array_equal(x[93:110], some_x)
    assert np.array_equal(fine[93:110], some_fine) and np.array_equal(coarse[93:110], some_coarse)


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
    assert sorted(shapes.CLASSES10 + shapes.SUPERCLASSES) == sorted(DISTANCES)


def test_every_shape_is_a_figure_of_its_own():
    u, v = np.meshgrid(*2 * [np.linspace(-1.6, 1.6, 65, dtype=np.float32)])
    figures = {name: distance(u, v) < 0 for name, distance in DISTANCES.items()}
    for name, inside in figures.items():
        assert 0.1 < inside[13:-13, 13:-13].mean() < 0.9, f"{name} does not fill its frame"
        border = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
        assert not border.any(), f"{name} leaves its frame"
    assert len({inside.tobytes() for inside in figures.values()}) == 30


def test_distances_stay_float32_under_every_numpy():
    u, v = np.meshgrid(*2 * [np.linspace(-1, 1, 9, dtype=np.float32)])
    assert {distance(u, v).dtype for distance in DISTANCES.values()} == {np.dtype(np.float32)}


def test_a_fill_changes_the_figure_and_leaves_the_rest():
    keys = image_keys(100, 0, 0, np.arange(40))
    plain, halved = (render(keys, "diamond", np.full(40, fill)) for fill in (0, 3))
    changed = (plain != halved).any(axis=-1).mean(axis=(1, 2))
    assert (changed > 0.02).all() and (changed < 0.5).all()


def test_no_number_is_drawn_twice():
    assert len({field.name for field in FIELDS}) == len(FIELDS)
    assert FIELD_WORDS + len(LOW) <= NOISE_WORDS  # noise and texture have words of their own
    assert NOISE_WORDS + 3 * 32 * 32 // 8 <= TEXTURE_WORDS


def test_the_hash_is_splitmix64():
    # The first three numbers of the published generator with seed 0.
    states = np.arange(1, 4, dtype=np.uint64) * GOLDEN_RATIO
    want = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert _mix(states).tolist() == want


def test_uniform_numbers_fill_the_range_evenly():
    numbers = uniforms(image_keys(10, 0, 0, np.arange(2_000)), 1, 20)
    assert numbers.dtype == np.float32 and numbers.min() >= 0 and numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.01 and abs(numbers.var() - 1 / 12) < 0.002
    assert np.abs(np.corrcoef(numbers.T) - np.eye(20)).max() < 0.1


def test_another_seed_gives_other_images():
    assert not np.array_equal(shapes.shapes10(10)[0], shapes.shapes10(10, seed=1)[0])
