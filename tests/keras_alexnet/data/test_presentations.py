"""What is shown when: from any step, in any part, and nothing else read."""

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import BatchRows, record_reader
from keras_alexnet.data.order import epoch_order
from keras_alexnet.data.presentations import Presentations
from keras_alexnet.data.records import open_split
from tests.keras_alexnet.data.streams import STEPS, TRAIN
from tests.small import INPUT
from tfrecords import DatasetError

BATCH = 8


def shown(dataset, epochs=2, read=True, **options):
    """Epochs, places, examples and records, of a pass."""
    split = open_split(dataset, "train", INPUT)
    fixed = {"seed": 3, "batch_size": BATCH, "first_epoch": 0, "first_step": 0}
    fixed |= {"length": epochs, "read_run": 1}
    stream = Presentations(split, **{**fixed, **options})
    stream = stream.records() if read else stream.dataset()
    return [[*map(int, each[:3]), *each[3:]] for each in stream.as_numpy_iterator()]


@pytest.mark.parametrize("read_run", [1, 2, 64])
def test_an_epoch_is_its_order_but_for_what_fills_no_batch(dataset, read_run):
    found = shown(dataset, read_run=read_run)
    expected = []
    for epoch in range(2):
        key = tf.constant(epoch, tf.int64)
        options = {"seed": 3, "epoch": key, "batch_size": BATCH, "run": read_run}
        order = epoch_order(TRAIN, **options).numpy()[: STEPS * BATCH]
        expected += [[epoch, place, example] for place, example in enumerate(order)]
    assert [row[:3] for row in found] == expected


@pytest.mark.parametrize("read_run", [1, 2])
def test_records_are_those_of_the_examples(dataset, read_run):
    whole = open_split(dataset, "train", INPUT).in_order()
    records = list(whole.as_numpy_iterator())
    found = shown(dataset, epochs=1, read_run=read_run)
    assert all(records[example] == record for _, _, example, record in found)
    unread = shown(dataset, epochs=1, read_run=read_run, read=False)
    assert unread == [row[:3] for row in found]


@pytest.mark.parametrize("read_run", [1, 3])
@pytest.mark.parametrize("step", [1, STEPS])
def test_from_a_step_on_it_is_the_rest(dataset, read_run, step):
    options = {"read_run": read_run, "epochs": 2, "read": False}
    whole = shown(dataset, **options)
    assert shown(dataset, **options, first_step=step) == whole[step * BATCH :]


@pytest.mark.parametrize(("pipelines", "read_run"), [(2, 1), (4, 2)])
def test_the_parts_of_processes_are_the_whole(dataset, read_run, pipelines):
    options = {"read_run": read_run, "read": False}
    parts = [
        shown(dataset, **options, rows=BatchRows(number, pipelines, pipelines))
        for number in range(pipelines)
    ]
    whole = shown(dataset, **options)
    size = BATCH // pipelines
    for number, part in enumerate(parts):
        own = [row for row in whole if row[1] % BATCH // size == number]
        assert part == own


def reads(dataset, monkeypatch, **options):
    """All numbers of records that are read, in the order of reading."""
    seen, own = [], record_reader.RecordReader.runs

    def runs(self, records):
        tf.py_function(lambda which: seen.extend(which.numpy().tolist()), [records], [])
        return own(self, records)

    with monkeypatch.context() as patch:
        patch.setattr(record_reader.RecordReader, "runs", runs)
        return seen, shown(dataset, **options)


@pytest.mark.parametrize("read_run", [1, 2])
def test_nothing_is_read_that_is_not_shown(dataset, monkeypatch, read_run):
    options = {"read_run": read_run, "epochs": 1, "first_step": 2}
    for rows in (None, BatchRows(1, 4, 4)):
        seen, found = reads(dataset, monkeypatch, **options, rows=rows)
        examples = [example for _, _, example, *_ in found]
        assert sorted(seen) == sorted(examples) and len({*seen}) == len(seen) > 0


def test_what_memory_is_not_for_is_refused(dataset, monkeypatch):
    split = open_split(dataset, "train", INPUT)
    held = 2 * 64 * split.offsets()[1].mean()
    monkeypatch.setattr(record_reader, "MOST_HELD", held + 1)
    shown(dataset, read_run=4)  # 16 runs
    with pytest.raises(DatasetError, match="at most 64 records.*got 80.*read_run"):
        shown(dataset, read_run=5)
    shown(dataset, read_run=5, rows=BatchRows(0, 2, 2))  # half of them


def test_an_endless_pass_goes_on(dataset):
    split = open_split(dataset, "train", INPUT)
    fixed = {"seed": 3, "batch_size": BATCH, "first_epoch": 1, "first_step": 1}
    endless = Presentations(split, **fixed, length=None, read_run=1).dataset()
    count = (3 * STEPS - 1) * BATCH
    found = [[*map(int, row)] for row in endless.take(count).as_numpy_iterator()]
    expected = shown(dataset, epochs=4, first_epoch=1, first_step=1, read=False)
    np.testing.assert_array_equal(found, expected[:count])
