import shutil

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import evaluation_batches, training_batches
from keras_alexnet.data.records import open_split, parse
from keras_alexnet.data.stored_picture import crop_reader
from tests.keras_alexnet.data.streams import LOW, OPTIONS, arrays, stored
from tests.small import INPUT, STORED
from tfrecords import DatasetError

FAR = STORED - INPUT


@pytest.mark.parametrize("encoding", ["dataset", "raw", "original", "warped"])
@pytest.mark.parametrize("corner", [(0, 0), (0, FAR), (LOW, 1), (FAR, FAR)])
def test_a_crop_is_a_part_of_what_is_stored(request, encoding, corner):
    folder = request.getfixturevalue(encoding)
    split = open_split(folder, "validation", INPUT)
    cut = crop_reader(split.manifest)
    pixels, _ = stored(folder, "validation")
    top, left = corner
    for place in (0, 7):
        encoded, _ = parse([*split.in_order().as_numpy_iterator()][place])
        found = cut(encoded, tf.constant(corner), INPUT).numpy()
        expected = pixels[place][top : top + INPUT, left : left + INPUT]
        assert found.shape == (INPUT, INPUT, 3) and found.dtype == np.uint8
        difference = found.astype(int) - expected
        if encoding == "dataset":
            # The last column is not smoothed with the next one: only its brightness is
            # the same, but for the rounding of three colours in both.
            assert not difference[:, :-1].any()
            assert np.abs(difference[:, -1] @ (0.299, 0.587, 0.114)).max() <= 1
        else:  # Pillow rounds twice, TensorFlow once
            assert np.abs(difference).max() <= (0 if encoding == "raw" else 2)


def is_a_crop(image, squares, tolerance):
    """Whether a picture is a crop of one of the squares, mirrored or not."""
    for row in range(FAR + 1):
        for column in range(FAR + 1):
            crops = squares[:, row : row + INPUT, column : column + INPUT].astype(int)
            for candidates in (crops, crops[:, :, ::-1]):
                distances = np.abs(image - candidates).max(axis=(1, 2, 3))
                if distances.min() <= tolerance:
                    return True
    return False


@pytest.mark.parametrize(
    ("encoding", "tolerance"), [("raw", 0), ("original", 2), ("warped", 2)]
)
def test_other_encodings_train_on_crops_of_what_is_stored(request, encoding, tolerance):
    folder = request.getfixturevalue(encoding)
    stream = training_batches(folder, **OPTIONS, colour_noise=None)
    (images, *_, labels), (again, *_) = (arrays(stream.take(1))[0] for _ in "ab")
    assert np.any(images != again)  # the pass after it
    pixels, known = stored(folder, "train")
    for image, label in zip(images[:3], labels[:3], strict=True):
        assert is_a_crop(image, pixels[np.array(known) == label], tolerance)


def edited(dataset, tmp_path, *pairs):
    """A copy of a dataset whose manifest says something else."""
    copy = shutil.copytree(dataset, tmp_path / "copy")
    text = (copy / "manifest.json").read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (copy / "manifest.json").write_text(text)
    return copy


@pytest.mark.parametrize("encoding", ["raw", "original"])
def test_raw_records_of_another_size_end_the_stream(request, tmp_path, encoding):
    size = (f'"image_size": {STORED}', '"image_size": 70')
    kind = ('"encoding": "jpeg-original"', '"encoding": "raw"')
    pairs = [size] if encoding == "raw" else [size, kind]
    copy = edited(request.getfixturevalue(encoding), tmp_path, *pairs)
    with pytest.raises(tf.errors.InvalidArgumentError):
        arrays(evaluation_batches(copy, batch_size=5, input_size=INPUT))


def test_an_unknown_encoding_is_refused(dataset, tmp_path):
    pair = ('"encoding": "jpeg"', '"encoding": "gif"')
    copy = edited(dataset, tmp_path, pair)
    with pytest.raises(DatasetError, match="jpeg-original or raw; got 'gif'"):
        evaluation_batches(copy, input_size=INPUT)
