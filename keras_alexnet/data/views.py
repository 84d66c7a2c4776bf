"""The views of a picture that evaluation looks at (section 4.1)."""

import tensorflow as tf

from tfrecords.errors import UserError


def centre_view(images: tf.Tensor, size: int) -> tf.Tensor:
    """Cut the central square out of each picture.

    Args:
        images: `(..., height, width, channels)`, any dtype.
        size: Side of the square in pixels.

    Returns:
        `(..., size, size, channels)` of the same dtype.

    Raises:
        UserError: The pictures are smaller than the view.
    """
    height, width = _sides(images, size)
    return _cut(images, (height - size) // 2, (width - size) // 2, size)


def ten_views(images: tf.Tensor, size: int) -> tf.Tensor:
    """Cut the four corners and the centre out of each picture, and mirror them.

    Args:
        images: `(batch, height, width, channels)`, any dtype.
        size: Side of a view in pixels.

    Returns:
        `(batch, 10, size, size, channels)` of the same dtype: top left, top right,
        centre, bottom left, bottom right, then the mirror images of these five.

    Raises:
        UserError: The pictures are smaller than the views.
    """
    height, width = _sides(images, size)
    bottom, right = height - size, width - size
    corners = [(0, 0), (0, right), (bottom // 2, right // 2), (bottom, 0)]
    views = [_cut(images, *c, size) for c in [*corners, (bottom, right)]]
    mirrored = [tf.reverse(view, axis=[-2]) for view in views]
    return tf.stack(views + mirrored, axis=1)


def _sides(images: tf.Tensor, size: int) -> tuple[int, int]:
    height, width = images.shape[-3:-1]
    if height is None or width is None or min(height, width) < size or size < 1:
        raise UserError(
            f"Expected pictures of known size, at least {size} x {size} pixels. "
            f"Received: shape {images.shape}"
        )
    return height, width


def _cut(images: tf.Tensor, top: int, left: int, size: int) -> tf.Tensor:
    return images[..., top : top + size, left : left + size, :]
