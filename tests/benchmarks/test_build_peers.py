import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from scripts.benchmarks import build_peers
from tests import small


def examples(folder):
    files = [str(path) for path in folder.rglob("*tfrecord*") if path.is_file()]
    for record in tf.data.TFRecordDataset(files):
        yield tf.train.Example.FromString(record.numpy()).features.feature


def one(feature, key):
    return feature[key].bytes_list.value[0]


def test_the_pillow_peer_writes_the_squares_that_it_should(tmp_path):
    tree = small.write_tree(tmp_path / "tree", 2)
    build_peers.main(["pillow", str(tree), str(tmp_path / "out")])
    found = list(examples(tmp_path / "out"))
    assert len(found) == 6
    for feature in found:
        name = one(feature, "image/class/text").decode()
        label = feature["image/class/label"].int64_list.value[0]
        assert small.CLASSES[label] == name
        path = tree / name / one(feature, "image/filename").decode()
        expected = ImageOps.fit(Image.open(path), (256, 256), Image.Resampling.BICUBIC)
        pixels = tf.io.decode_jpeg(one(feature, "image/encoded")).numpy()
        assert np.abs(pixels.astype(int) - np.asarray(expected)).mean() < 2


@pytest.mark.parametrize("name", ["tfds-copied", "tfds-resized"])
def test_the_tfds_peers_write_every_picture(tmp_path, name):
    tree = small.write_tree(tmp_path / "tree", 2)
    build_peers.main([name, str(tree), str(tmp_path / "out")])
    found = list(examples(tmp_path / "out"))
    assert len(found) == 6
    for feature in found:
        label = feature["label"].int64_list.value[0]
        path = tree / small.CLASSES[label] / one(feature, "image/filename").decode()
        resized = name == "tfds-resized"
        expected = build_peers.square(path) if resized else path.read_bytes()
        assert one(feature, "image") == expected
