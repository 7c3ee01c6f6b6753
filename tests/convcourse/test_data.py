"""Data is found, verified and named; a damaged or hostile file is refused with one sentence."""

import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from convcourse import data, official

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


# ---------------------------------------------------------------------- archives, and names


def hundred(place: Path) -> Path:
    """A small official-looking CIFAR-100 without its file of names."""
    folder = place / "cifar-100-python"
    folder.mkdir(parents=True)
    for name, count in (("train", 200), ("test", 100)):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 3072), np.uint8)
        labels = [k % 100 for k in range(count)]
        groups = [k % 20 for k in range(count)]
        batch = {b"data": pixels, b"fine_labels": labels, b"coarse_labels": groups}
        (folder / name).write_bytes(pickle.dumps(batch))
    return folder


def archived(folder: Path, to: Path) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(to, "w:gz") as tar:
        tar.add(folder, folder.name)
    return to


def everything(place: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in place.rglob("*") if p.is_file()}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home folder under the profile quick, without COURSE_DATA."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    for name in ("COURSE_DATA", "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def cut_off(monkeypatch):
    """Downloads fail."""
    import keras

    def fail(*_):
        raise OSError("no network")

    for name in ("cifar10", "cifar100", "mnist"):
        monkeypatch.setattr(getattr(keras.datasets, name), "load_data", fail)


@pytest.mark.parametrize("meta", [None, b"", b"not a pickle"])
def test_cifar100_has_its_names_without_its_file_of_names(tmp_path, home, monkeypatch, meta):
    folder = hundred(tmp_path)
    if meta is not None:
        (folder / "meta").write_bytes(meta)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    made = data.load("cifar100")
    named = [made.class_names[k] for k in (0, 17, 99)]
    assert (named, len(set(made.class_names))) == (["apple", "castle", "worm"], 100)
    assert made.coarse_names[0] == "aquatic_mammals" and len(set(made.coarse_names)) == 20


def test_cifar100_that_keras_hands_over_has_its_names(home, monkeypatch):
    import keras

    def arrays(mode):
        x, y = np.zeros((100, 32, 32, 3), np.uint8), np.arange(100, dtype=np.uint8)[:, None]
        return 2 * ((x, y if mode == "fine" else y % 20),)

    monkeypatch.setattr(keras.datasets.cifar100, "load_data", arrays)
    made = data.load("cifar100")
    assert made.class_names[17] == "castle" and made.coarse_names[-1] == "vehicles_2"


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
@pytest.mark.parametrize("form", ["folder itself", "archive", "archive itself", "tar", "link"])
def test_each_form_gives_the_same_images_and_stays_as_it_is(
    tmp_path, home, monkeypatch, name, form
):
    kept, place = tmp_path / "kept", tmp_path / "place"
    place.mkdir()
    folder = hundred(kept) if name == "cifar100" else data.sample_batch_folder(kept, images=50)
    monkeypatch.setenv("COURSE_DATA", str(kept))
    usual = data.load(name)
    archive = official.FORMS[name].archive
    if form == "folder itself":
        place = folder
    elif form == "tar":
        with tarfile.open(place / archive.removesuffix(".gz"), "w") as tar:
            tar.add(folder, f"./{folder.name}")
    elif form == "link":
        (place / archive).symlink_to(archived(folder, tmp_path / "elsewhere.tar.gz"))
        assert official.linked(place) == [tmp_path / "elsewhere.tar.gz"]
    else:
        archived(folder, place / archive)
    before = everything(place)
    monkeypatch.setenv("COURSE_DATA", str(place / archive if "archive i" in form else place))
    found = data.load(name)
    assert np.array_equal(found.x_train, usual.x_train)
    assert np.array_equal(found.y_test, usual.y_test) and found.class_names == usual.class_names
    assert everything(place) == before and not home.exists()


def test_an_archives_batch_files_are_unpacked_once_and_outside_its_folder(
    tmp_path, home, monkeypatch, capsys
):
    folder = data.sample_batch_folder(tmp_path / "kept", images=20)
    place = archived(folder, tmp_path / "place" / "cifar-10-python.tar.gz").parent
    monkeypatch.setenv("COURSE_DATA", str(place))
    found = data.batch_folder("made")
    assert everything(found) == {
        str(found / one.name): one.read_bytes() for one in folder.iterdir()
    }
    assert home in found.parents and os.listdir(place) == ["cifar-10-python.tar.gz"]
    unpacked = os.stat(found).st_mtime_ns
    assert data.batch_folder("made") == found and os.stat(found).st_mtime_ns == unpacked
    assert "official ones" in capsys.readouterr().out


