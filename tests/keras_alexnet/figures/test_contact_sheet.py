import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from keras_alexnet.figures.caption import LINE, MARGIN, Caption
from keras_alexnet.figures.contact_sheet import (
    DPI,
    GAP,
    SIDE,
    TEXT,
    draw_square,
    new_sheet,
    squares,
)
from tests import small
from tfrecords.errors import UserError

CAPTION = Caption("What it shows.", "alexnet")


def test_squares_are_the_centres_of_what_can_be_read(tmp_path):
    wide = np.zeros((64, 192, 3), np.uint8)
    wide[:, 64:128] = (200, 10, 30)
    found = squares([wide, b"no picture", tmp_path / "gone.png", small.encode(wide)])
    assert found[1] is None and found[2] is None
    for square in (found[0], found[3]):
        assert square.shape == (SIDE, SIDE, 3) and square.dtype == np.uint8
        inside = square[8:-8, 8:-8].astype(int)
        # A JPEG moves colours by a few levels.
        assert np.abs(inside - (200, 10, 30)).max() <= 4


def test_pictures_are_turned_unless_they_are_stored():
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[: SIDE // 2] = 255  # the upper half
    exif, encoded = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = 3  # upside down
    Image.fromarray(pixels).save(encoded, "PNG", exif=exif)
    (turned,) = squares([encoded.getvalue()])
    (stored,) = squares([encoded.getvalue()], apply_exif=False)
    np.testing.assert_array_equal(stored, pixels)
    np.testing.assert_array_equal(turned, pixels[::-1])


def test_a_sheet_is_in_pixels_and_has_pictures_where_they_are_put(tmp_path):
    out, width = tmp_path / "new" / "sheet.png", 2 * (SIDE + GAP) + GAP
    square = np.full((SIDE, SIDE, 3), (0, 160, 0), np.uint8)
    with new_sheet(out, width, 1, CAPTION) as axes:
        draw_square(axes, GAP, GAP, square, ["a name"])
        draw_square(axes, 2 * GAP + SIDE, GAP, None, [])
    with Image.open(out) as image:
        pixels = np.asarray(image.convert("RGB"))
    strip = round((len(CAPTION.lines(width / DPI)) * LINE + MARGIN) * DPI)
    height = SIDE + TEXT + GAP
    assert pixels.shape == (height + strip, width, 3)
    pixels = pixels[:height]
    assert (
        pixels[GAP + 2 : GAP + SIDE - 2, GAP + 2 : GAP + SIDE - 2] == (0, 160, 0)
    ).all()
    empty = pixels[GAP + 2 : GAP + SIDE - 2, 2 * GAP + SIDE + 2 : -GAP - 2]
    assert (empty == 255).all()
    under = pixels[GAP + SIDE + 2 : -2]
    assert (under[:, : GAP + SIDE] < 128).any()
    assert (under[:, GAP + SIDE :] == 255).all()


def test_a_sheet_that_cannot_be_drawn_is_an_error(tmp_path):
    with pytest.raises(UserError, match="got sheet.docx"):
        with new_sheet(tmp_path / "sheet.docx", 200, 1, CAPTION):
            pass
