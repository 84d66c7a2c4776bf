"""Which way up a picture is, read from its bytes inside a TensorFlow graph.

As Pillow reads it, and so `alexnet build --apply-exif`: EXIF of a JPEG or PNG, else
XMP. Not read here: what a PNG holds in compressed text, and XMP of a GIF.
"""

import tensorflow as tf

_TAG = 0x0112
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_PNG_XMP = b"XML:com.adobe.xmp\0"
_TIFF_HEADS = (b"MM\0*", b"II*\0", b"MM*\0", b"II\0*")
# By TIFF type from 0 to 16: bytes of a value, and whether it is a whole number.
_UNITS = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8)
_WHOLE_NUMBERS = (3, 4, 6, 8, 9, 13)


def exif_orientation(encoded: tf.Tensor) -> tf.Tensor:
    """Read the EXIF orientation of a picture.

    Args:
        encoded: Scalar string: the bytes of a picture.

    Returns:
        int32 scalar from 1 to 8; 1, upright, where the picture does not say.
    """
    exif, xmp = tf.case(
        [
            (_starts(encoded, b"\xff\xd8\xff"), lambda: _jpeg_metadata(encoded)),
            (_starts(encoded, b"\x89PNG"), lambda: _png_metadata(encoded)),
        ],
        default=lambda: (tf.constant(b""), tf.constant(b"")),
    )
    found = tf.cond(
        tf.equal(exif, b""),
        lambda: tf.constant(-1, tf.int64),
        lambda: _tiff_orientation(exif),
    )
    found = tf.where(found < 0, _xmp_orientation(xmp), found)
    return tf.cast(tf.where((found > 0) & (found < 9), found, 1), tf.int32)


