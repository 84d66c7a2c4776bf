import shutil

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import (
    eval_dataset,
    evaluation_batches,
    records,
    train_dataset,
    training_batches,
)
from tests.keras_alexnet.data.streams import OPTIONS, TRAIN, VALIDATION, arrays, stored
from tests.small import INPUT, STORED
from tfrecords import DatasetError, Manifest
from tfrecords.dataset.example import decode_example
from tfrecords.verification.shard_check import serialised_records


@pytest.fixture
def copy(dataset, tmp_path):
    return shutil.copytree(dataset, tmp_path / "copy")


def first_shard(folder):
    return sorted(folder.glob("*train*"))[0]


def test_a_split_knows_where_each_shard_begins(dataset):
    split = records.open_split(dataset, "train", INPUT)
    assert split.count == TRAIN
    counts = [shard.records for shard in split.manifest.splits["train"]]
    assert list(split.firsts) == [0, counts[0]] and sum(counts) == TRAIN
    validation = records.open_split(dataset, "validation", INPUT, split.manifest)
    assert validation.manifest is split.manifest and validation.count == VALIDATION


def test_a_manifest_that_was_read_is_not_read_again(copy):
    manifest = Manifest.load(copy)
    (copy / "manifest.json").unlink()
    assert records.open_split(copy, "train", INPUT, manifest).count == TRAIN


def test_records_come_in_the_order_of_the_shards(dataset):
    split = records.open_split(dataset, "train", INPUT)
    parsed = list(split.in_order().map(records.parse).as_numpy_iterator())
    pixels, labels = stored(dataset, "train")
    assert [label for _, label in parsed] == labels
    jpeg = tf.io.decode_jpeg(parsed[5][0], dct_method="INTEGER_ACCURATE")
    np.testing.assert_array_equal(jpeg, pixels[5])


def test_names_are_those_of_the_records_in_order(dataset):
    split = records.open_split(dataset, "train", INPUT)
    whole = map(decode_example, split.in_order().as_numpy_iterator())
    names = split.names()
    assert names == [record.filename for record in whole]
    assert len({*names}) == TRAIN and all(name.endswith(".jpg") for name in names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_size": STORED + 1}, f"at least {STORED + 1} pixels.*found {STORED}"),
        ({"split": "nonsense"}, "split 'nonsense'.*train, validation"),
        ({"input_size": 0}, "input_size"),
    ],
)
@pytest.mark.parametrize("make", [train_dataset, eval_dataset])
def test_what_does_not_fit_is_refused(dataset, make, arguments, message):
    with pytest.raises(DatasetError, match=message):
        make(dataset, **{**OPTIONS, **arguments})


def test_truncated_shard_is_named_before_any_training(copy):
    shard = first_shard(copy)
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(DatasetError, match=shard.name):
        train_dataset(copy, **OPTIONS)


def test_flipped_byte_ends_the_stream_with_an_error(copy):
    shard = first_shard(copy)
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(tf.errors.DataLossError):
        arrays(train_dataset(copy, **OPTIONS))


def test_no_thread_tunes_what_is_read(dataset, monkeypatch):
    opened, opens = [], tf.data.Dataset.__iter__
    noted = lambda dataset: opened.append(dataset) or opens(dataset)  # noqa: E731
    monkeypatch.setattr(tf.data.Dataset, "__iter__", noted)
    for make in (eval_dataset, evaluation_batches, train_dataset, training_batches):
        next(iter(make(dataset, batch_size=4, input_size=INPUT)))
    next(serialised_records(first_shard(dataset)))
    assert len(opened) == 7  # both training streams count their passes
    assert {each.options().autotune.enabled for each in opened} == {False}
