import pickle

import pytest

from tests.tfrecords.conftest import fill
from tfrecords import DatasetError
from tfrecords.sources import open_source


def test_a_sample_knows_its_class_and_reads_its_own_bytes(good_tree):
    sample = open_source(good_tree).samples[0]
    again = pickle.loads(pickle.dumps(sample))
    assert again == sample
    assert (sample.key, sample.label) == ("train/cat/0.JPEG", 0)
    expected = (good_tree / "train/cat/0.JPEG").read_bytes()
    assert again.origin.read() == expected
    assert sample.size == len(expected)
    assert len(pickle.dumps(sample)) < 1000


def test_two_pictures_of_one_key_are_an_error(tmp_path):
    name = "ILSVRC2012_val_00000293.JPEG"
    fill(tmp_path, "train/n01440764/1.jpg", f"val/n01440764/{name}")
    fill(tmp_path, f"val/n01440764/more/{name}")
    with pytest.raises(DatasetError, match=f"{name} twice"):
        open_source(tmp_path)
