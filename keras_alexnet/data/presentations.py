"""What training is shown when: each epoch's records, or a process's part of them."""

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

    def dataset(self) -> tf.data.Dataset:
        """Return the presentations in turn; nothing is read.

        Returns:
            Dataset of `(epoch, place, example)`: int64, place within the epoch, and
            example within the split.
        """

        @do_not_convert
        def one_epoch(epoch: tf.Tensor, is_first: tf.Tensor) -> tf.data.Dataset:
            places, _ = self._places(is_first)
            examples = tf.gather(self._order(epoch), places)
            columns = tf.fill(tf.shape(places), epoch), places, examples
            return tf.data.Dataset.from_tensor_slices(columns)

        return self._epochs().flat_map(one_epoch)

    def records(self) -> tf.data.Dataset:
        """Return the presentations in turn, each with its record.

        Returns:
            Dataset of `(epoch, place, example, record)`, the last serialized.

        Raises:
            DatasetError: Runs are too long to be held in memory.
        """
        reader = RecordReader.of(self.split)
        if self.read_run == 1:
            return reader.beside(self.dataset())
        share = self._window * self._own.share(self.batch_size) // self.batch_size
        reader.check_group(share)

        @do_not_convert
        def one_epoch(epoch: tf.Tensor, is_first: tf.Tensor) -> tf.data.Dataset:
            order = self._order(epoch)

            @do_not_convert
            def read_group(places: tf.Tensor) -> tuple[tf.Tensor, ...]:
                examples = tf.gather(order, places)
                epochs = tf.fill(tf.shape(places), epoch)
                return epochs, places, examples, reader.read(examples)

            groups = self._groups(is_first).map(
                read_group,
                num_parallel_calls=reader.groups_ahead(max(1, share)),
                deterministic=True,
            )
            return groups.flat_map(do_not_convert(_one_by_one))

        return self._epochs().flat_map(one_epoch)

    def _epochs(self) -> tf.data.Dataset:
        go_on = self.rows is None
        return epochs_of_passes(self.first_epoch, self.length, go_on=go_on)

    @property
    def _own(self) -> BatchRows:
        return self.rows or BatchRows()

    @property
    def _window(self) -> int:
        """Places that are read in one go: what is mixed, or runs would be in pieces."""
        return self.read_run * mixed_runs(self.read_run, self.batch_size)

    def _order(self, epoch: tf.Tensor) -> tf.Tensor:
        return epoch_order(
            self.split.count,
            seed=self.seed,
            epoch=epoch,
            batch_size=self.batch_size,
            run=self.read_run,
        )

    def _places(self, is_first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the places of an epoch that are shown, int64, and where it begins."""
        size = self.batch_size
        used = self.split.count // size * size
        begin = tf.where(is_first, tf.constant(self.first_step * size, tf.int64), 0)
        return self._own.places(tf.minimum(begin, used), used, size), begin

    def _groups(self, is_first: tf.Tensor) -> tf.data.Dataset:
        """Return the places of an epoch that are shown: int64 `(n,)`, n above 0."""
        places, begin = self._places(is_first)
        window = self._window

        @do_not_convert
        def group(number: tf.Tensor) -> tf.Tensor:
            ends = tf.stack([number, number + 1]) * window
            low, high = tf.unstack(tf.searchsorted(places, ends))
            return places[low:high]

        groups = tf.data.Dataset.range(begin // window, -(-self.split.count // window))
        return groups.map(group).filter(
            do_not_convert(lambda shown: tf.size(shown) > 0)
        )


def _one_by_one(*columns: tf.Tensor) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(columns)
