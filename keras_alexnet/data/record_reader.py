"""Single records of a split, each read where it lies in its shard."""

from dataclasses import dataclass

import tensorflow as tf

from keras_alexnet.data.records import StoredSplit, do_not_convert
from tfrecords.errors import DatasetError

READ_AHEAD = 128_000_000  # bytes, but for a group that is larger
MOST_HELD = 1_000_000_000  # bytes, of two groups
GROUP_BYTES = 2_000_000  # of single records: eight groups fit in a cache
TOGETHER = 64  # records that are looked up in one go, and read in turn
MOST_GROUPS = 8  # read at once; more would pay only where each read takes long


@dataclass(frozen=True, eq=False)
class RecordReader:
    """Reads any records of a split; those that lie side by side in one go.

    Attributes:
        files: string `(shards,)`, paths.
        firsts: int64 `(shards,)`, for each shard the number of its first record.
        offsets: int64 `(records,)`, place in bytes of each in its shard.
        lengths: int64 `(records,)`, bytes of each.
        mean_bytes: Mean of the lengths.
    """

    files: tf.Tensor
    firsts: tf.Tensor
    offsets: tf.Tensor
    lengths: tf.Tensor
    mean_bytes: float

    @classmethod
    def of(cls, split: StoredSplit) -> "RecordReader":
        """Find where the records of a split lie.

        Raises:
            DatasetError: As `StoredSplit.offsets`.
        """
        offsets, lengths = split.offsets()
        with tf.device("/CPU:0"):
            return cls(
                tf.constant(split.files),
                tf.constant(split.firsts, tf.int64),
                tf.constant(offsets),
                tf.constant(lengths, tf.int64),
                float(lengths.mean()),
            )

    def read(self, records: tf.Tensor) -> tf.Tensor:
        """Read records, in the order of the files, and give them as they were asked.

        Args:
            records: int64 `(n,)`, their numbers in the split; n is above 0.

        Returns:
            string `(n,)`, serialized.

        Raises:
            tf.errors.OpError: A shard is gone, ends too early, or is damaged.
        """
        order = tf.argsort(records)
        found = self.in_turn(tf.gather(records, order))
        together = found.batch(tf.size(records, tf.int64), drop_remainder=True)
        return tf.gather(together.get_single_element(), tf.argsort(order))

    def in_turn(self, records: tf.Tensor) -> tf.data.Dataset:
        """Return some records, one after the other.

        Args:
            records: int64 `(n,)`, their numbers.
        """
        runs = tf.data.Dataset.from_tensor_slices(self.runs(records))
        return runs.flat_map(_read_run)

    def beside(self, shown: tf.data.Dataset) -> tf.data.Dataset:
        """Put to each element its record, of which some are read ahead.

        Args:
            shown: Elements are tuples of scalars; the last is the number of a record,
                int64.

        Returns:
            Dataset of the same tuples, each with the serialized record at its end.
        """

        @do_not_convert
        def read(*columns: tf.Tensor) -> tf.data.Dataset:
            each = [tf.data.Dataset.from_tensor_slices(column) for column in columns]
            return tf.data.Dataset.zip(*each, self.in_turn(columns[-1]))

        size = max(1, min(TOGETHER, int(GROUP_BYTES / self.mean_bytes)))
        return shown.batch(size).interleave(
            read,
            cycle_length=MOST_GROUPS,
            block_length=size,
            num_parallel_calls=MOST_GROUPS,
            deterministic=True,
        )

    def runs(self, records: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Return what is read in one go for some records.

        Args:
            records: int64 `(n,)`, in any order.

        Returns:
            File, offset, bytes and number of records of each run of neighbours:
            string and three times int64 `(runs,)`.
        """
        shard = tf.searchsorted(self.firsts, records, side="right") - 1
        apart = (records[1:] != records[:-1] + 1) | (shard[1:] != shard[:-1])
        begins = tf.concat([[True], apart], 0)
        run = tf.cumsum(tf.cast(begins, tf.int64)) - 1
        first = tf.where(begins)[:, 0]
        return (
            tf.gather(self.files, tf.gather(shard, first)),
            tf.gather(self.offsets, tf.gather(records, first)),
            tf.math.segment_sum(tf.gather(self.lengths, records), run),
            tf.math.segment_sum(tf.ones_like(run), run),
        )

    def groups_ahead(self, size: int) -> int:
        """Return how many groups of so many records are read ahead: 1 to 8."""
        groups = READ_AHEAD / (size * self.mean_bytes)
        return max(1, min(MOST_GROUPS, int(groups)))

    def check_group(self, size: int) -> None:
        """Refuse groups of which two, the one shown and the next, take too much memory.

        Args:
            size: Records of a group.

        Raises:
            DatasetError: They do.
        """
        most = int(MOST_HELD / 2 / self.mean_bytes)
        if size > most:
            raise DatasetError(
                f"Expected at most {most:,} records to be mixed, of "
                f"{self.mean_bytes:,.0f} bytes, twice as many of which are held in "
                f"memory, got {size:,}. Use a shorter read_run or a smaller batch."
            )


@do_not_convert
def _read_run(file, offset, size, count) -> tf.data.Dataset:
    # A buffer of the size of the run: neither more calls nor more bytes than needed.
    records = tf.raw_ops.TFRecordDatasetV2(
        filenames=file[None],
        compression_type="",
        buffer_size=size,
        byte_offsets=offset[None],
    )
    spec = tf.TensorSpec((), tf.string)
    return tf.data.experimental.from_variant(records, spec).take(count)
