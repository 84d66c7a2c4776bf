import random

import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from tests.tfrecords.conftest import as_processes_do, encoded, noise
from tfrecords import DatasetError
from tfrecords.dataset.statistics import Accumulator
from tfrecords.images import store
from tfrecords.images.options import ENCODINGS, ImageOptions
from tfrecords.verification.statistics_from_shards import (
    ExampleKeys,
    compute_statistics,
)

SIZE = 32


BUILD = {"size": SIZE, "processes": 1, "shards": 3, "name": "tiny", "progress": False}


SHAPES = [(40, 50), (33, 64), (32, 32), (20, 90), (64, 41), (32, 70)]


def compute(folder, **options):
    return compute_statistics(folder, **{"processes": 1, "progress": False, **options})


def saved(found, path):
    found.statistics.save(path)
    return path.read_bytes()


def write_shards(folder, pictures, image_key, label_key, offset, names):
    """Write records as others do, in turn to each of the named files."""
    folder.mkdir(exist_ok=True)
    writers = [tf.io.TFRecordWriter(str(folder / name)) for name in names]
    for index, data in enumerate(pictures):
        label = tf.train.Int64List(value=[index % 3 + offset])
        picture = tf.train.BytesList(value=[data])
        feature = {
            image_key: tf.train.Feature(bytes_list=picture),
            label_key: tf.train.Feature(int64_list=label),
        }
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        writers[index % len(names)].write(example.SerializeToString())
    for writer in writers:
        writer.close()
    return folder


@pytest.fixture(scope="module")
def pictures():
    kinds = ["JPEG", "PNG", "JPEG", "JPEG", "PNG", "JPEG"]
    return [
        encoded(noise(*shape, seed=i), kind)
        for i, (shape, kind) in enumerate(zip(SHAPES, kinds, strict=True))
    ]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_our_own_statistics_are_made_again_to_the_byte(good_tree, tmp_path, encoding):
    tfrecords.build(good_tree, tmp_path / "out", encoding=encoding, **BUILD)
    found = compute(tmp_path / "out")
    built = (tmp_path / "out" / "statistics.npz").read_bytes()
    assert saved(found, tmp_path / "again.npz") == built
    assert found.class_counts == (6, 6)


@pytest.mark.parametrize(
    ("image_key", "label_key", "offset", "name"),
    [
        ("image", "label", 0, "birds-train.tfrecord-0000{}-of-00002"),
        ("image/encoded", "image/class/label", 1, "train-0000{}-of-00002"),
    ],
)
def test_shards_of_others_are_read(
    pictures, tmp_path, image_key, label_key, offset, name
):
    names = [name.format(i) for i in range(2)]
    write_shards(tmp_path, pictures, image_key, label_key, offset, names)
    (tmp_path / "validation-00000-of-00001").write_bytes(b"not to be read")
    found = compute(tmp_path, keys=ExampleKeys(image_key, label_key, offset), size=SIZE)
    expected = Accumulator(SIZE)
    for data in pictures:
        png = store.convert(data, ImageOptions(size=SIZE, encoding="raw"))
        expected.add(np.frombuffer(png, np.uint8).reshape(SIZE, SIZE, 3))
    expected.statistics().save(tmp_path / "expected.npz")
    wanted = (tmp_path / "expected.npz").read_bytes()
    assert saved(found, tmp_path / "found.npz") == wanted
    assert found.class_counts == (2, 2, 2)
    assert found.shards == tuple(names)


@pytest.mark.parametrize(
    "processes",
    [pytest.param(1, id="stand-in"), pytest.param(3, marks=pytest.mark.slow)],
)
def test_any_order_and_partition_and_processes_give_the_same_bytes(
    pictures, tmp_path, monkeypatch, processes
):
    results = set()
    order = list(pictures)
    for trial, shards in enumerate((1, 2, 5)):
        random.Random(trial).shuffle(order)
        folder = tmp_path / str(shards)
        names = [f"train-{i}-of-{shards}" for i in range(shards)]
        write_shards(folder, order, "image", "label", 0, names)
        keys = ExampleKeys("image", "label")
        if shards == 5 and processes == 1:
            monkeypatch.setattr(
                "tfrecords.verification.statistics_from_shards.run_tasks",
                as_processes_do,
            )
        some = processes if shards == 5 else 1
        found = compute(folder, keys=keys, size=SIZE, processes=some)
        results.add(saved(found, folder / "found.npz"))
    assert len(results) == 1


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            ExampleKeys("picture", "label"),
            "one value of picture; there is image, label.*--image",
        ),
        (ExampleKeys("image", "class"), "one value of class.*--label-key"),
        (
            ExampleKeys("image", "label", 1),
            "label 0 less the offset 1 is -1.*--label-offset",
        ),
    ],
)
def test_what_does_not_fit_is_named(pictures, tmp_path, keys, message):
    write_shards(tmp_path, pictures, "image", "label", 0, ["train-0-of-1"])
    with pytest.raises(DatasetError, match=f"train-0-of-1: record 0: .*{message}"):
        compute(tmp_path, keys=keys)


def test_labels_need_not_be_counted(pictures, tmp_path):
    write_shards(tmp_path, pictures, "image", "label", 0, ["train-0-of-1"])
    assert (
        compute(tmp_path, keys=ExampleKeys("image", ""), size=SIZE).class_counts == ()
    )


def test_a_bad_picture_and_a_cut_shard_are_named(pictures, tmp_path):
    bad = [*pictures, b"no picture"]
    folder = write_shards(tmp_path / "a", bad, "image", "label", 0, ["train-0-of-1"])
    with pytest.raises(DatasetError, match="record 6: unknown_format"):
        compute(folder, keys=ExampleKeys("image", "label"), size=SIZE)
    shard = folder / "train-0-of-1"
    shard.write_bytes(shard.read_bytes()[:-40])
    with pytest.raises(DatasetError, match="train-0-of-1 cannot be read to its end"):
        compute(folder, keys=ExampleKeys("image", "label"), size=SIZE)


def test_a_folder_without_training_shards_is_refused(tmp_path):
    (tmp_path / "train.txt").write_text("a list, not a shard")
    with pytest.raises(DatasetError, match="--pattern"):
        compute(tmp_path)
    with pytest.raises(DatasetError, match=r"named part-\*"):
        compute(tmp_path, pattern="part-*")
    with pytest.raises(DatasetError, match="found none at"):
        compute(tmp_path / "nowhere")


def test_raw_pictures_cannot_be_scaled(good_tree, tmp_path):
    tfrecords.build(good_tree, tmp_path / "out", encoding="raw", **BUILD)
    with pytest.raises(DatasetError, match="size 32.*got 24"):
        compute(tmp_path / "out", size=24)
