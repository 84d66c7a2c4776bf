"""How much less likely a class becomes where pictures are covered."""

from collections.abc import Sequence
from pathlib import Path

from keras_alexnet.figures.explanations import draw_explanations


def draw(
    paths: Sequence[Path | str],
    out: Path | str,
    *,
    data: Path | None = None,
    label: str | None = None,
    square: int | None = None,
    step: int | None = None,
) -> None:
    """Draw by how much a class becomes less likely where a picture is covered.

    Each picture takes some hundred passes of the network.

    Args:
        paths: A run folder, network folder or export, then pictures, 12 at most.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).
        data: Dataset folder of the network's classes, whose words are shown in place of
            WordNet ids.
        label: Class to explain, by name or word; None: the likeliest of each picture.
        square: Side of the covering square in pixels; None: 32, or a quarter of an
            input of less than 128.
        step: Pixels from one square to the next; None: a quarter of the square.

    Raises:
        UserError: A path is something else, there is no such class, a number is out of
            its range, or the file cannot be written.
    """
    text = (
        "By how much the probability of the class falls where a grey square covers the "
        "picture; below 0 it rises."
    )
    given = {"square": square, "step": step}
    draw_explanations(paths, out, "occlusion", text, data=data, label=label, **given)
