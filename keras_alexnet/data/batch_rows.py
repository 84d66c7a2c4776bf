"""The part of each global batch that one input pipeline reads."""

from dataclasses import dataclass

import tensorflow as tf

from tfrecords.errors import UserError

# See records.py.
do_not_convert = tf.autograph.experimental.do_not_convert


@dataclass(frozen=True)
class BatchRows:
    """Rows of every global batch, by position, for one of several input pipelines.

    Pipeline `pipeline` of `pipelines` reads the rows from `pipeline / pipelines` of the
    batch on, and gives them to its replicas in order. Replica r of n thus works on the
    r-th n-th of the batch whatever the machines are, and the pictures of a step are the
    same set for any number of replicas.

    Attributes:
        pipeline: Number of this pipeline, from 0; one pipeline a process.
        pipelines: Number of pipelines.
        replicas: Number of replicas in all processes together.
    """

    pipeline: int = 0
    pipelines: int = 1
    replicas: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.pipeline < self.pipelines:
            raise UserError(
                f"Expected a pipeline in [0, {self.pipelines}), got {self.pipeline}."
            )
        if self.replicas % self.pipelines:
            raise UserError(
                f"Expected as many replicas in each of {self.pipelines} processes, got "
                f"{self.replicas} in all. Give every worker the same number of devices."
            )

    def rows(self, batch_size: int) -> tuple[int, int]:
        """Return the first row of a global batch that is read, and the end."""
        size = self.replica_batch(batch_size) * (self.replicas // self.pipelines)
        return self.pipeline * size, (self.pipeline + 1) * size

    def replica_batch(self, batch_size: int) -> int:
        """Return the number of images in a step of one replica.

        Raises:
            UserError: The replicas would not have equally many, so that the mean of
                their gradients would not be the gradient of the batch.
        """
        if batch_size % self.replicas:
            below = batch_size - batch_size % self.replicas
            near = [str(n) for n in (below, below + self.replicas) if n]
            raise UserError(
                f"Expected a batch that divides by the {self.replicas} replicas, got "
                f"{batch_size} images. Use --batch-size {' or '.join(near)}."
            )
        return batch_size // self.replicas

    def share(self, batch_size: int) -> int:
        """Return how many rows of a global batch are read."""
        first, stop = self.rows(batch_size)
        return stop - first

    def places(
        self, begin: tf.Tensor | int, end: tf.Tensor | int, batch_size: int
    ) -> tf.Tensor:
        """Return which places of a stream are in these rows: int64 `(n,)`, ascending.

        Args:
            begin: int64 scalar, the first place.
            end: int64 scalar, the first that does not count.
            batch_size: Images in a global batch.
        """
        first, stop = self.rows(batch_size)
        place = tf.range(begin, end, dtype=tf.int64)
        row = place % batch_size
        return tf.boolean_mask(place, (first <= row) & (row < stop))

    def fill_up(
        self, pictures: tf.data.Dataset, batch_size: int, count: int
    ) -> tf.data.Dataset:
        """Give the pictures of these rows weight 1; fill the last batch up with 0.

        Args:
            pictures: Dataset of `(image, label)`: the rows of this pipeline alone.
            batch_size: Images in a global batch.
            count: Pictures of all pipelines together.

        Returns:
            Dataset of `(image, label, weight)`; what fills up is all zeros. Every
            pipeline has as many elements: full batches for each of its replicas.
        """
        first, stop = self.rows(batch_size)
        last = count % batch_size
        missing = stop - max(first, min(last, stop)) if last else 0
        black = tf.data.Dataset.from_tensors(
            tuple(tf.zeros(spec.shape, spec.dtype) for spec in pictures.element_spec)
        )
        return pictures.map(
            do_not_convert(lambda *picture: (*picture, 1.0))
        ).concatenate(
            black.repeat(missing).map(do_not_convert(lambda *picture: (*picture, 0.0)))
        )
