"""The pictures of a split, decoded once and held in memory."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_alexnet.data.crop_edges import CropEdges
from keras_alexnet.data.records import StoredSplit, do_not_convert, parse, untuned
from keras_alexnet.data.stored_picture import crop_reader
from keras_alexnet.memory import free_memory
from tfrecords.images.options import JPEG
from tfrecords.plain_text import say
from tfrecords.processes import available_cores
from tfrecords.progress import Progress

# Bytes left to training. Weights, momentum, gradients, the best network and the two
# copies of a checkpoint are 1.5 GB of AlexNet; on a CPU the maps of a batch of 128 and
# their gradients are another 1.7 GB; the rest is TensorFlow, and batches on their way.
MARGIN = 4_000_000_000
ALIGNMENT = 64  # bytes; TensorFlow copies what does not begin at a multiple
BATCH = 64  # pictures handed over at once while filling


@dataclass(frozen=True, eq=False)
class PictureCache:
    """Every picture of a split as it is decoded, so that a crop is only copied.

    Attributes:
        rows: uint8 `(pictures * stored, (stored + edges) * 3)`, RGB: in each row its
            pixels, and then those of the edges.
        labels: int64 `(pictures,)`.
        stored: Side of the pictures in pixels.
        side: Side of the crops.
        edges: What of a JPEG depends on the crop.
    """

    rows: tf.Variable
    labels: tf.Tensor
    stored: int
    side: int
    edges: CropEdges

    def crop(self, place: tf.Tensor, corner: tf.Tensor) -> tf.Tensor:
        """Return what `crop_reader` cuts out of a record, to the bit.

        Args:
            place: int64 scalar, of the picture in its split.
            corner: int32 `(2,)`, row and column of the crop's upper left corner.

        Returns:
            uint8 `(side, side, 3)`, RGB.
        """
        corner = tf.cast(corner, tf.int64)
        top = place * self.stored + corner[0]
        if not self.edges:
            crop = self._columns(top, corner[1] * 3, self.side)
        else:
            places = 3 * self.edges.places(self.stored, self.side)
            first, last = tf.unstack(tf.gather(places, corner[1]))
            middle = self._columns(top, corner[1] * 3 + 3, self.side - 2)
            first, last = (self._columns(top, at, 1) for at in (first, last))
            crop = tf.concat([first, middle, last], axis=1)
        return tf.reshape(crop, (self.side, self.side, 3))

    def _columns(self, top: tf.Tensor, start: tf.Tensor, width: int) -> tf.Tensor:
        # Of two dimensions: then a slice copies whole rows.
        return tf.slice(self.rows, tf.stack([top, start]), (self.side, width * 3))


def cache_pictures(split: StoredSplit, side: int) -> PictureCache | None:
    """Decode all pictures of a split, on all cores; say how far it is.

    Args:
        split: The records.
        side: Side in pixels of the crops that will be wanted.

    Returns:
        The pictures; or None where they do not fit into what memory is free, which is
        said in a line.

    Raises:
        tf.errors.OpError: A record is broken, as when it is read in training.
    """
    stored = split.manifest.image_size
    jpeg = split.manifest.options.get("encoding", JPEG) == JPEG
    edges = CropEdges.of(stored, side) if jpeg else CropEdges()
    shape = (split.count * stored, (stored + len(edges)) * 3)
    if not _fits(shape[0] * shape[1]):
        return None
    rows, labels = _aligned(shape), np.empty(split.count, np.int64)
    with Progress("cache", split.count) as progress:
        done = 0
        for pixels, own in _decoded(split, edges).as_numpy_iterator():
            end = done + len(own)
            rows[done * stored : end * stored] = pixels.reshape(-1, shape[1])
            labels[done:end] = own
            done = end
            progress.update(done)
    with tf.device("/CPU:0"):
        # Nothing else makes a tensor of an array without a second copy of it; and of a
        # tensor, unlike a variable, tf.data makes another when it looks at the graph.
        tensor = tf.experimental.dlpack.from_dlpack(rows.__dlpack__())
        held = tf.Variable(tensor, trainable=False)
    return PictureCache(held, tf.constant(labels), stored, side, edges)


def _fits(size: int) -> bool:
    """Whether there is memory for so many bytes and for training; say so if not."""
    free, needed = free_memory(), size + MARGIN
    if free is None or needed <= free:
        return True
    say(
        f"--cache needs {needed / 1e9:.1f} GB ({MARGIN / 1e9:.1f} of them to train in),"
        f" {free / 1e9:.1f} GB are free: pictures are decoded each time."
    )
    return False


def _aligned(shape: tuple[int, int]) -> np.ndarray:
    """Return a uint8 array that TensorFlow need not copy."""
    size = shape[0] * shape[1]
    content = np.empty(size + ALIGNMENT, np.uint8)
    start = -content.ctypes.data % ALIGNMENT
    return content[start : start + size].reshape(shape)


def _decoded(split: StoredSplit, edges: CropEdges) -> tf.data.Dataset:
    """Return `(rows of pictures, labels)` of all records, some at once."""
    return (
        split.in_order()
        .map(
            _decoder(split, edges),
            num_parallel_calls=available_cores(),
            deterministic=True,
        )
        .apply(tf.data.experimental.assert_cardinality(split.count))
        .batch(BATCH)
        .prefetch(2)
        .apply(untuned)
    )


def _decoder(split: StoredSplit, edges: CropEdges) -> Callable:
    cut, stored = crop_reader(split.manifest), split.manifest.image_size

    @do_not_convert
    def decode(serialized):
        encoded, label = parse(serialized)
        picture = cut(encoded, tf.constant([0, 0]), stored)
        if edges:
            own = edges.decode(encoded, stored)
            picture = tf.concat([picture, own], axis=1)
        return picture, label

    return decode
