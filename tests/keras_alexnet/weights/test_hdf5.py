import h5py
import numpy as np
import pytest

from keras_alexnet.weights.foreign import MOST_NUMBERS
from keras_alexnet.weights.hdf5 import read_arrays
from tfrecords.errors import UserError

ONE = np.arange(3, dtype="float32")


@pytest.fixture
def file(tmp_path):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as written:
        written["secret"] = ONE
    with h5py.File(tmp_path / "x.h5", "w") as written:
        yield written


def test_arrays_are_found_by_their_paths(file, tmp_path):
    file["data/a/1"] = ONE
    file["data/a/0"] = 2 * ONE.astype("float64")
    file["elsewhere"] = ONE
    file.close()
    found = read_arrays(tmp_path / "x.h5", "data")
    assert list(found) == ["a/0", "a/1"]
    np.testing.assert_array_equal(found["a/0"], 2 * ONE)


def external(file):
    file["data/a"] = h5py.ExternalLink("other.h5", "/secret")


def soft(file):
    file["data/a"] = h5py.SoftLink("/data/b")


def whole_group(file):
    file["data"] = h5py.ExternalLink("other.h5", "/")


def storage(file):
    file.create_dataset("data/a", (3,), "f4", external=[("other.h5", 0, 12)])


def virtual(file):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "secret", (3,))
    file.create_virtual_dataset("data/a", layout)


def text(file):
    file["data/a"] = "text"


def bomb(file):
    shape = (2**20, 2**20)
    file.create_dataset("data/a", shape, "f4", chunks=(2**10, 2**10), compression=9)


def piece(file):
    options = {"maxshape": (None,), "chunks": (2**28,)}
    file.create_dataset("data/a", (3,), "f4", **options)


def deep(file):
    file["data/" + "x/" * 40] = ONE


def circle(file):
    file["data/a"] = ONE
    file["data/b"] = file["data"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (external, "link to elsewhere at 'a'"),
        (soft, "link to elsewhere at 'a'"),
        (whole_group, "Expected a group 'data'"),
        (storage, "lies in another file"),
        (virtual, "lies in another file"),
        (text, "in place of numbers"),
        (bomb, f"at most {MOST_NUMBERS:,} numbers"),
        (piece, "pieces larger than the array"),
        (deep, "more groups than"),
        (circle, "more groups than"),
    ],
)
def test_what_is_not_in_the_file_or_too_much_is_refused(file, make, reason, tmp_path):
    make(file)
    file.close()
    with pytest.raises(UserError, match=reason) as error:
        read_arrays(tmp_path / "x.h5", "data")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(file, part, tmp_path):
    file["data/a"] = np.arange(5000, dtype="float32")
    file.close()
    path = tmp_path / "x.h5"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(UserError, match="damaged"):
        read_arrays(path, "data")
