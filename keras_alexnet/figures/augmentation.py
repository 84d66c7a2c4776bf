"""What training makes of one picture (section 4.1)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_alexnet.figures.canvas import captioned_figure, check_picture_file
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.class_names import shortened
from keras_alexnet.presets import AnyPreset, find_preset
from tfrecords import Statistics
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.errors import UserError
from tfrecords.ranges import check_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes


MOST_IMAGES = 99
COLUMNS = 4


@dataclass(frozen=True, eq=False)
class Stored:
    """A picture of a dataset.

    Attributes:
        name: What its file was called.
        side: Rows and columns in pixels.
        cut: From the upper left corner of a crop (int32, row and column) and its side
            to uint8 `(side, side, 3)`, RGB, decoded as training does it.
    """

    name: str
    side: int
    cut: Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True, eq=False)
class Presentation:
    """What a network is shown of a picture in one epoch.

    Attributes:
        image: float32 `(size, size, 3)`, RGB of 0-255 scale, mean subtracted.
        corner: Row and column of the stored picture at which the crop begins.
        mirrored: Whether it is.
        shift: float32 `(3,)`: what the colour noise adds to R, G and B.
    """

    image: np.ndarray
    corner: tuple[int, int]
    mirrored: bool
    shift: np.ndarray


def draw(
    paths: Sequence[Path | str],
    out: Path | str,
    *,
    split: str = "train",
    example: int = 0,
    count: int = 15,
    seed: int | None = None,
    input_size: int | None = None,
) -> None:
    """Draw a stored picture and what training shows of it, one epoch after the other.

    Crop, mirror image and colour are those that training with the seed gives this
    picture in epochs 0, 1, 2 and so on, to the bit, where each picture has a crop of
    its own. The mean is added again, so that it can be looked at.

    Args:
        paths: A dataset folder, and after it, if you like, a network or run folder
            whose recipe is taken; else that of `released`.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).
        split: Split of the dataset.
        example: Place of the picture in the split, from 0.
        count: Epochs.
        seed: Of training; None: that of the recipe.
        input_size: Side of the crops in pixels; None: that of the network.

    Raises:
        UserError: A path is something else, a number is out of its range, the stored
            pictures are smaller than the crops, or the file cannot be written.
    """
    if not 1 <= len(paths) <= 2:
        raise UserError(f"Expected DATA [NETWORK], got {len(paths)} path(s).")
    check_count("example", example, 0)
    check_count("count", count, 1, MOST_IMAGES)
    check_count("seed", seed, 0)
    check_picture_file(Path(out))
    data = Path(paths[0])
    preset = _preset(paths[1:], seed, input_size)
    stored = read_stored(data, split, example, preset.input_size)
    statistics = Statistics.load(data / STATISTICS_FILE)
    shown = present(stored, statistics, preset, example, range(count))
    from keras_alexnet.data.mean import mean_patch

    patch = mean_patch(statistics, preset.input_size, preset.recipe.mean)
    options: dict[str, Any] = {"split": split, "example": example}
    options |= {"count": count, "seed": seed}
    caption = Caption.of(
        _text(stored, preset), "augmentation", paths, **options, input_size=input_size
    )
    rows = -(-(count + 1) // COLUMNS)
    with captioned_figure(out, 2 * COLUMNS, 2.25 * rows, caption) as figure:
        grid = figure.subplots(rows, COLUMNS, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        draw_stored(grid[0, 0], stored, shown, preset.input_size)
        for epoch, (axes, each) in enumerate(zip(grid.flat[1:], shown, strict=False)):
            axes.imshow(np.rint(np.clip(each.image + patch, 0, 255)).astype(np.uint8))
            axes.set_title(_title(epoch, each), size=7)


def read_stored(data: Path, split: str, example: int, input_size: int) -> Stored:
    """Read an example of a split.

    Raises:
        UserError: There is no such dataset, split or example, or its pictures are
            smaller than `input_size`.
    """
    import tensorflow as tf

    from keras_alexnet.data.record_reader import RecordReader
    from keras_alexnet.data.records import open_split
    from keras_alexnet.data.stored_picture import crop_reader
    from tfrecords.dataset.example import decode_example

    found = open_split(data, split, input_size)
    check_count("example", example, 0, found.count - 1)
    cut = crop_reader(found.manifest)
    with tf.device("CPU:0"):
        (serialized,) = RecordReader.of(found).read(tf.constant([example], tf.int64))
        record = decode_example(serialized.numpy())
    return Stored(
        record.filename,
        found.manifest.image_size,
        lambda corner, side: cut(record.encoded, corner, side).numpy(),
    )


def present(
    stored: Stored,
    statistics: Statistics,
    preset: AnyPreset,
    example: int,
    epochs: Iterable[int],
) -> list[Presentation]:
    """Return what training shows of a picture in some epochs.

    Args:
        stored: The picture.
        statistics: Of its dataset.
        preset: Whose input and recipe are taken; `crop_chunk` and the end of the colour
            noise, which some schedules have, are not.
        example: Its place in the split.
        epochs: Which, from 0.
    """
    return [_present(stored, statistics, preset, example, epoch) for epoch in epochs]


def _present(
    stored: Stored, statistics: Statistics, preset: AnyPreset, example: int, epoch: int
) -> Presentation:
    import tensorflow as tf

    from keras_alexnet.data import augment
    from keras_alexnet.data.mean import mean_patch
    from keras_alexnet.data.pixel_batch import PixelBatch

    recipe, size = preset.recipe, preset.input_size
    with tf.device("CPU:0"):
        place = (tf.constant(epoch, tf.int64), tf.constant(example, tf.int64))
        draws = augment.example_draws(recipe.seed, *place)
        corner = augment.crop_corner(draws, stored.side, size, recipe.random_crop)
        crop = tf.constant(stored.cut(corner, size))
        if recipe.flip:
            crop = augment.flip_half(crop, draws[2])
        batch = PixelBatch.without_noise(crop[None])
        if recipe.colour_noise is not None:
            spread = (statistics.stddevs, statistics.eigenvectors)
            form = recipe.colour_noise
            offset = augment.colour_offset(draws[3:], *spread, form=form)
            noise = augment.scaled_noise(offset[None], form)
            batch = PixelBatch(crop[None], *noise)
        image = batch.normalized(mean_patch(statistics, size, recipe.mean))[0]
    row, column = corner.numpy().tolist()
    mirrored = bool(recipe.flip and draws[2].numpy() < 0.5)
    return Presentation(
        image.numpy(), (row, column), mirrored, batch.offsets[0].numpy()
    )


def draw_stored(
    axes: "Axes", stored: Stored, shown: Sequence[Presentation], size: int
) -> None:
    """Draw the stored picture, the outline of the first crop, the middles of all."""
    axes.imshow(stored.cut(np.zeros(2, np.int32), stored.side))
    top, left = shown[0].corner
    across = np.subtract([left, left + size, left + size, left, left], 0.5)
    down = np.subtract([top, top, top + size, top + size, top], 0.5)
    middles = np.array([each.corner for each in shown]) + (size - 1) / 2
    for colour, width in (("black", 2.5), ("white", 1.0)):
        axes.plot(across, down, colour, linewidth=width)
        axes.scatter(
            *(middles[:, 1], middles[:, 0]), marker="+", c=colour, s=20, linewidth=width
        )
    axes.set(xlim=(-0.5, stored.side - 0.5), ylim=(stored.side - 0.5, -0.5))
    axes.set_title(f"stored, {stored.side} x {stored.side}", size=8, weight="bold")


def _title(epoch: int, each: Presentation) -> str:
    row, column = each.corner
    mirrored = ", mirrored" if each.mirrored else ""
    shift = " ".join(
        f"{name}{value:+.0f}" for name, value in zip("RGB", each.shift, strict=True)
    )
    return f"epoch {epoch}: row {row}, column {column}\n{shift}{mirrored}"


def _text(stored: Stored, preset: AnyPreset) -> str:
    recipe, size = preset.recipe, preset.input_size
    flips = "mirrored or not" if recipe.flip else "never mirrored"
    places = "" if recipe.random_crop else " at the centre"
    colours = "no colour noise"
    if recipe.colour_noise is not None:
        divided = (
            " (after the division by 1.1)" if recipe.colour_noise == "released" else ""
        )
        colours = (
            f"colour noise in the form {recipe.colour_noise!r}, whose R, G and B are "
            f"in grey levels{divided}"
        )
    return (
        f"{shortened(Path(stored.name).name, 60)} and what training with seed "
        f"{recipe.seed} shows of it, the mean added again: crops of {size} x {size} "
        f"pixels{places}, {flips}, {colours}. In the stored picture: the first crop, "
        "and the middles of all."
    )


def _preset(
    network: Sequence[Path | str], seed: int | None, input_size: int | None
) -> AnyPreset:
    """Return the preset whose recipe is taken, of a network or `released`."""
    preset: AnyPreset = find_preset("released")
    if network:
        from keras_alexnet.trained.config_file import read_config

        preset = read_config(network[0]).preset
    changed = {"seed": seed, "input_size": input_size}
    return preset.replace(**{n: v for n, v in changed.items() if v is not None})
