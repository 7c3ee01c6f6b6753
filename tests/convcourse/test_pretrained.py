"""The bases: the small one is the recipe's own file, VGG-16 works or says what to do."""

import hashlib
import importlib.util
import inspect
from pathlib import Path

import keras
import numpy as np
import pytest

from convcourse import data, pretrained

# Keras asks its variables for an array in NumPy 1's way.
RECIPE = Path(__file__).resolve().parents[2] / "course" / "pretraining" / "small_base.py"


def recipe():
    spec = importlib.util.spec_from_file_location("small_base", RECIPE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_shipped_weights_are_the_recorded_ones():
    raw = pretrained.WEIGHTS.read_bytes()
    assert hashlib.sha256(raw).hexdigest() == pretrained.CHECKSUM
    assert pretrained.CHECKSUM in RECIPE.with_suffix(".toml").read_text(encoding="utf-8")
    assert len(raw) < 2_000_000


def test_the_small_base_maps_images_to_maps_of_128_channels():
    base = pretrained.small()
    assert base.model.output_shape == (None, 2, 2, 128)
    assert base.model.count_params() == 293_520
    assert base.order == "rgb" and len(base.mean) == len(base.scale) == 3


def test_weights_that_are_missing_or_changed_are_refused_in_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(data.DataError, match="is missing"):
        pretrained.small(tmp_path / "none.npz")
    changed = tmp_path / "small_base.npz"
    changed.write_bytes(pretrained.WEIGHTS.read_bytes()[:-1])
    monkeypatch.setattr(pretrained, "WEIGHTS", changed)
    with pytest.raises(data.DataError, match=r"damaged.*install"):
        pretrained.small(changed)


def test_random_weights_differ_from_the_trained_ones():
    trained, fresh = pretrained.small().model, pretrained.small(None).model
    assert not np.allclose(trained.get_weights()[0], fresh.get_weights()[0])
    assert [w.shape for w in trained.weights] == [w.shape for w in fresh.weights]


def test_vgg16_with_random_weights_has_the_real_layers_and_preparation():
    base = pretrained.vgg16(weights=None)
    assert base.model.output_shape == (None, 1, 1, 512)
    assert base.model.count_params() == 14_714_688
    # The preparation is the one that Keras keeps beside its weights.
    x = np.random.default_rng(1).integers(0, 256, (2, 4, 4, 3)).astype("float32")
    ours = (x[..., ::-1] - np.float32(base.mean)) / np.float32(base.scale)
    theirs = keras.applications.vgg16.preprocess_input(x.copy())
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_vgg16_reads_a_weights_file(tmp_path):
    made = pretrained.vgg16(weights=None).model
    path = tmp_path / "mine.weights.h5"
    made.save_weights(path)
    read = pretrained.vgg16(weights=str(path)).model
    np.testing.assert_array_equal(read.get_weights()[3], made.get_weights()[3])


def test_vgg16_takes_the_file_that_lies_there_if_it_is_whole(tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(keras.applications, "VGG16", lambda weights, **_: taken.append(weights))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(pretrained, "VGG16_MD5", hashlib.md5(b"whole").hexdigest())
    kept = [tmp_path / name / pretrained.VGG16_FILE for name in ("data", "home/.keras/models")]
    for path, content in zip(kept, (b"cut", b"whole"), strict=True):
        path.parent.mkdir(parents=True)
        pretrained.vgg16()
        path.write_bytes(content)
        pretrained.vgg16()
    kept[0].write_bytes(b"whole")
    pretrained.vgg16()
    assert taken == ["imagenet", "imagenet", "imagenet", str(kept[1]), str(kept[0])]


def test_the_file_of_vgg16_is_the_one_that_keras_knows():
    code = inspect.getsource(inspect.getmodule(keras.applications.VGG16))
    assert pretrained.VGG16_FILE in code and pretrained.VGG16_MD5 in code


def test_vgg16_without_weights_ends_in_one_sentence_with_the_mend(monkeypatch):
    def no_network(**settings):
        raise OSError("URL fetch failure")

    monkeypatch.setattr(keras.applications, "VGG16", no_network)
    with pytest.raises(data.DataError) as caught:
        pretrained.vgg16()
    sentence = str(caught.value)
    assert "VGG-16's weights cannot be loaded (OSError)" in sentence
    assert pretrained.VGG16_FILE in sentence and "COURSE_PROFILE=offline" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(("profile", "want"), [("offline", "small"), ("quick", "vgg16")])
def test_the_profile_chooses_the_base_and_says_so(monkeypatch, capsys, profile, want):
    monkeypatch.setenv("COURSE_PROFILE", profile)
    monkeypatch.setattr(pretrained, "vgg16", lambda: pretrained.Base("vgg16", _Tiny(), (), (), ""))
    assert pretrained.load().name == want
    assert f"Base: {want}" in capsys.readouterr().out


def test_an_unknown_base_is_refused_with_the_known_ones():
    with pytest.raises(data.DataError, match="small or vgg16"):
        pretrained.load("resnet")


class _Tiny:
    def count_params(self):
        return 7


def test_the_recipe_writes_equal_weights_as_an_equal_file(tmp_path):
    module, base = recipe(), pretrained.small_network()
    figures = {"mean": np.full(3, 89.0), "scale": np.full(3, 66.0)}
    first = module.write(base, figures, tmp_path / "a.npz")
    assert module.write(base, figures, tmp_path / "b.npz") == first
    assert pretrained.small(tmp_path / "a.npz").mean == (89.0, 89.0, 89.0)
    weights = base.get_weights()
    base.set_weights([weights[0] + 1, *weights[1:]])
    assert module.write(base, figures, tmp_path / "c.npz") != first
