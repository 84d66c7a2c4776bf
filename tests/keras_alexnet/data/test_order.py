"""Passes over one training stream: each another, and known in length."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import train_dataset, training_batches
from keras_alexnet.data.order import epoch_order, epochs_of_passes
from keras_alexnet.data.records import open_split
from tests.keras_alexnet.data.streams import OPTIONS, STEPS, TRAIN, arrays, assert_same
from tests.small import INPUT


def stream(dataset, **options):
    return training_batches(dataset, **{**OPTIONS, "seed": 3, **options})


@pytest.fixture(scope="module")
def whole(dataset):
    """Six epochs in one pass."""
    return arrays(stream(dataset, epochs=6))


def order(dataset, seed=3, shuffle_buffer=100, epochs=2):
    """The examples of each epoch, and their records."""
    split = open_split(dataset, "train", INPUT)
    options = {"seed": seed, "shuffle_buffer": shuffle_buffer}
    stream = tf.data.Dataset.range(epochs).flat_map(
        lambda epoch: epoch_order(split, epoch=epoch, **options)
    )
    found = list(stream.as_numpy_iterator())
    return [found[n : n + TRAIN] for n in range(0, len(found), TRAIN)]


def examples(epoch):
    return [int(example) for example, _ in epoch]


def test_each_record_comes_once_an_epoch_in_another_order(dataset):
    first, second = order(dataset)
    assert sorted(examples(first)) == sorted(examples(second)) == [*range(TRAIN)]
    assert examples(first) != examples(second)
    assert dict(first) == dict(second) and len({*dict(first).values()}) == TRAIN


def test_the_order_is_a_function_of_seed_and_epoch(dataset):
    tf.random.set_seed(1)
    first = order(dataset)
    tf.random.set_seed(2)
    assert order(dataset) == first
    assert examples(order(dataset, seed=4)[0]) != examples(first[0])


def test_a_buffer_of_one_leaves_shards_in_turn(dataset):
    found = examples(order(dataset, shuffle_buffer=1, epochs=1)[0])
    firsts = open_split(dataset, "train", INPUT).firsts
    assert sorted(found[:2]) == [*firsts]
    assert sorted(found[2:4]) == [first + 1 for first in firsts]


def numbers(batches):
    return [(int(epoch), bool(first)) for epoch, first in batches.as_numpy_iterator()]


def test_passes_are_numbered_on_or_all_the_same():
    passes = epochs_of_passes(5, 2)
    assert numbers(passes) == [(5, True), (6, False)]
    assert numbers(passes) == [(7, True), (8, False)]
    again = epochs_of_passes(5, 2, go_on=False)
    assert numbers(again) == numbers(again) == [(5, True), (6, False)]
    assert numbers(epochs_of_passes(5, 0)) == []


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
