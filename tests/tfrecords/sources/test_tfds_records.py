import random

from tfrecords import DatasetError
from tfrecords.sources.tfds_records import ByteRange, ExampleFile


def test_values_are_those_that_tensorflow_reads(tmp_path):
    import tensorflow as tf

    random.seed(0)
    numbers = [0, 1, -1, 127, 128, 2**62, -(2**63), 2**63 - 1]
    examples = []
    for number in numbers:
        data = random.randbytes(random.choice([0, 1, 127, 128, 70_000]))
        feature = {
            "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[data])),
            "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[number])),
            "two": tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2])),
            "none": tf.train.Feature(),
            "real": tf.train.Feature(float_list=tf.train.FloatList(value=[1.5])),
        }
        features = tf.train.Features(feature=feature)
        examples.append((data, number, tf.train.Example(features=features)))
    path = tmp_path / "x.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for *_, example in examples:
            writer.write(example.SerializeToString())
    with ExampleFile(path) as file:
        records = list(file.records())
        for record, (data, number, example) in zip(records, examples, strict=True):
            assert file.read(record) == example.SerializeToString()
            values = file.values(record)
            assert set(values) == {"image", "label"}
            assert values["label"] == number
            assert file.read(values["image"]) == data


def test_damaged_examples_never_lead_out_of_the_file(tmp_path):
    import tensorflow as tf

    feature = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x" * 300])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[3])),
    }
    whole = tf.train.Example(
        features=tf.train.Features(feature=feature)
    ).SerializeToString()
    generator = random.Random(0)
    path = tmp_path / "x"
    damaged = 0
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(generator.randint(1, 3)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        path.write_bytes(data)
        try:
            with ExampleFile(path) as file:
                values = file.values(ByteRange(0, len(data)))
        except DatasetError:
            damaged += 1
            continue
        for value in values.values():
            if isinstance(value, ByteRange):
                assert 0 <= value.offset <= value.offset + value.size <= len(data)
    assert damaged > 20
