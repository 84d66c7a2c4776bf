"""The order of an epoch; and passes over one stream: each another, of known length."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import train_dataset, training_batches
from keras_alexnet.data.order import epoch_order, epochs_of_passes, mixed_runs
from tests.keras_alexnet.data.streams import OPTIONS, STEPS, arrays, assert_same


def stream(dataset, **options):
    return training_batches(dataset, **{**OPTIONS, "seed": 3, **options})


@pytest.fixture(scope="module")
def whole(dataset):
    """Six epochs in one pass."""
    return arrays(stream(dataset, epochs=6))


def order(count=1000, seed=3, epoch=0, **options):
    options = {"batch_size": 8, **options}
    key = tf.constant(epoch, tf.int64)
    return epoch_order(count, seed=seed, epoch=key, **options).numpy()


@pytest.mark.parametrize("count", [1, 16, 100, 1000, 1003])
@pytest.mark.parametrize("run", [1, 2, 5, 64])
@pytest.mark.parametrize("batch_size", [8, 7, 200])
def test_each_record_comes_once_an_epoch_in_another_order(count, run, batch_size):
    options = {"count": count, "run": run, "batch_size": batch_size}
    first, second = (order(epoch=epoch, **options) for epoch in (0, 1))
    assert [*np.sort(first)] == [*np.sort(second)] == [*range(count)]
    assert first.dtype == np.int64
    assert count == 1 or np.any(first != second)


@pytest.mark.parametrize("run", [1, 8])
def test_the_order_is_a_function_of_seed_and_epoch(run):
    tf.random.set_seed(1)
    first = order(run=run, epoch=5)
    tf.random.set_seed(2)
    np.testing.assert_array_equal(order(run=run, epoch=5), first)
    assert np.any(order(run=run, epoch=6) != first)
    assert np.any(order(run=run, epoch=5, seed=4) != first)


def test_a_batch_size_changes_no_order_without_runs():
    np.testing.assert_array_equal(order(batch_size=8), order(batch_size=128))


def windows(count, run, batch_size):
    """The records of each window of mixed runs, by place, and the rows of places."""
    size = mixed_runs(run, batch_size) * run
    whole = count // size * size
    found = order(count, run=run, batch_size=batch_size)[:whole]
    rows = np.arange(whole) % batch_size
    return zip(found.reshape(-1, size), rows.reshape(-1, size), strict=True)


def test_as_many_runs_are_mixed_as_fill_four_batches():
    found = [mixed_runs(run, 128) for run in (2, 8, 31, 32, 64)]
    assert found == [256, 64, 32, 16, 16]
    assert [mixed_runs(8, size) for size in (1, 32, 33, 1024)] == [16, 16, 32, 512]


def broken_runs(records, run):
    """How many pieces of neighbours are no whole runs."""
    records = np.sort(records)
    pieces = np.split(records, np.flatnonzero(np.diff(records) != 1) + 1)
    return sum(len(piece) % run != 0 for piece in pieces)


@pytest.mark.parametrize("run", [2, 5, 64])
@pytest.mark.parametrize("batch_size", [8, 7, 32, 200])
def test_whole_runs_are_mixed_and_each_is_spread_over_all_batches(run, batch_size):
    mixed = mixed_runs(run, batch_size)
    found = [w for w, _ in windows(mixed * run * 5 + 3, run, batch_size)]
    # Where the turn of this epoch goes over the end, one run is in two pieces.
    assert len(found) == 5 and sum(broken_runs(each, run) for each in found) in (0, 2)
    if run == 64:
        parts = [part for each in found for part in np.array_split(each, 4)]
        assert all(len({*(part // run)}) >= mixed for part in parts)


@pytest.mark.parametrize("pipelines", [2, 4, 8])
@pytest.mark.parametrize("run", [4, 16])
def test_a_process_reads_whole_runs(pipelines, run):
    batch_size, broken = 8, 0
    size = run * mixed_runs(run, batch_size)
    for records, rows in windows(size * 4, run, batch_size):
        for pipeline in range(pipelines):
            own = records[rows * pipelines // batch_size == pipeline]
            assert len(own) == size // pipelines
            broken += broken_runs(own, run)
    assert broken in (0, 2)


def test_what_fills_no_window_is_mixed_by_itself():
    found = order(16 * 8 + 40, run=8)
    assert len({*found[-40:]}) == 40
    neighbours = np.abs(np.diff(found[-40:])) == 1
    assert neighbours.sum() < 20  # of random orders of 40, some 2 are


@pytest.mark.parametrize("run", [1, 3])
def test_each_record_is_in_each_place_equally_often(run):
    count, seeds = 100, 4000
    compiled = tf.function(
        lambda seed: epoch_order(count, seed=0, epoch=seed, batch_size=8, run=run)
    )
    seen = np.zeros((count, count))
    for seed in range(seeds):
        seen[np.arange(count), compiled(tf.constant(seed, tf.int64)).numpy()] += 1
    expected = seeds / count
    chi = ((seen - expected) ** 2 / expected).sum()
    freedom = (count - 1) ** 2
    # The normal limit of chi squared: six deviations, once in a billion.
    assert abs(chi - freedom) < 6 * np.sqrt(2 * freedom)


def numbers(batches):
    return [(int(epoch), bool(first)) for epoch, first in batches.as_numpy_iterator()]


def test_passes_are_numbered_on_or_all_the_same():
    passes = epochs_of_passes(5, 2)
    assert numbers(passes) == [(5, True), (6, False)]
    assert numbers(passes) == [(7, True), (8, False)]
    again = epochs_of_passes(5, 2, go_on=False)
    assert numbers(again) == numbers(again) == [(5, True), (6, False)]
    assert numbers(epochs_of_passes(5, 0)) == []
    endless = epochs_of_passes(5, None)
    for _ in range(2):
        assert numbers(endless.take(3)) == [(5, True), (6, False), (7, False)]


@pytest.mark.parametrize("epochs", [1, 2])
def test_passes_go_on_where_the_last_one_ended(dataset, whole, epochs):
    batches = stream(dataset, epochs=epochs)
    passes = [arrays(batches) for _ in range(3)]
    assert_same(sum(passes, []), whole[: 3 * epochs * STEPS])
    first = [one[0][0] for one in passes]
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[1], first[2])


def test_so_do_those_of_a_stream_that_starts_later(dataset, whole):
    batches = stream(dataset, epochs=3, first_epoch=2, first_step=1)
    passes = [arrays(batches) for _ in range(2)]
    assert_same(passes[0], whole[2 * STEPS + 1 : 3 * STEPS])
    assert_same(passes[1], whole[3 * STEPS + 1 : 4 * STEPS])


def test_repeat_and_two_iterators_at_once_are_passes_too(dataset, whole):
    expected = whole[: 2 * STEPS]
    assert_same(arrays(stream(dataset).repeat(2)), expected)
    batches = stream(dataset)
    pairs = list(zip(batches, batches, strict=True))
    found = [tf.nest.flatten(pair[n]) for n in (0, 1) for pair in pairs]
    assert_same(found, expected)


def test_the_global_seed_changes_no_pass(dataset, whole):
    for seed in (1, 2):
        tf.random.set_seed(seed)
        batches = stream(dataset)
        assert_same(arrays(batches) + arrays(batches), whole[: 2 * STEPS])


class Seen(keras.callbacks.Callback):
    """Counts the steps that the bar knows of."""

    def on_train_begin(self, logs=None):
        self.steps = self.params["steps"]


def test_fit_sees_another_pass_each_epoch_and_knows_its_steps(dataset):
    firsts = []

    class Model(keras.Model):
        def build(self, shape):
            self.weight = self.add_weight(shape=())

        def call(self, images):
            tf.py_function(lambda x: firsts.append(float(x)), [images[0, 0, 0, 0]], [])
            return self.weight * tf.reduce_mean(images, axis=(1, 2))

    model = Model()
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    seen = Seen()
    options = {**OPTIONS, "seed": 3}
    batches = train_dataset(dataset, **options)
    model.fit(batches, epochs=3, verbose=0, callbacks=[seen], shuffle=False)
    assert seen.steps == STEPS
    expected = arrays(train_dataset(dataset, **options, epochs=3))
    assert firsts == [float(images[0, 0, 0, 0]) for images, _ in expected]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, STEPS),
        ({"epochs": 3}, 3 * STEPS),
        ({"epochs": 3, "first_epoch": 1}, 2 * STEPS),
        ({"epochs": 3, "first_epoch": 1, "first_step": 3}, 2 * STEPS - 3),
        ({"epochs": 2, "first_epoch": 1, "first_step": STEPS}, 0),
        ({"epochs": 1, "first_epoch": 1}, 0),
        ({"epochs": 1, "first_epoch": 5, "first_step": 2}, 0),
        ({"batch_size": 36}, 1),
    ],
)
def test_the_length_is_known(dataset, options, expected):
    batches = stream(dataset, **options)
    assert len(batches) == expected
    assert len(arrays(batches)) == len(arrays(batches)) == expected
    assert len(train_dataset(dataset, **{**OPTIONS, **options})) == expected


def test_a_strategy_of_tensorflow_reads_other_passes_too(dataset, whole):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        batches = strategy.experimental_distribute_dataset(stream(dataset))
    passes = [[labels.numpy() for _, labels in batches] for _ in range(2)]
    labels = [batch[-1] for batch in whole[: 2 * STEPS]]
    np.testing.assert_array_equal(sum(passes, []), labels)
