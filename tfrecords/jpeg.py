"""The marker structure of a JPEG file: what may be stored without decoding it anew."""

import re

_FRAMES = {0xC0, 0xC1, 0xC2}  # baseline, extended and progressive, Huffman-coded
_OTHER_FRAMES = set(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}  # lossless, arithmetic
_SCAN, _END = 0xDA, 0xD9
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")  # neither stuffing nor restart


def is_well_formed(data: bytes) -> bool:
    """Tell whether segments follow each other without gap up to the last byte.

    Decoders differ in what they make of stray bytes, of early ends and of arithmetic
    coding; bytes that pass here are read alike by Pillow and TensorFlow.

    Args:
        data: a file that starts as a JPEG does.
    """
    at, frames = 2, 0
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _OTHER_FRAMES or marker < 0xC0:
            return False
        frames += marker in _FRAMES
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker == _SCAN:
            found = _NEXT_MARKER.search(data, at)
            at = found.start() if found else len(data)
    return frames == 1 and at == len(data) - 2 and data[at + 1] == _END
