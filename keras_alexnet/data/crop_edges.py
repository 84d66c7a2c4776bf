"""The columns that a JPEG has only at the edges of crops."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_alexnet.data.stored_picture import jpeg_window

# Columns in a unit that libjpeg decodes, where it smooths colour between columns.
UNIT = 16


@dataclass(frozen=True)
class CropEdges:
    """What `decode_and_crop_jpeg` gives otherwise than decoding and cropping.

    Where colour is stored for every other column, libjpeg smooths it with what it
    decodes to the left and right. A crop that begins with a unit has nothing to the
    left of its first column; one whose last column is odd lacks the next colour. All
    other columns, and all rows, are those of the whole picture.

    Attributes:
        firsts: First columns of crops that differ.
        lasts: Last columns of crops that differ.
        width: Columns of a crop that decide what its first and last are.
    """

    firsts: tuple[int, ...] = ()
    lasts: tuple[int, ...] = ()
    width: int = UNIT

    @classmethod
    def of(cls, stored: int, side: int) -> "CropEdges":
        """Return those of crops of `side` pixels out of `stored`."""
        lasts = range((side - 1) | 1, stored - 1, 2)
        firsts = range(UNIT, stored - side + 1, UNIT)
        return cls(tuple(firsts), tuple(lasts), min(UNIT, side))

    def __len__(self) -> int:
        return len(self.firsts) + len(self.lasts)

    def decode(self, encoded: tf.Tensor, stored: int) -> tf.Tensor:
        """Return the columns: uint8 `(stored, number of them, 3)`, RGB."""
        before = self.width - 1
        firsts = [self._window(encoded, stored, x)[:, :1] for x in self.firsts]
        lasts = [self._window(encoded, stored, x - before)[:, -1:] for x in self.lasts]
        return tf.concat([*firsts, *lasts], axis=1)

    def places(self, stored: int, side: int) -> np.ndarray:
        """Return where first and last column of crops lie, by where they begin.

        Args:
            stored: Width of a whole picture, which the columns of `decode` follow.
            side: Width of the crops.

        Returns:
            int64 `(stored - side + 1, 2)`.
        """
        beside = stored + np.arange(len(self))
        first, last = np.arange(stored), np.arange(stored)
        first[[*self.firsts]] = beside[: len(self.firsts)]
        last[[*self.lasts]] = beside[len(self.firsts) :]
        return np.stack([first[: stored - side + 1], last[side - 1 :]], axis=1)

    def _window(self, encoded: tf.Tensor, stored: int, left: int) -> tf.Tensor:
        return jpeg_window(encoded, tf.constant([0, left, stored, self.width]))
