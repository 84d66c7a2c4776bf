"""The three encodings, from bytes to what readers see."""

import io

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

import tfrecords
from tests.tfrecords.conftest import (
    encoded,
    noise,
    odd_pictures,
    write_tree,
)
from tfrecords import Manifest, Statistics
from tfrecords.dataset import example
from tfrecords.dataset.statistics import Accumulator
from tfrecords.images import decode, store
from tfrecords.images.decode import Rejected
from tfrecords.images.jpeg import is_well_formed
from tfrecords.images.options import ENCODINGS, FILTERS, ImageOptions

FINE = ImageOptions(quality=100, subsampling="4:4:4")


def reference(image, size=256, filter=Image.Resampling.BICUBIC):
    """Spec 5.1, step by step: resize the whole picture, then crop."""
    width, height = image.size
    shorter = min(width, height)
    new = [int(np.floor(side * size / shorter + 0.5)) for side in (width, height)]
    left, top = ((side - size) // 2 for side in new)
    resized = image.convert("RGB").resize(new, filter)
    return np.asarray(resized.crop((left, top, left + size, top + size)), np.int64)


def difference(jpeg, expected):
    return np.abs(decode.decode(jpeg).astype(np.int64) - expected).max()


@pytest.mark.parametrize(
    "shape", [(300, 400), (401, 299), (57, 90), (256, 999), (1, 1)]
)
@pytest.mark.parametrize("filter", FILTERS)
def test_shorter_side_is_resized_and_the_centre_cut(shape, filter):
    data = encoded(noise(*shape), "PNG")
    options = ImageOptions(quality=100, subsampling="4:4:4", filter=filter)
    expected = reference(Image.open(io.BytesIO(data)), 256, FILTERS[filter])
    jpeg = store.convert(data, options)
    assert decode.decode(jpeg).shape == (256, 256, 3)
    assert difference(jpeg, expected) <= 6  # half a pixel aside would be 15


def test_crop_offset_is_rounded_down():
    # 256 x 259: three columns too many, so one is cut at the left, two at the right.
    pixels = np.zeros((256, 259, 3), np.uint8)
    pixels[:, 1] = 255  # the first column that stays
    decoded = decode.decode(store.convert(encoded(pixels, "PNG"), FINE))
    assert decoded[:, 0].min() > 240
    assert decoded[:, 2:].max() < 40


def test_default_jpeg_is_quality_95_with_subsampled_colour():
    data = encoded(noise(300, 300), "PNG")
    with Image.open(io.BytesIO(store.convert(data))) as result:
        assert (result.format, result.mode, result.size) == ("JPEG", "RGB", (256, 256))
        assert result.layer[0][1:3] == (2, 2)
        tables = result.quantization
    with Image.open(io.BytesIO(encoded(noise(8, 8), quality=95))) as expected:
        assert tables == expected.quantization


def test_source_comment_and_metadata_do_not_reach_the_result():
    data = encoded(noise(300, 300), comment=b"secret", exif=_exif(6), dpi=(7, 7))
    result = store.convert(data)
    assert b"secret" not in result and b"Exif" not in result


@pytest.mark.parametrize("progressive", [False, True])
def test_a_good_jpeg_passes_through_untouched(progressive):
    data = encoded(noise(256, 256), progressive=progressive)
    assert store.convert(data) is data


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\0",
        lambda data: data + data,
        lambda data: data[:2] + b"\xff\xe5\x00\x04ok" + b"stray" + data[2:],
    ],
)
def test_stray_bytes_in_a_good_jpeg_are_repaired(change):
    data = encoded(noise(256, 256))
    broken = change(data)
    result = store.convert(broken, FINE)
    assert result != broken
    assert is_well_formed(result)
    assert difference(result, decode.decode(data)) <= 8


