"""Arrays of PyTorch's older files are read without PyTorch, and nothing else is."""

import io
import os
import pickle
import sys
import types
from collections import OrderedDict

import numpy as np
import pytest

from convcourse import torch_file


class Tensor:
    """What a file holds in place of an array: a part of a storage, which lies at its end."""

    def __init__(self, storage, shape, strides, offset=0):
        self.storage, self.parts = storage, (offset, shape, strides, False, OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (self.storage, *self.parts)


class Storage:
    def __init__(self, key, numbers):
        self.key, self.numbers = key, numbers


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            kind = {"f": "FloatStorage", "i": "LongStorage"}[obj.numbers.dtype.kind]
            return "storage", getattr(sys.modules["torch"], kind), obj.key, "cpu", 1, None
        return None


@pytest.fixture
def written(monkeypatch):
    """Write values as PyTorch did, by modules that stand in for its own."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "ByteStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch", "__qualname__": name}))

    def _rebuild_tensor_v2():
        pass

    _rebuild_tensor_v2.__module__ = utils.__name__
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    def write(values, storages, magic=torch_file.MAGIC):
        stream = io.BytesIO()
        for one in (magic, 1001, {"little_endian": True}):
            pickle.dump(one, stream, protocol=2)
        Pickler(stream, protocol=2).dump(values)
        pickle.dump([one.key for one in storages], stream, protocol=2)
        for one in storages:
            stream.write(np.int64(one.numbers.size).tobytes() + one.numbers.tobytes())
        return stream.getvalue()

    return write


NUMBERS = Storage("one", np.arange(12, dtype="<f4"))
COUNTS = Storage("two", np.array([7], dtype="<i8"))


def test_arrays_come_in_their_shapes_types_and_order(written):
    values = OrderedDict(
        whole=Tensor(NUMBERS, (3, 4), (4, 1)),
        part=Tensor(NUMBERS, (2, 3), (3, 1), offset=6),
        turned=Tensor(NUMBERS, (4, 3), (1, 4)),
        count=Tensor(COUNTS, (), ()),
    )
    read = torch_file.read(written(values, [NUMBERS, COUNTS]))
    plain = np.arange(12, dtype="float32").reshape(3, 4)
    assert list(read) == ["whole", "part", "turned", "count"]
    np.testing.assert_array_equal(read["whole"], plain)
    np.testing.assert_array_equal(read["part"], [[6, 7, 8], [9, 10, 11]])
    np.testing.assert_array_equal(read["turned"], plain.T)
    assert read["count"].dtype == "int64" and read["count"] == 7
    read["whole"][0, 0] = 5  # no array shares its numbers with another one
    assert read["turned"][0, 0] == 0


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((3, 5), (5, 1), 0),
        ((12,), (1,), 1),
        ((2,), (-1,), 3),
        ((2, 2), (11, 1), 0),
        ((2,), (1,), -2),
    ],
)
def test_an_array_that_does_not_fit_into_its_storage_is_refused(written, shape, strides, offset):
    raw = written({"a": Tensor(NUMBERS, shape, strides, offset)}, [NUMBERS])
    with pytest.raises(torch_file.TorchFileError, match="does not fit"):
        torch_file.read(raw)


def test_a_file_that_would_run_code_runs_none(written, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    with pytest.raises(torch_file.TorchFileError, match="which no array needs"):
        torch_file.read(written({"a": Evil()}, []))
    assert not list(tmp_path.iterdir())


def test_other_and_damaged_files_are_refused_in_one_sentence(written):
    raw = written({"a": Tensor(NUMBERS, (12,), (1,))}, [NUMBERS])
    other = written({"a": Tensor(NUMBERS, (12,), (1,))}, [NUMBERS], magic=7)
    for damaged in (b"", b"PK\x03\x04", raw[:-4], raw[:60], other, pickle.dumps(3) * 5):
        with pytest.raises(torch_file.TorchFileError) as caught:
            torch_file.read(damaged)
        assert "\n" not in str(caught.value)
