"""The three encodings, from bytes to what readers see."""

import io

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

import tfrecords
from tests.tfrecords.conftest import encoded, noise, odd_pictures, write_tree
from tfrecords import Manifest, Statistics
from tfrecords.dataset import example
from tfrecords.dataset.statistics import Accumulator
from tfrecords.images import decode, jpeg, store
from tfrecords.images.decode import Rejected
from tfrecords.images.options import ENCODINGS, ImageOptions

ORIGINAL = ImageOptions(size=32, encoding="jpeg-original")
RAW = ImageOptions(size=32, encoding="raw")
BUILD = {"size": 32, "processes": 1, "shards": 2, "name": "tiny", "progress": False}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """The same pictures in each encoding; one of them is grey, one a PNG."""
    root = write_tree(tmp_path_factory.mktemp("in") / "tree")
    for name in ("grey.JPEG", "png.JPEG"):
        (root / "train" / "cat" / name).write_bytes(odd_pictures()[name])
    folders = {}
    for encoding in ENCODINGS:
        folders[encoding] = tmp_path_factory.mktemp("out") / encoding
        tfrecords.build(root, folders[encoding], encoding=encoding, **BUILD)
    return folders


def records(folder, split="train"):
    shards = Manifest.load(folder).splits[split]
    names = [str(folder / shard.file) for shard in shards]
    raw = tf.data.TFRecordDataset(names).as_numpy_iterator()
    return [example.decode_example(record) for record in raw]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_original_is_kept_to_the_byte(channels, progressive):
    data = encoded(noise(70, 51, channels), progressive=progressive)
    assert store.convert(data, ORIGINAL) is data
    assert store.stored_size(data, ORIGINAL) == (70, 51)


@pytest.mark.parametrize("name", ["cmyk.JPEG", "png.JPEG", "grey16.png", "alpha.png"])
def test_what_is_no_plain_jpeg_becomes_one_of_its_own_size(name):
    data = odd_pictures()[name]
    stored = store.convert(data, ORIGINAL)
    with Image.open(io.BytesIO(stored)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (50, 40))
    difference = decode.decode(stored).astype(int) - decode.decode(data)
    assert np.abs(difference).mean() < 3
    assert store.stored_size(stored, ORIGINAL) == (40, 50)


def test_stray_bytes_and_arithmetic_frames_are_not_kept():
    data = encoded(noise(40, 40))
    assert store.convert(data + b"stray", ORIGINAL) != data + b"stray"
    assert not jpeg.tensorflow_agrees(data[:-30], decode.decode(data))
    assert not jpeg.tensorflow_agrees(data, decode.decode(data) ^ 1)
    assert jpeg.tensorflow_agrees(data, decode.decode(data))


def test_a_turned_original_is_stored_upright_only_if_asked():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(noise(40, 60), exif=exif.tobytes())
    assert store.convert(data, ORIGINAL) is data
    turning = ImageOptions(size=32, encoding="jpeg-original", apply_exif=True)
    upright = store.convert(data, turning)
    assert store.stored_size(upright, turning) == (60, 40)
    expected = np.rot90(decode.decode(data), -1).astype(int)
    assert np.abs(decode.decode(upright) - expected).mean() < 2
    assert store.convert(upright, turning) is upright


def test_the_ends_of_a_very_long_picture_are_cut_off():
    stripe = np.repeat(np.arange(2000, dtype=np.uint16) % 256, 3).astype(np.uint8)
    data = encoded(np.tile(stripe.reshape(1, 2000, 3), (10, 1, 1)), "PNG")
    stored = store.convert(data, ORIGINAL)
    assert store.stored_size(stored, ORIGINAL) == (10, 160)
    middle = decode.decode(data)[:, 920:1080].astype(int)
    assert np.abs(decode.decode(stored) - middle).mean() < 3
    plain = encoded(noise(10, 160))
    assert store.convert(plain, ORIGINAL) is plain


def test_raw_is_the_square_without_a_jpeg_between():
    data = encoded(noise(45, 61), "PNG")
    stored = store.convert(data, RAW)
    with Image.open(io.BytesIO(data)) as image:
        # 61 / 45 * 32 = 43.4: five columns left, six right.
        whole = image.resize((43, 32), Image.Resampling.BICUBIC)
    expected = np.asarray(whole.crop((5, 0, 37, 32)))
    found = np.frombuffer(stored, np.uint8).reshape(32, 32, 3)
    assert np.abs(found.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(store.square(stored, RAW), found)


@pytest.mark.parametrize("length", [0, 3071, 3073])
def test_raw_bytes_of_another_length_are_refused(length):
    with pytest.raises(Rejected, match="wrong_size"):
        store.square(bytes(length), RAW)


def test_an_unknown_encoding_is_named():
    with pytest.raises(ValueError, match="jpeg-original, raw: 'png'"):
        ImageOptions(encoding="png")
    with pytest.raises(ValueError, match="encoding"):
        ImageOptions.recorded({"size": 32, "quality": 95})


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_records_say_what_they_hold(datasets, encoding):
    options = ImageOptions.recorded(Manifest.load(datasets[encoding]).options)
    assert options == ImageOptions(size=32, encoding=encoding)
    found = records(datasets[encoding])
    assert len(found) == 14
    for record in found:
        assert record.format == ("RAW" if encoding == "raw" else "JPEG")
        if encoding == "raw":
            assert len(record.encoded) == 3 * 32 * 32
            assert (record.height, record.width) == (32, 32)
        else:
            shape = tf.io.decode_jpeg(record.encoded, channels=3).shape
            assert shape == (record.height, record.width, 3)
    sizes = {(record.height, record.width) for record in found}
    assert len(sizes) == (7 if encoding == "jpeg-original" else 1)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_statistics_are_those_of_what_a_reader_sees(datasets, encoding):
    options = ImageOptions(size=32, encoding=encoding)
    accumulator = Accumulator(32)
    for record in records(datasets[encoding]):
        accumulator.add(store.square(record.encoded, options))
    found = Statistics.load(datasets[encoding])
    np.testing.assert_array_equal(found.mean_image, accumulator.statistics().mean_image)


@pytest.mark.parametrize("encoding", ["jpeg-original", "raw"])
def test_encodings_show_nearly_the_same_pictures(datasets, encoding):
    usual = Statistics.load(datasets["jpeg"]).mean_image
    other = Statistics.load(datasets[encoding]).mean_image
    assert np.abs(usual - other).mean() < 2


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_tfds_reads_each_encoding_with_its_names(datasets, encoding):
    folder = datasets[encoding]
    builder = tfds.builder_from_directory(folder)
    assert builder.info.features["image/class/label"].names == [
        "cat",
        "n01440764",
    ]
    assert builder.info.splits["train"].num_examples == 14
    pictures = list(builder.as_dataset(split="train").as_numpy_iterator())
    for mine, theirs in zip(records(folder), pictures, strict=True):
        assert theirs["image/class/label"] == mine.label
        assert theirs["image/class/text"].decode() == mine.text
        assert theirs["image/filename"].decode() == mine.filename
        assert theirs["image/encoded"].shape == (mine.height, mine.width, 3)
        if encoding == "raw":
            assert theirs["image/encoded"].tobytes() == mine.encoded
        else:
            # tfds leaves the choice of the inverse DCT to TensorFlow.
            decoded = tf.io.decode_image(mine.encoded, channels=3)
            np.testing.assert_array_equal(theirs["image/encoded"], decoded)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_is_proved(datasets, encoding):
    report = tfrecords.verify(datasets[encoding], processes=1, progress=False)
    assert report.ok, report.problems
    assert report.counts == {"train": 14, "validation": 12}
