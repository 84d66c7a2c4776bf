import numpy as np
import pytest
from PIL import Image

from keras_alexnet.data.sample import sample_classes
from keras_alexnet.figures.samples import GAP, TEXT, draw
from tests import small
from tests.keras_alexnet.figures.conftest import texts
from tfrecords.errors import UserError


def test_pictures_are_drawn_pixel_by_pixel(dataset, drawn, tmp_path):
    options = {"split": "validation", "count": 3, "seed": 5}
    draw([dataset], tmp_path / "out.png", **options)
    with Image.open(tmp_path / "out.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    stored = sample_classes(dataset, classes=range(3), **options)
    side = small.STORED
    for label in range(3):
        assert len(stored[label]) == 3
        for column, picture in enumerate(stored[label]):
            top, left = GAP + label * (side + GAP), TEXT + column * (side + GAP)
            assert (pixels[top : top + side, left : left + side] == picture).all()
    counts = "label {}, {}"
    lines = [text.split("\n") for text in texts(drawn[0])]
    assert [name for name, _ in lines] == [*small.CLASSES]
    assert [line for _, line in lines] == [counts.format(n, 4) for n in range(3)]


def test_small_pictures_are_enlarged_pixel_by_pixel(other, tmp_path):
    data = other(size=40, per_class=2, validation_fraction=0)
    draw([data], tmp_path / "out.png", count=1)
    with Image.open(tmp_path / "out.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    stored = sample_classes(data, split="train", classes=[0], count=1, seed=0)[0][0]
    enlarged = stored.repeat(2, axis=0).repeat(2, axis=1)
    assert (pixels[GAP : GAP + 80, TEXT : TEXT + 80] == enlarged).all()


def test_some_classes_are_drawn_by_the_seed(dataset, drawn, tmp_path):
    for seed in range(6):
        options = {"count": 1, "classes": 2, "seed": seed}
        draw([dataset], tmp_path / "out.png", **options)
    rows = [tuple(text.split("\n")[0] for text in texts(figure)) for figure in drawn]
    assert all(row == tuple(sorted(row)) for row in rows) and len({*rows}) > 1
    assert "2 of 3 classes of split train" in drawn[0].texts[0].get_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": 0}, "count"),
        ({"classes": 0}, "classes"),
        ({"seed": -1}, "seed"),
        ({"split": "none"}, "a split 'none'"),
        ({"count": 1000}, "at most 32768 pixels a side, got 76154 x 232"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, said, dataset, tmp_path):
    with pytest.raises(UserError, match=said):
        draw([dataset], tmp_path / "out.png", **options)
