"""Bytes in, a clean picture out, or a named rejection.

The content decides the format, never the file name. What happens to odd pictures:

- grey is replicated to three channels;
- alpha is dropped, as `Image.convert("RGB")` of the 2012 release does, so what
  lies under transparent pixels shows;
- CMYK (Adobe's inverted kind too) and palettes are converted by Pillow; colour
  profiles are ignored;
- 16 bits a channel are scaled, not clipped, to 8;
- of several frames the first is taken;
- the EXIF orientation is read, but turning by it is left to who asks for it, as
  everyone ignores it with ILSVRC.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, UnidentifiedImageError

from tfrecords.images.foreign_formats import foreign_format

# Pillow's own line between a picture and a bomb: 256 MiB of 24-bit pixels.
MAX_PIXELS = 89_478_485
MAX_BYTES = 3 * MAX_PIXELS + 2**20  # such a picture uncompressed, with its header

# Others either have no signature (TGA), run other programs (EPS) or are no photos.
# Pillow opens MPO, several JPEGs in a row, as JPEG.
_PHOTO_FORMATS = "JPEG PNG GIF BMP WEBP TIFF JPEG2000 AVIF PPM PSD".split()
Image.init()
FORMATS = tuple(name for name in _PHOTO_FORMATS if name in Image.OPEN)
_SIGNATURES = {b"\xff\xd8": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF"}
_WHITE_16 = 65_535
_TO_8_BITS = np.rint(np.arange(_WHITE_16 + 1) / 257).astype(np.uint8)
_ORIENTATION_TAG = 0x0112
_TURNS = {  # by EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Rejected(ValueError):
    """A picture that cannot be used.

    Attributes:
        reason: one of `empty`, `unreadable`, `unknown_format`, `no_decoder`,
            `truncated`, `decode_error`, `too_large`, `zero_sized`, `unsupported_mode`,
            `wrong_size`.
        detail: the same for people.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self):
        return type(self), (self.reason, self.detail)


def decode(data: bytes) -> np.ndarray:
    """Decode a picture to uint8 RGB of shape (height, width, 3), 0 to 255.

    Args:
        data: a picture file of any kind in `FORMATS`.

    Raises:
        Rejected: the bytes cannot be used; the reason says why.
    """
    with opened(data) as image:
        return np.asarray(to_rgb(image))


def decode_oriented(data: bytes) -> tuple[np.ndarray, int]:
    """Decode a picture as `decode` does, and say how it is to be turned.

    Returns:
        The pixels, not turned, and the EXIF orientation, 1 (upright) to 8.

    Raises:
        Rejected: as `decode`.
    """
    with opened(data) as image:
        return np.asarray(to_rgb(image)), orientation_of(image)


def header_size(data: bytes) -> tuple[int, int]:
    """Return what a picture's header says of its width and height, in pixels.

    None of them is decoded.

    Raises:
        Rejected: as `decode`, but for what only the pixels show.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _open(data).size


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """Give a picture with its pixels loaded, in whatever mode they are.

    Raises:
        Rejected: as `decode`.
    """
    # Pillow warns of odd metadata, which is noise, and of bombs, which is not.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = _open(data)
        _load(image, data)
        yield image


def _open(data: bytes) -> Image.Image:
    if not data:
        raise Rejected("empty", "the file has no bytes")
    if len(data) > MAX_BYTES:
        raise too_many_bytes(len(data))
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise _unidentified(data) from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Rejected("too_large", str(error)) from None
    except Exception as error:  # plugins raise anything on hostile headers
        raise _broken(error) from None
    _check_size(*image.size)
    return image


def too_many_bytes(count: int) -> Rejected:
    """Reject a file for its length, in bytes; also for those who have not read it."""
    return Rejected("too_large", f"{count:,} bytes; at most {MAX_BYTES:,} are read")


def _unidentified(data: bytes) -> Rejected:
    for signature, name in _SIGNATURES.items():
        if data.startswith(signature):
            return Rejected("decode_error", f"starts as {name}, but has no good header")
    if kind := foreign_format(data):
        detail = f"{kind} is not read here; save it as JPEG or PNG"
        return Rejected("no_decoder", detail)
    return Rejected("unknown_format", f"no known picture; starts with {data[:8]!r}")


def _check_size(width: int, height: int) -> None:
    if width <= 0 or height <= 0:
        raise Rejected("zero_sized", f"{width}x{height} pixels")
    if width * height > MAX_PIXELS:
        detail = f"{width}x{height} pixels; at most {MAX_PIXELS:,} are decoded"
        raise Rejected("too_large", detail)


def _load(image: Image.Image, data: bytes) -> None:
    try:
        image.load()
        if image.format == "PNG":  # decoding alone does not look at the checksums
            with Image.open(io.BytesIO(data), formats=("PNG",)) as again:
                again.verify()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Rejected("too_large", str(error)) from None
    except Exception as error:  # plugins raise anything on broken streams
        raise _broken(error) from None
    _check_size(*image.size)


def _broken(error: Exception) -> Rejected:
    detail = f"{error}" or type(error).__name__
    truncated = isinstance(error, EOFError) or "truncated" in detail.lower()
    return Rejected("truncated" if truncated else "decode_error", detail)


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation of an opened picture, 1 (upright) to 8."""
    try:
        number = image.getexif().get(_ORIENTATION_TAG, 1)
        return int(number) if number in _TURNS else 1
    except Exception:  # broken EXIF is common, and says nothing about the pixels
        return 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn and mirror a picture as its EXIF orientation, 1 to 8, says."""
    return image if orientation == 1 else image.transpose(_TURNS[orientation])


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert an opened picture to RGB, 8 bits a channel.

    Raises:
        Rejected: its pixels have no fixed black and white.
    """
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    elif image.mode == "RGBa":
        image = image.convert("RGBA")
    elif image.mode == "F":
        raise _unsupported(image)
    try:
        return image.convert("RGB")
    except ValueError:
        raise _unsupported(image) from None


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "I" and (values.min() < 0 or values.max() > _WHITE_16):
        raise _unsupported(image)
    return Image.fromarray(_TO_8_BITS[values])


def _unsupported(image: Image.Image) -> Rejected:
    detail = f"{image.format} pixels of mode {image.mode} have no fixed black and white"
    return Rejected("unsupported_mode", detail)
