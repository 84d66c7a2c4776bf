"""What training is shown when: each epoch's records, or a process's part of them."""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from keras_alexnet.data.batch_rows import BatchRows
from keras_alexnet.data.order import epoch_order, epochs_of_passes, mixed_runs
from keras_alexnet.data.record_reader import RecordReader
from keras_alexnet.data.records import StoredSplit, do_not_convert


@dataclass(frozen=True)
class Presentations:
    """What is shown when, in a pass; nothing else is read.

    Neither what lies before the first step nor what other processes show.

    Attributes:
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
    """

    split: StoredSplit
    seed: int
    batch_size: int
    first_epoch: int
    first_step: int
    length: int | None
    read_run: int
    rows: BatchRows | None = None

    def dataset(self, *, read: bool = True) -> tf.data.Dataset:
        """Return the presentations in turn.

        Args:
            read: Whether to read the records; otherwise they are empty.

        Returns:
            Dataset of `(epoch, place, example, record)`: int64, place within the epoch,
            example within the split, and the serialized record.

        Raises:
            DatasetError: Runs are too long to be held in memory.
        """
        reader, ahead = None, 1
        if read:
            reader = RecordReader.of(self.split)
            share = self._window * self._own.share(self.batch_size) // self.batch_size
            reader.check_group(share)
            ahead = reader.groups_ahead(max(1, share))

        @do_not_convert
        def one_epoch(epoch: tf.Tensor, is_first: tf.Tensor) -> tf.data.Dataset:
            groups = self._groups(is_first).map(
                self._reading(self._order(epoch), reader),
                num_parallel_calls=ahead,
                deterministic=True,
            )
            shown = groups.flat_map(do_not_convert(_one_by_one))
            return shown.map(do_not_convert(lambda *each: (epoch, *each)))

        go_on = self.rows is None
        epochs = epochs_of_passes(self.first_epoch, self.length, go_on=go_on)
        return epochs.flat_map(one_epoch)

    @property
    def _own(self) -> BatchRows:
        return self.rows or BatchRows()

    @property
    def _window(self) -> int:
        """Places that are read in one go: what is mixed, or runs would be in pieces."""
        if self.read_run == 1:
            return self.batch_size
        return self.read_run * mixed_runs(self.read_run, self.batch_size)

    def _order(self, epoch: tf.Tensor) -> tf.Tensor:
        return epoch_order(
            self.split.count,
            seed=self.seed,
            epoch=epoch,
            batch_size=self.batch_size,
            run=self.read_run,
        )

    def _groups(self, is_first: tf.Tensor) -> tf.data.Dataset:
        """Return the places of an epoch that are shown: int64 `(n,)`, n above 0."""
        size, window = self.batch_size, self._window
        used = self.split.count // size * size
        begin = tf.where(is_first, tf.constant(self.first_step * size, tf.int64), 0)
        places = self._own.places(tf.minimum(begin, used), used, size)

        def group(number: tf.Tensor) -> tf.Tensor:
            ends = tf.stack([number, number + 1]) * window
            low, high = tf.unstack(tf.searchsorted(places, ends))
            return places[low:high]

        groups = tf.data.Dataset.range(begin // window, -(-used // window))
        return groups.map(do_not_convert(group)).filter(
            do_not_convert(lambda shown: tf.size(shown) > 0)
        )

    @staticmethod
    def _reading(order: tf.Tensor, reader: RecordReader | None) -> Callable:
        """Return what makes `(place, example, record)` of places."""

        @do_not_convert
        def read_group(shown: tf.Tensor) -> tuple[tf.Tensor, ...]:
            examples = tf.gather(order, shown)
            if reader is None:
                return shown, examples, tf.fill(tf.shape(shown), "")
            return shown, examples, reader.read(examples)

        return read_group


def _one_by_one(*columns: tf.Tensor) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(columns)
