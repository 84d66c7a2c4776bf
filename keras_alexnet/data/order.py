"""Which record training takes where: a function of (seed, epoch, place) alone."""

import tensorflow as tf

from keras_alexnet.data.records import StoredSplit, do_not_convert, untuned

# What TensorFlow takes where no global seed is set.
GRAPH_SEED = 87654321


def epochs_of_passes(
    first_epoch: int, length: int, *, go_on: bool = True
) -> tf.data.Dataset:
    """Number the epochs of a pass over a stream.

    Args:
        first_epoch: Epoch that the first pass begins with, from 0.
        length: Epochs of a pass.
        go_on: Whether each pass goes on where the one before ended; otherwise all are
            as the first.

    Returns:
        Dataset of `(epoch, is_first)`: int64, and whether it is the pass's first.
    """
    passes = iter(untuned(tf.data.Dataset.counter()))

    @do_not_convert
    def one_pass(_) -> tf.data.Dataset:
        number = next(passes) if go_on else tf.constant(0, tf.int64)
        first = first_epoch + number * length
        return tf.data.Dataset.range(first, first + length).map(
            do_not_convert(lambda epoch: (epoch, epoch == first))
        )

    return tf.data.Dataset.range(1).flat_map(one_pass)


def epoch_order(
    split: StoredSplit,
    *,
    seed: int,
    epoch: tf.Tensor,
    shuffle_buffer: int,
    read: bool = True,
) -> tf.data.Dataset:
    """Return every record of a split once, in the order of an epoch.

    To be called in a function that is traced: it fixes the seed of its graph, which
    `shuffle` would otherwise take from `tf.random.set_seed` beside its own.

    Args:
        split: The records.
        seed: Integer in [0, 2^31).
        epoch: int64 scalar.
        shuffle_buffer: Records to draw the next one from, out of shards that are begun
            in random order; from the size of the split on, the shuffle is perfect.
        read: Whether to read the records; otherwise they are empty, in the same order.

    Returns:
        Dataset of `(example, record)`: int64, the place in the split, and the
        serialized record.
    """
    tf.compat.v1.set_random_seed(GRAPH_SEED)
    key = tf.stack([tf.constant(seed, tf.int64), epoch])
    shards = tf.range(len(split.files))
    order = tf.random.experimental.stateless_shuffle(shards, key)
    return split.interleaved(order, read).shuffle(
        shuffle_buffer,
        seed=tf.constant(seed << 32, tf.int64) + epoch,
        reshuffle_each_iteration=False,
    )
