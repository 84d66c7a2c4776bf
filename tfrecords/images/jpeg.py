"""The marker structure of a JPEG file: what may be stored without decoding it anew."""

import re
from collections.abc import Iterator

import numpy as np

_FRAMES = {0xC0, 0xC1, 0xC2}  # baseline, extended and progressive, Huffman-coded
_OTHER_FRAMES = set(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}  # lossless, arithmetic
_SCAN, _END = 0xDA, 0xD9
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")  # neither stuffing nor restart


def is_well_formed(data: bytes) -> bool:
    """Tell whether segments follow each other without gap up to the last byte.

    Decoders differ in what they make of stray bytes, of early ends and of arithmetic
    coding.

    Args:
        data: a file that starts as a JPEG does.
    """
    frames, at = 0, 2
    for marker, _, end in _segments(data):
        at = end
        if marker in _OTHER_FRAMES or marker < 0xC0:
            return False
        frames += marker in _FRAMES
    return frames == 1 and data[at:] == bytes([0xFF, _END])


def frame_size(data: bytes) -> tuple[int, int]:
    """Read the height and width in pixels from the first frame header.

    Raises:
        ValueError: there is no frame header.
    """
    for marker, start, _ in _segments(data):
        if marker in _FRAMES:
            height, width = data[start + 3 : start + 5], data[start + 5 : start + 7]
            return int.from_bytes(height), int.from_bytes(width)
    raise ValueError("Expected a JPEG with a frame header")


def tensorflow_agrees(data: bytes, pixels: np.ndarray) -> bool:
    """Tell whether TensorFlow decodes a JPEG to the pixels that Pillow sees.

    libjpeg warns of damaged scans and goes on; TensorFlow and Pillow bundle different
    releases of it, and give up at different warnings.

    Args:
        data: the file.
        pixels: uint8 (height, width) or (height, width, 3), of Pillow.
    """
    import tensorflow as tf

    channels = 1 if pixels.ndim == 2 else 3
    try:
        # On the CPU: a GPU decodes otherwise, and is not ours to take.
        with tf.device("/CPU:0"):
            found = tf.io.decode_jpeg(
                data, channels=channels, dct_method="INTEGER_ACCURATE"
            )
    except tf.errors.InvalidArgumentError:
        return False
    return np.array_equal(found.numpy(), pixels.reshape(*pixels.shape[:2], channels))


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Give marker, start of the length field and end; a scan has its data in it."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, start = data[at + 1], at + 2
        at = start + int.from_bytes(data[start : start + 2])
        if marker == _SCAN:
            found = _NEXT_MARKER.search(data, at)
            at = found.start() if found else len(data)
        yield marker, start, at
