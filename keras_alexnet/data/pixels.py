"""The bytes of a picture to its pixels inside a TensorFlow graph, as the build does it.

Each kind gives the pixels of `tfrecords.images.decode.decode`, or an error.
"""

import tensorflow as tf

from keras_alexnet.data.orientation import number

DCT_METHOD = "INTEGER_ACCURATE"  # as Pillow decodes, and so the statistics

_GIF_EXTENSION, _GIF_CONTROL, _GIF_IMAGE = 0x21, 0xF9, 0x2C


def decode_pixels(encoded: tf.Tensor) -> tf.Tensor:
    """Decode a picture of any size.

    Args:
        encoded: Scalar string: a JPEG, PNG, GIF (first frame) or BMP.

    Returns:
        uint8 `(height, width, 3)`, RGB.

    Raises:
        tf.errors.InvalidArgumentError: The bytes are no such picture; or one that
            TensorFlow would read otherwise than the build: a JPEG in CMYK, a GIF whose
            first frame is not the whole picture, a BMP that is packed or not of 8, 24
            or 32 bits.
    """
    decoders = {b"\x89PNG": _png, b"GIF8": _gif, b"BM": _bmp}
    return tf.case(
        [
            (
                tf.equal(tf.strings.substr(encoded, 0, len(signature)), signature),
                lambda decode=decode: tf.ensure_shape(decode(encoded), (None, None, 3)),
            )
            for signature, decode in decoders.items()
        ],
        default=lambda: _jpeg(encoded),
    )


def _jpeg(encoded: tf.Tensor) -> tf.Tensor:
    # TensorFlow rounds CMYK otherwise than Pillow.
    colours = tf.Assert(
        tf.io.extract_jpeg_shape(encoded)[2] < 4,
        ["Expected a JPEG in colour or grey, found one in CMYK."],
    )
    with tf.control_dependencies([colours]):
        return tf.io.decode_jpeg(encoded, channels=3, dct_method=DCT_METHOD)


def _png(encoded: tf.Tensor) -> tf.Tensor:
    header = tf.io.decode_raw(tf.strings.substr(encoded, 0, 26), tf.uint8)

    def sixteen_bits_of_grey() -> tf.Tensor:
        # The build scales them; of colours Pillow and TensorFlow drop the low byte.
        grey = tf.io.decode_png(encoded, channels=1, dtype=tf.uint16)
        scaled = (2 * tf.cast(grey, tf.int32) + 257) // 514
        return tf.tile(tf.cast(scaled, tf.uint8), (1, 1, 3))

    return tf.cond(
        tf.equal(number(header, 24, 2, False), 16 << 8),
        sixteen_bits_of_grey,
        lambda: tf.io.decode_png(encoded, channels=3),
    )


def _gif(encoded: tf.Tensor) -> tf.Tensor:
    content = tf.io.decode_raw(encoded, tf.uint8)
    image, control = _gif_blocks(content)
    frame = [number(content, image + place, 2, True) for place in (1, 3, 5, 7)]
    screen = [0, 0, number(content, 6, 2, True), number(content, 8, 2, True)]
    whole = tf.Assert(
        tf.reduce_all(tf.equal(frame, screen)),
        ["Expected a GIF whose first frame is the whole picture, found a part of it."],
    )
    # Without its flags no colour of the frame is transparent, and so black.
    before = tf.strings.substr(encoded, tf.constant(0, tf.int64), control + 3)
    after = tf.strings.substr(encoded, control + 4, tf.size(content, tf.int64))
    opaque = before + b"\0" + after
    with tf.control_dependencies([whole]):
        encoded = tf.where(control > 0, opaque, encoded)
        return tf.io.decode_image(encoded, channels=3, expand_animations=False)


def _gif_blocks(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the places of the first frame and of its control block, 0 for none."""

    def block(at, control, inside):
        first = number(content, at, 1, False)
        extension = tf.equal(first, _GIF_EXTENSION) & ~inside
        controls = extension & tf.equal(number(content, at + 1, 1, False), _GIF_CONTROL)
        step = tf.where(inside, first, tf.cast(extension, tf.int64)) + 1
        inside = extension | (inside & (first > 0))
        return at + step, tf.where(controls, at, control), inside

    def before_frame(at, _, inside):
        at_frame = tf.equal(number(content, at, 1, False), _GIF_IMAGE) & ~inside
        return (at < tf.size(content, tf.int64)) & ~at_frame

    flags = number(content, 10, 1, False)
    colours = 3 * 2 ** (flags % 8 + 1)
    start = (
        13 + colours * (flags // 128),
        tf.constant(0, tf.int64),
        tf.constant(False),
    )
    image, control, _ = tf.while_loop(before_frame, block, start)
    return image, control


def _bmp(encoded: tf.Tensor) -> tf.Tensor:
    content = tf.io.decode_raw(encoded, tf.uint8)
    start, header = number(content, 10, 4, True), number(content, 14, 4, True)
    bits, packing = number(content, 28, 2, True), number(content, 30, 4, True)
    plain = tf.Assert(
        (header >= 40) & tf.reduce_any(tf.equal(bits, [8, 24, 32])) & (packing == 0),
        ["Expected a BMP of 8, 24 or 32 bits that is not packed, found bits:", bits],
    )

    def palette() -> tf.Tensor:
        colours = content[14 + header : start]
        colours = colours[: tf.size(colours) // 4 * 4]
        places = tf.io.decode_bmp(encoded)[..., 0]
        table = tf.reshape(colours, (-1, 4))[:, 2::-1]
        return tf.gather(table, tf.cast(places, tf.int32))

    with tf.control_dependencies([plain]):
        return tf.cond(
            tf.equal(bits, 8),
            palette,
            lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
        )
