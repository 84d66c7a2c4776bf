"""What training is shown when: each epoch's records, or a process's part of them."""

import tensorflow as tf

from keras_alexnet.data.batch_rows import BatchRows
from keras_alexnet.data.order import epoch_order, epochs_of_passes, mixed_runs
from keras_alexnet.data.record_reader import RecordReader
from keras_alexnet.data.records import StoredSplit, do_not_convert


def presentations(
    split: StoredSplit,
    *,
    seed: int,
    batch_size: int,
    first_epoch: int,
    first_step: int,
    length: int | None,
    read_run: int,
    rows: BatchRows | None = None,
    read: bool = True,
) -> tf.data.Dataset:
    """Return what is shown when, in a pass.

    Nothing else is read than what is shown: not what lies before the first step, nor
    what other processes show.

    Args:
        split: The records.
        seed: Integer in [0, 2^31).
        batch_size: Images in a batch of all processes; what does not fill one is left
            out.
        first_epoch: Epoch to start with.
        first_step: Batches of that epoch, the first of a pass, to leave out.
        length: Epochs of a pass; None: it never ends.
        read_run: Neighbours in the shards that are read together.
        rows: The rows of each batch that are shown; None: all, and passes go on where
            the one before ended.
        read: Whether to read the records; otherwise they are empty.

    Returns:
        Dataset of `(epoch, place, example, record)`: int64, place within the epoch,
        example within the split, and the serialized record.

    Raises:
        DatasetError: Runs are too long to be held in memory.
    """
    own = rows or BatchRows()
    used = split.count // batch_size * batch_size
    reader = RecordReader.of(split) if read else None
    # What is mixed in one go, or a run would be read in pieces.
    window = (
        batch_size if read_run == 1 else mixed_runs(read_run, batch_size) * read_run
    )
    share = max(1, window * own.share(batch_size) // batch_size)
    if reader is not None:
        reader.check_group(share)

    @do_not_convert
    def one_epoch(epoch: tf.Tensor, is_first: tf.Tensor) -> tf.data.Dataset:
        order = epoch_order(
            split.count, seed=seed, epoch=epoch, batch_size=batch_size, run=read_run
        )
        begin = tf.where(is_first, tf.constant(first_step * batch_size, tf.int64), 0)
        places = own.places(tf.minimum(begin, used), used, batch_size)

        def group(number):
            ends = tf.stack([number, number + 1]) * window
            low, high = tf.unstack(tf.searchsorted(places, ends))
            return places[low:high]

        def read_group(shown):
            examples = tf.gather(order, shown)
            if reader is None:
                return shown, examples, tf.fill(tf.shape(shown), "")
            return shown, examples, reader.read(examples)

        groups = tf.data.Dataset.range(begin // window, -(-used // window))
        return (
            groups.map(do_not_convert(group))
            .filter(do_not_convert(lambda shown: tf.size(shown) > 0))
            .map(
                do_not_convert(read_group),
                num_parallel_calls=reader.groups_ahead(share) if reader else 1,
                deterministic=True,
            )
            .flat_map(do_not_convert(_one_by_one))
            .map(do_not_convert(lambda *shown: (epoch, *shown)))
        )

    epochs = epochs_of_passes(first_epoch, length, go_on=rows is None)
    return epochs.flat_map(one_epoch)


def _one_by_one(*columns: tf.Tensor) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(columns)
