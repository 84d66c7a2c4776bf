import re
import shutil

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import BatchRows, picture_cache, training_batches
from keras_alexnet.data.picture_cache import MARGIN, cache_pictures
from keras_alexnet.data.records import open_split
from tests.keras_alexnet.data.streams import (
    OPTIONS,
    STEPS,
    TRAIN,
    arrays,
    assert_same,
    stored,
)
from tests.small import INPUT, STORED
from tfrecords import DatasetError

SMALL = 40  # pixels; crops of it begin at 16 and 32 too


@pytest.fixture(autouse=True)
def enough(monkeypatch):
    """Let the tests not depend on what else runs here."""
    monkeypatch.setattr(picture_cache, "free_memory", lambda: 2 * MARGIN)


def filled(folder, side=INPUT):
    return cache_pictures(open_split(folder, "train", side), side)


@pytest.mark.parametrize("encoding", ["dataset", "raw", "original"])
def test_batches_are_those_of_records_to_the_bit(request, encoding):
    folder = request.getfixturevalue(encoding)
    cache = filled(folder, SMALL)
    for options, count in (
        ({"crop_chunk": 3, "first_step": 2, "read_run": 2}, 2 * STEPS - 2),
        ({"flip": False, "rows": BatchRows(1, 2, 4)}, 4 * STEPS),
    ):
        options = {**OPTIONS, "input_size": SMALL, "epochs": 2, "seed": 4, **options}
        ours = arrays(training_batches(folder, cache=cache, **options), count)
        assert len(ours) == count
        assert_same(ours, arrays(training_batches(folder, **options), count))


def test_no_record_is_read_once_it_is_filled(dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    cache, expected = filled(copy), arrays(training_batches(dataset, **OPTIONS))
    manifest = open_split(copy, "train", INPUT).manifest
    for shard in copy.glob("*tfrecord*"):
        shard.unlink()
    found = training_batches(copy, cache=cache, manifest=manifest, **OPTIONS)
    assert_same(arrays(found), expected)


def test_it_holds_the_pictures_and_their_labels_once(raw):
    cache = filled(raw)
    pixels, labels = stored(raw, "train")
    assert cache.rows.dtype == tf.uint8 and not cache.edges
    np.testing.assert_array_equal(cache.rows, pixels.reshape(-1, STORED * 3))
    np.testing.assert_array_equal(cache.labels, labels)


def test_the_tensor_is_the_memory_that_was_filled(raw, monkeypatch):
    made, make = [], picture_cache._aligned
    monkeypatch.setattr(
        picture_cache, "_aligned", lambda shape: made.append(make(shape)) or made[-1]
    )
    cache = filled(raw)
    made[0][5, 7] ^= 255
    assert cache.rows[5, 7] == made[0][5, 7]
    assert made[0].ctypes.data % picture_cache.ALIGNMENT == 0


def test_how_far_it_is_is_said(dataset, capsys):
    filled(dataset)
    assert f"cache: {TRAIN} of {TRAIN} pictures" in capsys.readouterr().err


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (-1, False)])
def test_what_does_not_fit_is_said_and_left(raw, capsys, monkeypatch, spare, fits):
    size = TRAIN * STORED * STORED * 3
    monkeypatch.setattr(picture_cache, "free_memory", lambda: MARGIN + size + spare)
    assert (filled(raw) is not None) == fits
    said = capsys.readouterr().out
    line = "--cache needs 4.0 GB (4.0 of them to train in), 4.0 GB are free"
    assert (line in said) != fits and said.count("\n") == (not fits)


def test_memory_that_is_not_known_is_tried(raw, monkeypatch):
    monkeypatch.setattr(picture_cache, "free_memory", lambda: None)
    assert filled(raw) is not None


def test_a_broken_record_is_the_error_that_it_is_in_training(dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    shard = sorted(copy.glob("*train*"))[0]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    messages = []
    for read in (filled, lambda copy: arrays(training_batches(copy, **OPTIONS))):
        with pytest.raises(tf.errors.DataLossError) as caught:
            read(copy)
        messages += re.findall(r"corrupted record at \d+", caught.value.message)
    assert len(messages) == 2 and messages[0] == messages[1]


def test_crops_of_another_size_are_refused(dataset):
    with pytest.raises(DatasetError, match=f"crops of {INPUT} pixels.*for {SMALL}"):
        training_batches(dataset, cache=filled(dataset, SMALL), **OPTIONS)
