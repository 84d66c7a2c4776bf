"""Ten lines of Python that name what is in a picture, for the card of an export."""

from keras_alexnet.trained.input_facts import MEAN_ARRAYS
from keras_alexnet.trained.network import TrainedNetwork

PICTURE = "picture.jpg"  # what an example opens
_FILTERS = {"bilinear": "BILINEAR", "bicubic": "BICUBIC", "lanczos": "LANCZOS"}
_FILTERS |= {"box": "BOX"}
_SHORT_SIDE = """\
def span(side, short=min(picture.size)):  # of the central square
    scaled = (2 * side * {size} + short) // (2 * short)
    start = (scaled - {size}) // 2
    return start * side / scaled, (start + {size}) * side / scaled

(left, right), (top, bottom) = map(span, picture.size)
square = (left, top, right, bottom)
picture = picture.resize(({size}, {size}), Image.Resampling.{filter}, square)
"""
_LESS_MEAN = """\
with np.load("statistics.npz") as statistics:
    pixels = np.float32(picture) - statistics["{array}"]
"""
_PLAIN = "pixels = np.float32(picture)\n"
_WARP = "picture = picture.resize(({size}, {size}), Image.Resampling.{filter})\n"


def picture_example(
    network: TrainedNetwork, imports: str, compute: str, layout: str = "NHWC"
) -> str:
    """Return a program of NumPy, Pillow and one runtime.

    Its pixels are those that `alexnet predict` gives the network, but for the rounding
    of a resize (1 of 255; 4 with the filter box) and pictures of more than 8 bits.

    Args:
        network: Whose preprocessing it writes out.
        imports: A line that imports the runtime.
        compute: A line or more from `images`, float32 of a batch of 1, to
            `probabilities`.
        layout: Order of the axes of `images`.
    """
    shown = network.config.preprocessing
    size, stored = shown["input_size"], shown["stored_size"]
    square = _WARP if shown.get("resize") == "warp" else _SHORT_SIDE
    turn = "ImageOps.exif_transpose(picture)" if shown["apply_exif"] else "picture"
    array = MEAN_ARRAYS[shown["mean"]]
    corner = (stored - size) // 2
    cut = f"[{corner}:{corner + size}, {corner}:{corner + size}]"
    order = ".transpose(2, 0, 1)" if layout == "NCHW" else ""
    used = "Image, ImageOps" if shown["apply_exif"] else "Image"
    return (
        "from pathlib import Path\n\n"
        f"import numpy as np\n{imports}\nfrom PIL import {used}\n\n"
        f'picture = Image.open("{PICTURE}")\n'
        f'picture = {turn}.convert("RGB")\n'
        + square.format(size=stored, filter=_FILTERS[shown["resize_filter"]])
        + (_PLAIN if array is None else _LESS_MEAN.format(array=array))
        + f"images = np.float32(pixels{cut}{order}[None])\n"
        f"{compute.strip()}\n"
        'labels = Path("labels.txt").read_text("utf-8").split("\\n")\n'
        "for place in probabilities[0].argsort()[::-1][:5]:\n"
        '    print(f"{probabilities[0][place]:.4f} {labels[place]}")\n'
    )
