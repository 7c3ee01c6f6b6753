"""The script for the record: what it builds, draws and reads. The training itself needs a GPU."""

import importlib.util

import exercise
import keras
import numpy as np
import pytest


@pytest.fixture(scope="module")
def record():
    path = exercise.COURSE / "records" / "cifar10_94.py"
    spec = importlib.util.spec_from_file_location("cifar10_94", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_network_has_the_size_that_the_script_names(record):
    assert 6.5e6 < record.network().count_params() < 6.65e6


def test_the_rate_rises_to_its_highest_value_and_ends_near_zero(record):
    schedule = record.RiseAndFall(50)
    rates = np.array([float(schedule(step)) for step in range(50)])
    assert rates.argmax() in (9, 10) and rates.max() == pytest.approx(record.PEAK, rel=1e-6)
    assert np.all(np.diff(rates[:10]) > 0) and np.all(np.diff(rates[10:]) < 0)
    assert rates[-1] == pytest.approx(record.PEAK / 40)


def test_a_crop_is_a_part_of_its_own_image_mirrored_or_not_with_one_hole(record):
    rows, columns = np.mgrid[:40, :40]
    places = np.stack([rows, columns, 0 * rows + 1], -1)
    padded = np.stack([places + np.array([0, 0, k]) for k in range(64)]).astype("float32")
    made = record.augmented(padded, np.random.default_rng(1))
    assert made.shape == (64, 32, 32, 3)
    mirrored = corners = 0
    for k, image in enumerate(made):
        hole = image[..., 2] == 0
        assert hole.sum() == record.HOLE**2 and np.all(image[~hole][:, 2] == k + 1)
        down, right = np.diff(image[..., 0], axis=0), np.diff(image[..., 1], axis=1)
        assert np.all(down[~hole[1:] & ~hole[:-1]] == 1)
        steps = np.unique(right[~hole[:, 1:] & ~hole[:, :-1]])
        assert steps.tolist() in ([1], [-1])
        mirrored += steps[0] == -1
        corners += image[~hole][:, 0].min() == 0
    assert 20 <= mirrored <= 44 and 0 < corners < 20


def test_each_epoch_has_each_image_at_most_once_in_another_order(record):
    y = keras.utils.to_categorical(np.arange(1_100) % 10, 10)
    batches = record.Augmented(np.zeros((1_100, 32, 32, 3), "float32"), y, seed=1)
    before = [batches[k][1] for k in range(len(batches))]
    assert [len(one) for one in before] == [512, 512]
    batches.on_epoch_end()
    assert not np.array_equal(before[0], batches[0][1])
