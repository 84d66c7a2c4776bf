import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from keras_alexnet.weights import torch
from keras_alexnet.weights.fitting import weight_shapes
from keras_alexnet.weights.own import OWN_RULE
from keras_alexnet.weights.safetensors import MOST_HEADER, read
from keras_alexnet.weights.signature import tell_format
from tests import small
from tfrecords.errors import UserError

FILES = Path(__file__).parent / "torch_files"


@pytest.fixture(scope="module")
def tensors():
    with np.load(FILES / "answers.npz") as arrays:
        return {name: arrays[name] for name in arrays if "." in name}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "net.pth"

    def write(header, data=b"", length=None):
        head = header if isinstance(header, bytes) else json.dumps(header).encode()
        count = len(head) if length is None else length
        path.write_bytes(count.to_bytes(8, "little") + head + data)
        return path

    return write


def test_the_numbers_are_those_of_the_state_dict(tmp_path, tensors):
    path = tmp_path / "net.bin"
    save_file({f"module.{name}": array for name, array in tensors.items()}, path)
    assert tell_format(path) == "safetensors"
    found, expected = read(path), torch.read(FILES / "zip.pth")
    assert {*found.arrays} == {*expected.arrays}
    for name, array in expected.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    assert found.rule is expected.rule


@pytest.mark.parametrize(
    ("kind", "data"), [("BF16", b"\xc0\x3f\0\xc0"), ("F16", b"\0\x3e\0\xc0")]
)
def test_half_precision_is_widened(file, kind, data):
    header = {"fc8.bias": {"dtype": kind, "shape": [2], "data_offsets": [0, 4]}}
    assert read(file(header, data)).arrays["fc8.bias"].tolist() == [1.5, -2]


def entry(shape, ends, kind="F32"):
    return {"a": {"dtype": kind, "shape": shape, "data_offsets": ends}}


@pytest.mark.parametrize(
    ("header", "length"),
    [
        (b"{", 2**60),
        (b"{" + b" " * 2 * MOST_HEADER, None),
        (b"{" * 5000, None),
        (b"{}", 3),
        (b"not json at all", None),
        (entry([2**40, 2**40], [0, 4]), None),
        (entry([2**28], [0, 2**30]), None),
        (entry([1], [4, 8]), None),
        (entry([-1], [0, 4]), None),
        (entry([1], [0, 4], "X9"), None),
        ([], None),
        (b"", None),
    ],
)
def test_damaged_and_hostile_files_are_refused_in_one_line(file, header, length):
    with pytest.raises(UserError, match="damaged|as many") as error:
        read(file(header, bytes(4), length))
    assert "\n" not in str(error.value)


def own(preset):
    return {
        name: np.ones(shape, "float64")
        for name, shape in weight_shapes(preset, 3).items()
    }


def test_our_names_without_a_card_are_our_layout(tmp_path):
    arrays = own(small.preset("paper"))
    save_file(arrays, tmp_path / "x")
    found = read(tmp_path / "x")
    assert found.rule is OWN_RULE and found.card is None
    assert {n: x.shape for n, x in found.arrays.items()} == {
        n: x.shape for n, x in arrays.items()
    }
    assert found.arrays["conv1.kernel"].dtype == np.float32


def test_a_card_that_is_none_is_refused(tmp_path):
    for text in ("{}", "no", "[" * 10_000):
        save_file(own(small.preset("paper")), tmp_path / "x", {"card": text})
        with pytest.raises(UserError, match="Expected the card of a network"):
            read(tmp_path / "x")
