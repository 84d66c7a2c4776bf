"""What becomes of pictures before a network sees them: the same in every program."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_alexnet.data.mean import mean_patch
from keras_alexnet.data.orientation import turned
from keras_alexnet.data.picture import check_pictures, decode_picture, square_of
from keras_alexnet.data.views import centre_view, ten_views
from tfrecords.dataset.statistics import Statistics
from tfrecords.errors import UserError

NUM_VIEWS = (1, 10)  # the centre; corners, centre and mirrors (section 4.1)
# What `config.json` may say beside the fields that it always has.
CHOICES = {"resize": ("short_side", "warp"), "mean_at": ("centre", "view")}


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """From the bytes of pictures to what one network takes, as a TensorFlow graph.

    Attributes:
        stored_size: Side in pixels of the square that a picture is scaled and cut to,
            as `alexnet build` does it.
        resize_filter: bilinear, bicubic, lanczos or box.
        apply_exif: Whether pictures are turned first as their EXIF orientation says;
            None, of an earlier release that did not say, is False.
        input_size: Side of a view in pixels.
        mean: What is subtracted from the central view: float32 `(input_size,
            input_size, 3)`, or `(3,)` for the same colour everywhere.
        resize: short_side, or warp where the square is the whole picture, whatever its
            proportions.
        mean_image: float32 `(stored_size, stored_size, 3)` where each view loses the
            part of it at its own place, as in Caffe; None where each loses the `mean`,
            as in 2012.

    Raises:
        UserError: `resize` is neither.
    """

    stored_size: int
    resize_filter: str
    apply_exif: bool | None
    input_size: int
    mean: np.ndarray
    resize: str = "short_side"
    mean_image: np.ndarray | None = None

    def __post_init__(self) -> None:
        _check_choice("resize", self.resize)

    @classmethod
    def of(cls, facts: Mapping[str, Any], statistics: Statistics) -> "Preprocessing":
        """Make the preprocessing that `config.json` tells of.

        Args:
            facts: Its fields by name; `mean` says which, `image`, `channel` or `none`,
                and `mean_at` where it is cut: at the `centre`, unless said otherwise,
                or at the `view`'s place.
            statistics: Of the pictures that the network learnt from.

        Raises:
            UserError: A field has a value that is none of its own.
        """
        facts = dict(facts)
        at = facts.pop("mean_at", "centre")
        _check_choice("mean_at", at)
        if at == "view" and facts["mean"] == "image":
            facts["mean_image"] = statistics.mean_image
        patch = mean_patch(statistics, facts["input_size"], facts["mean"])
        return cls(**{**facts, "mean": patch})

    def images(self, image_bytes: tf.Tensor, num_views: int = 1) -> tf.Tensor:
        """Return what the network takes of encoded pictures.

        Args:
            image_bytes: string `(batch,)`, JPEG, PNG, GIF (first frame) or BMP.
            num_views: 1 for the centre; 10 for corners, centre and mirrors.

        Returns:
            float32 `(batch, size, size, 3)`, or `(batch, 10, size, size, 3)` with ten
            views: RGB of 0-255 scale with the mean subtracted.

        Raises:
            tf.errors.InvalidArgumentError: The bytes of a picture cannot be read.
            UserError: `num_views` is neither 1 nor 10.
        """
        check_num_views(num_views)
        return self._views(self._decode(image_bytes), num_views)

    def pixel_images(
        self, pixels: tf.Tensor, orientation: tf.Tensor, num_views: int = 1
    ) -> tf.Tensor:
        """Return what the network takes of one picture that is decoded already.

        Args:
            pixels: uint8 `(height, width, 3)`, RGB, as they are stored.
            orientation: int32 scalar, EXIF's: 1 to 8.
            num_views: As in `images`.

        Returns:
            The same numbers as `images`, without the axis of the batch.

        Raises:
            UserError: `num_views` is neither 1 nor 10.
        """
        check_num_views(num_views)
        if self.apply_exif:
            # Of a plain number, comparisons with several would be one False.
            pixels = turned(pixels, tf.convert_to_tensor(orientation, tf.int32))
        square = square_of(pixels, self.stored_size, self.resize_filter, self.resize)
        return self._views(square[None], num_views)[0]

    def _views(self, squares: tf.Tensor, num_views: int) -> tf.Tensor:
        cut = ten_views if num_views == 10 else centre_view
        return cut(squares, self.input_size) - self.view_means(num_views)

    def view_means(self, num_views: int) -> np.ndarray:
        """Return what the views of a picture lose: for each the same, or for each one.

        Returns:
            `mean`, or float32 `(10, input_size, input_size, 3)`; mirrors lose the
            mirror image of what the view did.
        """
        if num_views == 1 or self.mean_image is None:
            return self.mean
        with tf.init_scope():  # a constant of the graph, whoever traces it
            whole = tf.constant(self.mean_image)[None]
            return ten_views(whole, self.input_size)[0].numpy()

    def _decode(self, image_bytes: tf.Tensor) -> tf.Tensor:
        size = self.stored_size
        with tf.control_dependencies([check_pictures(image_bytes)]):
            return tf.map_fn(
                lambda encoded: decode_picture(
                    encoded,
                    size,
                    self.resize_filter,
                    bool(self.apply_exif),
                    self.resize,
                ),
                image_bytes,
                fn_output_signature=tf.TensorSpec((size, size, 3), tf.float32),
            )


def _check_choice(field: str, value: str) -> None:
    if value not in CHOICES[field]:
        raise UserError(
            f"Expected preprocessing with {field} {' or '.join(CHOICES[field])}, got "
            f"{value!r}. Mend config.json."
        )


def check_num_views(num_views: int) -> None:
    """Raise UserError for another number of views than 1 or 10."""
    if num_views not in NUM_VIEWS:
        raise UserError(f"Expected 1 or 10 views. Received: {num_views}")
