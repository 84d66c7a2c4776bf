"""A picture as it comes, made ready for the network inside a TensorFlow graph."""

import tensorflow as tf

from keras_alexnet.data.orientation import exif_orientation, turned
from keras_alexnet.data.pixels import decode_pixels

# Names of the build's filters in tf.image; all antialiased, as Pillow's are.
RESIZE_METHODS = {
    "bilinear": "bilinear",
    "bicubic": "bicubic",
    "lanczos": "lanczos3",
    "box": "area",
}

_KERNELS = {
    "bilinear": "triangle",
    "bicubic": "keyscubic",
    "lanczos": "lanczos3",
    "box": "box",
}
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")
# Pictures that are longer, in times their shorter side, are cut before they are scaled:
# a line of 60,000 x 1 pixels would become 15 million columns of 256.
LONGEST = 16


def decode_picture(
    encoded: tf.Tensor,
    size: int,
    resize_filter: str,
    apply_exif: bool = False,
    resize: str = "short_side",
) -> tf.Tensor:
    """Decode a picture and make a square of it.

    The steps are those that `alexnet build` takes (section 2), without the JPEG that it
    stores.

    Args:
        encoded: Scalar string: a JPEG, PNG, GIF (first frame) or BMP.
        size: Side of the result in pixels.
        resize_filter: bilinear, bicubic, lanczos or box.
        apply_exif: Turn the picture first as its EXIF orientation says.
        resize: short_side scales the shorter side to `size` and cuts the central
            square; warp scales both sides to `size`, as Caffe's networks were fed.

    Returns:
        float32 `(size, size, 3)`, RGB of whole numbers 0-255.

    Raises:
        tf.errors.InvalidArgumentError: The bytes are no such picture, or one of a kind
            that `decode_pixels` refuses.
    """
    image = decode_pixels(encoded)
    if apply_exif:
        image = turned(image, exif_orientation(encoded))
    return square_of(image, size, resize_filter, resize)


def square_of(
    image: tf.Tensor, size: int, resize_filter: str, resize: str
) -> tf.Tensor:
    """Make a square of a decoded picture, as `decode_picture` does."""
    if resize == "warp":
        return warped_square(image, size, resize_filter)
    return central_square(image, size, resize_filter)


def warped_square(image: tf.Tensor, size: int, resize_filter: str) -> tf.Tensor:
    """Scale both sides of a picture to `size`, whatever its proportions.

    Args:
        image: uint8 `(height, width, 3)`.
        size: Side of the result in pixels.
        resize_filter: As for `central_square`.

    Returns:
        float32 `(size, size, 3)` of whole numbers 0-255.
    """
    method = RESIZE_METHODS[resize_filter]
    square = tf.image.resize(image, (size, size), method, antialias=True)
    return tf.round(tf.clip_by_value(square, 0.0, 255.0))


def central_square(image: tf.Tensor, size: int, resize_filter: str) -> tf.Tensor:
    """Scale the shorter side to `size` and cut the central square.

    Args:
        image: uint8 `(height, width, 3)`.
        size: Side of the result in pixels.
        resize_filter: bilinear, bicubic, lanczos or box.

    Returns:
        float32 `(size, size, 3)` of whole numbers 0-255. Pillow, which the build and
        the statistics use, rounds after each of its two passes, this only once.
    """
    sides = tf.shape(image, out_type=tf.int64)[:2]
    shorter = tf.reduce_min(sides)
    # Half up in whole numbers, as the build does.
    scaled = (2 * sides * size + shorter) // (2 * shorter)
    square = tf.cond(
        tf.reduce_max(sides) > LONGEST * shorter + 1,  # as the build leaves originals
        lambda: _middle_of_long(image, sides, scaled, size, resize_filter),
        lambda: _middle(image, tf.cast(scaled, tf.int32), size, resize_filter),
    )
    return tf.round(tf.clip_by_value(square, 0.0, 255.0))


def _middle(
    image: tf.Tensor, scaled: tf.Tensor, size: int, resize_filter: str
) -> tf.Tensor:
    """Scale the whole picture, then cut."""
    image = tf.cond(
        tf.reduce_all(tf.equal(tf.shape(image)[:2], scaled)),
        lambda: tf.cast(image, tf.float32),
        lambda: tf.image.resize(
            image, scaled, RESIZE_METHODS[resize_filter], antialias=True
        ),
    )
    offset = (scaled - size) // 2
    return tf.image.crop_to_bounding_box(image, offset[0], offset[1], size, size)


def _middle_of_long(
    image: tf.Tensor,
    sides: tf.Tensor,
    scaled: tf.Tensor,
    size: int,
    resize_filter: str,
) -> tf.Tensor:
    """Cut the middle with all that the filter reaches, then scale to the same place.

    The box filter is Pillow's here, which counts whole pixels.
    """
    kept = tf.minimum(sides, LONGEST * tf.reduce_min(sides) + 1)
    start = (sides - kept) // 2
    image = tf.slice(image, tf.concat([start, [0]], 0), tf.concat([kept, [3]], 0))
    scale = tf.cast(scaled, tf.float64) / tf.cast(sides, tf.float64)
    offset = tf.cast((scaled - size) // 2, tf.float64)
    translation = tf.cast(start, tf.float64) * scale - offset
    return tf.raw_ops.ScaleAndTranslate(
        images=image[None],
        size=[size, size],
        scale=tf.cast(scale, tf.float32),
        translation=tf.cast(translation, tf.float32),
        kernel_type=_KERNELS[resize_filter],
        antialias=True,
    )[0]


def check_pictures(encoded: tf.Tensor) -> tf.Operation:
    """Assert that every string starts as a JPEG, PNG, GIF or BMP does.

    Args:
        encoded: Strings of shape `(batch,)`.

    Returns:
        An operation to depend on; it names the places of the strings that fail.
    """
    known = tf.zeros_like(encoded, tf.bool)
    for signature in _SIGNATURES:
        known |= tf.equal(tf.strings.substr(encoded, 0, len(signature)), signature)
    return tf.debugging.Assert(
        tf.reduce_all(known),
        [
            "Expected JPEG, PNG, GIF or BMP bytes; these places of the batch hold "
            "something else:",
            tf.where(~known)[:, 0],
        ],
        summarize=20,
    )
