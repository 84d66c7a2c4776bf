"""What the local response normalisation does to maps of conv1 (section 3.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_alexnet.figures.canvas import captioned_figure
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.class_names import shortened
from keras_alexnet.figures.colours import MAPS
from keras_alexnet.figures.paths import network_and_pictures
from tfrecords.errors import UserError
from tfrecords.ranges import check_count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from keras_alexnet.trained.network import TrainedNetwork

NORM = "norm1"
MOST_CHANNELS = 12


@dataclass(frozen=True, eq=False)
class Normalised:
    """Maps before and after a normalisation.

    Attributes:
        before: float32 `(rows, columns, channels)`.
        after: The same, normalised.
    """

    before: np.ndarray
    after: np.ndarray

    def ratio(self) -> np.ndarray:
        """Return what each activation was multiplied by; NaN where it was 0."""
        undefined = np.full_like(self.before, np.nan)
        return np.divide(self.after, self.before, undefined, where=self.before != 0)

    def strongest(self, count: int) -> np.ndarray:
        """Return the channels of most energy before, the strongest first."""
        energy = np.square(self.before, dtype=np.float64).sum((0, 1))
        return np.argsort(-energy, kind="stable")[:count]


def draw(paths: Sequence[Path | str], out: Path | str, *, channels: int = 4) -> None:
    """Draw maps before and after norm1, and what each activation is multiplied by.

    Before and after have one scale, all ratios another, from 0 to what an activation
    without active neighbours would be multiplied by.

    Args:
        paths: A run or network folder with an LRN after conv1, then one picture.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).
        channels: Maps to draw, those of the most energy.

    Raises:
        UserError: A path is something else, the network has no such normalisation or is
            an export, a number is out of its range, or the file cannot be written.
    """
    check_count("channels", channels, 1, MOST_CHANNELS)
    network, (picture,) = network_and_pictures(paths, 1)
    norm = _norm(network)
    found = normalised(network, picture)
    chosen = found.strongest(channels)
    crop = network.explainer().crop(network.image(picture))
    alone = norm.bias**-norm.beta
    text = (
        f"{shortened(picture.name, 40)}: the {len(chosen)} maps of most energy before "
        f"and after {NORM}, on one scale, and what it multiplies activations by (0 to "
        f"k^-beta = {alone:.3f}, that of an activation whose neighbours are 0; white: "
        f"where it is 0 itself). k = {norm.bias:g}, alpha = {norm.alpha:g} a term, "
        f"beta = {norm.beta:g}."
    )
    caption = Caption.of(text, "lrn", paths, channels=channels)
    size = (1.9 * (len(chosen) + 1) + 0.6, 5.8)
    with captioned_figure(out, *size, caption) as figure:
        draw_maps(figure, crop, found, chosen, alone)


def _norm(network: "TrainedNetwork"):
    names = [layer.name for layer in network.model.layers]
    if NORM not in names:
        raise UserError(
            f"Expected a network with a layer {NORM}, got {network.path}, preset "
            f"{network.config.preset.name}, without one. Take one with an LRN after "
            "conv1."
        )
    return network.model.get_layer(NORM)


def normalised(network: "TrainedNetwork", picture: Path) -> Normalised:
    """Return what a network's norm1 is given of a picture, and what it gives."""
    import keras

    layer = network.model.get_layer(NORM)
    both = keras.Model(network.model.input, [layer.input, layer.output])
    images = network.image(picture)[None]
    before, after = (maps.numpy()[0] for maps in both(images, training=False))
    return Normalised(before, after)


def draw_maps(
    figure: "Figure",
    crop: np.ndarray,
    found: Normalised,
    chosen: np.ndarray,
    alone: float,
) -> None:
    """Draw a column a channel: before, after, ratio; before them the picture.

    Args:
        figure: Where.
        crop: uint8 `(size, size, 3)`: what the network saw.
        found: The maps.
        chosen: int `(channels,)`.
        alone: Largest ratio there can be.
    """
    rows = [found.before[..., chosen], found.after[..., chosen]]
    low, high = min(each.min() for each in rows), max(each.max() for each in rows)
    rows.append(found.ratio()[..., chosen])
    scales = [(low, high), (low, high), (0, alone)]
    grid = figure.subplots(3, len(chosen) + 1, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    grid[0, 0].imshow(crop)
    grid[0, 0].set_title("picture", size=9)
    for row, (maps, (least, most)) in enumerate(zip(rows, scales, strict=True)):
        name = ("before", "after", "ratio")[row]
        for column in range(len(chosen)):
            axes = grid[row, column + 1]
            image = axes.imshow(
                maps[..., column],
                cmap=MAPS,
                vmin=least,
                vmax=most,
                interpolation="nearest",
            )
            title = f"channel {chosen[column] + 1}, {name}" if row == 0 else name
            axes.set_title(title, size=8)
        if row > 0:  # the first two have one scale
            of = grid[:2] if row == 1 else grid[2:]
            figure.colorbar(image, ax=list(of.flat), shrink=0.9)
