import pytest
import tensorflow as tf
from PIL import Image

from scripts.benchmarks import pictures
from tests import small
from tfrecords.dataset import example
from tfrecords.errors import UserError


def test_extracted_pictures_are_the_stored_bytes(dataset, tmp_path):
    pictures.extract(dataset, tmp_path / "tree", 20)
    files = sorted((tmp_path / "tree").glob("*/*"))
    assert len(files) == 20
    shards = sorted(str(path) for path in dataset.glob("*train*"))
    records = tf.data.TFRecordDataset(shards).as_numpy_iterator()
    stored = {(e.label, e.encoded) for e in map(example.decode_example, records)}
    assert {(int(path.parent.name), path.read_bytes()) for path in files} <= stored
    pictures.build_raw(tmp_path / "tree", tmp_path / "raw")
    with pytest.raises(UserError, match="Expected 999 training pictures"):
        pictures.extract(dataset, tmp_path / "more", 999)
    with pytest.raises(UserError, match="as jpeg in .*, found 20 as raw"):
        pictures.extract(tmp_path / "raw", tmp_path / "again", 2)


def test_trees_hold_the_pictures_of_a_source_and_copies_of_them(tmp_path):
    found = pictures.copy_pictures("digits", tmp_path / "copied", 40)
    tree = pictures.link_tree(found, tmp_path / "tree", copies=3)
    files = sorted(path.read_bytes() for path in tree.glob("*/*"))
    assert files == sorted(3 * [picture.read_bytes() for picture in found])
    facts = pictures.describe(found)
    assert facts["mean_bytes"] == sum(map(len, files)) / 120
    assert [facts[n] for n in ("pictures", "classes", "mean_pixels")] == [40, 10, 64]


def test_scaled_pictures_have_the_pixels_and_the_shape(tmp_path):
    tree = small.write_tree(tmp_path / "tree", 2)  # 90 x 80
    found = pictures.copy_pictures(str(tree), tmp_path / "copied")
    scaled = pictures.scale_pictures(found, 20_000, tmp_path / "scaled")
    assert len(scaled) == 6
    with Image.open(scaled[0]) as image:
        assert image.size == (150, 133)
