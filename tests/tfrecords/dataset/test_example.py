import pytest
import tensorflow as tf

from tests.tfrecords.conftest import encoded, noise
from tfrecords.dataset import example
from tfrecords.dataset.example import PictureRecord, decode_example, encode_example
from tfrecords.dataset.names import shard_name


@pytest.fixture
def record():
    return PictureRecord(
        encoded=encoded(noise(8, 8)),
        height=8,
        width=8,
        label=3,
        synset="n01440764",
        text="tench",
        filename="train/n01440764/ä \udcff.JPEG",
    )


def test_records_survive_a_round_trip(record):
    assert decode_example(encode_example(record)) == record


def test_equal_records_give_equal_bytes(record):
    assert encode_example(record) == encode_example(record)


def test_the_keys_are_the_classic_ones(record):
    feature = tf.train.Example.FromString(encode_example(record)).features.feature
    assert set(feature) == {
        "image/encoded",
        "image/format",
        "image/height",
        "image/width",
        "image/channels",
        "image/colorspace",
        "image/filename",
        "image/class/label",
        "image/class/synset",
        "image/class/text",
    }
    assert feature["image/class/label"].int64_list.value == [3]
    assert feature["image/format"].bytes_list.value == [b"JPEG"]
    assert feature["image/colorspace"].bytes_list.value == [b"RGB"]
    assert feature["image/channels"].int64_list.value == [3]


def test_tensorflow_parses_the_examples(record):
    parsed = tf.io.parse_single_example(
        encode_example(record),
        {
            example.ENCODED: tf.io.FixedLenFeature([], tf.string),
            example.LABEL: tf.io.FixedLenFeature([], tf.int64),
        },
    )
    assert parsed[example.ENCODED].numpy() == record.encoded
    assert parsed[example.LABEL].numpy() == 3


def test_a_record_without_a_key_is_named():
    example = tf.train.Example()
    with pytest.raises(ValueError, match="image/encoded"):
        decode_example(example.SerializeToString())
    with pytest.raises(ValueError, match=r"tf\.train\.Example"):
        decode_example(b"\xff\xff\xff")


def test_shards_are_named_as_tfds_does():
    found = shard_name("imagenet", "train", 0, 16)
    assert found == "imagenet-train.tfrecord-00000-of-00016"
