"""Shards to training batches: every batch is a function of (seed, epoch, place)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_alexnet.data import augment
from keras_alexnet.data.batch_rows import BatchRows
from keras_alexnet.data.mean import load_statistics, mean_patch
from keras_alexnet.data.picture_cache import PictureCache
from keras_alexnet.data.pixel_batch import PixelBatch, normalized_batches
from keras_alexnet.data.presentations import Presentations
from keras_alexnet.data.records import (
    StoredSplit,
    do_not_convert,
    open_split,
    parse,
    untuned,
)
from keras_alexnet.data.stored_picture import crop_reader
from tfrecords import Manifest, Statistics
from tfrecords.errors import DatasetError
from tfrecords.processes import available_cores
from tfrecords.ranges import check_count


@dataclass(frozen=True)
class TrainingOptions:
    """What a training stream is a function of, beside the shards.

    Attributes:
        batch_size: Images in a batch; 128 in the paper, section 5.
        input_size: Side of the random crops in pixels, 224 or 227.
        epochs: Epoch to stop before, counted from 0; None: it never ends.
        first_epoch: Epoch to start with.
        first_step: Batches of that epoch, the first of a pass, to leave out.
        seed: Integer in [0, 2^31): order, crops, flips and colours.
        random_crop: Whether crops are at random places; otherwise at the centre.
        flip: Whether to mirror half of the pictures.
        colour_noise: `released`, `eigenvalue` or None; see `augment.colour_offsets`.
        colour_epochs: Epoch to end the colour noise before; None for never.
        crop_chunk: Neighbours in the stream that share one crop and flip; 1 as the
            paper implies, 32 as it was run.
        read_run: Neighbours in the shards that are read together, and mixed with those
            of 15 or more other places; 1: all orders are equally likely. See
            `epoch_order`.
        split: Name of the split.

    Raises:
        DatasetError: A number out of its range.
    """

    batch_size: int = 128
    input_size: int = 224
    epochs: int | None = 1
    first_epoch: int = 0
    first_step: int = 0
    seed: int = 0
    random_crop: bool = True
    flip: bool = True
    colour_noise: augment.ColourNoise | None = "released"
    colour_epochs: int | None = None
    crop_chunk: int = 1
    read_run: int = 1
    split: str = "train"

    def __post_init__(self) -> None:
        for name in ("batch_size", "crop_chunk", "read_run"):
            check_count(name, getattr(self, name))
        if self.epochs is not None:
            check_count("epochs", self.epochs)
        for name in ("first_epoch", "first_step", "seed", "colour_epochs"):
            check_count(name, getattr(self, name), 0)

    @property
    def length(self) -> int | None:
        """Epochs of a pass; None: it never ends."""
        if self.epochs is None:
            return None
        return max(0, self.epochs - self.first_epoch)

    def steps(self, split: StoredSplit) -> int:
        """Return the batches of an epoch."""
        return split.count // self.batch_size

    def batches(self, split: StoredSplit) -> int:
        """Return the batches of a pass; of one that never ends -1, as tf.data does.

        Raises:
            DatasetError: The split has fewer pictures than one.
        """
        steps = self.steps(split)
        if steps == 0:
            raise DatasetError(
                f"Expected at least one batch of {self.batch_size} in split "
                f"{self.split!r} of {Path(split.files[0]).parent}, found {split.count} "
                "pictures. Use a smaller batch."
            )
        if self.length is None:
            return tf.data.INFINITE_CARDINALITY
        return self.length * steps - min(self.first_step, self.length * steps)

    def presentations(
        self, split: StoredSplit, rows: BatchRows | None = None
    ) -> Presentations:
        """Return what is shown when, in a pass."""
        return Presentations(
            split,
            seed=self.seed,
            batch_size=self.batch_size,
            first_epoch=self.first_epoch,
            first_step=self.first_step,
            length=self.length,
            read_run=self.read_run,
            rows=rows,
        )


def train_dataset(
    directory: Path | str, *, mean: str = "image", **options: Any
) -> tf.data.Dataset:
    """Stream shuffled, augmented training batches, epoch after epoch.

    Read again, the dataset goes on: where the first pass has epochs 0 to n - 1, the
    second has n to 2n - 1. So `fit` on one epoch, five times, sees what a single pass
    over five sees.

    The stream is a function of the shards, the arguments and the number of the pass
    alone: starting at `first_epoch` and `first_step` gives what a longer stream gives
    from there, without decoding what lies before. Each epoch holds `records //
    batch_size` batches; which records are left over changes by epoch.

    Args:
        directory: A dataset folder made by `tfrecords.build`.
        mean: `image` subtracts the centre of the mean image, `channel` its mean colour.
        **options: Those of `TrainingOptions`, by name: batch_size=128, input_size=224,
            epochs=1, first_epoch=0, first_step=0, seed=0, random_crop=True, flip=True,
            colour_noise="released", colour_epochs=None, crop_chunk=1,
            read_run=1, split="train".

    Returns:
        Dataset of `(images, labels)`: float32 `(batch, input_size, input_size, 3)`, RGB
        of 0-255 scale with the mean subtracted, and int64 `(batch,)`. Its `len` is the
        number of batches of a pass.

    Raises:
        DatasetError: The folder is incomplete, or has fewer records than one batch, or
            smaller pictures than `input_size`.
        TypeError: An option that does not exist.
    """
    chosen = TrainingOptions(**options)
    batches = _pixels(directory, chosen)
    patch = mean_patch(load_statistics(directory), chosen.input_size, mean)
    return normalized_batches(batches, patch).prefetch(2)


def training_batches(
    directory: Path | str,
    *,
    rows: BatchRows | None = None,
    manifest: Manifest | None = None,
    cache: PictureCache | None = None,
    **options: Any,
) -> tf.data.Dataset:
    """Stream what `train_dataset` does as uint8, a quarter of the bytes.

    Mean and colour are left to `PixelBatch.normalized` on the device that trains.

    Args:
        directory: A dataset folder made by `tfrecords.build`.
        rows: The rows of each batch to read, where several replicas share one; the
            stream then has the batches of the replicas, one after the other, and counts
            as endless: reading past its last epoch is an error. Its passes are all the
            same, because `fit` of a strategy looks into a pass of its own first: read
            all epochs in one.
        manifest: Of the directory, where it was read already; None reads it.
        cache: The pictures of this split for crops of `input_size`; None decodes them
            from their records each time. The batches are the same to the bit.
        **options: As for `train_dataset`.

    Returns:
        Dataset of `(PixelBatch, labels)`, labels int64 `(batch,)`.

    Raises:
        DatasetError, TypeError: As `train_dataset`.
        ValueError: The batch does not divide by the replicas.
    """
    chosen = TrainingOptions(**options)
    return _pixels(directory, chosen, rows, manifest, cache).prefetch(2)


def _pixels(
    directory: Path | str,
    options: TrainingOptions,
    rows: BatchRows | None = None,
    manifest: Manifest | None = None,
    cache: PictureCache | None = None,
) -> tf.data.Dataset:
    split = open_split(directory, options.split, options.input_size, manifest)
    statistics = load_statistics(directory)
    size, count = options.batch_size, options.batches(split)
    if rows is not None:
        size = rows.replica_batch(size)
        # Or the workers would ask each other before every step who has data left.
        count = tf.data.INFINITE_CARDINALITY
    shown = options.presentations(split, rows)
    return (
        (shown.records() if cache is None else shown.dataset())
        .map(
            _decoder(
                _cutter(split.manifest, options, cache),
                split.manifest.image_size,
                statistics,
                options,
            ),
            num_parallel_calls=available_cores(),
            deterministic=True,
        )
        .batch(size, drop_remainder=True)
        .map(_finisher(options), num_parallel_calls=1, deterministic=True)
        .apply(tf.data.experimental.assert_cardinality(count))
        .apply(untuned)
    )


def _cutter(
    manifest: Manifest, options: TrainingOptions, cache: PictureCache | None
) -> Callable:
    """Return what makes `(crop, label)` of a corner, an example and its record.

    With a cache there is no record.
    """
    if cache is None:
        cut = crop_reader(manifest)

        def read(corner, example, record):
            encoded, label = parse(record)
            return cut(encoded, corner, options.input_size), label

        return read
    if cache.side != options.input_size:
        raise DatasetError(
            f"Expected a cache for crops of {options.input_size} pixels, got one for "
            f"{cache.side}."
        )
    return lambda corner, example: (cache.crop(example, corner), cache.labels[example])


def _decoder(
    cut: Callable, stored: int, statistics: Statistics, options: TrainingOptions
) -> Callable:
    """Return what makes `(image, label, colour offset, epoch)` of a presentation."""

    @do_not_convert
    def decode(epoch, place, example, *record):
        draws = augment.example_draws(options.seed, epoch, example)
        shared = draws
        if options.crop_chunk > 1:
            chunk = -1 - place // options.crop_chunk
            shared = augment.example_draws(options.seed, epoch, chunk)
        place = (stored, options.input_size, options.random_crop)
        corner = augment.crop_corner(shared, *place)
        image, label = cut(corner, example, *record)
        if options.flip:
            image = augment.flip_half(image, shared[2])
        colour = draws[3:]
        if options.colour_noise is not None:
            spread = statistics.stddevs, statistics.eigenvectors
            colour = augment.colour_offset(colour, *spread, form=options.colour_noise)
        return image, label, colour, epoch

    return decode


def _finisher(options: TrainingOptions) -> Callable:
    """Return what makes `(PixelBatch, labels)` of a batch of decoded pictures."""
    form, end = options.colour_noise, options.colour_epochs

    @do_not_convert
    def finish(images, labels, offsets, epochs):
        if form is None:
            return PixelBatch.without_noise(images), labels
        noisy = epochs[0] < (tf.int64.max if end is None else end)  # a batch is of one
        noise = augment.scaled_noise(offsets, form, noisy)
        return PixelBatch(images, *noise), labels

    return finish
