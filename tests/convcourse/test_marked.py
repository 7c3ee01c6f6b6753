"""Images that show what a function trains on, in whatever colors it shows them."""

from types import SimpleNamespace

import numpy as np
import pytest

from convcourse import marked, shapes
from convcourse.outcomes import Wrong

pytestmark = pytest.mark.unit

GIVEN = marked.made(24, 10, seed=3)


def training(x=GIVEN.x, y=GIVEN.y, val_x=GIVEN.val_x, val_y=GIVEN.val_y, by="fit"):
    return SimpleNamespace(x=x, y=y, val_x=val_x, val_y=val_y, by=by)


def padded(x):
    return np.pad(x, ((0, 0), (5, 0), (0, 3), (0, 0)))[:, :32, -32:]


def noisy(x):
    return x + np.random.default_rng(1).normal(0, 0.05, x.shape)


CHANGES = {
    "mirrored": lambda x: x[:, ::-1, ::-1],
    "turned": lambda x: np.rot90(x, axes=(1, 2)),
    "moved": padded,
    "green": lambda x: x[..., [1, 0, 2]],
    "gray": lambda x: np.repeat(x.mean(-1, keepdims=True), 3, -1),
    "gray and moved": lambda x: padded(np.repeat(x.mean(-1, keepdims=True), 3, -1)),
    "clipped": lambda x: np.clip(2.5 * x, 0, 1),
    "inverted": lambda x: 1 - x,
    "noisy": noisy,
    "from -1 to 1": lambda x: 2 * x - 1,
    "mixed": lambda x: 0.7 * x + 0.3 * x[::-1],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_images_are_known(change):
    GIVEN.check(training(x=change(GIVEN.x), val_x=change(GIVEN.val_x)), "f")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_one_changed_validation_image_among_all_is_found(change):
    x = np.concatenate([GIVEN.x, change(GIVEN.val_x)[:1]])
    with pytest.raises(Wrong, match="f fits the weights to the validation images too"):
        GIVEN.check(training(x=x, y=np.zeros(25)), "f")


def test_other_images_are_named():
    others = np.float32(shapes.shapes10(40)[0]) / 255
    with pytest.raises(Wrong, match="f fits the weights to other images than its argument x"):
        GIVEN.check(training(x=np.concatenate([GIVEN.x, others])), "f")
    with pytest.raises(Wrong, match="f validates on other images than its arguments hold"):
        GIVEN.check(training(val_x=others), "f")


def test_labels_go_with_the_images_that_are_as_they_were():
    order, hot = np.random.default_rng(0).permutation(24), np.eye(10)[GIVEN.y[:, 0]]
    GIVEN.check(training(x=GIVEN.x[order], y=GIVEN.y[order]), "f")
    GIVEN.check(training(y=0.9 * hot + 0.01), "f")
    GIVEN.check(training(x=GIVEN.x / 2, y=GIVEN.y[order]), "f")  # nobody knows what they are
    for labels in (GIVEN.y[order], hot[order], np.ravel(GIVEN.y)[::-1]):
        with pytest.raises(Wrong, match="f trains images with labels that are not their own"):
            GIVEN.check(training(y=labels), "f")


def test_what_is_no_array_of_images_is_left_alone():
    GIVEN.check(training(x=None, y=None, val_x=None, val_y=None), "f")
    GIVEN.check(training(x=np.zeros((3, 5)), val_x=np.zeros((3, 2, 2, 3))), "f")


def test_weights_that_are_fitted_outside_fit_are_named():
    with pytest.raises(Wrong, match="f fits weights outside"):
        GIVEN.check(training(by="train_on_batch"), "f")
