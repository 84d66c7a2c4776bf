"""Where in its last maps a network finds a class, by gradients."""

from collections.abc import Sequence
from pathlib import Path

from keras_alexnet.figures.explanations import draw_explanations


def draw(
    paths: Sequence[Path | str],
    out: Path | str,
    *,
    label: str | None = None,
    data: Path | None = None,
) -> None:
    """Draw where the last convolution's maps speak for a class (Grad-CAM).

    Args:
        paths: A run or network folder, then pictures, 12 at most.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).
        label: Class to explain, by name or word; None: the likeliest of each picture.
        data: Dataset folder of the network's classes, whose words are shown in place of
            WordNet ids.

    Raises:
        UserError: A path is something else or an export, there is no such class, or the
            file cannot be written.
    """
    text = (
        "Grad-CAM: the last convolution's maps, weighted by the gradients of the "
        "class, from 0 to 1."
    )
    draw_explanations(paths, out, "grad_cam", text, data=data, label=label)
