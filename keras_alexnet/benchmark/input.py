"""The input pipeline beside bare libjpeg and Pillow, on one core."""

import io
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_alexnet.data import training_batches
from keras_alexnet.training import allocator
from tfrecords import Manifest
from tfrecords.dataset import example
from tfrecords.images import store
from tfrecords.images.options import RAW, ImageOptions
from tfrecords.ranges import check_count

PICTURES = 2048  # in a round


@dataclass(frozen=True)
class InputFigures:
    """Pictures per second of processor time on one core, medians over the rounds.

    Attributes:
        pipeline: Shards to batches of uint8 crops and their colours, as training reads
            them.
        libjpeg: TensorFlow's libjpeg-turbo decoding the whole stored pictures; those
            that are stored raw are made JPEGs first.
        pillow: Pillow decoding them to arrays.
        libjpeg_share: Pipeline over libjpeg, median of the ratios of the rounds.
        pillow_ratio: Pipeline over Pillow.
    """

    batch_size: int
    stored_size: int
    pipeline: float
    libjpeg: float
    pillow: float
    libjpeg_share: float
    pillow_ratio: float


def use_one_core() -> None:
    """Keep this process and TensorFlow's threads on one core; call it first.

    Raises:
        RuntimeError: TensorFlow has started its threads already.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)


def measure_input(
    data: Path | str,
    *,
    batch_size: int = 128,
    input_size: int = 224,
    rounds: int = 5,
) -> InputFigures:
    """Measure the pipeline, libjpeg and Pillow in turn on a training split.

    Args:
        data: Dataset folder with at least one batch.
        batch_size: Images in a batch.
        input_size: Side of the crops in pixels.
        rounds: Measurements of each.

    Raises:
        DatasetError: The dataset is incomplete or too small.
    """
    check_count("batch_size", batch_size)
    check_count("input_size", input_size)
    check_count("rounds", rounds)
    allocator.keep_freed_memory()  # as `alexnet train` does
    dataset = training_batches(  # as `alexnet train` takes it
        data,
        batch_size=batch_size,
        input_size=input_size,
        epochs=1_000_000,
    )
    manifest = Manifest.load(data)
    pictures = _pictures(data, manifest)
    works: list[Callable[[], float]] = [
        lambda: _pipeline_rate(dataset, batch_size),
        lambda: _decoding_rate(_libjpeg, pictures),
        lambda: _decoding_rate(_pillow, pictures),
    ]
    for work in works:
        work()
    rates = np.array([[work() for work in works] for _ in range(rounds)])
    medians = [statistics.median(column) for column in rates.T]
    return InputFigures(
        batch_size=batch_size,
        stored_size=manifest.image_size,
        pipeline=medians[0],
        libjpeg=medians[1],
        pillow=medians[2],
        libjpeg_share=statistics.median(rates[:, 0] / rates[:, 1]),
        pillow_ratio=statistics.median(rates[:, 0] / rates[:, 2]),
    )


def _pipeline_rate(dataset: tf.data.Dataset, batch_size: int) -> float:
    # A stream of its own, gone at the end: else it decodes while others are timed.
    batches = iter(dataset)
    next(batches)
    count = max(4, PICTURES // batch_size)
    start = time.process_time()
    for _ in range(count):
        next(batches)
    return count * batch_size / (time.process_time() - start)


def _decoding_rate(decode: Callable[[bytes], Any], pictures: list[bytes]) -> float:
    # Processor time: whatever else runs on the core does not count.
    start = time.process_time()
    for encoded in pictures:
        decode(encoded)
    return len(pictures) / (time.process_time() - start)


def _pictures(data: Path | str, manifest: Manifest) -> list[bytes]:
    names = [str(Path(data) / shard.file) for shard in manifest.splits["train"]]
    records = tf.data.TFRecordDataset(names).take(PICTURES)
    stored = [example.decode_example(record.numpy()).encoded for record in records]
    if manifest.options["encoding"] != RAW:
        return stored
    options = ImageOptions.recorded(manifest.options)
    return [_jpeg(store.square(pixels, options), options) for pixels in stored]


def _jpeg(pixels: np.ndarray, options: ImageOptions) -> bytes:
    # What the same build would have stored as JPEG.
    return tf.io.encode_jpeg(pixels, quality=options.quality).numpy()


def _libjpeg(encoded: bytes) -> tf.Tensor:
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def _pillow(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