def test_where_the_cache_cannot_be_written_the_files_go_beside_the_notebook(
    tmp_path, home, monkeypatch
):
    folder = data.sample_batch_folder(tmp_path / "kept", images=20)
    place = archived(folder, tmp_path / "place" / "cifar-10-python.tar.gz").parent
    monkeypatch.setenv("COURSE_DATA", str(place))
    home.write_text("not a folder")
    data.sample_batch_folder("made", images=10)  # from an earlier run under offline
    found = data.batch_folder("made")
    assert Path("made") in found.parents
    assert len(data.official_batch(found / "test_batch")["labels"]) == 20


def _lacking(tar: tarfile.TarFile, folder: Path) -> None:
    tar.add(folder / "test_batch", "cifar-10-batches-py/test_batch")


def _hostile(tar: tarfile.TarFile, folder: Path) -> None:
    content = pickle.dumps(Hostile())
    for name in official.FORMS["cifar10"].files:
        member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))


def _link(tar: tarfile.TarFile, folder: Path) -> None:
    member = tarfile.TarInfo("cifar-10-batches-py/test_batch")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    tar.addfile(member)


def _large(tar: tarfile.TarFile, folder: Path) -> None:
    member = tarfile.TarInfo("elsewhere/zeros")
    member.size = 4_000_000
    tar.addfile(member, io.BytesIO(bytes(member.size)))


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (_lacking, "lacks data_batch_1, data_batch_2"),
        (_hostile, "no data file needs"),
        (_link, "lacks .*test_batch"),
        (_large, "unpacks to more"),
    ],
)
def test_an_archive_that_is_not_official_is_refused(tmp_path, home, monkeypatch, fill, words):
    monkeypatch.setattr(official, "_MOST", 3_000_000)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    folder = data.sample_batch_folder(tmp_path / "kept", images=10)
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as tar:
        fill(tar, folder)
    with pytest.raises(data.DataError, match=words):
        data.load("cifar10")
    assert not home.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:-8] + bytes(8),  # the checksum at the end
        lambda raw: b"<!DOCTYPE html>" + bytes(2_000),
    ],
)
def test_a_damaged_archive_is_named(tmp_path, home, monkeypatch, damage):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    folder = data.sample_batch_folder(tmp_path / "kept", images=10)
    archive = archived(folder, tmp_path / "cifar-10-python.tar.gz")
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(data.DataError, match=r"cifar-10-python\.tar\.gz .*download it again"):
        data.load("cifar10")


# ---------------------------------------------------------------------- half-written caches


