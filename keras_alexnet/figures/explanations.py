"""Pictures, and the parts of them that speak for a class."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_alexnet.figures.canvas import captioned_figure, check_picture_file
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.class_names import ClassNames, shortened
from keras_alexnet.figures.colours import MAPS
from keras_alexnet.figures.paths import network_and_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from keras_alexnet.inference.explainer import Explanation

MOST_PICTURES = 12
_DIMMED = 0.35  # of the light of a picture, where nothing speaks for the class
_LEVEL = 0.5  # of the largest value: the outline


def draw_explanations(
    paths: Sequence[Path | str],
    out: Path | str,
    kind: str,
    text: str,
    *,
    data: Path | None,
    label: str | None,
    **options: Any,
) -> None:
    """Draw a row for each picture: itself, what speaks for a class of it, the map.

    Args:
        paths: A network, then pictures.
        out: Picture file.
        kind: Method of `TrainedNetwork.explain`, and name of the figure.
        text: What the map is.
        data: Dataset folder whose words name the classes.
        label: Class to explain; None: the likeliest of each picture.
        options: Of the method.

    Raises:
        UserError: As `TrainedNetwork.explain`; a path is something else, or the file
            cannot be written.
    """
    check_picture_file(Path(out))
    network, pictures = network_and_pictures(paths, MOST_PICTURES)
    names = ClassNames(network.labels, data)
    place = None if label is None else names.find(label)
    found = [
        network.explain(path, kind, class_index=place, **options)  # type: ignore[arg-type]
        for path in pictures
    ]
    caption = Caption.of(
        f"{text} In the middle the picture is lit where the map is high, and outlined "
        "where it is half its largest value.",
        *(kind, paths),
        data=data,
        label=label,
        **options,
    )
    with captioned_figure(out, 7.6, 2.5 * len(found), caption) as figure:
        grid = figure.subplots(len(found), 3, squeeze=False)
        for row, path, each in zip(grid, pictures, found, strict=True):
            draw_explanation(figure, row, each)
            truth = names.of_file(path)
            named = shortened(path.name) if truth is None else names.shown[truth]
            row[0].set_title(named, size=9, parse_math=False)
            shown = f"{names.shown[each.class_index]} {each.probability:.1%}"
            row[1].set_title(shown, size=9, weight="bold", parse_math=False)
            row[2].set_title(each.note, size=6, wrap=True)


def draw_explanation(
    figure: "Figure", row: "Sequence[Axes]", found: "Explanation"
) -> None:
    """Draw the picture, the picture lit by the map, and the map with its scale."""
    for axes in row:
        axes.set_axis_off()
    row[0].imshow(found.crop)
    row[1].imshow(lit(found.crop, found.map))
    highest = float(found.map.max())
    if highest > 0:
        row[1].contour(found.map, [_LEVEL * highest], colors="black", linewidths=2.4)
        row[1].contour(found.map, [_LEVEL * highest], colors="white", linewidths=1.1)
    image = row[2].imshow(found.map, cmap=MAPS)
    figure.colorbar(image, ax=row[2], shrink=0.9)


def lit(crop: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return a picture that is dark where nothing speaks for its class.

    Args:
        crop: uint8 `(size, size, 3)`.
        values: float `(size, size)`; what is below 0 counts as 0.

    Returns:
        uint8 `(size, size, 3)`: unchanged at the largest value, darkest
        at 0.
    """
    positive = np.maximum(values, 0)
    share = positive / (positive.max() or 1)
    light = _DIMMED + (1 - _DIMMED) * share
    return np.rint(crop * light[..., None]).astype(np.uint8)
