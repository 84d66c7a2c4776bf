"""Pictures, and what a network takes them for (figure 4, left)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_alexnet.figures.canvas import captioned_figure
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.class_names import ClassNames, shortened
from keras_alexnet.figures.paths import network_and_pictures
from tfrecords.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from keras_alexnet.inference.classifier import Prediction

MOST_PICTURES = 40
COLUMNS = 4
GUESSES = 5  # as many as the paper shows
_RIGHT, _WRONG = "0.45", "0.82"  # levels of grey; the right one is hatched too


def draw(
    paths: Sequence[Path | str], out: Path | str, *, data: Path | None = None
) -> None:
    """Draw pictures with their class, and bars of the five likeliest classes.

    The class of a picture is the one that its folder is named after; where that names
    none, the file's name stands in its place. The bar of the right class is dark and
    hatched, and its name has a mark.

    Args:
        paths: A run folder, network folder or export, then pictures, 40 at most.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).
        data: Dataset folder of the network's classes, whose words are shown in place of
            WordNet ids.

    Raises:
        UserError: A path is something else, a picture cannot be read, the dataset is of
            other classes, or the file cannot be written.
    """
    network, pictures = network_and_pictures(paths, MOST_PICTURES)
    names = ClassNames(network.labels, data)
    predictions = network.predict(pictures, top=GUESSES)
    for prediction in predictions:
        if prediction.error:
            raise UserError(
                f"Expected pictures with an answer; {prediction.file}: "
                f"{prediction.error}. Leave it out."
            )
    explainer = network.explainer()
    crops = [explainer.crop(network.image(path)) for path in pictures]
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    caption = Caption.of(
        _text(pictures, predictions, names), "predictions", paths, data=data
    )
    size = (2.3 * columns, 3.5 * rows)
    with captioned_figure(out, max(size[0], 4), size[1], caption) as figure:
        ratios = [2.1, 1.25] * rows
        grid = figure.subplots(2 * rows, columns, height_ratios=ratios, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for place, (path, crop) in enumerate(zip(pictures, crops, strict=True)):
            row, column = divmod(place, columns)
            truth = names.of_file(path)
            title = shortened(path.name) if truth is None else names.shown[truth]
            upper, lower = grid[2 * row, column], grid[2 * row + 1, column]
            upper.imshow(crop)
            upper.set_title(
                title,
                size=10,
                weight="normal" if truth is None else "bold",
                parse_math=False,
            )
            draw_bars(lower, predictions[place], truth, names)


def draw_bars(
    axes: "Axes", prediction: "Prediction", truth: int | None, names: ClassNames
) -> None:
    """Draw the likeliest classes of a picture, the best above, and mark the right one.

    Args:
        axes: Where; a probability of 1 is its whole width.
        prediction: Of the picture.
        truth: Its class; None: not known.
        names: Of the classes.
    """
    for row, (place, score) in enumerate(
        zip(prediction.classes, prediction.scores, strict=True)
    ):
        right = place == truth
        axes.barh(
            row + 0.25,
            score,
            height=0.36,
            color=_RIGHT if right else _WRONG,
            hatch="//////" if right else None,
            edgecolor="black",
            linewidth=0.6,
        )
        weight = "bold" if right else "normal"
        name = f"{'✓ ' if right else ''}{names.shown[place]}"
        style: dict[str, Any] = {"size": 7.5, "va": "center", "weight": weight}
        axes.text(0, row - 0.2, name, parse_math=False, **style)
        axes.text(1, row - 0.2, f"{score:.1%}", ha="right", **style)
    axes.set(xlim=(0, 1.01), ylim=(max(len(prediction.classes), GUESSES) - 0.5, -0.5))


def _text(
    pictures: Sequence[Path], predictions: "Sequence[Prediction]", names: ClassNames
) -> str:
    text = (
        "Above: what the network saw of each picture, with its class where the folder "
        "tells it. Below: the likeliest classes and their probabilities; the right one "
        "is hatched and has a ✓."
    )
    truths = [names.of_file(path) for path in pictures]
    known = [
        pair for pair in zip(truths, predictions, strict=True) if pair[0] is not None
    ]
    if not known:
        return text
    first = sum(truth == each.classes[0] for truth, each in known)
    among = sum(truth in each.classes for truth, each in known)
    return (
        f"{text} Right at first guess: {first} of {len(known)}; among the "
        f"{len(known[0][1].classes)} shown: {among}."
    )