def _emptied(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _halved(folder: Path) -> None:
    for name in ("data_batch_3", "data_batch_4"):
        (folder / name).unlink()
    (folder / "test_batch").rename(folder / "test_batch.part")


def _cut(folder: Path) -> None:
    path = folder / "data_batch_4"
    path.write_bytes(path.read_bytes()[:5_000])


def _filled_with_zeros(folder: Path) -> None:
    path = folder / "test_batch"
    path.write_bytes(bytes(path.stat().st_size))


BROKEN = pytest.mark.parametrize("broken", [_emptied, _halved, _cut, _filled_with_zeros])


@BROKEN
def test_a_half_unpacked_cache_is_read_from_the_archive_beside_it(tmp_path, home, cut_off, broken):
    cache = home / ".keras" / "datasets"
    folder = data.sample_batch_folder(cache / "cifar-10-batches-py-target", images=20)
    archived(folder, cache / "cifar-10-batches-py-target_archive")
    broken(folder)
    before = everything(cache)
    assert len(data.load("cifar10").x_train) == 100
    assert everything(cache) == before
    found = data.batch_folder("made")
    assert sorted(os.listdir(found)) == sorted(official.FORMS["cifar10"].files)
    assert before.items() <= everything(cache).items()


@BROKEN
def test_a_half_unpacked_cache_is_fetched_again(tmp_path, home, monkeypatch, capsys, broken):
    import keras

    folder = data.sample_batch_folder(home / ".keras/datasets/cifar-10-batches-py-target", 20)
    whole = everything(folder)
    broken(folder)

    def fetch():  # Keras unpacks its archive over what is there
        for name, content in whole.items():
            Path(name).write_bytes(content)
        x, y = np.zeros((20, 32, 32, 3), np.uint8), np.zeros((20, 1), np.uint8)
        return 2 * ((x, y),)

    monkeypatch.setattr(keras.datasets.cifar10, "load_data", fetch)
    assert data.batch_folder("made") == folder
    assert "In Keras's cache" in capsys.readouterr().out
    assert len(data.load("cifar10").x_train) == 100


@BROKEN
def test_a_half_unpacked_cache_that_cannot_be_fetched_is_named_with_the_remedy(
    tmp_path, home, cut_off, broken
):
    folder = data.sample_batch_folder(home / ".keras/datasets/cifar-10-batches-py-target", 20)
    broken(folder)
    before = everything(home)
    for read in (data.load, data.batch_folder):
        with pytest.raises(data.DataError, match=r"cache.*cifar-10-batches-py.*COURSE_DATA"):
            read()
    assert everything(home) == before and not Path("batches").exists()


def test_a_download_that_stopped_half_way_is_named_with_the_remedy(tmp_path, home, cut_off):
    folder = data.sample_batch_folder(tmp_path / "kept", images=20)
    whole = archived(folder, tmp_path / "whole.tar.gz").read_bytes()
    path = home / ".keras" / "datasets" / "cifar-10-batches-py-target_archive"
    path.parent.mkdir(parents=True)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(data.DataError, match=r"target_archive cannot be read.*COURSE_DATA"):
        data.load("cifar10")
    path.write_bytes(whole)
    assert len(data.load("cifar10").x_train) == 100


@BROKEN
def test_a_half_copied_folder_in_course_data_is_named(folder, broken):
    broken(folder)
    for read in (data.load, data.batch_folder):
        with pytest.raises(data.DataError, match=r"cifar-10-batches-py.* again"):
            read()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_half_written_mnist_is_fetched_again_or_named(home, cut_off, monkeypatch, content):
    import keras

    path = home / ".keras" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(data.DataError, match=r"mnist\.npz is damaged.*COURSE_DATA"):
        data.load("mnist")
    assert path.read_bytes() == content
    fetched = np.zeros((10, 28, 28), np.uint8), np.arange(10, dtype=np.uint8)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: (fetched, fetched))
    assert len(data.load("mnist").x_train) == 10


def test_a_download_with_a_wrong_checksum_says_so(home, monkeypatch):
    import keras

    def fail():
        raise ValueError("Incomplete or corrupted file detected. The sha256 file hash ...")

    monkeypatch.setattr(keras.datasets.cifar10, "load_data", fail)
    with pytest.raises(data.DataError, match="incomplete or changed"):
        data.load("cifar10")


def test_the_cache_that_keras_is_told_to_use_is_read(tmp_path, home, cut_off, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "other"))
    hundred(tmp_path / "other" / "datasets")
    assert len(data.load("cifar100").x_test) == 100


def test_a_place_without_the_data_is_told_what_belongs_there(tmp_path, home, monkeypatch):
    folder = data.sample_batch_folder(tmp_path, images=10)
    monkeypatch.setenv("COURSE_DATA", str(folder))
    words = r"no cifar100, neither cifar-100-python nor cifar-100-python\.tar\.gz"
    with pytest.raises(data.DataError, match=words):
        data.load("cifar100")
    with pytest.raises(data.DataError, match=r"no mnist, not the file mnist\.npz"):
        data.load("mnist")


def test_what_is_required_is_unpacked_for_those_who_cannot_write(tmp_path, home, monkeypatch):
    folder = hundred(tmp_path / "kept")
    place = archived(folder, tmp_path / "place" / "cifar-100-python.tar.gz").parent
    monkeypatch.setenv("COURSE_DATA", str(place))
    data.require("cifar100")
    assert next(official.sources("cifar100", place)).is_dir()
    assert len(data.load("cifar100").x_test) == 100
