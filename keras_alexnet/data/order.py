"""Which record training takes where: a permutation, of (seed, epoch) alone."""

import tensorflow as tf

from keras_alexnet.data.records import do_not_convert, untuned

LEAST_MIXED = 16  # runs that are mixed with each other
LEAST_BATCHES = 4  # that they are spread over


def epochs_of_passes(
    first_epoch: int, length: int | None, *, go_on: bool = True
) -> tf.data.Dataset:
    """Number the epochs of a pass over a stream.

    Args:
        first_epoch: Epoch that the first pass begins with, from 0.
        length: Epochs of a pass; None: it never ends.
        go_on: Whether each pass goes on where the one before ended; otherwise all are
            as the first, as endless ones are.

    Returns:
        Dataset of `(epoch, is_first)`: int64, and whether it is the pass's first.
    """
    passes = iter(untuned(tf.data.Dataset.counter()))

    @do_not_convert
    def one_pass(_) -> tf.data.Dataset:
        if length is None:
            epochs = tf.data.Dataset.counter(tf.constant(first_epoch, tf.int64))
            first = tf.constant(first_epoch, tf.int64)
        else:
            number = next(passes) if go_on else tf.constant(0, tf.int64)
            first = first_epoch + number * length
            epochs = tf.data.Dataset.range(first, first + length)
        return epochs.map(do_not_convert(lambda epoch: (epoch, epoch == first)))

    return tf.data.Dataset.range(1).flat_map(one_pass)


def epoch_order(
    count: int,
    *,
    seed: int | tf.Tensor,
    epoch: tf.Tensor,
    batch_size: int,
    run: int = 1,
) -> tf.Tensor:
    """Return the order of an epoch: every record once.

    With `run` 1 all orders are equally likely. With more, neighbours in the shards are
    read together: runs of so many records are put in random order, and as many of them
    as `mixed_runs` says are mixed, each in rows of the batches of its own, so that a
    process which reads some rows of all batches reads whole runs. Runs begin somewhere
    else each epoch, so that each record is in each place equally often. Records that
    are too few to be mixed so come last, each for itself.

    TensorFlow's `index_shuffle`, which would need no memory, is no substitute: with
    any number of rounds its permutations can be told from random ones
    (results/order).

    Args:
        count: Records.
        seed: Integer in [0, 2^31).
        epoch: int64 scalar.
        batch_size: Images in a batch.
        run: Neighbours that are read together.

    Returns:
        int64 `(count,)`: the number of the record at each place.
    """
    key = tf.stack([tf.cast(seed, tf.int64), epoch])
    if run == 1:
        return _shuffled(count, key)
    turns, order, within, rest = (_key(key, number) for number in range(4))
    mixed = mixed_runs(run, batch_size)
    window = mixed * run
    whole = count // window * window
    runs = _shuffled(whole // run, order)[:, None] * run + tf.range(run, dtype=tf.int64)
    # Runs that share a row, where there are fewer rows than runs, are mixed as one.
    rows = min(batch_size, mixed)
    records = tf.reshape(runs, (-1, run * (mixed >> (rows.bit_length() - 1))))
    draws = tf.random.stateless_uniform(tf.shape(records), within)
    records = tf.gather(records, tf.argsort(draws), batch_dims=1)
    by_rows = _by_rows(whole, window, batch_size)
    shown = tf.gather(tf.reshape(records, [-1]), by_rows)
    last = whole + _shuffled(count - whole, rest)
    turn = tf.random.stateless_uniform((), turns, 0, count, tf.int64)
    return (tf.concat([shown, last], 0) + turn) % count


def mixed_runs(run: int, batch_size: int) -> int:
    """Return how many runs are mixed with each other: a power of two, 16 or more.

    Of short runs they are so many that they fill four batches: or each would be in one.
    """
    least = max(LEAST_MIXED, -(-LEAST_BATCHES * batch_size // run))
    return 1 << (least - 1).bit_length()


def _shuffled(count: int, key: tf.Tensor) -> tf.Tensor:
    return tf.random.experimental.stateless_shuffle(
        tf.range(count, dtype=tf.int64), key
    )


def _key(key: tf.Tensor, number: int) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(key, number)


def _by_rows(count: int, window: int, batch_size: int) -> tf.Tensor:
    """Return for each place where it stands in its window, if that is put row by row.

    Places are step after step; of a window those of the batches' first row come first,
    then those of the second, and so on.

    Args:
        count: Places, whole windows.
        window: Places of one.
        batch_size: Rows of a batch.

    Returns:
        int64 `(count,)`, a permutation within each window.
    """
    place = tf.range(count, dtype=tf.int64)
    row, begin = place % batch_size, place // window * window

    def before(stop: tf.Tensor) -> tf.Tensor:
        """Count the places before one that are in rows before that of `place`."""
        return stop // batch_size * row + tf.minimum(stop % batch_size, row)

    rows_before = before(begin + window) - before(begin)
    first_step = (begin - row + batch_size - 1) // batch_size
    return begin + rows_before + place // batch_size - first_step