def test_grey_of_the_right_size_becomes_three_equal_channels():
    data = encoded(noise(256, 256, 1))
    decoded = decode.decode(store.convert(data))
    with Image.open(io.BytesIO(data)) as grey:
        expected = np.asarray(grey).astype(int)
    assert np.abs(decoded.astype(int) - expected[..., None]).max() <= 2


def _exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


_UPRIGHT = {  # EXIF 2.32, section 4.6.4: where row 0 and column 0 are
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", _UPRIGHT)
def test_exif_orientation_is_ignored_unless_asked_for(orientation):
    data = encoded(noise(80, 120, seed=3), quality=100, exif=_exif(orientation))
    with Image.open(io.BytesIO(data)) as image:
        stored = np.asarray(image)
    as_stored = reference(Image.fromarray(stored))
    turned = _UPRIGHT[orientation](stored)
    upright = reference(Image.fromarray(np.ascontiguousarray(turned)))
    turning = ImageOptions(quality=100, subsampling="4:4:4", apply_exif=True)
    assert difference(store.convert(data, FINE), as_stored) <= 6
    assert difference(store.convert(data, turning), upright) <= 6
    if orientation != 1:
        assert np.abs(as_stored - upright).max() > 20


def test_exif_turns_even_a_picture_of_the_right_size():
    data = encoded(noise(256, 256), exif=_exif(3))
    assert store.convert(data) is data
    assert store.convert(data, ImageOptions(apply_exif=True)) != data


def test_broken_exif_does_no_harm():
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40
    data = encoded(noise(90, 90), exif=exif)
    assert decode.decode(store.convert(data, ImageOptions(apply_exif=True))).any()


def test_a_very_long_picture_is_not_enlarged_as_a_whole(monkeypatch):
    made = []
    resize = Image.Image.resize

    def watched(self, size, *args, **options):
        made.append(size)
        return resize(self, size, *args, **options)

    monkeypatch.setattr(Image.Image, "resize", watched)
    stripe = np.tile(np.arange(60_000, dtype=np.uint8)[None], (1, 1))
    store.convert(encoded(stripe, "PNG"))
    assert made == [(256, 256)]


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


def test_stray_bytes_are_not_kept():
    data = encoded(noise(40, 40))
    assert store.convert(data + b"stray", ORIGINAL) != data + b"stray"


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


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("repeats", [(1, 3), (4, 1), (2, 2)])
def test_warped_is_the_whole_picture_whatever_its_proportions(encoding, repeats):
    options = ImageOptions(32, 100, "box", "warp", False, "4:4:4", encoding)
    coarse = noise(32, 32)
    data = encoded(np.kron(coarse, np.ones((*repeats, 1), np.uint8)), "PNG")
    stored = store.convert(data, options)
    found = store.square(stored, options).astype(int)
    if encoding == "raw":
        np.testing.assert_array_equal(found, coarse)
    elif encoding == "jpeg":
        assert np.abs(found - coarse).max() <= 6  # of quality 100
    else:
        whole = decode.decode(stored).astype(int)
        assert whole.shape == (32 * repeats[0], 32 * repeats[1], 3)
        blocks = whole.reshape(32, repeats[0], 32, repeats[1], 3).mean((1, 3))
        # Pillow rounds after each of its two passes.
        assert np.abs(found - blocks).max() <= 1


def test_nothing_is_cut_off_an_original_that_will_be_warped():
    warping = ImageOptions(size=32, encoding="jpeg-original", resize="warp")
    long = noise(10, 400)
    plain = encoded(long)
    assert store.convert(plain, warping) is plain
    assert store.convert(plain, ORIGINAL) is not plain
    stored = store.convert(encoded(long, "PNG"), warping)
    assert store.stored_size(stored, warping) == (10, 400)


@pytest.mark.parametrize("length", [0, 3071, 3073])
def test_raw_bytes_of_another_length_are_refused(length):
    with pytest.raises(Rejected, match="wrong_size"):
        store.square(bytes(length), RAW)


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
