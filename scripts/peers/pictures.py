"""The pictures of a dataset in the forms that other systems read."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

import tfrecords
from tfrecords import Manifest, Statistics
from tfrecords.dataset import example
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.errors import DatasetError
from tfrecords.images.options import JPEG


def extract(data: Path, tree: Path, count: int) -> None:
    """Write the first training pictures as files, byte for byte, one folder a class.

    Args:
        data: Dataset folder whose encoding is `jpeg`.
        tree: New folder.
        count: Of pictures.

    Raises:
        DatasetError: There are too few, or they are stored otherwise.
    """
    manifest = Manifest.load(data)
    if manifest.options["encoding"] != JPEG:
        raise DatasetError(
            f"Expected a dataset built with --encoding {JPEG}, {data} is "
            f"{manifest.options['encoding']}."
        )
    if manifest.count("train") < count:
        raise DatasetError(
            f"Expected {count} training pictures in {data}, found "
            f"{manifest.count('train')}. Ask for fewer with --pictures."
        )
    for label in range(manifest.num_classes):
        (tree / f"{label:05d}").mkdir(parents=True)
    for number, stored in enumerate(_records(data, manifest, count)):
        path = tree / f"{stored.label:05d}" / f"{number:06d}.jpg"
        path.write_bytes(stored.encoded)


def build_raw(tree: Path, out: Path) -> None:
    """Build a dataset of uncompressed pictures of the extracted files."""
    tfrecords.build(
        tree,
        out,
        encoding="raw",
        validation_fraction=0,
        test_fraction=0,
        progress=False,
    )


def write_colours(data: Path, path: Path, side: int) -> None:
    """Write what every pipeline adds and subtracts, for those without TensorFlow.

    `components` is float32 (3, 3), the spread of colours that three normal numbers
    are multiplied with; `mean` is float32 (side, side, 3).
    """
    from keras_alexnet.data.augment import NOISE_STD
    from keras_alexnet.data.mean import mean_patch

    statistics = Statistics.load(data / STATISTICS_FILE)
    components = NOISE_STD * statistics.stddevs * statistics.eigenvectors
    mean = mean_patch(statistics, side)
    np.savez(path, components=components.astype("float32"), mean=mean)


def _records(data: Path, manifest: Manifest, count: int) -> Iterator[example.Record]:
    names = [str(data / shard.file) for shard in manifest.splits["train"]]
    for record in tf.data.TFRecordDataset(names).take(count):
        yield example.decode_example(record.numpy())
