import zipfile

import h5py
import pytest

from keras_alexnet.weights import READERS
from keras_alexnet.weights.foreign import MOST_BYTES
from keras_alexnet.weights.signature import tell_format
from tests.keras_alexnet.weights.caffe_files import field
from tfrecords.errors import UserError


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (field(1, "AlexNet"), "caffemodel"),
        (field(2, b""), "caffemodel"),
        (field(100, b""), "caffemodel"),
        (b"\x93NUMPY\x01", "npy"),
        (b"PK\x03\x04", "pth"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "pth"),
    ],
)
def test_content_tells_the_format_whatever_the_name(tmp_path, start, name):
    path = tmp_path / "weights.pth"
    path.write_bytes(start + bytes(2))
    assert tell_format(path) == name and name in READERS


def test_hdf5_is_told_by_its_groups(tmp_path):
    path = tmp_path / "weights"
    with h5py.File(path, "w") as file:
        file.create_group("data/conv1")
    assert tell_format(path) == "caffemodel.h5"
    with h5py.File(path, "w") as file:
        file.create_group("layers")
    assert tell_format(path) == "weights.h5"
    with h5py.File(path, "w") as file:
        file.create_group("other")
    with pytest.raises(UserError, match="Expected weights as caffemodel"):
        tell_format(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="is damaged"):
        tell_format(path)


@pytest.mark.parametrize("content", [b"", b"epoch,loss\n1,2\n", bytes(600)])
def test_other_files_are_refused_in_one_line(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"Expected weights as .*weights\.pth") as error:
        tell_format(path)
    assert "\n" not in str(error.value)


def test_a_folder_and_a_huge_file_are_refused_unread(tmp_path):
    with pytest.raises(UserError, match="found none in"):
        tell_format(tmp_path)
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(UserError, match="no AlexNet is as large"):
        tell_format(tmp_path / "huge")


def test_a_zip_is_of_keras_if_it_has_its_parts(tmp_path):
    path = tmp_path / "weights.pth"
    for names, expected in (
        (("config.json", "model.weights.h5", "metadata.json"), "keras"),
        (("config.json", "net/data.pkl"), "pth"),
    ):
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, b"")
        assert tell_format(path) == expected
