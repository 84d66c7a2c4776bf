"""How pictures are made alike, and in what form they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from PIL import Image

from tfrecords.ranges import check_count

FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}
SUBSAMPLINGS = ("4:2:0", "4:2:2", "4:4:4")

JPEG, ORIGINAL, RAW = "jpeg", "jpeg-original", "raw"
ENCODINGS = (JPEG, ORIGINAL, RAW)


@dataclass(frozen=True)
class ImageOptions:
    """How pictures are made the same size.

    Attributes:
        size: height and width, in pixels, of what a reader gets.
        quality: JPEG quality, 1 to 100, of what is encoded anew.
        filter: `bilinear`, `bicubic`, `lanczos` or `box`, all antialiased.
        apply_exif: turn the picture as its EXIF orientation says.
        subsampling: of the colour: `4:2:0`, `4:2:2` or `4:4:4`. The last is a fifth
            larger and a fifth slower to decode, and keeps colours that change from
            pixel to pixel.
        encoding: what is stored. `jpeg`: the square of `size`, as a JPEG.
            `jpeg-original`: the JPEG as it came, of any size, which every reading
            scales and cuts. `raw`: the square's uint8 pixels in C order, with no
            header, 3 * `size`^2 bytes.
    """

    size: int = 256  # section 2 of the paper
    quality: int = 95  # as cuda-convnet2's make-data.py
    filter: str = "bicubic"
    apply_exif: bool = False
    subsampling: str = "4:2:0"  # as nearly all of ILSVRC
    encoding: str = JPEG

    def __post_init__(self):
        _check_choice("filter", self.filter, FILTERS)
        _check_choice("subsampling", self.subsampling, SUBSAMPLINGS)
        _check_choice("encoding", self.encoding, ENCODINGS)
        check_count("quality", self.quality, 1, 100)
        check_count("size", self.size, 1, 4096)

    @classmethod
    def recorded(cls, options: Mapping[str, Any]) -> "ImageOptions":
        """Take from a manifest's options what concerns the pictures.

        Raises:
            ValueError: an option is missing or not one that this release knows.
        """
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in options]
        if missing:
            raise ValueError(f"Expected the options {', '.join(missing)}")
        return cls(**{name: options[name] for name in names})


def _check_choice(name: str, given: str, choices) -> None:
    if given not in choices:
        raise ValueError(
            f"Expected {name} to be one of {', '.join(choices)}: {given!r}"
        )
