import numpy as np
import pytest

from keras_alexnet.data.records import open_split
from keras_alexnet.inference.named_pictures import FileList, SplitPictures
from tests import small
from tfrecords import Manifest


def test_files_come_in_the_order_in_which_they_are_listed(tmp_path):
    paths = [tmp_path / name for name in ("b.jpg", "missing.jpg", "a.jpg")]
    for path in paths[::2]:
        path.write_bytes(small.encode(small.picture(0, 0)))
    files = FileList(paths)
    assert files.count == 3 and not files.has_labels
    found = list(files.pictures(1))
    assert found == [(str(path), path, None) for path in paths[1:]]
    assert FileList(paths).digest == files.digest
    assert FileList(paths[::-1]).digest != files.digest
    paths[0].write_bytes(b"other")
    assert FileList(paths).digest != files.digest


@pytest.mark.parametrize("encoding", ["jpeg", "raw"])
def test_a_split_has_all_its_pictures_with_names_and_labels(other, encoding):
    data = other(encoding=encoding, per_class=4)
    split = open_split(data, "validation", small.INPUT)
    pictures = SplitPictures(split)
    manifest = Manifest.load(data)
    found = list(pictures.pictures(0))
    assert pictures.count == len(found) == manifest.count("validation") == 3
    for name, picture, label in found:
        assert name.split("/")[-2] == manifest.labels[label]
        if encoding == "raw":
            assert picture.shape == (small.STORED, small.STORED, 3)
            assert picture.dtype == np.uint8
        else:
            assert picture.startswith(b"\xff\xd8")
    rest = list(pictures.pictures(2))
    assert [each.name for each in rest] == [each.name for each in found[2:]]
    for place, each in zip((2, 0), pictures.at([2, 0]), strict=True):
        assert (each.name, each.label) == (found[place].name, found[place].label)
        np.testing.assert_array_equal(each.picture, found[place].picture)
    train = SplitPictures(open_split(data, "train", small.INPUT))
    assert train.digest != pictures.digest
