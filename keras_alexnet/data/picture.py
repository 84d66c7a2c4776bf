"""A picture as it comes, made ready for the network inside a TensorFlow graph."""

import tensorflow as tf

# Names of the build's filters in tf.image; all antialiased, as Pillow's are.
RESIZE_METHODS = {
    "bilinear": "bilinear",
    "bicubic": "bicubic",
    "lanczos": "lanczos3",
    "box": "area",
}

_SIGNATURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF", b"BM": "BMP"}


def decode_picture(encoded: tf.Tensor, size: int, resize_filter: str) -> tf.Tensor:
    """Decode a picture, scale its shorter side to `size` and cut the central square.

    The steps that `alexnet build` takes (section 2), without the JPEG that it stores.

    Args:
        encoded: Scalar string: a JPEG, PNG, GIF (first frame) or BMP.
        size: Side of the result in pixels.
        resize_filter: bilinear, bicubic, lanczos or box.

    Returns:
        float32 `(size, size, 3)`, RGB of whole numbers 0-255.

    Raises:
        tf.errors.InvalidArgumentError: The bytes are no such picture.
    """
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return central_square(tf.ensure_shape(image, (None, None, 3)), size, resize_filter)


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
    scaled = tf.cast((2 * sides * size + shorter) // (2 * shorter), tf.int32)
    image = tf.cond(
        tf.equal(shorter, tf.constant(size, tf.int64)),
        lambda: tf.cast(image, tf.float32),
        lambda: tf.image.resize(
            image, scaled, RESIZE_METHODS[resize_filter], antialias=True
        ),
    )
    offset = (scaled - size) // 2
    image = tf.image.crop_to_bounding_box(image, offset[0], offset[1], size, size)
    return tf.round(tf.clip_by_value(image, 0.0, 255.0))


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
