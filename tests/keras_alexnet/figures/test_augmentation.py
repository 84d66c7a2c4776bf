import numpy as np
import pytest
from PIL import Image

from keras_alexnet.data import train_dataset
from keras_alexnet.data.mean import mean_patch
from keras_alexnet.figures.augmentation import draw, present, read_stored
from tests import small
from tfrecords import Manifest, Statistics
from tfrecords.errors import UserError

RECIPES = {
    "jpeg": [{}, {"colour_noise": None, "flip": False}, {"random_crop": False}],
    "raw": [{"colour_noise": "eigenvalue", "mean": "channel", "seed": 3}],
}


@pytest.mark.parametrize("encoding", RECIPES)
def test_images_are_those_of_training_to_the_bit(dataset, other, encoding):
    data = dataset if encoding == "jpeg" else other(encoding=encoding, per_class=4)
    count = Manifest.load(data).count("train")
    statistics = Statistics.load(data / "statistics.npz")
    for fields in RECIPES[encoding]:
        preset = small.preset(**fields)
        names = ("seed", "random_crop", "flip", "colour_noise", "mean")
        options = {name: getattr(preset.recipe, name) for name in names}
        sizes = {"batch_size": count, "input_size": small.INPUT, "epochs": 2}
        trained = [
            {image.tobytes() for image in images.numpy()}
            for images, _ in train_dataset(data, **sizes, **options)
        ]
        for example in (0, 3, count - 1):
            stored = read_stored(data, "train", example, small.INPUT)
            shown = present(stored, statistics, preset, example, (0, 1))
            for epoch, each in enumerate(shown):
                assert each.image.tobytes() in trained[epoch]
            assert shown[0].image.tobytes() not in trained[1]


def test_what_is_said_of_a_crop_is_where_it_was_cut(dataset):
    stored = read_stored(dataset, "train", 4, small.INPUT)
    whole = stored.cut(np.zeros(2, np.int32), stored.side).astype(np.float32)
    preset = small.preset(colour_noise=None)
    statistics = Statistics.load(dataset / "statistics.npz")
    patch = mean_patch(statistics, small.INPUT)
    seen = set()
    for each in present(stored, statistics, preset, 4, range(12)):
        row, column = each.corner
        crop = whole[row : row + small.INPUT, column : column + small.INPUT]
        crop = crop[:, ::-1] if each.mirrored else crop
        # The last column's colour is decoded without what lies beyond.
        inside = np.abs(each.image + patch - crop)[1:-1, 1:-1]
        assert inside.max() < 1e-3 and (each.shift == 0).all()
        seen |= {each.mirrored, row}
    assert {True, False} < seen and len(seen) > 4


def test_a_sheet_shows_the_picture_and_then_the_epochs(dataset, run, drawn, tmp_path):
    options = {"example": 2, "count": 4, "seed": 9}
    draw([dataset, run], tmp_path / "out.png", **options)
    first, *others = drawn[0].axes[:5]
    stored = read_stored(dataset, "train", 2, small.INPUT)
    whole = stored.cut(np.zeros(2, np.int32), stored.side)
    assert (first.images[0].get_array() == whole).all()
    statistics = Statistics.load(dataset / "statistics.npz")
    shown = present(stored, statistics, small.preset(seed=9), 2, range(4))
    patch = mean_patch(statistics, small.INPUT)
    for epoch, (axes, each) in enumerate(zip(others, shown, strict=True)):
        pixels = np.rint(np.clip(each.image + patch, 0, 255)).astype(np.uint8)
        assert (axes.images[0].get_array() == pixels).all()
        place = "epoch {}: row {}, column {}\n".format(epoch, *each.corner)
        assert axes.get_title().startswith(place)
        assert axes.get_title().endswith(", mirrored") == each.mirrored
    assert not drawn[0].axes[5].has_data()
    row, column = shown[0].corner
    outline = first.lines[0].get_xydata()
    assert outline.min(0).tolist() == [column - 0.5, row - 0.5]
    assert np.ptp(outline, axis=0).tolist() == [small.INPUT, small.INPUT]


def test_without_a_network_the_recipe_is_that_of_released(dataset, tmp_path):
    with pytest.raises(UserError, match="at least 224 pixels"):
        draw([dataset], tmp_path / "out.png")
    draw([dataset], tmp_path / "out.png", input_size=small.INPUT, count=1)
    with Image.open(tmp_path / "out.png") as image:
        assert image.format == "PNG"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": 0}, "count"),
        ({"count": 100}, "count"),
        ({"example": -1}, "example"),
        ({"example": 36}, "example from 0 to 35, got 36"),
        ({"seed": -1}, "seed"),
        ({"split": "none"}, "a split 'none'"),
        ({"input_size": 73}, "at least 73 pixels"),
    ],
)
def test_what_cannot_be_shown_is_refused(options, said, dataset, run, tmp_path):
    with pytest.raises(UserError, match=said):
        draw([dataset, run], tmp_path / "out.png", **options)
