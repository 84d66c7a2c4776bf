import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import record_reader
from keras_alexnet.data.record_reader import RecordReader
from keras_alexnet.data.records import open_split
from tests.keras_alexnet.data.streams import TRAIN
from tests.small import INPUT


@pytest.fixture(scope="module")
def split(dataset):
    return open_split(dataset, "train", INPUT)


@pytest.fixture(scope="module")
def whole(split):
    return list(split.in_order().as_numpy_iterator())


def places(*numbers):
    return tf.constant(numbers, tf.int64)


def test_records_are_given_as_they_were_asked_for(split, whole):
    reader, border = RecordReader.of(split), split.firsts[1]
    assert 1 < border < TRAIN - 1
    orders = [np.random.default_rng(seed).permutation(TRAIN) for seed in range(3)]
    for order in (
        *orders,
        [0],
        [TRAIN - 1],
        [border - 1, border],
        [border, border - 1],
        [3, 3, 2, 3],
    ):
        found = reader.read(places(*order)).numpy()
        assert [*found] == [whole[place] for place in order]


def test_neighbours_of_a_shard_are_read_in_one_go_and_nothing_else_is(split):
    border = split.firsts[1]
    offsets, lengths = split.offsets()
    found = RecordReader.of(split).runs(places(0, 4, 5, 6, border - 1, border))
    wanted = [([0], 0), ([4, 5, 6], 0), ([border - 1], 0), ([border], 1)]
    for (records, shard), *run in zip(wanted, *found, strict=True):
        file, offset, size, count = (each.numpy() for each in run)
        assert file.decode() == split.files[shard] and count == len(records)
        assert (offset, size) == (offsets[records[0]], lengths[records].sum())
        path = split.files[shard]
        with open(path, "rb") as content:
            content.seek(offset)
            assert content.read(8) == (lengths[records[0]] - 16).tobytes() + bytes(4)


def test_records_in_turn_are_a_dataset(split, whole):
    order = [5, 4, 3, 4, 5, TRAIN - 1, 0]
    found = RecordReader.of(split).in_turn(places(*order))
    assert [*found.as_numpy_iterator()] == [whole[place] for place in order]


def test_each_element_gets_its_record_whatever_is_read_ahead(split, whole, monkeypatch):
    order = np.random.default_rng(0).permutation(TRAIN)
    shown = tf.data.Dataset.from_tensor_slices((order * 2, order))
    reader = RecordReader.of(split)
    for group in (1, 3.5 * reader.mean_bytes, 2_000_000):
        monkeypatch.setattr(record_reader, "GROUP_BYTES", group)
        found = reader.beside(shown).as_numpy_iterator()
        assert [*found] == [(2 * place, place, whole[place]) for place in order]


def test_a_shard_without_records_holds_no_place(split, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.touch()
    (one, two), (_, first) = split.files, split.firsts
    files, firsts = (one, str(empty), two), (0, first, first)
    changed = RecordReader.of(dataclasses.replace(split, files=files, firsts=firsts))
    asked = places(first, first - 1)
    expected = RecordReader.of(split).read(asked)
    np.testing.assert_array_equal(changed.read(asked), expected)


def test_what_is_read_ahead_is_bounded_in_bytes(split):
    reader = dataclasses.replace(RecordReader.of(split), mean_bytes=100_000.0)
    assert [reader.groups_ahead(size) for size in (1, 320, 640, 10_000)] == [8, 4, 2, 1]
