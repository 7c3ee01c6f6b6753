"""Data is found, verified and named; a damaged or hostile file is refused with one sentence."""

import os
import pickle

import numpy as np
import pytest

from convcourse import data

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small official-looking CIFAR-10, named in COURSE_DATA under the profile quick."""
    made = data.sample_batch_folder(tmp_path, images=50)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    return made


def test_offline_says_that_generated_images_stand_in(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "offline")
    made = data.load("cifar10", train=50, test=20)
    assert (len(made.x_train), len(made.x_test)) == (50, 20)
    assert "stand in for CIFAR-10" in capsys.readouterr().out


def test_official_batches_are_read_in_the_right_order_of_axes(folder):
    from convcourse import shapes

    made = data.load("cifar10")
    assert made.x_train.shape == (250, 32, 32, 3) and made.y_train.shape == (250, 1)
    assert np.array_equal(made.x_train, shapes.shapes10(250)[0])


def test_a_subset_is_balanced_and_keeps_the_order(folder):
    made = data.load("cifar10", train=100, test=20)
    assert np.bincount(made.y_train[:, 0]).tolist() == [10] * 10
    assert np.bincount(made.y_test[:, 0]).tolist() == [2] * 10


def test_scaled_images_are_floats_in_zero_to_one(folder):
    made = data.load("cifar10").scaled()
    assert made.x_train.dtype == np.float32
    assert made.x_train.min() >= 0 and made.x_train.max() <= 1


class Hostile:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda raw: raw[: len(raw) // 2], "cannot be read"),
        (lambda raw: pickle.dumps(Hostile()), "no data file needs"),
        (lambda raw: pickle.dumps({b"data": np.zeros((5, 3), np.uint8)}), "3,072"),
        (lambda raw: pickle.dumps([1, 2]), "damaged"),
        (lambda raw: _with(raw, b"labels", [77] * 50), "0 to 9"),
        (lambda raw: _with(raw, b"labels", [1] * 49), "one label for each"),
        (lambda raw: pickle.dumps(np.array([Hostile()])), "no data file needs"),
    ],
)
def test_a_damaged_or_hostile_batch_is_refused_with_a_sentence(folder, damage, words):
    path = folder / "data_batch_2"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(data.DataError, match=words):
        data.load("cifar10")


def _with(raw: bytes, key: bytes, value) -> bytes:
    return pickle.dumps({**pickle.loads(raw), key: value})


def test_data_that_is_not_there_names_the_way_without_it(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    with pytest.raises(data.DataError, match="COURSE_PROFILE=offline"):
        data.load("cifar100")


def test_a_download_that_fails_ends_in_one_sentence(tmp_path, monkeypatch):
    import keras

    def fail(*_):
        raise OSError("no network")

    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", fail)
    with pytest.raises(data.DataError, match="COURSE_DATA"):
        data.load("cifar10")


def test_mnist_is_read_without_pickles(tmp_path, monkeypatch):
    x = np.arange(20 * 784, dtype=np.uint8).reshape(20, 28, 28)
    y = (np.arange(20) % 10).astype(np.uint8)
    np.savez(tmp_path / "mnist.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert data.load("mnist").x_train.shape == (20, 28, 28, 1)
    np.savez(tmp_path / "mnist.npz", x_train=np.array([Hostile()]))
    with pytest.raises(data.DataError, match="damaged"):
        data.load("mnist")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(data.DataError, match="cifar10, cifar100 or mnist"):
        data.load("imagenet")


def test_batch_files_are_official_ones_or_generated_ones_and_say_which(
    folder, tmp_path, monkeypatch, capsys
):
    assert data.batch_folder(tmp_path / "made") == folder
    assert "official ones" in capsys.readouterr().out
    monkeypatch.setenv("COURSE_PROFILE", "offline")
    made = data.batch_folder(tmp_path / "made")
    assert made == tmp_path / "made" / "cifar-10-batches-py"
    assert "generated" in capsys.readouterr().out
    assert len(data.official_batch(made / "data_batch_5")["labels"]) == 200


def test_batch_files_that_are_nowhere_are_downloaded_as_the_images_are(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setattr(data.Path, "home", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    cache = tmp_path / ".keras" / "datasets" / "cifar-10-batches-py-target"
    monkeypatch.setattr(data, "_download", lambda name: data.sample_batch_folder(cache, images=10))
    assert data.batch_folder("made") == cache / "cifar-10-batches-py"
    assert "official ones" in capsys.readouterr().out
    assert not (tmp_path / "made").exists()
