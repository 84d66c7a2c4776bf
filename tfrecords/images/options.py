"""How pictures are made alike, and in what form they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from PIL import Image

from tfrecords.errors import UserError
from tfrecords.ranges import check_count

FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}

Encoding = Literal["jpeg", "jpeg-original", "raw"]
Filter = Literal["bilinear", "bicubic", "lanczos", "box"]
Resize = Literal["short_side", "warp"]
Subsampling = Literal["4:2:0", "4:2:2", "4:4:4"]
JPEG, ORIGINAL, RAW = ENCODINGS = get_args(Encoding)
SHORT_SIDE, WARP = RESIZES = get_args(Resize)


@dataclass(frozen=True)
class ImageOptions:
    """How pictures are made alike; `alexnet build` has these options too."""

    size: int = 256  # section 2 of the paper
    """Side of the stored pictures, pixels."""
    quality: int = 95  # as cuda-convnet2's make-data.py
    """JPEG quality, 1 to 100."""
    filter: Filter = "bicubic"
    """Resize filter; all are antialiased."""
    resize: Resize = "short_side"  # section 2 of the paper
    """short_side: scale the shorter side to --size and cut out the central square;
    warp: scale both sides to it, whatever the proportions, as Caffe's pictures are."""
    apply_exif: bool = False
    """Turn pictures as their EXIF orientation says; ILSVRC ignores it."""
    # As nearly all of ILSVRC. 4:4:4 is a fifth larger and a fifth slower to decode, and
    # keeps colours that change from pixel to pixel.
    subsampling: Subsampling = "4:2:0"
    """Of the colour in the stored JPEGs."""
    # raw: uint8 (height, width, channel) in C order, with no header, 3 * size^2 bytes.
    encoding: Encoding = "jpeg"
    """What is stored: the square as a JPEG; JPEGs as they came, scaled whenever they
    are read; or the square's pixels, for machines that outrun JPEG decoding."""

    def __post_init__(self):
        _check_choice("filter", self.filter, FILTERS)
        _check_choice("resize", self.resize, RESIZES)
        _check_choice("subsampling", self.subsampling, get_args(Subsampling))
        _check_choice("encoding", self.encoding, ENCODINGS)
        check_count("quality", self.quality, 1, 100)
        check_count("size", self.size, 1, 4096)

    @classmethod
    def recorded(cls, options: Mapping[str, Any]) -> "ImageOptions":
        """Take from a manifest's options what concerns the pictures.

        Raises:
            ValueError: an option is missing or not one that this release knows.
        """
        told = {**UNTOLD, **options}
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in told]
        if missing:
            raise ValueError(f"Expected the options {', '.join(missing)}")
        return cls(**{name: told[name] for name in names})

    def to_record(self) -> dict[str, Any]:
        """Return what a manifest says of the pictures, for `recorded`."""
        told = vars(self).items()
        return {name: value for name, value in told if UNTOLD.get(name) != value}


# What a manifest leaves out, as it did before there was another choice.
UNTOLD = {"resize": SHORT_SIDE}


def _check_choice(name: str, given: str, choices) -> None:
    if given not in choices:
        raise UserError(f"Expected {name} to be one of {', '.join(choices)}: {given!r}")
