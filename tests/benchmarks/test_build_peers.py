import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from scripts.benchmarks import build_peers
from tests import small


@pytest.mark.parametrize("name", build_peers.PEERS)
def test_every_picture_is_written_as_it_should_be(tmp_path, name):
    tree = small.write_tree(tmp_path / "tree", 2)
    build_peers.PEERS[name](tree, tmp_path / "out")
    files = [str(p) for p in (tmp_path / "out").rglob("*tfrecord*") if p.is_file()]
    records = [record.numpy() for record in tf.data.TFRecordDataset(files)]
    assert len(records) == 6
    for record in records:
        feature = tf.train.Example.FromString(record).features.feature
        ours = name.startswith("pillow")
        label = feature["image/class/label" if ours else "label"].int64_list.value[0]
        stored = feature["image/encoded" if ours else "image"].bytes_list.value[0]
        file = feature["image/filename"].bytes_list.value[0].decode()
        path = tree / small.CLASSES[label] / file
        copied = name == "tfds-copied"
        assert stored == (
            path.read_bytes()
            if copied
            else build_peers.encode(build_peers.square(path))
        )


def test_squares_are_the_centre_scaled(tmp_path):
    path = next(small.write_tree(tmp_path / "tree", 1).glob("*/*"))
    pixels = tf.io.decode_jpeg(build_peers.encode(build_peers.square(path))).numpy()
    expected = ImageOps.fit(Image.open(path), (256, 256), Image.Resampling.BICUBIC)
    assert np.abs(pixels.astype(int) - np.asarray(expected)).mean() < 2
