"""Whether what a runtime is given are images of its network."""

from collections.abc import Sequence

from tfrecords.errors import UserError


def check_images(shape: Sequence[int], image: Sequence[int]) -> None:
    """Raise UserError for anything but a batch of images, or of the views of pictures.

    Args:
        shape: Of what was given.
        image: Of one image, `(rows, columns, channels)`.
    """
    shape, image = tuple(shape), tuple(image)
    if len(shape) not in (4, 5) or shape[-3:] != image:
        raise UserError(
            f"Expected images (batch, {', '.join(map(str, image))}), or those of "
            f"several views (batch, views, ...), got {shape}."
        )