def turned(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turn a picture upright.

    Args:
        image: `(height, width, channels)`, any dtype.
        orientation: int32 scalar, of `exif_orientation`.

    Returns:
        The same, mirrored or with rows and columns changed, or both.
    """
    swapped = tf.cond(
        orientation > 4, lambda: tf.transpose(image, (1, 0, 2)), lambda: image
    )
    rows = tf.reduce_any(orientation == [3, 4, 7, 8])
    columns = tf.reduce_any(orientation == [2, 3, 6, 7])
    swapped = tf.cond(rows, lambda: swapped[::-1], lambda: swapped)
    return tf.cond(columns, lambda: swapped[:, ::-1], lambda: swapped)


def number(
    content: tf.Tensor, at: tf.Tensor | int, width: int, little: tf.Tensor | bool
) -> tf.Tensor:
    """Read an unsigned number of up to 4 bytes.

    Args:
        content: uint8 `(length,)`, at least one.
        at: int64 scalar, place of its first byte; beyond the end the last one counts.
        width: Bytes.
        little: Whether the lowest byte comes first.

    Returns:
        int64 scalar.
    """
    places = tf.cast(at, tf.int64) + tf.range(width, dtype=tf.int64)
    places = tf.minimum(places, tf.size(content, tf.int64) - 1)
    digits = tf.cast(tf.gather(content, places), tf.int64)
    powers = 256 ** tf.range(width, dtype=tf.int64)
    return tf.reduce_sum(digits * tf.where(little, powers, powers[::-1]))


def _starts(encoded: tf.Tensor, signature: bytes) -> tf.Tensor:
    return tf.equal(tf.strings.substr(encoded, 0, len(signature)), signature)


def _without(text: tf.Tensor, start: bytes) -> tf.Tensor:
    length = tf.strings.length(text)
    return tf.strings.substr(text, tf.minimum(len(start), length), length)


def _jpeg_metadata(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return EXIF, of all its segments, and the last XMP before the pixels."""
    content = tf.io.decode_raw(encoded, tf.uint8)
    end = tf.size(content, tf.int64)

    def segment(at, exif, xmp):
        marker = number(content, at + 1, 1, False)
        length = tf.maximum(number(content, at + 2, 2, False), 2)
        text = tf.strings.substr(encoded, at + 4, length - 2)
        application = tf.equal(marker, 0xE1)
        exif = tf.where(
            application & _starts(text, _EXIF),
            exif + _without(text, _EXIF),
            exif,
        )
        xmp = tf.where(application & _starts(text, _XMP), text, xmp)
        bare = (marker == 0) | (marker == 1) | ((marker >= 0xD0) & (marker <= 0xD9))
        step = tf.where(bare, tf.constant(2, tf.int64), 2 + length)
        is_marker = tf.equal(number(content, at, 1, False), 0xFF) & (marker < 0xFF)
        return at + tf.where(is_marker, step, 1), exif, xmp

    def before_pixels(at, *_):
        return (at + 4 <= end) & (number(content, at, 2, False) != 0xFFDA)

    start = (tf.constant(2, tf.int64), tf.constant(b""), tf.constant(b""))
    _, exif, xmp = tf.while_loop(before_pixels, segment, start)
    return exif, xmp


def _png_metadata(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the last EXIF and the last XMP of a PNG."""
    content = tf.io.decode_raw(encoded, tf.uint8)
    end = tf.size(content, tf.int64)

    def chunk(at, exif, xmp):
        length = number(content, at, 4, False)
        kind = tf.strings.substr(encoded, at + 4, 4)
        # Not the pixels, which would be copied for nothing.
        told = tf.reduce_any(tf.equal(kind, [b"eXIf", b"iTXt"]))
        text = tf.strings.substr(encoded, at + 8, tf.where(told, length, 0))
        exif = tf.where(tf.equal(kind, b"eXIf"), text, exif)
        is_xmp = tf.equal(kind, b"iTXt") & _starts(text, _PNG_XMP)
        return at + 12 + length, exif, tf.where(is_xmp, text, xmp)

    start = (tf.constant(8, tf.int64), tf.constant(b""), tf.constant(b""))
    _, exif, xmp = tf.while_loop(lambda at, *_: at + 12 <= end, chunk, start)
    return exif, xmp


def _tiff_orientation(exif: tf.Tensor) -> tf.Tensor:
    """Return the orientation: int64, -1 where there is none, 0 where it is none."""
    exif = tf.where(_starts(exif, _EXIF), _without(exif, _EXIF), exif)
    head = tf.strings.substr(exif, 0, 4)
    # Padded, so that short ones can be read; the length is the true one.
    content = tf.io.decode_raw(exif + tf.constant(b"\0" * 8), tf.uint8)
    length = tf.cast(tf.strings.length(exif), tf.int64)
    little = tf.equal(tf.strings.substr(exif, 0, 1), b"I")
    start = number(content, 4, 4, little)
    known = tf.reduce_any(tf.equal(head, _TIFF_HEADS)) & (length >= 8)
    return tf.cond(
        known,
        lambda: _entry_value(content, start, length, little),
        lambda: tf.constant(0, tf.int64),
    )


def _entry_value(
    content: tf.Tensor, start: tf.Tensor, length: tf.Tensor, little: tf.Tensor
) -> tf.Tensor:
    """Return the value of the first entry of the tag; -1 where there is none.

    Entries end where the bytes do, and before one whose value lies beyond them.
    """
    whole = tf.maximum(length - start - 2, 0) // 12
    count = tf.minimum(number(content, start, 2, little), whole)
    rows = content[start + 2 : start + 2 + 12 * count]
    entries = tf.cast(tf.reshape(rows, (-1, 12)), tf.int64)

    def column(first: int, width: int) -> tf.Tensor:
        powers = 256 ** tf.range(width, dtype=tf.int64)
        weights = tf.where(little, powers, powers[::-1])
        return tf.reduce_sum(entries[:, first : first + width] * weights, axis=1)

    kinds = tf.minimum(column(2, 2), len(_UNITS))
    units = tf.gather(tf.constant((*_UNITS, 0), tf.int64), kinds)
    sizes, offsets = column(4, 4) * units, column(8, 4)
    apart = sizes > 4
    skipped = apart & (tf.cumsum(tf.where(apart, sizes, 0)) > length)
    cut_off = apart & ~skipped & (offsets + sizes > length)
    read = tf.equal(tf.cumsum(tf.cast(cut_off, tf.int32)), 0)
    found = tf.where(read & ~skipped & (sizes > 0) & tf.equal(column(0, 2), _TAG))[:, 0]

    def value() -> tf.Tensor:
        entry = found[0]
        at = tf.where(apart[entry], offsets[entry], start + 2 + 12 * entry + 8)
        values = [number(content, at, width, little) for width in (1, 2, 4)]
        chosen = values[2]
        for width, candidate in zip((1, 2), values, strict=False):
            chosen = tf.where(units[entry] == width, candidate, chosen)
        is_number = tf.reduce_any(kinds[entry] == _WHOLE_NUMBERS)
        return tf.where(is_number, chosen, 0)

    return tf.cond(tf.size(found) > 0, value, lambda: tf.constant(-1, tf.int64))


def _xmp_orientation(xmp: tf.Tensor) -> tf.Tensor:
    """Return the first orientation in XMP, int64, or 0."""
    # \C is any byte: other bytes than UTF-8 are no characters to RE2.
    digit = tf.strings.regex_replace(
        xmp, r'^\C*?tiff:Orientation(?:="|>)([0-9])\C*$', r"\1"
    )
    found = tf.strings.regex_full_match(digit, "[0-9]")
    return tf.strings.to_number(tf.where(found, digit, "0"), tf.int64)
