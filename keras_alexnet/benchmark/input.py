"""The input pipeline beside bare libjpeg and Pillow, on one core."""

import io
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import tyro

from keras_alexnet.benchmark.operations import Work, median_ratio, seconds_in_turn
from keras_alexnet.record import Figure, MeasureOptions, Record
from tfrecords.errors import UserError

PICTURES = 2048  # in a round
FOREVER = 1_000_000  # epochs


@dataclass(frozen=True)
class InputOptions(MeasureOptions):
    """Measure the input pipeline on one core, in images/s of processor time.

    Beside it in the same run: bare libjpeg and Pillow on the same pictures; those that
    are stored raw are made JPEGs first.
    """

    data: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    batch_size: int = 128
    """Images in a batch."""
    input_size: int = 224
    """Side of the crops, pixels."""
    cache: bool = False
    """Measure it as `alexnet train --cache` reads, and how fast that is filled."""
    rounds: int = 5
    """Measurements of each, in turn."""


def measure(options: InputOptions) -> Record:
    """Measure the pipeline, libjpeg and Pillow in turn on a training split."""
    use_one_core()
    batch_size, size = options.batch_size, options.input_size
    cache, filling = _filled(options) if options.cache else (None, [])
    batches = endless_batches(options.data, batch_size, input_size=size, cache=cache)
    pictures = _stored_jpegs(options.data)
    count = max(4, PICTURES // batch_size)
    works = {
        "pipeline": taking(batches, count),
        "libjpeg": _decoding(libjpeg, pictures),
        "Pillow": _decoding(pillow, pictures),
    }
    timed = {name: work.seconds for name, work in works.items()}
    whole, *decoding = seconds_in_turn(timed, options.rounds, "input").values()
    # Of a picture, so that ratios are of like and like.
    own = [seconds / (count * batch_size) for seconds in whole]
    bare = [[seconds / len(pictures) for seconds in each] for each in decoding]
    shares = [100 * median_ratio(seconds, own) for seconds in bare]
    beside = f"{shares[0]:.0f} % of libjpeg, {shares[1]:.0f} % of Pillow"
    figures = [
        Figure("pipeline", 1 / median(own), "images/s", beside),
        Figure("libjpeg", 1 / median(bare[0]), "images/s"),
        Figure("Pillow", 1 / median(bare[1]), "images/s"),
        Figure("pipeline over libjpeg", shares[0], "%"),
        Figure("pipeline over Pillow", shares[1], "%"),
        *filling,
    ]
    title = "Input pipeline on one core, of processor time"
    return Record.now("input", title, figures, options=asdict(options))


def use_one_core() -> None:
    """Keep this process and TensorFlow's threads on one core; call it first."""
    import tensorflow as tf

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)


def endless_batches(
    data: Path | str,
    batch_size: int,
    *,
    input_size: int = 224,
    floats: bool = False,
    **options: Any,
) -> Any:
    """Return the training stream of a dataset without end, as `alexnet train` reads it.

    It is a `tf.data.Dataset` of uint8 crops with their colours, or of `floats` without
    the mean, and labels. Further options are those of the stream.
    """
    from keras_alexnet.data import train_dataset, training_batches
    from keras_alexnet.training import allocator

    allocator.keep_freed_memory()  # as `alexnet train` does
    stream: Callable[..., Any] = train_dataset if floats else training_batches
    sizes = {"batch_size": batch_size, "input_size": input_size, "epochs": FOREVER}
    return stream(data, **sizes, **options)


def _filled(options: InputOptions) -> tuple[Any, list[Figure]]:
    """Return the pictures decoded, and how many a second that were."""
    from keras_alexnet.data.picture_cache import cache_pictures
    from keras_alexnet.data.records import open_split

    split = open_split(options.data, "train", options.input_size)
    start = time.process_time()
    cache = cache_pictures(split, options.input_size)
    if cache is None:
        raise UserError("Expected memory for --cache. Measure a part of the dataset.")
    rate = split.count / (time.process_time() - start)
    return cache, [Figure("filling the cache", rate, "images/s")]


def taking(batches: Iterable[Any], count: int) -> Work:
    """Return the work of taking so many batches, by this process's processor time."""
    streams: list[Iterator[Any]] = []

    def start() -> None:
        # Of its own, and gone at the end: else it decodes while others are timed.
        streams.append(iter(batches))
        next(streams[0])

    def take() -> None:
        deque(islice(streams[0], count), 0)

    return Work(take, start, streams.clear, time.process_time)


def libjpeg(encoded: bytes) -> Any:
    """Decode a JPEG as the pipeline does, with TensorFlow's libjpeg-turbo."""
    import tensorflow as tf

    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def pillow(encoded: bytes) -> Any:
    """Decode a JPEG with Pillow."""
    import numpy as np
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))


def _decoding(decode: Callable[[bytes], Any], pictures: list[bytes]) -> Work:
    # Each is dropped before the next.
    return Work(lambda: deque(map(decode, pictures), 0), clock=time.process_time)


def _stored_jpegs(data: Path | str) -> list[bytes]:
    """Return the first training pictures as they are stored, or made JPEGs of."""
    import tensorflow as tf

    from tfrecords import Manifest
    from tfrecords.dataset import example
    from tfrecords.images import store
    from tfrecords.images.options import RAW, ImageOptions

    manifest = Manifest.load(data)
    names = [str(Path(data) / shard.file) for shard in manifest.splits["train"]]
    records = islice(tf.data.TFRecordDataset(names), PICTURES)
    stored = [example.decode_example(record.numpy()).encoded for record in records]
    if manifest.options["encoding"] != RAW:
        return stored
    options = ImageOptions.recorded(manifest.options)
    squares = (store.square(pixels, options) for pixels in stored)
    # What the same build would have stored as JPEG.
    return [tf.io.encode_jpeg(x, quality=options.quality).numpy() for x in squares]
