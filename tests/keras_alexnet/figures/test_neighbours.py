import matplotlib
import numpy as np
import pytest
from PIL import Image

from keras_alexnet.figures import neighbours
from keras_alexnet.figures.contact_sheet import GAP, MOST_PICTURES, SIDE, TEXT
from keras_alexnet.figures.neighbours import check_sheet, draw_sheet
from tfrecords.errors import UserError

COLOURS = {"red": (200, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 240)}


@pytest.fixture
def answers(tmp_path):
    """Two queries with two neighbours each; a file is gone, a name is foreign."""
    names = {"red": "a$x$_\\b\udcff\n.png", "green": "g.png", "blue": "b" * 40 + ".png"}
    paths = {}
    for colour, name in names.items():
        path = tmp_path / name
        Image.new("RGB", (300, 200), COLOURS[colour]).save(tmp_path / "new.png")
        (tmp_path / "new.png").rename(path)
        paths[colour] = str(path)

    def near(file, distance, label=None):
        return {"file": file, "distance": distance, "row": 3, "label": label}

    gone = str(tmp_path / "gone.png")
    return [
        _answer(paths["red"], [near(paths["green"], 0.0), near(paths["blue"], 1.5)]),
        _answer(paths["blue"], [near(paths["red"], 2.25), near(gone, 3.0)]),
    ]


def _answer(file, found):
    return {"file": file, "neighbours": found, "error": ""}


def cell(pixels, row, column):
    """The pixels of a picture of the sheet."""
    top = GAP + row * (SIDE + TEXT)
    left = GAP + column * (SIDE + GAP) + (GAP if column else 0)
    return pixels[top : top + SIDE, left : left + SIDE]


def drawn(answers, out):
    draw_sheet(answers, out)
    with Image.open(out) as image:
        return np.asarray(image.convert("RGB"))


def test_each_picture_stands_in_its_place(answers, tmp_path):
    pixels = drawn(answers, tmp_path / "sheet.png")
    width, height = 3 * (SIDE + GAP) + 2 * GAP, 2 * (SIDE + TEXT) + GAP
    assert pixels.shape == (height, width, 3)
    expected = [["red", "green", "blue"], ["blue", "red", None]]
    for row, colours in enumerate(expected):
        for column, colour in enumerate(colours):
            inside = cell(pixels, row, column)[2:-2, 2:-2]
            assert (inside == COLOURS.get(colour, (255, 255, 255))).all()
            under = pixels[GAP + row * (SIDE + TEXT) + SIDE :][: TEXT - 2]
            left = GAP + column * (SIDE + GAP) + (GAP if column else 0)
            assert (under[:, left : left + SIDE] < 128).any()  # its name
    rim = cell(pixels, 1, 2)
    assert all((side < 255).any(-1).all() for side in (rim[1:-1, 0], rim[0, 1:-1]))


def test_what_has_a_label_is_no_file(answers, tmp_path):
    (near, other) = answers[0]["neighbours"]
    labelled = {**near, "label": 2}
    changed = [{**answers[0], "neighbours": [labelled, other]}]
    pixels = drawn(changed, tmp_path / "sheet.png")
    assert (cell(pixels, 0, 1)[2:-2, 2:-2] == 255).all()
    assert (cell(pixels, 0, 2)[2:-2, 2:-2] == COLOURS["blue"]).all()


def test_the_lines_under_a_picture_are_short_and_in_plain_text(answers):
    query, found = answers[0], answers[0]["neighbours"]
    assert neighbours._texts(query) == ["a$x$_\\b\\xff\\n.png"]
    assert neighbours._texts(found[1]) == [f"{'b' * 10}…{'b' * 7}.png", "1.5"]
    labelled = {**found[0], "label": 7}
    assert neighbours._texts(labelled) == ["g.png", "0, label 7, row 3"]


@pytest.mark.parametrize("ending", [".png", ".svg", ".PDF"])
def test_the_same_pictures_give_the_same_bytes(answers, tmp_path, ending):
    one, other = tmp_path / f"one{ending}", tmp_path / "deep" / f"other{ending}"
    draw_sheet(answers, one)
    with matplotlib.rc_context({"text.usetex": True, "svg.hashsalt": "mine"}):
        draw_sheet(answers, other)
    assert one.read_bytes() == other.read_bytes()
    answers[1]["neighbours"].reverse()
    draw_sheet(answers, other)
    assert one.read_bytes() != other.read_bytes()


def test_what_cannot_be_drawn_is_refused_before_the_search(tmp_path):
    check_sheet(tmp_path / "sheet.svg", MOST_PICTURES // 6, 5)
    with pytest.raises(UserError, match="at most 300 pictures .* 51 rows of 6"):
        check_sheet(tmp_path / "sheet.svg", MOST_PICTURES // 6 + 1, 5)
    with pytest.raises(UserError, match="got sheet.docx"):
        check_sheet(tmp_path / "sheet.docx", 1, 1)
