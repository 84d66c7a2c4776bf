"""Passes over one training stream: each another, and known in length."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import Share, train_dataset
from tests import small

OPTIONS = {"batch_size": 8, "input_size": small.INPUT, "seed": 3}
STEPS = 4  # of an epoch


def stream(dataset, **options):
    return train_dataset(dataset, **{**OPTIONS, **options})


def arrays(batches):
    return list(batches.as_numpy_iterator())


def assert_same(ours, others):
    assert len(ours) == len(others) > 0
    for one, other in zip(ours, others, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("epochs", [1, 2])
def test_passes_go_on_where_the_last_one_ended(dataset, epochs):
    batches = stream(dataset, epochs=epochs)
    passes = [arrays(batches) for _ in range(3)]
    assert_same(sum(passes, []), arrays(stream(dataset, epochs=3 * epochs)))
    first = [one[0][0] for one in passes]
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[1], first[2])


def test_so_do_those_of_a_stream_that_starts_later(dataset):
    batches = stream(dataset, epochs=3, first_epoch=2, first_step=1)
    passes = [arrays(batches) for _ in range(2)]
    whole = arrays(stream(dataset, epochs=4))
    assert_same(passes[0], whole[2 * STEPS + 1 : 3 * STEPS])
    assert_same(passes[1], whole[3 * STEPS + 1 :])


def test_repeat_and_two_iterators_at_once_are_passes_too(dataset):
    whole = arrays(stream(dataset, epochs=2))
    assert_same(arrays(stream(dataset).repeat(2)), whole)
    batches = stream(dataset)
    both = zip(batches, batches, strict=True)
    pairs = [[tuple(t.numpy() for t in batch) for batch in pair] for pair in both]
    assert_same([pair[0] for pair in pairs] + [pair[1] for pair in pairs], whole)


def test_the_global_seed_changes_no_pass(dataset):
    found = []
    for seed in (1, 2):
        tf.random.set_seed(seed)
        batches = stream(dataset)
        found.append(arrays(batches) + arrays(batches))
    assert_same(*found)


@pytest.mark.parametrize("colour_epochs", [None, 1])
def test_colour_noise_ends_with_the_epochs_of_all_passes(dataset, colour_epochs):
    batches = stream(dataset, colour_epochs=colour_epochs)
    noisy, later = arrays(batches), arrays(batches)
    plain = arrays(stream(dataset, epochs=2, colour_noise=None))
    assert not np.array_equal(noisy[0][0], plain[0][0])
    same = np.array_equal(later[0][0], plain[STEPS][0])
    assert same == (colour_epochs == 1)


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
    model.fit(stream(dataset), epochs=3, verbose=0, callbacks=[seen], shuffle=False)
    assert seen.steps == STEPS
    expected = [batch[0][0, 0, 0, 0] for batch in arrays(stream(dataset, epochs=3))]
    assert firsts == [float(value) for value in expected]


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


def test_a_share_is_endless_and_each_pass_of_it_the_same(dataset):
    batches = stream(dataset, epochs=2, share=Share(1, 2, 2))
    assert batches.cardinality() == tf.data.INFINITE_CARDINALITY
    first, again = (arrays(batches.take(2 * STEPS)) for _ in "ab")
    assert_same(first, again)


def test_a_strategy_of_tensorflow_reads_other_passes_too(dataset):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        batches = strategy.experimental_distribute_dataset(stream(dataset))
    passes = [[labels.numpy() for _, labels in batches] for _ in range(2)]
    whole = [labels for _, labels in arrays(stream(dataset, epochs=2))]
    np.testing.assert_array_equal(sum(passes, []), whole)
