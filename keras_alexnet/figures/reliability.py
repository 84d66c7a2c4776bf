"""Whether a network is right as often as it is sure."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_alexnet.figures.canvas import captioned_figure
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.colours import OKABE_ITO
from keras_alexnet.figures.paths import read_evaluation
from tfrecords.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIELDS = ("low", "high", "images", "confidence", "accuracy")


def draw(paths: Sequence[Path | str], out: Path | str) -> None:
    """Draw accuracy over confidence: pictures in bins by the probability of the guess.

    A bar is the share of a bin's first guesses that are right, a mark their mean
    probability; on the diagonal both are the same. Below stand the pictures of each
    bin.

    Args:
        paths: One JSON file of `alexnet evaluate --json`.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).

    Raises:
        UserError: It is another file or of a release without calibration, or the figure
            cannot be written.
    """
    document = read_evaluation(paths, "calibration")
    bins, error = read_calibration(document["calibration"], Path(paths[0]))
    images = sum(each["images"] for each in bins)
    text = (
        f"{images:,} pictures in {len(bins)} bins by the probability of the first "
        "guess. Bars: how often it is right. Diamonds: its mean probability; below the "
        "diagonal the network is too sure. Expected calibration error (ECE), the mean "
        f"distance of the two over all pictures: {error:.4f}."
    )
    caption = Caption.of(text, "reliability", paths)
    with captioned_figure(out, 5, 5.6, caption) as figure:
        upper, lower = figure.subplots(2, height_ratios=[3, 1], sharex=True)
        draw_accuracy(upper, bins, error)
        draw_counts(lower, bins)


def read_calibration(
    calibration: Any, path: Path
) -> tuple[list[dict[str, float]], float]:
    """Return the bins, of 0 to 1, and the expected calibration error of an evaluation.

    Raises:
        UserError: They are not as `alexnet evaluate` writes them, or have no picture.
    """
    try:
        bins = [{name: each[name] for name in _FIELDS} for each in calibration["bins"]]
        error = float(calibration["ece"])
        good = all(_is_bin(each) for each in bins) and any(b["images"] for b in bins)
    except (KeyError, TypeError, ValueError):
        good = False
    if not good:
        raise UserError(
            f"Expected calibration in {path} with ece and bins of "
            f"{', '.join(_FIELDS)}, and pictures in them. Evaluate again with --json."
        )
    return bins, error


def _is_bin(each: dict[str, Any]) -> bool:
    if not 0 <= each["low"] < each["high"] <= 1 or each["images"] < 0:
        return False
    shares = (each["confidence"], each["accuracy"])  # None where there is no picture
    return not each["images"] or all(0 <= share <= 1 for share in shares)


def draw_accuracy(axes: "Axes", bins: list[dict[str, float]], error: float) -> None:
    """Draw the accuracy of the bins that have pictures, and the diagonal."""
    axes.plot(
        [0, 1], [0, 1], "--", color="black", linewidth=1, label="as sure as right"
    )
    full = [each for each in bins if each["images"]]
    axes.bar(
        [each["low"] for each in full],
        [each["accuracy"] for each in full],
        [each["high"] - each["low"] for each in full],
        align="edge",
        color="0.8",
        edgecolor="black",
        linewidth=0.8,
        label="right (accuracy)",
    )
    confidences = [each["confidence"] for each in full]
    for each in full:
        x = each["confidence"]
        axes.plot([x, x], [each["accuracy"], x], color=OKABE_ITO[1], linewidth=1)
    axes.plot(
        *(confidences, confidences, "D"),
        color=OKABE_ITO[1],
        markeredgecolor="black",
        markersize=5,
        label="sure (mean probability)",
    )
    axes.set(ylabel="share of first guesses", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"ECE {error:.4f}", size=10, loc="left")
    axes.legend(loc="upper left", fontsize=8)


def draw_counts(axes: "Axes", bins: list[dict[str, float]]) -> None:
    """Draw how many pictures each bin has, with the numbers."""
    for each in bins:
        middle, width = (each["low"] + each["high"]) / 2, each["high"] - each["low"]
        axes.bar(
            *(middle, each["images"], width),
            color="0.6",
            edgecolor="black",
            linewidth=0.8,
        )
        axes.annotate(
            *(f"{each['images']:,}", (middle, each["images"])),
            xytext=(0, 1),
            textcoords="offset points",
            ha="center",
            size=6.5 if len(bins) <= 12 else 5,
        )
    axes.margins(y=0.18)
    axes.set(xlabel="probability of the first guess", ylabel="pictures")
