"""RGB in, stored bytes out: scaled, cut and encoded, or kept as they came."""

import io

import numpy as np
from PIL import Image, __version__, features

from tfrecords.images.decode import (
    Rejected,
    decode,
    opened,
    orientation_of,
    to_rgb,
    upright,
)
from tfrecords.images.jpeg import frame_size, is_well_formed, tensorflow_agrees
from tfrecords.images.options import FILTERS, JPEG, ORIGINAL, RAW, WARP, ImageOptions
from tfrecords.stopwatch import phase

DEFAULT_OPTIONS = ImageOptions()
# Readers of originals scale the whole picture; a line of 60000 x 1 pixels would become
# 15 million columns of 256. The centre is all they keep.
_LONGEST = 16  # times the shorter side


def convert(data: bytes, options: ImageOptions = DEFAULT_OPTIONS) -> bytes:
    """Make what is stored of a picture.

    For `jpeg` and `raw` the shorter side becomes `size`, the other keeps the aspect,
    and the centre is cut out; or with resize `warp` both sides become `size`: an RGB
    JPEG of exactly `size` x `size` pixels, or its uint8 pixels (height, width, channel)
    as 3 * `size`^2 bytes. For `jpeg-original` the picture keeps its size; of one that
    is more than 16 times as long as wide the ends, which no reader sees, are cut off
    unless it is warped.

    A JPEG that is stored untouched has no gap or stray byte, and Pillow and TensorFlow
    decode it to the same pixels: for `jpeg` one that is RGB and of the right size, for
    `jpeg-original` any that is RGB or grey and need not be turned. Everything else is
    encoded anew, as RGB.

    Args:
        data: a picture file of any kind in `tfrecords.images.decode.FORMATS`.
        options: encoding, size, resize, filter, quality.

    Raises:
        Rejected: the bytes cannot be used; the reason says why.
    """
    with phase("decode"), opened(data) as image:
        orientation = orientation_of(image) if options.apply_exif else 1
        if orientation == 1 and _is_kept(image, data, options):
            return data
        rgb = upright(to_rgb(image), orientation)
    with phase("scale"):
        if options.encoding != ORIGINAL:
            rgb = _square(rgb, options)
        elif options.resize != WARP:
            rgb = _shortened(rgb)
    with phase("encode"):
        return rgb.tobytes() if options.encoding == RAW else _encode(rgb, options)


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
        options: encoding, size, resize and filter.

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
    with opened(stored) as image:
        return np.asarray(_square(to_rgb(image), options))


def _is_kept(image: Image.Image, data: bytes, options: ImageOptions) -> bool:
    if options.encoding == RAW or image.format != "JPEG":
        return False
    if options.encoding == ORIGINAL:
        short = _LONGEST * min(image.size) >= max(image.size)
        fits = image.mode in ("RGB", "L") and (short or options.resize == WARP)
    else:
        fits = image.mode == "RGB" and image.size == (options.size, options.size)
    return fits and is_well_formed(data) and tensorflow_agrees(data, np.asarray(image))


def _shortened(image: Image.Image) -> Image.Image:
    width, height = image.size
    longest = _LONGEST * min(width, height)
    left, top = max(0, width - longest) // 2, max(0, height - longest) // 2
    return image.crop((left, top, width - left, height - top))


def _square(image: Image.Image, options: ImageOptions) -> Image.Image:
    # Only the centre is computed: a picture of 60000 x 1 must not become 256 rows
    # of 15 million pixels first. Pillow's filter looks beyond the box, so the
    # pixels are those of resizing the whole and cropping.
    size = (options.size, options.size)
    if options.resize == WARP:
        return image.resize(size, FILTERS[options.filter])
    box = _centre_box(*image.size, options.size)
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
