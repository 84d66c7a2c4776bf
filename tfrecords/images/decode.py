"""Bytes in, a clean picture out, or a named rejection.

The content decides the format, never the file name. What happens to odd pictures:

- grey is replicated to three channels;
- alpha is dropped, as `Image.convert("RGB")` of the 2012 release does, so what
  lies under transparent pixels shows;
- CMYK (Adobe's inverted kind too) and palettes are converted by Pillow; colour
  profiles are ignored;
- 16 bits a channel are scaled, not clipped, to 8;
- of several frames the first is taken;
- the EXIF orientation is ignored, as everyone does with ILSVRC, unless asked for.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, UnidentifiedImageError, __version__, features

from tfrecords.images.foreign_formats import foreign_format
from tfrecords.images.jpeg import frame_size, is_well_formed, tensorflow_agrees
from tfrecords.images.options import FILTERS, JPEG, ORIGINAL, RAW, ImageOptions

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
# Readers of originals scale the whole picture; a line of 60000 x 1 pixels would become
# 15 million columns of 256. The centre is all they keep.
_LONGEST = 16  # times the shorter side
_ORIENTATIONS = {
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


DEFAULT_OPTIONS = ImageOptions()


def convert(data: bytes, options: ImageOptions = DEFAULT_OPTIONS) -> bytes:
    """Make what is stored of a picture.

    For `jpeg` and `raw` the shorter side becomes `size`, the other keeps the aspect,
    and the centre is cut out: an RGB JPEG of exactly `size` x `size` pixels, or its
    uint8 pixels (height, width, channel) as 3 * `size`^2 bytes. For `jpeg-original`
    the picture keeps its size; of one that is more than 16 times as long as wide the
    ends, which no reader sees, are cut off.

    A JPEG that is stored untouched has no gap or stray byte, and Pillow and TensorFlow
    decode it to the same pixels: for `jpeg` one that is RGB and of the right size, for
    `jpeg-original` any that is RGB or grey and need not be turned. Everything else is
    encoded anew, as RGB.

    Args:
        data: a picture file of any kind in `FORMATS`.
        options: encoding, size, filter, quality.

    Raises:
        Rejected: the bytes cannot be used; the reason says why.
    """
    with _strict_warnings():
        image = _open(data)
        _load(image, data)
        turn = _orientation(image) if options.apply_exif else None
        if turn is None and _is_kept(image, data, options):
            return data
        rgb = _turned(_rgb(image), turn)
        if options.encoding == ORIGINAL:
            return _encode(_shortened(rgb), options)
        square = _square(rgb, options)
        return square.tobytes() if options.encoding == RAW else _encode(square, options)


def stored_size(stored: bytes, options: ImageOptions) -> tuple[int, int]:
    """Give height and width in pixels of what `convert` made with these options."""
    if options.encoding == ORIGINAL:
        return frame_size(stored)
    return options.size, options.size


def square(stored: bytes, options: ImageOptions) -> np.ndarray:
    """Give what a reader sees: uint8 RGB (size, size, 3), 0 to 255.

    For `jpeg` and `raw` these are the stored pixels. `jpeg-original` is scaled by
    Pillow here and by `tf.image.resize` with antialias in a training pipeline: the
    same filter at the same place, but Pillow rounds and clips to 0-255 after each of
    its two passes and TensorFlow once. Over 100 Imagenette photos pixels differ by 0.17
    on average and by 8 at most, the mean image by 0.0004 on average.

    Args:
        stored: what `convert` made; or any picture, with encoding `jpeg-original`.
        options: encoding, size and filter.

    Raises:
        Rejected: as `convert`; `wrong_size` where raw bytes are too few or too many.
    """
    size = options.size
    if options.encoding == RAW:
        if len(stored) != 3 * size**2:
            detail = f"{len(stored):,} bytes, {size} x {size} x 3 are {3 * size**2:,}"
            raise Rejected("wrong_size", detail)
        return np.frombuffer(stored, np.uint8).reshape(size, size, 3)
    if options.encoding == JPEG:
        return decode(stored)
    with _strict_warnings():
        image = _open(stored)
        _load(image, stored)
        return np.asarray(_square(_rgb(image), options))


def decode(data: bytes) -> np.ndarray:
    """Decode a picture to uint8 RGB of shape (height, width, 3), 0 to 255.

    Raises:
        Rejected: as `convert`.
    """
    with _strict_warnings():
        image = _open(data)
        _load(image, data)
        return np.asarray(_rgb(image))


def decode_oriented(data: bytes) -> tuple[np.ndarray, int]:
    """Decode a picture as `decode` does, and say how it is to be turned.

    Returns:
        The pixels, not turned, and the EXIF orientation, 1 (upright) to 8.

    Raises:
        Rejected: as `convert`.
    """
    with _strict_warnings():
        image = _open(data)
        _load(image, data)
        turn = _orientation(image)
        numbers = {known: number for number, known in _ORIENTATIONS.items()}
        return np.asarray(_rgb(image)), 1 if turn is None else numbers[turn]


@contextmanager
def _strict_warnings() -> Iterator[None]:
    # Pillow warns of odd metadata, which is noise, and of bombs, which is not.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


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


def _orientation(image: Image.Image) -> Image.Transpose | None:
    try:
        return _ORIENTATIONS.get(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # broken EXIF is common, and says nothing about the pixels
        return None


def _is_kept(image: Image.Image, data: bytes, options: ImageOptions) -> bool:
    if options.encoding == RAW or image.format != "JPEG":
        return False
    if options.encoding == ORIGINAL:
        fits = image.mode in ("RGB", "L") and _LONGEST * min(image.size) >= max(
            image.size
        )
    else:
        fits = image.mode == "RGB" and image.size == (options.size, options.size)
    return fits and is_well_formed(data) and tensorflow_agrees(data, np.asarray(image))


def _shortened(image: Image.Image) -> Image.Image:
    width, height = image.size
    longest = _LONGEST * min(width, height)
    left, top = max(0, width - longest) // 2, max(0, height - longest) // 2
    return image.crop((left, top, width - left, height - top))


def _rgb(image: Image.Image) -> Image.Image:
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


def _turned(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return image if turn is None else image.transpose(turn)


def _square(image: Image.Image, options: ImageOptions) -> Image.Image:
    # Only the centre is computed: a picture of 60000 x 1 must not become 256 rows
    # of 15 million pixels first. Pillow's filter looks beyond the box, so the
    # pixels are those of resizing the whole and cropping.
    box = _centre_box(*image.size, options.size)
    size = (options.size, options.size)
    return image.resize(size, FILTERS[options.filter], box=box)


def _centre_box(
    width: int, height: int, size: int
) -> tuple[float, float, float, float]:
    shorter = min(width, height)
    starts, ends = [], []
    for side in (width, height):
        resized = (2 * side * size + shorter) // (2 * shorter)  # rounded half up
        offset = (resized - size) // 2
        starts.append(offset * side / resized)
        ends.append(min(side, (offset + size) * side / resized))
    return starts[0], starts[1], ends[0], ends[1]


def _encode(image: Image.Image, options: ImageOptions) -> bytes:
    image.info.clear()  # Pillow would copy the source's comment into the result
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=options.quality, subsampling=options.subsampling)
    return buffer.getvalue()


def codec_versions() -> dict[str, str]:
    """Name the libraries that the bytes of a JPEG depend on."""
    jpeg = features.version_feature("libjpeg_turbo") or features.version_codec("jpg")
    return {"pillow": __version__, "libjpeg": str(jpeg)}
