"""What became of a shard while it was read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from tfrecords import Manifest
from tfrecords.addresses import Address
from tfrecords.errors import DatasetError


@contextmanager
def shards_explained(
    directory: Path | str | Address, go_on: str = ""
) -> Iterator[None]:
    """Name the shard that is gone or cut short, where TensorFlow could not read on.

    Args:
        directory: Dataset folder that is read in the block.
        go_on: What to do once it is there again, a sentence.

    Raises:
        DatasetError: A shard is not there any more, or has another size.
    """
    try:
        yield
    except tf.errors.OpError as error:
        try:
            Manifest.load(directory)
        except DatasetError as found:
            message = f"The dataset has changed while it was read. {found} {go_on}"
            raise DatasetError(message.rstrip()) from error
        raise
