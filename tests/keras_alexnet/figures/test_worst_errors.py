import numpy as np
import pytest
from PIL import Image

from keras_alexnet.evaluation.worst import WorstError
from keras_alexnet.figures import worst_errors
from keras_alexnet.figures.contact_sheet import GAP, SIDE, TEXT
from keras_alexnet.figures.worst_errors import COLUMNS, check_worst_sheet, draw_worst
from keras_alexnet.inference.named_pictures import NamedPicture
from tests import small
from tfrecords.errors import UserError

NAMES = ["blue", "green", "a$x$_ red"]


def worst(place, level, raw=True, probability=0.5):
    pixels = np.full((40, 40, 3), level, np.uint8)
    picture = pixels if raw else small.encode(pixels)
    named = NamedPicture(f"val/{place}.jpg", picture, 2)
    return WorstError(place, 2, 0, probability, named)


def drawn(errors, out):
    draw_worst(errors, NAMES, out)
    with Image.open(out) as image:
        return np.asarray(image.convert("L")).astype(int)


def test_pictures_stand_row_by_row_as_they_are_stored(tmp_path):
    levels = [20 * n for n in range(COLUMNS + 2)]
    errors = [worst(n, level, raw=n % 2) for n, level in enumerate(levels)]
    pixels = drawn(errors, tmp_path / "sheet.png")
    assert pixels.shape == (2 * (SIDE + TEXT) + GAP, COLUMNS * (SIDE + GAP) + GAP)
    for place, level in enumerate(levels):
        row, column = divmod(place, COLUMNS)
        left, top = GAP + column * (SIDE + GAP), GAP + row * (SIDE + TEXT)
        inside = pixels[top + 4 : top + SIDE - 4, left + 4 : left + SIDE - 4]
        # One level of a grey JPEG, and one of the two roundings to grey.
        assert np.abs(inside - level).max() <= 2
        assert (pixels[top + SIDE :][:TEXT, left : left + SIDE] < 128).any()
    assert (pixels[GAP + SIDE + TEXT :, 2 * (SIDE + GAP) + GAP :] == 255).all()


def test_few_pictures_make_a_narrow_sheet_and_the_same_bytes(tmp_path):
    errors = [worst(0, 100), worst(1, 50)]
    assert drawn(errors, tmp_path / "one.png").shape[1] == 2 * (SIDE + GAP) + GAP
    drawn(errors, tmp_path / "two.png")
    one, two = ((tmp_path / n).read_bytes() for n in ("one.png", "two.png"))
    assert one == two


@pytest.mark.parametrize(
    ("probability", "said"), [(0.9949, "99%"), (0.996, ">99%"), (0.126, "13%")]
)
def test_the_lines_say_what_it_is_and_what_was_guessed(probability, said):
    error = worst(7, 0, probability=probability)
    lines = ["a$x$_ red", f"guess: blue {said}", "7.jpg"]
    assert worst_errors._lines(error, NAMES) == lines
    long = ["b" * 40, "", "r" * 40]
    assert max(map(len, worst_errors._lines(error, long))) == 26


def test_what_cannot_be_drawn_is_refused(tmp_path):
    check_worst_sheet(tmp_path / "sheet.svg", 300)
    with pytest.raises(UserError, match="worst_count .* from 1 to 300, got 301"):
        check_worst_sheet(tmp_path / "sheet.svg", 301)
    with pytest.raises(UserError, match="got sheet.docx"):
        check_worst_sheet(tmp_path / "sheet.docx", 1)
    with pytest.raises(UserError, match="there is none: .*sheet.png is not written"):
        draw_worst([], NAMES, tmp_path / "sheet.png")
    assert not list(tmp_path.iterdir())
