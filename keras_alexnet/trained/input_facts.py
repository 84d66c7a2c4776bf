"""What a network takes, in words that a program which has none of our code reads."""

from collections.abc import Mapping
from typing import Any

from tfrecords import Statistics

# What a network subtracts -> the array of `statistics.npz` that has it.
MEAN_ARRAYS = {"image": "mean_image", "channel": "channel_means", "none": None}


def input_facts(
    preprocessing: Mapping[str, Any], statistics: Statistics, layout: str = "NHWC"
) -> dict[str, Any]:
    """Return the section `input` of `config.json`: from a picture to the tensor.

    A picture is turned as its EXIF says (`exif`), scaled to `stored_size` with the
    `filter` (antialiased, as Pillow does) so that the shorter side fits and the central
    square is cut out (`resize` short_side), or both sides do (warp); the mean is
    subtracted from RGB of 0 to 255, if its `kind` is not none; the central square of
    `size` is what the network takes.

    Args:
        preprocessing: Of `config.json`.
        statistics: Of the pictures that the network learnt from.
        layout: Order of the axes: NHWC or NCHW.
    """
    kind = preprocessing["mean"]
    mean: dict[str, Any] = {"kind": kind}
    if kind != "none":
        mean |= {"file": "statistics.npz", "array": MEAN_ARRAYS[kind]}
    if kind == "channel":
        mean["values"] = [float(value) for value in statistics.channel_means]
    elif kind == "image":
        # What most networks of 2012 subtract from any view; from the central one both
        # take the same.
        mean["cut"] = preprocessing.get("mean_at", "centre")
    return {
        "name": "images",
        "layout": layout,
        "dtype": "float32",
        "channels": "RGB",
        "range": [0, 255],
        "scale": 1.0,
        "exif": bool(preprocessing["apply_exif"]),
        "resize": preprocessing.get("resize", "short_side"),
        "stored_size": preprocessing["stored_size"],
        "filter": preprocessing["resize_filter"],
        "crop": "centre",
        "size": preprocessing["input_size"],
        "mean": mean,
    }
